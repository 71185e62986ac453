/*
 * core/model/sdl_relations.c - @hasMany, @hasOne and @belongsTo.
 *
 * Names of the columns that the service makes: spec/server.md 1.8.  They are ordinary fields of
 * the generated API, so they are listed, and selected, like any other.
 */
#include "core/model/sdl_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

static const char *const RELATION[] = {
	"hasMany", "hasOne", "belongsTo", "manyToMany", "connection"};

const struct sd_sdl_directive *sd_sdl_relation(const struct sd_sdl_field *f)
{
	for (size_t i = 0; i < sizeof RELATION / sizeof *RELATION; i++) {
		const struct sd_sdl_directive *d =
			sd_sdl_directive(f->directives, f->directive_count, RELATION[i]);
		if (d)
			return d;
	}
	return NULL;
}

char *sd_camel(const char *type, const char *field, const char *key)
{
	struct sd_buf b = SD_BUF_INIT;
	char *text;

	sd_buf_fmt(&b, "%c%s", tolower((unsigned char)type[0]), type + 1);
	if (field)
		sd_buf_fmt(&b, "%c%s", toupper((unsigned char)field[0]), field + 1);
	sd_buf_fmt(&b, "%c%s", toupper((unsigned char)key[0]), key + 1);
	text = sd_buf_take(&b);
	sd_buf_release(&b);
	return text;
}

enum sd_err sd_sdl_column(struct sd_sdl_reader *r, struct sd_model *m, const char *name,
	const struct sd_field *like, bool required, bool implicit, struct sd_error *e)
{
	struct sd_field copy, *f;
	long at = sd_draft_at(m, name);

	if (at >= 0) {
		if (m->fields[at].stored && !m->fields[at].list) {
			/* made by the relation of the other side, which cannot know */
			if (required && !m->fields[at].line)
				m->fields[at].required = true;
			return SD_OK;
		}
		return sd_draft_fail(&r->d, m->fields[at].line, 1, e,
			"%s.%s: the relation needs a plain field of this name for its key; rename "
			"it",
			m->name, name);
	}
	/* like may stand in the same list, which moves */
	copy = *like;
	copy.type_name = strdup(like->type_name);
	f = copy.type_name ? sd_draft_field(m, name, copy.type_name) : NULL;
	if (!f || !sd_draft_same_type(f, &copy)) {
		free(copy.type_name);
		return sd_draft_nomem(e);
	}
	free(copy.type_name);
	f->required = required;
	f->implicit = implicit;
	return SD_OK;
}

/* A relation being read.  Fields are named, not pointed at: they move. */
struct relation {
	struct sd_sdl_reader *r;
	struct sd_model *m, *other;
	const struct sd_sdl_field *field;
	const struct sd_sdl_directive *dir;
};

static struct sd_field *field_of(const struct relation *x)
{
	return &x->m->fields[sd_draft_at(x->m, x->field->name)];
}

static enum sd_err wrong(const struct relation *x, struct sd_error *e, const char *what)
{
	return sd_draft_fail(&x->r->d, x->dir->line, x->dir->column, e, "%s.%s: @%s %s", x->m->name,
		x->field->name, x->dir->name, what);
}

/* The fields an argument names must be there. */
static enum sd_err check_fields(const struct relation *x, const struct sd_model *m,
	char *const *names, size_t n, struct sd_error *e)
{
	for (size_t i = 0; i < n; i++) {
		long at = sd_draft_at(m, names[i]);
		if (at < 0 || !m->fields[at].stored)
			return sd_draft_fail(&x->r->d, x->dir->line, x->dir->column, e,
				"%s.%s: @%s names field \"%s\", which %s does not have", x->m->name,
				x->field->name, x->dir->name, names[i], m->name);
	}
	return SD_OK;
}

/* The first n fields of a model's primary key, into a list. */
static enum sd_err add_pk(const struct relation *x, const struct sd_model *m, size_t max,
	char ***out, size_t *n, struct sd_error *e)
{
	size_t count;
	char *const *pk = sd_draft_pk(&x->r->d, m, &count);

	for (size_t i = 0; i < count && i < max; i++)
		if (!sd_names_add(out, n, pk[i]))
			return sd_draft_nomem(e);
	return SD_OK;
}

