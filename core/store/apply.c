/*
 * core/store/apply.c - records that arrive from the server; see apply.h.
 *
 * A base sync mostly brings rows that are not here yet: the insert is tried first as long as that
 * goes well, the look-up first as soon as it does not.
 */
#include "core/store/apply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/json/json.h"
#include "core/store/internal.h"

struct apply {
	struct sd_store *st;
	struct sd_table *t;
	enum sd_source source;
	bool base, expect_new, quarantined, refill;
	int64_t now_ms, seen_to;
	int64_t rid_from, rid_to; /* rows created in bulk */
	int64_t visible;          /* of those, not tombstones */
	int64_t *seen;
	size_t seen_count;
	struct sd_buf key;
	struct sd_apply_counts *counts;
	struct sd_error *e;
};

const char *sd_source_name(enum sd_source s)
{
	static const char *const NAME[] = {"local", "sync", "subscription", "mutation"};

	return (size_t)s < sizeof NAME / sizeof *NAME ? NAME[s] : "?";
}

static enum sd_err key_of(struct apply *a, const struct cJSON *item)
{
	enum sd_err rc;

	sd_buf_reset(&a->key);
	rc = sd_key_of(a->t->model, item, &a->key, a->e);
	return rc == SD_NOTFOUND ? SD_INVAL : rc;
}

static enum sd_err line(struct apply *a, const struct cJSON *before, const struct cJSON *item)
{
	struct sd_cause why = {.source = a->source, .now_ms = a->now_ms};
	enum sd_err rc = key_of(a, item);

	if (rc != SD_OK)
		return rc;
	return sd_record_line(a->st, a->t->model, sd_buf_text(&a->key), before, item, &why, a->e);
}

static bool has_key(const struct sd_table *t, const struct cJSON *item)
{
	for (size_t k = 0; k < t->model->pk_count; k++)
		if (sd_json_is_null(sd_json_get(item, t->cols[t->pk[k]].field->name)))
			return false;
	return true;
}

/* NOTFOUND: the key is taken. */
static enum sd_err create(struct apply *a, const struct cJSON *item)
{
	int64_t rid;
	enum sd_err rc = sd_row_insert(a->st, a->t, item, SD_ST_SYNCED, &rid, a->e);
	bool gone = sd_rec_deleted(item);

	if (rc != SD_OK)
		return rc;
	if (rid <= a->seen_to)
		a->seen[a->seen_count++] = rid;
	if (!gone)
		a->counts->created++;
	if (a->base) {
		if (!a->rid_from)
			a->rid_from = rid;
		a->rid_to = rid;
		a->visible += !gone;
		return SD_OK;
	}
	return gone ? SD_OK : line(a, NULL, item);
}

enum news { NEWS_NO, NEWS_YES, NEWS_DOUBTFUL };

/* Is the item news for a row (or shadow) of this version?  client.md 7.2, apply.h */
static enum news is_news(
	const struct apply *a, int64_t version, int64_t changed, const struct cJSON *item)
{
	int64_t v = sd_rec_version(item), c = sd_json_get_i64(item, "_lastChangedAt", -1);

	if (a->base && v >= 0 && v == version && a->refill)
		return NEWS_YES;
	if (a->base && version >= 0 && v >= 0)
		return v > version || c > changed ? NEWS_YES : NEWS_NO;
	switch (sd_rec_order(version, changed, v, c)) {
	case SD_REC_OLD:
		return NEWS_NO;
	case SD_REC_NEW:
		return NEWS_YES;
	case SD_REC_ANEW:
	case SD_REC_FORMER:
		break;
	}
	return NEWS_DOUBTFUL;
}

/* The record has to be read: the item alone cannot say what there is now. */
static enum sd_err doubt(struct apply *a, const struct cJSON *item)
{
	if (!a->st->doubts)
		a->st->doubts = sd_json_array();
	return sd_json_push(a->st->doubts, sd_json_dup(item)) ? SD_OK : sd_db_nomem(a->e, "apply");
}

/* Known already: a duplicate, or the echo of a change of our own. */
static enum sd_err known(struct apply *a, int64_t version, const struct cJSON *item)
{
	enum sd_err rc;

	a->counts->dropped++;
	if (a->source != SD_FROM_SUBSCRIPTION || version < 1 || sd_rec_version(item) != version)
		return SD_OK;
	rc = key_of(a, item);
	if (rc != SD_OK)
		return rc;
	return sd_journal_echo(a->st, a->t->model, sd_buf_text(&a->key), version, a->now_ms, a->e);
}

