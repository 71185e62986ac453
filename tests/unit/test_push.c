/* tests/unit/test_push.c - the outbox sender: what goes out, when, and what answers do to it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/script.h"

#define META(v) ",\"_version\":" #v ",\"_lastChangedAt\":" #v "000,\"_deleted\":null}"
#define POST(v, title, rating)                                                                     \
	"{\"id\":\"p1\",\"title\":" title ",\"rating\":" rating ",\"tags\":null,\"at\":null,"      \
	"\"data\":null" META(v)
#define KEY "[\"p1\"]"

static struct script *ready(void)
{
	struct script *r = script_new();

	script_start(r);
	return r;
}

/* one that knows p1 in version 3 */
static struct script *with_post(void)
{
	struct script *r = ready();

	script_arrive(r, "Create", "Post", POST(3, "\"a\"", "1"));
	return r;
}

/* */
static void a_save_is_sent_once_and_acknowledged(void **st)
{
	struct script *r = ready();
	struct script_request *q;
	const struct cJSON *e;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"a\"}", NULL);
	assert_int_equal(script_events(r, "outboxMutationEnqueued"), 1);
	assert_string_equal(
		sd_json_get_str(script_event(r, "outboxMutationEnqueued"), "model"), "Post");
	assert_false(sd_json_is_true(sd_json_get(script_event(r, "outboxStatus"), "isEmpty")));
	q = script_only(r, "createPost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"a\"}");
	assert_null(sd_json_path(q->body, "variables", "condition", NULL));
	assert_int_equal(script_lane(r, SD_LANE_SENDING), 1);
	script_ok(r, q, "createPost", POST(1, "\"a\"", "null"));
	e = script_event(r, "outboxMutationProcessed");
	assert_int_equal(sd_json_get_i64(e, "_version", 0), 1);
	assert_int_equal(sd_json_get_i64(e, "_lastChangedAt", 0), 1000);
	assert_false(sd_json_is_true(sd_json_get(e, "_deleted")));
	assert_true(sd_json_is_true(sd_json_get(script_event(r, "outboxStatus"), "isEmpty")));
	script_row_is(r, "Post", KEY, "{\"title\":\"a\",\"_version\":1,\"_state\":\"synced\"}");
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

static void an_update_carries_the_change_and_the_version_only(void **st)
{
	struct script *r = with_post();
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"rating\":5,\"title\":\"a\"}", NULL);
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"rating\":5,\"_version\":3}");
	script_ok(r, q, "updatePost", POST(4, "\"a\"", "5"));
	script_delete(r, "Post", KEY);
	q = script_only(r, "deletePost");
	script_input_is(q, "{\"id\":\"p1\",\"_version\":4}");
	script_ok(r, q, "deletePost",
		"{\"id\":\"p1\",\"title\":\"a\",\"rating\":5,\"tags\":null,\"at\":null,\"data\":"
		"null,\"_version\":5,\"_lastChangedAt\":5000,\"_deleted\":true}");
	assert_true(sd_json_is_true(
		sd_json_get(script_event(r, "outboxMutationProcessed"), "_deleted")));
	script_row_is(r, "Post", KEY, "{\"_version\":5,\"_deleted\":true}");
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_free(r);
}

/* U-04, X-03, X-04, CL-S1 */
static void edits_behind_one_in_flight_merge_and_take_its_version(void **st)
{
	struct script *r = with_post();
	struct script_request *q;
	char text[64];

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	for (int i = 0; i < 20; i++) {
		snprintf(text, sizeof text, "{\"id\":\"p1\",\"title\":\"c%d\"}", i);
		script_save(r, "Post", text, NULL);
	}
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":3}");
	script_ok(r, q, "updatePost", POST(4, "\"b\"", "1"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"c19\",\"_version\":4}");
	script_ok(r, q, "updatePost", POST(5, "\"c19\"", "1"));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"title\":\"c19\",\"_version\":5}");
	script_free(r);
}

