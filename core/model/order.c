/*
 * core/model/order.c - what follows from the keys and relations: composite-key groups
 * (spec/client.md 1.5) and the order in which models can be written.
 */
#include "core/model/draft.h"

#include <stdlib.h>
#include <string.h>

/* ---- groups: the sort parts of named keys of more than two fields; those that meet are one ---- */

static bool has(const struct sd_field_group *g, size_t field)
{
	for (size_t i = 0; i < g->count; i++)
		if (g->fields[i] == field)
			return true;
	return false;
}

static bool meet(const struct sd_field_group *a, const struct sd_field_group *b)
{
	for (size_t i = 0; i < b->count; i++)
		if (has(a, b->fields[i]))
			return true;
	return false;
}

static bool add_all(struct sd_field_group *to, const size_t *fields, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		size_t *at;

		if (has(to, fields[i]))
			continue;
		at = SD_GROW(to->fields, to->count);
		if (!at)
			return false;
		*at = fields[i];
	}
	return true;
}

/* Unites groups until none meet. */
static bool unite(struct sd_model *m)
{
	for (size_t i = 0; i < m->group_count; i++)
		for (size_t k = i + 1; k < m->group_count; k++) {
			struct sd_field_group *a = &m->groups[i], *b = &m->groups[k];
			if (!meet(a, b))
				continue;
			if (!add_all(a, b->fields, b->count))
				return false;
			free(b->fields);
			m->groups[k] = m->groups[--m->group_count];
			k = i; /* a grew: look at all others again */
		}
	return true;
}

enum sd_err sd_draft_groups(struct sd_model *m, struct sd_error *e)
{
	for (size_t i = 0; i < m->index_count; i++) {
		const struct sd_index *x = &m->indexes[i];
		struct sd_field_group *g;

		if (x->field_count <= 2)
			continue;
		g = SD_GROW(m->groups, m->group_count);
		if (!g || !add_all(g, x->fields + 1, x->field_count - 1))
			return sd_draft_nomem(e);
	}
	return unite(m) ? SD_OK : sd_draft_nomem(e);
}

/* ---- parents first ---- */

struct edge {
	size_t child, parent, seen; /* seen: keeps the schema's order among equals */
};

static int by_child(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;

	if (x->child != y->child)
		return x->child < y->child ? -1 : 1;
	return x->seen < y->seen ? -1 : x->seen > y->seen;
}

static bool add_edge(struct edge **v, size_t *n, size_t child, size_t parent)
{
	struct edge *x;

	if (child == parent)
		return true;
	x = SD_GROW(*v, *n);
	if (!x)
		return false;
	*x = (struct edge){child, parent, *n};
	return true;
}

/* A belongsTo names the parent; a hasMany makes its model the parent of the other. */
static bool edges(const struct sd_schema *s, struct edge **v, size_t *n)
{
	for (size_t i = 0; i < s->model_count; i++) {
		const struct sd_model *m = s->models[i];
		for (size_t k = 0; k < m->field_count; k++) {
			const struct sd_field *f = &m->fields[k];
			bool ok = true;

			if (f->kind == SD_K_MODEL && f->assoc == SD_A_BELONGS_TO)
				ok = add_edge(v, n, m->id, f->model->id);
			else if (f->kind == SD_K_MODEL && f->assoc == SD_A_HAS_MANY)
				ok = add_edge(v, n, f->model->id, m->id);
			if (!ok)
				return false;
		}
	}
	return true;
}

struct walk {
	const struct edge *edge;
	size_t *first; /* of a model's edges; first[i + 1] is where they end */
	size_t *next;  /* the edge to follow next */
	size_t *stack;
	char *state; /* 0 new, 1 on the stack, 2 done */
	size_t *out, out_count;
};

/* Depth first, on a stack of our own: a schema may be deep. */
static void visit(struct walk *w, size_t from)
{
	size_t depth = 0;

	if (w->state[from])
		return;
	w->stack[depth++] = from;
	w->state[from] = 1;
	while (depth) {
		size_t at = w->stack[depth - 1];
		if (w->next[at] < w->first[at + 1]) {
			size_t parent = w->edge[w->next[at]++].parent;
			if (w->state[parent])
				continue; /* done, or a cycle: broken here */
			w->state[parent] = 1;
			w->stack[depth++] = parent;
			continue;
		}
		w->state[at] = 2;
		w->out[w->out_count++] = at;
		depth--;
	}
}

enum sd_err sd_draft_order(struct sd_schema *s, struct sd_error *e)
{
	size_t n = s->model_count, count = 0, k = 0;
	struct edge *list = NULL;
	struct walk w = {0};
	enum sd_err rc = SD_OK;

	w.first = calloc(n + 1, sizeof *w.first);
	w.next = calloc(n + 1, sizeof *w.next);
	w.stack = calloc(n + 1, sizeof *w.stack);
	w.out = calloc(n + 1, sizeof *w.out);
	w.state = calloc(n + 1, 1);
	if (!w.first || !w.next || !w.stack || !w.out || !w.state || !edges(s, &list, &count)) {
		rc = sd_draft_nomem(e);
		goto out;
	}
	if (count)
		qsort(list, count, sizeof *list, by_child);
	w.edge = list;
	for (size_t i = 0; i <= n; i++) {
		while (k < count && list[k].child < i)
			k++;
		w.first[i] = w.next[i] = k;
	}
	for (size_t i = 0; i < n; i++)
		visit(&w, i);
	s->parents_first = w.out;
	w.out = NULL;
out:
	free(list);
	free(w.first);
	free(w.next);
	free(w.stack);
	free(w.out);
	free(w.state);
	return rc;
}
