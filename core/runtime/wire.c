/* core/runtime/wire.c - see wire.h. */
#include "core/runtime/wire.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/json/json.h"

static const char *after_scheme(const char *url)
{
	const char *p = strstr(url, "://");

	return p ? p + 3 : url;
}

bool sd_wire_host(const char *url, struct sd_buf *out)
{
	const char *h = after_scheme(url);

	return sd_buf_add(out, h, strcspn(h, "/?#"));
}

enum sd_err sd_wire_check_endpoint(const char *url, struct sd_error *e)
{
	const char *h = after_scheme(url);
	size_t n = strcspn(h, "/?#");

	if ((!sd_str_starts(url, "http://") && !sd_str_starts(url, "https://")) || n == 0 ||
		memchr(h, '@', n) || strpbrk(url, " \t\r\n\"<>\\"))
		return sd_fail(e, SD_INVAL, 0,
			"endpoint %s: not a URL such as https://HOST/graphql; check --endpoint or "
			"the "
			"config file",
			url);
	return SD_OK;
}

/* https://<26>.appsync-api.<region>.amazonaws.com[.cn]/graphql */
static const char *aws_api(const char *endpoint)
{
	const char *h = endpoint + 8, *dot;

	if (!sd_str_starts(endpoint, "https://"))
		return NULL;
	dot = strchr(h, '.');
	if (!dot || dot - h != 26 || strncasecmp(dot, ".appsync-api.", 13) != 0 ||
		!strstr(dot, ".amazonaws.com") || !sd_str_ends(endpoint, "/graphql"))
		return NULL;
	return dot;
}

bool sd_wire_realtime_url(const char *endpoint, struct sd_buf *out)
{
	const char *dot = aws_api(endpoint), *h = after_scheme(endpoint);
	size_t n = strcspn(h, "?#");

	if (dot)
		return sd_buf_fmt(
			out, "wss://%.*s.appsync-realtime-api.%s", (int)(dot - h), h, dot + 13);
	while (n && h[n - 1] == '/')
		n--;
	return sd_buf_fmt(out, "%s%.*s/realtime%s",
		sd_str_starts(endpoint, "https://") ? "wss://" : "ws://", (int)n, h,
		h + strcspn(h, "?#"));
}

enum sd_err sd_wire_can(const struct sd_credentials *c, enum sd_auth_mode mode, struct sd_error *e)
{
	switch (mode) {
	case SD_AUTH_API_KEY:
		return c->api_key
			       ? SD_OK
			       : sd_fail(e, SD_AUTH, 0,
					 "no API key: give --api-key, SYNCDECK_API_KEY or a config "
					 "file that has one");
	case SD_AUTH_USER_POOL:
		return c->session && c->session->access
			       ? SD_OK
			       : sd_fail(e, SD_AUTH, 0,
					 "nobody is signed in: run `syncdeck login`");
	case SD_AUTH_OIDC:
	case SD_AUTH_LAMBDA:
		return c->token ? SD_OK : sd_fail(e, SD_AUTH, 0, "no token: set SYNCDECK_TOKEN");
	case SD_AUTH_IAM:
		return c->keys && c->keys->id
			       ? SD_OK
			       : sd_fail(e, SD_AUTH, 0,
					 "no AWS keys: set AWS_ACCESS_KEY_ID and "
					 "AWS_SECRET_ACCESS_KEY, or give a config file with an "
					 "identity pool");
	case SD_AUTH_NONE:
		return SD_OK;
	default:
		return sd_fail(e, SD_AUTH, 0, "the mode %s is not available here",
			sd_auth_mode_name(mode));
	}
}

static const char *token_of(const struct sd_credentials *c, enum sd_auth_mode mode)
{
	return mode == SD_AUTH_USER_POOL ? c->session->access : c->token;
}

/* The region in an AWS address, else the configured one. */
static void region_of(const struct sd_credentials *c, char out[64])
{
	const char *dot = aws_api(c->endpoint), *r = c->region ? c->region : "us-east-1";
	size_t n = strlen(r);

	if (dot) {
		r = dot + strlen(".appsync-api.");
		n = strcspn(r, ".");
	}
	snprintf(out, 64, "%.*s", (int)n, r);
}

