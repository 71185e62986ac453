/*
 * core/model/codegen.c - the schema as model introspection JSON (spec/client.md 1.1 "Form B"),
 * and the digest of it.
 *
 * Columns that no form lists (implicit ones) are not written: a reader derives them again.
 */
#include "core/model/draft.h"

#include <stdio.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/json/json.h"
#include "core/model/auth_words.h"

/* Every maker below returns NULL when out of memory; sd_json_add takes NULL as failure. */

static struct cJSON *names(char *const *v, size_t n)
{
	struct cJSON *a = sd_json_array();

	for (size_t i = 0; a && i < n; i++)
		if (!sd_json_push(a, sd_json_string(v[i]))) {
			sd_json_free(a);
			return NULL;
		}
	return a;
}

static struct cJSON *positions(const struct sd_model *m, const size_t *v, size_t n)
{
	struct cJSON *a = sd_json_array();

	for (size_t i = 0; a && i < n; i++)
		if (!sd_json_push(a, sd_json_string(m->fields[v[i]].name))) {
			sd_json_free(a);
			return NULL;
		}
	return a;
}

/* obj when ok, else it is freed */
static struct cJSON *kept(struct cJSON *obj, bool ok)
{
	if (ok)
		return obj;
	sd_json_free(obj);
	return NULL;
}

static struct cJSON *type(const struct sd_field *f)
{
	static const char *const KIND[] = {
		[SD_K_ENUM] = "enum", [SD_K_NONMODEL] = "nonModel", [SD_K_MODEL] = "model"};
	struct cJSON *o;

	if (f->kind == SD_K_SCALAR)
		return sd_json_string(sd_scalar_name(f->scalar));
	o = sd_json_object();
	return kept(o, o && sd_json_add_str(o, KIND[f->kind], f->type_name));
}

static struct cJSON *association(const struct sd_field *f)
{
	static const char *const KIND[] = {[SD_A_BELONGS_TO] = "BELONGS_TO",
		[SD_A_HAS_ONE] = "HAS_ONE",
		[SD_A_HAS_MANY] = "HAS_MANY"};
	struct cJSON *o = sd_json_object();
	bool ok = o && sd_json_add_str(o, "connectionType", KIND[f->assoc]);

	if (ok && f->assoc != SD_A_BELONGS_TO)
		ok = sd_json_add(o, "associatedWith", names(f->assoc_with, f->assoc_with_count));
	if (ok && f->assoc != SD_A_HAS_MANY)
		ok = sd_json_add(o, "targetNames", names(f->targets, f->target_count));
	return kept(o, ok);
}

static struct cJSON *field(const struct sd_field *f)
{
	struct cJSON *o = sd_json_object();
	bool ok = o && sd_json_add_str(o, "name", f->name) &&
		  sd_json_add_bool(o, "isArray", f->list) && sd_json_add(o, "type", type(f)) &&
		  sd_json_add_bool(o, "isRequired", f->required) &&
		  sd_json_add(o, "attributes", sd_json_array());

	if (ok && f->list)
		ok = sd_json_add_bool(o, "isArrayNullable", f->list_nullable);
	if (ok && f->read_only)
		ok = sd_json_add_bool(o, "isReadOnly", true);
	if (ok && f->kind == SD_K_MODEL && f->assoc != SD_A_NONE)
		ok = sd_json_add(o, "association", association(f));
	return kept(o, ok);
}

static struct cJSON *fields(const struct sd_field *f, size_t n)
{
	struct cJSON *o = sd_json_object();
	bool ok = o != NULL;

	for (size_t i = 0; ok && i < n; i++)
		if (!f[i].implicit)
			ok = sd_json_add(o, f[i].name, field(&f[i]));
	return kept(o, ok);
}

/* {"type": kind, "properties": properties} added to a */
static bool attribute(struct cJSON *a, const char *kind, struct cJSON *properties)
{
	struct cJSON *o = sd_json_object();

	if (!o) {
		sd_json_free(properties);
		return false;
	}
	if (!sd_json_add_str(o, "type", kind)) {
		sd_json_free(properties);
		sd_json_free(o);
		return false;
	}
	return sd_json_push(a, kept(o, sd_json_add(o, "properties", properties)));
}

