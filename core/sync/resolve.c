/*
 * core/sync/resolve.c - decisions about conflicts: from picks to the one write that goes out.
 *
 * The five shapes and what may be kept:
 *
 *   edit/edit      per field                   UPDATE on theirs
 *   create/exists  per field                   UPDATE on theirs
 *   edit/delete    mine, base: bring it back   UPDATE of the whole record on the tombstone
 *   missing        mine, base: bring it back   CREATE
 *   delete/edit    mine: delete it             DELETE on theirs;  base: UPDATE back to base
 *
 * Keeping theirs never sends anything.
 */
#include "core/sync/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/model/scalar.h"

void sd_decision_release(struct sd_decision *d)
{
	sd_json_free(d->fields);
	memset(d, 0, sizeof *d);
}

static bool is_deleted(const struct cJSON *rec)
{
	return sd_json_is_true(sd_json_get(rec, "_deleted"));
}

static bool by_field(const struct sd_conflict *c)
{
	return c->shape == SD_SHAPE_EDIT_EDIT || c->shape == SD_SHAPE_CREATE_EXISTS;
}

static struct sd_merge_field *field_of(const struct sd_merge *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->fields[i].field->name, name) == 0)
			return &g->fields[i];
	return NULL;
}

static enum sd_err no_such_field(const struct sd_conflict *c, const char *name, struct sd_error *e)
{
	return sd_fail(e, SD_INVAL, 0, "conflict %lld: %s has no field \"%s\" to decide about",
		(long long)c->id, c->model->name, name);
}

static enum sd_err check_sets(const struct sd_conflict *c, const struct sd_merge *g,
	const struct cJSON *sets, struct sd_error *e)
{
	for (const struct cJSON *s = sd_json_child(sets); s; s = sd_json_next(s)) {
		const struct sd_merge_field *f = field_of(g, sd_json_name(s));
		enum sd_err rc;
		if (!f)
			return no_such_field(c, sd_json_name(s), e);
		rc = sd_value_check(c->model, f->field, s, e);
		if (rc != SD_OK)
			return rc;
	}
	return SD_OK;
}

/* keep first, then the fields named */
static enum sd_err apply_picks(const struct sd_conflict *c, struct sd_merge *g, enum sd_pick keep,
	const struct cJSON *picks, struct sd_error *e)
{
	for (size_t i = 0; i < g->count; i++) {
		struct sd_merge_field *f = &g->fields[i];
		if (keep == SD_PICK_MINE)
			f->pick = f->changed_here ? SD_PICK_MINE : SD_PICK_THEIRS;
		else if (keep != SD_PICK_NONE)
			f->pick = keep;
	}
	for (const struct cJSON *p = sd_json_child(picks); p; p = sd_json_next(p)) {
		struct sd_merge_field *f = field_of(g, sd_json_name(p));
		int pick = sd_pick_parse(sd_json_str(p));
		if (!f)
			return no_such_field(c, sd_json_name(p), e);
		if (pick < 0 || pick == SD_PICK_SET)
			return sd_fail(e, SD_INVAL, 0,
				"conflict %lld: field %s: say mine, theirs or base",
				(long long)c->id, sd_json_name(p));
		if (pick == SD_PICK_BASE && !c->base)
			return sd_fail(e, SD_INVAL, 0,
				"conflict %lld: field %s: there is no base, say mine or theirs",
				(long long)c->id, sd_json_name(p));
		f->pick = (enum sd_pick)pick;
	}
	return SD_OK;
}

static const struct cJSON *wanted(
	const struct sd_merge_field *f, bool of_base, const struct cJSON *sets)
{
	const struct cJSON *set = sd_json_get(sets, f->field->name);

	return set ? set : of_base ? f->base : f->mine;
}

static bool put(struct cJSON *o, const struct sd_merge_field *f, const struct cJSON *v)
{
	return sd_json_set(o, f->field->name, v ? sd_json_dup(v) : sd_json_null());
}

/* The values of mine (or base) with sets above them: those that differ from theirs, or, for a
 * record that is made again, every one there is. */
static struct cJSON *whole(
	const struct sd_merge *g, bool of_base, const struct cJSON *sets, bool all)
{
	struct cJSON *o = sd_json_object();
	const struct sd_merge_field *touch = NULL;
	bool ok = o != NULL;

	for (size_t i = 0; ok && i < g->count; i++) {
		const struct sd_merge_field *f = &g->fields[i];
		const struct cJSON *v = wanted(f, of_base, sets);
		if (all ? !sd_json_is_null(v)
			: !sd_json_equal(v, f->stored, true) || f->stored != f->theirs)
			ok = put(o, f, v);
		if (!touch || (touch->field->list && !f->field->list) ||
			(sd_json_is_null(wanted(touch, of_base, sets)) && !sd_json_is_null(v) &&
				!f->field->list))
			touch = f;
	}
	/* Nothing differs: one value is sent as it stands, so that the write brings the record
	 * back.  Not a list, which a race would double. */
	if (ok && !all && !sd_json_child(o) && touch)
		ok = put(o, touch, wanted(touch, of_base, sets));
	if (ok)
		return o;
	sd_json_free(o);
	return NULL;
}

