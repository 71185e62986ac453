/* ui/view/detail.c - one record, field by field: what it is here, what the server has, and what it
 * is linked to.  Enter on a link jumps, C-o comes back (U-32). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"
#include "ui/view/data.h"

#define LINK_MS 3 /* what a look at another record may take */

static void add(struct sd_data *d, enum sd_role r, int tag, bool whole, const char *s)
{
	size_t first = d->detail.n;

	if (whole)
		sd_text_add_wrapped(&d->detail, r, d->detail_width, 2, s, strlen(s));
	else
		sd_text_add(&d->detail, r, s);
	for (size_t i = first; i < d->detail.n; i++)
		d->detail.line[i].tag = tag;
}

static int name_width(const struct sd_model *m)
{
	size_t most = 8;

	for (size_t i = 0; i < m->field_count; i++) {
		size_t n = strlen(m->fields[i].name);

		if (n > most)
			most = n;
	}
	return most > 16 ? 16 : (int)most;
}

struct one {
	struct cJSON *rec;
};

static bool take_one(void *ctx, struct cJSON *rec)
{
	struct one *o = ctx;

	o->rec = sd_json_dup(rec);
	return false;
}

/* The filter text for the rows at the other end: remote columns equal ours.  false: a local
 * column is null, so there is no link. */
static bool link_where(const struct sd_field *f, const struct cJSON *rec, struct sd_buf *out)
{
	for (size_t i = 0; i < f->join_count; i++) {
		const struct cJSON *v = sd_json_get(rec, f->local[i]);

		if (sd_json_is_null(v))
			return false;
		if (i)
			sd_buf_str(out, " and ");
		sd_where_eq(f->remote[i], v, out);
	}
	return f->join_count > 0;
}

static void link_text(struct sd_ui *ui, struct sd_data *d, const struct sd_field *f,
	const struct cJSON *rec, struct sd_buf *out)
{
	struct sd_buf where = SD_BUF_INIT;
	struct one o = {NULL};

	if (!link_where(f, rec, &where)) {
		sd_buf_str(out, "--");
	} else if (!d->detail_full) {
		sd_buf_fmt(out, "> %s", f->model->name);
	} else if (f->list) {
		struct sd_api_query q = {.model = f->model->name,
			.where = sd_buf_text(&where),
			.within_ms = LINK_MS};
		int64_t n = -1;

		if (sd_api_count(ui->api, &q, &n, NULL) == SD_OK)
			sd_buf_fmt(out, "> %lld %s", (long long)n, f->model->name);
		else
			sd_buf_fmt(out, "> %s", f->model->name);
	} else {
		struct sd_api_query q = {.model = f->model->name,
			.where = sd_buf_text(&where),
			.limit = 1,
			.within_ms = LINK_MS};
		enum sd_err rc = sd_api_query(ui->api, &q, take_one, &o, NULL);

		if (rc == SD_OK && o.rec) {
			sd_buf_fmt(out, "> %s ", f->model->name);
			sd_show_record(f->model, o.rec, out);
		} else if (rc == SD_CANCELLED) {
			sd_buf_fmt(out, "> %s", f->model->name);
		} else {
			sd_buf_fmt(out, "! %s is not here", f->model->name);
		}
	}
	sd_json_free(o.rec);
	sd_buf_release(&where);
}

