/*
 * tests/support/rig.h - an engine on a store of its own, with scripted answers and virtual time.
 *
 * Nothing moves but what the test feeds.  Actions are kept in order; requests and subscriptions
 * are found by what they carry.
 */
#ifndef SD_TESTS_RIG_H
#define SD_TESTS_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/apply.h"
#include "core/sync/engine.h"

struct rig {
	char *dir; /* owned */
	struct sd_schema *schema;
	struct sd_store *store;
	struct sd_rand rand;
	struct sd_engine_settings set;
	struct sd_model_settings models[16];
	enum sd_auth_mode auth;
	enum sd_auth_mode modes[6];
	size_t mode_count;
	struct sd_engine *en;
	int64_t now;
	struct sd_action acts[4096]; /* taken, not looked at yet (kind -1: done with) */
	size_t count;
	char events[16384]; /* names, a blank behind each */
	char last[8192];    /* text of the newest event */
	struct sd_error e;
};

extern const char RIG_SDL[]; /* Post 1-n Comment */

struct rig *rig_new(const char *sdl); /* store open, no engine yet */
void rig_engine(struct rig *r);       /* a new engine with r's settings, not started */
void rig_restart(struct rig *r);      /* drops engine and store, opens both again, starts */
void rig_free(struct rig *r);

/* One input in its own transaction, then the actions are taken. */
#define RIG(r, call)                                                                               \
	do {                                                                                       \
		rig_begin(r);                                                                      \
		if ((call) != SD_OK)                                                               \
			fail_msg("%s: %s", #call, (r)->e.text);                                    \
		rig_commit(r);                                                                     \
	} while (0)
void rig_begin(struct rig *r);
void rig_commit(struct rig *r);
void rig_start(struct rig *r);
void rig_wait(struct rig *r, int64_t ms); /* time passes, ticks at every deadline on the way */

/* The oldest action of a kind whose text contains `has` (NULL: any); NULL when there is none.  It
 * stays until the next rig_done() of it. */
struct sd_action *rig_find(struct rig *r, enum sd_act kind, const char *has);
size_t rig_count(struct rig *r, enum sd_act kind, const char *has);
void rig_done(struct sd_action *a);
void rig_compact(struct rig *r); /* done ones and events leave the list */
void rig_forget(struct rig *r, enum sd_act kind);

/* Answers the oldest request containing `has` (it must be there) with HTTP 200 and this body. */
void rig_reply(struct rig *r, const char *has, const char *body);
void rig_reply_status(struct rig *r, const char *has, int status, const char *body);
void rig_fail(struct rig *r, const char *has, bool sent, const char *failure);
/* {"data":{root:{"items":[items],"nextToken":token,"startedAt":started}}} */
void rig_page(
	struct rig *r, const char *root, const char *items, const char *token, int64_t started);

/* The open connection request: opened, acknowledged with this limit; its id. */
uint64_t rig_connect(struct rig *r, int64_t timeout_ms);
void rig_frame(struct rig *r, uint64_t conn, const char *fmt, ...) SD_PRINTF(3, 4);
/* Confirms every start there is. */
void rig_ack_all(struct rig *r, uint64_t conn);
/* rig_connect and rig_ack_all: the connection is live. */
uint64_t rig_live(struct rig *r);
/* A record over the subscription sub_id. */
void rig_data(struct rig *r, uint64_t conn, const char *sub_id, const char *root, const char *item);
/* The subscription id that a start of `root` carried; kept from rig_ack_all. */
const char *rig_sub(struct rig *r, const char *root);

/* A Post as the wire has it; a deleted one. */
#define RIG_POST(id, title, version)                                                               \
	"{\"id\":\"" id "\",\"title\":\"" title "\",\"rating\":1,\"createdAt\":"                   \
	"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":" #version   \
	",\"_lastChangedAt\":1795370000000,\"_deleted\":null}"
#define RIG_GONE(id, version)                                                                      \
	"{\"id\":\"" id "\",\"title\":\"x\",\"rating\":1,\"createdAt\":"                           \
	"\"2026-11-22T00:00:00Z\",\"updatedAt\":\"2026-11-22T00:00:00Z\",\"_version\":" #version   \
	",\"_lastChangedAt\":1795370000000,\"_deleted\":true}"

/* Started and live; and with both models synced empty, the mark at `started`. */
struct rig *rig_online(void);
struct rig *rig_synced(int64_t started);
/* A variable of the oldest request for root, as JSON text.  Static. */
const char *rig_variable(struct rig *r, const char *root, const char *name);
struct sd_sync_state rig_sync_state(struct rig *r, const char *model);

int64_t rig_rows(struct rig *r, const char *model);
/* A field of a record as text; "-" when the record is not there.  Static. */
const char *rig_value(struct rig *r, const char *model, const char *key, const char *field);

#endif
