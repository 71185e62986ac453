/* ui/view/outbox_draw.c - the Outbox view on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/queue.h"

static enum sd_role lane_text(struct sd_ui *ui, const struct cJSON *j, char *out, size_t room)
{
	const char *lane = sd_json_get_str(j, "lane");
	int64_t next = sd_json_get_i64(j, "nextTry", 0), now = sd_now_ms();
	char t[SD_TIME_TEXT];

	if (sd_str_eq(lane, "conflict")) {
		snprintf(out, room, "! CONFLICT > 3");
		return SD_R_CONFLICT;
	}
	if (sd_str_eq(lane, "refused")) {
		snprintf(out, room, "x REFUSED");
		return SD_R_ERROR;
	}
	if (sd_str_eq(lane, "sending")) {
		snprintf(out, room, "~ sending..");
		return SD_R_SYNCING;
	}
	if (sd_str_eq(lane, "parked")) {
		snprintf(out, room, "  parked");
		return SD_R_DIM;
	}
	if (next > now) {
		sd_age_text(next - now, t);
		snprintf(out, room, "* retry in %s", t);
		return SD_R_WARN;
	}
	snprintf(out, room, ui->status.paused ? "* paused" : "* waiting");
	return SD_R_UNSENT;
}

void sd_queue_fields(const struct cJSON *j, struct sd_buf *b)
{
	bool first = true;

	if (sd_str_eq(sd_json_get_str(j, "op"), "CREATE")) {
		sd_buf_str(b, "(all)");
		return;
	}
	for (struct cJSON *f = sd_json_child(sd_json_get(j, "fields")); f; f = sd_json_next(f)) {
		sd_buf_fmt(b, "%s%s", first ? "" : ",", sd_json_name(f));
		first = false;
	}
}

/* Cells of the columns that give way on a narrow screen. */
struct columns {
	int model, key, fields;
};

static const struct columns *columns(int w)
{
	static const struct columns wide = {13, 13, 22}, usual = {12, 11, 11}, small = {9, 9, 0};

	return w >= 110 ? &wide : w >= 76 ? &usual : &small;
}

static void draw_item(struct sd_ui *ui, struct sd_queue_view *o, int i, int y)
{
	const struct sd_queue_item *it = &o->item[i];
	bool on = i == o->at.at, wide = o->rows.w >= 110;
	enum sd_role row = on ? SD_R_CURSOR : it->sent ? SD_R_DIM : SD_R_TEXT, role = row;
	char state[120] = "", age[SD_TIME_TEXT] = "", number[24] = ".";
	struct sd_buf key = SD_BUF_INIT, fields = SD_BUF_INIT;
	char *k = it->j ? sd_key_json(sd_json_get(it->j, "key")) : NULL;
	const struct columns *c = columns(o->rows.w);
	int x = o->rows.x, rest;

	sd_fill(y, x, o->rows.w, row, ' ');
	if (!it->j) {
		sd_put(y, x + 3, o->rows.w - 4, SD_R_DIM, "-- sent and settled lately --");
		goto out;
	}
	sd_show_key(k ? k : "[]", &key);
	if (it->sent) {
		const char *text = sd_json_get_str(it->j, "text");

		int64_t version = sd_json_get_i64(it->j, "version", 0);

		snprintf(state, sizeof state, "%s", text ? text : "");
		if (version)
			snprintf(state + strlen(state), sizeof state - strlen(state), " v%lld",
				(long long)version);
		sd_age_text(sd_now_ms() - sd_json_get_i64(it->j, "at", 0), age);
	} else {
		role = lane_text(ui, it->j, state, sizeof state);
		sd_age_text(sd_now_ms() - sd_json_get_i64(it->j, "enqueued", 0), age);
		snprintf(
			number, sizeof number, "%lld", (long long)sd_json_get_i64(it->j, "seq", 0));
		sd_queue_fields(it->j, &fields);
	}
	sd_put(y, x, 1, row, on ? ">" : " ");
	sd_put_cell(y, x + 2, 4, row, true, number);
	sd_put(y, x + 7, 7, row, sd_json_get_str(it->j, "op"));
	sd_put(y, x + 14, c->model, row, sd_json_get_str(it->j, "model"));
	sd_put(y, x + 15 + c->model, c->key, row, sd_buf_text(&key));
	if (!it->sent)
		sd_put(y, x + 16 + c->model + c->key, c->fields, row, sd_buf_text(&fields));
	rest = x + 17 + c->model + c->key + c->fields;
	sd_put_cell(y, rest, 4, row, true, age);
	if (!it->sent) {
		snprintf(number, sizeof number, "%lld",
			(long long)sd_json_get_i64(it->j, "attempts", 0));
		sd_put_cell(y, rest + 4, 4, row, true, number);
	}
	sd_put(y, rest + 9, wide ? 18 : o->rows.x + o->rows.w - rest - 9, on ? row : role, state);
	if (wide && !it->sent)
		sd_put(y, rest + 28, o->rows.x + o->rows.w - rest - 28, on ? row : SD_R_DIM,
			sd_json_get_str(sd_json_get(it->j, "error"), "message"));
out:
	free(k);
	sd_buf_release(&key);
	sd_buf_release(&fields);
}

