/* app/cli/cli.c - opening the profile, signals and options of every command. */
#include "app/cli/cli.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "app/paths.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/model/scalar.h"

static volatile sig_atomic_t stop_signal;
static atomic_bool stop_reads; /* long ones end with it */

static void on_signal(int s)
{
	stop_signal = s;
	atomic_store(&stop_reads, true);
}

void cli_catch_signals(void)
{
	struct sigaction a;

	memset(&a, 0, sizeof a);
	a.sa_handler = on_signal; /* no SA_RESTART: waits end */
	sigaction(SIGINT, &a, NULL);
	sigaction(SIGTERM, &a, NULL);
	signal(SIGPIPE, SIG_IGN);
}

bool cli_interrupted(void)
{
	return stop_signal != 0;
}

/* ---- options of a command ---- */

static const char *const WITH_VALUE[] = {"--where", "--sort", "--limit", "--page", "--state",
	"--if", "--input", "--timeout", "--model", "--keep", "--field", "--set", "--pending",
	"--port", "--host", "--db", "--strategy", "--model-strategy", "--seed", "--users",
	"--delta-ttl", "--base-ttl", "--max-limit", "--keep-alive", "--connection-timeout",
	"--write-config", "--parent-pipe", "--name", "--format", "-o", "--output", "--person",
	"--seed-number", "--to", "--chunk"};

bool cli_option_has_value(const char *name)
{
	for (size_t i = 0; i < sizeof WITH_VALUE / sizeof *WITH_VALUE; i++)
		if (strcmp(name, WITH_VALUE[i]) == 0)
			return true;
	return false;
}

static int put_option(struct cli *c, const struct cli_opt *o, const char *value)
{
	struct cli_list *l;

	switch (o->kind) {
	case CLI_FLAG:
		*(bool *)o->to = true;
		return 0;
	case CLI_VALUE:
		/* an unset variable of a script must not select every record */
		if (!*value && (strcmp(o->name, "--where") == 0 || strcmp(o->name, "--if") == 0))
			return cli_complain(c, 2,
				"%s \"\": column 1: expected a predicate; `all` is the one that is "
				"always true",
				o->name);
		*(const char **)o->to = value;
		return 0;
	case CLI_LIST:
		l = o->to;
		if (l->n == sizeof l->v / sizeof *l->v)
			return cli_complain(c, 2, "%s: given too often", o->name);
		l->v[l->n++] = value;
		return 0;
	}
	return 0;
}

int cli_take_options(struct cli *c, struct cli_args *a, const struct cli_opt *o, size_t n)
{
	int w = 0, rc = 0;
	bool ended = false;

	for (int i = 0; i < a->n && rc == 0; i++) {
		char *arg = a->v[i], *eq;
		const struct cli_opt *hit = NULL;
		size_t len;
		if (!ended && strcmp(arg, "--") == 0) {
			ended = true;
			continue;
		}
		/* "-5" and "-" are words; so is anything behind "--" */
		if (ended || arg[0] != '-' || !arg[1] || (arg[1] >= '0' && arg[1] <= '9')) {
			a->v[w++] = arg;
			continue;
		}
		eq = arg[1] == '-' ? strchr(arg, '=') : NULL;
		len = eq ? (size_t)(eq - arg) : strlen(arg);
		for (size_t k = 0; k < n && !hit; k++)
			if (strlen(o[k].name) == len && memcmp(o[k].name, arg, len) == 0)
				hit = &o[k];
		if (!hit)
			rc = cli_complain(c, 2, "unknown option %s; see `syncdeck help`", arg);
		else if (hit->kind == CLI_FLAG && eq)
			rc = cli_complain(c, 2, "%s takes no value", hit->name);
		else if (hit->kind != CLI_FLAG && !eq && i + 1 >= a->n)
			rc = cli_complain(c, 2, "%s needs a value", hit->name);
		else
			rc = put_option(c, hit,
				hit->kind == CLI_FLAG ? NULL
				: eq                  ? eq + 1
						      : a->v[++i]);
	}
	a->n = w;
	return rc;
}

int cli_usage(struct cli *c, const char *command)
{
	const struct cli_command *k = cli_find(command);

	return cli_complain(c, 2, "usage: syncdeck %s", k ? k->usage : command);
}

/* ---- the profile ---- */

int cli_load_config(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = SD_OK;

	if (c->config)
		return 0;
	c->config_path = c->o.config ? strdup(c->o.config) : app_find_config();
	if (c->config_path)
		rc = sd_config_read_file(c->config_path, &c->config, &e);
	else if (!(c->config = sd_config_new()))
		rc = sd_fail(&e, SD_NOMEM, 0, "out of memory");
	return rc == SD_OK ? 0 : cli_fail(c, rc == SD_NOTFOUND ? SD_INVAL : rc, &e);
}

int cli_load_schema(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;
	const char *from;
	int bad;

	if (c->schema)
		return 0;
	bad = cli_load_config(c);
	if (bad)
		return bad;
	if (c->o.schema)
		c->schema_path = strdup(c->o.schema);
	else if (!c->config->has_models)
		c->schema_path = app_find_schema(c->config_path);
	from = c->schema_path ? c->schema_path : c->config->has_models ? c->config_path : NULL;
	if (!from)
		return cli_complain(c, 2,
			"no schema: give -s FILE (schema.graphql, introspection JSON or "
			"schema.js), or "
			"put one beside the configuration; `syncdeck demo` needs none");
	rc = sd_schema_read_file(from, &c->schema, &e);
	return rc == SD_OK ? 0 : cli_fail(c, rc == SD_NOTFOUND ? SD_INVAL : rc, &e);
}

