/*
 * core/net/loop.h - the background thread's loop: libwebsockets outside, curl nested in it.
 *
 * Knows bytes, not models.  One loop per thread; every function but sd_loop_wake() on that thread.
 * Callbacks run inside sd_loop_turn() and may start and cancel requests.
 * Design and pitfalls: design/architecture.md 7, design/lws.md 5 and 6.
 *
 * Depends on: base, lws, curl.
 */
#ifndef SD_NET_LOOP_H
#define SD_NET_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct sd_loop;

struct sd_loop_opts {        /* borrowed for the call */
	const char *ca_file; /* PEM; NULL: the system's */
	bool plain; /* no realtime connection will use TLS (one that does trusts nobody): the
		     * system's certificates, which take tens of milliseconds, are not read */
	int64_t connect_timeout_ms;
};

/* Once per process, before any thread: curl, lws log, OpenSSL.  Again is fine. */
void sd_net_init(void);

SD_MUST_USE enum sd_err sd_loop_new(
	const struct sd_loop_opts *o, struct sd_loop **out, struct sd_error *e);
/* Ends requests and connections without callbacks. */
void sd_loop_free(struct sd_loop *l);
/* One turn: waits until something happens, but at most wait_ms; runs callbacks. */
void sd_loop_turn(struct sd_loop *l, int64_t wait_ms);
/* Forgets every request and connection, without callbacks; the loop goes on. */
void sd_loop_drop_all(struct sd_loop *l);
/* From any thread: the current or next turn ends soon. */
void sd_loop_wake(struct sd_loop *l);

/* ---- HTTP ---- */
struct sd_http_answer {      /* borrowed within the callback */
	int transport;       /* 0: an answer came; else a CURLcode */
	bool sent;           /* the request may have reached the server */
	const char *failure; /* for a person; NULL */
	int status;
	int64_t retry_after_ms; /* -1 */
	int64_t date_ms;        /* 0 */
	const char *error_type; /* x-amzn-errortype; NULL */
	struct sd_buf *body;    /* the callback may sd_buf_take() it */
	int64_t took_ms;
};
typedef void (*sd_http_fn)(void *ctx, uint64_t id, const struct sd_http_answer *a);

/* Longest answer taken, bytes. */
#define SD_HTTP_MAX_ANSWER ((size_t)32 << 20)

/* POST.  headers: "Name: value" lines, NULL-terminated, copied; body is copied.  The callback comes
 * exactly once, unless cancelled.  No redirects are followed; gzip is accepted.  The request is
 * written at most once: a connection that ends without an answer is an answer with `sent`. */
SD_MUST_USE enum sd_err sd_http_post(struct sd_loop *l, uint64_t id, const char *url,
	const char *const *headers, const char *body, size_t n, int64_t timeout_ms, sd_http_fn fn,
	void *ctx, struct sd_error *e);
void sd_http_cancel(struct sd_loop *l, uint64_t id);

/* The same without a loop: blocks the calling thread.  *status gets the HTTP status, out (may hold
 * a partial body on error) the answer.  Errors: NET, TIMEOUT. */
SD_MUST_USE enum sd_err sd_http_post_wait(const char *url, const char *const *headers,
	const char *body, size_t n, const char *ca_file, int64_t timeout_ms, int *status,
	struct sd_buf *out, struct sd_error *e);

/* ---- WebSocket client ---- */
struct sd_ws_events {
	void (*opened)(void *ctx, uint64_t id);
	void (*text)(void *ctx, uint64_t id, const char *p, size_t n); /* one whole message */
	/* exactly once, however it ended: close code (0: none), HTTP status of a refused upgrade
	 * (0: none) */
	void (*closed)(void *ctx, uint64_t id, int code, int status, const char *reason);
};

/* Longest message taken, bytes; longest path (lws 4.1.6 cuts longer ones without a word). */
#define SD_WS_MAX_MESSAGE ((size_t)4 << 20)
#define SD_WS_MAX_PATH    1900

/* url ws:// or wss://; protocol: the Sec-WebSocket-Protocol list ("graphql-ws, header-...").
 * Names are resolved off the loop's thread.  ev is borrowed until closed. Errors: INVAL, NOMEM. */
SD_MUST_USE enum sd_err sd_ws_open(struct sd_loop *l, uint64_t id, const char *url,
	const char *protocol, const struct sd_ws_events *ev, void *ctx, struct sd_error *e);
/* Queues one text message; unknown ids are ignored (the closed callback is on its way). */
SD_MUST_USE enum sd_err sd_ws_send(
	struct sd_loop *l, uint64_t id, const char *p, size_t n, struct sd_error *e);
void sd_ws_close(struct sd_loop *l, uint64_t id, int code); /* the closed callback still comes */

#endif
