/* tests/unit/test_engine_isolate.c - records that take their whole page with them (U-10). */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/conflict.h"

#define KEY(id) "[\"" id "\"]"

/* One record of the quarantine of Post as "key path raw reason"; the number there are. */
static int64_t quarantined(struct rig *r, char *text, size_t room)
{
	struct cJSON *list = sd_json_array(), *x;
	int64_t n = 0;

	assert_int_equal(
		sd_quarantine_list(r->store, sd_schema_model(r->schema, "Post"), list, &r->e),
		SD_OK);
	for (x = sd_json_child(list); x; x = sd_json_next(x), n++) {
		char *key = sd_json_text(sd_json_get(x, "key"));
		snprintf(text, room, "%s %s %s %s", key, sd_json_get_str(x, "path"),
			sd_json_get_str(x, "raw"), sd_json_get_str(x, "reason"));
		free(key);
	}
	sd_json_free(list);
	return n;
}

#define NULL_TITLE                                                                                 \
	"{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\",\"items\",0,"         \
	"\"title\"],"                                                                              \
	"\"message\":\"Cannot return null for non-nullable type\"}]}"

/* U-10: a record that takes its page with it is found, set aside, and passed */
static void a_record_that_breaks_its_page_is_set_aside_and_the_rest_arrives(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_sync_state s;
	struct sd_action *a;
	char text[512] = "";

	(void)st;
	r->set.page_size = 2;
	rig_start(r);
	rig_live(r);
	rig_reply(r, "syncPosts", NULL_TITLE);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "1");
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 1795371000000);
	rig_reply(r, "syncPosts", NULL_TITLE); /* so it is the second one */
	a = rig_find(r, SD_ACT_HTTP, "syncPosts");
	assert_non_null(strstr(a->text, "items { id _version _lastChangedAt _deleted } nextToken "
					"startedAt } }"));
	assert_null(strstr(a->text, "title"));
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "1");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	rig_page(r, "syncPosts",
		"{\"id\":\"p2\",\"_version\":3,\"_lastChangedAt\":1795370000000,\"_deleted\":null}",
		"T3", 1795371000000);
	/* the whole page size is back, the whole selection too */
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "2");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T3\"");
	assert_non_null(strstr(rig_find(r, SD_ACT_HTTP, "syncPosts")->text, "title"));
	rig_page(r, "syncPosts", RIG_POST("p3", "c", 1), NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	assert_int_equal(rig_rows(r, "Post"), 2);
	assert_int_equal(quarantined(r, text, sizeof text), 1);
	assert_non_null(
		strstr(text, "[\"p2\"] syncPosts/items/0/title {\"id\":\"p2\",\"_version\":3"));
	assert_non_null(strstr(text, "Cannot return null"));
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "nonApplicableDataReceived"), 1);
	assert_non_null(strstr(r->events, " ready "));
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FULL);
	assert_int_equal(s.last_sync_ms, 1795371000000);
	sd_sync_state_release(&s);
	/* when it is repaired on the server it arrives, and nothing is left of it */
	rig_data(r, 1, rig_sub(r, "onUpdatePost"), "onUpdatePost", RIG_POST("p2", "good", 4));
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts", RIG_POST("p2", "good", 4), NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p2"), "title"), "\"good\"");
	assert_int_equal(quarantined(r, text, sizeof text), 0);
	rig_free(r);
}

/* U-10: not even the key can be had; a tombstone needs no more than it */
static void a_record_without_a_readable_key_is_passed_by_its_token(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	char text[512] = "";
	struct sd_action *a;

	(void)st;
	r->set.page_size = 1;
	rig_start(r);
	rig_live(r);
	rig_reply(r, "syncPosts", NULL_TITLE);
	rig_page(r, "syncPosts", RIG_GONE("p0", 2), "T1", 5000);
	assert_int_equal(quarantined(r, text, sizeof text), 0);
	rig_reply(r, "syncPosts", NULL_TITLE);
	rig_reply(r, "syncPosts", NULL_TITLE);
	a = rig_find(r, SD_ACT_HTTP, "syncPosts");
	assert_non_null(strstr(a->text, ") { nextToken startedAt } }"));
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":{\"nextToken\":\"T2\",\"startedAt\":5000}}}");
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 5000);
	assert_int_equal(rig_rows(r, "Post"), 1);
	assert_int_equal(quarantined(r, text, sizeof text), 1);
	assert_memory_equal(text, "null syncPosts/items/0/title null ", 34);
	rig_free(r);
}

