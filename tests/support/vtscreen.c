/* tests/support/vtscreen.c - see vtscreen.h. */
#include "tests/support/vtscreen.h"

#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/base/buf.h"

struct vts {
	VTerm *vt;
	VTermScreen *s;
	int fd, rows, cols;
	pid_t pid;
	unsigned marks;             /* idle marks seen */
	unsigned long long handled; /* the newest one's count */
	unsigned long long drawn;   /* input bytes that a frame has shown */
	unsigned long long written;
	struct sd_buf raw;
	char *osc52;
	bool gone;
};

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* libvterm 0.1.4 hands an unknown OSC over whole. */
static int on_osc(const char *cmd, size_t len, void *user)
{
	struct vts *v = user;

	if (len >= 10 && !memcmp(cmd, "7777;idle;", 10)) {
		v->marks++;
		v->drawn = v->handled = strtoull(cmd + 10, NULL, 10);
	} else if (len >= 11 && !memcmp(cmd, "7777;drawn;", 11)) {
		v->drawn = strtoull(cmd + 11, NULL, 10);
	} else if (len >= 5 && !memcmp(cmd, "52;c;", 5)) {
		free(v->osc52);
		v->osc52 = strndup(cmd + 5, len - 5);
	}
	return 1;
}

static bool pump(struct vts *v, int ms)
{
	char b[65536];
	struct pollfd p = {v->fd, POLLIN, 0};
	ssize_t n;

	if (v->gone || poll(&p, 1, ms) <= 0)
		return false;
	n = read(v->fd, b, sizeof b);
	if (n <= 0) {
		v->gone = true;
		return false;
	}
	sd_buf_add(&v->raw, b, (size_t)n);
	vterm_input_write(v->vt, b, (size_t)n);
	return true;
}

static void child(const struct vts_opts *o)
{
	setenv("TERM", o->term ? o->term : "xterm-256color", 1);
	setenv("APP_TEST_IDLE", "1", 1);
	setenv("LC_ALL", "C.UTF-8", 1);
	setenv("TZ", "UTC", 1);
	unsetenv("LINES");
	unsetenv("COLUMNS");
	unsetenv("NO_COLOR");
	unsetenv("DISPLAY");
	unsetenv("WAYLAND_DISPLAY");
	for (const char *const *e = o->env; e && *e; e++) {
		char *name = strdup(*e), *eq = name ? strchr(name, '=') : NULL;

		if (eq) {
			*eq = 0;
			setenv(name, eq + 1, 1);
		}
		free(name);
	}
	if (o->run)
		exit(o->run(o->ctx));
	execv(o->argv[0], o->argv);
	_exit(127);
}

struct vts *vts_start(const struct vts_opts *o)
{
	static const VTermParserCallbacks fallback = {.osc = on_osc};
	struct vts *v = calloc(1, sizeof *v);
	struct winsize ws;

	if (!v)
		abort();
	v->rows = o->rows ? o->rows : 24;
	v->cols = o->cols ? o->cols : 80;
	ws = (struct winsize){(unsigned short)v->rows, (unsigned short)v->cols, 0, 0};
	fflush(NULL);
	v->pid = forkpty(&v->fd, NULL, NULL, &ws);
	if (v->pid == 0)
		child(o);
	v->vt = vterm_new(v->rows, v->cols);
	vterm_set_utf8(v->vt, 1);
	v->s = vterm_obtain_screen(v->vt);
	vterm_screen_set_unrecognised_fallbacks(v->s, &fallback, v);
	vterm_screen_enable_altscreen(v->s, 1);
	vterm_screen_reset(v->s, 1);
	return v;
}

bool vts_wait_idle(struct vts *v, int ms)
{
	unsigned was = v->marks;
	int64_t end = now_ms() + ms;

	while (v->marks == was || v->handled < v->written) {
		int64_t left = end - now_ms();

		if (left <= 0 || (!pump(v, (int)left) && v->gone))
			return false;
	}
	return true;
}

bool vts_wait_drawn(struct vts *v, int ms)
{
	int64_t end = now_ms() + ms;

	while (v->drawn < v->written) {
		int64_t left = end - now_ms();

		if (left <= 0 || (!pump(v, (int)left) && v->gone))
			return false;
	}
	return true;
}

