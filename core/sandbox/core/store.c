/*
 * core/sandbox/core/store.c - the SQLite tables: base_<Model>, delta, meta (spec/server.md 3.1).
 *
 * An item is kept as its JSON text with the metadata in it; the columns beside it repeat what SQL
 * needs.  Names from the schema are checked GraphQL names and quoted; values are always bound.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define FORMAT 1

enum sd_err sbx_db_fail(struct sd_sbx *s, struct sd_error *e, const char *what)
{
	int code = s->db ? sqlite3_extended_errcode(s->db) : SQLITE_NOMEM;

	if (code == SQLITE_NOMEM)
		return sd_fail(e, SD_NOMEM, code, "sandbox: %s: out of memory", what);
	return sd_fail(e, SD_DB, code, "sandbox database: %s: %s", what,
		s->db ? sqlite3_errmsg(s->db) : "not open");
}

enum sd_err sbx_exec(struct sd_sbx *s, const char *sql, struct sd_error *e)
{
	if (sqlite3_exec(s->db, sql, NULL, NULL, NULL) != SQLITE_OK)
		return sbx_db_fail(s, e, "statement");
	return SD_OK;
}

sqlite3_stmt *sbx_stmt(struct sd_sbx *s, const char *sql, struct sd_error *e)
{
	sqlite3_stmt *st = sd_map_get(&s->stmts, sql);

	if (st) {
		sqlite3_reset(st);
		sqlite3_clear_bindings(st);
		return st;
	}
	if (sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &st, NULL) != SQLITE_OK) {
		(void)!sbx_db_fail(s, e, "prepare");
		return NULL;
	}
	if (!sd_map_put(&s->stmts, sql, st, NULL)) {
		sqlite3_finalize(st);
		(void)!sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
		return NULL;
	}
	return st;
}

static void drop_statements(struct sd_sbx *s)
{
	void *v;

	for (size_t i = 0; sd_map_next(&s->stmts, &i, NULL, &v);)
		sqlite3_finalize(v);
	sd_map_release(&s->stmts, NULL);
}

static enum sd_err check_format(struct sd_sbx *s, struct sd_error *e)
{
	sqlite3_stmt *st;
	enum sd_err rc = SD_OK;

	rc = sbx_exec(s,
		"CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
		"INSERT OR IGNORE INTO meta VALUES('format',1);"
		"CREATE TABLE IF NOT EXISTS delta(seq INTEGER PRIMARY KEY, model TEXT NOT NULL,"
		" changed_at_ms INTEGER NOT NULL, pk TEXT NOT NULL, version INTEGER NOT NULL,"
		" item TEXT NOT NULL, ttl INTEGER NOT NULL);"
		"CREATE INDEX IF NOT EXISTS delta_at ON delta(model, changed_at_ms, seq);"
		"CREATE INDEX IF NOT EXISTS delta_ttl ON delta(ttl);",
		e);
	if (rc != SD_OK)
		return rc;
	st = sbx_stmt(s, "SELECT value FROM meta WHERE key='format'", e);
	if (!st)
		return SD_DB;
	if (sqlite3_step(st) != SQLITE_ROW || sqlite3_column_int(st, 0) != FORMAT)
		rc = sd_fail(e, SD_INVAL, 0,
			"%s: not a sandbox database of this version; give another --db",
			s->o.db ? s->o.db : "database");
	sqlite3_reset(st);
	return rc;
}

enum sd_err sbx_store_open(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc;

	if (sqlite3_open_v2(s->o.db ? s->o.db : ":memory:", &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK)
		return sbx_db_fail(s, e, s->o.db ? s->o.db : "open");
	sqlite3_busy_timeout(s->db, 5000);
	rc = sbx_exec(s,
		s->o.db ? "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			: "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;",
		e);
	return rc == SD_OK ? check_format(s, e) : rc;
}

bool sbx_key_sql(const char *const *fields, size_t n, struct sd_buf *out)
{
	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(out, "%sjson_extract(item,'$.%s')", i ? " || '#' || " : "", fields[i]);
	return sd_buf_ok(out);
}

/* An index over what a key compares, so that relations and index queries do not scan. */
static enum sd_err make_index(
	struct sd_sbx *s, const struct sbx_model *m, const struct sbx_key *k, struct sd_error *e)
{
	struct sd_buf cols = SD_BUF_INIT, sql = SD_BUF_INIT;
	enum sd_err rc = SD_NOMEM;

	for (size_t i = 0; i < k->hash_count; i++) {
		sd_buf_str(&cols, i ? "," : "");
		sbx_key_sql(&k->hash[i], 1, &cols);
	}
	if (k->sort_count) {
		sd_buf_ch(&cols, ',');
		sbx_key_sql(k->sort, k->sort_count, &cols);
	}
	sd_buf_fmt(&sql, "CREATE INDEX IF NOT EXISTS \"ix_%s_%016llx\" ON %s(%s)", m->m->name,
		(unsigned long long)(sd_hash(sd_buf_text(&cols), cols.len) ^
				     sd_hash(m->table, strlen(m->table))),
		m->table, sd_buf_text(&cols));
	if (k->hash_count == 0)
		rc = SD_OK;
	else if (sd_buf_ok(&cols) && sd_buf_ok(&sql))
		rc = sbx_exec(s, sd_buf_text(&sql), e);
	else
		rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	sd_buf_release(&cols);
	sd_buf_release(&sql);
	return rc;
}

