/* tests/sim/sim_person.c - people who edit at random and decide conflicts at random; see sim.h. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/sync/merge.h"

static struct sim_edit *note(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const char *token)
{
	struct sim_edit *x;

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
	snprintf(x->field, sizeof x->field, "%s", field);
	snprintf(x->token, sizeof x->token, "%s", token);
	return x;
}

/* What the same person saved there before need not be found any more.  field NULL: any. */
static void excuse(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const char *token)
{
	for (size_t i = 0; i < s->edit_count; i++) {
		struct sim_edit *x = &s->edits[i];
		if (x->client == client && x->model == m && strcmp(x->key, key) == 0 &&
			(!field || strcmp(x->field, field) == 0) &&
			(!token || strcmp(x->token, token) == 0))
			x->excused = true;
	}
}

/* ---- what there is to edit ---- */
struct pick {
	uint32_t left;
	struct cJSON *rec;
};

static bool pick_one(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct pick *p = ctx;

	(void)rid;
	if (p->left-- > 0)
		return true;
	p->rec = sd_json_dup(rec);
	return false;
}

static struct cJSON *any_record(struct sim *s, struct sim_client *c, const struct sd_model *m)
{
	struct sd_query q = {.model = m, .by_rid = true, .state = -1};
	struct pick p = {.rec = NULL};
	int64_t n = 0;

	if (sd_rec_count(c->store, &q, &n, NULL) != SD_OK || n == 0)
		return NULL;
	p.left = sim_below(s, (uint32_t)n);
	if (sd_rec_query(c->store, &q, pick_one, &p, NULL) != SD_OK)
		return NULL;
	return p.rec;
}

/* ---- edits ---- */
struct edit {
	int client;
	const struct sd_model *m;
	struct cJSON *fields;
	char key[100];
	char field[3][16], token[3][32]; /* what is new */
	size_t count;
	char dropped[32]; /* a list element taken out */
	bool create, remove;
	const char *condition; /* NULL without */
};

static void fresh(struct sim *s, struct edit *x, const char *field)
{
	snprintf(x->field[x->count], sizeof x->field[0], "%s", field);
	snprintf(x->token[x->count], sizeof x->token[0], "c%d-%d", x->client, ++s->tokens);
	x->count++;
}

static void set_text(struct sim *s, struct edit *x, const char *field)
{
	fresh(s, x, field);
	sd_json_set(x->fields, field, sd_json_string(x->token[x->count - 1]));
}

/* People tidy up: what a race doubled for a moment is not saved again twice. */
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

static void set_tags(struct sim *s, struct edit *x, const struct cJSON *rec)
{
	struct cJSON *tags = each_once(sd_json_get(rec, "tags"));

	if (sd_json_child(tags) && sim_chance(s, 25)) {
		struct cJSON *cut = sd_json_array(), *c = sd_json_child(tags);
		snprintf(x->dropped, sizeof x->dropped, "%s", sd_json_str(c));
		for (c = sd_json_next(c); c; c = sd_json_next(c))
			sd_json_push(cut, sd_json_dup(c));
		sd_json_free(tags);
		tags = cut;
	} else {
		fresh(s, x, "tags");
		sd_json_push(tags, sd_json_string(x->token[x->count - 1]));
	}
	sd_json_set(x->fields, "tags", tags);
}

static void fill(struct sim *s, struct edit *x, const struct cJSON *rec)
{
	if (strcmp(x->m->name, "Post") == 0) {
		if (x->create || sim_chance(s, 60))
			set_text(s, x, "title");
		if (sim_chance(s, 40))
			sd_json_set(x->fields, "rating", sd_json_int(sim_below(s, 1000)));
		if (sim_chance(s, 40) || !sd_json_child(x->fields))
			set_tags(s, x, rec);
	} else if (strcmp(x->m->name, "Comment") == 0) {
		set_text(s, x, "text");
	} else {
		if (x->create || sim_chance(s, 70))
			set_text(s, x, "name");
		if (sim_chance(s, 50) || !sd_json_child(x->fields))
			sd_json_set(x->fields, "stock", sd_json_int(sim_below(s, 1000)));
	}
}

