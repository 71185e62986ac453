/* tests/unit/test_engine_pull.c - base and delta runs, pages, failures; scripted. */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"

#define KEY(id) "[\"" id "\"]"

/* U-13 */
static void a_base_run_asks_page_after_page_one_ahead(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_action *a;
	struct sd_sync_state s;

	(void)st;
	r->set.page_size = 10;
	rig_start(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "10");
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "null");
	assert_string_equal(rig_variable(r, "syncPosts", "filter"), "null");
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 5000);
	a = rig_find(r, SD_ACT_HTTP, "syncPosts");
	assert_non_null(a);
	assert_true(a->early); /* may go out before the page is committed */
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "syncPosts"), 1);
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	s = rig_sync_state(r, "Post");
	assert_string_equal(s.page_token, "T2"); /* saved with the rows it follows */
	assert_int_equal(rig_rows(r, "Post"), 1);
	sd_sync_state_release(&s);
	rig_page(r, "syncPosts", "", "T3", 5000); /* an empty page is not the end */
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 5000);
	assert_int_equal(rig_rows(r, "Post"), 2);
	s = rig_sync_state(r, "Post");
	assert_null(s.page_token);
	assert_int_equal(s.kind, SD_SYNC_FULL);
	assert_int_equal(s.new_rows, 2);
	sd_sync_state_release(&s);
	rig_free(r);
}

static bool newest_run(void *ctx, const struct sd_journal *j)
{
	snprintf(ctx, 200, "%s: %s", j->model->name, j->text);
	return false;
}

/* U-28 */
static void the_next_start_asks_since_the_first_page_of_the_last_run(void **st)
{
	struct rig *r = rig_online();
	struct sd_sync_state s;
	char text[200] = "";

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1) "," RIG_POST("p2", "b", 1), "T2",
		1795371000000);
	/* some servers name another moment on later pages: it is not the one to ask from */
	rig_page(r, "syncPosts", RIG_POST("p3", "c", 1), NULL, 1795371999000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts",
		RIG_POST("p4", "d", 1) "," RIG_POST("p1", "A", 2) "," RIG_GONE("p2", 2), NULL,
		1795372000000);
	assert_non_null(strstr(r->events, "modelSynced"));
	assert_int_equal(rig_rows(r, "Post"), 3);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"A\"");
	assert_string_equal(rig_value(r, "Post", KEY("p2"), "title"), "-");
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_DELTA);
	assert_int_equal(s.new_rows, 1);
	assert_int_equal(s.updated_rows, 1);
	assert_int_equal(s.deleted_rows, 1);
	assert_string_equal(s.why, "start");
	sd_sync_state_release(&s);
	assert_int_equal(sd_journal_recent(r->store, SD_J_SYNC, 1, newest_run, text, &r->e), SD_OK);
	assert_string_equal(text, "Post: delta sync ended (start): 1 new, 1 updated, 1 deleted");
	rig_free(r);
}

/* a server that names its time on the last page only, and means that page: what changed since
 * the first one was asked for is asked for again */
static void a_start_named_on_the_last_page_is_carried_back_to_the_first(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":{\"items\":[" RIG_POST(
			"p1", "a", 1) "],\"nextToken\":\"T2\",\"startedAt\":null}}}");
	rig_wait(r, 4000);
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 1795371009000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371005000");
	rig_free(r);
}

/* ... and when an earlier process asked for the first page, nobody knows: no mark */
static void a_start_that_cannot_be_known_is_no_mark(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":{\"items\":[" RIG_POST(
			"p1", "a", 1) "],\"nextToken\":\"T2\",\"startedAt\":null}}}");
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 1795371009000);
	/* the run that follows one cut off */
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_free(r);
}

/* */
static void a_base_run_comes_again_after_the_full_interval(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_sync_state s;

	(void)st;
	r->set.full_interval_ms = 60000;
	rig_start(r);
	rig_live(r);
	rig_page(r, "syncPosts", "", NULL, r->now);
	rig_page(r, "syncComments", "", NULL, r->now);
	r->now += 61000;
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", "", NULL, r->now);
	s = rig_sync_state(r, "Post");
	assert_non_null(strstr(s.why, "full_interval"));
	sd_sync_state_release(&s);
	rig_page(r, "syncComments", "", NULL, r->now);
	/* and by itself while running */
	r->now += 60001;
	RIG(r, sd_engine_tick(r->en, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_free(r);
}

/* U-13, S8.3 */
static void a_run_cut_off_goes_on_from_the_saved_page(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 1795371000000);
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 1795371000000);
	assert_int_equal(rig_rows(r, "Post"), 2);
	/* nobody listened in between: a delta from the run's beginning follows */
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", RIG_POST("p1", "changed", 2), NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"changed\"");
	rig_free(r);
}

