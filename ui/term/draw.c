/* ui/term/draw.c - see draw.h. */
#include "ui/term/draw.h"

#include <curses.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/term/width.h"

static void use(enum sd_role r)
{
	attr_set((attr_t)sd_theme_attr(r), sd_theme_pair(r), NULL);
}

/* One glyph that is not plain ASCII.  Where curses would give it another width than we laid out,
 * or the locale cannot say it, question marks keep the place: nothing may ever overlap. */
static void put_wide(int y, int x, enum sd_role r, const struct sd_glyph *g)
{
	wchar_t w[CCHARW_MAX + 1];
	int n = 0, cells = 0;
	cchar_t c;

	for (size_t at = 0; at < g->len && n < CCHARW_MAX;) {
		uint32_t cp = 0;
		int k = sd_utf8_get(g->draw + at, g->len - at, &cp);

		if (k <= 0)
			break;
		w[n++] = (wchar_t)cp;
		cells += wcwidth((wchar_t)cp);
		at += (size_t)k;
	}
	w[n] = 0;
	if (sd_screen_utf8() && cells == g->cells && wcwidth(w[0]) == g->cells &&
		setcchar(&c, w, (attr_t)sd_theme_attr(r), sd_theme_pair(r), NULL) == OK) {
		mvadd_wch(y, x, &c);
		return;
	}
	for (int i = 0; i < g->cells; i++)
		mvaddch(y, x + i, '?');
}

int sd_put_n(int y, int x, int max, enum sd_role r, const char *s, size_t n)
{
	struct sd_glyph g;
	int used = 0, room;
	size_t fits;

	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return 0;
	if (max > COLS - x)
		max = COLS - x;
	if (max <= 0)
		return 0;
	room = max;
	fits = sd_fit(s, n, max, NULL);
	if (fits < n && max >= 5) {
		room = max - 2;
		fits = sd_fit(s, n, room, NULL);
	}
	use(r);
	for (size_t at = 0; at < fits && sd_glyph_next(s + at, fits - at, &g); at += g.bytes) {
		if (g.escape || g.len == 1)
			mvaddnstr(y, x + used, g.draw, (int)g.len);
		else
			put_wide(y, x + used, r, &g);
		used += g.cells;
	}
	if (room < max) {
		mvaddstr(y, x + used, "..");
		used += 2;
	}
	return used;
}

int sd_put(int y, int x, int max, enum sd_role r, const char *s)
{
	return s ? sd_put_n(y, x, max, r, s, strlen(s)) : 0;
}

int sd_putf(int y, int x, int max, enum sd_role r, const char *fmt, ...)
{
	char b[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	return sd_put(y, x, max, r, b);
}

void sd_fill(int y, int x, int width, enum sd_role r, char c)
{
	if (y < 0 || y >= LINES || x < 0)
		return;
	if (width > COLS - x)
		width = COLS - x;
	use(r);
	for (int i = 0; i < width; i++)
		mvaddch(y, x + i, (chtype)(unsigned char)c);
}

void sd_put_cell(int y, int x, int width, enum sd_role r, bool right, const char *s)
{
	int cells = s ? sd_cells(s, strlen(s)) : 0, used;

	if (right && cells < width) {
		sd_fill(y, x, width - cells, r, ' ');
		sd_put(y, x + width - cells, cells, r, s);
		return;
	}
	used = sd_put(y, x, width, r, s);
	sd_fill(y, x + used, width - used, r, ' ');
}

enum { H, V, TL, TR, BL, BR };
static const char *const FRAME[2][6] = {
	{"\u2500", "\u2502", "\u250c", "\u2510", "\u2514", "\u2518"},
	{"-", "|", "+", "+", "+", "+"},
};

static void frame_at(int y, int x, enum sd_role r, int part)
{
	sd_put(y, x, 1, r, FRAME[sd_screen_ascii()][part]);
}

void sd_line(int y, int x, int width, enum sd_role r)
{
	for (int i = 0; i < width; i++)
		frame_at(y, x + i, r, H);
}

void sd_blank(struct sd_rect r)
{
	for (int i = 0; i < r.h; i++)
		sd_fill(r.y + i, r.x, r.w, SD_R_TEXT, ' ');
}

void sd_box(struct sd_rect r, bool on, const char *title, const char *right)
{
	enum sd_role f = on ? SD_R_FRAME_ON : SD_R_FRAME;
	int end = r.x + r.w - 2;

	if (r.h < 2 || r.w < 4)
		return;
	sd_blank(r);
	sd_line(r.y, r.x + 1, r.w - 2, f);
	sd_line(r.y + r.h - 1, r.x + 1, r.w - 2, f);
	for (int i = 1; i < r.h - 1; i++) {
		frame_at(r.y + i, r.x, f, V);
		frame_at(r.y + i, r.x + r.w - 1, f, V);
	}
	frame_at(r.y, r.x, f, TL);
	frame_at(r.y, r.x + r.w - 1, f, TR);
	frame_at(r.y + r.h - 1, r.x, f, BL);
	frame_at(r.y + r.h - 1, r.x + r.w - 1, f, BR);
	if (right && *right) {
		int n = sd_cells(right, strlen(right));

		if (n + 6 < r.w) {
			sd_putf(r.y, end - n - 1, n + 2, SD_R_DIM, " %s ", right);
			end -= n + 2;
		}
	}
	if (title && *title && end - r.x - 4 > 0) {
		int n = sd_put(r.y, r.x + 3, end - r.x - 4, on ? SD_R_TITLE : SD_R_TEXT, title);

		sd_put(r.y, r.x + 2, 1, f, " ");
		sd_put(r.y, r.x + 3 + n, 1, f, " ");
	}
}

struct sd_rect sd_inside(struct sd_rect r)
{
	struct sd_rect in = {r.y + 1, r.x + 1, r.h - 2, r.w - 2};

	return in;
}

struct sd_rect sd_centre(int h, int w)
{
	struct sd_rect r;

	r.h = h > LINES - 2 ? LINES - 2 : h;
	r.w = w > COLS ? COLS : w;
	r.y = (LINES - r.h) / 2;
	r.x = (COLS - r.w) / 2;
	return r;
}

bool sd_hit(struct sd_rect r, int y, int x)
{
	return y >= r.y && y < r.y + r.h && x >= r.x && x < r.x + r.w;
}

void sd_cursor(int y, int x)
{
	if (y < 0 || y >= LINES || x < 0 || x >= COLS)
		return;
	move(y, x);
	curs_set(1);
}
