/* tests/unit/test_auth.c - what proves who asks: SRP, signatures, tokens of one's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/auth/aws.h"
#include "core/auth/srp.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/sigv4.h"
#include "core/sandbox/server/srp.h"
#include "tests/support/support.h"

/* spec/server.md 7.3: both sides, written apart, agree; pads are met in both forms. */
static void the_srp_proof_holds_for_the_right_password_only(void **st)
{
	struct sd_rand rand;

	(void)st;
	sd_rand_seeded(&rand, 7);
	for (int i = 0; i < 12; i++) {
		struct sd_srp_user u = {"Abc123", "9c7e-user", "Pässw0rd !"};
		struct sd_srp_client *c;
		struct sd_srp *s;
		struct sd_error e;
		struct sd_buf sig = SD_BUF_INIT;
		char stamp[SD_SRP_TIMESTAMP];
		assert_int_equal(sd_srp_client_new(&c, &e), SD_OK);
		assert_int_equal(sd_srp_begin(&u, sd_srp_client_a(c), &rand, &s, &e), SD_OK);
		sd_srp_client_timestamp(1709629447000, stamp);
		assert_string_equal(stamp, "Tue Mar 5 09:04:07 UTC 2024");
		struct sd_srp_challenge q = {.pool_name = u.pool_name,
			.user_id = u.user_id,
			.salt = sd_srp_salt(s),
			.b = sd_srp_b(s),
			.secret = "c2VjcmV0IGJsb2Nr",
			.timestamp = stamp,
			.password = i % 3 ? u.password : "another"};
		assert_int_equal(sd_srp_client_claim(c, &q, &sig, &e), SD_OK);
		assert_int_equal(sd_srp_holds(s, &u, "secret block", 12, stamp, sd_buf_text(&sig)),
			i % 3 != 0);
		sd_buf_release(&sig);
		sd_srp_client_free(c);
		sd_srp_free(s);
	}
}

static void a_server_that_sends_nonsense_gets_no_proof(void **st)
{
	static const char *const BAD[] = {"0", "00", "xyz", "", "-5"};
	struct sd_srp_client *c;
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_srp_client_new(&c, &e), SD_OK);
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_buf sig = SD_BUF_INIT;
		struct sd_srp_challenge q = {"p", "u", "a1", BAD[i], "AA==", "t", "pw"};
		assert_int_equal(sd_srp_client_claim(c, &q, &sig, &e), SD_PROTO);
		assert_int_equal(sig.len, 0);
		sd_buf_release(&sig);
	}
	sd_srp_client_free(c);
}

struct sent { /* the request as the checking side sees it */
	const char *date, *token, *authorization;
};

static const char *header(void *ctx, const char *name)
{
	const struct sent *s = ctx;
	const struct {
		const char *name, *value;
	} all[] = {{"host", "api.example:8443"}, {"content-type", "application/json"},
		{"x-amz-date", s->date}, {"x-amz-security-token", s->token},
		{"authorization", s->authorization}};

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (strcmp(all[i].name, name) == 0)
			return all[i].value;
	return NULL;
}

static enum sd_sigv4 checked(const char *token, const char *body, const char *seen_body)
{
	static const char *const HEADERS[] = {"content-type: application/json", NULL};
	struct sd_aws_keys k = {0};
	struct sd_buf out = SD_BUF_INIT;
	struct sd_error e;
	char date[SD_AWS_DATE];
	int64_t now = 1795371006000;
	enum sd_sigv4 v;

	assert_int_equal(sd_aws_keys_set(&k, "AKID", "se/cret", token, &e), SD_OK);
	struct sd_aws_sign s = {.keys = &k,
		.region = "eu-west-1",
		.url = "https://api.example:8443/graphql?b=2&a=1",
		.headers = HEADERS,
		.body = body,
		.len = strlen(body),
		.now_ms = now};
	assert_int_equal(sd_aws_authorization(&s, &out, &e), SD_OK);
	assert_null(strstr(sd_buf_text(&out), "se/cret"));
	sd_aws_date(now, date);
	assert_string_equal(date, "20261122T181006Z");
	struct sent sent = {date, token, sd_buf_text(&out)};
	struct sd_sigv4_request r = {.method = "POST",
		.path = "/graphql",
		.query = "b=2&a=1",
		.header = header,
		.ctx = &sent,
		.body = seen_body,
		.body_len = strlen(seen_body)};
	v = sd_sigv4_check(&r, "appsync", "AKID", "se/cret", now);
	sd_buf_release(&out);
	sd_aws_keys_release(&k);
	return v;
}

/* spec/server.md 7.7: against the checking side, which shares no line with it */
static void a_signature_is_good_for_its_body_only(void **st)
{
	(void)st;
	assert_int_equal(checked(NULL, "{}", "{}"), SD_SIGV4_GOOD);
	assert_int_equal(
		checked("to/ken==", "{\"a\":\"\xc3\xbc\"}", "{\"a\":\"\xc3\xbc\"}"), SD_SIGV4_GOOD);
	assert_int_equal(checked(NULL, "{}", "{ }"), SD_SIGV4_MISMATCH);
}

static void a_token_of_ones_own_is_a_session(void **st)
{
	/* {"sub":"u1","name":"Ann","exp":2000000000} */
	static const char TOKEN[] =
		"e30.eyJzdWIiOiJ1MSIsIm5hbWUiOiJBbm4iLCJleHAiOjIwMDAwMDAwMDB9.c2ln";
	struct sd_session s;
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_session_from_token(TOKEN, &s, &e), SD_OK);
	assert_string_equal(s.user, "Ann");
	assert_string_equal(s.user_id, "u1");
	assert_string_equal(s.access, TOKEN);
	assert_true(s.expires_ms == INT64_C(2000000000000));
	sd_session_release(&s);
	assert_int_equal(sd_session_from_token("opaque", &s, &e), SD_INVAL);
	assert_int_equal(sd_session_from_token("e30.e30.e30", &s, &e), SD_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_srp_proof_holds_for_the_right_password_only),
		cmocka_unit_test(a_server_that_sends_nonsense_gets_no_proof),
		cmocka_unit_test(a_signature_is_good_for_its_body_only),
		cmocka_unit_test(a_token_of_ones_own_is_a_session),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
