/*
 * core/sync/push.h - what the parts of the outbox sender know of each other.  Private.
 *
 *   push.c         life cycle, what may go now, deadlines, local changes told
 *   push_send.c    an entry becomes a request; batches
 *   push_sort.c    which entry an answer is about; batches
 *   push_answer.c  what the answers do
 *   push_read.c    a record is read before its entry goes on
 *   push_merged.c  policy `server`: what the service's merge made of a change
 *   push_decide.c  base, mine and theirs of an entry; conflicts by policy
 *   push_command.c policies that are a command
 *
 * Rules: the decision on R-073 (requirements.md), spec/client.md 4.3, 4.4 (REQ), 9.5.
 *
 * An entry that is being sent or read about is in the lane `sending`, so that nobody else touches
 * it.  Every function that takes an entry may find it gone (a wipe): that is fine, not an error.
 */
#ifndef SD_SYNC_PUSH_H
#define SD_SYNC_PUSH_H

#include "core/graphql/doc.h"
#include "core/store/conflict.h"
#include "core/sync/internal.h"
#include "core/sync/merge.h"

#define SD_PUSH_BATCH    25 /* most mutations in one request (contract.md 7) */
#define SD_PUSH_COMMANDS 4  /* policy commands at once */
#define SD_PUSH_GROW     32 /* accepted batches before a bigger one is tried again */

enum sd_flight_kind {
	SD_FLIGHT_SEND,
	SD_FLIGHT_READ,
	SD_FLIGHT_COMMAND /* a policy command decides */
};

/* Why a record is read before the entry goes on. */
enum sd_read_why {
	SD_READ_UNKNOWN,  /* was it applied? */
	SD_READ_CONFLICT, /* the error carried no copy */
	SD_READ_REFUSED,  /* to show the server's value again */
	SD_READ_WRITTEN   /* it was applied, the answer was null for something inside the record */
};

/* How much of it: a null where none may be takes the whole record with it. */
enum sd_read_how {
	SD_READ_WHOLE,
	SD_READ_PLAIN, /* without the objects of relations: a parent may be gone, or not ours to see */
	SD_READ_BARE /* the key, the metadata, and what the entry sends */
};

struct sd_flight {
	uint64_t id; /* of the request or command */
	enum sd_flight_kind kind;
	enum sd_read_why why;
	enum sd_read_how how;
	int64_t seq[SD_PUSH_BATCH]; /* one, or those of a batch in the order of their aliases */
	size_t count;
	const struct sd_model *model; /* of the first */
	enum sd_auth_mode modes[6];
	size_t mode_count, mode_at;
	char *body;                   /* owned; sent again with the next mode */
	char type[96], message[1024]; /* READ: what the server said before */
	int64_t conflict;             /* COMMAND */
};

struct sd_push {
	struct sd_flight *flights; /* owned */
	size_t count, room;
	char **docs; /* owned, by model id * SD_DOC_COUNT + kind; built when first used */
	size_t doc_count;
	struct sd_batch_doc { /* of the last batch: the next one is often of the same shape */
		const struct sd_model *models[SD_PUSH_BATCH];
		enum sd_doc kinds[SD_PUSH_BATCH];
		size_t count;
		char *text; /* owned */
	} batch;
	int64_t next_due_ms; /* earliest entry that waits for its time; 0: none */
	int64_t last_ms;     /* time of the last look: a clock set back is noticed */
	int64_t journal;     /* last line looked at; -1: not yet */
	bool waiting;        /* something will go by itself */
	bool down;           /* the endpoint was out of reach at the last look */
	int64_t *alone;      /* owned; entries that go by themselves after a failed batch */
	size_t alone_count, alone_room;
	size_t batch_most; /* the server refused bigger ones as a whole; 0: none refused */
	int batch_good;    /* accepted since */
	int64_t *ask;      /* owned; conflicts a policy command is still to be asked about */
	size_t ask_count, ask_room;
	char *learned; /* owned; by model id: 'a' automerge, 'o' optimistic, 0 not known */
};

/* An entry with everything needed to judge it. */
struct sd_case { /* sd_case_release */
	struct sd_mutation m;
	struct sd_shadow shadow;
	struct cJSON *mine; /* base with the entry applied; NULL for a delete: sd_case_mine() */
	enum sd_policy policy;
};
/* NOTFOUND without text: the entry is gone.  sd_case_of: of an entry just read, which moves. */
enum sd_err sd_case_of(
	struct sd_engine *en, struct sd_mutation *m, struct sd_case *c, struct sd_error *e);
