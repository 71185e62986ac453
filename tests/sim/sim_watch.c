/*
 * tests/sim/sim_watch.c - what must be true all the time: of every request, every event and every
 * commit of every client; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- requests ---- */
struct request {
	struct sim *s;
	int client;
	uint64_t id;
};

struct ahead {
	int64_t seq;
	bool create;
};

static bool is_create(void *ctx, struct sd_mutation *m)
{
	struct ahead *a = ctx;

	a->create = a->create || (m->op == SD_OP_CREATE && m->seq < a->seq);
	return true;
}

static bool is_sent(void *ctx, struct sd_mutation *m)
{
	if (m->lane == SD_LANE_SENDING)
		((struct ahead *)ctx)->seq = m->seq;
	return true;
}

/* Parents before children: what points to a record made before it, and not sent yet, waits. */
static void check_parents(const struct request *q, const struct sd_model *m, const char *own,
	const struct cJSON *input)
{
	struct sim_client *c = &q->s->client[q->client];
	struct ahead a = {0, false};

	if (sd_outbox_of(c->store, sd_schema_model(q->s->w.schema[c->gen], m->name), own, is_sent,
		    &a, NULL) != SD_OK)
		return;
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct sd_model *parent =
			f->model ? sd_schema_model(q->s->w.schema[c->gen], f->model->name) : NULL;
		struct cJSON *key = sd_json_object();
		struct sd_buf text = SD_BUF_INIT;
		if (f->kind == SD_K_MODEL && f->assoc == SD_A_BELONGS_TO && parent)
			for (size_t k = 0; k < f->join_count; k++) {
				const struct cJSON *v = sd_json_get(input, f->local[k]);
				sd_json_add(key, f->remote[k], v ? sd_json_dup(v) : sd_json_null());
			}
		if (sd_json_child(key) && sd_key_of(parent, key, &text, NULL) == SD_OK &&
			sd_outbox_of(c->store, parent, sd_buf_text(&text), is_create, &a, NULL) ==
				SD_OK &&
			a.create)
			sim_wrong(q->s, "parents",
				"client %d sends a %s of %s %s, which it has not", q->client,
				m->name, parent->name, sd_buf_text(&text));
		sd_buf_release(&text);
		sd_json_free(key);
	}
}

struct order {
	int64_t sending, before; /* entries of one record; 0: none */
};

static bool in_order(void *ctx, struct sd_mutation *m)
{
	struct order *o = ctx;

	if (m->lane == SD_LANE_SENDING)
		o->sending = m->seq;
	else if (!o->sending && !o->before && m->lane == SD_LANE_WAITING)
		o->before = m->seq;
	return true;
}

/* Of one record the oldest change goes first. */
static void check_order(const struct request *q, const struct sd_model *m, const char *key)
{
	struct sim_client *c = &q->s->client[q->client];
	struct order o = {0, 0};

	if (sd_outbox_of(c->store, sd_schema_model(q->s->w.schema[c->gen], m->name), key, in_order,
		    &o, NULL) == SD_OK &&
		o.sending && o.before)
		sim_wrong(q->s, "order", "client %d sends entry %lld of %s %s before entry %lld",
			q->client, (long long)o.sending, m->name, key, (long long)o.before);
}

static void check_mutation(void *ctx, const struct sd_model *m, const struct cJSON *input)
{
	const struct request *q = ctx;
	struct sim_client *c = &q->s->client[q->client];
	struct sd_buf key = SD_BUF_INIT, name = SD_BUF_INIT;
	int64_t version = sd_json_get_i64(input, "_version", 0), newest = 0;

	if (sd_key_of(m, input, &key, NULL) != SD_OK) {
		sim_wrong(
			q->s, "input", "client %d sends a %s without its key", q->client, m->name);
		goto done;
	}
	sd_buf_fmt(&name, "%s %s", m->name, sd_buf_text(&key));
	if (sd_json_get(c->in_flight, sd_buf_text(&name)))
		sim_wrong(q->s, "in-flight", "client %d has two changes of %s on their way",
			q->client, sd_buf_text(&name));
	sd_json_set(c->in_flight, sd_buf_text(&name), sd_json_int((int64_t)q->id));
	{
		const struct sim_record *r = sim_record_of(q->s, m, sd_buf_text(&key));
		for (size_t i = 0; i < r->count; i++)
			if (sd_json_get_i64(r->v[i].item, "_version", 0) > newest)
				newest = sd_json_get_i64(r->v[i].item, "_version", 0);
	}
	if (version > newest) /* */
		sim_wrong(q->s, "invented", "client %d sends %s with version %lld of %lld",
			q->client, sd_buf_text(&name), (long long)version, (long long)newest);
	check_order(q, m, sd_buf_text(&key));
	check_parents(q, m, sd_buf_text(&key), input);
done:
	sd_buf_release(&key);
	sd_buf_release(&name);
}

