/*
 * tests/proto/test_pool.c - the local user pool over real sockets: passwords, tokens, sessions
 * (spec/server.md 7, SRV-C rows).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "tests/support/pool.h"

/* SRV-C02 */
static void a_wrong_password_is_not_authorized(void **st)
{
	struct sd_test_reply r;

	(void)st;
	pool_sign_in("alice", "nope", &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	pool_sign_in("nobody", "pw-alice", &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
}

static void the_right_password_gives_tokens_that_the_api_takes(void **st)
{
	struct sd_test_reply r;
	struct sd_buf b = SD_BUF_INIT;
	char *access, *id;
	const char *dot;
	struct cJSON *claims = NULL;

	(void)st;
	pool_sign_in("alice@example.com", "pw-alice", &r); /* the email is an alias */
	access = pool_token(&r, "AccessToken");
	id = pool_token(&r, "IdToken");
	assert_int_equal(
		sd_json_get_i64(sd_json_get(r.json, "AuthenticationResult"), "ExpiresIn", 0), 3600);
	sd_test_reply_release(&r);
	assert_int_equal(pool_graphql_status(access, NULL), 200);
	assert_int_equal(pool_graphql_status(id, NULL), 200);
	sd_buf_fmt(&b, "Bearer %s", access);
	assert_int_equal(pool_graphql_status(sd_buf_text(&b), NULL), 200);
	dot = strchr(id, '.') + 1;
	sd_buf_reset(&b);
	assert_true(sd_base64_decode(&b, dot, strcspn(dot, ".")));
	assert_int_equal(sd_json_parse(b.data, b.len, "claims", &claims, NULL), SD_OK);
	assert_string_equal(sd_json_get_str(claims, "sub"), "sub-alice");
	assert_string_equal(sd_json_get_str(claims, "aud"), pool.client_id);
	assert_string_equal(sd_json_get_str(claims, "token_use"), "id");
	assert_string_equal(sd_json_get_str(claims, "cognito:username"), "alice");
	assert_string_equal(sd_json_get_str(claims, "email"), "alice@example.com");
	assert_string_equal(
		sd_json_str(sd_json_child(sd_json_get(claims, "cognito:groups"))), "Staff");
	assert_true(sd_str_ends(sd_json_get_str(claims, "iss"), pool.pool_id));
	sd_json_free(claims);
	sd_buf_release(&b);
	free(access);
	free(id);
}

/* SRV-H06 */
static void expired_and_forged_tokens_are_401(void **st)
{
	char *t = pool_signed_in("alice", "pw-alice", "AccessToken");
	const char *why;

	(void)st;
	sd_json_free(sd_test_admin(pool.srv, "POST", "clock", "{\"offsetMs\":3700000}"));
	assert_int_equal(pool_graphql_status(t, &why), 401);
	assert_string_equal(why, "Token has expired.");
	sd_json_free(sd_test_admin(pool.srv, "POST", "clock", "{\"offsetMs\":0}"));
	assert_int_equal(pool_graphql_status(t, NULL), 200);
	t[strlen(t) - 10] = t[strlen(t) - 10] == 'A' ? 'B' : 'A';
	assert_int_equal(pool_graphql_status(t, NULL), 401);
	assert_int_equal(pool_graphql_status("not-a-token", NULL), 401);
	free(t);
	t = pool_signed_in("alice", "pw-alice", "RefreshToken");
	assert_int_equal(pool_graphql_status(t, NULL), 401); /* a refresh token opens nothing */
	free(t);
}

static void renew(const char *t, struct sd_test_reply *r)
{
	struct sd_buf m = SD_BUF_INIT;

	sd_buf_fmt(&m,
		"\"AuthFlow\":\"REFRESH_TOKEN_AUTH\",\"AuthParameters\":{\"REFRESH_TOKEN\":\"%s\"}",
		t);
	pool_call("InitiateAuth", sd_buf_text(&m), r);
	sd_buf_release(&m);
}

/* SRV-C03 */
static void tokens_expire_on_order_and_refresh_gives_new_ones(void **st)
{
	struct sd_test_reply r;
	struct sd_buf m = SD_BUF_INIT;
	char *access, *again, *refresh_token;
	const char *why;

	(void)st;
	pool_sign_in("alice", "pw-alice", &r);
	access = pool_token(&r, "AccessToken");
	refresh_token = pool_token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(pool.srv, "POST", "expire-tokens", NULL));
	assert_int_equal(pool_graphql_status(access, &why), 401);
	assert_string_equal(why, "Token has expired.");
	renew(refresh_token, &r);
	again = pool_token(&r, "AccessToken");
	assert_null(sd_json_path(r.json, "AuthenticationResult", "RefreshToken", NULL));
	sd_test_reply_release(&r);
	assert_int_equal(pool_graphql_status(again, NULL), 200);
	sd_buf_fmt(&m, "\"RefreshToken\":\"%s\"", refresh_token);
	pool_call("GetTokensFromRefreshToken", sd_buf_text(&m), &r);
	free(again);
	again = pool_token(&r, "AccessToken");
	assert_int_equal(pool_graphql_status(again, NULL), 200);
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(pool.srv, "POST", "expire-tokens", "{\"refresh\":true}"));
	renew(refresh_token, &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	sd_buf_release(&m);
	free(access);
	free(again);
	free(refresh_token);
}

static void get_user_and_sign_out_work_by_access_token(void **st)
{
	struct sd_test_reply r;
	struct sd_buf m = SD_BUF_INIT;
	char *access, *refresh_token;

	(void)st;
	pool_sign_in("alice", "pw-alice", &r);
	access = pool_token(&r, "AccessToken");
	refresh_token = pool_token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_buf_fmt(&m, "{\"AccessToken\":\"%s\"}", access);
	sd_test_cognito(pool.srv, "GetUser", sd_buf_text(&m), &r);
	assert_string_equal(sd_json_get_str(r.json, "Username"), "alice");
	assert_string_equal(
		sd_json_get_str(sd_json_child(sd_json_get(r.json, "UserAttributes")), "Value"),
		"sub-alice");
	sd_test_reply_release(&r);
	sd_test_cognito(pool.srv, "GlobalSignOut", sd_buf_text(&m), &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "{}");
	sd_test_reply_release(&r);
	renew(refresh_token, &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	assert_int_equal(
		pool_graphql_status(access, NULL), 200); /* formally valid until it expires */
	free(access);
	free(refresh_token);
	sd_buf_release(&m);
}

static void a_revoked_refresh_token_is_dead(void **st)
{
	char *t = pool_signed_in("alice", "pw-alice", "RefreshToken");
	struct sd_test_reply r;
	struct sd_buf m = SD_BUF_INIT;

	(void)st;
	sd_buf_fmt(&m, "\"Token\":\"%s\"", t);
	pool_call("RevokeToken", sd_buf_text(&m), &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "");
	sd_test_reply_release(&r);
	renew(t, &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	free(t);
	sd_buf_release(&m);
}

static void bad_calls_get_cognitos_errors(void **st)
{
	struct sd_test_reply r;

	(void)st;
	pool_call("DoMagic", "\"x\":1", &r);
	pool_expect_refusal(&r, "UnknownOperationException");
	pool_call("InitiateAuth", "\"AuthFlow\":\"CUSTOM_AUTH\"", &r);
	pool_expect_refusal(&r, "InvalidParameterException");
	pool_call("InitiateAuth", "\"AuthFlow\":\"USER_PASSWORD_AUTH\"", &r);
	pool_expect_refusal(&r, "InvalidParameterException");
	sd_test_cognito(pool.srv, "InitiateAuth", "{}", &r);
	pool_expect_refusal(&r, "InvalidParameterException");
	sd_test_cognito(pool.srv, "InitiateAuth", "{\"ClientId\":\"other\"}", &r);
	assert_string_equal(
		sd_json_get_str(r.json, "message"), "User pool client other does not exist.");
	pool_expect_refusal(&r, "ResourceNotFoundException");
	sd_test_cognito(pool.srv, "InitiateAuth", "{\"ClientId\":\"\\u001b[2J\"}", &r);
	assert_string_equal(sd_json_get_str(r.json, "message"),
		"User pool client of that name does not exist.");
	pool_expect_refusal(&r, "ResourceNotFoundException");
	sd_test_cognito(pool.srv, "InitiateAuth", "nonsense", &r);
	pool_expect_refusal(&r, "SerializationException");
	sd_test_cognito(pool.srv, "GetUser", "{\"AccessToken\":\"a.b.c\"}", &r);
	pool_expect_refusal(&r, "NotAuthorizedException");
	sd_json_free(sd_test_admin(pool.srv, "POST", "fault",
		"{\"kind\":\"status\",\"status\":500,\"op\":\"auth\",\"field\":\"InitiateAuth\"}"));
	pool_sign_in("alice", "pw-alice", &r);
	assert_int_equal(r.status, 500);
	sd_test_reply_release(&r);
}

static void sessions_outlive_a_restart_of_the_sandbox(void **st)
{
	struct sd_test_reply r;
	char *access, *refresh_token;

	(void)st;
	pool_sign_in("alice", "pw-alice", &r);
	access = pool_token(&r, "AccessToken");
	refresh_token = pool_token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_test_server_stop(pool.srv);
	pool.srv = sd_test_server_start(&pool.opts);
	assert_int_equal(pool_graphql_status(access, NULL), 200);
	renew(refresh_token, &r);
	free(pool_token(&r, "AccessToken"));
	sd_test_reply_release(&r);
	free(access);
	free(refresh_token);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		{"SRV-C02 a wrong password is NotAuthorizedException",
			a_wrong_password_is_not_authorized, NULL, NULL, NULL},
		cmocka_unit_test(the_right_password_gives_tokens_that_the_api_takes),
		cmocka_unit_test(expired_and_forged_tokens_are_401),
		{"SRV-C03 a refresh gives new tokens and keeps the refresh token",
			tokens_expire_on_order_and_refresh_gives_new_ones, NULL, NULL, NULL},
		cmocka_unit_test(get_user_and_sign_out_work_by_access_token),
		cmocka_unit_test(a_revoked_refresh_token_is_dead),
		cmocka_unit_test(bad_calls_get_cognitos_errors),
		cmocka_unit_test(sessions_outlive_a_restart_of_the_sandbox),
	};
	return cmocka_run_group_tests(tests, pool_start, pool_stop);
}