/* core/sync/push_send.c - outbox entries become requests, one each or several in one (batches). */
#include "core/sync/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/sync/request.h"

const char *sd_push_document(struct sd_engine *en, const struct sd_model *m, enum sd_doc kind)
{
	char **at = &en->push->docs[m->id * SD_DOC_COUNT + kind];
	struct sd_buf b = SD_BUF_INIT;

	if (!*at && sd_doc_build(m, kind, NULL, &b, NULL) == SD_OK)
		*at = sd_buf_take(&b);
	sd_buf_release(&b);
	return *at;
}

static unsigned op_bit(enum sd_op op)
{
	return op == SD_OP_CREATE   ? SD_OP_CREATE_BIT
	       : op == SD_OP_UPDATE ? SD_OP_UPDATE_BIT
				    : SD_OP_DELETE_BIT;
}

size_t sd_push_modes(
	struct sd_engine *en, const struct sd_model *m, unsigned bit, enum sd_auth_mode out[6])
{
	size_t n = sd_en_modes(en, m, bit, out), k = 0;

	for (size_t i = 0; i < n; i++)
		if (sd_en_mode_ok(en, out[i]))
			out[k++] = out[i];
	return k;
}

enum sd_err sd_flight_launch(
	struct sd_engine *en, struct sd_flight *f, char *body, struct sd_error *e)
{
	free(f->body);
	f->body = body;
	body = f->body && f->mode_at + 1 < f->mode_count ? strdup(f->body) : f->body;
	if (body == f->body)
		f->body = NULL; /* the last mode there is: the text itself can go */
	f->id = body ? sd_en_http(en, SD_OWNER_PUSH, body, f->modes[f->mode_at], false) : 0;
	if (f->id)
		return SD_OK;
	sd_flight_drop(en->push, f);
	return sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
}

enum sd_err sd_flight_next_mode(
	struct sd_engine *en, struct sd_flight *f, bool *sent, struct sd_error *e)
{
	char *body = f->body;

	*sent = false;
	for (size_t i = f->mode_at + 1; body && i < f->mode_count; i++) {
		if (!sd_en_mode_ok(en, f->modes[i]))
			continue;
		f->mode_at = i;
		f->body = NULL;
		*sent = true;
		return sd_flight_launch(en, f, body, e);
	}
	return SD_OK;
}

enum sd_err sd_case_of(
	struct sd_engine *en, struct sd_mutation *m, struct sd_case *c, struct sd_error *e)
{
	enum sd_err rc;

	memset(c, 0, sizeof *c);
	c->m = *m;
	memset(m, 0, sizeof *m);
	c->policy = en->set->models[c->m.model->id].policy;
	rc = sd_shadow_get(en->store, c->m.model, c->m.key, &c->shadow, e);
	if (rc != SD_OK)
		sd_case_release(c);
	return rc;
}

enum sd_err sd_case_load(struct sd_engine *en, int64_t seq, struct sd_case *c, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(en->store, seq, &m, e);

	memset(c, 0, sizeof *c);
	return rc == SD_OK ? sd_case_of(en, &m, c, e) : rc;
}

enum sd_err sd_case_mine(struct sd_case *c, struct sd_error *e)
{
	return c->mine ? SD_OK : sd_request_mine(&c->m, c->shadow.base, &c->mine, e);
}

/* ---- one entry: compared, then ready to go ---- */
struct ready {
	struct sd_case c;
	struct cJSON *variables;
	enum sd_auth_mode modes[6];
	size_t mode_count;
};

static void ready_release(struct ready *r)
{
	sd_case_release(&r->c);
	sd_json_free(r->variables);
	memset(r, 0, sizeof *r);
}

/* The request's variables; what cannot be asked at all is refused here. */
static enum sd_err fill(
	struct sd_engine *en, struct ready *r, bool *go, int64_t now_ms, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	enum sd_err rc = r->c.m.op == SD_OP_CREATE ? SD_OK : sd_case_mine(&r->c, &why);

	if (rc == SD_OK)
		rc = sd_request_variables(
			en->schema, &r->c.m, r->c.mine, now_ms, &r->variables, &why);
	*go = rc == SD_OK;
	if (rc == SD_INVAL || rc == SD_NOTFOUND)
		return sd_push_refuse(en, &r->c, "InvalidRequest", why.text, NULL, now_ms, e);
	if (rc != SD_OK && e)
		*e = why;
	return rc;
}

/* *go: r is ready to be sent.  Else the entry was dealt with.  *fresh: nothing but sending was done
 * since the entries were read; m moves. */
static enum sd_err prepare(struct sd_engine *en, struct sd_mutation *m, bool *fresh,
	struct ready *r, bool *go, int64_t now_ms, struct sd_error *e)
{
	enum sd_verdict verdict = SD_VERDICT_SEND;
	int64_t seq = m->seq;
	enum sd_err rc;

