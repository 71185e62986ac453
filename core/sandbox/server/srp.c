/* core/sandbox/server/srp.c - see srp.h. */
#include "core/sandbox/server/srp.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/buf.h"
#include "core/base/text.h"

#define HASH      32
#define KEY       16  /* bytes of the derived key */
#define NUMBER    385 /* bytes of a padded number mod N */
#define B_BYTES   128
#define SALT      16
#define INFO      "Caldera Derived Key\x01"
#define INFO_SIZE (sizeof INFO - 1)

struct sd_srp {
	char *salt, *b_hex; /* owned; allocated by libcrypto */
	unsigned char key[KEY];
};

/* The big-endian bytes of n, with a zero byte in front when the top bit is set. */
static size_t pad(const BIGNUM *n, unsigned char out[NUMBER])
{
	size_t len = (size_t)BN_num_bytes(n), lead;

	if (len == 0) {
		out[0] = 0;
		return 1;
	}
	lead = BN_num_bits(n) % 8 == 0;
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
static bool secret_x(const struct sd_srp_user *u, const BIGNUM *salt, BIGNUM *x)
{
	struct sd_buf t = SD_BUF_INIT;
	unsigned char inner[HASH], outer[HASH], ps[NUMBER];
	size_t n = pad(salt, ps);
	bool ok;

	sd_buf_str(&t, u->pool_name);
	sd_buf_str(&t, u->user_id);
	sd_buf_ch(&t, ':');
	ok = sd_buf_str(&t, u->password) && hash2(t.data, t.len, "", 0, inner) &&
	     hash2(ps, n, inner, HASH, outer) && BN_bin2bn(outer, HASH, x);
	sd_buf_release(&t);
	return ok;
}

static bool derive_key(const BIGNUM *u, const BIGNUM *s, unsigned char key[KEY])
{
	unsigned char pu[NUMBER], ps[NUMBER], prk[HASH], out[HASH];
	size_t un = pad(u, pu), sn = pad(s, ps);

	if (!HMAC(EVP_sha256(), pu, (int)un, ps, sn, prk, NULL) ||
		!HMAC(EVP_sha256(), prk, HASH, (const unsigned char *)INFO, INFO_SIZE, out, NULL))
		return false;
	memcpy(key, out, KEY);
	OPENSSL_cleanse(ps, sizeof ps);
	return true;
}

struct numbers { /* freed together */
	BN_CTX *ctx;
	BIGNUM *N, *g, *A, *b, *B, *k, *u, *x, *v, *S, *t, *salt;
};

static bool numbers_init(struct numbers *n)
{
	memset(n, 0, sizeof *n);
	n->ctx = BN_CTX_secure_new();
	if (!n->ctx)
		return false;
	BN_CTX_start(n->ctx);
	n->N = BN_get_rfc3526_prime_3072(NULL);
	n->g = BN_CTX_get(n->ctx);
	n->b = BN_CTX_get(n->ctx);
	n->B = BN_CTX_get(n->ctx);
	n->k = BN_CTX_get(n->ctx);
	n->u = BN_CTX_get(n->ctx);
	n->x = BN_CTX_get(n->ctx);
	n->v = BN_CTX_get(n->ctx);
	n->S = BN_CTX_get(n->ctx);
	n->salt = BN_CTX_get(n->ctx);
	n->t = BN_CTX_get(n->ctx); /* NULL when any before was */
	return n->N && n->t && BN_set_word(n->g, 2);
}

static void numbers_release(struct numbers *n)
{
	if (n->ctx)
		BN_CTX_end(n->ctx);
	BN_CTX_free(n->ctx);
	BN_free(n->N);
	BN_free(n->A);
}

static bool random_number(struct sd_rand *rand, size_t bytes, BIGNUM *out)
{
	unsigned char raw[B_BYTES];
	bool ok;

	rand->bytes(rand, raw, bytes);
	ok = BN_bin2bn(raw, (int)bytes, out) != NULL;
	OPENSSL_cleanse(raw, sizeof raw);
	return ok;
}

/* B = k*v + g^b, u = H(A, B), S = (A * v^u)^b */
static bool compute(struct numbers *n, const struct sd_srp_user *who, unsigned char key[KEY])
{
	BN_set_flags(n->b, BN_FLG_CONSTTIME);
	return hash_numbers(n->N, n->g, n->k) && secret_x(who, n->salt, n->x) &&
	       BN_mod_exp(n->v, n->g, n->x, n->N, n->ctx) &&
	       BN_mod_exp(n->t, n->g, n->b, n->N, n->ctx) &&
	       BN_mod_mul(n->B, n->k, n->v, n->N, n->ctx) &&
	       BN_mod_add(n->B, n->B, n->t, n->N, n->ctx) && !BN_is_zero(n->B) &&
	       hash_numbers(n->A, n->B, n->u) && !BN_is_zero(n->u) &&
	       BN_mod_exp(n->t, n->v, n->u, n->N, n->ctx) &&
	       BN_mod_mul(n->t, n->t, n->A, n->N, n->ctx) &&
	       BN_mod_exp(n->S, n->t, n->b, n->N, n->ctx) && derive_key(n->u, n->S, key);
}

enum sd_err sd_srp_begin(const struct sd_srp_user *u, const char *a_hex, struct sd_rand *rand,
	struct sd_srp **out, struct sd_error *e)
{
	struct sd_srp *s = calloc(1, sizeof *s);
	struct numbers n;
	enum sd_err rc = SD_OK;
	size_t len = strlen(a_hex);

	*out = NULL;
	if (!numbers_init(&n) || !s) {
		rc = sd_fail(e, SD_NOMEM, 0, "SRP: out of memory");
	} else if (!len || len > 2 * NUMBER || strspn(a_hex, "0123456789abcdefABCDEF") != len ||
		   !BN_hex2bn(&n.A, a_hex) || !BN_mod(n.t, n.A, n.N, n.ctx) || BN_is_zero(n.t)) {
		rc = sd_fail(e, SD_INVAL, 0, "SRP_A is not a usable number");
	} else if (!random_number(rand, SALT, n.salt) || !random_number(rand, B_BYTES, n.b) ||
		   !compute(&n, u, s->key) || !(s->salt = BN_bn2hex(n.salt)) ||
		   !(s->b_hex = BN_bn2hex(n.B))) {
		rc = sd_fail(e, SD_FAILED, 0, "SRP: arithmetic failed");
	}
	numbers_release(&n);
	if (rc != SD_OK) {
		sd_srp_free(s);
		return rc;
	}
	*out = s;
	return SD_OK;
}

void sd_srp_free(struct sd_srp *s)
{
	if (!s)
		return;
	OPENSSL_free(s->salt);
	OPENSSL_free(s->b_hex);
	OPENSSL_cleanse(s->key, sizeof s->key);
	free(s);
}

const char *sd_srp_salt(const struct sd_srp *s)
{
	return s->salt;
}

const char *sd_srp_b(const struct sd_srp *s)
{
	return s->b_hex;
}

bool sd_srp_timestamp_ok(const char *t)
{
	static const char DAYS[] = "Sun Mon Tue Wed Thu Fri Sat ";
	static const char MONTHS[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	char day[5] = "", month[5] = "", rest[20] = "";
	unsigned d;

	if (strlen(t) < 27 || strlen(t) > 28 || t[3] != ' ' || t[7] != ' ')
		return false;
	memcpy(day, t, 4);
	memcpy(month, t + 4, 4);
	d = (unsigned)(t[8] - '0');
	if (!strstr(DAYS, day) || !strstr(MONTHS, month) || d < 1 || d > 9)
		return false; /* a padded day ("05") is refused, as the service does */
	t += 9;
	if (*t != ' ') {
		if (*t < '0' || *t > '9' || d > 3)
			return false;
		t++;
	}
	if (strlen(t) != 18)
		return false;
	for (size_t i = 0; i < 18; i++)
		rest[i] = t[i] >= '0' && t[i] <= '9' ? '9' : t[i];
	return strcmp(rest, " 99:99:99 UTC 9999") == 0;
}

bool sd_srp_holds(const struct sd_srp *s, const struct sd_srp_user *u, const void *secret,
	size_t secret_len, const char *timestamp, const char *signature)
{
	struct sd_buf text = SD_BUF_INIT, given = SD_BUF_INIT;
	unsigned char want[HASH];
	bool ok;

	sd_buf_str(&text, u->pool_name);
	sd_buf_str(&text, u->user_id);
	sd_buf_add(&text, secret, secret_len);
	ok = sd_srp_timestamp_ok(timestamp) && sd_buf_str(&text, timestamp) &&
	     HMAC(EVP_sha256(), s->key, KEY, (const unsigned char *)text.data, text.len, want,
		     NULL) &&
	     sd_base64_decode(&given, signature, strlen(signature)) && given.len == HASH &&
	     CRYPTO_memcmp(given.data, want, HASH) == 0;
	sd_buf_release(&text);
	sd_buf_release(&given);
	return ok;
}
