/*
 * core/model/sdl_keys.c - what the directives of a model type say: its keys, id, timestamps and
 * authorisation rules.  Sources: spec/server.md 1.1, 1.7, 1.9; spec/client.md 1.5, 1.6.
 */
#include "core/model/sdl_read.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/model/auth_words.h"
#include "core/model/plural.h"

/* ---- keys ---- */

/* postsByTitleAndDate: what the service calls an index that has no name */
static char *auto_name(const struct sd_model *m, char *const *fields, size_t n)
{
	struct sd_buf b = SD_BUF_INIT;
	char *plural = sd_plural(m->name), *text;

	if (!plural)
		return NULL;
	if (*plural)
		*plural = (char)tolower((unsigned char)*plural);
	sd_buf_fmt(&b, "%sBy", plural);
	for (size_t i = 0; i < n; i++)
		sd_buf_fmt(&b, "%s%c%s", i ? "And" : "", toupper((unsigned char)fields[i][0]),
			fields[i] + 1);
	free(plural);
	text = sd_buf_take(&b);
	sd_buf_release(&b);
	return text;
}

/* @index and @primaryKey on a field */
static enum sd_err field_key(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_field *f, const struct sd_sdl_directive *dir, struct sd_error *e)
{
	struct sd_draft_key *k = sd_draft_key(&r->d, m);
	const char *name = sd_sdl_text(dir, "name"), *query = sd_sdl_text(dir, "queryField");
	enum sd_err rc;

	if (!k || !sd_names_add(&k->fields, &k->count, f->name))
		return sd_draft_nomem(e);
	k->line = dir->line;
	rc = sd_sdl_names(r, dir, "sortKeyFields", &k->fields, &k->count, e);
	if (rc || strcmp(dir->name, "primaryKey") == 0)
		return rc;
	k->name = name ? strdup(name) : auto_name(m, k->fields, k->count);
	if (query)
		k->query_field = strdup(query);
	else if (!sd_sdl_arg(dir, "queryField")) /* left out, not null: named by itself */
		k->query_field = auto_name(m, k->fields, k->count);
	if (!k->name || (!k->query_field && !sd_sdl_arg(dir, "queryField")))
		return sd_draft_nomem(e);
	return SD_OK;
}

/* The older @key(name, fields, queryField) on the type */
static enum sd_err type_key(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_directive *dir, struct sd_error *e)
{
	struct sd_draft_key *k = sd_draft_key(&r->d, m);
	const char *name = sd_sdl_text(dir, "name"), *query = sd_sdl_text(dir, "queryField");
	enum sd_err rc;

	if (!k)
		return sd_draft_nomem(e);
	k->line = dir->line;
	rc = sd_sdl_names(r, dir, "fields", &k->fields, &k->count, e);
	if (rc)
		return rc;
	if (!k->count)
		return sd_draft_fail(&r->d, dir->line, dir->column, e,
			"@key of %s names no fields; write @key(fields: [\"...\"])", m->name);
	if ((name && !(k->name = strdup(name))) || (query && !(k->query_field = strdup(query))))
		return sd_draft_nomem(e);
	return SD_OK;
}

static enum sd_err read_keys(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_def *def, struct sd_error *e)
{
	const struct sd_sdl_directive *first = NULL;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < def->directive_count; i++) {
		const struct sd_sdl_directive *dir = &def->directives[i];
		if (strcmp(dir->name, "key") != 0)
			continue;
		if (!sd_sdl_text(dir, "name")) {
			if (first)
				goto twice;
			first = dir;
		}
		rc = type_key(r, m, dir, e);
	}
	for (size_t i = 0; !rc && i < def->field_count; i++)
		for (size_t k = 0; !rc && k < def->fields[i].directive_count; k++) {
			const struct sd_sdl_directive *dir = &def->fields[i].directives[k];
			bool primary = strcmp(dir->name, "primaryKey") == 0;

			if (!primary && strcmp(dir->name, "index") != 0)
				continue;
			if (primary && first)
				goto twice;
			if (primary)
				first = dir;
			rc = field_key(r, m, &def->fields[i], dir, e);
		}
	return rc;
twice:
	return sd_draft_fail(&r->d, first->line, first->column, e,
		"model %s has two primary keys; keep one", m->name);
}

/* ---- id and timestamps ---- */

