/*
 * core/sandbox/core/validate_doc.c - what concerns the document as a whole: names given once,
 * variables declared and used with types that fit, fragments used and without cycles.
 */
#include "core/sandbox/core/validate.h"

#include <string.h>

/* Whether T, [T] and so on is made of a type that a variable may have. */
static bool is_input(const struct sbx_type *t)
{
	return t->kind == SBX_SCALAR || t->kind == SBX_ENUM || t->kind == SBX_INPUT;
}

static void check_variable(struct sbx_check *c, const struct sd_gql_var *v)
{
	const struct sd_gql_type *t = &v->type;
	const struct sbx_type *named;
	struct sbx_ref ref;

	while (t->of && !t->name)
		t = t->of;
	named = sbx_type_find(&c->r->s->x, t->name);
	if (!named || (named->kind == SBX_OBJECT && sd_map_count(&named->fields) == 0))
		sbx_invalid(c, v->line, v->column, NULL, "UnknownType: Unknown type %.100s",
			t->name ? t->name : "");
	else if (!is_input(named))
		sbx_invalid(c, v->line, v->column, NULL,
			"NonInputTypeOnVariable: Input variable %.100s type is not an input type",
			v->name);
	else if (v->default_value && sbx_variable_type(&c->r->s->x, &v->type, &ref))
		sbx_check_default(c, &ref, v);
}

void sbx_check_variables(struct sbx_check *c, const struct sd_gql_op *op)
{
	struct sd_map names = SD_MAP_INIT;

	for (size_t i = 0; i < op->var_count && !sbx_check_done(c); i++) {
		const struct sd_gql_var *v = &op->vars[i];
		if (sd_map_has(&names, v->name))
			sbx_invalid(c, v->line, v->column, NULL,
				"DuplicateVariableName: There can be only one variable named "
				"'%.100s'",
				v->name);
		else if (!sd_map_put(&names, v->name, &op->vars[i], NULL))
			c->r->oom = true;
		check_variable(c, v);
	}
	sd_map_release(&names, NULL);
}

/* ---- variables where they are used ---- */

struct scope { /* one operation with its variables */
	const struct sd_gql_op *op;
	struct sd_map vars; /* name -> struct sd_gql_var * */
	struct sd_map used;
};

static void type_text(const struct sd_gql_type *t, struct sd_buf *out)
{
	if (t->name) {
		sd_buf_str(out, t->name);
	} else if (t->of) {
		sd_buf_ch(out, '[');
		type_text(t->of, out);
		sd_buf_ch(out, ']');
	}
	if (t->non_null)
		sd_buf_ch(out, '!');
}

/* A value of the variable's type is one of the place's type (GraphQL 5.8.5); a default, here or
 * there, stands in for a value that is missing. */
static bool fits(const struct sbx_schema *x, const struct sd_gql_var *v, const struct sbx_usage *u)
{
	struct sbx_ref have;
	bool stands_in =
		u->has_default || (v->default_value && v->default_value->kind != SD_GQL_NULL);

	if (!sbx_variable_type(x, &v->type, &have))
		return false;
	return have.type == u->want.type && have.list == u->want.list &&
	       (have.non_null || !u->want.non_null || stands_in) &&
	       (have.item_non_null || !u->want.item_non_null);
}

static void check_usage(struct sbx_check *c, struct scope *s, const struct sbx_usage *u)
{
	const struct sbx_schema *x = &c->r->s->x;
	const struct sd_gql_var *v = sd_map_get(&s->vars, u->name);
	const struct sd_gql_type *t = v ? &v->type : NULL;
	struct sd_buf have = SD_BUF_INIT, want = SD_BUF_INIT;

	if (!v) {
		sbx_invalid_at(c, u->line, u->column, u->at,
			"UndefinedVariable: Undefined variable %.100s", u->name);
		return;
	}
	if (!sd_map_put(&s->used, u->name, (void *)1, NULL))
		c->r->oom = true;
	while (t->of && !t->name)
		t = t->of;
	/* a variable of no type has been named already */
	if (!sbx_type_find(x, t->name) || !is_input(sbx_type_find(x, t->name)) || fits(x, v, u))
		return;
	type_text(&v->type, &have);
	sbx_ref_text(&u->want, &want);
	sbx_invalid_at(c, u->line, u->column, u->at,
		"VariableTypeMismatch: Variable type '%.120s' does not match expected type "
		"'%.120s'",
		sd_buf_text(&have), sd_buf_text(&want));
	sd_buf_release(&have);
	sd_buf_release(&want);
}

