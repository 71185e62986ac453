/*
 * core/sync/pull.c - which model may run when.
 *
 * A model wants a run after a start, after every gap (messages may have been missed), when its
 * full interval is over, when it is polled, and when a person asks.  Runs begin once the
 * subscriptions are settled, parents before children, at most sync.concurrency at once.
 * A run that fails is tried again with back-off and holds up nobody but its own outbox entries and
 * those of its children.
 *
 * A pass is a run of every model, told as syncQueriesStarted ... syncQueriesReady.
 */
#include "core/sync/pull.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/json/json.h"

enum sd_err sd_pull_new(struct sd_engine *en, struct sd_error *e)
{
	size_t n = en->schema->model_count;
	struct sd_pull *u = calloc(1, sizeof *u);

	if (u) {
		u->models = calloc(n + 1, sizeof *u->models);
		u->rank = calloc(n + 1, sizeof *u->rank);
	}
	if (!u || !u->models || !u->rank) {
		sd_pull_free(u);
		return sd_fail(e, SD_NOMEM, 0, "sync: out of memory");
	}
	u->count = n;
	for (size_t i = 0; i < n; i++) {
		u->models[i].m = en->schema->models[i];
		u->rank[en->schema->parents_first[i]] = i;
	}
	en->pull = u;
	return SD_OK;
}

void sd_pull_free(struct sd_pull *u)
{
	if (!u)
		return;
	for (size_t i = 0; u->models && i < u->count; i++) {
		struct sd_pull_model *p = &u->models[i];
		sd_sync_state_release(&p->s);
		sd_pred_free(p->own_expr);
		sd_json_free(p->buffer);
		for (size_t d = 0; d < p->doubt_count; d++)
			sd_json_free(p->doubts[d]);
		free(p->filter);
		free(p->document);
		free(p->root);
	}
	free(u->models);
	free(u->rank);
	free(u);
}

static void want(struct sd_pull_model *p, const char *why)
{
	p->want = true;
	p->ready = false;
	p->poll_run = false;
	if (!p->why)
		p->why = why;
}

/* Every model has a run to do. */
static void begin_pass(struct sd_pull *u)
{
	u->pass = true;
	u->announced = false;
	for (size_t i = 0; i < u->count; i++)
		u->models[i].open = u->models[i].m->syncable;
}

enum sd_err sd_pull_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_pull *u = en->pull;
	enum sd_err rc = SD_OK;

	en->status.models_synced = en->status.models_total = 0;
	for (size_t i = 0; i < u->count && rc == SD_OK; i++) {
		struct sd_pull_model *p = &u->models[i];
		if (!p->m->syncable)
			continue;
		p->loaded = false;
		free(p->document);
		free(p->root);
		p->document = p->root = NULL;
		sd_sync_state_release(&p->s);
		rc = sd_run_load(en, p, e);
		p->synced = p->failed = p->denied = p->running = p->again = p->fresh = false;
		p->tries = 0;
		sd_wait_off(&p->retry);
		sd_wait_off(&p->full_wait);
		p->why = NULL;
		want(p, "start");
		en->status.models_total++;
	}
	begin_pass(u);
	u->established = false;
	/* once per start, not per return of the network */
	if (rc == SD_OK && !u->commands_asked) {
		u->commands_asked = true;
		rc = sd_expr_start(en, now_ms, e);
	}
	return rc;
}

void sd_pull_stop(struct sd_engine *en, int64_t now_ms)
{
	struct sd_pull *u = en->pull;

	(void)now_ms;
	for (size_t i = 0; i < u->count; i++) {
		struct sd_pull_model *p = &u->models[i];
		p->running = p->ready = p->want = p->again = p->fresh = false;
		p->request = 0;
		/* what was not applied is fetched again by the run at the next start */
		sd_buffer_drop(en, p);
		sd_doubt_forget(en, p);
		sd_wait_off(&p->retry);
		sd_wait_off(&p->poll_wait);
		sd_wait_off(&p->full_wait);
	}
	u->pass = false;
}

