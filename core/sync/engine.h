/*
 * core/sync/engine.h - the sync engine: what happened goes in, what to do comes out.
 *
 * A pure state machine.  It owns no socket, clock, random source or thread: every input carries
 * the time, randomness is handed in at creation, and requests leave as actions that somebody else
 * carries out.  All its state that matters is in the store; killing the process at any point and
 * starting again loses nothing.
 *
 * The caller: begins a store transaction, gives one or more inputs, commits, and only then takes
 * and carries out the actions (an action with `early` set may be carried out before the commit:
 * it is a read that depends on nothing uncommitted).  When the commit fails the caller drops the
 * engine and makes a new one: it starts again from the store.
 *
 * Order of a start: contract.md 5.1.  Protocol: spec/client.md 2, 5, 6; decisions: requirements.md.
 *
 * Depends on: base, json, model, graphql, store.  Threads: one.
 */
#ifndef SD_SYNC_ENGINE_H
#define SD_SYNC_ENGINE_H

#include "core/base/rand.h"
#include "core/model/amplify.h"
#include "core/model/predicate.h"
#include "core/store/store.h"

struct sd_engine;

enum sd_policy {
	SD_POLICY_MERGE,
	SD_POLICY_ASK,
	SD_POLICY_MINE,
	SD_POLICY_THEIRS,
	SD_POLICY_SERVER,
	SD_POLICY_COMMAND
};
int sd_policy_parse(const char *s); /* "!..." gives SD_POLICY_COMMAND; -1 unknown */

struct sd_model_settings { /* one per schema model, by model->id */
	enum sd_policy policy;
	const char *policy_command;       /* SD_POLICY_COMMAND: without the '!'; borrowed */
	const struct sd_pred *expression; /* NULL: none; borrowed */
	const char *expression_command;   /* without the '!', evaluated at each start; NULL: none */
};

struct sd_engine_settings {             /* contract.md 7; borrowed, must outlive the engine */
	int64_t page_size, max_records; /* 0: no cap */
	int64_t full_interval_ms;
	int sync_concurrency, outbox_concurrency, outbox_batch, conflict_max_attempts;
	int subscriptions_per_connection;
	int64_t timeout_ms;
	bool read_only;                         /* nothing is ever sent that changes the server */
	const struct sd_model_settings *models; /* schema->model_count of them */
};

/* *out owned.  Everything in opts is borrowed and must outlive the engine. */
struct sd_engine_opts {
	struct sd_store *store;
	const struct sd_schema *schema;
	const struct sd_engine_settings *settings;
	struct sd_rand *rand;
	enum sd_auth_mode auth;     /* default mode; SD_AUTH_MULTI: by rules */
	enum sd_auth_mode modes[6]; /* modes that can be used at all now (multi-auth) */
	size_t mode_count;
};
SD_MUST_USE enum sd_err sd_engine_new(
	const struct sd_engine_opts *o, struct sd_engine **out, struct sd_error *e);
void sd_engine_free(struct sd_engine *en);

/* ---- inputs.  All times now_ms are Unix ms of the caller's clock; waits are computed from it and
 *      survive jumps (a deadline more than its own length away is taken as due). ---- */
SD_MUST_USE enum sd_err sd_engine_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
/* Ends what runs; requests under way are cancelled (their mutations become outcome unknown). */
SD_MUST_USE enum sd_err sd_engine_stop(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
/* The person's switch (`net off|on`, O): false cuts at once. */
SD_MUST_USE enum sd_err sd_engine_network(
	struct sd_engine *en, bool on, int64_t now_ms, struct sd_error *e);
/* Who is signed in changed, or the session expired (signed_in false keeps data, pauses sending).
 * claims: of the ID token, borrowed for the call; NULL: none. */
SD_MUST_USE enum sd_err sd_engine_auth(struct sd_engine *en, bool signed_in,
	const struct cJSON *claims, int64_t now_ms, struct sd_error *e);
/* The modes that can be used at all changed: a session came or went.  Followed by sd_engine_auth. */
void sd_engine_modes(struct sd_engine *en, const enum sd_auth_mode *modes, size_t n);
/* The store was changed by somebody else: new outbox entries, a pause (of sending: meta
 * "outbox.paused"; of fetching: "sync.paused"), a retry. */
SD_MUST_USE enum sd_err sd_engine_store_changed(
	struct sd_engine *en, int64_t now_ms, struct sd_error *e);
/* Sync again now: m NULL is every model; full forces base runs. */
SD_MUST_USE enum sd_err sd_engine_resync(struct sd_engine *en, const struct sd_model *m, bool full,
	int64_t now_ms, struct sd_error *e);
/* A deadline passed (or any time). */
SD_MUST_USE enum sd_err sd_engine_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e);