static void add_field(struct sd_ui *ui, struct sd_data *d, size_t i, const struct cJSON *rec,
	const struct cJSON *server, int w)
{
	const struct sd_field *f = &d->m->fields[i];
	const struct cJSON *mine = sd_json_get(rec, f->name), *theirs;
	struct sd_buf b = SD_BUF_INIT;
	enum sd_role role = f->read_only ? SD_R_DIM : SD_R_TEXT;
	bool differs;

	if (f->kind == SD_K_MODEL) {
		sd_buf_fmt(&b, "%-*.*s   ", w, w, f->name);
		link_text(ui, d, f, rec, &b);
		add(d, SD_R_LINK, (int)i + 1, false, sd_buf_text(&b));
		sd_buf_release(&b);
		return;
	}
	if (!f->stored)
		return;
	theirs = sd_json_get(server, f->name);
	differs = server && !f->read_only && !sd_json_equal(mine, theirs, true);
	sd_buf_fmt(&b, "%-*.*s %s ", w, w, f->name, differs ? "*" : " ");
	sd_show_field(f, rec, false, &b);
	add(d, differs ? SD_R_UNSENT : role, (int)i + 1, d->wrap, sd_buf_text(&b));
	if (differs) {
		sd_buf_reset(&b);
		sd_buf_fmt(&b, "%*s   ", w, "server");
		sd_show_field(f, server, false, &b);
		add(d, SD_R_DIM, (int)i + 1, d->wrap, sd_buf_text(&b));
	}
	sd_buf_release(&b);
}

static void add_state(struct sd_data *d, const struct cJSON *rec, int w)
{
	const char *state = sd_json_get_str(rec, "_state");
	char t[SD_TIME_TEXT];
	enum sd_role role;
	char mark = sd_state_mark(state, &role);
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "%-*s %c %s", w, "_state", mark, state ? state : "");
	if (sd_str_eq(state, "pending") || sd_str_eq(state, "refused"))
		sd_buf_str(&b, "  (o opens its outbox entry)");
	else if (sd_str_eq(state, "conflict"))
		sd_buf_str(&b, "  (o opens the conflict)");
	add(d, role, 0, false, sd_buf_text(&b));
	sd_buf_reset(&b);
	sd_show_ago(sd_json_get_i64(rec, "_lastChangedAt", 0), t);
	sd_buf_fmt(&b, "%-*s   ", w, "_version");
	sd_show_value(sd_json_get(rec, "_version"), &b);
	sd_buf_fmt(&b, "  changed %s", t);
	add(d, SD_R_DIM, 0, false, sd_buf_text(&b));
	sd_buf_release(&b);
}

void sd_detail_build(struct sd_ui *ui, struct sd_data *d, int width)
{
	struct cJSON *rec = sd_win_row(d), *copies = NULL;
	const struct cJSON *server;
	const char *state;
	char *key = d->m ? sd_key_text(d->m, rec) : NULL;
	bool quick = sd_ui_interrupted(ui); /* links are looked up when the person rests */
	int w;

	if (d->detail_key && sd_str_eq(key, d->detail_key) && d->detail_width == width &&
		d->detail_full) {
		free(key);
		return;
	}
	if (!sd_str_eq(key, d->detail_key) && d->detail_key && d->pane != SD_P_DETAIL)
		d->detail_at.at = d->detail_at.top = 0;
	free(d->detail_key);
	d->detail_key = key;
	d->detail_width = width;
	d->detail_full = !quick;
	sd_text_reset(&d->detail);
	if (!rec || !key)
		return;
	state = sd_json_get_str(rec, "_state");
	if (state && strcmp(state, "synced") != 0 && strcmp(state, "local") != 0 &&
		sd_api_copies(ui->api, d->m->name, key, &copies, NULL) != SD_OK)
		copies = NULL;
	server = sd_json_get(copies, "server");
	if (!sd_json_is_object(server))
		server = NULL;
	w = name_width(d->m);
	for (size_t i = 0; i < d->m->field_count; i++)
		add_field(ui, d, i, rec, server, w);
	add_state(d, rec, w);
	sd_json_free(copies);
	if (quick)
		ui->dirty = true;
}

/* ---- following links ---- */

static bool picked(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	const struct sd_model *m = ctx;

	(void)i;
	sd_data_show(ui, m->name, value, NULL);
	return true;
}

struct gather {
	const struct sd_model *m;
	char **label, **value;
	size_t n, room;
};

static bool gather(void *ctx, struct cJSON *rec)
{
	struct gather *g = ctx;
	struct sd_buf b = SD_BUF_INIT;

	if (g->n == g->room)
		return false;
	sd_buf_ch(&b, ' ');
	sd_show_record(g->m, rec, &b);
	g->value[g->n] = sd_key_text(g->m, rec);
	g->label[g->n] = sd_buf_take(&b);
	if (g->label[g->n] && g->value[g->n])
		g->n++;
	return true;
}

