/*
 * core/sandbox/core/coerce.c - variables and literals as the executor wants them, with the texts
 * that clients recognise (spec/server.md 6.3, 1.10).
 */
#include "core/sandbox/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static struct cJSON *fail(struct sbx_wrong *w, const char *fmt, ...) SD_PRINTF(2, 3);
static struct cJSON *fail(struct sbx_wrong *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->text, sizeof w->text, fmt, ap);
	va_end(ap);
	w->text[sd_utf8_cut(w->text, strlen(w->text), sizeof w->text - 1)] = '\0';
	return NULL;
}

static struct cJSON *null_for(const struct sbx_ref *r, const char *variable, struct sbx_wrong *w)
{
	struct sd_buf t = SD_BUF_INIT;

	sbx_ref_text(r, &t);
	fail(w, "Variable '%s' has coerced Null value for NonNull type '%s'", variable,
		sd_buf_text(&t));
	sd_buf_release(&t);
	return NULL;
}

static struct cJSON *coerce_leaf(const struct sd_sbx *s, const struct sbx_type *t,
	const struct cJSON *v, const char *variable, struct sbx_wrong *w)
{
	const char *text = sd_json_str(v), *wrong;
	char *shown;
	int64_t i;

	if (t->kind == SBX_ENUM) {
		for (size_t k = 0; text && k < t->value_count; k++)
			if (strcmp(t->values[k], text) == 0)
				return sd_json_string(text);
		wrong = t->name;
	} else {
		wrong = sbx_scalar_wrong(s, t->scalar, v);
	}
	if (wrong) {
		shown = sd_json_text(v);
		fail(w,
			"Variable '%s' has an invalid value. Unable to parse `%.100s` as a valid "
			"%s.",
			variable,
			text    ? text
			: shown ? shown
				: "",
			wrong);
		free(shown);
		return NULL;
	}
	if (t->scalar == SD_T_ID && sd_json_i64(v, &i)) {
		char num[32];
		snprintf(num, sizeof num, "%lld", (long long)i);
		return sd_json_string(num);
	}
	return sd_json_dup(v);
}

static struct cJSON *coerce_object(const struct sd_sbx *s, const struct sbx_type *t,
	const struct cJSON *v, const char *variable, struct sbx_wrong *w)
{
	struct cJSON *out;
	void *p;

	if (!sd_json_is_object(v))
		return fail(w,
			"Variable '%s' has an invalid value. Expected an input object of type "
			"'%s'.",
			variable, t->name);
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
		if (!sbx_field_find(t, sd_json_name(c))) /* the blank is the service's */
			return fail(w,
				"The variables input contains a field name '%.100s' that is not "
				"defined "
				"for input object type '%s' ",
				sd_json_name(c), t->name);
	out = sd_json_object();
	for (size_t i = 0; out && sd_map_next(&t->fields, &i, NULL, &p);) {
		const struct sbx_field *f = p;
		const struct cJSON *c = sd_json_get(v, f->name);
		struct cJSON *in;
		if (!c && !f->type.non_null)
			continue;
		in = sbx_coerce(s, &f->type, c, variable, w);
		if (!in || !sd_json_add(out, f->name, in)) {
			sd_json_free(out);
			return NULL;
		}
	}
	return out;
}

struct cJSON *sbx_coerce(const struct sd_sbx *s, const struct sbx_ref *r, const struct cJSON *v,
	const char *variable, struct sbx_wrong *w)
{
	if (sd_json_is_null(v))
		return r->non_null ? null_for(r, variable, w) : sd_json_null();
	if (r->list) {
		struct sbx_ref item = {.type = r->type, .non_null = r->item_non_null};
		struct cJSON *out = sd_json_array(), *in;
		if (!sd_json_is_array(v)) { /* one value is a list of one */
			in = sbx_coerce(s, &item, v, variable, w);
			if (in && sd_json_push(out, in))
				return out;
			sd_json_free(out);
			return NULL;
		}
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c)) {
			in = sbx_coerce(s, &item, c, variable, w);
			if (!in || !sd_json_push(out, in)) {
				sd_json_free(out);
				return NULL;
			}
		}
		return out;
	}
	if (r->type->kind == SBX_INPUT)
		return coerce_object(s, r->type, v, variable, w);
	return coerce_leaf(s, r->type, v, variable, w);
}