	memset(r, 0, sizeof *r);
	*go = false;
	for (int rounds = 0; rounds < 2; rounds++) {
		rc = *fresh ? sd_case_of(en, m, &r->c, e) : sd_case_load(en, seq, &r->c, e);
		if (rc != SD_OK)
			return rc == SD_NOTFOUND ? SD_OK : rc;
		if (r->c.m.lane != SD_LANE_WAITING)
			goto done;
		r->mode_count = sd_push_modes(en, r->c.m.model, op_bit(r->c.m.op), r->modes);
		if (r->mode_count == 0)
			goto done; /* waits for sign-in */
		if (r->c.m.unknown) {
			rc = sd_push_read(en, &r->c, SD_READ_UNKNOWN, NULL, NULL, now_ms, e);
			goto done;
		}
		if (rounds || !sd_case_moved(&r->c) ||
			(r->c.policy == SD_POLICY_SERVER && r->c.m.op != SD_OP_CREATE))
			break;
		*fresh = false;
		rc = sd_push_compare(en, &r->c, r->c.shadow.server, now_ms, &verdict, e);
		if (rc != SD_OK || verdict == SD_VERDICT_GONE) {
			en->push_wake = true; /* its place is free for another one */
			goto done;
		}
		if (verdict == SD_VERDICT_SEND)
			break;
		sd_case_release(&r->c); /* rewritten: read it again */
	}
	rc = fill(en, r, go, now_ms, e);
	if (rc == SD_OK && *go)
		return SD_OK;
	*fresh = false; /* refused */
done:
	*go = false;
	ready_release(r);
	return rc;
}

static enum sd_err send_one(
	struct sd_engine *en, struct ready *r, int64_t now_ms, struct sd_error *e)
{
	const char *doc = sd_push_document(en, r->c.m.model, sd_request_kind(r->c.m.op));
	struct sd_flight *f = sd_flight_add(en->push);
	struct sd_buf body = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	(void)now_ms;
	if (!doc || !f || !sd_doc_request(doc, r->variables, &body))
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	if (rc == SD_OK)
		rc = sd_outbox_send(en->store, &r->c.m, e);
	if (rc != SD_OK) {
		sd_buf_release(&body);
		if (f)
			sd_flight_drop(en->push, f);
		return rc;
	}
	f->kind = SD_FLIGHT_SEND;
	f->seq[0] = r->c.m.seq;
	f->count = 1;
	f->model = r->c.m.model;
	memcpy(f->modes, r->modes, sizeof f->modes);
	f->mode_count = r->mode_count;
	return sd_flight_launch(en, f, sd_buf_take(&body), e);
}

/* ---- several in one request ---- */
static bool batch_vars(struct cJSON *all, struct ready *r, size_t i)
{
	static const char *const from[] = {"input", "condition"};
	char name[32];

	for (size_t k = 0; k < 2; k++) {
		struct cJSON *v = sd_json_detach(r->variables, from[k]);
		snprintf(name, sizeof name, "%c%zu", from[k][0], i);
		if (v && !sd_json_add(all, name, v))
			return false;
	}
	return true;
}

/* The document of a batch; borrowed until the next one. */
static enum sd_err batch_document(
	struct sd_engine *en, const struct ready *r, size_t n, const char **out, struct sd_error *e)
{
	struct sd_batch_doc *b = &en->push->batch;
	struct sd_buf doc = SD_BUF_INIT;
	bool same = b->text && b->count == n;
	enum sd_err rc;

	for (size_t i = 0; same && i < n; i++)
		same = b->models[i] == r[i].c.m.model &&
		       b->kinds[i] == sd_request_kind(r[i].c.m.op);
	*out = b->text;
	if (same)
		return SD_OK;
	for (size_t i = 0; i < n; i++) {
		b->models[i] = r[i].c.m.model;
		b->kinds[i] = sd_request_kind(r[i].c.m.op);
	}
	free(b->text);
	b->text = NULL;
	b->count = n;
	rc = sd_doc_batch(b->models, b->kinds, n, &doc, e);
	if (rc == SD_OK)
		b->text = sd_buf_take(&doc);
	sd_buf_release(&doc);
	if (rc == SD_OK && !b->text)
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	*out = b->text;
	return rc;
}

