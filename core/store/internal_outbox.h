/*
 * core/store/internal_outbox.h - what the parts of the outbox know of each other.  Private to
 * core/store: a part of internal.h, which includes it.
 */
#ifndef SD_STORE_INTERNAL_OUTBOX_H
#define SD_STORE_INTERNAL_OUTBOX_H

#include "core/store/internal.h"

/* ---- entry.c: the outbox rows ---- */
struct sd_entries {
	struct sd_mutation *v;
	size_t count;
};
enum sd_err sd_entry_read(
	struct sd_store *st, sqlite3_stmt *s, struct sd_mutation *out, struct sd_error *e);
enum sd_err sd_entries_of(struct sd_store *st, const struct sd_model *m, const char *key,
	struct sd_entries *out, struct sd_error *e);
void sd_entries_release(struct sd_entries *l);
struct sd_entry_new {
	enum sd_op op;
	const struct sd_model *m;
	const char *key, *condition;
	const struct cJSON *fields, *was; /* was: the values before, of the fields named */
	int64_t version, now_ms, group;   /* group: entries of one cascade; 0: its own */
	int64_t waits;   /* seq of an unsent create this one certainly waits for; 0: not known */
	const char *how; /* text of an own journal line; NULL: the record's line is enough */
};
enum sd_err sd_entry_add(
	struct sd_store *st, const struct sd_entry_new *n, int64_t *seq, struct sd_error *e);
/* New payload: op, fields, values before, version. */
enum sd_err sd_entry_payload(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *was, int64_t version, struct sd_error *e);
enum sd_err sd_entry_was(struct sd_store *st, int64_t seq, struct cJSON **out, struct sd_error *e);
enum sd_err sd_entry_drop(struct sd_store *st, const struct sd_mutation *m, const char *how,
	enum sd_source source, int64_t version, int64_t now_ms, struct sd_error *e);
/* A journal line about an entry. */
enum sd_err sd_entry_line(struct sd_store *st, const struct sd_mutation *m, const char *how,
	enum sd_source source, int64_t version, int64_t now_ms, struct sd_error *e);
/* Values of rec for the fields named in fields. */
struct cJSON *sd_entry_before(const struct cJSON *rec, const struct cJSON *fields);

/* ---- rebuild.c: row and shadow follow the outbox ---- */
struct sd_cause { /* what the journal line of a changed row says */
	enum sd_source source;
	int64_t now_ms, seq;
	enum sd_op op;
	const char *text;
};
/* Makes the row, its state and the shadow what the entries left in the outbox ask for. */
enum sd_err sd_rebuild(struct sd_store *st, struct sd_table *t, const char *key,
	const struct sd_cause *why, struct sd_error *e);
/* The same for a record that has no entry any more: the row is the server's copy, NULL: none.
 * *rid: its place, 0: there is no row. */
enum sd_err sd_rebuild_idle(struct sd_store *st, struct sd_table *t, const char *key,
	const struct cJSON *server, int64_t *rid, const struct sd_cause *why, struct sd_error *e);
/* Only the state, from the lanes of the record's entries. */
enum sd_err sd_restate(
	struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e);
/* The same when an entry begins to be sent. */
enum sd_err sd_state_sending(
	struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e);
/* State from the entries (and the quarantine); count gets how many entries there are. */
enum sd_err sd_state_of(struct sd_store *st, const struct sd_model *m, const char *key, int *state,
	int64_t *count, struct sd_error *e);
/* Applies an entry to a record (consumes *rec, which may be NULL). */
enum sd_err sd_entry_apply(const struct sd_model *m, const char *key, const struct sd_mutation *e1,
	struct cJSON **rec, struct sd_error *e);
enum sd_err sd_shadow_put(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *base, const struct cJSON *server, struct sd_error *e);
enum sd_err sd_shadow_server(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *server, struct sd_error *e);
/* One line about a record that went from before to after (either may be NULL). */
enum sd_err sd_record_line(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *before, const struct cJSON *after, const struct sd_cause *why,
	struct sd_error *e);

/* ---- boot.c ---- */
/* At opening: did the machine stop while an engine ran? */
enum sd_err sd_boot_look(struct sd_store *st, struct sd_error *e);

/* ---- moves.c ---- */
/* Names this process among those that ever sent from this store. */
const char *sd_sender(void);
/* Entries being sent, but by `alive` (NULL: by nobody), wait again with unknown outcome. */
enum sd_err sd_outbox_recover(struct sd_store *st, const char *alive, struct sd_error *e);
/* An entry is done: it leaves with `how`; item is the newest server copy (NULL with has_item: the
 * record does not exist there). */
struct sd_done {
	const struct sd_mutation *entry;
	const struct cJSON *item;
	bool has_item;
	const char *how;
	enum sd_source source;
	int64_t now_ms;
};
enum sd_err sd_entry_done(struct sd_store *st, const struct sd_done *d, struct sd_error *e);

/* A refused change comes back: the base is the server's copy with what the change was made on, so
 * that a change of the same field over there still shows. */
enum sd_err sd_base_again(struct sd_store *st, const struct sd_mutation *m, struct sd_error *e);

/* ---- person.c ---- */
/* The entry, unless its request is on its way (BUSY) or it is not there (NOTFOUND). */
enum sd_err sd_entry_take(
	struct sd_store *st, int64_t seq, struct sd_mutation *m, struct sd_error *e);
/* The entry leaves, with a create what was made on it too; the record follows. */
enum sd_err sd_entry_take_back(struct sd_store *st, const struct sd_mutation *m, const char *how,
	int64_t now_ms, struct sd_error *e);

/* ---- unmerge.c ---- */
/* A change was taken back (and has left) whose lists the service had appended to what was there:
 * what it left behind is written again as it was, by a change of its own. */
enum sd_err sd_unmerge(
	struct sd_store *st, const struct sd_mutation *gone, int64_t now_ms, struct sd_error *e);
/* The field stands on the server with ours appended: it must be written, also as it was. */
enum sd_err sd_unmerge_open(struct sd_store *st, const struct sd_model *m, const char *key,
	const char *field, bool *yes, struct sd_error *e);
/* A newer copy that still has such a list: the copy with the list from before and SD_MERGED, as
 * `known` has it.  *out owned; NULL: there is no such list in it. */
enum sd_err sd_unmerge_keep(const struct cJSON *known, const struct cJSON *item, struct cJSON **out,
	struct sd_error *e);
/* ---- step.c ---- */
/* Takes back the newest save that merged into waiting entry m, when the journal still knows it and
 * something of the entry is left then.  *again: the fields it had written, for a redo; NULL: it
 * cannot be done one by one, nothing is changed. */
enum sd_err sd_undo_step(struct sd_store *st, const struct sd_mutation *m, int64_t now_ms,
	struct cJSON **again, struct sd_error *e);

/* ---- undo.c ---- */
/* A delete makes this entry needless: it is kept, so that undoing the delete brings it back. */
enum sd_err sd_kept_add(
	struct sd_store *st, int64_t group, const struct sd_mutation *m, struct sd_error *e);
/* kept.c.  Delete `seq` of that group is about to be undone: if the server's copy moved on while it
 * waited, the change it overtook is put behind it, on its base.  Then it is kept no more. */
enum sd_err sd_kept_stand_in(
	struct sd_store *st, int64_t group, int64_t seq, int64_t now_ms, struct sd_error *e);
/* A person changes something: what was undone is not made again any more. */
enum sd_err sd_redo_forget(struct sd_store *st, struct sd_error *e);

#endif
