/*
 * core/sync/buffer.c - records that arrive over subscriptions.
 *
 * Until a model's run after the last gap has ended its messages wait, so that the pages of
 * that run come first.  They do not wait for a run that has failed: nobody knows when its
 * pages will come, and versions keep a page that comes later from undoing anything.  Such a model is
 * told and shown as failed all the same, its mark stays where it was, and nothing of it is sent.
 *
 * Messages that wait are held in memory, up to a number for each model and a size for all; what is
 * over that is fetched by one more run instead.  A message says no more than the mutation of the other client selected: one
 * that cannot be stored as it is, or that has no version, leads to a delta run instead.
 */
#include "core/sync/pull.h"

#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"

static enum sd_err apply_one(struct sd_engine *en, struct sd_pull_model *p, struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *items[1] = {item};
	struct sd_apply_counts n = {0};
	bool full = false;
	enum sd_err rc =
		sd_apply(en->store, p->m, items, 1, SD_FROM_SUBSCRIPTION, false, now_ms, &n, e);

	if (rc == SD_OK)
		rc = sd_doubt_take(en, p, &full, e);
	if (rc == SD_OK && full && p->ready)
		rc = sd_pull_gap(en, p->m, p->why, now_ms, e);
	p->again = p->again || (full && !p->ready);
	return rc;
}

void sd_buffer_drop(struct sd_engine *en, struct sd_pull_model *p)
{
	sd_json_free(p->buffer);
	p->buffer = NULL;
	en->pull->held -= p->held;
	p->buffered = p->held = 0;
}

enum sd_err sd_buffer_flush(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *all = p->buffer;
	enum sd_err rc = SD_OK;

	p->buffer = NULL;
	sd_buffer_drop(en, p);
	for (struct cJSON *c = sd_json_child(all); c && rc == SD_OK; c = sd_json_next(c))
		rc = apply_one(en, p, c, now_ms, e);
	sd_json_free(all);
	return rc;
}

/* About what it takes in memory. */
static size_t size_of(const struct cJSON *v)
{
	const char *text = sd_json_str(v);
	size_t n = 64 + (text ? strlen(text) : 0);

	if (sd_json_is_array(v) || sd_json_is_object(v))
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
			n += size_of(c);
	return n;
}

static enum sd_err keep(
	struct sd_engine *en, struct sd_pull_model *p, struct cJSON *item, struct sd_error *e)
{
	size_t n = size_of(item);

	if (p->buffered >= SD_PULL_BUFFER || en->pull->held + n > SD_PULL_HELD) {
		sd_buffer_drop(en, p);
		sd_json_free(item);
		/* the run that is to come, or one after it that is under way, brings them */
		p->again = p->again || p->running || p->s.page_token;
		return SD_OK;
	}
	if (!p->buffer)
		p->buffer = sd_json_array();
	if (!sd_json_push(p->buffer, item))
		return sd_fail(e, SD_NOMEM, 0, "realtime message: out of memory");
	p->buffered++;
	p->held += n;
	en->pull->held += n;
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
	if (!p->ready && !p->failed)
		return keep(en, p, item, e);
	rc = apply_one(en, p, item, now_ms, e);
	sd_json_free(item);
	return rc;
}
