/*
 * tests/fuzz/fuzz_http.c - the HTTP reader: however the bytes are cut, the same comes out.
 *
 * The first byte picks the piece size; the rest is the connection's input.  The credentials that a
 * realtime upgrade carries in base64 are read, too.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/sandbox/server/http.h"
#include "core/sandbox/server/ws.h"

#define REQUESTS 20

struct seen {
	size_t used;
	enum sd_hs_state state;
	int status;
	size_t requests, body_bytes, headers;
};

static void run(const char *p, size_t n, size_t piece, struct seen *out)
{
	struct sd_hs h;
	size_t at = 0, have = 0;
	struct sd_buf v = SD_BUF_INIT;

	memset(out, 0, sizeof *out);
	sd_hs_init(&h);
	while (h.state != SD_HS_FAILED && out->requests < REQUESTS) {
		size_t used;
		if (have < n && (have == at || piece))
			have = piece && have + piece < n ? have + piece : n;
		used = sd_hs_feed(&h, p + at, have - at);
		if (used > have - at)
			abort();
		at += used;
		if (h.state == SD_HS_ROUTE) {
			struct sd_wss_offer offer;
			struct cJSON *header;
			bool plain, bad;
			int status;
			sd_hs_param(&h, "payload", true, &v);
			sd_buf_reset(&v);
			sd_wss_offered(&h, &offer);
			header = sd_wss_header(&h, &offer, &plain, &bad);
			if ((plain && header) || (!plain && !bad && !sd_json_is_object(header)))
				abort();
			sd_json_free(header);
			if (sd_wss_wanted(&h))
				(void)sd_wss_check(&h, &status);
			if (h.path_len > strlen(h.target) || !h.method)
				abort();
			out->headers += h.header_count;
			h.body_cap = 4096;
			sd_hs_body(&h);
			if (h.state == SD_HS_ROUTE)
				abort();
		} else if (!used && have == n && h.state != SD_HS_DONE) {
			break;
		}
		if (h.state == SD_HS_DONE) {
			if (h.body.len > 4096)
				abort();
			out->requests++;
			out->body_bytes += h.body.len;
			sd_hs_reset(&h);
		}
	}
	out->used = h.state == SD_HS_FAILED ? 0 : at;
	out->state = h.state;
	out->status = h.status;
	sd_hs_release(&h);
	sd_buf_release(&v);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct seen whole, cut;

	if (n < 1)
		return 0;
	run((const char *)d + 1, n - 1, 0, &whole);
	run((const char *)d + 1, n - 1, (size_t)d[0] + 1, &cut);
	if (whole.requests != cut.requests || whole.body_bytes != cut.body_bytes ||
		whole.headers != cut.headers || whole.state != cut.state ||
		whole.status != cut.status || whole.used != cut.used)
		abort();
	return 0;
}