static void new_key(struct sim *s, struct edit *x, struct sim_client *c)
{
	char id[SD_UUID_TEXT];
	int n = ++s->tokens;

	if (strcmp(x->m->name, "Book") == 0) {
		snprintf(id, sizeof id, "isbn-%d", n);
		sd_json_set(x->fields, "isbn", sd_json_string(id));
		sd_json_set(x->fields, "year", sd_json_int(1900 + n % 100));
		return;
	}
	if (sim_chance(s, 50))
		sd_uuid4(&s->rand, id);
	else
		snprintf(id, sizeof id, "id-%d", n);
	sd_json_set(x->fields, "id", sd_json_string(id));
	if (strcmp(x->m->name, "Comment") == 0) {
		struct cJSON *post = any_record(s, c, sd_schema_model(s->schema, "Post"));
		if (post)
			sd_json_set(x->fields, "post", sd_json_dup(sd_json_get(post, "id")));
		sd_json_free(post);
	}
}

static void noted(struct sim *s, struct edit *x)
{
	for (size_t i = 0; i < x->count; i++) {
		if (strcmp(x->field[i], "tags") != 0)
			excuse(s, x->client, x->m, x->key, x->field[i], NULL);
		note(s, x->client, x->m, x->key, x->field[i], x->token[i]);
	}
	if (x->dropped[0])
		excuse(s, x->client, x->m, x->key, "tags", x->dropped);
}

static void noted_deleted(struct sim *s, int client, const struct cJSON *deleted)
{
	for (const struct cJSON *d = sd_json_child(deleted); d; d = sd_json_next(d)) {
		const struct sd_model *m = sd_schema_model(s->schema, sd_json_get_str(d, "_model"));
		struct sd_buf key = SD_BUF_INIT;
		if (m && sd_key_of(m, d, &key, NULL) == SD_OK) {
			excuse(s, client, m, sd_buf_text(&key), NULL, NULL);
			note(s, client, m, sd_buf_text(&key), "", "")->removes = true;
		}
		sd_buf_release(&key);
	}
}

/* As a front end does it: a transaction of its own; what is refused leaves no trace. */
static bool write_it(struct sim *s, struct sim_client *c, struct edit *x)
{
	struct sd_write_env env = {.now_ms = s->now, .rand = &c->rand};
	struct sd_error e = {.code = SD_OK};
	struct cJSON *deleted = sd_json_array();
	struct sd_buf key = SD_BUF_INIT;
	struct sd_pred *cond = NULL;
	enum sd_err rc = SD_OK;

	if (x->condition)
		rc = sd_pred_parse(s->schema, x->m, x->condition, &cond, &e);
	if (rc == SD_OK)
		rc = sd_store_begin(c->store, &e);
	if (rc == SD_OK && x->remove)
		rc = sd_write_delete(c->store, x->m, x->key, cond, false, &env, deleted, &e);
	else if (rc == SD_OK)
		rc = sd_write_save(c->store, x->m, x->create ? SD_SAVE_CREATE : SD_SAVE_UPDATE,
			x->fields, cond, &env, NULL, NULL, &e);
	if (rc == SD_OK)
		rc = sd_store_commit(c->store, &e);
	else
		sd_store_rollback(c->store);
	if (rc != SD_OK) {
		sim_say(s, "client %d: not saved: %s", x->client, e.text);
		if (rc != SD_INVAL && rc != SD_NOTFOUND && rc != SD_BUSY)
			sim_wrong(s, "client %d: saving: %s", x->client, e.text);
	} else if (x->remove) {
		noted_deleted(s, x->client, deleted);
	} else if (sd_key_of(x->m, x->fields, &key, &e) == SD_OK) {
		snprintf(x->key, sizeof x->key, "%s", sd_buf_text(&key));
		noted(s, x);
	}
	sd_pred_free(cond);
	sd_buf_release(&key);
	sd_json_free(deleted);
	return rc == SD_OK;
}

static enum sd_err changed(struct sim *s, struct sim_client *c, void *arg, struct sd_error *e)
{
	(void)arg;
	return sd_engine_store_changed(c->en, s->now, e);
}

