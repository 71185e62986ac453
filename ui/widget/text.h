/*
 * ui/widget/text.h - lines of text with roles, gathered and then drawn, scrolled and wrapped.
 *
 * Depends on: base, term.  Threads: UI thread only.
 */
#ifndef SD_UI_WIDGET_TEXT_H
#define SD_UI_WIDGET_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"
#include "ui/term/draw.h"

struct sd_text_line {
	char *text; /* owned */
	enum sd_role role;
	int tag; /* what the caller wants to know of it; 0 */
};

struct sd_text {
	struct sd_text_line *line; /* owned */
	size_t n, room;
	int top; /* first line shown */
};

void sd_text_release(struct sd_text *t);
void sd_text_reset(struct sd_text *t); /* keeps top */
void sd_text_add(struct sd_text *t, enum sd_role r, const char *s);
void sd_text_addf(struct sd_text *t, enum sd_role r, const char *fmt, ...) SD_PRINTF(3, 4);
/* Broken at width cells; following lines are indented.  Newlines in s break too. */
void sd_text_add_wrapped(
	struct sd_text *t, enum sd_role r, int width, int indent, const char *s, size_t n);
/* Draws from top into r; brings top into range. */
void sd_text_draw(struct sd_text *t, struct sd_rect r);

#endif
