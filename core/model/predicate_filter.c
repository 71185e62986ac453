/*
 * core/model/predicate_filter.c - a predicate as a GraphQL filter; see predicate.h.
 *
 * The flattening is the reference client's (client.md 2.6), so that every client of a backend asks
 * in the same words; what an input type of the server lacks (spec/server.md 1.4, 1.5) is said in
 * other words, or refused by name so that the caller decides locally.
 */
#include "core/model/predicate_priv.h"

#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

struct filter {
	const struct sd_model *m;
	enum sd_filter_use use;
	int64_t now_ms;
	enum sd_err rc;
	struct sd_error *e;
};

static struct cJSON *no_memory(struct filter *f)
{
	f->rc = sd_fail(f->e, SD_NOMEM, 0, "%s: no memory for the filter", f->m->name);
	return NULL;
}

static struct cJSON *refuse(struct filter *f, const struct sd_pred *p, const char *why)
{
	static const char *const WHERE[] = {
		[SD_FILTER_SYNC] = "a sync filter",
		[SD_FILTER_CONDITION] = "a condition",
		[SD_FILTER_SUBSCRIPTION] = "a subscription filter",
	};
	struct sd_buf text = SD_BUF_INIT;

	sd_pred_text(p, &text);
	f->rc = sd_fail(f->e, SD_INVAL, 0, "%s: the server cannot be asked \"%.*s\" in %s: %s; %s",
		f->m->name, (int)sd_utf8_cut(sd_buf_text(&text), text.len, 200), sd_buf_text(&text),
		WHERE[f->use], why,
		f->use == SD_FILTER_CONDITION ? "leave it out of the condition" : "filter locally");
	sd_buf_release(&text);
	return NULL;
}

/* {"name": v}; takes v over. */
static struct cJSON *wrap(const char *name, struct cJSON *v)
{
	struct cJSON *o = sd_json_object();

	if (!o) {
		sd_json_free(v);
		return NULL;
	}
	if (!sd_json_add(o, name, v)) {
		sd_json_free(o);
		return NULL;
	}
	return o;
}

/* {"field": {"op": v}}; takes v over. */
static struct cJSON *test(const struct sd_pred *p, const char *op, struct cJSON *v)
{
	struct cJSON *inner = v ? wrap(op, v) : NULL;

	return inner ? wrap(p->field->name, inner) : NULL;
}

/* {"word": [a, b]}; takes both over. */
static struct cJSON *pair(const char *word, struct cJSON *a, struct cJSON *b)
{
	struct cJSON *list = sd_json_array();
	bool ok = sd_json_push(list, a);

	ok = sd_json_push(list, b) && ok;
	if (!ok) {
		sd_json_free(list);
		return NULL;
	}
	return wrap(word, list);
}

/* The lists of names that the subscription inputs leave out or type differently. */
static bool ruled_by(const struct sd_model *m, const char *field, bool owner)
{
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		const char *name =
			owner ? (r->owner_field ? r->owner_field : "owner") : r->groups_field;
		if (r->allow == (owner ? SD_ALLOW_OWNER : SD_ALLOW_GROUPS) && name &&
			strcmp(name, field) == 0)
			return true;
	}
	return false;
}

static bool is_number(enum sd_pv kind)
{
	return kind == SD_PV_INT || kind == SD_PV_FLOAT || kind == SD_PV_SECONDS ||
	       kind == SD_PV_MILLIS;
}

/* `= null`: the attribute is not there, or it is there as a null. */
static struct cJSON *null_test(struct filter *f, const struct sd_pred *p, bool is_null)
{
	struct cJSON *either;

	if (f->use == SD_FILTER_SUBSCRIPTION)
		return refuse(f, p, "it has no test for null");
	if (p->field->kind == SD_K_ENUM)
		return refuse(f, p, "an enum's input has no test for null");
	either = pair("or", test(p, "attributeExists", sd_json_bool(false)),
		test(p, "attributeType", sd_json_string("_null")));
	if (either && !is_null)
		either = wrap("not", either);
	return either ? either : no_memory(f);
}

