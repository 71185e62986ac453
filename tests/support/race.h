/*
 * tests/support/race.h - one Post "p1" at version 3 on both sides, and somebody else who writes it,
 * too: what tests of conflicts, merges and conditions begin with.
 */
#ifndef SD_TESTS_RACE_H
#define SD_TESTS_RACE_H

#include "core/sync/merge.h"
#include "tests/support/script.h"

/* p1 as the server gives it: JSON texts of the values, v is the version. */
#define ITEM(v, title, rating, tags, deleted)                                                      \
	"{\"id\":\"p1\",\"title\":" title ",\"rating\":" rating ",\"tags\":" tags                  \
	",\"at\":null,\"data\":null,\"_version\":" #v ",\"_lastChangedAt\":" #v                    \
	"000,\"_deleted\":" deleted ",\"createdAt\":null,\"updatedAt\":null}"
#define POST(v, title, rating) ITEM(v, title, rating, "[\"a\"]", "null")
#define KEY                    "[\"p1\"]"

/* An engine that is ready, every model with this policy, p1 as POST(3, "\"a\"", "1"). */
struct script *race_ready(enum sd_policy p);
/* The person edits while offline (NULL: deletes), somebody else writes `item` (NULL: nobody; op
 * "Create", "Update", "Delete"), and the change is about to go. */
struct script *race_begin(enum sd_policy p, const char *edit, const char *item, const char *op);
void race_resolve(struct script *r, int64_t id, enum sd_pick keep); /* as a person does */

#endif
