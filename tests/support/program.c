/* tests/support/program.c - see program.h. */
#include "tests/support/program.h"

#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/support.h"

/* The program of the same build as this test. */
static const char *path(void)
{
	static char p[512];
	ssize_t n = readlink("/proc/self/exe", p, sizeof p - 40);
	char *s;

	assert_true(n > 0);
	p[n] = '\0';
	s = strstr(p, "/tests/");
	assert_non_null(s);
	snprintf(s, 40, "/syncdeck");
	return p;
}

void program_open(struct program *p, const char *sdl, const char *url)
{
	p->dir = sd_test_dir();
	p->url = url;
	p->schema = sd_path_join(p->dir, "schema.graphql");
	p->errors = sd_path_join(p->dir, "errors");
	assert_int_equal(sd_write_file(p->schema, sdl, strlen(sdl), NULL), SD_OK);
}

void program_close(struct program *p)
{
	free(p->schema);
	free(p->errors);
	sd_test_dir_remove(p->dir);
}

pid_t program_start(const struct program *p, const char *const *args, int in, int *out)
{
	const char *argv[40] = {path(), "--json", "-d", p->dir, "-s", p->schema};
	int n = 6, pipes[2];
	pid_t pid;

	if (p->url) {
		argv[n++] = "--endpoint";
		argv[n++] = p->url;
		argv[n++] = "--api-key";
		argv[n++] = "da2-fakeApiId123456";
	}
	while (*args && n < 39)
		argv[n++] = *args++;
	argv[n] = NULL;
	assert_int_equal(pipe2(pipes, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int err = open(p->errors, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(in >= 0 ? in : open("/dev/null", O_RDONLY | O_CLOEXEC), 0);
		dup2(pipes[1], 1);
		dup2(err, 2);
		execv(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(pipes[1]);
	*out = pipes[0];
	return pid;
}

void program_drain(int out, struct sd_buf *text)
{
	char b[8192];
	ssize_t n;

	while ((n = read(out, b, sizeof b)) > 0)
		if (text)
			sd_buf_add(text, b, (size_t)n);
	close(out);
}

int program_run(const struct program *p, const char *const *args, struct sd_buf *text)
{
	int out, status;
	pid_t pid = program_start(p, args, -1, &out);

	program_drain(out, text);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void program_said(const struct program *p, struct sd_buf *text)
{
	if (sd_is_file(p->errors))
		assert_int_equal(sd_read_file(p->errors, 1 << 20, text, NULL), SD_OK);
}
