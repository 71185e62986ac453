/*
 * core/store/internal.h - what the parts of the store know of each other.  Private to core/store.
 *
 *   store.c open.c   connections, transactions, settings
 *   lock.c wipe.c place.c rescue.c salvage.c   the profile directory and its files
 *   db.c fault.c     statements, errors                       migrate.c carry.c check.c  the schema
 *   table.c row.c    one model's table, rows <-> JSON         record.c query.c  reading
 *   entry.c rebuild.c outbox.c due.c moves.c person.c exchange.c   the outbox
 *   write.c valid.c delete.c undo.c step.c   what the person changes   apply.c sync.c    what arrives
 *   conflict.c quarantine.c journal.c history.c   share.c  who writes next, the WAL, late indexes
 *   watch.c          long statements    sortix.c  indexes for sorts in use
 *   bulk.c           many records created in one transaction
 *
 * A row is never written but by row.c: it keeps the counters of live rows and of rids, which are
 * held in memory within a transaction and written when it commits.
 */
#ifndef SD_STORE_INTERNAL_H
#define SD_STORE_INTERNAL_H

#include <sqlite3.h>

#include "core/store/apply.h"
#include "core/store/conflict.h"
#include "core/store/journal.h"
#include "core/store/outbox.h"
#include "core/store/record.h"
#include "core/store/store.h"

#define SD_STORE_FILE    "store.db"
/* Stands there while a rescued store takes the place of the damaged one; see rescue.c. */
#define SD_RESCUE_MARKER SD_STORE_FILE ".rescue"
#define SD_KEPT          8        /* statements of queries that are kept */
#define SD_CACHE_WRITE   "-49152" /* PRAGMA cache_size, KiB */
#define SD_CACHE_SORT    "-8192"
#define SD_SAME          "=" /* in shadow.server: the same as base */
/* An outbox entry of a model the schema no longer has: kept, shown to nobody, back in the refused
 * lane when the model returns. */
#define SD_LANE_GONE     9

/* Fixed statements; their texts are in db.c. */
enum sd_q {
	Q_BEGIN,
	Q_COMMIT,
	Q_READ,
	Q_DATA_VERSION,
	Q_META_GET,
	Q_META_PUT,
	Q_META_DEL,
	Q_META_LAST,
	Q_META_DROP,
	Q_KEPT_TRIM,
	Q_COUNTER_GET,
	Q_COUNTER_PUT,
	Q_SHADOW_GET,
	Q_SHADOW_PUT,
	Q_SHADOW_SERVER,
	Q_SHADOW_DEL,
	Q_ENTRY_ADD,
	Q_ENTRY_GET,
	Q_ENTRY_NEXT,
	Q_ENTRY_NEXT_LANE,
	Q_ENTRY_NEXT_WAITING,
	Q_ENTRY_OF,
	Q_ENTRY_FIELDS,
	Q_ENTRY_LANE,
	Q_ENTRY_RETRY,
	Q_ENTRY_DEL,
	Q_ENTRY_VERSION,
	Q_ENTRY_UNSURE,
	Q_ENTRY_CONFLICTS,
	Q_ENTRY_TOUCHED,
	Q_ENTRY_NEWEST,
	Q_ENTRY_GROUP,
	Q_ENTRY_WAS,
	Q_ENTRY_GRP,
	Q_ENTRY_CREATE,
	Q_ENTRY_DELETE,
	Q_LANES_OF,
	Q_DUE,
	Q_DUE_NEXT,
	Q_COUNTS,
	Q_COUNTS_ALL,
	Q_COUNT_OF,
	Q_ENTRY_ANY,
	Q_COUNT_ALL,
	Q_OLDEST,
	Q_OLDEST_ALL,
	Q_DEATHS,
	Q_JOURNAL_ADD,
	Q_JOURNAL_NEXT,
	Q_JOURNAL_OF,
	Q_JOURNAL_RANGE,
	Q_JOURNAL_RECENT,
	Q_JOURNAL_OUTBOX,
	Q_JOURNAL_TRIM,
	Q_JOURNAL_LEFT,
	Q_JOURNAL_ECHO,
	Q_CONFLICT_PUT,
	Q_CONFLICT_GET,
	Q_CONFLICT_NEXT,
	Q_CONFLICT_COUNT,
	Q_CONFLICT_COUNT_ALL,
	Q_CONFLICT_DEL,
	Q_CONFLICT_THEIRS,
	Q_QUAR_PUT,
	Q_QUAR_DEL,
	Q_QUAR_PAST,
	Q_QUAR_HAS,
	Q_QUAR_LIST,
	Q_QUAR_LIST_ALL,
	Q_QUAR_COUNT,
	Q_QUAR_COUNT_ALL,
	Q_SYNC_GET,
	Q_SYNC_PUT,
	Q_SYNC_MARKS,
	Q_SYNC_SWEEP,
	Q_SYNC_REFILL,
	Q_SEEN_GET,
	Q_SEEN_PUT,
	Q_SEEN_CLEAR,
	Q_COUNT
};

