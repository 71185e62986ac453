/*
 * core/sync/push_read.c - the record of an entry is read before the entry goes on: was it applied,
 * what is there instead, what is to be shown?
 *
 * A record can be there and yet not be had: a parent that must be there was purged or may not be
 * seen, a field that may not be null is.  The service then answers null for all of it.  Such a
 * record is read again without the objects of its relations, and after that with the key, the
 * metadata and the entry's own fields only; what is not asked for is as it is known here.  An entry
 * that is sent again without having looked has its lists doubled by Automerge (server.md 2.5).
 */
#include "core/sync/push.h"

#include <stdio.h>
#include <string.h>

#include "core/json/json.h"

static int64_t version_of(const struct cJSON *rec)
{
	return sd_json_get_i64(rec, "_version", -1);
}

/* ---- asking ---- */
static enum sd_err body_of(struct sd_engine *en, const struct sd_case *c, enum sd_read_how how,
	struct sd_buf *out, struct sd_error *e)
{
	struct sd_doc_opts opts = {.plain = true, .only = how == SD_READ_BARE ? c->m.fields : NULL};
	struct cJSON *none = NULL, *vars = sd_json_object();
	struct sd_buf less = SD_BUF_INIT;
	const char *doc = NULL;
	enum sd_err rc = vars ? sd_key_put(c->m.model, c->m.key, vars, e) : SD_OK;

	if (how == SD_READ_BARE && !opts.only)
		opts.only = none = sd_json_object();
	if (rc == SD_OK && how != SD_READ_WHOLE)
		rc = sd_doc_build(c->m.model, SD_DOC_GET, &opts, &less, e);
	if (rc == SD_OK)
		doc = how == SD_READ_WHOLE ? sd_push_document(en, c->m.model, SD_DOC_GET)
					   : sd_buf_text(&less);
	if (rc == SD_OK && (!vars || !doc || !sd_doc_request(doc, vars, out)))
		rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	sd_buf_release(&less);
	sd_json_free(none);
	sd_json_free(vars);
	return rc;
}

static enum sd_err ask(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	enum sd_read_how how, const char *type, const char *message, struct sd_error *e)
{
	struct sd_flight *f = sd_flight_add(en->push);
	struct sd_buf body = SD_BUF_INIT;
	enum sd_err rc = f ? SD_OK : sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");

	if (rc == SD_OK)
		rc = body_of(en, c, how, &body, e);
	if (rc == SD_OK)
		rc = sd_outbox_send(en->store, &c->m, e);
	if (rc != SD_OK) {
		sd_buf_release(&body);
		if (f)
			sd_flight_drop(en->push, f);
		return rc;
	}
	f->kind = SD_FLIGHT_READ;
	f->why = why;
	f->how = how;
	f->seq[0] = c->m.seq;
	f->count = 1;
	f->model = c->m.model;
	snprintf(f->type, sizeof f->type, "%s", type ? type : "");
	snprintf(f->message, sizeof f->message, "%s", message ? message : "");
	f->mode_count = sd_push_modes(en, c->m.model, SD_OP_GET_BIT, f->modes);
	if (f->mode_count == 0) /* no rule lets us read: the server says so itself */
		f->modes[f->mode_count++] = en->auth == SD_AUTH_MULTI ? en->modes[0] : en->auth;
	return sd_flight_launch(en, f, sd_buf_take(&body), e);
}

enum sd_err sd_push_read(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	const char *type, const char *message, int64_t now_ms, struct sd_error *e)
{
	(void)now_ms;
	return ask(en, c, why, why == SD_READ_WRITTEN ? SD_READ_PLAIN : SD_READ_WHOLE, type,
		message, e);
}

/* ---- what is there ---- */

/* {"field": value as known here} of what a smaller read leaves out. */
static struct cJSON *left_out(const struct sd_case *c, const struct cJSON *data)
{
	const struct cJSON *known = sd_case_server(c);
	struct cJSON *gaps = sd_json_object();

	if (!known)
		known = c->mine;
	for (size_t i = 0; gaps && i < c->m.model->field_count; i++) {
		const struct sd_field *f = &c->m.model->fields[i];
		const struct cJSON *v = sd_json_get(known, f->name);
		if (!f->stored || !v || sd_json_get(data, f->name))
			continue;
		if (!sd_json_add(gaps, f->name, sd_json_dup(v))) {
			sd_json_free(gaps);
			return NULL;
		}
	}
	return gaps;
}

static bool put_in(struct cJSON *item, const struct cJSON *gaps)
{
	bool ok = true;

	for (const struct cJSON *v = sd_json_child(gaps); ok && v; v = sd_json_next(v))
		ok = sd_json_set(item, sd_json_name(v), sd_json_dup(v));
	return ok;
}

