/* core/store/db.c - prepared statements; see internal.h. */
#include "core/store/internal.h"

#include <stdarg.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

#define ENTRY                                                                                      \
	"seq,op,model,key,fields,condition,version,lane,unknown,attempts,conflict_attempts,"       \
	"next_try_ms,error_type,error_message,enqueued_ms"
#define JOURNAL "id,at,kind,model,key,source,version,changed,text,rid_from,rid_to,seq,op"
#define SYNC                                                                                       \
	"kind,last_sync_ms,last_full_ms,synced_at_ms,expression,page_token,page_base,"             \
	"page_last_sync,page_started_ms,page_started_last_ms,page_rows,page_size,sweep_rid,why,"   \
	"error,failures,new_rows,updated_rows,deleted_rows,bytes"

static const char *const QUERY[Q_COUNT] = {
	[Q_BEGIN] = "BEGIN IMMEDIATE",
	[Q_COMMIT] = "COMMIT",
	[Q_READ] = "BEGIN",
	[Q_DATA_VERSION] = "PRAGMA data_version",
	[Q_META_GET] = "SELECT value FROM meta WHERE key=?1",
	[Q_META_PUT] = "INSERT INTO meta(key,value) VALUES(?1,?2)"
		       " ON CONFLICT(key) DO UPDATE SET value=?2",
	[Q_META_DEL] = "DELETE FROM meta WHERE key=?1",
	[Q_META_LAST] = "SELECT key,value FROM meta WHERE key>=?1 AND key<?2"
			" ORDER BY key DESC LIMIT 1",
	[Q_META_DROP] = "DELETE FROM meta WHERE key>=?1 AND key<?2",
	[Q_KEPT_TRIM] = "DELETE FROM meta WHERE key>='kept:' AND key<'kept;' AND substr(key,6,20)"
			" NOT IN (SELECT DISTINCT substr(key,6,20) FROM meta WHERE key>='kept:'"
			" AND key<'kept;' ORDER BY 1 DESC LIMIT ?1)",
	[Q_COUNTER_GET] = "SELECT live,next_rid FROM counter WHERE model=?1",
	[Q_COUNTER_PUT] = "INSERT INTO counter(model,live,next_rid) VALUES(?1,?2,?3)"
			  " ON CONFLICT(model) DO UPDATE SET live=?2,next_rid=?3",
	[Q_SHADOW_GET] = "SELECT base,server FROM shadow WHERE model=?1 AND key=?2",
	[Q_SHADOW_PUT] = "INSERT INTO shadow(model,key,base,server) VALUES(?1,?2,?3,?4)"
			 " ON CONFLICT(model,key) DO UPDATE SET base=?3,server=?4",
	[Q_SHADOW_SERVER] = "INSERT INTO shadow(model,key,server) VALUES(?1,?2,?3)"
			    " ON CONFLICT(model,key) DO UPDATE SET server=?3",
	[Q_SHADOW_DEL] = "DELETE FROM shadow WHERE model=?1 AND key=?2",
	[Q_ENTRY_ADD] = "INSERT INTO outbox(op,model,key,fields,was,condition,version,enqueued_ms,"
			"grp,seq,touched,waits) VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12)",
	[Q_ENTRY_GET] = "SELECT " ENTRY " FROM outbox WHERE seq=?1 AND lane<9",
	[Q_ENTRY_NEXT] =
		"SELECT " ENTRY " FROM outbox WHERE seq>?1 AND lane<9 ORDER BY seq LIMIT 1",
	[Q_ENTRY_NEXT_LANE] = "SELECT " ENTRY " FROM outbox WHERE lane=?2 AND lane<>0 AND seq>?1"
			      " ORDER BY seq LIMIT 1",
	[Q_ENTRY_NEXT_WAITING] =
		"SELECT " ENTRY " FROM outbox WHERE lane=0 AND seq>?1 ORDER BY seq LIMIT 1",
	[Q_ENTRY_OF] = "SELECT " ENTRY " FROM outbox WHERE model=?1 AND key=?2 AND lane<9"
		       " ORDER BY seq",
	[Q_ENTRY_FIELDS] = "UPDATE outbox SET op=?2,fields=?3,was=?4,version=?5,waits=0"
			   " WHERE seq=?1",
	[Q_ENTRY_LANE] = "UPDATE outbox SET lane=?2,unknown=?3,next_try_ms=?4,sender=?5"
			 " WHERE seq=?1",
	[Q_ENTRY_RETRY] = "UPDATE outbox SET lane=?2,unknown=?3,next_try_ms=?4,"
			  "attempts=attempts+?5,error_type=?6,error_message=?7,sender=NULL"
			  " WHERE seq=?1",
	[Q_ENTRY_DEL] = "DELETE FROM outbox WHERE seq=?1",
	[Q_ENTRY_VERSION] = "UPDATE outbox SET version=?2 WHERE seq=?1",
	[Q_ENTRY_UNSURE] = "UPDATE outbox SET unknown=1 WHERE seq=?1",
	[Q_ENTRY_CONFLICTS] = "UPDATE outbox SET conflict_attempts=?2 WHERE seq=?1",
	[Q_ENTRY_TOUCHED] = "UPDATE outbox SET touched=?2 WHERE seq=?1",
	[Q_ENTRY_NEWEST] = "SELECT seq,grp,touched FROM outbox WHERE lane<>1 AND lane<9"
			   " ORDER BY touched DESC,seq DESC LIMIT 1",
	[Q_ENTRY_GROUP] = "SELECT seq FROM outbox WHERE grp=?1 AND lane<>1 AND lane<9"
			  " ORDER BY seq DESC",
	[Q_ENTRY_WAS] = "SELECT was FROM outbox WHERE seq=?1",
	[Q_ENTRY_GRP] = "SELECT grp FROM outbox WHERE seq=?1",
	[Q_ENTRY_CREATE] = "SELECT seq FROM outbox WHERE model=?1 AND key=?2 AND op=0 AND lane<9"
			   " AND seq>?3 AND seq<?4 ORDER BY seq LIMIT 1",
	[Q_ENTRY_DELETE] = "SELECT seq FROM outbox WHERE model=?1 AND key=?2 AND op=2 AND lane<9"
			   " AND seq<?3 ORDER BY seq LIMIT 1",
	[Q_LANES_OF] = "SELECT lane FROM outbox WHERE model=?1 AND key=?2 AND lane<9",
	/* waits spares the look at fields of the many children of one unsent parent */
	[Q_DUE] = "SELECT " ENTRY " FROM outbox o WHERE lane=0 AND next_try_ms<=?1"
		  " AND NOT(waits>0 AND EXISTS(SELECT 1 FROM outbox q WHERE q.seq=o.waits"
		  " AND q.op=0))"
		  " AND NOT EXISTS(SELECT 1 FROM outbox p WHERE p.model=o.model AND p.key=o.key"
		  " AND p.seq<o.seq AND p.lane<9) ORDER BY seq",
	[Q_DUE_NEXT] = "SELECT min(next_try_ms) FROM outbox WHERE next_try_ms>0 AND lane=0"
		       " AND next_try_ms>?1",
	[Q_COUNTS] = "SELECT lane,count(*) FROM outbox WHERE lane<>0 AND model=?1 GROUP BY lane",
	[Q_COUNTS_ALL] = "SELECT lane,count(*) FROM outbox WHERE lane<>0 GROUP BY lane",
	[Q_COUNT_OF] = "SELECT count(*) FROM outbox WHERE model=?1",
	[Q_ENTRY_ANY] = "SELECT 1 FROM outbox WHERE lane<>3 AND lane<9 LIMIT 1",
	[Q_COUNT_ALL] = "SELECT count(*) FROM outbox",
	[Q_OLDEST] = "SELECT min(enqueued_ms) FROM outbox WHERE model=?1 AND lane<9",
	[Q_OLDEST_ALL] = "SELECT enqueued_ms FROM outbox WHERE lane<9 ORDER BY seq LIMIT 1",
	[Q_DEATHS] = "SELECT 1 FROM outbox WHERE op=2 AND seq<?1 AND lane<9 LIMIT 1",
	[Q_JOURNAL_ADD] = "INSERT INTO journal(at,kind,model,key,source,version,changed,text,"
			  "rid_from,rid_to,seq,op,id)"
			  " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
	[Q_JOURNAL_NEXT] = "SELECT " JOURNAL " FROM journal WHERE id>?1 ORDER BY id LIMIT ?2",
	[Q_JOURNAL_OF] = "SELECT " JOURNAL " FROM journal WHERE model=?1 AND key=?2 AND id<?3"
			 " ORDER BY id DESC LIMIT 1",
	[Q_JOURNAL_RANGE] = "SELECT " JOURNAL " FROM journal WHERE model=?1 AND rid_from>0 AND"
			    " rid_from<=?2 ORDER BY rid_from DESC LIMIT 1",
	[Q_JOURNAL_RECENT] = "SELECT " JOURNAL " FROM journal WHERE kind=?1 AND id<?2"
			     " ORDER BY id DESC LIMIT 1",
	[Q_JOURNAL_OUTBOX] = "SELECT " JOURNAL " FROM journal WHERE kind=4 AND id<?1"
			     " ORDER BY id DESC LIMIT 1",
	[Q_JOURNAL_TRIM] = "DELETE FROM journal WHERE id<=?1",
	/* +: by the record's own few lines, not back through all that was sent */
	[Q_JOURNAL_ECHO] = "UPDATE journal SET rid_to=?4 WHERE id=(SELECT id FROM journal WHERE"
			   " model=?1 AND key=?2 AND +kind=4 AND version=?3 AND text='sent'"
			   " ORDER BY id DESC LIMIT 1) AND rid_to=0",
	[Q_JOURNAL_LEFT] = "SELECT text FROM journal WHERE kind=4 AND seq=?1 ORDER BY id DESC"
			   " LIMIT 1",
	[Q_CONFLICT_PUT] = "INSERT INTO conflict(seq,model,key,shape,base,mine,theirs,found_ms)"
			   " VALUES(?1,?2,?3,?4,?5,?6,?7,?8) ON CONFLICT(seq) DO UPDATE SET"
			   " shape=?4,base=?5,mine=?6,theirs=?7,found_ms=?8 RETURNING id",
	[Q_CONFLICT_GET] = "SELECT id,seq,model,key,shape,base,mine,theirs,found_ms FROM conflict"
			   " WHERE id=?1",
	[Q_CONFLICT_NEXT] = "SELECT id,seq,model,key,shape,base,mine,theirs,found_ms FROM conflict"
			    " WHERE id>?1 ORDER BY id LIMIT 1",
	[Q_CONFLICT_COUNT] = "SELECT count(*) FROM conflict WHERE model=?1",
	[Q_CONFLICT_COUNT_ALL] = "SELECT count(*) FROM conflict",
	[Q_CONFLICT_DEL] = "DELETE FROM conflict WHERE seq=?1",
	/* the shape follows: an edit against a delete, or against an edit again */
	[Q_CONFLICT_THEIRS] = "UPDATE conflict SET theirs=?3,shape=CASE WHEN ?4 THEN"
			      " CASE shape WHEN 0 THEN 1 WHEN 4 THEN 1 ELSE shape END ELSE"
			      " CASE shape WHEN 1 THEN 0 WHEN 4 THEN 0 ELSE shape END END"
			      " WHERE model=?1 AND key=?2",
	[Q_QUAR_PUT] = "INSERT INTO quarantine(model,key,path,raw,reason,at)"
		       " VALUES(?1,?2,?3,?4,?5,?6) ON CONFLICT(model,key) DO UPDATE SET"
		       " path=?3,raw=?4,reason=?5,at=?6",
	[Q_QUAR_DEL] = "DELETE FROM quarantine WHERE model=?1 AND key IS ?2",
	[Q_QUAR_PAST] = "DELETE FROM quarantine WHERE model=?1 AND key=?2 AND NOT (json_valid(raw)"
			" AND ifnull(json_extract(raw,'$._version'),0)>?3)",
	[Q_QUAR_HAS] = "SELECT 1 FROM quarantine WHERE model=?1 AND key=?2",
	[Q_QUAR_LIST] = "SELECT id,model,key,path,raw,reason,at FROM quarantine WHERE model=?1"
			" ORDER BY id",
	[Q_QUAR_LIST_ALL] = "SELECT id,model,key,path,raw,reason,at FROM quarantine ORDER BY id",
	[Q_QUAR_COUNT] = "SELECT count(*) FROM quarantine WHERE model=?1",
	[Q_QUAR_COUNT_ALL] = "SELECT count(*) FROM quarantine",
	[Q_SYNC_GET] = "SELECT " SYNC " FROM sync WHERE model=?1",
	[Q_SYNC_PUT] = "INSERT INTO sync(model," SYNC ")"
		       " VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14,?15,?16,?17,?18,"
		       "?19,?20,?21) ON CONFLICT(model) DO UPDATE SET"
		       " kind=?2,last_sync_ms=?3,last_full_ms=?4,synced_at_ms=?5,expression=?6,"
		       "page_token=?7,page_base=?8,page_last_sync=?9,page_started_ms=?10,"
		       "page_started_last_ms=?11,page_rows=?12,page_size=?13,sweep_rid=?14,why=?15,"
		       "error=?16,failures=?17,new_rows=?18,updated_rows=?19,deleted_rows=?20,"
		       "bytes=?21",
	[Q_SYNC_MARKS] = "SELECT seen_to,refill FROM sync WHERE model=?1",
	[Q_SYNC_SWEEP] = "INSERT INTO sync(model,seen_to) VALUES(?1,?2)"
			 " ON CONFLICT(model) DO UPDATE SET seen_to=?2",
	[Q_SYNC_REFILL] = "UPDATE sync SET refill=0 WHERE model=?1",
	[Q_SEEN_GET] = "SELECT bits FROM seen WHERE model=?1 AND chunk=?2",
	[Q_SEEN_PUT] = "INSERT INTO seen(model,chunk,bits) VALUES(?1,?2,?3)"
		       " ON CONFLICT(model,chunk) DO UPDATE SET bits=?3",
	[Q_SEEN_CLEAR] = "DELETE FROM seen WHERE model=?1",
};

