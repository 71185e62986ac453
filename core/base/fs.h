/*
 * core/base/fs.h - files and directories, with modes that keep secrets.  Threads: no state.
 */
#ifndef SD_BASE_FS_H
#define SD_BASE_FS_H

#include <stdbool.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* Makes path and its parents, 0700 for those it makes.  Errors: IO. */
SD_MUST_USE enum sd_err sd_mkdir_p(const char *path, struct sd_error *e);
/* Appends the whole file to out.  Errors: NOTFOUND, TOOBIG (over max_bytes), IO. "-" is stdin. */
SD_MUST_USE enum sd_err sd_read_file(
	const char *path, size_t max_bytes, struct sd_buf *out, struct sd_error *e);
/* Writes a temporary file, syncs it, renames it over path, syncs the directory; mode 0600. */
SD_MUST_USE enum sd_err sd_write_file(
	const char *path, const void *p, size_t n, struct sd_error *e);
bool sd_is_dir(const char *path);
bool sd_is_file(const char *path);
/* "a/b"; owned, NULL: out of memory. */
char *sd_path_join(const char *a, const char *b);

#endif
