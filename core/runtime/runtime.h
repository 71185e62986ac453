/*
 * core/runtime/runtime.h - the one background thread: network loop, writing connection, engine.
 *
 * The thread waits in the network loop; what happened is fed to the engine inside one store
 * transaction; after the commit the engine's actions are carried out.  Pages of a base sync share
 * a transaction for up to SD_RT_TXN_MS, unless a save is waiting (sd_runtime_save_waiting).
 *
 * Depends on: base, json, model, store, net, auth, sync.
 * Threads: start and stop belong to one caller thread; the others may come from any.
 */
#ifndef SD_RUNTIME_RUNTIME_H
#define SD_RUNTIME_RUNTIME_H

#include "core/auth/auth.h"
#include "core/base/queue.h"
#include "core/sync/engine.h"

struct sd_runtime;

#define SD_RT_TXN_MS    120  /* longest time a transaction is kept open over several pages */
#define SD_RT_SHORT_MS  5    /* the same while a person saves: what they wait for is its commit */
#define SD_RT_SAVES_MS  3000 /* so long after a save */
#define SD_RT_POLL_MS   250  /* how often commits of other processes are looked for */
#define SD_RT_WAL_BYTES ((size_t)64 << 20)

struct sd_runtime_opts { /* borrowed for the life of the runtime */
	const char *dir;
	const struct sd_schema *schema;
	const struct sd_engine_settings *settings;
	const char *endpoint, *api_key, *token, *ca_file;
	enum sd_auth_mode auth;
	const struct sd_pool *pool;              /* NULL: none */
	const struct sd_identity_pool *identity; /* NULL: none */
	const struct sd_aws_keys *keys;          /* the person's own; NULL: none */
	const char *region;                      /* NULL: as the endpoint says */
	bool offline;                            /* start with the network switched off */
	int64_t connect_timeout_ms;
	int64_t history_max_rows, history_max_age_ms; /* 0: no cap */
	int64_t generation;         /* of the store when it was opened (sd_wipe_generation) */
	struct sd_queue *events;    /* engine events go here: owned char * JSON texts */
	void (*changed)(void *ctx); /* called on the thread after something worth a look */
	void *ctx;
};

/* Takes the engine lock, opens its own writing connection, loads the session, starts the thread.
 * Errors: BUSY (another process syncs: names the pid), DB, IO, NET, AUTH. */
SD_MUST_USE enum sd_err sd_runtime_start(
	const struct sd_runtime_opts *o, struct sd_runtime **out, struct sd_error *e);
/* Ends the thread, frees everything; NULL is fine. */
void sd_runtime_stop(struct sd_runtime *rt);

/* ---- asynchronous ---- */
void sd_runtime_network(struct sd_runtime *rt, bool on);
void sd_runtime_resync(struct sd_runtime *rt, const struct sd_model *m, bool full);
void sd_runtime_kick(struct sd_runtime *rt); /* the store was changed */
/* The same, with a ticket: once it is reached, the thread has seen the store as it was when asked, the
 * events of everything committed until then are in the queue, and the status is not older. */
int64_t sd_runtime_ask(struct sd_runtime *rt);
bool sd_runtime_reached(struct sd_runtime *rt, int64_t ticket);
/* The session file changed: read it again. */
void sd_runtime_reauth(struct sd_runtime *rt);
/* Around a save on another thread: while > 0 the runtime ends its transaction early. */
void sd_runtime_save_waiting(struct sd_runtime *rt, int delta);
/* A snapshot.  *idle: everything is synced and nothing can be sent.  SD_OK, or the error that
 * ended the thread. */
enum sd_err sd_runtime_status(
	struct sd_runtime *rt, struct sd_engine_status *out, bool *idle, struct sd_error *why);

#endif
