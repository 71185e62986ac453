/*
 * core/sandbox/server/server.h - private to core/sandbox/server: the running server and its
 * connections.
 *
 * One thread, one lws context, raw sockets (design/lws.md 1 says why).  front.c moves bytes,
 * route.c picks who answers, the others answer.
 */
#ifndef SD_SANDBOX_SERVER_SERVER_H
#define SD_SANDBOX_SERVER_SERVER_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include <libwebsockets.h>

#include "core/api/sandbox.h"
#include "core/base/buf.h"
#include "core/base/rand.h"
#include "core/sandbox/core/sandbox.h"
#include "core/sandbox/server/fault.h"
#include "core/sandbox/server/http.h"
#include "core/sandbox/server/reqlog.h"
#include "core/sandbox/server/sigv4.h"
#include "core/sandbox/server/ws.h"

#define GRAPHQL_BODY_MAX ((size_t)1 << 20) /* bytes; server.md 4 */
#define ADMIN_BODY_MAX   ((size_t)8 << 20)
#define EVENT_MAX        ((size_t)240 << 10) /* a subscription payload; server.md 4 */
#define JSON_TYPE        "application/json; charset=UTF-8"

struct conn;
struct pool;
struct oidc;
struct work;
struct sd_dump;
struct sd_lambdas;

struct ws_faults { /* POST ws */
	bool mute, ignore_init, no_ack, dup_data;
	int refuse;                 /* HTTP status for upgrades; 0: accept */
	struct cJSON *start_errors; /* owned array, taken from the front; NULL: none */
};

struct settings { /* --set keys that are the server's own */
	int max_subscriptions;
	int64_t token_ttl_ms, ws_lifetime_ms, init_timeout_ms, lambda_timeout_ms,
		request_timeout_ms, execution_timeout_ms;
	int64_t idle_timeout_ms; /* of a connection on which nothing moves */
	int64_t api_key_ttl_ms;  /* 0: it never expires */
	bool trust_unsigned_jwt, refresh_rotation, expire_subscriptions, strict_host;
	int subscribe_rate; /* starts a second on one connection; 0: any */
	struct iam_caller {
		char key[130], secret[130];
		enum sd_sbx_role role;
	} iam[8];
	size_t iam_count;                                     /* 0: mode is off */
	char lambda_token[200];                               /* "": mode is off */
	const char *oidc_jwks, *oidc_issuer, *oidc_client_id; /* borrowed; NULL: off, any */
};

struct server {
	const struct sd_sandbox_opts *o; /* borrowed */
	struct settings set;
	struct lws_context *lws;
	struct lws_vhost *front, *control;
	struct sd_sbx *sbx;
	const struct sd_schema *schema; /* in force */
	struct sd_schema *pushed;       /* owned: of POST schema; NULL: the one it started with */
	struct pool *pool;              /* NULL: no user pool */
	struct oidc *oidc;              /* NULL: no key set of another issuer */
	struct sd_rand rand;
	struct sd_faults faults;
	struct sd_reqlog log;
	struct ws_faults ws;
	int64_t started_ms; /* wall clock */
	int64_t clock_offset_ms, latency_ms, jitter_ms;
	struct conn **conns; /* by slot; NULL where free */
	size_t conn_room, realtime_count;
	uint64_t conn_serial;
	struct sd_buf cert, cert_key; /* PEM; empty without TLS */
	char *ca_file;                /* owned; NULL without TLS */
	char base_url[300];           /* "http://127.0.0.1:20002" */
	int port;
	bool stop, default_user_pool;
	sigset_t old_mask;     /* put back at the end */
	struct sd_buf scratch; /* frames in the making */
	struct work *work;     /* owned; long admin calls, the first is at work */
	lws_sorted_usec_list_t work_sul;
	bool talk;                  /* somebody said something since the last slice of it */
	struct sd_lambdas *lambdas; /* NULL: no strategy asks a handler */
};

struct delayed { /* a start message that a fault put off */
	struct delayed *next;
	struct cJSON *message; /* owned */
	int64_t at;            /* monotonic ms */
};

