/* core/sandbox/server/sigv4.c - see sigv4.h. */
#include "core/sandbox/server/sigv4.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define HASH        32
#define SKEW_MS     300000
#define PART        256
#define QUERY_PARTS 64

struct parts { /* of the Authorization header */
	char key[PART], date[PART], region[PART], service[PART], end[PART];
	char headers[1024], signature[PART];
};

static void sha256_hex(const void *p, size_t n, char out[2 * HASH + 1])
{
	unsigned char h[HASH] = {0};

	EVP_Digest(p, n, h, NULL, EVP_sha256(), NULL);
	sd_hex(h, HASH, out);
}

static void hmac(const void *key, size_t key_len, const char *text, unsigned char out[HASH])
{
	HMAC(EVP_sha256(), key, (int)key_len, (const unsigned char *)text, strlen(text), out, NULL);
}

/* The value behind "Name=" in "A=x, B=y"; false: absent or too long. */
static bool member(const char *text, const char *name, char *out, size_t room)
{
	const char *p = strstr(text, name);
	size_t n;

	if (!p)
		return false;
	p += strlen(name);
	n = strcspn(p, ", \t");
	if (!n || n >= room)
		return false;
	memcpy(out, p, n);
	out[n] = '\0';
	return true;
}

static bool read_header(const char *text, struct parts *p)
{
	char scope[1024];

	return strncmp(text, SD_SIGV4_SCHEME " ", strlen(SD_SIGV4_SCHEME) + 1) == 0 &&
	       member(text, "Credential=", scope, sizeof scope) &&
	       member(text, "SignedHeaders=", p->headers, sizeof p->headers) &&
	       member(text, "Signature=", p->signature, sizeof p->signature) &&
	       sscanf(scope, "%255[^/]/%255[^/]/%255[^/]/%255[^/]/%255[^/]", p->key, p->date,
		       p->region, p->service, p->end) == 5;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The parameters in order, each with its '='. */
static bool canonical_query(const char *query, struct sd_buf *out)
{
	char *copy = strdup(query), *part[QUERY_PARTS], *save = NULL;
	size_t n = 0;

	if (!copy)
		return false;
	for (char *p = strtok_r(copy, "&", &save); p; p = strtok_r(NULL, "&", &save)) {
		if (n == QUERY_PARTS)
			break;
		part[n++] = p;
	}
	qsort(part, n, sizeof *part, by_text);
	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(out, "%s%s%s", i ? "&" : "", part[i], strchr(part[i], '=') ? "" : "=");
	free(copy);
	return true;
}

/* Without outer blanks, inner runs as one. */
static void trimmed(const char *v, struct sd_buf *out)
{
	bool blank = false, any = false;

	for (; *v; v++) {
		if (*v == ' ' || *v == '\t') {
			blank = any;
			continue;
		}
		if (blank)
			sd_buf_ch(out, ' ');
		blank = false;
		any = true;
		sd_buf_ch(out, *v);
	}
}

static bool canonical_headers(
	const struct sd_sigv4_request *r, const char *names, struct sd_buf *out)
{
	while (*names) {
		size_t n = strcspn(names, ";");
		char name[PART];
		const char *v;
		if (!n || n >= sizeof name)
			return false;
		memcpy(name, names, n);
		name[n] = '\0';
		v = r->header(r->ctx, name);
		if (!v)
			return false;
		sd_buf_fmt(out, "%s:", name);
		trimmed(v, out);
		sd_buf_ch(out, '\n');
		names += n + (names[n] == ';');
	}
	return true;
}

static bool canonical_request(
	const struct sd_sigv4_request *r, const struct parts *p, struct sd_buf *out)
{
	char body[2 * HASH + 1];
	const char *told = r->header(r->ctx, "x-amz-content-sha256");

	sha256_hex(r->body, r->body_len, body);
	if (told && strcmp(told, body) != 0 && strcmp(told, "UNSIGNED-PAYLOAD") != 0)
		return false;
	sd_buf_fmt(out, "%s\n%s\n", r->method, r->path);
	if (!canonical_query(r->query, out))
		return false;
	sd_buf_ch(out, '\n');
	if (!canonical_headers(r, p->headers, out))
		return false;
	sd_buf_fmt(out, "\n%s\n%s", p->headers, told ? told : body);
	return sd_buf_ok(out);
}

static void sign(const struct parts *p, const char *amz_date, const struct sd_buf *canonical,
	const char *secret, char out[2 * HASH + 1])
{
	unsigned char k[HASH];
	char hash[2 * HASH + 1];
	struct sd_buf t = SD_BUF_INIT;

	sha256_hex(canonical->data, canonical->len, hash);
	sd_buf_fmt(&t, "AWS4%s", secret);
	hmac(t.data, t.len, p->date, k);
	hmac(k, HASH, p->region, k);
	hmac(k, HASH, p->service, k);
	hmac(k, HASH, "aws4_request", k);
	sd_buf_reset(&t);
	sd_buf_fmt(&t, SD_SIGV4_SCHEME "\n%s\n%s/%s/%s/aws4_request\n%s", amz_date, p->date,
		p->region, p->service, hash);
	hmac(k, HASH, sd_buf_text(&t), k);
	sd_hex(k, HASH, out);
	sd_buf_release(&t);
}

/* "20150830T123600Z" */
static bool read_date(const char *t, int64_t *ms)
{
	char iso[SD_TIME_TEXT];

	if (strlen(t) != 16 || strspn(t, "0123456789TZ") != 16 || t[8] != 'T' || t[15] != 'Z')
		return false;
	snprintf(iso, sizeof iso, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2sZ", t, t + 4, t + 6, t + 9, t + 11,
		t + 13);
	return sd_time_parse(iso, ms);
}

enum sd_sigv4 sd_sigv4_check(const struct sd_sigv4_request *r, const char *service,
	const char *access_key, const char *secret, int64_t now_ms)
{
	const char *auth = r->header(r->ctx, "authorization");
	const char *date = r->header(r->ctx, "x-amz-date");
	struct sd_buf canonical = SD_BUF_INIT;
	struct parts p;
	char want[2 * HASH + 1];
	int64_t at;
	bool same;

	if (!auth || !date || !read_header(auth, &p) || !read_date(date, &at) ||
		strcmp(p.service, service) != 0 || strcmp(p.end, "aws4_request") != 0 ||
		strncmp(p.date, date, 8) != 0 || strlen(p.date) != 8)
		return SD_SIGV4_MALFORMED;
	if (strcmp(p.key, access_key) != 0)
		return SD_SIGV4_UNKNOWN_KEY;
	if (at > now_ms + SKEW_MS || at < now_ms - SKEW_MS)
		return SD_SIGV4_EXPIRED;
	same = canonical_request(r, &p, &canonical);
	if (same) {
		sign(&p, date, &canonical, secret, want);
		same = strlen(p.signature) == 2 * HASH &&
		       CRYPTO_memcmp(p.signature, want, 2 * HASH) == 0;
	}
	sd_buf_release(&canonical);
	return same ? SD_SIGV4_GOOD : SD_SIGV4_MISMATCH;
}