/* Kept beside the person's unsent changes. */
static enum sd_err put_aside(struct apply *a, const struct sd_rowid *row, const struct cJSON *item)
{
	struct sd_cause why = {.source = a->source, .now_ms = a->now_ms};
	const char *key;
	struct sd_shadow sh;
	enum news news = NEWS_YES;
	int64_t v, c;
	enum sd_err rc = key_of(a, item);

	if (rc != SD_OK)
		return rc;
	key = sd_buf_text(&a->key);
	rc = sd_shadow_get(a->st, a->t->model, key, &sh, a->e);
	if (rc != SD_OK)
		return rc;
	v = sd_rec_version(sh.server);
	c = sd_json_get_i64(sh.server, "_lastChangedAt", -1);
	if (sh.server)
		news = is_news(a, v, c, item);
	if (news == NEWS_NO) {
		rc = known(a, v, item);
	} else if (news == NEWS_DOUBTFUL) {
		rc = doubt(a, item);
	} else {
		struct cJSON *kept = NULL;
		a->counts->shadowed++;
		rc = sd_unmerge_keep(sh.server, item, &kept, a->e);
		if (kept)
			item = kept;
		if (rc == SD_OK)
			rc = sd_shadow_server(a->st, a->t->model, key, item, a->e);
		if (rc == SD_OK && row->state == SD_ST_CONFLICT)
			rc = sd_conflict_theirs(a->st, a->t->model, key, item, a->e);
		sd_json_free(kept);
		if (rc == SD_OK && row->state == SD_ST_REFUSED)
			rc = sd_rebuild(a->st, a->t, key, &why, a->e);
	}
	sd_shadow_release(&sh);
	return rc;
}

static enum sd_err change(struct apply *a, const struct sd_rowid *row, const struct cJSON *item)
{
	struct cJSON *before = NULL;
	bool gone = sd_rec_deleted(item);
	enum sd_err rc = sd_rec_get_rid(a->st, a->t->model, row->rid, &before, a->e);

	if (rc == SD_OK)
		rc = sd_row_update(a->st, a->t, row, item, SD_ST_SYNCED, a->e);
	if (rc == SD_OK)
		rc = line(a, before, item);
	sd_json_free(before);
	if (rc != SD_OK)
		return rc;
	if (row->deleted)
		a->counts->created += !gone;
	else if (gone)
		a->counts->deleted++;
	else
		a->counts->updated++;
	return SD_OK;
}

static enum sd_err meet(struct apply *a, const struct sd_rowid *row, const struct cJSON *item)
{
	if (row->rid <= a->seen_to)
		a->seen[a->seen_count++] = row->rid;
	if (row->state != SD_ST_SYNCED && row->state != SD_ST_QUARANTINED)
		return put_aside(a, row, item);
	switch (is_news(a, row->version, row->changed, item)) {
	case NEWS_NO:
		return known(a, row->version, item);
	case NEWS_DOUBTFUL:
		return doubt(a, item);
	case NEWS_YES:
		break;
	}
	return change(a, row, item);
}

static enum sd_err place_one(struct apply *a, const struct cJSON *item)
{
	struct sd_rowid row;
	enum sd_err rc;

	if (a->expect_new) {
		rc = create(a, item);
		if (rc != SD_NOTFOUND)
			return rc;
		a->expect_new = false;
	}
	rc = sd_row_find(a->st, a->t, item, &row, a->e);
	if (rc == SD_NOTFOUND) {
		a->expect_new = a->base;
		rc = create(a, item);
		assert(rc != SD_NOTFOUND);
		return rc;
	}
	return rc == SD_OK ? meet(a, &row, item) : rc;
}

static enum sd_err apply_one(struct apply *a, const struct cJSON *item)
{
	enum sd_err rc;

	if (!has_key(a->t, item))
		return sd_fail(a->e, SD_INVAL, 0,
			"%s: a record arrived without its key; it cannot be stored",
			a->t->model->name);
	if (!a->quarantined)
		return place_one(a, item);
	/* what arrives whole now is no longer in quarantine */
	rc = key_of(a, item);
	if (rc == SD_OK)
		rc = sd_quarantine_past(
			a->st, a->t->model, sd_buf_text(&a->key), sd_rec_version(item), a->e);
	if (rc == SD_OK)
		rc = place_one(a, item);
	if (rc == SD_OK)
		rc = key_of(a, item);
	return rc == SD_OK ? sd_restate(a->st, a->t, sd_buf_text(&a->key), a->e) : rc;
}

