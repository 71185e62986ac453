/*
 * tests/unit/test_push_read.c - a record is read before its entry goes on (core/sync/push_read.c),
 * and nothing that the service appends is appended twice (core/sync/push_merged.c).
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

#define META(v) ",\"_version\":" #v ",\"_lastChangedAt\":" #v "000,\"_deleted\":null}"
#define POST(v, title, tags)                                                                       \
	"{\"id\":\"p1\",\"title\":" title ",\"rating\":1,\"tags\":" tags ",\"at\":null,"           \
	"\"data\":null" META(v)
#define COMMENT(v, text)                                                                           \
	"{\"id\":\"c1\",\"text\":" text                                                            \
	",\"postCommentsId\":\"p1\",\"post\":{\"id\":\"p1\",\"_deleted\":null}" META(v)
#define PLAIN(v, text) "{\"id\":\"c1\",\"text\":" text META(v)
#define KEY            "[\"p1\"]"
#define CKEY           "[\"c1\"]"

static struct script *with_post(enum sd_policy policy, const char *tags)
{
	struct script *r = script_new();
	char item[400];

	for (size_t i = 0; i < 16; i++)
		r->models[i].policy = policy;
	script_start(r);
	snprintf(item, sizeof item, POST(3, "\"a\"", "%s"), tags);
	script_arrive(r, "Create", "Post", item);
	return r;
}

static struct script *with_comment(void)
{
	struct script *r = with_post(SD_POLICY_MERGE, "null");

	script_arrive(r, "Create", "Comment", COMMENT(3, "\"a\""));
	return r;
}

/* {"data":{root:null}} with an error about a field of the record. */
static void null_inside(
	struct script *r, struct script_request *q, const char *root, const char *field)
{
	char body[400];

	snprintf(body, sizeof body,
		"{\"data\":{\"%s\":null},\"errors\":[{\"path\":[\"%s\",\"%s\"],\"message\":"
		"\"Cannot "
		"return null for non-nullable type: 'Post' within parent 'Comment'\"}]}",
		root, root, field);
	script_answer(r, q, 200, body);
}

static const char *query_of(const struct script_request *q)
{
	return sd_json_get_str(q->body, "query");
}

/* R-050, CL 11 #27: the parent was purged, the service wrote the change and could not show it */
static void a_written_record_that_cannot_be_shown_is_read_without_its_relations(void **st)
{
	struct script *r = with_comment();
	struct script_request *q;

	(void)st;
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"b\"}", NULL);
	null_inside(r, script_only(r, "updateComment"), "updateComment", "post");
	q = script_only(r, "getComment");
	assert_null(strstr(query_of(q), "post {"));
	assert_non_null(strstr(query_of(q), "text"));
	script_ok(r, q, "getComment", PLAIN(4, "\"b\""));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_events(r, "outboxMutationProcessed"), 1);
	assert_int_equal(script_events(r, "outboxMutationFailed"), 0);
	/* the key of the parent, which only its object carries, is what it was */
	script_row_is(r, "Comment", CKEY,
		"{\"text\":\"b\",\"_version\":4,\"_state\":\"synced\",\"postCommentsId\":\"p1\"}");
	script_free(r);
}

/* the answer was lost, and the reading finds the same null */
static void a_lost_answer_is_looked_up_without_relations_too(void **st)
{
	struct script *r = with_comment();
	struct script_request *q;

	(void)st;
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"b\"}", NULL);
	script_lose(r, script_only(r, "updateComment"), true);
	script_wait(r, 1000);
	q = script_only(r, "getComment");
	assert_non_null(strstr(query_of(q), "post {"));
	null_inside(r, q, "getComment", "post");
	q = script_only(r, "getComment");
	assert_null(strstr(query_of(q), "post {"));
	script_ok(r, q, "getComment", PLAIN(4, "\"b\""));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_row_is(r, "Comment", CKEY, "{\"text\":\"b\",\"_version\":4}");
	script_free(r);
}

/* a field that may not be null is: the key, the metadata and what was sent are enough to tell */
static void what_was_sent_is_enough_to_tell_that_it_was_written(void **st)
{
	struct script *r = with_post(SD_POLICY_MERGE, "null");
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\"}", NULL);
	null_inside(r, script_only(r, "updatePost"), "updatePost", "rating");
	null_inside(r, script_only(r, "getPost"), "getPost", "rating");
	q = script_only(r, "getPost");
	assert_null(strstr(query_of(q), "rating"));
	assert_non_null(strstr(query_of(q), "{ id title _version _lastChangedAt _deleted }"));
	script_ok(r, q, "getPost",
		"{\"id\":\"p1\",\"title\":\"b\",\"_version\":4,\"_lastChangedAt\":4000,"
		"\"_deleted\":null}");
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY,
		"{\"title\":\"b\",\"rating\":1,\"_version\":4,\"_state\":\"synced\"}");
	script_free(r);
}

