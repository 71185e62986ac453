/*
 * tests/proto/test_realtime.c - AppSync's realtime protocol over real sockets.
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
#include "tests/support/run_sandbox.h"
#include "tests/support/ws_client.h"

static const char SDL[] = "type Post @model @auth(rules: [{allow: public}]) {\n"
			  "  id: ID!\n  title: String!\n  content: String\n  rating: Int\n}\n";
static const char GOOD[] = "{\"host\":\"h\",\"x-api-key\":\"da2-fakeApiId123456\"}";

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;

static int start(void **st)
{
	static const char *const SETS[] = {"max_subscriptions=120", "init_timeout=1500ms"};

	(void)st;
	if (sd_schema_read(SDL, strlen(SDL), "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&opts, schema);
	opts.keep_alive_ms = 300;
	opts.sets = SETS;
	opts.set_count = 2;
	srv = sd_test_server_start(&opts);
	return 0;
}

static int stop(void **st)
{
	(void)st;
	sd_test_server_stop(srv);
	sd_schema_free(schema);
	return 0;
}

static int fresh(void **st)
{
	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "reset", NULL));
	return 0;
}

static struct sd_test_ws *dial(const char *path, const char *protocol, const char *headers)
{
	int status = 0;
	struct sd_test_ws *w =
		sd_test_ws_open(sd_test_server_port(srv), path, protocol, headers, &status);

	if (!w)
		fail_msg("no upgrade: HTTP %d", status);
	return w;
}

static struct sd_test_ws *by_protocol(const char *header)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;

	sd_buf_str(&b, "graphql-ws, header-");
	sd_base64_encode(&b, header, strlen(header), true);
	w = dial("/graphql/realtime", sd_buf_text(&b), "");
	sd_buf_release(&b);
	return w;
}

static struct sd_test_ws *by_query(const char *header)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;

	sd_buf_str(&b, "/graphql/realtime?header=");
	sd_base64_encode(&b, header, strlen(header), false);
	sd_buf_str(&b, "&payload=e30=");
	w = dial(sd_buf_text(&b), "graphql-ws", "");
	sd_buf_release(&b);
	return w;
}

static void init(struct sd_test_ws *w)
{
	char *ack;

	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	ack = sd_test_ws_expect(w, "connection_ack", 3000);
	assert_non_null(ack);
	free(ack);
}

static struct sd_test_ws *ready(void)
{
	struct sd_test_ws *w = by_protocol(GOOD);

	init(w);
	return w;
}

static void start_sub(struct sd_test_ws *w, const char *id, const char *query)
{
	struct sd_buf data = SD_BUF_INIT, b = SD_BUF_INIT;

	sd_buf_str(&data, "{\"query\":");
	sd_json_quote(&data, query, strlen(query));
	sd_buf_str(&data, ",\"variables\":{}}");
	sd_buf_fmt(&b, "{\"id\":\"%s\",\"type\":\"start\",\"payload\":{\"data\":", id);
	sd_json_quote(&b, data.data, data.len);
	sd_buf_fmt(&b, ",\"extensions\":{\"authorization\":%s}}}", GOOD);
	sd_test_ws_send(w, sd_buf_text(&b));
	sd_buf_release(&data);
	sd_buf_release(&b);
}

#define ON_CREATE "subscription { onCreatePost { id title } }"

static void subscribed(struct sd_test_ws *w, const char *id)
{
	char *ack;

	start_sub(w, id, ON_CREATE);
	ack = sd_test_ws_expect(w, "start_ack", 3000);
	assert_non_null(ack);
	assert_non_null(strstr(ack, id));
	free(ack);
}

static void create_post(void)
{
	struct sd_test_reply r;

	sd_test_graphql(srv,
		"mutation { createPost(input: {title: \"t\"}) { id title content rating } }", NULL,
		&r);
	assert_int_equal(r.status, 200);
	assert_null(sd_json_get(r.json, "errors"));
	sd_test_reply_release(&r);
}

/* SRV-W01, SRV-W02, SRV-W03, SRV-W06 */
static void all_three_carriers_of_credentials_open_a_connection(void **st)
{
	(void)st;
	for (int how = 0; how < 4; how++) {
		struct sd_test_ws *w = how == 0   ? by_query(GOOD)
				       : how == 1 ? by_protocol(GOOD)
				       : how == 2 ? dial("/graphql/realtime", "graphql-ws",
							    "x-api-key: da2-fakeApiId123456\r\n")
						  : dial("/graphql", "graphql-ws",
							    "x-api-key: da2-fakeApiId123456\r\n");
		char *m;
		assert_non_null(
			strcasestr(sd_test_ws_head(w), "sec-websocket-protocol: graphql-ws\r\n"));
		assert_null(strcasestr(sd_test_ws_head(w), "header-"));
		sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
		m = sd_test_ws_next(w, 3000);
		assert_string_equal(m, "{\"type\":\"connection_ack\",\"payload\":{"
				       "\"connectionTimeoutMs\":300000}}");
		free(m);
		m = sd_test_ws_next(w, 3000);
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
	w = by_protocol(sd_buf_text(&b));
	init(w);
	sd_test_ws_close(w);
	w = by_query(sd_buf_text(&b));
	init(w);
	sd_test_ws_close(w);
	sd_buf_release(&b);
}

static void expect_refusal(struct sd_test_ws *w, bool speak, const char *type, int code, int close)
{
	char *m, want[100];

	if (speak)
		sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_next(w, 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"type\":\"connection_error\""));
	assert_non_null(strstr(m, type));
	snprintf(want, sizeof want, "\"errorCode\":%d", code);
	assert_non_null(strstr(m, want));
	assert_int_equal(sd_test_ws_end(w, 3000), close);
	free(m);
	sd_test_ws_free(w);
}

