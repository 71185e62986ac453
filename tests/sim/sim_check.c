/* tests/sim/sim_check.c - what must be true when the dust has settled; see sim.h. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"

/* No list element stands twice: a change that was applied twice shows so. */
static void check_lists(struct sim *s, const struct sim_record *r)
{
	const struct cJSON *newest = r->count ? r->v[r->count - 1].item : NULL;

	if (!newest || sd_json_is_true(sd_json_get(newest, "_deleted")))
		return;
	/* Automerge appends a stale list although a condition comes with it; when that then fails
	 * nobody may repair it */
	if (r->conditional && s->w.of_model[r->model->id] == SD_STRATEGY_AUTOMERGE)
		return;
	if (r->late && s->w.of_model[r->model->id] == SD_STRATEGY_AUTOMERGE)
		return;
	for (int i = 0; i < s->clients; i++) /* documented Automerge appends what is stale */
		if (s->client[i].policy[r->model->id] == SD_POLICY_SERVER)
			return;
	for (size_t i = 0; i < r->model->field_count; i++) {
		const struct sd_field *f = &r->model->fields[i];
		const struct cJSON *list = sd_json_get(newest, f->name);
		if (!f->list || !sim_carries(f))
			continue;
		for (const struct cJSON *a = sd_json_child(list); a; a = sd_json_next(a))
			for (const struct cJSON *b = sd_json_next(a); b; b = sd_json_next(b))
				if (!sd_json_is_null(a) && sd_json_equal(a, b, false)) {
					char *t = sd_json_text(a);
					sim_wrong(s, "twice", "%s %s: %s stands twice in %s",
						r->model->name, r->key, t, f->name);
					free(t);
				}
	}
}

/* ---- the stores ---- */
struct map {
	struct cJSON *by_key;
	struct sim *s;
	int client;
	const struct sd_model *m;
};

static bool has_entry(void *ctx, struct sd_mutation *m)
{
	(void)m;
	*(bool *)ctx = true;
	return false;
}

static bool unsent(const struct map *p, const char *key)
{
	bool any = false;

	return sd_outbox_of(p->s->client[p->client].store, p->m, key, has_entry, &any, NULL) !=
		       SD_OK ||
	       any;
}

static bool take_row(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct map *p = ctx;
	struct sd_buf key = SD_BUF_INIT;
	const char *state = sd_json_get_str(rec, "_state");

	(void)rid;
	if (sd_key_of(p->m, rec, &key, NULL) == SD_OK) {
		if (state && strcmp(state, "synced") == 0 && unsent(p, sd_buf_text(&key)))
			sim_wrong(p->s, "state",
				"client %d: %s %s is `synced`, with unsent changes", p->client,
				p->m->name, sd_buf_text(&key));
		sd_json_add(p->by_key, sd_buf_text(&key), sd_json_dup(rec));
	}
	sd_buf_release(&key);
	return true;
}

/* A message of the service shows what its mutation asked for, null for the rest: after a write of
 * an older program nobody knows newer fields but who reads them. */
static bool unknown_field(const struct map *p, const struct sd_field *f, const char *key)
{
	const struct sd_model *m = sd_schema_model(p->s->w.schema[0], p->m->name);
	const struct sim_record *r = sim_record_of(p->s, p->m, key);

	return m && !sd_model_field(m, f->name) && r->count && r->v[r->count - 1].old;
}

static bool same_record(
	const struct map *p, const char *key, const struct cJSON *a, const struct cJSON *b)
{
	const struct sd_model *m = p->m;

	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->stored && !unknown_field(p, f, key) &&
			!sd_json_equal(sd_json_get(a, f->name), sd_json_get(b, f->name), true))
			return false;
	}
	return sd_json_equal(sd_json_get(a, "_version"), sd_json_get(b, "_version"), true);
}

static void differ(
	const struct map *p, const char *key, const struct cJSON *here, const struct cJSON *there)
{
	char *a = sd_json_text(here), *b = sd_json_text(there);

	sim_wrong(p->s, "converge", "client %d: %s %s: here %s, there %s", p->client, p->m->name,
		key, a ? a : "nothing", b ? b : "nothing");
	free(a);
	free(b);
}

/* Does the client want to have that record at all? */
static bool in_scope(const struct map *p, const struct cJSON *rec)
{
	const struct sim_client *c = &p->s->client[p->client];
	const struct sd_pred *pred = c->pred[sim_model(p->s, p->m)->id];

	return !c->capped && !c->hole[sim_model(p->s, p->m)->id] &&
	       (!pred || sd_pred_eval(pred, rec, p->s->now, NULL, NULL));
}

/* A parent that must be there is gone for good: the service answers null and an error for the
 * record, to everybody.  The client says so. */
static bool unreadable(const struct map *p, const struct cJSON *row)
{
	const struct sd_model *m = sim_model(p->s, p->m);
	int64_t told = 0;
	bool gone = false;

	for (size_t i = 0; i < m->field_count && !gone; i++) {
		const struct sd_field *f = &m->fields[i];
		struct cJSON *key = sd_json_object();
		struct sd_buf text = SD_BUF_INIT;
		for (size_t k = 0; f->kind == SD_K_MODEL && k < f->join_count; k++)
			if (sd_json_get(row, f->local[k]))
				sd_json_add(key, f->remote[k],
					sd_json_dup(sd_json_get(row, f->local[k])));
		if (f->assoc == SD_A_BELONGS_TO && (f->required || m->join) &&
			sd_key_of(sim_model(p->s, f->model), key, &text, NULL) == SD_OK) {
			const struct sim_record *r =
				sim_record_of(p->s, f->model, sd_buf_text(&text));
			gone = !r->count || !r->v[r->count - 1].item;
		}
		sd_buf_release(&text);
		sd_json_free(key);
	}
	/* a write whose answer cannot be read is published to nobody: told by the next run only */
	if (gone && !p->s->settled)
		return true;
	return gone &&
	       sd_quarantine_count(p->s->client[p->client].store, p->m, &told, NULL) == SD_OK &&
	       told > 0;
}

