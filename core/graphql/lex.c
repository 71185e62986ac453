/* core/graphql/lex.c - see lex.h. */
#include "core/graphql/lex.h"

#include <ctype.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"

struct sd_gql_chunk {
	struct sd_gql_chunk *before;
	size_t used, room;
	max_align_t data[];
};

#define CHUNK_BYTES ((size_t)8192)

void *sd_gql_alloc(struct sd_gql_arena *a, size_t n)
{
	size_t unit = sizeof(max_align_t);
	struct sd_gql_chunk *c = a->last;
	char *p;

	n = (n + unit - 1) / unit * unit;
	if (!c || c->room - c->used < n) {
		size_t room = n > CHUNK_BYTES ? n : CHUNK_BYTES;
		c = calloc(1, sizeof *c + room);
		if (!c)
			return NULL;
		c->room = room;
		c->before = a->last;
		a->last = c;
	}
	p = (char *)c->data + c->used;
	c->used += n;
	return p;
}

char *sd_gql_text(struct sd_gql_arena *a, const char *s, size_t n)
{
	char *p = sd_gql_alloc(a, n + 1);

	if (p)
		memcpy(p, s, n);
	return p;
}

void sd_gql_arena_release(struct sd_gql_arena *a)
{
	while (a->last) {
		struct sd_gql_chunk *c = a->last;
		a->last = c->before;
		free(c);
	}
}

/* Passes n bytes, keeping line and column right.  CRLF is one line end. */
static void step(struct sd_gql_lex *l, size_t n)
{
	for (; n; n--) {
		unsigned char c = (unsigned char)*l->at++;
		if (c == '\n' || c == '\r') {
			if (c == '\r' && l->at < l->end && *l->at == '\n') {
				if (n == 1)
					continue; /* the line ends with the \n to come */
				l->at++;
				n--;
			}
			l->line++;
			l->column = 1;
		} else if ((c & 0xc0) != 0x80) {
			l->column++;
		}
	}
}

static enum sd_err wrong(const struct sd_gql_lex *l, const char *what, struct sd_error *e)
{
	return sd_fail(e, SD_INVAL, 0, "%u:%u: %s", l->line, l->column, what);
}

enum sd_err sd_gql_lex_init(struct sd_gql_lex *l, const char *text, size_t n,
	struct sd_gql_arena *a, struct sd_error *e)
{
	memset(l, 0, sizeof *l);
	l->at = text;
	l->end = text + n;
	l->line = l->column = 1;
	l->arena = a;
	if (n > SD_GQL_MAX_BYTES)
		return sd_fail(e, SD_TOOBIG, 0,
			"the GraphQL document has %zu bytes; at most %zu are read", n,
			SD_GQL_MAX_BYTES);
	while (l->at < l->end) { /* all of it at once, so that nothing below meets a bad byte */
		uint32_t cp;
		int k = sd_utf8_get(l->at, (size_t)(l->end - l->at), &cp);
		if (k < 0)
			return wrong(l, "the document is not valid UTF-8 here", e);
		if (cp < 0x20 && cp != '\t' && cp != '\n' && cp != '\r')
			return wrong(l, "a control character stands here", e);
		step(l, (size_t)k);
	}
	l->at = text;
	l->line = l->column = 1;
	if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		l->at += 3;
	return SD_OK;
}