enum sd_err sd_db_nomem(struct sd_error *e, const char *doing)
{
	return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", doing);
}

/* Looks for entries by model and key. */
static bool by_record(enum sd_q q)
{
	return q == Q_ENTRY_OF || q == Q_ENTRY_CREATE || q == Q_ENTRY_DELETE || q == Q_LANES_OF ||
	       q == Q_DUE || q == Q_COUNT_OF || q == Q_OLDEST;
}

static sqlite3_stmt *prepared(struct sd_store *st, enum sd_q q, struct sd_error *e)
{
	if (!sd_txn_alive(st, e))
		return NULL;
	if (st->bulk_outbox && by_record(q) && sd_bulk_end(st, e) != SD_OK)
		return NULL;
	if (!st->q[q]) {
		int rc = sqlite3_prepare_v3(
			st->db, QUERY[q], -1, SQLITE_PREPARE_PERSISTENT, &st->q[q], NULL);
		if (rc != SQLITE_OK) {
			(void)sd_db_fail(st, rc, e, "preparing a statement");
			return NULL;
		}
	}
	return st->q[q];
}

static void bind_all(sqlite3_stmt *s, const char *fmt, va_list ap)
{
	for (int i = 1; *fmt; fmt++, i++) {
		const char *text;

		switch (*fmt) {
		case 'i':
			sqlite3_bind_int64(s, i, va_arg(ap, int64_t));
			break;
		case 'd':
			sqlite3_bind_int(s, i, va_arg(ap, int));
			break;
		default:
			text = va_arg(ap, const char *);
			if (text)
				sqlite3_bind_text(s, i, text, -1, SQLITE_STATIC);
			else
				sqlite3_bind_null(s, i);
		}
	}
}

