/*
 * tests/unit/test_engine_doubt.c - keys that were purged on the server and made again, late words
 * from before, words that cannot be read, and messages of a model whose run has failed; scripted.
 */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/conflict.h"
#include "core/store/write.h"
#include "core/sync/merge.h"

#define KEY(id) "[\"" id "\"]"
#define POST(id, title, version, changed, deleted)                                                 \
	"{\"id\":\"" id "\",\"title\":\"" title "\",\"rating\":1,\"createdAt\":"                   \
	"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":" #version   \
	",\"_lastChangedAt\":" #changed ",\"_deleted\":" #deleted "}"

static struct rig *with_post(const char *item)
{
	struct rig *r = rig_online();

	rig_page(r, "syncPosts", item, NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	return r;
}

static void message(struct rig *r, const char *root, const char *item)
{
	rig_data(r, 1, rig_sub(r, root), root, item);
}

/* client.md 7.2 with server.md 3: the tombstone expired on the server, somebody made the key again;
 * the message alone is not believed, the record is read and is here at once */
static void a_key_made_again_is_read_and_shown(void **st)
{
	struct rig *r = with_post(POST("p1", "old", 3, 1795370001000, true));

	(void)st;
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "-");
	message(r, "onCreatePost", POST("p1", "new", 1, 1795370002000, null));
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "-");
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 1);
	assert_false(sd_engine_idle(r->en));
	/* what is said of it meanwhile is not asked for twice */
	message(r, "onUpdatePost", POST("p1", "newer", 2, 1795370003000, null));
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 1);
	rig_reply(r, "getPost",
		"{\"data\":{\"getPost\":" POST("p1", "newer", 2, 1795370003000, null) "}}");
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"newer\"");
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "_version"), "2");
	assert_true(sd_engine_idle(r->en));
	/* the late ones change nothing and ask for nothing */
	message(r, "onCreatePost", POST("p1", "new", 1, 1795370002000, null));
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 0);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"newer\"");
	rig_free(r);
}

/* ... and a late message of its former life, with a higher version, does not remove it */
static void a_late_delete_of_a_former_life_removes_nothing(void **st)
{
	struct rig *r = with_post(POST("p1", "again", 1, 1795370003000, null));

	(void)st;
	message(r, "onDeletePost", POST("p1", "old", 3, 1795370001000, true));
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"again\"");
	rig_reply(r, "getPost",
		"{\"data\":{\"getPost\":" POST("p1", "again", 1, 1795370003000, null) "}}");
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"again\"");
	assert_true(sd_engine_idle(r->en));
	rig_free(r);
}

/* Within one life of a key: late, doubled, out of order, as ever */
static void late_messages_of_one_life_ask_for_nothing(void **st)
{
	struct rig *r = with_post(POST("p1", "5", 5, 1795370005000, null));

	(void)st;
	message(r, "onUpdatePost", POST("p1", "4", 4, 1795370004000, null));
	message(r, "onUpdatePost", POST("p1", "5", 5, 1795370005000, null));
	message(r, "onCreatePost", POST("p1", "1", 1, 1795370001000, null));
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 0);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"5\"");
	rig_free(r);
}

/* A delta brings it: the mark waits until the record was read, so that a death loses nothing */
static void a_delta_with_a_row_in_doubt_keeps_its_mark(void **st)
{
	struct rig *r = with_post(POST("p1", "old", 3, 1795370001000, true));
	struct sd_sync_state s;

	(void)st;
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts", POST("p1", "new", 1, 1795371002000, null), NULL, 1795371500000);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.last_sync_ms, 1795371000000);
	sd_sync_state_release(&s);
	rig_restart(r); /* it dies before the answer */
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", POST("p1", "new", 1, 1795371002000, null), NULL, 1795371600000);
	rig_reply_status(r, "getPost", 503, "<html>busy</html>");
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 0); /* not at once */
	rig_wait(r, 1000);
	rig_reply(r, "getPost",
		"{\"data\":{\"getPost\":" POST("p1", "new", 1, 1795371002000, null) "}}");
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"new\"");
	rig_page(r, "syncComments", "", NULL, 1795371600000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts", POST("p1", "new", 1, 1795371002000, null), NULL, 1795371700000);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.last_sync_ms, 1795371700000);
	sd_sync_state_release(&s);
	rig_free(r);
}

/* Nobody may read single records: a base run says what there is */
static void a_record_that_may_not_be_read_comes_with_a_base_run(void **st)
{
	struct rig *r = with_post(POST("p1", "old", 3, 1795370001000, true));

	(void)st;
	message(r, "onCreatePost", POST("p1", "new", 1, 1795370002000, null));
	rig_reply(r, "getPost",
		"{\"data\":null,\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"Not "
		"Authorized to access getPost\"}]}");
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", POST("p1", "new", 1, 1795370002000, null), NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"new\"");
	assert_true(sd_engine_idle(r->en));
	rig_free(r);
}

