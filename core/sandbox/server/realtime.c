/*
 * core/sandbox/server/realtime.c - AppSync's realtime protocol on an upgraded connection.
 *
 * Spec: server.md 5.1 to 5.8.  Which events go to whom is the core's business; frames, handshake,
 * keep-alive, limits and the realtime faults are decided here.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define LATE_FAILURE_MS                                                                            \
	250 /* a connection_error waits this long for the first message: the official
			     * client listens only once it has sent connection_init */

static void log_frame(struct conn *c, const char *kind, const char *p, size_t n, int status)
{
	struct sd_reqlog_entry x = {
		.t_ms = sd_srv_now_ms(c->s), .kind = kind, .status = status, .conn = c->id};

	if (c->s->o->admin)
		sd_reqlog_add(&c->s->log, &x, p, n);
}

static void send_frame(struct conn *c, const char *p, size_t n)
{
	if (c->s->ws.mute || c->kill || sd_wss_closing(c->ws))
		return;
	if (!sd_wss_text(c->ws, p, n)) {
		sd_srv_kill(c, false);
		return;
	}
	log_frame(c, "ws-out", p, n, 0);
	sd_srv_touch(c);
}

/* {"type":TYPE,"id":ID,"payload":PAYLOAD}; id and payload may be NULL. */
static void send_message(struct conn *c, const char *type, const char *id, const char *payload)
{
	struct sd_buf *b = &c->s->scratch;

	sd_buf_reset(b);
	sd_buf_fmt(b, "{\"type\":\"%s\"", type);
	if (id) {
		sd_buf_str(b, ",\"id\":");
		sd_json_quote(b, id, strlen(id));
	}
	if (payload) {
		sd_buf_str(b, ",\"payload\":");
		sd_buf_str(b, payload);
	}
	if (sd_buf_ch(b, '}'))
		send_frame(c, sd_buf_text(b), b->len);
}

void sd_srv_send_error(struct conn *c, const char *frame, const char *id, const char *type,
	const char *message, int code)
{
	struct sd_buf p = SD_BUF_INIT;

	sd_buf_fmt(&p, "{\"errors\":[{\"errorType\":\"%s\",\"message\":", type);
	sd_json_quote(&p, message, strlen(message));
	if (code)
		sd_buf_fmt(&p, ",\"errorCode\":%d", code);
	if (sd_buf_str(&p, "}]}"))
		send_message(c, frame, id, sd_buf_text(&p));
	sd_buf_release(&p);
}

/* ---- messages ---- */

static void on_init(struct conn *c)
{
	struct server *s = c->s;
	int64_t timeout = s->o->connection_timeout_ms > 0 ? s->o->connection_timeout_ms : 300000;
	char payload[64];

	if (s->ws.ignore_init || c->rt.acked)
		return;
	c->rt.acked = true;
	c->rt.init_by = 0;
	snprintf(payload, sizeof payload, "{\"connectionTimeoutMs\":%lld}", (long long)timeout);
	send_message(c, "connection_ack", NULL, payload);
	send_message(c, "ka", NULL, NULL);
	c->rt.next_ka = sd_mono_ms() + (s->o->keep_alive_ms > 0 ? s->o->keep_alive_ms : 60000);
	sd_srv_set_timer(c);
}

/* A start error on order.  An object with "errors" is the payload itself; another object is one
 * error; text is an errorType.  true: the start is answered. */
static bool ordered_error(struct conn *c, const char *id)
{
	struct cJSON *list = c->s->ws.start_errors, *first = sd_json_child(list), *o;
	const char *type = sd_json_str(first);
	struct sd_buf p = SD_BUF_INIT;
	bool none = sd_json_is_null(first);

	if (!first)
		return false;
	if (type) {
		sd_srv_send_error(c, "error", id, type, "A fault on order.", 0);
	} else if (!none) {
		bool whole = sd_json_get(first, "errors") != NULL;
		sd_buf_str(&p, whole ? "" : "{\"errors\":[");
		sd_json_print(first, &p);
		if (sd_buf_str(&p, whole ? "" : "]}"))
			send_message(c, "error", id, sd_buf_text(&p));
		sd_buf_release(&p);
	}
	o = sd_json_array(); /* the rest stays */
	for (const struct cJSON *x = sd_json_next(first); x; x = sd_json_next(x))
		sd_json_push(o, sd_json_dup(x));
	sd_json_free(list);
	c->s->ws.start_errors = o;
	return !none;
}

