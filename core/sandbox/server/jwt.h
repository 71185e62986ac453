/*
 * core/sandbox/server/jwt.h - the user pool's tokens: RS256 JSON Web Tokens, and its key set.
 *
 * Depends on: base, json, libcrypto.  Threads: one.
 */
#ifndef SD_SANDBOX_SERVER_JWT_H
#define SD_SANDBOX_SERVER_JWT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct cJSON;
struct sd_signer;

/* The RSA key in file (PEM, 0600), made when absent; file NULL: a fresh key that is not kept.
 * Errors: IO, INVAL (not a key), FAILED (libcrypto). */
SD_MUST_USE enum sd_err sd_signer_open(
	const char *file, struct sd_signer **out, struct sd_error *e);
void sd_signer_free(struct sd_signer *s);

/* Appends header.claims.signature. */
SD_MUST_USE enum sd_err sd_signer_sign(const struct sd_signer *s, const struct cJSON *claims,
	struct sd_buf *out, struct sd_error *e);

enum sd_jwt_verdict {
	SD_JWT_GOOD,
	SD_JWT_MALFORMED, /* not a JWT at all */
	SD_JWT_FOREIGN,   /* other algorithm, key or signature */
	SD_JWT_EXPIRED    /* good but for "exp" */
};
/* *claims (owned) is set for GOOD and EXPIRED.  exp <= now is expired; a token without is not
 * GOOD.  s NULL: signatures are not looked at (developer mode). */
enum sd_jwt_verdict sd_jwt_read(const struct sd_signer *s, const char *token, size_t n,
	int64_t now_ms, struct cJSON **claims);
/* {"keys":[{...}]} */
SD_MUST_USE enum sd_err sd_signer_jwks(
	const struct sd_signer *s, struct sd_buf *out, struct sd_error *e);

#endif
