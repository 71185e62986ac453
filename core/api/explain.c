/*
 * core/api/explain.c - why one record is as it is, or is not here; see api.h.
 *
 * The store is asked first: what it holds decides.  Only a record that is not here, and that the
 * store has no reason for, is looked up on the server.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/ask.h"
#include "core/base/text.h"
#include "core/base/time.h"

struct why {
	struct sd_api *api;
	const struct sd_model *m;
	const char *key;
	struct sd_sync_state sync;
	struct sd_pred *expr; /* what is synced of the model; NULL: all */
	const char *cause;
	struct cJSON *evidence;
	struct sd_buf next;
	struct sd_error *e;
};

static void note(struct why *w, const char *fmt, ...) SD_PRINTF(2, 3);
static void note(struct why *w, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sd_json_push(w->evidence, sd_json_string(text));
}

static void decide(struct why *w, const char *cause, const char *fmt, ...) SD_PRINTF(3, 4);
static void decide(struct why *w, const char *cause, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	w->cause = cause;
	sd_buf_reset(&w->next); /* the last word counts */
	sd_buf_str(&w->next, text);
}

static void note_time(struct why *w, const char *what, int64_t ms)
{
	char at[SD_TIME_TEXT];

	if (ms <= 0)
		return;
	sd_time_iso(ms, at);
	note(w, "%s %s", what, at);
}

/* ---- what the store knows ---- */

static enum sd_err look_quarantine(struct why *w)
{
	struct cJSON *list = sd_json_array();
	enum sd_err rc = sd_quarantine_list(w->api->reader, w->m, list, w->e);

	for (const struct cJSON *q = sd_json_child(list); rc == SD_OK && q && !w->cause;
		q = sd_json_next(q)) {
		struct sd_buf key = SD_BUF_INIT;
		const struct cJSON *k = sd_json_get(q, "key");
		if (sd_json_is_string(k))
			sd_buf_str(&key, sd_json_str(k));
		else
			sd_json_print(k, &key);
		if (sd_str_eq(sd_buf_text(&key), w->key)) {
			note(w, "%s", sd_json_get_str(q, "reason"));
			note(w, "at %s, it came as %s", sd_json_get_str(q, "path"),
				sd_json_get_str(q, "raw"));
			note_time(w, "it came", sd_json_get_i64(q, "at", 0));
			decide(w, "quarantined",
				"correct the value on the server; the next sync takes the record "
				"out of quarantine");
		}
		sd_buf_release(&key);
	}
	sd_json_free(list);
	return rc;
}

struct entries {
	struct why *w;
	int64_t first; /* seq of the one the advice is about */
};

static bool note_entry(void *ctx, struct sd_mutation *m)
{
	struct entries *x = ctx;
	struct sd_buf hold = SD_BUF_INIT;

	if (!x->first)
		x->first = m->seq;
	note(x->w, "unsent change #%lld: %s, lane %s, %d attempt(s)", (long long)m->seq,
		sd_op_name(m->op), sd_lane_name(m->lane), m->attempts);
	if (m->error_type)
		note(x->w, "#%lld: %s: %s", (long long)m->seq, m->error_type,
			m->error_message ? m->error_message : "");
	if (sd_outbox_hold(x->w->api->reader, m->seq, &hold, NULL) == SD_OK && hold.len)
		note(x->w, "#%lld %s", (long long)m->seq, sd_buf_text(&hold));
	sd_buf_release(&hold);
	return true;
}

/* Nothing of a model is sent before it was fetched: says so when the last try failed. */
static bool held_by_model(struct why *w)
{
	struct sd_sync_state s = {0};
	bool failed = sd_sync_get(w->api->reader, w->m, &s, NULL) == SD_OK &&
		      s.kind == SD_SYNC_FAILED && !s.last_sync_ms;

	if (failed) {
		note(w, "%s was never fetched: %s", w->m->name,
			s.error ? s.error : "the try failed");
		decide(w, "pending",
			"it is sent once %s could be fetched: `syncdeck doctor` names what is in "
			"the way; it may take another user, or a rule on the server",
			w->m->name);
	}
	sd_sync_state_release(&s);
	return failed;
}

static void unsent(struct why *w, const char *state, int64_t seq)
{
	if (strcmp(state, "conflict") == 0)
		decide(w, "conflict",
			"decide it: `syncdeck conflicts` has its ID, `syncdeck conflicts show ID` "
			"base, "
			"mine and theirs, `syncdeck conflicts resolve ID` makes the decision");
	else if (strcmp(state, "refused") == 0)
		decide(w, "refused",
			"`syncdeck outbox show %lld` has the payload; then `outbox retry`, `outbox "
			"edit` or `outbox discard`",
			(long long)seq);
	else if (!*w->api->endpoint)
		decide(w, "pending",
			"no backend is configured; it is sent once one is (--endpoint or -c)");
	else if (!held_by_model(w))
		decide(w, "pending",
			"it is sent by `syncdeck sync` or any running engine; `syncdeck outbox "
			"show "
			"%lld` has the request",
			(long long)seq);
}

