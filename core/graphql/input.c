/* core/graphql/input.c - the `input` of a mutation, see doc.h and spec/client.md 2.5. */
#include "core/graphql/doc.h"

#include <string.h>

#include "core/json/json.h"
#include "core/model/scalar.h"

/* Read-only fields are the service's; relations travel as their key columns. */
static bool sendable(const struct sd_field *f)
{
	return f->stored && f->kind != SD_K_MODEL && !f->read_only;
}

static bool is_owner(const struct sd_model *m, const struct sd_field *f)
{
	for (size_t i = 0; i < m->rule_count; i++) {
		const char *owner = m->rules[i].owner_field;
		if (m->rules[i].allow == SD_ALLOW_OWNER &&
			strcmp(owner ? owner : "owner", f->name) == 0)
			return true;
	}
	return false;
}

/* Does a group that f belongs to have a changed field?  Then f rides along: the service builds the
 * sort key of an index from all of them. */
static bool rides_along(
	const struct sd_model *m, const struct sd_field *f, const struct cJSON *fields)
{
	for (size_t g = 0; g < m->group_count; g++) {
		bool in = false, changed = false;
		for (size_t i = 0; i < m->groups[g].count; i++) {
			const struct sd_field *member = &m->fields[m->groups[g].fields[i]];
			in = in || member == f;
			changed = changed || sd_json_get(fields, member->name);
		}
		if (in && changed)
			return true;
	}
	return false;
}

static bool add_wire(struct cJSON *input, const struct sd_field *f, const struct cJSON *local)
{
	return sd_json_add(input, f->name,
		sd_json_is_null(local) ? sd_json_null() : sd_value_to_wire(f, local));
}

enum sd_err sd_doc_input(const struct sd_model *m, enum sd_doc kind, const char *key,
	const struct cJSON *fields, const struct cJSON *record, int64_t version, struct cJSON **out,
	struct sd_error *e)
{
	struct cJSON *input = sd_json_object(), *keys = sd_json_object();
	bool ok = input && keys;
	enum sd_err rc = SD_OK;

	*out = NULL;
	if (ok)
		rc = sd_key_put(m, key, keys, e);
	for (size_t i = 0; ok && rc == SD_OK && i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct cJSON *v = sd_json_get(keys, f->name);

		if (v) {
			ok = sd_json_add(input, f->name, sd_json_dup(v));
			continue;
		}
		if (kind == SD_DOC_DELETE || !sendable(f))
			continue;
		v = sd_json_get(fields, f->name);
		if (v) {
			if (!sd_json_is_null(v) || !is_owner(m, f))
				ok = add_wire(input, f, v);
		} else if (kind == SD_DOC_UPDATE && record && rides_along(m, f, fields)) {
			v = sd_json_get(record, f->name);
			if (!sd_json_is_null(v) || !is_owner(m, f))
				ok = add_wire(input, f, v);
		}
	}
	if (ok && rc == SD_OK && version > 0)
		ok = sd_json_add_int(input, "_version", version);
	sd_json_free(keys);
	if (rc == SD_OK && !ok)
		rc = sd_fail(e, SD_NOMEM, 0, "%s %s: no memory for its input", m->name, key);
	if (rc != SD_OK) {
		sd_json_free(input);
		return rc;
	}
	*out = input;
	return SD_OK;
}
