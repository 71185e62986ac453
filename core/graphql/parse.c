/* core/graphql/parse.c - see parse.h. */
#include "core/graphql/parse.h"

#include <stdlib.h>
#include <string.h>

#include "core/graphql/lex.h"

#define DEPTH 128

/* What the caller gets a pointer into: the tree and the memory it stands in. */
struct owned {
	struct sd_gql_doc doc;
	struct sd_gql_arena arena;
};

struct parser {
	struct sd_gql_lex lex;
	struct sd_gql_doc *doc;
	unsigned depth;
	enum sd_err rc; /* why a function below answered false */
	struct sd_error *e;
};

static bool failed(struct parser *p, enum sd_err rc)
{
	p->rc = rc;
	return false;
}

static bool no_memory(struct parser *p)
{
	return failed(p, sd_fail(p->e, SD_NOMEM, 0, "GraphQL document: out of memory"));
}

static bool expected(struct parser *p, const char *what)
{
	return failed(p, sd_gql_expected(&p->lex, what, p->e));
}

static bool next(struct parser *p)
{
	enum sd_err rc = sd_gql_lex_next(&p->lex, p->e);

	return rc == SD_OK || failed(p, rc);
}

/* Room for one more behind items[count]; rooms are powers of two, so the count says when to grow. */
static void *grow(struct parser *p, void *items, size_t count, size_t size)
{
	void *more = items;

	if (count == 0 || (count & (count - 1)) == 0) {
		more = sd_gql_alloc(
			&((struct owned *)(void *)p->doc)->arena, (count ? count * 2 : 1) * size);
		if (!more)
			no_memory(p);
		else if (count)
			memcpy(more, items, count * size);
	}
	return more;
}

/* Sets `slot` to a new zeroed element at the end of list; false: out of memory. */
#define PUSH(p, list, count, slot)                                                                 \
	(((slot) = grow(p, list, count, sizeof *(list))) != NULL &&                                \
		((list) = (slot), (slot) += (count)++, true))

static bool at_punct(const struct parser *p, char c)
{
	return p->lex.tok.kind == SD_GQL_T_PUNCT && p->lex.tok.punct == c;
}

static bool at_name(const struct parser *p, const char *name)
{
	const struct sd_gql_token *t = &p->lex.tok;

	return t->kind == SD_GQL_T_NAME && t->len == strlen(name) &&
	       memcmp(t->start, name, t->len) == 0;
}

static bool take_punct(struct parser *p, char c, const char *what)
{
	return at_punct(p, c) ? next(p) : expected(p, what);
}

static bool token_text(struct parser *p, char **out)
{
	const struct sd_gql_token *t = &p->lex.tok;

	*out = sd_gql_text(p->lex.arena, t->start, t->len);
	return *out || no_memory(p);
}

static bool take_name(struct parser *p, const char *what, char **out)
{
	if (p->lex.tok.kind != SD_GQL_T_NAME)
		return expected(p, what);
	return token_text(p, out) && next(p);
}

static bool deeper(struct parser *p)
{
	if (++p->depth > DEPTH)
		return failed(p, sd_fail(p->e, SD_TOOBIG, 0, "%u:%u: more than %d levels deep",
					 p->lex.tok.line, p->lex.tok.column, DEPTH));
	return true;
}

/* ---- values ---- */

static bool value(struct parser *p, bool constant, struct sd_gql_value *v);

static bool list_value(struct parser *p, bool constant, struct sd_gql_value *v)
{
	v->kind = SD_GQL_LIST;
	if (!deeper(p) || !next(p))
		return false;
	while (!at_punct(p, ']')) {
		struct sd_gql_value *item;
		if (p->lex.tok.kind == SD_GQL_T_END)
			return expected(p, "']' at the end of the list");
		if (!PUSH(p, v->items, v->count, item) || !value(p, constant, item))
			return false;
	}
	p->depth--;
	return next(p);
}

static bool object_value(struct parser *p, bool constant, struct sd_gql_value *v)
{
	v->kind = SD_GQL_OBJECT;
	if (!deeper(p) || !next(p))
		return false;
	while (!at_punct(p, '}')) {
		struct sd_gql_value *item;
		char **name;
		size_t names = v->count;
		if (!PUSH(p, v->names, names, name) || !PUSH(p, v->items, v->count, item) ||
			!take_name(p, "a field name or '}'", name) ||
			!take_punct(p, ':', "':' after the field name") ||
			!value(p, constant, item))
			return false;
	}
	p->depth--;
	return next(p);
}

