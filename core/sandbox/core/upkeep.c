/*
 * core/sandbox/core/upkeep.c - what touches very many rows: expiry, purge, reset, dump, and seeding
 * in pieces.  Whoever serves others meanwhile asks for a piece at a time.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#define EXPIRE_EVERY 10000 /* ms */
#define EXPIRE_AGAIN 50    /* ms; when more were due than are removed at once */
#define EXPIRE_ROWS  500
#define STEP_ROWS    5000

/* Up to `rows` rows; *more: it may not have been all. */
static enum sd_err remove_some(struct sd_sbx *s, sqlite3_stmt *st, int64_t now, int64_t rows,
	bool *more, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (!st)
		return SD_DB;
	sqlite3_bind_int64(st, 1, now / 1000);
	sqlite3_bind_int64(st, 2, rows);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "remove old rows");
	else if (sqlite3_changes(s->db) >= rows)
		*more = true;
	sqlite3_reset(st);
	return rc;
}

static sqlite3_stmt *expired(struct sd_sbx *s, const struct sbx_model *m, struct sd_error *e)
{
	return sbx_model_stmt(s, m,
		"DELETE FROM %s WHERE rid IN (SELECT rid FROM %s WHERE _ttl IS NOT NULL AND _ttl "
		"<= "
		"?1 LIMIT ?2)",
		e);
}

void sbx_purge_expired(struct sd_sbx *s, int64_t now)
{
	bool more = false;
	enum sd_err rc;

	if (s->outer || (now >= s->purged_at && now - s->purged_at < EXPIRE_EVERY))
		return;
	s->purged_at = now;
	if (sbx_begin(s, NULL) != SD_OK)
		return;
	rc = remove_some(s,
		sbx_stmt(s,
			"DELETE FROM delta WHERE seq IN (SELECT seq FROM delta WHERE ttl <= ?1 "
			"LIMIT ?2)",
			NULL),
		now, EXPIRE_ROWS, &more, NULL);
	for (size_t i = 0; i < s->x.model_count && rc == SD_OK && !more; i++)
		rc = remove_some(
			s, expired(s, &s->x.models[i], NULL), now, EXPIRE_ROWS, &more, NULL);
	if (rc == SD_OK)
		(void)!sbx_commit(s, NULL);
	else
		sbx_rollback(s);
	if (more)
		s->purged_at = now - EXPIRE_EVERY + EXPIRE_AGAIN;
}

/* ---- long work in pieces ---- */

struct sd_sbx_work {
	struct sd_sbx *s;
	struct sbx_seeding *seeding; /* owned; NULL: a purge or a put */
	struct cJSON *items;         /* owned; of a put; NULL */
	const struct cJSON *next;    /* the first that is not put yet */
	const struct sbx_model *put;
	size_t model; /* of a purge: which one is at work */
};

static enum sd_err work_new(struct sd_sbx *s, struct sd_sbx_work **out, struct sd_error *e)
{
	*out = calloc(1, sizeof **out);
	if (!*out)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	(*out)->s = s;
	return SD_OK;
}

enum sd_err sd_sbx_seed_work(struct sd_sbx *s, const char *model, int64_t count, uint64_t seed,
	int64_t now_ms, struct sd_sbx_work **out, struct sd_error *e)
{
	enum sd_err rc = work_new(s, out, e);

	if (rc == SD_OK)
		rc = sbx_seeding_new(s, model, count, seed, now_ms, &(*out)->seeding, e);
	if (rc != SD_OK) {
		sd_sbx_work_free(*out);
		*out = NULL;
	}
	return rc;
}

enum sd_err sd_sbx_purge_work(struct sd_sbx *s, struct sd_sbx_work **out, struct sd_error *e)
{
	return work_new(s, out, e);
}

