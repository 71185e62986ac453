/*
 * core/sandbox/core/introspect.c - __schema and __type (spec/server.md 6.7): the registry shown
 * through the standard introspection types, as the selection asks for it.
 */
#include "core/sandbox/core/internal.h"

#include <string.h>

enum node_kind { NODE_SCHEMA, NODE_TYPE, NODE_FIELD, NODE_INPUT, NODE_VALUE, NODE_DIRECTIVE };

struct node {
	enum node_kind kind;
	struct sbx_ref ref;            /* NODE_TYPE */
	const struct sbx_field *f;     /* NODE_FIELD, NODE_INPUT */
	const char *name;              /* NODE_VALUE */
	const struct sbx_directive *d; /* NODE_DIRECTIVE */
};

struct show { /* a list under way */
	struct sbx_req *r;
	const struct sbx_plan *p;
	bool first;
};

static bool object(struct sbx_req *r, const struct sbx_plan *fields, const struct node *n);

static bool quote(struct sbx_req *r, const char *s)
{
	return s ? sd_json_quote(r->out, s, strlen(s)) : sd_buf_str(r->out, "null");
}

static void item(struct show *l, const struct node *n)
{
	if (!l->first)
		sd_buf_ch(l->r->out, ',');
	l->first = false;
	object(l->r, l->p->sub, n);
}

static void words(struct sbx_req *r, const char *s)
{
	bool first = true;

	while (*s) {
		size_t n = strcspn(s, " ");
		sd_buf_str(r->out, first ? "" : ",");
		sd_json_quote(r->out, s, n);
		first = false;
		s += n;
		s += strspn(s, " ");
	}
}

static const char *kind_name(const struct sbx_ref *ref)
{
	static const char *const names[] = {"SCALAR", "SCALAR", "ENUM", "OBJECT", "INPUT_OBJECT"};

	return ref->non_null ? "NON_NULL" : ref->list ? "LIST" : names[ref->type->kind];
}

static void type_lists(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_type *t)
{
	struct show l = {r, p, true};
	const char *want = p->def->name;
	void *v;

	if (strcmp(want, "interfaces") == 0 && t->kind == SBX_OBJECT) {
		sd_buf_str(r->out, "[]");
		return;
	}
	if (!(strcmp(want, "fields") == 0 && t->kind == SBX_OBJECT) &&
		!(strcmp(want, "inputFields") == 0 && t->kind == SBX_INPUT) &&
		!(strcmp(want, "enumValues") == 0 && t->kind == SBX_ENUM)) {
		sd_buf_str(r->out, "null");
		return;
	}
	sd_buf_ch(r->out, '[');
	for (size_t i = 0; sd_map_next(&t->fields, &i, NULL, &v);)
		item(&l, &(struct node){
				 .kind = t->kind == SBX_INPUT ? NODE_INPUT : NODE_FIELD, .f = v});
	for (size_t i = 0; i < t->value_count; i++)
		item(&l, &(struct node){.kind = NODE_VALUE, .name = t->values[i]});
	sd_buf_ch(r->out, ']');
}

static void type_field(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref)
{
	const char *want = p->def->name;
	bool wrapped = ref->non_null || ref->list;
	struct node of = {.kind = NODE_TYPE, .ref = *ref};

	if (strcmp(want, "kind") == 0) {
		quote(r, kind_name(ref));
	} else if (strcmp(want, "ofType") == 0 && wrapped) {
		if (ref->non_null)
			of.ref.non_null = false;
		else
			of.ref =
				(struct sbx_ref){.type = ref->type, .non_null = ref->item_non_null};
		object(r, p->sub, &of);
	} else if (wrapped || strcmp(want, "ofType") == 0) {
		sd_buf_str(r->out, "null");
	} else if (strcmp(want, "name") == 0) {
		quote(r, ref->type->name);
	} else if (strcmp(want, "description") == 0) {
		quote(r, ref->type->description);
	} else if (strcmp(want, "isOneOf") == 0 && ref->type->kind == SBX_INPUT) {
		sd_buf_str(r->out, "false");
	} else {
		type_lists(r, p, ref->type);
	}
}

static void args(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_field *first)
{
	struct show l = {r, p, true};

	sd_buf_ch(r->out, '[');
	for (const struct sbx_field *a = first; a; a = a->next)
		item(&l, &(struct node){.kind = NODE_INPUT, .f = a});
	sd_buf_ch(r->out, ']');
}

