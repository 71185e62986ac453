/* ui/ui.c - the main loop: keys, signals, engine events in; one drawn frame out.  See ui.h. */
#include "ui/ui.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/log.h"
#include "ui/term/screen.h"
#include "ui/view/view.h"

#define FRAME_MS    16   /* at most one frame in this time */
#define RELOAD_MS   60   /* at most one look at the store */
#define MODELS_MS   400  /* counting all models is dearer */
#define TICK_MS     1000 /* ages move on */
#define PROGRESS_MS 50   /* how far long reads are */

struct sd_layer *sd_ui_layer(struct sd_ui *ui)
{
	return ui->top ? ui->top : ui->views[ui->view];
}

bool sd_ui_interrupted(struct sd_ui *ui)
{
	return sd_input_pending(&ui->in);
}

void sd_ui_push(struct sd_ui *ui, struct sd_layer *l)
{
	l->below = ui->top;
	ui->top = l;
	ui->dirty = true;
}

void sd_ui_pop(struct sd_ui *ui)
{
	struct sd_layer *l = ui->top;

	if (!l)
		return;
	ui->top = l->below;
	l->ops->free(ui, l);
	ui->dirty = true;
}

static void reload_layer(struct sd_ui *ui, struct sd_layer *l)
{
	if (!ui->locked && l->ops->reload)
		l->ops->reload(ui, l);
}

void sd_ui_view(struct sd_ui *ui, enum sd_view_id v)
{
	while (ui->top)
		sd_ui_pop(ui);
	if (ui->view != v)
		ui->zoom = false;
	ui->view = v;
	sd_state_refresh(ui, false);
	reload_layer(ui, ui->views[v]);
	ui->dirty = true;
}

const char *sd_ui_why_not(struct sd_ui *ui, enum sd_act a)
{
	struct sd_layer *l = sd_ui_layer(ui);

	if (sd_action(a)->writes && sd_api_read_only(ui->api))
		return "This profile is read-only (--read-only): nothing can be changed or sent.";
	if (ui->locked && (sd_action(a)->writes || a == SD_ACT_RESYNC || a == SD_ACT_RESYNC_ALL))
		return "This profile is locked: its owner has to sign in first (@).";
	if (a == SD_ACT_OFFLINE || a == SD_ACT_RESYNC || a == SD_ACT_RESYNC_ALL ||
		a == SD_ACT_START || a == SD_ACT_RESYNC_FULL) {
		if (!sd_api_has_backend(ui->api))
			return "There is no backend: everything stays on this device.";
	}
	return l->ops->why_not ? l->ops->why_not(ui, l, a) : NULL;
}

bool sd_ui_do(struct sd_ui *ui, enum sd_act a)
{
	struct sd_layer *l = sd_ui_layer(ui);
	const char *why = sd_ui_why_not(ui, a);
	bool ok;

	ui->dirty = true;
	if (why) {
		sd_say(ui, SD_SAY_WARN, "%s", why);
		return true;
	}
	if (ui->locked && !ui->top)
		ok = false;
	else
		ok = l->ops->act(ui, l, a);
	return ok || sd_everywhere(ui, a);
}

static void say_dead_key(struct sd_ui *ui, const struct sd_key *k)
{
	char key[SD_KEY_NAME], help[SD_KEY_NAME];

	sd_key_name(k->code, key);
	sd_key_name(sd_keymap_first(&ui->keys, SD_ACT_HELP), help);
	if (k->code == SD_KEY_UNKNOWN)
		sd_say(ui, SD_SAY_INFO, "That key does nothing here; %s for help.", help);
	else
		sd_say(ui, SD_SAY_INFO, "`%s` does nothing here; %s for help.", key, help);
	ui->message_until = sd_mono_ms() + 2000;
}

static void on_key(struct sd_ui *ui, const struct sd_key *k)
{
	struct sd_layer *l = sd_ui_layer(ui);
	bool is_mouse = k->code >= SD_KEY_CLICK && k->code <= SD_KEY_WHEEL_DOWN;
	enum sd_act a;

	ui->dirty = true;
	if (ui->message_kind >= SD_SAY_WARN)
		ui->message_until = 0; /* read, or at least seen */
	if (k->code == SD_KEY_LOST) {
		ui->quit = true;
		return;
	}
	if (is_mouse) {
		if (!ui->top && sd_frame_click(ui, k))
			return;
		if (l->ops->key && !(ui->locked && !ui->top))
			l->ops->key(ui, l, k);
		return;
	}
	if ((l->text_first || l->ctx == SD_IN_DIALOG) && l->ops->key && l->ops->key(ui, l, k))
		return;
	a = sd_keymap_find(&ui->keys, l->ctx, k->code);
	if (a == SD_ACT_NONE || !sd_ui_do(ui, a))
		say_dead_key(ui, k);
}

/* ---- the loop ---- */

static void on_signals(struct sd_ui *ui)
{
	enum sd_signal s;

	while ((s = sd_screen_signal()) != SD_SIG_NONE) {
		if (s == SD_SIG_RESIZE) {
			sd_screen_resize();
			ui->dirty = ui->stale = true;
		} else if (s == SD_SIG_QUIT) {
			ui->quit = true;
		} else {
			sd_everywhere(ui, SD_ACT_CANCEL);
		}
	}
}

