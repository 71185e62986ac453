/*
 * core/sandbox/core/validate.c - a document against the schema, with the service's texts
 * ("Validation error of type FieldUndefined: ...", spec/server.md 6.3).
 *
 * Checks the operation that will run and every fragment it reaches, each fragment once.  What
 * depends on merged fields (FieldsConflict) is checked when the plan is made.
 */
#include "core/sandbox/core/internal.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH       200 /* of selections, fragments counted in */
#define MOST_ERRORS 50

struct check {
	struct sbx_req *r;
	struct sd_map fragments; /* name -> 1 being walked, 2 done */
	unsigned depth;
};

static void path_text(const struct sbx_path *p, struct sd_buf *out)
{
	if (!p)
		return;
	path_text(p->up, out);
	sd_buf_fmt(out, "%s%s", out->len ? "/" : "", p->key);
}

static void say(struct check *c, unsigned line, unsigned column, const struct sbx_path *path,
	const char *fmt, ...) SD_PRINTF(5, 6);
static void say(struct check *c, unsigned line, unsigned column, const struct sbx_path *path,
	const char *fmt, ...)
{
	struct sd_buf at = SD_BUF_INIT;
	char text[600];
	va_list ap;

	if (c->r->error_count >= MOST_ERRORS)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	path_text(path, &at);
	if (path)
		sbx_error_at(c->r, line, column, "Validation error of type %s @ '%s'", text,
			sd_buf_text(&at));
	else
		sbx_error_at(c->r, line, column, "Validation error of type %s", text);
	sd_buf_release(&at);
}

static void check_value(struct check *c, const struct sbx_field *arg, const struct sd_gql_arg *a,
	const struct sbx_path *path)
{
	struct sbx_wrong w;
	const char *wrong = sbx_literal_wrong(c->r, &arg->type, &a->value, a->name, &w);

	if (!wrong)
		return;
	if (strncmp(wrong, "Undefined", 9) == 0 || strncmp(wrong, "VariableType", 12) == 0)
		say(c, a->line, a->column, path, "%s", wrong);
	else
		say(c, a->line, a->column, path, "WrongType: %s", wrong);
}

static void check_args(struct check *c, const struct sbx_field *f, const struct sd_gql_selection *s,
	const struct sbx_path *path)
{
	for (size_t i = 0; i < s->arg_count; i++) {
		const struct sbx_field *a = sbx_arg_find(f, s->args[i].name);
		if (!a)
			say(c, s->args[i].line, s->args[i].column, path,
				"UnknownArgument: Unknown field argument %.100s", s->args[i].name);
		else
			check_value(c, a, &s->args[i], path);
		for (size_t k = 0; k < i; k++)
			if (strcmp(s->args[k].name, s->args[i].name) == 0)
				say(c, s->args[i].line, s->args[i].column, path,
					"DuplicateArgumentNames: There can be only one argument "
					"named "
					"'%.100s'",
					s->args[i].name);
	}
	for (const struct sbx_field *a = f->args; a; a = a->next) {
		bool given = !a->type.non_null || a->default_text;
		for (size_t i = 0; i < s->arg_count && !given; i++)
			given = strcmp(s->args[i].name, a->name) == 0;
		if (!given)
			say(c, s->line, s->column, path,
				"MissingFieldArgument: Missing field argument %s", a->name);
	}
}

static void check_directives(
	struct check *c, const struct sd_gql_directive *d, size_t n, const struct sbx_path *path)
{
	struct sbx_field arg = {
		.type = {.type = sbx_type_find(&c->r->s->x, "Boolean"), .non_null = true}};

	for (size_t i = 0; i < n; i++) {
		if (strcmp(d[i].name, "skip") != 0 && strcmp(d[i].name, "include") != 0) {
			say(c, d[i].line, d[i].column, path,
				"UnknownDirective: Unknown directive %.100s", d[i].name);
			continue;
		}
		if (d[i].arg_count != 1 || strcmp(d[i].args[0].name, "if") != 0)
			say(c, d[i].line, d[i].column, path,
				"MissingDirectiveArgument: Missing directive argument if");
		else
			check_value(c, &arg, &d[i].args[0], path);
	}
}

const struct sbx_type *sbx_root(const struct sbx_schema *x, enum sd_gql_op_kind kind)
{
	return kind == SD_GQL_QUERY      ? x->query
	       : kind == SD_GQL_MUTATION ? x->mutation
					 : x->subscription;
}

static const struct sbx_field *field_of(
	const struct sd_sbx *s, const struct sbx_type *t, const char *name)
{
	if (strcmp(name, "__typename") == 0)
		return &s->x.typename_field;
	if (t == s->x.query && s->introspection && strcmp(name, "__schema") == 0)
		return &s->x.schema_field;
	if (t == s->x.query && s->introspection && strcmp(name, "__type") == 0)
		return &s->x.type_field;
	return sbx_field_find(t, name);
}

static void walk(struct check *c, const struct sbx_type *t, const struct sd_gql_selection *s,
	size_t n, const struct sbx_path *up);

