/*
 * ui/action.h - the one table of everything a key or the palette can do.
 *
 * Help overlay, hint line, palette, `syncdeck keys` and the man page are all printed from it, so
 * they cannot disagree.  Key map: design of the screens ("Default key map").
 *
 * Depends on: base.  Threads: constant data.
 */
#ifndef SD_UI_ACTION_H
#define SD_UI_ACTION_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/buf.h"

/* Where a key has a meaning; bits. */
enum sd_ctx {
	SD_IN_DATA = 1,
	SD_IN_OUTBOX = 2,
	SD_IN_CONFLICTS = 4,
	SD_IN_SYNC = 8,
	SD_IN_LOG = 16,
	SD_IN_FORM = 32, /* edit forms */
	SD_IN_LINE = 64, /* one-line prompts, the palette and the help's filter */
	SD_IN_DIALOG = 128,
	SD_IN_VIEWS = 31,
	SD_IN_ALL = 255
};

/* id, name, default keys, where, group, short help, long help, writes */
#define SD_ACTION_MAP(X)                                                                           \
	X(DOWN, "move-down", "j Down", VIEWS | DIALOG, "MOVE", "down",                             \
		"Moves the cursor to the next row.", 0)                                            \
	X(UP, "move-up", "k Up", VIEWS | DIALOG, "MOVE", "up",                                     \
		"Moves the cursor to the row before.", 0)                                          \
	X(LEFT, "pane-left", "h Left", VIEWS, "MOVE", "pane left",                                 \
		"Gives the keys to the pane on the left.", 0)                                      \
	X(RIGHT, "pane-right", "l Right", VIEWS, "MOVE", "pane right",                             \
		"Gives the keys to the pane on the right.", 0)                                     \
	X(SCROLL_LEFT, "scroll-left", "H", VIEWS, "MOVE", "columns left",                          \
		"Scrolls the columns to the left.", 0)                                             \
	X(SCROLL_RIGHT, "scroll-right", "L", VIEWS, "MOVE", "columns right",                       \
		"Scrolls the columns to the right.", 0)                                            \
	X(PANE_NEXT, "pane-next", "Tab", VIEWS, "MOVE", "next pane",                               \
		"Gives the keys to the next pane.", 0)                                             \
	X(PANE_PREV, "pane-prev", "S-Tab", VIEWS, "MOVE", "last pane",                             \
		"Gives the keys to the pane before.", 0)                                           \
	X(FIRST, "first", "g Home", VIEWS | DIALOG, "MOVE", "first row",                           \
		"Jumps to the first row.", 0)                                                      \
	X(LAST, "last", "G End", VIEWS | DIALOG, "MOVE", "last row", "Jumps to the last row.", 0)  \
	X(HALF_DOWN, "half-page-down", "C-d", VIEWS, "MOVE", "half a page down",                   \
		"Moves half a page down.", 0)                                                      \
	X(HALF_UP, "half-page-up", "C-u", VIEWS, "MOVE", "half a page up",                         \
		"Moves half a page up.", 0)                                                        \
	X(PAGE_DOWN, "page-down", "PgDn", VIEWS | DIALOG, "MOVE", "page down",                     \
		"Moves one page down.", 0)                                                         \
	X(PAGE_UP, "page-up", "PgUp", VIEWS | DIALOG, "MOVE", "page up", "Moves one page up.", 0)  \
	X(OPEN, "open", "Enter", VIEWS | DIALOG, "MOVE", "open, follow a link",                    \
		"Opens what the cursor is on: a model, a record, the record behind a link, an "    \
		"error.",                                                                          \
		0)                                                                                 \
	X(BACK, "back", "Esc", ALL, "MOVE", "back",                                                \
		"Closes the dialog, prompt or zoom, then leaves the pane. Never quits.", 0)        \
	X(JUMP_BACK, "jump-back", "C-o", VIEWS, "MOVE", "jump back",                               \
		"Goes back to where the last followed link was.", 0)                               \
	X(SEARCH, "search", "/", VIEWS, "FIND", "search",                                          \
		"Searches the shown rows for a text; capitals count only when there are some.", 0) \
	X(SEARCH_NEXT, "search-next", "n", VIEWS, "FIND", "search next",                           \
		"Goes to the next row that has the text.", 0)                                      \
	X(SEARCH_PREV, "search-prev", "N", VIEWS, "FIND", "search back",                           \
		"Goes to the row before that has the text.", 0)                                    \
	X(FILTER, "filter", "f", DATA, "FIND", "filter",                                           \
		"Shows only the rows a predicate is true for: rating >= 4 and status = ACTIVE.",   \
		0)                                                                                 \
	X(FILTER_CLEAR, "filter-clear", "F", DATA, "FIND", "clear the filter",                     \
		"Shows all rows again.", 0)                                                        \
	X(VIEWS, "views", "V", DATA, "FIND", "saved views",                                        \
		"Lists the filters saved for this model (C-s in the filter line saves one).", 0)   \
	X(STATE, "filter-state", "!", DATA, "FIND", "by state",                                    \
		"Shows only pending, then conflicting, then refused rows, then all again.", 0)     \
	X(SORT, "sort", "s", DATA, "FIND", "sort",                                                 \
		"Sorts by a column; asks which, and offers the current one.", 0)                   \
	X(SORT_REVERSE, "sort-reverse", "S", DATA, "FIND", "reverse the order",                    \
		"Sorts by the same column the other way round.", 0)                                \
	X(GOTO, "goto-row", "#", DATA, "FIND", "go to row number",                                 \
		"Asks for a row number and goes there.", 0)                                        \
	X(EDIT, "edit", "e", DATA, "RECORD", "edit", "Edits the record in a form.", 1)             \
	X(EDIT_JSON, "edit-json", "E", DATA, "RECORD", "edit as JSON",                             \
		"Edits the record as JSON in $EDITOR; only what you change is saved.", 1)          \
	X(ADD, "add", "a", DATA, "RECORD", "add", "Adds a record of this model.", 1)               \
	X(DELETE, "delete", "d", DATA, "RECORD", "delete (asks)",                                  \
		"Deletes the record, or the marked ones, and what belongs to them; says how many " \
		"first.",                                                                          \
		1)                                                                                 \
	X(MARK, "mark", "Space", DATA, "RECORD", "mark", "Marks the row and goes down.", 0)        \
	X(MARK_RANGE, "mark-range", "v", DATA, "RECORD", "mark a range",                           \
		"Marks the rows from the last mark to here.", 0)                                   \
	X(MARK_SHOWN, "mark-shown", "*", DATA, "RECORD", "mark the shown rows",                    \
		"Marks every row on the screen.", 0)                                               \
	X(UNMARK, "unmark-all", "\\", DATA, "RECORD", "unmark all", "Forgets all marks.", 0)       \
	X(COPY_CELL, "copy-cell", "y", VIEWS, "RECORD", "copy the cell",                           \
		"Copies the current cell or key to the clipboard.", 0)                             \
	X(COPY_RECORD, "copy-record", "Y", VIEWS, "RECORD", "copy as JSON",                        \
		"Copies the record, or the body of the change, as JSON.", 0)                       \
	X(EXPORT, "export", "x", DATA | OUTBOX, "RECORD", "export to a file",                      \
		"Writes the marked or shown rows to a file: JSON lines, or CSV when it ends so.",  \
		0)                                                                                 \
	X(UNDO, "undo", "u", VIEWS, "RECORD", "undo",                                              \
		"Undoes the last unsent change; in Conflicts the last choice.", 1)                 \
	X(REDO, "redo", "U", VIEWS, "RECORD", "redo", "Makes the change again that u undid.", 1)   \
	X(OPEN_RECORD, "open-record", "o", OUTBOX | CONFLICTS | LOG | DATA, "RECORD",              \
		"record or its queue entry",                                                       \
		"From the Outbox, Conflicts or Log to the record; from a record to its entry.", 0) \
	X(HISTORY, "history", "", DATA, "RECORD", "versions seen here",                            \
		"Lists every version of the record that was seen on this device, newest first.",   \
		0)                                                                                 \
	X(EXPLAIN, "explain", "", DATA, "RECORD", "why it is as it is",                            \
		"Says why the record is as it is: synced, pending, refused and so on, with the "   \
		"evidence and the next step.",                                                     \
		0)                                                                                 \
	X(TO_VERSION, "revert", "", DATA, "RECORD", "back to a version",                           \
		"Asks for a version seen here and makes a new change of what the record was "      \
		"then.",                                                                           \
		1)                                                                                 \
	X(RETRY, "retry-one", "r", OUTBOX, "QUEUE", "retry", "Tries this change again now.", 1)    \
	X(RETRY_ALL, "retry-all", "R", OUTBOX, "QUEUE", "retry all",                               \
		"Tries every waiting and refused change again now.", 1)                            \
	X(PARK, "park", "p", OUTBOX, "QUEUE", "park, unpark",                                      \
		"Keeps this change here until it is unparked.", 1)                                 \
	X(REBASE, "rebase", "b", OUTBOX, "QUEUE", "put on the newest version",                     \
		"Makes this change one of the newest version, so that no list is doubled.", 1)     \
	X(DISCARD, "discard", "d", OUTBOX, "QUEUE", "discard (asks)",                              \
		"Throws this unsent change away; the record goes back to the server's copy.", 1)   \
	X(RESYNC, "resync-model", "r", DATA | SYNC, "QUEUE", "sync this model",                    \
		"Asks the server what is new in this model.", 0)                                   \
	X(RESYNC_ALL, "resync-all", "R", DATA | SYNC, "QUEUE", "sync all models",                  \
		"Asks the server what is new in every model.", 0)                                  \
	X(RESYNC_FULL, "resync-full", "", DATA | SYNC, "QUEUE", "full sync (asks)",                \
		"Fetches this model again from the start; unsent changes stay.", 0)                \
	X(PAUSE_PULL, "pause-fetching", "p", SYNC, "QUEUE", "pause fetching",                      \
		"Fetches nothing and listens to nothing, or goes on; sending is not touched.", 0)  \
	X(DROP_OUTSIDE, "drop-outside", "", DATA | SYNC, "QUEUE", "drop rows outside (asks)",      \
		"Removes rows here that the sync expression leaves out, but none with unsent "     \
		"changes.",                                                                        \
		1)                                                                                 \
	X(START, "start", "", VIEWS, "QUEUE", "start syncing", "Starts the sync engine.", 0)       \
	X(STOP, "stop", "", VIEWS, "QUEUE", "stop syncing", "Stops the sync engine.", 0)           \
	X(MINE, "take-mine", "m", CONFLICTS, "CONFLICT", "mine", "Keeps my value of this field.",  \
		1)                                                                                 \
	X(THEIRS, "take-theirs", "t", CONFLICTS, "CONFLICT", "theirs",                             \
		"Keeps the server's value of this field.", 1)                                      \
	X(BASE, "take-base", "b", CONFLICTS, "CONFLICT", "base",                                   \
		"Goes back to the value both sides started from.", 1)                              \
	X(RESTORE, "restore-mine", "b", DATA | LOG, "CONFLICT", "bring mine back",                 \
		"Writes what the server's own merge dropped of my change as a new change.", 1)     \
	X(EDIT_RESULT, "edit-result", "e", CONFLICTS, "CONFLICT", "edit",                          \
		"Types another value for this field.", 1)                                          \
	X(ALL_MINE, "all-mine", "M", CONFLICTS, "CONFLICT", "all mine",                            \
		"Keeps my value of every open field.", 1)                                          \
	X(ALL_THEIRS, "all-theirs", "T", CONFLICTS, "CONFLICT", "all theirs",                      \
		"Keeps the server's value of every open field.", 1)                                \
	X(CONF_NEXT, "conflict-next", "J", CONFLICTS, "CONFLICT", "next conflict",                 \
		"Shows the next conflict.", 0)                                                     \
	X(CONF_PREV, "conflict-prev", "K", CONFLICTS, "CONFLICT", "conflict before",               \
		"Shows the conflict before.", 0)                                                   \
	X(SEND, "send-resolution", "w", CONFLICTS, "CONFLICT", "send",                             \
		"Saves the decision; what goes out stands under Result.", 1)                       \
	X(SEND_ALL, "send-all-ready", "W", CONFLICTS, "CONFLICT", "send all ready",                \
		"Saves every conflict that has no open field.", 1)                                 \
	X(COLUMNS, "columns", "c", DATA, "VIEW", "columns", "Shows and hides columns.", 0)         \
	X(COL_PREV, "column-prev", "<", DATA, "VIEW", "column left",                               \
		"Makes the column on the left the current one (for s, y and _).", 0)               \
	X(COL_NEXT, "column-next", ">", DATA, "VIEW", "column right",                              \
		"Makes the column on the right the current one (for s, y and _).", 0)              \
	X(COL_WIDTH, "column-width", "_", DATA, "VIEW", "full width",                              \
		"Shows the current column at its full width, or as before.", 0)                    \
	X(ZOOM, "zoom", "z", VIEWS, "VIEW", "zoom pane", "Shows this pane alone.", 0)              \
	X(WRAP, "wrap", "W", DATA | OUTBOX | LOG, "VIEW", "wrap text",                             \
		"Breaks long lines, or cuts them.", 0)                                             \
	X(TOMBSTONES, "tombstones", "", DATA, "VIEW", "deleted rows",                              \
		"Shows or hides records that were deleted.", 0)                                    \
	X(VIEW_DATA, "view-data", "1", VIEWS, "EVERYWHERE", "Data", "Models and records.", 0)      \
	X(VIEW_OUTBOX, "view-outbox", "2", VIEWS, "EVERYWHERE", "Outbox",                          \
		"What waits to be sent, and what was.", 0)                                         \
	X(VIEW_CONFLICTS, "view-conflicts", "3", VIEWS, "EVERYWHERE", "Conflicts",                 \
		"What was changed here and there.", 0)                                             \
	X(VIEW_SYNC, "view-sync", "4", VIEWS, "EVERYWHERE", "Sync",                                \
		"The network and the progress of every model.", 0)                                 \
	X(VIEW_LOG, "view-log", "5", VIEWS, "EVERYWHERE", "Log", "What happened, line by line.",   \
		0)                                                                                 \
	X(PALETTE, "palette", ":", VIEWS, "EVERYWHERE", "commands",                                \
		"Every action by name; type a few letters.", 0)                                    \
	X(HELP, "help", "? F1", VIEWS | DIALOG, "EVERYWHERE", "help",                              \
		"Lists the keys that work here; type to find, Enter runs.", 0)                     \
	X(PAUSE, "pause", "P", VIEWS, "EVERYWHERE", "pause sending",                               \
		"Holds all changes on this device, or lets them go again.", 1)                     \
	X(OFFLINE, "offline", "O", VIEWS, "EVERYWHERE", "offline switch",                          \
		"Cuts the network by hand, or restores it.", 0)                                    \
	X(ACCOUNT, "account", "@", VIEWS, "EVERYWHERE", "account",                                 \
		"Signs in, signs out, switches the user.", 0)                                      \
	X(REDRAW, "redraw", "C-l", ALL, "EVERYWHERE", "redraw",                                    \
		"Draws the whole screen again and asks for its size.", 0)                          \
	X(SUSPEND, "suspend", "C-z", ALL, "EVERYWHERE", "suspend",                                 \
		"Gives the terminal back to the shell; fg returns.", 0)                            \
	X(CANCEL, "cancel", "C-c", ALL, "EVERYWHERE", "cancel",                                    \
		"Stops the running search or prompt; twice offers to quit.", 0)                    \
	X(QUIT_BACK, "back-or-quit", "q", VIEWS | DIALOG, "EVERYWHERE", "back or quit",            \
		"Leaves the pane or dialog; at the top it quits.", 0)                              \
	X(QUIT, "quit", "Q", VIEWS, "EVERYWHERE", "quit",                                          \
		"Quits; unsent changes stay on this device.", 0)                                   \
	X(SAVE, "save", "C-s", FORM, "FORM", "save", "Saves the changed fields.", 1)               \
	X(EDITOR, "editor", "C-e", FORM, "FORM", "$EDITOR",                                        \
		"Edits the value of this field in $EDITOR.", 0)                                    \
	X(SET_NULL, "set-null", "C-n", FORM, "FORM", "null", "Empties this field (null).", 0)      \
	X(REVERT, "revert-field", "C-r", FORM, "FORM", "revert",                                   \
		"Goes back to the value the record has.", 0)                                       \
	X(FIELD_NEXT, "field-next", "Tab Down", FORM, "FORM", "field", "Goes to the next field.",  \
		0)                                                                                 \
	X(FIELD_PREV, "field-prev", "S-Tab Up", FORM, "FORM", "field back",                        \
		"Goes to the field before.", 0)                                                    \
	X(CHOOSE, "choose", "Enter", FORM, "FORM", "choose",                                       \
		"Next value of an enum or a yes/no, list of records for a link, else next field.", \
		0)                                                                                 \
	X(FORM_HELP, "form-help", "F1", FORM, "FORM", "help", "Lists the keys of the form.", 0)    \
	X(ACCEPT, "accept", "Enter", LINE, "LINE", "apply", "Takes the line.", 0)                  \
	X(COMPLETE, "complete", "Tab", LINE, "LINE", "complete", "Completes the word.", 0)         \
	X(SAVE_VIEW, "save-view", "C-s", LINE, "LINE", "save view",                                \
		"In the filter line: keeps the filter under a name.", 0)                           \
	X(OLDER, "history-back", "Up", LINE, "LINE", "history", "The line before, or up.", 0)      \
	X(NEWER, "history-next", "Down", LINE, "LINE", "newer", "The next line, or down.", 0)      \
	X(LINE_START, "line-start", "C-a", FORM | LINE, "LINE", "start", "Start of the line.", 0)  \
	X(LINE_END, "line-end", "C-e", LINE, "LINE", "end", "End of the line.", 0)                 \
	X(LINE_WORD, "line-word", "C-w", FORM | LINE, "LINE", "delete a word",                     \
		"Deletes the word before the cursor.", 0)                                          \
	X(LINE_CLEAR, "line-clear", "C-u", FORM | LINE, "LINE", "clear",                           \
		"Deletes to the start of the line.", 0)                                            \
	X(LINE_KILL, "line-kill", "C-k", FORM | LINE, "LINE", "delete the rest",                   \
		"Deletes to the end of the line.", 0)

enum sd_act {
	SD_ACT_NONE,
#define X(id, name, keys, where, group, text, help, writes) SD_ACT_##id,
	SD_ACTION_MAP(X)
#undef X
		SD_ACT_COUNT
};

struct sd_action {
	const char *name;  /* for the palette and `keys.<name>` settings */
	const char *keys;  /* defaults, blank-separated; "" without */
	unsigned where;    /* enum sd_ctx bits */
	const char *group; /* heading in the help */
	const char *text;  /* a few words */
	const char *help;  /* a sentence */
	bool writes;       /* not under --read-only */
};

/* The table: 1 <= a < SD_ACT_COUNT; static. */
const struct sd_action *sd_action(enum sd_act a);
enum sd_act sd_action_find(const char *name); /* SD_ACT_NONE when unknown */
/* "Data, Outbox" of a `where`; appended. */
bool sd_action_where(unsigned where, struct sd_buf *out);

/* The hint line: what to offer in a context, best first; a pair shows both keys ("j/k move"). */
struct sd_hint {
	enum sd_act act, pair;
	const char *label;
};
const struct sd_hint *sd_hints(enum sd_ctx ctx, size_t *n);

#endif
