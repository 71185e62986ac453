/*
 * tests/proto/test_pool.c - the local user pool over real sockets (spec/server.md 7, SRV-C rows).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/amplify.h"
#include "tests/support/run_sandbox.h"
#include "tests/support/srp_client.h"
#include "tests/support/support.h"
#include "tests/support/ws_client.h"

static const char SDL[] =
	"type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String }\n";
static const char USERS[] =
	"[{\"username\":\"alice\",\"password\":\"pw-alice\",\"sub\":\"sub-alice\",\"groups\":["
	"\"Staff\"],"
	"\"email\":\"alice@example.com\"},"
	"{\"username\":\"bob\",\"password\":\"pw-bob\",\"sub\":\"sub-bob\",\"challenge\":\"new-"
	"password\"},"
	"{\"username\":\"tom\",\"password\":\"pw-tom\",\"sub\":\"sub-tom\",\"challenge\":\"totp\"},"
	"{\"username\":\"sam\",\"password\":\"pw-sam\",\"sub\":\"sub-sam\",\"challenge\":\"sms\"}]";

static struct sd_schema *schema;
static struct sd_sandbox_opts opts;
static struct sd_test_server *srv;
static char *dir, users_file[300], config_file[300], client_id[100], pool_id[100];

static int start(void **st)
{
	(void)st;
	dir = sd_test_dir();
	snprintf(users_file, sizeof users_file, "%s/users.json", dir);
	snprintf(config_file, sizeof config_file, "%s/amplify_outputs.json", dir);
	if (sd_write_file(users_file, USERS, strlen(USERS), NULL) != SD_OK ||
		sd_schema_read(SDL, strlen(SDL), "test", &schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&opts, schema);
	opts.users = users_file;
	opts.state_dir = dir;
	opts.write_config = config_file;
	srv = sd_test_server_start(&opts);
	snprintf(client_id, sizeof client_id, "%s",
		sd_json_get_str(sd_test_server_ready(srv), "userPoolClientId"));
	snprintf(pool_id, sizeof pool_id, "%s",
		sd_json_get_str(sd_test_server_ready(srv), "userPoolId"));
	return 0;
}

static int stop(void **st)
{
	(void)st;
	sd_test_server_stop(srv);
	sd_schema_free(schema);
	sd_test_dir_remove(dir);
	return 0;
}

/* POST /cognito/ with {"ClientId":...} and members. */
static void call(const char *operation, const char *members, struct sd_test_reply *r)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "{\"ClientId\":\"%s\",%s}", client_id, members);
	sd_test_cognito(srv, operation, sd_buf_text(&b), r);
	sd_buf_release(&b);
}

static void sign_in(const char *user, const char *password, struct sd_test_reply *r)
{
	char m[400];

	snprintf(m, sizeof m,
		"\"AuthFlow\":\"USER_PASSWORD_AUTH\",\"AuthParameters\":{\"USERNAME\":\"%s\","
		"\"PASSWORD\":\"%s\"}",
		user, password);
	call("InitiateAuth", m, r);
}

static void respond(
	const char *challenge, const char *session, const char *answers, struct sd_test_reply *r)
{
	char m[1000];

	snprintf(m, sizeof m,
		"\"ChallengeName\":\"%s\",\"Session\":\"%s\",\"ChallengeResponses\":{%s}",
		challenge, session, answers);
	call("RespondToAuthChallenge", m, r);
}

/* A token of the answer, owned; fails the test when there is none. */
static char *token(const struct sd_test_reply *r, const char *name)
{
	const char *t = sd_json_str(sd_json_path(r->json, "AuthenticationResult", name, NULL));

	if (!t)
		fail_msg("no %s: %d %s", name, r->status, r->body);
	return strdup(t);
}

static char *signed_in(const char *user, const char *password, const char *name)
{
	struct sd_test_reply r;
	char *t;

	sign_in(user, password, &r);
	t = token(&r, name);
	sd_test_reply_release(&r);
	return t;
}

