/* core/auth/cognito.c - see cognito.h. */
#include "core/auth/cognito.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/net/loop.h"

#define ANSWER_MAX ((size_t)1 << 20)

void sd_pool_request_release(struct sd_pool_request *r)
{
	if (r->body.data) /* it holds a password or a token */
		explicit_bzero(r->body.data, r->body.len);
	sd_buf_release(&r->url);
	sd_buf_release(&r->target);
	sd_buf_release(&r->body);
}

enum sd_err sd_cognito_request(const struct sd_cognito *c, const char *operation,
	struct cJSON *body, struct sd_pool_request *out, struct sd_error *e)
{
	memset(out, 0, sizeof *out);
	sd_buf_str(&out->url, c->url);
	sd_buf_fmt(&out->target, "x-amz-target: %s.%s", c->service, operation);
	out->headers[0] = "content-type: application/x-amz-json-1.1";
	out->headers[1] = sd_buf_text(&out->target);
	out->headers[2] = "cache-control: no-store";
	sd_json_print(body, &out->body);
	sd_json_free(body);
	if (sd_buf_ok(&out->url) && sd_buf_ok(&out->target) && sd_buf_ok(&out->body))
		return SD_OK;
	sd_pool_request_release(out);
	return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->name);
}

enum sd_err sd_cognito_answer(const char *name, int status, const char *body, size_t n,
	struct cJSON **out, struct sd_error *e)
{
	static const char *const FINAL[] = {"NotAuthorizedException", "UserNotFoundException",
		"UserNotConfirmedException", "PasswordResetRequiredException",
		"CodeMismatchException", "ExpiredCodeException", "InvalidPasswordException"};
	const char *type, *message, *hash;
	enum sd_err rc = sd_json_parse(n ? body : "{}", n ? n : 2, "answer", out, e);

	if (rc != SD_OK)
		return sd_fail(e, SD_PROTO, status,
			"the %s answered HTTP %d with something that is not JSON", name, status);
	if (status >= 200 && status < 300)
		return SD_OK;
	type = sd_json_get_str(*out, "__type");
	message = sd_json_get_str(*out, "message");
	hash = type ? strrchr(type, '#') : NULL;
	type = hash ? hash + 1 : type ? type : "";
	rc = status >= 500 || status == 429 ? SD_NET : SD_PROTO;
	for (size_t i = 0; i < sizeof FINAL / sizeof *FINAL; i++)
		if (strcmp(type, FINAL[i]) == 0)
			rc = SD_AUTH;
	rc = sd_fail(e, rc, status, "%s: %s%s%s", name, type[0] ? type : "HTTP error",
		message ? ": " : "", message ? message : "");
	sd_json_free(*out);
	*out = NULL;
	return rc;
}

enum sd_err sd_cognito_call(const struct sd_cognito *c, const char *operation, struct cJSON *body,
	struct cJSON **out, struct sd_error *e)
{
	struct sd_pool_request r;
	struct sd_buf text;
	int status = 0;
	enum sd_err rc = sd_cognito_request(c, operation, body, &r, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	sd_buf_init(&text, ANSWER_MAX);
	rc = sd_http_post_wait(sd_buf_text(&r.url), r.headers, sd_buf_text(&r.body), r.body.len,
		c->ca_file, c->timeout_ms, &status, &text, e);
	if (rc == SD_OK)
		rc = sd_cognito_answer(c->name, status, sd_buf_text(&text), text.len, out, e);
	sd_pool_request_release(&r);
	if (text.data)
		explicit_bzero(text.data, text.len);
	sd_buf_release(&text);
	return rc;
}

enum sd_err sd_cognito_pool(
	const struct sd_pool *p, struct sd_buf *url, struct sd_cognito *out, struct sd_error *e)
{
	if (!p->client_id || !p->pool_id)
		return sd_fail(e, SD_INVAL, 0,
			"no user pool is configured; give a config file with user_pool_id and "
			"user_pool_client_id");
	if (p->endpoint)
		sd_buf_str(url, p->endpoint);
	else
		sd_buf_fmt(url, "https://cognito-idp.%.*s.amazonaws.com%s/",
			(int)strcspn(p->pool_id, "_"), p->pool_id,
			sd_str_starts(p->pool_id, "cn-") ? ".cn" : "");
	if (!sd_buf_ok(url))
		return sd_fail(e, SD_NOMEM, 0, "user pool: out of memory");
	*out = (struct sd_cognito){.service = "AWSCognitoIdentityProviderService",
		.url = sd_buf_text(url),
		.name = "user pool",
		.ca_file = p->ca_file,
		.timeout_ms = p->timeout_ms};
	return SD_OK;
}

void sd_cognito_secret_hash(const struct sd_pool *p, const char *user, struct cJSON *params)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;
	struct sd_buf msg = SD_BUF_INIT, text = SD_BUF_INIT;

	if (!p->client_secret || !p->client_id)
		return;
	sd_buf_fmt(&msg, "%s%s", user, p->client_id);
	if (HMAC(EVP_sha256(), p->client_secret, (int)strlen(p->client_secret),
		    (const unsigned char *)sd_buf_text(&msg), msg.len, mac, &n) &&
		sd_base64_encode(&text, mac, n, false))
		sd_json_add_str(params, "SECRET_HASH", sd_buf_text(&text));
	sd_buf_release(&msg);
	sd_buf_release(&text);
}
