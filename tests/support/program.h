/*
 * tests/support/program.h - the real program, run on a profile of its own.
 *
 * Threads: one.
 */
#ifndef SD_TESTS_PROGRAM_H
#define SD_TESTS_PROGRAM_H

#include <sys/types.h>

#include "core/base/buf.h"

struct program {
	char *dir, *schema; /* owned: the profile, its schema file */
	const char *url;    /* borrowed: endpoint; NULL: none */
	char *errors;       /* owned: file that gets what it says on stderr */
};

/* A fresh directory with the schema in it. */
void program_open(struct program *p, const char *sdl, const char *url);
void program_close(struct program *p);
/* Starts it with --json on the profile; args end with NULL.  in: its stdin, -1: none.  *out: its
 * stdout, the caller closes it. */
pid_t program_start(const struct program *p, const char *const *args, int in, int *out);
/* Reads to the end and closes. */
void program_drain(int out, struct sd_buf *text);
/* Runs it to its end; the exit code.  Its output is added to text, which may be NULL. */
int program_run(const struct program *p, const char *const *args, struct sd_buf *text);
/* What it said on stderr so far, added to text. */
void program_said(const struct program *p, struct sd_buf *text);

#endif