/* also when a change takes itself back */
static void a_create_deleted_before_it_was_sent_leaves_an_empty_outbox(void **st)
{
	struct script *r = ready();

	(void)st;
	script_network(r, false);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"a\"}", NULL);
	assert_false(sd_json_is_true(sd_json_get(script_event(r, "outboxStatus"), "isEmpty")));
	script_delete(r, "Post", KEY);
	assert_true(sd_json_is_true(sd_json_get(script_event(r, "outboxStatus"), "isEmpty")));
	script_free(r);
}

/* R-051, outbox.concurrency */
static void different_records_go_side_by_side_in_order(void **st)
{
	struct script *r = script_new();
	char text[64];

	(void)st;
	r->set.outbox_concurrency = 3;
	script_start(r);
	script_network(r, false);
	for (int i = 0; i < 5; i++) {
		snprintf(text, sizeof text, "{\"id\":\"q%d\",\"title\":\"x\"}", i);
		script_save(r, "Post", text, NULL);
	}
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 5); /* */
	script_network(r, true);
	assert_int_equal(script_waiting(r), 3);
	for (size_t i = 0; i < 3; i++) {
		snprintf(text, sizeof text, "q%zu", i);
		assert_string_equal(sd_json_get_str(script_input(&r->req[i]), "id"), text);
	}
	script_free(r);
}

/* X-05, S5.4: nothing that may pass moves to the refused lane */
static void failures_that_may_pass_are_retried_with_back_off(void **st)
{
	struct script *r = with_post();
	int64_t last = 0;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	for (int i = 0; i < 12; i++) {
		struct sd_mutation m;
		int64_t wait;
		script_answer(r, script_only(r, "updatePost"), 429, "busy");
		m = script_first(r);
		wait = m.next_try_ms - r->now;
		assert_int_equal(m.lane, SD_LANE_WAITING);
		assert_int_equal(m.attempts, i + 1);
		assert_string_equal(m.error_type, "HTTP 429");
		assert_true(wait > last * 3 / 2 || i > 9);
		assert_true(wait <= 300000);
		assert_true(sd_engine_deadline(r->en) <= m.next_try_ms);
		assert_false(sd_engine_idle(r->en));
		assert_int_equal(script_waiting(r), 0);
		sd_mutation_release(&m);
		last = wait;
		script_wait(r, wait);
	}
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(4, "\"b\"", "1"));
	script_row_is(r, "Post", KEY, "{\"title\":\"b\",\"_version\":4}");
	script_free(r);
}

/* R-050, CL 11 #27: a lost answer is looked up before anything is sent again */
static void a_lost_answer_of_an_applied_update_is_not_sent_twice(void **st)
{
	struct script *r = with_post();
	struct sd_mutation m;
	int64_t wait;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	m = script_first(r);
	assert_true(m.unknown);
	wait = m.next_try_ms - r->now;
	sd_mutation_release(&m);
	script_wait(r, wait);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(4, "\"b\"", "1"));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_events(r, "outboxMutationProcessed"), 1);
	script_row_is(r, "Post", KEY, "{\"title\":\"b\",\"_version\":4,\"_state\":\"synced\"}");
	script_free(r);
}

static void a_lost_update_that_never_arrived_is_sent_again(void **st)
{
	struct script *r = with_post();
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(3, "\"a\"", "1"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":3}");
	script_ok(r, q, "updatePost", POST(4, "\"b\"", "1"));
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

static void another_write_after_a_lost_answer_is_compared(void **st)
{
	struct script *r = with_post();
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(5, "\"a\"", "9"));
	q = script_only(r, "updatePost");
	script_input_is(q, "{\"id\":\"p1\",\"title\":\"b\",\"_version\":5}");
	script_free(r);
}

/* R-063, contract.md 5.1 (found by the simulation): it was applied, its answer was lost, and
 * somebody else wrote over it; sent again under its condition it would undo theirs */
static void a_lost_conditional_change_is_not_made_twice(void **st)
{
	struct script *r = with_post();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", "rating < 700");
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(5, "\"theirs\"", "9"));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	script_free(r);
}

