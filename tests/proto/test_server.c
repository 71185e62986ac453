/*
 * tests/proto/test_server.c - the local backend over real sockets: HTTP, faults, admin side.
 * Options: test_options.c; realtime: test_realtime.c; user pool: test_pool.c.
 *
 * SRV-... names are rows of spec/server.md 10.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <curl/curl.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/ws_client.h"

static const char SDL[] =
	"enum Status { DRAFT LIVE }\n"
	"type Meta { a: String b: Int }\n"
	"type Post @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  title: String!\n  content: String\n  rating: Int\n  status: Status\n"
	"  tags: [String]\n  meta: Meta\n  data: AWSJSON\n}\n";

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;

static int start(void **st)
{
	struct sd_error e = {0};

	(void)st;
	if (sd_schema_read(SDL, strlen(SDL), "test", &schema, &e) != SD_OK) {
		fprintf(stderr, "%s\n", e.text);
		return -1;
	}
	sd_test_server_defaults(&opts, schema);
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

static const char *first_error(const struct sd_test_reply *r, const char *member)
{
	return sd_json_get_str(sd_json_child(sd_json_get(r->json, "errors")), member);
}

#define KEY  "x-api-key: da2-fakeApiId123456"
#define JSON "content-type: application/json"
static const char *const WITH_KEY[] = {KEY, JSON, NULL};

static void expect_error(const char *const *headers, const char *body, int status, const char *type,
	const char *message)
{
	struct sd_test_reply r;

	sd_test_http(srv, "POST", "/graphql", headers, body, &r);
	assert_int_equal(r.status, status);
	assert_non_null(r.json);
	assert_string_equal(first_error(&r, "errorType"), type);
	assert_string_equal(first_error(&r, "message"), message);
	assert_non_null(strcasestr(r.head, "x-amzn-errortype: "));
	sd_test_reply_release(&r);
}

/* SRV-H01, SRV-H02 */
static void a_body_that_is_no_request_is_400(void **st)
{
	static const char *const BAD[] = {"{}", "meow", "[]", "{\"query\":5}", "{\"query\":\"\"}",
		"\"query\"", "{\"query\":\"{a}\",}", "\xff"};

	(void)st;
	expect_error(WITH_KEY, "", 400, "MalformedHttpRequestException", "Request body is empty.");
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		expect_error(WITH_KEY, BAD[i], 400, "MalformedHttpRequestException",
			"Unable to parse GraphQL query.");
}

/* SRV-H03 */
static void a_validation_error_is_200(void **st)
{
	struct sd_test_reply r;

	(void)st;
	sd_test_graphql(srv, "{badfield}", NULL, &r);
	assert_int_equal(r.status, 200);
	assert_true(sd_json_is_null(sd_json_get(r.json, "data")));
	assert_non_null(strstr(first_error(&r, "message"), "FieldUndefined"));
	sd_test_reply_release(&r);
}

/* SRV-H04, SRV-H05 */
static void credentials_are_checked_before_anything_else(void **st)
{
	static const char *const WRONG[] = {"x-api-key: da2-other", NULL};
	static const char *const TOKEN[] = {"authorization: Bearer a.b.c", NULL};
	static const char *const NONE[] = {JSON, NULL};

	(void)st;
	expect_error(WRONG, "{\"query\":\"{a}\"}", 401, "UnauthorizedException",
		"You are not authorized to make this call.");
	expect_error(TOKEN, "{\"query\":\"{a}\"}", 401, "UnauthorizedException",
		"You are not authorized to make this call.");
	expect_error(
		NONE, "", 401, "UnauthorizedException", "Valid authorization header not provided.");
}

/* SRV-H11 */
static void a_get_answers_as_a_post_does(void **st)
{
	struct sd_test_reply a, b;

	(void)st;
	sd_test_graphql(srv,
		"query Q($n: Int) { listPosts(limit: $n) { items { id } } __typename }",
		"{\"n\":5}", &a);
	sd_test_http(srv, "GET",
		"/graphql?query=query+Q(%24n:+Int)+%7B+listPosts(limit:+%24n)+%7B+items+%7B+id+%7D+"
		"%7D+"
		"__typename+%7D&variables=%7B%22n%22:5%7D&operationName=Q",
		WITH_KEY, NULL, &b);
	assert_int_equal(b.status, 200);
	assert_null(sd_json_get(b.json, "errors"));
	assert_string_equal(a.body, b.body);
	sd_test_reply_release(&a);
	sd_test_reply_release(&b);
}

