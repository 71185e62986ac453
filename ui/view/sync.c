/* ui/view/sync.c - the four facts about the network, every model's progress, the events (U-11,
 * U-15). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "ui/view/view.h"

struct sync {
	struct sd_layer l;
	struct cJSON *state; /* sd_api_sync_state, owned */
	int n;
	struct sd_list at;
	struct sd_rect rows;
	struct rate {
		int64_t received, at_ms, per_s; /* at_ms monotonic; 0: not seen running */
	} * rates;                              /* owned, one a model */
};

#define RATE_MS 500 /* rows/s are told over this long */

static const struct cJSON *here(const struct sync *s)
{
	const struct cJSON *j = sd_json_child(s->state);

	for (int i = 0; j && i < s->at.at; i++)
		j = sd_json_next(j);
	return j;
}

static void measure(struct sync *s)
{
	int64_t now = sd_mono_ms();
	int i = 0;

	if (!s->rates)
		s->rates = calloc((size_t)s->n + 1, sizeof *s->rates);
	for (const struct cJSON *j = sd_json_child(s->state); s->rates && j; j = sd_json_next(j)) {
		struct rate *r = &s->rates[i++];
		int64_t got = sd_json_get_i64(j, "received", 0);
		if (!sd_json_is_true(sd_json_get(j, "running")) || got < r->received)
			*r = (struct rate){0};
		if (!r->at_ms || now - r->at_ms >= RATE_MS) {
			r->per_s = r->at_ms ? (got - r->received) * 1000 / (now - r->at_ms) : 0;
			r->at_ms = now;
			r->received = got;
		}
	}
}

static void reload(struct sd_ui *ui, struct sd_layer *l)
{
	struct sync *s = (struct sync *)l;
	struct cJSON *state = NULL;

	if (sd_api_sync_state(ui->api, &state, NULL) != SD_OK)
		return;
	sd_json_free(s->state);
	s->state = state;
	s->n = (int)sd_json_count(state);
	measure(s);
}

/* How many records of the model are set aside. */
static int64_t odd_count(struct sd_ui *ui, const char *model)
{
	for (const struct cJSON *m = sd_json_child(ui->models); m; m = sd_json_next(m))
		if (sd_str_eq(sd_json_get_str(m, "model"), model))
			return sd_json_get_i64(m, "quarantined", 0);
	return 0;
}

static void bytes_text(int64_t n, char *out, size_t room)
{
	if (n < 10000)
		snprintf(out, room, "%lld B", (long long)n);
	else if (n < 10000000)
		snprintf(out, room, "%lld kB", (long long)(n / 1000));
	else
		snprintf(out, room, "%.1f MB", (double)n / 1e6);
}

static void fact(struct sd_buf *b, const char *name, int64_t ok_ms)
{
	char t[SD_TIME_TEXT];

	sd_show_ago(ok_ms, t);
	sd_buf_fmt(b, "%s %s   ", name, ok_ms ? t : "never");
}

static void draw_network(struct sd_ui *ui, struct sd_rect r)
{
	const struct sd_api_status *s = &ui->status;
	struct sd_rect in = sd_inside(r);
	struct sd_buf b = SD_BUF_INIT;
	char t[SD_TIME_TEXT], up[32], down[32];
	int y = in.y;

	sd_box(r, false, "Network", sd_api_endpoint(ui->api));
	if (!sd_api_has_backend(ui->api)) {
		sd_put(y, in.x + 1, in.w - 1, SD_R_DIM,
			"No backend is configured: everything stays on this device.");
		return;
	}
	sd_buf_fmt(&b, "state %s%s%s%s%s   realtime %s", s->phase,
		s->switched_off ? " (by hand)" : "", s->auth_needed ? ", sign-in needed" : "",
		s->paused ? ", sending PAUSED" : "", s->pull_paused ? ", fetching PAUSED" : "",
		s->realtime[0] ? s->realtime : "down");
	if (s->rt_since_ms) {
		sd_age_text(sd_now_ms() - s->rt_since_ms, t);
		sd_buf_fmt(&b, " %s", t);
	}
	if (s->rt_last_ms) {
		sd_show_ago(s->rt_last_ms, t);
		sd_buf_fmt(&b, ", last message %s", t);
	}
	if (s->rt_timeout_ms)
		sd_buf_fmt(&b, " (timeout %llds)", (long long)(s->rt_timeout_ms / 1000));
	sd_put(y++, in.x + 1, in.w - 1, SD_R_TEXT, sd_buf_text(&b));
	sd_buf_reset(&b);
	sd_buf_str(&b, "last success: ");
	fact(&b, "connect", s->tcp_ok_ms);
	fact(&b, "sign-in", s->auth_ok_ms);
	fact(&b, "http", s->http_ok_ms);
	fact(&b, "realtime", s->rt_ok_ms);
	sd_put(y++, in.x + 1, in.w - 1, SD_R_TEXT, sd_buf_text(&b));
	sd_buf_reset(&b);
	bytes_text(s->sent_bytes, up, sizeof up);
	bytes_text(s->received_bytes, down, sizeof down);
	sd_buf_fmt(&b,
		"subscriptions %d of %d   reconnects %d   http %lld ms   sent %s   received %s",
		s->subscriptions, s->subscriptions_wanted, s->reconnects,
		(long long)s->http_last_ms, up, down);
	if (s->skew_ms > 5000 || s->skew_ms < -5000)
		sd_buf_fmt(&b, "   clock off by %llds", (long long)(s->skew_ms / 1000));
	sd_put(y++, in.x + 1, in.w - 1, SD_R_TEXT, sd_buf_text(&b));
	if (s->last_failure[0])
		sd_putf(y, in.x + 1, in.w - 1, s->active ? SD_R_DIM : SD_R_WARN, "last failure: %s",
			s->last_failure);
	else if (s->engine_pid)
		sd_putf(y, in.x + 1, in.w - 1, SD_R_WARN,
			"process %d syncs this profile; this one follows it", s->engine_pid);
	sd_buf_release(&b);
}

