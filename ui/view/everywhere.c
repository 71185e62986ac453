/* ui/view/everywhere.c - the actions that mean the same in every view: pause, offline, quit. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ui/term/screen.h"
#include "ui/view/view.h"

#define CANCEL_MS 2000 /* twice C-c within this quits */

static void toggle_pause(struct sd_ui *ui)
{
	bool paused = false;
	struct sd_error e = {0};

	if (sd_api_outbox_paused(ui->api, &paused, &e) != SD_OK ||
		sd_api_outbox_pause(ui->api, !paused, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	sd_api_kick(ui->api);
	sd_state_refresh(ui, false);
	ui->status.paused = !paused;
	sd_say(ui, SD_SAY_INFO,
		paused ? "Sending goes on."
		       : "Sending is paused; changes are kept on this device.");
}

static void toggle_pause_pull(struct sd_ui *ui)
{
	bool paused = false;
	struct sd_error e = {0};

	if (sd_api_sync_paused(ui->api, &paused, &e) != SD_OK ||
		sd_api_sync_pause(ui->api, !paused, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	sd_api_kick(ui->api);
	sd_state_refresh(ui, false);
	ui->status.pull_paused = !paused;
	sd_say(ui, SD_SAY_INFO,
		paused ? "Fetching goes on."
		       : "Fetching is paused: what others change does not come here.");
}

static void toggle_offline(struct sd_ui *ui)
{
	bool off = ui->status.switched_off;

	sd_api_net(ui->api, off);
	sd_state_refresh(ui, false);
	ui->status.switched_off = !off;
	sd_say(ui, SD_SAY_INFO,
		off ? "Online again: what waits is sent now."
		    : "Offline by hand. Work on; changes wait on this device.");
}

static void cancel(struct sd_ui *ui)
{
	int64_t now = sd_mono_ms();

	if (sd_data_stop(ui))
		return;
	if (ui->top) {
		if (!ui->top->ops->act(ui, ui->top, SD_ACT_BACK))
			sd_ui_pop(ui);
		return;
	}
	if (ui->last_cancel_ms && now - ui->last_cancel_ms < CANCEL_MS) {
		ui->quit = true;
		return;
	}
	ui->last_cancel_ms = now;
	sd_say(ui, SD_SAY_INFO, "Press it once more within 2 seconds to quit.");
}

static void back(struct sd_ui *ui, bool may_quit)
{
	if (ui->top) {
		sd_ui_pop(ui);
	} else if (ui->zoom) {
		ui->zoom = false;
		ui->dirty = true;
	} else if (may_quit) {
		ui->quit = true;
	}
}

void sd_ui_engine(struct sd_ui *ui, bool asked)
{
	struct sd_error e = {0};

	if (!sd_api_has_backend(ui->api) || sd_api_locked(ui->api))
		return;
	if (sd_api_start(ui->api, &e) != SD_OK) {
		if (e.code == SD_BUSY && !asked)
			sd_say(ui, SD_SAY_INFO, "%s", e.text);
		else
			sd_say_error(ui, &e);
	} else if (asked) {
		sd_say(ui, SD_SAY_INFO, "Syncing.");
	}
}

static void ask_full_done(struct sd_ui *ui, void *ctx, int i)
{
	(void)ctx;
	if (i != 1)
		return;
	sd_api_resync(ui->api, NULL, true);
	sd_say(ui, SD_SAY_INFO, "A full sync of all models was asked for.");
}

static void ask_full(struct sd_ui *ui)
{
	static const struct sd_choice choice[] = {{0, "leave it", 0}, {'y', "fetch everything", 0}};
	const struct sd_ask_opts o = {.title = "Full sync",
		.text = "Every model is fetched again from the start.\n"
			"Unsent changes stay as they are.",
		.choice = choice,
		.count = 2,
		.done = ask_full_done};

	sd_ask(ui, &o);
}

/* Rows outside the sync expressions, dropped or (dry) counted; -1 after an error, which is said. */
static int64_t drop_outside(struct sd_ui *ui, bool dry)
{
	struct cJSON *list = NULL;
	struct sd_error e = {0};
	int64_t n = 0;

	if (sd_api_drop_outside(ui->api, NULL, dry, &list, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return -1;
	}
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		n += sd_json_get_i64(j, "rows", 0);
	sd_json_free(list);
	return n;
}

static void drop_outside_done(struct sd_ui *ui, void *ctx, int i)
{
	int64_t n = i == 1 ? drop_outside(ui, false) : -1;

	(void)ctx;
	if (n < 0)
		return;
	ui->dirty = ui->stale = true;
	sd_say(ui, SD_SAY_INFO, "%lld row%s dropped; the server keeps them.", (long long)n,
		n == 1 ? "" : "s");
}

static void ask_drop_outside(struct sd_ui *ui)
{
	static const struct sd_choice choice[] = {{0, "keep them", 0}, {'y', "drop them", 0}};
	char text[160];
	const struct sd_ask_opts o = {.title = "Rows outside",
		.text = text,
		.choice = choice,
		.count = 2,
		.done = drop_outside_done};
	int64_t n = drop_outside(ui, true);

	if (n == 0)
		sd_say(ui, SD_SAY_INFO, "No row here is outside the sync expressions.");
	if (n <= 0)
		return;
	snprintf(text, sizeof text,
		"%lld row%s here do not match the sync expression\nand hold no unsent change.",
		(long long)n, n == 1 ? "" : "s");
	sd_ask(ui, &o);
}

static void stop_engine(struct sd_ui *ui)
{
	sd_api_stop(ui->api);
	sd_say(ui, SD_SAY_INFO, "Syncing is stopped; :start starts it again.");
}

static void resync_all(struct sd_ui *ui)
{
	sd_api_resync(ui->api, NULL, false);
	sd_say(ui, SD_SAY_INFO, "Asked the server what is new in every model.");
}

static bool do_view(struct sd_ui *ui, enum sd_act a)
{
	if (a < SD_ACT_VIEW_DATA || a > SD_ACT_VIEW_LOG)
		return false;
	sd_ui_view(ui, (enum sd_view_id)(a - SD_ACT_VIEW_DATA));
	return true;
}

bool sd_everywhere(struct sd_ui *ui, enum sd_act a)
{
	switch (a) {
	case SD_ACT_PALETTE:
		sd_palette_open(ui);
		return true;
	case SD_ACT_HELP:
	case SD_ACT_FORM_HELP:
		sd_help_open(ui);
		return true;
	case SD_ACT_PAUSE:
		toggle_pause(ui);
		return true;
	case SD_ACT_PAUSE_PULL:
		toggle_pause_pull(ui);
		return true;
	case SD_ACT_OFFLINE:
		toggle_offline(ui);
		return true;
	case SD_ACT_ACCOUNT:
		sd_account_open(ui);
		return true;
	case SD_ACT_UNDO:
		sd_undo(ui);
		return true;
	case SD_ACT_REDO:
		sd_redo(ui);
		return true;
	case SD_ACT_REDRAW:
		sd_screen_resize();
		ui->dirty = ui->stale = true;
		return true;
	case SD_ACT_SUSPEND:
		sd_screen_suspend();
		ui->dirty = ui->stale = true;
		return true;
	case SD_ACT_ZOOM:
		ui->zoom = !ui->zoom;
		ui->dirty = true;
		return true;
	case SD_ACT_RESYNC_ALL:
		resync_all(ui);
		return true;
	case SD_ACT_RESYNC_FULL:
		ask_full(ui);
		return true;
	case SD_ACT_DROP_OUTSIDE:
		ask_drop_outside(ui);
		return true;
	case SD_ACT_START:
		sd_ui_engine(ui, true);
		return true;
	case SD_ACT_STOP:
		stop_engine(ui);
		return true;
	case SD_ACT_CANCEL:
		cancel(ui);
		return true;
	case SD_ACT_BACK:
	case SD_ACT_QUIT_BACK:
		back(ui, a == SD_ACT_QUIT_BACK);
		return true;
	case SD_ACT_QUIT:
		ui->quit = true;
		return true;
	default:
		return do_view(ui, a);
	}
}
