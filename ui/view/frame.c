/* ui/view/frame.c - the four lines every screen has: state, views, message, hints. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/term/width.h"
#include "ui/view/view.h"

#define MIN_ROWS 15
#define MIN_COLS 60

struct sd_rect sd_frame_area(struct sd_ui *ui)
{
	struct sd_rect r = {2, 0, sd_screen_rows() - 4, sd_screen_cols()};

	(void)ui;
	return r;
}

bool sd_frame_small(struct sd_ui *ui)
{
	(void)ui;
	return sd_screen_cols() < 80 || sd_screen_rows() < 24;
}

bool sd_frame_wide(struct sd_ui *ui)
{
	(void)ui;
	return sd_screen_cols() >= 120;
}

/* The network in words, and how bad it is. */
static enum sd_role net_words(struct sd_ui *ui, struct sd_buf *b)
{
	const struct sd_api_status *s = &ui->status;
	char clock[SD_TIME_TEXT];

	if (ui->locked) {
		sd_buf_str(b, "LOCKED, @ signs in");
		return SD_R_WARN;
	}
	if (!sd_api_has_backend(ui->api)) {
		sd_buf_str(b, "LOCAL");
		return SD_R_DIM;
	}
	if (s->switched_off) {
		sd_buf_str(b, "OFFLINE (by hand)");
		return SD_R_WARN;
	}
	if (s->auth_needed) {
		sd_buf_str(b, "SIGN-IN NEEDED");
		return SD_R_WARN;
	}
	if (!s->running) {
		if (s->engine_pid)
			sd_buf_fmt(b, "SYNCED BY %d", s->engine_pid);
		else
			sd_buf_str(b, "STOPPED");
		return SD_R_DIM;
	}
	if (!strcmp(s->phase, "offline") || !strcmp(s->phase, "stopped") ||
		(!s->active && s->offline_since_ms)) {
		sd_buf_str(b, "OFFLINE");
		if (s->offline_since_ms) {
			sd_show_clock(s->offline_since_ms, clock);
			sd_buf_fmt(b, " since %.5s", clock);
		}
		return SD_R_WARN;
	}
	if (!strcmp(s->phase, "syncing") && s->models_total) {
		sd_buf_fmt(b, "ONLINE syncing %d/%d", s->models_synced, s->models_total);
		return SD_R_SYNCING;
	}
	if (!strcmp(s->phase, "live")) {
		bool stale = s->realtime[0] && strcmp(s->realtime, "live") != 0;

		sd_buf_fmt(b, "ONLINE %s", stale ? s->realtime : "live");
		return stale ? SD_R_WARN : SD_R_GOOD;
	}
	sd_buf_fmt(b, "%s..", s->phase[0] ? s->phase : "connecting");
	return SD_R_SYNCING;
}

static void bar_right(struct sd_ui *ui, struct sd_buf *b)
{
	char t[SD_TIME_TEXT];

	if (sd_api_read_only(ui->api)) /* never cut off: it is why keys refuse */
		sd_buf_str(b, "READ-ONLY  ");
	net_words(ui, b);
	sd_buf_fmt(b, "  out %lld  conf %lld", (long long)ui->counts.pending,
		(long long)ui->counts.conflicts);
	if (ui->counts.refused)
		sd_buf_fmt(b, "  refused %lld", (long long)ui->counts.refused);
	if (ui->status.paused)
		sd_buf_str(b, "  PAUSED");
	if (ui->status.pull_paused)
		sd_buf_str(b, "  NOT FETCHING");
	if (sd_api_has_backend(ui->api) && !ui->locked && sd_screen_cols() >= 80) {
		if (ui->status.last_sync_ms) {
			sd_age_text(sd_now_ms() - ui->status.last_sync_ms, t);
			sd_buf_fmt(b, "  synced %s", t);
		} else {
			sd_buf_str(b, "  never synced");
		}
	}
	sd_buf_ch(b, ' ');
}

static void draw_bar(struct sd_ui *ui)
{
	struct sd_buf right = SD_BUF_INIT, left = SD_BUF_INIT;
	int cols = sd_screen_cols(), n;

	bar_right(ui, &right);
	if (cols >= 80)
		sd_buf_str(&left, " syncdeck");
	if (ui->user[0])
		sd_buf_fmt(&left, "%s%s", cols >= 80 ? "  " : " ", ui->user);
	if (cols >= 80 && ui->o->profile_name)
		sd_buf_fmt(&left, "  %s", ui->o->profile_name);
	sd_fill(0, 0, cols, SD_R_BAR, ' ');
	n = sd_cells(sd_buf_text(&right), right.len);
	if (n > cols)
		n = cols;
	sd_put(0, cols - n, n, SD_R_BAR, sd_buf_text(&right));
	sd_put(0, 0, cols - n - 1, SD_R_BAR, sd_buf_text(&left));
	sd_buf_release(&right);
	sd_buf_release(&left);
}

