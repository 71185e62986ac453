/*
 * core/sandbox/core/auth.c - who may do what: @auth rules against an identity (spec/server.md 1.9).
 * A model without rules is open to the API key and to everybody who is signed in (contract.md 10).
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static bool provider_fits(enum sd_provider p, enum sd_auth_mode mode)
{
	switch (mode) {
	case SD_AUTH_API_KEY:
		return p == SD_BY_APIKEY;
	case SD_AUTH_USER_POOL:
		return p == SD_BY_USERPOOLS;
	case SD_AUTH_OIDC:
		return p == SD_BY_OIDC;
	case SD_AUTH_IAM:
		return p == SD_BY_IAM;
	case SD_AUTH_LAMBDA:
		return p == SD_BY_FUNCTION;
	default:
		return false;
	}
}

/* One claim of the token; the two spellings of the user name stand for each other. */
static const char *claim(const struct sd_sbx_identity *who, const char *name, size_t n)
{
	char key[128];
	const char *v;

	if (!who || n >= sizeof key)
		return NULL;
	memcpy(key, name, n);
	key[n] = '\0';
	v = sd_json_get_str(who->claims, key);
	if (!v && strcmp(key, "username") == 0)
		v = sd_json_get_str(who->claims, "cognito:username");
	if (!v && strcmp(key, "cognito:username") == 0)
		v = sd_json_get_str(who->claims, "username");
	return v;
}

/* "<sub>::<username>" for the claim "sub::username"; false when a part is missing. */
static bool owner_value(
	const struct sd_auth_rule *r, const struct sd_sbx_identity *who, struct sd_buf *out)
{
	const char *p = r->identity_claim ? r->identity_claim : "username";

	for (;;) {
		const char *end = strstr(p, "::");
		const char *v = claim(who, p, end ? (size_t)(end - p) : strlen(p));
		if (!v)
			return false;
		sd_buf_str(out, v);
		if (!end)
			return sd_buf_ok(out);
		sd_buf_str(out, "::");
		p = end + 2;
	}
}

/* Equal to the whole value or to one of its parts. */
static bool is_part(const char *whole, const char *text)
{
	size_t n = strlen(text);

	if (strcmp(whole, text) == 0)
		return true;
	for (const char *p = whole; p && *p && n;) {
		const char *end = strstr(p, "::");
		size_t len = end ? (size_t)(end - p) : strlen(p);
		if (len == n && memcmp(p, text, n) == 0)
			return true;
		p = end ? end + 2 : NULL;
	}
	return false;
}

const char *sbx_owner_tail(const char *owner)
{
	for (const char *p; owner && (p = strstr(owner, "::"));)
		owner = p + 2;
	return owner;
}

static bool owner_matches(
	const struct sd_auth_rule *r, const struct sd_sbx_identity *who, const struct cJSON *value)
{
	struct sd_buf mine = SD_BUF_INIT;
	bool ok = false;

	if (owner_value(r, who, &mine)) {
		if (sd_json_str(value))
			ok = is_part(sd_buf_text(&mine), sd_json_str(value));
		for (const struct cJSON *c = sd_json_is_array(value) ? sd_json_child(value) : NULL;
			c && !ok; c = sd_json_next(c))
			ok = sd_json_str(c) && is_part(sd_buf_text(&mine), sd_json_str(c));
	}
	sd_buf_release(&mine);
	return ok;
}

/* The token's groups: an array, or a single name. */
static const struct cJSON *groups_of(
	const struct sd_auth_rule *r, const struct sd_sbx_identity *who)
{
	return who ? sd_json_get(who->claims, r->group_claim ? r->group_claim : "cognito:groups")
		   : NULL;
}

static bool member(const struct cJSON *groups, const char *name)
{
	if (!name)
		return false;
	if (sd_json_str(groups))
		return strcmp(sd_json_str(groups), name) == 0;
	for (const struct cJSON *c = sd_json_is_array(groups) ? sd_json_child(groups) : NULL; c;
		c = sd_json_next(c))
		if (sd_str_eq(sd_json_str(c), name))
			return true;
	return false;
}

static bool groups_match(
	const struct sd_auth_rule *r, const struct sd_sbx_identity *who, const struct cJSON *value)
{
	const struct cJSON *mine = groups_of(r, who);

	if (sd_json_str(value))
		return member(mine, sd_json_str(value));
	for (const struct cJSON *c = sd_json_is_array(value) ? sd_json_child(value) : NULL; c;
		c = sd_json_next(c))
		if (member(mine, sd_json_str(c)))
			return true;
	return false;
}

