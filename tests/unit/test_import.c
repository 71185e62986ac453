/* tests/unit/test_import.c - importing a file of some size: all of it or nothing (U-31). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "core/api/import.h"
#include "core/api/internal.h"
#include "core/base/fs.h"
#include "tests/support/support.h"

#define LINES 24000 /* of some 400 bytes: more than what is always one transaction */

static const char SDL[] = "type Site @model { id: ID! name: String! rating: Int"
			  " kind: String @index(name: \"byKind\") }\n";

struct profile {
	char *dir, *file;
	struct sd_config *config;
	struct sd_schema *schema;
	struct sd_settings settings;
	struct sd_api *api;
	struct sd_error e;
	int nap_us;         /* of each call of progress */
	int calls, stop_at; /* 0: never */
	int64_t most;       /* unsent changes seen by another connection while it was written */
};

static int setup(void **st)
{
	struct profile *p = calloc(1, sizeof *p);
	const struct sd_api_opts o = {.settings = &p->settings, .endpoint = ""};
	struct sd_api_opts mine = o;

	assert_non_null(p);
	p->dir = sd_test_dir();
	p->file = sd_path_join(p->dir, "sites.ndjson");
	p->config = sd_config_new();
	assert_int_equal(sd_schema_read(SDL, sizeof SDL - 1, "test", &p->schema, &p->e), SD_OK);
	mine.config = p->config;
	mine.schema = p->schema;
	mine.data_dir = p->dir;
	assert_int_equal(sd_api_open(&mine, &p->api, &p->e), SD_OK);
	*st = p;
	return 0;
}

static int teardown(void **st)
{
	struct profile *p = *st;

	sd_api_close(p->api);
	sd_schema_free(p->schema);
	sd_config_free(p->config);
	sd_test_dir_remove(p->dir);
	free(p->file);
	free(p);
	return 0;
}

/* bad: the line that holds a wrong rating; 0: none */
static void write_lines(struct profile *p, int lines, int bad)
{
	struct sd_buf b = SD_BUF_INIT;

	for (int i = 1; i <= lines; i++)
		sd_buf_fmt(&b,
			"{\"id\":\"s%05d\",\"name\":\"%0330d\",\"rating\":%s,\"kind\":\"k%d\"}\n",
			i * 7919 % 99991, i, i == bad ? "1.5" : "3", i % 7);
	assert_int_equal(sd_write_file(p->file, b.data, b.len, &p->e), SD_OK);
	sd_buf_release(&b);
}

static int64_t unsent(struct profile *p)
{
	struct sd_api_counts c = {0};

	assert_int_equal(sd_api_counts(p->api, &c, &p->e), SD_OK);
	return c.pending;
}

static bool on_progress(void *ctx, int64_t records, int64_t done, int64_t of)
{
	struct profile *p = ctx;
	int64_t seen = unsent(p);

	(void)records;
	assert_true(done <= of);
	p->most = seen > p->most ? seen : p->most;
	usleep((useconds_t)p->nap_us);
	return !p->stop_at || ++p->calls < p->stop_at;
}

static enum sd_err import(struct profile *p, int64_t chunk, struct sd_api_imported *out)
{
	const struct sd_api_import o = {.model = "Site",
		.file = p->file,
		.chunk = chunk,
		.progress = on_progress,
		.ctx = p};

	p->most = 0;
	return sd_api_import(p->api, &o, out, &p->e);
}

/* quick enough, it is one transaction: others see all of it or nothing */
static void a_file_is_imported_whole(void **st)
{
	struct profile *p = *st;
	struct sd_api_imported out;

	write_lines(p, 2000, 0);
	assert_int_equal(import(p, -1, &out), SD_OK);
	assert_int_equal(out.created, 2000);
	assert_int_equal(p->most, 0);
	assert_int_equal(unsent(p), 2000);
	/* again: nothing is new, nothing changes */
	assert_int_equal(import(p, -1, &out), SD_OK);
	assert_int_equal(out.created, 0);
	assert_int_equal(unsent(p), 2000);
}

/* one that would hold the lock for too long goes on in pieces, and none of them is lost */
static void a_large_file_that_takes_long_is_imported_in_pieces(void **st)
{
	struct profile *p = *st;
	struct sd_api_imported out;

	write_lines(p, LINES, 0);
	p->nap_us = 15000;
	if (import(p, -1, &out) != SD_OK)
		fail_msg("%s", p->e.text);
	assert_int_equal(out.created, LINES);
	assert_true(p->most > 0);
	assert_int_equal(unsent(p), LINES);
}

static void assert_refused(struct profile *p, int64_t chunk, int line)
{
	struct sd_api_imported out;
	char want[64];

	assert_int_equal(import(p, chunk, &out), SD_INVAL);
	snprintf(want, sizeof want, "sites.ndjson:%d: Site s%05d: Site.rating", line,
		line * 7919 % 99991);
	assert_non_null(strstr(p->e.text, want));
	assert_int_equal(out.records, 0);
	assert_int_equal(p->most, 0);
	assert_int_equal(unsent(p), 0);
}

/* however it is written, a bad line leaves nothing behind and is named */
static void a_bad_line_leaves_nothing_of_a_large_file(void **st)
{
	struct profile *p = *st;

	write_lines(p, LINES, LINES - 3);
	assert_refused(p, -1, LINES - 3);
	assert_refused(p, 1000, LINES - 3);
	p->nap_us = 15000;
	assert_refused(p, -1, LINES - 3);
	p->nap_us = 0;
	write_lines(p, 500, 400);
	assert_refused(p, -1, 400);
	assert_refused(p, 0, 400);
}

/* U-31: interrupted between its pieces, the same file goes on where it was */
static void an_interrupted_import_goes_on(void **st)
{
	struct profile *p = *st;
	struct sd_api_imported out;

	write_lines(p, 5000, 0);
	p->stop_at = 5000 / 256 + 10; /* checked whole; then in the middle of the writing */
	assert_int_equal(import(p, 700, &out), SD_CANCELLED);
	assert_true(unsent(p) > 0 && unsent(p) < 5000);
	p->stop_at = 0;
	assert_int_equal(import(p, -1, &out), SD_OK);
	assert_int_equal(unsent(p), 5000);
}

/* A row must not be taken for the names of the fields because the line that names them is bad. */
static void a_bad_first_line_of_a_csv_file_is_told_and_nothing_behind_it_is_read(void **st)
{
	struct profile *p = *st;
	static const char text[] = "id,na\"me\nid,name\ns1,first\n";
	struct sd_lines l = {.f = NULL};
	struct cJSON *rec = NULL;
	bool other = false;

	assert_int_equal(sd_write_file(p->file, text, sizeof text - 1, &p->e), SD_OK);
	assert_int_equal(
		sd_lines_open(&l, sd_schema_model(p->schema, "Site"), p->file, true, &p->e), SD_OK);
	assert_int_equal(sd_lines_next(&l, &rec, &other, &p->e), SD_INVAL);
	assert_non_null(strstr(p->e.text, "line 1"));
	assert_true(l.broken);
	assert_null(rec);
	sd_lines_close(&l);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_bad_first_line_of_a_csv_file_is_told_and_nothing_behind_it_is_read),
		T(a_file_is_imported_whole),
		T(a_large_file_that_takes_long_is_imported_in_pieces),
		T(a_bad_line_leaves_nothing_of_a_large_file),
		T(an_interrupted_import_goes_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
