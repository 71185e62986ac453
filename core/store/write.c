/* core/store/write.c - save: validation, coalescing, the row, the queue; see write.h. */
#include "core/store/write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/internal.h"

struct save {
	struct sd_store *st;
	struct sd_table *t;
	const struct sd_model *m;
	const struct sd_write_env *env;
	const char *cond;       /* canonical text; NULL without */
	struct sd_buf key;      /* key text */
	struct cJSON *before;   /* the row, with tombstones; NULL */
	struct sd_rowid row;    /* of before */
	struct sd_entries list; /* unsent changes of the record */
	struct cJSON *own;      /* the fields with an id made here; NULL: they had one */
	struct cJSON *clean;    /* checked fields, which share what the caller's or own hold */
	struct cJSON *changed;  /* those that differ; of a new record `clean` itself */
	struct cJSON *after;    /* the row to be; of a new record `clean` itself */
	int64_t seq;            /* of the entry it went into */
	bool written;           /* by create_at_once() */
	bool first;             /* there are no records: none is looked for */
};

static void release(struct save *w)
{
	sd_buf_release(&w->key);
	sd_json_free(w->before);
	sd_entries_release(&w->list);
	if (w->changed != w->clean)
		sd_json_free(w->changed);
	if (w->after != w->clean)
		sd_json_free(w->after);
	sd_json_free(w->clean);
	sd_json_free(w->own);
}

/* An id where the schema wants that: own is a copy with it. */
static enum sd_err make_id(
	struct save *w, const struct cJSON *fields, bool may_make, struct sd_error *e)
{
	char id[SD_UUID_TEXT];

	if (!w->m->managed_id || !may_make || !sd_json_is_null(sd_json_get(fields, "id")))
		return SD_OK;
	sd_uuid4(w->env->rand, id);
	w->own = sd_json_dup(fields);
	if (!w->own || !sd_json_set(w->own, "id", sd_json_string(id)))
		return sd_db_nomem(e, w->m->name);
	return SD_OK;
}

/* The key text. */
static enum sd_err find_key(struct save *w, const struct cJSON *fields, struct sd_error *e)
{
	const struct sd_model *m = w->m;
	enum sd_err rc;

	for (size_t k = 0; k < m->pk_count; k++) {
		const char *name = m->fields[m->pk[k]].name;
		const char *s = sd_json_get_str(fields, name);
		if (sd_json_is_null(sd_json_get(fields, name)))
			return sd_fail(e, SD_INVAL, 0,
				"%s.%s: a part of the key is missing; give a value for it", m->name,
				name);
		if (s && !*s)
			return sd_fail(e, SD_INVAL, 0,
				"%s.%s: An index field cannot contain an empty string value",
				m->name, name);
	}
	rc = sd_key_of(m, fields, &w->key, e);
	return rc == SD_NOTFOUND ? SD_INVAL : rc;
}

/* Can there be unsent changes of a record that has no row?  Refused ones only: of many records
 * created in one transaction this is asked once. */
static enum sd_err may_be_rowless(struct save *w, bool *yes, struct sd_error *e)
{
	int64_t n = 1;
	enum sd_err rc = SD_OK;

	if (w->st->in_bulk && w->st->rowless < 0) {
		rc = sd_db_int(
			w->st, "SELECT EXISTS(SELECT 1 FROM outbox WHERE lane<>0 LIMIT 1)", &n, e);
		w->st->rowless = n != 0;
	}
	*yes = !w->st->in_bulk || w->st->rowless != 0;
	return rc;
}

static enum sd_err load(struct save *w, const struct cJSON *named, struct sd_error *e)
{
	enum sd_err rc = sd_row_get_rec(w->st, w->t, named, &w->before, &w->row, e);
	bool look = true;

	sd_json_remove(w->before, "_state"); /* of the row, not of the copies made of it */
	if (rc == SD_OK && !w->before)
		rc = may_be_rowless(w, &look, e);
	if (rc == SD_OK && look)
		rc = sd_entries_of(w->st, w->m, sd_buf_text(&w->key), &w->list, e);
	return rc;
}

