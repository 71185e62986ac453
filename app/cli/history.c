/* app/cli/history.c - history, revert, undo, redo. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

/* One version as a person reads it: when, by what, and each field from what to what. */
static void print_version(const struct cJSON *v)
{
	char at[SD_TIME_TEXT];
	int64_t n = sd_json_get_i64(v, "version", 0);
	struct sd_buf b = SD_BUF_INIT;

	sd_time_iso(sd_json_get_i64(v, "at", 0), at);
	printf("%s  %-12s %-8s", at, sd_json_get_str(v, "source"), sd_json_get_str(v, "type"));
	if (n > 0)
		printf(" version %lld\n", (long long)n);
	else
		printf(" no version yet\n");
	for (const struct cJSON *f = sd_json_child(sd_json_get(v, "changed")); f;
		f = sd_json_next(f)) {
		sd_buf_reset(&b);
		sd_text_safe(&b, sd_json_name(f), strlen(sd_json_name(f)));
		sd_buf_str(&b, ": ");
		cli_show_value(sd_json_get(f, "from"), &b);
		sd_buf_str(&b, " -> ");
		cli_show_value(sd_json_get(f, "to"), &b);
		printf("    %s\n", sd_buf_text(&b));
	}
	sd_buf_release(&b);
}

static int show_history(struct cli *c, const char *model, const char *key)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	struct sd_buf show = SD_BUF_INIT;
	enum sd_err err = sd_api_history(c->api, model, key, &list, &e);
	int rc = 0;

	if (err == SD_OK && !sd_json_count(list)) {
		sd_key_show(key, &show);
		err = sd_fail(&e, SD_NOTFOUND, 0,
			"%s %s: never seen here, or its history is no longer kept (see "
			"history.max_age in `syncdeck config`)",
			model, sd_buf_text(&show));
	}
	if (err != SD_OK)
		rc = cli_fail(c, err, &e);
	for (const struct cJSON *v = sd_json_child(list); rc == 0 && v; v = sd_json_next(v)) {
		if (c->batch || c->o.json)
			cli_emit(c, v, NULL);
		else
			print_version(v);
	}
	sd_json_free(list);
	sd_buf_release(&show);
	return rc;
}

int cli_history(struct cli *c, struct cli_args *a)
{
	struct sd_buf key = SD_BUF_INIT;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 2)
		rc = cli_usage(c, "history");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0)
		rc = show_history(c, a->v[0], sd_buf_text(&key));
	sd_buf_release(&key);
	return rc;
}

int cli_revert(struct cli *c, struct cli_args *a)
{
	const char *to = NULL;
	const struct cli_opt opts[] = {{"--to", CLI_VALUE, &to}};
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *rec = NULL;
	int64_t version = 0;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0 && (a->n < 2 || !to))
		rc = cli_usage(c, "revert");
	if (rc == 0 && (!sd_parse_i64(to, &version) || version < 1))
		rc = cli_complain(c, 2,
			"--to %s: expected a version number; `syncdeck history` lists them", to);
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		enum sd_err err =
			sd_api_revert(c->api, a->v[0], sd_buf_text(&key), version, &rec, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else
			cli_emit(c, rec, NULL);
	}
	sd_json_free(rec);
	sd_buf_release(&key);
	return rc;
}

int cli_undo(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	int64_t seq = 0, done;
	struct cJSON *j;
	bool left;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && (a->n > 1 || (a->n == 1 && (!sd_parse_i64(a->v[0], &seq) || seq < 1))))
		rc = cli_usage(c, "undo");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_undo(c->api, seq, &done, &left, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	j = sd_json_object();
	sd_json_add_int(j, "undone", done);
	sd_json_add_bool(j, "left", left);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	if (left)
		cli_note(c,
			"the last save in unsent change %lld is taken back, those before it are "
			"not; `syncdeck undo` goes on, `syncdeck redo` makes it again",
			(long long)done);
	else
		cli_note(c, "unsent change %lld is taken back; `syncdeck redo` makes it again",
			(long long)done);
	return 0;
}

int cli_redo(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j;
	int64_t made;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "redo");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_redo(c->api, &made, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	j = sd_json_object();
	sd_json_add_int(j, "redone", made);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	if (made)
		cli_note(c, "made again: it waits in unsent change %lld", (long long)made);
	return 0;
}
