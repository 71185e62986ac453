/*
 * core/store/salvage.c - carrying what can be read of a damaged store into a new one; see rescue.h.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/internal.h"
#include "core/store/rescue.h"
#include "core/store/write.h"

#define BATCH 200  /* rows handed over at once */
#define TURN  5000 /* rows of a transaction */

struct work {
	struct sd_store *from, *to;
	const struct sd_store_opts *o;
	struct sd_rescued *out;
	const struct sd_model *m; /* whose rows are carried over */
	const struct cJSON *batch[BATCH];
	size_t n;
	int64_t last_rid, in_turn, last_seq;
	struct cJSON *unsent; /* rows that had entries, with "_model" */
	struct sd_buf damaged;
	enum sd_err rc;
	struct sd_error *e;
};

/* ---- rows ---- */

static void put_batch(struct work *w)
{
	struct sd_apply_counts counts = {0};

	if (w->rc == SD_OK && w->n)
		w->rc = sd_apply(w->to, w->m, w->batch, w->n, SD_FROM_SYNC, true, w->o->now_ms,
			&counts, w->e);
	for (size_t i = 0; i < w->n; i++)
		sd_json_free((struct cJSON *)(uintptr_t)w->batch[i]);
	w->out->rows += counts.created + counts.deleted;
	w->in_turn += (int64_t)w->n;
	w->n = 0;
	if (w->rc == SD_OK && w->in_turn >= TURN) {
		w->in_turn = 0;
		w->rc = sd_store_commit(w->to, w->e);
		if (w->rc == SD_OK)
			w->rc = sd_store_begin(w->to, w->e);
	}
}

/* A record with unsent changes comes with its entries. */
static bool take_row(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct work *w = ctx;
	const char *state = sd_json_get_str(rec, "_state");
	struct cJSON *copy;

	w->last_rid = rid > w->last_rid ? rid : w->last_rid;
	copy = sd_json_dup(rec);
	if (!copy) {
		w->rc = sd_db_nomem(w->e, w->m->name);
		return false;
	}
	sd_json_remove(copy, "_state");
	if (!sd_str_eq(state, "synced") && !sd_str_eq(state, "quarantined")) {
		sd_json_add_str(copy, "_model", w->m->name);
		return sd_json_push(w->unsent, copy);
	}
	w->batch[w->n++] = copy;
	if (w->n == BATCH)
		put_batch(w);
	return w->rc == SD_OK;
}

/* Behind the place that cannot be read: row by row. */
static void take_rest(struct work *w, struct sd_table *t)
{
	int64_t end = 0;

	struct sd_buf sql = SD_BUF_INIT;

	sd_buf_str(&sql, "SELECT max(_rid)+1 FROM ");
	sd_quote_name(&sql, t->name);
	if (sd_counter_load(w->from, t, NULL) == SD_OK)
		end = t->next_rid;
	else if (sd_db_int(w->from, sd_buf_text(&sql), &end, NULL) != SD_OK)
		end = w->last_rid + TURN;
	sd_buf_release(&sql);
	for (int64_t rid = w->last_rid + 1; rid < end && w->rc == SD_OK; rid++) {
		struct cJSON *rec = NULL;
		if (sd_rec_get_rid(w->from, w->m, rid, &rec, NULL) == SD_OK && rec)
			(void)take_row(w, rec, rid);
		sd_json_free(rec);
	}
}

/* Where the model's sync stands: only when all its rows came along, and none was quarantined, as a
 * delta would not bring it again. */
static void take_sync(struct work *w)
{
	struct sd_sync_state s;
	int64_t quarantined = 0;

	if (sd_quarantine_count(w->from, w->m, &quarantined, NULL) != SD_OK || quarantined ||
		sd_sync_get(w->from, w->m, &s, NULL) != SD_OK)
		return;
	free(s.page_token);
	s.page_token = NULL;
	w->rc = sd_sync_put(w->to, w->m, &s, w->e);
	sd_sync_state_release(&s);
}

