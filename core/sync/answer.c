/*
 * core/sync/answer.c - what came back in a run: a page, or one of the ways to fail.
 *
 * Only the credentials and the network stop everybody; everything else is this model's own
 * business.
 */
#include "core/sync/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

static void copy_counts(struct sd_pull_model *p)
{
	p->s.new_rows += p->counts.created;
	p->s.updated_rows += p->counts.updated;
	p->s.deleted_rows += p->counts.deleted;
	memset(&p->counts, 0, sizeof p->counts);
}

static void tell_synced(struct sd_engine *en, const struct sd_pull_model *p, int64_t now_ms)
{
	struct cJSON *f;

	if (p->poll_run && !p->s.new_rows && !p->s.updated_rows && !p->s.deleted_rows)
		return;
	f = sd_json_object();
	sd_json_add_str(f, "model", p->m->name);
	sd_json_add_bool(f, "isFullSync", p->s.page_base);
	sd_json_add_bool(f, "isDeltaSync", !p->s.page_base);
	sd_json_add_int(f, "new", p->s.new_rows);
	sd_json_add_int(f, "updated", p->s.updated_rows);
	sd_json_add_int(f, "deleted", p->s.deleted_rows);
	sd_en_event(en, "modelSynced", f, now_ms);
}

/* Runs stay readable in the journal, with their reason; polls that brought nothing do not. */
static enum sd_err note(struct sd_engine *en, const struct sd_pull_model *p, const char *how,
	int64_t now_ms, struct sd_error *e)
{
	char text[1200];

	if (p->poll_run && !p->s.new_rows && !p->s.updated_rows && !p->s.deleted_rows)
		return SD_OK;
	snprintf(text, sizeof text, "%s sync %s (%s): %lld new, %lld updated, %lld deleted",
		p->s.page_base ? "full" : "delta", how, p->s.why ? p->s.why : "no reason",
		(long long)p->s.new_rows, (long long)p->s.updated_rows,
		(long long)p->s.deleted_rows);
	return sd_sync_note(en->store, p->m, text, now_ms, e);
}

/* A delta brought rows that the server could not read just now: the next one asks since the same
 * moment again, for a while.  (After a base run that would be a base run each time.) */
static bool held(const struct sd_pull_model *p)
{
	return !p->s.page_base && p->s.sweep_rid < 0 &&
	       p->s.page_started_ms - p->s.last_sync_ms < SD_PULL_HOLD_MS;
}

/* The last page is in.  capped: there is more, but the person's limit is reached; then the sync
 * mark stays where it was. */
static enum sd_err ended(struct sd_engine *en, struct sd_pull_model *p, bool capped, int64_t now_ms,
	struct sd_error *e)
{
	bool partial = sd_run_partial(p);
	enum sd_err rc = SD_OK;

	/* rows that could not be read set sweep_rid to 0: then nothing is removed */
	if (p->s.page_base && !capped)
		rc = sd_sweep_end(
			en->store, p->m, p->expr, p->s.sweep_rid, now_ms, &p->counts.deleted, e);
	if (rc == SD_OK && p->s.page_base)
		rc = sd_load_end(en->store, p->m, e);
	if (rc == SD_OK)
		rc = sd_buffer_flush(en, p, now_ms, e);
	if (rc != SD_OK)
		return rc;
	copy_counts(p);
	p->cap_mark_ms = capped == partial ? 0 : p->s.page_started_ms;
	capped = capped || partial;
	if (!capped && p->s.page_started_ms && !held(p)) {
		p->s.last_sync_ms = p->s.page_started_ms;
		if (p->s.page_base)
			p->s.last_full_ms = p->s.page_started_ms;
	}
	if (p->s.page_base)
		sd_wait_set(&p->full_wait, now_ms, en->set->full_interval_ms);
	else if (!p->full_wait.at_ms && !partial)
		sd_wait_set(&p->full_wait, now_ms,
			p->s.last_full_ms + en->set->full_interval_ms - now_ms -
				en->status.skew_ms);
	p->s.synced_at_ms = now_ms;
	p->s.kind = capped           ? SD_SYNC_CAPPED
		    : p->poll        ? SD_SYNC_POLLING
		    : p->s.page_base ? SD_SYNC_FULL
				     : SD_SYNC_DELTA;
	p->s.failures = p->tries = p->gaps = 0;
	free(p->s.error);
	free(p->s.page_token);
	p->s.error = p->s.page_token = NULL;
	p->s.sweep_rid = 0;
	p->running = p->failed = p->denied = false;
	p->synced = true;
	rc = sd_sync_put(en->store, p->m, &p->s, e);
	if (rc == SD_OK)
		rc = note(en, p, capped ? "ended at the limit" : "ended", now_ms, e);
	if (rc == SD_OK && p->expr_new)
		rc = sd_expr_offer(en, p, now_ms, e);
	if (rc == SD_OK) {
		tell_synced(en, p, now_ms);
		sd_pull_ended(en, p, now_ms);
	}
	return rc;
}

