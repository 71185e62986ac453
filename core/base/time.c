/* core/base/time.c - see time.h. */
#include "core/base/time.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

int64_t sd_now_ms(void)
{
	static int looked;
	static int64_t frozen;
	struct timespec t;

	if (!looked) {
		const char *s = getenv("SYNCDECK_TEST_CLOCK");
		frozen = s ? strtoll(s, NULL, 10) : 0;
		looked = 1;
	}
	if (frozen)
		return frozen;
	clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

int64_t sd_mono_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000LL + t.tv_nsec / 1000;
}

int64_t sd_mono_ms(void)
{
	return sd_mono_us() / 1000;
}

/* Howard Hinnant's civil calendar algorithms. */
int64_t sd_days_from_civil(int64_t y, unsigned m, unsigned d)
{
	int64_t era;
	unsigned yoe, doy, doe;

	y -= m <= 2;
	era = (y >= 0 ? y : y - 399) / 400;
	yoe = (unsigned)(y - era * 400);
	doy = (153 * (m > 2 ? m - 3 : m + 9) + 2) / 5 + d - 1;
	doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
	return era * 146097 + (int64_t)doe - 719468;
}

bool sd_date_exists(int64_t y, unsigned m, unsigned d)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return m >= 1 && m <= 12 && d >= 1 && d <= days[m - 1] + (unsigned)(leap && m == 2);
}

/* n digits and what stands behind them; printf is too slow for a million records. */
static char *put_digits(char *out, unsigned v, int n, char behind)
{
	for (int i = n - 1; i >= 0; i--, v /= 10)
		out[i] = (char)('0' + v % 10);
	out[n] = behind;
	return out + n + 1;
}

void sd_time_iso(int64_t ms, char out[SD_TIME_TEXT])
{
	int64_t z = ms / 86400000 - (ms % 86400000 < 0), rest = ms - z * 86400000, era, y;
	unsigned doe, yoe, doy, mp, d, m;

	z += 719468;
	era = (z >= 0 ? z : z - 146096) / 146097;
	doe = (unsigned)(z - era * 146097);
	yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
	doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
	mp = (5 * doy + 2) / 153;
	d = doy - (153 * mp + 2) / 5 + 1;
	m = mp < 10 ? mp + 3 : mp - 9;
	y = (int64_t)yoe + era * 400 + (m <= 2);
	if (y < 0 || y > 9999) {
		snprintf(out, SD_TIME_TEXT, "%04d-", (int)(y % 100000));
		out += strlen(out);
	} else {
		out = put_digits(out, (unsigned)y, 4, '-');
	}
	out = put_digits(out, m, 2, '-');
	out = put_digits(out, d, 2, 'T');
	out = put_digits(out, (unsigned)(rest / 3600000), 2, ':');
	out = put_digits(out, (unsigned)(rest / 60000 % 60), 2, ':');
	out = put_digits(out, (unsigned)(rest / 1000 % 60), 2, '.');
	out = put_digits(out, (unsigned)(rest % 1000), 3, 'Z');
	*out = '\0';
}

static bool digits(const char **s, int n, unsigned *out)
{
	unsigned v = 0;

	for (int i = 0; i < n; i++, (*s)++) {
		if (!isdigit((unsigned char)**s))
			return false;
		v = v * 10 + (unsigned)(**s - '0');
	}
	*out = v;
	return true;
}

bool sd_time_parse(const char *s, int64_t *ms)
{
	unsigned y, mo, d, h = 0, mi = 0, sec = 0, frac = 0, scale = 100, oh = 0, om = 0;
	int sign = 0;

	if (!digits(&s, 4, &y) || *s++ != '-' || !digits(&s, 2, &mo) || *s++ != '-' ||
		!digits(&s, 2, &d) || !sd_date_exists(y, mo, d))
		return false;
	if (*s == 'T' || *s == ' ') {
		s++;
		if (!digits(&s, 2, &h) || *s++ != ':' || !digits(&s, 2, &mi) || h > 23 || mi > 59)
			return false;
		if (*s == ':' && (s++, !digits(&s, 2, &sec) || sec > 60))
			return false;
		if (*s == '.')
			for (s++; isdigit((unsigned char)*s); s++, scale /= 10)
				frac += (unsigned)(*s - '0') * scale;
		if (*s == 'Z') {
			s++;
		} else if (*s == '+' || *s == '-') {
			sign = *s++ == '-' ? -1 : 1;
			if (!digits(&s, 2, &oh) || *s++ != ':' || !digits(&s, 2, &om))
				return false;
		}
	}
	if (*s)
		return false;
	*ms = sd_days_from_civil(y, mo, d) * 86400000 + (int64_t)h * 3600000 + mi * 60000 +
	      sec * 1000 + frac - sign * ((int64_t)oh * 3600000 + om * 60000);
	return true;
}

bool sd_duration_parse(const char *s, int64_t *ms)
{
	static const struct {
		const char *unit;
		int64_t ms;
	} UNIT[] = {{"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}};
	char *end;
	double v;

	if (!isdigit((unsigned char)*s))
		return false;
	v = strtod(s, &end);
	for (size_t i = 0; i < sizeof UNIT / sizeof *UNIT; i++) {
		if (strcmp(end, UNIT[i].unit) == 0) {
			if (v < 0 || v * (double)UNIT[i].ms > 9e15)
				return false;
			*ms = (int64_t)(v * (double)UNIT[i].ms + 0.5);
			return true;
		}
	}
	return false;
}

void sd_age_text(int64_t ms, char out[SD_TIME_TEXT])
{
	int64_t s = ms < 0 ? 0 : ms / 1000;

	if (s < 60)
		snprintf(out, SD_TIME_TEXT, "%ds", (int)s);
	else if (s < 3600)
		snprintf(out, SD_TIME_TEXT, "%dm", (int)(s / 60));
	else if (s < 48 * 3600)
		snprintf(out, SD_TIME_TEXT, "%dh", (int)(s / 3600));
	else
		snprintf(out, SD_TIME_TEXT, "%lldd", (long long)(s / 86400));
}