struct sd_http_result {
	uint64_t id;            /* of the action */
	int transport;          /* 0: an HTTP answer came; else a failure, text in `failure` */
	bool sent;              /* the request may have reached the server (a lost answer) */
	const char *failure;    /* "Could not resolve host" ...; NULL */
	int status;             /* HTTP status */
	int64_t retry_after_ms; /* -1: none */
	int64_t date_ms;        /* the server's Date header; 0: none */
	const char *error_type; /* x-amzn-errortype; NULL */
	const char *body;       /* borrowed */
	size_t body_len;
	int64_t took_ms;
};
SD_MUST_USE enum sd_err sd_engine_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);
/* Realtime connection `conn` (from SD_ACT_RT_OPEN): the upgrade is done. */
SD_MUST_USE enum sd_err sd_engine_rt_opened(
	struct sd_engine *en, uint64_t conn, int64_t now_ms, struct sd_error *e);
SD_MUST_USE enum sd_err sd_engine_rt_text(struct sd_engine *en, uint64_t conn, const char *text,
	size_t n, int64_t now_ms, struct sd_error *e);
/* code: WebSocket close code, 0 when there was none; status: HTTP status of a refused upgrade, 0,
 * or NO_CREDENTIALS: nothing was opened, reason says what is missing. */
#define SD_RT_NO_CREDENTIALS (-1)
SD_MUST_USE enum sd_err sd_engine_rt_closed(struct sd_engine *en, uint64_t conn, int code,
	int status, const char *reason, int64_t now_ms, struct sd_error *e);
/* Answer to SD_ACT_COMMAND: output NULL when it failed or timed out. */
SD_MUST_USE enum sd_err sd_engine_command_done(struct sd_engine *en, uint64_t id,
	const char *output, const char *failure, int64_t now_ms, struct sd_error *e);

/* ---- outputs ---- */
enum sd_act {
	SD_ACT_HTTP,        /* POST body to the endpoint with `mode`'s credentials */
	SD_ACT_HTTP_CANCEL, /* forget request id */
	SD_ACT_RT_OPEN,     /* open realtime connection `conn` with mode's credentials */
	SD_ACT_RT_SEND,     /* send text on conn */
	SD_ACT_RT_START, /* send a start frame: sub_id, payload.data = text, mode's credentials */
	SD_ACT_RT_CLOSE, /* close conn */
	SD_ACT_EVENT,    /* text: one JSON object of contract.md 6, with "event" and "at" */
	SD_ACT_REFRESH,  /* credentials of `mode` were refused: refresh, then sd_engine_auth() */
	SD_ACT_COMMAND   /* run text in a shell with input on stdin, limit timeout_ms */
};
struct sd_action { /* strings owned by the taker: sd_action_release */
	enum sd_act kind;
	uint64_t id; /* HTTP, COMMAND */
	uint64_t conn;
	enum sd_auth_mode mode;
	char *text;  /* body, frame, payload data, event */
	char *input; /* COMMAND */
	char *sub_id;
	int64_t timeout_ms;
	bool early; /* may be carried out before the commit */
};
/* false: none left. */
bool sd_engine_next(struct sd_engine *en, struct sd_action *out);
void sd_action_release(struct sd_action *a);
/* When to call tick: Unix ms; INT64_MAX: not before something happens. */
int64_t sd_engine_deadline(const struct sd_engine *en);

enum sd_rt_state { SD_RT_DOWN, SD_RT_CONNECTING, SD_RT_LIVE, SD_RT_STALE };
const char *sd_rt_state_name(enum sd_rt_state s);

enum sd_phase {
	SD_PHASE_STOPPED,
	SD_PHASE_OFFLINE,
	SD_PHASE_CONNECTING,
	SD_PHASE_SUBSCRIBING,
	SD_PHASE_SYNCING,
	SD_PHASE_LIVE
};
const char *sd_phase_name(enum sd_phase p);

/* Four separate facts about being online (U-15), and what the Sync view shows.  Times: Unix ms of
 * the last success, 0: never. */
struct sd_engine_status {
	enum sd_phase phase;
	bool switched_off;               /* by hand or --offline */
	bool active;                     /* networkStatus */
	bool signed_in_needed;           /* paused for credentials */
	bool outbox_paused, pull_paused; /* by hand: `outbox pause`, `sync pause` (U-33) */
	int64_t tcp_ok_ms, auth_ok_ms, http_ok_ms, rt_ok_ms;
	int64_t offline_since_ms;
	char last_failure[256];
	char auth_why[256]; /* why a sign-in is needed, when it was not the server that said so */
	enum sd_rt_state rt;
	int64_t rt_since_ms, rt_last_message_ms, rt_timeout_ms;
	int subscriptions, subscriptions_wanted, reconnects;
	int64_t http_last_ms; /* duration of the last request */
	int64_t sent_bytes, received_bytes;
	int in_flight; /* mutations */
	int deciding;  /* conflicts that a policy command is deciding, or will next */
	int models_synced, models_total;
	int64_t skew_ms; /* server clock minus ours */
	bool ready;
};
void sd_engine_status(const struct sd_engine *en, struct sd_engine_status *out);
/* True when everything is synced and nothing can be sent any more (sync --once, wait drained). */
bool sd_engine_idle(const struct sd_engine *en);

#endif