static void other_methods_paths_and_preflights_are_answered(void **st)
{
	struct sd_test_reply r;

	(void)st;
	sd_test_http(srv, "PUT", "/graphql", WITH_KEY, "{}", &r);
	assert_int_equal(r.status, 405);
	assert_non_null(strcasestr(r.head, "allow: GET, POST, OPTIONS"));
	sd_test_reply_release(&r);
	sd_test_http(srv, "OPTIONS", "/graphql", NULL, NULL, &r);
	assert_int_equal(r.status, 204);
	assert_non_null(strcasestr(r.head, "access-control-allow-origin: *"));
	assert_non_null(strcasestr(r.head, "access-control-allow-methods: GET, POST, OPTIONS"));
	sd_test_reply_release(&r);
	sd_test_http(srv, "GET", "/nothing", NULL, NULL, &r);
	assert_int_equal(r.status, 404);
	sd_test_reply_release(&r);
	sd_test_http(srv, "GET", "/graphql/realtime", NULL, NULL, &r);
	assert_int_equal(r.status, 426);
	sd_test_reply_release(&r);
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_non_null(strcasestr(r.head, "x-amzn-requestid: "));
	assert_non_null(strcasestr(r.head, "x-amzn-appsync-tokensconsumed: 1"));
	assert_non_null(strcasestr(r.head, "content-type: application/json; charset=UTF-8"));
	sd_test_reply_release(&r);
}

static char *raw(const char *text, int ms)
{
	int fd = sd_test_connect(sd_test_server_port(srv));
	char *all;

	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	all = sd_test_read_all(fd, ms);
	close(fd);
	return all;
}

static size_t count(const char *text, const char *what)
{
	size_t n = 0;

	for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
		n++;
	return n;
}