enum sd_err sbx_store_prepare(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc;

	drop_statements(s);
	rc = sbx_exec(s, "BEGIN IMMEDIATE", e); /* one fsync for all of them */
	if (rc != SD_OK)
		return rc;
	for (size_t i = 0; i < s->x.model_count && rc == SD_OK; i++) {
		char *sql = sqlite3_mprintf(
			"CREATE TABLE IF NOT EXISTS %s(rid INTEGER PRIMARY KEY, pk TEXT NOT NULL "
			"UNIQUE, item TEXT NOT NULL, _version INTEGER NOT NULL, _lastChangedAt "
			"INTEGER NOT NULL, _deleted INTEGER, _ttl INTEGER)",
			s->x.models[i].table);
		rc = sql ? sbx_exec(s, sql, e) : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
		sqlite3_free(sql);
		sql = sqlite3_mprintf("CREATE INDEX IF NOT EXISTS \"ix_ttl_%016llx\" ON %s(_ttl) "
				      "WHERE _ttl IS NOT NULL",
			sd_hash(s->x.models[i].table, strlen(s->x.models[i].table)),
			s->x.models[i].table);
		if (rc == SD_OK)
			rc = sql ? sbx_exec(s, sql, e)
				 : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
		sqlite3_free(sql);
	}
	for (size_t i = 0; i < s->x.key_count && rc == SD_OK; i++)
		rc = make_index(s, s->x.key_models[i], s->x.keys[i], e);
	if (rc == SD_OK)
		return sbx_exec(s, "COMMIT", e);
	(void)!sbx_exec(s, "ROLLBACK", NULL);
	return rc;
}

void sbx_store_close(struct sd_sbx *s)
{
	drop_statements(s);
	sqlite3_close(s->db);
	s->db = NULL;
}

enum sd_err sbx_begin(struct sd_sbx *s, struct sd_error *e)
{
	return sbx_exec(s, s->outer ? "SAVEPOINT w" : "BEGIN IMMEDIATE", e);
}

enum sd_err sbx_commit(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc = sbx_exec(s, s->outer ? "RELEASE w" : "COMMIT", e);

	if (rc != SD_OK)
		sbx_rollback(s);
	return rc;
}

void sbx_rollback(struct sd_sbx *s)
{
	/* nothing helps when this fails; the connection ends the transaction when it closes */
	(void)!sbx_exec(s, s->outer ? "ROLLBACK TO w; RELEASE w" : "ROLLBACK", NULL);
}

void sbx_row_release(struct sbx_row *r)
{
	sd_json_free(r->item);
	sd_json_free(r->sort);
	memset(r, 0, sizeof *r);
}

bool sbx_key_text(
	const struct sbx_model *m, const struct cJSON *rec, struct sd_buf *out, const char **part)
{
	const struct sd_model *sm = m->m;

	*part = NULL;
	sd_buf_ch(out, '[');
	for (size_t i = 0; i < sm->pk_count; i++) {
		const struct sd_field *f = &sm->fields[sm->pk[i]];
		const struct cJSON *v = sd_json_get(rec, f->name);
		const char *text = sd_json_str(v);
		if ((!text || !*text) && !sd_json_is_number(v)) {
			*part = f->name;
			return false;
		}
		if (i)
			sd_buf_ch(out, ',');
		sd_json_print(v, out);
	}
	sd_buf_ch(out, ']');
	return sd_buf_ok(out);
}

enum sd_err sbx_row_of(sqlite3_stmt *st, int rid, int item, struct sbx_row *row, struct sd_error *e)
{
	const char *text = (const char *)sqlite3_column_text(st, item);
	int n = sqlite3_column_bytes(st, item);
	enum sd_err rc;

	if (!text)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	row->rid = sqlite3_column_int64(st, rid);
	row->bytes = (size_t)n;
	rc = sd_json_parse(text, (size_t)n, "stored item", &row->item, e);
	if (rc != SD_OK)
		return rc;
	row->version = sd_json_get_i64(row->item, "_version", 0);
	row->changed_at = sd_json_get_i64(row->item, "_lastChangedAt", 0);
	row->deleted = sd_json_is_true(sd_json_get(row->item, "_deleted"));
	return SD_OK;
}

/* A cached statement whose text holds the model's table. */
static sqlite3_stmt *model_stmt(
	struct sd_sbx *s, const struct sbx_model *m, const char *fmt, struct sd_error *e)
{
	char *sql = sqlite3_mprintf(fmt, m->table);
	sqlite3_stmt *st = NULL;

	if (sql)
		st = sbx_stmt(s, sql, e);
	else
		(void)!sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	sqlite3_free(sql);
	return st;
}