/* SRV-W04, SRV-W05 */
static void bad_credentials_get_a_connection_error_and_a_close(void **st)
{
	static const char wrong[] = "{\"host\":\"h\",\"x-api-key\":\"da2-other\"}";

	(void)st;
	expect_refusal(by_protocol(wrong), true, "UnauthorizedException", 401, 1008);
	expect_refusal(by_query(wrong), false, "UnauthorizedException", 401, 1008);
	expect_refusal(dial("/graphql/realtime", "graphql-ws", ""), true, "UnauthorizedException",
		401, 1008);
	expect_refusal(by_protocol("{\"x-api-key\":\"da2-fakeApiId123456\"}"), true,
		"BadRequestException", 400, 1008);
	expect_refusal(by_protocol("no json"), true, "BadRequestException", 400, 1008);
	expect_refusal(dial("/graphql/realtime?header=%%%", "graphql-ws", ""), true,
		"BadRequestException", 400, 1008);
	expect_refusal(dial("/graphql/realtime", "graphql-transport-ws",
			       "x-api-key: da2-fakeApiId123456\r\n"),
		true, "SubProtocolNotSupportedError", 400, 1002);
	expect_refusal(dial("/graphql/realtime", NULL, ""), true, "SubProtocolNotSupportedError",
		400, 1002);
}

/* SRV-W07, SRV-W08 */
static void a_start_before_the_ack_is_ignored(void **st)
{
	struct sd_test_ws *w = by_protocol(GOOD);
	char *m;

	(void)st;
	start_sub(w, "early", ON_CREATE);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_next(w, 3000);
	assert_non_null(strstr(m, "connection_ack"));
	free(m);
	subscribed(w, "late");
	sd_test_ws_close(w);
}

/* SRV-W09 */
static void an_id_in_use_is_refused(void **st)
{
	struct sd_test_ws *w = ready();
	char *m;

	(void)st;
	subscribed(w, "a");
	start_sub(w, "a", ON_CREATE);
	m = sd_test_ws_expect(w, "error", 3000);
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
	struct sd_test_ws *w = ready();
	char *m;

	(void)st;
	start_sub(w, "x", "subscription { onCreatePost { id badfield } }");
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"x\""));
	assert_non_null(strstr(m, "FieldUndefined"));
	free(m);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		sd_test_ws_send(w, BAD[i]);
		m = sd_test_ws_expect(w, "error", 3000);
		assert_non_null(m);
		free(m);
	}
	subscribed(w, "x"); /* the connection is still good */
	sd_test_ws_close(w);
}

