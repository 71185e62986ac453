/* core/auth/pool.c - the user pool: Cognito's JSON protocol (spec/server.md 7). */
#include "core/auth/auth.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/net/loop.h"

#define ANSWER_MAX ((size_t)1 << 20)

struct cJSON *sd_jwt_claims(const char *token)
{
	const char *from = strchr(token, '.'), *to = from ? strchr(from + 1, '.') : NULL;
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;

	if (to && sd_base64_decode(&text, from + 1, (size_t)(to - from - 1)) &&
		sd_json_parse(sd_buf_text(&text), text.len, "token", &j, NULL) == SD_OK &&
		!sd_json_is_object(j)) {
		sd_json_free(j);
		j = NULL;
	}
	sd_buf_release(&text);
	return j;
}

void sd_pool_request_release(struct sd_pool_request *r)
{
	if (r->body.data) /* it holds a password or a token */
		explicit_bzero(r->body.data, r->body.len);
	sd_buf_release(&r->url);
	sd_buf_release(&r->target);
	sd_buf_release(&r->body);
}

static enum sd_err request(const struct sd_pool *p, const char *operation, struct cJSON *body,
	struct sd_pool_request *out, struct sd_error *e)
{
	memset(out, 0, sizeof *out);
	if (!p->client_id || !p->pool_id) {
		sd_json_free(body);
		return sd_fail(e, SD_INVAL, 0,
			"no user pool is configured; give a config file with user_pool_id and "
			"user_pool_client_id");
	}
	if (p->endpoint)
		sd_buf_str(&out->url, p->endpoint);
	else
		sd_buf_fmt(&out->url, "https://cognito-idp.%.*s.amazonaws.com%s/",
			(int)strcspn(p->pool_id, "_"), p->pool_id,
			sd_str_starts(p->pool_id, "cn-") ? ".cn" : "");
	sd_buf_fmt(&out->target, "x-amz-target: AWSCognitoIdentityProviderService.%s", operation);
	out->headers[0] = "content-type: application/x-amz-json-1.1";
	out->headers[1] = sd_buf_text(&out->target);
	out->headers[2] = "cache-control: no-store";
	sd_json_add_str(body, "ClientId", p->client_id);
	sd_json_print(body, &out->body);
	sd_json_free(body);
	if (sd_buf_ok(&out->url) && sd_buf_ok(&out->target) && sd_buf_ok(&out->body))
		return SD_OK;
	sd_pool_request_release(out);
	return sd_fail(e, SD_NOMEM, 0, "sign-in: out of memory");
}

/* SECRET_HASH = base64(HMAC-SHA256(secret, username ++ client id)) when the client has a secret. */
static void secret_hash(const struct sd_pool *p, const char *user, struct cJSON *params)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct sd_buf msg = SD_BUF_INIT, text = SD_BUF_INIT;

	if (!p->client_secret)
		return;
	sd_buf_fmt(&msg, "%s%s", user, p->client_id);
	if (HMAC(EVP_sha256(), p->client_secret, (int)strlen(p->client_secret),
		    (const unsigned char *)sd_buf_text(&msg), msg.len, mac, &n) &&
		sd_base64_encode(&text, mac, n, false))
		sd_json_add_str(params, "SECRET_HASH", sd_buf_text(&text));
	sd_buf_release(&msg);
	sd_buf_release(&text);
}

