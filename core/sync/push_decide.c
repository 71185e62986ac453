/*
 * core/sync/push_decide.c - an unsent change against the newest server record: sent as it is,
 * rewritten on the newest version, acknowledged, or a conflict that goes by the model's policy.
 *
 * Only our own acknowledgement moves a change to a newer version without this comparison.  A
 * change with a condition is judged by the server through that condition, so it is
 * carried to the newest version as it is.
 */
#include "core/sync/push.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

void sd_case_release(struct sd_case *c)
{
	sd_mutation_release(&c->m);
	sd_shadow_release(&c->shadow);
	sd_json_free(c->mine);
	memset(c, 0, sizeof *c);
}

const struct cJSON *sd_case_server(const struct sd_case *c)
{
	return c->shadow.server ? c->shadow.server : c->shadow.base;
}

static int64_t version_of(const struct cJSON *rec)
{
	return sd_json_get_i64(rec, "_version", -1);
}

const struct cJSON *sd_case_newest(const struct sd_case *c, const struct cJSON *theirs)
{
	const struct cJSON *known = sd_case_server(c);
	bool newer = known && theirs && sd_rec_newer(theirs, known);

	return newer ? known : theirs;
}

static bool is_deleted(const struct cJSON *rec)
{
	return sd_json_is_true(sd_json_get(rec, "_deleted"));
}

bool sd_case_moved(const struct sd_case *c)
{
	if (!c->shadow.server)
		return false;
	return !c->shadow.base || version_of(c->shadow.server) != version_of(c->shadow.base) ||
	       sd_rec_newer(c->shadow.base, c->shadow.server); /* made anew, as far as that one */
}

bool sd_push_applied(const struct sd_case *c, const struct cJSON *item)
{
	if (c->m.op == SD_OP_DELETE)
		return is_deleted(item);
	if (is_deleted(item))
		return false;
	for (const struct cJSON *f = sd_json_child(c->m.fields); f; f = sd_json_next(f)) {
		const struct sd_field *field = sd_model_field(c->m.model, sd_json_name(f));
		if (field && (field->read_only || !field->stored))
			continue; /* never sent */
		if (!sd_json_equal(f, sd_json_get(item, sd_json_name(f)), true))
			return false;
	}
	return true;
}

/* The server has what the entry wanted (or the record is gone and so did the entry want). */
enum sd_err sd_push_done(struct sd_engine *en, struct sd_case *c, const struct cJSON *item,
	const char *how, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *f = sd_json_object();
	enum sd_err rc;

	if (how)
		rc = sd_outbox_settled(en->store, c->m.seq, item, how, now_ms, e);
	else
		rc = sd_outbox_acked(en->store, &c->m, item, now_ms, e);
	if (rc != SD_OK) {
		sd_json_free(f);
		return rc;
	}
	sd_json_add(f, "_version",
		version_of(item) < 0 ? sd_json_null() : sd_json_int(version_of(item)));
	sd_json_add_int(f, "_lastChangedAt", sd_json_get_i64(item, "_lastChangedAt", 0));
	sd_json_add_bool(f, "_deleted", is_deleted(item));
	sd_push_event(en, "outboxMutationProcessed", &c->m, f, now_ms);
	sd_en_outbox_status(en, now_ms);
	en->push_wake = true; /* the next one of the record, or a child, may go */
	return SD_OK;
}

/* ---- conflicts ---- */
static enum sd_shape shape_of(const struct sd_case *c, const struct cJSON *theirs)
{
	if (c->m.op == SD_OP_CREATE)
		return SD_SHAPE_CREATE_EXISTS;
	if (c->m.op == SD_OP_DELETE)
		return SD_SHAPE_DELETE_EDIT;
	if (!theirs)
		return SD_SHAPE_MISSING;
	return is_deleted(theirs) ? SD_SHAPE_EDIT_DELETE : SD_SHAPE_EDIT_EDIT;
}

void sd_push_tell_conflict(
	struct sd_engine *en, const struct sd_case *c, int64_t id, int64_t now_ms)
{
	struct cJSON *f = sd_json_object();

