/*
 * core/sandbox/core/admin.c - the administrator's calls (contract.md 10): state, mutate as
 * another client, rows put as they are.
 */
#include "core/sandbox/core/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"

static enum sd_err model_of(
	struct sd_sbx *s, const char *name, struct sbx_model **m, struct sd_error *e)
{
	*m = name ? sd_map_get(&s->x.by_name, name) : NULL;
	if (!*m)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: the schema has no such model",
			name ? name : "(none)");
	return SD_OK;
}

/* Kept by triggers (table.c); only tombstones whose time has come are counted. */
static enum sd_err counts(struct sd_sbx *s, const struct sbx_model *m, int64_t now_ms, int64_t *all,
	int64_t *dead, int64_t *expired, struct sd_error *e)
{
	sqlite3_stmt *st = sbx_model_stmt(s, m,
		"SELECT all_rows, tombstones, (SELECT count(*) FROM %s WHERE _ttl IS NOT NULL AND "
		"_ttl <= ?1) FROM counts WHERE model = ?2",
		e);

	if (!st)
		return SD_DB;
	sqlite3_bind_int64(st, 1, now_ms / 1000);
	sqlite3_bind_text(st, 2, m->m->name, -1, SQLITE_STATIC);
	if (sqlite3_step(st) != SQLITE_ROW)
		return sbx_db_fail(s, e, "count");
	*all = sqlite3_column_int64(st, 0);
	*dead = sqlite3_column_int64(st, 1);
	*expired = sqlite3_column_int64(st, 2);
	sqlite3_reset(st);
	return SD_OK;
}

enum sd_err sd_sbx_state(struct sd_sbx *s, int64_t now_ms, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *all_models = sd_json_object();

	*out = NULL;
	for (size_t i = 0; i < s->x.model_count; i++) {
		const struct sbx_model *m = &s->x.models[i];
		struct cJSON *one = sd_json_object();
		int64_t all = 0, dead = 0, expired = 0;
		enum sd_err rc = counts(s, m, now_ms, &all, &dead, &expired, e);
		if (rc != SD_OK) {
			sd_json_free(one);
			sd_json_free(all_models);
			return rc;
		}
		sd_json_add_int(one, "live", all - dead);
		sd_json_add_int(one, "deleted", dead - expired);
		if (!sd_json_add(all_models, m->m->name, one)) {
			sd_json_free(all_models);
			return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
		}
	}
	*out = all_models;
	return SD_OK;
}

/* All fields selected: the stored item, with the records that its columns point at. */
static struct cJSON *full_value(
	struct sd_sbx *s, const struct sbx_model *m, const struct cJSON *item, int64_t now)
{
	struct cJSON *v = sd_json_dup(item);
	void *p;

	for (size_t i = 0; v && sd_map_next(&m->out->fields, &i, NULL, &p);) {
		const struct sbx_field *f = p;
		struct sd_buf pk = SD_BUF_INIT;
		struct sbx_row row = {0};
		const char *owner = sd_json_get_str(v, f->name);
		if (f->owner && owner)
			sd_json_set(v, f->name, sd_json_string(sbx_owner_tail(owner)));
		if (f->res != SBX_ONE || !f->src || f->src->join_count != f->model->m->pk_count)
			continue;
		sd_buf_ch(&pk, '[');
		for (size_t k = 0; k < f->src->join_count; k++) {
			sd_buf_str(&pk, k ? "," : "");
			sd_json_print(sd_json_get(item, f->src->local[k]), &pk);
		}
		sd_buf_ch(&pk, ']');
		if (sd_buf_ok(&pk) &&
			sbx_row_get(s, f->model, sd_buf_text(&pk), now, &row, NULL) == SD_OK &&
			row.rid) {
			sd_json_set(v, f->name, row.item);
			row.item = NULL;
		}
		sbx_row_release(&row);
		sd_buf_release(&pk);
	}
	return v;
}

