/* tests/unit/test_reply.c - answers sorted into what they mean; the back-off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "core/sync/reply.h"

static struct sd_reply read_it(int status, const char *body, const char *type)
{
	struct sd_http_result r = {.status = status,
		.body = body,
		.body_len = strlen(body),
		.error_type = type,
		.retry_after_ms = -1,
		.sent = true};
	struct sd_reply out;

	assert_int_equal(sd_reply_read(&r, "updatePost", &out, NULL), SD_OK);
	return out;
}

static void expect(int status, const char *body, const char *type, enum sd_reply_class klass,
	bool unknown, const char *want_type)
{
	struct sd_reply out = read_it(status, body, type);

	if (out.klass != klass || out.unknown != unknown ||
		(want_type && strcmp(out.type, want_type) != 0))
		fail_msg("%d %s: class %d, unknown %d, type %s, \"%s\"", status, body, out.klass,
			out.unknown, out.type, out.message);
	sd_reply_release(&out);
}

/* CL 11 #26: data with errors beside it is a success with warnings */
static void data_wins_over_errors_beside_it(void **st)
{
	struct sd_reply out;

	(void)st;
	out = read_it(200,
		"{\"data\":{\"updatePost\":{\"id\":\"1\"}},\"errors\":[{\"message\":\"nested\","
		"\"path\":[\"updatePost\",\"blog\"],\"errorType\":\"Unauthorized\"}]}",
		NULL);
	assert_int_equal(out.klass, SD_REPLY_OK);
	assert_string_equal(sd_json_get_str(out.data, "id"), "1");
	assert_string_equal(out.message, "nested");
	assert_non_null(out.errors);
	sd_reply_release(&out);
	out = read_it(200, "{\"data\":{\"updatePost\":null}}", NULL);
	assert_int_equal(out.klass, SD_REPLY_OK);
	assert_null(out.data);
	sd_reply_release(&out);
}

/* U-06: the server's copy is taken from the error wherever it stands */
static void a_conflict_brings_the_servers_copy(void **st)
{
	static const char *const bodies[] = {
		"{\"data\":{\"updatePost\":null},\"errors\":[{\"path\":[\"updatePost\"],\"data\":"
		"{\"id\":\"p1\",\"_version\":7},\"errorType\":\"ConflictUnhandled\",\"message\":"
		"\"Conflict resolver rejects mutation.\"}]}",
		"{\"data\":null,\"errors\":[{\"message\":\"x\",\"extensions\":{\"errorType\":"
		"\"ConflictUnhandled\",\"data\":{\"_version\":7}}}]}",
	};

	(void)st;
	for (size_t i = 0; i < 2; i++) {
		struct sd_reply out = read_it(200, bodies[i], NULL);
		assert_int_equal(out.klass, SD_REPLY_CONFLICT);
		assert_int_equal(sd_json_get_i64(out.error_data, "_version", 0), 7);
		sd_reply_release(&out);
	}
	expect(200,
		"{\"data\":null,\"errors\":[{\"errorType\":\"ConflictUnhandled\",\"data\":null}]}",
		NULL, SD_REPLY_CONFLICT, false, "ConflictUnhandled");
}

#define ERR(type)                                                                                  \
	"{\"data\":{\"updatePost\":null},\"errors\":[{\"path\":[\"updatePost\"],\"errorType\":"    \
	"\"" type "\",\"message\":\"m\"}]}"

