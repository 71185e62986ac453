/*
 * tests/sim/sim_lanes.c - people at their outbox: undo, park, discard, retry, edit, pause, and
 * decisions about conflicts; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sync/merge.h"

struct seqs {
	struct {
		int64_t seq;
		const struct sd_model *model;
		char key[80];
		enum sd_lane lane;
	} v[256];
	size_t count;
};

static bool collect(void *ctx, struct sd_mutation *m)
{
	struct seqs *l = ctx;

	if (l->count == sizeof l->v / sizeof *l->v)
		return false;
	l->v[l->count].seq = m->seq;
	l->v[l->count].model = m->model;
	l->v[l->count].lane = m->lane;
	snprintf(l->v[l->count].key, sizeof l->v[0].key, "%s", m->key);
	l->count++;
	return true;
}

static void entries(struct sim *s, int client, int lane, struct seqs *out)
{
	out->count = 0;
	if (sd_outbox_each(s->client[client].store, 0, lane, collect, out, NULL) != SD_OK)
		sim_wrong(s, "setup", "client %d: its outbox cannot be read", client);
}

/* What left by the person's own hand need not be found any more. */
static void gave_up(struct sim *s, int client, bool undone, const struct seqs *before)
{
	struct seqs after;

	entries(s, client, -1, &after);
	for (size_t i = 0; i < before->count; i++) {
		bool left = true;
		for (size_t k = 0; k < after.count; k++)
			left = left && after.v[k].seq != before->v[i].seq;
		if (!left)
			continue;
		sim_decided(s, client, before->v[i].model, before->v[i].key);
		sim_give_up_entry(s, client, before->v[i].seq, undone);
	}
}

/* ---- one entry ---- */
struct touched { /* by an edit of an entry */
	struct cJSON *fields;
	char field[16], token[24];
};

/* A new value for one field of an entry. */
static bool new_value(struct sim *s, int client, const struct sd_model *m, struct touched *t)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (!sim_carries(f) || f->list || sd_model_is_key(m, f) ||
			sd_model_relation_of(m, f))
			continue;
		t->fields = sd_json_object();
		snprintf(t->field, sizeof t->field, "%s", f->name);
		sd_json_add(t->fields, f->name, sim_value(s, client, f, NULL, t->token));
		return true;
	}
	return false;
}

static enum sd_err touch(struct sim *s, int client, enum sim_do what, int64_t seq,
	struct touched *t, struct sd_error *e)
{
	struct sd_store *st = s->client[client].store;
	struct sd_write_env env = {sim_clock(s, client), &s->client[client].rand};

	switch (what) {
	case SIM_UNDO:
		if (sim_chance(s, 70))
			seq = 0;
		return sd_write_undo(st, &seq, &env, e);
	case SIM_REDO:
		return sd_write_redo(st, &seq, &env, e);
	case SIM_PARK:
		return sd_outbox_park(st, seq, true, env.now_ms, e);
	case SIM_UNPARK:
		return sd_outbox_park(st, seq, false, env.now_ms, e);
	case SIM_DISCARD:
		return sd_outbox_discard(st, seq, env.now_ms, e);
	case SIM_RETRY:
		return sd_outbox_retry(st, seq, env.now_ms, e);
	default:
		return sd_outbox_edit(st, seq, t->fields, env.now_ms, e);
	}
}

/* One transaction of a person's; false: it was refused. */
static bool act(struct sim *s, int client, enum sim_do what, const struct seqs *all, size_t at)
{
	struct sd_store *st = s->client[client].store;
	struct sd_error e = {.code = SD_OK};
	struct touched t = {.fields = NULL};
	enum sd_err rc;

	if (what == SIM_EDIT && !new_value(s, client, all->v[at].model, &t))
		return false;
	sim_look_again(s, client, false); /* a decision may have put edits into another entry */
	rc = sd_store_begin(st, &e);
	if (rc == SD_OK)
		rc = touch(s, client, what, at < all->count ? all->v[at].seq : 0, &t, &e);
	if (rc == SD_OK)
		rc = sd_store_commit(st, &e);
	else
		sd_store_rollback(st);
	if (at < all->count)
		sim_say(s, "client %d: %s entry %lld (%s %s)%s%s", client, sim_do_name(what),
			(long long)all->v[at].seq, all->v[at].model->name, all->v[at].key,
			rc == SD_OK ? "" : ": ", rc == SD_OK ? "" : e.text);
	if (rc != SD_OK && rc != SD_INVAL && rc != SD_NOTFOUND && rc != SD_BUSY)
		sim_wrong(s, "person", "client %d: %s: %s", client, sim_do_name(what), e.text);
	if (rc == SD_OK && (what == SIM_UNDO || what == SIM_REDO || what == SIM_DISCARD))
		gave_up(s, client, what == SIM_UNDO, all);
	if (rc == SD_OK && what == SIM_UNDO)
		sim_step_back(s, client);
	if (rc == SD_OK && (what == SIM_UNDO || what == SIM_REDO))
		sim_look_again(s, client, true);
	if (rc == SD_OK && what == SIM_EDIT) {
		size_t first = s->edit_count;
		sim_decided(s, client, all->v[at].model, all->v[at].key);
		sim_note(s, client, all->v[at].model, all->v[at].key, t.field, t.token);
		s->edits[first].seq = all->v[at].seq;
		sim_replaced(s, first);
	}
	sd_json_free(t.fields);
	if (rc == SD_OK)
		sim_store_changed(s, client);
	return rc == SD_OK;
}

