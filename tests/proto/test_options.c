/*
 * tests/proto/test_options.c - the local backend's options: admin side, strategies, seeds, files,
 * TLS and the written configuration, and what is refused at the start.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/model/amplify.h"
#include "core/net/loop.h"
#include "tests/support/served.h"
#include "tests/support/support.h"

static void without_admin_there_is_no_admin_side(void **st)
{
	struct sd_sandbox_opts o = served.opts;
	struct sd_test_server *s;
	struct sd_test_reply r;

	(void)st;
	o.admin = false;
	s = sd_test_server_start(&o);
	assert_true(sd_json_is_null(sd_json_get(sd_test_server_ready(s), "admin")));
	sd_test_http(s, "GET", "/_sandbox/state", NULL, NULL, &r);
	assert_int_equal(r.status, 404);
	sd_test_reply_release(&r);
	sd_test_server_orphan(s); /* ends when the pipe to its parent closes */
}

static void refused(const struct sd_sandbox_opts *o, const char *word)
{
	char *text = sd_test_server_refused(o);

	if (!strstr(text, word))
		fail_msg("\"%s\" does not name %s", text, word);
	free(text);
}

static void bad_options_are_refused_by_name(void **st)
{
	static const char *const SETS[] = {"max_subscriptions=none"}, *const UNKNOWN[] = {
									      "colour=red"};
	struct sd_sandbox_opts o = served.opts;

	(void)st;
	o.host = "0.0.0.0";
	refused(&o, "--admin");
	o.admin = false;
	o.host = "203.0.113.9"; /* of nobody */
	refused(&o, "203.0.113.9");
	o.host = "not-an-address";
	refused(&o, "an address is needed");
	o = served.opts;
	o.strategy = "maybe";
	refused(&o, "--strategy maybe");
	o = served.opts;
	o.sets = SETS;
	o.set_count = 1;
	refused(&o, "max_subscriptions=none");
	o.sets = UNKNOWN;
	refused(&o, "colour");
	o = served.opts;
	o.seed = "/nonexistent/seed";
	refused(&o, "/nonexistent/seed");
	o = served.opts;
	o.users = "/nonexistent/users";
	refused(&o, "/nonexistent/users");
	o = served.opts;
	o.port = sd_test_server_port(served.srv);
	refused(&o, "in use");
}

/* The whole dump of Post from a server of its own; owned. */
static char *dump_of(const struct sd_sandbox_opts *o)
{
	struct sd_test_server *s = sd_test_server_start(o);
	struct sd_test_reply r;
	char *body;

	sd_test_http(s, "GET", "/_sandbox/dump?model=Post", NULL, NULL, &r);
	assert_int_equal(r.status, 200);
	body = strdup(r.body);
	sd_test_reply_release(&r);
	sd_test_server_stop(s);
	return body;
}

/* What a seed decides: everything but the times. */
static struct cJSON *without_times(const char *dump)
{
	struct cJSON *rows = NULL;

	assert_int_equal(sd_json_parse(dump, strlen(dump), "dump", &rows, NULL), SD_OK);
	for (struct cJSON *c = sd_json_child(rows); c; c = sd_json_next(c)) {
		sd_json_remove(c, "createdAt");
		sd_json_remove(c, "updatedAt");
		sd_json_remove(c, "_lastChangedAt");
	}
	return rows;
}

static void the_same_seed_gives_the_same_records(void **st)
{
	static const char *const SEED[] = {"50:7", "50:7", "50:8"};
	struct sd_sandbox_opts o = served.opts;
	struct cJSON *rows[3];

	(void)st;
	for (int i = 0; i < 3; i++) {
		char *text;
		o.seed = SEED[i];
		text = dump_of(&o);
		rows[i] = without_times(text);
		assert_int_equal(sd_json_count(rows[i]), 50);
		free(text);
	}
	assert_true(sd_json_equal(rows[0], rows[1], false));
	assert_false(sd_json_equal(rows[0], rows[2], false));
	for (int i = 0; i < 3; i++)
		sd_json_free(rows[i]);
}

static void a_seed_file_is_read_or_refused_with_its_line(void **st)
{
	static const char good[] =
		"{\"model\":\"Post\",\"fields\":{\"id\":\"1\",\"title\":\"a\"}}\n\n"
		"{\"model\":\"Post\",\"fields\":{\"id\":\"2\",\"title\":\"b\"}}\r\n";
	static const char bad[] = "{\"model\":\"Post\",\"fields\":{\"id\":\"1\",\"title\":\"a\"}}\n"
				  "{\"model\":\"Pots\",\"fields\":{}}\n";
	char *dir = sd_test_dir(), file[300], *text;
	struct sd_sandbox_opts o = served.opts;

	(void)st;
	snprintf(file, sizeof file, "%s/seed", dir);
	o.seed = file;
	assert_int_equal(sd_write_file(file, good, strlen(good), NULL), SD_OK);
	text = dump_of(&o);
	assert_int_equal(served_count(text, "\"title\":"), 2);
	free(text);
	assert_int_equal(sd_write_file(file, bad, strlen(bad), NULL), SD_OK);
	refused(&o, "seed:2: ");
	refused(&o, "Pots");
	sd_test_dir_remove(dir);
}