static bool value(struct parser *p, bool constant, struct sd_gql_value *v)
{
	const struct sd_gql_token *t = &p->lex.tok;

	v->line = t->line;
	v->column = t->column;
	switch (t->kind) {
	case SD_GQL_T_INT:
	case SD_GQL_T_FLOAT:
		v->kind = t->kind == SD_GQL_T_INT ? SD_GQL_INT : SD_GQL_FLOAT;
		return token_text(p, &v->text) && next(p);
	case SD_GQL_T_STRING:
		v->kind = SD_GQL_STRING;
		v->text = t->text;
		return next(p);
	case SD_GQL_T_NAME:
		v->kind = at_name(p, "null")                          ? SD_GQL_NULL
			  : at_name(p, "true") || at_name(p, "false") ? SD_GQL_BOOL
								      : SD_GQL_ENUM;
		return token_text(p, &v->text) && next(p);
	case SD_GQL_T_PUNCT:
		if (t->punct == '[')
			return list_value(p, constant, v);
		if (t->punct == '{')
			return object_value(p, constant, v);
		if (t->punct == '$' && !constant) {
			v->kind = SD_GQL_VARIABLE;
			return next(p) && take_name(p, "a variable's name", &v->text);
		}
		break;
	case SD_GQL_T_END:
		break;
	}
	return expected(p, constant ? "a constant value" : "a value");
}

/* ---- arguments, directives, types ---- */

static bool arguments(struct parser *p, bool constant, struct sd_gql_arg **args, size_t *count)
{
	if (!at_punct(p, '('))
		return true;
	if (!next(p))
		return false;
	do {
		struct sd_gql_arg *a;
		if (!PUSH(p, *args, *count, a))
			return false;
		a->line = p->lex.tok.line;
		a->column = p->lex.tok.column;
		if (!take_name(p, "an argument's name", &a->name) ||
			!take_punct(p, ':', "':' after the argument's name") ||
			!value(p, constant, &a->value))
			return false;
	} while (!at_punct(p, ')'));
	return next(p);
}

static bool directives(
	struct parser *p, bool constant, struct sd_gql_directive **list, size_t *count)
{
	while (at_punct(p, '@')) {
		struct sd_gql_directive *d;
		if (!PUSH(p, *list, *count, d))
			return false;
		d->line = p->lex.tok.line;
		d->column = p->lex.tok.column;
		if (!next(p) || !take_name(p, "a directive's name", &d->name) ||
			!arguments(p, constant, &d->args, &d->arg_count))
			return false;
	}
	return true;
}

static bool type(struct parser *p, struct sd_gql_type *t)
{
	if (at_punct(p, '[')) {
		t->of = sd_gql_alloc(p->lex.arena, sizeof *t->of);
		if (!t->of)
			return no_memory(p);
		if (!deeper(p) || !next(p) || !type(p, t->of) ||
			!take_punct(p, ']', "']' after the list's type"))
			return false;
		p->depth--;
	} else if (!take_name(p, "a type", &t->name)) {
		return false;
	}
	if (!at_punct(p, '!'))
		return true;
	t->non_null = true;
	return next(p);
}

static bool variables(struct parser *p, struct sd_gql_op *op)
{
	if (!at_punct(p, '('))
		return true;
	if (!next(p))
		return false;
	do {
		struct sd_gql_var *v;
		if (!PUSH(p, op->vars, op->var_count, v))
			return false;
		v->line = p->lex.tok.line;
		v->column = p->lex.tok.column;
		if (!take_punct(p, '$', "'$' before a variable's name") ||
			!take_name(p, "a variable's name", &v->name) ||
			!take_punct(p, ':', "':' after the variable's name") || !type(p, &v->type))
			return false;
		if (at_punct(p, '=')) {
			v->default_value = sd_gql_alloc(p->lex.arena, sizeof *v->default_value);
			if (!v->default_value)
				return no_memory(p);
			if (!next(p) || !value(p, true, v->default_value))
				return false;
		}
		if (!directives(p, true, &v->directives, &v->directive_count))
			return false;
	} while (!at_punct(p, ')'));
	return next(p);
}

/* ---- selections ---- */

static bool selection_set(struct parser *p, struct sd_gql_selection **sels, size_t *count);

static bool field(struct parser *p, struct sd_gql_selection *s)
{
	s->kind = SD_GQL_FIELD;
	if (!take_name(p, "a field", &s->name))
		return false;
	if (at_punct(p, ':')) {
		s->alias = s->name;
		if (!next(p) || !take_name(p, "a field's name after the alias", &s->name))
			return false;
	}
	return arguments(p, false, &s->args, &s->arg_count) &&
	       directives(p, false, &s->directives, &s->directive_count) &&
	       (!at_punct(p, '{') || selection_set(p, &s->sels, &s->sel_count));
}

