/*
 * core/sandbox/server/route.c - which part answers a request, and how answers leave.
 *
 * Spec: server.md 5.1 and 6.1 (paths, CORS), contract.md 10 (paths of the sandbox).
 */
#include <inttypes.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define CORS                                                                                       \
	"access-control-allow-origin: *\r\naccess-control-expose-headers: x-amzn-RequestId, "      \
	"x-amzn-ErrorType, x-amzn-appsync-TokensConsumed, date\r\n"

#define GZIP_LEAST 1000 /* bytes; the service does not compress less either */

enum path { P_OTHER, P_GRAPHQL, P_REALTIME, P_POOL, P_JWKS, P_ADMIN };

static enum path path_of(const struct conn *c)
{
	char jwks[128];
	const struct sd_hs *h = &c->http;

	if (sd_hs_path_is(h, "/graphql"))
		return P_GRAPHQL;
	if (sd_hs_path_is(h, "/graphql/realtime"))
		return P_REALTIME;
	if (c->s->o->admin && h->path_len > 10 && strncmp(h->target, "/_sandbox/", 10) == 0)
		return P_ADMIN;
	if (!c->s->pool)
		return P_OTHER;
	if (sd_hs_path_is(h, "/cognito/") || sd_hs_path_is(h, "/cognito"))
		return P_POOL;
	snprintf(jwks, sizeof jwks, "/%s/.well-known/jwks.json", sd_srv_pool_id());
	return sd_hs_path_is(h, jwks) ? P_JWKS : P_OTHER;
}

bool sd_srv_is_method(const struct conn *c, const char *method)
{
	return strcmp(c->http.method, method) == 0;
}

void sd_srv_head(struct conn *c)
{
	enum path p = path_of(c);

	if ((p == P_GRAPHQL || p == P_REALTIME) && sd_wss_wanted(&c->http)) {
		sd_srv_upgrade(c);
		return;
	}
	c->http.body_cap = p == P_ADMIN ? ADMIN_BODY_MAX : GRAPHQL_BODY_MAX;
	sd_hs_body(&c->http);
	if (c->http.state == SD_HS_BODY && c->http.expect_continue && c->in_at == c->in.len)
		sd_buf_str(&c->out, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void header_json(const struct sd_hs *h, struct sd_buf *out)
{
	sd_buf_ch(out, '{');
	for (size_t i = 0, any = 0; i < h->header_count; i++) {
		const char *name = h->headers[i].name, *value = h->headers[i].value;
		bool again = false;
		for (size_t k = 0; k < i; k++)
			again = again || strcmp(h->headers[k].name, name) == 0;
		if (again || !sd_utf8_valid(value, strlen(value)))
			continue;
		if (any++)
			sd_buf_ch(out, ',');
		sd_json_quote(out, name, strlen(name));
		sd_buf_ch(out, ':');
		sd_json_quote(out, value, strlen(value));
	}
	sd_buf_ch(out, '}');
}

void sd_srv_log_request(struct conn *c)
{
	struct sd_buf headers = SD_BUF_INIT;
	struct sd_reqlog_entry x = {
		.t_ms = sd_srv_now_ms(c->s), .kind = c->ws ? "ws-open" : "http", .conn = c->id};

	c->log_id = 0;
	if (!c->s->o->admin)
		return;
	header_json(&c->http, &headers);
	x.method = (char *)(uintptr_t)c->http.method; /* copied there */
	x.path = (char *)(uintptr_t)c->http.target;
	x.headers = headers.data;
	x.status = c->ws ? 101 : 0;
	c->log_id = sd_reqlog_add(&c->s->log, &x, sd_buf_text(&c->http.body), c->http.body.len);
	sd_buf_release(&headers);
}

static void cors_answer(struct conn *c, const char *allow)
{
	const char *asked = sd_hs_header(&c->http, "access-control-request-headers");
	struct sd_buf extra = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = 204};

	sd_buf_fmt(&extra,
		"allow: %s\r\naccess-control-allow-origin: *\r\naccess-control-allow-methods: "
		"%s\r\naccess-control-max-age: 600\r\naccess-control-allow-headers: ",
		allow, allow);
	/* what is asked for is named: "*" does not cover authorization, and older browsers take it
	 * for a name */
	sd_buf_str(&extra, asked && *asked ? asked : "*, authorization");
	sd_buf_str(&extra, "\r\n");
	if (sd_hs_header(&c->http, "access-control-request-private-network"))
		sd_buf_str(&extra, "access-control-allow-private-network: true\r\n");
	r.extra = sd_buf_text(&extra);
	sd_srv_reply(c, &r);
	sd_buf_release(&extra);
}

void sd_srv_405(struct conn *c, const char *allow)
{
	struct sd_buf extra = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = 405, .type = JSON_TYPE};

	sd_buf_fmt(&extra, "allow: %s\r\n" CORS, allow);
	r.extra = sd_buf_text(&extra);
	r.body = "{\"message\":\"Method not allowed\"}";
	r.n = strlen(r.body);
	sd_srv_reply(c, &r);
	sd_buf_release(&extra);
}

static const struct {
	enum path path;
	const char *allow;
	void (*answer)(struct conn *c);
} ROUTE[] = {
	{P_GRAPHQL, "GET, POST, OPTIONS", sd_srv_graphql},
	{P_POOL, "POST, OPTIONS", sd_srv_pool_call},
	{P_JWKS, "GET, HEAD, OPTIONS", sd_srv_pool_jwks},
};

