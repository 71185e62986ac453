/* core/model/sdl.c - the parser of schema documents.  See sdl.h. */
#include "core/model/sdl.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/model/grow.h"
#include "core/model/sdl_lex.h"

#define MAX_BYTES ((size_t)1 << 20)
#define MAX_DEPTH 64 /* of values and type references */

static enum sd_err no_memory(struct sd_error *e)
{
	return sd_fail(e, SD_NOMEM, 0, "schema: out of memory");
}

static bool is_word(const struct sd_lex *l, const char *word)
{
	return l->kind == SD_LEX_NAME && l->len == strlen(word) &&
	       memcmp(l->text, word, l->len) == 0;
}

static enum sd_err take_punct(struct sd_lex *l, char c, struct sd_error *e)
{
	char what[4] = {'\'', c, '\'', 0};

	if (!sd_lex_is(l, c))
		return sd_lex_expected(l, what, e);
	return sd_lex_next(l, e);
}

/* The name under the cursor, copied. */
static enum sd_err take_name(struct sd_lex *l, const char *what, char **out, struct sd_error *e)
{
	if (l->kind != SD_LEX_NAME)
		return sd_lex_expected(l, what, e);
	*out = sd_strdup_n(l->text, l->len);
	return *out ? sd_lex_next(l, e) : no_memory(e);
}

/* An optional string in front of a definition. */
static enum sd_err take_description(struct sd_lex *l, char **out, struct sd_error *e)
{
	if (l->kind != SD_LEX_STRING)
		return SD_OK;
	*out = sd_strdup_n(sd_buf_text(&l->value), l->value.len);
	return *out ? sd_lex_next(l, e) : no_memory(e);
}

static enum sd_err parse_value(
	struct sd_lex *l, struct sd_sdl_value *v, unsigned depth, struct sd_error *e);

static enum sd_err parse_list(
	struct sd_lex *l, struct sd_sdl_value *v, unsigned depth, struct sd_error *e)
{
	enum sd_err rc = sd_lex_next(l, e);

	v->kind = SD_SDL_LIST;
	while (!rc && !sd_lex_is(l, ']')) {
		struct sd_sdl_value *item = SD_GROW(v->items, v->count);
		if (!item)
			return no_memory(e);
		rc = parse_value(l, item, depth + 1, e);
	}
	return rc ? rc : sd_lex_next(l, e);
}

static enum sd_err parse_object(
	struct sd_lex *l, struct sd_sdl_value *v, unsigned depth, struct sd_error *e)
{
	enum sd_err rc = sd_lex_next(l, e);

	v->kind = SD_SDL_OBJECT;
	while (!rc && !sd_lex_is(l, '}')) {
		size_t at = v->count;
		char **name = SD_GROW(v->names, at);
		struct sd_sdl_value *item = name ? SD_GROW(v->items, v->count) : NULL;
		if (!item)
			return no_memory(e);
		rc = take_name(l, "a name or '}'", name, e);
		if (!rc)
			rc = take_punct(l, ':', e);
		if (!rc)
			rc = parse_value(l, item, depth + 1, e);
	}
	return rc ? rc : sd_lex_next(l, e);
}

static enum sd_err parse_value(
	struct sd_lex *l, struct sd_sdl_value *v, unsigned depth, struct sd_error *e)
{
	v->line = l->at_line;
	v->column = l->at_column;
	if (depth > MAX_DEPTH)
		return sd_lex_expected(l, "a value nested less deeply", e);
	if (sd_lex_is(l, '['))
		return parse_list(l, v, depth, e);
	if (sd_lex_is(l, '{'))
		return parse_object(l, v, depth, e);
	switch (l->kind) {
	case SD_LEX_INT:
		v->kind = SD_SDL_INT;
		break;
	case SD_LEX_FLOAT:
		v->kind = SD_SDL_FLOAT;
		break;
	case SD_LEX_STRING:
		v->kind = SD_SDL_STRING;
		break;
	case SD_LEX_NAME:
		v->kind = is_word(l, "true") || is_word(l, "false") ? SD_SDL_BOOL
			  : is_word(l, "null")                      ? SD_SDL_NULL
								    : SD_SDL_ENUM;
		break;
	default:
		return sd_lex_expected(l, "a value", e);
	}
	v->text = l->kind == SD_LEX_STRING ? sd_strdup_n(sd_buf_text(&l->value), l->value.len)
					   : sd_strdup_n(l->text, l->len);
	return v->text ? sd_lex_next(l, e) : no_memory(e);
}

