/*
 * core/store/undo.c - taking back unsent changes, and making them again; see write.h.
 *
 * Deletes of one cascade (or of one command) share a group number and are undone together.  A
 * delete may make unsent changes needless: those are kept in meta under "kept:GROUP:N" until the
 * delete is undone.  What was undone stands under "redo:N" until the person changes something.
 */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/internal.h"
#include "core/store/write.h"

#define KEPT_GROUPS 20 /* the newest deletes whose needless changes are remembered */
#define NAME_MAX    64

/* ---- small things ---- */

enum sd_err sd_write_together(struct sd_store *st, struct sd_error *e)
{
	int64_t last;
	enum sd_err rc = sd_journal_last(st, &last, e);

	if (rc == SD_OK)
		st->group = last + 1; /* named after a journal line, so never used again */
	return rc;
}

static struct cJSON *op_json(const struct sd_mutation *m, const char *op)
{
	struct cJSON *j = sd_json_object();
	bool ok = sd_json_add_str(j, "op", op) && sd_json_add_str(j, "model", m->model->name) &&
		  sd_json_add_str(j, "key", m->key) &&
		  sd_json_add(j, "fields", m->fields ? sd_json_dup(m->fields) : sd_json_object()) &&
		  sd_json_add_str(j, "condition", m->condition) &&
		  sd_json_add_int(j, "seq", m->seq);

	if (ok)
		return j;
	sd_json_free(j);
	return NULL;
}

static enum sd_err put_json(
	struct sd_store *st, const char *name, const struct cJSON *j, struct sd_error *e)
{
	char *text = j ? sd_json_text(j) : NULL;
	enum sd_err rc = text ? sd_meta_put(st, name, text, e) : sd_db_nomem(e, "undo");

	free(text);
	return rc;
}

/* First (or last) of the settings from..to; NOTFOUND without one. */
static enum sd_err one_json(struct sd_store *st, enum sd_q q, const char *from, const char *to,
	char name[NAME_MAX], struct cJSON **out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, q, e, "ss", from, to);
	enum sd_err rc = s ? sd_db_row(st, s, e, "undo") : SD_DB;

	*out = NULL;
	if (rc == SD_OK) {
		snprintf(name, NAME_MAX, "%s", (const char *)sqlite3_column_text(s, 0));
		rc = sd_db_json(s, 1, out, e);
	}
	sd_db_reset(s);
	return rc;
}

/* ---- what a delete made needless ---- */

enum sd_err sd_kept_add(
	struct sd_store *st, int64_t group, const struct sd_mutation *m, struct sd_error *e)
{
	struct cJSON *j = op_json(m, sd_op_name(m->op));
	char name[NAME_MAX];
	enum sd_err rc = sd_ids_load(st, e);

	/* the line that its leaving is about to get numbers it */
	snprintf(name, sizeof name, "kept:%020lld:%020lld", (long long)group,
		(long long)st->next_line);
	if (rc == SD_OK)
		rc = put_json(st, name, j, e);
	sd_json_free(j);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_KEPT_TRIM, e, "undo", "d", KEPT_GROUPS);
	return rc;
}

static void kept_range(int64_t group, char from[NAME_MAX], char to[NAME_MAX])
{
	snprintf(from, NAME_MAX, "kept:%020lld:", (long long)group);
	snprintf(to, NAME_MAX, "kept:%020lld;", (long long)group);
}

/* The newest group with something kept; 0: none. */
static enum sd_err kept_newest(struct sd_store *st, int64_t *group, struct sd_error *e)
{
	struct cJSON *j = NULL;
	char name[NAME_MAX], number[21];
	enum sd_err rc = one_json(st, Q_META_LAST, "kept:", "kept;", name, &j, e);

