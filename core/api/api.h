/*
 * core/api/api.h - the one header of core that the faces (app, ui) work with.
 *
 * A struct sd_api is one profile opened by one process: schema, store, signed-in user and, once
 * started, the background thread with the engine.  Data calls run on the caller's thread with
 * their own connections and never wait for the network.  What they return is JSON in the shapes of
 * contract.md 4 to 6, read with core/json/json.h.
 *
 * Records and lists must not outlive the schema that the api was opened with.
 *
 * Threads: one caller thread (the UI's or the command line's).  Long reads for the UI run on a
 * helper thread: sd_api_job_start().
 */
#ifndef SD_API_API_H
#define SD_API_API_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "core/json/json.h"
#include "core/model/amplify.h"
#include "core/model/schema.h"

struct sd_api;

/* ---- settings: contract.md 7; filled by app/config.c with defaults ---- */
struct sd_model_option {
	char *model, *policy, *expression; /* NULL: not set */
};
struct sd_settings {
	int64_t sync_page_size, sync_max_records, sync_full_interval_ms, sync_concurrency;
	int64_t outbox_concurrency, outbox_batch, conflict_max_attempts;
	int64_t subscriptions_per_connection, net_timeout_ms, net_connect_timeout_ms;
	int64_t history_max_rows, history_max_age_ms; /* 0: no cap */
	char *conflict_policy;                        /* "merge" */
	bool clear_on_signout;                        /* auth.clear_on */
	char *ca_file;                                /* NULL: the system's */
	struct sd_model_option *models;               /* per-model ones */
	size_t model_count;
};

struct sd_api_opts {                    /* everything borrowed for the life of the api */
	const struct sd_config *config; /* never NULL; may be empty: local only */
	const struct sd_schema *schema;
	const struct sd_settings *settings;
	const char *data_dir;
	const char *endpoint; /* overrides config's; NULL; "" with an empty config: local only */
	const char *api_key;
	enum sd_auth_mode auth; /* SD_AUTH_NONE: the config's default */
	bool offline, read_only;
	/* true, from a signal handler or another thread: queries and counts that run end with
	 * SD_CANCELLED, and so do later ones.  NULL: never */
	const atomic_bool *stop;
	const char *token; /* SYNCDECK_TOKEN for oidc and lambda; NULL */
	/* AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN for iam; NULL */
	const char *aws_id, *aws_secret, *aws_token;
};

/* Finishes a wipe that was cut off, takes the profile lock, opens the store.  A store whose owner
 * is not signed in opens locked: every data call answers SD_AUTH and says who must sign in.
 * Errors: INVAL, DB, IO, BUSY. */
SD_MUST_USE enum sd_err sd_api_open(
	const struct sd_api_opts *o, struct sd_api **out, struct sd_error *e);
/* A store too damaged to be opened, or in which doctor found damage: what can be read of it goes
 * into a new one, unsent changes first (core/store/rescue.h).  The profile must not be open here;
 * other processes are told to close it.  *out, owned: {"sound","readable","unsent","lost","records",
 * "damaged","kept"}; sound: nothing was wrong, nothing was done.  Errors: NOTFOUND, INVAL, BUSY, DB,
 * IO. */
SD_MUST_USE enum sd_err sd_api_rescue(const char *data_dir, const struct sd_schema *schema,
	struct cJSON **out, struct sd_error *e);
void sd_api_close(struct sd_api *api); /* stops the engine; NULL is fine */
const struct sd_schema *sd_api_schema(const struct sd_api *api);
bool sd_api_has_backend(const struct sd_api *api);
const char *sd_api_endpoint(const struct sd_api *api); /* "" without */
const char *sd_api_dir(const struct sd_api *api);
bool sd_api_locked(const struct sd_api *api);
bool sd_api_read_only(const struct sd_api *api);
/* True once after the store changed (by the engine, another process or this one): look again. */
bool sd_api_changed(struct sd_api *api);

/* ---- records ---- */
typedef bool (*sd_api_rec_fn)(void *ctx, struct cJSON *rec); /* borrowed; false stops */

