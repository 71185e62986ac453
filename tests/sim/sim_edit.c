/*
 * tests/sim/sim_edit.c - what was saved and what became of it: tokens of the people's edits, and
 * the records as the server wrote them, version by version; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- edits ---- */
/* What the same person saved there before need not be found any more; a list keeps its elements, a
 * deletion ends everything. */
static void hide(struct sim *s, size_t by)
{
	const struct sim_edit *x = &s->edits[by];
	const struct sd_field *f = sd_model_field(x->model, x->field);

	for (size_t i = 0; i < by; i++) {
		struct sim_edit *o = &s->edits[i];
		if (o->client == x->client && o->model == x->model && o->by < 0 &&
			strcmp(o->key, x->key) == 0 &&
			(!f || (strcmp(o->field, x->field) == 0 && !f->list)))
			o->by = (int64_t)by;
	}
}

struct sim_edit *sim_note(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const char *token)
{
	struct sim_edit *x;

	m = sim_model(s, m);
	if (s->edit_count == s->edit_room) {
		s->edit_room = s->edit_room ? s->edit_room * 2 : 256;
		s->edits = realloc(s->edits, s->edit_room * sizeof *s->edits);
		if (!s->edits)
			abort();
	}
	x = &s->edits[s->edit_count++];
	memset(x, 0, sizeof *x);
	x->client = client;
	x->model = m;
	x->key = strdup(key);
	x->by = -1;
	x->removes = !*field;
	snprintf(x->field, sizeof x->field, "%s", field);
	snprintf(x->token, sizeof x->token, "%s", token);
	hide(s, s->edit_count - 1);
	return x;
}

void sim_note_list(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const struct cJSON *list)
{
	m = sim_model(s, m);
	for (size_t i = 0; i < s->edit_count; i++) {
		struct sim_edit *o = &s->edits[i];
		if (o->client == client && o->model == m && o->by < 0 && strcmp(o->key, key) == 0 &&
			strcmp(o->field, field) == 0 && !sim_holds(list, o->token))
			o->by = (int64_t)s->edit_count;
	}
}

static bool newest_seq(void *ctx, struct sd_mutation *m)
{
	*(int64_t *)ctx = m->seq;
	return true;
}

void sim_note_seq(
	struct sim *s, int client, const struct sd_model *m, const char *key, size_t first)
{
	int64_t seq = 0, line = 0;

	if (sd_outbox_of(s->client[client].store, m, key, newest_seq, &seq, NULL) != SD_OK ||
		sd_journal_last(s->client[client].store, &line, NULL) != SD_OK)
		return;
	for (size_t i = first; i < s->edit_count; i++)
		if (s->edits[i].client == client && strcmp(s->edits[i].key, key) == 0) {
			s->edits[i].seq = seq;
			s->edits[i].line = line;
		}
}

void sim_give_up_entry(struct sim *s, int client, int64_t seq, bool undone)
{
	for (size_t i = 0; i < s->edit_count; i++) {
		struct sim_edit *x = &s->edits[i];
		if (x->client != client || x->seq != seq || x->given_up)
			continue;
		x->given_up = true;
		/* what it hid is what the person sees again, unless it went with it, or this had
		 * arrived before a decision put it into another entry */
		for (size_t k = 0; k < i && undone && !x->times; k++)
			if (s->edits[k].by == (int64_t)i && s->edits[k].seq != seq)
				s->edits[k].by = -1;
	}
}

struct look {
	const struct sim_edit *x;
	int64_t seq; /* 0: in no entry */
};

static bool in_lane(void *ctx, struct sd_mutation *m)
{
	struct look *l = ctx;

	if (l->x->removes ? m->op == SD_OP_DELETE : sim_holds(m->fields, l->x->token))
		l->seq = m->seq;
	return !l->seq; /* the first one: a later list may have it, too */
}

/* The entry an edit waits in; 0: none. */
static int64_t entry_of(struct sim *s, const struct sim_edit *x)
{
	struct sim_client *c = &s->client[x->client];
	struct look l = {x, 0};

	if (sd_outbox_of(c->store, sd_schema_model(s->w.schema[c->gen], x->model->name), x->key,
		    in_lane, &l, NULL) != SD_OK)
		sim_wrong(s, "store", "client %d: its outbox cannot be read", x->client);
	return l.seq;
}

static bool waits(struct sim *s, const struct sim_edit *x)
{
	struct sd_mutation m;

	if (!x->seq || sd_outbox_get(s->client[x->client].store, x->seq, &m, NULL) != SD_OK)
		return false;
	sd_mutation_release(&m);
	return true;
}

