/*
 * ui/view/view.h - private to ui: the state every view and dialog shares, and what they offer.
 *
 * A layer draws and takes actions: the five views, and on top of them a stack of modal ones
 * (prompts, dialogs, forms, help).  Keys go to the top layer; text-first layers get characters
 * before the key map is asked.
 *
 * Depends on: core/api, widget, action, keymap.  Threads: UI thread only.
 */
#ifndef SD_UI_VIEW_VIEW_H
#define SD_UI_VIEW_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/api/api.h"
#include "core/base/buf.h"
#include "core/base/time.h"
#include "ui/keymap.h"
#include "ui/term/draw.h"
#include "ui/term/input.h"
#include "ui/ui.h"
#include "ui/widget/edit.h"
#include "ui/widget/list.h"
#include "ui/widget/text.h"

struct sd_ui;
struct sd_layer;

struct sd_layer_ops {
	void (*draw)(struct sd_ui *ui, struct sd_layer *l);
	bool (*act)(struct sd_ui *ui, struct sd_layer *l, enum sd_act a); /* false: not mine */
	/* Characters when text_first, and mouse keys; false: not mine.  May be NULL. */
	bool (*key)(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k);
	void (*reload)(struct sd_ui *ui, struct sd_layer *l); /* the store changed; may be NULL */
	/* Why an action cannot be done now, static; NULL: it can.  May be NULL. */
	const char *(*why_not)(struct sd_ui *ui, struct sd_layer *l, enum sd_act a);
	void (*free)(struct sd_ui *ui, struct sd_layer *l);
};

struct sd_layer { /* first member of every view and modal */
	const struct sd_layer_ops *ops;
	enum sd_ctx ctx;
	const char *name; /* "Data"; static */
	bool text_first;
	const struct sd_hint *hints; /* instead of the context's own; static; NULL */
	size_t hint_n;
	struct sd_layer *below; /* modal stack */
};

enum sd_view_id { SD_V_DATA, SD_V_OUTBOX, SD_V_CONFLICTS, SD_V_SYNC, SD_V_LOG, SD_V_COUNT };

enum sd_say { SD_SAY_INFO, SD_SAY_GOOD, SD_SAY_WARN, SD_SAY_ERROR };

struct sd_log_line {
	int64_t at;
	char *text;        /* owned */
	char *model, *key; /* owned; NULL */
	enum sd_role role;
	int64_t last; /* of a change made here: when its last step was; 0: the line is whole */
};
#define SD_LOG_LINES 2000

struct sd_ui {
	const struct sd_ui_opts *o;
	struct sd_api *api;
	const struct sd_schema *schema;
	struct sd_keymap keys;
	struct sd_input in;
	struct sd_layer *views[SD_V_COUNT]; /* owned */
	enum sd_view_id view;
	struct sd_layer *top; /* modal stack, owned; NULL */
	bool zoom;

	char message[600];
	enum sd_say message_kind;
	int64_t message_until; /* monotonic ms; 0: none */
	bool message_unsent;   /* it says that something waits: over when nothing does */

	struct sd_api_status status;
	struct sd_api_counts counts;
	struct cJSON *models; /* sd_api_models, owned */
	char user[128];       /* "" without */
	bool locked;

	struct sd_log_line log[SD_LOG_LINES]; /* ring */
	size_t log_first, log_n;
	uint64_t log_total;

	char *decided_model, *decided_key; /* owned: the last conflict decided; NULL */
	struct cJSON *decided_back;        /* owned: the other side's values */

	bool dirty; /* draw soon */
	bool stale; /* the store changed: reload before drawing */
	bool quit;
	int64_t last_cancel_ms, reloaded_ms;
};

/* ---- ui.c ---- */
void sd_ui_push(struct sd_ui *ui, struct sd_layer *l); /* l is owned by ui from here */
void sd_ui_pop(struct sd_ui *ui);                      /* frees the top modal */
void sd_ui_view(struct sd_ui *ui, enum sd_view_id v);
bool sd_ui_do(struct sd_ui *ui, enum sd_act a); /* as if its key had been pressed */
const char *sd_ui_why_not(struct sd_ui *ui, enum sd_act a);
struct sd_layer *sd_ui_layer(struct sd_ui *ui); /* the top one */
/* True when a key waits: long work stops then. */
bool sd_ui_interrupted(struct sd_ui *ui);

