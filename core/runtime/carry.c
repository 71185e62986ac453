/* core/runtime/carry.c - carries out what the engine wants: requests, frames, events, refreshes. */
#include "core/runtime/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

static struct sd_credentials credentials(const struct sd_runtime *rt)
{
	return (struct sd_credentials){
		.endpoint = rt->o.endpoint,
		.api_key = rt->o.api_key,
		.token = rt->o.token,
		.session = rt->has_session ? &rt->session : NULL,
	};
}

static void early_done(struct sd_runtime *rt, uint64_t id)
{
	for (size_t i = 0; i < sizeof rt->early / sizeof *rt->early; i++) {
		if (rt->early[i].live && rt->early[i].id == id) {
			rt->early[i].live = false;
			rt->fetching--;
			return;
		}
	}
}

static void early_begun(struct sd_runtime *rt, uint64_t id)
{
	for (size_t i = 0; i < sizeof rt->early / sizeof *rt->early; i++) {
		if (!rt->early[i].live) {
			rt->early[i] = (struct early){id, true};
			rt->fetching++;
			return;
		}
	}
}

static void on_http(void *ctx, uint64_t id, const struct sd_http_answer *a)
{
	struct sd_runtime *rt = ctx;
	struct sd_input *in = sd_rt_input(SD_IN_HTTP, id);

	early_done(rt, id);
	if (!in)
		return; /* the engine's own time-out speaks */
	in->failure = a->failure ? strdup(a->failure) : NULL;
	in->error_type = a->error_type ? strdup(a->error_type) : NULL;
	in->len = a->body->len;
	in->text = sd_buf_take(a->body);
	in->http = (struct sd_http_result){.id = id,
		.transport = a->transport,
		.sent = a->sent,
		.failure = in->failure,
		.status = a->status,
		.retry_after_ms = a->retry_after_ms,
		.date_ms = a->date_ms,
		.error_type = in->error_type,
		.body = in->text ? in->text : "",
		.body_len = in->text ? in->len : 0,
		.took_ms = a->took_ms};
	sd_rt_put(rt, in);
}

/* The request could not even be made: tell the engine as an answer of ours. */
static void refuse_http(
	struct sd_runtime *rt, uint64_t id, int status, int transport, const struct sd_error *e)
{
	struct sd_input *in = sd_rt_input(SD_IN_HTTP, id);

	if (!in)
		return;
	in->failure = strdup(e->text);
	in->http = (struct sd_http_result){.id = id,
		.transport = transport,
		.status = status,
		.failure = in->failure,
		.retry_after_ms = -1,
		.error_type = status == 401 ? "UnauthorizedException" : NULL,
		.body = ""};
	sd_rt_put(rt, in);
}

static void send_http(struct sd_runtime *rt, const struct sd_action *a)
{
	struct sd_credentials c = credentials(rt);
	struct sd_buf auth = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	const char *headers[] = {"content-type: application/json; charset=UTF-8",
		"x-amz-user-agent: " SD_USER_AGENT, "Expect:", NULL, NULL};
	enum sd_err rc = sd_wire_http_header(&c, a->mode, &auth, &e);

	if (rc != SD_OK) {
		refuse_http(rt, a->id, 401, 0, &e);
	} else {
		headers[3] = auth.len ? sd_buf_text(&auth) : NULL;
		rc = sd_http_post(rt->loop, a->id, rt->o.endpoint, headers, a->text,
			strlen(a->text), a->timeout_ms ? a->timeout_ms : 30000, on_http, rt, &e);
		if (rc != SD_OK)
			refuse_http(rt, a->id, 0, 1, &e);
		else if (a->early)
			early_begun(rt, a->id);
	}
	if (auth.data)
		explicit_bzero(auth.data, auth.len);
	sd_buf_release(&auth);
}

static void on_opened(void *ctx, uint64_t id)
{
	struct sd_input *in = sd_rt_input(SD_IN_RT_OPENED, id);

	if (in)
		sd_rt_put(ctx, in);
}

static void on_text(void *ctx, uint64_t id, const char *p, size_t n)
{
	struct sd_input *in = sd_rt_input(SD_IN_RT_TEXT, id);

	if (!in)
		return;
	in->text = sd_strdup_n(p, n);
	in->len = in->text ? n : 0;
	sd_rt_put(ctx, in);
}

static void on_closed(void *ctx, uint64_t id, int code, int status, const char *reason)
{
	struct sd_runtime *rt = ctx;
	struct sd_input *in = sd_rt_input(SD_IN_RT_CLOSED, id);

	/* client.md 6.5: credentials in the query only after 1002 or a refused upgrade */
	if (code == 1002 || (status >= 400 && status != 401 && status != 403 && status < 500))
		rt->variant_b = !rt->variant_b;
	if (!in)
		return;
	in->code = code;
	in->status = status;
	in->failure = strdup(reason);
	sd_rt_put(rt, in);
}

static const struct sd_ws_events WS = {on_opened, on_text, on_closed};

static void open_realtime(struct sd_runtime *rt, const struct sd_action *a)
{
	struct sd_credentials c = credentials(rt);
	struct sd_buf url = SD_BUF_INIT, protocol = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (rt->variant_b) {
		sd_buf_str(&protocol, "graphql-ws");
		rc = sd_wire_realtime_query(&c, a->mode, sd_now_ms(), &url, &e);
	} else {
		sd_wire_realtime_url(rt->o.endpoint, &url);
		rc = sd_wire_subprotocol(&c, a->mode, sd_now_ms(), &protocol, &e);
	}
	if (rc == SD_OK)
		rc = sd_ws_open(
			rt->loop, a->conn, sd_buf_text(&url), sd_buf_text(&protocol), &WS, rt, &e);
	if (rc != SD_OK)
		on_closed(rt, a->conn, 0, rc == SD_AUTH ? 401 : 0, e.text);
	sd_buf_release(&url);
	sd_buf_release(&protocol);
}

