/*
 * tests/support/pred_random.h - random rows and random predicate texts, the same for one seed.
 */
#ifndef SD_TESTS_PRED_RANDOM_H
#define SD_TESTS_PRED_RANDOM_H

#include <stdint.h>

#include "tests/support/pred_world.h"

extern unsigned long long world_seed; /* set it at the start of a test */
uint32_t world_below(uint32_t n);     /* 0 <= x < n */

/* Adds a row with that id; many values are null. */
void world_random_row(struct world *w, int model, int nth);
/* Appends a predicate on Post; not every one has operators its fields know. */
void world_random_text(unsigned depth, struct sd_buf *out);

#endif
