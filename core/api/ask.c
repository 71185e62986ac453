/* core/api/ask.c - see ask.h. */
#include "core/api/ask.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/graphql/doc.h"
#include "core/net/loop.h"
#include "core/runtime/wire.h"

void sd_asked_release(struct sd_asked *a)
{
	sd_reply_release(&a->reply);
}

enum sd_err sd_api_may_ask(struct sd_api *api, struct sd_error *e)
{
	if (!*api->endpoint)
		return sd_fail(e, SD_INVAL, 0,
			"no backend is configured: give --endpoint or a client configuration (-c)");
	if (api->net_off)
		return sd_fail(e, SD_NET, 0, "offline: the server was not asked");
	return SD_OK;
}

struct sd_credentials sd_api_credentials(const struct sd_api *api)
{
	return (struct sd_credentials){.endpoint = api->endpoint,
		.api_key = api->api_key,
		.token = api->o.token,
		.session = api->has_session ? &api->session : NULL,
		.keys = &api->keys,
		.region = api->o.config->region};
}

/* The modes to try, in order: the one in force; under multi every one there is a credential for,
 * a person's own before public ones. */
static size_t modes_of(const struct sd_api *api, enum sd_auth_mode out[6])
{
	static const enum sd_auth_mode ORDER[] = {
		SD_AUTH_USER_POOL, SD_AUTH_OIDC, SD_AUTH_LAMBDA, SD_AUTH_IAM, SD_AUTH_API_KEY};
	struct sd_credentials c = sd_api_credentials(api);
	size_t n = 0;

	if (api->auth != SD_AUTH_MULTI) {
		out[0] = api->auth;
		return 1;
	}
	for (size_t i = 0; i < sizeof ORDER / sizeof *ORDER; i++)
		if (sd_wire_can(&c, ORDER[i], NULL) == SD_OK)
			out[n++] = ORDER[i];
	return n;
}

enum sd_auth_mode sd_api_first_mode(const struct sd_api *api)
{
	enum sd_auth_mode modes[6];

	return modes_of(api, modes) ? modes[0] : SD_AUTH_NONE;
}

/* A session that is over is renewed first, as the engine would. */
static void renew(struct sd_api *api)
{
	struct sd_pool_request r;
	struct sd_buf body = SD_BUF_INIT;
	struct sd_session now;
	int status = 0;

	if (!api->has_session || !api->session.refresh || !api->pool.client_id ||
		!api->session.expires_ms || api->session.expires_ms > sd_now_ms() + 5000)
		return;
	if (sd_session_load(api->dir, &now, NULL) != SD_OK)
		return;
	sd_session_release(&api->session);
	api->session = now; /* another process may have renewed it already */
	if (api->session.expires_ms > sd_now_ms() + 5000 ||
		sd_pool_refresh_request(&api->pool, &api->session, &r, NULL) != SD_OK)
		return;
	if (sd_http_post_wait(sd_buf_text(&r.url), r.headers, sd_buf_text(&r.body), r.body.len,
		    api->ca_file, api->o.settings->net_timeout_ms, &status, &body, NULL) == SD_OK &&
		sd_pool_refresh_answer(&api->session, status, sd_buf_text(&body), body.len,
			sd_now_ms(), NULL) == SD_OK &&
		sd_session_store(api->dir, &api->session, NULL) != SD_OK)
		status = 0; /* it serves this process */
	sd_pool_request_release(&r);
	sd_buf_release(&body);
}

static enum sd_err once(struct sd_api *api, const struct sd_buf *body, enum sd_auth_mode mode,
	const char *root, struct sd_asked *out, struct sd_error *e)
{
	struct sd_credentials c = sd_api_credentials(api);
	struct sd_wire_lines lines = {.count = 0};
	struct sd_buf answer = {.cap = SD_HTTP_MAX_ANSWER};
	const char *headers[4 + SD_WIRE_LINES] = {
		SD_CONTENT_TYPE, "x-amz-user-agent: " SD_USER_AGENT, "Expect:"};
	struct sd_http_result r = {.retry_after_ms = -1};
	enum sd_err rc =
		sd_wire_http_lines(&c, mode, sd_buf_text(body), body->len, sd_now_ms(), &lines, e);

	if (rc == SD_OK) {
		for (size_t i = 0; i < lines.count; i++)
			headers[3 + i] = sd_buf_text(&lines.line[i]);
		out->mode = mode;
		out->sent_ms = sd_now_ms();
		rc = sd_http_post_wait(api->endpoint, headers, sd_buf_text(body), body->len,
			api->ca_file, api->o.settings->net_timeout_ms, &r.status, &answer, e);
		out->answered_ms = sd_now_ms();
	}
	if (rc == SD_OK) {
		r.body = sd_buf_text(&answer);
		r.body_len = answer.len;
		rc = sd_reply_read(&r, root, &out->reply, e);
	}
	sd_wire_lines_release(&lines);
	sd_buf_release(&answer);
	return rc;
}