/* A record that is deleted is not written to: says what to do instead. */
static enum sd_err refuse_deleted(struct save *w, struct sd_error *e)
{
	struct sd_buf show = SD_BUF_INIT;
	const struct sd_mutation *last = w->list.count ? &w->list.v[w->list.count - 1] : NULL;

	sd_key_show(sd_buf_text(&w->key), &show);
	if (last && last->op != SD_OP_DELETE)
		last = NULL;
	if (last && last->lane != SD_LANE_SENDING)
		(void)sd_fail(e, SD_INVAL, 0,
			"%s %s: its deletion waits to be sent; take that back first: `syncdeck "
			"undo "
			"%lld`",
			w->m->name, sd_buf_text(&show), (long long)last->seq);
	else if (last)
		(void)sd_fail(e, SD_INVAL, 0, "%s %s: is being deleted; save under another key",
			w->m->name, sd_buf_text(&show));
	else
		(void)sd_fail(e, SD_INVAL, 0,
			"%s %s: was deleted on the server (version %lld), which keeps the key for "
			"a "
			"while; save under another key",
			w->m->name, sd_buf_text(&show), (long long)w->row.version);
	sd_buf_release(&show);
	return SD_INVAL;
}

static enum sd_err check_mode(struct save *w, enum sd_save_mode mode, struct sd_error *e)
{
	struct sd_buf show = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	if (w->before && w->row.deleted)
		return refuse_deleted(w, e);
	sd_key_show(sd_buf_text(&w->key), &show);
	if (w->before && mode == SD_SAVE_CREATE)
		rc = sd_fail(
			e, SD_INVAL, 0, "%s %s: exists already", w->m->name, sd_buf_text(&show));
	else if (!w->before && mode == SD_SAVE_UPDATE)
		rc = sd_fail(e, SD_NOTFOUND, 0, "%s %s: there is no such record", w->m->name,
			sd_buf_text(&show));
	else if (!w->before && w->cond)
		rc = sd_fail(e, SD_INVAL, 0,
			"%s %s: a condition needs a record that is known here; leave out the "
			"condition to create it",
			w->m->name, sd_buf_text(&show));
	sd_buf_release(&show);
	return rc;
}

/* changed and after, from before and clean. */
static enum sd_err compute(struct save *w, struct sd_error *e)
{
	bool ok;

	if (!w->before) {
		w->changed = w->after = w->clean;
		return SD_OK;
	}
	w->changed = sd_json_object();
	w->after = sd_json_dup(w->before);
	ok = w->changed && w->after;
	for (const struct cJSON *v = sd_json_child(w->clean); v && ok; v = sd_json_next(v)) {
		const char *name = sd_json_name(v);
		if (sd_json_equal(sd_json_get(w->before, name), v, true))
			continue;
		ok = sd_json_add(w->changed, name, sd_json_dup(v)) &&
		     sd_json_set(w->after, name, sd_json_dup(v));
	}
	return ok ? SD_OK : sd_db_nomem(e, w->m->name);
}

/* May a further change go into this entry?  */
static bool open_entry(const struct sd_mutation *m)
{
	return m->lane == SD_LANE_WAITING && !m->unknown && !m->condition && m->op != SD_OP_DELETE;
}

/* Merged fields of an update: those that are back at what they were leave it. */
static enum sd_err merged(struct save *w, const struct sd_mutation *last, struct cJSON **fields,
	struct cJSON **was, struct sd_error *e)
{
	enum sd_err rc = sd_entry_was(w->st, last->seq, was, e);
	bool ok;

