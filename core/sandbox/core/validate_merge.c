/*
 * core/sandbox/core/validate_merge.c - fields of one response key must be the same field with the
 * same arguments, whatever @skip and @include say (GraphQL 5.3.2).
 *
 * Neither interfaces nor unions exist here, so two selections of one level are always of one type;
 * a level is merged from all selections that lead to it, and its fields lead to the next levels.
 */
#include "core/sandbox/core/validate.h"

#include <string.h>

struct source { /* a selection set that belongs to the level */
	const struct sd_gql_selection *sels;
	size_t count;
	struct source *next;
};

struct group { /* one response key */
	const struct sd_gql_selection *first;
	const char *key;
	struct source *sources, **end;
	struct group *next;
};

struct level {
	struct sd_map keys; /* response key -> struct group * */
	struct group *groups, **end;
	size_t walk; /* fragments of this level carry this number */
};

static bool same_value(const struct sd_gql_value *a, const struct sd_gql_value *b);

/* Members of an object in any order. */
static bool same_object(const struct sd_gql_value *a, const struct sd_gql_value *b)
{
	for (size_t i = 0; i < a->count; i++) {
		size_t k = 0;
		while (k < b->count && strcmp(a->names[i], b->names[k]) != 0)
			k++;
		if (k == b->count || !same_value(&a->items[i], &b->items[k]))
			return false;
	}
	return true;
}

static bool same_value(const struct sd_gql_value *a, const struct sd_gql_value *b)
{
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if ((a->text || b->text) && (!a->text || !b->text || strcmp(a->text, b->text) != 0))
		return false;
	if (a->kind == SD_GQL_OBJECT)
		return same_object(a, b);
	for (size_t i = 0; i < a->count; i++)
		if (!same_value(&a->items[i], &b->items[i]))
			return false;
	return true;
}

static bool same_args(const struct sd_gql_selection *a, const struct sd_gql_selection *b)
{
	if (a->arg_count != b->arg_count)
		return false;
	for (size_t i = 0; i < a->arg_count; i++) {
		bool found = false;
		for (size_t k = 0; k < b->arg_count && !found; k++)
			found = strcmp(a->args[i].name, b->args[k].name) == 0 &&
				same_value(&a->args[i].value, &b->args[k].value);
		if (!found)
			return false;
	}
	return true;
}

static void compare(struct sbx_check *c, const struct group *g, const struct sd_gql_selection *s,
	const struct sbx_path *up)
{
	struct sbx_path path = {.up = up, .key = g->key};

	if (strcmp(g->first->name, s->name) != 0)
		sbx_invalid(c, s->line, s->column, &path,
			"FieldsConflict: %.100s: %.100s and %.100s are different fields", g->key,
			g->first->name, s->name);
	else if (!same_args(g->first, s))
		sbx_invalid(c, s->line, s->column, &path,
			"FieldsConflict: %.100s: they have differing arguments", g->key);
}

static void add_field(struct sbx_check *c, struct level *l, const struct sd_gql_selection *s,
	const struct sbx_path *up)
{
	const char *key = s->alias ? s->alias : s->name;
	struct group *g = sd_map_get(&l->keys, key);
	struct source *in;

	if (g) {
		compare(c, g, s, up);
	} else {
		g = sbx_alloc(&c->arena, sizeof *g);
		if (!g || !sd_map_put(&l->keys, key, g, NULL)) {
			c->r->oom = true;
			return;
		}
		g->first = s;
		g->key = key;
		g->end = &g->sources;
		*l->end = g;
		l->end = &g->next;
	}
	if (!s->sel_count)
		return;
	in = sbx_alloc(&c->arena, sizeof *in);
	if (!in)
		return;
	in->sels = s->sels;
	in->count = s->sel_count;
	*g->end = in;
	g->end = &in->next;
}

static void collect(struct sbx_check *c, struct level *l, const struct sd_gql_selection *s,
	size_t n, const struct sbx_path *up)
{
	for (size_t i = 0; i < n && !sbx_check_done(c); i++) {
		struct sbx_def *to;
		c->steps++;
		if (s[i].kind == SD_GQL_FIELD) {
			add_field(c, l, &s[i], up);
		} else if (s[i].kind == SD_GQL_INLINE) {
			collect(c, l, s[i].sels, s[i].sel_count, up);
		} else {
			to = sd_map_get(&c->fragments, s[i].name);
			if (!to || to->seen == l->walk)
				continue;
			to->seen = l->walk;
			collect(c, l, to->fragment->sels, to->fragment->sel_count, up);
		}
	}
}

static void merge(
	struct sbx_check *c, const struct source *from, const struct sbx_path *up, unsigned depth)
{
	struct level l = {.walk = ++c->walk};

	if (depth > SBX_DEPTH) {
		sbx_invalid(c, from->sels->line, from->sels->column, NULL,
			"MaxDepthExceeded: the selection is nested deeper than %d levels",
			SBX_DEPTH);
		return;
	}
	l.end = &l.groups;
	for (; from; from = from->next)
		collect(c, &l, from->sels, from->count, up);
	sd_map_release(&l.keys, NULL);
	for (const struct group *g = l.groups; g && !sbx_check_done(c); g = g->next) {
		struct sbx_path path = {.up = up, .key = g->key};
		if (g->sources)
			merge(c, g->sources, &path, depth + 1);
	}
}

void sbx_check_merge(struct sbx_check *c, const struct sbx_def *def)
{
	struct source all = {.sels = def->op ? def->op->sels : def->fragment->sels,
		.count = def->op ? def->op->sel_count : def->fragment->sel_count};

	merge(c, &all, NULL, 0);
}
