/* core/sandbox/server/tls.c - see tls.h. */
#include "core/sandbox/server/tls.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "core/base/fs.h"

#define DAY_SECONDS 86400L
#define LIFE_DAYS   365L
#define LEFT_DAYS   7L

void sd_tls_set_release(struct sd_tls_set *t)
{
	sd_buf_release(&t->ca);
	sd_buf_release(&t->cert);
	sd_buf_release(&t->key);
}

struct extension {
	int nid;
	const char *text;
};

static bool add_extension(X509 *cert, X509 *issuer, const struct extension *x)
{
	X509V3_CTX ctx;
	X509_EXTENSION *ext;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	ext = X509V3_EXT_conf_nid(NULL, &ctx, x->nid, x->text);
	ok = ext && X509_add_ext(cert, ext, -1) == 1;
	X509_EXTENSION_free(ext);
	return ok;
}

static bool set_serial(X509 *cert)
{
	unsigned char raw[16];
	BIGNUM *n;
	bool ok;

	if (RAND_bytes(raw, sizeof raw) != 1)
		return false;
	raw[0] &= 0x7f;
	n = BN_bin2bn(raw, sizeof raw, NULL);
	ok = n && BN_to_ASN1_INTEGER(n, X509_get_serialNumber(cert));
	BN_free(n);
	return ok;
}

/* A certificate for key, signed by issuer_key; issuer NULL: by itself. */
static X509 *certificate(const char *name, EVP_PKEY *key, X509 *issuer, EVP_PKEY *issuer_key,
	const struct extension *list, size_t count)
{
	X509 *c = X509_new();
	X509_NAME *subject = c ? X509_get_subject_name(c) : NULL;
	X509 *by = issuer ? issuer : c;
	bool ok = c && X509_set_version(c, X509_VERSION_3) && set_serial(c) &&
		  X509_gmtime_adj(X509_getm_notBefore(c), -300) &&
		  X509_gmtime_adj(X509_getm_notAfter(c), LIFE_DAYS * DAY_SECONDS) &&
		  X509_NAME_add_entry_by_txt(
			  subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) &&
		  X509_set_issuer_name(c, X509_get_subject_name(by)) && X509_set_pubkey(c, key);

	for (size_t i = 0; ok && i < count; i++)
		ok = add_extension(c, by, &list[i]);
	if (ok && X509_sign(c, issuer_key, EVP_sha256()) > 0)
		return c;
	X509_free(c);
	return NULL;
}

static bool is_address(const char *host)
{
	unsigned char raw[16];

	return inet_pton(AF_INET, host, raw) == 1 || inet_pton(AF_INET6, host, raw) == 1;
}

static bool name_allowed(const char *host)
{
	return host && *host && strlen(host) < 250 &&
	       strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-:_") ==
		       strlen(host);
}

static X509 *make_ca(EVP_PKEY *key)
{
	static const struct extension X[] = {
		{NID_subject_key_identifier, "hash"},
		{NID_basic_constraints, "critical,CA:TRUE,pathlen:0"},
		{NID_key_usage, "critical,keyCertSign,cRLSign"},
	};

	return certificate("syncdeck sandbox authority", key, NULL, key, X, sizeof X / sizeof *X);
}

static X509 *make_leaf(const char *host, EVP_PKEY *key, X509 *ca, EVP_PKEY *ca_key)
{
	char names[512];
	struct extension x[] = {
		{NID_subject_key_identifier, "hash"},
		{NID_authority_key_identifier, "keyid:always"},
		{NID_basic_constraints, "critical,CA:FALSE"},
		{NID_key_usage, "critical,digitalSignature"},
		{NID_ext_key_usage, "serverAuth"},
		{NID_subject_alt_name, names},
	};

	snprintf(names, sizeof names, "DNS:localhost,IP:127.0.0.1,IP:::1");
	if (name_allowed(host))
		snprintf(names + strlen(names), sizeof names - strlen(names), ",%s:%s",
			is_address(host) ? "IP" : "DNS", host);
	return certificate("localhost", key, ca, ca_key, x, sizeof x / sizeof *x);
}

static bool pem(X509 *cert, EVP_PKEY *key, struct sd_buf *out)
{
	BIO *b = BIO_new(BIO_s_mem());
	char *p = NULL;
	long n = 0;
	bool ok = b && (cert ? PEM_write_bio_X509(b, cert)
			     : PEM_write_bio_PrivateKey(b, key, NULL, NULL, 0, NULL, NULL)) == 1;

	if (ok) {
		n = BIO_get_mem_data(b, &p);
		ok = sd_buf_add(out, p, (size_t)n);
	}
	BIO_free(b);
	return ok;
}