/* SRV-W11, SRV-W22 */
static void data_flows_until_stop(void **st)
{
	struct sd_test_ws *w = ready();
	char *m;

	(void)st;
	subscribed(w, "s1");
	create_post();
	m = sd_test_ws_expect(w, "data", 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"s1\",\"payload\":{\"data\":{\"onCreatePost\":{"));
	free(m);
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"s1\"}");
	m = sd_test_ws_expect(w, "complete", 3000);
	assert_string_equal(m, "{\"type\":\"complete\",\"id\":\"s1\"}");
	free(m);
	create_post();
	assert_null(sd_test_ws_expect(w, "data", 250));
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"s1\"}");
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	free(m);
	sd_test_ws_close(w);
}

/* One mutation; fails the test unless it succeeds. */
static void mutate(const char *query)
{
	struct sd_test_reply r;

	sd_test_graphql(srv, query, NULL, &r);
	if (r.status != 200 || sd_json_get(r.json, "errors"))
		fail_msg("%s: %d %s", query, r.status, r.body);
	sd_test_reply_release(&r);
}

static void expect_data(struct sd_test_ws *w, const char *id, const char *payload)
{
	char *m = sd_test_ws_expect(w, "data", 3000), want[300];

	assert_non_null(m);
	snprintf(want, sizeof want, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":%s", id, payload);
	if (strncmp(m, want, strlen(want)) != 0)
		fail_msg("got %s, wanted %s", m, want);
	free(m);
}

static void started(struct sd_test_ws *w, const char *id, const char *query)
{
	char *ack;

	start_sub(w, id, query);
	ack = sd_test_ws_expect(w, "start_ack", 3000);
	assert_non_null(ack);
	free(ack);
}

/* SRV-W12, SRV-W13 */
static void a_subscriber_gets_no_more_than_the_mutation_selected(void **st)
{
	struct sd_test_ws *w = ready();
	char *m;

	(void)st;
	started(w, "c", "subscription { onCreatePost { id content } }");
	mutate("mutation { createPost(input: {id: \"1\", title: \"t\", content: \"c\"}) { id } }");
	expect_data(w, "c", "{\"data\":{\"onCreatePost\":{\"id\":\"1\",\"content\":null}}}");
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"c\"}");
	m = sd_test_ws_expect(w, "complete", 3000);
	assert_non_null(m);
	free(m);
	started(w, "t", ON_CREATE);
	mutate("mutation { createPost(input: {id: \"2\", title: \"t\"}) { id } }");
	m = sd_test_ws_expect(w, "data", 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "{\"onCreatePost\":null}"));
	assert_non_null(
		strstr(m, "Cannot return null for non-nullable type: 'String' within parent "
			  "'Post' (/onCreatePost/title)"));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W14 */
static void updates_and_deletes_are_told(void **st)
{
	struct sd_test_ws *w = ready();

	(void)st;
	started(w, "u", "subscription { onUpdatePost { id title _version } }");
	started(w, "d", "subscription { onDeletePost { id _deleted _version } }");
	mutate("mutation { createPost(input: {id: \"1\", title: \"t\"}) { id } }");
	mutate("mutation { updatePost(input: {id: \"1\", title: \"u\", _version: 1}) { id title "
	       "_version } }");
	expect_data(w, "u",
		"{\"data\":{\"onUpdatePost\":{\"id\":\"1\",\"title\":\"u\",\"_version\":2}}}");
	mutate("mutation { deletePost(input: {id: \"1\", _version: 2}) { id _deleted _version } }");
	expect_data(w, "d",
		"{\"data\":{\"onDeletePost\":{\"id\":\"1\",\"_deleted\":true,\"_version\":3}}}");
	sd_test_ws_close(w);
}

