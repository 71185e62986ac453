/*
 * tests/unit/test_sbx_sync.c - base and delta sync of the sandbox: spec/server.md 10.3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "tests/support/sbx_posts.h"
#include "tests/support/support.h"

#define eq(a, b) assert_string_equal((a), (b))
#define SYNC                                                                                       \
	"query($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: "                \
	"ModelPostFilterInput) { syncPosts(limit: $limit, nextToken: $nextToken, lastSync: "       \
	"$lastSync, filter: $filter) { items { id title _version _deleted } nextToken startedAt "  \
	"} }"

static void change(struct fx *f, const char *fields)
{
	char q[1000];

	snprintf(q, sizeof q, "mutation { updatePost(input: {%s}) { id } }", fields);
	eq(fx_get(f, q, NULL, "errors"), "");
}

struct page {
	struct cJSON *j;
	char started[32], token[400];
};

static struct page sync_posts(struct fx *f, const char *variables)
{
	struct page p = {.j = fx_ask(f, SYNC, variables)};

	snprintf(p.started, sizeof p.started, "%s", fx_at(p.j, "data.syncPosts.startedAt"));
	snprintf(p.token, sizeof p.token, "%s", fx_at(p.j, "data.syncPosts.nextToken"));
	return p;
}

static const char *since(struct fx *f, int64_t last, const char *path)
{
	char v[100];
	struct page p;
	const char *t;

	snprintf(v, sizeof v, "{\"lastSync\":%lld,\"nextToken\":null,\"filter\":null}",
		(long long)last);
	p = sync_posts(f, v);
	t = fx_at(p.j, path);
	sd_json_free(p.j);
	return t;
}

/* SRV-Y01, SRV-Y02, SRV-Y03, SRV-Y04, SRV-Y05, SRV-Y11 */
static void a_delta_has_every_change_since_and_a_base_scan_everything_once(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct page p;
	int64_t started;

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\"");
	fx_put(f, "id: \"b\", title: \"y\"");
	fx_removed(f, "b", 1);
	f->now += 10000;
	p = sync_posts(f, NULL);
	eq(fx_at(p.j, "data.syncPosts.items"),
		"[{\"id\":\"a\",\"title\":\"x\",\"_version\":1,\"_deleted\":null},"
		"{\"id\":\"b\",\"title\":\"y\",\"_version\":2,\"_deleted\":true}]");
	eq(p.started, "1795000010000");
	sd_json_free(p.j);
	assert_true(sd_parse_i64(p.started, &started));
	eq(since(f, 0, "data.syncPosts.items.1.id"), "b");
	eq(since(f, started / 1000, "data.syncPosts.items.1.id"), "b"); /* seconds: long ago */
	eq(since(f, started, "data.syncPosts.items"), "[]");
	f->now += 5000;
	change(f, "id: \"a\", title: \"x2\", _version: 1");
	eq(since(f, started, "data.syncPosts.items"),
		"[{\"id\":\"a\",\"title\":\"x2\",\"_version\":2,\"_deleted\":null}]");
	f->now += 5000;
	fx_removed(f, "a", 2);
	eq(since(f, started, "data.syncPosts.items"),
		"[{\"id\":\"a\",\"title\":\"x2\",\"_version\":2,\"_deleted\":null},"
		"{\"id\":\"a\",\"title\":\"x2\",\"_version\":3,\"_deleted\":true}]");
	/* created, then asked with the clock of the same second */
	f->now += 3000;
	fx_put(f, "id: \"c\", title: \"late\"");
	f->now += 700;
	eq(since(f, f->now, "data.syncPosts.items.0.id"), "c");
	fx_close(f);
}

