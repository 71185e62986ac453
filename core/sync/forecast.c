/*
 * core/sync/forecast.c - what the server's strategy would make of an unsent change (U-05).
 *
 * The Automerge rules are those of spec/server.md 2.5, written here from the client's side: a
 * scalar that the server holds stays, a list is appended to, an embedded object goes key by key,
 * and only what the server has no value for is taken.
 */
#include "core/sync/merge.h"

#include <stdio.h>
#include <string.h>

#include "core/json/json.h"

enum why { WHY_SENT, WHY_SAME, WHY_ADDED, WHY_REJECTED, WHY_APPENDED, WHY_BY_KEY, WHY_STALE };

static const char *const WHY[] = {
	[WHY_SENT] = "taken: the version is the newest",
	[WHY_SAME] = "the server has this value already",
	[WHY_ADDED] = "taken: the server has no value (ADDED)",
	[WHY_REJECTED] = "the server's value stays, mine is dropped (REJECTED)",
	[WHY_APPENDED] = "mine is appended to the server's list, repeats and all (APPENDED)",
	[WHY_BY_KEY] = "merged key by key, values the server has stay (MERGED)",
	[WHY_STALE] = "not written: the version is stale (ConflictUnhandled)",
};

static struct cJSON *copy(const struct cJSON *v)
{
	return v ? sd_json_dup(v) : sd_json_null();
}

static struct cJSON *append(const struct cJSON *stored, const struct cJSON *incoming)
{
	struct cJSON *o = sd_json_dup(stored);

	for (const struct cJSON *c = sd_json_child(incoming); o && c; c = sd_json_next(c))
		if (!sd_json_push(o, sd_json_dup(c))) {
			sd_json_free(o);
			return NULL;
		}
	return o;
}

static struct cJSON *automerge(
	const struct cJSON *stored, const struct cJSON *incoming, enum why *why);

static struct cJSON *by_key(const struct cJSON *stored, const struct cJSON *incoming)
{
	struct cJSON *o = sd_json_dup(stored);
	enum why why;

	for (const struct cJSON *c = sd_json_child(incoming); o && c; c = sd_json_next(c)) {
		struct cJSON *v = automerge(sd_json_get(stored, sd_json_name(c)), c, &why);
		if (!sd_json_set(o, sd_json_name(c), v)) {
			sd_json_free(o);
			return NULL;
		}
	}
	return o;
}

static struct cJSON *automerge(
	const struct cJSON *stored, const struct cJSON *incoming, enum why *why)
{
	if (sd_json_is_null(stored)) {
		*why = sd_json_is_null(incoming) ? WHY_SAME : WHY_ADDED;
		return copy(incoming);
	}
	if (sd_json_is_array(stored) && sd_json_is_array(incoming)) {
		*why = sd_json_child(incoming) ? WHY_APPENDED : WHY_REJECTED;
		return append(stored, incoming);
	}
	if (sd_json_is_object(stored) && sd_json_is_object(incoming)) {
		*why = sd_json_equal(stored, incoming, true) ? WHY_SAME : WHY_BY_KEY;
		return by_key(stored, incoming);
	}
	*why = sd_json_equal(stored, incoming, true) ? WHY_SAME : WHY_REJECTED;
	return copy(stored);
}

struct cJSON *sd_automerge_value(const struct cJSON *stored, const struct cJSON *incoming)
{
	enum why why;

	return automerge(stored, incoming, &why);
}

/* ---- gathering ---- */
struct view {
	struct sd_shadow shadow;
	struct sd_mutation m; /* of the oldest entry; strings owned here */
	bool found, stale, optimistic, deleted;
	int64_t version, server_version;
};

static bool take_first(void *ctx, struct sd_mutation *m)
{
	struct view *v = ctx;

	v->m = *m;
	v->m.key = NULL;
	v->m.condition = v->m.error_type = v->m.error_message = NULL;
	v->m.fields = m->fields ? sd_json_dup(m->fields) : sd_json_object();
	v->found = true;
	return false;
}

static bool add_field(struct cJSON *array, const char *name, const struct cJSON *mine,
	const struct cJSON *theirs, const struct cJSON *result, enum why why)
{
	struct cJSON *o = sd_json_object();

	if (sd_json_add_str(o, "name", name) && sd_json_add(o, "mine", copy(mine)) &&
		sd_json_add(o, "theirs", copy(theirs)) && sd_json_add(o, "result", copy(result)) &&
		sd_json_add_str(o, "why", WHY[why]))
		return sd_json_push(array, o);
	sd_json_free(o);
	return false;
}

/* result := what the record becomes; fields := one line a changed field */
static bool predict(const struct view *v, struct cJSON *result, struct cJSON *fields)
{
	for (const struct cJSON *c = sd_json_child(v->m.fields); c; c = sd_json_next(c)) {
		const struct cJSON *theirs = sd_json_get(v->shadow.server, sd_json_name(c));
		enum why why = WHY_SENT;
		struct cJSON *r;
		if (!v->stale) {
			r = copy(c);
		} else if (v->optimistic) {
			why = WHY_STALE;
			r = copy(theirs);
		} else {
			r = automerge(theirs, c, &why);
		}
		if (!r || !add_field(fields, sd_json_name(c), c, theirs, r, why)) {
			sd_json_free(r);
			return false;
		}
		if (!sd_json_set(result, sd_json_name(c), r))
			return false;
	}
	if (v->m.op == SD_OP_DELETE && !v->stale)
		return sd_json_set(result, "_deleted", sd_json_bool(true));
	return true;
}

