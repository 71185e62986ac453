/* core/model/auth_words.c - see auth_words.h. */
#include "core/model/auth_words.h"

#include <string.h>

#include "core/base/text.h"
#include "core/model/grow.h"

static const char *const ALLOW[] = {
	[SD_ALLOW_OWNER] = "owner",
	[SD_ALLOW_GROUPS] = "groups",
	[SD_ALLOW_PRIVATE] = "private",
	[SD_ALLOW_PUBLIC] = "public",
	[SD_ALLOW_CUSTOM] = "custom",
};

/* The first of a provider is how it is written. */
static const struct {
	const char *word;
	enum sd_provider p;
} PROVIDER[] = {
	{"apiKey", SD_BY_APIKEY},
	{"userPools", SD_BY_USERPOOLS},
	{"oidc", SD_BY_OIDC},
	{"iam", SD_BY_IAM},
	{"identityPool", SD_BY_IAM},
	{"function", SD_BY_FUNCTION},
};

/* In the order they are written; "read" stands for five. */
static const struct {
	const char *word;
	unsigned bits;
} OPERATION[] = {
	{"create", SD_OP_CREATE_BIT},
	{"update", SD_OP_UPDATE_BIT},
	{"delete", SD_OP_DELETE_BIT},
	{"read", SD_OP_READ_BITS},
	{"get", SD_OP_GET_BIT},
	{"list", SD_OP_LIST_BIT},
	{"sync", SD_OP_SYNC_BIT},
	{"listen", SD_OP_LISTEN_BIT},
	{"search", SD_OP_SEARCH_BIT},
};

#define COUNT(a) (sizeof(a) / sizeof *(a))

int sd_allow_parse(const char *s)
{
	for (size_t i = 0; i < COUNT(ALLOW); i++)
		if (strcmp(ALLOW[i], s) == 0)
			return (int)i;
	return -1;
}

int sd_provider_parse(const char *s)
{
	for (size_t i = 0; i < COUNT(PROVIDER); i++)
		if (strcmp(PROVIDER[i].word, s) == 0)
			return (int)PROVIDER[i].p;
	return -1;
}

unsigned sd_operation_parse(const char *s)
{
	for (size_t i = 0; i < COUNT(OPERATION); i++)
		if (strcmp(OPERATION[i].word, s) == 0)
			return OPERATION[i].bits;
	return 0;
}

const char *sd_allow_name(enum sd_allow a)
{
	return (size_t)a < COUNT(ALLOW) ? ALLOW[a] : "custom";
}

const char *sd_provider_name(enum sd_provider p)
{
	for (size_t i = 0; i < COUNT(PROVIDER); i++)
		if (PROVIDER[i].p == p)
			return PROVIDER[i].word;
	return "userPools";
}

const char *sd_operation_word(unsigned mask, size_t i)
{
	for (size_t k = 0; k < COUNT(OPERATION); k++) {
		if ((mask & OPERATION[k].bits) != OPERATION[k].bits)
			continue;
		mask &= ~OPERATION[k].bits;
		if (!i--)
			return OPERATION[k].word;
	}
	return NULL;
}

static bool fill(char **at, const char *s)
{
	if (!*at)
		*at = sd_strdup_n(s, strlen(s));
	return *at != NULL;
}

bool sd_rule_defaults(struct sd_auth_rule *r, const char *claim)
{
	if (r->provider == SD_BY_DEFAULT)
		r->provider = r->allow == SD_ALLOW_PUBLIC   ? SD_BY_APIKEY
			      : r->allow == SD_ALLOW_CUSTOM ? SD_BY_FUNCTION
							    : SD_BY_USERPOOLS;
	if (!r->operations)
		r->operations = SD_OP_ALL_BITS;
	if (r->allow == SD_ALLOW_GROUPS && !r->group_count && !fill(&r->groups_field, "groups"))
		return false;
	return fill(&r->owner_field, "owner") && fill(&r->identity_claim, claim) &&
	       fill(&r->group_claim, "cognito:groups");
}

bool sd_rule_equal(const struct sd_auth_rule *a, const struct sd_auth_rule *b)
{
	if (a->allow != b->allow || a->provider != b->provider || a->operations != b->operations ||
		a->group_count != b->group_count || !sd_str_eq(a->owner_field, b->owner_field) ||
		!sd_str_eq(a->identity_claim, b->identity_claim) ||
		!sd_str_eq(a->group_claim, b->group_claim) ||
		!sd_str_eq(a->groups_field, b->groups_field))
		return false;
	for (size_t i = 0; i < a->group_count; i++)
		if (strcmp(a->groups[i], b->groups[i]) != 0)
			return false;
	return true;
}

bool sd_rule_copy(struct sd_model *m, const struct sd_auth_rule *r)
{
	struct sd_auth_rule *c = SD_GROW(m->rules, m->rule_count);

	if (!c)
		return false;
	c->allow = r->allow;
	c->provider = r->provider;
	c->operations = r->operations;
	c->owner_field_given = r->owner_field_given;
	for (size_t i = 0; i < r->group_count; i++)
		if (!sd_names_add(&c->groups, &c->group_count, r->groups[i]))
			return false;
	return fill(&c->owner_field, r->owner_field) &&
	       fill(&c->identity_claim, r->identity_claim) &&
	       fill(&c->group_claim, r->group_claim) &&
	       (!r->groups_field || fill(&c->groups_field, r->groups_field));
}
