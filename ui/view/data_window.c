/* ui/view/data_window.c - the rows on the screen, moved by keyset queries.  See win.h, data.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/win.h"

static bool collect(void *ctx, struct cJSON *rec)
{
	struct sd_rows *r = ctx;

	if (r->n == r->room)
		return false;
	r->rec[r->n] = sd_json_dup(rec);
	if (r->rec[r->n])
		r->n++;
	return r->n < r->room;
}

void sd_rows_free(struct sd_rows *r)
{
	for (int i = 0; i < r->n; i++)
		sd_json_free(r->rec[i]);
	free(r->rec);
	memset(r, 0, sizeof *r);
}

void sd_win_query(const struct sd_data *d, struct sd_api_query *q, char sort[160])
{
	memset(q, 0, sizeof *q);
	q->model = d->m->name;
	q->where = d->where;
	q->state = d->state;
	q->tombstones = d->tombstones;
	if (d->sort) {
		snprintf(sort, 160, "%s%s", d->desc ? "-" : "", d->sort);
		q->sort = sort;
	}
}

bool sd_win_read(struct sd_src *src, const struct sd_api_query *q, sd_api_rec_fn fn, void *ctx)
{
	struct sd_api_query mine = *q;
	enum sd_err rc;

	if (src->reader)
		return sd_api_reader_query(src->reader, q, fn, ctx, &src->e) == SD_OK;
	mine.within_ms = SD_WIN_MS;
	rc = sd_api_query(src->api, &mine, fn, ctx, &src->e);
	src->slow |= rc == SD_CANCELLED;
	return rc == SD_OK;
}

bool sd_win_total(struct sd_src *src, const struct sd_data *d, int64_t *total)
{
	struct sd_api_query q;
	char sort[160];
	enum sd_err rc;

	sd_win_query(d, &q, sort);
	q.sort = NULL;
	if (src->reader)
		return sd_api_reader_count(src->reader, &q, total, &src->e) == SD_OK;
	q.within_ms = SD_WIN_MS;
	rc = sd_api_count(src->api, &q, total, &src->e);
	src->slow |= rc == SD_CANCELLED;
	return rc == SD_OK;
}

/* Rows behind (or before, nearest first) a record; NULL: from the start (or the end). */
static bool fetch(struct sd_src *src, const struct sd_data *d, const struct cJSON *after,
	bool backwards, int limit, int64_t page, struct sd_rows *out)
{
	struct sd_api_query q;
	char sort[160];

	memset(out, 0, sizeof *out);
	if (limit < 1 || !d->m)
		return true;
	out->rec = calloc((size_t)limit, sizeof *out->rec);
	if (!out->rec)
		return false;
	out->room = limit;
	sd_win_query(d, &q, sort);
	q.after = after;
	q.backwards = backwards;
	q.limit = limit;
	q.page = page;
	if (sd_win_read(src, &q, collect, out))
		return true;
	sd_rows_free(out);
	return false;
}

struct cJSON *sd_win_row(const struct sd_data *d)
{
	return d->at >= 0 && d->at < d->n ? d->rows[d->at] : NULL;
}

void sd_win_clear(struct sd_data *d)
{
	struct sd_rows r = {d->rows, d->n, d->n};

	sd_rows_free(&r);
	d->rows = NULL;
	d->n = d->at = 0;
	d->top_pos = 0;
	d->from_end = false;
}

static void adopt(struct sd_data *d, struct sd_rows *r, int64_t top)
{
	sd_win_clear(d);
	d->rows = r->rec;
	d->n = r->n;
	d->top_pos = top;
}

static bool first(struct sd_src *src, struct sd_data *d)
{
	struct sd_api_query q;
	struct sd_rows r;
	char sort[160];

	if (src->found) {
		sd_win_query(d, &q, sort);
		q.limit = src->h;
		return sd_win_read(src, &q, src->found, src->ctx);
	}
	if (!fetch(src, d, NULL, false, src->h, 0, &r))
		return false;
	adopt(d, &r, 0);
	return true;
}

static void reverse(struct sd_rows *r)
{
	for (int i = 0; i < r->n / 2; i++) {
		struct cJSON *t = r->rec[i];

		r->rec[i] = r->rec[r->n - 1 - i];
		r->rec[r->n - 1 - i] = t;
	}
}

static bool last(struct sd_src *src, struct sd_data *d)
{
	struct sd_rows r;

	if (!fetch(src, d, NULL, true, src->h, 0, &r))
		return false;
	reverse(&r);
	adopt(d, &r, -1);
	d->from_end = true; /* their position follows from the total */
	d->at = d->n ? d->n - 1 : 0;
	return true;
}

/* Puts `more` behind the window (or before it), keeping at most h rows. */
static void join(struct sd_data *d, struct sd_rows *more, bool before, int h)
{
	int sum = d->n + more->n, drop = sum > h ? sum - h : 0;
	struct cJSON **all = calloc((size_t)sum + 1, sizeof *all);

	if (!all) {
		sd_rows_free(more);
		return;
	}
	if (more->n)
		memcpy(all + (before ? 0 : d->n), more->rec, (size_t)more->n * sizeof *all);
	if (d->n)
		memcpy(all + (before ? more->n : 0), d->rows, (size_t)d->n * sizeof *all);
	for (int i = 0; i < drop; i++)
		sd_json_free(all[before ? sum - 1 - i : i]);
	if (!before)
		memmove(all, all + drop, (size_t)(sum - drop) * sizeof *all);
	if (d->top_pos >= 0)
		d->top_pos += before ? -more->n : drop;
	if (more->n)
		d->from_end = false;
	d->at += before ? more->n : -drop;
	free(d->rows);
	free(more->rec);
	d->rows = all;
	d->n = sum - drop;
}