void sd_pull_pause(struct sd_engine *en)
{
	for (size_t i = 0; i < en->pull->count; i++) {
		struct sd_pull_model *p = &en->pull->models[i];
		if (p->request)
			sd_en_cancel(en, p->request);
		sd_doubt_forget(en, p);
		p->want = p->want || p->running;
		p->running = false;
		p->request = 0;
	}
}

void sd_pull_forget(struct sd_engine *en)
{
	en->pull->commands_asked = false;
	en->pull->commands_open = 0;
	for (size_t i = 0; i < en->pull->count; i++) {
		en->pull->models[i].command = 0;
		en->pull->models[i].expr_failed = false;
	}
}

/* ---- what may run ---- */

/* Relations that order runs: belongsTo targets; of a cycle the edge that parents_first broke is
 * left out. */
static const struct sd_model *parent(const struct sd_engine *en, const struct sd_model *m, size_t i)
{
	const struct sd_field *f = &m->fields[i];

	if (f->kind != SD_K_MODEL || f->assoc != SD_A_BELONGS_TO || !f->model->syncable ||
		en->pull->rank[f->model->id] >= en->pull->rank[m->id])
		return NULL;
	return f->model;
}

static bool parents_ended(const struct sd_engine *en, const struct sd_model *m)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_model *up = parent(en, m, i);
		const struct sd_pull_model *p = up ? &en->pull->models[up->id] : NULL;
		if (p && (p->want || p->running) && !p->failed)
			return false;
	}
	return true;
}

static bool mode_free(const struct sd_engine *en, const struct sd_pull_model *p)
{
	enum sd_auth_mode modes[6];
	size_t n = sd_en_modes(en, p->m, SD_OP_SYNC_BIT, modes);

	return n == 0 || sd_en_mode_ok(en, modes[p->mode_at < n ? p->mode_at : 0]);
}

/* Begins the run of p.  A model nobody here may read fails alone. */
static enum sd_err begin(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	char text[256];

	if (sd_en_modes(en, p->m, SD_OP_SYNC_BIT, modes))
		return sd_run_begin(en, p, now_ms, e);
	p->denied = true;
	snprintf(text, sizeof text, "%s: no permitted way to read it; sign in", p->m->name);
	return sd_run_failed(en, p, true, -1, text, now_ms, e);
}

static enum sd_err begin_what_may(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_pull *u = en->pull;
	int running = 0, most = en->set->sync_concurrency > 0 ? en->set->sync_concurrency : 1;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < u->count; i++)
		running += u->models[i].running;
	if (en->probing && en->active_told && !en->active)
		most = 1; /* offline: one knock */
	for (size_t i = 0; i < u->count && rc == SD_OK; i++)
		rc = sd_doubt_ask(en, &u->models[i], e);
	for (size_t i = 0; i < u->count && running < most && rc == SD_OK; i++) {
		struct sd_pull_model *p = &u->models[en->schema->parents_first[i]];

		if (!p->want || p->running || p->command || p->expr_failed)
			continue;
		if (p->retry.at_ms)
			continue;
		if (!parents_ended(en, p->m) || !mode_free(en, p))
			continue;
		rc = begin(en, p, now_ms, e);
		running += p->running;
	}
	return rc;
}

/* Timers of models: polls, full intervals, commands to ask again. */
static enum sd_err look_at_clocks(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_pull *u = en->pull;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < u->count && rc == SD_OK; i++) {
		struct sd_pull_model *p = &u->models[i];

		/* without a wait something else began anew: a start, the network, "sync now" */
		if (p->expr_failed && !p->command &&
			(!p->retry.at_ms || sd_wait_due(&p->retry, now_ms))) {
			sd_wait_off(&p->retry);
			rc = sd_expr_again(en, p, e);
		}
		/* over, whether or not it may run now: a deadline in the past would never sleep */
		if (sd_wait_due(&p->retry, now_ms))
			sd_wait_off(&p->retry);
		if (sd_wait_due(&p->doubt_wait, now_ms))
			sd_wait_off(&p->doubt_wait);
		if (sd_wait_due(&p->poll_wait, now_ms)) {
			sd_wait_off(&p->poll_wait);
			if (p->poll && !p->want && !p->running) {
				p->want = p->poll_run = true;
				p->why = "polled: no subscription";
			}
		}
		if (sd_wait_due(&p->full_wait, now_ms)) {
			sd_wait_off(&p->full_wait);
			p->force_full = true;
			want(p, "the last full sync is older than sync.full_interval");
		}
	}
	return rc;
}