	*fields = sd_json_dup(last->fields);
	ok = *fields != NULL;
	for (const struct cJSON *v = sd_json_child(w->changed); rc == SD_OK && v && ok;
		v = sd_json_next(v)) {
		const char *name = sd_json_name(v);
		const struct cJSON *old = sd_json_get(w->before, name);
		bool goes;
		if (last->op == SD_OP_UPDATE && *was && !sd_json_get(*was, name))
			ok = sd_json_set(*was, name, old ? sd_json_dup(old) : sd_json_null());
		goes = !ok || last->op != SD_OP_UPDATE || !*was ||
		       !sd_json_equal(sd_json_get(*was, name), v, true);
		if (!goes)
			rc = sd_unmerge_open(w->st, w->m, last->key, name, &goes, e);
		if (!goes) {
			sd_json_remove(*fields, name);
			sd_json_remove(*was, name);
		} else {
			ok = ok && sd_json_set(*fields, name, sd_json_dup(v));
		}
	}
	return rc == SD_OK && !ok ? sd_db_nomem(e, w->m->name) : rc;
}

/* The newest change is the one undone first. */
static enum sd_err touch(struct save *w, const struct sd_mutation *m, struct sd_error *e)
{
	enum sd_err rc = sd_ids_load(w->st, e);

	if (rc != SD_OK)
		return rc;
	return sd_db_run(w->st, Q_ENTRY_TOUCHED, e, "outbox", "ii", m->seq, w->st->next_line);
}

static enum sd_err merge(struct save *w, struct sd_mutation *last, struct sd_error *e)
{
	struct cJSON *fields = NULL, *was = NULL;
	enum sd_err rc = merged(w, last, &fields, &was, e);

	w->seq = last->seq;
	if (rc == SD_OK && last->op == SD_OP_UPDATE && sd_json_count(fields) == 0) {
		rc = sd_entry_drop(w->st, last, "changed back: nothing to send", SD_FROM_LOCAL,
			last->version, w->env->now_ms, e);
	} else if (rc == SD_OK) {
		rc = sd_entry_payload(w->st, last->seq, last->op, fields, was, last->version, e);
		if (rc == SD_OK)
			rc = touch(w, last, e);
	}
	sd_json_free(fields);
	sd_json_free(was);
	return rc;
}

/* The first change of a record keeps the copies beside its row; of a new one there are none. */
static enum sd_err keep_copies(struct save *w, struct sd_error *e)
{
	if (w->list.count || !w->before)
		return SD_OK;
	return sd_shadow_put(w->st, w->m, sd_buf_text(&w->key), w->before, w->before, e);
}

static enum sd_err append(struct save *w, struct sd_error *e)
{
	struct cJSON *was = w->before ? sd_entry_before(w->before, w->changed) : NULL;
	struct sd_entry_new n = {
		.op = w->before ? SD_OP_UPDATE : SD_OP_CREATE,
		.m = w->m,
		.key = sd_buf_text(&w->key),
		.condition = w->cond,
		.fields = w->changed,
		.was = was,
		.version = w->before ? w->row.version : -1,
		.now_ms = w->env->now_ms,
	};
	enum sd_err rc = w->before && !was ? sd_db_nomem(e, w->m->name) : keep_copies(w, e);

	if (rc == SD_OK)
		rc = sd_parent_create(w->st, w->m, w->changed, w->after, 0, INT64_MAX, &n.waits, e);
	if (rc == SD_OK)
		rc = sd_entry_add(w->st, &n, &w->seq, e);
	sd_json_free(was);
	return rc;
}

static enum sd_err enqueue(struct save *w, struct sd_error *e)
{
	struct sd_mutation *last = w->list.count ? &w->list.v[w->list.count - 1] : NULL;
	int64_t parent = 0;
	enum sd_err rc;

	if (!last || w->cond || !open_entry(last))
		return append(w, e);
	/* merged, it would be sent before the new parent it points to: then it goes behind */
	rc = sd_parent_create(w->st, w->m, w->changed, w->after, last->seq, INT64_MAX, &parent, e);
	if (rc != SD_OK)
		return rc;
	return parent ? append(w, e) : merge(w, last, e);
}

