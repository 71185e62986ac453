/*
 * core/store/store.h - one SQLite file per profile: opening, transactions, profile files, wipe.
 *
 * The store is the only state.  Layout (design/architecture.md 3, limits.md "Recommended design"):
 *
 *   r_<Model>   one row a record: _rid INTEGER PRIMARY KEY, a typed column a stored field (JSON text
 *               for lists, embedded types and AWSJSON; 0/1 for Boolean), _version, _lastChangedAt,
 *               _deleted, _st (enum sd_rec_state); UNIQUE over the key columns.  The row is what
 *               the person sees: their own edits applied.
 *   shadow      for records with unsent changes: `base` (what the oldest unsent edit was made on;
 *               moves only when an entry is acknowledged or rebased) and `server` (newest seen)
 *   outbox conflict quarantine sync journal meta
 *
 * A connection belongs to one thread.  Writing connections use synchronous=FULL: when
 * sd_store_commit() returns, the change is on disk (but for sd_store_relax()).  Readers are query_only with busy_timeout 0.
 *
 * Depends on: base, json, model, sqlite3.  Threads: one per connection; any number of connections.
 */
#ifndef SD_STORE_STORE_H
#define SD_STORE_STORE_H

#include <stdatomic.h>

#include "core/base/time.h"
#include "core/base/rand.h"
#include "core/model/schema.h"

struct sd_store;

struct sd_store_opts {
	const char *dir;                /* profile directory, made 0700 when absent */
	const struct sd_schema *schema; /* borrowed, must outlive the store */
	bool read_only;                 /* query_only connection; the store must exist */
	bool no_backend;                /* unsent records read as "local" (contract.md 5.1) */
	const char *vfs;                /* SQLite VFS name, NULL for the default (tests) */
	int busy_ms;                    /* wait for another writer; 0 means 2000 for writers */
	int64_t now_ms;                 /* for journal lines written while opening */
	struct sd_rand *rand;           /* borrowed */
};

/* Opens DIR/store.db, making it or migrating it to the schema (additive in place; otherwise the
 * model's table is rebuilt from a base sync and unsent changes that no longer fit move to the
 * refused lane - R-034).  Entries that were being sent when the last process died become
 * "outcome unknown".  Takes no lock file.  Errors: DB, IO, INVAL (not our file), BUSY, NOTFOUND
 * (read_only and absent), NOMEM. */
SD_MUST_USE enum sd_err sd_store_open(
	const struct sd_store_opts *o, struct sd_store **out, struct sd_error *e);
void sd_store_close(struct sd_store *st); /* rolls back what is open; NULL is fine */

/* BEGIN IMMEDIATE.  Not nestable.  BUSY after busy_ms. */
SD_MUST_USE enum sd_err sd_store_begin(struct sd_store *st, struct sd_error *e);
SD_MUST_USE enum sd_err sd_store_commit(struct sd_store *st, struct sd_error *e);
/* Commits of this connection from now on: relaxed ones survive the death of the process at once and
 * that of the machine with the next commit of any connection that is not (whole transactions, in
 * order).  For what can be fetched or found out again; a save by a person never.  Not inside a
 * transaction. */
SD_MUST_USE enum sd_err sd_store_relax(struct sd_store *st, bool on, struct sd_error *e);
void sd_store_rollback(struct sd_store *st); /* fine when nothing is open */
bool sd_store_in_txn(const struct sd_store *st);
/* A read transaction for several reads of one state; ended by sd_store_rollback(). */
SD_MUST_USE enum sd_err sd_store_read(struct sd_store *st, struct sd_error *e);
/* True once after another connection (this process or another) has committed. */
bool sd_store_changed(struct sd_store *st);
/* ---- statements that are looked at while they run (watch.c) ---- */
struct sd_watch {
	const atomic_bool *stop; /* true: they end with SD_CANCELLED; NULL */
	int64_t cpu_us; /* so does a read after this much of the thread's time, or eight times as
			 * long in all; 0: never */
	/* Called on the connection's thread, often: rows looked at of so many, when a statement goes
	 * through the whole table (else 0).  NULL. */
	void (*progress)(void *ctx, int64_t rows, int64_t of);
	void *ctx;
};
/* From now on; copied; NULL ends it. */
void sd_store_watch(struct sd_store *st, const struct sd_watch *w);
/* Runs a checkpoint when the WAL is over max_wal_bytes; never fails the caller. */
void sd_store_checkpoint(struct sd_store *st, size_t max_wal_bytes);
/* ---- one file, several writers (share.c) ---- */
/* This connection gives way: while *waiting > 0 it begins no transaction (for a while), and a page
 * that is being applied is cut into two transactions (sd_apply).  *stop ends what takes long.
 * Both borrowed until the store is closed; either may be NULL.  Its owner calls
 * sd_store_wal_care() and sd_store_indexes() between transactions. */
void sd_store_defer_to(struct sd_store *st, const atomic_int *waiting, const atomic_bool *stop);
/* Saves come often: a page's transaction is cut after so many milliseconds in any case, because a
 * save that comes waits for its commit, and that is as long as it is large.  0: not. */
