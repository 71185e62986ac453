/*
 * core/sandbox/core/page.c - one page of rows: a base scan, a key query or the change log
 * (spec/server.md 3.2, 3.3).  Filters are applied to what a page has read, as DynamoDB does, so a
 * page may be short or empty and still have a successor.
 */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

#define DEFAULT_LIMIT 100

struct query {
	struct sd_buf sql;
	struct cJSON *binds;  /* array */
	struct cJSON *cursor; /* of the token; NULL on page 1 */
	char mode[8];         /* "base", "delta", "key" */
	bool sorted;          /* column 2 is the sort value */
};

void sbx_page_release(struct sbx_page *p)
{
	for (size_t i = 0; i < p->count; i++)
		sbx_row_release(&p->rows[i]);
	free(p->rows);
	free(p->next_token);
	memset(p, 0, sizeof *p);
}

static void bind(struct query *q, struct cJSON *v)
{
	if (!sd_json_push(q->binds, v))
		q->sql.failed = true;
}

/* "?7": the next parameter, with its value. */
static void param(struct query *q, struct cJSON *v)
{
	bind(q, v);
	sd_buf_fmt(&q->sql, "?%zu", sd_json_count(q->binds));
}

static void ttl_clause(struct query *q, int64_t now)
{
	sd_buf_str(&q->sql, " AND (_ttl IS NULL OR _ttl > ");
	param(q, sd_json_int(now / 1000));
	sd_buf_ch(&q->sql, ')');
}

static int64_t cursor_at(const struct query *q, size_t at, int64_t otherwise)
{
	int64_t v = otherwise;
	size_t i = 0;

	for (const struct cJSON *c = sd_json_child(q->cursor); c; c = sd_json_next(c), i++)
		if (i == at && !sd_json_i64(c, &v))
			v = otherwise;
	return v;
}

static void base_scan(struct query *q, const struct sbx_page_ask *a, int64_t now)
{
	sd_buf_fmt(&q->sql, "SELECT rid, item FROM %s WHERE rid > ", a->m->table);
	param(q, sd_json_int(cursor_at(q, 0, 0)));
	ttl_clause(q, now);
	sd_buf_str(&q->sql, " ORDER BY rid");
}

/* Log rows of the model; cond places them in time. */
static void log_rows(struct query *q, const struct sbx_page_ask *a, int64_t now, const char *cond,
	struct cJSON *at)
{
	sd_buf_str(&q->sql, "SELECT seq, item, changed_at_ms FROM delta WHERE model = ");
	param(q, sd_json_string(a->m->m->name));
	sd_buf_str(&q->sql, " AND ttl > ");
	param(q, sd_json_int(now / 1000));
	sd_buf_fmt(&q->sql, " AND changed_at_ms %s ", cond);
	param(q, at);
}

/* Inclusive, and down to the second: a change of the second lastSync lies in is sent again.  Behind
 * a cursor in two parts, as rows_behind() says. */
static void delta_query(struct query *q, const struct sbx_page_ask *a, int64_t now, int64_t limit)
{
	int64_t from = cursor_at(q, 0, a->last_sync / 1000 * 1000);

	q->sorted = true;
	if (!q->cursor) {
		log_rows(q, a, now, ">=", sd_json_int(from));
		sd_buf_str(&q->sql, " ORDER BY changed_at_ms, seq");
		return;
	}
	sd_buf_str(&q->sql, "SELECT * FROM (");
	log_rows(q, a, now, "=", sd_json_int(from));
	sd_buf_str(&q->sql, " AND seq > ");
	param(q, sd_json_int(cursor_at(q, 1, -1)));
	sd_buf_str(&q->sql, " ORDER BY seq LIMIT ");
	param(q, sd_json_int(limit));
	sd_buf_str(&q->sql, ") UNION ALL SELECT * FROM (");
	log_rows(q, a, now, ">", sd_json_int(from));
	sd_buf_str(&q->sql, " ORDER BY changed_at_ms, seq LIMIT ");
	param(q, sd_json_int(limit));
	sd_buf_ch(&q->sql, ')');
}

