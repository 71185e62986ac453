/*
 * core/base/log.h - the log file.  Never the terminal while the UI runs.
 *
 * Lines pass through sd_text_safe(); callers never pass tokens or passwords.
 * Threads: any; one lock inside.
 */
#ifndef SD_BASE_LOG_H
#define SD_BASE_LOG_H

#include <stdbool.h>

#include "core/base/err.h"

enum sd_log_level { SD_LOG_ERROR, SD_LOG_WARN, SD_LOG_INFO, SD_LOG_DEBUG, SD_LOG_TRACE };

/* path NULL: stderr.  May be called again.  Errors: IO. */
SD_MUST_USE enum sd_err sd_log_open(const char *path, enum sd_log_level level, struct sd_error *e);
void sd_log_close(void);
/* False: lines go to stderr. */
bool sd_log_to_file(void);
int sd_log_level_parse(const char *s); /* -1 when unknown */
void sd_log(enum sd_log_level level, const char *module, const char *fmt, ...) SD_PRINTF(3, 4);

#endif
