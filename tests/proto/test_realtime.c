/*
 * tests/proto/test_realtime.c - AppSync's realtime protocol over real sockets: handshake, errors,
 * limits, faults.  What subscribers are told: test_realtime_data.c.
 *
 * SRV-W... names are rows of spec/server.md 10.4.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/rt.h"

/* SRV-W01, SRV-W02, SRV-W03, SRV-W06 */
static void all_three_carriers_of_credentials_open_a_connection(void **st)
{
	(void)st;
	for (int how = 0; how < 4; how++) {
		struct sd_test_ws *w = how == 0   ? sd_test_rt_by_query(sd_test_rt_good)
				       : how == 1 ? sd_test_rt_by_protocol(sd_test_rt_good)
				       : how == 2
					       ? sd_test_rt_dial("/graphql/realtime", "graphql-ws",
							 "x-api-key: da2-fakeApiId123456\r\n")
					       : sd_test_rt_dial("/graphql", "graphql-ws",
							 "x-api-key: da2-fakeApiId123456\r\n");
		char *m;
		assert_non_null(
			strcasestr(sd_test_ws_head(w), "sec-websocket-protocol: graphql-ws\r\n"));
		assert_null(strcasestr(sd_test_ws_head(w), "header-"));
		sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
		m = sd_test_ws_next(w, SD_TEST_SOON);
		assert_string_equal(m, "{\"type\":\"connection_ack\",\"payload\":{"
				       "\"connectionTimeoutMs\":300000}}");
		free(m);
		m = sd_test_ws_next(w, SD_TEST_SOON);
		assert_string_equal(m, "{\"type\":\"ka\"}");
		free(m);
		sd_test_ws_close(w);
	}
}

static void a_header_of_thirty_thousand_bytes_is_carried(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;

	(void)st;
	sd_buf_str(&b, "{\"host\":\"h\",\"x-api-key\":\"da2-fakeApiId123456\",\"x\":\"");
	while (b.len < 22000)
		sd_buf_str(&b, "0123456789");
	sd_buf_str(&b, "\"}");
	w = sd_test_rt_by_protocol(sd_buf_text(&b));
	sd_test_rt_init(w);
	sd_test_ws_close(w);
	w = sd_test_rt_by_query(sd_buf_text(&b));
	sd_test_rt_init(w);
	sd_test_ws_close(w);
	sd_buf_release(&b);
}

static void expect_refusal(struct sd_test_ws *w, bool speak, const char *type, int code, int close)
{
	char *m, want[100];

	if (speak)
		sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_next(w, SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"type\":\"connection_error\""));
	assert_non_null(strstr(m, type));
	snprintf(want, sizeof want, "\"errorCode\":%d", code);
	assert_non_null(strstr(m, want));
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), close);
	free(m);
	sd_test_ws_free(w);
}

/* SRV-W04, SRV-W05 */
static void bad_credentials_get_a_connection_error_and_a_close(void **st)
{
	static const char wrong[] = "{\"host\":\"h\",\"x-api-key\":\"da2-other\"}";

	(void)st;
	expect_refusal(sd_test_rt_by_protocol(wrong), true, "UnauthorizedException", 401, 1008);
	expect_refusal(sd_test_rt_by_query(wrong), false, "UnauthorizedException", 401, 1008);
	expect_refusal(sd_test_rt_dial("/graphql/realtime", "graphql-ws", ""), true,
		"UnauthorizedException", 401, 1008);
	expect_refusal(sd_test_rt_by_protocol("{\"x-api-key\":\"da2-fakeApiId123456\"}"), true,
		"BadRequestException", 400, 1008);
	expect_refusal(sd_test_rt_by_protocol("no json"), true, "BadRequestException", 400, 1008);
	expect_refusal(sd_test_rt_dial("/graphql/realtime?header=%%%", "graphql-ws", ""), true,
		"BadRequestException", 400, 1008);
	expect_refusal(sd_test_rt_dial("/graphql/realtime", "graphql-transport-ws",
			       "x-api-key: da2-fakeApiId123456\r\n"),
		true, "SubProtocolNotSupportedError", 400, 1002);
	expect_refusal(sd_test_rt_dial("/graphql/realtime", NULL, ""), true,
		"SubProtocolNotSupportedError", 400, 1002);
}

