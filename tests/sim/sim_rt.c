/*
 * tests/sim/sim_rt.c - realtime: sockets, subscriptions, frames, and what happens to them; see
 * sim.h.  A frame may come late, twice, in another order, or not at all; a socket may be cut, or
 * say nothing any more without a word.
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

static struct sim_conn *conn_of(struct sim_client *c, uint64_t id)
{
	for (size_t i = 0; i < c->conn_count; i++)
		if (c->conns[i].id == id)
			return &c->conns[i];
	return NULL;
}

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
	struct sim_armed a = {.what = SIM_DO_COUNT}, junk;
	bool besides = true;
	int64_t in;

	if ((conn >> 32 & 0xffffff) != (s->client[client].life & 0xffffff))
		return;
	sim_armed_take(s, client, SIM_FRAME_LOST, SIM_FRAME_LATE, 0, &a);
	in = 4 + sim_delay(s, client);
	if (a.what != SIM_DO_COUNT) {
		sim_cover("fault", sim_do_name(a.what));
		sim_say(s, "  fault: %s, client %d", sim_do_name(a.what), client);
	}
	if (a.what == SIM_FRAME_LATE)
		in += (int64_t)(a.r % 20000);
	if (sim_armed_take(s, client, SIM_FRAME_JUNK, SIM_FRAME_JUNK, 0, &junk)) {
		char *text = sim_junk(sub_id, payload, junk.r, &besides);
		sim_cover("fault", sim_do_name(SIM_FRAME_JUNK));
		sim_say(s, "  fault: client %d gets the frame %s", client, text);
		frame(s, client, conn & 0xffffffff, in, text);
		free(text);
	}
	if (!besides)
		return;
	sd_buf_fmt(&b, "{\"type\":\"data\",\"id\":\"%s\",\"payload\":%s}", sub_id, payload);
	/* the service promises no delivery; what is lost for good shows at the next run */
	if (a.what != SIM_FRAME_LOST)
		frame(s, client, conn & 0xffffffff, in, sd_buf_text(&b));
	if (a.what == SIM_FRAME_TWICE)
		frame(s, client, conn & 0xffffffff, in + (int64_t)(a.r % 9000), sd_buf_text(&b));
	sd_buf_release(&b);
}

/* ---- breaking ---- */
/* Everything under way on it is lost; the server knows at once. */
static void forget(struct sim *s, int client, uint64_t conn)
{
	struct sim_client *c = &s->client[client];

	sd_sbx_drop_connection(s->sbx, wire_conn(s, client, conn));
	for (size_t i = c->conn_count; i-- > 0;)
		if (c->conns[i].id == conn)
			c->conns[i] = c->conns[--c->conn_count];
	for (size_t i = s->event_count; i-- > 0;) {
		const struct sim_event *v = &s->events[i];
		if (v->client == client && v->id == conn &&
			(v->kind == SIM_FRAME || v->kind == SIM_SUBSCRIBE ||
				v->kind == SIM_OPENED || v->kind == SIM_KA))
			sim_event_drop(s, i);
	}
}

void sim_cut(struct sim *s, int client, bool tell)
{
	struct sim_client *c = &s->client[client];

	if (!tell) { /* a cable in a cellar: nobody says so */
		for (size_t i = 0; i < c->conn_count; i++)
			sd_sbx_drop_connection(s->sbx, wire_conn(s, client, c->conns[i].id));
		sim_mute(s, client);
		return;
	}
	while (c->conn_count) {
		uint64_t conn = c->conns[0].id;
		forget(s, client, conn);
		sim_at(s, 1 + 20 * sim_delay(s, client), SIM_CLOSED, client)->id = conn;
	}
}

void sim_mute(struct sim *s, int client)
{
	sim_say(s, "client %d: its sockets say nothing any more", client);
	for (size_t i = 0; i < s->client[client].conn_count; i++)
		s->client[client].conns[i].muted = true;
}