static void data_in_a_file_outlives_the_server(void **st)
{
	char *dir = sd_test_dir(), file[300], *text;
	struct sd_sandbox_opts o = served.opts;
	struct sd_test_server *s;
	struct sd_test_reply r;

	(void)st;
	snprintf(file, sizeof file, "%s/data.db", dir);
	o.db = file;
	s = sd_test_server_start(&o);
	sd_test_graphql(
		s, "mutation { createPost(input: {id: \"kept\", title: \"t\"}) { id } }", NULL, &r);
	assert_null(sd_json_get(r.json, "errors"));
	sd_test_reply_release(&r);
	sd_test_server_stop(s);
	text = dump_of(&o);
	assert_non_null(strstr(text, "kept"));
	free(text);
	sd_test_dir_remove(dir);
}

/* One stale update under a strategy; the answer's body, owned. */
static char *stale_update(const char *strategy)
{
	struct sd_sandbox_opts o = served.opts;
	struct sd_test_server *s;
	struct sd_test_reply r;
	char *body;

	o.strategy = strategy;
	s = sd_test_server_start(&o);
	for (int i = 0; i < 2; i++) {
		sd_test_graphql(s,
			i ? "mutation { updatePost(input: {id: \"1\", title: \"b\", _version: 1}) "
			    "{ id } }"
			  : "mutation { createPost(input: {id: \"1\", title: \"a\"}) { id } }",
			NULL, &r);
		assert_null(sd_json_get(r.json, "errors"));
		sd_test_reply_release(&r);
	}
	sd_test_graphql(s,
		"mutation { updatePost(input: {id: \"1\", title: \"c\", _version: 1}) { title "
		"_version } }",
		NULL, &r);
	body = strdup(r.body);
	sd_test_reply_release(&r);
	sd_test_server_stop(s);
	return body;
}

/* the handler contract of server.md 2.6, with commands of one line */
static void each_strategy_answers_a_stale_update_its_way(void **st)
{
	static const struct {
		const char *strategy, *want;
	} CASE[] = {
		{"automerge", "{\"data\":{\"updatePost\":{\"title\":\"b\",\"_version\":3}}}"},
		{"optimistic", "\"errorType\":\"ConflictUnhandled\""},
		{"lambda:cat >/dev/null; echo '{\"action\":\"REJECT\"}'",
			"\"errorType\":\"ConflictUnhandled\""},
		{"lambda:cat >/dev/null; echo "
		 "'{\"action\":\"RESOLVE\",\"item\":{\"id\":\"1\",\"title\":"
		 "\"decided\"}}'",
			"\"title\":\"decided\",\"_version\":3"},
		{"lambda:exit 3", "\"errors\":["},
		{"lambda:echo nonsense", "\"errors\":["},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
		char *body = stale_update(CASE[i].strategy);
		if (!strstr(body, CASE[i].want))
			fail_msg("%s: %s", CASE[i].strategy, body);
		free(body);
	}
}

struct wss_client { /* the product's own client against the product's own server */
	struct sd_loop *loop;
	int acks, closed;
	size_t longest;
};

static void wss_opened(void *ctx, uint64_t id)
{
	static const char init[] = "{\"type\":\"connection_init\"}";
	struct wss_client *c = ctx;

	assert_int_equal(sd_ws_send(c->loop, id, init, strlen(init), NULL), SD_OK);
}

static void wss_text(void *ctx, uint64_t id, const char *p, size_t n)
{
	struct wss_client *c = ctx;

	(void)id;
	c->acks += memmem(p, n, "connection_ack", 14) != NULL;
	if (n > c->longest)
		c->longest = n;
}

static void wss_closed(void *ctx, uint64_t id, int code, int status, const char *reason)
{
	struct wss_client *c = ctx;

	(void)id;
	(void)status;
	(void)reason;
	c->closed = code ? code : -1;
}