bool vts_type(struct vts *v, const char *keys)
{
	size_t n = strlen(keys);

	v->written += n;
	return write(v->fd, keys, n) == (ssize_t)n;
}

bool vts_keys(struct vts *v, const char *keys, int ms)
{
	return vts_type(v, keys) && vts_wait_idle(v, ms);
}

int vts_find(struct vts *v, const char *text)
{
	for (int r = 0; r < v->rows; r++) {
		char *s = vts_row(v, r);
		bool hit = strstr(s, text) != NULL;

		free(s);
		if (hit)
			return r;
	}
	return -1;
}

bool vts_has(struct vts *v, const char *text)
{
	return vts_find(v, text) >= 0;
}

/* The stream ends with a mark: a whole frame is on the screen, not half of one. */
static bool at_mark(const struct vts *v)
{
	size_t n = v->raw.len, from = n > 48 ? n - 48 : 0;

	return n && v->raw.data[n - 1] == '\007' &&
	       strstr(v->raw.data + from, "\033]7777;") != NULL;
}

static bool wait_for(struct vts *v, const char *text, bool there, int ms)
{
	int64_t end = now_ms() + ms;

	for (;;) {
		int64_t left = end - now_ms();
		bool hit = vts_has(v, text) == there;

		if (hit && (at_mark(v) || left <= 0 || v->gone))
			return true;
		if (left <= 0 || v->gone) {
			fprintf(stderr, "waited %d ms for %s\"%s\"\n", ms,
				there ? "" : "the end of ", text);
			vts_dump(v);
			return false;
		}
		/* a program without marks: silence means that the frame is whole */
		if (!pump(v, left < 3000 ? (int)left : 3000) && hit)
			return true;
	}
}

bool vts_wait_text(struct vts *v, const char *text, int ms)
{
	return wait_for(v, text, true, ms);
}

bool vts_wait_gone(struct vts *v, const char *text, int ms)
{
	return wait_for(v, text, false, ms);
}

void vts_resize(struct vts *v, int rows, int cols)
{
	struct winsize ws = {(unsigned short)rows, (unsigned short)cols, 0, 0};

	v->rows = rows;
	v->cols = cols;
	vterm_set_size(v->vt, rows, cols);
	ioctl(v->fd, TIOCSWINSZ, &ws); /* the kernel sends SIGWINCH */
}

VTermScreenCell vts_cell(struct vts *v, int row, int col)
{
	VTermScreenCell x;

	memset(&x, 0, sizeof x);
	vterm_screen_get_cell(v->s, (VTermPos){row, col}, &x);
	return x;
}

char *vts_row(struct vts *v, int row)
{
	size_t room = (size_t)v->cols * 24 + 1, n;
	char *b = calloc(1, room);
	VTermRect r = {row, row + 1, 0, v->cols};

	if (!b)
		abort();
	n = vterm_screen_get_text(v->s, b, room - 1, r);
	while (n && b[n - 1] == ' ')
		n--;
	b[n] = 0;
	return b;
}

const char *vts_raw(struct vts *v, size_t *n)
{
	*n = v->raw.len;
	return sd_buf_text(&v->raw);
}

const char *vts_osc52(struct vts *v)
{
	return v->osc52;
}

int vts_pid(struct vts *v)
{
	return (int)v->pid;
}

void vts_dump(struct vts *v)
{
	for (int r = 0; r < v->rows; r++) {
		char *s = vts_row(v, r);

		fprintf(stderr, "%2d|%s\n", r, s);
		free(s);
	}
}

int vts_close(struct vts *v)
{
	int st = 0, rc;
	int64_t end = now_ms() + 60000;

	while (waitpid(v->pid, &st, WNOHANG) == 0) {
		if (now_ms() > end) {
			kill(v->pid, SIGKILL);
			waitpid(v->pid, &st, 0);
			break;
		}
		if (!pump(v, 10))
			usleep(1000);
	}
	while (pump(v, 0))
		;
	rc = WIFEXITED(st) ? WEXITSTATUS(st) : -1;
	close(v->fd);
	vterm_free(v->vt);
	sd_buf_release(&v->raw);
	free(v->osc52);
	free(v);
	return rc;
}
