/*
 * tests/sim/sim.h - several engines and one backend in one process, with virtual clocks and a
 * network, servers and people that do every bad thing there is; everything from a seed.
 *
 *   sim.c         the run: the queue of events, time, quiet, healing
 *   sim_world.c   what the seed makes of the world: schema, strategies, settings
 *   sim_plan.c    the schedule: a list of steps; written to and read from a file
 *   sim_client.c  one client: starts, dies (at any action), its clock, its inputs
 *   sim_net.c     HTTP: requests, answers, faults
 *   sim_rt.c      realtime: sockets, subscriptions, frames, faults
 *   sim_server.c  the backend: restarts, expiry, changes of others, the conflict resolver
 *   sim_person.c  people who save and delete
 *   sim_lanes.c   people who undo, park, retry, edit, decide
 *   sim_edit.c    what was saved and what became of it
 *   sim_watch.c   what must be true all the time
 *   sim_check.c   what must be true when the dust has settled
 *   sim_more.c    faults of schedules of the second kind
 *   sim_cover.c   what the seeds really did, counted
 *   sim_shrink.c  a failing schedule made small
 *   sim_vfs.c     files in memory that forget what was not synced
 *   sim_mutant.c  bugs on purpose, linked in place of functions of the product (see the Makefile)
 *
 * Nothing here opens a socket or looks at a clock, so a seed always gives the same run.  All that
 * goes wrong or is done by people is a step of the schedule with random numbers of its own; a
 * schedule with steps taken out is a schedule, which is what shrinking does.
 */
#ifndef SD_TESTS_SIM_H
#define SD_TESTS_SIM_H

#include "core/base/map.h"
#include "core/base/rand.h"
#include "core/json/json.h"
#include "core/sandbox/core/sandbox.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"
#include "core/store/write.h"
#include "core/sync/engine.h"
#include "tests/sim/sim_mutant.h"

#define SIM_CLIENTS 5
#define SIM_MODELS  16
#define SIM_CONNS   16
#define SIM_EPOCH   1700000000000

/* ---- the schedule ---- */
/* what, its name in a trace, its weight in a random schedule */
#define SIM_STEP_MAP(X)                                                                            \
	/* people */                                                                               \
	X(SAVE, "save", 300)                                                                       \
	X(CREATE, "create", 110)                                                                   \
	X(DELETE, "delete", 45)                                                                    \
	X(UNDO, "undo", 16)                                                                        \
	X(REDO, "redo", 10)                                                                        \
	X(PARK, "park", 14)                                                                        \
	X(UNPARK, "unpark", 14)                                                                    \
	X(DISCARD, "discard", 10)                                                                  \
	X(RETRY, "retry", 16)                                                                      \
	X(EDIT, "edit-entry", 14)                                                                  \
	X(RESOLVE, "resolve", 30)                                                                  \
	X(PAUSE, "pause", 6)                                                                       \
	X(RESYNC, "resync", 8)                                                                     \
	X(EXPRESSION, "change-expression", 6)                                                      \
	X(UPGRADE, "upgrade-schema", 4)                                                            \
	X(STOP, "stop-start", 6)                                                                   \
	/* machines */                                                                             \
	X(DIE, "die", 34)                                                                          \
	X(CABLE, "cable-out", 14)                                                                  \
	X(SWITCH, "network-off", 10)                                                               \
	X(CLOCK, "clock-jump", 10)                                                                 \
	X(EXPIRE, "token-expires", 8)                                                              \
	/* requests: the next one that fits */                                                     \
	X(REQ_LOST, "request-lost", 20)                                                            \
	X(ANS_LOST, "answer-lost", 30)                                                             \
	X(REQ_SLOW, "request-slow", 14)                                                            \
	X(ANS_SLOW, "answer-slow", 20)                                                             \
	X(STATUS, "http-status", 30)                                                               \
	X(STATUS_AFTER, "http-status-after", 16)                                                   \
	X(HTML, "html-page", 10)                                                                   \
	X(CUT, "answer-cut", 12)                                                                   \
	X(GRAPHQL, "graphql-error", 16)                                                            \
	X(PARTIAL, "partial-page", 10)                                                             \
	/* realtime */                                                                             \
	X(FRAME_LOST, "frame-lost", 16)                                                            \
	X(FRAME_TWICE, "frame-twice", 14)                                                          \
	X(FRAME_LATE, "frame-late", 20)                                                            \
	X(SOCK_CUT, "socket-cut", 14)                                                              \
	X(SOCK_MUTE, "socket-mute", 10)                                                            \
	X(SUB_REFUSED, "subscribe-refused", 10)                                                    \
	X(ACK_LOST, "ack-lost", 8)                                                                 \
	X(OPEN_REFUSED, "socket-refused", 8)                                                       \
	/* the backend */                                                                          \
	X(DOWN, "server-down", 10)                                                                 \
	X(RESTART, "server-restart", 8)                                                            \
	X(PURGE, "tombstones-purged", 5)                                                           \
	X(ADMIN, "server-edit", 20)                                                                \
	X(AWAY, "time-passes", 4)                                                                  \
	/* in schedules of the second kind only */                                                 \
	X(POISON, "record-poisoned", 8)                                                            \
	X(BAD_ROW, "wrong-types", 10)                                                              \
	X(SUB_ENDED, "subscription-ended", 8)                                                      \
	X(FRAME_JUNK, "frame-junk", 12)                                                            \
	X(SIGN_OUT, "sign-out", 6)