static void error_types_are_sorted(void **st)
{
	(void)st;
	expect(200, ERR("ConditionalCheckFailedException"), NULL, SD_REPLY_CONDITION, false, NULL);
	expect(200, ERR("DynamoDB:ConditionalCheckFailedException"), NULL, SD_REPLY_CONDITION,
		false, "DynamoDB:ConditionalCheckFailedException");
	expect(200, ERR("Unauthorized"), NULL, SD_REPLY_DENIED, false, NULL);
	expect(200, ERR("BadRequest"), NULL, SD_REPLY_REFUSED, false, NULL);
	expect(200, ERR("DynamoDB:ValidationException"), NULL, SD_REPLY_REFUSED, false, NULL);
	expect(200, ERR("InternalFailure"), NULL, SD_REPLY_RETRY, true, NULL);
	expect(200, ERR("DeltaSyncWriteError"), NULL, SD_REPLY_RETRY, true, NULL);
	expect(200, ERR("DynamoDB:ProvisionedThroughputExceededException"), NULL, SD_REPLY_RETRY,
		false, NULL);
	expect(200, ERR("ResponseTooLarge"), NULL, SD_REPLY_TOO_BIG, false, NULL);
	expect(200,
		"{\"data\":null,\"errors\":[{\"path\":null,\"message\":\"The variables input "
		"contains a field name 'x' that is not defined for input object type "
		"'UpdatePostInput'\"}]}",
		NULL, SD_REPLY_REFUSED, false, "Unknown");
	expect(200,
		"{\"data\":null,\"errors\":[{\"message\":\"Not Authorized to access updatePost on "
		"type Mutation\"}]}",
		NULL, SD_REPLY_DENIED, false, NULL);
	/* the write happened, the answer could not be shown */
	expect(200,
		"{\"data\":{\"updatePost\":null},\"errors\":[{\"path\":[\"updatePost\",\"title\"],"
		"\"message\":\"Cannot return null for non-nullable type\"}]}",
		NULL, SD_REPLY_REFUSED, true, NULL);
}

/* X-05, CL 4.3 REQ: what is not the server's final word is tried again */
static void what_is_not_the_servers_word_is_retried(void **st)
{
	static const char html[] = "<html><body>Please sign in to the WiFi</body></html>";
	static const char final[] = ERR("BadRequest");
	static const int later[] = {100, 301, 302, 307, 408, 425, 429, 500, 502, 503, 504, 599};

	(void)st;
	for (size_t i = 0; i < sizeof later / sizeof *later; i++) {
		bool unknown = later[i] >= 500 || later[i] == 408;
		expect(later[i], html, NULL, SD_REPLY_RETRY, unknown, NULL);
		expect(later[i], final, NULL, SD_REPLY_RETRY, unknown, NULL);
		expect(later[i], "", NULL, SD_REPLY_RETRY, unknown, NULL);
	}
	expect(200, html, NULL, SD_REPLY_RETRY, true, "Malformed");
	expect(200, "", NULL, SD_REPLY_RETRY, true, "Malformed");
	expect(200, "{\"data\":{\"updatePost\":{\"id\":\"1", NULL, SD_REPLY_RETRY, true, NULL);
	expect(200, "{\"ok\":true}", NULL, SD_REPLY_RETRY, true, NULL);
	expect(200, "{\"data\":{\"other\":1}}", NULL, SD_REPLY_RETRY, true, NULL);
	expect(200, "[]", NULL, SD_REPLY_RETRY, true, NULL);
	expect(404, html, NULL, SD_REPLY_RETRY, false, "HTTP 404");
	expect(400, html, NULL, SD_REPLY_RETRY, false, "HTTP 400");
	expect(403, html, NULL, SD_REPLY_RETRY, false, "HTTP 403");
	expect(400, "{\"message\":\"slow\"}", "ThrottlingException", SD_REPLY_RETRY, false, NULL);
}

/* U-19, R-101 */
static void refused_credentials_pause(void **st)
{
	(void)st;
	expect(401,
		"{\"errors\":[{\"errorType\":\"UnauthorizedException\",\"message\":\"Token has "
		"expired.\"}]}",
		"UnauthorizedException", SD_REPLY_AUTH, false, "UnauthorizedException");
	expect(401, "", NULL, SD_REPLY_AUTH, false, "HTTP 401");
	expect(403, "{\"message\":\"Forbidden\"}", NULL, SD_REPLY_AUTH, false, NULL);
	expect(400, "{\"message\":\"x\"}", "UnrecognizedClientException", SD_REPLY_AUTH, false,
		NULL);
	expect(400, "{\"message\":\"x\"}", "ExpiredTokenException:http://internal/", SD_REPLY_AUTH,
		false, "ExpiredTokenException");
}

