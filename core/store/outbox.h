/*
 * core/store/outbox.h - the durable queue of changes the server has not accepted yet.
 *
 * Order is per record: two changes of one record are sent in the order they were made and never at
 * once.  Lanes: design/architecture.md 4.  Every transition below is one step of the caller's
 * transaction, keeps row, shadow and `_st` true, and leaves a journal line saying how (U-02).
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_OUTBOX_H
#define SD_STORE_OUTBOX_H

#include "core/store/record.h"

enum sd_op { SD_OP_CREATE, SD_OP_UPDATE, SD_OP_DELETE };
const char *sd_op_name(enum sd_op op); /* "CREATE" ... */

enum sd_lane { /* sending is a waiting entry whose request is on its way */
	SD_LANE_WAITING,
	SD_LANE_SENDING,
	SD_LANE_CONFLICT,
	SD_LANE_REFUSED,
	SD_LANE_PARKED,
	SD_LANE_COUNT
};
const char *sd_lane_name(enum sd_lane l);

struct sd_mutation { /* strings and trees owned: sd_mutation_release */
	int64_t seq; /* > 0; grows */
	enum sd_op op;
	const struct sd_model *model;
	char *key;            /* JSON array text */
	struct cJSON *fields; /* changed fields only (create: those given); {} for a delete */
	char *condition;      /* predicate text, NULL without */
	int64_t version;      /* _version it is based on; -1: none (never acknowledged) */
	enum sd_lane lane;
	bool unknown; /* a request went out and its answer was lost: read before resending */
	int attempts; /* requests answered or lost so far */
	int conflict_attempts;            /* of conflict.max_attempts */
	int64_t next_try_ms;              /* 0: now */
	char *error_type, *error_message; /* last error, NULL without */
	int64_t enqueued_ms;
};
void sd_mutation_release(struct sd_mutation *m);

/* NOTFOUND without text when absent. */
SD_MUST_USE enum sd_err sd_outbox_get(
	struct sd_store *st, int64_t seq, struct sd_mutation *out, struct sd_error *e);
/* All entries in seq order from after_seq (0: all) of a lane (-1: any); fn false stops. */
typedef bool (*sd_outbox_fn)(void *ctx, struct sd_mutation *m); /* borrowed */
SD_MUST_USE enum sd_err sd_outbox_each(struct sd_store *st, int64_t after_seq, int lane,
	sd_outbox_fn fn, void *ctx, struct sd_error *e);
/* Entries of one record, oldest first. */
SD_MUST_USE enum sd_err sd_outbox_of(struct sd_store *st, const struct sd_model *m, const char *key,
	sd_outbox_fn fn, void *ctx, struct sd_error *e);

/* What may be sent now: the oldest entry of its record, in the waiting lane, in seq order, at most
 * `limit`.  Not due ones (next_try_ms > now_ms) are left out; *next_due_ms gets the earliest of
 * those (0: none).  Entries whose parent record (belongsTo, hasOne target) has an unsent create
 * ahead, and deletes of a record whose children have unsent deletes ahead, are left out too
 * (reason: sd_outbox_hold).  fn must not change the store; it may take the mutation: moves it away
 * and leaves zeros. */
SD_MUST_USE enum sd_err sd_outbox_due(struct sd_store *st, int64_t now_ms, size_t limit,
	sd_outbox_fn fn, void *ctx, int64_t *next_due_ms, struct sd_error *e);
/* Why an entry does not move, for a person ("waits for #3 CREATE Site s1, refused"); "" when
 * nothing holds it.  Appended. */
SD_MUST_USE enum sd_err sd_outbox_hold(
	struct sd_store *st, int64_t seq, struct sd_buf *out, struct sd_error *e);

struct sd_outbox_counts {
	int64_t lane[SD_LANE_COUNT];
	int64_t oldest_ms; /* enqueued, of the oldest entry; 0: none */
};
/* m NULL: all models. */
SD_MUST_USE enum sd_err sd_outbox_counts(struct sd_store *st, const struct sd_model *m,
	struct sd_outbox_counts *out, struct sd_error *e);

/* Is there any entry but refused ones?  Cheap, however many there are. */
SD_MUST_USE enum sd_err sd_outbox_any(struct sd_store *st, bool *out, struct sd_error *e);

/* ---- transitions made by the engine ---- */
/* An entry just read in this transaction: its request goes out when this is committed. */
SD_MUST_USE enum sd_err sd_outbox_send(
	struct sd_store *st, const struct sd_mutation *m, struct sd_error *e);
