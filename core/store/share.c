/*
 * core/store/share.c - living beside others on one file: who writes next, how long the WAL gets,
 * and indexes that are made when a base sync is over.
 *
 * The engine's connection gives way to a person's saves (sd_store_defer_to): a long transaction is
 * cut where that does no harm, and it begins no new one before they are through.  It also moves
 * the WAL into the database between its transactions, so that a save never pays for that; other
 * connections do it only while nobody syncs.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/store/internal.h"

#define GIVE_WAY_US    100
#define GIVE_WAY_MS    200  /* a save that takes longer than this waits for the lock like anybody */
#define WAL_MOVE       2000 /* pages (16 MB): from here on they are moved */
#define WAL_CAP        8000 /* 64 MB: from here on writers wait until it starts from the front */
#define WAL_ALONE      1000 /* moved by a save, when nobody syncs */
#define WAL_RESTART_MS 20
#define INDEX_TRIES    4 /* times that an index is put off for a save */

/* ---- who writes next ---- */

void sd_store_defer_to(struct sd_store *st, const atomic_int *waiting, const atomic_bool *stop)
{
	st->waiting = waiting;
	st->stop = stop;
}

static bool wanted(const struct sd_store *st)
{
	return st->waiting && atomic_load(st->waiting) > 0;
}

void sd_store_give_way(struct sd_store *st)
{
	int64_t until = sd_mono_ms() + GIVE_WAY_MS;

	while (wanted(st) && sd_mono_ms() < until && !(st->stop && atomic_load(st->stop)))
		usleep(GIVE_WAY_US);
}

void sd_store_cut_after(struct sd_store *st, int64_t ms)
{
	st->cut_us = ms * 1000;
}

bool sd_store_wanted(const struct sd_store *st)
{
	if (!st->waiting || !sd_store_in_txn(st))
		return false;
	return wanted(st) || (st->cut_us && sd_mono_us() - st->begun_us > st->cut_us);
}

enum sd_err sd_store_yield(struct sd_store *st, struct sd_error *e)
{
	enum sd_err rc = sd_store_commit(st, e);

	/* the rest of the page cannot wait for another occasion: as long as saves hold the lock,
	 * here is nothing else to do */
	while (rc == SD_OK) {
		rc = sd_store_begin(st, e);
		if (rc != SD_BUSY || (st->stop && atomic_load(st->stop)))
			break;
		rc = SD_OK;
	}
	return rc;
}

/* ---- the WAL ---- */

static int on_wal(void *p, sqlite3 *db, const char *name, int pages)
{
	struct sd_store *st = p;

	(void)db, (void)name;
	st->wal_pages = pages;
	return SQLITE_OK;
}

void sd_wal_watch(struct sd_store *st)
{
	sqlite3_wal_hook(st->db, on_wal, st); /* SQLite's own check point at commit ends with it */
}

/* true: everything is in the database, the next writer starts the WAL from the front. */
static bool move(struct sd_store *st, int how)
{
	int busy_ms = st->busy_ms, log = 0, moved = 0, rc;

	st->busy_ms = how == SQLITE_CHECKPOINT_PASSIVE ? 0 : WAL_RESTART_MS;
	rc = sqlite3_wal_checkpoint_v2(st->db, NULL, how, &log, &moved);
	st->busy_ms = busy_ms;
	return rc == SQLITE_OK && log == moved;
}

void sd_store_wal_care(struct sd_store *st)
{
	if (st->wal_pages < WAL_MOVE || sd_store_in_txn(st))
		return;
	/* what a save adds meanwhile is left over; it is little, so that trying again helps */
	for (int i = 0; i < 3 && !move(st, SQLITE_CHECKPOINT_PASSIVE); i++)
		;
	/* even with everything moved a save under way keeps the WAL from starting anew */
	for (int i = 0; i < 10 && st->wal_pages >= WAL_CAP; i++)
		if (move(st, SQLITE_CHECKPOINT_RESTART))
			st->wal_pages = 0;
}

void sd_store_wal_elsewhere(struct sd_store *st)
{
	st->wal_elsewhere = true;
}

bool sd_store_wal_long(const struct sd_store *st)
{
	return st->wal_pages >= WAL_ALONE;
}

void sd_store_wal_move(struct sd_store *st)
{
	if (!sd_lock_engine_pid(st->dir)) /* who syncs looks after it */
		(void)move(st, SQLITE_CHECKPOINT_PASSIVE);
}

void sd_wal_after_commit(struct sd_store *st)
{
	int pages = st->wal_pages;

	/* the engine's own is looked after between its turns, the api's by its helper thread */
	if (st->waiting || pages < (st->wal_elsewhere ? 2 * WAL_CAP : WAL_ALONE))
		return;
	if (pages < 2 * WAL_CAP && sd_lock_engine_pid(st->dir))
		return; /* who syncs looks after it */
	if (move(st, SQLITE_CHECKPOINT_PASSIVE))
		st->wal_pages = 0;
}

/* ---- indexes made later ---- */

#define LATER "index.later:" /* then the model: "loading", then "due" */

static enum sd_err later_put(
	struct sd_store *st, const struct sd_model *m, const char *value, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_fmt(&key, LATER "%s", m->name);
	rc = sd_buf_ok(&key) ? sd_meta_put(st, sd_buf_text(&key), value, e)
			     : sd_db_nomem(e, m->name);
	sd_buf_release(&key);
	return rc;
}

static enum sd_err later_get(
	struct sd_store *st, const struct sd_model *m, char **value, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_fmt(&key, LATER "%s", m->name);
	rc = sd_buf_ok(&key) ? sd_meta_get(st, sd_buf_text(&key), value, e)
			     : sd_db_nomem(e, m->name);
	sd_buf_release(&key);
	return rc;
}

