/*
 * core/api/introspect.h - the schema that a server says it has.  Private to core/api.
 *
 * Source: spec/server.md 6.7 (introspection), 8.4 (what can be told from it).
 */
#ifndef SD_API_INTROSPECT_H
#define SD_API_INTROSPECT_H

#include "core/api/ask.h"
#include "core/base/map.h"

struct sd_introspection {          /* sd_introspection_release */
	struct sd_asked answer;    /* owns the tree */
	const struct cJSON *types; /* array */
	struct sd_map by_name;     /* name -> struct cJSON *, borrowed */
};
/* Errors as sd_api_ask; FAILED when the server does not tell. */
SD_MUST_USE enum sd_err sd_introspect(
	struct sd_api *api, struct sd_introspection *out, struct sd_error *e);
/* From the types array itself (borrowed); in is zeroed.  PROTO: names that GraphQL does not allow. */
SD_MUST_USE enum sd_err sd_introspection_index(
	struct sd_introspection *in, const struct cJSON *types, struct sd_error *e);
void sd_introspection_release(struct sd_introspection *in);

/* A named type; NULL when absent. */
const struct cJSON *sd_intro_type(const struct sd_introspection *in, const char *name);
/* Member of a type's fields or inputFields ("fields", "inputFields"); NULL. */
const struct cJSON *sd_intro_field(const struct cJSON *type, const char *list, const char *name);
/* "[String!]!" of a type reference; appended. */
void sd_intro_type_text(const struct cJSON *ref, struct sd_buf *out);
/* Its innermost name; NULL. */
const char *sd_intro_named(const struct cJSON *ref);
bool sd_intro_non_null(const struct cJSON *ref);

/* How the server's schema differs from ours where that matters: one line each, pushed to list. */
SD_MUST_USE enum sd_err sd_introspect_drift(const struct sd_schema *s,
	const struct sd_introspection *in, struct cJSON *list, struct sd_error *e);

#endif
