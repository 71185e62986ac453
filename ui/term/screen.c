/* ui/term/screen.c - see screen.h. */
#include "ui/term/screen.h"

#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <langinfo.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <term.h>
#include <termios.h>
#include <unistd.h>

#include "core/base/log.h"

static struct {
	SCREEN *screen;
	bool on, mouse, ascii, utf8, idle_marks, have_mask;
	int signal_fd, err_pipe[2], err_saved;
	sigset_t old_mask;
	struct termios tty; /* as we found it */
	char restore[256];  /* what a crash writes to give the terminal back */
	size_t restore_len;
} S = {.signal_fd = -1, .err_pipe = {-1, -1}, .err_saved = -1};

static const int FATAL[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
#define FATAL_COUNT (sizeof FATAL / sizeof *FATAL)
static struct sigaction was[FATAL_COUNT]; /* a sanitizer's handler gets its turn after ours */

static const char MOUSE_ON[] = "\033[?1000h\033[?1006h";
static const char MOUSE_OFF[] = "\033[?1006l\033[?1000l";

static void put_bytes(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);

		if (w < 0 && errno != EINTR && errno != EAGAIN)
			return;
		if (w > 0) {
			p += w;
			n -= (size_t)w;
		}
	}
}

enum sd_err sd_screen_signals(struct sd_error *e)
{
	sigset_t set;

	if (S.signal_fd >= 0)
		return SD_OK;
	sigemptyset(&set);
	sigaddset(&set, SIGWINCH);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, &S.old_mask);
	S.have_mask = true;
	S.signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (S.signal_fd < 0)
		return sd_fail(e, SD_IO, errno, "signals: %s", strerror(errno));
	return SD_OK;
}

/* Only calls that are safe in a signal handler. */
static void on_fatal(int sig)
{
	static const char words[] = "\r\nsyncdeck crashed; what was saved is safe. "
				    "The log file has more (syncdeck info names it).\r\n";

	put_bytes(STDOUT_FILENO, S.restore, S.restore_len);
	tcsetattr(STDIN_FILENO, TCSANOW, &S.tty);
	if (S.err_saved >= 0)
		dup2(S.err_saved, STDERR_FILENO);
	put_bytes(STDERR_FILENO, words, sizeof words - 1);
	for (size_t i = 0; i < FATAL_COUNT; i++)
		if (FATAL[i] == sig)
			sigaction(sig, &was[i], NULL);
	raise(sig);
}

static void remember(const char *cap)
{
	const char *s = tigetstr(cap);
	size_t n;

	if (!s || s == (const char *)-1)
		return;
	n = strlen(s);
	if (S.restore_len + n < sizeof S.restore) {
		memcpy(S.restore + S.restore_len, s, n);
		S.restore_len += n;
	}
}

static void guard_crashes(bool on)
{
	struct sigaction sa = {0};

	sa.sa_handler = on_fatal;
	sigemptyset(&sa.sa_mask);
	for (size_t i = 0; i < FATAL_COUNT; i++) {
		if (on)
			sigaction(FATAL[i], &sa, &was[i]);
		else
			sigaction(FATAL[i], &was[i], NULL);
	}
}

/* stderr goes into a pipe that the main loop empties into the log; nobody ever waits for it. */
static void catch_stderr(void)
{
	if (pipe2(S.err_pipe, O_CLOEXEC | O_NONBLOCK) < 0)
		return;
	S.err_saved = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	fflush(stderr);
	dup2(S.err_pipe[1], STDERR_FILENO);
}

static void free_stderr(void)
{
	if (S.err_saved < 0)
		return;
	fflush(stderr);
	sd_screen_stderr();
	dup2(S.err_saved, STDERR_FILENO);
	close(S.err_saved);
	close(S.err_pipe[0]);
	close(S.err_pipe[1]);
	S.err_saved = S.err_pipe[0] = S.err_pipe[1] = -1;
}

int sd_screen_stderr_fd(void)
{
	return S.err_pipe[0];
}

/* Without a log file the log itself writes to stderr: what comes back into the pipe while a line
 * is logged is that line, and is dropped, or it would go round for ever. */
void sd_screen_stderr(void)
{
	char b[1024], drop[4096];
	ssize_t n;

	if (S.err_pipe[0] < 0 || (n = read(S.err_pipe[0], b, sizeof b - 1)) <= 0)
		return;
	b[n] = 0;
	for (char *line = b, *end; *line; line = end) {
		end = line + strcspn(line, "\n");
		if (*end)
			*end++ = 0;
		if (*line && sd_log_to_file()) /* else it would come back here for ever */
			sd_log(SD_LOG_WARN, "stderr", "%s", line);
	}
	while (read(S.err_pipe[0], drop, sizeof drop) == (ssize_t)sizeof drop)
		;
}

static void mouse(bool on)
{
	if (S.mouse)
		put_bytes(STDOUT_FILENO, on ? MOUSE_ON : MOUSE_OFF, sizeof MOUSE_ON - 1);
}

static void set_modes(void)
{
	struct termios t;

	raw(); /* also takes IXON, ISIG and IEXTEN away: C-s, C-z, C-o are keys */
	noecho();
	nonl();
	if (tcgetattr(STDIN_FILENO, &t) == 0) {
		t.c_iflag &= (tcflag_t) ~(IXON | IXOFF | ICRNL | INLCR);
		t.c_lflag &= (tcflag_t) ~(IEXTEN | ISIG | ICANON | ECHO);
		tcsetattr(STDIN_FILENO, TCSADRAIN, &t);
	}
	def_prog_mode();
	typeahead(-1); /* a frame is never cut off half way */
	keypad(stdscr, TRUE);
	curs_set(0);
	leaveok(stdscr, FALSE);
	mouse(true);
}

