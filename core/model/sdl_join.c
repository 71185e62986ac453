/*
 * core/model/sdl_join.c - @manyToMany: the join model that the service makes.
 *
 * Names and order of its fields: spec/client.md 1.3 (at the end).
 */
#include "core/model/sdl_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/model/auth_words.h"

struct end {
	struct sd_model *m;
	const struct sd_sdl_field *field;
	const struct sd_sdl_directive *dir;
};

struct pair {
	const char *relation;
	struct end end[2];
	size_t count;
};

static enum sd_err wrong(
	const struct sd_sdl_reader *r, const struct end *x, struct sd_error *e, const char *what)
{
	return sd_draft_fail(&r->d, x->dir->line, x->dir->column, e, "%s.%s: @manyToMany %s",
		x->m->name, x->field->name, what);
}

/* One of the two fields of a relation, put where its name is collected. */
static enum sd_err collect(struct sd_sdl_reader *r, const struct end *x, struct pair **pairs,
	size_t *n, struct sd_map *by_name, struct sd_error *e)
{
	const char *name = sd_sdl_text(x->dir, "relationName");
	struct pair *p;
	size_t at;

	if (!name || !*name)
		return wrong(r, x, e, "needs a relationName");
	if (!x->field->type.list)
		return wrong(r, x, e, "needs a list type, such as [Tag]");
	if (!sd_map_has(&r->d.s->by_name, x->field->type.name))
		return wrong(r, x, e, "needs a field whose type is a @model");
	at = (size_t)sd_map_get(by_name, name);
	if (!at) {
		p = SD_GROW(*pairs, *n);
		if (!p || !sd_map_put(by_name, name, (void *)*n, NULL))
			return sd_draft_nomem(e);
		p->relation = name;
		at = *n;
	}
	p = &(*pairs)[at - 1];
	if (p->count == 2)
		return wrong(r, x, e, "uses a relationName that two other fields use already");
	p->end[p->count++] = *x;
	return SD_OK;
}

static char *lower_first(const char *s)
{
	char *t = strdup(s);

	if (t)
		*t = (char)tolower((unsigned char)*t);
	return t;
}

/* post + customPostId -> postCustomPostId for the first part of a key, posttitle for the others */
static char *column_name(const char *model, const char *key, size_t part)
{
	struct sd_buf b = SD_BUF_INIT;
	char *text;

	sd_buf_fmt(&b, "%c%s", tolower((unsigned char)model[0]), model + 1);
	sd_buf_fmt(&b, "%c%s", part ? key[0] : toupper((unsigned char)key[0]), key + 1);
	text = sd_buf_take(&b);
	sd_buf_release(&b);
	return text;
}

/* The columns of one end, and the key over them. */
static enum sd_err add_columns(
	struct sd_sdl_reader *r, struct sd_model *join, const struct end *x, struct sd_error *e)
{
	size_t n;
	char *const *pk = sd_draft_pk(&r->d, x->m, &n);
	struct sd_draft_key *k = sd_draft_key(&r->d, join);
	struct sd_buf name = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	sd_buf_fmt(&name, "by%c%s", toupper((unsigned char)x->m->name[0]), x->m->name + 1);
	if (!k || !(k->name = sd_buf_take(&name)))
		return sd_draft_nomem(e);
	for (size_t i = 0; !rc && i < n; i++) {
		long at = sd_draft_at(x->m, pk[i]);
		char *column = column_name(x->m->name, pk[i], i);

		if (!column || !sd_names_add(&k->fields, &k->count, column))
			rc = sd_draft_nomem(e);
		else if (at < 0)
			rc = sd_draft_fail(&r->d, x->m->line, 1, e,
				"the key of model %s uses field \"%s\", which it does not have",
				x->m->name, pk[i]);
		else
			rc = sd_sdl_column(r, join, column, &x->m->fields[at], true, false, e);
		free(column);
	}
	return rc;
}

