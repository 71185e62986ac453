/* app/cli/inspect.c - explain, audit, doctor, log: looking closely, changing nothing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

/* ---- explain ---- */

static void print_explained(const struct cJSON *j)
{
	struct sd_buf b = SD_BUF_INIT;

	printf("%s\n", sd_json_get_str(j, "cause"));
	for (const struct cJSON *t = sd_json_child(sd_json_get(j, "evidence")); t;
		t = sd_json_next(t)) {
		sd_buf_reset(&b);
		cli_show_value(t, &b);
		printf("  %s\n", sd_buf_text(&b));
	}
	sd_buf_reset(&b);
	cli_show_value(sd_json_get(j, "next"), &b);
	printf("next: %s\n", sd_buf_text(&b));
	sd_buf_release(&b);
}

int cli_explain(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *j = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 2)
		rc = cli_usage(c, "explain");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		enum sd_err err = sd_api_explain(c->api, a->v[0], sd_buf_text(&key), true, &j, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else if (c->batch || c->o.json)
			cli_emit(c, j, NULL);
		else
			print_explained(j);
	}
	sd_json_free(j);
	sd_buf_release(&key);
	return rc;
}

/* ---- audit ---- */

static const char AUDIT_COLUMNS[] = "model key finding detail";

struct auditing {
	struct cli *c;
	int64_t different, due_ms;
	bool tty, shown;
};

static void clear_line(struct auditing *a)
{
	if (a->shown)
		fputs("\r\033[K", stderr);
	a->shown = false;
}

static bool tell_finding(void *ctx, struct cJSON *line)
{
	struct auditing *a = ctx;

	clear_line(a);
	cli_emit(a->c, line, AUDIT_COLUMNS);
	if (!a->c->batch && a->c->o.json)
		fflush(stdout);
	return !cli_interrupted();
}

static void tell_model(void *ctx, const struct sd_api_audited *n)
{
	struct auditing *a = ctx;

	clear_line(a);
	a->different += n->different;
	if (!a->c->batch)
		cli_say(a->c, "%s: %lld here, %lld on the server, %lld different", n->model,
			(long long)n->here, (long long)n->there, (long long)n->different);
}

static bool audit_progress(void *ctx, int64_t records, int64_t done, int64_t of)
{
	struct auditing *a = ctx;
	int64_t now = sd_mono_ms();

	(void)done;
	(void)of;
	if (cli_interrupted())
		return false;
	if (a->tty && now >= a->due_ms) {
		fprintf(stderr, "\raudit: %lld records   ", (long long)records);
		a->due_ms = now + 200;
		a->shown = true;
	}
	return true;
}

int cli_audit(struct cli *c, struct cli_args *a)
{
	struct auditing x = {.c = c, .tty = !c->batch && isatty(STDERR_FILENO)};
	struct sd_error e = {.code = SD_OK};
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_audit(c->api, (const char *const *)a->v, (size_t)a->n, tell_finding,
		tell_model, audit_progress, &x, &e);
	clear_line(&x);
	cli_flush(c, AUDIT_COLUMNS);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	return x.different ? 1 : 0;
}

/* ---- doctor ---- */

static bool tell_check(void *ctx, struct cJSON *line)
{
	struct cli *c = ctx;
	struct sd_buf b = SD_BUF_INIT;

	if (c->batch || c->o.json) {
		cli_emit(c, line, NULL);
	} else {
		cli_show_value(sd_json_get(line, "detail"), &b);
		printf("%-4s %-9s %s\n", sd_json_is_true(sd_json_get(line, "ok")) ? "ok" : "FAIL",
			sd_json_get_str(line, "check"), sd_buf_text(&b));
		sd_buf_release(&b);
	}
	if (!c->batch)
		fflush(stdout);
	return !cli_interrupted();
}