static void pipelined_requests_are_answered_in_order(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	char *all;
	const char *at;

	(void)st;
	for (int i = 0; i < 500; i++)
		sd_buf_fmt(&b,
			"POST /graphql HTTP/1.1\r\nHost: h\r\n" KEY "\r\nContent-Length: 24\r\n\r\n"
			"{\"query\":\"{__typename}\"}GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
	sd_buf_str(&b, "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	all = raw(sd_buf_text(&b), SD_TEST_SOON);
	assert_int_equal(count(all, "HTTP/1.1 "), 1001);
	at = all;
	for (int i = 0; i < 1001; i++) {
		at = strstr(at, "HTTP/1.1 ");
		assert_int_equal(strncmp(at + 9, i % 2 || i == 1000 ? "404" : "200", 3), 0);
		at += 9;
	}
	free(all);
	sd_buf_release(&b);
}

static void chunked_bodies_and_expect_are_served(void **st)
{
	static const char *const EXPECT[] = {KEY, JSON, "Expect: 100-continue", NULL};
	struct sd_test_reply r;
	struct sd_buf b = SD_BUF_INIT;
	char *all = raw("POST /graphql HTTP/1.1\r\nHost: h\r\n" KEY
			"\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
			"a\r\n{\"query\":\"\r\ne\r\n{__typename}\"}\r\n0\r\n\r\n",
		SD_TEST_SOON);

	(void)st;
	assert_int_equal(strncmp(all, "HTTP/1.1 200", 12), 0);
	free(all);
	sd_buf_str(&b, "{\"query\":\"{__typename}\",\"x\":\"");
	while (b.len < 1000000)
		sd_buf_str(&b, "0123456789");
	sd_buf_str(&b, "\"}");
	sd_test_http(srv, "POST", "/graphql", EXPECT, sd_buf_text(&b), &r);
	assert_int_equal(r.status, 200);
	assert_non_null(strstr(r.head, "HTTP/1.1 100 Continue"));
	assert_true(r.seconds < 30); /* without the 100 curl waits a minute */
	sd_test_reply_release(&r);
	sd_buf_release(&b);
}

static void too_large_requests_get_their_answer(void **st)
{
	struct sd_test_reply r;
	struct sd_buf b = SD_BUF_INIT;
	char *all;

	(void)st;
	sd_buf_str(&b, "{\"query\":\"{__typename}\",\"x\":\"");
	while (b.len < 3000000)
		sd_buf_str(&b, "0123456789");
	sd_buf_str(&b, "\"}");
	sd_test_http(srv, "POST", "/graphql", WITH_KEY, sd_buf_text(&b), &r);
	assert_int_equal(r.status, 413);
	sd_test_reply_release(&r);
	sd_buf_reset(&b);
	sd_buf_str(&b, "GET /graphql HTTP/1.1\r\nHost: h\r\nX: ");
	while (b.len < 70000)
		sd_buf_str(&b, "0123456789");
	sd_buf_str(&b, "\r\n\r\n");
	all = raw(sd_buf_text(&b), SD_TEST_SOON);
	assert_int_equal(strncmp(all, "HTTP/1.1 431", 12), 0);
	free(all);
	sd_buf_release(&b);
	all = raw("GET / HTTP/1.1\nHost: h\n\n", SD_TEST_SOON);
	assert_int_equal(strncmp(all, "HTTP/1.1 400", 12), 0);
	free(all);
}

static void fault(const char *body)
{
	sd_json_free(sd_test_admin(srv, "POST", "fault", body));
}

/* The least that one of so many requests took, s: what a machine's pause cannot lengthen. */
static double quickest(int n)
{
	double best = 1e9;

	while (n-- > 0) {
		struct sd_test_reply r;
		sd_test_graphql(srv, "{__typename}", NULL, &r);
		assert_int_equal(r.status, 200);
		best = r.seconds < best ? r.seconds : best;
		sd_test_reply_release(&r);
	}
	return best;
}

/* the kinds of contract.md 10, on the wire */
static void faults_do_what_they_say_once(void **st)
{
	struct sd_test_reply r;

	(void)st;
	fault("{\"kind\":\"status\",\"status\":503,\"body\":\"<oops>\",\"headers\":{\"Retry-"
	      "After\":"
	      "\"7\"}}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 503);
	assert_string_equal(r.body, "<oops>");
	assert_non_null(strcasestr(r.head, "retry-after: 7"));
	sd_test_reply_release(&r);
	fault("{\"kind\":\"garbage\",\"body\":\"not json\"}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "not json");
	sd_test_reply_release(&r);
	fault("{\"kind\":\"reset\"}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_RECV_ERROR); /* connection reset by peer */
	sd_test_reply_release(&r);
	fault("{\"kind\":\"lostResponse\"}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_GOT_NOTHING);
	sd_test_reply_release(&r);
	fault("{\"kind\":\"truncate\"}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.curl, CURLE_PARTIAL_FILE);
	assert_true(strlen(r.body) > 0);
	sd_test_reply_release(&r);
	fault("{\"kind\":\"delay\",\"ms\":700}");
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	assert_true(r.seconds >= 0.69);
	sd_test_reply_release(&r);
	assert_true(quickest(10) < 0.6);
}

static void a_graphql_error_on_order_names_every_root_field(void **st)
{
	struct sd_test_reply r;
	const struct cJSON *e;

	(void)st;
	fault("{\"kind\":\"graphqlError\",\"field\":\"createPost\",\"errorType\":"
	      "\"ConflictUnhandled\","
	      "\"message\":\"Conflict resolver rejects mutation.\",\"data\":{\"id\":\"1\"}}");
	sd_test_graphql(srv, "mutation { a: updatePost(input:{id:\"1\"}) { id } }", NULL, &r);
	assert_int_equal(r.status, 200); /* another field: not struck */
	assert_null(strstr(r.body, "Conflict resolver rejects mutation."));
	sd_test_reply_release(&r);
	sd_test_graphql(srv,
		"mutation {\n  a: createPost(input:{title:\"x\"}) { id }\n  "
		"createPost(input:{title:\"y\"}) "
		"{ id } }",
		NULL, &r);
	assert_true(sd_json_is_null(sd_json_path(r.json, "data", "a", NULL)));
	assert_non_null(sd_json_path(r.json, "data", "createPost", NULL));
	assert_int_equal(sd_json_count(sd_json_get(r.json, "errors")), 2);
	e = sd_json_child(sd_json_get(r.json, "errors"));
	assert_string_equal(sd_json_get_str(e, "errorType"), "ConflictUnhandled");
	assert_string_equal(sd_json_str(sd_json_child(sd_json_get(e, "path"))), "a");
	assert_string_equal(sd_json_get_str(sd_json_get(e, "data"), "id"), "1");
	assert_int_equal(sd_json_get_i64(sd_json_child(sd_json_get(e, "locations")), "line", 0), 2);
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(srv, "DELETE", "fault", NULL));
}

static size_t ignore(char *p, size_t size, size_t n, void *ctx)
{
	(void)p;
	(void)ctx;
	return size * n;
}

static void latency_delays_one_answer_and_blocks_nobody(void **st)
{
	CURLM *m = curl_multi_init();
	CURL *c[12];
	struct curl_slist *h = curl_slist_append(NULL, KEY);
	int running = 1;
	int64_t t0;

	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "latency", "{\"ms\":1000,\"jitter\":50}"));
	t0 = sd_mono_ms();
	for (int i = 0; i < 12; i++) {
		c[i] = curl_easy_init();
		curl_easy_setopt(c[i], CURLOPT_URL, sd_test_server_url(srv));
		curl_easy_setopt(c[i], CURLOPT_HTTPHEADER, h);
		curl_easy_setopt(c[i], CURLOPT_POSTFIELDS, "{\"query\":\"{__typename}\"}");
		curl_easy_setopt(c[i], CURLOPT_WRITEFUNCTION, ignore);
		curl_multi_add_handle(m, c[i]);
	}
	while (running) {
		curl_multi_perform(m, &running);
		curl_multi_poll(m, NULL, 0, 100, NULL);
	}
	t0 = sd_mono_ms() - t0;
	assert_true(t0 >= 990 && t0 < 9000); /* not twelve times that */
	for (int i = 0; i < 10; i++) {       /* the admin side is not delayed */
		int64_t from = sd_mono_ms();
		sd_json_free(sd_test_admin(srv, "GET", "state", NULL));
		from = sd_mono_ms() - from;
		t0 = from < t0 ? from : t0;
	}
	assert_true(t0 < 990);
	for (int i = 0; i < 12; i++) {
		long status = 0;
		curl_easy_getinfo(c[i], CURLINFO_RESPONSE_CODE, &status);
		assert_int_equal(status, 200);
		curl_multi_remove_handle(m, c[i]);
		curl_easy_cleanup(c[i]);
	}
	curl_multi_cleanup(m);
	curl_slist_free_all(h);
	sd_json_free(sd_test_admin(srv, "POST", "reset", NULL));
	assert_true(quickest(10) < 0.9);
}

static void a_hanging_request_holds_up_nobody(void **st)
{
	struct sd_test_reply r;
	char *all;

	(void)st;
	fault("{\"kind\":\"hang\"}");
	all = raw("POST /graphql HTTP/1.1\r\nHost: h\r\n" KEY "\r\nContent-Length: 24\r\n\r\n"
		  "{\"query\":\"{__typename}\"}",
		200);
	assert_string_equal(all, "");
	free(all);
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	assert_int_equal(r.status, 200);
	sd_test_reply_release(&r);
}

static void the_log_holds_what_came_in(void **st)
{
	struct sd_test_reply r;
	struct cJSON *log;
	const struct cJSON *x;
	int64_t t, from = sd_now_ms();

	(void)st;
	sd_json_free(sd_test_admin(srv, "DELETE", "log", NULL));
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	sd_test_reply_release(&r);
	sd_test_http(srv, "GET", "/nothing", NULL, NULL, &r);
	sd_test_reply_release(&r);
	log = sd_test_admin(srv, "GET", "log", NULL);
	assert_int_equal(sd_json_count(log), 2); /* admin calls are not in it */
	x = sd_json_child(log);
	assert_string_equal(sd_json_get_str(x, "kind"), "http");
	assert_string_equal(sd_json_get_str(x, "method"), "POST");
	assert_string_equal(sd_json_get_str(x, "path"), "/graphql");
	assert_string_equal(
		sd_json_get_str(sd_json_get(x, "headers"), "x-api-key"), "da2-fakeApiId123456");
	assert_int_equal(sd_json_get_i64(x, "status", 0), 200);
	assert_non_null(strstr(sd_json_get_str(x, "body"), "{__typename}"));
	t = sd_json_get_i64(x, "t", 0);
	assert_true(t >= from && t <= sd_now_ms());
	assert_int_equal(sd_json_get_i64(sd_json_next(x), "status", 0), 404);
	sd_json_free(log);
	log = sd_test_admin(srv, "GET", "log?since=99999999999999", NULL);
	assert_int_equal(sd_json_count(log), 0);
	sd_json_free(log);
}

static void the_clock_moves_on_order(void **st)
{
	struct sd_test_reply r;
	struct cJSON *log;

	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":86400000}"));
	sd_test_graphql(srv, "{__typename}", NULL, &r);
	sd_test_reply_release(&r);
	log = sd_test_admin(srv, "GET", "log", NULL);
	assert_true(sd_json_get_i64(sd_json_child(log), "t", 0) > sd_now_ms() + 86000000);
	sd_json_free(log);
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":0}"));
}

