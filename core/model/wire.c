/*
 * core/model/wire.c - AWSJSON between the wire (text) and here (the value it holds).
 *
 * Source: spec/client.md 2.5 and 11 #21: element by element in lists, and inside embedded types.
 */
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/model/scalar.h"

typedef struct cJSON *turn_fn(const struct cJSON *v, bool *odd);

static struct cJSON *from_text(const struct cJSON *v, bool *odd)
{
	const char *text = sd_json_str(v);
	struct cJSON *out = NULL;

	if (!text)
		return sd_json_dup(v); /* not how it travels, but a value all the same */
	if (sd_json_parse(text, strlen(text), "AWSJSON", &out, NULL) == SD_OK)
		return out;
	if (odd)
		*odd = true;
	return sd_json_dup(v);
}

static struct cJSON *to_text(const struct cJSON *v, bool *odd)
{
	char *text = sd_json_text(v);
	struct cJSON *out = text ? sd_json_string(text) : NULL;

	(void)odd;
	free(text);
	return out;
}

static struct cJSON *turn(const struct sd_field *f, const struct cJSON *v, turn_fn *fn, bool *odd);

/* An embedded type: its own fields turned, whatever else it has copied. */
static struct cJSON *turn_object(
	const struct sd_nonmodel *n, const struct cJSON *v, turn_fn *fn, bool *odd)
{
	struct cJSON *out = sd_json_dup(v);

	for (size_t i = 0; out && i < n->field_count; i++) {
		const struct cJSON *member = sd_json_get(v, n->fields[i].name);

		if (!member)
			continue;
		if (!sd_json_set(out, n->fields[i].name, turn(&n->fields[i], member, fn, odd))) {
			sd_json_free(out);
			return NULL;
		}
	}
	return out;
}

static struct cJSON *turn_one(
	const struct sd_field *f, const struct cJSON *v, turn_fn *fn, bool *odd)
{
	if (sd_json_is_null(v))
		return sd_json_null();
	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)
		return fn(v, odd);
	if (f->kind == SD_K_NONMODEL && sd_json_is_object(v))
		return turn_object(f->nonmodel, v, fn, odd);
	return sd_json_dup(v);
}

static struct cJSON *turn(const struct sd_field *f, const struct cJSON *v, turn_fn *fn, bool *odd)
{
	struct cJSON *out;

	if (!f->list || !sd_json_is_array(v))
		return turn_one(f, v, fn, odd);
	out = sd_json_array();
	for (const struct cJSON *c = sd_json_child(v); out && c; c = sd_json_next(c))
		if (!sd_json_push(out, turn_one(f, c, fn, odd))) {
			sd_json_free(out);
			return NULL;
		}
	return out;
}

struct cJSON *sd_value_to_local(const struct sd_field *f, const struct cJSON *wire, bool *odd)
{
	if (odd)
		*odd = false;
	return turn(f, wire, from_text, odd);
}

struct cJSON *sd_value_to_wire(const struct sd_field *f, const struct cJSON *local)
{
	return turn(f, local, to_text, NULL);
}
