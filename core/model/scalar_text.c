/* core/model/scalar_text.c - see scalar_text.h. */
#include "core/model/scalar_text.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/err.h"
#include "core/base/time.h"

static const char *why(const char *fmt, ...) SD_PRINTF(1, 2);
static const char *why(const char *fmt, ...)
{
	static _Thread_local char text[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return text;
}

/* Not the <ctype.h> ones: no locale decides what the service accepts. */
static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* n digits, into *out; false when they are not there. */
static bool digits(const char **p, int n, unsigned *out)
{
	*out = 0;
	for (int i = 0; i < n; i++) {
		if (!digit(**p))
			return false;
		*out = *out * 10 + (unsigned)(*(*p)++ - '0');
	}
	return true;
}

/* ---- dates and times ---- */

static const char *take_date(const char **p)
{
	static const char *const MONTH[] = {"January", "February", "March", "April", "May", "June",
		"July", "August", "September", "October", "November", "December"};
	unsigned y, m, d;

	if (!digits(p, 4, &y) || *(*p)++ != '-' || !digits(p, 2, &m) || *(*p)++ != '-' ||
		!digits(p, 2, &d))
		return "a date is written YYYY-MM-DD";
	if (m < 1 || m > 12)
		return why("there is no month %02u", m);
	if (sd_date_exists(y, m, d))
		return NULL;
	if (m == 2 && d == 29)
		return why("February %04u has no day 29", y);
	return why("%s has no day %u", MONTH[m - 1], d);
}

static const char *take_time(const char **p)
{
	unsigned h, m, s;
	int n = 0;

	if (!digits(p, 2, &h) || *(*p)++ != ':' || !digits(p, 2, &m) || *(*p)++ != ':' ||
		!digits(p, 2, &s))
		return "a time is written hh:mm:ss.sss";
	if (h > 23 || m > 59 || s > 59)
		return why("there is no time %02u:%02u:%02u", h, m, s);
	if (**p != '.')
		return NULL;
	for ((*p)++; digit(**p); (*p)++)
		n++;
	return n > 9 ? "a fraction of a second has at most nine digits" : NULL;
}

/* Z, +hh:mm, +hh:mm:ss; *there: whether one stood there */
static const char *take_offset(const char **p, bool *there)
{
	unsigned h, m, s = 0;

	*there = **p != '\0';
	if (**p == 'Z') {
		(*p)++;
	} else if (**p == '+' || **p == '-') {
		(*p)++;
		if (!digits(p, 2, &h) || *(*p)++ != ':' || !digits(p, 2, &m))
			return "an offset is written Z, +hh:mm or -hh:mm";
		if (**p == ':') {
			(*p)++;
			if (!digits(p, 2, &s))
				return "an offset is written Z, +hh:mm or -hh:mm";
		}
		if (h > 23 || m > 59 || s > 59)
			return why("there is no offset %02u:%02u", h, m);
	}
	return **p ? "something stands behind it" : NULL;
}

const char *sd_wrong_date(const char *s)
{
	bool offset;
	const char *w = take_date(&s);

	return w ? w : take_offset(&s, &offset);
}

const char *sd_wrong_time(const char *s)
{
	bool offset;
	const char *w = take_time(&s);

	return w ? w : take_offset(&s, &offset);
}

const char *sd_wrong_datetime(const char *s)
{
	bool offset;
	const char *w = take_date(&s);

	if (w)
		return w;
	if (*s != 'T')
		return *s ? "date and time are parted by 'T'" : "the time is missing (Thh:mm:ssZ)";
	s++;
	w = take_time(&s);
	if (!w)
		w = take_offset(&s, &offset);
	if (!w && !offset)
		return "the offset is missing; write Z or +hh:mm behind the time";
	return w;
}

/* ---- addresses ---- */

const char *sd_wrong_email(const char *s)
{
	const char *at = strrchr(s, '@'), *label;

	if (!at || at == s)
		return "it is written name@domain";
	for (const char *p = s; p < at; p++)
		if (!letter(*p) && !digit(*p) && !strchr(".!#$%&'*+/=?^_`{|}~-", *p))
			return "the name has a character that is not allowed";
	label = at + 1;
	for (const char *p = label;; p++) {
		if (letter(*p) || digit(*p) || *p == '-')
			continue;
		if (*p && *p != '.')
			return "the domain has a character that is not allowed";
		if (p == label || p - label > 63 || *label == '-' || p[-1] == '-')
			return "the domain is not complete";
		if (!*p)
			return NULL;
		label = p + 1;
	}
}

const char *sd_wrong_url(const char *s)
{
	const char *p = s, *rest;
	bool web;

	if (letter(*p))
		while (letter(*p) || digit(*p) || (*p && strchr("+.-", *p)))
			p++;
	if (p == s || *p != ':')
		return "it needs a scheme, such as https://";
	rest = p + 1;
	for (const char *c = s; *c; c++)
		if ((unsigned char)*c <= ' ' || *c == 0x7f || strchr("<>\"", *c))
			return "it has a character that is not allowed";
	web = strncmp(s, "http:", 5) == 0 || strncmp(s, "https:", 6) == 0 ||
	      strncmp(s, "ftp:", 4) == 0;
	if (!*rest)
		return "nothing stands behind the scheme";
	if (strncmp(rest, "//", 2) == 0) {
		rest += 2;
		if (web && (!*rest || strchr("/?#:", *rest)))
			return "the host is missing";
		rest += strcspn(rest, "/?#");
	} else if (web) {
		return "behind the scheme stands //";
	}
	for (; *rest && *rest != '?' && *rest != '#'; rest++)
		if (rest[0] == '/' && rest[1] == '/')
			return "the path has //";
	return NULL;
}

const char *sd_wrong_phone(const char *s)
{
	bool plus = *s == '+', nanp;
	const char *p = s + plus;
	char first = *p;
	int n = 0;

	if (!digit(*p))
		return "it begins with + or a digit";
	for (; *p; p++) {
		if (digit(*p))
			n++;
		else if (*p != ' ' && *p != '-')
			return "only digits, spaces and hyphens stand in it";
	}
	nanp = n == 7 || n == 10 || (n == 11 && first == '1');
	if (!plus && !nanp)
		return "without a country code it is taken as a number of the US; write +49 ...";
	if (plus && (n < 7 || n > 15))
		return "it has too few or too many digits";
	return NULL;
}

const char *sd_wrong_ip(const char *s)
{
	char host[64];
	unsigned char raw[16];
	const char *slash = strchr(s, '/');
	size_t n = slash ? (size_t)(slash - s) : strlen(s);
	int bits = 0;

	if (n >= sizeof host)
		return "it is neither an IPv4 nor an IPv6 address";
	memcpy(host, s, n);
	host[n] = '\0';
	if (inet_pton(AF_INET, host, raw) == 1)
		bits = 32;
	else if (inet_pton(AF_INET6, host, raw) == 1)
		bits = 128;
	else
		return "it is neither an IPv4 nor an IPv6 address";
	if (!slash)
		return NULL;
	if (!digit(slash[1]) || strlen(slash + 1) > 3 ||
		strspn(slash + 1, "0123456789") != strlen(slash + 1) || atol(slash + 1) > bits)
		return why("behind / stands a number from 0 to %d", bits);
	return NULL;
}
