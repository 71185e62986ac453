/* core/sync/merge.c - see merge.h. */
#include "core/sync/merge.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static const char *const PICKS[] = {
	[SD_PICK_NONE] = "null",
	[SD_PICK_MINE] = "mine",
	[SD_PICK_THEIRS] = "theirs",
	[SD_PICK_BASE] = "base",
	[SD_PICK_SET] = "set",
};

const char *sd_pick_name(enum sd_pick p)
{
	return PICKS[p];
}

int sd_pick_parse(const char *s)
{
	for (size_t i = SD_PICK_MINE; s && i < sizeof PICKS / sizeof *PICKS; i++)
		if (strcmp(s, PICKS[i]) == 0)
			return (int)i;
	return -1;
}

static bool same(const struct cJSON *a, const struct cJSON *b)
{
	return sd_json_equal(a, b, true);
}

/* ---- lists as bags of elements ---- */
struct bag {
	const struct cJSON **item; /* NULL: taken out */
	size_t count;
};

static bool bag_fill(struct bag *b, const struct cJSON *list)
{
	size_t n = sd_json_is_array(list) ? sd_json_count(list) : 0;

	b->count = 0;
	b->item = calloc(n ? n : 1, sizeof(const struct cJSON *));
	if (!b->item)
		return false;
	if (n)
		for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
			b->item[b->count++] = c;
	return true;
}

/* Takes one occurrence of v out; false: there is none. */
static bool bag_take(struct bag *b, const struct cJSON *v)
{
	for (size_t i = 0; i < b->count; i++)
		if (b->item[i] && sd_json_equal(b->item[i], v, true)) {
			b->item[i] = NULL;
			return true;
		}
	return false;
}

static void bag_without(struct bag *b, const struct bag *other)
{
	for (size_t i = 0; i < other->count; i++)
		if (other->item[i])
			bag_take(b, other->item[i]);
}

/* to := a without b, as bags */
static bool difference(const struct cJSON *a, const struct cJSON *b, struct bag *to)
{
	struct bag other = {NULL, 0};
	bool ok = bag_fill(to, a) && bag_fill(&other, b);

	if (ok)
		bag_without(to, &other);
	free(other.item);
	return ok;
}

/* theirs + my additions - my removals; what both sides added or removed counts once. */
static struct cJSON *list_suggestion(
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs)
{
	struct bag added = {0}, removed = {0}, there_added = {0}, there_removed = {0};
	struct cJSON *out = NULL;

	if (!difference(mine, base, &added) || !difference(base, mine, &removed) ||
		!difference(theirs, base, &there_added) ||
		!difference(base, theirs, &there_removed))
		goto done;
	bag_without(&added, &there_added);
	bag_without(&removed, &there_removed);
	out = sd_json_array();
	if (sd_json_is_array(theirs))
		for (const struct cJSON *c = sd_json_child(theirs); out && c; c = sd_json_next(c))
			if (!bag_take(&removed, c) && !sd_json_push(out, sd_json_dup(c)))
				goto nomem;
	for (size_t i = 0; out && i < added.count; i++)
		if (added.item[i] && !sd_json_push(out, sd_json_dup(added.item[i])))
			goto nomem;
	goto done;
nomem:
	sd_json_free(out);
	out = NULL;
done:
	free(added.item);
	free(removed.item);
	free(there_added.item);
	free(there_removed.item);
	return out;
}

/* ---- comparing ---- */
static bool compare_field(struct sd_merge_field *f, bool have_mine, bool have_theirs)
{
	f->changed_here = have_mine && !same(f->base, f->mine);
	f->changed_there = have_theirs && !same(f->base, f->theirs);
	f->clash = f->changed_here && f->changed_there && !same(f->mine, f->theirs);
	f->pick = f->clash                               ? SD_PICK_NONE
		  : f->changed_here && !f->changed_there ? SD_PICK_MINE
							 : SD_PICK_THEIRS;
	if (!have_mine || !have_theirs)
		f->pick = SD_PICK_NONE; /* the record as a whole is decided */
	if (f->clash && f->field->list) {
		f->suggestion = list_suggestion(f->base, f->mine, f->theirs);
		return f->suggestion != NULL;
	}
	return true;
}

static bool is_key(const struct sd_model *m, size_t field)
{
	for (size_t i = 0; i < m->pk_count; i++)
		if (m->pk[i] == field)
			return true;
	return false;
}

