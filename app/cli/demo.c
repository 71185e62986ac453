/*
 * app/cli/demo.c - `syncdeck demo`: sandbox, two simulated devices and the UI in one command.
 *
 * Sandbox and devices are child processes of this same program; they end with it, also when it is
 * killed (a pipe that closes, and PR_SET_PDEATHSIG).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "app/demo/device.h"
#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "ui/ui.h"

#define READY_MS 30000
#define DEVICES  2

static const struct sd_ui_user USER[] = {
	{"ana@example.com", "Ana-demo-1"}, {"bo@example.com", "Bo-demo-2"}};
static const char *const USER_SUB[] = {
	"6f1d8f0e-4c0b-4e2b-9d50-0a6f1c6b1a01", "0c9a7f52-7f0c-4b5e-8f3a-5d0d7d1b2b02"};

struct demo {
	char *dir, *config, *users, *person; /* owned */
	bool temporary;
	int pipe[2]; /* children see its end when we are gone */
	pid_t child[1 + DEVICES];
	size_t children;
};

static char *in(const struct demo *d, const char *name)
{
	return sd_path_join(d->dir, name);
}

/* Starts this program with args (NULL-terminated); out >= 0 becomes its stdout. */
static pid_t spawn(struct cli *c, struct demo *d, char *const *args, int out)
{
	pid_t parent = getpid(), pid = fork();
	int null;

	if (pid != 0)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1);
	setpgid(0, 0); /* a ^C on the terminal is the UI's alone */
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(out >= 0 ? out : null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	fcntl(d->pipe[0], F_SETFD, 0);
	close(d->pipe[1]);
	execv(c->program, args);
	_exit(127);
}

static enum sd_err write_users(const char *path, struct sd_error *e)
{
	struct cJSON *list = sd_json_array();
	char *text;
	enum sd_err rc;

	for (size_t i = 0; i < sizeof USER / sizeof *USER; i++) {
		struct cJSON *u = sd_json_object();
		sd_json_add_str(u, "username", USER[i].name);
		sd_json_add_str(u, "password", USER[i].password);
		sd_json_add_str(u, "sub", USER_SUB[i]);
		sd_json_add(u, "groups", sd_json_array());
		sd_json_add_str(u, "email", USER[i].name);
		sd_json_add_str(u, "challenge", "none");
		sd_json_push(list, u);
	}
	text = sd_json_text(list);
	rc = text ? sd_write_file(path, text, strlen(text), e) : SD_NOMEM;
	free(text);
	sd_json_free(list);
	return rc;
}

/* Waits for the sandbox's first line. */
static bool wait_ready(int fd)
{
	struct sd_buf line = {.cap = 65536};
	int64_t end = sd_mono_ms() + READY_MS;
	bool ready = false;
	char b[4096];

	while (!ready && sd_mono_ms() < end && !cli_interrupted()) {
		struct pollfd p = {fd, POLLIN, 0};
		ssize_t n;
		if (poll(&p, 1, 200) <= 0)
			continue;
		n = read(fd, b, sizeof b);
		if (n <= 0 || !sd_buf_add(&line, b, (size_t)n))
			break;
		ready = strstr(sd_buf_text(&line), "\"ready\":true") && strchr(line.data, '\n');
	}
	sd_buf_release(&line);
	return ready;
}

static int start_sandbox(struct cli *c, struct demo *d)
{
	char program[] = "syncdeck", cmd[] = "sandbox", port[] = "--port", zero[] = "0";
	char seed[] = "--seed", demo[] = "demo", users[] = "--users", admin[] = "--admin";
	char write[] = "--write-config", parent[] = "--parent-pipe", fd[16];
	char *args[] = {program, cmd, port, zero, seed, demo, users, d->users, admin, write,
		d->config, parent, fd, NULL};
	int out[2];
	bool ready;

	snprintf(fd, sizeof fd, "%d", d->pipe[0]);
	if (pipe2(out, O_CLOEXEC))
		return cli_complain(c, 1, "demo: no pipe: %s", strerror(errno));
	d->child[d->children] = spawn(c, d, args, out[1]);
	close(out[1]);
	if (d->child[d->children++] < 0)
		return cli_complain(c, 1, "demo: the backend could not be started");
	ready = wait_ready(out[0]);
	/* kept open: the sandbox may print to it again */
	return ready ? 0
		     : cli_complain(c, 1, "demo: the backend did not come up; see the log file");
}

static void start_device(struct cli *c, struct demo *d, const char *name, bool meddles)
{
	char program[] = "syncdeck", dash_c[] = "-c", dash_d[] = "-d", auth[] = "--auth";
	char key[] = "apiKey", cmd[] = "demo-device", dash_name[] = "--name", person[] = "--person";
	char *copy = strdup(name), *dir = in(d, name);
	char *args[] = {program, dash_c, d->config, dash_d, dir, auth, key, cmd, dash_name, copy,
		meddles ? person : NULL, d->person, NULL};
	pid_t pid = spawn(c, d, args, -1);

	if (pid > 0)
		d->child[d->children++] = pid;
	free(copy);
	free(dir);
}

