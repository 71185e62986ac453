/* core/store/sync.c - per-model sync state, and the sweep after a base run; see apply.h. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/store/internal.h"

static const char *const KIND[] = {"never", "full", "delta", "polling", "failed", "capped"};

const char *sd_sync_kind_name(enum sd_sync_kind k)
{
	return (size_t)k < sizeof KIND / sizeof *KIND ? KIND[k] : "?";
}

void sd_sync_state_release(struct sd_sync_state *s)
{
	free(s->expression);
	free(s->page_token);
	free(s->why);
	free(s->error);
	memset(s, 0, sizeof *s);
}

static void read_state(sqlite3_stmt *s, struct sd_sync_state *out)
{
	out->kind = (enum sd_sync_kind)sqlite3_column_int(s, 0);
	out->last_sync_ms = sqlite3_column_int64(s, 1);
	out->last_full_ms = sqlite3_column_int64(s, 2);
	out->synced_at_ms = sqlite3_column_int64(s, 3);
	out->expression = sd_db_dup(s, 4);
	out->page_token = sd_db_dup(s, 5);
	out->page_base = sqlite3_column_int(s, 6) != 0;
	out->page_last_sync = sqlite3_column_int64(s, 7);
	out->page_started_ms = sqlite3_column_int64(s, 8);
	out->page_started_last_ms = sqlite3_column_int64(s, 9);
	out->page_rows = sqlite3_column_int64(s, 10);
	out->page_size = sqlite3_column_int64(s, 11);
	out->sweep_rid = sqlite3_column_int64(s, 12);
	out->why = sd_db_dup(s, 13);
	out->error = sd_db_dup(s, 14);
	out->failures = sqlite3_column_int(s, 15);
	out->new_rows = sqlite3_column_int64(s, 16);
	out->updated_rows = sqlite3_column_int64(s, 17);
	out->deleted_rows = sqlite3_column_int64(s, 18);
	out->bytes = sqlite3_column_int64(s, 19);
}

enum sd_err sd_sync_get(struct sd_store *st, const struct sd_model *m, struct sd_sync_state *out,
	struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_SYNC_GET, e, "s", m->name);
	enum sd_err rc = s ? sd_db_row(st, s, e, "sync state") : SD_DB;

	memset(out, 0, sizeof *out);
	if (rc == SD_OK)
		read_state(s, out);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_sync_put(struct sd_store *st, const struct sd_model *m,
	const struct sd_sync_state *s, struct sd_error *e)
{
	assert(sd_store_in_txn(st));
	return sd_db_run(st, Q_SYNC_PUT, e, "sync state", "sdiiissdiiiiiissdiiii", m->name,
		(int)s->kind, s->last_sync_ms, s->last_full_ms, s->synced_at_ms, s->expression,
		s->page_token, (int)s->page_base, s->page_last_sync, s->page_started_ms,
		s->page_started_last_ms, s->page_rows, s->page_size, s->sweep_rid, s->why, s->error,
		s->failures, s->new_rows, s->updated_rows, s->deleted_rows, s->bytes);
}

enum sd_err sd_sync_note(struct sd_store *st, const struct sd_model *m, const char *text,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_journal j = {.at_ms = now_ms,
		.kind = SD_J_SYNC,
		.model = m,
		.source = SD_FROM_SYNC,
		.version = -1,
		.text = text};

	assert(sd_store_in_txn(st));
	return sd_journal_put(st, &j, NULL, e);
}

/* ---- what a base run has seen: a bit a rid, in pieces of 4096 ---- */

#define CHUNK ((int64_t)4096)

static int by_value(const void *a, const void *b)
{
	int64_t x, y;

	memcpy(&x, a, sizeof x);
	memcpy(&y, b, sizeof y);
	return (x > y) - (x < y);
}

static enum sd_err seen_load(struct sd_store *st, const struct sd_model *m, int64_t chunk,
	unsigned char bits[CHUNK / 8], struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_SEEN_GET, e, "si", m->name, chunk);
	enum sd_err rc = s ? sd_db_row(st, s, e, "sync state") : SD_DB;
	const void *p = rc == SD_OK ? sqlite3_column_blob(s, 0) : NULL;

	memset(bits, 0, CHUNK / 8);
	if (p && sqlite3_column_bytes(s, 0) == CHUNK / 8)
		memcpy(bits, p, CHUNK / 8);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static enum sd_err seen_store(struct sd_store *st, const struct sd_model *m, int64_t chunk,
	const unsigned char bits[CHUNK / 8], struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_SEEN_PUT, e, "si", m->name, chunk);
	enum sd_err rc;

	if (!s)
		return SD_DB;
	sqlite3_bind_blob(s, 3, bits, CHUNK / 8, SQLITE_STATIC);
	rc = sd_db_row(st, s, e, "sync state");
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_seen_add(
	struct sd_store *st, const struct sd_model *m, int64_t *rids, size_t n, struct sd_error *e)
{
	unsigned char bits[CHUNK / 8];
	enum sd_err rc = SD_OK;

