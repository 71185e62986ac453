/*
 * core/store/kept.c - the change that a delete overtook, when the delete is undone and the server's
 * copy moved on meanwhile.
 *
 * Saved anew on that copy it would be lost with a tombstone, or overwrite theirs without a word: it
 * takes the place of the delete instead, on what it was made on, and the engine compares.
 */
#include <stdio.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/internal.h"

#define NAME_MAX 64

static enum sd_err last_kept(struct sd_store *st, const char *from, const char *to,
	char name[NAME_MAX], struct cJSON **out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_META_LAST, e, "ss", from, to);
	enum sd_err rc = s ? sd_db_row(st, s, e, "undo") : SD_DB;

	*out = NULL;
	if (rc == SD_OK) {
		snprintf(name, NAME_MAX, "%s", (const char *)sqlite3_column_text(s, 0));
		rc = sd_db_json(s, 1, out, e);
	}
	sd_db_reset(s);
	return rc;
}

/* The change that a delete of this record overtook; NOTFOUND: none that can still be sent. */
static enum sd_err overtaken(struct sd_store *st, int64_t group, const struct sd_mutation *m,
	char name[NAME_MAX], struct cJSON **kept, struct sd_error *e)
{
	char from[NAME_MAX], to[NAME_MAX];
	enum sd_err rc;

	snprintf(from, sizeof from, "kept:%020lld:", (long long)group);
	snprintf(to, sizeof to, "kept:%020lld;", (long long)group);
	while ((rc = last_kept(st, from, to, name, kept, e)) == SD_OK) {
		struct sd_mutation x = {.op = SD_OP_UPDATE,
			.model = m->model,
			.key = m->key,
			.fields = sd_json_get(*kept, "fields")};
		if (sd_str_eq(sd_json_get_str(*kept, "op"), "UPDATE") &&
			sd_str_eq(sd_json_get_str(*kept, "model"), m->model->name) &&
			sd_str_eq(sd_json_get_str(*kept, "key"), m->key) &&
			sd_fits(m->model, &x, NULL) == SD_OK)
			return SD_OK;
		sd_json_free(*kept);
		*kept = NULL;
		snprintf(to, sizeof to, "%s", name);
	}
	return rc;
}

/* The record as it was seen before entry m; owned; NULL: there was none. */
static enum sd_err seen_before(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *base, struct cJSON **out, struct sd_error *e)
{
	struct sd_entries list = {NULL, 0};
	enum sd_err rc = sd_entries_of(st, m->model, m->key, &list, e);

	*out = base ? sd_json_dup(base) : NULL;
	if (rc == SD_OK && base && !*out)
		rc = sd_db_nomem(e, "undo");
	for (size_t i = 0; i < list.count && rc == SD_OK; i++)
		if (list.v[i].seq < m->seq && list.v[i].lane != SD_LANE_REFUSED)
			rc = sd_entry_apply(m->model, m->key, &list.v[i], out, e);
	sd_entries_release(&list);
	return rc;
}

enum sd_err sd_kept_stand_in(
	struct sd_store *st, int64_t group, int64_t seq, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *kept = NULL, *rec = NULL, *was = NULL;
	struct sd_shadow sh = {NULL, NULL};
	struct sd_mutation m;
	char name[NAME_MAX];
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_shadow_get(st, m.model, m.key, &sh, e);
	if (rc != SD_OK || m.op != SD_OP_DELETE || !sh.server ||
		(!sd_rec_deleted(sh.server) &&
			sd_rec_version(sh.server) == sd_rec_version(sh.base)))
		goto done;
	rc = overtaken(st, group, &m, name, &kept, e);
	if (rc == SD_OK)
		rc = seen_before(st, &m, sh.base, &rec, e);
	if (rc == SD_OK && !(was = sd_entry_before(rec, sd_json_get(kept, "fields"))))
		rc = sd_db_nomem(e, "undo");
	if (rc == SD_OK) {
		struct sd_entry_new n = {.op = SD_OP_UPDATE,
			.m = m.model,
			.key = m.key,
			.fields = sd_json_get(kept, "fields"),
			.was = was,
			.version = m.version,
			.now_ms = now_ms,
			.how = "its delete was undone"};
		rc = sd_entry_add(st, &n, &seq, e);
	}
	if (rc == SD_OK)
		rc = sd_meta_put(st, name, NULL, e);
	if (rc == SD_NOTFOUND)
		rc = SD_OK;
done:
	sd_json_free(kept);
	sd_json_free(rec);
	sd_json_free(was);
	sd_shadow_release(&sh);
	sd_mutation_release(&m);
	return rc;
}
