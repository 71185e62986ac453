/* core/api/many.c - a stream of records saved in one transaction; see api.h. */
#include <stdlib.h>

#include "core/api/internal.h"

#define TOLD_WHOLE 1000 /* records of a stream that are kept whole until they are told */

/* The records of a stream: a record is told as saved only when it is durable, and a stream may be of
 * any length, so that of most only the rows are kept. */
struct told {
	struct cJSON *first;
	int64_t *rids; /* of the others; owned */
	size_t count, room;
};

static enum sd_err keep_rid(struct told *t, int64_t rid, struct sd_error *e)
{
	if (t->count == t->room) {
		size_t room = t->room ? t->room * 2 : 4096;
		int64_t *p = realloc(t->rids, room * sizeof *p);
		if (!p)
			return sd_fail(e, SD_NOMEM, 0, "save: out of memory");
		t->rids = p;
		t->room = room;
	}
	t->rids[t->count++] = rid;
	return SD_OK;
}

static enum sd_err tell_all(struct sd_api *api, const struct sd_model *m, const struct told *t,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	bool more = true;
	enum sd_err rc = SD_OK;

	for (struct cJSON *r = sd_json_child(t->first); more && r; r = sd_json_next(r))
		more = fn(ctx, r);
	for (size_t i = 0; more && rc == SD_OK && i < t->count; i++) {
		struct cJSON *rec = NULL;
		rc = sd_rec_get_rid(api->reader, m, t->rids[i], &rec, e);
		if (rc == SD_OK)
			more = fn(ctx, rec);
		else if (rc == SD_NOTFOUND) /* deleted again meanwhile */
			rc = SD_OK;
		sd_json_free(rec);
	}
	return rc;
}

enum sd_err sd_api_save_many(struct sd_api *api, const char *model, const char *cond,
	sd_api_next_fn next, sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	const struct sd_model *m;
	struct sd_pred *p = NULL;
	struct sd_write_env env = sd_api_env(api);
	struct cJSON *fields, *rec = NULL;
	struct told told = {.first = sd_json_array()};
	enum sd_err rc = sd_api_model(api, model, &m, e);
	bool begun = false;

	if (rc == SD_OK)
		rc = sd_api_cond(api, m, cond, &p, e);
	if (rc == SD_OK) {
		rc = sd_api_begin(api, e);
		begun = rc == SD_OK;
	}
	for (int64_t n = 0; rc == SD_OK && next(ctx, &fields, &rc, e); n++) {
		bool few = n < TOLD_WHOLE;
		if (n == SD_API_MANY)
			sd_write_bulk(api->writer);
		rc = sd_write_save(api->writer, m, SD_SAVE_UPSERT, fields, p, &env,
			fn && few ? &rec : NULL, NULL, e);
		sd_json_free(fields);
		if (rc == SD_OK && fn && few)
			sd_json_push(told.first, rec);
		else if (rc == SD_OK && fn)
			rc = keep_rid(&told, sd_write_rid(api->writer), e);
	}
	if (begun)
		rc = sd_api_end(api, rc, e);
	if (rc == SD_OK && fn)
		rc = tell_all(api, m, &told, fn, ctx, e);
	sd_json_free(told.first);
	free(told.rids);
	sd_pred_free(p);
	return rc;
}