static void add_line(
	struct sd_queue_view *o, enum sd_role r, int w, const char *label, const char *s)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "%-8s %s", label, s);
	sd_text_add_wrapped(&o->text, r, w, 9, sd_buf_text(&b), b.len);
	sd_buf_release(&b);
}

/* What the server's own merge will make of a change that travels with an old version (U-05). */
static void add_forecast(struct sd_queue_view *o, int w)
{
	const struct cJSON *f = sd_json_get(o->shown, "forecast");
	const struct cJSON *x = sd_json_child(sd_json_get(f, "fields"));
	struct sd_buf b = SD_BUF_INIT;

	for (; x; x = sd_json_next(x)) {
		const char *why = sd_json_get_str(x, "why");
		if (sd_json_equal(sd_json_get(x, "mine"), sd_json_get(x, "result"), true))
			continue;
		sd_buf_reset(&b);
		sd_buf_fmt(&b, "%s becomes ", sd_json_get_str(x, "name"));
		sd_json_print(sd_json_get(x, "result"), &b);
		sd_buf_fmt(&b, ": %s", why ? why : "");
		add_line(o, SD_R_WARN, w, "forecast", sd_buf_text(&b));
	}
	if (b.len)
		add_line(o, SD_R_WARN, w, "next", "b puts it on the newest version first.");
	sd_buf_release(&b);
}

void sd_queue_detail(struct sd_ui *ui, struct sd_queue_view *o, int w)
{
	const struct sd_queue_item *it = sd_queue_here(o);
	int64_t seq = sd_queue_seq(o);
	const struct cJSON *j = it ? it->j : NULL, *error;
	const char *hold, *cond, *lane;
	struct sd_buf b = SD_BUF_INIT;

	sd_text_reset(&o->text);
	if (!j)
		return;
	if (it->sent) {
		const char *text = sd_json_get_str(j, "text");

		add_line(o, SD_R_TEXT, w, "result", text ? text : "");
		return;
	}
	if (o->shown_seq != seq) {
		sd_json_free(o->shown);
		o->shown = NULL;
		if (sd_api_outbox_show(ui->api, seq, &o->shown, NULL) != SD_OK)
			o->shown = NULL;
		o->shown_seq = seq;
	}
	error = sd_json_get(j, "error");
	if (sd_json_is_object(error)) {
		sd_buf_fmt(&b, "%s %s (attempt %lld)",
			sd_json_get_str(error, "type") ? sd_json_get_str(error, "type") : "",
			sd_json_get_str(error, "message") ? sd_json_get_str(error, "message") : "",
			(long long)sd_json_get_i64(j, "attempts", 0));
		add_line(o, SD_R_ERROR, w, "error", sd_buf_text(&b));
	}
	hold = sd_json_get_str(o->shown, "hold");
	if (hold && *hold)
		add_line(o, SD_R_WARN, w, "held", hold);
	sd_buf_reset(&b);
	sd_json_print(sd_json_get(j, "fields"), &b);
	add_line(o, SD_R_TEXT, w, "body", sd_buf_text(&b));
	cond = sd_json_get_str(j, "condition");
	add_line(o, SD_R_DIM, w, "cond", cond ? cond : "none");
	sd_buf_reset(&b);
	sd_show_value(sd_json_get(j, "version"), &b);
	add_line(o, SD_R_DIM, w, "version", sd_buf_text(&b));
	add_forecast(o, w);
	lane = sd_json_get_str(j, "lane");
	if (sd_str_eq(lane, "refused"))
		add_line(o, SD_R_TEXT, w, "next",
			"r tries it again; o opens the record to edit it; d discards the change.");
	sd_buf_release(&b);
}

