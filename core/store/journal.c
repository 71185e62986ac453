/* core/store/journal.c - what happened here, in order; see journal.h. */
#include "core/store/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/json/json.h"

#define CHUNK      64
#define KEEP_LINES 2000 /* trimmed in one transaction */
#define KEEP_SLACK 256  /* lines over the cap that are worth one */
#define KEEP_MS    200

enum sd_err sd_journal_put(
	struct sd_store *st, const struct sd_journal *j, int64_t *id, struct sd_error *e)
{
	char *changed = j->changed ? sd_json_text(j->changed) : NULL;
	/* a line about one record has no range of rows: the place holds the version before */
	int64_t to = j->rid_from ? j->rid_to : j->version_before > 0 ? j->version_before : 0;
	enum sd_err rc;

	if (j->changed && !changed)
		return sd_db_nomem(e, "journal");
	rc = sd_journal_bulk_end(st, e);
	if (rc == SD_OK)
		rc = sd_ids_load(st, e);
	if (rc == SD_OK) {
		if (id)
			*id = st->next_line;
		st->ids_dirty = true;
		rc = sd_db_run(st, Q_JOURNAL_ADD, e, "journal", "idssdissiiidi", j->at_ms,
			(int)j->kind, j->model ? j->model->name : NULL, j->key, (int)j->source,
			j->version, changed, j->text, j->rid_from, to, j->seq, (int)j->op,
			st->next_line++);
	}
	free(changed);
	return rc;
}

enum sd_err sd_journal_bulk_end(struct sd_store *st, struct sd_error *e)
{
	struct sd_journal j = st->bulk;

	st->bulk.rid_from = 0;
	return j.rid_from ? sd_journal_put(st, &j, NULL, e) : SD_OK;
}

enum sd_err sd_journal_bulk(struct sd_store *st, const struct sd_model *m, int64_t rid,
	int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (now_ms > st->now_ms)
		st->now_ms = now_ms;
	if (st->bulk.rid_from && st->bulk.model == m && st->bulk.rid_to + 1 == rid) {
		st->bulk.rid_to = rid;
		return SD_OK;
	}
	rc = sd_journal_bulk_end(st, e);
	st->bulk = (struct sd_journal){.at_ms = now_ms,
		.kind = SD_J_INSERT,
		.model = m,
		.source = SD_FROM_LOCAL,
		.version = -1,
		.rid_from = rid,
		.rid_to = rid};
	return rc;
}

/* Copies one line out of a row, gives it to fn after the statement is reset, so that fn may use
 * the journal itself.  *more false: fn stopped. */
static enum sd_err give(struct sd_store *st, sqlite3_stmt *s, sd_journal_fn fn, void *ctx,
	int64_t *id, bool *more, struct sd_error *e)
{
	const char *model = (const char *)sqlite3_column_text(s, 3);
	char *key = sd_db_dup(s, 4), *text = sd_db_dup(s, 8);
	struct cJSON *changed = NULL;
	struct sd_journal j = {
		.id = sqlite3_column_int64(s, 0),
		.at_ms = sqlite3_column_int64(s, 1),
		.kind = (enum sd_jkind)sqlite3_column_int(s, 2),
		.model = model ? sd_schema_model(st->schema, model) : NULL,
		.key = key,
		.source = (enum sd_source)sqlite3_column_int(s, 5),
		.version = sqlite3_column_int64(s, 6),
		.text = text,
		.rid_from = sqlite3_column_int64(s, 9),
		.seq = sqlite3_column_int64(s, 11),
		.op = (enum sd_op)sqlite3_column_int(s, 12),
	};
	int64_t to = sqlite3_column_int64(s, 10);
	/* of a model the schema no longer has, or of a kind that a newer program wrote */
	bool strange = (model && !j.model) || (size_t)j.kind >= SD_J_KIND_COUNT;
	enum sd_err rc = sd_db_json(s, 7, &changed, e);

	j.rid_to = j.rid_from ? to : 0;
	j.echo_ms = j.kind == SD_J_OUTBOX ? to : 0;
	j.version_before = !j.rid_from && !j.echo_ms && to > 0 ? to : -1;
	j.changed = changed;
	*id = j.id;
	sd_db_reset(s);
	*more = true;
	if (rc == SD_OK && !strange)
		*more = fn(ctx, &j);
	sd_json_free(changed);
	free(key);
	free(text);
	return rc;
}

