/* core/sandbox/server/jwt.c - see jwt.h.  RFC 7515, 7517, 7519. */
#include "core/sandbox/server/jwt.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/json/json.h"

#define KEY_BITS   2048
#define TOKEN_MAX  ((size_t)16 << 10) /* bytes of a token that is looked at */
#define KEY_ID_HEX 16

struct sd_signer {
	EVP_PKEY *key; /* owned; NULL: none could be made */
	char kid[2 * KEY_ID_HEX + 1];
	char *file;      /* owned; where a key in the making will be kept; NULL: nowhere */
	pthread_t maker; /* while making: writes key and kid */
	bool making;
};

static enum sd_err write_key(EVP_PKEY *key, const char *file, struct sd_error *e)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n;
	enum sd_err rc;

	if (!b || PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL) != 1) {
		BIO_free(b);
		return sd_fail(e, SD_FAILED, 0, "signing key: cannot be written as PEM");
	}
	n = BIO_get_mem_data(b, &p);
	rc = sd_write_file(file, p, (size_t)n, e);
	BIO_free(b);
	return rc;
}

static enum sd_err read_key(const char *file, EVP_PKEY **out, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = sd_read_file(file, 65536, &text, e);
	BIO *b;

	if (rc == SD_OK) {
		b = BIO_new_mem_buf(text.data, (int)text.len);
		*out = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;
		BIO_free(b);
		if (!*out || !EVP_PKEY_is_a(*out, "RSA"))
			rc = sd_fail(e, SD_INVAL, 0,
				"%s: not an RSA key in PEM; remove it to have a new one made",
				file);
	}
	sd_buf_release(&text);
	return rc;
}

static bool number(const struct sd_signer *s, const char *name, struct sd_buf *out)
{
	BIGNUM *n = NULL;
	unsigned char raw[KEY_BITS / 8 * 4];
	bool ok =
		EVP_PKEY_get_bn_param(s->key, name, &n) == 1 && BN_num_bytes(n) <= (int)sizeof raw;

	if (ok)
		ok = sd_base64_encode(out, raw, (size_t)BN_bn2bin(n, raw), true);
	BN_free(n);
	return ok;
}

/* The key's id: a digest of its modulus, so that it is the same after a restart. */
static bool name_key(struct sd_signer *s)
{
	struct sd_buf n = SD_BUF_INIT;
	unsigned char digest[EVP_MAX_MD_SIZE];
	bool ok = number(s, OSSL_PKEY_PARAM_RSA_N, &n) &&
		  EVP_Digest(n.data, n.len, digest, NULL, EVP_sha256(), NULL) == 1;

	if (ok)
		sd_hex(digest, KEY_ID_HEX, s->kid);
	sd_buf_release(&n);
	return ok;
}

static void *make_key(void *arg)
{
	struct sd_signer *s = arg;
	struct sd_error e = {0};

	s->key = EVP_RSA_gen(KEY_BITS);
	if (s->key && s->file && write_key(s->key, s->file, &e) != SD_OK)
		sd_log(SD_LOG_WARN, "sandbox", "tokens will not outlive a restart: %s", e.text);
	if (!s->key || !name_key(s)) {
		sd_log(SD_LOG_ERROR, "sandbox", "signing key: cannot be made");
		EVP_PKEY_free(s->key);
		s->key = NULL;
	}
	return NULL;
}

/* The key is there, or will never be. */
static bool settle(struct sd_signer *s)
{
	if (s->making)
		pthread_join(s->maker, NULL);
	s->making = false;
	return s->key != NULL;
}

enum sd_err sd_signer_open(const char *file, struct sd_signer **out, struct sd_error *e)
{
	struct sd_signer *s = calloc(1, sizeof *s);
	enum sd_err rc = SD_OK;

	*out = NULL;
	if (!s)
		return sd_fail(e, SD_NOMEM, 0, "signing key: out of memory");
	if (file && sd_is_file(file)) {
		rc = read_key(file, &s->key, e);
		if (rc == SD_OK && !name_key(s))
			rc = sd_fail(e, SD_FAILED, 0, "signing key: no public part");
	} else if (file && !(s->file = strdup(file))) {
		rc = sd_fail(e, SD_NOMEM, 0, "signing key: out of memory");
	} else {
		s->making = pthread_create(&s->maker, NULL, make_key, s) == 0;
		if (!s->making)
			make_key(s);
	}
	if (rc != SD_OK) {
		sd_signer_free(s);
		return rc;
	}
	*out = s;
	return SD_OK;
}

static BIGNUM *jwk_number(const struct cJSON *jwk, const char *name)
{
	const char *text = sd_json_get_str(jwk, name);
	struct sd_buf raw = SD_BUF_INIT;
	BIGNUM *n = NULL;

	if (text && sd_base64_decode(&raw, text, strlen(text)) && raw.len && raw.len <= 1024)
		n = BN_bin2bn((const unsigned char *)raw.data, (int)raw.len, NULL);
	sd_buf_release(&raw);
	return n;
}

static EVP_PKEY *rsa_public(const struct cJSON *jwk)
{
	BIGNUM *n = jwk_number(jwk, "n"), *ex = jwk_number(jwk, "e");
	OSSL_PARAM_BLD *b = OSSL_PARAM_BLD_new();
	OSSL_PARAM *params = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *key = NULL;

	if (n && ex && b && ctx && OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_N, n) == 1 &&
		OSSL_PARAM_BLD_push_BN(b, OSSL_PKEY_PARAM_RSA_E, ex) == 1)
		params = OSSL_PARAM_BLD_to_param(b);
	if (!params || EVP_PKEY_fromdata_init(ctx) != 1 ||
		EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY, params) != 1)
		key = NULL;
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(b);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(ex);
	return key;
}

