/*
 * core/sync/engine.c - the engine's life: start, stop, network, credentials, and every input on
 * its way to the part it belongs to.
 *
 * Every input ends in finish(): there, what became possible is begun, in the order of contract.md
 * 5.1: expressions, subscriptions, runs, outbox.
 */
#include "core/sync/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

enum sd_err sd_engine_new(
	const struct sd_engine_opts *o, struct sd_engine **out, struct sd_error *e)
{
	struct sd_engine *en = calloc(1, sizeof *en);
	enum sd_err rc;

	*out = NULL;
	if (!en)
		return sd_fail(e, SD_NOMEM, 0, "engine: out of memory");
	en->store = o->store;
	en->schema = o->schema;
	en->set = o->settings;
	en->rand = o->rand;
	en->auth = o->auth;
	sd_engine_modes(en, o->modes, o->mode_count);
	en->net_on = true;
	rc = sd_pull_new(en, e);
	if (rc == SD_OK)
		rc = sd_rt_new(en, e);
	if (rc == SD_OK)
		rc = sd_push_new(en, e);
	if (rc != SD_OK) {
		sd_engine_free(en);
		return rc;
	}
	*out = en;
	return SD_OK;
}

void sd_engine_modes(struct sd_engine *en, const enum sd_auth_mode *modes, size_t n)
{
	en->mode_count = n < 6 ? n : 6;
	for (size_t i = 0; i < en->mode_count; i++)
		en->modes[i] = modes[i];
}

void sd_engine_free(struct sd_engine *en)
{
	struct sd_action a;

	if (!en)
		return;
	sd_push_free(en->push);
	sd_rt_free(en->rt);
	sd_pull_free(en->pull);
	while (sd_engine_next(en, &a))
		sd_action_release(&a);
	free(en->actions);
	free(en->requests);
	sd_json_free(en->claims);
	free(en);
}

/* Begins what has become possible. */
static enum sd_err finish(struct sd_engine *en, enum sd_err rc, int64_t now_ms, struct sd_error *e)
{
	if (rc != SD_OK)
		return rc;
	if (en->went_down && en->started)
		rc = sd_pull_gap(en, NULL, "was offline", now_ms, e);
	if (rc == SD_OK && en->came_back && en->connected)
		rc = sd_rt_back(en, en->down_ms, now_ms, e);
	en->went_down = en->came_back = false;
	if (rc == SD_OK && en->started && en->net_on && !en->connected && !en->pull_paused &&
		sd_pull_expressions_known(en)) {
		en->connected = true;
		rc = sd_rt_start(en, now_ms, e);
	}
	if (rc == SD_OK && en->started)
		rc = sd_pull_tick(en, now_ms, e);
	if (rc == SD_OK && en->push_wake && en->started) {
		en->push_wake = false;
		rc = sd_push_wake(en, now_ms, e);
	}
	if (rc == SD_OK && en->oom)
		rc = sd_fail(e, SD_NOMEM, 0, "sync engine: out of memory");
	return rc;
}

/* The person's `sync pause` and `sync resume` (U-33). */
static enum sd_err look_at_pause(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	char *v = NULL;
	bool was = en->pull_paused;
	enum sd_err rc = sd_meta_get(en->store, "sync.paused", &v, e);

	if (rc != SD_OK)
		return rc;
	en->pull_paused = en->status.pull_paused = v && *v && strcmp(v, "0") != 0;
	free(v);
	if (was == en->pull_paused)
		return SD_OK;
	en->push_wake = true;
	if (!en->pull_paused)
		return sd_pull_gap(en, NULL, "fetching was paused", now_ms, e);
	sd_pull_pause(en);
	sd_rt_stop(en, now_ms);
	en->connected = false;
	return SD_OK;
}

enum sd_err sd_engine_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc;

	if (en->started)
		return SD_OK;
	en->started = true;
	en->active_told = en->active = en->connected = false;
	en->probing = en->came_back = false;
	sd_wait_off(&en->probe);
	memset(en->refused, 0, sizeof en->refused);
	sd_wait_off(&en->refusal_wait);
	en->status.ready = false;
	en->push_wake = true;
	sd_en_event(en, "storageSubscribed", NULL, now_ms);
	sd_en_outbox_status(en, now_ms);
	if (!en->net_on)
		sd_en_reachable(en, false, "switched off by hand", now_ms);
	rc = sd_pull_start(en, now_ms, e);
	if (rc == SD_OK)
		rc = sd_push_start(en, now_ms, e);
	if (rc == SD_OK)
		rc = look_at_pause(en, now_ms, e);
	return finish(en, rc, now_ms, e);
}

