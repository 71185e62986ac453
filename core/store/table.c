/* core/store/table.c - one model's table: columns, SQL, indexes, counters; see internal.h. */
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

bool sd_quote_name(struct sd_buf *out, const char *name)
{
	sd_buf_ch(out, '"');
	for (; *name; name++) {
		if (*name == '"')
			sd_buf_ch(out, '"');
		sd_buf_ch(out, *name);
	}
	return sd_buf_ch(out, '"');
}

const char *sd_column_type(enum sd_column_kind k)
{
	/* no type for floats: a whole number beyond 2^53 stays the integer it is */
	static const char *const TYPE[] = {"TEXT", "INTEGER", "", "INTEGER", "TEXT"};

	return TYPE[k];
}

static enum sd_column_kind kind_of(const struct sd_field *f)
{
	if (f->list || f->kind == SD_K_NONMODEL)
		return SD_COL_JSON;
	if (f->kind != SD_K_SCALAR)
		return SD_COL_TEXT;
	switch (f->scalar) {
	case SD_T_INT:
	case SD_T_AWSTIMESTAMP:
		return SD_COL_INT;
	case SD_T_FLOAT:
		return SD_COL_REAL;
	case SD_T_BOOLEAN:
		return SD_COL_BOOL;
	case SD_T_AWSJSON:
		return SD_COL_JSON;
	default:
		return SD_COL_TEXT;
	}
}

static bool fill(struct sd_table *t, const struct sd_model *m)
{
	struct sd_buf b = SD_BUF_INIT;

	t->model = m;
	sd_table_name(m, &b);
	t->name = sd_buf_take(&b);
	t->cols = calloc(m->field_count + 1, sizeof *t->cols);
	t->pk = calloc(m->pk_count + 1, sizeof *t->pk);
	if (!t->name || !t->cols || !t->pk)
		return false;
	for (size_t i = 0; i < m->field_count; i++) {
		if (!m->fields[i].stored)
			continue;
		t->cols[t->count].field = &m->fields[i];
		t->cols[t->count].kind = kind_of(&m->fields[i]);
		for (size_t k = 0; k < m->pk_count; k++)
			if (m->pk[k] == i)
				t->pk[k] = t->count;
		t->count++;
	}
	sd_buf_str(&b, "t._rid");
	for (size_t i = 0; i < t->count; i++) {
		sd_buf_str(&b, ",t.");
		sd_quote_name(&b, t->cols[i].field->name);
	}
	sd_buf_str(&b, ",t._version,t._lastChangedAt,t._deleted,t._st");
	t->columns = sd_buf_take(&b);
	return t->columns != NULL;
}

enum sd_err sd_tables_init(struct sd_store *st, struct sd_error *e)
{
	st->tables = calloc(st->schema->model_count + 1, sizeof *st->tables);
	if (!st->tables)
		return sd_db_nomem(e, "opening the store");
	for (size_t i = 0; i < st->schema->model_count; i++)
		if (!fill(&st->tables[i], st->schema->models[i]))
			return sd_db_nomem(e, "opening the store");
	return SD_OK;
}

void sd_tables_release(struct sd_store *st)
{
	if (!st->tables)
		return;
	for (size_t i = 0; i < st->schema->model_count; i++) {
		struct sd_table *t = &st->tables[i];
		for (size_t k = 0; k < T_COUNT; k++)
			sqlite3_finalize(t->q[k]);
		free(t->name);
		free(t->cols);
		free(t->pk);
		free(t->columns);
	}
	free(st->tables);
	st->tables = NULL;
}

struct sd_table *sd_table_of(struct sd_store *st, const struct sd_model *m)
{
	return &st->tables[m->id];
}

static void add_key_where(struct sd_buf *b, const struct sd_table *t, const char *alias)
{
	for (size_t k = 0; k < t->model->pk_count; k++) {
		sd_buf_str(b, k ? " AND " : " WHERE ");
		sd_buf_str(b, alias);
		sd_quote_name(b, t->cols[t->pk[k]].field->name);
		sd_buf_fmt(b, "=?%zu", k + 1);
	}
}

static const char *const META[] = {"_version", "_lastChangedAt", "_deleted", "_st"};