static void draw_help(struct sd_rect r)
{
	static const char *const lines[] = {"r   retry this one now", "R   retry everything now",
		"P   pause sending (work on, send later)", "p   park this one, or unpark it",
		"d   discard this change: the record goes",
		"    back to the server's copy; asks first", "o   open the record",
		"Y   copy the body as JSON", "x   export the body to a file"};
	struct sd_rect in = sd_inside(r);

	sd_box(r, false, "What can I do?", NULL);
	for (int i = 0; i < (int)(sizeof lines / sizeof *lines) && i < in.h; i++)
		sd_put(in.y + i, in.x + 1, in.w - 1, SD_R_TEXT, lines[i]);
}

void sd_queue_draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;
	struct sd_rect a = sd_frame_area(ui), list = a, detail = a, in;
	const struct columns *cols;
	char title[160], age[SD_TIME_TEXT] = "0s";
	const struct sd_api_counts *c = &ui->counts;

	detail.h = sd_frame_small(ui) ? 0 : a.h * 2 / 5;
	if (ui->zoom)
		detail.h = 0;
	list.h = a.h - detail.h;
	detail.y = a.y + list.h;
	if (c->oldest_ms)
		sd_age_text(sd_now_ms() - c->oldest_ms, age);
	if (c->pending || c->refused || c->conflicts)
		snprintf(title, sizeof title, "Outbox  %lld unsent, oldest %s%s",
			(long long)(c->pending + c->refused), age,
			ui->status.paused ? "  PAUSED" : "");
	else
		snprintf(title, sizeof title, "Outbox  nothing waits%s",
			ui->status.paused ? "  PAUSED" : "");
	sd_box(list, true, title, NULL);
	in = sd_inside(list);
	cols = columns(in.w);
	sd_put(in.y, in.x + 5, 2, SD_R_HEAD, "#");
	sd_put(in.y, in.x + 7, 7, SD_R_HEAD, "op");
	sd_put(in.y, in.x + 14, cols->model, SD_R_HEAD, "model");
	sd_put(in.y, in.x + 15 + cols->model, cols->key, SD_R_HEAD, "record");
	sd_put(in.y, in.x + 16 + cols->model + cols->key, cols->fields, SD_R_HEAD, "fields");
	sd_put(in.y, in.x + 18 + cols->model + cols->key + cols->fields, 20, SD_R_HEAD,
		"age try state");
	o->rows = (struct sd_rect){in.y + 1, in.x, in.h - 1, in.w};
	sd_list_fit(&o->at, o->n, o->rows.h);
	for (int i = 0; i < o->rows.h && o->at.top + i < o->n; i++)
		draw_item(ui, o, o->at.top + i, o->rows.y + i);
	if (!o->n)
		sd_put(o->rows.y, o->rows.x + 2, o->rows.w - 2, SD_R_DIM,
			"No change is waiting. Edits made in Data appear here until the server has "
			"them.");
	if (!detail.h)
		return;
	if (sd_frame_wide(ui)) {
		struct sd_rect help = {detail.y, a.x + a.w - 46, detail.h, 46};

		detail.w -= 46;
		draw_help(help);
	}
	in = sd_inside(detail);
	sd_queue_detail(ui, o, in.w - 2);
	sd_box(detail, false, "This change", NULL);
	in.x++;
	in.w -= 2;
	o->text.top = 0;
	sd_text_draw(&o->text, in);
}
