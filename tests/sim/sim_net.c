/*
 * tests/sim/sim_net.c - the network double, see sim.h.
 *
 * A mutation reaches the server once or never; what may be lost is the way there, the way back,
 * or both.  Realtime messages may come late, twice, in another order, or not at all.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Connection numbers of different processes must not meet at the server. */
static uint64_t wire_conn(const struct sim *s, int client, uint64_t conn)
{
	return (uint64_t)client << 56 | s->client[client].life << 32 | conn;
}

static int64_t delay(struct sim *s)
{
	return 2 + (sim_chance(s, 10) ? sim_below(s, 2000) : sim_below(s, 60));
}

static const struct sd_sbx_identity WHO = {.mode = SD_AUTH_API_KEY};

/* ---- HTTP ---- */
static void respond(struct sim *s, const struct sim_event *req, int64_t in_ms, int status,
	int transport, bool sent, const char *text)
{
	struct sim_event *v;
	uint64_t id = req->id, life = req->life;

	v = sim_at(s, in_ms, SIM_RESPONSE, req->client);
	v->id = id;
	v->life = life;
	v->status = status;
	v->transport = transport;
	v->sent = sent;
	v->text = text ? strdup(text) : NULL;
}

static void lost(struct sim *s, const struct sim_event *req, bool sent)
{
	s->faulted++;
	respond(s, req, delay(s), 0, 56, sent, NULL);
}

static bool is_mutation(const char *body)
{
	return strstr(body, "\"query\":\"mutation") != NULL;
}

/* Lets the server carry the request out; the answer is owned by the caller. */
static void execute(struct sim *s, const struct sim_event *v, struct sd_sbx_answer *out)
{
	int times = s->plant_double && is_mutation(v->text) && sim_chance(s, 10) ? 2 : 1;

	memset(out, 0, sizeof *out);
	sd_sbx_request(s->sbx, v->text, strlen(v->text), &WHO, s->now, out);
	if (is_mutation(v->text))
		sim_record(s, sd_buf_text(&out->body));
	while (--times > 0) { /* the bug on purpose */
		struct sd_sbx_answer again;
		memset(&again, 0, sizeof again);
		sd_sbx_request(s->sbx, v->text, strlen(v->text), &WHO, s->now, &again);
		sim_record(s, sd_buf_text(&again.body));
		sd_sbx_answer_release(&again);
	}
}

static void on_request(struct sim *s, struct sim_event *v)
{
	struct sd_sbx_answer a;
	uint32_t luck = s->faults ? sim_below(s, 100) : 99;

	s->requests++;
	if (s->server_down) {
		respond(s, v, delay(s), 0, 7, false, NULL);
		return;
	}
	if (luck < 4) { /* lost on the way there */
		lost(s, v, true);
		return;
	}
	if (luck < 7) {
		s->faulted++;
		respond(s, v, delay(s), luck == 4 ? 429 : 503, 0, true, "<html>busy</html>");
		return;
	}
	execute(s, v, &a);
	sim_say(s, "  server: client %d #%llu: %.1500s", v->client, (unsigned long long)v->id,
		is_mutation(v->text) ? sd_buf_text(&a.body) : "(query)");
	if (luck < 12) { /* lost on the way back */
		lost(s, v, true);
	} else if (luck < 15) {
		s->faulted++;
		if (luck == 12 && a.body.len > 20)
			a.body.data[a.body.len / 2] = '\0';
		respond(s, v, delay(s), luck == 12 ? 200 : 502, 0, true,
			luck == 12 ? sd_buf_text(&a.body) : "Bad gateway");
	} else {
		respond(s, v, delay(s), a.status, 0, true, sd_buf_text(&a.body));
	}
	sd_sbx_answer_release(&a);
}

static enum sd_err http(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct sim_event *v = arg;
	struct sd_http_result r = {.id = v->id,
		.transport = v->transport,
		.sent = v->sent,
		.failure = v->transport ? "the connection was lost" : NULL,
		.status = v->status,
		.retry_after_ms = -1,
		.body = v->text,
		.body_len = v->text ? strlen(v->text) : 0};

	return sd_engine_http(c->en, &r, s->now, e);
}