static enum sd_err send_batch(
	struct sd_engine *en, struct ready *r, size_t n, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf body = SD_BUF_INIT;
	struct cJSON *vars = NULL;
	const char *doc = NULL;
	struct sd_flight *f;
	bool ok;
	enum sd_err rc;

	if (n == 1)
		return send_one(en, r, now_ms, e);
	vars = sd_json_object();
	f = sd_flight_add(en->push);
	ok = vars && f;
	for (size_t i = 0; ok && i < n; i++) {
		f->seq[i] = r[i].c.m.seq;
		ok = batch_vars(vars, &r[i], i);
	}
	rc = ok ? batch_document(en, r, n, &doc, e)
		: sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	if (rc == SD_OK && !sd_doc_request(doc, vars, &body))
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	for (size_t i = 0; rc == SD_OK && i < n; i++)
		rc = sd_outbox_send(en->store, &r[i].c.m, e);
	sd_json_free(vars);
	if (rc != SD_OK) {
		sd_buf_release(&body);
		if (f)
			sd_flight_drop(en->push, f);
		return rc;
	}
	f->kind = SD_FLIGHT_SEND;
	f->count = n;
	f->model = r[0].c.m.model;
	/* one mode for all; an entry it is refused for goes by itself through the others */
	f->modes[0] = r[0].modes[0];
	f->mode_count = 1;
	return sd_flight_launch(en, f, sd_buf_take(&body), e);
}

void sd_push_alone(struct sd_push *p, int64_t seq)
{
	if (p->alone_count == p->alone_room) {
		size_t room = p->alone_room ? p->alone_room * 2 : 16;
		int64_t *a = realloc(p->alone, room * sizeof *a);
		if (!a)
			return; /* it goes in a batch again: slower, not wrong */
		p->alone = a;
		p->alone_room = room;
	}
	p->alone[p->alone_count++] = seq;
}

static bool is_alone(const struct sd_push *p, int64_t seq)
{
	for (size_t i = 0; i < p->alone_count; i++)
		if (p->alone[i] == seq)
			return true;
	return false;
}

static void drop_alone(struct sd_push *p, int64_t seq)
{
	for (size_t i = 0; i < p->alone_count; i++)
		if (p->alone[i] == seq) {
			p->alone[i] = p->alone[--p->alone_count];
			return;
		}
}

size_t sd_push_batch_most(const struct sd_engine *en)
{
	size_t most = en->set->outbox_batch > 1 ? (size_t)en->set->outbox_batch : 1;

	if (most > SD_PUSH_BATCH)
		most = SD_PUSH_BATCH;
	return en->push->batch_most && en->push->batch_most < most ? en->push->batch_most : most;
}

void sd_push_batch_went(struct sd_engine *en, size_t n, bool taken)
{
	struct sd_push *p = en->push;

	if (!taken) {
		p->batch_most = n > 3 ? n / 2 : 1;
		p->batch_good = 0;
	} else if (p->batch_most && ++p->batch_good >= SD_PUSH_GROW) {
		p->batch_most *= 2;
		p->batch_good = 0;
		if (p->batch_most >= SD_PUSH_BATCH)
			p->batch_most = 0;
	}
}

/* A batch being put together. */
struct batch {
	struct ready r[SD_PUSH_BATCH];
	size_t have, most;
	bool fresh;
};

static enum sd_err flush(struct sd_engine *en, struct batch *b, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = b->have ? send_batch(en, b->r, b->have, now_ms, e) : SD_OK;

	while (b->have)
		ready_release(&b->r[--b->have]);
	return rc;
}

/* One entry more: sent, read about, dealt with, or put into the batch. */
static enum sd_err add_one(struct sd_engine *en, struct batch *b, struct sd_mutation *m,
	int64_t now_ms, struct sd_error *e)
{
	int64_t seq = m->seq;
	bool alone = is_alone(en->push, seq), go;
	struct ready r;
	enum sd_err rc = prepare(en, m, &b->fresh, &r, &go, now_ms, e);

	if (rc != SD_OK || !go)
		return rc;
	if (alone || b->most == 1) {
		drop_alone(en->push, seq);
		rc = send_one(en, &r, now_ms, e);
		ready_release(&r);
		return rc;
	}
	if (b->have && r.modes[0] != b->r[0].modes[0])
		rc = flush(en, b, now_ms, e);
	if (rc == SD_OK && sd_push_slots(en) == 0) { /* that was the last place: it waits */
		ready_release(&r);
		return SD_OK;
	}
	b->r[b->have++] = r;
	return rc == SD_OK && b->have == b->most ? flush(en, b, now_ms, e) : rc;
}

enum sd_err sd_push_send(struct sd_engine *en, struct sd_mutation *due, size_t n, bool *left,
	int64_t now_ms, struct sd_error *e)
{
	struct batch b = {.have = 0, .most = sd_push_batch_most(en), .fresh = true};
	enum sd_err rc = SD_OK;

	for (size_t i = 0; rc == SD_OK && i < n && !*left; i++) {
		size_t slots = sd_push_slots(en);

		/* the batch being put together will take one; does this one need its own? */
		*left = slots == 0 || (b.have && slots == 1 &&
					      (due[i].unknown || is_alone(en->push, due[i].seq)));
		if (!*left)
			rc = add_one(en, &b, &due[i], now_ms, e);
	}
	if (rc == SD_OK)
		return flush(en, &b, now_ms, e);
	while (b.have)
		ready_release(&b.r[--b.have]);
	return rc;
}
