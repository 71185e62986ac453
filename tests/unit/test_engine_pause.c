/* tests/unit/test_engine_pause.c - fetching paused by hand, sending not (U-33). */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/store/write.h"

static void save_post(struct rig *r, const char *id, const char *title)
{
	struct sd_write_env env = {.now_ms = r->now, .rand = &r->rand};
	struct cJSON *f = sd_json_object();

	sd_json_add_str(f, "id", id);
	sd_json_add_str(f, "title", title);
	RIG(r, sd_write_save(r->store, sd_schema_model(r->schema, "Post"), SD_SAVE_UPSERT, f, NULL,
		       &env, NULL, NULL, &r->e));
	sd_json_free(f);
	RIG(r, sd_engine_store_changed(r->en, r->now, &r->e));
}

static void set_paused(struct rig *r, bool on)
{
	assert_int_equal(sd_store_begin(r->store, &r->e), SD_OK);
	assert_int_equal(sd_meta_put(r->store, "sync.paused", on ? "1" : NULL, &r->e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &r->e), SD_OK);
	RIG(r, sd_engine_store_changed(r->en, r->now, &r->e));
}

/* U-33: pause pull: nothing is fetched, nobody listens; changes still go out */
static void a_paused_pull_fetches_nothing_and_still_sends(void **st)
{
	struct rig *r = rig_synced(1795371000000);
	struct sd_engine_status s;

	(void)st;
	set_paused(r, true);
	assert_int_equal(rig_count(r, SD_ACT_RT_CLOSE, NULL), 1);
	rig_wait(r, 600000);
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	sd_engine_status(r->en, &s);
	assert_true(s.pull_paused);
	assert_true(sd_engine_idle(r->en));
	save_post(r, "p9", "mine");
	assert_non_null(rig_find(r, SD_ACT_HTTP, "createPost"));
	rig_reply(r, "createPost", "{\"data\":{\"createPost\":" RIG_POST("p9", "mine", 1) "}}");
	assert_string_equal(rig_value(r, "Post", "[\"p9\"]", "_version"), "1");
	/* it stays so over a restart, and a new start sends, too */
	rig_restart(r);
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	save_post(r, "p8", "more");
	rig_reply(r, "createPost", "{\"data\":{\"createPost\":" RIG_POST("p8", "more", 1) "}}");
	assert_true(sd_engine_idle(r->en));
	/* resumed: what was missed comes by delta, after the subscriptions */
	set_paused(r, false);
	assert_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "lastSync"), "1795371000000");
	rig_page(r, "syncPosts", RIG_POST("p7", "theirs", 1), NULL, 1795372000000);
	assert_string_equal(rig_value(r, "Post", "[\"p7\"]", "title"), "\"theirs\"");
	rig_free(r);
}

/* U-33: paused in the middle of a run: it goes on from its page */
static void a_run_that_is_paused_goes_on_from_its_page(void **st)
{
	struct rig *r = rig_online();

	(void)st;
	rig_page(r, "syncPosts", RIG_POST("p1", "a", 1), "T2", 1795371000000);
	set_paused(r, true);
	assert_int_equal(rig_count(r, SD_ACT_HTTP_CANCEL, NULL), 1);
	rig_forget(r, SD_ACT_HTTP);
	set_paused(r, false);
	rig_live(r);
	assert_string_equal(rig_variable(r, "syncPosts", "nextToken"), "\"T2\"");
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_paused_pull_fetches_nothing_and_still_sends),
		cmocka_unit_test(a_run_that_is_paused_goes_on_from_its_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
