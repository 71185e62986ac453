/* ui/term/theme.c - see theme.h. */
#include "ui/term/theme.h"

#include <curses.h>
#include <stdlib.h>
#include <string.h>

struct look {
	short fg, bg;       /* with 256 colours; -1: the terminal's own */
	short fg8, bg8;     /* with 8 */
	unsigned long attr; /* with colours */
	unsigned long mono; /* without */
};

#define ROLE(r, f, b, f8, b8, a, m) [r] = {f, b, f8, b8, a, m}

static const struct look DEFAULT[SD_R_COUNT] = {
	ROLE(SD_R_TEXT, -1, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_DIM, 244, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_BAR, 255, 24, COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_REVERSE),
	ROLE(SD_R_TAB, 250, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_TAB_ON, 81, -1, COLOR_CYAN, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_FRAME, 240, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_FRAME_ON, 81, -1, COLOR_CYAN, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_TITLE, 253, -1, -1, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_HEAD, 109, -1, COLOR_CYAN, -1, A_NORMAL, A_UNDERLINE),
	ROLE(SD_R_CURSOR, 255, 25, COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE),
	ROLE(SD_R_CURSOR_OFF, 255, 238, -1, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_MARKED, 222, -1, COLOR_YELLOW, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_UNSENT, 221, -1, COLOR_YELLOW, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_SYNCING, 117, -1, COLOR_CYAN, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_CONFLICT, 213, -1, COLOR_MAGENTA, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_ERROR, 203, -1, COLOR_RED, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_GOOD, 114, -1, COLOR_GREEN, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_WARN, 221, -1, COLOR_YELLOW, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_LINK, 117, -1, COLOR_CYAN, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_KEY, 81, -1, COLOR_CYAN, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_HINT, 248, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_INPUT, -1, 236, -1, -1, A_NORMAL, A_UNDERLINE),
	ROLE(SD_R_ADDED, 114, -1, COLOR_GREEN, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_REMOVED, 203, -1, COLOR_RED, -1, A_NORMAL, A_UNDERLINE),
};

/* For terminals with a light background. */
static const struct look LIGHT[SD_R_COUNT] = {
	ROLE(SD_R_TEXT, -1, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_DIM, 242, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_BAR, 231, 25, COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_REVERSE),
	ROLE(SD_R_TAB, 240, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_TAB_ON, 25, -1, COLOR_BLUE, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_FRAME, 248, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_FRAME_ON, 25, -1, COLOR_BLUE, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_TITLE, 234, -1, -1, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_HEAD, 30, -1, COLOR_BLUE, -1, A_NORMAL, A_UNDERLINE),
	ROLE(SD_R_CURSOR, 231, 25, COLOR_WHITE, COLOR_BLUE, A_BOLD, A_REVERSE),
	ROLE(SD_R_CURSOR_OFF, 234, 253, -1, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_MARKED, 130, -1, COLOR_MAGENTA, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_UNSENT, 130, -1, COLOR_MAGENTA, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_SYNCING, 25, -1, COLOR_BLUE, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_CONFLICT, 127, -1, COLOR_MAGENTA, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_ERROR, 160, -1, COLOR_RED, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_GOOD, 28, -1, COLOR_GREEN, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_WARN, 130, -1, COLOR_RED, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_LINK, 25, -1, COLOR_BLUE, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_KEY, 25, -1, COLOR_BLUE, -1, A_BOLD, A_BOLD),
	ROLE(SD_R_HINT, 240, -1, -1, -1, A_NORMAL, A_NORMAL),
	ROLE(SD_R_INPUT, -1, 254, -1, -1, A_NORMAL, A_UNDERLINE),
	ROLE(SD_R_ADDED, 28, -1, COLOR_GREEN, -1, A_NORMAL, A_BOLD),
	ROLE(SD_R_REMOVED, 160, -1, COLOR_RED, -1, A_NORMAL, A_UNDERLINE),
};

static const struct {
	const char *name;
	const struct look *look; /* NULL: no colours at all */
} THEMES[] = {
	{"default", DEFAULT},
	{"light", LIGHT},
	{"mono", NULL},
};
#define THEME_COUNT ((int)(sizeof THEMES / sizeof *THEMES))

static const struct look *now = DEFAULT;
static bool mono = true;

const char *sd_theme_name(int i)
{
	return i >= 0 && i < THEME_COUNT ? THEMES[i].name : NULL;
}

/* NO_COLOR counts when it is set and not empty (no-color.org); --color=always outranks it. */
static bool want_color(enum sd_color mode)
{
	const char *no = getenv("NO_COLOR");

	if (mode == SD_COLOR_NEVER || (mode == SD_COLOR_AUTO && no && *no))
		return false;
	return has_colors() && COLORS >= 8;
}

enum sd_err sd_theme_use(const char *name, enum sd_color mode, struct sd_error *e)
{
	int i = 0;

	if (!name || !*name)
		name = "default";
	while (i < THEME_COUNT && strcmp(THEMES[i].name, name) != 0)
		i++;
	if (i == THEME_COUNT)
		return sd_fail(e, SD_INVAL, 0,
			"theme \"%s\" is not known; there are: default light mono", name);
	now = THEMES[i].look ? THEMES[i].look : DEFAULT;
	mono = !THEMES[i].look || !want_color(mode);
	if (mono)
		return SD_OK;
	start_color();
	use_default_colors();
	for (short r = 0; r < SD_R_COUNT; r++) {
		const struct look *l = &now[r];
		bool rich = COLORS >= 256;

		init_pair((short)(r + 1), rich ? l->fg : l->fg8, rich ? l->bg : l->bg8);
	}
	return SD_OK;
}

unsigned long sd_theme_attr(enum sd_role r)
{
	return mono ? now[r].mono : now[r].attr;
}

short sd_theme_pair(enum sd_role r)
{
	return mono ? 0 : (short)(r + 1);
}

bool sd_theme_mono(void)
{
	return mono;
}