enum sd_err sd_pull_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc;

	if (!en->started || !en->net_on)
		return SD_OK;
	rc = look_at_clocks(en, now_ms, e);
	if (rc != SD_OK || !en->connected || en->pull_paused || !sd_en_online(en) ||
		!sd_rt_settled(en))
		return rc;
	if (en->active)
		sd_pull_announce(en, now_ms);
	return begin_what_may(en, now_ms, e);
}

int64_t sd_pull_deadline(const struct sd_engine *en)
{
	int64_t d = INT64_MAX;

	for (size_t i = 0; i < en->pull->count; i++) {
		const struct sd_pull_model *p = &en->pull->models[i];
		if (p->want || p->expr_failed)
			sd_wait_min(&p->retry, &d);
		sd_wait_min(&p->poll_wait, &d);
		sd_wait_min(&p->full_wait, &d);
		sd_wait_min(&p->doubt_wait, &d);
	}
	return d;
}

enum sd_err sd_pull_http(
	struct sd_engine *en, const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	if (r->transport == 0)
		sd_pull_announce(en, now_ms);
	for (size_t i = 0; i < en->pull->count; i++) {
		struct sd_pull_model *p = &en->pull->models[i];
		if (p->request == r->id)
			return sd_run_answer(en, p, r, now_ms, e);
		if (p->doubt_request == r->id)
			return sd_doubt_answer(en, p, r, now_ms, e);
	}
	return SD_OK;
}

/* ---- passes ---- */

static struct cJSON *how_it_went(const struct sd_pull *u)
{
	struct cJSON *f = sd_json_object(), *failed = sd_json_array(), *capped = sd_json_array();

	for (size_t i = 0; i < u->count; i++) {
		const struct sd_pull_model *p = &u->models[i];
		if (p->failed || (p->m->syncable && !p->synced))
			sd_json_push(failed, sd_json_string(p->m->name));
		else if (p->s.kind == SD_SYNC_CAPPED)
			sd_json_push(capped, sd_json_string(p->m->name));
	}
	sd_json_add(f, "failed", failed);
	sd_json_add(f, "capped", capped);
	return f;
}

/* Every model of the pass has ended, well or as failed. */
static void pass_over(struct sd_engine *en, int64_t now_ms)
{
	struct sd_pull *u = en->pull;

	for (size_t i = 0; i < u->count; i++)
		if (u->models[i].open)
			return;
	if (!u->pass || !u->announced)
		return;
	u->pass = false;
	sd_en_event(en, "syncQueriesReady", how_it_went(u), now_ms);
	if (!en->status.ready) {
		en->status.ready = true;
		sd_en_event(en, "ready", how_it_went(u), now_ms);
	}
}

static void tell_start(struct sd_engine *en, int64_t now_ms)
{
	struct sd_pull *u = en->pull;
	struct cJSON *f, *names = sd_json_array();

	if (!u->established) {
		u->established = true;
		f = sd_json_object();
		sd_json_add_int(f, "count", en->status.subscriptions);
		sd_en_event(en, "subscriptionsEstablished", f, now_ms);
	}
	f = sd_json_object();
	for (size_t i = 0; i < u->count; i++)
		if (u->models[i].open)
			sd_json_push(names, sd_json_string(u->models[i].m->name));
	sd_json_add(f, "models", names);
	sd_en_event(en, "syncQueriesStarted", f, now_ms);
}