static void a_lost_create_that_arrived_is_not_made_twice(void **st)
{
	struct script *r = ready();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_lose(r, script_only(r, "createPost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(1, "\"b\"", "null"));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"title\":\"b\",\"_version\":1,\"_state\":\"synced\"}");
	/* and one that did not arrive is */
	script_save(r, "Post", "{\"id\":\"p2\",\"title\":\"b\"}", NULL);
	script_lose(r, script_only(r, "createPost"), true);
	script_wait(r, 1000);
	script_answer(r, script_only(r, "getPost"), 200, "{\"data\":{\"getPost\":null}}");
	script_only(r, "createPost");
	script_free(r);
}

static void a_lost_delete_is_looked_up(void **st)
{
	struct script *r = with_post();

	(void)st;
	script_delete(r, "Post", KEY);
	script_lose(r, script_only(r, "deletePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost",
		"{\"id\":\"p1\",\"title\":\"a\",\"rating\":1,\"tags\":null,\"at\":null,\"data\":"
		"null,\"_version\":4,\"_lastChangedAt\":4000,\"_deleted\":true}");
	assert_int_equal(script_lane(r, SD_LANE_WAITING) + script_lane(r, SD_LANE_SENDING), 0);
	script_row_is(r, "Post", KEY, "{\"_version\":4,\"_deleted\":true}");
	script_free(r);
}

/* the process dies with a request on its way */
static void a_crash_with_a_request_on_its_way_is_an_unknown_outcome(void **st)
{
	struct script *r = ready();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_only(r, "createPost");
	script_crash(r);
	script_start(r);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(1, "\"b\"", "null"));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"_version\":1,\"_state\":\"synced\"}");
	script_free(r);
}

static void switching_the_network_off_cuts_and_looks_up_later(void **st)
{
	struct script *r = with_post();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_only(r, "updatePost");
	script_network(r, false);
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_SENDING), 0);
	script_network(r, true);
	script_only(r, "getPost");
	script_free(r);
}

