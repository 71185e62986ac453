/*
 * core/sandbox/server/pool_tokens.c - access, ID and refresh tokens (server.md 7.6); see pool.h.
 *
 * Cognito's refresh token is opaque; ours is signed like the others, so that it outlives a restart
 * of the sandbox.  "sd_gen" numbers the generation that POST expire-tokens ends.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/sandbox/server/pool.h"

static struct cJSON *claims_of(struct server *s, const struct user *u, const char *origin,
	const char *use, int64_t life_ms, int64_t generation)
{
	int64_t now = sd_srv_now_ms(s);
	struct cJSON *o = sd_json_object();
	char iss[400], jti[SD_UUID_TEXT];

	sd_uuid4(&s->rand, jti);
	snprintf(iss, sizeof iss, "%s/%s", s->base_url, POOL_ID);
	sd_json_add_str(o, "sub", u->sub);
	sd_json_add_str(o, "iss", iss);
	sd_json_add_str(o, "token_use", use);
	sd_json_add_str(o, "jti", jti);
	sd_json_add_str(o, "origin_jti", origin);
	sd_json_add_int(o, "auth_time", now / 1000);
	sd_json_add_int(o, "iat", now / 1000);
	sd_json_add_int(o, "exp", (now + life_ms) / 1000);
	sd_json_add_int(o, "sd_gen", generation);
	/* finer than iat: what came before a sign-out is dead, what comes after it is not */
	sd_json_add_int(o, "sd_ms", now > u->signed_out_ms ? now : u->signed_out_ms + 1);
	return o;
}

static bool sign(struct server *s, struct cJSON *claims, struct cJSON *out, const char *name)
{
	struct sd_buf t = SD_BUF_INIT;
	bool ok = sd_signer_sign(s->pool->signer, claims, &t, NULL) == SD_OK &&
		  sd_json_add_str(out, name, sd_buf_text(&t));

	sd_buf_release(&t);
	sd_json_free(claims);
	return ok;
}

static struct cJSON *access_claims(struct server *s, const struct user *u, const char *origin)
{
	struct cJSON *o =
		claims_of(s, u, origin, "access", s->set.token_ttl_ms, s->pool->generation);

	sd_json_add_str(o, "client_id", CLIENT_ID);
	sd_json_add_str(o, "username", u->name);
	sd_json_add_str(o, "scope", "aws.cognito.signin.user.admin");
	if (u->groups)
		sd_json_add(o, "cognito:groups", sd_json_dup(u->groups));
	return o;
}

static struct cJSON *id_claims(struct server *s, const struct user *u, const char *origin)
{
	struct cJSON *o = claims_of(s, u, origin, "id", s->set.token_ttl_ms, s->pool->generation);

	sd_json_add_str(o, "aud", CLIENT_ID);
	sd_json_add_str(o, "cognito:username", u->name);
	if (u->groups)
		sd_json_add(o, "cognito:groups", sd_json_dup(u->groups));
	if (u->email) {
		sd_json_add_str(o, "email", u->email);
		sd_json_add_bool(o, "email_verified", true);
	}
	return o;
}

struct cJSON *sd_srv_tokens(
	struct server *s, const struct user *u, const char *origin, bool with_refresh)
{
	struct cJSON *o = sd_json_object(), *refresh;
	char fresh[SD_UUID_TEXT];
	bool ok;

	if (!origin) {
		sd_uuid4(&s->rand, fresh);
		origin = fresh;
	}
	ok = sign(s, access_claims(s, u, origin), o, "AccessToken") &&
	     sign(s, id_claims(s, u, origin), o, "IdToken");

	if (ok && with_refresh) {
		refresh =
			claims_of(s, u, origin, "refresh", REFRESH_MS, s->pool->refresh_generation);
		ok = sign(s, refresh, o, "RefreshToken");
	}
	if (!ok) {
		sd_json_free(o);
		return NULL;
	}
	sd_json_add_int(o, "ExpiresIn", s->set.token_ttl_ms / 1000);
	sd_json_add_str(o, "TokenType", "Bearer");
	return o;
}

static bool is_use(const struct cJSON *claims, const char *use)
{
	return sd_str_eq(sd_json_get_str(claims, "token_use"), use);
}

