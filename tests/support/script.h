/*
 * tests/support/script.h - an engine on a store of its own, and a server that is a script.
 *
 * Realtime and sync queries are answered by the script (nothing there); mutations and reads wait in
 * a list for the test to look at and answer.  Time is the test's.
 */
#ifndef SD_TESTS_SCRIPT_H
#define SD_TESTS_SCRIPT_H

#include "core/json/json.h"
#include "core/store/conflict.h"
#include "core/store/outbox.h"
#include "core/store/write.h"
#include "core/sync/engine.h"

struct script_request {
	uint64_t id;
	enum sd_auth_mode mode;
	struct cJSON *body; /* owned by the script: {"query","variables"} */
	bool cancelled;
};

struct script {
	char *dir;
	struct sd_schema *schema;
	struct sd_store *store;
	struct sd_engine *en;
	struct sd_engine_settings set;
	struct sd_model_settings models[16];
	enum sd_auth_mode auth, modes[6];
	size_t mode_count;
	struct sd_rand rand;
	int64_t now;
	struct script_request req[64];
	size_t req_count;
	struct cJSON *events; /* array, everything told so far */
	struct {
		char id[64], field[64];
		uint64_t conn;
	} subs[64];
	size_t sub_count;
	int refreshes;
	struct { /* the last policy command asked for */
		uint64_t id;
		char *text, *input;
	} command;
};

/* Changes of r->set, r->models, r->auth go between script_new and script_start. */
struct script *script_new(void);
void script_free(struct script *r);
void script_start(struct script *r); /* up to ready */
void script_crash(struct script *r); /* the process dies; script_start makes a new one */
const struct sd_model *script_model(struct script *r, const char *name);

/* A change by the person, told to the engine. fields: JSON text. */
void script_save(struct script *r, const char *model, const char *fields, const char *cond);
void script_delete(struct script *r, const char *model, const char *key);
/* A record arrives over the subscription of op "Create", "Update", "Delete". */
void script_arrive(struct script *r, const char *op, const char *model, const char *item);
void script_pump(struct script *r);              /* carries out what the engine asked for */
void script_wait(struct script *r, int64_t ms);  /* time passes */
void script_pause(struct script *r, bool pause); /* the outbox */
void script_network(struct script *r, bool on);

/* The only request under way whose root field is `field`; fails the test otherwise. */
struct script_request *script_only(struct script *r, const char *field);
size_t script_waiting(const struct script *r); /* requests not answered */
const struct cJSON *script_input(const struct script_request *q);
void script_input_is(const struct script_request *q, const char *want); /* all of it */
/* Answers and removes the request. */
void script_answer(struct script *r, struct script_request *q, int status, const char *body);
void script_ok(struct script *r, struct script_request *q, const char *field, const char *item);
void script_error(struct script *r, struct script_request *q, const char *field, const char *type,
	const char *data);
void script_lose(struct script *r, struct script_request *q, bool sent);

/* What is kept; "" when there is none. */
int script_events(const struct script *r, const char *name);
const struct cJSON *script_event(
	const struct script *r, const char *name); /* the last one, or NULL */
int64_t script_lane(struct script *r, enum sd_lane lane);
struct sd_mutation script_first(struct script *r); /* release it */
struct cJSON *script_row(
	struct script *r, const char *model, const char *key);      /* NULL: none; free */
int64_t script_conflict(struct script *r, struct sd_conflict *out); /* the only one */
/* The row's members that `want` names are as it says. */
void script_row_is(struct script *r, const char *model, const char *key, const char *want);

#endif
