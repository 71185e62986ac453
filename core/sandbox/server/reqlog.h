/*
 * core/sandbox/server/reqlog.h - what came in and went out, kept in memory for the admin side.
 *
 * A developer's log: header values and bodies stand in it as they were.  Bounded by entries and
 * bytes; the oldest go first.  Shapes: contract.md 10.  Depends on: base, json.  Threads: one.
 */
#ifndef SD_SANDBOX_SERVER_REQLOG_H
#define SD_SANDBOX_SERVER_REQLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

#define SD_REQLOG_ENTRIES ((size_t)100000)
#define SD_REQLOG_BYTES   ((size_t)64 << 20)

struct sd_reqlog_entry {
	int64_t t_ms;
	const char *kind; /* static: "http" "ws-open" "ws-in" "ws-out" "ws-close" */
	char *method, *path, *headers, *body; /* owned; headers is JSON text; NULL: none */
	size_t bytes;
	int status;
	uint64_t conn;
};

struct sd_reqlog {
	struct sd_reqlog_entry *ring; /* owned */
	size_t room, count, first;
	uint64_t next_id; /* of the entry that comes next */
	size_t bytes;
};

void sd_reqlog_clear(struct sd_reqlog *l);
void sd_reqlog_release(struct sd_reqlog *l);
/* Texts are copied.  Returns the entry's id (for the status), 0 when it could not be kept. */
uint64_t sd_reqlog_add(
	struct sd_reqlog *l, const struct sd_reqlog_entry *entry, const char *body, size_t n);
/* Nothing happens when the entry is gone. */
void sd_reqlog_status(struct sd_reqlog *l, uint64_t id, int status);
/* A JSON array of the entries with t >= since_ms. */
bool sd_reqlog_print(const struct sd_reqlog *l, int64_t since_ms, struct sd_buf *out);

#endif
