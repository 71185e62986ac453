/*
 * core/model/names.c - names that go into documents and tables are what they must be.
 *
 * A JSON schema may hold any text where a name belongs; GraphQL takes letters, digits and '_'.
 * The store's tables do not tell upper from lower case, so two names may not differ in that only.
 */
#include "core/model/draft.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define MAX_NAME 200 /* bytes */

static bool is_name(const char *s)
{
	size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

	return n && n <= MAX_NAME && !s[n] && !(*s >= '0' && *s <= '9') && strncmp(s, "__", 2) != 0;
}

bool sd_draft_is_metadata(const char *field)
{
	static const char *const NAME[] = {"_version", "_deleted", "_lastChangedAt"};

	for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
		if (strcmp(NAME[i], field) == 0)
			return true;
	return false;
}

static enum sd_err check(const struct sd_draft *d, const char *what, const char *of,
	const char *name, unsigned line, struct sd_error *e)
{
	if (is_name(name))
		return SD_OK;
	return sd_draft_fail(d, line, 1, e,
		"%s \"%.60s\"%s%s is no name: letters, digits and _ only, no digit first, no __, "
		"at "
		"most %d characters",
		what, name, *of ? " of " : "", of, MAX_NAME);
}

/* Remembers name in lower case; an other one with the same letters is an error. */
static enum sd_err check_case(const struct sd_draft *d, struct sd_map *seen, const char *what,
	const char *of, const char *name, unsigned line, struct sd_error *e)
{
	char low[MAX_NAME + 1];
	void *other = NULL, *mine;
	size_t n = strlen(name);

	for (size_t i = 0; i <= n; i++)
		low[i] = (char)tolower((unsigned char)name[i]);
	memcpy(&mine, &name, sizeof mine); /* the map keeps it, nobody writes through it */
	if (!sd_map_put(seen, low, mine, &other))
		return sd_draft_nomem(e);
	if (!other)
		return SD_OK;
	return sd_draft_fail(d, line, 1, e,
		"%s%s%s and %s differ in upper and lower case only; the local tables cannot tell "
		"them "
		"apart, rename one",
		what, of, (const char *)other, name);
}

static enum sd_err check_fields(
	const struct sd_draft *d, const struct sd_model *m, struct sd_error *e)
{
	struct sd_map seen = SD_MAP_INIT;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		unsigned line = f->line ? f->line : m->line;

		rc = check(d, "field", m->name, f->name, line, e);
		if (!rc && (strcmp(f->name, "_state") == 0 || strcmp(f->name, "_st") == 0))
			rc = sd_draft_fail(d, line, 1, e,
				"field %s of %s is taken by the local store; rename it", f->name,
				m->name);
		if (!rc && f->stored)
			rc = check_case(d, &seen, m->name, ": ", f->name, line, e);
	}
	sd_map_release(&seen, NULL);
	return rc;
}

static enum sd_err check_model(
	const struct sd_draft *d, const struct sd_model *m, struct sd_error *e)
{
	enum sd_err rc = check(d, "model", "", m->name, m->line, e);

	if (!rc && m->plural)
		rc = check(d, "plural", m->name, m->plural, m->line, e);
	if (!rc)
		rc = check_fields(d, m, e);
	for (size_t i = 0; !rc && i < m->rule_count; i++)
		rc = check(d, "owner field", m->name, m->rules[i].owner_field, m->line, e);
	return rc;
}

enum sd_err sd_draft_names(const struct sd_draft *d, struct sd_error *e)
{
	const struct sd_schema *s = d->s;
	struct sd_map seen = SD_MAP_INIT;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < s->model_count; i++) {
		rc = check_model(d, s->models[i], e);
		if (!rc)
			rc = check_case(
				d, &seen, "models", " ", s->models[i]->name, s->models[i]->line, e);
	}
	sd_map_release(&seen, NULL);
	for (size_t i = 0; !rc && i < s->enum_count; i++) {
		const struct sd_enum *en = s->enums[i];

		rc = check(d, "enum", "", en->name, 0, e);
		for (size_t k = 0; !rc && k < en->value_count; k++)
			rc = check(d, "value", en->name, en->values[k], 0, e);
	}
	for (size_t i = 0; !rc && i < s->nonmodel_count; i++) {
		const struct sd_nonmodel *n = s->nonmodels[i];

		rc = check(d, "type", "", n->name, n->line, e);
		for (size_t k = 0; !rc && k < n->field_count; k++)
			rc = check(d, "field", n->name, n->fields[k].name, n->fields[k].line, e);
	}
	return rc;
}
