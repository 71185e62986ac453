/*
 * core/store/query.c - queries, counts and keyset pages; see record.h.
 *
 * A page behind a record is asked for in segments, nearest first: rows equal in all sort fields
 * and behind in the next one, then one field less, and so on.  Each is an equality prefix and one
 * range, which an index serves; one OR over all of them would scan from the start.
 */
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

#define MAX_TERMS 24

struct term { /* one column of the order, the key's included */
	char name[2 + 3 * 128];
	bool descending, never_null;
	struct sd_column col; /* how its value is bound */
	const struct cJSON *after;
	struct cJSON *own; /* owned value of `after`, for _state */
};

struct run {
	struct sd_store *st;
	const struct sd_query *q;
	struct sd_table *t;
	struct term terms[MAX_TERMS];
	size_t count;
	struct sd_buf where; /* without the keyset */
	struct cJSON *binds;
	size_t bind_count;
	sd_rec_fn fn;
	void *ctx;
	int64_t left, skip; /* rows still wanted (-1: all) and to skip */
	bool stopped;
};

static const char *const META_COLUMN[] = {
	[SD_META_VERSION] = "_version",
	[SD_META_CHANGED] = "_lastChangedAt",
	[SD_META_DELETED] = "_deleted",
	[SD_META_STATE] = "_st",
};

static enum sd_err add_term(
	struct run *r, const struct sd_field *f, enum sd_meta meta, bool desc, struct sd_error *e)
{
	const char *name = f ? f->name : META_COLUMN[meta];
	struct term *t = &r->terms[r->count];
	struct sd_buf b = SD_BUF_INIT;

	for (size_t i = 0; i < r->count; i++)
		if (r->terms[i].col.field == f && f)
			return SD_OK; /* named twice: the first decides */
	sd_buf_str(&b, "t.");
	sd_quote_name(&b, name);
	if (r->count == MAX_TERMS || !sd_buf_ok(&b) || b.len >= sizeof t->name) {
		sd_buf_release(&b);
		return sd_fail(e, SD_INVAL, 0, "%s: cannot sort by so many or such long names",
			r->t->model->name);
	}
	memcpy(t->name, sd_buf_text(&b), b.len + 1);
	sd_buf_release(&b);
	t->descending = desc != r->q->backwards;
	t->never_null = f ? sd_model_is_key(r->t->model, f) : meta == SD_META_STATE;
	t->col.field = f;
	t->col.kind = SD_COL_TEXT;
	for (size_t i = 0; f && i < r->t->count; i++)
		if (r->t->cols[i].field == f)
			t->col = r->t->cols[i];
	if (r->q->after) {
		t->after = sd_json_get(r->q->after, f ? f->name : name);
		if (meta == SD_META_STATE) {
			int s = sd_rec_state_parse(sd_json_get_str(r->q->after, "_state"));
			t->own = sd_json_int(s);
			t->after = t->own;
		}
	}
	r->count++;
	return SD_OK;
}

static enum sd_err build_terms(struct run *r, struct sd_error *e)
{
	const struct sd_model *m = r->t->model;
	enum sd_err rc = SD_OK;

	if (r->q->by_rid && r->q->sort_count == 0)
		return SD_OK;
	for (size_t i = 0; i < r->q->sort_count && rc == SD_OK; i++)
		rc = add_term(
			r, r->q->sort[i].field, r->q->sort[i].meta, r->q->sort[i].descending, e);
	for (size_t k = 0; k < m->pk_count && rc == SD_OK; k++)
		rc = add_term(r, &m->fields[m->pk[k]], SD_META_NONE, false, e);
	return rc;
}