/* After the entry: the row and its journal line. */
static enum sd_err write_row(struct save *w, struct sd_error *e)
{
	const char *key = sd_buf_text(&w->key);
	struct sd_cause why = {.source = SD_FROM_LOCAL,
		.now_ms = w->env->now_ms,
		.seq = w->seq,
		.op = w->before ? SD_OP_UPDATE : SD_OP_CREATE};
	int64_t left = 0, rid = 0;
	int state = SD_ST_PENDING;
	enum sd_err rc = SD_OK;

	if (w->list.count) /* else it is the only entry */
		rc = sd_state_of(w->st, w->m, key, &state, &left, e);
	if (rc == SD_OK && w->list.count &&
		left == 0) /* changed back: nothing is unsent any more */
		return sd_rebuild(w->st, w->t, key, &why, e);
	if (rc == SD_OK)
		rc = w->before ? sd_row_update(w->st, w->t, &w->row, w->after, state, e)
			       : sd_row_insert(w->st, w->t, w->after, state, &rid, e);
	if (rid) {
		w->st->bulk_known = false;
		w->row.rid = rid;
	}
	if (rc == SD_OK && rid && w->st->in_bulk)
		return sd_journal_bulk(w->st, w->m, rid, w->env->now_ms, e);
	if (rc == SD_OK)
		rc = sd_record_line(w->st, w->m, key, w->before, w->after, &why, e);
	return rc;
}

/* With refused changes only, the row is the server's; the new change is made on what is seen. */
static enum sd_err rebase_refused(struct save *w, struct sd_error *e)
{
	struct sd_shadow sh;
	enum sd_err rc;

	for (size_t i = 0; i < w->list.count; i++)
		if (w->list.v[i].lane != SD_LANE_REFUSED || w->list.v[i].op == SD_OP_CREATE)
			return SD_OK;
	if (!w->list.count)
		return SD_OK;
	rc = sd_shadow_get(w->st, w->m, sd_buf_text(&w->key), &sh, e);
	if (rc == SD_OK)
		rc = sd_shadow_put(w->st, w->m, sd_buf_text(&w->key), sh.server, sh.server, e);
	sd_shadow_release(&sh);
	return rc;
}

/* Of many records most are new: written without a look whether one is there.  Not written: it may
 * be there, or something is wrong with it. */
static enum sd_err create_at_once(struct save *w, const struct cJSON *named, struct sd_error *e)
{
	bool rowless = true;
	int64_t rid = 0;
	enum sd_err rc = may_be_rowless(w, &rowless, e);

	if (rc != SD_OK || rowless)
		return rc;
	if (sd_valid_fields(w->st, w->m, named, NULL, &w->clean, NULL) != SD_OK ||
		sd_valid_required(w->m, w->clean, NULL) != SD_OK ||
		sd_valid_parents(w->st, w->m, w->clean, w->clean, NULL) != SD_OK)
		goto look;
	rc = sd_row_insert(w->st, w->t, w->clean, SD_ST_PENDING, &rid, e);
	if (rc == SD_NOTFOUND) {
		w->st->bulk_known = true; /* until one is new again */
		goto look;
	}
	w->changed = w->after = w->clean;
	w->written = true;
	w->row.rid = rid;
	if (rc == SD_OK)
		rc = append(w, e);
	if (rc == SD_OK)
		rc = sd_bulk_one(w->st, w->t, e);
	return rc == SD_OK ? sd_journal_bulk(w->st, w->m, rid, w->env->now_ms, e) : rc;
look:
	sd_json_free(w->clean);
	w->clean = NULL;
	return SD_OK;
}

static enum sd_err check(
	struct save *w, enum sd_save_mode mode, const struct cJSON *fields, struct sd_error *e)
{
	const struct cJSON *named = fields;
	enum sd_err rc;