struct realtime { /* a connection after the upgrade */
	bool acked;
	struct delayed *delayed;          /* owned, in order of arrival */
	char *failure;                    /* owned connection_error frame still to be sent */
	int failure_code;                 /* close code that goes with it */
	int64_t init_by, next_ka, end_by; /* monotonic ms */
	struct token_life *lives;         /* owned */
	int64_t bucket, bucket_at;        /* thousandths of starts allowed now; monotonic ms */
};

struct conn {
	struct server *s;
	struct lws *wsi;
	uint64_t id; /* for sd_sbx_subscribe; never reused */
	struct sd_buf in, out, held;
	size_t in_at, out_at; /* what is consumed and written */
	struct sd_hs http;
	struct sd_wss *ws; /* NULL: still HTTP */
	struct realtime rt;
	int64_t delay_ms;    /* for the answer in the making */
	int64_t release_at;  /* held is sent then, monotonic ms; 0: nothing is held */
	int64_t stuck_since; /* out waits, and this long nothing of it went, monotonic ms; 0: none */
	int64_t request_by;  /* a request that began to come must be whole then; 0: none began */
	uint64_t log_id;     /* of the request in the making; 0: not logged */
	bool paused, closing; /* closing: ends once out is written */
	bool drain;           /* closing, but unread input must not turn into a reset */
	bool busy;            /* the answer is in the making and comes from outside its callback */
	bool hang, kill;      /* hang: never answered; kill: ends now */
	bool shut, touched;
	struct sd_dump *dump; /* owned; the answer that is being written; NULL */
	bool close_after;     /* the dump's end is the connection's */
};

/* ---- front.c ---- */
SD_MUST_USE enum sd_err sd_srv_listen(struct server *s, struct sd_error *e);
/* Something was put into c->out, or flags changed, outside c's own callback. */
void sd_srv_touch(struct conn *c);
void sd_srv_kill(struct conn *c, bool reset); /* ends it without a word; reset: with an RST */
struct conn *sd_srv_conn(struct server *s, uint64_t id); /* NULL: gone */
void sd_srv_set_timer(struct conn *c);                   /* from its next deadline */
int64_t sd_srv_now_ms(const struct server *s);           /* wall clock, offset included */

/* ---- route.c ---- */
void sd_srv_head(struct conn *c);     /* the head is complete (ROUTE) */
void sd_srv_request(struct conn *c);  /* DONE */
void sd_srv_refuse(struct conn *c);   /* FAILED */
void sd_srv_too_slow(struct conn *c); /* the request did not come in time: 408 */
/* The answer to the request in hand: out now, or held for c->delay_ms; then the next request. */
void sd_srv_reply(struct conn *c, struct sd_hs_reply *r);
void sd_srv_reply_json(struct conn *c, int status, const char *body, size_t n);
/* Only the head; the caller puts the body into c->out. */
void sd_srv_reply_head(struct conn *c, struct sd_hs_reply *r);
/* {"errors":[{"errorType","message"}]} with x-amzn-ErrorType (server.md 6.2). */
void sd_srv_reply_error(struct conn *c, int status, const char *type, const char *message);
void sd_srv_405(struct conn *c, const char *allow);
bool sd_srv_is_method(const struct conn *c, const char *method);
void sd_srv_log_request(struct conn *c);

/* ---- identity.c: credentials to who asks ---- */
struct identity { /* sd_srv_identity_release */
	struct sd_sbx_identity who;
	struct cJSON *claims; /* owned */
};
struct denial { /* static */
	int status;
	const char *type, *message;
};
/* NULL when accepted. */
const struct denial *sd_srv_identify(
	struct server *s, const struct sd_sigv4_request *r, struct identity *out);
const struct denial *sd_srv_identify_http(struct conn *c, struct identity *out);
/* From a realtime header object (names in any case), or from the upgrade's own headers (NULL). */
const struct denial *sd_srv_identify_connect(
	struct conn *c, struct cJSON *header, struct identity *out);
const struct denial *sd_srv_identify_start(
	struct server *s, struct cJSON *header, const char *data, struct identity *out);
void sd_srv_identity_release(struct identity *i);

/* ---- graphql_http.c ---- */
void sd_srv_graphql(struct conn *c);

/* ---- fault_http.c ---- */
enum faulted { FAULT_NONE, FAULT_ANSWERED, FAULT_AFTER };
/* Before execution: takes a fault for the request.  ANSWERED: nothing more to do.  AFTER: execute,
 * then give the answer to sd_srv_fault_after, which releases f. */
