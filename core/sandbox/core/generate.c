/*
 * core/sandbox/core/generate.c - from models to a GraphQL API: output types and connections
 * (spec/server.md 1.1, 1.2, 1.8).  Inputs are in generate_input.c, root fields in generate_root.c.
 */
#include "core/sandbox/core/types.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"

struct sbx_ref sbx_ref_of_field(struct sbx_schema *x, const struct sd_field *f, bool input)
{
	struct sbx_ref r = {.list = f->list};
	const char *name = f->type_name;

	if (f->kind == SD_K_SCALAR)
		name = sd_scalar_name(f->scalar);
	else if (f->kind == SD_K_ENUM && f->en)
		name = f->en->name;
	else if (f->kind == SD_K_NONMODEL && input)
		name = sbx_fmt(&x->arena, "%sInput", f->type_name);
	r.type = sbx_type_at(x, name);
	r.non_null = f->list ? !f->list_nullable : f->required;
	r.item_non_null = f->list && f->required;
	return r;
}

static void define_enums(struct sbx_schema *x, const struct sd_schema *schema)
{
	for (size_t i = 0; i < schema->enum_count; i++) {
		const struct sd_enum *en = schema->enums[i];
		struct sbx_type *t = sbx_type_define(x, SBX_ENUM, en->name);
		if (!t)
			continue;
		t->values = sbx_alloc(&x->arena, (en->value_count + 1) * sizeof *t->values);
		for (size_t k = 0; t->values && k < en->value_count; k++)
			t->values[t->value_count++] = en->values[k];
	}
}

static void define_nonmodels(struct sbx_schema *x, const struct sd_schema *schema)
{
	for (size_t i = 0; i < schema->nonmodel_count; i++) {
		const struct sd_nonmodel *n = schema->nonmodels[i];
		struct sbx_type *out = sbx_type_define(x, SBX_OBJECT, n->name);
		struct sbx_type *in =
			sbx_type_define(x, SBX_INPUT, sbx_fmt(&x->arena, "%sInput", n->name));
		for (size_t k = 0; k < n->field_count; k++) {
			const struct sd_field *f = &n->fields[k];
			struct sbx_field *o;
			if (f->kind == SD_K_MODEL)
				continue;
			o = sbx_add_ref(x, out, f->name, sbx_ref_of_field(x, f, false));
			if (o)
				o->src = f;
			o = sbx_add_ref(x, in, f->name, sbx_ref_of_field(x, f, true));
			if (o)
				o->src = f;
		}
	}
}

static bool is_timestamp(const struct sd_model *m, const char *name)
{
	return sd_str_eq(name, m->created_at) || sd_str_eq(name, m->updated_at);
}

/* The timestamps are filled in unless the schema gives them another type (1.1). */
static bool auto_filled(const struct sd_model *m, const char *name)
{
	const struct sd_field *f = name ? sd_model_field(m, name) : NULL;

	return name && (!f || (f->kind == SD_K_SCALAR && !f->list &&
				      (f->scalar == SD_T_STRING || f->scalar == SD_T_AWSDATETIME)));
}

static void add_column(struct sbx_schema *x, struct sbx_model *sm, const struct sd_field *f)
{
	struct sbx_field *o;

	if (f->kind == SD_K_MODEL) {
		struct sbx_model *other =
			f->type_name ? sd_map_get(&x->by_name, f->type_name) : NULL;
		if (!other)
			return;
		if (f->assoc == SD_A_HAS_MANY) {
			o = sbx_add_ref(x, sm->out, f->name, (struct sbx_ref){.type = other->conn});
		} else {
			o = sbx_add_ref(x, sm->out, f->name,
				(struct sbx_ref){.type = other->out, .non_null = f->required});
		}
		if (o) {
			o->res = f->assoc == SD_A_HAS_MANY ? SBX_HAS_MANY : SBX_ONE;
			o->model = other;
			sbx_generate_relation(x, other, o, f);
		}
	} else {
		o = sbx_add_ref(x, sm->out, f->name, sbx_ref_of_field(x, f, false));
	}
	if (o) {
		o->src = f;
		sbx_field_rules(x, sm, o);
	}
}

static void add_timestamp(struct sbx_schema *x, struct sbx_model *sm, const char *name)
{
	const struct sd_field *f = name ? sd_model_field(sm->m, name) : NULL;
	struct sbx_field *o;

	if (!name || sbx_field_find(sm->out, name))
		return;
	o = sbx_add(x, sm->out, name, "AWSDateTime!");
	if (o)
		o->src = f;
}

static void add_owners(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;

	for (size_t i = 0; i < m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		struct sbx_field *o;
		if (r->allow != SD_ALLOW_OWNER || !r->owner_field)
			continue;
		o = sbx_field_find(sm->out, r->owner_field);
		if (!o)
			o = sbx_add(x, sm->out, r->owner_field, "String");
		if (o)
			o->owner = true;
	}
}