/* " AND (points somewhere AND nothing live is there OR ...)" */
static void add_orphans(struct run *r)
{
	const struct sd_model *m = r->t->model;
	bool any = false;

	sd_buf_str(&r->where, " AND (");
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->kind != SD_K_MODEL || f->assoc != SD_A_BELONGS_TO || !f->join_count)
			continue;
		sd_buf_str(&r->where, any ? " OR (" : "(");
		for (size_t k = 0; k < f->join_count; k++) {
			sd_buf_str(&r->where, k ? " AND t." : "t.");
			sd_quote_name(&r->where, f->local[k]);
			sd_buf_str(&r->where, " IS NOT NULL");
		}
		sd_buf_str(&r->where, " AND NOT EXISTS(SELECT 1 FROM ");
		sd_quote_name(&r->where, sd_table_of(r->st, f->model)->name);
		sd_buf_str(&r->where, " p WHERE p._deleted=0");
		for (size_t k = 0; k < f->join_count; k++) {
			sd_buf_str(&r->where, " AND p.");
			sd_quote_name(&r->where, f->remote[k]);
			sd_buf_str(&r->where, "=t.");
			sd_quote_name(&r->where, f->local[k]);
		}
		sd_buf_str(&r->where, "))");
		any = true;
	}
	sd_buf_str(&r->where, any ? ")" : "0)");
}

static enum sd_err build_where(struct run *r, struct sd_error *e)
{
	const struct sd_query *q = r->q;
	enum sd_err rc = SD_OK;

	r->binds = sd_json_array();
	if (!r->binds)
		return sd_db_nomem(e, q->model->name);
	sd_buf_str(&r->where, q->tombstones ? "1" : "t._deleted=0");
	if (q->state >= 0)
		sd_buf_fmt(&r->where,
			q->state == SD_ST_SYNCED ? " AND t._st=%d" : " AND t._st<>0 AND t._st=%d",
			q->state);
	if (q->orphans)
		add_orphans(r);
	if (q->where && q->where->kind != SD_P_ALL) {
		sd_buf_str(&r->where, " AND (");
		rc = sd_pred_sql(q->where, "t", 1, sd_now_ms(), &r->where, r->binds, e);
		sd_buf_ch(&r->where, ')');
	}
	r->bind_count = sd_json_count(r->binds);
	if (rc == SD_OK && !sd_buf_ok(&r->where))
		rc = sd_db_nomem(e, q->model->name);
	return rc;
}

static enum sd_err bind_where(struct run *r, sqlite3_stmt *s, struct sd_error *e)
{
	struct sd_column c = {.kind = SD_COL_TEXT};
	enum sd_err rc = SD_OK;
	int i = 1;

	for (struct cJSON *b = sd_json_child(r->binds); b && rc == SD_OK; b = sd_json_next(b))
		rc = sd_bind_value(r->st, s, i++, &c, b, e);
	return rc;
}

/* The keyset part of a segment: terms before `at` equal, term `at` behind.  false: no such rows.
 * nulls: the rows behind a value of a descending term that have none. */
static bool segment(const struct run *r, struct sd_buf *b, size_t at, bool nulls, size_t *binds)
{
	size_t n = r->bind_count;

	for (size_t i = 0; i < at; i++) {
		bool null = sd_json_is_null(r->terms[i].after);
		if (null)
			sd_buf_fmt(b, " AND %s IS NULL", r->terms[i].name);
		else
			sd_buf_fmt(b, " AND %s=?%zu", r->terms[i].name, ++n);
	}
	if (at < r->count && r->q->after) {
		const struct term *t = &r->terms[at];
		bool null = sd_json_is_null(t->after);
		if (t->descending && (null || nulls)) {
			if (null)
				return false; /* nulls are last: nothing behind */
			sd_buf_fmt(b, " AND %s IS NULL", t->name);
		} else if (null) {
			sd_buf_fmt(b, " AND %s IS NOT NULL", t->name);
		} else {
			sd_buf_fmt(b, " AND %s%c?%zu", t->name, t->descending ? '<' : '>', ++n);
		}
	}
	*binds = n;
	return true;
}

static void add_order(const struct run *r, struct sd_buf *b, size_t from)
{
	if (r->count == 0) {
		sd_buf_str(b, r->q->backwards ? " ORDER BY t._rid DESC" : " ORDER BY t._rid");
		return;
	}
	for (size_t i = from; i < r->count; i++)
		sd_buf_fmt(b, "%s%s%s", i > from ? "," : " ORDER BY ", r->terms[i].name,
			r->terms[i].descending ? " DESC" : "");
}

