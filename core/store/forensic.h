/*
 * core/store/forensic.h - looks into a copied DataStore file of an Android or iOS app (U-12).
 *
 * The file is never written to, nor anything beside it: without a write-ahead log it is opened as
 * unchanging; with one, both are copied to a private directory first, which is gone afterwards.
 * No profile and no schema is needed.
 *
 * What is told: the queue of changes not sent yet, decoded (Android: table PersistentRecord, whose
 * JSON holds the changed item; iOS: table MutationEvent); the tables; the rows of one.
 *
 * Threads: no state.
 */
#ifndef SD_STORE_FORENSIC_H
#define SD_STORE_FORENSIC_H

#include <stdbool.h>

#include "core/base/err.h"

struct cJSON;

typedef bool (*sd_forensic_fn)(void *ctx, struct cJSON *line); /* borrowed; false stops */

/* Changes in the order they were made, in the members of `outbox --json` as far as they are known
 * there: {"id","op","model","key","fields","condition","version","lane","enqueued","from":
 * "android|ios"}; what cannot be decoded has "raw" and "error" instead of fields.
 * Errors: NOTFOUND, INVAL (no SQLite file, none of a DataStore), IO, DB. */
SD_MUST_USE enum sd_err sd_forensic_queue(
	const char *file, sd_forensic_fn fn, void *ctx, struct sd_error *e);
/* {"table","rows","kind":"queue|metadata|model"} */
SD_MUST_USE enum sd_err sd_forensic_tables(
	const char *file, sd_forensic_fn fn, void *ctx, struct sd_error *e);
/* Its rows as they are, a member a column. INVAL: there is no such table. */
SD_MUST_USE enum sd_err sd_forensic_rows(
	const char *file, const char *table, sd_forensic_fn fn, void *ctx, struct sd_error *e);

#endif