/* Columns on `on`, one for each key field of `of`, named after type and field: made, and listed. */
static enum sd_err make_columns(const struct relation *x, struct sd_model *on,
	const struct sd_model *of, const char *type, const char *field, bool required, char ***out,
	size_t *n, struct sd_error *e)
{
	size_t count;
	char *const *pk = sd_draft_pk(&x->r->d, of, &count);

	for (size_t i = 0; i < count; i++) {
		long at = sd_draft_at(of, pk[i]);
		char *name;
		enum sd_err rc;

		if (at < 0)
			return sd_draft_fail(&x->r->d, of->line, 1, e,
				"the key of model %s uses field \"%s\", which it does not have",
				of->name, pk[i]);
		name = sd_camel(type, field, pk[i]);
		if (!name || !sd_names_add(out, n, name)) {
			free(name);
			return sd_draft_nomem(e);
		}
		rc = sd_sdl_column(x->r, on, name, &of->fields[at], required, false, e);
		free(name);
		if (rc)
			return rc;
	}
	return SD_OK;
}

static const struct sd_draft_key *named_key(
	const struct sd_sdl_reader *r, const struct sd_model *m, const char *name)
{
	const struct sd_draft_keys *k = &r->d.keys[m->id];

	for (size_t i = 0; i < k->n; i++)
		if (sd_str_eq(k->v[i].name, name))
			return &k->v[i];
	return NULL;
}

/* The first n fields of a named index, into a list. */
static enum sd_err add_index(const struct relation *x, const struct sd_model *m, const char *index,
	size_t max, char ***out, size_t *n, struct sd_error *e)
{
	const struct sd_draft_key *k = named_key(x->r, m, index);

	if (!k)
		return sd_draft_fail(&x->r->d, x->dir->line, x->dir->column, e,
			"%s.%s: @%s names index \"%s\", which %s does not have; add @index(name: "
			"\"%s\") to its key field",
			x->m->name, x->field->name, x->dir->name, index, m->name, index);
	for (size_t i = 0; i < k->count && i < max; i++)
		if (!sd_names_add(out, n, k->fields[i]))
			return sd_draft_nomem(e);
	return SD_OK;
}

/* The field of `in` of type `type` that carries one of two directives. */
static const struct sd_sdl_field *counterpart(const struct sd_sdl_def *in, const char *type,
	const char *a, const char *b, const struct sd_sdl_directive **dir)
{
	for (size_t i = 0; i < in->field_count; i++) {
		const struct sd_sdl_field *f = &in->fields[i];
		if (strcmp(f->type.name, type) != 0)
			continue;
		*dir = sd_sdl_directive(f->directives, f->directive_count, a);
		if (!*dir)
			*dir = sd_sdl_directive(f->directives, f->directive_count, b);
		if (*dir)
			return f;
	}
	return NULL;
}

/* Names given by `references`, or else `fields`. */
static enum sd_err given(const struct relation *x, const struct sd_sdl_directive *dir, char ***out,
	size_t *n, struct sd_error *e)
{
	enum sd_err rc = sd_sdl_names(x->r, dir, "references", out, n, e);

	if (!rc && !*n)
		rc = sd_sdl_names(x->r, dir, "fields", out, n, e);
	return rc;
}

static enum sd_err has_many(const struct relation *x, struct sd_error *e)
{
	struct sd_field *f = field_of(x);
	const char *index = sd_sdl_text(x->dir, "indexName");
	const struct sd_sdl_directive *back = NULL;
	size_t parts;
	enum sd_err rc =
		sd_sdl_names(x->r, x->dir, "references", &f->assoc_with, &f->assoc_with_count, e);

	f->assoc = SD_A_HAS_MANY;
	if (rc || f->assoc_with_count)
		return rc ? rc : check_fields(x, x->other, f->assoc_with, f->assoc_with_count, e);
	rc = sd_sdl_names(x->r, x->dir, "fields", &f->targets, &f->target_count, e);
	if (!rc)
		rc = check_fields(x, x->m, f->targets, f->target_count, e);
	if (rc)
		return rc;
	parts = f->target_count;
	if (!parts)
		(void)sd_draft_pk(&x->r->d, x->m, &parts);
	if (index)
		return add_index(
			x, x->other, index, parts, &f->assoc_with, &f->assoc_with_count, e);
	if (f->target_count)
		return add_pk(x, x->other, parts, &f->assoc_with, &f->assoc_with_count, e);
	/* a belongsTo over there that names its columns joins both directions */
	if (counterpart(x->r->defs[x->other->id], x->m->name, "belongsTo", "belongsTo", &back)) {
		rc = given(x, back, &f->assoc_with, &f->assoc_with_count, e);
		if (rc || f->assoc_with_count)
			return rc ? rc
				  : check_fields(
					    x, x->other, f->assoc_with, f->assoc_with_count, e);
	}
	{
		char **names = NULL;
		size_t n = 0;

		/* other may be this model: f moves while columns are added */
		rc = make_columns(
			x, x->other, x->m, x->m->name, x->field->name, false, &names, &n, e);
		f = field_of(x);
		f->assoc_with = names;
		f->assoc_with_count = n;
	}
	return rc;
}

