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

#define BATCH        20000 /* rows of a transaction */
#define MASS         5000  /* from so many on, into an empty table, indexes are built afterwards */
#define MOST_PARENTS 500
#define NEW_PARENTS  20
#define DEPTH        4
#define FIRST_DAY    INT64_C(1735689600000) /* createdAt of record 0 */

struct relation {
	const struct sd_field *f;
	char **values; /* join_count texts per parent; owned */
	size_t parents;
};

struct cell { /* how a field gets its value; found out once */
	const struct sd_field *f;
	char *head;                 /* "\"name\":", owned */
	size_t key;                 /* place in the key; pk_count: not in it */
	const struct relation *rel; /* whose parent gives the value; NULL */
	size_t rel_at, rel_column;
	bool column; /* of some relation */
	bool stamp;  /* createdAt, updatedAt */
};

struct sbx_seeding {
	struct sd_sbx *s;
	struct sbx_model *m;
	uint64_t seed;
	int64_t now, next, count;
	bool mass;
	char *sql; /* sqlite3_free */
	struct relation *rel;
	size_t rel_count;
	struct cell *cell;
	size_t cell_count;
	struct sbx_seeder from;
	struct sd_buf item, pk, *keys;
	struct sd_error *e; /* of the call */
};

static enum sd_err seed_all(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
	int64_t now, unsigned depth, struct sd_error *e);

static bool is_to_one(const struct sd_field *f)
{
	return f->kind == SD_K_MODEL && f->join_count &&
	       (f->assoc == SD_A_BELONGS_TO || (f->assoc == SD_A_HAS_ONE));
}

static bool load_parents(
	struct sbx_seeding *j, struct relation *rel, const struct sbx_model *parent)
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

static enum sd_err find_relations(struct sbx_seeding *j, unsigned depth)
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
		rc = seed_all(j->s, parent, NEW_PARENTS, j->seed, j->now, depth + 1, j->e);
		free(rel->values);
		if (rc == SD_OK && !load_parents(j, rel, parent))
			rc = sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	}
	return rc;
}

static size_t key_place(const struct sd_model *m, const struct sd_field *f)
{
	size_t at = (size_t)(f - m->fields), i = 0;

	while (i < m->pk_count && m->pk[i] != at)
		i++;
	return i;
}

/* Which relation's parents give the column its values: the first that has any. */
static void find_column(const struct sbx_seeding *j, struct cell *c)
{
	for (size_t k = 0; k < j->rel_count && !c->rel; k++)
		for (size_t n = 0; n < j->rel[k].f->join_count && !c->rel; n++) {
			if (strcmp(j->rel[k].f->local[n], c->f->name) != 0)
				continue;
			c->column = true;
			if (!j->rel[k].parents)
				continue;
			c->rel = &j->rel[k];
			c->rel_at = k;
			c->rel_column = n;
		}
}

static enum sd_err find_cells(struct sbx_seeding *j)
{
	const struct sd_model *m = j->m->m;

	j->cell = calloc(m->field_count + 1, sizeof *j->cell);
	j->keys = calloc(m->pk_count + 1, sizeof *j->keys);
	for (size_t i = 0; i < m->field_count && j->cell && j->keys; i++) {
		const struct sd_field *f = &m->fields[i];
		struct cell *c = &j->cell[j->cell_count];
		if (f->kind == SD_K_MODEL)
			continue;
		c->f = f;
		c->key = key_place(m, f);
		c->stamp = (m->created_at && strcmp(f->name, m->created_at) == 0) ||
			   (m->updated_at && strcmp(f->name, m->updated_at) == 0);
		find_column(j, c);
		if (asprintf(&c->head, "\"%s\":", f->name) < 0) {
			c->head = NULL;
			return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
		}
		j->cell_count++;
	}
	if (!j->cell || !j->keys)
		return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	return SD_OK;
}

static void comma(struct sbx_seeding *j)
{
	if (j->item.len > 1)
		sd_buf_ch(&j->item, ',');
}

static void member(struct sbx_seeding *j, const char *name, const char *text)
{
	comma(j);
	sd_buf_fmt(&j->item, "\"%s\":%s", name, text);
}

static void one_field(
	struct sbx_seeding *j, const struct cell *c, uint64_t i, uint64_t pick, const char *stamp)
{
	const struct sd_field *f = c->f;
	bool key = c->key < j->m->m->pk_count;
	size_t at;