/* U-19, R-101: an expired session consumes no attempt and loses nothing */
static void refused_credentials_pause_and_go_on_after_sign_in(void **st)
{
	struct script *r = script_new();
	struct sd_error e = {.code = SD_OK};
	struct sd_mutation m;

	(void)st;
	r->auth = r->modes[0] = SD_AUTH_USER_POOL;
	script_start(r);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_answer(r, script_only(r, "createPost"), 401,
		"{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"Token has "
		"expired.\"}]}");
	assert_int_equal(r->refreshes, 1);
	m = script_first(r);
	assert_int_equal(m.attempts, 0);
	assert_false(m.unknown);
	assert_int_equal(m.lane, SD_LANE_WAITING);
	sd_mutation_release(&m);
	script_wait(r, 600000);
	for (size_t i = 0; i < r->req_count; i++)
		assert_true(r->req[i].cancelled);
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_engine_auth(r->en, false, NULL, r->now, &e), SD_OK);
	assert_int_equal(sd_engine_auth(r->en, true, NULL, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_pump(r);
	script_ok(r, script_only(r, "createPost"), "createPost", POST(1, "\"b\"", "null"));
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* R-120, U-02, U-03: refused for good; the record shows the server's value, the payload stays */
static void a_refused_change_stays_in_its_lane_and_holds_nobody_else(void **st)
{
	struct script *r = with_post();
	struct sd_mutation m;
	const struct cJSON *e;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_error(r, script_only(r, "updatePost"), "updatePost", "Unauthorized", NULL);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(4, "\"z\"", "1"));
	e = script_event(r, "outboxMutationFailed");
	assert_string_equal(sd_json_get_str(e, "errorType"), "Unauthorized");
	assert_string_equal(sd_json_get_str(e, "operation"), "UPDATE");
	assert_string_equal(sd_json_get_str(e, "message"), "said no");
	m = script_first(r);
	assert_int_equal(m.lane, SD_LANE_REFUSED);
	assert_string_equal(sd_json_get_str(m.fields, "title"), "b");
	sd_mutation_release(&m);
	script_row_is(r, "Post", KEY, "{\"title\":\"z\",\"_version\":4,\"_state\":\"refused\"}");
	script_save(r, "Post", "{\"id\":\"p2\",\"title\":\"b\"}", NULL);
	script_ok(r, script_only(r, "createPost"), "createPost",
		"{\"id\":\"p2\",\"title\":\"b\",\"rating\":null,\"tags\":null,\"at\":null,"
		"\"data\":null" META(1));
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* S5: a child waits for its refused parent */
static void a_child_waits_for_its_refused_parent(void **st)
{
	struct script *r = ready();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"t\",\"post\":\"p1\"}", NULL);
	script_error(r, script_only(r, "createPost"), "createPost", "BadRequest", NULL);
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* the next mode of the rules when the first is denied */
static void a_denied_mode_gives_way_to_the_next(void **st)
{
	struct script *r = script_new();
	struct script_request *q;

	(void)st;
	r->auth = SD_AUTH_MULTI;
	r->modes[0] = SD_AUTH_USER_POOL;
	r->modes[1] = SD_AUTH_API_KEY;
	r->mode_count = 2;
	script_start(r);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	q = script_only(r, "createPost");
	assert_int_equal(q->mode, SD_AUTH_USER_POOL);
	script_error(r, q, "createPost", "Unauthorized", NULL);
	q = script_only(r, "createPost");
	assert_int_equal(q->mode, SD_AUTH_API_KEY);
	script_ok(r, q, "createPost", POST(1, "\"b\"", "null"));
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 0);
	script_free(r);
}

/* U-33; contract: `--read-only` sends nothing */
static void a_pause_and_read_only_send_nothing(void **st)
{
	struct script *r = ready();
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_meta_put(r->store, "outbox.paused", "1", &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	assert_int_equal(script_waiting(r), 0);
	assert_true(sd_engine_idle(r->en));
	script_crash(r);
	r->set.read_only = true;
	script_start(r);
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_meta_put(r->store, "outbox.paused", NULL, &e), SD_OK);
	assert_int_equal(sd_engine_store_changed(r->en, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_pump(r);
	assert_int_equal(script_waiting(r), 0);
	script_free(r);
}

static void a_clock_set_back_does_not_stretch_a_wait(void **st)
{
	struct script *r = with_post();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	script_answer(r, script_only(r, "updatePost"), 429, "");
	r->now -= 86400000;
	script_wait(r, 1000);
	script_only(r, "updatePost");
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_save_is_sent_once_and_acknowledged),
		cmocka_unit_test(an_update_carries_the_change_and_the_version_only),
		cmocka_unit_test(edits_behind_one_in_flight_merge_and_take_its_version),
		cmocka_unit_test(a_create_deleted_before_it_was_sent_leaves_an_empty_outbox),
		cmocka_unit_test(different_records_go_side_by_side_in_order),
		cmocka_unit_test(failures_that_may_pass_are_retried_with_back_off),
		cmocka_unit_test(a_lost_answer_of_an_applied_update_is_not_sent_twice),
		cmocka_unit_test(a_lost_update_that_never_arrived_is_sent_again),
		cmocka_unit_test(another_write_after_a_lost_answer_is_compared),
		cmocka_unit_test(a_lost_conditional_change_is_not_made_twice),
		cmocka_unit_test(a_lost_create_that_arrived_is_not_made_twice),
		cmocka_unit_test(a_lost_delete_is_looked_up),
		cmocka_unit_test(a_crash_with_a_request_on_its_way_is_an_unknown_outcome),
		cmocka_unit_test(switching_the_network_off_cuts_and_looks_up_later),
		cmocka_unit_test(refused_credentials_pause_and_go_on_after_sign_in),
		cmocka_unit_test(a_refused_change_stays_in_its_lane_and_holds_nobody_else),
		cmocka_unit_test(a_child_waits_for_its_refused_parent),
		cmocka_unit_test(a_denied_mode_gives_way_to_the_next),
		cmocka_unit_test(a_pause_and_read_only_send_nothing),
		cmocka_unit_test(a_clock_set_back_does_not_stretch_a_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
