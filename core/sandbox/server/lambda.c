/*
 * core/sandbox/server/lambda.c - the conflict handler of `--strategy lambda:COMMAND`: payload on
 * the command's stdin, decision on its stdout; or lambda:http://... : payload as a POST, decision
 * in the answer (server.md 2.6).
 *
 * The command is the developer's own, given on their command line.  Each run has a thread that
 * waits for it, ten seconds at most (`--set lambda_timeout=`); the server's loop is woken when it is over, and nothing but
 * the record in conflict is held up.  With too many at a time the next ones queue.
 */
#include "core/sandbox/server/lambda.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <curl/curl.h>

#include "core/base/buf.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define ANSWER_MAX  ((size_t)1 << 20)
#define RUNNING_MAX 64
#define LOOK_MS     5 /* between two looks at a command that has closed its output */

struct run { /* the thread writes answer and over under the lock, nothing else of it changes */
	struct run *next;
	struct sd_lambdas *all;
	uint64_t id;
	char *command, *payload; /* owned */
	char *answer;            /* owned; NULL: it failed */
	pthread_t thread;
	pid_t pid; /* 0: none; guarded, so that a dead one is never killed */
	bool started, over;
};

struct sd_lambdas {
	pthread_mutex_t lock;
	int64_t limit_ms;
	struct run *runs; /* in order of asking; linked and unlinked by the loop's thread only */
	bool stopping;    /* guarded */
	void (*wake)(void *ctx);
	void *ctx;
};

static pid_t start(const char *command, int in, int out)
{
	pid_t pid = fork();

	if (pid == 0) {
		sigset_t none;
		setpgid(0, 0); /* what it starts ends with it */
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL); /* lws and the server changed both */
		signal(SIGPIPE, SIG_DFL);
		if (dup2(in, STDIN_FILENO) >= 0 && dup2(out, STDOUT_FILENO) >= 0 &&
			close_range(3, ~0U, 0) ==
				0) /* sockets of clients are none of its business */
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
		_exit(127);
	}
	if (pid > 0)
		setpgid(pid, pid); /* whoever comes first */
	return pid;
}

/* Writes the payload and reads the answer at the same time; false: too long or too slow. */
static bool exchange(int to, int from, const char *payload, int64_t until, struct sd_buf *answer)
{
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

/* false: the server stops, and this process shall not run. */
static bool set_pid(struct run *r, pid_t pid)
{
	bool go;

	pthread_mutex_lock(&r->all->lock);
	go = !r->all->stopping;
	r->pid = pid;
	pthread_mutex_unlock(&r->all->lock);
	return go;
}

/* Its exit status; it is killed when it does not end in time.  It stays a zombie until the pid is
 * forgotten, so that its number cannot be another's. */
static int reap(struct run *r, bool kill_now, int64_t until)
{
	int status = -1;
	siginfo_t end;

	for (bool gone = false; !gone;) {
		if (kill_now || sd_mono_ms() >= until) {
			kill(-r->pid, SIGKILL);
			kill_now = true;
		}
		memset(&end, 0, sizeof end);
		if (waitid(P_PID, (id_t)r->pid, &end,
			    WEXITED | WNOWAIT | (kill_now ? 0 : WNOHANG)) != 0)
			gone = errno != EINTR;
		else
			gone = end.si_pid == r->pid;
		if (!gone && !kill_now)
			poll(NULL, 0, LOOK_MS);
	}
	pthread_mutex_lock(&r->all->lock);
	waitpid(r->pid, &status, 0);
	r->pid = 0;
	pthread_mutex_unlock(&r->all->lock);
	return status;
}

static char *run_command(struct run *r)
{
	int in[2], out[2], status = -1;
	struct sd_buf answer = {.cap = ANSWER_MAX};
	int64_t until = sd_mono_ms() + r->all->limit_ms;
	pid_t pid;
	bool ok;

	if (pipe2(in, O_CLOEXEC) != 0)
		return NULL;
	if (pipe2(out, O_CLOEXEC) != 0) {
		close(in[0]);
		close(in[1]);
		return NULL;
	}
	pid = start(r->command, in[0], out[1]);
	close(in[0]);
	close(out[1]);
	if (fcntl(in[1], F_SETFL, O_NONBLOCK) != 0)
		sd_log(SD_LOG_WARN, "sandbox", "handler: %s", strerror(errno));
	ok = pid > 0 && set_pid(r, pid);
	if (ok)
		ok = exchange(in[1], out[0], r->payload, until, &answer);
	else
		close(in[1]);
	close(out[0]);
	if (pid > 0)
		status = reap(r, !ok, until);
	if (!ok || status != 0) {
		sd_log(SD_LOG_WARN, "sandbox", "handler \"%s\" failed (status %d)", r->command,
			status);
		sd_buf_release(&answer);
		return NULL;
	}
	return sd_buf_take(&answer);
}

static size_t collect(char *p, size_t one, size_t n, void *ctx)
{
	return sd_buf_add(ctx, p, one * n) ? one * n : 0;
}

static int stopping(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	struct run *r = ctx;
	bool stop;

	(void)a, (void)b, (void)c, (void)d;
	pthread_mutex_lock(&r->all->lock);
	stop = r->all->stopping;
	pthread_mutex_unlock(&r->all->lock);
	return stop;
}

static char *run_url(struct run *r)
{
	struct sd_buf answer = {.cap = ANSWER_MAX};
	CURL *c = curl_easy_init();
	struct curl_slist *h = curl_slist_append(NULL, "content-type: application/json");
	CURLcode rc = CURLE_OUT_OF_MEMORY;
	long status = 0;

	if (c && h) {
		curl_easy_setopt(c, CURLOPT_URL, r->command);
		curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, r->payload);
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, h);
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)r->all->limit_ms);
		curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
		curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
		curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, stopping);
		curl_easy_setopt(c, CURLOPT_XFERINFODATA, r);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, &answer);
		rc = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &status);
	}
	curl_slist_free_all(h);
	curl_easy_cleanup(c);
	if (rc == CURLE_OK && status / 100 == 2)
		return sd_buf_take(&answer);
	sd_log(SD_LOG_WARN, "sandbox", "handler %s failed: %s, HTTP %ld", r->command,
		curl_easy_strerror(rc), status);
	sd_buf_release(&answer);
	return NULL;
}

