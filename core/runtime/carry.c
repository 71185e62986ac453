/* core/runtime/carry.c - carries out what the engine wants: requests, frames, events, refreshes. */
#include "core/runtime/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

struct sd_credentials sd_rt_credentials(const struct sd_runtime *rt)
{
	return (struct sd_credentials){
		.endpoint = rt->o.endpoint,
		.api_key = rt->o.api_key,
		.token = rt->o.token,
		.session = rt->has_session ? &rt->session : NULL,
		.keys = &rt->keys,
		.region = rt->o.region,
	};
}

int64_t sd_rt_server_ms(const struct sd_runtime *rt)
{
	return sd_now_ms() + rt->status.skew_ms;
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
	struct sd_credentials c = sd_rt_credentials(rt);
	struct sd_wire_lines lines;
	struct sd_error e = {.code = SD_OK};
	const char *headers[4 + SD_WIRE_LINES] = {
		SD_CONTENT_TYPE, "x-amz-user-agent: " SD_USER_AGENT, "Expect:"};
	size_t len = strlen(a->text);
	enum sd_err rc =
		sd_wire_http_lines(&c, a->mode, a->text, len, sd_rt_server_ms(rt), &lines, &e);

	if (rc != SD_OK) {
		refuse_http(rt, a->id, 401, 0, &e);
		return;
	}
	for (size_t i = 0; i < lines.count; i++)
		headers[3 + i] = sd_buf_text(&lines.line[i]);
	rc = sd_http_post(rt->loop, a->id, rt->o.endpoint, headers, a->text, len,
		a->timeout_ms ? a->timeout_ms : 30000, on_http, rt, &e);
	if (rc != SD_OK)
		refuse_http(rt, a->id, 0, 1, &e);
	else if (a->early)
		early_begun(rt, a->id);
	sd_wire_lines_release(&lines);
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
	if (code == 1002 || (status >= 400 && status < 500))
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
	struct sd_credentials c = sd_rt_credentials(rt);
	struct sd_buf url = SD_BUF_INIT, protocol = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (rt->variant_b) {
		sd_buf_str(&protocol, "graphql-ws");
		rc = sd_wire_realtime_query(&c, a->mode, sd_rt_server_ms(rt), &url, &e);
	} else {
		sd_wire_realtime_url(rt->o.endpoint, &url);
		rc = sd_wire_subprotocol(&c, a->mode, sd_rt_server_ms(rt), &protocol, &e);
	}
	if (rc == SD_OK)
		rc = sd_ws_open(
			rt->loop, a->conn, sd_buf_text(&url), sd_buf_text(&protocol), &WS, rt, &e);
	if (rc != SD_OK)
		on_closed(rt, a->conn, 0, rc == SD_AUTH ? SD_RT_NO_CREDENTIALS : 0, e.text);
	sd_buf_release(&url);
	sd_buf_release(&protocol);
}

static void start_subscription(struct sd_runtime *rt, const struct sd_action *a)
{
	struct sd_credentials c = sd_rt_credentials(rt);
	struct sd_buf frame = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};

	if (sd_wire_start(&c, a->mode, a->sub_id, a->text, sd_rt_server_ms(rt), &frame, &e) !=
			SD_OK ||
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
		if (a->mode == SD_AUTH_IAM)
			sd_rt_fetch_keys(rt);
		else
			sd_rt_refresh(rt);
		break;
	case SD_ACT_COMMAND:
		sd_rt_command(rt, a);
		break;
	}
	sd_action_release(a);
}