enum sd_err sd_run_failed(struct sd_engine *en, struct sd_pull_model *p, bool final,
	int64_t retry_after_ms, const char *text, int64_t now_ms, struct sd_error *e)
{
	bool news = !p->failed;
	enum sd_err rc;

	p->running = false;
	p->want = true;
	p->tries++;
	p->s.failures++;
	if (!p->why)
		p->why = "the last try failed";
	sd_run_set_error(en, p, text);
	sd_wait_set(&p->retry, now_ms,
		final ? SD_PULL_FINAL_MS : sd_backoff_ms(p->tries, retry_after_ms, en->rand));
	if (final || p->tries >= SD_PULL_TRIES) {
		p->failed = true;
		p->s.kind = SD_SYNC_FAILED;
	}
	rc = sd_sync_put(en->store, p->m, &p->s, e);
	if (rc == SD_OK && p->failed) /* nobody knows when its pages will come */
		rc = sd_buffer_flush(en, p, now_ms, e);
	if (rc == SD_OK && p->failed && p->s.page_base)
		rc = sd_load_end(en->store, p->m, e);
	if (rc == SD_OK && p->failed && news)
		rc = sd_sync_note(en->store, p->m, text, now_ms, e);
	if (rc == SD_OK && p->failed)
		sd_pull_ended(en, p, now_ms);
	return rc;
}

/* A smaller page next time; false when it cannot be smaller. */
static bool shrink(struct sd_pull_model *p)
{
	p->good_pages = 0;
	if (p->limit <= 1)
		return false;
	p->s.page_size = p->limit / 2;
	return true;
}

static void grow(const struct sd_engine *en, struct sd_pull_model *p)
{
	if (p->s.page_size <= 0 || ++p->good_pages < 3)
		return;
	p->good_pages = 0;
	p->s.page_size *= 2;
	if (p->s.page_size >= en->set->page_size)
		p->s.page_size = 0;
	if (!p->s.page_size || p->s.page_size >= p->whole_size)
		p->cut = false;
}

/* The server's time at the first page, from the first page that names one.  Some servers do so on
 * the last page only, and mean that page: what changed while the others were read would be missed.
 * 0: it cannot be known. */
static int64_t began_at(const struct sd_pull_model *p, int64_t started_ms, int64_t now_ms)
{
	if (!p->s.page_token)
		return started_ms;
	if (!p->begun_ms || now_ms < p->begun_ms)
		return 0;
	return started_ms - (now_ms - p->begun_ms);
}

static enum sd_err page(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t bytes, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *items = sd_json_get(rep->data, "items");
	const char *token = sd_json_get_str(rep->data, "nextToken");
	int64_t started = sd_json_get_i64(rep->data, "startedAt", 0);
	enum sd_isolating less = p->isolating;
	bool capped;
	enum sd_err rc = SD_OK;

	if (!p->s.page_started_ms && started && !p->s.page_base &&
		started + 1000 < p->s.page_last_sync) {
		/* a delta since a moment that the server has not reached yet finds nothing */
		p->force_full = true;
		p->why = "the server's clock went back";
		p->running = false;
		return sd_run_begin(en, p, now_ms, e);
	}
	if (sd_run_torn(en, p, now_ms)) {
		p->running = false;
		rc = sd_run_set_text(&p->s.page_token, NULL, e);
		return rc == SD_OK ? sd_run_begin(en, p, now_ms, e) : rc;
	}
	p->page_at_ms = now_ms;
	if (!p->s.page_started_ms && started)
		p->s.page_started_ms = began_at(p, started, now_ms);
	p->s.page_started_last_ms = started;
	p->s.page_rows += sd_page_live(items);
	p->s.bytes += bytes;
	p->tries = p->garbled_alone = 0;
	if (less)
		sd_isolate_over(p);
	else
		grow(en, p);
	capped = token && en->set->max_records > 0 && p->s.page_rows >= en->set->max_records;
	p->running = token && !capped && sd_en_mode_ok(en, p->mode);
	if (p->running)
		rc = sd_run_request(en, p, token, e);
	if (rc == SD_OK)
		rc = sd_run_set_text(&p->s.page_token, token, e);
	if (rc == SD_OK)
		rc = less ? sd_isolate_take(en, p, less, rep, now_ms, e)
			  : sd_page_apply(en, p, rep->data, rep->errors, now_ms, e);
	if (rc != SD_OK)
		return rc;
	if (!token || capped)
		return ended(en, p, capped, now_ms, e);
	copy_counts(p);
	p->want = !p->running; /* signed out meanwhile: it goes on from here later */
	return sd_sync_put(en->store, p->m, &p->s, e);
}

