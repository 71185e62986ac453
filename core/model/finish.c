/* core/model/finish.c - names become positions and pointers: the last step of every reader. */
#include "core/model/draft.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/model/plural.h"

/* Positions of a key's fields. */
static enum sd_err resolve(struct sd_draft *d, const struct sd_model *m, char *const *names,
	size_t n, unsigned line, size_t **out, struct sd_error *e)
{
	size_t *v = calloc(n, sizeof *v);

	if (!v)
		return sd_draft_nomem(e);
	for (size_t i = 0; i < n; i++) {
		long at = sd_draft_at(m, names[i]);
		if (at < 0 || !m->fields[at].stored || m->fields[at].list ||
			m->fields[at].kind == SD_K_NONMODEL) {
			free(v);
			return sd_draft_fail(d, line, 1, e,
				"a key of model %s uses field \"%s\", %s; keys are made of plain "
				"fields",
				m->name, names[i],
				at < 0 ? "which it does not have"
				       : "which is a list, a relation or an embedded type");
		}
		v[i] = (size_t)at;
	}
	*out = v;
	return SD_OK;
}

static enum sd_err primary_key(struct sd_draft *d, struct sd_model *m, struct sd_error *e)
{
	size_t n;
	char *const *names = sd_draft_pk(d, m, &n);
	const struct sd_field *first;
	enum sd_err rc = resolve(d, m, names, n, m->line, &m->pk, e);

	if (rc)
		return rc;
	m->pk_count = n;
	for (size_t i = 0; i < d->keys[m->id].n; i++)
		if (!d->keys[m->id].v[i].name)
			m->custom_pk = true;
	first = &m->fields[m->pk[0]];
	m->managed_id = strcmp(first->name, "id") == 0 && first->kind == SD_K_SCALAR &&
			(first->scalar == SD_T_ID || first->scalar == SD_T_STRING);
	return SD_OK;
}

static enum sd_err named_key(
	struct sd_draft *d, struct sd_model *m, struct sd_draft_key *k, struct sd_error *e)
{
	struct sd_error why;
	size_t *fields = NULL;
	struct sd_index *x;
	enum sd_err rc = resolve(d, m, k->fields, k->count, k->line, &fields, &why);

	if (rc == SD_INVAL && !d->strict)
		return sd_draft_note(d,
			       "%s: key \"%s\" ignored: it uses a field that is not listed",
			       m->name, k->name)
			       ? SD_OK
			       : sd_draft_nomem(e);
	if (rc) {
		if (e)
			*e = why;
		return rc;
	}
	x = SD_GROW(m->indexes, m->index_count);
	if (!x) {
		free(fields);
		return sd_draft_nomem(e);
	}
	x->fields = fields;
	x->field_count = k->count;
	x->name = k->name;
	x->query_field = k->query_field;
	k->name = k->query_field = NULL; /* moved; no one asks for the name again */
	return SD_OK;
}

static enum sd_err keys(struct sd_draft *d, struct sd_model *m, struct sd_error *e)
{
	struct sd_draft_keys *k = &d->keys[m->id];
	enum sd_err rc = primary_key(d, m, e);

	for (size_t i = 0; !rc && i < k->n; i++)
		if (k->v[i].name && k->v[i].count)
			rc = named_key(d, m, &k->v[i], e);
	return rc;
}

static enum sd_err finish_model(struct sd_draft *d, struct sd_model *m, struct sd_error *e)
{
	enum sd_err rc;

	for (size_t i = 0; i < m->field_count; i++)
		if (!sd_map_put(&m->by_name, m->fields[i].name, &m->fields[i], NULL))
			return sd_draft_nomem(e);
	if (!m->plural) {
		m->plural = sd_plural(m->name);
		if (!m->plural)
			return sd_draft_nomem(e);
	}
	rc = sd_draft_groups(m, e);
	(void)d;
	return rc;
}

enum sd_err sd_draft_finish(struct sd_draft *d, struct sd_schema **out, struct sd_error *e)
{
	struct sd_schema *s = d->s;
	enum sd_err rc = SD_OK;

	if (!s->model_count)
		return sd_draft_fail(d, 0, 0, e,
			"no model in it; mark the types to store with @model, or give the models "
			"with --schema FILE");
	rc = sd_draft_relations(d, e);
	if (!rc)
		rc = sd_draft_names(d, e);
	for (size_t i = 0; !rc && i < s->model_count; i++)
		rc = keys(d, s->models[i], e);
	for (size_t i = 0; !rc && i < s->model_count; i++)
		rc = finish_model(d, s->models[i], e);
	if (!rc)
		rc = sd_draft_order(s, e);
	if (!rc)
		rc = sd_draft_digest(s, e);
	if (rc)
		return rc;
	*out = s;
	d->s = NULL;
	sd_draft_release(d);
	return SD_OK;
}