/* SRV-W17, SRV-W18 */
static void filters_decide_who_is_told(void **st)
{
	struct sd_test_ws *w = ready();
	char *m;

	(void)st;
	started(w, "f", "subscription { onCreatePost(filter: {rating: {gt: 3}}) { id rating } }");
	mutate("mutation { createPost(input: {id: \"1\", title: \"t\", rating: 3}) { id rating } "
	       "}");
	mutate("mutation { createPost(input: {id: \"2\", title: \"t\", rating: 4}) { id } }");
	mutate("mutation { createPost(input: {id: \"3\", title: \"t\", rating: 5}) { id rating } "
	       "}");
	expect_data(w, "f", "{\"data\":{\"onCreatePost\":{\"id\":\"3\",\"rating\":5}}}");
	start_sub(w, "six",
		"subscription { onCreatePost(filter: {rating: {in: [1,2,3,4,5,6]}}) { id } }");
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"six\""));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W25 */
static void an_event_over_240_kilobytes_is_dropped_and_the_connection_lives(void **st)
{
	struct sd_test_ws *w = ready();
	struct sd_buf q = SD_BUF_INIT;

	(void)st;
	started(w, "s", "subscription { onCreatePost { id content } }");
	sd_buf_str(&q, "mutation { createPost(input: {id: \"1\", title: \"t\", content: \"");
	while (q.len < 250000)
		sd_buf_str(&q, "0123456789");
	sd_buf_str(&q, "\"}) { id content } }");
	mutate(sd_buf_text(&q));
	mutate("mutation { createPost(input: {id: \"2\", title: \"t\"}) { id content } }");
	expect_data(w, "s", "{\"data\":{\"onCreatePost\":{\"id\":\"2\",\"content\":null}}}");
	sd_test_ws_close(w);
	sd_buf_release(&q);
}

/* contract.md 10: `mutate` is another client; `put` and `purge` tell nobody */
static void the_admin_side_writes_as_another_client(void **st)
{
	struct sd_test_ws *w = ready();
	struct sd_test_reply r;
	struct cJSON *j;

	(void)st;
	started(w, "s", "subscription { onUpdatePost { id title rating _version } }");
	sd_json_free(sd_test_admin(srv, "POST", "put",
		"{\"model\":\"Post\",\"items\":[{\"id\":\"1\",\"title\":\"t\",\"_version\":7}]}"));
	j = sd_test_admin(srv, "POST", "mutate",
		"{\"op\":\"update\",\"model\":\"Post\",\"input\":{\"id\":\"1\",\"rating\":5}}");
	assert_int_equal(sd_json_get_i64(j, "_version", 0), 8);
	sd_json_free(j);
	expect_data(w, "s",
		"{\"data\":{\"onUpdatePost\":{\"id\":\"1\",\"title\":\"t\",\"rating\":5,\"_"
		"version\":8}}}");
	sd_test_http(srv, "POST", "/_sandbox/mutate", NULL,
		"{\"op\":\"delete\",\"model\":\"Post\",\"input\":{\"id\":\"1\",\"_version\":3}}",
		&r);
	assert_int_equal(r.status, 409);
	assert_string_equal(sd_json_get_str(r.json, "errorType"), "ConflictUnhandled");
	sd_test_reply_release(&r);
	j = sd_test_admin(srv, "GET", "dump?model=Post", NULL);
	assert_int_equal(sd_json_count(j), 1);
	assert_int_equal(sd_json_get_i64(sd_json_child(j), "_version", 0), 8);
	sd_json_free(j);
	j = sd_test_admin(srv, "GET", "state", NULL);
	assert_int_equal(sd_json_get_i64(sd_json_path(j, "models", "Post", NULL), "live", -1), 1);
	assert_int_equal(sd_json_get_i64(j, "subscriptions", -1), 1);
	sd_json_free(j);
	sd_test_ws_close(w);
}