enum sd_err sd_screen_start(const struct sd_screen_opts *o, struct sd_error *e)
{
	const char *term = getenv("TERM"), *kmous;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return sd_fail(e, SD_INVAL, 0,
			"the screen needs a terminal; for scripts there are commands: syncdeck "
			"help");
	if (tcgetattr(STDIN_FILENO, &S.tty) < 0)
		return sd_fail(e, SD_IO, errno, "terminal: %s", strerror(errno));
	setlocale(LC_ALL, "");
	setlocale(LC_NUMERIC, "C"); /* numbers of records and requests have a point everywhere */
	S.utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	S.ascii = o->ascii || !S.utf8 || (term && strcmp(term, "vt100") == 0);
	S.idle_marks = getenv("APP_TEST_IDLE") != NULL;
	S.screen = newterm(NULL, stdout, stdin);
	if (!S.screen)
		return sd_fail(e, SD_INVAL, 0,
			"TERM=%s is not known here; try TERM=xterm-256color or TERM=vt100",
			term ? term : "(unset)");
	S.on = true;
	kmous = tigetstr("kmous");
	S.mouse = !o->no_mouse && kmous && kmous != (const char *)-1;
	S.restore_len = 0;
	if (S.mouse) {
		memcpy(S.restore, MOUSE_OFF, sizeof MOUSE_OFF - 1);
		S.restore_len = sizeof MOUSE_OFF - 1;
	}
	remember("rmkx");
	remember("sgr0");
	remember("cnorm");
	remember("rmcup");
	set_modes();
	if (sd_theme_use(o->theme, o->color, e) != SD_OK) {
		sd_screen_stop();
		return SD_INVAL;
	}
	catch_stderr();
	guard_crashes(true);
	signal(SIGPIPE, SIG_IGN);
	return SD_OK;
}

void sd_screen_stop(void)
{
	if (S.on) {
		guard_crashes(false);
		mouse(false);
		endwin();
		tcsetattr(STDIN_FILENO, TCSADRAIN, &S.tty);
		delscreen(S.screen);
		S.screen = NULL;
		S.on = false;
		free_stderr();
	}
	if (S.signal_fd >= 0) {
		close(S.signal_fd);
		S.signal_fd = -1;
	}
	if (S.have_mask) {
		pthread_sigmask(SIG_SETMASK, &S.old_mask, NULL);
		S.have_mask = false;
	}
}

int sd_screen_rows(void)
{
	return LINES;
}

int sd_screen_cols(void)
{
	return COLS;
}

void sd_screen_resize(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) == 0 && ws.ws_row > 0 && ws.ws_col > 0)
		resizeterm(ws.ws_row, ws.ws_col);
	clearok(curscr, TRUE);
}

bool sd_screen_utf8(void)
{
	return S.utf8;
}

bool sd_screen_ascii(void)
{
	return S.ascii;
}

void sd_screen_clear(void)
{
	attr_set(A_NORMAL, 0, NULL);
	erase();
	curs_set(0);
}

void sd_screen_flush(void)
{
	refresh();
}

void sd_screen_redraw(void)
{
	clearok(curscr, TRUE);
}

void sd_screen_idle(uint64_t handled, bool idle)
{
	char b[64];
	int n;

	if (!S.idle_marks)
		return;
	n = snprintf(b, sizeof b, "\033]7777;%s;%llu\007", idle ? "idle" : "drawn",
		(unsigned long long)handled);
	put_bytes(STDOUT_FILENO, b, (size_t)n);
}

int sd_screen_signal_fd(void)
{
	return S.signal_fd;
}

enum sd_signal sd_screen_signal(void)
{
	struct signalfd_siginfo si;

	if (S.signal_fd < 0 || read(S.signal_fd, &si, sizeof si) != sizeof si)
		return SD_SIG_NONE;
	if (si.ssi_signo == SIGWINCH)
		return SD_SIG_RESIZE;
	return si.ssi_signo == SIGINT ? SD_SIG_INTERRUPT : SD_SIG_QUIT;
}

static void leave(void)
{
	mouse(false);
	def_prog_mode();
	endwin();
	tcsetattr(STDIN_FILENO, TCSADRAIN, &S.tty);
}

static void take_again(void)
{
	reset_prog_mode();
	refresh();
	mouse(true);
	sd_screen_resize();
}

void sd_screen_suspend(void)
{
	leave();
	kill(0, SIGTSTP); /* the whole job, as the driver would */
	take_again();
}

int sd_screen_run(char *const argv[])
{
	int st = -1;
	pid_t pid;

	leave();
	pid = fork();
	if (pid == 0) {
		pthread_sigmask(SIG_SETMASK, &S.old_mask, NULL);
		signal(SIGPIPE, SIG_DFL);
		guard_crashes(false);
		if (S.err_saved >= 0)
			dup2(S.err_saved, STDERR_FILENO);
		execvp(argv[0], argv);
		_exit(127);
	}
	while (pid > 0 && waitpid(pid, &st, 0) < 0 && errno == EINTR)
		;
	take_again();
	return pid > 0 && WIFEXITED(st) && WEXITSTATUS(st) != 127 ? WEXITSTATUS(st) : -1;
}

bool sd_screen_raw(const char *p, size_t n)
{
	if (!S.on)
		return false;
	put_bytes(STDOUT_FILENO, p, n);
	return true;
}
