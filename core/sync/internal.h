/*
 * core/sync/internal.h - what the parts of the engine know of each other.  Private to core/sync.
 *
 *   engine.c    life cycle, inputs to their part, actions, events, status
 *   pull.c      base and delta runs, expressions, buffered messages, gaps
 *   realtime.c  the realtime protocol: connections, subscriptions, keep-alive, reconnect
 *   push.c      the outbox: what may go, sending, answers, unknown outcomes, rebase, conflicts
 *   merge.c resolve.c forecast.c reply.c   pure helpers
 *
 * Gate: an outbox entry of a model goes out only when sd_pull_ready() says so for its model: after
 * a start or any gap the model's run has ended (and its parents').  Mutations of other models do
 * not wait for one large model.
 */
#ifndef SD_SYNC_INTERNAL_H
#define SD_SYNC_INTERNAL_H

#include "core/store/apply.h"
#include "core/store/outbox.h"
#include "core/sync/engine.h"
#include "core/sync/reply.h"

struct sd_pull;
struct sd_push;
struct sd_realtime;

enum sd_owner { SD_OWNER_PULL, SD_OWNER_PUSH };

/* A point in time waited for, with the length of the wait: when the clock is set back, a wait that
 * is longer away than it is long is over. */
struct sd_wait {
	int64_t at_ms; /* 0: none */
	int64_t len_ms;
};
static inline void sd_wait_set(struct sd_wait *w, int64_t now_ms, int64_t len_ms)
{
	w->len_ms = len_ms > 0 ? len_ms : 0;
	w->at_ms = now_ms + w->len_ms > 0 ? now_ms + w->len_ms : 1;
}
static inline void sd_wait_off(struct sd_wait *w)
{
	w->at_ms = 0;
}
static inline bool sd_wait_due(const struct sd_wait *w, int64_t now_ms)
{
	return w->at_ms && (now_ms >= w->at_ms || w->at_ms - now_ms > w->len_ms);
}
/* *deadline becomes w when that is earlier. */
static inline void sd_wait_min(const struct sd_wait *w, int64_t *deadline_ms)
{
	if (w->at_ms && w->at_ms < *deadline_ms)
		*deadline_ms = w->at_ms;
}

struct sd_engine {
	struct sd_store *store;               /* borrowed */
	const struct sd_schema *schema;       /* borrowed */
	const struct sd_engine_settings *set; /* borrowed */
	struct sd_rand *rand;                 /* borrowed */
	enum sd_auth_mode auth;
	enum sd_auth_mode modes[6];
	size_t mode_count;
	bool started, net_on, signed_in;
	bool pull_paused;     /* nothing is fetched and nobody listens; sending goes on */
	struct cJSON *claims; /* owned; NULL */
	struct sd_engine_status status;
	struct sd_pull *pull;   /* owned */
	struct sd_push *push;   /* owned */
	struct sd_realtime *rt; /* owned */
	uint64_t next_id;
	struct sd_request { /* requests under way; owned array */
		uint64_t id;
		enum sd_owner owner;
	} * requests;
	size_t request_count, request_room;
	struct sd_action *actions; /* owned ring of actions not taken yet */
	size_t action_head, action_count, action_room;
	bool active_told, active; /* networkStatus as told */
	/* ---- engine.c's own ---- */
	bool refused[SD_AUTH_MULTI + 1]; /* modes whose credentials the server refused */
	int refusals;                    /* in a row, without an accepted request between */
	struct sd_wait refusal_wait;     /* until they are tried again by themselves */
	struct sd_wait probe;            /* offline: when to knock again */
	int probes;
	bool probing;    /* offline: one request may go out to see */
	bool went_down;  /* messages may be missed from now on: every model needs a run */
	bool came_back;  /* offline is over: connections start anew at the end of the input */
	int64_t down_ms; /* since when the offline time that is over now lasted */
	bool connected;  /* realtime was started since the network is on */
	bool push_wake;  /* something may have become sendable */
	bool oom;        /* an action was lost: the input fails with NOMEM */
	int lost;        /* answers lost in a row (sent, no answer) */
	bool told_empty; /* what outboxStatus said last */
};

/* ---- engine.c, for the parts ---- */
/* Queues an HTTP request; text moves.  Returns its id, 0 when out of memory. */
uint64_t sd_en_http(
	struct sd_engine *en, enum sd_owner owner, char *body, enum sd_auth_mode mode, bool early);
void sd_en_cancel(struct sd_engine *en, uint64_t id);
bool sd_en_act(struct sd_engine *en, struct sd_action a); /* strings move, also on failure */
/* Queues an event; fields (may be NULL) moves and gets "event" and "at" put in front. */
void sd_en_event(struct sd_engine *en, const char *name, struct cJSON *fields, int64_t now_ms);
/* Somebody saw the endpoint answer, or fail to: drives networkStatus and the four facts. */
void sd_en_reachable(struct sd_engine *en, bool ok, const char *failure, int64_t now_ms);
/* Credentials of a mode were refused (401): pauses, asks for a refresh once. */
void sd_en_auth_refused(struct sd_engine *en, enum sd_auth_mode mode, int64_t now_ms);
/* The modes to try for a model's operation, in order (client.md 10.2); count returned. */
size_t sd_en_modes(const struct sd_engine *en, const struct sd_model *m, unsigned op_bit,
	enum sd_auth_mode out[6]);
