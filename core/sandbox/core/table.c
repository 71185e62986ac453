/*
 * core/sandbox/core/table.c - the base tables: making them, with their indexes and row counts, and
 * taking those off while a million rows come in.
 *
 * Rows are counted by triggers, so that nobody ever has to count a million.  The triggers are made
 * last: a table that has them is whole, and one that lacks them (its mass load was cut off) is made
 * whole when the database is opened.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#define SORT_CACHE "-12000" /* KiB; building an index takes as much again for sorting */

/* The SQL of a printf-like text made for one call; NULL is out of memory. */
static enum sd_err exec_free(struct sd_sbx *s, char *sql, struct sd_error *e)
{
	enum sd_err rc =
		sql ? sbx_exec(s, sql, e) : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");

	sqlite3_free(sql);
	return rc;
}

static unsigned long long mark(const struct sbx_model *m)
{
	return (unsigned long long)sd_hash(m->table, strlen(m->table));
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
		(unsigned long long)(sd_hash(sd_buf_text(&cols), cols.len) ^ mark(m)), m->table,
		sd_buf_text(&cols));
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

/* Made-up keys may repeat; as with any insert, the first row stays. */
static enum sd_err index_pk(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	const char *fmt = "CREATE UNIQUE INDEX IF NOT EXISTS \"pk_%016llx\" ON %s(pk)";
	struct sd_error first = {0};

	if (exec_free(s, sqlite3_mprintf(fmt, mark(m), m->table), &first) == SD_OK)
		return SD_OK;
	if ((first.detail & 0xff) != SQLITE_CONSTRAINT) {
		if (e)
			*e = first;
		return first.code;
	}
	if (exec_free(s,
		    sqlite3_mprintf(
			    "DELETE FROM %s WHERE rid NOT IN (SELECT min(rid) FROM %s GROUP "
			    "BY pk)",
			    m->table, m->table),
		    e) != SD_OK)
		return e ? e->code : SD_DB;
	return exec_free(s, sqlite3_mprintf(fmt, mark(m), m->table), e);
}

static enum sd_err indexes(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	enum sd_err rc = index_pk(s, m, e);

	if (rc == SD_OK)
		rc = exec_free(s,
			sqlite3_mprintf("CREATE INDEX IF NOT EXISTS \"ix_ttl_%016llx\" ON "
					"%s(_ttl) WHERE _ttl IS NOT NULL",
				mark(m), m->table),
			e);
	for (size_t i = 0; i < s->x.key_count && rc == SD_OK; i++)
		if (s->x.key_models[i] == m)
			rc = make_index(s, m, s->x.keys[i], e);
	return rc;
}

static enum sd_err count_rows(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	return exec_free(s,
		sqlite3_mprintf(
			"INSERT OR REPLACE INTO counts SELECT %Q, count(*), count(_ttl) FROM %s;"
			"CREATE TRIGGER \"ins_%016llx\" AFTER INSERT ON %s BEGIN UPDATE counts SET "
			"all_rows=all_rows+1, tombstones=tombstones+(NEW._ttl IS NOT NULL) WHERE "
			"model=%Q; END;"
			"CREATE TRIGGER \"del_%016llx\" AFTER DELETE ON %s BEGIN UPDATE counts SET "
			"all_rows=all_rows-1, tombstones=tombstones-(OLD._ttl IS NOT NULL) WHERE "
			"model=%Q; END;"
			"CREATE TRIGGER \"upd_%016llx\" AFTER UPDATE OF _ttl ON %s WHEN (OLD._ttl "
			"IS "
			"NULL) <> (NEW._ttl IS NULL) BEGIN UPDATE counts SET tombstones=tombstones+"
			"(NEW._ttl IS NOT NULL)-(OLD._ttl IS NOT NULL) WHERE model=%Q; END",
			m->m->name, m->table, mark(m), m->table, m->m->name, mark(m), m->table,
			m->m->name, mark(m), m->table, m->m->name),
		e);
}

