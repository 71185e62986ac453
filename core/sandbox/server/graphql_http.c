/*
 * core/sandbox/server/graphql_http.c - /graphql over HTTP: POST and GET.
 *
 * Spec: server.md 6.1, 6.2.  What is executed, and its answer, is the core's business.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define MALFORMED "MalformedHttpRequestException"

/* {"query":...,"variables":...,"operationName":...} out of a GET's parameters. */
static bool from_get(const struct sd_hs *h, struct sd_buf *body)
{
	static const char *const NAME[] = {"query", "variables", "operationName"};
	struct sd_buf v = SD_BUF_INIT;
	bool any = false;

	sd_buf_ch(body, '{');
	for (size_t i = 0; i < 3; i++) {
		sd_buf_reset(&v);
		if (!sd_hs_param(h, NAME[i], true, &v))
			continue;
		sd_buf_fmt(body, "%s\"%s\":", any ? "," : "", NAME[i]);
		if (i == 1)
			sd_buf_add(body, sd_buf_text(&v), v.len);
		else
			sd_json_quote(body, sd_buf_text(&v), v.len);
		any = true;
	}
	sd_buf_release(&v);
	return sd_buf_ch(body, '}');
}

/* The request as one JSON text.  Borrowed from c, or in *made. */
static const char *body_of(struct conn *c, struct sd_buf *made, size_t *n)
{
	const char *type = sd_hs_header(&c->http, "content-type");

	if (sd_srv_is_method(c, "GET")) {
		from_get(&c->http, made);
	} else if (type && strncasecmp(type, "application/graphql", 19) == 0 &&
		   !strchr("-+", type[19])) {
		sd_buf_str(made, "{\"query\":");
		sd_json_quote(made, sd_buf_text(&c->http.body), c->http.body.len);
		sd_buf_ch(made, '}');
	} else {
		*n = c->http.body.len;
		return sd_buf_text(&c->http.body);
	}
	*n = made->len;
	return sd_buf_text(made);
}

static bool has_query(const char *body, size_t n)
{
	struct cJSON *j = NULL;
	const char *q;
	bool ok;

	if (sd_json_parse(body, n, "request", &j, NULL) != SD_OK)
		return false;
	q = sd_json_get_str(j, "query");
	ok = q && *q;
	sd_json_free(j);
	return ok;
}

struct waiting { /* a request in the core's hands; the connection may end before its answer */
	struct server *s;
	uint64_t conn;
	struct sd_fault fault;
	enum faulted faulted;
};

static void done(void *ctx, const struct sd_sbx_answer *a)
{
	struct waiting *w = ctx;
	struct conn *c = sd_srv_conn(w->s, w->conn);

	if (a && c && !c->kill) {
		struct sd_hs_reply r = {.status = a->status,
			.type = JSON_TYPE,
			.body = sd_buf_text(&a->body),
			.n = a->body.len};
		c->busy = false;
		if (w->faulted == FAULT_AFTER)
			sd_srv_fault_after(c, &w->fault, &r);
		else
			sd_srv_reply_json(c, r.status, r.body, r.n);
		if (!c->kill)
			sd_srv_touch(c);
	} else if (w->faulted == FAULT_AFTER) {
		sd_fault_release(&w->fault);
	}
	free(w);
}

static void execute(struct conn *c, const char *body, size_t n, const struct identity *who)
{
	struct server *s = c->s;
	struct cJSON *names = s->faults.count ? sd_json_array() : NULL;
	struct waiting *w = calloc(1, sizeof *w);
	const char *kind = NULL;

	if (!w) {
		sd_json_free(names);
		sd_srv_kill(c, false);
		return;
	}
	w->s = s;
	w->conn = c->id;
	if (names) {
		if (!sd_sbx_roots(s->sbx, body, n, &kind, names))
			kind = NULL;
		w->faulted = sd_srv_fault_before(c, kind, names, body, n, &w->fault);
		sd_json_free(names);
	}
	if (w->faulted == FAULT_ANSWERED) {
		free(w);
		return;
	}
	c->busy = true;
	sd_sbx_submit(s->sbx, body, n, &who->who, sd_srv_now_ms(s), done, w);
}

void sd_srv_graphql(struct conn *c)
{
	struct identity who;
	struct sd_buf made = SD_BUF_INIT;
	size_t n = 0;
	const struct denial *no = sd_srv_identify_http(c, &who);
	const char *body;

	body = no ? NULL : body_of(c, &made, &n);
	if (no)
		sd_srv_reply_error(c, no->status, no->type, no->message);
	else if (!n)
		sd_srv_reply_error(c, 400, MALFORMED, "Request body is empty.");
	else if (!has_query(body, n))
		sd_srv_reply_error(c, 400, MALFORMED, "Unable to parse GraphQL query.");
	else
		execute(c, body, n, &who);
	sd_buf_release(&made);
	sd_srv_identity_release(&who);
}
