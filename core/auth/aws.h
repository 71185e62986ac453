/*
 * core/auth/aws.h - AWS keys: an identity pool that hands them out, and Signature Version 4.
 *
 * Protocol: spec/server.md 7.7; what is signed for realtime: spec/client.md 6.5.
 * Depends on: base, json, libcrypto.  Threads: no state.
 */
#ifndef SD_AUTH_AWS_H
#define SD_AUTH_AWS_H

#include "core/auth/auth.h"

struct sd_aws_keys { /* strings owned; id NULL: none */
	char *id, *secret;
	char *token;        /* NULL: long-lived keys */
	int64_t expires_ms; /* 0: never */
};
void sd_aws_keys_release(struct sd_aws_keys *k); /* overwrites the secrets */
SD_MUST_USE enum sd_err sd_aws_keys_set(struct sd_aws_keys *k, const char *id, const char *secret,
	const char *token, struct sd_error *e);

struct sd_aws_sign { /* borrowed */
	const struct sd_aws_keys *keys;
	const char *region;         /* "eu-west-1" */
	const char *url;            /* what is signed: POST of this URL */
	const char *const *headers; /* "name: value", lower-case names, NULL-terminated, any order;
				     * host, x-amz-date and the session token are added */
	const char *body;
	size_t len;
	int64_t now_ms;
};
/* "20261122T181006Z" */
#define SD_AWS_DATE 20
void sd_aws_date(int64_t now_ms, char out[SD_AWS_DATE]);
/* The value of the authorization header for the service appsync; appended. */
SD_MUST_USE enum sd_err sd_aws_authorization(
	const struct sd_aws_sign *s, struct sd_buf *out, struct sd_error *e);

struct sd_identity_pool {     /* borrowed */
	const char *endpoint; /* NULL: AWS's own for the region in the pool id */
	const char *pool_id;  /* "eu-west-1:..." */
	const char *user_pool_id;
};
/* GetId, then GetCredentialsForIdentity.  id_token NULL: as a guest. */
SD_MUST_USE enum sd_err sd_identity_id_request(const struct sd_identity_pool *p,
	const char *id_token, struct sd_pool_request *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_identity_id_answer(
	int status, const char *body, size_t n, char **id, struct sd_error *e);
SD_MUST_USE enum sd_err sd_identity_keys_request(const struct sd_identity_pool *p, const char *id,
	const char *id_token, struct sd_pool_request *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_identity_keys_answer(
	int status, const char *body, size_t n, struct sd_aws_keys *out, struct sd_error *e);

#endif