static void *thread(void *arg)
{
	struct run *r = arg;
	struct sd_lambdas *all = r->all;
	bool url = sd_str_starts(r->command, "http://") || sd_str_starts(r->command, "https://");
	char *answer = url ? run_url(r) : run_command(r);

	pthread_mutex_lock(&all->lock);
	r->answer = answer;
	r->over = true; /* from here on r may be gone */
	all->wake(all->ctx);
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

/* As many as may run at a time; the others wait their turn. */
static void start_next(struct sd_lambdas *l)
{
	size_t running = 0;

	for (struct run *r = l->runs; r && running < RUNNING_MAX; r = r->next) {
		if (!r->started)
			r->started = pthread_create(&r->thread, NULL, thread, r) == 0;
		running++; /* one that cannot start waits, too, for an end of the others */
	}
}

static void free_run(struct run *r)
{
	free(r->command);
	free(r->payload);
	free(r->answer);
	free(r);
}

struct sd_lambdas *sd_lambdas_new(int64_t limit_ms, void (*wake)(void *ctx), void *ctx)
{
	struct sd_lambdas *l = calloc(1, sizeof *l);

	if (!l)
		return NULL;
	if (pthread_mutex_init(&l->lock, NULL) != 0) {
		free(l);
		return NULL;
	}
	l->limit_ms = limit_ms;
	l->wake = wake;
	l->ctx = ctx;
	return l;
}

void sd_lambdas_free(struct sd_lambdas *l)
{
	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->stopping = true;
	for (struct run *r = l->runs; r; r = r->next)
		if (r->pid > 0)
			kill(-r->pid, SIGKILL);
	pthread_mutex_unlock(&l->lock);
	for (struct run *r = l->runs, *next; r; r = next) {
		next = r->next;
		if (r->started)
			pthread_join(r->thread, NULL);
		free_run(r);
	}
	pthread_mutex_destroy(&l->lock);
	free(l);
}

bool sd_lambdas_ask(struct sd_lambdas *l, uint64_t id, const char *command, const char *payload)
{
	struct run *r = calloc(1, sizeof *r), **end = &l->runs;
	bool first = !l->runs;

	if (!r)
		return false;
	r->all = l;
	r->id = id;
	r->command = strdup(command);
	r->payload = strdup(payload);
	if (!r->command || !r->payload) {
		free_run(r);
		return false;
	}
	while (*end)
		end = &(*end)->next;
	*end = r;
	start_next(l);
	if (first && !r->started) { /* no thread, and no other's end will bring one */
		l->runs = NULL;
		free_run(r);
		return false;
	}
	return true;
}

bool sd_lambdas_next(struct sd_lambdas *l, uint64_t *id, char **answer)
{
	struct run **at = &l->runs, *r = NULL;

	pthread_mutex_lock(&l->lock);
	while (*at && !(*at)->over)
		at = &(*at)->next;
	if (*at) {
		r = *at;
		*at = r->next;
	}
	pthread_mutex_unlock(&l->lock);
	if (!r)
		return false;
	pthread_join(r->thread, NULL);
	*id = r->id;
	*answer = r->answer;
	r->answer = NULL;
	free_run(r);
	start_next(l);
	return true;
}