static void remove_tree(const char *dir)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
}

static void end(struct demo *d)
{
	close(d->pipe[1]);
	for (size_t i = d->children; i-- > 0;)
		kill(d->child[i], SIGTERM);
	for (size_t i = 0; i < d->children; i++)
		while (waitpid(d->child[i], NULL, 0) < 0 && errno == EINTR)
			;
	close(d->pipe[0]);
	if (d->temporary && d->dir)
		remove_tree(d->dir);
	free(d->dir);
	free(d->config);
	free(d->users);
	free(d->person);
}

/* The project's name, for the header of the UI. */
static enum sd_err name_project(const struct demo *d, struct sd_error *e)
{
	static const char text[] = "{\"name\":\"demo\"}\n";
	char *dir = in(d, ".syncdeck"), *file = in(d, ".syncdeck/project.json");
	enum sd_err rc = dir && file ? sd_mkdir_p(dir, e) : SD_NOMEM;

	if (rc == SD_OK)
		rc = sd_write_file(file, text, sizeof text - 1, e);
	free(dir);
	free(file);
	return rc;
}

static int prepare(struct cli *c, struct demo *d)
{
	struct sd_error e = {.code = SD_OK};
	const char *tmp = getenv("TMPDIR");
	enum sd_err rc;

	if (c->o.data_dir) {
		d->dir = strdup(c->o.data_dir);
		rc = sd_mkdir_p(d->dir, &e);
		if (rc != SD_OK)
			return cli_fail(c, rc, &e);
	} else {
		if (asprintf(&d->dir, "%s/syncdeck-demo.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0 ||
			!mkdtemp(d->dir))
			return cli_complain(
				c, 1, "demo: no temporary directory: %s", strerror(errno));
		d->temporary = true;
	}
	rc = name_project(d, &e);
	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	d->config = in(d, "amplify_outputs.json");
	d->users = in(d, "users.json");
	d->person = in(d, "person");
	rc = write_users(d->users, &e);
	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	return pipe2(d->pipe, O_CLOEXEC) ? cli_complain(c, 1, "demo: no pipe") : 0;
}

static int sign_in_first(struct cli *c)
{
	struct sd_login l = {.user = USER[0].name, .password = USER[0].password};
	struct sd_error e = {.code = SD_OK};
	struct cJSON *who = NULL;
	enum sd_err rc = sd_api_login(c->api, &l, &who, &e);

	sd_json_free(who);
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

int cli_demo(struct cli *c, struct cli_args *a)
{
	struct demo d = {.pipe = {-1, -1}};
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "demo");
	if (rc)
		return rc;
	rc = prepare(c, &d);
	if (rc == 0) {
		printf("Starting a backend with sample data on this machine...\n");
		fflush(stdout);
		rc = start_sandbox(c, &d);
	}
	if (rc == 0) {
		c->o.config = d.config;
		c->o.schema = NULL;
		c->o.data_dir = d.person;
		c->o.auth = "userPool";
		rc = cli_open(c);
	}
	if (rc == 0 && !sd_api_locked(c->api))
		rc = sign_in_first(c);
	if (rc == 0) {
		start_device(c, &d, "Kaja", true);
		start_device(c, &d, "Uwe", false);
		rc = cli_ui(c, USER, sizeof USER / sizeof *USER);
	}
	sd_api_close(c->api);
	c->api = NULL;
	end(&d);
	return rc;
}

/* ---- a simulated device ---- */

int cli_demo_device(struct cli *c, struct cli_args *a)
{
	const char *name = "device", *person = NULL, *tick = getenv("SYNCDECK_DEMO_TICK_MS");
	const struct cli_opt opts[] = {
		{"--name", CLI_VALUE, &name}, {"--person", CLI_VALUE, &person}};
	struct app_device d = {.name = name};
	struct sd_api_opts watched;
	struct sd_error e = {.code = SD_OK};
	int64_t pace = 3000, next = 0;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 2);

	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	if (tick && (!sd_parse_i64(tick, &pace) || pace < 10))
		pace = 3000;
	err = sd_api_start(c->api, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	d.api = c->api;
	d.name = name;
	sd_rand_system(&d.rand);
	watched = (struct sd_api_opts){.config = c->config,
		.schema = c->schema,
		.settings = &c->settings.s,
		.data_dir = person,
		.offline = true};
	d.person = person ? &watched : NULL;
	while (!cli_interrupted()) {
		struct sd_api_status s;
		cli_pump(c, -1, 200, false);
		sd_api_status(c->api, &s);
		if (!s.ready || sd_mono_ms() < next)
			continue;
		app_device_meddle(&d);
		if (next)
			app_device_work(&d);
		next = sd_mono_ms() + pace / 2 + sd_rand_below(&d.rand, (uint32_t)pace);
	}
	sd_api_stop(c->api);
	return 0;
}