static void expect_refusal(struct sd_test_reply *r, const char *type)
{
	assert_int_equal(r->status, 400);
	assert_string_equal(sd_json_get_str(r->json, "__type"), type);
	assert_non_null(sd_json_get_str(r->json, "message"));
	assert_non_null(strcasestr(r->head, "x-amzn-errortype: "));
	sd_test_reply_release(r);
}

static int graphql_status(const char *authorization, const char **why)
{
	static char text[300];
	struct sd_test_reply r;
	char line[4000];
	const char *headers[] = {line, NULL};
	int status;

	snprintf(line, sizeof line, "authorization: %s", authorization);
	sd_test_http(srv, "POST", "/graphql", headers, "{\"query\":\"{__typename}\"}", &r);
	status = r.status;
	snprintf(text, sizeof text, "%s",
		status == 200
			? ""
			: sd_json_get_str(sd_json_child(sd_json_get(r.json, "errors")), "message"));
	if (why)
		*why = text;
	sd_test_reply_release(&r);
	return status;
}

/* SRV-C02 */
static void a_wrong_password_is_not_authorized(void **st)
{
	struct sd_test_reply r;

	(void)st;
	sign_in("alice", "nope", &r);
	expect_refusal(&r, "NotAuthorizedException");
	sign_in("nobody", "pw-alice", &r);
	expect_refusal(&r, "NotAuthorizedException");
}

static void the_right_password_gives_tokens_that_the_api_takes(void **st)
{
	struct sd_test_reply r;
	struct sd_buf b = SD_BUF_INIT;
	char *access, *id;
	const char *dot;
	struct cJSON *claims = NULL;

	(void)st;
	sign_in("alice@example.com", "pw-alice", &r); /* the email is an alias */
	access = token(&r, "AccessToken");
	id = token(&r, "IdToken");
	assert_int_equal(
		sd_json_get_i64(sd_json_get(r.json, "AuthenticationResult"), "ExpiresIn", 0), 3600);
	sd_test_reply_release(&r);
	assert_int_equal(graphql_status(access, NULL), 200);
	assert_int_equal(graphql_status(id, NULL), 200);
	sd_buf_fmt(&b, "Bearer %s", access);
	assert_int_equal(graphql_status(sd_buf_text(&b), NULL), 200);
	dot = strchr(id, '.') + 1;
	sd_buf_reset(&b);
	assert_true(sd_base64_decode(&b, dot, strcspn(dot, ".")));
	assert_int_equal(sd_json_parse(b.data, b.len, "claims", &claims, NULL), SD_OK);
	assert_string_equal(sd_json_get_str(claims, "sub"), "sub-alice");
	assert_string_equal(sd_json_get_str(claims, "aud"), client_id);
	assert_string_equal(sd_json_get_str(claims, "token_use"), "id");
	assert_string_equal(sd_json_get_str(claims, "cognito:username"), "alice");
	assert_string_equal(sd_json_get_str(claims, "email"), "alice@example.com");
	assert_string_equal(
		sd_json_str(sd_json_child(sd_json_get(claims, "cognito:groups"))), "Staff");
	assert_true(sd_str_ends(sd_json_get_str(claims, "iss"), pool_id));
	sd_json_free(claims);
	sd_buf_release(&b);
	free(access);
	free(id);
}

/* SRV-H06 */
static void expired_and_forged_tokens_are_401(void **st)
{
	char *t = signed_in("alice", "pw-alice", "AccessToken");
	const char *why;

	(void)st;
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":3700000}"));
	assert_int_equal(graphql_status(t, &why), 401);
	assert_string_equal(why, "Token has expired.");
	sd_json_free(sd_test_admin(srv, "POST", "clock", "{\"offsetMs\":0}"));
	assert_int_equal(graphql_status(t, NULL), 200);
	t[strlen(t) - 10] = t[strlen(t) - 10] == 'A' ? 'B' : 'A';
	assert_int_equal(graphql_status(t, NULL), 401);
	assert_int_equal(graphql_status("not-a-token", NULL), 401);
	free(t);
	t = signed_in("alice", "pw-alice", "RefreshToken");
	assert_int_equal(graphql_status(t, NULL), 401); /* a refresh token opens nothing */
	free(t);
}

