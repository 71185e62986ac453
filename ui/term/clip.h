/*
 * ui/term/clip.h - the clipboard: a local tool when there is a desktop, else OSC 52 through the
 * terminal, which works over ssh.  Depends on: base, screen.  Threads: UI thread only.
 */
#ifndef SD_UI_TERM_CLIP_H
#define SD_UI_TERM_CLIP_H

#include <stddef.h>

#include "core/base/err.h"

#define SD_CLIP_MAX ((size_t)74994) /* bytes; terminals drop longer OSC 52 texts in silence */

/* *how (may be NULL) gets static words for the message line.  Errors: TOOBIG, NOMEM, IO. */
SD_MUST_USE enum sd_err sd_clip_copy(const char *p, size_t n, const char **how, struct sd_error *e);

#endif
