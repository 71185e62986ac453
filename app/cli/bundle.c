/* app/cli/bundle.c - the support archive. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/paths.h"
#include "core/base/fs.h"
#include "core/base/text.h"

#define LOG_BYTES ((size_t)1 << 20)

/* Settings without what may hold a value or a secret: commands, expressions. */
static void settings_text(const struct cli *c, bool with_data, struct sd_buf *out)
{
	struct cJSON *list = app_settings_json(&c->settings);

	for (struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j)) {
		const char *key = sd_json_get_str(j, "key");
		const char *value = sd_json_get_str(j, "value");
		if (value && (value[0] == '!' ||
				     (!with_data && key && sd_str_ends(key, "sync.expression"))))
			sd_json_set(j, "value", sd_json_string("(left out)"));
		sd_json_print(j, out);
		sd_buf_ch(out, '\n');
	}
	sd_json_free(list);
}

/* The end of the log file: only with data, its lines may quote some. */
static void log_text(const struct cli *c, struct sd_buf *out)
{
	char *dir = app_state_dir();
	char *path = c->o.log_file ? strdup(c->o.log_file) : dir ? sd_path_join(dir, "log") : NULL;

	if (path && sd_read_file(path, (size_t)64 << 20, out, NULL) == SD_OK &&
		out->len > LOG_BYTES)
		sd_buf_drop(out, out->len - LOG_BYTES);
	free(path);
	free(dir);
}

int cli_bundle(struct cli *c, struct cli_args *a)
{
	struct sd_api_bundle o = {.with_data = false};
	const struct cli_opt opts[] = {{"--with-data", CLI_FLAG, &o.with_data}};
	struct sd_buf settings = SD_BUF_INIT, log = SD_BUF_INIT;
	struct sd_api_bundle_text extra[2];
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0 && (a->n != 1 || !*a->v[0]))
		rc = cli_usage(c, "bundle");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	settings_text(c, o.with_data, &settings);
	extra[o.extra_count++] =
		(struct sd_api_bundle_text){"settings.ndjson", sd_buf_text(&settings)};
	if (o.with_data) {
		log_text(c, &log);
		extra[o.extra_count++] = (struct sd_api_bundle_text){"log", sd_buf_text(&log)};
	}
	o.file = a->v[0];
	o.extra = extra;
	err = sd_api_bundle(c->api, &o, &e);
	sd_buf_release(&settings);
	sd_buf_release(&log);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	j = sd_json_object();
	sd_json_add_str(j, "file", o.file);
	sd_json_add_bool(j, "withData", o.with_data);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	return 0;
}