/* A profile that does not open: that is the finding. */
static int tell_closed(struct cli *c, const struct sd_error *e)
{
	struct cJSON *line = sd_json_object();

	sd_json_add_str(line, "check", "store");
	sd_json_add_bool(line, "ok", false);
	sd_json_add_str(line, "detail", e->text);
	tell_check(c, line);
	sd_json_free(line);
	return sd_err_exit(e->code);
}

int cli_doctor(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	int bad = 0, rc = cli_take_options(c, a, NULL, 0);
	enum sd_err err;

	if (rc == 0 && a->n)
		rc = cli_usage(c, "doctor");
	if (rc == 0)
		rc = cli_try_open(c, &e);
	if (rc < 0)
		return tell_closed(c, &e);
	if (rc)
		return rc;
	err = sd_api_doctor(c->api, tell_check, c, &bad, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	return bad ? 1 : 0;
}

/* ---- log ---- */

static void print_steps(const struct cJSON *line)
{
	int64_t from = sd_json_get_i64(line, "at", 0);

	for (const struct cJSON *s = sd_json_child(sd_json_get(line, "steps")); s;
		s = sd_json_next(s)) {
		int64_t at = sd_json_get_i64(s, "at", from), v = sd_json_get_i64(s, "version", 0);
		const char *step = sd_json_get_str(s, "step");
		struct sd_buf b = SD_BUF_INIT;
		sd_text_safe(&b, step ? step : "", step ? strlen(step) : 0);
		printf(" -> %s", sd_buf_text(&b));
		if (v && sd_str_eq(step, "confirmed"))
			printf(" version %lld", (long long)v);
		if (at - from >= 100)
			printf(" +%lld.%llds", (long long)((at - from) / 1000),
				(long long)((at - from) / 100 % 10));
		sd_buf_release(&b);
	}
}

static void print_cause(const struct cJSON *line)
{
	char at[SD_TIME_TEXT];
	struct sd_buf b = SD_BUF_INIT;
	const struct cJSON *key = sd_json_get(line, "key"), *text = sd_json_get(line, "text");
	int64_t rows = sd_json_get_i64(line, "rows", 0), v = sd_json_get_i64(line, "version", 0);

	sd_time_iso(sd_json_get_i64(line, "at", 0), at);
	sd_buf_fmt(&b, "%s  %-12s %-8s ", at, sd_json_get_str(line, "cause"),
		sd_json_get_str(line, "kind"));
	cli_show_value(sd_json_get(line, "model"), &b);
	if (!sd_json_is_null(key)) {
		sd_buf_ch(&b, ' ');
		cli_show_value(key, &b);
	}
	for (const struct cJSON *n = sd_json_child(sd_json_get(line, "changed")); n;
		n = sd_json_next(n))
		sd_buf_fmt(&b, " %s", sd_json_str(n));
	if (rows)
		sd_buf_fmt(&b, " %lld rows", (long long)rows);
	if (v)
		sd_buf_fmt(&b, " version %lld", (long long)v);
	if (sd_json_is_string(text)) {
		sd_buf_ch(&b, ' ');
		cli_show_value(text, &b);
	}
	fputs(sd_buf_text(&b), stdout);
	print_steps(line);
	putchar('\n');
	sd_buf_release(&b);
}

int cli_log(struct cli *c, struct cli_args *a)
{
	const char *model = NULL, *limit = NULL;
	const struct cli_opt opts[] = {
		{"--model", CLI_VALUE, &model}, {"--limit", CLI_VALUE, &limit}};
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	int64_t n = 50;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 2);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "log");
	if (rc == 0 && limit && (!sd_parse_i64(limit, &n) || n < 0))
		rc = cli_complain(c, 2, "--limit %s: expected a whole number, 0 or more", limit);
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_log(c->api, model, n, &list, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	for (const struct cJSON *l = sd_json_child(list); l; l = sd_json_next(l)) {
		if (c->batch || c->o.json)
			cli_emit(c, l, NULL);
		else
			print_cause(l);
	}
	if (!sd_json_count(list))
		cli_note(c, "nothing has happened here yet");
	sd_json_free(list);
	return 0;
}
