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

/* Of each 8 KB page more rows are read at once; the cache is what a million rows may take. */
#define PRAGMAS "PRAGMA page_size=8192; PRAGMA cache_size=" SBX_CACHE ";"

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

sqlite3_stmt *sbx_model_stmt(
	struct sd_sbx *s, const struct sbx_model *m, const char *fmt, struct sd_error *e)
{
	char *sql = sqlite3_mprintf(fmt, m->table, m->table);
	sqlite3_stmt *st = NULL;

	if (sql)
		st = sbx_stmt(s, sql, e);
	else
		(void)!sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	sqlite3_free(sql);
	return st;
}

void sbx_stmts_drop(struct sd_sbx *s)
{
	void *v;

	for (size_t i = 0; sd_map_next(&s->stmts, &i, NULL, &v);)
		sqlite3_finalize(v);
	sd_map_release(&s->stmts, NULL);
}

enum sd_err sbx_store_format(struct sd_sbx *s, struct sd_error *e)
{
	sqlite3_stmt *st;
	enum sd_err rc = SD_OK;

	rc = sbx_exec(s,
		"CREATE TABLE IF NOT EXISTS meta(key TEXT PRIMARY KEY, value) WITHOUT ROWID;"
		"INSERT OR IGNORE INTO meta VALUES('format',1);"
		"CREATE TABLE IF NOT EXISTS counts(model TEXT PRIMARY KEY, all_rows INTEGER NOT "
		"NULL, tombstones INTEGER NOT NULL) WITHOUT ROWID;"
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

	/* no name: what does not fit into the cache goes to a file that has no name either */
	if (sqlite3_open_v2(s->o.db ? s->o.db : "", &s->db,
		    SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		    NULL) != SQLITE_OK)
		return sbx_db_fail(s, e, s->o.db ? s->o.db : "open");
	sqlite3_busy_timeout(s->db, 5000);
	rc = sbx_exec(s,
		s->o.db ? PRAGMAS "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;"
			: PRAGMAS "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF;",
		e);
	return rc == SD_OK ? sbx_store_format(s, e) : rc;
}

void sbx_store_close(struct sd_sbx *s)
{
	sbx_stmts_drop(s);
	sqlite3_close(s->db);
	s->db = NULL;
}

/* As sbx_exec, but the statement is kept: these are run with every write. */
static enum sd_err run(struct sd_sbx *s, const char *sql, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s, sql, e);
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "statement");
	sqlite3_reset(st);
	return rc;
}

enum sd_err sbx_begin(struct sd_sbx *s, struct sd_error *e)
{
	return run(s, s->outer ? "SAVEPOINT w" : "BEGIN IMMEDIATE", e);
}

enum sd_err sbx_commit(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc = run(s, s->outer ? "RELEASE w" : "COMMIT", e);

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
	free(r->text);
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

enum sd_err sbx_row_get(struct sd_sbx *s, const struct sbx_model *m, const char *pk, int64_t now,
	struct sbx_row *row, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_model_stmt(
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
	const struct cJSON *item, const struct sd_buf *text, int64_t expires_s, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_model_stmt(s, m,
		"INSERT INTO %s(pk,item,_version,_lastChangedAt,_deleted,_ttl) VALUES(?,?,?,?,?,?) "
		"ON CONFLICT(pk) DO UPDATE SET item=excluded.item, _version=excluded._version, "
		"_lastChangedAt=excluded._lastChangedAt, _deleted=excluded._deleted, "
		"_ttl=excluded._ttl",
		e);
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	sqlite3_bind_text(st, 1, pk, -1, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, sd_buf_text(text), (int)text->len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, sd_json_get_i64(item, "_version", 1));
	sqlite3_bind_int64(st, 4, sd_json_get_i64(item, "_lastChangedAt", 0));
	if (sd_json_is_true(sd_json_get(item, "_deleted")))
		sqlite3_bind_int(st, 5, 1);
	if (expires_s)
		sqlite3_bind_int64(st, 6, expires_s);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "write");
	sqlite3_reset(st);
	return rc;
}

enum sd_err sbx_row_remove(
	struct sd_sbx *s, const struct sbx_model *m, const char *pk, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_model_stmt(s, m, "DELETE FROM %s WHERE pk=?1", e);
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
	const struct cJSON *item, const struct sd_buf *text, int64_t now, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s,
		"INSERT INTO delta(model,changed_at_ms,pk,version,item,ttl) VALUES(?,?,?,?,?,?)",
		e);
	enum sd_err rc = SD_OK;

	if (!st)
		return e ? e->code : SD_DB;
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, sd_json_get_i64(item, "_lastChangedAt", now));
	sqlite3_bind_text(st, 3, pk, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 4, sd_json_get_i64(item, "_version", 1));
	sqlite3_bind_text(st, 5, sd_buf_text(text), (int)text->len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 6, sbx_delta_ttl(s, now));
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "write the change log");
	sqlite3_reset(st);
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