/* Back to waiting: not before next_try_ms; unknown: the answer was lost; counted: the attempt
 * counts (an expired session's does not).  type/message may be NULL (cleared). */
SD_MUST_USE enum sd_err sd_outbox_retry_at(struct sd_store *st, int64_t seq, int64_t next_try_ms,
	bool unknown, bool counted, const char *type, const char *message, struct sd_error *e);
/* Every entry that waits for its time may go at once. */
SD_MUST_USE enum sd_err sd_outbox_hurry(struct sd_store *st, struct sd_error *e);
/* The server accepted an entry just read, and answered `item` (local form with metadata; may be newer than what
 * was sent).  The entry leaves; later entries of the record are carried to item's version; the row
 * becomes item with those applied; base := server := item, or the shadow goes when none is left.
 * A delete leaves a tombstone row.  type of the journal line: "sent". */
SD_MUST_USE enum sd_err sd_outbox_acked(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *item, int64_t now_ms, struct sd_error *e);
/* An engine sends from this store from now on, with relaxed commits; on false: it ended in order.
 * If the machine stops meanwhile, whoever opens the store next takes every waiting change for
 * `unknown`.  *marked false: the machine does not say when it was started, commits must not be
 * relaxed. */
SD_MUST_USE enum sd_err sd_outbox_mark(
	struct sd_store *st, bool on, bool *marked, struct sd_error *e);
/* The service merged a stale change by its own rules: what was sent and what is stored now, per
 * field ({"field":{"from":mine,"to":stored}}), is kept in the journal, so that it can be listed and
 * taken back (sd_journal_recent of SD_J_MERGED). */
SD_MUST_USE enum sd_err sd_outbox_merged(struct sd_store *st, const struct sd_mutation *m,
	int64_t version, const struct cJSON *changed, const char *text, int64_t now_ms,
	struct sd_error *e);
/* Nothing to send any more (the server already has it: e.g. both deleted, or fields became equal).
 * item as above, NULL: leave the record's server copy as the shadow has it. how: journal text. */
SD_MUST_USE enum sd_err sd_outbox_settled(struct sd_store *st, int64_t seq,
	const struct cJSON *item, const char *how, int64_t now_ms, struct sd_error *e);
/* The entry is now made on `base` (the newest server record): its fields replace the old ones,
 * version is base's; shadow.base := base; the row is rebuilt. op may change (create -> update). */
SD_MUST_USE enum sd_err sd_outbox_rebase(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *base, int64_t now_ms, struct sd_error *e);
SD_MUST_USE enum sd_err sd_outbox_conflict_attempts(
	struct sd_store *st, int64_t seq, int attempts, struct sd_error *e);
/* It is not known whether it was applied, and `unknown` says so from now on, in any lane. */
SD_MUST_USE enum sd_err sd_outbox_unsure(struct sd_store *st, int64_t seq, struct sd_error *e);
/* For good: lane refused; the row returns to the server's value (a refused create stays, marked);
 * payload, error, attempts and `unknown` are kept.  server (may be NULL): newer server record to
 * show. */
SD_MUST_USE enum sd_err sd_outbox_refuse(struct sd_store *st, int64_t seq, const char *type,
	const char *message, const struct cJSON *server, int64_t now_ms, struct sd_error *e);

/* ---- transitions made by a person; BUSY when it is being sent ---- */
SD_MUST_USE enum sd_err sd_outbox_retry(
	struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e);
SD_MUST_USE enum sd_err sd_outbox_park(
	struct sd_store *st, int64_t seq, bool park, int64_t now_ms, struct sd_error *e);
/* The entry leaves, the record goes back to the server's copy (with other entries applied). */
SD_MUST_USE enum sd_err sd_outbox_discard(
	struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e);
/* Sets fields of an unsent entry (validated) and puts it back to waiting; a parked one stays parked. */
SD_MUST_USE enum sd_err sd_outbox_edit(struct sd_store *st, int64_t seq, const struct cJSON *fields,
	int64_t now_ms, struct sd_error *e);
/* An entry exported earlier (contract.md 5 `outbox --json` with "base"): back into the queue, and
 * looked for on the server first when it may have arrived. */
SD_MUST_USE enum sd_err sd_outbox_import(struct sd_store *st, const struct cJSON *line,
	int64_t now_ms, struct sd_rand *rand, struct sd_error *e);
/* The JSON line of contract.md 5 (with "base" when with_base, and "unknown" where a request went out
 * and its answer is not known).  *out owned. */
SD_MUST_USE enum sd_err sd_outbox_json(struct sd_store *st, const struct sd_mutation *m,
	bool with_base, struct cJSON **out, struct sd_error *e);

#endif
