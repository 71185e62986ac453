/*
 * tests/support/sbx_posts.h - writing Posts of the fixture's schema in the sandbox, in process.
 */
#ifndef SD_TESTS_SBX_POSTS_H
#define SD_TESTS_SBX_POSTS_H

#include <stddef.h>

#include "tests/support/sbx_fixture.h"

#define FX_CREATE                                                                                  \
	"mutation($input: CreatePostInput!, $condition: ModelPostConditionInput) { "               \
	"createPost(input: $input, condition: $condition) { " FX_POST " } }"
#define FX_UPDATE                                                                                  \
	"mutation($input: UpdatePostInput!, $condition: ModelPostConditionInput) { "               \
	"updatePost(input: $input, condition: $condition) { " FX_POST " } }"
#define FX_DELETE                                                                                  \
	"mutation($input: DeletePostInput!, $condition: ModelPostConditionInput) { "               \
	"deletePost(input: $input, condition: $condition) { " FX_POST " } }"
#define FX_GET  "query($id: ID!) { getPost(id: $id) { " FX_POST " } }"
#define FX_TYPE "errors.0.errorType"

/* One mutation whose input is `fields`, a JSON object; what stands at path in the answer. */
const char *fx_create(struct fx *f, const char *fields, const char *path);
const char *fx_update(struct fx *f, const char *fields, const char *path);
const char *fx_erase(struct fx *f, const char *fields, const char *path);
/* A field of the stored Post; "" of field: all of it. */
const char *fx_stored(struct fx *f, const char *id, const char *field);
/* One that must succeed; fields as in a document: `id: "a", title: "x"`. */
void fx_put(struct fx *f, const char *fields);
void fx_removed(struct fx *f, const char *id, int version);
size_t fx_log_rows(struct fx *f); /* of the delta table */
struct cJSON *fx_parse(const char *text);
/* What automerge makes of the stored item (taken) and a stale write; owned. */
struct cJSON *fx_merged(struct cJSON *stored_item, const char *incoming);

#endif
