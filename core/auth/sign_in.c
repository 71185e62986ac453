/*
 * core/auth/sign_in.c - a sign-in at the user pool: SRP, and the challenges behind it.
 *
 * SRP comes first: it is what app clients made by the Amplify tools allow, and the password stays
 * here.  A pool that does not know it (an InvalidParameterException: "USER_SRP_AUTH is not enabled
 * for the client", or a test double) is asked with USER_PASSWORD_AUTH.
 */
#include <stdlib.h>
#include <string.h>

#include "core/auth/cognito.h"
#include "core/auth/srp.h"
#include "core/base/text.h"
#include "core/json/json.h"

#define CHALLENGES_MAX 6 /* one may be followed by another; none is asked for ever */

struct sign_in { /* borrowed, but srp and name */
	const struct sd_pool *pool;
	const struct sd_cognito *at;
	const char *user, *password, *new_password, *code;
	int64_t now_ms;
	struct sd_srp_client *srp;
	char *name; /* owned: how the pool calls the user; NULL: as typed */
};

static const char *name_of(const struct sign_in *s)
{
	return s->name ? s->name : s->user;
}

static struct cJSON *initiate(
	const struct sign_in *s, const char *flow, const char *key, const char *value)
{
	struct cJSON *body = sd_json_object(), *params = sd_json_object();

	sd_json_add_str(params, "USERNAME", s->user);
	sd_json_add_str(params, key, value);
	sd_cognito_secret_hash(s->pool, s->user, params);
	sd_json_add_str(body, "ClientId", s->pool->client_id);
	sd_json_add_str(body, "AuthFlow", flow);
	sd_json_add(body, "AuthParameters", params);
	return body;
}

/* PASSWORD_VERIFIER: proves the password.  params: the challenge's; the answer goes into out. */
static enum sd_err prove(
	struct sign_in *s, const struct cJSON *params, struct cJSON *out, struct sd_error *e)
{
	char stamp[SD_SRP_TIMESTAMP];
	const char *name = strchr(s->pool->pool_id, '_');
	struct sd_srp_challenge q = {.pool_name = name ? name + 1 : s->pool->pool_id,
		.user_id = name_of(s),
		.salt = sd_json_get_str(params, "SALT"),
		.b = sd_json_get_str(params, "SRP_B"),
		.secret = sd_json_get_str(params, "SECRET_BLOCK"),
		.timestamp = stamp,
		.password = s->password};
	struct sd_buf signature = SD_BUF_INIT;
	enum sd_err rc;

	if (!s->srp || !q.salt || !q.b || !q.secret)
		return sd_fail(e, SD_PROTO, 0, "user pool: the password challenge is incomplete");
	sd_srp_client_timestamp(s->now_ms, stamp);
	rc = sd_srp_client_claim(s->srp, &q, &signature, e);
	if (rc == SD_OK) {
		sd_json_add_str(out, "PASSWORD_CLAIM_SECRET_BLOCK", q.secret);
		sd_json_add_str(out, "TIMESTAMP", stamp);
		sd_json_add_str(out, "PASSWORD_CLAIM_SIGNATURE", sd_buf_text(&signature));
	}
	sd_buf_release(&signature);
	return rc;
}

enum answer { WITH_CODE, WITH_NEW_PASSWORD, WITH_APP };

static const struct challenge {
	const char *name, *answer_key;
	enum answer answer;
	const char *needs;
} CHALLENGE[] = {
	{"NEW_PASSWORD_REQUIRED", "NEW_PASSWORD", WITH_NEW_PASSWORD,
		"a new password is required: set SYNCDECK_NEW_PASSWORD"},
	{"SMS_MFA", "SMS_MFA_CODE", WITH_CODE, "a code was sent by SMS: set SYNCDECK_CODE"},
	{"SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA_CODE", WITH_CODE,
		"a code of the authenticator app is needed: set SYNCDECK_CODE"},
	{"EMAIL_OTP", "EMAIL_OTP_CODE", WITH_CODE, "a code was sent by e-mail: set SYNCDECK_CODE"},
	{"SELECT_MFA_TYPE", "ANSWER", WITH_APP, ""},
};

