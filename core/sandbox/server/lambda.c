/*
 * core/sandbox/server/lambda.c - the conflict handler of `--strategy lambda:COMMAND`: payload on
 * the command's stdin, decision on its stdout (server.md 2.6).
 *
 * The command is the developer's own, given on their command line.  It holds up the server while
 * it runs, ten seconds at most, as a synchronous handler would hold up the mutation.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/log.h"
#include "core/base/time.h"
#include "core/sandbox/server/server.h"

#define LIMIT_MS   10000
#define ANSWER_MAX ((size_t)1 << 20)

static pid_t start(const char *command, int in, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL); /* lws and the server changed both */
		signal(SIGPIPE, SIG_DFL);
		if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
			close_range(3, ~0U, 0) ==
				0) /* sockets of clients are none of its business */
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	return pid;
}

/* Writes the payload and reads the answer at the same time; false: too long or too slow. */
static bool exchange(int to, int from, const char *payload, struct sd_buf *answer)
{
	int64_t until = sd_mono_ms() + LIMIT_MS;
	size_t left = strlen(payload);
	char piece[4096];

	for (;;) {
		struct pollfd p[2] = {{from, POLLIN, 0}, {to, POLLOUT, 0}};
		int64_t wait = until - sd_mono_ms();
		ssize_t n;

		if (wait <= 0 || (poll(p, to >= 0 ? 2 : 1, (int)wait) < 0 && errno != EINTR))
			break;
		if (to >= 0 && p[1].revents) {
			n = write(to, payload, left);
			if (n > 0) {
				payload += n;
				left -= (size_t)n;
			}
			if (!left || (n < 0 && errno != EAGAIN && errno != EINTR)) {
				close(to);
				to = -1;
			}
		}
		if (p[0].revents) {
			n = read(from, piece, sizeof piece);
			if (n == 0) {
				if (to >= 0)
					close(to);
				return true;
			}
			if (n > 0 && !sd_buf_add(answer, piece, (size_t)n))
				break;
		}
	}
	if (to >= 0)
		close(to);
	return false;
}

char *sd_srv_lambda(void *ctx, const char *command, const char *payload)
{
	int in[2], out[2], status = 0;
	struct sd_buf answer = {.cap = ANSWER_MAX};
	pid_t pid;
	bool ok;

	(void)ctx;
	if (pipe2(in, O_CLOEXEC) != 0)
		return NULL;
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return NULL;
	}
	pid = start(command, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (fcntl(in[1], F_SETFL, O_NONBLOCK) != 0)
		sd_log(SD_LOG_WARN, "sandbox", "handler: %s", strerror(errno));
	ok = pid > 0 && exchange(in[1], out[0], payload, &answer);
	close(out[0]);
	if (pid > 0) {
		if (!ok)
			kill(pid, SIGKILL);
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
	}
	if (!ok || status != 0) {
		sd_log(SD_LOG_WARN, "sandbox", "handler \"%s\" failed (status %d)", command,
			status);
		sd_buf_release(&answer);
		return NULL;
	}
	return sd_buf_take(&answer);
}
