/*
 * core/sync/merge.h - comparing base, mine and theirs, field by field.  Pure.
 *
 * Decision on R-073 (requirements.md): fields changed on one side only merge by themselves; a
 * field changed on both sides to different values is a clash.  A list changed on both sides is a
 * clash whose pre-filled result is theirs plus my additions minus my removals.
 *
 * Depends on: json, model.  Threads: no state.
 */
#ifndef SD_SYNC_MERGE_H
#define SD_SYNC_MERGE_H

#include "core/model/schema.h"
#include "core/store/conflict.h"

enum sd_pick { SD_PICK_NONE, SD_PICK_MINE, SD_PICK_THEIRS, SD_PICK_BASE, SD_PICK_SET };
const char *sd_pick_name(enum sd_pick p);
int sd_pick_parse(const char *s);

struct sd_merge_field {
	const struct sd_field *field;
	const struct cJSON *base, *mine, *theirs; /* borrowed; NULL reads as null */
	const struct cJSON *stored; /* on the server now: theirs, but for SD_MERGED (conflict.h) */
	bool changed_here, changed_there;
	bool clash;               /* changed on both sides, to different values */
	enum sd_pick pick;        /* pre-picked; NONE for a clash */
	struct cJSON *suggestion; /* owned; for a clash on a list, else NULL */
};

struct sd_merge { /* sd_merge_release */
	const struct sd_model *model;
	struct sd_merge_field *fields; /* every stored, writable field; key fields left out */
	size_t count, clashes;
};

/* base, mine, theirs are records (local form); any may be NULL (did not, does not exist).  They
 * are borrowed and must outlive *out.  Errors: NOMEM. */
SD_MUST_USE enum sd_err sd_merge_compare(const struct sd_model *m, const struct cJSON *base,
	const struct cJSON *mine, const struct cJSON *theirs, struct sd_merge *out,
	struct sd_error *e);
void sd_merge_release(struct sd_merge *g);

/* What goes out on top of theirs for the picks made: only the fields whose picked value differs
 * from what is stored.  sets: object field -> value for SD_PICK_SET (may be NULL).  INVAL naming the field
 * when a clash is still open ("1 field still open: bio").  *out owned, {} when nothing differs. */
SD_MUST_USE enum sd_err sd_merge_result(
	const struct sd_merge *g, const struct cJSON *sets, struct cJSON **out, struct sd_error *e);

/* The "fields" array of contract.md 5 `conflicts`.  *out owned. */
SD_MUST_USE enum sd_err sd_merge_json(
	const struct sd_merge *g, struct cJSON **out, struct sd_error *e);

/* The line of contract.md 5 `conflicts`.  *out owned. */
SD_MUST_USE enum sd_err sd_conflict_json(
	const struct sd_conflict *c, struct cJSON **out, struct sd_error *e);

/* What a decision sends.  sends false: nothing, the record becomes theirs. */
struct sd_decision { /* sd_decision_release */
	bool sends;
	enum sd_op op;
	struct cJSON *fields; /* owned; {} for a delete; NULL when nothing is sent */
	int64_t version;      /* the version it is based on; -1: none */
};
/* Works a decision out without a store; arguments as in sd_conflict_resolve.  Errors: INVAL naming
 * the open or wrong field. */
SD_MUST_USE enum sd_err sd_conflict_decide(const struct sd_conflict *c, enum sd_pick keep,
	const struct cJSON *picks, const struct cJSON *sets, struct sd_decision *out,
	struct sd_error *e);
void sd_decision_release(struct sd_decision *d);

/* A decision for a conflict (contract.md 5 `conflicts resolve`): `picks` is an object
 * {"title":"mine",...}, keep (may be NONE) applies to every field not named; sets as above.  Keep
 * mine means my changed fields on theirs.
 * dry_run: *write gets the mutation that would go out ({"op","model","key","fields","version"} or
 * JSON null), nothing is changed.  Shapes with a delete take keep mine or theirs only (and `base`
 * where a base exists).  Edits of the record that wait
 * behind the conflict and are part of its mine are decided with it.  Runs in the caller's
 * transaction.  *write owned. */
SD_MUST_USE enum sd_err sd_conflict_resolve(struct sd_store *st, int64_t id, enum sd_pick keep,
	const struct cJSON *picks, const struct cJSON *sets, const char *how, bool dry_run,
	int64_t now_ms, struct cJSON **write, struct sd_error *e);

/* What the server's strategy makes of a pending change if it is sent with the version it was made
 * on: contract.md 5 `forecast`.  strategy: "automerge" or "optimistic"; server/base/fields as the
 * shadow and outbox have them.  Beside the contract's keys: "op", "version", "serverVersion",
 * "stale", and, when stale, "rebase": {"fields":{..}} (what goes out after the three-way
 * comparison) or {"clashes":[names]}.  NOTFOUND when the record has no unsent change. */
SD_MUST_USE enum sd_err sd_forecast(struct sd_store *st, const struct sd_model *m, const char *key,
	const char *strategy, struct cJSON **out, struct sd_error *e);

/* Puts an unsent update on the newest version the server is known to have, so that it is sent as a
 * change of that (S4.3); already on it, or no update: nothing.  INVAL naming the fields that both
 * sides changed; BUSY while it is being sent.  Runs in the caller's transaction. */
SD_MUST_USE enum sd_err sd_rebase(
	struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e);

/* One value under the Automerge rules (spec/server.md 2.5).  Owned; NULL: out of memory. */
struct cJSON *sd_automerge_value(const struct cJSON *stored, const struct cJSON *incoming);

#endif
