/*
 * tests/sim/sim_world.c - what the seed makes of the world: a random schema (and what it grows to
 * be), conflict strategies, settings, policies and expressions of every client; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Plurals that are easy to get wrong stand among them. */
static const char *const NAMES[] = {
	"Post", "Category", "Box", "Person", "Leaf", "Bus", "Note", "Status", "Key", "Datum"};
#define NAME_COUNT (sizeof NAMES / sizeof *NAMES)

enum key { KEY_ID, KEY_ONE, KEY_TWO, KEY_COUNT };

struct gen_model {
	const char *name;
	enum key key;
	bool s1_needed, s2, tags, place, places, meta, level, ok, weight, seen, shy;
	int parent; /* belongsTo; -1 */
	bool parent_needed;
	int many;   /* manyToMany with that one (of a lower number); -1 */
	bool grows; /* gets a field later */
};

struct gen {
	struct gen_model m[6];
	int count;
	bool new_model;
};

static bool chance(struct sd_rand *r, uint32_t percent)
{
	return sd_rand_below(r, 100) < percent;
}

static void draw(struct gen *g, struct sd_rand *r)
{
	uint32_t first = sd_rand_below(r, NAME_COUNT);

	g->count = 1 + (int)sd_rand_below(r, 4);
	g->new_model = chance(r, 40);
	for (int i = 0; i < g->count; i++) {
		struct gen_model *m = &g->m[i];
		m->name = NAMES[(first + (uint32_t)i) % NAME_COUNT];
		m->key = chance(r, 60) ? KEY_ID : (enum key)sd_rand_below(r, KEY_COUNT);
		m->s1_needed = chance(r, 30);
		m->s2 = chance(r, 60);
		m->tags = chance(r, 50);
		m->place = chance(r, 30);
		m->places = chance(r, 15);
		m->meta = chance(r, 30);
		m->level = chance(r, 40);
		m->ok = chance(r, 30);
		m->weight = chance(r, 30);
		m->seen = chance(r, 30);
		m->shy = chance(r, 20);
		m->parent = i && chance(r, 60) ? (int)sd_rand_below(r, (uint32_t)i) : -1;
		m->parent_needed = chance(r, 20);
		m->many = i && m->parent < 0 && chance(r, 40) ? (int)sd_rand_below(r, (uint32_t)i)
							      : -1;
		m->grows = chance(r, 50);
	}
}

static void print_model(const struct gen *g, int at, bool grown, struct sd_buf *b)
{
	static const char *const KEYS[] = {"id: ID!", "code: String! @primaryKey",
		"code: String! @primaryKey(sortKeyFields: [\"year\"]) year: Int!"};
	const struct gen_model *m = &g->m[at];

	sd_buf_fmt(b, "type %s @model { %s n: Int s1: String%s", m->name, KEYS[m->key],
		m->s1_needed ? "!" : "");
	sd_buf_str(b, m->s2 ? " s2: String" : "");
	sd_buf_str(b, m->tags ? " tags: [String]" : "");
	sd_buf_str(b, m->place ? " place: Place" : "");
	sd_buf_str(b, m->places ? " places: [Place]" : "");
	sd_buf_str(b, m->meta ? " meta: AWSJSON" : "");
	sd_buf_str(b, m->level ? " level: Level" : "");
	sd_buf_str(b, m->ok ? " ok: Boolean" : "");
	sd_buf_str(b, m->weight ? " weight: Float" : "");
	sd_buf_str(b, m->seen ? " seen: AWSDateTime" : "");
	sd_buf_str(b, m->shy ? " marks: [Int!]" : "");
	if (grown && m->grows)
		sd_buf_str(b, " late: String");
	if (m->parent >= 0)
		sd_buf_fmt(b, " owner%s: %s%s @belongsTo", g->m[m->parent].name,
			g->m[m->parent].name, m->parent_needed ? "!" : "");
	if (m->many >= 0)
		sd_buf_fmt(b, " with%s: [%s] @manyToMany(relationName: \"Join%d\")",
			g->m[m->many].name, g->m[m->many].name, at);
	for (int i = 0; i < g->count; i++) {
		if (g->m[i].parent == at)
			sd_buf_fmt(b, " has%s: [%s] @hasMany", g->m[i].name, g->m[i].name);
		if (g->m[i].many == at)
			sd_buf_fmt(b, " with%s: [%s] @manyToMany(relationName: \"Join%d\")",
				g->m[i].name, g->m[i].name, i);
	}
	sd_buf_str(b, " }\n");
}

