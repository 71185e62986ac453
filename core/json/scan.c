/* core/json/scan.c - see scan.h. */
#include "core/json/scan.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

struct at {
	const char *start, *p, *end;
	const char *wrong; /* what was expected, when the scan failed */
	struct sd_json_scan *out;
	bool nomem;
};

static bool bad(struct at *a, const char *wrong)
{
	if (!a->wrong)
		a->wrong = wrong;
	return false;
}

static void space(struct at *a)
{
	while (a->p < a->end && (*a->p == ' ' || *a->p == '\n' || *a->p == '\r' || *a->p == '\t'))
		a->p++;
}

static int hex4(const char *p)
{
	int v = 0;

	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9'   ? c - '0'
			: c >= 'a' && c <= 'f' ? c - 'a' + 10
			: c >= 'A' && c <= 'F' ? c - 'A' + 10
					       : -1;
		if (d < 0)
			return -1;
		v = v * 16 + d;
	}
	return v;
}

static bool escape(struct at *a)
{
	int v;

	if (a->end - a->p < 2 || !strchr("\"\\/bfnrtu", a->p[1]) || !a->p[1])
		return bad(a, "a valid escape");
	if (a->p[1] != 'u') {
		a->p += 2;
		return true;
	}
	if (a->end - a->p < 6 || (v = hex4(a->p + 2)) < 0)
		return bad(a, "four hex digits after \\u");
	if (v == 0)
		return bad(a, "no \\u0000 in a string");
	if (v >= 0xdc00 && v <= 0xdfff)
		return bad(a, "a high surrogate first");
	a->p += 6;
	if (v < 0xd800 || v > 0xdbff)
		return true;
	if (a->end - a->p < 6 || a->p[0] != '\\' || a->p[1] != 'u' ||
		(v = hex4(a->p + 2)) < 0xdc00 || v > 0xdfff)
		return bad(a, "a low surrogate");
	a->p += 6;
	return true;
}

static bool string(struct at *a)
{
	uint32_t cp;

	for (a->p++; a->p < a->end;) {
		unsigned char c = (unsigned char)*a->p;
		if (c == '"') {
			a->p++;
			return true;
		}
		if (c == '\\') {
			if (!escape(a))
				return false;
		} else if (c < 0x20) {
			return bad(a, "no control character in a string");
		} else if (c < 0x80) {
			a->p++;
		} else {
			int k = sd_utf8_get(a->p, (size_t)(a->end - a->p), &cp);
			if (k < 0)
				return bad(a, "valid UTF-8");
			a->p += k;
		}
	}
	return bad(a, "the end of a string");
}

static size_t run_of_digits(struct at *a)
{
	const char *from = a->p;

	while (a->p < a->end && *a->p >= '0' && *a->p <= '9')
		a->p++;
	return (size_t)(a->p - from);
}

static bool keep(struct at *a, const char *from)
{
	struct sd_json_scan *s = a->out;

	if (s->kept_count == s->kept_room) {
		size_t room = s->kept_room ? s->kept_room * 2 : 8;
		struct sd_json_kept *p = realloc(s->kept, room * sizeof *p);
		if (!p) {
			a->nomem = true;
			return false;
		}
		s->kept = p;
		s->kept_room = room;
	}
	s->kept[s->kept_count++] = (struct sd_json_kept){s->numbers, from, (size_t)(a->p - from)};
	return true;
}

static bool number(struct at *a)
{
	const char *from = a->p;
	size_t whole, all;

	if (*a->p == '-')
		a->p++;
	if (a->p < a->end && *a->p == '0') {
		a->p++;
		whole = 1;
	} else {
		whole = run_of_digits(a);
	}
	if (!whole)
		return bad(a, "a digit");
	all = whole;
	if (a->p < a->end && *a->p == '.') {
		a->p++;
		size_t k = run_of_digits(a);
		if (!k)
			return bad(a, "a digit after the point");
		all += k;
	}
	if (a->p < a->end && (*a->p == 'e' || *a->p == 'E')) {
		a->p++;
		if (a->p < a->end && (*a->p == '+' || *a->p == '-'))
			a->p++;
		if (!run_of_digits(a))
			return bad(a, "a digit in the exponent");
		all = all > 15 ? all : 16; /* 1e400 is infinity to a double: keep the text */
	}
	if (all > 15 && !keep(a, from))
		return false;
	a->out->numbers++;
	return true;
}

