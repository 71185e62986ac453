/*
 * core/model/relations.c - which columns a relation joins.
 *
 * Source: spec/client.md 1.4 (localJoinFields, remoteJoinFields), with two repairs: an empty list
 * of targets counts as absent, and a hasOne that names its own column joins it to the other
 * model's key, never to that model's column pointing back here.
 */
#include "core/model/draft.h"

#include <stdlib.h>
#include <string.h>

static bool copy_names(char *const *from, size_t n, char ***to, size_t *count)
{
	for (size_t i = 0; i < n; i++)
		if (!sd_names_add(to, count, from[i]))
			return false;
	return true;
}

/* The relation field of the other model that associatedWith names; NULL when it names columns. */
static const struct sd_field *other_end(const struct sd_field *f)
{
	long at;

	if (f->assoc == SD_A_BELONGS_TO || f->assoc_with_count != 1)
		return NULL;
	at = sd_draft_at(f->model, f->assoc_with[0]);
	if (at < 0 || f->model->fields[at].kind != SD_K_MODEL)
		return NULL;
	return &f->model->fields[at];
}

struct side {
	char **v;
	size_t n;
};

static bool local_side(const struct sd_draft *d, const struct sd_model *m, const struct sd_field *f,
	struct side *s)
{
	size_t n = f->target_count;
	char *const *from = f->targets;

	if (!n)
		from = sd_draft_pk(d, m, &n);
	return copy_names(from, n, &s->v, &s->n);
}

static bool remote_side(const struct sd_draft *d, const struct sd_field *f, struct side *s)
{
	const struct sd_field *other = other_end(f);
	size_t n = f->assoc_with_count;
	char *const *from = f->assoc_with;

	if (f->assoc == SD_A_BELONGS_TO || (f->assoc == SD_A_HAS_ONE && other && f->target_count)) {
		from = sd_draft_pk(d, f->model, &n);
	} else if (other) {
		from = other->targets;
		n = other->target_count;
	}
	return copy_names(from, n, &s->v, &s->n);
}

/* A column that a relation names and the model does not list: added, of the type it points at. */
static enum sd_err need_column(struct sd_model *m, const char *name, const struct sd_model *other,
	const char *pair, bool *usable, struct sd_error *e)
{
	long at = sd_draft_at(m, name), to;
	struct sd_field *f;

	if (at >= 0) {
		if (!m->fields[at].stored || m->fields[at].list)
			*usable = false;
		return SD_OK;
	}
	f = sd_draft_field(m, name, "ID");
	if (!f)
		return sd_draft_nomem(e);
	f->kind = SD_K_SCALAR;
	f->scalar = SD_T_ID;
	f->implicit = f->stored = true;
	to = sd_draft_at(other, pair);
	if (to >= 0 && other->fields[to].stored && !sd_draft_same_type(f, &other->fields[to]))
		return sd_draft_nomem(e);
	return SD_OK;
}

static enum sd_err join(struct sd_draft *d, struct sd_model *m, size_t at, struct sd_error *e)
{
	struct side local = {0}, remote = {0};
	struct sd_model *other = m->fields[at].model;
	size_t n;
	bool usable = true;
	enum sd_err rc = SD_OK;

	if (!local_side(d, m, &m->fields[at], &local) || !remote_side(d, &m->fields[at], &remote))
		rc = sd_draft_nomem(e);
	n = local.n < remote.n ? local.n : remote.n;
	for (size_t i = 0; !rc && i < n; i++) {
		rc = need_column(m, local.v[i], other, remote.v[i], &usable, e);
		if (!rc)
			rc = need_column(other, remote.v[i], m, local.v[i], &usable, e);
	}
	if (!rc && (!usable || !n) &&
		!sd_draft_note(d,
			"%s.%s: the relation's key columns are not known; it cannot be followed",
			m->name, m->fields[at].name))
		rc = sd_draft_nomem(e);
	if (rc || !usable || !n) {
		sd_names_free(local.v, local.n);
		sd_names_free(remote.v, remote.n);
		return rc;
	}
	/* they pair by position; what is left over on one side joins nothing */
	while (local.n > n)
		free(local.v[--local.n]);
	while (remote.n > n)
		free(remote.v[--remote.n]);
	m->fields[at].local = local.v;
	m->fields[at].remote = remote.v;
	m->fields[at].join_count = n;
	return SD_OK;
}

enum sd_err sd_draft_relations(struct sd_draft *d, struct sd_error *e)
{
	for (size_t i = 0; i < d->s->model_count; i++) {
		struct sd_model *m = d->s->models[i];
		for (size_t k = 0; k < m->field_count; k++) {
			enum sd_err rc;

			if (m->fields[k].kind != SD_K_MODEL)
				continue;
			rc = join(d, m, k, e);
			if (rc)
				return rc;
		}
	}
	return SD_OK;
}
