/* core/model/sdl_free.c - a parsed document: merging, looking into it, letting it go.  See sdl.h. */
#include "core/model/sdl.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/model/grow.h"

static void free_value(struct sd_sdl_value *v)
{
	free(v->text);
	for (size_t i = 0; i < v->count; i++) {
		free_value(&v->items[i]);
		if (v->names)
			free(v->names[i]);
	}
	free(v->items);
	free(v->names);
}

void sd_sdl_free_directives(struct sd_sdl_directive *d, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < d[i].arg_count; k++) {
			free(d[i].args[k].name);
			free_value(&d[i].args[k].value);
		}
		free(d[i].args);
		free(d[i].name);
	}
	free(d);
}

static void free_fields(struct sd_sdl_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].name);
		free(f[i].description);
		free(f[i].type.name);
		free_fields(f[i].args, f[i].arg_count);
		if (f[i].default_value)
			free_value(f[i].default_value);
		free(f[i].default_value);
		sd_sdl_free_directives(f[i].directives, f[i].directive_count);
	}
	free(f);
}

static void free_def(struct sd_sdl_def *d)
{
	free(d->name);
	free(d->description);
	free_fields(d->fields, d->field_count);
	sd_names_free(d->values, d->value_count);
	sd_names_free(d->interfaces, d->interface_count);
	sd_sdl_free_directives(d->directives, d->directive_count);
}

/* Moves the elements of a list to the end of another; the first is empty after.  Both point to a
 * list's pointer. */
static bool move(void *from, size_t *from_count, void *to, size_t *to_count, size_t size)
{
	char *src, *dst, *none = NULL;
	size_t i;

	memcpy(&src, from, sizeof src);
	for (i = 0; i < *from_count && sd_grow(to, to_count, size); i++) {
		memcpy(&dst, to, sizeof dst);
		memcpy(dst + (*to_count - 1) * size, src + i * size, size);
	}
	*from_count -= i;
	if (*from_count) { /* what was moved has one owner only */
		memmove(src, src + i * size, *from_count * size);
		return false;
	}
	free(src);
	memcpy(from, &none, sizeof none);
	return true;
}

#define MOVE(from, to, list, count)                                                                \
	move(&(from)->list, &(from)->count, &(to)->list, &(to)->count, sizeof *(to)->list)

static bool absorb(struct sd_sdl_def *to, struct sd_sdl_def *from)
{
	return MOVE(from, to, fields, field_count) && MOVE(from, to, values, value_count) &&
	       MOVE(from, to, interfaces, interface_count) &&
	       MOVE(from, to, directives, directive_count);
}

/* Two passes: the definition may stand behind its extension. */
bool sd_sdl_merge(struct sd_sdl_doc *doc, const bool *extends)
{
	struct sd_map bases = SD_MAP_INIT;
	bool ok = true;
	size_t kept = 0;

	for (int pass = 0; ok && pass < 2; pass++)
		for (size_t i = 0; ok && i < doc->def_count; i++) {
			const char *name = doc->defs[i].name;
			if (extends[i] == (pass == 1) && !sd_map_has(&bases, name))
				ok = sd_map_put(&bases, name, (void *)(uintptr_t)(i + 1), NULL);
		}
	for (size_t i = 0; ok && i < doc->def_count; i++) {
		struct sd_sdl_def *d = &doc->defs[i];
		size_t at = (size_t)(uintptr_t)sd_map_get(&bases, d->name) - 1;
		if (extends[i] && at != i && doc->defs[at].kind == d->kind)
			ok = absorb(&doc->defs[at], d);
		else
			continue;
		free_def(d);
		memset(d, 0, sizeof *d);
	}
	for (size_t i = 0; ok && i < doc->def_count; i++)
		if (doc->defs[i].name)
			doc->defs[kept++] = doc->defs[i];
	if (ok)
		doc->def_count = kept;
	sd_map_release(&bases, NULL);
	return ok;
}

void sd_sdl_free(struct sd_sdl_doc *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->def_count; i++)
		free_def(&d->defs[i]);
	free(d->defs);
	free(d);
}

const struct sd_sdl_def *sd_sdl_find(const struct sd_sdl_doc *d, const char *name)
{
	for (size_t i = 0; i < d->def_count; i++)
		if (sd_str_eq(d->defs[i].name, name))
			return &d->defs[i];
	return NULL;
}

const struct sd_sdl_directive *sd_sdl_directive(
	const struct sd_sdl_directive *list, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (sd_str_eq(list[i].name, name))
			return &list[i];
	return NULL;
}

const struct sd_sdl_value *sd_sdl_arg(const struct sd_sdl_directive *d, const char *name)
{
	for (size_t i = 0; d && i < d->arg_count; i++)
		if (sd_str_eq(d->args[i].name, name))
			return &d->args[i].value;
	return NULL;
}
