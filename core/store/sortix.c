/*
 * core/store/sortix.c - an index for a sort that a person uses; see store.h.
 *
 * The sorts of a table are known only when somebody sorts it.  Each costs something at every
 * write, so that a model keeps the newest few.
 */
#include <string.h>

#include "core/store/internal.h"

#define SORTS 4 /* of one model */

static int put_off(void *p)
{
	const struct sd_store *st = p;

	return (st->stop && atomic_load(st->stop)) || (st->waiting && atomic_load(st->waiting) > 0);
}

/* Sort indexes of t: how many, and the oldest; *same: the one named is there. */
static enum sd_err look(struct sd_store *st, const struct sd_table *t, const char *name, int *count,
	struct sd_buf *oldest, bool *same, struct sd_error *e)
{
	static const char SQL[] = "SELECT name FROM sqlite_schema WHERE type='index' AND"
				  " tbl_name=?1 AND substr(name,1,3)='sx_' ORDER BY rowid";
	sqlite3_stmt *s = NULL;
	int code = sqlite3_prepare_v2(st->db, SQL, -1, &s, NULL);
	enum sd_err rc = code == SQLITE_OK ? SD_OK : sd_db_fail(st, code, e, t->model->name);

	*count = 0;
	*same = false;
	if (rc == SD_OK)
		sqlite3_bind_text(s, 1, t->name, -1, SQLITE_STATIC);
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, t->model->name)) == SD_OK) {
		const char *one = (const char *)sqlite3_column_text(s, 0);
		if (one && (*count)++ == 0)
			sd_buf_str(oldest, one);
		*same |= one && strcmp(one, name) == 0;
	}
	sqlite3_finalize(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static void create_sql(const struct sd_table *t, const struct sd_field *f, bool descending,
	const char *name, struct sd_buf *sql)
{
	sd_buf_str(sql, "CREATE INDEX ");
	sd_quote_name(sql, name);
	sd_buf_str(sql, " ON ");
	sd_quote_name(sql, t->name);
	sd_buf_ch(sql, '(');
	sd_quote_name(sql, f->name);
	sd_buf_str(sql, descending ? " DESC" : "");
	for (size_t k = 0; k < t->model->pk_count; k++) {
		sd_buf_ch(sql, ',');
		sd_quote_name(sql, t->cols[t->pk[k]].field->name);
	}
	sd_buf_ch(sql, ')');
}

static enum sd_err make(struct sd_store *st, struct sd_table *t, const struct sd_field *f,
	bool descending, struct sd_error *e)
{
	struct sd_buf name = SD_BUF_INIT, oldest = SD_BUF_INIT, sql = SD_BUF_INIT;
	bool same = false;
	int count = 0;
	enum sd_err rc;

	sd_buf_fmt(&name, "sx_%s-%s-%s", t->model->name, f->name, descending ? "desc" : "asc");
	rc = look(st, t, sd_buf_text(&name), &count, &oldest, &same, e);
	if (rc == SD_OK && !same && count >= SORTS) {
		sd_buf_str(&sql, "DROP INDEX ");
		sd_quote_name(&sql, sd_buf_text(&oldest));
		sd_buf_ch(&sql, ';');
	}
	create_sql(t, f, descending, sd_buf_text(&name), &sql);
	if (rc == SD_OK && !same)
		rc = sd_buf_ok(&sql) ? sd_db_exec(st, sd_buf_text(&sql), e, t->model->name)
				     : sd_db_nomem(e, t->model->name);
	sd_buf_release(&name);
	sd_buf_release(&oldest);
	sd_buf_release(&sql);
	return rc;
}

enum sd_err sd_store_sort_index(struct sd_store *st, const struct sd_model *m,
	const struct sd_field *f, bool descending, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	enum sd_err rc;

	if (!f->stored || sd_model_is_key(m, f))
		return SD_OK;
	rc = sd_counter_load(st, t, e);
	if (rc != SD_OK || t->next_rid > st->index_rows)
		return rc;
	sd_sort_small(st, true);
	rc = sd_store_begin(st, e);
	if (rc == SD_OK) {
		sqlite3_progress_handler(st->db, 2000, put_off, st);
		rc = make(st, t, f, descending, e);
		sqlite3_progress_handler(st->db, 0, NULL, NULL);
		if (rc == SD_OK)
			rc = sd_store_commit(st, e);
		if (rc != SD_OK)
			sd_store_rollback(st);
	}
	sd_sort_small(st, false);
	return rc;
}