/* Looks at the store again, not more often than it can be drawn. */
static void reload(struct sd_ui *ui)
{
	static int64_t models_ms, cost_ms;
	int64_t now = sd_mono_ms();
	bool all = now - models_ms >= MODELS_MS;

	/* a look that takes long (a sort without an index) is taken less often: keys come first */
	if (now - ui->reloaded_ms < RELOAD_MS + 5 * cost_ms)
		return;
	ui->stale = !all; /* the models' counts follow in the next round */
	ui->reloaded_ms = now;
	if (all)
		models_ms = now;
	sd_state_refresh(ui, all);
	reload_layer(ui, ui->views[ui->view]);
	for (struct sd_layer *l = ui->top; l; l = l->below)
		reload_layer(ui, l);
	cost_ms = sd_mono_ms() - now;
	ui->dirty = true;
}

static int wait_ms(const struct sd_ui *ui, int64_t now, int64_t next_frame)
{
	int64_t t = TICK_MS;

	if (ui->message_until > now && ui->message_until - now < t)
		t = ui->message_until - now + 1;
	if (ui->dirty && next_frame - now < t)
		t = next_frame - now;
	if (ui->stale && t > RELOAD_MS)
		t = RELOAD_MS;
	if (sd_data_busy(ui) && t > PROGRESS_MS)
		t = PROGRESS_MS;
	return t < 0 ? 0 : (int)t;
}

static void wait_for(struct sd_ui *ui, int ms)
{
	struct pollfd p[4] = {{STDIN_FILENO, POLLIN, 0}, {sd_screen_signal_fd(), POLLIN, 0},
		{sd_api_fd(ui->api), POLLIN, 0}, {sd_screen_stderr_fd(), POLLIN, 0}};
	int n = poll(p, 4, ms);

	if (n < 0)
		return;
	if (p[1].revents & POLLIN)
		on_signals(ui);
	if (p[3].revents & POLLIN)
		sd_screen_stderr();
	if (n == 0) {
		sd_state_refresh(ui, false);
		ui->dirty = true;
	}
	if ((p[0].revents & (POLLHUP | POLLERR | POLLNVAL)) && !(p[0].revents & POLLIN))
		ui->quit = true;
}

static void loop(struct sd_ui *ui)
{
	int64_t next_frame = 0;

	while (!ui->quit) {
		struct sd_key k;
		bool keyed = false; /* a key is answered at once, whatever the frame rate */
		int64_t now;

		for (; !ui->quit && sd_input_next(&ui->in, &k); keyed = true)
			on_key(ui, &k);
		sd_state_events(ui);
		if (sd_api_changed(ui->api))
			ui->stale = true;
		sd_data_jobs(ui);
		if (ui->stale)
			reload(ui);
		now = sd_mono_ms();
		if (ui->dirty && (keyed || now >= next_frame) && !ui->quit) {
			ui->dirty = false;
			sd_frame_draw(ui);
			sd_screen_flush();
			next_frame = sd_mono_ms() + FRAME_MS;
			if (!sd_input_pending(&ui->in))
				sd_screen_idle(ui->in.handled, !ui->stale && !sd_data_busy(ui));
		}
		now = sd_mono_ms();
		if (!ui->quit)
			wait_for(ui, wait_ms(ui, now, next_frame));
	}
}

static enum sd_err make_views(struct sd_ui *ui, struct sd_error *e)
{
	struct sd_layer *(*const make[SD_V_COUNT])(struct sd_ui *) = {
		sd_data_new, sd_outbox_new, sd_conflicts_new, sd_sync_new, sd_log_new};

	for (int v = 0; v < SD_V_COUNT; v++) {
		ui->views[v] = make[v](ui);
		if (!ui->views[v])
			return sd_fail(e, SD_NOMEM, 0, "screen: out of memory");
	}
	return SD_OK;
}

static void release(struct sd_ui *ui)
{
	while (ui->top)
		sd_ui_pop(ui);
	for (int v = 0; v < SD_V_COUNT; v++)
		if (ui->views[v])
			ui->views[v]->ops->free(ui, ui->views[v]);
	sd_state_release(ui);
	free(ui);
}

enum sd_err sd_ui_run(const struct sd_ui_opts *o, struct sd_error *e)
{
	struct sd_screen_opts so = {o->color, o->ascii, o->no_mouse, o->theme};
	struct sd_ui *ui = calloc(1, sizeof *ui);
	enum sd_err rc;
	int64_t left;

	if (!ui)
		return sd_fail(e, SD_NOMEM, 0, "screen: out of memory");
	ui->o = o;
	ui->api = o->api;
	ui->schema = sd_api_schema(o->api);
	rc = sd_keymap_init(&ui->keys, o->key_overrides, e);
	if (rc == SD_OK)
		rc = sd_screen_signals(e);
	if (rc == SD_OK)
		rc = sd_screen_start(&so, e);
	if (rc != SD_OK)
		goto out;
	sd_input_init(&ui->in, STDIN_FILENO);
	sd_state_refresh(ui, true);
	sd_edit_clean(ui);
	rc = make_views(ui, e);
	if (rc == SD_OK) {
		ui->dirty = true;
		reload_layer(ui, ui->views[SD_V_DATA]);
		if (!o->no_start)
			sd_ui_engine(ui, false);
		loop(ui);
	}
out:
	left = rc == SD_OK ? ui->counts.pending : 0;
	release(ui);
	sd_screen_stop();
	if (left)
		printf("%lld change%s on this device and will be sent next time.\n",
			(long long)left, left == 1 ? " waits" : "s wait");
	return rc;
}
