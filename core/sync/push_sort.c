/*
 * core/sync/push_sort.c - an answer finds its entries: the only one, or each alias of a batch its
 * own.
 *
 * A batch that the server refuses as a whole (one bad entry, too complex, too large) did nothing:
 * each of its entries goes by itself, and the next batches are smaller for a while.
 */
#include "core/sync/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"
#include "core/sync/request.h"

static bool final_no(const struct sd_reply *r)
{
	return !r->inside && (r->klass == SD_REPLY_DENIED || r->klass == SD_REPLY_REFUSED ||
				     r->klass == SD_REPLY_TOO_BIG);
}

/* Back to waiting, for a request of its own; one that may have been carried out is read first. */
static enum sd_err by_itself(struct sd_engine *en, int64_t seq, const struct sd_reply *r,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_case c;
	enum sd_err rc = sd_case_load(en, seq, &c, e);

	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	sd_push_alone(en->push, seq);
	if (c.m.lane == SD_LANE_SENDING)
		rc = sd_push_later(en, &c, 0, r->unknown, false, r, now_ms, e);
	sd_case_release(&c);
	return rc;
}

static enum sd_err batch(struct sd_engine *en, struct sd_flight *f, const struct sd_reply *whole,
	int64_t now_ms, struct sd_error *e)
{
	size_t refused = 0, answered = 0;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; rc == SD_OK && i < f->count; i++) {
		struct sd_reply r;
		char alias[32];

		snprintf(alias, sizeof alias, "m%zu", i);
		sd_reply_of_alias(whole, alias, &r);
		answered += r.klass == SD_REPLY_OK;
		refused += final_no(&r);
		rc = final_no(&r) ? by_itself(en, f->seq[i], &r, now_ms, e)
				  : sd_push_one(en, f, f->seq[i], &r, now_ms, e);
	}
	if (refused == f->count || answered == f->count)
		sd_push_batch_went(en, f->count, answered == f->count);
	return rc;
}

/* The root field whose answer tells. */
static bool root_of(struct sd_engine *en, const struct sd_flight *f, struct sd_buf *out,
	enum sd_err *rc, struct sd_error *e)
{
	struct sd_mutation m;

	if (f->count > 1)
		return sd_buf_str(out, "m0");
	if (f->kind == SD_FLIGHT_READ)
		return sd_doc_root(f->model, SD_DOC_GET, out);
	*rc = sd_outbox_get(en->store, f->seq[0], &m, e);
	if (*rc != SD_OK)
		return true;
	sd_doc_root(m.model, sd_request_kind(m.op), out);
	sd_mutation_release(&m);
	return sd_buf_ok(out);
}

enum sd_err sd_push_answer(struct sd_engine *en, struct sd_flight *f,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf root = SD_BUF_INIT;
	struct sd_reply reply;
	enum sd_err rc = SD_OK;
	bool sent = false;

	if (!root_of(en, f, &root, &rc, e))
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	if (rc != SD_OK) {
		sd_buf_release(&root);
		sd_flight_drop(en->push, f);
		return rc == SD_NOTFOUND ? SD_OK : rc;
	}
	rc = sd_reply_read(r, sd_buf_text(&root), &reply, e);
	sd_buf_release(&root);
	if (rc != SD_OK) {
		sd_flight_drop(en->push, f);
		return rc;
	}
	if (reply.klass == SD_REPLY_DENIED && !reply.inside && f->count == 1)
		rc = sd_flight_next_mode(en, f, &sent, e);
	if (rc == SD_OK && !sent) {
		struct sd_flight was = *f;
		f->body = NULL;
		sd_flight_drop(en->push, f);
		rc = was.count > 1 ? batch(en, &was, &reply, now_ms, e)
				   : sd_push_one(en, &was, was.seq[0], &reply, now_ms, e);
		free(was.body);
	}
	sd_reply_release(&reply);
	return rc;
}