/* What the client gives up may still be carried out. */
static void cancel(struct sim *s, int client, uint64_t id)
{
	for (size_t i = s->event_count; i-- > 0;) {
		struct sim_event v = s->events[i];
		if (v.client != client || v.life != s->client[client].life || v.id != id ||
			(v.kind != SIM_REQUEST && v.kind != SIM_RESPONSE))
			continue;
		s->events[i] = s->events[--s->event_count];
		if (v.kind == SIM_REQUEST && !s->server_down && sim_chance(s, 50)) {
			struct sd_sbx_answer a;
			execute(s, &v, &a);
			sim_say(s, "  server, unheard: client %d #%llu: %.300s", client,
				(unsigned long long)id, sd_buf_text(&a.body));
			sd_sbx_answer_release(&a);
		}
		sim_event_release(&v);
		return;
	}
}

/* ---- realtime ---- */
static void frame(struct sim *s, int client, uint64_t conn, int64_t in_ms, const char *text)
{
	struct sim_event *v = sim_at(s, in_ms, SIM_FRAME, client);

	v->id = conn;
	v->text = strdup(text);
}

void sim_deliver(void *ctx, uint64_t conn, const char *sub_id, const char *payload)
{
	struct sim *s = ctx;
	int client = (int)(conn >> 56);
	struct sd_buf b = SD_BUF_INIT;
	int copies = 1;

	if ((conn >> 32 & 0xffffff) != (s->client[client].life & 0xffffff))
		return;
	if (s->faults && sim_chance(s, 2))
		copies = 0; /* the service promises no delivery */
	if (s->faults && sim_chance(s, 5))
		copies = 2;
	sd_buf_fmt(&b, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":%s}", sub_id, payload);
	while (copies-- > 0)
		frame(s, client, conn & 0xffffffff, 4 + delay(s), sd_buf_text(&b));
	sd_buf_release(&b);
}

static void subscribe(struct sim *s, struct sim_event *v)
{
	char *error = NULL;
	struct sd_buf b = SD_BUF_INIT;

	if (s->server_down || !s->client[v->client].link)
		return;
	sd_sbx_subscribe(s->sbx, wire_conn(s, v->client, v->id), v->sub, v->text, strlen(v->text),
		&WHO, s->now, &error);
	if (error)
		sd_buf_fmt(&b, "{\"type\":\"error\",\"id\":\"%s\",\"payload\":%s}", v->sub, error);
	else
		sd_buf_fmt(&b, "{\"type\":\"start_ack\",\"id\":\"%s\"}", v->sub);
	frame(s, v->client, v->id, 1, sd_buf_text(&b));
	sd_buf_release(&b);
	free(error);
}

static enum sd_err opened(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_rt_opened(c->en, *(uint64_t *)arg, s->now, e);
}

static enum sd_err closed(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_rt_closed(c->en, *(uint64_t *)arg, 1006, 0, "gone", s->now, e);
}

static enum sd_err text(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct sim_event *v = arg;

	return sd_engine_rt_text(c->en, v->id, v->text, strlen(v->text), s->now, e);
}

static bool has_conn(const struct sim_client *c, uint64_t conn)
{
	for (size_t i = 0; i < c->conn_count; i++)
		if (c->conns[i] == conn)
			return true;
	return false;
}

static void forget_conn(struct sim *s, int client, uint64_t conn)
{
	struct sim_client *c = &s->client[client];

	sd_sbx_drop_connection(s->sbx, wire_conn(s, client, conn));
	for (size_t i = c->conn_count; i-- > 0;)
		if (c->conns[i] == conn)
			c->conns[i] = c->conns[--c->conn_count];
	for (size_t i = s->event_count; i-- > 0;) {
		struct sim_event *v = &s->events[i];
		if (v->client != client || v->id != conn ||
			(v->kind != SIM_FRAME && v->kind != SIM_SUBSCRIBE && v->kind != SIM_OPENED))
			continue;
		sim_event_release(v);
		*v = s->events[--s->event_count];
	}
}

/* The connections of a client break; what was on its way is lost. */
void sim_cut_realtime(struct sim *s, int client, bool tell)
{
	struct sim_client *c = &s->client[client];

	while (c->conn_count) {
		uint64_t conn = c->conns[0];
		forget_conn(s, client, conn);
		if (tell)
			sim_at(s, 1 + sim_below(s, 3000), SIM_CLOSED, client)->id = conn;
	}
}

