/*
 * core/sync/pull.h - what the files of the pulling side know of each other.  Private to core/sync.
 *
 *   pull.c    which model may run when; gaps, passes, polling; the interface of internal.h
 *   run.c     one run of one model: its beginning and its requests
 *   answer.c  what came back: a page, the end, a failure
 *   page.c    one page's rows into the store
 *   isolate.c a record that takes its whole page with it
 *   expr.c    sync expressions
 *   doubt.c   records of which a message or a delta says contradictory things
 *   buffer.c  messages that arrive while a model's run has not ended
 */
#ifndef SD_SYNC_PULL_H
#define SD_SYNC_PULL_H

#include "core/sync/internal.h"

#define SD_PULL_TRIES    3        /* failed tries in a row that make a model `failed` */
#define SD_PULL_GARBLED  2        /* cut answers of one record before it is its own fault */
#define SD_PULL_FINAL_MS 300000   /* a final error is tried again after this */
#define SD_PULL_POLL_MS  15000    /* between two delta runs of a polled model */
#define SD_PULL_HOLD_MS  1200000  /* rows the server could not read: the mark waits for them */
#define SD_PULL_GAP_MS   120000   /* pages of a delta further apart than this: it begins anew */
#define SD_PULL_GAPS     3        /* ... so often; then a base run, whose pages may wait */
#define SD_PULL_DOUBTS   32       /* records in doubt read one by one; more: a base run */
#define SD_PULL_BUFFER   10000    /* messages kept for one model while it runs ... */
#define SD_PULL_HELD     33554432 /* ... and about so many bytes for all of them */

/* How much is asked of a record that takes its whole page with it. */
enum sd_isolating {
	SD_ISOLATE_NOTHING, /* no such record: whole pages */
	SD_ISOLATE_KEYS,    /* its key and metadata */
	SD_ISOLATE_TOKEN    /* nothing of it: the token of the page behind it */
};

struct sd_pull_model {
	const struct sd_model *m;
	struct sd_sync_state s; /* as saved, or about to be */
	bool loaded;
	/* what is wanted */
	bool want;       /* a run */
	bool force_full; /* and it must be a base run */
	bool again;      /* messages were missed while a run is under way: one more after it */
	const char *why; /* static text: the reason of the wanted run */
	bool poll;       /* cannot be subscribed to */
	bool poll_run;   /* the run under way is a poll: told only when it brought something */
	struct sd_wait poll_wait, retry, full_wait;
	/* how it stands */
	bool ready;  /* the run after the last gap has ended */
	bool synced; /* a run has ended well since the start */
	bool failed; /* final error, or SD_PULL_TRIES failed tries */
	bool denied; /* nobody here may read it: there is nothing to compare a change with, it goes */
	bool open;   /* the pass under way waits for it */
	bool running; /* a request is on its way, or the next one is about to go */
	int tries;    /* failed, in this run */
	/* the run under way */
	uint64_t request;
	size_t mode_at; /* which of the permitted modes; kept when one works */
	enum sd_auth_mode mode;
	char *filter;    /* JSON of the filter sent; owned; NULL: none */
	bool check_here; /* the server cannot be asked for the expression: rows are checked here */
	bool fresh;      /* begun by this engine since its start: all since then was listened to */
	int64_t page_at_ms; /* when the run last got a page, or began */
	int gaps;           /* since a run ended: begun anew after SD_PULL_GAP_MS */
	int64_t limit;      /* of the request on its way */
	int64_t begun_ms; /* when the run asked for its first page; 0: an earlier process began it */
	int64_t cap_mark_ms; /* capped: since this moment what is here is kept fresh by deltas;
	                      * of this engine only, a start begins with a base run; 0: none */
	int good_pages;      /* since the page size was cut */
	int garbled_alone;  /* answers in a row that did not parse, of one record alone */
	bool cut;           /* pages were cut because of one that cannot be read ... */
	int64_t whole_size; /* ... and this was s.page_size before */
	enum sd_isolating isolating;
	char bad_path[200], bad_reason[512]; /* of the record being isolated */
	struct sd_apply_counts counts;       /* what the run changed since this engine began it */
	/* expression */
	const struct sd_pred *expr; /* in force; NULL: none; borrowed */
	struct sd_pred *own_expr;   /* from a command; owned */
	uint64_t command;           /* asked, not answered */
	bool expr_failed;
	bool expr_new; /* it changed: rows from before may lie outside of it */
	/* messages not applied yet, local form; owned array */
	struct cJSON *buffer;
	size_t buffered, held; /* messages, bytes */
	/* records in doubt, the first one is being read; owned */
	struct cJSON *doubts[SD_PULL_DOUBTS];
	size_t doubt_count;
	uint64_t doubt_request;
	enum sd_auth_mode doubt_mode;
	int doubt_tries;
	struct sd_wait doubt_wait;
	/* built once; owned */
	char *document, *root;
};

