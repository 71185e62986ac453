/* core/sandbox/core/validate_value.c - literals in a document against the types they are for. */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

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

static const char *say(struct sbx_wrong *w, const struct sd_gql_value *v, const char *arg,
	const char *what, const char *name)
{
	struct sd_buf b = SD_BUF_INIT;

	show(v, &b, 0);
	snprintf(w->text, sizeof w->text, "argument '%.80s' with value '%.200s' %s%.60s%s", arg,
		sd_buf_text(&b), what, name ? name : "", name ? "'" : "");
	w->text[sd_utf8_cut(w->text, strlen(w->text), sizeof w->text - 1)] = '\0';
	sd_buf_release(&b);
	return w->text;
}

static const char *variable_wrong(struct sbx_req *r, const struct sbx_ref *ref,
	const struct sd_gql_value *v, struct sbx_wrong *w)
{
	for (size_t i = 0; i < r->op->var_count; i++) {
		const struct sd_gql_var *var = &r->op->vars[i];
		struct sbx_ref have;
		struct sd_buf a = SD_BUF_INIT, b = SD_BUF_INIT;
		bool fits;
		if (strcmp(var->name, v->text) != 0)
			continue;
		if (!sbx_variable_type(&r->s->x, &var->type, &have))
			return NULL; /* said elsewhere */
		fits = have.type == ref->type && have.list == ref->list &&
		       (have.non_null || !ref->non_null || var->default_value) &&
		       (have.item_non_null || !ref->item_non_null);
		/* inside a list of one, as the service takes it */
		if (!fits && ref->list && !have.list)
			fits = have.type == ref->type && (have.non_null || !ref->non_null);
		if (fits)
			return NULL;
		sbx_ref_text(&have, &a);
		sbx_ref_text(ref, &b);
		snprintf(w->text, sizeof w->text,
			"VariableTypeMismatch: Variable type '%.120s' does not match expected type "
			"'%.120s'",
			sd_buf_text(&a), sd_buf_text(&b));
		sd_buf_release(&a);
		sd_buf_release(&b);
		return w->text;
	}
	snprintf(w->text, sizeof w->text, "UndefinedVariable: Undefined variable %.100s", v->text);
	return w->text;
}

static const char *leaf_wrong(const struct sbx_req *r, const struct sbx_type *t,
	const struct sd_gql_value *v, const char *arg, struct sbx_wrong *w)
{
	struct cJSON *j;
	bool absent, ok = false;

	if (v->kind == SD_GQL_LIST || v->kind == SD_GQL_OBJECT)
		return say(w, v, arg, "is not a valid '", t->name);
	if (t->kind == SBX_ENUM) {
		for (size_t k = 0; v->kind == SD_GQL_ENUM && k < t->value_count; k++)
			ok = ok || strcmp(t->values[k], v->text) == 0;
		return ok ? NULL : say(w, v, arg, "is not a valid '", t->name);
	}
	j = v->kind == SD_GQL_ENUM ? NULL : sbx_literal(r, v, &absent);
	ok = j && !sbx_scalar_wrong(r->s, t->scalar, j);
	sd_json_free(j);
	return ok ? NULL : say(w, v, arg, "is not a valid '", t->name);
}

static const char *object_wrong(struct sbx_req *r, const struct sbx_type *t,
	const struct sd_gql_value *v, const char *arg, struct sbx_wrong *w)
{
	void *p;
	char inner[160];

	if (v->kind != SD_GQL_OBJECT)
		return say(w, v, arg, "is not a valid '", t->name);
	for (size_t i = 0; i < v->count; i++) {
		const struct sbx_field *f = sbx_field_find(t, v->names[i]);
		const char *wrong;
		if (!f)
			return say(w, v, arg, "contains a field name that is not defined: '",
				v->names[i]);
		snprintf(inner, sizeof inner, "%.80s.%.70s", arg, f->name);
		wrong = sbx_literal_wrong(r, &f->type, &v->items[i], inner, w);
		if (wrong)
			return wrong;
	}
	for (size_t i = 0; sd_map_next(&t->fields, &i, NULL, &p);) {
		const struct sbx_field *f = p;
		bool given = !f->type.non_null;
		for (size_t k = 0; k < v->count && !given; k++)
			given = strcmp(v->names[k], f->name) == 0;
		if (!given)
			return say(w, v, arg, "is missing required fields '", f->name);
	}
	return NULL;
}

/* NULL, or the text behind "Validation error of type WrongType: " (another type names itself). */
const char *sbx_literal_wrong(struct sbx_req *r, const struct sbx_ref *ref,
	const struct sd_gql_value *v, const char *arg, struct sbx_wrong *w)
{
	struct sbx_ref item = {.type = ref->type, .non_null = ref->item_non_null};
	const char *wrong = NULL;

	if (v->kind == SD_GQL_VARIABLE)
		return variable_wrong(r, ref, v, w);
	if (v->kind == SD_GQL_NULL)
		return ref->non_null ? say(w, v, arg, "must not be null", NULL) : NULL;
	if (ref->list && v->kind == SD_GQL_LIST) {
		for (size_t i = 0; i < v->count && !wrong; i++)
			wrong = sbx_literal_wrong(r, &item, &v->items[i], arg, w);
		return wrong;
	}
	if (ref->list)
		return sbx_literal_wrong(r, &item, v, arg, w);
	if (ref->type->kind == SBX_INPUT)
		return object_wrong(r, ref->type, v, arg, w);
	return leaf_wrong(r, ref->type, v, arg, w);
}