static const enum sd_act TABS[SD_V_COUNT] = {SD_ACT_VIEW_DATA, SD_ACT_VIEW_OUTBOX,
	SD_ACT_VIEW_CONFLICTS, SD_ACT_VIEW_SYNC, SD_ACT_VIEW_LOG};

static void tab_text(struct sd_ui *ui, int v, char *out, size_t room)
{
	char key[SD_KEY_NAME];
	int64_t n = v == SD_V_OUTBOX      ? ui->counts.pending + ui->counts.refused
		    : v == SD_V_CONFLICTS ? ui->counts.conflicts
					  : 0;
	bool small = sd_screen_cols() < 80;

	sd_key_name(sd_keymap_first(&ui->keys, TABS[v]), key);
	if (small)
		snprintf(out, room, "%s", key);
	else if (n)
		snprintf(out, room, "%s %s (%lld)", key, sd_action(TABS[v])->text, (long long)n);
	else
		snprintf(out, room, "%s %s", key, sd_action(TABS[v])->text);
}

/* Draws the views line; with click_x >= 0 only finds the view there (-1: none). */
static int tabs(struct sd_ui *ui, int click_x)
{
	int x = 1, cols = sd_screen_cols();
	char t[80];

	for (int v = 0; v < SD_V_COUNT; v++) {
		bool on = v == (int)ui->view;
		int n;

		tab_text(ui, v, t, sizeof t);
		n = (int)strlen(t) + 2;
		if (click_x >= x && click_x < x + n)
			return v;
		if (click_x < 0)
			sd_putf(1, x, cols - x, on ? SD_R_TAB_ON : SD_R_TAB, on ? "[%s]" : " %s ",
				t);
		x += n + (cols < 80 ? 0 : 1);
	}
	return x < 0 ? x : -1;
}

static void draw_tabs(struct sd_ui *ui)
{
	struct sd_buf b = SD_BUF_INIT;
	char key[SD_KEY_NAME];
	int n;

	tabs(ui, -1);
	sd_key_name(sd_keymap_first(&ui->keys, SD_ACT_PALETTE), key);
	sd_buf_fmt(&b, "%s %s  ", key, sd_screen_cols() < 80 ? "commands" : "cmd");
	sd_key_name(sd_keymap_first(&ui->keys, SD_ACT_HELP), key);
	sd_buf_fmt(&b, "%s help", key);
	n = (int)b.len;
	sd_put(1, sd_screen_cols() - n - 1, n, SD_R_HINT, sd_buf_text(&b));
	sd_buf_release(&b);
}

/* Nothing is unsent: is what there is here also what the server has? */
static void idle_synced(const struct sd_ui *ui, char *out, size_t room)
{
	int failed = 0;

	for (const struct cJSON *m = sd_json_child(ui->models); m; m = sd_json_next(m))
		failed += sd_str_eq(sd_json_get_str(m, "sync"), "failed");
	if (failed)
		snprintf(out, room,
			"Everything is sent; %d model%s could not be fetched: 4 shows why.", failed,
			failed == 1 ? "" : "s");
	else
		snprintf(out, room, "Everything is sent.");
}

/* What the message line says when nothing was said: where the person's work stands. */
static void idle_message(struct sd_ui *ui, char *out, size_t room)
{
	const struct sd_api_counts *c = &ui->counts;

	if (ui->locked)
		snprintf(out, room, "This profile is locked: its owner has to sign in (@).");
	else if (c->refused)
		snprintf(out, room, "The server refused %lld change%s; 2 shows why and what to do.",
			(long long)c->refused, c->refused == 1 ? "" : "s");
	else if (c->conflicts)
		snprintf(out, room, "%lld conflict%s your decision; 3 shows %s.",
			(long long)c->conflicts, c->conflicts == 1 ? " needs" : "s need",
			c->conflicts == 1 ? "it" : "them");
	else if (c->pending && !sd_api_has_backend(ui->api))
		snprintf(out, room, "Saved on this device. %lld change%s would go to a backend.",
			(long long)c->pending, c->pending == 1 ? "" : "s");
	else if (c->pending)
		snprintf(out, room, "Saved on this device. %lld change%s for the server.",
			(long long)c->pending, c->pending == 1 ? " waits" : "s wait");
	else
		idle_synced(ui, out, room);
	if (!c->pending && !c->refused && !c->conflicts && !ui->locked &&
		!sd_api_has_backend(ui->api))
		snprintf(out, room, "Saved on this device; no backend is configured.");
}

