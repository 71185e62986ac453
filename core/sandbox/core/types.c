/* core/sandbox/core/types.c - the type registry.  See types.h. */
#include "core/sandbox/core/types.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct sbx_type *sbx_type_find(const struct sbx_schema *x, const char *name)
{
	return name ? sd_map_get(&x->types, name) : NULL;
}

struct sbx_type *sbx_type_at(struct sbx_schema *x, const char *name)
{
	struct sbx_type *t;

	if (!name)
		return NULL;
	t = sbx_type_find(x, name);
	if (t)
		return t;
	t = sbx_alloc(&x->arena, sizeof *t);
	if (!t)
		return NULL;
	t->name = sbx_copy(&x->arena, name);
	if (!t->name || !sd_map_put(&x->types, name, t, NULL)) {
		x->arena.failed = true;
		return NULL;
	}
	return t;
}

struct sbx_type *sbx_type_define(struct sbx_schema *x, enum sbx_kind kind, const char *name)
{
	struct sbx_type *t = sbx_type_at(x, name);

	if (!t)
		return NULL;
	if (t->kind != SBX_UNDEFINED) {
		x->clash = t->name;
		return NULL;
	}
	t->kind = kind;
	return t;
}

struct sbx_ref sbx_ref_parse(struct sbx_schema *x, const char *type)
{
	struct sbx_ref r = {0};
	char name[256];
	size_t n;

	if (!type)
		return r;
	r.list = type[0] == '[';
	type += r.list;
	n = strcspn(type, "!]");
	if (n >= sizeof name)
		return r;
	memcpy(name, type, n);
	name[n] = '\0';
	type += n;
	if (r.list) {
		r.item_non_null = *type == '!';
		type += r.item_non_null;
		type += *type == ']';
	}
	r.non_null = *type == '!';
	r.type = sbx_type_at(x, name);
	return r;
}

bool sbx_ref_text(const struct sbx_ref *r, struct sd_buf *out)
{
	if (r->list)
		sd_buf_ch(out, '[');
	sd_buf_str(out, r->type->name);
	if (r->list)
		sd_buf_str(out, r->item_non_null ? "!]" : "]");
	if (r->non_null)
		sd_buf_ch(out, '!');
	return sd_buf_ok(out);
}

struct sbx_field *sbx_add_ref(
	struct sbx_schema *x, struct sbx_type *t, const char *name, struct sbx_ref type)
{
	struct sbx_field *f;

	if (!t || !name || !type.type || sd_map_has(&t->fields, name))
		return NULL;
	f = sbx_alloc(&x->arena, sizeof *f);
	if (!f)
		return NULL;
	f->name = sbx_copy(&x->arena, name);
	f->type = type;
	if (!f->name || !sd_map_put(&t->fields, name, f, NULL)) {
		x->arena.failed = true;
		return NULL;
	}
	return f;
}

struct sbx_field *sbx_add(
	struct sbx_schema *x, struct sbx_type *t, const char *name, const char *type)
{
	return sbx_add_ref(x, t, name, sbx_ref_parse(x, type));
}

struct sbx_field *sbx_arg(
	struct sbx_schema *x, struct sbx_field *f, const char *name, const char *type)
{
	struct sbx_field *a, **at;

	if (!f || !name || !type)
		return NULL;
	for (at = &f->args; *at; at = &(*at)->next)
		if (strcmp((*at)->name, name) == 0)
			return *at;
	a = sbx_alloc(&x->arena, sizeof *a);
	if (!a)
		return NULL;
	a->name = sbx_copy(&x->arena, name);
	a->type = sbx_ref_parse(x, type);
	*at = a;
	return a;
}

struct sbx_field *sbx_field_find(const struct sbx_type *t, const char *name)
{
	return t && name ? sd_map_get(&t->fields, name) : NULL;
}

const struct sbx_field *sbx_arg_find(const struct sbx_field *f, const char *name)
{
	for (const struct sbx_field *a = f->args; a; a = a->next)
		if (strcmp(a->name, name) == 0)
			return a;
	return NULL;
}

void sbx_schema_release(struct sbx_schema *x)
{
	void *v;

	for (size_t i = 0; sd_map_next(&x->types, &i, NULL, &v);)
		sd_map_release(&((struct sbx_type *)v)->fields, NULL);
	sd_map_release(&x->types, NULL);
	sd_map_release(&x->by_name, NULL);
	free(x->keys);
	free(x->key_models);
	sbx_arena_free(&x->arena);
	memset(x, 0, sizeof *x);
}

char *sbx_camel(struct sbx_schema *x, const char *a, const char *b)
{
	char *t = a && b ? sbx_fmt(&x->arena, "%s%s", a, b) : NULL;
	size_t at = t ? strlen(a) : 0;

	if (t && t[at] >= 'a' && t[at] <= 'z' && at > 0)
		t[at] = (char)(t[at] - 'a' + 'A');
	return t;
}

bool sbx_is_name(const char *s)
{
	if (!s || !*s || strlen(s) > 200 || (*s >= '0' && *s <= '9'))
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= 'A' && *s <= 'Z') || *s == '_' ||
			    (*s >= '0' && *s <= '9')))
			return false;
	return true;
}
