/* app/cli/sandbox.c - `syncdeck sandbox`: the local backend, run in the foreground. */
#include "core/api/sandbox.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/cli/conflict_conf.h"
#include "app/demo/demo.h"
#include "app/paths.h"
#include "core/base/log.h"
#include "core/base/text.h"

static void print_ready(void *ctx, const char *line)
{
	(void)ctx;
	printf("%s\n", line);
	fflush(stdout);
}

/* least 0: nothing at all is allowed, which the options write as -1 */
static int duration(struct cli *c, const char *name, const char *text, int64_t least, int64_t *ms)
{
	if (!text)
		return 0;
	*ms = cli_duration_arg(text);
	if (*ms == 0 && least > 0)
		return cli_complain(c, 2, "%s %s: it must be longer than nothing", name, text);
	if (*ms == 0)
		*ms = -1;
	else if (*ms < 0)
		*ms = 0;
	if (*ms)
		return 0;
	return cli_complain(
		c, 2, "%s %s: expected a duration such as 500ms 30s 5m 24h 30d", name, text);
}

static int number(struct cli *c, const char *name, const char *text, int64_t least, int64_t most,
	int64_t *out)
{
	if (!text || (sd_parse_i64(text, out) && *out >= least && *out <= most))
		return 0;
	return cli_complain(c, 2, "%s %s: expected a whole number from %lld to %lld", name, text,
		(long long)least, (long long)most);
}

/* The texts of the options that are numbers and durations. */
struct texts {
	const char *port, *delta, *base, *limit, *keep_alive, *timeout, *parent;
};

static int read_texts(struct cli *c, const struct texts *t, struct sd_sandbox_opts *o)
{
	int64_t port = 0, fd = -1;
	int rc = number(c, "--port", t->port, 0, 65535, &port);

	if (rc == 0)
		rc = number(c, "--max-limit", t->limit, 1, 1000000, &o->max_limit);
	if (rc == 0)
		rc = number(c, "--parent-pipe", t->parent, 0, 1 << 20, &fd);
	if (rc == 0)
		rc = duration(c, "--delta-ttl", t->delta, 0, &o->delta_ttl_ms);
	if (rc == 0)
		rc = duration(c, "--base-ttl", t->base, 0, &o->base_ttl_ms);
	if (rc == 0)
		rc = duration(c, "--keep-alive", t->keep_alive, 1, &o->keep_alive_ms);
	if (rc == 0)
		rc = duration(c, "--connection-timeout", t->timeout, 1, &o->connection_timeout_ms);
	o->port = (int)port;
	o->parent_pipe = (int)fd;
	return rc;
}

/* The schema, and the file that --seed demo stands for. */
static int read_schema(struct cli *c, struct sd_sandbox_opts *o, char **seed_file)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = c->o.schema ? sd_schema_read_file(c->o.schema, &c->schema, &e)
				      : app_demo_schema(&c->schema, &e);

	if (err != SD_OK)
		return cli_fail(c, err == SD_NOTFOUND ? SD_INVAL : err, &e);
	o->schema = c->schema;
	for (size_t i = 0; i < c->schema->note_count; i++)
		cli_say(c, "note: %s", c->schema->notes[i]);
	if (!o->seed || strcmp(o->seed, "demo") != 0)
		return 0;
	if (c->o.schema)
		return cli_complain(
			c, 2, "--seed demo is the data of the built-in schema: leave -s away");
	err = app_demo_seed_file(seed_file, &e);
	o->seed = *seed_file;
	return err == SD_OK ? 0 : cli_fail(c, err, &e);
}

/* What the Amplify project beside the schema says about conflicts; options stand above it. */
static int strategies(struct cli *c, struct sd_sandbox_opts *o, struct cli_conflict_conf *conf,
	const struct cli_list *given, struct cli_list *all)
{
	int rc = c->o.schema ? cli_conflict_conf_read(c, c->o.schema, conf) : 0;

	for (size_t i = 0; i < conf->n && all->n < sizeof all->v / sizeof all->v[0]; i++)
		all->v[all->n++] = conf->models[i];
	for (size_t i = 0; i < given->n && all->n < sizeof all->v / sizeof all->v[0]; i++)
		all->v[all->n++] = given->v[i];
	if (!o->strategy)
		o->strategy = conf->strategy ? conf->strategy : "automerge";
	o->model_strategies = all->v;
	o->model_strategy_count = all->n;
	return rc;
}

int cli_sandbox(struct cli *c, struct cli_args *a)
{
	struct sd_sandbox_opts o = {.host = "127.0.0.1",
		.api_key = c->o.api_key ? c->o.api_key : "da2-fakeApiId123456",
		.delta_ttl_ms = 30 * 60000LL,
		.base_ttl_ms = 30 * 86400000LL,
		.keep_alive_ms = 60000,
		.connection_timeout_ms = 300000,
		.max_limit = 1000};
	struct texts t = {0};
	struct cli_list models = {.n = 0}, sets = {.n = 0}, all = {.n = 0};
	struct cli_conflict_conf conf = {.n = 0};
	const struct cli_opt opts[] = {{"--port", CLI_VALUE, &t.port},
		{"--host", CLI_VALUE, &o.host}, {"--db", CLI_VALUE, &o.db},
		{"--tls", CLI_FLAG, &o.tls}, {"--strategy", CLI_VALUE, &o.strategy},
		{"--model-strategy", CLI_LIST, &models}, {"--seed", CLI_VALUE, &o.seed},
		{"--users", CLI_VALUE, &o.users}, {"--delta-ttl", CLI_VALUE, &t.delta},
		{"--base-ttl", CLI_VALUE, &t.base}, {"--admin", CLI_FLAG, &o.admin},
		{"--max-limit", CLI_VALUE, &t.limit}, {"--keep-alive", CLI_VALUE, &t.keep_alive},
		{"--connection-timeout", CLI_VALUE, &t.timeout},
		{"--write-config", CLI_VALUE, &o.write_config}, {"--set", CLI_LIST, &sets},
		{"--parent-pipe", CLI_VALUE, &t.parent}};
	struct sd_error e = {.code = SD_OK};
	char *seed_file = NULL, *state;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "sandbox");
	if (rc == 0)
		rc = read_texts(c, &t, &o);
	if (rc == 0)
		rc = read_schema(c, &o, &seed_file);
	if (rc == 0)
		rc = strategies(c, &o, &conf, &models, &all);
	if (rc)
		return rc;
	state = app_state_dir();
	o.state_dir = state;
	o.sets = sets.v;
	o.set_count = sets.n;
	err = sd_sandbox_run(&o, print_ready, NULL, &e);
	if (seed_file)
		remove(seed_file);
	cli_conflict_conf_free(&conf);
	free(seed_file);
	free(state);
	/* a file that an option names and that is not there is a bad option */
	return err == SD_OK ? 0 : cli_fail(c, err == SD_NOTFOUND ? SD_INVAL : err, &e);
}
