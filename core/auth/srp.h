/*
 * core/auth/srp.h - the client's side of Cognito's SRP: the password never leaves the machine.
 *
 * Mathematics: spec/server.md 7.3 (RFC 3526 group 15, SHA-256).  Private to core/auth.
 * Depends on: base, libcrypto.  Threads: one.
 */
#ifndef SD_AUTH_SRP_H
#define SD_AUTH_SRP_H

#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct sd_srp_client; /* one sign-in */

/* Draws the secret number.  NOMEM. */
SD_MUST_USE enum sd_err sd_srp_client_new(struct sd_srp_client **out, struct sd_error *e);
void sd_srp_client_free(struct sd_srp_client *c);
const char *sd_srp_client_a(const struct sd_srp_client *c); /* SRP_A, hex; borrowed */

struct sd_srp_challenge {      /* borrowed */
	const char *pool_name; /* the pool id behind its underscore */
	const char *user_id;   /* USER_ID_FOR_SRP, not what was typed */
	const char *salt, *b;  /* hex */
	const char *secret;    /* SECRET_BLOCK, base64 */
	const char *timestamp; /* sd_srp_client_timestamp */
	const char *password;
};
/* PASSWORD_CLAIM_SIGNATURE, base64, appended.  PROTO: the server's numbers cannot be right. */
SD_MUST_USE enum sd_err sd_srp_client_claim(const struct sd_srp_client *c,
	const struct sd_srp_challenge *q, struct sd_buf *out, struct sd_error *e);

/* "Tue Mar 5 09:04:07 UTC 2024" */
#define SD_SRP_TIMESTAMP 40
void sd_srp_client_timestamp(int64_t now_ms, char out[SD_SRP_TIMESTAMP]);

#endif
