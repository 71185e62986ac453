/*
 * tests/support/pred_world.h - records in memory and the same in an SQLite table, for predicates.
 */
#ifndef SD_TESTS_PRED_WORLD_H
#define SD_TESTS_PRED_WORLD_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/model/predicate.h"

#define NOW_MS INT64_C(1795371006628) /* 2026-11-22T18:10:06.628Z */

struct sqlite3;
struct world {
	struct sqlite3 *db;
	struct cJSON *rows[3]; /* arrays of records, as world_models names them */
};
extern const char *const world_models[3]; /* Blog, Post, Comment */
extern struct sd_schema *schema;          /* between setup and teardown */
extern const struct sd_model *post;

int world_setup(void **st);
int world_teardown(void **st);

void world_open(struct world *w); /* empty */
void ten_rows(struct world *w);   /* opened, with ten posts and what they are related to */
void world_close(struct world *w);
void world_add(struct world *w, int model, struct cJSON *rec); /* takes rec over */
/* An sd_pred_related_fn; ctx is the world. */
const struct cJSON *world_related(
	void *ctx, const struct sd_field *rel, const struct cJSON *rec, size_t nth);

struct sd_pred *pred_of(const char *text); /* fails the test when it does not parse */
/* ids of the posts that pass, in the order they were added, as "1 2 5 ". */
void ids_by_sql(struct world *w, const struct sd_pred *p, struct sd_buf *out);
void ids_in_memory(struct world *w, const struct sd_pred *p, struct sd_buf *out);
/* Both give exactly these ids ("1 2 5"), or the test fails. */
void world_expect(struct world *w, const char *text, const char *ids);

#endif