void sd_store_cut_after(struct sd_store *st, int64_t ms);
/* Is the transaction that is open here to be cut? */
bool sd_store_wanted(const struct sd_store *st);
/* Commits, lets those who wait go first, begins anew. */
SD_MUST_USE enum sd_err sd_store_yield(struct sd_store *st, struct sd_error *e);
/* Moves the WAL into the database when it is over 16 MB; over 64 MB others wait for a moment, so
 * that it starts from the front.  Outside a transaction; never fails the caller. */
void sd_store_wal_care(struct sd_store *st);
/* For a connection whose commits must not be held up by the WAL: its owner looks at
 * sd_store_wal_long() and has it moved on another connection (which may be a reader). */
void sd_store_wal_elsewhere(struct sd_store *st);
bool sd_store_wal_long(const struct sd_store *st); /* 8 MB or more, at the last commit here */
void sd_store_wal_move(struct sd_store *st);       /* unless somebody syncs: they do it */
/* Makes the indexes that a base sync into an empty table put off, each in a transaction.  A save
 * that waits cuts that off a few times: then they are still due, call again. */
SD_MUST_USE enum sd_err sd_store_indexes(struct sd_store *st, struct sd_error *e);
/* They are due though the load goes on: the table has become so large that making one later would
 * keep others from writing for too long. */
bool sd_store_indexes_urgent(const struct sd_store *st);
/* An index for sorting by f as a person does: made now, unless it is there; the oldest of a model's
 * gives way to a fifth.  None is made of a table so large that others would wait for too long to
 * write.  CANCELLED when a save waits (sd_store_defer_to) or *stop is set: nothing
 * was done. */
SD_MUST_USE enum sd_err sd_store_sort_index(struct sd_store *st, const struct sd_model *m,
	const struct sd_field *f, bool descending, struct sd_error *e);
bool sd_store_indexes_due(const struct sd_store *st); /* perhaps; no look at the file */

/* PRAGMA integrity_check and our own invariants; INVAL with the first finding. */
SD_MUST_USE enum sd_err sd_store_check(struct sd_store *st, struct sd_error *e);

/* Small settings kept in the store ("endpoint", "outbox.paused", ...).  get: *out owned, NULL when
 * absent.  put needs a transaction; value NULL deletes. */
SD_MUST_USE enum sd_err sd_meta_get(
	struct sd_store *st, const char *key, char **out, struct sd_error *e);
/* Is there one whose name begins with prefix? */
SD_MUST_USE enum sd_err sd_meta_any(
	struct sd_store *st, const char *prefix, bool *any, struct sd_error *e);
SD_MUST_USE enum sd_err sd_meta_put(
	struct sd_store *st, const char *key, const char *value, struct sd_error *e);
/* The backend a store belongs to: first call binds it; later ones compare scheme, host and path
 * (the port is ignored on loopback).  Error INVAL naming both.  Needs a transaction. */
SD_MUST_USE enum sd_err sd_store_bind_backend(
	struct sd_store *st, const char *endpoint, struct sd_error *e);

/* ---- the profile directory ---- */
/* profile.lock, shared by every process that has the store open; exclusive for a wipe: taking it so
 * raises the generation, and who lets go then waits until the wipe is over before it is back.
 * engine.lock: who syncs, one process at a time; its pid is written into it.
 * *fd is owned: sd_lock_release.  Errors: BUSY (text names the pid when known), IO. */
enum sd_lock { SD_LOCK_PROFILE_SHARED, SD_LOCK_PROFILE_EXCLUSIVE, SD_LOCK_ENGINE };
SD_MUST_USE enum sd_err sd_lock_take(
	const char *dir, enum sd_lock what, int64_t wait_ms, int *fd, struct sd_error *e);
void sd_lock_release(int fd); /* -1 is fine */
/* pid of the process holding engine.lock; 0 when free. */
int sd_lock_engine_pid(const char *dir);

struct sd_wiped {
	int64_t files, bytes;
};
/* Erases the store of a profile: the marker file DIR/wipe is made first and removed last, so that a
 * wipe that was cut off is finished by the next sd_wipe_finish().  Every file of the store
 * (database, WAL, shm, journals) is overwritten, synced, removed; then the directory is read back:
 * SD_FAILED when anything is left.  The caller holds SD_LOCK_PROFILE_EXCLUSIVE and has closed its
 * own connections.  Keeps: locks, owner, session (the caller's business). */
SD_MUST_USE enum sd_err sd_wipe(const char *dir, struct sd_wiped *out, struct sd_error *e);
/* Call before the first open and before taking profile.lock (it takes it exclusively itself, for up
 * to 5 s, when there is something to do): finishes a wipe that was cut off.  *did says whether it
 * had to. */
SD_MUST_USE enum sd_err sd_wipe_finish(const char *dir, bool *did, struct sd_error *e);
/* A number that every wipe raises (kept in DIR/generation); a process that sees another one than
 * it opened under must close.  0 when never wiped. */
int64_t sd_wipe_generation(const char *dir);
/* Raises that number (the text of DIR/generation, a decimal number); taking the exclusive lock does
 * it, so that other processes close.  Errors: IO. */
SD_MUST_USE enum sd_err sd_wipe_announce(const char *dir, struct sd_error *e);

#endif