/* A sort condition's operand: composite keys are compared as text joined with '#'. */
static struct cJSON *operand(const struct sbx_key *k, const struct cJSON *v)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *out;

	if (!sd_json_is_object(v))
		return sd_json_dup(v);
	for (size_t i = 0; i < k->sort_count; i++) {
		const struct cJSON *part = sd_json_get(v, k->sort[i]);
		if (sd_json_is_null(part))
			break;
		sd_buf_str(&b, i ? "#" : "");
		if (sd_json_str(part))
			sd_buf_str(&b, sd_json_str(part));
		else
			sd_json_print(part, &b);
	}
	out = sd_buf_ok(&b) ? sd_json_string(sd_buf_text(&b)) : NULL;
	sd_buf_release(&b);
	return out;
}

/* ---- the sort condition, as bounds that the index answers ---- */

enum { LOWER = 1, UPPER = 2, BOTH = 3 };

struct bounds {
	const char *expr; /* the sort value */
	int bound;        /* which sides the condition has bounded so far */
	int place;        /* sides where the cursor says more: there it is only checked */
};

/* With a plus before it an expression is not looked up in an index. */
static void bound(struct query *q, struct bounds *b, int side, const char *cmp, struct cJSON *v)
{
	sd_buf_fmt(&q->sql, " AND %s%s%s", b->place & side ? "+" : "", b->expr, cmp);
	param(q, v);
	b->bound |= side;
}

/* Texts are compared byte by byte, so those that begin with v end before v with its last byte one
 * higher (0xF4 is the highest in UTF-8). */
static void begins_with(struct query *q, struct bounds *b, struct cJSON *v)
{
	char *end = sd_json_str(v) ? strdup(sd_json_str(v)) : NULL;
	size_t n = end ? strlen(end) : 0;

	if (n) {
		end[n - 1]++;
		bound(q, b, LOWER, ">=", v);
		bound(q, b, UPPER, "<", sd_json_string(end));
	} else { /* every text begins with an empty one */
		q->sql.failed = q->sql.failed || !end;
		sd_json_free(v);
	}
	free(end);
}

static void sort_condition(struct query *q, const struct sbx_page_ask *a, struct bounds *b)
{
	static const struct {
		const char *op, *sql;
		int side;
	} ops[] = {{"eq", "=", BOTH}, {"le", "<=", UPPER}, {"lt", "<", UPPER}, {"ge", ">=", LOWER},
		{"gt", ">", LOWER}};

	for (const struct cJSON *c = sd_json_child(a->sort_cond); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		const struct cJSON *hi = sd_json_child(c) ? sd_json_next(sd_json_child(c)) : NULL;
		if (sd_json_is_null(c))
			continue;
		if (strcmp(name, "between") == 0) {
			bound(q, b, LOWER, ">=", operand(a->key, sd_json_child(c)));
			bound(q, b, UPPER, "<=", operand(a->key, hi));
		} else if (strcmp(name, "beginsWith") == 0) {
			begins_with(q, b, operand(a->key, c));
		}
		for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
			if (strcmp(name, ops[i].op) == 0)
				bound(q, b, ops[i].side, ops[i].sql, operand(a->key, c));
	}
	/* rows without a sort value are not in the index; everything else is above minus infinity */
	if (!(b->bound & LOWER) && !(b->place & LOWER))
		sd_buf_fmt(&q->sql, " AND %s>=-9e999", b->expr);
}

/* Rows of the key's hash values, up to the part of the condition that places the cursor. */
static void key_rows(
	struct query *q, const struct sbx_page_ask *a, const char *expr, int place, int64_t now)
{
	const struct sbx_key *k = a->key;
	const struct cJSON *v = sd_json_child(a->hash);
	struct bounds b = {.expr = expr, .place = place};

	sd_buf_fmt(&q->sql, "SELECT rid, item%s%s FROM %s WHERE ", q->sorted ? "," : "", expr,
		a->m->table);
	for (size_t i = 0; i < k->hash_count; i++, v = v ? sd_json_next(v) : NULL) {
		sd_buf_str(&q->sql, i ? " AND " : "");
		sbx_key_sql(&k->hash[i], 1, &q->sql);
		sd_buf_str(&q->sql, " = ");
		param(q, sd_json_dup(v));
	}
	if (q->sorted)
		sort_condition(q, a, &b);
	ttl_clause(q, now);
}

/* Behind a cursor come the rest of the rows with its sort value, then those with the next ones.  As
 * one condition, (value, rid) > (?, ?), SQLite would read the index from its beginning. */
