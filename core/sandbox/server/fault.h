/*
 * core/sandbox/server/fault.h - faults on order: what the admin side asked to go wrong.
 *
 * A list in the order they were posted; the first that matches a request is used.  Shapes:
 * contract.md 10.  Depends on: base, json.  Threads: one.
 */
#ifndef SD_SANDBOX_SERVER_FAULT_H
#define SD_SANDBOX_SERVER_FAULT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/base/err.h"

struct cJSON;

enum sd_fault_kind {
	SD_FAULT_STATUS,
	SD_FAULT_RESET,
	SD_FAULT_HANG,
	SD_FAULT_DELAY,
	SD_FAULT_GARBAGE,
	SD_FAULT_TRUNCATE,
	SD_FAULT_GRAPHQL_ERROR,
	SD_FAULT_LOST_RESPONSE
};

struct sd_fault {
	enum sd_fault_kind kind;
	int64_t count, skip;  /* count -1: for ever */
	char *op, *field;     /* NULL: any */
	int status;           /* STATUS */
	int64_t ms;           /* DELAY */
	struct cJSON *params; /* the whole object as posted: body, headers, errorType, ... */
};

struct sd_faults {
	struct sd_fault *list; /* owned */
	size_t count;
};

void sd_faults_clear(struct sd_faults *f);
/* Checks and adds; params is copied.  Errors: INVAL naming the member and what is allowed. */
SD_MUST_USE enum sd_err sd_faults_add(
	struct sd_faults *f, const struct cJSON *params, struct sd_error *e);
/* Takes a matching fault: counts down its skip or its count.  op is "query", "mutation",
 * "subscription" or "auth"; names an array of root field names (for "auth" the operation); both
 * NULL when the request is no document.  Subscriptions and the user pool are matched only by
 * faults that name them.  true: *out holds a copy to be released with sd_fault_release. */
bool sd_faults_take(
	struct sd_faults *f, const char *op, const struct cJSON *names, struct sd_fault *out);
void sd_fault_release(struct sd_fault *f);
/* The list as JSON (owned), for the admin side; NULL: out of memory. */
struct cJSON *sd_faults_json(const struct sd_faults *f);

#endif
