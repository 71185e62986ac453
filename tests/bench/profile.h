/*
 * tests/bench/profile.h - a profile opened the way the program does it, and records to fill it.
 */
#ifndef SD_BENCH_PROFILE_H
#define SD_BENCH_PROFILE_H

#include <sqlite3.h>

#include "core/api/api.h"
#include "core/base/rand.h"

struct profile {
	struct sd_api *api;
	struct sd_config *config;
	struct sd_schema *schema;
	struct sd_settings settings;
	struct sd_error e;
};
/* The model of pages.h; endpoint "": local only.  Ends the program on failure. */
void profile_open(struct profile *p, const char *dir, const char *endpoint);
void profile_close(struct profile *p);

/* A record as limits.md has it (about 410 bytes), n-th of a run; without metadata.  Owned. */
struct cJSON *profile_record(struct sd_rand *r, int64_t n);
/* Fills DIR's store with rows through the path of a base sync; the seconds it took. */
double profile_fill(const char *dir, int64_t rows);

/* The bare program's side: a connection with the cache the store's readers have. */
sqlite3 *bare_open(const char *path, bool writer);
sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql);
void bare_exec(sqlite3 *db, const char *sql);

#endif
