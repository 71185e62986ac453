/*
 * core/sync/page.c - one page of a run: its good rows into the store, its bad ones into the
 * quarantine (U-10, X-12).
 *
 * Bad are rows the server itself could not read (null, with an error naming the place) and rows
 * that do not fit the schema here.  They never stop the run; but a run that could not read a row
 * cannot say which rows are gone, so it does not sweep.
 */
#include "core/sync/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"
#include "core/store/conflict.h"

#define MAX_BAD_EVENTS 100  /* told per page; the quarantine has them all */
#define MAX_RAW        4096 /* bytes of a bad value kept */

int64_t sd_page_live(const struct cJSON *items)
{
	int64_t n = 0;

	for (const struct cJSON *c = sd_json_child(items); c; c = sd_json_next(c))
		n += !sd_json_is_null(c) && !sd_json_is_true(sd_json_get(c, "_deleted"));
	return n;
}

void sd_page_bad_row(struct sd_engine *en, const struct sd_model *m, const char *path,
	const char *message, int64_t now_ms)
{
	struct cJSON *f = sd_json_object();

	sd_json_add_str(f, "model", m->name);
	sd_json_add_str(f, "path", path);
	sd_json_add_str(f, "message", message);
	sd_en_event(en, "nonApplicableDataReceived", f, now_ms);
}

/* "syncPosts/items/3/title" of an error's path; index gets the 3, -1 without one. */
static void error_place(const struct cJSON *error, struct sd_buf *path, int64_t *index)
{
	int at = 0;

	*index = -1;
	for (const struct cJSON *c = sd_json_child(sd_json_get(error, "path")); c;
		c = sd_json_next(c), at++) {
		int64_t n;

		if (at)
			sd_buf_ch(path, '/');
		if (sd_json_str(c)) {
			sd_buf_str(path, sd_json_str(c));
		} else if (sd_json_i64(c, &n)) {
			sd_buf_fmt(path, "%lld", (long long)n);
			if (at == 2)
				*index = n;
		}
	}
}

static const char *message_of(const struct cJSON *error)
{
	const char *s = sd_json_get_str(error, "message");

	return s ? s : "no message";
}

/* Errors beside the data: the rows they took with them are noted, the rest is told. */
static enum sd_err server_errors(struct sd_engine *en, struct sd_pull_model *p,
	const struct cJSON *items, const struct cJSON *errors, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;
	int told = 0;

	for (const struct cJSON *x = sd_json_child(errors); x && rc == SD_OK; x = sd_json_next(x)) {
		struct sd_buf path = SD_BUF_INIT;
		const struct cJSON *item;
		int64_t index;

		error_place(x, &path, &index);
		item = sd_json_child(items);
		for (int64_t i = 0; i < index && item; i++)
			item = sd_json_next(item);
		if (index >= 0 && item && sd_json_is_null(item))
			rc = sd_quarantine_put(en->store, p->m, NULL, sd_buf_text(&path), "null",
				message_of(x), now_ms, e);
		if (told++ < MAX_BAD_EVENTS)
			sd_page_bad_row(en, p->m, sd_buf_text(&path), message_of(x), now_ms);
		sd_buf_release(&path);
	}
	return rc;
}

/* The field an error text of sd_item_to_local is about: "Post [..]: Post.title: ..." gives title. */
static bool bad_field(const struct sd_model *m, const char *text, struct sd_buf *out)
{
	char head[160];
	const char *at;

	snprintf(head, sizeof head, ": %s.", m->name);
	at = strstr(text, head);
	if (!at)
		return false;
	at += strlen(head);
	return sd_buf_add(out, at, strcspn(at, ":. ["));
}

static enum sd_err unfit(struct sd_engine *en, struct sd_pull_model *p, const struct cJSON *item,
	size_t index, const char *reason, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT, path = SD_BUF_INIT, field = SD_BUF_INIT;
	struct sd_buf raw = SD_BUF_INIT;
	const struct cJSON *value = item;
	enum sd_err rc;

	sd_buf_fmt(&path, "%s/items/%zu", p->root, index);
	if (bad_field(p->m, reason, &field) && field.len) {
		sd_buf_fmt(&path, "/%s", sd_buf_text(&field));
		value = sd_json_get(item, sd_buf_text(&field));
	}
	if (!value || !sd_json_print(value, &raw))
		sd_buf_str(&raw, value ? "?" : "null");
	if (raw.len > MAX_RAW)
		raw.data[raw.len = MAX_RAW] = '\0';
	if (sd_key_of(p->m, item, &key, NULL) != SD_OK)
		sd_buf_reset(&key);
	rc = sd_quarantine_put(en->store, p->m, key.len ? sd_buf_text(&key) : NULL,
		sd_buf_text(&path), sd_buf_text(&raw), reason, now_ms, e);
	sd_page_bad_row(en, p->m, sd_buf_text(&path), reason, now_ms);
	sd_buf_release(&key);
	sd_buf_release(&path);
	sd_buf_release(&field);
	sd_buf_release(&raw);
	return rc;
}

