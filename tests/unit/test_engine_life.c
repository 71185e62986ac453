/* tests/unit/test_engine_life.c - starts, stops, the network, credentials, expressions; scripted. */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/write.h"

#define KEY(id) "[\"" id "\"]"

/* U-24 */
static void a_start_tells_its_events_in_the_documented_order(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t conn;

	(void)st;
	rig_start(r);
	assert_string_equal(r->events, "storageSubscribed outboxStatus realtime ");
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	conn = rig_connect(r, 300000);
	assert_int_equal(rig_count(r, SD_ACT_RT_START, NULL), 6);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0); /* subscriptions first */
	rig_ack_all(r, conn);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "syncPosts"), 1);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "syncComments"), 0); /* its parent first */
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), NULL, r->now);
	rig_page(r, "syncComments", "", NULL, r->now);
	assert_string_equal(r->events,
		"storageSubscribed outboxStatus realtime networkStatus realtime "
		"subscriptionsEstablished syncQueriesStarted modelSynced modelSynced "
		"syncQueriesReady ready ");
	assert_non_null(strstr(r->last, "\"failed\":[]"));
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"a\"");
	assert_true(sd_engine_idle(r->en));
	RIG(r, sd_engine_start(r->en, r->now, &r->e)); /* harmless when running: R-039 */
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	rig_free(r);
}

/* U-15, U-11 */
static void losing_and_finding_the_network_is_told_once_each_and_leads_to_a_delta(void **st)
{
	struct rig *r = rig_synced(1795371000000);
	struct sd_engine_status s;

	(void)st;
	r->events[0] = '\0';
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_fail(r, "syncPosts", false, "Could not connect to server");
	assert_non_null(strstr(r->events, "networkStatus"));
	assert_non_null(rig_find(r, SD_ACT_EVENT, "\"networkStatus\""));
	sd_engine_status(r->en, &s);
	assert_false(s.active);
	assert_int_equal(s.phase, SD_PHASE_OFFLINE);
	assert_string_equal(s.last_failure, "Could not connect to server");
	assert_true(s.tcp_ok_ms > 0 && s.offline_since_ms == r->now);
	assert_false(sd_engine_idle(r->en));
	for (int i = 0; i < 4; i++) { /* it knocks with one request at a time */
		rig_wait(r, 12000);
		assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 1);
		rig_fail(r, "sync", false, "Could not connect to server");
	}
	r->events[0] = '\0';
	rig_wait(r, 12000);
	rig_page(r, "syncPosts", RIG_POST("p9", "meanwhile", 1), NULL, 1795371200000);
	assert_memory_equal(r->events, "networkStatus ", 14);
	assert_string_equal(rig_value(r, "Post", KEY("p9"), "title"), "\"meanwhile\"");
	/* a socket silent all along is not trusted: a new one, and a run of everything behind it */
	rig_live(r);
	rig_page(r, "syncPosts", "", NULL, 1795371200000);
	rig_page(r, "syncComments", "", NULL, 1795371200000);
	assert_true(sd_engine_idle(r->en));
	assert_null(strstr(r->events, " ready ")); /* ready is told once a start */
	assert_non_null(strstr(r->events, "syncQueriesReady"));
	sd_engine_status(r->en, &s);
	assert_true(s.active);
	rig_free(r);
}

/* one lost answer is not being offline */
static void one_lost_answer_is_retried_without_going_offline(void **st)
{
	struct rig *r = rig_online();
	struct sd_engine_status s;

	(void)st;
	rig_fail(r, "syncPosts", true, "Recv failure: Connection reset by peer");
	sd_engine_status(r->en, &s);
	assert_true(s.active);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_wait(r, 1000);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_free(r);
}

/* the wall clock is the person's to set */
static void a_clock_set_back_ends_the_waits_instead_of_stretching_them(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_reply_status(r, "syncPosts", 503, "");
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	r->now -= 3600000;
	RIG(r, sd_engine_tick(r->en, r->now, &r->e));
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	rig_free(r);
}

/* U-33, U-15 */
static void the_switch_cuts_at_once_and_back_on_catches_up(void **st)
{
	struct rig *r = rig_online();
	uint64_t id;

	(void)st;
	id = rig_find(r, SD_ACT_HTTP, "syncPosts")->id;
	RIG(r, sd_engine_network(r->en, false, r->now, &r->e));
	assert_int_equal(rig_find(r, SD_ACT_HTTP_CANCEL, NULL)->id, id);
	assert_non_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	assert_int_equal(sd_engine_deadline(r->en), INT64_MAX);
	rig_forget(r, SD_ACT_HTTP);
	r->events[0] = '\0';
	RIG(r, sd_engine_network(r->en, true, r->now, &r->e));
	rig_live(r);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	assert_string_equal(r->events,
		"realtime networkStatus realtime subscriptionsEstablished syncQueriesStarted ");
	rig_free(r);
}