enum sd_err sd_merge_compare(const struct sd_model *m, const struct cJSON *base,
	const struct cJSON *mine, const struct cJSON *theirs, struct sd_merge *out,
	struct sd_error *e)
{
	memset(out, 0, sizeof *out);
	out->model = m;
	out->fields = calloc(m->field_count ? m->field_count : 1, sizeof *out->fields);
	if (!out->fields)
		return sd_fail(e, SD_NOMEM, 0, "comparing %s: out of memory", m->name);
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct cJSON *ours = sd_json_path(base, SD_MERGED, f->name, NULL);
		struct sd_merge_field *g;
		if (!f->stored || f->read_only || is_key(m, i))
			continue;
		g = &out->fields[out->count++];
		g->field = f;
		g->base = sd_json_get(base, f->name);
		g->mine = sd_json_get(mine, f->name);
		g->theirs = sd_json_get(theirs, f->name);
		g->stored = sd_json_path(theirs, SD_MERGED, f->name, NULL);
		if (!g->stored)
			g->stored = g->theirs;
		/* what our earlier stale write left there is no edit of theirs */
		if (ours && same(ours, g->theirs))
			g->theirs = g->base;
		if (!compare_field(g, mine != NULL, theirs != NULL)) {
			sd_merge_release(out);
			return sd_fail(e, SD_NOMEM, 0, "comparing %s: out of memory", m->name);
		}
		out->clashes += g->clash;
	}
	return SD_OK;
}

void sd_merge_release(struct sd_merge *g)
{
	for (size_t i = 0; i < g->count; i++)
		sd_json_free(g->fields[i].suggestion);
	free(g->fields);
	memset(g, 0, sizeof *g);
}

/* ---- the result ---- */
static enum sd_err still_open(
	const struct sd_merge *g, const struct cJSON *sets, struct sd_error *e)
{
	struct sd_buf names = SD_BUF_INIT;
	size_t n = 0;
	enum sd_err rc;

	for (size_t i = 0; i < g->count; i++) {
		const struct sd_merge_field *f = &g->fields[i];
		if (f->pick != SD_PICK_NONE || !f->clash || sd_json_get(sets, f->field->name))
			continue;
		sd_buf_fmt(&names, "%s%s", n++ ? ", " : "", f->field->name);
	}
	if (n == 0)
		return SD_OK;
	rc = sd_fail(e, SD_INVAL, 0, "%zu field%s still open: %s", n, n == 1 ? "" : "s",
		sd_buf_text(&names));
	sd_buf_release(&names);
	return rc;
}

static const struct cJSON *picked(const struct sd_merge_field *f, const struct cJSON *sets)
{
	const struct cJSON *set = sd_json_get(sets, f->field->name);

	if (set)
		return set;
	switch (f->pick) {
	case SD_PICK_MINE:
		return f->mine;
	case SD_PICK_BASE:
		return f->base;
	case SD_PICK_THEIRS:
	case SD_PICK_NONE:
	case SD_PICK_SET:
		break;
	}
	return f->theirs;
}

enum sd_err sd_merge_result(
	const struct sd_merge *g, const struct cJSON *sets, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o;
	enum sd_err rc = still_open(g, sets, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	o = sd_json_object();
	for (size_t i = 0; o && i < g->count; i++) {
		const struct sd_merge_field *f = &g->fields[i];
		const struct cJSON *v = picked(f, sets);
		if (same(v, f->stored) && f->stored == f->theirs)
			continue;
		if (!sd_json_add(o, f->field->name, v ? sd_json_dup(v) : sd_json_null())) {
			sd_json_free(o);
			o = NULL;
		}
	}
	if (!o)
		return sd_fail(e, SD_NOMEM, 0, "merging %s: out of memory", g->model->name);
	*out = o;
	return SD_OK;
}

static bool add_value(struct cJSON *o, const char *name, const struct cJSON *v)
{
	return sd_json_add(o, name, v ? sd_json_dup(v) : sd_json_null());
}

static struct cJSON *field_json(const struct sd_merge_field *f)
{
	struct cJSON *o = sd_json_object();
	const char *pick = f->pick == SD_PICK_NONE ? NULL : sd_pick_name(f->pick);

	if (sd_json_add_str(o, "name", f->field->name) && add_value(o, "base", f->base) &&
		add_value(o, "mine", f->mine) && add_value(o, "theirs", f->theirs) &&
		sd_json_add_bool(o, "clash", f->clash) && sd_json_add_str(o, "pick", pick) &&
		(!f->suggestion || add_value(o, "suggestion", f->suggestion)))
		return o;
	sd_json_free(o);
	return NULL;
}

enum sd_err sd_merge_json(const struct sd_merge *g, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *a = sd_json_array();

	*out = NULL;
	for (size_t i = 0; i < g->count; i++)
		if (!sd_json_push(a, field_json(&g->fields[i]))) {
			sd_json_free(a);
			return sd_fail(
				e, SD_NOMEM, 0, "conflict of %s: out of memory", g->model->name);
		}
	*out = a;
	return a ? SD_OK : sd_fail(e, SD_NOMEM, 0, "out of memory");
}