sqlite3_stmt *sd_db_open(struct sd_store *st, enum sd_q q, struct sd_error *e, const char *fmt, ...)
{
	sqlite3_stmt *s = prepared(st, q, e);
	va_list ap;

	if (!s)
		return NULL;
	sqlite3_reset(s);
	va_start(ap, fmt);
	bind_all(s, fmt, ap);
	va_end(ap);
	return s;
}

enum sd_err sd_db_row(struct sd_store *st, sqlite3_stmt *s, struct sd_error *e, const char *doing)
{
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		return SD_OK;
	if (rc == SQLITE_DONE)
		return SD_NOTFOUND;
	return sd_db_fail(st, rc, e, doing);
}

void sd_db_reset(sqlite3_stmt *s)
{
	if (!s)
		return;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
}

enum sd_err sd_db_run(struct sd_store *st, enum sd_q q, struct sd_error *e, const char *doing,
	const char *fmt, ...)
{
	sqlite3_stmt *s = prepared(st, q, e);
	enum sd_err rc;
	va_list ap;

	if (!s)
		return SD_DB;
	sqlite3_reset(s);
	va_start(ap, fmt);
	bind_all(s, fmt, ap);
	va_end(ap);
	rc = sd_db_row(st, s, e, doing);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_db_exec(struct sd_store *st, const char *sql, struct sd_error *e, const char *doing)
{
	int rc;

	if (!sd_txn_alive(st, e))
		return SD_DB;
	rc = sqlite3_exec(st->db, sql, NULL, NULL, NULL);
	return rc == SQLITE_OK ? SD_OK : sd_db_fail(st, rc, e, doing);
}

enum sd_err sd_db_int(struct sd_store *st, const char *sql, int64_t *out, struct sd_error *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(st->db, sql, -1, &s, NULL);
	enum sd_err err;

	*out = 0;
	if (rc != SQLITE_OK)
		return sd_db_fail(st, rc, e, "reading the store");
	err = sd_db_row(st, s, e, "reading the store");
	if (err == SD_OK)
		*out = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return err == SD_NOTFOUND ? SD_OK : err;
}

char *sd_db_dup(sqlite3_stmt *s, int col)
{
	const char *p = (const char *)sqlite3_column_text(s, col);

	return p ? sd_strdup_n(p, (size_t)sqlite3_column_bytes(s, col)) : NULL;
}

enum sd_err sd_db_parse(
	sqlite3 *db, const char *text, size_t n, struct cJSON **out, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	enum sd_err rc = sd_json_parse(text, n, "what is kept in it", out, &why);

	if (rc == SD_OK || rc == SD_NOMEM)
		return rc == SD_OK ? rc : sd_db_nomem(e, "reading the store");
	return sd_fail(e, SD_DB, SQLITE_CORRUPT,
		"%s: it is damaged (%s); nothing was changed; run `syncdeck rescue`, which "
		"keeps the unsent changes and fetches the rest anew",
		sqlite3_db_filename(db, "main"), why.text);
}

enum sd_err sd_db_json(sqlite3_stmt *s, int col, struct cJSON **out, struct sd_error *e)
{
	const char *p = (const char *)sqlite3_column_text(s, col);

	*out = NULL;
	if (!p)
		return SD_OK;
	return sd_db_parse(sqlite3_db_handle(s), p, (size_t)sqlite3_column_bytes(s, col), out, e);
}
