/*
 * core/sandbox/server/identity.c - credentials of a request, and who asks by them.
 *
 * Mode selection: server.md 6.1; messages: 6.2, 5.5.  API key and user pool as the options say;
 * `--set iam_key=ID:SECRET[:ROLE]` and `--set lambda_token=TEXT` add those modes for clients that use
 * them; OIDC takes tokens signed with a key of `--set oidc_jwks=FILE` (oidc.c), or with
 * trust_unsigned_jwt any token of another issuer.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define UNAUTHORIZED "UnauthorizedException"

static const struct denial DENIED = {
	401, UNAUTHORIZED, "You are not authorized to make this call."};
static const struct denial MISSING = {
	401, UNAUTHORIZED, "Valid authorization header not provided."};
static const struct denial UNPARSED = {401, UNAUTHORIZED, "Unable to parse JWT token."};
static const struct denial EXPIRED = {401, UNAUTHORIZED, "Token has expired."};

void sd_srv_identity_release(struct identity *i)
{
	sd_json_free(i->claims);
	memset(i, 0, sizeof *i);
}

static const struct denial *by_signature(
	struct server *s, const struct sd_sigv4_request *r, struct identity *out)
{
	static const struct denial WHY[] = {
		[SD_SIGV4_MALFORMED] = {400, "BadRequestException",
			"The authorization header is not a Signature Version 4."},
		[SD_SIGV4_UNKNOWN_KEY] = {403, "UnrecognizedClientException",
			"The security token included in the request is invalid."},
		[SD_SIGV4_EXPIRED] = {403, "InvalidSignatureException", "Signature expired."},
		[SD_SIGV4_MISMATCH] = {400, "BadRequestException",
			"The request signature we calculated does not match the signature you "
			"provided. Check your AWS Secret Access Key and signing method."},
	};
	enum sd_sigv4 v = SD_SIGV4_UNKNOWN_KEY;

	if (!s->set.iam_count)
		return &DENIED;
	for (size_t i = 0; i < s->set.iam_count && v == SD_SIGV4_UNKNOWN_KEY; i++) {
		const struct iam_caller *c = &s->set.iam[i];
		v = sd_sigv4_check(r, "appsync", c->key, c->secret, sd_srv_now_ms(s));
		out->who.role = c->role;
	}
	if (v != SD_SIGV4_GOOD)
		return &WHY[v];
	out->who.mode = SD_AUTH_IAM;
	return NULL;
}

static const struct denial *by_token(struct server *s, const char *token, struct identity *out)
{
	enum token_verdict v = TOKEN_REFUSED;

	out->who.mode = SD_AUTH_USER_POOL;
	if (s->pool)
		v = sd_srv_pool_check(s, token, strlen(token), &out->claims);
	if (v == TOKEN_REFUSED && sd_srv_oidc_on(s)) {
		v = sd_srv_oidc_check(s, token, strlen(token), &out->claims);
		v = v == TOKEN_GOOD ? TOKEN_FOREIGN : v;
	}
	switch (v) {
	case TOKEN_FOREIGN:
		out->who.mode = SD_AUTH_OIDC;
		/* fall through */
	case TOKEN_GOOD:
		out->who.claims = out->claims;
		return NULL;
	case TOKEN_EXPIRED:
		return &EXPIRED;
	case TOKEN_MALFORMED:
		return &UNPARSED;
	default:
		return &DENIED;
	}
}

/* The service says the same about a key that has expired and one that never was. */
static bool key_expired(const struct server *s)
{
	return s->set.api_key_ttl_ms && sd_srv_now_ms(s) >= s->started_ms + s->set.api_key_ttl_ms;
}

const struct denial *sd_srv_identify(
	struct server *s, const struct sd_sigv4_request *r, struct identity *out)
{
	const char *key = r->header(r->ctx, "x-api-key");
	const char *token = r->header(r->ctx, "authorization");

	memset(out, 0, sizeof *out);
	if (key) {
		if (!s->o->api_key || strcmp(key, s->o->api_key) != 0 || key_expired(s))
			return &DENIED;
		out->who.mode = SD_AUTH_API_KEY;
		return NULL;
	}
	if (!token || !*token)
		return &MISSING;
	if (strncmp(token, SD_SIGV4_SCHEME, strlen(SD_SIGV4_SCHEME)) == 0)
		return by_signature(s, r, out);
	if (strncasecmp(token, "Bearer ", 7) == 0)
		token += 7;
	if (s->set.lambda_token[0] && strcmp(token, s->set.lambda_token) == 0) {
		out->who.mode = SD_AUTH_LAMBDA;
		return NULL;
	}
	return by_token(s, token, out);
}

static const char *http_header(void *ctx, const char *name)
{
	return sd_hs_header(ctx, name);
}

const struct denial *sd_srv_identify_http(struct conn *c, struct identity *out)
{
	struct sd_hs *h = &c->http;
	char *path = sd_strdup_n(h->target, h->path_len);
	struct sd_sigv4_request r = {.method = h->method,
		.path = path ? path : "",
		.query = h->target[h->path_len] ? h->target + h->path_len + 1 : "",
		.header = http_header,
		.ctx = h,
		.body = sd_buf_text(&h->body),
		.body_len = h->body.len};
	const struct denial *d = sd_srv_identify(c->s, &r, out);

	free(path);
	return d;
}

static const char *json_header(void *ctx, const char *name)
{
	for (const struct cJSON *c = sd_json_child(ctx); c; c = sd_json_next(c))
		if (sd_json_name(c) && strcasecmp(sd_json_name(c), name) == 0)
			return sd_json_str(c);
	return NULL;
}

/* What is signed for realtime: a POST that never happens (server.md 5.3). */
static const struct denial *signed_post(struct server *s, const char *path, const char *body,
	const char *(*header)(void *, const char *), void *ctx, struct identity *out)
{
	struct sd_sigv4_request r = {.method = "POST",
		.path = path,
		.query = "",
		.header = header,
		.ctx = ctx,
		.body = body,
		.body_len = strlen(body)};

	return sd_srv_identify(s, &r, out);
}

const struct denial *sd_srv_identify_connect(
	struct conn *c, struct cJSON *header, struct identity *out)
{
	return header ? signed_post(c->s, "/graphql/connect", "{}", json_header, header, out)
		      : signed_post(c->s, "/graphql/connect", "{}", http_header, &c->http, out);
}

const struct denial *sd_srv_identify_start(
	struct server *s, struct cJSON *header, const char *data, struct identity *out)
{
	return signed_post(s, "/graphql", data, json_header, header, out);
}
