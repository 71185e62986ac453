/*
 * core/store/unmerge.c - lists that Automerge appended a stale change of ours to (server.md 2.5).
 *
 * The copies beside the record then hold what stood there before, and under SD_MERGED what stands
 * there now; the change that is carried to the newest version writes the list as it should be.  When
 * a person takes that change back, what it left on the server is put right all the same, by a
 * change of its own: taken back means as if it had never been made.
 */
#include "core/store/conflict.h"
#include "core/store/internal.h"

#include <string.h>

#include "core/json/json.h"

/* The value of a field before ours was appended, if it still stands so on the server; NULL. */
static const struct cJSON *before_ours(const struct sd_shadow *sh, const char *field)
{
	const struct cJSON *now = sd_json_path(sh->server, SD_MERGED, field, NULL), *was;

	if (now)
		return sd_json_get(sh->server, field);
	was = sd_json_path(sh->base, SD_MERGED, field, NULL);
	return was && sd_json_equal(was, sd_json_get(sh->server, field), true)
		       ? sd_json_get(sh->base, field)
		       : NULL;
}

enum sd_err sd_unmerge_open(struct sd_store *st, const struct sd_model *m, const char *key,
	const char *field, bool *yes, struct sd_error *e)
{
	struct sd_shadow sh;
	enum sd_err rc = sd_shadow_get(st, m, key, &sh, e);

	*yes = rc == SD_OK && before_ours(&sh, field);
	if (rc == SD_OK)
		sd_shadow_release(&sh);
	return rc;
}

enum sd_err sd_unmerge_keep(
	const struct cJSON *known, const struct cJSON *item, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *merged = NULL;
	bool ok = true;

	*out = NULL;
	for (const struct cJSON *f = sd_json_child(sd_json_get(known, SD_MERGED)); ok && f;
		f = sd_json_next(f)) {
		const char *name = sd_json_name(f);
		const struct cJSON *was = sd_json_get(known, name);
		if (!sd_json_equal(f, sd_json_get(item, name), true) || sd_rec_deleted(item))
			continue;
		if (!*out) {
			*out = sd_json_dup(item);
			merged = sd_json_object();
			ok = *out && merged && sd_json_set(*out, SD_MERGED, merged);
		}
		ok = ok && sd_json_add(merged, name, sd_json_dup(f)) &&
		     sd_json_set(*out, name, was ? sd_json_dup(was) : sd_json_null());
	}
	if (ok)
		return SD_OK;
	sd_json_free(*out);
	*out = NULL;
	return sd_db_nomem(e, "apply");
}

/* What is to be written: {"field": value} and, in *was, what stands there. */
static bool repairs(const struct sd_shadow *sh, const struct sd_mutation *gone,
	const struct sd_entries *left, struct cJSON *fields, struct cJSON *was)
{
	bool ok = true;

	for (size_t i = 0; i < gone->model->field_count && ok; i++) {
		const char *name = gone->model->fields[i].name;
		const struct cJSON *v = before_ours(sh, name), *there;
		bool written = !v || sd_json_equal(sd_json_get(gone->fields, name), v, true);
		for (size_t k = 0; k < left->count && !written; k++)
			written = left->v[k].lane != SD_LANE_REFUSED &&
				  (left->v[k].op == SD_OP_DELETE ||
					  sd_json_get(left->v[k].fields, name));
		if (written)
			continue;
		there = sd_json_path(sh->server, SD_MERGED, name, NULL);
		if (!there)
			there = sd_json_get(sh->server, name);
		ok = sd_json_add(fields, name, sd_json_dup(v)) &&
		     sd_json_add(was, name, sd_json_dup(there));
	}
	return ok;
}

static bool any_live(const struct sd_entries *left)
{
	for (size_t i = 0; i < left->count; i++)
		if (left->v[i].lane != SD_LANE_REFUSED)
			return true;
	return false;
}

enum sd_err sd_unmerge(
	struct sd_store *st, const struct sd_mutation *gone, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *fields = sd_json_object(), *was = sd_json_object();
	struct sd_shadow sh = {NULL, NULL};
	struct sd_entries left = {NULL, 0};
	int64_t seq = 0;
	enum sd_err rc = fields && was ? SD_OK : sd_db_nomem(e, "outbox");

	if (rc == SD_OK)
		rc = sd_shadow_get(st, gone->model, gone->key, &sh, e);
	if (rc != SD_OK || !sh.server || sd_rec_deleted(sh.server) ||
		(!sd_json_get(sh.server, SD_MERGED) && !sd_json_get(sh.base, SD_MERGED)))
		goto done;
	rc = sd_entries_of(st, gone->model, gone->key, &left, e);
	if (rc == SD_OK && !repairs(&sh, gone, &left, fields, was))
		rc = sd_db_nomem(e, "outbox");
	if (rc == SD_OK && sd_json_child(fields)) {
		struct sd_entry_new n = {.op = SD_OP_UPDATE,
			.m = gone->model,
			.key = gone->key,
			.fields = fields,
			.was = was,
			.version = sd_rec_version(sh.server),
			.now_ms = now_ms,
			.how = "puts right the lists that the service had appended to"};
		rc = sd_entry_add(st, &n, &seq, e);
		if (rc == SD_OK && !any_live(&left))
			rc = sd_shadow_put(st, gone->model, gone->key, sh.server, sh.server, e);
	}
done:
	sd_json_free(fields);
	sd_json_free(was);
	sd_shadow_release(&sh);
	sd_entries_release(&left);
	return rc;
}
