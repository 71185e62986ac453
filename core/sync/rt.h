/*
 * core/sync/rt.h - what the files of the realtime side know of each other.  Private to core/sync.
 *
 *   realtime.c  connections: opening, keep-alive, stale, closing, reconnecting; state told
 *   frames.c    what a connection says
 *   subs.c      subscriptions: starting, refusals, data
 *   subdoc.c    what a subscription says: owner argument, filter, payload
 */
#ifndef SD_SYNC_RT_H
#define SD_SYNC_RT_H

#include "core/graphql/doc.h"
#include "core/sync/internal.h"

#define SD_RT_ACK_MS      15000 /* connection_ack, start_ack (client.md 6.6) */
#define SD_RT_KA_MS       60000 /* between two keep-alives, until learned: the server's limit */
#define SD_RT_KA_PART     5     /* divided by this (AppSync: 300 s, one a minute), at most this */
#define SD_RT_KA_MIN_MS   1000
#define SD_RT_KA_SLACK_MS 10000  /* stale after the interval and this */
#define SD_RT_TIMEOUT_MS  300000 /* connectionTimeoutMs when the server names none */
#define SD_RT_AGAIN_MS    60000  /* longest wait between two attempts to connect */
#define SD_RT_STEADY_MS   30000  /* live for this long: back-off starts over */
#define SD_RT_BURST       50     /* starts under way on one connection (server.md 4) */
#define SD_RT_START_TRIES 3      /* unanswered starts before a model is polled */
#define SD_RT_REFUSED_MS  30000  /* a refused subscription is tried again; longer each time, */
#define SD_RT_REFUSED_MAX 300000 /* at most this: a server in trouble says no for a moment only */

enum sd_sub_state { SD_SUBST_WAITING, SD_SUBST_STARTING, SD_SUBST_LIVE, SD_SUBST_REFUSED };

struct sd_rt_sub {
	const struct sd_model *m;
	enum sd_doc kind;
	enum sd_sub_state state;
	size_t conn; /* index */
	char id[SD_UUID_TEXT];
	size_t mode_at;
	enum sd_auth_mode mode;
	bool filtered, owned;     /* the start under way carries these arguments */
	bool no_filter, no_owner; /* the server refused them */
	bool late;                /* did not settle in time: when it becomes live, it is a gap */
	int tries, refusals;      /* since it was live */
	struct sd_wait wait;      /* start_ack's limit, or when to try again */
};

enum sd_conn_state { SD_CONN_IDLE, SD_CONN_OPENING, SD_CONN_INIT, SD_CONN_READY };

struct sd_rt_conn {
	uint64_t id; /* 0 while idle */
	enum sd_conn_state state;
	enum sd_auth_mode mode;
	bool gave_up; /* an attempt failed: nobody waits for it any more */
	bool gap;     /* messages may have been missed: its models run when it is live */
	bool stale;
	int attempts;
	struct sd_wait wait; /* of opening and ack, or until the next attempt */
	int64_t ready_ms, last_ms, timeout_ms, ka_last_ms, ka_ms;
};

struct sd_realtime {
	struct sd_rt_conn *conns; /* owned */
	size_t conn_count;
	struct sd_rt_sub *subs; /* owned */
	size_t sub_count;
	int64_t ka_ms; /* learned, now or by an earlier start; 0: not yet */
	enum sd_rt_state told;
};

/* ---- realtime.c ---- */
/* The connection is lost or given up; close: tell the socket to go. */
enum sd_err sd_conn_drop(struct sd_engine *en, size_t at, bool close, const char *why,
	int64_t now_ms, struct sd_error *e);
/* Is everything of this connection live or refused?  Then gaps are closed and runs begin. */
enum sd_err sd_conn_settle(struct sd_engine *en, size_t at, int64_t now_ms, struct sd_error *e);
/* One more connection; its index. */
enum sd_err sd_conn_add(struct sd_engine *en, size_t *at, struct sd_error *e);
/* The state as a whole, and the event when it changed. */
void sd_rt_tell(struct sd_engine *en, int64_t now_ms);

/* The learned interval of keep-alives goes into the store. */
enum sd_err sd_rt_keep_interval(struct sd_engine *en, struct sd_error *e);

/* ---- subs.c ---- */
/* Starts what waits on a ready connection, a burst at a time. */
enum sd_err sd_subs_start(struct sd_engine *en, size_t conn, int64_t now_ms, struct sd_error *e);
bool sd_subs_settled(const struct sd_realtime *rt, size_t conn);
/* The connection is gone. */
void sd_subs_lost(struct sd_engine *en, size_t conn);
enum sd_err sd_subs_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
void sd_subs_deadline(const struct sd_engine *en, int64_t *deadline_ms);
/* start_ack, data, error, complete.  payload is the frame's; may be NULL. */
enum sd_err sd_subs_frame(struct sd_engine *en, size_t conn, const char *type, const char *id,
	struct cJSON *payload, int64_t now_ms, struct sd_error *e);
/* All models of a connection: one gap each. */
enum sd_err sd_subs_gap(
	struct sd_engine *en, size_t conn, const char *why, int64_t now_ms, struct sd_error *e);
/* All models of a connection are polled, or those no more whose subscriptions are all live. */
enum sd_err sd_subs_poll(
	struct sd_engine *en, size_t conn, bool on, int64_t now_ms, struct sd_error *e);
/* The first error of a payload: array, object, or the payload itself (server.md 5.5). */
struct sd_rt_error {
	const char *type, *message;
	int64_t code;
};
void sd_rt_first_error(const struct cJSON *payload, struct sd_rt_error *out);
/* Credentials that have ended, not a rule that says no. */
bool sd_rt_expired(const struct sd_rt_error *x);

/* ---- subdoc.c ---- */
/* payload.data of a start frame.  *text owned.  AUTH: the owner argument is needed and nobody is
 * signed in. */
enum sd_err sd_sub_payload(
	struct sd_engine *en, struct sd_rt_sub *s, int64_t now_ms, char **text, struct sd_error *e);

#endif