enum sd_err sd_journal_each(struct sd_store *st, int64_t after, int64_t limit, sd_journal_fn fn,
	void *ctx, struct sd_error *e)
{
	bool more = true;

	for (int64_t n = 0; more && (limit <= 0 || n < limit); n++) {
		sqlite3_stmt *s = sd_db_open(st, Q_JOURNAL_NEXT, e, "id", after, 1);
		enum sd_err rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
		if (rc == SD_OK)
			rc = give(st, s, fn, ctx, &after, &more, e);
		else
			sd_db_reset(s);
		if (rc != SD_OK)
			return rc == SD_NOTFOUND ? SD_OK : rc;
	}
	return SD_OK;
}

/* The line of the base sync page that brought the record: its rid range holds the row's. */
static enum sd_err bulk_line(struct sd_store *st, const struct sd_model *m, int64_t rid,
	sd_journal_fn fn, void *ctx, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_JOURNAL_RANGE, e, "si", m->name, rid);
	enum sd_err rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
	int64_t id;
	bool more;

	if (rc == SD_OK && sqlite3_column_int64(s, 10) >= rid)
		return give(st, s, fn, ctx, &id, &more, e);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_journal_of(struct sd_store *st, const struct sd_model *m, const char *key,
	int64_t limit, sd_journal_fn fn, void *ctx, struct sd_error *e)
{
	int64_t before = INT64_MAX, n = 0;
	struct sd_rowid row;
	bool more = true;
	enum sd_err rc = SD_OK;

	while (more && (limit <= 0 || n < limit)) {
		sqlite3_stmt *s = sd_db_open(st, Q_JOURNAL_OF, e, "ssi", m->name, key, before);
		rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
		if (rc == SD_OK)
			rc = give(st, s, fn, ctx, &before, &more, e);
		else
			sd_db_reset(s);
		if (rc != SD_OK)
			break;
		n++;
	}
	if (rc != SD_NOTFOUND)
		return rc;
	rc = sd_row_find_key(st, sd_table_of(st, m), key, &row, e);
	if (rc == SD_OK && more && (limit <= 0 || n < limit))
		return bulk_line(st, m, row.rid, fn, ctx, e);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_journal_recent(struct sd_store *st, enum sd_jkind kind, int64_t limit,
	sd_journal_fn fn, void *ctx, struct sd_error *e)
{
	int64_t before = INT64_MAX;
	bool more = true;

	for (int64_t n = 0; more && (limit <= 0 || n < limit); n++) {
		sqlite3_stmt *s =
			kind == SD_J_OUTBOX /* which has an index */
				? sd_db_open(st, Q_JOURNAL_OUTBOX, e, "i", before)
				: sd_db_open(st, Q_JOURNAL_RECENT, e, "di", (int)kind, before);
		enum sd_err rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
		if (rc == SD_OK)
			rc = give(st, s, fn, ctx, &before, &more, e);
		else
			sd_db_reset(s);
		if (rc != SD_OK)
			return rc == SD_NOTFOUND ? SD_OK : rc;
	}
	return SD_OK;
}

enum sd_err sd_journal_last(struct sd_store *st, int64_t *id, struct sd_error *e)
{
	enum sd_err rc = sd_ids_load(st, e);

	*id = rc == SD_OK ? st->next_line - 1 : 0;
	return rc;
}

enum sd_err sd_journal_echo(struct sd_store *st, const struct sd_model *m, const char *key,
	int64_t version, int64_t now_ms, struct sd_error *e)
{
	return sd_db_run(st, Q_JOURNAL_ECHO, e, "journal", "ssii", m->name, key, version, now_ms);
}

/* The newest id among the lines from the oldest on that are too old, of the first KEEP_LINES; 0:
 * none.  Times grow with the ids, near enough. */
static enum sd_err too_old(struct sd_store *st, int64_t before_ms, int64_t *old, struct sd_error *e)
{
	int64_t n = 0;
	bool more = true;
	enum sd_err rc = SD_OK;

	for (*old = 0; rc == SD_OK && more && n < KEEP_LINES;) {
		int64_t seen = *old;
		sqlite3_stmt *s = sd_db_open(st, Q_JOURNAL_NEXT, e, "id", *old, CHUNK);
		rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
		while (rc == SD_OK && sqlite3_column_int64(s, 1) < before_ms) {
			*old = sqlite3_column_int64(s, 0);
			n++;
			rc = sd_db_row(st, s, e, "journal");
		}
		sd_db_reset(s);
		more = rc == SD_NOTFOUND && *old != seen;
		if (rc == SD_NOTFOUND)
			rc = SD_OK;
	}
	return rc;
}

/* The lines up to that id go, and with them what undo remembers from that time. */
static enum sd_err drop_to(struct sd_store *st, int64_t to, struct sd_error *e)
{
	static const char *const KIND[] = {"kept", "redo"};
	enum sd_err rc = sd_db_run(st, Q_JOURNAL_TRIM, e, "journal", "i", to);
	char from[8], end[40];

	for (size_t i = 0; rc == SD_OK && i < sizeof KIND / sizeof *KIND; i++) {
		snprintf(from, sizeof from, "%s:", KIND[i]);
		snprintf(end, sizeof end, "%s:%020lld;", KIND[i], (long long)to);
		rc = sd_db_run(st, Q_META_DROP, e, "journal", "ss", from, end);
	}
	return rc;
}

/* Up to which id lines may go now, and how many those are at most; 0: not worth it yet. */
static enum sd_err over_cap(
	struct sd_store *st, int64_t max_rows, int64_t before_ms, int64_t *to, struct sd_error *e)
{
	int64_t last, first = 0, old = 0, slack = KEEP_SLACK;
	sqlite3_stmt *s;
	enum sd_err rc = sd_journal_last(st, &last, e);

	*to = 0;
	if (rc != SD_OK)
		return rc;
	s = sd_db_open(st, Q_JOURNAL_NEXT, e, "id", (int64_t)0, 1);
	rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
	if (rc == SD_OK)
		first = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	if (max_rows > 0 && slack > max_rows / 8)
		slack = max_rows / 8;
	if (before_ms > 0)
		rc = too_old(st, before_ms, &old, e);
	*to = max_rows > 0 ? last - max_rows : 0;
	if (old > *to)
		*to = old;
	if (*to - first < slack)
		*to = 0;
	else if (*to - first > KEEP_LINES)
		*to = first + KEEP_LINES;
	return rc;
}

void sd_journal_keep(struct sd_store *st, int64_t max_rows, int64_t max_age_ms, int64_t now_ms)
{
	int64_t end = sd_mono_ms() + KEEP_MS, before = max_age_ms > 0 ? now_ms - max_age_ms : 0, to;
	enum sd_err rc;

	assert(!sd_store_in_txn(st));
	do {
		to = 0;
		rc = over_cap(st, max_rows, before, &to, NULL);
		if (rc != SD_OK || to <= 0)
			break;
		rc = sd_store_begin(st, NULL);
		if (rc == SD_OK)
			rc = drop_to(st, to, NULL);
		if (rc == SD_OK)
			rc = sd_store_commit(st, NULL);
		sd_store_rollback(st);
	} while (rc == SD_OK && sd_mono_ms() < end);
}
