/* core/api/doctor_server.c - the checks that ask the server: endpoint, drift, access, realtime,
 * clock, and rows without a version on the way. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/doctor.h"
#include "core/api/introspect.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/graphql/doc.h"
#include "core/net/loop.h"

#define PAGES   20               /* of one model, looked at for rows without a version */
#define SKEW_MS ((int64_t)60000) /* a clock this wrong breaks tokens and filters by date */
#define WAIT_MS 10000

/* Says so when there is nobody to ask; true then. */
static bool nobody(struct sd_doctor *d, const char *check)
{
	if (!*d->api->endpoint)
		sd_doc_tell(d, check, true, "not checked: no backend is configured");
	else if (d->api->net_off)
		sd_doc_tell(d, check, true, "not checked: offline");
	else if (!d->reached && strcmp(check, "endpoint") != 0)
		sd_doc_tell(d, check, false, "not checked: the endpoint does not answer");
	else
		return false;
	return true;
}

void sd_doc_endpoint(struct sd_doctor *d)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_asked a;
	enum sd_err rc;

	if (nobody(d, "endpoint"))
		return;
	rc = sd_api_ask(d->api, "query operation { __typename }", NULL, "__typename", &a, &e);
	/* refused credentials are an answer too: the next check is about them */
	d->reached = rc == SD_OK || rc == SD_AUTH;
	if (rc == SD_OK)
		sd_doc_tell(d, "endpoint", true, "%s answers in %lld ms", d->api->endpoint,
			(long long)(a.answered_ms - a.sent_ms));
	else if (rc == SD_AUTH)
		sd_doc_tell(d, "endpoint", true, "%s answers", d->api->endpoint);
	else
		sd_doc_tell(d, "endpoint", false, "%s", e.text);
	if (rc == SD_OK)
		sd_asked_release(&a);
}

void sd_doc_drift(struct sd_doctor *d)
{
	struct sd_introspection in;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = sd_json_array();
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	if (nobody(d, "drift")) {
		sd_json_free(list);
		return;
	}
	rc = sd_introspect(d->api, &in, &e);
	if (rc == SD_OK) {
		rc = sd_introspect_drift(d->api->o.schema, &in, list, &e);
		sd_introspection_release(&in);
	} else if (rc == SD_FAILED) { /* switched off on many servers */
		sd_doc_tell(d, "drift", true, "cannot be checked: %s", e.text);
		goto done;
	}
	sd_doc_join(list, &b);
	if (rc != SD_OK)
		sd_doc_tell(d, "drift", false, "%s", e.text);
	else if (b.len)
		sd_doc_tell(d, "drift", false, "the server's schema is another one: %s",
			sd_buf_text(&b));
	else
		sd_doc_tell(d, "drift", true, "the server has the same models and fields");
done:
	sd_json_free(list);
	sd_buf_release(&b);
}

/* ---- access, model by model ---- */

/* A page with keys and metadata only. */
static char *page_document(const struct sd_model *m, const char *root)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b,
		"query operation($limit: Int, $nextToken: String) { %s(limit: $limit, nextToken: "
		"$nextToken) { items {",
		root);
	for (size_t i = 0; i < m->pk_count; i++)
		sd_buf_fmt(&b, " %s", m->fields[m->pk[i]].name);
	sd_buf_str(&b, " _version _lastChangedAt _deleted } nextToken startedAt } }");
	return sd_buf_take(&b);
}

static void note_unversioned(
	struct sd_doctor *d, const struct sd_model *m, const struct cJSON *item, const char *what)
{
	struct sd_buf b = SD_BUF_INIT, key = SD_BUF_INIT;

	if (!d->unversioned)
		d->unversioned = sd_json_array();
	if (sd_key_of(m, item, &key, NULL) != SD_OK)
		sd_buf_str(&key, "(a row the server could not send)");
	sd_buf_fmt(&b, "%s %s on the server: %s", m->name, sd_buf_text(&key), what);
	sd_json_push(d->unversioned, sd_json_string(sd_buf_text(&b)));
	sd_buf_release(&b);
	sd_buf_release(&key);
}

/* "_version" when an error of the answer is about the metadata of a row; NULL. */
static const char *metadata_error(const struct cJSON *errors)
{
	for (const struct cJSON *x = sd_json_child(errors); x; x = sd_json_next(x)) {
		for (const struct cJSON *p = sd_json_child(sd_json_get(x, "path")); p;
			p = sd_json_next(p)) {
			const char *s = sd_json_str(p);
			if (s && strcmp(s, "_version") == 0)
				return "no _version";
			if (s && strcmp(s, "_lastChangedAt") == 0)
				return "no _lastChangedAt";
		}
	}
	return NULL;
}

