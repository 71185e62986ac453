/*
 * core/base/csv.h - comma separated values as RFC 4180 has them, one record at a time.
 *
 * A cell says whether it stood in quotes: an empty cell without quotes is null, one with quotes is
 * the empty text.  Reading takes CRLF and LF ends, a byte order mark, and line ends and doubled
 * quotes within quotes; anything else is refused with its line.
 *
 * Depends on: buf, err.  Threads: one at a time.
 */
#ifndef SD_BASE_CSV_H
#define SD_BASE_CSV_H

#include <stdint.h>
#include <stdio.h>

#include "core/base/buf.h"

struct sd_csv_cell {
	const char *text; /* borrowed until the next read; NUL-terminated, "" when empty */
	size_t len;
	bool quoted;
};

struct sd_csv {       /* zeroed but for f before the first read; sd_csv_release() after the last */
	FILE *f;      /* borrowed, opened for reading bytes */
	int64_t line; /* on which the record read last begins, from 1 */
	int64_t next; /* line read next, less one */
	struct sd_buf text;
	struct sd_csv_cell *cells; /* of the record read last */
	size_t count, room;
	size_t *at; /* where they begin in text */
	bool begun;
};

/* The next record: true; false at the end and on error (then *rc is not SD_OK): INVAL for what is
 * no CSV ("line 7: ..."), TOOBIG over max_bytes, IO, NOMEM.  Blank lines are skipped. */
bool sd_csv_read(struct sd_csv *c, size_t max_bytes, enum sd_err *rc, struct sd_error *e);
void sd_csv_release(struct sd_csv *c);

/* Appends one cell: quoted where that is needed, or asked for.  first: no comma before it. */
bool sd_csv_put(struct sd_buf *out, const char *s, size_t n, bool quote, bool first);
/* A record ends: CRLF. */
bool sd_csv_end(struct sd_buf *out);

#endif
