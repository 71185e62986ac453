/*
 * ui/ui.h - the terminal UI: the one door app goes through.
 *
 * Depends on: core/api and the rest of ui.  Threads: the main thread, and call it before any other thread
 * starts (it blocks the signals it takes through a descriptor); it starts the engine itself.
 */
#ifndef SD_UI_UI_H
#define SD_UI_UI_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "ui/action.h"
#include "ui/term/theme.h" /* enum sd_color */

struct sd_api;

/* Somebody the switch dialog offers without typing the name (the demo's users). */
struct sd_ui_user {
	const char *name;
	const char *password; /* NULL: asked for; else it stands on the dialog (demo only) */
};

struct sd_ui_opts { /* all borrowed for the call */
	struct sd_api *api;
	const char *profile_name; /* shown in row 0 */
	enum sd_color color;
	bool ascii, no_mouse;
	const char *theme; /* NULL: default */
	const char *const
		*key_overrides; /* "action=key key" texts, NULL behind the last; or NULL */
	const struct sd_ui_user *users;
	size_t user_count;
	bool no_start; /* do not start the engine (--offline keeps it local: leave false then too) */
};

/* Runs until the person quits or the terminal goes away; the terminal is given back in any case.
 * Errors: INVAL (no terminal, unknown TERM, theme or key), IO, NOMEM. */
SD_MUST_USE enum sd_err sd_ui_run(const struct sd_ui_opts *o, struct sd_error *e);

#endif
