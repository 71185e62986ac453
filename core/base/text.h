/*
 * core/base/text.h - UTF-8 and text that may be shown.  Depends on: buf.  Threads: no state.
 */
#ifndef SD_BASE_TEXT_H
#define SD_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"

/* Decodes one code point of s[0..n); *cp gets it.  Returns its bytes (1-4); 0 when n is 0;
 * -1 for an invalid sequence (overlong, surrogate, above 10FFFF, cut). */
int sd_utf8_get(const char *s, size_t n, uint32_t *cp);
int sd_utf8_put(uint32_t cp, char out[4]); /* bytes written; 0 for an invalid code point */
bool sd_utf8_valid(const char *s, size_t n);

/* Data is hostile: appends s to out with every control character (C0, C1, DEL), bidi control,
 * zero-width format character, line separator, private or unassigned-as-control character and
 * invalid byte written as a visible escape ("\x1b", "U+202E").  What comes out is valid UTF-8
 * that no terminal acts on.  Newline and tab are escaped too ("\n", "\t"). */
bool sd_text_safe(struct sd_buf *out, const char *s, size_t n);

/* The same for a JSON text: what would be escaped stands as \uXXXX, so that the value read back is
 * the same one.  An invalid byte becomes U+FFFD.  A space or a line end outside a string is kept. */
bool sd_text_json(struct sd_buf *out, const char *s, size_t n);

/* s cut to at most n bytes at a code point border; returns the length. */
size_t sd_utf8_cut(const char *s, size_t len, size_t n);

bool sd_str_eq(const char *a, const char *b); /* both may be NULL; NULL equals NULL only */
bool sd_str_starts(const char *s, const char *prefix);
bool sd_str_ends(const char *s, const char *suffix);
char *sd_strdup_n(const char *s, size_t n); /* owned; NULL: out of memory */

/* Whole-text numbers; false on anything left over, overflow or emptiness. */
bool sd_parse_i64(const char *s, int64_t *out);
bool sd_parse_f64(const char *s, double *out); /* finite only */

void sd_hex(const unsigned char *p, size_t n, char *out); /* out: 2n+1 bytes, lower case */
/* base64 (url: "-_" and no padding).  Decoding takes both alphabets, padded or not. */
bool sd_base64_encode(struct sd_buf *out, const void *p, size_t n, bool url);
bool sd_base64_decode(struct sd_buf *out, const char *s, size_t n);

#endif
