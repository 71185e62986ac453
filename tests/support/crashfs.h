/*
 * tests/support/crashfs.h - an SQLite VFS whose crash forgets what was not synced.
 *
 * kill -9 keeps the page cache, so it cannot show a missing sync.  This one passes everything on to
 * the default VFS and remembers, per file, what was written since its last xSync; a crash takes
 * that back.  With a seed each unsynced write is kept or lost by the toss of a coin, as a disk
 * that reorders would.
 *
 * Threads: one.
 */
#ifndef SD_TESTS_CRASHFS_H
#define SD_TESTS_CRASHFS_H

#include <stdint.h>

#define CRASHFS "crashfs"

void crashfs_register(void); /* once; more often is fine */
/* From now on the n-th write (0: this very next one) and everything after it fails, as when the
 * machine stops; negative: never. */
void crashfs_stop_after(int64_t writes);
/* From now on writes fail for want of space once this many bytes were written; negative: never. */
void crashfs_space(int64_t bytes);
/* The machine stops now: unsynced writes are lost (seed 0: all).  Connections are dead: close them,
 * then start again. */
void crashfs_crash(uint64_t seed);
void crashfs_start(void);
int64_t crashfs_syncs(void); /* xSync calls so far */

#endif
