/* tests/bench/sbx_child.c - see sbx_child.h. */
#include "tests/bench/sbx_child.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/time.h"
#include "tests/bench/measure.h"
#include "tests/support/ws_client.h"

#define KEY "da2-fakeApiId123456"

struct sbx_child sbx_child_start(const char *program, const char *const *args)
{
	const char *argv[32] = {program, "sandbox"};
	struct sbx_child c = {0};
	int64_t begin = sd_mono_us();
	char *line = NULL, *port;
	size_t room = 0, n = 2;
	int p[2];
	FILE *f;

	while (*args && n < 31)
		argv[n++] = *args++;
	must(pipe2(p, O_CLOEXEC) == 0, "pipe", NULL);
	fflush(stdout);
	c.pid = fork();
	if (c.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(p[1], STDOUT_FILENO);
		execv(program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(p[1]);
	f = fdopen(p[0], "r");
	must(f && getline(&line, &room, f) > 0, program, "the sandbox does not come up");
	c.ready_s = (double)(sd_mono_us() - begin) / 1e6;
	port = strstr(line, "\"port\":");
	must(port != NULL, "first line", line);
	c.port = (int)strtol(port + 7, NULL, 10);
	fclose(f);
	free(line);
	return c;
}

double sbx_child_cpu_s(const struct sbx_child *c)
{
	char path[64], text[1024];
	unsigned long user = 0, sys = 0;
	FILE *f;
	char *p;

	snprintf(path, sizeof path, "/proc/%d/stat", (int)c->pid);
	f = fopen(path, "r");
	must(f && fgets(text, sizeof text, f), path, "cannot be read");
	fclose(f);
	p = strrchr(text, ')');
	must(p && sscanf(p, ") %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &sys) ==
				2,
		path, "not as expected");
	return (double)(user + sys) / (double)sysconf(_SC_CLK_TCK);
}

double sbx_child_peak_mb(const struct sbx_child *c)
{
	char path[64], line[256];
	long kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/status", (int)c->pid);
	f = fopen(path, "r");
	must(f != NULL, path, "cannot be read");
	while (fgets(line, sizeof line, f))
		if (strncmp(line, "VmHWM:", 6) == 0)
			kib = strtol(line + 6, NULL, 10);
	fclose(f);
	return (double)kib / 1024;
}

void sbx_child_stop(struct sbx_child *c)
{
	kill(c->pid, SIGTERM);
	waitpid(c->pid, NULL, 0);
}

void drop_from_cache(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	fsync(fd);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	close(fd);
}

/* ---- HTTP ---- */

void http_open(struct http *h, int port)
{
	memset(h, 0, sizeof *h);
	h->fd = sd_test_connect(port);
}

void http_close(struct http *h)
{
	close(h->fd);
	sd_buf_release(&h->out);
	sd_buf_release(&h->in);
}

void http_send(struct http *h, const char *path, const char *body)
{
	sd_buf_reset(&h->out);
	sd_buf_fmt(&h->out,
		"POST %s HTTP/1.1\r\nhost: 127.0.0.1\r\nx-api-key: " KEY
		"\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
		path, strlen(body));
	sd_buf_str(&h->out, body);
	must(send(h->fd, h->out.data, h->out.len, MSG_NOSIGNAL) == (ssize_t)h->out.len, "send",
		path);
}

/* Where the body begins, once the whole answer is there; else NULL. */
static char *whole(const struct sd_buf *in)
{
	char *body = in->data ? strstr(in->data, "\r\n\r\n") : NULL, *length;

	if (!body)
		return NULL;
	length = strcasestr(in->data, "content-length:");
	must(length && length < body, "answer", "without a length");
	body += 4;
	return in->len >= (size_t)(body - in->data) + strtoul(length + 15, NULL, 10) ? body : NULL;
}

const char *http_receive(struct http *h)
{
	static char piece[262144];
	char *body;

	sd_buf_reset(&h->in);
	while (!(body = whole(&h->in))) {
		ssize_t n = recv(h->fd, piece, sizeof piece, 0);
		must(n > 0, "answer", "the connection ended");
		sd_buf_add(&h->in, piece, (size_t)n);
	}
	return body;
}

bool http_waiting(const struct http *h)
{
	struct pollfd p = {h->fd, POLLIN, 0};

	return poll(&p, 1, 0) > 0;
}

const char *http_post(struct http *h, const char *path, const char *body)
{
	http_send(h, path, body);
	return http_receive(h);
}

static void echo(int listener, const char *answer, size_t n)
{
	struct sd_buf in = SD_BUF_INIT;
	char piece[65536];
	int fd, one = 1;
	ssize_t got;

	while ((fd = accept(listener, NULL, NULL)) >= 0) {
		setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		sd_buf_reset(&in);
		while ((got = recv(fd, piece, sizeof piece, 0)) > 0) {
			sd_buf_add(&in, piece, (size_t)got);
			if (!whole(&in))
				continue;
			if (send(fd, answer, n, MSG_NOSIGNAL) < 0)
				break;
			sd_buf_reset(&in);
		}
		close(fd);
	}
}

pid_t echo_start(size_t n, int *port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof a;
	struct sd_buf answer = SD_BUF_INIT;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	pid_t pid;

	must(fd >= 0 && bind(fd, (struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0 &&
			getsockname(fd, (struct sockaddr *)&a, &len) == 0,
		"echo server", NULL);
	*port = ntohs(a.sin_port);
	sd_buf_fmt(&answer,
		"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %zu\r\n\r\n",
		n);
	for (size_t i = 0; i < n; i++)
		sd_buf_ch(&answer, 'x');
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		echo(fd, answer.data, answer.len);
		_exit(0);
	}
	close(fd);
	sd_buf_release(&answer);
	return pid;
}