/* Forgets every request under way; push has already noted what was lost. */
static void cut(struct sd_engine *en, int64_t now_ms)
{
	sd_push_stop(en, now_ms);
	sd_pull_stop(en, now_ms);
	sd_rt_stop(en, now_ms);
	while (en->request_count)
		sd_en_cancel(en, en->requests[0].id);
	en->connected = en->probing = en->came_back = false;
	sd_wait_off(&en->probe);
}

enum sd_err sd_engine_stop(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	if (!en->started)
		return SD_OK;
	cut(en, now_ms);
	sd_pull_forget(en);
	sd_push_forget(en);
	en->started = false;
	en->status.ready = false;
	if (en->oom)
		return sd_fail(e, SD_NOMEM, 0, "sync engine: out of memory");
	return SD_OK;
}

/* Offline: one request or connection may go out to see.  When nothing comes of it - nothing could
 * be sent, no answer and no failure - the next knock follows all the same. */
static void knock(struct sd_engine *en, int64_t now_ms)
{
	en->probing = true;
	sd_wait_set(&en->probe, now_ms, en->set->timeout_ms * 2);
}

enum sd_err sd_engine_network(struct sd_engine *en, bool on, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (en->net_on == on)
		return SD_OK;
	en->net_on = on;
	en->status.switched_off = !on;
	if (!en->started)
		return SD_OK;
	if (!on) {
		cut(en, now_ms);
		sd_en_reachable(en, false, "switched off by hand", now_ms);
		return finish(en, SD_OK, now_ms, e);
	}
	/* whether the endpoint answers is not known yet: knock at once */
	en->probes = 0;
	knock(en, now_ms);
	rc = sd_pull_start(en, now_ms, e);
	if (rc == SD_OK)
		rc = sd_push_start(en, now_ms, e);
	en->push_wake = true;
	return finish(en, rc, now_ms, e);
}

static bool any_refused(const struct sd_engine *en)
{
	for (size_t i = 0; i < sizeof en->refused / sizeof *en->refused; i++)
		if (en->refused[i])
			return true;
	return false;
}

static const char *auth_state(const struct sd_engine *en, bool was)
{
	if (en->signed_in)
		return "signed-in";
	return was ? "expired" : "signed-out";
}

enum sd_err sd_engine_auth(struct sd_engine *en, bool signed_in, const struct cJSON *claims,
	int64_t now_ms, struct sd_error *e)
{
	bool was = en->signed_in;
	enum sd_err rc = SD_OK;

	en->signed_in = signed_in;
	sd_json_free(en->claims);
	en->claims = claims ? sd_json_dup(claims) : NULL;
	if (claims && !en->claims)
		return sd_fail(e, SD_NOMEM, 0, "sync engine: out of memory");
	if (en->started && (was != signed_in || (signed_in && any_refused(en)))) {
		struct cJSON *f = sd_json_object();
		sd_json_add_str(f, "state", auth_state(en, was));
		sd_en_event(en, "auth", f, now_ms);
	}
	/* fresh credentials that are refused again and again are not tried without a pause */
	if (en->refusals < 2) {
		memset(en->refused, 0, sizeof en->refused);
		sd_wait_off(&en->refusal_wait);
	}
	en->status.signed_in_needed = !signed_in && en->status.signed_in_needed;
	sd_pull_auth(en, now_ms);
	if (en->started && en->net_on && en->connected)
		rc = sd_rt_reauth(en, now_ms, e);
	en->push_wake = true;
	return finish(en, rc, now_ms, e);
}

enum sd_err sd_engine_store_changed(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc;

	if (!en->started)
		return SD_OK;
	rc = sd_push_local(en, now_ms, e);
	if (rc == SD_OK)
		rc = look_at_pause(en, now_ms, e);
	en->push_wake = true;
	return finish(en, rc, now_ms, e);
}

enum sd_err sd_engine_resync(struct sd_engine *en, const struct sd_model *m, bool full,
	int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = sd_pull_resync(en, m, full, now_ms, e);

	return en->started ? finish(en, rc, now_ms, e) : rc;
}

enum sd_err sd_engine_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (!en->started)
		return SD_OK;
	if (sd_wait_due(&en->refusal_wait, now_ms)) {
		sd_wait_off(&en->refusal_wait);
		memset(en->refused, 0, sizeof en->refused);
		en->push_wake = true;
		if (en->connected)
			rc = sd_rt_start(en, now_ms, e);
	}
	if (rc == SD_OK && en->net_on && sd_wait_due(&en->probe, now_ms)) {
		knock(en, now_ms);
		if (en->connected)
			rc = sd_rt_start(en, now_ms, e);
	}
	if (rc == SD_OK && en->connected)
		rc = sd_rt_tick(en, now_ms, e);
	if (sd_push_deadline(en) <= now_ms)
		en->push_wake = true;
	return finish(en, rc, now_ms, e);
}