static enum sd_err decide_whole(const struct sd_conflict *c, const struct sd_merge *g,
	enum sd_pick keep, const struct cJSON *sets, struct sd_decision *out, struct sd_error *e)
{
	bool of_base = keep == SD_PICK_BASE;
	struct cJSON *fields;

	if (c->shape == SD_SHAPE_DELETE_EDIT && !of_base) {
		out->op = SD_OP_DELETE;
		fields = sd_json_object();
	} else if (c->shape == SD_SHAPE_MISSING) {
		out->op = SD_OP_CREATE;
		fields = whole(g, of_base, sets, true);
	} else {
		out->op = SD_OP_UPDATE;
		fields = whole(g, of_base, sets, false);
	}
	if (!fields)
		return sd_fail(e, SD_NOMEM, 0, "conflict %lld: out of memory", (long long)c->id);
	out->sends = true;
	out->fields = fields;
	return SD_OK;
}

static enum sd_err say_whole(const struct sd_conflict *c, struct sd_error *e)
{
	const char *what =
		c->shape == SD_SHAPE_DELETE_EDIT
			? "deleted here and edited there: keep mine (delete it) or theirs"
		: c->shape == SD_SHAPE_MISSING
			? "not on the server any more: keep mine (make it again) or theirs"
			: "edited here and deleted there: keep mine (bring it back) or "
			  "theirs";

	return sd_fail(e, SD_INVAL, 0,
		"conflict %lld: %s %s is %s; fields are not picked one by "
		"one",
		(long long)c->id, c->model->name, c->key, what);
}

enum sd_err sd_conflict_decide(const struct sd_conflict *c, enum sd_pick keep,
	const struct cJSON *picks, const struct cJSON *sets, struct sd_decision *out,
	struct sd_error *e)
{
	struct sd_merge g;
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	out->version = sd_json_get_i64(c->theirs, "_version", -1);
	if (keep == SD_PICK_BASE && !c->base)
		return sd_fail(e, SD_INVAL, 0,
			"conflict %lld: there is no base, keep mine or theirs", (long long)c->id);
	rc = sd_merge_compare(c->model, c->base, c->mine, c->theirs, &g, e);
	if (rc != SD_OK)
		return rc;
	rc = check_sets(c, &g, sets, e);
	if (rc != SD_OK)
		goto done;
	if (!by_field(c)) {
		if (keep == SD_PICK_NONE || keep == SD_PICK_SET || sd_json_child(picks))
			rc = say_whole(c, e);
		else if (keep != SD_PICK_THEIRS)
			rc = decide_whole(c, &g, keep, sets, out, e);
		goto done;
	}
	rc = apply_picks(c, &g, keep, picks, e);
	if (rc == SD_OK && is_deleted(c->theirs) && keep == SD_PICK_MINE && !sd_json_child(picks))
		rc = decide_whole(c, &g, keep, sets, out, e);
	else if (rc == SD_OK)
		rc = sd_merge_result(&g, sets, &out->fields, e);
	if (rc == SD_OK && !sd_json_child(out->fields)) {
		sd_json_free(out->fields);
		out->fields = NULL;
	}
	out->op = SD_OP_UPDATE;
	out->sends = out->fields != NULL;
done:
	sd_merge_release(&g);
	return rc;
}

/* ---- as JSON ---- */
static bool add_record(struct cJSON *o, const char *name, const struct cJSON *rec)
{
	struct cJSON *copy = rec ? sd_json_dup(rec) : sd_json_null();

	sd_json_remove(copy, SD_MERGED);
	return sd_json_add(o, name, copy);
}

static bool add_key(struct cJSON *o, const char *key, struct sd_error *e)
{
	struct cJSON *k = NULL;

	return sd_json_parse(key, strlen(key), "key", &k, e) == SD_OK && sd_json_add(o, "key", k);
}

enum sd_err sd_conflict_json(const struct sd_conflict *c, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = sd_json_object(), *fields = NULL;
	struct sd_merge g;
	enum sd_err rc = sd_merge_compare(c->model, c->base, c->mine, c->theirs, &g, e);

	*out = NULL;
	if (rc == SD_OK) {
		rc = sd_merge_json(&g, &fields, e);
		sd_merge_release(&g);
	}
	if (rc == SD_OK &&
		(!sd_json_add_int(o, "id", c->id) || !sd_json_add_str(o, "model", c->model->name) ||
			!add_key(o, c->key, e) ||
			!sd_json_add_str(o, "shape", sd_shape_name(c->shape)) ||
			!add_record(o, "base", c->base) || !add_record(o, "mine", c->mine) ||
			!add_record(o, "theirs", c->theirs)))
		rc = sd_fail(e, SD_NOMEM, 0, "conflict %lld: out of memory", (long long)c->id);
	if (rc == SD_OK) {
		bool ok = sd_json_add(o, "fields", fields);
		fields = NULL;
		if (!ok || !sd_json_add_int(o, "found", c->found_ms))
			rc = sd_fail(e, SD_NOMEM, 0, "conflict: out of memory");
	}
	if (rc != SD_OK) {
		sd_json_free(fields);
		sd_json_free(o);
		return rc;
	}
	*out = o;
	return SD_OK;
}

