/*
 * core/sandbox/server/ws.h - WebSocket as a server speaks it, without sockets.
 *
 * Framing by libwslay; what it leaves open is decided here: client frames must be masked, RSV bits
 * clear, text valid UTF-8, messages at most 1 MiB, control frames may stand between fragments.
 * Bytes in, bytes out: what is to be sent is appended to a buffer.  RFC 6455; design/lws.md 2.
 *
 * Depends on: base, libwslay, libcrypto (SHA-1).  Threads: plain data.
 */
#ifndef SD_SANDBOX_SERVER_WS_H
#define SD_SANDBOX_SERVER_WS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/sandbox/server/http.h"

#define SD_WSS_MESSAGE_MAX ((size_t)1 << 20) /* bytes; 1009 above */

struct sd_wss;

struct sd_wss_events {
	void (*text)(void *ctx, const char *p, size_t n); /* one whole message, NUL-terminated */
	void (*pong)(void *ctx);                          /* may be NULL */
};

/* out: where frames for the client go; borrowed, as ev and ctx are.  NULL: out of memory. */
struct sd_wss *sd_wss_new(struct sd_buf *out, const struct sd_wss_events *ev, void *ctx);
void sd_wss_free(struct sd_wss *w);
/* Takes all of p.  A violation sends the close frame for it; after a close nothing more is told. */
void sd_wss_feed(struct sd_wss *w, const char *p, size_t n);
/* false: closed already, or out of memory. */
bool sd_wss_text(struct sd_wss *w, const char *p, size_t n);
bool sd_wss_ping(struct sd_wss *w);
/* Sends a close frame once; code 0: a frame without a code. */
void sd_wss_close(struct sd_wss *w, int code, const char *reason);
/* The connection can be ended once everything is written: our close frame is out, and the client
 * sent its own or broke the protocol. */
bool sd_wss_done(const struct sd_wss *w);
bool sd_wss_closing(const struct sd_wss *w);  /* our close frame is out */
int sd_wss_peer_code(const struct sd_wss *w); /* the client's close code; 0: none came */

/* ---- the upgrade ---- */
struct sd_wss_offer { /* what Sec-WebSocket-Protocol held; borrowed from the value */
	bool graphql_ws;
	const char *header; /* text of a "header-" entry behind the dash; NULL */
	size_t header_len;
};
void sd_wss_offer(const char *value, struct sd_wss_offer *out);       /* value may be NULL */
void sd_wss_offered(const struct sd_hs *h, struct sd_wss_offer *all); /* of all such headers */
/* The header object by one of its three carriers (server.md 5.2), owned; NULL with *plain when it is
 * the request's own headers; *bad when it is none. */
struct cJSON *sd_wss_header(
	const struct sd_hs *h, const struct sd_wss_offer *offer, bool *plain, bool *bad);
/* NULL when the request is a good upgrade, else why not (answer 400; *status may say 426). */
const char *sd_wss_check(const struct sd_hs *h, int *status);
bool sd_wss_wanted(const struct sd_hs *h); /* Upgrade: websocket (h2c and others are ignored) */
/* Appends the 101.  protocol NULL: none chosen. */
bool sd_wss_accept(struct sd_buf *out, const char *key, const char *protocol);

#endif