static void refresh(const char *t, struct sd_test_reply *r)
{
	struct sd_buf m = SD_BUF_INIT;

	sd_buf_fmt(&m,
		"\"AuthFlow\":\"REFRESH_TOKEN_AUTH\",\"AuthParameters\":{\"REFRESH_TOKEN\":\"%s\"}",
		t);
	call("InitiateAuth", sd_buf_text(&m), r);
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
	sign_in("alice", "pw-alice", &r);
	access = token(&r, "AccessToken");
	refresh_token = token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(srv, "POST", "expire-tokens", NULL));
	assert_int_equal(graphql_status(access, &why), 401);
	assert_string_equal(why, "Token has expired.");
	refresh(refresh_token, &r);
	again = token(&r, "AccessToken");
	assert_null(sd_json_path(r.json, "AuthenticationResult", "RefreshToken", NULL));
	sd_test_reply_release(&r);
	assert_int_equal(graphql_status(again, NULL), 200);
	sd_buf_fmt(&m, "\"RefreshToken\":\"%s\"", refresh_token);
	call("GetTokensFromRefreshToken", sd_buf_text(&m), &r);
	free(again);
	again = token(&r, "AccessToken");
	assert_int_equal(graphql_status(again, NULL), 200);
	sd_test_reply_release(&r);
	sd_json_free(sd_test_admin(srv, "POST", "expire-tokens", "{\"refresh\":true}"));
	refresh(refresh_token, &r);
	expect_refusal(&r, "NotAuthorizedException");
	sd_buf_release(&m);
	free(access);
	free(again);
	free(refresh_token);
}

/* SRV-C04 */
static void a_new_password_is_asked_for_once(void **st)
{
	struct sd_test_reply r;
	char session[300], *t;

	(void)st;
	sign_in("bob", "pw-bob", &r);
	assert_string_equal(sd_json_get_str(r.json, "ChallengeName"), "NEW_PASSWORD_REQUIRED");
	assert_non_null(sd_json_path(r.json, "ChallengeParameters", "requiredAttributes", NULL));
	snprintf(session, sizeof session, "%s", sd_json_get_str(r.json, "Session"));
	sd_test_reply_release(&r);
	respond("NEW_PASSWORD_REQUIRED", "wrong-session",
		"\"USERNAME\":\"bob\",\"NEW_PASSWORD\":\"new-password-1\"", &r);
	expect_refusal(&r, "NotAuthorizedException");
	respond("NEW_PASSWORD_REQUIRED", session,
		"\"USERNAME\":\"bob\",\"NEW_PASSWORD\":\"new-password-1\"", &r);
	t = token(&r, "AccessToken");
	sd_test_reply_release(&r);
	assert_int_equal(graphql_status(t, NULL), 200);
	free(t);
	sign_in("bob", "pw-bob", &r);
	expect_refusal(&r, "NotAuthorizedException");
	free(signed_in("bob", "new-password-1", "AccessToken"));
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
			sign_in(WHO[i].user, WHO[i].password, &r);
			assert_string_equal(
				sd_json_get_str(r.json, "ChallengeName"), WHO[i].challenge);
			snprintf(session, sizeof session, "%s", sd_json_get_str(r.json, "Session"));
			sd_test_reply_release(&r);
			snprintf(answers, sizeof answers, "\"USERNAME\":\"%s\",\"%s\":\"%s\"",
				WHO[i].user, WHO[i].name, right ? "123456" : "000000");
			respond(WHO[i].challenge, session, answers, &r);
			if (right) {
				free(token(&r, "AccessToken"));
				sd_test_reply_release(&r);
			} else {
				expect_refusal(&r, "CodeMismatchException");
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
		strchr(pool_id, '_') + 1, sd_json_get_str(p, "USER_ID_FOR_SRP"), password};
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
		call("InitiateAuth", m, &first);
		assert_string_equal(
			sd_json_get_str(first.json, "ChallengeName"), "PASSWORD_VERIFIER");
		verify(&first, &c, right ? "pw-alice" : "pw-alicf", &r);
		if (right) {
			char *t = token(&r, "AccessToken");
			assert_int_equal(graphql_status(t, NULL), 200);
			free(t);
			sd_test_reply_release(&r);
			verify(&first, &c, "pw-alice", &r); /* a block is good for one try */
		}
		expect_refusal(&r, "NotAuthorizedException");
		sd_test_reply_release(&first);
		OPENSSL_free(a);
		sd_test_srp_close(&c);
	}
}

