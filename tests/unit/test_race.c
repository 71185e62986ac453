/* tests/unit/test_race.c - the service merges a stale write of ours: what it dropped or doubled. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/race.h"

/* a scalar the service dropped in a race is noticed and sent again */
static void a_scalar_dropped_in_a_race_is_sent_again(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(5, "\"a\"", "9"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"mine\",\"_version\":5}");
	script_ok(r, q, "updatePost", POST(6, "\"mine\"", "9"));
	script_row_is(r, "Post", KEY, "{\"title\":\"mine\",\"rating\":9,\"_version\":6}");
	assert_int_equal(script_events(r, "outboxMutationProcessed"), 1);
	script_free(r);
	/* and when the other side had changed it too, a person decides */
	r = race_ready(SD_POLICY_MERGE);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(5, "\"theirs\"", "1"));
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	script_free(r);
}

/* CL-A1: the edits made meanwhile are part of mine, and decided with it */
static void edits_behind_a_conflict_are_decided_with_it(void **st)
{
	static const enum sd_pick keeps[] = {SD_PICK_MINE, SD_PICK_THEIRS};

	(void)st;
	for (size_t i = 0; i < 2; i++) {
		struct script *r = race_ready(SD_POLICY_MERGE);
		struct sd_conflict c;
		int64_t id;
		script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"m0\"}", NULL);
		script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"m2\"}", NULL);
		script_ok(r, script_only(r, "updatePost"), "updatePost", POST(5, "\"ext\"", "1"));
		id = script_conflict(r, &c);
		assert_string_equal(sd_json_get_str(c.mine, "title"), "m2");
		sd_conflict_release(&c);
		script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"m3\"}", NULL);
		script_conflict(r, &c);
		assert_string_equal(sd_json_get_str(c.mine, "title"), "m3");
		sd_conflict_release(&c);
		race_resolve(r, id, keeps[i]);
		assert_int_equal(
			script_lane(r, SD_LANE_CONFLICT) + script_lane(r, SD_LANE_WAITING), 0);
		if (i == 0)
			script_input_is(script_only(r, "updatePost"),
				"{\"id\":\"p1\",\"title\":\"m3\",\"_version\":5}");
		else
			script_row_is(r, "Post", KEY,
				"{\"title\":\"ext\",\"_version\":5,\"_state\":\"synced\"}");
		script_free(r);
	}
}

/* U-05, S4.3 */
static void a_list_doubled_in_a_race_is_put_right(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\",\"b\"]}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost",
		ITEM(5, "\"a\"", "9", "[\"a\",\"a\",\"b\"]", "null"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"tags\":[\"a\",\"b\"],\"_version\":5}");
	script_ok(r, q, "updatePost", ITEM(6, "\"a\"", "9", "[\"a\",\"b\"]", "null"));
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* also when the answer was lost and the record is read */
static void a_list_doubled_unheard_is_put_right(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\",\"b\"]}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost",
		ITEM(5, "\"a\"", "9", "[\"a\",\"a\",\"b\"]", "null"));
	script_input_is(script_only(r, "updatePost"),
		"{\"id\":\"p1\",\"tags\":[\"a\",\"b\"],\"_version\":5}");
	script_free(r);
}

/* also when the rest of the change is a clash: whatever a person keeps */
static void a_list_doubled_beside_a_clash_is_put_right_by_any_decision(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);
	struct sd_conflict c;
	int64_t id;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\",\"tags\":[\"a\",\"b\"]}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost",
		ITEM(5, "\"theirs\"", "1", "[\"a\",\"a\",\"b\"]", "null"));
	id = script_conflict(r, &c);
	assert_int_equal(sd_json_count(sd_json_get(c.theirs, "tags")), 1);
	sd_conflict_release(&c);
	race_resolve(r, id, SD_PICK_THEIRS);
	script_input_is(
		script_only(r, "updatePost"), "{\"id\":\"p1\",\"tags\":[\"a\"],\"_version\":5}");
	script_free(r);
}

static void a_value_the_service_writes_its_own_way_is_accepted(void **st)
{
	struct script *r = race_ready(SD_POLICY_MERGE);

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(4, "\"MINE\"", "1"));
	script_row_is(r, "Post", KEY, "{\"title\":\"MINE\",\"_version\":4,\"_state\":\"synced\"}");
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_scalar_dropped_in_a_race_is_sent_again),
		cmocka_unit_test(edits_behind_a_conflict_are_decided_with_it),
		cmocka_unit_test(a_list_doubled_in_a_race_is_put_right),
		cmocka_unit_test(a_list_doubled_unheard_is_put_right),
		cmocka_unit_test(a_list_doubled_beside_a_clash_is_put_right_by_any_decision),
		cmocka_unit_test(a_value_the_service_writes_its_own_way_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
