/* tests/unit/test_sbx_write.c - mutations of the sandbox: spec/server.md 10.2. */
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

/* SRV-M01, SRV-M02 */
static void a_created_record_has_version_one_and_its_own_id(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	j = fx_ask(f, FX_CREATE, "{\"input\":{\"title\":\"a\"}}");
	eq(fx_at(j, "errors"), "");
	eq(fx_at(j, "data.createPost._version"), "1");
	eq(fx_at(j, "data.createPost._deleted"), "null");
	eq(fx_at(j, "data.createPost._lastChangedAt"), "1795000000000");
	assert_int_equal(strlen(fx_at(j, "data.createPost.id")), 36);
	eq(fx_at(j, "data.createPost.createdAt"), fx_at(j, "data.createPost.updatedAt"));
	assert_int_equal(strlen(fx_at(j, "data.createPost.createdAt")), 24);
	sd_json_free(j);
	eq(fx_create(f, "{\"id\":\"p1\",\"title\":\"a\",\"_version\":9}", "data.createPost.id"),
		"p1");
	eq(fx_stored(f, "p1", "_version"), "1");
	fx_close(f);
}

/* SRV-M03, SRV-M04, SRV-M30, SRV-Y16 */
static void a_key_that_is_taken_cannot_be_created_again(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	size_t rows;

	(void)st;
	eq(fx_subscribe(f, "s", "subscription { onCreatePost { id } }", NULL), "");
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	rows = fx_log_rows(f);
	assert_int_equal(f->event_count, 1);
	eq(fx_create(f, "{\"id\":\"p1\",\"title\":\"b\"}", FX_TYPE),
		"ConditionalCheckFailedException");
	eq(fx_create(f, "{\"id\":\"p1\",\"title\":\"b\"}", "errors.0.data"), "null");
	eq(fx_stored(f, "p1", "title"), "a");
	eq(fx_get(f, FX_CREATE,
		   "{\"input\":{\"id\":\"p1\",\"title\":\"b\"},\"condition\":{\"title\":{\"eq\":"
		   "\"a\"}}}",
		   FX_TYPE),
		"ConditionalCheckFailedException");
	assert_int_equal(fx_log_rows(f), rows);
	assert_int_equal(f->event_count, 1);
	fx_erase(f, "{\"id\":\"p1\",\"_version\":1}", "");
	eq(fx_create(f, "{\"id\":\"p1\",\"title\":\"b\"}", FX_TYPE),
		"ConditionalCheckFailedException");
	eq(fx_stored(f, "p1", "_deleted"), "true");
	fx_close(f);
}

/* SRV-M05, SRV-H07, SRV-H08, SRV-H09 */
static void a_wrong_variable_writes_nothing_and_says_which(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_create(f, "{}", "errors.0.message"),
		"Variable 'input' has coerced Null value for NonNull type 'String!'");
	eq(fx_create(f, "{}", "errors.0.path"), "null");
	eq(fx_create(f, "{}", "data"), "null");
	eq(fx_get(f, FX_CREATE, "{}", "errors.0.message"),
		"Variable 'input' has coerced Null value for NonNull type 'CreatePostInput!'");
	eq(fx_create(f, "{\"title\":\"a\",\"x\":1}", "errors.0.message"),
		"The variables input contains a field name 'x' that is not defined for input "
		"object "
		"type 'CreatePostInput' ");
	eq(fx_create(f, "{\"title\":\"a\",\"rating\":\"5\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `5` as a valid Int.");
	eq(fx_create(f, "{\"title\":\"a\",\"data\":\"{x\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `{x` as a valid JSON "
		"document.");
	eq(fx_create(f, "{\"title\":\"a\",\"status\":\"GONE\"}", "errors.0.message"),
		"Variable 'input' has an invalid value. Unable to parse `GONE` as a valid "
		"Status.");
	assert_int_equal(fx_log_rows(f), 0);
	fx_close(f);
}

/* SRV-M06, SRV-M07 */
static void a_current_update_sets_and_removes_and_moves_the_version(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\",\"content\":\"c\"}", "");
	f->now += 1000;
	j = fx_ask(f, FX_UPDATE,
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
	eq(fx_update(f, "{\"id\":\"p1\",\"title\":\"c\",\"_version\":2}",
		   "data.updatePost._lastChangedAt"),
		"1795000001001");
	fx_close(f);
}

/* SRV-M20, SRV-M21, SRV-M22, SRV-M23 */
static void a_delete_needs_the_current_version_and_leaves_a_tombstone(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;
	char before[64];

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	fx_update(f, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":1}", "");
	eq(fx_erase(f, "{\"id\":\"p1\"}", FX_TYPE), "ConflictUnhandled");
	eq(fx_erase(f, "{\"id\":\"p1\"}", "errors.0.data.title"), "b");
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":1}", FX_TYPE), "ConflictUnhandled");
	snprintf(before, sizeof before, "%s", fx_stored(f, "p1", "updatedAt"));
	f->now += 1000;
	j = fx_ask(f, FX_DELETE, "{\"input\":{\"id\":\"p1\",\"_version\":2}}");
	eq(fx_at(j, "data.deletePost.title"), "b");
	eq(fx_at(j, "data.deletePost._deleted"), "true");
	eq(fx_at(j, "data.deletePost._version"), "3");
	eq(fx_at(j, "data.deletePost.updatedAt"), before);
	sd_json_free(j);
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":2}", FX_TYPE), "ConflictUnhandled");
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":2}", "errors.0.data._deleted"), "true");
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":3}", "data.deletePost._version"), "4");
	fx_close(f);
}

