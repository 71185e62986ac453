/* core/runtime/wire.c - see wire.h. */
#include "core/runtime/wire.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/base/time.h"
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

enum sd_err sd_wire_http_header(const struct sd_credentials *c, enum sd_auth_mode mode,
	struct sd_buf *out, struct sd_error *e)
{
	enum sd_err rc = sd_wire_can(c, mode, e);

	if (rc != SD_OK || mode == SD_AUTH_NONE)
		return rc;
	if (mode == SD_AUTH_API_KEY)
		sd_buf_fmt(out, "x-api-key: %s", c->api_key);
	else
		sd_buf_fmt(out, "authorization: %s", token_of(c, mode));
	return sd_buf_ok(out) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "request: out of memory");
}

/* "20261122T181006Z" */
static void amz_date(int64_t now_ms, char out[20])
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

/* The header object of client.md 6.5, key order as sent there. */
static enum sd_err header_object(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, struct cJSON **out, struct sd_error *e)
{
	struct sd_buf host = SD_BUF_INIT;
	struct cJSON *j;
	char date[20];
	bool ok;
	enum sd_err rc = sd_wire_can(c, mode, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	j = sd_json_object();
	sd_wire_host(c->endpoint, &host);
	if (mode == SD_AUTH_API_KEY) {
		amz_date(now_ms, date);
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
	if (!ok) {
		sd_json_free(j);
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	}
	*out = j;
	return SD_OK;
}

static enum sd_err header_base64(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, bool url, struct sd_buf *out, struct sd_error *e)
{
	struct cJSON *j;
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = header_object(c, mode, now_ms, &j, e);

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
	enum sd_err rc = header_object(c, mode, now_ms, &headers, e);

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
