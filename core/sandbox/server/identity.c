/*
 * core/sandbox/server/identity.c - credentials of a request, and who asks by them.
 *
 * Mode selection: server.md 6.1; messages: 6.2.  IAM, OIDC and Lambda authorisers are not part of
 * the sandbox's modes: such credentials are refused.
 */
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define DENIED "You are not authorized to make this call."

void sd_srv_identity_release(struct identity *i)
{
	sd_json_free(i->claims);
	memset(i, 0, sizeof *i);
}

const char *sd_srv_identify(
	struct server *s, const char *api_key, const char *authorization, struct identity *out)
{
	const char *why;

	memset(out, 0, sizeof *out);
	if (api_key) {
		if (!s->o->api_key || strcmp(api_key, s->o->api_key) != 0)
			return DENIED;
		out->who.mode = SD_AUTH_API_KEY;
		return NULL;
	}
	if (!authorization || !*authorization)
		return "Valid authorization header not provided.";
	if (strncasecmp(authorization, "Bearer ", 7) == 0)
		authorization += 7;
	if (!s->pool)
		return DENIED;
	why = sd_srv_pool_check(s, authorization, strlen(authorization), &out->claims);
	if (why)
		return why;
	out->who.mode = SD_AUTH_USER_POOL;
	out->who.claims = out->claims;
	return NULL;
}

static const char *any_case(const struct cJSON *o, const char *name)
{
	for (const struct cJSON *c = sd_json_child(o); c; c = sd_json_next(c))
		if (sd_json_name(c) && strcasecmp(sd_json_name(c), name) == 0)
			return sd_json_str(c);
	return NULL;
}

const char *sd_srv_identify_json(struct server *s, const struct cJSON *header, struct identity *out)
{
	return sd_srv_identify(
		s, any_case(header, "x-api-key"), any_case(header, "authorization"), out);
}
