/*
 * core/sandbox/core/seed.c - many made-up records, and records from NDJSON lines.
 *
 * Record i of a model depends on the seed, the model's name and i alone.  Items are written as text:
 * a million of them must not take minutes.
 */
#include "core/sandbox/core/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/sandbox/core/internal.h"

#define BATCH        10000
#define MOST_PARENTS 500
#define NEW_PARENTS  20
#define DEPTH        4
#define FIRST_DAY    INT64_C(1735689600000) /* createdAt of record 0 */

struct relation {
	const struct sd_field *f;
	char **values; /* join_count texts per parent; owned */
	size_t parents;
};

struct job {
	struct sd_sbx *s;
	struct sbx_model *m;
	uint64_t seed;
	int64_t now;
	bool log; /* somebody may hold a lastSync: the change log must know */
	struct relation *rel;
	size_t rel_count;
	struct sd_buf item, pk, *keys;
	struct sd_error *e;
};

static enum sd_err seed_model(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
	int64_t now, unsigned depth, struct sd_error *e);

static bool is_to_one(const struct sd_field *f)
{
	return f->kind == SD_K_MODEL && f->join_count &&
	       (f->assoc == SD_A_BELONGS_TO || (f->assoc == SD_A_HAS_ONE));
}

static bool load_parents(struct job *j, struct relation *rel, const struct sbx_model *parent)
{
	char *sql =
		sqlite3_mprintf("SELECT item FROM %s WHERE _deleted IS NULL ORDER BY rid LIMIT %d",
			parent->table, MOST_PARENTS);
	sqlite3_stmt *st = sql ? sbx_stmt(j->s, sql, j->e) : NULL;
	size_t n = rel->f->join_count;
	bool ok = st != NULL;

	sqlite3_free(sql);
	rel->values = calloc(MOST_PARENTS * n, sizeof *rel->values);
	while (ok && rel->values && sqlite3_step(st) == SQLITE_ROW) {
		struct cJSON *item = NULL;
		const char *text = (const char *)sqlite3_column_text(st, 0);
		if (!text || sd_json_parse(text, strlen(text), "item", &item, NULL) != SD_OK)
			continue;
		for (size_t i = 0; i < n && ok; i++) {
			char *v = sd_json_text(sd_json_get(item, rel->f->remote[i]));
			rel->values[rel->parents * n + i] = v;
			ok = v != NULL;
		}
		rel->parents += ok;
		sd_json_free(item);
	}
	if (st)
		sqlite3_reset(st);
	return ok && rel->values;
}

static bool columns_required(const struct sbx_model *m, const struct sd_field *rel)
{
	for (size_t i = 0; i < rel->join_count; i++) {
		const struct sd_field *f = sd_model_field(m->m, rel->local[i]);
		if (rel->required || (f && (f->required || sd_model_is_key(m->m, f))))
			return true;
	}
	return false;
}

static enum sd_err find_relations(struct job *j, unsigned depth)
{
	const struct sd_model *m = j->m->m;
	enum sd_err rc = SD_OK;

	j->rel = calloc(m->field_count + 1, sizeof *j->rel);
	if (!j->rel)
		return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	for (size_t i = 0; i < m->field_count && rc == SD_OK; i++) {
		const struct sd_field *f = &m->fields[i];
		struct sbx_model *parent =
			is_to_one(f) ? sd_map_get(&j->s->x.by_name, f->type_name) : NULL;
		struct relation *rel = &j->rel[j->rel_count];
		/* a hasOne whose columns are our own key holds nothing of ours */
		if (!parent || (f->assoc == SD_A_HAS_ONE && sd_model_field(m, f->local[0]) &&
				       sd_model_is_key(m, sd_model_field(m, f->local[0]))))
			continue;
		rel->f = f;
		j->rel_count++;
		if (!load_parents(j, rel, parent))
			return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
		if (rel->parents || parent == j->m || depth >= DEPTH || !columns_required(j->m, f))
			continue;
		rc = seed_model(j->s, parent, NEW_PARENTS, j->seed, j->now, depth + 1, j->e);
		free(rel->values);
		if (rc == SD_OK && !load_parents(j, rel, parent))
			rc = sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	}
	return rc;
}

/* The text of a relation's column, from the parent chosen for record i; NULL: not such a column or
 * no parent. */
static const char *foreign(
	const struct job *j, const struct sd_field *f, uint64_t pick, bool *is_column)
{
	*is_column = false;
	for (size_t k = 0; k < j->rel_count; k++) {
		const struct relation *rel = &j->rel[k];
		for (size_t c = 0; c < rel->f->join_count; c++) {
			if (strcmp(rel->f->local[c], f->name) != 0)
				continue;
			*is_column = true;
			if (rel->parents)
				return rel->values[(pick + k * 7) % rel->parents *
							   rel->f->join_count +
						   c];
		}
	}
	return NULL;
}

