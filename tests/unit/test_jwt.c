/* tests/unit/test_jwt.c - tokens, SRP and TLS files of the local backend. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include <openssl/bn.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/jwt.h"
#include "core/sandbox/server/sigv4.h"
#include "core/sandbox/server/srp.h"
#include "core/sandbox/server/tls.h"
#include "tests/support/srp_client.h"
#include "tests/support/support.h"

static struct sd_signer *signer;

static int open_signer(void **st)
{
	(void)st;
	return sd_signer_open(NULL, &signer, NULL) == SD_OK ? 0 : -1;
}

static int close_signer(void **st)
{
	(void)st;
	sd_signer_free(signer);
	return 0;
}

static void make(struct sd_buf *out, int64_t exp)
{
	struct cJSON *c = sd_json_object();

	sd_json_add_str(c, "sub", "s1");
	sd_json_add_int(c, "exp", exp);
	assert_int_equal(sd_signer_sign(signer, c, out, NULL), SD_OK);
	sd_json_free(c);
}

static enum sd_jwt_verdict read_token(struct sd_signer *s, const char *t, int64_t now)
{
	struct cJSON *claims = NULL;
	enum sd_jwt_verdict v = sd_jwt_read(s, t, strlen(t), now, &claims);

	if (v == SD_JWT_GOOD || v == SD_JWT_EXPIRED)
		assert_string_equal(sd_json_get_str(claims, "sub"), "s1");
	else
		assert_null(claims);
	sd_json_free(claims);
	return v;
}

static void a_token_is_good_until_it_expires(void **st)
{
	struct sd_buf t = SD_BUF_INIT;

	(void)st;
	make(&t, 1000);
	assert_int_equal(read_token(signer, sd_buf_text(&t), 999999), SD_JWT_GOOD);
	assert_int_equal(read_token(signer, sd_buf_text(&t), 1000000), SD_JWT_EXPIRED);
	assert_int_equal(read_token(NULL, sd_buf_text(&t), 0), SD_JWT_GOOD);
	sd_buf_release(&t);
}

static void any_changed_byte_makes_a_token_bad(void **st)
{
	struct sd_buf t = SD_BUF_INIT;

	(void)st;
	make(&t, 1000);
	for (size_t i = 0; i + 2 < t.len; i += 5) { /* the last two bits of base64 may be free */
		char was = t.data[i];
		enum sd_jwt_verdict v;
		t.data[i] = was == 'A' ? 'B' : 'A';
		v = read_token(signer, t.data, 0);
		assert_true(v == SD_JWT_FOREIGN || v == SD_JWT_MALFORMED);
		t.data[i] = was;
	}
	assert_int_equal(read_token(signer, t.data, 0), SD_JWT_GOOD);
	sd_buf_release(&t);
}

static void unsigned_and_foreign_tokens_are_refused(void **st)
{
	static const char *const HEAD[] = {"{\"alg\":\"none\"}", "{\"alg\":\"HS256\"}", "{}"};
	struct sd_buf t = SD_BUF_INIT;
	struct sd_signer *other = NULL;

	(void)st;
	for (size_t i = 0; i < 3; i++) {
		static const char body[] = "{\"sub\":\"s1\",\"exp\":1000}";
		sd_buf_reset(&t);
		sd_base64_encode(&t, HEAD[i], strlen(HEAD[i]), true);
		sd_buf_ch(&t, '.');
		sd_base64_encode(&t, body, strlen(body), true);
		sd_buf_ch(&t, '.');
		assert_int_equal(read_token(signer, sd_buf_text(&t), 0), SD_JWT_FOREIGN);
		assert_int_equal(read_token(NULL, sd_buf_text(&t), 0), SD_JWT_GOOD);
	}
	sd_buf_reset(&t);
	make(&t, 1000);
	assert_int_equal(sd_signer_open(NULL, &other, NULL), SD_OK);
	assert_int_equal(read_token(other, sd_buf_text(&t), 0), SD_JWT_FOREIGN);
	sd_signer_free(other);
	assert_int_equal(read_token(signer, "", 0), SD_JWT_MALFORMED);
	assert_int_equal(read_token(signer, "a.b", 0), SD_JWT_MALFORMED);
	assert_int_equal(read_token(signer, "a.b.c", 0), SD_JWT_MALFORMED);
	sd_buf_release(&t);
}

