/* tests/support/sbx_fixture.h - a sandbox with the models of spec/server.md 10, and its questions. */
#ifndef SD_TESTS_SBX_FIXTURE_H
#define SD_TESTS_SBX_FIXTURE_H

#include "core/json/json.h"
#include "core/sandbox/core/sandbox.h"

#define FX_T0 INT64_C(1795000000000) /* the clock at the start, ms */
#define FX_POST                                                                                    \
	"id title content rating status tags meta { a b } data blogID createdAt updatedAt "        \
	"_version _deleted _lastChangedAt"

struct fx_event {
	uint64_t conn;
	char id[64];
	struct cJSON *payload; /* owned */
};

struct fx {
	struct sd_schema *schema;
	struct sd_sbx *s;
	struct sd_rand rand;
	int64_t now;
	struct sd_sbx_identity who;
	struct cJSON *claims; /* owned */
	struct fx_event *events;
	size_t event_count;
	char *lambda_answer; /* what the handler says; NULL: it cannot be run */
	char *lambda_payload;
	int64_t delta_ttl_ms, base_ttl_ms;
};

/* All fail the test when they cannot do it.  sdl NULL: Post and Note. */
struct fx *fx_open(const char *sdl, enum sd_strategy strategy);
struct fx *fx_open_db(const char *sdl, enum sd_strategy strategy, const char *db, int64_t base_ttl);
void fx_close(struct fx *f);

void fx_as_key(struct fx *f);
/* A signed-in user; groups is a JSON array text or NULL. */
void fx_as_user(struct fx *f, const char *name, const char *groups);

/* query with variables (JSON text, NULL for none); the whole answer, owned. Status must be 200. */
struct cJSON *fx_ask(struct fx *f, const char *query, const char *variables);
/* The text at a path of names and numbers: "data.listPosts.items.0.title"; "" when absent. Numbers and
 * other values as JSON text.  Static memory, eight answers deep. */
const char *fx_at(const struct cJSON *j, const char *path);
/* Asks, and returns the value at path (static); the answer is freed. */
const char *fx_get(struct fx *f, const char *query, const char *variables, const char *path);
/* Subscribes on connection 1; the error payload's text, "" when accepted (static). */
const char *fx_subscribe(struct fx *f, const char *id, const char *query, const char *variables);
void fx_forget_events(struct fx *f);

#endif
