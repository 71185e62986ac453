/*
 * tests/support/steps.h - a change, cut off at every one of its steps.
 *
 * A case is a store made ready and one change to it.  The change is done once in peace, which gives
 * the whole content of the store before and after.  Then it is done again and again, each time on
 * the same store, with another of its operations on the disk failing: an I/O error, a full disk, a
 * short read, or the machine stopping.  Whatever fails, the store must hold either content, whole:
 * rows, base copies, queue, journal, counters; after SD_OK the second; and once the cause is gone
 * the same change must work.
 *
 * TORTURE in the environment: more random crashes, and lasting faults and lesser cases at every step.
 *
 * Threads: one.
 */
#ifndef SD_TESTS_STEPS_H
#define SD_TESTS_STEPS_H

#include "tests/support/store_fix.h"

struct step_case {
	const char *name;
	void (*prepare)(struct fix *f);
	/* the change, within a transaction of its own; NULL: opening with `sdl` is the change */
	enum sd_err (*act)(struct fix *f);
	const char *sdl; /* NULL: that of the store */
	bool hot;        /* the store was not closed: what it holds is in the WAL */
	bool fresh;      /* starts without a store */
	bool same;       /* changes nothing that can be read */
	bool sparse;     /* one step in seven is enough for every day */
	bool copies;     /* keeps a copy of the store as it was */
	bool pieces;     /* several transactions: a fault may leave it between two of them */
};

/* Faults whose cause goes away; fails the test at the first thing that is not as it should be.
 * Returns how many faults struck. */
int steps_faults(struct fix *f, const struct step_case *c);
/* The machine stops at every step, or after it; returns how often content was lost or torn.
 * sync_off: with synchronous=OFF, to prove that the test can tell. */
int steps_crashes(struct fix *f, const struct step_case *c, bool sync_off);

#endif
