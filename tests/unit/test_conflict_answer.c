/*
 * tests/unit/test_conflict_answer.c - the server's answer says that a change of ours met somebody
 * else's: compared with what it carries or with what is read, repaired, or asked.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/journal.h"
#include "tests/support/race.h"

/* */
static bool merged_line(void *ctx, const struct sd_journal *j)
{
	char *text = sd_json_text(j->changed);

	snprintf(ctx, 300, "%s %s", text, j->text);
	free(text);
	return false;
}

/* S4.4, U-05: what the service's own merge did to a change is told and kept */
static void a_merge_by_the_server_is_told_with_the_losing_values(void **st)
{
	struct script *r = race_begin(SD_POLICY_SERVER,
		"{\"id\":\"p1\",\"title\":\"mine\",\"rating\":5,\"tags\":[\"a\",\"b\"]}",
		POST(4, "\"theirs\"", "1"), "Update");
	struct script_request *q = script_only(r, "updatePost");
	struct sd_error e = {.code = SD_OK};
	char text[300] = "";

	(void)st;
	assert_int_equal(sd_json_get_i64(script_input(q), "_version", 0), 3);
	script_ok(r, q, "updatePost", ITEM(5, "\"theirs\"", "5", "[\"a\",\"a\",\"b\"]", "null"));
	script_row_is(r, "Post", KEY,
		"{\"title\":\"theirs\",\"rating\":5,\"_version\":5,\"_state\":\"synced\"}");
	assert_int_equal(script_events(r, "mergedByServer"), 1);
	assert_int_equal(
		sd_json_count(sd_json_get(script_event(r, "mergedByServer"), "fields")), 2);
	assert_int_equal(sd_journal_recent(r->store, SD_J_MERGED, 1, merged_line, text, &e), SD_OK);
	assert_string_equal(text,
		"{\"title\":{\"from\":\"mine\",\"to\":\"theirs\"},\"tags\":{\"from\":[\"a\",\"b\"],"
		"\"to\":[\"a\",\"a\",\"b\"]}} merged by the service: title keeps the server's "
		"value, tags was appended to what is there");
	assert_int_equal(script_events(r, "conflict"), 0);
	script_free(r);
	/* a version that nobody else touched: nothing to tell */
	r = race_begin(SD_POLICY_SERVER, "{\"id\":\"p1\",\"title\":\"mine\"}", NULL, NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(4, "\"mine\"", "1"));
	assert_int_equal(script_events(r, "mergedByServer"), 0);
	script_free(r);
}