static enum sd_err bind_segment(
	struct run *r, sqlite3_stmt *s, size_t at, bool nulls, struct sd_error *e)
{
	enum sd_err rc = bind_where(r, s, e);
	int n = (int)r->bind_count;

	for (size_t i = 0; i <= at && i < r->count && r->q->after && rc == SD_OK; i++) {
		if (sd_json_is_null(r->terms[i].after) || (i == at && nulls))
			continue;
		rc = sd_bind_value(r->st, s, ++n, &r->terms[i].col, r->terms[i].after, e);
	}
	return rc;
}

static enum sd_err deliver(struct run *r, sqlite3_stmt *s, struct sd_error *e)
{
	enum sd_err rc;

	while (!r->stopped && (rc = sd_db_row(r->st, s, e, r->t->model->name)) != SD_NOTFOUND) {
		struct cJSON *rec;
		if (rc != SD_OK)
			return rc;
		if (r->skip > 0) {
			r->skip--;
			continue;
		}
		rec = sd_row_json(r->st, r->t, s);
		if (!rec)
			return sd_db_nomem(e, r->t->model->name);
		r->stopped = !r->fn(r->ctx, rec, sqlite3_column_int64(s, 0));
		sd_json_free(rec);
		if (r->left > 0 && --r->left == 0)
			r->stopped = true;
	}
	return SD_OK;
}

/* A page after another asks the same: the statement is kept.  NULL: the error is in *e. */
static sqlite3_stmt *statement(struct run *r, struct sd_buf *sql, struct sd_error *e)
{
	struct sd_kept *k = &r->st->kept[0];
	sqlite3_stmt *s = NULL;
	int code;

	for (size_t i = 0; i < SD_KEPT; i++) {
		struct sd_kept *c = &r->st->kept[i];
		if (c->s && !c->busy && strcmp(c->sql, sd_buf_text(sql)) == 0) {
			c->busy = true;
			c->used = ++r->st->kept_clock;
			return c->s;
		}
		if (!c->busy && (k->busy || c->used < k->used))
			k = c;
	}
	code = sd_buf_ok(sql) ? sqlite3_prepare_v3(r->st->db, sd_buf_text(sql), -1,
					SQLITE_PREPARE_PERSISTENT, &s, NULL)
			      : SQLITE_NOMEM;
	if (code != SQLITE_OK) {
		(void)sd_db_fail(r->st, code, e, r->t->model->name);
		return NULL;
	}
	if (!k->busy) {
		sqlite3_finalize(k->s);
		free(k->sql);
		*k = (struct sd_kept){.sql = sd_buf_take(sql), .s = s, .busy = true};
		k->used = ++r->st->kept_clock;
		if (!k->sql)
			k->s = NULL;
	}
	return s;
}

/* Back into the store's keeping, or away when it was not kept. */
static void give_back(struct run *r, sqlite3_stmt *s)
{
	for (size_t i = 0; s && i < SD_KEPT; i++) {
		if (r->st->kept[i].s != s)
			continue;
		sqlite3_reset(s);
		sqlite3_clear_bindings(s);
		r->st->kept[i].busy = false;
		return;
	}
	sqlite3_finalize(s);
}

static enum sd_err run_segment(struct run *r, size_t at, bool nulls, struct sd_error *e)
{
	struct sd_buf sql = SD_BUF_INIT;
	sqlite3_stmt *s = NULL;
	enum sd_err rc = SD_OK;
	size_t n = r->bind_count;
	bool from_rid = r->count == 0 && r->q->after_rid > 0;

