/*
 * core/sync/buffer.c - records that arrive over subscriptions.
 *
 * Until a model's run after the last gap has ended its messages wait, so that the pages of
 * that run come first.  A message says no more than the mutation of the other client selected: one
 * that cannot be stored as it is, or that has no version, leads to a delta run instead.
 */
#include "core/sync/pull.h"

#include <stdlib.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"

static enum sd_err apply_one(struct sd_engine *en, struct sd_pull_model *p, struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *items[1] = {item};
	struct sd_apply_counts n = {0};

	return sd_apply(en->store, p->m, items, 1, SD_FROM_SUBSCRIPTION, false, now_ms, &n, e);
}

enum sd_err sd_buffer_flush(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *all = p->buffer;
	enum sd_err rc = SD_OK;

	p->buffer = NULL;
	p->buffered = 0;
	for (struct cJSON *c = sd_json_child(all); c && rc == SD_OK; c = sd_json_next(c))
		rc = apply_one(en, p, c, now_ms, e);
	sd_json_free(all);
	return rc;
}

static enum sd_err keep(struct sd_pull_model *p, struct cJSON *item, struct sd_error *e)
{
	if (p->buffered >= SD_PULL_BUFFER) {
		/* too many to hold: they are fetched by one more run instead */
		sd_json_free(p->buffer);
		sd_json_free(item);
		p->buffer = NULL;
		p->buffered = 0;
		p->again = p->again || p->running;
		return SD_OK;
	}
	if (!p->buffer)
		p->buffer = sd_json_array();
	if (!p->buffer) {
		sd_json_free(item);
		return sd_fail(e, SD_NOMEM, 0, "realtime message: out of memory");
	}
	if (!sd_json_push(p->buffer, item))
		return sd_fail(e, SD_NOMEM, 0, "realtime message: out of memory");
	p->buffered++;
	return SD_OK;
}

enum sd_err sd_pull_message(struct sd_engine *en, const struct sd_model *m, struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_pull_model *p = &en->pull->models[m->id];
	struct sd_error bad = {0};
	int64_t version;
	enum sd_err rc;

	rc = sd_item_to_local(m, item, &bad);
	if (rc == SD_PROTO ||
		(rc == SD_OK && !sd_json_i64(sd_json_get(item, "_version"), &version))) {
		sd_json_free(item);
		return sd_pull_gap(
			en, m, "a realtime message did not carry the whole record", now_ms, e);
	}
	if (rc != SD_OK) {
		sd_json_free(item);
		return sd_fail(e, rc, 0, "%s", bad.text);
	}
	if (!sd_expr_admits(p, item, now_ms)) {
		sd_json_free(item);
		return SD_OK;
	}
	if (!p->ready)
		return keep(p, item, e);
	rc = apply_one(en, p, item, now_ms, e);
	sd_json_free(item);
	return rc;
}
