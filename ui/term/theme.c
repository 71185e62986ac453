/* ui/term/theme.c - see theme.h. */
#include "ui/term/theme.h"

#include <curses.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

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

static struct look now[SD_R_COUNT];
static bool mono = true;

/* ---- the person's own ---- */

static const char *const ROLE_NAME[SD_R_COUNT] = {"text", "dim", "bar", "tab", "tab-on", "frame",
	"frame-on", "title", "head", "cursor", "cursor-off", "marked", "unsent", "syncing",
	"conflict", "error", "good", "warn", "link", "key", "hint", "input", "added", "removed"};
static struct look own[SD_R_COUNT];
static bool is_own[SD_R_COUNT];

/* -2: the word is no colour. */
static int color_of(const char *word)
{
	static const char *const NAME[] = {
		"black", "red", "green", "yellow", "blue", "magenta", "cyan", "white"};
	int64_t n;

	if (strcmp(word, "default") == 0)
		return -1;
	for (int i = 0; i < 8; i++)
		if (strcmp(word, NAME[i]) == 0)
			return i;
	return sd_parse_i64(word, &n) && n >= 0 && n < 256 ? (int)n : -2;
}

static unsigned long attr_of(const char *word)
{
	static const struct {
		const char *name;
		unsigned long attr;
	} ATTR[] = {{"bold", A_BOLD}, {"underline", A_UNDERLINE}, {"reverse", A_REVERSE}};

	for (size_t i = 0; i < sizeof ATTR / sizeof *ATTR; i++)
		if (strcmp(word, ATTR[i].name) == 0)
			return ATTR[i].attr;
	return A_NORMAL;
}

enum sd_err sd_theme_override(const char *role, const char *look, struct sd_error *e)
{
	struct look l = {-1, -1, -1, -1, A_NORMAL, A_NORMAL};
	char words[128], *save = NULL;
	bool behind_on = false;
	int r = 0;

	while (r < SD_R_COUNT && strcmp(ROLE_NAME[r], role) != 0)
		r++;
	if (r == SD_R_COUNT)
		return sd_fail(e, SD_INVAL, 0,
			"color.%s: there is no such role; there are: text dim bar tab tab-on frame "
			"frame-on title head cursor cursor-off marked unsent syncing conflict "
			"error "
			"good warn link key hint input added removed",
			role);
	snprintf(words, sizeof words, "%s", look);
	for (char *w = strtok_r(words, " \t", &save); w; w = strtok_r(NULL, " \t", &save)) {
		int c = color_of(w);
		if (strcmp(w, "on") == 0) {
			behind_on = true;
		} else if (attr_of(w) != A_NORMAL) {
			l.attr |= attr_of(w);
		} else if (c == -2) {
			return sd_fail(e, SD_INVAL, 0,
				"color.%s: \"%s\" is no colour; write [bold] [underline] [reverse] "
				"COLOR [on COLOR] with default, black, red, green, yellow, blue, "
				"magenta, cyan, white or 0 to 255",
				role, w);
		} else if (behind_on) {
			l.bg = (short)c;
			l.bg8 = (short)(c < 8 ? c : -1);
		} else {
			l.fg = (short)c;
			l.fg8 = (short)(c < 8 ? c : -1);
		}
	}
	own[r] = l;
	is_own[r] = true;
	return SD_OK;
}

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
	memcpy(now, THEMES[i].look ? THEMES[i].look : DEFAULT, sizeof now);
	for (int r = 0; r < SD_R_COUNT; r++)
		if (is_own[r]) {
			own[r].mono = now[r].mono; /* a state must still tell without colours */
			now[r] = own[r];
		}
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