/* in [a,b] -> or of eq; notIn -> and of ne. */
static struct cJSON *among(struct filter *f, const struct sd_pred *p, bool in)
{
	bool native = f->use == SD_FILTER_SUBSCRIPTION &&
		      sd_pred_value_of(p->field, p->meta) != SD_PV_BOOL &&
		      !ruled_by(f->m, p->field->name, true);
	const struct cJSON *c = sd_json_child(p->operand);
	struct cJSON *list, *out;

	if (native)
		out = test(p, in ? "in" : "notIn", sd_json_dup(p->operand));
	else if (!sd_json_next(c))
		out = test(p, in ? "eq" : "ne", sd_json_dup(c));
	else {
		bool ok = true;
		list = sd_json_array();
		for (; c; c = sd_json_next(c))
			ok = sd_json_push(list, test(p, in ? "eq" : "ne", sd_json_dup(c))) && ok;
		if (!ok) {
			sd_json_free(list);
			list = NULL;
		}
		out = list ? wrap(in ? "or" : "and", list) : NULL;
	}
	return out ? out : no_memory(f);
}

/* What an operator is when it is denied; SD_P_OP_COUNT: there is no such. */
static const enum sd_pred_op DENIED[SD_P_OP_COUNT] = {
	[SD_P_EQ] = SD_P_NE,
	[SD_P_NE] = SD_P_EQ,
	[SD_P_LT] = SD_P_GE,
	[SD_P_LE] = SD_P_GT,
	[SD_P_GT] = SD_P_LE,
	[SD_P_GE] = SD_P_LT,
	[SD_P_BETWEEN] = SD_P_BETWEEN, /* two comparisons, below */
	[SD_P_CONTAINS] = SD_P_NOT_CONTAINS,
	[SD_P_NOT_CONTAINS] = SD_P_CONTAINS,
	[SD_P_BEGINS_WITH] = SD_P_OP_COUNT,
	[SD_P_IN] = SD_P_NOT_IN,
	[SD_P_NOT_IN] = SD_P_IN,
	[SD_P_LAST] = SD_P_LT,
};

/* What no input of the server has, or NULL. */
static const char *unanswerable(const struct filter *f, const struct sd_pred *p)
{
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	bool sub = f->use == SD_FILTER_SUBSCRIPTION;
	bool contains = p->op == SD_P_CONTAINS || p->op == SD_P_NOT_CONTAINS;

	if (p->path_count)
		return "it knows nothing of related records";
	if (!p->field)
		return "it does not know this metadata";
	if (kind == SD_PV_EMBEDDED)
		return "embedded values cannot be filtered there";
	if (sub && ruled_by(f->m, p->field->name, false) && !ruled_by(f->m, p->field->name, true))
		return "a groups field is not part of it";
	if (sd_json_is_null(p->operand))
		return NULL; /* null_test() knows */
	if (kind == SD_PV_JSON)
		return "JSON is stored as a value there, not as text";
	if (sd_pred_is_list(p) && contains && (is_number(kind) || kind == SD_PV_BOOL))
		return "only lists of texts can be asked what they contain";
	if (kind == SD_PV_ENUM && !sub && !sd_pred_is_list(p) &&
		(contains || p->op == SD_P_BEGINS_WITH))
		return "an enum's input knows eq and ne only";
	return NULL;
}

/* `not n > 4` is true of null; its opposite there, n <= 4, is not, and nothing tests for null. */
static bool misses_null(const struct sd_pred *p)
{
	bool needed = p->field->list ? !p->field->list_nullable : p->field->required;

	if (needed)
		return false;
	return p->op == SD_P_LT || p->op == SD_P_LE || p->op == SD_P_GT || p->op == SD_P_GE ||
	       p->op == SD_P_BETWEEN || p->op == SD_P_LAST;
}

/* negated is true in subscription filters only, which have no `not`. */
static struct cJSON *leaf(struct filter *f, const struct sd_pred *p, bool negated)
{
	const char *why = unanswerable(f, p);
	enum sd_pred_op op = negated ? DENIED[p->op] : p->op;
	struct cJSON *v, *out;