/* SRV-Y06, SRV-Y07, SRV-Y08 */
static void after_the_windows_the_log_and_the_tombstones_are_gone(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	int64_t before = f->now;

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\"");
	fx_put(f, "id: \"b\", title: \"y\"");
	f->now += f->delta_ttl_ms - 1000;
	change(f, "id: \"a\", title: \"x2\", _version: 1");
	eq(since(f, before, "data.syncPosts.items.2.title"), "x2"); /* still the log: 3 changes */
	f->now += 2000;
	eq(since(f, before, "data.syncPosts.items"),
		"[{\"id\":\"a\",\"title\":\"x2\",\"_version\":2,\"_deleted\":null},"
		"{\"id\":\"b\",\"title\":\"y\",\"_version\":1,\"_deleted\":null}]");
	fx_removed(f, "b", 1);
	f->now += f->base_ttl_ms + 1000;
	eq(since(f, 0, "data.syncPosts.items"),
		"[{\"id\":\"a\",\"title\":\"x2\",\"_version\":2,\"_deleted\":null}]");
	eq(fx_get(f, "{ getPost(id: \"b\") { id } }", NULL, "data.getPost"), "null");
	fx_put(f, "id: \"b\", title: \"again\"");
	eq(fx_get(f, "{ getPost(id: \"b\") { _version } }", NULL, "data.getPost._version"), "1");
	fx_close(f);
}

/* SRV-Y06 (found by the simulation): the log has a change for as long as it is asked instead of the
 * table, to the last millisecond. */
static void the_log_does_not_forget_before_it_is_too_old_to_be_asked(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	int64_t before;

	(void)st;
	f->now = f->now / 1000 * 1000 + 370;
	before = f->now;
	eq(since(f, 0, "data.syncPosts.items"), "[]");
	f->now += 20;
	fx_put(f, "id: \"a\", title: \"x\"");
	f->now = before + f->delta_ttl_ms;
	eq(since(f, before, "data.syncPosts.items.0.title"), "x");
	fx_close(f);
}

/* SRV-Y09, SRV-Y10, SRV-Y14 */
static void all_pages_of_a_run_carry_the_first_ones_start(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct page one, two;
	int64_t started;
	char v[600];

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\"");
	fx_put(f, "id: \"b\", title: \"y\"");
	f->now += 60000;
	one = sync_posts(f, "{\"limit\":1}");
	f->now += 5000;
	change(f, "id: \"a\", title: \"between\", _version: 1");
	snprintf(v, sizeof v, "{\"limit\":1,\"nextToken\":\"%s\"}", one.token);
	two = sync_posts(f, v);
	eq(two.started, one.started);
	eq(fx_at(two.j, "data.syncPosts.items.0.id"), "b");
	eq(two.token, "null");
	sd_json_free(two.j);
	assert_true(sd_parse_i64(one.started, &started));
	eq(since(f, started, "data.syncPosts.items.0.title"), "between");
	snprintf(v, sizeof v,
		"{\"limit\":1,\"nextToken\":\"%s\",\"filter\":{\"title\":{\"eq\":\"x\"}}}",
		one.token);
	eq(fx_get(f, SYNC, v, "errors.0.message"), "Invalid nextToken");
	eq(fx_get(f, SYNC, v, "errors.0.errorType"), "BadRequest");
	snprintf(v, sizeof v, "{\"nextToken\":\"%s\",\"lastSync\":5}", one.token);
	eq(fx_get(f, SYNC, v, "errors.0.message"), "Invalid nextToken");
	eq(fx_get(f, SYNC, "{\"nextToken\":\"junk\"}", "errors.0.message"), "Invalid nextToken");
	snprintf(v, sizeof v, "query { listPosts(nextToken: \"%s\") { nextToken } }", one.token);
	eq(fx_get(f, v, NULL, "errors.0.message"), "Invalid nextToken");
	sd_json_free(one.j);
	fx_close(f);
}

/* contract.md 10 `put`: a value changed behind the service's back leaves the version alone */
static void a_put_keeps_the_metadata_that_it_does_not_name(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *items = NULL;
	static const char rows[] =
		"[{\"id\":\"a\",\"title\":\"put\"},{\"id\":\"n\",\"title\":\"new\"}]";
	struct sd_error e;

	(void)st;
	fx_get(f, "mutation { createPost(input: {id: \"a\", title: \"x\"}) { id } }", NULL, "data");
	fx_get(f, "mutation { updatePost(input: {id: \"a\", title: \"y\", _version: 1}) { id } }",
		NULL, "data");
	assert_int_equal(sd_json_parse(rows, strlen(rows), "rows", &items, &e), SD_OK);
	assert_int_equal(sd_sbx_put(f->s, "Post", items, f->now + 1000, &e), SD_OK);
	sd_json_free(items);
	eq(fx_get(f, "{ getPost(id: \"a\") { title _version } }", NULL, "data.getPost"),
		"{\"title\":\"put\",\"_version\":2}");
	eq(fx_get(f, "{ getPost(id: \"n\") { title _version } }", NULL, "data.getPost"),
		"{\"title\":\"new\",\"_version\":1}");
	fx_close(f);
}

