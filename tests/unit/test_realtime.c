/* tests/unit/test_realtime.c - the realtime protocol: subscriptions and messages. */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/apply.h"

#define POST(id, title, version)                                                                   \
	"{\"id\":\"" id "\",\"title\":\"" title "\",\"rating\":1,\"createdAt\":"                   \
	"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":" #version   \
	",\"_lastChangedAt\":1795370000000,\"_deleted\":null}"
#define TITLE(r, id) rig_value(r, "Post", "[\"" id "\"]", "title")

static enum sd_rt_state state(struct rig *r)
{
	struct sd_engine_status s;

	sd_engine_status(r->en, &s);
	return s.rt;
}

/* Live, both models synced. */
static struct rig *live(uint64_t *conn)
{
	struct rig *r = rig_new(RIG_SDL);

	rig_start(r);
	*conn = rig_live(r);
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	assert_non_null(strstr(r->events, " ready "));
	r->events[0] = '\0';
	return r;
}

/* The runs that are asked for now bring nothing. */
static void run_empty(struct rig *r)
{
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
}

/* */
static void every_model_gets_three_subscriptions_after_the_handshake(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_action *a;
	struct cJSON *j = NULL;
	uint64_t conn;

	(void)st;
	rig_start(r);
	assert_int_equal(state(r), SD_RT_CONNECTING);
	conn = rig_connect(r, 300000);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, "onCreatePost("), 0);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, "onCreatePost"), 1);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, "onUpdatePost"), 1);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, "onDeletePost"), 1);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, "Comment {"), 3);
	a = rig_find(r, SD_ACT_RT_START, "onCreatePost");
	assert_int_equal(strlen(a->sub_id), 36);
	assert_int_equal(a->mode, SD_AUTH_API_KEY);
	assert_int_equal(sd_json_parse(a->text, strlen(a->text), "data", &j, &r->e), SD_OK);
	assert_true(sd_json_is_object(sd_json_get(j, "variables")));
	sd_json_free(j);
	rig_ack_all(r, conn);
	assert_int_equal(state(r), SD_RT_LIVE);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "\"state\":\"live\""), 1);
	rig_free(r);
}

/* */
static void a_message_changes_the_store_at_once(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	rig_data(r, conn, rig_sub(r, "onCreatePost"), "onCreatePost", POST("p1", "new", 1));
	assert_string_equal(TITLE(r, "p1"), "\"new\"");
	rig_data(r, conn, rig_sub(r, "onUpdatePost"), "onUpdatePost", POST("p1", "newer", 3));
	rig_data(r, conn, rig_sub(r, "onUpdatePost"), "onUpdatePost", POST("p1", "late", 2));
	assert_string_equal(TITLE(r, "p1"), "\"newer\""); /* versions never go back */
	rig_data(r, conn, rig_sub(r, "onDeletePost"), "onDeletePost",
		"{\"id\":\"p1\",\"title\":\"newer\",\"rating\":1,\"createdAt\":"
		"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":4,"
		"\"_lastChangedAt\":1795370000001,\"_deleted\":true}");
	assert_string_equal(TITLE(r, "p1"), "-");
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	rig_free(r);
}

/* */
static void a_message_during_the_run_waits_for_its_end(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_live(r);
	rig_data(r, conn, rig_sub(r, "onCreatePost"), "onCreatePost", POST("p1", "live", 2));
	assert_string_equal(TITLE(r, "p1"), "-");
	rig_page(r, "syncPosts", POST("p1", "page", 1), NULL, 1795371000000);
	assert_string_equal(TITLE(r, "p1"), "\"live\"");
	rig_free(r);
}

