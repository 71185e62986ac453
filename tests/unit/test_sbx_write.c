/* tests/unit/test_sbx_write.c - mutations of the sandbox: spec/server.md 10.2. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_fixture.h"

#define CREATE                                                                                     \
	"mutation($input: CreatePostInput!, $condition: ModelPostConditionInput) { "               \
	"createPost(input: $input, condition: $condition) { " FX_POST " } }"
#define UPDATE                                                                                     \
	"mutation($input: UpdatePostInput!, $condition: ModelPostConditionInput) { "               \
	"updatePost(input: $input, condition: $condition) { " FX_POST " } }"
#define DELETE                                                                                     \
	"mutation($input: DeletePostInput!, $condition: ModelPostConditionInput) { "               \
	"deletePost(input: $input, condition: $condition) { " FX_POST " } }"
#define GET  "query($id: ID!) { getPost(id: $id) { " FX_POST " } }"
#define TYPE "errors.0.errorType"

#define eq(a, b) assert_string_equal((a), (b))

static const char *create(struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, CREATE, v, path);
}

static const char *update(struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, UPDATE, v, path);
}

static const char *delete (struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, DELETE, v, path);
}

static const char *stored(struct fx *f, const char *id, const char *field)
{
	char v[200], path[200];

	snprintf(v, sizeof v, "{\"id\":\"%s\"}", id);
	snprintf(path, sizeof path, "data.getPost%s%s", *field ? "." : "", field);
	return fx_get(f, GET, v, path);
}

static size_t log_rows(struct fx *f)
{
	struct sd_error e;
	sqlite3_stmt *st = sbx_stmt(f->s, "SELECT count(*) FROM delta", &e);
	size_t n;

	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return n;
}

/* SRV-M01, SRV-M02 */
static void a_created_record_has_version_one_and_its_own_id(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	j = fx_ask(f, CREATE, "{\"input\":{\"title\":\"a\"}}");
	eq(fx_at(j, "errors"), "");
	eq(fx_at(j, "data.createPost._version"), "1");
	eq(fx_at(j, "data.createPost._deleted"), "null");
	eq(fx_at(j, "data.createPost._lastChangedAt"), "1795000000000");
	assert_int_equal(strlen(fx_at(j, "data.createPost.id")), 36);
	eq(fx_at(j, "data.createPost.createdAt"), fx_at(j, "data.createPost.updatedAt"));
	assert_int_equal(strlen(fx_at(j, "data.createPost.createdAt")), 24);
	sd_json_free(j);
	eq(create(f, "{\"id\":\"p1\",\"title\":\"a\",\"_version\":9}", "data.createPost.id"), "p1");
	eq(stored(f, "p1", "_version"), "1");
	fx_close(f);
}

/* SRV-M03, SRV-M04, SRV-M30, SRV-Y16 */
static void a_key_that_is_taken_cannot_be_created_again(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	size_t rows;

	(void)st;
	eq(fx_subscribe(f, "s", "subscription { onCreatePost { id } }", NULL), "");
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	rows = log_rows(f);
	assert_int_equal(f->event_count, 1);
	eq(create(f, "{\"id\":\"p1\",\"title\":\"b\"}", TYPE), "ConditionalCheckFailedException");
	eq(create(f, "{\"id\":\"p1\",\"title\":\"b\"}", "errors.0.data"), "null");
	eq(stored(f, "p1", "title"), "a");
	eq(fx_get(f, CREATE,
		   "{\"input\":{\"id\":\"p1\",\"title\":\"b\"},\"condition\":{\"title\":{\"eq\":"
		   "\"a\"}}}",
		   TYPE),
		"ConditionalCheckFailedException");
	assert_int_equal(log_rows(f), rows);
	assert_int_equal(f->event_count, 1);
	delete (f, "{\"id\":\"p1\",\"_version\":1}", "");
	eq(create(f, "{\"id\":\"p1\",\"title\":\"b\"}", TYPE), "ConditionalCheckFailedException");
	eq(stored(f, "p1", "_deleted"), "true");
	fx_close(f);
}