static size_t key_place(const struct sd_model *m, const struct sd_field *f)
{
	size_t at = (size_t)(f - m->fields), i = 0;

	while (i < m->pk_count && m->pk[i] != at)
		i++;
	return i;
}

static void member(struct job *j, const char *name, const char *text)
{
	sd_buf_fmt(&j->item, "%s\"%s\":%s", j->item.len > 1 ? "," : "", name, text);
}

static void one_field(struct job *j, struct sd_rand *r, const struct sd_field *f, uint64_t i,
	uint64_t pick, const char *stamp)
{
	const struct sd_model *m = j->m->m;
	size_t key = key_place(m, f);
	struct sd_buf v = SD_BUF_INIT;
	bool column;
	const char *text = foreign(j, f, pick, &column);

	if (f->kind == SD_K_MODEL)
		return;
	if ((m->created_at && strcmp(f->name, m->created_at) == 0) ||
		(m->updated_at && strcmp(f->name, m->updated_at) == 0)) {
		member(j, f->name, stamp);
		return;
	}
	if (column && !text && key == m->pk_count && !f->required)
		return;
	if (text)
		sd_buf_str(&v, text);
	else if (key < m->pk_count)
		sbx_seed_key(r, f, i, &v);
	else if ((f->list ? f->list_nullable : !f->required) && sd_rand_below(r, 12) == 0)
		return; /* now and then a field is empty */
	else
		sbx_seed_value(r, f, i, 0, &v);
	member(j, f->name, sd_buf_text(&v));
	if (key < m->pk_count) {
		sd_buf_reset(&j->keys[key]);
		sd_buf_str(&j->keys[key], sd_buf_text(&v));
	}
	sd_buf_release(&v);
}

static void implicit_fields(struct job *j, struct sd_rand *r, const char *stamp)
{
	static const char *const owners[] = {"\"alice\"", "\"bob\"", "\"carol\"", "\"dave\""};
	const struct sd_model *m = j->m->m;

	if (m->created_at && !sd_model_field(m, m->created_at))
		member(j, m->created_at, stamp);
	if (m->updated_at && !sd_model_field(m, m->updated_at))
		member(j, m->updated_at, stamp);
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i].allow == SD_ALLOW_OWNER &&
			!sd_model_field(m, m->rules[i].owner_field)) {
			member(j, m->rules[i].owner_field, owners[sd_rand_below(r, 4)]);
			break;
		}
}

