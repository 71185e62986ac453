/*
 * tests/support/vtscreen.h - a program on a real pseudo terminal, its screen read cell by cell.
 *
 * The program tells with `ESC ] 7777 ; idle ; N BEL` that its screen shows what N bytes of input
 * asked for; vts_keys waits for that, so no test sleeps.  Raw output is kept: a test can prove
 * that a byte never reached the terminal.
 *
 * Depends on: libvterm, forkpty.  Threads: one at a time.
 */
#ifndef SD_TESTS_VTSCREEN_H
#define SD_TESTS_VTSCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <vterm.h>

#define MS 60000 /* to wait for a frame: only a failure takes so long */

struct vts;

struct vts_opts {
	int rows, cols;         /* 24 x 80 when 0 */
	const char *term;       /* NULL: xterm-256color */
	const char *const *env; /* "NAME=value", NULL behind the last; may be NULL */
	char *const *argv;      /* the program; or */
	int (*run)(void *ctx);  /* a function in a child process: its exit status */
	void *ctx;
};

struct vts *vts_start(const struct vts_opts *o);
/* Types, and waits until the screen shows the outcome; false when ms passed first. */
bool vts_keys(struct vts *v, const char *keys, int ms);
bool vts_type(struct vts *v, const char *keys); /* without waiting */
bool vts_wait_idle(struct vts *v, int ms);      /* the next idle mark that counts all input */
/* A frame that shows what all keys asked for; rows may still be on their way. */
bool vts_wait_drawn(struct vts *v, int ms);
bool vts_wait_text(struct vts *v, const char *text, int ms);
bool vts_wait_gone(struct vts *v, const char *text, int ms);
void vts_resize(struct vts *v, int rows, int cols);

VTermScreenCell vts_cell(struct vts *v, int row, int col);
char *vts_row(struct vts *v, int row);         /* owned; trailing blanks cut */
int vts_find(struct vts *v, const char *text); /* the row that has it, -1 none */
bool vts_has(struct vts *v, const char *text);
const char *vts_raw(struct vts *v, size_t *n); /* every byte since the start, borrowed */
const char *vts_osc52(struct vts *v);          /* the last clipboard text (base64); NULL */
int vts_pid(struct vts *v);
void vts_dump(struct vts *v); /* for a failing test */
/* Waits for the end of the program; its exit status, -1 when it was killed. */
int vts_close(struct vts *v);

#endif
