/*
 * core/sync/request.h - what an outbox entry is sent with.
 *
 * Documents and inputs: spec/client.md 2.2, 2.5.
 * Depends on: json, model, graphql, store.  Threads: no state.
 */
#ifndef SD_SYNC_REQUEST_H
#define SD_SYNC_REQUEST_H

#include "core/graphql/doc.h"
#include "core/store/outbox.h"

enum sd_doc sd_request_kind(enum sd_op op);
/* {"input":..,"condition":..}: condition null when there is none, absent for a create (a create
 * carries none).  mine: the record with the entry applied, for fields that travel together; may be
 * NULL.  *out owned.  Errors: INVAL (a condition the server cannot be asked), NOMEM. */
SD_MUST_USE enum sd_err sd_request_variables(const struct sd_schema *s, const struct sd_mutation *m,
	const struct cJSON *mine, int64_t now_ms, struct cJSON **out, struct sd_error *e);
/* What the entry makes of its base: the record as the person means it; NULL for a delete.
 * *out owned.  NOMEM. */
SD_MUST_USE enum sd_err sd_request_mine(const struct sd_mutation *m, const struct cJSON *base,
	struct cJSON **out, struct sd_error *e);
/* Appends a key for a sentence: p1, or c1 / 7 (contract.md: the full values). */
void sd_request_key(const char *key, struct sd_buf *out);

#endif