static void take_model(struct work *w, struct sd_table *t)
{
	struct sd_query q = {.model = t->model, .state = -1, .by_rid = true, .tombstones = true};
	enum sd_err rc;

	w->m = t->model;
	w->last_rid = 0;
	rc = sd_rec_query(w->from, &q, take_row, w, NULL);
	if (rc != SD_OK && w->rc == SD_OK) {
		sd_buf_fmt(&w->damaged, "%s%s", w->damaged.len ? ", " : "", w->m->name);
		take_rest(w, t);
	}
	put_batch(w);
	if (rc == SD_OK && w->rc == SD_OK)
		take_sync(w);
	if (w->rc == SD_OK) /* those are about a base run */
		w->rc = sd_db_run(w->to, Q_SEEN_CLEAR, w->e, w->m->name, "s", w->m->name);
	if (w->rc == SD_OK)
		w->rc = sd_load_end(w->to, w->m, w->e);
}

/* ---- unsent changes ---- */

/* In the lane where it was; one whose request went out is asked about before it is sent again. */
static enum sd_err into_lane(struct work *w, const struct sd_mutation *m, int64_t seq)
{
	if (m->unknown) {
		enum sd_err rc = sd_outbox_unsure(w->to, seq, w->e);
		if (rc != SD_OK)
			return rc;
	}
	switch (m->lane) {
	case SD_LANE_PARKED:
		return sd_outbox_park(w->to, seq, true, w->o->now_ms, w->e);
	case SD_LANE_REFUSED:
		return sd_outbox_refuse(w->to, seq, m->error_type ? m->error_type : "Refused",
			m->error_message ? m->error_message : "", NULL, w->o->now_ms, w->e);
	default:
		return m->lane == SD_LANE_SENDING ? sd_outbox_unsure(w->to, seq, w->e) : SD_OK;
	}
}

/* Not everything of it came along: a base sync fetches it. */
static void fetch_anew(struct work *w, const struct sd_model *m)
{
	struct sd_sync_state never = {.kind = SD_SYNC_NEVER};

	if (!sd_buf_ok(&w->damaged) || !strstr(sd_buf_text(&w->damaged), m->name))
		sd_buf_fmt(&w->damaged, "%s%s", w->damaged.len ? ", " : "", m->name);
	w->rc = sd_sync_put(w->to, m, &never, w->e);
}

/* The newest copy of the server, before the entry that changes it.  *base, owned, gets what stands
 * for the base where that cannot be read: the row, as it is better than nothing. */
static void take_server_copy(struct work *w, const struct sd_mutation *m, struct cJSON **base)
{
	struct sd_apply_counts counts = {0};
	struct sd_shadow sh = {NULL, NULL};
	const struct cJSON *item;

	*base = NULL;
	if (sd_shadow_get(w->from, m->model, m->key, &sh, NULL) != SD_OK) {
		fetch_anew(w, m->model);
		if (w->rc == SD_OK &&
			sd_rec_get(w->from, m->model, m->key, true, base, NULL) == SD_OK)
			sd_json_remove(*base, "_state");
		if (*base && sd_rec_version(*base) < 0) {
			sd_json_free(*base);
			*base = NULL;
		}
	}
	item = *base ? *base : sh.server;
	if (w->rc == SD_OK && item && sd_rec_version(item) >= 0)
		w->rc = sd_apply(w->to, m->model, &item, 1, SD_FROM_SYNC, false, w->o->now_ms,
			&counts, w->e);
	sd_shadow_release(&sh);
}

static bool take_entry(void *ctx, struct sd_mutation *m)
{
	struct work *w = ctx;
	struct cJSON *line = NULL, *base;
	struct sd_error why;

	w->last_seq = m->seq;
	take_server_copy(w, m, &base);
	if (w->rc == SD_OK && sd_outbox_json(w->from, m, true, &line, NULL) != SD_OK) {
		w->rc = sd_outbox_json(w->from, m, false, &line, w->e);
		if (w->rc == SD_OK && base && m->op != SD_OP_CREATE)
			sd_json_set(line, "base", sd_json_dup(base));
	}
	sd_json_free(base);
	if (w->rc != SD_OK)
		return false;
	if (sd_outbox_import(w->to, line, w->o->now_ms, w->o->rand, &why) == SD_OK) {
		w->out->entries++;
		w->rc = into_lane(w, m, w->to->next_seq - 1);
	} else if (why.code == SD_INVAL) { /* the schema changed meanwhile */
		w->out->lost_entries++;
	} else {
		w->rc = sd_fail(w->e, why.code, why.detail, "%s", why.text);
	}
	sd_json_free(line);
	return w->rc == SD_OK;
}