void sim_unplug(struct sim *s, int client)
{
	sim_cut_realtime(s, client, true);
	for (size_t i = s->event_count; i-- > 0;) {
		struct sim_event v = s->events[i];
		if (v.client != client || (v.kind != SIM_REQUEST && v.kind != SIM_RESPONSE))
			continue;
		s->events[i] = s->events[--s->event_count];
		if (v.kind == SIM_REQUEST && !s->server_down && sim_chance(s, 50)) {
			struct sd_sbx_answer a;
			execute(s, &v, &a);
			sd_sbx_answer_release(&a);
		}
		lost(s, &v, true);
		sim_event_release(&v);
	}
}

/* ---- what an engine asks for ---- */
static void on_http(struct sim *s, int client, struct sd_action *a)
{
	struct sim_event *v;

	if (!s->client[client].link) {
		v = sim_at(s, 1, SIM_RESPONSE, client);
		v->transport = 6;
	} else {
		v = sim_at(s, delay(s), SIM_REQUEST, client);
		v->text = a->text;
		a->text = NULL;
	}
	v->id = a->id;
	if (v->text && is_mutation(v->text))
		sim_say(s, "client %d #%llu: %s", client, (unsigned long long)a->id,
			strstr(v->text, "\"variables\""));
}

static void on_open(struct sim *s, int client, struct sd_action *a)
{
	struct sim_client *c = &s->client[client];

	if (s->server_down || !c->link || c->conn_count == 16 || (s->faults && sim_chance(s, 10))) {
		sim_at(s, delay(s), SIM_CLOSED, client)->id = a->conn;
		return;
	}
	c->conns[c->conn_count++] = a->conn;
	sim_at(s, delay(s), SIM_OPENED, client)->id = a->conn;
}

void sim_action(struct sim *s, int client, struct sd_action *a)
{
	struct sim_client *c = &s->client[client];
	struct sim_event *v;

	switch (a->kind) {
	case SD_ACT_HTTP:
		on_http(s, client, a);
		break;
	case SD_ACT_HTTP_CANCEL:
		cancel(s, client, a->id);
		break;
	case SD_ACT_RT_OPEN:
		on_open(s, client, a);
		break;
	case SD_ACT_RT_SEND:
		if (has_conn(c, a->conn) && strstr(a->text, "connection_init"))
			frame(s, client, a->conn, 1,
				"{\"type\":\"connection_ack\",\"payload\":{"
				"\"connectionTimeoutMs\":86400000}}");
		break;
	case SD_ACT_RT_START:
		if (!has_conn(c, a->conn))
			break;
		v = sim_at(s, 1, SIM_SUBSCRIBE, client);
		v->id = a->conn;
		v->text = a->text;
		v->sub = a->sub_id;
		a->text = a->sub_id = NULL;
		break;
	case SD_ACT_RT_CLOSE:
		forget_conn(s, client, a->conn);
		break;
	case SD_ACT_EVENT:
		sim_say(s, "client %d: %.400s", client, a->text);
		if (strstr(a->text, "\"event\":\"ready\""))
			c->ready = true;
		if (strstr(a->text, "\"event\":\"conflict\""))
			s->conflicts++;
		break;
	case SD_ACT_REFRESH:
	case SD_ACT_COMMAND:
		sim_wrong(s, "client %d asks for what there is not here", client);
	}
}

void sim_net_event(struct sim *s, struct sim_event *v)
{
	if (v->kind == SIM_REQUEST) {
		on_request(s, v); /* the sender may have died meanwhile */
		return;
	}
	if (v->life != s->client[v->client].life)
		return;
	switch (v->kind) {
	case SIM_RESPONSE:
		sim_input(s, v->client, "answer", http, v);
		break;
	case SIM_OPENED:
		sim_input(s, v->client, "opened", opened, &v->id);
		break;
	case SIM_SUBSCRIBE:
		subscribe(s, v);
		break;
	case SIM_FRAME:
		sim_input(s, v->client, "frame", text, v);
		break;
	case SIM_CLOSED:
		sim_input(s, v->client, "closed", closed, &v->id);
		break;
	default:
		break;
	}
}