static bool move(struct sd_src *src, struct sd_data *d, int by)
{
	int to = d->at + by;
	struct sd_rows r;

	if (!d->n)
		return true;
	if (to >= d->n) {
		if (!fetch(src, d, d->rows[d->n - 1], false, to - d->n + 1, 0, &r))
			return false;
		join(d, &r, false, src->h);
		to = d->at + by;
	} else if (to < 0) {
		bool start;

		if (!fetch(src, d, d->rows[0], true, -to, 0, &r))
			return false;
		start = r.n < -to;
		reverse(&r);
		join(d, &r, true, src->h);
		if (start)
			d->top_pos = 0;
		to = d->at + by;
	}
	d->at = to < 0 ? 0 : to >= d->n ? d->n - 1 : to;
	if (d->top_pos < -1)
		d->top_pos = 0;
	return true;
}

/* Same rows, read again: the row before the first one tells where to start. */
static bool reload(struct sd_src *src, struct sd_data *d)
{
	/* fewer rows than before: those above go, the one under the cursor stays */
	int skip = d->n && d->at >= src->h && src->h > 0 ? d->at - src->h + 1 : 0;
	int at = d->at - skip;
	char *key = sd_key_text(d->m, sd_win_row(d));
	int64_t top = d->top_pos < 0 ? d->top_pos : d->top_pos + skip;
	struct sd_rows before = {0}, r = {0}, up = {0};
	bool ok = !d->n || fetch(src, d, d->rows[skip], true, 1, 0, &before), end = false;

	if (ok)
		ok = fetch(src, d, before.n ? before.rec[0] : NULL, false, src->h, 0, &r);
	if (ok && before.n && r.n && r.n < src->h) { /* rows went away: pull the window up */
		ok = fetch(src, d, r.rec[0], true, src->h - r.n, 0, &up);
		reverse(&up);
		end = true;
	} else if (ok && before.n && !r.n) {
		ok = fetch(src, d, NULL, true, src->h, 0, &r);
		reverse(&r);
		end = true;
	}
	if (ok) {
		adopt(d, &r, end ? -1 : before.n ? top : 0);
		at += up.n;
		join(d, &up, true, src->h);
		d->top_pos = end ? -1 : d->top_pos;
		d->from_end = end;
		sd_win_keep(d, key, at);
	} else {
		sd_rows_free(&r);
	}
	sd_rows_free(&before);
	free(key);
	return ok;
}

void sd_win_keep(struct sd_data *d, const char *key, int at)
{
	d->at = at < d->n ? at : d->n ? d->n - 1 : 0;
	for (int i = 0; key && i < d->n; i++) {
		char *k = sd_key_text(d->m, d->rows[i]);
		bool same = sd_str_eq(k, key);

		free(k);
		if (same) {
			d->at = i;
			return;
		}
	}
}

/* The window around a record. */
static bool seek(struct sd_src *src, struct sd_data *d, const struct cJSON *rec, int64_t pos)
{
	int half = src->h / 2;
	struct sd_rows before = {0}, after = {0}, all = {0};
	struct cJSON *own = sd_json_dup(rec);
	bool ok = own && fetch(src, d, own, true, half, 0, &before);

	if (ok)
		ok = fetch(src, d, own, false, src->h - before.n - 1, 0, &after);
	all.rec = ok ? calloc((size_t)(before.n + after.n + 1), sizeof *all.rec) : NULL;
	if (!all.rec) {
		sd_rows_free(&before);
		sd_rows_free(&after);
		sd_json_free(own);
		return false;
	}
	reverse(&before);
	for (int i = 0; i < before.n; i++)
		all.rec[all.n++] = before.rec[i];
	all.rec[all.n++] = own;
	for (int i = 0; i < after.n; i++)
		all.rec[all.n++] = after.rec[i];
	adopt(d, &all, before.n < half ? 0 : pos >= 0 ? pos - before.n : -1);
	d->at = before.n;
	free(before.rec);
	free(after.rec);
	return true;
}

static bool go_to(struct sd_src *src, struct sd_data *d, int64_t pos)
{
	struct sd_rows r;
	bool ok;

	if (pos < 0)
		pos = 0;
	if (d->total > 0 && pos >= d->total)
		pos = d->total - 1;
	if (!fetch(src, d, NULL, false, 1, pos, &r))
		return false;
	ok = !r.n || seek(src, d, r.rec[0], pos);
	sd_rows_free(&r);
	return ok;
}

bool sd_win_do(struct sd_src *src, struct sd_data *d, const struct sd_win_op *op)
{
	switch (op->kind) {
	case SD_WIN_FIRST:
		return first(src, d);
	case SD_WIN_LAST:
		return last(src, d);
	case SD_WIN_MOVE:
		return move(src, d, op->by);
	case SD_WIN_RELOAD:
		return reload(src, d);
	case SD_WIN_SEEK:
		return seek(src, d, op->rec, op->pos);
	case SD_WIN_GOTO:
		return go_to(src, d, op->pos);
	case SD_WIN_SEARCH:
		if (!sd_win_find(src, d, op->text, op->by))
			return false;
		return !src->hit || seek(src, d, d->found, d->found_pos);
	case SD_WIN_MARK:
		return sd_win_between(src, d, op->text);
	default:
		return true;
	}
}
