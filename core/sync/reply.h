/*
 * core/sync/reply.h - one HTTP result read as a GraphQL answer and sorted into what it means.
 *
 * Tables: spec/client.md 4.3 (REQ), spec/server.md 2.7 and 6.  Anything that is not the server's
 * final word is RETRY, whatever it looks like (HTML pages, 3xx, 5xx, cut bodies).
 *
 * Depends on: json.  Threads: no state.
 */
#ifndef SD_SYNC_REPLY_H
#define SD_SYNC_REPLY_H

#include "core/sync/engine.h"

enum sd_reply_class {
	SD_REPLY_OK,     /* data.<root> is there (errors beside it are warnings) */
	SD_REPLY_RETRY,  /* transport failure, 408, 425, 429, 5xx, not GraphQL */
	SD_REPLY_AUTH,   /* 401, 403, expired or missing credentials: pause, sign in */
	SD_REPLY_DENIED, /* GraphQL errorType Unauthorized: a rule said no (final for this mode) */
	SD_REPLY_CONFLICT,  /* ConflictUnhandled */
	SD_REPLY_CONDITION, /* ConditionalCheckFailed, either spelling */
	SD_REPLY_TOO_BIG,   /* the page or answer was too large */
	SD_REPLY_REFUSED    /* any other final error: validation, bad request ... */
};

struct sd_reply { /* sd_reply_release */
	enum sd_reply_class klass;
	struct cJSON *json;             /* owned; the whole body; NULL when it was not JSON */
	const struct cJSON *data;       /* borrowed: data.<root>; NULL when null or absent */
	const struct cJSON *errors;     /* borrowed: the errors array; NULL without */
	const struct cJSON *error_data; /* borrowed: errors[0].data; NULL */
	bool unknown;                   /* no success, and yet it may have been applied */
	bool inside; /* no data because of something in the record: a field that may not be null,
		      * the object of a relation.  The operation itself was carried out */
	int64_t retry_after_ms; /* -1: none */
	int status;             /* HTTP status; 0: no answer came */
	char type[96];          /* errorType or "HTTP 503", "Network" ... */
	char message[512];      /* for a person */
};

/* root: name (or alias) of the root field looked at.  data.<root> being null without any error is
 * OK with `data` NULL (a get of what is not there).  Fails with NOMEM only. */
SD_MUST_USE enum sd_err sd_reply_read(
	const struct sd_http_result *r, const char *root, struct sd_reply *out, struct sd_error *e);
/* The same for another root field (alias) of a body already read; shares the tree of `whole`, so
 * out->json is NULL and releasing it is not needed (and harmless). */
void sd_reply_of_alias(const struct sd_reply *whole, const char *alias, struct sd_reply *out);
void sd_reply_release(struct sd_reply *r);

/* Capped exponential back-off with jitter for attempt 1, 2, ...: about 2^n * 100 ms, at most 5 min
 * at least retry_after_ms. */
int64_t sd_backoff_ms(int attempt, int64_t retry_after_ms, struct sd_rand *r);

#endif