/* The start message is looked at again when its time has come. */
static void put_off(struct conn *c, const struct cJSON *m, int64_t ms)
{
	struct delayed *d = calloc(1, sizeof *d), **end = &c->rt.delayed;

	if (!d)
		return;
	d->at = sd_mono_ms() + ms;
	d->message = sd_json_dup(m);
	while (*end)
		end = &(*end)->next;
	*end = d;
	sd_srv_set_timer(c);
}

/* Faults that name subscriptions.  true: the start is answered (or never will be).  *silent: it is
 * carried out without an answer. */
static bool faulted(
	struct conn *c, const struct cJSON *m, const char *id, const char *data, bool *silent)
{
	struct cJSON *names = sd_json_array();
	const char *kind = NULL, *type, *message, *body;
	struct sd_fault f;
	bool hit = sd_sbx_roots(c->s->sbx, data, strlen(data), &kind, names) &&
		   sd_faults_take(&c->s->faults, "subscription", names, &f);

	sd_json_free(names);
	if (!hit)
		return false;
	type = sd_json_get_str(f.params, "errorType");
	message = sd_json_get_str(f.params, "message");
	body = sd_json_get_str(f.params, "body");
	*silent = f.kind == SD_FAULT_LOST_RESPONSE;
	if (f.kind == SD_FAULT_GRAPHQL_ERROR || f.kind == SD_FAULT_STATUS)
		sd_srv_send_error(c, "error", id, type ? type : "InternalFailure",
			message ? message : "A fault on order.",
			f.kind == SD_FAULT_STATUS ? f.status : 0);
	else if (f.kind == SD_FAULT_DELAY)
		put_off(c, m, f.ms);
	else if (f.kind == SD_FAULT_GARBAGE)
		send_frame(c, body ? body : "not json", strlen(body ? body : "not json"));
	else if (f.kind == SD_FAULT_RESET || f.kind == SD_FAULT_TRUNCATE)
		sd_srv_kill(c, f.kind == SD_FAULT_RESET);
	sd_fault_release(&f);
	return !*silent;
}

static void subscribe(
	struct conn *c, const char *id, const char *data, const struct identity *who, bool silent)
{
	char *error = NULL;

	sd_sbx_subscribe(
		c->s->sbx, c->id, id, data, strlen(data), &who->who, sd_srv_now_ms(c->s), &error);
	if (!silent)
		send_message(c, error ? "error" : "start_ack", id, error);
	if (!error)
		sd_srv_life_add(c, id, who->claims);
	free(error);
}

/* again: the message was put off by a fault, which does not strike twice. */
static void on_start(struct conn *c, const struct cJSON *m, bool again)
{
	const char *id = sd_json_get_str(m, "id");
	const char *data = sd_json_str(sd_json_path(m, "payload", "data", NULL));
	const struct denial *no;
	struct identity who;
	bool silent = false;

	if (!id || !*id || !data) {
		sd_srv_send_error(c, "error", id, "BadRequestException",
			"A start message needs \"id\" and \"payload.data\", both text.", 400);
		return;
	}
	if (!again && !sd_srv_may_start(c)) { /* without an id, as the service does it */
		sd_srv_send_error(c, "error", NULL, "LimitExceededError", "Rate limit exceeded", 0);
		return;
	}
	no = sd_srv_identify_start(
		c->s, sd_json_path(m, "payload", "extensions", "authorization", NULL), data, &who);
	if (no)
		sd_srv_send_error(c, "error", id, no->type, no->message, no->status);
	else if (again || (!c->s->ws.no_ack && !ordered_error(c, id) &&
				  !(c->s->faults.count && faulted(c, m, id, data, &silent))))
		subscribe(c, id, data, &who, silent);
	sd_srv_identity_release(&who);
}

static void run_delayed(struct conn *c, int64_t mono_ms)
{
	struct delayed *d = c->rt.delayed;

	if (!d || d->at > mono_ms)
		return;
	c->rt.delayed = d->next;
	on_start(c, d->message, true);
	sd_json_free(d->message);
	free(d);
}

