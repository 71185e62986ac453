/* tests/sim/sim.c - see sim.h. */
#include "tests/sim/sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/support.h"

static const char SCHEMA[] =
	"type Post @model { id: ID! title: String rating: Int tags: [String]\n"
	"  comments: [Comment] @hasMany }\n"
	"type Comment @model { id: ID! text: String post: Post @belongsTo }\n"
	"type Book @model { isbn: ID! @primaryKey(sortKeyFields: [\"year\"]) year: Int!\n"
	"  name: String stock: Int }\n";

void sim_wrong(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	sim_say(s, "WRONG: %s", s->why);
}

void sim_say(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	printf("%9.3f  ", (double)(s->now - 1700000000000) / 1000.0);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	putchar('\n');
}

uint32_t sim_below(struct sim *s, uint32_t n)
{
	return sd_rand_below(&s->rand, n);
}

bool sim_chance(struct sim *s, uint32_t percent)
{
	return sim_below(s, 100) < percent;
}

void sim_event_release(struct sim_event *v)
{
	free(v->text);
	free(v->sub);
}

/* The pointer is good until the next call. */
struct sim_event *sim_at(struct sim *s, int64_t in_ms, enum sim_kind kind, int client)
{
	struct sim_event *v;

	if (s->event_count == s->event_room) {
		s->event_room = s->event_room ? s->event_room * 2 : 64;
		s->events = realloc(s->events, s->event_room * sizeof *s->events);
		if (!s->events)
			abort();
	}
	v = &s->events[s->event_count++];
	memset(v, 0, sizeof *v);
	v->at = s->now + in_ms;
	v->order = ++s->order;
	v->kind = kind;
	v->client = client;
	v->life = client >= 0 ? s->client[client].life : 0;
	return v;
}

/* ---- clients ---- */
void sim_input(struct sim *s, int client, const char *what, sim_input_fn fn, void *arg)
{
	struct sim_client *c = &s->client[client];
	struct sd_error e = {.code = SD_OK};
	struct sd_action a;

	if (!c->en || s->why[0])
		return;
	if (sd_store_begin(c->store, &e) != SD_OK || fn(s, c, arg, &e) != SD_OK ||
		sd_store_commit(c->store, &e) != SD_OK) {
		sim_wrong(s, "client %d: %s: %s", client, what, e.text);
		return;
	}
	while (c->en && sd_engine_next(c->en, &a)) {
		sim_action(s, client, &a);
		sd_action_release(&a);
	}
}

static enum sd_err start(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	enum sd_err rc = sd_engine_auth(c->en, true, NULL, s->now, e);

	(void)arg;
	if (rc == SD_OK && c->switched_off)
		rc = sd_engine_network(c->en, false, s->now, e);
	return rc == SD_OK ? sd_engine_start(c->en, s->now, e) : rc;
}

void sim_boot(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	struct sd_error e = {.code = SD_OK};
	struct sd_store_opts so = {
		.dir = c->dir, .schema = s->schema, .now_ms = s->now, .rand = &c->rand};
	struct sd_engine_opts eo = {.schema = s->schema,
		.settings = &s->set,
		.rand = &c->rand,
		.auth = SD_AUTH_API_KEY,
		.modes = {SD_AUTH_API_KEY},
		.mode_count = 1};

	if (c->en)
		return;
	sim_say(s, "client %d starts", client);
	if (sd_store_open(&so, &c->store, &e) != SD_OK) {
		sim_wrong(s, "client %d: %s", client, e.text);
		return;
	}
	eo.store = c->store;
	if (sd_engine_new(&eo, &c->en, &e) != SD_OK) {
		sim_wrong(s, "client %d: %s", client, e.text);
		return;
	}
	c->life++;
	c->ready = false;
	sim_input(s, client, "start", start, NULL);
}

/* The process dies: what was not committed is gone, what was sent may arrive. */
void sim_crash(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];

	if (!c->en)
		return;
	sim_say(s, "client %d dies", client);
	s->crashes++;
	sim_unplug(s, client);
	sd_engine_free(c->en);
	sd_store_close(c->store);
	c->en = NULL;
	c->store = NULL;
	c->life++;
}

static enum sd_err network(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	return sd_engine_network(c->en, *(bool *)arg, s->now, e);
}

void sim_network(struct sim *s, int client, bool on)
{
	s->client[client].switched_off = !on;
	sim_say(s, "client %d: network %s", client, on ? "on" : "off");
	sim_input(s, client, "network", network, &on);
}

