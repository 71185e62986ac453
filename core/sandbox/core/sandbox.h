/*
 * core/sandbox/core/sandbox.h - the AppSync-compatible backend without its sockets.
 *
 * Pure: the clock and randomness are handed in; its SQLite tables (base_<Model>, delta) are its
 * only state.  What it decides (schema generation, plurals, filters with DynamoDB's semantics,
 * scalars, conflict strategies, authorisation) is its own code, shared with no client code.
 * Behaviour: spec/server.md; its SANDBOX RULEs are normative.
 *
 * Depends on: base, json, model (schema readers), graphql (document parser), sqlite3.
 * Threads: one.
 */
#ifndef SD_SANDBOX_CORE_SANDBOX_H
#define SD_SANDBOX_CORE_SANDBOX_H

#include "core/base/buf.h"
#include "core/base/rand.h"
#include "core/model/amplify.h"
#include "core/model/schema.h"

struct sd_sbx;

enum sd_strategy {
	SD_STRATEGY_AUTOMERGE,
	SD_STRATEGY_OPTIMISTIC,
	SD_STRATEGY_LAMBDA,
	SD_STRATEGY_NONE
};

/* lambda:COMMAND: payload in, decision out (owned text, NULL: it failed). */
typedef char *(*sd_sbx_lambda_fn)(void *ctx, const char *command, const char *payload);
/* The same in the background: starts it; what it says is handed to sd_sbx_decide with this run,
 * later, never from inside.  false: it cannot be started. */
typedef bool (*sd_sbx_ask_fn)(void *ctx, uint64_t run, const char *command, const char *payload);

struct sd_sbx_opts {
	const struct sd_schema *schema; /* borrowed */
	/* NULL: for as long as it runs: in memory, what is more than 32 MB in an unnamed file
	 * where temporary ones are kept.  A named file is WAL with synchronous FULL. */
	const char *db;
	struct sd_rand *rand; /* borrowed */
	enum sd_strategy strategy;
	const char *lambda;          /* command; NULL */
	sd_sbx_lambda_fn run_lambda; /* for calls that wait for it; NULL: such conflicts fail */
	sd_sbx_ask_fn ask_lambda;    /* for sd_sbx_submit; NULL: it waits, too */
	void *lambda_ctx;
	int64_t delta_ttl_ms, base_ttl_ms; /* 30 min, 30 days */
	int64_t max_limit;                 /* 1000 */
	int max_subscriptions;             /* per connection, 100 */
	bool api_key_mode, user_pool_mode; /* which credentials exist at all */
	int64_t execution_ms;              /* of a request, 0: 30 s; then ExecutionTimeout */
	int64_t (*mono_ms)(void);          /* NULL: the system's monotonic clock */
};

SD_MUST_USE enum sd_err sd_sbx_open(
	const struct sd_sbx_opts *o, struct sd_sbx **out, struct sd_error *e);
void sd_sbx_close(struct sd_sbx *s);
/* Strategy of one model ("Post=optimistic", "Post=lambda:COMMAND": text borrowed).  "none" is a plain
 * table: another API, so subscriptions end. */
SD_MUST_USE enum sd_err sd_sbx_model_strategy(
	struct sd_sbx *s, const char *text, struct sd_error *e);
/* Switches, "true" or "false", of spec/server.md: resurrect_on_update, accept_future_version,
 * lenient_datetime, introspection, datastore (all models plain); strict_relations refuses what 1.8
 * forbids instead of saying it, strict_keys wants composite index keys all there or not at all; and
 * two faults of versioned tables: max_conflicts (a merge never gets through), delta_write_error (the
 * base table is written, the change log is not).  INVAL names what is allowed. */
SD_MUST_USE enum sd_err sd_sbx_set(
	struct sd_sbx *s, const char *key, const char *value, struct sd_error *e);

/* Another schema from now on (borrowed, must outlive it): the API is made anew, tables of new models
 * are added, what is stored stays; strategies stay by name; subscriptions end.  On an error all is
 * as before.  INVAL: e.g. the key of a model with rows changed; BUSY: something is under way. */
