/*
 * core/store/conflict.h - records in conflict, and records that could not be stored.
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_CONFLICT_H
#define SD_STORE_CONFLICT_H

#include "core/store/outbox.h"

/* A member of a copy of the server's: {"field": value as it stands on the server now} of lists that
 * Automerge appended our own stale write to.  The copy itself has the value from before, and
 * whatever is decided, the field is written again.  As a base it says so of later comparisons: a
 * server that still holds that value has not been edited by anybody else. */
#define SD_MERGED "_merged"

enum sd_shape { /* reads mine/theirs (contract.md 5.1) */
	SD_SHAPE_EDIT_EDIT,
	SD_SHAPE_EDIT_DELETE,
	SD_SHAPE_DELETE_EDIT,
	SD_SHAPE_CREATE_EXISTS,
	SD_SHAPE_MISSING,
	SD_SHAPE_COUNT
};
const char *sd_shape_name(enum sd_shape s); /* "edit/edit" ... */

struct sd_conflict { /* owned: sd_conflict_release */
	int64_t id;
	int64_t seq; /* the outbox entry that waits */
	const struct sd_model *model;
	char *key;
	enum sd_shape shape;
	struct cJSON *base, *mine, *theirs; /* records; NULL: does not exist.  mine holds the plain
	                                     * edits that wait behind the entry, too */
	int64_t found_ms;
};
void sd_conflict_release(struct sd_conflict *c);

/* An edit that waits, without a condition and with a known outcome: it is decided together with a
 * conflict of the entry before it. */
bool sd_mutation_is_plain_edit(const struct sd_mutation *m);

/* Moves entry seq to the conflict lane; theirs also becomes the shadow's server copy.  The row
 * keeps the person's value.  *id gets the conflict (an existing one of the entry is renewed). */
SD_MUST_USE enum sd_err sd_conflict_put(struct sd_store *st, int64_t seq, enum sd_shape shape,
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs,
	int64_t now_ms, int64_t *id, struct sd_error *e);
SD_MUST_USE enum sd_err sd_conflict_get(struct sd_store *st, int64_t id, struct sd_conflict *out,
	struct sd_error *e);                                      /* NOTFOUND */
typedef bool (*sd_conflict_fn)(void *ctx, struct sd_conflict *c); /* borrowed */
SD_MUST_USE enum sd_err sd_conflict_each(
	struct sd_store *st, sd_conflict_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_conflict_count(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e);
/* The decision is made: the row leaves the conflict table, its entry goes to the waiting lane as
 * `op` with `fields` based on theirs; fields NULL: nothing goes out, the entry leaves and the
 * record becomes theirs.  how: journal text ("person", "policy mine"). */
SD_MUST_USE enum sd_err sd_conflict_settle(struct sd_store *st, int64_t id, enum sd_op op,
	const struct cJSON *fields, const char *how, int64_t now_ms, struct sd_error *e);

/* ---- quarantine: what arrived and could not be stored (U-10) ---- */
SD_MUST_USE enum sd_err sd_quarantine_put(struct sd_store *st, const struct sd_model *m,
	const char *key, const char *path, const char *raw, const char *reason, int64_t now_ms,
	struct sd_error *e); /* key may be NULL; the same key replaces */
/* key NULL: every one that came without its key. */
SD_MUST_USE enum sd_err sd_quarantine_drop(
	struct sd_store *st, const struct sd_model *m, const char *key, struct sd_error *e);
/* JSON objects {"id","model","key","path","raw","reason","at"} pushed to array. */
SD_MUST_USE enum sd_err sd_quarantine_list(
	struct sd_store *st, const struct sd_model *m, struct cJSON *array, struct sd_error *e);
SD_MUST_USE enum sd_err sd_quarantine_count(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e);

#endif
