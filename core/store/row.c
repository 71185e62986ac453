/* core/store/row.c - rows to JSON and back, and the counters they move; see internal.h. */
#include "core/store/internal.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static enum sd_err bind_number(sqlite3_stmt *s, int at, const struct cJSON *v)
{
	int64_t i;
	double d;

	if (sd_json_i64(v, &i))
		sqlite3_bind_int64(s, at, i);
	else if (sd_json_f64(v, &d))
		sqlite3_bind_double(s, at, d);
	else /* larger than any double: its text */
		sqlite3_bind_text(s, at, v->valuestring, -1, SQLITE_TRANSIENT);
	return SD_OK;
}

/* Binds by what the value is; the column says only whether it is kept as JSON text. */
enum sd_err sd_bind_value(struct sd_store *st, sqlite3_stmt *s, int at, const struct sd_column *c,
	const struct cJSON *v, struct sd_error *e)
{
	int type = v ? v->type & 0xff : cJSON_NULL;

	if (type == cJSON_NULL || type == cJSON_Invalid) {
		sqlite3_bind_null(s, at);
	} else if (c->kind == SD_COL_JSON || type == cJSON_Object || type == cJSON_Array) {
		sd_buf_reset(&st->text);
		if (!sd_json_print(v, &st->text))
			return sd_db_nomem(e, "binding a value");
		sqlite3_bind_text64(
			s, at, sd_buf_text(&st->text), st->text.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	} else if (type == cJSON_String) {
		sqlite3_bind_text64(
			s, at, v->valuestring, strlen(v->valuestring), SQLITE_STATIC, SQLITE_UTF8);
	} else if (type == cJSON_True || type == cJSON_False) {
		sqlite3_bind_int(s, at, type == cJSON_True);
	} else {
		return bind_number(s, at, v);
	}
	return SD_OK;
}

static size_t column_named(const struct sd_table *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (strcmp(t->cols[i].field->name, name) == 0)
			return i;
	return t->count;
}

static bool bind_meta(sqlite3_stmt *s, int meta, const cJSON *c, bool *deleted)
{
	if (strcmp(c->string, "_deleted") == 0) {
		*deleted = cJSON_IsTrue(c);
		return true;
	}
	if (strcmp(c->string, "_version") != 0) {
		if (strcmp(c->string, "_lastChangedAt") != 0)
			return false;
		meta++;
	}
	if (sd_json_is_number(c))
		bind_number(s, meta, c);
	return true;
}

enum sd_err sd_row_bind(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	const struct cJSON *rec, int state, struct sd_error *e)
{
	int meta = (int)t->count + 2;
	bool deleted = false;
	size_t next = 0;

	sqlite3_clear_bindings(s);
	for (const cJSON *c = rec->child; c; c = c->next) {
		size_t at = next;
		enum sd_err rc;
		if (at >= t->count || strcmp(t->cols[at].field->name, c->string) != 0) {
			if (*c->string == '_' && bind_meta(s, meta, c, &deleted))
				continue;
			at = column_named(t, c->string);
		}
		if (at == t->count)
			continue; /* nothing of ours: __typename, relations */
		next = at + 1;
		rc = sd_bind_value(st, s, (int)at + 2, &t->cols[at], c, e);
		if (rc != SD_OK)
			return rc;
	}
	sqlite3_bind_int(s, meta + 2, deleted);
	sqlite3_bind_int(s, meta + 3, state);
	return SD_OK;
}

/* ---- finding ---- */

static enum sd_err bind_key(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	const struct cJSON *rec, struct sd_error *e)
{
	for (size_t k = 0; k < t->model->pk_count; k++) {
		const struct sd_column *c = &t->cols[t->pk[k]];
		enum sd_err rc =
			sd_bind_value(st, s, (int)k + 1, c, sd_json_get(rec, c->field->name), e);
		if (rc != SD_OK)
			return rc;
	}
	return SD_OK;
}

static enum sd_err find(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	const struct cJSON *rec, struct sd_error *e)
{
	enum sd_err rc = bind_key(st, t, s, rec, e);

	return rc == SD_OK ? sd_db_row(st, s, e, t->model->name) : rc;
}

static int64_t int_or(sqlite3_stmt *s, int col, int64_t otherwise)
{
	return sqlite3_column_type(s, col) == SQLITE_NULL ? otherwise
							  : sqlite3_column_int64(s, col);
}

/* Of T_FIND. */
static void read_id(sqlite3_stmt *s, struct sd_rowid *out)
{
	out->rid = sqlite3_column_int64(s, 0);
	out->version = int_or(s, 1, -1);
	out->changed = int_or(s, 2, -1);
	out->deleted = sqlite3_column_int(s, 3) != 0;
	out->state = sqlite3_column_int(s, 4);
}

enum sd_err sd_row_find(struct sd_store *st, struct sd_table *t, const struct cJSON *rec,
	struct sd_rowid *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_FIND, e);
	enum sd_err rc;

	if (!s)
		return SD_DB;
	rc = find(st, t, s, rec, e);
	if (rc == SD_OK)
		read_id(s, out);
	sqlite3_reset(s);
	return rc;
}