/* What an HTTP result says about the way to the endpoint. */
static void note_result(struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms)
{
	if (!r->transport && !r->sent && r->failure) { /* there was nothing to send it with */
		snprintf(en->status.auth_why, sizeof en->status.auth_why, "%s", r->failure);
		return;
	}
	en->status.auth_why[0] = '\0';
	en->status.http_last_ms = r->took_ms;
	en->status.received_bytes += (int64_t)r->body_len;
	if (r->transport == 0) {
		en->status.http_ok_ms = now_ms;
		en->lost = 0;
		if (r->status == 200) {
			en->status.auth_ok_ms = now_ms;
			en->refusals = 0;
			en->status.signed_in_needed =
				en->status.signed_in_needed && any_refused(en);
		}
		/* the Date header counts whole seconds */
		if (r->date_ms > 0) {
			int64_t skew = r->date_ms - now_ms;
			en->status.skew_ms = skew > 2000 || skew < -2000 ? skew : 0;
		}
		sd_en_reachable(en, true, NULL, now_ms);
		return;
	}
	if (r->sent)
		en->status.tcp_ok_ms = now_ms;
	/* One answer lost on the way is not an endpoint out of reach; several in a row are. */
	if (!r->sent || ++en->lost >= 3)
		sd_en_reachable(en, false, r->failure, now_ms);
	else
		snprintf(en->status.last_failure, sizeof en->status.last_failure, "%s",
			r->failure ? r->failure : "the answer was lost");
}

enum sd_err sd_engine_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	enum sd_owner owner = SD_OWNER_PULL;
	bool found = false;

	for (size_t i = 0; i < en->request_count && !found; i++) {
		if (en->requests[i].id != r->id)
			continue;
		found = true;
		owner = en->requests[i].owner;
		en->requests[i] = en->requests[--en->request_count];
	}
	if (!found)
		return SD_OK; /* cancelled meanwhile */
	note_result(en, r, now_ms);
	return finish(en,
		owner == SD_OWNER_PULL ? sd_pull_http(en, r, now_ms, e)
				       : sd_push_http(en, r, now_ms, e),
		now_ms, e);
}

enum sd_err sd_engine_rt_opened(
	struct sd_engine *en, uint64_t conn, int64_t now_ms, struct sd_error *e)
{
	if (!en->connected)
		return SD_OK;
	sd_en_reachable(en, true, NULL, now_ms);
	return finish(en, sd_rt_opened(en, conn, now_ms, e), now_ms, e);
}

enum sd_err sd_engine_rt_text(struct sd_engine *en, uint64_t conn, const char *text, size_t n,
	int64_t now_ms, struct sd_error *e)
{
	if (!en->connected)
		return SD_OK;
	en->status.received_bytes += (int64_t)n;
	return finish(en, sd_rt_text(en, conn, text, n, now_ms, e), now_ms, e);
}

enum sd_err sd_engine_rt_closed(struct sd_engine *en, uint64_t conn, int code, int status,
	const char *reason, int64_t now_ms, struct sd_error *e)
{
	if (!en->connected)
		return SD_OK;
	/* a refused upgrade is an answer too; a connection that failed says nothing about HTTP, the
	 * first run's request will */
	if (status > 0) {
		sd_en_reachable(en, true, NULL, now_ms);
	} else if (status == SD_RT_NO_CREDENTIALS) {
		snprintf(en->status.auth_why, sizeof en->status.auth_why, "%s", reason);
		status = 401;
	}
	return finish(en, sd_rt_closed(en, conn, code, status, reason, now_ms, e), now_ms, e);
}

enum sd_err sd_engine_command_done(struct sd_engine *en, uint64_t id, const char *output,
	const char *failure, int64_t now_ms, struct sd_error *e)
{
	bool mine = false;
	enum sd_err rc;

	if (!en->started)
		return SD_OK;
	rc = sd_pull_command_done(en, id, output, failure, &mine, now_ms, e);
	if (rc == SD_OK && !mine)
		rc = sd_push_command_done(en, id, output, failure, &mine, now_ms, e);
	return finish(en, rc, now_ms, e);
}

int64_t sd_engine_deadline(const struct sd_engine *en)
{
	int64_t d = INT64_MAX, part;

	if (!en->started || !en->net_on)
		return d;
	sd_wait_min(&en->probe, &d);
	sd_wait_min(&en->refusal_wait, &d);
	part = sd_pull_deadline(en);
	d = part < d ? part : d;
	part = sd_push_deadline(en);
	d = part < d ? part : d;
	part = en->connected ? sd_rt_deadline(en) : INT64_MAX;
	return part < d ? part : d;
}

bool sd_engine_idle(const struct sd_engine *en)
{
	return !en->started || (sd_pull_idle(en) && sd_push_idle(en));
}
