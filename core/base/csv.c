/* core/base/csv.c - see csv.h. */
#include "core/base/csv.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void sd_csv_release(struct sd_csv *c)
{
	sd_buf_release(&c->text);
	free(c->cells);
	free(c->at);
	memset(c, 0, sizeof *c);
}

static bool room(struct sd_csv *c)
{
	size_t n = c->room ? c->room * 2 : 32;
	struct sd_csv_cell *cells;
	size_t *at;

	if (c->count < c->room)
		return true;
	cells = realloc(c->cells, n * sizeof *cells);
	if (cells)
		c->cells = cells;
	at = cells ? realloc(c->at, n * sizeof *at) : NULL;
	if (!at)
		return false;
	c->at = at;
	c->room = n;
	return true;
}

static int get(struct sd_csv *c)
{
	int ch = getc_unlocked(c->f);

	if (ch == '\n')
		c->next++;
	return ch;
}

static void begin(struct sd_csv *c)
{
	int a, b, d;

	c->begun = true;
	a = getc_unlocked(c->f);
	if (a != 0xef) {
		ungetc(a, c->f);
		return;
	}
	b = getc_unlocked(c->f);
	d = getc_unlocked(c->f);
	if (b != 0xbb || d != 0xbf) { /* no mark: read again from the start */
		ungetc(d, c->f);
		ungetc(b, c->f);
		ungetc(a, c->f);
	}
}

enum stop { STOP_COMMA, STOP_LINE, STOP_END, STOP_ERROR };

struct cell {
	struct sd_csv *c;
	size_t max;
	enum sd_err rc;
	struct sd_error *e;
};

static enum stop bad(struct cell *k, enum sd_err rc, const char *what)
{
	k->rc = sd_fail(k->e, rc, 0, "line %lld: %s", (long long)k->c->line, what);
	return STOP_ERROR;
}

static bool keep(struct cell *k, int ch)
{
	if (k->c->text.len >= k->max) {
		bad(k, SD_TOOBIG, "the record is too long");
		return false;
	}
	if (ch == 0) {
		bad(k, SD_INVAL, "a byte 0 is no text");
		return false;
	}
	if (!sd_buf_ch(&k->c->text, (char)ch)) {
		bad(k, SD_NOMEM, "out of memory");
		return false;
	}
	return true;
}

/* Behind the closing quote only a comma or an end may stand. */
static enum stop after_quote(struct cell *k, int ch)
{
	if (ch == ',')
		return STOP_COMMA;
	if (ch == '\r')
		ch = get(k->c);
	if (ch == '\n')
		return STOP_LINE;
	if (ch == EOF)
		return STOP_END;
	return bad(k, SD_INVAL, "text behind a closing quote; double a quote to write one");
}

static enum stop quoted(struct cell *k)
{
	for (;;) {
		int ch = get(k->c);
		if (ch == EOF)
			return bad(k, SD_INVAL, "a quote is not closed");
		if (ch == '"') {
			ch = get(k->c);
			if (ch != '"')
				return after_quote(k, ch);
		}
		if (!keep(k, ch))
			return STOP_ERROR;
	}
}

static enum stop plain(struct cell *k, int ch)
{
	for (;; ch = get(k->c)) {
		if (ch == ',')
			return STOP_COMMA;
		if (ch == '\n')
			return STOP_LINE;
		if (ch == EOF)
			return STOP_END;
		if (ch == '\r') {
			int next = get(k->c);
			if (next == '\n')
				return STOP_LINE;
			if (next == EOF)
				return STOP_END;
			return bad(k, SD_INVAL, "a carriage return outside of quotes");
		}
		if (ch == '"')
			return bad(
				k, SD_INVAL, "a quote within a cell that does not begin with one");
		if (!keep(k, ch))
			return STOP_ERROR;
	}
}

static enum stop read_cell(struct cell *k)
{
	struct sd_csv *c = k->c;
	enum stop s;
	int ch;

	if (!room(c))
		return bad(k, SD_NOMEM, "out of memory");
	c->at[c->count] = c->text.len;
	ch = get(c);
	c->cells[c->count].quoted = ch == '"';
	s = ch == '"' ? quoted(k) : plain(k, ch);
	if (s == STOP_ERROR)
		return s;
	c->cells[c->count].len = c->text.len - c->at[c->count];
	c->count++;
	return sd_buf_ch(&c->text, '\0') ? s : bad(k, SD_NOMEM, "out of memory");
}

static bool blank(const struct sd_csv *c)
{
	return c->count == 1 && !c->cells[0].len && !c->cells[0].quoted;
}

bool sd_csv_read(struct sd_csv *c, size_t max_bytes, enum sd_err *rc, struct sd_error *e)
{
	struct cell k = {c, max_bytes, SD_OK, e};
	enum stop s;

	if (!c->begun)
		begin(c);
	do {
		sd_buf_reset(&c->text);
		c->count = 0;
		c->line = c->next + 1;
		do
			s = read_cell(&k);
		while (s == STOP_COMMA);
	} while (s == STOP_LINE && blank(c));
	if (s != STOP_ERROR && ferror(c->f))
		k.rc = sd_fail(
			e, SD_IO, errno, "line %lld: %s", (long long)c->line, strerror(errno));
	*rc = k.rc;
	if (k.rc != SD_OK || (s == STOP_END && blank(c)))
		return false;
	for (size_t i = 0; i < c->count; i++)
		c->cells[i].text = c->text.data + c->at[i];
	return true;
}

bool sd_csv_put(struct sd_buf *out, const char *s, size_t n, bool quote, bool first)
{
	bool ok = first || sd_buf_ch(out, ',');

	for (size_t i = 0; i < n && !quote; i++)
		quote = strchr("\",\r\n", s[i]) != NULL;
	/* some readers drop spaces at the ends of what is not quoted, or a byte order mark */
	if (n >= 3 && memcmp(s, "\xef\xbb\xbf", 3) == 0)
		quote = true;
	if (n && (s[0] == ' ' || s[n - 1] == ' ' || s[0] == '\t' || s[n - 1] == '\t'))
		quote = true;
	if (!quote)
		return ok && sd_buf_add(out, s, n);
	ok = ok && sd_buf_ch(out, '"');
	for (size_t i = 0; i < n && ok; i++)
		ok = (s[i] != '"' || sd_buf_ch(out, '"')) && sd_buf_ch(out, s[i]);
	return ok && sd_buf_ch(out, '"');
}

bool sd_csv_end(struct sd_buf *out)
{
	return sd_buf_str(out, "\r\n");
}