/* SRV-M05, SRV-H07, SRV-H08, SRV-H09 */
static void a_wrong_variable_writes_nothing_and_says_which(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(create(f, "{}", "errors.0.message"),
		"Variable 'input' has coerced Null value for NonNull type 'String!'");
	eq(create(f, "{}", "errors.0.path"), "null");
	eq(create(f, "{}", "data"), "null");
	eq(fx_get(f, CREATE, "{}", "errors.0.message"),
		"Variable 'input' has coerced Null value for NonNull type 'CreatePostInput!'");
	eq(create(f, "{\"title\":\"a\",\"x\":1}", "errors.0.message"),
		"The variables input contains a field name 'x' that is not defined for input "
		"object "
		"type 'CreatePostInput' ");
	eq(create(f, "{\"title\":\"a\",\"rating\":\"5\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `5` as a valid Int.");
	eq(create(f, "{\"title\":\"a\",\"data\":\"{x\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `{x` as a valid JSON "
		"document.");
	eq(create(f, "{\"title\":\"a\",\"status\":\"GONE\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `GONE` as a valid Status.");
	assert_int_equal(log_rows(f), 0);
	fx_close(f);
}

/* SRV-M06, SRV-M07 */
static void a_current_update_sets_and_removes_and_moves_the_version(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\",\"content\":\"c\"}", "");
	f->now += 1000;
	j = fx_ask(f, UPDATE,
		"{\"input\":{\"id\":\"p1\",\"title\":\"b\",\"content\":null,\"_version\":1}}");
	eq(fx_at(j, "errors"), "");
	eq(fx_at(j, "data.updatePost.title"), "b");
	eq(fx_at(j, "data.updatePost.content"), "null");
	eq(fx_at(j, "data.updatePost._version"), "2");
	eq(fx_at(j, "data.updatePost._lastChangedAt"), "1795000001000");
	assert_string_not_equal(
		fx_at(j, "data.updatePost.createdAt"), fx_at(j, "data.updatePost.updatedAt"));
	sd_json_free(j);
	eq(fx_get(f, "{ listPosts(filter: {content: {attributeExists: false}}) { items { id } } }",
		   NULL, "data.listPosts.items.0.id"),
		"p1");
	/* the same millisecond again: the change time still grows */
	eq(update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":2}",
		   "data.updatePost._lastChangedAt"),
		"1795000001001");
	fx_close(f);
}

/* SRV-M08, SRV-M09, SRV-M10, SRV-M15 (the wire form), SRV-W15 */
static void optimistic_concurrency_refuses_a_stale_update_and_shows_the_server_item(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_OPTIMISTIC);
	struct cJSON *j;

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\",\"data\":\"{\\\"k\\\":1}\"}", "");
	update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	eq(fx_subscribe(f, "s", "subscription { onUpdatePost { id } }", NULL), "");
	j = fx_ask(f, UPDATE, "{\"input\":{\"id\":\"p1\",\"title\":\"mine\",\"_version\":1}}");
	eq(fx_at(j, "data.updatePost"), "null");
	eq(fx_at(j, TYPE), "ConflictUnhandled");
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
	eq(update(f, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":2}",
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
	create(f,
		"{\"id\":\"p1\",\"title\":\"a\",\"tags\":[\"x\",\"y\"],\"meta\":{\"a\":\"s\"},"
		"\"data\":\"{\\\"k\\\":1,\\\"l\\\":[1]}\"}",
		"");
	update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	snprintf(before, sizeof before, "%s", stored(f, "p1", "updatedAt"));
	f->now += 5000;
	j = fx_ask(f, UPDATE,
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
	eq(update(f, "{\"id\":\"p1\",\"content\":null,\"_version\":1}", "data.updatePost.content"),
		"new");
	j = fx_ask(f, UPDATE, "{\"input\":{\"id\":\"p1\",\"title\":\"no version\"}}");
	eq(fx_at(j, "data.updatePost.title"), "b");
	eq(fx_at(j, "data.updatePost._version"), "5");
	sd_json_free(j);
	fx_close(f);
}

static struct cJSON *parse(const char *text)
{
	struct cJSON *j = NULL;

	assert_int_equal(sd_json_parse(text, strlen(text), "test", &j, NULL), SD_OK);
	return j;
}

static struct cJSON *merged(struct cJSON *stored_item, const char *incoming)
{
	struct cJSON *in = parse(incoming), *out = sbx_automerge(stored_item, in);

	sd_json_free(in);
	sd_json_free(stored_item);
	assert_non_null(out);
	return out;
}

/* SRV-M17: the documented sequence, sets and all; \u0001SS marks a DynamoDB set */
static void the_documented_merge_of_nadia_gives_the_documented_results(void **st)
{
	struct cJSON *s = parse("{\"name\":\"Nadia\",\"jersey\":5}"), *stats;

	(void)st;
	s = merged(s, "{\"name\":\"Nadia\",\"jersey\":55}");
	eq(fx_at(s, ""), "{\"name\":\"Nadia\",\"jersey\":5}");
	s = merged(s,
		"{\"name\":\"Shaggy\",\"jersey\":5,\"interests\":{\"\\u0001SS\":[\"breakfast\","
		"\"lunch\",\"dinner\"]},\"points\":[24,30,27]}");
	eq(fx_at(s, "name"), "Nadia");
	eq(fx_at(s, "points"), "[24,30,27]");
	s = merged(s, "{\"interests\":{\"\\u0001SS\":[\"breakfast\",\"lunch\",\"brunch\"]},"
		      "\"points\":[30,35]}");
	eq(fx_at(s, "interests"),
		"{\"\\u0001SS\":[\"breakfast\",\"lunch\",\"dinner\",\"brunch\"]}");
	eq(fx_at(s, "points"), "[24,30,27,30,35]");
	stats = parse("{\"ppg\":\"35.4\",\"apg\":\"6.3\"}");
	assert_true(sd_json_set(s, "stats", stats));
	s = merged(s, "{\"stats\":{\"ppg\":\"25.7\",\"rpg\":\"6.9\"}}");
	eq(fx_at(s, "stats"), "{\"ppg\":\"35.4\",\"apg\":\"6.3\",\"rpg\":\"6.9\"}");
	sd_json_free(s);
}

/* SRV-M20, SRV-M21, SRV-M22, SRV-M23 */
static void a_delete_needs_the_current_version_and_leaves_a_tombstone(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;
	char before[64];

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	eq(delete (f, "{\"id\":\"p1\"}", TYPE), "ConflictUnhandled");
	eq(delete (f, "{\"id\":\"p1\"}", "errors.0.data.title"), "b");
	eq(delete (f, "{\"id\":\"p1\",\"_version\":1}", TYPE), "ConflictUnhandled");
	snprintf(before, sizeof before, "%s", stored(f, "p1", "updatedAt"));
	f->now += 1000;
	j = fx_ask(f, DELETE, "{\"input\":{\"id\":\"p1\",\"_version\":2}}");
	eq(fx_at(j, "data.deletePost.title"), "b");
	eq(fx_at(j, "data.deletePost._deleted"), "true");
	eq(fx_at(j, "data.deletePost._version"), "3");
	eq(fx_at(j, "data.deletePost.updatedAt"), before);
	sd_json_free(j);
	eq(delete (f, "{\"id\":\"p1\",\"_version\":2}", TYPE), "ConflictUnhandled");
	eq(delete (f, "{\"id\":\"p1\",\"_version\":2}", "errors.0.data._deleted"), "true");
	eq(delete (f, "{\"id\":\"p1\",\"_version\":3}", "data.deletePost._version"), "4");
	fx_close(f);
}

/* SRV-M24, SRV-M25 */
static void what_is_missing_cannot_be_changed(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(delete (f, "{\"id\":\"none\",\"_version\":1}", TYPE), "ConditionalCheckFailedException");
	eq(update(f, "{\"id\":\"none\",\"title\":\"a\"}", TYPE), "ConditionalCheckFailedException");
	assert_memory_equal(update(f, "{\"id\":\"none\",\"title\":\"a\"}", "errors.0.message"),
		"The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: ",
		80);
	eq(stored(f, "none", ""), "null");
	fx_close(f);
}

/* SRV-M27, SRV-M28, SRV-M29 */
static void a_false_condition_refuses_after_the_version_was_checked(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	static const char no[] = "\"condition\":{\"title\":{\"eq\":\"other\"}}}";
	char v[300];

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"title\":\"b\",\"_version\":1},%s", no);
	eq(fx_get(f, UPDATE, v, TYPE), "ConditionalCheckFailedException");
	eq(fx_get(f, UPDATE, v, "errors.0.data.title"), "a");
	eq(stored(f, "p1", "_version"), "1");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"_version\":1},%s", no);
	eq(fx_get(f, DELETE, v, TYPE), "ConditionalCheckFailedException");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"content\":\"c\",\"_version\":9},%s", no);
	eq(fx_get(f, UPDATE, v, "data.updatePost.content"),
		"c"); /* merged: the conflict came first */
	snprintf(v, sizeof v,
		"{\"input\":{\"id\":\"p1\",\"title\":\"b\",\"_version\":2},"
		"\"condition\":{\"title\":{\"eq\":\"a\"}}}");
	eq(fx_get(f, UPDATE, v, "data.updatePost.title"), "b");
	fx_close(f);
}