static void a_kept_key_still_verifies_after_a_restart(void **st)
{
	char *dir = sd_test_dir(), path[300];
	struct sd_signer *again = NULL;
	struct sd_buf t = SD_BUF_INIT, a = SD_BUF_INIT, b = SD_BUF_INIT;
	struct stat s;

	(void)st;
	snprintf(path, sizeof path, "%s/key.pem", dir);
	assert_int_equal(sd_signer_open(path, &again, NULL), SD_OK);
	assert_int_equal(sd_signer_jwks(again, &a, NULL), SD_OK); /* waits until it is made */
	sd_buf_reset(&a);
	assert_int_equal(stat(path, &s), 0);
	assert_int_equal(s.st_mode & 0777, 0600);
	struct cJSON *c = sd_json_object();
	sd_json_add_str(c, "sub", "s1");
	sd_json_add_int(c, "exp", 1000);
	assert_int_equal(sd_signer_sign(again, c, &t, NULL), SD_OK);
	assert_int_equal(sd_signer_jwks(again, &a, NULL), SD_OK);
	sd_json_free(c);
	sd_signer_free(again);
	assert_int_equal(sd_signer_open(path, &again, NULL), SD_OK);
	assert_int_equal(read_token(again, sd_buf_text(&t), 0), SD_JWT_GOOD);
	assert_int_equal(sd_signer_jwks(again, &b, NULL), SD_OK);
	assert_string_equal(sd_buf_text(&a), sd_buf_text(&b));
	sd_signer_free(again);
	sd_buf_release(&t);
	sd_buf_release(&a);
	sd_buf_release(&b);
	sd_test_dir_remove(dir);
}

/* ---- SRP ---- */

#define STAMP "Tue Mar 5 09:04:07 UTC 2024"

/* SRV-C01, SRV-C06: many rounds, so that A, B and S have their top bit set and clear */
static void srp_agrees_with_who_knows_the_password_only(void **st)
{
	const struct sd_srp_user right = {"Pool", "alice", "correct horse"};
	const struct sd_srp_user wrong = {"Pool", "alice", "correct horsf"};
	struct sd_rand r;
	int top = 0, clear = 0;

	(void)st;
	sd_rand_seeded(&r, 7);
	for (int i = 0; i < 12; i++) {
		struct sd_test_srp c;
		struct sd_srp *s = NULL;
		char *a_hex, *sig;

		sd_test_srp_open(&c);
		a_hex = BN_bn2hex(c.A);
		assert_int_equal(sd_srp_begin(&right, a_hex, &r, &s, NULL), SD_OK);
		sig = sd_test_srp_claim(
			&c, &right, sd_srp_salt(s), sd_srp_b(s), "block\0x", 7, STAMP);
		top += c.top_a + c.top_b + c.top_s;
		clear += !c.top_a + !c.top_b + !c.top_s;
		assert_true(sd_srp_holds(s, &right, "block\0x", 7, STAMP, sig));
		assert_false(sd_srp_holds(s, &right, "block\0y", 7, STAMP, sig));
		assert_false(
			sd_srp_holds(s, &right, "block\0x", 7, "Tue Mar 5 09:04:08 UTC 2024", sig));
		free(sig);
		sig = sd_test_srp_claim(
			&c, &wrong, sd_srp_salt(s), sd_srp_b(s), "block\0x", 7, STAMP);
		assert_false(sd_srp_holds(s, &right, "block\0x", 7, STAMP, sig));
		free(sig);
		OPENSSL_free(a_hex);
		sd_srp_free(s);
		sd_test_srp_close(&c);
	}
	assert_true(top > 0 && clear > 0);
}

static void a_useless_a_is_refused(void **st)
{
	const struct sd_srp_user u = {"Pool", "alice", "pw"};
	BIGNUM *n = BN_get_rfc3526_prime_3072(NULL);
	char *n_hex = BN_bn2hex(n);
	const char *bad[] = {"", "0", "xyz", "-5", n_hex};
	struct sd_srp *s = NULL;
	struct sd_rand r;

	(void)st;
	sd_rand_seeded(&r, 7);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_int_equal(sd_srp_begin(&u, bad[i], &r, &s, NULL), SD_INVAL);
	OPENSSL_free(n_hex);
	BN_free(n);
}

