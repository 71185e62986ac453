/*
 * core/sync/subdoc.c - what one subscription says: its owner argument (client.md 6.3) and its
 * filter (2.6).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sync/rt.h"

static bool in_list(const char *s, char *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strcmp(list[i], s) == 0)
			return true;
	return false;
}

/* A groups claim is an array, a JSON array in a string, or one name. */
static bool member_of(const struct sd_auth_rule *r, const struct cJSON *claim)
{
	const char *s = sd_json_str(claim);
	struct cJSON *parsed = NULL;
	bool hit = false;

	if (s && s[0] == '[' && sd_json_parse(s, strlen(s), "groups", &parsed, NULL) == SD_OK)
		claim = parsed;
	else if (s)
		return in_list(s, r->groups, r->group_count);
	for (const struct cJSON *c = sd_json_child(claim); c && !hit; c = sd_json_next(c))
		hit = sd_json_str(c) && in_list(sd_json_str(c), r->groups, r->group_count);
	sd_json_free(parsed);
	return hit;
}

static bool by_token(const struct sd_auth_rule *r)
{
	return r->provider == SD_BY_USERPOOLS || r->provider == SD_BY_OIDC;
}

/* "sub::username": the API shows and compares the last part (server.md 1.9). */
static const char *identity(const struct sd_engine *en, const struct sd_auth_rule *r)
{
	const char *name = r->identity_claim ? r->identity_claim : "cognito:username";
	const char *value;

	for (const char *at; (at = strstr(name, "::"));)
		name = at + 2;
	value = sd_json_get_str(en->claims, name);
	if (!value && strcmp(name, "username") == 0)
		value = sd_json_get_str(en->claims, "cognito:username");
	if (!value && strcmp(name, "cognito:username") == 0)
		value = sd_json_get_str(en->claims, "username");
	return value && value[0] ? value : NULL;
}

/* The owner argument a subscription of m needs under mode; *needed without a *value: nobody is
 * signed in. */
static void owner_argument(const struct sd_engine *en, const struct sd_model *m,
	enum sd_auth_mode mode, const char **field, const char **value, bool *needed)
{
	*field = *value = NULL;
	*needed = false;
	if (mode != SD_AUTH_USER_POOL && mode != SD_AUTH_OIDC)
		return;
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		if (r->allow == SD_ALLOW_GROUPS && by_token(r) && r->group_count &&
			(r->operations & SD_OP_READ_BITS) &&
			member_of(r, sd_json_get(en->claims, r->group_claim)))
			return;
	}
	for (size_t i = 0; i < m->rule_count; i++) {
		const struct sd_auth_rule *r = &m->rules[i];
		const struct sd_field *f = sd_model_field(m, r->owner_field);

		if (r->allow != SD_ALLOW_OWNER || !by_token(r) || (f && f->list) ||
			!(r->operations & SD_OP_READ_BITS) || m->sub_level == SD_SUB_PUBLIC)
			continue;
		*needed = true;
		if (!identity(en, r))
			continue;
		*field = r->owner_field;
		*value = identity(en, r);
	}
}

/* The filter, or NULL when there is none or the server cannot be asked for it: then every record
 * is checked here. */
static enum sd_err filter_of(struct sd_engine *en, const struct sd_rt_sub *s, int64_t now_ms,
	struct cJSON **out, struct sd_error *e)
{
	const struct sd_pred *expr = sd_pull_expression(en, s->m);
	struct sd_error why = {0};
	enum sd_err rc;

	*out = NULL;
	if (!expr || s->no_filter)
		return SD_OK;
	rc = sd_pred_filter(s->m, expr, SD_FILTER_SUBSCRIPTION, now_ms, out, &why);
	if (rc == SD_INVAL) {
		*out = NULL;
		return SD_OK;
	}
	return rc == SD_OK ? SD_OK : sd_fail(e, rc, 0, "%s", why.text);
}

enum sd_err sd_sub_payload(
	struct sd_engine *en, struct sd_rt_sub *s, int64_t now_ms, char **text, struct sd_error *e)
{
	struct sd_doc_opts opts = {0};
	struct cJSON *vars = NULL, *filter = NULL;
	struct sd_buf doc = SD_BUF_INIT, body = SD_BUF_INIT;
	const char *value;
	bool needed, ok;
	enum sd_err rc;

	*text = NULL;
	owner_argument(en, s->m, s->mode, &opts.owner_field, &value, &needed);
	if (s->no_owner)
		opts.owner_field = NULL;
	else if (needed && !opts.owner_field)
		return sd_fail(e, SD_AUTH, 0,
			"%s: its subscription takes the owner, and the session names none; sign in",
			s->m->name);
	rc = filter_of(en, s, now_ms, &filter, e);
	if (rc != SD_OK)
		return rc;
	opts.filter = filter != NULL;
	s->filtered = opts.filter;
	s->owned = opts.owner_field != NULL;
	rc = sd_doc_build(s->m, s->kind, &opts, &doc, e);
	if (rc != SD_OK) {
		sd_json_free(filter);
		goto done;
	}
	vars = sd_json_object();
	ok = !filter || sd_json_add(vars, "filter", filter);
	ok = (!opts.owner_field || sd_json_add_str(vars, opts.owner_field, value)) && ok;
	if (ok && sd_doc_request(sd_buf_text(&doc), vars, &body))
		*text = sd_buf_take(&body);
	if (!*text)
		rc = sd_fail(e, SD_NOMEM, 0, "%s: subscription: out of memory", s->m->name);
done:
	sd_json_free(vars);
	sd_buf_release(&doc);
	sd_buf_release(&body);
	return rc;
}