enum sim_do {
#define X(id, name, weight) SIM_##id,
	SIM_STEP_MAP(X)
#undef X
		SIM_DO_COUNT,
	SIM_DO_MORE = SIM_POISON /* the first of the second kind */
};

struct sim_step {
	int64_t at; /* ms since the beginning */
	enum sim_do what;
	int client;
	uint64_t r; /* its random numbers */
};

struct sim_plan {
	uint64_t seed;
	int clients;
	bool more;    /* of the second kind: more faults, other worlds */
	char *mutant; /* owned; NULL: the product as it is */
	struct sim_step *steps;
	size_t count, room;
};

/* ---- the world ---- */
#define SIM_EXPRS 4
struct sim_world {
	char *sdl[2];                /* [1]: with more in it */
	struct sd_schema *schema[2]; /* what clients have before and after an upgrade */
	enum sd_strategy strategy;   /* of all, and by model->id of schema[1]: */
	enum sd_strategy of_model[SIM_MODELS];
	bool resurrect, pool; /* pool: people sign in; else an API key */
	struct sd_sbx_identity who;
	struct cJSON *claims[2]; /* of two people */
	bool hard_delete;        /* base TTL 0: what is deleted is gone at once */
	bool no_batch;           /* several mutations in one document are refused */
	int64_t delta_ttl_ms, ka_ms, rt_timeout_ms;
	int sub_limit;
};

struct sim_conn {
	uint64_t id;
	bool muted; /* says nothing any more; the client was not told */
};

struct sim_client {
	char *dir;
	struct sd_rand rand;
	struct sd_store *store;
	struct sd_engine *en; /* NULL: the process is not running */
	uint64_t life;        /* of the process: what was sent to an earlier one is lost */
	int64_t skew_ms;      /* its clock minus ours */
	bool link;            /* its cable is plugged in */
	bool switched_off, stopped;
	bool ready; /* told since the last start */
	bool expired, session_over, refreshing;
	int user;        /* who is signed in */
	struct sim_sub { /* subscriptions the server took */
		uint64_t conn;
		char id[64];
	} subs[48];
	size_t sub_count;
	int told_active, told_empty; /* by the last such event of this process; -1: none */
	int die_in;                  /* actions until it dies; -1: it lives */
	bool power;                  /* and the machine with it */
	int64_t die_back_ms;
	int gen;                       /* 0, 1: its schema */
	char *expr[SIM_MODELS];        /* by name of schema[1]; text; NULL: none */
	bool expr_command[SIM_MODELS]; /* a command prints it */
	struct sd_pred *pred[SIM_MODELS];
	struct sd_engine_settings set;
	struct sd_model_settings models[SIM_MODELS];
	enum sd_policy policy[SIM_MODELS]; /* by model->id of schema[1] */
	struct sim_conn conns[SIM_CONNS];
	size_t conn_count;
	struct sim_armed { /* faults waiting for a message to spoil */
		enum sim_do what;
		uint64_t r;
	} armed[64];
	size_t armed_count;
	uint64_t messages;
	int64_t journal; /* last line watched */
	struct cJSON
		*versions; /* {"Post [..]": place of the version seen last, among the server's} */
	struct cJSON *in_flight; /* {"Post [..]": request id} of mutations */
	/* by model->id of schema[1]: server's clock when the run under way read its first page */
	int64_t run_from[SIM_MODELS];
	bool synced[SIM_MODELS];  /* told since the last start */
	bool hole[SIM_MODELS];    /* a base run was not given all rows */
	bool garbled[SIM_MODELS]; /* the run under way was not; a delta asks for them again */
	bool capped;
};

