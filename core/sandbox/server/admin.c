/*
 * core/sandbox/server/admin.c - the admin side: which calls there are, and those about the
 * server's own behaviour.  Shapes: contract.md 10.  Loopback only: the server does not start with
 * --admin on another address, and a foreign Host header or any Origin is refused (web pages).
 */
#include "core/sandbox/server/admin.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define PREFIX "/_sandbox/"

void sd_srv_ws_faults_clear(struct ws_faults *w)
{
	sd_json_free(w->start_errors);
	memset(w, 0, sizeof *w);
}

/* An optional whole number within bounds into *v. */
static enum sd_err whole(const struct call *k, const char *name, int64_t low, int64_t high,
	int64_t *v, struct sd_error *e)
{
	const struct cJSON *j = sd_json_get(k->body, name);
	int64_t n;

	if (!j)
		return SD_OK;
	if (!sd_json_i64(j, &n) || n < low || n > high)
		return sd_fail(e, SD_INVAL, 0, "\"%s\" must be a whole number from %lld to %lld",
			name, (long long)low, (long long)high);
	*v = n;
	return SD_OK;
}

static enum sd_err get_log(struct call *k, struct sd_error *e)
{
	struct sd_buf since = SD_BUF_INIT;
	int64_t ms = 0;
	bool ok = !sd_hs_param(&k->c->http, "since", true, &since) ||
		  sd_parse_i64(sd_buf_text(&since), &ms);

	sd_buf_release(&since);
	if (!ok)
		return sd_fail(e, SD_INVAL, 0, "\"since\" must be epoch milliseconds");
	sd_reqlog_print(&k->c->s->log, ms, &k->out);
	return SD_OK;
}

static enum sd_err delete_log(struct call *k, struct sd_error *e)
{
	(void)e;
	sd_reqlog_clear(&k->c->s->log);
	return SD_OK;
}

static enum sd_err get_faults(struct call *k, struct sd_error *e)
{
	struct cJSON *list = sd_faults_json(&k->c->s->faults);

	(void)e;
	sd_json_print(list, &k->out);
	sd_json_free(list);
	return SD_OK;
}

static enum sd_err post_fault(struct call *k, struct sd_error *e)
{
	return sd_faults_add(&k->c->s->faults, k->body, e);
}

static enum sd_err delete_faults(struct call *k, struct sd_error *e)
{
	(void)e;
	sd_faults_clear(&k->c->s->faults);
	return SD_OK;
}

static enum sd_err post_latency(struct call *k, struct sd_error *e)
{
	int64_t ms = 0, jitter = 0;
	enum sd_err rc = whole(k, "ms", 0, 600000, &ms, e);

	if (rc == SD_OK)
		rc = whole(k, "jitter", 0, 600000, &jitter, e);
	if (rc == SD_OK) {
		k->c->s->latency_ms = ms;
		k->c->s->jitter_ms = jitter;
	}
	return rc;
}

static enum sd_err post_clock(struct call *k, struct sd_error *e)
{
	const int64_t limit = (int64_t)100 * 366 * 86400 * 1000; /* a hundred years */

	struct server *s = k->c->s;
	int64_t was = s->clock_offset_ms;
	enum sd_err rc = whole(k, "offsetMs", -limit, limit, &s->clock_offset_ms, e);

	if (rc == SD_OK)
		sd_srv_life_clock(s, s->clock_offset_ms - was);
	return rc;
}

static enum sd_err post_expire(struct call *k, struct sd_error *e)
{
	if (!k->c->s->pool)
		return sd_fail(e, SD_INVAL, 0, "there is no user pool; start with --users FILE");
	sd_srv_life_expire_all(k->c->s);
	sd_srv_pool_expire(k->c->s, sd_json_is_true(sd_json_get(k->body, "refresh")));
	return SD_OK;
}

/* What is named is changed, the rest stays. */
static void flag(const struct call *k, const char *name, bool *v)
{
	const struct cJSON *j = sd_json_get(k->body, name);

	if (j)
		*v = sd_json_is_true(j);
}

