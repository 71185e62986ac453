/*
 * tests/sim/sim_net.c - HTTP: requests, answers, and everything that can happen to them; see sim.h.
 *
 * A request reaches the server once or never; what may be lost, late or spoiled is the way there,
 * the way back, or both.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool sim_is_mutation(const char *body)
{
	return strstr(body, "\"query\":\"mutation") != NULL;
}

static bool is_sync(const char *body)
{
	return strstr(body, "$lastSync") != NULL;
}

/* The same for the same seed and the same number of messages before it. */
int64_t sim_delay(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	uint64_t what[3] = {s->plan->seed, (uint64_t)client, ++c->messages}, h;

	h = sd_hash(what, sizeof what);
	return 2 + (int64_t)(h % 100 < 7 ? (h >> 8) % 1500 : (h >> 8) % 50);
}

/* ---- faults waiting ---- */
void sim_arm(struct sim *s, int client, enum sim_do what, uint64_t r)
{
	struct sim_client *c = &s->client[client];

	if ((what == SIM_SOCK_CUT || what == SIM_SOCK_MUTE) && c->conn_count)
		sim_cover("fault", sim_do_name(what));
	if (what == SIM_SOCK_CUT) {
		sim_cut(s, client, r % 4 != 0);
	} else if (what == SIM_SOCK_MUTE) {
		sim_mute(s, client);
	} else if (c->armed_count < sizeof c->armed / sizeof *c->armed) {
		c->armed[c->armed_count++] = (struct sim_armed){what, r};
	}
}

bool sim_armed_take(struct sim *s, int client, enum sim_do from, enum sim_do to, int only,
	struct sim_armed *out)
{
	struct sim_client *c = &s->client[client];

	for (size_t i = 0; i < c->armed_count; i++) {
		const struct sim_armed *a = &c->armed[i];
		/* a third of them waits for a mutation, a third for a query */
		if (a->what < from || a->what > to ||
			(only && a->r % 3 && (int)(a->r % 3) != only) ||
			(a->what == SIM_PARTIAL && only != 3))
			continue;
		*out = *a;
		memmove(&c->armed[i], &c->armed[i + 1], (--c->armed_count - i) * sizeof *c->armed);
		return true;
	}
	return false;
}

/* ---- answers ---- */
static void respond(struct sim *s, const struct sim_event *req, int64_t in_ms, int status,
	int transport, bool sent, const char *text)
{
	struct sim_event *v;
	uint64_t id = req->id, life = req->life;
	int64_t until = req->until;
	bool late = s->now + in_ms > until;

	if (req->ok)
		return; /* it was given up long ago */
	v = sim_at(s, late ? until - s->now : in_ms, SIM_RESPONSE, req->client);
	v->id = id;
	v->life = life;
	v->status = late ? 0 : status;
	v->transport = late ? 28 : transport;
	v->sent = late || sent;
	v->text = text && !late ? strdup(text) : NULL;
}

static void lost(struct sim *s, const struct sim_event *req, bool sent)
{
	respond(s, req, sim_delay(s, req->client), 0, 56, sent, NULL);
}

static void refuse(struct sim *s, const struct sim_event *v, uint64_t r)
{
	static const struct {
		int status;
		const char *body;
	} kinds[] = {{429, "{\"message\":\"Too Many Requests\"}"},
		{500, "{\"errors\":[{\"errorType\":\"InternalFailure\"}]}"},
		{502, "<html>Bad Gateway</html>"}, {503, "Service Unavailable"},
		{504, "{\"message\":\"Endpoint request timed out\"}"},
		{403, "<html>proxy: not allowed</html>"}, {302, ""}, {408, ""},
		{413, "{\"message\":\"Request Entity Too Large\"}"}, {200, ""}, {200, "{\"data\":"},
		{200, "{\"what\":1}"}};
	size_t i = r % (sizeof kinds / sizeof *kinds);
	char text[32];

	if (v->ok)
		return; /* it was given up long ago */
	snprintf(text, sizeof text, "%d %.20s", kinds[i].status, kinds[i].body);
	sim_cover("HTTP", text);
	respond(s, v, sim_delay(s, v->client), kinds[i].status, 0, true, kinds[i].body);
	s->events[s->event_count - 1].retry_after_ms =
		kinds[i].status == 429 || r % 5 == 0 ? (int64_t)(r / 7 % 9000) : -1;
}