/* SRV-W23 */
static void one_subscription_too_many_gets_errors_as_an_object(void **st)
{
	struct sd_test_ws *w = ready();
	char id[20], *m;

	(void)st;
	for (int i = 0; i < 120; i++) {
		snprintf(id, sizeof id, "s%d", i);
		subscribed(w, id);
	}
	start_sub(w, "over", ON_CREATE);
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	assert_non_null(strstr(
		m, "\"payload\":{\"errors\":{\"errorType\":\"MaxSubscriptionsReachedError\""));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W24, on a faster clock */
static void keep_alives_come_by_themselves(void **st)
{
	struct sd_test_ws *w = ready();
	int64_t t0 = sd_mono_ms();
	int n = 0;

	(void)st;
	while (sd_mono_ms() - t0 < 1100) {
		char *m = sd_test_ws_next(w, 200);
		n += m && strstr(m, "\"ka\"");
		free(m);
	}
	assert_true(n >= 2 && n <= 6);
	sd_test_ws_close(w);
}

static void publishing_to_a_hundred_subscribers_is_quick(void **st)
{
	struct sd_test_ws *w[100];
	int64_t t0;

	(void)st;
	for (int i = 0; i < 100; i++) {
		w[i] = ready();
		subscribed(w[i], "s");
	}
	t0 = sd_mono_ms();
	create_post();
	for (int i = 0; i < 100; i++) {
		char *m = sd_test_ws_expect(w[i], "data", 3000);
		assert_non_null(m);
		free(m);
	}
	assert_true(sd_mono_ms() - t0 < 1000);
	for (int i = 0; i < 100; i++)
		sd_test_ws_free(w[i]);
}

static void a_subscriber_that_does_not_read_is_dropped_alone(void **st)
{
	struct sd_test_ws *deaf = ready(), *good = ready();
	struct sd_buf q = SD_BUF_INIT;
	struct cJSON *s = NULL;
	int told = 0;

	(void)st;
	started(deaf, "s", "subscription { onCreatePost { id content } }");
	started(good, "s", "subscription { onCreatePost { id content } }");
	sd_buf_str(&q, "mutation { createPost(input: {title: \"t\", content: \"");
	while (q.len < 200000)
		sd_buf_str(&q, "0123456789");
	sd_buf_str(&q, "\"}) { id content } }");
	for (int i = 0; i < 140; i++) { /* 28 MB */
		char *m;
		mutate(sd_buf_text(&q));
		m = sd_test_ws_expect(good, "data", 3000);
		told += m != NULL;
		free(m);
	}
	assert_int_equal(told, 140);
	for (int i = 0; i < 100; i++) {
		sd_json_free(s);
		s = sd_test_admin(srv, "GET", "state", NULL);
		if (sd_json_get_i64(s, "connections", -1) == 1)
			break;
	}
	assert_int_equal(sd_json_get_i64(s, "connections", -1), 1);
	assert_int_equal(sd_json_get_i64(s, "subscriptions", -1), 1);
	sd_json_free(s);
	sd_buf_release(&q);
	sd_test_ws_free(deaf);
	sd_test_ws_close(good);
}

/* SRV-W29 */
static void a_connection_that_ends_leaves_nothing_behind(void **st)
{
	struct cJSON *s = NULL;

	(void)st;
	for (int i = 0; i < 20; i++) {
		struct sd_test_ws *w = ready();
		start_sub(w, "s", ON_CREATE);
		sd_test_ws_free(w); /* cut in the middle */
	}
	for (int i = 0; i < 100; i++) {
		sd_json_free(s);
		s = sd_test_admin(srv, "GET", "state", NULL);
		if (!sd_json_get_i64(s, "connections", -1))
			break;
	}
	assert_int_equal(sd_json_get_i64(s, "connections", -1), 0);
	assert_int_equal(sd_json_get_i64(s, "subscriptions", -1), 0);
	sd_json_free(s);
}

static void who_never_sends_init_is_closed(void **st)
{
	struct sd_test_ws *w = by_protocol(GOOD);

	(void)st;
	assert_int_equal(sd_test_ws_end(w, 3000), 1008);
	sd_test_ws_free(w);
}

static void violations_close_with_their_code(void **st)
{
	struct sd_test_ws *w = ready();

	(void)st;
	sd_test_ws_raw(w, "\x81\x02hi", 4); /* not masked */
	assert_int_equal(sd_test_ws_end(w, 3000), 1002);
	sd_test_ws_free(w);
	w = ready();
	sd_test_ws_raw(w, "\x81\xff\0\0\0\0\0\x20\0\0\1\2\3\4x", 15); /* 2 MiB announced */
	assert_int_equal(sd_test_ws_end(w, 3000), 1009);
	sd_test_ws_free(w);
}

static void switch_ws(const char *body)
{
	sd_json_free(sd_test_admin(srv, "POST", "ws", body));
}

static void the_realtime_faults_do_what_they_say(void **st)
{
	struct sd_test_ws *w;
	int status;
	char *m;

	(void)st;
	switch_ws("{\"refuse\":true}");
	assert_null(sd_test_ws_open(
		sd_test_server_port(srv), "/graphql/realtime", "graphql-ws", "", &status));
	assert_int_equal(status, 503);
	switch_ws("{\"refuse\":false,\"ignoreInit\":true}");
	w = by_protocol(GOOD);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	assert_null(sd_test_ws_next(w, 200));
	sd_test_ws_free(w);
	switch_ws("{\"ignoreInit\":false,\"noAck\":true}");
	w = ready();
	start_sub(w, "a", ON_CREATE);
	assert_null(sd_test_ws_expect(w, "start_ack", 200));
	switch_ws("{\"noAck\":false,\"dupData\":true,\"startErrors\":[{\"errorType\":"
		  "\"Unauthorized\","
		  "\"message\":\"no\"},{\"errors\":{\"errorType\":\"LimitExceededError\"}},null]}");
	start_sub(w, "b", ON_CREATE);
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(
		strstr(m, "{\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"no\"}]}"));
	free(m);
	start_sub(w, "b", ON_CREATE);
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(strstr(m, "{\"errors\":{\"errorType\":\"LimitExceededError\"}}"));
	free(m);
	subscribed(w, "b");
	create_post();
	for (int i = 0; i < 2; i++) {
		m = sd_test_ws_expect(w, "data", 3000);
		assert_non_null(m);
		free(m);
	}
	switch_ws("{\"dupData\":false,\"mute\":true}");
	create_post();
	assert_null(sd_test_ws_next(w, 500)); /* no data, and no ka */
	assert_int_equal(sd_test_ws_code(w), 0);
	sd_test_ws_free(w);
}

static void connections_are_dropped_on_order(void **st)
{
	struct sd_test_ws *w = ready();

	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "ws/drop", "{\"code\":4401}"));
	assert_int_equal(sd_test_ws_end(w, 3000), 4401);
	sd_test_ws_free(w);
	w = ready();
	sd_json_free(sd_test_admin(srv, "POST", "ws/drop", NULL));
	assert_int_equal(sd_test_ws_end(w, 3000), 1006); /* without a word */
	sd_test_ws_free(w);
}

