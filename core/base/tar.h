/*
 * core/base/tar.h - writing a tar archive (POSIX ustar) of texts.  Threads: no state.
 */
#ifndef SD_BASE_TAR_H
#define SD_BASE_TAR_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/err.h"

/* One member, mode 0600.  name: at most 99 bytes.  Errors: IO, INVAL. */
SD_MUST_USE enum sd_err sd_tar_add(
	FILE *f, const char *name, const void *p, size_t n, int64_t now_ms, struct sd_error *e);
/* The same from a file that is open for reading, from its start. */
SD_MUST_USE enum sd_err sd_tar_add_file(
	FILE *f, const char *name, FILE *from, int64_t now_ms, struct sd_error *e);
SD_MUST_USE enum sd_err sd_tar_end(FILE *f, struct sd_error *e);

#endif
