/*
 * core/model/scalar.h - values checked by the service's own rules before anything is written.
 *
 * Rules: spec/server.md 1.10 (AWSDateTime needs an offset), client.md 8.2 for the wording.
 * Depends on: schema, json.  Threads: no state.
 */
#ifndef SD_MODEL_SCALAR_H
#define SD_MODEL_SCALAR_H

#include "core/model/schema.h"

/* One value of a field (its list or embedded structure too).  v may be JSON null.
 * Error INVAL: "Post.publishedAt: not an AWSDateTime: November has no day 31 (got \"...\")". */
SD_MUST_USE enum sd_err sd_value_check(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *v, struct sd_error *e);
/* The rule a scalar text or number breaks, as static or thread-local text; NULL when it is fine. */
const char *sd_scalar_wrong(enum sd_scalar t, const struct cJSON *v);

/* The command line's field=value: takes the text as the field's type (contract.md 5.1).  Lists,
 * embedded types and AWSJSON take JSON; "null" is null.  *out owned.  Checked as above. */
SD_MUST_USE enum sd_err sd_value_from_text(const struct sd_model *m, const struct sd_field *f,
	const char *text, struct cJSON **out, struct sd_error *e);

/* Wire <-> local: AWSJSON travels as a string holding JSON (in lists: a list of strings) and is
 * kept here as the value it holds; embedded types recurse (client.md 2.5, 11 #21).
 * to_local: a string that is not JSON is kept as a JSON string and *odd (may be NULL) set.
 * Both return a new owned tree; NULL: out of memory. */
struct cJSON *sd_value_to_local(const struct sd_field *f, const struct cJSON *wire, bool *odd);
struct cJSON *sd_value_to_wire(const struct sd_field *f, const struct cJSON *local);

#endif