/* How many rows there will be is not known; what came in this run, how quickly, how much, are. */
static void draw_progress(struct sync *s, const struct cJSON *j, int i, int y, enum sd_role row)
{
	char got[SD_TIME_TEXT], rate[SD_TIME_TEXT], bytes[32];
	int64_t page = sd_json_get_i64(j, "pageSize", 0), n = sd_json_get_i64(j, "received", 0);
	int x = s->rows.x, w = s->rows.w;

	sd_show_count(n, got);
	sd_show_count(s->rates ? s->rates[i].per_s : 0, rate);
	bytes_text(sd_json_get_i64(j, "bytes", 0), bytes, sizeof bytes);
	sd_putf(y, x + 44, 14, row, "%s came", got);
	sd_putf(y, x + 59, 9, row, "%s/s", rate);
	if (page > 0)
		sd_putf(y, x + 69, w - 69, row, "%s, about %lld pages", bytes,
			(long long)((n + page - 1) / page));
	else
		sd_put(y, x + 69, w - 69, row, bytes);
}

static void draw_model(struct sd_ui *ui, struct sync *s, const struct cJSON *j, int i, bool on)
{
	const char *state = sd_json_get_str(j, "state"), *error = sd_json_get_str(j, "error");
	bool running = sd_json_is_true(sd_json_get(j, "running"));
	bool bad = sd_str_eq(state, "failed");
	enum sd_role row = on ? SD_R_CURSOR : bad ? SD_R_ERROR : running ? SD_R_SYNCING : SD_R_TEXT;
	char rows[SD_TIME_TEXT], last[SD_TIME_TEXT];
	int x = s->rows.x, w = s->rows.w, y = s->rows.y + i - s->at.top;
	int64_t odd = odd_count(ui, sd_json_get_str(j, "model"));

	sd_show_count(sd_json_get_i64(j, "rows", 0), rows);
	sd_show_ago(sd_json_get_i64(j, "lastSync", 0), last);
	sd_fill(y, x, w, row, ' ');
	sd_put(y, x, 1, row, on ? ">" : " ");
	sd_put(y, x + 2, 1, row, bad ? "x" : running ? "~" : " ");
	sd_put(y, x + 4, 17, row, sd_json_get_str(j, "model"));
	sd_put(y, x + 22, 9, row, running ? "syncing" : state);
	sd_put_cell(y, x + 32, 10, row, true, rows);
	if (running) {
		draw_progress(s, j, i, y, row);
		return;
	}
	sd_putf(y, x + 44, 20, row, "+%lld ~%lld -%lld", (long long)sd_json_get_i64(j, "new", 0),
		(long long)sd_json_get_i64(j, "updated", 0),
		(long long)sd_json_get_i64(j, "deleted", 0));
	sd_put(y, x + 59, 9, row, last);
	if (error && *error)
		sd_put(y, x + 69, w - 69, row, error);
	else if (odd)
		sd_putf(y, x + 69, w - 69, on ? row : SD_R_WARN, "? %lld set aside, Enter shows",
			(long long)odd);
	else
		sd_put(y, x + 69, w - 69, on ? row : SD_R_DIM, sd_json_get_str(j, "why"));
}