static void insert_sql(struct sd_buf *b, const struct sd_table *t)
{
	sd_buf_str(b, "INSERT INTO ");
	sd_quote_name(b, t->name);
	sd_buf_str(b, "(_rid");
	for (size_t i = 0; i < t->count; i++) {
		sd_buf_ch(b, ',');
		sd_quote_name(b, t->cols[i].field->name);
	}
	sd_buf_str(b, ",_version,_lastChangedAt,_deleted,_st) VALUES(?1");
	for (size_t i = 2; i <= t->count + 5; i++)
		sd_buf_fmt(b, ",?%zu", i);
	sd_buf_str(b, ") ON CONFLICT DO NOTHING");
}

static void update_sql(struct sd_buf *b, const struct sd_table *t)
{
	sd_buf_str(b, "UPDATE ");
	sd_quote_name(b, t->name);
	sd_buf_str(b, " SET ");
	for (size_t i = 0; i < t->count; i++) {
		bool key = false;
		for (size_t k = 0; k < t->model->pk_count; k++)
			key |= t->pk[k] == i;
		if (key) /* never changes; naming it would rewrite its index */
			continue;
		sd_quote_name(b, t->cols[i].field->name);
		sd_buf_fmt(b, "=?%zu,", i + 2);
	}
	for (size_t i = 0; i < 4; i++)
		sd_buf_fmt(b, "%s%s=?%zu", i ? "," : "", META[i], t->count + 2 + i);
	sd_buf_str(b, " WHERE _rid=?1");
}

static void build_sql(struct sd_buf *b, const struct sd_table *t, enum sd_tq q)
{
	struct sd_buf name = SD_BUF_INIT;

	sd_quote_name(&name, t->name);
	switch (q) {
	case T_INSERT:
		insert_sql(b, t);
		break;
	case T_UPDATE:
		update_sql(b, t);
		break;
	case T_FIND:
		sd_buf_fmt(b, "SELECT _rid,_version,_lastChangedAt,_deleted,_st FROM %s",
			sd_buf_text(&name));
		add_key_where(b, t, "");
		break;
	case T_GET:
		sd_buf_fmt(b, "SELECT %s FROM %s t", t->columns, sd_buf_text(&name));
		add_key_where(b, t, "t.");
		break;
	case T_GET_RID:
		sd_buf_fmt(
			b, "SELECT %s FROM %s t WHERE t._rid=?1", t->columns, sd_buf_text(&name));
		break;
	case T_NEXT:
		sd_buf_fmt(b,
			"SELECT %s FROM %s t WHERE t._rid>?1 AND t._rid<=?2"
			" ORDER BY t._rid LIMIT 1",
			t->columns, sd_buf_text(&name));
		break;
	case T_DROP:
		sd_buf_fmt(b, "DELETE FROM %s WHERE _rid=?1", sd_buf_text(&name));
		break;
	case T_SENDING:
		sd_buf_fmt(b, "UPDATE %s SET _st=%d", sd_buf_text(&name), SD_ST_SENDING);
		add_key_where(b, t, "");
		sd_buf_fmt(b, " AND _st=%d", SD_ST_PENDING);
		break;
	case T_STATE:
	default:
		sd_buf_fmt(b, "UPDATE %s SET _st=?%zu", sd_buf_text(&name), t->model->pk_count + 1);
		add_key_where(b, t, "");
		sd_buf_fmt(b, " AND _st<>?%zu", t->model->pk_count + 1);
	}
	sd_buf_release(&name);
}

sqlite3_stmt *sd_table_stmt(
	struct sd_store *st, struct sd_table *t, enum sd_tq q, struct sd_error *e)
{
	struct sd_buf sql = SD_BUF_INIT;
	int rc;

	if (!sd_txn_alive(st, e))
		return NULL;
	if (t->q[q]) {
		sqlite3_reset(t->q[q]);
		return t->q[q];
	}
	build_sql(&sql, t, q);
	rc = sd_buf_ok(&sql) ? sqlite3_prepare_v3(st->db, sd_buf_text(&sql), -1,
				       SQLITE_PREPARE_PERSISTENT, &t->q[q], NULL)
			     : SQLITE_NOMEM;
	sd_buf_release(&sql);
	if (rc == SQLITE_OK)
		return t->q[q];
	(void)sd_db_fail(st, rc, e, t->model->name);
	return NULL;
}