/* SRV-M31 */
static void without_a_base_ttl_a_delete_removes_the_row_and_the_log_keeps_it(void **st)
{
	struct fx *f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, NULL, 0);

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(delete (f, "{\"id\":\"p1\",\"_version\":1}", "data.deletePost._deleted"), "true");
	eq(stored(f, "p1", ""), "null");
	eq(fx_get(f, "{ syncPosts { items { id } } }", NULL, "data.syncPosts.items"), "[]");
	eq(fx_get(f,
		   "query($t: AWSTimestamp) { syncPosts(lastSync: $t) { items { id _deleted } } }",
		   "{\"t\":1795000000000}", "data.syncPosts.items.1._deleted"),
		"true");
	fx_close(f);
}

/* SRV-M32, SRV-M33 and the switch resurrect_on_update */
static void an_update_of_a_tombstone_leaves_it_deleted_unless_told_otherwise(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	delete (f, "{\"id\":\"p1\",\"_version\":1}", "");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":2}", "data.updatePost._deleted"),
		"true");
	eq(stored(f, "p1", "title"), "b");
	eq(update(f, "{\"id\":\"p1\",\"content\":\"c\",\"_version\":1}",
		   "data.updatePost._deleted"),
		"true");
	eq(stored(f, "p1", "content"), "c");
	assert_int_equal(sd_sbx_set(f->s, "resurrect_on_update", "true", &e), SD_OK);
	eq(update(f, "{\"id\":\"p1\",\"title\":\"d\",\"_version\":4}", "data.updatePost._deleted"),
		"null");
	f->now += INT64_C(31) * 86400000; /* and no time to live is left behind */
	eq(stored(f, "p1", "title"), "d");
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
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	/* the item takes the place of the stored one: what it leaves out is gone */
	answer(f, "{\"action\":\"RESOLVE\",\"item\":{\"id\":\"zz\",\"title\":\"both\",\"_version\":"
		  "77,"
		  "\"createdAt\":\"2026-01-01T00:00:00.000Z\","
		  "\"updatedAt\":\"2026-01-01T00:00:00.000Z\"}}");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":9}", "data.updatePost.title"),
		"both");
	p = parse(f->lambda_payload);
	eq(fx_at(p, "newItem.title"), "b");
	eq(fx_at(p, "existingItem.title"), "a");
	eq(fx_at(p, "arguments.input._version"), "9");
	eq(fx_at(p, "resolver.field"), "updatePost");
	eq(fx_at(p, "identity"), "null");
	sd_json_free(p);
	eq(stored(f, "p1", "_version"), "2");
	answer(f, "{\"action\":\"REJECT\"}");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", TYPE), "ConflictUnhandled");
	answer(f, "{\"action\":\"REMOVE\"}");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", TYPE), "ConflictError");
	answer(f, "garbage");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":9}", TYPE), "ConflictError");
	answer(f, NULL);
	eq(delete (f, "{\"id\":\"p1\",\"_version\":9}", TYPE), "ConflictError");
	answer(f, "{\"action\":\"REMOVE\"}");
	eq(delete (f, "{\"id\":\"p1\",\"_version\":9}", "data.deletePost._deleted"), "true");
	fx_close(f);
}

