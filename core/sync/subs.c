/*
 * core/sync/subs.c - subscriptions on a ready connection: three per model.
 *
 * One that is refused costs its model the realtime messages and nobody else anything: the model is
 * polled by delta, and the subscription is tried again later.  Only credentials that have
 * ended close the connection (client.md 6.6, 11 #28).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sync/rt.h"

bool sd_subs_settled(const struct sd_realtime *rt, size_t conn)
{
	for (size_t i = 0; i < rt->sub_count; i++) {
		const struct sd_rt_sub *s = &rt->subs[i];
		if (s->conn == conn && !s->late &&
			(s->state == SD_SUBST_WAITING || s->state == SD_SUBST_STARTING))
			return false;
	}
	return true;
}

static void count_live(struct sd_engine *en)
{
	int n = 0;

	for (size_t i = 0; i < en->rt->sub_count; i++)
		n += en->rt->subs[i].state == SD_SUBST_LIVE;
	en->status.subscriptions = n;
}

void sd_subs_lost(struct sd_engine *en, size_t conn)
{
	for (size_t i = 0; i < en->rt->sub_count; i++) {
		struct sd_rt_sub *s = &en->rt->subs[i];
		if (s->conn != conn)
			continue;
		s->state = SD_SUBST_WAITING;
		s->tries = 0;
		s->late = false;
		sd_wait_off(&s->wait);
	}
	count_live(en);
}

static enum sd_err refuse(struct sd_engine *en, struct sd_rt_sub *s, const char *why,
	int64_t now_ms, struct sd_error *e)
{
	int64_t wait = SD_RT_REFUSED_MS;

	for (int i = 0; i < s->refusals && wait < SD_RT_REFUSED_MAX; i++)
		wait *= 2;
	s->refusals++;
	s->state = SD_SUBST_REFUSED;
	s->late = false;
	sd_wait_set(&s->wait, now_ms, wait < SD_RT_REFUSED_MAX ? wait : SD_RT_REFUSED_MAX);
	snprintf(en->status.last_failure, sizeof en->status.last_failure,
		"%s: no subscription, polling: %s", s->m->name, why);
	count_live(en);
	return sd_pull_poll(en, s->m, true, now_ms, e);
}

/* Sends the start of one subscription. */
static enum sd_err start(
	struct sd_engine *en, struct sd_rt_sub *s, int64_t now_ms, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	size_t n = sd_en_modes(en, s->m, SD_OP_LISTEN_BIT, modes);
	struct sd_action a = {.kind = SD_ACT_RT_START};
	struct sd_error why = {0};
	enum sd_err rc;

	if (s->mode_at >= n)
		return refuse(en, s, "no permitted way to listen to it", now_ms, e);
	s->mode = modes[s->mode_at];
	rc = sd_sub_payload(en, s, now_ms, &a.text, &why);
	if (rc == SD_AUTH)
		return refuse(en, s, why.text, now_ms, e);
	if (rc != SD_OK)
		return sd_fail(e, rc, 0, "%s", why.text);
	sd_uuid4(en->rand,
		s->id); /* a new one each time: a late answer to the old one is nobody's */
	a.sub_id = strdup(s->id);
	a.conn = en->rt->conns[s->conn].id;
	a.mode = s->mode;
	if (!a.sub_id) {
		free(a.text);
		return sd_fail(e, SD_NOMEM, 0, "%s: subscription: out of memory", s->m->name);
	}
	s->state = SD_SUBST_STARTING;
	sd_wait_set(&s->wait, now_ms, SD_RT_ACK_MS);
	return sd_en_act(en, a) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "subscription: out of memory");
}

enum sd_err sd_subs_start(struct sd_engine *en, size_t conn, int64_t now_ms, struct sd_error *e)
{
	struct sd_realtime *rt = en->rt;
	size_t under_way = 0;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < rt->sub_count; i++)
		under_way += rt->subs[i].conn == conn && rt->subs[i].state == SD_SUBST_STARTING;
	for (size_t i = 0; i < rt->sub_count && under_way < SD_RT_BURST && rc == SD_OK; i++) {
		struct sd_rt_sub *s = &rt->subs[i];

		if (s->conn != conn || s->state != SD_SUBST_WAITING ||
			(s->wait.at_ms && !sd_wait_due(&s->wait, now_ms)))
			continue;
		rc = start(en, s, now_ms, e);
		under_way += s->state == SD_SUBST_STARTING;
	}
	return rc;
}

/* No start_ack in time, or a rate limit: again after a while, then poll. */
static enum sd_err again(struct sd_engine *en, struct sd_rt_sub *s, const char *why, int64_t now_ms,
	struct sd_error *e)
{
	if (++s->tries >= SD_RT_START_TRIES)
		return refuse(en, s, why, now_ms, e);
	s->state = SD_SUBST_WAITING;
	s->late = true;
	sd_wait_set(&s->wait, now_ms, sd_backoff_ms(s->tries + 2, -1, en->rand));
	return SD_OK;
}