static void faults_strike_subscriptions_that_are_named(void **st)
{
	struct sd_test_ws *w = ready();
	int64_t t0;
	char *m;

	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "fault",
		"{\"kind\":\"graphqlError\",\"op\":\"subscription\",\"field\":\"onCreatePost\","
		"\"errorType\":\"UnauthorizedException\",\"message\":\"Token expired\"}"));
	start_sub(w, "a", ON_CREATE);
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	assert_non_null(strstr(m, "Token expired"));
	free(m);
	sd_json_free(sd_test_admin(
		srv, "POST", "fault", "{\"kind\":\"delay\",\"ms\":400,\"op\":\"subscription\"}"));
	t0 = sd_mono_ms();
	subscribed(w, "a");
	assert_true(sd_mono_ms() - t0 >= 400);
	sd_json_free(sd_test_admin(
		srv, "POST", "fault", "{\"kind\":\"lostResponse\",\"op\":\"subscription\"}"));
	start_sub(w, "quiet", ON_CREATE);
	assert_null(sd_test_ws_expect(w, "start_ack", 200));
	start_sub(w, "quiet", ON_CREATE); /* it was registered: the id is taken */
	m = sd_test_ws_expect(w, "error", 3000);
	assert_non_null(m);
	free(m);
	sd_json_free(sd_test_admin(
		srv, "POST", "fault", "{\"kind\":\"reset\",\"op\":\"subscription\"}"));
	start_sub(w, "b", ON_CREATE);
	assert_int_equal(sd_test_ws_end(w, 3000), 1006);
	sd_test_ws_free(w);
}

