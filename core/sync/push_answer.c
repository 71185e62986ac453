/*
 * core/sync/push_answer.c - what the answers to mutations do to their entries.
 *
 * The table: spec/client.md 4.3 and 4.4 (REQ).  Nothing leaves the outbox here but by the
 * server's word: accepted, already there, or refused for good (and then it stays in its lane).
 */
#include "core/sync/push.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"
#include "core/sync/request.h"

enum sd_err sd_push_later(struct sd_engine *en, const struct sd_case *c, int64_t wait_ms,
	bool unknown, bool counted, const struct sd_reply *why, int64_t now_ms, struct sd_error *e)
{
	en->push_wake = true;
	return sd_outbox_retry_at(en->store, c->m.seq, wait_ms > 0 ? now_ms + wait_ms : 0, unknown,
		counted, why ? why->type : NULL, why ? why->message : NULL, e);
}

enum sd_err sd_push_back_off(struct sd_engine *en, const struct sd_case *c, bool unknown,
	const struct sd_reply *why, int64_t now_ms, struct sd_error *e)
{
	int64_t wait = sd_push_wait_ms(en, c->m.attempts + 1, why->retry_after_ms, now_ms);

	return sd_push_later(en, c, wait, unknown, true, why, now_ms, e);
}

enum sd_err sd_push_refuse(struct sd_engine *en, const struct sd_case *c, const char *type,
	const char *message, const struct cJSON *server, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *f;
	enum sd_err rc = sd_outbox_refuse(en->store, c->m.seq, type, message, server, now_ms, e);

	if (rc != SD_OK)
		return rc;
	f = sd_json_object();
	sd_json_add_str(f, "errorType", type);
	sd_json_add_str(f, "message", message);
	sd_json_add_str(f, "operation", sd_op_name(c->m.op));
	sd_push_event(en, "outboxMutationFailed", &c->m, f, now_ms);
	sd_en_outbox_status(en, now_ms);
	en->push_wake = true;
	return SD_OK;
}

/* Does an error's data hold every field that a read would give? */
static bool complete(const struct sd_model *m, const struct cJSON *data)
{
	if (!sd_json_is_object(data) || sd_json_get_i64(data, "_version", -1) < 0)
		return false;
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->stored && !f->implicit && !sd_json_get(data, f->name))
			return false;
		if (f->assoc == SD_A_BELONGS_TO && !sd_json_get(data, f->name))
			return false;
	}
	return true;
}

/* ---- accepted ---- */

/* The answer cannot be kept as it is (a required field is null): the change counts as accepted,
 * our own values stand with the server's metadata, and the answer goes to the quarantine. */
static enum sd_err accept_broken(struct sd_engine *en, struct sd_case *c, const struct cJSON *data,
	const char *why, int64_t now_ms, struct sd_error *e)
{
	static const char *const meta[] = {"_version", "_lastChangedAt", "_deleted"};
	const struct cJSON *from;
	struct cJSON *item;
	char *raw;
	bool ok;
	enum sd_err rc = sd_case_mine(c, e);

	if (rc != SD_OK)
		return rc;
	from = c->mine ? c->mine : c->shadow.base;
	item = from ? sd_json_dup(from) : sd_json_object();
	raw = sd_json_text(data);
	ok = item && raw;

	for (size_t i = 0; ok && i < sizeof meta / sizeof *meta; i++) {
		const struct cJSON *v = sd_json_get(data, meta[i]);
		ok = sd_json_set(item, meta[i], v ? sd_json_dup(v) : sd_json_null());
	}
	rc = ok ? sd_push_done(en, c, item, NULL, now_ms, e)
		: sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	if (rc == SD_OK)
		rc = sd_quarantine_put(en->store, c->m.model, c->m.key, "", raw, why, now_ms, e);
	free(raw);
	sd_json_free(item);
	return rc;
}

static enum sd_err kept_deleted(struct sd_engine *en, const struct sd_case *c,
	const struct cJSON *item, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_fmt(&text, "%s ", c->m.model->name);
	sd_request_key(c->m.key, &text);
	sd_buf_str(&text, ": the server keeps the record deleted; save it under a new key to have "
			  "it back");
	rc = sd_push_refuse(en, c, "RecordDeleted", sd_buf_text(&text), item, now_ms, e);
	sd_buf_release(&text);
	return rc;
}

/* After a verdict about an entry that was on its way. */
static enum sd_err go_on(struct sd_engine *en, struct sd_case *c, enum sd_verdict v,
	int64_t wait_ms, int64_t now_ms, struct sd_error *e)
{
	if (v == SD_VERDICT_GONE)
		return SD_OK;
	return sd_push_later(en, c, wait_ms, false, true, NULL, now_ms, e);
}

/* conflict.max_attempts: how often a change is carried to a newer version before a person is
 * asked; the first time at once, then with back-off. */
