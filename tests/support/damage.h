/*
 * tests/support/damage.h - a store with unsent changes of every kind, damage to its file, and its
 * rescue.
 */
#ifndef SD_TESTS_DAMAGE_H
#define SD_TESTS_DAMAGE_H

#include "core/store/rescue.h"
#include "tests/support/store_fix.h"

#define DAMAGE_ROWS 300

/* So many posts and a comment from the server; an edit, a create, a parked and a refused edit, a
 * delete, and an edit whose answer was lost. */
void damage_fill(struct fix *f);
long damage_root(struct fix *f, const char *table); /* the page at which the table begins */
/* Turns bytes of a page of the file around. */
void damage_spoil(struct fix *f, long page, long from, long count);
struct sd_store_opts damage_opts(struct fix *f); /* to open it, or to rescue it */
/* Opens it and checks it; the first error. */
enum sd_err damage_look(struct fix *f);
enum sd_err damage_rescue(struct fix *f, struct sd_rescued *r);
void damage_rescued(struct fix *f, struct sd_rescued *r); /* it was needed, and it worked */
/* What the person did is there, whichever part of the file was spoiled. */
void damage_nothing_unsent_is_lost(struct fix *f);
void damage_says(struct fix *f, const char *what); /* the last error, and how to go on */

#endif