/* SRV-Y15 */
static void a_row_without_a_required_value_is_null_and_an_error_and_the_rest_arrives(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *items = NULL, *j;
	static const char rows[] = "[{\"id\":\"a\",\"title\":\"x\"},{\"id\":\"b\"},{\"id\":\"c\","
				   "\"title\":\"z\",\"rating\":\"odd\"}]";
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_json_parse(rows, strlen(rows), "rows", &items, &e), SD_OK);
	assert_int_equal(sd_sbx_put(f->s, "Post", items, f->now, &e), SD_OK);
	sd_json_free(items);
	j = fx_ask(f, "{ syncPosts { items { id title rating } startedAt } }", NULL);
	eq(fx_at(j, "data.syncPosts.items"), "[{\"id\":\"a\",\"title\":\"x\",\"rating\":null},null,"
					     "{\"id\":\"c\",\"title\":\"z\",\"rating\":null}]");
	eq(fx_at(j, "errors.0.message"),
		"Cannot return null for non-nullable type: 'String' within parent 'Post' "
		"(/syncPosts/items[1]/title)");
	eq(fx_at(j, "errors.0.path"), "[\"syncPosts\",\"items\",1,\"title\"]");
	assert_non_null(strstr(fx_at(j, "errors.1.message"), "/syncPosts/items[2]/rating"));
	sd_json_free(j);
	eq(fx_get(f, "{ getPost(id: \"b\") { title } }", NULL, "data.getPost"), "null");
	fx_close(f);
}

/* a database on disk: rows, change log and tokens outlive the process */
static void a_database_file_keeps_everything(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "sandbox.db");
	struct fx *f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, db, INT64_C(30) * 86400000);
	struct page p;
	char v[600];

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\"");
	fx_put(f, "id: \"b\", title: \"y\"");
	p = sync_posts(f, "{\"limit\":1}");
	sd_json_free(p.j);
	fx_close(f);
	f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, db, INT64_C(30) * 86400000);
	snprintf(v, sizeof v, "{\"limit\":1,\"nextToken\":\"%s\"}", p.token);
	eq(fx_get(f, SYNC, v, "data.syncPosts.items.0.id"), "b");
	eq(since(f, FX_T0, "data.syncPosts.items.1.id"), "b");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000) + t.tv_nsec / 1000;
}

/* Far above what a page of 1000 records takes; it fails when a page costs more than its length. */
static void pages_of_a_thousand_are_fast(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;
	struct cJSON *j;
	int64_t took, best = INT64_MAX;

	(void)st;
	assert_int_equal(sd_sbx_seed(f->s, "Post", 2000, 1, f->now, &e), SD_OK);
	for (int i = 0; i < 5; i++) {
		took = cpu_us();
		j = fx_ask(f,
			"{ syncPosts(limit: 1000) { items { " FX_POST " } nextToken startedAt } }",
			NULL);
		took = cpu_us() - took;
		best = took < best ? took : best;
		assert_int_equal(
			sd_json_count(sd_json_path(j, "data", "syncPosts", "items", NULL)), 1000);
		sd_json_free(j);
	}
	print_message("1000 records in %lld us, reading the answer included\n", (long long)best);
	assert_true(best < 400000);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delta_has_every_change_since_and_a_base_scan_everything_once),
		cmocka_unit_test(after_the_windows_the_log_and_the_tombstones_are_gone),
		cmocka_unit_test(the_log_does_not_forget_before_it_is_too_old_to_be_asked),
		cmocka_unit_test(all_pages_of_a_run_carry_the_first_ones_start),
		cmocka_unit_test(a_put_keeps_the_metadata_that_it_does_not_name),
		cmocka_unit_test(
			a_row_without_a_required_value_is_null_and_an_error_and_the_rest_arrives),
		cmocka_unit_test(a_database_file_keeps_everything),
		cmocka_unit_test(pages_of_a_thousand_are_fast),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}