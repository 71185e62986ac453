/*
 * core/runtime/command.c - runs a person's own `!command` beside the thread, with a time limit.
 *
 * The text comes from the person's config file or flags only (contract.md 7); data goes in on
 * stdin, never into the command line.
 */
#include "core/runtime/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/base/time.h"

extern char **environ;

static pid_t start(const char *text, int in[2], int out[2])
{
	char shell[] = "/bin/sh", dash_c[] = "-c", *copy = strdup(text);
	char *argv[] = {shell, dash_c, copy, NULL};
	posix_spawn_file_actions_t fa;
	posix_spawnattr_t attr;
	sigset_t none, all;
	pid_t pid = -1;

	posix_spawn_file_actions_init(&fa);
	posix_spawn_file_actions_adddup2(&fa, in[0], STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&fa, out[1], STDOUT_FILENO);
	posix_spawnattr_init(&attr);
	sigemptyset(&none);
	sigemptyset(&all);
	sigaddset(&all, SIGPIPE); /* ignored here, and children would inherit that */
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setsigdefault(&attr, &all);
	posix_spawnattr_setpgroup(&attr, 0);
	posix_spawnattr_setflags(
		&attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
	if (!copy || posix_spawn(&pid, shell, &fa, &attr, argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&fa);
	posix_spawnattr_destroy(&attr);
	free(copy);
	return pid;
}

/* Feeds input, gathers output until the end, the limit or a stop; true when it ended by itself. */
static bool talk(struct sd_command *c, int to, int from, int64_t end, struct sd_buf *out)
{
	const char *p = c->input ? c->input : "";
	size_t left = strlen(p);
	char b[4096];

	fcntl(to, F_SETFL, O_NONBLOCK);
	while (!atomic_load(&c->rt->stop) && sd_mono_ms() < end) {
		struct pollfd f[2] = {{from, POLLIN, 0}, {left ? to : -1, POLLOUT, 0}};
		ssize_t n;
		if (!left && to >= 0) {
			close(to);
			to = -1;
		}
		if (poll(f, 2, 100) <= 0)
			continue;
		if (f[1].revents) {
			n = write(to, p, left);
			if (n < 0 && errno != EAGAIN)
				n = (ssize_t)left; /* it does not read: fine */
			if (n > 0) {
				p += n;
				left -= (size_t)n;
			}
		}
		if (f[0].revents) {
			n = read(from, b, sizeof b);
			if (n <= 0 || !sd_buf_add(out, b, (size_t)n)) {
				if (to >= 0)
					close(to);
				return n == 0;
			}
		}
	}
	if (to >= 0)
		close(to);
	return false;
}

/* Its end, by itself or (a command that closed its output and goes on) by us at the limit. */
static bool reap(struct sd_command *c, pid_t pid, int64_t end, bool ended, int *status)
{
	pid_t got;

	while ((got = waitpid(pid, status, WNOHANG)) <= 0) {
		if (got < 0 && errno != EINTR)
			return false;
		if (!ended || atomic_load(&c->rt->stop) || sd_mono_ms() >= end) {
			ended = false;
			kill(-pid, SIGKILL);
		}
		usleep(2000);
	}
	return ended;
}

static void *command_thread(void *arg)
{
	struct sd_command *c = arg;
	struct sd_input *done = sd_rt_input(SD_IN_COMMAND, c->id);
	struct sd_buf out = {.cap = (size_t)4 << 20};
	int in[2] = {-1, -1}, pipe_out[2] = {-1, -1}, status = -1;
	int64_t end = sd_mono_ms() + c->timeout_ms;
	bool ended = false;
	pid_t pid = -1;

	if (pipe2(in, O_CLOEXEC) == 0 && pipe2(pipe_out, O_CLOEXEC) == 0)
		pid = start(c->text, in, pipe_out);
	if (in[0] >= 0)
		close(in[0]);
	if (pipe_out[1] >= 0)
		close(pipe_out[1]);
	if (pid > 0) {
		ended = talk(c, in[1], pipe_out[0], end, &out);
		ended = reap(c, pid, end, ended, &status);
	} else if (in[1] >= 0) {
		close(in[1]);
	}
	if (pipe_out[0] >= 0)
		close(pipe_out[0]);
	if (done && ended && WIFEXITED(status) && WEXITSTATUS(status) == 0)
		done->text = sd_buf_take(&out);
	else if (done)
		done->failure = strdup(pid <= 0 ? "could not be started"
				       : !ended ? "took too long"
						: "exited with an error");
	sd_buf_release(&out);
	if (done && !sd_queue_put(c->rt->posted, done))
		sd_rt_input_free(done);
	sd_rt_wake(c->rt);
	return NULL;
}

void sd_rt_command(struct sd_runtime *rt, struct sd_action *a)
{
	struct sd_command *c = calloc(1, sizeof *c);
	struct sd_input *in;

	sd_rt_commands_join(rt, false);
	if (c) {
		c->rt = rt;
		c->id = a->id;
		c->text = a->text;
		c->input = a->input;
		a->text = a->input = NULL;
		c->timeout_ms = a->timeout_ms ? a->timeout_ms : 10000;
		if (pthread_create(&c->thread, NULL, command_thread, c) == 0) {
			c->next = rt->commands;
			rt->commands = c;
			return;
		}
		free(c->text);
		free(c->input);
		free(c);
	}
	in = sd_rt_input(SD_IN_COMMAND, a->id);
	if (in) {
		in->failure = strdup("could not be started");
		sd_rt_put(rt, in);
	}
}

void sd_rt_commands_join(struct sd_runtime *rt, bool all)
{
	for (struct sd_command **p = &rt->commands; *p;) {
		struct sd_command *c = *p;
		if (all ? pthread_join(c->thread, NULL) : pthread_tryjoin_np(c->thread, NULL)) {
			p = &c->next;
			continue;
		}
		*p = c->next;
		free(c->text);
		free(c->input);
		free(c);
	}
}