void sim_watch_request(struct sim *s, int client, uint64_t id, const char *body)
{
	struct request q = {s, client, id};

	if (sim_is_mutation(body))
		sim_each_mutation(s, body, check_mutation, &q);
}

void sim_watch_answered(struct sim *s, int client, uint64_t id)
{
	struct cJSON *all = s->client[client].in_flight, *c, *next;
	int64_t v;

	for (c = sd_json_child(all); c; c = next) {
		next = sd_json_next(c);
		if (sd_json_i64(c, &v) && v == (int64_t)id) {
			char *name = strdup(sd_json_name(c));
			sd_json_remove(all, name);
			free(name);
		}
	}
}

/* ---- commits ---- */
struct seen {
	struct sim *s;
	int client;
};

/* Where the version stands among those the server wrote: the first such place from `from` on (a key
 * made again has its versions more than once); -1: nowhere. */
static int64_t place_of(const struct sim_record *r, int64_t version, int64_t from)
{
	for (size_t i = (size_t)from; i < r->count; i++)
		if (sd_json_get_i64(r->v[i].item, "_version", -1) == version)
			return (int64_t)i;
	return -1;
}

/* Versions of a record never go back: within one life of a key, and from a later life to a former
 * one. */
static bool grows(void *ctx, const struct sd_journal *j)
{
	struct seen *v = ctx;
	struct sim_client *c = &v->s->client[v->client];
	struct sd_buf name = SD_BUF_INIT;
	const struct sim_record *r;
	int64_t last, now;

	c->journal = j->id;
	/* a row with unsent changes shows the version those were made on (seq says which): it may
	 * be older than what is known of the server */
	if (j->kind > SD_J_META || j->version < 0 || !j->model || !j->key || j->seq)
		return true;
	sd_buf_fmt(&name, "%s %s", j->model->name, j->key);
	r = sim_record_of(v->s, j->model, j->key);
	last = sd_json_get_i64(c->versions, sd_buf_text(&name), 0);
	now = place_of(r, j->version, last);
	if (now < 0)
		sim_wrong(v->s, "monotonic", "client %d: %s went back to version %lld (%s)%s",
			v->client, sd_buf_text(&name), (long long)j->version,
			sd_source_name(j->source),
			place_of(r, j->version, 0) < 0 ? ", which the server never wrote" : "");
	else if (now != last)
		sd_json_set(c->versions, sd_buf_text(&name), sd_json_int(now));
	sd_buf_release(&name);
	return true;
}

void sim_watch_store(struct sim *s, int client)
{
	struct seen seen = {s, client};
	struct sd_error e = {.code = SD_OK};
	struct sim_client *c = &s->client[client];

	if (c->store && sd_journal_each(c->store, c->journal, 0, grows, &seen, &e) != SD_OK)
		sim_wrong(s, "store", "client %d: the journal: %s", client, e.text);
}

/* ---- runs ---- */
/* The model a sync query is about, by its number; SIM_MODELS: none. */
static size_t asked_for(const struct sim *s, const struct cJSON *req)
{
	const char *query = sd_json_get_str(req, "query");
	size_t at = SIM_MODELS;

	for (size_t i = 0; i < s->w.schema[1]->model_count; i++) {
		struct sd_buf root = SD_BUF_INIT;
		sd_buf_fmt(&root, "sync%s(", s->w.schema[1]->models[i]->plural);
		if (strstr(query, sd_buf_text(&root)))
			at = i;
		sd_buf_release(&root);
	}
	return at;
}

void sim_watch_page(struct sim *s, int client, const char *body)
{
	struct cJSON *req = NULL;
	size_t at;

	if (sd_json_parse(body, strlen(body), "request", &req, NULL) != SD_OK)
		return;
	at = asked_for(s, req);
	if (at < SIM_MODELS && sd_json_is_null(sd_json_path(req, "variables", "nextToken", NULL))) {
		s->client[client].run_from[at] = s->now;
		s->client[client].garbled[at] = false;
		if (sd_json_get_i64(sd_json_get(req, "variables"), "lastSync", 0) == 0)
			s->client[client].hole[at] = false;
	}
	sd_json_free(req);
}

