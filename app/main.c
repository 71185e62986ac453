/*
 * app/main.c - the process: global options, then a command or the terminal UI.
 */
#include <limits.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/paths.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "ui/ui.h"

#include <stddef.h>

static const struct global {
	const char *name, *brief;
	bool flag;
	size_t offset;
} GLOBAL[] = {
#define AT(f) offsetof(struct cli_options, f)
	{"--config", "-c", false, AT(config)},
	{"--schema", "-s", false, AT(schema)},
	{"--data-dir", "-d", false, AT(data_dir)},
	{"--endpoint", NULL, false, AT(endpoint)},
	{"--api-key", NULL, false, AT(api_key)},
	{"--auth", NULL, false, AT(auth)},
	{"--color", NULL, false, AT(color)},
	{"--theme", NULL, false, AT(theme)},
	{"--log-level", NULL, false, AT(log_level)},
	{"--log-file", NULL, false, AT(log_file)},
	{"--config-set", NULL, false, AT(sets)},
	{"--offline", NULL, true, AT(offline)},
	{"--read-only", NULL, true, AT(read_only)},
	{"--json", NULL, true, AT(json)},
	{"--ascii", NULL, true, AT(ascii)},
	{"--no-mouse", NULL, true, AT(no_mouse)},
	{"--help", "-h", true, AT(help)},
	{"--version", NULL, true, AT(version)},
#undef AT
};

/* The global option that arg is; *value points behind '=' when it has one. */
static const struct global *global_option(char *arg, char **value)
{
	char *eq = arg[0] == '-' && arg[1] == '-' ? strchr(arg, '=') : NULL;
	size_t n = eq ? (size_t)(eq - arg) : strlen(arg);

	*value = eq ? eq + 1 : NULL;
	for (size_t i = 0; i < sizeof GLOBAL / sizeof *GLOBAL; i++) {
		const struct global *g = &GLOBAL[i];
		if ((strlen(g->name) == n && memcmp(g->name, arg, n) == 0) ||
			(g->brief && strcmp(g->brief, arg) == 0))
			return g;
	}
	return NULL;
}

static int set_global(struct cli *c, const struct global *g, const char *value)
{
	void *to = (char *)&c->o + g->offset;

	if (g->flag) {
		*(bool *)to = true;
		return 0;
	}
	if (to == (void *)c->o.sets) {
		if (c->o.set_count == sizeof c->o.sets / sizeof *c->o.sets)
			return cli_complain(c, 2, "--config-set: given too often");
		c->o.sets[c->o.set_count++] = value;
		return 0;
	}
	*(const char **)to = value;
	return 0;
}

/* Takes global options out, wherever they stand before "--"; the rest stays in argv. */
static int take_globals(struct cli *c, int *argc, char **argv)
{
	int w = 1, rc = 0;

	for (int i = 1; i < *argc && rc == 0; i++) {
		char *value;
		const struct global *g;
		if (strcmp(argv[i], "--") == 0) {
			while (i < *argc)
				argv[w++] = argv[i++];
			break;
		}
		g = global_option(argv[i], &value);
		if (!g) {
			bool takes = cli_option_has_value(argv[i]);
			argv[w++] = argv[i];
			if (takes && i + 1 < *argc)
				argv[w++] = argv[++i];
			continue;
		}
		if (g->flag && value)
			rc = cli_complain(c, 2, "%s takes no value", g->name);
		else if (!g->flag && !value && i + 1 >= *argc)
			rc = cli_complain(c, 2, "%s needs a value", g->name);
		else
			rc = set_global(c, g, g->flag ? NULL : value ? value : argv[++i]);
	}
	*argc = w;
	return rc;
}

/* Options of the screen are checked for every command: what is misspelt is told at once. */
static int check_look(struct cli *c)
{
	static const char *const MODE[] = {"auto", "always", "never"};
	bool known = !c->o.color;

	for (size_t i = 0; i < sizeof MODE / sizeof *MODE; i++)
		known = known || strcmp(c->o.color, MODE[i]) == 0;
	if (!known)
		return cli_complain(c, 2, "--color %s: expected auto, always or never", c->o.color);
	known = !c->o.theme;
	for (int i = 0; !known && sd_theme_name(i); i++)
		known = strcmp(c->o.theme, sd_theme_name(i)) == 0;
	return known ? 0
		     : cli_complain(
			       c, 2, "--theme %s: expected default, light or mono", c->o.theme);
}

static int open_log(struct cli *c, bool ui)
{
	int level = c->o.log_level ? sd_log_level_parse(c->o.log_level) : SD_LOG_INFO;
	struct sd_error e = {.code = SD_OK};
	char *dir = NULL, *path = NULL;
	enum sd_err rc = SD_OK;

	if (level < 0)
		return cli_complain(c, 2,
			"--log-level %s: expected error, warn, info, debug or trace",
			c->o.log_level);
	if (c->o.log_file) {
		rc = sd_log_open(c->o.log_file, (enum sd_log_level)level, &e);
	} else {
		dir = app_state_dir();
		path = dir ? sd_path_join(dir, "log") : NULL;
		/* a log that cannot be opened is no reason not to work, except that the UI must
		 * never have it on its screen */
		if (!path || sd_mkdir_p(dir, NULL) != SD_OK ||
			sd_log_open(path, (enum sd_log_level)level, NULL) != SD_OK)
			rc = sd_log_open(ui ? "/dev/null" : NULL, SD_LOG_ERROR, &e);
	}
	free(dir);
	free(path);
	return rc == SD_OK ? 0 : cli_fail(c, SD_INVAL, &e);
}

static char *self(const char *argv0)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return strdup(argv0);
	path[n] = '\0';
	return strdup(path);
}

int main(int argc, char **argv)
{
	struct cli c;
	char *program = self(argv[0]);
	int rc;

	memset(&c, 0, sizeof c);
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* JSON has a decimal point, whatever the country */
	app_settings_init(&c.settings);
	c.program = program;
	rc = take_globals(&c, &argc, argv);
	if (rc == 0)
		rc = check_look(&c);
	if (rc == 0 && c.o.version) {
		printf("syncdeck %s\n", SD_VERSION);
	} else if (rc == 0 && c.o.help) {
		struct cli_args a = {argv + 1, argc > 1 ? 1 : 0};
		rc = cli_help(&c, &a);
	} else if (rc == 0 && argc > 1) {
		c.batch = false;
		if (strcmp(argv[1], "batch") == 0)
			c.o.json = true;
		rc = open_log(&c, strcmp(argv[1], "demo") == 0);
		cli_catch_signals();
		if (rc == 0)
			rc = cli_run(&c, argv + 1, argc - 1);
	} else if (rc == 0) {
		rc = open_log(&c, true);
		if (rc == 0)
			rc = cli_ui(&c, NULL, 0);
	}
	cli_close(&c);
	sd_log_close();
	free(program);
	return rc;
}
