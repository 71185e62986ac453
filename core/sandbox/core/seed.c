/*
 * core/sandbox/core/seed.c - many made-up records, and records from NDJSON lines.
 *
 * Items are written as text, without a tree: a million of them must not take minutes.
 */
#include "core/sandbox/core/seed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sandbox/core/internal.h"

#define BATCH 20000 /* rows of a transaction */
#define MASS  5000 /* from so many on in an order of their own; an empty table's indexes come last */
#define RUN   65536

/* ---- the order of very many: by key, RUN at a time, so that neighbours in the index come one after
 * another; in the order of their numbers each would dirty a page of its own ---- */

struct sbx_seed_order {
	uint64_t head; /* of the key's text */
	uint64_t i;
};

/* What somebody who holds a lastSync would miss otherwise. */
static enum sd_err log_insert(struct sbx_seeding *j, sqlite3_stmt *log)
{
	sqlite3_bind_text(log, 1, j->m->m->name, -1, SQLITE_STATIC);
	sqlite3_bind_int64(log, 2, j->now);
	sqlite3_bind_text(log, 3, sd_buf_text(&j->pk), (int)j->pk.len, SQLITE_STATIC);
	sqlite3_bind_text(log, 4, sd_buf_text(&j->item), (int)j->item.len, SQLITE_STATIC);
	sqlite3_bind_int64(log, 5, sbx_delta_ttl(j->s, j->now));
	if (sqlite3_step(log) != SQLITE_DONE)
		return sbx_db_fail(j->s, j->e, "seed");
	sqlite3_reset(log);
	return SD_OK;
}

static uint64_t which(const struct sbx_seeding *j)
{
	return j->run ? j->run[j->run_at].i : (uint64_t)j->next;
}

static enum sd_err insert(struct sbx_seeding *j, sqlite3_stmt *st, sqlite3_stmt *log)
{
	if (!sbx_seed_item(j, which(j)))
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
	sbx_seed_plan_release(j);
	sqlite3_free(j->sql);
	free(j->run);
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
	rc = sbx_seed_plan(j, depth);
	if (rc != SD_OK) {
		sbx_seeding_free(j);
		return rc;
	}
	*out = j;
	return SD_OK;
}

static int by_head(const void *a, const void *b)
{
	const struct sbx_seed_order *x = a, *y = b;

	if (x->head != y->head)
		return x->head < y->head ? -1 : 1;
	return x->i < y->i ? -1 : x->i > y->i;
}

static uint64_t head_of(const struct sd_buf *pk)
{
	const char *t = sd_buf_text(pk) + 1; /* over '[' */
	uint64_t v = 0;

	t += *t == '"';
	for (int i = 0; i < 8; i++) {
		v = v << 8 | (unsigned char)*t;
		t += *t != '\0';
	}
	return v;
}

/* Some keys of the next run, as many as take the time of `rows` rows; *ready: it can be read. */
static enum sd_err prepare_run(struct sbx_seeding *j, int64_t rows, bool *ready)
{
	*ready = j->count < MASS || j->run_at < j->run_length;
	if (*ready)
		return SD_OK;
	if (!j->run)
		j->run = calloc(RUN, sizeof *j->run);
	if (!j->run)
		return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
	for (rows *= 12; rows > 0 && j->run_made < RUN; rows--, j->run_made++) {
		struct sbx_seed_order *o = &j->run[j->run_made];
		o->i = (uint64_t)j->next + j->run_made;
		if ((int64_t)o->i >= j->count)
			break;
		if (!sbx_seed_pk(j, o->i))
			return sd_fail(j->e, SD_NOMEM, 0, "sandbox: out of memory");
		o->head = head_of(&j->pk);
	}
	if (rows == 0 && j->run_made < RUN)
		return SD_OK;
	qsort(j->run, j->run_made, sizeof *j->run, by_head);
	j->run_length = j->run_made;
	j->run_at = j->run_made = 0;
	return SD_OK;
}

static enum sd_err insert_some(struct sbx_seeding *j, int64_t rows)
{
	bool must_log = sbx_must_log(j->s, j->m, j->now);
	sqlite3_stmt *st = sbx_stmt(j->s, j->sql, j->e), *log = NULL;
	enum sd_err rc = SD_OK;

	if (st && must_log)
		log = sbx_stmt(j->s,
			"INSERT INTO delta(model,changed_at_ms,pk,version,item,ttl) "
			"VALUES(?1,?2,?3,1,?4,?5)",
			j->e);
	if (!st || (must_log && !log))
		return SD_DB;
	while (rows-- > 0 && j->next < j->count && rc == SD_OK &&
		(!j->run || j->run_at < j->run_length)) {
		rc = insert(j, st, log);
		j->next++;
		j->run_at++;
	}
	sqlite3_reset(st);
	if (log)
		sqlite3_reset(log);
	return rc;
}

enum sd_err sbx_seeding_step(
	struct sbx_seeding *j, int64_t rows, int64_t now, bool *done, struct sd_error *e)
{
	enum sd_err rc;
	bool ready;

	*done = j->next == j->count;
	if (*done)
		return SD_OK;
	j->e = e;
	j->now = now;
	rc = prepare_run(j, rows, &ready);
	if (rc != SD_OK || !ready)
		return rc;
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
	rc = insert_some(j, rows);
	*done = j->next == j->count;
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

enum sd_err sbx_seed_all(struct sd_sbx *s, struct sbx_model *m, int64_t count, uint64_t seed,
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

/* A file remembers which seeds it has had, so that a restart with the same --seed does not make a
 * million records again only to find them there.  count 0 asks; the answer is how many it had. */
static int64_t had(struct sd_sbx *s, const struct sbx_model *m, uint64_t seed, int64_t count)
{
	char key[300];
	sqlite3_stmt *st;
	int64_t n = 0;

	if (!s->o.db)
		return 0;
	snprintf(key, sizeof key, "seeded:%.200s:%llu", m->m->name, (unsigned long long)seed);
	st = sbx_stmt(s,
		count ? "INSERT OR REPLACE INTO meta VALUES(?1,?2)"
		      : "SELECT value FROM meta WHERE key=?1",
		NULL);
	if (!st)
		return 0;
	sqlite3_bind_text(st, 1, key, -1, SQLITE_STATIC);
	if (count)
		sqlite3_bind_int64(st, 2, count);
	if (sqlite3_step(st) == SQLITE_ROW)
		n = sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return n;
}

enum sd_err sd_sbx_seed(struct sd_sbx *s, const char *model, int64_t count, uint64_t seed,
	int64_t now_ms, struct sd_error *e)
{
	struct sbx_model *m;
	enum sd_err rc = seed_model(s, model, count, &m, e);

	if (rc != SD_OK || (count && had(s, m, seed, 0) >= count && !sbx_table_is_empty(s, m)))
		return rc;
	rc = sbx_seed_all(s, m, count, seed, now_ms, 0, e);
	if (rc == SD_OK && count)
		(void)!had(s, m, seed, count);
	return rc;
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