	*group = 0;
	if (rc == SD_OK) {
		snprintf(number, sizeof number, "%.20s", name + 5);
		if (!sd_parse_i64(number, group))
			*group = 0;
	}
	sd_json_free(j);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* ---- carrying out ---- */

static enum sd_err save_op(struct sd_store *st, const struct sd_model *m, const struct cJSON *op,
	const struct sd_write_env *env, struct sd_error *e)
{
	const char *cond = sd_json_get_str(op, "condition");
	struct cJSON *fields = sd_json_dup(sd_json_get(op, "fields"));
	struct sd_pred *p = NULL;
	enum sd_err rc = fields ? SD_OK : sd_db_nomem(e, "undo");

	if (rc == SD_OK)
		rc = sd_key_put(m, sd_json_get_str(op, "key"), fields, e);
	if (rc == SD_OK && cond)
		rc = sd_pred_parse(st->schema, m, cond, &p, e);
	if (rc == SD_OK)
		rc = sd_write_save(st, m, SD_SAVE_UPSERT, fields, p, env, NULL, NULL, e);
	sd_pred_free(p);
	sd_json_free(fields);
	return rc;
}

static enum sd_err delete_op(struct sd_store *st, const struct sd_model *m, const struct cJSON *op,
	const struct sd_write_env *env, struct sd_error *e)
{
	const char *cond = sd_json_get_str(op, "condition");
	struct sd_pred *p = NULL;
	enum sd_err rc = cond ? sd_pred_parse(st->schema, m, cond, &p, e) : SD_OK;

	if (rc == SD_OK)
		rc = sd_write_delete(st, m, sd_json_get_str(op, "key"), p, false, env, NULL, e);
	sd_pred_free(p);
	return rc == SD_NOTFOUND ? SD_OK : rc; /* a cascade took it already */
}

static enum sd_err carry_out(struct sd_store *st, const struct cJSON *op,
	const struct sd_write_env *env, struct sd_error *e)
{
	const char *model = sd_json_get_str(op, "model"), *key = sd_json_get_str(op, "key");
	const struct sd_model *m = model ? sd_schema_model(st->schema, model) : NULL;
	enum sd_err rc;

	if (!m || !key)
		return sd_fail(
			e, SD_INVAL, 0, "the schema has no model %s any more", model ? model : "?");
	st->again = true;
	rc = sd_str_eq(sd_json_get_str(op, "op"), "DELETE") ? delete_op(st, m, op, env, e)
							    : save_op(st, m, op, env, e);
	st->again = false;
	return rc;
}

/* ---- redo: remembered ---- */

enum sd_err sd_redo_forget(struct sd_store *st, struct sd_error *e)
{
	if (st->redo_gone || st->again)
		return SD_OK;
	st->redo_gone = true;
	return sd_db_run(st, Q_META_DROP, e, "undo", "ss", "redo:", "redo;");
}

/* ops moves. */
static enum sd_err redo_push(struct sd_store *st, struct cJSON *ops, struct sd_error *e)
{
	char name[NAME_MAX];
	enum sd_err rc = sd_ids_load(st, e);

	snprintf(name, sizeof name, "redo:%020lld", (long long)st->next_line);
	if (rc == SD_OK && sd_json_child(ops))
		rc = put_json(st, name, ops, e);
	sd_json_free(ops);
	return rc;
}

/* ---- undo ---- */

/* One entry that is no delete; what was made on a create goes with it. */
static enum sd_err undo_one(
	struct sd_store *st, int64_t seq, struct cJSON *ops, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_entries list = {NULL, 0};
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_entries_of(st, m.model, m.key, &list, e);
	if (rc == SD_OK)
		rc = sd_entry_take_back(st, &m, "undone", now_ms, e);
	for (size_t i = 0; i < list.count && rc == SD_OK; i++) {
		struct sd_mutation left;
		if (list.v[i].seq != seq) {
			rc = sd_outbox_get(st, list.v[i].seq, &left, e);
			if (rc == SD_OK) /* it stayed */
				sd_mutation_release(&left);
			if (rc != SD_NOTFOUND)
				continue;
			rc = SD_OK;
		}
		if (!sd_json_push(ops, op_json(&list.v[i], sd_op_name(list.v[i].op))))
			rc = sd_db_nomem(e, "undo");
	}
	sd_entries_release(&list);
	sd_mutation_release(&m);
	return rc;
}

/* Can it still come back?  Not when the record was made anew, or is gone on the server. */
static enum sd_err returns(
	struct sd_store *st, const struct cJSON *kept, bool *yes, struct sd_error *e)
{
	const char *model = sd_json_get_str(kept, "model"), *key = sd_json_get_str(kept, "key");
	const struct sd_model *m = model ? sd_schema_model(st->schema, model) : NULL;
	struct cJSON *rec = NULL;
	enum sd_err rc = m && key ? sd_row_get(st, sd_table_of(st, m), key, &rec, NULL, e) : SD_OK;