static void field_field(struct sbx_req *r, const struct sbx_plan *p, const struct node *n)
{
	const char *want = p->def->name;

	if (strcmp(want, "name") == 0)
		quote(r, n->kind == NODE_VALUE ? n->name : n->f->name);
	else if (strcmp(want, "isDeprecated") == 0)
		sd_buf_str(r->out, "false");
	else if (strcmp(want, "deprecationReason") == 0 || n->kind == NODE_VALUE)
		sd_buf_str(r->out, "null");
	else if (strcmp(want, "description") == 0)
		quote(r, n->f->description);
	else if (strcmp(want, "defaultValue") == 0)
		quote(r, n->f->default_text);
	else if (strcmp(want, "type") == 0)
		object(r, p->sub, &(struct node){.kind = NODE_TYPE, .ref = n->f->type});
	else
		args(r, p, n->f->args);
}

static void directive_field(
	struct sbx_req *r, const struct sbx_plan *p, const struct sbx_directive *d)
{
	const char *want = p->def->name;
	struct sbx_field arg;

	if (strcmp(want, "name") == 0) {
		quote(r, d->name);
	} else if (strcmp(want, "description") == 0) {
		quote(r, d->description);
	} else if (strcmp(want, "isRepeatable") == 0) {
		sd_buf_str(r->out, "false");
	} else if (strcmp(want, "locations") == 0) {
		sd_buf_ch(r->out, '[');
		words(r, d->locations);
		sd_buf_ch(r->out, ']');
	} else if (d->arg) {
		arg = sbx_directive_arg(&r->s->x, d);
		args(r, p, &arg);
	} else {
		sd_buf_str(r->out, "[]");
	}
}

static void schema_field(struct sbx_req *r, const struct sbx_plan *p)
{
	const struct sbx_schema *x = &r->s->x;
	const char *want = p->def->name;
	struct show l = {r, p, true};
	struct sbx_type *root = strcmp(want, "queryType") == 0          ? x->query
				: strcmp(want, "mutationType") == 0     ? x->mutation
				: strcmp(want, "subscriptionType") == 0 ? x->subscription
									: NULL;
	void *v;

	if (root && sd_map_count(&root->fields)) {
		object(r, p->sub, &(struct node){.kind = NODE_TYPE, .ref = {.type = root}});
		return;
	}
	if (strcmp(want, "types") != 0 && strcmp(want, "directives") != 0) {
		sd_buf_str(r->out, "null");
		return;
	}
	sd_buf_ch(r->out, '[');
	for (size_t i = 0; want[0] == 't' && sd_map_next(&x->types, &i, NULL, &v);) {
		const struct sbx_type *t = v;
		if (t->kind != SBX_OBJECT || sd_map_count(&t->fields)) /* no empty root */
			item(&l, &(struct node){.kind = NODE_TYPE, .ref = {.type = v}});
	}
	for (size_t i = 0; want[0] == 'd' && i < sbx_directive_count; i++)
		item(&l, &(struct node){.kind = NODE_DIRECTIVE, .d = &sbx_directives[i]});
	sd_buf_ch(r->out, ']');
}

static bool object(struct sbx_req *r, const struct sbx_plan *fields, const struct node *n)
{
	sd_buf_ch(r->out, '{');
	for (const struct sbx_plan *p = fields; p; p = p->next) {
		sd_buf_fmt(r->out, "%s\"%s\":", p == fields ? "" : ",", p->key);
		if (p->def == &r->s->x.typename_field)
			quote(r, p->parent->name);
		else if (n->kind == NODE_SCHEMA)
			schema_field(r, p);
		else if (n->kind == NODE_TYPE)
			type_field(r, p, &n->ref);
		else if (n->kind == NODE_DIRECTIVE)
			directive_field(r, p, n->d);
		else
			field_field(r, p, n);
	}
	return sd_buf_ch(r->out, '}');
}

bool sbx_introspect(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	struct sbx_type *t;

	(void)path;
	if (p->def == &r->s->x.schema_field)
		return object(r, p->sub, &(struct node){.kind = NODE_SCHEMA});
	t = sbx_type_find(&r->s->x, sd_json_get_str(p->args, "name"));
	if (!t)
		return sd_buf_str(r->out, "null");
	return object(r, p->sub, &(struct node){.kind = NODE_TYPE, .ref = {.type = t}});
}