/* The join model's belongsTo, and the end's hasMany. */
static enum sd_err connect(struct sd_sdl_reader *r, struct sd_model *join, const struct end *x,
	size_t which, struct sd_error *e)
{
	const struct sd_draft_key *k = &r->d.keys[join->id].v[which];
	char *name = lower_first(x->m->name), *type = strdup(join->name);
	struct sd_field *f = name ? sd_draft_field(join, name, x->m->name) : NULL;
	bool ok = f && type;

	if (ok) {
		f->kind = SD_K_MODEL;
		f->model = x->m;
		f->required = true;
		f->assoc = SD_A_BELONGS_TO;
	}
	for (size_t i = 0; ok && i < k->count; i++)
		ok = sd_names_add(&f->targets, &f->target_count, k->fields[i]);
	if (ok) {
		f = &x->m->fields[sd_draft_at(x->m, x->field->name)];
		free(f->type_name);
		f->type_name = type;
		type = NULL;
		f->model = join;
		f->assoc = SD_A_HAS_MANY;
		ok = sd_names_add(&f->assoc_with, &f->assoc_with_count, name);
	}
	for (size_t i = 0; ok && i < x->m->rule_count; i++) {
		bool there = false;
		for (size_t j = 0; j < join->rule_count; j++)
			there |= sd_rule_equal(&join->rules[j], &x->m->rules[i]);
		ok = there || sd_rule_copy(join, &x->m->rules[i]);
	}
	free(name);
	free(type);
	return ok ? SD_OK : sd_draft_nomem(e);
}

static enum sd_err make_join(struct sd_sdl_reader *r, const struct pair *p, struct sd_error *e)
{
	char *name = strdup(p->relation);
	const struct end *a = &p->end[0], *b = &p->end[1];
	struct sd_model *join;
	struct sd_field *id;
	enum sd_err rc;

	if (!name)
		return sd_draft_nomem(e);
	*name = (char)toupper((unsigned char)*name);
	rc = p->count != 2
		     ? wrong(r, a, e, "needs a field with the same relationName on the other model")
	     : a->m == b->m
		     ? wrong(r, b, e, "joins a model with itself; make the join model yourself")
	     : strcmp(a->field->type.name, b->m->name) != 0 ||
			     strcmp(b->field->type.name, a->m->name) != 0
		     ? wrong(r, b, e,
			       "and the other field of this relationName do not name each other's "
			       "models")
	     : sd_draft_has_type(&r->d, name)
		     ? wrong(r, a, e, "has the relationName of a type that exists; choose another")
		     : SD_OK;
	join = rc ? NULL : sd_draft_model(&r->d, name, a->dir->line);
	free(name);
	if (rc)
		return rc;
	id = join ? sd_draft_field(join, "id", "ID") : NULL;
	if (!id)
		return sd_draft_nomem(e);
	join->join = true;
	id->required = true;
	(void)sd_draft_type(&r->d, id);
	for (size_t i = 0; !rc && i < 2; i++)
		rc = add_columns(r, join, &p->end[i], e);
	for (size_t i = 0; !rc && i < 2; i++)
		rc = connect(r, join, &p->end[i], i, e);
	if (rc)
		return rc;
	join->created_at = strdup("createdAt");
	join->updated_at = strdup("updatedAt");
	return join->created_at && join->updated_at && sd_sdl_add_timestamps(join)
		       ? SD_OK
		       : sd_draft_nomem(e);
}

enum sd_err sd_sdl_read_joins(struct sd_sdl_reader *r, struct sd_error *e)
{
	struct sd_map by_name = SD_MAP_INIT;
	struct pair *pairs = NULL;
	size_t n = 0;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < r->def_count; i++)
		for (size_t k = 0; !rc && k < r->defs[i]->field_count; k++) {
			const struct sd_sdl_field *f = &r->defs[i]->fields[k];
			const struct end x = {r->d.s->models[i], f,
				sd_sdl_directive(f->directives, f->directive_count, "manyToMany")};
			if (x.dir && sd_draft_at(x.m, f->name) >= 0)
				rc = collect(r, &x, &pairs, &n, &by_name, e);
		}
	for (size_t i = 0; !rc && i < n; i++)
		rc = make_join(r, &pairs[i], e);
	free(pairs);
	sd_map_release(&by_name, NULL);
	return rc;
}
