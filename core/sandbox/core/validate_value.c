/*
 * core/sandbox/core/validate_value.c - literals in a document against the types they are for.
 * Variables in them are noted: whether they fit depends on the operation.
 */
#include "core/sandbox/core/validate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct place {           /* where the value under consideration stands */
	const char *arg; /* "input", "input.title" */
	const struct sbx_path *path;
	struct sbx_wrong *w;
};

static void show(const struct sd_gql_value *v, struct sd_buf *out, unsigned depth)
{
	static const char *const name[] = {"NullValue", "IntValue", "FloatValue", "StringValue",
		"BooleanValue", "EnumValue", "VariableReference", "ArrayValue", "ObjectValue"};

	if (depth > 3 || out->len > 200) {
		sd_buf_str(out, "...");
		return;
	}
	sd_buf_fmt(out, "%s{", name[v->kind]);
	if (v->kind == SD_GQL_STRING)
		sd_buf_fmt(out, "value='%.60s'", v->text ? v->text : "");
	else if (v->text)
		sd_buf_fmt(out, "%s=%.60s", v->kind == SD_GQL_ENUM ? "name" : "value", v->text);
	for (size_t i = 0; i < v->count && out->len < 200; i++) {
		sd_buf_str(out, i ? ", " : "");
		if (v->kind == SD_GQL_OBJECT)
			sd_buf_fmt(out, "%.60s: ", v->names[i]);
		show(&v->items[i], out, depth + 1);
	}
	sd_buf_ch(out, '}');
}

static bool say(
	const struct place *at, const struct sd_gql_value *v, const char *what, const char *name)
{
	struct sbx_wrong *w = at->w;
	struct sd_buf b = SD_BUF_INIT;

	show(v, &b, 0);
	snprintf(w->text, sizeof w->text, "argument '%.80s' with value '%.200s' %s%.60s%s", at->arg,
		sd_buf_text(&b), what, name ? name : "", name ? "'" : "");
	w->text[sd_utf8_cut(w->text, strlen(w->text), sizeof w->text - 1)] = '\0';
	sd_buf_release(&b);
	return false;
}

static void note_variable(struct sbx_check *c, const struct sbx_ref *want, bool has_default,
	const struct sd_gql_value *v, const struct sbx_path *path)
{
	struct sbx_usage *u = sbx_alloc(&c->arena, sizeof *u);
	struct sd_buf at = SD_BUF_INIT;

	if (!u)
		return;
	for (const struct sbx_path *p = path; p; p = p->up) { /* from the inside out */
		struct sd_buf whole = SD_BUF_INIT;
		sd_buf_fmt(&whole, "%s%s%s", p->key, at.len ? "/" : "", sd_buf_text(&at));
		sd_buf_release(&at);
		at = whole;
	}
	u->at = path ? sbx_copy(&c->arena, sd_buf_text(&at)) : NULL;
	sd_buf_release(&at);
	u->name = v->text;
	u->want = *want;
	u->has_default = has_default;
	u->line = v->line;
	u->column = v->column;
	*c->def->usages_end = u;
	c->def->usages_end = &u->next;
}

/* The kinds of literal that a scalar is written as; what it then says is its own matter. */
static bool kind_fits(int scalar, enum sd_gql_value_kind kind)
{
	switch (scalar) {
	case SD_T_INT:
	case SD_T_AWSTIMESTAMP:
		return kind == SD_GQL_INT;
	case SD_T_FLOAT:
		return kind == SD_GQL_INT || kind == SD_GQL_FLOAT;
	case SD_T_BOOLEAN:
		return kind == SD_GQL_BOOL;
	case SD_T_ID:
		return kind == SD_GQL_INT || kind == SD_GQL_STRING;
	default:
		return kind == SD_GQL_STRING;
	}
}