	sd_buf_fmt(&sql, "SELECT %s FROM ", r->t->columns);
	sd_quote_name(&sql, r->t->name);
	sd_buf_fmt(&sql, " t WHERE %s", sd_buf_text(&r->where));
	if (r->q->after && r->count && !segment(r, &sql, at, nulls, &n))
		goto done;
	if (from_rid)
		sd_buf_fmt(&sql, " AND t._rid%c?%zu", r->q->backwards ? '<' : '>', n + 1);
	add_order(r, &sql, r->q->after ? at : 0);
	if (r->left >= 0)
		sd_buf_fmt(&sql, " LIMIT ?%zu", n + 1 + from_rid);
	s = statement(r, &sql, e);
	if (!s)
		rc = e && e->code != SD_OK ? e->code : SD_DB;
	if (rc == SD_OK)
		rc = bind_segment(r, s, at, nulls, e);
	if (rc == SD_OK && from_rid)
		sqlite3_bind_int64(s, (int)n + 1, r->q->after_rid);
	if (rc == SD_OK && r->left >= 0)
		sqlite3_bind_int64(s, (int)n + 1 + from_rid,
			r->left > INT64_MAX - r->skip ? INT64_MAX : r->left + r->skip);
	sd_watch_stmt(r->st, s, r->t);
	if (rc == SD_OK)
		rc = deliver(r, s, e);
done:
	sd_watch_stmt(r->st, NULL, r->t);
	give_back(r, s);
	sd_buf_release(&sql);
	return rc;
}

static void release(struct run *r)
{
	for (size_t i = 0; i < r->count; i++)
		sd_json_free(r->terms[i].own);
	sd_buf_release(&r->where);
	sd_json_free(r->binds);
}

enum sd_err sd_rec_query(
	struct sd_store *st, const struct sd_query *q, sd_rec_fn fn, void *ctx, struct sd_error *e)
{
	struct run r = {.st = st, .q = q, .t = sd_table_of(st, q->model), .fn = fn, .ctx = ctx};
	enum sd_err rc;

	r.left = q->limit > 0 ? q->limit : -1;
	r.skip = q->offset > 0 ? q->offset : 0;
	rc = sd_bulk_end(st, e);
	if (rc == SD_OK)
		rc = build_terms(&r, e);
	if (rc == SD_OK)
		rc = build_where(&r, e);
	if (rc != SD_OK)
		goto done;
	if (!q->after || r.count == 0) {
		rc = run_segment(&r, 0, false, e);
		goto done;
	}
	for (size_t at = r.count; at-- > 0 && rc == SD_OK && !r.stopped;) {
		rc = run_segment(&r, at, false, e);
		if (rc == SD_OK && !r.stopped && r.terms[at].descending &&
			!r.terms[at].never_null && !sd_json_is_null(r.terms[at].after))
			rc = run_segment(&r, at, true, e);
	}
done:
	release(&r);
	return rc;
}

enum sd_err sd_rec_count(
	struct sd_store *st, const struct sd_query *q, int64_t *out, struct sd_error *e)
{
	struct run r = {.st = st, .q = q, .t = sd_table_of(st, q->model)};
	struct sd_buf sql = SD_BUF_INIT;
	sqlite3_stmt *s = NULL;
	enum sd_err rc;
	int code;

	if ((!q->where || q->where->kind == SD_P_ALL) && q->state < 0 && !q->tombstones &&
		!q->orphans)
		return sd_rec_total(st, q->model, out, e);
	rc = build_where(&r, e);
	if (rc != SD_OK)
		goto done;
	sd_buf_str(&sql, "SELECT count(*) FROM ");
	sd_quote_name(&sql, r.t->name);
	sd_buf_fmt(&sql, " t WHERE %s", sd_buf_text(&r.where));
	code = sd_buf_ok(&sql) ? sqlite3_prepare_v2(st->db, sd_buf_text(&sql), -1, &s, NULL)
			       : SQLITE_NOMEM;
	if (code != SQLITE_OK)
		rc = sd_db_fail(st, code, e, q->model->name);
	if (rc == SD_OK)
		rc = bind_where(&r, s, e);
	sd_watch_stmt(st, s, r.t);
	if (rc == SD_OK)
		rc = sd_db_row(st, s, e, q->model->name);
	sd_watch_stmt(st, NULL, r.t);
	if (rc == SD_OK)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
done:
	sd_buf_release(&sql);
	release(&r);
	return rc;
}
