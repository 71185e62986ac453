/*
 * core/api/import.h - the lines of a file to be imported, as objects of fields.  Private to
 * core/api.
 *
 * NDJSON: an object a line, blank lines skipped.  CSV: csv.h; the first record names the fields; an
 * empty cell is null, a quoted empty one the empty text; lists, embedded types and AWSJSON are JSON.
 * Metadata and read-only fields are dropped: the server's business.
 */
#ifndef SD_API_IMPORT_H
#define SD_API_IMPORT_H

#include <stdio.h>

#include "core/base/csv.h"
#include "core/model/schema.h"

struct sd_line_column {
	char *name;                   /* owned */
	const struct sd_field *field; /* NULL: metadata, or of another model */
};

struct sd_lines {
	const struct sd_model *m;
	const char *name; /* for error texts; borrowed */
	FILE *f;
	bool std, is_csv;
	bool broken;  /* nothing more can be read */
	int64_t line; /* of the record read last */
	char *text;   /* NDJSON: owned */
	size_t room;
	struct sd_csv csv;
	struct sd_line_column *columns;
	size_t column_count;
};

SD_MUST_USE enum sd_err sd_lines_open(struct sd_lines *l, const struct sd_model *m,
	const char *file, bool csv, struct sd_error *e);
void sd_lines_close(struct sd_lines *l);
/* The next record's fields, *out owned; NOTFOUND without text at the end.  other: it names another
 * model (_model).  Errors: INVAL, TOOBIG with "FILE:LINE: ..."; reading may go on unless broken. */
SD_MUST_USE enum sd_err sd_lines_next(
	struct sd_lines *l, struct cJSON **out, bool *other, struct sd_error *e);
/* Goes on behind what an earlier run had read: byte offset and lines before it. */
SD_MUST_USE enum sd_err sd_lines_seek(
	struct sd_lines *l, int64_t offset, int64_t line, struct sd_error *e);
/* Where the next record begins. */
int64_t sd_lines_at(const struct sd_lines *l, int64_t *line);

#endif