enum sim_kind {
	SIM_REQUEST,  /* an HTTP request reaches the server */
	SIM_RESPONSE, /* an answer reaches the client */
	SIM_OPENED,
	SIM_SUBSCRIBE, /* a start frame reaches the server */
	SIM_FRAME,     /* a realtime frame reaches the client */
	SIM_CLOSED,
	SIM_COMMAND,   /* a command of the person's has ended */
	SIM_REFRESHED, /* the session was renewed, or could not be */
	SIM_KA,        /* keep-alive; goes on for ever */
	SIM_STEP,      /* of the schedule */
	SIM_BOOT,
	SIM_PLUG,      /* the cable is back */
	SIM_TURNED_ON, /* the switch */
	SIM_SERVER_UP
};

struct sim_event {
	int64_t at;
	uint64_t order;
	enum sim_kind kind;
	int client;
	uint64_t life, id; /* id: request, connection, command, number of the step */
	char *text, *sub;  /* owned */
	int status, transport;
	int64_t retry_after_ms, until;
	bool sent, ok;
	struct sim_armed fault; /* what becomes of the request; what -1: nothing */
};

/* One value that a person saved: it must be found again. */
struct sim_edit {
	int client;
	const struct sd_model *model; /* of schema[1] */
	char *key;
	char field[16], token[24];
	int64_t seq;   /* the entry it went into */
	int64_t line;  /* journal at that time */
	int64_t by;    /* superseded by that edit of the same person; -1 */
	bool removes;  /* a deletion */
	bool replaced; /* the person put another value into its entry: no undo brings it back */
	bool given_up; /* the person took it back or decided against it */
	int times;     /* it became the value of the record at the server */
	int64_t first; /* the entry that brought it there first; 0: not known */
};

/* A record as the server wrote it, version by version. */
struct sim_version {
	int64_t at;
	int client; /* -1: somebody else */
	bool old;   /* by a program that does not know the newer fields */
	struct cJSON *item;
};
struct sim_record {
	const struct sd_model *model; /* of schema[1] */
	char *key;
	struct sim_version *v;
	size_t count;
	bool conditional; /* somebody changed it on a condition */
	/* A request came to the server long after it was given up, and the service takes what is
	 * old: no client can know of it before it sends the change again. */
	bool late;
	unsigned decided; /* clients, a bit each: somebody decided about it, values may come back */
	int64_t last_seq[SIM_CLIENTS]; /* newest entry of each that arrived */
};

struct sim {
	const struct sim_plan *plan;
	struct sim_world w;
	struct sd_rand rand; /* of the step under way */
	struct sd_rand server_rand;
	struct sd_sbx *sbx;
	char *sbx_path;
	struct sim_client client[SIM_CLIENTS];
	int clients;
	int64_t now;
	bool faults, server_down, purged;
	bool settled;                    /* everybody has fetched all since the last fault */
	uint64_t written;                /* versions, by whomever */
	const struct sd_model *poisoned; /* of schema[1]; pages with that row fail; NULL: none */
	char *poisoned_key;
	uint64_t order;
	struct sim_event *events;
	size_t event_count, event_room;
	struct sim_edit *edits;
	size_t edit_count, edit_room;
	struct sd_map records; /* "Post [..]" -> struct sim_record *, owned */
	int executing;         /* whose request the server is at; -1: nobody's */
	bool late;             /* ... which was given up long ago */
	bool trace;
	int requests, deaths, conflicts, tokens;
	char rule[40];  /* the invariant that was broken; "" */
	char why[2000]; /* and how */
};

struct sim_result {
	char rule[40], why[2000];
	int requests, deaths, conflicts;
	size_t edits;
};

/* Runs a schedule.  false: something is wrong, see *out.  trace: tells everything on stdout. */
bool sim_run(const struct sim_plan *p, bool trace, struct sim_result *out);

/* ---- sim_plan.c ---- */
/* more: of the second kind (steps and worlds of the first stay as they are). */
void sim_plan_make(struct sim_plan *p, uint64_t seed, bool more, const char *mutant);
void sim_plan_release(struct sim_plan *p);
void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from);
bool sim_plan_write(const struct sim_plan *p, const char *path);
bool sim_plan_read(struct sim_plan *p, const char *path);
/* One line a step; appended. */
void sim_plan_text(const struct sim_plan *p, struct sd_buf *out);
const char *sim_do_name(enum sim_do what);

/* ---- sim_shrink.c ---- */
/* Takes out of *p all that is not needed to break the rule.  Returns the runs it took. */
int sim_shrink(struct sim_plan *p, const char *rule, int most_runs);