static enum sd_err post_ws(struct call *k, struct sd_error *e)
{
	struct ws_faults *w = &k->c->s->ws;
	const struct cJSON *refuse = sd_json_get(k->body, "refuse");
	const struct cJSON *errors = sd_json_get(k->body, "startErrors");
	int64_t status = 0;

	if (sd_json_is_number(refuse)) {
		if (!sd_json_i64(refuse, &status) || (status && (status < 400 || status > 599)))
			return sd_fail(e, SD_INVAL, 0,
				"\"refuse\" must be true, false or an HTTP status from 400 to 599");
		w->refuse = (int)status;
	} else if (refuse) {
		w->refuse = sd_json_is_true(refuse) ? 503 : 0;
	}
	if (!sd_json_is_null(errors) && !sd_json_is_array(errors))
		return sd_fail(e, SD_INVAL, 0, "\"startErrors\" must be an array");
	if (errors) {
		sd_json_free(w->start_errors);
		w->start_errors = sd_json_is_array(errors) ? sd_json_dup(errors) : NULL;
	}
	flag(k, "mute", &w->mute);
	flag(k, "ignoreInit", &w->ignore_init);
	flag(k, "noAck", &w->no_ack);
	flag(k, "dupData", &w->dup_data);
	return SD_OK;
}

/* With a code a close frame goes out first; without, the sockets just end. */
static enum sd_err post_drop(struct call *k, struct sd_error *e)
{
	struct server *s = k->c->s;
	int64_t code = 0, dropped = 0;
	enum sd_err rc = whole(k, "code", 0, 4999, &code, e);

	if (rc != SD_OK)
		return rc;
	for (size_t i = 0; i < s->conn_room; i++) {
		struct conn *c = s->conns[i];
		if (!c || !c->ws || c->kill)
			continue;
		dropped++;
		if (code) {
			sd_wss_close(c->ws, (int)code, NULL);
			c->closing = true;
			sd_srv_touch(c);
		} else {
			sd_srv_kill(c, false);
		}
	}
	sd_buf_fmt(&k->out, "{\"dropped\":%lld}", (long long)dropped);
	return SD_OK;
}

static const struct {
	const char *method, *name;
	call_fn fn;
} CALL[] = {
	{"GET", "state", sd_srv_call_state},
	{"GET", "dump", sd_srv_call_dump},
	{"GET", "sdl", sd_srv_call_sdl},
	{"GET", "log", get_log},
	{"DELETE", "log", delete_log},
	{"POST", "reset", sd_srv_call_reset},
	{"POST", "seed", sd_srv_call_seed},
	{"POST", "put", sd_srv_call_put},
	{"POST", "mutate", sd_srv_call_mutate},
	{"POST", "purge", sd_srv_call_purge},
	{"POST", "schema", sd_srv_call_schema},
	{"GET", "fault", get_faults},
	{"POST", "fault", post_fault},
	{"DELETE", "fault", delete_faults},
	{"POST", "latency", post_latency},
	{"POST", "clock", post_clock},
	{"POST", "expire-tokens", post_expire},
	{"POST", "ws", post_ws},
	{"POST", "ws/drop", post_drop},
};

static bool loopback_host(const char *host)
{
	static const char *const NAME[] = {"127.0.0.1", "localhost", "[::1]"};

	for (size_t i = 0; host && i < sizeof NAME / sizeof *NAME; i++) {
		size_t n = strlen(NAME[i]);
		if (strncmp(host, NAME[i], n) == 0 && (!host[n] || host[n] == ':'))
			return true;
	}
	return false;
}

static int status_of(enum sd_err rc)
{
	if (rc == SD_NOTFOUND)
		return 404;
	return rc == SD_INVAL || rc == SD_TOOBIG || rc == SD_REFUSED ? 400 : 500;
}

