/*
 * core/sandbox/core/filter.c - filter and condition expressions as DynamoDB evaluates them
 * (spec/server.md 1.6).  Those of subscriptions are in filter_sub.c.
 */
#include "core/sandbox/core/internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* <0, 0, >0; *comparable false when the types differ (never equal, never ordered). */
static int compare(const struct cJSON *a, const struct cJSON *b, bool *comparable)
{
	double x, y;
	int64_t i, k;

	*comparable = true;
	if (sd_json_is_string(a) && sd_json_is_string(b))
		return strcmp(sd_json_str(a), sd_json_str(b));
	if (sd_json_is_number(a) && sd_json_is_number(b)) {
		if (sd_json_i64(a, &i) && sd_json_i64(b, &k))
			return (i > k) - (i < k);
		if (sd_json_f64(a, &x) && sd_json_f64(b, &y))
			return (x > y) - (x < y);
	}
	if (sd_json_is_bool(a) && sd_json_is_bool(b))
		return (int)sd_json_is_true(a) - (int)sd_json_is_true(b);
	*comparable = false;
	return 1;
}

static bool is_null_value(const struct cJSON *v)
{
	return v && sd_json_is_null(v);
}

/* The elements of a list or set, NULL for anything else. */
static const struct cJSON *elements(const struct cJSON *v)
{
	if (sd_json_is_object(v) && sd_json_get(v, SBX_SET))
		return sd_json_get(v, SBX_SET);
	return sd_json_is_array(v) ? v : NULL;
}

static bool equal(const struct cJSON *v, const struct cJSON *want)
{
	if (is_null_value(want) || is_null_value(v))
		return is_null_value(want) && is_null_value(v);
	return v && sd_json_equal(v, want, false);
}

static bool contains(const struct cJSON *v, const struct cJSON *want)
{
	const struct cJSON *list = elements(v);

	if (list) {
		for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
			if (equal(c, want))
				return true;
		return false;
	}
	return sd_json_is_string(v) && sd_json_is_string(want) &&
	       strstr(sd_json_str(v), sd_json_str(want));
}

static bool between(const struct cJSON *v, const struct cJSON *range)
{
	const struct cJSON *lo = sd_json_child(range), *hi = lo ? sd_json_next(lo) : NULL;
	bool a, b;

	return v && lo && hi && compare(v, lo, &a) >= 0 && a && compare(v, hi, &b) <= 0 && b;
}

static bool in_list(const struct cJSON *v, const struct cJSON *list)
{
	for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
		if (v && equal(v, c))
			return true;
	return false;
}

static bool type_is(const struct cJSON *v, const char *type)
{
	if (!v || !type)
		return false;
	if (strcmp(type, "_null") == 0)
		return sd_json_is_null(v);
	if (strcmp(type, "bool") == 0)
		return sd_json_is_bool(v);
	if (strcmp(type, "string") == 0)
		return sd_json_is_string(v);
	if (strcmp(type, "number") == 0)
		return sd_json_is_number(v);
	if (strcmp(type, "list") == 0)
		return sd_json_is_array(v);
	if (strcmp(type, "stringSet") == 0)
		return sd_json_is_object(v) && sd_json_get(v, SBX_SET);
	return strcmp(type, "map") == 0 && sd_json_is_object(v) && !sd_json_get(v, SBX_SET);
}

static bool ordered(const struct cJSON *v, const struct cJSON *want, const char *op)
{
	bool ok;
	int c;

	if (!v)
		return false;
	c = compare(v, want, &ok);
	if (!ok)
		return false;
	if (strcmp(op, "lt") == 0)
		return c < 0;
	if (strcmp(op, "le") == 0)
		return c <= 0;
	return strcmp(op, "gt") == 0 ? c > 0 : c >= 0;
}

static bool size_matches(const struct cJSON *v, const struct cJSON *ops);