static bool name_start(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static char peek(const struct sd_gql_lex *l, size_t n)
{
	return (size_t)(l->end - l->at) > n ? l->at[n] : '\0';
}

/* White space, line ends, commas and comments mean nothing. */
static void skip(struct sd_gql_lex *l)
{
	while (l->at < l->end) {
		char c = *l->at;
		if (c == '#') {
			while (l->at < l->end && *l->at != '\n' && *l->at != '\r')
				step(l, 1);
		} else if (c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',') {
			step(l, 1);
		} else if (l->end - l->at >= 3 && memcmp(l->at, "\xef\xbb\xbf", 3) == 0) {
			step(l, 3);
		} else {
			return;
		}
	}
}

static enum sd_err number(struct sd_gql_lex *l, struct sd_error *e)
{
	size_t n = peek(l, 0) == '-' ? 1 : 0, from;
	bool real = false;

	if (!digit(peek(l, n))) {
		step(l, n);
		return wrong(l, "expected a digit after '-'", e);
	}
	if (peek(l, n) == '0' && digit(peek(l, n + 1)))
		return wrong(l, "a number may not begin with 0", e);
	while (digit(peek(l, n)))
		n++;
	if (peek(l, n) == '.') {
		real = true;
		for (from = ++n; digit(peek(l, n));)
			n++;
		if (n == from)
			return wrong(l, "expected a digit after the decimal point", e);
	}
	if (peek(l, n) == 'e' || peek(l, n) == 'E') {
		real = true;
		n++;
		if (peek(l, n) == '+' || peek(l, n) == '-')
			n++;
		for (from = n; digit(peek(l, n));)
			n++;
		if (n == from)
			return wrong(l, "expected a digit in the exponent", e);
	}
	if (name_start(peek(l, n)) || peek(l, n) == '.')
		return wrong(l, "expected something between the number and what follows it", e);
	l->tok.kind = real ? SD_GQL_T_FLOAT : SD_GQL_T_INT;
	l->tok.len = n;
	step(l, n);
	return SD_OK;
}

static bool hex4(const struct sd_gql_lex *l, size_t at, uint32_t *out)
{
	uint32_t v = 0;

	for (size_t i = 0; i < 4; i++) {
		char c = peek(l, at + i);
		uint32_t d = digit(c)               ? (uint32_t)(c - '0')
			     : c >= 'a' && c <= 'f' ? (uint32_t)(c - 'a' + 10)
			     : c >= 'A' && c <= 'F' ? (uint32_t)(c - 'A' + 10)
						    : 99;
		if (d > 15)
			return false;
		v = v << 4 | d;
	}
	*out = v;
	return true;
}

/* \u{1F600}: the digits at `at`, which is behind the brace; *n is set to the escape's length. */
static bool braced(const struct sd_gql_lex *l, size_t at, uint32_t *out, size_t *n)
{
	uint32_t v = 0;
	size_t i = at;

	for (; isxdigit((unsigned char)peek(l, i)) && v < 0x110000; i++) {
		char c = peek(l, i);
		v = v * 16 + (uint32_t)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
	}
	*out = v;
	*n = i + 1;
	return i > at && peek(l, i) == '}' && v < 0x110000;
}

/* One escape at l->at ('\\'); its bytes go to out. */
static enum sd_err escape(struct sd_gql_lex *l, struct sd_buf *out, struct sd_error *e)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	char c = peek(l, 1), utf8[4];
	const char *at = c ? strchr(from, c) : NULL;
	uint32_t v, low;
	size_t n = 6;

	if (at) {
		sd_buf_ch(out, to[at - from]);
		step(l, 2);
		return SD_OK;
	}
	if (c != 'u' || (peek(l, 2) == '{' ? !braced(l, 3, &v, &n) : !hex4(l, 2, &v)))
		return wrong(l,
			"expected an escape (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX \\u{...})",
			e);
	if (n == 6 && peek(l, 2) != '{' && v >= 0xd800 && v < 0xdc00 && peek(l, 6) == '\\' &&
		peek(l, 7) == 'u' && hex4(l, 8, &low) && low >= 0xdc00 && low < 0xe000) {
		v = 0x10000 + ((v - 0xd800) << 10) + (low - 0xdc00);
		n = 12;
	}
	if (v == 0 || (v >= 0xd800 && v < 0xe000))
		return wrong(l, "this escape stands for no character that text may hold", e);
	sd_buf_add(out, utf8, (size_t)sd_utf8_put(v, utf8));
	step(l, n);
	return SD_OK;
}

static enum sd_err string(struct sd_gql_lex *l, struct sd_buf *out, struct sd_error *e)
{
	step(l, 1);
	for (;;) {
		const char *from = l->at;
		enum sd_err rc;
		while (l->at < l->end && *l->at != '"' && *l->at != '\\' && *l->at != '\n' &&
			*l->at != '\r')
			step(l, 1);
		sd_buf_add(out, from, (size_t)(l->at - from));
		if (l->at == l->end || *l->at == '\n' || *l->at == '\r')
			return wrong(l, "expected '\"' at the end of the string", e);
		if (*l->at == '"') {
			step(l, 1);
			return SD_OK;
		}
		rc = escape(l, out, e);
		if (rc != SD_OK)
			return rc;
	}
}

static size_t blanks(const char *s, size_t n)
{
	size_t i = 0;

	while (i < n && (s[i] == ' ' || s[i] == '\t'))
		i++;
	return i;
}

/* The bytes of the line at s, and in *next where the one after it begins (n: there is none). */
static size_t line_at(const char *s, size_t n, size_t *next)
{
	size_t k = 0;

	while (k < n && s[k] != '\n' && s[k] != '\r')
		k++;
	*next = k == n ? n : k + (s[k] == '\r' && k + 1 < n && s[k + 1] == '\n' ? 2 : 1);
	return k;
}

/* BlockStringValue of the October 2021 edition: takes the common indentation off every line but the
 * first, and blank lines off both ends. */