/* Found by the simulation: the service forgets its log of changes while the machine sleeps between
 * two pages of a delta, and the second page lacks them without a word. */
static void a_delta_whose_pages_are_far_apart_begins_anew(void **st)
{
	struct rig *r = rig_online();
	struct sd_sync_state s;

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	for (int i = 0; i < 4; i++) {
		assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "null");
		assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
		rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), "T2", 1795371100000);
		assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
		r->now += 4000000;
		rig_page(r, "syncPosts", "", NULL, 1795371100000);
	}
	/* not for ever: the pages of a base run may wait */
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.last_sync_ms, 1795371000000);
	assert_string_equal(s.why, "the pages of the last one were too far apart");
	sd_sync_state_release(&s);
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 1795371200000);
	r->now += 4000000;
	rig_page(r, "syncPosts", RIG_POST("p3", "c", 1), NULL, 1795371200000);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FULL);
	assert_int_equal(s.last_sync_ms, 1795371200000);
	sd_sync_state_release(&s);
	rig_free(r);
}

/* U-13: a token the server forgot */
static void a_saved_page_the_server_forgot_starts_the_run_over(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 1795371000000);
	rig_restart(r);
	rig_live(r);
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\"],"
		"\"errorType\":\"BadRequest\",\"message\":\"Invalid nextToken\"}]}");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "null");
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_free(r);
}

/* S8.4, U-13 */
static void a_page_too_large_halves_the_page_size_which_grows_back(void **st)
{
	struct rig *r = rig_new(RIG_SDL);

	(void)st;
	r->set.page_size = 100;
	rig_start(r);
	rig_live(r);
	rig_reply_status(r, "syncPosts", 413, "too large");
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "50");
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 5000);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "50");
	rig_page(r, "syncPosts", "", "T3", 5000);
	rig_page(r, "syncPosts", "", "T4", 5000);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "100");
	rig_reply_status(r, "syncPosts", 413, "too large");
	r->set.page_size = 10; /* the person's word is the upper bound: R-043 */
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "10");
	rig_free(r);
}

/* U-10 */
static void a_page_lost_whole_is_asked_for_in_halves(void **st)
{
	struct rig *r = rig_new(RIG_SDL);

	(void)st;
	r->set.page_size = 4;
	rig_start(r);
	rig_live(r);
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\",\"items\",2],"
		"\"message\":\"Cannot return null for non-nullable type: 'Post' within parent "
		"'ModelPostConnection' (/syncPosts/items[2])\"}]}");
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "2");
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1) "," RIG_POST("p2", "b", 1), "T2", 5000);
	assert_int_equal(rig_rows(r, "Post"), 2); /* what is good is here */
	rig_reply(r, "syncPosts", "{\"data\":{\"syncPosts\":{\"items\":[{\"id\":\"p3\",");
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts")); /* a cut answer: fewer, and later */
	rig_wait(r, 1000);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "1");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	rig_free(r);
}

/* X-12, U-10, S8.5 */
static void a_page_with_bad_rows_keeps_the_good_ones_and_names_the_bad(void **st)
{
	struct rig *r = rig_online();
	const struct sd_model *m = sd_schema_model(r->schema, "Post");
	struct cJSON *list = sd_json_array(), *x;
	int64_t n = 0;

	(void)st;
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":{\"items\":[" RIG_POST("p1", "a", 1) ",null," RIG_POST(
			"p3", "c", 1) ",{\"id\":\"p4\",\"title\":\"x\",\"rating\":\"many\","
				      "\"createdAt\":\"2026-11-22T00:00:00Z\",\"updatedAt\":"
				      "\"2026-11-22T00:00:00Z\",\"_version\":1,"
				      "\"_lastChangedAt\":1,\"_deleted\":null}],"
				      "\"nextToken\":null,\"startedAt\":5000}},\"errors\":[{"
				      "\"path\":[\"syncPosts\",\"items\",1,\"title\"],"
				      "\"message\":\"Cannot return null for non-nullable type: "
				      "'String' within parent 'Post' (/syncPosts/items[1]/"
				      "title)\"}]}");
	assert_int_equal(rig_rows(r, "Post"), 2);
	assert_int_equal(sd_quarantine_count(r->store, m, &n, &r->e), SD_OK);
	assert_int_equal(n, 2);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "nonApplicableDataReceived"), 2);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "syncPosts/items/1/title"), 1);
	assert_int_equal(sd_quarantine_list(r->store, m, list, &r->e), SD_OK);
	for (x = sd_json_child(list); x; x = sd_json_next(x))
		if (sd_json_is_string(sd_json_get(x, "path")) &&
			strstr(sd_json_get_str(x, "path"), "rating"))
			break;
	assert_non_null(x);
	assert_string_equal(sd_json_get_str(x, "raw"), "\"many\"");
	sd_json_free(list);
	rig_page(r, "syncComments", "", NULL, 5000); /* and sync goes on */
	assert_non_null(strstr(r->events, " ready "));
	/* a base run begins with none that nobody can name, and what comes whole is cured */
	RIG(r, sd_engine_resync(r->en, m, true, r->now, &r->e));
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1) "," RIG_POST("p4", "x", 1), NULL, 5000);
	assert_int_equal(sd_quarantine_count(r->store, m, &n, &r->e), SD_OK);
	assert_int_equal(n, 0);
	assert_int_equal(rig_rows(r, "Post"), 2); /* p3 is gone from the server */
	rig_free(r);
}