/* U-10: nothing can be found out: kept, and looked for before it is ever sent again */
static void a_change_that_nobody_can_tell_of_waits_and_is_looked_for_before_it_goes(void **st)
{
	struct script *r = with_post(SD_POLICY_MERGE, "[\"a\"]");
	struct sd_mutation m;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\",\"b\"]}", NULL);
	null_inside(r, script_only(r, "updatePost"), "updatePost", "rating");
	null_inside(r, script_only(r, "getPost"), "getPost", "rating");
	null_inside(r, script_only(r, "getPost"), "getPost", "_version");
	assert_int_equal(script_waiting(r), 0);
	m = script_first(r);
	assert_int_equal(m.lane, SD_LANE_REFUSED);
	assert_true(m.unknown);
	assert_non_null(strstr(m.error_message, "cannot be read to see whether"));
	assert_int_equal(sd_store_begin(r->store, NULL), SD_OK);
	assert_int_equal(sd_outbox_retry(r->store, m.seq, r->now, NULL), SD_OK);
	assert_int_equal(sd_store_commit(r->store, NULL), SD_OK);
	sd_mutation_release(&m);
	script_network(r, false);
	script_network(r, true);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(4, "\"a\"", "[\"a\",\"b\"]"));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Post", KEY, "{\"tags\":[\"a\",\"b\"],\"_version\":4}");
	script_free(r);
}

/* what Automerge made of it is put right also when the answer could not show it */
static void a_list_appended_behind_an_answer_that_shows_nothing_is_put_right(void **st)
{
	struct script *r = with_post(SD_POLICY_MERGE, "[\"a\"]");
	struct script_request *q;
	char *tags;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\",\"b\"]}", NULL);
	null_inside(r, script_only(r, "updatePost"), "updatePost", "rating");
	script_ok(r, script_only(r, "getPost"), "getPost", POST(5, "\"x\"", "[\"a\",\"a\",\"b\"]"));
	q = script_only(r, "updatePost");
	tags = sd_json_text(sd_json_get(script_input(q), "tags"));
	assert_string_equal(tags, "[\"a\",\"b\"]");
	free(tags);
	assert_int_equal(sd_json_get_i64(script_input(q), "_version", 0), 5);
	script_free(r);
}

/* denied inside the answer is not denied: the change is there, the next mode would make it a
 * second time */
static void a_parent_nobody_may_see_does_not_send_the_change_through_the_next_mode(void **st)
{
	struct script *r = script_new();

	(void)st;
	r->auth = SD_AUTH_MULTI;
	r->modes[0] = SD_AUTH_USER_POOL;
	r->modes[1] = SD_AUTH_API_KEY;
	r->mode_count = 2;
	script_start(r);
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"b\"}", NULL);
	script_answer(r, script_only(r, "createComment"), 200,
		"{\"data\":{\"createComment\":null},\"errors\":[{\"path\":[\"createComment\","
		"\"post\"],\"errorType\":\"Unauthorized\",\"message\":\"Not Authorized\"}]}");
	script_ok(r, script_only(r, "getComment"), "getComment", PLAIN(1, "\"b\""));
	assert_int_equal(script_waiting(r), 0);
	script_row_is(r, "Comment", CKEY, "{\"text\":\"b\",\"_version\":1}");
	script_free(r);
}

/* in a batch, the alias it is about */
static void an_alias_of_a_batch_that_cannot_be_shown_is_read(void **st)
{
	struct script *r = script_new();

	(void)st;
	r->set.outbox_batch = 5;
	script_start(r);
	script_pause(r, true);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"a\"}", NULL);
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"b\"}", NULL);
	script_pause(r, false);
	assert_int_equal(script_waiting(r), 1);
	script_answer(r, &r->req[0], 200,
		"{\"data\":{\"m0\":" POST(1, "\"a\"",
			"null") ",\"m1\":null},\"errors\":[{\"path\":["
				"\"m1\",\"post\"],\"message\":\"Cannot return null\"}]}");
	script_ok(r, script_only(r, "getComment"), "getComment", PLAIN(1, "\"b\""));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 0);
	script_free(r);
}

/* refused before anything was written: nothing changed there */
static void an_answer_without_a_write_is_a_refusal(void **st)
{
	struct script *r = with_comment();

	(void)st;
	script_save(r, "Comment", "{\"id\":\"c1\",\"text\":\"b\"}", NULL);
	null_inside(r, script_only(r, "updateComment"), "updateComment", "post");
	script_ok(r, script_only(r, "getComment"), "getComment", PLAIN(3, "\"a\""));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	script_row_is(r, "Comment", CKEY, "{\"text\":\"a\",\"postCommentsId\":\"p1\"}");
	script_free(r);
}

/* ---- policy server ---- */
static struct script_request *lost_then_read(struct script *r)
{
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\",\"tags\":[\"a\",\"b\"]}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	return script_only(r, "getPost");
}