	qsort(rids, n, sizeof *rids, by_value);
	for (size_t i = 0; i < n && rc == SD_OK;) {
		int64_t chunk = rids[i] / CHUNK;
		rc = seen_load(st, m, chunk, bits, e);
		for (; i < n && rids[i] / CHUNK == chunk; i++)
			bits[rids[i] % CHUNK / 8] |= (unsigned char)(1u << (rids[i] % 8));
		if (rc == SD_OK)
			rc = seen_store(st, m, chunk, bits, e);
	}
	return rc;
}

enum sd_err sd_marks_load(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	sqlite3_stmt *s;
	enum sd_err rc;

	if (t->marks_known)
		return SD_OK;
	s = sd_db_open(st, Q_SYNC_MARKS, e, "s", t->model->name);
	rc = s ? sd_db_row(st, s, e, "sync state") : SD_DB;
	t->seen_to = rc == SD_OK ? sqlite3_column_int64(s, 0) : 0;
	t->refill = rc == SD_OK && sqlite3_column_int(s, 1) != 0;
	sd_db_reset(s);
	if (rc != SD_OK && rc != SD_NOTFOUND)
		return rc;
	t->marks_known = sd_store_in_txn(st);
	return SD_OK;
}

enum sd_err sd_seen_one(
	struct sd_store *st, const struct sd_model *m, int64_t rid, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	enum sd_err rc = sd_marks_load(st, t, e);

	return rc == SD_OK && rid <= t->seen_to ? sd_seen_add(st, m, &rid, 1, e) : rc;
}

enum sd_err sd_sweep_begin(
	struct sd_store *st, const struct sd_model *m, int64_t *sweep_rid, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	enum sd_err rc = sd_counter_load(st, t, e);

	assert(sd_store_in_txn(st));
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_SEEN_CLEAR, e, "sync state", "s", m->name);
	if (rc != SD_OK)
		return rc;
	*sweep_rid = t->next_rid - 1;
	t->marks_known = false;
	return sd_db_run(st, Q_SYNC_SWEEP, e, "sync state", "si", m->name, *sweep_rid);
}

/* ---- removing rows nobody has unsent work on ---- */

struct rids {
	int64_t *v;
	size_t count, room;
};

static bool keep(struct rids *r, int64_t rid)
{
	if (r->count == r->room) {
		size_t n = r->room ? r->room * 2 : 256;
		int64_t *v = realloc(r->v, n * sizeof *v);
		if (!v)
			return false;
		r->v = v;
		r->room = n;
	}
	r->v[r->count++] = rid;
	return true;
}

static enum sd_err remove_one(struct sd_store *st, struct sd_table *t, int64_t rid,
	const char *text, int64_t now_ms, int64_t *removed, struct sd_error *e)
{
	struct sd_cause why = {.source = SD_FROM_SYNC, .now_ms = now_ms, .text = text};
	struct sd_buf key = SD_BUF_INIT;
	struct sd_rowid row;
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_rec_get_rid(st, t->model, rid, &rec, e);

	if (rc == SD_OK)
		rc = sd_key_of(t->model, rec, &key, e);
	if (rc == SD_OK)
		rc = sd_row_find(st, t, rec, &row, e);
	if (rc == SD_OK)
		rc = sd_row_drop(st, t, &row, e);
	if (rc == SD_OK && !row.deleted) {
		(*removed)++;
		rc = sd_record_line(st, t->model, sd_buf_text(&key), rec, NULL, &why, e);
	}
	sd_buf_release(&key);
	sd_json_free(rec);
	return rc;
}

/* Rows up to to_rid without unsent work, for which `more` (SQL, may be "") holds. */
static enum sd_err select_rows(struct sd_store *st, struct sd_table *t, int64_t to_rid,
	const char *more, const struct cJSON *binds, sqlite3_stmt **out, struct sd_error *e)
{
	struct sd_buf sql = SD_BUF_INIT;
	struct sd_column c = {.kind = SD_COL_TEXT};
	enum sd_err rc = SD_OK;
	int code, i = 1;

	sd_buf_str(&sql, "SELECT t._rid FROM ");
	sd_quote_name(&sql, t->name);
	sd_buf_fmt(&sql, " t WHERE t._rid<=%lld AND t._st IN(%d,%d)%s ORDER BY t._rid",
		(long long)to_rid, SD_ST_SYNCED, SD_ST_QUARANTINED, more);
	code = sd_buf_ok(&sql) ? sqlite3_prepare_v2(st->db, sd_buf_text(&sql), -1, out, NULL)
			       : SQLITE_NOMEM;
	sd_buf_release(&sql);
	if (code != SQLITE_OK)
		return sd_db_fail(st, code, e, t->model->name);
	for (struct cJSON *b = sd_json_child(binds); b && rc == SD_OK; b = sd_json_next(b))
		rc = sd_bind_value(st, *out, i++, &c, b, e);
	return rc;
}