	if (sd_str_eq(sd_json_get_str(kept, "op"), "CREATE"))
		*yes = m && key && !rec;
	else
		*yes = m && key && !sd_rec_deleted(rec);
	sd_json_free(rec);
	return rc;
}

static struct cJSON *delete_of(const struct cJSON *kept)
{
	struct cJSON *j = sd_json_object();

	if (sd_json_add_str(j, "op", "DELETE") &&
		sd_json_add_str(j, "model", sd_json_get_str(kept, "model")) &&
		sd_json_add_str(j, "key", sd_json_get_str(kept, "key")))
		return j;
	sd_json_free(j);
	return NULL;
}

/* What a delete had made needless, the newest first: parents before their children. */
static enum sd_err bring_back(struct sd_store *st, int64_t group, struct cJSON *ops, int64_t *seq,
	const struct sd_write_env *env, struct sd_error *e)
{
	char from[NAME_MAX], to[NAME_MAX], name[NAME_MAX];
	struct cJSON *kept = NULL;
	bool yes = false;
	enum sd_err rc;

	kept_range(group, from, to);
	while ((rc = one_json(st, Q_META_LAST, from, to, name, &kept, e)) == SD_OK) {
		rc = returns(st, kept, &yes, e);
		if (rc == SD_OK && yes) {
			rc = carry_out(st, kept, env, e);
			if (rc == SD_OK && !sd_json_push(ops, delete_of(kept)))
				rc = sd_db_nomem(e, "undo");
			if (*seq == 0)
				*seq = sd_json_get_i64(kept, "seq", 0);
		}
		if (rc == SD_OK)
			rc = sd_meta_put(st, name, NULL, e);
		sd_json_free(kept);
		kept = NULL;
		if (rc != SD_OK)
			return rc;
	}
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* A delete with all that went with it.  *seq: the entry named by the person, 0: any of it. */
static enum sd_err undo_group(struct sd_store *st, int64_t group, int64_t *seq,
	const struct sd_write_env *env, struct sd_error *e)
{
	struct cJSON *ops = sd_json_array();
	enum sd_err rc = ops ? SD_OK : sd_db_nomem(e, "undo");

	while (rc == SD_OK) {
		sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_GROUP, e, "i", group);
		int64_t next = 0;
		rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
		if (rc == SD_OK)
			next = sqlite3_column_int64(s, 0);
		sd_db_reset(s);
		if (rc == SD_OK &&
			(rc = sd_kept_stand_in(st, group, next, env->now_ms, e)) == SD_OK)
			rc = undo_one(st, next, ops, env->now_ms, e);
		if (rc == SD_OK && *seq == 0)
			*seq = next;
	}
	if (rc == SD_NOTFOUND)
		rc = bring_back(st, group, ops, seq, env, e);
	if (rc == SD_OK)
		return redo_push(st, ops, e);
	sd_json_free(ops);
	return rc;
}

static enum sd_err why_not(struct sd_store *st, int64_t seq, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_JOURNAL_LEFT, e, "i", seq);
	enum sd_err rc = s ? sd_db_row(st, s, e, "journal") : SD_DB;
	const char *how = rc == SD_OK ? (const char *)sqlite3_column_text(s, 0) : NULL;

	if (how)
		rc = sd_fail(e, SD_INVAL, 0,
			"change %lld was already %s; to take it back, `syncdeck revert` makes a "
			"new change",
			(long long)seq, how);
	else if (rc == SD_OK || rc == SD_NOTFOUND)
		rc = sd_fail(e, SD_NOTFOUND, 0, "there is no change %lld", (long long)seq);
	sd_db_reset(s);
	return rc;
}

static enum sd_err group_of(struct sd_store *st, int64_t seq, int64_t *group, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_GRP, e, "i", seq);
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	*group = rc == SD_OK ? sqlite3_column_int64(s, 0) : 0;
	sd_db_reset(s);
	return rc;
}