/* CL 11 #27, R-074: a third write between the loss and the look does not make it go again */
static void policy_server_does_not_append_a_list_again_that_is_there(void **st)
{
	static const char *const there[] = {
		"[\"a\",\"x\",\"a\",\"b\"]", /* merged, ours at the end */
		"[\"a\",\"b\",\"a\",\"y\"]", /* then somebody else's */
		"[\"y\",\"b\",\"a\"]",       /* then somebody else's order */
	};

	(void)st;
	for (size_t i = 0; i < sizeof there / sizeof *there; i++) {
		struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");
		struct script_request *q = lost_then_read(r);
		char item[400];
		snprintf(item, sizeof item, POST(6, "\"z\"", "%s"), there[i]);
		script_ok(r, q, "getPost", item);
		assert_int_equal(script_waiting(r), 0);
		assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
		assert_int_equal(script_lane(r, SD_LANE_CONFLICT), 0);
		/* what did not prevail is told, and can be taken back */
		assert_int_equal(script_events(r, "mergedByServer"), 1);
		assert_string_equal(
			sd_json_get_str(
				sd_json_get(script_event(r, "mergedByServer"), "mine"), "title"),
			"b");
		script_row_is(r, "Post", KEY, "{\"title\":\"z\",\"_version\":6}");
		script_free(r);
	}
}

static void policy_server_sends_again_what_is_not_there(void **st)
{
	struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");

	(void)st;
	script_ok(r, lost_then_read(r), "getPost", POST(6, "\"z\"", "[\"a\",\"y\"]"));
	assert_int_equal(
		sd_json_get_i64(script_input(script_only(r, "updatePost")), "_version", 0), 3);
	script_free(r);
}

static void policy_server_asks_when_a_part_of_a_list_is_there(void **st)
{
	struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");
	struct sd_conflict c;
	struct script_request *q;

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"a\",\"b\",\"c\"]}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	q = script_only(r, "getPost");
	script_ok(r, q, "getPost", POST(6, "\"z\"", "[\"a\",\"b\",\"y\"]"));
	assert_int_equal(script_waiting(r), 0);
	script_conflict(r, &c);
	sd_conflict_release(&c);
	script_free(r);
}

/* scalars and keys of maps may be sent as often as one likes: what is there stays */
static void policy_server_sends_again_what_cannot_be_appended(void **st)
{
	struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"b\",\"data\":{\"k\":1}}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost", POST(6, "\"z\"", "[\"a\"]"));
	script_only(r, "updatePost");
	script_free(r);
}

/* lists inside AWSJSON are appended, too */
static void policy_server_looks_into_json(void **st)
{
	struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");

	(void)st;
	script_save(r, "Post", "{\"id\":\"p1\",\"data\":{\"k\":{\"l\":[1,2]}}}", NULL);
	script_lose(r, script_only(r, "updatePost"), true);
	script_wait(r, 1000);
	script_ok(r, script_only(r, "getPost"), "getPost",
		"{\"id\":\"p1\",\"title\":\"z\",\"rating\":1,\"tags\":null,\"at\":null,"
		"\"data\":\"{\\\"k\\\":{\\\"l\\\":[0,1,2],\\\"m\\\":2}}\"" META(6));
	assert_int_equal(script_waiting(r), 0);
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 0);
	script_free(r);
}

static void policy_server_never_sends_a_list_it_cannot_look_for(void **st)
{
	struct script *r = with_post(SD_POLICY_SERVER, "[\"a\"]");
	struct script_request *q = lost_then_read(r);
	struct sd_mutation m;

	(void)st;
	script_error(r, q, "getPost", "Unauthorized", NULL);
	assert_int_equal(script_waiting(r), 0);
	m = script_first(r);
	assert_int_equal(m.lane, SD_LANE_REFUSED);
	assert_true(m.unknown);
	sd_mutation_release(&m);
	script_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_written_record_that_cannot_be_shown_is_read_without_its_relations),
		cmocka_unit_test(a_lost_answer_is_looked_up_without_relations_too),
		cmocka_unit_test(what_was_sent_is_enough_to_tell_that_it_was_written),
		cmocka_unit_test(
			a_change_that_nobody_can_tell_of_waits_and_is_looked_for_before_it_goes),
		cmocka_unit_test(a_list_appended_behind_an_answer_that_shows_nothing_is_put_right),
		cmocka_unit_test(
			a_parent_nobody_may_see_does_not_send_the_change_through_the_next_mode),
		cmocka_unit_test(an_alias_of_a_batch_that_cannot_be_shown_is_read),
		cmocka_unit_test(an_answer_without_a_write_is_a_refusal),
		cmocka_unit_test(policy_server_does_not_append_a_list_again_that_is_there),
		cmocka_unit_test(policy_server_sends_again_what_is_not_there),
		cmocka_unit_test(policy_server_asks_when_a_part_of_a_list_is_there),
		cmocka_unit_test(policy_server_sends_again_what_cannot_be_appended),
		cmocka_unit_test(policy_server_looks_into_json),
		cmocka_unit_test(policy_server_never_sends_a_list_it_cannot_look_for),
	};

	return cmocka_run_group_tests_name("push_read", tests, NULL, NULL);
}
