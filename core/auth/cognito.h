/*
 * core/auth/cognito.h - Cognito's JSON protocol: one call as a request, and its answer.
 *
 * Both services speak it, the user pool (cognito-idp) and the identity pool (cognito-identity):
 * spec/server.md 7.1 and 7.7.  Private to core/auth.  Threads: no state; a call blocks.
 */
#ifndef SD_AUTH_COGNITO_H
#define SD_AUTH_COGNITO_H

#include "core/auth/auth.h"

struct sd_cognito {          /* borrowed */
	const char *service; /* "AWSCognitoIdentityProviderService" */
	const char *url;     /* with its path */
	const char *name;    /* "user pool", for errors */
	const char *ca_file;
	int64_t timeout_ms;
};

/* body is taken.  NOMEM. */
SD_MUST_USE enum sd_err sd_cognito_request(const struct sd_cognito *c, const char *operation,
	struct cJSON *body, struct sd_pool_request *out, struct sd_error *e);
/* The answer as JSON.  AUTH: refused for good (wrong password, ended session); NET: try again
 * (5xx, 429); PROTO: anything else; e->detail is the HTTP status. */
SD_MUST_USE enum sd_err sd_cognito_answer(const char *name, int status, const char *body, size_t n,
	struct cJSON **out, struct sd_error *e);
/* Both at once; blocks.  body is taken. */
SD_MUST_USE enum sd_err sd_cognito_call(const struct sd_cognito *c, const char *operation,
	struct cJSON *body, struct cJSON **out, struct sd_error *e);

/* The user pool of p; url is filled with its address.  INVAL: none is configured. */
SD_MUST_USE enum sd_err sd_cognito_pool(
	const struct sd_pool *p, struct sd_buf *url, struct sd_cognito *out, struct sd_error *e);
/* SECRET_HASH = base64(HMAC-SHA256(secret, username ++ client id)) when the client has a secret. */
void sd_cognito_secret_hash(const struct sd_pool *p, const char *user, struct cJSON *params);
/* Tokens of an AuthenticationResult into s. */
SD_MUST_USE enum sd_err sd_cognito_tokens(
	struct sd_session *s, const struct cJSON *result, int64_t now_ms, struct sd_error *e);

#endif