	sd_json_add_int(f, "id", id);
	sd_push_event(en, "conflict", &c->m, f, now_ms);
	sd_en_outbox_status(en, now_ms);
}

enum sd_err sd_push_ask(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, struct sd_error *e)
{
	int64_t id;
	enum sd_err rc = sd_case_mine(c, e);

	if (rc == SD_OK)
		rc = sd_conflict_put(en->store, c->m.seq, shape_of(c, theirs), c->shadow.base,
			c->mine, theirs, now_ms, &id, e);

	/* after the decision the tries are counted anew */
	if (rc == SD_OK)
		rc = sd_outbox_conflict_attempts(en->store, c->m.seq, 0, e);
	if (rc == SD_OK)
		sd_push_tell_conflict(en, c, id, now_ms);
	return rc;
}

void sd_push_tell_resolved(struct sd_engine *en, int64_t id, const char *how, int64_t now_ms)
{
	struct cJSON *f = sd_json_object();

	sd_json_add_int(f, "id", id);
	sd_json_add_str(f, "how", how);
	sd_en_event(en, "conflictResolved", f, now_ms);
	sd_en_outbox_status(en, now_ms);
}

/* A clash: by the model's policy. */
static enum sd_err by_policy(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	bool mine = c->policy == SD_POLICY_MINE;
	const char *how = mine ? "policy mine" : "policy theirs";
	struct cJSON *write = NULL;
	int64_t id;
	enum sd_err rc;

	*out = SD_VERDICT_GONE;
	if (c->policy != SD_POLICY_MINE && c->policy != SD_POLICY_THEIRS &&
		c->policy != SD_POLICY_COMMAND)
		return sd_push_ask(en, c, theirs, now_ms, e);
	rc = sd_case_mine(c, e);
	if (rc == SD_OK)
		rc = sd_conflict_put(en->store, c->m.seq, shape_of(c, theirs), c->shadow.base,
			c->mine, theirs, now_ms, &id, e);
	if (rc != SD_OK)
		return rc;
	if (c->policy == SD_POLICY_COMMAND)
		return sd_push_command(en, c, id, e);
	rc = sd_conflict_resolve(en->store, id, mine ? SD_PICK_MINE : SD_PICK_THEIRS, NULL, NULL,
		how, false, now_ms, &write, e);
	if (rc != SD_OK)
		return rc;
	if (!sd_json_is_null(write))
		*out = SD_VERDICT_REBASED;
	sd_json_free(write);
	sd_push_tell_resolved(en, id, how, now_ms);
	return SD_OK;
}

/* ---- what the service made of our own stale write ---- */

/* The list that stood there before ours was appended; NULL (and *ok) when that is not so. */
static struct cJSON *before_ours(const struct cJSON *list, const struct cJSON *mine, bool *ok)
{
	const struct cJSON *tail = sd_json_child(list);
	size_t n = sd_json_count(list), ours = sd_json_count(mine), i = 0;
	struct cJSON *out;

	*ok = true;
	if (!sd_json_is_array(list) || !sd_json_is_array(mine) || ours == 0 || n <= ours)
		return NULL;
	for (; i < n - ours; i++)
		tail = sd_json_next(tail);
	for (const struct cJSON *m = sd_json_child(mine); m; m = sd_json_next(m)) {
		if (!sd_json_equal(m, tail, true))
			return NULL;
		tail = sd_json_next(tail);
	}
	out = sd_json_array();
	for (const struct cJSON *c = sd_json_child(list); out && i > 0; c = sd_json_next(c), i--)
		if (!sd_json_push(out, sd_json_dup(c))) {
			sd_json_free(out);
			out = NULL;
		}
	*ok = out != NULL;
	return out;
}

/* Automerge appends our whole list to the server's (server.md 2.5).  Theirs is what stood there
 * before; what stands there now is kept under SD_MERGED, so that any decision puts it right. */
