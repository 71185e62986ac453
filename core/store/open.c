/* core/store/open.c - opening a connection: file, pragmas, fixed tables; see store.h. */
#include "core/store/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/json/json.h"

#define APPLICATION_ID 1396982834 /* "SDX2": says that a database file is ours */
#define LAYOUT         1

static const char TABLES[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY,value TEXT) WITHOUT ROWID;"
	"CREATE TABLE counter(model TEXT PRIMARY KEY,live INTEGER NOT NULL,"
	"next_rid INTEGER NOT NULL) WITHOUT ROWID;"
	"CREATE TABLE shadow(model TEXT NOT NULL,key TEXT NOT NULL,base TEXT,server TEXT,"
	"PRIMARY KEY(model,key)) WITHOUT ROWID;"
	"CREATE TABLE outbox(seq INTEGER PRIMARY KEY,op INTEGER NOT NULL,"
	"model TEXT NOT NULL,key TEXT NOT NULL,fields TEXT NOT NULL,was TEXT,condition TEXT,"
	"version INTEGER NOT NULL DEFAULT -1,lane INTEGER NOT NULL DEFAULT 0,"
	"unknown INTEGER NOT NULL DEFAULT 0,attempts INTEGER NOT NULL DEFAULT 0,"
	"conflict_attempts INTEGER NOT NULL DEFAULT 0,next_try_ms INTEGER NOT NULL DEFAULT 0,"
	"error_type TEXT,error_message TEXT,enqueued_ms INTEGER NOT NULL,sender TEXT,"
	"touched INTEGER NOT NULL DEFAULT 0,grp INTEGER NOT NULL DEFAULT 0,"
	"waits INTEGER NOT NULL DEFAULT 0);" SD_OUTBOX_RECORD
	"CREATE INDEX outbox_lane ON outbox(lane,seq) WHERE lane<>0;"
	"CREATE INDEX outbox_due ON outbox(next_try_ms) WHERE next_try_ms>0;"
	"CREATE INDEX outbox_delete ON outbox(seq) WHERE op=2;"
	"CREATE TABLE conflict(id INTEGER PRIMARY KEY AUTOINCREMENT,seq INTEGER NOT NULL UNIQUE,"
	"model TEXT NOT NULL,key TEXT NOT NULL,shape INTEGER NOT NULL,base TEXT,mine TEXT,"
	"theirs TEXT,found_ms INTEGER NOT NULL);"
	"CREATE TABLE quarantine(id INTEGER PRIMARY KEY AUTOINCREMENT,model TEXT NOT NULL,"
	"key TEXT,path TEXT,raw TEXT,reason TEXT,at INTEGER NOT NULL,UNIQUE(model,key));"
	"CREATE TABLE sync(model TEXT PRIMARY KEY,kind INTEGER NOT NULL DEFAULT 0,"
	"last_sync_ms INTEGER NOT NULL DEFAULT 0,last_full_ms INTEGER NOT NULL DEFAULT 0,"
	"synced_at_ms INTEGER NOT NULL DEFAULT 0,expression TEXT,page_token TEXT,"
	"page_base INTEGER NOT NULL DEFAULT 0,page_last_sync INTEGER NOT NULL DEFAULT 0,"
	"page_started_ms INTEGER NOT NULL DEFAULT 0,"
	"page_started_last_ms INTEGER NOT NULL DEFAULT 0,page_rows INTEGER NOT NULL DEFAULT 0,"
	"page_size INTEGER NOT NULL DEFAULT 0,sweep_rid INTEGER NOT NULL DEFAULT 0,why TEXT,"
	"error TEXT,failures INTEGER NOT NULL DEFAULT 0,new_rows INTEGER NOT NULL DEFAULT 0,"
	"updated_rows INTEGER NOT NULL DEFAULT 0,deleted_rows INTEGER NOT NULL DEFAULT 0,"
	"bytes INTEGER NOT NULL DEFAULT 0,seen_to INTEGER NOT NULL DEFAULT 0,"
	"refill INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE seen(model TEXT NOT NULL,chunk INTEGER NOT NULL,bits BLOB NOT NULL,"
	"PRIMARY KEY(model,chunk)) WITHOUT ROWID;"
	"CREATE TABLE journal(id INTEGER PRIMARY KEY,at INTEGER NOT NULL,"
	"kind INTEGER NOT NULL,model TEXT,key TEXT,source INTEGER NOT NULL,"
	"version INTEGER NOT NULL DEFAULT -1,changed TEXT,text TEXT,"
	"rid_from INTEGER NOT NULL DEFAULT 0,rid_to INTEGER NOT NULL DEFAULT 0,"
	"seq INTEGER NOT NULL DEFAULT 0,op INTEGER NOT NULL DEFAULT 0);"
	"CREATE INDEX journal_record ON journal(model,key,id) WHERE key IS NOT NULL;"
	"CREATE INDEX journal_range ON journal(model,rid_from) WHERE rid_from>0;"
	"CREATE INDEX journal_outbox ON journal(kind) WHERE kind=4;";

