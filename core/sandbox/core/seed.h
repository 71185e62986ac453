/* core/sandbox/core/seed.h - made-up records.  Private to the sandbox. */
#ifndef SD_SANDBOX_SEED_H
#define SD_SANDBOX_SEED_H

#include "core/base/buf.h"
#include "core/base/rand.h"
#include "core/model/schema.h"

/* Where records come from: a generator started afresh for each, and what the fields' names were
 * found to say. */
struct sbx_seeder {
	struct sd_rand r;
	struct sbx_seed_name {
		const struct sd_field *f; /* NULL: a free place */
		unsigned char text, number;
	} name[128]; /* zeroed at first */
};

/* A value of f as JSON text, appended.  i: which record; depth: of embedded types, 0 at the top. */
void sbx_seed_value(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, unsigned depth,
	struct sd_buf *out);
void sbx_seed_key(struct sbx_seeder *s, const struct sd_field *f, uint64_t i, struct sd_buf *out);

#endif
