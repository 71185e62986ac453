/* core/model/draft.c - see draft.h. */
#include "core/model/draft.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

enum sd_err sd_draft_nomem(struct sd_error *e)
{
	return sd_fail(e, SD_NOMEM, 0, "schema: out of memory");
}

enum sd_err sd_draft_fail(const struct sd_draft *d, unsigned line, unsigned column,
	struct sd_error *e, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	if (!line)
		return sd_fail(e, SD_INVAL, 0, "%s: %s", d->file, text);
	return sd_fail(e, SD_INVAL, 0, "%s:%u:%u: %s", d->file, line, column, text);
}

bool sd_draft_note(struct sd_draft *d, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return sd_names_add(&d->s->notes, &d->s->note_count, text);
}

enum sd_err sd_draft_init(struct sd_draft *d, const char *file, struct sd_error *e)
{
	memset(d, 0, sizeof *d);
	d->file = file;
	d->s = calloc(1, sizeof *d->s);
	return d->s ? SD_OK : sd_draft_nomem(e);
}

void sd_draft_release(struct sd_draft *d)
{
	for (size_t i = 0; i < d->keys_count; i++) {
		for (size_t k = 0; k < d->keys[i].n; k++) {
			struct sd_draft_key *key = &d->keys[i].v[k];
			free(key->name);
			free(key->query_field);
			sd_names_free(key->fields, key->count);
		}
		free(d->keys[i].v);
	}
	free(d->keys);
	sd_schema_free(d->s);
	memset(d, 0, sizeof *d);
}

struct sd_model *sd_draft_model(struct sd_draft *d, const char *name, unsigned line)
{
	struct sd_model *m = calloc(1, sizeof *m), **at;

	if (!m)
		return NULL;
	at = SD_GROW(d->s->models, d->s->model_count);
	if (!at) {
		free(m);
		return NULL;
	}
	*at = m;
	m->id = d->s->model_count - 1;
	m->line = line;
	m->syncable = true;
	m->name = strdup(name);
	if (!m->name || !sd_grow(&d->keys, &d->keys_count, sizeof *d->keys) ||
		!sd_map_put(&d->s->by_name, name, m, NULL))
		return NULL;
	return m;
}

struct sd_enum *sd_draft_enum(struct sd_draft *d, const char *name)
{
	struct sd_enum *en = calloc(1, sizeof *en), **at;

	if (!en)
		return NULL;
	at = SD_GROW(d->s->enums, d->s->enum_count);
	if (!at) {
		free(en);
		return NULL;
	}
	*at = en;
	en->name = strdup(name);
	return en->name && sd_map_put(&d->s->types, name, en, NULL) ? en : NULL;
}

struct sd_nonmodel *sd_draft_nonmodel(struct sd_draft *d, const char *name, unsigned line)
{
	struct sd_nonmodel *n = calloc(1, sizeof *n), **at;

	if (!n)
		return NULL;
	at = SD_GROW(d->s->nonmodels, d->s->nonmodel_count);
	if (!at) {
		free(n);
		return NULL;
	}
	*at = n;
	n->line = line;
	n->name = strdup(name);
	return n->name && sd_map_put(&d->s->types, name, n, NULL) ? n : NULL;
}

struct sd_draft_key *sd_draft_key(struct sd_draft *d, const struct sd_model *m)
{
	struct sd_draft_keys *k = &d->keys[m->id];

	return SD_GROW(k->v, k->n);
}

struct sd_field *sd_draft_field(struct sd_model *m, const char *name, const char *type)
{
	struct sd_field *f = SD_GROW(m->fields, m->field_count);

	if (!f)
		return NULL;
	f->name = strdup(name);
	f->type_name = strdup(type);
	if (!f->name || !f->type_name)
		return NULL;
	if (!sd_map_put(&m->by_name, name, (void *)(uintptr_t)m->field_count, NULL))
		return NULL;
	return f;
}

long sd_draft_at(const struct sd_model *m, const char *name)
{
	return (long)(uintptr_t)sd_map_get(&m->by_name, name) - 1;
}

bool sd_draft_has_type(const struct sd_draft *d, const char *name)
{
	return sd_map_has(&d->s->by_name, name) || sd_map_has(&d->s->types, name);
}

bool sd_draft_type(struct sd_draft *d, struct sd_field *f)
{
	struct sd_model *m = sd_map_get(&d->s->by_name, f->type_name);
	void *t = sd_map_get(&d->s->types, f->type_name);
	int scalar;

	if (m) {
		f->kind = SD_K_MODEL;
		f->model = m;
		return true;
	}
	if (t) {
		for (size_t i = 0; i < d->s->enum_count; i++)
			if (d->s->enums[i] == t) {
				f->kind = SD_K_ENUM;
				f->en = t;
				f->stored = true;
				return true;
			}
		f->kind = SD_K_NONMODEL;
		f->nonmodel = t;
		f->stored = true;
		return true;
	}
	scalar = sd_scalar_parse(f->type_name);
	if (scalar < 0 ||
		(d->strict && strcmp(sd_scalar_name((enum sd_scalar)scalar), f->type_name)))
		return false;
	/* same letters, the service's case */
	memcpy(f->type_name, sd_scalar_name((enum sd_scalar)scalar), strlen(f->type_name));
	f->kind = SD_K_SCALAR;
	f->scalar = (enum sd_scalar)scalar;
	f->stored = true;
	return true;
}

bool sd_draft_same_type(struct sd_field *f, const struct sd_field *of)
{
	char *type = strdup(of->type_name);

	if (!type)
		return false;
	free(f->type_name);
	f->type_name = type;
	f->kind = of->kind;
	f->scalar = of->scalar;
	f->en = of->en;
	f->nonmodel = of->nonmodel;
	f->stored = true;
	return true;
}

char *const *sd_draft_pk(const struct sd_draft *d, const struct sd_model *m, size_t *n)
{
	static char id[] = "id";
	static char *const by_id[] = {id};
	const struct sd_draft_keys *k = &d->keys[m->id];

	for (size_t i = 0; i < k->n; i++)
		if (!k->v[i].name && k->v[i].count) {
			*n = k->v[i].count;
			return k->v[i].fields;
		}
	*n = 1;
	return by_id;
}