/* *out NULL (and SD_OK): there is nothing, or it is no record. */
static enum sd_err to_local(const struct sd_case *c, const struct cJSON *data, enum sd_read_how how,
	struct cJSON **out, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	struct cJSON *gaps, *item;
	enum sd_err rc;

	*out = NULL;
	if (!data || how == SD_READ_WHOLE)
		return sd_push_record(c->m.model, data, out, &why, e);
	gaps = left_out(c, data);
	item = sd_json_dup(data);
	if (!gaps || !item || !put_in(item, gaps))
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	else
		rc = sd_push_record(c->m.model, item, out, &why, e);
	/* those are in local form already */
	if (rc == SD_OK && *out && !put_in(*out, gaps)) {
		sd_json_free(*out);
		*out = NULL;
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	}
	sd_json_free(gaps);
	sd_json_free(item);
	return rc;
}

/* ---- what it means ---- */

/* Policy `server`: the service is to merge a change that is old by now, once.  One whose lists are
 * there was merged, or written before somebody else wrote; what became of the rest is told. */
static enum sd_err leave_to_server(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc;

	if (sd_push_applied(c, theirs))
		return sd_push_done(en, c, theirs, NULL, now_ms, e);
	switch (c->m.op == SD_OP_UPDATE ? sd_push_listed(c, theirs) : SD_LISTED_NEVER) {
	case SD_LISTED_YES:
		rc = sd_push_note_merge(en, c, theirs, now_ms, e);
		return rc == SD_OK ? sd_push_done(en, c, theirs, NULL, now_ms, e) : rc;
	case SD_LISTED_PARTLY: /* nobody but a person can tell */
		return sd_push_ask(en, c, theirs, now_ms, e);
	case SD_LISTED_NO:
	case SD_LISTED_NEVER:
		break;
	}
	return sd_push_later(en, c, 0, false, false, NULL, now_ms, e);
}

/* Was a change whose answer was lost applied? (client.md 9.5) */
static enum sd_err outcome(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, struct sd_error *e)
{
	int64_t there = version_of(theirs);
	enum sd_verdict v = SD_VERDICT_SEND;
	enum sd_err rc;

	en->push_wake = true;
	if (theirs && c->m.op != SD_OP_CREATE) {
		if (there == c->m.version + 1 && sd_push_applied(c, theirs))
			return sd_push_done(en, c, theirs, NULL, now_ms, e);
		if (there == c->m.version)
			return sd_push_later(en, c, 0, false, false, NULL, now_ms, e);
		if (c->policy == SD_POLICY_SERVER)
			return leave_to_server(en, c, theirs, now_ms, e);
	}
	theirs = sd_case_newest(c, theirs);
	/* it may have been merged, so what is there is looked at as an answer */
	if (theirs && c->m.op == SD_OP_UPDATE)
		rc = sd_push_compare_answer(en, c, theirs, false, now_ms, &v, e);
	else
		rc = sd_push_compare(en, c, theirs, now_ms, &v, e);
	if (rc != SD_OK || v == SD_VERDICT_GONE)
		return rc;
	return sd_push_later(en, c, 0, false, false, NULL, now_ms, e);
}

static enum sd_err after_refusal(struct sd_engine *en, struct sd_case *c, struct sd_flight *f,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e)
{
	if (theirs && c->m.op != SD_OP_CREATE && version_of(theirs) == c->m.version + 1 &&
		sd_push_applied(c, theirs))
		return sd_push_done(en, c, theirs, NULL, now_ms, e);
	return sd_push_refuse(en, c, f->type, f->message, theirs, now_ms, e);
}

/* The service carried it out and could not show it: what is there is its answer. */
static enum sd_err after_write(struct sd_engine *en, struct sd_case *c, struct sd_flight *f,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e)
{
	enum sd_verdict v;

	if (theirs && (c->m.op == SD_OP_CREATE || version_of(theirs) != c->m.version))
		return sd_push_accepted(en, c, theirs, now_ms, e);
	if (!theirs && c->m.op == SD_OP_DELETE)
		return sd_push_compare(en, c, NULL, now_ms, &v, e);
	return sd_push_refuse(en, c, f->type, f->message, theirs, now_ms, e);
}

/* Nothing is known of what became of the entry, and nothing can be found out: a person says when it
 * is sent again, and even then it is looked for first. */
static enum sd_err cannot_tell(struct sd_engine *en, struct sd_case *c, const struct sd_reply *r,
	int64_t now_ms, struct sd_error *e)
{
	char text[512];
	enum sd_err rc = sd_outbox_unsure(en->store, c->m.seq, e);

	snprintf(text, sizeof text,
		"the answer was lost, and the record cannot be read to see whether the change "
		"arrived: %.300s",
		r->message);
	return rc == SD_OK ? sd_push_refuse(en, c, r->type, text, NULL, now_ms, e) : rc;
}

