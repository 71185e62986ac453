/*
 * tests/sim/sim_client.c - one client: it starts, gets its inputs, dies between any two actions, has
 * a clock of its own; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

int64_t sim_clock(const struct sim *s, int client)
{
	return s->now + s->client[client].skew_ms;
}

/* ---- death ---- */
void sim_die(struct sim *s, int client, bool power, int64_t back_ms)
{
	struct sim_client *c = &s->client[client];

	if (!c->en)
		return;
	sim_say(s, "client %d dies%s", client, power ? ", the power too" : "");
	sim_cover("death", power ? "with the machine" : "of the process");
	s->deaths++;
	c->die_in = -1;
	sim_unplug(s, client);
	sim_vfs_kill(c->dir, power);
	sd_engine_free(c->en);
	sd_store_close(c->store);
	sim_vfs_revive(c->dir);
	c->en = NULL;
	c->store = NULL;
	c->life++;
	c->refreshing = false;
	sd_json_free(c->in_flight);
	c->in_flight = sd_json_object();
	if (back_ms >= 0)
		sim_at(s, back_ms, SIM_BOOT, client);
}

void sim_close(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];

	sd_engine_free(c->en);
	sd_store_close(c->store);
	c->en = NULL;
	c->store = NULL;
}

/* One more thing was done: does it die here? */
static bool dies(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];

	if (c->die_in < 0 || c->die_in-- > 0)
		return false;
	sim_die(s, client, c->power, c->die_back_ms);
	return true;
}

/* ---- inputs ---- */
/* The command is the predicate it prints; it is out of order now and then. */
static char *expression_command(struct sim *s, int client, const char *text)
{
	if (s->faults && sim_delay(s, client) % 7 == 0)
		return NULL;
	return strdup(text);
}

static void carry_out(struct sim *s, int client, struct sd_action *a)
{
	struct sim_client *c = &s->client[client];

	switch (a->kind) {
	case SD_ACT_HTTP:
		sim_http(s, client, a);
		break;
	case SD_ACT_HTTP_CANCEL:
		sim_http_cancel(s, client, a->id);
		break;
	case SD_ACT_EVENT:
		sim_say(s, "client %d: %.400s", client, a->text);
		if (strstr(a->text, "\"event\":\"ready\""))
			c->ready = true;
		sim_watch_event(s, client, a->text);
		break;
	case SD_ACT_REFRESH:
		sim_refresh(s, client);
		break;
	case SD_ACT_COMMAND: {
		struct sim_event *v = sim_at(s, 5, SIM_COMMAND, client);
		v->id = a->id;
		v->text = a->input ? sim_policy_command(s, client, a->input)
				   : expression_command(s, client, a->text);
		break;
	}
	default:
		sim_rt_action(s, client, a);
	}
}

void sim_input(struct sim *s, int client, const char *what, sim_input_fn fn, void *arg)
{
	struct sim_client *c = &s->client[client];
	struct sd_error e = {.code = SD_OK};
	struct sd_action a;

	if (!c->en || s->why[0])
		return;
	if (sd_store_begin(c->store, &e) != SD_OK || fn(s, c, arg, &e) != SD_OK) {
		sim_wrong(s, "input", "client %d: %s: %s", client, what, e.text);
		return;
	}
	if (dies(s, client)) { /* nothing of it was committed */
		sim_cover("death", "before a commit");
		return;
	}
	if (sd_store_commit(c->store, &e) != SD_OK) {
		sim_wrong(s, "input", "client %d: commit: %s: %s", client, what, e.text);
		return;
	}
	sim_watch_store(s, client);
	while (!s->why[0] && !dies(s, client) && c->en && sd_engine_next(c->en, &a)) {
		carry_out(s, client, &a);
		sd_action_release(&a);
	}
	if (!s->why[0])
		sim_watch_told(s, client);
}

static enum sd_err tick(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_tick(c->en, sim_clock(s, *(int *)arg), e);
}

void sim_tick(struct sim *s, int client)
{
	sim_input(s, client, "tick", tick, &client);
}

