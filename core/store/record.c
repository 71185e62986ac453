/* core/store/record.c - get, totals, relations, shadows; see record.h. */
#include "core/store/internal.h"

#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static const char *const STATE[SD_ST_COUNT] = {
	[SD_ST_SYNCED] = "synced",
	[SD_ST_PENDING] = "pending",
	[SD_ST_SENDING] = "sending",
	[SD_ST_CONFLICT] = "conflict",
	[SD_ST_REFUSED] = "refused",
	[SD_ST_QUARANTINED] = "quarantined",
};

const char *sd_rec_state_name(enum sd_rec_state s)
{
	return (size_t)s < SD_ST_COUNT ? STATE[s] : "unknown";
}

int sd_rec_state_parse(const char *s)
{
	for (int i = 0; i < SD_ST_COUNT; i++)
		if (sd_str_eq(s, STATE[i]))
			return i;
	return sd_str_eq(s, "local") ? SD_ST_PENDING : -1;
}

enum sd_err sd_rec_get(struct sd_store *st, const struct sd_model *m, const char *key,
	bool tombstones, struct cJSON **rec, struct sd_error *e)
{
	struct sd_rowid id;
	enum sd_err rc = sd_row_get(st, sd_table_of(st, m), key, rec, &id, e);

	if (rc != SD_OK)
		return rc;
	if (*rec && (tombstones || !id.deleted))
		return SD_OK;
	sd_json_free(*rec);
	*rec = NULL;
	return SD_NOTFOUND;
}

enum sd_err sd_rec_rid(struct sd_store *st, const struct sd_model *m, const struct cJSON *rec,
	int64_t *rid, struct sd_error *e)
{
	struct sd_rowid id;
	enum sd_err rc = sd_row_find(st, sd_table_of(st, m), rec, &id, e);

	*rid = rc == SD_OK ? id.rid : 0;
	return rc;
}

enum sd_err sd_rec_get_rid(struct sd_store *st, const struct sd_model *m, int64_t rid,
	struct cJSON **rec, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	sqlite3_stmt *s = sd_table_stmt(st, t, T_GET_RID, e);
	enum sd_err rc;

	*rec = NULL;
	if (!s)
		return SD_DB;
	sqlite3_bind_int64(s, 1, rid);
	rc = sd_db_row(st, s, e, m->name);
	if (rc == SD_OK) {
		*rec = sd_row_json(st, t, s);
		if (!*rec)
			rc = sd_db_nomem(e, m->name);
	}
	sqlite3_reset(s);
	return rc;
}

enum sd_err sd_rec_total(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	enum sd_err rc = sd_counter_load(st, t, e);

	if (rc == SD_OK)
		*out = t->live;
	return rc;
}

/* ---- relations ---- */

#define LIVE "t._deleted=0"

