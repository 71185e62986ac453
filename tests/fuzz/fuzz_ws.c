/*
 * tests/fuzz/fuzz_ws.c - WebSocket frames: however the bytes are cut, the same messages come out,
 * and only valid UTF-8.  The first byte picks the piece size.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/sandbox/server/ws.h"

struct seen {
	uint64_t hash;
	size_t messages, out;
	bool done;
	int code;
};

static void on_text(void *ctx, const char *p, size_t n)
{
	struct seen *s = ctx;

	if (!sd_utf8_valid(p, n) || p[n] || n > SD_WSS_MESSAGE_MAX)
		abort();
	s->hash = s->hash * 31 + sd_hash(p, n);
	s->messages++;
}

static void run(const char *p, size_t n, size_t piece, struct seen *s)
{
	static const struct sd_wss_events EVENTS = {.text = on_text};
	struct sd_buf out = SD_BUF_INIT;
	struct sd_wss *w;

	memset(s, 0, sizeof *s);
	w = sd_wss_new(&out, &EVENTS, s);
	for (size_t at = 0; at < n; at += piece)
		sd_wss_feed(w, p + at, at + piece < n ? piece : n - at);
	s->out = out.len;
	s->done = sd_wss_done(w);
	s->code = sd_wss_peer_code(w);
	sd_wss_free(w);
	sd_buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n);
int LLVMFuzzerTestOneInput(const uint8_t *d, size_t n)
{
	struct seen whole, cut;

	if (n < 2)
		return 0;
	run((const char *)d + 1, n - 1, n, &whole);
	run((const char *)d + 1, n - 1, (size_t)d[0] + 1, &cut);
	if (whole.hash != cut.hash || whole.messages != cut.messages || whole.out != cut.out ||
		whole.done != cut.done || whole.code != cut.code)
		abort();
	return 0;
}