/* ---- everywhere.c ---- */
bool sd_everywhere(struct sd_ui *ui, enum sd_act a); /* false: not one of them */
void sd_ui_engine(struct sd_ui *ui, bool asked);

/* ---- undo.c ---- */
void sd_undo(struct sd_ui *ui);
/* Writes what the server's own merge dropped of the newest such change of a record (S4.4). */
void sd_restore_mine(struct sd_ui *ui, const char *model, const char *key);
void sd_redo(struct sd_ui *ui);
/* A conflict was decided: the values that would bring the other side back (taken over), or NULLs. */
void sd_undo_decided(struct sd_ui *ui, const char *model, const char *key, struct cJSON *back);

/* ---- frame.c ---- */
void sd_frame_draw(struct sd_ui *ui);
struct sd_rect sd_frame_area(struct sd_ui *ui); /* what a view may draw in */
bool sd_frame_small(struct sd_ui *ui);          /* one pane at a time */
bool sd_frame_wide(struct sd_ui *ui);           /* room for three columns */
bool sd_frame_click(struct sd_ui *ui, const struct sd_key *k);

/* ---- state.c ---- */
void sd_state_refresh(struct sd_ui *ui, bool all); /* all: models and user too */
void sd_state_events(struct sd_ui *ui);            /* takes the engine's events */
void sd_state_release(struct sd_ui *ui);
void sd_say(struct sd_ui *ui, enum sd_say kind, const char *fmt, ...) SD_PRINTF(3, 4);
void sd_say_error(struct sd_ui *ui, const struct sd_error *e);
void sd_log_add(struct sd_ui *ui, enum sd_role role, int64_t at, const char *model, const char *key,
	const char *text);
const struct sd_log_line *sd_log_at(const struct sd_ui *ui, size_t i);         /* 0: oldest kept */
const struct cJSON *sd_state_model(const struct sd_ui *ui, const char *model); /* its line */

/* ---- value.c: values and times as a person reads them; all append ---- */
bool sd_show_value(const struct cJSON *v, struct sd_buf *out); /* null is "--" */
bool sd_show_field(
	const struct sd_field *f, const struct cJSON *rec, bool ages, struct sd_buf *out);
void sd_show_ago(int64_t ms, char out[SD_TIME_TEXT]);   /* "5m ago"; "--" for 0 */
void sd_show_clock(int64_t ms, char out[SD_TIME_TEXT]); /* local "12:04:31" */
void sd_show_count(int64_t n, char out[SD_TIME_TEXT]);  /* "1,204" */
/* One name of a record for a person: "7f3a..91" and its first text field; appended. */
bool sd_show_key(const char *key, struct sd_buf *out);
bool sd_show_record(const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out);
char *sd_key_text(const struct sd_model *m, const struct cJSON *rec); /* owned; NULL */
char *sd_key_json(const struct cJSON *key_array);                     /* owned compact text; NULL */
/* The mark of a `_state` and its role; ' ' for synced. */
char sd_state_mark(const char *state, enum sd_role *role);
const char *sd_state_word(const char *state); /* "out", "conf" ...; "" for synced */
/* "field = value" as predicate text; appended. */
bool sd_where_eq(const char *field, const struct cJSON *v, struct sd_buf *out);