static void make_item(struct job *j, uint64_t i)
{
	const struct sd_model *m = j->m->m;
	struct sd_rand r;
	char iso[SD_TIME_TEXT], stamp[SD_TIME_TEXT + 2];
	uint64_t pick;

	sd_rand_seeded(&r, j->seed ^ sd_hash(m->name, strlen(m->name)) ^
				   (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
	pick = sd_rand_u64(&r) >> 8;
	sd_time_iso(FIRST_DAY + (int64_t)(i % 400000) * 60000, iso);
	snprintf(stamp, sizeof stamp, "\"%s\"", iso);
	sd_buf_reset(&j->item);
	sd_buf_ch(&j->item, '{');
	for (size_t k = 0; k < m->field_count; k++)
		one_field(j, &r, &m->fields[k], i, pick, stamp);
	implicit_fields(j, &r, stamp);
	sd_buf_fmt(&j->item, ",\"__typename\":\"%s\",\"_version\":1,\"_lastChangedAt\":%lld}",
		m->name, (long long)j->now);
	sd_buf_reset(&j->pk);
	sd_buf_ch(&j->pk, '[');
	for (size_t k = 0; k < m->pk_count; k++)
		sd_buf_fmt(&j->pk, "%s%s", k ? "," : "", sd_buf_text(&j->keys[k]));
	sd_buf_ch(&j->pk, ']');
}

static enum sd_err insert(struct job *j, const char *sql)
{
	sqlite3_stmt *st = sbx_stmt(j->s, sql, j->e);
	enum sd_err rc = SD_OK;

	if (!st)
		return SD_DB;
	if (!sd_buf_ok(&j->item) || !sd_buf_ok(&j->pk))
		return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	sqlite3_bind_text(st, 1, sd_buf_text(&j->pk), (int)j->pk.len, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, sd_buf_text(&j->item), (int)j->item.len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, j->now);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(j->s, j->e, "seed");
	sqlite3_reset(st);
	if (rc != SD_OK || !j->log || sqlite3_changes(j->s->db) == 0)
		return rc;
	st = sbx_stmt(j->s,
		"INSERT INTO delta(model,changed_at_ms,pk,version,item,ttl) "
		"VALUES(?1,?2,?3,1,?4,?5)",
		j->e);
	if (!st)
		return SD_DB;
	sqlite3_bind_text(st, 1, j->m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(st, 2, j->now);
	sqlite3_bind_text(st, 3, sd_buf_text(&j->pk), (int)j->pk.len, SQLITE_STATIC);
	sqlite3_bind_text(st, 4, sd_buf_text(&j->item), (int)j->item.len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 5, (j->now + j->s->o.delta_ttl_ms) / 1000);
	if (sqlite3_step(st) != SQLITE_DONE)
		rc = sbx_db_fail(j->s, j->e, "seed");
	sqlite3_reset(st);
	return rc;
}

static void job_release(struct job *j)
{
	for (size_t k = 0; k < j->rel_count; k++) {
		size_t n = j->rel[k].parents * j->rel[k].f->join_count;
		for (size_t i = 0; i < n; i++)
			free(j->rel[k].values[i]);
		free(j->rel[k].values);
	}
	for (size_t k = 0; j->keys && k < j->m->m->pk_count; k++)
		sd_buf_release(&j->keys[k]);
	free(j->keys);
	free(j->rel);
	sd_buf_release(&j->item);
	sd_buf_release(&j->pk);
}

static enum sd_err insert_all(struct job *j, int64_t count, const char *sql)
{
	enum sd_err rc = SD_OK;

	for (int64_t i = 0; i < count && rc == SD_OK; i++) {
		if (i % BATCH == 0 && !j->s->outer) {
			if (i)
				rc = sbx_commit(j->s, j->e);
			if (rc == SD_OK)
				rc = sbx_begin(j->s, j->e);
			if (rc != SD_OK)
				return rc;
		}
		make_item(j, (uint64_t)i);
		rc = insert(j, sql);
	}
	if (count > 0 && !j->s->outer) {
		if (rc == SD_OK)
			rc = sbx_commit(j->s, j->e);
		else
			sbx_rollback(j->s);
	}
	return rc;
}

static enum sd_err seed_model(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
	int64_t now, unsigned depth, struct sd_error *e)
{
	struct job j = {.s = s, .m = m, .seed = seed, .now = now, .e = e};
	enum sd_err rc;
	char *sql;

	j.log = m->synced_at && now - m->synced_at <= s->o.delta_ttl_ms;
	j.keys = calloc(m->m->pk_count + 1, sizeof *j.keys);
	rc = j.keys ? find_relations(&j, depth) : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	/* the same seed again changes nothing */
	sql = sqlite3_mprintf("INSERT INTO %s(pk,item,_version,_lastChangedAt) VALUES(?1,?2,1,?3) "
			      "ON CONFLICT(pk) DO NOTHING",
		m->table);
	if (rc == SD_OK)
		rc = sql ? insert_all(&j, count, sql)
			 : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	sqlite3_free(sql);
	job_release(&j);
	return rc;
}

enum sd_err sd_sbx_seed(struct sd_sbx *s, const char *model, int64_t count, uint64_t seed,
	int64_t now_ms, struct sd_error *e)
{
	struct sbx_model *m = model              ? sd_map_get(&s->x.by_name, model)
			      : s->x.model_count ? &s->x.models[0]
						 : NULL;

	if (!m)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: the schema has no such model",
			model ? model : "(none)");
	if (count < 0 || count > 10000000)
		return sd_fail(e, SD_INVAL, 0, "seed: give a count up to 10,000,000");
	return seed_model(s, m, count, seed, now_ms, 0, e);
}

static enum sd_err write_line(struct sd_sbx *s, struct sbx_model *m, const struct cJSON *fields,
	int64_t now, struct sd_error *e)
{
	struct sbx_wrong wrong = {""};
	struct cJSON *in = sbx_item_input(s, m, m->create_in, fields, &wrong);
	struct sbx_write w = {.op = SBX_OP_CREATE, .m = m, .now = now, .input = in};
	enum sd_err rc;

	if (!in && !wrong.text[0])
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	if (!in)
		return sd_fail(e, SD_INVAL, 0, "%s: %s", m->m->name, wrong.text);
	rc = sbx_write(s, &w, e);
	/* a record that is there already stays as it is */
	if (rc == SD_OK && w.error_type && !strstr(w.error_type, "ConditionalCheck"))
		rc = sd_fail(e, SD_INVAL, 0, "%s: %s", m->m->name, w.error);
	sd_json_free(w.result);
	sd_json_free(in);
	return rc;
}

enum sd_err sd_sbx_seed_line(
	struct sd_sbx *s, const char *line, size_t n, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *j = NULL, *fields;
	struct sbx_model *m;
	const char *name;
	enum sd_err rc = sd_json_parse(line, n, "seed line", &j, e);

	if (rc != SD_OK)
		return rc;
	name = sd_json_get_str(j, "model");
	m = name ? sd_map_get(&s->x.by_name, name) : NULL;
	fields = sd_json_get(j, "fields");
	if (!m)
		rc = sd_fail(e, SD_INVAL, 0, "seed line: the schema has no model %s",
			name ? name : "(none given)");
	else if (!sd_json_is_object(fields))
		rc = sd_fail(e, SD_INVAL, 0, "seed line: \"fields\" must be an object");
	else
		rc = write_line(s, m, fields, now_ms, e);
	sd_json_free(j);
	return rc;
}
