/*
 * core/json/parse.c - JSON text to a tree of cJSON nodes, strictly and in one pass.
 *
 * RFC 8259 grammar, UTF-8, no U+0000, nesting, no key twice, one value and nothing behind it.
 * cJSON's own parser lets most of that pass, and cannot keep a number that a double does not hold:
 * such a number is a cJSON_Raw node with its text.  The nodes are what cJSON would have made of the
 * text otherwise, from the same allocator, so that node_free() frees them.
 */
#include <cjson/cJSON.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/json/names.h"
#include "core/json/node.h"

#define WIDE 32 /* members; from here on they are sorted to find a key that stands twice */

struct at {
	const char *p, *end;
	const char *wrong; /* what was expected, when it is no JSON */
	char *twice;       /* owned; a key that stands twice in one object */
	bool nomem;
};

/* A string of the text, between its quotes. */
struct span {
	const char *from;
	size_t n;
	bool escaped;
};

static bool bad(struct at *a, const char *wrong)
{
	if (!a->wrong)
		a->wrong = wrong;
	return false;
}

static bool no_memory(struct at *a)
{
	a->nomem = true;
	return false;
}

static void space(struct at *a)
{
	while (a->p < a->end && (*a->p == ' ' || *a->p == '\n' || *a->p == '\r' || *a->p == '\t'))
		a->p++;
}

/* ---- strings ---- */
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

