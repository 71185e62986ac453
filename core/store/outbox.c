/* core/store/outbox.c - reading the queue: what is there, what may go, what holds; see outbox.h. */
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

enum sd_err sd_outbox_get(
	struct sd_store *st, int64_t seq, struct sd_mutation *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_GET, e, "i", seq);
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	memset(out, 0, sizeof *out);
	if (rc == SD_OK)
		rc = sd_entry_read(st, s, out, e);
	sd_db_reset(s);
	return rc;
}

enum sd_err sd_outbox_each(struct sd_store *st, int64_t after_seq, int lane, sd_outbox_fn fn,
	void *ctx, struct sd_error *e)
{
	bool more = true;

	while (more) {
		struct sd_mutation m;
		sqlite3_stmt *s =
			lane > 0 ? sd_db_open(st, Q_ENTRY_NEXT_LANE, e, "id", after_seq, lane)
				 : sd_db_open(st, lane ? Q_ENTRY_NEXT : Q_ENTRY_NEXT_WAITING, e,
					   "i", after_seq);
		enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
		if (rc == SD_OK)
			rc = sd_entry_read(st, s, &m, e);
		sd_db_reset(s); /* before fn: it may change the queue */
		if (rc != SD_OK)
			return rc == SD_NOTFOUND ? SD_OK : rc;
		after_seq = m.seq;
		more = fn(ctx, &m);
		sd_mutation_release(&m);
	}
	return SD_OK;
}

enum sd_err sd_outbox_of(struct sd_store *st, const struct sd_model *m, const char *key,
	sd_outbox_fn fn, void *ctx, struct sd_error *e)
{
	struct sd_entries list;
	enum sd_err rc = sd_entries_of(st, m, key, &list, e);

	for (size_t i = 0; rc == SD_OK && i < list.count; i++)
		if (!fn(ctx, &list.v[i]))
			break;
	sd_entries_release(&list);
	return rc;
}

/* ---- what holds an entry ---- */

static bool points_to_parent(const struct sd_model *m, const struct sd_field *f)
{
	if (f->kind != SD_K_MODEL || f->join_count == 0 || f->assoc == SD_A_HAS_MANY)
		return false;
	if (f->assoc == SD_A_BELONGS_TO)
		return true;
	/* hasOne: a parent only where the foreign key stands here */
	for (size_t i = 0; i < f->join_count; i++) {
		const struct sd_field *c = sd_model_field(m, f->local[i]);
		if (!c || sd_model_is_key(m, c))
			return false;
	}
	return true;
}

enum sd_err sd_parent_key(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *rec, struct sd_buf *key, struct sd_error *e)
{
	struct cJSON *k = sd_json_object();
	enum sd_err rc = SD_OK;
	bool ok = k != NULL;

	for (size_t i = 0; i < f->join_count && ok && rc == SD_OK; i++) {
		const struct cJSON *v = sd_json_get(rec, f->local[i]);
		if (sd_json_is_null(v))
			rc = SD_NOTFOUND;
		else
			ok = sd_json_set(k, f->remote[i], sd_json_dup(v));
	}
	if (!ok)
		rc = sd_db_nomem(e, m->name);
	if (rc == SD_OK && sd_key_of(f->model, k, key, NULL) != SD_OK)
		rc = SD_NOTFOUND; /* not joined by the other's key: nothing to wait for */
	sd_json_free(k);
	return rc;
}

static bool touches(const struct sd_field *f, const struct cJSON *fields, bool *whole)
{
	bool any = false;

	*whole = true;
	for (size_t i = 0; i < f->join_count; i++) {
		if (sd_json_get(fields, f->local[i]))
			any = true;
		else
			*whole = false;
	}
	return any;
}

