/* core/auth/pool.c - tokens of the user pool: taking, renewing, revoking (spec/server.md 7). */
#include <stdlib.h>
#include <string.h>

#include "core/auth/cognito.h"
#include "core/base/text.h"
#include "core/json/json.h"

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

static void replace(char **to, const struct cJSON *j, const char *name)
{
	const char *s = sd_json_get_str(j, name);

	if (!s)
		return;
	free(*to);
	*to = strdup(s);
}

enum sd_err sd_cognito_tokens(
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

enum sd_err sd_session_from_token(const char *token, struct sd_session *out, struct sd_error *e)
{
	static const char *const NAME[] = {
		"preferred_username", "username", "cognito:username", "name", "email", "sub"};
	const char *sub, *name = NULL;

	memset(out, 0, sizeof *out);
	out->claims = sd_jwt_claims(token);
	sub = out->claims ? sd_json_get_str(out->claims, "sub") : NULL;
	if (!sub) {
		sd_session_release(out);
		return sd_fail(e, SD_INVAL, 0,
			"the token names nobody (no JWT with a sub): check SYNCDECK_TOKEN");
	}
	for (size_t i = 0; !name && i < sizeof NAME / sizeof *NAME; i++)
		name = sd_json_get_str(out->claims, NAME[i]);
	out->user = strdup(name);
	out->user_id = strdup(sub);
	out->access = strdup(token);
	out->expires_ms = sd_json_get_i64(out->claims, "exp", 0) * 1000;
	if (out->user && out->user_id && out->access)
		return SD_OK;
	sd_session_release(out);
	return sd_fail(e, SD_NOMEM, 0, "sign-in: out of memory");
}

enum sd_err sd_pool_refresh_request(const struct sd_pool *p, const struct sd_session *s,
	struct sd_pool_request *out, struct sd_error *e)
{
	struct sd_buf url = SD_BUF_INIT;
	struct sd_cognito at;
	struct cJSON *body, *params;
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	if (!s->refresh)
		return sd_fail(e, SD_AUTH, 0, "the session has ended; sign in again");
	rc = sd_cognito_pool(p, &url, &at, e);
	if (rc == SD_OK) {
		body = sd_json_object();
		params = sd_json_object();
		sd_json_add_str(params, "REFRESH_TOKEN", s->refresh);
		sd_cognito_secret_hash(p, s->user ? s->user : "", params);
		sd_json_add_str(body, "ClientId", p->client_id);
		sd_json_add_str(body, "AuthFlow", "REFRESH_TOKEN_AUTH");
		sd_json_add(body, "AuthParameters", params);
		rc = sd_cognito_request(&at, "InitiateAuth", body, out, e);
	}
	sd_buf_release(&url);
	return rc;
}

enum sd_err sd_pool_refresh_answer(struct sd_session *s, int status, const char *body, size_t n,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *reply = NULL;
	enum sd_err rc = sd_cognito_answer("user pool", status, body, n, &reply, e);

	if (rc == SD_OK)
		rc = sd_cognito_tokens(s, sd_json_get(reply, "AuthenticationResult"), now_ms, e);
	sd_json_free(reply);
	return rc;
}

void sd_pool_revoke(const struct sd_pool *p, const struct sd_session *s)
{
	struct sd_buf url = SD_BUF_INIT;
	struct sd_cognito at;
	struct cJSON *body, *reply = NULL;

	if (s->refresh && sd_cognito_pool(p, &url, &at, NULL) == SD_OK) {
		body = sd_json_object();
		sd_json_add_str(body, "Token", s->refresh);
		sd_json_add_str(body, "ClientId", p->client_id);
		if (sd_cognito_call(&at, "RevokeToken", body, &reply, NULL) == SD_OK)
			sd_json_free(reply);
	}
	sd_buf_release(&url);
}
