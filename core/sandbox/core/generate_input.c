/*
 * core/sandbox/core/generate_input.c - inputs of mutations, conditions and filters
 * (spec/server.md 1.4; the order of the fields is Appendix A's).
 */
#include "core/sandbox/core/types.h"

#include <string.h>

#include "core/base/text.h"

/* The scalar whose filter input a column uses (1.5). */
static const char *filter_scalar(const struct sd_field *f)
{
	switch (f->scalar) {
	case SD_T_ID:
		return "ID";
	case SD_T_INT:
	case SD_T_AWSTIMESTAMP:
		return "Int";
	case SD_T_FLOAT:
		return "Float";
	case SD_T_BOOLEAN:
		return "Boolean";
	default:
		return "String";
	}
}

static void define_enum_filter(struct sbx_schema *x, const char *name, const char *en, bool list)
{
	char *one = sbx_fmt(&x->arena, "%s", en), *many = sbx_fmt(&x->arena, "[%s]", en);
	struct sbx_type *t = sbx_type_define(x, SBX_INPUT, name);

	sbx_add(x, t, "eq", list ? many : one);
	sbx_add(x, t, "ne", list ? many : one);
	if (list) {
		sbx_add(x, t, "contains", one);
		sbx_add(x, t, "notContains", one);
	}
}

static const char *filter_type(struct sbx_schema *x, const struct sd_field *f, bool subscription)
{
	const char *name;

	if (f->kind == SD_K_SCALAR)
		return sbx_fmt(&x->arena, "Model%s%sInput", subscription ? "Subscription" : "",
			filter_scalar(f));
	if (f->kind != SD_K_ENUM)
		return NULL;
	if (subscription)
		return "ModelSubscriptionStringInput";
	name = sbx_fmt(&x->arena, "Model%s%sInput", f->type_name, f->list ? "List" : "");
	if (name && (!sbx_type_find(x, name) || sbx_type_find(x, name)->kind == SBX_UNDEFINED))
		define_enum_filter(x, name, f->type_name, f->list);
	return name;
}

static bool is_timestamp(const struct sd_model *m, const char *name)
{
	return sd_str_eq(name, m->created_at) || sd_str_eq(name, m->updated_at);
}

static bool in_input(const struct sd_field *f)
{
	return f->kind != SD_K_MODEL && !f->read_only;
}

static bool has_default(const struct sd_field *f)
{
	return f->default_value != NULL;
}

static void create_input(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;

	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		struct sbx_ref r;
		struct sbx_field *o;
		if (!in_input(f))
			continue;
		r = sbx_ref_of_field(x, f, true);
		if ((strcmp(f->name, "id") == 0 && f->kind == SD_K_SCALAR &&
			    (f->scalar == SD_T_ID || f->scalar == SD_T_STRING)) ||
			is_timestamp(m, f->name) || has_default(f))
			r.non_null = false;
		o = sbx_add_ref(x, sm->create_in, f->name, r);
		if (o)
			o->src = f;
	}
	if (!m->custom_pk)
		sbx_add(x, sm->create_in, "id", "ID");
	if (sm->versioned)
		sbx_add(x, sm->create_in, "_version", "Int");
}

static void update_input(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;

	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		struct sbx_ref r;
		struct sbx_field *o;
		if (!in_input(f))
			continue;
		r = sbx_ref_of_field(x, f, true);
		r.non_null = sd_model_is_key(m, f);
		o = sbx_add_ref(x, sm->update_in, f->name, r);
		if (o)
			o->src = f;
	}
	if (!m->custom_pk)
		sbx_add(x, sm->update_in, "id", "ID!");
	if (sm->versioned)
		sbx_add(x, sm->update_in, "_version", "Int");
}

static void delete_input(struct sbx_schema *x, struct sbx_model *sm)
{
	const struct sd_model *m = sm->m;

	for (size_t i = 0; i < m->pk_count; i++) {
		struct sbx_ref r = sbx_ref_of_field(x, &m->fields[m->pk[i]], true);
		struct sbx_field *o;
		r.non_null = true;
		o = sbx_add_ref(x, sm->delete_in, m->fields[m->pk[i]].name, r);
		if (o)
			o->src = &m->fields[m->pk[i]];
	}
	if (sm->versioned)
		sbx_add(x, sm->delete_in, "_version", "Int");
}

/* Fields that decide who may see a record; a subscription filter has them in another form. */
static bool is_auth_field(const struct sd_model *m, const char *name)
{
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		if (r->provider != SD_BY_USERPOOLS && r->provider != SD_BY_OIDC)
			continue;
		if ((r->allow == SD_ALLOW_OWNER && sd_str_eq(r->owner_field, name)) ||
			(r->allow == SD_ALLOW_GROUPS && sd_str_eq(r->groups_field, name)))
			return true;
	}
	return false;
}

static void filter_columns(
	struct sbx_schema *x, struct sbx_type *t, const struct sbx_model *sm, bool keys, bool sub)
{
	const struct sd_model *m = sm->m;

	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->kind == SD_K_MODEL || f->kind == SD_K_NONMODEL ||
			(f->read_only && is_timestamp(m, f->name)))
			continue;
		if ((!keys && sd_model_is_key(m, f)) || (sub && is_auth_field(m, f->name)))
			continue;
		sbx_add(x, t, f->name, filter_type(x, f, sub));
	}
}

static void filter_stamps(
	struct sbx_schema *x, struct sbx_type *t, const struct sd_model *m, const char *type)
{
	sbx_add(x, t, m->created_at, type);
	sbx_add(x, t, m->updated_at, type);
}

static void filter_logic(
	struct sbx_schema *x, struct sbx_type *t, const struct sbx_model *sm, bool with_not)
{
	const char *list = t ? sbx_fmt(&x->arena, "[%s]", t->name) : NULL;

	sbx_add(x, t, "and", list);
	sbx_add(x, t, "or", list);
	if (with_not)
		sbx_add(x, t, "not", t ? t->name : NULL);
	if (sm->versioned)
		sbx_add(x, t, "_deleted", "ModelBooleanInput");
}

static void filter_owners(struct sbx_schema *x, struct sbx_type *t, const struct sd_model *m)
{
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i].allow == SD_ALLOW_OWNER)
			sbx_add(x, t, m->rules[i].owner_field, "ModelStringInput");
}

void sbx_generate_inputs(struct sbx_schema *x, struct sbx_model *sm)
{
	create_input(x, sm);
	update_input(x, sm);
	delete_input(x, sm);

	filter_columns(x, sm->filter, sm, true, false);
	filter_stamps(x, sm->filter, sm->m, "ModelStringInput");
	filter_logic(x, sm->filter, sm, true);
	filter_owners(x, sm->filter, sm->m);

	filter_columns(x, sm->cond, sm, false, false);
	filter_logic(x, sm->cond, sm, true);
	filter_stamps(x, sm->cond, sm->m, "ModelStringInput");
	filter_owners(x, sm->cond, sm->m);

	filter_columns(x, sm->sub_filter, sm, true, true);
	filter_stamps(x, sm->sub_filter, sm->m, "ModelSubscriptionStringInput");
	filter_logic(x, sm->sub_filter, sm, false);
	filter_owners(x, sm->sub_filter, sm->m);
}