enum faulted sd_srv_fault_before(struct conn *c, const char *op, const struct cJSON *names,
	const char *body, size_t n, struct sd_fault *f);
void sd_srv_fault_after(struct conn *c, struct sd_fault *f, struct sd_hs_reply *r);

/* ---- realtime.c ---- */
void sd_srv_upgrade(struct conn *c);
void sd_srv_realtime_due(struct conn *c, int64_t mono_ms); /* deadlines */
int64_t sd_srv_realtime_deadline(const struct conn *c);    /* INT64_MAX: none */
void sd_srv_realtime_closed(struct conn *c);
void sd_srv_deliver(void *server, uint64_t conn, const char *sub_id, const char *payload);

/* One error object as the payload of a frame; id may be NULL, code 0: none. */
void sd_srv_send_error(struct conn *c, const char *frame, const char *id, const char *type,
	const char *message, int code);

/* ---- realtime_life.c ---- */
void sd_srv_life_add(struct conn *c, const char *id, const struct cJSON *claims);
void sd_srv_life_drop(struct conn *c, const char *id);
void sd_srv_life_free(struct conn *c);
int64_t sd_srv_life_deadline(const struct conn *c);   /* monotonic ms; INT64_MAX: none */
void sd_srv_life_due(struct conn *c, int64_t now_ms); /* the sandbox's clock */
void sd_srv_life_expire_all(struct server *s);
void sd_srv_life_clock(struct server *s, int64_t moved_ms); /* sockets age with the clock */
bool sd_srv_may_start(struct conn *c);                      /* false: too many starts at once */

/* ---- admin.c ---- */
void sd_srv_admin(struct conn *c);
void sd_srv_ws_faults_clear(struct ws_faults *w);
/* ---- admin_work.c ---- */
void sd_srv_dump_more(struct conn *c); /* all was written: the next piece into c->out */
void sd_srv_dump_free(struct sd_dump *d);
/* Ends what is queued; why: told to those who wait, NULL when nobody is to be told. */
void sd_srv_work_end(struct server *s, const char *why);
/* ---- pool.c: the user pool ---- */
SD_MUST_USE enum sd_err sd_srv_pool_open(struct server *s, struct sd_error *e);
void sd_srv_pool_close(struct pool *p);
void sd_srv_pool_call(struct conn *c); /* POST /cognito/ */
void sd_srv_pool_jwks(struct conn *c);
void sd_srv_pool_expire(struct server *s, bool refresh_too);
const char *sd_srv_pool_id(void);
const char *sd_srv_pool_client_id(void);
enum token_verdict { TOKEN_GOOD, TOKEN_FOREIGN, TOKEN_EXPIRED, TOKEN_MALFORMED, TOKEN_REFUSED };
/* *claims (owned) is set for GOOD, and for FOREIGN: another issuer's token where unsigned ones are
 * trusted. */
enum token_verdict sd_srv_pool_check(
	struct server *s, const char *token, size_t n, struct cJSON **claims);

/* ---- oidc.c: tokens of another issuer ---- */
/* Reads `--set oidc_jwks=FILE`, if given.  Errors: NOTFOUND, IO, INVAL. */
SD_MUST_USE enum sd_err sd_srv_oidc_open(struct server *s, struct sd_error *e);
void sd_srv_oidc_close(struct oidc *o);
bool sd_srv_oidc_on(const struct server *s);
/* *claims (owned) is set for GOOD. */
enum token_verdict sd_srv_oidc_check(
	struct server *s, const char *token, size_t n, struct cJSON **claims);

/* ---- settings.c, config.c, tls.c, seed.c ---- */
/* Takes the server's own keys (own, before the core is open), or gives the others to the core. */
SD_MUST_USE enum sd_err sd_srv_settings(struct server *s, bool own, struct sd_error *e);
SD_MUST_USE enum sd_err sd_srv_write_config(struct server *s, struct sd_error *e);
char *sd_srv_ready_line(const struct server *s); /* owned; NULL: out of memory */
SD_MUST_USE enum sd_err sd_srv_tls(struct server *s, struct sd_error *e);
SD_MUST_USE enum sd_err sd_srv_seed(struct server *s, struct sd_error *e);

#endif