/* Fills _version in with the current one when it is not given. */
static enum sd_err current_version(
	struct sd_sbx *s, struct sbx_write *w, struct cJSON *input, struct sd_error *e)
{
	struct sd_buf pk = SD_BUF_INIT;
	struct sbx_row row = {0};
	const char *part;
	enum sd_err rc = SD_OK;

	if (w->op == SBX_OP_CREATE || !w->m->versioned ||
		!sd_json_is_null(sd_json_get(input, "_version")))
		return SD_OK;
	if (sbx_key_text(w->m, input, &pk, &part))
		rc = sbx_row_get(s, w->m, sd_buf_text(&pk), w->now, &row, e);
	if (rc == SD_OK && row.rid && !sd_json_set(input, "_version", sd_json_int(row.version)))
		rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	sbx_row_release(&row);
	sd_buf_release(&pk);
	return rc;
}

static struct cJSON *error_object(const char *type, const char *text, struct cJSON *data)
{
	struct cJSON *o = sd_json_object();

	sd_json_add(o, "data", data ? data : sd_json_null());
	sd_json_add_str(o, "errorType", type);
	sd_json_add(o, "errorInfo", sd_json_null());
	sd_json_add_str(o, "message", text);
	return o;
}

static enum sd_err op_of(const char *op, struct sbx_write *w, struct sd_error *e)
{
	static const char *const words[] = {"create", "update", "delete"};

	for (int i = 0; i < 3; i++)
		if (op && strcmp(op, words[i]) == 0) {
			w->op = (enum sbx_op)i;
			return SD_OK;
		}
	return sd_fail(
		e, SD_INVAL, 0, "op: give create, update or delete, not %s", op ? op : "null");
}

enum sd_err sd_sbx_mutate(struct sd_sbx *s, const char *op, const char *model,
	const struct cJSON *input, int64_t now_ms, struct cJSON **row, struct sd_error *e)
{
	bool later;

	return sbx_mutate(s, NULL, &later, op, model, input, now_ms, row, e);
}

enum sd_err sbx_mutate(struct sd_sbx *s, struct sbx_job *j, bool *later, const char *op,
	const char *model, const struct cJSON *input, int64_t now_ms, struct cJSON **row,
	struct sd_error *e)
{
	struct sbx_write w = {.now = now_ms, .job = j};
	struct cJSON *in = sd_json_dup(input), *fit = NULL, *value;
	struct sbx_wrong wrong = {""};
	struct sbx_type *type;
	enum sd_err rc = op_of(op, &w, e);

	*row = NULL;
	*later = false;
	if (rc == SD_OK)
		rc = model_of(s, model, &w.m, e);
	if (rc == SD_OK && !sd_json_is_object(in))
		rc = sd_fail(e, SD_INVAL, 0, "input: give an object with the record's fields");
	if (rc == SD_OK)
		rc = current_version(s, &w, in, e);
	if (rc != SD_OK)
		goto done;
	type = w.op == SBX_OP_CREATE   ? w.m->create_in
	       : w.op == SBX_OP_UPDATE ? w.m->update_in
				       : w.m->delete_in;
	fit = sbx_item_input(s, w.m, type, in, &wrong);
	if (!fit) {
		*row = error_object("BadRequest", wrong.text, NULL);
		rc = sd_fail(e, SD_REFUSED, 0, "%s", wrong.text);
		goto done;
	}
	w.input = fit;
	rc = sbx_write(s, &w, e);
	*later = w.later;
	if (*later)
		goto done;
	if (rc == SD_OK && w.error_type) {
		*row = error_object(w.error_type, w.error, w.result);
		w.result = NULL;
		rc = sd_fail(e, SD_REFUSED, 0, "%s: %s", w.error_type, w.error);
	} else if (rc == SD_OK) {
		value = sbx_has_listener(s, w.m, w.op) ? full_value(s, w.m, w.result, now_ms)
						       : NULL;
		if (value)
			sbx_publish(s, w.m, w.op, value);
		sd_json_free(value);
		*row = w.result;
		w.result = NULL;
	}
done:
	sd_json_free(w.result);
	sd_json_free(fit);
	sd_json_free(in);
	return rc;
}

