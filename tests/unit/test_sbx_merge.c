/*
 * tests/unit/test_sbx_merge.c - stale writes: what each conflict strategy of the sandbox makes of them
 * (spec/server.md 10.2).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sbx_posts.h"

#define eq(a, b) assert_string_equal((a), (b))

/* SRV-M08, SRV-M09, SRV-M10, SRV-M15 (the wire form), SRV-W15 */
static void optimistic_concurrency_refuses_a_stale_update_and_shows_the_server_item(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_OPTIMISTIC);
	struct cJSON *j;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\",\"data\":\"{\\\"k\\\":1}\"}", "");
	fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	eq(fx_subscribe(f, "s", "subscription { onUpdatePost { id } }", NULL), "");
	j = fx_ask(f, FX_UPDATE, "{\"input\":{\"id\":\"p1\",\"title\":\"mine\",\"_version\":1}}");
	eq(fx_at(j, "data.updatePost"), "null");
	eq(fx_at(j, FX_TYPE), "ConflictUnhandled");
	eq(fx_at(j, "errors.0.message"), "Conflict resolver rejects mutation.");
	eq(fx_at(j, "errors.0.path"), "[\"updatePost\"]");
	eq(fx_at(j, "errors.0.errorInfo"), "null");
	eq(fx_at(j, "errors.0.locations.0.sourceName"), "null");
	eq(fx_at(j, "errors.0.data.title"), "b");
	eq(fx_at(j, "errors.0.data._version"), "2");
	eq(fx_at(j, "errors.0.data._deleted"), "null");
	eq(fx_at(j, "errors.0.data.data"), "{\"k\":1}");
	sd_json_free(j);
	assert_int_equal(f->event_count, 0);
	eq(fx_get(f,
		   "mutation { updatePost(input: {id: \"p1\", title: \"x\", _version: 1}) { id "
		   "title } }",
		   NULL, "errors.0.data"),
		"{\"id\":\"p1\",\"title\":\"b\"}");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":2}",
		   "data.updatePost._version"),
		"3");
	fx_close(f);
}

/* SRV-M11 to SRV-M16, SRV-M18, SRV-M19 */
static void automerge_keeps_scalars_adds_what_is_new_appends_lists_and_merges_maps(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;
	char before[64];

	(void)st;
	fx_create(f,
		"{\"id\":\"p1\",\"title\":\"a\",\"tags\":[\"x\",\"y\"],\"meta\":{\"a\":\"s\"},"
		"\"data\":\"{\\\"k\\\":1,\\\"l\\\":[1]}\"}",
		"");
	fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	snprintf(before, sizeof before, "%s", fx_stored(f, "p1", "updatedAt"));
	f->now += 5000;
	j = fx_ask(f, FX_UPDATE,
		"{\"input\":{\"id\":\"p1\",\"title\":\"stale\",\"content\":\"new\",\"tags\":[\"y\","
		"\"z\"],"
		"\"meta\":{\"a\":\"other\",\"b\":7},"
		"\"data\":\"{\\\"k\\\":2,\\\"l\\\":[2],\\\"m\\\":true}\",\"_version\":1}}");
	eq(fx_at(j, "errors"), "");
	eq(fx_at(j, "data.updatePost.title"), "b");
	eq(fx_at(j, "data.updatePost.content"), "new");
	eq(fx_at(j, "data.updatePost.tags"), "[\"x\",\"y\",\"y\",\"z\"]");
	eq(fx_at(j, "data.updatePost.meta"), "{\"a\":\"s\",\"b\":7}");
	eq(fx_at(j, "data.updatePost.data"), "{\"k\":1,\"l\":[1,2],\"m\":true}");
	eq(fx_at(j, "data.updatePost._version"), "3");
	eq(fx_at(j, "data.updatePost.updatedAt"), before);
	eq(fx_at(j, "data.updatePost._lastChangedAt"), "1795000005000");
	sd_json_free(j);
	eq(fx_update(
		   f, "{\"id\":\"p1\",\"content\":null,\"_version\":1}", "data.updatePost.content"),
		"new");
	j = fx_ask(f, FX_UPDATE, "{\"input\":{\"id\":\"p1\",\"title\":\"no version\"}}");
	eq(fx_at(j, "data.updatePost.title"), "b");
	eq(fx_at(j, "data.updatePost._version"), "5");
	sd_json_free(j);
	fx_close(f);
}