static enum sd_err parse_arguments(struct sd_lex *l, struct sd_sdl_directive *d, struct sd_error *e)
{
	enum sd_err rc = sd_lex_next(l, e);

	while (!rc && !sd_lex_is(l, ')')) {
		struct sd_sdl_arg *a = SD_GROW(d->args, d->arg_count);
		if (!a)
			return no_memory(e);
		rc = take_name(l, "an argument's name or ')'", &a->name, e);
		if (!rc)
			rc = take_punct(l, ':', e);
		if (!rc)
			rc = parse_value(l, &a->value, 0, e);
	}
	return rc ? rc : sd_lex_next(l, e);
}

static enum sd_err parse_directives(
	struct sd_lex *l, struct sd_sdl_directive **list, size_t *n, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	while (!rc && sd_lex_is(l, '@')) {
		struct sd_sdl_directive *d = SD_GROW(*list, *n);
		if (!d)
			return no_memory(e);
		d->line = l->at_line;
		d->column = l->at_column;
		rc = sd_lex_next(l, e);
		if (!rc)
			rc = take_name(l, "a directive's name", &d->name, e);
		if (!rc && sd_lex_is(l, '('))
			rc = parse_arguments(l, d, e);
	}
	return rc;
}

/* Int, [Int!]!, [[Int]]: what stands inside the innermost brackets is the element. */
static enum sd_err parse_type(struct sd_lex *l, struct sd_sdl_type *t, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	while (!rc && sd_lex_is(l, '[')) {
		if (++t->depth > MAX_DEPTH)
			return sd_lex_expected(l, "a type nested less deeply", e);
		rc = sd_lex_next(l, e);
	}
	if (!rc)
		rc = take_name(l, "a type", &t->name, e);
	t->list = t->depth > 0;
	if (!rc && sd_lex_is(l, '!')) {
		t->non_null = true;
		rc = sd_lex_next(l, e);
	}
	for (unsigned i = 0; !rc && i < t->depth; i++) {
		t->list_non_null = false;
		rc = take_punct(l, ']', e);
		if (!rc && sd_lex_is(l, '!')) {
			t->list_non_null = true;
			rc = sd_lex_next(l, e);
		}
	}
	return rc;
}

static enum sd_err parse_fields(struct sd_lex *l, char close, unsigned depth,
	struct sd_sdl_field **list, size_t *n, struct sd_error *e);

static enum sd_err parse_field(
	struct sd_lex *l, struct sd_sdl_field *f, unsigned depth, struct sd_error *e)
{
	enum sd_err rc = take_description(l, &f->description, e);

	f->line = l->at_line;
	f->column = l->at_column;
	if (!rc)
		rc = take_name(l, "a field's name", &f->name, e);
	if (!rc && sd_lex_is(l, '(')) {
		if (depth)
			return sd_lex_expected(l, "':'", e);
		rc = parse_fields(l, ')', depth + 1, &f->args, &f->arg_count, e);
	}
	if (!rc)
		rc = take_punct(l, ':', e);
	if (!rc)
		rc = parse_type(l, &f->type, e);
	if (!rc && sd_lex_is(l, '=')) {
		f->default_value = calloc(1, sizeof *f->default_value);
		if (!f->default_value)
			return no_memory(e);
		rc = sd_lex_next(l, e);
		if (!rc)
			rc = parse_value(l, f->default_value, 0, e);
	}
	return rc ? rc : parse_directives(l, &f->directives, &f->directive_count, e);
}

