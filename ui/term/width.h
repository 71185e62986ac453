/*
 * ui/term/width.h - text as it takes up cells, and nothing else reaches the terminal.
 *
 * One iterator turns any bytes into glyphs: a grapheme cluster drawn in a known number of cells.
 * Hostile input (control characters, bidi overrides, zero-width tricks, invalid UTF-8) comes out
 * as visible ASCII escapes by sd_text_safe(), so whoever draws through it cannot be tricked.
 * Emoji sequences are drawn as their base: terminals disagree on the joined form.
 *
 * Depends on: base, utf8proc.  Threads: no state.
 */
#ifndef SD_UI_TERM_WIDTH_H
#define SD_UI_TERM_WIDTH_H

#include <stdbool.h>
#include <stddef.h>

#define SD_GLYPH_DRAW 48

struct sd_glyph {
	size_t bytes;             /* taken from the input */
	int cells;                /* on the screen: 1 or 2; more for an escape; never 0 */
	size_t len;               /* of draw */
	char draw[SD_GLYPH_DRAW]; /* what to draw, UTF-8, NUL-terminated */
	bool escape;              /* draw is plain ASCII of `cells` characters */
};

/* The next glyph of s[0..n); false when n is 0. */
bool sd_glyph_next(const char *s, size_t n, struct sd_glyph *g);
/* Cells of the whole text. */
int sd_cells(const char *s, size_t n);
/* Bytes of s that fit into `cells` cells; *used (may be NULL) gets the cells they take. */
size_t sd_fit(const char *s, size_t n, int cells, int *used);
/* Bytes of the first line when s is broken at `cells` cells: at a blank where there is one, at a
 * newline always.  *skip gets the bytes to leave out behind it (the blank or newline). */
size_t sd_wrap(const char *s, size_t n, int cells, size_t *skip);
/* The start of the glyph that ends at byte `at` (for going left); 0 at the start. */
size_t sd_glyph_before(const char *s, size_t at);

#endif
