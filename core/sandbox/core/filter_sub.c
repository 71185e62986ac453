/*
 * core/sandbox/core/filter_sub.c - enhanced subscription filters: evaluation and limits
 * (spec/server.md 5.9).
 *
 * Unlike in a table there is no difference between a value that is missing and one that is null.
 * The service takes a filter as groups of conditions, one group of which must hold; what does not
 * fit into groups of its size is refused in words that its clients know: they then subscribe
 * without a filter.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#define GROUPS        10 /* ways to combine the branches of or */
#define GROUP_FILTERS 10 /* fields in one of them */
#define IN_VALUES     5
#define ANY_VALUES    20 /* of containsAny, which only rules make */
#define NESTING       5

static bool sub_field(const struct cJSON *ops, const struct cJSON *v)
{
	for (const struct cJSON *c = sd_json_child(ops); c; c = sd_json_next(c)) {
		const char *op = sd_json_name(c);
		bool negative = strcmp(op, "ne") == 0 || strcmp(op, "notIn") == 0 ||
				strcmp(op, "notContains") == 0;
		if (!sbx_operand_given(op, c))
			continue;
		if (strcmp(op, "attributeExists") == 0) {
			if (sd_json_is_null(v) == sd_json_is_true(c))
				return false;
			continue;
		}
		if (sd_json_is_null(v)) { /* missing: only the negative ones hold */
			if (!negative && !(strcmp(op, "eq") == 0 && sd_json_is_null(c)))
				return false;
			continue;
		}
		if (strcmp(op, "containsAny") == 0) {
			bool hit = false;
			for (const struct cJSON *k = sd_json_child(c); k && !hit;
				k = sd_json_next(k))
				hit = sbx_operator(v, sd_json_is_string(v) ? "eq" : "contains", k);
			if (!hit)
				return false;
			continue;
		}
		if (!sbx_operator(v, op, c))
			return false;
	}
	return true;
}

bool sbx_sub_filter(const struct cJSON *filter, const struct cJSON *m)
{
	for (const struct cJSON *c = sd_json_child(filter); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		bool ok = true;
		if (sd_json_is_null(c))
			continue;
		if (strcmp(name, "and") == 0) {
			for (const struct cJSON *k = sd_json_child(c); k && ok; k = sd_json_next(k))
				ok = sbx_sub_filter(k, m);
		} else if (strcmp(name, "or") == 0) {
			ok = !sd_json_child(c);
			for (const struct cJSON *k = sd_json_child(c); k && !ok;
				k = sd_json_next(k))
				ok = sbx_sub_filter(k, m);
		} else {
			ok = sub_field(c, sd_json_get(m, name));
		}
		if (!ok)
			return false;
	}
	return true;
}

/* ---- limits ---- */

struct group {
	const char *fields[GROUP_FILTERS];
	size_t count;
};

struct groups { /* any of them */
	struct group g[GROUPS];
	size_t count;
};

static const char *groups_of(const struct cJSON *f, unsigned depth, struct groups *out);

static const char *add_field(struct group *g, const char *name)
{
	for (size_t i = 0; i < g->count; i++)
		if (strcmp(g->fields[i], name) == 0)
			return "filter uses same fieldName multiple time";
	if (g->count == GROUP_FILTERS)
		return "Filters exceed maximum attributes limit";
	g->fields[g->count++] = name;
	return NULL;
}

/* Both must hold: every group of one with every group of the other. */
static const char *both(struct groups *a, const struct groups *b)
{
	struct groups all = {.count = 0};

	for (size_t i = 0; i < a->count; i++)
		for (size_t k = 0; k < b->count; k++) {
			struct group *g = &all.g[all.count];
			if (all.count++ == GROUPS)
				return "Filters combination exceed maximum limit";
			*g = a->g[i];
			for (size_t n = 0; n < b->g[k].count; n++) {
				const char *wrong = add_field(g, b->g[k].fields[n]);
				if (wrong)
					return wrong;
			}
		}
	*a = all;
	return NULL;
}

static const char *either(struct groups *a, const struct groups *b)
{
	if (a->count + b->count > GROUPS)
		return "Filters combination exceed maximum limit";
	memcpy(&a->g[a->count], b->g, b->count * sizeof b->g[0]);
	a->count += b->count;
	return NULL;
}

static const char *operators_wrong(const struct cJSON *ops)
{
	const struct cJSON *between = sd_json_get(ops, "between");

	if (sd_json_count(sd_json_get(ops, "in")) > IN_VALUES ||
		sd_json_count(sd_json_get(ops, "notIn")) > IN_VALUES)
		return "The operators in and notIn take at most 5 values.";
	if (sd_json_count(sd_json_get(ops, "containsAny")) > ANY_VALUES)
		return "The operator containsAny takes at most 20 values.";
	if (!sd_json_is_null(between) && sd_json_count(between) != 2)
		return "The operator between takes exactly two values.";
	return NULL;
}

/* The branches of and, or: of one member of a filter. */
static const char *logic(const struct cJSON *branches, bool any, unsigned depth, struct groups *out)
{
	const char *wrong = NULL;

	out->count = 0;
	if (!any || !sd_json_child(branches)) /* nothing to hold: the empty group */
		out->g[out->count++].count = 0;
	for (const struct cJSON *k = sd_json_child(branches); k && !wrong; k = sd_json_next(k)) {
		struct groups in;
		wrong = groups_of(k, depth + 1, &in);
		if (!wrong)
			wrong = any ? either(out, &in) : both(out, &in);
	}
	return wrong;
}

static const char *groups_of(const struct cJSON *f, unsigned depth, struct groups *out)
{
	const char *wrong = NULL;

	if (depth > NESTING)
		return "The filter is nested deeper than 5 levels.";
	out->count = 1;
	out->g[0].count = 0;
	for (const struct cJSON *c = sd_json_child(f); c && !wrong; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		bool any = strcmp(name, "or") == 0;
		struct groups in;
		if (sd_json_is_null(c))
			continue;
		if (any || strcmp(name, "and") == 0) {
			wrong = logic(c, any, depth, &in);
		} else {
			wrong = operators_wrong(c);
			in.count = 1;
			in.g[0] = (struct group){.fields = {name}, .count = 1};
		}
		if (!wrong)
			wrong = both(out, &in);
	}
	return wrong;
}

const char *sbx_sub_filter_wrong(const struct cJSON *filter)
{
	struct groups all;

	return groups_of(filter, 0, &all);
}
