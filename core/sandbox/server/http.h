/*
 * core/sandbox/server/http.h - HTTP/1.1 as a server reads it, without sockets.
 *
 * Strict on purpose: a client that only works against a forgiving server is a broken client.
 * Bytes go in piece by piece, in any cut; the request comes out whole.  Nothing behind a request
 * is consumed, so pipelined requests wait in the caller's buffer.  RFC 9112; design/lws.md 2.
 *
 * Depends on: base.  Threads: plain data.
 */
#ifndef SD_SANDBOX_SERVER_HTTP_H
#define SD_SANDBOX_SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

#define SD_HS_HEAD_CAP    ((size_t)64 << 10) /* request line and headers, bytes; 431 above */
#define SD_HS_HEADERS_MAX 128

struct sd_hs_header { /* name in lower case, value without outer blanks; borrowed from head */
	const char *name, *value;
};

enum sd_hs_state {
	SD_HS_HEAD,  /* reading the head */
	SD_HS_ROUTE, /* the head is complete: set body_cap, then sd_hs_body() */
	SD_HS_BODY,
	SD_HS_DONE,  /* the request is complete */
	SD_HS_FAILED /* status says why; answer it and close */
};

struct sd_hs {
	enum sd_hs_state state;
	int status;      /* FAILED: 400, 413, 417, 431, 501, 505 */
	const char *why; /* FAILED: static text */

	/* valid from ROUTE on, until sd_hs_reset; borrowed from head */
	const char *method, *target; /* "POST", "/graphql?x=1" */
	size_t path_len;             /* of target, up to '?' */
	struct sd_hs_header headers[SD_HS_HEADERS_MAX];
	size_t header_count;
	bool keep_alive, expect_continue, chunked, http10;
	size_t content_length;

	size_t body_cap; /* set by the caller in ROUTE; 413 above */
	struct sd_buf body;

	/* private */
	struct sd_buf head, line; /* line: a chunk's size or trailer line in the making */
	size_t left, trailer;
	int part;
};

void sd_hs_init(struct sd_hs *h);
void sd_hs_release(struct sd_hs *h);
/* Ready for the next request of the connection. */
void sd_hs_reset(struct sd_hs *h);
/* Reads as much of p[0..n) as belongs to this request; returns the bytes used.  Stops in ROUTE,
 * DONE and FAILED; call again with the rest after leaving ROUTE. */
size_t sd_hs_feed(struct sd_hs *h, const char *p, size_t n);
/* Leaves ROUTE: BODY, DONE (there is none) or FAILED (413, known from Content-Length). */
void sd_hs_body(struct sd_hs *h);
/* Value of a header (lower-case name); NULL when absent.  Of several, the first. */
const char *sd_hs_header(const struct sd_hs *h, const char *name);
/* Whether a comma-separated header has the token, whatever its case. */
bool sd_hs_has_token(const struct sd_hs *h, const char *name, const char *token);
bool sd_hs_path_is(const struct sd_hs *h, const char *path);
/* One parameter of the query string, percent-decoded; form: '+' is a blank, else it stays (base64).
 * false: absent or badly encoded. */
bool sd_hs_param(const struct sd_hs *h, const char *name, bool form, struct sd_buf *out);

/* ---- answers ---- */
struct sd_hs_reply {
	int status;
	const char *type;  /* content-type; NULL: none */
	const char *extra; /* whole header lines, each with its CRLF; NULL */
	const char *body;
	size_t n;
	bool head_only; /* the length is told, the body is not sent */
	bool close;
	bool unsized; /* no length is told: chunked, or the end is the connection's */
	bool chunked;
	int64_t date_ms;
};
/* Appends head and body. */
bool sd_hs_write(struct sd_buf *out, const struct sd_hs_reply *r);
const char *sd_hs_reason(int status);
/* Whether Accept-Encoding asks for gzip. */
bool sd_hs_takes_gzip(const struct sd_hs *h);
/* Appends p[0..n) as gzip. */
bool sd_hs_gzip(const char *p, size_t n, struct sd_buf *out);

#endif
