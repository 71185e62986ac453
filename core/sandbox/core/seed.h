/* core/sandbox/core/seed.h - made-up records.  Private to the sandbox. */
#ifndef SD_SANDBOX_SEED_H
#define SD_SANDBOX_SEED_H

#include "core/base/buf.h"
#include "core/base/rand.h"
#include "core/model/schema.h"

/* A value of f as JSON text, appended.  i: which record; depth: of embedded types, 0 at the top. */
void sbx_seed_value(struct sd_rand *r, const struct sd_field *f, uint64_t i, unsigned depth,
	struct sd_buf *out);
void sbx_seed_key(struct sd_rand *r, const struct sd_field *f, uint64_t i, struct sd_buf *out);

#endif
