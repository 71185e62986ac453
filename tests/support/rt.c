/* tests/support/rt.c - see rt.h. */
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
#include "core/json/json.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/rt.h"
#include "tests/support/ws_client.h"

static const char SDL[] = "type Post @model @auth(rules: [{allow: public}]) {\n"
			  "  id: ID!\n  title: String!\n  content: String\n  rating: Int\n}\n";
const char sd_test_rt_good[] = "{\"host\":\"h\",\"x-api-key\":\"da2-fakeApiId123456\"}";

static struct sd_schema *schema;
struct sd_sandbox_opts sd_test_rt_opts;
struct sd_test_server *sd_test_rt_server;

int sd_test_rt_start(void **st)
{
	static const char *const SETS[] = {"max_subscriptions=120", "init_timeout=1500ms"};

	(void)st;
	if (sd_schema_read(SDL, strlen(SDL), "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&sd_test_rt_opts, schema);
	sd_test_rt_opts.keep_alive_ms = 300;
	sd_test_rt_opts.sets = SETS;
	sd_test_rt_opts.set_count = 2;
	sd_test_rt_server = sd_test_server_start(&sd_test_rt_opts);
	return 0;
}

int sd_test_rt_stop(void **st)
{
	(void)st;
	sd_test_server_stop(sd_test_rt_server);
	sd_schema_free(schema);
	return 0;
}

int sd_test_rt_fresh(void **st)
{
	(void)st;
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "reset", NULL));
	return 0;
}

struct sd_test_ws *sd_test_rt_dial(const char *path, const char *protocol, const char *headers)
{
	int status = 0;
	struct sd_test_ws *w = sd_test_ws_open(
		sd_test_server_port(sd_test_rt_server), path, protocol, headers, &status);

	if (!w)
		fail_msg("no upgrade: HTTP %d", status);
	return w;
}

struct sd_test_ws *sd_test_rt_by_protocol(const char *header)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;

	sd_buf_str(&b, "graphql-ws, header-");
	sd_base64_encode(&b, header, strlen(header), true);
	w = sd_test_rt_dial("/graphql/realtime", sd_buf_text(&b), "");
	sd_buf_release(&b);
	return w;
}

struct sd_test_ws *sd_test_rt_by_query(const char *header)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_test_ws *w;

	sd_buf_str(&b, "/graphql/realtime?header=");
	sd_base64_encode(&b, header, strlen(header), false);
	sd_buf_str(&b, "&payload=e30=");
	w = sd_test_rt_dial(sd_buf_text(&b), "graphql-ws", "");
	sd_buf_release(&b);
	return w;
}

void sd_test_rt_init(struct sd_test_ws *w)
{
	char *ack;

	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	ack = sd_test_ws_expect(w, "connection_ack", SD_TEST_SOON);
	assert_non_null(ack);
	free(ack);
}

struct sd_test_ws *sd_test_rt_ready(void)
{
	struct sd_test_ws *w = sd_test_rt_by_protocol(sd_test_rt_good);

	sd_test_rt_init(w);
	return w;
}

void sd_test_rt_send_start(struct sd_test_ws *w, const char *id, const char *query)
{
	struct sd_buf data = SD_BUF_INIT, b = SD_BUF_INIT;

	sd_buf_str(&data, "{\"query\":");
	sd_json_quote(&data, query, strlen(query));
	sd_buf_str(&data, ",\"variables\":{}}");
	sd_buf_fmt(&b, "{\"id\":\"%s\",\"type\":\"start\",\"payload\":{\"data\":", id);
	sd_json_quote(&b, data.data, data.len);
	sd_buf_fmt(&b, ",\"extensions\":{\"authorization\":%s}}}", sd_test_rt_good);
	sd_test_ws_send(w, sd_buf_text(&b));
	sd_buf_release(&data);
	sd_buf_release(&b);
}

void sd_test_rt_subscribed(struct sd_test_ws *w, const char *id)
{
	char *ack;

	sd_test_rt_send_start(w, id, SD_TEST_ON_CREATE);
	ack = sd_test_ws_expect(w, "start_ack", SD_TEST_SOON);
	assert_non_null(ack);
	assert_non_null(strstr(ack, id));
	free(ack);
}

void sd_test_rt_create_post(void)
{
	struct sd_test_reply r;

	sd_test_graphql(sd_test_rt_server,
		"mutation { createPost(input: {title: \"t\"}) { id title content rating } }", NULL,
		&r);
	assert_int_equal(r.status, 200);
	assert_null(sd_json_get(r.json, "errors"));
	sd_test_reply_release(&r);
}

/* One mutation; fails the test unless it succeeds. */
void sd_test_rt_mutate(const char *query)
{
	struct sd_test_reply r;

	sd_test_graphql(sd_test_rt_server, query, NULL, &r);
	if (r.status != 200 || sd_json_get(r.json, "errors"))
		fail_msg("%s: %d %s", query, r.status, r.body);
	sd_test_reply_release(&r);
}

void sd_test_rt_expect_data(struct sd_test_ws *w, const char *id, const char *payload)
{
	char *m = sd_test_ws_expect(w, "data", SD_TEST_SOON), want[300];

	assert_non_null(m);
	snprintf(want, sizeof want, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":%s", id, payload);
	if (strncmp(m, want, strlen(want)) != 0)
		fail_msg("got %s, wanted %s", m, want);
	free(m);
}

void sd_test_rt_started(struct sd_test_ws *w, const char *id, const char *query)
{
	char *ack;

	sd_test_rt_send_start(w, id, query);
	ack = sd_test_ws_expect(w, "start_ack", SD_TEST_SOON);
	assert_non_null(ack);
	free(ack);
}
