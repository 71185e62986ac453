/* tests/unit/test_conflict.c - an unsent change meets somebody else's: rebased, repaired, decided by
 * policy or by a person. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/race.h"

/* R-073, CL-A5..A10, CL-O5..O8, X-02: both edits survive */
static void edits_of_different_fields_are_put_on_the_newest_version(void **st)
{
	struct script *r = race_begin(SD_POLICY_MERGE, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"a\"", "9"), "Update");
	struct script_request *q = script_only(r, "updatePost");

	(void)st;
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}");
	script_row_is(r, "Post", KEY, "{\"title\":\"mine\",\"rating\":9}");
	script_ok(r, q, "updatePost", POST(5, "\"mine\"", "9"));
	script_row_is(r, "Post", KEY,
		"{\"title\":\"mine\",\"rating\":9,\"_version\":5,\"_state\":\"synced\"}");
	assert_int_equal(script_events(r, "conflict"), 0);
	script_free(r);
}

/* CL-A1, CL-A2, U-06, X-02: the same field asks; nothing is sent, nothing is lost */
static void the_same_field_on_both_sides_asks(void **st)
{
	struct script *r = race_begin(SD_POLICY_MERGE, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "1"), "Update");
	struct sd_conflict c;
	int64_t id = script_conflict(r, &c);

	(void)st;
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(c.shape, SD_SHAPE_EDIT_EDIT);
	assert_string_equal(sd_json_get_str(c.base, "title"), "a");
	assert_string_equal(sd_json_get_str(c.mine, "title"), "mine");
	assert_string_equal(sd_json_get_str(c.theirs, "title"), "theirs");
	sd_conflict_release(&c);
	assert_int_equal(sd_json_get_i64(script_event(r, "conflict"), "id", 0), id);
	assert_true(sd_engine_idle(r->en));
	script_row_is(r, "Post", KEY, "{\"title\":\"mine\",\"_state\":\"conflict\"}");
	race_resolve(r, id, SD_PICK_MINE);
	script_input_is(
		script_only(r, "updatePost"), "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}");
	script_free(r);
}

static void a_decision_for_theirs_sends_nothing(void **st)
{
	struct script *r = race_begin(SD_POLICY_MERGE, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "1"), "Update");
	struct sd_conflict c;

	(void)st;
	race_resolve(r, script_conflict(r, &c), SD_PICK_THEIRS);
	sd_conflict_release(&c);
	assert_int_equal(script_waiting(r), 0);
	script_row_is(
		r, "Post", KEY, "{\"title\":\"theirs\",\"_version\":4,\"_state\":\"synced\"}");
	script_free(r);
}

/* */
static void policies_mine_and_theirs_decide_by_themselves(void **st)
{
	struct script *r = race_begin(SD_POLICY_MINE, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "9"), "Update");

	(void)st;
	script_input_is(
		script_only(r, "updatePost"), "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}");
	assert_string_equal(
		sd_json_get_str(script_event(r, "conflictResolved"), "how"), "policy mine");
	assert_int_equal(script_events(r, "conflict"), 0);
	script_free(r);
	r = race_begin(SD_POLICY_THEIRS, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "9"), "Update");
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"title\":\"theirs\",\"rating\":9,\"_state\":\"synced\"}");
	assert_string_equal(
		sd_json_get_str(script_event(r, "conflictResolved"), "how"), "policy theirs");
	script_free(r);
}

static void policy_ask_asks_even_when_the_fields_differ(void **st)
{
	struct script *r = race_begin(SD_POLICY_ASK, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"a\"", "9"), "Update");

	(void)st;
	assert_int_equal(script_events(r, "conflict"), 1);
	script_free(r);
}

/* the service's strategy decides */
static void policy_server_sends_the_version_the_edit_was_made_on(void **st)
{
	struct script *r = race_begin(SD_POLICY_SERVER, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "1"), "Update");
	struct script_request *q = script_only(r, "updatePost");

	(void)st;
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":3}");
	script_ok(r, q, "updatePost", POST(5, "\"theirs\"", "1"));
	script_row_is(
		r, "Post", KEY, "{\"title\":\"theirs\",\"_version\":5,\"_state\":\"synced\"}");
	script_free(r);
}

static void a_command_decides_and_when_it_fails_a_person_does(void **st)
{
	static const struct {
		const char *output, *failure, *input;
	} rows[] = {
		{"{\"keep\":\"mine\"}", NULL, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}"},
		{"{\"fields\":{\"title\":\"both\"}}\n", NULL,
			"{\"id\":\"p1\",\"title\":\"both\",\"_version\":4}"},
		{"mine\n", NULL, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}"},
		{"{\"keep\":\"theirs\"}", NULL, NULL},
		{"what?", NULL, ""},
		{"{}", NULL, ""},
		{"{\"fields\":{\"rating\":\"no number\"}}", NULL, ""},
		{NULL, "exit 1", ""},
	};

	(void)st;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct sd_error e = {.code = SD_OK};
		struct cJSON *in = NULL;
		struct script *r = race_begin(SD_POLICY_COMMAND,
			"{\"id\":\"p1\",\"title\":\"mine\"}", POST(4, "\"theirs\"", "1"), "Update");
		assert_non_null(r->command.text);
		assert_int_equal(
			sd_json_parse(r->command.input, strlen(r->command.input), "in", &in, &e),
			SD_OK);
		assert_string_equal(sd_json_get_str(in, "model"), "Post");
		assert_string_equal(sd_json_get_str(in, "operation"), "UPDATE");
		assert_int_equal(sd_json_get_i64(in, "attempts", 0), 1);
		assert_string_equal(sd_json_get_str(sd_json_get(in, "theirs"), "title"), "theirs");
		sd_json_free(in);
		assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
		assert_int_equal(sd_engine_command_done(r->en, r->command.id, rows[i].output,
					 rows[i].failure, r->now, &e),
			SD_OK);
		assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
		script_pump(r);
		if (rows[i].input && *rows[i].input)
			script_input_is(script_only(r, "updatePost"), rows[i].input);
		else
			assert_int_equal(script_waiting(r), 0);
		assert_int_equal(
			script_events(r, "conflict"), rows[i].input && !*rows[i].input ? 1 : 0);
		assert_int_equal(script_events(r, "conflictResolved"),
			rows[i].input && !*rows[i].input ? 0 : 1);
		script_free(r);
	}
}