enum sd_err sd_parent_create(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *fields, const struct cJSON *rec, int64_t from_seq, int64_t to_seq,
	int64_t *seq, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	*seq = 0;
	for (size_t i = 0; i < m->field_count && rc == SD_OK && !*seq; i++) {
		const struct sd_field *f = &m->fields[i];
		sqlite3_stmt *s;
		bool whole;
		if (!points_to_parent(m, f) || !touches(f, fields, &whole))
			continue;
		sd_buf_reset(&key);
		rc = sd_parent_key(m, f, whole ? fields : rec, &key, e);
		if (rc == SD_NOTFOUND) {
			rc = SD_OK;
			continue;
		}
		if (rc != SD_OK)
			break;
		s = sd_db_open(st, Q_ENTRY_CREATE, e, "ssii", f->model->name, sd_buf_text(&key),
			from_seq, to_seq);
		rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
		if (rc == SD_OK)
			*seq = sqlite3_column_int64(s, 0);
		sd_db_reset(s);
		if (rc == SD_NOTFOUND)
			rc = SD_OK;
	}
	sd_buf_release(&key);
	return rc;
}

struct child_look {
	struct sd_store *st;
	const struct sd_model *child;
	int64_t before, found;
	enum sd_err rc;
	struct sd_error *e;
};

static bool child_delete(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct child_look *c = ctx;
	struct sd_buf key = SD_BUF_INIT;
	sqlite3_stmt *s;

	(void)rid;
	c->rc = sd_key_of(c->child, rec, &key, c->e);
	if (c->rc == SD_OK) {
		s = sd_db_open(c->st, Q_ENTRY_DELETE, c->e, "ssi", c->child->name,
			sd_buf_text(&key), c->before);
		c->rc = s ? sd_db_row(c->st, s, c->e, "outbox") : SD_DB;
		if (c->rc == SD_OK)
			c->found = sqlite3_column_int64(s, 0);
		else if (c->rc == SD_NOTFOUND)
			c->rc = SD_OK;
		sd_db_reset(s);
	}
	sd_buf_release(&key);
	return c->rc == SD_OK && !c->found;
}

/* seq of an unsent delete of a child, ahead of the delete of its parent; 0: none. */
static enum sd_err child_ahead(
	struct sd_store *st, const struct sd_mutation *m, int64_t *seq, struct sd_error *e)
{
	struct child_look look = {.st = st, .before = m->seq, .e = e};
	struct cJSON *rec = NULL;
	sqlite3_stmt *s = sd_db_open(st, Q_DEATHS, e, "i", m->seq);
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	sd_db_reset(s);
	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	rc = sd_row_get(st, sd_table_of(st, m->model), m->key, &rec, NULL, e);
	for (size_t i = 0; rc == SD_OK && rec && i < m->model->field_count && !look.found; i++) {
		const struct sd_field *f = &m->model->fields[i];
		if (f->kind != SD_K_MODEL || !f->join_count || f->assoc == SD_A_BELONGS_TO)
			continue;
		look.child = f->model;
		rc = sd_match_rows(st, f, rec, "t._deleted=1 AND t._st<>0", child_delete, &look, e);
		if (rc == SD_OK)
			rc = look.rc;
	}
	*seq = look.found;
	sd_json_free(rec);
	return rc;
}

/* Does an update name a part of a foreign key only?  The other part stands in the record. */
static bool names_a_part(const struct sd_model *m, const struct cJSON *fields)
{
	for (size_t i = 0; i < m->field_count; i++) {
		bool whole;
		if (points_to_parent(m, &m->fields[i]) && touches(&m->fields[i], fields, &whole) &&
			!whole)
			return true;
	}
	return false;
}

/* seq of the entry of another record that m waits for; 0: none. */
static enum sd_err held_by(
	struct sd_store *st, const struct sd_mutation *m, int64_t *seq, struct sd_error *e)
{
	struct cJSON *rec = NULL;
	enum sd_err rc = SD_OK;

	*seq = 0;
	if (m->op == SD_OP_DELETE)
		return child_ahead(st, m, seq, e);
	if (m->op == SD_OP_UPDATE && names_a_part(m->model, m->fields))
		rc = sd_row_get(st, sd_table_of(st, m->model), m->key, &rec, NULL, e);
	if (rc == SD_OK)
		rc = sd_parent_create(
			st, m->model, m->fields, rec ? rec : m->fields, 0, m->seq, seq, e);
	sd_json_free(rec);
	return rc;
}