enum sd_err sd_table_create(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT, ix = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_str(&b, "CREATE TABLE ");
	sd_quote_name(&b, t->name);
	sd_buf_str(&b, "(_rid INTEGER PRIMARY KEY,");
	for (size_t i = 0; i < t->count; i++) {
		sd_quote_name(&b, t->cols[i].field->name);
		sd_buf_fmt(&b, " %s,", sd_column_type(t->cols[i].kind));
	}
	sd_buf_str(&b, "_version INTEGER,_lastChangedAt INTEGER,_deleted INTEGER NOT NULL,"
		       "_st INTEGER NOT NULL,UNIQUE(");
	for (size_t k = 0; k < t->model->pk_count; k++) {
		if (k)
			sd_buf_ch(&b, ',');
		sd_quote_name(&b, t->cols[t->pk[k]].field->name);
	}
	sd_buf_str(&b, "));CREATE INDEX ");
	sd_buf_fmt(&ix, "ix_%s__st", t->model->name);
	sd_quote_name(&b, sd_buf_text(&ix));
	sd_buf_release(&ix);
	sd_buf_str(&b, " ON ");
	sd_quote_name(&b, t->name);
	sd_buf_str(&b, "(_st) WHERE _st<>0");
	rc = sd_buf_ok(&b) ? sd_db_exec(st, sd_buf_text(&b), e, t->model->name)
			   : sd_db_nomem(e, t->model->name);
	sd_buf_release(&b);
	return rc == SD_OK ? sd_table_indexes(st, t, e) : rc;
}

static enum sd_err index_there(
	struct sd_store *st, const char *name, bool *there, struct sd_error *e)
{
	static const char SQL[] = "SELECT 1 FROM sqlite_schema WHERE type='index' AND name=?1";
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(st->db, SQL, -1, &s, NULL);
	enum sd_err rc = code == SQLITE_OK ? SD_OK : sd_db_fail(st, code, e, name);

	if (rc == SD_OK) {
		sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
		rc = sd_db_row(st, s, e, name);
	}
	*there = rc == SD_OK;
	sqlite3_finalize(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* one: NULL, or whether one was made already, which is enough. */
static enum sd_err add_index(struct sd_store *st, struct sd_table *t, const char *const *names,
	size_t n, bool *one, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT, ix = SD_BUF_INIT;
	bool is_key = true; /* the key has an index of its own */
	bool there = false;
	enum sd_err rc;

	if (one && *one)
		return SD_OK;

	for (size_t i = 0; i < n && is_key; i++)
		is_key = i < t->model->pk_count &&
			 strcmp(names[i], t->cols[t->pk[i]].field->name) == 0;
	if (n == 0 || is_key)
		return SD_OK;
	sd_buf_fmt(&ix, "ix_%s", t->model->name);
	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(&ix, "-%s", names[i]);
	sd_buf_str(&b, "CREATE INDEX IF NOT EXISTS ");
	sd_quote_name(&b, sd_buf_text(&ix));
	sd_buf_str(&b, " ON ");
	sd_quote_name(&b, t->name);
	for (size_t i = 0; i < n; i++) {
		sd_buf_ch(&b, i ? ',' : '(');
		sd_quote_name(&b, names[i]);
	}
	sd_buf_ch(&b, ')');
	rc = sd_buf_ok(&b) && sd_buf_ok(&ix) ? SD_OK : sd_db_nomem(e, t->model->name);
	if (rc == SD_OK && one)
		rc = index_there(st, sd_buf_text(&ix), &there, e);
	if (rc == SD_OK && !there) {
		rc = sd_db_exec(st, sd_buf_text(&b), e, t->model->name);
		if (rc == SD_OK && one)
			*one = true;
	}
	sd_buf_release(&b);
	sd_buf_release(&ix);
	return rc;
}

/* Foreign keys here, and the named indexes of the schema. */
static enum sd_err indexes(struct sd_store *st, struct sd_table *t, bool *one, struct sd_error *e)
{
	const struct sd_model *m = t->model;
	const char *names[32];
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < m->field_count && rc == SD_OK; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->kind != SD_K_MODEL || f->assoc == SD_A_HAS_MANY || f->join_count > 32)
			continue;
		for (size_t k = 0; k < f->join_count; k++)
			names[k] = f->local[k];
		rc = add_index(st, t, names, f->join_count, one, e);
	}
	/* the other end of somebody's hasMany or hasOne without a belongsTo here */
	for (size_t i = 0; i < st->schema->model_count && rc == SD_OK; i++) {
		const struct sd_model *o = st->schema->models[i];
		for (size_t j = 0; j < o->field_count && rc == SD_OK; j++) {
			const struct sd_field *f = &o->fields[j];
			if (f->kind != SD_K_MODEL || f->model != m || f->assoc == SD_A_BELONGS_TO ||
				f->join_count > 32)
				continue;
			for (size_t k = 0; k < f->join_count; k++)
				names[k] = f->remote[k];
			rc = add_index(st, t, names, f->join_count, one, e);
		}
	}
	for (size_t i = 0; i < m->index_count && rc == SD_OK; i++) {
		const struct sd_index *ix = &m->indexes[i];
		size_t n = 0;
		for (; n < ix->field_count && n < 32; n++)
			names[n] = m->fields[ix->fields[n]].name;
		rc = add_index(st, t, names, n, one, e);
	}
	return rc;
}

