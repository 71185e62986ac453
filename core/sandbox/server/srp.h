/*
 * core/sandbox/server/srp.h - the server's side of Cognito's SRP (server.md 7.3).
 *
 * Depends on: base, libcrypto.  Threads: one.
 */
#ifndef SD_SANDBOX_SERVER_SRP_H
#define SD_SANDBOX_SERVER_SRP_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "core/base/rand.h"

struct sd_srp; /* one sign-in between its two steps */

struct sd_srp_user {           /* borrowed */
	const char *pool_name; /* pool id behind the underscore */
	const char *user_id, *password;
};

/* Takes the client's A (hex).  Errors: INVAL (A is no number, or 0 mod N), FAILED. */
SD_MUST_USE enum sd_err sd_srp_begin(const struct sd_srp_user *u, const char *a_hex,
	struct sd_rand *rand, struct sd_srp **out, struct sd_error *e);
void sd_srp_free(struct sd_srp *s);
const char *sd_srp_salt(const struct sd_srp *s); /* hex; borrowed */
const char *sd_srp_b(const struct sd_srp *s);    /* B, hex; borrowed */
/* Whether the signature (base64) is the one of who knows the password.  secret is the decoded
 * SECRET_BLOCK.  The timestamp must have Cognito's form: "Tue Mar 5 09:04:07 UTC 2024". */
bool sd_srp_holds(const struct sd_srp *s, const struct sd_srp_user *u, const void *secret,
	size_t secret_len, const char *timestamp, const char *signature);
bool sd_srp_timestamp_ok(const char *text);

#endif
