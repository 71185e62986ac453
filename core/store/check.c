/* core/store/check.c - is the store sound?  SQLite's own check, then our invariants. */
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

/* SQLite's own check of everything, or of one table; NULL: it is sound. Owned. */
static char *damage(struct sd_store *st, const char *table, struct sd_error *e, enum sd_err *rc)
{
	sqlite3_stmt *s = NULL;
	char *sql = table ? sqlite3_mprintf("PRAGMA integrity_check(%Q)", table)
			  : sqlite3_mprintf("PRAGMA integrity_check(1)");
	int code = sql ? sqlite3_prepare_v2(st->db, sql, -1, &s, NULL) : SQLITE_NOMEM;
	char *text = NULL;

	*rc = code == SQLITE_OK ? sd_db_row(st, s, e, "checking the store")
				: sd_db_fail(st, code, e, "checking the store");
	if (*rc == SD_OK)
		text = sd_db_dup(s, 0);
	if (*rc == SD_OK && !text)
		*rc = sd_db_nomem(e, "checking the store");
	if (sd_str_eq(text, "ok")) {
		free(text);
		text = NULL;
	}
	sqlite3_finalize(s);
	sqlite3_free(sql);
	return text;
}

static const struct {
	const char *table, *what;
} PARTS[] = {{"outbox", "the outbox"}, {"shadow", "the copies of changed records"},
	{"conflict", "the conflicts"}, {"quarantine", "the quarantine"}, {"journal", "the history"},
	{"sync", "the sync states"}, {"seen", "the sync states"}, {"counter", "the counters"},
	{"meta", "the settings"}};

static void add_part(struct sd_buf *out, const char *what)
{
	if (!out->len || !strstr(sd_buf_text(out), what))
		sd_buf_fmt(out, "%s%s", out->len ? ", " : "", what);
}

/* Which models and which other parts are damaged, for a person. */
static void damaged_parts(struct sd_store *st, struct sd_buf *out)
{
	enum sd_err rc;
	char *text;

	for (size_t i = 0; i < st->schema->model_count; i++) {
		text = damage(st, st->tables[i].name, NULL, &rc);
		if (text || rc != SD_OK)
			sd_buf_fmt(out, "%sthe records of %s", out->len ? ", " : "",
				st->tables[i].model->name);
		free(text);
	}
	for (size_t i = 0; i < sizeof PARTS / sizeof *PARTS; i++) {
		text = damage(st, PARTS[i].table, NULL, &rc);
		if (text || rc != SD_OK)
			add_part(out, PARTS[i].what);
		free(text);
	}
	if (!out->len)
		sd_buf_str(out, "space between the records");
}

static enum sd_err integrity(struct sd_store *st, struct sd_error *e)
{
	struct sd_buf parts = SD_BUF_INIT;
	enum sd_err rc;
	char *text = damage(st, NULL, e, &rc), *p;

	if (rc != SD_OK || !text)
		return rc;
	for (p = text; *p; p++)
		if (*p == '\n')
			*p = ' ';
	damaged_parts(st, &parts);
	rc = sd_fail(e, SD_INVAL, SQLITE_CORRUPT,
		"%s is damaged: %s (%.200s); run `syncdeck rescue`, which keeps the unsent changes "
		"and fetches the rest anew",
		st->path, sd_buf_text(&parts), text);
	sd_buf_release(&parts);
	free(text);
	return rc;
}

static enum sd_err expect_zero(
	struct sd_store *st, const char *sql, const char *finding, struct sd_error *e)
{
	int64_t n = 0;
	enum sd_err rc = sd_db_int(st, sql, &n, e);

	if (rc == SD_OK && n)
		rc = sd_fail(e, SD_INVAL, 0, "%s: %lld %s", st->path, (long long)n, finding);
	return rc;
}

static enum sd_err counter_true(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	int64_t rows = 0, top = 0;
	enum sd_err rc;

	sd_buf_str(&b, "SELECT count(*) FROM ");
	sd_quote_name(&b, t->name);
	sd_buf_str(&b, " WHERE _deleted=0");
	rc = sd_db_int(st, sd_buf_text(&b), &rows, e);
	sd_buf_reset(&b);
	sd_buf_str(&b, "SELECT max(_rid) FROM ");
	sd_quote_name(&b, t->name);
	if (rc == SD_OK)
		rc = sd_db_int(st, sd_buf_text(&b), &top, e);
	sd_buf_release(&b);
	if (rc == SD_OK)
		rc = sd_counter_load(st, t, e);
	if (rc == SD_OK && (rows != t->live || top >= t->next_rid))
		rc = sd_fail(e, SD_INVAL, 0, "%s: %lld rows are counted, %lld are there",
			t->model->name, (long long)t->live, (long long)rows);
	return rc;
}