struct sd_api_query {
	const char *model;
	const char *where; /* predicate text; NULL: all */
	const char *sort;  /* "f,-g"; NULL: insertion order */
	const char *state; /* `_state` name; NULL: any */
	int64_t limit;     /* 0: none */
	int64_t page;      /* zero-based; only with limit */
	bool tombstones;
	bool orphans; /* only those that belong to a record that is not here; "_orphan" names how */
	/* keyset for lists: rows behind (or, backwards, before, nearest first) this record of the
	 * same query; NULL: from the first (or last) */
	const struct cJSON *after;
	bool backwards;
	/* > 0: gives up with SD_CANCELLED after so much processor time (or eight times as long in
	 * all); what was delivered stays delivered.  For callers that must not be held up: they go on
	 * with a job.  0: as long as it takes. */
	int64_t within_ms;
};
SD_MUST_USE enum sd_err sd_api_query(struct sd_api *api, const struct sd_api_query *q,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_count(
	struct sd_api *api, const struct sd_api_query *q, int64_t *out, struct sd_error *e);
/* key: JSON array text (sd_key_from_words).  NOTFOUND names model and key.  A record whose parent
 * is not here has "_orphan": the names of the relations that lead nowhere. */
SD_MUST_USE enum sd_err sd_api_get(struct sd_api *api, const char *model, const char *key,
	struct cJSON **rec, struct sd_error *e);
/* The three copies of a record with unsent changes: {"base":..|null,"server":..|null}. */
SD_MUST_USE enum sd_err sd_api_copies(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_related(struct sd_api *api, const char *model, const char *key,
	const char *field, sd_api_rec_fn fn, void *ctx, struct sd_error *e);
/* ---- long reads, on a helper thread with a connection of its own ---- */
struct sd_api_job;
struct sd_api_reader; /* what a job reads with */
typedef enum sd_err (*sd_api_job_fn)(struct sd_api_reader *r, void *ctx, struct sd_error *e);
/* fn runs on the helper thread, jobs one after the other.  ctx is the caller's and must live until
 * sd_api_job_end(); what both threads touch needs a lock.  When the job is done, or has news,
 * sd_api_fd() becomes readable. */
SD_MUST_USE enum sd_err sd_api_job_start(struct sd_api *api, sd_api_job_fn fn, void *ctx,
	struct sd_api_job **out, struct sd_error *e);
bool sd_api_job_done(const struct sd_api_job *job);
/* How much of the table was looked at, 0 to 100; -1: not known (an index leads the way). */
int sd_api_job_percent(const struct sd_api_job *job);
/* Returns at once; the job ends within milliseconds, with SD_CANCELLED. */
void sd_api_job_cancel(struct sd_api_job *job);
/* Cancels a job that is not done, waits for it (milliseconds), frees it; its result. NULL is fine. */
enum sd_err sd_api_job_end(struct sd_api_job *job, struct sd_error *e);
/* A person sorts a model by that field and it takes long: an index is made on the helper thread when
 * nothing else is to be done there; saves and jobs that come go first, then it is tried again. */
void sd_api_sort_used(struct sd_api *api, const char *model, const char *field, bool descending);
/* On the helper thread only. */
SD_MUST_USE enum sd_err sd_api_reader_query(struct sd_api_reader *r, const struct sd_api_query *q,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_reader_count(
	struct sd_api_reader *r, const struct sd_api_query *q, int64_t *out, struct sd_error *e);
bool sd_api_reader_stopped(const struct sd_api_reader *r); /* the job is cancelled */
void sd_api_reader_news(struct sd_api_reader *r);          /* there is something to fetch */

/* Checks a predicate (the UI's filter line): SD_OK or INVAL with the column. */
SD_MUST_USE enum sd_err sd_api_where_check(
	struct sd_api *api, const char *model, const char *where, struct sd_error *e);

/* fields: object of local values.  cond: predicate text, NULL without.  One transaction, durable
 * when it returns.  *rec (may be NULL) owned. */
SD_MUST_USE enum sd_err sd_api_save(struct sd_api *api, const char *model,
	const struct cJSON *fields, const char *cond, struct cJSON **rec, struct sd_error *e);
/* Many in one transaction: next() fills *fields (owned by save) and returns false at the end or on
 * error (then *e is set and nothing is written).  fn gets each saved record. */
typedef bool (*sd_api_next_fn)(
	void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_save_many(struct sd_api *api, const char *model, const char *cond,
	sd_api_next_fn next, sd_api_rec_fn fn, void *ctx, struct sd_error *e);
/* By key, or by predicate when key is NULL ("all" needs to be said).  deleted: array, owned, with
 * "_model" in each; NULL pointer: not wanted. */
SD_MUST_USE enum sd_err sd_api_delete(struct sd_api *api, const char *model, const char *key,
	const char *where, const char *cond, bool dry_run, struct cJSON **deleted,
	struct sd_error *e);
/* seq 0: the newest unsent save; a named entry is taken back whole.  What was deleted at once comes
 * back at once.  *left (may be NULL): earlier saves are still in that entry. */
SD_MUST_USE enum sd_err sd_api_undo(
	struct sd_api *api, int64_t seq, int64_t *undone, bool *left, struct sd_error *e);
/* Makes again what was undone last, by any process of the profile, until something else is
 * changed; NOTFOUND: nothing.  *made: its newest entry. */
SD_MUST_USE enum sd_err sd_api_redo(struct sd_api *api, int64_t *made, struct sd_error *e);

/* ---- records to and from files (contract.md 5 export, import) ---- */
/* How far it is, now and then: records, and bytes (or records) of all; false interrupts. */
typedef bool (*sd_api_progress_fn)(void *ctx, int64_t records, int64_t done, int64_t of);
struct sd_api_export {
	const char *const *models; /* none: all, parents first */
	size_t model_count;
	const char *where; /* NULL: all */
	bool csv;
	bool formula_safe; /* CSV: what a spreadsheet takes for a formula gets a ' in front */
	const char *file;  /* appears whole or not at all; NULL: stdout */
	bool terminal;     /* that is one: nothing goes out that it would act on */
	sd_api_progress_fn progress;
	void *ctx;
};
/* One state of the store, record by record.  Several models: "_model" in each record; in CSV a
 * column, the others being those of all of them. Errors: INVAL, IO, CANCELLED. */
SD_MUST_USE enum sd_err sd_api_export(
	struct sd_api *api, const struct sd_api_export *o, int64_t *records, struct sd_error *e);

/* One record as a line of that CSV, for a list that is not a whole model; rec NULL: the line of
 * names.  Appended; false: out of memory. */
bool sd_api_csv_put(const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out);

struct sd_api_import {
	const char *model, *file; /* "-": stdin */
	bool csv, dry_run;
	bool orphans;  /* take records whose parent is not here */
	int64_t chunk; /* records a transaction; 0: all in one; -1: by the file's size */
	sd_api_progress_fn progress;
	void (*problem)(void *ctx, const char *text); /* dry run: each line that is wrong */
	void *ctx;
};
struct sd_api_imported {
	int64_t records, created, updated; /* of this call */
	int64_t skipped;                   /* of another model */
	int64_t resumed;                   /* records written by an earlier, interrupted call */
	int64_t invalid;                   /* dry run */
};
/* Nothing is written when a line is invalid: a file that takes less than a second is one
 * transaction; a larger one is checked whole, then written in several, and what was interrupted goes on behind what is written
 * when the same file (by its content) is imported again.  Errors: INVAL, with "FILE:LINE: ...",
 * model, record and field; IO; CANCELLED. */
SD_MUST_USE enum sd_err sd_api_import(struct sd_api *api, const struct sd_api_import *o,
	struct sd_api_imported *out, struct sd_error *e);

/* ---- lists in the contract's shapes; *out is an owned array ---- */
SD_MUST_USE enum sd_err sd_api_models(struct sd_api *api, struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_outbox(
	struct sd_api *api, bool with_base, struct cJSON **out, struct sd_error *e);
/* Adds "hold" to the lines of such a list that wait for another entry: why they do not move. */
SD_MUST_USE enum sd_err sd_api_outbox_holds(
	struct sd_api *api, struct cJSON *list, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_conflicts(
	struct sd_api *api, struct cJSON **out, struct sd_error *e);
/* Newest first: {"at","version","source","type":"INSERT|UPDATE|DELETE|VERSION","changed"}; VERSION:
 * only the version moved.  An empty array: never seen, or no longer kept (history.max_*). */
SD_MUST_USE enum sd_err sd_api_history(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e);
/* Makes a new change that gives the record the fields it had at that version (contract.md 5).
 * *rec owned: the record after it; it holds those fields already: nothing is enqueued.
 * NOTFOUND: the record or that version was not seen here; INVAL: it was deleted then or is now, or
 * a value no longer fits the schema. */
SD_MUST_USE enum sd_err sd_api_revert(struct sd_api *api, const char *model, const char *key,
	int64_t version, struct cJSON **rec, struct sd_error *e);
/* One line a cause, oldest first, at most limit of the newest (0: all that is kept): {"at","cause":
 * "local|sync|subscription|mutation","kind","model","key","changed":[names]}; a change made here has
 * "seq" and "steps":[{"at","step":"write|sent|confirmed|echo|...","version"}]. model NULL: all. */
SD_MUST_USE enum sd_err sd_api_log(struct sd_api *api, const char *model, int64_t limit,
	struct cJSON **out, struct sd_error *e);
/* Newest first: {"at","model","key","op","text","version","seq"} of entries that left the outbox. */
SD_MUST_USE enum sd_err sd_api_sent(
	struct sd_api *api, int64_t limit, struct cJSON **out, struct sd_error *e);
/* Per model, for the Sync view: {"model","state","rows","expected","pages","new","updated",
 * "deleted","lastSync","why","error","token"}. */
SD_MUST_USE enum sd_err sd_api_sync_state(
	struct sd_api *api, struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_quarantine(
	struct sd_api *api, const char *model, struct cJSON **out, struct sd_error *e);
/* waiting + sending + parked, and conflicts, refused, quarantined; cheap. */
struct sd_api_counts {
	int64_t pending, waiting, sending, parked, conflicts, refused, quarantined, oldest_ms;
};
SD_MUST_USE enum sd_err sd_api_counts(
	struct sd_api *api, struct sd_api_counts *out, struct sd_error *e);
/* Whether anything unsent can still go out, now or after a wait: false while only entries are left
 * that a conflict, a refusal, a park or a pause holds (contract.md 5.1, `drained`). */
SD_MUST_USE enum sd_err sd_api_can_send(struct sd_api *api, bool *out, struct sd_error *e);

/* ---- looking: these ask the server on the caller's thread, and change nothing ---- */
/* Compares every record here with the server's, page by page: fn gets one line a difference
 * {"model","key","finding","detail"}, finding: missing-here, missing-there, version, content,
 * tombstone.  A difference is looked at twice before it is told.  Unsent changes are no difference:
 * the copy they were made on is compared. models none: all.  Errors: NET, TIMEOUT, AUTH, REFUSED
 * (a model may not be read), INVAL, CANCELLED. */
struct sd_api_audited { /* of one model */
	const char *model;
	int64_t here, there, compared, different;
};
/* A model that may not be read, or that the server cannot list, does not keep the others from being
 * compared; at the end the error, AUTH or FAILED, names all of them. */
SD_MUST_USE enum sd_err sd_api_audit(struct sd_api *api, const char *const *models, size_t n,
	sd_api_rec_fn fn, void (*model_done)(void *ctx, const struct sd_api_audited *a),
	sd_api_progress_fn progress, void *ctx, struct sd_error *e);
/* Why a record is as it is, or is not here: {"model","key","cause","evidence":[..],"next"}; causes:
 * contract.md 5 `explain`.  ask: the server may be asked (and waited for) when the store cannot
 * tell. */
SD_MUST_USE enum sd_err sd_api_explain(struct sd_api *api, const char *model, const char *key,
	bool ask, struct cJSON **out, struct sd_error *e);
/* One line a check: {"check","ok","detail"}, given as soon as it is known. *bad: how many failed.
 * A locked profile: whether its files are sound, and the server; nothing of its data; AUTH when
 * nothing but the sign-in is missing. */
SD_MUST_USE enum sd_err sd_api_doctor(
	struct sd_api *api, sd_api_rec_fn fn, void *ctx, int *bad, struct sd_error *e);

/* A copied DataStore file of an Android or iOS app (core/store/forensic.h).  table NULL: its queue;
 * "tables": what is in it; else the rows of that table.  Nothing is written. */
SD_MUST_USE enum sd_err sd_api_forensic(
	const char *file, const char *table, sd_api_rec_fn fn, void *ctx, struct sd_error *e);

/* A support archive (tar) of state, events, schema and versions, 0600, whole or not at all.  No
 * token, and no value of a record unless with_data.  extra: texts of the caller's. */
struct sd_api_bundle_text {
	const char *name, *text;
};
struct sd_api_bundle {
	const char *file;
	bool with_data;
	const struct sd_api_bundle_text *extra;
	size_t extra_count;
};
SD_MUST_USE enum sd_err sd_api_bundle(
	struct sd_api *api, const struct sd_api_bundle *o, struct sd_error *e);

/* ---- the project workflow (contract.md 9): no profile is opened, no store touched ---- */
/* The schema of the backend in o, told from its introspection, as SDL appended to sdl; what could
 * not be told is pushed to notes.  *same: o->schema (may be NULL) is what the server has.  Changes
 * nothing there.  Errors: AUTH names the missing step; NET, TIMEOUT, PROTO; FAILED. */
SD_MUST_USE enum sd_err sd_api_pull(const struct sd_api_opts *o, struct sd_buf *sdl,
	struct cJSON *notes, bool *same, struct sd_error *e);
/* Gives a local backend (sandbox --admin) this schema.  AUTH names the missing step and REFUSED
 * says why not; then nothing was changed. */
SD_MUST_USE enum sd_err sd_api_push(
	const struct sd_api_opts *o, const char *sdl, struct sd_error *e);

/* ---- outbox and conflicts, operated ---- */
/* verb: "retry" "park" "unpark" "discard"; NOTFOUND, BUSY (being sent), INVAL. */
SD_MUST_USE enum sd_err sd_api_outbox_do(
	struct sd_api *api, const char *verb, int64_t seq, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_outbox_retry_all(struct sd_api *api, int64_t *n, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_outbox_edit(
	struct sd_api *api, int64_t seq, const struct cJSON *fields, struct sd_error *e);
/* The exact request that would be sent: {"seq",...,"request":{"query","variables"},"hold":text}. */
SD_MUST_USE enum sd_err sd_api_outbox_show(
	struct sd_api *api, int64_t seq, struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_outbox_pause(struct sd_api *api, bool pause, struct sd_error *e);
/* What the service's own merges (conflict.policy server) dropped or doubled, newest first:
 * [{"seq","at","model","key","version","message","fields":[{"name","mine","result"}]}]. */
SD_MUST_USE enum sd_err sd_api_merged(
	struct sd_api *api, int64_t limit, struct cJSON **out, struct sd_error *e);
/* Writes the losing values of merge `seq` as a new change; fields: an array of names, NULL: all.
 * *rec owned.  NOTFOUND. */
SD_MUST_USE enum sd_err sd_api_restore(struct sd_api *api, int64_t seq, const struct cJSON *fields,
	struct cJSON **rec, struct sd_error *e);
/* Drops rows outside the sync expression that is in force (of the last run), but those with unsent
 * work (U-22); model NULL: all.  *out owned: [{"model","expression","rows"}]; dry: only counted. */
SD_MUST_USE enum sd_err sd_api_drop_outside(
	struct sd_api *api, const char *model, bool dry, struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_sync_pause(struct sd_api *api, bool pause, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_sync_paused(struct sd_api *api, bool *paused, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_outbox_paused(struct sd_api *api, bool *paused, struct sd_error *e);
/* Lines of an export, in one transaction.  AUTH: they are another user's; nothing is taken. */
SD_MUST_USE enum sd_err sd_api_outbox_import(
	struct sd_api *api, const struct cJSON *lines, struct sd_error *e);
/* keep: "mine" "theirs" "base" or NULL; picks: {"title":"mine"} or NULL; sets: {"f":JSON} or NULL.
 * *write owned: the mutation that goes out, JSON null for none. */
SD_MUST_USE enum sd_err sd_api_resolve(struct sd_api *api, int64_t id, const char *keep,
	const struct cJSON *picks, const struct cJSON *sets, bool dry_run, struct cJSON **write,
	struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_forecast(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e);

/* ---- following changes (observe) ---- */
struct sd_api_watch; /* a place in the journal */
SD_MUST_USE enum sd_err sd_api_watch_open(struct sd_api *api, const char *model, const char *key,
	const char *where, struct sd_api_watch **out, struct sd_error *e); /* any may be NULL */
void sd_api_watch_close(struct sd_api_watch *w);
/* Lines of contract.md 5 `observe` since the last call; returns at once.  After a clear one
 * {"event":"cleared"} comes and the watch goes on. */
SD_MUST_USE enum sd_err sd_api_watch_next(struct sd_api *api, struct sd_api_watch *w,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e);

/* ---- the engine ---- */
/* Starts the background thread.  BUSY names the pid when another process syncs the profile;
 * INVAL without a backend.  Starting a running one is fine. */
SD_MUST_USE enum sd_err sd_api_start(struct sd_api *api, struct sd_error *e);
void sd_api_stop(struct sd_api *api); /* bounded: 2 s */
bool sd_api_running(const struct sd_api *api);
void sd_api_net(struct sd_api *api, bool on);                         /* the manual switch */
void sd_api_resync(struct sd_api *api, const char *model, bool full); /* model NULL: all */
void sd_api_kick(struct sd_api *api); /* the store was changed here */

struct sd_api_status { /* a snapshot; times Unix ms, 0: never */
	bool running, active, switched_off, ready, auth_needed, paused, idle;
	bool pull_paused;  /* `sync pause`: nothing is fetched */
	char phase[16];    /* "stopped" "offline" "connecting" "subscribing" "syncing" "live" */
	char realtime[16]; /* "connecting" "live" "stale" "down" */
	int64_t tcp_ok_ms, auth_ok_ms, http_ok_ms, rt_ok_ms, offline_since_ms, rt_since_ms,
		rt_last_ms;
	int64_t rt_timeout_ms;
	int subscriptions, subscriptions_wanted, reconnects, in_flight, models_synced, models_total;
	int deciding; /* conflicts that a policy command is deciding */
	int64_t http_last_ms, sent_bytes, received_bytes, skew_ms;
	int64_t last_sync_ms; /* newest successful run of any model */
	char last_failure[256];
	char auth_why[256]; /* why a sign-in is needed; "": the server refused the credentials */
	int engine_pid;     /* the other process that syncs this profile; 0 */
};
void sd_api_status(struct sd_api *api, struct sd_api_status *out);
/* A ticket for the engine of this process: once it is reached, the engine has seen what was in the
 * store when asked, and the events of all that it committed until then can be taken. */
int64_t sd_api_ticket(struct sd_api *api);
bool sd_api_reached(struct sd_api *api, int64_t ticket);

/* Engine events (contract.md 6), one JSON object each: poll the fd, take until NULL.  *Owned text.
 * The fd also becomes readable when the store changed. */
int sd_api_fd(const struct sd_api *api);
char *sd_api_next_event(struct sd_api *api);

/* ---- people (contract.md 8) ---- */
enum sd_pending { SD_PENDING_ASK, SD_PENDING_PUSH, SD_PENDING_EXPORT, SD_PENDING_DISCARD };
struct sd_login {
	const char *user, *password;
	const char *new_password,
		*code; /* answers to challenges; NULL: SD_AUTH names what is needed */
	enum sd_pending pending;
	const char *export_file; /* SD_PENDING_EXPORT */
};
/* Under oidc nobody is asked for a password: the person's own token (SYNCDECK_TOKEN) is the
 * sign-in, and user may be NULL. */
bool sd_api_own_token(const struct sd_api *api);
/* Signs in.  The same user: unlocks.  A different one: guard (SD_UNSENT with the number), then the
 * wipe, then the session.  *who owned: the JSON line of contract.md 5. */
SD_MUST_USE enum sd_err sd_api_login(
	struct sd_api *api, const struct sd_login *l, struct cJSON **who, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_logout(struct sd_api *api, enum sd_pending pending,
	const char *export_file, struct cJSON **who, struct sd_error *e);
SD_MUST_USE enum sd_err sd_api_whoami(struct sd_api *api, struct cJSON **who, struct sd_error *e);
/* Users who have signed in on this profile's device: array of {"user","userId"}. */
SD_MUST_USE enum sd_err sd_api_users(struct sd_api *api, struct cJSON **out, struct sd_error *e);
/* Wipes local data; the server's stays.  SD_UNSENT when changes are unsent and pending is ASK.
 * *out owned: {"files","bytes","verified":true}. */
SD_MUST_USE enum sd_err sd_api_clear(struct sd_api *api, enum sd_pending pending,
	const char *export_file, struct cJSON **out, struct sd_error *e);

#endif