/* ---- deletes ---- */
static void an_edit_of_what_was_deleted_there_asks(void **st)
{
	struct script *r = race_begin(SD_POLICY_MERGE, "{\"id\":\"p1\",\"title\":\"mine\"}",
		ITEM(4, "\"a\"", "1", "[\"a\"]", "true"), "Delete");
	struct sd_conflict c;
	int64_t id = script_conflict(r, &c);
	struct script_request *q;

	(void)st;
	assert_int_equal(c.shape, SD_SHAPE_EDIT_DELETE);
	assert_true(sd_json_is_true(sd_json_get(c.theirs, "_deleted")));
	sd_conflict_release(&c);
	race_resolve(r, id, SD_PICK_MINE);
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":4}");
	/* the service keeps it deleted: said so, and the payload stays */
	script_ok(r, q, "updatePost", ITEM(5, "\"mine\"", "1", "[\"a\"]", "true"));
	assert_string_equal(sd_json_get_str(script_event(r, "outboxMutationFailed"), "errorType"),
		"RecordDeleted");
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	script_row_is(r, "Post", KEY, "{\"_deleted\":true,\"_version\":5}");
	script_free(r);
}

static void a_delete_of_what_was_edited_there_asks(void **st)
{
	struct script *r = race_begin(SD_POLICY_MERGE, NULL, POST(4, "\"new\"", "1"), "Update");
	struct sd_conflict c;
	int64_t id = script_conflict(r, &c);

	(void)st;
	assert_int_equal(c.shape, SD_SHAPE_DELETE_EDIT);
	assert_null(c.mine);
	sd_conflict_release(&c);
	race_resolve(r, id, SD_PICK_MINE);
	script_input_is(script_only(r, "deletePost"), "{\"id\":\"p1\",\"_version\":4}");
	script_free(r);
	/* a version that moved without an edit is no reason to ask */
	r = race_begin(SD_POLICY_MERGE, NULL, POST(4, "\"a\"", "1"), "Update");
	script_input_is(script_only(r, "deletePost"), "{\"id\":\"p1\",\"_version\":4}");
	script_free(r);
}

static void deleted_on_both_sides_is_settled(void **st)
{
	struct script *r = race_begin(
		SD_POLICY_MERGE, NULL, ITEM(4, "\"a\"", "1", "[\"a\"]", "true"), "Delete");

	(void)st;
	assert_int_equal(script_waiting(r), 0);
	assert_true(sd_engine_idle(r->en));
	script_row_is(r, "Post", KEY, "{\"_deleted\":true,\"_version\":4,\"_state\":\"synced\"}");
	script_free(r);
}

/* R-051 (found by the simulation): of two edits of one field behind the conflict the older one was
 * left, and sent after the newer one */
static void edits_behind_a_conflict_that_hide_each_other_are_decided_together(void **st)
{
	struct script *r = race_begin(SD_POLICY_ASK, "{\"id\":\"p1\",\"title\":\"mine\"}",
		POST(4, "\"theirs\"", "1"), "Update");
	struct sd_error e = {.code = SD_OK};
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"second\"}", NULL);
	script_save(r, "Post", "{\"id\":\"p1\",\"rating\":5}", "rating < 700");
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"third\"}", NULL);
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_outbox_discard(r->store, 3, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	race_resolve(r, 1, SD_PICK_MINE);
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"third\",\"_version\":4}");
	script_ok(r, q, "updatePost", POST(5, "\"third\"", "1"));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"title\":\"third\",\"_state\":\"synced\"}");
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(edits_of_different_fields_are_put_on_the_newest_version),
		cmocka_unit_test(the_same_field_on_both_sides_asks),
		cmocka_unit_test(a_decision_for_theirs_sends_nothing),
		cmocka_unit_test(policies_mine_and_theirs_decide_by_themselves),
		cmocka_unit_test(policy_ask_asks_even_when_the_fields_differ),
		cmocka_unit_test(policy_server_sends_the_version_the_edit_was_made_on),
		cmocka_unit_test(a_command_decides_and_when_it_fails_a_person_does),
		cmocka_unit_test(an_edit_of_what_was_deleted_there_asks),
		cmocka_unit_test(a_delete_of_what_was_edited_there_asks),
		cmocka_unit_test(deleted_on_both_sides_is_settled),
		cmocka_unit_test(edits_behind_a_conflict_that_hide_each_other_are_decided_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}