static enum sd_err has_one(const struct relation *x, struct sd_error *e)
{
	struct sd_field *f = field_of(x);
	char **names = NULL;
	size_t n = 0;
	enum sd_err rc =
		sd_sdl_names(x->r, x->dir, "references", &f->assoc_with, &f->assoc_with_count, e);

	f->assoc = SD_A_HAS_ONE;
	if (rc || f->assoc_with_count)
		return rc ? rc : check_fields(x, x->other, f->assoc_with, f->assoc_with_count, e);
	rc = sd_sdl_names(x->r, x->dir, "fields", &names, &n, e);
	if (!rc)
		rc = check_fields(x, x->m, names, n, e);
	if (!rc && !n)
		rc = make_columns(x, x->m, x->other, x->m->name, x->field->name,
			x->field->type.non_null, &names, &n, e);
	f = field_of(x);
	f->targets = names;
	f->target_count = n;
	return rc ? rc : add_pk(x, x->other, n, &f->assoc_with, &f->assoc_with_count, e);
}

/* Columns of a belongsTo that names none: those of the relation on the other side. */
static enum sd_err implied(const struct relation *x, char ***out, size_t *n, struct sd_error *e)
{
	const struct sd_sdl_directive *dir = NULL;
	const struct sd_sdl_field *back =
		counterpart(x->r->defs[x->other->id], x->m->name, "hasMany", "hasOne", &dir);
	const char *index = dir ? sd_sdl_text(dir, "indexName") : NULL;
	size_t parts;
	bool required = x->field->type.non_null, many = dir && strcmp(dir->name, "hasMany") == 0;
	enum sd_err rc = sd_sdl_names(x->r, dir, "references", out, n, e);

	if (rc || *n)
		return rc ? rc : check_fields(x, x->m, *out, *n, e);
	if (many && index) {
		(void)sd_draft_pk(&x->r->d, x->other, &parts);
		return add_index(x, x->m, index, parts, out, n, e);
	}
	if (many)
		return make_columns(
			x, x->m, x->other, x->other->name, back->name, required, out, n, e);
	return make_columns(x, x->m, x->other, x->m->name, x->field->name, required, out, n, e);
}

static enum sd_err belongs_to(const struct relation *x, struct sd_error *e)
{
	struct sd_field *f = field_of(x);
	char **names = NULL;
	size_t n = 0;
	enum sd_err rc = given(x, x->dir, &names, &n, e);

	f->assoc = SD_A_BELONGS_TO;
	if (!rc)
		rc = check_fields(x, x->m, names, n, e);
	if (!rc && !n)
		rc = implied(x, &names, &n, e);
	f = field_of(x);
	f->targets = names;
	f->target_count = n;
	return rc;
}

static enum sd_err read_relation(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_field *field, const struct sd_sdl_directive *dir, struct sd_error *e)
{
	struct relation x = {r, m, NULL, field, dir};
	bool many = strcmp(dir->name, "hasMany") == 0;

	if (strcmp(dir->name, "manyToMany") == 0)
		return SD_OK; /* sdl_join.c */
	if (strcmp(dir->name, "connection") == 0)
		return sd_sdl_read_connection(r, m, field, dir, e);
	x.other = field_of(&x)->model;
	if (many != field->type.list)
		return wrong(
			&x, e, many ? "needs a list type, such as [Comment]" : "takes no list");
	if (many)
		return has_many(&x, e);
	return strcmp(dir->name, "hasOne") == 0 ? has_one(&x, e) : belongs_to(&x, e);
}

enum sd_err sd_sdl_read_relations(struct sd_sdl_reader *r, struct sd_error *e)
{
	for (size_t i = 0; i < r->def_count; i++) {
		const struct sd_sdl_def *def = r->defs[i];
		for (size_t k = 0; k < def->field_count; k++) {
			const struct sd_sdl_directive *dir = sd_sdl_relation(&def->fields[k]);
			long at = dir ? sd_draft_at(r->d.s->models[i], def->fields[k].name) : -1;
			enum sd_err rc;

			if (at < 0)
				continue;
			if (r->d.s->models[i]->fields[at].kind != SD_K_MODEL)
				return sd_draft_fail(&r->d, dir->line, dir->column, e,
					"%s.%s: @%s needs a field whose type is a @model; %s is "
					"none",
					def->name, def->fields[k].name, dir->name,
					def->fields[k].type.name);
			rc = read_relation(r, r->d.s->models[i], &def->fields[k], dir, e);
			if (rc)
				return rc;
		}
	}
	return SD_OK;
}