static enum sd_err count_conflict(struct sd_engine *en, struct sd_case *c, int64_t *wait_ms,
	int64_t now_ms, struct sd_error *e)
{
	int n = ++c->m.conflict_attempts;

	*wait_ms = n <= 1 ? 0 : sd_push_wait_ms(en, n - 1, -1, now_ms);
	return sd_outbox_conflict_attempts(en->store, c->m.seq, n, e);
}

static bool too_many(const struct sd_engine *en, const struct sd_case *c)
{
	return c->m.conflict_attempts > en->set->conflict_max_attempts;
}

/* The service merged a stale write by its own rules: what it dropped or doubled is put right, or
 * becomes a conflict; nothing is lost in silence.  While the answer was on its way a newer
 * version may have come by a run or a message: then that one is judged, or it would be forgotten. */
static enum sd_err repair(struct sd_engine *en, struct sd_case *c, const struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	enum sd_verdict v;
	int64_t wait;
	enum sd_err rc = count_conflict(en, c, &wait, now_ms, e);

	if (rc == SD_OK)
		rc = sd_push_compare_answer(
			en, c, sd_case_newest(c, item), too_many(en, c), now_ms, &v, e);
	return rc == SD_OK ? go_on(en, c, v, wait, now_ms, e) : rc;
}

/* How the server meets stale versions is its own affair; a forecast must know (S4.3). */
static enum sd_err learn(
	struct sd_engine *en, const struct sd_model *m, const char *strategy, struct sd_error *e)
{
	char *known = &en->push->learned[m->id];
	struct sd_buf name = SD_BUF_INIT;
	enum sd_err rc;

	if (*known == strategy[0])
		return SD_OK;
	*known = strategy[0];
	sd_buf_fmt(&name, "strategy:%s", m->name);
	rc = sd_meta_put(en->store, sd_buf_text(&name), strategy, e);
	sd_buf_release(&name);
	return rc;
}

enum sd_err sd_push_accepted(struct sd_engine *en, struct sd_case *c, const struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	bool was_deleted = sd_json_is_true(sd_json_get(c->shadow.base, "_deleted"));
	bool deleted = sd_json_is_true(sd_json_get(item, "_deleted"));
	bool merged = sd_json_get_i64(item, "_version", -1) != c->m.version + 1;
	enum sd_err rc = SD_OK;

	if (c->policy == SD_POLICY_SERVER && c->m.op == SD_OP_UPDATE && merged && !deleted)
		rc = sd_push_note_merge(en, c, item, now_ms, e);
	if (rc != SD_OK)
		;
	else if (c->policy == SD_POLICY_SERVER || c->m.op == SD_OP_CREATE ||
		 sd_push_applied(c, item))
		rc = sd_push_done(en, c, item, NULL, now_ms, e);
	else if (c->m.op == SD_OP_UPDATE && deleted && was_deleted)
		rc = kept_deleted(en, c, item, now_ms, e);
	else if (merged || deleted || c->m.op == SD_OP_DELETE)
		rc = repair(en, c, item, now_ms, e);
	else /* the service writes a value its own way (an instant, a float) */
		rc = sd_push_done(en, c, item, NULL, now_ms, e);
	en->push_wake = true;
	return rc;
}

static enum sd_err accepted(struct sd_engine *en, struct sd_case *c, const struct cJSON *data,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	struct cJSON *item;
	enum sd_err rc = sd_push_record(c->m.model, data, &item, &why, e);

	if (rc != SD_OK)
		return rc;
	if (!item)
		return accept_broken(en, c, data, why.text, now_ms, e);
	if (c->m.op == SD_OP_UPDATE && c->m.version > 0 &&
		sd_json_get_i64(item, "_version", -1) != c->m.version + 1 &&
		!sd_json_is_true(sd_json_get(item, "_deleted")))
		rc = learn(en, c->m.model, "automerge", e);
	if (rc == SD_OK)
		rc = sd_push_accepted(en, c, item, now_ms, e);
	sd_json_free(item);
	return rc;
}

/* ---- conflict, condition, refusal ---- */
enum sd_err sd_push_conflict_with(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e)
{
	enum sd_verdict v = SD_VERDICT_GONE;
	int64_t wait;
	enum sd_err rc = count_conflict(en, c, &wait, now_ms, e);

	theirs = sd_case_newest(c, theirs);
	en->push_wake = true;
	if (rc != SD_OK)
		return rc;
	/* nothing to decide: it is as the entry wants it */
	if (c->m.op == SD_OP_DELETE ? !theirs || sd_push_applied(c, theirs)
				    : theirs && sd_push_applied(c, theirs))
		return sd_push_compare(en, c, theirs, now_ms, &v, e);
	/* `server` leaves the decision to the service, and the service says: decide */
	if (too_many(en, c) || c->policy == SD_POLICY_SERVER)
		return sd_push_ask(en, c, theirs, now_ms, e);
	rc = sd_push_compare(en, c, theirs, now_ms, &v, e);
	return rc == SD_OK ? go_on(en, c, v, wait, now_ms, e) : rc;
}

