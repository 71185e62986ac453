/* core/model/schema.c - looking into a schema, and letting it go.  See schema.h. */
#include "core/model/schema.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/buf.h"
#include "core/model/grow.h"
#include "core/model/sdl.h"

static const char *const SCALAR[SD_T_COUNT] = {
	[SD_T_ID] = "ID",
	[SD_T_STRING] = "String",
	[SD_T_INT] = "Int",
	[SD_T_FLOAT] = "Float",
	[SD_T_BOOLEAN] = "Boolean",
	[SD_T_AWSDATE] = "AWSDate",
	[SD_T_AWSTIME] = "AWSTime",
	[SD_T_AWSDATETIME] = "AWSDateTime",
	[SD_T_AWSTIMESTAMP] = "AWSTimestamp",
	[SD_T_AWSEMAIL] = "AWSEmail",
	[SD_T_AWSJSON] = "AWSJSON",
	[SD_T_AWSURL] = "AWSURL",
	[SD_T_AWSPHONE] = "AWSPhone",
	[SD_T_AWSIPADDRESS] = "AWSIPAddress",
};

const char *sd_scalar_name(enum sd_scalar t)
{
	return (size_t)t < SD_T_COUNT ? SCALAR[t] : "unknown";
}

int sd_scalar_parse(const char *name)
{
	for (int i = 0; i < SD_T_COUNT; i++)
		if (strcasecmp(SCALAR[i], name) == 0)
			return i;
	return -1;
}

const struct sd_model *sd_schema_model(const struct sd_schema *s, const char *name)
{
	return sd_map_get(&s->by_name, name);
}

const struct sd_field *sd_model_field(const struct sd_model *m, const char *name)
{
	return sd_map_get(&m->by_name, name);
}

void sd_model_name_fields(const struct sd_model *m, struct sd_buf *out)
{
	size_t n = m->field_count > 12 ? 12 : m->field_count;

	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(out, "%s%s", i ? ", " : "", m->fields[i].name);
	if (n < m->field_count)
		sd_buf_str(out, ", ...");
}

enum sd_err sd_model_no_field(const struct sd_model *m, const char *name, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc;

	sd_model_name_fields(m, &b);
	rc = sd_fail(e, SD_INVAL, 0, "%s has no field \"%s\"; it has %s", m->name, name,
		sd_buf_text(&b));
	sd_buf_release(&b);
	return rc;
}

bool sd_model_is_key(const struct sd_model *m, const struct sd_field *f)
{
	for (size_t i = 0; i < m->pk_count; i++)
		if (&m->fields[m->pk[i]] == f)
			return true;
	return false;
}

bool sd_field_type_text(const struct sd_field *f, struct sd_buf *out)
{
	if (!f->list)
		return sd_buf_fmt(out, "%s%s", f->type_name, f->required ? "!" : "");
	return sd_buf_fmt(
		out, "[%s%s]%s", f->type_name, f->required ? "!" : "", f->list_nullable ? "" : "!");
}

const struct sd_field *sd_model_relation_of(const struct sd_model *m, const struct sd_field *f)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *r = &m->fields[i];
		if (r->kind != SD_K_MODEL || !r->target_count ||
			(r->assoc != SD_A_BELONGS_TO && r->assoc != SD_A_HAS_ONE))
			continue;
		if (sd_names_has(r->local, r->join_count, f->name))
			return r;
	}
	return NULL;
}

static void free_fields(struct sd_field *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(f[i].name);
		free(f[i].type_name);
		free(f[i].default_value);
		sd_names_free(f[i].local, f[i].join_count);
		sd_names_free(f[i].remote, f[i].join_count);
		sd_names_free(f[i].assoc_with, f[i].assoc_with_count);
		sd_names_free(f[i].targets, f[i].target_count);
	}
	free(f);
}

static void free_rules(struct sd_auth_rule *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(r[i].owner_field);
		free(r[i].identity_claim);
		free(r[i].group_claim);
		free(r[i].groups_field);
		sd_names_free(r[i].groups, r[i].group_count);
	}
	free(r);
}

static void free_model(struct sd_model *m)
{
	free(m->name);
	free(m->plural);
	free_fields(m->fields, m->field_count);
	sd_map_release(&m->by_name, NULL);
	free(m->pk);
	for (size_t i = 0; i < m->index_count; i++) {
		free(m->indexes[i].name);
		free(m->indexes[i].query_field);
		free(m->indexes[i].fields);
	}
	free(m->indexes);
	for (size_t i = 0; i < m->group_count; i++)
		free(m->groups[i].fields);
	free(m->groups);
	free_rules(m->rules, m->rule_count);
	free(m->created_at);
	free(m->updated_at);
	free(m);
}

void sd_schema_free(struct sd_schema *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->model_count; i++)
		free_model(s->models[i]);
	for (size_t i = 0; i < s->enum_count; i++) {
		free(s->enums[i]->name);
		sd_names_free(s->enums[i]->values, s->enums[i]->value_count);
		free(s->enums[i]);
	}
	for (size_t i = 0; i < s->nonmodel_count; i++) {
		free(s->nonmodels[i]->name);
		free_fields(s->nonmodels[i]->fields, s->nonmodels[i]->field_count);
		free(s->nonmodels[i]);
	}
	free(s->models);
	free(s->enums);
	free(s->nonmodels);
	sd_map_release(&s->by_name, NULL);
	sd_map_release(&s->types, NULL);
	free(s->parents_first);
	sd_names_free(s->notes, s->note_count);
	sd_sdl_free(s->sdl);
	free(s);
}
