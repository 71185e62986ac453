/* tests/unit/test_realtime_conn.c - realtime connections: silence, loss, back-off, credentials. */
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

/* client.md 6.6: 15 s for the ack, then a new attempt with back-off */
static void a_connection_that_is_not_acknowledged_is_replaced(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct sd_action *a;
	uint64_t conn;

	(void)st;
	rig_start(r);
	a = rig_find(r, SD_ACT_RT_OPEN, NULL);
	conn = a->conn;
	rig_done(a);
	RIG(r, sd_engine_rt_opened(r->en, conn, r->now, &r->e));
	rig_wait(r, 14999);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	assert_null(rig_find(r, SD_ACT_HTTP, NULL));
	rig_wait(r, 1);
	assert_int_equal(rig_find(r, SD_ACT_RT_CLOSE, NULL)->conn, conn);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts")); /* nobody waits for it any more */
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	rig_wait(r, 400);
	assert_non_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	rig_free(r);
}

/* U-14, S9.2, S9.3 */
static void silence_shows_as_stale_and_is_healed_by_a_delta(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	rig_frame(r, conn, "{\"type\":\"ka\"}");
	rig_wait(r, 2000);
	rig_frame(r, conn, "{\"type\":\"ka\"}"); /* so this server sends one every 2 s */
	rig_wait(r, 11900);
	assert_int_equal(state(r), SD_RT_LIVE);
	rig_wait(r, 200);
	assert_int_equal(state(r), SD_RT_STALE);
	assert_int_equal(rig_count(r, SD_ACT_EVENT, "\"state\":\"stale\""), 1);
	run_empty(r);
	rig_wait(r, 16000); /* as long as it is silent it is polled */
	run_empty(r);
	rig_frame(r, conn, "{\"type\":\"ka\"}");
	assert_int_equal(state(r), SD_RT_LIVE);
	assert_string_equal(TITLE(r, "p5"), "-");
	rig_page(r, "syncPosts", POST("p5", "missed", 1), NULL, 1795371020000);
	assert_string_equal(TITLE(r, "p5"), "\"missed\"");
	rig_free(r);
}

/* U-14: without a single keep-alive the server's own limit says how long silence may be */
static void silence_is_told_before_two_keep_alives_were_seen(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 25000); /* one in 5 s, as AppSync's 300 s and 60 s */
	rig_ack_all(r, conn);
	run_empty(r);
	rig_wait(r, 14900);
	assert_int_equal(state(r), SD_RT_LIVE);
	rig_wait(r, 200);
	assert_int_equal(state(r), SD_RT_STALE);
	rig_wait(r, 10000);
	assert_int_equal(state(r), SD_RT_DOWN);
	rig_free(r);
}

/* U-14: what was learned of a server is known at the next start */
static void the_learned_interval_outlives_the_process(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	rig_frame(r, conn, "{\"type\":\"ka\"}");
	rig_wait(r, 3000);
	rig_frame(r, conn, "{\"type\":\"ka\"}");
	rig_restart(r);
	rig_live(r);
	run_empty(r);
	rig_wait(r, 12900);
	assert_int_equal(state(r), SD_RT_LIVE);
	rig_wait(r, 200);
	assert_int_equal(state(r), SD_RT_STALE);
	rig_free(r);
}

/* U-14: the limit is the server's own */
static void a_connection_silent_for_the_servers_timeout_is_replaced(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	uint64_t conn;

	(void)st;
	rig_start(r);
	conn = rig_connect(r, 20000);
	rig_ack_all(r, conn);
	run_empty(r);
	rig_wait(r, 19999);
	assert_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	rig_wait(r, 1);
	assert_int_equal(rig_find(r, SD_ACT_RT_CLOSE, NULL)->conn, conn);
	rig_free(r);
}

/* S9.5: the machine slept */
static void a_jump_of_the_clock_replaces_the_connection(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	r->now += 3600000;
	RIG(r, sd_engine_tick(r->en, r->now, &r->e));
	assert_int_equal(rig_find(r, SD_ACT_RT_CLOSE, NULL)->conn, conn);
	rig_wait(r, 500);
	rig_live(r);
	assert_non_null(rig_find(r, SD_ACT_HTTP, "syncPosts"));
	rig_free(r);
}

