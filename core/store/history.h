/*
 * core/store/history.h - the versions of one record that were seen here, and what it held then.
 *
 * Made of the journal: each line says what a change turned into what, so that a record can be
 * walked back from what it is now.  How far that goes is what the journal's cap has left.
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_HISTORY_H
#define SD_STORE_HISTORY_H

#include "core/store/journal.h"

/* The lines of one record that say what it was, newest first.  A line of a base sync, which
 * belongs to a whole page, gets the record's own version then where the later lines tell it (else
 * -1).  The line is borrowed within fn; false stops. */
SD_MUST_USE enum sd_err sd_history_each(struct sd_store *st, const struct sd_model *m,
	const char *key, sd_journal_fn fn, void *ctx, struct sd_error *e);

/* The record as it was when it had this version: its stored fields, with _version and _deleted.
 * NOTFOUND without text: that version was not seen here or is no longer kept. *rec owned. */
SD_MUST_USE enum sd_err sd_history_record(struct sd_store *st, const struct sd_model *m,
	const char *key, int64_t version, struct cJSON **rec, struct sd_error *e);

#endif
