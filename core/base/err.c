/* core/base/err.c - see err.h. */
#include "core/base/err.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *text;
	int exit;
} INFO[] = {
#define X(name, num, text, exit) [num] = {text, exit},
	SD_ERR_MAP(X)
#undef X
};

const char *sd_err_text(enum sd_err code)
{
	if ((size_t)code >= sizeof INFO / sizeof *INFO)
		return "unknown error";
	return INFO[code].text;
}

int sd_err_exit(enum sd_err code)
{
	if ((size_t)code >= sizeof INFO / sizeof *INFO)
		return 1;
	return INFO[code].exit;
}

/* Error lines reach terminals and logs: no control byte of the data may. */
static void scrub(char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			*s = *s == '\n' || *s == '\t' ? ' ' : '?';
}

enum sd_err sd_fail(struct sd_error *e, enum sd_err code, int detail, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	e->detail = detail;
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof e->text, fmt, ap);
	va_end(ap);
	scrub(e->text);
	return code;
}

enum sd_err sd_fail_prefix(struct sd_error *e, enum sd_err code, const char *fmt, ...)
{
	char head[SD_ERROR_TEXT], all[2 * SD_ERROR_TEXT + 4];
	va_list ap;

	if (!e)
		return code;
	va_start(ap, fmt);
	vsnprintf(head, sizeof head, fmt, ap);
	va_end(ap);
	snprintf(all, sizeof all, "%s: %s", head, e->text);
	memcpy(e->text, all, sizeof e->text - 1);
	e->text[sizeof e->text - 1] = '\0';
	scrub(e->text);
	return e->code;
}