/* The person's cap holds for a delta, too: what is not here stays away. */
static enum sd_err over_the_cap(struct sd_engine *en, const struct sd_pull_model *p,
	const struct cJSON *item, size_t more, bool *over, struct sd_error *e)
{
	struct sd_error none;
	int64_t rows = 0, rid;
	enum sd_err rc;

	*over = false;
	if (!sd_run_partial(p) || sd_rec_rid(en->store, p->m, item, &rid, &none) == SD_OK)
		return SD_OK;
	rc = sd_rec_total(en->store, p->m, &rows, e);
	*over = rows + (int64_t)more >= en->set->max_records;
	return rc;
}

/* Rows that do not fit.  They go into the quarantine when the good ones are applied: a delta brings
 * older copies of the same record, too, and what arrives whole ends a quarantine. */
struct bad_rows {
	struct {
		const struct cJSON *item;
		size_t index;
		char *why;
	} * v;
	size_t count, room;
};

static void bad_release(struct bad_rows *b)
{
	for (size_t i = 0; i < b->count; i++)
		free(b->v[i].why);
	free(b->v);
}

static bool bad_add(struct bad_rows *b, const struct cJSON *item, size_t index, const char *why)
{
	if (b->count == b->room) {
		size_t room = b->room ? b->room * 2 : 8;
		void *v = realloc(b->v, room * sizeof *b->v);
		if (!v)
			return false;
		b->v = v;
		b->room = room;
	}
	b->v[b->count].item = item;
	b->v[b->count].index = index;
	b->v[b->count].why = strdup(why);
	return b->v[b->count++].why != NULL;
}

static enum sd_err take_rows(struct sd_engine *en, struct sd_pull_model *p, struct cJSON *items,
	const struct cJSON **good, size_t *n, struct bad_rows *bad, int64_t now_ms,
	struct sd_error *e)
{
	size_t index = 0;

	for (struct cJSON *c = sd_json_child(items); c; c = sd_json_next(c), index++) {
		struct sd_error why = {0};
		bool over;
		enum sd_err rc;

		if (sd_json_is_null(c)) { /* nobody knows which: nothing is swept, or it is
			                   * asked for again with the next delta */
			p->s.sweep_rid = p->s.page_base ? 0 : -1;
			continue;
		}
		rc = sd_item_to_local(p->m, c, &why);
		if (rc == SD_PROTO || rc == SD_INVAL) {
			p->s.sweep_rid = p->s.page_base ? 0 : -1;
			if (!bad_add(bad, c, index, why.text))
				return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->root);
			continue;
		}
		if (rc != SD_OK)
			return sd_fail(e, rc, 0, "%s", why.text);
		if (p->check_here && !sd_expr_admits(p, c, now_ms))
			continue;
		rc = over_the_cap(en, p, c, *n, &over, e);
		if (rc != SD_OK)
			return rc;
		if (!over)
			good[(*n)++] = c;
	}
	return SD_OK;
}

enum sd_err sd_page_apply(struct sd_engine *en, struct sd_pull_model *p,
	const struct cJSON *connection, const struct cJSON *errors, int64_t now_ms,
	struct sd_error *e)
{
	struct cJSON *items = sd_json_get(connection, "items");
	const struct cJSON **good = calloc(sd_json_count(items) + 1, sizeof(struct cJSON *));
	struct bad_rows bad = {0};
	size_t n = 0;
	bool full = false;
	enum sd_err rc;

	if (!good)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->root);
	rc = server_errors(en, p, items, errors, now_ms, e);
	if (rc == SD_OK)
		rc = take_rows(en, p, items, good, &n, &bad, now_ms, e);
	if (rc == SD_OK && n)
		rc = sd_apply(en->store, p->m, good, n, SD_FROM_SYNC, p->s.page_base, now_ms,
			&p->counts, e);
	for (size_t i = 0; i < bad.count && rc == SD_OK; i++)
		rc = unfit(en, p, bad.v[i].item, bad.v[i].index, bad.v[i].why, now_ms, e);
	bad_release(&bad);
	free(good);
	if (rc == SD_OK && n) {
		size_t before = p->doubt_count;
		rc = sd_doubt_take(en, p, &full, e);
		p->again = p->again || full;
		if (p->doubt_count > before && !p->s.page_base)
			p->s.sweep_rid = -1; /* the next delta asks for them again */
	}
	return rc;
}