/* Whether every item has its key, so that none is put when one cannot be. */
static enum sd_err check_items(
	const struct sbx_model *m, const struct cJSON *items, struct sd_error *e)
{
	struct sd_buf pk = SD_BUF_INIT;
	const char *part;
	enum sd_err rc = SD_OK;

	for (const struct cJSON *c = sd_json_child(items); c && rc == SD_OK; c = sd_json_next(c)) {
		sd_buf_reset(&pk);
		if (!sbx_key_text(m, c, &pk, &part))
			rc = sd_fail(e, SD_INVAL, 0, "%s: an item without its key", m->m->name);
	}
	sd_buf_release(&pk);
	return rc;
}

enum sd_err sd_sbx_put_work(struct sd_sbx *s, const char *model, struct cJSON *items,
	struct sd_sbx_work **out, struct sd_error *e)
{
	struct sbx_model *m = model ? sd_map_get(&s->x.by_name, model) : NULL;
	enum sd_err rc = m ? check_items(m, items, e)
			   : sd_fail(e, SD_NOTFOUND, 0, "%s: the schema has no such model",
				     model ? model : "(none)");

	*out = NULL;
	if (rc == SD_OK)
		rc = work_new(s, out, e);
	if (rc != SD_OK) {
		sd_json_free(items);
		return rc;
	}
	(*out)->items = items;
	(*out)->next = sd_json_child(items);
	(*out)->put = m;
	return SD_OK;
}

static enum sd_err put_step(
	struct sd_sbx_work *j, int64_t rows, int64_t now_ms, bool *done, struct sd_error *e)
{
	enum sd_err rc = sbx_begin(j->s, e);

	if (rc != SD_OK)
		return rc;
	for (; j->next && rows > 0 && rc == SD_OK; j->next = sd_json_next(j->next), rows--)
		rc = sbx_put_one(j->s, j->put, j->next, now_ms, e);
	*done = !j->next;
	if (rc == SD_OK)
		return sbx_commit(j->s, e);
	sbx_rollback(j->s);
	return rc;
}

static enum sd_err purge_step(struct sd_sbx_work *j, int64_t rows, bool *done, struct sd_error *e)
{
	struct sd_sbx *s = j->s;
	enum sd_err rc = sbx_begin(s, e);
	bool more = false;

	if (rc != SD_OK)
		return rc;
	/* tombstones, and only they, have a time to live */
	for (; j->model < s->x.model_count && rc == SD_OK && !more; j->model += !more)
		rc = remove_some(
			s, expired(s, &s->x.models[j->model], e), INT64_MAX, rows, &more, e);
	*done = j->model >= s->x.model_count;
	if (rc == SD_OK)
		return sbx_commit(s, e);
	sbx_rollback(s);
	return rc;
}

enum sd_err sd_sbx_work_step(
	struct sd_sbx_work *j, int64_t rows, int64_t now_ms, bool *done, struct sd_error *e)
{
	bool file = j->s->o.db && !j->s->outer;
	enum sd_err rc, rc2 = SD_OK;

	*done = false;
	if (file) /* a piece that is lost with the power was not told to be there */
		(void)!sbx_exec(j->s, "PRAGMA synchronous=NORMAL", NULL);
	if (j->seeding)
		rc = sbx_seeding_step(j->seeding, rows, now_ms, done, e);
	else if (j->items)
		rc = put_step(j, rows, now_ms, done, e);
	else
		rc = purge_step(j, rows, done, e);
	if (file)
		(void)!sbx_exec(j->s, "PRAGMA synchronous=FULL", NULL);
	if (file && *done) /* a commit that waits for the disk, with all before it */
		rc2 = sbx_exec(j->s,
			"INSERT INTO meta VALUES('works', 1) ON CONFLICT(key) DO UPDATE SET "
			"value=value+1",
			e);
	return rc != SD_OK ? rc : rc2;
}

void sd_sbx_work_free(struct sd_sbx_work *j)
{
	if (j) {
		sbx_seeding_free(j->seeding);
		sd_json_free(j->items);
	}
	free(j);
}

enum sd_err sd_sbx_purge(struct sd_sbx *s, struct sd_error *e)
{
	struct sd_sbx_work j = {.s = s};
	enum sd_err rc = SD_OK;
	bool done = false;