/* The record could not be read, for good: do without. */
static enum sd_err unreadable(struct sd_engine *en, struct sd_case *c, struct sd_flight *f,
	const struct sd_reply *r, int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *known = sd_case_server(c);

	switch (f->why) {
	case SD_READ_WRITTEN:
		return cannot_tell(en, c, r, now_ms, e);
	case SD_READ_UNKNOWN:
		if (known && version_of(known) > c->m.version) /* it came in another way */
			return outcome(en, c, known, now_ms, e);
		if (c->policy == SD_POLICY_SERVER && c->m.op == SD_OP_UPDATE &&
			sd_push_listed(c, NULL) != SD_LISTED_NEVER)
			return cannot_tell(en, c, r, now_ms, e);
		/* its version keeps it from being applied twice, or the answer will show it */
		return sd_push_later(en, c, 0, false, true, r, now_ms, e);
	case SD_READ_CONFLICT:
		if (c->m.op == SD_OP_CREATE || !known)
			return sd_push_refuse(en, c, f->type, f->message, NULL, now_ms, e);
		return sd_push_ask(en, c, known, now_ms, e);
	case SD_READ_REFUSED:
		break;
	}
	return sd_push_refuse(en, c, f->type, f->message, NULL, now_ms, e);
}

static enum sd_err ask_less(struct sd_engine *en, struct sd_case *c, struct sd_flight *f,
	const struct sd_reply *r, int64_t now_ms, struct sd_error *e)
{
	if (f->how == SD_READ_BARE)
		return unreadable(en, c, f, r, now_ms, e);
	return ask(en, c, f->why, f->how + 1, f->type, f->message, e);
}

/* No answer this time. */
static enum sd_err read_again(struct sd_engine *en, struct sd_case *c, const struct sd_reply *r,
	struct sd_flight *f, int64_t now_ms, struct sd_error *e)
{
	bool unknown =
		f->why == SD_READ_UNKNOWN || f->why == SD_READ_WRITTEN || c->m.op == SD_OP_CREATE;

	if (r->klass == SD_REPLY_AUTH) {
		sd_en_auth_refused(en, f->modes[f->mode_at], now_ms);
		return sd_push_later(en, c, 0, unknown, false, r, now_ms, e);
	}
	if (f->why == SD_READ_REFUSED)
		return sd_push_refuse(en, c, f->type, f->message, NULL, now_ms, e);
	return sd_push_back_off(en, c, unknown, r, now_ms, e);
}

/* "The condition failed", though none was sent and the record is as it was: the server has a rule
 * of its own, and sending the same again would be told the same. */
static bool denied_unasked(
	const struct sd_case *c, const struct sd_flight *f, const struct cJSON *theirs)
{
	return theirs && c->m.op != SD_OP_CREATE && strstr(f->type, "ConditionalCheckFailed") &&
	       version_of(theirs) == c->m.version;
}

static enum sd_err judge(struct sd_engine *en, struct sd_case *c, struct sd_flight *f,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e)
{
	switch (f->why) {
	case SD_READ_UNKNOWN:
		return outcome(en, c, theirs, now_ms, e);
	case SD_READ_WRITTEN:
		return after_write(en, c, f, theirs, now_ms, e);
	case SD_READ_REFUSED:
		return after_refusal(en, c, f, theirs, now_ms, e);
	case SD_READ_CONFLICT:
		break;
	}
	if (denied_unasked(c, f, theirs))
		return sd_push_refuse(en, c, f->type, f->message, theirs, now_ms, e);
	if (!theirs && c->m.op == SD_OP_CREATE) /* it exists, and may not be read */
		return sd_push_refuse(en, c, f->type, f->message, NULL, now_ms, e);
	return sd_push_conflict_with(en, c, theirs, now_ms, e);
}

enum sd_err sd_push_was_read(struct sd_engine *en, struct sd_case *c, const struct sd_reply *r,
	struct sd_flight *f, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *theirs = NULL;
	struct sd_reply bad;
	enum sd_err rc;

	if (r->klass == SD_REPLY_OK && r->data && !sd_push_ours(c, r->data)) {
		sd_push_malformed(r, &bad);
		r = &bad;
	}
	if (r->inside && r->klass != SD_REPLY_AUTH)
		return ask_less(en, c, f, r, now_ms, e);
	if (r->klass == SD_REPLY_RETRY || r->klass == SD_REPLY_AUTH)
		return read_again(en, c, r, f, now_ms, e);
	if (r->klass != SD_REPLY_OK)
		return unreadable(en, c, f, r, now_ms, e);
	rc = to_local(c, r->data, f->how, &theirs, e);
	if (rc == SD_OK && r->data && !theirs)
		return ask_less(en, c, f, r, now_ms, e);
	if (rc == SD_OK)
		rc = judge(en, c, f, theirs, now_ms, e);
	sd_json_free(theirs);
	return rc;
}