static void pause_or_resume(struct sim *s, int client, const char *what, bool pause)
{
	struct sd_store *st = s->client[client].store;
	struct sd_error e = {.code = SD_OK};

	sim_say(s, "client %d: %s %s", client, what, pause ? "on" : "off");
	if (sd_store_begin(st, &e) != SD_OK ||
		sd_meta_put(st, what, pause ? "1" : NULL, &e) != SD_OK ||
		sd_store_commit(st, &e) != SD_OK)
		sim_wrong(s, "person", "client %d: %s: %s", client, what, e.text);
	sim_store_changed(s, client);
}

void sim_take_up(struct sim *s, int client)
{
	struct seqs all;

	if (!s->client[client].en)
		return;
	pause_or_resume(s, client, "outbox.paused", false);
	if (s->client[client].en)
		pause_or_resume(s, client, "sync.paused", false);
	if (!s->client[client].en)
		return;
	entries(s, client, -1, &all);
	for (size_t i = 0; i < all.count && s->client[client].en && !s->why[0]; i++) {
		if (all.v[i].lane == SD_LANE_PARKED && sim_chance(s, 60))
			act(s, client, SIM_UNPARK, &all, i);
		else if (all.v[i].lane == SD_LANE_REFUSED && sim_chance(s, 60))
			act(s, client, SIM_RETRY, &all, i);
	}
}

/* ---- decisions ---- */
void sim_decided(struct sim *s, int client, const struct sd_model *m, const char *key)
{
	sim_record_of(s, m, key)->decided |= 1u << client;
}

struct ids {
	int64_t v[64];
	size_t count;
};

static bool each_conflict(void *ctx, struct sd_conflict *c)
{
	struct ids *l = ctx;

	if (l->count < 64)
		l->v[l->count++] = c->id;
	return true;
}

static struct cJSON *each_once(const struct cJSON *list)
{
	struct cJSON *once = sd_json_array();

	for (const struct cJSON *a = sd_json_child(list); a; a = sd_json_next(a)) {
		bool have = false;
		for (const struct cJSON *b = sd_json_child(once); b; b = sd_json_next(b))
			have = have || sd_json_equal(a, b, false);
		if (!have)
			sd_json_push(once, sd_json_dup(a));
	}
	return once;
}

/* Lists: what is suggested for a clash, and every element once. */
static struct cJSON *lists(const struct sd_conflict *c, enum sd_pick keep)
{
	struct cJSON *sets = sd_json_object();
	struct sd_merge g;

	if (sd_merge_compare(c->model, c->base, c->mine, c->theirs, &g, NULL) != SD_OK)
		return sets;
	for (size_t i = 0; i < g.count; i++) {
		const struct sd_merge_field *f = &g.fields[i];
		const struct cJSON *v = keep == SD_PICK_BASE     ? f->base
					: keep == SD_PICK_THEIRS ? f->theirs
					: f->suggestion          ? f->suggestion
					: f->changed_here        ? f->mine
								 : f->theirs;
		struct cJSON *once;
		if (!f->field->list || !sd_json_is_array(v))
			continue;
		once = each_once(v);
		if (v == f->suggestion || !sd_json_equal(once, v, false))
			sd_json_set(sets, f->field->name, once);
		else
			sd_json_free(once);
	}
	sd_merge_release(&g);
	return sets;
}