	while (rc == SD_OK && !done)
		rc = purge_step(&j, STEP_ROWS, &done, e);
	return rc;
}

/* The file is emptied, not the tables: the same time for ten rows and for a million. */
enum sd_err sd_sbx_reset(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc;

	if (s->outer)
		return sd_fail(e, SD_INVAL, 0, "sandbox: a transaction is open");
	sbx_stmts_drop(s);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_RESET_DATABASE, 1, NULL);
	rc = sbx_exec(s, "VACUUM", e);
	sqlite3_db_config(s->db, SQLITE_DBCONFIG_RESET_DATABASE, 0, NULL);
	if (rc == SD_OK)
		rc = sbx_store_format(s, e);
	if (rc == SD_OK)
		rc = sbx_store_prepare(s, e);
	for (size_t i = 0; i < s->x.model_count && rc == SD_OK; i++) {
		s->x.models[i].synced_saved = 0;
		if (s->x.models[i].synced_at)
			sbx_synced(s, &s->x.models[i], s->x.models[i].synced_at);
	}
	return rc;
}

/* ---- dump ---- */

/* Items are kept as the JSON that is shown; only live rows lack "_deleted". */
static void dump_row(sqlite3_stmt *st, const struct sbx_model *m, bool first, struct sd_buf *out)
{
	const char *text = (const char *)sqlite3_column_text(st, 1);
	int n = sqlite3_column_bytes(st, 1);

	if (!text || n < 2)
		return;
	sd_buf_str(out, first ? "[" : ",");
	sd_buf_add(out, text, (size_t)n - 1);
	if (m->versioned && sqlite3_column_type(st, 2) == SQLITE_NULL)
		sd_buf_str(out, ",\"_deleted\":null");
	if (sqlite3_column_type(st, 3) != SQLITE_NULL)
		sd_buf_fmt(out, ",\"_ttl\":%lld", (long long)sqlite3_column_int64(st, 3));
	sd_buf_ch(out, '}');
}

enum sd_err sd_sbx_dump_piece(struct sd_sbx *s, const char *model, int64_t now_ms, size_t bytes,
	int64_t *at, struct sd_buf *out, struct sd_error *e)
{
	struct sbx_model *m = model ? sd_map_get(&s->x.by_name, model) : NULL;
	size_t start = out->len;
	sqlite3_stmt *st;
	int step = SQLITE_ROW;

	if (!m)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: the schema has no such model",
			model ? model : "(none)");
	st = sbx_model_stmt(s, m,
		"SELECT rid, item, _deleted, _ttl FROM %s WHERE rid > ?2 AND (_ttl IS NULL OR _ttl "
		"> ?1) ORDER BY rid",
		e);
	if (!st)
		return SD_DB;
	sqlite3_bind_int64(st, 1, now_ms / 1000);
	sqlite3_bind_int64(st, 2, *at);
	while (out->len - start < bytes && (step = sqlite3_step(st)) == SQLITE_ROW) {
		dump_row(st, m, *at == 0, out);
		*at = sqlite3_column_int64(st, 0);
	}
	sqlite3_reset(st);
	if (step != SQLITE_ROW && step != SQLITE_DONE)
		return sbx_db_fail(s, e, "dump");
	if (step == SQLITE_DONE) {
		sd_buf_str(out, *at == 0 ? "[]" : "]");
		*at = -1;
	}
	return sd_buf_ok(out) ? SD_OK : sd_fail(e, SD_TOOBIG, 0, "dump of %s: too large", model);
}

enum sd_err sd_sbx_dump(
	struct sd_sbx *s, const char *model, int64_t now_ms, struct sd_buf *out, struct sd_error *e)
{
	int64_t at = 0;
	enum sd_err rc = SD_OK;

	while (rc == SD_OK && at >= 0)
		rc = sd_sbx_dump_piece(s, model, now_ms, SIZE_MAX, &at, out, e);
	return rc;
}
