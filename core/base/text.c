/* core/base/text.c - see text.h. */
#include "core/base/text.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int sd_utf8_get(const char *str, size_t n, uint32_t *cp)
{
	const unsigned char *s = (const unsigned char *)str;
	static const uint32_t least[5] = {0, 0, 0x80, 0x800, 0x10000};
	int len;
	uint32_t c;

	if (n == 0)
		return 0;
	if (s[0] < 0x80) {
		*cp = s[0];
		return 1;
	}
	len = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
	if (!len || s[0] > 0xf4 || (size_t)len > n)
		return -1;
	c = s[0] & (0xffu >> (len + 1));
	for (int i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[len] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	*cp = c;
	return len;
}

int sd_utf8_put(uint32_t c, char out[4])
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c >= 0xd800 && c <= 0xdfff)
		return 0;
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	if (c > 0x10ffff)
		return 0;
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

bool sd_utf8_valid(const char *s, size_t n)
{
	uint32_t cp;

	while (n) {
		int k;
		if ((unsigned char)*s < 0x80) {
			s++;
			n--;
			continue;
		}
		k = sd_utf8_get(s, n, &cp);
		if (k <= 0)
			return false;
		s += k;
		n -= (size_t)k;
	}
	return true;
}

/* Ranges no terminal should be handed: format and bidi controls, separators, tags, non-characters.
 * U+200D (joiner) is here too: emoji clusters are drawn as their base anyway. */
static const uint32_t UNSAFE[][2] = {
	{0x00, 0x1f},
	{0x7f, 0x9f},
	{0xad, 0xad},
	{0x061c, 0x061c},
	{0x115f, 0x1160},
	{0x180e, 0x180e},
	{0x200b, 0x200f},
	{0x2028, 0x202e},
	{0x2060, 0x206f},
	{0x3164, 0x3164},
	{0xd800, 0xf8ff},
	{0xfdd0, 0xfdef},
	{0xfeff, 0xfeff},
	{0xffa0, 0xffa0},
	{0xfff0, 0xfffb},
	{0xfffe, 0xffff},
	{0x1d173, 0x1d17a},
	{0xe0000, 0xe0fff},
	{0xf0000, 0x10ffff},
};

static bool unsafe(uint32_t c)
{
	if (c >= 0x20 && c < 0x7f)
		return false;
	for (size_t i = 0; i < sizeof UNSAFE / sizeof *UNSAFE; i++)
		if (c >= UNSAFE[i][0] && c <= UNSAFE[i][1])
			return true;
	return (c & 0xfffe) == 0xfffe;
}

bool sd_text_safe(struct sd_buf *out, const char *s, size_t n)
{
	while (n) {
		uint32_t cp = 0;
		int k = sd_utf8_get(s, n, &cp);

		if (k < 0) {
			sd_buf_fmt(out, "\\x%02x", (unsigned char)*s);
			k = 1;
		} else if (!unsafe(cp)) {
			sd_buf_add(out, s, (size_t)k);
		} else if (cp == '\n' || cp == '\t' || cp == '\r') {
			sd_buf_fmt(out, "\\%c", cp == '\n' ? 'n' : cp == '\t' ? 't' : 'r');
		} else if (cp < 0x100) {
			sd_buf_fmt(out, "\\x%02x", (unsigned)cp);
		} else {
			sd_buf_fmt(out, "U+%04X", (unsigned)cp);
		}
		s += k;
		n -= (size_t)k;
	}
	return sd_buf_ok(out);
}

bool sd_text_json(struct sd_buf *out, const char *s, size_t n)
{
	while (n) {
		uint32_t cp = 0;
		int k = sd_utf8_get(s, n, &cp);

		if (k < 0) {
			sd_buf_str(out, "\\ufffd");
			k = 1;
		} else if (cp == '\n' || cp == '\t' || !unsafe(cp)) {
			sd_buf_add(out, s, (size_t)k);
		} else if (cp < 0x10000) {
			sd_buf_fmt(out, "\\u%04x", (unsigned)cp);
		} else {
			sd_buf_fmt(out, "\\u%04x\\u%04x", 0xd800 + ((unsigned)(cp - 0x10000) >> 10),
				0xdc00 + ((unsigned)cp & 0x3ff));
		}
		s += k;
		n -= (size_t)k;
	}
	return sd_buf_ok(out);
}

size_t sd_utf8_cut(const char *s, size_t len, size_t n)
{
	if (len <= n)
		return len;
	while (n && ((unsigned char)s[n] & 0xc0) == 0x80)
		n--;
	return n;
}

bool sd_str_eq(const char *a, const char *b)
{
	return a == b || (a && b && strcmp(a, b) == 0);
}

bool sd_str_starts(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool sd_str_ends(const char *s, const char *suffix)
{
	size_t n = strlen(s), m = strlen(suffix);

	return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

char *sd_strdup_n(const char *s, size_t n)
{
	char *p = malloc(n + 1);

	if (!p)
		return NULL;
	memcpy(p, s, n);
	p[n] = '\0';
	return p;
}

bool sd_parse_i64(const char *s, int64_t *out)
{
	char *end;
	long long v;

	if (!*s || !strchr("-0123456789", *s))
		return false;
	errno = 0;
	v = strtoll(s, &end, 10);
	if (errno || *end || end == s)
		return false;
	*out = v;
	return true;
}

bool sd_parse_f64(const char *s, double *out)
{
	char *end;
	double v;

	if (!*s || !strchr("-.0123456789", *s) || strpbrk(s, "xXnNpP"))
		return false;
	v = strtod(s, &end);
	if (*end || end == s || !isfinite(v))
		return false;
	*out = v;
	return true;
}

void sd_hex(const unsigned char *p, size_t n, char *out)
{
	static const char d[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		*out++ = d[p[i] >> 4];
		*out++ = d[p[i] & 15];
	}
	*out = '\0';
}

bool sd_base64_encode(struct sd_buf *out, const void *src, size_t n, bool url)
{
	static const char std[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	static const char safe[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const char *abc = url ? safe : std;
	const unsigned char *p = src;

	for (; n; p += 3) {
		size_t k = n < 3 ? n : 3;
		uint32_t v = (uint32_t)p[0] << 16 | (k > 1 ? (uint32_t)p[1] << 8 : 0) |
			     (k > 2 ? p[2] : 0u);
		char q[4] = {abc[v >> 18], abc[v >> 12 & 63], abc[v >> 6 & 63], abc[v & 63]};
		sd_buf_add(out, q, k + 1);
		if (!url && k < 3)
			sd_buf_add(out, "==", 3 - k);
		n -= k;
	}
	return sd_buf_ok(out);
}

static int b64_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == '+' || c == '-' ? 62 : c == '/' || c == '_' ? 63 : -1;
}

bool sd_base64_decode(struct sd_buf *out, const char *s, size_t n)
{
	uint32_t acc = 0;
	int bits = 0;

	while (n && s[n - 1] == '=')
		n--;
	if (n % 4 == 1)
		return false;
	for (size_t i = 0; i < n; i++) {
		int v = b64_value(s[i]);
		if (v < 0)
			return false;
		acc = acc << 6 | (uint32_t)v;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			if (!sd_buf_ch(out, (char)(acc >> bits & 0xff)))
				return false;
		}
	}
	return sd_buf_ok(out);
}
