/* core/sandbox/core/seed.h - made-up records.  Private to the sandbox. */
#ifndef SD_SANDBOX_SEED_H
#define SD_SANDBOX_SEED_H

#include "core/base/buf.h"
#include "core/base/rand.h"
#include "core/model/schema.h"

struct sd_sbx;
struct sbx_model;

/* Where records come from: a generator started afresh for each, and what the fields' names were
 * found to say. */
struct sbx_seeder {
	struct sd_rand r;
	struct sbx_seed_name {
		const struct sd_field *f; /* NULL: a free place */
		unsigned char text, number;
	} name[128]; /* zeroed at first */
};

/* A value of f as JSON text, appended.  i: which record; depth: of embedded types, 0 at the top. */
void sbx_seed_value(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, unsigned depth,
	struct sd_buf *out);
void sbx_seed_key(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, struct sd_buf *out);

/* ---- seed_item.c ---- */
struct sbx_seed_order;

struct sbx_seed_relation {
	const struct sd_field *f;
	char **values; /* join_count texts per parent; owned */
	size_t parents;
};

struct sbx_seed_cell { /* how a field gets its value; found out once */
	const struct sd_field *f;
	char *head;                          /* "\"name\":", owned */
	size_t key;                          /* place in the key; pk_count: not in it */
	const struct sbx_seed_relation *rel; /* whose parent gives the value; NULL */
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
	char *sql;                  /* sqlite3_free */
	struct sbx_seed_order *run; /* owned; the records next to come, in this order; NULL */
	size_t run_length, run_made, run_at;
	struct sbx_seed_relation *rel;
	size_t rel_count;
	struct sbx_seed_cell *cell;
	size_t cell_count, key_cells; /* the key is known after so many */
	struct sbx_seeder from;
	struct sd_buf item, pk, *keys;
	struct sd_error *e; /* of the call */
};

/* Finds out how fields get their values; parents that must be there are made.  Fills j->rel,
 * j->cell and j->keys. */
SD_MUST_USE enum sd_err sbx_seed_plan(struct sbx_seeding *j, unsigned depth);
void sbx_seed_plan_release(struct sbx_seeding *j);
/* Record i into j->item and j->pk; only its key into j->pk.  false: out of memory. */
bool sbx_seed_item(struct sbx_seeding *j, uint64_t i);
bool sbx_seed_pk(struct sbx_seeding *j, uint64_t i);

/* ---- seed.c ---- */
SD_MUST_USE enum sd_err sbx_seed_all(struct sd_sbx *s, struct sbx_model *m, int64_t count,
	uint64_t seed, int64_t now, unsigned depth, struct sd_error *e);

#endif