/* Many-to-many: the records behind the join records, to choose from. */
static void follow_many(struct sd_ui *ui, struct sd_data *d, const struct sd_field *f)
{
	const struct sd_model *far = NULL;
	struct gather g = {.room = 1000};
	struct sd_error e = {0};
	char title[200];

	for (size_t i = 0; i < f->model->field_count; i++) {
		const struct sd_field *j = &f->model->fields[i];

		if (j->kind == SD_K_MODEL && j->model != d->m)
			far = j->model;
	}
	g.m = far ? far : d->m;
	g.label = calloc(g.room, sizeof *g.label);
	g.value = calloc(g.room, sizeof *g.value);
	if (g.label && g.value &&
		sd_api_related(ui->api, d->m->name, d->detail_key, f->name, gather, &g, &e) ==
			SD_OK) {
		const struct sd_pick_opts o = {.title = title,
			.label = g.label,
			.value = g.value,
			.count = g.n,
			.done = picked,
			.ctx = (void *)(uintptr_t)g.m};

		snprintf(title, sizeof title, "%s: %s", f->name, g.m->name);
		if (g.n) {
			sd_pick_list(ui, &o);
			return;
		}
		sd_say(ui, SD_SAY_INFO, "%s: nothing is linked.", f->name);
	} else {
		sd_say_error(ui, &e);
	}
	free(g.label);
	free(g.value);
}

static void follow_one(struct sd_ui *ui, const struct sd_field *f, const char *where)
{
	struct sd_api_query q = {.model = f->model->name, .where = where, .limit = 1};
	struct one o = {NULL};
	char *key;

	if (sd_api_query(ui->api, &q, take_one, &o, NULL) != SD_OK || !o.rec) {
		sd_say(ui, SD_SAY_WARN,
			"%s: that %s is not on this device (not synced yet, or deleted).", f->name,
			f->model->name);
		return;
	}
	key = sd_key_text(f->model, o.rec);
	sd_data_show(ui, f->model->name, key, NULL);
	free(key);
	sd_json_free(o.rec);
}

static void tell_value(struct sd_ui *ui, const struct sd_field *f, const struct cJSON *rec)
{
	const struct cJSON *v = sd_json_get(rec, f->name);
	struct sd_buf b = SD_BUF_INIT;

	if (sd_json_is_object(v) || sd_json_is_array(v))
		sd_json_print_pretty(v, &b);
	else
		sd_show_value(v, &b);
	sd_tell(ui, f->name, sd_buf_text(&b));
	sd_buf_release(&b);
}

void sd_detail_follow(struct sd_ui *ui, struct sd_data *d)
{
	const struct cJSON *rec = sd_win_row(d);
	const struct sd_field *f, *rel;
	struct sd_buf where = SD_BUF_INIT;
	int tag;

	if (!rec || d->detail_at.at >= (int)d->detail.n)
		return;
	tag = d->detail.line[d->detail_at.at].tag;
	if (!tag) {
		sd_ui_do(ui, SD_ACT_OPEN_RECORD);
		return;
	}
	f = &d->m->fields[tag - 1];
	rel = f->kind == SD_K_MODEL ? f : sd_model_relation_of(d->m, f);
	if (!rel || sd_model_is_key(d->m, f)) {
		tell_value(ui, f, rec);
	} else if (!link_where(rel, rec, &where)) {
		sd_say(ui, SD_SAY_INFO, "%s links to nothing.", rel->name);
	} else if (rel->list && rel->model->join) {
		follow_many(ui, d, rel);
	} else if (rel->list) {
		sd_data_show(ui, rel->model->name, NULL, sd_buf_text(&where));
	} else {
		follow_one(ui, rel, sd_buf_text(&where));
	}
	sd_buf_release(&where);
}