/* The entry changed last, or the delete that left no entry, whichever is newer. */
static enum sd_err find_newest(
	struct sd_store *st, int64_t *seq, int64_t *group, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_NEWEST, e, "");
	int64_t kept = 0, touched = 0;
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	*group = 0;
	if (rc == SD_OK) {
		*seq = sqlite3_column_int64(s, 0);
		*group = sqlite3_column_int64(s, 1);
		touched = sqlite3_column_int64(s, 2);
	}
	sd_db_reset(s);
	if (rc != SD_OK && rc != SD_NOTFOUND)
		return rc;
	rc = kept_newest(st, &kept, e);
	if (rc == SD_OK && kept > touched) {
		*seq = 0;
		*group = kept;
	}
	if (rc == SD_OK && !*seq && !*group)
		rc = sd_fail(e, SD_NOTFOUND, 0, "there is no unsent change to undo");
	return rc;
}

/* Of several saves in one entry the newest; ops stays empty when there is one only. */
static enum sd_err last_save(
	struct sd_store *st, int64_t seq, struct cJSON *ops, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *again = NULL, *op;
	struct sd_mutation m;
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_undo_step(st, &m, now_ms, &again, e);
	if (rc == SD_OK && again) {
		op = op_json(&m, sd_op_name(SD_OP_UPDATE));
		if (!op || !sd_json_set(op, "fields", again) || !sd_json_push(ops, op))
			rc = sd_db_nomem(e, "undo");
	}
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_write_undo(
	struct sd_store *st, int64_t *seq, const struct sd_write_env *env, struct sd_error *e)
{
	struct sd_mutation m;
	struct cJSON *ops;
	int64_t group = 0;
	bool newest = *seq == 0;
	enum sd_err rc;

	assert(sd_store_in_txn(st));
	if (newest) {
		rc = find_newest(st, seq, &group, e);
	} else {
		rc = sd_entry_take(st, *seq, &m, e);
		if (rc == SD_NOTFOUND)
			return why_not(st, *seq, e);
		if (rc == SD_OK)
			sd_mutation_release(&m);
		if (rc == SD_OK)
			rc = group_of(st, *seq, &group, e);
	}
	if (rc != SD_OK)
		return rc;
	if (group) {
		rc = undo_group(st, group, seq, env, e);
		/* nothing was left of it: the one before, then */
		return rc == SD_OK && *seq == 0 ? sd_write_undo(st, seq, env, e) : rc;
	}
	ops = sd_json_array();
	rc = ops ? SD_OK : sd_db_nomem(e, "undo");
	if (rc == SD_OK && newest)
		rc = last_save(st, *seq, ops, env->now_ms, e);
	if (rc == SD_OK && !sd_json_child(ops))
		rc = undo_one(st, *seq, ops, env->now_ms, e);
	if (rc == SD_OK)
		return redo_push(st, ops, e);
	sd_json_free(ops);
	return rc;
}

/* ---- redo ---- */

enum sd_err sd_write_redo(
	struct sd_store *st, int64_t *seq, const struct sd_write_env *env, struct sd_error *e)
{
	char name[NAME_MAX];
	struct cJSON *ops = NULL;
	sqlite3_stmt *s;
	enum sd_err rc = one_json(st, Q_META_LAST, "redo:", "redo;", name, &ops, e);

	assert(sd_store_in_txn(st));
	*seq = 0;
	if (rc == SD_NOTFOUND)
		return sd_fail(e, rc, 0, "there is nothing undone that could be made again");
	if (rc == SD_OK)
		rc = sd_write_together(st, e);
	for (const struct cJSON *o = sd_json_child(ops); rc == SD_OK && o; o = sd_json_next(o))
		rc = carry_out(st, o, env, e);
	sd_json_free(ops);
	if (rc == SD_OK)
		rc = sd_meta_put(st, name, NULL, e);
	if (rc != SD_OK)
		return rc;
	s = sd_db_open(st, Q_ENTRY_NEWEST, e, "");
	rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;
	if (rc == SD_OK)
		*seq = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}