/* ---- prompt.c ---- */
struct sd_prompt_opts {
	const char *title;   /* "Search"; copied */
	const char *initial; /* NULL: "" */
	const char *history; /* name of the history kept; static, NULL: none */
	bool secret;
	/* Called at every change, with lines to show in a box above; may be NULL.  err: room for a
	 * message; *column (1-based) underlines from there. */
	void (*check)(
		struct sd_ui *ui, void *ctx, const char *text, size_t at, struct sd_text *box);
	/* The completion of the word at the cursor: text to insert, owned; NULL: none. */
	char *(*complete)(struct sd_ui *ui, void *ctx, const char *text, size_t at);
	/* Enter.  false keeps the prompt open (the message says why). */
	bool (*done)(struct sd_ui *ui, void *ctx, const char *text);
	void (*cancel)(struct sd_ui *ui, void *ctx); /* Esc; may be NULL */
	/* C-s: keeps the text somewhere; may be NULL. */
	void (*save)(struct sd_ui *ui, void *ctx, const char *text);
	void *ctx;
	void (*free_ctx)(void *ctx); /* may be NULL */
};
void sd_prompt(struct sd_ui *ui, const struct sd_prompt_opts *o);

/* ---- ask.c: a question with a list of answers ---- */
struct sd_choice {
	char key;          /* typed alone; 0: none */
	const char *label; /* copied */
	int64_t typed;     /* > 0: this number has to be typed first */
};
struct sd_ask_opts {
	const char *title; /* copied */
	const char *text;  /* lines; copied */
	const struct sd_choice *choice;
	size_t count;
	size_t at; /* the safe one the cursor starts on */
	/* i: the choice; -1: Esc. */
	void (*done)(struct sd_ui *ui, void *ctx, int i);
	void *ctx;
	void (*free_ctx)(void *ctx);
};
void sd_ask(struct sd_ui *ui, const struct sd_ask_opts *o);
/* A plain message box with scrolling text. */
void sd_tell(struct sd_ui *ui, const char *title, const char *text);

/* ---- pick.c: a long list with a filter typed into it ---- */
struct sd_pick_opts {
	const char *title; /* copied */
	char **label;      /* owned by pick from here, each too */
	char **value;      /* same length; owned; may be NULL.  A label that does not begin with a
	                 * blank is a heading */
	size_t count;
	size_t at; /* where the cursor starts */
	/* value: value[i], or the label.  False keeps the list open (space toggles use it). */
	bool (*done)(struct sd_ui *ui, void *ctx, size_t i, const char *value);
	void *ctx;
	void (*free_ctx)(void *ctx);
};
void sd_pick_list(struct sd_ui *ui, const struct sd_pick_opts *o);

/* ---- views and modals ---- */
struct sd_layer *sd_data_new(struct sd_ui *ui);
struct sd_layer *sd_outbox_new(struct sd_ui *ui);
struct sd_layer *sd_conflicts_new(struct sd_ui *ui);
struct sd_layer *sd_sync_new(struct sd_ui *ui);
struct sd_layer *sd_log_new(struct sd_ui *ui);
/* Shows a record in Data; where: filter text, NULL none.  Remembers where C-o goes back to. */
void sd_data_show(struct sd_ui *ui, const char *model, const char *key, const char *where);
/* Long reads of the Data view, once a turn of the loop: takes over what they have. */
void sd_data_jobs(struct sd_ui *ui);
bool sd_data_busy(const struct sd_ui *ui); /* one is under way */
bool sd_data_stop(struct sd_ui *ui);       /* stops them; false: there was none */
void sd_data_forget(struct sd_ui *ui); /* nothing of the last user stays: rows, marks, history */
void sd_outbox_show(struct sd_ui *ui, const char *model, const char *key);
void sd_conflicts_show(struct sd_ui *ui, const char *model, const char *key);
void sd_edit_open(struct sd_ui *ui, const struct sd_model *m, const struct cJSON *rec);
void sd_edit_json(struct sd_ui *ui, const struct sd_model *m, const struct cJSON *rec);
/* Removes what an editor that was cut off left behind. */
void sd_edit_clean(struct sd_ui *ui);
/* text edited in $VISUAL or $EDITOR, in a file ending in suffix; owned; NULL: nothing changed or
 * a message was said. */
char *sd_edit_text_outside(struct sd_ui *ui, const char *text, const char *suffix);
void sd_help_open(struct sd_ui *ui);
void sd_palette_open(struct sd_ui *ui);
void sd_account_open(struct sd_ui *ui);

#endif
