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
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "tests/support/served.h"
#include "tests/support/ws_client.h"

static const char *first_error(const struct sd_test_reply *r, const char *member)
{
	return sd_json_get_str(sd_json_child(sd_json_get(r->json, "errors")), member);
}

#define JSON "content-type: application/json"
static const char *const WITH_KEY[] = {SERVED_KEY, JSON, NULL};

static void expect_error(const char *const *headers, const char *body, int status, const char *type,
	const char *message)
{
	struct sd_test_reply r;

	sd_test_http(served.srv, "POST", "/graphql", headers, body, &r);
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
	sd_test_graphql(served.srv, "{badfield}", NULL, &r);
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
	sd_test_graphql(served.srv,
		"query Q($n: Int) { listPosts(limit: $n) { items { id } } __typename }",
		"{\"n\":5}", &a);
	sd_test_http(served.srv, "GET",
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
	sd_test_http(served.srv, "PUT", "/graphql", WITH_KEY, "{}", &r);
	assert_int_equal(r.status, 405);
	assert_non_null(strcasestr(r.head, "allow: GET, POST, OPTIONS"));
	sd_test_reply_release(&r);
	sd_test_http(served.srv, "OPTIONS", "/graphql", NULL, NULL, &r);
	assert_int_equal(r.status, 204);
	assert_non_null(strcasestr(r.head, "access-control-allow-origin: *"));
	assert_non_null(strcasestr(r.head, "access-control-allow-methods: GET, POST, OPTIONS"));
	sd_test_reply_release(&r);
	sd_test_http(served.srv, "GET", "/nothing", NULL, NULL, &r);
	assert_int_equal(r.status, 404);
	sd_test_reply_release(&r);
	sd_test_http(served.srv, "GET", "/graphql/realtime", NULL, NULL, &r);
	assert_int_equal(r.status, 426);
	sd_test_reply_release(&r);
	sd_test_graphql(served.srv, "{__typename}", NULL, &r);
	assert_non_null(strcasestr(r.head, "x-amzn-requestid: "));
	assert_non_null(strcasestr(r.head, "x-amzn-appsync-tokensconsumed: 1"));
	assert_non_null(strcasestr(r.head, "content-type: application/json; charset=UTF-8"));
	sd_test_reply_release(&r);
}

static void pipelined_requests_are_answered_in_order(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	char *all;
	const char *at;

	(void)st;
	for (int i = 0; i < 500; i++)
		sd_buf_fmt(&b,
			"POST /graphql HTTP/1.1\r\nHost: h\r\n" SERVED_KEY
			"\r\nContent-Length: 24\r\n\r\n"
			"{\"query\":\"{__typename}\"}GET /nothing HTTP/1.1\r\nHost: h\r\n\r\n");
	sd_buf_str(&b, "GET /nothing HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
	all = served_raw(sd_buf_text(&b), SD_TEST_SOON);
	assert_int_equal(served_count(all, "HTTP/1.1 "), 1001);
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
	static const char *const EXPECT[] = {SERVED_KEY, JSON, "Expect: 100-continue", NULL};
	struct sd_test_reply r;
	struct sd_buf b = SD_BUF_INIT;
	char *all = served_raw("POST /graphql HTTP/1.1\r\nHost: h\r\n" SERVED_KEY
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
	sd_test_http(served.srv, "POST", "/graphql", EXPECT, sd_buf_text(&b), &r);
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
	sd_test_http(served.srv, "POST", "/graphql", WITH_KEY, sd_buf_text(&b), &r);
	assert_int_equal(r.status, 413);
	sd_test_reply_release(&r);
	sd_buf_reset(&b);
	sd_buf_str(&b, "GET /graphql HTTP/1.1\r\nHost: h\r\nX: ");
	while (b.len < 70000)
		sd_buf_str(&b, "0123456789");
	sd_buf_str(&b, "\r\n\r\n");
	all = served_raw(sd_buf_text(&b), SD_TEST_SOON);
	assert_int_equal(strncmp(all, "HTTP/1.1 431", 12), 0);
	free(all);
	sd_buf_release(&b);
	all = served_raw("GET / HTTP/1.1\nHost: h\n\n", SD_TEST_SOON);
	assert_int_equal(strncmp(all, "HTTP/1.1 400", 12), 0);
	free(all);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_body_that_is_no_request_is_400, served_fresh),
		cmocka_unit_test_setup(a_validation_error_is_200, served_fresh),
		cmocka_unit_test_setup(credentials_are_checked_before_anything_else, served_fresh),
		cmocka_unit_test_setup(a_get_answers_as_a_post_does, served_fresh),
		cmocka_unit_test_setup(
			other_methods_paths_and_preflights_are_answered, served_fresh),
		cmocka_unit_test_setup(pipelined_requests_are_answered_in_order, served_fresh),
		cmocka_unit_test_setup(chunked_bodies_and_expect_are_served, served_fresh),
		cmocka_unit_test_setup(too_large_requests_get_their_answer, served_fresh),
	};
	return cmocka_run_group_tests(tests, served_posts, served_stop);
}