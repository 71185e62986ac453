/*
 * core/store/rescue.h - a damaged store: what can still be read goes into a new one.
 *
 * Unsent changes come first: every entry of the outbox that can be read is carried over with what
 * it was made on, its order, and its lane (a conflict is found again by the engine).  Rows are
 * carried over as far as they can be read; a model of which some cannot is fetched anew by a base
 * sync.  History and settings go along.  The damaged files stay beside as store.db.damaged-MS until
 * a wipe or a person removes them.
 *
 * Cut off anywhere, the store is as it was, or the next rescue finishes it; until then no open
 * succeeds.
 *
 * Depends on: base, json, model, sqlite3.  Threads: one; no connection may be open.
 */
#ifndef SD_STORE_RESCUE_H
#define SD_STORE_RESCUE_H

#include "core/store/store.h"

struct sd_rescued {
	bool sound;            /* nothing was wrong: nothing was done */
	bool readable;         /* false: not even its list of tables could be read */
	int64_t rows, entries; /* carried over */
	int64_t lost_entries;  /* that were there and could not be read, as far as is known */
	char *damaged;         /* owned; models to be fetched anew, "Post, Comment"; "" for none */
	char *kept;            /* owned; path of the damaged file; NULL when sound */
};
void sd_rescued_release(struct sd_rescued *r);

/* The caller holds SD_LOCK_PROFILE_EXCLUSIVE.  o: as for sd_store_open(); read_only is ignored.
 * Errors: NOTFOUND (there is no store), INVAL (the file was never a store of ours), BUSY, DB, IO. */
SD_MUST_USE enum sd_err sd_store_rescue(
	const struct sd_store_opts *o, struct sd_rescued *out, struct sd_error *e);

#endif
