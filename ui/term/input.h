/*
 * ui/term/input.h - bytes from the terminal turned into keys.
 *
 * Own decoder instead of curses' getch(): it knows how many bytes were handled (the idle mark of
 * the screen tests counts them), never loses a resize, and waits for the rest of an escape
 * sequence 25 ms, not a second.
 *
 * Depends on: base.  Threads: UI thread only.
 */
#ifndef SD_UI_TERM_INPUT_H
#define SD_UI_TERM_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ui/term/key.h"

struct sd_input {
	int fd;
	int esc_ms; /* how long to wait for the rest of a sequence */
	unsigned char buf[4096];
	size_t len;
	uint64_t handled; /* bytes decoded since the start */
	bool lost;
};

void sd_input_init(struct sd_input *in, int fd);
/* The next key without waiting (but up to esc_ms inside a sequence); false when there is none.
 * When the terminal is gone: SD_KEY_LOST, once. */
bool sd_input_next(struct sd_input *in, struct sd_key *k);
/* True when bytes wait, read or unread. */
bool sd_input_pending(struct sd_input *in);
/* Decodes one key from s[0..n): bytes used; 0 when more are needed (final: no more will come). */
size_t sd_key_decode(const unsigned char *s, size_t n, bool final, struct sd_key *k);

#endif
