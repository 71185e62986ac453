/*
 * ui/term/key.h - one key press, as the rest of ui sees it.  Depends on: nothing.
 */
#ifndef SD_UI_TERM_KEY_H
#define SD_UI_TERM_KEY_H

#include <stdint.h>

/* Characters are their code point; C-a is 1 ... C-z is 26; Tab 9, Enter 13, Esc 27, Space 32. */
enum {
	SD_KEY_TAB = 9,
	SD_KEY_ENTER = 13,
	SD_KEY_ESC = 27,
	SD_KEY_BACKSPACE = 127,
	SD_KEY_UP = 0x110000,
	SD_KEY_DOWN,
	SD_KEY_LEFT,
	SD_KEY_RIGHT,
	SD_KEY_HOME,
	SD_KEY_END,
	SD_KEY_PGUP,
	SD_KEY_PGDN,
	SD_KEY_INS,
	SD_KEY_DEL,
	SD_KEY_BACKTAB,
	SD_KEY_F1,
	SD_KEY_F12 = SD_KEY_F1 + 11,
	SD_KEY_CLICK,      /* mouse: left button pressed at y, x */
	SD_KEY_WHEEL_UP,   /* at y, x */
	SD_KEY_WHEEL_DOWN, /* at y, x */
	SD_KEY_UNKNOWN,    /* an escape sequence we have no name for */
	SD_KEY_LOST        /* the terminal went away */
};

struct sd_key {
	uint32_t code;
	int y, x; /* mouse only; zero-based */
};

/* A character a person can type into a line. */
static inline int sd_key_is_text(const struct sd_key *k)
{
	return k->code >= 32 && k->code != 127 && k->code < 0x110000;
}

#endif
