/*
 * core/sandbox/core/write.c - create, update and delete on a versioned table (spec/server.md 2.3,
 * 2.4).  Every write is one transaction: base row and change log together, or neither.
 */
#include "core/sandbox/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"

#define CHECK_FAILED "ConditionalCheckFailedException"

struct step { /* one write under way */
	struct sd_sbx *s;
	struct sbx_write *w;
	struct sbx_row cur;
	struct sd_buf pk;
	struct cJSON *item; /* what is to be stored; owned */
	bool remove;        /* the row goes instead */
	bool unlogged;      /* the change log was not written */
	struct sd_error *e;
};

static enum sd_err refuse(struct step *t, const char *type, const char *fmt, ...) SD_PRINTF(3, 4);
static enum sd_err refuse(struct step *t, const char *type, const char *fmt, ...)
{
	va_list ap;

	t->w->error_type = type;
	va_start(ap, fmt);
	vsnprintf(t->w->error, sizeof t->w->error, fmt, ap);
	va_end(ap);
	return SD_OK;
}

/* The stored item goes into the error's data. */
static void show_stored(struct step *t)
{
	sd_json_free(t->w->result);
	t->w->result = t->cur.item;
	t->cur.item = NULL;
}

static enum sd_err check_failed(struct step *t)
{
	char id[SD_UUID_TEXT];

	sd_uuid4(t->s->o.rand, id);
	if (t->w->op != SBX_OP_CREATE && t->cur.rid)
		show_stored(t);
	if (!t->w->m->versioned) /* the older words (2.7) */
		return refuse(t, "DynamoDB:" CHECK_FAILED,
			"The conditional request failed (Service: AmazonDynamoDBv2; Status Code: "
			"400; Error Code: " CHECK_FAILED "; Request ID: %s)",
			id);
	return refuse(t, CHECK_FAILED,
		"The conditional request failed (Service: DynamoDb, Status Code: 400, Request ID: "
		"%s)",
		id);
}

static enum sd_err conflict(struct step *t)
{
	show_stored(t);
	return refuse(t, "ConflictUnhandled", "Conflict resolver rejects mutation.");
}

static enum sd_err too_often(struct step *t)
{
	return refuse(t, "MaxConflicts",
		"The item changed again and again while its conflict was resolved.");
}

static enum sd_err no_memory(struct step *t)
{
	return sd_fail(t->e, SD_NOMEM, 0, "sandbox: out of memory");
}

static enum sd_err unauthorized(struct step *t)
{
	return refuse(t, "Unauthorized", "Unauthorized");
}

/* Size and nesting are DynamoDB's; only then base and log are written. */
static enum sd_err put_text(struct step *t, const struct sd_buf *text, bool deleted)
{
	struct sd_sbx *s = t->s;
	struct sbx_write *w = t->w;
	int64_t ttl = 0;
	enum sd_err rc;

	if (text->len > SBX_ITEM_BYTES)
		return refuse(t, "DynamoDB:ValidationException",
			"Item size has exceeded the maximum allowed size");
	if (sbx_depth(t->item) > SBX_NESTING)
		return refuse(t, "DynamoDB:ValidationException",
			"Nesting Levels have exceeded supported limits");
	if (deleted)
		ttl = (w->now + s->o.base_ttl_ms) / 1000;
	if (t->remove || (deleted && (s->o.base_ttl_ms == 0 || !w->m->versioned)))
		rc = sbx_row_remove(s, w->m, sd_buf_text(&t->pk), t->e);
	else
		rc = sbx_row_put(s, w->m, sd_buf_text(&t->pk), t->item, text, ttl, t->e);
	t->unlogged = w->m->versioned && s->delta_write_error;
	if (rc == SD_OK && w->m->versioned && !t->unlogged)
		rc = sbx_delta_put(s, w->m, sd_buf_text(&t->pk), t->item, text, w->now, t->e);
	if (rc == SD_OK) {
		sd_json_free(w->result);
		w->result = t->item;
		t->item = NULL;
	}
	return rc;
}

static enum sd_err store(struct step *t, int64_t version, bool deleted)
{
	int64_t at = t->w->now;
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc;

	if (t->cur.rid && t->cur.changed_at >= at)
		at = t->cur.changed_at + 1;
	if (!sbx_item_stamp(t->w->m, t->item, version, at, deleted) ||
		!sd_json_print(t->item, &text))
		rc = no_memory(t);
	else
		rc = put_text(t, &text, deleted);
	sd_buf_release(&text);
	return rc;
}

