/* core/sandbox/core/sdl_print.c - the generated API as SDL (GET sdl). */
#include "core/sandbox/core/internal.h"

#include <string.h>

static bool is_builtin(const struct sbx_type *t)
{
	return t->introspection || (t->kind == SBX_SCALAR && strncmp(t->name, "AWS", 3) != 0);
}

/* A description as a block string; its own quotes cannot end it. */
static void describe(const char *text, const char *indent, struct sd_buf *out)
{
	if (!text || !*text)
		return;
	sd_buf_fmt(out, "%s\"\"\"", indent);
	for (const char *p = text; *p; p++) {
		if (strncmp(p, "\"\"\"", 3) == 0) {
			sd_buf_str(out, "\\\"\"\"");
			p += 2;
		} else {
			sd_buf_ch(out, *p);
		}
	}
	sd_buf_str(out, text[strlen(text) - 1] == '"' ? "\n\"\"\"\n" : "\"\"\"\n");
}

static void arguments(const struct sbx_field *f, struct sd_buf *out)
{
	if (!f->args)
		return;
	sd_buf_ch(out, '(');
	for (const struct sbx_field *a = f->args; a; a = a->next) {
		sd_buf_fmt(out, "%s: ", a->name);
		sbx_ref_text(&a->type, out);
		if (a->default_text)
			sd_buf_fmt(out, " = %s", a->default_text);
		sd_buf_str(out, a->next ? ", " : "");
	}
	sd_buf_ch(out, ')');
}

static void mutations_of(const struct sbx_schema *x, const struct sbx_field *f, struct sd_buf *out)
{
	static const unsigned bits[] = {SD_OP_CREATE_BIT, SD_OP_UPDATE_BIT, SD_OP_DELETE_BIT};
	bool first = true;
	void *v;

	sd_buf_str(out, " @aws_subscribe(mutations: [");
	for (size_t i = 0; sd_map_next(&x->mutation->fields, &i, NULL, &v);) {
		const struct sbx_field *m = v;
		if (m->model != f->model || !(f->sub_ops & bits[m->res - SBX_CREATE]))
			continue;
		sd_buf_fmt(out, "%s\"%s\"", first ? "" : ", ", m->name);
		first = false;
	}
	sd_buf_str(out, "])");
}

static void fields(const struct sbx_schema *x, const struct sbx_type *t, struct sd_buf *out)
{
	void *v;

	for (size_t i = 0; sd_map_next(&t->fields, &i, NULL, &v);) {
		const struct sbx_field *f = v;
		describe(f->description, "  ", out);
		sd_buf_fmt(out, "  %s", f->name);
		arguments(f, out);
		sd_buf_str(out, ": ");
		sbx_ref_text(&f->type, out);
		if (f->res == SBX_SUBSCRIBE)
			mutations_of(x, f, out);
		sd_buf_ch(out, '\n');
	}
}

static void type(const struct sbx_schema *x, const struct sbx_type *t, struct sd_buf *out)
{
	if (t->kind == SBX_OBJECT && sd_map_count(&t->fields) == 0)
		return;
	describe(t->description, "", out);
	switch (t->kind) {
	case SBX_SCALAR:
		sd_buf_fmt(out, "scalar %s\n\n", t->name);
		return;
	case SBX_ENUM:
		sd_buf_fmt(out, "enum %s {\n", t->name);
		for (size_t i = 0; i < t->value_count; i++)
			sd_buf_fmt(out, "  %s\n", t->values[i]);
		break;
	default:
		sd_buf_fmt(out, "%s %s {\n", t->kind == SBX_INPUT ? "input" : "type", t->name);
		fields(x, t, out);
	}
	sd_buf_str(out, "}\n\n");
}

static void directive(const struct sbx_directive *d, struct sd_buf *out)
{
	describe(d->description, "", out);
	sd_buf_fmt(out, "directive @%s", d->name);
	if (d->arg)
		sd_buf_fmt(out, "(%s: %s)", d->arg, d->arg_type);
	sd_buf_str(out, " on ");
	for (const char *p = d->locations; *p; p++) {
		if (*p == ' ')
			sd_buf_str(out, " | ");
		else
			sd_buf_ch(out, *p);
	}
	sd_buf_ch(out, '\n');
}

enum sd_err sd_sbx_sdl(struct sd_sbx *s, struct sd_buf *out, struct sd_error *e)
{
	const struct sbx_schema *x = &s->x;
	void *v;

	sd_buf_str(out, "schema {\n  query: Query\n");
	if (sd_map_count(&x->mutation->fields))
		sd_buf_str(out, "  mutation: Mutation\n");
	if (sd_map_count(&x->subscription->fields))
		sd_buf_str(out, "  subscription: Subscription\n");
	sd_buf_str(out, "}\n\n");
	for (size_t i = 0; i < sbx_directive_count; i++)
		if (strncmp(sbx_directives[i].name, "aws_", 4) == 0)
			directive(&sbx_directives[i], out);
	sd_buf_ch(out, '\n');
	for (size_t i = 0; sd_map_next(&x->types, &i, NULL, &v);)
		if (!is_builtin(v))
			type(x, v, out);
	if (!sd_buf_ok(out))
		return sd_fail(e, SD_NOMEM, 0, "printing the API: out of memory");
	return SD_OK;
}