/* SRV-M38, SRV-M39 */
static void a_models_own_strategy_and_future_versions(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", "data.updatePost.title"),
		"a");
	assert_int_equal(sd_sbx_model_strategy(f->s, "Post=optimistic", &e), SD_OK);
	eq(update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", TYPE), "ConflictUnhandled");
	assert_int_equal(sd_sbx_set(f->s, "accept_future_version", "true", &e), SD_OK);
	eq(update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":7}", "data.updatePost.title"),
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
	create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(fx_subscribe(f, "s", "subscription { onUpdatePost { id title _version } }", NULL), "");
	rows = log_rows(f);
	for (int i = 0; i < 20; i++)
		eq(update(f, "{\"id\":\"p1\",\"title\":\"x\",\"_version\":0}", "errors"), "");
	eq(stored(f, "p1", "_version"), "21");
	assert_int_equal(log_rows(f), rows + 20);
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

static void items_beyond_dynamodbs_limits_are_refused(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	sd_buf_str(&b, "{\"input\":{\"title\":\"");
	for (int i = 0; i < 420000; i++)
		sd_buf_ch(&b, 'x');
	sd_buf_str(&b, "\"}}");
	eq(fx_get(f, CREATE, sd_buf_text(&b), TYPE), "DynamoDB:ValidationException");
	sd_buf_reset(&b);
	sd_buf_str(&b, "{\"input\":{\"title\":\"x\",\"data\":\"");
	for (int i = 0; i < 40; i++)
		sd_buf_ch(&b, '[');
	for (int i = 0; i < 40; i++)
		sd_buf_ch(&b, ']');
	sd_buf_str(&b, "\"}}");
	eq(fx_get(f, CREATE, sd_buf_text(&b), TYPE), "DynamoDB:ValidationException");
	eq(create(f, "{\"id\":\"\",\"title\":\"x\"}", TYPE), "DynamoDB:ValidationException");
	sd_buf_release(&b);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_created_record_has_version_one_and_its_own_id),
		cmocka_unit_test(a_key_that_is_taken_cannot_be_created_again),
		cmocka_unit_test(a_wrong_variable_writes_nothing_and_says_which),
		cmocka_unit_test(a_current_update_sets_and_removes_and_moves_the_version),
		cmocka_unit_test(
			optimistic_concurrency_refuses_a_stale_update_and_shows_the_server_item),
		cmocka_unit_test(
			automerge_keeps_scalars_adds_what_is_new_appends_lists_and_merges_maps),
		cmocka_unit_test(the_documented_merge_of_nadia_gives_the_documented_results),
		cmocka_unit_test(a_delete_needs_the_current_version_and_leaves_a_tombstone),
		cmocka_unit_test(what_is_missing_cannot_be_changed),
		cmocka_unit_test(a_false_condition_refuses_after_the_version_was_checked),
		cmocka_unit_test(without_a_base_ttl_a_delete_removes_the_row_and_the_log_keeps_it),
		cmocka_unit_test(an_update_of_a_tombstone_leaves_it_deleted_unless_told_otherwise),
		cmocka_unit_test(the_conflict_handler_decides),
		cmocka_unit_test(a_models_own_strategy_and_future_versions),
		cmocka_unit_test(
			twenty_stale_merges_all_count_and_fields_of_one_request_run_in_order),
		cmocka_unit_test(items_beyond_dynamodbs_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
