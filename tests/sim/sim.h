/*
 * tests/sim/sim.h - three engines and one backend in one process, with a virtual clock and a
 * network that drops, delays, repeats and reorders; everything from a seed.
 *
 *   sim.c         the world: clients, clock, the run
 *   sim_net.c     the network double: HTTP, realtime, faults
 *   sim_person.c  random edits, decisions about conflicts
 *   sim_check.c   what must be true at the end
 *
 * Nothing here opens a socket or looks at a clock, so a seed always gives the same run.
 */
#ifndef SD_TESTS_SIM_H
#define SD_TESTS_SIM_H

#include "core/base/rand.h"
#include "core/json/json.h"
#include "core/sandbox/core/sandbox.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"
#include "core/store/write.h"
#include "core/sync/engine.h"

#define SIM_CLIENTS  3
#define SIM_CHAOS_MS 40000 /* how long the bad time lasts, virtual */

struct sim_client {
	char *dir;
	struct sd_rand rand;
	struct sd_store *store;
	struct sd_engine *en; /* NULL: the process is not running */
	uint64_t life;        /* of the process: what was sent to an earlier one is lost */
	bool link;            /* its cable is plugged in */
	bool switched_off;
	bool ready;         /* told since the last start */
	uint64_t conns[16]; /* realtime connections that are up */
	size_t conn_count;
};

enum sim_kind {
	SIM_REQUEST,  /* an HTTP request reaches the server */
	SIM_RESPONSE, /* an answer reaches the client */
	SIM_OPENED,
	SIM_SUBSCRIBE, /* a start frame reaches the server */
	SIM_FRAME,     /* a realtime frame reaches the client */
	SIM_CLOSED,
	SIM_PERSON, /* somebody edits */
	SIM_CHAOS,
	SIM_RESTART,
	SIM_PLUG /* cable, switch and server come back */
};

struct sim_event {
	int64_t at;
	uint64_t order;
	enum sim_kind kind;
	int client;
	uint64_t life, id; /* id: request or connection */
	char *text, *sub;  /* owned */
	int status, transport;
	bool sent;
};

/* One value that a person saved: it must be found again. */
struct sim_edit {
	int client;
	const struct sd_model *model;
	char *key;
	char field[16], token[32];
	bool removes; /* a deletion */
	bool excused; /* superseded by the same person, or decided away */
};

struct sim {
	uint64_t seed;
	struct sd_rand rand;
	struct sd_schema *schema;
	struct sd_sbx *sbx;
	struct sd_engine_settings set;
	struct sd_model_settings models[16];
	struct sim_client client[SIM_CLIENTS];
	int64_t now, end;
	bool faults, server_down, healing;
	uint64_t order;
	int tokens;
	struct sim_event *events;
	size_t event_count, event_room;
	struct sim_edit *edits;
	size_t edit_count, edit_room;
	struct cJSON *history; /* {"Post [\"p1\"]":[item, item ...]} as the server wrote them */
	bool plant_double;     /* a bug on purpose: the network applies a mutation twice */
	bool trace;
	int requests, faulted, crashes, conflicts;
	char why[2000]; /* the first thing found wrong; "" */
};

/* Runs one seed.  false: something is wrong, text in why. */
bool sim_run(uint64_t seed, bool plant_double, bool trace, char *why, size_t room);

/* ---- sim.c ---- */
void sim_wrong(struct sim *s, const char *fmt, ...) SD_PRINTF(2, 3);
void sim_say(struct sim *s, const char *fmt, ...) SD_PRINTF(2, 3); /* the trace */
struct sim_event *sim_at(struct sim *s, int64_t in_ms, enum sim_kind kind, int client);
void sim_event_release(struct sim_event *v);
/* Gives an input to a client's engine inside a transaction, then carries out what it asks. */
typedef enum sd_err (*sim_input_fn)(
	struct sim *s, struct sim_client *c, void *arg, struct sd_error *e);
void sim_input(struct sim *s, int client, const char *what, sim_input_fn fn, void *arg);
void sim_boot(struct sim *s, int client);
void sim_crash(struct sim *s, int client);
void sim_network(struct sim *s, int client, bool on);
uint32_t sim_below(struct sim *s, uint32_t n);
bool sim_chance(struct sim *s, uint32_t percent);

/* ---- sim_net.c ---- */
void sim_action(struct sim *s, int client, struct sd_action *a);
void sim_net_event(struct sim *s, struct sim_event *v);
void sim_deliver(void *ctx, uint64_t conn, const char *sub_id, const char *payload);
void sim_cut_realtime(struct sim *s, int client, bool tell);
void sim_unplug(struct sim *s, int client); /* requests under way are lost */

/* ---- sim_person.c ---- */
void sim_person(struct sim *s, int client);
/* Decides every conflict of the client; the number of them. */
int sim_decide(struct sim *s, int client);

/* ---- sim_check.c ---- */
void sim_record(struct sim *s, const char *answer); /* what a mutation made */
void sim_check(struct sim *s);

#endif
