/*
 * core/store/write.h - what the person changes: save, delete, cascade, undo.
 *
 * Every call runs inside the caller's transaction and changes the record, the outbox, the shadow
 * and the journal together; when any step fails the caller rolls back and nothing is written.
 * Validation first (scalar.h): unknown fields, enum values, required fields, scalars, missing key
 * parts, a missing parent, read-only fields, a condition on an unknown record.
 *
 * Coalescing in the outbox is X-03: create+update -> one create; update+update -> one update;
 * create+delete -> nothing; update+delete -> delete; conditional changes are never merged; an
 * entry being sent, or with unknown outcome, is not touched; update after delete is refused with
 * the way out; only waiting entries are merged into.
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_WRITE_H
#define SD_STORE_WRITE_H

#include "core/store/record.h"

struct sd_write_env {
	int64_t now_ms;
	struct sd_rand *rand; /* ids */
};

enum sd_save_mode {
	SD_SAVE_UPSERT, /* create, or update when the key exists: contract.md 5 `save` */
	SD_SAVE_CREATE, /* NOTFOUND's opposite: INVAL when the key exists */
	SD_SAVE_UPDATE  /* NOTFOUND when it does not */
};

/* fields: only what the person named (borrowed, local values; explicit null is kept).  A belongsTo
 * may be set under the relation's own name when its key has one part.  cond (may be NULL) goes to
 * the server with the change.  No field really changes: nothing is enqueued, SD_OK.
 * *rec (may be NULL) gets the saved record, owned by the caller; *created may be NULL.
 * Errors: INVAL with model, field, value and rule; NOTFOUND; DB. */
SD_MUST_USE enum sd_err sd_write_save(struct sd_store *st, const struct sd_model *m,
	enum sd_save_mode mode, const struct cJSON *fields, const struct sd_pred *cond,
	const struct sd_write_env *env, struct cJSON **rec, bool *created, struct sd_error *e);

/* The row (record.h sd_rec_get_rid) of the record that the last sd_write_save() saved. */
int64_t sd_write_rid(const struct sd_store *st);
/* Would that save go through?  Checks without a transaction and changes nothing; a reader will do.
 * *created (may be NULL): there is no such record yet.  first: the model never had a record here,
 * none is looked for.  Errors as for the save. */
SD_MUST_USE enum sd_err sd_write_check(struct sd_store *st, const struct sd_model *m, bool first,
	const struct cJSON *fields, const struct sd_write_env *env, bool *created,
	struct sd_error *e);
/* Has the model never had a record here? */
SD_MUST_USE enum sd_err sd_write_first(
	struct sd_store *st, const struct sd_model *m, bool *first, struct sd_error *e);
/* Parents that need not be here (an import): those of m whose key text is in keys, or any when m is
 * NULL and keys is not.  Until called again with NULL, NULL; keys is borrowed. */
void sd_write_parents(struct sd_store *st, const struct sd_model *m, const struct sd_map *keys);

/* Deletes one record with the cascade its relations ask for (hasOne, hasMany; children first; a
 * visited set stops cycles), each deletion its own outbox entry; cond goes with the named record
 * only.  deleted (may be NULL; a JSON array) receives the records with "_model" added.  With
 * dry_run nothing is written.  Errors: NOTFOUND. */
SD_MUST_USE enum sd_err sd_write_delete(struct sd_store *st, const struct sd_model *m,
	const char *key, const struct sd_pred *cond, bool dry_run, const struct sd_write_env *env,
	struct cJSON *deleted, struct sd_error *e);

/* What is deleted from here to the end of the transaction is undone together. */
SD_MUST_USE enum sd_err sd_write_together(struct sd_store *st, struct sd_error *e);
/* Many saves in this transaction and nothing else: records created share a line of the journal, as
 * those of a base sync do. */
void sd_write_bulk(struct sd_store *st);

/* Undoes the newest unsent save (seq 0) or the whole named entry, when it is not being sent.  Of
 * several saves that merged into one entry only the newest is taken back, as long as the journal
 * knows it and the entry was not moved since; else, and by name, the record goes back to what it
 * was before that entry.  A delete comes back whole: the cascade, and the
 * unsent changes that it had made needless (a record that was never sent too; an edit of a record
 * that the server deleted meanwhile waits again, for a conflict).  *seq gets the entry undone.
 * NOTFOUND when there is none; INVAL when it was already sent ("already sent; this makes a new
 * change"). */
SD_MUST_USE enum sd_err sd_write_undo(
	struct sd_store *st, int64_t *seq, const struct sd_write_env *env, struct sd_error *e);

/* Makes again what was undone last, until something else is changed.  *seq gets the newest entry
 * made; 0: the change was merged away.  NOTFOUND when there is nothing. */
SD_MUST_USE enum sd_err sd_write_redo(
	struct sd_store *st, int64_t *seq, const struct sd_write_env *env, struct sd_error *e);

#endif