/* SRV-W07, SRV-W08 */
static void a_start_before_the_ack_is_ignored(void **st)
{
	struct sd_test_ws *w = sd_test_rt_by_protocol(sd_test_rt_good);
	char *m;

	(void)st;
	sd_test_rt_send_start(w, "early", SD_TEST_ON_CREATE);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_next(w, SD_TEST_SOON);
	assert_non_null(strstr(m, "connection_ack"));
	free(m);
	sd_test_rt_subscribed(w, "late");
	sd_test_ws_close(w);
}

/* SRV-W09 */
static void an_id_in_use_is_refused(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	char *m;

	(void)st;
	sd_test_rt_subscribed(w, "a");
	sd_test_rt_send_start(w, "a", SD_TEST_ON_CREATE);
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"a\""));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W10 */
static void a_bad_start_gets_an_error_with_its_id(void **st)
{
	static const char *const BAD[] = {
		"{\"type\":\"start\"}",
		"{\"type\":\"start\",\"id\":\"x\",\"payload\":{\"data\":{}}"
		"}",
		"{\"type\":\"start\",\"id\":\"x\",\"payload\":{\"data\":\"{"
		"}\"}}", /* no authorization */
		"{\"type\":\"unknown\"}",
		"[]",
		"not json",
	};
	struct sd_test_ws *w = sd_test_rt_ready();
	char *m;

	(void)st;
	sd_test_rt_send_start(w, "x", "subscription { onCreatePost { id badfield } }");
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"x\""));
	assert_non_null(strstr(m, "FieldUndefined"));
	free(m);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		sd_test_ws_send(w, BAD[i]);
		m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
		assert_non_null(m);
		free(m);
	}
	sd_test_rt_subscribed(w, "x"); /* the connection is still good */
	sd_test_ws_close(w);
}

static void who_never_sends_init_is_closed(void **st)
{
	struct sd_test_ws *w = sd_test_rt_by_protocol(sd_test_rt_good);

	(void)st;
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1008);
	sd_test_ws_free(w);
}

static void violations_close_with_their_code(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();

	(void)st;
	sd_test_ws_raw(w, "\x81\x02hi", 4); /* not masked */
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1002);
	sd_test_ws_free(w);
	w = sd_test_rt_ready();
	sd_test_ws_raw(w, "\x81\xff\0\0\0\0\0\x20\0\0\1\2\3\4x", 15); /* 2 MiB announced */
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1009);
	sd_test_ws_free(w);
}

static void switch_ws(const char *body)
{
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "ws", body));
}