static bool spread(struct parser *p, struct sd_gql_selection *s)
{
	if (!next(p))
		return false;
	if (p->lex.tok.kind == SD_GQL_T_NAME && !at_name(p, "on")) {
		s->kind = SD_GQL_SPREAD;
		return take_name(p, "a fragment's name", &s->name) &&
		       directives(p, false, &s->directives, &s->directive_count);
	}
	s->kind = SD_GQL_INLINE;
	if (at_name(p, "on") && (!next(p) || !take_name(p, "a type after \"on\"", &s->name)))
		return false;
	return directives(p, false, &s->directives, &s->directive_count) &&
	       selection_set(p, &s->sels, &s->sel_count);
}

static bool selection_set(struct parser *p, struct sd_gql_selection **sels, size_t *count)
{
	if (!deeper(p) || !take_punct(p, '{', "'{'"))
		return false;
	do {
		struct sd_gql_selection *s;
		if (p->lex.tok.kind != SD_GQL_T_NAME && !at_punct(p, '.'))
			return expected(p, *count ? "a field, \"...\" or '}'"
						  : "at least one field or \"...\"");
		if (!PUSH(p, *sels, *count, s))
			return false;
		s->line = p->lex.tok.line;
		s->column = p->lex.tok.column;
		if (!(at_punct(p, '.') ? spread(p, s) : field(p, s)))
			return false;
	} while (!at_punct(p, '}'));
	p->depth--;
	return next(p);
}

/* ---- definitions ---- */

static bool operation(struct parser *p, enum sd_gql_op_kind kind)
{
	struct sd_gql_op *op;

	if (!PUSH(p, p->doc->ops, p->doc->op_count, op))
		return false;
	op->kind = kind;
	op->line = p->lex.tok.line;
	op->column = p->lex.tok.column;
	if (!at_punct(p, '{')) {
		if (!next(p))
			return false;
		if (p->lex.tok.kind == SD_GQL_T_NAME &&
			!take_name(p, "the operation's name", &op->name))
			return false;
		if (!variables(p, op) ||
			!directives(p, false, &op->directives, &op->directive_count))
			return false;
	}
	return selection_set(p, &op->sels, &op->sel_count);
}

static bool fragment(struct parser *p)
{
	struct sd_gql_fragment *f;

	if (!PUSH(p, p->doc->fragments, p->doc->fragment_count, f))
		return false;
	f->line = p->lex.tok.line;
	f->column = p->lex.tok.column;
	if (!next(p))
		return false;
	if (at_name(p, "on"))
		return expected(p, "a fragment's name before \"on\"");
	if (!take_name(p, "a fragment's name", &f->name))
		return false;
	if (!at_name(p, "on"))
		return expected(p, "\"on\" and a type");
	return next(p) && take_name(p, "a type after \"on\"", &f->on) &&
	       directives(p, false, &f->directives, &f->directive_count) &&
	       selection_set(p, &f->sels, &f->sel_count);
}

static bool definition(struct parser *p)
{
	static const char *const KIND[] = {"query", "mutation", "subscription"};

	if (at_punct(p, '{'))
		return operation(p, SD_GQL_QUERY);
	if (at_name(p, "fragment"))
		return fragment(p);
	for (size_t i = 0; i < sizeof KIND / sizeof *KIND; i++)
		if (at_name(p, KIND[i]))
			return operation(p, (enum sd_gql_op_kind)i);
	return expected(p, "query, mutation, subscription, fragment or '{'");
}

enum sd_err sd_gql_parse(const char *text, size_t n, struct sd_gql_doc **out, struct sd_error *e)
{
	struct owned *o = calloc(1, sizeof *o);
	struct parser p = {.e = e};

	*out = NULL;
	if (!o)
		return sd_fail(e, SD_NOMEM, 0, "GraphQL document: out of memory");
	p.doc = &o->doc;
	p.rc = sd_gql_lex_init(&p.lex, text, n, &o->arena, e);
	if (p.rc == SD_OK && next(&p)) {
		do {
			if (!definition(&p))
				break;
		} while (p.lex.tok.kind != SD_GQL_T_END);
	}
	if (p.rc != SD_OK) {
		sd_gql_free(&o->doc);
		return p.rc;
	}
	*out = &o->doc;
	return SD_OK;
}

void sd_gql_free(struct sd_gql_doc *d)
{
	struct owned *o = (struct owned *)(void *)d; /* doc is its first member */

	if (!o)
		return;
	sd_gql_arena_release(&o->arena);
	free(o);
}

const struct sd_gql_fragment *sd_gql_fragment(const struct sd_gql_doc *d, const char *name)
{
	for (size_t i = 0; i < d->fragment_count; i++)
		if (strcmp(d->fragments[i].name, name) == 0)
			return &d->fragments[i];
	return NULL;
}