/* U-10 (found by the simulation): a row that the server could not read in a delta comes again with
 * the next one; the mark must not pass it */
static void a_row_missing_from_a_delta_is_asked_for_again(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":{\"items\":[null],\"nextToken\":null,"
		"\"startedAt\":1795371100000}},\"errors\":[{\"path\":[\"syncPosts\",\"items\","
		"0,\"title\"],\"message\":\"Cannot return null for non-nullable type\"}]}");
	rig_page(r, "syncComments", "", NULL, 1795371100000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", RIG_POST("p1", "new", 2), NULL, 1795371200000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"new\"");
	rig_page(r, "syncComments", "", NULL, 1795371200000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371200000");
	rig_free(r);
}

/* R-086, U-10 */
static void a_failing_model_is_retried_and_holds_up_nobody_else(void **st)
{
	struct rig *r = rig_new("type A @model @auth(rules: [{allow: public}]) { id: ID! }\n"
				"type B @model @auth(rules: [{allow: public}]) { id: ID! }\n");
	struct sd_engine_status s;
	struct sd_sync_state saved;

	(void)st;
	rig_start(r);
	rig_live(r);
	rig_page(r, "syncBS", "", NULL, 5000);
	for (int i = 0; i < 3; i++) {
		rig_reply_status(r, "syncAS", 503, "<html>busy</html>");
		assert_null(rig_find(r, SD_ACT_HTTP, "syncAS")); /* not at once */
		if (i < 2)
			rig_wait(r, 2000);
	}
	assert_string_equal(
		strstr(r->events, "modelSynced"), "modelSynced syncQueriesReady ready ");
	assert_non_null(strstr(r->last, "\"failed\":[\"A\"]"));
	saved = rig_sync_state(r, "A");
	assert_int_equal(saved.kind, SD_SYNC_FAILED);
	assert_int_equal(saved.failures, 3);
	assert_non_null(strstr(saved.error, "503"));
	sd_sync_state_release(&saved);
	rig_wait(r, 10000);
	rig_page(r, "syncAS",
		"{\"id\":\"a1\",\"_version\":1,\"_lastChangedAt\":1,\"_deleted\":null,"
		"\"createdAt\":\"2026-11-22T00:00:00Z\",\"updatedAt\":"
		"\"2026-11-22T00:00:00Z\"}",
		NULL, 5000);
	assert_int_equal(rig_rows(r, "A"), 1);
	sd_engine_status(r->en, &s);
	assert_int_equal(s.models_synced, 2);
	rig_free(r);
}

/* */
static void a_complete_base_run_removes_what_the_server_no_longer_has(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1) "," RIG_POST("p2", "b", 1), NULL,
		1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	RIG(r, sd_engine_resync(r->en, NULL, true, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 1795371100000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "-");
	assert_string_equal(rig_value(r, "Post", KEY("p2"), "title"), "\"b\"");
	rig_free(r);
}