static void talk_wss(struct sd_test_server *s)
{
	static const struct sd_ws_events EVENTS = {wss_opened, wss_text, wss_closed};
	struct sd_loop_opts o = {.ca_file = sd_json_get_str(sd_test_server_ready(s), "ca"),
		.connect_timeout_ms = 5000};
	struct wss_client c = {0};
	struct sd_buf p = SD_BUF_INIT;
	int64_t until = sd_mono_ms() + 5000;
	static const char header[] = "{\"host\":\"h\",\"x-api-key\":\"da2-fakeApiId123456\"}";

	sd_net_init();
	assert_int_equal(sd_loop_new(&o, &c.loop, NULL), SD_OK);
	sd_buf_str(&p, "graphql-ws, header-");
	sd_base64_encode(&p, header, strlen(header), true);
	assert_int_equal(sd_ws_open(c.loop, 1, sd_json_get_str(sd_test_server_ready(s), "realtime"),
				 sd_buf_text(&p), &EVENTS, &c, NULL),
		SD_OK);
	while (!c.acks && !c.closed && sd_mono_ms() < until)
		sd_loop_turn(c.loop, 50);
	assert_int_equal(c.acks, 1);
	sd_ws_close(c.loop, 1, 1000);
	while (!c.closed && sd_mono_ms() < until)
		sd_loop_turn(c.loop, 50);
	assert_int_not_equal(c.closed, 0);
	sd_loop_free(c.loop);
	sd_buf_release(&p);
}

/* A loop that was told there would be no TLS knows no certificates: it trusts nobody. */
static void refused_without_certificates(struct sd_test_server *s)
{
	static const struct sd_ws_events EVENTS = {wss_opened, wss_text, wss_closed};
	struct sd_loop_opts o = {.plain = true, .connect_timeout_ms = 5000};
	struct wss_client c = {0};
	int64_t until = sd_mono_ms() + 30000;

	assert_int_equal(sd_loop_new(&o, &c.loop, NULL), SD_OK);
	assert_int_equal(sd_ws_open(c.loop, 1, sd_json_get_str(sd_test_server_ready(s), "realtime"),
				 "graphql-ws, header-e30", &EVENTS, &c, NULL),
		SD_OK);
	while (!c.acks && !c.closed && sd_mono_ms() < until)
		sd_loop_turn(c.loop, 50);
	assert_int_equal(c.acks, 0);
	assert_int_not_equal(c.closed, 0);
	sd_loop_free(c.loop);
}

/* A page of two megabytes, over TLS. */
static void fetch_large(struct sd_test_server *s)
{
	struct sd_test_reply r;

	sd_json_free(
		sd_test_admin(s, "POST", "seed", "{\"model\":\"Post\",\"count\":5000,\"seed\":1}"));
	sd_test_http(s, "GET", "/_sandbox/dump?model=Post", NULL, NULL, &r);
	assert_int_equal(r.curl, CURLE_OK);
	assert_int_equal(sd_json_count(r.json), 5000);
	sd_test_reply_release(&r);
}

static void tls_serves_https_and_the_written_config_leads_there(void **st)
{
	char *dir = sd_test_dir(), file[300];
	struct sd_sandbox_opts o = served.opts;
	struct sd_test_server *s;
	struct sd_test_reply r;
	struct sd_config *c = NULL;
	struct sd_schema *models = NULL;
	struct sd_error e = {0};

	(void)st;
	snprintf(file, sizeof file, "%s/amplify_outputs.json", dir);
	o.tls = true;
	o.state_dir = dir;
	o.write_config = file;
	s = sd_test_server_start(&o);
	assert_int_equal(strncmp(sd_test_server_url(s), "https://127.0.0.1:", 18), 0);
	assert_int_equal(strncmp(sd_json_get_str(sd_test_server_ready(s), "realtime"),
				 "wss://127.0.0.1:", 16),
		0);
	sd_test_graphql(s, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_OK);
	assert_int_equal(r.status, 200);
	sd_test_reply_release(&r);
	talk_wss(s);
	refused_without_certificates(s);
	fetch_large(s);
	if (sd_config_read_file(file, &c, &e) != SD_OK)
		fail_msg("%s", e.text);
	assert_string_equal(c->endpoint, sd_test_server_url(s));
	assert_string_equal(c->api_key, "da2-fakeApiId123456");
	assert_int_equal(c->auth, SD_AUTH_API_KEY);
	assert_string_equal(c->ca_file, sd_json_get_str(sd_test_server_ready(s), "ca"));
	assert_true(c->has_models);
	assert_int_equal(sd_schema_read_file(file, &models, &e), SD_OK);
	assert_non_null(sd_schema_model(models, "Post"));
	sd_schema_free(models);
	sd_config_free(c);
	sd_test_server_stop(s);
	sd_test_dir_remove(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_admin_there_is_no_admin_side),
		cmocka_unit_test(bad_options_are_refused_by_name),
		cmocka_unit_test(the_same_seed_gives_the_same_records),
		cmocka_unit_test(a_seed_file_is_read_or_refused_with_its_line),
		cmocka_unit_test(data_in_a_file_outlives_the_server),
		cmocka_unit_test(each_strategy_answers_a_stale_update_its_way),
		cmocka_unit_test(tls_serves_https_and_the_written_config_leads_there),
	};
	return cmocka_run_group_tests(tests, served_posts, served_stop);
}