void sd_wire_lines_release(struct sd_wire_lines *l)
{
	for (size_t i = 0; i < SD_WIRE_LINES; i++) {
		if (l->line[i].data)
			explicit_bzero(l->line[i].data, l->line[i].len);
		sd_buf_release(&l->line[i]);
	}
	l->count = 0;
}

static enum sd_err signed_lines(const struct sd_credentials *c, const char *body, size_t len,
	int64_t now_ms, struct sd_wire_lines *out, struct sd_error *e)
{
	static const char *const HEADERS[] = {SD_CONTENT_TYPE, NULL};
	char region[64], date[SD_AWS_DATE];
	struct sd_aws_sign s = {.keys = c->keys,
		.region = region,
		.url = c->endpoint,
		.headers = HEADERS,
		.body = body,
		.len = len,
		.now_ms = now_ms};

	region_of(c, region);
	sd_aws_date(now_ms, date);
	sd_buf_fmt(&out->line[out->count++], "x-amz-date: %s", date);
	if (c->keys->token)
		sd_buf_fmt(&out->line[out->count++], "x-amz-security-token: %s", c->keys->token);
	sd_buf_str(&out->line[out->count], "authorization: ");
	return sd_aws_authorization(&s, &out->line[out->count++], e);
}

enum sd_err sd_wire_http_lines(const struct sd_credentials *c, enum sd_auth_mode mode,
	const char *body, size_t len, int64_t now_ms, struct sd_wire_lines *out, struct sd_error *e)
{
	enum sd_err rc = sd_wire_can(c, mode, e);

	memset(out, 0, sizeof *out);
	if (rc != SD_OK || mode == SD_AUTH_NONE)
		return rc;
	if (mode == SD_AUTH_IAM)
		rc = signed_lines(c, body, len, now_ms, out, e);
	else if (mode == SD_AUTH_API_KEY)
		sd_buf_fmt(&out->line[out->count++], "x-api-key: %s", c->api_key);
	else
		sd_buf_fmt(&out->line[out->count++], "authorization: %s", token_of(c, mode));
	for (size_t i = 0; rc == SD_OK && i < out->count; i++)
		if (!sd_buf_ok(&out->line[i]))
			rc = sd_fail(e, SD_NOMEM, 0, "request: out of memory");
	if (rc != SD_OK)
		sd_wire_lines_release(out);
	return rc;
}

/* What IAM signs for realtime: `suffix` behind the endpoint's path, `body` as it is sent. */
static enum sd_err signed_object(const struct sd_credentials *c, const char *suffix,
	const char *body, int64_t now_ms, const char *host, struct cJSON *j, struct sd_error *e)
{
	static const char *const HEADERS[] = {"accept: application/json, text/javascript",
		"content-encoding: amz-1.0", SD_CONTENT_TYPE, NULL};
	char region[64], date[SD_AWS_DATE];
	struct sd_buf url = SD_BUF_INIT, auth = SD_BUF_INIT;
	size_t path = strcspn(c->endpoint, "?#");
	struct sd_aws_sign s = {.keys = c->keys,
		.region = region,
		.headers = HEADERS,
		.body = body,
		.len = strlen(body),
		.now_ms = now_ms};
	enum sd_err rc;

	region_of(c, region);
	sd_aws_date(now_ms, date);
	sd_buf_fmt(&url, "%.*s%s%s", (int)path, c->endpoint, suffix, c->endpoint + path);
	s.url = sd_buf_text(&url);
	rc = sd_aws_authorization(&s, &auth, e);
	for (size_t i = 0; HEADERS[i]; i++) {
		char name[32];
		snprintf(name, sizeof name, "%.*s", (int)strcspn(HEADERS[i], ":"), HEADERS[i]);
		sd_json_add_str(j, name, strchr(HEADERS[i], ' ') + 1);
	}
	sd_json_add_str(j, "host", host);
	sd_json_add_str(j, "x-amz-date", date);
	if (c->keys->token)
		sd_json_add_str(j, "x-amz-security-token", c->keys->token);
	if (rc == SD_OK && !sd_json_add_str(j, "authorization", sd_buf_text(&auth)))
		rc = sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	sd_buf_release(&url);
	sd_buf_release(&auth);
	return rc;
}