static int read_settings(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	char *path;
	enum sd_err rc;

	if (c->settings_read)
		return 0;
	path = app_settings_path();
	rc = path ? app_settings_read_file(&c->settings, path, &e) : SD_OK;

	free(path);
	if (rc == SD_OK)
		rc = app_settings_read_env(&c->settings, &e);
	for (size_t i = 0; rc == SD_OK && i < c->o.set_count; i++) {
		const char *eq = strchr(c->o.sets[i], '=');
		char *key;
		if (!eq)
			return cli_complain(
				c, 2, "--config-set %s: expected KEY=VALUE", c->o.sets[i]);
		key = sd_strdup_n(c->o.sets[i], (size_t)(eq - c->o.sets[i]));
		rc = app_settings_set(&c->settings, key, eq + 1, "--config-set", true, &e);
		free(key);
	}
	c->settings_read = rc == SD_OK;
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

int cli_api_opts(struct cli *c, struct sd_api_opts *o)
{
	int rc = cli_load_config(c), mode;

	*o = (struct sd_api_opts){.endpoint = c->o.endpoint,
		.api_key = c->o.api_key ? c->o.api_key : getenv("SYNCDECK_API_KEY"),
		.token = getenv("SYNCDECK_TOKEN"),
		.aws_id = getenv("AWS_ACCESS_KEY_ID"),
		.aws_secret = getenv("AWS_SECRET_ACCESS_KEY"),
		.aws_token = getenv("AWS_SESSION_TOKEN"),
		.offline = c->o.offline,
		.read_only = c->o.read_only};
	if (rc == 0)
		rc = read_settings(c);
	if (rc)
		return rc;
	if (c->o.auth) {
		mode = sd_auth_mode_parse(c->o.auth);
		if (mode < 0)
			return cli_complain(c, 2,
				"--auth %s: expected apiKey, userPool, oidc, iam, lambda or multi",
				c->o.auth);
		o->auth = (enum sd_auth_mode)mode;
	}
	o->config = c->config;
	o->settings = &c->settings.s;
	o->read_only = o->read_only || c->config->production;
	return 0;
}

int cli_find_profile(struct cli *c)
{
	int rc = cli_load_schema(c);

	if (rc == 0)
		rc = read_settings(c);
	if (rc || c->data_dir)
		return rc;
	c->data_dir = c->o.data_dir ? strdup(c->o.data_dir)
				    : app_data_dir(c->config_path, c->schema_path);
	return c->data_dir ? 0 : cli_complain(c, 2, "no data directory: give -d DIR");
}

int cli_try_open(struct cli *c, struct sd_error *e)
{
	struct sd_api_opts o;
	enum sd_err err;
	int rc;

	if (c->api)
		return 0;
	rc = cli_find_profile(c);
	if (rc == 0)
		rc = cli_api_opts(c, &o);
	if (rc)
		return rc;
	o.schema = c->schema;
	o.data_dir = c->data_dir;
	o.stop = &stop_reads;
	err = sd_api_open(&o, &c->api, e);
	return err == SD_OK ? 0 : -1;
}

int cli_open(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	int rc = cli_try_open(c, &e);

	return rc < 0 ? cli_fail(c, e.code, &e) : rc;
}

void cli_close(struct cli *c)
{
	cli_watches_close(c);
	sd_api_close(c->api);
	sd_schema_free(c->schema);
	sd_config_free(c->config);
	app_settings_release(&c->settings);
	free(c->config_path);
	free(c->schema_path);
	free(c->data_dir);
	sd_buf_release(&c->err);
	sd_json_free(c->rows);
}

int cli_key(struct cli *c, const char *model, char *const *words, int n, struct sd_buf *key)
{
	const struct sd_model *m = sd_schema_model(c->schema, model);
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (!m)
		return cli_complain(
			c, 2, "no model is named %s; `syncdeck models` lists them", model);
	rc = sd_key_from_words(m, (const char *const *)words, (size_t)n, key, &e);
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

char *cli_secret(const char *variable, const char *prompt)
{
	const char *v = getenv(variable);
	struct termios old, quiet;
	char line[512];
	FILE *tty;
	bool ok;

	if (v)
		return strdup(v);
	tty = fopen("/dev/tty", "r+");
	if (!tty)
		return NULL;
	fprintf(tty, "%s: ", prompt);
	fflush(tty);
	if (tcgetattr(fileno(tty), &old)) {
		fclose(tty);
		return NULL;
	}
	quiet = old;
	quiet.c_lflag &= (tcflag_t)~ECHO;
	tcsetattr(fileno(tty), TCSAFLUSH, &quiet);
	ok = fgets(line, sizeof line, tty) != NULL;
	tcsetattr(fileno(tty), TCSAFLUSH, &old);
	fputc('\n', tty);
	fclose(tty);
	if (!ok)
		return NULL;
	line[strcspn(line, "\r\n")] = '\0';
	char *copy = strdup(line);
	explicit_bzero(line, sizeof line);
	return copy;
}

int64_t cli_duration_arg(const char *text)
{
	int64_t ms;

	return sd_duration_parse(text, &ms) ? ms : -1;
}
