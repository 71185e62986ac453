/* ui/view/data_search.c - going through a whole query: searching it, marking a part of it. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/data.h"

#define KEYS_EVERY 500 /* rows a search looks at before it looks for a key */

#define RANGE_ROWS 100000

struct range {
	const struct sd_data *d;
	const char *until;
	char **key; /* owned, each too */
	size_t n, room;
	bool met;
};

static bool in_range(void *ctx, struct cJSON *rec)
{
	struct range *r = ctx;

	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 256;
		char **more = realloc(r->key, room * sizeof *more);

		if (!more)
			return false;
		r->key = more;
		r->room = room;
	}
	r->key[r->n] = sd_key_text(r->d->m, rec);
	if (!r->key[r->n])
		return false;
	r->met = sd_str_eq(r->key[r->n++], r->until);
	return !r->met && r->n < RANGE_ROWS;
}

bool sd_win_mark_to(struct sd_ui *ui, struct sd_data *d, const char *key)
{
	struct range r = {.d = d, .until = key};
	char sort[160], *own = sd_key_text(d->m, sd_win_row(d));

	for (int back = 1; back >= 0 && !r.met; back--) {
		struct sd_api_query q;

		while (r.n)
			free(r.key[--r.n]);
		sd_win_query(d, &q, sort);
		q.after = sd_win_row(d);
		q.backwards = back;
		if (sd_api_query(ui->api, &q, in_range, &r, NULL) != SD_OK)
			break;
	}
	r.met = r.met || sd_str_eq(own, key);
	for (size_t i = 0; i < r.n; i++) {
		if (r.met)
			sd_map_put(&d->marks, r.key[i], d, NULL);
		free(r.key[i]);
	}
	if (r.met && own)
		sd_map_put(&d->marks, own, d, NULL);
	free(r.key);
	free(own);
	return r.met;
}

/* ---- search ---- */

static bool has_capital(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

static bool matches(const struct sd_data *d, const struct cJSON *rec, bool exact)
{
	bool hit = false;

	for (size_t i = 0; i < d->m->field_count && !hit; i++) {
		const struct sd_field *f = &d->m->fields[i];
		struct sd_buf b = SD_BUF_INIT;

		if (!f->stored)
			continue;
		sd_show_value(sd_json_get(rec, f->name), &b);
		hit = exact ? strstr(sd_buf_text(&b), d->search) != NULL
			    : strcasestr(sd_buf_text(&b), d->search) != NULL;
		sd_buf_release(&b);
	}
	return hit;
}

struct search {
	struct sd_ui *ui;
	const struct sd_data *d;
	bool exact, stopped;
	int64_t seen;
	struct cJSON *hit; /* owned */
};

/* One row of the one query a search is: a key pressed meanwhile ends it. */
static bool look(void *ctx, struct cJSON *rec)
{
	struct search *s = ctx;

	s->seen++;
	if (matches(s->d, rec, s->exact)) {
		s->hit = sd_json_dup(rec);
		return false;
	}
	s->stopped = s->seen % KEYS_EVERY == 0 && sd_ui_interrupted(s->ui);
	return !s->stopped;
}

static bool search_from(struct search *s, const struct cJSON *from, int step)
{
	struct sd_api_query q;
	struct sd_error e = {0};
	char sort[160];

	sd_win_query(s->d, &q, sort);
	q.after = from;
	q.backwards = step < 0;
	s->seen = 0;
	if (sd_api_query(s->ui->api, &q, look, s, &e) == SD_OK)
		return true;
	sd_say_error(s->ui, &e);
	return false;
}

void sd_win_search(struct sd_ui *ui, struct sd_data *d, int step)
{
	struct cJSON *from = sd_json_dup(sd_win_row(d));
	int64_t pos = d->top_pos >= 0 ? d->top_pos + d->at : -1;
	struct search s = {.ui = ui, .d = d};
	bool around = false, ok;

	if (!d->search || !*d->search || !from) {
		sd_json_free(from);
		sd_say(ui, SD_SAY_INFO, "Nothing to search for; / asks.");
		return;
	}
	s.exact = has_capital(d->search);
	ok = search_from(&s, from, step);
	sd_json_free(from);
	if (ok && !s.hit && !s.stopped) {
		around = true;
		pos = step > 0 ? -1 : d->total;
		ok = search_from(&s, NULL, step);
	}
	if (s.hit) {
		bool known = around ? step > 0 || d->total >= 0 : pos >= 0;

		sd_win_seek(ui, d, s.hit, known ? pos + (int64_t)step * s.seen : -1);
		sd_json_free(s.hit);
		if (around)
			sd_say(ui, SD_SAY_INFO, "Found behind the %s.", step > 0 ? "end" : "start");
	} else if (s.stopped) {
		sd_say(ui, SD_SAY_INFO, "Search stopped by a key after %lld rows.",
			(long long)s.seen);
	} else if (ok) {
		sd_say(ui, SD_SAY_WARN, "No row has \"%s\".", d->search);
	}
}
