/* ui/widget/edit.c - see edit.h. */
#include "ui/widget/edit.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/draw.h"
#include "ui/term/width.h"

#define EDIT_MAX ((size_t)1 << 20) /* longest line, bytes */

void sd_edit_release(struct sd_edit *d)
{
	if (d->secret && d->text.data)
		explicit_bzero(d->text.data, d->text.room);
	sd_buf_release(&d->text);
	d->at = 0;
}

void sd_edit_set(struct sd_edit *d, const char *s)
{
	sd_buf_reset(&d->text);
	sd_buf_str(&d->text, s ? s : "");
	d->at = d->text.len;
}

const char *sd_edit_text(const struct sd_edit *d)
{
	return sd_buf_text(&d->text);
}

/* Replaces bytes [from, to) by s and puts the cursor behind it. */
static void splice(struct sd_edit *d, size_t from, size_t to, const char *s)
{
	size_t n = strlen(s), tail = d->text.len - to;
	struct sd_buf b = SD_BUF_INIT;

	if (from + n + tail > EDIT_MAX)
		return;
	sd_buf_add(&b, sd_buf_text(&d->text), from);
	sd_buf_add(&b, s, n);
	sd_buf_add(&b, sd_buf_text(&d->text) + to, tail);
	if (sd_buf_ok(&b)) {
		sd_buf_release(&d->text);
		d->text = b;
		d->at = from + n;
	} else {
		sd_buf_release(&b);
	}
}

void sd_edit_insert(struct sd_edit *d, const char *s)
{
	splice(d, d->at, d->at, s);
}

static size_t glyph_after(const struct sd_edit *d)
{
	struct sd_glyph g;

	if (!sd_glyph_next(sd_edit_text(d) + d->at, d->text.len - d->at, &g))
		return d->at;
	return d->at + g.bytes;
}

static size_t word_before(const struct sd_edit *d)
{
	const char *s = sd_edit_text(d);
	size_t i = d->at;

	while (i && s[i - 1] == ' ')
		i--;
	while (i && s[i - 1] != ' ')
		i--;
	return i;
}

bool sd_edit_key(struct sd_edit *d, const struct sd_key *k, bool end_key)
{
	const char *s = sd_edit_text(d);
	char cp[5] = {0};

	if (sd_key_is_text(k)) {
		sd_utf8_put(k->code, cp);
		sd_edit_insert(d, cp);
		return true;
	}
	switch (k->code) {
	case SD_KEY_LEFT:
		d->at = sd_glyph_before(s, d->at);
		return true;
	case SD_KEY_RIGHT:
		d->at = glyph_after(d);
		return true;
	case SD_KEY_HOME:
	case 1: /* C-a */
		d->at = 0;
		return true;
	case 5: /* C-e */
		if (!end_key)
			return false;
		d->at = d->text.len;
		return true;
	case SD_KEY_END:
		d->at = d->text.len;
		return true;
	case SD_KEY_BACKSPACE:
		splice(d, sd_glyph_before(s, d->at), d->at, "");
		return true;
	case SD_KEY_DEL:
		splice(d, d->at, glyph_after(d), "");
		return true;
	case 23: /* C-w */
		splice(d, word_before(d), d->at, "");
		return true;
	case 21: /* C-u */
		splice(d, 0, d->at, "");
		return true;
	case 11: /* C-k */
		splice(d, d->at, d->text.len, "");
		return true;
	default:
		return false;
	}
}

void sd_edit_draw(const struct sd_edit *d, int y, int x, int width, enum sd_role r, bool focus)
{
	const char *s = sd_edit_text(d);
	struct sd_glyph g;
	size_t from = 0, fits;
	int before = sd_cells(s, d->at), used = 0;

	if (width < 1)
		return;
	if (d->secret) {
		sd_fill(y, x, width, r, ' ');
		sd_fill(y, x, before < width ? before : width - 1, r, '*');
		if (focus)
			sd_cursor(y, x + (before < width ? before : width - 1));
		return;
	}
	while (before >= width && sd_glyph_next(s + from, d->text.len - from, &g)) {
		from += g.bytes;
		before -= g.cells;
	}
	fits = sd_fit(s + from, d->text.len - from, width, &used);
	sd_put_n(y, x, used, r, s + from, fits);
	sd_fill(y, x + used, width - used, r, ' ');
	if (focus)
		sd_cursor(y, x + before);
}