/* SRV-M17: the documented sequence, sets and all; \u0001SS marks a DynamoDB set */
static void the_documented_merge_of_nadia_gives_the_documented_results(void **st)
{
	struct cJSON *s = fx_parse("{\"name\":\"Nadia\",\"jersey\":5}"), *stats;

	(void)st;
	s = fx_merged(s, "{\"name\":\"Nadia\",\"jersey\":55}");
	eq(fx_at(s, ""), "{\"name\":\"Nadia\",\"jersey\":5}");
	s = fx_merged(s,
		"{\"name\":\"Shaggy\",\"jersey\":5,\"interests\":{\"\\u0001SS\":[\"breakfast\","
		"\"lunch\",\"dinner\"]},\"points\":[24,30,27]}");
	eq(fx_at(s, "name"), "Nadia");
	eq(fx_at(s, "points"), "[24,30,27]");
	s = fx_merged(s, "{\"interests\":{\"\\u0001SS\":[\"breakfast\",\"lunch\",\"brunch\"]},"
			 "\"points\":[30,35]}");
	eq(fx_at(s, "interests"),
		"{\"\\u0001SS\":[\"breakfast\",\"lunch\",\"dinner\",\"brunch\"]}");
	eq(fx_at(s, "points"), "[24,30,27,30,35]");
	stats = fx_parse("{\"ppg\":\"35.4\",\"apg\":\"6.3\"}");
	assert_true(sd_json_set(s, "stats", stats));
	s = fx_merged(s, "{\"stats\":{\"ppg\":\"25.7\",\"rpg\":\"6.9\"}}");
	eq(fx_at(s, "stats"), "{\"ppg\":\"35.4\",\"apg\":\"6.3\",\"rpg\":\"6.9\"}");
	sd_json_free(s);
}

/* SRV-M32, SRV-M33 and the switch resurrect_on_update */
static void an_update_of_a_tombstone_leaves_it_deleted_unless_told_otherwise(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	fx_erase(f, "{\"id\":\"p1\",\"_version\":1}", "");
	eq(fx_update(
		   f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":2}", "data.updatePost._deleted"),
		"true");
	eq(fx_stored(f, "p1", "title"), "b");
	eq(fx_update(f, "{\"id\":\"p1\",\"content\":\"c\",\"_version\":1}",
		   "data.updatePost._deleted"),
		"true");
	eq(fx_stored(f, "p1", "content"), "c");
	assert_int_equal(sd_sbx_set(f->s, "resurrect_on_update", "true", &e), SD_OK);
	eq(fx_update(
		   f, "{\"id\":\"p1\",\"title\":\"d\",\"_version\":4}", "data.updatePost._deleted"),
		"null");
	f->now += INT64_C(31) * 86400000; /* and no time to live is left behind */
	eq(fx_stored(f, "p1", "title"), "d");
	assert_int_equal(sd_sbx_set(f->s, "nonsense", "true", &e), SD_INVAL);
	assert_non_null(strstr(e.text, "resurrect_on_update"));
	fx_close(f);
}

static void answer(struct fx *f, const char *text)
{
	free(f->lambda_answer);
	f->lambda_answer = text ? strdup(text) : NULL;
}

