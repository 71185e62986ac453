/*
 * core/sandbox/server/settings.c - `--set KEY=VALUE`: the server's own keys; the rest is the core's.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/sandbox/server/server.h"

/* Each takes the value; false: not a good one. */
static bool max_subscriptions(struct settings *set, const char *v)
{
	int64_t n;

	if (!sd_parse_i64(v, &n) || n < 1 || n > 10000)
		return false;
	set->max_subscriptions = (int)n;
	return true;
}

static bool token_ttl(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->token_ttl_ms);
}

static bool idle_timeout(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->idle_timeout_ms) && set->idle_timeout_ms > 0 &&
	       set->idle_timeout_ms < (int64_t)24 * 3600000;
}

static bool api_key_ttl(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->api_key_ttl_ms) && set->api_key_ttl_ms > 0;
}

static bool ws_lifetime(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->ws_lifetime_ms);
}

static bool init_timeout(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->init_timeout_ms);
}

static bool lambda_timeout(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->lambda_timeout_ms) && set->lambda_timeout_ms > 0;
}

static bool request_timeout(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->request_timeout_ms) && set->request_timeout_ms > 0;
}

static bool flag(const char *v, bool *out)
{
	*out = strcmp(v, "true") == 0;
	return *out || strcmp(v, "false") == 0;
}

static bool trust_unsigned_jwt(struct settings *set, const char *v)
{
	return flag(v, &set->trust_unsigned_jwt);
}

static bool refresh_rotation(struct settings *set, const char *v)
{
	return flag(v, &set->refresh_rotation);
}

static bool expire_subscriptions(struct settings *set, const char *v)
{
	return flag(v, &set->expire_subscriptions);
}

static bool strict_host(struct settings *set, const char *v)
{
	return flag(v, &set->strict_host);
}

static bool subscribe_rate(struct settings *set, const char *v)
{
	int64_t n;

	if (!sd_parse_i64(v, &n) || n < 0 || n > 100000)
		return false;
	set->subscribe_rate = (int)n;
	return true;
}

/* "ID:SECRET" or "ID:SECRET:ROLE": auth, unauth, or the ARN of a role that no rule speaks of. */
static bool iam_key(struct settings *set, const char *v)
{
	const char *secret = strchr(v, ':');
	const char *role = secret ? strchr(secret + 1, ':') : NULL;
	size_t n = secret ? (size_t)(secret++ - v) : 0;
	size_t len = !n ? 0 : role ? (size_t)(role++ - secret) : strlen(secret);
	struct iam_caller *c = &set->iam[set->iam_count];

	if (set->iam_count == sizeof set->iam / sizeof *set->iam || !n || n >= sizeof c->key ||
		!len || len >= sizeof c->secret || (role && !*role))
		return false;
	snprintf(c->key, sizeof c->key, "%.*s", (int)n, v);
	snprintf(c->secret, sizeof c->secret, "%.*s", (int)len, secret);
	c->role = !role                         ? SD_ROLE_ANY
		  : strcmp(role, "auth") == 0   ? SD_ROLE_AUTH
		  : strcmp(role, "unauth") == 0 ? SD_ROLE_UNAUTH
						: SD_ROLE_OTHER;
	set->iam_count++;
	return true;
}

static bool execution_timeout(struct settings *set, const char *v)
{
	return sd_duration_parse(v, &set->execution_timeout_ms) && set->execution_timeout_ms > 0;
}

static bool lambda_token(struct settings *set, const char *v)
{
	snprintf(set->lambda_token, sizeof set->lambda_token, "%s", v);
	return *v && strlen(v) < sizeof set->lambda_token;
}

static bool oidc_jwks(struct settings *set, const char *v)
{
	set->oidc_jwks = v;
	return *v;
}

static bool oidc_issuer(struct settings *set, const char *v)
{
	set->oidc_issuer = v;
	return *v;
}

static bool oidc_client_id(struct settings *set, const char *v)
{
	set->oidc_client_id = v;
	return *v;
}

static const struct {
	const char *key;
	bool (*take)(struct settings *set, const char *v);
} OWN[] = {
	{"max_subscriptions", max_subscriptions},
	{"token_ttl", token_ttl},
	{"api_key_ttl", api_key_ttl},
	{"idle_timeout", idle_timeout},
	{"ws_lifetime", ws_lifetime},
	{"init_timeout", init_timeout},
	{"lambda_timeout", lambda_timeout},
	{"request_timeout", request_timeout},
	{"execution_timeout", execution_timeout},
	{"trust_unsigned_jwt", trust_unsigned_jwt},
	{"refresh_rotation", refresh_rotation},
	{"iam_key", iam_key},
	{"lambda_token", lambda_token},
	{"expire_subscriptions", expire_subscriptions},
	{"strict_host", strict_host},
	{"subscribe_rate", subscribe_rate},
	{"oidc_jwks", oidc_jwks},
	{"oidc_issuer", oidc_issuer},
	{"oidc_client_id", oidc_client_id},
};

static enum sd_err one(struct server *s, const char *text, bool own, struct sd_error *e)
{
	const char *eq = strchr(text, '=');
	size_t n = eq ? (size_t)(eq - text) : 0;
	char *key;
	enum sd_err rc;

	if (!n)
		return sd_fail(e, SD_INVAL, 0, "--set %s: KEY=VALUE is needed", text);
	for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++) {
		if (strlen(OWN[i].key) != n || memcmp(OWN[i].key, text, n) != 0)
			continue;
		if (own && !OWN[i].take(&s->set, eq + 1))
			return sd_fail(e, SD_INVAL, 0, "--set %s: not a value for this key", text);
		return SD_OK;
	}
	if (own)
		return SD_OK;
	key = sd_strdup_n(text, n);
	if (!key)
		return sd_fail(e, SD_NOMEM, 0, "--set: out of memory");
	rc = sd_sbx_set(s->sbx, key, eq + 1, e);
	free(key);
	return rc;
}

enum sd_err sd_srv_settings(struct server *s, bool own, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < s->o->set_count && rc == SD_OK; i++)
		rc = one(s, s->o->sets[i], own, e);
	return rc;
}