static bool dedent(const char *s, size_t n, struct sd_buf *out)
{
	size_t common = SIZE_MAX, next, keep = 0;
	bool any = false, first = true;

	for (size_t at = 0; at < n; at += next, first = false) {
		size_t k = line_at(s + at, n - at, &next), b = blanks(s + at, k);
		if (!first && b < k && b < common)
			common = b;
	}
	first = true;
	for (size_t at = 0; at < n; at += next, first = false) {
		size_t k = line_at(s + at, n - at, &next), b = blanks(s + at, k);
		size_t cut = first || common == SIZE_MAX ? 0 : common < k ? common : k;
		if (b == k && !any)
			continue;
		if (any)
			sd_buf_ch(out, '\n');
		any = true;
		sd_buf_add(out, s + at + cut, k - cut);
		if (b < k)
			keep = out->len;
	}
	if (out->len > keep)
		out->data[out->len = keep] = '\0';
	return sd_buf_ok(out);
}

static enum sd_err block(struct sd_gql_lex *l, struct sd_buf *out, struct sd_error *e)
{
	struct sd_buf raw = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	step(l, 3);
	for (;;) {
		if (l->end - l->at >= 4 && memcmp(l->at, "\\\"\"\"", 4) == 0) {
			sd_buf_str(&raw, "\"\"\"");
			step(l, 4);
		} else if (l->end - l->at >= 3 && memcmp(l->at, "\"\"\"", 3) == 0) {
			step(l, 3);
			break;
		} else if (l->at == l->end) {
			rc = wrong(l, "expected '\"\"\"' at the end of the string", e);
			break;
		} else {
			sd_buf_ch(&raw, *l->at);
			step(l, 1);
		}
	}
	if (rc == SD_OK && (!sd_buf_ok(&raw) || !dedent(sd_buf_text(&raw), raw.len, out)))
		rc = sd_fail(e, SD_NOMEM, 0, "GraphQL document: out of memory");
	sd_buf_release(&raw);
	return rc;
}

static enum sd_err any_string(struct sd_gql_lex *l, struct sd_error *e)
{
	struct sd_buf out = SD_BUF_INIT;
	const char *from = l->at;
	bool is_block = l->end - l->at >= 3 && memcmp(l->at, "\"\"\"", 3) == 0;
	enum sd_err rc = is_block ? block(l, &out, e) : string(l, &out, e);

	if (rc == SD_OK) {
		l->tok.kind = SD_GQL_T_STRING;
		l->tok.len = (size_t)(l->at - from);
		if (sd_buf_ok(&out))
			l->tok.text = sd_gql_text(l->arena, sd_buf_text(&out), out.len);
		if (!l->tok.text)
			rc = sd_fail(e, SD_NOMEM, 0, "GraphQL document: out of memory");
	}
	sd_buf_release(&out);
	return rc;
}

enum sd_err sd_gql_lex_next(struct sd_gql_lex *l, struct sd_error *e)
{
	uint32_t cp;
	char c;

	skip(l);
	l->tok = (struct sd_gql_token){.start = l->at, .line = l->line, .column = l->column};
	if (l->at == l->end)
		return SD_OK; /* SD_GQL_T_END is 0 */
	if (++l->tokens > SD_GQL_MAX_TOKENS)
		return sd_fail(e, SD_TOOBIG, 0,
			"%u:%u: the GraphQL document has more than %d tokens", l->line, l->column,
			SD_GQL_MAX_TOKENS);
	c = *l->at;
	if (name_start(c)) {
		size_t n = 1;
		while (name_start(peek(l, n)) || digit(peek(l, n)))
			n++;
		l->tok.kind = SD_GQL_T_NAME;
		l->tok.len = n;
		step(l, n);
		return SD_OK;
	}
	if (c == '-' || digit(c))
		return number(l, e);
	if (c == '"')
		return any_string(l, e);
	if (strchr("!$&():=@[]{|}", c) || (peek(l, 1) == '.' && peek(l, 2) == '.' && c == '.')) {
		l->tok.kind = SD_GQL_T_PUNCT;
		l->tok.punct = c;
		l->tok.len = c == '.' ? 3 : 1;
		step(l, l->tok.len);
		return SD_OK;
	}
	l->tok.kind = SD_GQL_T_PUNCT;
	l->tok.len = (size_t)sd_utf8_get(l->at, (size_t)(l->end - l->at), &cp);
	return sd_gql_expected(l, "a name, a value or a bracket", e);
}

enum sd_err sd_gql_expected(const struct sd_gql_lex *l, const char *what, struct sd_error *e)
{
	const struct sd_gql_token *t = &l->tok;
	const char *quote = t->kind == SD_GQL_T_STRING ? "" : "\"";
	struct sd_buf found = SD_BUF_INIT;
	enum sd_err rc;

	if (t->kind == SD_GQL_T_END)
		return sd_fail(e, SD_INVAL, 0, "%u:%u: expected %s, found the end of the document",
			t->line, t->column, what);
	sd_text_safe(&found, t->start, sd_utf8_cut(t->start, t->len, 40));
	rc = sd_fail(e, SD_INVAL, 0, "%u:%u: expected %s, found %s%s%s%s", t->line, t->column, what,
		quote, sd_buf_text(&found), t->len > 40 ? "..." : "", quote);
	sd_buf_release(&found);
	return rc;
}