enum sd_err sd_match_rows(struct sd_store *st, const struct sd_field *f, const struct cJSON *rec,
	const char *where, sd_rec_fn fn, void *ctx, struct sd_error *e)
{
	const struct sd_model *to = f->model;
	char **names = f->remote, **from = f->local;
	size_t n = f->join_count;
	struct sd_table *t = sd_table_of(st, to);
	struct sd_buf sql = SD_BUF_INIT;
	sqlite3_stmt *s = NULL;
	enum sd_err rc = SD_OK;
	int code;

	for (size_t i = 0; i < n; i++)
		if (sd_json_is_null(sd_json_get(rec, from[i])))
			return SD_OK;
	rc = sd_bulk_end(st, e);
	if (rc != SD_OK)
		return rc;
	sd_buf_fmt(&sql, "SELECT %s FROM ", t->columns);
	sd_quote_name(&sql, t->name);
	sd_buf_fmt(&sql, " t WHERE %s", where);
	for (size_t i = 0; i < n; i++) {
		sd_buf_str(&sql, " AND t.");
		sd_quote_name(&sql, names[i]);
		sd_buf_fmt(&sql, "=?%zu", i + 1);
	}
	sd_buf_str(&sql, " ORDER BY t._rid");
	code = sd_buf_ok(&sql) ? sqlite3_prepare_v2(st->db, sd_buf_text(&sql), -1, &s, NULL)
			       : SQLITE_NOMEM;
	sd_buf_release(&sql);
	if (code != SQLITE_OK)
		return sd_db_fail(st, code, e, to->name);
	for (size_t i = 0; i < n && rc == SD_OK; i++) {
		struct sd_column c = {.kind = SD_COL_TEXT};
		rc = sd_bind_value(st, s, (int)i + 1, &c, sd_json_get(rec, from[i]), e);
	}
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, to->name)) == SD_OK) {
		struct cJSON *r = sd_row_json(st, t, s);
		bool more = r && fn(ctx, r, sqlite3_column_int64(s, 0));
		if (!r)
			rc = sd_db_nomem(e, to->name);
		sd_json_free(r);
		if (!more)
			break;
	}
	sqlite3_finalize(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* The belongsTo of a join model that leads away from the relation we came by. */
static const struct sd_field *other_end(const struct sd_field *relation)
{
	const struct sd_model *join = relation->model;

	for (size_t i = 0; i < join->field_count; i++) {
		const struct sd_field *f = &join->fields[i];
		if (f->kind != SD_K_MODEL || f->assoc != SD_A_BELONGS_TO || !f->join_count)
			continue;
		if (relation->join_count && strcmp(f->local[0], relation->remote[0]) != 0)
			return f;
	}
	return NULL;
}

struct through {
	struct sd_store *st;
	const struct sd_field *end;
	sd_rec_fn fn;
	void *ctx;
	struct sd_error *e;
	enum sd_err rc;
	bool stopped;
};

static bool far_end(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct through *g = ctx;

	g->stopped = !g->fn(g->ctx, rec, rid);
	return !g->stopped;
}

static bool through_join(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct through *g = ctx;

	(void)rid;
	g->rc = sd_match_rows(g->st, g->end, rec, LIVE, far_end, g, g->e);
	return g->rc == SD_OK && !g->stopped;
}

enum sd_err sd_rec_related(struct sd_store *st, const struct sd_model *m, const struct cJSON *rec,
	const struct sd_field *relation, bool through, sd_rec_fn fn, void *ctx, struct sd_error *e)
{
	struct through g = {.st = st, .fn = fn, .ctx = ctx, .e = e, .rc = SD_OK};
	enum sd_err rc;

	if (relation->kind != SD_K_MODEL || relation->join_count == 0)
		return sd_fail(e, SD_INVAL, 0,
			"%s.%s: the schema does not say how these models are joined", m->name,
			relation->name);
	g.end = through && relation->assoc == SD_A_HAS_MANY && relation->model->join
			? other_end(relation)
			: NULL;
	if (!g.end)
		return sd_match_rows(st, relation, rec, LIVE, fn, ctx, e);
	rc = sd_match_rows(st, relation, rec, LIVE, through_join, &g, e);
	return rc == SD_OK ? g.rc : rc;
}

static bool found(void *ctx, struct cJSON *rec, int64_t rid)
{
	(void)rec;
	(void)rid;
	*(bool *)ctx = true;
	return false;
}

static bool points(const struct sd_field *f, const struct cJSON *rec)
{
	for (size_t i = 0; i < f->join_count; i++)
		if (sd_json_is_null(sd_json_get(rec, f->local[i])))
			return false;
	return f->kind == SD_K_MODEL && f->assoc == SD_A_BELONGS_TO && f->join_count;
}

enum sd_err sd_rec_orphan(struct sd_store *st, const struct sd_model *m, const struct cJSON *rec,
	struct cJSON **out, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	*out = NULL;
	for (size_t i = 0; i < m->field_count && rc == SD_OK; i++) {
		bool there = false;
		if (!points(&m->fields[i], rec))
			continue;
		rc = sd_match_rows(st, &m->fields[i], rec, LIVE, found, &there, e);
		if (rc != SD_OK || there)
			continue;
		if (!*out)
			*out = sd_json_array();
		if (!sd_json_push(*out, sd_json_string(m->fields[i].name)))
			rc = sd_db_nomem(e, m->name);
	}
	if (rc != SD_OK) {
		sd_json_free(*out);
		*out = NULL;
	}
	return rc;
}

/* ---- shadows ---- */

enum sd_err sd_shadow_get(struct sd_store *st, const struct sd_model *m, const char *key,
	struct sd_shadow *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_SHADOW_GET, e, "ss", m->name, key);
	enum sd_err rc;

	out->base = out->server = NULL;
	if (!s)
		return SD_DB;
	rc = sd_db_row(st, s, e, m->name);
	if (rc == SD_OK)
		rc = sd_db_json(s, 0, &out->base, e);
	if (rc == SD_OK && sd_str_eq((const char *)sqlite3_column_text(s, 1), SD_SAME)) {
		out->server = sd_json_dup(out->base);
		if (!out->server)
			rc = sd_db_nomem(e, m->name);
	} else if (rc == SD_OK) {
		rc = sd_db_json(s, 1, &out->server, e);
	}
	sd_db_reset(s);
	if (rc != SD_OK)
		sd_shadow_release(out);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

void sd_shadow_release(struct sd_shadow *s)
{
	sd_json_free(s->base);
	sd_json_free(s->server);
	s->base = s->server = NULL;
}