/* R-059, S9.4, client.md 11 #28 */
static void one_refused_subscription_makes_its_model_poll_and_bounces_nothing(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_engine_status s;
	struct sd_sync_state saved;
	char id[64];
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 300000);
	snprintf(id, sizeof id, "%s", rig_find(r, SD_ACT_RT_START, "onUpdateComment")->sub_id);
	rig_done(rig_find(r, SD_ACT_RT_START, "onUpdateComment"));
	rig_ack_all(r, conn);
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	rig_frame(r, conn,
		"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{\"errorType\":"
		"\"Unauthorized\",\"message\":\"Not Authorized to access onUpdateComment on type "
		"Subscription\"}]}}",
		id);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	run_empty(r);
	sd_engine_status(r->en, &s);
	assert_int_equal(s.subscriptions, 5);
	assert_int_equal(s.subscriptions_wanted, 6);
	assert_int_equal(
		sd_sync_get(r->store, sd_schema_model(r->schema, "Comment"), &saved, &r->e), SD_OK);
	assert_int_equal(saved.kind, SD_SYNC_POLLING);
	sd_sync_state_release(&saved);
	rig_frame(r, conn, "{\"type\":\"ka\"}");
	rig_wait(r, 16000);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncComments"));
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_page(r, "syncComments", "", NULL, 1795371050000);
	rig_wait(r, 16000);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncComments")); /* and again */
	rig_free(r);
}

/* a server in trouble refuses for a moment; a model without a right to it for ever */
static void a_refused_subscription_is_tried_again_less_and_less_often(void **st)
{
	static const int AT[] = {0, 30, 90, 210, 450, 750, 1050}; /* seconds */
	struct rig *r = rig_new(RIG_SDL);
	struct sd_sync_state saved;
	struct sd_action *a;
	size_t tries = 0;
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 300000);
	for (int t = 0; t <= 1350 && tries <= sizeof AT / sizeof *AT; t++) {
		a = rig_find(r, SD_ACT_RT_START, "onUpdateComment");
		if (a && tries < sizeof AT / sizeof *AT) {
			assert_in_range(t, AT[tries], AT[tries] + (int)tries);
			rig_frame(r, conn,
				"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":["
				"{\"errorType\":\"InternalFailure\",\"message\":\"x\"}]}}",
				a->sub_id);
			rig_done(a);
		}
		tries += a != NULL;
		if (a)
			rig_ack_all(r, conn); /* the last one is taken */
		if (!t)
			run_empty(r);
		rig_wait(r, 1000);
		rig_frame(r, conn, "{\"type\":\"ka\"}");
		while (rig_find(r, SD_ACT_HTTP, "syncComments"))
			rig_page(r, "syncComments", "", NULL, 1795371050000);
	}
	assert_int_equal(tries, sizeof AT / sizeof *AT + 1);
	assert_int_equal(
		sd_sync_get(r->store, sd_schema_model(r->schema, "Comment"), &saved, &r->e), SD_OK);
	assert_int_equal(saved.kind, SD_SYNC_DELTA);
	sd_sync_state_release(&saved);
	rig_free(r);
}

/* S9.4: a start that is never confirmed */
static void an_unconfirmed_start_is_tried_again_and_then_polled(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_action *a;
	uint64_t conn;
	int starts = 1;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 300000);
	rig_done(rig_find(r, SD_ACT_RT_START, "onDeletePost"));
	rig_ack_all(r, conn);
	for (int i = 0; i < 70; i++) {
		rig_wait(r, 1000);
		rig_frame(r, conn, "{\"type\":\"ka\"}");
		while ((a = rig_find(r, SD_ACT_RT_START, "onDeletePost"))) {
			starts++;
			rig_done(a);
		}
		if (i == 16)
			run_empty(r); /* they did not wait for it for ever */
	}
	assert_int_equal(starts, 3);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_free(r);
}

/* U-14: connected is not listening */
static void a_connection_without_any_live_subscription_is_not_called_live(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 300000);
	for (int i = 0; i < 70; i++) {
		rig_wait(r, 1000);
		rig_frame(r, conn, "{\"type\":\"ka\"}");
		assert_int_not_equal(state(r), SD_RT_LIVE);
	}
	assert_int_equal(state(r), SD_RT_DOWN);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_free(r);
}

/* U-34, R-059 */
static void more_subscriptions_than_one_connection_takes_are_spread(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t one, two;

	(void)st;
	r->set.subscriptions_per_connection = 5;
	rig_start(r);
	assert_int_equal(rig_count(r, SD_ACT_RT_OPEN, NULL), 2);
	one = rig_connect(r, 300000);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, NULL), 3);
	rig_ack_all(r, one);
	two = rig_connect(r, 300000);
	assert_int_not_equal(one, two);
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	rig_ack_all(r, two);
	assert_non_null(rig_find(r, SD_ACT_HTTP, NULL));
	rig_free(r);
}