/* A leaf literal as JSON; names of enums become text. */
static struct cJSON *leaf(const struct sd_gql_value *v)
{
	struct cJSON *j = NULL;

	switch (v->kind) {
	case SD_GQL_NULL:
		return sd_json_null();
	case SD_GQL_BOOL:
		return sd_json_bool(v->text && strcmp(v->text, "true") == 0);
	case SD_GQL_INT:
	case SD_GQL_FLOAT:
		if (sd_json_parse(v->text, strlen(v->text), "number", &j, NULL) != SD_OK)
			return sd_json_string(v->text);
		return j;
	default:
		return sd_json_string(v->text ? v->text : "");
	}
}

struct cJSON *sbx_literal(const struct sbx_req *r, const struct sd_gql_value *v, bool *absent)
{
	struct cJSON *out, *in;
	bool gone = false;

	*absent = false;
	if (v->kind == SD_GQL_VARIABLE) {
		const struct cJSON *given = sd_json_get(r->vars, v->text);
		*absent = !given;
		return given ? sd_json_dup(given) : NULL;
	}
	if (v->kind != SD_GQL_LIST && v->kind != SD_GQL_OBJECT)
		return leaf(v);
	out = v->kind == SD_GQL_LIST ? sd_json_array() : sd_json_object();
	for (size_t i = 0; out && i < v->count; i++) {
		in = sbx_literal(r, &v->items[i], &gone);
		if (gone && v->kind == SD_GQL_OBJECT)
			continue;
		if (gone)
			in = sd_json_null();
		if (!(v->kind == SD_GQL_LIST ? sd_json_push(out, in)
					     : sd_json_set(out, v->names[i], in))) {
			sd_json_free(out);
			return NULL;
		}
	}
	return out;
}

bool sbx_variable_type(const struct sbx_schema *x, const struct sd_gql_type *t, struct sbx_ref *out)
{
	const struct sd_gql_type *inner = t;

	memset(out, 0, sizeof *out);
	out->non_null = t->non_null;
	if (!t->name) {
		out->list = true;
		inner = t->of;
		if (!inner || !inner->name)
			return false;
		out->item_non_null = inner->non_null;
	}
	out->type = sbx_type_find(x, inner->name);
	return out->type && (out->type->kind == SBX_SCALAR || out->type->kind == SBX_ENUM ||
				    out->type->kind == SBX_INPUT);
}

bool sbx_coerce_variables(struct sbx_req *r)
{
	size_t before = r->error_count;

	for (size_t i = 0; i < r->op->var_count; i++) {
		const struct sd_gql_var *v = &r->op->vars[i];
		const struct cJSON *given = sd_json_get(r->given, v->name);
		struct sbx_wrong w = {""};
		struct sbx_ref ref;
		struct cJSON *value, *text = NULL;
		bool absent;
		if (!sbx_variable_type(&r->s->x, &v->type, &ref))
			continue; /* validation has said so */
		if (!given && v->default_value)
			given = text = sbx_literal(r, v->default_value, &absent);
		if (!given && !ref.non_null)
			continue;
		value = sbx_coerce(r->s, &ref, given, v->name, &w);
		sd_json_free(text);
		if (!value && w.text[0]) {
			bool unknown = strncmp(w.text, "The variables input", 19) == 0;
			sbx_error_at(r, unknown ? 0 : v->line, v->column, "%s", w.text);
		} else if (!value || !sd_json_add(r->vars, v->name, value)) {
			r->oom = true;
		}
	}
	return r->error_count == before && !r->oom;
}