/* No GraphQL answer is an error of ours; a GraphQL error is an answer. */
static enum sd_err verdict(struct sd_api *api, const struct sd_reply *r, struct sd_error *e)
{
	if (r->klass == SD_REPLY_AUTH)
		return sd_fail(e, SD_AUTH, r->status,
			"%s: the credentials were refused: %s; run `syncdeck login`, or check the "
			"API key",
			api->endpoint, r->message);
	if (r->klass == SD_REPLY_RETRY)
		return sd_fail(e, r->json ? SD_NET : SD_PROTO, r->status, "%s: %s: %s",
			api->endpoint, r->type, r->message);
	return SD_OK;
}

enum sd_err sd_api_ask(struct sd_api *api, const char *document, const struct cJSON *variables,
	const char *root, struct sd_asked *out, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	struct sd_buf body = SD_BUF_INIT;
	size_t n;
	enum sd_err rc = sd_api_may_ask(api, e);

	memset(out, 0, sizeof *out);
	if (rc != SD_OK)
		return rc;
	renew(api);
	n = modes_of(api, modes);
	if (!n)
		return sd_fail(e, SD_AUTH, 0, "there are no credentials; run `syncdeck login`");
	if (!sd_doc_request(document, variables, &body))
		rc = sd_fail(e, SD_NOMEM, 0, "request: out of memory");
	for (size_t i = 0; rc == SD_OK && i < n; i++) {
		rc = once(api, &body, modes[i], root, out, e);
		if (i + 1 == n || rc != SD_OK ||
			(out->reply.klass != SD_REPLY_DENIED && out->reply.klass != SD_REPLY_AUTH))
			break;
		sd_asked_release(out);
	}
	sd_buf_release(&body);
	if (rc == SD_OK)
		rc = verdict(api, &out->reply, e);
	if (rc != SD_OK)
		sd_asked_release(out);
	return rc;
}

enum sd_err sd_api_ask_record(struct sd_api *api, const struct sd_model *m, const char *key,
	struct cJSON **rec, struct sd_error *e)
{
	struct sd_buf doc = SD_BUF_INIT, root = SD_BUF_INIT;
	struct cJSON *vars = sd_json_object();
	struct sd_asked a = {.mode = SD_AUTH_NONE};
	enum sd_err rc = sd_doc_build(m, SD_DOC_GET, NULL, &doc, e);

	*rec = NULL;
	if (rc == SD_OK)
		rc = sd_key_put(m, key, vars, e);
	if (rc == SD_OK && !sd_doc_root(m, SD_DOC_GET, &root))
		rc = sd_fail(e, SD_NOMEM, 0, "request: out of memory");
	if (rc == SD_OK)
		rc = sd_api_ask(api, sd_buf_text(&doc), vars, sd_buf_text(&root), &a, e);
	if (rc == SD_OK && a.reply.klass == SD_REPLY_DENIED)
		rc = sd_fail(e, SD_REFUSED, 0, "%s", a.reply.message);
	else if (rc == SD_OK && a.reply.klass != SD_REPLY_OK)
		rc = sd_fail(e, SD_FAILED, 0, "%s: %s: %s", sd_buf_text(&root), a.reply.type,
			a.reply.message);
	if (rc == SD_OK && a.reply.data) {
		*rec = sd_json_dup(a.reply.data);
		rc = sd_item_to_local(m, *rec, e);
		if (rc != SD_OK) {
			sd_json_free(*rec);
			*rec = NULL;
		}
	}
	sd_asked_release(&a);
	sd_json_free(vars);
	sd_buf_release(&doc);
	sd_buf_release(&root);
	return rc;
}
