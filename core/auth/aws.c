/* core/auth/aws.c - Signature Version 4, the signing side: see aws.h. */
#include "core/auth/aws.h"

#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "core/base/text.h"
#include "core/base/time.h"

#define HASH        32
#define HEADERS_MAX 8

static void forget(char **s)
{
	if (*s)
		explicit_bzero(*s, strlen(*s));
	free(*s);
	*s = NULL;
}

void sd_aws_keys_release(struct sd_aws_keys *k)
{
	forget(&k->id);
	forget(&k->secret);
	forget(&k->token);
	k->expires_ms = 0;
}

enum sd_err sd_aws_keys_set(struct sd_aws_keys *k, const char *id, const char *secret,
	const char *token, struct sd_error *e)
{
	sd_aws_keys_release(k);
	k->id = strdup(id);
	k->secret = strdup(secret);
	k->token = token ? strdup(token) : NULL;
	if (k->id && k->secret && (k->token || !token))
		return SD_OK;
	sd_aws_keys_release(k);
	return sd_fail(e, SD_NOMEM, 0, "AWS keys: out of memory");
}

void sd_aws_date(int64_t now_ms, char out[SD_AWS_DATE])
{
	char iso[SD_TIME_TEXT];
	size_t w = 0;

	sd_time_iso(now_ms, iso);
	for (const char *p = iso; *p && *p != '.' && w < 15; p++)
		if (*p != '-' && *p != ':')
			out[w++] = *p;
	out[w++] = 'Z';
	out[w] = '\0';
}

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

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The parts of "a=1&b=2" in order, each with its '='. */
static void canonical_query(const char *query, struct sd_buf *out)
{
	char *part[32], *copy = strdup(query), *save = NULL;
	size_t n = 0;

	for (char *p = copy ? strtok_r(copy, "&", &save) : NULL; p && n < 32;
		p = strtok_r(NULL, "&", &save))
		part[n++] = p;
	qsort(part, n, sizeof *part, by_text);
	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(out, "%s%s%s", i ? "&" : "", part[i], strchr(part[i], '=') ? "" : "=");
	free(copy);
}

/* The header lines to sign, sorted by name: those of s and the three of ours, in *out.  names:
 * "a;b;c". */
static void canonical_headers(
	const struct sd_aws_sign *s, const char *date, struct sd_buf *out, struct sd_buf *names)
{
	struct sd_buf own = SD_BUF_INIT;
	const char *host = strstr(s->url, "://"), *line[HEADERS_MAX + 3];
	char *text, *save = NULL;
	size_t n = 0;

	host = host ? host + 3 : s->url;
	sd_buf_fmt(&own, "host: %.*s\nx-amz-date: %s\n", (int)strcspn(host, "/?#"), host, date);
	if (s->keys->token)
		sd_buf_fmt(&own, "x-amz-security-token: %s\n", s->keys->token);
	text = sd_buf_take(&own);
	for (char *p = text ? strtok_r(text, "\n", &save) : NULL; p;
		p = strtok_r(NULL, "\n", &save))
		line[n++] = p;
	for (size_t i = 0; s->headers && s->headers[i] && i < HEADERS_MAX; i++)
		line[n++] = s->headers[i];
	qsort(line, n, sizeof *line, by_text);
	for (size_t i = 0; i < n; i++) {
		size_t name = strcspn(line[i], ":");
		const char *value = line[i] + name + 1;
		value += strspn(value, " ");
		sd_buf_fmt(out, "%.*s:%s\n", (int)name, line[i], value);
		sd_buf_fmt(names, "%s%.*s", i ? ";" : "", (int)name, line[i]);
	}
	free(text);
}

static void signature(const struct sd_aws_sign *s, const char *date, const struct sd_buf *canonical,
	char out[2 * HASH + 1])
{
	unsigned char k[HASH];
	char hash[2 * HASH + 1], day[9];
	struct sd_buf t = SD_BUF_INIT;

	memcpy(day, date, 8);
	day[8] = '\0';
	sha256_hex(canonical->data, canonical->len, hash);
	sd_buf_fmt(&t, "AWS4%s", s->keys->secret);
	hmac(t.data, t.len, day, k);
	explicit_bzero(t.data, t.len);
	hmac(k, HASH, s->region, k);
	hmac(k, HASH, "appsync", k);
	hmac(k, HASH, "aws4_request", k);
	sd_buf_reset(&t);
	sd_buf_fmt(&t, "AWS4-HMAC-SHA256\n%s\n%s/%s/appsync/aws4_request\n%s", date, day, s->region,
		hash);
	hmac(k, HASH, sd_buf_text(&t), k);
	sd_hex(k, HASH, out);
	explicit_bzero(k, sizeof k);
	sd_buf_release(&t);
}

enum sd_err sd_aws_authorization(
	const struct sd_aws_sign *s, struct sd_buf *out, struct sd_error *e)
{
	const char *path = strstr(s->url, "://"), *query;
	struct sd_buf canonical = SD_BUF_INIT, headers = SD_BUF_INIT, names = SD_BUF_INIT;
	char date[SD_AWS_DATE], hash[2 * HASH + 1];
	bool ok;

	path = strchr(path ? path + 3 : s->url, '/');
	path = path ? path : "/";
	query = strchr(path, '?');
	sd_aws_date(s->now_ms, date);
	sha256_hex(s->body, s->len, hash);
	canonical_headers(s, date, &headers, &names);
	sd_buf_fmt(&canonical, "POST\n%.*s\n", (int)strcspn(path, "?#"), path);
	if (query)
		canonical_query(query + 1, &canonical);
	sd_buf_fmt(&canonical, "\n%s\n%s\n%s", sd_buf_text(&headers), sd_buf_text(&names), hash);
	ok = sd_buf_ok(&canonical) && sd_buf_ok(&headers) && sd_buf_ok(&names);
	if (ok) {
		signature(s, date, &canonical, hash);
		ok = sd_buf_fmt(out,
			"AWS4-HMAC-SHA256 Credential=%s/%.8s/%s/appsync/aws4_request, "
			"SignedHeaders=%s, Signature=%s",
			s->keys->id, date, s->region, sd_buf_text(&names), hash);
	}
	sd_buf_release(&canonical);
	sd_buf_release(&headers);
	sd_buf_release(&names);
	return ok ? SD_OK : sd_fail(e, SD_NOMEM, 0, "signature: out of memory");
}