static void walk_usages(struct sbx_check *c, struct scope *s, struct sbx_def *def)
{
	if (def->seen == c->walk || sbx_check_done(c))
		return;
	def->seen = c->walk;
	def->reached = true;
	c->steps++;
	for (const struct sbx_usage *u = def->usages; u && !sbx_check_done(c); u = u->next) {
		c->steps++;
		check_usage(c, s, u);
	}
	for (const struct sbx_spread *p = def->spreads; p; p = p->next)
		walk_usages(c, s, p->to);
}

static void check_scope(struct sbx_check *c, struct sbx_def *def)
{
	struct scope s = {.op = def->op};

	for (size_t i = 0; i < s.op->var_count; i++)
		if (!sd_map_put(&s.vars, s.op->vars[i].name, &s.op->vars[i], NULL))
			c->r->oom = true;
	c->walk++;
	walk_usages(c, &s, def);
	for (size_t i = 0; i < s.op->var_count && !sbx_check_done(c); i++)
		if (!sd_map_has(&s.used, s.op->vars[i].name))
			sbx_invalid(c, s.op->vars[i].line, s.op->vars[i].column, NULL,
				"UnusedVariable: Unused variable %.100s", s.op->vars[i].name);
	sd_map_release(&s.vars, NULL);
	sd_map_release(&s.used, NULL);
}

/* ---- operations and fragments ---- */

static void check_operations(struct sbx_check *c)
{
	const struct sd_gql_doc *d = c->r->doc;
	struct sd_map names = SD_MAP_INIT;

	for (size_t i = 0; i < d->op_count && !sbx_check_done(c); i++) {
		const struct sd_gql_op *op = &d->ops[i];
		if (!op->name && d->op_count > 1)
			sbx_invalid(c, op->line, op->column, NULL,
				"LoneAnonymousOperationViolation: Anonymous operation with other "
				"operations.");
		else if (op->name && sd_map_has(&names, op->name))
			sbx_invalid(c, op->line, op->column, NULL,
				"DuplicateOperationName: There can be only one operation named "
				"'%.100s'",
				op->name);
		else if (op->name && !sd_map_put(&names, op->name, &d->ops[i], NULL))
			c->r->oom = true;
	}
	sd_map_release(&names, NULL);
}

/* Spreads nest as deep as there are fragments, so the search keeps its own stack. */
struct step {
	struct sbx_def *def;
	const struct sbx_spread *next;
};

static void taller(struct sbx_def *def, size_t below)
{
	if (def->height <= below)
		def->height = below + 1;
}

static void meet(struct sbx_check *c, const struct sbx_spread *p, struct step *stack, size_t *depth)
{
	struct sbx_def *def = stack[*depth - 1].def;

	if (p->to->state == 1) {
		c->tangled = true;
		sbx_invalid_at(
			c, p->line, p->column, p->at, "FragmentCycle: Fragment cycles not allowed");
	} else if (p->to->state == 2) {
		taller(def, p->to->height);
	} else {
		p->to->state = 1;
		stack[(*depth)++] = (struct step){.def = p->to, .next = p->to->spreads};
	}
}