/* Statements of one model's table; texts are built in table.c. */
enum sd_tq {
	T_INSERT,
	T_UPDATE,
	T_FIND,
	T_GET,
	T_GET_RID,
	T_DROP,
	T_STATE,
	T_SENDING,
	T_NEXT,
	T_COUNT
};

enum sd_column_kind { SD_COL_TEXT, SD_COL_INT, SD_COL_REAL, SD_COL_BOOL, SD_COL_JSON };
struct sd_column {
	const struct sd_field *field;
	enum sd_column_kind kind;
};

/* In T_INSERT and T_UPDATE ?1 is the rid, ?2.. the columns, then the four of metadata; T_GET,
 * T_GET_RID and T_NEXT give the same order. */
struct sd_table {
	const struct sd_model *model;
	char *name;             /* "r_Post" */
	struct sd_column *cols; /* stored fields, schema order */
	size_t count;
	size_t *pk; /* positions in cols, key order */
	sqlite3_stmt *q[T_COUNT];
	char *columns; /* "_rid","a",...,"_st" for SELECT, prefixed with t. */
	bool counted, counter_dirty;
	bool is_large; /* sd_index_now() was called */
	int64_t live, next_rid;
	bool marks_known, refill; /* of this transaction: sd_marks_load() */
	int64_t seen_to;
};

struct sd_store {
	sqlite3 *db;
	const struct sd_schema *schema;
	char *dir, *path;
	bool read_only, no_backend;
	bool salvage;                 /* a damaged one, to read what can be read */
	bool migrated;                /* the tables are those of our schema */
	bool wal_lost;                /* found when opening: told in the journal */
	uint64_t db_inode, wal_inode; /* of the files that are open; 0: not looked at yet */
	bool txn;                     /* begun, neither committed nor rolled back yet */
	bool doubtful; /* pages that made no sense were read: they must not be kept in memory */
	int busy_ms;
	int64_t busy_from;
	int64_t now_ms; /* the newest time handed in, for journal lines of calls without one */
	sqlite3_stmt *q[Q_COUNT];
	struct sd_table *tables;             /* by model->id */
	bool ids_known, ids_dirty;           /* of this transaction */
	int64_t next_seq, next_line;         /* of the outbox and the journal; never used twice */
	const struct sd_model *absent_model; /* sd_write_parents() */
	const struct sd_map *absent_keys;
	struct cJSON *doubts; /* of the last sd_apply(); NULL: none */
	int64_t group;        /* of the deletes of this transaction; 0: each its own */
	bool redo_gone;       /* this transaction has forgotten what could be made again */
	bool again;           /* an undo or redo writes, not the person */
	struct sd_buf text;   /* scratch of row.c */
	int64_t saved_rid;    /* of the last sd_write_save() */
	int rowless;      /* of this transaction: entries that may have no row; -1: not looked */
	bool in_bulk;     /* this transaction is sd_write_bulk()'s */
	bool bulk_known;  /* its last record was there already */
	int bulk_rows;    /* created by it; bulk.c, as the next two */
	bool bulk_outbox; /* the outbox is without its index for now */
	struct sd_table *bulk_table; /* without its indexes for now; NULL */
	struct sd_journal bulk;      /* of sd_journal_bulk(); rid_from 0: none waits */
	const atomic_int *waiting;   /* share.c; borrowed; NULL: gives way to nobody */
	const atomic_bool *stop;
	int64_t cut_us, begun_us; /* a page's transaction is cut after; 0: not */
	bool wal_elsewhere;
	int wal_pages;      /* in the WAL after the last commit here */
	int64_t index_rows; /* SD_INDEX_ROWS; less in tests */
	bool index_due;     /* perhaps */
	bool index_urgent;  /* a load goes on, but the table has become large */
	int index_tries;    /* times an index was put off */
	struct sd_kept {    /* statements of queries, as they may come again (query.c) */
		char *sql;  /* owned */
		sqlite3_stmt *s;
		bool busy;
		uint64_t used;
	} kept[SD_KEPT];
	uint64_t kept_clock;
	struct sd_watch watch; /* watch.c */
	int64_t watch_us, watch_cpu_us;
	sqlite3_stmt *watched;
	int64_t watched_of;
	int64_t data_version;
	bool data_version_known;
};