static bool stamp_time(struct step *t, const char *field, const struct cJSON *input)
{
	char iso[SD_TIME_TEXT];

	if (!field || !sd_json_is_null(sd_json_get(input, field)))
		return true;
	sd_time_iso(t->w->now, iso);
	return sd_json_set(t->item, field, sd_json_string(iso));
}

/* @default(value:) as the field's type has it. */
static struct cJSON *default_value(const struct sd_field *f)
{
	struct cJSON *j = NULL;
	const char *d = f->default_value;
	bool text = f->kind == SD_K_ENUM ||
		    (f->kind == SD_K_SCALAR && f->scalar != SD_T_INT && f->scalar != SD_T_FLOAT &&
			    f->scalar != SD_T_BOOLEAN && f->scalar != SD_T_AWSTIMESTAMP &&
			    f->scalar != SD_T_AWSJSON);

	if (!text && sd_json_parse(d, strlen(d), "default", &j, NULL) == SD_OK)
		return j;
	return sd_json_string(d);
}

static enum sd_err fill_in(struct step *t)
{
	const struct sbx_model *m = t->w->m;
	const struct cJSON *in = t->w->input;
	char id[SD_UUID_TEXT];

	for (size_t i = 0; i < m->m->field_count; i++) {
		const struct sd_field *f = &m->m->fields[i];
		if (f->default_value && !sd_json_get(in, f->name) &&
			!sd_json_set(t->item, f->name, default_value(f)))
			return no_memory(t);
	}
	if (m->m->pk_count == 1 && strcmp(m->m->fields[m->m->pk[0]].name, "id") == 0 &&
		sd_json_is_null(sd_json_get(in, "id"))) {
		sd_uuid4(t->s->o.rand, id);
		if (!sd_json_set(t->item, "id", sd_json_string(id)))
			return no_memory(t);
	}
	if ((m->auto_created && !stamp_time(t, m->m->created_at, in)) ||
		(m->auto_updated && !stamp_time(t, m->m->updated_at, in)))
		return no_memory(t);
	if (!sd_json_set(t->item, "__typename", sd_json_string(m->m->name)))
		return no_memory(t);
	return SD_OK;
}

static enum sd_err key_of(struct step *t, const struct cJSON *rec, bool *ok)
{
	const char *part;

	*ok = sbx_key_text(t->w->m, rec, &t->pk, &part);
	if (*ok)
		return SD_OK;
	if (!part)
		return no_memory(t);
	return refuse(t, "DynamoDB:ValidationException",
		"One or more parameter values are not valid. The value for the key attribute '%s' "
		"is missing or an empty string",
		part);
}

/* An index with several sort fields stores them as one.  The service's resolvers want all of them or
 * none; strict_keys asks for that here. */
static enum sd_err check_composites(struct step *t, bool *fits)
{
	const struct sd_model *m = t->w->m->m;

	*fits = true;
	for (size_t i = 0; t->s->strict_keys && i < m->index_count && *fits; i++) {
		const struct sd_index *ix = &m->indexes[i];
		const char *missing = NULL;
		size_t given = 0;
		for (size_t k = 1; k < ix->field_count; k++) {
			const char *name = m->fields[ix->fields[k]].name;
			bool has = sd_json_get(t->w->input, name) != NULL ||
				   (t->w->op == SBX_OP_CREATE && sd_json_get(t->item, name));
			given += has;
			missing = has || missing ? missing : name;
		}
		if (ix->field_count < 3 || !given || !missing)
			continue;
		*fits = false;
		return refuse(t, "InvalidArgumentsError",
			"When %s any part of the composite sort key for @index '%s', you must "
			"provide all fields for the key. Missing key: '%s'.",
			t->w->op == SBX_OP_CREATE ? "creating" : "updating",
			ix->name ? ix->name : "", missing);
	}
	return SD_OK;
}

static enum sd_err field_denied(struct step *t, const struct cJSON *item, bool *denied)
{
	struct sd_buf names = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	*denied = t->w->auth && t->w->auth->who &&
		  !sbx_auth_input(t->w, t->w->auth->who, item, &names);
	if (*denied)
		rc = refuse(t, "Unauthorized", "Unauthorized on [%.300s]", sd_buf_text(&names));
	sd_buf_release(&names);
	return rc;
}

static enum sd_err create(struct step *t)
{
	struct sbx_write *w = t->w;
	struct cJSON *none;
	enum sd_err rc;
	bool ok, denied, bad;