/* Every row marked as unsent has an entry. */
static enum sd_err marks_true(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT, key = SD_BUF_INIT;
	sqlite3_stmt *s = NULL;
	enum sd_err rc;
	int code;

	sd_buf_fmt(&b, "SELECT %s FROM ", t->columns);
	sd_quote_name(&b, t->name);
	sd_buf_str(&b, " t WHERE t._st<>0");
	code = sqlite3_prepare_v2(st->db, sd_buf_text(&b), -1, &s, NULL);
	rc = code == SQLITE_OK ? SD_OK : sd_db_fail(st, code, e, t->model->name);
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, t->model->name)) == SD_OK) {
		struct cJSON *rec = sd_row_json(st, t, s);
		struct sd_rowid row;
		int64_t n;
		int state = SD_ST_SYNCED;
		sd_row_meta(t, s, &row);
		sd_buf_reset(&key);
		rc = rec ? sd_key_of(t->model, rec, &key, e) : sd_db_nomem(e, t->model->name);
		if (rc == SD_OK)
			rc = sd_state_of(st, t->model, sd_buf_text(&key), &state, &n, e);
		if (rc == SD_OK && state != row.state)
			rc = sd_fail(e, SD_INVAL, 0, "%s %s: is marked %s, its entries say %s",
				t->model->name, sd_buf_text(&key),
				sd_rec_state_name((enum sd_rec_state)row.state),
				sd_rec_state_name((enum sd_rec_state)state));
		sd_json_free(rec);
	}
	sqlite3_finalize(s);
	sd_buf_release(&b);
	sd_buf_release(&key);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

struct look {
	struct sd_store *st;
	struct sd_error *e;
	enum sd_err rc;
};

/* Every entry has its row, unless the schema changed its key away. */
static bool entry_true(void *ctx, struct sd_mutation *m)
{
	struct look *l = ctx;
	struct sd_rowid row;

	if (m->lane == SD_LANE_REFUSED)
		return true;
	l->rc = sd_row_find_key(l->st, sd_table_of(l->st, m->model), m->key, &row, l->e);
	if (l->rc == SD_NOTFOUND || (l->rc == SD_OK && row.state == SD_ST_SYNCED))
		l->rc = sd_fail(l->e, SD_INVAL, 0,
			"outbox entry %lld: %s %s is not here or not marked as unsent",
			(long long)m->seq, m->model->name, m->key);
	return l->rc == SD_OK;
}

/* Numbers of the outbox and the journal are never used twice. */
static enum sd_err numbers_true(struct sd_store *st, struct sd_error *e)
{
	int64_t seq = 0, line = 0;
	enum sd_err rc = sd_ids_load(st, e);

	if (rc == SD_OK)
		rc = sd_db_int(st, "SELECT max(seq) FROM outbox", &seq, e);
	if (rc == SD_OK)
		rc = sd_db_int(st, "SELECT max(id) FROM journal", &line, e);
	if (rc == SD_OK && (seq >= st->next_seq || line >= st->next_line))
		rc = sd_fail(e, SD_INVAL, 0,
			"%s: the next outbox entry would be %lld and the next line of history "
			"%lld, "
			"which are taken",
			st->path, (long long)st->next_seq, (long long)st->next_line);
	return rc;
}

enum sd_err sd_store_check(struct sd_store *st, struct sd_error *e)
{
	struct look l = {st, e, SD_OK};
	enum sd_err rc = integrity(st, e);

	for (size_t i = 0; i < st->schema->model_count && rc == SD_OK; i++) {
		rc = counter_true(st, &st->tables[i], e);
		if (rc == SD_OK)
			rc = marks_true(st, &st->tables[i], e);
	}
	if (rc == SD_OK)
		rc = numbers_true(st, e);
	if (rc == SD_OK)
		rc = sd_outbox_each(st, 0, -1, entry_true, &l, e);
	if (rc == SD_OK)
		rc = l.rc;
	if (rc == SD_OK)
		rc = expect_zero(st,
			"SELECT count(*) FROM outbox o WHERE o.op<>0 AND NOT EXISTS(SELECT 1 FROM"
			" shadow s WHERE s.model=o.model AND s.key=o.key) AND NOT EXISTS(SELECT 1"
			" FROM outbox c WHERE c.model=o.model AND c.key=o.key AND c.op=0)",
			"outbox entries have no copies beside their record", e);
	if (rc == SD_OK)
		rc = expect_zero(st,
			"SELECT count(*) FROM shadow s WHERE NOT EXISTS(SELECT 1 FROM outbox o"
			" WHERE s.model=o.model AND s.key=o.key)",
			"copies are left of records without unsent changes", e);
	if (rc == SD_OK)
		rc = expect_zero(st,
			"SELECT count(*) FROM outbox o WHERE (lane=2)<>EXISTS(SELECT 1 FROM"
			" conflict c WHERE c.seq=o.seq)",
			"entries are in conflict without one, or the other way round", e);
	return rc;
}