/* Binds a key of one plain text without parsing it; nearly all are.  false: it is another. */
static bool bind_plain_key(const struct sd_table *t, sqlite3_stmt *s, const char *key)
{
	const char *p;

	if (t->model->pk_count != 1 || key[0] != '[' || key[1] != '"')
		return false;
	p = key + 2;
	while (*p >= 0x20 && *p < 0x7f && *p != '"' && *p != '\\')
		p++;
	if (p[0] != '"' || p[1] != ']' || p[2])
		return false;
	sqlite3_bind_text64(
		s, 1, key + 2, (sqlite3_uint64)(p - key - 2), SQLITE_STATIC, SQLITE_UTF8);
	return true;
}

/* *k: what is bound; the caller's, to be freed behind the reset. */
static enum sd_err find_key(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	const char *key, struct cJSON **k, struct sd_error *e)
{
	enum sd_err rc;

	*k = NULL;
	if (bind_plain_key(t, s, key))
		return sd_db_row(st, s, e, t->model->name);
	*k = sd_json_object();
	rc = *k ? sd_key_put(t->model, key, *k, e) : sd_db_nomem(e, t->model->name);
	return rc == SD_OK ? find(st, t, s, *k, e) : rc;
}

enum sd_err sd_row_find_key(struct sd_store *st, struct sd_table *t, const char *key,
	struct sd_rowid *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_FIND, e);
	struct cJSON *k;
	enum sd_err rc;

	if (!s)
		return SD_DB;
	rc = find_key(st, t, s, key, &k, e);
	if (rc == SD_OK)
		read_id(s, out);
	sd_db_reset(s);
	sd_json_free(k);
	return rc;
}

void sd_row_meta(struct sd_table *t, sqlite3_stmt *s, struct sd_rowid *out)
{
	int meta = (int)t->count + 1;

	out->rid = sqlite3_column_int64(s, 0);
	out->version = int_or(s, meta, -1);
	out->changed = int_or(s, meta + 1, -1);
	out->deleted = sqlite3_column_int(s, meta + 2) != 0;
	out->state = sqlite3_column_int(s, meta + 3);
}

/* ---- reading ---- */

static struct cJSON *column_json(const struct sd_column *c, sqlite3_stmt *s, int col)
{
	const char *p;
	size_t n;
	cJSON *j = NULL;

	switch (sqlite3_column_type(s, col)) {
	case SQLITE_NULL:
		return sd_json_null();
	case SQLITE_INTEGER:
		if (c->kind == SD_COL_BOOL)
			return sd_json_bool(sqlite3_column_int(s, col) != 0);
		return sd_json_int(sqlite3_column_int64(s, col));
	case SQLITE_FLOAT:
		return sd_json_real(sqlite3_column_double(s, col));
	default:
		p = (const char *)sqlite3_column_text(s, col);
		n = (size_t)sqlite3_column_bytes(s, col);
		if (!p)
			return NULL;
		if (c->kind == SD_COL_JSON && sd_json_parse(p, n, "value", &j, NULL) == SD_OK)
			return j;
		return sd_json_string_n(p, n);
	}
}