static bool outside(const struct why *w, const struct cJSON *rec)
{
	return w->expr && !sd_pred_eval(w->expr, rec, sd_now_ms(), NULL, NULL);
}

static void row_is_here(struct why *w, const struct cJSON *rec, bool entries, int64_t seq)
{
	const char *state = sd_json_get_str(rec, "_state");
	int64_t v = sd_json_get_i64(rec, "_version", 0);
	struct cJSON *orphan = NULL;

	if (v)
		note(w, "here it is version %lld", (long long)v);
	note_time(w, "changed on the server", sd_json_get_i64(rec, "_lastChangedAt", 0));
	if (entries && state) {
		unsent(w, state, seq);
	} else if (sd_json_is_true(sd_json_get(rec, "_deleted"))) {
		decide(w, "tombstone",
			"it was deleted on the server, which keeps the key for a while; save under "
			"another key, or `syncdeck history` for what it held");
	} else if (outside(w, rec)) {
		note(w, "the sync expression of %s leaves it out: %s", w->m->name,
			w->sync.expression);
		decide(w, "filtered",
			"it is not kept up to date any more; widen sync.expression of %s, or "
			"`syncdeck clear` to drop what it leaves out",
			w->m->name);
	} else {
		decide(w, "synced",
			"nothing is to be done; `syncdeck audit %s` compares it with "
			"the server",
			w->m->name);
	}
	if (sd_rec_orphan(w->api->reader, w->m, rec, &orphan, NULL) == SD_OK)
		for (const struct cJSON *o = sd_json_child(orphan); o; o = sd_json_next(o))
			note(w, "its %s is not here: it is an orphan", sd_json_str(o));
	sd_json_free(orphan);
}

static enum sd_err look_here(struct why *w)
{
	struct entries x = {w, 0};
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_outbox_of(w->api->reader, w->m, w->key, note_entry, &x, w->e);