/* SRV-M34, SRV-M35, SRV-M36, SRV-M37 */
static void the_conflict_handler_decides(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_LAMBDA);
	struct cJSON *p;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	/* the item takes the place of the stored one: what it leaves out is gone */
	answer(f, "{\"action\":\"RESOLVE\",\"item\":{\"id\":\"zz\",\"title\":\"both\",\"_version\":"
		  "77,"
		  "\"createdAt\":\"2026-01-01T00:00:00.000Z\","
		  "\"updatedAt\":\"2026-01-01T00:00:00.000Z\"}}");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":9}", "data.updatePost.title"),
		"both");
	p = fx_parse(f->lambda_payload);
	eq(fx_at(p, "newItem.title"), "b");
	eq(fx_at(p, "existingItem.title"), "a");
	eq(fx_at(p, "arguments.input._version"), "9");
	eq(fx_at(p, "resolver.field"), "updatePost");
	eq(fx_at(p, "identity"), "null");
	sd_json_free(p);
	eq(fx_stored(f, "p1", "_version"), "2");
	answer(f, "{\"action\":\"REJECT\"}");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", FX_TYPE),
		"ConflictUnhandled");
	answer(f, "{\"action\":\"REMOVE\"}");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", FX_TYPE),
		"ConflictError");
	answer(f, "garbage");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", FX_TYPE),
		"ConflictError");
	answer(f, NULL);
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":9}", FX_TYPE), "ConflictError");
	answer(f, "{\"action\":\"REMOVE\"}");
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":9}", "data.deletePost._deleted"), "true");
	fx_close(f);
}

/* SRV-M38, SRV-M39 */
static void a_models_own_strategy_and_future_versions(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", "data.updatePost.title"),
		"a");
	assert_int_equal(sd_sbx_model_strategy(f->s, "Post=optimistic", &e), SD_OK);
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", FX_TYPE),
		"ConflictUnhandled");
	assert_int_equal(sd_sbx_set(f->s, "accept_future_version", "true", &e), SD_OK);
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", "data.updatePost.title"),
		"b");
	assert_int_equal(sd_sbx_model_strategy(f->s, "Post=none", &e), SD_OK);
	eq(fx_get(f, "mutation { updatePost(input: {id: \"p1\", title: \"n\"}) { title } }", NULL,
		   "data.updatePost.title"),
		"n");
	assert_int_equal(sd_sbx_model_strategy(f->s, "Pots=none", &e), SD_INVAL);
	assert_int_equal(sd_sbx_model_strategy(f->s, "Post=best", &e), SD_INVAL);
	fx_close(f);
}

/* SRV-M40, SRV-W16, SRV-W26, SRV-H10 */
static void twenty_stale_merges_all_count_and_fields_of_one_request_run_in_order(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;
	size_t rows;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(fx_subscribe(f, "s", "subscription { onUpdatePost { id title _version } }", NULL), "");
	rows = fx_log_rows(f);
	for (int i = 0; i < 20; i++)
		eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"x\",\"_version\":0}", "errors"), "");
	eq(fx_stored(f, "p1", "_version"), "21");
	assert_int_equal(fx_log_rows(f), rows + 20);
	assert_int_equal(f->event_count, 20);
	eq(fx_at(f->events[19].payload, "data.onUpdatePost._version"), "21");
	fx_forget_events(f);
	j = fx_ask(f,
		"mutation { a: updatePost(input: {id: \"p1\", title: \"one\", _version: 21}) { id "
		"title _version }"
		" b: updatePost(input: {id: \"gone\", title: \"no\"}) { id }"
		" c: updatePost(input: {id: \"p1\", title: \"two\", _version: 22}) { id title "
		"_version } }",
		NULL);
	eq(fx_at(j, "data.a.title"), "one");
	eq(fx_at(j, "data.b"), "null");
	eq(fx_at(j, "data.c._version"), "23");
	eq(fx_at(j, "errors.0.path"), "[\"b\"]");
	eq(fx_at(j, "errors.1"), "");
	sd_json_free(j);
	assert_int_equal(f->event_count, 2);
	eq(fx_at(f->events[0].payload, "data.onUpdatePost.title"), "one");
	eq(fx_at(f->events[1].payload, "data.onUpdatePost.title"), "two");
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			optimistic_concurrency_refuses_a_stale_update_and_shows_the_server_item),
		cmocka_unit_test(
			automerge_keeps_scalars_adds_what_is_new_appends_lists_and_merges_maps),
		cmocka_unit_test(the_documented_merge_of_nadia_gives_the_documented_results),
		cmocka_unit_test(an_update_of_a_tombstone_leaves_it_deleted_unless_told_otherwise),
		cmocka_unit_test(the_conflict_handler_decides),
		cmocka_unit_test(a_models_own_strategy_and_future_versions),
		cmocka_unit_test(
			twenty_stale_merges_all_count_and_fields_of_one_request_run_in_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}