/*
 * tests/support/batch.h - requests that carry several mutations, one under each alias:
 * what stands in one, and the answer to it.
 */
#ifndef SD_TESTS_BATCH_H
#define SD_TESTS_BATCH_H

#include <stddef.h>

#include "tests/support/script.h"

/* An engine that is ready, with outbox.batch and outbox.concurrency of this. */
struct script *batch_ready(int batch, int concurrency);
/* Post p<i> as the server answers it, JSON text. */
void batch_item(char *out, size_t room, int i, int version, const char *title, int rating);
size_t batch_aliases(const struct script_request *q); /* mutations in the request */
const struct cJSON *batch_var(const struct script_request *q, const char *name); /* borrowed */
/* Answers with a body made like printf's. */
void batch_answer(struct script *r, struct script_request *q, int status, const char *fmt, ...)
	SD_PRINTF(4, 5);

#endif