static void draw_models(struct sd_ui *ui, struct sync *s, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	const struct cJSON *j = sd_json_child(s->state);
	char title[80];

	if (ui->status.models_total)
		snprintf(title, sizeof title, "Models  %d of %d synced", ui->status.models_synced,
			ui->status.models_total);
	else
		snprintf(title, sizeof title, "Models");
	sd_box(r, true, title, NULL);
	sd_put(in.y, in.x + 4, 17, SD_R_HEAD, "model");
	sd_put(in.y, in.x + 22, 9, SD_R_HEAD, "sync");
	sd_put_cell(in.y, in.x + 32, 10, SD_R_HEAD, true, "rows");
	sd_put(in.y, in.x + 44, 14, SD_R_HEAD, "new upd del");
	sd_put(in.y, in.x + 59, 9, SD_R_HEAD, "last");
	sd_put(in.y, in.x + 69, in.w - 69, SD_R_HEAD, "why");
	s->rows = (struct sd_rect){in.y + 1, in.x, in.h - 1, in.w};
	sd_list_fit(&s->at, s->n, s->rows.h);
	for (int i = 0; j; j = sd_json_next(j), i++)
		if (i >= s->at.top && i < s->at.top + s->rows.h)
			draw_model(ui, s, j, i, i == s->at.at);
}

static void draw_events(struct sd_ui *ui, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	size_t n = (size_t)(in.h > 0 ? in.h : 0), from = ui->log_n > n ? ui->log_n - n : 0;
	char clock[SD_TIME_TEXT];

	sd_box(r, false, "Events", NULL);
	for (size_t i = from; i < ui->log_n; i++) {
		const struct sd_log_line *line = sd_log_at(ui, i);

		sd_show_clock(line->at, clock);
		sd_putf(in.y + (int)(i - from), in.x + 1, in.w - 1, line->role, "%s %s", clock,
			line->text);
	}
}

static void draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sync *s = (struct sync *)l;
	struct sd_rect a = sd_frame_area(ui), net = a, models = a, events = a;

	net.h = sd_frame_small(ui) ? 4 : 6;
	models.y += net.h;
	events.h = ui->zoom || sd_frame_small(ui) ? 0 : (a.h - net.h) * 2 / 5;
	models.h = a.h - net.h - events.h;
	events.y = models.y + models.h;
	draw_network(ui, net);
	draw_models(ui, s, models);
	if (events.h)
		draw_events(ui, events);
}

static void tell(struct sd_ui *ui, struct sync *s)
{
	const struct cJSON *j = here(s);
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *odd = NULL;

	if (!j)
		return;
	for (struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c)) {
		char t[SD_TIME_TEXT];

		sd_buf_fmt(&b, "%-12s ", sd_json_name(c));
		if (strncmp(sd_json_name(c), "last", 4) == 0) {
			int64_t ms = 0;

			sd_json_i64(c, &ms);
			sd_show_ago(ms, t);
			sd_buf_str(&b, t);
		} else {
			sd_show_value(c, &b);
		}
		sd_buf_ch(&b, '\n');
	}
	if (sd_api_quarantine(ui->api, sd_json_get_str(j, "model"), &odd, NULL) == SD_OK &&
		sd_json_child(odd)) {
		sd_buf_str(&b, "\nRecords that came with values this schema does not allow:\n");
		for (struct cJSON *c = sd_json_child(odd); c; c = sd_json_next(c)) {
			sd_json_print(c, &b);
			sd_buf_ch(&b, '\n');
		}
	}
	sd_json_free(odd);
	sd_tell(ui, sd_json_get_str(j, "model"), sd_buf_text(&b));
	sd_buf_release(&b);
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sync *s = (struct sync *)l;
	const char *model = sd_json_get_str(here(s), "model");

	switch (a) {
	case SD_ACT_OPEN:
		tell(ui, s);
		return true;
	case SD_ACT_RESYNC:
		if (model) {
			sd_api_resync(ui->api, model, false);
			sd_say(ui, SD_SAY_INFO, "Asked the server what is new in %s.", model);
		}
		return true;
	default:
		return sd_list_act(&s->at, a, s->n, s->rows.h);
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct sync *s = (struct sync *)l;

	(void)ui;
	if (k->code == SD_KEY_CLICK && sd_hit(s->rows, k->y, k->x))
		s->at.at = s->at.top + k->y - s->rows.y;
	else if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		s->at.at += k->code == SD_KEY_WHEEL_UP ? -1 : 1;
	sd_list_fit(&s->at, s->n, s->rows.h);
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct sync *s = (struct sync *)l;

	(void)ui;
	sd_json_free(s->state);
	free(s->rates);
	free(s);
}

static const struct sd_layer_ops OPS = {
	.draw = draw, .act = act, .key = key, .reload = reload, .free = drop};

struct sd_layer *sd_sync_new(struct sd_ui *ui)
{
	struct sync *s = calloc(1, sizeof *s);

	(void)ui;
	if (!s)
		return NULL;
	s->l.ops = &OPS;
	s->l.ctx = SD_IN_SYNC;
	s->l.name = "Sync";
	return &s->l;
}
