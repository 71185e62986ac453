/*
 * core/sandbox/core/scalar.c - what the service accepts as a scalar (spec/server.md 1.10).
 *
 * Its own code on purpose: the client checks with core/model/scalar.c, and two implementations that
 * agree are worth more than one used twice.
 */
#include "core/sandbox/core/internal.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"

/* n digits of *p as a number; -1 when they are not there. */
static int digits(const char **p, unsigned n)
{
	int v = 0;

	for (unsigned i = 0; i < n; i++, (*p)++) {
		if (!isdigit((unsigned char)**p))
			return -1;
		v = v * 10 + (**p - '0');
	}
	return v;
}

static bool date_part(const char **p)
{
	int y = digits(p, 4), m, d;

	if (y < 0 || *(*p)++ != '-' || (m = digits(p, 2)) < 0)
		return false;
	if (**p != '-')
		return false;
	(*p)++;
	d = digits(p, 2);
	return d > 0 && m > 0 && sd_date_exists(y, (unsigned)m, (unsigned)d);
}

/* hh:mm[:ss[.fff]]; need_seconds: of an AWSTime */
static bool time_part(const char **p, bool need_seconds, bool bare_dot)
{
	int h = digits(p, 2), m, s;
	unsigned n = 0;

	if (h < 0 || h > 23 || **p != ':')
		return false;
	(*p)++;
	m = digits(p, 2);
	if (m < 0 || m > 59)
		return false;
	if (**p != ':')
		return !need_seconds;
	(*p)++;
	s = digits(p, 2);
	if (s < 0 || s > 59)
		return false;
	if (**p != '.')
		return true;
	for ((*p)++; isdigit((unsigned char)**p); (*p)++)
		n++;
	return n <= 9 && (n > 0 || bare_dot);
}

/* Z, +hh:mm, -hh:mm:ss; *given false when there is none */
static bool offset_part(const char **p, bool *given)
{
	int h, m, s = 0;

	*given = **p != '\0';
	if (**p == 'Z') {
		(*p)++;
		return true;
	}
	if (**p != '+' && **p != '-')
		return !*given;
	(*p)++;
	h = digits(p, 2);
	if (h < 0 || h > 18 || **p != ':')
		return false;
	(*p)++;
	m = digits(p, 2);
	if (m >= 0 && m < 60 && **p == ':') {
		(*p)++;
		s = digits(p, 2);
	}
	return m >= 0 && m < 60 && s >= 0 && s < 60;
}

static bool is_date(const char *t)
{
	bool given;

	return date_part(&t) && offset_part(&t, &given) && !*t;
}

static bool is_time(const char *t)
{
	bool given;

	return time_part(&t, true, true) && offset_part(&t, &given) && !*t;
}

static bool is_datetime(const char *t, bool lenient)
{
	bool given;

	return date_part(&t) && *t++ == 'T' && time_part(&t, false, false) &&
	       offset_part(&t, &given) && !*t && (given || lenient);
}

static bool is_email(const char *t)
{
	const char *at = strrchr(t, '@');

	if (!at || at == t || !at[1] || strlen(t) > 320)
		return false;
	for (const char *p = t; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f || (p < at && *p == '@'))
			return false;
	for (const char *p = at + 1; *p; p++)
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-' &&
			(unsigned char)*p < 0x80)
			return false;
	return at[1] != '.' && at[1] != '-' && !strstr(at, "..") && t[strlen(t) - 1] != '.';
}