static void graphql_error(struct sim *s, const struct sim_event *v, uint64_t r)
{
	static const char *const types[] = {"ThrottlingException", "LimitExceededException",
		"InternalFailure", "ExecutionTimeout", "TransactionConflictException",
		"ServiceUnavailable", "Unauthorized", "SomethingNew"};
	const char *type = types[r % (sizeof types / sizeof *types)];
	struct sd_buf b = SD_BUF_INIT;

	sim_cover("GraphQL", type);
	sd_buf_fmt(&b,
		"{\"data\":null,\"errors\":[{\"errorType\":\"%s\",\"message\":\"%s, in the "
		"simulation\"}]}",
		type, type);
	respond(s, v, sim_delay(s, v->client), 200, 0, true, sd_buf_text(&b));
	sd_buf_release(&b);
}

/* It was carried out, and something in the record could not be shown: null for all of it. */
static void inside(struct sim *s, const struct sim_event *v, const char *body, uint64_t r)
{
	static const char *const types[] = {
		NULL, "Unauthorized", "InternalFailure", "SomethingNew"};
	struct cJSON *j = NULL, *data, *errors = sd_json_array(), *path = sd_json_array();
	struct cJSON *err = sd_json_object();
	const struct cJSON *one;
	const char *type = types[r % 4];
	char *text, name[80] = "";
	size_t n;

	if (sd_json_parse(body, strlen(body), "answer", &j, NULL) != SD_OK)
		j = NULL;
	data = sd_json_get(j, "data");
	n = sd_json_count(data);
	one = sd_json_child(data);
	for (size_t i = n ? r / 4 % n : 0; i > 0; i--)
		one = sd_json_next(one);
	if (sd_json_is_object(one)) {
		snprintf(name, sizeof name, "%s", sd_json_name(one));
		sd_json_push(path, sd_json_string(name));
		sd_json_push(path, sd_json_string("n"));
		if (type)
			sd_json_add_str(err, "errorType", type);
		sd_json_add_str(err, "message", "it could not be shown, in the simulation");
		sd_json_add(err, "path", path);
		sd_json_push(errors, err);
		sd_json_set(data, name, sd_json_null());
		sd_json_set(j, "errors", errors);
		path = err = errors = NULL;
	}
	text = sd_json_text(j);
	respond(s, v, sim_delay(s, v->client), 200, 0, true, text ? text : body);
	free(text);
	sd_json_free(path);
	sd_json_free(err);
	sd_json_free(errors);
	sd_json_free(j);
}

/* One row of a page could not be read. */
static void partial(struct sim *s, const struct sim_event *v, const char *body, uint64_t r)
{
	struct cJSON *j = NULL, *root, *items, *kept = sd_json_array(), *path, *err;
	size_t n, at, i = 0;
	char *text;

	if (sd_json_parse(body, strlen(body), "page", &j, NULL) != SD_OK)
		j = NULL;
	root = sd_json_child(sd_json_get(j, "data"));
	items = sd_json_get(root, "items");
	n = sd_json_count(items);
	if (n)
		sim_watch_hole(s, v->client, v->text);
	at = n ? r / 16 % n : 0;
	for (const struct cJSON *c = sd_json_child(items); c; c = sd_json_next(c), i++)
		sd_json_push(kept, i == at ? sd_json_null() : sd_json_dup(c));
	if (n) {
		path = sd_json_array();
		err = sd_json_object();
		sd_json_push(path, sd_json_string(sd_json_name(root)));
		sd_json_push(path, sd_json_string("items"));
		sd_json_push(path, sd_json_int((int64_t)at));
		sd_json_push(path, sd_json_string("n"));
		sd_json_add_str(err, "message", "Cannot return null for non-nullable type");
		sd_json_add(err, "path", path);
		sd_json_set(root, "items", kept);
		kept = sd_json_array();
		sd_json_push(kept, err);
		sd_json_set(j, "errors", kept);
		kept = NULL;
	}
	text = sd_json_text(j);
	respond(s, v, sim_delay(s, v->client), 200, 0, true, text ? text : body);
	free(text);
	sd_json_free(kept);
	sd_json_free(j);
}