/* { a: Int  b: Int } or the arguments of a field; the cursor is on the opening sign. */
static enum sd_err parse_fields(struct sd_lex *l, char close, unsigned depth,
	struct sd_sdl_field **list, size_t *n, struct sd_error *e)
{
	enum sd_err rc = sd_lex_next(l, e);

	while (!rc && !sd_lex_is(l, close)) {
		struct sd_sdl_field *f = SD_GROW(*list, *n);
		if (!f)
			return no_memory(e);
		rc = parse_field(l, f, depth, e);
	}
	return rc ? rc : sd_lex_next(l, e);
}

/* implements A & B, and the older "A, B" and "A B" */
static enum sd_err parse_interfaces(struct sd_lex *l, struct sd_sdl_def *d, struct sd_error *e)
{
	enum sd_err rc;

	if (!is_word(l, "implements"))
		return SD_OK;
	rc = sd_lex_next(l, e);
	while (!rc && (l->kind == SD_LEX_NAME || sd_lex_is(l, '&'))) {
		char **name;

		if (sd_lex_is(l, '&')) {
			rc = sd_lex_next(l, e);
			continue;
		}
		name = SD_GROW(d->interfaces, d->interface_count);
		if (!name)
			return no_memory(e);
		rc = take_name(l, "an interface's name", name, e);
	}
	return rc;
}

static enum sd_err parse_enum_values(struct sd_lex *l, struct sd_sdl_def *d, struct sd_error *e)
{
	enum sd_err rc = sd_lex_next(l, e);

	while (!rc && !sd_lex_is(l, '}')) {
		struct sd_sdl_directive *ignored = NULL;
		size_t n = 0;
		char **value = SD_GROW(d->values, d->value_count);
		if (!value)
			return no_memory(e);
		if (l->kind == SD_LEX_STRING)
			rc = sd_lex_next(l, e);
		if (!rc)
			rc = take_name(l, "an enum value or '}'", value, e);
		if (!rc)
			rc = parse_directives(l, &ignored, &n, e);
		sd_sdl_free_directives(ignored, n);
	}
	return rc ? rc : sd_lex_next(l, e);
}

/* union U = A | B */
static enum sd_err parse_members(struct sd_lex *l, struct sd_sdl_def *d, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (!sd_lex_is(l, '='))
		return SD_OK;
	do {
		char **member;

		rc = sd_lex_next(l, e);
		if (!rc && !d->value_count && sd_lex_is(l, '|'))
			rc = sd_lex_next(l, e);
		if (rc)
			return rc;
		member = SD_GROW(d->values, d->value_count);
		if (!member)
			return no_memory(e);
		rc = take_name(l, "a type's name", member, e);
	} while (!rc && sd_lex_is(l, '|'));
	return rc;
}

/* directive @x(a: Int) repeatable on OBJECT | FIELD */
static enum sd_err parse_directive_def(struct sd_lex *l, struct sd_sdl_def *d, struct sd_error *e)
{
	enum sd_err rc = take_punct(l, '@', e);

	if (!rc)
		rc = take_name(l, "a directive's name", &d->name, e);
	if (!rc && sd_lex_is(l, '('))
		rc = parse_fields(l, ')', 1, &d->fields, &d->field_count, e);
	if (!rc && is_word(l, "repeatable"))
		rc = sd_lex_next(l, e);
	if (!rc && !is_word(l, "on"))
		return sd_lex_expected(l, "'on'", e);
	if (!rc)
		rc = sd_lex_next(l, e);
	if (!rc && sd_lex_is(l, '|'))
		rc = sd_lex_next(l, e);
	while (!rc) {
		if (l->kind != SD_LEX_NAME)
			return sd_lex_expected(l, "where the directive may stand", e);
		rc = sd_lex_next(l, e);
		if (rc || !sd_lex_is(l, '|'))
			break;
		rc = sd_lex_next(l, e);
	}
	return rc;
}