/* server.md 5.5: the error is an object, not a list; U-34 */
static void a_full_connection_gets_a_second_one_beside_it(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_engine_status s;
	char id[64];
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 300000);
	snprintf(id, sizeof id, "%s", rig_find(r, SD_ACT_RT_START, "onDeleteComment")->sub_id);
	rig_done(rig_find(r, SD_ACT_RT_START, "onDeleteComment"));
	rig_ack_all(r, conn);
	rig_frame(r, conn,
		"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":{\"errorType\":"
		"\"MaxSubscriptionsReachedError\",\"message\":\"Max number of 100 subscriptions "
		"reached\"}}}",
		id);
	rig_wait(r, 0);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	rig_live(r);
	sd_engine_status(r->en, &s);
	assert_int_equal(s.subscriptions, 6);
	assert_int_equal(s.rt, SD_RT_LIVE);
	run_empty(r);
	rig_free(r);
}

/* R-107, client.md 6.2 */
static void a_filter_the_server_refuses_is_checked_here_instead(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	const struct sd_model *m = sd_schema_model(r->schema, "Post");
	struct sd_pred *p = NULL;
	struct sd_action *a;
	uint64_t conn;
	char id[64];

	(void)st;
	assert_int_equal(sd_pred_parse(r->schema, m, "title beginsWith \"a\"", &p, &r->e), SD_OK);
	r->models[m->id].expression = p;
	rig_start(r);
	conn = rig_connect(r, 300000);
	a = rig_find(r, SD_ACT_RT_START, "onCreatePost");
	assert_non_null(strstr(a->text, "{\"and\":[{\"title\":{\"beginsWith\":\"a\"}}]}"));
	snprintf(id, sizeof id, "%s", a->sub_id);
	rig_done(a);
	rig_frame(r, conn,
		"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{\"message\":"
		"\"Validation error of type UnknownArgument: Unknown field argument filter\"}]}}",
		id);
	a = rig_find(r, SD_ACT_RT_START, "onCreatePost");
	assert_non_null(a);
	assert_null(strstr(a->text, "$filter"));
	rig_ack_all(r, conn);
	run_empty(r);
	rig_data(r, conn, rig_sub(r, "onCreatePost"), "onCreatePost", POST("p1", "banana", 1));
	rig_data(r, conn, rig_sub(r, "onCreatePost"), "onCreatePost", POST("p2", "apple", 1));
	assert_string_equal(TITLE(r, "p1"), "-");
	assert_string_equal(TITLE(r, "p2"), "\"apple\"");
	sd_engine_free(r->en);
	r->en = NULL;
	sd_pred_free(p);
	rig_free(r);
}

/* client.md 6.3 */
static void an_owner_rule_sends_the_owner_and_a_group_rule_does_not(void **st)
{
	struct rig *r =
		rig_new("type A @model @auth(rules: [{allow: owner, identityClaim: \"username\"}]) "
			"{ id: ID! }\n"
			"type B @model @auth(rules: [{allow: owner, identityClaim: \"username\"}, "
			"{allow: groups, groups: [\"Admin\"]}]) { id: ID! }\n");
	static const char CLAIMS[] = "{\"cognito:username\":\"u1\",\"cognito:groups\":[\"Admin\"]}";
	struct cJSON *claims = NULL;
	struct sd_action *a;

	(void)st;
	assert_int_equal(sd_json_parse(CLAIMS, sizeof CLAIMS - 1, "claims", &claims, &r->e), SD_OK);
	r->auth = r->modes[0] = SD_AUTH_USER_POOL;
	rig_engine(r);
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	rig_start(r);
	rig_connect(r, 300000);
	a = rig_find(r, SD_ACT_RT_START, "onCreateA");
	assert_non_null(strstr(a->text, "onCreateA(owner: $owner)"));
	assert_non_null(strstr(a->text, "\"variables\":{\"owner\":\"u1\"}"));
	a = rig_find(r, SD_ACT_RT_START, "onCreateB");
	assert_null(strstr(a->text, "owner: $owner"));
	sd_json_free(claims);
	rig_free(r);
}