/* U-10, R-086: what fails without any record in it fails the model, and says why */
static void a_resolver_that_is_broken_is_no_bad_record(void **st)
{
	static const char broken[] =
		"{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\"],"
		"\"errorType\":\"MappingTemplate\",\"message\":\"it is broken\"}]}";
	struct rig *r = rig_new(RIG_SDL);
	struct sd_sync_state s;
	char text[512];
	int asked = 0;

	(void)st;
	r->set.page_size = 8;
	rig_start(r);
	rig_live(r);
	for (; rig_find(r, SD_ACT_HTTP, "syncPosts"); asked++)
		rig_reply(r, "syncPosts", broken);
	assert_int_equal(asked, 6); /* 8 4 2 1, its key, its token */
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FAILED);
	assert_non_null(strstr(s.error, "it is broken"));
	assert_int_equal(s.page_size, 0); /* smaller pages were no help */
	assert_int_equal(quarantined(r, text, sizeof text), 0);
	sd_sync_state_release(&s);
	rig_free(r);
}

/* Answers pages of Post with a failure until one comes that is small enough; their number. */
static int fail_pages(struct rig *r, int status, const char *body, const char *until)
{
	int asked = 0;

	while (strcmp(rig_variable(r, "syncPosts", "limit"), "1") != 0 ||
		!strstr(rig_find(r, SD_ACT_HTTP, "syncPosts")->text, until)) {
		rig_reply_status(r, "syncPosts", status, body);
		asked++;
		for (int i = 0; i < 100 && !rig_find(r, SD_ACT_HTTP, "syncPosts"); i++)
			rig_wait(r, 1000);
		assert_true(asked < 40);
	}
	return asked;
}

/* U-10: the server fails on a page for ever, with an error that otherwise passes */
static void a_page_that_the_server_stumbles_over_is_cut_down_to_its_record(void **st)
{
	static const struct {
		int status;
		const char *body;
	} FAILURES[] = {
		{200, "{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\"],"
		      "\"errorType\":\"InternalFailure\",\"message\":\"boom\"}]}"},
		{500, "oops"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof FAILURES / sizeof *FAILURES; i++) {
		struct rig *r = rig_new(RIG_SDL);
		struct sd_sync_state s;
		char text[512] = "";

		r->set.page_size = 4;
		rig_start(r);
		rig_live(r);
		fail_pages(r, FAILURES[i].status, FAILURES[i].body,
			"items { id _version _lastChangedAt _deleted } nextToken");
		rig_page(r, "syncPosts",
			"{\"id\":\"p1\",\"_version\":1,\"_lastChangedAt\":5,\"_deleted\":null}",
			"T2", 1795371000000);
		rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 1795371000000);
		rig_page(r, "syncComments", "", NULL, 1795371000000);
		assert_int_equal(rig_rows(r, "Post"), 1);
		assert_int_equal(quarantined(r, text, sizeof text), 1);
		assert_memory_equal(text, "[\"p1\"]", 6);
		s = rig_sync_state(r, "Post");
		assert_int_equal(s.kind, SD_SYNC_FULL);
		sd_sync_state_release(&s);
		rig_free(r);
	}
}

/* One failure is a failure: the page comes whole the next time. */
static void a_page_that_failed_once_is_asked_for_whole(void **st)
{
	struct rig *r = rig_new(RIG_SDL);

	(void)st;
	r->set.page_size = 4;
	rig_start(r);
	rig_live(r);
	rig_reply(r, "syncPosts",
		"{\"data\":{\"syncPosts\":null},\"errors\":[{\"path\":[\"syncPosts\"],"
		"\"errorType\":"
		"\"InternalFailure\",\"message\":\"boom\"}]}");
	rig_wait(r, 1000);
	assert_string_equal(rig_variable(r, "syncPosts", "limit"), "4");
	rig_free(r);
}

/* U-10: a body that does not parse, as one with an invalid value in it */
static void a_garbled_page_is_cut_down_to_its_record_too(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_engine_status status;
	char text[512];

	(void)st;
	r->set.page_size = 4;
	rig_start(r);
	rig_live(r);
	for (int i = 0; i < 5; i++) { /* 4, 2, 1, and twice more to be sure */
		rig_reply(
			r, "syncPosts", "{\"data\":{\"syncPosts\":{\"items\":[{\"id\":\"p1\",nan");
		rig_wait(r, 1000);
	}
	rig_page(r, "syncPosts",
		"{\"id\":\"p1\",\"_version\":1,\"_lastChangedAt\":1,\"_deleted\":null}", "T2",
		5000);
	rig_page(r, "syncPosts", RIG_POST("p2", "b", 1), NULL, 5000);
	rig_page(r, "syncComments", "", NULL, 5000);
	assert_int_equal(rig_rows(r, "Post"), 1);
	assert_int_equal(quarantined(r, text, sizeof text), 1);
	sd_engine_status(r->en, &status);
	assert_int_equal(status.models_synced, 2);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_that_breaks_its_page_is_set_aside_and_the_rest_arrives),
		cmocka_unit_test(a_record_without_a_readable_key_is_passed_by_its_token),
		cmocka_unit_test(a_resolver_that_is_broken_is_no_bad_record),
		cmocka_unit_test(a_page_that_the_server_stumbles_over_is_cut_down_to_its_record),
		cmocka_unit_test(a_page_that_failed_once_is_asked_for_whole),
		cmocka_unit_test(a_garbled_page_is_cut_down_to_its_record_too),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