static enum sd_err changed(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_store_changed(c->en, sim_clock(s, *(int *)arg), e);
}

void sim_store_changed(struct sim *s, int client)
{
	sim_watch_store(s, client);
	sim_input(s, client, "store changed", changed, &client);
}

struct on {
	int client;
	bool on;
};

static enum sd_err network(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	struct on *o = arg;

	return sd_engine_network(c->en, o->on, sim_clock(s, o->client), e);
}

void sim_network(struct sim *s, int client, bool on)
{
	struct on o = {client, on};

	s->client[client].switched_off = !on;
	sim_say(s, "client %d: network %s", client, on ? "on" : "off");
	sim_input(s, client, "network", network, &o);
}

static enum sd_err auth(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	struct on *o = arg;

	return sd_engine_auth(
		c->en, o->on, s->w.claims[s->client[o->client].user], sim_clock(s, o->client), e);
}

void sim_signed_in(struct sim *s, int client, bool in)
{
	struct on o = {client, in};

	s->client[client].expired = s->client[client].session_over = !in;
	sim_say(s, "client %d: signed %s", client, in ? "in" : "out");
	sim_input(s, client, "auth", auth, &o);
}

static enum sd_err start(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	int64_t now = sim_clock(s, *(int *)arg);
	enum sd_err rc = sd_engine_auth(c->en, !c->session_over, s->w.claims[c->user], now, e);

	if (rc == SD_OK && c->switched_off)
		rc = sd_engine_network(c->en, false, now, e);
	return rc == SD_OK ? sd_engine_start(c->en, now, e) : rc;
}

/* ---- starting ---- */
/* Settings by the models of the schema this process has. */
static void configure(struct sim *s, struct sim_client *c, const struct sd_schema *schema)
{
	struct sd_error e = {.code = SD_OK};

	c->set.models = c->models;
	memset(c->models, 0, sizeof c->models);
	for (size_t i = 0; i < schema->model_count; i++) {
		const struct sd_model *m = schema->models[i];
		size_t id = sim_model(s, m)->id;
		struct sd_pred *p = NULL;
		if (c->expr[id] && !m->join &&
			sd_pred_parse(schema, m, c->expr[id], &p, &e) != SD_OK)
			sim_wrong(s, "setup", "expression %s: %s", c->expr[id], e.text);
		sd_pred_free(c->pred[id]);
		c->pred[id] = p;
		c->models[i].policy = c->policy[id];
		c->models[i].policy_command = c->policy[id] == SD_POLICY_COMMAND ? "decide" : NULL;
		if (c->expr_command[id] && p)
			c->models[i].expression_command = c->expr[id];
		else
			c->models[i].expression = p;
	}
}

void sim_boot(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	const struct sd_schema *schema = s->w.schema[c->gen];
	struct sd_error e = {.code = SD_OK};
	struct sd_store_opts so = {
		.dir = c->dir, .schema = schema, .now_ms = sim_clock(s, client), .rand = &c->rand};
	struct sd_engine_opts eo = {.schema = schema,
		.settings = &c->set,
		.rand = &c->rand,
		.auth = s->w.who.mode,
		.modes = {s->w.who.mode},
		.mode_count = 1};

	if (c->en || s->why[0])
		return;
	sim_say(s, "client %d starts", client);
	configure(s, c, schema);
	if (sd_store_open(&so, &c->store, &e) != SD_OK) {
		sim_wrong(s, "open", "client %d: %s", client, e.text);
		return;
	}
	eo.store = c->store;
	if (sd_engine_new(&eo, &c->en, &e) != SD_OK) {
		sim_wrong(s, "open", "client %d: %s", client, e.text);
		return;
	}
	c->life++;
	c->ready = false;
	c->told_active = c->told_empty = -1;
	c->sub_count = 0;
	memset(c->run_from, 0, sizeof c->run_from);
	memset(c->synced, 0, sizeof c->synced);
	sim_watch_store(s, client);
	if (!c->stopped)
		sim_input(s, client, "start", start, &client);
}

/* ---- steps ---- */
static enum sd_err stop(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_stop(c->en, sim_clock(s, *(int *)arg), e);
}

