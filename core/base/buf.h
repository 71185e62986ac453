/*
 * core/base/buf.h - the one growing byte buffer, with a hard cap.
 *
 * Always NUL-terminated behind len, so data may be used as a C string.  An add that would pass
 * the cap, or that finds no memory, sets the sticky `failed` flag and leaves the content as it
 * was: build a whole text, then check sd_buf_ok() once.
 *
 * Threads: one at a time.
 */
#ifndef SD_BASE_BUF_H
#define SD_BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct sd_buf {
	char *data; /* owned; NULL while empty */
	size_t len; /* bytes, without the NUL */
	size_t room;
	size_t cap; /* most bytes ever held; 0 means SD_BUF_CAP */
	bool failed;
};

#define SD_BUF_CAP ((size_t)256 << 20) /* default cap, bytes */
#define SD_BUF_INIT                                                                                \
	{                                                                                          \
		0                                                                                  \
	}

void sd_buf_init(struct sd_buf *b, size_t cap_bytes);
void sd_buf_release(struct sd_buf *b); /* frees and zeroes; keeps the cap */
void sd_buf_reset(struct sd_buf *b);   /* empties, keeps the memory, clears failed */

/* All return true when the content was added whole. */
bool sd_buf_add(struct sd_buf *b, const void *p, size_t n);
bool sd_buf_str(struct sd_buf *b, const char *s);
bool sd_buf_ch(struct sd_buf *b, char c);
bool sd_buf_fmt(struct sd_buf *b, const char *fmt, ...) SD_PRINTF(2, 3);

/* Room for n more bytes, to be written behind len; NULL: failed.  Then sd_buf_took() says how many
 * were written; nothing else of the buffer may be called between. */
char *sd_buf_room(struct sd_buf *b, size_t n);
bool sd_buf_took(struct sd_buf *b, size_t n);

/* Drops n bytes from the front (n <= len). */
void sd_buf_drop(struct sd_buf *b, size_t n);

/* Borrowed NUL-terminated text, "" when empty; valid until the next change. */
const char *sd_buf_text(const struct sd_buf *b);
static inline bool sd_buf_ok(const struct sd_buf *b)
{
	return !b->failed;
}

/* Ownership of the text moves to the caller (free()); the buffer is empty after.  NULL when
 * failed or out of memory. */
char *sd_buf_take(struct sd_buf *b);

#endif
