/*
 * core/sandbox/server/jwt.h - the user pool's tokens: RS256 JSON Web Tokens, and its key set.
 *
 * Depends on: base, json, libcrypto.  Threads: one, and one of its own that makes a key.
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
 * Making one takes a moment (0.3 s), so a thread does it: the first call that needs the key waits
 * for it.  Errors: IO, INVAL (not a key), FAILED (libcrypto). */
SD_MUST_USE enum sd_err sd_signer_open(
	const char *file, struct sd_signer **out, struct sd_error *e);
/* One public RSA key of somebody else's key set: verifies, cannot sign.  Errors: INVAL (not an RSA
 * key for signatures), NOMEM. */
SD_MUST_USE enum sd_err sd_signer_public(
	const struct cJSON *jwk, struct sd_signer **out, struct sd_error *e);
void sd_signer_free(struct sd_signer *s);

/* Appends header.claims.signature. */
SD_MUST_USE enum sd_err sd_signer_sign(
	struct sd_signer *s, const struct cJSON *claims, struct sd_buf *out, struct sd_error *e);

enum sd_jwt_verdict {
	SD_JWT_GOOD,
	SD_JWT_MALFORMED, /* not a JWT at all */
	SD_JWT_FOREIGN,   /* other algorithm, key or signature */
	SD_JWT_EXPIRED    /* good but for "exp" */
};
/* *claims (owned) is set for GOOD and EXPIRED.  exp <= now is expired; a token without is not
 * GOOD.  s NULL: signatures are not looked at (developer mode). */
enum sd_jwt_verdict sd_jwt_read(
	struct sd_signer *s, const char *token, size_t n, int64_t now_ms, struct cJSON **claims);
/* {"keys":[{...}]} */
SD_MUST_USE enum sd_err sd_signer_jwks(struct sd_signer *s, struct sd_buf *out, struct sd_error *e);

#endif
