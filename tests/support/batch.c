/* tests/support/batch.c - see batch.h. */
#include "tests/support/batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct script *batch_ready(int batch, int concurrency)
{
	struct script *r = script_new();

	r->set.outbox_batch = batch;
	r->set.outbox_concurrency = concurrency;
	script_start(r);
	return r;
}

void batch_item(char *out, size_t room, int i, int version, const char *title, int rating)
{
	snprintf(out, room,
		"{\"id\":\"p%d\",\"title\":\"%s\",\"rating\":%d,\"tags\":null,\"at\":null,\"data\":"
		"null,\"_version\":%d,\"_lastChangedAt\":%d000,\"_deleted\":null,\"createdAt\":"
		"null,\"updatedAt\":null}",
		i, title, rating, version, version);
}

size_t batch_aliases(const struct script_request *q)
{
	const char *doc = sd_json_get_str(q->body, "query");
	size_t n = 0;
	char mark[16];

	for (;; n++) {
		snprintf(mark, sizeof mark, " m%zu: ", n);
		if (!strstr(doc, mark))
			return n;
	}
}

const struct cJSON *batch_var(const struct script_request *q, const char *name)
{
	return sd_json_get(sd_json_get(q->body, "variables"), name);
}

void batch_answer(struct script *r, struct script_request *q, int status, const char *fmt, ...)
{
	char *body = NULL;
	va_list ap;

	va_start(ap, fmt);
	assert_true(vasprintf(&body, fmt, ap) >= 0);
	va_end(ap);
	script_answer(r, q, status, body);
	free(body);
}