enum sd_err sd_case_load(struct sd_engine *en, int64_t seq, struct sd_case *c, struct sd_error *e);
void sd_case_release(struct sd_case *c);
/* Makes c->mine, which most answers do not ask for. */
enum sd_err sd_case_mine(struct sd_case *c, struct sd_error *e);
/* Newest copy of the server that is known; NULL: none. */
const struct cJSON *sd_case_server(const struct sd_case *c);
/* An answer may be old, a newer copy have come in another way meanwhile: the newer of the two.  (A
 * key made again has a lower version and a later time.) */
const struct cJSON *sd_case_newest(const struct sd_case *c, const struct cJSON *theirs);
/* The server's copy moved on from what the entry was made on. */
bool sd_case_moved(const struct sd_case *c);

/* ---- push.c ---- */
/* A free flight with its id 0; NULL: out of memory.  Valid until the next call. */
struct sd_flight *sd_flight_add(struct sd_push *p);
void sd_flight_drop(struct sd_push *p, struct sd_flight *f);
/* How many more requests may be under way. */
size_t sd_push_slots(const struct sd_engine *en);
int64_t sd_push_wait_ms(struct sd_engine *en, int attempt, int64_t retry_after_ms, int64_t now_ms);
/* Events with the model and key of an entry. */
void sd_push_event(struct sd_engine *en, const char *name, const struct sd_mutation *m,
	struct cJSON *fields, int64_t now_ms);

/* ---- push_send.c ---- */
/* Compares, then sends the entries, just read in this transaction, each by itself or in batches;
 * they move.  Stops at outbox_concurrency requests, *left says that some were left for later. */
enum sd_err sd_push_send(struct sd_engine *en, struct sd_mutation *due, size_t n, bool *left,
	int64_t now_ms, struct sd_error *e);
/* Gives the flight its request; on failure the flight is dropped.  body moves. */
enum sd_err sd_flight_launch(
	struct sd_engine *en, struct sd_flight *f, char *body, struct sd_error *e);
/* A document depends on the model only; NULL: out of memory. */
const char *sd_push_document(struct sd_engine *en, const struct sd_model *m, enum sd_doc kind);
/* The modes that can be tried now, in order. */
size_t sd_push_modes(
	struct sd_engine *en, const struct sd_model *m, unsigned bit, enum sd_auth_mode out[6]);
/* Sends the body again with the next usable mode; *sent false: there is none. */
enum sd_err sd_flight_next_mode(
	struct sd_engine *en, struct sd_flight *f, bool *sent, struct sd_error *e);
/* It goes by itself the next time. */
void sd_push_alone(struct sd_push *p, int64_t seq);
/* Most entries of one request now: the setting, or what the server takes of it. */
size_t sd_push_batch_most(const struct sd_engine *en);
/* A batch of n was refused as a whole (too complex, too large), or taken. */
void sd_push_batch_went(struct sd_engine *en, size_t n, bool taken);

/* ---- push_sort.c ---- */
enum sd_err sd_push_answer(struct sd_engine *en, struct sd_flight *f,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);

/* ---- push_answer.c ---- */
/* The answer to one entry of the flight. */
enum sd_err sd_push_one(struct sd_engine *en, struct sd_flight *f, int64_t seq,
	const struct sd_reply *r, int64_t now_ms, struct sd_error *e);
/* Back to the waiting lane; it goes again not before `wait_ms` from now. */
enum sd_err sd_push_later(struct sd_engine *en, const struct sd_case *c, int64_t wait_ms,
	bool unknown, bool counted, const struct sd_reply *why, int64_t now_ms, struct sd_error *e);
/* The same after the model's back-off, counted. */
enum sd_err sd_push_back_off(struct sd_engine *en, const struct sd_case *c, bool unknown,
	const struct sd_reply *why, int64_t now_ms, struct sd_error *e);
/* The entry was carried out; item (local form) is what stands there now. */
enum sd_err sd_push_accepted(struct sd_engine *en, struct sd_case *c, const struct cJSON *item,
	int64_t now_ms, struct sd_error *e);
/* The service will not have it on theirs (NULL: there is nothing). */
enum sd_err sd_push_conflict_with(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *theirs, int64_t now_ms, struct sd_error *e);
/* To the refused lane, with the event.  server may be NULL. */
enum sd_err sd_push_refuse(struct sd_engine *en, const struct sd_case *c, const char *type,
	const char *message, const struct cJSON *server, int64_t now_ms, struct sd_error *e);