SD_MUST_USE enum sd_err sd_sbx_schema(
	struct sd_sbx *s, const struct sd_schema *schema, struct sd_error *e);

enum sd_sbx_role {      /* of an IAM caller (spec/server.md 1.9) */
	SD_ROLE_ANY,    /* stands for both of the next: no role is configured */
	SD_ROLE_AUTH,   /* the identity pool's role of signed-in users: rules allow: private */
	SD_ROLE_UNAUTH, /* of guests: rules allow: public */
	SD_ROLE_OTHER   /* no rule speaks of it */
};

struct sd_sbx_identity { /* who asks; borrowed for the call */
	enum sd_auth_mode mode;
	enum sd_sbx_role role;      /* SD_AUTH_IAM */
	const struct cJSON *claims; /* user pool, OIDC; NULL */
};

struct sd_sbx_answer {      /* sd_sbx_answer_release */
	int status;         /* HTTP */
	struct sd_buf body; /* JSON text */
};
void sd_sbx_answer_release(struct sd_sbx_answer *a);

/* Delivery to a subscriber: payload is {"data":{...}} (JSON text, borrowed). */
typedef void (*sd_sbx_deliver_fn)(
	void *ctx, uint64_t conn, const char *sub_id, const char *payload);
void sd_sbx_on_deliver(struct sd_sbx *s, sd_sbx_deliver_fn fn, void *ctx);

/* One POST body {"query","variables","operationName"}: parse, validate, execute; deliveries happen
 * before it returns.  Never fails: errors are in the answer. */
void sd_sbx_request(struct sd_sbx *s, const char *body, size_t n, const struct sd_sbx_identity *who,
	int64_t now_ms, struct sd_sbx_answer *out);

/* The same without waiting for a conflict handler: done is called once with the answer (borrowed),
 * before this returns or from a later sd_sbx_decide; with NULL from sd_sbx_close.  Meanwhile later
 * changes of the record in conflict wait behind it, nothing else does.  body and who are borrowed
 * for the call only. */
typedef void (*sd_sbx_done_fn)(void *ctx, const struct sd_sbx_answer *a);
void sd_sbx_submit(struct sd_sbx *s, const char *body, size_t n, const struct sd_sbx_identity *who,
	int64_t now_ms, sd_sbx_done_fn done, void *ctx);
/* What a handler said (borrowed; NULL: it failed).  An unknown run is ignored. */
void sd_sbx_decide(struct sd_sbx *s, uint64_t run, const char *decision, int64_t now_ms);

/* The root fields of a request body (for faults): kind is "query", "mutation" or "subscription";
 * names pushed to array.  false: not a document. */
bool sd_sbx_roots(
	struct sd_sbx *s, const char *body, size_t n, const char **kind, struct cJSON *names);

/* Realtime: registers a subscription (payload.data text).  *error_payload (owned) is NULL when it
 * was accepted (send start_ack), else the payload of the error frame. */
void sd_sbx_subscribe(struct sd_sbx *s, uint64_t conn, const char *sub_id, const char *data,
	size_t n, const struct sd_sbx_identity *who, int64_t now_ms, char **error_payload);
bool sd_sbx_unsubscribe(struct sd_sbx *s, uint64_t conn, const char *sub_id); /* false: unknown */
void sd_sbx_drop_connection(struct sd_sbx *s, uint64_t conn);
size_t sd_sbx_subscription_count(const struct sd_sbx *s);

/* ---- admin (contract.md 10) ---- */
SD_MUST_USE enum sd_err sd_sbx_sdl(struct sd_sbx *s, struct sd_buf *out, struct sd_error *e);
/* {"Post":{"live":n,"deleted":n},...}; *out owned. */
SD_MUST_USE enum sd_err sd_sbx_state(
	struct sd_sbx *s, int64_t now_ms, struct cJSON **out, struct sd_error *e);
/* All rows of a model with metadata, tombstones too: a JSON array, appended to out. */
SD_MUST_USE enum sd_err sd_sbx_dump(struct sd_sbx *s, const char *model, int64_t now_ms,
	struct sd_buf *out, struct sd_error *e);
/* The same, about `bytes` at a time: *at is 0 at first and -1 once the array is closed.  Rows that
 * are written meanwhile come as they are when it is their turn. */
