/*
 * core/sync/realtime.c - realtime connections: opening, keep-alive, stale, reconnecting.
 *
 * Protocol: client.md 6.6, server.md 5.4.  Each connection stands alone: its own back-off, its own
 * subscriptions.  Whenever one was not listening for a while, its models run by delta once it
 * listens again; while its first attempt to come back is under way nobody runs, after that nobody
 * waits for it (sd_rt_settled).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sync/rt.h"

static const char KA_META[] = "realtime.keep_alive_ms";

enum sd_err sd_rt_new(struct sd_engine *en, struct sd_error *e)
{
	char *kept = NULL;
	enum sd_err rc;

	en->rt = calloc(1, sizeof *en->rt);
	if (!en->rt)
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	rc = sd_meta_get(en->store, KA_META, &kept, e);
	if (rc == SD_OK && kept)
		en->rt->ka_ms = strtoll(kept, NULL, 10);
	free(kept);
	return rc;
}

enum sd_err sd_rt_keep_interval(struct sd_engine *en, struct sd_error *e)
{
	char text[32];

	snprintf(text, sizeof text, "%lld", (long long)en->rt->ka_ms);
	return sd_meta_put(en->store, KA_META, text, e);
}

void sd_rt_free(struct sd_realtime *rt)
{
	if (!rt)
		return;
	free(rt->conns);
	free(rt->subs);
	free(rt);
}

enum sd_err sd_conn_add(struct sd_engine *en, size_t *at, struct sd_error *e)
{
	struct sd_realtime *rt = en->rt;
	struct sd_rt_conn *c = realloc(rt->conns, (rt->conn_count + 1) * sizeof *c);

	if (!c)
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	rt->conns = c;
	memset(&c[rt->conn_count], 0, sizeof *c);
	*at = rt->conn_count++;
	return SD_OK;
}

/* The subscriptions there are to be, spread over connections.  A model's three stay together. */
static enum sd_err lay_out(struct sd_engine *en, struct sd_error *e)
{
	static const enum sd_doc KINDS[] = {SD_DOC_ON_CREATE, SD_DOC_ON_UPDATE, SD_DOC_ON_DELETE};
	struct sd_realtime *rt = en->rt;
	size_t per = en->set->subscriptions_per_connection > 3
			     ? (size_t)en->set->subscriptions_per_connection
			     : 3,
	       at = 0, held = 0;
	enum sd_err rc;

	rt->subs = calloc(en->schema->model_count * 3 + 1, sizeof *rt->subs);
	if (!rt->subs)
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	for (size_t i = 0; i < en->schema->model_count; i++) {
		const struct sd_model *m = en->schema->models[i];

		if (!m->syncable || m->sub_level == SD_SUB_OFF)
			continue;
		if (!rt->conn_count || held + 3 > per) {
			rc = sd_conn_add(en, &at, e);
			if (rc != SD_OK)
				return rc;
			held = 0;
		}
		for (size_t k = 0; k < 3; k++)
			rt->subs[rt->sub_count++] =
				(struct sd_rt_sub){.m = m, .kind = KINDS[k], .conn = at};
		held += 3;
	}
	en->status.subscriptions_wanted = (int)rt->sub_count;
	return SD_OK;
}

/* A mode for the connection itself: the first that one of its subscriptions can use. */
static bool conn_mode(const struct sd_engine *en, size_t at, enum sd_auth_mode *mode)
{
	for (size_t i = 0; i < en->rt->sub_count; i++) {
		enum sd_auth_mode modes[6];
		size_t n;

		if (en->rt->subs[i].conn != at)
			continue;
		n = sd_en_modes(en, en->rt->subs[i].m, SD_OP_LISTEN_BIT, modes);
		for (size_t k = 0; k < n; k++)
			if (sd_en_mode_ok(en, modes[k])) {
				*mode = modes[k];
				return true;
			}
	}
	return false;
}

static enum sd_err open_conn(struct sd_engine *en, size_t at, int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_conn *c = &en->rt->conns[at];
	struct sd_action a = {.kind = SD_ACT_RT_OPEN};

	if (c->state != SD_CONN_IDLE)
		return SD_OK;
	sd_wait_off(&c->wait);
	if (!conn_mode(en, at, &c->mode)) {
		/* nobody is signed in: nobody waits for it */
		c->gave_up = c->gap = true;
		return SD_OK;
	}
	c->id = ++en->next_id;
	c->state = SD_CONN_OPENING;
	a.conn = c->id;
	a.mode = c->mode;
	a.timeout_ms = en->set->timeout_ms;
	sd_wait_set(&c->wait, now_ms, en->set->timeout_ms);
	return sd_en_act(en, a) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
}

