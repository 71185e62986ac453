/* tests/sim/sim_check.c - what must be true when the dust has settled; see sim.h. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what the server wrote, version by version ---- */
static void record_item(struct sim *s, const struct sd_model *m, const struct cJSON *item)
{
	struct sd_buf key = SD_BUF_INIT, name = SD_BUF_INIT;
	struct cJSON *list;

	if (!sd_json_is_object(item) || sd_key_of(m, item, &key, NULL) != SD_OK)
		goto done;
	sd_buf_fmt(&name, "%s %s", m->name, sd_buf_text(&key));
	list = sd_json_get(s->history, sd_buf_text(&name));
	if (!list) {
		sd_json_add(s->history, sd_buf_text(&name), sd_json_array());
		list = sd_json_get(s->history, sd_buf_text(&name));
	}
	sd_json_push(list, sd_json_dup(item));
done:
	sd_buf_release(&key);
	sd_buf_release(&name);
}

void sim_record(struct sim *s, const char *answer)
{
	struct cJSON *j = NULL;

	if (sd_json_parse(answer, strlen(answer), "answer", &j, NULL) != SD_OK)
		return;
	for (const struct cJSON *c = sd_json_child(sd_json_get(j, "data")); c;
		c = sd_json_next(c)) {
		/* createPost, updatePost ... or an alias: the fields tell which model it is */
		const char *model = sd_json_get(c, "title") || sd_json_get(c, "tags") ? "Post"
				    : sd_json_get(c, "isbn")                          ? "Book"
										      : "Comment";
		record_item(s, sd_schema_model(s->schema, model), c);
	}
	sd_json_free(j);
}

static bool holds(const struct cJSON *rec, const char *field, const char *token)
{
	const struct cJSON *v = sd_json_get(rec, field);

	if (sd_json_str(v))
		return strcmp(sd_json_str(v), token) == 0;
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
		if (sd_json_str(c) && strcmp(sd_json_str(c), token) == 0)
			return true;
	return false;
}

/* Is the value of the edit (or the deletion) anywhere in the server's history? */
static bool was_written(struct sim *s, const struct sim_edit *x, bool *known)
{
	struct sd_buf name = SD_BUF_INIT;
	const struct cJSON *list;
	bool found = false;

	sd_buf_fmt(&name, "%s %s", x->model->name, x->key);
	list = sd_json_get(s->history, sd_buf_text(&name));
	*known = list != NULL;
	for (const struct cJSON *c = sd_json_child(list); c && !found; c = sd_json_next(c))
		found = x->removes ? sd_json_is_true(sd_json_get(c, "_deleted"))
				   : holds(c, x->field, x->token);
	sd_buf_release(&name);
	return found;
}

struct lane_look {
	const struct sim_edit *x;
	bool found;
};

static bool in_lane(void *ctx, struct sd_mutation *m)
{
	struct lane_look *l = ctx;

	l->found = l->found || (l->x->removes ? m->op == SD_OP_DELETE
					      : holds(m->fields, l->x->field, l->x->token));
	return !l->found;
}

/* Nothing that was saved is lost in silence. */
static void check_edits(struct sim *s)
{
	for (size_t i = 0; i < s->edit_count && !s->why[0]; i++) {
		const struct sim_edit *x = &s->edits[i];
		struct lane_look look = {.x = x};
		bool known;
		if (x->excused || was_written(s, x, &known) || (x->removes && !known))
			continue;
		if (sd_outbox_of(s->client[x->client].store, x->model, x->key, in_lane, &look,
			    NULL) != SD_OK ||
			!look.found)
			sim_wrong(s, "client %d: %s %s: %s %s is lost", x->client, x->model->name,
				x->key, x->removes ? "the deletion" : x->field, x->token);
	}
}

/* One record at a time, created once, versions one by one, no list element twice. */
static void check_history(struct sim *s)
{
	for (const struct cJSON *h = sd_json_child(s->history); h && !s->why[0];
		h = sd_json_next(h)) {
		int64_t last = 0;
		const struct cJSON *newest = NULL;
		for (const struct cJSON *c = sd_json_child(h); c; c = sd_json_next(c)) {
			int64_t v = sd_json_get_i64(c, "_version", -1);
			if (v != last + 1)
				sim_wrong(s, "%s: version %lld after %lld", sd_json_name(h),
					(long long)v, (long long)last);
			last = v;
			newest = c;
		}
		if (sd_json_is_true(sd_json_get(newest, "_deleted")))
			continue;
		for (const struct cJSON *a = sd_json_child(sd_json_get(newest, "tags")); a;
			a = sd_json_next(a))
			for (const struct cJSON *b = sd_json_next(a); b; b = sd_json_next(b))
				if (sd_json_equal(a, b, false))
					sim_wrong(s, "%s: the list element %s stands twice",
						sd_json_name(h), sd_json_str(a));
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

static bool take_row(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct map *p = ctx;
	struct sd_buf key = SD_BUF_INIT;

	(void)rid;
	if (sd_key_of(p->m, rec, &key, NULL) == SD_OK)
		sd_json_add(p->by_key, sd_buf_text(&key), sd_json_dup(rec));
	sd_buf_release(&key);
	return true;
}

static bool same_record(const struct sd_model *m, const struct cJSON *a, const struct cJSON *b)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->stored &&
			!sd_json_equal(sd_json_get(a, f->name), sd_json_get(b, f->name), true))
			return false;
	}
	return sd_json_equal(sd_json_get(a, "_version"), sd_json_get(b, "_version"), true);
}

