/* tests/unit/test_http_parse.c - the HTTP/1.1 reader and writer of the local backend, sans IO. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/server/http.h"

#define CAP 1000

/* Feeds text in pieces of `piece` bytes, answering ROUTE with a body cap; returns bytes used. */
static size_t feed(struct sd_hs *h, const char *text, size_t n, size_t piece)
{
	size_t at = 0, have = 0;

	while (h->state != SD_HS_DONE && h->state != SD_HS_FAILED) {
		size_t used;
		if (have == at && have == n)
			break;
		if (have < n)
			have = have + piece < n ? have + piece : n;
		used = sd_hs_feed(h, text + at, have - at);
		at += used;
		if (h->state == SD_HS_ROUTE) {
			h->body_cap = CAP;
			sd_hs_body(h);
		} else if (!used && have == n) {
			break;
		}
	}
	return at;
}

static void expect_status(const char *text, int status)
{
	struct sd_hs h;

	for (size_t piece = 1; piece < 100; piece += 49) {
		sd_hs_init(&h);
		feed(&h, text, strlen(text), piece);
		if (h.state != SD_HS_FAILED || h.status != status)
			fail_msg("%s: state %d status %d (%s), wanted %d", text, (int)h.state,
				h.status, h.why ? h.why : "", status);
		sd_hs_release(&h);
	}
}

static void a_request_comes_out_the_same_however_it_is_cut(void **st)
{
	static const char text[] = "POST /graphql?a=1&b=x%20y HTTP/1.1\r\nHost: h\r\n"
				   "Content-Type: application/json\r\nX-Api-Key:   da2-x \t\r\n"
				   "Content-Length: 5\r\n\r\nhelloGET ";
	struct sd_hs h;
	struct sd_buf v = SD_BUF_INIT;

	(void)st;
	for (size_t piece = 1; piece <= sizeof text; piece++) {
		sd_hs_init(&h);
		assert_int_equal(feed(&h, text, sizeof text - 1, piece), sizeof text - 1 - 4);
		assert_int_equal(h.state, SD_HS_DONE);
		assert_string_equal(h.method, "POST");
		assert_true(sd_hs_path_is(&h, "/graphql"));
		assert_string_equal(sd_hs_header(&h, "x-api-key"), "da2-x");
		assert_string_equal(sd_buf_text(&h.body), "hello");
		assert_true(h.keep_alive);
		sd_buf_reset(&v);
		assert_true(sd_hs_param(&h, "b", false, &v));
		assert_string_equal(sd_buf_text(&v), "x y");
		assert_false(sd_hs_param(&h, "c", false, &v));
		sd_hs_release(&h);
	}
	sd_buf_release(&v);
}

static void pipelined_requests_come_out_one_by_one(void **st)
{
	static const char text[] = "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n\r\n"
				   "POST /2 HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"
				   "GET /3 HTTP/1.0\r\n\r\n";
	const char *want[] = {"/1", "/2", "/3"};
	struct sd_hs h;
	size_t at = 0;

	(void)st;
	sd_hs_init(&h);
	for (int i = 0; i < 3; i++) {
		at += feed(&h, text + at, sizeof text - 1 - at, 1000);
		assert_int_equal(h.state, SD_HS_DONE);
		assert_string_equal(h.target, want[i]);
		assert_int_equal(h.keep_alive, i < 2);
		sd_hs_reset(&h);
	}
	assert_int_equal(at, sizeof text - 1);
	sd_hs_release(&h);
}

static void chunked_bodies_are_joined(void **st)
{
	static const char text[] =
		"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
		"3\r\nabc\r\nA;x=\"y\"\r\n0123456789\r\n0\r\nTrailer: t\r\n\r\nrest";
	struct sd_hs h;

	(void)st;
	for (size_t piece = 1; piece < sizeof text; piece++) {
		sd_hs_init(&h);
		assert_int_equal(feed(&h, text, sizeof text - 1, piece), sizeof text - 5);
		assert_int_equal(h.state, SD_HS_DONE);
		assert_string_equal(sd_buf_text(&h.body), "abc0123456789");
		sd_hs_release(&h);
	}
}