static bool is_dynamic(const struct sd_auth_rule *r)
{
	return r->allow == SD_ALLOW_GROUPS && r->groups_field && *r->groups_field &&
	       r->group_count == 0; /* code generation writes a field beside static groups */
}

/* A rule that needs no record: public, private, custom, a static group the caller is in. */
static bool static_allows(const struct sd_auth_rule *r, const struct sd_sbx_identity *who)
{
	if (r->allow == SD_ALLOW_PUBLIC || r->allow == SD_ALLOW_PRIVATE ||
		r->allow == SD_ALLOW_CUSTOM)
		return true;
	if (r->allow != SD_ALLOW_GROUPS || is_dynamic(r))
		return false;
	for (size_t i = 0; i < r->group_count; i++)
		if (member(groups_of(r, who), r->groups[i]))
			return true;
	return false;
}

/* IAM: the role of signed-in users is what private rules mean, that of guests what public ones do. */
static bool role_fits(enum sd_allow allow, const struct sd_sbx_identity *who)
{
	if (who->mode != SD_AUTH_IAM || who->role == SD_ROLE_ANY)
		return true;
	return who->role == SD_ROLE_AUTH     ? allow != SD_ALLOW_PUBLIC
	       : who->role == SD_ROLE_UNAUTH ? allow == SD_ALLOW_PUBLIC
					     : false;
}

static bool applies(const struct sd_auth_rule *r, const struct sd_sbx_identity *who, unsigned op)
{
	return (r->operations & op) && provider_fits(r->provider, who->mode) &&
	       role_fits(r->allow, who);
}

void sbx_auth_for(const struct sbx_model *m, const struct sd_sbx_identity *who, unsigned op,
	struct sbx_auth *a)
{
	memset(a, 0, sizeof *a);
	a->m = m;
	a->who = who;
	a->op = op;
	if (!who || (m->m->rule_count == 0 && who->mode != SD_AUTH_NONE)) {
		a->all = a->usable = true;
		return;
	}
	for (size_t i = 0; i < m->m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->m->rules[i];
		if (!applies(r, who, op))
			continue;
		if (static_allows(r, who))
			a->all = a->usable = true;
		else if (r->allow == SD_ALLOW_OWNER && who->claims)
			a->usable = true;
		else if (is_dynamic(r))
			a->usable = true;
	}
}

bool sbx_auth_row(const struct sbx_auth *a, const struct cJSON *item)
{
	if (!a || a->all)
		return true;
	for (size_t i = 0; item && i < a->m->m->rule_count; i++) {
		const struct sd_auth_rule *r = &a->m->m->rules[i];
		if (!applies(r, a->who, a->op))
			continue;
		if (r->allow == SD_ALLOW_OWNER &&
			owner_matches(r, a->who, sd_json_get(item, r->owner_field)))
			return true;
		if (is_dynamic(r) && groups_match(r, a->who, sd_json_get(item, r->groups_field)))
			return true;
	}
	return false;
}

/* Puts the caller into the owner field: a list of one when the field is a list. */
static bool fill_owner(const struct sbx_auth *a, const struct sd_auth_rule *r, struct cJSON *item)
{
	const struct sd_field *f = sd_model_field(a->m->m, r->owner_field);
	struct sd_buf mine = SD_BUF_INIT;
	struct cJSON *v, *list;
	bool ok = false;

	if (owner_value(r, a->who, &mine)) {
		v = sd_json_string(sd_buf_text(&mine));
		if (f && f->list) {
			list = sd_json_array();
			v = sd_json_push(list, v) ? list : NULL;
		}
		ok = sd_json_set(item, r->owner_field, v);
	}
	sd_buf_release(&mine);
	return ok;
}

bool sbx_auth_create(const struct sbx_auth *a, struct cJSON *item, const struct cJSON *input)
{
	bool allowed = !a || a->all;

	if (!a || !a->who)
		return true;
	for (size_t i = 0; i < a->m->m->rule_count; i++) {
		const struct sd_auth_rule *r = &a->m->m->rules[i];
		const struct cJSON *given;
		if (!applies(r, a->who, a->op))
			continue;
		if (r->allow == SD_ALLOW_OWNER) {
			given = sd_json_get(input, r->owner_field);
			if (!given)
				allowed = fill_owner(a, r, item) || allowed;
			else
				allowed = owner_matches(r, a->who, given) || allowed;
		} else if (is_dynamic(r)) {
			given = sd_json_get(input, r->groups_field);
			allowed = groups_match(r, a->who, given) || allowed;
		}
	}
	return allowed;
}