/* A table that was restored: not a request for each record */
static void of_many_records_made_again_a_base_run_brings_all(void **st)
{
	struct rig *r = rig_online();
	struct sd_buf old = SD_BUF_INIT, new = SD_BUF_INIT;

	(void)st;
	for (int i = 0; i < 50; i++) {
		sd_buf_fmt(&old,
			"%s{\"id\":\"p%d\",\"title\":\"old\",\"createdAt\":"
			"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\","
			"\"_version\":3,\"_lastChangedAt\":1795370001000,\"_deleted\":true}",
			i ? "," : "", i);
		sd_buf_fmt(&new,
			"%s{\"id\":\"p%d\",\"title\":\"new\",\"createdAt\":"
			"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\","
			"\"_version\":1,\"_lastChangedAt\":1795370002000,\"_deleted\":null}",
			i ? "," : "", i);
	}
	rig_page(r, "syncPosts", sd_buf_text(&old), NULL, 1795371000000);
	rig_page(r, "syncComments", "", NULL, 1795371000000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts", sd_buf_text(&new), NULL, 1795371500000);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "getPost"), 0);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "0");
	rig_page(r, "syncPosts", sd_buf_text(&new), NULL, 1795371600000);
	assert_int_equal(rig_rows(r, "Post"), 50);
	sd_buf_release(&old);
	sd_buf_release(&new);
	rig_free(r);
}

/* An unsent edit of the former life: the two are compared, though the version is the same */
static void an_edit_of_a_former_life_is_compared_with_the_new_one(void **st)
{
	struct rig *r = with_post(POST("p1", "old", 1, 1795370001000, null));
	struct cJSON *fields = NULL;
	struct sd_write_env env = {r->now, &r->rand};
	static const char edit[] = "{\"id\":\"p1\",\"title\":\"mine\"}";

	(void)st;
	RIG(r, sd_engine_network(r->en, false, r->now, &r->e));
	assert_int_equal(sd_json_parse(edit, strlen(edit), "f", &fields, &r->e), SD_OK);
	rig_begin(r);
	assert_int_equal(sd_write_save(r->store, sd_schema_model(r->schema, "Post"), SD_SAVE_UPDATE,
				 fields, NULL, &env, NULL, NULL, &r->e),
		SD_OK);
	rig_commit(r);
	sd_json_free(fields);
	RIG(r, sd_engine_network(r->en, true, r->now, &r->e));
	rig_live(r);
	rig_page(r, "syncPosts", POST("p1", "theirs", 1, 1795371002000, null), NULL, 1795371500000);
	rig_reply(r, "getPost",
		"{\"data\":{\"getPost\":" POST("p1", "theirs", 1, 1795371002000, null) "}}");
	rig_page(r, "syncComments", "", NULL, 1795371500000);
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "updatePost"), 0);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "\"event\":\"conflict\""), 1);
	/* theirs it is, nothing is left to send, and that is told (found by the simulation) */
	rig_begin(r);
	assert_int_equal(sd_conflict_resolve(r->store, 1, SD_PICK_THEIRS, NULL, NULL, "person",
				 false, r->now, &fields, &r->e),
		SD_OK);
	rig_commit(r);
	sd_json_free(fields);
	RIG(r, sd_engine_store_changed(r->en, r->now, &r->e));
	assert_non_null(strstr(r->last, "outboxStatus"));
	assert_non_null(strstr(r->last, "\"isEmpty\":true"));
	rig_free(r);
}

/* A frame that is no JSON said something: what it may have been about is asked for */
static void a_frame_that_cannot_be_read_is_made_good_by_a_delta(void **st)
{
	struct rig *r = with_post(POST("p1", "old", 1, 1795370001000, null));

	(void)st;
	rig_frame(r, 1, "%s", "{\"type\":\"data\",\"id\":\"x\",\"payload\":{\"da");
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "nonApplicableDataReceived"), 1);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", POST("p1", "new", 2, 1795371200000, null), NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"new\"");
	rig_free(r);
}

/* U-10: an older copy of the record in the same delta does not end its quarantine, and the delta is
 * asked for again (found by the simulation) */
static void an_older_copy_ends_no_quarantine(void **st)
{
	struct rig *r = with_post(POST("p1", "1", 1, 1795370001000, null));
	struct sd_sync_state s;
	int64_t bad = 0;

	(void)st;
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts",
		POST("p1", "2", 2, 1795371100000,
			null) ",{\"id\":\"p1\",\"title\":7,"
			      "\"_version\":3,\"_lastChangedAt\":1795371200000,\"_deleted\":null}",
		NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"2\"");
	assert_int_equal(
		sd_quarantine_count(r->store, sd_schema_model(r->schema, "Post"), &bad, &r->e),
		SD_OK);
	assert_int_equal(bad, 1);
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.last_sync_ms, 1795371000000);
	sd_sync_state_release(&s);
	rig_page(r, "syncComments", "", NULL, 1795371500000);
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	rig_page(r, "syncPosts", POST("p1", "3", 3, 1795371200000, null), NULL, 1795371600000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"3\"");
	assert_int_equal(
		sd_quarantine_count(r->store, sd_schema_model(r->schema, "Post"), &bad, &r->e),
		SD_OK);
	assert_int_equal(bad, 0);
	rig_free(r);
}

