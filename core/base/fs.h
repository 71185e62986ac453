/*
 * core/base/fs.h - files and directories, with modes that keep secrets.  Threads: no state.
 */
#ifndef SD_BASE_FS_H
#define SD_BASE_FS_H

#include <stdbool.h>
#include <stdio.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Makes path and its parents, 0700 for those it makes.  Errors: IO. */
SD_MUST_USE enum sd_err sd_mkdir_p(const char *path, struct sd_error *e);
/* errno of opening or reading what a person named, with the next step: "a.csv: No such file or
 * directory; check the name".  Fails with `absent` when it is not there, INVAL for a directory,
 * else IO. */
enum sd_err sd_fail_file(struct sd_error *e, enum sd_err absent, const char *path, int err);
/* All that comes from a pipe or a terminal, in an unnamed file, at its start: whoever reads it while
 * others wait for him does not wait for it.  A plain file is answered itself; another one is the
 * caller's to close.  NULL: IO, or CANCELLED when a signal came. */
FILE *sd_spool(FILE *in, const char *name, struct sd_error *e);
/* Appends the whole file to out.  Errors: NOTFOUND, TOOBIG (over max_bytes), IO. "-" is stdin. */
SD_MUST_USE enum sd_err sd_read_file(
	const char *path, size_t max_bytes, struct sd_buf *out, struct sd_error *e);
/* Writes a temporary file, syncs it, renames it over path, syncs the directory; mode 0600. */
SD_MUST_USE enum sd_err sd_write_file(
	const char *path, const void *p, size_t n, struct sd_error *e);
/* A file that appears whole or not at all: written beside path, then renamed over it. */
struct sd_out {
	FILE *f;    /* to write to; stdout when path is NULL */
	char *tmp;  /* owned; NULL: stdout */
	char *path; /* owned */
};
SD_MUST_USE enum sd_err sd_out_open(struct sd_out *o, const char *path, struct sd_error *e);
/* Syncs, renames, closes; on an error nothing is left.  Errors: IO. */
SD_MUST_USE enum sd_err sd_out_done(struct sd_out *o, struct sd_error *e);
void sd_out_drop(struct sd_out *o); /* nothing is left; fine after done */
bool sd_is_dir(const char *path);
bool sd_is_file(const char *path);
/* "a/b"; owned, NULL: out of memory. */
char *sd_path_join(const char *a, const char *b);

#endif