	if (why)
		return refuse(f, p, why);
	if (sd_json_is_null(p->operand))
		return null_test(f, p, (p->op == SD_P_EQ) != negated);
	if (negated && misses_null(p))
		return refuse(f, p, "null passes a \"not\", and it has no test for null");
	if (op == SD_P_OP_COUNT)
		return refuse(f, p, "it has no \"not\" and no opposite of beginsWith");
	if (op == SD_P_IN || op == SD_P_NOT_IN)
		return among(f, p, op == SD_P_IN);
	if (op == SD_P_BETWEEN && negated) {
		v = sd_json_child(p->operand);
		out = pair("or", test(p, "lt", sd_json_dup(v)),
			test(p, "gt", sd_json_dup(sd_json_next(v))));
		return out ? out : no_memory(f);
	}
	v = p->op == SD_P_LAST ? sd_pred_since(p, f->now_ms) : sd_json_dup(p->operand);
	out = test(p, op == SD_P_LAST ? "ge" : sd_pred_op_name(op), v);
	return out ? out : no_memory(f);
}

static struct cJSON *translate(struct filter *f, const struct sd_pred *p, bool negated);

/* children is an array, taken over.  client.md 2.6: a group of one gives way to its child, the root
 * only when that child is a group itself; an empty group is NULL. */
static struct cJSON *flattened(
	struct filter *f, const char *type, struct cJSON *children, bool root)
{
	struct cJSON *only = sd_json_child(children), *out;

	if (!only) {
		sd_json_free(children);
		return NULL;
	}
	if (!sd_json_next(only) && (!root || sd_json_get(only, "and") || sd_json_get(only, "or"))) {
		out = sd_json_dup(only);
		sd_json_free(children);
		return out ? out : no_memory(f);
	}
	out = wrap(type, children);
	return out ? out : no_memory(f);
}

static struct cJSON *group(struct filter *f, const struct sd_pred *p, bool negated)
{
	const char *type = (p->kind == SD_P_AND) != negated ? "and" : "or";
	struct cJSON *children = sd_json_array();

	if (!children)
		return no_memory(f);
	for (size_t i = 0; i < p->kid_count; i++) {
		struct cJSON *kid = translate(f, p->kids[i], negated);
		if (f->rc == SD_OK && kid && !sd_json_push(children, kid))
			no_memory(f);
		if (f->rc != SD_OK) {
			sd_json_free(children);
			return NULL;
		}
	}
	return flattened(f, type, children, false);
}

/* NULL with f->rc == SD_OK: nothing is left of it. */
static struct cJSON *translate(struct filter *f, const struct sd_pred *p, bool negated)
{
	struct cJSON *kid;

	switch (p->kind) {
	case SD_P_ALL: /* the parser leaves it alone or under a `not` only */
		return negated || f->use != SD_FILTER_SUBSCRIPTION
			       ? refuse(f, p, "nothing there is never true")
			       : NULL;
	case SD_P_AND:
	case SD_P_OR:
		return group(f, p, negated);
	case SD_P_NOT:
		if (f->use == SD_FILTER_SUBSCRIPTION)
			return translate(f, p->kids[0], !negated);
		kid = translate(f, p->kids[0], false);
		if (!kid)
			return NULL;
		kid = wrap("not", kid);
		return kid ? kid : no_memory(f);
	case SD_P_LEAF: /* a condition is about one key, so its fields say nothing */
		if (f->use == SD_FILTER_CONDITION && !p->path_count && p->field &&
			sd_model_is_key(f->m, p->field))
			return NULL;
		return leaf(f, p, negated);
	}
	return NULL;
}

enum sd_err sd_pred_filter(const struct sd_model *m, const struct sd_pred *p,
	enum sd_filter_use use, int64_t now_ms, struct cJSON **out, struct sd_error *e)
{
	struct filter f = {.m = m, .use = use, .now_ms = now_ms, .rc = SD_OK, .e = e};
	struct cJSON *whole, *root;

	*out = NULL;
	if (!p || p->kind == SD_P_ALL)
		return SD_OK;
	whole = translate(&f, p, false);
	if (f.rc != SD_OK || !whole)
		return f.rc;
	root = sd_json_array();
	if (!root || !sd_json_push(root, whole)) {
		if (!root)
			sd_json_free(whole);
		sd_json_free(root);
		no_memory(&f);
		return f.rc;
	}
	*out = flattened(&f, "and", root, true);
	return f.rc;
}