static enum sd_err without_ours(
	const struct sd_case *c, const struct cJSON *item, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = sd_json_dup(item), *merged = sd_json_object();
	bool ok = o && merged;

	for (const struct cJSON *f = sd_json_child(c->m.fields); ok && f; f = sd_json_next(f)) {
		const struct cJSON *now = sd_json_get(item, sd_json_name(f));
		struct cJSON *was = before_ours(now, f, &ok);
		if (!was)
			continue;
		ok = sd_json_add(merged, sd_json_name(f), sd_json_dup(now)) &&
		     sd_json_set(o, sd_json_name(f), was);
	}
	if (ok && sd_json_child(merged)) {
		ok = sd_json_set(o, SD_MERGED, merged);
		merged = NULL;
	}
	sd_json_free(merged);
	if (!ok) {
		sd_json_free(o);
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	}
	*out = o;
	return SD_OK;
}

/* ---- comparing ---- */
static enum sd_err rebase(struct sd_engine *en, const struct sd_case *c, const struct cJSON *fields,
	const struct cJSON *theirs, int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	*out = SD_VERDICT_REBASED;
	return sd_outbox_rebase(en->store, c->m.seq, c->m.op, fields, theirs, now_ms, e);
}

/* An embedded value the service merged ours into, when it held base's: not an edit of theirs. */
static enum sd_err undo_automerge(struct sd_merge *g, struct sd_error *e)
{
	for (size_t i = 0; i < g->count; i++) {
		struct sd_merge_field *f = &g->fields[i];
		struct cJSON *made;
		if (!f->changed_here || !f->changed_there)
			continue;
		made = sd_automerge_value(f->base, f->mine);
		if (!made)
			return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", g->model->name);
		if (sd_json_equal(made, f->theirs, true)) {
			f->changed_there = false;
			g->clashes -= f->clash;
			f->clash = false;
			f->pick = SD_PICK_MINE;
		}
		sd_json_free(made);
	}
	return SD_OK;
}

/* A condition speaks for itself: nobody is asked about a clash.  But when the answer was lost and
 * somebody else wrote meanwhile, the change may have been there already: made again it would undo
 * theirs. */
static bool speaks_for_itself(const struct sd_case *c)
{
	return c->m.condition && !c->m.unknown;
}

/* merge: fields of one side merge by themselves; ask and a command want to see every change of
 * both sides. */
static bool must_be_decided(const struct sd_case *c, const struct sd_merge *g)
{
	bool here = false, there = false;

	if (g->clashes)
		return true;
	for (size_t i = 0; i < g->count; i++) {
		const struct sd_merge_field *f = &g->fields[i];
		bool differ = !sd_json_equal(f->mine, f->theirs, true);
		here = here || (f->changed_here && differ);
		there = there || (f->changed_there && differ);
	}
	return here && there && (c->policy == SD_POLICY_ASK || c->policy == SD_POLICY_COMMAND);
}

static enum sd_err compare_update(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, bool answer, int64_t now_ms, enum sd_verdict *out,
	struct sd_error *e)
{
	struct sd_merge g;
	struct cJSON *fields = NULL;
	enum sd_err rc = sd_case_mine(c, e);

	if (rc == SD_OK)
		rc = sd_merge_compare(c->m.model, c->shadow.base, c->mine, theirs, &g, e);
	if (rc != SD_OK)
		return rc;
	if (answer)
		rc = undo_automerge(&g, e);
	if (rc == SD_OK && speaks_for_itself(c))
		for (size_t i = 0; i < g.count; i++) {
			if (g.fields[i].clash)
				g.fields[i].pick = SD_PICK_MINE;
			g.clashes -= g.fields[i].clash;
			g.fields[i].clash = false;
		}
	if (rc == SD_OK && !speaks_for_itself(c) && must_be_decided(c, &g)) {
		rc = by_policy(en, c, theirs, now_ms, out, e);
		goto done;
	}
	if (rc == SD_OK)
		rc = sd_merge_result(&g, NULL, &fields, e);
	if (rc == SD_OK && !sd_json_child(fields)) {
		*out = SD_VERDICT_GONE;
		rc = sd_push_done(en, c, theirs, "the server has it already", now_ms, e);
	} else if (rc == SD_OK) {
		rc = rebase(en, c, fields, theirs, now_ms, out, e);
	}
done:
	sd_json_free(fields);
	sd_merge_release(&g);
	return rc;
}

