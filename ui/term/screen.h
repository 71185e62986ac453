/*
 * ui/term/screen.h - the terminal: taking it, giving it back, its size and its signals.
 *
 * While the screen is taken, SIGWINCH, SIGHUP, SIGTERM and SIGINT come through a descriptor, the
 * terminal driver passes every key (IXON, IEXTEN and ISIG off), and what anybody writes to stderr
 * goes to the log.  A fatal signal gives the terminal back before the process ends.
 *
 * Depends on: base, ncursesw.  Threads: UI thread only; start it before other threads, which then
 * inherit the blocked signals.
 */
#ifndef SD_UI_TERM_SCREEN_H
#define SD_UI_TERM_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"
#include "ui/term/theme.h"

struct sd_screen_opts {
	enum sd_color color;
	bool ascii, no_mouse;
	const char *theme; /* NULL: default */
};

/* Blocks the signals above and opens their descriptor; call first.  Errors: IO. */
SD_MUST_USE enum sd_err sd_screen_signals(struct sd_error *e);
/* Errors: INVAL (no terminal, unknown TERM or theme), IO. */
SD_MUST_USE enum sd_err sd_screen_start(const struct sd_screen_opts *o, struct sd_error *e);
void sd_screen_stop(void); /* fine when it never started */

int sd_screen_rows(void);
int sd_screen_cols(void);
void sd_screen_resize(void); /* asks the kernel for the size again; redraws everything */
bool sd_screen_utf8(void);   /* the locale and the terminal take UTF-8 */
bool sd_screen_ascii(void);  /* draw frames with + - | */

void sd_screen_clear(void);  /* starts a frame */
void sd_screen_flush(void);  /* shows it; only changed cells are sent */
void sd_screen_redraw(void); /* the next flush sends every cell */
/* Tests only (APP_TEST_IDLE): tells that the screen shows what `handled` bytes of input asked. */
/* idle false: the frame shows what the keys asked for, but rows may still be read anew. */
void sd_screen_idle(uint64_t handled, bool idle);

enum sd_signal { SD_SIG_NONE, SD_SIG_RESIZE, SD_SIG_QUIT, SD_SIG_INTERRUPT };
int sd_screen_signal_fd(void);
enum sd_signal sd_screen_signal(void); /* takes one; NONE when there is none */
int sd_screen_stderr_fd(void);         /* readable: call sd_screen_stderr */
void sd_screen_stderr(void);           /* moves what was written to stderr into the log */

void sd_screen_suspend(void); /* C-z: gives the terminal back, stops, takes it again */
/* Runs a program on the terminal (an editor); argv[0] is looked up in PATH.  Returns its exit
 * status, -1 when it could not be run or was killed. */
int sd_screen_run(char *const argv[]);
/* Writes bytes straight to the terminal (OSC 52), between frames. */
bool sd_screen_raw(const char *p, size_t n);

#endif
