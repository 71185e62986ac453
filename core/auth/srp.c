/* core/auth/srp.c - see srp.h. */
#include "core/auth/srp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/text.h"

#define HASH   32
#define KEY    16   /* bytes of the derived key */
#define NUMBER 385  /* bytes of a padded number mod N */
#define SECRET 1024 /* bits of a */
#define INFO   "Caldera Derived Key\x01"

struct sd_srp_client {
	BIGNUM *N, *g, *a, *A;
	char *a_hex;
};

void sd_srp_client_free(struct sd_srp_client *c)
{
	if (!c)
		return;
	BN_free(c->N);
	BN_free(c->g);
	BN_clear_free(c->a);
	BN_free(c->A);
	OPENSSL_free(c->a_hex);
	free(c);
}

const char *sd_srp_client_a(const struct sd_srp_client *c)
{
	return c->a_hex;
}

static bool draw(struct sd_srp_client *c)
{
	BN_CTX *ctx = BN_CTX_secure_new();
	bool ok;

	c->N = BN_get_rfc3526_prime_3072(NULL);
	c->g = BN_new();
	c->a = BN_secure_new();
	c->A = BN_new();
	ok = ctx && c->N && c->g && c->a && c->A && BN_set_word(c->g, 2) &&
	     BN_priv_rand(c->a, SECRET, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY);
	if (ok) {
		BN_set_flags(c->a, BN_FLG_CONSTTIME);
		ok = BN_mod_exp(c->A, c->g, c->a, c->N, ctx) && !BN_is_zero(c->A);
	}
	if (ok)
		c->a_hex = BN_bn2hex(c->A);
	BN_CTX_free(ctx);
	return ok && c->a_hex;
}

enum sd_err sd_srp_client_new(struct sd_srp_client **out, struct sd_error *e)
{
	struct sd_srp_client *c = calloc(1, sizeof *c);

	*out = NULL;
	if (!c || !draw(c)) {
		sd_srp_client_free(c);
		return sd_fail(e, SD_NOMEM, 0, "sign-in: no memory or randomness");
	}
	*out = c;
	return SD_OK;
}

/* The big-endian bytes of n, with a zero byte in front when the top bit is set. */
static size_t pad(const BIGNUM *n, unsigned char out[NUMBER])
{
	size_t len = (size_t)BN_num_bytes(n), lead = BN_num_bits(n) % 8 == 0;

	if (len + lead > NUMBER)
		return 0;
	out[0] = 0;
	BN_bn2bin(n, out + lead);
	return len + lead;
}

static bool hash2(const void *a, size_t an, const void *b, size_t bn, unsigned char out[HASH])
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1 &&
		  EVP_DigestUpdate(md, a, an) == 1 && EVP_DigestUpdate(md, b, bn) == 1 &&
		  EVP_DigestFinal_ex(md, out, NULL) == 1;

	EVP_MD_CTX_free(md);
	return ok;
}

/* out = int(H(pad(a) || pad(b))) */
static bool hash_numbers(const BIGNUM *a, const BIGNUM *b, BIGNUM *out)
{
	unsigned char pa[NUMBER], pb[NUMBER], h[HASH];
	size_t an = pad(a, pa), bn = pad(b, pb);

	return an && bn && hash2(pa, an, pb, bn, h) && BN_bin2bn(h, HASH, out);
}

/* x = int(H(pad(salt) || H(poolName ++ userId ++ ":" ++ password))) */
static bool secret_x(const struct sd_srp_challenge *q, const BIGNUM *salt, BIGNUM *x)
{
	struct sd_buf t = SD_BUF_INIT;
	unsigned char inner[HASH], outer[HASH], ps[NUMBER];
	size_t n = pad(salt, ps);
	bool ok;

	sd_buf_str(&t, q->pool_name);
	sd_buf_str(&t, q->user_id);
	sd_buf_ch(&t, ':');
	ok = sd_buf_str(&t, q->password) && n && hash2(t.data, t.len, "", 0, inner) &&
	     hash2(ps, n, inner, HASH, outer) && BN_bin2bn(outer, HASH, x);
	if (t.data)
		OPENSSL_cleanse(t.data, t.len);
	sd_buf_release(&t);
	return ok;
}