/* Which row a base run lacks nobody can say before the next one (of a delta it comes again). */
void sim_watch_hole(struct sim *s, int client, const char *body)
{
	struct cJSON *req = NULL;
	size_t at;

	if (sd_json_parse(body, strlen(body), "request", &req, NULL) != SD_OK)
		return;
	at = asked_for(s, req);
	if (at < SIM_MODELS)
		s->client[client].garbled[at] = true;
	if (at < SIM_MODELS && sd_json_get_i64(sd_json_get(req, "variables"), "lastSync", 0) == 0)
		s->client[client].hole[at] = true;
	sd_json_free(req);
}

/* Newest version the client knows of a record; deleted: it shows nothing. */
static int64_t known(struct sim_client *c, const struct sd_model *m, const char *key, bool *shown)
{
	struct cJSON *rec = NULL;
	struct sd_shadow sh;
	int64_t v = -1, w;

	*shown = false;
	if (sd_rec_get(c->store, m, key, true, &rec, NULL) == SD_OK) {
		v = sd_json_get_i64(rec, "_version", -1);
		*shown = !sd_json_is_true(sd_json_get(rec, "_deleted"));
	}
	sd_json_free(rec);
	if (sd_shadow_get(c->store, m, key, &sh, NULL) == SD_OK) {
		w = sd_json_get_i64(sh.server, "_version", -1);
		v = w > v ? w : v;
		sd_shadow_release(&sh);
	}
	return v;
}

/* Was the record what the client wants all the time since then?  What left its expression while the
 * pages were read may be in none of them. */
static bool wanted(
	const struct sim *s, const struct sd_pred *pred, const struct sim_record *r, int64_t from)
{
	for (size_t i = 0; i < r->count && pred; i++)
		if ((i + 1 == r->count || r->v[i + 1].at >= from) && r->v[i].item &&
			!sd_pred_eval(pred, r->v[i].item, s->now, NULL, NULL))
			return false;
	return true;
}

/* "Synced" is a claim: all that was at the server when the run began to read is here. */
static void check_synced(struct sim *s, int client, const struct sd_model *m)
{
	struct sim_client *c = &s->client[client];
	size_t id = sim_model(s, m)->id;
	int64_t bad = 0;
	void *v;

	c->synced[id] = true;
	if (c->capped || !c->run_from[id] || c->garbled[id] ||
		sd_quarantine_count(c->store, m, &bad, NULL) != SD_OK || bad)
		return;
	for (size_t i = 0; sd_map_next(&s->records, &i, NULL, &v);) {
		const struct sim_record *r = v;
		const struct cJSON *then = NULL;
		bool shown;
		int64_t want, have;
		if (r->model->id != id || !r->count || !r->v[r->count - 1].item)
			continue;
		for (size_t k = 0; k < r->count && r->v[k].at < c->run_from[id]; k++)
			then = r->v[k].item;
		if (!then || !wanted(s, c->pred[id], r, c->run_from[id]))
			continue;
		want = sd_json_get_i64(then, "_version", 0);
		have = known(c, m, r->key, &shown);
		if (have < want && !(have < 0 && sd_json_is_true(sd_json_get(then, "_deleted"))))
			sim_wrong(s, "synced",
				"client %d says %s is synced and has version %lld of %s, not %lld",
				client, m->name, (long long)have, r->key, (long long)want);
	}
}

/* ---- events ---- */
static void check_empty(struct sim *s, int client)
{
	struct sd_outbox_counts n;

	if (sd_outbox_counts(s->client[client].store, NULL, &n, NULL) == SD_OK &&
		(n.lane[SD_LANE_WAITING] || n.lane[SD_LANE_SENDING]))
		sim_wrong(s, "event", "client %d says that its outbox is empty, it is not", client);
}

static void check_processed(struct sim *s, int client, const struct cJSON *v)
{
	struct sim_client *c = &s->client[client];
	const struct sd_model *m =
		sd_schema_model(s->w.schema[c->gen], sd_json_get_str(v, "model"));
	char *key = sd_json_text(sd_json_get(v, "key"));
	int64_t want = sd_json_get_i64(v, "_version", -1), have;
	bool shown;

	if (m && key && want >= 0) {
		have = known(c, m, key, &shown);
		if (have < want)
			sim_wrong(s, "event", "client %d tells version %lld of %s %s and has %lld",
				client, (long long)want, m->name, key, (long long)have);
	}
	free(key);
}

