/* ui/view/data_window.c - the rows on the screen, moved by keyset queries.  See data.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/data.h"

struct rows {
	struct cJSON **rec;
	int n, room;
};

static bool collect(void *ctx, struct cJSON *rec)
{
	struct rows *r = ctx;

	if (r->n == r->room)
		return false;
	r->rec[r->n] = sd_json_dup(rec);
	if (r->rec[r->n])
		r->n++;
	return r->n < r->room;
}

static void free_rows(struct rows *r)
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

/* Rows behind (or before, nearest first) a record; NULL: from the start (or the end). */
static bool fetch(struct sd_ui *ui, const struct sd_data *d, const struct cJSON *after,
	bool backwards, int limit, int64_t page, struct rows *out)
{
	struct sd_api_query q;
	struct sd_error e = {0};
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
	if (sd_api_query(ui->api, &q, collect, out, &e) != SD_OK) {
		sd_say_error(ui, &e);
		free_rows(out);
		return false;
	}
	return true;
}

static void count(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_api_query q;
	char sort[160];

	sd_win_query(d, &q, sort);
	d->total = -1;
	d->counted_ms = sd_mono_ms();
	if (sd_api_count(ui->api, &q, &d->total, NULL) != SD_OK)
		d->total = -1;
	d->count_cost_ms = sd_mono_ms() - d->counted_ms;
}

/* After a change somewhere: counting a long filter again can wait. */
static void recount(struct sd_ui *ui, struct sd_data *d)
{
	if (d->total < 0 || sd_mono_ms() - d->counted_ms >= 20 * d->count_cost_ms)
		count(ui, d);
	else
		ui->stale = true; /* but not be forgotten */
}

struct cJSON *sd_win_row(const struct sd_data *d)
{
	return d->at >= 0 && d->at < d->n ? d->rows[d->at] : NULL;
}

void sd_win_clear(struct sd_data *d)
{
	struct rows r = {d->rows, d->n, d->n};

	free_rows(&r);
	d->rows = NULL;
	d->n = d->at = 0;
	d->top_pos = 0;
}

static void adopt(struct sd_data *d, struct rows *r, int64_t top)
{
	sd_win_clear(d);
	d->rows = r->rec;
	d->n = r->n;
	d->top_pos = top;
}

bool sd_win_first(struct sd_ui *ui, struct sd_data *d)
{
	struct rows r;

	if (!d->m || !fetch(ui, d, NULL, false, sd_data_height(ui, d), 0, &r))
		return false;
	adopt(d, &r, 0);
	count(ui, d);
	return true;
}

static void reverse(struct rows *r)
{
	for (int i = 0; i < r->n / 2; i++) {
		struct cJSON *t = r->rec[i];

		r->rec[i] = r->rec[r->n - 1 - i];
		r->rec[r->n - 1 - i] = t;
	}
}

bool sd_win_last(struct sd_ui *ui, struct sd_data *d)
{
	struct rows r;

	if (!d->m || !fetch(ui, d, NULL, true, sd_data_height(ui, d), 0, &r))
		return false;
	reverse(&r);
	adopt(d, &r, 0);
	count(ui, d);
	d->top_pos = d->total >= d->n ? d->total - d->n : -1;
	d->at = d->n ? d->n - 1 : 0;
	return true;
}

/* Puts `more` behind the window (or before it), keeping at most h rows. */
static void join(struct sd_data *d, struct rows *more, bool before, int h)
{
	int sum = d->n + more->n, drop = sum > h ? sum - h : 0;
	struct cJSON **all = calloc((size_t)sum + 1, sizeof *all);

	if (!all) {
		free_rows(more);
		return;
	}
	memcpy(all + (before ? 0 : d->n), more->rec, (size_t)more->n * sizeof *all);
	memcpy(all + (before ? more->n : 0), d->rows, (size_t)d->n * sizeof *all);
	for (int i = 0; i < drop; i++)
		sd_json_free(all[before ? sum - 1 - i : i]);
	if (!before)
		memmove(all, all + drop, (size_t)(sum - drop) * sizeof *all);
	if (d->top_pos >= 0)
		d->top_pos += before ? -more->n : drop;
	d->at += before ? more->n : -drop;
	free(d->rows);
	free(more->rec);
	d->rows = all;
	d->n = sum - drop;
}