static void make_schemas(struct sim *s, struct sd_rand *r)
{
	struct gen g = {.count = 0};
	struct sd_error e = {.code = SD_OK};

	draw(&g, r);
	for (int gen = 0; gen < 2; gen++) {
		struct sd_buf b = SD_BUF_INIT;
		sd_buf_str(&b, "enum Level { LOW MID HIGH }\n"
			       "type Place { label: String n: Int }\n");
		for (int i = 0; i < g.count; i++)
			print_model(&g, i, gen == 1, &b);
		if (gen == 1 && g.new_model)
			sd_buf_str(&b, "type Zebra @model { id: ID! n: Int s1: String }\n");
		s->w.sdl[gen] = sd_buf_take(&b);
		if (sd_schema_read(s->w.sdl[gen], strlen(s->w.sdl[gen]), "sim", &s->w.schema[gen],
			    &e) != SD_OK)
			sim_wrong(s, "setup", "schema: %s\n%s", e.text, s->w.sdl[gen]);
	}
}

void sim_world_make(struct sim *s)
{
	static const enum sd_strategy all[] = {
		SD_STRATEGY_AUTOMERGE, SD_STRATEGY_OPTIMISTIC, SD_STRATEGY_LAMBDA};
	struct sd_rand r;

	sd_rand_seeded(&r, s->plan->seed * 2654435761u + 17);
	make_schemas(s, &r);
	s->w.strategy = chance(&r, 80) ? all[sd_rand_below(&r, 2)] : SD_STRATEGY_LAMBDA;
	for (size_t i = 0; i < SIM_MODELS; i++)
		s->w.of_model[i] = chance(&r, 75) ? s->w.strategy : all[sd_rand_below(&r, 3)];
	s->w.resurrect = chance(&r, 40);
	s->w.pool = chance(&r, 50);
	s->w.who.mode = s->w.pool ? SD_AUTH_USER_POOL : SD_AUTH_API_KEY;
	for (int i = 0; i < 2 && s->w.pool; i++) {
		s->w.claims[i] = sd_json_object();
		sd_json_add_str(s->w.claims[i], "sub", i ? "77aa-bob" : "8f1d-ann");
		sd_json_add_str(s->w.claims[i], "username", i ? "bob" : "ann");
		sd_json_add_str(s->w.claims[i], "cognito:username", i ? "bob" : "ann");
	}
	s->w.delta_ttl_ms = chance(&r, 50) ? 1800000 : 5000 + sd_rand_below(&r, 30000);
	s->w.ka_ms = 3000 + sd_rand_below(&r, 27000);
	s->w.rt_timeout_ms = 300000;
	s->w.sub_limit = chance(&r, 15) ? 4 : 100;
	s->w.hard_delete = s->plan->more && chance(&r, 10);
	s->w.no_batch = s->plan->more && chance(&r, 20);
	sim_cover("world", s->w.strategy == SD_STRATEGY_LAMBDA       ? "lambda"
			   : s->w.strategy == SD_STRATEGY_OPTIMISTIC ? "optimistic"
								     : "automerge");
	sim_cover("world", s->w.pool ? "people sign in" : "API key");
	if (s->w.hard_delete)
		sim_cover("world", "what is deleted is gone at once");
	if (s->w.no_batch)
		sim_cover("world", "batches are refused");
	if (s->w.sub_limit < 100)
		sim_cover("world", "four subscriptions a connection");
}

void sim_world_release(struct sim *s)
{
	for (int i = 0; i < 2; i++)
		sd_json_free(s->w.claims[i]);
	for (int i = 0; i < 2; i++) {
		sd_schema_free(s->w.schema[i]);
		free(s->w.sdl[i]);
	}
}

const struct sd_model *sim_model(const struct sim *s, const struct sd_model *m)
{
	return m ? sd_schema_model(s->w.schema[1], m->name) : NULL;
}

