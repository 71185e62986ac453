/*
 * core/sandbox/core/automerge.c - AUTOMERGE (spec/server.md 2.5): what is new is added, scalars keep
 * the stored value, lists are appended, sets united, maps merged by the same rules.
 */
#include "core/sandbox/core/internal.h"

#include <string.h>

static struct cJSON *set_of(const struct cJSON *v)
{
	return sd_json_is_object(v) ? sd_json_get(v, SBX_SET) : NULL;
}

static bool append(struct cJSON *list, const struct cJSON *more, bool unite)
{
	for (const struct cJSON *c = sd_json_child(more); c; c = sd_json_next(c)) {
		bool known = false;
		for (const struct cJSON *k = sd_json_child(list); k && unite && !known;
			k = sd_json_next(k))
			known = sd_json_equal(k, c, false);
		if (!known && !sd_json_push(list, sd_json_dup(c)))
			return false;
	}
	return true;
}

static bool merge_into(struct cJSON *stored, const struct cJSON *incoming);

static bool merge_member(struct cJSON *stored, const struct cJSON *in)
{
	const char *name = sd_json_name(in);
	struct cJSON *have = sd_json_get(stored, name);

	if (sd_json_is_null(have)) /* ADDED; a null that comes is a removal and adds nothing */
		return sd_json_is_null(in) || sd_json_set(stored, name, sd_json_dup(in));
	if (set_of(have) || set_of(in)) /* MERGED */
		return !set_of(have) || !set_of(in) || append(set_of(have), set_of(in), true);
	if (sd_json_is_array(have) && sd_json_is_array(in)) /* APPENDED */
		return append(have, in, false);
	if (sd_json_is_object(have) && sd_json_is_object(in))
		return merge_into(have, in);
	return true; /* REJECTED */
}

static bool merge_into(struct cJSON *stored, const struct cJSON *incoming)
{
	for (const struct cJSON *c = sd_json_child(incoming); c; c = sd_json_next(c))
		if (!merge_member(stored, c))
			return false;
	return true;
}

struct cJSON *sbx_automerge(const struct cJSON *stored, const struct cJSON *incoming)
{
	struct cJSON *item = sd_json_dup(stored);

	if (item && !merge_into(item, incoming)) {
		sd_json_free(item);
		return NULL;
	}
	return item;
}