/* */
static void a_stop_closes_everything_and_a_start_catches_up(void **st)
{
	struct rig *r = rig_synced(1795371000000);

	(void)st;
	RIG(r, sd_engine_stop(r->en, r->now, &r->e));
	assert_non_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	rig_wait(r, 600000);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	RIG(r, sd_engine_start(r->en, r->now, &r->e));
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_free(r);
}

/* U-22 */
static void an_expression_filters_requests_and_its_change_forces_a_base_run(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	const struct sd_model *m = sd_schema_model(r->schema, "Post");
	struct sd_pred *five = NULL, *one = NULL;
	struct sd_sync_state s;

	(void)st;
	assert_int_equal(sd_pred_parse(r->schema, m, "rating > 5", &five, &r->e), SD_OK);
	assert_int_equal(sd_pred_parse(r->schema, m, "rating > 1", &one, &r->e), SD_OK);
	r->models[m->id].expression = five;
	rig_start(r);
	rig_live(r);
	assert_string_equal(
		rig_variable(r, "syncPosts", "filter"), "{\"and\":[{\"rating\":{\"gt\":5}}]}");
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	assert_string_equal(
		rig_variable(r, "syncPosts", "filter"), "{\"and\":[{\"rating\":{\"gt\":5}}]}");
	r->models[m->id].expression = one;
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	s = rig_sync_state(r, "Post");
	assert_string_equal(s.why, "the sync expression changed");
	sd_sync_state_release(&s);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	sd_engine_free(r->en);
	r->en = NULL;
	sd_pred_free(five);
	sd_pred_free(one);
	rig_free(r);
}

#define RATED(id, rating, version)                                                                 \
	"{\"id\":\"" id "\",\"title\":\"t\",\"rating\":" #rating ",\"createdAt\":"                 \
	"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":" #version   \
	",\"_lastChangedAt\":1795370000000,\"_deleted\":null}"

/* Starts anew with this expression; the base run brings rows. */
static void rescope(struct rig *r, struct sd_pred **p, const char *text, const char *rows)
{
	const struct sd_model *m = sd_schema_model(r->schema, "Post");
	struct sd_pred *next = NULL;

	assert_int_equal(sd_pred_parse(r->schema, m, text, &next, &r->e), SD_OK);
	r->models[m->id].expression = next;
	if (r->en)
		rig_restart(r);
	else
		rig_start(r);
	sd_pred_free(*p);
	*p = next;
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", rows, NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
}

/* client.md 11 #19 */
static void a_narrower_expression_keeps_rows_outside_it_and_a_wider_one_adds(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_pred *p = NULL;

	(void)st;
	rescope(r, &p, "rating > 5", RATED("p6", 6, 1) "," RATED("p9", 9, 1));
	rescope(r, &p, "rating > 8", RATED("p9", 9, 1));
	assert_int_equal(rig_rows(r, "Post"), 2); /* p6 stays */
	/* within the expression the server's word counts, outside it says nothing */
	RIG(r, sd_engine_resync(r->en, NULL, true, r->now, &r->e));
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	assert_string_equal(rig_value(r, "Post", KEY("p6"), "rating"), "6");
	assert_string_equal(rig_value(r, "Post", KEY("p9"), "rating"), "-");
	rescope(r, &p, "rating > 1", RATED("p6", 6, 1) "," RATED("p2", 2, 1));
	assert_int_equal(rig_rows(r, "Post"), 2);
	rescope(r, &p, "all", RATED("p6", 6, 1) "," RATED("p2", 2, 1) "," RATED("p0", 0, 1));
	assert_int_equal(rig_rows(r, "Post"), 3);
	sd_engine_free(r->en);
	r->en = NULL;
	sd_pred_free(p);
	rig_free(r);
}

/* */
static void no_request_goes_out_before_the_expressions_command_answers(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	const struct sd_model *m = sd_schema_model(r->schema, "Post");
	struct sd_action *a;
	uint64_t id;

	(void)st;
	r->models[m->id].expression_command = "slow";
	rig_start(r);
	a = rig_find(r, SD_ACT_COMMAND, "slow");
	assert_non_null(a);
	id = a->id;
	rig_done(a);
	rig_wait(r, 3000);
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	RIG(r, sd_engine_command_done(r->en, id, "rating > 7\n", NULL, r->now, &r->e));
	rig_live(r);
	assert_string_equal(
		rig_variable(r, "syncPosts", "filter"), "{\"and\":[{\"rating\":{\"gt\":7}}]}");
	rig_free(r);
}