static bool is_url(const char *t)
{
	const char *p = t, *rest;

	if (!isalpha((unsigned char)*p))
		return false;
	while (isalnum((unsigned char)*p) || *p == '+' || *p == '-' || *p == '.')
		p++;
	if (*p != ':' || !p[1])
		return false;
	rest = p + 1;
	if (strncmp(rest, "//", 2) == 0) {
		rest += 2;
		if (!*rest || *rest == '/')
			return strncmp(t, "file:", 5) == 0;
	}
	for (p = rest; *p; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return false;
	for (p = rest; *p && *p != '?' && *p != '#'; p++)
		if (p[0] == '/' && p[1] == '/')
			return false;
	return true;
}

static bool is_phone(const char *t)
{
	unsigned n = 0;
	bool plus = *t == '+', last_digit = false;

	for (const char *p = t + plus; *p; p++) {
		last_digit = isdigit((unsigned char)*p);
		n += last_digit;
		if (!last_digit && *p != ' ' && *p != '-' && *p != '(' && *p != ')' && *p != '.')
			return false;
	}
	if (!last_digit)
		return false;
	/* without a country code: North America's ten digits, or eleven that begin with 1 */
	return plus ? n >= 7 && n <= 15
		    : n == 10 || (n == 11 && t[strcspn(t, "0123456789")] == '1');
}

static bool is_ipv4(const char *t, size_t n)
{
	unsigned parts = 0;
	size_t i = 0;

	while (i < n && parts < 4) {
		int v = 0;
		size_t from = i;
		for (; i < n && isdigit((unsigned char)t[i]) && i - from < 4; i++)
			v = v * 10 + (t[i] - '0');
		if (i == from || v > 255 || (i - from > 1 && t[from] == '0'))
			return false;
		parts++;
		if (i < n && (t[i++] != '.' || i == n))
			return false;
	}
	return parts == 4 && i == n;
}

static bool is_ipv6(const char *t, size_t n)
{
	unsigned groups = 0;
	bool gap = false;
	size_t i = 0;

	if (n >= 2 && t[0] == ':' && t[1] == ':') {
		gap = true;
		i = 2;
	}
	while (i < n) {
		size_t from = i;
		while (i < n && isxdigit((unsigned char)t[i]))
			i++;
		if (i < n && t[i] == '.') {
			groups += 2;
			return is_ipv4(t + from, n - from) && (gap ? groups < 8 : groups == 8);
		}
		if (i == from || i - from > 4)
			return false;
		groups++;
		if (i == n)
			break;
		if (t[i++] != ':' || i == n)
			return false;
		if (t[i] == ':') {
			if (gap)
				return false;
			gap = true;
			i++;
		}
	}
	return gap ? groups < 8 : groups == 8;
}

static bool is_ip(const char *t)
{
	const char *slash = strchr(t, '/');
	size_t n = slash ? (size_t)(slash - t) : strlen(t);
	bool six = memchr(t, ':', n) != NULL;
	int bits = 0;

	if (slash) {
		const char *p = slash + 1;
		size_t len = strlen(p);
		bits = len > 0 && len <= 3 ? digits(&p, (unsigned)len) : -1;
	}
	return bits >= 0 && bits <= (six ? 128 : 32) && (six ? is_ipv6(t, n) : is_ipv4(t, n));
}

static bool is_json_text(const char *t)
{
	struct cJSON *j = NULL;
	bool ok = sd_json_parse(t, strlen(t), "AWSJSON", &j, NULL) == SD_OK;

	sd_json_free(j);
	return ok;
}

static const char *text_wrong(const struct sd_sbx *s, int scalar, const char *t)
{
	switch (scalar) {
	case SD_T_AWSDATE:
		return is_date(t) ? NULL : "date";
	case SD_T_AWSTIME:
		return is_time(t) ? NULL : "time";
	case SD_T_AWSDATETIME:
		return is_datetime(t, s && s->lenient_datetime) ? NULL : "date time";
	case SD_T_AWSEMAIL:
		return is_email(t) ? NULL : "email address";
	case SD_T_AWSJSON:
		return is_json_text(t) ? NULL : "JSON document";
	case SD_T_AWSURL:
		return is_url(t) ? NULL : "URL";
	case SD_T_AWSPHONE:
		return is_phone(t) ? NULL : "phone number";
	case SD_T_AWSIPADDRESS:
		return is_ip(t) ? NULL : "IP address";
	default:
		return NULL;
	}
}

/* What it should have been ("date"), NULL when it is fine. */
const char *sbx_scalar_wrong(const struct sd_sbx *s, int scalar, const struct cJSON *v)
{
	int64_t i;
	double d;

	switch (scalar) {
	case SD_T_INT:
		return sd_json_i64(v, &i) && i >= INT32_MIN && i <= INT32_MAX ? NULL : "Int";
	case SD_T_AWSTIMESTAMP:
		return sd_json_i64(v, &i) ? NULL : "timestamp";
	case SD_T_FLOAT:
		return sd_json_f64(v, &d) && isfinite(d) ? NULL : "Float";
	case SD_T_BOOLEAN:
		return sd_json_is_bool(v) ? NULL : "Boolean";
	case SD_T_ID:
		return sd_json_is_string(v) || sd_json_i64(v, &i) ? NULL : "ID";
	case SD_T_STRING:
		return sd_json_is_string(v) ? NULL : "String";
	default:
		return sd_json_is_string(v) ? text_wrong(s, scalar, sd_json_str(v)) : "string";
	}
}