static enum sd_err tick(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	(void)arg;
	return sd_engine_tick(c->en, s->now, e);
}

/* ---- the bad time ---- */
static void chaos(struct sim *s)
{
	int c = (int)sim_below(s, SIM_CLIENTS);
	int64_t back = 500 + sim_below(s, 6000);

	switch (sim_below(s, 6)) {
	case 0:
		sim_say(s, "client %d: cable out", c);
		s->client[c].link = false;
		sim_unplug(s, c);
		sim_at(s, back, SIM_PLUG, c);
		break;
	case 1:
		sim_network(s, c, false);
		sim_at(s, back, SIM_PLUG, c);
		break;
	case 2:
		sim_say(s, "server down");
		s->server_down = true;
		for (int i = 0; i < SIM_CLIENTS; i++)
			sim_cut_realtime(s, i, true);
		sim_at(s, back, SIM_PLUG, -1);
		break;
	case 3:
	case 4:
		sim_crash(s, c);
		sim_at(s, back / 2, SIM_RESTART, c);
		break;
	default:
		sim_cut_realtime(s, c, true);
	}
	if (s->now < s->end)
		sim_at(s, 500 + sim_below(s, 3000), SIM_CHAOS, -1);
}

static void plug(struct sim *s, int client)
{
	if (client < 0) {
		s->server_down = false;
		return;
	}
	s->client[client].link = true;
	if (s->client[client].switched_off)
		sim_network(s, client, true);
}

static void happen(struct sim *s, struct sim_event *v)
{
	switch (v->kind) {
	case SIM_PERSON:
		sim_person(s, v->client);
		if (s->now < s->end)
			sim_at(s, 50 + sim_below(s, 1500), SIM_PERSON, v->client);
		break;
	case SIM_CHAOS:
		chaos(s);
		break;
	case SIM_RESTART:
		sim_boot(s, v->client);
		break;
	case SIM_PLUG:
		plug(s, v->client);
		break;
	default:
		sim_net_event(s, v);
	}
}

/* Lets time pass to the next thing, at most to `until`; false: nothing is to come before it. */
static bool step(struct sim *s, int64_t until)
{
	size_t best = SIZE_MAX;
	int64_t at = until;
	int who = -1;

	for (size_t i = 0; i < s->event_count; i++)
		if (s->events[i].at < at || (best != SIZE_MAX && s->events[i].at == at &&
						    s->events[i].order < s->events[best].order)) {
			best = i;
			at = s->events[i].at;
		}
	for (int i = 0; i < SIM_CLIENTS; i++) {
		int64_t d = s->client[i].en ? sd_engine_deadline(s->client[i].en) : INT64_MAX;
		if (d < at) {
			at = d;
			who = i;
		}
	}
	if (at >= until)
		return false;
	if (at > s->now)
		s->now = at;
	if (who >= 0) {
		int64_t before = s->now;
		sim_input(s, who, "tick", tick, NULL);
		if (s->client[who].en && sd_engine_deadline(s->client[who].en) <= before)
			s->now++; /* an engine that is due at once again must not stop time */
	} else {
		struct sim_event v = s->events[best];
		s->events[best] = s->events[--s->event_count];
		happen(s, &v);
		sim_event_release(&v);
	}
	return true;
}

/* ---- the run ---- */
static bool quiet(struct sim *s)
{
	if (s->event_count)
		return false;
	for (int i = 0; i < SIM_CLIENTS; i++)
		if (!s->client[i].en || !s->client[i].ready || !sd_engine_idle(s->client[i].en))
			return false;
	return true;
}

/* Until nobody has anything to do; conflicts are decided on the way. */
static void settle(struct sim *s)
{
	int64_t limit = s->now + 7200000;

	while (!s->why[0]) {
		int decided = 0;
		while (!s->why[0] && !quiet(s) && s->now < limit)
			if (!step(s, limit))
				break;
		if (s->now >= limit || !quiet(s)) {
			for (int i = 0; i < SIM_CLIENTS; i++) {
				struct sd_engine_status st;
				sd_engine_status(s->client[i].en, &st);
				sim_say(s, "client %d: %s, %d in flight, %s", i,
					sd_phase_name(st.phase), st.in_flight, st.last_failure);
			}
			sim_wrong(s, "the clients did not come to rest");
			return;
		}
		for (int i = 0; i < SIM_CLIENTS; i++)
			decided += sim_decide(s, i);
		if (!decided)
			return;
	}
}

