/* ui/view/data_search.c - going through a whole query: searching it, marking a part of it. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/win.h"

#define RANGE_ROWS 100000

struct range {
	const struct sd_data *d;
	const char *until;
	struct cJSON *keys;
	size_t n;
	bool met;
};

static bool in_range(void *ctx, struct cJSON *rec)
{
	struct range *r = ctx;
	char *key = sd_key_text(r->d->m, rec);
	bool ok = key && sd_json_push(r->keys, sd_json_string(key));

	r->met = ok && sd_str_eq(key, r->until);
	free(key);
	return ok && !r->met && ++r->n < RANGE_ROWS;
}

/* Keys of the rows between the cursor and the one of that key, both too; none: it is not there. */
bool sd_win_between(struct sd_src *src, struct sd_data *d, const char *until)
{
	struct range r = {.d = d, .until = until};
	char sort[160], *own = sd_key_text(d->m, sd_win_row(d));
	bool ok = own != NULL;

	for (int back = 1; ok && back >= 0 && !r.met; back--) {
		struct sd_api_query q;

		sd_json_free(r.keys);
		r.keys = sd_json_array();
		r.n = 0;
		sd_win_query(d, &q, sort);
		q.after = sd_win_row(d);
		q.backwards = back;
		ok = sd_win_read(src, &q, in_range, &r);
	}
	if (ok && !r.met && sd_str_eq(own, until)) {
		sd_json_free(r.keys);
		r.keys = sd_json_array();
		r.met = true;
	}
	if (ok && r.met) {
		sd_json_push(r.keys, sd_json_string(own));
		src->keys = r.keys;
		r.keys = NULL;
	}
	sd_json_free(r.keys);
	free(own);
	return ok;
}

/* ---- search ---- */

static bool has_capital(const char *s)
{
	for (; *s; s++)
		if (*s >= 'A' && *s <= 'Z')
			return true;
	return false;
}

struct search {
	const struct sd_data *d;
	const char *text;
	bool exact;
	int64_t seen;
	struct cJSON *hit; /* owned */
};

static bool matches(const struct search *s, const struct cJSON *rec)
{
	bool hit = false;

	for (size_t i = 0; i < s->d->m->field_count && !hit; i++) {
		const struct sd_field *f = &s->d->m->fields[i];
		struct sd_buf b = SD_BUF_INIT;

		if (!f->stored)
			continue;
		sd_show_value(sd_json_get(rec, f->name), &b);
		hit = s->exact ? strstr(sd_buf_text(&b), s->text) != NULL
			       : strcasestr(sd_buf_text(&b), s->text) != NULL;
		sd_buf_release(&b);
	}
	return hit;
}

static bool look(void *ctx, struct cJSON *rec)
{
	struct search *s = ctx;

	s->seen++;
	if (!matches(s, rec))
		return true;
	s->hit = sd_json_dup(rec);
	return false;
}

static bool search_from(
	struct sd_src *src, struct search *s, const struct cJSON *from, bool backwards)
{
	struct sd_api_query q;
	char sort[160];

	sd_win_query(s->d, &q, sort);
	q.after = from;
	q.backwards = backwards;
	s->seen = 0;
	return sd_win_read(src, &q, look, s);
}

/* The next row with that text, from the cursor on and around the end once: into d->found. */
bool sd_win_find(struct sd_src *src, struct sd_data *d, const char *text, int step)
{
	struct cJSON *from = sd_json_dup(sd_win_row(d));
	int64_t pos = d->top_pos >= 0 ? d->top_pos + d->at : -1;
	struct search s = {.d = d, .text = text, .exact = has_capital(text)};
	bool known = pos >= 0, ok = from && search_from(src, &s, from, step < 0);

	src->around = false;
	sd_json_free(from);
	if (ok && !s.hit) {
		src->around = true;
		known = step > 0 || d->total >= 0;
		pos = step > 0 ? -1 : d->total;
		ok = search_from(src, &s, NULL, step < 0);
	}
	if (!ok) {
		sd_json_free(s.hit);
		return false;
	}
	src->hit = s.hit != NULL;
	src->seen = s.seen;
	sd_json_free(d->found);
	d->found = s.hit;
	d->found_pos = known ? pos + (int64_t)step * s.seen : -1;
	return true;
}

void sd_win_search(struct sd_ui *ui, struct sd_data *d, int step)
{
	struct sd_win_op op = {.kind = SD_WIN_SEARCH, .by = step};

	if (!d->search || !*d->search || !sd_win_row(d)) {
		sd_say(ui, SD_SAY_INFO, "Nothing to search for; / asks.");
		return;
	}
	op.text = sd_strdup_n(d->search, strlen(d->search));
	if (op.text)
		sd_win_go(ui, d, &op);
}

void sd_win_mark_to(struct sd_ui *ui, struct sd_data *d, const char *key)
{
	struct sd_win_op op = {.kind = SD_WIN_MARK, .text = sd_strdup_n(key, strlen(key))};

	if (op.text)
		sd_win_go(ui, d, &op);
}
