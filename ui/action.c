/* ui/action.c - see action.h. */
#include "ui/action.h"

#include <string.h>

/* Short names inside the table only. */
enum {
	DATA = SD_IN_DATA,
	OUTBOX = SD_IN_OUTBOX,
	CONFLICTS = SD_IN_CONFLICTS,
	SYNC = SD_IN_SYNC,
	LOG = SD_IN_LOG,
	FORM = SD_IN_FORM,
	LINE = SD_IN_LINE,
	DIALOG = SD_IN_DIALOG,
	VIEWS = SD_IN_VIEWS,
	ALL = SD_IN_ALL
};

static const struct sd_action TABLE[SD_ACT_COUNT] = {
#define X(id, name, keys, where, group, text, help, writes)                                        \
	[SD_ACT_##id] = {name, keys, where, group, text, help, writes},
	SD_ACTION_MAP(X)
#undef X
};

const struct sd_action *sd_action(enum sd_act a)
{
	return &TABLE[a > SD_ACT_NONE && a < SD_ACT_COUNT ? a : SD_ACT_DOWN];
}

enum sd_act sd_action_find(const char *name)
{
	for (int a = SD_ACT_NONE + 1; a < SD_ACT_COUNT; a++)
		if (strcmp(TABLE[a].name, name) == 0)
			return (enum sd_act)a;
	return SD_ACT_NONE;
}

bool sd_action_where(unsigned where, struct sd_buf *out)
{
	static const char *const NAMES[] = {
		"Data", "Outbox", "Conflicts", "Sync", "Log", "forms", "prompts", "dialogs"};
	bool first = true;

	if ((where & ALL) == ALL)
		return sd_buf_str(out, "everywhere");
	if ((where & VIEWS) == VIEWS) {
		sd_buf_str(out, "all views");
		where &= ~(unsigned)VIEWS;
		first = false;
	}
	for (unsigned i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		if (!(where & 1u << i))
			continue;
		sd_buf_fmt(out, "%s%s", first ? "" : ", ", NAMES[i]);
		first = false;
	}
	return sd_buf_ok(out);
}

static const struct sd_hint IN_DATA[] = {
	{SD_ACT_DOWN, SD_ACT_UP, "move"},
	{SD_ACT_PANE_NEXT, 0, "pane"},
	{SD_ACT_OPEN, 0, "open"},
	{SD_ACT_EDIT, 0, "edit"},
	{SD_ACT_ADD, 0, "add"},
	{SD_ACT_SEARCH, 0, "search"},
	{SD_ACT_FILTER, 0, "filter"},
	{SD_ACT_SORT, 0, "sort"},
	{SD_ACT_DELETE, 0, "delete"},
	{SD_ACT_MARK, 0, "mark"},
	{SD_ACT_UNDO, 0, "undo"},
	{SD_ACT_COLUMNS, 0, "columns"},
	{SD_ACT_OFFLINE, 0, "offline"},
};
static const struct sd_hint IN_OUTBOX[] = {
	{SD_ACT_DOWN, SD_ACT_UP, "move"},
	{SD_ACT_OPEN, 0, "request"},
	{SD_ACT_RETRY, 0, "retry"},
	{SD_ACT_RETRY_ALL, 0, "all"},
	{SD_ACT_DISCARD, 0, "discard"},
	{SD_ACT_PARK, 0, "park"},
	{SD_ACT_PAUSE, 0, "pause"},
	{SD_ACT_OPEN_RECORD, 0, "record"},
	{SD_ACT_COPY_RECORD, 0, "copy body"},
	{SD_ACT_EXPORT, 0, "export"},
};
static const struct sd_hint IN_CONFLICTS[] = {
	{SD_ACT_MINE, 0, "mine"},
	{SD_ACT_THEIRS, 0, "theirs"},
	{SD_ACT_BASE, 0, "base"},
	{SD_ACT_EDIT_RESULT, 0, "edit"},
	{SD_ACT_ALL_MINE, SD_ACT_ALL_THEIRS, "all"},
	{SD_ACT_CONF_NEXT, SD_ACT_CONF_PREV, "next"},
	{SD_ACT_SEND, 0, "send"},
	{SD_ACT_UNDO, 0, "undo"},
	{SD_ACT_SEND_ALL, 0, "send all ready"},
	{SD_ACT_OPEN_RECORD, 0, "record"},
};
static const struct sd_hint IN_SYNC[] = {
	{SD_ACT_DOWN, SD_ACT_UP, "move"},
	{SD_ACT_OPEN, 0, "error"},
	{SD_ACT_RESYNC, 0, "resync"},
	{SD_ACT_RESYNC_ALL, 0, "all"},
	{SD_ACT_PAUSE, 0, "pause"},
	{SD_ACT_PAUSE_PULL, 0, "pause fetching"},
	{SD_ACT_OFFLINE, 0, "offline"},
	{SD_ACT_PALETTE, 0, "stop, resync-full"},
};
static const struct sd_hint IN_LOG[] = {
	{SD_ACT_DOWN, SD_ACT_UP, "move"},
	{SD_ACT_LAST, 0, "follow"},
	{SD_ACT_SEARCH, 0, "search"},
	{SD_ACT_SEARCH_NEXT, SD_ACT_SEARCH_PREV, "next"},
	{SD_ACT_OPEN_RECORD, 0, "record"},
	{SD_ACT_COPY_CELL, 0, "copy line"},
	{SD_ACT_WRAP, 0, "wrap"},
};
static const struct sd_hint IN_FORM[] = {
	{SD_ACT_FIELD_NEXT, 0, "field"},
	{SD_ACT_CHOOSE, 0, "choose"},
	{SD_ACT_SAVE, 0, "save"},
	{SD_ACT_BACK, 0, "cancel"},
	{SD_ACT_SET_NULL, 0, "null"},
	{SD_ACT_REVERT, 0, "revert"},
	{SD_ACT_EDITOR, 0, "editor"},
	{SD_ACT_FORM_HELP, 0, ""},
};
static const struct sd_hint IN_LINE[] = {
	{SD_ACT_COMPLETE, 0, "complete"},
	{SD_ACT_ACCEPT, 0, "apply"},
	{SD_ACT_LINE_CLEAR, 0, "clear"},
	{SD_ACT_OLDER, SD_ACT_NEWER, "history"},
	{SD_ACT_BACK, 0, "cancel"},
};
static const struct sd_hint IN_DIALOG[] = {
	{SD_ACT_DOWN, SD_ACT_UP, "choose"},
	{SD_ACT_OPEN, 0, "take it"},
	{SD_ACT_BACK, 0, "close"},
};

#define HINTS(ctx, list)                                                                           \
	{                                                                                          \
		ctx, list, sizeof list / sizeof *list                                              \
	}

static const struct {
	enum sd_ctx ctx;
	const struct sd_hint *hints;
	size_t n;
} ALL_HINTS[] = {
	HINTS(SD_IN_DATA, IN_DATA),
	HINTS(SD_IN_OUTBOX, IN_OUTBOX),
	HINTS(SD_IN_CONFLICTS, IN_CONFLICTS),
	HINTS(SD_IN_SYNC, IN_SYNC),
	HINTS(SD_IN_LOG, IN_LOG),
	HINTS(SD_IN_FORM, IN_FORM),
	HINTS(SD_IN_LINE, IN_LINE),
	HINTS(SD_IN_DIALOG, IN_DIALOG),
};

const struct sd_hint *sd_hints(enum sd_ctx ctx, size_t *n)
{
	for (size_t i = 0; i < sizeof ALL_HINTS / sizeof *ALL_HINTS; i++) {
		if (ALL_HINTS[i].ctx == ctx) {
			*n = ALL_HINTS[i].n;
			return ALL_HINTS[i].hints;
		}
	}
	*n = 0;
	return NULL;
}
