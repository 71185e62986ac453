/* tests/sim/sim.c - the run: the queue of events, time, quiet and healing; see sim.h. */
#include "tests/sim/sim.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/support.h"

#define SETTLE_MS 7200000 /* longest time to come to rest in, virtual */

void sim_wrong(struct sim *s, const char *rule, const char *fmt, ...)
{
	va_list ap;

	if (s->why[0])
		return;
	va_start(ap, fmt);
	vsnprintf(s->why, sizeof s->why, fmt, ap);
	va_end(ap);
	snprintf(s->rule, sizeof s->rule, "%s", rule);
	sim_say(s, "WRONG (%s): %s", s->rule, s->why);
}

void sim_say(struct sim *s, const char *fmt, ...)
{
	va_list ap;

	if (!s->trace)
		return;
	printf("%9.3f  ", (double)(s->now - SIM_EPOCH) / 1000.0);
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

/* ---- the queue ---- */
void sim_event_release(struct sim_event *v)
{
	free(v->text);
	free(v->sub);
}

void sim_event_drop(struct sim *s, size_t i)
{
	sim_event_release(&s->events[i]);
	s->events[i] = s->events[--s->event_count];
}

struct sim_event *sim_at(struct sim *s, int64_t in_ms, enum sim_kind kind, int client)
{
	struct sim_event *v;

	if (s->event_count == s->event_room) {
		s->event_room = s->event_room ? s->event_room * 2 : 128;
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
	v->retry_after_ms = -1;
	v->fault.what = SIM_DO_COUNT;
	return v;
}

static void do_step(struct sim *s, const struct sim_step *p)
{
	sd_rand_seeded(&s->rand, p->r);
	sim_say(s, "* %s, client %d", sim_do_name(p->what), p->client);
	if (p->client < s->clients && (p->what < SIM_REQ_LOST || p->what > SIM_OPEN_REFUSED) &&
		p->what < SIM_DO_MORE)
		sim_cover("step", sim_do_name(p->what));
	if (p->client >= s->clients || sim_person_step(s, p) || sim_lanes_step(s, p) ||
		sim_client_step(s, p) || sim_server_step(s, p) || sim_more_step(s, p))
		return;
	sim_arm(s, p->client, p->what, p->r);
}

static void happen(struct sim *s, struct sim_event *v)
{
	struct sim_client *c = v->client >= 0 ? &s->client[v->client] : NULL;

	switch (v->kind) {
	case SIM_STEP:
		do_step(s, &s->plan->steps[v->id]);
		break;
	case SIM_BOOT:
		sim_boot(s, v->client);
		break;
	case SIM_PLUG:
		sim_say(s, "client %d: cable in", v->client);
		c->link = true;
		break;
	case SIM_TURNED_ON:
		sim_network(s, v->client, true);
		break;
	case SIM_SERVER_UP:
		sim_say(s, "server up");
		s->server_down = false;
		break;
	case SIM_REQUEST:
		sim_on_request(s, v);
		break;
	case SIM_RESPONSE:
	case SIM_COMMAND:
		if (v->life == c->life)
			sim_on_response(s, v);
		break;
	case SIM_REFRESHED:
		if (v->life == c->life)
			sim_on_refreshed(s, v);
		break;
	default:
		if (v->life == c->life)
			sim_rt_event(s, v);
	}
}

/* When the client's engine wants to be asked, on our clock. */
static int64_t due(const struct sim_client *c)
{
	int64_t d = c->en ? sd_engine_deadline(c->en) : INT64_MAX;

	return d == INT64_MAX ? d : d - c->skew_ms;
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
	for (int i = 0; i < s->clients; i++) {
		int64_t d = due(&s->client[i]);
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
		sim_tick(s, who);
		if (due(&s->client[who]) <= s->now)
			s->now++; /* an engine that is due at once again must not stop time */
	} else {
		struct sim_event v = s->events[best];
		s->events[best] = s->events[--s->event_count];
		happen(s, &v);
		sim_event_release(&v);
	}
	return true;
}

/* ---- to the end ---- */
static bool quiet(struct sim *s)
{
	for (size_t i = 0; i < s->event_count; i++)
		if (s->events[i].kind != SIM_KA)
			return false;
	for (int i = 0; i < s->clients; i++)
		if (!s->client[i].en || !s->client[i].ready || !sd_engine_idle(s->client[i].en))
			return false;
	return true;
}

static void restless(struct sim *s)
{
	struct sd_buf b = SD_BUF_INIT;

	for (int i = 0; i < s->clients; i++) {
		struct sd_engine_status st;
		if (!s->client[i].en)
			continue;
		sd_engine_status(s->client[i].en, &st);
		sd_buf_fmt(&b, "client %d: %s, %d in flight, %s, %s; ", i, sd_phase_name(st.phase),
			st.in_flight, sd_engine_idle(s->client[i].en) ? "idle" : "busy",
			st.last_failure);
	}
	sim_wrong(s, "rest", "the clients did not come to rest: %s", sd_buf_text(&b));
	sd_buf_release(&b);
}

/* Until nobody has anything to do; conflicts are decided on the way. */
static void settle(struct sim *s)
{
	int64_t limit = s->now + SETTLE_MS;

	while (!s->why[0]) {
		int decided = 0;
		while (!s->why[0] && !quiet(s) && s->now < limit)
			if (!step(s, limit))
				break;
		if (s->why[0])
			return;
		if (s->now >= limit || !quiet(s)) {
			restless(s);
			return;
		}
		for (int i = 0; i < s->clients; i++)
			decided += sim_decide_all(s, i);
		if (!decided)
			return;
	}
}

static enum sd_err resync(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	(void)arg;
	return sd_engine_resync(c->en, NULL, true, s->now + c->skew_ms, e);
}

/* What needs no message more, and no row that was not given. */
static bool all_told(const struct sim *s)
{
	for (size_t i = 0; i < s->plan->count; i++)
		switch (s->plan->steps[i].what) {
		case SIM_FRAME_LOST:
		case SIM_PARTIAL:
		case SIM_POISON:
		case SIM_BAD_ROW:
			return false;
		default:
			break;
		}
	return !s->purged;
}

/* Everything is repaired. */
static void repair(struct sim *s)
{
	s->faults = s->server_down = false;
	sim_say(s, "---- healed");
	sim_cure(s);
	sd_rand_seeded(&s->rand, s->plan->seed);
	for (size_t i = s->event_count; i-- > 0;)
		if (s->events[i].kind >= SIM_STEP)
			sim_event_drop(s, i);
	for (int i = 0; i < s->clients && !s->why[0]; i++) {
		struct sim_client *c = &s->client[i];
		c->link = true;
		c->armed_count = 0;
		c->die_in = -1;
		if (c->stopped && c->en)
			sim_stop_start(s, i);
		c->stopped = false;
		sim_boot(s, i);
		if (c->expired || c->session_over)
			sim_signed_in(s, i, true);
		if (c->switched_off)
			sim_network(s, i, true);
		sim_take_up(s, i);
	}
}

/* Nobody does anything: they notice by themselves what they missed, and fetch it. */
static void by_itself(struct sim *s)
{
	int64_t until = s->now + 600000;

	while (!s->why[0] && step(s, until))
		;
	if (!s->why[0])
		settle(s);
	if (!s->why[0] && all_told(s))
		sim_check_models(s);
}

/* Nobody can tell a client that was away for longer than a tombstone lives what was deleted, but a
 * full sync; and what a service cannot read (a parent that must be there is gone) nobody can tell of
 * when it can be read again.  What is written meanwhile may be such a parent. */
static void full_syncs(struct sim *s)
{
	uint64_t before;

	for (int round = 0; round < 5 && !s->why[0]; round++) {
		before = s->written;
		for (int i = 0; i < s->clients; i++)
			sim_input(s, i, "full sync", resync, NULL);
		settle(s);
		if (s->written == before)
			return;
	}
}

/* Then everybody takes up what they had put down, and connects anew. */
static void heal(struct sim *s)
{
	repair(s);
	if (!s->why[0])
		by_itself(s);
	for (int round = 0; round < 2 && !s->why[0]; round++) {
		for (int i = 0; i < s->clients; i++) {
			sim_take_up(s, i);
			sim_network(s, i, false);
			sim_network(s, i, true);
		}
		settle(s);
	}
	if (s->purged && !s->why[0])
		full_syncs(s);
}

/* Without a shell: there are tens of thousands of them. */
static void remove_dir(char *dir)
{
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *f;
	char path[400];

	while (d && (f = readdir(d))) {
		snprintf(path, sizeof path, "%s/%s", dir, f->d_name);
		if (f->d_name[0] != '.')
			unlink(path);
	}
	if (d)
		closedir(d);
	if (dir)
		rmdir(dir);
	free(dir);
}

static void teardown(struct sim *s)
{
	for (int i = 0; i < s->clients; i++)
		sim_close(s, i);
	while (s->event_count)
		sim_event_drop(s, s->event_count - 1);
	free(s->events);
	sim_edits_release(s);
	sd_sbx_close(s->sbx);
	for (int i = 0; i < s->clients; i++) {
		struct sim_client *c = &s->client[i];
		sim_vfs_forget(c->dir);
		remove_dir(c->dir);
		sd_json_free(c->versions);
		sd_json_free(c->in_flight);
		for (size_t m = 0; m < SIM_MODELS; m++) {
			free(c->expr[m]);
			sd_pred_free(c->pred[m]);
		}
	}
	sim_vfs_forget(s->sbx_path);
	sim_cure(s);
	free(s->sbx_path);
	sim_world_release(s);
}

static void setup(struct sim *s)
{
	sim_vfs_install();
	sim_world_make(s);
	s->sbx_path = strdup("/sim/server/sandbox.db");
	if (!s->why[0])
		sim_server_open(s);
	for (int i = 0; i < s->clients; i++) {
		struct sim_client *c = &s->client[i];
		sim_world_client(s, i);
		c->dir = sd_test_dir();
		c->link = true;
		c->die_in = -1;
		c->versions = sd_json_object();
		c->in_flight = sd_json_object();
	}
	for (size_t i = 0; i < s->plan->count; i++) {
		struct sim_event *v =
			sim_at(s, 200 + s->plan->steps[i].at, SIM_STEP, s->plan->steps[i].client);
		v->id = i;
	}
}

bool sim_run(const struct sim_plan *p, bool trace, struct sim_result *out)
{
	struct sim s = {.plan = p,
		.clients = p->clients,
		.now = SIM_EPOCH,
		.trace = trace,
		.faults = true,
		.executing = -1};
	int64_t end = 1000;

	sim_cover_seed(p->seed);
	if (!sim_mutant_set(p->mutant))
		sim_wrong(&s, "setup", "there is no mutant %s", p->mutant);
	if (!s.why[0])
		setup(&s);
	for (int i = 0; i < s.clients && !s.why[0]; i++)
		sim_boot(&s, i);
	if (p->count)
		end += p->steps[p->count - 1].at;
	while (!s.why[0] && step(&s, SIM_EPOCH + end))
		;
	if (s.now < SIM_EPOCH + end)
		s.now = SIM_EPOCH + end;
	if (!s.why[0])
		heal(&s);
	if (!s.why[0])
		sim_check(&s);
	sim_say(&s, "%d requests, %d deaths, %d conflicts, %zu edits", s.requests, s.deaths,
		s.conflicts, s.edit_count);
	memset(out, 0, sizeof *out);
	memcpy(out->rule, s.rule, sizeof out->rule);
	memcpy(out->why, s.why, sizeof out->why);
	out->requests = s.requests;
	out->deaths = s.deaths;
	out->conflicts = s.conflicts;
	out->edits = s.edit_count;
	teardown(&s);
	sim_mutant_set(NULL);
	return !out->why[0];
}