static int wait_busy(void *p, int n)
{
	struct sd_store *st = p;

	if (n == 0)
		st->busy_from = sd_mono_ms();
	if (sd_mono_ms() - st->busy_from >= st->busy_ms)
		return 0;
	/* short naps: a save must not wait longer than the writer ahead of it holds the lock */
	usleep(n < 20 ? 300 : 1000);
	return 1;
}

/* Made by us first, so that it never exists with a wider mode; but an existing one is not touched:
 * closing any descriptor of it would drop the locks that other connections of this process hold,
 * and the next process to leave would remove the WAL under them. */
static enum sd_err make_file(struct sd_store *st, const char *dir, struct sd_error *e)
{
	enum sd_err rc = sd_mkdir_p(dir, e);
	int fd;

	if (rc == SD_OK && !sd_is_file(st->path))
		rc = sd_place_fresh(st, e);
	if (rc != SD_OK)
		return rc;
	fd = open(st->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0 && errno != EEXIST)
		return sd_fail(e, SD_IO, errno,
			"cannot make the store %s: %s; nothing was changed; see that the directory "
			"is yours and writable",
			st->path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return SD_OK;
}

/* SQLite counts every byte it allocates, behind a lock that all threads share.  Nobody asks for the
 * count.  Too late when something else of this process has used SQLite before: then it counts. */
static void count_nothing(void)
{
	(void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

/* Where SQLite sorts what does not fit into memory: beside the store, for nobody else's eyes, and
 * never in a file system that is memory.  For the life of the process: the first store's. */
static bool sort_beside(const char *dir)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	bool ok;

	pthread_mutex_lock(&lock);
	if (!sqlite3_temp_directory)
		sqlite3_temp_directory = sqlite3_mprintf("%s", dir);
	ok = sqlite3_temp_directory != NULL;
	pthread_mutex_unlock(&lock);
	return ok;
}

static enum sd_err open_file(struct sd_store *st, const struct sd_store_opts *o, struct sd_error *e)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
	enum sd_err rc;

	pthread_once(&once, count_nothing);
	if (!st->read_only && !sort_beside(o->dir))
		return sd_db_nomem(e, "opening the store");

	if (st->read_only && !sd_is_file(st->path))
		return sd_fail(e, SD_NOTFOUND, 0, "%s: there is no store yet", st->path);
	rc = st->read_only ? SD_OK : make_file(st, o->dir, e);
	if (rc == SD_OK)
		rc = sd_place_check(st, e);
	if (rc != SD_OK)
		return rc;
	if (sqlite3_open_v2(st->path, &st->db, flags, o->vfs) != SQLITE_OK) {
		if (!st->db)
			return sd_db_nomem(e, "opening the store");
		return sd_db_fail(st, sqlite3_extended_errcode(st->db), e, "opening the store");
	}
	sqlite3_extended_result_codes(st->db, 1);
	sqlite3_busy_handler(st->db, wait_busy, st);
	return SD_OK;
}

static enum sd_err set_pragmas(struct sd_store *st, struct sd_error *e)
{
	static const char writer[] = "PRAGMA page_size=8192;PRAGMA journal_mode=WAL;"
				     "PRAGMA synchronous=FULL;PRAGMA secure_delete=ON;"
				     "PRAGMA cache_size=" SD_CACHE_WRITE ";"
				     "PRAGMA temp_store=MEMORY;PRAGMA foreign_keys=OFF;";
	/* damaged: no check of its size, no belief in its list of tables */
	static const char salvage[] = "PRAGMA writable_schema=ON;PRAGMA query_only=ON;"
				      "PRAGMA temp_store=MEMORY;";
	static const char reader[] = "PRAGMA query_only=ON;PRAGMA cache_size=-16384;"
				     "PRAGMA temp_store=MEMORY;";

