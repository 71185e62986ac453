/*
 * core/runtime/wire.h - endpoint addresses and credentials as the wire wants them.
 *
 * Sources: spec/client.md 1.7 (HTTP headers), 6.4 (realtime URL), 6.5 (handshake), 6.6 (start).
 * Depends on: base, json, model, auth.  Threads: no state.
 */
#ifndef SD_RUNTIME_WIRE_H
#define SD_RUNTIME_WIRE_H

#include "core/auth/auth.h"
#include "core/auth/aws.h"
#include "core/model/amplify.h"

struct sd_credentials {       /* borrowed */
	const char *endpoint; /* the GraphQL URL */
	const char *api_key;
	const char *token;                /* OIDC and Lambda */
	const struct sd_session *session; /* user pool; NULL: signed out */
	const struct sd_aws_keys *keys;   /* IAM; NULL or empty: none */
	const char *region;               /* of the keys' signatures; NULL: as the endpoint says */
};

/* The realtime URL of a GraphQL endpoint; appended. */
bool sd_wire_realtime_url(const char *endpoint, struct sd_buf *out);
/* host[:port] of a URL; appended. */
bool sd_wire_host(const char *url, struct sd_buf *out);
/* INVAL unless it is http(s)://host[:port]/path. */
SD_MUST_USE enum sd_err sd_wire_check_endpoint(const char *url, struct sd_error *e);

/* Can this mode be used now?  AUTH with what is missing. */
SD_MUST_USE enum sd_err sd_wire_can(
	const struct sd_credentials *c, enum sd_auth_mode mode, struct sd_error *e);
/* The credential lines of a POST of body ("x-api-key: ...", or what IAM signs); none for
 * SD_AUTH_NONE. */
#define SD_WIRE_LINES 3
struct sd_wire_lines {
	struct sd_buf line[SD_WIRE_LINES]; /* owned */
	size_t count;
};
SD_MUST_USE enum sd_err sd_wire_http_lines(const struct sd_credentials *c, enum sd_auth_mode mode,
	const char *body, size_t len, int64_t now_ms, struct sd_wire_lines *out,
	struct sd_error *e);
void sd_wire_lines_release(struct sd_wire_lines *l); /* overwrites them */
/* The Sec-WebSocket-Protocol list with the header entry (variant A); appended. */
SD_MUST_USE enum sd_err sd_wire_subprotocol(const struct sd_credentials *c, enum sd_auth_mode mode,
	int64_t now_ms, struct sd_buf *out, struct sd_error *e);
/* The realtime URL with credentials in the query (variant B); appended. */
SD_MUST_USE enum sd_err sd_wire_realtime_query(const struct sd_credentials *c,
	enum sd_auth_mode mode, int64_t now_ms, struct sd_buf *out, struct sd_error *e);
/* A start frame; data is the JSON text of {"query","variables"}; appended. */
SD_MUST_USE enum sd_err sd_wire_start(const struct sd_credentials *c, enum sd_auth_mode mode,
	const char *sub_id, const char *data, int64_t now_ms, struct sd_buf *out,
	struct sd_error *e);

/* What every request carries; IAM signs it. */
#define SD_CONTENT_TYPE "content-type: application/json; charset=UTF-8"
#define SD_USER_AGENT   "syncdeck/" SD_VERSION " datastore/2"

#endif