/* What the engine sends instead, after its own comparison (policy merge). */
static enum sd_err rebase_json(
	const struct view *v, const struct sd_model *m, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *mine = v->shadow.base ? sd_json_dup(v->shadow.base) : sd_json_object();
	struct cJSON *o = sd_json_object(), *names = sd_json_array(), *fields = NULL;
	struct sd_merge g = {.count = 0};
	enum sd_err rc = SD_OK;
	bool ok = mine && o && names;

	for (const struct cJSON *c = sd_json_child(v->m.fields); ok && c; c = sd_json_next(c))
		ok = sd_json_set(mine, sd_json_name(c), sd_json_dup(c));
	if (ok)
		rc = sd_merge_compare(m, v->shadow.base, mine, v->shadow.server, &g, e);
	if (ok && rc == SD_OK && g.clashes == 0)
		rc = sd_merge_result(&g, NULL, &fields, e);
	for (size_t i = 0; ok && i < g.count; i++)
		if (g.fields[i].clash)
			ok = sd_json_push(names, sd_json_string(g.fields[i].field->name));
	if (ok && rc == SD_OK) {
		ok = fields ? sd_json_add(o, "fields", fields) : sd_json_add(o, "clashes", names);
		if (!fields)
			names = NULL;
	}
	sd_merge_release(&g);
	sd_json_free(names);
	sd_json_free(mine);
	if (!ok && rc == SD_OK)
		rc = sd_fail(e, SD_NOMEM, 0, "forecast: out of memory");
	if (rc != SD_OK) {
		sd_json_free(o);
		o = NULL;
	}
	*out = o;
	return rc;
}

static enum sd_err build(const struct view *v, const struct sd_model *m, const char *strategy,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = sd_json_object(), *fields = sd_json_array(), *rebase = NULL;
	struct cJSON *result = v->shadow.server ? sd_json_dup(v->shadow.server) : sd_json_object();
	bool ok = o && fields && result && predict(v, result, fields);
	enum sd_err rc = SD_OK;

	if (ok && v->stale && v->m.op == SD_OP_UPDATE && !v->deleted)
		rc = rebase_json(v, m, &rebase, e);
	ok = ok && rc == SD_OK && sd_json_add_str(o, "strategy", strategy);
	if (ok) {
		ok = sd_json_add(o, "result", result);
		result = NULL;
	}
	if (ok) {
		ok = sd_json_add(o, "fields", fields);
		fields = NULL;
	}
	ok = ok && sd_json_add_str(o, "op", sd_op_name(v->m.op)) &&
	     sd_json_add(o, "version", v->version < 0 ? sd_json_null() : sd_json_int(v->version)) &&
	     sd_json_add(o, "serverVersion",
		     v->server_version < 0 ? sd_json_null() : sd_json_int(v->server_version)) &&
	     sd_json_add_bool(o, "stale", v->stale);
	if (ok && rebase) {
		ok = sd_json_add(o, "rebase", rebase);
		rebase = NULL;
	}
	sd_json_free(rebase);
	sd_json_free(fields);
	sd_json_free(result);
	if (!ok) {
		sd_json_free(o);
		return rc != SD_OK ? rc : sd_fail(e, SD_NOMEM, 0, "forecast: out of memory");
	}
	*out = o;
	return SD_OK;
}

enum sd_err sd_forecast(struct sd_store *st, const struct sd_model *m, const char *key,
	const char *strategy, struct cJSON **out, struct sd_error *e)
{
	struct view v = {.found = false};
	enum sd_err rc;

	*out = NULL;
	if (strcmp(strategy, "automerge") != 0 && strcmp(strategy, "optimistic") != 0)
		return sd_fail(e, SD_INVAL, 0,
			"forecast: strategy \"%s\" is not known; say automerge or optimistic",
			strategy);
	rc = sd_outbox_of(st, m, key, take_first, &v, e);
	if (rc == SD_OK && !v.found)
		rc = sd_fail(e, SD_NOTFOUND, 0, "%s %s has no unsent change", m->name, key);
	if (rc == SD_OK && !v.m.fields)
		rc = sd_fail(e, SD_NOMEM, 0, "forecast: out of memory");
	if (rc == SD_OK)
		rc = sd_shadow_get(st, m, key, &v.shadow, e);
	if (rc == SD_OK) {
		v.optimistic = strcmp(strategy, "optimistic") == 0;
		v.version = v.m.version;
		v.server_version = sd_json_get_i64(v.shadow.server, "_version", -1);
		v.deleted = sd_json_is_true(sd_json_get(v.shadow.server, "_deleted"));
		/* a delete is never merged, a create meets nothing or fails */
		v.stale = v.shadow.server && v.server_version != v.version;
		if (v.stale && v.m.op != SD_OP_UPDATE)
			v.optimistic = true;
		rc = build(&v, m, strategy, out, e);
	}
	sd_shadow_release(&v.shadow);
	sd_json_free(v.m.fields);
	return rc;
}
