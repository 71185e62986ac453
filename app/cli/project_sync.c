/* app/cli/project_sync.c - push and pull: a project and its backend; see project.h. */
#include "app/cli/project.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"

/* ---- the client configuration ---- */

static const char *const AUTH_WORD[] = {[SD_AUTH_API_KEY] = "API_KEY",
	[SD_AUTH_USER_POOL] = "AMAZON_COGNITO_USER_POOLS",
	[SD_AUTH_OIDC] = "OPENID_CONNECT",
	[SD_AUTH_IAM] = "AWS_IAM",
	[SD_AUTH_LAMBDA] = "AWS_LAMBDA"};

/* A new one: endpoint and mode, and the key when it was given for all to see. */
static struct cJSON *new_outputs(const struct cli *c, const struct sd_api_opts *o)
{
	struct cJSON *j = sd_json_object(), *data = sd_json_object();
	const char *key = c->o.api_key ? c->o.api_key : c->config->api_key;
	enum sd_auth_mode mode = o->auth != SD_AUTH_NONE ? o->auth : c->config->auth;

	if (mode == SD_AUTH_NONE || mode == SD_AUTH_MULTI)
		mode = SD_AUTH_API_KEY;
	sd_json_add_str(data, "url", o->endpoint ? o->endpoint : c->config->endpoint);
	sd_json_add_str(data, "aws_region", c->config->region ? c->config->region : "us-east-1");
	if (key)
		sd_json_add_str(data, "api_key", key);
	sd_json_add_str(data, "default_authorization_type", AUTH_WORD[mode]);
	sd_json_add(data, "authorization_types", sd_json_array());
	sd_json_add_str(j, "version", "1.4");
	sd_json_add(j, "data", data);
	return j;
}

/* The configuration the project has, or the one named by -c; NULL: none in that form. */
static struct cJSON *old_outputs(const struct cli *c)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;

	if (c->config_path && !c->o.endpoint &&
		sd_read_file(c->config_path, TEXT_MAX, &text, NULL) == SD_OK &&
		sd_json_parse(sd_buf_text(&text), text.len, c->config_path, &j, NULL) == SD_OK &&
		!sd_json_is_object(sd_json_get(j, "data"))) {
		sd_json_free(j); /* a Gen 1 form */
		j = NULL;
	}
	sd_buf_release(&text);
	return j;
}

/* amplify_outputs.json with these models (moves; NULL: those it has). */
static int write_outputs(struct cli *c, const struct sd_api_opts *o, struct cJSON *models)
{
	struct cJSON *j = old_outputs(c);
	struct sd_buf b = SD_BUF_INIT;
	int rc;

	if (!j)
		j = new_outputs(c, o);
	if (models)
		sd_json_set(sd_json_get(j, "data"), "model_introspection", models);
	sd_json_print_pretty(j, &b);
	sd_buf_ch(&b, '\n');
	rc = sd_buf_ok(&b) ? cli_write_text(c, OUTPUTS, sd_buf_text(&b), b.len)
			   : cli_complain(c, 1, "out of memory");
	sd_json_free(j);
	sd_buf_release(&b);
	return rc;
}

/* ---- push ---- */

static void tell(struct cli *c, const char *name, bool did, const char *words)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_bool(j, name, did);
	if (c->batch || c->o.json)
		cli_emit(c, j, NULL);
	else
		printf("%s\n", words);
	sd_json_free(j);
}

static int push(struct cli *c, struct definitions *d)
{
	struct sd_api_opts o;
	struct sd_error e = {.code = SD_OK};
	enum sd_err err;
	int rc = cli_api_opts(c, &o);

	if (rc)
		return rc;
	if (o.read_only)
		return cli_complain(c, 2, "read-only: nothing can be pushed");
	err = sd_api_push(&o, sd_buf_text(&d->text), &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	rc = cli_write_text(c, CURRENT, sd_buf_text(&d->text), d->text.len);
	if (rc == 0)
		rc = write_outputs(c, &o, sd_json_dup(d->here));
	if (rc == 0)
		tell(c, "changed", true, "The backend has the schema now.");
	return rc;
}

int cli_push(struct cli *c, struct cli_args *a)
{
	struct definitions d = {.here = NULL};
	char *name = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "push");
	if (rc == 0)
		rc = cli_need_project(c, &name);
	free(name);
	if (rc)
		return rc;
	rc = cli_definitions(c, &d);
	if (rc == 0 && !d.here && !d.there)
		rc = cli_complain(c, 2, "there is no schema.graphql in this project");
	else if (rc == 0 && !cli_definitions_differ(&d))
		tell(c, "changed", false, "No changes detected.");
	else if (rc == 0)
		rc = push(c, &d);
	cli_definitions_release(&d);
	return rc;
}

