/*
 * core/sync/frames.c - what a connection says: opened, closed, and its frames (client.md 6.6,
 * server.md 5.4).  What makes no sense is passed over; any frame is a sign of life.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sync/rt.h"

static size_t conn_at(const struct sd_realtime *rt, uint64_t id)
{
	for (size_t i = 0; id && i < rt->conn_count; i++)
		if (rt->conns[i].id == id)
			return i;
	return SIZE_MAX;
}

enum sd_err sd_rt_opened(struct sd_engine *en, uint64_t conn, int64_t now_ms, struct sd_error *e)
{
	size_t at = conn_at(en->rt, conn);
	struct sd_action a = {.kind = SD_ACT_RT_SEND, .conn = conn};

	if (at == SIZE_MAX)
		return SD_OK;
	en->rt->conns[at].state = SD_CONN_INIT;
	en->rt->conns[at].last_ms = now_ms;
	sd_wait_set(&en->rt->conns[at].wait, now_ms, SD_RT_ACK_MS);
	a.text = strdup("{\"type\":\"connection_init\"}");
	if (!a.text || !sd_en_act(en, a))
		return sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	return SD_OK;
}

enum sd_err sd_rt_closed(struct sd_engine *en, uint64_t conn, int code, int status,
	const char *reason, int64_t now_ms, struct sd_error *e)
{
	size_t at = conn_at(en->rt, conn);
	char why[200];

	if (at == SIZE_MAX)
		return SD_OK;
	if (status == 401 || status == 403)
		sd_en_auth_refused(en, en->rt->conns[at].mode, now_ms);
	if (status)
		snprintf(why, sizeof why, "the server refused it with HTTP %d", status);
	else if (code)
		snprintf(why, sizeof why, "closed with code %d %s", code, reason ? reason : "");
	else
		snprintf(why, sizeof why, "%s", reason ? reason : "connection lost");
	return sd_conn_drop(en, at, false, why, now_ms, e);
}

/* How long between two keep-alives: as this server did before, else from the limit it names. */
static int64_t first_guess(const struct sd_engine *en, int64_t timeout_ms)
{
	int64_t guess = timeout_ms / SD_RT_KA_PART;

	if (en->rt->ka_ms > 0 && en->rt->ka_ms < timeout_ms)
		return en->rt->ka_ms;
	return guess < SD_RT_KA_MIN_MS ? SD_RT_KA_MIN_MS
	       : guess > SD_RT_KA_MS   ? SD_RT_KA_MS
				       : guess;
}

static enum sd_err on_connection_ack(struct sd_engine *en, size_t at, const struct cJSON *payload,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_conn *c = &en->rt->conns[at];
	int64_t limit = sd_json_get_i64(payload, "connectionTimeoutMs", 0);

	if (c->state != SD_CONN_INIT)
		return SD_OK;
	if (limit <= 0)
		limit = sd_json_get_i64(payload, "connectionTimeout", 0); /* amplify mock */
	c->state = SD_CONN_READY;
	c->timeout_ms = limit > 0 ? limit : SD_RT_TIMEOUT_MS;
	c->ready_ms = now_ms;
	c->ka_last_ms = 0;
	c->ka_ms = first_guess(en, c->timeout_ms);
	sd_wait_off(&c->wait);
	en->status.rt_timeout_ms = c->timeout_ms;
	en->status.auth_ok_ms = now_ms;
	en->status.reconnects += c->gap;
	return sd_subs_start(en, at, now_ms, e);
}

/* The interval is the server's own secret: learned from the keep-alives as they come, and kept for
 * the next start. */
static enum sd_err on_keep_alive(
	struct sd_engine *en, struct sd_rt_conn *c, int64_t now_ms, struct sd_error *e)
{
	int64_t gap = now_ms - c->ka_last_ms, known = en->rt->ka_ms, off;
	bool first = c->ka_last_ms == 0;