static void output_type(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;

	sm->out->description = sm->def ? sm->def->description : NULL;
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (!f->implicit && !(f->read_only && is_timestamp(m, f->name)))
			add_column(x, sm, f);
	}
	add_timestamp(x, sm, m->created_at);
	add_timestamp(x, sm, m->updated_at);
	if (sm->versioned) {
		sbx_add(x, sm->out, "_version", "Int!");
		sbx_add(x, sm->out, "_deleted", "Boolean");
		sbx_add(x, sm->out, "_lastChangedAt", "AWSTimestamp!");
	}
	add_owners(x, sm);
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].implicit)
			add_column(x, sm, &m->fields[i]);
}

static void connection_type(struct sbx_schema *x, struct sbx_model *sm)
{
	sbx_add_ref(x, sm->conn, "items",
		(struct sbx_ref){.type = sm->out, .list = true, .non_null = true});
	sbx_add(x, sm->conn, "nextToken", "String");
	if (sm->versioned)
		sbx_add(x, sm->conn, "startedAt", "AWSTimestamp");
}

/* A plural of its own: @model(plural: "...") stands above the rule; JSON forms say theirs. */
static const char *plural_of(struct sbx_schema *x, const struct sbx_model *sm)
{
	const struct sd_sdl_directive *d =
		sm->def ? sd_sdl_directive(sm->def->directives, sm->def->directive_count, "model")
			: NULL;
	const struct sd_sdl_value *v = d ? sd_sdl_arg(d, "plural") : NULL;

	if (v && v->kind == SD_SDL_STRING)
		return v->text;
	if (!sm->def && sm->m->plural && *sm->m->plural)
		return sm->m->plural;
	return sbx_plural(&x->arena, sm->m->name);
}

static const char *table_of(struct sbx_schema *x, const struct sbx_model *sm)
{
	size_t same = 0;

	for (const struct sbx_model *o = x->models; o < sm; o++)
		same += strcasecmp(o->m->name, sm->m->name) == 0;
	return same ? sbx_fmt(&x->arena, "\"base_%s#%zu\"", sm->m->name, same)
		    : sbx_fmt(&x->arena, "\"base_%s\"", sm->m->name);
}

static struct sbx_type *named(struct sbx_schema *x, enum sbx_kind kind, const char *fmt_a,
	const char *name, const char *fmt_b)
{
	return sbx_type_define(x, kind, sbx_fmt(&x->arena, "%s%s%s", fmt_a, name, fmt_b));
}

static void open_model(struct sbx_schema *x, struct sbx_model *sm, const struct sd_model *m,
	const struct sd_schema *schema, const struct sbx_choice *choice, bool datastore)
{
	char *up = sbx_copy(&x->arena, m->name);

	sm->m = m;
	sm->def = schema->sdl ? sd_sdl_find(schema->sdl, m->name) : NULL;
	sm->strategy = choice->strategy;
	sm->lambda = choice->lambda;
	sm->versioned = datastore && choice->strategy != SD_STRATEGY_NONE;
	sm->plural = plural_of(x, sm);
	sm->table = table_of(x, sm);
	sm->auto_created = auto_filled(m, m->created_at);
	sm->auto_updated = auto_filled(m, m->updated_at);
	if (!up)
		return;
	if (*up >= 'a' && *up <= 'z')
		*up = (char)(*up - 'a' + 'A');
	sm->out = sbx_type_define(x, SBX_OBJECT, m->name);
	if (sm->out)
		sm->out->model = sm;
	sm->conn = named(x, SBX_OBJECT, "Model", up, "Connection");
	sm->filter = named(x, SBX_INPUT, "Model", up, "FilterInput");
	sm->cond = named(x, SBX_INPUT, "Model", up, "ConditionInput");
	sm->sub_filter = named(x, SBX_INPUT, "ModelSubscription", up, "FilterInput");
	sm->create_in = named(x, SBX_INPUT, "Create", up, "Input");
	sm->update_in = named(x, SBX_INPUT, "Update", up, "Input");
	sm->delete_in = named(x, SBX_INPUT, "Delete", up, "Input");
	if (!sd_map_put(&x->by_name, m->name, sm, NULL))
		x->arena.failed = true;
}

static enum sd_err check_names(const struct sd_schema *schema, struct sd_error *e)
{
	for (size_t i = 0; i < schema->model_count; i++) {
		const struct sd_model *m = schema->models[i];
		if (!sbx_is_name(m->name) || strncmp(m->name, "__", 2) == 0)
			return sd_fail(e, SD_INVAL, 0, "model %s: not a GraphQL name", m->name);
		for (size_t k = 0; k < m->field_count; k++)
			if (!sbx_is_name(m->fields[k].name))
				return sd_fail(e, SD_INVAL, 0,
					"%s: the field %s has no GraphQL name", m->name,
					m->fields[k].name);
		for (size_t k = 0; k < m->rule_count; k++)
			if (m->rules[k].owner_field && !sbx_is_name(m->rules[k].owner_field))
				return sd_fail(e, SD_INVAL, 0,
					"%s: the owner field %s has no GraphQL name", m->name,
					m->rules[k].owner_field);
	}
	for (size_t i = 0; i < schema->nonmodel_count; i++)
		for (size_t k = 0; k < schema->nonmodels[i]->field_count; k++)
			if (!sbx_is_name(schema->nonmodels[i]->fields[k].name))
				return sd_fail(e, SD_INVAL, 0, "%s: a field has no GraphQL name",
					schema->nonmodels[i]->name);
	return SD_OK;
}