static bool string(struct at *a, struct span *s)
{
	uint32_t cp;

	s->from = ++a->p;
	s->escaped = false;
	while (a->p < a->end) {
		unsigned char c;
		while (a->end - a->p >= 8 && !json_special8(a->p))
			a->p += 8;
		if (a->p == a->end)
			break;
		c = (unsigned char)*a->p;
		if (c == '"') {
			s->n = (size_t)(a->p++ - s->from);
			return true;
		}
		if (c == '\\') {
			s->escaped = true;
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

static size_t unescape(const struct span *s, char *out)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	const char *p = s->from, *end = s->from + s->n;
	char *o = out;

	while (p < end) {
		uint32_t v;
		if (*p != '\\') {
			*o++ = *p++;
			continue;
		}
		if (p[1] != 'u') {
			*o++ = to[strchr(from, p[1]) - from];
			p += 2;
			continue;
		}
		v = (uint32_t)hex4(p + 2);
		p += 6;
		if (v >= 0xd800 && v <= 0xdbff) {
			v = 0x10000 + ((v & 0x3ff) << 10 | ((uint32_t)hex4(p + 2) & 0x3ff));
			p += 6;
		}
		o += sd_utf8_put(v, o);
	}
	return (size_t)(o - out);
}

/* Owned; NULL: out of memory.  An escape is never shorter than what it stands for. */
static char *text_of(struct at *a, const struct span *s)
{
	char *t = malloc(s->n + 1);
	size_t n = s->n;

	if (!t) {
		no_memory(a);
		return NULL;
	}
	if (s->escaped)
		n = unescape(s, t);
	else
		memcpy(t, s->from, n);
	t[n] = '\0';
	return t;
}

/* ---- numbers ---- */
static size_t digits(struct at *a, uint64_t *v)
{
	const char *from = a->p;

	for (; a->p < a->end && *a->p >= '0' && *a->p <= '9'; a->p++)
		*v = *v * 10 + (uint64_t)(*a->p - '0'); /* too many: the text is kept */
	return (size_t)(a->p - from);
}

/* 15 digits fit a double, and so does the power of ten: what their quotient is rounded to is the
 * double nearest to the text. */
static double decimal(uint64_t v, size_t places, bool minus)
{
	static const double ten[] = {
		1, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	double d = (double)v / ten[places];

	return minus ? -d : d;
}

static bool keep_text(struct at *a, const char *from, cJSON *j)
{
	j->valuestring = sd_strdup_n(from, (size_t)(a->p - from));
	j->type = cJSON_Raw;
	return j->valuestring ? true : no_memory(a);
}

static bool number(struct at *a, cJSON *j)
{
	const char *from = a->p;
	bool minus = *a->p == '-';
	size_t whole, places = 0;
	uint64_t v = 0;

	a->p += minus;
	if (a->p < a->end && *a->p == '0') {
		a->p++;
		whole = 1;
	} else {
		whole = digits(a, &v);
	}
	if (!whole)
		return bad(a, "a digit");
	if (a->p < a->end && *a->p == '.') {
		a->p++;
		places = digits(a, &v);
		if (!places)
			return bad(a, "a digit after the point");
	}
	if (a->p < a->end && (*a->p == 'e' || *a->p == 'E')) {
		a->p++;
		if (a->p < a->end && (*a->p == '+' || *a->p == '-'))
			a->p++;
		if (!digits(a, &v))
			return bad(a, "a digit in the exponent");
		return keep_text(a, from, j); /* 1e400 is infinity to a double */
	}
	if (whole + places > 15)
		return keep_text(a, from, j);
	j->type = cJSON_Number;
	j->valuedouble = decimal(v, places, minus);
	j->valueint = j->valuedouble >= INT32_MAX   ? INT32_MAX
		      : j->valuedouble <= INT32_MIN ? INT32_MIN
						    : (int)j->valuedouble;
	return true;
}

/* ---- objects and lists ---- */
static bool value(struct at *a, cJSON *j, int depth);

static bool word(struct at *a, const char *w, cJSON *j, int type)
{
	size_t n = strlen(w);

	if ((size_t)(a->end - a->p) < n || memcmp(a->p, w, n) != 0)
		return bad(a, "a value");
	a->p += n;
	j->type = type;
	j->valueint = type == cJSON_True;
	return true;
}

static bool twice(struct at *a, const char *name)
{
	if (!a->twice)
		a->twice = sd_strdup_n(name, strlen(name));
	return a->twice ? false : no_memory(a);
}

/* Names met so far in an object: a bit for each hash says which were certainly not there. */
struct names {
	uint64_t met;
	size_t count;
};

static bool is_new(
	struct at *a, struct names *names, const cJSON *object, const cJSON *item, uint32_t hash)
{
	uint64_t bit = UINT64_C(1) << (hash & 63);

	if (names->count < WIDE && names->met & bit)
		for (const cJSON *c = object->child; c && c != item; c = c->next)
			if (strcmp(c->string, item->string) == 0)
				return twice(a, item->string);
	names->met |= bit;
	names->count++;
	return true;
}

static int by_name(const void *x, const void *y)
{
	return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool all_new(struct at *a, const struct names *names, const cJSON *object)
{
	const char **v;
	size_t n = 0;
	bool ok = true;

	if (names->count <= WIDE)
		return true;
	v = malloc(names->count * sizeof *v);
	if (!v)
		return no_memory(a);
	for (const cJSON *c = object->child; c; c = c->next)
		v[n++] = c->string;
	qsort(v, n, sizeof *v, by_name);
	for (size_t i = 1; ok && i < n; i++)
		ok = strcmp(v[i - 1], v[i]) != 0 || twice(a, v[i]);
	free(v);
	return ok;
}

static bool member_name(struct at *a, cJSON *item, uint32_t *hash)
{
	struct span s;

	if (a->p >= a->end || *a->p != '"')
		return bad(a, "a key in quotes");
	if (!string(a, &s))
		return false;
	if (!s.escaped) {
		item->string = (char *)(uintptr_t)sd_json_name_kept(s.from, s.n, hash);
		if (item->string)
			item->type |= cJSON_StringIsConst;
		else
			item->string = text_of(a, &s);
	} else {
		item->string = text_of(a, &s);
		if (item->string)
			(void)sd_json_name_kept(item->string, strlen(item->string), hash);
	}
	if (!item->string)
		return no_memory(a);
	space(a);
	if (a->p >= a->end || *a->p != ':')
		return bad(a, "':'");
	a->p++;
	space(a);
	return true;
}

/* A new last member. */
static cJSON *append(struct at *a, cJSON *j)
{
	cJSON *item = node_new(cJSON_Invalid);

	if (!item) {
		no_memory(a);
		return NULL;
	}
	node_append(j, item);
	return item;
}

static bool members(struct at *a, cJSON *j, int depth, bool object)
{
	char close = object ? '}' : ']';
	struct names names = {0, 0};
	uint32_t hash = 0;

	j->type = object ? cJSON_Object : cJSON_Array;
	if (depth > SD_JSON_DEPTH)
		return bad(a, "less nesting");
	a->p++;
	space(a);
	if (a->p < a->end && *a->p == close) {
		a->p++;
		return true;
	}
	for (;;) {
		cJSON *item = append(a, j);
		int constant;
		if (!item)
			return false;
		space(a);
		if (object && (!member_name(a, item, &hash) || !is_new(a, &names, j, item, hash)))
			return false;
		constant = item->type & cJSON_StringIsConst;
		if (!value(a, item, depth)) {
			item->type |= constant;
			return false;
		}
		item->type |= constant;
		space(a);
		if (a->p < a->end && *a->p == close) {
			a->p++;
			return all_new(a, &names, j);
		}
		if (a->p >= a->end || *a->p != ',')
			return bad(a, object ? "',' or '}'" : "',' or ']'");
		a->p++;
	}
}

static bool value(struct at *a, cJSON *j, int depth)
{
	struct span s;

	if (a->p >= a->end)
		return bad(a, "a value");
	switch (*a->p) {
	case '{':
		return members(a, j, depth + 1, true);
	case '[':
		return members(a, j, depth + 1, false);
	case '"':
		if (!string(a, &s))
			return false;
		j->type = cJSON_String;
		j->valuestring = text_of(a, &s);
		return j->valuestring != NULL;
	case 't':
		return word(a, "true", j, cJSON_True);
	case 'f':
		return word(a, "false", j, cJSON_False);
	case 'n':
		return word(a, "null", j, cJSON_NULL);
	default:
		if (*a->p == '-' || (*a->p >= '0' && *a->p <= '9'))
			return number(a, j);
		return bad(a, "a value");
	}
}

static enum sd_err tell(const struct at *a, const char *text, const char *what, struct sd_error *e)
{
	const char *last = a->end;
	unsigned line = 1, column = 1;

	if (a->nomem)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", what);
	if (a->twice)
		return sd_fail(e, SD_INVAL, 0, "%s: the key \"%s\" stands twice in one object",
			what, a->twice);
	/* where the text ends is behind its last character, not on a line that is empty */
	while (last > text && strchr(" \t\r\n", last[-1]))
		last--;
	for (const char *p = text; p < a->p && p < last; p++) {
		column = *p == '\n' ? 1 : column + 1;
		line += *p == '\n';
	}
	/* a line of a file, a word of a command: whoever gave it names the line */
	if (!memchr(text, '\n', (size_t)(last - text)))
		return sd_fail(e, SD_INVAL, 0, "%s: column %u: not valid JSON, expected %s", what,
			column, a->wrong ? a->wrong : "a value");
	return sd_fail(e, SD_INVAL, 0, "%s: line %u, column %u: not valid JSON, expected %s", what,
		line, column, a->wrong ? a->wrong : "a value");
}

enum sd_err sd_json_parse(
	const char *text, size_t n, const char *what, struct cJSON **out, struct sd_error *e)
{
	struct at a = {.p = text, .end = text + n};
	enum sd_err rc;
	cJSON *j;

	*out = NULL;
	if (n > SD_JSON_MAX_BYTES)
		return sd_fail(
			e, SD_TOOBIG, 0, "%s: JSON larger than %zu bytes", what, SD_JSON_MAX_BYTES);
	j = node_new(cJSON_Invalid);
	if (!j)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", what);
	space(&a);
	if (value(&a, j, 0)) {
		space(&a);
		if (a.p == a.end) {
			*out = j;
			return SD_OK;
		}
		bad(&a, "nothing behind the value");
	}
	rc = tell(&a, text, what, e);
	free(a.twice);
	node_free(j);
	return rc;
}