/* SRV-C05 */
static void timestamps_have_cognitos_form(void **st)
{
	static const char *const BAD[] = {"", "Tue Mar 05 09:04:07 UTC 2024",
		"Tue Mar  5 09:04:07 UTC 2024", "Tue Mar 0 09:04:07 UTC 2024",
		"Tue Mar 45 09:04:07 UTC 2024", "Die Mar 5 09:04:07 UTC 2024",
		"Tue Mar 5 9:04:07 UTC 2024", "Tue Mar 5 09:04:07 CET 2024",
		"Tue Mar 5 09:04:07 UTC 20244"};

	(void)st;
	assert_true(sd_srp_timestamp_ok("Tue Mar 5 09:04:07 UTC 2024"));
	assert_true(sd_srp_timestamp_ok("Sun Nov 22 21:04:07 UTC 2026"));
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_false(sd_srp_timestamp_ok(BAD[i]));
}

/* ---- SigV4 ---- */

struct headers {
	const char *name[6], *value[6];
};

static const char *find_header(void *ctx, const char *name)
{
	struct headers *h = ctx;

	for (size_t i = 0; i < 6 && h->name[i]; i++)
		if (strcmp(h->name[i], name) == 0)
			return h->value[i];
	return NULL;
}

#define AKID   "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
#define SCOPE  "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, "

/* The published test suite of the algorithm: get-vanilla, get-vanilla-query-order-key-case,
 * post-vanilla. */
static void signatures_are_those_of_the_published_suite(void **st)
{
	static const struct {
		const char *method, *query, *signature;
	} CASE[] = {
		{"GET", "", "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"},
		{"GET", "Param2=value2&Param1=value1",
			"b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"},
		{"POST", "", "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b"},
	};
	const int64_t at = 1440938160000; /* 2015-08-30T12:36:00Z */

	(void)st;
	for (size_t i = 0; i < 3; i++) {
		char auth[400];
		struct headers h = {{"host", "x-amz-date", "authorization"},
			{"example.amazonaws.com", "20150830T123600Z", auth}};
		struct sd_sigv4_request r = {.method = CASE[i].method,
			.path = "/",
			.query = CASE[i].query,
			.header = find_header,
			.ctx = &h,
			.body = ""};
		snprintf(auth, sizeof auth, SCOPE "SignedHeaders=host;x-amz-date, Signature=%s",
			CASE[i].signature);
		assert_int_equal(sd_sigv4_check(&r, "service", AKID, SECRET, at), SD_SIGV4_GOOD);
		assert_int_equal(
			sd_sigv4_check(&r, "service", AKID, "other", at), SD_SIGV4_MISMATCH);
		assert_int_equal(
			sd_sigv4_check(&r, "service", "OTHER", SECRET, at), SD_SIGV4_UNKNOWN_KEY);
		assert_int_equal(
			sd_sigv4_check(&r, "service", AKID, SECRET, at + 301000), SD_SIGV4_EXPIRED);
		assert_int_equal(
			sd_sigv4_check(&r, "appsync", AKID, SECRET, at), SD_SIGV4_MALFORMED);
		r.body = "x";
		r.body_len = 1;
		assert_int_equal(
			sd_sigv4_check(&r, "service", AKID, SECRET, at), SD_SIGV4_MISMATCH);
		h.value[0] = "elsewhere";
		r.body_len = 0;
		assert_int_equal(
			sd_sigv4_check(&r, "service", AKID, SECRET, at), SD_SIGV4_MISMATCH);
	}
}