static void take_outbox(struct work *w)
{
	enum sd_err rc = sd_outbox_each(w->from, 0, -1, take_entry, w, NULL);

	if (rc == SD_OK || w->rc != SD_OK || sd_ids_load(w->from, NULL) != SD_OK)
		return;
	/* behind the place that cannot be read: one by one; numbers are never used twice, so that
	 * most of those that are not found have been sent long ago */
	for (int64_t seq = w->last_seq + 1; seq < w->from->next_seq && w->rc == SD_OK; seq++) {
		struct sd_mutation m = {0};
		rc = sd_outbox_get(w->from, seq, &m, NULL);
		if (rc == SD_OK)
			(void)take_entry(w, &m);
		else if (rc != SD_NOTFOUND)
			w->out->lost_entries++;
		sd_mutation_release(&m);
	}
}

/* ---- changed rows whose entries could not be read ---- */

static bool count_one(void *ctx, struct sd_mutation *m)
{
	(void)m;
	++*(int *)ctx;
	return true;
}

/* What the person set: everything that differs from the server's copy. */
static struct cJSON *fields_set(
	const struct sd_model *m, const struct cJSON *row, const struct cJSON *server)
{
	struct cJSON *fields = sd_json_object();

	for (size_t i = 0; fields && i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		const struct cJSON *v = sd_json_get(row, f->name),
				   *had = sd_json_get(server, f->name);
		bool key = false;
		for (size_t k = 0; k < m->pk_count; k++)
			key = key || m->pk[k] == i;
		if (!f->stored || f->read_only || !v || (!server && sd_json_is_null(v)))
			continue;
		if (!key && server && (had ? sd_json_equal(v, had, true) : sd_json_is_null(v)))
			continue;
		sd_json_add(fields, f->name, sd_json_dup(v));
	}
	return fields;
}

/* The change is made again, as far as the row and the server's copy tell it. */
static enum sd_err make_again(struct work *w, const struct sd_model *m, const char *key,
	const struct cJSON *row, struct sd_error *why)
{
	struct sd_write_env env = {w->o->now_ms, w->o->rand};
	struct sd_mutation like = {.model = m, .key = (char *)(uintptr_t)key};
	struct sd_shadow sh = {NULL, NULL};
	struct cJSON *fields, *base;
	enum sd_err rc;

	take_server_copy(w, &like, &base);
	sd_json_free(base);
	if (w->rc != SD_OK)
		return w->rc;
	if (sd_rec_deleted(row)) {
		rc = sd_write_delete(w->to, m, key, NULL, false, &env, NULL, why);
		return rc == SD_NOTFOUND ? SD_OK : rc;
	}
	(void)!sd_shadow_get(w->from, m, key, &sh, NULL);
	fields = fields_set(m, row, sh.server);
	rc = fields ? sd_write_save(w->to, m, SD_SAVE_UPSERT, fields, NULL, &env, NULL, NULL, why)
		    : SD_NOMEM;
	sd_json_free(fields);
	sd_shadow_release(&sh);
	return rc;
}

static void take_changed_row(struct work *w, const struct cJSON *row)
{
	const struct sd_model *m = sd_schema_model(w->o->schema, sd_json_get_str(row, "_model"));
	struct sd_buf key = SD_BUF_INIT;
	struct sd_error why = {.code = SD_OK};
	int have = 0;
	enum sd_err rc = sd_key_of(m, row, &key, &why);

	if (rc == SD_OK)
		rc = sd_outbox_of(w->to, m, sd_buf_text(&key), count_one, &have, &why);
	if (rc == SD_OK && !have) {
		rc = make_again(w, m, sd_buf_text(&key), row, &why);
		w->out->entries += rc == SD_OK;
		w->out->lost_entries -= rc == SD_OK && w->out->lost_entries > 0;
	}
	if (rc != SD_OK && rc != SD_INVAL && w->rc == SD_OK)
		w->rc = sd_fail(w->e, rc, why.detail, "%s", why.text);
	sd_buf_release(&key);
}

/* ---- the rest ---- */

static void at_least(int64_t *n, int64_t used)
{
	*n = used >= *n ? used + 1 : *n;
}