static void rows_behind(
	struct query *q, const struct sbx_page_ask *a, const char *expr, int64_t now, int64_t limit)
{
	const char *cmp = a->desc ? "<" : ">", *dir = a->desc ? " DESC" : "";

	sd_buf_str(&q->sql, "SELECT * FROM (");
	key_rows(q, a, expr, BOTH, now);
	sd_buf_fmt(&q->sql, " AND %s = ", expr);
	param(q, sd_json_dup(sd_json_child(q->cursor)));
	sd_buf_fmt(&q->sql, " AND rid %s ", cmp);
	param(q, sd_json_int(cursor_at(q, 1, 0)));
	sd_buf_fmt(&q->sql, " ORDER BY rid%s LIMIT ", dir);
	param(q, sd_json_int(limit));
	sd_buf_ch(&q->sql, ')');
	if (!sd_json_is_null(sd_json_get(a->sort_cond, "eq")))
		return; /* there are no others */
	sd_buf_str(&q->sql, " UNION ALL SELECT * FROM (");
	key_rows(q, a, expr, a->desc ? UPPER : LOWER, now);
	sd_buf_fmt(&q->sql, " AND %s %s ", expr, cmp);
	param(q, sd_json_dup(sd_json_child(q->cursor)));
	sd_buf_fmt(&q->sql, " ORDER BY %s%s, rid%s LIMIT ", expr, dir, dir);
	param(q, sd_json_int(limit));
	sd_buf_ch(&q->sql, ')');
}

static void key_query(struct query *q, const struct sbx_page_ask *a, int64_t now, int64_t limit)
{
	const struct sbx_key *k = a->key;
	struct sd_buf sort = SD_BUF_INIT;
	const char *dir = a->desc ? " DESC" : "", *expr = "";

	q->sorted = k->sort_count > 0;
	if (q->sorted && sbx_key_sql(k->sort, k->sort_count, &sort))
		expr = sd_buf_text(&sort);
	if (q->cursor && q->sorted) {
		rows_behind(q, a, expr, now, limit);
	} else {
		key_rows(q, a, expr, 0, now);
		if (q->cursor) {
			sd_buf_str(&q->sql, a->desc ? " AND rid < " : " AND rid > ");
			param(q, sd_json_int(cursor_at(q, 0, 0)));
		}
		sd_buf_fmt(&q->sql, " ORDER BY %s%s%srid%s", expr, q->sorted ? dir : "",
			q->sorted ? ", " : "", dir);
	}
	sd_buf_release(&sort);
}

static struct cJSON *column(sqlite3_stmt *st, int at)
{
	switch (sqlite3_column_type(st, at)) {
	case SQLITE_INTEGER:
		return sd_json_int(sqlite3_column_int64(st, at));
	case SQLITE_FLOAT:
		return sd_json_real(sqlite3_column_double(st, at));
	case SQLITE_TEXT:
		return sd_json_string((const char *)sqlite3_column_text(st, at));
	default:
		return sd_json_null();
	}
}

static bool push_row(struct sbx_page *p, struct sbx_row *row)
{
	if (p->count == p->room) {
		size_t room = p->room ? p->room * 2 : 64;
		struct sbx_row *rows = realloc(p->rows, room * sizeof *rows);
		if (!rows)
			return false;
		p->rows = rows;
		p->room = room;
	}
	p->rows[p->count++] = *row;
	memset(row, 0, sizeof *row);
	return true;
}

/* Where the page ends: [rid] or [sort value, rid]; of the change log [changed_at, seq]. */
static struct cJSON *cursor_of(sqlite3_stmt *st, const struct query *q)
{
	struct cJSON *c = sd_json_array();

	if (q->sorted)
		sd_json_push(c, column(st, 2));
	if (!sd_json_push(c, sd_json_int(sqlite3_column_int64(st, 0)))) {
		sd_json_free(c);
		return NULL;
	}
	return c;
}

static enum sd_err row_text(sqlite3_stmt *st, struct sbx_row *row, struct sd_error *e)
{
	const char *text = (const char *)sqlite3_column_text(st, 1);

	row->rid = sqlite3_column_int64(st, 0);
	row->bytes = (size_t)sqlite3_column_bytes(st, 1);
	row->text = text ? sd_strdup_n(text, row->bytes) : NULL;
	return row->text ? SD_OK : sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
}