/* ---- what an engine asks for ---- */
static void on_open(struct sim *s, int client, struct sd_action *a)
{
	struct sim_client *c = &s->client[client];
	struct sim_armed fault;
	struct sim_event *v;

	if (s->server_down || !c->link || c->conn_count == SIM_CONNS || c->expired ||
		sim_armed_take(s, client, SIM_OPEN_REFUSED, SIM_OPEN_REFUSED, 0, &fault)) {
		sim_cover("socket", s->server_down ? "no server"
				    : !c->link     ? "no network"
				    : c->expired   ? "401"
						   : "refused");
		if (!s->server_down && c->link && !c->expired)
			sim_cover("fault", sim_do_name(SIM_OPEN_REFUSED));
		v = sim_at(s, sim_delay(s, client), SIM_CLOSED, client);
		v->id = a->conn;
		v->status = c->expired ? 401 : 0;
		return;
	}
	c->conns[c->conn_count++] = (struct sim_conn){.id = a->conn};
	sim_at(s, sim_delay(s, client), SIM_OPENED, client)->id = a->conn;
}

static void on_send(struct sim *s, int client, struct sd_action *a)
{
	struct sim_conn *k = conn_of(&s->client[client], a->conn);
	char ack[120];

	if (!k || k->muted)
		return;
	if (strstr(a->text, "connection_init")) {
		snprintf(ack, sizeof ack,
			"{\"type\":\"connection_ack\",\"payload\":{\"connectionTimeoutMs\":%lld}}",
			(long long)s->w.rt_timeout_ms);
		frame(s, client, a->conn, 1, ack);
		sim_at(s, s->w.ka_ms, SIM_KA, client)->id = a->conn;
	} else if (strstr(a->text, "\"stop\"")) {
		struct cJSON *j = NULL;
		if (sd_json_parse(a->text, strlen(a->text), "frame", &j, NULL) == SD_OK &&
			sd_json_get_str(j, "id"))
			sd_sbx_unsubscribe(
				s->sbx, wire_conn(s, client, a->conn), sd_json_get_str(j, "id"));
		sd_json_free(j);
	}
}

void sim_rt_action(struct sim *s, int client, struct sd_action *a)
{
	struct sim_client *c = &s->client[client];
	struct sim_event *v;

	switch (a->kind) {
	case SD_ACT_RT_OPEN:
		on_open(s, client, a);
		break;
	case SD_ACT_RT_SEND:
		on_send(s, client, a);
		break;
	case SD_ACT_RT_START:
		if (!conn_of(c, a->conn))
			break;
		v = sim_at(s, 1 + sim_delay(s, client) / 4, SIM_SUBSCRIBE, client);
		v->id = a->conn;
		v->text = a->text;
		v->sub = a->sub_id;
		a->text = a->sub_id = NULL;
		break;
	case SD_ACT_RT_CLOSE:
		forget(s, client, a->conn);
		break;
	default:
		sim_wrong(s, "action", "client %d asks for what there is not here", client);
	}
}

/* ---- what happens ---- */
struct rt {
	const struct sim_event *v;
	int client;
};

static enum sd_err opened(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct rt *r = arg;

	return sd_engine_rt_opened(c->en, r->v->id, sim_clock(s, r->client), e);
}

static enum sd_err closed(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct rt *r = arg;

	return sd_engine_rt_closed(c->en, r->v->id, r->v->status ? 0 : 1006, r->v->status, "gone",
		sim_clock(s, r->client), e);
}

static enum sd_err text(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct rt *r = arg;

	return sd_engine_rt_text(
		c->en, r->v->id, r->v->text, strlen(r->v->text), sim_clock(s, r->client), e);
}

static const char *refusal(uint64_t r)
{
	static const char *const kinds[] = {
		"{\"errors\":[{\"errorType\":\"LimitExceededError\",\"message\":\"Rate limit "
		"exceeded\"}]}",
		"{\"errors\":[{\"errorType\":\"UnknownOperationError\",\"message\":\"unknown\"}]}",
		"{\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"Not Authorized to "
		"access\"}]}",
		"{\"errors\":[{\"errorType\":\"MaxSubscriptionsReachedError\",\"message\":\"Max "
		"number of 100 subscriptions reached\"}]}",
		"{\"errors\":[{\"message\":\"Filters combination exceed maximum limit\"}]}"};

	return kinds[r % (sizeof kinds / sizeof *kinds)];
}