enum sd_err sd_subs_tick(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	struct sd_realtime *rt = en->rt;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < rt->sub_count && rc == SD_OK; i++) {
		struct sd_rt_sub *s = &rt->subs[i];

		if (rt->conns[s->conn].state != SD_CONN_READY || !sd_wait_due(&s->wait, now_ms))
			continue;
		sd_wait_off(&s->wait);
		if (s->state == SD_SUBST_STARTING) {
			rc = again(en, s, "the server did not confirm it", now_ms, e);
		} else if (s->state == SD_SUBST_REFUSED) {
			s->state = SD_SUBST_WAITING;
			s->late = true;
			s->tries = 0;
			s->mode_at = 0;
		}
	}
	for (size_t i = 0; i < rt->conn_count && rc == SD_OK; i++)
		if (rt->conns[i].state == SD_CONN_READY) {
			rc = sd_subs_start(en, i, now_ms, e);
			if (rc == SD_OK)
				rc = sd_conn_settle(en, i, now_ms, e);
		}
	return rc;
}

void sd_subs_deadline(const struct sd_engine *en, int64_t *deadline_ms)
{
	for (size_t i = 0; i < en->rt->sub_count; i++)
		if (en->rt->conns[en->rt->subs[i].conn].state == SD_CONN_READY)
			sd_wait_min(&en->rt->subs[i].wait, deadline_ms);
}

enum sd_err sd_subs_gap(
	struct sd_engine *en, size_t conn, const char *why, int64_t now_ms, struct sd_error *e)
{
	const struct sd_model *last = NULL;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < en->rt->sub_count && rc == SD_OK; i++) {
		const struct sd_rt_sub *s = &en->rt->subs[i];
		if (s->conn != conn || s->m == last)
			continue;
		last = s->m;
		rc = sd_pull_gap(en, s->m, why, now_ms, e);
	}
	return rc;
}

/* Every subscription of m is live. */
static bool heard(const struct sd_realtime *rt, const struct sd_model *m)
{
	for (size_t i = 0; i < rt->sub_count; i++)
		if (rt->subs[i].m == m && rt->subs[i].state != SD_SUBST_LIVE)
			return false;
	return true;
}

enum sd_err sd_subs_poll(
	struct sd_engine *en, size_t conn, bool on, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < en->rt->sub_count && rc == SD_OK; i++) {
		const struct sd_rt_sub *s = &en->rt->subs[i];
		if (s->conn == conn && (on || heard(en->rt, s->m)))
			rc = sd_pull_poll(en, s->m, on, now_ms, e);
	}
	return rc;
}

/* ---- frames ---- */

void sd_rt_first_error(const struct cJSON *payload, struct sd_rt_error *out)
{
	const struct cJSON *x = sd_json_get(payload, "errors");

	if (sd_json_is_array(x))
		x = sd_json_child(x);
	if (!sd_json_is_object(x))
		x = payload;
	out->type = sd_json_get_str(x, "errorType");
	out->message = sd_json_get_str(x, "message");
	out->type = out->type ? out->type : "";
	out->message = out->message ? out->message : "";
	out->code = sd_json_get_i64(x, "errorCode", 0);
}

bool sd_rt_expired(const struct sd_rt_error *x)
{
	/* older servers write "com.amazonaws...#UnauthorizedException" */
	return sd_str_ends(x->type, "UnauthorizedException") ||
	       sd_str_ends(x->type, "NotAuthorizedException") ||
	       strstr(x->message, "Token expired") || strstr(x->message, "Token has expired");
}

static bool about_filter(const char *message)
{
	static const char *const TEXTS[] = {"UnknownArgument: Unknown field argument filter",
		"Filters exceed maximum attributes limit",
		"Filters combination exceed maximum limit",
		"filter uses same fieldName multiple time",
		"The variables input contains a field name 'not'",
		"The variables input contains a field that is not defined for input object type"};

	for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
		if (strstr(message, TEXTS[i]))
			return true;
	return false;
}

/* More than one connection takes: this one and those behind it move to another. */
static enum sd_err move_on(
	struct sd_engine *en, struct sd_rt_sub *s, int64_t now_ms, struct sd_error *e)
{
	size_t from = s->conn, to = from + 1, live = 0;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < en->rt->sub_count; i++)
		live += en->rt->subs[i].conn == from && en->rt->subs[i].state == SD_SUBST_LIVE;
	if (!live)
		return refuse(en, s, "the server takes no more subscriptions", now_ms, e);
	if (to >= en->rt->conn_count)
		rc = sd_conn_add(en, &to, e);
	if (rc != SD_OK)
		return rc;
	s->state = SD_SUBST_WAITING;
	s->conn = to;
	sd_wait_off(&s->wait);
	if (en->rt->conns[to].state == SD_CONN_READY)
		return sd_subs_start(en, to, now_ms, e);
	if (!en->rt->conns[to].wait.at_ms) /* new: opened at the next tick, which is now */
		sd_wait_set(&en->rt->conns[to].wait, now_ms, 0);
	return SD_OK;
}