	if (st->salvage)
		return sd_db_exec(st, salvage, e, "opening the damaged store");
	/* schemas come from files of ours, but the file may have been swapped under us */
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(st->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	return sd_db_exec(st, st->read_only ? reader : writer, e, "opening the store");
}

enum sd_err sd_store_relax(struct sd_store *st, bool on, struct sd_error *e)
{
	return sd_db_exec(st, on ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL", e,
		"opening the store");
}

/* Ours, empty, or somebody else's? */
static enum sd_err identify(struct sd_store *st, bool *empty, struct sd_error *e)
{
	int64_t id, tables, layout;
	enum sd_err rc = sd_db_int(st, "PRAGMA application_id", &id, e);

	if (rc == SD_OK)
		rc = sd_db_int(st, "SELECT count(*) FROM sqlite_schema", &tables, e);
	if (rc == SD_OK)
		rc = sd_db_int(st, "PRAGMA user_version", &layout, e);
	if (rc != SD_OK)
		return rc;
	*empty = tables == 0;
	if (!*empty && id != APPLICATION_ID)
		return sd_fail(e, SD_INVAL, 0,
			"%s is a database, but not a syncdeck store; give another --data-dir",
			st->path);
	if (!*empty && layout > LAYOUT)
		return sd_fail(e, SD_INVAL, 0,
			"%s was written by a newer syncdeck (layout %lld); use that one", st->path,
			(long long)layout);
	return SD_OK;
}

static enum sd_err make_tables(struct sd_store *st, struct sd_error *e)
{
	char sql[96];
	bool empty = false;
	enum sd_err rc = sd_store_begin(st, e);

	if (rc != SD_OK)
		return rc;
	rc = identify(st, &empty, e); /* again: another process may have been quicker */
	if (rc == SD_OK && empty) {
		snprintf(sql, sizeof sql, "PRAGMA application_id=%d;PRAGMA user_version=%d",
			APPLICATION_ID, LAYOUT);
		rc = sd_db_exec(st, sql, e, "making the store");
		if (rc == SD_OK)
			rc = sd_db_exec(st, TABLES, e, "making the store");
	}
	if (rc == SD_OK)
		return sd_store_commit(st, e);
	sd_store_rollback(st);
	return rc;
}

/* Requests of a process that died are over: their outcome is unknown.  Those of one that still
 * syncs are its business. */
static enum sd_err recover_sending(struct sd_store *st, struct sd_error *e)
{
	int64_t n = 0;
	int pid = sd_lock_engine_pid(st->dir);
	enum sd_err rc;
	char sql[320];

	if (pid && pid != (int)getpid())
		return SD_OK;
	snprintf(sql, sizeof sql, "SELECT count(*) FROM outbox WHERE lane=%d%s%s%s",
		SD_LANE_SENDING, pid ? " AND sender IS NOT '" : "", pid ? sd_sender() : "",
		pid ? "'" : "");
	rc = sd_db_int(st, sql, &n, e);
	if (rc != SD_OK || n == 0)
		return rc;
	rc = sd_store_begin(st, e);
	if (rc == SD_OK)
		rc = sd_outbox_recover(st, pid ? sd_sender() : NULL, e);
	if (rc == SD_OK)
		return sd_store_commit(st, e);
	sd_store_rollback(st);
	return rc;
}

/* The WAL of the last session was taken away: the store is as old as its last checkpoint. */
static enum sd_err tell_loss(struct sd_store *st, struct sd_error *e)
{
	struct sd_journal j = {.at_ms = st->now_ms,
		.kind = SD_J_SYNC,
		.version = -1,
		.text = "store.db-wal was taken away: changes of the last session may be missing"};
	enum sd_err rc = sd_store_begin(st, e);

