/*
 * tests/sim/sim_server.c - the backend: it restarts, forgets tombstones, others write to it, and
 * its conflict resolver decides as the payload says; see sim.h.
 */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"

/* ---- the resolver (strategy lambda): the same decision for the same payload ---- */
static char *resolver(void *ctx, const char *command, const char *payload)
{
	struct sim *s = ctx;
	struct cJSON *in = NULL, *out = sd_json_object(), *item;
	uint64_t h = sd_hash(payload, strlen(payload)) ^ s->plan->seed;
	bool removes = strstr(payload, "\"field\":\"delete") != NULL;
	char *text;

	(void)command;
	if (h % 20 == 0 || sd_json_parse(payload, strlen(payload), "payload", &in, NULL) != SD_OK) {
		sd_json_free(out);
		return NULL; /* it is out of order */
	}
	sim_say(s, "  resolver: %s", h % 10 < 3 ? "rejects" : "decides");
	sim_cover("resolver", h % 10 < 3 ? "rejects" : removes ? "removes" : "decides");
	if (h % 10 < 3) {
		sd_json_add_str(out, "action", "REJECT");
	} else if (removes) {
		sd_json_add_str(out, "action", "REMOVE");
	} else {
		item = sd_json_dup(sd_json_get(in, h % 10 < 5 ? "existingItem" : "newItem"));
		sd_json_add_str(out, "action", "RESOLVE");
		sd_json_add(out, "item", item);
	}
	text = sd_json_text(out);
	sd_json_free(out);
	sd_json_free(in);
	return text;
}

/* ---- opening ---- */
static void strategies(struct sim *s)
{
	static const char *const names[] = {"automerge", "optimistic", "lambda:resolver"};
	struct sd_error e = {.code = SD_OK};

	for (size_t i = 0; i < s->w.schema[1]->model_count; i++) {
		struct sd_buf b = SD_BUF_INIT;
		if (s->w.of_model[i] != s->w.strategy) {
			sd_buf_fmt(&b, "%s=%s", s->w.schema[1]->models[i]->name,
				names[s->w.of_model[i]]);
			if (sd_sbx_model_strategy(s->sbx, sd_buf_text(&b), &e) != SD_OK)
				sim_wrong(s, "setup", "%s", e.text);
		}
		sd_buf_release(&b);
	}
	if (s->w.resurrect && sd_sbx_set(s->sbx, "resurrect_on_update", "true", &e) != SD_OK)
		sim_wrong(s, "setup", "%s", e.text);
}

void sim_server_open(struct sim *s)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_sbx_opts o = {.schema = s->w.schema[1],
		.db = s->sbx_path,
		.rand = &s->server_rand,
		.strategy = s->w.strategy,
		.lambda = "resolver",
		.run_lambda = resolver,
		.lambda_ctx = s,
		.delta_ttl_ms = s->w.delta_ttl_ms,
		.base_ttl_ms = s->w.hard_delete ? 0 : 2592000000,
		.max_limit = 1000,
		.max_subscriptions = s->w.sub_limit,
		.api_key_mode = !s->w.pool,
		.user_pool_mode = s->w.pool};

	sd_rand_seeded(&s->server_rand, s->plan->seed + 99);
	if (sd_sbx_open(&o, &s->sbx, &e) != SD_OK) {
		sim_wrong(s, "setup", "%s", e.text);
		return;
	}
	sd_sbx_on_deliver(s->sbx, sim_deliver, s);
	strategies(s);
}

/* ---- what was written ---- */
/* What is deleted for good stands in no dump: a deletion whose answer could not be read. */
static void look_for_gone(struct sim *s, const struct sd_model *m, const struct cJSON *rows)
{
	struct cJSON *gone = sd_json_array();
	void *v;

	for (size_t i = 0; sd_map_next(&s->records, &i, NULL, &v);) {
		const struct sim_record *r = v;
		const struct cJSON *last = r->count ? r->v[r->count - 1].item : NULL;
		bool there = r->model != m || !last;
		for (const struct cJSON *c = sd_json_child(rows); c && !there;
			c = sd_json_next(c)) {
			struct sd_buf key = SD_BUF_INIT;
			there = sd_key_of(m, c, &key, NULL) == SD_OK &&
				strcmp(sd_buf_text(&key), r->key) == 0;
			sd_buf_release(&key);
		}
		if (!there)
			sd_json_push(gone, sd_json_dup(last));
	}
	for (struct cJSON *c = sd_json_child(gone); c; c = sd_json_next(c)) {
		sd_json_set(c, "_version", sd_json_int(sd_json_get_i64(c, "_version", 0) + 1));
		sd_json_set(c, "_deleted", sd_json_bool(true));
		sim_written(s, m, c);
	}
	sd_json_free(gone);
}