#define HEAD  "POST / HTTP/1.1\r\nHost: h\r\n"
#define CHUNK HEAD "Transfer-Encoding: chunked\r\n\r\n"

static void what_two_readers_could_take_differently_is_refused(void **st)
{
	(void)st;
	expect_status(HEAD "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400);
	expect_status(HEAD "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	expect_status(HEAD "Content-Length: +3\r\n\r\nabc", 400);
	expect_status(HEAD "Content-Length: 3, 3\r\n\r\nabc", 400);
	expect_status(HEAD "Content-Length: \r\n\r\nabc", 400);
	expect_status(HEAD "Transfer-Encoding: gzip, chunked\r\n\r\n", 501);
	expect_status(HEAD "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n", 400);
	expect_status("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400);
	expect_status(HEAD "X : y\r\n\r\n", 400);
	expect_status(HEAD "X: a\r\n folded\r\n\r\n", 400);
	expect_status(HEAD "X: a\nY: b\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\nHost: h\n\n", 400);
	expect_status("GET / HTTP/1.1\r\n\r\n", 400);
	expect_status("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400);
	expect_status("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	expect_status("GET http://x/ HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	expect_status("G(T / HTTP/1.1\r\nHost: a\r\n\r\n", 400);
	expect_status("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505);
	expect_status("GET / FTP/1.1\r\nHost: a\r\n\r\n", 400);
	expect_status("garbage\r\n\r\n", 400);
	expect_status(HEAD "Expect: tea\r\n\r\n", 417);
	expect_status(CHUNK "3\r\nabcd\r\n0\r\n\r\n", 400);
	expect_status(CHUNK "-1\r\n", 400);
	expect_status(CHUNK "g\r\n", 400);
	expect_status(CHUNK "3 x\r\nabc", 400);
	expect_status(CHUNK "3\nabc\n", 400);
	expect_status(CHUNK "fffffffff\r\n", 400);
}

static void bodies_over_the_cap_are_413(void **st)
{
	(void)st;
	expect_status(HEAD "Content-Length: 1001\r\n\r\n", 413);
	expect_status(HEAD "Content-Length: 999999999999\r\n\r\n", 413);
	expect_status(HEAD "Content-Length: 99999999999999999999\r\n\r\n", 400);
	expect_status(CHUNK "3e9\r\n", 413);
	expect_status(CHUNK "ffffffff\r\n", 413);
}

static void heads_over_the_cap_are_431(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_hs h;

	(void)st;
	sd_buf_str(&b, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
	while (b.len <= SD_HS_HEAD_CAP)
		sd_buf_ch(&b, 'x');
	sd_buf_str(&b, "\r\n\r\n");
	for (size_t piece = 1; piece < 200000; piece = piece * 7 + 1) {
		sd_hs_init(&h);
		feed(&h, b.data, b.len, piece);
		assert_int_equal(h.state, SD_HS_FAILED);
		assert_int_equal(h.status, 431);
		sd_hs_release(&h);
	}
	sd_buf_reset(&b); /* too many small ones */
	sd_buf_str(&b, "GET / HTTP/1.1\r\nHost: h\r\n");
	for (int i = 0; i < SD_HS_HEADERS_MAX; i++)
		sd_buf_fmt(&b, "X%d: y\r\n", i);
	sd_buf_str(&b, "\r\n");
	expect_status(sd_buf_text(&b), 431);
	sd_buf_release(&b);
}

static void a_header_of_forty_thousand_bytes_fits(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_hs h;

	(void)st;
	sd_buf_str(&b, "GET / HTTP/1.1\r\nHost: h\r\nSec-WebSocket-Protocol: ");
	for (int i = 0; i < 40000; i++)
		sd_buf_ch(&b, 'x');
	sd_buf_str(&b, "\r\n\r\n");
	sd_hs_init(&h);
	assert_int_equal(feed(&h, b.data, b.len, 4096), b.len);
	assert_int_equal(h.state, SD_HS_DONE);
	assert_int_equal(strlen(sd_hs_header(&h, "sec-websocket-protocol")), 40000);
	sd_hs_release(&h);
	sd_buf_release(&b);
}

static void a_nul_in_the_head_is_refused(void **st)
{
	static const char text[] = "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
	struct sd_hs h;

	(void)st;
	sd_hs_init(&h);
	feed(&h, text, sizeof text - 1, 1000);
	assert_int_equal(h.state, SD_HS_FAILED);
	assert_int_equal(h.status, 400);
	sd_hs_release(&h);
}

static void parameters_are_decoded_and_bad_escapes_refused(void **st)
{
	static const char text[] =
		"GET /g?header=a%2Bb+c==&x=%zz&y=%4&query=a+b HTTP/1.1\r\nHost: h\r\n\r\n";
	struct sd_hs h;
	struct sd_buf v = SD_BUF_INIT;

	(void)st;
	sd_hs_init(&h);
	feed(&h, text, sizeof text - 1, 1000);
	assert_true(sd_hs_param(&h, "header", false, &v));
	assert_string_equal(sd_buf_text(&v), "a+b+c==");
	sd_buf_reset(&v);
	assert_true(sd_hs_param(&h, "query", true, &v));
	assert_string_equal(sd_buf_text(&v), "a b");
	sd_buf_reset(&v);
	assert_false(sd_hs_param(&h, "x", false, &v));
	sd_buf_reset(&v);
	assert_false(sd_hs_param(&h, "y", false, &v));
	sd_buf_release(&v);
	sd_hs_release(&h);
}

static void connection_tokens_are_found_in_lists(void **st)
{
	static const char text[] =
		"GET / HTTP/1.1\r\nHost: h\r\nConnection: keep-alive, Upgrade\r\n\r\n";
	struct sd_hs h;

	(void)st;
	sd_hs_init(&h);
	feed(&h, text, sizeof text - 1, 1000);
	assert_true(sd_hs_has_token(&h, "connection", "upgrade"));
	assert_false(sd_hs_has_token(&h, "connection", "grade"));
	assert_false(sd_hs_has_token(&h, "connection", "close"));
	sd_hs_release(&h);
}

static void an_answer_has_date_length_and_close(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = 200,
		.type = "text/plain",
		.body = "hi",
		.n = 2,
		.close = true,
		.date_ms = 784111777000};

	(void)st;
	assert_true(sd_hs_write(&b, &r));
	assert_string_equal(sd_buf_text(&b),
		"HTTP/1.1 200 OK\r\ndate: Sun, 06 Nov 1994 08:49:37 GMT\r\ncontent-type: "
		"text/plain\r\ncontent-length: 2\r\nconnection: close\r\n\r\nhi");
	sd_buf_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_request_comes_out_the_same_however_it_is_cut),
		cmocka_unit_test(pipelined_requests_come_out_one_by_one),
		cmocka_unit_test(chunked_bodies_are_joined),
		cmocka_unit_test(what_two_readers_could_take_differently_is_refused),
		cmocka_unit_test(bodies_over_the_cap_are_413),
		cmocka_unit_test(heads_over_the_cap_are_431),
		cmocka_unit_test(a_header_of_forty_thousand_bytes_fits),
		cmocka_unit_test(a_nul_in_the_head_is_refused),
		cmocka_unit_test(parameters_are_decoded_and_bad_escapes_refused),
		cmocka_unit_test(connection_tokens_are_found_in_lists),
		cmocka_unit_test(an_answer_has_date_length_and_close),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