static void subscribe(struct sim *s, struct sim_event *v)
{
	struct sim_client *c = &s->client[v->client];
	const struct sim_conn *k = conn_of(c, v->id);
	struct sd_buf b = SD_BUF_INIT;
	struct sim_armed fault;
	char *error = NULL;

	if (s->server_down || !c->link || !k || k->muted)
		return;
	if (sim_armed_take(s, v->client, SIM_SUB_REFUSED, SIM_SUB_REFUSED, 0, &fault)) {
		error = strdup(refusal(fault.r));
		sim_cover("fault", sim_do_name(SIM_SUB_REFUSED));
		sim_cover("refused",
			strstr(error, "errorType") ? strstr(error, "errorType") + 12 : "a filter");
	} else {
		struct sd_sbx_identity who = sim_who(s, v->client);
		sd_sbx_subscribe(s->sbx, wire_conn(s, v->client, v->id), v->sub, v->text,
			strlen(v->text), &who, s->now, &error);
	}
	if (!error && c->sub_count < sizeof c->subs / sizeof *c->subs) {
		c->subs[c->sub_count].conn = v->id;
		snprintf(c->subs[c->sub_count++].id, sizeof c->subs[0].id, "%s", v->sub);
	}
	if (error)
		sd_buf_fmt(&b, "{\"type\":\"error\",\"id\":\"%s\",\"payload\":%s}", v->sub, error);
	else
		sd_buf_fmt(&b, "{\"type\":\"start_ack\",\"id\":\"%s\"}", v->sub);
	if (!error && sim_armed_take(s, v->client, SIM_ACK_LOST, SIM_ACK_LOST, 0, &fault))
		sim_cover("fault", sim_do_name(SIM_ACK_LOST));
	else
		frame(s, v->client, v->id, 1, sd_buf_text(&b));
	sd_buf_release(&b);
	free(error);
}

void sim_end_subscription(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	const struct sim_conn *k;
	struct sd_buf b = SD_BUF_INIT;
	struct sim_sub u;
	uint32_t at;

	if (!c->sub_count)
		return;
	at = sim_below(s, (uint32_t)c->sub_count);
	u = c->subs[at];
	c->subs[at] = c->subs[--c->sub_count];
	k = conn_of(c, u.conn);
	if (!k || k->muted || !c->link || s->server_down)
		return;
	sim_say(s, "  server: ends a subscription of client %d", client);
	sim_cover("fault", sim_do_name(SIM_SUB_ENDED));
	sd_sbx_unsubscribe(s->sbx, wire_conn(s, client, u.conn), u.id);
	sd_buf_fmt(&b, "{\"type\":\"complete\",\"id\":\"%s\"}", u.id);
	frame(s, client, u.conn, 2, sd_buf_text(&b));
	sd_buf_release(&b);
}

static void keep_alive(struct sim *s, struct sim_event *v)
{
	struct rt r = {v, v->client};
	const struct sim_conn *k = conn_of(&s->client[v->client], v->id);

	if (!k)
		return;
	sim_at(s, s->w.ka_ms, SIM_KA, v->client)->id = v->id;
	if (k->muted || s->server_down || !s->client[v->client].link)
		return;
	v->text = strdup("{\"type\":\"ka\"}");
	sim_input(s, v->client, "frame", text, &r);
}

void sim_rt_event(struct sim *s, struct sim_event *v)
{
	struct rt r = {v, v->client};
	const struct sim_conn *k = conn_of(&s->client[v->client], v->id);

	switch (v->kind) {
	case SIM_OPENED:
		sim_input(s, v->client, "opened", opened, &r);
		break;
	case SIM_SUBSCRIBE:
		subscribe(s, v);
		break;
	case SIM_FRAME:
		if (k && !k->muted)
			sim_input(s, v->client, "frame", text, &r);
		break;
	case SIM_KA:
		keep_alive(s, v);
		break;
	case SIM_CLOSED:
		sim_input(s, v->client, "closed", closed, &r);
		break;
	default:
		break;
	}
}
