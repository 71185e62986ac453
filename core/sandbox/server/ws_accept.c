/* core/sandbox/server/ws_accept.c - the WebSocket upgrade; see ws.h. */
#include <string.h>
#include <strings.h>

#include <openssl/sha.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/ws.h"

#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" /* RFC 6455 1.3 */

void sd_wss_offer(const char *value, struct sd_wss_offer *out)
{
	memset(out, 0, sizeof *out);
	while (value && *value) {
		const char *entry = value + strspn(value, ", \t");
		size_t n = strcspn(entry, ", \t");

		if (n == 10 && memcmp(entry, "graphql-ws", 10) == 0) {
			out->graphql_ws = true;
		} else if (n >= 7 && memcmp(entry, "header-", 7) == 0) {
			out->header = entry + 7;
			out->header_len = n - 7;
		}
		value = entry + n;
	}
}

void sd_wss_offered(const struct sd_hs *h, struct sd_wss_offer *all)
{
	memset(all, 0, sizeof *all);
	for (size_t i = 0; i < h->header_count; i++) {
		struct sd_wss_offer one;
		if (strcmp(h->headers[i].name, "sec-websocket-protocol") != 0)
			continue;
		sd_wss_offer(h->headers[i].value, &one);
		all->graphql_ws = all->graphql_ws || one.graphql_ws;
		if (one.header) {
			all->header = one.header;
			all->header_len = one.header_len;
		}
	}
}

struct cJSON *sd_wss_header(
	const struct sd_hs *h, const struct sd_wss_offer *offer, bool *plain, bool *bad)
{
	struct sd_buf text64 = SD_BUF_INIT, text = SD_BUF_INIT;
	struct cJSON *j = NULL;

	*plain = false;
	if (offer->header)
		sd_buf_add(&text64, offer->header, offer->header_len);
	else if (!sd_hs_param(h, "header", false, &text64))
		*plain = !strstr(h->target, "header=");
	if (!*plain &&
		(!text64.len || !sd_base64_decode(&text, text64.data, text64.len) ||
			sd_json_parse(sd_buf_text(&text), text.len, "header", &j, NULL) != SD_OK))
		j = NULL;
	*bad = !*plain && (!sd_json_is_object(j) || !sd_json_get_str(j, "host"));
	sd_buf_release(&text64);
	sd_buf_release(&text);
	return j;
}

bool sd_wss_wanted(const struct sd_hs *h)
{
	return sd_hs_has_token(h, "upgrade", "websocket") &&
	       sd_hs_has_token(h, "connection", "upgrade");
}

static bool good_key(const char *key)
{
	struct sd_buf b = {.cap = 64};
	bool ok = strlen(key) == 24 && sd_base64_decode(&b, key, 24) && b.len == 16;

	sd_buf_release(&b);
	return ok;
}

const char *sd_wss_check(const struct sd_hs *h, int *status)
{
	const char *key = sd_hs_header(h, "sec-websocket-key");
	const char *version = sd_hs_header(h, "sec-websocket-version");

	*status = 400;
	if (strcmp(h->method, "GET") != 0)
		return "an upgrade is a GET";
	if (!version || strcmp(version, "13") != 0) {
		*status = 426;
		return "Sec-WebSocket-Version must be 13";
	}
	if (!key || !good_key(key))
		return "Sec-WebSocket-Key must be 16 bytes in base64";
	if (h->content_length || h->chunked)
		return "an upgrade has no body";
	return NULL;
}

bool sd_wss_accept(struct sd_buf *out, const char *key, const char *protocol)
{
	unsigned char digest[SHA_DIGEST_LENGTH];
	char text[24 + sizeof GUID];
	size_t n = strlen(key);

	if (n > 24)
		return false;
	memcpy(text, key, n);
	memcpy(text + n, GUID, sizeof GUID);
	SHA1((const unsigned char *)text, n + sizeof GUID - 1, digest);
	sd_buf_str(out, "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\n"
			"connection: Upgrade\r\nsec-websocket-accept: ");
	sd_base64_encode(out, digest, sizeof digest, false);
	sd_buf_str(out, "\r\n");
	if (protocol)
		sd_buf_fmt(out, "sec-websocket-protocol: %s\r\n", protocol);
	sd_buf_str(out, "\r\n");
	return sd_buf_ok(out);
}