enum sd_err sd_outbox_due(struct sd_store *st, int64_t now_ms, size_t limit, sd_outbox_fn fn,
	void *ctx, int64_t *next_due_ms, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_DUE_NEXT, e, "i", now_ms);
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
	bool more = true;

	if (rc == SD_OK)
		*next_due_ms = sqlite3_column_int64(s, 0); /* null reads as 0 */
	sd_db_reset(s);
	if (rc != SD_OK)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	s = sd_db_open(st, Q_DUE, e, "i", now_ms);
	rc = s ? SD_OK : SD_DB;
	while (rc == SD_OK && more && limit > 0) {
		struct sd_mutation m;
		int64_t by = 0;
		rc = sd_db_row(st, s, e, "outbox");
		if (rc == SD_OK)
			rc = sd_entry_read(st, s, &m, e);
		if (rc != SD_OK)
			break;
		rc = held_by(st, &m, &by, e);
		if (rc == SD_OK && !by) {
			limit--;
			more = fn(ctx, &m);
		}
		sd_mutation_release(&m);
	}
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static enum sd_err tell(struct sd_store *st, int64_t seq, struct sd_buf *out, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	sd_buf_fmt(out, "waits for #%lld %s %s ", (long long)seq, sd_op_name(m.op), m.model->name);
	sd_key_show(m.key, out);
	sd_buf_fmt(out, ", %s", sd_lane_name(m.lane));
	sd_mutation_release(&m);
	return sd_buf_ok(out) ? SD_OK : sd_db_nomem(e, "outbox");
}

enum sd_err sd_outbox_hold(struct sd_store *st, int64_t seq, struct sd_buf *out, struct sd_error *e)
{
	struct sd_entries list = {NULL, 0};
	struct sd_mutation m;
	int64_t by = 0;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	switch (m.lane) {
	case SD_LANE_CONFLICT:
		sd_buf_str(out, "in conflict: waits for a decision");
		break;
	case SD_LANE_REFUSED:
		sd_buf_fmt(out, "refused: %s", m.error_message ? m.error_message : "");
		break;
	case SD_LANE_PARKED:
		sd_buf_str(out, "parked");
		break;
	case SD_LANE_WAITING:
		rc = sd_entries_of(st, m.model, m.key, &list, e);
		if (rc == SD_OK && list.count && list.v[0].seq != seq)
			by = list.v[0].seq;
		if (rc == SD_OK && !by)
			rc = held_by(st, &m, &by, e);
		if (rc == SD_OK && by)
			rc = tell(st, by, out, e);
		break;
	default:
		break;
	}
	sd_entries_release(&list);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_outbox_any(struct sd_store *st, bool *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_ANY, e, "");
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	*out = rc == SD_OK;
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_outbox_counts(struct sd_store *st, const struct sd_model *m,
	struct sd_outbox_counts *out, struct sd_error *e)
{
	const char *name = m ? m->name : NULL, *fmt = m ? "s" : "";
	sqlite3_stmt *s = sd_db_open(st, m ? Q_COUNTS : Q_COUNTS_ALL, e, fmt, name);
	enum sd_err rc = s ? SD_OK : SD_DB;
	int64_t others = 0;

	memset(out, 0, sizeof *out);
	/* the index holds what is not waiting; what waits is the rest */
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, "outbox")) == SD_OK) {
		int lane = sqlite3_column_int(s, 0);
		others += sqlite3_column_int64(s, 1);
		if (lane >= 0 && lane < SD_LANE_COUNT)
			out->lane[lane] = sqlite3_column_int64(s, 1);
	}
	sd_db_reset(s);
	if (rc != SD_NOTFOUND)
		return rc;
	s = sd_db_open(st, m ? Q_COUNT_OF : Q_COUNT_ALL, e, fmt, name);
	rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
	if (rc == SD_OK)
		out->lane[SD_LANE_WAITING] = sqlite3_column_int64(s, 0) - others;
	sd_db_reset(s);
	if (rc != SD_OK)
		return rc;
	s = sd_db_open(st, m ? Q_OLDEST : Q_OLDEST_ALL, e, fmt, name);
	rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
	if (rc == SD_OK)
		out->oldest_ms = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}