/* SQL that drops the indexes named in the schema of the models; NULL: there is none. */
static enum sd_err drop_sql(
	struct sd_store *st, const struct sd_table *t, struct sd_buf *sql, struct sd_error *e)
{
	static const char SQL[] = "SELECT name FROM sqlite_schema WHERE type='index' AND"
				  " tbl_name=?1 AND substr(name,1,length(?2))=?2";
	struct sd_buf head = SD_BUF_INIT;
	sqlite3_stmt *s = NULL;
	enum sd_err rc;
	int code = sqlite3_prepare_v2(st->db, SQL, -1, &s, NULL);

	sd_buf_fmt(&head, "ix_%s-", t->model->name);
	rc = code == SQLITE_OK ? SD_OK : sd_db_fail(st, code, e, t->model->name);
	if (rc == SD_OK) {
		sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, sd_buf_text(&head), -1, SQLITE_STATIC);
	}
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, t->model->name)) == SD_OK) {
		sd_buf_str(sql, "DROP INDEX ");
		sd_quote_name(sql, (const char *)sqlite3_column_text(s, 0));
		sd_buf_ch(sql, ';');
	}
	sqlite3_finalize(s);
	sd_buf_release(&head);
	if (rc == SD_NOTFOUND)
		rc = sd_buf_ok(sql) ? SD_OK : sd_db_nomem(e, t->model->name);
	return rc;
}

enum sd_err sd_index_drop(struct sd_store *st, struct sd_table *t, bool *any, struct sd_error *e)
{
	struct sd_buf sql = SD_BUF_INIT;
	enum sd_err rc = drop_sql(st, t, &sql, e);

	*any = sql.len > 0;
	if (rc == SD_OK && *any)
		rc = sd_db_exec(st, sd_buf_text(&sql), e, t->model->name);
	sd_buf_release(&sql);
	return rc;
}

enum sd_err sd_index_later(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	bool any = false;
	enum sd_err rc = sd_index_drop(st, t, &any, e);

	return rc == SD_OK && any ? later_put(st, t->model, "loading", e) : rc;
}

enum sd_err sd_load_end(struct sd_store *st, const struct sd_model *m, struct sd_error *e)
{
	char *had = NULL;
	enum sd_err rc = later_get(st, m, &had, e);

	if (rc == SD_OK && sd_str_eq(had, "loading"))
		rc = later_put(st, m, "due", e);
	if (rc == SD_OK && had)
		st->index_due = true;
	free(had);
	return rc;
}

enum sd_err sd_index_now(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	enum sd_err rc = sd_load_end(st, t->model, e);

	t->is_large = rc == SD_OK;
	st->index_urgent |= rc == SD_OK && st->index_due;
	return rc;
}

bool sd_store_indexes_urgent(const struct sd_store *st)
{
	return st->index_due && st->index_urgent;
}

/* While an index is made: a save that waits goes first, some times; the end of the thread always. */
static int put_off(void *p)
{
	const struct sd_store *st = p;

	return (st->stop && atomic_load(st->stop)) || (wanted(st) && st->index_tries < INDEX_TRIES);
}

void sd_sort_small(struct sd_store *st, bool on)
{
	/* where it fails the sort takes more memory: nothing else is wrong */
	(void)sqlite3_exec(st->db,
		on ? "PRAGMA temp_store=FILE;PRAGMA cache_size=" SD_CACHE_SORT
		   : "PRAGMA temp_store=MEMORY;PRAGMA cache_size=" SD_CACHE_WRITE,
		NULL, NULL, NULL);
}

/* One index, in a transaction of its own: others write between two of them.  *made: there was one
 * to make. */
static enum sd_err make_index(
	struct sd_store *st, struct sd_table *t, bool *made, struct sd_error *e)
{
	enum sd_err rc = sd_store_begin(st, e);

	*made = false;
	if (rc != SD_OK)
		return rc;
	sqlite3_progress_handler(st->db, 2000, put_off, st);
	rc = sd_table_index_one(st, t, made, e);
	sqlite3_progress_handler(st->db, 0, NULL, NULL);
	if (rc == SD_OK && !*made)
		rc = later_put(st, t->model, NULL, e);
	if (rc == SD_OK)
		rc = sd_store_commit(st, e);
	if (rc != SD_OK)
		sd_store_rollback(st);
	return rc;
}

static enum sd_err make_indexes(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	bool more = true;
	enum sd_err rc = SD_OK;

	while (rc == SD_OK && more) {
		rc = make_index(st, t, &more, e);
		st->index_tries = rc == SD_OK ? 0 : st->index_tries;
	}
	return rc;
}

bool sd_store_indexes_due(const struct sd_store *st)
{
	return st->index_due;
}

enum sd_err sd_store_indexes(struct sd_store *st, struct sd_error *e)
{
	if (!st->index_due)
		return SD_OK;
	sd_store_forget_pages(st);
	for (size_t i = 0; i < st->schema->model_count; i++) {
		struct sd_table *t = &st->tables[i];
		char *state = NULL;
		enum sd_err rc = later_get(st, t->model, &state, e);
		bool due = rc == SD_OK && sd_str_eq(state, "due");

		free(state);
		if (rc != SD_OK)
			return rc;
		if (!due)
			continue;
		sd_sort_small(st, true);
		rc = make_indexes(st, t, e);
		sd_sort_small(st, false);
		if (rc == SD_CANCELLED || rc == SD_BUSY) {
			st->index_tries++;
			return SD_OK;
		}
		if (rc != SD_OK)
			return rc;
		st->index_tries = 0;
	}
	st->index_due = st->index_urgent = false;
	return SD_OK;
}