/* The answer of a Cognito call as JSON; its own errors become ours. */
static enum sd_err answer(
	int status, const char *body, size_t n, struct cJSON **out, struct sd_error *e)
{
	static const char *const FINAL[] = {"NotAuthorizedException", "UserNotFoundException",
		"UserNotConfirmedException", "PasswordResetRequiredException",
		"CodeMismatchException", "ExpiredCodeException", "InvalidPasswordException"};
	const char *type, *message, *hash;
	enum sd_err rc = sd_json_parse(n ? body : "{}", n ? n : 2, "user pool answer", out, e);

	if (rc != SD_OK)
		return sd_fail(e, SD_PROTO, status,
			"the user pool answered HTTP %d with something that is not JSON", status);
	if (status >= 200 && status < 300)
		return SD_OK;
	type = sd_json_get_str(*out, "__type");
	message = sd_json_get_str(*out, "message");
	hash = type ? strrchr(type, '#') : NULL;
	type = hash ? hash + 1 : type ? type : "";
	rc = status >= 500 || status == 429 ? SD_NET : SD_PROTO;
	for (size_t i = 0; i < sizeof FINAL / sizeof *FINAL; i++)
		if (strcmp(type, FINAL[i]) == 0)
			rc = SD_AUTH;
	rc = sd_fail(e, rc, status, "user pool: %s%s%s", type[0] ? type : "HTTP error",
		message ? ": " : "", message ? message : "");
	sd_json_free(*out);
	*out = NULL;
	return rc;
}

static enum sd_err call(const struct sd_pool *p, const char *operation, struct cJSON *body,
	struct cJSON **out, struct sd_error *e)
{
	struct sd_pool_request r;
	struct sd_buf text;
	int status = 0;
	enum sd_err rc = request(p, operation, body, &r, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	sd_buf_init(&text, ANSWER_MAX);
	rc = sd_http_post_wait(sd_buf_text(&r.url), r.headers, sd_buf_text(&r.body), r.body.len,
		p->ca_file, p->timeout_ms, &status, &text, e);
	if (rc == SD_OK)
		rc = answer(status, sd_buf_text(&text), text.len, out, e);
	sd_pool_request_release(&r);
	if (text.data)
		explicit_bzero(text.data, text.len);
	sd_buf_release(&text);
	return rc;
}

static void replace(char **to, const struct cJSON *j, const char *name)
{
	const char *s = sd_json_get_str(j, name);

	if (!s)
		return;
	free(*to);
	*to = strdup(s);
}

/* Tokens of an AuthenticationResult into s. */
static enum sd_err take_tokens(
	struct sd_session *s, const struct cJSON *result, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *access = NULL;
	const char *name;

	replace(&s->access, result, "AccessToken");
	replace(&s->id, result, "IdToken");
	replace(&s->refresh, result, "RefreshToken");
	s->expires_ms = now_ms + sd_json_get_i64(result, "ExpiresIn", 3600) * 1000;
	if (s->access)
		access = sd_jwt_claims(s->access);
	if (!access)
		return sd_fail(e, SD_PROTO, 0, "the user pool sent no access token");
	sd_json_free(s->claims);
	s->claims = s->id ? sd_jwt_claims(s->id) : NULL;
	if (!s->claims)
		s->claims = sd_json_dup(access);
	name = sd_json_get_str(access, "username");
	if (!name)
		name = sd_json_get_str(s->claims, "cognito:username");
	if (name && !s->user)
		s->user = strdup(name);
	if (!s->user_id) {
		const char *sub = sd_json_get_str(access, "sub");
		s->user_id = sub ? strdup(sub) : NULL;
	}
	sd_json_free(access);
	return s->user_id ? SD_OK : sd_fail(e, SD_PROTO, 0, "the access token has no sub");
}

static const struct challenge {
	const char *name, *answer_key;
	bool code; /* answered with the code, else with the new password */
	const char *needs;
} CHALLENGE[] = {
	{"NEW_PASSWORD_REQUIRED", "NEW_PASSWORD", false,
		"a new password is required: set SYNCDECK_NEW_PASSWORD"},
	{"SMS_MFA", "SMS_MFA_CODE", true, "a code was sent by SMS: set SYNCDECK_CODE"},
	{"SOFTWARE_TOKEN_MFA", "SOFTWARE_TOKEN_MFA_CODE", true,
		"a code of the authenticator app is needed: set SYNCDECK_CODE"},
	{"EMAIL_OTP", "EMAIL_OTP_CODE", true, "a code was sent by e-mail: set SYNCDECK_CODE"},
};

/* The next request for a challenge; NULL with *e set when nothing was given for it. */
static struct cJSON *respond(const struct sd_pool *p, const struct cJSON *reply, const char *user,
	const char *new_password, const char *code, struct sd_error *e)
{
	const char *name = sd_json_get_str(reply, "ChallengeName");
	const char *session = sd_json_get_str(reply, "Session");
	struct cJSON *body, *responses;

	for (size_t i = 0; name && i < sizeof CHALLENGE / sizeof *CHALLENGE; i++) {
		const struct challenge *c = &CHALLENGE[i];
		const char *given = c->code ? code : new_password;
		if (strcmp(name, c->name) != 0)
			continue;
		if (!given) {
			sd_fail(e, SD_AUTH, 0, "sign-in of %s: %s", user, c->needs);
			return NULL;
		}
		body = sd_json_object();
		responses = sd_json_object();
		sd_json_add_str(responses, "USERNAME", user);
		sd_json_add_str(responses, c->answer_key, given);
		secret_hash(p, user, responses);
		sd_json_add_str(body, "ChallengeName", name);
		if (session)
			sd_json_add_str(body, "Session", session);
		sd_json_add(body, "ChallengeResponses", responses);
		return body;
	}
	sd_fail(e, SD_AUTH, 0, "sign-in of %s: the challenge %s is not supported", user,
		name ? name : "(none)");
	return NULL;
}

enum sd_err sd_pool_sign_in(const struct sd_pool *p, const char *user, const char *password,
	const char *new_password, const char *code, int64_t now_ms, struct sd_session *out,
	struct sd_error *e)
{
	struct cJSON *body = sd_json_object(), *params = sd_json_object(), *reply = NULL;
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	sd_json_add_str(params, "USERNAME", user);
	sd_json_add_str(params, "PASSWORD", password);
	if (p->client_id)
		secret_hash(p, user, params);
	sd_json_add_str(body, "AuthFlow", "USER_PASSWORD_AUTH");
	sd_json_add(body, "AuthParameters", params);
	rc = call(p, "InitiateAuth", body, &reply, e);
	for (int i = 0; rc == SD_OK && !sd_json_get(reply, "AuthenticationResult"); i++) {
		struct cJSON *next;
		/* a challenge may be followed by another; none is asked for ever */
		body = i < 5 ? respond(p, reply, user, new_password, code, e) : NULL;
		if (!body) {
			rc = SD_AUTH;
			break;
		}
		rc = call(p, "RespondToAuthChallenge", body, &next, e);
		sd_json_free(reply);
		reply = next;
	}
	if (rc == SD_OK)
		rc = take_tokens(out, sd_json_get(reply, "AuthenticationResult"), now_ms, e);
	sd_json_free(reply);
	if (rc != SD_OK)
		sd_session_release(out);
	return rc;
}

enum sd_err sd_pool_refresh_request(const struct sd_pool *p, const struct sd_session *s,
	struct sd_pool_request *out, struct sd_error *e)
{
	struct cJSON *body, *params;