/* ---- the server says conflict ---- */
static void a_conflict_answer_with_the_record_is_compared_at_once(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	q = script_only(r, "updatePost");
	script_error(r, q, "updatePost", "ConflictUnhandled", POST(6, "\"a\"", "7"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":6}");
	script_ok(r, q, "updatePost", POST(7, "\"mine\"", "7"));
	script_row_is(r, "Post", KEY, "{\"title\":\"mine\",\"rating\":7,\"_version\":7}");
	script_free(r);
}

/* R-053 (found by the simulation): the answer took long, and a newer copy came in between */
static void a_late_conflict_answer_does_not_take_the_place_of_a_newer_copy(void **st)
{
	struct script *r = race_ready(SD_POLICY_THEIRS);
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	q = script_only(r, "updatePost");
	script_arrive(r, "Update", "Post", POST(7, "\"newest\"", "7"));
	script_error(r, q, "updatePost", "ConflictUnhandled", POST(6, "\"older\"", "7"));
	script_row_is(r, "Post", KEY, "{\"title\":\"newest\",\"_version\":7}");
	script_free(r);
}

/* R-053, R-073 (found by the simulation): so it is when the late answer is what the service merged,
 * or the reading after a lost answer */
static void a_late_merged_answer_does_not_take_the_place_of_a_newer_copy(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;
	struct sd_conflict c;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	q = script_only(r, "updatePost");
	script_arrive(r, "Update", "Post", POST(6, "\"newest\"", "7"));
	script_ok(r, q, "updatePost", POST(5, "\"older\"", "1"));
	(void)script_conflict(r, &c);
	assert_string_equal(sd_json_get_str(c.theirs, "title"), "newest");
	race_resolve(r, c.id, SD_PICK_THEIRS);
	script_row_is(r, "Post", KEY, "{\"title\":\"newest\",\"rating\":7,\"_version\":6}");
	sd_conflict_release(&c);
	script_free(r);

	r = race_ready(SD_POLICY_THEIRS);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	q = script_only(r, "getPost");
	script_arrive(r, "Update", "Post", POST(6, "\"newest\"", "7"));
	script_ok(r, q, "getPost", POST(5, "\"older\"", "1"));
	script_row_is(r, "Post", KEY, "{\"title\":\"newest\",\"rating\":7,\"_version\":6}");
	script_free(r);
}

/* S3.5: an empty error body, the same result */
static void a_conflict_answer_without_it_is_read(void **st)
{
	static const char *const data[] = {NULL, "{}", "{\"id\":\"p1\",\"_version\":6}"};

	(void)st;
	for (size_t i = 0; i < 3; i++) {
		struct script *r = race_ready(SD_POLICY_MERGE);
		struct sd_conflict c;
		script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
		script_error(r, script_only(r, "updatePost"), "updatePost", "ConflictUnhandled",
			data[i]);
		script_ok(r, script_only(r, "getPost"), "getPost", POST(6, "\"theirs\"", "7"));
		script_conflict(r, &c);
		assert_string_equal(sd_json_get_str(c.theirs, "title"), "theirs");
		sd_conflict_release(&c);
		script_free(r);
	}
}

/* U-06: the record is not there any more */
static void a_record_missing_on_the_server_asks_and_can_be_made_again(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct sd_conflict c;
	int64_t id;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_error(r, script_only(r, "updatePost"), "updatePost",
		"ConditionalCheckFailedException", NULL);
	script_answer(r, script_only(r, "getPost"), 200, "{\"data\":{\"getPost\":null}}");
	id = script_conflict(r, &c);
	assert_int_equal(c.shape, SD_SHAPE_MISSING);
	assert_null(c.theirs);
	sd_conflict_release(&c);
	race_resolve(r, id, SD_PICK_MINE);
	script_input_is(script_only(r, "createPost"),
		"{\"id\":\"p1\",\"title\":\"mine\",\"rating\":1,\"tags\":[\"a\"]}");
	script_free(r);
}

static void a_delete_of_what_is_gone_is_done_under_any_policy(void **st)
{
	static const enum sd_policy policies[] = {SD_POLICY_MERGE, SD_POLICY_SERVER};

	(void)st;
	for (size_t i = 0; i < 2; i++) {
		struct script *r = race_ready(policies[i]);
		script_delete(r, "Post", KEY);
		script_error(r, script_only(r, "deletePost"), "deletePost",
			"ConditionalCheckFailedException", NULL);
		script_answer(r, script_only(r, "getPost"), 200, "{\"data\":{\"getPost\":null}}");
		assert_int_equal(script_waiting(r), 0);
		assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
		assert_true(sd_engine_idle(r->en));
		script_row_is(r, "Post", KEY, "{\"_deleted\":true,\"_state\":\"synced\"}");
		script_free(r);
	}
}

static void a_key_that_exists_already_is_a_conflict(void **st)
{
	struct script *r = script_new();
	struct sd_conflict c;

	(void)st;
	script_start(r);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_error(r, script_only(r, "createPost"), "createPost",
		"DynamoDB:ConditionalCheckFailedException", NULL);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(2, "\"theirs\"", "7"));
	race_resolve(r, script_conflict(r, &c), SD_PICK_MINE);
	assert_int_equal(c.shape, SD_SHAPE_CREATE_EXISTS);
	assert_null(c.base);
	sd_conflict_release(&c);
	script_input_is(
		script_only(r, "updatePost"), "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":2}");
	script_free(r);
}

