/*
 * tests/proto/test_rescued.c - a damaged profile on the command line: it is said what is damaged,
 * rescue keeps what was not sent, the next sync makes it whole (U-46; issue "Durability").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "core/base/fs.h"
#include "core/json/json.h"
#include "tests/support/program.h"
#include "tests/support/run_sandbox.h"

#define KEYS 6

static const char SDL[] = "type Post @model { id: ID! title: String! rating: Int }\n";

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;

/* Turns bytes of the first page of the records around. */
static void spoil_records(const struct program *w)
{
	char *p = sd_path_join(w->dir, "store.db");
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	FILE *f;
	long page;

	assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
	assert_int_equal(
		sqlite3_prepare_v2(
			db, "SELECT rootpage FROM sqlite_schema WHERE name='r_Post'", -1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	page = (long)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	f = fopen(p, "r+e");
	assert_non_null(f);
	assert_int_equal(fseek(f, (page - 1) * 8192, SEEK_SET), 0);
	for (int i = 0; i < 100; i++)
		fputc(0xa5, f);
	fclose(f);
	free(p);
}

static void save(const struct program *p, int key, int value)
{
	char id[32], rating[32];
	const char *args[] = {"save", "Post", id, "title=x", rating, NULL};

	snprintf(id, sizeof id, "id=k%d", key);
	snprintf(rating, sizeof rating, "rating=%d", value);
	assert_int_equal(program_run(p, args, NULL), 0);
}

static void has(const struct program *p, int key, const char *want)
{
	struct sd_buf b = SD_BUF_INIT;
	char id[16];
	const char *args[] = {"get", "Post", id, NULL};

	snprintf(id, sizeof id, "k%d", key);
	assert_int_equal(program_run(p, args, &b), 0);
	if (!strstr(sd_buf_text(&b), want))
		fail_msg("expected %s in %s", want, sd_buf_text(&b));
	sd_buf_release(&b);
}

/* The backend's copy of each record. */
static void backend_has(int value)
{
	struct cJSON *dump = sd_test_admin(srv, "GET", "dump?model=Post", NULL);

	assert_int_equal(sd_json_count(dump), KEYS);
	for (const struct cJSON *r = sd_json_child(dump); r; r = sd_json_next(r)) {
		assert_int_equal(sd_json_get_i64(r, "rating", 0), value);
		assert_int_equal(sd_json_get_i64(r, "_version", 0), 2);
	}
	sd_json_free(dump);
}

static void said(const struct program *p, const char *what)
{
	struct sd_buf b = SD_BUF_INIT;

	program_said(p, &b);
	if (!strstr(sd_buf_text(&b), what))
		fail_msg("expected %s in: %s", what, sd_buf_text(&b));
	sd_buf_release(&b);
}

static void a_damaged_profile_is_rescued_and_is_whole_after_the_next_sync(void **st)
{
	static const char *const query[] = {"query", "Post", NULL};
	static const char *const rescue[] = {"rescue", NULL};
	static const char *const sync[] = {"sync", "--once", "--timeout", "30s", NULL};
	struct sd_buf b = SD_BUF_INIT;
	struct program p;

	(void)st;
	program_open(&p, SDL, sd_test_server_url(srv));
	for (int i = 0; i < KEYS; i++)
		save(&p, i, 1);
	assert_int_equal(program_run(&p, sync, NULL), 0);
	for (int i = 0; i < KEYS; i++)
		save(&p, i, 2);
	spoil_records(&p);
	assert_int_equal(program_run(&p, query, NULL), 1);
	said(&p, "Post");
	said(&p, "it is damaged");
	said(&p, "syncdeck rescue");
	assert_int_equal(program_run(&p, rescue, &b), 0);
	assert_non_null(strstr(sd_buf_text(&b), "\"unsent\":6,\"lost\":0"));
	assert_non_null(strstr(sd_buf_text(&b), "\"damaged\":\"Post\""));
	has(&p, 0, "\"_state\":\"pending\"");
	assert_int_equal(program_run(&p, sync, NULL), 0);
	for (int i = 0; i < KEYS; i++) {
		has(&p, i, "\"rating\":2");
		has(&p, i, "\"_version\":2");
		has(&p, i, "\"_state\":\"synced\"");
	}
	backend_has(2);
	sd_buf_reset(&b);
	assert_int_equal(program_run(&p, rescue, &b), 0);
	assert_non_null(strstr(sd_buf_text(&b), "\"sound\":true"));
	sd_buf_release(&b);
	program_close(&p);
}

/* one that does not even open: doctor says so, and how to go on */
static void doctor_speaks_of_a_store_that_does_not_open(void **st)
{
	static const char *const doctor[] = {"doctor", NULL};
	static const char *const rescue[] = {"rescue", NULL};
	struct sd_buf b = SD_BUF_INIT;
	struct program p;
	char *db;

	(void)st;
	program_open(&p, SDL, NULL);
	save(&p, 0, 1);
	db = sd_path_join(p.dir, "store.db");
	assert_int_equal(truncate(db, 20000), 0);
	assert_int_equal(program_run(&p, doctor, &b), 1);
	assert_non_null(strstr(sd_buf_text(&b), "\"check\":\"store\",\"ok\":false"));
	assert_non_null(strstr(sd_buf_text(&b), "syncdeck rescue"));
	assert_int_equal(program_run(&p, rescue, NULL), 0);
	assert_int_equal(program_run(&p, doctor, NULL), 0);
	save(&p, 0, 1);
	sd_buf_release(&b);
	free(db);
	program_close(&p);
}

static int setup(void **st)
{
	(void)st;
	if (sd_schema_read(SDL, sizeof SDL - 1, "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&opts, schema);
	srv = sd_test_server_start(&opts);
	return 0;
}

static int teardown(void **st)
{
	(void)st;
	sd_test_server_stop(srv);
	sd_schema_free(schema);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_damaged_profile_is_rescued_and_is_whole_after_the_next_sync),
		cmocka_unit_test(doctor_speaks_of_a_store_that_does_not_open),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