/* ---- who may hold a lastSync; remembered over restarts, to the minute ---- */

#define MINUTE 60000

void sbx_synced(struct sd_sbx *s, struct sbx_model *m, int64_t now)
{
	sqlite3_stmt *st;

	m->synced_at = now;
	if (!s->o.db || (now <= m->synced_saved && m->synced_saved - now <= MINUTE))
		return;
	st = sbx_stmt(s, "INSERT OR REPLACE INTO meta VALUES('synced:' || ?1, ?2)", NULL);
	if (!st)
		return;
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, now + MINUTE);
	if (sqlite3_step(st) == SQLITE_DONE)
		m->synced_saved = now + MINUTE;
	sqlite3_reset(st);
}

enum sd_err sbx_synced_load(struct sd_sbx *s, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s, "SELECT value FROM meta WHERE key = 'synced:' || ?1", e);

	for (size_t i = 0; i < s->x.model_count; i++) {
		struct sbx_model *m = &s->x.models[i];
		if (!st)
			return SD_DB;
		sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
		if (sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int64(st, 0) > m->synced_at)
			m->synced_at = m->synced_saved = sqlite3_column_int64(st, 0);
		sqlite3_reset(st);
	}
	return SD_OK;
}

int64_t sbx_delta_ttl(const struct sd_sbx *s, int64_t now)
{
	return (now + s->o.delta_ttl_ms + 1999) / 1000;
}

bool sbx_must_log(const struct sd_sbx *s, const struct sbx_model *m, int64_t now)
{
	return m->synced_at && now - m->synced_at <= s->o.delta_ttl_ms;
}

enum sd_err sd_sbx_keep(struct sd_sbx *s, const char *key, const char *value, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s,
		value ? "INSERT OR REPLACE INTO meta VALUES('kept:' || ?1, ?2)"
		      : "DELETE FROM meta WHERE key = 'kept:' || ?1",
		e);
	int rc;

	if (!st)
		return SD_DB;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if (value)
		sqlite3_bind_text(st, 2, value, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SD_OK
				 : sd_fail(e, SD_DB, rc, "sandbox: %s", sqlite3_errmsg(s->db));
}

enum sd_err sd_sbx_kept(struct sd_sbx *s, sd_sbx_kept_fn fn, void *ctx, struct sd_error *e)
{
	sqlite3_stmt *st =
		sbx_stmt(s, "SELECT substr(key, 6), value FROM meta WHERE key GLOB 'kept:*'", e);
	int rc;

	if (!st)
		return SD_DB;
	while ((rc = sqlite3_step(st)) == SQLITE_ROW)
		fn(ctx, (const char *)sqlite3_column_text(st, 0),
			(const char *)sqlite3_column_text(st, 1));
	sqlite3_reset(st);
	return rc == SQLITE_DONE ? SD_OK
				 : sd_fail(e, SD_DB, rc, "sandbox: %s", sqlite3_errmsg(s->db));
}