static enum sd_err has_triggers(
	struct sd_sbx *s, const struct sbx_model *m, bool *yes, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s,
		"SELECT 1 FROM sqlite_master WHERE type='trigger' AND name=printf('upd_%016x',?1)",
		e);
	int step;

	if (!st)
		return SD_DB;
	sqlite3_bind_int64(st, 1, (int64_t)mark(m));
	step = sqlite3_step(st);
	sqlite3_reset(st);
	*yes = step == SQLITE_ROW;
	return step == SQLITE_ROW || step == SQLITE_DONE ? SD_OK : sbx_db_fail(s, e, "prepare");
}

static enum sd_err make_whole(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	bool counted;
	enum sd_err rc = indexes(s, m, e);

	if (rc == SD_OK)
		rc = has_triggers(s, m, &counted, e);
	return rc == SD_OK && !counted ? count_rows(s, m, e) : rc;
}

/* A model may have been served with metadata before and be plain now, or the other way round:
 * what is stored follows.  meta says which models are plain. */
static enum sd_err convert(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	static const char *const to_plain =
		"DELETE FROM %s WHERE _deleted IS NOT NULL;"
		"UPDATE %s SET item=json_remove(item,'$._version','$._lastChangedAt');"
		"DELETE FROM delta WHERE model=%Q;"
		"INSERT INTO meta VALUES('plain:' || %Q, 1)";
	static const char *const to_versioned =
		"UPDATE %s SET item=json_set(item,'$._version',_version,'$._lastChangedAt',"
		"_lastChangedAt) WHERE %s.rid > 0;"
		"DELETE FROM delta WHERE model=%Q;"
		"DELETE FROM meta WHERE key='plain:' || %Q";
	sqlite3_stmt *st = sbx_stmt(s, "SELECT count(*) FROM meta WHERE key='plain:' || ?1", e);
	bool plain;

	if (!st)
		return SD_DB;
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	plain = sqlite3_step(st) == SQLITE_ROW && sqlite3_column_int(st, 0) > 0;
	sqlite3_reset(st);
	if (plain != m->versioned)
		return SD_OK;
	return exec_free(s,
		sqlite3_mprintf(plain ? to_versioned : to_plain, m->table, m->table, m->m->name,
			m->m->name),
		e);
}

static bool key_fields(const struct sbx_model *m, struct sd_buf *out)
{
	for (size_t i = 0; i < m->m->pk_count; i++)
		sd_buf_fmt(out, "%s%s", i ? ", " : "", m->m->fields[m->m->pk[i]].name);
	return sd_buf_ok(out);
}

/* Rows stand under their key: a schema with another one does not find them any more.  meta says
 * which key they were written under. */
static enum sd_err check_key(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_stmt(s, "SELECT value FROM meta WHERE key='key:' || ?1", e);
	struct sd_buf now = SD_BUF_INIT;
	enum sd_err rc = SD_OK;
	bool same = false;

	if (!st)
		return SD_DB;
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	if (!key_fields(m, &now)) {
		rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	} else if (sqlite3_step(st) == SQLITE_ROW) {
		const char *was = (const char *)sqlite3_column_text(st, 0);
		same = was && strcmp(was, sd_buf_text(&now)) == 0;
		if (!same && !sbx_table_is_empty(s, m))
			rc = sd_fail(e, SD_INVAL, 0,
				"%s is kept here under the key (%s), the schema says (%s); take "
				"another file, or remove this one",
				m->m->name, was ? was : "", sd_buf_text(&now));
	}
	sqlite3_reset(st);
	if (rc == SD_OK && !same)
		rc = exec_free(s,
			sqlite3_mprintf("INSERT OR REPLACE INTO meta VALUES('key:' || %Q, %Q)",
				m->m->name, sd_buf_text(&now)),
			e);
	sd_buf_release(&now);
	return rc;
}