	memset(out, 0, sizeof *out);
	if (!s->refresh)
		return sd_fail(e, SD_AUTH, 0, "the session has ended; sign in again");
	body = sd_json_object();
	params = sd_json_object();
	sd_json_add_str(params, "REFRESH_TOKEN", s->refresh);
	secret_hash(p, s->user ? s->user : "", params);
	sd_json_add_str(body, "AuthFlow", "REFRESH_TOKEN_AUTH");
	sd_json_add(body, "AuthParameters", params);
	return request(p, "InitiateAuth", body, out, e);
}

enum sd_err sd_pool_refresh_answer(struct sd_session *s, int status, const char *body, size_t n,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *reply = NULL;
	enum sd_err rc = answer(status, body, n, &reply, e);

	if (rc == SD_OK)
		rc = take_tokens(s, sd_json_get(reply, "AuthenticationResult"), now_ms, e);
	sd_json_free(reply);
	return rc;
}

void sd_pool_revoke(const struct sd_pool *p, const struct sd_session *s)
{
	struct cJSON *body = sd_json_object(), *reply = NULL;

	if (!s->refresh) {
		sd_json_free(body);
		return;
	}
	sd_json_add_str(body, "Token", s->refresh);
	if (call(p, "RevokeToken", body, &reply, NULL) == SD_OK)
		sd_json_free(reply);
}