	if (rc == SD_OK)
		rc = sd_rec_get(w->api->reader, w->m, w->key, true, &rec, w->e);
	if (rc == SD_OK)
		row_is_here(w, rec, x.first != 0, x.first);
	else if (rc == SD_NOTFOUND && x.first)
		unsent(w, "refused", x.first);
	sd_json_free(rec);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* ---- what the server says ---- */

static bool says_forbidden(const char *error)
{
	return error && (strstr(error, "nauthorized") || strstr(error, "ot authorized") ||
				strstr(error, "Not Authorized"));
}

/* It lives on the server: why is it not here? */
static void there_not_here(struct why *w, const struct cJSON *rec)
{
	note(w, "the server has it, version %lld", (long long)sd_json_get_i64(rec, "_version", 0));
	if (outside(w, rec)) {
		note(w, "the sync expression of %s leaves it out: %s", w->m->name,
			w->sync.expression);
		decide(w, "filtered", "widen sync.expression of %s and sync again", w->m->name);
	} else if (w->sync.kind == SD_SYNC_CAPPED) {
		note(w, "%s is capped by sync.max_records = %lld", w->m->name,
			(long long)w->api->settings.max_records);
		decide(w, "capped", "raise sync.max_records (0: no cap) and sync again");
	} else if (says_forbidden(w->sync.error)) {
		note(w, "%s", w->sync.error);
		decide(w, "forbidden",
			"it may be read by itself, but the model may not be synced: "
			"ask for access, or sign in as somebody else");
	} else if (w->sync.kind == SD_SYNC_NEVER || w->sync.kind == SD_SYNC_FAILED) {
		note(w, "%s was never synced in full here%s%s", w->m->name,
			w->sync.error ? ": " : "", w->sync.error ? w->sync.error : "");
		decide(w, "unknown", "run `syncdeck sync --once`, then look again");
	} else {
		decide(w, "unknown",
			"run `syncdeck sync --once --full --model %s`; `syncdeck audit %s` "
			"compares "
			"all of it",
			w->m->name, w->m->name);
	}
}

static void not_asked(struct why *w, const char *reason)
{
	note(w, "the server was not asked: %s", reason);
	if (says_forbidden(w->sync.error)) {
		note(w, "%s", w->sync.error);
		decide(w, "forbidden", "ask for access, or sign in as somebody else");
	} else if (w->sync.kind == SD_SYNC_CAPPED) {
		note(w, "%s is capped by sync.max_records = %lld: not all of it is here",
			w->m->name, (long long)w->api->settings.max_records);
		decide(w, "capped", "raise sync.max_records (0: no cap) and sync again");
	} else if (*w->api->endpoint) {
		decide(w, "unknown", "try again when the server can be reached");
	} else {
		decide(w, "unknown",
			"no backend is configured, and nothing of this name was saved here; check "
			"the key");
	}
}

/* Rows that the server itself could not send came without their key. */
static bool keyless_quarantine(struct why *w)
{
	struct cJSON *list = sd_json_array();
	bool yes = false;

	if (sd_quarantine_list(w->api->reader, w->m, list, NULL) == SD_OK)
		for (const struct cJSON *q = sd_json_child(list); q; q = sd_json_next(q))
			yes |= sd_json_is_null(sd_json_get(q, "key"));
	sd_json_free(list);
	return yes;
}

static void look_there(struct why *w)
{
	struct sd_error why = {.code = SD_OK};
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_api_ask_record(w->api, w->m, w->key, &rec, &why);

	if (rc == SD_REFUSED || rc == SD_AUTH) {
		note(w, "the server said: %s", why.text);
		decide(w, "forbidden",
			rc == SD_AUTH ? "sign in: `syncdeck login`"
				      : "ask its owner for access, or sign in as "
					"somebody who may read it");
	} else if (rc == SD_PROTO && why.detail == 0) {
		note(w, "%s", why.text);
		decide(w, "quarantined", "correct the value on the server, then sync again");
	} else if (rc == SD_FAILED && keyless_quarantine(w)) {
		note(w, "the server cannot send it: %s", why.text);
		decide(w, "quarantined", "correct the value on the server, then sync again");
	} else if (rc != SD_OK) {
		not_asked(w, why.text);
	} else if (!rec) {
		note(w, "neither here nor on the server is such a record");
		if (w->sync.synced_at_ms)
			note_time(w, "the model was synced last", w->sync.synced_at_ms);
		decide(w, "unknown", "check the key; `syncdeck query %s` lists what is here",
			w->m->name);
	} else if (sd_json_is_true(sd_json_get(rec, "_deleted"))) {
		note(w, "the server keeps it as deleted, version %lld",
			(long long)sd_json_get_i64(rec, "_version", 0));
		note_time(w, "deleted", sd_json_get_i64(rec, "_lastChangedAt", 0));
		decide(w, "tombstone", "it was deleted on the server; nothing is to be done");
	} else {
		there_not_here(w, rec);
	}
	sd_json_free(rec);
}

static enum sd_err load(struct why *w)
{
	enum sd_err rc = sd_sync_get(w->api->reader, w->m, &w->sync, w->e);

	if (rc == SD_OK && w->sync.expression)
		rc = sd_pred_parse(w->api->o.schema, w->m, w->sync.expression, &w->expr, w->e);
	return rc;
}

enum sd_err sd_api_explain(struct sd_api *api, const char *model, const char *key, bool ask,
	struct cJSON **out, struct sd_error *e)
{
	struct why w = {.api = api, .key = key, .e = e};
	struct cJSON *k = NULL;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	w.evidence = sd_json_array();
	if (rc == SD_OK)
		rc = sd_api_model(api, model, &w.m, e);
	if (rc == SD_OK)
		rc = load(&w);
	if (rc == SD_OK)
		rc = look_here(&w);
	/* a copy from before may still be here: what came since is the news */
	if (rc == SD_OK && (!w.cause || strcmp(w.cause, "synced") == 0)) {
		const char *so_far = w.cause;
		w.cause = NULL;
		rc = look_quarantine(&w);
		if (!w.cause)
			w.cause = so_far;
	}
	if (rc == SD_OK && !w.cause && ask)
		look_there(&w);
	else if (rc == SD_OK && !w.cause)
		not_asked(&w, "`syncdeck explain` does");
	if (rc == SD_OK) {
		*out = sd_json_object();
		if (sd_json_parse(key, strlen(key), "key", &k, NULL) != SD_OK)
			k = NULL;
		sd_json_add_str(*out, "model", w.m->name);
		sd_json_add(*out, "key", k ? k : sd_json_null());
		sd_json_add_str(*out, "cause", w.cause);
		sd_json_add(*out, "evidence", w.evidence);
		sd_json_add_str(*out, "next", sd_buf_text(&w.next));
		w.evidence = NULL;
	}
	sd_json_free(w.evidence);
	sd_pred_free(w.expr);
	sd_sync_state_release(&w.sync);
	sd_buf_release(&w.next);
	return rc;
}
