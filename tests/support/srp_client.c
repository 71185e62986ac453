/* tests/support/srp_client.c - see srp_client.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "tests/support/srp_client.h"

static size_t pad(const BIGNUM *n, unsigned char *out)
{
	int len = BN_num_bytes(n);
	int lead = BN_num_bits(n) % 8 == 0;

	out[0] = 0;
	BN_bn2bin(n, out + lead);
	return (size_t)(len + lead);
}

static void hash(const void *a, size_t an, const void *b, size_t bn, unsigned char out[32])
{
	unsigned char *t = malloc(an + bn);

	memcpy(t, a, an);
	memcpy(t + an, b, bn);
	assert_int_equal(EVP_Digest(t, an + bn, out, NULL, EVP_sha256(), NULL), 1);
	free(t);
}

void sd_test_srp_open(struct sd_test_srp *c)
{
	memset(c, 0, sizeof *c);
	c->ctx = BN_CTX_new();
	c->N = BN_get_rfc3526_prime_3072(NULL);
	c->g = BN_new();
	c->a = BN_new();
	c->A = BN_new();
	BN_set_word(c->g, 2);
	BN_rand(c->a, 1024, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
	BN_mod_exp(c->A, c->g, c->a, c->N, c->ctx);
}

void sd_test_srp_close(struct sd_test_srp *c)
{
	BN_free(c->N);
	BN_free(c->g);
	BN_free(c->a);
	BN_free(c->A);
	BN_CTX_free(c->ctx);
}

char *sd_test_srp_claim(struct sd_test_srp *c, const struct sd_srp_user *u, const char *salt_hex,
	const char *b_hex, const void *secret, size_t secret_len, const char *stamp)
{
	BIGNUM *B = NULL, *salt = NULL, *k, *uu, *x, *S = BN_new(), *t = BN_new(), *ex = BN_new();
	unsigned char p1[400], p2[400], h[32], prk[32], key[32];
	char text[400];
	struct sd_buf out = SD_BUF_INIT, m = SD_BUF_INIT;
	size_t n1, n2;

	assert_true(BN_hex2bn(&B, b_hex));
	assert_true(BN_hex2bn(&salt, salt_hex));
	n1 = pad(c->N, p1);
	n2 = pad(c->g, p2);
	hash(p1, n1, p2, n2, h);
	k = BN_bin2bn(h, 32, NULL);
	n1 = pad(c->A, p1);
	n2 = pad(B, p2);
	hash(p1, n1, p2, n2, h);
	uu = BN_bin2bn(h, 32, NULL);
	snprintf(text, sizeof text, "%s%s:%s", u->pool_name, u->user_id, u->password);
	hash(text, strlen(text), "", 0, h);
	n1 = pad(salt, p1);
	hash(p1, n1, h, 32, key);
	x = BN_bin2bn(key, 32, NULL);
	BN_mod_exp(t, c->g, x, c->N, c->ctx);
	BN_mod_mul(t, t, k, c->N, c->ctx);
	BN_mod_sub(t, B, t, c->N, c->ctx);
	BN_mul(ex, uu, x, c->ctx);
	BN_add(ex, ex, c->a);
	BN_mod_exp(S, t, ex, c->N, c->ctx);
	c->top_a = BN_num_bits(c->A) % 8 == 0;
	c->top_b = BN_num_bits(B) % 8 == 0;
	c->top_s = BN_num_bits(S) % 8 == 0;
	n1 = pad(uu, p1);
	n2 = pad(S, p2);
	HMAC(EVP_sha256(), p1, (int)n1, p2, n2, prk, NULL);
	HMAC(EVP_sha256(), prk, 32, (const unsigned char *)"Caldera Derived Key\x01", 20, key,
		NULL);
	sd_buf_fmt(&m, "%s%s", u->pool_name, u->user_id);
	sd_buf_add(&m, secret, secret_len);
	sd_buf_str(&m, stamp);
	HMAC(EVP_sha256(), key, 16, (unsigned char *)m.data, m.len, h, NULL);
	sd_base64_encode(&out, h, 32, false);
	BN_free(B), BN_free(salt), BN_free(k), BN_free(uu), BN_free(x), BN_free(S), BN_free(t),
		BN_free(ex);
	sd_buf_release(&m);
	return sd_buf_take(&out);
}