static bool edited(const struct sd_model *m, const struct cJSON *base, const struct cJSON *theirs)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->stored && !f->read_only &&
			!sd_json_equal(
				sd_json_get(base, f->name), sd_json_get(theirs, f->name), true))
			return true;
	}
	return false;
}

/* A tombstone for a record the server has nothing of any more. */
static enum sd_err settle_gone(
	struct sd_engine *en, struct sd_case *c, int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *known = sd_case_server(c);
	struct cJSON *tomb = known ? sd_json_dup(known) : sd_json_object();
	enum sd_err rc;

	if (!tomb || !sd_json_set(tomb, "_deleted", sd_json_bool(true)))
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	else if (!known && (rc = sd_key_put(c->m.model, c->m.key, tomb, e)) != SD_OK)
		;
	else
		rc = sd_push_done(en, c, tomb, "already gone from the server", now_ms, e);
	sd_json_free(tomb);
	return rc;
}

static enum sd_err compare_delete(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	static const char both[] = "deleted on both sides";
	struct cJSON *none;
	enum sd_err rc;

	*out = SD_VERDICT_GONE;
	if (!theirs)
		return settle_gone(en, c, now_ms, e);
	if (is_deleted(theirs))
		return sd_push_done(en, c, theirs, both, now_ms, e);
	if (!c->m.condition && c->shadow.base && edited(c->m.model, c->shadow.base, theirs))
		return by_policy(en, c, theirs, now_ms, out, e);
	none = sd_json_object();
	if (!none)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	rc = rebase(en, c, none, theirs, now_ms, out, e);
	sd_json_free(none);
	return rc;
}

/* A key nobody else can have made: a create of ours that is there was ours. */
static bool own_key(const struct sd_case *c)
{
	const char *k = c->m.key;
	static const char shape[] = "[\"xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx\"]";

	if (!c->m.model->managed_id || strlen(k) != sizeof shape - 1)
		return false;
	for (size_t i = 0; k[i]; i++)
		if (shape[i] == 'x'       ? !strchr("0123456789abcdef", k[i])
			: shape[i] == 'y' ? !strchr("89ab", k[i])
					  : k[i] != shape[i])
			return false;
	return true;
}

static enum sd_err compare_create(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	*out = theirs ? SD_VERDICT_GONE : SD_VERDICT_SEND;
	if (!theirs)
		return SD_OK;
	if (sd_push_applied(c, theirs) || ((c->m.unknown || c->m.attempts > 0) && own_key(c)))
		return sd_push_done(en, c, theirs, NULL, now_ms, e);
	return by_policy(en, c, theirs, now_ms, out, e);
}

static enum sd_err compare(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	bool answer, int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	if (c->m.op == SD_OP_CREATE)
		return compare_create(en, c, theirs, now_ms, out, e);
	if (c->m.op == SD_OP_DELETE)
		return compare_delete(en, c, theirs, now_ms, out, e);
	/* an edit made on a tombstone means to bring it back: a newer tombstone changes nothing */
	if (theirs && is_deleted(theirs) && is_deleted(c->shadow.base))
		return rebase(en, c, c->m.fields, theirs, now_ms, out, e);
	if (!theirs || is_deleted(theirs))
		return by_policy(en, c, theirs, now_ms, out, e);
	return compare_update(en, c, theirs, answer, now_ms, out, e);
}

enum sd_err sd_push_compare(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, enum sd_verdict *out, struct sd_error *e)
{
	return compare(en, c, theirs, false, now_ms, out, e);
}

enum sd_err sd_push_compare_answer(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *item, bool ask, int64_t now_ms, enum sd_verdict *out,
	struct sd_error *e)
{
	struct cJSON *theirs = NULL;
	enum sd_err rc = without_ours(c, item, &theirs, e);

	*out = SD_VERDICT_GONE;
	if (rc == SD_OK && ask)
		rc = sd_push_ask(en, c, theirs, now_ms, e);
	else if (rc == SD_OK)
		rc = compare(en, c, theirs, true, now_ms, out, e);
	sd_json_free(theirs);
	return rc;
}
