/*
 * ui/view/data_job.c - the window's operations: at once where that is quick, else on the helper
 * thread, with their first rows, how far they are, and a way to stop them.  See win.h.
 *
 * At most one operation on the window, one count and one other long read are under way.  A new
 * operation takes the place of the one before; a count waits until there is none.
 */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/win.h"

#define FRESH_MS 2500 /* a changed row stays marked */
#define SORT_MS  30   /* a sort that takes longer is worth an index */
#define TELL_MS  50   /* how often the screen says how far something is */

void sd_win_op_release(struct sd_win_op *op)
{
	sd_json_free(op->rec);
	free(op->text);
	memset(op, 0, sizeof *op);
}

/* ---- the copy that the helper thread works on ---- */

static char *copy(const char *s)
{
	return s ? sd_strdup_n(s, strlen(s)) : NULL;
}

static void copy_of(const struct sd_data *d, struct sd_data *out)
{
	memset(out, 0, sizeof *out);
	out->m = d->m;
	out->where = copy(d->where);
	out->sort = copy(d->sort);
	out->desc = d->desc;
	out->tombstones = d->tombstones;
	out->state = d->state;
	out->rows = calloc((size_t)d->n + 1, sizeof *out->rows);
	for (int i = 0; out->rows && i < d->n; i++)
		out->rows[out->n++] = sd_json_dup(d->rows[i]);
	out->at = d->at;
	out->top_pos = d->top_pos;
	out->total = d->total;
	out->from_end = d->from_end;
}

static void copy_release(struct sd_data *c)
{
	sd_win_clear(c);
	sd_map_release(&c->marks, NULL);
	sd_json_free(c->found);
	free(c->where);
	free(c->sort);
}

static bool same_query(const struct sd_data *a, const struct sd_data *b)
{
	return a->m == b->m && sd_str_eq(a->where ? a->where : "", b->where ? b->where : "") &&
	       sd_str_eq(a->sort ? a->sort : "", b->sort ? b->sort : "") && a->desc == b->desc &&
	       a->tombstones == b->tombstones && a->state == b->state;
}

static bool found(void *ctx, struct cJSON *rec)
{
	struct sd_look *l = ctx;
	struct sd_rows *r = &l->part;
	struct cJSON **more;

	pthread_mutex_lock(&l->lock);
	more = realloc(r->rec, (size_t)(r->n + 1) * sizeof *more);
	if (more) {
		r->rec = more;
		r->rec[r->n] = sd_json_dup(rec);
		r->n += r->rec[r->n] != NULL;
	}
	pthread_mutex_unlock(&l->lock);
	sd_api_reader_news(l->src.reader);
	return true;
}

static enum sd_err work(struct sd_api_reader *reader, void *ctx, struct sd_error *e)
{
	struct sd_look *l = ctx;
	bool ok;

	l->src.reader = reader;
	if (l->op.kind == SD_WIN_RUN)
		return l->run.run(&l->src, &l->d, l->run.ctx, e);
	if (l->op.kind == SD_WIN_COUNT)
		ok = sd_win_total(&l->src, &l->d, &l->total);
	else
		ok = sd_win_do(&l->src, &l->d, &l->op);
	if (ok)
		return SD_OK;
	*e = l->src.e;
	return e->code != SD_OK ? e->code : sd_fail(e, SD_NOMEM, 0, "out of memory");
}