	if (rc == SD_OK)
		rc = sd_journal_put(st, &j, NULL, e);
	if (rc == SD_OK)
		return sd_store_commit(st, e);
	sd_store_rollback(st);
	return rc;
}

static enum sd_err prepare_store(struct sd_store *st, struct sd_error *e)
{
	bool empty = false;
	enum sd_err rc = set_pragmas(st, e);

	if (rc == SD_OK)
		rc = identify(st, &empty, e);
	if (rc == SD_OK && st->salvage && !empty)
		return SD_OK;
	if (rc == SD_OK && empty && st->read_only)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: there is no store yet", st->path);
	if (rc == SD_OK && empty)
		rc = make_tables(st, e);
	if (rc == SD_OK)
		rc = sd_migrate(st, e);
	st->migrated = rc == SD_OK;
	if (rc == SD_OK && !st->read_only) {
		sd_wal_watch(st);
		st->index_due = true; /* perhaps: the last process may have left some */
		rc = recover_sending(st, e);
	}
	if (rc == SD_OK && !st->read_only)
		rc = sd_boot_look(st, e);
	if (rc == SD_OK && !st->read_only && st->wal_lost)
		rc = tell_loss(st, e);
	if (rc == SD_OK && !st->read_only)
		rc = sd_place_made(st, e);
	return rc;
}

enum sd_err sd_store_open(const struct sd_store_opts *o, struct sd_store **out, struct sd_error *e)
{
	return sd_store_open_as(o, SD_STORE_FILE, false, out, e);
}

enum sd_err sd_store_open_as(const struct sd_store_opts *o, const char *name, bool salvage,
	struct sd_store **out, struct sd_error *e)
{
	struct sd_store *st = calloc(1, sizeof *st);
	enum sd_err rc;

	*out = NULL;
	if (!st)
		return sd_db_nomem(e, "opening the store");
	st->schema = o->schema;
	st->salvage = salvage;
	st->read_only = o->read_only || salvage;
	st->no_backend = o->no_backend;
	st->now_ms = o->now_ms;
	st->index_rows = SD_INDEX_ROWS;
	st->busy_ms = o->busy_ms ? o->busy_ms : 2000;
	st->dir = strdup(o->dir);
	st->path = sd_path_join(o->dir, name);
	if (!st->dir || !st->path) {
		rc = sd_db_nomem(e, "opening the store");
		goto fail;
	}
	rc = open_file(st, o, e);
	if (rc == SD_OK)
		rc = sd_tables_init(st, e);
	if (rc == SD_OK)
		rc = prepare_store(st, e);
	if (rc != SD_OK)
		goto fail;
	if (o->read_only)
		st->busy_ms = o->busy_ms; /* only opening waits */
	*out = st;
	return SD_OK;
fail:
	sd_store_close(st);
	return rc;
}

void sd_store_close(struct sd_store *st)
{
	if (!st)
		return;
	if (st->db) {
		sd_store_rollback(st);
		for (size_t i = 0; i < Q_COUNT; i++)
			sqlite3_finalize(st->q[i]);
		for (size_t i = 0; i < SD_KEPT; i++) {
			sqlite3_finalize(st->kept[i].s);
			free(st->kept[i].sql);
		}
		sd_tables_release(st);
		sqlite3_close_v2(st->db);
	} else {
		sd_tables_release(st);
	}
	sd_buf_release(&st->text);
	sd_json_free(st->doubts);
	free(st->dir);
	free(st->path);
	free(st);
}