static const struct {
	const char *word;
	enum sd_sdl_def_kind kind;
} KEYWORD[] = {
	{"type", SD_SDL_DEF_TYPE},
	{"input", SD_SDL_DEF_INPUT},
	{"enum", SD_SDL_DEF_ENUM},
	{"interface", SD_SDL_DEF_INTERFACE},
	{"union", SD_SDL_DEF_UNION},
	{"scalar", SD_SDL_DEF_SCALAR},
	{"directive", SD_SDL_DEF_DIRECTIVE},
	{"schema", SD_SDL_DEF_SCHEMA},
};

static enum sd_err parse_body(struct sd_lex *l, struct sd_sdl_def *d, struct sd_error *e)
{
	enum sd_err rc;

	if (d->kind == SD_SDL_DEF_DIRECTIVE)
		return parse_directive_def(l, d, e);
	if (d->kind == SD_SDL_DEF_SCHEMA) {
		d->name = sd_strdup_n("schema", 6);
		rc = d->name ? SD_OK : no_memory(e);
	} else {
		rc = take_name(l, "a type's name", &d->name, e);
	}
	if (!rc)
		rc = parse_interfaces(l, d, e);
	if (!rc)
		rc = parse_directives(l, &d->directives, &d->directive_count, e);
	if (rc)
		return rc;
	if (d->kind == SD_SDL_DEF_UNION)
		return parse_members(l, d, e);
	if (d->kind == SD_SDL_DEF_SCALAR || !sd_lex_is(l, '{'))
		return SD_OK;
	if (d->kind == SD_SDL_DEF_ENUM)
		return parse_enum_values(l, d, e);
	return parse_fields(l, '}', 0, &d->fields, &d->field_count, e);
}

static enum sd_err parse_def(
	struct sd_lex *l, struct sd_sdl_def *d, bool *extends, struct sd_error *e)
{
	enum sd_err rc = take_description(l, &d->description, e);

	*extends = false;
	if (!rc && is_word(l, "extend")) {
		*extends = true;
		rc = sd_lex_next(l, e);
	}
	d->line = l->at_line;
	d->column = l->at_column;
	for (size_t i = 0; !rc && i < sizeof KEYWORD / sizeof *KEYWORD; i++) {
		if (!is_word(l, KEYWORD[i].word))
			continue;
		d->kind = KEYWORD[i].kind;
		rc = sd_lex_next(l, e);
		return rc ? rc : parse_body(l, d, e);
	}
	return rc ? rc
		  : sd_lex_expected(l, "type, enum, input, interface, union, scalar or extend", e);
}

enum sd_err sd_sdl_parse(
	const char *text, size_t n, const char *name, struct sd_sdl_doc **out, struct sd_error *e)
{
	struct sd_lex l = {0};
	struct sd_sdl_doc *doc = NULL;
	bool *extends = NULL;
	size_t extend_count = 0;
	enum sd_err rc;

	if (n > MAX_BYTES)
		return sd_fail(e, SD_TOOBIG, 0, "%s: a schema may have %zu bytes, this has %zu",
			name, MAX_BYTES, n);
	doc = calloc(1, sizeof *doc);
	if (!doc)
		return no_memory(e);
	rc = sd_lex_init(&l, text, n, name, e);
	while (!rc && l.kind != SD_LEX_END) {
		bool *ext = SD_GROW(extends, extend_count);
		struct sd_sdl_def *d = ext ? SD_GROW(doc->defs, doc->def_count) : NULL;
		rc = d ? parse_def(&l, d, ext, e) : no_memory(e);
	}
	if (!rc && !sd_sdl_merge(doc, extends))
		rc = no_memory(e);
	free(extends);
	sd_lex_release(&l);
	if (rc) {
		sd_sdl_free(doc);
		return rc;
	}
	*out = doc;
	return SD_OK;
}