static void differ(struct sim *s, int client, const struct sd_model *m, const char *key,
	const struct cJSON *here, const struct cJSON *there)
{
	char *a = sd_json_text(here), *b = sd_json_text(there);

	sim_wrong(s, "client %d: %s %s: here %s, there %s", client, m->name, key, a, b);
	free(a);
	free(b);
}

static void check_model(
	struct sim *s, int client, const struct sd_model *m, const struct cJSON *server)
{
	struct sd_query q = {.model = m, .by_rid = true, .state = -1};
	struct map here = {.by_key = sd_json_object(), .s = s, .client = client, .m = m};
	struct sd_error e = {.code = SD_OK};

	if (sd_rec_query(s->client[client].store, &q, take_row, &here, &e) != SD_OK)
		sim_wrong(s, "client %d: %s", client, e.text);
	for (const struct cJSON *c = sd_json_child(server); c; c = sd_json_next(c)) {
		struct sd_buf key = SD_BUF_INIT;
		struct cJSON *mine;
		bool entry = false;
		if (sd_key_of(m, c, &key, NULL) != SD_OK)
			continue;
		mine = sd_json_detach(here.by_key, sd_buf_text(&key));
		if (sd_outbox_of(s->client[client].store, m, sd_buf_text(&key), has_entry, &entry,
			    NULL) == SD_OK &&
			!entry) {
			bool gone = sd_json_is_true(sd_json_get(c, "_deleted"));
			if (gone ? mine != NULL : !mine || !same_record(m, mine, c))
				differ(s, client, m, sd_buf_text(&key), mine, c);
		}
		sd_json_free(mine);
		sd_buf_release(&key);
	}
	for (const struct cJSON *c = sd_json_child(here.by_key); c; c = sd_json_next(c)) {
		bool entry = false;
		if (sd_outbox_of(s->client[client].store, m, sd_json_name(c), has_entry, &entry,
			    NULL) == SD_OK &&
			!entry)
			differ(s, client, m, sd_json_name(c), c, NULL);
	}
	sd_json_free(here.by_key);
}

/* ---- the journals ---- */
struct seen {
	struct sim *s;
	int client;
	struct cJSON *versions;
};

static bool grows(void *ctx, const struct sd_journal *j)
{
	struct seen *v = ctx;
	struct sd_buf name = SD_BUF_INIT;

	/* a row with unsent changes shows the version those were made on (seq says which): it may
	 * be older than what is known of the server */
	if (j->kind > SD_J_META || j->version < 0 || !j->model || !j->key || j->seq)
		return true;
	sd_buf_fmt(&name, "%s %s", j->model->name, j->key);
	if (j->version < sd_json_get_i64(v->versions, sd_buf_text(&name), 0))
		sim_wrong(v->s, "client %d: %s went back to version %lld (%s)", v->client,
			sd_buf_text(&name), (long long)j->version, sd_source_name(j->source));
	sd_json_set(v->versions, sd_buf_text(&name), sd_json_int(j->version));
	sd_buf_release(&name);
	return true;
}

static void check_client(struct sim *s, int client)
{
	struct sd_error e = {.code = SD_OK};
	struct seen seen = {.s = s, .client = client, .versions = sd_json_object()};
	struct sd_outbox_counts n;

	if (sd_store_check(s->client[client].store, &e) != SD_OK)
		sim_wrong(s, "client %d: the store: %s", client, e.text);
	if (sd_journal_each(s->client[client].store, 0, 0, grows, &seen, &e) != SD_OK)
		sim_wrong(s, "client %d: the journal: %s", client, e.text);
	if (sd_outbox_counts(s->client[client].store, NULL, &n, &e) == SD_OK &&
		(n.lane[SD_LANE_SENDING] || n.lane[SD_LANE_CONFLICT]))
		sim_wrong(s, "client %d: something is left on its way", client);
	sd_json_free(seen.versions);
}

void sim_check(struct sim *s)
{
	for (size_t i = 0; i < s->schema->model_count && !s->why[0]; i++) {
		const struct sd_model *m = s->schema->models[i];
		struct sd_buf b = SD_BUF_INIT;
		struct cJSON *server = NULL;
		struct sd_error e = {.code = SD_OK};
		if (sd_sbx_dump(s->sbx, m->name, s->now, &b, &e) != SD_OK ||
			sd_json_parse(b.data, b.len, "dump", &server, &e) != SD_OK)
			sim_wrong(s, "dump of %s: %s", m->name, e.text);
		for (int c = 0; c < SIM_CLIENTS && server; c++)
			check_model(s, c, m, server);
		sd_json_free(server);
		sd_buf_release(&b);
	}
	for (int c = 0; c < SIM_CLIENTS && !s->why[0]; c++)
		check_client(s, c);
	if (!s->why[0])
		check_history(s);
	if (!s->why[0])
		check_edits(s);
}
