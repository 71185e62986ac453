/*
 * ui/widget/edit.h - one line of text being typed.
 *
 * Depends on: base, term.  Threads: UI thread only.
 */
#ifndef SD_UI_WIDGET_EDIT_H
#define SD_UI_WIDGET_EDIT_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"
#include "ui/term/key.h"
#include "ui/term/theme.h"

struct sd_edit {
	struct sd_buf text; /* UTF-8 as typed; may hold newlines that came from elsewhere */
	size_t at;          /* cursor, bytes, at a glyph's border */
	bool secret;        /* drawn as stars */
};

void sd_edit_release(struct sd_edit *d);
void sd_edit_set(struct sd_edit *d, const char *s); /* cursor at the end */
const char *sd_edit_text(const struct sd_edit *d);  /* borrowed; "" when empty */
/* Types, deletes or moves.  C-e means end of line here only when `end_key`.  True when the key
 * was one of ours. */
bool sd_edit_key(struct sd_edit *d, const struct sd_key *k, bool end_key);
void sd_edit_insert(struct sd_edit *d, const char *s);
/* Draws exactly width cells, scrolled so that the cursor is seen; puts the cursor there. */
void sd_edit_draw(const struct sd_edit *d, int y, int x, int width, enum sd_role r, bool focus);

#endif
