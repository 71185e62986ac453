/* core/api/merged.c - what the service's own merges dropped or doubled, and the way back (S4.4). */
#include <string.h>

#include "core/api/internal.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

#define LOOK_BACK 10000 /* merges that are searched for one */

static struct cJSON *as_json(const struct sd_journal *l)
{
	struct cJSON *j = sd_json_object(), *fields = sd_json_array(), *key = NULL;

	if (sd_json_parse(l->key, strlen(l->key), "key", &key, NULL) != SD_OK)
		key = NULL;
	sd_json_add_int(j, "seq", l->seq);
	sd_json_add_int(j, "at", l->at_ms);
	sd_json_add_str(j, "model", l->model->name);
	sd_json_add(j, "key", key ? key : sd_json_null());
	sd_json_add(j, "version", l->version > 0 ? sd_json_int(l->version) : sd_json_null());
	sd_json_add_str(j, "message", l->text);
	for (const struct cJSON *c = sd_json_child(l->changed); c; c = sd_json_next(c)) {
		struct cJSON *f = sd_json_object();
		const struct cJSON *from = sd_json_get(c, "from"), *to = sd_json_get(c, "to");
		sd_json_add_str(f, "name", sd_json_name(c));
		sd_json_add(f, "mine", from ? sd_json_dup(from) : sd_json_null());
		sd_json_add(f, "result", to ? sd_json_dup(to) : sd_json_null());
		sd_json_push(fields, f);
	}
	sd_json_add(j, "fields", fields);
	return j;
}

static bool gather(void *ctx, const struct sd_journal *l)
{
	if (!l->model || !l->key)
		return true;
	return sd_json_push(ctx, as_json(l));
}

enum sd_err sd_api_merged(struct sd_api *api, int64_t limit, struct cJSON **out, struct sd_error *e)
{
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	*out = sd_json_array();
	rc = sd_journal_recent(api->reader, SD_J_MERGED, limit, gather, *out, e);
	if (rc != SD_OK) {
		sd_json_free(*out);
		*out = NULL;
	}
	return rc;
}

struct look {
	int64_t seq;
	const struct cJSON *only; /* names; NULL: all */
	const struct sd_model *model;
	struct cJSON *fields; /* owned: the record's key and the losing values */
	enum sd_err rc;
	struct sd_error *e;
};

static bool wanted(const struct cJSON *only, const char *name)
{
	for (const struct cJSON *c = sd_json_child(only); c; c = sd_json_next(c))
		if (sd_str_eq(sd_json_str(c), name))
			return true;
	return !only;
}

static bool find(void *ctx, const struct sd_journal *l)
{
	struct look *k = ctx;
	bool any = false;

	if (l->seq != k->seq || !l->model || !l->key)
		return true;
	k->model = l->model;
	k->fields = sd_json_object();
	k->rc = sd_key_put(l->model, l->key, k->fields, k->e);
	for (const struct cJSON *c = sd_json_child(l->changed); k->rc == SD_OK && c;
		c = sd_json_next(c)) {
		if (!wanted(k->only, sd_json_name(c)))
			continue;
		any = true;
		if (!sd_json_set(k->fields, sd_json_name(c), sd_json_dup(sd_json_get(c, "from"))))
			k->rc = sd_fail(k->e, SD_NOMEM, 0, "out of memory");
	}
	if (k->rc == SD_OK && !any)
		k->rc = sd_fail(k->e, SD_INVAL, 0,
			"merge %lld lost no such field; `syncdeck conflicts merged` shows what it "
			"did",
			(long long)k->seq);
	return false;
}

enum sd_err sd_api_restore(struct sd_api *api, int64_t seq, const struct cJSON *fields,
	struct cJSON **rec, struct sd_error *e)
{
	struct look k = {.seq = seq, .only = fields, .rc = SD_OK, .e = e};
	struct sd_write_env env = sd_api_env(api);
	enum sd_err rc = sd_api_begin(api, e);

	*rec = NULL;
	if (rc != SD_OK)
		return rc;
	rc = sd_journal_recent(api->writer, SD_J_MERGED, LOOK_BACK, find, &k, e);
	if (rc == SD_OK)
		rc = k.rc;
	if (rc == SD_OK && !k.fields)
		rc = sd_fail(e, SD_NOTFOUND, 0,
			"there is no merge %lld; `syncdeck conflicts merged` lists those there are",
			(long long)seq);
	if (rc == SD_OK)
		rc = sd_write_save(
			api->writer, k.model, SD_SAVE_UPDATE, k.fields, NULL, &env, rec, NULL, e);
	rc = sd_api_end(api, rc, e);
	if (rc != SD_OK) {
		sd_json_free(*rec);
		*rec = NULL;
	}
	sd_json_free(k.fields);
	return rc;
}