void sim_step_back(struct sim *s, int client)
{
	for (size_t i = s->edit_count; i-- > 0;) {
		struct sim_edit *x = &s->edits[i];
		if (x->client != client || x->given_up || x->by >= 0 || !x->token[0] ||
			!waits(s, x) || entry_of(s, x))
			continue;
		x->given_up = true;
		for (size_t k = 0; k < i; k++)
			if (s->edits[k].by == (int64_t)i)
				s->edits[k].by = -1;
	}
}

void sim_look_again(struct sim *s, int client, bool undone)
{
	struct sim_client *c = &s->client[client];

	for (size_t i = s->edit_count; i-- > 0;) { /* what hides comes before what is hidden */
		struct sim_edit *x = &s->edits[i];
		bool ours = x->client == client && (x->removes || x->token[0]);
		int64_t seq = ours ? entry_of(s, x) : 0;
		struct cJSON *rec = NULL;
		if (seq) {
			x->seq = seq;
			if (x->given_up && undone) { /* made again: it hides again, too */
				x->given_up = false;
				hide(s, i);
			}
			if (undone && x->by >= 0 && s->edits[x->by].given_up)
				x->by = -1;
		} else if (undone && x->client == client && x->removes && !x->seq &&
			   sd_rec_get(c->store,
				   sd_schema_model(s->w.schema[c->gen], x->model->name), x->key,
				   false, &rec, NULL) == SD_OK) {
			x->given_up = true; /* of what was never sent: it is back */
		}
		sd_json_free(rec);
	}
}

void sim_replaced(struct sim *s, size_t at)
{
	struct sim_edit *x = &s->edits[at];

	/* what a later entry of the record says still comes after it */
	for (size_t i = 0; i < at; i++) {
		struct sim_edit *o = &s->edits[i];
		if (o->by != (int64_t)at || o->seq <= x->seq || o->given_up)
			continue;
		o->by = -1;
		x->by = (int64_t)i;
	}
	for (size_t i = 0; i < at; i++)
		if (s->edits[i].client == x->client && s->edits[i].seq == x->seq &&
			strcmp(s->edits[i].field, x->field) == 0) {
			s->edits[i].by = (int64_t)at;
			s->edits[i].replaced = true;
		}
}

void sim_give_up_record(
	struct sim *s, int client, const struct sd_model *m, const char *key, const char *field)
{
	m = sim_model(s, m);
	for (size_t i = 0; i < s->edit_count; i++) {
		struct sim_edit *x = &s->edits[i];
		if (x->client == client && x->model == m && strcmp(x->key, key) == 0 &&
			(!field || strcmp(x->field, field) == 0))
			x->given_up = true;
	}
}

struct sim_edit *sim_edit_of(struct sim *s, const char *token)
{
	for (size_t i = s->edit_count; i-- > 0;)
		if (strcmp(s->edits[i].token, token) == 0)
			return &s->edits[i];
	return NULL;
}

void sim_edits_release(struct sim *s)
{
	void *v;

	for (size_t i = 0; i < s->edit_count; i++)
		free(s->edits[i].key);
	free(s->edits);
	for (size_t i = 0; sd_map_next(&s->records, &i, NULL, &v);) {
		struct sim_record *r = v;
		for (size_t k = 0; k < r->count; k++)
			sd_json_free(r->v[k].item);
		free(r->v);
		free(r->key);
		free(r);
	}
	sd_map_release(&s->records, NULL);
}

/* ---- records at the server ---- */
struct sim_record *sim_record_of(struct sim *s, const struct sd_model *m, const char *key)
{
	struct sd_buf name = SD_BUF_INIT;
	struct sim_record *r;

	sd_buf_fmt(&name, "%s %s", m->name, key);
	r = sd_map_get(&s->records, sd_buf_text(&name));
	if (!r) {
		r = calloc(1, sizeof *r);
		if (!r)
			abort();
		r->model = sim_model(s, m);
		r->key = strdup(key);
		if (!sd_map_put(&s->records, sd_buf_text(&name), r, NULL))
			abort();
	}
	sd_buf_release(&name);
	return r;
}

struct arrival {
	struct sim *s;
	struct sim_record *r;
	const struct cJSON *before, *now;
	const char *field;
	bool list;
	const int64_t *floor; /* newest entry of each client that arrived before */
};