SD_MUST_USE enum sd_err sd_sbx_dump_piece(struct sd_sbx *s, const char *model, int64_t now_ms,
	size_t bytes, int64_t *at, struct sd_buf *out, struct sd_error *e);
/* As another client, no authorisation: op "create" "update" "delete"; _version omitted in input is
 * the current one.  Publishes with all fields selected.  *row owned; on a GraphQL error returns
 * SD_REFUSED and *row is the error object. */
SD_MUST_USE enum sd_err sd_sbx_mutate(struct sd_sbx *s, const char *op, const char *model,
	const struct cJSON *input, int64_t now_ms, struct cJSON **row, struct sd_error *e);
/* The same without waiting for a conflict handler, as sd_sbx_submit: done gets 200 with the row, 409
 * with the error object, 404 or 400 with {"error":text}. */
void sd_sbx_submit_mutate(struct sd_sbx *s, const char *op, const char *model,
	const struct cJSON *input, int64_t now_ms, sd_sbx_done_fn done, void *ctx);
/* Writes rows as they are: no event, no version bump, no delta row.  Times and metadata that an item
 * does not name stay as they were; a new row gets version 1 and now. */
SD_MUST_USE enum sd_err sd_sbx_put(struct sd_sbx *s, const char *model, const struct cJSON *items,
	int64_t now_ms, struct sd_error *e);
/* count records of a model, the same for the same seed; a million take no more memory than ten.  A
 * file that had them already is left alone, unless the model has no rows at all. */
SD_MUST_USE enum sd_err sd_sbx_seed(struct sd_sbx *s, const char *model, int64_t count,
	uint64_t seed, int64_t now_ms, struct sd_error *e);
/* NDJSON of {"model","fields"}: one line; versions 1, no event. */
SD_MUST_USE enum sd_err sd_sbx_seed_line(
	struct sd_sbx *s, const char *line, size_t n, int64_t now_ms, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sbx_begin(
	struct sd_sbx *s, struct sd_error *e); /* around many seed lines */
SD_MUST_USE enum sd_err sd_sbx_commit(struct sd_sbx *s, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sbx_purge(
	struct sd_sbx *s, struct sd_error *e); /* tombstones expire now */
/* All data; as fast for a million rows as for ten.  INVAL inside sd_sbx_begin. */
SD_MUST_USE enum sd_err sd_sbx_reset(struct sd_sbx *s, struct sd_error *e);

/* ---- what the server keeps beside the data: a user's new password, a session that was ended.  In
 * the file when there is one; sd_sbx_reset empties it, too ---- */
/* value NULL: forgotten. */
SD_MUST_USE enum sd_err sd_sbx_keep(
	struct sd_sbx *s, const char *key, const char *value, struct sd_error *e);
typedef void (*sd_sbx_kept_fn)(void *ctx, const char *key, const char *value); /* borrowed */
SD_MUST_USE enum sd_err sd_sbx_kept(
	struct sd_sbx *s, sd_sbx_kept_fn fn, void *ctx, struct sd_error *e);

/* ---- seed, purge and put in pieces, so that others can be served in between ---- */
struct sd_sbx_work;
/* *out owned.  Parents that the records need are made here. */
SD_MUST_USE enum sd_err sd_sbx_seed_work(struct sd_sbx *s, const char *model, int64_t count,
	uint64_t seed, int64_t now_ms, struct sd_sbx_work **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sbx_purge_work(
	struct sd_sbx *s, struct sd_sbx_work **out, struct sd_error *e);
/* Takes items (an array), also on failure.  INVAL, and nothing is put, when one lacks its key. */
SD_MUST_USE enum sd_err sd_sbx_put_work(struct sd_sbx *s, const char *model, struct cJSON *items,
	struct sd_sbx_work **out, struct sd_error *e);
/* The next `rows` rows, in one transaction; *done: none are left. */
SD_MUST_USE enum sd_err sd_sbx_work_step(
	struct sd_sbx_work *j, int64_t rows, int64_t now_ms, bool *done, struct sd_error *e);
void sd_sbx_work_free(struct sd_sbx_work *j);

#endif