/* ---- pull ---- */

/* Asked on a terminal only: will this front end change the backend? */
static bool will_modify(const struct cli *c, bool no)
{
	char line[64];

	if (no || c->batch || c->o.json || !isatty(STDIN_FILENO))
		return !no;
	fputs("Do you plan on modifying this backend? (Y/n) ", stdout);
	fflush(stdout);
	return !fgets(line, sizeof line, stdin) || (line[0] != 'n' && line[0] != 'N');
}

/* Is there work in schema.graphql that the backend does not have? */
static int keep_work(struct cli *c, bool force)
{
	struct definitions d;
	int rc = sd_is_file(SCHEMA) && !force ? cli_definitions(c, &d) : -1;

	if (rc < 0)
		return 0;
	if (rc == 0 && cli_definitions_differ(&d))
		rc = cli_complain(c, 6,
			"schema.graphql has changes that were not pushed; nothing was changed: "
			"`syncdeck push` them, or say --force to overwrite it");
	cli_definitions_release(&d);
	return rc;
}

static enum sd_err models_of(const struct sd_buf *sdl, struct cJSON **out, struct sd_error *e)
{
	struct sd_schema *s = NULL;
	enum sd_err rc = sd_schema_read(sd_buf_text(sdl), sdl->len, SCHEMA, &s, e);

	if (rc == SD_OK)
		rc = sd_schema_codegen(s, out, e);
	sd_schema_free(s);
	return rc;
}

static int put_pulled(struct cli *c, const struct sd_api_opts *o, const struct sd_buf *sdl,
	bool modify, bool same)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *models = NULL;
	enum sd_err err = models_of(sdl, &models, &e);
	char *name = cli_project_name();
	int rc = err == SD_OK ? 0 : cli_fail(c, err, &e);

	if (rc == 0 && modify && !name) {
		name = cli_choose_name(NULL);
		rc = name ? cli_write_project(c, name) : cli_complain(c, 1, "out of memory");
	}
	if (rc == 0 && modify)
		rc = cli_write_text(c, SCHEMA, sd_buf_text(sdl), sdl->len);
	if (rc == 0 && modify)
		rc = cli_write_text(c, CURRENT, sd_buf_text(sdl), sdl->len);
	if (rc == 0) { /* models that came with the configuration know more (rules of access) */
		rc = write_outputs(c, o, same ? NULL : models);
		models = same ? models : NULL;
	}
	sd_json_free(models);
	free(name);
	return rc;
}

int cli_pull(struct cli *c, struct cli_args *a)
{
	bool force = false, only = false, same = false, modify;
	const struct cli_opt opts[] = {
		{"--force", CLI_FLAG, &force}, {"--no-modify", CLI_FLAG, &only}};
	struct sd_api_opts o;
	struct sd_error e = {.code = SD_OK};
	struct sd_buf sdl = SD_BUF_INIT;
	struct cJSON *notes = sd_json_array();
	struct sd_schema *known = NULL;
	int rc = cli_take_options(c, a, opts, 2);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "pull");
	if (rc == 0)
		rc = cli_api_opts(c, &o);
	modify = rc == 0 && will_modify(c, only);
	if (rc == 0 && modify)
		rc = keep_work(c, force);
	if (rc == 0 && c->config->has_models &&
		sd_schema_read_file(c->config_path, &known, NULL) != SD_OK)
		known = NULL;
	if (rc == 0) {
		o.schema = known;
		enum sd_err err = sd_api_pull(&o, &sdl, notes, &same, &e);
		rc = err == SD_OK ? put_pulled(c, &o, &sdl, modify, same) : cli_fail(c, err, &e);
	}
	for (const struct cJSON *n = rc == 0 ? sd_json_child(notes) : NULL; n; n = sd_json_next(n))
		cli_say(c, "note: %s", sd_json_str(n));
	if (rc == 0)
		tell(c, "pulled", true,
			modify ? "schema.graphql and amplify_outputs.json are those of the backend."
			       : "amplify_outputs.json is that of the backend.");
	sd_schema_free(known);
	sd_json_free(notes);
	sd_buf_release(&sdl);
	return rc;
}
