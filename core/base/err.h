/*
 * core/base/err.h - the one error vocabulary.
 *
 * Every fallible function returns enum sd_err and takes a struct sd_error * (which may be NULL)
 * as its last parameter.  Success never touches it.  "Absent" is a code, not a message.
 *
 * Depends on: nothing.  Threads: plain data.
 */
#ifndef SD_BASE_ERR_H
#define SD_BASE_ERR_H

#include <stdarg.h>

/* name, number, text, exit code of the command line (contract.md 2) */
#define SD_ERR_MAP(X)                                                                              \
	X(OK, 0, "ok", 0)                                                                          \
	X(NOMEM, 1, "out of memory", 1)                                                            \
	X(INVAL, 2, "invalid input", 2)                                                            \
	X(NOTFOUND, 3, "not found", 7)                                                             \
	X(BUSY, 4, "busy, try again", 1)                                                           \
	X(DB, 5, "database error", 1)                                                              \
	X(NET, 6, "network error", 4)                                                              \
	X(AUTH, 7, "not signed in or not authorised", 3)                                           \
	X(CONFLICT, 8, "conflicts remain", 5)                                                      \
	X(PROTO, 9, "malformed server response", 1)                                                \
	X(IO, 10, "input/output error", 1)                                                         \
	X(TIMEOUT, 11, "timed out", 4)                                                             \
	X(UNSENT, 12, "unsent changes remain", 6)                                                  \
	X(REFUSED, 13, "the server refused the change", 8)                                         \
	X(READONLY, 14, "read-only", 2)                                                            \
	X(CANCELLED, 15, "interrupted", 130)                                                       \
	X(TOOBIG, 16, "too large", 2)                                                              \
	X(FAILED, 17, "failed", 1)

enum sd_err {
#define X(name, num, text, exit) SD_##name = num,
	SD_ERR_MAP(X)
#undef X
};

/* Longest text an sd_error carries, bytes, NUL included. */
#define SD_ERROR_TEXT 1024

/* Filled by the callee on failure only; plain data, nothing to free. */
struct sd_error {
	enum sd_err code;
	int detail;               /* errno, CURLcode, SQLite or HTTP code; 0 when there is none */
	char text[SD_ERROR_TEXT]; /* one line for a person: operation, object, next step */
};

#define SD_MUST_USE     __attribute__((warn_unused_result))
#define SD_PRINTF(f, a) __attribute__((format(printf, f, a)))

/* Static text; never NULL, also for unknown codes. */
const char *sd_err_text(enum sd_err code);

/* The process exit code for an error (contract.md 2). */
int sd_err_exit(enum sd_err code);

/* Formats into *e (may be NULL) and returns code, so that "return sd_fail(e, SD_DB, rc, ...)"
 * reports and returns in one line.  Control characters in the result are replaced by '?'. */
enum sd_err sd_fail(struct sd_error *e, enum sd_err code, int detail, const char *fmt, ...)
	SD_PRINTF(4, 5);

/* Puts "prefix: " in front of the text already in *e; returns e->code (code when e is NULL). */
enum sd_err sd_fail_prefix(struct sd_error *e, enum sd_err code, const char *fmt, ...)
	SD_PRINTF(3, 4);

#endif