static void other_4xx_are_final_when_the_service_speaks(void **st)
{
	(void)st;
	expect(400,
		"{\"errors\":[{\"message\":\"Unable to parse GraphQL query.\",\"errorType\":"
		"\"MalformedHttpRequestException\"}]}",
		NULL, SD_REPLY_REFUSED, false, "MalformedHttpRequestException");
	expect(413, "", NULL, SD_REPLY_TOO_BIG, false, "HTTP 413");
}

static void a_transport_failure_is_unknown_only_when_it_was_sent(void **st)
{
	struct sd_http_result r = {
		.transport = 6, .failure = "Could not resolve host", .retry_after_ms = -1};
	struct sd_reply out;

	(void)st;
	assert_int_equal(sd_reply_read(&r, "x", &out, NULL), SD_OK);
	assert_int_equal(out.klass, SD_REPLY_RETRY);
	assert_false(out.unknown);
	assert_string_equal(out.type, "Network");
	assert_string_equal(out.message, "Could not resolve host");
	sd_reply_release(&out);
	r.sent = true;
	assert_int_equal(sd_reply_read(&r, "x", &out, NULL), SD_OK);
	assert_true(out.unknown);
	sd_reply_release(&out);
}

static void each_alias_has_its_own_result(void **st)
{
	struct sd_reply whole, a;

	(void)st;
	whole = read_it(200,
		"{\"data\":{\"m0\":{\"id\":\"a\"},\"m1\":null,\"m2\":null},\"errors\":[{\"path\":"
		"[\"m1\"],\"errorType\":\"ConflictUnhandled\",\"data\":{\"id\":\"b\"}},{\"path\":"
		"[\"m2\"],\"errorType\":\"Unauthorized\"}]}",
		NULL);
	sd_reply_of_alias(&whole, "m0", &a);
	assert_int_equal(a.klass, SD_REPLY_OK);
	sd_reply_of_alias(&whole, "m1", &a);
	assert_int_equal(a.klass, SD_REPLY_CONFLICT);
	assert_string_equal(sd_json_get_str(a.error_data, "id"), "b");
	sd_reply_of_alias(&whole, "m2", &a);
	assert_int_equal(a.klass, SD_REPLY_DENIED);
	assert_null(a.error_data);
	sd_reply_release(&a);
	sd_reply_of_alias(&whole, "m3", &a);
	assert_int_equal(a.klass, SD_REPLY_RETRY);
	sd_reply_release(&whole);
	whole = read_it(503, ERR("x"), NULL);
	sd_reply_of_alias(&whole, "m0", &a);
	assert_int_equal(a.klass, SD_REPLY_RETRY);
	assert_string_equal(a.type, "HTTP 503");
	sd_reply_release(&whole);
}

/* exponential, jittered, never above five minutes, and as late as the server says */
static void waits_grow_to_five_minutes(void **st)
{
	struct sd_rand r;

	(void)st;
	sd_rand_seeded(&r, 7);
	for (int i = 0; i < 1000; i++) {
		int n = i % 20 + 1;
		int64_t w = sd_backoff_ms(n, -1, &r);
		int64_t least = n > 11 ? 270000 : ((int64_t)100 << n);
		assert_true(w >= (least > 270000 ? 270000 : least));
		assert_true(w <= 300000);
		if (n < 10)
			assert_true(w <= least + least / 4);
	}
	assert_true(sd_backoff_ms(1, 7000, &r) == 7000);
	assert_true(sd_backoff_ms(40, 1000, &r) <= 300000);
	assert_true(sd_backoff_ms(0, INT64_MAX, &r) == 86400000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(data_wins_over_errors_beside_it),
		cmocka_unit_test(a_conflict_brings_the_servers_copy),
		cmocka_unit_test(error_types_are_sorted),
		cmocka_unit_test(what_is_not_the_servers_word_is_retried),
		cmocka_unit_test(refused_credentials_pause),
		cmocka_unit_test(other_4xx_are_final_when_the_service_speaks),
		cmocka_unit_test(a_transport_failure_is_unknown_only_when_it_was_sent),
		cmocka_unit_test(each_alias_has_its_own_result),
		cmocka_unit_test(waits_grow_to_five_minutes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
