/*
 * tests/unit/test_unmerge.c - a change whose list Automerge appended is taken back: what it left on
 * the server goes, too (core/store/unmerge.c).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/script.h"

#define POST(v, title, tags)                                                                       \
	"{\"id\":\"p1\",\"title\":" title ",\"rating\":1,\"tags\":" tags ",\"at\":null,"           \
	"\"data\":null,\"_version\":" #v ",\"_lastChangedAt\":" #v "000,\"_deleted\":null}"
#define KEY "[\"p1\"]"

/* The server had ["a","x"] and title "z" in version 4; ours, made on version 3, was merged into it:
 * the list is doubled, the title clashes and a person is asked. */
static struct script *in_conflict(void)
{
	struct script *r = script_new();

	script_start(r);
	script_arrive(r, "Create", "Post", POST(3, "\"a\"", "[\"a\"]"));
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\",\"tags\":[\"a\",\"b\"]}", NULL);
	script_ok(r, script_only(r, "updatePost"), "updatePost",
		POST(5, "\"z\"", "[\"a\",\"x\",\"a\",\"b\"]"));
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	return r;
}

static int64_t first_seq(struct script *r)
{
	struct sd_mutation m = script_first(r);
	int64_t seq = m.seq;

	sd_mutation_release(&m);
	return seq;
}

/* The engine hears of what the person did. */
static void told(struct script *r)
{
	script_network(r, false);
	script_network(r, true);
}

static void discard(struct script *r, int64_t seq)
{
	struct sd_error e = {.code = SD_OK};

	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_outbox_discard(r->store, seq, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	told(r);
}

static void input_is(const struct script_request *q, const char *want)
{
	char *got = sd_json_text(script_input(q));

	assert_string_equal(got, want);
	free(got);
}

static void sends_the_list_from_before(struct script *r)
{
	struct script_request *q = script_only(r, "updatePost");

	input_is(q, "{\"id\":\"p1\",\"tags\":[\"a\",\"x\"],\"_version\":5}");
	script_ok(r, q, "updatePost", POST(6, "\"z\"", "[\"a\",\"x\"]"));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_row_is(r, "Post", KEY,
		"{\"title\":\"z\",\"tags\":[\"a\",\"x\"],\"_version\":6,\"_state\":\"synced\"}");
}

/* R-073, U-05: seed 4239 of the simulation */
static void a_discarded_conflict_does_not_leave_a_doubled_list(void **st)
{
	struct script *r = in_conflict();

	(void)st;
	discard(r, first_seq(r));
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
	sends_the_list_from_before(r);
	script_free(r);
}

static void an_undone_change_does_not_leave_a_doubled_list(void **st)
{
	struct script *r = in_conflict();
	struct sd_write_env env = {r->now, &r->rand};
	struct sd_error e = {.code = SD_OK};
	int64_t seq = 0;

	(void)st;
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_write_undo(r->store, &seq, &env, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	told(r);
	sends_the_list_from_before(r);
	script_free(r);
}

/* somebody else's newer version still has the doubled list */
static void a_newer_copy_does_not_hide_that_the_list_is_doubled(void **st)
{
	struct script *r = in_conflict();
	struct script_request *q;
	struct sd_conflict c;
	char *tags;

	(void)st;
	script_arrive(r, "Update", "Post", POST(6, "\"y\"", "[\"a\",\"x\",\"a\",\"b\"]"));
	script_conflict(r, &c);
	tags = sd_json_text(sd_json_get(c.theirs, "tags"));
	assert_string_equal(tags, "[\"a\",\"x\"]");
	free(tags);
	sd_conflict_release(&c);
	discard(r, first_seq(r));
	q = script_only(r, "updatePost");
	input_is(q, "{\"id\":\"p1\",\"tags\":[\"a\",\"x\"],\"_version\":6}");
	script_free(r);
}

/* ... and once somebody has put it right, nothing is to be done */
static void a_list_that_somebody_put_right_is_left_alone(void **st)
{
	struct script *r = in_conflict();

	(void)st;
	script_arrive(r, "Update", "Post", POST(6, "\"z\"", "[\"x\"]"));
	discard(r, first_seq(r));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_row_is(r, "Post", KEY, "{\"tags\":[\"x\"],\"_version\":6,\"_state\":\"synced\"}");
	script_free(r);
}

/* The change waits on the newest version, the list in it as it should be: offline, so it stays. */
static struct script *rebased(void)
{
	struct script *r = script_new();

	script_start(r);
	script_arrive(r, "Create", "Post", POST(3, "\"a\"", "[\"a\"]"));
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"b\"]}", NULL);
	script_pause(r, true);
	script_ok(r, script_only(r, "updatePost"), "updatePost", POST(5, "\"z\"", "[\"a\",\"b\"]"));
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
	return r;
}

static void a_discarded_repair_is_made_all_the_same(void **st)
{
	struct script *r = rebased();

	(void)st;
	discard(r, first_seq(r));
	script_pause(r, false);
	input_is(script_only(r, "updatePost"), "{\"id\":\"p1\",\"tags\":[\"a\"],\"_version\":5}");
	script_free(r);
}

/* refused, nothing writes it any more: the record shows what the server has */
static void a_refused_repair_shows_the_list_as_it_stands_there(void **st)
{
	struct script *r = rebased();

	(void)st;
	script_pause(r, false);
	script_error(r, script_only(r, "updatePost"), "updatePost", "BadRequest",
		POST(5, "\"z\"", "[\"a\",\"b\"]"));
	script_ok(r, script_only(r, "getPost"), "getPost", POST(5, "\"z\"", "[\"a\",\"b\"]"));
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	script_row_is(r, "Post", KEY, "{\"tags\":[\"a\",\"b\"],\"_state\":\"refused\"}");
	script_free(r);
}

/* the person saves what stood there before: it still has to be written */
static void a_list_saved_as_it_was_is_written_when_the_server_has_it_doubled(void **st)
{
	struct script *r = rebased();

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\"]}", NULL);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
	script_pause(r, false);
	input_is(script_only(r, "updatePost"), "{\"id\":\"p1\",\"tags\":[\"a\"],\"_version\":5}");
	script_free(r);
}

/* what puts it right is the person's to take back, too */
static void what_puts_it_right_can_be_discarded(void **st)
{
	struct script *r = rebased();

	(void)st;
	discard(r, first_seq(r));
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
	discard(r, first_seq(r));
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_discarded_conflict_does_not_leave_a_doubled_list),
		cmocka_unit_test(an_undone_change_does_not_leave_a_doubled_list),
		cmocka_unit_test(a_newer_copy_does_not_hide_that_the_list_is_doubled),
		cmocka_unit_test(a_list_that_somebody_put_right_is_left_alone),
		cmocka_unit_test(a_discarded_repair_is_made_all_the_same),
		cmocka_unit_test(a_list_saved_as_it_was_is_written_when_the_server_has_it_doubled),
		cmocka_unit_test(a_refused_repair_shows_the_list_as_it_stands_there),
		cmocka_unit_test(what_puts_it_right_can_be_discarded),
	};

	return cmocka_run_group_tests_name("unmerge", tests, NULL, NULL);
}
