/*
 * core/graphql/names.h - names the generated API gives (spec/server.md 1.3).  Private to
 * core/graphql.
 */
#ifndef SD_GRAPHQL_NAMES_H
#define SD_GRAPHQL_NAMES_H

#include "core/base/buf.h"

/* Camel join: prefix, the name with its first letter in upper case, suffix; appended. */
bool sd_gql_join(struct sd_buf *out, const char *prefix, const char *name, const char *suffix);
/* A subscription's name: over 50 characters it is cut to 45 and 5 hex digits of its MD5. */
bool sd_gql_subscription(struct sd_buf *out, const char *prefix, const char *name);

#endif
