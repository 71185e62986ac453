/*
 * core/store/bulk.c - many records created in one transaction; see sd_write_bulk().
 *
 * An index that takes its keys in no order costs a search, and a page of the disk, for each of them;
 * made at the end, from all of them sorted, a fraction of that.  So those that are nearly empty when
 * a long load begins are dropped, and made again before the commit, or as soon as somebody would
 * miss them.  Nobody else ever sees the store without them.
 */
#include "core/store/internal.h"

#define FEW  2000   /* rows that are put into the new index beside those of the load */
#define MOST 200000 /* rows: they are sorted in memory */

static enum sd_err outbox_short(struct sd_store *st, bool *yes, struct sd_error *e)
{
	int64_t n;
	enum sd_err rc =
		sd_db_int(st, "SELECT count(*) FROM(SELECT 1 FROM outbox LIMIT 2001)", &n, e);

	*yes = rc == SD_OK && n <= FEW;
	return rc;
}

static enum sd_err begin(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	bool yes = false, any = false;
	enum sd_err rc = outbox_short(st, &yes, e);

	if (rc == SD_OK && yes) {
		rc = sd_db_exec(st, "DROP INDEX outbox_record", e, "outbox");
		st->bulk_outbox = rc == SD_OK;
	}
	if (rc == SD_OK && t->next_rid <= FEW) {
		rc = sd_index_drop(st, t, &any, e);
		st->bulk_table = rc == SD_OK && any ? t : NULL;
	}
	return rc;
}

enum sd_err sd_bulk_one(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	st->bulk_rows++;
	if (st->bulk_rows == SD_BULK_LONG)
		return begin(st, t, e);
	return st->bulk_rows == MOST ? sd_bulk_end(st, e) : SD_OK;
}

enum sd_err sd_bulk_end(struct sd_store *st, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (st->bulk_outbox)
		rc = sd_db_exec(st, SD_OUTBOX_RECORD, e, "outbox");
	if (rc == SD_OK)
		st->bulk_outbox = false;
	if (rc == SD_OK && st->bulk_table)
		rc = sd_table_indexes(st, st->bulk_table, e);
	if (rc == SD_OK)
		st->bulk_table = NULL;
	return rc;
}
