/*
 * ui/view/win.h - private to the Data view: what moves the window of rows, wherever it runs.
 *
 * An operation works on a struct sd_data that nobody else looks at meanwhile: on the view's own,
 * on the UI thread, for a few milliseconds; or, when it takes longer than that (a filter that few
 * rows pass, a sort without an index), on a copy of its query and rows, on the helper thread
 * (data_job.c).
 *
 * Depends on: data.h.
 */
#ifndef SD_UI_VIEW_WIN_H
#define SD_UI_VIEW_WIN_H

#include <pthread.h>

#include "ui/view/data.h"

#define SD_WIN_MS 3 /* what the UI thread spends on one read before the helper thread gets it */

enum sd_win_kind {
	SD_WIN_FIRST,
	SD_WIN_LAST,
	SD_WIN_MOVE,
	SD_WIN_RELOAD,
	SD_WIN_SEEK,
	SD_WIN_GOTO,
	SD_WIN_SEARCH,
	SD_WIN_MARK,
	SD_WIN_COUNT,
	SD_WIN_RUN /* something else that reads long: fn */
};

struct sd_win_op {
	enum sd_win_kind kind;
	int by;            /* MOVE: rows; SEARCH: 1 or -1 */
	int64_t pos;       /* GOTO, SEEK: position of the row; -1: not known */
	struct cJSON *rec; /* SEEK; owned */
	char *text;        /* SEARCH: what for; MARK: the key it goes to; owned */
};

struct sd_rows {
	struct cJSON **rec;
	int n, room;
};
void sd_rows_free(struct sd_rows *r);

/* Where an operation reads, and what it has to say. */
struct sd_src {
	struct sd_api *api;           /* on the UI thread, with little time */
	struct sd_api_reader *reader; /* on the helper thread: then api is not touched */
	int h;                        /* rows the table shows */
	bool slow;                    /* out: took too long; nothing was changed */
	struct sd_error e;            /* out */
	/* FIRST on the helper thread: rows go here as they are found, not into d.  May be NULL. */
	sd_api_rec_fn found;
	void *ctx;
	/* SEARCH: out */
	bool hit, around;
	int64_t seen;
	/* MARK: out; keys owned by the array */
	struct cJSON *keys;
};

/* false: e says why, or slow. */
bool sd_win_do(struct sd_src *src, struct sd_data *d, const struct sd_win_op *op);
/* Rows of the query; false as above. */
bool sd_win_total(struct sd_src *src, const struct sd_data *d, int64_t *total);
bool sd_win_read(struct sd_src *src, const struct sd_api_query *q, sd_api_rec_fn fn, void *ctx);

/* A long read of another kind (an export): run on the helper thread on a copy of d; done on the UI
 * thread, with what run gave (SD_CANCELLED: stopped), unless the screen is going. */
struct sd_win_long {
	const char *what; /* "export"; static */
	enum sd_err (*run)(struct sd_src *src, struct sd_data *d, void *ctx, struct sd_error *e);
	void (*done)(struct sd_ui *ui, void *ctx, enum sd_err rc, const struct sd_error *e);
	void *ctx;
	void (*free_ctx)(void *ctx);
};

/* ---- data_search.c ---- */
bool sd_win_find(struct sd_src *src, struct sd_data *d, const char *text, int step);
bool sd_win_between(struct sd_src *src, struct sd_data *d, const char *until);

/* ---- data_job.c ---- */
/* An operation under way on the helper thread. */
struct sd_look {
	struct sd_win_op op;
	struct sd_data d; /* the helper thread's: query and rows, owned */
	struct sd_src src;
	struct sd_api_job *job;
	pthread_mutex_t lock;
	struct sd_rows part; /* found and not yet taken over; behind the lock */
	int64_t total, since_ms;
	struct sd_win_long run;
};
/* op and run (may be NULL) move; NULL: an error was said. */
struct sd_look *sd_look_start(struct sd_ui *ui, const struct sd_data *d, struct sd_win_op *op,
	const struct sd_win_long *run);
void sd_look_drop(struct sd_look **slot); /* cancels it; NULL in it is fine */
/* An operation on d went well: what follows from it is told, counted, marked. */
void sd_look_ended(
	struct sd_ui *ui, struct sd_data *d, const struct sd_win_op *op, struct sd_src *src);
void sd_win_op_release(struct sd_win_op *op);
/* Versions of the rows shown, owned; and afterwards: those that changed are marked (S9). */
struct cJSON *sd_rows_versions(const struct sd_data *d);
void sd_rows_note(struct sd_data *d, struct cJSON *was);

/* ---- data_go.c ---- */
/* Does it here, or on the helper thread when that takes long; owns what op owns from here. */
bool sd_win_go(struct sd_ui *ui, struct sd_data *d, struct sd_win_op *op);
/* Owns ctx from here, whatever it returns. */
bool sd_win_long(struct sd_ui *ui, struct sd_data *d, const struct sd_win_long *l);

#endif
