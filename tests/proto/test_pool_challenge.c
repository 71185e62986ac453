/*
 * tests/proto/test_pool_challenge.c - the local user pool over real sockets: challenges, SRP, its key
 * set and its users file (spec/server.md 7, SRV-C rows).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/amplify.h"
#include "tests/support/pool.h"
#include "tests/support/srp_client.h"
#include "tests/support/ws_client.h"

static void respond(
	const char *challenge, const char *session, const char *answers, struct sd_test_reply *r)
{
	char m[1000];

	snprintf(m, sizeof m,
		"\"ChallengeName\":\"%s\",\"Session\":\"%s\",\"ChallengeResponses\":{%s}",
		challenge, session, answers);
	pool_call("RespondToAuthChallenge", m, r);
}

/* SRV-C04 */
static void a_new_password_is_asked_for_once(void **st)
{
	struct sd_test_reply r;
	char session[300], *t;

	(void)st;
	pool_sign_in("bob", "pw-bob", &r);
	assert_string_equal(sd_json_get_str(r.json, "ChallengeName"), "NEW_PASSWORD_REQUIRED");
	assert_non_null(sd_json_path(r.json, "ChallengeParameters", "requiredAttributes", NULL));
	snprintf(session, sizeof session, "%s", sd_json_get_str(r.json, "Session"));
	sd_test_reply_release(&r);
	respond("NEW_PASSWORD_REQUIRED", "wrong-session",
		"\"USERNAME\":\"bob\",\"NEW_PASSWORD\":\"new-password-1\"", &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	respond("NEW_PASSWORD_REQUIRED", session,
		"\"USERNAME\":\"bob\",\"NEW_PASSWORD\":\"new-password-1\"", &r);
	t = pool_token(&r, "AccessToken");
	sd_test_reply_release(&r);
	assert_int_equal(pool_graphql_status(t, NULL), 200);
	free(t);
	pool_sign_in("bob", "pw-bob", &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	free(pool_signed_in("bob", "new-password-1", "AccessToken"));
}

static void codes_solve_their_challenge_only(void **st)
{
	static const struct {
		const char *user, *password, *challenge, *name;
	} WHO[] = {
		{"tom", "pw-tom", "SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA_CODE"},
		{"sam", "pw-sam", "SMS_MFA", "SMS_MFA_CODE"},
	};

	(void)st;
	for (size_t i = 0; i < 2; i++) {
		for (int right = 0; right < 2; right++) {
			struct sd_test_reply r;
			char session[300], answers[200];
			pool_sign_in(WHO[i].user, WHO[i].password, &r);
			assert_string_equal(
				sd_json_get_str(r.json, "ChallengeName"), WHO[i].challenge);
			snprintf(session, sizeof session, "%s", sd_json_get_str(r.json, "Session"));
			sd_test_reply_release(&r);
			snprintf(answers, sizeof answers, "\"USERNAME\":\"%s\",\"%s\":\"%s\"",
				WHO[i].user, WHO[i].name, right ? "123456" : "000000");
			respond(WHO[i].challenge, session, answers, &r);
			if (right) {
				free(pool_token(&r, "AccessToken"));
				sd_test_reply_release(&r);
			} else {
				pool_expect_refusal(&r, "CodeMismatchException");
			}
		}
	}
}

static void verify(const struct sd_test_reply *first, struct sd_test_srp *c, const char *password,
	struct sd_test_reply *r)
{
	static const char stamp[] = "Sun Nov 2 09:04:07 UTC 2025";
	const struct cJSON *p = sd_json_get(first->json, "ChallengeParameters");
	const char *block64 = sd_json_get_str(p, "SECRET_BLOCK");
	struct sd_srp_user who = {
		strchr(pool.pool_id, '_') + 1, sd_json_get_str(p, "USER_ID_FOR_SRP"), password};
	struct sd_buf block = SD_BUF_INIT;
	char answers[900], *sig;

	assert_true(sd_base64_decode(&block, block64, strlen(block64)));
	sig = sd_test_srp_claim(c, &who, sd_json_get_str(p, "SALT"), sd_json_get_str(p, "SRP_B"),
		block.data, block.len, stamp);
	snprintf(answers, sizeof answers,
		"\"USERNAME\":\"%s\",\"PASSWORD_CLAIM_SECRET_BLOCK\":\"%s\",\"TIMESTAMP\":\"%s\","
		"\"PASSWORD_CLAIM_SIGNATURE\":\"%s\"",
		who.user_id, block64, stamp, sig);
	respond("PASSWORD_VERIFIER", "", answers, r);
	sd_buf_release(&block);
	free(sig);
}

/* SRV-C01, SRV-C05 */
static void srp_signs_in_without_sending_the_password(void **st)
{
	(void)st;
	for (int right = 0; right < 2; right++) {
		struct sd_test_srp c;
		struct sd_test_reply first, r;
		char m[1000], *a;

		sd_test_srp_open(&c);
		a = BN_bn2hex(c.A);
		snprintf(m, sizeof m,
			"\"AuthFlow\":\"USER_SRP_AUTH\",\"AuthParameters\":{\"USERNAME\":\"alice\","
			"\"SRP_A\":\"%s\"}",
			a);
		pool_call("InitiateAuth", m, &first);
		assert_string_equal(
			sd_json_get_str(first.json, "ChallengeName"), "PASSWORD_VERIFIER");
		verify(&first, &c, right ? "pw-alice" : "pw-alicf", &r);
		if (right) {
			char *t = pool_token(&r, "AccessToken");
			assert_int_equal(pool_graphql_status(t, NULL), 200);
			free(t);
			sd_test_reply_release(&r);
			verify(&first, &c, "pw-alice", &r); /* a block is good for one try */
		}
		pool_expect_refusal(&r, "NotAuthorizedException");
		sd_test_reply_release(&first);
		OPENSSL_free(a);
		sd_test_srp_close(&c);
	}
}

static void the_key_set_and_the_config_are_given_out(void **st)
{
	struct sd_config *c = NULL;
	struct sd_test_reply r;
	struct sd_error e = {0};
	char path[200];

	(void)st;
	snprintf(path, sizeof path, "/%s/.well-known/jwks.json", pool.pool_id);
	sd_test_http(pool.srv, "GET", path, NULL, NULL, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(
		sd_json_get_str(sd_json_child(sd_json_get(r.json, "keys")), "kty"), "RSA");
	sd_test_reply_release(&r);
	if (sd_config_read_file(pool.config_file, &c, &e) != SD_OK)
		fail_msg("%s", e.text);
	assert_string_equal(c->user_pool_id, pool.pool_id);
	assert_string_equal(c->user_pool_client_id, pool.client_id);
	assert_string_equal(c->user_pool_endpoint,
		sd_json_get_str(sd_test_server_ready(pool.srv), "userPoolEndpoint"));
	assert_int_equal(c->auth, SD_AUTH_USER_POOL); /* its model has an owner rule */
	assert_int_equal(c->more_mode_count, 1);
	assert_int_equal(c->more_modes[0], SD_AUTH_API_KEY);
	sd_config_free(c);
}

/* SRV-W27: two subscriptions of different modes on one socket; and a token at connect */
static void a_socket_carries_subscriptions_of_different_modes(void **st)
{
	char *t = pool_signed_in("alice", "pw-alice", "AccessToken"), *m;
	struct sd_buf b = SD_BUF_INIT, p = SD_BUF_INIT;
	struct sd_test_ws *w;
	int status;

	(void)st;
	sd_buf_fmt(&b, "{\"host\":\"h\",\"Authorization\":\"%s\"}", t);
	sd_buf_str(&p, "header-");
	sd_base64_encode(&p, b.data, b.len, true);
	sd_buf_str(&p, ", graphql-ws");
	w = sd_test_ws_open(
		sd_test_server_port(pool.srv), "/graphql/realtime", sd_buf_text(&p), "", &status);
	assert_non_null(w);
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	m = sd_test_ws_expect(w, "connection_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_buf_reset(&p);
	sd_buf_fmt(&p,
		"{\"id\":\"u\",\"type\":\"start\",\"payload\":{\"data\":\"{\\\"query\\\":"
		"\\\"subscription "
		"{ onCreateNote { id } }\\\"}\",\"extensions\":{\"authorization\":%s}}}",
		sd_buf_text(&b));
	sd_test_ws_send(w, sd_buf_text(&p));
	m = sd_test_ws_expect(w, "start_ack", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_test_ws_send(w,
		"{\"id\":\"k\",\"type\":\"start\",\"payload\":{\"data\":\"{\\\"query\\\":"
		"\\\"subscription { onCreateNote { id } }\\\"}\",\"extensions\":{"
		"\"authorization\":{\"host\":\"h\",\"x-api-key\":\"da2-fakeApiId123456\"}}}}");
	m = sd_test_ws_next(w, SD_TEST_SOON);
	while (m && strstr(m, "\"ka\"")) {
		free(m);
		m = sd_test_ws_next(w, SD_TEST_SOON);
	}
	/* the key is taken as the key; the model's owner rule then says no (server.md 5.5) */
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"k\""));
	assert_null(strstr(m, "UnauthorizedException"));
	free(m);
	sd_test_ws_close(w);
	sd_buf_release(&b);
	sd_buf_release(&p);
	free(t);
}

static void bad_users_files_are_refused_with_the_place(void **st)
{
	static const char *const BAD[][2] = {
		{"{}", "array"},
		{"[]", "array"},
		{"[{\"username\":\"a\"}]", "user 1"},
		{"[{\"username\":\"a\",\"password\":\"b\"},{\"username\":\"a\",\"password\":\"c\"}"
		 "]",
			"user 2"},
		{"[{\"username\":\"a\",\"password\":\"b\",\"challenge\":\"dance\"}]", "totp"},
		{"[{\"username\":\"a\",\"password\":\"b\",\"groups\":\"x\"}]", "groups"},
	};
	struct sd_sandbox_opts o = pool.opts;
	char file[300];

	(void)st;
	snprintf(file, sizeof file, "%s/bad.json", pool.dir);
	o.users = file;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		char *text;
		assert_int_equal(sd_write_file(file, BAD[i][0], strlen(BAD[i][0]), NULL), SD_OK);
		text = sd_test_server_refused(&o);
		if (!strstr(text, BAD[i][1]))
			fail_msg("%s: %s", BAD[i][0], text);
		free(text);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{"SRV-C04 a new password is asked for once", a_new_password_is_asked_for_once, NULL,
			NULL, NULL},
		cmocka_unit_test(codes_solve_their_challenge_only),
		{"SRV-C01 SRV-C05 SRP signs in without sending the password",
			srp_signs_in_without_sending_the_password, NULL, NULL, NULL},
		cmocka_unit_test(the_key_set_and_the_config_are_given_out),
		cmocka_unit_test(a_socket_carries_subscriptions_of_different_modes),
		cmocka_unit_test(bad_users_files_are_refused_with_the_place),
	};
	return cmocka_run_group_tests(tests, pool_start, pool_stop);
}