static void the_realtime_faults_do_what_they_say(void **st)
{
	struct sd_test_ws *w;
	int status;
	char *m;

	(void)st;
	switch_ws("{\"refuse\":true}");
	assert_null(sd_test_ws_open(sd_test_server_port(sd_test_rt_server), "/graphql/realtime",
		"graphql-ws", "", &status));
	assert_int_equal(status, 503);
	switch_ws("{\"refuse\":false,\"ignoreInit\":true}");
	w = sd_test_rt_by_protocol(sd_test_rt_good);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	assert_null(sd_test_ws_next(w, 200));
	sd_test_ws_free(w);
	switch_ws("{\"ignoreInit\":false,\"noAck\":true}");
	w = sd_test_rt_ready();
	sd_test_rt_send_start(w, "a", SD_TEST_ON_CREATE);
	assert_null(sd_test_ws_expect(w, "start_ack", 200));
	switch_ws("{\"noAck\":false,\"dupData\":true,\"startErrors\":[{\"errorType\":"
		  "\"Unauthorized\","
		  "\"message\":\"no\"},{\"errors\":{\"errorType\":\"LimitExceededError\"}},null]}");
	sd_test_rt_send_start(w, "b", SD_TEST_ON_CREATE);
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(
		strstr(m, "{\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"no\"}]}"));
	free(m);
	sd_test_rt_send_start(w, "b", SD_TEST_ON_CREATE);
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(strstr(m, "{\"errors\":{\"errorType\":\"LimitExceededError\"}}"));
	free(m);
	sd_test_rt_subscribed(w, "b");
	sd_test_rt_create_post();
	for (int i = 0; i < 2; i++) {
		m = sd_test_ws_expect(w, "data", SD_TEST_SOON);
		assert_non_null(m);
		free(m);
	}
	switch_ws("{\"dupData\":false,\"mute\":true}");
	for (int i = 0; (m = sd_test_ws_next(w, 700)); i++) { /* what was on its way */
		assert_non_null(strstr(m, "\"ka\""));
		assert_true(i < 10); /* they come every 300 ms, if it is not mute */
		free(m);
	}
	sd_test_rt_create_post();
	assert_null(sd_test_ws_next(w, 700)); /* no data, and no ka */
	assert_int_equal(sd_test_ws_code(w), 0);
	sd_test_ws_free(w);
}

static void connections_are_dropped_on_order(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();

	(void)st;
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "ws/drop", "{\"code\":4401}"));
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 4401);
	sd_test_ws_free(w);
	w = sd_test_rt_ready();
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "ws/drop", NULL));
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1006); /* without a word */
	sd_test_ws_free(w);
}

static void faults_strike_subscriptions_that_are_named(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	int64_t t0;
	char *m;

	(void)st;
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "fault",
		"{\"kind\":\"graphqlError\",\"op\":\"subscription\",\"field\":\"onCreatePost\","
		"\"errorType\":\"UnauthorizedException\",\"message\":\"Token expired\"}"));
	sd_test_rt_send_start(w, "a", SD_TEST_ON_CREATE);
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "Token expired"));
	free(m);
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "fault",
		"{\"kind\":\"delay\",\"ms\":400,\"op\":\"subscription\"}"));
	t0 = sd_mono_ms();
	sd_test_rt_subscribed(w, "a");
	assert_true(sd_mono_ms() - t0 >= 400);
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "fault",
		"{\"kind\":\"lostResponse\",\"op\":\"subscription\"}"));
	sd_test_rt_send_start(w, "quiet", SD_TEST_ON_CREATE);
	assert_null(sd_test_ws_expect(w, "start_ack", 200));
	sd_test_rt_send_start(
		w, "quiet", SD_TEST_ON_CREATE); /* it was registered: the id is taken */
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "fault",
		"{\"kind\":\"reset\",\"op\":\"subscription\"}"));
	sd_test_rt_send_start(w, "b", SD_TEST_ON_CREATE);
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1006);
	sd_test_ws_free(w);
}

static void frames_stand_in_the_log(void **st)
{
	struct sd_buf kinds = SD_BUF_INIT;
	struct sd_test_ws *w;
	struct cJSON *log = NULL;
	const struct cJSON *x;
	int64_t until = sd_mono_ms() + SD_TEST_SOON;

	(void)st;
	w = sd_test_rt_ready();
	free(sd_test_ws_next(w, SD_TEST_SOON)); /* ka */
	sd_test_ws_close(w);
	do { /* its end is noted a moment after it said so */
		sd_json_free(log);
		log = sd_test_admin(sd_test_rt_server, "GET", "log", NULL);
		sd_buf_reset(&kinds);
		for (x = sd_json_child(log); x; x = sd_json_next(x))
			sd_buf_fmt(&kinds, "%s ", sd_json_get_str(x, "kind"));
	} while (!strstr(sd_buf_text(&kinds), "ws-close") && sd_mono_ms() < until);
	x = sd_json_child(log);
	assert_non_null(sd_json_get_str(sd_json_get(x, "headers"), "sec-websocket-protocol"));
	sd_json_free(log);
	/* the ack and the ka, and one more for every 300 ms that this process stood still */
	for (char *more; (more = strstr(kinds.data, "ws-out ws-out ws-out "));)
		memmove(more, more + 7, strlen(more + 7) + 1);
	assert_string_equal(kinds.data, "ws-open ws-in ws-out ws-out ws-close ");
	sd_buf_release(&kinds);
}