/* What a mutation's answer does not show (it was carried out, and reading it failed). */
static void look_again(struct sim *s, const struct sd_model *m)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *rows = NULL;
	struct sd_error e = {.code = SD_OK};

	if (sd_sbx_dump(s->sbx, m->name, s->now, &b, &e) != SD_OK ||
		sd_json_parse(b.data, b.len, "dump", &rows, &e) != SD_OK)
		sim_wrong(s, "setup", "dump of %s: %s", m->name, e.text);
	for (const struct cJSON *c = sd_json_child(rows); c; c = sd_json_next(c)) {
		struct sd_buf key = SD_BUF_INIT;
		if (sd_key_of(m, c, &key, NULL) == SD_OK) {
			const struct sim_record *r = sim_record_of(s, m, sd_buf_text(&key));
			int64_t last =
				r->count ? sd_json_get_i64(r->v[r->count - 1].item, "_version", 0)
					 : 0;
			if (sd_json_get_i64(c, "_version", 0) > last)
				sim_written(s, m, c);
		}
		sd_buf_release(&key);
	}
	if (s->w.hard_delete)
		look_for_gone(s, m, rows);
	sd_json_free(rows);
	sd_buf_release(&b);
}

/* The model a mutation's root field, or an alias of the query, is about. */
static const struct sd_model *model_of(const struct sim *s, const char *query, const char *name)
{
	char alias[64];
	const char *root = name, *at;
	const struct sd_model *best = NULL;

	snprintf(alias, sizeof alias, " %s: ", name);
	at = name[0] == 'm' && query ? strstr(query, alias) : NULL;
	if (at)
		root = at + strlen(alias);
	for (size_t i = 0; i < s->w.schema[1]->model_count; i++)
		for (int kind = SD_DOC_CREATE; kind <= SD_DOC_DELETE; kind++) {
			struct sd_buf b = SD_BUF_INIT;
			sd_doc_root(s->w.schema[1]->models[i], (enum sd_doc)kind, &b);
			if (strncmp(root, sd_buf_text(&b), b.len) == 0 &&
				(root[b.len] == '\0' || root[b.len] == '('))
				best = s->w.schema[1]->models[i];
			sd_buf_release(&b);
		}
	return best;
}

void sim_each_mutation(struct sim *s, const char *body, sim_mutation_fn fn, void *ctx)
{
	struct cJSON *req = NULL, *vars;
	const char *query, *at;
	char name[16];

	if (sd_json_parse(body, strlen(body), "request", &req, NULL) != SD_OK)
		return;
	query = sd_json_get_str(req, "query");
	vars = sd_json_get(req, "variables");
	at = strstr(query, ") { ");
	if (at && sd_json_get(vars, "input")) {
		const struct sd_model *m = model_of(s, NULL, at + 4);
		if (m)
			fn(ctx, m, sd_json_get(vars, "input"));
	}
	for (int i = 0; i < 30; i++) {
		const struct sd_model *m;
		snprintf(name, sizeof name, "i%d", i);
		if (!sd_json_get(vars, name))
			break;
		snprintf(name, sizeof name, "m%d", i);
		m = model_of(s, query, name);
		snprintf(name, sizeof name, "i%d", i);
		if (m)
			fn(ctx, m, sd_json_get(vars, name));
	}
	sd_json_free(req);
}

static void took_place(struct sim *s, const char *body, const char *answer)
{
	struct cJSON *req = NULL, *j = NULL;
	const char *query;

	if (sd_json_parse(answer, strlen(answer), "answer", &j, NULL) != SD_OK ||
		sd_json_parse(body, strlen(body), "request", &req, NULL) != SD_OK)
		goto done;
	query = sd_json_get_str(req, "query");
	for (const struct cJSON *c = sd_json_child(sd_json_get(j, "data")); c;
		c = sd_json_next(c)) {
		const struct sd_model *m = model_of(s, query, sd_json_name(c));
		if (!m)
			sim_wrong(s, "setup", "which model is %s?", sd_json_name(c));
		else if (sd_json_is_object(c))
			sim_written(s, m, c);
	}
	if (sd_json_get(j, "errors"))
		for (size_t i = 0; i < s->w.schema[1]->model_count; i++)
			if (strstr(query, s->w.schema[1]->models[i]->name))
				look_again(s, s->w.schema[1]->models[i]);
done:
	sd_json_free(req);
	sd_json_free(j);
}

struct sd_sbx_identity sim_who(const struct sim *s, int client)
{
	struct sd_sbx_identity who = s->w.who;

	who.claims = s->w.claims[client >= 0 ? s->client[client].user : 0];
	return who;
}

