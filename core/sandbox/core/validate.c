/*
 * core/sandbox/core/validate.c - a document against the schema, with the service's texts
 * ("Validation error of type FieldUndefined: ...", spec/server.md 6.3).
 *
 * The whole document counts, not only the operation that will run: section 5 of the GraphQL
 * specification, October 2021.  This file walks selections; see validate.h for the rest.
 */
#include "core/sandbox/core/validate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MOST_ERRORS 50
#define MOST_STEPS  1000000

static void path_text(const struct sbx_path *p, struct sd_buf *out)
{
	if (!p)
		return;
	path_text(p->up, out);
	sd_buf_fmt(out, "%s%s", out->len ? "/" : "", p->key);
}

bool sbx_check_done(const struct sbx_check *c)
{
	return c->r->oom || c->arena.failed || c->r->error_count >= MOST_ERRORS ||
	       c->steps > MOST_STEPS;
}

static void add(
	struct sbx_check *c, unsigned line, unsigned column, const char *at, const char *text)
{
	if (c->r->error_count >= MOST_ERRORS)
		return;
	if (at)
		sbx_error_at(c->r, line, column, "Validation error of type %s @ '%s'", text, at);
	else
		sbx_error_at(c->r, line, column, "Validation error of type %s", text);
}

void sbx_invalid_at(
	struct sbx_check *c, unsigned line, unsigned column, const char *at, const char *fmt, ...)
{
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	add(c, line, column, at, text);
}

void sbx_invalid(struct sbx_check *c, unsigned line, unsigned column, const struct sbx_path *path,
	const char *fmt, ...)
{
	struct sd_buf at = SD_BUF_INIT;
	char text[600];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	path_text(path, &at);
	add(c, line, column, path ? sd_buf_text(&at) : NULL, text);
	sd_buf_release(&at);
}

static bool twice(const struct sd_gql_arg *args, size_t at)
{
	for (size_t k = 0; k < at; k++)
		if (strcmp(args[k].name, args[at].name) == 0)
			return true;
	return false;
}

/* What is unknown or given twice is an error each, so the search for pairs stays short. */
static void check_args(struct sbx_check *c, const struct sbx_field *first,
	const struct sd_gql_arg *args, size_t n, const char *directive, const struct sbx_path *path)
{
	for (size_t i = 0; i < n && !sbx_check_done(c); i++) {
		const struct sbx_field *a = first;
		while (a && strcmp(a->name, args[i].name) != 0)
			a = a->next;
		if (twice(args, i))
			sbx_invalid(c, args[i].line, args[i].column, path,
				"DuplicateArgumentNames: There can be only one argument named "
				"'%.100s'",
				args[i].name);
		if (a)
			sbx_check_literal(c, a, &args[i].value, path);
		else if (directive)
			sbx_invalid(c, args[i].line, args[i].column, path,
				"UnknownDirective: Unknown directive argument %.100s",
				args[i].name);
		else
			sbx_invalid(c, args[i].line, args[i].column, path,
				"UnknownArgument: Unknown field argument %.100s", args[i].name);
	}
}

/* The first argument that must be given and is not; NULL: there is none. */
static const char *missing_arg(
	const struct sbx_field *first, const struct sd_gql_arg *args, size_t n)
{
	for (const struct sbx_field *a = first; a; a = a->next) {
		bool given = !a->type.non_null || a->default_text;
		for (size_t i = 0; i < n && !given; i++)
			given = strcmp(args[i].name, a->name) == 0;
		if (!given)
			return a->name;
	}
	return NULL;
}