static bool allowed(const char *list, const char *method)
{
	size_t n = strlen(method);

	for (const char *p = list; (p = strstr(p, method)); p += n)
		if ((p == list || p[-1] == ' ') && (p[n] == ',' || !p[n]))
			return true;
	return false;
}

void sd_srv_request(struct conn *c)
{
	enum path p = path_of(c);

	c->delay_ms = 0;
	c->log_id = 0;
	if (p == P_ADMIN) {
		sd_srv_admin(c);
		return;
	}
	sd_srv_log_request(c);
	for (size_t i = 0; i < sizeof ROUTE / sizeof *ROUTE; i++) {
		if (ROUTE[i].path != p)
			continue;
		if (sd_srv_is_method(c, "OPTIONS")) {
			cors_answer(c, ROUTE[i].allow);
		} else if (!allowed(ROUTE[i].allow, c->http.method)) {
			sd_srv_405(c, ROUTE[i].allow);
		} else {
			c->delay_ms = c->s->latency_ms;
			if (c->s->jitter_ms)
				c->delay_ms += (int64_t)sd_rand_below(
					&c->s->rand, (uint32_t)c->s->jitter_ms + 1);
			ROUTE[i].answer(c);
		}
		return;
	}
	if (p == P_REALTIME)
		sd_srv_reply_error(c, 426, "BadRequestException",
			"This address takes WebSocket upgrades only.");
	else if (strncmp(c->http.target, "/_sandbox", 9) == 0)
		sd_srv_reply_error(c, 404, "NotFoundException",
			c->s->o->admin
				? "The admin calls stand below /_sandbox/, such as /_sandbox/state."
				: "There is no admin side: start the sandbox with --admin.");
	else
		sd_srv_reply_error(c, 404, "NotFoundException",
			"Nothing is served here: GraphQL is at /graphql, subscriptions at "
			"/graphql/realtime.");
}

void sd_srv_refuse(struct conn *c)
{
	c->delay_ms = 0;
	c->log_id = 0;
	c->drain = true;
	c->http.keep_alive = false;
	if (c->http.method)
		sd_srv_log_request(c);
	sd_srv_reply_error(c, c->http.status, "BadRequestException", c->http.why);
}

void sd_srv_too_slow(struct conn *c)
{
	c->http.status = 408;
	c->http.why = "The request did not come in time.";
	sd_srv_refuse(c);
}

void sd_srv_reply(struct conn *c, struct sd_hs_reply *r)
{
	struct sd_buf *out = c->delay_ms > 0 ? &c->held : &c->out;

	r->date_ms = sd_srv_now_ms(c->s);
	if (c->http.method && sd_srv_is_method(c, "HEAD"))
		r->head_only = true;
	if (!c->http.keep_alive)
		r->close = true;
	if (!sd_hs_write(out, r)) {
		sd_srv_kill(c, false);
		return;
	}
	sd_reqlog_status(&c->s->log, c->log_id, r->status);
	c->closing = c->closing || r->close;
	if (c->delay_ms > 0) {
		c->release_at = sd_mono_ms() + c->delay_ms;
		sd_srv_set_timer(c);
	}
	c->delay_ms = 0;
	sd_hs_reset(&c->http);
}

void sd_srv_reply_head(struct conn *c, struct sd_hs_reply *r)
{
	r->date_ms = sd_srv_now_ms(c->s);
	if (!sd_hs_write(&c->out, r))
		sd_srv_kill(c, false);
	sd_reqlog_status(&c->s->log, c->log_id, r->status);
	sd_hs_reset(&c->http);
}

void sd_srv_reply_json(struct conn *c, int status, const char *body, size_t n)
{
	struct sd_buf extra = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = status, .type = JSON_TYPE, .body = body, .n = n};
	struct sd_buf small = SD_BUF_INIT;
	char id[SD_UUID_TEXT];

	sd_uuid4(&c->s->rand, id);
	sd_buf_fmt(&extra, "x-amzn-RequestId: %s\r\nx-amzn-appsync-TokensConsumed: 1\r\n" CORS, id);
	if (n >= GZIP_LEAST && sd_hs_takes_gzip(&c->http) && sd_hs_gzip(body, n, &small)) {
		sd_buf_str(&extra, "content-encoding: gzip\r\nvary: accept-encoding\r\n");
		r.body = sd_buf_text(&small);
		r.n = small.len;
	}
	r.extra = sd_buf_text(&extra);
	sd_srv_reply(c, &r);
	sd_buf_release(&extra);
	sd_buf_release(&small);
}

void sd_srv_reply_error(struct conn *c, int status, const char *type, const char *message)
{
	struct sd_buf body = SD_BUF_INIT, extra = SD_BUF_INIT;
	struct sd_hs_reply r = {.status = status, .type = JSON_TYPE};
	char id[SD_UUID_TEXT];

	sd_uuid4(&c->s->rand, id);
	sd_buf_fmt(&extra, "x-amzn-RequestId: %s\r\nx-amzn-ErrorType: %s\r\n" CORS, id, type);
	sd_buf_fmt(&body, "{\"errors\":[{\"errorType\":\"%s\",\"message\":", type);
	sd_json_quote(&body, message, strlen(message));
	sd_buf_str(&body, "}]}");
	r.extra = sd_buf_text(&extra);
	r.body = sd_buf_text(&body);
	r.n = body.len;
	sd_srv_reply(c, &r);
	sd_buf_release(&extra);
	sd_buf_release(&body);
}
