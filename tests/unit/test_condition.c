/* tests/unit/test_condition.c - changes with a condition, which the server judges; conflicts that
 * must not stand in the way; batches. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/race.h"

/* */
static void a_condition_that_fails_is_refused_by_name(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;
	const char *message;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", "rating gt 0");
	q = script_only(r, "updatePost");
	assert_true(sd_json_is_object(sd_json_path(q->body, "variables", "condition", NULL)));
	script_error(r, q, "updatePost", "ConditionalCheckFailedException", POST(4, "\"y\"", "0"));
	message = sd_json_get_str(script_event(r, "outboxMutationFailed"), "message");
	assert_non_null(strstr(message, "Post"));
	assert_non_null(strstr(message, "p1"));
	assert_non_null(strstr(message, "rating"));
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	script_row_is(r, "Post", KEY, "{\"title\":\"y\",\"rating\":0,\"_version\":4}");
	script_free(r);
}

/* the condition, not the comparison, guards a conditional change */
static void a_conditional_change_goes_out_on_the_newest_version(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", "title beginsWith \"a\"");
	q = script_only(r, "updatePost");
	script_error(r, q, "updatePost", "ConflictUnhandled", POST(5, "\"ab\"", "1"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":5}");
	assert_true(sd_json_is_object(sd_json_path(q->body, "variables", "condition", NULL)));
	script_free(r);
}

/* U-03: with one request at a time, a conflict found on the way frees the place */
static void a_conflict_does_not_stop_the_others(void **st)
{
	struct script *r = script_new();

	(void)st;
	r->set.outbox_concurrency = 1;
	script_start(r);
	script_arrive(r, "Create", "Post", POST(3, "\"a\"", "1"));
	script_pause(r, true);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_save(r, "Post", "{\"id\":\"p2\",\"title\":\"other\"}", NULL);
	script_arrive(r, "Update", "Post", POST(4, "\"theirs\"", "1"));
	script_pause(r, false);
	script_only(r, "createPost");
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	script_free(r);
}

/* U-31: several mutations in one request, each with its own result */
static void a_batch_carries_several_and_each_has_its_own_answer(void **st)
{
	struct script *r = script_new();
	struct script_request *q;
	char text[64];

	(void)st;
	r->set.outbox_batch = 25;
	script_start(r);
	script_network(r, false);
	for (int i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "{\"id\":\"q%d\",\"title\":\"x\"}", i);
		script_save(r, "Post", text, NULL);
	}
	script_network(r, true);
	q = script_only(r, "m0: createPost");
	assert_string_equal(
		sd_json_get_str(sd_json_path(q->body, "variables", "i2", NULL), "id"), "q2");
	script_answer(r, q, 200,
		"{\"data\":{\"m0\":{\"id\":\"q0\",\"title\":\"x\",\"rating\":null,\"tags\":null,"
		"\"at\":null,\"data\":null,\"_version\":1,\"_lastChangedAt\":1,\"_deleted\":null},"
		"\"m1\":null,\"m2\":null},\"errors\":[{\"path\":[\"m1\"],\"errorType\":"
		"\"BadRequest\",\"message\":\"no\"},{\"path\":[\"m2\"],\"errorType\":"
		"\"InternalFailure\",\"message\":\"oops\"}]}");
	script_row_is(r, "Post", "[\"q0\"]", "{\"_version\":1,\"_state\":\"synced\"}");
	/* the refused one goes by itself, to be refused by itself */
	q = script_only(r, "createPost");
	script_input_is(q, "{\"id\":\"q1\",\"title\":\"x\"}");
	script_error(r, q, "createPost", "BadRequest", NULL);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	script_wait(r, 1000);
	script_only(r, "getPost"); /* q2: what became of it? */
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_condition_that_fails_is_refused_by_name),
		cmocka_unit_test(a_conditional_change_goes_out_on_the_newest_version),
		cmocka_unit_test(a_conflict_does_not_stop_the_others),
		cmocka_unit_test(a_batch_carries_several_and_each_has_its_own_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
