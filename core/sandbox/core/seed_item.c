/*
 * core/sandbox/core/seed_item.c - one made-up record of a model: its fields, and its parents' keys in
 * the columns of relations.  Record i depends on the seed, the model's name and i alone (and on
 * which parents there were).
 */
#include "core/sandbox/core/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/sandbox/core/internal.h"

#define MOST_PARENTS 500
#define NEW_PARENTS  20
#define DEPTH        4
#define FIRST_DAY    INT64_C(1735689600000) /* createdAt of record 0 */

static bool is_to_one(const struct sd_field *f)
{
	return f->kind == SD_K_MODEL && f->join_count &&
	       (f->assoc == SD_A_BELONGS_TO || (f->assoc == SD_A_HAS_ONE));
}

static bool load_parents(
	struct sbx_seeding *j, struct sbx_seed_relation *rel, const struct sbx_model *parent)
{
	char *sql =
		sqlite3_mprintf("SELECT item FROM %s WHERE _deleted IS NULL ORDER BY pk LIMIT %d",
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
		struct sbx_seed_relation *rel = &j->rel[j->rel_count];
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
		rc = sbx_seed_all(j->s, parent, NEW_PARENTS, j->seed, j->now, depth + 1, j->e);
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
static void find_column(const struct sbx_seeding *j, struct sbx_seed_cell *c)
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
		struct sbx_seed_cell *c = &j->cell[j->cell_count];
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
		if (c->key < m->pk_count)
			j->key_cells = j->cell_count;
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

static void one_field(struct sbx_seeding *j, const struct sbx_seed_cell *c, uint64_t i,
	uint64_t pick, const char *stamp)
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

/* Starts record i and makes the first `cells` fields of it. */
static void begin_item(
	struct sbx_seeding *j, uint64_t i, size_t cells, char stamp[SD_TIME_TEXT + 2])
{
	const struct sd_model *m = j->m->m;
	char iso[SD_TIME_TEXT];
	uint64_t pick;

	sd_rand_seeded(&j->from.r, j->seed ^ sd_hash(m->name, strlen(m->name)) ^
					   (i + 1) * UINT64_C(0x9E3779B97F4A7C15));
	pick = sd_rand_u64(&j->from.r) >> 8;
	sd_time_iso(FIRST_DAY + (int64_t)(i % 400000) * 60000, iso);
	snprintf(stamp, SD_TIME_TEXT + 2, "\"%s\"", iso);
	sd_buf_reset(&j->item);
	sd_buf_ch(&j->item, '{');
	for (size_t k = 0; k < cells; k++)
		one_field(j, &j->cell[k], i, pick, stamp);
	sd_buf_reset(&j->pk);
	for (size_t k = 0; k < m->pk_count; k++) {
		sd_buf_ch(&j->pk, k ? ',' : '[');
		sd_buf_add(&j->pk, sd_buf_text(&j->keys[k]), j->keys[k].len);
	}
	sd_buf_ch(&j->pk, ']');
}

bool sbx_seed_item(struct sbx_seeding *j, uint64_t i)
{
	char stamp[SD_TIME_TEXT + 2];

	begin_item(j, i, j->cell_count, stamp);
	implicit_fields(j, stamp);
	sd_buf_fmt(&j->item, ",\"__typename\":\"%s\"", j->m->m->name);
	if (j->m->versioned)
		sd_buf_fmt(&j->item, ",\"_version\":1,\"_lastChangedAt\":%lld", (long long)j->now);
	sd_buf_ch(&j->item, '}');
	return sd_buf_ok(&j->pk) && sd_buf_ok(&j->item);
}

bool sbx_seed_pk(struct sbx_seeding *j, uint64_t i)
{
	char stamp[SD_TIME_TEXT + 2];

	begin_item(j, i, j->key_cells, stamp);
	return sd_buf_ok(&j->pk) && sd_buf_ok(&j->item);
}

enum sd_err sbx_seed_plan(struct sbx_seeding *j, unsigned depth)
{
	enum sd_err rc = find_relations(j, depth);

	return rc == SD_OK ? find_cells(j) : rc;
}

void sbx_seed_plan_release(struct sbx_seeding *j)
{
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
	sd_buf_release(&j->item);
	sd_buf_release(&j->pk);
}