static void settings(struct sd_engine_settings *set, struct sd_rand *r)
{
	*set = (struct sd_engine_settings){.page_size = 3 + sd_rand_below(r, 40),
		.full_interval_ms = chance(r, 15) ? 60000 : 86400000,
		.sync_concurrency = 1 + (int)sd_rand_below(r, 4),
		.outbox_concurrency = 1 + (int)sd_rand_below(r, 8),
		.outbox_batch = chance(r, 30) ? 2 + (int)sd_rand_below(r, 8) : 1,
		.conflict_max_attempts = 2 + (int)sd_rand_below(r, 9),
		.subscriptions_per_connection = chance(r, 20) ? 4 : 100,
		.timeout_ms = 30000};
}

void sim_world_client(struct sim *s, int client)
{
	static const enum sd_policy policies[] = {SD_POLICY_MERGE, SD_POLICY_MERGE, SD_POLICY_MERGE,
		SD_POLICY_MERGE, SD_POLICY_ASK, SD_POLICY_MINE, SD_POLICY_THEIRS, SD_POLICY_SERVER,
		SD_POLICY_COMMAND};
	struct sim_client *c = &s->client[client];
	enum sd_policy usual;
	struct sd_rand r;

	sd_rand_seeded(&r, s->plan->seed * 40503u + (uint64_t)client * 977 + 5);
	settings(&c->set, &r);
	c->capped = chance(&r, 6);
	c->set.max_records = c->capped ? 3 + sd_rand_below(&r, 10) : 0;
	c->gen = chance(&r, 40);
	usual = policies[sd_rand_below(&r, sizeof policies / sizeof *policies)];
	for (size_t i = 0; i < SIM_MODELS; i++) {
		static const char *const exprs[] = {
			"n < 500", "n >= 300", "s1 beginsWith \"c0\"", "not (n > 700)"};
		c->policy[i] =
			chance(&r, 70)
				? usual
				: policies[sd_rand_below(&r, sizeof policies / sizeof *policies)];
		c->expr[i] = chance(&r, 10) ? strdup(exprs[sd_rand_below(&r, 4)]) : NULL;
	}
	for (size_t i = 0; i < SIM_MODELS; i++)
		c->expr_command[i] = chance(&r, 30);
	c->skew_ms = chance(&r, 60) ? 0 : (int64_t)sd_rand_below(&r, 7200000) - 3600000;
	sd_rand_seeded(&c->rand, s->plan->seed * 31 + (uint64_t)client);
}

/* ---- tokens ---- */
bool sim_carries(const struct sd_field *f)
{
	if (!f->stored || f->read_only || f->implicit)
		return false;
	if (f->kind == SD_K_NONMODEL)
		return true;
	return f->kind == SD_K_SCALAR && (f->scalar == SD_T_STRING || f->scalar == SD_T_AWSJSON) &&
	       strcmp(f->name, "code") != 0;
}

/* The first token in text (c, client, -, number); its length in *n. */
static const char *token_in(const char *text, size_t *n)
{
	for (const char *p = strchr(text, 'c'); p; p = strchr(p + 1, 'c')) {
		size_t len = 3;
		if (p[1] < '0' || p[1] > '9' || p[2] != '-' || p[3] < '0' || p[3] > '9')
			continue;
		while (p[len] >= '0' && p[len] <= '9')
			len++;
		*n = len;
		return p;
	}
	return NULL;
}

void sim_tokens(const struct cJSON *v, void (*fn)(void *ctx, const char *token), void *ctx)
{
	const char *p = sd_json_str(v);
	char token[24];
	size_t n;

	while (p && (p = token_in(p, &n))) {
		snprintf(token, sizeof token, "%.*s", (int)n, p);
		fn(ctx, token);
		p += n;
	}
	if (sd_json_is_array(v) || sd_json_is_object(v))
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
			sim_tokens(c, fn, ctx);
}

bool sim_holds(const struct cJSON *v, const char *token)
{
	const char *p = sd_json_str(v);
	size_t n;

	while (p && (p = token_in(p, &n))) {
		if (strlen(token) == n && memcmp(p, token, n) == 0)
			return true;
		p += n;
	}
	if (sd_json_is_array(v) || sd_json_is_object(v))
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
			if (sim_holds(c, token))
				return true;
	return false;
}