/* Numbers go on where they were; history lines keep theirs. */
static void take_numbers(struct work *w)
{
	int64_t top = 0;

	if (sd_ids_load(w->to, w->e) != SD_OK) {
		w->rc = SD_DB;
		return;
	}
	if (sd_ids_load(w->from, NULL) == SD_OK) {
		at_least(&w->to->next_seq, w->from->next_seq - 1);
		at_least(&w->to->next_line, w->from->next_line - 1);
	}
	if (sd_db_int(w->from, "SELECT max(seq) FROM outbox", &top, NULL) == SD_OK)
		at_least(&w->to->next_seq, top);
	w->to->ids_dirty = true;
}

static const char *text_at(sqlite3_stmt *s, int col)
{
	return (const char *)sqlite3_column_text(s, col);
}

static void take_history(struct work *w)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(w->from->db,
		    "SELECT at,kind,model,key,source,version,changed,text,seq,op,id FROM journal"
		    " WHERE rid_from=0 ORDER BY id",
		    -1, &s, NULL) != SQLITE_OK)
		return;
	while (w->rc == SD_OK && sqlite3_step(s) == SQLITE_ROW) {
		at_least(&w->to->next_seq, sqlite3_column_int64(s, 8));
		at_least(&w->to->next_line, sqlite3_column_int64(s, 10));
		w->rc = sd_db_run(w->to, Q_JOURNAL_ADD, w->e, "history", "idssdissiiidi",
			(int64_t)sqlite3_column_int64(s, 0), sqlite3_column_int(s, 1),
			text_at(s, 2), text_at(s, 3), sqlite3_column_int(s, 4),
			(int64_t)sqlite3_column_int64(s, 5), text_at(s, 6), text_at(s, 7),
			(int64_t)0, (int64_t)0, (int64_t)sqlite3_column_int64(s, 8),
			sqlite3_column_int(s, 9), (int64_t)sqlite3_column_int64(s, 10));
	}
	sqlite3_finalize(s);
}

static void take_settings(struct work *w)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(w->from->db,
		    "SELECT key,value FROM meta WHERE key NOT LIKE 'schema.%'"
		    " AND key NOT LIKE 'index.later%'",
		    -1, &s, NULL) != SQLITE_OK)
		return;
	while (w->rc == SD_OK && sqlite3_step(s) == SQLITE_ROW)
		if (text_at(s, 0) && text_at(s, 1))
			w->rc = sd_meta_put(w->to, text_at(s, 0), text_at(s, 1), w->e);
	sqlite3_finalize(s);
}

static void tell(struct work *w)
{
	struct sd_journal j = {.at_ms = w->o->now_ms,
		.kind = SD_J_SYNC,
		.version = -1,
		.text = "the store was damaged; what could be read was carried into a new one"};

	if (w->rc == SD_OK)
		w->rc = sd_journal_put(w->to, &j, NULL, w->e);
}

static enum sd_err carry(struct work *w)
{
	w->rc = sd_store_begin(w->to, w->e);
	if (w->rc == SD_OK && w->from) {
		take_numbers(w);
		take_history(w);
		take_settings(w);
		for (size_t i = 0; i < w->o->schema->model_count && w->rc == SD_OK; i++)
			take_model(w, &w->from->tables[i]);
		if (w->rc == SD_OK)
			take_outbox(w);
		for (const struct cJSON *r = sd_json_child(w->unsent); r && w->rc == SD_OK;
			r = sd_json_next(r))
			take_changed_row(w, r);
	}
	tell(w);
	if (w->rc == SD_OK)
		w->rc = sd_store_commit(w->to, w->e);
	sd_store_rollback(w->to);
	if (w->rc == SD_OK)
		w->rc = sd_store_indexes(w->to, w->e);
	return w->rc == SD_OK ? sd_store_check(w->to, w->e) : w->rc;
}

enum sd_err sd_salvage(struct sd_store *from, struct sd_store *to, const struct sd_store_opts *o,
	struct sd_rescued *out, struct sd_error *e)
{
	struct work w = {.from = from,
		.to = to,
		.o = o,
		.out = out,
		.e = e,
		.damaged = SD_BUF_INIT,
		.unsent = sd_json_array()};
	enum sd_err rc = w.unsent ? carry(&w) : sd_db_nomem(e, "rescue");

	out->readable = from != NULL;
	out->damaged = w.damaged.len ? sd_buf_take(&w.damaged) : strdup("");
	sd_json_free(w.unsent);
	sd_buf_release(&w.damaged);
	return rc;
}