static struct cJSON *model_properties(const struct sd_model *m)
{
	static const char *const LEVEL[] = {"on", "public", "off"};
	struct cJSON *o = sd_json_object(), *t;
	bool ok = o != NULL;
	bool usual = m->created_at && m->updated_at && strcmp(m->created_at, "createdAt") == 0 &&
		     strcmp(m->updated_at, "updatedAt") == 0;

	if (ok && !m->created_at && !m->updated_at) {
		ok = sd_json_add(o, "timestamps", sd_json_null());
	} else if (ok && !usual) {
		t = sd_json_object();
		ok = t && sd_json_add_str(t, "createdAt", m->created_at) &&
		     sd_json_add_str(t, "updatedAt", m->updated_at);
		ok = sd_json_add(o, "timestamps", kept(t, ok));
	}
	if (ok && m->sub_level != SD_SUB_ON) {
		t = sd_json_object();
		ok = t && sd_json_add_str(t, "level", LEVEL[m->sub_level]);
		ok = sd_json_add(o, "subscriptions", kept(t, ok));
	}
	return kept(o, ok);
}

static struct cJSON *key(const struct sd_model *m, const struct sd_index *x)
{
	struct cJSON *o = sd_json_object();
	bool ok = o != NULL;

	if (ok && x->name)
		ok = sd_json_add_str(o, "name", x->name);
	if (ok && x->query_field)
		ok = sd_json_add_str(o, "queryField", x->query_field);
	return kept(o, ok && sd_json_add(o, "fields", positions(m, x->fields, x->field_count)));
}

static struct cJSON *operations(unsigned mask)
{
	struct cJSON *a = sd_json_array();
	const char *word;

	for (size_t i = 0; a && (word = sd_operation_word(mask, i)); i++)
		if (!sd_json_push(a, sd_json_string(word))) {
			sd_json_free(a);
			return NULL;
		}
	return a;
}

static struct cJSON *rule(const struct sd_auth_rule *r)
{
	struct cJSON *o = sd_json_object();
	bool ok = o != NULL;

	if (ok && r->allow == SD_ALLOW_GROUPS)
		ok = sd_json_add_str(o, "groupClaim", r->group_claim);
	ok = ok && sd_json_add_str(o, "provider", sd_provider_name(r->provider));
	if (ok && r->allow == SD_ALLOW_OWNER)
		ok = sd_json_add_str(o, "ownerField", r->owner_field);
	ok = ok && sd_json_add_str(o, "allow", sd_allow_name(r->allow));
	if (ok && r->allow == SD_ALLOW_OWNER)
		ok = sd_json_add_str(o, "identityClaim", r->identity_claim);
	if (ok && r->group_count)
		ok = sd_json_add(o, "groups", names(r->groups, r->group_count));
	if (ok && r->groups_field)
		ok = sd_json_add_str(o, "groupField", r->groups_field);
	return kept(o, ok && sd_json_add(o, "operations", operations(r->operations)));
}

static bool auth_attribute(struct cJSON *a, const struct sd_model *m)
{
	struct cJSON *o = sd_json_object(), *list = sd_json_array();
	bool ok = o && list;

	for (size_t i = 0; ok && i < m->rule_count; i++)
		ok = sd_json_push(list, rule(&m->rules[i]));
	if (!ok || !o) {
		sd_json_free(list);
		sd_json_free(o);
		return false;
	}
	return attribute(a, "auth", kept(o, sd_json_add(o, "rules", list)));
}

static struct cJSON *attributes(const struct sd_model *m)
{
	const struct sd_index primary = {NULL, NULL, m->pk, m->pk_count};
	struct cJSON *a = sd_json_array();
	bool ok = a && attribute(a, "model", model_properties(m));