	if (!sd_json_is_object(fields))
		return sd_fail(e, SD_INVAL, 0, "%s: a record is a JSON object", w->m->name);
	rc = make_id(w, fields, mode != SD_SAVE_UPDATE, e);
	if (w->own)
		named = w->own;
	if (rc == SD_OK)
		rc = find_key(w, named, e);
	if (rc == SD_OK && w->st->in_bulk && !w->st->bulk_known && !w->cond &&
		mode == SD_SAVE_UPSERT) {
		rc = create_at_once(w, named, e);
		if (rc != SD_OK || w->written)
			return rc;
	}
	if (rc == SD_OK && !w->first)
		rc = load(w, named, e);
	if (rc == SD_OK)
		rc = check_mode(w, mode, e);
	if (rc == SD_OK)
		rc = sd_valid_fields(w->st, w->m, named, w->before, &w->clean, e);
	if (rc == SD_OK)
		rc = compute(w, e);
	if (rc == SD_OK && !w->before)
		rc = sd_valid_required(w->m, w->after, e);
	if (rc == SD_OK)
		rc = sd_valid_parents(w->st, w->m, w->after, w->changed, e);
	return rc;
}

static enum sd_err run(
	struct save *w, enum sd_save_mode mode, const struct cJSON *fields, struct sd_error *e)
{
	enum sd_err rc = check(w, mode, fields, e);

	if (rc != SD_OK || w->written || (w->before && sd_json_count(w->changed) == 0))
		return rc;
	rc = rebase_refused(w, e);
	if (rc == SD_OK)
		rc = enqueue(w, e);
	return rc == SD_OK ? write_row(w, e) : rc;
}

void sd_write_bulk(struct sd_store *st)
{
	assert(sd_store_in_txn(st));
	st->in_bulk = true;
}

enum sd_err sd_write_save(struct sd_store *st, const struct sd_model *m, enum sd_save_mode mode,
	const struct cJSON *fields, const struct sd_pred *cond, const struct sd_write_env *env,
	struct cJSON **rec, bool *created, struct sd_error *e)
{
	struct save w = {.st = st, .t = sd_table_of(st, m), .m = m, .env = env};
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	assert(sd_store_in_txn(st));
	if (rec)
		*rec = NULL;
	if (cond && cond->kind != SD_P_ALL) {
		if (!sd_pred_text(cond, &text))
			rc = sd_db_nomem(e, m->name);
		w.cond = sd_buf_text(&text);
	}
	if (rc == SD_OK)
		rc = sd_redo_forget(st, e);
	if (rc == SD_OK)
		rc = run(&w, mode, fields, e);
	st->saved_rid = w.row.rid;
	if (rc == SD_OK && created)
		*created = !w.before;
	if (rc == SD_OK && rec)
		rc = sd_row_get(st, w.t, sd_buf_text(&w.key), rec, NULL, e);
	release(&w);
	sd_buf_release(&text);
	return rc;
}

int64_t sd_write_rid(const struct sd_store *st)
{
	return st->saved_rid;
}

enum sd_err sd_write_first(
	struct sd_store *st, const struct sd_model *m, bool *first, struct sd_error *e)
{
	struct sd_table *t = sd_table_of(st, m);
	enum sd_err rc = sd_counter_load(st, t, e);

	*first = rc == SD_OK && t->next_rid == 1;
	return rc;
}

enum sd_err sd_write_check(struct sd_store *st, const struct sd_model *m, bool first,
	const struct cJSON *fields, const struct sd_write_env *env, bool *created,
	struct sd_error *e)
{
	struct save w = {.st = st, .t = sd_table_of(st, m), .m = m, .env = env, .first = first};
	enum sd_err rc = check(&w, SD_SAVE_UPSERT, fields, e);

	if (created)
		*created = !w.before;
	release(&w);
	return rc;
}

void sd_write_parents(struct sd_store *st, const struct sd_model *m, const struct sd_map *keys)
{
	st->absent_model = m;
	st->absent_keys = keys;
}
