/*
 * app/cli/batch.c - one command a line on stdin; one engine stays up between them.
 *
 * contract.md 5 and 5.1: POSIX shell quoting or a JSON array of words; answers in order, events
 * interleaved; at the end of input it stops at once and unsent changes stay.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"

#define WORDS_MAX 1024

/* Splits by POSIX shell quoting, in place; -1: an open quote or too many words. */
static int split_words(char *line, char **words)
{
	char *r = line, *w = line;
	int n = 0;

	for (;;) {
		while (*r == ' ' || *r == '\t')
			r++;
		if (!*r || n == WORDS_MAX)
			return *r ? -1 : n;
		words[n++] = w;
		for (char quote = 0;; r++) {
			if (!*r && quote)
				return -1;
			if (!*r || (!quote && (*r == ' ' || *r == '\t')))
				break;
			if (quote == '\'' ? *r == '\'' : quote == '"' && *r == '"')
				quote = 0;
			else if (!quote && (*r == '\'' || *r == '"'))
				quote = *r;
			else if (*r == '\\' && quote != '\'' && r[1] &&
				 (!quote || strchr("\\\"$`", r[1])))
				*w++ = *++r;
			else
				*w++ = *r;
		}
		bool end = !*r;
		if (!end)
			r++;
		*w++ = '\0';
		if (end)
			return n;
	}
}

/* ["save","Post","title=x"]; the strings stay owned by *j. */
static int json_words(const char *line, size_t len, struct cJSON **j, char **words)
{
	int n = 0;

	if (sd_json_parse(line, len, "command", j, NULL) != SD_OK || !sd_json_is_array(*j))
		return -1;
	for (struct cJSON *s = sd_json_child(*j); s; s = sd_json_next(s)) {
		const char *text = sd_json_str(s);
		if (!text || n == WORDS_MAX)
			return -1;
		words[n++] = (char *)(uintptr_t)text; /* commands do not write into words */
	}
	return n;
}

static void answer(struct cli *c, int exit)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_int(j, "n", c->line);
	sd_json_add_int(j, "exit", exit);
	sd_json_add(j, "out", c->out);
	sd_json_add_str(j, "err", sd_buf_text(&c->err));
	c->out = NULL;
	cli_print_json(stdout, j);
	fflush(stdout);
	sd_json_free(j);
}

/* The engine starts with the first command, where there is a backend. */
static void start_engine(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};

	if (!c->auto_engine || c->engine_stopped || c->o.offline || !c->api ||
		!sd_api_has_backend(c->api) || sd_api_locked(c->api) || sd_api_running(c->api))
		return;
	if (sd_api_start(c->api, &e) != SD_OK && e.code != SD_BUSY && e.code != SD_AUTH)
		cli_say(c, "%s", e.text);
}

static int run_line(struct cli *c, char *line, size_t len)
{
	char **words = calloc(WORDS_MAX + 1, sizeof *words);
	struct cJSON *j = NULL;
	const char *first = line + strspn(line, " \t");
	bool json = *first == '[';
	int n, rc;

	if (!words)
		return 1;
	sd_buf_reset(&c->err);
	c->out = sd_json_array();
	n = json ? json_words(line, len, &j, words) : split_words(line, words);
	if (n < 0)
		rc = cli_complain(c, 2, "line %d: %s", c->line,
			json ? "expected a JSON array of strings" : "a quote is not closed");
	else if (n == 0)
		rc = 0;
	else if (strcmp(words[0], "batch") == 0 || strcmp(words[0], "sandbox") == 0 ||
		 strcmp(words[0], "demo") == 0)
		rc = cli_complain(c, 2, "%s cannot run inside a batch", words[0]);
	else if (strcmp(words[0], "stop") == 0)
		rc = cli_run(c, words, n);
	else {
		start_engine(c);
		rc = cli_run(c, words, n);
	}
	answer(c, rc);
	sd_json_free(j);
	free(words);
	return rc;
}

static bool blank(const char *line)
{
	line += strspn(line, " \t\r");
	return !*line || *line == '#';
}

int cli_batch(struct cli *c, struct cli_args *a)
{
	struct sd_buf in = SD_BUF_INIT;
	bool end = false;
	int failed = 0, rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "batch");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	c->batch = c->auto_engine = true;
	while (!cli_interrupted() && !(end && !in.len)) {
		char *nl = in.len ? memchr(in.data, '\n', in.len) : NULL;
		if (!nl && end)
			nl = in.data + in.len; /* a last line without an end */
		if (nl) {
			size_t len = (size_t)(nl - in.data);
			char *line = malloc(len + 1);
			if (!line)
				return 1;
			memcpy(line, in.data, len);
			line[len] = '\0';
			if (len && line[len - 1] == '\r')
				line[--len] = '\0';
			sd_buf_drop(&in, len < in.len
						 ? (size_t)(nl - in.data) + (nl < in.data + in.len)
						 : in.len);
			c->line++;
			if (!blank(line) && run_line(c, line, len))
				failed = 1;
			free(line);
			cli_pump(c, -1, 0, true);
			continue;
		}
		if (cli_pump(c, STDIN_FILENO, -1, true)) {
			char b[65536];
			ssize_t k = read(STDIN_FILENO, b, sizeof b);
			if (k > 0)
				sd_buf_add(&in, b, (size_t)k);
			else if (k == 0 || errno != EINTR)
				end = true;
		}
	}
	cli_pump(c, -1, 0, true);
	sd_buf_release(&in);
	c->batch = false;
	return cli_interrupted() ? 130 : failed;
}