/* conflict.max_attempts, then a person */
static void a_record_that_never_holds_still_asks_after_max_attempts(void **st)
{
	struct script *r = race_ready(SD_POLICY_MINE);
	int sent = 0;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	for (int v = 4; script_waiting(r); v++) {
		char item[300];
		struct sd_mutation m;
		snprintf(item, sizeof item,
			"{\"id\":\"p1\",\"title\":\"t%d\",\"rating\":1,\"tags\":null,\"at\":null,"
			"\"data\":null,\"createdAt\":null,\"updatedAt\":null,\"_version\":%d,"
			"\"_lastChangedAt\":1,\"_deleted\":null}",
			v, v);
		script_error(
			r, script_only(r, "updatePost"), "updatePost", "ConflictUnhandled", item);
		sent++;
		m = script_first(r);
		if (m.next_try_ms > r->now)
			script_wait(r, m.next_try_ms - r->now);
		sd_mutation_release(&m);
	}
	assert_int_equal(sent, 11);
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	assert_int_equal(script_events(r, "conflict"), 1);
	script_free(r);
}

static void undo(struct script *r)
{
	struct sd_write_env env = {r->now, &r->rand};
	struct sd_error e = {.code = SD_OK};
	int64_t seq = 0;

	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_write_undo(r->store, &seq, &env, &e), SD_OK);
	assert_int_equal(sd_engine_store_changed(r->en, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
}

/* U-05 (found by the simulation): the edit that a delete had overtaken was lost when somebody else
 * deleted the record meanwhile, and wrote over theirs when they changed it */
static void an_edit_that_an_undone_delete_gives_back_is_compared(void **st)
{
	static const struct {
		const char *op, *item;
		enum sd_shape shape;
	} rows[] = {
		{"Delete", ITEM(4, "\"a\"", "1", "[\"a\"]", "true"), SD_SHAPE_EDIT_DELETE},
		{"Update", POST(4, "\"theirs\"", "1"), SD_SHAPE_EDIT_EDIT},
	};

	(void)st;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct script *r = race_ready(SD_POLICY_MERGE);
		struct sd_conflict c;

		script_pause(r, true);
		script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
		script_delete(r, "Post", KEY);
		script_arrive(r, rows[i].op, "Post", rows[i].item);
		undo(r);
		script_row_is(r, "Post", KEY,
			"{\"title\":\"mine\",\"_deleted\":false,\"_state\":\"pending\"}");
		assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
		script_pause(r, false);
		assert_int_equal(script_waiting(r), 0);
		(void)script_conflict(r, &c);
		assert_int_equal(c.shape, rows[i].shape);
		assert_string_equal(sd_json_get_str(c.mine, "title"), "mine");
		sd_conflict_release(&c);
		script_free(r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_merge_by_the_server_is_told_with_the_losing_values),
		cmocka_unit_test(a_conflict_answer_with_the_record_is_compared_at_once),
		cmocka_unit_test(a_late_conflict_answer_does_not_take_the_place_of_a_newer_copy),
		cmocka_unit_test(a_late_merged_answer_does_not_take_the_place_of_a_newer_copy),
		cmocka_unit_test(a_conflict_answer_without_it_is_read),
		cmocka_unit_test(a_record_missing_on_the_server_asks_and_can_be_made_again),
		cmocka_unit_test(a_delete_of_what_is_gone_is_done_under_any_policy),
		cmocka_unit_test(a_key_that_exists_already_is_a_conflict),
		cmocka_unit_test(a_record_that_never_holds_still_asks_after_max_attempts),
		cmocka_unit_test(an_edit_that_an_undone_delete_gives_back_is_compared),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}