static void on_stop(struct conn *c, const struct cJSON *m)
{
	const char *id = sd_json_get_str(m, "id");

	if (id && sd_sbx_unsubscribe(c->s->sbx, c->id, id)) {
		sd_srv_life_drop(c, id);
		send_message(c, "complete", id, NULL);
	} else
		sd_srv_send_error(c, "error", id, "UnknownOperationError",
			"There is no subscription with this id.", 0);
}

static void fail_now(struct conn *c)
{
	int code = c->rt.failure_code;

	send_frame(c, c->rt.failure, strlen(c->rt.failure));
	free(c->rt.failure);
	c->rt.failure = NULL;
	c->rt.init_by = 0;
	sd_wss_close(c->ws, code, NULL);
	c->rt.end_by = sd_mono_ms() + 2000; /* a client that never answers the close */
	sd_srv_set_timer(c);
	sd_srv_touch(c);
}

static void on_text(void *ctx, const char *p, size_t n)
{
	struct conn *c = ctx;
	struct cJSON *m = NULL;
	const char *type;

	log_frame(c, "ws-in", p, n, 0);
	if (c->rt.failure) {
		fail_now(c);
		return;
	}
	if (sd_json_parse(p, n, "message", &m, NULL) != SD_OK)
		m = NULL;
	type = sd_json_get_str(m, "type");
	if (sd_str_eq(type, "connection_init"))
		on_init(c);
	else if (!c->rt.acked)
		; /* before the ack everything else is ignored (server.md 5.4, W07) */
	else if (sd_str_eq(type, "start"))
		on_start(c, m, false);
	else if (sd_str_eq(type, "stop"))
		on_stop(c, m);
	else
		sd_srv_send_error(c, "error", sd_json_get_str(m, "id"), "UnsupportedOperation",
			"The message is not a JSON object of a known type.", 400);
	sd_json_free(m);
}

void sd_srv_deliver(void *server, uint64_t conn, const char *sub_id, const char *payload)
{
	struct server *s = server;
	struct conn *c = sd_srv_conn(s, conn);
	size_t n = strlen(payload);

	if (!c || !c->ws)
		return;
	if (n > EVENT_MAX) { /* silently for the client, as the real service does */
		sd_log(SD_LOG_WARN, "sandbox", "event of %zu bytes dropped (over 240 KB)", n);
		return;
	}
	send_message(c, "data", sub_id, payload);
	if (s->ws.dup_data)
		send_message(c, "data", sub_id, payload);
}

/* ---- deadlines ---- */

int64_t sd_srv_realtime_deadline(const struct conn *c)
{
	const int64_t at[] = {
		c->rt.init_by, c->rt.next_ka, c->rt.end_by, c->rt.delayed ? c->rt.delayed->at : 0};
	int64_t first = sd_srv_life_deadline(c);

	for (size_t i = 0; i < sizeof at / sizeof *at; i++)
		if (at[i] && at[i] < first)
			first = at[i];
	return first;
}

void sd_srv_realtime_due(struct conn *c, int64_t mono_ms)
{
	if (c->rt.end_by && mono_ms >= c->rt.end_by) {
		c->rt.end_by = mono_ms + 2000;
		if (sd_wss_closing(c->ws))
			sd_srv_kill(c, false);
		else
			sd_wss_close(c->ws, 1001, "The connection reached its age limit.");
	} else if (c->rt.failure && mono_ms >= c->rt.init_by) {
		fail_now(c);
	} else if (c->rt.init_by && mono_ms >= c->rt.init_by) {
		c->rt.init_by = 0;
		c->rt.end_by = mono_ms + 2000;
		sd_wss_close(c->ws, 1008, "No connection_init came.");
	} else if (c->rt.next_ka && mono_ms >= c->rt.next_ka) {
		c->rt.next_ka =
			mono_ms + (c->s->o->keep_alive_ms > 0 ? c->s->o->keep_alive_ms : 60000);
		send_message(c, "ka", NULL, NULL);
	}
	run_delayed(c, mono_ms);
	if (c->rt.lives)
		sd_srv_life_due(c, sd_srv_now_ms(c->s));
}