static void look_at_rows(struct sd_doctor *d, const struct sd_model *m, const struct sd_asked *a)
{
	const char *lost = metadata_error(a->reply.errors);
	int64_t at = sd_json_get_i64(a->reply.data, "startedAt", 0);

	if (at && !d->server_ms) {
		d->server_ms = at;
		d->our_ms = a->sent_ms + (a->answered_ms - a->sent_ms) / 2;
	}
	for (const struct cJSON *r = sd_json_child(sd_json_get(a->reply.data, "items")); r;
		r = sd_json_next(r)) {
		d->looked_at++;
		if (sd_json_is_null(r) && lost)
			note_unversioned(d, m, r, lost);
		else if (sd_json_is_null(r))
			continue;
		else if (sd_json_get_i64(r, "_version", 0) < 1)
			note_unversioned(d, m, r, "no _version");
		else if (sd_json_get_i64(r, "_lastChangedAt", 0) < 1)
			note_unversioned(d, m, r, "no _lastChangedAt");
	}
}

static enum sd_err ask_page(struct sd_doctor *d, const char *doc, const char *root,
	const char *token, struct sd_asked *out, struct sd_error *e)
{
	struct cJSON *v = sd_json_object();
	enum sd_err rc;

	sd_json_add_int(
		v, "limit", d->api->settings.page_size > 0 ? d->api->settings.page_size : 1000);
	sd_json_add_str(v, "nextToken", token);
	rc = sd_api_ask(d->api, doc, v, root, out, e);
	sd_json_free(v);
	return rc;
}

/* Reads the first pages of a model.  denied: a rule said no. */
static enum sd_err read_model(
	struct sd_doctor *d, const struct sd_model *m, bool *denied, struct sd_error *e)
{
	struct sd_buf root = SD_BUF_INIT;
	char *doc = NULL, *token = NULL;
	enum sd_err rc = SD_OK;
	int pages = 0;

	*denied = false;
	if (sd_doc_root(m, SD_DOC_SYNC, &root))
		doc = page_document(m, sd_buf_text(&root));
	if (!doc)
		rc = sd_fail(e, SD_NOMEM, 0, "doctor: out of memory");
	while (rc == SD_OK && !*denied) {
		struct sd_asked a;
		const char *next;
		rc = ask_page(d, doc, sd_buf_text(&root), token, &a, e);
		if (rc != SD_OK)
			break;
		if (a.reply.klass == SD_REPLY_DENIED)
			*denied = true;
		else if (a.reply.klass != SD_REPLY_OK && !metadata_error(a.reply.errors))
			rc = sd_fail(e, SD_FAILED, 0, "%s: %s: %s", m->name, a.reply.type,
				a.reply.message);
		else
			look_at_rows(d, m, &a);
		next = rc == SD_OK ? sd_json_get_str(a.reply.data, "nextToken") : NULL;
		free(token);
		token = next ? strdup(next) : NULL;
		sd_asked_release(&a);
		if (!token)
			break;
		if (++pages == PAGES) {
			d->looked_all = false;
			break;
		}
	}
	free(token);
	free(doc);
	sd_buf_release(&root);
	return rc;
}

void sd_doc_auth(struct sd_doctor *d)
{
	struct sd_credentials c = sd_api_credentials(d->api);
	struct sd_buf no = SD_BUF_INIT, wrong = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = SD_OK;
	size_t read = 0;

	if (nobody(d, "auth"))
		return;
	for (size_t i = 0; rc == SD_OK && i < d->api->o.schema->model_count; i++) {
		const struct sd_model *m = d->api->o.schema->models[i];
		bool denied;
		if (!m->syncable)
			continue;
		rc = read_model(d, m, &denied, &e);
		if (rc == SD_FAILED) { /* the others are looked at all the same */
			sd_buf_fmt(&wrong, "%s%s", wrong.len ? "; " : "", e.text);
			rc = SD_OK;
		} else if (rc == SD_OK && denied) {
			sd_buf_fmt(&no, "%s%s", no.len ? ", " : "", m->name);
		} else if (rc == SD_OK) {
			read++;
		}
	}
	if (rc != SD_OK)
		sd_doc_tell(d, "auth", false, "%s", e.text);
	else if (wrong.len)
		sd_doc_tell(d, "auth", false, "%s", sd_buf_text(&wrong));
	else if (no.len && !read)
		sd_doc_tell(d, "auth", false, "by %s nothing may be read: %s",
			sd_auth_mode_name(sd_api_first_mode(d->api)), sd_buf_text(&no));
	else
		sd_doc_tell(d, "auth", true, "by %s%s%s%s%s",
			sd_auth_mode_name(sd_api_first_mode(d->api)),
			c.session && c.session->user ? " as " : "",
			c.session && c.session->user ? c.session->user : "",
			no.len ? "; may not be read: " : ": every model may be read",
			sd_buf_text(&no));
	sd_buf_release(&no);
	sd_buf_release(&wrong);
}