/* What an item does not name of its metadata and times: the row's own when there is one, so that a
 * change of one value stays the only one; else those of a new row. */
static bool own_stamps(
	const struct sbx_model *m, const struct cJSON *before, struct cJSON *item, int64_t now_ms)
{
	const struct {
		const char *name;
		bool wanted;
	} stamps[] = {{"_version", before && m->versioned},
		{"_lastChangedAt", before && m->versioned}, {m->m->created_at, m->auto_created},
		{m->m->updated_at, m->auto_updated}};
	char iso[SD_TIME_TEXT];
	bool ok = true;

	sd_time_iso(now_ms, iso);
	for (size_t i = 0; i < sizeof stamps / sizeof *stamps; i++) {
		const struct cJSON *v =
			stamps[i].wanted ? sd_json_get(before, stamps[i].name) : NULL;
		if (stamps[i].wanted && !sd_json_get(item, stamps[i].name))
			ok = ok && sd_json_set(item, stamps[i].name,
					   v ? sd_json_dup(v) : sd_json_string(iso));
	}
	return ok;
}

enum sd_err sbx_put_one(struct sd_sbx *s, const struct sbx_model *m, const struct cJSON *given,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *item = sd_json_dup(given);
	struct sd_buf pk = SD_BUF_INIT, text = SD_BUF_INIT;
	struct sbx_row before = {.rid = 0};
	const char *part;
	bool deleted = m->versioned && sd_json_is_true(sd_json_get(given, "_deleted"));
	int64_t ttl = sd_json_get_i64(given, "_ttl", 0);
	enum sd_err rc = SD_OK;

	if (deleted && ttl <= 0)
		ttl = (now_ms + s->o.base_ttl_ms) / 1000;
	sd_json_remove(item, "_ttl");
	if (!m->versioned)
		sbx_item_plain(item);
	if (!item || !sbx_key_text(m, item, &pk, &part))
		rc = sd_fail(e, SD_INVAL, 0, "%s: an item without its key", m->m->name);
	else
		rc = sbx_row_get(s, m, sd_buf_text(&pk), now_ms, &before, e);
	if (rc != SD_OK)
		;
	else if (!own_stamps(m, before.item, item, now_ms) ||
		 !sbx_item_stamp(m, item, sd_json_get_i64(item, "_version", 1),
			 sd_json_get_i64(item, "_lastChangedAt", now_ms), deleted))
		rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	else if (!sd_json_print(item, &text))
		rc = sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	else
		rc = sbx_row_put(s, m, sd_buf_text(&pk), item, &text, deleted ? ttl : 0, e);
	sd_buf_release(&text);
	sbx_row_release(&before);
	sd_buf_release(&pk);
	sd_json_free(item);
	return rc;
}

enum sd_err sd_sbx_put(struct sd_sbx *s, const char *model, const struct cJSON *items,
	int64_t now_ms, struct sd_error *e)
{
	struct sbx_model *m;
	enum sd_err rc = model_of(s, model, &m, e);

	if (rc == SD_OK)
		rc = sbx_begin(s, e);
	if (rc != SD_OK)
		return rc;
	if (sd_json_is_object(items))
		rc = sbx_put_one(s, m, items, now_ms, e);
	for (const struct cJSON *c = sd_json_is_array(items) ? sd_json_child(items) : NULL;
		c && rc == SD_OK; c = sd_json_next(c))
		rc = sbx_put_one(s, m, c, now_ms, e);
	if (rc == SD_OK)
		return sbx_commit(s, e);
	sbx_rollback(s);
	return rc;
}

enum sd_err sd_sbx_begin(struct sd_sbx *s, struct sd_error *e)
{
	enum sd_err rc;

	if (s->outer)
		return sd_fail(e, SD_INVAL, 0, "sandbox: a transaction is open already");
	rc = sbx_begin(s, e);
	s->outer = rc == SD_OK;
	return rc;
}

enum sd_err sd_sbx_commit(struct sd_sbx *s, struct sd_error *e)
{
	if (!s->outer)
		return SD_OK;
	s->outer = false;
	return sbx_commit(s, e);
}