enum sd_err sd_table_indexes(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	return indexes(st, t, NULL, e);
}

enum sd_err sd_table_index_one(
	struct sd_store *st, struct sd_table *t, bool *made, struct sd_error *e)
{
	*made = false;
	return indexes(st, t, made, e);
}

enum sd_err sd_counter_load(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	sqlite3_stmt *s;
	enum sd_err rc;

	if (t->counted)
		return SD_OK;
	s = sd_db_open(st, Q_COUNTER_GET, e, "s", t->model->name);
	if (!s)
		return SD_DB;
	rc = sd_db_row(st, s, e, "reading a counter");
	t->live = rc == SD_OK ? sqlite3_column_int64(s, 0) : 0;
	t->next_rid = rc == SD_OK ? sqlite3_column_int64(s, 1) : 1;
	sd_db_reset(s);
	if (rc != SD_OK && rc != SD_NOTFOUND)
		return rc;
	t->counted = sd_store_in_txn(st); /* outside, others may move it at any time */
	t->counter_dirty = false;
	return SD_OK;
}

#define IDS "#ids" /* no model's name: holds next_seq and next_line */

enum sd_err sd_ids_load(struct sd_store *st, struct sd_error *e)
{
	sqlite3_stmt *s;
	enum sd_err rc;

	if (st->ids_known)
		return SD_OK;
	s = sd_db_open(st, Q_COUNTER_GET, e, "s", IDS);
	if (!s)
		return SD_DB;
	rc = sd_db_row(st, s, e, "reading a counter");
	st->next_seq = rc == SD_OK ? sqlite3_column_int64(s, 0) : 1;
	st->next_line = rc == SD_OK ? sqlite3_column_int64(s, 1) : 1;
	sd_db_reset(s);
	if (rc != SD_OK && rc != SD_NOTFOUND)
		return rc;
	st->ids_known = sd_store_in_txn(st);
	st->ids_dirty = false;
	return SD_OK;
}

static enum sd_err flush_ids(struct sd_store *st, struct sd_error *e)
{
	if (!st->ids_dirty)
		return SD_OK;
	st->ids_dirty = false;
	return sd_db_run(
		st, Q_COUNTER_PUT, e, "keeping a counter", "sii", IDS, st->next_seq, st->next_line);
}

enum sd_err sd_counters_flush(struct sd_store *st, struct sd_error *e)
{
	for (size_t i = 0; i < st->schema->model_count; i++) {
		struct sd_table *t = &st->tables[i];
		enum sd_err rc;
		if (!t->counter_dirty)
			continue;
		rc = sd_db_run(st, Q_COUNTER_PUT, e, "keeping a counter", "sii", t->model->name,
			t->live, t->next_rid);
		if (rc != SD_OK)
			return rc;
		t->counter_dirty = false;
	}
	return flush_ids(st, e);
}

void sd_counters_forget(struct sd_store *st)
{
	st->ids_known = st->ids_dirty = false;
	st->group = 0;
	st->redo_gone = false;
	st->rowless = -1;
	st->in_bulk = st->bulk_known = st->bulk_outbox = false;
	st->bulk_rows = 0;
	st->bulk_table = NULL;
	for (size_t i = 0; st->tables && i < st->schema->model_count; i++) {
		struct sd_table *t = &st->tables[i];
		t->counted = t->counter_dirty = t->marks_known = false;
	}
}
