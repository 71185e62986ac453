/* app/cli/inspect.c - explain, audit, doctor: looking closely, changing nothing. */
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
		enum sd_err err = sd_api_explain(c->api, a->v[0], sd_buf_text(&key), &j, &e);
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

int cli_doctor(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	int bad = 0, rc = cli_take_options(c, a, NULL, 0);
	enum sd_err err;

	if (rc == 0 && a->n)
		rc = cli_usage(c, "doctor");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_doctor(c->api, tell_check, c, &bad, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	return bad ? 1 : 0;
}
