/*
 * core/sandbox/core/item.c - from a mutation's input to the attributes that are stored: AWSJSON
 * parsed, nulls kept on create (DynamoDB NULL) and collected on update (REMOVE).  spec/server.md 1.6.
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

static struct cJSON *stored_value(const struct sd_field *f, const struct cJSON *v);

static struct cJSON *stored_object(const struct sd_nonmodel *n, const struct cJSON *v)
{
	struct cJSON *out = sd_json_object();

	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c)) {
		const struct sd_field *f = NULL;
		for (size_t i = 0; i < n->field_count && !f; i++)
			if (strcmp(n->fields[i].name, sd_json_name(c)) == 0)
				f = &n->fields[i];
		if (!sd_json_add(out, sd_json_name(c), stored_value(f, c))) {
			sd_json_free(out);
			return NULL;
		}
	}
	return out;
}

static struct cJSON *stored_value(const struct sd_field *f, const struct cJSON *v)
{
	struct cJSON *j = NULL, *out;
	const char *text = sd_json_str(v);

	if (!f || sd_json_is_null(v))
		return sd_json_dup(v);
	if (sd_json_is_array(v)) {
		out = sd_json_array();
		for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
			if (!sd_json_push(out, stored_value(f, c))) {
				sd_json_free(out);
				return NULL;
			}
		return out;
	}
	if (f->kind == SD_K_NONMODEL && f->nonmodel && sd_json_is_object(v))
		return stored_object(f->nonmodel, v);
	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON && text &&
		sd_json_parse(text, strlen(text), "AWSJSON", &j, NULL) == SD_OK)
		return j;
	return sd_json_dup(v);
}

static bool is_index_key(const struct sbx_model *m, const char *name)
{
	for (size_t i = 0; i < m->m->index_count; i++)
		for (size_t k = 0; k < m->m->indexes[i].field_count; k++)
			if (strcmp(m->m->fields[m->m->indexes[i].fields[k]].name, name) == 0)
				return true;
	return false;
}

/* create: nulls are stored, but those of index keys are left out.  Otherwise nulls go to removed
 * (array of names) and keys are left alone. */
bool sbx_item_set(const struct sbx_model *m, const struct cJSON *input, bool create,
	struct cJSON *item, struct cJSON *removed)
{
	for (const struct cJSON *c = sd_json_child(input); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		const struct sd_field *f = sd_model_field(m->m, name);
		struct cJSON *v;
		if (name[0] == '_' &&
			(strcmp(name, "_version") == 0 || strcmp(name, "_deleted") == 0 ||
				strcmp(name, "_lastChangedAt") == 0))
			continue;
		if (!create && f && sd_model_is_key(m->m, f))
			continue;
		if (sd_json_is_null(c) && create && is_index_key(m, name))
			continue;
		if (sd_json_is_null(c) && !create) {
			if (!sd_json_push(removed, sd_json_string(name)))
				return false;
			continue;
		}
		v = f ? stored_value(f, c) : sd_json_dup(c);
		if (!v || !sd_json_set(item, name, v))
			return false;
	}
	return true;
}

bool sbx_item_stamp(const struct sbx_model *m, struct cJSON *item, int64_t version,
	int64_t changed_at, bool deleted)
{
	bool ok = !m->versioned ||
		  (sd_json_set(item, "_version", sd_json_int(version)) &&
			  sd_json_set(item, "_lastChangedAt", sd_json_int(changed_at)));

	if (ok && deleted && m->versioned)
		return sd_json_set(item, "_deleted", sd_json_bool(true));
	sd_json_remove(item, "_deleted");
	return ok;
}

void sbx_item_plain(struct cJSON *item)
{
	sd_json_remove(item, "_version");
	sd_json_remove(item, "_deleted");
	sd_json_remove(item, "_lastChangedAt");
}

unsigned sbx_depth(const struct cJSON *j)
{
	unsigned deepest = 0;

	for (const struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c)) {
		unsigned d = sbx_depth(c);
		deepest = d > deepest ? d : deepest;
	}
	return deepest + 1;
}

static bool split(const struct sbx_model *m, const struct sbx_type *t, struct cJSON *fields,
	struct cJSON *aside)
{
	for (struct cJSON *c = sd_json_child(fields), *next; c; c = next) {
		char *name = strdup(sd_json_name(c));
		const struct sd_field *f = name ? sd_model_field(m->m, name) : NULL;
		bool ok = name != NULL;
		next = sd_json_next(c);
		if (ok && strcmp(name, "__typename") == 0) {
			sd_json_remove(fields, name);
		} else if (ok && !sbx_field_find(t, name) && sbx_field_find(m->out, name)) {
			ok = sd_json_add(aside, name, sd_json_detach(fields, name));
		} else if (ok && f && f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON &&
			   !f->list && !sd_json_is_null(c) && !sd_json_is_string(c)) {
			char *text = sd_json_text(c);
			ok = text && sd_json_set(fields, name, sd_json_string(text));
			free(text);
		}
		free(name);
		if (!ok)
			return false;
	}
	return true;
}

struct cJSON *sbx_item_input(const struct sd_sbx *s, const struct sbx_model *m, struct sbx_type *t,
	const struct cJSON *given, struct sbx_wrong *w)
{
	struct cJSON *fields = sd_json_dup(given), *aside = sd_json_object(), *in = NULL;
	struct sbx_ref ref = {.type = t, .non_null = true};
	bool ok = fields && aside && split(m, t, fields, aside);

	if (ok)
		in = sbx_coerce(s, &ref, fields, "input", w);
	for (const struct cJSON *c = sd_json_child(aside); c && in && ok; c = sd_json_next(c))
		ok = sd_json_set(in, sd_json_name(c), sd_json_dup(c));
	sd_json_free(fields);
	sd_json_free(aside);
	if (ok)
		return in;
	sd_json_free(in);
	return NULL;
}