static enum sd_err write_json(const struct sd_conflict *c, const struct sd_decision *d,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o;
	bool ok;

	if (!d->sends) {
		*out = sd_json_null();
		return *out ? SD_OK : sd_fail(e, SD_NOMEM, 0, "out of memory");
	}
	o = sd_json_object();
	ok = sd_json_add_str(o, "op", sd_op_name(d->op)) &&
	     sd_json_add_str(o, "model", c->model->name) && add_key(o, c->key, e) &&
	     sd_json_add(o, "fields", sd_json_dup(d->fields)) &&
	     sd_json_add(o, "version",
		     d->op == SD_OP_CREATE || d->version < 0 ? sd_json_null()
							     : sd_json_int(d->version));
	if (!ok) {
		sd_json_free(o);
		return sd_fail(e, SD_NOMEM, 0, "conflict %lld: out of memory", (long long)c->id);
	}
	*out = o;
	return SD_OK;
}

/* ---- edits that waited behind ---- */
struct behind {
	const struct sd_conflict *c;
	struct cJSON *sum;   /* what they make together, up to where we are */
	int64_t upto, first; /* the last one that mine holds, and the first one left; 0: none */
	bool ok;
};

/* One edit may be hidden by a later one of the same field: they are looked at together. */
static bool add_up(void *ctx, struct sd_mutation *m)
{
	struct behind *b = ctx;

	if (m->seq <= b->c->seq)
		return true;
	if (!sd_mutation_is_plain_edit(m))
		return false;
	for (const struct cJSON *f = sd_json_child(m->fields); f; f = sd_json_next(f))
		b->ok = b->ok && sd_json_set(b->sum, sd_json_name(f), sd_json_dup(f));
	for (const struct cJSON *f = sd_json_child(b->sum); f; f = sd_json_next(f))
		if (!sd_json_equal(f, sd_json_get(b->c->mine, sd_json_name(f)), true))
			return b->ok;
	b->upto = m->seq;
	return b->ok;
}

static bool first_behind(void *ctx, struct sd_mutation *m)
{
	struct behind *b = ctx;

	if (m->seq > b->c->seq && m->seq <= b->upto)
		b->first = m->seq;
	return !b->first;
}

static enum sd_err drop_behind(
	struct sd_store *st, const struct sd_conflict *c, int64_t now_ms, struct sd_error *e)
{
	struct behind b = {.c = c, .sum = sd_json_object(), .ok = true};
	enum sd_err rc = SD_OK;
	char how[64];

	snprintf(how, sizeof how, "decided together with conflict %lld", (long long)c->id);
	if (c->mine)
		rc = sd_outbox_of(st, c->model, c->key, add_up, &b, e);
	if (rc == SD_OK && (!b.ok || !b.sum))
		rc = sd_fail(e, SD_NOMEM, 0, "conflict %lld: out of memory", (long long)c->id);
	while (rc == SD_OK && b.upto) {
		b.first = 0;
		rc = sd_outbox_of(st, c->model, c->key, first_behind, &b, e);
		if (rc == SD_OK && !b.first)
			break;
		if (rc == SD_OK)
			rc = sd_outbox_settled(st, b.first, NULL, how, now_ms, e);
	}
	sd_json_free(b.sum);
	return rc;
}

enum sd_err sd_conflict_resolve(struct sd_store *st, int64_t id, enum sd_pick keep,
	const struct cJSON *picks, const struct cJSON *sets, const char *how, bool dry_run,
	int64_t now_ms, struct cJSON **write, struct sd_error *e)
{
	struct sd_conflict c;
	struct sd_decision d = {.sends = false};
	enum sd_err rc = sd_conflict_get(st, id, &c, e);

	*write = NULL;
	if (rc == SD_NOTFOUND)
		return sd_fail(e, SD_NOTFOUND, 0,
			"there is no conflict %lld; `conflicts list` shows those there are",
			(long long)id);
	if (rc != SD_OK)
		return rc;
	rc = sd_conflict_decide(&c, keep, picks, sets, &d, e);
	if (rc == SD_OK)
		rc = write_json(&c, &d, write, e);
	if (rc == SD_OK && !dry_run)
		rc = sd_conflict_settle(st, id, d.op, d.fields, how, now_ms, e);
	if (rc == SD_OK && !dry_run)
		rc = drop_behind(st, &c, now_ms, e);
	if (rc != SD_OK) {
		sd_json_free(*write);
		*write = NULL;
	}
	sd_decision_release(&d);
	sd_conflict_release(&c);
	return rc;
}