/* Somebody's decision may bring an older value back. */
static bool may_come_back(const struct arrival *a, const struct sim_edit *x)
{
	enum sd_policy p = a->s->client[x->client].policy[x->model->id];

	return a->r->decided || p == SD_POLICY_MINE || p == SD_POLICY_COMMAND ||
	       p == SD_POLICY_SERVER;
}

/* What stood there before it arrived first stands there again: nobody who did not see every version
 * can tell that it was there meanwhile. */
static bool put_back(const struct arrival *a, const char *token)
{
	const struct sim_record *r = a->r;

	for (size_t i = 0; i < r->count; i++)
		if (sim_holds(sd_json_get(r->v[i].item, a->field), token)) {
			const struct cJSON *was =
				i ? sd_json_get(r->v[i - 1].item, a->field) : NULL;
			return sd_json_equal(was, a->before, true);
		}
	return false;
}

/* A token that was not in the version before: it arrives, for the first time if all is well. */
static void arrives(void *ctx, const char *token)
{
	struct arrival *a = ctx;
	struct sim_edit *x = sim_edit_of(a->s, token);

	if (!x || sim_holds(a->before, token))
		return;
	/* two changes of one record arrive in the order they were made */
	if (!x->times && x->seq < a->floor[x->client] && !may_come_back(a, x) &&
		a->s->executing == x->client)
		sim_wrong(a->s, "order", "%s %s: %s of entry %lld arrives after entry %lld",
			a->r->model->name, a->r->key, token, (long long)x->seq,
			(long long)a->floor[x->client]);
	if (x->seq > a->r->last_seq[x->client])
		a->r->last_seq[x->client] = x->seq;
	/* an element of a list may come back with a list that was made on an older one; doubles in
	 * lists are looked for at the end */
	if (x->times++ && !a->list && a->s->executing == x->client && !a->r->late &&
		!may_come_back(a, x) && !put_back(a, token))
		sim_wrong(a->s, "twice", "%s %s: %s arrives again, as version %lld",
			a->r->model->name, a->r->key, token,
			(long long)sd_json_get_i64(a->r->v[a->r->count - 1].item, "_version", 0));
}

struct how_often {
	const char *token;
	int n;
};

static void count_one(void *ctx, const char *token)
{
	struct how_often *h = ctx;

	h->n += strcmp(h->token, token) == 0;
}

static int how_often(const struct cJSON *v, const char *token)
{
	struct how_often h = {token, 0};

	sim_tokens(v, count_one, &h);
	return h.n;
}

static bool sending_seq(void *ctx, struct sd_mutation *m)
{
	if (m->lane == SD_LANE_SENDING)
		*(int64_t *)ctx = m->seq;
	return m->lane != SD_LANE_SENDING;
}

/* The entry whose request the server is at, if the client still knows; 0: none. */
static int64_t executing_seq(const struct arrival *a, const struct sim_edit *x)
{
	struct sim_client *c = &a->s->client[x->client];
	int64_t seq = 0;

	if (a->s->executing != x->client || !c->store ||
		sd_outbox_of(c->store, sd_schema_model(a->s->w.schema[c->gen], x->model->name),
			x->key, sending_seq, &seq, NULL) != SD_OK)
		return 0;
	return seq;
}

/* With policy `server` Automerge may append a stale list; what an entry adds to it only once. */
static void appended(void *ctx, const char *token)
{
	struct arrival *a = ctx;
	struct sim_edit *x = sim_edit_of(a->s, token);
	int before = how_often(a->before, token);

	if (!x || a->s->executing != x->client ||
		a->s->client[x->client].policy[x->model->id] != SD_POLICY_SERVER)
		return;
	if (!x->first)
		x->first = executing_seq(a, x);
	else if (before > 0 && !a->r->late && how_often(a->now, token) > before &&
		 executing_seq(a, x) == x->first)
		sim_wrong(a->s, "twice", "%s %s: entry %lld appends %s again, as version %lld",
			a->r->model->name, a->r->key, (long long)x->first, token,
			(long long)sd_json_get_i64(a->r->v[a->r->count - 1].item, "_version", 0));
}

static void push(struct sim *s, struct sim_record *r, int client, struct cJSON *item)
{
	bool old = client >= 0 && s->client[client].gen == 0;

	s->written++;
	r->v = realloc(r->v, (r->count + 1) * sizeof *r->v);
	if (!r->v)
		abort();
	r->v[r->count++] = (struct sim_version){s->now, client, old, item};
}

