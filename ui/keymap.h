/*
 * ui/keymap.h - which key does what where: the action table's keys, and the person's own.
 *
 * Depends on: action, ui/term/key.h.  Threads: UI thread only.
 */
#ifndef SD_UI_KEYMAP_H
#define SD_UI_KEYMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"
#include "ui/action.h"

#define SD_KEYS_PER_ACTION 4
#define SD_KEY_NAME        16

struct sd_keymap {
	uint32_t keys[SD_ACT_COUNT][SD_KEYS_PER_ACTION]; /* 0 behind the last */
};

/* The table's keys, then overrides: "action=key key" texts (`keys.<action>` settings), NULL behind
 * the last; the list itself may be NULL.  "action=" takes all keys away.  INVAL: an unknown action
 * or key, a key that would mean two things in one place, or no key left for help or quit. */
SD_MUST_USE enum sd_err sd_keymap_init(
	struct sd_keymap *m, const char *const *overrides, struct sd_error *e);
/* Is "action=key key" one?  Whether it clashes is known only together with the others. */
SD_MUST_USE enum sd_err sd_keymap_check(const char *text, struct sd_error *e);
enum sd_act sd_keymap_find(const struct sd_keymap *m, enum sd_ctx ctx, uint32_t code);
/* All keys of an action, blank-separated, as a person reads them; appended. */
bool sd_keymap_show(const struct sd_keymap *m, enum sd_act a, struct sd_buf *out);
uint32_t sd_keymap_first(const struct sd_keymap *m, enum sd_act a); /* 0: none */

/* "j", "C-s", "Enter", "S-Tab", "PgDn", "F1", "Space" */
void sd_key_name(uint32_t code, char out[SD_KEY_NAME]);
uint32_t sd_key_parse(const char *name, size_t n); /* 0 when it is none */

#endif