static void frames_stand_in_the_log(void **st)
{
	static const char *const KIND[] = {"ws-open", "ws-in", "ws-out", "ws-out", "ws-close"};
	struct sd_test_ws *w;
	struct cJSON *log;
	const struct cJSON *x;

	(void)st;
	w = ready();
	free(sd_test_ws_next(w, 1000)); /* ka */
	sd_test_ws_close(w);
	log = sd_test_admin(srv, "GET", "log", NULL);
	x = sd_json_child(log);
	assert_non_null(sd_json_get_str(sd_json_get(x, "headers"), "sec-websocket-protocol"));
	for (size_t i = 0; i < 5; i++, x = sd_json_next(x))
		assert_string_equal(sd_json_get_str(x, "kind"), KIND[i]);
	assert_null(x);
	sd_json_free(log);
}

/* SRV-W30 on a fast clock, and the server's own end */
static void old_connections_and_a_stopping_server_say_1001(void **st)
{
	static const char *const SETS[] = {"ws_lifetime=500ms"};
	struct sd_sandbox_opts o = opts;
	struct sd_test_server *was = srv;
	struct sd_test_ws *w;

	(void)st;
	o.sets = SETS;
	o.set_count = 1;
	srv = sd_test_server_start(&o);
	w = ready();
	assert_int_equal(sd_test_ws_end(w, 3000), 1001);
	sd_test_ws_free(w);
	w = ready();
	sd_test_server_stop(srv);
	assert_int_equal(sd_test_ws_end(w, 3000), 1001);
	sd_test_ws_free(w);
	srv = was;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(all_three_carriers_of_credentials_open_a_connection, fresh),
		cmocka_unit_test_setup(a_header_of_thirty_thousand_bytes_is_carried, fresh),
		cmocka_unit_test_setup(bad_credentials_get_a_connection_error_and_a_close, fresh),
		cmocka_unit_test_setup(a_start_before_the_ack_is_ignored, fresh),
		cmocka_unit_test_setup(an_id_in_use_is_refused, fresh),
		cmocka_unit_test_setup(a_bad_start_gets_an_error_with_its_id, fresh),
		cmocka_unit_test_setup(data_flows_until_stop, fresh),
		cmocka_unit_test_setup(a_subscriber_gets_no_more_than_the_mutation_selected, fresh),
		cmocka_unit_test_setup(updates_and_deletes_are_told, fresh),
		cmocka_unit_test_setup(filters_decide_who_is_told, fresh),
		cmocka_unit_test_setup(
			an_event_over_240_kilobytes_is_dropped_and_the_connection_lives, fresh),
		cmocka_unit_test_setup(the_admin_side_writes_as_another_client, fresh),
		cmocka_unit_test_setup(one_subscription_too_many_gets_errors_as_an_object, fresh),
		cmocka_unit_test_setup(keep_alives_come_by_themselves, fresh),
		cmocka_unit_test_setup(publishing_to_a_hundred_subscribers_is_quick, fresh),
		cmocka_unit_test_setup(a_subscriber_that_does_not_read_is_dropped_alone, fresh),
		cmocka_unit_test_setup(a_connection_that_ends_leaves_nothing_behind, fresh),
		cmocka_unit_test_setup(who_never_sends_init_is_closed, fresh),
		cmocka_unit_test_setup(violations_close_with_their_code, fresh),
		cmocka_unit_test_setup(the_realtime_faults_do_what_they_say, fresh),
		cmocka_unit_test_setup(connections_are_dropped_on_order, fresh),
		cmocka_unit_test_setup(faults_strike_subscriptions_that_are_named, fresh),
		cmocka_unit_test_setup(frames_stand_in_the_log, fresh),
		cmocka_unit_test_setup(old_connections_and_a_stopping_server_say_1001, fresh),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