static void check_directives(struct sbx_check *c, const struct sd_gql_directive *d, size_t n,
	const char *place, const struct sbx_path *path)
{
	for (size_t i = 0; i < n && !sbx_check_done(c); i++) {
		const struct sbx_directive *def = sbx_directive_find(d[i].name);
		struct sbx_field arg;
		const char *missing;
		if (!def) {
			sbx_invalid(c, d[i].line, d[i].column, path,
				"UnknownDirective: Unknown directive %.100s", d[i].name);
			continue;
		}
		if (!sbx_directive_at(def, place))
			sbx_invalid(c, d[i].line, d[i].column, path,
				"MisplacedDirective: Directive %s not allowed here", d[i].name);
		for (size_t k = 0; k < i; k++)
			if (strcmp(d[k].name, d[i].name) == 0) {
				sbx_invalid(c, d[i].line, d[i].column, path,
					"DuplicateDirectiveName: Directives must be uniquely named "
					"within a location. The directive '%s' used on a '%s' is "
					"not unique.",
					d[i].name, place);
				break;
			}
		arg = sbx_directive_arg(&c->r->s->x, def);
		check_args(c, arg.name ? &arg : NULL, d[i].args, d[i].arg_count, d[i].name, path);
		missing = missing_arg(arg.name ? &arg : NULL, d[i].args, d[i].arg_count);
		if (missing)
			sbx_invalid(c, d[i].line, d[i].column, path,
				"MissingDirectiveArgument: Missing directive argument %s", missing);
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

static void walk(struct sbx_check *c, const struct sbx_type *t, const struct sd_gql_selection *s,
	size_t n, const struct sbx_path *up, unsigned depth);

static void check_field(struct sbx_check *c, const struct sbx_type *t,
	const struct sd_gql_selection *s, const struct sbx_path *up, unsigned depth)
{
	struct sbx_path path = {.up = up, .key = s->name};
	const struct sbx_field *f = field_of(c->r->s, t, s->name);
	const char *missing;

	check_directives(c, s->directives, s->directive_count, "FIELD", &path);
	if (!f) {
		sbx_invalid(c, s->line, s->column, &path,
			"FieldUndefined: Field '%.100s' in type '%s' is undefined", s->name,
			t->name);
		return;
	}
	check_args(c, f->args, s->args, s->arg_count, NULL, &path);
	missing = missing_arg(f->args, s->args, s->arg_count);
	if (missing)
		sbx_invalid(c, s->line, s->column, &path,
			"MissingFieldArgument: Missing field argument %s", missing);
	if (f->type.type->kind == SBX_OBJECT && s->sel_count == 0)
		sbx_invalid(c, s->line, s->column, &path,
			"SubSelectionRequired: Sub selection required for type %s of field %s",
			f->type.type->name, f->name);
	else if (f->type.type->kind != SBX_OBJECT && s->sel_count)
		sbx_invalid(c, s->line, s->column, &path,
			"SubSelectionNotAllowed: Sub selection not allowed on leaf type %s of "
			"field %s",
			f->type.type->name, f->name);
	else
		walk(c, f->type.type, s->sels, s->sel_count, &path, depth + 1);
}

/* The type behind "on"; NULL with the reason said when there is no such object type. */
static const struct sbx_type *condition(struct sbx_check *c, const char *on, bool in_line,
	unsigned line, unsigned column, const struct sbx_path *path)
{
	const struct sbx_type *t = sbx_type_find(&c->r->s->x, on);

	if (t && t->kind == SBX_OBJECT && sd_map_count(&t->fields))
		return t;
	if (!t || t->kind == SBX_OBJECT)
		sbx_invalid(c, line, column, path, "UnknownType: Unknown type %.100s", on);
	else if (in_line)
		sbx_invalid(c, line, column, path,
			"InlineFragmentTypeConditionInvalid: Inline fragment type condition is "
			"invalid, must be on Object/Interface/Union");
	else
		sbx_invalid(c, line, column, path,
			"FragmentTypeConditionInvalid: Fragment type condition is invalid, must "
			"be on Object/Interface/Union");
	return NULL;
}

static const char *kept_path(struct sbx_check *c, const struct sbx_path *path)
{
	struct sd_buf at = SD_BUF_INIT;
	const char *kept;

	path_text(path, &at);
	kept = sbx_copy(&c->arena, sd_buf_text(&at));
	sd_buf_release(&at);
	return kept ? kept : "";
}

static void note_spread(struct sbx_check *c, struct sbx_def *to, const struct sd_gql_selection *s,
	const struct sbx_path *up)
{
	struct sbx_spread *n = sbx_alloc(&c->arena, sizeof *n);

	if (!n)
		return;
	n->to = to;
	n->at = up ? kept_path(c, up) : NULL;
	n->line = s->line;
	n->column = s->column;
	*c->def->spreads_end = n;
	c->def->spreads_end = &n->next;
}

static void check_spread(struct sbx_check *c, const struct sbx_type *t,
	const struct sd_gql_selection *s, const struct sbx_path *up)
{
	struct sbx_def *to = sd_map_get(&c->fragments, s->name);
	const struct sbx_type *on;

	check_directives(c, s->directives, s->directive_count, "FRAGMENT_SPREAD", up);
	if (!to) {
		sbx_invalid(c, s->line, s->column, up,
			"UndefinedFragment: Undefined fragment %.100s", s->name);
		return;
	}
	note_spread(c, to, s, up);
	on = sbx_type_find(&c->r->s->x, to->fragment->on);
	if (on && on != t && on->kind == SBX_OBJECT)
		sbx_invalid(c, s->line, s->column, up,
			"InvalidFragmentType: Fragment %.100s cannot be spread here as objects of "
			"type %s can never be of type %.100s",
			s->name, t->name, on->name);
}

static void check_inline(struct sbx_check *c, const struct sbx_type *t,
	const struct sd_gql_selection *s, const struct sbx_path *up, unsigned depth)
{
	const struct sbx_type *on = t;

	check_directives(c, s->directives, s->directive_count, "INLINE_FRAGMENT", up);
	if (s->name)
		on = condition(c, s->name, true, s->line, s->column, up);
	if (on && on != t)
		sbx_invalid(c, s->line, s->column, up,
			"InvalidFragmentType: Fragment cannot be spread here as objects of type "
			"%s can never be of type %.100s",
			t->name, s->name);
	if (on)
		walk(c, on, s->sels, s->sel_count, up, depth + 1);
}

static void walk(struct sbx_check *c, const struct sbx_type *t, const struct sd_gql_selection *s,
	size_t n, const struct sbx_path *up, unsigned depth)
{
	if (depth > SBX_DEPTH) {
		sbx_invalid(c, n ? s->line : 0, n ? s->column : 0, NULL,
			"MaxDepthExceeded: the selection is nested deeper than %d levels",
			SBX_DEPTH);
		return;
	}
	for (size_t i = 0; i < n && !sbx_check_done(c); i++) {
		if (s[i].kind == SD_GQL_FIELD)
			check_field(c, t, &s[i], up, depth);
		else if (s[i].kind == SD_GQL_SPREAD)
			check_spread(c, t, &s[i], up);
		else
			check_inline(c, t, &s[i], up, depth);
	}
}

static void walk_operation(struct sbx_check *c, const struct sd_gql_op *op)
{
	static const char *const place[] = {"QUERY", "MUTATION", "SUBSCRIPTION"};
	const struct sbx_type *root = sbx_root(&c->r->s->x, op->kind);

	for (size_t i = 0; i < op->var_count; i++)
		check_directives(c, op->vars[i].directives, op->vars[i].directive_count,
			"VARIABLE_DEFINITION", NULL);
	sbx_check_variables(c, op);
	check_directives(c, op->directives, op->directive_count, place[op->kind], NULL);
	if (sd_map_count(&root->fields) == 0)
		sbx_invalid(c, op->line, op->column, NULL,
			"UnknownOperation: the schema has no operation of this kind");
	else
		walk(c, root, op->sels, op->sel_count, NULL, 0);
}

static void walk_fragment(struct sbx_check *c, const struct sd_gql_fragment *f)
{
	struct sbx_path path = {.key = f->name};
	const struct sbx_type *on = condition(c, f->on, false, f->line, f->column, NULL);

	check_directives(c, f->directives, f->directive_count, "FRAGMENT_DEFINITION", &path);
	if (on)
		walk(c, on, f->sels, f->sel_count, &path, 0);
}

static void open_definitions(struct sbx_check *c)
{
	const struct sd_gql_doc *d = c->r->doc;

	c->count = d->op_count + d->fragment_count;
	c->defs = sbx_alloc(&c->arena, c->count * sizeof *c->defs);
	for (size_t i = 0; c->defs && i < c->count; i++) {
		struct sbx_def *def = &c->defs[i];
		def->usages_end = &def->usages;
		def->spreads_end = &def->spreads;
		if (i < d->op_count) {
			def->op = &d->ops[i];
			continue;
		}
		def->fragment = &d->fragments[i - d->op_count];
		if (sd_map_has(&c->fragments, def->fragment->name))
			sbx_invalid(c, def->fragment->line, def->fragment->column, NULL,
				"DuplicateFragmentName: There can be only one fragment named "
				"'%.100s'",
				def->fragment->name);
		else if (!sd_map_put(&c->fragments, def->fragment->name, def, NULL))
			c->r->oom = true;
	}
}

bool sbx_validate(struct sbx_req *r)
{
	struct sbx_check c = {.r = r};
	size_t before = r->error_count;

	open_definitions(&c);
	for (size_t i = 0; c.defs && i < c.count && !sbx_check_done(&c); i++) {
		c.def = &c.defs[i];
		if (c.def->op)
			walk_operation(&c, c.def->op);
		else
			walk_fragment(&c, c.def->fragment);
	}
	if (c.defs)
		sbx_check_document(&c);
	if (c.steps > MOST_STEPS)
		sbx_error_at(r, 0, 0,
			"The document is too complex: its fragments are spread too often.");
	r->oom = r->oom || c.arena.failed;
	sd_map_release(&c.fragments, NULL);
	sbx_arena_free(&c.arena);
	return r->error_count == before && !r->oom;
}