void sd_look_drop(struct sd_look **slot)
{
	struct sd_look *l = *slot;

	*slot = NULL;
	if (!l)
		return;
	(void)sd_api_job_end(l->job, NULL);
	copy_release(&l->d);
	sd_rows_free(&l->part);
	sd_json_free(l->src.keys);
	sd_win_op_release(&l->op);
	if (l->run.free_ctx)
		l->run.free_ctx(l->run.ctx);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

/* op and run move; NULL: an error was said. */
struct sd_look *sd_look_start(struct sd_ui *ui, const struct sd_data *d, struct sd_win_op *op,
	const struct sd_win_long *run)
{
	struct sd_look *l = calloc(1, sizeof *l);
	struct sd_error e = {0};

	if (!l) {
		sd_win_op_release(op);
		if (run && run->free_ctx)
			run->free_ctx(run->ctx);
		return NULL;
	}
	pthread_mutex_init(&l->lock, NULL);
	l->op = *op;
	memset(op, 0, sizeof *op);
	if (run)
		l->run = *run;
	copy_of(d, &l->d);
	l->src.h = sd_data_height(ui, d);
	l->src.found = l->op.kind == SD_WIN_FIRST ? found : NULL;
	l->src.ctx = l;
	l->since_ms = sd_mono_ms();
	if (sd_api_job_start(ui->api, work, l, &l->job, &e) == SD_OK)
		return l;
	sd_say_error(ui, &e);
	sd_look_drop(&l);
	return NULL;
}

/* ---- rows that changed while they were shown (live rows, S9) ---- */

struct cJSON *sd_rows_versions(const struct sd_data *d)
{
	struct cJSON *all = sd_json_object();

	for (int i = 0; i < d->n; i++) {
		char *key = sd_key_text(d->m, d->rows[i]);

		if (key)
			sd_json_add_int(all, key, sd_json_get_i64(d->rows[i], "_version", 0));
		free(key);
	}
	return all;
}

/* Takes was over. */
void sd_rows_note(struct sd_data *d, struct cJSON *was)
{
	int64_t t = sd_mono_ms();

	if (t > d->fresh_until)
		sd_map_release(&d->fresh, NULL);
	for (int i = 0; i < d->n; i++) {
		char *key = sd_key_text(d->m, d->rows[i]);
		const struct cJSON *old = key ? sd_json_get(was, key) : NULL;
		int64_t version = sd_json_get_i64(d->rows[i], "_version", 0);

		if (old && sd_json_get_i64(was, key, 0) != version) {
			sd_map_put(&d->fresh, key, d, NULL);
			d->fresh_until = t + FRESH_MS;
		}
		free(key);
	}
	sd_json_free(was);
}

/* ---- the total ---- */

static void place_end(struct sd_data *d)
{
	if (d->from_end && d->total >= d->n) {
		d->top_pos = d->total - d->n;
		d->from_end = false;
	}
}

static void count(struct sd_ui *ui, struct sd_data *d, bool again)
{
	struct sd_src src = {.api = ui->api};
	struct sd_win_op op = {.kind = SD_WIN_COUNT};
	int64_t now = sd_mono_ms();

	if (d->count && same_query(&d->count->d, d) && again)
		return;
	sd_look_drop(&d->count);
	if (!again)
		d->total = -1;
	d->counted_ms = now;
	/* where the first rows took long, so does the count */
	if (!(d->slow & (1u << SD_WIN_COUNT | 1u << SD_WIN_FIRST))) {
		if (sd_win_total(&src, d, &d->total)) {
			d->count_cost_ms = sd_mono_ms() - now;
			place_end(d);
			return;
		}
		if (!src.slow) {
			d->total = -1;
			return;
		}
	}
	d->slow |= 1u << SD_WIN_COUNT;
	if (d->look)
		d->count_due = true;
	else
		d->count = sd_look_start(ui, d, &op, NULL);
}

/* After a change somewhere: counting a long filter again can wait. */
static void recount(struct sd_ui *ui, struct sd_data *d)
{
	if (d->total < 0 || sd_mono_ms() - d->counted_ms >= 20 * d->count_cost_ms)
		count(ui, d, d->total >= 0);
	else
		ui->stale = true; /* but not be forgotten */
}

/* ---- an operation is over ---- */

static void tell_search(struct sd_ui *ui, const struct sd_win_op *op, const struct sd_src *src)
{
	if (!src->hit)
		sd_say(ui, SD_SAY_WARN, "No row has \"%s\".", op->text);
	else if (src->around)
		sd_say(ui, SD_SAY_INFO, "Found behind the %s.", op->by > 0 ? "end" : "start");
}

static void put_marks(struct sd_ui *ui, struct sd_data *d, struct sd_src *src)
{
	if (!src->keys)
		sd_say(ui, SD_SAY_INFO, "Mark the first row with Space; then v marks up to here.");
	for (struct cJSON *k = sd_json_child(src->keys); k; k = sd_json_next(k))
		sd_map_put(&d->marks, sd_json_str(k), d, NULL);
	sd_json_free(src->keys);
	src->keys = NULL;
}

void sd_look_ended(
	struct sd_ui *ui, struct sd_data *d, const struct sd_win_op *op, struct sd_src *src)
{
	switch (op->kind) {
	case SD_WIN_SEARCH:
		tell_search(ui, op, src);
		if (d->total < 0 && !d->count)
			count(ui, d, false);
		break;
	case SD_WIN_MARK:
		put_marks(ui, d, src);
		break;
	case SD_WIN_RELOAD:
		free(d->detail_key);
		d->detail_key = NULL; /* read again */
		recount(ui, d);
		break;
	case SD_WIN_MOVE:
		break;
	default:
		count(ui, d, false);
	}
	place_end(d);
	ui->dirty = true;
}

static void take_part(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_look *l = d->look;
	struct cJSON **all;

	pthread_mutex_lock(&l->lock);
	all = l->part.n ? realloc(d->rows, (size_t)(d->n + l->part.n) * sizeof *all) : NULL;
	if (all) {
		memcpy(all + d->n, l->part.rec, (size_t)l->part.n * sizeof *all);
		d->rows = all;
		d->n += l->part.n;
		l->part.n = 0;
		ui->dirty = true;
	}
	pthread_mutex_unlock(&l->lock);
}

/* The copy's rows become the window's. */
static void take_rows(struct sd_data *d, struct sd_look *l)
{
	struct cJSON *was = sd_rows_versions(d);
	char *key = sd_key_text(d->m, sd_win_row(d));
	int at = l->d.at;

	sd_win_clear(d);
	d->rows = l->d.rows;
	d->n = l->d.n;
	d->at = at;
	d->top_pos = l->d.top_pos;
	d->from_end = l->d.from_end;
	l->d.rows = NULL;
	l->d.n = 0;
	if (l->op.kind == SD_WIN_RELOAD) {
		sd_rows_note(d, was);
		sd_win_keep(d, key, at);
	} else {
		sd_json_free(was);
	}
	free(key);
}

/* A sort that takes long gets an index, for the next time. */
static void index_sort(
	struct sd_ui *ui, const struct sd_data *d, const struct sd_look *l, int64_t took)
{
	bool sorts = l->op.kind == SD_WIN_FIRST || l->op.kind == SD_WIN_LAST ||
		     l->op.kind == SD_WIN_MOVE;

	if (sorts && d->sort && !d->where && !d->state && took >= SORT_MS)
		sd_api_sort_used(ui->api, d->m->name, d->sort, d->desc);
}

static void finish_look(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_look *l = d->look;
	struct sd_error e = {0};
	int64_t took = sd_mono_ms() - l->since_ms;
	enum sd_err rc;

	if (l->op.kind == SD_WIN_FIRST)
		take_part(ui, d);
	rc = sd_api_job_end(l->job, &e);
	l->job = NULL;
	d->look = NULL;
	d->reload_after_ms = sd_mono_ms() + 5 * took;
	if (rc == SD_CANCELLED) {
		ui->stale = true; /* the store was closed meanwhile */
	} else if (rc != SD_OK) {
		sd_say_error(ui, &e);
	} else if (same_query(&l->d, d)) {
		if (l->op.kind != SD_WIN_FIRST && l->op.kind != SD_WIN_MARK &&
			(l->op.kind != SD_WIN_SEARCH || l->src.hit))
			take_rows(d, l);
		sd_look_ended(ui, d, &l->op, &l->src);
		index_sort(ui, d, l, took);
	}
	sd_look_drop(&l);
	ui->dirty = true;
}

static void finish_count(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_look *l = d->count;
	int64_t total = l->total;
	bool same = same_query(&l->d, d);

	d->count = NULL;
	d->count_cost_ms = sd_mono_ms() - l->since_ms;
	if (sd_api_job_end(l->job, NULL) == SD_OK && same) {
		d->total = total;
		place_end(d);
	}
	l->job = NULL;
	sd_look_drop(&l);
	ui->dirty = true;
}

static void finish_run(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_look *l = d->run;
	struct sd_error e = {0};
	enum sd_err rc = sd_api_job_end(l->job, &e);

	l->job = NULL;
	d->run = NULL;
	l->run.done(ui, l->run.ctx, rc, &e);
	sd_look_drop(&l);
	ui->dirty = true;
}

void sd_data_jobs(struct sd_ui *ui)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];
	struct sd_win_op op = {.kind = SD_WIN_COUNT};
	int64_t now = sd_mono_ms();

	if (d->look && d->look->op.kind == SD_WIN_FIRST)
		take_part(ui, d);
	if (d->look && sd_api_job_done(d->look->job))
		finish_look(ui, d);
	if (d->count && sd_api_job_done(d->count->job))
		finish_count(ui, d);
	if (d->run && sd_api_job_done(d->run->job))
		finish_run(ui, d);
	if (d->count_due && !d->look && d->m) {
		d->count_due = false;
		if (!d->count)
			d->count = sd_look_start(ui, d, &op, NULL);
	}
	if (sd_data_busy(ui) && now - d->told_ms >= TELL_MS) {
		d->told_ms = now;
		ui->dirty = true;
	}
}

bool sd_data_busy(const struct sd_ui *ui)
{
	const struct sd_data *d = (const struct sd_data *)ui->views[SD_V_DATA];

	return d && (d->look || d->count || d->run || d->count_due);
}

void sd_win_forget(struct sd_data *d)
{
	sd_look_drop(&d->look);
	sd_look_drop(&d->count);
	sd_look_drop(&d->run);
	d->count_due = false;
}

bool sd_data_stop(struct sd_ui *ui)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];

	if (!sd_data_busy(ui))
		return false;
	if (d->run) /* says itself that it was stopped */
		sd_api_job_cancel(d->run->job);
	sd_look_drop(&d->look);
	sd_look_drop(&d->count);
	d->count_due = false;
	sd_say(ui, SD_SAY_INFO, "Stopped; what was found so far stays.");
	return true;
}