void sd_win_move(struct sd_ui *ui, struct sd_data *d, int by)
{
	int to = d->at + by, h = sd_data_height(ui, d);
	struct rows r;

	if (!d->n)
		return;
	if (to >= d->n && fetch(ui, d, d->rows[d->n - 1], false, to - d->n + 1, 0, &r)) {
		join(d, &r, false, h);
		to = d->at + by;
	} else if (to < 0 && fetch(ui, d, d->rows[0], true, -to, 0, &r)) {
		bool start = r.n < -to;

		reverse(&r);
		join(d, &r, true, h);
		if (start)
			d->top_pos = 0;
		to = d->at + by;
	}
	d->at = to < 0 ? 0 : to >= d->n ? d->n - 1 : to;
	if (d->top_pos < -1)
		d->top_pos = 0;
}

static void keep_cursor(struct sd_data *d, const char *key, int at)
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

#define FRESH_MS 2500

/* Rows that are not what they were a moment ago stay marked for a while (live rows, S9). */
static void note_changes(struct sd_data *d, const struct rows *now)
{
	int64_t t = sd_mono_ms();

	if (t > d->fresh_until)
		sd_map_release(&d->fresh, NULL);
	for (int i = 0; i < now->n; i++) {
		char *key = sd_key_text(d->m, now->rec[i]);

		for (int k = 0; key && k < d->n; k++) {
			char *was = sd_key_text(d->m, d->rows[k]);
			bool same = sd_str_eq(key, was);

			free(was);
			if (!same)
				continue;
			if (sd_json_get_i64(now->rec[i], "_version", 0) !=
				sd_json_get_i64(d->rows[k], "_version", 0)) {
				sd_map_put(&d->fresh, key, d, NULL);
				d->fresh_until = t + FRESH_MS;
			}
			break;
		}
		free(key);
	}
}

/* Same rows, read again: the row before the first one tells where to start. */
void sd_win_reload(struct sd_ui *ui, struct sd_data *d)
{
	int h = sd_data_height(ui, d), at = d->at;
	char *key = d->m ? sd_key_text(d->m, sd_win_row(d)) : NULL;
	int64_t top = d->top_pos;
	struct rows before = {0}, r;
	bool ok;

	if (!d->m)
		return;
	if (d->n && !fetch(ui, d, d->rows[0], true, 1, 0, &before))
		goto out;
	ok = fetch(ui, d, before.n ? before.rec[0] : NULL, false, h, 0, &r);
	if (ok) {
		note_changes(d, &r);
		adopt(d, &r, before.n ? top : 0);
		recount(ui, d);
		if (before.n && d->n < h) { /* rows went away: pull the window up */
			int missing = h - d->n;
			struct rows up;

			if (d->n && fetch(ui, d, d->rows[0], true, missing, 0, &up)) {
				reverse(&up);
				at += up.n;
				join(d, &up, true, h);
			} else if (!d->n) {
				sd_win_last(ui, d);
			}
			d->top_pos = d->total >= d->n ? d->total - d->n : d->top_pos;
		}
		keep_cursor(d, key, at);
	}
out:
	free_rows(&before);
	free(key);
	free(d->detail_key);
	d->detail_key = NULL; /* read again */
}

void sd_win_seek(struct sd_ui *ui, struct sd_data *d, const struct cJSON *rec, int64_t pos)
{
	int h = sd_data_height(ui, d), half = h / 2;
	struct cJSON *own = sd_json_dup(rec);
	struct rows before = {0}, after = {0};
	struct sd_data fresh;

	if (!own || !fetch(ui, d, own, true, half, 0, &before)) {
		sd_json_free(own);
		return;
	}
	reverse(&before);
	if (!fetch(ui, d, own, false, h - before.n - 1, 0, &after)) {
		free_rows(&before);
		sd_json_free(own);
		return;
	}
	fresh = *d;
	fresh.rows = calloc((size_t)(before.n + after.n + 1), sizeof *fresh.rows);
	if (fresh.rows) {
		struct rows all = {fresh.rows, before.n + after.n + 1, 0};
		int at = before.n;
		int64_t top = before.n < half ? 0 : pos >= 0 ? pos - at : -1;

		memcpy(all.rec, before.rec, (size_t)before.n * sizeof *all.rec);
		all.rec[at] = own;
		if (after.n)
			memcpy(all.rec + at + 1, after.rec, (size_t)after.n * sizeof *all.rec);
		free(before.rec);
		free(after.rec);
		adopt(d, &all, top);
		d->at = at;
		count(ui, d);
		return;
	}
	free_rows(&before);
	free_rows(&after);
	sd_json_free(own);
}

void sd_win_goto(struct sd_ui *ui, struct sd_data *d, int64_t pos)
{
	struct rows r;

	if (pos < 0)
		pos = 0;
	if (d->total > 0 && pos >= d->total)
		pos = d->total - 1;
	if (!fetch(ui, d, NULL, false, 1, pos, &r))
		return;
	if (r.n)
		sd_win_seek(ui, d, r.rec[0], pos);
	free_rows(&r);
}
