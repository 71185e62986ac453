/* ui/term/width.c - see width.h. */
#include "ui/term/width.h"

#include <string.h>
#include <utf8proc.h>

#include "core/base/text.h"

#define MAX_MARKS 4 /* combining marks kept on one base: what a curses cell holds */
#define JOINER    0x200d

/* Cells of one code point that sd_text_safe lets pass. */
static int cp_cells(uint32_t cp)
{
	switch (utf8proc_category((utf8proc_int32_t)cp)) {
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		return 0;
	case UTF8PROC_CATEGORY_MC:
		return 1;
	default:
		return utf8proc_charwidth((utf8proc_int32_t)cp);
	}
}

static bool is_selector(uint32_t cp)
{
	return cp >= 0xfe00 && cp <= 0xfe0f;
}

static bool is_pictograph(uint32_t cp)
{
	return utf8proc_get_property((utf8proc_int32_t)cp)->boundclass ==
	       UTF8PROC_BOUNDCLASS_EXTENDED_PICTOGRAPHIC;
}

static bool is_regional(uint32_t cp)
{
	return cp >= 0x1f1e6 && cp <= 0x1f1ff;
}

/* Writes the visible form of the first k bytes into g when they may not be shown as they are. */
static bool escaped(const char *s, size_t k, struct sd_glyph *g)
{
	struct sd_buf b = SD_BUF_INIT;
	bool changed;

	sd_text_safe(&b, s, k);
	changed = b.len != k || memcmp(sd_buf_text(&b), s, k) != 0;
	if (changed) {
		g->len = b.len < SD_GLYPH_DRAW ? b.len : SD_GLYPH_DRAW - 1;
		memcpy(g->draw, sd_buf_text(&b), g->len);
		g->draw[g->len] = 0;
		g->cells = (int)g->len;
		g->escape = true;
		g->bytes = k;
	}
	sd_buf_release(&b);
	return changed;
}

static void append(struct sd_glyph *g, const char *s, size_t k)
{
	if (g->len + k >= SD_GLYPH_DRAW)
		return;
	memcpy(g->draw + g->len, s, k);
	g->len += k;
	g->draw[g->len] = 0;
}

/* Adds what belongs to the cluster behind its first code point. */
static void extend(const char *s, size_t n, uint32_t first, struct sd_glyph *g)
{
	utf8proc_int32_t state = 0;
	uint32_t prev = first;
	bool pictograph = is_pictograph(first);
	int marks = 0;

	while (g->bytes < n) {
		uint32_t cp;
		int k = sd_utf8_get(s + g->bytes, n - g->bytes, &cp);
		struct sd_glyph probe = {0};

		if (k <= 0 || utf8proc_grapheme_break_stateful(
				      (utf8proc_int32_t)prev, (utf8proc_int32_t)cp, &state))
			return;
		prev = cp;
		if (pictograph && (cp == JOINER || cp_cells(cp) > 0)) {
			g->bytes += (size_t)k; /* joined or toned emoji: the base stands for all */
			continue;
		}
		if (cp != JOINER && is_selector(cp)) {
			g->bytes += (size_t)k;
			continue;
		}
		if (escaped(s + g->bytes, (size_t)k, &probe))
			return; /* becomes a visible glyph of its own */
		g->bytes += (size_t)k;
		if (marks++ < MAX_MARKS) {
			append(g, s + g->bytes - k, (size_t)k);
			g->cells += cp_cells(cp);
		}
	}
}

bool sd_glyph_next(const char *s, size_t n, struct sd_glyph *g)
{
	uint32_t cp = 0;
	int k;

	memset(g, 0, sizeof *g);
	if (!n)
		return false;
	k = sd_utf8_get(s, n, &cp);
	if (k == 1 && cp >= 0x20 && cp < 0x7f && (n == 1 || (unsigned char)s[1] < 0x80)) {
		g->draw[0] = *s;
		g->len = g->bytes = 1;
		g->cells = 1;
		return true;
	}
	if (escaped(s, k > 0 ? (size_t)k : 1, g))
		return true;
	if (is_regional(cp)) { /* flags: their two letters, which every terminal can draw */
		g->draw[0] = (char)('A' + (cp - 0x1f1e6));
		g->len = 1;
		g->cells = 1;
		g->bytes = (size_t)k;
		return true;
	}
	append(g, s, (size_t)k);
	g->bytes = (size_t)k;
	g->cells = cp_cells(cp);
	extend(s, n, cp, g);
	if (g->cells == 0) { /* a mark without a base gets a blank to stand on */
		memmove(g->draw + 1, g->draw, g->len + 1);
		g->draw[0] = ' ';
		g->len++;
		g->cells = 1;
	}
	return true;
}

int sd_cells(const char *s, size_t n)
{
	struct sd_glyph g;
	int sum = 0;

	while (sd_glyph_next(s, n, &g)) {
		sum += g.cells;
		s += g.bytes;
		n -= g.bytes;
	}
	return sum;
}

size_t sd_fit(const char *s, size_t n, int cells, int *used)
{
	struct sd_glyph g;
	size_t at = 0;
	int sum = 0;

	while (sd_glyph_next(s + at, n - at, &g) && sum + g.cells <= cells) {
		sum += g.cells;
		at += g.bytes;
	}
	if (used)
		*used = sum;
	return at;
}

size_t sd_wrap(const char *s, size_t n, int cells, size_t *skip)
{
	struct sd_glyph g;
	size_t at = 0, blank = 0;
	int sum = 0;

	*skip = 0;
	while (at < n) {
		if (s[at] == '\n') {
			*skip = 1;
			return at;
		}
		if (!sd_glyph_next(s + at, n - at, &g))
			break;
		if (sum + g.cells > cells && at > 0) {
			if (s[at] == ' ') {
				*skip = 1;
				return at;
			}
			if (!blank)
				return at;
			*skip = 1;
			return blank;
		}
		if (s[at] == ' ')
			blank = at;
		sum += g.cells;
		at += g.bytes;
	}
	return at;
}

size_t sd_glyph_before(const char *s, size_t at)
{
	struct sd_glyph g;
	size_t i = 0, last = 0;

	while (i < at && sd_glyph_next(s + i, at - i, &g)) {
		last = i;
		i += g.bytes;
	}
	return last;
}