static enum sd_err on_error(struct sd_engine *en, struct sd_rt_sub *s, const struct cJSON *payload,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_error x;
	enum sd_auth_mode modes[6];
	char why[300];

	sd_rt_first_error(payload, &x);
	s->state = SD_SUBST_WAITING;
	sd_wait_off(&s->wait);
	count_live(en);
	if (s->filtered && about_filter(x.message)) {
		s->no_filter = true;
		return sd_subs_start(en, s->conn, now_ms, e);
	}
	if (s->owned && strstr(x.message, "UnknownArgument")) {
		s->no_owner = true;
		return sd_subs_start(en, s->conn, now_ms, e);
	}
	if (sd_rt_expired(&x)) {
		sd_en_auth_refused(en, s->mode, now_ms);
		return sd_conn_drop(en, s->conn, true, "the session has ended", now_ms, e);
	}
	if (sd_str_starts(x.type, "MaxSubscriptionsReached"))
		return move_on(en, s, now_ms, e);
	if (strstr(x.type, "LimitExceeded"))
		return again(en, s, x.message, now_ms, e);
	if (s->mode_at + 1 < sd_en_modes(en, s->m, SD_OP_LISTEN_BIT, modes)) {
		s->mode_at++;
		return sd_subs_start(en, s->conn, now_ms, e);
	}
	snprintf(why, sizeof why, "%s%s%s", x.type, x.type[0] ? ": " : "", x.message);
	return refuse(en, s, why, now_ms, e);
}

static enum sd_err on_ack(
	struct sd_engine *en, struct sd_rt_sub *s, int64_t now_ms, struct sd_error *e)
{
	bool late = s->late;
	enum sd_err rc = SD_OK;

	s->state = SD_SUBST_LIVE;
	s->late = false;
	s->tries = s->refusals = 0;
	sd_wait_off(&s->wait);
	count_live(en);
	if (heard(en->rt, s->m))
		rc = sd_pull_poll(en, s->m, false, now_ms, e);
	if (rc == SD_OK && late)
		rc = sd_pull_gap(en, s->m, "its subscription began late", now_ms, e);
	return rc == SD_OK ? sd_subs_start(en, s->conn, now_ms, e) : rc;
}

static enum sd_err on_data(struct sd_engine *en, struct sd_rt_sub *s, struct cJSON *payload,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *data = sd_json_get(payload, "data"), *field = sd_json_child(data);
	struct sd_rt_error x;

	if (s->state != SD_SUBST_LIVE)
		return SD_OK;
	if (field && sd_json_is_object(field))
		return sd_pull_message(
			en, s->m, sd_json_detach(data, sd_json_name(field)), now_ms, e);
	/* something changed, but the message cannot say what: a delta run can */
	sd_rt_first_error(payload, &x);
	if (x.message[0]) {
		struct cJSON *f = sd_json_object();
		sd_json_add_str(f, "model", s->m->name);
		sd_json_add_str(f, "path", field ? sd_json_name(field) : "subscription");
		sd_json_add_str(f, "message", x.message);
		sd_en_event(en, "nonApplicableDataReceived", f, now_ms);
	}
	return sd_pull_gap(
		en, s->m, "a realtime message did not carry the whole record", now_ms, e);
}

enum sd_err sd_subs_frame(struct sd_engine *en, size_t conn, const char *type, const char *id,
	struct cJSON *payload, int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_sub *s = NULL;

	for (size_t i = 0; i < en->rt->sub_count && !s; i++)
		if (en->rt->subs[i].conn == conn && en->rt->subs[i].state != SD_SUBST_WAITING &&
			strcmp(en->rt->subs[i].id, id) == 0)
			s = &en->rt->subs[i];
	if (!s)
		return SD_OK;
	if (strcmp(type, "data") == 0)
		return on_data(en, s, payload, now_ms, e);
	if (strcmp(type, "start_ack") == 0)
		return s->state == SD_SUBST_STARTING ? on_ack(en, s, now_ms, e) : SD_OK;
	if (strcmp(type, "error") == 0)
		return on_error(en, s, payload, now_ms, e);
	if (strcmp(type, "complete") == 0 && s->state == SD_SUBST_LIVE) {
		/* ended by the server: we never ask for it */
		enum sd_err rc = again(en, s, "the server ended it", now_ms, e);
		count_live(en);
		return rc == SD_OK ? sd_pull_gap(en, s->m, "the server ended its subscription",
					     now_ms, e)
				   : rc;
	}
	return SD_OK;
}