static void start_subscription(struct sd_runtime *rt, const struct sd_action *a)
{
	struct sd_credentials c = credentials(rt);
	struct sd_buf frame = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};

	if (sd_wire_start(&c, a->mode, a->sub_id, a->text, sd_now_ms(), &frame, &e) != SD_OK ||
		sd_ws_send(rt->loop, a->conn, sd_buf_text(&frame), frame.len, &e) != SD_OK)
		sd_log(SD_LOG_WARN, "runtime", "subscription not started: %s", e.text);
	sd_buf_release(&frame);
}

static void tell_event(struct sd_runtime *rt, struct sd_action *a)
{
	if (sd_queue_put(rt->o.events, a->text))
		a->text = NULL;
	else
		sd_log(SD_LOG_WARN, "runtime", "nobody reads the events; one is dropped");
}

/* Somebody signed out, or another user signed in, while the request was under way: the answer must
 * not bring the session back. */
static enum sd_err still_ours(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_session now;
	enum sd_err rc = sd_session_load(rt->o.dir, &now, e);

	if (rc == SD_NOTFOUND || (rc == SD_OK && !sd_str_eq(now.user_id, rt->session.user_id)))
		rc = sd_fail(e, SD_AUTH, 0, "the session has ended meanwhile");
	sd_session_release(&now);
	return rc;
}

static void on_refreshed(void *ctx, uint64_t id, const struct sd_http_answer *a)
{
	struct sd_runtime *rt = ctx;
	struct sd_error e = {.code = SD_OK};
	struct sd_input *in;
	enum sd_err rc;

	(void)id;
	rt->refreshing = false;
	if (a->transport)
		rc = SD_NET;
	else
		rc = sd_pool_refresh_answer(&rt->session, a->status, sd_buf_text(a->body),
			a->body->len, sd_now_ms(), &e);
	if (rc == SD_OK)
		rc = still_ours(rt, &e);
	if (rc == SD_OK)
		rc = sd_session_store(rt->o.dir, &rt->session, &e);
	rt->refresh_after_ms = sd_mono_ms() + (rc == SD_OK ? 1000 : rc == SD_AUTH ? 60000 : 5000);
	if (rc == SD_OK) { /* a token that lives for less than a minute is not renewed for ever */
		int64_t life = rt->session.expires_ms - sd_now_ms();
		rt->refresh_margin_ms = life / 4 < SD_RT_REFRESH_MS ? life / 4 : SD_RT_REFRESH_MS;
	}
	if (rc != SD_OK && rc != SD_AUTH) { /* not the last word: try again */
		rt->refresh_wanted = true;
		sd_log(SD_LOG_WARN, "runtime", "token refresh: %s",
			rc == SD_NET && !e.text[0] ? "no answer" : e.text);
		return;
	}
	in = sd_rt_input(SD_IN_AUTH, 0);
	if (!in)
		return;
	in->on = rc == SD_OK;
	sd_rt_put(rt, in);
}

void sd_rt_refresh(struct sd_runtime *rt)
{
	struct sd_pool_request r;
	struct sd_error e = {.code = SD_OK};
	struct sd_input *in;

	if (rt->refreshing)
		return;
	rt->refresh_wanted = sd_mono_ms() < rt->refresh_after_ms;
	if (rt->refresh_wanted)
		return;
	if (rt->has_session && rt->o.pool &&
		sd_pool_refresh_request(rt->o.pool, &rt->session, &r, &e) == SD_OK) {
		if (sd_http_post(rt->loop, SD_RT_REFRESH_ID, sd_buf_text(&r.url), r.headers,
			    sd_buf_text(&r.body), r.body.len, 30000, on_refreshed, rt, &e) == SD_OK)
			rt->refreshing = true;
		sd_pool_request_release(&r);
		if (rt->refreshing)
			return;
		rt->refresh_after_ms = sd_mono_ms() + 5000;
	}
	in = sd_rt_input(SD_IN_AUTH, 0); /* nothing to refresh with: a person must sign in */
	if (in)
		sd_rt_put(rt, in);
}

void sd_rt_carry_out(struct sd_runtime *rt, struct sd_action *a)
{
	switch (a->kind) {
	case SD_ACT_HTTP:
		send_http(rt, a);
		break;
	case SD_ACT_HTTP_CANCEL:
		early_done(rt, a->id);
		sd_http_cancel(rt->loop, a->id);
		break;
	case SD_ACT_RT_OPEN:
		open_realtime(rt, a);
		break;
	case SD_ACT_RT_SEND:
		if (sd_ws_send(rt->loop, a->conn, a->text, strlen(a->text), NULL) != SD_OK)
			sd_log(SD_LOG_WARN, "runtime", "out of memory for a frame");
		break;
	case SD_ACT_RT_START:
		start_subscription(rt, a);
		break;
	case SD_ACT_RT_CLOSE:
		sd_ws_close(rt->loop, a->conn, 1000);
		break;
	case SD_ACT_EVENT:
		tell_event(rt, a);
		break;
	case SD_ACT_REFRESH:
		sd_rt_refresh(rt);
		break;
	case SD_ACT_COMMAND:
		sd_rt_command(rt, a);
		break;
	}
	sd_action_release(a);
}