struct sd_pull {
	struct sd_pull_model *models; /* by model->id */
	size_t count;
	size_t *rank; /* position in schema->parents_first, by model->id */
	bool pass;    /* every model has a run to do; told as one: syncQueriesStarted ... Ready */
	bool announced;
	bool established; /* subscriptionsEstablished was told since the last (re)connect */
	bool commands_asked;
	size_t commands_open;
	size_t held; /* bytes of messages not applied yet, of all models */
};

/* ---- run.c ---- */
/* The delta run under way waited too long for its next page: it must begin anew. */
bool sd_run_torn(struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms);
/* Begins or resumes the wanted run: its first request goes out. */
enum sd_err sd_run_begin(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e);
/* ---- answer.c ---- */
enum sd_err sd_run_answer(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);
/* The try ended badly; text is for a person.  final: retrying soon is no use. */
enum sd_err sd_run_failed(struct sd_engine *en, struct sd_pull_model *p, bool final,
	int64_t retry_after_ms, const char *text, int64_t now_ms, struct sd_error *e);
/* Asks for the page after s.page_token. */
enum sd_err sd_run_request(
	struct sd_engine *en, struct sd_pull_model *p, const char *token, struct sd_error *e);
/* A delta of a model that was never fetched as a whole (it is capped). */
bool sd_run_partial(const struct sd_pull_model *p);
/* Reads the saved state once. */
enum sd_err sd_run_load(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e);
void sd_run_set_error(struct sd_engine *en, struct sd_pull_model *p, const char *text);
/* Replaces an owned text by a copy of from (NULL: none). */
enum sd_err sd_run_set_text(char **to, const char *from, struct sd_error *e);

/* ---- page.c ---- */
/* Rows of a page (data.syncX) into the store; bad ones into the quarantine.  rows gets the live
 * ones received. */
enum sd_err sd_page_apply(struct sd_engine *en, struct sd_pull_model *p,
	const struct cJSON *connection, const struct cJSON *errors, int64_t now_ms,
	struct sd_error *e);
/* Records of the server that a person may count: not null, not deleted. */
int64_t sd_page_live(const struct cJSON *items);
void sd_page_bad_row(struct sd_engine *en, const struct sd_model *m, const char *path,
	const char *message, int64_t now_ms);

/* ---- isolate.c ---- */
/* A page that cannot be read is about to be cut: its size comes back behind the bad record. */
void sd_isolate_cut(struct sd_pull_model *p);
/* A page of one record failed for good: asks for less of it; rep says why it failed.  When nothing
 * is left to leave out, the run fails. */
enum sd_err sd_isolate(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t now_ms, struct sd_error *e);
/* Whole pages again. */
void sd_isolate_over(struct sd_pull_model *p);
/* The answer to less: what it names goes into the quarantine. */
enum sd_err sd_isolate_take(struct sd_engine *en, struct sd_pull_model *p, enum sd_isolating how,
	const struct sd_reply *rep, int64_t now_ms, struct sd_error *e);
/* The document for p->isolating; owned; NULL: out of memory. */
char *sd_isolate_document(const struct sd_pull_model *p);

/* ---- pull.c ---- */
/* The run of p ended, well or as failed: the pass may be over. */
void sd_pull_ended(struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms);
/* Tells subscriptionsEstablished and syncQueriesStarted of a pass, once the endpoint answered. */
void sd_pull_announce(struct sd_engine *en, int64_t now_ms);

/* ---- expr.c ---- */
enum sd_err sd_expr_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e);
/* Asks a command that failed once more. */
enum sd_err sd_expr_again(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e);
/* Canonical text of the expression; NULL: none.  *out owned. */
enum sd_err sd_expr_text(const struct sd_pull_model *p, char **out, struct sd_error *e);
/* The run after a change of the expression is over: rows that it leaves out are counted and told of,
 * so that a person can drop them (U-22).  They stay until then. */
enum sd_err sd_expr_offer(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e);
/* Fills p->filter and p->check_here for a run. */
enum sd_err sd_expr_filter(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e);
bool sd_expr_admits(const struct sd_pull_model *p, const struct cJSON *item, int64_t now_ms);

/* ---- doubt.c ---- */
/* Takes over what the last sd_apply() could not decide.  *full: there are too many, a base run is to
 * bring them: the caller sees to it that one follows. */
enum sd_err sd_doubt_take(
	struct sd_engine *en, struct sd_pull_model *p, bool *full, struct sd_error *e);
/* Reads the next one. */
enum sd_err sd_doubt_ask(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e);
enum sd_err sd_doubt_answer(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e);
/* Something is in doubt, and reading it does not fail again and again: nothing is sent, and the
 * engine is not idle. */
bool sd_doubt_open(const struct sd_pull_model *p);
/* The next delta brings them again. */
void sd_doubt_forget(struct sd_engine *en, struct sd_pull_model *p);

/* ---- buffer.c ---- */
void sd_buffer_drop(struct sd_engine *en, struct sd_pull_model *p);
enum sd_err sd_buffer_flush(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e);

#endif