	c->ka_last_ms = now_ms;
	if (first || gap <= 0)
		return SD_OK;
	if (gap > c->timeout_ms)
		gap = c->timeout_ms;
	if (gap < SD_RT_KA_MIN_MS)
		gap = SD_RT_KA_MIN_MS;
	c->ka_ms = !known || gap > c->ka_ms ? gap : (c->ka_ms * 3 + gap) / 4;
	off = c->ka_ms > known ? c->ka_ms - known : known - c->ka_ms;
	if (off * 10 <= known)
		return SD_OK;
	en->rt->ka_ms = c->ka_ms;
	return sd_rt_keep_interval(en, e);
}

static enum sd_err on_refused(struct sd_engine *en, size_t at, const struct cJSON *payload,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_rt_error x;
	char why[300];

	sd_rt_first_error(payload, &x);
	if (sd_rt_expired(&x) || x.code == 401)
		sd_en_auth_refused(en, en->rt->conns[at].mode, now_ms);
	snprintf(why, sizeof why, "%s: %s", x.type, x.message);
	return sd_conn_drop(en, at, true, why, now_ms, e);
}

static enum sd_err dispatch(
	struct sd_engine *en, size_t at, struct cJSON *frame, int64_t now_ms, struct sd_error *e)
{
	const char *type = sd_json_get_str(frame, "type"), *id = sd_json_get_str(frame, "id");
	struct cJSON *payload = sd_json_get(frame, "payload");

	if (!type)
		return SD_OK;
	if (strcmp(type, "ka") == 0)
		return on_keep_alive(en, &en->rt->conns[at], now_ms, e);
	if (strcmp(type, "connection_ack") == 0)
		return on_connection_ack(en, at, payload, now_ms, e);
	if (strcmp(type, "connection_error") == 0)
		return on_refused(en, at, payload, now_ms, e);
	if (id)
		return sd_subs_frame(en, at, type, id, payload, now_ms, e);
	if (strcmp(type, "error") == 0) {
		struct sd_rt_error x;
		sd_rt_first_error(payload, &x);
		/* "rate exceeded" names no subscription: what was not confirmed is tried again */
		if (sd_rt_expired(&x) || en->rt->conns[at].state != SD_CONN_READY)
			return on_refused(en, at, payload, now_ms, e);
		snprintf(en->status.last_failure, sizeof en->status.last_failure,
			"realtime: %s: %s", x.type, x.message);
	}
	return SD_OK;
}

/* Nobody knows what it was about: the models of the connection are asked for what changed. */
static enum sd_err unreadable(struct sd_engine *en, size_t at, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *f = sd_json_object();

	sd_json_add(f, "model", sd_json_null());
	sd_json_add_str(f, "path", "realtime");
	sd_json_add_str(f, "message", "a realtime frame is not JSON");
	sd_en_event(en, "nonApplicableDataReceived", f, now_ms);
	return sd_subs_gap(en, at, "a realtime frame could not be read", now_ms, e);
}

enum sd_err sd_rt_text(struct sd_engine *en, uint64_t conn, const char *text, size_t n,
	int64_t now_ms, struct sd_error *e)
{
	size_t at = conn_at(en->rt, conn);
	struct cJSON *frame = NULL;
	struct sd_rt_conn *c;
	enum sd_err rc = SD_OK;

	if (at == SIZE_MAX)
		return SD_OK;
	c = &en->rt->conns[at];
	c->last_ms = en->status.rt_last_message_ms = en->status.rt_ok_ms = now_ms;
	if (c->stale) {
		/* it was silent for too long: what was sent meanwhile may not have arrived */
		c->stale = false;
		rc = sd_subs_gap(en, at, "the realtime connection was silent", now_ms, e);
		if (rc == SD_OK)
			rc = sd_subs_poll(en, at, false, now_ms, e);
	}
	if (rc == SD_OK) {
		enum sd_err read = sd_json_parse(text, n, "realtime frame", &frame, e);
		if (read == SD_OK)
			rc = dispatch(en, at, frame, now_ms, e);
		else
			rc = read == SD_NOMEM ? read : unreadable(en, at, now_ms, e);
	}
	sd_json_free(frame);
	if (rc == SD_OK && at < en->rt->conn_count)
		rc = sd_conn_settle(en, at, now_ms, e);
	sd_rt_tell(en, now_ms);
	return rc;
}
