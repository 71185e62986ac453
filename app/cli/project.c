/*
 * app/cli/project.c - the project workflow (contract.md 9): init and status; see project.h.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/project.h"
#include "app/paths.h"
#include "core/base/fs.h"
#include "core/base/text.h"

#define PLUGIN "syncdeck"

static const char SAMPLE[] =
	"# The models of this project.  `syncdeck status` compares them with the backend,\n"
	"# `syncdeck push` gives them to it.\n"
	"enum PostStatus {\n  ACTIVE\n  INACTIVE\n}\n\n"
	"type Post @model {\n  id: ID!\n  title: String!\n  status: PostStatus!\n"
	"  rating: Int\n  content: String\n  comments: [Comment] @hasMany\n}\n\n"
	"type Comment @model {\n  id: ID!\n  content: String!\n  post: Post @belongsTo\n}\n";

/* ---- the project ---- */

char *cli_project_name(void)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;
	const char *s;
	char *name = NULL;

	if (sd_read_file(PROJECT, 65536, &text, NULL) == SD_OK &&
		sd_json_parse(sd_buf_text(&text), text.len, PROJECT, &j, NULL) == SD_OK) {
		s = sd_json_get_str(j, "name");
		name = s ? strdup(s) : NULL;
	}
	sd_json_free(j);
	sd_buf_release(&text);
	return name;
}

int cli_need_project(struct cli *c, char **name)
{
	*name = cli_project_name();
	if (*name)
		return 0;
	return cli_complain(
		c, 1, "You are not working inside a valid syncdeck project; run 'syncdeck init'");
}

int cli_write_text(struct cli *c, const char *path, const char *text, size_t n)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = sd_write_file(path, text, n, &e);

	return err == SD_OK ? 0 : cli_fail(c, err, &e);
}

int cli_write_project(struct cli *c, const char *name)
{
	struct cJSON *j = sd_json_object();
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = sd_mkdir_p(".syncdeck", &e);
	int rc = err == SD_OK ? 0 : cli_fail(c, err, &e);

	sd_json_add_str(j, "name", name);
	sd_json_add_int(j, "version", 1);
	sd_json_print_pretty(j, &b);
	sd_buf_ch(&b, '\n');
	if (rc == 0)
		rc = cli_write_text(c, PROJECT, sd_buf_text(&b), b.len);
	sd_json_free(j);
	sd_buf_release(&b);
	return rc;
}

/* A name that can be a directory's; from the working directory when none is given. */
char *cli_choose_name(const char *given)
{
	char dir[4096], *name, *w;
	const char *s = given;

	if (!s) {
		s = getcwd(dir, sizeof dir) ? strrchr(dir, '/') : NULL;
		s = s && s[1] ? s + 1 : "project";
	}
	name = strdup(s);
	for (w = name; w && *w; w++)
		if (!isalnum((unsigned char)*w) && *w != '-' && *w != '_' && *w != '.')
			*w = '-';
	if (name && (name[0] == '.' || name[0] == '-' || !name[0])) {
		free(name);
		name = strdup("project");
	}
	return name;
}

int cli_init(struct cli *c, struct cli_args *a)
{
	const char *given = NULL;
	const struct cli_opt opts[] = {{"--name", CLI_VALUE, &given}};
	struct cJSON *j, *made;
	char *name = NULL;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "init");
	if (rc == 0 && (name = cli_project_name()))
		rc = cli_complain(c, 2, "this is a syncdeck project already: %s", name);
	if (rc == 0)
		rc = cli_load_config(c);
	if (rc) {
		free(name);
		return rc;
	}
	name = cli_choose_name(given);
	made = sd_json_array();
	rc = name ? cli_write_project(c, name) : cli_complain(c, 1, "out of memory");
	sd_json_push(made, sd_json_string(PROJECT));
	/* a schema of another form, or inside the configuration, is one too */
	if (rc == 0 && !sd_is_file(SCHEMA) && !c->config->has_models) {
		char *found = app_find_schema(NULL);
		if (!found) {
			rc = cli_write_text(c, SCHEMA, SAMPLE, sizeof SAMPLE - 1);
			sd_json_push(made, sd_json_string(SCHEMA));
		}
		free(found);
	}
	j = sd_json_object();
	sd_json_add_str(j, "project", name);
	sd_json_add(j, "created", made);
	if (rc == 0)
		cli_emit(c, j, NULL);
	if (rc == 0 && !c->batch && !c->o.json)
		puts("next: edit schema.graphql, then `syncdeck save Post title=...` works at "
		     "once; "
		     "`syncdeck push` when there is a backend");
	sd_json_free(j);
	free(name);
	return rc;
}

/* ---- what is here, what the backend has ---- */

void cli_definitions_release(struct definitions *d)
{
	sd_buf_release(&d->text);
	sd_json_free(d->here);
	sd_json_free(d->there);
	free(d->here_hash);
	free(d->there_hash);
}