/* Requests may go out at all: started, switched on, not known to be offline (or just probing). */
bool sd_en_online(const struct sd_engine *en);
/* This mode's credentials are there and not refused. */
bool sd_en_mode_ok(const struct sd_engine *en, enum sd_auth_mode mode);
/* The DataStore events about the outbox: enqueued, processed, failed, outboxStatus. */
void sd_en_outbox_status(struct sd_engine *en, int64_t now_ms);

/* ---- pull.c ---- */
enum sd_err sd_pull_new(struct sd_engine *en, struct sd_error *e);
void sd_pull_free(struct sd_pull *p);
enum sd_err sd_pull_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
void sd_pull_stop(struct sd_engine *en, int64_t now_ms);
/* Fetching ends for now; runs go on from their page later. */
void sd_pull_pause(struct sd_engine *en);
enum sd_err sd_pull_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
int64_t sd_pull_deadline(const struct sd_engine *en);
enum sd_err sd_pull_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);
/* Messages may have been missed since (the socket was lost, stale, refused): all models, or m. */
enum sd_err sd_pull_gap(struct sd_engine *en, const struct sd_model *m, const char *why,
	int64_t now_ms, struct sd_error *e);
/* m cannot be subscribed to: poll it by delta. */
enum sd_err sd_pull_poll(struct sd_engine *en, const struct sd_model *m, bool on, int64_t now_ms,
	struct sd_error *e);
/* A record came over a subscription (wire form; moves).  Buffered until m's run has ended. */
enum sd_err sd_pull_message(struct sd_engine *en, const struct sd_model *m, struct cJSON *item,
	int64_t now_ms, struct sd_error *e);
enum sd_err sd_pull_resync(struct sd_engine *en, const struct sd_model *m, bool full,
	int64_t now_ms, struct sd_error *e);
enum sd_err sd_pull_command_done(struct sd_engine *en, uint64_t id, const char *output,
	const char *failure, bool *mine, int64_t now_ms, struct sd_error *e);
/* m's run after the last gap has ended, and its parents', or nobody here may read m: its outbox
 * entries may go. */
bool sd_pull_ready(const struct sd_engine *en, const struct sd_model *m);
bool sd_pull_idle(const struct sd_engine *en);
/* A start is over: expressions are evaluated anew at the next. */
void sd_pull_forget(struct sd_engine *en);
/* Every expression is known: commands have answered. */
bool sd_pull_expressions_known(const struct sd_engine *en);
/* Other credentials: what was denied is tried again. */
void sd_pull_auth(struct sd_engine *en, int64_t now_ms);
/* The sync expression in force; NULL: none. */
const struct sd_pred *sd_pull_expression(const struct sd_engine *en, const struct sd_model *m);

/* ---- realtime.c ---- */
enum sd_err sd_rt_new(struct sd_engine *en, struct sd_error *e);
void sd_rt_free(struct sd_realtime *rt);
enum sd_err sd_rt_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
void sd_rt_stop(struct sd_engine *en, int64_t now_ms);
enum sd_err sd_rt_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
int64_t sd_rt_deadline(const struct sd_engine *en);
enum sd_err sd_rt_opened(struct sd_engine *en, uint64_t conn, int64_t now_ms, struct sd_error *e);
enum sd_err sd_rt_text(struct sd_engine *en, uint64_t conn, const char *text, size_t n,
	int64_t now_ms, struct sd_error *e);
enum sd_err sd_rt_closed(struct sd_engine *en, uint64_t conn, int code, int status,
	const char *reason, int64_t now_ms, struct sd_error *e);
/* Credentials changed: connections are made anew with them. */
enum sd_err sd_rt_reauth(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
/* The endpoint answers again: connections that have said nothing since down_ms are made anew. */
enum sd_err sd_rt_back(struct sd_engine *en, int64_t down_ms, int64_t now_ms, struct sd_error *e);
/* All subscriptions of the start are live or have given up (bounded wait). */
bool sd_rt_settled(const struct sd_engine *en);

/* ---- push.c ---- */
enum sd_err sd_push_new(struct sd_engine *en, struct sd_error *e);
void sd_push_free(struct sd_push *p);
enum sd_err sd_push_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
void sd_push_stop(struct sd_engine *en, int64_t now_ms); /* cuts what is under way: unknown */
/* A start is over: what policy commands would say is not waited for (the next start asks again). */
void sd_push_forget(struct sd_engine *en);
/* Something may have become sendable: a new entry, a model ready, a due time, sign-in. */
enum sd_err sd_push_wake(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
int64_t sd_push_deadline(const struct sd_engine *en);
enum sd_err sd_push_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);
enum sd_err sd_push_command_done(struct sd_engine *en, uint64_t id, const char *output,
	const char *failure, bool *mine, int64_t now_ms, struct sd_error *e);
/* New journal lines of local changes since the last look: outboxMutationEnqueued events. */
enum sd_err sd_push_local(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
bool sd_push_idle(const struct sd_engine *en);

#endif
