/*
 * ui/view/data.h - private to the Data view: models, a window on a table, one record.
 *
 * The table is never read whole: a window of as many rows as fit is moved by keyset queries, so a
 * million rows scroll like ten.
 *
 * Depends on: view.h.  Threads: UI thread only.
 */
#ifndef SD_UI_VIEW_DATA_H
#define SD_UI_VIEW_DATA_H

#include "core/base/map.h"
#include "ui/view/view.h"

enum sd_pane { SD_P_MODELS, SD_P_TABLE, SD_P_DETAIL };

#define SD_PLACES    50
#define SD_COLUMNS   64
#define SD_COL_WIDTH 24 /* a column's most cells unless shown at full width */

struct sd_place { /* where C-o goes back to */
	const struct sd_model *m;
	char *where, *key; /* owned; NULL */
	enum sd_pane pane;
};

struct sd_data {
	struct sd_layer l;
	enum sd_pane pane;
	struct sd_list models;
	const struct sd_model *m;

	char *where; /* owned; NULL: all */
	char *sort;  /* field name, owned; NULL: insertion order */
	bool desc, tombstones;
	const char *state; /* static; NULL: any */

	struct cJSON **rows;               /* owned, each too: the window */
	int n, at;                         /* rows in it, the cursor's */
	int64_t top_pos;                   /* position of rows[0]; -1: not known */
	int64_t total;                     /* rows of the query; -1: not known */
	bool from_end;                     /* the window ends with the last row */
	int64_t counted_ms, count_cost_ms; /* when, and how long it took */
	struct sd_map fresh;               /* keys of rows that changed while they were shown */
	int64_t fresh_until;               /* monotonic ms */

	size_t cols[SD_COLUMNS]; /* positions in m->fields */
	size_t col_n, col_at, col_first;
	bool col_full;
	struct sd_map hidden; /* "Post.title" -> itself: columns hidden by hand */

	struct sd_map marks; /* key -> itself */
	char *mark_key;      /* owned: the last one marked, for ranges */
	char *search;        /* owned */

	struct sd_text detail; /* tag: position in m->fields + 1 */
	struct sd_list detail_at;
	char *detail_key; /* owned: what detail shows */
	int detail_width;
	bool detail_full; /* relations looked up */
	bool wrap;

	struct sd_look *look, *count, *run; /* under way on the helper thread (data_job.c); NULL */
	bool count_due;                     /* a count begins when nothing else is under way */
	unsigned slow;                    /* 1 << kind: such an operation took long on this query */
	int64_t reload_after_ms, told_ms; /* monotonic */
	struct cJSON *found;              /* owned: what a search found */
	int64_t found_pos;

	struct sd_place places[SD_PLACES];
	size_t place_n;
};

/* Where the cursor is, owned by the caller until sd_data_back() goes there again (when nobody
 * locked the profile meanwhile) and frees it. */
void sd_data_keep(struct sd_ui *ui, struct sd_place *out);
void sd_data_back(struct sd_ui *ui, struct sd_place *p);

struct sd_data_rects {
	struct sd_rect models, table, detail, events; /* h 0: not shown */
};

/* ---- data_draw.c ---- */
void sd_data_layout(struct sd_ui *ui, const struct sd_data *d, struct sd_data_rects *r);
int sd_data_height(struct sd_ui *ui, const struct sd_data *d); /* rows the table shows */
void sd_data_draw(struct sd_ui *ui, struct sd_layer *l);
void sd_data_columns(struct sd_data *d); /* fills cols for the model */
/* The column header at screen column x, -1 none. */
int sd_data_column_at(struct sd_ui *ui, struct sd_data *d, int x);

/* ---- data_window.c, data_job.c ---- */
/* What takes long goes on on the helper thread: then the rows come later, and true is returned. */
struct cJSON *sd_win_row(const struct sd_data *d); /* the cursor's; NULL in an empty table */
void sd_win_clear(struct sd_data *d);
void sd_win_query(const struct sd_data *d, struct sd_api_query *q, char sort[160]);
bool sd_win_first(struct sd_ui *ui, struct sd_data *d); /* false: an error was said */
bool sd_win_last(struct sd_ui *ui, struct sd_data *d);
void sd_win_move(struct sd_ui *ui, struct sd_data *d, int by);
void sd_win_reload(struct sd_ui *ui, struct sd_data *d);
/* The window around a record; pos: its position, -1 when not known. */
void sd_win_seek(struct sd_ui *ui, struct sd_data *d, const struct cJSON *rec, int64_t pos);
void sd_win_goto(struct sd_ui *ui, struct sd_data *d, int64_t pos);
/* The cursor on the row of that key, else on the at-th. */
void sd_win_keep(struct sd_data *d, const char *key, int at);
void sd_win_forget(struct sd_data *d); /* stops what is under way */
/* "looking 34 %", "counting 0.4 s"; "" when nothing is under way. */
void sd_win_status(const struct sd_data *d, char *out, size_t room);

/* ---- data_search.c ---- */
/* step 1 or -1 from the cursor, around the end once; says what came of it. */
void sd_win_search(struct sd_ui *ui, struct sd_data *d, int step);
/* Marks the rows between the cursor and the record of that key, both too; says so when it is not
 * among the rows of this query. */
void sd_win_mark_to(struct sd_ui *ui, struct sd_data *d, const char *key);

/* ---- detail.c ---- */
void sd_detail_build(struct sd_ui *ui, struct sd_data *d, int width);
void sd_detail_follow(struct sd_ui *ui, struct sd_data *d);

/* ---- data_do.c ---- */
bool sd_data_do(struct sd_ui *ui, struct sd_data *d, enum sd_act a); /* the rarer actions */
void sd_data_model(struct sd_ui *ui, struct sd_data *d, const struct sd_model *m);
void sd_data_set(char **slot, const char *value); /* copies; NULL empties */

const struct sd_field *sd_data_column(const struct sd_data *d); /* the current one; NULL */

/* ---- data_out.c ---- */
void sd_data_copy(struct sd_ui *ui, struct sd_data *d, bool whole);
void sd_data_export(struct sd_ui *ui, struct sd_data *d);
void sd_data_history(struct sd_ui *ui, struct sd_data *d);
void sd_data_explain(struct sd_ui *ui, struct sd_data *d);
void sd_data_revert(struct sd_ui *ui, struct sd_data *d);

/* ---- views.c ---- */
void sd_views_save(struct sd_ui *ui, void *data, const char *where);
void sd_views_list(struct sd_ui *ui, struct sd_data *d);

/* ---- data_filter.c ---- */
void sd_data_filter(struct sd_ui *ui, struct sd_data *d);

#endif
