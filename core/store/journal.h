/*
 * core/store/journal.h - what happened here, in order; followed by observers, shown as history.
 *
 * Every change of a record and every departure from the outbox has a line (U-02).  The journal is
 * capped by rows and age, trimmed on idle, and never the reason a write fails.
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_JOURNAL_H
#define SD_STORE_JOURNAL_H

#include "core/store/apply.h"
#include "core/store/outbox.h"

enum sd_jkind {
	SD_J_INSERT, /* a record appeared */
	SD_J_UPDATE,
	SD_J_DELETE,
	SD_J_META,   /* only metadata moved (an acknowledgement) */
	SD_J_OUTBOX, /* an entry moved lane or left: text says how.  Entering is told by the
	              * record's own line: source local, with seq and op, without text */
	SD_J_CONFLICT,
	SD_J_SYNC, /* a run ended: text */
	SD_J_MERGED, /* the service's own merge dropped or doubled something: changed is mine -> stored */
	SD_J_KIND_COUNT
};

struct sd_journal { /* borrowed within the callback */
	int64_t id; /* grows */
	int64_t at_ms;
	enum sd_jkind kind;
	const struct sd_model *model; /* NULL: none */
	const char *key;              /* NULL for a rid range or none */
	enum sd_source source;
	int64_t version;             /* -1: none */
	int64_t version_before;      /* of the record before this line; -1: none or not known */
	const struct cJSON *changed; /* {"field":{"from":..,"to":..}}; NULL */
	const char *text;            /* NULL */
	int64_t rid_from, rid_to;    /* a bulk insert of a base sync; 0: not one */
	int64_t seq;                 /* outbox entry; 0: none */
	enum sd_op op;               /* of that entry */
	int64_t echo_ms;             /* SD_J_OUTBOX "sent": when the realtime echo came; 0: not */
};

typedef bool (*sd_journal_fn)(void *ctx, const struct sd_journal *j);
/* Lines with id > after, oldest first, at most limit (0: all). */
SD_MUST_USE enum sd_err sd_journal_each(struct sd_store *st, int64_t after, int64_t limit,
	sd_journal_fn fn, void *ctx, struct sd_error *e);
/* Lines of one record, newest first. */
SD_MUST_USE enum sd_err sd_journal_of(struct sd_store *st, const struct sd_model *m,
	const char *key, int64_t limit, sd_journal_fn fn, void *ctx, struct sd_error *e);
/* Newest lines of a kind, newest first (the Outbox view's "sent" list). */
SD_MUST_USE enum sd_err sd_journal_recent(struct sd_store *st, enum sd_jkind kind, int64_t limit,
	sd_journal_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_journal_last(struct sd_store *st, int64_t *id, struct sd_error *e);
/* The realtime message about a change of ours came back: noted on the line that says it was sent
 * (U-42).  Not there: nothing happens.  Needs a transaction. */
SD_MUST_USE enum sd_err sd_journal_echo(struct sd_store *st, const struct sd_model *m,
	const char *key, int64_t version, int64_t now_ms, struct sd_error *e);
/* The cap, kept between writes: short transactions of its own, for at most 200 ms, and only once
 * enough lines are over it to be worth one.  Never fails the caller: what could not be trimmed now
 * is trimmed later.  max_rows 0: no cap by number; max_age_ms 0: none by age.  Not in a
 * transaction. */
void sd_journal_keep(struct sd_store *st, int64_t max_rows, int64_t max_age_ms, int64_t now_ms);

#endif