static bool is_revoked(const struct pool *p, const struct cJSON *claims, const char *name)
{
	const char *id = sd_json_get_str(claims, name);

	return !id || sd_map_has(&p->revoked, id);
}

struct user *sd_srv_refresh_user(
	struct server *s, const char *token, char origin[SD_UUID_TEXT], const char **why)
{
	struct pool *p = s->pool;
	struct cJSON *claims = NULL;
	enum sd_jwt_verdict v =
		sd_jwt_read(p->signer, token, strlen(token), sd_srv_now_ms(s), &claims);
	struct user *u = sd_srv_user_by_sub(p, sd_json_get_str(claims, "sub"));
	const char *session = sd_json_get_str(claims, "origin_jti");

	*why = NULL;
	snprintf(origin, SD_UUID_TEXT, "%s", session ? session : "");
	if (!u || !session || !is_use(claims, "refresh"))
		*why = "Invalid Refresh Token";
	else if (u->disabled)
		*why = "User is disabled.";
	else if (v == SD_JWT_EXPIRED ||
		 sd_json_get_i64(claims, "sd_gen", 0) < p->refresh_generation)
		*why = "Refresh Token has expired";
	else if (is_revoked(p, claims, "jti") || is_revoked(p, claims, "origin_jti") ||
		 sd_json_get_i64(claims, "sd_ms", 0) <= u->signed_out_ms)
		*why = "Refresh Token has been revoked";
	sd_json_free(claims);
	return *why ? NULL : u;
}

struct user *sd_srv_access_user(struct server *s, const char *token, const char **why)
{
	struct cJSON *claims = NULL;
	enum sd_jwt_verdict v =
		sd_jwt_read(s->pool->signer, token, strlen(token), sd_srv_now_ms(s), &claims);
	struct user *u = sd_srv_user_by_sub(s->pool, sd_json_get_str(claims, "sub"));

	*why = NULL;
	if (!u || !is_use(claims, "access"))
		*why = "Invalid Access Token";
	else if (v == SD_JWT_EXPIRED || sd_json_get_i64(claims, "sd_gen", 0) < s->pool->generation)
		*why = "Access Token has expired";
	else if (is_revoked(s->pool, claims, "origin_jti") ||
		 sd_json_get_i64(claims, "sd_ms", 0) <= u->signed_out_ms)
		*why = "Access Token has been revoked";
	sd_json_free(claims);
	return *why ? NULL : u;
}

bool sd_srv_revoke(struct server *s, const char *token, bool only)
{
	struct cJSON *claims = NULL;
	const char *jti;
	bool ok;

	sd_jwt_read(s->pool->signer, token, strlen(token), sd_srv_now_ms(s), &claims);
	jti = sd_json_get_str(claims, only ? "jti" : "origin_jti");
	ok = jti && is_use(claims, "refresh") && sd_srv_pool_revoked(s, jti);
	sd_json_free(claims);
	return ok;
}

enum token_verdict sd_srv_pool_check(
	struct server *s, const char *token, size_t n, struct cJSON **claims)
{
	struct sd_signer *key = s->set.trust_unsigned_jwt ? NULL : s->pool->signer;
	enum sd_jwt_verdict v = sd_jwt_read(key, token, n, sd_srv_now_ms(s), claims);
	const char *iss = sd_json_get_str(*claims, "iss");
	bool id = is_use(*claims, "id"), access = is_use(*claims, "access");
	bool ours = iss && sd_str_ends(iss, "/" POOL_ID);
	enum token_verdict t = TOKEN_GOOD;

	if (v == SD_JWT_MALFORMED)
		t = TOKEN_MALFORMED;
	else if (!*claims)
		t = TOKEN_REFUSED;
	else if (v == SD_JWT_EXPIRED ||
		 sd_json_get_i64(*claims, "sd_gen", s->pool->generation) < s->pool->generation)
		t = TOKEN_EXPIRED;
	else if (!key && iss && !ours)
		t = TOKEN_FOREIGN;
	else if (key && (!ours || (!id && !access)))
		t = TOKEN_REFUSED;
	else if (key && !sd_str_eq(sd_json_get_str(*claims, id ? "aud" : "client_id"), CLIENT_ID))
		t = TOKEN_REFUSED;
	if (t != TOKEN_GOOD && t != TOKEN_FOREIGN) {
		sd_json_free(*claims);
		*claims = NULL;
	}
	return t;
}