/* The header object of client.md 6.5, key order as sent there. */
static enum sd_err header_object(const struct sd_credentials *c, enum sd_auth_mode mode,
	const char *suffix, const char *body, int64_t now_ms, struct cJSON **out,
	struct sd_error *e)
{
	struct sd_buf host = SD_BUF_INIT;
	struct cJSON *j;
	char date[SD_AWS_DATE];
	bool ok = true;
	enum sd_err rc = sd_wire_can(c, mode, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	j = sd_json_object();
	sd_wire_host(c->endpoint, &host);
	if (mode == SD_AUTH_IAM) {
		rc = signed_object(c, suffix, body, now_ms, sd_buf_text(&host), j, e);
	} else if (mode == SD_AUTH_API_KEY) {
		sd_aws_date(now_ms, date);
		ok = sd_json_add_str(j, "host", sd_buf_text(&host)) &&
		     sd_json_add_str(j, "x-amz-date", date) &&
		     sd_json_add_str(j, "x-api-key", c->api_key);
	} else if (mode == SD_AUTH_NONE) {
		ok = sd_json_add_str(j, "host", sd_buf_text(&host));
	} else {
		ok = sd_json_add_str(j, "Authorization", token_of(c, mode)) &&
		     sd_json_add_str(j, "host", sd_buf_text(&host));
	}
	sd_buf_release(&host);
	if (!ok)
		rc = sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	if (rc == SD_OK)
		*out = j;
	else
		sd_json_free(j);
	return rc;
}

static enum sd_err header_base64(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, bool url, struct sd_buf *out, struct sd_error *e)
{
	struct cJSON *j;
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = header_object(c, mode, "/connect", "{}", now_ms, &j, e);

	if (rc != SD_OK)
		return rc;
	if (!sd_json_print(j, &text) || !sd_base64_encode(out, text.data, text.len, url))
		rc = sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	sd_buf_release(&text);
	sd_json_free(j);
	return rc;
}

enum sd_err sd_wire_subprotocol(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, struct sd_buf *out, struct sd_error *e)
{
	sd_buf_str(out, "graphql-ws, header-");
	return header_base64(c, mode, now_ms, true, out, e);
}

enum sd_err sd_wire_realtime_query(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, struct sd_buf *out, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = header_base64(c, mode, now_ms, false, &b, e);

	if (rc == SD_OK) {
		sd_wire_realtime_url(c->endpoint, out);
		sd_buf_str(out, strchr(sd_buf_text(out), '?') ? "&header=" : "?header=");
		for (const char *p = sd_buf_text(&b); *p; p++) {
			if (isalnum((unsigned char)*p))
				sd_buf_ch(out, *p);
			else
				sd_buf_fmt(out, "%%%02X", (unsigned char)*p);
		}
		sd_buf_str(out, "&payload=e30=");
	}
	sd_buf_release(&b);
	return rc;
}

enum sd_err sd_wire_start(const struct sd_credentials *c, enum sd_auth_mode mode,
	const char *sub_id, const char *data, int64_t now_ms, struct sd_buf *out,
	struct sd_error *e)
{
	struct cJSON *headers;
	enum sd_err rc = header_object(c, mode, "", data, now_ms, &headers, e);

	if (rc != SD_OK)
		return rc;
	sd_json_add_str(headers, "x-amz-user-agent", SD_USER_AGENT);
	sd_buf_str(out, "{\"id\":");
	sd_json_quote(out, sub_id, strlen(sub_id));
	sd_buf_str(out, ",\"payload\":{\"data\":");
	sd_json_quote(out, data, strlen(data));
	sd_buf_str(out, ",\"extensions\":{\"authorization\":");
	sd_json_print(headers, out);
	sd_buf_str(out, "}},\"type\":\"start\"}");
	sd_json_free(headers);
	return sd_buf_ok(out) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
}