struct cJSON *sd_row_json(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s)
{
	cJSON *rec = sd_json_object();
	struct sd_rowid id;
	bool ok = rec != NULL;

	for (size_t i = 0; ok && i < t->count; i++)
		ok = sd_json_add_named(
			rec, t->cols[i].field->name, column_json(&t->cols[i], s, (int)i + 1));
	sd_row_meta(t, s, &id);
	ok = ok && sd_json_add_named(rec, "_version",
			   id.version < 0 ? sd_json_null() : sd_json_int(id.version));
	ok = ok && sd_json_add_named(rec, "_lastChangedAt",
			   id.changed < 0 ? sd_json_null() : sd_json_int(id.changed));
	ok = ok && sd_json_add_named(rec, "_deleted", sd_json_bool(id.deleted));
	ok = ok && sd_json_add_named(rec, "_state",
			   sd_json_string(id.state == SD_ST_PENDING && st->no_backend
						  ? "local"
						  : sd_rec_state_name(id.state)));
	if (ok)
		return rec;
	sd_json_free(rec);
	return NULL;
}

/* Of T_GET, stepped with rc. */
static enum sd_err take(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s, enum sd_err rc,
	struct cJSON **rec, struct sd_rowid *id, struct sd_error *e)
{
	if (rc == SD_OK) {
		*rec = sd_row_json(st, t, s);
		if (id)
			sd_row_meta(t, s, id);
		if (!*rec)
			rc = sd_db_nomem(e, t->model->name);
	}
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_row_get(struct sd_store *st, struct sd_table *t, const char *key, struct cJSON **rec,
	struct sd_rowid *id, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_GET, e);
	struct cJSON *k;
	enum sd_err rc;

	*rec = NULL;
	if (!s)
		return SD_DB;
	rc = find_key(st, t, s, key, &k, e);
	rc = take(st, t, s, rc, rec, id, e);
	sd_json_free(k);
	return rc;
}

enum sd_err sd_row_get_rec(struct sd_store *st, struct sd_table *t, const struct cJSON *of,
	struct cJSON **rec, struct sd_rowid *id, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_GET, e);

	*rec = NULL;
	if (!s)
		return SD_DB;
	return take(st, t, s, find(st, t, s, of, e), rec, id, e);
}

/* ---- writing ---- */

static enum sd_err step_write(
	struct sd_store *st, struct sd_table *t, sqlite3_stmt *s, struct sd_error *e)
{
	int rc = sqlite3_step(s);

	sqlite3_reset(s);
	return rc == SQLITE_DONE ? SD_OK : sd_db_fail(st, rc, e, t->model->name);
}

enum sd_err sd_row_insert(struct sd_store *st, struct sd_table *t, const struct cJSON *rec,
	int state, int64_t *rid, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_INSERT, e);
	enum sd_err rc = s ? sd_counter_load(st, t, e) : SD_DB;

	if (rc == SD_OK)
		rc = sd_row_bind(st, t, s, rec, state, e);
	if (rc != SD_OK)
		return rc;
	sqlite3_bind_int64(s, 1, t->next_rid);
	rc = step_write(st, t, s, e);
	if (rc != SD_OK)
		return rc;
	if (sqlite3_changes(st->db) == 0)
		return SD_NOTFOUND;
	if (rid)
		*rid = t->next_rid;
	t->next_rid++;
	if (!sd_json_is_true(sd_json_get(rec, "_deleted")))
		t->live++;
	t->counter_dirty = true;
	return SD_OK;
}

enum sd_err sd_row_update(struct sd_store *st, struct sd_table *t, const struct sd_rowid *old,
	const struct cJSON *rec, int state, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_UPDATE, e);
	enum sd_err rc = s ? sd_counter_load(st, t, e) : SD_DB;
	bool deleted = sd_json_is_true(sd_json_get(rec, "_deleted"));

	if (rc == SD_OK)
		rc = sd_row_bind(st, t, s, rec, state, e);
	if (rc != SD_OK)
		return rc;
	sqlite3_bind_int64(s, 1, old->rid);
	rc = step_write(st, t, s, e);
	if (rc == SD_OK && deleted != old->deleted) {
		t->live += deleted ? -1 : 1;
		t->counter_dirty = true;
	}
	return rc;
}