/* Models without a key of their own have an id; key fields are never null. */
static enum sd_err add_id(struct sd_sdl_reader *r, struct sd_model *m, struct sd_error *e)
{
	size_t n;
	char *const *pk = sd_draft_pk(&r->d, m, &n);
	struct sd_field *f, id;

	if (n == 1 && strcmp(pk[0], "id") == 0 && sd_draft_at(m, "id") < 0) {
		f = sd_draft_field(m, "id", "ID");
		if (!f)
			return sd_draft_nomem(e);
		f->kind = SD_K_SCALAR;
		f->scalar = SD_T_ID;
		f->stored = true;
		f->line = m->line;
		/* to the front */
		id = *f;
		memmove(m->fields + 1, m->fields, (m->field_count - 1) * sizeof *m->fields);
		m->fields[0] = id;
		for (size_t i = 0; i < m->field_count; i++)
			if (!sd_map_put(&m->by_name, m->fields[i].name, (void *)(i + 1), NULL))
				return sd_draft_nomem(e);
	}
	for (size_t i = 0; i < n; i++)
		if (sd_draft_at(m, pk[i]) >= 0)
			m->fields[sd_draft_at(m, pk[i])].required = true;
	return SD_OK;
}

/* The name of one timestamp: the usual one, the one given, or none. */
static bool timestamp_name(const struct sd_sdl_value *all, const char *which, char **out)
{
	const char *name = which;

	if (all && all->kind == SD_SDL_NULL)
		return true;
	for (size_t i = 0; all && all->kind == SD_SDL_OBJECT && i < all->count; i++)
		if (strcmp(all->names[i], which) == 0)
			name = all->items[i].kind == SD_SDL_STRING ? all->items[i].text : NULL;
	if (!name)
		return true;
	*out = strdup(name);
	return *out != NULL;
}

/* A field of that name that the model lists itself: of another type it is not filled in. */
static void drop_if_odd(const struct sd_model *m, char **name)
{
	long at = *name ? sd_draft_at(m, *name) : -1;
	const struct sd_field *f = at >= 0 ? &m->fields[at] : NULL;

	if (!f || (f->kind == SD_K_SCALAR && !f->list &&
			  (f->scalar == SD_T_STRING || f->scalar == SD_T_AWSDATETIME)))
		return;
	free(*name);
	*name = NULL;
}

bool sd_sdl_add_timestamps(struct sd_model *m)
{
	const char *const name[] = {m->created_at, m->updated_at};

	for (int i = 0; i < 2; i++) {
		struct sd_field *f;

		if (!name[i] || sd_draft_at(m, name[i]) >= 0)
			continue;
		f = sd_draft_field(m, name[i], "AWSDateTime");
		if (!f)
			return false;
		f->kind = SD_K_SCALAR;
		f->scalar = SD_T_AWSDATETIME;
		f->stored = f->read_only = true;
	}
	return true;
}

/* ---- rules ---- */

static const struct sd_sdl_value *member(const struct sd_sdl_value *obj, const char *name)
{
	for (size_t i = 0; i < obj->count; i++)
		if (strcmp(obj->names[i], name) == 0)
			return &obj->items[i];
	return NULL;
}

static bool take_text(const struct sd_sdl_value *rule, const char *name, char **out)
{
	const struct sd_sdl_value *v = member(rule, name);

	if (!v || (v->kind != SD_SDL_STRING && v->kind != SD_SDL_ENUM))
		return true;
	*out = strdup(v->text);
	return *out != NULL;
}

static enum sd_err take_operations(const struct sd_sdl_reader *r, const struct sd_sdl_value *v,
	struct sd_auth_rule *to, struct sd_error *e)
{
	for (size_t i = 0; v && v->kind == SD_SDL_LIST && i < v->count; i++) {
		const struct sd_sdl_value *op = &v->items[i];
		unsigned bits = op->text ? sd_operation_parse(op->text) : 0;
		if (!bits)
			return sd_draft_fail(&r->d, op->line, op->column, e,
				"@auth: \"%s\" is no operation; use create, update, delete, read, "
				"get, list, sync, listen or search",
				op->text ? op->text : "?");
		to->operations |= bits;
	}
	return SD_OK;
}

static enum sd_err read_rule(const struct sd_sdl_reader *r, const struct sd_sdl_value *rule,
	struct sd_auth_rule *to, struct sd_error *e)
{
	const struct sd_sdl_value *allow = rule->kind == SD_SDL_OBJECT ? member(rule, "allow")
								       : NULL,
				  *provider, *groups, *ops;
	int word = allow && allow->text ? sd_allow_parse(allow->text) : -1;