/* ---- sim.c ---- */
/* The first thing found wrong stays.  rule: short and stable, shrinking keeps it. */
void sim_wrong(struct sim *s, const char *rule, const char *fmt, ...) SD_PRINTF(3, 4);
void sim_say(struct sim *s, const char *fmt, ...) SD_PRINTF(2, 3); /* the trace */
/* The pointer is good until the next call. */
struct sim_event *sim_at(struct sim *s, int64_t in_ms, enum sim_kind kind, int client);
void sim_event_release(struct sim_event *v);
/* Drops event i of the queue. */
void sim_event_drop(struct sim *s, size_t i);
uint32_t sim_below(struct sim *s, uint32_t n); /* of the step under way */
bool sim_chance(struct sim *s, uint32_t percent);

/* ---- sim_world.c ---- */
void sim_world_make(struct sim *s);
void sim_world_release(struct sim *s);
void sim_world_client(struct sim *s, int client); /* settings, policies, expressions */
/* The same model in schema[1], which the server has. */
const struct sd_model *sim_model(const struct sim *s, const struct sd_model *m);
/* A field that can carry a token: text, a list of texts, AWSJSON, an embedded type. */
bool sim_carries(const struct sd_field *f);
/* Every text in a value that is a token: fn gets it. */
void sim_tokens(const struct cJSON *v, void (*fn)(void *ctx, const char *token), void *ctx);
bool sim_holds(const struct cJSON *v, const char *token);

/* ---- sim_client.c ---- */
typedef enum sd_err (*sim_input_fn)(
	struct sim *s, struct sim_client *c, void *arg, struct sd_error *e);
/* Gives an input to a client's engine inside a transaction, then carries out what it asks. */
void sim_input(struct sim *s, int client, const char *what, sim_input_fn fn, void *arg);
int64_t sim_clock(const struct sim *s, int client);
void sim_boot(struct sim *s, int client);
void sim_die(struct sim *s, int client, bool power, int64_t back_ms);
void sim_close(struct sim *s, int client); /* ends the process in good order */
void sim_network(struct sim *s, int client, bool on);
void sim_signed_in(struct sim *s, int client, bool in);
void sim_store_changed(struct sim *s, int client);
void sim_tick(struct sim *s, int client);
void sim_stop_start(struct sim *s, int client);
bool sim_client_step(struct sim *s, const struct sim_step *p); /* false: not of this file */

/* ---- sim_net.c ---- */
void sim_arm(struct sim *s, int client, enum sim_do what, uint64_t r);
/* An armed fault out of [from, to], which fits the request; false: none. */
bool sim_armed_take(struct sim *s, int client, enum sim_do from, enum sim_do to, int only,
	struct sim_armed *out);
void sim_http(struct sim *s, int client, struct sd_action *a);
void sim_http_cancel(struct sim *s, int client, uint64_t id);
void sim_on_request(struct sim *s, struct sim_event *v);
void sim_on_response(struct sim *s, struct sim_event *v);
void sim_unplug(struct sim *s, int client); /* requests under way are lost */
int64_t sim_delay(struct sim *s, int client);
bool sim_is_mutation(const char *body);
void sim_refresh(struct sim *s, int client);
void sim_on_refreshed(struct sim *s, struct sim_event *v);

/* ---- sim_rt.c ---- */
void sim_rt_action(struct sim *s, int client, struct sd_action *a);
void sim_rt_event(struct sim *s, struct sim_event *v);
void sim_deliver(void *ctx, uint64_t conn, const char *sub_id, const char *payload);
/* All sockets of a client break; tell: it hears of it. */
void sim_cut(struct sim *s, int client, bool tell);
void sim_mute(struct sim *s, int client);
void sim_end_subscription(struct sim *s, int client); /* by the server, any one */

/* ---- sim_server.c ---- */
void sim_server_open(struct sim *s);
struct sd_sbx_identity sim_who(const struct sim *s, int client); /* who is signed in there */
void sim_server_execute(struct sim *s, int client, const char *body, struct sd_sbx_answer *out);
/* Every mutation of a request: its model (of schema[1]) and input. */
typedef void (*sim_mutation_fn)(void *ctx, const struct sd_model *m, const struct cJSON *input);
void sim_each_mutation(struct sim *s, const char *body, sim_mutation_fn fn, void *ctx);
bool sim_server_step(struct sim *s, const struct sim_step *p);

/* A row that is there, owned; NULL: none. */
struct cJSON *sim_any_row(struct sim *s, const struct sd_model *m);

