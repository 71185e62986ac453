/* tests/unit/test_policy_command.c - conflict.policy = !command, across stops and crashes (R-081,
 * */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sync/merge.h"
#include "tests/support/script.h"

static void arrive(struct script *r, int i, int version, const char *title)
{
	char item[400];

	snprintf(item, sizeof item,
		"{\"id\":\"p%d\",\"title\":\"%s\",\"rating\":1,\"tags\":[],\"at\":null,\"data\":"
		"null,\"_version\":%d,\"_lastChangedAt\":%d000,\"_deleted\":null,\"createdAt\":"
		"null,\"updatedAt\":null}",
		i, title, version, version);
	script_arrive(r, version == 3 ? "Create" : "Update", "Post", item);
}

/* n records edited here and there. */
static struct script *clashes(int n)
{
	struct script *r = script_new();

	for (size_t i = 0; i < 16; i++) {
		r->models[i].policy = SD_POLICY_COMMAND;
		r->models[i].policy_command = "decide";
	}
	script_start(r);
	for (int i = 0; i < n; i++)
		arrive(r, i, 3, "a");
	script_pause(r, true);
	for (int i = 0; i < n; i++) {
		char edit[64];
		snprintf(edit, sizeof edit, "{\"id\":\"p%d\",\"title\":\"mine\"}", i);
		script_save(r, "Post", edit, NULL);
		arrive(r, i, 4, "theirs");
	}
	script_pause(r, false);
	return r;
}

static void done(struct script *r, const char *output)
{
	struct sd_error e = {.code = SD_OK};
	uint64_t id = r->command.id;

	r->command.id = 0;
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(
		sd_engine_command_done(r->en, id, output, output ? NULL : "exit 1", r->now, &e),
		SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_pump(r);
}

static void input(struct script_request *q, const char *want)
{
	char *got = sd_json_text(script_input(q));

	assert_string_equal(got, want);
	free(got);
}

/* the process died while the command ran */
static void a_command_whose_process_died_is_asked_again_at_the_next_start(void **st)
{
	struct script *r = clashes(1);

	(void)st;
	assert_true(r->command.id != 0);
	assert_false(sd_engine_idle(r->en)); /* `sync --once` waits for it */
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	script_crash(r);
	script_start(r);
	assert_true(r->command.id != 0);
	assert_non_null(strstr(r->command.input, "\"mine\""));
	assert_non_null(strstr(r->command.input, "\"operation\":\"UPDATE\""));
	done(r, "mine");
	input(script_only(r, "updatePost"), "{\"id\":\"p0\",\"title\":\"mine\",\"_version\":4}");
	script_free(r);
}

/* stop and start within one process; the late answer of the old command is nobody's */
static void a_stop_forgets_the_command_and_a_start_asks_again(void **st)
{
	struct script *r = clashes(1);
	struct sd_error e = {.code = SD_OK};
	uint64_t old = r->command.id, again;

	(void)st;
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_engine_stop(r->en, r->now, &e), SD_OK);
	assert_int_equal(sd_engine_start(r->en, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_pump(r);
	again = r->command.id;
	assert_true(again != old);
	r->command.id = old;
	done(r, "theirs");
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
	r->command.id = again;
	done(r, "mine");
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
	script_free(r);
}

/* a network switch is no reason to ask twice */
static void the_switch_leaves_a_running_command_alone(void **st)
{
	struct script *r = clashes(1);
	uint64_t id = r->command.id;

	(void)st;
	script_network(r, false);
	script_network(r, true);
	assert_int_equal(r->command.id, id);
	done(r, "theirs");
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
	script_free(r);
}

/* many conflicts: a few commands at once, every conflict gets its turn */
static void many_conflicts_are_asked_about_a_few_at_a_time(void **st)
{
	struct script *r = clashes(9);
	int answered = 0;

	(void)st;
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 9);
	/* the script keeps the newest one asked: ids grow by one */
	for (uint64_t id = r->command.id - 3; answered < 9 && id < 1000000; id++) {
		int64_t before = script_lane(r, SD_LANE_CONFLICT);
		r->command.id = id;
		done(r, "theirs");
		answered += script_lane(r, SD_LANE_CONFLICT) < before;
	}
	assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
	assert_true(sd_engine_idle(r->en));
	assert_int_equal(script_events(r, "conflictResolved"), 9);
	script_free(r);
}

/* a person decided while the command ran */
static void what_a_person_decided_meanwhile_stands(void **st)
{
	struct script *r = clashes(1);
	struct sd_conflict c;
	struct cJSON *write = NULL;
	struct sd_error e = {.code = SD_OK};
	int64_t id = script_conflict(r, &c);

	(void)st;
	sd_conflict_release(&c);
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_conflict_resolve(r->store, id, SD_PICK_THEIRS, NULL, NULL, "person",
				 false, r->now, &write, &e),
		SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	sd_json_free(write);
	done(r, "mine");
	assert_int_equal(script_waiting(r), 0);
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* every way of saying it */
static void a_decision_may_be_said_in_several_ways(void **st)
{
	static const struct {
		const char *output, *title; /* what goes out; NULL: nothing, theirs stands */
	} WAYS[] = {
		{"mine\n", "mine"},
		{"  theirs", NULL},
		{"\"theirs\"", NULL},
		{"{\"keep\":\"mine\"}", "mine"},
		{"{\"decision\":\"mine\"}", "mine"},
		{"{\"field\":{\"title\":\"mine\"}}", "mine"},
		{"{\"picks\":{\"title\":\"mine\"}}", "mine"},
		{"{\"set\":{\"title\":\"both\"}}", "both"},
		{"{\"fields\":{\"title\":\"both\"}}", "both"},
		{"{\"id\":1,\"fields\":[{\"name\":\"title\",\"pick\":\"mine\"},{\"name\":"
		 "\"rating\",\"pick\":null}]}",
			"mine"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof WAYS / sizeof *WAYS; i++) {
		struct script *r = clashes(1);
		char want[96];
		done(r, WAYS[i].output);
		assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
		snprintf(want, sizeof want, "{\"id\":\"p0\",\"title\":\"%s\",\"_version\":4}",
			WAYS[i].title ? WAYS[i].title : "");
		if (WAYS[i].title)
			input(script_only(r, "updatePost"), want);
		else
			assert_int_equal(script_waiting(r), 0);
		script_free(r);
	}
}

static void what_is_no_decision_asks_a_person(void **st)
{
	static const char *const NONE[] = {"", "MINE", "yes", "{}", "[]", "null", "5",
		"{\"keep\":\"both\"}", "{\"keep\":null}", "{\"keep\":\"mine\"",
		"{\"fields\":[{\"name\":\"title\",\"pick\":null}]}"};

	(void)st;
	for (size_t i = 0; i < sizeof NONE / sizeof *NONE; i++) {
		struct script *r = clashes(1);
		done(r, NONE[i]);
		assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 1);
		assert_int_equal(script_events(r, "conflict"), 1);
		script_free(r);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_command_whose_process_died_is_asked_again_at_the_next_start),
		cmocka_unit_test(a_stop_forgets_the_command_and_a_start_asks_again),
		cmocka_unit_test(the_switch_leaves_a_running_command_alone),
		cmocka_unit_test(many_conflicts_are_asked_about_a_few_at_a_time),
		cmocka_unit_test(what_a_person_decided_meanwhile_stands),
		cmocka_unit_test(a_decision_may_be_said_in_several_ways),
		cmocka_unit_test(what_is_no_decision_asks_a_person),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