static void get_user_and_sign_out_work_by_access_token(void **st)
{
	struct sd_test_reply r;
	struct sd_buf m = SD_BUF_INIT;
	char *access, *refresh_token;

	(void)st;
	sign_in("alice", "pw-alice", &r);
	access = token(&r, "AccessToken");
	refresh_token = token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_buf_fmt(&m, "{\"AccessToken\":\"%s\"}", access);
	sd_test_cognito(srv, "GetUser", sd_buf_text(&m), &r);
	assert_string_equal(sd_json_get_str(r.json, "Username"), "alice");
	assert_string_equal(
		sd_json_get_str(sd_json_child(sd_json_get(r.json, "UserAttributes")), "Value"),
		"sub-alice");
	sd_test_reply_release(&r);
	sd_test_cognito(srv, "GlobalSignOut", sd_buf_text(&m), &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "{}");
	sd_test_reply_release(&r);
	refresh(refresh_token, &r);
	expect_refusal(&r, "NotAuthorizedException");
	assert_int_equal(graphql_status(access, NULL), 200); /* formally valid until it expires */
	free(access);
	free(refresh_token);
	sd_buf_release(&m);
}

static void a_revoked_refresh_token_is_dead(void **st)
{
	char *t = signed_in("alice", "pw-alice", "RefreshToken");
	struct sd_test_reply r;
	struct sd_buf m = SD_BUF_INIT;

	(void)st;
	sd_buf_fmt(&m, "\"Token\":\"%s\"", t);
	call("RevokeToken", sd_buf_text(&m), &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(r.body, "");
	sd_test_reply_release(&r);
	refresh(t, &r);
	expect_refusal(&r, "NotAuthorizedException");
	free(t);
	sd_buf_release(&m);
}

static void bad_calls_get_cognitos_errors(void **st)
{
	struct sd_test_reply r;

	(void)st;
	call("DoMagic", "\"x\":1", &r);
	expect_refusal(&r, "UnknownOperationException");
	call("InitiateAuth", "\"AuthFlow\":\"CUSTOM_AUTH\"", &r);
	expect_refusal(&r, "InvalidParameterException");
	call("InitiateAuth", "\"AuthFlow\":\"USER_PASSWORD_AUTH\"", &r);
	expect_refusal(&r, "InvalidParameterException");
	sd_test_cognito(srv, "InitiateAuth", "{\"ClientId\":\"other\"}", &r);
	expect_refusal(&r, "ResourceNotFoundException");
	sd_test_cognito(srv, "InitiateAuth", "nonsense", &r);
	expect_refusal(&r, "SerializationException");
	sd_test_cognito(srv, "GetUser", "{\"AccessToken\":\"a.b.c\"}", &r);
	expect_refusal(&r, "NotAuthorizedException");
	sd_json_free(sd_test_admin(srv, "POST", "fault",
		"{\"kind\":\"status\",\"status\":500,\"op\":\"auth\",\"field\":\"InitiateAuth\"}"));
	sign_in("alice", "pw-alice", &r);
	assert_int_equal(r.status, 500);
	sd_test_reply_release(&r);
}

static void the_key_set_and_the_config_are_given_out(void **st)
{
	struct sd_config *c = NULL;
	struct sd_test_reply r;
	struct sd_error e = {0};
	char path[200];

	(void)st;
	snprintf(path, sizeof path, "/%s/.well-known/jwks.json", pool_id);
	sd_test_http(srv, "GET", path, NULL, NULL, &r);
	assert_int_equal(r.status, 200);
	assert_string_equal(
		sd_json_get_str(sd_json_child(sd_json_get(r.json, "keys")), "kty"), "RSA");
	sd_test_reply_release(&r);
	if (sd_config_read_file(config_file, &c, &e) != SD_OK)
		fail_msg("%s", e.text);
	assert_string_equal(c->user_pool_id, pool_id);
	assert_string_equal(c->user_pool_client_id, client_id);
	assert_string_equal(c->user_pool_endpoint,
		sd_json_get_str(sd_test_server_ready(srv), "userPoolEndpoint"));
	assert_int_equal(c->auth, SD_AUTH_USER_POOL); /* its model has an owner rule */
	assert_int_equal(c->more_mode_count, 1);
	assert_int_equal(c->more_modes[0], SD_AUTH_API_KEY);
	sd_config_free(c);
}

static void sessions_outlive_a_restart_of_the_sandbox(void **st)
{
	struct sd_test_reply r;
	char *access, *refresh_token;

	(void)st;
	sign_in("alice", "pw-alice", &r);
	access = token(&r, "AccessToken");
	refresh_token = token(&r, "RefreshToken");
	sd_test_reply_release(&r);
	sd_test_server_stop(srv);
	srv = sd_test_server_start(&opts);
	assert_int_equal(graphql_status(access, NULL), 200);
	refresh(refresh_token, &r);
	free(token(&r, "AccessToken"));
	sd_test_reply_release(&r);
	free(access);
	free(refresh_token);
}

/* SRV-W27: two subscriptions of different modes on one socket; and a token at connect */
static void a_socket_carries_subscriptions_of_different_modes(void **st)
{
	char *t = signed_in("alice", "pw-alice", "AccessToken"), *m;
	struct sd_buf b = SD_BUF_INIT, p = SD_BUF_INIT;
	struct sd_test_ws *w;
	int status;

	(void)st;
	sd_buf_fmt(&b, "{\"host\":\"h\",\"Authorization\":\"%s\"}", t);
	sd_buf_str(&p, "header-");
	sd_base64_encode(&p, b.data, b.len, true);
	sd_buf_str(&p, ", graphql-ws");
	w = sd_test_ws_open(
		sd_test_server_port(srv), "/graphql/realtime", sd_buf_text(&p), "", &status);
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
	struct sd_sandbox_opts o = opts;
	char file[300];

	(void)st;
	snprintf(file, sizeof file, "%s/bad.json", dir);
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
		{"SRV-C02 a wrong password is NotAuthorizedException",
			a_wrong_password_is_not_authorized, NULL, NULL, NULL},
		cmocka_unit_test(the_right_password_gives_tokens_that_the_api_takes),
		cmocka_unit_test(expired_and_forged_tokens_are_401),
		{"SRV-C03 a refresh gives new tokens and keeps the refresh token",
			tokens_expire_on_order_and_refresh_gives_new_ones, NULL, NULL, NULL},
		{"SRV-C04 a new password is asked for once", a_new_password_is_asked_for_once, NULL,
			NULL, NULL},
		cmocka_unit_test(codes_solve_their_challenge_only),
		{"SRV-C01 SRV-C05 SRP signs in without sending the password",
			srp_signs_in_without_sending_the_password, NULL, NULL, NULL},
		cmocka_unit_test(get_user_and_sign_out_work_by_access_token),
		cmocka_unit_test(a_revoked_refresh_token_is_dead),
		cmocka_unit_test(bad_calls_get_cognitos_errors),
		cmocka_unit_test(the_key_set_and_the_config_are_given_out),
		cmocka_unit_test(sessions_outlive_a_restart_of_the_sandbox),
		cmocka_unit_test(a_socket_carries_subscriptions_of_different_modes),
		cmocka_unit_test(bad_users_files_are_refused_with_the_place),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