enum sd_err sbx_row_get(struct sd_sbx *s, const struct sbx_model *m, const char *pk, int64_t now,
	struct sbx_row *row, struct sd_error *e)
{
	sqlite3_stmt *st = model_stmt(
		s, m, "SELECT rid, item FROM %s WHERE pk=?1 AND (_ttl IS NULL OR _ttl > ?2)", e);
	enum sd_err rc = SD_OK;
	int step;

	memset(row, 0, sizeof *row);
	if (!st)
		return e ? e->code : SD_DB;
	sqlite3_bind_text(st, 1, pk, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, now / 1000);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW)
		rc = sbx_row_of(st, 0, 1, row, e);
	else if (step != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "read");
	sqlite3_reset(st);
	return rc;
}

enum sd_err sbx_row_put(struct sd_sbx *s, const struct sbx_model *m, const char *pk,
	const struct cJSON *item, int64_t expires_s, struct sd_error *e)
{
	sqlite3_stmt *st = model_stmt(s, m,
		"INSERT INTO %s(pk,item,_version,_lastChangedAt,_deleted,_ttl) VALUES(?,?,?,?,?,?) "
		"ON CONFLICT(pk) DO UPDATE SET item=excluded.item, _version=excluded._version, "
		"_lastChangedAt=excluded._lastChangedAt, _deleted=excluded._deleted, "
		"_ttl=excluded._ttl",
		e);
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	if (!sd_json_print(item, &text)) {
		sd_buf_release(&text);
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	}
	sqlite3_bind_text(st, 1, pk, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, sd_buf_text(&text), (int)text.len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, sd_json_get_i64(item, "_version", 1));
	sqlite3_bind_int64(st, 4, sd_json_get_i64(item, "_lastChangedAt", 0));
	if (sd_json_is_true(sd_json_get(item, "_deleted")))
		sqlite3_bind_int(st, 5, 1);
	if (expires_s)
		sqlite3_bind_int64(st, 6, expires_s);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "write");
	sqlite3_reset(st);
	sd_buf_release(&text);
	return rc;
}

enum sd_err sbx_row_remove(
	struct sd_sbx *s, const struct sbx_model *m, const char *pk, struct sd_error *e)
{
	sqlite3_stmt *st = model_stmt(s, m, "DELETE FROM %s WHERE pk=?1", e);
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	sqlite3_bind_text(st, 1, pk, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "remove");
	sqlite3_reset(st);
	return rc;
}

enum sd_err sbx_delta_put(struct sd_sbx *s, const struct sbx_model *m, const char *pk,
	const struct cJSON *item, int64_t now, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s,
		"INSERT INTO delta(model,changed_at_ms,pk,version,item,ttl) VALUES(?,?,?,?,?,?)",
		e);
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	if (!sd_json_print(item, &text)) {
		sd_buf_release(&text);
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	}
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, sd_json_get_i64(item, "_lastChangedAt", now));
	sqlite3_bind_text(st, 3, pk, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, sd_json_get_i64(item, "_version", 1));
	sqlite3_bind_text(st, 5, sd_buf_text(&text), (int)text.len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, (now + s->o.delta_ttl_ms) / 1000);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "write the change log");
	sqlite3_reset(st);
	sd_buf_release(&text);
	return rc;
}

bool sbx_bind(sqlite3_stmt *st, int at, const struct cJSON *v)
{
	int64_t i;
	double d;

	if (sd_json_is_string(v))
		return sqlite3_bind_text(st, at, sd_json_str(v), -1, SQLITE_TRANSIENT) == SQLITE_OK;
	if (sd_json_i64(v, &i))
		return sqlite3_bind_int64(st, at, i) == SQLITE_OK;
	if (sd_json_is_bool(v))
		return sqlite3_bind_int(st, at, sd_json_is_true(v)) == SQLITE_OK;
	if (sd_json_f64(v, &d))
		return sqlite3_bind_double(st, at, d) == SQLITE_OK;
	return sqlite3_bind_null(st, at) == SQLITE_OK;
}

/* Rows whose time has come; they are never shown anyhow, this only makes room. */
void sbx_purge_expired(struct sd_sbx *s, int64_t now)
{
	sqlite3_stmt *st;

	if (s->outer || (now >= s->purged_at && now - s->purged_at < 10000))
		return;
	s->purged_at = now;
	st = sbx_stmt(s, "DELETE FROM delta WHERE ttl <= ?1", NULL);
	if (st) {
		sqlite3_bind_int64(st, 1, now / 1000);
		sqlite3_step(st);
		sqlite3_reset(st);
	}
	for (size_t i = 0; i < s->x.model_count; i++) {
		st = model_stmt(s, &s->x.models[i],
			"DELETE FROM %s WHERE _ttl IS NOT NULL AND _ttl <= ?1", NULL);
		if (!st)
			continue;
		sqlite3_bind_int64(st, 1, now / 1000);
		sqlite3_step(st);
		sqlite3_reset(st);
	}
}
