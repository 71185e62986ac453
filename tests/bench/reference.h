/*
 * tests/bench/reference.h - the reference pipeline: the shortest program that does a base sync's
 * job with the same libraries.  libcurl -> cJSON -> SQLite upserts, one thread fetching and
 * parsing, one applying, one transaction a page; typed columns, one secondary index, WAL, NORMAL
 * (limits.md 6).  It verifies count, sum of versions and sum of id lengths before it ends.
 */
#ifndef SD_BENCH_REFERENCE_H
#define SD_BENCH_REFERENCE_H

/* 0 when `rows` rows stand in the database file. */
int reference_run(int port, const char *db, int rows);

#endif