static void check_field(struct check *c, const struct sbx_type *t, const struct sd_gql_selection *s,
	const struct sbx_path *up)
{
	struct sbx_path path = {.up = up, .key = s->name};
	const struct sbx_field *f = field_of(c->r->s, t, s->name);

	if (!f) {
		say(c, s->line, s->column, &path,
			"FieldUndefined: Field '%.100s' in type '%s' is undefined", s->name,
			t->name);
		return;
	}
	check_directives(c, s->directives, s->directive_count, &path);
	check_args(c, f, s, &path);
	if (f->type.type->kind == SBX_OBJECT && s->sel_count == 0)
		say(c, s->line, s->column, &path,
			"SubSelectionRequired: Sub selection required for type %s of field %s",
			f->type.type->name, f->name);
	else if (f->type.type->kind != SBX_OBJECT && s->sel_count)
		say(c, s->line, s->column, &path,
			"SubSelectionNotAllowed: Sub selection not allowed on leaf type %s of "
			"field %s",
			f->type.type->name, f->name);
	else
		walk(c, f->type.type, s->sels, s->sel_count, &path);
}

static void check_spread(struct check *c, const struct sbx_type *t,
	const struct sd_gql_selection *s, const struct sbx_path *up)
{
	const struct sd_gql_fragment *f = sd_gql_fragment(c->r->doc, s->name);
	struct sbx_path path = {.key = s->name};
	void *state = sd_map_get(&c->fragments, s->name);

	check_directives(c, s->directives, s->directive_count, up);
	if (!f) {
		say(c, s->line, s->column, up, "UndefinedFragment: Undefined fragment %.100s",
			s->name);
		return;
	}
	if (strcmp(f->on, t->name) != 0) {
		if (!sbx_type_find(&c->r->s->x, f->on))
			say(c, f->line, f->column, NULL, "UnknownType: Unknown type %.100s", f->on);
		else
			say(c, s->line, s->column, up,
				"InvalidFragmentType: Fragment %.100s cannot be spread here as "
				"objects "
				"of type %s can never be of type %.100s",
				s->name, t->name, f->on);
		return;
	}
	if (state == (void *)1) {
		say(c, s->line, s->column, up, "FragmentCycle: Fragment cycles not allowed");
	} else if (!state) {
		if (!sd_map_put(&c->fragments, s->name, (void *)1, NULL))
			c->r->oom = true;
		walk(c, t, f->sels, f->sel_count, &path);
		if (!sd_map_put(&c->fragments, s->name, (void *)2, NULL))
			c->r->oom = true;
	}
}

static void walk(struct check *c, const struct sbx_type *t, const struct sd_gql_selection *s,
	size_t n, const struct sbx_path *up)
{
	if (++c->depth > DEPTH) {
		say(c, n ? s->line : 0, n ? s->column : 0, NULL,
			"MaxDepthExceeded: the selection is nested deeper than %d levels", DEPTH);
		c->depth--;
		return;
	}
	for (size_t i = 0; i < n && c->r->error_count < MOST_ERRORS && !c->r->oom; i++) {
		if (s[i].kind == SD_GQL_FIELD) {
			check_field(c, t, &s[i], up);
		} else if (s[i].kind == SD_GQL_SPREAD) {
			check_spread(c, t, &s[i], up);
		} else {
			check_directives(c, s[i].directives, s[i].directive_count, up);
			if (s[i].name && strcmp(s[i].name, t->name) != 0)
				say(c, s[i].line, s[i].column, up,
					"InvalidFragmentType: Fragment cannot be spread here as "
					"objects "
					"of type %s can never be of type %.100s",
					t->name, s[i].name);
			else
				walk(c, t, s[i].sels, s[i].sel_count, up);
		}
	}
	c->depth--;
}

static void check_variables(struct check *c)
{
	const struct sd_gql_op *op = c->r->op;
	struct sbx_ref ref;

	for (size_t i = 0; i < op->var_count; i++) {
		const struct sd_gql_type *t = &op->vars[i].type;
		while (t->of && !t->name)
			t = t->of;
		if (sbx_variable_type(&c->r->s->x, &op->vars[i].type, &ref))
			continue;
		if (t->name && sbx_type_find(&c->r->s->x, t->name))
			say(c, op->vars[i].line, op->vars[i].column, NULL,
				"NonInputTypeOnVariable: Input variable %.100s type is not an "
				"input type",
				op->vars[i].name);
		else
			say(c, op->vars[i].line, op->vars[i].column, NULL,
				"UnknownType: Unknown type %.100s", t->name ? t->name : "");
	}
}

bool sbx_validate(struct sbx_req *r)
{
	struct check c = {.r = r};
	const struct sbx_type *root = sbx_root(&r->s->x, r->op->kind);
	size_t before = r->error_count;

	check_variables(&c);
	if (sd_map_count(&root->fields) == 0)
		say(&c, r->op->line, r->op->column, NULL,
			"UnknownOperation: the schema has no operation of this kind");
	else
		walk(&c, root, r->op->sels, r->op->sel_count, NULL);
	sd_map_release(&c.fragments, NULL);
	return r->error_count == before && !r->oom;
}