/* U-14, S9.3, R-048 */
static void every_reconnect_runs_a_delta_after_the_subscriptions(void **st)
{
	uint64_t conn;
	struct rig *r = live(&conn);

	(void)st;
	RIG(r, sd_engine_rt_closed(r->en, conn, 1001, 0, "going away", r->now, &r->e));
	assert_int_equal(state(r), SD_RT_DOWN);
	assert_null(rig_find(r, SD_ACT_HTTP, NULL)); /* not before it listens again */
	rig_wait(r, 400);
	rig_live(r);
	assert_non_null(
		strstr(rig_find(r, SD_ACT_HTTP, "syncPosts")->text, "\"lastSync\":1795371000000"));
	run_empty(r);
	assert_true(sd_engine_idle(r->en));
	assert_null(strstr(r->events, "networkStatus")); /* the endpoint was there all along */
	rig_free(r);
}

/* */
static void attempts_to_connect_grow_apart_and_go_on_for_ever(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	int64_t at = 0, first = 0, last = 0;

	(void)st;
	rig_start(r);
	for (int i = 0; i < 14; i++) {
		struct sd_action *a;
		uint64_t conn;

		for (int s = 0; s < 1000 && !rig_find(r, SD_ACT_RT_OPEN, NULL); s++)
			rig_wait(r, 100);
		a = rig_find(r, SD_ACT_RT_OPEN, NULL);
		assert_non_null(a);
		conn = a->conn;
		rig_done(a);
		if (i == 1)
			first = r->now - at;
		last = r->now - at;
		at = r->now;
		RIG(r, sd_engine_rt_closed(r->en, conn, 0, 502, "", r->now, &r->e));
		while ((a = rig_find(r, SD_ACT_HTTP, NULL)))
			rig_page(r, strstr(a->text, "syncPosts") ? "syncPosts" : "syncComments", "",
				NULL, 1795371000000);
	}
	assert_in_range(first, 100, 500);
	assert_in_range(last, 40000, 60100);
	rig_free(r);
}

/* client.md 6.6: only credentials that ended close the connection; U-19 */
static void an_expired_session_closes_the_connection_and_asks_for_a_refresh_once(void **st)
{
	struct rig *r = rig_new(RIG_SDL);
	struct cJSON *claims = sd_json_object();
	uint64_t conn;

	(void)st;
	r->auth = r->modes[0] = SD_AUTH_USER_POOL;
	rig_engine(r);
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	rig_start(r);
	conn = rig_live(r);
	run_empty(r);
	rig_frame(r, conn,
		"{\"type\":\"error\",\"id\":\"%s\",\"payload\":{\"errors\":[{\"errorType\":"
		"\"com.amazonaws.deepdish.graphql.auth#UnauthorizedException\",\"message\":"
		"\"Token has expired.\",\"errorCode\":400}]}}",
		rig_sub(r, "onCreatePost"));
	assert_non_null(rig_find(r, SD_ACT_RT_CLOSE, NULL));
	assert_int_equal(rig_count(r, SD_ACT_REFRESH, NULL), 1);
	rig_wait(r, 120000);
	assert_null(rig_find(r, SD_ACT_RT_OPEN, NULL));
	RIG(r, sd_engine_auth(r->en, true, claims, r->now, &r->e));
	rig_live(r);
	assert_int_equal(state(r), SD_RT_LIVE);
	run_empty(r);
	sd_json_free(claims);
	rig_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_connection_that_is_not_acknowledged_is_replaced),
		cmocka_unit_test(silence_shows_as_stale_and_is_healed_by_a_delta),
		cmocka_unit_test(silence_is_told_before_two_keep_alives_were_seen),
		cmocka_unit_test(the_learned_interval_outlives_the_process),
		cmocka_unit_test(a_connection_silent_for_the_servers_timeout_is_replaced),
		cmocka_unit_test(a_jump_of_the_clock_replaces_the_connection),
		cmocka_unit_test(every_reconnect_runs_a_delta_after_the_subscriptions),
		cmocka_unit_test(attempts_to_connect_grow_apart_and_go_on_for_ever),
		cmocka_unit_test(
			an_expired_session_closes_the_connection_and_asks_for_a_refresh_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