enum sd_err sd_tls_make(const char *host, struct sd_tls_set *out, struct sd_error *e)
{
	EVP_PKEY *ca_key = EVP_EC_gen("P-256"), *key = EVP_EC_gen("P-256");
	X509 *ca = ca_key ? make_ca(ca_key) : NULL;
	X509 *leaf = ca && key ? make_leaf(host, key, ca, ca_key) : NULL;
	bool ok;

	memset(out, 0, sizeof *out);
	ok = leaf && pem(ca, NULL, &out->ca) && pem(leaf, NULL, &out->cert) &&
	     pem(NULL, key, &out->key);
	X509_free(leaf);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	if (!ok) {
		sd_tls_set_release(out);
		return sd_fail(e, SD_FAILED, 0, "TLS: the certificate cannot be made");
	}
	return SD_OK;
}

static X509 *read_cert(const struct sd_buf *text)
{
	BIO *b = BIO_new_mem_buf(sd_buf_text(text), (int)text->len);
	X509 *c = b ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	return c;
}

static EVP_PKEY *read_key(const struct sd_buf *text)
{
	BIO *b = BIO_new_mem_buf(sd_buf_text(text), (int)text->len);
	EVP_PKEY *k = b ? PEM_read_bio_PrivateKey(b, NULL, NULL, NULL) : NULL;

	BIO_free(b);
	return k;
}

static bool covers(X509 *leaf, const char *host)
{
	if (!name_allowed(host))
		return true;
	if (is_address(host))
		return X509_check_ip_asc(leaf, host, 0) == 1;
	return X509_check_host(leaf, host, strlen(host), 0, NULL) == 1;
}

static bool usable(const struct sd_tls_set *t, const char *host)
{
	X509 *ca = read_cert(&t->ca), *leaf = read_cert(&t->cert);
	EVP_PKEY *key = read_key(&t->key);
	int days = 0, seconds = 0;
	bool ok = ca && leaf && key && X509_check_private_key(leaf, key) == 1 &&
		  X509_verify(leaf, X509_get0_pubkey(ca)) == 1 && covers(leaf, host) &&
		  ASN1_TIME_diff(&days, &seconds, NULL, X509_get0_notAfter(leaf)) == 1 &&
		  days >= LEFT_DAYS;

	EVP_PKEY_free(key);
	X509_free(leaf);
	X509_free(ca);
	return ok;
}

static enum sd_err file_io(
	const char *dir, const char *name, struct sd_buf *text, bool write, struct sd_error *e)
{
	char *path = sd_path_join(dir, name);
	enum sd_err rc = SD_NOMEM;

	if (path && write)
		rc = sd_write_file(path, text->data, text->len, e);
	else if (path)
		rc = sd_read_file(path, 65536, text, e);
	free(path);
	return rc;
}

static enum sd_err each(const char *dir, struct sd_tls_set *t, bool write, struct sd_error *e)
{
	enum sd_err rc = file_io(dir, "ca.pem", &t->ca, write, e);

	if (rc == SD_OK)
		rc = file_io(dir, "cert.pem", &t->cert, write, e);
	if (rc == SD_OK)
		rc = file_io(dir, "key.pem", &t->key, write, e);
	return rc;
}

enum sd_err sd_tls_load(
	const char *dir, const char *host, struct sd_tls_set *out, struct sd_error *e)
{
	enum sd_err rc;
	int lock;

	memset(out, 0, sizeof *out);
	rc = sd_mkdir_p(dir, e);
	if (rc != SD_OK)
		return rc;
	/* two first starts at once must not mix their files */
	lock = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (lock < 0 || flock(lock, LOCK_EX) != 0)
		rc = sd_fail(e, SD_IO, errno, "%s: %s", dir, strerror(errno));
	if (rc == SD_OK && (each(dir, out, false, NULL) != SD_OK || !usable(out, host))) {
		sd_tls_set_release(out);
		rc = sd_tls_make(host, out, e);
		if (rc == SD_OK)
			rc = each(dir, out, true, e);
		if (rc != SD_OK)
			sd_tls_set_release(out);
	}
	if (lock >= 0)
		close(lock);
	return rc;
}
