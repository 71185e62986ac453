/*
 * core/store/apply.h - what arrives from the server, and the sync state it belongs to.
 *
 * Rules: spec/client.md 7.2 and design/architecture.md 3.  Versions never go backwards within one
 * life of a key: an item whose _version is not newer than the row's is dropped.  Where version and
 * change time contradict each other (record.h, sd_rec_order) the key was purged on the server and
 * made again, or the item is a late one from before that:
 *
 *   a base sync           says what there is now: no higher version, but changed later, is taken
 *                         (client.md 7.2); a higher version is taken whatever its time
 *   a delta, a message    is not taken and not dropped: it is in doubt (sd_apply_doubts), and the
 *                         record is read (core/sync/doubt.c)
 *   answers to mutations  the later life's copy stays (sd_rec_newer)
 *
 * What a base sync does not list is gone, tombstones too (sd_sweep_end).  A record with unsent
 * changes keeps its row; the arrival replaces shadow.server only.  Deletes leave a tombstone row and
 * never cascade.
 *
 * Threads: the connection's.  All run inside the caller's transaction.
 */
#ifndef SD_STORE_APPLY_H
#define SD_STORE_APPLY_H

#include "core/store/record.h"

enum sd_source { SD_FROM_LOCAL, SD_FROM_SYNC, SD_FROM_SUBSCRIPTION, SD_FROM_MUTATION };
const char *sd_source_name(enum sd_source s);

struct sd_apply_counts {
	int64_t created, updated, deleted; /* rows a person sees change */
	int64_t dropped;                   /* not newer */
	int64_t shadowed;                  /* kept beside unsent changes */
};

/* Items in local form (sd_item_to_local), any order; of several of one key the highest version
 * wins.  base: a base sync page (allows re-created keys; marks rows as seen in `run` for the
 * sweep).  counts is added to.  Journal: one line a changed record; rows a base sync creates in one
 * call are one line with a rid range.
 *
 * From SD_FROM_SYNC, on a connection that gives way (sd_store_defer_to), what was applied so far is
 * committed when a save waits, and the rest goes into a new transaction: applying the page again
 * does no harm.  A base sync that fills a table that was all but empty drops its indexes (but for
 * the key's) once there are many rows: they are made when it is over. */
SD_MUST_USE enum sd_err sd_apply(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *const *items, size_t n, enum sd_source source, bool base,
	int64_t now_ms, struct sd_apply_counts *counts, struct sd_error *e);

/* Items of the last sd_apply() that were in doubt: an array, owned; NULL: none. */
struct cJSON *sd_apply_doubts(struct sd_store *st);

enum sd_sync_kind {
	SD_SYNC_NEVER,
	SD_SYNC_FULL,
	SD_SYNC_DELTA,
	SD_SYNC_POLLING,
	SD_SYNC_FAILED,
	SD_SYNC_CAPPED
};
const char *sd_sync_kind_name(enum sd_sync_kind k); /* contract.md 5 `models` */

struct sd_sync_state { /* strings owned: sd_sync_state_release */
	enum sd_sync_kind kind;
	int64_t last_sync_ms; /* server's startedAt for the next lastSync; 0: never */
	int64_t last_full_ms; /* server's startedAt of the last complete base sync; 0: never */
	int64_t synced_at_ms; /* our clock, when the last run ended well; 0: never */
	char *expression;     /* canonical text of the sync expression in force; NULL: none */
	/* a run that is under way or was cut off; token NULL: none.  Saved with the rows it covers. */
	char *page_token;
	bool page_base;               /* base or delta */
	int64_t page_last_sync;       /* lastSync the run was started with */
	int64_t page_started_ms;      /* startedAt of its first page */
	int64_t page_started_last_ms; /* startedAt of the newest page */
	int64_t page_rows;            /* received in this run */
	int64_t page_size;            /* current limit; 0: the setting */
	int64_t sweep_rid;            /* rows up to this rid existed when the base run began; of a
	                               * delta run: -1, it brought rows that could not be read */
	char *why;                    /* why the run is full or delta, for a person (U-28) */
	char *error;                  /* of the last failed try; NULL */
	int failures;                 /* failed tries in a row */
	int64_t new_rows, updated_rows, deleted_rows; /* counts of the last or current run */
	int64_t bytes;                                /* received in the last or current run */
};
void sd_sync_state_release(struct sd_sync_state *s);
/* Zeroes for a model never synced. */
SD_MUST_USE enum sd_err sd_sync_get(struct sd_store *st, const struct sd_model *m,
	struct sd_sync_state *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_sync_put(struct sd_store *st, const struct sd_model *m,
	const struct sd_sync_state *s, struct sd_error *e);

/* A run ended, well or badly: one SD_J_SYNC line (U-28).  Needs a transaction. */
SD_MUST_USE enum sd_err sd_sync_note(struct sd_store *st, const struct sd_model *m,
	const char *text, int64_t now_ms, struct sd_error *e);

/* A base run ended, well or for good badly: indexes that sd_apply put off are due now
 * (sd_store_indexes).  Needs a transaction. */
SD_MUST_USE enum sd_err sd_load_end(
	struct sd_store *st, const struct sd_model *m, struct sd_error *e);

/* A base run begins: forgets what was marked seen; *sweep_rid gets the highest rid there is. */
SD_MUST_USE enum sd_err sd_sweep_begin(
	struct sd_store *st, const struct sd_model *m, int64_t *sweep_rid, struct sd_error *e);
/* A complete, uncapped base run ended: removes rows up to sweep_rid that it did not see and that
 * hold no unsent work.  within: the sync expression of the run; rows outside it are left
 * alone, the server was not asked for them; NULL: all rows.  *removed is added to. */
SD_MUST_USE enum sd_err sd_sweep_end(struct sd_store *st, const struct sd_model *m,
	const struct sd_pred *within, int64_t sweep_rid, int64_t now_ms, int64_t *removed,
	struct sd_error *e);
/* Drops rows outside pred that hold no unsent work (a narrower expression; U-22). */
SD_MUST_USE enum sd_err sd_drop_outside(struct sd_store *st, const struct sd_model *m,
	const struct sd_pred *pred, int64_t now_ms, int64_t *removed, struct sd_error *e);

#endif