/* "FieldUndefined: Field 'syncPosts' in type 'Query' is undefined": the API keeps no versions. */
static bool says_unversioned(const struct sd_pull_model *p, const char *message)
{
	const char *const names[] = {
		p->root, "_version", "_lastChangedAt", "_deleted", "startedAt", "lastSync"};
	char quoted[160];

	if (!message ||
		(!strstr(message, "FieldUndefined") && !strstr(message, "UnknownArgument") &&
			!strstr(message, "Cannot query field")))
		return false;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		snprintf(quoted, sizeof quoted, "'%s'", names[i]);
		if (strstr(message, quoted))
			return true;
		snprintf(quoted, sizeof quoted, "\"%s\"", names[i]);
		if (strstr(message, quoted))
			return true;
	}
	return false;
}

/* Servers that name every fault of a document may say this one last. */
static bool no_conflict_detection(const struct sd_pull_model *p, const struct sd_reply *rep)
{
	if (says_unversioned(p, rep->message))
		return true;
	for (const struct cJSON *c = sd_json_child(rep->errors); c; c = sd_json_next(c))
		if (says_unversioned(p, sd_json_get_str(c, "message")))
			return true;
	return false;
}

static enum sd_err refused(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_reply *rep, int64_t now_ms, struct sd_error *e)
{
	char text[1024];

	if (p->s.page_token && strstr(rep->message, "nextToken")) {
		/* the saved page is no longer known to the server: from the beginning */
		free(p->s.page_token);
		p->s.page_token = NULL;
		p->why = "the saved page was not accepted any more";
		p->running = false;
		return sd_run_begin(en, p, now_ms, e);
	}
	if (no_conflict_detection(p, rep))
		snprintf(text, sizeof text,
			"%s: this backend has no %s: conflict detection is off. Turn on conflict "
			"detection (versioned data source with delta sync; Amplify: conflict "
			"resolution) and sync again; local data stays usable (%s)",
			p->m->name, p->root, rep->message);
	else
		snprintf(text, sizeof text, "%s: %s: %s: %s", p->m->name, p->root,
			rep->type[0] ? rep->type : "refused", rep->message);
	return sd_run_failed(en, p, true, -1, text, now_ms, e);
}

static enum sd_err denied(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t now_ms, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	char text[1024];

	if (p->mode_at + 1 < sd_en_modes(en, p->m, SD_OP_SYNC_BIT, modes)) {
		p->mode_at++;
		p->running = false;
		return sd_run_request(en, p, p->s.page_token, e);
	}
	p->mode_at = 0;
	p->denied = true;
	snprintf(text, sizeof text, "%s: %s: not authorised (tried as %s): %s", p->m->name, p->root,
		sd_auth_mode_name(p->mode), rep->message);
	return sd_run_failed(en, p, true, -1, text, now_ms, e);
}

static bool too_much(
	const struct sd_engine *en, const struct sd_http_result *r, const struct sd_reply *rep)
{
	return strstr(rep->type, "ExecutionTimeout") || r->status == 504 ||
	       (r->transport && r->sent && r->took_ms >= en->set->timeout_ms * 9 / 10);
}

/* A body that begins as JSON and breaks off or does not parse may be one record's fault. */
static bool garbled(const struct sd_http_result *r, const struct sd_reply *rep)
{
	size_t i = 0;

	while (i < r->body_len && strchr(" \t\r\n", r->body[i]))
		i++;
	return strcmp(rep->type, "Malformed") == 0 && i < r->body_len && r->body[i] == '{';
}