/* R-044, U-29 */
static void a_cap_shows_and_never_moves_the_mark(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_sync_state s;

	(void)st;
	r->set.max_records = 2;
	rig_start(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "2");
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1) "," RIG_GONE("p0", 3), "T2", 1795371000000);
	assert_string_equal(
		rig_variable(r, "syncPosts", "limit"), "1"); /* tombstones do not count */
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), "T3", 1795371000000);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	assert_int_equal(rig_rows(r, "Post"), 2);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_CAPPED);
	assert_int_equal(s.last_sync_ms, 0);
	sd_sync_state_release(&s);
	assert_non_null(strstr(r->last, "\"capped\":[\"Post\"]"));
	/* a gap costs a delta of what is here, not another base run; the cap holds */
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", RIG_POST("p1", "new", 2) "," RIG_POST("p3", "c", 1), NULL,
		1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"new\"");
	assert_string_equal(rig_value(r, "Post", KEY("p3"), "title"), "-");
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_CAPPED);
	assert_int_equal(s.last_sync_ms, 0); /* what was never fetched is not passed by */
	assert_int_equal(s.last_full_ms, 0);
	sd_sync_state_release(&s);
	rig_page(r, "syncComments", "", NULL, 1795371500000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371500000");
	rig_page(r, "syncPosts", "", NULL, 1795371600000);
	/* without the cap everything comes */
	r->set.max_records = 0;
	rig_restart(r);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts",
		RIG_POST("p1", "new", 2) "," RIG_POST("p2", "b", 1) "," RIG_POST("p3", "c", 1),
		NULL, 1795372000000);
	assert_int_equal(rig_rows(r, "Post"), 3);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FULL);
	assert_int_equal(s.last_sync_ms, 1795372000000);
	sd_sync_state_release(&s);
	rig_free(r);
}

/* */
static void a_backend_without_conflict_detection_is_named_as_such(void **st)
{
	struct rig *r = rig_online();
	struct sd_sync_state s;

	(void)st;
	rig_reply(r, "syncPosts",
		"{\"data\":null,\"errors\":[{\"path\":null,\"locations\":[{\"line\":1,\"column\":2}"
		"],"
		"\"message\":\"Validation error of type FieldUndefined: Field 'syncPosts' in type "
		"'Query' is undefined @ 'syncPosts'\"}]}");
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FAILED);
	assert_non_null(strstr(s.error, "conflict detection"));
	sd_sync_state_release(&s);
	rig_free(r);
}

/* sync.concurrency */
static void no_more_models_run_at_once_than_allowed(void **st)
{
	struct rig *r = rig_new("type A @model @auth(rules: [{allow: public}]) { id: ID! }\n"
				"type B @model @auth(rules: [{allow: public}]) { id: ID! }\n"
				"type C @model @auth(rules: [{allow: public}]) { id: ID! }\n");

	(void)st;
	r->set.sync_concurrency = 2;
	rig_start(r);
	rig_live(r);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "sync"), 2);
	rig_page(r, "syncAS", "", NULL, 5000);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "sync"), 2);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncCS"));
	rig_free(r);
}

/* client.md 11 #17 */
static void a_server_clock_that_went_back_forces_a_base_run(void **st)
{
	struct rig *r = rig_synced(1795371000000);

	(void)st;
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", "", NULL, 1795370000000);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_base_run_asks_page_after_page_one_ahead),
		cmocka_unit_test(the_next_start_asks_since_the_first_page_of_the_last_run),
		cmocka_unit_test(a_start_named_on_the_last_page_is_carried_back_to_the_first),
		cmocka_unit_test(a_start_that_cannot_be_known_is_no_mark),
		cmocka_unit_test(a_base_run_comes_again_after_the_full_interval),
		cmocka_unit_test(a_run_cut_off_goes_on_from_the_saved_page),
		cmocka_unit_test(a_saved_page_the_server_forgot_starts_the_run_over),
		cmocka_unit_test(a_page_too_large_halves_the_page_size_which_grows_back),
		cmocka_unit_test(a_page_lost_whole_is_asked_for_in_halves),
		cmocka_unit_test(a_page_with_bad_rows_keeps_the_good_ones_and_names_the_bad),
		cmocka_unit_test(a_delta_whose_pages_are_far_apart_begins_anew),
		cmocka_unit_test(a_row_missing_from_a_delta_is_asked_for_again),
		cmocka_unit_test(a_failing_model_is_retried_and_holds_up_nobody_else),
		cmocka_unit_test(a_complete_base_run_removes_what_the_server_no_longer_has),
		cmocka_unit_test(a_cap_shows_and_never_moves_the_mark),
		cmocka_unit_test(a_backend_without_conflict_detection_is_named_as_such),
		cmocka_unit_test(no_more_models_run_at_once_than_allowed),
		cmocka_unit_test(a_server_clock_that_went_back_forces_a_base_run),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
