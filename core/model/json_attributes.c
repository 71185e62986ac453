/* core/model/json_attributes.c - the "attributes" of a model in JSON.  See read_json.h. */
#include "core/model/read_json.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/auth_words.h"

static bool copy(const struct cJSON *v, char **out)
{
	if (!sd_json_is_string(v) || !*sd_json_str(v))
		return true;
	free(*out);
	*out = strdup(sd_json_str(v));
	return *out != NULL;
}

/* ---- keys ---- */

static enum sd_err read_key(struct sd_json_reader *r, struct sd_model *m,
	const struct cJSON *properties, struct sd_error *e)
{
	struct sd_draft_key *k;
	const struct sd_draft_keys *all = &r->d.keys[m->id];
	const char *name = sd_json_get_str(properties, "name");

	if (!sd_json_count(sd_json_get(properties, "fields")))
		return SD_OK;
	for (size_t i = 0; !name && i < all->n; i++)
		if (!all->v[i].name)
			return sd_draft_note(&r->d, "%s: %s: a second unnamed key ignored",
				       r->d.file, m->name)
				       ? SD_OK
				       : sd_draft_nomem(e);
	k = sd_draft_key(&r->d, m);
	if (!k || !copy(sd_json_get(properties, "name"), &k->name) ||
		!copy(sd_json_get(properties, "queryField"), &k->query_field) ||
		!sd_json_names(sd_json_get(properties, "fields"), &k->fields, &k->count))
		return sd_draft_nomem(e);
	return SD_OK;
}

/* Form B says the primary key a second time: used where the attributes do not say it. */
static enum sd_err read_key_info(
	struct sd_json_reader *r, struct sd_model *m, const struct cJSON *info, struct sd_error *e)
{
	const struct sd_draft_keys *all = &r->d.keys[m->id];
	struct sd_draft_key *k;

	for (size_t i = 0; i < all->n; i++)
		if (!all->v[i].name)
			return SD_OK;
	if (!sd_json_is_true(sd_json_get(info, "isCustomPrimaryKey")) ||
		!sd_json_get_str(info, "primaryKeyFieldName"))
		return SD_OK;
	k = sd_draft_key(&r->d, m);
	if (!k || !sd_json_names(sd_json_get(info, "primaryKeyFieldName"), &k->fields, &k->count) ||
		!sd_json_names(sd_json_get(info, "sortKeyFieldNames"), &k->fields, &k->count))
		return sd_draft_nomem(e);
	return SD_OK;
}

/* ---- rules ---- */

static enum sd_err read_rule(
	struct sd_json_reader *r, struct sd_model *m, const struct cJSON *rule, struct sd_error *e)
{
	const char *allow = sd_json_get_str(rule, "allow"),
		   *provider = sd_json_get_str(rule, "provider");
	int a = allow ? sd_allow_parse(allow) : -1, p = provider ? sd_provider_parse(provider) : 0;
	const struct cJSON *ops = sd_json_get(rule, "operations");
	struct sd_auth_rule *to;

	if (a < 0 || p < 0) {
		bool ok = sd_draft_note(&r->d, "%s: %s: a rule with %s \"%s\" ignored", r->d.file,
			m->name, a < 0 ? "allow" : "provider",
			a < 0 ? (allow ? allow : "") : provider);
		return ok ? SD_OK : sd_draft_nomem(e);
	}
	to = SD_GROW(m->rules, m->rule_count);
	if (!to)
		return sd_draft_nomem(e);
	to->allow = (enum sd_allow)a;
	to->provider = (enum sd_provider)p;
	to->owner_field_given = sd_json_get_str(rule, "ownerField") != NULL;
	for (const struct cJSON *c = sd_json_child(ops); c; c = sd_json_next(c))
		if (sd_json_is_string(c))
			to->operations |= sd_operation_parse(sd_json_str(c));
	if (!copy(sd_json_get(rule, "ownerField"), &to->owner_field) ||
		!copy(sd_json_get(rule, "identityClaim"), &to->identity_claim) ||
		!copy(sd_json_get(rule, "groupClaim"), &to->group_claim) ||
		!copy(sd_json_get(rule, "groupsField"), &to->groups_field) ||
		(!to->groups_field && !copy(sd_json_get(rule, "groupField"), &to->groups_field)) ||
		!sd_json_names(sd_json_get(rule, "groups"), &to->groups, &to->group_count) ||
		!sd_rule_defaults(to, "username"))
		return sd_draft_nomem(e);
	return SD_OK;
}

/* ---- model ---- */

static bool timestamp(
	const struct sd_model *m, const struct cJSON *properties, const char *which, char **out)
{
	const struct cJSON *all = sd_json_get(properties, "timestamps"),
			   *given = sd_json_get(all, which);
	const char *name = which;
	long at;

	if (all && sd_json_is_null(all))
		return true;
	if (given)
		name = sd_json_str(given); /* null: not generated */
	at = name ? sd_draft_at(m, name) : -1;
	if (at < 0 || m->fields[at].kind != SD_K_SCALAR || m->fields[at].list ||
		(m->fields[at].scalar != SD_T_AWSDATETIME && m->fields[at].scalar != SD_T_STRING))
		return true;
	*out = strdup(name);
	return *out != NULL;
}

static void subscriptions(struct sd_model *m, const struct cJSON *properties)
{
	const struct cJSON *v = sd_json_get(properties, "subscriptions");
	const char *level = sd_json_get_str(v, "level");

	if (v && sd_json_is_null(v))
		m->sub_level = SD_SUB_OFF;
	else if (sd_str_eq(level, "off"))
		m->sub_level = SD_SUB_OFF;
	else if (sd_str_eq(level, "public"))
		m->sub_level = SD_SUB_PUBLIC;
}

static enum sd_err read_attribute(struct sd_json_reader *r, struct sd_model *m,
	const struct cJSON *attribute, const struct cJSON **model, struct sd_error *e)
{
	const char *type = sd_json_get_str(attribute, "type");
	const struct cJSON *properties = sd_json_get(attribute, "properties");
	enum sd_err rc = SD_OK;

	if (sd_str_eq(type, "model")) {
		*model = properties;
		return SD_OK;
	}
	if (sd_str_eq(type, "key"))
		return read_key(r, m, properties, e);
	if (sd_str_eq(type, "auth")) {
		const struct cJSON *rules = sd_json_get(properties, "rules");
		for (const struct cJSON *c = sd_json_child(rules); !rc && c; c = sd_json_next(c))
			rc = read_rule(r, m, c, e);
		return rc;
	}
	return sd_draft_note(&r->d, "%s: attribute \"%s\" of model %s ignored", r->d.file,
		       type ? type : "", m->name)
		       ? SD_OK
		       : sd_draft_nomem(e);
}

enum sd_err sd_json_attributes(
	struct sd_json_reader *r, struct sd_model *m, const struct cJSON *model, struct sd_error *e)
{
	const struct cJSON *properties = NULL, *list = sd_json_get(model, "attributes");
	enum sd_err rc = SD_OK;

	for (const struct cJSON *c = sd_json_child(list); !rc && c; c = sd_json_next(c))
		rc = read_attribute(r, m, c, &properties, e);
	if (!rc)
		rc = read_key_info(r, m, sd_json_get(model, "primaryKeyInfo"), e);
	if (rc)
		return rc;
	subscriptions(m, properties);
	if (!timestamp(m, properties, "createdAt", &m->created_at) ||
		!timestamp(m, properties, "updatedAt", &m->updated_at))
		return sd_draft_nomem(e);
	return SD_OK;
}