enum sd_err sd_rt_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (!en->rt->subs)
		rc = lay_out(en, e);
	for (size_t i = 0; i < en->rt->conn_count && rc == SD_OK; i++)
		rc = open_conn(en, i, now_ms, e);
	sd_rt_tell(en, now_ms);
	return rc;
}

enum sd_err sd_rt_back(struct sd_engine *en, int64_t down_ms, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < en->rt->conn_count && rc == SD_OK; i++)
		if (en->rt->conns[i].state == SD_CONN_READY && en->rt->conns[i].last_ms <= down_ms)
			rc = sd_conn_drop(en, i, true, "silent since the network went", now_ms, e);
	return rc == SD_OK ? sd_rt_start(en, now_ms, e) : rc;
}

void sd_rt_stop(struct sd_engine *en, int64_t now_ms)
{
	struct sd_realtime *rt = en->rt;

	for (size_t i = 0; i < rt->conn_count; i++)
		if (rt->conns[i].id)
			sd_en_act(en, (struct sd_action){
					      .kind = SD_ACT_RT_CLOSE, .conn = rt->conns[i].id});
	free(rt->conns);
	free(rt->subs);
	rt->conns = NULL;
	rt->subs = NULL;
	rt->conn_count = rt->sub_count = 0;
	en->status.subscriptions = 0;
	sd_rt_tell(en, now_ms);
}

bool sd_rt_settled(const struct sd_engine *en)
{
	const struct sd_realtime *rt = en->rt;

	for (size_t i = 0; i < rt->conn_count; i++) {
		const struct sd_rt_conn *c = &rt->conns[i];
		if (c->state == SD_CONN_READY ? !sd_subs_settled(rt, i) : !c->gave_up)
			return false;
	}
	return true;
}

/* ---- the state as a whole ---- */

/* A subscription that waits or is refused does not make the others less live, but none at all is
 * not listening. */
static enum sd_rt_state whole_state(const struct sd_realtime *rt)
{
	bool stale = false, down = rt->conn_count == 0, busy = false, live = false;
	bool starting = false;

	for (size_t i = 0; i < rt->conn_count; i++) {
		const struct sd_rt_conn *c = &rt->conns[i];
		stale = stale || (c->state == SD_CONN_READY && c->stale);
		down = down || c->state == SD_CONN_IDLE;
		busy = busy || c->state == SD_CONN_OPENING || c->state == SD_CONN_INIT ||
		       (c->state == SD_CONN_READY && !sd_subs_settled(rt, i));
	}
	for (size_t i = 0; i < rt->sub_count; i++) {
		live = live || rt->subs[i].state == SD_SUBST_LIVE;
		starting = starting || rt->subs[i].state == SD_SUBST_STARTING;
	}
	if (down)
		return SD_RT_DOWN;
	if (busy || (starting && !live))
		return SD_RT_CONNECTING;
	return !live ? SD_RT_DOWN : stale ? SD_RT_STALE : SD_RT_LIVE;
}

void sd_rt_tell(struct sd_engine *en, int64_t now_ms)
{
	enum sd_rt_state s = whole_state(en->rt);
	struct cJSON *f;

	if (s == en->rt->told)
		return;
	en->rt->told = en->status.rt = s;
	en->status.rt_since_ms = now_ms;
	f = sd_json_object();
	sd_json_add_str(f, "state", sd_rt_state_name(s));
	sd_en_event(en, "realtime", f, now_ms);
}

/* ---- losing and regaining one ---- */

/* The first attempt follows at once, but not of a thousand clients in the same instant; later ones
 * at least once a minute. */
static void plan_attempt(struct sd_engine *en, struct sd_rt_conn *c, int64_t now_ms)
{
	int64_t wait = sd_backoff_ms(c->attempts, -1, en->rand);

	if (wait > SD_RT_AGAIN_MS)
		wait = SD_RT_AGAIN_MS - (int64_t)sd_rand_below(en->rand, SD_RT_AGAIN_MS / 4);
	sd_wait_set(&c->wait, now_ms, wait);
}

enum sd_err sd_conn_drop(struct sd_engine *en, size_t at, bool close, const char *why,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_conn *c = &en->rt->conns[at];
	bool was_ready = c->state == SD_CONN_READY;
	bool steady = was_ready && now_ms - c->ready_ms >= SD_RT_STEADY_MS;
	enum sd_err rc = SD_OK;

	if (close && c->id)
		sd_en_act(en, (struct sd_action){.kind = SD_ACT_RT_CLOSE, .conn = c->id});
	c->id = 0;
	c->state = SD_CONN_IDLE;
	c->stale = false;
	c->gap = true;
	c->attempts = steady ? 1 : c->attempts + 1;
	/* one that comes and goes holds up nobody */
	c->gave_up = !was_ready || c->attempts > 1;
	plan_attempt(en, c, now_ms);
	sd_subs_lost(en, at);
	/* while nothing can be reached, HTTP says better why: its texts know of certificates */
	if (!en->active_told || en->active || !en->status.last_failure[0])
		snprintf(en->status.last_failure, sizeof en->status.last_failure, "realtime: %s",
			why && why[0] ? why : "connection lost");
	if (!conn_mode(en, at, &c->mode))
		c->gave_up = true;
	if (was_ready)
		rc = sd_subs_gap(en, at, "the realtime connection was lost", now_ms, e);
	if (rc == SD_OK && c->gave_up)
		rc = sd_subs_poll(en, at, true, now_ms, e);
	sd_rt_tell(en, now_ms);
	return rc;
}