static void a_broken_signature_header_is_malformed(void **st)
{
	static const char *const BAD[] = {"", "AWS4-HMAC-SHA256", SCOPE, SCOPE "SignedHeaders=host",
		"AWS4-HMAC-SHA256 Credential=a/b, SignedHeaders=host, Signature=00"};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct headers h = {
			{"host", "x-amz-date", "authorization"}, {"h", "20150830T123600Z", BAD[i]}};
		struct sd_sigv4_request r = {.method = "GET",
			.path = "/",
			.query = "",
			.header = find_header,
			.ctx = &h,
			.body = ""};
		assert_int_equal(sd_sigv4_check(&r, "service", AKID, SECRET, 1440938160000),
			SD_SIGV4_MALFORMED);
	}
}

/* ---- TLS ---- */

static X509 *cert(const struct sd_buf *b)
{
	BIO *io = BIO_new_mem_buf(b->data, (int)b->len);
	X509 *c = PEM_read_bio_X509(io, NULL, NULL, NULL);

	BIO_free(io);
	return c;
}

static void the_leaf_verifies_against_the_authority_for_its_names(void **st)
{
	struct sd_tls_set t;
	X509_STORE *store = X509_STORE_new();
	X509_STORE_CTX *v = X509_STORE_CTX_new();
	X509 *ca, *leaf;

	(void)st;
	assert_int_equal(sd_tls_make("10.1.2.3", &t, NULL), SD_OK);
	ca = cert(&t.ca);
	leaf = cert(&t.cert);
	X509_STORE_add_cert(store, ca);
	X509_STORE_CTX_init(v, store, leaf, NULL);
	X509_STORE_CTX_set_purpose(v, X509_PURPOSE_SSL_SERVER);
	assert_int_equal(X509_verify_cert(v), 1);
	assert_int_equal(X509_check_host(leaf, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(leaf, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(leaf, "::1", 0), 1);
	assert_int_equal(X509_check_ip_asc(leaf, "10.1.2.3", 0), 1);
	assert_int_equal(X509_check_host(leaf, "example.com", 0, 0, NULL), 0);
	X509_STORE_CTX_free(v);
	X509_STORE_free(store);
	X509_free(ca);
	X509_free(leaf);
	sd_tls_set_release(&t);
}

static void kept_files_are_used_again_and_replaced_when_unfit(void **st)
{
	char *dir = sd_test_dir(), path[300];
	struct sd_tls_set a, b, c, d;

	(void)st;
	assert_int_equal(sd_tls_load(dir, "127.0.0.1", &a, NULL), SD_OK);
	assert_int_equal(sd_tls_load(dir, "127.0.0.1", &b, NULL), SD_OK);
	assert_string_equal(sd_buf_text(&a.ca), sd_buf_text(&b.ca));
	assert_int_equal(sd_tls_load(dir, "10.0.0.9", &c, NULL), SD_OK); /* a new name */
	assert_string_not_equal(sd_buf_text(&a.cert), sd_buf_text(&c.cert));
	snprintf(path, sizeof path, "%s/key.pem", dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(sd_tls_load(dir, "10.0.0.9", &d, NULL), SD_OK);
	assert_string_not_equal(sd_buf_text(&c.key), sd_buf_text(&d.key));
	sd_tls_set_release(&a);
	sd_tls_set_release(&b);
	sd_tls_set_release(&c);
	sd_tls_set_release(&d);
	sd_test_dir_remove(dir);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_token_is_good_until_it_expires),
		cmocka_unit_test(any_changed_byte_makes_a_token_bad),
		cmocka_unit_test(unsigned_and_foreign_tokens_are_refused),
		cmocka_unit_test(a_kept_key_still_verifies_after_a_restart),
		{"SRV-C01 SRV-C06 SRP agrees with who knows the password only",
			srp_agrees_with_who_knows_the_password_only, NULL, NULL, NULL},
		cmocka_unit_test(a_useless_a_is_refused),
		{"SRV-C05 timestamps have Cognito's form", timestamps_have_cognitos_form, NULL,
			NULL, NULL},
		cmocka_unit_test(signatures_are_those_of_the_published_suite),
		cmocka_unit_test(a_broken_signature_header_is_malformed),
		cmocka_unit_test(the_leaf_verifies_against_the_authority_for_its_names),
		cmocka_unit_test(kept_files_are_used_again_and_replaced_when_unfit),
	};
	return cmocka_run_group_tests(tests, open_signer, close_signer);
}