void sim_person(struct sim *s, int client)
{
	static const char *const models[] = {"Post", "Post", "Post", "Comment", "Book"};
	struct sim_client *c = &s->client[client];
	struct edit x = {.client = client};
	struct cJSON *rec;
	struct sd_buf key = SD_BUF_INIT;
	char *text;

	if (!c->en || s->why[0])
		return;
	x.m = sd_schema_model(s->schema, models[sim_below(s, 5)]);
	rec = any_record(s, c, x.m);
	x.create = !rec || sim_chance(s, 20);
	x.remove = !x.create && sim_chance(s, 12);
	x.fields = sd_json_object();
	if (x.create) {
		new_key(s, &x, c);
	} else if (sd_key_of(x.m, rec, &key, NULL) == SD_OK) {
		snprintf(x.key, sizeof x.key, "%s", sd_buf_text(&key));
		if (sd_key_put(x.m, x.key, x.fields, NULL) != SD_OK)
			sim_wrong(s, "key %s", x.key);
	}
	if (!x.remove)
		fill(s, &x, x.create ? NULL : rec);
	if (!x.create && strcmp(x.m->name, "Book") == 0 && sim_chance(s, 40))
		x.condition = "stock lt 700";
	text = sd_json_text(x.fields);
	sim_say(s, "client %d: %s %s %s%s%s", client, x.remove ? "delete" : "save", x.m->name, text,
		x.condition ? " if " : "", x.condition ? x.condition : "");
	free(text);
	if (write_it(s, c, &x) && !sim_chance(s, 5)) /* sometimes it dies before it looks */
		sim_input(s, client, "store changed", changed, NULL);
	sd_buf_release(&key);
	sd_json_free(x.fields);
	sd_json_free(rec);
}

/* ---- decisions ---- */
struct ids {
	int64_t v[64];
	size_t count;
};

static bool collect(void *ctx, struct sd_conflict *c)
{
	struct ids *l = ctx;

	if (l->count < 64)
		l->v[l->count++] = c->id;
	return true;
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
		struct cJSON *once = each_once(v);
		if (f->field->list && (v == f->suggestion || !sd_json_equal(once, v, false)))
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
	struct sim_client *c = &s->client[client];
	enum sd_pick keep = keeps[sim_below(s, 4)];
	struct sd_conflict conflict;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *sets = NULL, *write = NULL;
	char *text;

	if (sd_conflict_get(c->store, id, &conflict, &e) != SD_OK) {
		sim_wrong(s, "client %d: conflict %lld: %s", client, (long long)id, e.text);
		return;
	}
	if (keep == SD_PICK_BASE && !conflict.base)
		keep = SD_PICK_THEIRS;
	sets = lists(&conflict, keep);
	if (sd_store_begin(c->store, &e) != SD_OK ||
		sd_conflict_resolve(c->store, id, keep, NULL, sets, "person", false, s->now, &write,
			&e) != SD_OK ||
		sd_store_commit(c->store, &e) != SD_OK) {
		sim_wrong(s, "client %d: resolving %lld: %s", client, (long long)id, e.text);
		sd_store_rollback(c->store);
	} else if (keep != SD_PICK_MINE) {
		excuse(s, client, conflict.model, conflict.key, NULL, NULL);
	}
	text = sd_json_text(write);
	sim_say(s, "client %d: conflict %lld of %s %s (%s): keeps %s: %s", client, (long long)id,
		conflict.model->name, conflict.key, sd_shape_name(conflict.shape),
		sd_pick_name(keep), text ? text : "");
	free(text);
	sd_json_free(write);
	sd_json_free(sets);
	sd_conflict_release(&conflict);
}

int sim_decide(struct sim *s, int client)
{
	struct sim_client *c = &s->client[client];
	struct ids l = {.count = 0};

	if (s->why[0] || sd_conflict_each(c->store, collect, &l, NULL) != SD_OK)
		return 0;
	for (size_t i = 0; i < l.count && !s->why[0]; i++)
		decide(s, client, l.v[i]);
	if (l.count)
		sim_input(s, client, "store changed", changed, NULL);
	return (int)l.count;
}