/* ---- at the server ---- */
static void answer(struct sim *s, struct sim_event *v)
{
	struct sd_sbx_answer a;
	uint64_t r = v->fault.r / 3;
	const char *body;
	char *other = NULL;
	size_t half;

	if (is_sync(v->text) && !v->ok && v->life == s->client[v->client].life)
		sim_watch_page(s, v->client, v->text);
	s->late = v->ok || (s->client[v->client].en && v->life != s->client[v->client].life);
	sim_server_execute(s, v->client, v->text, &a);
	s->late = false;
	body = sd_buf_text(&a.body);
	sim_say(s, "  server: client %d #%llu: %.1500s", v->client, (unsigned long long)v->id,
		sim_is_mutation(v->text) || strlen(body) < 400 ? body : "(query)");
	switch (v->fault.what) {
	case SIM_ANS_LOST:
		lost(s, v, true);
		break;
	case SIM_ANS_SLOW:
		respond(s, v, 1000 + (int64_t)(r % 44000), a.status, 0, true, body);
		break;
	case SIM_STATUS_AFTER:
		respond(s, v, sim_delay(s, v->client), 500 + (int)(r % 5 == 1 ? 0 : r % 5), 0, true,
			"<html>the gateway gave up</html>");
		break;
	case SIM_CUT:
		half = a.body.len ? r % a.body.len : 0;
		if (a.body.len)
			a.body.data[half] = '\0';
		respond(s, v, sim_delay(s, v->client), 200, 0, true, body);
		break;
	case SIM_PARTIAL:
		partial(s, v, body, r);
		break;
	case SIM_BAD_ROW:
		other = sim_wrong_types(s, v, body, r);
		respond(s, v, sim_delay(s, v->client), a.status, 0, true, other ? other : body);
		break;
	case SIM_GRAPHQL:
		inside(s, v, body, r / 3);
		break;
	default:
		other = is_sync(v->text) ? sim_poisoned_page(s, v, body) : NULL;
		respond(s, v, sim_delay(s, v->client), a.status, 0, true, other ? other : body);
	}
	free(other);
	sd_sbx_answer_release(&a);
}

void sim_on_request(struct sim *s, struct sim_event *v)
{
	uint64_t r = v->fault.r / 3;

	s->requests++;
	if (v->fault.what != SIM_DO_COUNT)
		sim_cover("fault", sim_do_name(v->fault.what));
	if (v->fault.what != SIM_DO_COUNT)
		sim_say(s, "  fault: %s for client %d #%llu", sim_do_name(v->fault.what), v->client,
			(unsigned long long)v->id);
	if (s->server_down) {
		respond(s, v, sim_delay(s, v->client), 0, 7, false, NULL);
		return;
	}
	if (s->client[v->client].expired && v->life == s->client[v->client].life) {
		sim_cover("HTTP", "401 of an expired session");
		respond(s, v, sim_delay(s, v->client), 401, 0, true,
			"{\"errors\":[{\"errorType\":\"UnauthorizedException\","
			"\"message\":\"Token has expired.\"}]}");
		return;
	}
	switch (v->fault.what) {
	case SIM_REQ_LOST:
		lost(s, v, true);
		break;
	case SIM_STATUS:
		refuse(s, v, r);
		break;
	case SIM_HTML:
		respond(s, v, sim_delay(s, v->client), 200, 0, true,
			"<!DOCTYPE html><html><body>Welcome to the airport</body></html>");
		break;
	case SIM_GRAPHQL:
		if (r % 3 == 0 && !is_sync(v->text))
			answer(s, v);
		else
			graphql_error(s, v, r / 3);
		break;
	default:
		answer(s, v);
	}
}

/* ---- at the client ---- */
struct got {
	const struct sim_event *v;
	int client;
};

static enum sd_err http(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct got *g = arg;
	const struct sim_event *v = g->v;
	struct sd_http_result r = {.id = v->id,
		.transport = v->transport,
		.sent = v->sent,
		.failure = v->transport ? "the connection was lost" : NULL,
		.status = v->status,
		.retry_after_ms = v->retry_after_ms,
		.date_ms = v->status ? s->now / 1000 * 1000 : 0,
		.body = v->text ? v->text : "",
		.body_len = v->text ? strlen(v->text) : 0};

	return sd_engine_http(c->en, &r, sim_clock(s, g->client), e);
}

static enum sd_err command(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	const struct got *g = arg;

	return sd_engine_command_done(c->en, g->v->id, g->v->text,
		g->v->text ? NULL : "it ended with 1", sim_clock(s, g->client), e);
}

void sim_on_response(struct sim *s, struct sim_event *v)
{
	struct got g = {v, v->client};

	if (v->kind == SIM_COMMAND) {
		sim_input(s, v->client, "command", command, &g);
		return;
	}
	if (s->trace && (v->status != 200 || v->transport))
		sim_say(s, "client %d #%llu: HTTP %d, transport %d", v->client,
			(unsigned long long)v->id, v->status, v->transport);
	sim_watch_answered(s, v->client, v->id);
	sim_input(s, v->client, "answer", http, &g);
}

