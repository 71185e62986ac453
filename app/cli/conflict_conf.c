/* app/cli/conflict_conf.c - see conflict_conf.h. */
#include "app/cli/conflict_conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"

#define NAME "transform.conf.json"

/* "false" is a handler that cannot do anything: every conflict is a ConflictError (2.6). */
#define NO_HANDLER "lambda:false"

static char *beside(const char *schema_file)
{
	const char *slash = strrchr(schema_file, '/');
	char *dir = slash ? sd_strdup_n(schema_file, (size_t)(slash - schema_file) + 1) : NULL;
	char *path = sd_path_join(dir ? dir : ".", NAME);

	free(dir);
	return path;
}

/* A strategy's word; NULL: the entry lacks something or says what is not known. */
static const char *strategy_of(const struct cJSON *entry)
{
	const char *handler = sd_json_get_str(entry, "ConflictHandler");
	const char *detection = sd_json_get_str(entry, "ConflictDetection");

	if (!handler || !detection)
		return NULL;
	if (strcmp(detection, "NONE") == 0)
		return "none";
	if (strcmp(detection, "VERSION") != 0)
		return NULL;
	return strcmp(handler, "AUTOMERGE") == 0                ? "automerge"
	       : strcmp(handler, "OPTIMISTIC_CONCURRENCY") == 0 ? "optimistic"
	       : strcmp(handler, "LAMBDA") == 0                 ? NO_HANDLER
								: NULL;
}

static void say_lambda(
	struct cli *c, const char *path, const struct cJSON *entry, const char *model)
{
	const struct cJSON *h = sd_json_get(entry, "LambdaConflictHandler");
	const char *name = sd_json_get_str(h, "name");

	cli_say(c,
		"note: %s: the function %s is not here: conflicts%s%s end with ConflictError; give "
		"%s lambda:COMMAND",
		path, name ? name : "of LambdaConflictHandler", model ? " of " : "",
		model ? model : "", model ? "--model-strategy MODEL=" : "--strategy");
}

static void take_model(
	struct cli *c, const char *path, const struct cJSON *entry, struct cli_conflict_conf *out)
{
	const char *model = sd_json_name(entry), *word = strategy_of(entry);
	size_t len = strlen(model) + 32;

	if (!sd_schema_model(c->schema, model))
		cli_say(c, "note: %s: models.%s ignored: the schema has no such model", path,
			model);
	else if (!word)
		cli_say(c,
			"note: %s: models.%s ignored: ConflictHandler (AUTOMERGE, "
			"OPTIMISTIC_CONCURRENCY, LAMBDA) and ConflictDetection (VERSION, NONE) are "
			"both needed",
			path, model);
	else if (out->n < sizeof out->models / sizeof out->models[0] &&
		 (out->models[out->n] = malloc(len)))
		snprintf(out->models[out->n++], len, "%s=%s", model, word);
	if (word && strcmp(word, NO_HANDLER) == 0)
		say_lambda(c, path, entry, model);
}

static void take(
	struct cli *c, const char *path, const struct cJSON *config, struct cli_conflict_conf *out)
{
	const struct cJSON *project = sd_json_get(config, "project");

	out->strategy = strategy_of(project);
	if (project && !out->strategy)
		cli_say(c,
			"note: %s: project ignored: ConflictHandler (AUTOMERGE, "
			"OPTIMISTIC_CONCURRENCY, LAMBDA) and ConflictDetection (VERSION, NONE) are "
			"both needed",
			path);
	if (out->strategy && strcmp(out->strategy, NO_HANDLER) == 0)
		say_lambda(c, path, project, NULL);
	for (const struct cJSON *m = sd_json_child(sd_json_get(config, "models")); m;
		m = sd_json_next(m))
		take_model(c, path, m, out);
}

int cli_conflict_conf_read(struct cli *c, const char *schema_file, struct cli_conflict_conf *out)
{
	char *path = beside(schema_file);
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	if (!path || access(path, F_OK) != 0) {
		free(path);
		return 0;
	}
	rc = sd_read_file(path, 1 << 20, &text, &e);
	if (rc == SD_OK)
		rc = sd_json_parse(sd_buf_text(&text), text.len, path, &j, &e);
	if (rc == SD_OK)
		take(c, path, sd_json_get(j, "ResolverConfig"), out);
	sd_json_free(j);
	sd_buf_release(&text);
	free(path);
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

void cli_conflict_conf_free(struct cli_conflict_conf *conf)
{
	for (size_t i = 0; i < conf->n; i++)
		free(conf->models[i]);
	memset(conf, 0, sizeof *conf);
}