void sim_server_execute(struct sim *s, int client, const char *body, struct sd_sbx_answer *out)
{
	struct sd_sbx_identity who = sim_who(s, client);

	memset(out, 0, sizeof *out);
	if (s->w.no_batch && sim_is_mutation(body) && strstr(body, " m1: ")) {
		sim_cover("fault", "a batch is refused");
		out->status = 200;
		sd_buf_str(&out->body, "{\"data\":null,\"errors\":[{\"errorType\":"
				       "\"BadRequestException\",\"message\":\"one mutation at a "
				       "time\"}]}");
		return;
	}
	s->executing = client;
	sd_sbx_request(s->sbx, body, strlen(body), &who, s->now, out);
	if (sim_is_mutation(body))
		took_place(s, body, sd_buf_text(&out->body));
	s->executing = -1;
}

/* ---- steps ---- */
struct cJSON *sim_any_row(struct sim *s, const struct sd_model *m)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *rows = NULL, *pick = NULL;
	uint32_t n = 0, seen = 0;

	if (sd_sbx_dump(s->sbx, m->name, s->now, &b, NULL) == SD_OK &&
		sd_json_parse(b.data, b.len, "dump", &rows, NULL) == SD_OK) {
		for (const struct cJSON *c = sd_json_child(rows); c; c = sd_json_next(c))
			n += !sd_json_is_true(sd_json_get(c, "_deleted"));
		n = n ? sim_below(s, n) : 0;
		for (const struct cJSON *c = sd_json_child(rows); c && !pick; c = sd_json_next(c))
			if (!sd_json_is_true(sd_json_get(c, "_deleted")) && seen++ == n)
				pick = sd_json_dup(c);
	}
	sd_json_free(rows);
	sd_buf_release(&b);
	return pick;
}

/* Somebody with another program. */
static void admin(struct sim *s)
{
	const struct sd_schema *schema = s->w.schema[1];
	const struct sd_model *m = schema->models[sim_below(s, (uint32_t)schema->model_count)];
	struct cJSON *row = sim_any_row(s, m), *input = sd_json_object(), *out = NULL;
	struct sd_buf key = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	char text[40];
	bool removes = sim_chance(s, 15);
	enum sd_err rc;

	if (!row || sd_key_of(m, row, &key, NULL) != SD_OK ||
		sd_key_put(m, sd_buf_text(&key), input, NULL) != SD_OK)
		goto done;
	for (size_t i = 0; i < m->field_count && !removes; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->list || f->kind != SD_K_SCALAR || f->read_only || f->implicit ||
			sd_model_is_key(m, f) || sim_chance(s, 60))
			continue;
		snprintf(text, sizeof text, "srv-%d", ++s->tokens);
		if (f->scalar == SD_T_INT)
			sd_json_set(input, f->name, sd_json_int(sim_below(s, 1000)));
		else if (f->scalar == SD_T_STRING && !sd_model_relation_of(m, f))
			sd_json_set(input, f->name, sd_json_string(text));
	}
	rc = sd_sbx_mutate(s->sbx, removes ? "delete" : "update", m->name, input, s->now, &out, &e);
	sim_say(s, "  server: somebody %s %s %s: %s", removes ? "deletes" : "changes", m->name,
		sd_buf_text(&key), rc == SD_OK ? "done" : e.text);
	if (rc == SD_OK)
		sim_written(s, m, out);
done:
	sd_json_free(row);
	sd_json_free(input);
	sd_json_free(out);
	sd_buf_release(&key);
}

static void restart(struct sim *s)
{
	sim_say(s, "server restarts");
	for (int i = 0; i < s->clients; i++)
		sim_cut(s, i, true);
	sim_vfs_kill(s->sbx_path, sim_chance(s, 50));
	sd_sbx_close(s->sbx);
	sim_vfs_revive(s->sbx_path);
	s->sbx = NULL;
	sim_server_open(s);
}

bool sim_server_step(struct sim *s, const struct sim_step *p)
{
	struct sd_error e = {.code = SD_OK};

	switch (p->what) {
	case SIM_DOWN:
		sim_say(s, "server down");
		s->server_down = true;
		for (int i = 0; i < s->clients; i++)
			sim_cut(s, i, sim_chance(s, 80));
		sim_at(s, 500 + sim_below(s, 9000), SIM_SERVER_UP, -1);
		return true;
	case SIM_RESTART:
		restart(s);
		return true;
	case SIM_PURGE:
		sim_say(s, "tombstones expire");
		if (sd_sbx_purge(s->sbx, &e) != SD_OK)
			sim_wrong(s, "setup", "%s", e.text);
		s->purged = true;
		sim_purged(s);
		return true;
	case SIM_ADMIN:
		admin(s);
		return true;
	case SIM_AWAY:
		s->now += 20000 + sim_below(s, 5400000);
		return true;
	default:
		return false;
	}
}
