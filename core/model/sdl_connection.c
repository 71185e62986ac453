/*
 * core/model/sdl_connection.c - the older @connection(name, keyName, keyField, fields).
 *
 * What is a belongsTo and what a hasOne follows the vendor's model generator.  Columns that this
 * directive makes are inputs only: the API does not answer them, so they are never selected.
 */
#include "core/model/sdl_read.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

struct connection {
	struct sd_sdl_reader *r;
	struct sd_model *m, *other;
	const struct sd_sdl_field *field;
	const struct sd_sdl_directive *dir;
};

static struct sd_field *field_of(const struct connection *x)
{
	return &x->m->fields[sd_draft_at(x->m, x->field->name)];
}

static const struct sd_sdl_directive *connection_of(const struct sd_sdl_field *f)
{
	return sd_sdl_directive(f->directives, f->directive_count, "connection");
}

/* The field of the other model whose connection bears the same name. */
static const struct sd_sdl_field *namesake(const struct connection *x, const char *name)
{
	const struct sd_sdl_def *def = x->r->defs[x->other->id];

	for (size_t i = 0; i < def->field_count; i++) {
		const struct sd_sdl_directive *d = connection_of(&def->fields[i]);
		if (d && &def->fields[i] != x->field && sd_str_eq(sd_sdl_text(d, "name"), name))
			return &def->fields[i];
	}
	return NULL;
}

/* The field of the other model that is connected by that model's own key. */
static const struct sd_sdl_field *by_key(const struct connection *x, const char *key)
{
	const struct sd_sdl_def *def = x->r->defs[x->other->id];

	for (size_t i = 0; i < def->field_count; i++) {
		const struct sd_sdl_value *v = sd_sdl_arg(connection_of(&def->fields[i]), "fields");
		const struct sd_sdl_value *first =
			v && v->kind == SD_SDL_LIST && v->count ? v->items : NULL;
		if (first && sd_str_eq(first->text, key))
			return &def->fields[i];
	}
	return NULL;
}

/* To-one: the side that must have the other is the child. */
static enum sd_assoc one_kind(const struct connection *x, const struct sd_sdl_field *back)
{
	if (x->field->type.non_null || (back && back->type.list))
		return SD_A_BELONGS_TO;
	return !back || back->type.non_null ? SD_A_HAS_ONE : SD_A_BELONGS_TO;
}

/* The column that the service makes on model `on` for its field, pointing at `to`. */
static enum sd_err column(const struct connection *x, struct sd_model *on, const char *type,
	const char *field, const struct sd_sdl_directive *dir, const struct sd_model *to,
	bool required, char ***out, size_t *n, struct sd_error *e)
{
	const char *given = sd_sdl_text(dir, "keyField");
	char *name = given ? strdup(given) : sd_camel(type, field, "id");
	size_t count;
	char *const *pk = sd_draft_pk(&x->r->d, to, &count);
	long at = sd_draft_at(to, pk[0]);
	enum sd_err rc;

	if (!name || !sd_names_add(out, n, name)) {
		free(name);
		return sd_draft_nomem(e);
	}
	rc = at < 0 ? sd_draft_fail(&x->r->d, to->line, 1, e,
			      "the key of model %s uses field \"%s\", which it does not have",
			      to->name, pk[0])
		    : sd_sdl_column(x->r, on, name, &to->fields[at], required, true, e);
	free(name);
	return rc;
}

static enum sd_err add_fields(const struct connection *x, const char *key_name, size_t parts,
	struct sd_field *f, struct sd_error *e)
{
	const struct sd_draft_keys *k = &x->r->d.keys[x->other->id];
	size_t n;
	char *const *from = sd_draft_pk(&x->r->d, x->other, &n);

	if (key_name) {
		from = NULL;
		for (size_t i = 0; i < k->n; i++)
			if (sd_str_eq(k->v[i].name, key_name)) {
				from = k->v[i].fields;
				n = k->v[i].count;
			}
		if (!from)
			return sd_draft_fail(&x->r->d, x->dir->line, x->dir->column, e,
				"%s.%s: @connection names key \"%s\", which %s does not have; add "
				"@key(name: \"%s\", fields: [...]) to it",
				x->m->name, x->field->name, key_name, x->other->name, key_name);
	}
	for (size_t i = 0; i < n && i < parts; i++)
		if (!sd_names_add(&f->assoc_with, &f->assoc_with_count, from[i]))
			return sd_draft_nomem(e);
	return SD_OK;
}

/* @connection(fields: [...]): columns that the schema lists. */
static enum sd_err by_fields(
	const struct connection *x, char **fields, size_t n, struct sd_error *e)
{
	struct sd_field *f = field_of(x);
	size_t count;
	char *const *pk = sd_draft_pk(&x->r->d, x->other, &count);

	f->targets = fields;
	f->target_count = n;
	for (size_t i = 0; i < n; i++)
		if (sd_draft_at(x->m, fields[i]) < 0)
			return sd_draft_fail(&x->r->d, x->dir->line, x->dir->column, e,
				"%s.%s: @connection names field \"%s\", which %s does not have",
				x->m->name, x->field->name, fields[i], x->m->name);
	if (x->field->type.list) {
		f->assoc = SD_A_HAS_MANY;
		return add_fields(x, sd_sdl_text(x->dir, "keyName"), n, f, e);
	}
	f->assoc = one_kind(x, by_key(x, pk[0]));
	return f->assoc == SD_A_HAS_ONE ? add_fields(x, NULL, n, f, e) : SD_OK;
}

static enum sd_err made(const struct connection *x, const struct sd_sdl_field *back,
	const struct sd_sdl_directive *back_dir, struct sd_error *e)
{
	char **names = NULL;
	size_t n = 0;
	struct sd_field *f;
	enum sd_err rc;

	if (x->field->type.list) {
		if (back)
			rc = column(x, x->other, x->other->name, back->name, back_dir, x->m,
				back->type.non_null, &names, &n, e);
		else
			rc = column(x, x->other, x->m->name, x->field->name, x->dir, x->m, false,
				&names, &n, e);
		f = field_of(x);
		f->assoc = SD_A_HAS_MANY;
		f->assoc_with = names;
		f->assoc_with_count = n;
		return rc;
	}
	rc = column(x, x->m, x->m->name, x->field->name, x->dir, x->other, x->field->type.non_null,
		&names, &n, e);
	f = field_of(x);
	f->assoc = back ? one_kind(x, back) : SD_A_BELONGS_TO;
	f->targets = names;
	f->target_count = n;
	return rc || f->assoc != SD_A_HAS_ONE ? rc : add_fields(x, NULL, n, f, e);
}

enum sd_err sd_sdl_read_connection(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_field *field, const struct sd_sdl_directive *dir, struct sd_error *e)
{
	struct connection x = {r, m, NULL, field, dir};
	const char *name = sd_sdl_text(dir, "name");
	const struct sd_sdl_field *back;
	char **fields = NULL;
	size_t n = 0;
	enum sd_err rc = sd_sdl_names(r, dir, "fields", &fields, &n, e);

	x.other = field_of(&x)->model;
	if (rc || n) {
		if (!rc)
			return by_fields(&x, fields, n, e);
		sd_names_free(fields, n);
		return rc;
	}
	back = name ? namesake(&x, name) : NULL;
	return made(&x, back, back ? connection_of(back) : NULL, e);
}
