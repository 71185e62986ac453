/*
 * core/json/scan.h - the strict check of a JSON text before cJSON sees it.  Private to core/json.
 *
 * One pass: RFC 8259 grammar, UTF-8, no U+0000, nesting, one value and nothing behind it.  Notes
 * the numbers a double cannot keep, and whether duplicate keys are possible at all.
 */
#ifndef SD_JSON_SCAN_H
#define SD_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct sd_json_kept {
	size_t index;     /* which number of the text, from 0 */
	const char *text; /* borrowed from the text scanned */
	size_t len;
};

struct sd_json_scan {
	struct sd_json_kept *kept; /* owned */
	size_t kept_count, kept_room, numbers;
	bool wide_objects; /* some object has more than one member */
};

/* *s is valid, and must be released, on SD_OK only. */
SD_MUST_USE enum sd_err sd_json_scan(
	const char *text, size_t n, const char *what, struct sd_json_scan *s, struct sd_error *e);
void sd_json_scan_release(struct sd_json_scan *s);

#endif