static bool derive_key(const BIGNUM *u, const BIGNUM *s, unsigned char key[KEY])
{
	unsigned char pu[NUMBER], ps[NUMBER], prk[HASH], out[HASH];
	size_t un = pad(u, pu), sn = pad(s, ps);
	bool ok = un && sn && HMAC(EVP_sha256(), pu, (int)un, ps, sn, prk, NULL) &&
		  HMAC(EVP_sha256(), prk, HASH, (const unsigned char *)INFO, sizeof INFO - 1, out,
			  NULL);

	if (ok)
		memcpy(key, out, KEY);
	OPENSSL_cleanse(ps, sizeof ps);
	OPENSSL_cleanse(prk, sizeof prk);
	OPENSSL_cleanse(out, sizeof out);
	return ok;
}

/* S = (B - k * g^x) ^ (a + u*x) mod N, then the key.  False: B or u is 0 mod N, or no memory. */
static bool shared_key(const struct sd_srp_client *c, const struct sd_srp_challenge *q,
	const BIGNUM *B, const BIGNUM *salt, unsigned char key[KEY])
{
	BN_CTX *ctx = BN_CTX_secure_new();
	BIGNUM *k, *u, *x, *t, *ex, *s;
	bool ok = false;

	if (!ctx)
		return false;
	BN_CTX_start(ctx);
	k = BN_CTX_get(ctx);
	u = BN_CTX_get(ctx);
	x = BN_CTX_get(ctx);
	t = BN_CTX_get(ctx);
	ex = BN_CTX_get(ctx);
	s = BN_CTX_get(ctx); /* NULL when any before was */
	if (s && BN_nnmod(t, B, c->N, ctx) && !BN_is_zero(t) && hash_numbers(c->N, c->g, k) &&
		hash_numbers(c->A, B, u) && !BN_is_zero(u) && secret_x(q, salt, x)) {
		BN_set_flags(x, BN_FLG_CONSTTIME);
		ok = BN_mod_exp(t, c->g, x, c->N, ctx) && BN_mod_mul(t, t, k, c->N, ctx) &&
		     BN_mod_sub(t, B, t, c->N, ctx) && BN_mul(ex, u, x, ctx) &&
		     BN_add(ex, ex, c->a);
		BN_set_flags(ex, BN_FLG_CONSTTIME);
		ok = ok && BN_mod_exp(s, t, ex, c->N, ctx) && derive_key(u, s, key);
	}
	BN_CTX_end(ctx);
	BN_CTX_free(ctx);
	return ok;
}

static bool sign(const struct sd_srp_challenge *q, const unsigned char key[KEY], struct sd_buf *out)
{
	struct sd_buf m = SD_BUF_INIT;
	unsigned char mac[HASH];
	bool ok;

	sd_buf_str(&m, q->pool_name);
	sd_buf_str(&m, q->user_id);
	ok = sd_base64_decode(&m, q->secret, strlen(q->secret)) && sd_buf_str(&m, q->timestamp) &&
	     HMAC(EVP_sha256(), key, KEY, (const unsigned char *)m.data, m.len, mac, NULL) &&
	     sd_base64_encode(out, mac, HASH, false);
	sd_buf_release(&m);
	return ok;
}

static bool number(const char *hex, BIGNUM **out)
{
	size_t n = strlen(hex);

	return n && n < 2 * NUMBER && strspn(hex, "0123456789abcdefABCDEF") == n &&
	       BN_hex2bn(out, hex) == (int)n;
}

enum sd_err sd_srp_client_claim(const struct sd_srp_client *c, const struct sd_srp_challenge *q,
	struct sd_buf *out, struct sd_error *e)
{
	BIGNUM *B = NULL, *salt = NULL;
	unsigned char key[KEY];
	bool ok = number(q->b, &B) && number(q->salt, &salt) && shared_key(c, q, B, salt, key) &&
		  sign(q, key, out);

	BN_free(B);
	BN_free(salt);
	OPENSSL_cleanse(key, sizeof key);
	return ok ? SD_OK
		  : sd_fail(e, SD_PROTO, 0,
			    "user pool: the numbers of the password challenge cannot be right");
}

void sd_srp_client_timestamp(int64_t now_ms, char out[SD_SRP_TIMESTAMP])
{
	static const char DAY[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char MONTH[12][4] = {
		"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	time_t s = (time_t)(now_ms / 1000);
	struct tm t = {0};

	gmtime_r(&s, &t);
	snprintf(out, SD_SRP_TIMESTAMP, "%s %s %d %02d:%02d:%02d UTC %d", DAY[t.tm_wday],
		MONTH[t.tm_mon], t.tm_mday, t.tm_hour, t.tm_min, t.tm_sec, 1900 + t.tm_year);
}
