/*
 * core/store/record.h - reading records: get, query, count, keyset pages, relations.
 *
 * A record is the JSON object of contract.md 4: every stored field under its own name and type
 * (AWSJSON as the value it holds), absent ones null, then _version (null before the first
 * acknowledgement), _lastChangedAt, _deleted, _state.
 *
 * The names in a record belong to the schema: a record must not outlive it.
 *
 * Threads: the connection's.
 */
#ifndef SD_STORE_RECORD_H
#define SD_STORE_RECORD_H

#include "core/model/predicate.h"
#include "core/store/store.h"

enum sd_rec_state { /* _st; precedence for showing is contract.md 5.1 */
	SD_ST_SYNCED,
	SD_ST_PENDING, /* reads as "local" while no backend is configured */
	SD_ST_SENDING,
	SD_ST_CONFLICT,
	SD_ST_REFUSED,
	SD_ST_QUARANTINED,
	SD_ST_COUNT
};
const char *sd_rec_state_name(enum sd_rec_state s);
int sd_rec_state_parse(const char *s); /* "local" gives SD_ST_PENDING; -1 unknown */

struct sd_sort {
	const struct sd_field *field; /* NULL: metadata */
	enum sd_meta meta;
	bool descending;
};

struct sd_query {
	const struct sd_model *model;
	const struct sd_pred *where; /* NULL: all; borrowed */
	const struct sd_sort *sort;  /* ties are broken by key; none: by key... see `by_rid` */
	size_t sort_count;
	bool by_rid;     /* no sort given: insertion order (cheapest) instead of key order */
	int state;       /* enum sd_rec_state, -1: any */
	bool tombstones; /* include _deleted rows */
	bool orphans;    /* only those that belong to a record that is not here */
	int64_t limit;   /* 0: none */
	int64_t offset;  /* rows; prefer the keyset below */
	const struct cJSON *after; /* a record of this very sort: rows strictly behind it */
	bool backwards;    /* rows strictly before `after` (or the last ones), nearest first */
	int64_t after_rid; /* with by_rid: the keyset; 0: none */
};

/* rec is borrowed until the callback returns; return false to stop. rid identifies the row. */
typedef bool (*sd_rec_fn)(void *ctx, struct cJSON *rec, int64_t rid);

/* NOTFOUND (no error text) when absent or a tombstone (unless tombstones). *rec owned. */
SD_MUST_USE enum sd_err sd_rec_get(struct sd_store *st, const struct sd_model *m, const char *key,
	bool tombstones, struct cJSON **rec, struct sd_error *e);
/* The row of a record that carries its key fields; NOTFOUND, *rid 0. */
SD_MUST_USE enum sd_err sd_rec_rid(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *rec, int64_t *rid, struct sd_error *e);
SD_MUST_USE enum sd_err sd_rec_get_rid(struct sd_store *st, const struct sd_model *m, int64_t rid,
	struct cJSON **rec, struct sd_error *e);
SD_MUST_USE enum sd_err sd_rec_query(
	struct sd_store *st, const struct sd_query *q, sd_rec_fn fn, void *ctx, struct sd_error *e);
SD_MUST_USE enum sd_err sd_rec_count(
	struct sd_store *st, const struct sd_query *q, int64_t *out, struct sd_error *e);
/* Live rows of a model, kept as a counter (no scan). */
SD_MUST_USE enum sd_err sd_rec_total(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e);

/* Follows a relation of a record.  hasMany over a join model made for many-to-many gives the other
 * end when through is true.  Nothing there: no callback, SD_OK. */
SD_MUST_USE enum sd_err sd_rec_related(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *rec, const struct sd_field *relation, bool through, sd_rec_fn fn,
	void *ctx, struct sd_error *e);

/* Names of the belongsTo relations of rec that lead to a record that is not here: an array, owned;
 * NULL pointer when there are none. */
SD_MUST_USE enum sd_err sd_rec_orphan(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *rec, struct cJSON **out, struct sd_error *e);

/* Which of two copies of one record is the later one.  Within one life of a key versions and change
 * times (_lastChangedAt, the service's clock) grow together, but for a little that the clocks of
 * its machines differ.  A key whose tombstone expired, or that is deleted for good at once (base
 * TTL 0), can be made again: its versions then start anew at 1, so the two say different things
 * (spec/client.md 7.2; spec/server.md 2.2, 3.1, 10 Y08, M31). */
#define SD_REC_SKEW_MS 100
enum sd_rec_order {
	SD_REC_OLD,   /* the same or older: known already */
	SD_REC_NEW,   /* newer, of the same life */
	SD_REC_ANEW,  /* no higher version, changed later: of a life that began after this one */
	SD_REC_FORMER /* a higher version, changed before: of a life that is over */
};
/* Of a copy with (version, changed) against the one that is known; -1: it has none. */
enum sd_rec_order sd_rec_order(
	int64_t known_version, int64_t known_changed, int64_t version, int64_t changed);
/* b is newer than a, by the rule above; NULL is oldest. */
bool sd_rec_newer(const struct cJSON *a, const struct cJSON *b);

/* The two copies beside a row with unsent changes.  Absent: both NULL, SD_OK.  Owned. */
struct sd_shadow {
	struct cJSON *base, *server; /* records in local form with metadata; NULL: did not exist */
};
SD_MUST_USE enum sd_err sd_shadow_get(struct sd_store *st, const struct sd_model *m,
	const char *key, struct sd_shadow *out, struct sd_error *e);
void sd_shadow_release(struct sd_shadow *s);

#endif