/* Field names come from directives and associations too; they end in SQL, so only names may. */
static const char *bad_field(const struct sbx_type *t)
{
	const char *name;
	void *v;

	for (size_t i = 0; sd_map_next(&t->fields, &i, &name, &v);) {
		const struct sbx_field *f = v;
		if (!sbx_is_name(name))
			return name;
		for (size_t k = 0; f->key && k < f->key->hash_count; k++)
			if (!sbx_is_name(f->key->hash[k]))
				return f->key->hash[k];
		for (size_t k = 0; f->key && k < f->key->sort_count; k++)
			if (!sbx_is_name(f->key->sort[k]))
				return f->key->sort[k];
	}
	for (size_t i = 0; i < t->value_count; i++)
		if (!sbx_is_name(t->values[i]))
			return t->values[i];
	return NULL;
}

/* Everything that is used must be defined, and nothing twice. */
static enum sd_err check_types(const struct sbx_schema *x, struct sd_error *e)
{
	void *v;

	if (x->arena.failed)
		return sd_fail(e, SD_NOMEM, 0, "generating the API: out of memory");
	if (x->clash)
		return sd_fail(e, SD_INVAL, 0,
			"the schema's type %s collides with a type that the API generates; "
			"rename it",
			x->clash);
	for (size_t i = 0; sd_map_next(&x->types, &i, NULL, &v);) {
		const struct sbx_type *t = v;
		if (t->kind == SBX_UNDEFINED || !sbx_is_name(t->name))
			return sd_fail(e, SD_INVAL, 0,
				"the schema uses the type %s, which it does not define", t->name);
		if (bad_field(t))
			return sd_fail(e, SD_INVAL, 0, "%s: %s is not a GraphQL name", t->name,
				bad_field(t));
	}
	return SD_OK;
}

static bool owns(const struct sbx_model *a, const struct sbx_model *b)
{
	for (size_t i = 0; i < a->m->field_count; i++) {
		const struct sd_field *f = &a->m->fields[i];
		if (f->kind == SD_K_MODEL && f->model == b->m &&
			(f->assoc == SD_A_HAS_ONE || f->assoc == SD_A_HAS_MANY))
			return true;
	}
	return false;
}

/* Two models that only ever point at each other's many or one: the service forbids that with
 * DataStore (1.8).  Strict refuses it too; otherwise it is said. */
static enum sd_err check_relations(const struct sbx_schema *x, bool strict, struct sd_error *e)
{
	static const char *const says =
		"%s and %s cannot refer to each other via @hasOne or @hasMany when DataStore is in "
		"use. Use @belongsTo instead, or serve them with --strategy none.";

	for (size_t i = 0; i < x->model_count; i++)
		for (size_t k = 0; k < x->models[i].m->field_count; k++) {
			const struct sbx_model *a = &x->models[i];
			const struct sd_field *f = &a->m->fields[k];
			const struct sbx_model *b = f->kind == SD_K_MODEL && f->type_name
							    ? sd_map_get(&x->by_name, f->type_name)
							    : NULL;
			if (!b || b <= a || !a->versioned || !b->versioned || !owns(a, b) ||
				!owns(b, a))
				continue;
			if (strict)
				return sd_fail(e, SD_INVAL, 0, says, a->m->name, b->m->name);
			sd_log(SD_LOG_WARN, "sandbox", says, a->m->name, b->m->name);
			break;
		}
	return SD_OK;
}

enum sd_err sbx_generate(const struct sd_schema *schema, bool datastore,
	const struct sbx_choice *choices, bool strict, struct sbx_schema *x, struct sd_error *e)
{
	enum sd_err rc = check_names(schema, e);

	if (rc != SD_OK)
		return rc;
	sbx_define_shared(x);
	sbx_define_introspection(x);
	define_enums(x, schema);
	define_nonmodels(x, schema);
	x->model_count = schema->model_count;
	x->models = sbx_alloc(&x->arena, (schema->model_count + 1) * sizeof *x->models);
	for (size_t i = 0; x->models && i < schema->model_count; i++)
		open_model(x, &x->models[i], schema->models[i], schema, &choices[i], datastore);
	for (size_t i = 0; x->models && i < schema->model_count; i++) {
		output_type(x, &x->models[i]);
		connection_type(x, &x->models[i]);
		sbx_generate_inputs(x, &x->models[i]);
	}
	x->query = sbx_type_define(x, SBX_OBJECT, "Query");
	x->mutation = sbx_type_define(x, SBX_OBJECT, "Mutation");
	x->subscription = sbx_type_define(x, SBX_OBJECT, "Subscription");
	for (size_t i = 0; x->models && i < schema->model_count; i++)
		sbx_generate_roots(x, &x->models[i]);
	rc = check_types(x, e);
	return rc == SD_OK ? check_relations(x, strict, e) : rc;
}
