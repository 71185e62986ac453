/* core/model/js.c - see js.h. */
#include "core/model/js.h"

#include <stdbool.h>
#include <string.h>

#include "core/base/text.h"

struct js {
	const char *name, *start, *p, *end;
	struct sd_buf *out;
	struct sd_error *e;
	bool comma; /* one was read and not yet written: the next closing sign drops it */
};

static enum sd_err fail(const struct js *j, const char *at, const char *what)
{
	unsigned line = 1, column = 1;

	for (const char *c = j->start; c < at; c++) {
		if (*c == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*c & 0xc0) != 0x80) {
			column++;
		}
	}
	return sd_fail(j->e, SD_INVAL, 0, "%s:%u:%u: %s", j->name, line, column, what);
}

static bool word_char(char c)
{
	return c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

/* White space and comments; their newlines are kept in the result. */
static void skip(struct js *j)
{
	while (j->p < j->end) {
		char c = *j->p, next = j->p + 1 < j->end ? j->p[1] : '\0';

		if (c == '/' && next == '/') {
			while (j->p < j->end && *j->p != '\n')
				j->p++;
		} else if (c == '/' && next == '*') {
			for (j->p += 2; j->p < j->end; j->p++) {
				if (*j->p == '\n')
					sd_buf_ch(j->out, '\n');
				if (j->p[0] == '/' && j->p[-1] == '*')
					break;
			}
			if (j->p < j->end)
				j->p++;
		} else if (c && memchr(" \t\r\n\f\v", c, 6)) {
			if (c == '\n')
				sd_buf_ch(j->out, '\n');
			j->p++;
		} else if (j->end - j->p >= 3 && memcmp(j->p, "\xef\xbb\xbf", 3) == 0) {
			j->p += 3;
		} else {
			break;
		}
	}
}

/* ---- finding the object ---- */

static const char *behind_string(const char *p, const char *end)
{
	char quote = *p++;

	while (p < end && *p != quote)
		p += *p == '\\' && p + 1 < end ? 2 : 1;
	return p < end ? p + 1 : end;
}

struct token {
	const char *p;
	size_t n;
};

/* The object behind `want =` or `want: Type =`; without want, the first one behind = or default. */
static const char *find(const struct js *from, const char *want)
{
	struct sd_buf nowhere = SD_BUF_INIT;
	struct js j = *from;
	struct token name = {0}, last = {0};
	const char *found = NULL;
	int depth = 0;

	j.out = &nowhere;
	for (skip(&j); !found && j.p < j.end; skip(&j)) {
		const char *at = j.p;

		if (memchr("'\"`", *at, 3)) {
			j.p = behind_string(at, j.end);
		} else if (word_char(*at)) {
			while (j.p < j.end && word_char(*j.p))
				j.p++;
		} else {
			j.p++;
		}
		if (*at == '{' && depth == 0 && last.p &&
			(*last.p == '=' || (last.n == 7 && memcmp(last.p, "default", 7) == 0)) &&
			(!want || (name.n == strlen(want) && memcmp(name.p, want, name.n) == 0)))
			found = at;
		depth += (*at == '{') - (*at == '}');
		if (last.n == 5 && memcmp(last.p, "const", 5) == 0)
			name = (struct token){at, (size_t)(j.p - at)};
		else if (last.n == 3 &&
			 (memcmp(last.p, "var", 3) == 0 || memcmp(last.p, "let", 3) == 0))
			name = (struct token){at, (size_t)(j.p - at)};
		last = (struct token){at, (size_t)(j.p - at)};
	}
	sd_buf_release(&nowhere);
	return found;
}

/* ---- writing it as JSON ---- */

static void put_comma(struct js *j)
{
	if (j->comma)
		sd_buf_ch(j->out, ',');
	j->comma = false;
}

static void put_control(struct js *j, unsigned c)
{
	sd_buf_fmt(j->out, "\\u%04x", c);
}

static int hex(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What stands behind a backslash. */
static enum sd_err escape(struct js *j)
{
	char c = j->p < j->end ? *j->p : '\0';

	if (!c)
		return fail(j, j->p, "the string is not closed");
	j->p++;
	if (strchr("bfnrt\"\\/", c)) {
		sd_buf_fmt(j->out, "\\%c", c);
	} else if (c == 'u' && j->end - j->p >= 4 && *j->p != '{') {
		sd_buf_str(j->out, "\\u"); /* the JSON reader checks the digits */
	} else if (c == 'x' && j->end - j->p >= 2 && hex(j->p[0]) >= 0 && hex(j->p[1]) >= 0) {
		put_control(j, (unsigned)(hex(j->p[0]) * 16 + hex(j->p[1])));
		j->p += 2;
	} else if (c == '\n') {
		return SD_OK; /* a line that goes on */
	} else if (c == 'v' || c == 'u' || c == 'x' || (c >= '0' && c <= '9')) {
		return fail(j, j->p - 1, "this escape is not supported; write \\uXXXX");
	} else {
		sd_buf_ch(j->out, c);
	}
	return SD_OK;
}

static enum sd_err string(struct js *j)
{
	const char *open = j->p;
	char quote = *j->p++;

	sd_buf_ch(j->out, '"');
	while (j->p < j->end && *j->p != quote) {
		char c = *j->p;
		enum sd_err rc = SD_OK;

		if (c == '\\') {
			j->p++;
			rc = escape(j);
			if (rc)
				return rc;
			continue;
		}
		if (quote == '`' && c == '$' && j->p + 1 < j->end && j->p[1] == '{')
			return fail(j, j->p, "only plain values can be read, not ${...}");
		if (c == '\n' && quote != '`')
			break;
		if (c == '"')
			sd_buf_str(j->out, "\\\"");
		else if ((unsigned char)c < 0x20)
			put_control(j, (unsigned char)c);
		else
			sd_buf_ch(j->out, c);
		j->p++;
	}
	if (j->p >= j->end || *j->p != quote)
		return fail(j, open, "the string is not closed");
	j->p++;
	sd_buf_ch(j->out, '"');
	return SD_OK;
}

/* A bare word: a key, or one of the values that have names; or a number. */
static enum sd_err word(struct js *j)
{
	const char *at = j->p, *colon;
	bool number = memchr("0123456789.+-", *at, 13) != NULL;
	size_t n;

	while (j->p < j->end && (word_char(*j->p) || (number && memchr(".+-", *j->p, 3))))
		j->p++;
	n = (size_t)(j->p - at);
	for (colon = j->p; colon < j->end && (*colon == ' ' || *colon == '\t'); colon++)
		;
	if (colon < j->end && *colon == ':') {
		sd_buf_ch(j->out, '"');
		sd_buf_add(j->out, at, n);
		sd_buf_ch(j->out, '"');
	} else if (n == 9 && memcmp(at, "undefined", 9) == 0) {
		sd_buf_str(j->out, "null");
	} else if (number && *at == '.') {
		sd_buf_ch(j->out, '0');
		sd_buf_add(j->out, at, n);
	} else if (number ||
		   (n == 4 && (memcmp(at, "true", 4) == 0 || memcmp(at, "null", 4) == 0)) ||
		   (n == 5 && memcmp(at, "false", 5) == 0)) {
		sd_buf_add(j->out, at, n);
	} else {
		return fail(
			j, at, "only plain values can be read here: text, numbers, lists, objects");
	}
	return SD_OK;
}

static enum sd_err convert(struct js *j)
{
	unsigned depth = 0;

	do {
		enum sd_err rc = SD_OK;
		char c;

		skip(j);
		if (j->p >= j->end)
			return fail(j, j->p, "the object is not closed; add '}'");
		c = *j->p;
		if (c == ',') {
			if (j->comma)
				return fail(j, j->p, "two commas in a row");
			j->comma = true;
			j->p++;
			continue;
		}
		if (c == '}' || c == ']')
			j->comma = false;
		else if (c != ':')
			put_comma(j);
		if (memchr("{}[]:", c, 5)) {
			depth += c == '{' || c == '[';
			depth -= c == '}' || c == ']';
			sd_buf_ch(j->out, c);
			j->p++;
		} else if (memchr("'\"`", c, 3)) {
			rc = string(j);
		} else if (word_char(c) || memchr(".+-", c, 3)) {
			rc = word(j);
		} else {
			return fail(j, j->p, "this sign has no meaning in a list of plain values");
		}
		if (rc)
			return rc;
	} while (depth);
	return SD_OK;
}

enum sd_err sd_js_object(const char *text, size_t n, const char *name, const char *want,
	struct sd_buf *out, struct sd_error *e)
{
	struct js j = {name, text, text, text + n, out, e, false};
	const char *at = NULL;
	enum sd_err rc;

	if (memchr(text, 0, n))
		return fail(&j, memchr(text, 0, n), "the file holds a NUL byte");
	skip(&j);
	if (j.p < j.end && *j.p == '{')
		at = j.p;
	j.p = text;
	sd_buf_reset(out);
	if (!at && want)
		at = find(&j, want);
	if (!at)
		at = find(&j, NULL);
	if (!at)
		return fail(&j, text,
			"no object is assigned in it; expected `export const schema = "
			"{...}` or `export default {...}`");
	for (const char *c = text; c < at; c++)
		if (*c == '\n')
			sd_buf_ch(out, '\n');
	j.p = at;
	rc = convert(&j);
	if (!rc && !sd_buf_ok(out))
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", name);
	return rc;
}
