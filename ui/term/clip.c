/* ui/term/clip.c - see clip.h. */
#include "ui/term/clip.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "ui/term/screen.h"

static const struct {
	const char *env; /* the tool makes sense only where this is set */
	const char *argv[4];
} TOOLS[] = {
	{"WAYLAND_DISPLAY", {"wl-copy", NULL}},
	{"DISPLAY", {"xclip", "-selection", "clipboard", NULL}},
	{"DISPLAY", {"xsel", "-ib", NULL}},
};

static bool run_tool(const char *const argv[], const char *p, size_t n)
{
	int fd[2], st = -1, none;
	pid_t pid;

	if (pipe2(fd, O_CLOEXEC) < 0)
		return false;
	pid = fork();
	if (pid == 0) {
		sigset_t set;

		sigemptyset(&set);
		sigprocmask(SIG_SETMASK, &set, NULL);
		none = open("/dev/null", O_WRONLY | O_CLOEXEC);
		dup2(fd[0], STDIN_FILENO);
		if (none >= 0) {
			dup2(none, STDOUT_FILENO);
			dup2(none, STDERR_FILENO);
		}
		execvp(argv[0], (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(fd[0]);
	while (pid > 0 && n) {
		ssize_t w = write(fd[1], p, n);

		if (w <= 0)
			break;
		p += w;
		n -= (size_t)w;
	}
	close(fd[1]);
	return pid > 0 && waitpid(pid, &st, 0) == pid && WIFEXITED(st) && WEXITSTATUS(st) == 0;
}

enum sd_err sd_clip_copy(const char *p, size_t n, const char **how, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	bool sent;

	for (size_t i = 0; i < sizeof TOOLS / sizeof *TOOLS; i++) {
		if (getenv(TOOLS[i].env) && run_tool(TOOLS[i].argv, p, n)) {
			if (how)
				*how = "to the desktop's clipboard";
			return SD_OK;
		}
	}
	if (n > SD_CLIP_MAX)
		return sd_fail(e, SD_TOOBIG, 0,
			"%zu bytes are too many for the terminal's clipboard (%zu); x writes a "
			"file",
			n, SD_CLIP_MAX);
	sd_buf_str(&b, "\033]52;c;");
	sd_base64_encode(&b, p, n, false);
	sd_buf_str(&b, "\007");
	sent = sd_buf_ok(&b) && sd_screen_raw(b.data, b.len);
	sd_buf_release(&b);
	if (!sent)
		return sd_fail(e, SD_IO, 0, "the terminal did not take the text");
	if (how)
		*how = "through the terminal (OSC 52)";
	return SD_OK;
}
