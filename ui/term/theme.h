/*
 * ui/term/theme.h - roles of text, and how each looks with 256, 8 or no colours.
 *
 * A state is never told by colour alone: whoever draws puts the mark (* ~ ! x) there too.
 * Depends on: ncursesw.  Threads: UI thread only.
 */
#ifndef SD_UI_TERM_THEME_H
#define SD_UI_TERM_THEME_H

#include <stdbool.h>

#include "core/base/err.h"

enum sd_role {
	SD_R_TEXT,
	SD_R_DIM,
	SD_R_BAR, /* row 0 */
	SD_R_TAB, /* row 1 */
	SD_R_TAB_ON,
	SD_R_FRAME,
	SD_R_FRAME_ON, /* of the pane with the keys */
	SD_R_TITLE,
	SD_R_HEAD, /* column names */
	SD_R_CURSOR,
	SD_R_CURSOR_OFF, /* the cursor of a pane without the keys */
	SD_R_MARKED,
	SD_R_UNSENT,
	SD_R_SYNCING,
	SD_R_CONFLICT,
	SD_R_ERROR,
	SD_R_GOOD,
	SD_R_WARN,
	SD_R_LINK,
	SD_R_KEY, /* key names in hints and help */
	SD_R_HINT,
	SD_R_INPUT,
	SD_R_ADDED,
	SD_R_REMOVED,
	SD_R_COUNT
};

enum sd_color { SD_COLOR_AUTO, SD_COLOR_ALWAYS, SD_COLOR_NEVER };

/* Call once curses runs.  name NULL: "default".  INVAL names the themes there are. */
SD_MUST_USE enum sd_err sd_theme_use(const char *name, enum sd_color mode, struct sd_error *e);
/* The names, NULL behind the last. */
const char *sd_theme_name(int i);
/* color.ROLE of the settings: "[bold] [underline] [reverse] COLOR [on COLOR]", a colour being a name
 * (default black red green yellow blue magenta cyan white) or a number up to 255.  Holds in every
 * theme with colours from the next sd_theme_use() on.  INVAL names the roles, or the word. */
SD_MUST_USE enum sd_err sd_theme_override(const char *role, const char *look, struct sd_error *e);
/* For curses' attr_set: attributes and colour pair of a role. */
unsigned long sd_theme_attr(enum sd_role r);
short sd_theme_pair(enum sd_role r);
bool sd_theme_mono(void);

#endif