enum sd_err sd_signer_public(const struct cJSON *jwk, struct sd_signer **out, struct sd_error *e)
{
	struct sd_signer *s = calloc(1, sizeof *s);

	*out = NULL;
	if (!s)
		return sd_fail(e, SD_NOMEM, 0, "key: out of memory");
	if (sd_str_eq(sd_json_get_str(jwk, "kty"), "RSA"))
		s->key = rsa_public(jwk);
	if (!s->key) {
		free(s);
		return sd_fail(e, SD_INVAL, 0, "key: not an RSA key with \"n\" and \"e\"");
	}
	*out = s;
	return SD_OK;
}

void sd_signer_free(struct sd_signer *s)
{
	if (!s)
		return;
	settle(s);
	EVP_PKEY_free(s->key);
	free(s->file);
	free(s);
}

static bool sign_text(const struct sd_signer *s, const struct sd_buf *text, struct sd_buf *out)
{
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	unsigned char sig[KEY_BITS / 8 * 4];
	size_t n = sizeof sig;
	bool ok = md && EVP_DigestSignInit(md, NULL, EVP_sha256(), NULL, s->key) == 1 &&
		  EVP_DigestSign(md, sig, &n, (const unsigned char *)text->data, text->len) == 1 &&
		  sd_base64_encode(out, sig, n, true);

	EVP_MD_CTX_free(md);
	return ok;
}

enum sd_err sd_signer_sign(
	struct sd_signer *s, const struct cJSON *claims, struct sd_buf *out, struct sd_error *e)
{
	struct sd_buf head = SD_BUF_INIT, body = SD_BUF_INIT, text = SD_BUF_INIT;
	bool ok;

	if (!settle(s))
		return sd_fail(e, SD_FAILED, 0, "token: there is no signing key");
	sd_buf_fmt(&head, "{\"kid\":\"%s\",\"alg\":\"RS256\"}", s->kid);
	ok = sd_json_print(claims, &body) && sd_base64_encode(&text, head.data, head.len, true) &&
	     sd_buf_ch(&text, '.') && sd_base64_encode(&text, body.data, body.len, true) &&
	     sd_buf_add(out, text.data, text.len) && sd_buf_ch(out, '.') &&
	     sign_text(s, &text, out);
	sd_buf_release(&head);
	sd_buf_release(&body);
	sd_buf_release(&text);
	return ok ? SD_OK : sd_fail(e, SD_FAILED, 0, "token: cannot be signed");
}

static bool signature_holds(
	const struct sd_signer *s, const char *text, size_t n, const char *sig64, size_t sig64_len)
{
	struct sd_buf sig = SD_BUF_INIT;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && sd_base64_decode(&sig, sig64, sig64_len) && sig.len &&
		  EVP_DigestVerifyInit(md, NULL, EVP_sha256(), NULL, s->key) == 1 &&
		  EVP_DigestVerify(md, (const unsigned char *)sig.data, sig.len,
			  (const unsigned char *)text, n) == 1;

	EVP_MD_CTX_free(md);
	sd_buf_release(&sig);
	return ok;
}

static struct cJSON *part(const char *p, size_t n)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *j = NULL;

	if (sd_base64_decode(&b, p, n) &&
		sd_json_parse(sd_buf_text(&b), b.len, "token", &j, NULL) != SD_OK)
		j = NULL;
	sd_buf_release(&b);
	if (!sd_json_is_object(j)) {
		sd_json_free(j);
		return NULL;
	}
	return j;
}

enum sd_jwt_verdict sd_jwt_read(
	struct sd_signer *s, const char *token, size_t n, int64_t now_ms, struct cJSON **claims)
{
	const char *dot = memchr(token, '.', n), *dot2;
	struct cJSON *head = NULL, *body = NULL;
	enum sd_jwt_verdict v = SD_JWT_MALFORMED;
	const char *alg;
	double exp;

	*claims = NULL;
	dot2 = dot ? memchr(dot + 1, '.', n - (size_t)(dot + 1 - token)) : NULL;
	if (!dot2 || n > TOKEN_MAX)
		return v;
	head = part(token, (size_t)(dot - token));
	body = part(dot + 1, (size_t)(dot2 - dot - 1));
	if (!head || !body)
		goto done;
	v = SD_JWT_FOREIGN;
	alg = sd_json_get_str(head, "alg");
	if (s && (!sd_str_eq(alg, "RS256") || !settle(s) ||
			 !signature_holds(s, token, (size_t)(dot2 - token), dot2 + 1,
				 n - (size_t)(dot2 + 1 - token))))
		goto done;
	if (!sd_json_f64(sd_json_get(body, "exp"), &exp))
		goto done;
	v = exp * 1000 <= (double)now_ms ? SD_JWT_EXPIRED : SD_JWT_GOOD;
	*claims = body;
	body = NULL;
done:
	sd_json_free(head);
	sd_json_free(body);
	return v;
}

enum sd_err sd_signer_jwks(struct sd_signer *s, struct sd_buf *out, struct sd_error *e)
{
	if (!settle(s))
		return sd_fail(e, SD_FAILED, 0, "key set: there is no signing key");
	sd_buf_fmt(out,
		"{\"keys\":[{\"alg\":\"RS256\",\"kty\":\"RSA\",\"use\":\"sig\",\"kid\":\"%s\","
		"\"e\":\"",
		s->kid);
	number(s, OSSL_PKEY_PARAM_RSA_E, out);
	sd_buf_str(out, "\",\"n\":\"");
	if (!number(s, OSSL_PKEY_PARAM_RSA_N, out) || !sd_buf_str(out, "\"}]}"))
		return sd_fail(e, SD_FAILED, 0, "key set: out of memory");
	return SD_OK;
}
