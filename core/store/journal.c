/* core/store/journal.c - what happened here, in order; see journal.h. */
#include "core/store/internal.h"

#include <assert.h>
#include <stdlib.h>

#include "core/json/json.h"

#define CHUNK 64

enum sd_err sd_journal_put(
	struct sd_store *st, const struct sd_journal *j, int64_t *id, struct sd_error *e)
{
	char *changed = j->changed ? sd_json_text(j->changed) : NULL;
	enum sd_err rc;

	if (j->changed && !changed)
		return sd_db_nomem(e, "journal");
	rc = sd_ids_load(st, e);
	if (rc == SD_OK) {
		if (id)
			*id = st->next_line;
		st->ids_dirty = true;
		rc = sd_db_run(st, Q_JOURNAL_ADD, e, "journal", "idssdissiiidi", j->at_ms,
			(int)j->kind, j->model ? j->model->name : NULL, j->key, (int)j->source,
			j->version, changed, j->text, j->rid_from, j->rid_to, j->seq, (int)j->op,
			st->next_line++);
	}
	free(changed);
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
		.rid_to = sqlite3_column_int64(s, 10),
		.seq = sqlite3_column_int64(s, 11),
		.op = (enum sd_op)sqlite3_column_int(s, 12),
	};
	bool gone = model && !j.model; /* a model the schema no longer has */
	enum sd_err rc = sd_db_json(s, 7, &changed, e);

	j.changed = changed;
	*id = j.id;
	sd_db_reset(s);
	*more = true;
	if (rc == SD_OK && !gone)
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

enum sd_err sd_journal_trim(
	struct sd_store *st, int64_t max_rows, int64_t before_ms, struct sd_error *e)
{
	int64_t last, to, old = 0;
	enum sd_err rc = sd_journal_last(st, &last, e);
	sqlite3_stmt *s;

	assert(sd_store_in_txn(st));
	to = last - max_rows;
	/* times grow with the ids, near enough: the oldest lines go while they are too old */
	while (rc == SD_OK) {
		int64_t seen = old;
		s = sd_db_open(st, Q_JOURNAL_NEXT, e, "id", old, CHUNK);
		rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
		while (rc == SD_OK && sqlite3_column_int64(s, 1) < before_ms) {
			old = sqlite3_column_int64(s, 0);
			rc = sd_db_row(st, s, e, "journal");
		}
		sd_db_reset(s);
		if (rc == SD_NOTFOUND && old != seen)
			rc = SD_OK;
		else
			break;
	}
	if (rc != SD_OK && rc != SD_NOTFOUND)
		return rc;
	if (old > to)
		to = old;
	return to > 0 ? sd_db_run(st, Q_JOURNAL_TRIM, e, "journal", "i", to) : SD_OK;
}