static enum sd_err read_rows(struct sd_sbx *s, const struct sbx_page_ask *a, struct query *q,
	sqlite3_stmt *st, int64_t limit, struct sbx_page *page, struct sd_error *e)
{
	struct cJSON *at = NULL;
	struct sbx_row row = {0};
	enum sd_err rc = SD_OK;
	bool text = a->as_text && !a->filter && (!a->auth || a->auth->all);
	size_t bytes = 0;
	int step;

	while ((step = sqlite3_step(st)) == SQLITE_ROW) {
		if (limit-- == 0 || bytes >= SBX_PAGE_BYTES) { /* there is more */
			page->next_token =
				at ? sbx_token_make(a, q->mode, page->started_at, at) : NULL;
			if (!page->next_token)
				rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
			goto done;
		}
		rc = text ? row_text(st, &row, e) : sbx_row_of(st, 0, 1, &row, e);
		if (rc != SD_OK)
			goto done;
		bytes += row.bytes;
		if (limit == 0 || bytes >= SBX_PAGE_BYTES) {
			sd_json_free(at);
			at = cursor_of(st, q);
		}
		if ((text || (sbx_auth_row(a->auth, row.item) &&
				     sbx_filter(a->filter, row.item, NULL))) &&
			!push_row(page, &row)) {
			rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
			goto done;
		}
		sbx_row_release(&row);
	}
	if (step != SQLITE_DONE)
		rc = sbx_db_fail(s, e, "read a page");
done:
	sbx_row_release(&row);
	sd_json_free(at);
	return rc;
}

static bool bind_all(sqlite3_stmt *st, const struct query *q)
{
	int at = 1;

	for (const struct cJSON *c = sd_json_child(q->binds); c; c = sd_json_next(c), at++)
		if (!sbx_bind(st, at, c))
			return false;
	return true;
}

enum sd_err sbx_page_read(struct sd_sbx *s, const struct sbx_page_ask *ask, int64_t now,
	struct sbx_page *page, const char **type, struct sd_error *e)
{
	struct query q = {.binds = sd_json_array(), .mode = "base"};
	int64_t limit = ask->limit < 0 ? DEFAULT_LIMIT : ask->limit;
	sqlite3_stmt *st = NULL;
	enum sd_err rc = SD_OK;

	memset(page, 0, sizeof *page);
	page->started_at = now;
	*type = "BadRequest";
	if (limit == 0)
		rc = sd_fail(e, SD_INVAL, 0, "The limit must be greater than or equal to 1.");
	else if (ask->token && !sbx_token_read(ask, q.mode, &page->started_at, &q.cursor))
		rc = sd_fail(e, SD_INVAL, 0, "Invalid nextToken");
	else if (!ask->token && ask->key)
		snprintf(q.mode, sizeof q.mode, "key");
	else if (!ask->token && ask->res == SBX_SYNC && ask->last_sync >= 0 &&
		 ask->last_sync >= now - s->o.delta_ttl_ms)
		snprintf(q.mode, sizeof q.mode, "delta");
	if (rc != SD_OK)
		goto done;
	limit = limit > s->o.max_limit ? s->o.max_limit : limit;
	if (strcmp(q.mode, "delta") == 0 && ask->res == SBX_SYNC)
		delta_query(&q, ask, now, limit + 1);
	else if (strcmp(q.mode, "key") == 0 && ask->key)
		key_query(&q, ask, now, limit + 1);
	else
		base_scan(&q, ask, now);
	sd_buf_str(&q.sql, " LIMIT ");
	param(&q, sd_json_int(limit + 1));
	st = sd_buf_ok(&q.sql) ? sbx_stmt(s, sd_buf_text(&q.sql), e) : NULL;
	if (!st || !bind_all(st, &q)) {
		rc = st || !sd_buf_ok(&q.sql) ? sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory")
					      : SD_DB;
		goto done;
	}
	rc = read_rows(s, ask, &q, st, limit, page, e);
	sqlite3_reset(st);
done:
	sd_buf_release(&q.sql);
	sd_json_free(q.binds);
	sd_json_free(q.cursor);
	if (rc != SD_OK)
		sbx_page_release(page);
	return rc;
}