void sd_pull_announce(struct sd_engine *en, int64_t now_ms)
{
	struct sd_pull *u = en->pull;

	if (!u->pass || u->announced)
		return;
	u->announced = true;
	tell_start(en, now_ms);
	pass_over(en, now_ms);
}

void sd_pull_ended(struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms)
{
	struct sd_pull *u = en->pull;

	if (!p->failed) {
		p->ready = !p->again;
		if (p->again)
			want(p, "messages were missed during the last run");
		p->again = false;
		if (p->poll)
			sd_wait_set(&p->poll_wait, now_ms, SD_PULL_POLL_MS);
	}
	p->open = false;
	en->push_wake = true;
	en->status.models_synced = 0;
	for (size_t i = 0; i < u->count; i++)
		en->status.models_synced += u->models[i].synced && !u->models[i].failed;
	pass_over(en, now_ms);
}

/* ---- what others say ---- */

enum sd_err sd_pull_gap(struct sd_engine *en, const struct sd_model *m, const char *why,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_pull *u = en->pull;

	(void)now_ms, (void)e;
	for (size_t i = 0; i < u->count; i++) {
		struct sd_pull_model *p = &u->models[i];
		if (!p->m->syncable || (m && p->m != m))
			continue;
		p->ready = false;
		/* a run that has begun, even if it waits to go on, began before the gap */
		p->again = p->again || p->running || p->s.page_token;
		if (!p->running) {
			p->why = p->want ? p->why : NULL;
			want(p, why);
		}
	}
	if (!m && !u->pass)
		begin_pass(u);
	u->established = u->established && m;
	return SD_OK;
}

enum sd_err sd_pull_poll(
	struct sd_engine *en, const struct sd_model *m, bool on, int64_t now_ms, struct sd_error *e)
{
	struct sd_pull_model *p = &en->pull->models[m->id];

	(void)e;
	if (p->poll == on)
		return SD_OK;
	p->poll = on;
	if (on)
		sd_wait_set(&p->poll_wait, now_ms, SD_PULL_POLL_MS);
	else
		sd_wait_off(&p->poll_wait);
	return SD_OK;
}

enum sd_err sd_pull_resync(struct sd_engine *en, const struct sd_model *m, bool full,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_pull *u = en->pull;
	bool established = u->established;
	enum sd_err rc;

	for (size_t i = 0; i < u->count; i++) {
		struct sd_pull_model *p = &u->models[i];
		if (m && p->m != m)
			continue;
		p->force_full = p->force_full || full;
		sd_wait_off(&p->retry);
		p->tries = 0;
	}
	rc = sd_pull_gap(en, m, full ? "asked for: full" : "asked for", now_ms, e);
	u->established = established;
	return rc;
}

void sd_pull_auth(struct sd_engine *en, int64_t now_ms)
{
	(void)now_ms;
	for (size_t i = 0; i < en->pull->count; i++) {
		struct sd_pull_model *p = &en->pull->models[i];
		p->mode_at = 0;
		if (p->want && !p->expr_failed)
			sd_wait_off(&p->retry);
	}
}

bool sd_pull_ready(const struct sd_engine *en, const struct sd_model *m)
{
	const struct sd_pull_model *p = &en->pull->models[m->id];

	/* what moved on meanwhile is noticed by the answer, and read then */
	if (en->pull_paused)
		return sd_en_online(en);
	if (!en->started || !en->net_on || !en->active || sd_doubt_open(p) ||
		(!p->ready && !p->denied))
		return false;
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_model *up = parent(en, m, i);
		if (up && !en->pull->models[up->id].ready && !en->pull->models[up->id].failed)
			return false;
	}
	return true;
}

bool sd_pull_idle(const struct sd_engine *en)
{
	if (en->pull_paused)
		return true;
	if (!en->status.ready || en->pull->commands_open)
		return false;
	for (size_t i = 0; i < en->pull->count; i++) {
		const struct sd_pull_model *p = &en->pull->models[i];
		if (p->running || (p->want && !p->failed && !p->poll_run) || sd_doubt_open(p))
			return false;
	}
	return true;
}