static void answer(struct call *k, enum sd_err rc, const struct sd_error *e)
{
	struct sd_hs_reply r = {.status = k->status, .type = k->type};

	if (rc == SD_OK && !sd_buf_ok(&k->out))
		rc = SD_TOOBIG;
	if (rc != SD_OK) {
		const char *text = e->text[0] ? e->text : sd_err_text(rc);
		if (r.status == 200)
			r.status = status_of(rc);
		r.type = JSON_TYPE;
		sd_buf_reset(&k->out);
		sd_buf_str(&k->out, "{\"error\":");
		sd_json_quote(&k->out, text, strlen(text));
		sd_buf_ch(&k->out, '}');
	} else if (!k->out.len) {
		sd_buf_str(&k->out, "{\"ok\":true}");
	}
	r.body = sd_buf_text(&k->out);
	r.n = k->out.len;
	sd_srv_reply(k->c, &r);
}

void sd_srv_admin_answer(struct conn *c, enum sd_err rc, const struct sd_error *e)
{
	struct call k = {.c = c, .status = 200, .type = JSON_TYPE};

	answer(&k, rc, e);
	sd_buf_release(&k.out);
}

/* Says which calls there are (known: which methods that one takes). */
static enum sd_err no_call(
	const char *method, const char *name, size_t n, bool known, struct sd_error *e)
{
	struct sd_buf list = SD_BUF_INIT;
	enum sd_err rc;

	for (size_t i = 0; i < sizeof CALL / sizeof *CALL; i++) {
		bool it = strlen(CALL[i].name) == n && memcmp(CALL[i].name, name, n) == 0;
		if (known && it)
			sd_buf_fmt(&list, "%s%s", list.len ? " or " : "", CALL[i].method);
		else if (!known)
			sd_buf_fmt(&list, "%s%s %s", list.len ? ", " : "", CALL[i].method,
				CALL[i].name);
	}
	rc = known ? sd_fail(e, SD_INVAL, 0, "/_sandbox/%.*s takes %s, not %s", (int)n, name,
			     sd_buf_text(&list), method)
		   : sd_fail(e, SD_NOTFOUND, 0,
			     "there is no %s /_sandbox/%.*s; there are %s (`syncdeck help "
			     "sandbox` says what they do)",
			     method, (int)(n > 100 ? 100 : n), name, sd_buf_text(&list));
	sd_buf_release(&list);
	return rc;
}

static call_fn find(struct call *k, struct sd_error *e, enum sd_err *rc)
{
	const struct sd_hs *h = &k->c->http;
	const char *name = h->target + strlen(PREFIX);
	size_t n = h->path_len - strlen(PREFIX);
	bool known = false;

	for (size_t i = 0; i < sizeof CALL / sizeof *CALL; i++) {
		if (strlen(CALL[i].name) != n || memcmp(CALL[i].name, name, n) != 0)
			continue;
		known = true;
		if (strcmp(CALL[i].method, h->method) == 0)
			return CALL[i].fn;
	}
	k->status = known ? 405 : 404;
	*rc = no_call(h->method, name, n, known, e);
	return NULL;
}

void sd_srv_admin(struct conn *c)
{
	struct call k = {.c = c, .status = 200, .type = JSON_TYPE};
	struct sd_error e = {0};
	struct cJSON *body = NULL;
	enum sd_err rc = SD_OK;
	call_fn fn;

	if (!loopback_host(sd_hs_header(&c->http, "host")) || sd_hs_header(&c->http, "origin")) {
		sd_srv_reply_error(c, 403, "AccessDeniedException", "The admin side is local.");
		return;
	}
	fn = find(&k, &e, &rc);
	if (fn && c->http.body.len) {
		rc = sd_json_parse(sd_buf_text(&c->http.body), c->http.body.len, "body", &body, &e);
		if (rc == SD_OK && !sd_json_is_object(body))
			rc = sd_fail(&e, SD_INVAL, 0, "the body must be a JSON object");
	}
	k.body = body;
	if (fn && rc == SD_OK)
		rc = fn(&k, &e);
	if (!k.later)
		answer(&k, rc, &e);
	sd_buf_release(&k.out);
	sd_json_free(body);
}
