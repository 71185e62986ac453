/* tests/sim/sim_person.c - people who save and delete at random; see sim.h. */
#include "tests/sim/sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct edit {
	int client;
	const struct sd_model *m;
	struct cJSON *fields;
	struct {
		char field[16], token[24];
	} fresh[12]; /* what is new */
	size_t count;
	enum sim_do what;
	const char *condition; /* NULL without */
};

/* ---- what there is ---- */
const struct sd_model *sim_any_model(struct sim *s, int client, bool joins)
{
	const struct sd_schema *schema = s->w.schema[s->client[client].gen];
	const struct sd_model *m = schema->models[sim_below(s, (uint32_t)schema->model_count)];

	return m->join && !joins ? schema->models[0] : m;
}

static bool pick_one(void *ctx, struct cJSON *rec, int64_t rid)
{
	(void)rid;
	*(struct cJSON **)ctx = sd_json_dup(rec);
	return false;
}

struct cJSON *sim_any_record(struct sim *s, int client, const struct sd_model *m)
{
	struct sd_store *st = s->client[client].store;
	struct sd_query q = {.model = m, .by_rid = true, .state = -1, .limit = 1};
	struct cJSON *rec = NULL;
	int64_t n = 0;

	if (sd_rec_count(st, &q, &n, NULL) != SD_OK || n == 0)
		return NULL;
	q.offset = sim_below(s, (uint32_t)n);
	if (sd_rec_query(st, &q, pick_one, &rec, NULL) != SD_OK)
		return NULL;
	return rec;
}

