/* tests/bench/profile.c - see profile.h. */
#include "tests/bench/profile.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"
#include "core/model/amplify.h"
#include "core/store/apply.h"
#include "tests/bench/measure.h"
#include "tests/bench/pages.h"

#define PAGES_PER_TXN 10

void profile_open(struct profile *p, const char *dir, const char *endpoint)
{
	static char policy[] = "merge";
	struct sd_api_opts o = {.data_dir = dir, .endpoint = endpoint};

	memset(p, 0, sizeof *p);
	p->settings = (struct sd_settings){.sync_page_size = 1000,
		.sync_max_records = 100000000,
		.sync_concurrency = 4,
		.outbox_concurrency = 8,
		.outbox_batch = 1,
		.conflict_max_attempts = 10,
		.subscriptions_per_connection = 100,
		.net_timeout_ms = 30000,
		.net_connect_timeout_ms = 10000,
		.sync_full_interval_ms = 86400000,
		.conflict_policy = policy};
	p->config = sd_config_new();
	must(sd_schema_read(PAGES_SDL, strlen(PAGES_SDL), "bench", &p->schema, &p->e) == SD_OK,
		"schema", p->e.text);
	o.config = p->config;
	o.schema = p->schema;
	o.settings = &p->settings;
	o.api_key = *endpoint ? "da2-bench" : NULL;
	must(sd_api_open(&o, &p->api, &p->e) == SD_OK, "opening the profile", p->e.text);
}

void profile_close(struct profile *p)
{
	sd_api_close(p->api);
	sd_schema_free(p->schema);
	sd_config_free(p->config);
}

struct cJSON *profile_record(struct sd_rand *r, int64_t n)
{
	static const char *const STATUS[] = {"ACTIVE", "DRAFT", "ARCHIVED"};
	struct cJSON *j = sd_json_object(), *tags = sd_json_array();
	char id[SD_UUID_TEXT], title[64], time[40];

	sd_uuid4(r, id);
	snprintf(title, sizeof title, "Record number %lld of the run", (long long)n);
	snprintf(time, sizeof time, "2026-%02d-%02dT%02d:%02d:44.%03dZ", (int)(n % 12) + 1,
		(int)(n / 12 % 28) + 1, (int)(n / 400 % 24), (int)(n / 10000 % 60),
		(int)(n % 1000));
	sd_json_add_str(j, "id", id);
	sd_json_add_str(j, "title", title);
	sd_json_add_str(j, "body",
		"The pump in the cellar was replaced in spring; pressure has been stable since, "
		"and the meter was read and photographed.");
	sd_json_add_int(j, "rating", n % 1000);
	sd_json_add_bool(j, "featured", n % 2);
	sd_json_push(tags, sd_json_string("alpha"));
	sd_json_push(tags, sd_json_string("beta"));
	sd_json_push(tags, sd_json_string("gamma"));
	sd_json_add(j, "tags", tags);
	sd_json_add_str(j, "status", STATUS[n % 3]);
	sd_json_add_str(j, "createdAt", time);
	sd_json_add_str(j, "updatedAt", time);
	return j;
}

double profile_fill(const char *dir, int64_t rows)
{
	struct sd_schema *schema;
	struct sd_store *st;
	struct sd_error e = {0};
	struct sd_rand rand;
	struct sd_store_opts o = {.dir = dir, .now_ms = 1795371000000, .rand = &rand};
	struct sd_apply_counts counts = {0};
	int64_t start = sd_mono_us(), sweep;

	sd_rand_seeded(&rand, 7);
	must(sd_schema_read(PAGES_SDL, strlen(PAGES_SDL), "bench", &schema, &e) == SD_OK, "schema",
		e.text);
	o.schema = schema;
	must(sd_store_open(&o, &st, &e) == SD_OK, "opening the store", e.text);
	must(sd_store_begin(st, &e) == SD_OK &&
			sd_sweep_begin(st, schema->models[0], &sweep, &e) == SD_OK &&
			sd_store_commit(st, &e) == SD_OK,
		"beginning", e.text);
	for (int64_t n = 0; n < rows;) {
		const struct cJSON *page[PAGE_ROWS];

		must(sd_store_begin(st, &e) == SD_OK, "filling", e.text);
		for (int p = 0; p < PAGES_PER_TXN && n < rows; p++) {
			for (int i = 0; i < PAGE_ROWS; i++) {
				struct cJSON *j = profile_record(&rand, n++);
				sd_json_add_int(j, "_version", 1);
				sd_json_add_int(j, "_lastChangedAt", 1795371006000 + n);
				page[i] = j;
			}
			must(sd_apply(st, schema->models[0], page, PAGE_ROWS, SD_FROM_SYNC, true,
				     1795371000000, &counts, &e) == SD_OK,
				"filling", e.text);
			for (int i = 0; i < PAGE_ROWS; i++)
				sd_json_free((struct cJSON *)(uintptr_t)page[i]);
		}
		must(sd_store_commit(st, &e) == SD_OK, "filling", e.text);
		sd_store_wal_care(st);
	}
	must(sd_store_begin(st, &e) == SD_OK &&
			sd_sweep_end(st, schema->models[0], NULL, sweep, 1795371000000,
				&counts.deleted, &e) == SD_OK &&
			sd_load_end(st, schema->models[0], &e) == SD_OK &&
			sd_store_commit(st, &e) == SD_OK && sd_store_indexes(st, &e) == SD_OK,
		"ending", e.text);
	sd_store_close(st);
	sd_schema_free(schema);
	return (double)(sd_mono_us() - start) / 1e6;
}

sqlite3 *bare_open(const char *path, bool writer)
{
	sqlite3 *db;

	must(sqlite3_open_v2(path, &db,
		     SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX,
		     NULL) == SQLITE_OK,
		"opening", path);
	bare_exec(db, writer ? "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;"
			       "PRAGMA synchronous=FULL;PRAGMA cache_size=-65536;"
			     : "PRAGMA cache_size=-16384;");
	sqlite3_busy_timeout(db, 2000);
	return db;
}

sqlite3_stmt *bare_prepare(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s;

	must(sqlite3_prepare_v2(db, sql, -1, &s, NULL) == SQLITE_OK, sql, sqlite3_errmsg(db));
	return s;
}

void bare_exec(sqlite3 *db, const char *sql)
{
	must(sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK, sql, sqlite3_errmsg(db));
}