	t->item = sd_json_object();
	if (!t->item || !sbx_item_set(w->m, w->input, true, t->item, NULL))
		return no_memory(t);
	rc = fill_in(t);
	if (rc != SD_OK)
		return rc;
	if (!sbx_auth_create(w->auth, t->item, w->input))
		return unauthorized(t);
	rc = field_denied(t, t->item, &denied);
	if (rc != SD_OK || denied)
		return rc;
	rc = check_composites(t, &ok);
	if (rc == SD_OK && ok)
		rc = key_of(t, t->item, &ok);
	if (rc == SD_OK && ok)
		rc = sbx_row_get(t->s, w->m, sd_buf_text(&t->pk), w->now, &t->cur, t->e);
	if (rc != SD_OK || !ok)
		return rc;
	if (t->cur.rid)
		return check_failed(t);
	none = sd_json_object();
	ok = sbx_filter(w->condition, none, &bad);
	sd_json_free(none);
	if (bad)
		return refuse(t, "Unrecognized Filter", "Unable to process the filter expression");
	return ok ? store(t, 1, false) : check_failed(t);
}

/* SET and REMOVE on a copy of the stored item. */
static struct cJSON *updated(struct step *t, const struct cJSON *set, const struct cJSON *removed)
{
	struct cJSON *item = sd_json_dup(t->cur.item);

	for (const struct cJSON *c = sd_json_child(set); item && c; c = sd_json_next(c))
		if (!sd_json_set(item, sd_json_name(c), sd_json_dup(c))) {
			sd_json_free(item);
			return NULL;
		}
	for (const struct cJSON *c = sd_json_child(removed); item && c; c = sd_json_next(c))
		sd_json_remove(item, sd_json_str(c));
	return item;
}

/* The handler's item in the place of the stored one; key and metadata stay. */
static enum sd_err take_resolved(struct step *t, struct cJSON *item)
{
	const struct sd_model *m = t->w->m->m;

	t->item = item;
	sd_json_remove(item, "_ttl");
	for (size_t i = 0; i < m->pk_count; i++) {
		const char *name = m->fields[m->pk[i]].name;
		if (!sd_json_set(item, name, sd_json_dup(sd_json_get(t->cur.item, name))))
			return no_memory(t);
	}
	if (!sd_json_set(item, "__typename", sd_json_string(m->name)))
		return no_memory(t);
	return store(t, t->cur.version + 1, t->cur.deleted);
}

/* The handler's word on the write, at once or when the job goes on. */
static enum sbx_decision ask(struct step *t, const char *payload, struct cJSON **item)
{
	struct sbx_write *w = t->w;
	const char *said;
	char *answer;
	enum sbx_decision d;

	if (w->job && t->s->o.ask_lambda) {
		switch (sbx_job_ask(
			t->s, w->job, w->m, sd_buf_text(&t->pk), t->cur.version, payload, &said)) {
		case SBX_ASK_LATER:
			w->later = true;
			return SBX_BROKEN;
		case SBX_ASK_GIVE_UP:
			return SBX_TOO_OFTEN;
		default:
			return sbx_lambda_read(w, said, item);
		}
	}
	answer = t->s->o.run_lambda ? t->s->o.run_lambda(t->s->o.lambda_ctx,
					      w->m->lambda ? w->m->lambda : t->s->o.lambda, payload)
				    : NULL;
	d = sbx_lambda_read(w, answer, item);
	free(answer);
	return d;
}

static enum sd_err ask_lambda(struct step *t, struct cJSON *wanted)
{
	struct cJSON *item = NULL;
	const struct sd_sbx_identity *who = t->w->auth ? t->w->auth->who : NULL;
	char *payload = sbx_lambda_payload(t->w, t->cur.item, wanted, who ? who->claims : NULL);
	enum sbx_decision d;

	sd_json_free(wanted);
	if (!payload)
		return no_memory(t);
	d = ask(t, payload, &item);
	free(payload);
	switch (d) {
	case SBX_TOO_OFTEN:
		return too_often(t);
	case SBX_RESOLVE:
		return take_resolved(t, item);
	case SBX_REJECT:
		return conflict(t);
	case SBX_REMOVE:
		t->item = sd_json_dup(t->cur.item);
		return t->item ? store(t, t->cur.version + 1, true) : no_memory(t);
	default:
		if (t->w->later)
			return SD_OK;
		return refuse(t, "ConflictError",
			"The conflict handler could not be run or gave no decision.");
	}
}

static enum sd_err on_conflict(struct step *t, const struct cJSON *set, const struct cJSON *removed)
{
	struct cJSON *wanted;