/* SRV-W30 on a fast clock, and the server's own end */
static void old_connections_and_a_stopping_server_say_1001(void **st)
{
	static const char *const SETS[] = {"ws_lifetime=2s"};
	struct sd_sandbox_opts o = sd_test_rt_opts;
	struct sd_test_server *was = sd_test_rt_server;
	struct sd_test_ws *w;

	(void)st;
	o.sets = SETS;
	o.set_count = 1;
	sd_test_rt_server = sd_test_server_start(&o);
	w = sd_test_rt_ready();
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1001);
	sd_test_ws_free(w);
	w = sd_test_rt_ready();
	sd_test_server_stop(sd_test_rt_server);
	assert_int_equal(sd_test_ws_end(w, SD_TEST_SOON), 1001);
	sd_test_ws_free(w);
	sd_test_rt_server = was;
}

/* SRV-W23 */
static void one_subscription_too_many_gets_errors_as_an_object(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	char id[20], *m;

	(void)st;
	for (int i = 0; i < 120; i++) {
		snprintf(id, sizeof id, "s%d", i);
		sd_test_rt_subscribed(w, id);
	}
	sd_test_rt_send_start(w, "over", SD_TEST_ON_CREATE);
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(
		m, "\"payload\":{\"errors\":{\"errorType\":\"MaxSubscriptionsReachedError\""));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W24, on a faster clock */
static void keep_alives_come_by_themselves(void **st)
{
	int64_t t0 = sd_mono_ms();
	struct sd_test_ws *w = sd_test_rt_ready();

	(void)st;
	for (int n = 0; n < 5; n++) {
		char *m = sd_test_ws_next(w, SD_TEST_SOON);
		assert_string_equal(m, "{\"type\":\"ka\"}");
		free(m);
	}
	assert_true(sd_mono_ms() - t0 >= 4 * 300 - 50); /* the first may come with the ack */
	sd_test_ws_close(w);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(
			all_three_carriers_of_credentials_open_a_connection, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			a_header_of_thirty_thousand_bytes_is_carried, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			bad_credentials_get_a_connection_error_and_a_close, sd_test_rt_fresh),
		cmocka_unit_test_setup(a_start_before_the_ack_is_ignored, sd_test_rt_fresh),
		cmocka_unit_test_setup(an_id_in_use_is_refused, sd_test_rt_fresh),
		cmocka_unit_test_setup(a_bad_start_gets_an_error_with_its_id, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			one_subscription_too_many_gets_errors_as_an_object, sd_test_rt_fresh),
		cmocka_unit_test_setup(keep_alives_come_by_themselves, sd_test_rt_fresh),
		cmocka_unit_test_setup(who_never_sends_init_is_closed, sd_test_rt_fresh),
		cmocka_unit_test_setup(violations_close_with_their_code, sd_test_rt_fresh),
		cmocka_unit_test_setup(the_realtime_faults_do_what_they_say, sd_test_rt_fresh),
		cmocka_unit_test_setup(connections_are_dropped_on_order, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			faults_strike_subscriptions_that_are_named, sd_test_rt_fresh),
		cmocka_unit_test_setup(frames_stand_in_the_log, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			old_connections_and_a_stopping_server_say_1001, sd_test_rt_fresh),
	};
	return cmocka_run_group_tests(tests, sd_test_rt_start, sd_test_rt_stop);
}
