/* tests/unit/test_wire.c - addresses and credentials as the wire wants them (client.md 6.4 to 6.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/runtime/wire.h"

static void expect_url(const char *endpoint, const char *want)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_true(sd_wire_realtime_url(endpoint, &b));
	assert_string_equal(sd_buf_text(&b), want);
	sd_buf_release(&b);
}

static void the_realtime_url_follows_the_endpoint(void **st)
{
	(void)st;
	expect_url("https://abcdefghijklmnopqrstuvwxyz.appsync-api.eu-west-1.amazonaws.com/graphql",
		"wss://abcdefghijklmnopqrstuvwxyz.appsync-realtime-api.eu-west-1.amazonaws.com/"
		"graphql");
	expect_url("https://api.example.com/graphql", "wss://api.example.com/graphql/realtime");
	expect_url("http://localhost:20002/graphql", "ws://localhost:20002/graphql/realtime");
	expect_url("http://127.0.0.1:1/graphql?a=b", "ws://127.0.0.1:1/graphql/realtime?a=b");
}

static void an_endpoint_that_is_no_url_is_refused_with_the_next_step(void **st)
{
	static const char *const BAD[] = {
		"", "api.example.com", "ftp://h/g", "https://", "http://u:p@h/g", "http://h/a b"};
	struct sd_error e;

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		assert_int_equal(sd_wire_check_endpoint(BAD[i], &e), SD_INVAL);
		assert_non_null(strstr(e.text, "--endpoint"));
	}
	assert_int_equal(sd_wire_check_endpoint("http://[::1]:8080/graphql", &e), SD_OK);
}

/* The captured bytes of client.md, Appendix A. */
static void the_subprotocol_is_what_the_reference_client_sends(void **st)
{
	struct sd_credentials c = {
		.endpoint = "http://localhost:42123/graphql", .api_key = "da2-fake"};
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	/* 2026-11-22T18:10:06Z */
	assert_int_equal(sd_wire_subprotocol(&c, SD_AUTH_API_KEY, 1795371006000, &b, NULL), SD_OK);
	assert_string_equal(sd_buf_text(&b), "graphql-ws, header-"
					     "eyJob3N0IjoibG9jYWxob3N0OjQyMTIzIiwieC1hbXotZGF0ZSI6I"
					     "jIwMjYxMTIyVDE4MTAwNloiLCJ4LWFwaS1"
					     "rZXkiOiJkYTItZmFrZSJ9");
	sd_buf_release(&b);
}

/* no token of nobody */
static void a_mode_without_credentials_says_what_is_missing(void **st)
{
	struct sd_credentials c = {.endpoint = "http://h/g"};
	struct sd_wire_lines l;
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_wire_http_lines(&c, SD_AUTH_API_KEY, "", 0, 0, &l, &e), SD_AUTH);
	assert_non_null(strstr(e.text, "SYNCDECK_API_KEY"));
	assert_int_equal(sd_wire_http_lines(&c, SD_AUTH_USER_POOL, "", 0, 0, &l, &e), SD_AUTH);
	assert_non_null(strstr(e.text, "login"));
	assert_int_equal(sd_wire_http_lines(&c, SD_AUTH_LAMBDA, "", 0, 0, &l, &e), SD_AUTH);
	assert_int_equal(sd_wire_http_lines(&c, SD_AUTH_IAM, "", 0, 0, &l, &e), SD_AUTH);
	assert_non_null(strstr(e.text, "AWS_ACCESS_KEY_ID"));
	assert_int_equal(l.count, 0);
	assert_int_equal(sd_wire_http_lines(&c, SD_AUTH_NONE, "", 0, 0, &l, &e), SD_OK);
	assert_int_equal(l.count, 0);
}

static void a_start_frame_carries_its_data_as_a_string_and_its_credentials(void **st)
{
	struct sd_session s = {.access = (char *)(uintptr_t) "tok"};
	struct sd_credentials c = {.endpoint = "https://h/graphql", .session = &s};
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *j;

	(void)st;
	assert_int_equal(
		sd_wire_start(&c, SD_AUTH_USER_POOL, "id1", "{\"query\":\"q\\n\"}", 0, &b, NULL),
		SD_OK);
	assert_int_equal(sd_json_parse(sd_buf_text(&b), b.len, "frame", &j, NULL), SD_OK);
	assert_string_equal(sd_json_get_str(j, "type"), "start");
	assert_string_equal(sd_json_get_str(j, "id"), "id1");
	assert_string_equal(
		sd_json_str(sd_json_path(j, "payload", "data", NULL)), "{\"query\":\"q\\n\"}");
	assert_string_equal(sd_json_str(sd_json_path(j, "payload", "extensions", "authorization",
				    "Authorization", NULL)),
		"tok");
	assert_string_equal(sd_json_str(sd_json_path(
				    j, "payload", "extensions", "authorization", "host", NULL)),
		"h");
	sd_json_free(j);
	sd_buf_release(&b);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_realtime_url_follows_the_endpoint),
		cmocka_unit_test(an_endpoint_that_is_no_url_is_refused_with_the_next_step),
		cmocka_unit_test(the_subprotocol_is_what_the_reference_client_sends),
		cmocka_unit_test(a_mode_without_credentials_says_what_is_missing),
		cmocka_unit_test(a_start_frame_carries_its_data_as_a_string_and_its_credentials),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