	switch (t->w->m->strategy) {
	case SD_STRATEGY_AUTOMERGE:
		if (t->w->op == SBX_OP_DELETE)
			return conflict(t);
		if (t->s->max_conflicts)
			return too_often(t);
		t->item = sbx_automerge(t->cur.item, set);
		return t->item ? store(t, t->cur.version + 1, t->cur.deleted) : no_memory(t);
	case SD_STRATEGY_LAMBDA:
		wanted = updated(t, set, removed);
		if (wanted && t->w->op == SBX_OP_DELETE &&
			!sbx_item_stamp(t->w->m, wanted, t->cur.version + 1, t->w->now, true)) {
			sd_json_free(wanted);
			wanted = NULL;
		}
		return wanted ? ask_lambda(t, wanted) : no_memory(t);
	default:
		return conflict(t);
	}
}

static bool is_stale(const struct step *t)
{
	int64_t in = sd_json_get_i64(t->w->input, "_version", 0);

	if (!t->w->m->versioned)
		return false;
	return t->s->accept_future ? in < t->cur.version : in != t->cur.version;
}

/* An update or delete that may be done: current version, condition, then SET and REMOVE. */
static enum sd_err change(struct step *t, const struct cJSON *set, const struct cJSON *removed)
{
	bool bad, ok, deleted = t->cur.deleted;

	if (is_stale(t))
		return on_conflict(t, set, removed);
	ok = sbx_filter(t->w->condition, t->cur.item, &bad);
	if (bad)
		return refuse(t, "Unrecognized Filter", "Unable to process the filter expression");
	if (!ok)
		return check_failed(t);
	t->item = updated(t, set, removed);
	if (!t->item)
		return no_memory(t);
	if (t->w->op == SBX_OP_DELETE)
		deleted = true;
	else if (t->s->resurrect)
		deleted = false;
	return store(t, t->cur.version + 1, deleted);
}

static enum sd_err update_or_delete(struct step *t)
{
	struct sbx_write *w = t->w;
	struct cJSON *removed = sd_json_array(), *set = sd_json_object();
	enum sd_err rc;
	bool ok, denied;

	rc = set && removed ? key_of(t, w->input, &ok) : no_memory(t);
	if (rc == SD_OK && ok && sbx_job_must_wait(t->s, w->job, w->m, sd_buf_text(&t->pk))) {
		w->later = true;
		goto done;
	}
	if (rc == SD_OK && ok)
		rc = sbx_row_get(t->s, w->m, sd_buf_text(&t->pk), w->now, &t->cur, t->e);
	if (rc != SD_OK || !ok)
		goto done;
	if (w->auth && !(t->cur.rid ? sbx_auth_row(w->auth, t->cur.item) : w->auth->all)) {
		rc = unauthorized(t);
		goto done;
	}
	if (!t->cur.rid) {
		/* a plain table takes the delete of what is not there for done (2.7) */
		rc = w->op == SBX_OP_DELETE && !w->m->versioned ? SD_OK : check_failed(t);
		goto done;
	}
	if (w->op == SBX_OP_UPDATE) {
		rc = field_denied(t, t->cur.item, &denied);
		if (rc == SD_OK && !denied) {
			rc = check_composites(t, &ok);
			denied = !ok;
		}
		if (rc != SD_OK || denied)
			goto done;
		if (!sbx_item_set(w->m, w->input, false, set, removed)) {
			rc = no_memory(t);
			goto done;
		}
		t->item = set;
		ok = !w->m->auto_updated || stamp_time(t, w->m->m->updated_at, w->input);
		t->item = NULL;
		if (!ok) {
			rc = no_memory(t);
			goto done;
		}
	}
	rc = change(t, set, removed);
done:
	sd_json_free(removed);
	sd_json_free(set);
	return rc;
}

enum sd_err sbx_write(struct sd_sbx *s, struct sbx_write *w, struct sd_error *e)
{
	struct step t = {.s = s, .w = w, .e = e};
	enum sd_err rc = sbx_begin(s, e);

	if (rc != SD_OK)
		return rc;
	rc = w->op == SBX_OP_CREATE ? create(&t) : update_or_delete(&t);
	if (rc == SD_OK && !w->error_type && !w->later)
		rc = sbx_commit(s, e);
	else
		sbx_rollback(s);
	if (rc == SD_OK && t.unlogged && !w->error_type) {
		rc = refuse(&t, "DeltaSyncWriteError",
			"The change was written, but not to the delta table.");
		sd_json_free(w->result);
		w->result = NULL;
	}
	sbx_row_release(&t.cur);
	sd_json_free(t.item);
	sd_buf_release(&t.pk);
	return rc;
}