/* SRV-M24, SRV-M25 */
static void what_is_missing_cannot_be_changed(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_erase(f, "{\"id\":\"none\",\"_version\":1}", FX_TYPE),
		"ConditionalCheckFailedException");
	eq(fx_update(f, "{\"id\":\"none\",\"title\":\"a\"}", FX_TYPE),
		"ConditionalCheckFailedException");
	assert_memory_equal(fx_update(f, "{\"id\":\"none\",\"title\":\"a\"}", "errors.0.message"),
		"The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: ",
		80);
	eq(fx_stored(f, "none", ""), "null");
	fx_close(f);
}

/* SRV-M27, SRV-M28, SRV-M29 */
static void a_false_condition_refuses_after_the_version_was_checked(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	static const char no[] = "\"condition\":{\"title\":{\"eq\":\"other\"}}}";
	char v[300];

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"title\":\"b\",\"_version\":1},%s", no);
	eq(fx_get(f, FX_UPDATE, v, FX_TYPE), "ConditionalCheckFailedException");
	eq(fx_get(f, FX_UPDATE, v, "errors.0.data.title"), "a");
	eq(fx_stored(f, "p1", "_version"), "1");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"_version\":1},%s", no);
	eq(fx_get(f, FX_DELETE, v, FX_TYPE), "ConditionalCheckFailedException");
	snprintf(v, sizeof v, "{\"input\":{\"id\":\"p1\",\"content\":\"c\",\"_version\":9},%s", no);
	eq(fx_get(f, FX_UPDATE, v, "data.updatePost.content"),
		"c"); /* merged: the conflict came first */
	snprintf(v, sizeof v,
		"{\"input\":{\"id\":\"p1\",\"title\":\"b\",\"_version\":2},"
		"\"condition\":{\"title\":{\"eq\":\"a\"}}}");
	eq(fx_get(f, FX_UPDATE, v, "data.updatePost.title"), "b");
	fx_close(f);
}

/* SRV-M31 */
static void without_a_base_ttl_a_delete_removes_the_row_and_the_log_keeps_it(void **st)
{
	struct fx *f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, NULL, 0);

	(void)st;
	fx_create(f, "{\"id\":\"p1\",\"title\":\"a\"}", "");
	eq(fx_erase(f, "{\"id\":\"p1\",\"_version\":1}", "data.deletePost._deleted"), "true");
	eq(fx_stored(f, "p1", ""), "null");
	eq(fx_get(f, "{ syncPosts { items { id } } }", NULL, "data.syncPosts.items"), "[]");
	eq(fx_get(f,
		   "query($t: AWSTimestamp) { syncPosts(lastSync: $t) { items { id _deleted } } }",
		   "{\"t\":1795000000000}", "data.syncPosts.items.1._deleted"),
		"true");
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
	eq(fx_get(f, FX_CREATE, sd_buf_text(&b), FX_TYPE), "DynamoDB:ValidationException");
	sd_buf_reset(&b);
	sd_buf_str(&b, "{\"input\":{\"title\":\"x\",\"data\":\"");
	for (int i = 0; i < 40; i++)
		sd_buf_ch(&b, '[');
	for (int i = 0; i < 40; i++)
		sd_buf_ch(&b, ']');
	sd_buf_str(&b, "\"}}");
	eq(fx_get(f, FX_CREATE, sd_buf_text(&b), FX_TYPE), "DynamoDB:ValidationException");
	eq(fx_create(f, "{\"id\":\"\",\"title\":\"x\"}", FX_TYPE), "DynamoDB:ValidationException");
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
		cmocka_unit_test(a_delete_needs_the_current_version_and_leaves_a_tombstone),
		cmocka_unit_test(what_is_missing_cannot_be_changed),
		cmocka_unit_test(a_false_condition_refuses_after_the_version_was_checked),
		cmocka_unit_test(without_a_base_ttl_a_delete_removes_the_row_and_the_log_keeps_it),
		cmocka_unit_test(items_beyond_dynamodbs_limits_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}