static enum sd_err resync(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	int client = *(int *)arg;
	const struct sd_schema *schema = s->w.schema[c->gen];
	bool one = sim_chance(s, 50), full = sim_chance(s, 50);
	const struct sd_model *m =
		one ? schema->models[sim_below(s, (uint32_t)schema->model_count)] : NULL;

	return sd_engine_resync(c->en, m, full, sim_clock(s, client), e);
}

static void jump(struct sim *s, int client)
{
	static const int64_t far[] = {1500, 60000, 900000, 7200000, 90000000, 3000000000};
	struct sim_client *c = &s->client[client];
	int64_t by = far[sim_below(s, 6)] + sim_below(s, 1000);

	if (sim_chance(s, 50))
		by = -by;
	c->skew_ms += by;
	if (c->skew_ms < -40000000000 || c->skew_ms > 40000000000)
		c->skew_ms = 0;
	sim_cover("clock", by < 0          ? "back"
			   : by > 86400000 ? "forward, more than a day"
					   : "forward");
	sim_say(s, "client %d: its clock jumps by %lld s", client, (long long)by / 1000);
	sim_tick(s, client); /* the runtime notices a clock set back */
}

/* Ends in good order and comes back as something else. */
static void come_back(struct sim *s, int client, const struct sim_step *p)
{
	struct sim_client *c = &s->client[client];

	if (c->en)
		sim_unplug(s, client); /* what is on its way was sent by the older program */
	if (p->what == SIM_EXPRESSION) {
		static const char *const exprs[] = {NULL, NULL, "n < 500", "n >= 300",
			"not (n > 700)", "s1 beginsWith \"c1\"", "n between 100 and 800"};
		size_t id = sim_below(s, (uint32_t)s->w.schema[1]->model_count);
		const char *text = exprs[sim_below(s, sizeof exprs / sizeof *exprs)];
		free(c->expr[id]);
		c->expr[id] = text ? strdup(text) : NULL;
		c->expr_command[id] = sim_chance(s, 40);
		sim_say(s, "client %d: expression of %s: %s", client,
			s->w.schema[1]->models[id]->name, text ? text : "none");
	} else {
		sim_cover("step", c->gen ? "upgrade-schema, again" : "upgrade-schema, with more");
		c->gen = 1;
	}
	if (!c->en)
		return; /* when it starts */
	sim_close(s, client);
	c->life++;
	sd_json_free(c->in_flight);
	c->in_flight = sd_json_object();
	c->refreshing = false;
	sim_boot(s, client);
}

void sim_stop_start(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];

	c->stopped = !c->stopped;
	sim_say(s, "client %d: %s", client, c->stopped ? "stop" : "start");
	c->told_active = c->told_empty = -1;
	if (c->stopped)
		sim_input(s, client, "stop", stop, &client);
	else
		sim_input(s, client, "start", start, &client);
}

bool sim_client_step(struct sim *s, const struct sim_step *p)
{
	struct sim_client *c = &s->client[p->client];
	int client = p->client;
	int64_t back = 200 + sim_below(s, 6000);

	switch (p->what) {
	case SIM_DIE:
		c->power = sim_chance(s, 30);
		c->die_back_ms = back;
		c->die_in = (int)sim_below(s, 12);
		return true;
	case SIM_CABLE:
		c->link = false;
		sim_unplug(s, client);
		sim_at(s, back, SIM_PLUG, client);
		return true;
	case SIM_SWITCH:
		sim_network(s, client, false);
		sim_at(s, back, SIM_TURNED_ON, client);
		return true;
	case SIM_CLOCK:
		jump(s, client);
		return true;
	case SIM_RESYNC:
		sim_input(s, client, "sync", resync, &client);
		return true;
	case SIM_EXPRESSION:
	case SIM_UPGRADE:
		come_back(s, client, p);
		return true;
	case SIM_STOP:
		sim_stop_start(s, client);
		return true;
	case SIM_EXPIRE:
		sim_say(s, "client %d: its session ends", client);
		c->expired = true;
		return true;
	default:
		return false;
	}
}