	if (!c->stamp && !c->rel) {
		if (c->column && !key && !f->required)
			return;
		if (!key && (f->list ? f->list_nullable : !f->required) &&
			sd_rand_below(&j->from.r, 12) == 0)
			return; /* now and then a field is empty */
	}
	comma(j);
	sd_buf_str(&j->item, c->head);
	at = j->item.len;
	if (c->stamp)
		sd_buf_str(&j->item, stamp);
	else if (c->rel)
		sd_buf_str(&j->item, c->rel->values[(pick + c->rel_at * 7) % c->rel->parents *
							    c->rel->f->join_count +
						    c->rel_column]);
	else if (key)
		sbx_seed_key(&j->from, f, i, &j->item);
	else
		sbx_seed_value(&j->from, f, i, 0, &j->item);
	if (key && sd_buf_ok(&j->item)) {
		sd_buf_reset(&j->keys[c->key]);
		sd_buf_add(&j->keys[c->key], j->item.data + at, j->item.len - at);
	}
}

static void implicit_fields(struct sbx_seeding *j, const char *stamp)
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
			member(j, m->rules[i].owner_field, owners[sd_rand_below(&j->from.r, 4)]);
			break;
		}
}

static bool make_item(struct sbx_seeding *j, uint64_t i)
{
	const struct sd_model *m = j->m->m;
	char iso[SD_TIME_TEXT], stamp[SD_TIME_TEXT + 2];
	uint64_t pick;

	sd_rand_seeded(&j->from.r, j->seed ^ sd_hash(m->name, strlen(m->name)) ^
					   (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
	pick = sd_rand_u64(&j->from.r) >> 8;
	sd_time_iso(FIRST_DAY + (int64_t)(i % 400000) * 60000, iso);
	snprintf(stamp, sizeof stamp, "\"%s\"", iso);
	sd_buf_reset(&j->item);
	sd_buf_ch(&j->item, '{');
	for (size_t k = 0; k < j->cell_count; k++)
		one_field(j, &j->cell[k], i, pick, stamp);
	implicit_fields(j, stamp);
	sd_buf_fmt(&j->item, ",\"__typename\":\"%s\"", m->name);
	if (j->m->versioned)
		sd_buf_fmt(&j->item, ",\"_version\":1,\"_lastChangedAt\":%lld", (long long)j->now);
	sd_buf_ch(&j->item, '}');
	sd_buf_reset(&j->pk);
	for (size_t k = 0; k < m->pk_count; k++) {
		sd_buf_ch(&j->pk, k ? ',' : '[');
		sd_buf_add(&j->pk, sd_buf_text(&j->keys[k]), j->keys[k].len);
	}
	return sd_buf_ch(&j->pk, ']') && sd_buf_ok(&j->item);
}

/* What somebody who holds a lastSync would miss otherwise. */
static enum sd_err log_insert(struct sbx_seeding *j, sqlite3_stmt *log)
{
	sqlite3_bind_text(log, 1, j->m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(log, 2, j->now);
	sqlite3_bind_text(log, 3, sd_buf_text(&j->pk), (int)j->pk.len, SQLITE_STATIC);
	sqlite3_bind_text(log, 4, sd_buf_text(&j->item), (int)j->item.len, SQLITE_STATIC);
	sqlite3_bind_int64(log, 5, (j->now + j->s->o.delta_ttl_ms) / 1000);
	if (sqlite3_step(log) != SQLITE_DONE)
		return sbx_db_fail(j->s, j->e, "seed");
	sqlite3_reset(log);
	return SD_OK;
}

static enum sd_err insert(struct sbx_seeding *j, sqlite3_stmt *st, sqlite3_stmt *log)
{
	if (!make_item(j, (uint64_t)j->next))
		return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	sqlite3_bind_text(st, 1, sd_buf_text(&j->pk), (int)j->pk.len, SQLITE_STATIC);
	sqlite3_bind_text(st, 2, sd_buf_text(&j->item), (int)j->item.len, SQLITE_STATIC);
	sqlite3_bind_int64(st, 3, j->now);
	if (sqlite3_step(st) != SQLITE_DONE)
		return sbx_db_fail(j->s, j->e, "seed");
	sqlite3_reset(st);
	return log && sqlite3_changes(j->s->db) ? log_insert(j, log) : SD_OK;
}

void sbx_seeding_free(struct sbx_seeding *j)
{
	if (!j)
		return;
	for (size_t k = 0; k < j->rel_count; k++) {
		size_t n = j->rel[k].parents * j->rel[k].f->join_count;
		for (size_t i = 0; i < n; i++)
			free(j->rel[k].values[i]);
		free(j->rel[k].values);
	}
	for (size_t k = 0; j->keys && k < j->m->m->pk_count; k++)
		sd_buf_release(&j->keys[k]);
	for (size_t k = 0; k < j->cell_count; k++)
		free(j->cell[k].head);
	free(j->cell);
	free(j->keys);
	free(j->rel);
	sqlite3_free(j->sql);
	sd_buf_release(&j->item);
	sd_buf_release(&j->pk);
	free(j);
}

static enum sd_err seeding_new(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
	int64_t now, unsigned depth, struct sbx_seeding **out, struct sd_error *e)
{
	struct sbx_seeding *j = calloc(1, sizeof *j);
	enum sd_err rc;

	*out = NULL;
	if (!j)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	*j = (struct sbx_seeding){.s = s, .m = m, .seed = seed, .now = now, .count = count, .e = e};
	rc = find_relations(j, depth);
	if (rc == SD_OK)
		rc = find_cells(j);
	if (rc != SD_OK) {
		sbx_seeding_free(j);
		return rc;
	}
	*out = j;
	return SD_OK;
}

enum sd_err sbx_seeding_step(
	struct sbx_seeding *j, int64_t rows, int64_t now, bool *done, struct sd_error *e)
{
	int64_t end = j->count - j->next < rows ? j->count : j->next + rows;
	sqlite3_stmt *st, *log = NULL;
	enum sd_err rc = SD_OK;

	*done = end == j->count;
	if (j->next == end)
		return SD_OK;
	j->e = e;
	j->now = now;
	if (!j->sql) /* the same seed again changes nothing */
		j->sql = sqlite3_mprintf("INSERT INTO %s(pk,item,_version,_lastChangedAt) "
					 "VALUES(?1,?2,1,?3)%s",
			j->m->table, j->mass ? "" : " ON CONFLICT(pk) DO NOTHING");
	if (!j->sql)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	if (!j->s->outer)
		rc = sbx_begin(j->s, e);
	if (rc != SD_OK)
		return rc;
	st = sbx_stmt(j->s, j->sql, e);
	if (st && sbx_must_log(j->s, j->m, now))
		log = sbx_stmt(j->s,
			"INSERT INTO delta(model,changed_at_ms,pk,version,item,ttl) "
			"VALUES(?1,?2,?3,1,?4,?5)",
			e);
	if (!st || (!log && sbx_must_log(j->s, j->m, now)))
		rc = SD_DB;
	for (; j->next < end && rc == SD_OK; j->next++)
		rc = insert(j, st, log);
	if (st)
		sqlite3_reset(st);
	if (log)
		sqlite3_reset(log);
	if (j->s->outer)
		return rc;
	if (rc == SD_OK)
		return sbx_commit(j->s, e);
	sbx_rollback(j->s);
	return rc;
}

/* Into an empty table indexes come last: at a million rows that is several times faster, and needs
 * no more memory. */
static bool is_mass(const struct sbx_seeding *j)
{
	return !j->s->outer && j->count >= MASS && !sbx_must_log(j->s, j->m, j->now) &&
	       sbx_table_is_empty(j->s, j->m);
}

static enum sd_err seed_all(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
	int64_t now, unsigned depth, struct sd_error *e)
{
	struct sbx_seeding *j;
	enum sd_err rc = seeding_new(s, m, count, seed, now, depth, &j, e), whole;
	bool done = false;

	if (rc != SD_OK)
		return rc;
	j->mass = is_mass(j);
	if (j->mass)
		rc = sbx_table_bare(s, m, e);
	while (rc == SD_OK && !done)
		rc = sbx_seeding_step(j, BATCH, now, &done, e);
	if (j->mass) {
		whole = sbx_table_whole(s, m, rc == SD_OK ? e : NULL);
		rc = rc == SD_OK ? whole : rc;
	}
	sbx_seeding_free(j);
	return rc;
}

static enum sd_err seed_model(struct sd_sbx *s, const char *model, int64_t count,
	struct sbx_model **m, struct sd_error *e)
{
	*m = model ? sd_map_get(&s->x.by_name, model) : s->x.model_count ? &s->x.models[0] : NULL;
	if (!*m)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: the schema has no such model",
			model ? model : "(none)");
	if (count < 0 || count > 10000000)
		return sd_fail(e, SD_INVAL, 0, "seed: give a count up to 10,000,000");
	return SD_OK;
}

enum sd_err sd_sbx_seed(struct sd_sbx *s, const char *model, int64_t count, uint64_t seed,
	int64_t now_ms, struct sd_error *e)
{
	struct sbx_model *m;
	enum sd_err rc = seed_model(s, model, count, &m, e);

	return rc == SD_OK ? seed_all(s, m, count, seed, now_ms, 0, e) : rc;
}

enum sd_err sbx_seeding_new(struct sd_sbx *s, const char *model, int64_t count, uint64_t seed,
	int64_t now, struct sbx_seeding **out, struct sd_error *e)
{
	struct sbx_model *m;
	enum sd_err rc = seed_model(s, model, count, &m, e);

	return rc == SD_OK ? seeding_new(s, m, count, seed, now, 0, out, e) : rc;
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