enum sd_err sbx_store_prepare(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc;

	sbx_stmts_drop(s);
	rc = sbx_begin(s, e);
	if (rc != SD_OK)
		return rc;
	for (size_t i = 0; i < s->x.model_count && rc == SD_OK; i++) {
		rc = exec_free(s,
			sqlite3_mprintf("CREATE TABLE IF NOT EXISTS %s(rid INTEGER PRIMARY KEY, pk "
					"TEXT NOT NULL, item TEXT NOT NULL, _version INTEGER NOT "
					"NULL, _lastChangedAt INTEGER NOT NULL, _deleted INTEGER, "
					"_ttl INTEGER)",
				s->x.models[i].table),
			e);
		if (rc == SD_OK)
			rc = make_whole(s, &s->x.models[i], e);
		if (rc == SD_OK)
			rc = check_key(s, &s->x.models[i], e);
		if (rc == SD_OK)
			rc = convert(s, &s->x.models[i], e);
	}
	if (rc == SD_OK)
		rc = sbx_commit(s, e);
	else
		sbx_rollback(s);
	return rc == SD_OK ? sbx_synced_load(s, e) : rc;
}

/* ---- mass loads ---- */

bool sbx_table_is_empty(struct sd_sbx *s, const struct sbx_model *m)
{
	sqlite3_stmt *st = sbx_stmt(s, "SELECT all_rows FROM counts WHERE model=?1", NULL);
	bool empty = false;

	if (!st)
		return false;
	sqlite3_bind_text(st, 1, m->m->name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) == SQLITE_ROW)
		empty = sqlite3_column_int64(st, 0) == 0;
	sqlite3_reset(st);
	return empty;
}

/* DROP statements for the table's indexes and triggers. */
static enum sd_err drops(
	struct sd_sbx *s, const struct sbx_model *m, struct sd_buf *sql, struct sd_error *e)
{
	char *ask = sqlite3_mprintf(
		"SELECT 'DROP ' || type || ' \"' || name || '\";' FROM sqlite_master WHERE type IN "
		"('index','trigger') AND sql IS NOT NULL AND tbl_name='%.*q'",
		(int)strlen(m->table) - 2, m->table + 1);
	sqlite3_stmt *st = NULL;
	int step = SQLITE_NOMEM;

	if (ask && sqlite3_prepare_v2(s->db, ask, -1, &st, NULL) == SQLITE_OK)
		while ((step = sqlite3_step(st)) == SQLITE_ROW)
			sd_buf_str(sql, (const char *)sqlite3_column_text(st, 0));
	sqlite3_finalize(st);
	sqlite3_free(ask);
	if (step != SQLITE_DONE)
		return sbx_db_fail(s, e, "prepare a mass load");
	return sd_buf_ok(sql) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
}

enum sd_err sbx_table_bare(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	struct sd_buf sql = SD_BUF_INIT;
	enum sd_err rc = drops(s, m, &sql, e);

	if (rc == SD_OK)
		rc = sbx_begin(s, e);
	if (rc == SD_OK) {
		rc = sbx_exec(s, sd_buf_text(&sql), e);
		if (rc == SD_OK)
			rc = sbx_commit(s, e);
		else
			sbx_rollback(s);
	}
	sd_buf_release(&sql);
	/* nothing is told to be there before sbx_table_whole has ended with a full sync */
	if (rc == SD_OK && s->o.db)
		rc = sbx_exec(s, "PRAGMA synchronous=NORMAL; PRAGMA wal_autocheckpoint=4000", e);
	return rc;
}

enum sd_err sbx_table_whole(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	enum sd_err rc;

	if (s->o.db)
		(void)!sbx_exec(s, "PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=1000", NULL);
	rc = sbx_exec(s, "PRAGMA cache_size=" SORT_CACHE, e);
	if (rc == SD_OK)
		rc = sbx_begin(s, e);
	if (rc == SD_OK) {
		rc = make_whole(s, m, e);
		if (rc == SD_OK)
			rc = sbx_commit(s, e);
		else
			sbx_rollback(s);
	}
	(void)!sbx_exec(s, "PRAGMA cache_size=" SBX_CACHE, NULL);
	return rc;
}