/* Of several of one key the newest goes first; the others are then dropped by their version. */
static enum sd_err newest_only(struct apply *a, const struct cJSON *const *items, size_t n,
	const struct cJSON **out, size_t *count)
{
	struct sd_map at = SD_MAP_INIT;
	enum sd_err rc = SD_OK;

	*count = 0;
	for (size_t i = 0; i < n && rc == SD_OK; i++) {
		const struct cJSON **had = NULL;
		if (!has_key(a->t, items[i])) {
			out[(*count)++] = items[i]; /* refused by name later */
			continue;
		}
		rc = key_of(a, items[i]);
		if (rc != SD_OK)
			break;
		had = sd_map_get(&at, sd_buf_text(&a->key));
		if (had) {
			if (sd_rec_newer(*had, items[i]))
				*had = items[i];
			continue;
		}
		out[*count] = items[i];
		if (!sd_map_put(&at, sd_buf_text(&a->key), &out[*count], NULL))
			rc = sd_db_nomem(a->e, "apply");
		(*count)++;
	}
	sd_map_release(&at, NULL);
	return rc;
}

static enum sd_err marks(struct apply *a)
{
	int64_t bad = 0;
	enum sd_err rc = sd_marks_load(a->st, a->t, a->e);

	a->seen_to = a->t->seen_to;
	a->refill = a->t->refill;
	if (rc == SD_OK)
		rc = sd_quarantine_count(a->st, a->t->model, &bad, a->e);
	a->quarantined = bad > 0;
	return rc;
}

#define LATER_ROWS 5000 /* a load of more than this makes its indexes when it is over */
#define LOOK_ROWS  32   /* rows between looks whether a save waits */

/* A table that was all but empty is being filled: does it get large now? */
static bool gets_large(const struct apply *a)
{
	return a->base && a->seen_to <= LATER_ROWS && a->rid_from <= 4 * LATER_ROWS &&
	       a->rid_to > 2 * LATER_ROWS;
}

static enum sd_err finish(struct apply *a)
{
	struct sd_journal j = {.at_ms = a->now_ms,
		.kind = SD_J_INSERT,
		.model = a->t->model,
		.source = a->source,
		.version = -1,
		.rid_from = a->rid_from,
		.rid_to = a->rid_to};
	enum sd_err rc = SD_OK;

	if (a->visible)
		rc = sd_journal_put(a->st, &j, NULL, a->e);
	if (rc == SD_OK && a->seen_count)
		rc = sd_seen_add(a->st, a->t->model, a->seen, a->seen_count, a->e);
	if (rc == SD_OK && a->rid_from && gets_large(a))
		rc = sd_index_later(a->st, a->t, a->e);
	else if (rc == SD_OK && a->base && a->rid_to > a->st->index_rows && !a->t->is_large)
		rc = sd_index_now(a->st, a->t, a->e);
	a->rid_from = a->rid_to = a->visible = 0;
	a->seen_count = 0;
	return rc;
}

/* A save goes between these rows and the rest. */
static enum sd_err let_save(struct apply *a)
{
	enum sd_err rc = finish(a);

	if (rc == SD_OK)
		rc = sd_store_yield(a->st, a->e);
	return rc == SD_OK ? marks(a) : rc;
}

struct cJSON *sd_apply_doubts(struct sd_store *st)
{
	struct cJSON *out = st->doubts;

	st->doubts = NULL;
	return out;
}

enum sd_err sd_apply(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *const *items, size_t n, enum sd_source source, bool base,
	int64_t now_ms, struct sd_apply_counts *counts, struct sd_error *e)
{
	struct apply a = {.st = st,
		.t = sd_table_of(st, m),
		.source = source,
		.base = base,
		.expect_new = base,
		.now_ms = now_ms,
		.counts = counts,
		.e = e};
	const struct cJSON **pick = NULL;
	enum sd_err rc = SD_OK;

	assert(sd_store_in_txn(st));
	if (now_ms > st->now_ms)
		st->now_ms = now_ms;
	sd_json_free(sd_apply_doubts(st));
	a.seen = malloc((n + 1) * sizeof *a.seen);
	if (!base && n > 1)
		pick = malloc(n * sizeof *pick);
	if (!a.seen || (!base && n > 1 && !pick))
		rc = sd_db_nomem(e, "apply");
	if (rc == SD_OK)
		rc = marks(&a);
	if (rc == SD_OK && pick) {
		rc = newest_only(&a, items, n, pick, &n);
		items = pick;
	}
	for (size_t i = 0; i < n && rc == SD_OK; i++) {
		if (i && i % LOOK_ROWS == 0 && source == SD_FROM_SYNC && sd_store_wanted(st))
			rc = let_save(&a);
		if (rc == SD_OK)
			rc = apply_one(&a, items[i]);
	}
	if (rc == SD_OK)
		rc = finish(&a);
	free(pick);
	free(a.seen);
	sd_buf_release(&a.key);
	return rc;
}