static void check_ready(struct sim *s, int client, const struct cJSON *v)
{
	struct sim_client *c = &s->client[client];
	const struct sd_schema *schema = s->w.schema[c->gen];

	for (size_t i = 0; i < schema->model_count; i++) {
		const struct sd_model *m = schema->models[i];
		bool failed = false;
		for (const struct cJSON *f = sd_json_child(sd_json_get(v, "failed")); f;
			f = sd_json_next(f))
			failed = failed || strcmp(sd_json_str(f), m->name) == 0;
		if (!failed && m->syncable && !c->synced[sim_model(s, m)->id])
			sim_wrong(s, "event", "client %d is ready, %s was never synced", client,
				m->name);
	}
}

static void check_conflict(struct sim *s, int client, const struct cJSON *v)
{
	struct sd_conflict k;

	s->conflicts++;
	if (sd_conflict_get(s->client[client].store, sd_json_get_i64(v, "id", -1), &k, NULL) !=
		SD_OK)
		sim_wrong(s, "event", "client %d tells a conflict that there is not", client);
	else
		sd_conflict_release(&k);
}

static void check_resolved(struct sim *s, int client, const struct cJSON *v)
{
	struct sd_conflict k;

	if (sd_conflict_get(s->client[client].store, sd_json_get_i64(v, "id", -1), &k, NULL) ==
		SD_OK) {
		sim_wrong(s, "event", "client %d tells that conflict %lld is resolved, it waits",
			client, (long long)k.id);
		sd_conflict_release(&k);
	}
}

static bool is_refused(void *ctx, struct sd_mutation *m)
{
	*(bool *)ctx = *(bool *)ctx || m->lane == SD_LANE_REFUSED;
	return true;
}

/* What could not be sent stands in its lane, with the person's payload. */
static void check_failed(struct sim *s, int client, const struct cJSON *v)
{
	struct sim_client *c = &s->client[client];
	const struct sd_model *m =
		sd_schema_model(s->w.schema[c->gen], sd_json_get_str(v, "model"));
	char *key = sd_json_text(sd_json_get(v, "key"));
	bool refused = false;

	if (m && key && sd_outbox_of(c->store, m, key, is_refused, &refused, NULL) == SD_OK &&
		!refused)
		sim_wrong(s, "event",
			"client %d tells that a change of %s %s failed: no such entry", client,
			m->name, key);
	free(key);
}

/* Told on every change, and only then. */
static void check_network(struct sim *s, int client, const struct cJSON *v)
{
	struct sim_client *c = &s->client[client];
	int active = sd_json_is_true(sd_json_get(v, "active"));

	if (c->told_active == active)
		sim_wrong(s, "event", "client %d tells twice that it is %s", client,
			active ? "online" : "offline");
	c->told_active = active;
}

/* The last word about the outbox is true when an input is over. */
void sim_watch_told(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	bool any;

	if (!c->en || c->told_empty < 0 || sd_outbox_any(c->store, &any, NULL) != SD_OK)
		return;
	if (any == (c->told_empty == 1))
		sim_wrong(s, "event", "client %d said last that its outbox is %s, it is not",
			client, c->told_empty ? "empty" : "not empty");
}

void sim_watch_event(struct sim *s, int client, const char *text)
{
	struct cJSON *v = NULL;
	const char *name;

	if (sd_json_parse(text, strlen(text), "event", &v, NULL) != SD_OK) {
		sim_wrong(s, "event", "client %d tells %s", client, text);
		return;
	}
	name = sd_json_get_str(v, "event");
	sim_cover("event", name);
	if (strcmp(name, "networkStatus") == 0)
		check_network(s, client, v);
	else if (strcmp(name, "conflictResolved") == 0)
		check_resolved(s, client, v);
	else if (strcmp(name, "outboxMutationFailed") == 0)
		check_failed(s, client, v);
	else if (strcmp(name, "realtime") == 0)
		sim_cover("realtime", sd_json_get_str(v, "state"));
	if (strcmp(name, "outboxStatus") == 0)
		s->client[client].told_empty = sd_json_is_true(sd_json_get(v, "isEmpty"));
	if (strcmp(name, "modelSynced") == 0)
		sim_cover("run", sd_json_is_true(sd_json_get(v, "isFullSync")) ? "full" : "delta");
	if (strcmp(name, "modelSynced") == 0)
		check_synced(s, client,
			sd_schema_model(
				s->w.schema[s->client[client].gen], sd_json_get_str(v, "model")));
	else if (strcmp(name, "outboxStatus") == 0 && sd_json_is_true(sd_json_get(v, "isEmpty")))
		check_empty(s, client);
	else if (strcmp(name, "outboxMutationProcessed") == 0)
		check_processed(s, client, v);
	else if (strcmp(name, "ready") == 0)
		check_ready(s, client, v);
	else if (strcmp(name, "conflict") == 0)
		check_conflict(s, client, v);
	sd_json_free(v);
}