static enum sd_err conflicted(struct sd_engine *en, struct sd_case *c, const struct sd_reply *r,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_error why;
	struct cJSON *theirs = NULL;
	enum sd_err rc = SD_OK;

	if (c->m.op == SD_OP_UPDATE)
		rc = learn(en, c->m.model, "optimistic", e);
	if (rc == SD_OK && complete(c->m.model, r->error_data))
		rc = sd_push_record(c->m.model, r->error_data, &theirs, &why, e);
	if (rc == SD_OK && theirs)
		rc = sd_push_conflict_with(en, c, theirs, now_ms, e);
	else if (rc == SD_OK)
		rc = sd_push_read(en, c, SD_READ_CONFLICT, r->type, r->message, now_ms, e);
	sd_json_free(theirs);
	return rc;
}

/* Refused, once the server's copy is at hand to show. */
static enum sd_err refused(struct sd_engine *en, struct sd_case *c, const char *type,
	const char *message, const struct cJSON *data, int64_t now_ms, struct sd_error *e)
{
	struct sd_error why;
	struct cJSON *server = NULL;
	enum sd_err rc = SD_OK;

	if (complete(c->m.model, data))
		rc = sd_push_record(c->m.model, data, &server, &why, e);
	if (rc == SD_OK && (server || c->m.op == SD_OP_CREATE))
		rc = sd_push_refuse(en, c, type, message, server, now_ms, e);
	else if (rc == SD_OK)
		rc = sd_push_read(en, c, SD_READ_REFUSED, type, message, now_ms, e);
	sd_json_free(server);
	return rc;
}

/* model, key and condition are named. */
static enum sd_err condition_failed(struct sd_engine *en, struct sd_case *c,
	const struct sd_reply *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc;

	/* a create that exists already; or the record is not there: the reading tells */
	if (c->m.op == SD_OP_CREATE || !c->m.condition)
		return sd_push_read(en, c, SD_READ_CONFLICT, r->type, r->message, now_ms, e);
	sd_buf_fmt(&text, "%s ", c->m.model->name);
	sd_request_key(c->m.key, &text);
	sd_buf_fmt(&text, ": the condition %s does not hold on the server; the %s was not made",
		c->m.condition, c->m.op == SD_OP_DELETE ? "deletion" : "change");
	rc = refused(en, c, "ConditionalCheckFailedException", sd_buf_text(&text), r->error_data,
		now_ms, e);
	sd_buf_release(&text);
	return rc;
}

static enum sd_err mutation_answer(struct sd_engine *en, struct sd_case *c,
	const struct sd_reply *r, struct sd_flight *f, int64_t now_ms, struct sd_error *e)
{
	enum sd_auth_mode mode = f->modes[f->mode_at];
	struct sd_reply bad;

	if (r->inside && r->klass != SD_REPLY_AUTH)
		return sd_push_read(en, c, SD_READ_WRITTEN, r->type, r->message, now_ms, e);
	switch (r->klass) {
	case SD_REPLY_OK:
		if (r->data && !sd_push_ours(c, r->data)) {
			sd_push_malformed(r, &bad);
			return sd_push_back_off(en, c, true, &bad, now_ms, e);
		}
		if (r->data)
			return accepted(en, c, r->data, now_ms, e);
		return sd_push_read(en, c, SD_READ_UNKNOWN, NULL, NULL, now_ms, e);
	case SD_REPLY_RETRY:
		return sd_push_back_off(en, c, r->unknown, r, now_ms, e);
	case SD_REPLY_AUTH:
		sd_en_auth_refused(en, mode, now_ms);
		return sd_push_later(en, c, 0, r->unknown, false, r, now_ms, e);
	case SD_REPLY_CONFLICT:
		return conflicted(en, c, r, now_ms, e);
	case SD_REPLY_CONDITION:
		return condition_failed(en, c, r, now_ms, e);
	case SD_REPLY_TOO_BIG:
		if (!r->status) /* an answer without end is none: it may have been written */
			return sd_push_back_off(en, c, true, r, now_ms, e);
		break;
	case SD_REPLY_DENIED:
	case SD_REPLY_REFUSED:
		break;
	}
	return refused(en, c, r->type, r->message, r->error_data, now_ms, e);
}

enum sd_err sd_push_one(struct sd_engine *en, struct sd_flight *f, int64_t seq,
	const struct sd_reply *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_case c;
	enum sd_err rc = sd_case_load(en, seq, &c, e);

	en->push_wake = true;
	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	if (f->kind == SD_FLIGHT_READ) /* what the answer may leave out stands in ours */
		rc = sd_case_mine(&c, e);
	if (rc == SD_OK && c.m.lane == SD_LANE_SENDING)
		rc = f->kind == SD_FLIGHT_READ ? sd_push_was_read(en, &c, r, f, now_ms, e)
					       : mutation_answer(en, &c, r, f, now_ms, e);
	sd_case_release(&c);
	return rc;
}
