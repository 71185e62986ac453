/* app/cli/output.c - what commands print: words and errors on stderr, data on stdout. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

/* ---- words and errors ---- */

static void say(struct cli *c, const char *text)
{
	struct sd_buf safe = SD_BUF_INIT;

	if (c->batch) {
		if (c->err.len)
			sd_buf_ch(&c->err, '\n');
		sd_buf_str(&c->err, text);
		return;
	}
	sd_text_safe(&safe, text, strlen(text));
	fprintf(stderr, "syncdeck: %s\n", sd_buf_text(&safe));
	sd_buf_release(&safe);
}

void cli_say(struct cli *c, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(c, text);
}

void cli_note(struct cli *c, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	if (c->batch || c->o.json)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(c, text);
}

int cli_complain(struct cli *c, int exit, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	say(c, text);
	return exit;
}

int cli_fail(struct cli *c, enum sd_err rc, const struct sd_error *e)
{
	say(c, e->text[0] ? e->text : sd_err_text(rc));
	return sd_err_exit(rc);
}

/* ---- data ---- */

void cli_print_json(FILE *f, const struct cJSON *j)
{
	struct sd_buf b = SD_BUF_INIT, safe = SD_BUF_INIT;

	sd_json_print(j, &b);
	sd_text_json(&safe, sd_buf_text(&b), b.len);
	sd_buf_ch(&safe, '\n');
	fwrite(sd_buf_text(&safe), 1, safe.len, f);
	sd_buf_release(&safe);
	sd_buf_release(&b);
}

void cli_show_value(const struct cJSON *v, struct sd_buf *out)
{
	struct sd_buf raw = SD_BUF_INIT;

	if (sd_json_is_null(v))
		sd_buf_str(out, "-");
	else if (sd_json_is_string(v))
		sd_text_safe(out, sd_json_str(v), strlen(sd_json_str(v)));
	else if (sd_json_print(v, &raw))
		sd_text_safe(out, sd_buf_text(&raw), raw.len);
	sd_buf_release(&raw);
}

void cli_show_member(const char *name, const struct cJSON *v, struct sd_buf *out)
{
	static const char *const times[] = {
		"lastSync", "found", "enqueued", "nextTry", "expires", "at", "_lastChangedAt"};
	char text[SD_TIME_TEXT];
	int64_t ms;

	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		/* smaller numbers are a field's own: seconds, a count */
		if (strcmp(name, times[i]) != 0 || !sd_json_i64(v, &ms) || ms < 1000000000000)
			continue;
		sd_time_iso(ms, text);
		sd_buf_str(out, text);
		return;
	}
	cli_show_value(v, out);
}

void cli_emit(struct cli *c, const struct cJSON *line, const char *columns)
{
	struct sd_buf b = SD_BUF_INIT;

	if (c->batch) {
		sd_json_push(c->out, sd_json_dup(line));
		return;
	}
	if (c->o.json) {
		cli_print_json(stdout, line);
		return;
	}
	if (columns) {
		if (!c->rows)
			c->rows = sd_json_array();
		sd_json_push(c->rows, sd_json_dup(line));
		if (sd_json_count(c->rows) >= 200) /* long lists go out in parts */
			cli_flush(c, columns);
		return;
	}
	for (const struct cJSON *m = sd_json_child(line); m; m = sd_json_next(m)) {
		sd_buf_reset(&b);
		cli_show_member(sd_json_name(m), m, &b);
		printf("%-16s %s\n", sd_json_name(m), sd_buf_text(&b));
	}
	sd_buf_release(&b);
}

/* Display columns of safe UTF-8, counting one for each code point: near enough for a listing. */
static size_t columns_of(const char *s)
{
	size_t n = 0;

	for (; *s; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

void cli_flush(struct cli *c, const char *columns)
{
	char *names = strdup(columns), *name[16], *save = NULL;
	size_t n = 0, width[16];
	struct sd_buf b = SD_BUF_INIT;

	if (c->batch || c->o.json || !c->rows || !names) {
		free(names);
		return;
	}
	for (char *t = strtok_r(names, " ", &save); t && n < 16; t = strtok_r(NULL, " ", &save)) {
		name[n] = t;
		width[n++] = strlen(t);
	}
	for (const struct cJSON *r = sd_json_child(c->rows); r; r = sd_json_next(r)) {
		for (size_t i = 0; i < n; i++) {
			sd_buf_reset(&b);
			cli_show_member(name[i], sd_json_get(r, name[i]), &b);
			size_t w = columns_of(sd_buf_text(&b));
			w = w > 48 ? 48 : w;
			width[i] = w > width[i] ? w : width[i];
		}
	}
	for (size_t i = 0; i < n; i++)
		printf("%-*s%s", (int)width[i], name[i], i + 1 < n ? "  " : "\n");
	for (const struct cJSON *r = sd_json_child(c->rows); r; r = sd_json_next(r)) {
		for (size_t i = 0; i < n; i++) {
			sd_buf_reset(&b);
			cli_show_member(name[i], sd_json_get(r, name[i]), &b);
			const char *s = sd_buf_text(&b);
			size_t w = columns_of(s);
			if (w > 48 && i + 1 < n) {
				size_t cut = sd_utf8_cut(s, b.len, 46);
				printf("%.*s..  ", (int)cut, s);
				continue;
			}
			printf("%s%*s%s", s, i + 1 < n ? (int)(width[i] - w) : 0, "",
				i + 1 < n ? "  " : "\n");
		}
	}
	sd_json_free(c->rows);
	c->rows = NULL;
	sd_buf_release(&b);
	free(names);
}