static enum sd_err fill(struct sign_in *s, const char *name, const struct cJSON *params,
	struct cJSON *responses, struct sd_error *e)
{
	if (strcmp(name, "PASSWORD_VERIFIER") == 0)
		return prove(s, params, responses, e);
	for (size_t i = 0; i < sizeof CHALLENGE / sizeof *CHALLENGE; i++) {
		const struct challenge *c = &CHALLENGE[i];
		const char *given = c->answer == WITH_CODE  ? s->code
				    : c->answer == WITH_APP ? "SOFTWARE_TOKEN_MFA"
							    : s->new_password;
		if (strcmp(name, c->name) != 0)
			continue;
		if (!given)
			return sd_fail(e, SD_AUTH, 0, "sign-in of %s: %s", s->user, c->needs);
		sd_json_add_str(responses, c->answer_key, given);
		return SD_OK;
	}
	return sd_fail(e, SD_AUTH, 0, "sign-in of %s: the challenge %s is not supported", s->user,
		name[0] ? name : "(none)");
}

/* Answers a challenge; *next gets what the pool says then. */
static enum sd_err respond(
	struct sign_in *s, const struct cJSON *reply, struct cJSON **next, struct sd_error *e)
{
	const char *name = sd_json_get_str(reply, "ChallengeName");
	const char *session = sd_json_get_str(reply, "Session");
	const struct cJSON *params = sd_json_get(reply, "ChallengeParameters");
	const char *pool_name = sd_json_get_str(params, "USER_ID_FOR_SRP");
	struct cJSON *body = sd_json_object(), *responses = sd_json_object();
	enum sd_err rc;

	if (pool_name) {
		free(s->name);
		s->name = strdup(pool_name);
	}
	sd_json_add_str(responses, "USERNAME", name_of(s));
	rc = fill(s, name ? name : "", params, responses, e);
	sd_cognito_secret_hash(s->pool, name_of(s), responses);
	sd_json_add_str(body, "ClientId", s->pool->client_id);
	sd_json_add_str(body, "ChallengeName", name);
	if (session)
		sd_json_add_str(body, "Session", session);
	sd_json_add(body, "ChallengeResponses", responses);
	if (rc == SD_OK)
		return sd_cognito_call(s->at, "RespondToAuthChallenge", body, next, e);
	sd_json_free(body);
	return rc;
}

static enum sd_err begin(struct sign_in *s, struct cJSON **reply, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	enum sd_err rc = sd_srp_client_new(&s->srp, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_cognito_call(s->at, "InitiateAuth",
		initiate(s, "USER_SRP_AUTH", "SRP_A", sd_srp_client_a(s->srp)), reply, &why);
	if (rc != SD_OK && e)
		*e = why;
	/* a page of something in between is no pool: it does not get the password */
	if (rc == SD_PROTO && why.detail == 400 && !strstr(why.text, "not JSON"))
		rc = sd_cognito_call(s->at, "InitiateAuth",
			initiate(s, "USER_PASSWORD_AUTH", "PASSWORD", s->password), reply, e);
	return rc;
}

enum sd_err sd_pool_sign_in(const struct sd_pool *p, const char *user, const char *password,
	const char *new_password, const char *code, int64_t now_ms, struct sd_session *out,
	struct sd_error *e)
{
	struct sd_buf url = SD_BUF_INIT;
	struct sd_cognito at;
	struct sign_in s = {.pool = p,
		.at = &at,
		.user = user,
		.password = password,
		.new_password = new_password,
		.code = code,
		.now_ms = now_ms};
	struct cJSON *reply = NULL;
	enum sd_err rc = sd_cognito_pool(p, &url, &at, e);

	memset(out, 0, sizeof *out);
	if (rc == SD_OK)
		rc = begin(&s, &reply, e);
	for (int i = 0; rc == SD_OK && !sd_json_get(reply, "AuthenticationResult"); i++) {
		struct cJSON *next = NULL;
		rc = i < CHALLENGES_MAX
			     ? respond(&s, reply, &next, e)
			     : sd_fail(e, SD_PROTO, 0, "user pool: challenges without an end");
		sd_json_free(reply);
		reply = next;
	}
	if (rc == SD_OK)
		rc = sd_cognito_tokens(out, sd_json_get(reply, "AuthenticationResult"), now_ms, e);
	sd_json_free(reply);
	sd_srp_client_free(s.srp);
	free(s.name);
	sd_buf_release(&url);
	if (rc != SD_OK)
		sd_session_release(out);
	return rc;
}