/* what fails does not widen what is fetched */
static void a_failed_expression_command_fetches_nothing_of_its_model(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	const struct sd_model *m = sd_schema_model(r->schema, "Comment");
	struct sd_action *a;

	(void)st;
	r->models[m->id].expression_command = "broken";
	rig_start(r);
	a = rig_find(r, SD_ACT_COMMAND, NULL);
	RIG(r, sd_engine_command_done(r->en, a->id, NULL, "exit 3", r->now, &r->e));
	rig_done(rig_find(r, SD_ACT_COMMAND, NULL));
	rig_live(r);
	rig_page(r, "syncPosts", "", NULL, 5000);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncComments"));
	assert_non_null(strstr(r->last, "\"failed\":[\"Comment\"]"));
	rig_wait(r, 301000);
	assert_non_null(rig_find(r, SD_ACT_COMMAND, "broken")); /* asked again */
	rig_free(r);
}

/* R-113 (found by the simulation): the wait for the next try ended with the network, and the
 * command was never asked again */
static void a_failed_expression_command_is_asked_again_when_the_network_returns(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	const struct sd_model *m = sd_schema_model(r->schema, "Comment");
	struct sd_action *a;

	(void)st;
	r->models[m->id].expression_command = "broken";
	rig_start(r);
	a = rig_find(r, SD_ACT_COMMAND, NULL);
	RIG(r, sd_engine_command_done(r->en, a->id, NULL, "exit 3", r->now, &r->e));
	rig_done(rig_find(r, SD_ACT_COMMAND, NULL));
	rig_live(r);
	RIG(r, sd_engine_network(r->en, false, r->now, &r->e));
	RIG(r, sd_engine_network(r->en, true, r->now, &r->e));
	rig_wait(r, 1000);
	assert_non_null(rig_find(r, SD_ACT_COMMAND, "broken"));
	rig_free(r);
}

/* */
static void a_mode_that_is_denied_gives_way_to_the_next_and_the_rest_goes_on(void **st)
{
	struct rig *r = rig_new("type A @model @auth(rules: [{allow: owner}, {allow: public}]) "
				"{ id: ID! }\n"
				"type B @model @auth(rules: [{allow: public}]) { id: ID! }\n");
	static const char NO[] =
		"{\"data\":{\"syncAS\":null},\"errors\":[{\"path\":[\"syncAS\"],\"errorType\":"
		"\"Unauthorized\",\"message\":\"Not Authorized to access syncAS on type Query\"}]}";
	struct cJSON *claims = sd_json_object();
	struct sd_sync_state s;

	(void)st;
	r->auth = SD_AUTH_MULTI;
	r->modes[0] = SD_AUTH_USER_POOL;
	r->modes[1] = SD_AUTH_API_KEY;
	r->mode_count = 2;
	sd_json_add_str(claims, "cognito:username", "u1");
	rig_engine(r);
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	sd_json_free(claims);
	rig_start(r);
	rig_live(r);
	assert_int_equal(rig_find(r, SD_ACT_HTTP, "syncAS")->mode, SD_AUTH_USER_POOL);
	assert_int_equal(rig_find(r, SD_ACT_HTTP, "syncBS")->mode, SD_AUTH_API_KEY);
	rig_reply(r, "syncAS", NO);
	assert_int_equal(rig_find(r, SD_ACT_HTTP, "syncAS")->mode, SD_AUTH_API_KEY);
	rig_reply(r, "syncAS", NO);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncAS"));
	s = rig_sync_state(r, "A");
	assert_int_equal(s.kind, SD_SYNC_FAILED);
	assert_non_null(strstr(s.error, "not authorised"));
	sd_sync_state_release(&s);
	rig_page(r, "syncBS", "", NULL, 5000);
	assert_non_null(strstr(r->last, "\"failed\":[\"A\"]"));
	rig_free(r);
}

/* */
static void without_a_session_only_public_rules_are_tried(void **st)
{
	struct rig *r = rig_new("type A @model @auth(rules: [{allow: owner}]) { id: ID! }\n"
				"type B @model @auth(rules: [{allow: public}]) { id: ID! }\n");

	(void)st;
	r->auth = SD_AUTH_MULTI;
	r->modes[0] = SD_AUTH_USER_POOL;
	r->modes[1] = SD_AUTH_API_KEY;
	r->mode_count = 2;
	rig_start(r);
	rig_live(r);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncAS"));
	rig_page(r, "syncBS", "", NULL, 5000);
	assert_non_null(strstr(r->last, "\"failed\":[\"A\"]"));
	rig_free(r);
}

