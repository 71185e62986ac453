/*
 * tests/support/srp_client.h - the client's side of Cognito's SRP, by the text of server.md 7.3.
 */
#ifndef SD_TESTS_SRP_CLIENT_H
#define SD_TESTS_SRP_CLIENT_H

#include <stdbool.h>

#include <openssl/bn.h>

#include "core/sandbox/server/srp.h"

struct sd_test_srp {
	BN_CTX *ctx;
	BIGNUM *N, *g, *a, *A;
	bool top_a, top_b, top_s; /* whether the pad rule was exercised */
};

void sd_test_srp_open(struct sd_test_srp *c);
void sd_test_srp_close(struct sd_test_srp *c);
/* PASSWORD_CLAIM_SIGNATURE, owned. */
char *sd_test_srp_claim(struct sd_test_srp *c, const struct sd_srp_user *u, const char *salt_hex,
	const char *b_hex, const void *secret, size_t secret_len, const char *stamp);

#endif
