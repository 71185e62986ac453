/*
 * ui/term/draw.h - drawing that cannot leave its place: every call says how many cells it may use.
 *
 * Text passes through ui/term/width.h, so no byte of data reaches the terminal as it is.
 * Depends on: base, screen, theme, width.  Threads: UI thread only.
 */
#ifndef SD_UI_TERM_DRAW_H
#define SD_UI_TERM_DRAW_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "ui/term/theme.h"

struct sd_rect {
	int y, x, h, w;
};

/* Draws at most `max` cells of s; longer text ends in "..".  Returns the cells used. */
int sd_put(int y, int x, int max, enum sd_role r, const char *s);
int sd_put_n(int y, int x, int max, enum sd_role r, const char *s, size_t n);
int sd_putf(int y, int x, int max, enum sd_role r, const char *fmt, ...) SD_PRINTF(5, 6);
/* Exactly `width` cells: the text, and blanks behind it (before it, when right). */
void sd_put_cell(int y, int x, int width, enum sd_role r, bool right, const char *s);
void sd_fill(int y, int x, int width, enum sd_role r, char c);
/* A frame with a title in its upper line, and words at its right end (either may be NULL). */
void sd_box(struct sd_rect r, bool on, const char *title, const char *right);
void sd_line(int y, int x, int width, enum sd_role r); /* a horizontal rule */
void sd_blank(struct sd_rect r);
struct sd_rect sd_inside(struct sd_rect r); /* the frame's inside */
struct sd_rect sd_centre(int h, int w);     /* in the screen, cut to it */
bool sd_hit(struct sd_rect r, int y, int x);
/* Shows the terminal's cursor there after the next flush. */
void sd_cursor(int y, int x);

#endif