/* ---- open.c ---- */
/* sd_store_open() of another file of the directory.  salvage: of a damaged one, for reading. */
enum sd_err sd_store_open_as(const struct sd_store_opts *o, const char *name, bool salvage,
	struct sd_store **out, struct sd_error *e);

/* ---- fault.c ---- */
/* Maps an SQLite code to ours; doing names the step.  The text names the file and the next step. */
enum sd_err sd_db_fail(struct sd_store *st, int rc, struct sd_error *e, const char *doing);
/* After some errors SQLite ends a transaction by itself; what came behind would be written alone.
 * Every statement asks here first: false, with the error in *e, until the rollback. */
bool sd_txn_alive(struct sd_store *st, struct sd_error *e);

/* ---- place.c ---- */
/* Before opening: the path is not too long, the files are plain ones, ours, and closed to others
 * (that is put right); an empty file where a store was is damage. */
enum sd_err sd_place_check(struct sd_store *st, struct sd_error *e);
/* There is no store.db, one will be made: no WAL of a lost one may stand there. */
enum sd_err sd_place_fresh(struct sd_store *st, struct sd_error *e);
/* The store holds tables now. */
enum sd_err sd_place_made(struct sd_store *st, struct sd_error *e);
/* New names in the directory are on disk. */
enum sd_err sd_place_sync(struct sd_store *st, struct sd_error *e);
/* Within a transaction: what is open is still what the names stand for; else FAILED. */
enum sd_err sd_place_same(struct sd_store *st, struct sd_error *e);

/* ---- salvage.c ---- */
/* Fills the new store `to` from a damaged one (NULL: nothing of it can be read). */
struct sd_rescued;
enum sd_err sd_salvage(struct sd_store *from, struct sd_store *to, const struct sd_store_opts *o,
	struct sd_rescued *out, struct sd_error *e);

/* lock.c.  Some other process that holds a POSIX lock on the file; 0: not to be seen. */
int sd_lock_file_holder(const char *path);

/* ---- db.c ---- */
enum sd_err sd_db_nomem(struct sd_error *e, const char *doing);
/* Prepared once, reset and bound anew: fmt is i (int64_t), d (int), s (const char *, NULL binds
 * null, must live until the reset).  NULL: the error is in *e. */
sqlite3_stmt *sd_db_open(
	struct sd_store *st, enum sd_q q, struct sd_error *e, const char *fmt, ...);
/* One row: SD_OK; none: SD_NOTFOUND without text; then the caller resets. */
enum sd_err sd_db_row(struct sd_store *st, sqlite3_stmt *s, struct sd_error *e, const char *doing);
void sd_db_reset(sqlite3_stmt *s); /* NULL is fine */
/* Binds, runs to the end, resets. */
enum sd_err sd_db_run(struct sd_store *st, enum sd_q q, struct sd_error *e, const char *doing,
	const char *fmt, ...);
enum sd_err sd_db_exec(struct sd_store *st, const char *sql, struct sd_error *e, const char *doing);
/* First column of the first row of any SQL, 0 without a row. */
enum sd_err sd_db_int(struct sd_store *st, const char *sql, int64_t *out, struct sd_error *e);
char *sd_db_dup(sqlite3_stmt *s, int col); /* owned copy of a text column; NULL for null */
/* Parses JSON of our own making: if it is none, the store is damaged. */
enum sd_err sd_db_parse(
	sqlite3 *db, const char *text, size_t n, struct cJSON **out, struct sd_error *e);
/* Parses a JSON text column; *out NULL for null. */
enum sd_err sd_db_json(sqlite3_stmt *s, int col, struct cJSON **out, struct sd_error *e);

/* ---- table.c ---- */
enum sd_err sd_tables_init(struct sd_store *st, struct sd_error *e);
void sd_tables_release(struct sd_store *st);
struct sd_table *sd_table_of(struct sd_store *st, const struct sd_model *m);
sqlite3_stmt *sd_table_stmt(
	struct sd_store *st, struct sd_table *t, enum sd_tq q, struct sd_error *e);