/* U-19, R-101 */
static void refused_credentials_pause_everything_and_are_asked_for_once(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_engine_status s;
	struct cJSON *claims = sd_json_object();

	(void)st;
	r->auth = r->modes[0] = SD_AUTH_USER_POOL;
	rig_engine(r);
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	rig_start(r);
	rig_live(r);
	rig_reply_status(r, "syncPosts", 401,
		"{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"Token has "
		"expired.\"}]}");
	assert_int_equal(rig_count(r, SD_ACT_REFRESH, NULL), 1);
	sd_engine_status(r->en, &s);
	assert_true(s.signed_in_needed && s.active);
	rig_wait(r, 60000);
	assert_int_equal(rig_count(r, SD_ACT_REFRESH, NULL), 1);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, NULL), 0);
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	rig_live(r); /* with the new token */
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_page(r, "syncPosts", "", NULL, 5000);
	sd_engine_status(r->en, &s);
	assert_false(s.signed_in_needed);
	sd_json_free(claims);
	rig_free(r);
}

static void save(struct rig *r, const char *model, const char *fields)
{
	struct sd_write_env env = {.now_ms = r->now, .rand = &r->rand};
	struct cJSON *f = NULL;

	assert_int_equal(sd_json_parse(fields, strlen(fields), "fields", &f, &r->e), SD_OK);
	RIG(r, sd_write_save(r->store, sd_schema_model(r->schema, model), SD_SAVE_UPSERT, f, NULL,
		       &env, NULL, NULL, &r->e));
	sd_json_free(f);
	if (r->en)
		RIG(r, sd_engine_store_changed(r->en, r->now, &r->e));
}

/* a model's unsent changes go after its own run, not after everybody's */
static void a_models_outbox_waits_for_its_own_run_only(void **st)
{
	struct rig *r = rig_new(RIG_SDL);

	(void)st;
	rig_engine(r);
	save(r, "Post", "{\"id\":\"p1\",\"title\":\"made offline\"}");
	save(r, "Comment", "{\"id\":\"c1\",\"postId\":\"p1\"}");
	rig_start(r);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "\"isEmpty\":false"), 1);
	rig_live(r);
	assert_null(rig_find(r, SD_ACT_HTTP, "mutation"));
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "createPost"));
	assert_null(rig_find(r, SD_ACT_HTTP, "createComment"));
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	assert_null(rig_find(r, SD_ACT_HTTP, "createComment")); /* its parent is not there yet */
	rig_reply(r, "createPost",
		"{\"data\":{\"createPost\":{\"id\":\"p1\",\"title\":\"made "
		"offline\",\"rating\":null,"
		"\"createdAt\":\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\","
		"\"_version\":1,\"_lastChangedAt\":1795371000100,\"_deleted\":null}}}");
	assert_non_null(rig_find(r, SD_ACT_HTTP, "createComment"));
	assert_false(sd_engine_idle(r->en));
	rig_free(r);
}

/* */
static void a_page_never_overwrites_an_unsent_edit(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "old", 1), NULL, 1795371000000);
	save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}");
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	RIG(r, sd_engine_resync(r->en, sd_schema_model(r->schema, "Post"), false, r->now, &r->e));
	rig_page(r, "syncPosts", RIG_POST("p1", "theirs", 2), NULL, 1795371100000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"mine\"");
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_tells_its_events_in_the_documented_order),
		cmocka_unit_test(
			losing_and_finding_the_network_is_told_once_each_and_leads_to_a_delta),
		cmocka_unit_test(one_lost_answer_is_retried_without_going_offline),
		cmocka_unit_test(a_clock_set_back_ends_the_waits_instead_of_stretching_them),
		cmocka_unit_test(the_switch_cuts_at_once_and_back_on_catches_up),
		cmocka_unit_test(a_stop_closes_everything_and_a_start_catches_up),
		cmocka_unit_test(an_expression_filters_requests_and_its_change_forces_a_base_run),
		cmocka_unit_test(a_narrower_expression_keeps_rows_outside_it_and_a_wider_one_adds),
		cmocka_unit_test(no_request_goes_out_before_the_expressions_command_answers),
		cmocka_unit_test(a_failed_expression_command_fetches_nothing_of_its_model),
		cmocka_unit_test(
			a_failed_expression_command_is_asked_again_when_the_network_returns),
		cmocka_unit_test(a_mode_that_is_denied_gives_way_to_the_next_and_the_rest_goes_on),
		cmocka_unit_test(without_a_session_only_public_rules_are_tried),
		cmocka_unit_test(refused_credentials_pause_everything_and_are_asked_for_once),
		cmocka_unit_test(a_models_outbox_waits_for_its_own_run_only),
		cmocka_unit_test(a_page_never_overwrites_an_unsent_edit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