/* A server that fails on the same page again and again while it makes the answer may stumble over
 * one record.  A first failure is only a failure. */
static bool stumbles(
	const struct sd_pull_model *p, const struct sd_http_result *r, const struct sd_reply *rep)
{
	if (!rep->unknown || r->transport)
		return false;
	if (r->status == 500)
		return p->cut || p->tries >= SD_PULL_TRIES;
	return r->status < 300 && sd_json_child(rep->errors) && (p->cut || p->tries > 0);
}

/* Fewer at a time, and the record alone a few times, before it is held to be at fault.  No failed
 * try: the run goes on. */
static enum sd_err narrow(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t now_ms, struct sd_error *e)
{
	sd_isolate_cut(p);
	if (!shrink(p) && ++p->garbled_alone > SD_PULL_GARBLED)
		return sd_isolate(en, p, rep, now_ms, e);
	p->running = false;
	p->want = true;
	p->why = p->why ? p->why : "a page could not be read";
	sd_wait_set(&p->retry, now_ms, sd_backoff_ms(1, rep->retry_after_ms, en->rand));
	return SD_OK;
}

static enum sd_err retry(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, const struct sd_reply *rep, int64_t now_ms,
	struct sd_error *e)
{
	char text[1024];

	if (en->active_told && !en->active) {
		/* the network, not this model: it goes on when the endpoint is back */
		p->running = false;
		p->want = true;
		p->why = p->why ? p->why : "the network was lost";
		return SD_OK;
	}
	/* an answer that was cut on its way is no fault of its record either */
	if (garbled(r, rep) || (!too_much(en, r, rep) && stumbles(p, r, rep)))
		return narrow(en, p, rep, now_ms, e);
	if (too_much(en, r, rep))
		(void)shrink(p);
	snprintf(text, sizeof text, "%s: %s: %s: %s", p->m->name, p->root, rep->type, rep->message);
	return sd_run_failed(en, p, false, rep->retry_after_ms, text, now_ms, e);
}

/* One record may be the cause: fewer at a time, down to that one. */
static enum sd_err too_big(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_reply *rep, int64_t now_ms, struct sd_error *e)
{
	if (!shrink(p))
		return sd_isolate(en, p, rep, now_ms, e);
	p->running = false;
	return sd_run_request(en, p, p->s.page_token, e);
}

/* An error that came while the answer was made, not one about the request. */
static bool about_data(const struct sd_pull_model *p, const struct sd_reply *rep)
{
	if (no_conflict_detection(p, rep) || (p->s.page_token && strstr(rep->message, "nextToken")))
		return false;
	return strstr(rep->message, "Cannot return null") ||
	       sd_json_child(sd_json_get(sd_json_child(rep->errors), "path"));
}

static enum sd_err sorted(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, const struct sd_reply *rep, int64_t now_ms,
	struct sd_error *e)
{
	char text[256];

	switch (rep->klass) {
	case SD_REPLY_OK:
		if (p->isolating == SD_ISOLATE_TOKEN ||
			sd_json_is_array(sd_json_get(rep->data, "items")))
			return page(en, p, rep, (int64_t)r->body_len, now_ms, e);
		snprintf(text, sizeof text, "%s: %s: the answer has no items", p->m->name, p->root);
		return sd_run_failed(en, p, false, -1, text, now_ms, e);
	case SD_REPLY_RETRY:
		return retry(en, p, r, rep, now_ms, e);
	case SD_REPLY_AUTH:
		sd_en_auth_refused(en, p->mode, now_ms);
		p->running = false;
		p->want = true;
		return SD_OK;
	case SD_REPLY_DENIED:
		return denied(en, p, rep, now_ms, e);
	case SD_REPLY_TOO_BIG:
		return too_big(en, p, rep, now_ms, e);
	case SD_REPLY_CONFLICT:
	case SD_REPLY_CONDITION:
	case SD_REPLY_REFUSED:
		break;
	}
	if (about_data(p, rep)) {
		sd_isolate_cut(p);
		return too_big(en, p, rep, now_ms, e);
	}
	return refused(en, p, rep, now_ms, e);
}

enum sd_err sd_run_answer(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_reply rep;
	enum sd_err rc;

	p->request = 0;
	rc = sd_reply_read(r, p->root, &rep, e);
	if (rc != SD_OK)
		return rc;
	rc = sorted(en, p, r, &rep, now_ms, e);
	sd_reply_release(&rep);
	return rc;
}