bool sbx_auth_field(const struct sbx_field *f, const struct sd_sbx_identity *who, unsigned op,
	const struct cJSON *item)
{
	if (!f->rules || !who)
		return true;
	for (size_t i = 0; i < f->rule_count; i++) {
		const struct sd_auth_rule *r = &f->rules[i];
		if (!applies(r, who, op))
			continue;
		if (static_allows(r, who) ||
			(r->allow == SD_ALLOW_OWNER &&
				owner_matches(r, who, sd_json_get(item, r->owner_field))) ||
			(is_dynamic(r) && groups_match(r, who, sd_json_get(item, r->groups_field))))
			return true;
	}
	return false;
}

bool sbx_auth_input(const struct sbx_write *w, const struct sd_sbx_identity *who,
	const struct cJSON *item, struct sd_buf *denied)
{
	unsigned op = w->op == SBX_OP_CREATE ? SD_OP_CREATE_BIT : SD_OP_UPDATE_BIT;

	for (const struct cJSON *c = sd_json_child(w->input); c; c = sd_json_next(c)) {
		const struct sbx_field *f = sbx_field_find(w->m->out, sd_json_name(c));
		if (!f || !f->rules || (f->src && sd_model_is_key(w->m->m, f->src)))
			continue;
		if (!sbx_auth_field(f, who, op, item))
			sd_buf_fmt(denied, "%s%s", denied->len ? ", " : "", f->name);
	}
	return denied->len == 0;
}

/* ---- subscriptions (5.9) ---- */

static struct cJSON *condition(const char *field, const char *op, struct cJSON *value)
{
	struct cJSON *ops = sd_json_object(), *o = sd_json_object();

	sd_json_add(ops, op, value);
	if (!sd_json_add(o, field, ops)) {
		sd_json_free(o);
		return NULL;
	}
	return o;
}

/* false: the owner argument is somebody else's. */
static bool subscribe_owner(const struct sbx_model *m, const struct sd_auth_rule *r,
	const struct sd_sbx_identity *who, const struct cJSON *args, struct cJSON *any, bool *open)
{
	const struct sd_field *f = sd_model_field(m->m, r->owner_field);
	const struct cJSON *given = sd_json_get(args, r->owner_field);
	struct sd_buf mine = SD_BUF_INIT;
	bool ok = true;

	if (given && sd_json_is_null(given)) {
		*open = true; /* only events without an owner: the argument sees to that */
	} else if (given) {
		ok = owner_matches(r, who, given);
		*open = ok;
	} else if (owner_value(r, who, &mine)) {
		sd_json_push(any, condition(r->owner_field, f && f->list ? "contains" : "eq",
					  sd_json_string(sbx_owner_tail(sd_buf_text(&mine)))));
	}
	sd_buf_release(&mine);
	return ok;
}

bool sbx_auth_subscribe(const struct sbx_model *m, const struct sd_sbx_identity *who,
	const struct cJSON *args, struct cJSON **filter)
{
	struct sbx_auth a;
	struct cJSON *any;
	bool open = false, ok = true;

	*filter = NULL;
	sbx_auth_for(m, who, SD_OP_LISTEN_BIT, &a);
	if (a.all || m->m->sub_level == SD_SUB_PUBLIC)
		return true;
	if (!a.usable)
		return false;
	any = sd_json_array();
	for (size_t i = 0; any && ok && i < m->m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->m->rules[i];
		if (!applies(r, who, SD_OP_LISTEN_BIT))
			continue;
		if (r->allow == SD_ALLOW_OWNER)
			ok = subscribe_owner(m, r, who, args, any, &open);
		else if (is_dynamic(r) && groups_of(r, who))
			sd_json_push(any, condition(r->groups_field, "containsAny",
						  sd_json_dup(groups_of(r, who))));
	}
	if (!ok || (!open && sd_json_count(any) == 0)) {
		sd_json_free(any);
		return false;
	}
	if (open) {
		sd_json_free(any);
		return true;
	}
	*filter = sd_json_object();
	if (!sd_json_add(*filter, "or", any)) {
		sd_json_free(*filter);
		*filter = NULL;
		return false;
	}
	return true;
}
