/*
 * core/sandbox/core/directives.c - the directives of the API: the standard ones, and the service's,
 * which stand in schemas only (spec/server.md 6.7).
 */
#include <string.h>

#include "core/sandbox/core/types.h"

#define SELECTION "FIELD FRAGMENT_SPREAD INLINE_FRAGMENT"
#define OPEN_TO   "OBJECT FIELD_DEFINITION"

const struct sbx_directive sbx_directives[] = {
	{"include", "Included only when the argument is true.", SELECTION, "if", "Boolean!", NULL},
	{"skip", "Skipped when the argument is true.", SELECTION, "if", "Boolean!", NULL},
	{"deprecated", "No longer supported.",
		"FIELD_DEFINITION ARGUMENT_DEFINITION INPUT_FIELD_DEFINITION ENUM_VALUE", "reason",
		"String", "\"No longer supported\""},
	{"specifiedBy", "Where the scalar's behaviour is described.", "SCALAR", "url", "String!",
		NULL},
	{"aws_subscribe", "The mutations that a subscription listens to.", "FIELD_DEFINITION",
		"mutations", "[String]", NULL},
	{"aws_api_key", "Open to the API key.", OPEN_TO, NULL, NULL, NULL},
	{"aws_iam", "Open to callers that sign with IAM.", OPEN_TO, NULL, NULL, NULL},
	{"aws_oidc", "Open to users of the OpenID provider.", OPEN_TO, NULL, NULL, NULL},
	{"aws_lambda", "Open to tokens of the Lambda authorizer.", OPEN_TO, NULL, NULL, NULL},
	{"aws_cognito_user_pools", "Open to users of the pool.", OPEN_TO, "cognito_groups",
		"[String]", NULL},
	{"aws_auth", "Open to these groups of the pool.", "FIELD_DEFINITION", "cognito_groups",
		"[String]", NULL},
};
const size_t sbx_directive_count = sizeof sbx_directives / sizeof sbx_directives[0];

const struct sbx_directive *sbx_directive_find(const char *name)
{
	for (size_t i = 0; i < sbx_directive_count; i++)
		if (strcmp(sbx_directives[i].name, name) == 0)
			return &sbx_directives[i];
	return NULL;
}

bool sbx_directive_at(const struct sbx_directive *d, const char *location)
{
	size_t n = strlen(location);

	for (const char *p = d->locations; (p = strstr(p, location)); p += n)
		if ((p == d->locations || p[-1] == ' ') && (p[n] == '\0' || p[n] == ' '))
			return true;
	return false;
}

struct sbx_field sbx_directive_arg(const struct sbx_schema *x, const struct sbx_directive *d)
{
	struct sbx_field f = {.name = d->arg, .default_text = d->arg_default};
	const char *t = d->arg_type;

	if (!t)
		return f;
	f.type.list = t[0] == '[';
	f.type.non_null = t[strlen(t) - 1] == '!';
	f.type.type = sbx_type_find(x, strncmp(t, "Boolean", 7) == 0 ? "Boolean" : "String");
	return f;
}