	if (ok && m->custom_pk)
		ok = attribute(a, "key", key(m, &primary));
	for (size_t i = 0; ok && i < m->index_count; i++)
		ok = attribute(a, "key", key(m, &m->indexes[i]));
	if (ok && m->rule_count)
		ok = auth_attribute(a, m);
	return kept(a, ok);
}

static struct cJSON *key_info(const struct sd_model *m)
{
	struct cJSON *o = sd_json_object();
	const char *first = m->fields[m->pk[0]].name;
	bool custom = m->pk_count > 1 || strcmp(first, "id") != 0;

	return kept(o, o && sd_json_add_bool(o, "isCustomPrimaryKey", custom) &&
			       sd_json_add_str(o, "primaryKeyFieldName", first) &&
			       sd_json_add(o, "sortKeyFieldNames",
				       positions(m, m->pk + 1, m->pk_count - 1)));
}

static struct cJSON *model(const struct sd_model *m)
{
	struct cJSON *o = sd_json_object();

	return kept(o, o && sd_json_add_str(o, "name", m->name) &&
			       sd_json_add(o, "fields", fields(m->fields, m->field_count)) &&
			       sd_json_add_bool(o, "syncable", m->syncable) &&
			       sd_json_add_str(o, "pluralName", m->plural) &&
			       sd_json_add(o, "attributes", attributes(m)) &&
			       sd_json_add(o, "primaryKeyInfo", key_info(m)));
}

static struct cJSON *enums(const struct sd_schema *s)
{
	struct cJSON *all = sd_json_object();
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < s->enum_count; i++) {
		const struct sd_enum *en = s->enums[i];
		struct cJSON *o = sd_json_object();
		bool fine = o && sd_json_add_str(o, "name", en->name) &&
			    sd_json_add(o, "values", names(en->values, en->value_count));
		ok = sd_json_add(all, en->name, kept(o, fine));
	}
	return kept(all, ok);
}

static struct cJSON *nonmodels(const struct sd_schema *s)
{
	struct cJSON *all = sd_json_object();
	bool ok = all != NULL;

	for (size_t i = 0; ok && i < s->nonmodel_count; i++) {
		const struct sd_nonmodel *n = s->nonmodels[i];
		struct cJSON *o = sd_json_object();
		bool fine = o && sd_json_add_str(o, "name", n->name) &&
			    sd_json_add(o, "fields", fields(n->fields, n->field_count));
		ok = sd_json_add(all, n->name, kept(o, fine));
	}
	return kept(all, ok);
}

enum sd_err sd_schema_codegen(const struct sd_schema *s, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o = sd_json_object(), *models = sd_json_object();
	bool ok = o && models && sd_json_add_int(o, "version", 1);

	for (size_t i = 0; ok && i < s->model_count; i++)
		ok = sd_json_add(models, s->models[i]->name, model(s->models[i]));
	if (!ok) {
		sd_json_free(models);
		sd_json_free(o);
		return sd_draft_nomem(e);
	}
	ok = sd_json_add(o, "models", models) && sd_json_add(o, "enums", enums(s)) &&
	     sd_json_add(o, "nonModels", nonmodels(s));
	*out = kept(o, ok);
	return ok ? SD_OK : sd_draft_nomem(e);
}

/* Four 64-bit words, each over the whole text with a salt of its own in front and behind. */
enum sd_err sd_draft_digest(struct sd_schema *s, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *o = NULL;
	enum sd_err rc = sd_schema_codegen(s, &o, e);
	uint64_t h = 0;

	for (unsigned i = 0; !rc && i < 4; i++) {
		sd_buf_reset(&text);
		sd_buf_fmt(&text, "syncdeck schema 1.%u %llx ", i, (unsigned long long)h);
		if (!sd_json_print(o, &text) || !sd_buf_fmt(&text, " %u", i * 7919)) {
			rc = sd_draft_nomem(e);
			break;
		}
		h = sd_hash(sd_buf_text(&text), text.len);
		snprintf(s->hash + (size_t)16 * i, 17, "%016llx", (unsigned long long)h);
	}
	sd_json_free(o);
	sd_buf_release(&text);
	return rc;
}