/* client.md 1.6: subscriptions.level off */
static void a_model_without_subscriptions_is_only_synced(void **st)
{
	struct rig *r = rig_new("type A @model(subscriptions: {level: off}) "
				"@auth(rules: [{allow: public}]) { id: ID! }\n");

	(void)st;
	rig_start(r);
	rig_wait(r, 10);
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	rig_page(r, "syncAS", "", NULL, 1795371000000);
	assert_non_null(strstr(r->events, "networkStatus subscriptionsEstablished "));
	assert_non_null(strstr(r->events, " ready "));
	rig_free(r);
}

/* server.md 5.8: another client selected too little */
static void a_message_that_cannot_say_what_changed_leads_to_a_delta(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	rig_frame(r, conn,
		"{\"type\":\"data\",\"id\":\"%s\",\"payload\":{\"data\":{\"onUpdatePost\":null},"
		"\"errors\":[{\"message\":\"Cannot return null for non-nullable type: "
		"'AWSDateTime' within parent 'Post' (/onUpdatePost/createdAt)\"}]}}",
		rig_sub(r, "onUpdatePost"));
	assert_non_null(strstr(r->events, "nonApplicableDataReceived"));
	rig_page(r, "syncPosts", POST("p1", "whole", 2), NULL, 1795371020000);
	assert_string_equal(TITLE(r, "p1"), "\"whole\"");
	rig_data(r, conn, rig_sub(r, "onUpdatePost"), "onUpdatePost",
		"{\"id\":\"p1\",\"title\":\"half\",\"rating\":null,\"createdAt\":null,"
		"\"updatedAt\":null,\"_version\":null,\"_lastChangedAt\":null,\"_deleted\":null}");
	assert_string_equal(TITLE(r, "p1"), "\"whole\"");
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_free(r);
}

static void frames_that_make_no_sense_are_passed_over(void **st)
{
	static const char *const ODD[] = {"", "{", "[]", "7", "{\"type\":7}", "{\"type\":\"data\"}",
		"{\"type\":\"data\",\"id\":\"x\"}", "{\"type\":\"error\",\"payload\":[]}",
		"{\"type\":\"start_ack\",\"id\":null}",
		"{\"type\":\"later\",\"id\":\"x\",\"payload\":{}}",
		"{\"type\":\"complete\",\"id\":\"unknown\"}",
		"{\"type\":\"connection_ack\",\"payload\":null}"};
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	for (size_t i = 0; i < sizeof ODD / sizeof *ODD; i++)
		rig_frame(r, conn, "%s", ODD[i]);
	rig_frame(r, conn + 99, "{\"type\":\"ka\"}");
	rig_frame(r, conn, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":7}",
		rig_sub(r, "onCreatePost"));
	assert_int_equal(state(r), SD_RT_LIVE);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_model_gets_three_subscriptions_after_the_handshake),
		cmocka_unit_test(a_message_changes_the_store_at_once),
		cmocka_unit_test(a_message_during_the_run_waits_for_its_end),
		cmocka_unit_test(one_refused_subscription_makes_its_model_poll_and_bounces_nothing),
		cmocka_unit_test(a_refused_subscription_is_tried_again_less_and_less_often),
		cmocka_unit_test(an_unconfirmed_start_is_tried_again_and_then_polled),
		cmocka_unit_test(a_connection_without_any_live_subscription_is_not_called_live),
		cmocka_unit_test(more_subscriptions_than_one_connection_takes_are_spread),
		cmocka_unit_test(a_full_connection_gets_a_second_one_beside_it),
		cmocka_unit_test(a_filter_the_server_refuses_is_checked_here_instead),
		cmocka_unit_test(an_owner_rule_sends_the_owner_and_a_group_rule_does_not),
		cmocka_unit_test(a_model_without_subscriptions_is_only_synced),
		cmocka_unit_test(a_message_that_cannot_say_what_changed_leads_to_a_delta),
		cmocka_unit_test(frames_that_make_no_sense_are_passed_over),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