/* One operator on one attribute; v is NULL when it is missing. */
bool sbx_operator(const struct cJSON *v, const char *op, const struct cJSON *want)
{
	if (strcmp(op, "eq") == 0)
		return equal(v, want);
	if (strcmp(op, "ne") == 0)
		return !equal(v, want);
	if (strcmp(op, "contains") == 0)
		return contains(v, want);
	if (strcmp(op, "notContains") == 0)
		return !contains(v, want);
	if (strcmp(op, "beginsWith") == 0)
		return sd_json_is_string(v) && sd_json_is_string(want) &&
		       strncmp(sd_json_str(v), sd_json_str(want), strlen(sd_json_str(want))) == 0;
	if (strcmp(op, "between") == 0)
		return between(v, want);
	if (strcmp(op, "in") == 0)
		return in_list(v, want);
	if (strcmp(op, "notIn") == 0)
		return !in_list(v, want);
	if (strcmp(op, "attributeExists") == 0)
		return (v != NULL) == sd_json_is_true(want);
	if (strcmp(op, "attributeType") == 0)
		return type_is(v, sd_json_str(want));
	if (strcmp(op, "size") == 0)
		return size_matches(v, want);
	return ordered(v, want, op);
}

static bool size_matches(const struct cJSON *v, const struct cJSON *ops)
{
	const struct cJSON *list = elements(v);
	struct cJSON *n;
	bool ok = true;

	if (!v || (!list && !sd_json_is_string(v) && !sd_json_is_object(v)))
		return false;
	if (list)
		n = sd_json_int((int64_t)sd_json_count(list));
	else if (sd_json_is_string(v))
		n = sd_json_int((int64_t)strlen(sd_json_str(v)));
	else
		n = sd_json_int((int64_t)sd_json_count(v));
	for (const struct cJSON *c = sd_json_child(ops); c && ok; c = sd_json_next(c))
		ok = sd_json_is_null(c) || sbx_operator(n, sd_json_name(c), c);
	sd_json_free(n);
	return ok;
}

/* A null operand only means something to eq, ne. */
bool sbx_operand_given(const char *op, const struct cJSON *v)
{
	return !sd_json_is_null(v) || strcmp(op, "eq") == 0 || strcmp(op, "ne") == 0;
}

static bool field(const struct cJSON *ops, const struct cJSON *v)
{
	for (const struct cJSON *c = sd_json_child(ops); c; c = sd_json_next(c))
		if (sbx_operand_given(sd_json_name(c), c) && !sbx_operator(v, sd_json_name(c), c))
			return false;
	return true;
}

static bool any(const struct cJSON *list, const struct cJSON *item)
{
	const struct cJSON *c = sd_json_is_array(list) ? sd_json_child(list) : list;

	if (!sd_json_is_array(list))
		return sbx_filter(c, item, NULL);
	if (!c)
		return true;
	for (; c; c = sd_json_next(c))
		if (sbx_filter(c, item, NULL))
			return true;
	return false;
}

static bool all(const struct cJSON *list, const struct cJSON *item)
{
	const struct cJSON *c = sd_json_is_array(list) ? sd_json_child(list) : list;

	if (!sd_json_is_array(list))
		return sbx_filter(c, item, NULL);
	for (; c; c = sd_json_next(c))
		if (!sbx_filter(c, item, NULL))
			return false;
	return true;
}

bool sbx_filter_usable(const struct cJSON *f)
{
	for (const struct cJSON *c = sd_json_child(f); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		const struct cJSON *b = sd_json_get(c, "between");
		if (name && (strcmp(name, "and") == 0 || strcmp(name, "or") == 0)) {
			for (const struct cJSON *k = sd_json_child(c); k; k = sd_json_next(k))
				if (!sbx_filter_usable(k))
					return false;
		} else if (name && strcmp(name, "not") == 0) {
			if (!sbx_filter_usable(c))
				return false;
		} else if ((b && !sd_json_is_null(b) && sd_json_count(b) != 2) ||
			   !sbx_filter_usable(sd_json_get(c, "size") ? c : NULL)) {
			return false;
		}
	}
	return true;
}

bool sbx_filter(const struct cJSON *filter, const struct cJSON *item, bool *bad)
{
	if (bad)
		*bad = !sbx_filter_usable(filter);
	for (const struct cJSON *c = sd_json_child(filter); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		bool ok;
		if (sd_json_is_null(c))
			continue;
		if (strcmp(name, "and") == 0)
			ok = all(c, item);
		else if (strcmp(name, "or") == 0)
			ok = any(c, item);
		else if (strcmp(name, "not") == 0)
			ok = !sbx_filter(c, item, NULL);
		else
			ok = field(c, sd_json_get(item, name));
		if (!ok)
			return false;
	}
	return true;
}