	if (word < 0)
		return sd_draft_fail(&r->d, rule->line, rule->column, e,
			"@auth: a rule needs allow: owner, groups, private, public or custom");
	to->allow = (enum sd_allow)word;
	provider = member(rule, "provider");
	if (provider && provider->kind != SD_SDL_NULL) {
		word = provider->text ? sd_provider_parse(provider->text) : -1;
		if (word < 0)
			return sd_draft_fail(&r->d, provider->line, provider->column, e,
				"@auth: provider is apiKey, userPools, oidc, iam or function");
		to->provider = (enum sd_provider)word;
	}
	groups = member(rule, "groups");
	for (size_t i = 0; groups && groups->kind == SD_SDL_LIST && i < groups->count; i++)
		if (groups->items[i].text &&
			!sd_names_add(&to->groups, &to->group_count, groups->items[i].text))
			return sd_draft_nomem(e);
	to->owner_field_given = member(rule, "ownerField") != NULL;
	if (!take_text(rule, "ownerField", &to->owner_field) ||
		!take_text(rule, "identityClaim", &to->identity_claim) ||
		(!to->identity_claim && !take_text(rule, "identityField", &to->identity_claim)) ||
		!take_text(rule, "groupClaim", &to->group_claim) ||
		!take_text(rule, "groupsField", &to->groups_field) ||
		!sd_rule_defaults(to, "sub::username"))
		return sd_draft_nomem(e);
	ops = member(rule, "operations");
	if (!ops || ops->kind == SD_SDL_NULL)
		ops = member(rule, "mutations"); /* the older word */
	to->operations = 0;
	return take_operations(r, ops, to, e);
}

static enum sd_err read_rules(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_def *def, struct sd_error *e)
{
	const struct sd_sdl_directive *dir =
		sd_sdl_directive(def->directives, def->directive_count, "auth");
	const struct sd_sdl_value *rules = sd_sdl_arg(dir, "rules");
	bool one = rules && rules->kind == SD_SDL_OBJECT; /* a list of one may lack its brackets */
	size_t n = one ? 1 : rules && rules->kind == SD_SDL_LIST ? rules->count : 0;

	for (size_t i = 0; i < n; i++) {
		struct sd_auth_rule *to = SD_GROW(m->rules, m->rule_count);
		enum sd_err rc;

		if (!to)
			return sd_draft_nomem(e);
		rc = read_rule(r, one ? rules : &rules->items[i], to, e);
		if (rc)
			return rc;
		if (!to->operations)
			to->operations = SD_OP_ALL_BITS;
	}
	return SD_OK;
}

/* ---- one model ---- */

static void read_subscriptions(struct sd_model *m, const struct sd_sdl_directive *dir)
{
	const struct sd_sdl_value *v = sd_sdl_arg(dir, "subscriptions"), *level;

	if (!v)
		return;
	if (v->kind == SD_SDL_NULL) {
		m->sub_level = SD_SUB_OFF;
		return;
	}
	level = v->kind == SD_SDL_OBJECT ? member(v, "level") : NULL;
	if (level && sd_str_eq(level->text, "off"))
		m->sub_level = SD_SUB_OFF;
	else if (level && sd_str_eq(level->text, "public"))
		m->sub_level = SD_SUB_PUBLIC;
}

enum sd_err sd_sdl_read_model(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_def *def, struct sd_error *e)
{
	const struct sd_sdl_directive *dir =
		sd_sdl_directive(def->directives, def->directive_count, "model");
	const struct sd_sdl_value *timestamps = sd_sdl_arg(dir, "timestamps");
	const char *plural = sd_sdl_text(dir, "plural");
	enum sd_err rc = read_keys(r, m, def, e);

	if (!rc)
		rc = add_id(r, m, e);
	if (rc)
		return rc;
	if ((plural && !(m->plural = strdup(plural))) ||
		!timestamp_name(timestamps, "createdAt", &m->created_at) ||
		!timestamp_name(timestamps, "updatedAt", &m->updated_at))
		return sd_draft_nomem(e);
	drop_if_odd(m, &m->created_at);
	drop_if_odd(m, &m->updated_at);
	if (!sd_sdl_add_timestamps(m))
		return sd_draft_nomem(e);
	read_subscriptions(m, dir);
	return read_rules(r, m, def, e);
}
