/*
 * tests/support/sbx_shop.h - a sandbox with keys of every kind, and very many records in it.
 */
#ifndef SD_TESTS_SBX_SHOP_H
#define SD_TESTS_SBX_SHOP_H

#include <stdint.h>

#include "tests/support/sbx_fixture.h"

#define SHOP_MONTH (INT64_C(30) * 86400000) /* how long its tombstones stay */

struct sd_sbx_work;

struct fx *shop_open_db(const char *db);          /* NULL: in memory */
char *shop_dump(struct fx *f, const char *model); /* JSON text, owned */
/* The rows as a set: very many come in an order of their own.  Owned. */
char *shop_rows(struct fx *f, const char *model);
void shop_seed(struct fx *f, const char *model, int64_t n, uint64_t number);
/* The state's counts of a model are this JSON text. */
void shop_counted(struct fx *f, const char *model, const char *want);
int64_t shop_stored(struct fx *f, const char *table); /* rows that the file holds */
/* All of the work, so many rows at a time; frees it. */
void shop_in_pieces(struct fx *f, struct sd_sbx_work *j, int64_t rows);

#endif