enum sd_err sd_row_drop(
	struct sd_store *st, struct sd_table *t, const struct sd_rowid *old, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_DROP, e);
	enum sd_err rc = s ? sd_counter_load(st, t, e) : SD_DB;

	if (rc != SD_OK)
		return rc;
	sqlite3_bind_int64(s, 1, old->rid);
	rc = step_write(st, t, s, e);
	if (rc == SD_OK && !old->deleted) {
		t->live--;
		t->counter_dirty = true;
	}
	return rc;
}

enum sd_err sd_row_state(struct sd_store *st, struct sd_table *t, const struct cJSON *of, int state,
	struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_STATE, e);
	enum sd_err rc = s ? bind_key(st, t, s, of, e) : SD_DB;

	if (rc != SD_OK)
		return rc;
	sqlite3_bind_int(s, (int)t->model->pk_count + 1, state);
	rc = step_write(st, t, s, e);
	sqlite3_clear_bindings(s);
	return rc;
}

enum sd_err sd_row_sending(
	struct sd_store *st, struct sd_table *t, const struct cJSON *of, struct sd_error *e)
{
	sqlite3_stmt *s = sd_table_stmt(st, t, T_SENDING, e);
	enum sd_err rc = s ? bind_key(st, t, s, of, e) : SD_DB;

	if (rc != SD_OK)
		return rc;
	rc = step_write(st, t, s, e);
	sqlite3_clear_bindings(s);
	return rc;
}

/* ---- comparing ---- */

enum sd_err sd_row_diff(const struct sd_model *m, const struct cJSON *before,
	const struct cJSON *after, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *all = NULL;

	*out = NULL;
	for (size_t i = 0; i < m->field_count; i++) {
		const char *name = m->fields[i].name;
		const struct cJSON *a, *b;
		struct cJSON *one;
		if (!m->fields[i].stored)
			continue;
		a = sd_json_get(before, name);
		b = sd_json_get(after, name);
		if (sd_json_equal(a, b, true))
			continue;
		if (!all)
			all = sd_json_object();
		one = sd_json_object();
		if (!sd_json_add(one, "from", a ? sd_json_dup(a) : sd_json_null()) ||
			!sd_json_add(one, "to", b ? sd_json_dup(b) : sd_json_null())) {
			sd_json_free(one);
			sd_json_free(all);
			return sd_db_nomem(e, m->name);
		}
		if (!sd_json_add(all, name, one)) {
			sd_json_free(all);
			return sd_db_nomem(e, m->name);
		}
	}
	*out = all;
	return SD_OK;
}

bool sd_rec_deleted(const struct cJSON *rec)
{
	return !rec || sd_json_is_true(sd_json_get(rec, "_deleted"));
}

int64_t sd_rec_version(const struct cJSON *rec)
{
	return sd_json_get_i64(rec, "_version", -1);
}

enum sd_rec_order sd_rec_order(
	int64_t known_version, int64_t known_changed, int64_t version, int64_t changed)
{
	int64_t later = known_changed < 0 || changed < 0 ? 0 : changed - known_changed;

	if (known_version < 0 || version < 0)
		return version >= 0 || known_version < 0 || changed > known_changed ? SD_REC_NEW
										    : SD_REC_OLD;
	if (version > known_version)
		return later < -SD_REC_SKEW_MS ? SD_REC_FORMER : SD_REC_NEW;
	/* one version is written once, and the first is nobody's successor: no clocks to doubt */
	if (version == known_version || version <= 1)
		return later > 0 ? SD_REC_ANEW : SD_REC_OLD;
	return later > SD_REC_SKEW_MS ? SD_REC_ANEW : SD_REC_OLD;
}

bool sd_rec_newer(const struct cJSON *a, const struct cJSON *b)
{
	enum sd_rec_order o;

	if (!a || !b)
		return b != NULL;
	o = sd_rec_order(sd_rec_version(a), sd_json_get_i64(a, "_lastChangedAt", -1),
		sd_rec_version(b), sd_json_get_i64(b, "_lastChangedAt", -1));
	return o == SD_REC_NEW || o == SD_REC_ANEW;
}
