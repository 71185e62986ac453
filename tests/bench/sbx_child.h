/*
 * tests/bench/sbx_child.h - a sandbox as a child process, what it costs, and a bare HTTP client and
 * server to measure it with.
 */
#ifndef SD_BENCH_SBX_CHILD_H
#define SD_BENCH_SBX_CHILD_H

#include <sys/types.h>

#include "core/base/buf.h"

struct sbx_child {
	pid_t pid;
	int port;
	double ready_s; /* from the start of the program to its first line */
};

/* Runs `program sandbox ARGS...` (NULL-terminated); exits when it does not come up. */
struct sbx_child sbx_child_start(const char *program, const char *const *args);
double sbx_child_cpu_s(const struct sbx_child *c);
double sbx_child_peak_mb(const struct sbx_child *c);
void sbx_child_stop(struct sbx_child *c);

/* The file's pages are on the disk and nowhere else. */
void drop_from_cache(const char *path);

/* One connection; exits when the other side does not answer. */
struct http {
	int fd;
	struct sd_buf out, in;
};
void http_open(struct http *h, int port);
void http_close(struct http *h);
void http_send(struct http *h, const char *path, const char *body);
const char *http_receive(struct http *h); /* the body; borrowed until the next call */
bool http_waiting(const struct http *h);  /* something has come */
const char *http_post(struct http *h, const char *path, const char *body);

/* The shortest server: the same answer of n bytes to every request on one connection. */
pid_t echo_start(size_t n, int *port);

#endif