/* ---- sim_more.c ---- */
bool sim_more_step(struct sim *s, const struct sim_step *p);
void sim_cure(struct sim *s);
/* In place of an answer, owned; NULL: it stays as it is. */
char *sim_poisoned_page(struct sim *s, const struct sim_event *v, const char *body);
char *sim_wrong_types(struct sim *s, const struct sim_event *v, const char *body, uint64_t r);
char *sim_junk(const char *sub, const char *payload, uint64_t r, bool *besides);

/* ---- sim_cover.c ---- */
bool sim_cover_begin(void); /* false: nobody wants to know */
void sim_cover_seed(uint64_t seed);
void sim_cover(const char *kind, const char *what);
/* Prints the table; the number of kinds of steps that never happened. */
int sim_cover_end(void);

/* ---- sim_person.c ---- */
bool sim_person_step(struct sim *s, const struct sim_step *p);
/* A random record the client shows; owned; NULL: none. */
struct cJSON *sim_any_record(struct sim *s, int client, const struct sd_model *m);
const struct sd_model *sim_any_model(struct sim *s, int client, bool joins);
/* A fresh token of that client. */
void sim_fresh(struct sim *s, int client, char out[24]);
/* A random value for a field; token (may be NULL) gets what can be found again, or "". */
struct cJSON *sim_value(struct sim *s, int client, const struct sd_field *f,
	const struct cJSON *old, char token[24]);

/* ---- sim_lanes.c ---- */
bool sim_lanes_step(struct sim *s, const struct sim_step *p);
/* Decides every conflict of the client; the number of them. */
int sim_decide_all(struct sim *s, int client);
/* Everybody takes things up again: no pause, parked ones go (some), refused ones are retried. */
void sim_take_up(struct sim *s, int client);
/* A policy command's answer; owned; NULL: it failed. */
char *sim_policy_command(struct sim *s, int client, const char *input);

/* ---- sim_edit.c ---- */
struct sim_edit *sim_note(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const char *token);
/* A list was saved: the person's own elements that are not in it were taken out by them. */
void sim_note_list(struct sim *s, int client, const struct sd_model *m, const char *key,
	const char *field, const struct cJSON *list);
/* Knows the entry the newest edits of that record went into. */
void sim_note_seq(
	struct sim *s, int client, const struct sd_model *m, const char *key, size_t first);
/* The person gave up what is in that entry; undone: what it hid shows again. */
void sim_give_up_entry(struct sim *s, int client, int64_t seq, bool undone);
/* Edit `at` put another value into the entry it is in. */
void sim_replaced(struct sim *s, size_t at);
/* An undo took one save out of an entry that stays: what it wrote is given up, and what that hid
 * shows again. */
void sim_step_back(struct sim *s, int client);
/* Where the edits wait now.  undone: something was undone or made again; what waits counts again. */
void sim_look_again(struct sim *s, int client, bool undone);
/* ... everything they did to that record so far. */
void sim_give_up_record(
	struct sim *s, int client, const struct sd_model *m, const char *key, const char *field);
struct sim_edit *sim_edit_of(struct sim *s, const char *token);
/* Values of this record may come back: somebody decides about it. */
void sim_decided(struct sim *s, int client, const struct sd_model *m, const char *key);
/* A version the server wrote. */
void sim_written(struct sim *s, const struct sd_model *m, const struct cJSON *item);
void sim_purged(struct sim *s);
struct sim_record *sim_record_of(struct sim *s, const struct sd_model *m, const char *key);
void sim_edits_release(struct sim *s);
void sim_check_edits(struct sim *s);

/* ---- sim_watch.c ---- */
void sim_watch_request(struct sim *s, int client, uint64_t id, const char *body);
void sim_watch_answered(struct sim *s, int client, uint64_t id);
void sim_watch_event(struct sim *s, int client, const char *text);
void sim_watch_told(struct sim *s, int client);  /* after the actions of an input */
void sim_watch_store(struct sim *s, int client); /* after a commit */
void sim_watch_page(struct sim *s, int client, const char *body);
/* That page lacks a row. */
void sim_watch_hole(struct sim *s, int client, const char *body);

/* ---- sim_check.c ---- */
void sim_check(struct sim *s);
void sim_check_models(struct sim *s); /* the records only */

/* ---- sim_vfs.c ---- */
void sim_vfs_install(void);
/* The process with these files (all below dir) is dead: nothing it does from here reaches them;
 * power: what was not synced is gone. */
void sim_vfs_kill(const char *dir, bool power);
void sim_vfs_revive(const char *dir); /* what was killed can be opened again */
void sim_vfs_forget(const char *dir); /* removes the files */

#endif