static bool leaf(struct sbx_check *c, const struct sbx_type *t, const struct sd_gql_value *v,
	const struct place *at)
{
	struct cJSON *j;
	bool absent, ok = false;

	if (t->kind == SBX_ENUM) {
		for (size_t k = 0; v->kind == SD_GQL_ENUM && k < t->value_count; k++)
			ok = ok || strcmp(t->values[k], v->text) == 0;
		return ok || say(at, v, "is not a valid '", t->name);
	}
	if (!kind_fits(t->scalar, v->kind))
		return say(at, v, "is not a valid '", t->name);
	j = sbx_literal(c->r, v, &absent);
	ok = j && !sbx_scalar_wrong(c->r->s, t->scalar, j);
	sd_json_free(j);
	return ok || say(at, v, "is not a valid '", t->name);
}

static bool literal(struct sbx_check *c, const struct sbx_ref *ref, bool has_default,
	const struct sd_gql_value *v, const struct place *at);

static bool given(const struct sd_gql_value *v, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(v->names[i], name) == 0)
			return true;
	return false;
}

/* The first wrong member ends it, so members that are looked at are known and different ones. */
static bool object(struct sbx_check *c, const struct sbx_type *t, const struct sd_gql_value *v,
	const struct place *at)
{
	void *p;
	char inner[160];
	struct place in = {.arg = inner, .path = at->path, .w = at->w};

	if (v->kind != SD_GQL_OBJECT)
		return say(at, v, "is not a valid '", t->name);
	for (size_t i = 0; i < v->count; i++) {
		const struct sbx_field *f = sbx_field_find(t, v->names[i]);
		if (!f)
			return say(
				at, v, "contains a field name that is not defined: '", v->names[i]);
		if (given(v, i, v->names[i]))
			return say(at, v, "contains a field name twice: '", v->names[i]);
		snprintf(inner, sizeof inner, "%.80s.%.70s", at->arg, f->name);
		if (!literal(c, &f->type, f->default_text != NULL, &v->items[i], &in))
			return false;
	}
	for (size_t i = 0; sd_map_next(&t->fields, &i, NULL, &p);) {
		const struct sbx_field *f = p;
		if (f->type.non_null && !given(v, v->count, f->name))
			return say(at, v, "is missing required fields '", f->name);
	}
	return true;
}

static bool literal(struct sbx_check *c, const struct sbx_ref *ref, bool has_default,
	const struct sd_gql_value *v, const struct place *at)
{
	struct sbx_ref item = {.type = ref->type, .non_null = ref->item_non_null};
	bool ok = true;

	if (v->kind == SD_GQL_VARIABLE) {
		note_variable(c, ref, has_default, v, at->path);
		return true;
	}
	if (v->kind == SD_GQL_NULL)
		return !ref->non_null || say(at, v, "must not be null", NULL);
	if (ref->list && v->kind == SD_GQL_LIST) {
		for (size_t i = 0; i < v->count && ok; i++)
			ok = literal(c, &item, false, &v->items[i], at);
		return ok;
	}
	if (ref->list)
		return literal(c, &item, false, v, at);
	if (ref->type->kind == SBX_INPUT)
		return object(c, ref->type, v, at);
	return leaf(c, ref->type, v, at);
}

void sbx_check_literal(struct sbx_check *c, const struct sbx_field *arg,
	const struct sd_gql_value *v, const struct sbx_path *path)
{
	struct sbx_wrong w = {""};
	struct place at = {.arg = arg->name, .path = path, .w = &w};

	if (!literal(c, &arg->type, arg->default_text != NULL, v, &at))
		sbx_invalid(c, v->line, v->column, path, "WrongType: %s", w.text);
}

void sbx_check_default(struct sbx_check *c, const struct sbx_ref *ref, const struct sd_gql_var *var)
{
	struct sbx_wrong w = {""};
	struct place at = {.arg = var->name, .w = &w};
	struct sd_buf shown = SD_BUF_INIT, type = SD_BUF_INIT;

	if (literal(c, ref, false, var->default_value, &at))
		return;
	show(var->default_value, &shown, 0);
	sbx_ref_text(ref, &type);
	sbx_invalid(c, var->line, var->column, NULL,
		"BadValueForDefaultArg: Bad default value %.200s for type %.150s",
		sd_buf_text(&shown), sd_buf_text(&type));
	sd_buf_release(&shown);
	sd_buf_release(&type);
}