static void draw_message(struct sd_ui *ui)
{
	static const enum sd_role ROLES[] = {SD_R_TEXT, SD_R_GOOD, SD_R_WARN, SD_R_ERROR};
	char t[160];
	int y = sd_screen_rows() - 2;

	if (ui->message_until && sd_mono_ms() < ui->message_until) {
		sd_put(y, 1, sd_screen_cols() - 2, ROLES[ui->message_kind], ui->message);
		return;
	}
	ui->message_until = 0;
	idle_message(ui, t, sizeof t);
	sd_put(y, 1, sd_screen_cols() - 2, SD_R_DIM, t);
}

static void draw_hints(struct sd_ui *ui)
{
	struct sd_layer *l = sd_ui_layer(ui);
	int y = sd_screen_rows() - 1, x = 1, cols = sd_screen_cols(), end;
	char key[SD_KEY_NAME], pair[SD_KEY_NAME], help[SD_KEY_NAME + 8] = "";
	size_t n;
	const struct sd_hint *h = sd_hints(l->ctx, &n);

	if (l->hints) {
		h = l->hints;
		n = l->hint_n;
	}
	if (sd_action(SD_ACT_HELP)->where & l->ctx) {
		sd_key_name(sd_keymap_first(&ui->keys, SD_ACT_HELP), key);
		snprintf(help, sizeof help, cols >= 100 ? "%s help" : "%s", key);
	}
	end = cols - 1 - (int)strlen(help);
	for (size_t i = 0; i < n; i++) {
		bool off = sd_ui_why_not(ui, h[i].act) != NULL;
		char keys[2 * SD_KEY_NAME + 2];

		if (!sd_keymap_first(&ui->keys, h[i].act))
			continue;
		sd_key_name(sd_keymap_first(&ui->keys, h[i].act), key);
		snprintf(keys, sizeof keys, "%s", key);
		if (h[i].pair && sd_keymap_first(&ui->keys, h[i].pair)) {
			sd_key_name(sd_keymap_first(&ui->keys, h[i].pair), pair);
			snprintf(keys, sizeof keys, "%s/%s", key, pair);
		}
		if (x + (int)(strlen(keys) + strlen(h[i].label)) + 1 > end - 1)
			break;
		x += sd_put(y, x, cols - x, off ? SD_R_DIM : SD_R_KEY, keys) + 1;
		x += sd_put(y, x, cols - x, off ? SD_R_DIM : SD_R_HINT, h[i].label) + 2;
	}
	sd_put(y, end, cols - end, SD_R_KEY, help);
}

/* Nothing of a locked store is shown: not its models, not its counts. */
static void draw_locked(struct sd_ui *ui)
{
	struct sd_rect r = sd_frame_area(ui);

	sd_box(r, true, "Locked", NULL);
	sd_put(r.y + 2, 4, r.w - 6, SD_R_TEXT,
		"The data on this device belongs to a user who is not signed in.");
	sd_put(r.y + 3, 4, r.w - 6, SD_R_TEXT,
		"@ signs in; the same user finds everything as it was.");
}

void sd_frame_draw(struct sd_ui *ui)
{
	int rows = sd_screen_rows(), cols = sd_screen_cols();

	sd_screen_clear();
	if (rows < MIN_ROWS || cols < MIN_COLS) {
		sd_putf(0, 0, cols, SD_R_TEXT, "needs %dx%d, this is %dx%d", MIN_COLS, MIN_ROWS,
			cols, rows);
		return;
	}
	draw_bar(ui);
	draw_tabs(ui);
	draw_message(ui);
	draw_hints(ui);
	if (ui->locked)
		draw_locked(ui);
	else
		ui->views[ui->view]->ops->draw(ui, ui->views[ui->view]);
	/* the stack from the bottom up; it is a handful deep */
	for (int depth = 0;; depth++) {
		struct sd_layer *l = ui->top;
		int n = 0;

		for (struct sd_layer *i = ui->top; i; i = i->below)
			n++;
		if (depth >= n)
			break;
		for (int i = n - 1; i > depth; i--)
			l = l->below;
		l->ops->draw(ui, l);
	}
}

bool sd_frame_click(struct sd_ui *ui, const struct sd_key *k)
{
	int v;

	if (k->code != SD_KEY_CLICK || k->y != 1)
		return false;
	v = tabs(ui, k->x);
	if (v >= 0)
		sd_ui_view(ui, (enum sd_view_id)v);
	return true;
}