/* ---- push_read.c ---- */
/* Reads the record of an entry; type and message (may be NULL): what the server said before. */
enum sd_err sd_push_read(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	const char *type, const char *message, int64_t now_ms, struct sd_error *e);
/* What was read. */
enum sd_err sd_push_was_read(struct sd_engine *en, struct sd_case *c, const struct sd_reply *r,
	struct sd_flight *f, int64_t now_ms, struct sd_error *e);

/* ---- push_merged.c ---- */
/* What the service's merge did to our change is told and kept, so that a person can take it back
 * (S4.4, U-05). */
enum sd_err sd_push_note_merge(struct sd_engine *en, const struct sd_case *c,
	const struct cJSON *item, int64_t now_ms, struct sd_error *e);
/* Automerge appends a list that comes with an old version, as often as it comes (server.md 2.5).
 * Are the lists of an update there already?  What it adds to them says so. */
enum sd_listed {
	SD_LISTED_NEVER, /* it sends nothing that could be appended */
	SD_LISTED_NO,
	SD_LISTED_PARTLY, /* somebody took some out again, or put some in by themselves */
	SD_LISTED_YES
};
enum sd_listed sd_push_listed(const struct sd_case *c, const struct cJSON *theirs);

/* ---- push_decide.c ---- */
enum sd_verdict {
	SD_VERDICT_SEND,    /* as it is */
	SD_VERDICT_REBASED, /* rewritten on theirs: load it again and send it */
	SD_VERDICT_GONE     /* left the waiting lane: acknowledged, settled, in conflict */
};
/* Judges the entry against the newest server record (NULL: there is none). */
enum sd_err sd_push_compare(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, enum sd_verdict *out, struct sd_error *e);
/* The same for an answer to the entry itself, which the service may have merged: what it
 * made of our own values is not taken for somebody else's edit.  ask: no more tries, a person
 * decides. */
enum sd_err sd_push_compare_answer(struct sd_engine *en, struct sd_case *c,
	const struct cJSON *item, bool ask, int64_t now_ms, enum sd_verdict *out,
	struct sd_error *e);
/* A conflict for a person, whatever the policy. */
enum sd_err sd_push_ask(struct sd_engine *en, struct sd_case *c, const struct cJSON *theirs,
	int64_t now_ms, struct sd_error *e);
/* The server has it: acknowledged with the item.  how NULL: our own request was answered. */
enum sd_err sd_push_done(struct sd_engine *en, struct sd_case *c, const struct cJSON *item,
	const char *how, int64_t now_ms, struct sd_error *e);
/* The events of a conflict that waits for a person, and of one that was decided. */
void sd_push_tell_conflict(
	struct sd_engine *en, const struct sd_case *c, int64_t id, int64_t now_ms);
void sd_push_tell_resolved(struct sd_engine *en, int64_t id, const char *how, int64_t now_ms);
/* Every field the entry sends has that value in item. */
bool sd_push_applied(const struct sd_case *c, const struct cJSON *item);

/* ---- push_command.c ---- */
/* The model's policy command decides conflict id of the entry, as soon as its turn comes. */
enum sd_err sd_push_command(
	struct sd_engine *en, const struct sd_case *c, int64_t id, struct sd_error *e);
/* Starts what is to be asked, at most SD_PUSH_COMMANDS at once. */
enum sd_err sd_push_ask_commands(struct sd_engine *en, struct sd_error *e);
/* At a start: every conflict of a model whose policy is a command is asked about. */
enum sd_err sd_push_commands_again(struct sd_engine *en, struct sd_error *e);
/* At a stop: nobody waits for answers any more. */
void sd_push_commands_drop(struct sd_push *p);

/* push_check.c.  Is it this entry's record, with a version that the service gave?  Anything in
 * between may have answered: what is not plainly ours is no answer at all, and the outcome unknown. */
bool sd_push_ours(const struct sd_case *c, const struct cJSON *data);
/* A record of the wire in local form; *out NULL (and SD_OK) when it is not one: why says. */
enum sd_err sd_push_record(const struct sd_model *m, const struct cJSON *data, struct cJSON **out,
	struct sd_error *why, struct sd_error *e);
/* A shallow copy of r that says so; not to be released. */
void sd_push_malformed(const struct sd_reply *r, struct sd_reply *out);

#endif