void sd_doc_clock(struct sd_doctor *d)
{
	int64_t skew = d->server_ms - d->our_ms;
	char text[SD_TIME_TEXT];

	if (nobody(d, "clock"))
		return;
	if (!d->server_ms) {
		sd_doc_tell(d, "clock", true, "not checked: the server told no time");
		return;
	}
	sd_age_text(skew < 0 ? -skew : skew, text);
	sd_doc_tell(d, "clock", skew < SKEW_MS && skew > -SKEW_MS,
		"the server's clock is %lld ms (%s) %s ours%s",
		(long long)(skew < 0 ? -skew : skew), text, skew < 0 ? "behind" : "ahead of",
		skew < SKEW_MS && skew > -SKEW_MS ? "" : "; set this machine's clock");
}

/* ---- realtime ---- */

struct hello {
	struct sd_loop *loop;
	bool acked, over;
	int64_t timeout_ms;
	char failure[300];
};

static void on_opened(void *ctx, uint64_t id)
{
	static const char INIT[] = "{\"type\":\"connection_init\"}";
	struct hello *h = ctx;

	if (sd_ws_send(h->loop, id, INIT, sizeof INIT - 1, NULL) != SD_OK)
		h->over = true;
}

static void on_text(void *ctx, uint64_t id, const char *p, size_t n)
{
	struct hello *h = ctx;
	struct cJSON *j = NULL;
	const char *type;

	(void)id;
	if (sd_json_parse(p, n, "frame", &j, NULL) != SD_OK)
		return;
	type = sd_json_get_str(j, "type");
	if (sd_str_eq(type, "connection_ack")) {
		h->acked = h->over = true;
		h->timeout_ms =
			sd_json_get_i64(sd_json_get(j, "payload"), "connectionTimeoutMs", 0);
	} else if (sd_str_eq(type, "connection_error")) {
		const struct cJSON *x = sd_json_child(sd_json_path(j, "payload", "errors", NULL));
		const char *m = sd_json_get_str(x, "message");
		snprintf(h->failure, sizeof h->failure, "%s", m ? m : "connection_error");
		h->over = true;
	}
	sd_json_free(j);
}

static void on_closed(void *ctx, uint64_t id, int code, int status, const char *reason)
{
	struct hello *h = ctx;

	(void)id;
	if (!h->over && status)
		snprintf(h->failure, sizeof h->failure, "refused with HTTP %d %s", status, reason);
	else if (!h->over)
		snprintf(h->failure, sizeof h->failure, "closed (%d) %s", code, reason);
	h->over = true;
}

static enum sd_err say_hello(struct sd_doctor *d, struct hello *h, struct sd_error *e)
{
	static const struct sd_ws_events WS = {on_opened, on_text, on_closed};
	struct sd_credentials c = sd_api_credentials(d->api);
	struct sd_loop_opts o = {.ca_file = d->api->ca_file,
		.connect_timeout_ms = d->api->o.settings->net_connect_timeout_ms};
	struct sd_buf url = SD_BUF_INIT, protocol = SD_BUF_INIT;
	int64_t end = sd_mono_ms() + WAIT_MS;
	enum sd_err rc;

	sd_net_init();
	rc = sd_loop_new(&o, &h->loop, e);
	if (rc == SD_OK)
		rc = sd_wire_subprotocol(&c, sd_api_first_mode(d->api), sd_now_ms(), &protocol, e);
	if (rc == SD_OK && !sd_wire_realtime_url(d->api->endpoint, &url))
		rc = sd_fail(e, SD_NOMEM, 0, "realtime: out of memory");
	if (rc == SD_OK)
		rc = sd_ws_open(h->loop, 1, sd_buf_text(&url), sd_buf_text(&protocol), &WS, h, e);
	while (rc == SD_OK && !h->over && sd_mono_ms() < end)
		sd_loop_turn(h->loop, 100);
	if (protocol.data)
		explicit_bzero(protocol.data, protocol.len);
	sd_buf_release(&url);
	sd_buf_release(&protocol);
	sd_loop_free(h->loop);
	return rc;
}

void sd_doc_realtime(struct sd_doctor *d)
{
	struct hello h = {.acked = false};
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (nobody(d, "realtime"))
		return;
	rc = say_hello(d, &h, &e);
	if (rc != SD_OK)
		sd_doc_tell(d, "realtime", false, "%s", e.text);
	else if (h.acked)
		sd_doc_tell(d, "realtime", true, "connected; keep-alive within %lld s",
			(long long)(h.timeout_ms / 1000));
	else
		sd_doc_tell(d, "realtime", false, "%s",
			h.failure[0] ? h.failure : "no connection_ack within 10 s");
}