static enum sd_err unseen(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	struct rids *out, struct sd_error *e)
{
	unsigned char bits[CHUNK / 8];
	int64_t chunk = -1;
	enum sd_err rc;

	while ((rc = sd_db_row(st, s, e, t->model->name)) == SD_OK) {
		int64_t rid = sqlite3_column_int64(s, 0);
		if (rid / CHUNK != chunk) {
			chunk = rid / CHUNK;
			rc = seen_load(st, t->model, chunk, bits, e);
			if (rc != SD_OK)
				return rc;
		}
		if (!(bits[rid % CHUNK / 8] >> (rid % 8) & 1) && !keep(out, rid))
			return sd_db_nomem(e, "sweep");
	}
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static enum sd_err remove_all(struct sd_store *st, struct sd_table *t, const struct rids *r,
	const char *text, int64_t now_ms, int64_t *removed, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < r->count && rc == SD_OK; i++)
		rc = remove_one(st, t, r->v[i], text, now_ms, removed, e);
	return rc;
}

static enum sd_err condition(const struct sd_pred *pred, bool outside, struct sd_buf *sql,
	struct cJSON **binds, struct sd_error *e)
{
	enum sd_err rc;

	*binds = NULL;
	if (!pred || (pred->kind == SD_P_ALL && !outside))
		return SD_OK;
	*binds = sd_json_array();
	if (!*binds)
		return sd_db_nomem(e, "sweep");
	sd_buf_str(sql, " AND ((");
	rc = sd_pred_sql(pred, "t", 1, sd_now_ms(), sql, *binds, e);
	sd_buf_str(sql, outside ? ") IS NOT TRUE)" : ") IS TRUE)");
	return rc == SD_OK && !sd_buf_ok(sql) ? sd_db_nomem(e, "sweep") : rc;
}

enum sd_err sd_sweep_end(struct sd_store *st, const struct sd_model *m,
	const struct sd_pred *within, int64_t sweep_rid, int64_t now_ms, int64_t *removed,
	struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	struct sd_buf more = SD_BUF_INIT;
	struct cJSON *binds = NULL;
	struct rids gone = {NULL, 0, 0};
	sqlite3_stmt *s = NULL;
	enum sd_err rc = condition(within, false, &more, &binds, e);

	assert(sd_store_in_txn(st));
	if (rc == SD_OK)
		rc = select_rows(st, t, sweep_rid, sd_buf_text(&more), binds, &s, e);
	if (rc == SD_OK)
		rc = unseen(st, t, s, &gone, e);
	sqlite3_finalize(s);
	if (rc == SD_OK)
		rc = remove_all(st, t, &gone, "no longer on the server", now_ms, removed, e);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_SEEN_CLEAR, e, "sync state", "s", m->name);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_SYNC_SWEEP, e, "sync state", "si", m->name, (int64_t)0);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_SYNC_REFILL, e, "sync state", "s", m->name);
	t->marks_known = false;
	free(gone.v);
	sd_json_free(binds);
	sd_buf_release(&more);
	return rc;
}

enum sd_err sd_drop_outside(struct sd_store *st, const struct sd_model *m,
	const struct sd_pred *pred, int64_t now_ms, int64_t *removed, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	struct sd_buf more = SD_BUF_INIT;
	struct cJSON *binds = NULL;
	struct rids gone = {NULL, 0, 0};
	sqlite3_stmt *s = NULL;
	enum sd_err rc = SD_OK;

	assert(sd_store_in_txn(st));
	if (!pred || pred->kind == SD_P_ALL)
		return SD_OK;
	rc = condition(pred, true, &more, &binds, e);
	if (rc == SD_OK)
		rc = select_rows(st, t, INT64_MAX, sd_buf_text(&more), binds, &s, e);
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, m->name)) == SD_OK)
		if (!keep(&gone, sqlite3_column_int64(s, 0)))
			rc = sd_db_nomem(e, "sweep");
	sqlite3_finalize(s);
	if (rc == SD_NOTFOUND)
		rc = remove_all(st, t, &gone, "outside the sync expression", now_ms, removed, e);
	free(gone.v);
	sd_json_free(binds);
	sd_buf_release(&more);
	return rc;
}