static bool word(struct at *a, const char *w)
{
	size_t n = strlen(w);

	if ((size_t)(a->end - a->p) < n || memcmp(a->p, w, n) != 0)
		return bad(a, "a value");
	a->p += n;
	return true;
}

static bool value(struct at *a, int depth);

static bool members(struct at *a, int depth, bool object)
{
	char close = object ? '}' : ']';

	if (depth > SD_JSON_DEPTH)
		return bad(a, "less nesting");
	a->p++;
	space(a);
	if (a->p < a->end && *a->p == close) {
		a->p++;
		return true;
	}
	for (;;) {
		space(a);
		if (object) {
			if (a->p >= a->end || *a->p != '"')
				return bad(a, "a key in quotes");
			if (!string(a))
				return false;
			space(a);
			if (a->p >= a->end || *a->p != ':')
				return bad(a, "':'");
			a->p++;
			space(a);
		}
		if (!value(a, depth))
			return false;
		space(a);
		if (a->p < a->end && *a->p == close) {
			a->p++;
			return true;
		}
		if (a->p >= a->end || *a->p != ',')
			return bad(a, object ? "',' or '}'" : "',' or ']'");
		a->p++;
		if (object)
			a->out->wide_objects = true;
	}
}

static bool value(struct at *a, int depth)
{
	if (a->p >= a->end)
		return bad(a, "a value");
	switch (*a->p) {
	case '{':
		return members(a, depth + 1, true);
	case '[':
		return members(a, depth + 1, false);
	case '"':
		return string(a);
	case 't':
		return word(a, "true");
	case 'f':
		return word(a, "false");
	case 'n':
		return word(a, "null");
	default:
		if (*a->p == '-' || (*a->p >= '0' && *a->p <= '9'))
			return number(a);
		return bad(a, "a value");
	}
}

enum sd_err sd_json_scan(
	const char *text, size_t n, const char *what, struct sd_json_scan *s, struct sd_error *e)
{
	struct at a = {text, text, text + n, NULL, s, false};
	const char *last = text + n;
	unsigned line = 1, column = 1;

	memset(s, 0, sizeof *s);
	if (n > SD_JSON_MAX_BYTES)
		return sd_fail(
			e, SD_TOOBIG, 0, "%s: JSON larger than %zu bytes", what, SD_JSON_MAX_BYTES);
	space(&a);
	if (value(&a, 0)) {
		space(&a);
		if (a.p == a.end)
			return SD_OK;
		bad(&a, "nothing behind the value");
	}
	sd_json_scan_release(s);
	if (a.nomem)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", what);
	/* where the text ends is behind its last character, not on a line that is empty */
	while (last > text && strchr(" \t\r\n", last[-1]))
		last--;
	for (const char *p = text; p < a.p && p < last; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	/* a line of a file, a word of a command: whoever gave it names the line */
	if (!memchr(text, '\n', (size_t)(last - text)))
		return sd_fail(e, SD_INVAL, 0, "%s: column %u: not valid JSON, expected %s", what,
			column, a.wrong ? a.wrong : "a value");
	return sd_fail(e, SD_INVAL, 0, "%s: line %u, column %u: not valid JSON, expected %s", what,
		line, column, a.wrong ? a.wrong : "a value");
}

void sd_json_scan_release(struct sd_json_scan *s)
{
	free(s->kept);
	memset(s, 0, sizeof *s);
}