static void find_cycle(struct sbx_check *c, struct sbx_def *from, struct step *stack)
{
	size_t depth = 1;

	stack[0] = (struct step){.def = from, .next = from->spreads};
	from->state = 1;
	while (depth) {
		struct step *top = &stack[depth - 1];
		const struct sbx_spread *p = top->next;
		if (p) {
			top->next = p->next;
			meet(c, p, stack, &depth);
			continue;
		}
		top->def->state = 2;
		if (--depth)
			taller(stack[depth - 1].def, top->def->height);
		if (top->def->height > SBX_DEPTH && !c->tangled) {
			c->tangled = true;
			sbx_invalid_at(c, 0, 0, NULL,
				"MaxDepthExceeded: fragments are nested deeper than %d levels",
				SBX_DEPTH);
		}
	}
}

static void check_fragments(struct sbx_check *c)
{
	struct step *stack = sbx_alloc(&c->arena, (c->count + 1) * sizeof *stack);

	for (size_t i = 0; stack && i < c->count; i++)
		if (c->defs[i].state == 0)
			find_cycle(c, &c->defs[i], stack);
}

static void check_unused(struct sbx_check *c)
{
	for (size_t i = 0; i < c->count && !sbx_check_done(c); i++) {
		const struct sd_gql_fragment *f = c->defs[i].fragment;
		if (f && !c->defs[i].reached && sd_map_get(&c->fragments, f->name) == &c->defs[i])
			sbx_invalid(c, f->line, f->column, NULL,
				"UnusedFragment: Unused fragment %.100s", f->name);
	}
}

/* The response keys of a subscription's root, fragments spread: there must be exactly one. */
static void root_keys(struct sbx_check *c, const struct sd_gql_selection *s, size_t n,
	struct sd_map *keys, bool *introspects)
{
	for (size_t i = 0; i < n && !sbx_check_done(c); i++) {
		struct sbx_def *to;
		if (s[i].kind == SD_GQL_INLINE) {
			root_keys(c, s[i].sels, s[i].sel_count, keys, introspects);
		} else if (s[i].kind == SD_GQL_SPREAD) {
			to = sd_map_get(&c->fragments, s[i].name);
			if (to && to->seen != c->walk) {
				to->seen = c->walk;
				root_keys(c, to->fragment->sels, to->fragment->sel_count, keys,
					introspects);
			}
		} else {
			*introspects = *introspects || strncmp(s[i].name, "__", 2) == 0;
			if (!sd_map_put(keys, s[i].alias ? s[i].alias : s[i].name, (void *)1, NULL))
				c->r->oom = true;
		}
		c->steps++;
	}
}

static void check_subscription(struct sbx_check *c, const struct sd_gql_op *op)
{
	struct sd_map keys = SD_MAP_INIT;
	bool introspects = false;

	c->walk++;
	root_keys(c, op->sels, op->sel_count, &keys, &introspects);
	if (sd_map_count(&keys) > 1)
		sbx_invalid(c, op->line, op->column, NULL,
			"SubscriptionMultipleRootFields: Subscription operation %.100s must have "
			"exactly one root field",
			op->name ? op->name : "");
	else if (introspects)
		sbx_invalid(c, op->line, op->column, NULL,
			"SubscriptionIntrospectionRootField: Subscription operation %.100s root "
			"field must not be an introspection field",
			op->name ? op->name : "");
	sd_map_release(&keys, NULL);
}

void sbx_check_document(struct sbx_check *c)
{
	check_operations(c);
	check_fragments(c);
	if (c->tangled)
		return;
	for (size_t i = 0; i < c->count && c->defs[i].op && !sbx_check_done(c); i++) {
		check_scope(c, &c->defs[i]);
		if (c->defs[i].op->kind == SD_GQL_SUBSCRIPTION)
			check_subscription(c, c->defs[i].op);
	}
	check_unused(c);
	for (size_t i = 0; i < c->count && !sbx_check_done(c); i++)
		if (c->defs[i].op || !c->defs[i].reached)
			sbx_check_merge(c, &c->defs[i]);
}