static enum sd_err read_schema(
	const char *path, struct cJSON **out, char **hash, struct sd_error *e)
{
	struct sd_schema *s = NULL;
	enum sd_err rc = sd_schema_read_file(path, &s, e);

	if (rc == SD_OK) {
		rc = sd_schema_codegen(s, out, e);
		*hash = strdup(s->hash);
	}
	sd_schema_free(s);
	return rc;
}

int cli_definitions(struct cli *c, struct definitions *d)
{
	struct sd_error e = {.code = SD_OK};
	char *found = c->o.schema ? strdup(c->o.schema) : app_find_schema(NULL);
	enum sd_err err = SD_OK;
	int rc = cli_load_config(c);

	memset(d, 0, sizeof *d);
	if (rc == 0 && found)
		err = read_schema(found, &d->here, &d->here_hash, &e);
	if (rc == 0 && err == SD_OK && found)
		err = sd_read_file(found, TEXT_MAX, &d->text, &e);
	if (rc == 0 && err == SD_OK && sd_is_file(CURRENT))
		err = read_schema(CURRENT, &d->there, &d->there_hash, &e);
	else if (rc == 0 && err == SD_OK && c->config->has_models)
		err = read_schema(c->config_path, &d->there, &d->there_hash, &e);
	free(found);
	return rc ? rc : err == SD_OK ? 0 : cli_fail(c, err == SD_NOTFOUND ? SD_INVAL : err, &e);
}

static const char *operation(const struct cJSON *here, const struct cJSON *there)
{
	if (!there)
		return "Create";
	if (!here)
		return "Delete";
	return sd_json_equal(here, there, false) ? "No Change" : "Update";
}

bool cli_definitions_differ(const struct definitions *d)
{
	if (!d->here) /* the backend's own definition is all there is */
		return false;
	return !d->there || !sd_json_equal(d->here, d->there, false);
}

/* ---- status ---- */

static void add_row(struct cJSON *rows, const char *category, const char *name, const char *op)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "category", category);
	sd_json_add_str(j, "resource", name);
	sd_json_add_str(j, "operation", op);
	sd_json_add_str(j, "provider", PLUGIN);
	sd_json_push(rows, j);
}

/* The rows of one operation, so that they stand together as in the documented table. */
static void add_models(struct cJSON *rows, const struct definitions *d, const char *only)
{
	const struct cJSON *here = sd_json_get(d->here, "models");
	const struct cJSON *there = sd_json_get(d->there, "models");

	for (const struct cJSON *m = sd_json_child(here ? here : there); m; m = sd_json_next(m)) {
		const char *op =
			here ? operation(m, sd_json_get(there, sd_json_name(m))) : "No Change";
		if (strcmp(op, only) == 0)
			add_row(rows, "Model", sd_json_name(m), op);
	}
	for (const struct cJSON *m = here ? sd_json_child(there) : NULL; m; m = sd_json_next(m))
		if (strcmp(only, "Delete") == 0 && !sd_json_get(here, sd_json_name(m)))
			add_row(rows, "Model", sd_json_name(m), "Delete");
}

static void print_table(const struct cJSON *rows)
{
	/* the head stands as documented whatever the rows hold: scripts look for it */
	puts("| Category | Resource name | Operation | Provider plugin |");
	puts("| -------- | ------------- | --------- | --------------- |");
	for (const struct cJSON *r = sd_json_child(rows); r; r = sd_json_next(r))
		printf("| %-8s | %-13s | %-9s | %-15s |\n", sd_json_get_str(r, "category"),
			sd_json_get_str(r, "resource"), sd_json_get_str(r, "operation"),
			sd_json_get_str(r, "provider"));
}

int cli_status(struct cli *c, struct cli_args *a)
{
	static const char *const ORDER[] = {"Create", "Update", "Delete", "No Change"};
	struct definitions d;
	struct cJSON *rows;
	char *name = NULL;
	const char *endpoint;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "status");
	if (rc == 0)
		rc = cli_need_project(c, &name);
	if (rc)
		return rc;
	rc = cli_definitions(c, &d);
	rows = sd_json_array();
	if (rc == 0 && !d.here && !d.there)
		rc = cli_complain(c, 2, "there is no schema.graphql in this project");
	if (rc == 0)
		add_row(rows, "Api", name,
			!d.there                     ? "Create"
			: cli_definitions_differ(&d) ? "Update"
						     : "No Change");
	for (size_t i = 0; rc == 0 && i < sizeof ORDER / sizeof *ORDER; i++)
		add_models(rows, &d, ORDER[i]);
	endpoint = c->o.endpoint ? c->o.endpoint : c->config ? c->config->endpoint : NULL;
	if (rc == 0 && (c->batch || c->o.json)) {
		for (const struct cJSON *r = sd_json_child(rows); r; r = sd_json_next(r))
			cli_emit(c, r, NULL);
	} else if (rc == 0) {
		print_table(rows);
		if (endpoint)
			printf("\nGraphQL endpoint: %s\n", endpoint);
	}
	sd_json_free(rows);
	cli_definitions_release(&d);
	free(name);
	return rc;
}