void sim_written(struct sim *s, const struct sd_model *m, const struct cJSON *item)
{
	struct sd_buf key = SD_BUF_INIT;
	struct sim_record *r;
	const struct cJSON *before;
	struct cJSON *now;
	int64_t last, v = sd_json_get_i64(item, "_version", -1);
	int64_t floor[SIM_CLIENTS];

	if (sd_key_of(m, item, &key, NULL) != SD_OK)
		return;
	r = sim_record_of(s, m, sd_buf_text(&key));
	sd_buf_release(&key);
	before = r->count ? r->v[r->count - 1].item : NULL;
	last = sd_json_get_i64(before, "_version", 0);
	if (v == last) /* nothing was written: it was so already */
		return;
	if (v != last + 1)
		sim_wrong(s, "versions", "%s %s: the server wrote version %lld after %lld", m->name,
			r->key, (long long)v, (long long)last);
	now = sd_json_dup(item);
	/* an older program does not ask for newer fields: they are what they were */
	for (const struct cJSON *c = sd_json_child(before); c; c = sd_json_next(c))
		if (!sd_json_get(now, sd_json_name(c)))
			sd_json_set(now, sd_json_name(c), sd_json_dup(c));
	push(s, r, s->executing, now);
	r->late = r->late || (s->late && s->w.of_model[r->model->id] != SD_STRATEGY_OPTIMISTIC);
	memcpy(floor, r->last_seq, sizeof floor);
	for (size_t i = 0; i < m->field_count; i++) {
		const char *name = m->fields[i].name;
		struct arrival a = {s, r, sd_json_get(before, name), sd_json_get(now, name), name,
			m->fields[i].list, floor};
		if (sim_carries(&m->fields[i]))
			sim_tokens(a.now, arrives, &a);
		if (m->fields[i].list && sim_carries(&m->fields[i]))
			sim_tokens(a.now, appended, &a);
	}
	if (s->w.hard_delete && sd_json_is_true(sd_json_get(now, "_deleted"))) {
		push(s, r, -1, NULL);
		s->purged = true;
	}
}

void sim_purged(struct sim *s)
{
	void *v;

	for (size_t i = 0; sd_map_next(&s->records, &i, NULL, &v);) {
		struct sim_record *r = v;
		if (r->count && r->v[r->count - 1].item &&
			sd_json_is_true(sd_json_get(r->v[r->count - 1].item, "_deleted")))
			push(s, r, -1, NULL);
	}
}

/* ---- what became of them ---- */
static bool was_written(const struct sim_record *r, const struct sim_edit *x)
{
	for (size_t i = 0; r && i < r->count; i++) {
		const struct cJSON *item = r->v[i].item;
		if (item && (x->removes ? sd_json_is_true(sd_json_get(item, "_deleted"))
					: sim_holds(sd_json_get(item, x->field), x->token)))
			return true;
	}
	return false;
}

struct lines {
	const struct sim_edit *x;
	bool policy;
};

/* Departures that are allowed to lose a value, by the journal. */
static bool line(void *ctx, const struct sd_journal *j)
{
	struct lines *l = ctx;

	if ((j->kind != SD_J_OUTBOX && j->kind != SD_J_CONFLICT) || !j->text)
		return true;
	if (j->id >= l->x->line && (strcmp(j->text, "policy theirs") == 0))
		l->policy = true;
	return true;
}

/* Nothing that was saved is lost in silence. */
static void check_edit(struct sim *s, const struct sim_edit *x)
{
	struct sim_client *c = &s->client[x->client];
	const struct sd_model *m = sd_schema_model(s->w.schema[c->gen], x->model->name);
	const struct sim_record *r = sim_record_of(s, x->model, x->key);
	struct lines lines = {.x = x};

	if ((!x->removes && !x->token[0]) || x->given_up || x->replaced || x->by >= 0 ||
		was_written(r, x) || (x->removes && !r->count))
		return;
	if (entry_of(s, x))
		return;
	if (c->policy[x->model->id] == SD_POLICY_SERVER)
		return; /* the service's own rules may drop it (requirements.md, R-074) */
	if (sd_journal_of(c->store, m, x->key, 0, line, &lines, NULL) == SD_OK && lines.policy)
		return;
	sim_wrong(s, "lost", "client %d: %s %s: %s %s (entry %lld) is lost", x->client,
		x->model->name, x->key, x->removes ? "the deletion" : x->field, x->token,
		(long long)x->seq);
}

void sim_check_edits(struct sim *s)
{
	for (size_t i = 0; i < s->edit_count && !s->why[0]; i++)
		check_edit(s, &s->edits[i]);
}