/* What a client gives up may still be carried out. */
static void unheard(struct sim *s, const struct sim_event *v)
{
	struct sd_sbx_answer a;

	if (s->server_down || v->id % 2 || v->fault.what == SIM_REQ_LOST ||
		v->fault.what == SIM_STATUS || v->fault.what == SIM_HTML ||
		v->fault.what == SIM_GRAPHQL || s->client[v->client].expired)
		return;
	sim_server_execute(s, v->client, v->text, &a);
	sim_say(s, "  server, unheard: client %d #%llu: %.300s", v->client,
		(unsigned long long)v->id, sd_buf_text(&a.body));
	sd_sbx_answer_release(&a);
}

void sim_http_cancel(struct sim *s, int client, uint64_t id)
{
	sim_watch_answered(s, client, id);
	for (size_t i = s->event_count; i-- > 0;) {
		struct sim_event v = s->events[i];
		if (v.client != client || v.life != s->client[client].life || v.id != id ||
			(v.kind != SIM_REQUEST && v.kind != SIM_RESPONSE))
			continue;
		s->events[i] = s->events[--s->event_count];
		if (v.kind == SIM_REQUEST)
			unheard(s, &v);
		sim_event_release(&v);
	}
}

void sim_unplug(struct sim *s, int client)
{
	sim_cut(s, client, true);
	for (size_t i = s->event_count; i-- > 0;) {
		struct sim_event v = s->events[i];
		if (v.client != client || (v.kind != SIM_REQUEST && v.kind != SIM_RESPONSE))
			continue;
		s->events[i] = s->events[--s->event_count];
		if (v.kind == SIM_REQUEST)
			unheard(s, &v);
		lost(s, &v, true);
		sim_event_release(&v);
	}
}

void sim_http(struct sim *s, int client, struct sd_action *a)
{
	struct sim_event *v;
	struct sim_armed fault = {.what = SIM_DO_COUNT};
	int only = sim_is_mutation(a->text) ? 1 : is_sync(a->text) ? 3 : 2;
	int64_t in = 1, limit = a->timeout_ms ? a->timeout_ms : 30000;

	sim_watch_request(s, client, a->id, a->text);
	sim_say(s, "client %d #%llu: %s%s", client, (unsigned long long)a->id,
		only == 1 ? "" : "asks, ", strstr(a->text, "\"variables\""));
	if (!s->client[client].link) {
		v = sim_at(s, 1, SIM_RESPONSE, client);
		v->id = a->id;
		v->transport = 6;
		return;
	}
	if (only != 3 || !sim_armed_take(s, client, SIM_BAD_ROW, SIM_BAD_ROW, 0, &fault))
		sim_armed_take(s, client, SIM_REQ_LOST, SIM_PARTIAL, only, &fault);
	in = sim_delay(s, client);
	if (fault.what == SIM_REQ_SLOW)
		in += 500 + (int64_t)(fault.r / 3 % 44000);
	if (in >= limit) { /* it gives up before that */
		v = sim_at(s, limit, SIM_RESPONSE, client);
		v->id = a->id;
		v->transport = 28;
		v->sent = true;
	}
	v = sim_at(s, in, SIM_REQUEST, client);
	v->id = a->id;
	v->text = a->text;
	a->text = NULL;
	v->fault = fault;
	v->until = s->now + limit;
	v->ok = in >= limit;
}

/* ---- sessions ---- */
void sim_refresh(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	struct sim_event *v;
	int64_t in = sim_delay(s, client);

	if (c->refreshing)
		return;
	c->refreshing = true;
	v = sim_at(s, in, SIM_REFRESHED, client);
	v->ok = s->w.pool && (!s->faults || in % 5 != 0); /* a key cannot be renewed */
}

void sim_on_refreshed(struct sim *s, struct sim_event *v)
{
	struct sim_client *c = &s->client[v->client];

	c->refreshing = false;
	if (v->ok) {
		sim_signed_in(s, v->client, true);
		return;
	}
	/* a person signs in, or somebody makes the key valid again */
	sim_at(s, 3000 + sim_delay(s, v->client), SIM_REFRESHED, v->client)->ok = true;
	c->refreshing = true;
	sim_signed_in(s, v->client, false);
	if (!s->w.pool)
		c->session_over = false;
}
