/* core/model/predicate_eval.c - a predicate read on a record in memory; see predicate.h. */
#include "core/model/predicate_priv.h"

#include <string.h>
#include <stdlib.h>

#include "core/json/json.h"

struct eval {
	int64_t now_ms;
	sd_pred_related_fn related;
	void *ctx;
};

static bool compare_numbers(const struct cJSON *a, const struct cJSON *b, int *order)
{
	int64_t i, k;
	double x, y;

	if (sd_json_i64(a, &i) && sd_json_i64(b, &k)) {
		*order = (i > k) - (i < k);
		return true;
	}
	if (!sd_json_f64(a, &x) || !sd_json_f64(b, &y))
		return false;
	*order = (x > y) - (x < y);
	return true;
}

bool sd_pred_compare(enum sd_pv kind, const struct cJSON *a, const struct cJSON *b, int *order)
{
	const char *s, *t;
	int i, k;

	switch (kind) {
	case SD_PV_INT:
	case SD_PV_FLOAT:
	case SD_PV_SECONDS:
	case SD_PV_MILLIS:
		return compare_numbers(a, b, order);
	case SD_PV_BOOL:
		*order = (int)sd_json_is_true(a) - (int)sd_json_is_true(b);
		return sd_json_is_bool(a) && sd_json_is_bool(b);
	case SD_PV_STATE:
		i = sd_pred_state_code(sd_json_str(a));
		k = sd_pred_state_code(sd_json_str(b));
		*order = i - k;
		return i >= 0 && k >= 0;
	default: /* UTF-8 bytes have the order of code points */
		s = sd_json_str(a);
		t = sd_json_str(b);
		if (!s || !t)
			return false;
		i = strcmp(s, t);
		*order = (i > 0) - (i < 0);
		return true;
	}
}

static bool same(enum sd_pv kind, const struct cJSON *a, const struct cJSON *b)
{
	int order;

	return sd_pred_compare(kind, a, b, &order) && order == 0;
}

static bool among(enum sd_pv kind, const struct cJSON *v, const struct cJSON *list)
{
	for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
		if (same(kind, v, c))
			return true;
	return false;
}

static bool between(enum sd_pv kind, const struct cJSON *v, const struct cJSON *bounds)
{
	const struct cJSON *low = sd_json_child(bounds), *high = sd_json_next(low);
	int l, h;

	return sd_pred_compare(kind, v, low, &l) && sd_pred_compare(kind, v, high, &h) && l >= 0 &&
	       h <= 0;
}

static bool contains(const struct sd_pred *p, enum sd_pv kind, const struct cJSON *v)
{
	const char *s = sd_json_str(v), *part = sd_json_str(p->operand);
	char *whole = NULL;
	bool hit;

	if (sd_pred_is_list(p)) {
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
			if (same(kind, c, p->operand))
				return true;
		return false;
	}
	if (kind == SD_PV_JSON)
		s = whole = sd_json_text(v);
	hit = s && part && strstr(s, part);
	free(whole);
	return hit;
}

static bool begins_with(const struct cJSON *v, const struct cJSON *prefix)
{
	const char *s = sd_json_str(v), *t = sd_json_str(prefix);

	return s && t && strncmp(s, t, strlen(t)) == 0;
}

static bool since(const struct sd_pred *p, enum sd_pv kind, const struct cJSON *v, int64_t now_ms)
{
	struct cJSON *from = sd_pred_since(p, now_ms);
	int order;
	bool hit = from && sd_pred_compare(kind, v, from, &order) && order >= 0;

	sd_json_free(from);
	return hit;
}

/* The record shows a row that was never deleted as false or null. */
static const struct cJSON *value_in(
	const struct sd_pred *p, const struct cJSON *rec, struct cJSON **made)
{
	const struct cJSON *v = sd_json_get(rec, sd_pred_name(p));

	*made = NULL;
	if (p->meta == SD_META_DELETED && !sd_json_is_bool(v))
		v = *made = sd_json_bool(false);
	return v;
}

static bool leaf(const struct sd_pred *p, const struct cJSON *rec, int64_t now_ms)
{
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	struct cJSON *made;
	const struct cJSON *v = value_in(p, rec, &made), *x = p->operand;
	bool null = sd_json_is_null(v), hit = false;
	int order = 0;

	switch (p->op) {
	case SD_P_EQ:
	case SD_P_NE:
		hit = null || sd_json_is_null(x) ? null && sd_json_is_null(x) : same(kind, v, x);
		hit = hit == (p->op == SD_P_EQ);
		break;
	case SD_P_LT:
	case SD_P_LE:
	case SD_P_GT:
	case SD_P_GE:
		hit = !null && sd_pred_compare(kind, v, x, &order) &&
		      (p->op == SD_P_LT          ? order < 0
			      : p->op == SD_P_LE ? order <= 0
			      : p->op == SD_P_GT ? order > 0
						 : order >= 0);
		break;
	case SD_P_BETWEEN:
		hit = !null && between(kind, v, x);
		break;
	case SD_P_CONTAINS:
	case SD_P_NOT_CONTAINS:
		hit = (!null && contains(p, kind, v)) == (p->op == SD_P_CONTAINS);
		break;
	case SD_P_BEGINS_WITH:
		hit = !null && begins_with(v, x);
		break;
	case SD_P_IN:
	case SD_P_NOT_IN:
		hit = (!null && among(kind, v, x)) == (p->op == SD_P_IN);
		break;
	case SD_P_LAST:
		hit = !null && since(p, kind, v, now_ms);
		break;
	case SD_P_OP_COUNT:
		break;
	}
	sd_json_free(made);
	return hit;
}

/* Is there a live record behind path[at..] of which the leaf is true? */
static bool some_related(
	const struct sd_pred *p, size_t at, const struct cJSON *rec, const struct eval *x)
{
	const struct sd_field *rel;

	if (at == p->path_count)
		return leaf(p, rec, x->now_ms);
	if (!x->related)
		return false;
	rel = p->path[at];
	for (size_t i = 0;; i++) {
		const struct cJSON *r = x->related(x->ctx, rel, rec, i);
		struct cJSON *kept = NULL;
		bool hit = false;

		if (!r)
			return false;
		if (!sd_json_is_true(sd_json_get(r, "_deleted"))) {
			/* r lives until the next call, which one more relation will make */
			if (at + 1 < p->path_count)
				r = kept = sd_json_dup(r);
			hit = r && some_related(p, at + 1, r, x);
			sd_json_free(kept);
		}
		if (hit || rel->assoc != SD_A_HAS_MANY)
			return hit;
	}
}

static bool eval(const struct sd_pred *p, const struct cJSON *rec, const struct eval *x)
{
	switch (p->kind) {
	case SD_P_ALL:
		return true;
	case SD_P_AND:
		for (size_t i = 0; i < p->kid_count; i++)
			if (!eval(p->kids[i], rec, x))
				return false;
		return true;
	case SD_P_OR:
		for (size_t i = 0; i < p->kid_count; i++)
			if (eval(p->kids[i], rec, x))
				return true;
		return false;
	case SD_P_NOT:
		return !eval(p->kids[0], rec, x);
	case SD_P_LEAF:
		return some_related(p, 0, rec, x);
	}
	return false;
}

bool sd_pred_eval(const struct sd_pred *p, const struct cJSON *rec, int64_t now_ms,
	sd_pred_related_fn related, void *ctx)
{
	const struct eval x = {now_ms, related, ctx};

	return !p || eval(p, rec, &x);
}