/* messages do not wait for a run that has failed; it stays failed */
static void messages_of_a_failed_model_are_shown(void **st)
{
	struct rig *r = rig_online();
	struct sd_sync_state s;

	(void)st;
	message(r, "onCreatePost", POST("p1", "early", 1, 1795370001000, null));
	assert_int_equal(rig_rows(r, "Post"), 0); /* the pages come first */
	rig_reply(r, "syncPosts",
		"{\"data\":null,\"errors\":[{\"errorType\":\"MappingTemplate\",\"message\":\"no\"}]"
		"}");
	s = rig_sync_state(r, "Post");
	assert_int_equal(s.kind, SD_SYNC_FAILED);
	assert_int_equal(s.last_sync_ms, 0);
	sd_sync_state_release(&s);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"early\"");
	message(r, "onUpdatePost", POST("p1", "late", 2, 1795370002000, null));
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"late\"");
	assert_null(strstr(r->events, "modelSynced"));
	/* when it runs at last, its older page undoes nothing */
	RIG(r, sd_engine_resync(r->en, NULL, false, r->now, &r->e));
	message(r, "onUpdatePost", POST("p1", "latest", 3, 1795370003000, null));
	rig_page(r, "syncPosts", POST("p1", "early", 1, 1795370001000, null), NULL, 1795371500000);
	assert_string_equal(rig_value(r, "Post", KEY("p1"), "title"), "\"latest\"");
	assert_non_null(strstr(r->events, "modelSynced"));
	rig_free(r);
}

/* somebody may create and not read (a form that everybody fills in): it is sent all the same */
static void what_may_not_be_read_may_be_written(void **st)
{
	struct rig *r = rig_online();
	struct sd_write_env env = {r->now, &r->rand};
	struct cJSON *fields = NULL;
	static const char post[] = "{\"id\":\"p1\",\"title\":\"mine\"}";

	(void)st;
	rig_reply(r, "syncPosts",
		"{\"data\":null,\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"Not "
		"Authorized to access syncPosts\"}]}");
	assert_int_equal(sd_json_parse(post, strlen(post), "f", &fields, &r->e), SD_OK);
	rig_begin(r);
	assert_int_equal(sd_write_save(r->store, sd_schema_model(r->schema, "Post"), SD_SAVE_CREATE,
				 fields, NULL, &env, NULL, NULL, &r->e),
		SD_OK);
	rig_commit(r);
	sd_json_free(fields);
	RIG(r, sd_engine_store_changed(r->en, r->now, &r->e));
	assert_int_equal(rig_count(r, SD_ACT_HTTP, "createPost"), 1);
	rig_free(r);
}

/* Memory is bounded while a long run keeps messages waiting: the rest comes with one more run */
static void too_much_to_hold_is_fetched_instead(void **st)
{
	struct rig *r = rig_online();
	static char item[1200000];
	char *big = malloc(1000001);

	(void)st;
	assert_non_null(big);
	memset(big, 'x', 1000000);
	big[1000000] = '\0';
	for (int i = 0; i < 40; i++) {
		snprintf(item, sizeof item,
			"{\"id\":\"p%d\",\"title\":\"%s\",\"rating\":1,\"createdAt\":"
			"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\","
			"\"_version\":1,\"_lastChangedAt\":1795370001000,\"_deleted\":null}",
			i, big);
		message(r, "onCreatePost", item);
	}
	free(big);
	rig_page(r, "syncPosts", "", NULL, 1795371000000);
	assert_true(rig_rows(r, "Post") < 40);
	/* the run after it */
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_key_made_again_is_read_and_shown),
		cmocka_unit_test(a_late_delete_of_a_former_life_removes_nothing),
		cmocka_unit_test(late_messages_of_one_life_ask_for_nothing),
		cmocka_unit_test(a_delta_with_a_row_in_doubt_keeps_its_mark),
		cmocka_unit_test(a_record_that_may_not_be_read_comes_with_a_base_run),
		cmocka_unit_test(of_many_records_made_again_a_base_run_brings_all),
		cmocka_unit_test(an_edit_of_a_former_life_is_compared_with_the_new_one),
		cmocka_unit_test(a_frame_that_cannot_be_read_is_made_good_by_a_delta),
		cmocka_unit_test(an_older_copy_ends_no_quarantine),
		cmocka_unit_test(messages_of_a_failed_model_are_shown),
		cmocka_unit_test(too_much_to_hold_is_fetched_instead),
		cmocka_unit_test(what_may_not_be_read_may_be_written),
	};

	return cmocka_run_group_tests_name("doubt", tests, NULL, NULL);
}