static void bad_admin_calls_say_what_is_wrong(void **st)
{
	static const struct {
		const char *method, *call, *body;
		int status;
		const char *word;
	} BAD[] = {
		{"GET", "nothing", NULL, 404, "there is no GET"},
		{"GET", "reset", NULL, 405, "takes POST"},
		{"POST", "fault", "{}", 400, "kind"},
		{"POST", "fault", "[]", 400, "object"},
		{"POST", "fault", "{", 400, "JSON"},
		{"GET", "dump", NULL, 400, "model"},
		{"GET", "dump?model=Nope", NULL, 404, "Nope"},
		{"POST", "seed", "{\"model\":\"Post\",\"count\":-5}", 400, "count"},
		{"POST", "put", "{\"model\":\"Post\"}", 400, "items"},
		{"POST", "mutate", "{\"model\":\"Post\",\"op\":\"upsert\",\"input\":{}}", 400,
			"create"},
		{"POST", "latency", "{\"ms\":\"x\"}", 400, "ms"},
		{"POST", "ws", "{\"refuse\":200}", 400, "refuse"},
		{"POST", "expire-tokens", NULL, 400, "user pool"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_test_reply r;
		char path[100];
		snprintf(path, sizeof path, "/_sandbox/%s", BAD[i].call);
		sd_test_http(srv, BAD[i].method, path, NULL, BAD[i].body, &r);
		assert_int_equal(r.status, BAD[i].status);
		assert_non_null(strstr(sd_json_get_str(r.json, "error"), BAD[i].word));
		sd_test_reply_release(&r);
	}
}

static void the_admin_side_refuses_web_pages(void **st)
{
	static const char *const HOST[] = {"Host: evil.example", NULL};
	static const char *const ORIGIN[] = {"Origin: http://evil.example", NULL};
	struct sd_test_reply r;

	(void)st;
	sd_test_http(srv, "GET", "/_sandbox/state", HOST, NULL, &r);
	assert_int_equal(r.status, 403);
	sd_test_reply_release(&r);
	sd_test_http(srv, "POST", "/_sandbox/reset", ORIGIN, NULL, &r);
	assert_int_equal(r.status, 403);
	sd_test_reply_release(&r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_body_that_is_no_request_is_400, fresh),
		cmocka_unit_test_setup(a_validation_error_is_200, fresh),
		cmocka_unit_test_setup(credentials_are_checked_before_anything_else, fresh),
		cmocka_unit_test_setup(a_get_answers_as_a_post_does, fresh),
		cmocka_unit_test_setup(other_methods_paths_and_preflights_are_answered, fresh),
		cmocka_unit_test_setup(pipelined_requests_are_answered_in_order, fresh),
		cmocka_unit_test_setup(chunked_bodies_and_expect_are_served, fresh),
		cmocka_unit_test_setup(too_large_requests_get_their_answer, fresh),
		cmocka_unit_test_setup(faults_do_what_they_say_once, fresh),
		cmocka_unit_test_setup(a_graphql_error_on_order_names_every_root_field, fresh),
		cmocka_unit_test_setup(latency_delays_one_answer_and_blocks_nobody, fresh),
		cmocka_unit_test_setup(a_hanging_request_holds_up_nobody, fresh),
		cmocka_unit_test_setup(the_log_holds_what_came_in, fresh),
		cmocka_unit_test_setup(the_clock_moves_on_order, fresh),
		cmocka_unit_test_setup(bad_admin_calls_say_what_is_wrong, fresh),
		cmocka_unit_test_setup(the_admin_side_refuses_web_pages, fresh),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