static void heal(struct sim *s)
{
	s->healing = true;
	s->faults = s->server_down = false;
	sim_say(s, "---- healed");
	for (size_t i = s->event_count; i-- > 0;)
		if (s->events[i].kind >= SIM_PERSON) {
			sim_event_release(&s->events[i]);
			s->events[i] = s->events[--s->event_count];
		}
	for (int round = 0; round < 2; round++) {
		for (int i = 0; i < SIM_CLIENTS; i++) {
			s->client[i].link = true;
			sim_boot(s, i);
			sim_network(s, i, false);
			sim_network(s, i, true);
		}
		settle(s);
	}
}

static void setup(struct sim *s)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_sbx_opts o = {.rand = &s->rand,
		.strategy = s->seed % 2 ? SD_STRATEGY_OPTIMISTIC : SD_STRATEGY_AUTOMERGE,
		.delta_ttl_ms = 1800000,
		.base_ttl_ms = 2592000000,
		.max_limit = 1000,
		.max_subscriptions = 100,
		.api_key_mode = true};
	static const enum sd_policy policies[] = {
		SD_POLICY_MERGE, SD_POLICY_MERGE, SD_POLICY_MERGE, SD_POLICY_ASK, SD_POLICY_MINE};

	if (sd_schema_read(SCHEMA, strlen(SCHEMA), "sim", &s->schema, &e) != SD_OK)
		sim_wrong(s, "%s", e.text);
	o.schema = s->schema;
	if (!s->why[0] && sd_sbx_open(&o, &s->sbx, &e) != SD_OK)
		sim_wrong(s, "%s", e.text);
	if (s->why[0])
		return;
	sd_sbx_on_deliver(s->sbx, sim_deliver, s);
	if (s->seed % 4 >= 2 && sd_sbx_set(s->sbx, "resurrect_on_update", "true", &e) != SD_OK)
		sim_wrong(s, "%s", e.text);
	s->set = (struct sd_engine_settings){.page_size = 5 + sim_below(s, 50),
		.full_interval_ms = 86400000,
		.sync_concurrency = 1 + (int)sim_below(s, 4),
		.outbox_concurrency = 1 + (int)sim_below(s, 8),
		.outbox_batch = sim_chance(s, 25) ? 5 : 1,
		.conflict_max_attempts = 10,
		.subscriptions_per_connection = 100,
		.timeout_ms = 30000,
		.models = s->models};
	for (size_t i = 0; i < s->schema->model_count; i++)
		s->models[i].policy = policies[sim_below(s, 5)];
	for (int i = 0; i < SIM_CLIENTS; i++) {
		s->client[i].dir = sd_test_dir();
		s->client[i].link = true;
		sd_rand_seeded(&s->client[i].rand, s->seed * 31 + (uint64_t)i);
	}
}

static void teardown(struct sim *s)
{
	for (int i = 0; i < SIM_CLIENTS; i++) {
		sd_engine_free(s->client[i].en);
		sd_store_close(s->client[i].store);
		if (s->client[i].dir)
			sd_test_dir_remove(s->client[i].dir);
	}
	while (s->event_count)
		sim_event_release(&s->events[--s->event_count]);
	free(s->events);
	for (size_t i = 0; i < s->edit_count; i++)
		free(s->edits[i].key);
	free(s->edits);
	sd_json_free(s->history);
	sd_sbx_close(s->sbx);
	sd_schema_free(s->schema);
}

bool sim_run(uint64_t seed, bool plant_double, bool trace, char *why, size_t room)
{
	struct sim s = {.seed = seed,
		.now = 1700000000000,
		.plant_double = plant_double,
		.trace = trace,
		.faults = true};

	sd_rand_seeded(&s.rand, seed);
	s.end = s.now + SIM_CHAOS_MS;
	s.history = sd_json_object();
	setup(&s);
	for (int i = 0; i < SIM_CLIENTS && !s.why[0]; i++) {
		sim_boot(&s, i);
		sim_at(&s, 100 + sim_below(&s, 2000), SIM_PERSON, i);
	}
	sim_at(&s, 3000, SIM_CHAOS, -1);
	while (!s.why[0] && step(&s, s.end))
		;
	if (!s.why[0])
		heal(&s);
	if (!s.why[0])
		sim_check(&s);
	sim_say(&s, "%d requests, %d faults, %d crashes, %d conflicts, %zu edits", s.requests,
		s.faulted, s.crashes, s.conflicts, s.edit_count);
	snprintf(why, room, "%s", s.why);
	teardown(&s);
	return !why[0];
}
