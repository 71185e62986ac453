/* core/model/sdl_lex.c - see sdl_lex.h. */
#include "core/model/sdl_lex.h"

#include <string.h>

#include "core/base/text.h"

static bool name_start(int c)
{
	return c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

/* One byte on; a line ends with LF, CR LF or CR, and a column is a code point. */
static void step(struct sd_lex *l)
{
	unsigned char c = (unsigned char)*l->p++;

	if (c == '\n' || (c == '\r' && (l->p == l->end || *l->p != '\n'))) {
		l->line++;
		l->column = 1;
	} else if (c != '\r' && (c & 0xc0) != 0x80) {
		l->column++;
	}
}

static enum sd_err bad(const struct sd_lex *l, struct sd_error *e, const char *what)
{
	return sd_fail(e, SD_INVAL, 0, "%s:%u:%u: %s", l->name, l->line, l->column, what);
}

static void skip(struct sd_lex *l)
{
	while (l->p < l->end) {
		if (*l->p == '#') {
			while (l->p < l->end && *l->p != '\n' && *l->p != '\r')
				step(l);
		} else if (l->end - l->p >= 3 && memcmp(l->p, "\xef\xbb\xbf", 3) == 0) {
			l->p += 3;
		} else if (memchr(" \t\r\n,", *l->p, 5)) {
			step(l);
		} else {
			break;
		}
	}
}

static int hex_value(int c)
{
	if (digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

static bool unicode(struct sd_lex *l, uint32_t *cp)
{
	*cp = 0;
	for (int i = 0; i < 4; i++) {
		int v = l->p < l->end ? hex_value((unsigned char)*l->p) : -1;
		if (v < 0)
			return false;
		*cp = *cp * 16 + (uint32_t)v;
		step(l);
	}
	return true;
}

/* What stands behind a backslash. */
static enum sd_err escape(struct sd_lex *l, struct sd_error *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *at;
	uint32_t cp, low;
	char utf8[4];
	int n;

	if (l->p == l->end)
		return bad(l, e, "the string is not closed; add '\"'");
	at = memchr(from, *l->p, sizeof from - 1);
	if (at) {
		step(l);
		sd_buf_ch(&l->value, to[at - from]);
		return SD_OK;
	}
	if (*l->p != 'u')
		return bad(l, e, "this escape is not known; write \\\" \\\\ \\n \\t or \\uXXXX");
	step(l);
	if (!unicode(l, &cp))
		return bad(l, e, "\\u needs four hexadecimal digits");
	if (cp >= 0xd800 && cp < 0xdc00 && l->end - l->p >= 2 && l->p[0] == '\\' &&
		l->p[1] == 'u') {
		step(l);
		step(l);
		if (!unicode(l, &low) || low < 0xdc00 || low > 0xdfff)
			return bad(l, e, "the second half of a surrogate pair is missing");
		cp = 0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00);
	}
	n = cp ? sd_utf8_put(cp, utf8) : 0;
	if (n <= 0)
		return bad(l, e, "\\u names no character");
	sd_buf_add(&l->value, utf8, (size_t)n);
	return SD_OK;
}

static enum sd_err plain_string(struct sd_lex *l, struct sd_error *e)
{
	while (l->p < l->end && *l->p != '"') {
		enum sd_err rc;

		if (*l->p == '\n' || *l->p == '\r')
			break;
		if (*l->p != '\\') {
			sd_buf_ch(&l->value, *l->p);
			step(l);
			continue;
		}
		step(l);
		rc = escape(l, e);
		if (rc)
			return rc;
	}
	if (l->p == l->end || *l->p != '"')
		return bad(l, e, "the string is not closed; add '\"'");
	step(l);
	return SD_OK;
}

/* """block""": kept as it stands; it is a description, nobody reads its indentation. */
static enum sd_err block_string(struct sd_lex *l, struct sd_error *e)
{
	while (l->end - l->p >= 3 && memcmp(l->p, "\"\"\"", 3) != 0) {
		if (l->end - l->p >= 4 && memcmp(l->p, "\\\"\"\"", 4) == 0) {
			sd_buf_str(&l->value, "\"\"\"");
			for (int i = 0; i < 4; i++)
				step(l);
			continue;
		}
		sd_buf_ch(&l->value, *l->p);
		step(l);
	}
	if (l->end - l->p < 3)
		return bad(l, e, "the block string is not closed; add '\"\"\"'");
	for (int i = 0; i < 3; i++)
		step(l);
	return SD_OK;
}

static enum sd_err string(struct sd_lex *l, struct sd_error *e)
{
	enum sd_err rc;

	sd_buf_reset(&l->value);
	if (l->end - l->p >= 3 && memcmp(l->p, "\"\"\"", 3) == 0) {
		for (int i = 0; i < 3; i++)
			step(l);
		rc = block_string(l, e);
	} else {
		step(l);
		rc = plain_string(l, e);
	}
	if (rc)
		return rc;
	if (memchr(sd_buf_text(&l->value), 0, l->value.len))
		return bad(l, e, "a string holds a NUL byte");
	return sd_buf_ok(&l->value) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "schema: out of memory");
}

static enum sd_err number(struct sd_lex *l, struct sd_error *e)
{
	l->kind = SD_LEX_INT;
	if (*l->p == '-')
		step(l);
	if (l->p == l->end || !digit(*l->p))
		return bad(l, e, "expected a digit");
	while (l->p < l->end && (digit(*l->p) || memchr(".eE+-", *l->p, 5))) {
		if (!digit(*l->p))
			l->kind = SD_LEX_FLOAT;
		step(l);
	}
	return SD_OK;
}

enum sd_err sd_lex_next(struct sd_lex *l, struct sd_error *e)
{
	enum sd_err rc = SD_OK;
	int c;

	skip(l);
	l->at_line = l->line;
	l->at_column = l->column;
	l->text = l->p;
	l->kind = SD_LEX_END;
	l->len = 0;
	if (l->p == l->end)
		return SD_OK;
	c = (unsigned char)*l->p;
	if (name_start(c)) {
		l->kind = SD_LEX_NAME;
		while (l->p < l->end && (name_start((unsigned char)*l->p) || digit(*l->p)))
			step(l);
	} else if (c == '"') {
		l->kind = SD_LEX_STRING;
		rc = string(l, e);
	} else if (c == '-' || digit(c)) {
		rc = number(l, e);
	} else if (c && memchr("!$&():=@[]{|}", c, 13)) {
		l->kind = SD_LEX_PUNCT;
		step(l);
	} else if (l->end - l->p >= 3 && memcmp(l->p, "...", 3) == 0) {
		l->kind = SD_LEX_SPREAD;
		for (int i = 0; i < 3; i++)
			step(l);
	} else {
		return bad(l, e, "this character has no meaning here");
	}
	l->len = (size_t)(l->p - l->text);
	return rc;
}

enum sd_err sd_lex_expected(const struct sd_lex *l, const char *what, struct sd_error *e)
{
	int n = l->len > 40 ? 40 : (int)l->len;

	if (l->kind == SD_LEX_END)
		return sd_fail(e, SD_INVAL, 0, "%s:%u:%u: expected %s, found the end of the file",
			l->name, l->at_line, l->at_column, what);
	return sd_fail(e, SD_INVAL, 0, "%s:%u:%u: expected %s, found '%.*s'", l->name, l->at_line,
		l->at_column, what, n, l->text);
}

enum sd_err sd_lex_init(
	struct sd_lex *l, const char *text, size_t n, const char *name, struct sd_error *e)
{
	memset(l, 0, sizeof *l);
	l->name = name;
	l->p = text;
	l->end = text + n;
	l->line = l->column = 1;
	return sd_lex_next(l, e);
}

void sd_lex_release(struct sd_lex *l)
{
	sd_buf_release(&l->value);
}