/* Its versions began anew: what is not wanted may be left from its former life. */
static bool made_anew(const struct map *p, const char *key)
{
	const struct sim_record *r = sim_record_of(p->s, p->m, key);
	bool gone = false;

	for (size_t i = 0; i < r->count; i++)
		gone = gone || !r->v[i].item;
	return gone;
}

static void compare_one(const struct map *p, const struct cJSON *row)
{
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *mine, *there = sd_json_dup(row);
	bool gone = sd_json_is_true(sd_json_get(row, "_deleted"));
	struct sd_error e = {.code = SD_OK};

	if (sd_item_to_local(p->m, there, &e) != SD_OK || sd_key_of(p->m, there, &key, &e) != SD_OK)
		sim_wrong(p->s, "setup", "%s", e.text);
	mine = sd_json_detach(p->by_key, sd_buf_text(&key));
	if (!unsent(p, sd_buf_text(&key))) {
		if (!in_scope(p, there)) {
			if (!made_anew(p, sd_buf_text(&key)) &&
				sd_json_get_i64(mine, "_version", 0) >
					sd_json_get_i64(there, "_version", 0))
				differ(p, sd_buf_text(&key), mine, there);
		} else if (!unreadable(p, row) &&
			   (gone ? mine != NULL
				 : !mine || !same_record(p, sd_buf_text(&key), mine, there))) {
			differ(p, sd_buf_text(&key), mine, there);
		}
	}
	sd_json_free(mine);
	sd_json_free(there);
	sd_buf_release(&key);
}

static void check_model(struct sim *s, int client, const char *name, const struct cJSON *server)
{
	const struct sd_model *m = sd_schema_model(s->w.schema[s->client[client].gen], name);
	struct sd_query q = {.model = m, .by_rid = true, .state = -1};
	struct map here = {.by_key = sd_json_object(), .s = s, .client = client, .m = m};
	int64_t bad = 0;
	struct sd_error e = {.code = SD_OK};

	if (m && sd_rec_query(s->client[client].store, &q, take_row, &here, &e) != SD_OK)
		sim_wrong(s, "store", "client %d: %s", client, e.text);
	for (const struct cJSON *c = sd_json_child(server); m && c && !s->why[0];
		c = sd_json_next(c))
		compare_one(&here, c);
	/* rows that could not be read may be any of those: then nothing is swept */
	if (m && sd_quarantine_count(s->client[client].store, m, &bad, &e) != SD_OK)
		sim_wrong(s, "store", "client %d: %s", client, e.text);
	for (const struct cJSON *c = sd_json_child(here.by_key); c && !bad; c = sd_json_next(c))
		if (in_scope(&here, c) && !unsent(&here, sd_json_name(c)))
			differ(&here, sd_json_name(c), c, NULL);
	sd_json_free(here.by_key);
}

/* ---- the outboxes ---- */
struct stuck {
	struct sim *s;
	int client;
};

/* What waits knows why. */
static bool is_held(void *ctx, struct sd_mutation *m)
{
	struct stuck *k = ctx;
	struct sd_buf why = SD_BUF_INIT;

	if (sd_outbox_hold(k->s->client[k->client].store, m->seq, &why, NULL) != SD_OK || !why.len)
		sim_wrong(k->s, "stuck", "client %d: entry %lld (%s %s %s) waits for nothing",
			k->client, (long long)m->seq, sd_op_name(m->op), m->model->name, m->key);
	sd_buf_release(&why);
	return true;
}

static void check_client(struct sim *s, int client)
{
	struct sd_store *st = s->client[client].store;
	struct sd_error e = {.code = SD_OK};
	struct stuck stuck = {s, client};
	struct sd_outbox_counts n;

	if (sd_store_check(st, &e) != SD_OK)
		sim_wrong(s, "store", "client %d: the store: %s", client, e.text);
	if (sd_outbox_counts(st, NULL, &n, &e) == SD_OK &&
		(n.lane[SD_LANE_SENDING] || n.lane[SD_LANE_CONFLICT]))
		sim_wrong(s, "stuck", "client %d: something is left on its way", client);
	if (sd_outbox_each(st, 0, SD_LANE_WAITING, is_held, &stuck, &e) != SD_OK)
		sim_wrong(s, "store", "client %d: %s", client, e.text);
}

void sim_check_models(struct sim *s)
{
	for (size_t i = 0; i < s->w.schema[1]->model_count && !s->why[0]; i++) {
		const char *name = s->w.schema[1]->models[i]->name;
		struct sd_buf b = SD_BUF_INIT;
		struct cJSON *server = NULL;
		struct sd_error e = {.code = SD_OK};
		if (sd_sbx_dump(s->sbx, name, s->now, &b, &e) != SD_OK ||
			sd_json_parse(b.data, b.len, "dump", &server, &e) != SD_OK)
			sim_wrong(s, "setup", "dump of %s: %s", name, e.text);
		for (int c = 0; c < s->clients && server; c++)
			check_model(s, c, name, server);
		sd_json_free(server);
		sd_buf_release(&b);
	}
}

void sim_check(struct sim *s)
{
	void *v;

	s->settled = true;
	sim_check_models(s);
	for (int c = 0; c < s->clients && !s->why[0]; c++)
		check_client(s, c);
	for (size_t i = 0; sd_map_next(&s->records, &i, NULL, &v) && !s->why[0];)
		check_lists(s, v);
	if (!s->why[0])
		sim_check_edits(s);
}
