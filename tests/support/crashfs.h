/*
 * tests/support/crashfs.h - an SQLite VFS whose crash forgets what was not synced.
 *
 * kill -9 keeps the page cache, so it cannot show a missing sync.  This one passes everything on to
 * the default VFS and remembers, per file, what was written since its last xSync; a crash takes
 * that back.  With a seed each unsynced write is kept or lost by the toss of a coin, as a disk
 * that reorders would, and a kept write may reach the disk in part, sector by sector.
 *
 * It also counts every operation and makes the n-th one fail: an I/O error, a full disk, a short
 * read, or the machine stopping right there.
 *
 * Threads: one.
 */
#ifndef SD_TESTS_CRASHFS_H
#define SD_TESTS_CRASHFS_H

#include <stdbool.h>
#include <stdint.h>

#define CRASHFS "crashfs"

enum crashfs_op { /* bits, to be added up */
	CRASHFS_READ = 1,
	CRASHFS_WRITE = 2,
	CRASHFS_SYNC = 4,
	CRASHFS_TRUNCATE = 8,
	CRASHFS_OPEN = 16,
	CRASHFS_DELETE = 32,
	CRASHFS_SIZE = 64,
	CRASHFS_LOCK = 128,
	CRASHFS_SHM = 256, /* mapping the WAL index, and its locks */
	CRASHFS_ALL = 511
};
enum crashfs_how { CRASHFS_IOERR, CRASHFS_FULL, CRASHFS_SHORT, CRASHFS_STOP };

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
/* Of the operations named in ops, the n-th from now on (0: the next one) fails, and when it stays,
 * all behind it, too.  FULL fails writes, SHORT reads; the others get an I/O error. */
void crashfs_fault(unsigned ops, int64_t n, enum crashfs_how how, bool stays);
void crashfs_well(void); /* the cause is gone: no fault any more */
/* Operations named in ops since the last crashfs_fault, crashfs_well or crashfs_start. */
int64_t crashfs_count(unsigned ops);
bool crashfs_struck(void); /* a fault has happened since crashfs_fault */
/* Somebody synced the file by other means (fsync on a descriptor of their own). */
void crashfs_synced(const char *path);

#endif