enum sd_err sd_conn_settle(struct sd_engine *en, size_t at, int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_conn *c = &en->rt->conns[at];
	enum sd_err rc = SD_OK;

	if (c->state != SD_CONN_READY || !sd_subs_settled(en->rt, at))
		return SD_OK;
	c->gave_up = false;
	if (c->gap) {
		c->gap = false;
		rc = sd_subs_gap(en, at, "the realtime connection was renewed", now_ms, e);
		if (rc == SD_OK)
			rc = sd_subs_poll(en, at, false, now_ms, e);
	}
	sd_rt_tell(en, now_ms);
	return rc;
}

/* ---- time ---- */

static int64_t stale_at(const struct sd_rt_conn *c)
{
	return c->last_ms + c->ka_ms + SD_RT_KA_SLACK_MS;
}

static enum sd_err look_at(struct sd_engine *en, size_t at, int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_conn *c = &en->rt->conns[at];
	enum sd_err rc;

	if (c->state == SD_CONN_READY) {
		if (c->last_ms > now_ms)
			c->last_ms = now_ms; /* the clock was set back */
		if (now_ms - c->last_ms >= c->timeout_ms)
			return sd_conn_drop(en, at, true, "no keep-alive", now_ms, e);
		if (!c->stale && now_ms >= stale_at(c)) {
			c->stale = true;
			sd_rt_tell(en, now_ms);
			rc = sd_subs_gap(en, at, "the realtime connection is silent", now_ms, e);
			return rc == SD_OK ? sd_subs_poll(en, at, true, now_ms, e) : rc;
		}
		return SD_OK;
	}
	if (!sd_wait_due(&c->wait, now_ms))
		return SD_OK;
	if (c->state == SD_CONN_OPENING)
		return sd_conn_drop(en, at, true, "could not be opened in time", now_ms, e);
	if (c->state == SD_CONN_INIT)
		return sd_conn_drop(
			en, at, true, "the server did not acknowledge in time", now_ms, e);
	/* offline: the engine says when to knock */
	return sd_en_online(en) ? open_conn(en, at, now_ms, e) : SD_OK;
}

enum sd_err sd_rt_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < en->rt->conn_count && rc == SD_OK; i++)
		rc = look_at(en, i, now_ms, e);
	if (rc == SD_OK)
		rc = sd_subs_tick(en, now_ms, e);
	sd_rt_tell(en, now_ms);
	return rc;
}

int64_t sd_rt_deadline(const struct sd_engine *en)
{
	int64_t d = INT64_MAX;

	for (size_t i = 0; i < en->rt->conn_count; i++) {
		const struct sd_rt_conn *c = &en->rt->conns[i];
		int64_t at = c->last_ms + c->timeout_ms;

		if (c->state == SD_CONN_READY) {
			d = at < d ? at : d;
			if (!c->stale && stale_at(c) < d)
				d = stale_at(c);
		} else if (c->state != SD_CONN_IDLE || sd_en_online(en)) {
			sd_wait_min(&c->wait, &d);
		}
	}
	sd_subs_deadline(en, &d);
	return d;
}

enum sd_err sd_rt_reauth(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_realtime *rt = en->rt;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < rt->conn_count && rc == SD_OK; i++) {
		struct sd_rt_conn *c = &rt->conns[i];
		int attempts = c->attempts;

		/* a key stays the same whoever signs in */
		if (c->state != SD_CONN_IDLE && en->auth != SD_AUTH_MULTI &&
			c->mode != SD_AUTH_USER_POOL && c->mode != SD_AUTH_OIDC)
			continue;
		if (c->state != SD_CONN_IDLE) {
			rc = sd_conn_drop(en, i, true, "other credentials", now_ms, e);
			c->attempts = attempts;
		}
		for (size_t k = 0; k < rt->sub_count; k++)
			if (rt->subs[k].conn == i)
				rt->subs[k].mode_at = 0;
		/* refused again and again: its own pause stays */
		if (rc == SD_OK && en->refusals < 2) {
			c->gave_up = false;
			rc = open_conn(en, i, now_ms, e);
		}
	}
	sd_rt_tell(en, now_ms);
	return rc;
}