/* ---- values ---- */
void sim_fresh(struct sim *s, int client, char out[24])
{
	snprintf(out, 24, "c%d-%d", client, ++s->tokens);
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

static struct cJSON *place(struct sim *s, const char *token)
{
	struct cJSON *o = sd_json_object();

	sd_json_add_str(o, "label", token);
	sd_json_add_int(o, "n", sim_below(s, 100));
	return o;
}

static struct cJSON *scalar(struct sim *s, const struct sd_field *f, const char *token)
{
	struct cJSON *o;
	char when[40];

	switch (f->scalar) {
	case SD_T_INT:
		return sd_json_int(sim_below(s, 1000));
	case SD_T_FLOAT:
		return sd_json_real(sim_below(s, 1000) / 4.0);
	case SD_T_BOOLEAN:
		return sd_json_bool(sim_chance(s, 50));
	case SD_T_AWSDATETIME:
		snprintf(when, sizeof when, "2024-0%u-1%uT03:04:05.%03uZ", 1 + sim_below(s, 9),
			sim_below(s, 10), sim_below(s, 1000));
		return sd_json_string(when);
	case SD_T_AWSJSON:
		o = sd_json_object();
		sd_json_add_str(o, "t", token);
		sd_json_add_int(o, "k", sim_below(s, 9));
		return o;
	default:
		return sd_json_string(token);
	}
}

struct cJSON *sim_value(struct sim *s, int client, const struct sd_field *f,
	const struct cJSON *old, char token[24])
{
	struct cJSON *list;

	token[0] = '\0';
	if (!f->required && !f->list && sim_chance(s, 5))
		return sd_json_null();
	if (sim_carries(f))
		sim_fresh(s, client, token);
	if (f->kind == SD_K_ENUM)
		return sd_json_string(f->en->values[sim_below(s, (uint32_t)f->en->value_count)]);
	if (!f->list)
		return f->kind == SD_K_NONMODEL ? place(s, token) : scalar(s, f, token);
	list = each_once(old);
	if (sd_json_child(list) && sim_chance(s, 20)) { /* one is taken out */
		struct cJSON *cut = sd_json_array();
		const struct cJSON *c = sd_json_next(sd_json_child(list));
		for (; c; c = sd_json_next(c))
			sd_json_push(cut, sd_json_dup(c));
		sd_json_free(list);
		token[0] = '\0';
		return cut;
	}
	sd_json_push(list, f->kind == SD_K_NONMODEL ? place(s, token) : scalar(s, f, token));
	return list;
}

/* ---- fields of an edit ---- */
static bool is_foreign(const struct sd_model *m, const struct sd_field *f)
{
	return sd_model_relation_of(m, f) != NULL;
}

static void set(struct sim *s, struct edit *x, const struct sd_field *f, const struct cJSON *rec)
{
	const struct cJSON *old = sd_json_get(rec, f->name);
	char token[24];
	struct cJSON *v = sim_value(s, x->client, f, old, token);

	/* what is cleared is noted, too: it hides what was there */
	if (sim_carries(f) && x->count < sizeof x->fresh / sizeof *x->fresh) {
		snprintf(x->fresh[x->count].field, sizeof x->fresh[0].field, "%s", f->name);
		snprintf(x->fresh[x->count].token, sizeof x->fresh[0].token, "%s", token);
		x->count++;
	}
	sd_json_set(x->fields, f->name, v);
}

/* The columns of a belongsTo; false: it needs a parent and there is none. */
static bool set_parent(struct sim *s, struct edit *x, const struct sd_field *f)
{
	struct cJSON *parent = NULL;
	bool needed = f->required || x->m->join;

	if (needed || sim_chance(s, 75))
		parent = sim_any_record(s, x->client, f->model);
	if (!parent && needed)
		return false;
	for (size_t i = 0; i < f->join_count; i++) {
		const struct cJSON *v = sd_json_get(parent, f->remote[i]);
		if (v)
			sd_json_set(x->fields, f->local[i], sd_json_dup(v));
	}
	sd_json_free(parent);
	return true;
}

static bool fill(struct sim *s, struct edit *x, const struct cJSON *rec)
{
	bool create = x->what == SIM_CREATE;

	for (size_t i = 0; i < x->m->field_count; i++) {
		const struct sd_field *f = &x->m->fields[i];
		if (f->kind == SD_K_MODEL) {
			if (f->assoc == SD_A_BELONGS_TO && f->join_count &&
				(create || sim_chance(s, 10)) && !set_parent(s, x, f))
				return false;
			continue;
		}
		if (!f->stored || f->read_only || sd_model_is_key(x->m, f) || is_foreign(x->m, f))
			continue;
		if ((create && f->required && !f->list) || sim_chance(s, create ? 60 : 35))
			set(s, x, f, rec);
	}
	for (size_t i = 0; i < x->m->field_count && !create && !sd_json_child(x->fields); i++)
		if (sim_carries(&x->m->fields[i]) && !is_foreign(x->m, &x->m->fields[i]) &&
			!sd_model_is_key(x->m, &x->m->fields[i]))
			set(s, x, &x->m->fields[i], rec);
	return true;
}

/* Two people may come upon the same key. */
static void new_key(struct sim *s, struct edit *x)
{
	char text[40];

	for (size_t k = 0; k < x->m->pk_count; k++) {
		const struct sd_field *f = &x->m->fields[x->m->pk[k]];
		if (f->scalar == SD_T_INT) {
			sd_json_set(x->fields, f->name, sd_json_int(2000 + sim_below(s, 3)));
			continue;
		}
		if (x->m->managed_id && sim_chance(s, 60))
			continue; /* the product makes one */
		snprintf(text, sizeof text, "k%u",
			sim_chance(s, 30) ? sim_below(s, 12)
					  : 1000u * (unsigned)x->client + sim_below(s, 1000));
		sd_json_set(x->fields, f->name, sd_json_string(text));
	}
}

/* ---- saving ---- */
static void noted(struct sim *s, struct edit *x, const char *key)
{
	size_t first = s->edit_count;

	if (x->condition)
		sim_record_of(s, x->m, key)->conditional = true;
	for (size_t i = 0; i < x->count; i++) {
		const char *name = x->fresh[i].field;
		if (sd_model_field(x->m, name)->list)
			sim_note_list(s, x->client, x->m, key, name, sd_json_get(x->fields, name));
		sim_note(s, x->client, x->m, key, name, x->fresh[i].token);
	}
	sim_note_seq(s, x->client, x->m, key, first);
}

static void noted_deleted(struct sim *s, int client, const struct cJSON *deleted)
{
	for (const struct cJSON *d = sd_json_child(deleted); d; d = sd_json_next(d)) {
		const struct sd_schema *schema = s->w.schema[s->client[client].gen];
		const struct sd_model *m = sd_schema_model(schema, sd_json_get_str(d, "_model"));
		struct sd_buf key = SD_BUF_INIT;
		if (m && sd_key_of(m, d, &key, NULL) == SD_OK) {
			size_t first = s->edit_count;
			sim_note(s, client, m, sd_buf_text(&key), "", "");
			sim_note_seq(s, client, m, sd_buf_text(&key), first);
			/* what the server never had need not go there */
			if (!s->edits[first].seq && sd_json_is_null(sd_json_get(d, "_version")))
				s->edits[first].given_up = true;
		}
		sd_buf_release(&key);
	}
}

static enum sd_err write_it(struct sim *s, struct edit *x, const char *key, struct cJSON *deleted,
	struct cJSON **rec, struct sd_error *e)
{
	struct sd_store *st = s->client[x->client].store;
	struct sd_write_env env = {sim_clock(s, x->client), &s->client[x->client].rand};
	const struct sd_schema *schema = s->w.schema[s->client[x->client].gen];
	struct sd_pred *cond = NULL;
	enum sd_save_mode mode = x->what == SIM_SAVE ? SD_SAVE_UPDATE
				 : sim_chance(s, 20) ? SD_SAVE_UPSERT
						     : SD_SAVE_CREATE;
	enum sd_err rc = SD_OK;

	if (x->condition)
		rc = sd_pred_parse(schema, x->m, x->condition, &cond, e);
	if (rc == SD_OK)
		rc = sd_store_begin(st, e);
	if (rc == SD_OK && x->what == SIM_DELETE)
		rc = sd_write_delete(st, x->m, key, cond, false, &env, deleted, e);
	else if (rc == SD_OK)
		rc = sd_write_save(st, x->m, mode, x->fields, cond, &env, rec, NULL, e);
	if (rc == SD_OK)
		rc = sd_store_commit(st, e);
	else
		sd_store_rollback(st);
	sd_pred_free(cond);
	return rc;
}

/* As a front end does it: a transaction of its own; what is refused leaves no trace. */
static void carry(struct sim *s, struct edit *x, const char *key)
{
	struct cJSON *deleted = sd_json_array(), *rec = NULL;
	struct sd_error e = {.code = SD_OK};
	struct sd_buf saved = SD_BUF_INIT;
	enum sd_err rc = write_it(s, x, key, deleted, &rec, &e);
	char *text = sd_json_text(x->fields);

	sim_say(s, "client %d: %s %s %s %s%s%s%s%s", x->client, sim_do_name(x->what), x->m->name,
		key, text, x->condition ? " if " : "", x->condition ? x->condition : "",
		rc == SD_OK ? "" : ": ", rc == SD_OK ? "" : e.text);
	free(text);
	if (rc != SD_OK && rc != SD_INVAL && rc != SD_NOTFOUND && rc != SD_BUSY)
		sim_wrong(s, "save", "client %d: saving: %s", x->client, e.text);
	if (rc == SD_OK && x->what == SIM_DELETE)
		noted_deleted(s, x->client, deleted);
	else if (rc == SD_OK && sd_key_of(x->m, rec, &saved, NULL) == SD_OK)
		noted(s, x, sd_buf_text(&saved));
	if (rc == SD_OK)
		sim_store_changed(s, x->client);
	sd_buf_release(&saved);
	sd_json_free(rec);
	sd_json_free(deleted);
}

bool sim_person_step(struct sim *s, const struct sim_step *p)
{
	struct edit x = {.client = p->client, .what = p->what};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *rec = NULL;
	bool ok = true;

	if (p->what != SIM_SAVE && p->what != SIM_CREATE && p->what != SIM_DELETE)
		return false;
	if (!s->client[p->client].en)
		return true; /* nobody there */
	x.m = sim_any_model(s, p->client, p->what != SIM_SAVE);
	x.fields = sd_json_object();
	if (p->what != SIM_CREATE) {
		rec = sim_any_record(s, p->client, x.m);
		ok = rec && sd_key_of(x.m, rec, &key, NULL) == SD_OK &&
		     (p->what == SIM_DELETE ||
			     sd_key_put(x.m, sd_buf_text(&key), x.fields, NULL) == SD_OK);
		if (!rec && p->what == SIM_SAVE) {
			x.what = SIM_CREATE;
			ok = true;
		}
	}
	if (x.what == SIM_CREATE)
		new_key(s, &x);
	if (ok && x.what != SIM_DELETE)
		ok = fill(s, &x, rec);
	if (ok && x.what != SIM_CREATE && sd_model_field(x.m, "n") && sim_chance(s, 12))
		x.condition = "n < 700";
	if (ok)
		carry(s, &x, sd_buf_text(&key));
	sd_buf_release(&key);
	sd_json_free(rec);
	sd_json_free(x.fields);
	return true;
}
