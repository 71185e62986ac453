/* core/sandbox/core/auth_rules.c - a field's own @auth directive as rules (spec/server.md 1.9). */
#include "core/sandbox/core/types.h"

#include <string.h>

static const struct sd_sdl_value *member(const struct sd_sdl_value *o, const char *name)
{
	for (size_t i = 0; o->kind == SD_SDL_OBJECT && i < o->count; i++)
		if (strcmp(o->names[i], name) == 0)
			return &o->items[i];
	return NULL;
}

static const char *text(const struct sd_sdl_value *o, const char *name, const char *otherwise)
{
	const struct sd_sdl_value *v = member(o, name);

	return v && v->text ? v->text : otherwise;
}

static unsigned operations(const struct sd_sdl_value *v)
{
	static const struct {
		const char *word;
		unsigned bits;
	} ops[] = {{"create", SD_OP_CREATE_BIT}, {"update", SD_OP_UPDATE_BIT},
		{"delete", SD_OP_DELETE_BIT}, {"read", SD_OP_READ_BITS}, {"get", SD_OP_GET_BIT},
		{"list", SD_OP_LIST_BIT}, {"sync", SD_OP_SYNC_BIT}, {"listen", SD_OP_LISTEN_BIT},
		{"search", SD_OP_SEARCH_BIT}};
	unsigned bits = 0;

	if (!v || v->kind != SD_SDL_LIST)
		return SD_OP_ALL_BITS;
	for (size_t i = 0; i < v->count; i++)
		for (size_t k = 0; v->items[i].text && k < sizeof ops / sizeof ops[0]; k++)
			if (strcmp(v->items[i].text, ops[k].word) == 0)
				bits |= ops[k].bits;
	return bits;
}

static enum sd_provider provider_of(const char *word, enum sd_allow allow)
{
	static const struct {
		const char *word;
		enum sd_provider p;
	} all[] = {{"apiKey", SD_BY_APIKEY}, {"userPools", SD_BY_USERPOOLS}, {"oidc", SD_BY_OIDC},
		{"iam", SD_BY_IAM}, {"identityPool", SD_BY_IAM}, {"function", SD_BY_FUNCTION}};

	for (size_t i = 0; word && i < sizeof all / sizeof all[0]; i++)
		if (strcmp(word, all[i].word) == 0)
			return all[i].p;
	return allow == SD_ALLOW_PUBLIC   ? SD_BY_APIKEY
	       : allow == SD_ALLOW_CUSTOM ? SD_BY_FUNCTION
					  : SD_BY_USERPOOLS;
}

static enum sd_allow allow_of(const char *word)
{
	static const char *const words[] = {"owner", "groups", "private", "public", "custom"};

	for (int i = 0; i < 5; i++)
		if (word && strcmp(word, words[i]) == 0)
			return (enum sd_allow)i;
	return SD_ALLOW_PRIVATE;
}

static void read_rule(struct sbx_schema *x, const struct sd_sdl_value *v, struct sd_auth_rule *r)
{
	const struct sd_sdl_value *groups = member(v, "groups");

	r->allow = allow_of(text(v, "allow", NULL));
	r->provider = provider_of(text(v, "provider", NULL), r->allow);
	r->operations = operations(member(v, "operations"));
	r->owner_field = sbx_copy(&x->arena, text(v, "ownerField", "owner"));
	r->identity_claim = sbx_copy(&x->arena, text(v, "identityClaim", "sub::username"));
	r->group_claim = sbx_copy(&x->arena, text(v, "groupClaim", "cognito:groups"));
	if (r->allow == SD_ALLOW_GROUPS && !groups)
		r->groups_field = sbx_copy(&x->arena, text(v, "groupsField", "groups"));
	if (!groups || groups->kind != SD_SDL_LIST)
		return;
	r->groups = sbx_alloc(&x->arena, (groups->count + 1) * sizeof *r->groups);
	for (size_t i = 0; r->groups && i < groups->count; i++)
		if (groups->items[i].text)
			r->groups[r->group_count++] = groups->items[i].text;
}

void sbx_field_rules(struct sbx_schema *x, const struct sbx_model *sm, struct sbx_field *f)
{
	const struct sd_sdl_directive *d = NULL;
	const struct sd_sdl_value *list;
	struct sd_auth_rule *rules;

	for (size_t i = 0; sm->def && i < sm->def->field_count && !d; i++)
		if (strcmp(sm->def->fields[i].name, f->name) == 0)
			d = sd_sdl_directive(sm->def->fields[i].directives,
				sm->def->fields[i].directive_count, "auth");
	list = d ? sd_sdl_arg(d, "rules") : NULL;
	if (!list || list->kind != SD_SDL_LIST)
		return;
	rules = sbx_alloc(&x->arena, (list->count + 1) * sizeof *rules);
	if (!rules)
		return;
	for (size_t i = 0; i < list->count; i++)
		read_rule(x, &list->items[i], &rules[i]);
	f->rules = rules;
	f->rule_count = list->count;
}
