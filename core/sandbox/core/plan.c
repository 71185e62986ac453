/*
 * core/sandbox/core/plan.c - from a validated selection to the tree that is executed.
 *
 * There are neither interfaces nor unions in the API, so what is selected does not depend on the
 * data: fragments are spread, @skip and @include are decided, fields of one response key are merged
 * and arguments coerced once, before the first record is read.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH 200

struct level { /* one selection set while it is collected */
	struct sbx_req *r;
	const struct sbx_type *type;
	struct sd_map keys;   /* response key -> struct sbx_plan * */
	struct sd_map names;  /* field names met */
	struct sd_map spread; /* fragments met */
	struct sbx_plan *first, **end;
};

static bool directive_says(const struct sbx_req *r, const struct sd_gql_directive *d)
{
	bool absent = true, yes = false;
	struct cJSON *v = d->arg_count == 1 ? sbx_literal(r, &d->args[0].value, &absent) : NULL;

	yes = sd_json_is_true(v);
	sd_json_free(v);
	return strcmp(d->name, "skip") == 0 ? !yes : yes;
}

static bool included(const struct sbx_req *r, const struct sd_gql_directive *d, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!directive_says(r, &d[i]))
			return false;
	return true;
}

static const struct sbx_field *def_of(
	const struct sbx_schema *x, const struct sbx_type *t, const char *name)
{
	if (strcmp(name, "__typename") == 0)
		return &x->typename_field;
	if (strcmp(name, "__schema") == 0)
		return &x->schema_field;
	if (strcmp(name, "__type") == 0)
		return &x->type_field;
	return sbx_field_find(t, name);
}

static bool count_node(struct sbx_req *r)
{
	if (++r->plan_nodes <= SBX_PLAN_NODES)
		return true;
	if (r->plan_nodes == SBX_PLAN_NODES + 1)
		sbx_error_at(r, 0, 0, "The request selects more than %d fields.", SBX_PLAN_NODES);
	return false;
}

static void add_field(struct level *l, const struct sd_gql_selection *s)
{
	struct sbx_req *r = l->r;
	const char *key = s->alias ? s->alias : s->name;
	struct sbx_plan *p = sd_map_get(&l->keys, key);
	struct sbx_sels *sel;

	if (!count_node(r))
		return;
	if (!p) {
		p = sbx_alloc(&r->arena, sizeof *p);
		if (!p || !sd_map_put(&l->keys, key, p, NULL)) {
			r->oom = true;
			return;
		}
		p->again = sd_map_has(&l->names, s->name);
		if (!p->again && !sd_map_put(&l->names, s->name, p, NULL))
			r->oom = true;
		p->key = key;
		p->parent = l->type;
		p->def = def_of(&r->s->x, l->type, s->name);
		p->line = s->line;
		p->column = s->column;
		*l->end = p;
		l->end = &p->next;
	}
	sel = sbx_alloc(&r->arena, sizeof *sel);
	if (!sel) {
		r->oom = true;
		return;
	}
	sel->node = s;
	if (p->last_sel)
		p->last_sel->next = sel;
	else
		p->sels = sel;
	p->last_sel = sel;
}

static void collect(struct level *l, const struct sd_gql_selection *s, size_t n)
{
	struct sbx_req *r = l->r;

	for (size_t i = 0; i < n && !r->oom && r->plan_nodes <= SBX_PLAN_NODES; i++) {
		const struct sd_gql_fragment *f;
		if (!included(r, s[i].directives, s[i].directive_count))
			continue;
		if (s[i].kind == SD_GQL_FIELD) {
			add_field(l, &s[i]);
		} else if (s[i].kind == SD_GQL_INLINE) {
			collect(l, s[i].sels, s[i].sel_count);
		} else if (!sd_map_has(&l->spread, s[i].name) && count_node(r)) {
			f = sd_gql_fragment(r->doc, s[i].name);
			if (!sd_map_put(&l->spread, s[i].name, (void *)1, NULL))
				r->oom = true;
			else if (f)
				collect(l, f->sels, f->sel_count);
		}
	}
}

static void plan_args(struct sbx_req *r, struct sbx_plan *p)
{
	const struct sd_gql_selection *s = p->sels->node;
	struct cJSON *args;

	if (s->arg_count == 0)
		return;
	args = sd_json_object();
	if (!args || !sbx_keep(r, args)) {
		r->oom = true;
		return;
	}
	p->args = args;
	for (size_t i = 0; i < s->arg_count; i++) {
		const struct sbx_field *def = sbx_arg_find(p->def, s->args[i].name);
		struct sbx_wrong w = {""};
		struct cJSON *v, *in;
		bool absent;
		if (!def)
			continue;
		v = sbx_literal(r, &s->args[i].value, &absent);
		if (absent)
			continue;
		in = sbx_coerce(r->s, &def->type, v, s->args[i].name, &w);
		sd_json_free(v);
		if (!in && w.text[0])
			sbx_error_at(r, s->args[i].line, s->args[i].column, "%s", w.text);
		else if (!in || !sd_json_set(args, s->args[i].name, in))
			r->oom = true;
	}
	for (const struct sbx_field *a = p->def->args; a; a = a->next)
		if (a->type.non_null && !sd_json_get(args, a->name))
			sbx_error_at(r, s->line, s->column,
				"Variable '%s' has coerced Null value for NonNull type '%s!'",
				a->name, a->type.type->name);
}

static struct sbx_plan *level(
	struct sbx_req *r, const struct sbx_type *t, const struct sbx_sels *from, unsigned depth)
{
	struct level l = {.r = r, .type = t};

	l.end = &l.first;
	for (; from; from = from->next)
		collect(&l, from->node->sels, from->node->sel_count);
	sd_map_release(&l.keys, NULL);
	sd_map_release(&l.names, NULL);
	sd_map_release(&l.spread, NULL);
	if (depth > DEPTH)
		sbx_error_at(r, 0, 0, "The selection is nested too deeply.");
	for (struct sbx_plan *p = l.first; p && !r->oom && r->error_count == 0; p = p->next) {
		plan_args(r, p);
		if (p->def->type.type->kind == SBX_OBJECT)
			p->sub = level(r, p->def->type.type, p->sels, depth + 1);
	}
	return l.first;
}

struct sbx_plan *sbx_plan(struct sbx_req *r)
{
	struct sd_gql_selection all = {.sels = r->op->sels, .sel_count = r->op->sel_count};
	struct sbx_sels from = {.node = &all};
	size_t before = r->error_count;
	struct sbx_plan *p = level(r, sbx_root(&r->s->x, r->op->kind), &from, 0);

	if (r->error_count != before || r->oom)
		return NULL;
	return p;
}
