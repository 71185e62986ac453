/* ui/widget/text.c - see text.h. */
#include "ui/widget/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"

void sd_text_reset(struct sd_text *t)
{
	for (size_t i = 0; i < t->n; i++)
		free(t->line[i].text);
	t->n = 0;
}

void sd_text_release(struct sd_text *t)
{
	sd_text_reset(t);
	free(t->line);
	memset(t, 0, sizeof *t);
}

static void add_n(struct sd_text *t, enum sd_role r, const char *s, size_t n)
{
	if (t->n == t->room) {
		size_t room = t->room ? t->room * 2 : 32;
		struct sd_text_line *more = realloc(t->line, room * sizeof *more);

		if (!more)
			return;
		t->line = more;
		t->room = room;
	}
	t->line[t->n].text = sd_strdup_n(s, n);
	t->line[t->n].role = r;
	t->line[t->n].tag = 0;
	if (t->line[t->n].text)
		t->n++;
}

void sd_text_add(struct sd_text *t, enum sd_role r, const char *s)
{
	add_n(t, r, s, strlen(s));
}

void sd_text_addf(struct sd_text *t, enum sd_role r, const char *fmt, ...)
{
	char b[2048];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b, sizeof b, fmt, ap);
	va_end(ap);
	sd_text_add(t, r, b);
}

void sd_text_add_wrapped(
	struct sd_text *t, enum sd_role r, int width, int indent, const char *s, size_t n)
{
	bool first = true;

	if (width < indent + 4)
		width = indent + 4;
	do {
		int in = first ? 0 : indent;
		size_t skip = 0, take = sd_wrap(s, n, width - in, &skip);
		char *line = NULL;

		if (asprintf(&line, "%*s%.*s", in, "", (int)take, s) < 0)
			return;
		sd_text_add(t, r, line);
		free(line);
		s += take + skip;
		n -= take + skip;
		first = false;
	} while (n);
}

void sd_text_draw(struct sd_text *t, struct sd_rect r)
{
	if (t->top > (int)t->n - r.h)
		t->top = (int)t->n - r.h;
	if (t->top < 0)
		t->top = 0;
	for (int i = 0; i < r.h && t->top + i < (int)t->n; i++) {
		struct sd_text_line *l = &t->line[t->top + i];

		sd_put(r.y + i, r.x, r.w, l->role, l->text);
	}
}