enum sd_err sd_table_create(struct sd_store *st, struct sd_table *t, struct sd_error *e);
enum sd_err sd_table_indexes(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* The first of them that is missing; *made: there was one. */
enum sd_err sd_table_index_one(
	struct sd_store *st, struct sd_table *t, bool *made, struct sd_error *e);
/* Rows of a table whose index is made in one go: more would hold the lock of the store for longer
 * than others wait for it. */
#define SD_INDEX_ROWS 1500000
const char *sd_column_type(enum sd_column_kind k);
bool sd_quote_name(struct sd_buf *out, const char *name); /* "na""me" */
/* The live and rid counters of a table, read on first use in a transaction. */
enum sd_err sd_counter_load(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* next_seq and next_line, read on first use in a transaction. */
enum sd_err sd_ids_load(struct sd_store *st, struct sd_error *e);
enum sd_err sd_counters_flush(struct sd_store *st, struct sd_error *e);
void sd_counters_forget(struct sd_store *st);

/* watch.c.  A statement that may go through all of t runs now; NULL: it has ended. */
void sd_watch_stmt(struct sd_store *st, sqlite3_stmt *s, struct sd_table *t);

/* ---- share.c ---- */
void sd_store_give_way(struct sd_store *st);
/* What came from a disk that failed a moment ago is read again; before anything is read outside of
 * a transaction. */
void sd_store_forget_pages(struct sd_store *st);
void sd_wal_watch(struct sd_store *st);
void sd_wal_after_commit(struct sd_store *st);
/* Drops the indexes of t that the schema of the models asks for; *any: there was one. */
enum sd_err sd_index_drop(struct sd_store *st, struct sd_table *t, bool *any, struct sd_error *e);
/* The same, and notes that they are to be made when the load is over. */
enum sd_err sd_index_later(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* The load goes on, but the table is as large as it may be without them. */
enum sd_err sd_index_now(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* Around the making of an index, outside of a transaction: its keys are sorted in an unnamed file
 * beside the store, and the page cache shrinks; a million in memory take as much as all the rest. */
void sd_sort_small(struct sd_store *st, bool on);

/* ---- bulk.c ---- */
#define SD_OUTBOX_RECORD "CREATE INDEX outbox_record ON outbox(model,key,seq);"
#define SD_BULK_LONG     256 /* records: from here on it is a long load */
/* A record of a bulk was created. */
enum sd_err sd_bulk_one(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* The indexes that are missing are made; before the commit, and before they are missed. */
enum sd_err sd_bulk_end(struct sd_store *st, struct sd_error *e);

/* ---- row.c ---- */
struct sd_rowid {                      /* what stands in a row beside its fields */
	int64_t rid, version, changed; /* -1: null */
	bool deleted;
	int state; /* enum sd_rec_state */
};
enum sd_err sd_bind_value(struct sd_store *st, sqlite3_stmt *s, int at, const struct sd_column *c,
	const struct cJSON *v, struct sd_error *e);
/* Binds fields and metadata of rec (?2...) in one pass that expects the fields in table order;
 * absent ones are null. */
enum sd_err sd_row_bind(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s,
	const struct cJSON *rec, int state, struct sd_error *e);
/* The row of a key; NOTFOUND without text.  By rec's own key fields, or by key text. */
enum sd_err sd_row_find(struct sd_store *st, struct sd_table *t, const struct cJSON *rec,
	struct sd_rowid *out, struct sd_error *e);
enum sd_err sd_row_find_key(struct sd_store *st, struct sd_table *t, const char *key,
	struct sd_rowid *out, struct sd_error *e);
struct cJSON *sd_row_json(struct sd_store *st, struct sd_table *t, sqlite3_stmt *s);
void sd_row_meta(struct sd_table *t, sqlite3_stmt *s, struct sd_rowid *out);
/* The record of a key with tombstones; *rec NULL when absent. */
enum sd_err sd_row_get(struct sd_store *st, struct sd_table *t, const char *key, struct cJSON **rec,
	struct sd_rowid *id, struct sd_error *e);
/* The same by the key fields that `of` carries. */
enum sd_err sd_row_get_rec(struct sd_store *st, struct sd_table *t, const struct cJSON *of,
	struct cJSON **rec, struct sd_rowid *id, struct sd_error *e);
/* Inserts a new row (rid chosen; *rid may be NULL); SD_NOTFOUND: the key is taken. */
enum sd_err sd_row_insert(struct sd_store *st, struct sd_table *t, const struct cJSON *rec,
	int state, int64_t *rid, struct sd_error *e);
enum sd_err sd_row_update(struct sd_store *st, struct sd_table *t, const struct sd_rowid *old,
	const struct cJSON *rec, int state, struct sd_error *e);
enum sd_err sd_row_drop(
	struct sd_store *st, struct sd_table *t, const struct sd_rowid *old, struct sd_error *e);
/* The state of the row with the key fields of `of`, if there is one and it has another. */
enum sd_err sd_row_state(struct sd_store *st, struct sd_table *t, const struct cJSON *of, int state,
	struct sd_error *e);
/* An entry of the record goes out: its row is "sending", unless the lane of another entry says more. */
enum sd_err sd_row_sending(
	struct sd_store *st, struct sd_table *t, const struct cJSON *of, struct sd_error *e);
/* {"f":{"from":..,"to":..}} over the stored fields; *out NULL when nothing differs. */
enum sd_err sd_row_diff(const struct sd_model *m, const struct cJSON *before,
	const struct cJSON *after, struct cJSON **out, struct sd_error *e);
bool sd_rec_deleted(const struct cJSON *rec);    /* NULL or a tombstone */
int64_t sd_rec_version(const struct cJSON *rec); /* -1: none */

/* ---- quarantine.c ---- */
/* The record arrived whole in this version: it leaves, unless a newer one is known to be bad. */
enum sd_err sd_quarantine_past(struct sd_store *st, const struct sd_model *m, const char *key,
	int64_t version, struct sd_error *e);

/* ---- journal.c ---- */
enum sd_err sd_journal_put(
	struct sd_store *st, const struct sd_journal *j, int64_t *id, struct sd_error *e);
/* One of many records a person creates in one go: rows that follow each other share one line,
 * written before any other line and by the commit. */
enum sd_err sd_journal_bulk(struct sd_store *st, const struct sd_model *m, int64_t rid,
	int64_t now_ms, struct sd_error *e);
enum sd_err sd_journal_bulk_end(struct sd_store *st, struct sd_error *e);

/* entry.c rebuild.c moves.c person.c undo.c kept.c: the outbox, and rows that follow it */
#include "core/store/internal_outbox.h"

/* ---- valid.c ---- */
/* Fields as a person named them -> columns and values, checked; existing may be NULL.  *clean
 * shares its values with fields, which must outlive it. */
enum sd_err sd_valid_fields(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *fields, const struct cJSON *existing, struct cJSON **clean,
	struct sd_error *e);
/* Every part of each belongsTo set in fields points to a live record. */
enum sd_err sd_valid_parents(struct sd_store *st, const struct sd_model *m, const struct cJSON *rec,
	const struct cJSON *changed, struct sd_error *e);
enum sd_err sd_valid_required(
	const struct sd_model *m, const struct cJSON *rec, struct sd_error *e);

/* ---- outbox.c ---- */
/* seq of an unsent create of a record that the relations touched by fields point to, between
 * from_seq and to_seq (both excluded); 0: none.  rec: for the parts fields does not name. */
enum sd_err sd_parent_create(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *fields, const struct cJSON *rec, int64_t from_seq, int64_t to_seq,
	int64_t *seq, struct sd_error *e);
/* Key text of the record that relation f of rec points to; NOTFOUND when it points nowhere. */
enum sd_err sd_parent_key(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *rec, struct sd_buf *key, struct sd_error *e);
/* ---- record.c ---- */
/* Rows at the other end of relation f of rec for which the SQL condition `where` holds. */
enum sd_err sd_match_rows(struct sd_store *st, const struct sd_field *f, const struct cJSON *rec,
	const char *where, sd_rec_fn fn, void *ctx, struct sd_error *e);

/* ---- conflict.c, apply.c, migrate.c, carry.c ---- */
enum sd_err sd_conflict_drop(struct sd_store *st, int64_t seq, struct sd_error *e);
/* A newer server copy of a record in conflict: what the person decides on moves along. */
enum sd_err sd_conflict_theirs(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *theirs, struct sd_error *e);
/* t->seen_to and t->refill, read on first use in a transaction. */
enum sd_err sd_marks_load(struct sd_store *st, struct sd_table *t, struct sd_error *e);
enum sd_err sd_seen_add(
	struct sd_store *st, const struct sd_model *m, int64_t *rids, size_t n, struct sd_error *e);
enum sd_err sd_seen_one(
	struct sd_store *st, const struct sd_model *m, int64_t rid, struct sd_error *e);
enum sd_err sd_migrate(struct sd_store *st, struct sd_error *e);
enum sd_err sd_carry(struct sd_store *st, struct sd_table *t, const char *why, struct sd_error *e);
/* Entries of a model that no longer fit it go to the refused lane. */
enum sd_err sd_refuse_unfit(
	struct sd_store *st, struct sd_table *t, const char *why, struct sd_error *e);
/* A model is back: its entries show in the refused lane. */
enum sd_err sd_return_gone(struct sd_store *st, struct sd_table *t, struct sd_error *e);
/* Does the entry still fit its model?  INVAL says what does not. */
enum sd_err sd_fits(const struct sd_model *m, const struct sd_mutation *e1, struct sd_error *e);

#endif