static void decide(struct sim *s, int client, int64_t id)
{
	static const enum sd_pick keeps[] = {
		SD_PICK_MINE, SD_PICK_MINE, SD_PICK_THEIRS, SD_PICK_BASE};
	struct sd_store *st = s->client[client].store;
	enum sd_pick keep = keeps[sim_below(s, 4)];
	struct sd_conflict c;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *sets = NULL, *write = NULL;
	char *text;

	if (sd_conflict_get(st, id, &c, &e) != SD_OK) {
		sim_wrong(
			s, "person", "client %d: conflict %lld: %s", client, (long long)id, e.text);
		return;
	}
	if (keep == SD_PICK_BASE && !c.base)
		keep = SD_PICK_THEIRS;
	sets = lists(&c, keep);
	sim_decided(s, client, c.model, c.key);
	if (sd_store_begin(st, &e) != SD_OK ||
		sd_conflict_resolve(st, id, keep, NULL, sets, "person", false, sim_clock(s, client),
			&write, &e) != SD_OK ||
		sd_store_commit(st, &e) != SD_OK) {
		sim_wrong(s, "person", "client %d: resolving %lld (%s): %s", client, (long long)id,
			sd_shape_name(c.shape), e.text);
		sd_store_rollback(st);
	} else if (keep != SD_PICK_MINE) {
		sim_give_up_record(s, client, c.model, c.key, NULL);
	}
	text = sd_json_text(write);
	sim_say(s, "client %d: conflict %lld of %s %s (%s): keeps %s: %s", client, (long long)id,
		c.model->name, c.key, sd_shape_name(c.shape), sd_pick_name(keep), text ? text : "");
	free(text);
	sd_json_free(write);
	sd_json_free(sets);
	sd_conflict_release(&c);
}

int sim_decide_all(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	struct ids l = {.count = 0};

	if (s->why[0] || !c->en || sd_conflict_each(c->store, each_conflict, &l, NULL) != SD_OK)
		return 0;
	for (size_t i = 0; i < l.count && !s->why[0]; i++)
		decide(s, client, l.v[i]);
	if (l.count)
		sim_store_changed(s, client);
	return (int)l.count;
}

/* The same decision for the same conflict. */
char *sim_policy_command(struct sim *s, int client, const char *input)
{
	static const char *const answers[] = {NULL, "what?", "mine", "theirs\n",
		"{\"keep\":\"mine\"}", "{\"keep\":\"base\"}", "{\"keep\":\"mine\"}"};
	uint64_t h = sd_hash(input, strlen(input)) % (sizeof answers / sizeof *answers);
	struct cJSON *j = NULL;
	const struct sd_model *m;
	char *key;

	if (sd_json_parse(input, strlen(input), "conflict", &j, NULL) != SD_OK) {
		sim_wrong(s, "command", "client %d: its policy command got %s", client, input);
		return NULL;
	}
	m = sd_schema_model(s->w.schema[1], sd_json_get_str(j, "model"));
	key = sd_json_text(sd_json_get(j, "key"));
	if (!m || !key) {
		sim_wrong(s, "command", "client %d: its policy command got %s", client, input);
	} else {
		sim_decided(s, client, m, key);
		if (h == 3 || h == 5)
			sim_give_up_record(s, client, m, key, NULL);
	}
	free(key);
	sd_json_free(j);
	sim_say(s, "client %d: its command says %s", client, answers[h] ? answers[h] : "nothing");
	return answers[h] ? strdup(answers[h]) : NULL;
}

/* ---- steps ---- */
bool sim_lanes_step(struct sim *s, const struct sim_step *p)
{
	struct sim_client *c = &s->client[p->client];
	struct seqs all;
	struct ids l = {.count = 0};
	char *paused = NULL;

	if (p->what < SIM_UNDO || p->what > SIM_PAUSE)
		return false;
	if (!c->en)
		return true;
	if (p->what == SIM_PAUSE) {
		const char *what = sim_chance(s, 60) ? "outbox.paused" : "sync.paused";
		if (sd_meta_get(c->store, what, &paused, NULL) == SD_OK)
			pause_or_resume(s, p->client, what, !paused);
		free(paused);
		return true;
	}
	if (p->what == SIM_RESOLVE) {
		if (sd_conflict_each(c->store, each_conflict, &l, NULL) == SD_OK && l.count) {
			decide(s, p->client, l.v[sim_below(s, (uint32_t)l.count)]);
			sim_store_changed(s, p->client);
		}
		return true;
	}
	all.count = 0;
	if (p->what == SIM_REDO) { /* not about an entry */
		all.v[0].seq = 0;
		entries(s, p->client, -1, &all);
		act(s, p->client, p->what, &all, 0);
		return true;
	}
	entries(s, p->client, p->what == SIM_UNPARK ? SD_LANE_PARKED : -1, &all);
	if (all.count)
		act(s, p->client, p->what, &all, sim_below(s, (uint32_t)all.count));
	return true;
}