void sd_srv_realtime_closed(struct conn *c)
{
	log_frame(c, "ws-close", NULL, 0, sd_wss_peer_code(c->ws));
	sd_sbx_drop_connection(c->s->sbx, c->id);
	sd_srv_life_free(c);
	while (c->rt.delayed) {
		struct delayed *d = c->rt.delayed;
		c->rt.delayed = d->next;
		sd_json_free(d->message);
		free(d);
	}
	c->s->realtime_count--;
}

/* ---- the upgrade ---- */

static const char *failure_json(const char *type, const char *message, int code)
{
	static char text[512];

	snprintf(text, sizeof text,
		"{\"type\":\"connection_error\",\"payload\":{\"errors\":[{\"errorType\":\"%s\","
		"\"message\":\"%s\",\"errorCode\":%d}]}}",
		type, message, code);
	return text;
}

/* The GraphQL host is this server, whatever it is called from where the client stands. */
static bool same_host(const struct sd_hs *h, const char *host)
{
	const char *called = sd_hs_header(h, "host");
	size_t n = called ? strcspn(called, ":") : 0;

	return called && (strcasecmp(called, host) == 0 ||
				 (strlen(host) == n && strncasecmp(called, host, n) == 0));
}

/* The connection_error frame for the credentials; NULL when they are good. */
static const char *check_credentials(struct conn *c, const struct sd_wss_offer *offer, int *code)
{
	const struct sd_hs *h = &c->http;
	struct identity who = {0};
	bool plain, bad;
	struct cJSON *header;
	const struct denial *no;

	*code = 1008;
	if (!offer->graphql_ws) {
		*code = 1002;
		return failure_json("SubProtocolNotSupportedError",
			"The subprotocol graphql-ws is needed.", 400);
	}
	header = sd_wss_header(h, offer, &plain, &bad);
	if (bad) {
		sd_json_free(header);
		return failure_json(
			"BadRequestException", "The header object is missing or malformed.", 400);
	}
	if (!plain && c->s->set.strict_host && !same_host(h, sd_json_get_str(header, "host"))) {
		sd_json_free(header);
		return failure_json("BadRequestException",
			"The host of the header object is not the one of the API.", 400);
	}
	no = sd_srv_identify_connect(c, plain ? NULL : header, &who);
	sd_srv_identity_release(&who);
	sd_json_free(header);
	return no ? failure_json(no->type, no->message, no->status) : NULL;
}

static void refuse_upgrade(struct conn *c, int status, const char *why)
{
	c->http.keep_alive = false;
	c->drain = true;
	sd_srv_log_request(c);
	sd_srv_reply_error(c, status, "BadRequestException", why);
}

void sd_srv_upgrade(struct conn *c)
{
	static const struct sd_wss_events EVENTS = {.text = on_text};
	struct sd_wss_offer offer;
	int status, code;
	const char *why = sd_wss_check(&c->http, &status), *failure;
	int64_t now = sd_mono_ms();

	c->delay_ms = 0;
	if (why || c->s->ws.refuse) {
		refuse_upgrade(c, why ? status : c->s->ws.refuse, why ? why : "A fault on order.");
		return;
	}
	sd_wss_offered(&c->http, &offer);
	failure = check_credentials(c, &offer, &code);
	c->ws = sd_wss_new(&c->out, &EVENTS, c);
	if (!c->ws || !sd_wss_accept(&c->out, sd_hs_header(&c->http, "sec-websocket-key"),
			      offer.graphql_ws ? "graphql-ws" : NULL)) {
		sd_wss_free(c->ws);
		c->ws = NULL;
		sd_srv_kill(c, false);
		return;
	}
	c->s->realtime_count++;
	sd_srv_log_request(c);
	c->rt.failure = failure ? strdup(failure) : NULL;
	c->rt.failure_code = code;
	c->rt.init_by = now + (failure ? LATE_FAILURE_MS : c->s->set.init_timeout_ms);
	c->rt.end_by = now + c->s->set.ws_lifetime_ms;
	sd_hs_reset(&c->http);
	sd_srv_set_timer(c);
}
