/* core/auth/identity.c - keys out of a Cognito identity pool: see aws.h. */
#include <stdlib.h>
#include <string.h>

#include "core/auth/aws.h"
#include "core/auth/cognito.h"
#include "core/base/text.h"
#include "core/json/json.h"

static enum sd_err request(const struct sd_identity_pool *p, const char *operation,
	struct cJSON *body, const char *id_token, struct sd_pool_request *out, struct sd_error *e)
{
	struct sd_buf url = SD_BUF_INIT, login = SD_BUF_INIT;
	int region = (int)strcspn(p->pool_id, ":");
	const char *china = sd_str_starts(p->pool_id, "cn-") ? ".cn" : "";
	struct sd_cognito at = {.service = "AWSCognitoIdentityService", .name = "identity pool"};
	enum sd_err rc;

	if (p->endpoint)
		sd_buf_str(&url, p->endpoint);
	else
		sd_buf_fmt(&url, "https://cognito-identity.%.*s.amazonaws.com%s/", region,
			p->pool_id, china);
	at.url = sd_buf_text(&url);
	if (id_token && p->user_pool_id) {
		struct cJSON *logins = sd_json_object();
		sd_buf_fmt(&login, "cognito-idp.%.*s.amazonaws.com%s/%s",
			(int)strcspn(p->user_pool_id, "_"), p->user_pool_id, china,
			p->user_pool_id);
		sd_json_add_str(logins, sd_buf_text(&login), id_token);
		sd_json_add(body, "Logins", logins);
	}
	rc = sd_cognito_request(&at, operation, body, out, e);
	sd_buf_release(&url);
	sd_buf_release(&login);
	return rc;
}

enum sd_err sd_identity_id_request(const struct sd_identity_pool *p, const char *id_token,
	struct sd_pool_request *out, struct sd_error *e)
{
	struct cJSON *body = sd_json_object();

	sd_json_add_str(body, "IdentityPoolId", p->pool_id);
	return request(p, "GetId", body, id_token, out, e);
}

enum sd_err sd_identity_keys_request(const struct sd_identity_pool *p, const char *id,
	const char *id_token, struct sd_pool_request *out, struct sd_error *e)
{
	struct cJSON *body = sd_json_object();

	sd_json_add_str(body, "IdentityId", id);
	return request(p, "GetCredentialsForIdentity", body, id_token, out, e);
}

enum sd_err sd_identity_id_answer(
	int status, const char *body, size_t n, char **id, struct sd_error *e)
{
	struct cJSON *reply = NULL;
	const char *text;
	enum sd_err rc = sd_cognito_answer("identity pool", status, body, n, &reply, e);

	*id = NULL;
	if (rc != SD_OK)
		return rc;
	text = sd_json_get_str(reply, "IdentityId");
	if (!text)
		rc = sd_fail(e, SD_PROTO, status, "the identity pool sent no identity");
	else if (!(*id = strdup(text)))
		rc = sd_fail(e, SD_NOMEM, 0, "identity pool: out of memory");
	sd_json_free(reply);
	return rc;
}

enum sd_err sd_identity_keys_answer(
	int status, const char *body, size_t n, struct sd_aws_keys *out, struct sd_error *e)
{
	struct cJSON *reply = NULL;
	const struct cJSON *c;
	const char *id, *secret;
	enum sd_err rc = sd_cognito_answer("identity pool", status, body, n, &reply, e);

	if (rc != SD_OK)
		return rc;
	c = sd_json_get(reply, "Credentials");
	id = sd_json_get_str(c, "AccessKeyId");
	secret = sd_json_get_str(c, "SecretKey");
	if (!id || !secret)
		rc = sd_fail(e, SD_PROTO, status, "the identity pool sent no keys");
	else
		rc = sd_aws_keys_set(out, id, secret, sd_json_get_str(c, "SessionToken"), e);
	if (rc == SD_OK) { /* seconds, with a fraction */
		double s = 0;
		if (sd_json_f64(sd_json_get(c, "Expiration"), &s) && s > 0 && s < 1e12)
			out->expires_ms = (int64_t)(s * 1000);
	}
	sd_json_free(reply);
	return rc;
}
