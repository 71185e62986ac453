/* core/api/history.c - the versions of a record seen here, the way back; undo and redo. */
#include "core/store/history.h"

#include <string.h>

#include "core/api/internal.h"
#include "core/base/text.h"
#include "core/base/time.h"

static const char *const TYPE[SD_J_KIND_COUNT] = {[SD_J_INSERT] = "INSERT",
	[SD_J_UPDATE] = "UPDATE",
	[SD_J_DELETE] = "DELETE",
	[SD_J_META] = "VERSION"};

static bool gather(void *ctx, const struct sd_journal *l)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_int(j, "at", l->at_ms);
	sd_json_add(j, "version", l->version > 0 ? sd_json_int(l->version) : sd_json_null());
	sd_json_add_str(j, "source", sd_source_name(l->source));
	sd_json_add_str(j, "type", TYPE[l->kind]);
	sd_json_add(j, "changed", l->changed ? sd_json_dup(l->changed) : sd_json_object());
	return sd_json_push(ctx, j);
}

enum sd_err sd_api_history(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e)
{
	struct cJSON *list;
	const struct sd_model *m;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_api_model(api, model, &m, e);
	if (rc == SD_OK) /* the row and its lines are of one moment */
		rc = sd_store_read(api->reader, e);
	if (rc != SD_OK)
		return rc;
	list = sd_json_array();
	rc = sd_history_each(api->reader, m, key, gather, list, e);
	sd_store_rollback(api->reader);
	if (rc != SD_OK) {
		sd_json_free(list);
		return rc;
	}
	*out = list;
	return SD_OK;
}

/* The fields a person can write, as `old` has them, where `now` has something else. */
static enum sd_err way_back(const struct sd_model *m, const struct cJSON *old,
	const struct cJSON *now, struct cJSON *fields, struct sd_error *e)
{
	bool ok = true;

	for (size_t i = 0; i < m->field_count && ok; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct cJSON *v = sd_json_get(old, f->name);
		if (!f->stored || f->read_only || sd_model_is_key(m, f) ||
			sd_json_equal(v, sd_json_get(now, f->name), true))
			continue;
		ok = sd_json_add(fields, f->name, v ? sd_json_dup(v) : sd_json_null());
	}
	return ok ? SD_OK : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
}

static enum sd_err find(struct sd_api *api, const struct sd_model *m, const char *key,
	int64_t version, struct cJSON **old, struct sd_error *e)
{
	struct sd_buf show = SD_BUF_INIT;
	enum sd_err rc = sd_history_record(api->writer, m, key, version, old, e);

	sd_key_show(key, &show);
	if (rc == SD_NOTFOUND)
		(void)sd_fail(e, rc, 0,
			"%s %s: version %lld was not seen here, or its history is no longer kept; "
			"`syncdeck history` lists the versions there are",
			m->name, sd_buf_text(&show), (long long)version);
	else if (rc == SD_OK && sd_json_is_true(sd_json_get(*old, "_deleted")))
		rc = sd_fail(e, SD_INVAL, 0,
			"%s %s: was deleted at version %lld; to delete it, use `syncdeck delete`",
			m->name, sd_buf_text(&show), (long long)version);
	sd_buf_release(&show);
	return rc;
}

enum sd_err sd_api_revert(struct sd_api *api, const char *model, const char *key, int64_t version,
	struct cJSON **rec, struct sd_error *e)
{
	const struct sd_model *m;
	struct cJSON *old = NULL, *now = NULL, *fields = sd_json_object();
	struct sd_write_env env = sd_api_env(api);
	enum sd_err rc = sd_api_model(api, model, &m, e);

	*rec = NULL;
	if (rc == SD_OK)
		rc = sd_api_begin(api, e);
	if (rc == SD_OK) {
		rc = find(api, m, key, version, &old, e);
		if (rc == SD_OK)
			rc = sd_rec_get(api->writer, m, key, true, &now, e);
		rc = rc == SD_NOTFOUND && old ? SD_OK : rc; /* gone: it is made again */
		if (rc == SD_OK)
			rc = way_back(m, old, now, fields, e);
		if (rc == SD_OK)
			rc = sd_key_put(m, key, fields, e);
		if (rc == SD_OK)
			rc = sd_write_save(
				api->writer, m, SD_SAVE_UPSERT, fields, NULL, &env, rec, NULL, e);
		rc = sd_api_end(api, rc, e);
	}
	if (rc != SD_OK) {
		sd_json_free(*rec);
		*rec = NULL;
	}
	sd_json_free(old);
	sd_json_free(now);
	sd_json_free(fields);
	return rc;
}

enum sd_err sd_api_undo(
	struct sd_api *api, int64_t seq, int64_t *undone, bool *left, struct sd_error *e)
{
	struct sd_write_env env = sd_api_env(api);
	struct sd_mutation m;
	enum sd_err rc = sd_api_begin(api, e), found;

	*undone = seq;
	if (left)
		*left = false;
	if (rc != SD_OK)
		return rc;
	rc = sd_write_undo(api->writer, undone, &env, e);
	if (rc == SD_OK) {
		found = sd_outbox_get(api->writer, *undone, &m, NULL);
		if (found == SD_OK)
			sd_mutation_release(&m);
		if (left)
			*left = found == SD_OK;
	}
	return sd_api_end(api, rc, e);
}

enum sd_err sd_api_redo(struct sd_api *api, int64_t *made, struct sd_error *e)
{
	struct sd_write_env env = sd_api_env(api);
	enum sd_err rc = sd_api_begin(api, e);

	*made = 0;
	if (rc != SD_OK)
		return rc;
	return sd_api_end(api, sd_write_redo(api->writer, made, &env, e), e);
}
