/* core/store/conflict.c - records in conflict; see conflict.h. */
#include "core/store/conflict.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/store/internal.h"

static const char *const SHAPE[SD_SHAPE_COUNT] = {
	[SD_SHAPE_EDIT_EDIT] = "edit/edit",
	[SD_SHAPE_EDIT_DELETE] = "edit/delete",
	[SD_SHAPE_DELETE_EDIT] = "delete/edit",
	[SD_SHAPE_CREATE_EXISTS] = "create/exists",
	[SD_SHAPE_MISSING] = "missing",
};

const char *sd_shape_name(enum sd_shape s)
{
	return (size_t)s < SD_SHAPE_COUNT ? SHAPE[s] : "?";
}

void sd_conflict_release(struct sd_conflict *c)
{
	free(c->key);
	sd_json_free(c->base);
	sd_json_free(c->mine);
	sd_json_free(c->theirs);
	memset(c, 0, sizeof *c);
}

static enum sd_err line(struct sd_store *st, const struct sd_mutation *m, const char *text,
	int64_t version, int64_t now_ms, struct sd_error *e)
{
	struct sd_journal j = {.at_ms = now_ms,
		.kind = SD_J_CONFLICT,
		.model = m->model,
		.key = m->key,
		.source = SD_FROM_MUTATION,
		.version = version,
		.text = text,
		.seq = m->seq,
		.op = m->op};

	return sd_journal_put(st, &j, NULL, e);
}

static char *text_of(const struct cJSON *j, bool *ok)
{
	char *s = j ? sd_json_text(j) : NULL;

	if (j && !s)
		*ok = false;
	return s;
}

static enum sd_err put_row(struct sd_store *st, const struct sd_mutation *m, enum sd_shape shape,
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs,
	int64_t now_ms, int64_t *id, struct sd_error *e)
{
	bool ok = true;
	char *b = text_of(base, &ok), *n = text_of(mine, &ok), *t = text_of(theirs, &ok);
	sqlite3_stmt *s = ok ? sd_db_open(st, Q_CONFLICT_PUT, e, "issdsssi", m->seq, m->model->name,
				       m->key, (int)shape, b, n, t, now_ms)
			     : NULL;
	enum sd_err rc = s ? sd_db_row(st, s, e, "conflict") : SD_DB;

	if (!ok)
		rc = sd_db_nomem(e, "conflict");
	if (rc == SD_OK) {
		*id = sqlite3_column_int64(s, 0);
		rc = sd_db_row(st, s, e, "conflict"); /* to the end */
		if (rc == SD_NOTFOUND)
			rc = SD_OK;
	}
	sd_db_reset(s);
	free(b);
	free(n);
	free(t);
	return rc;
}

enum sd_err sd_conflict_put(struct sd_store *st, int64_t seq, enum sd_shape shape,
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs,
	int64_t now_ms, int64_t *id, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	assert(sd_store_in_txn(st));
	if (rc != SD_OK)
		return rc;
	rc = put_row(st, &m, shape, base, mine, theirs, now_ms, id, e);
	if (rc == SD_OK)
		rc = sd_shadow_server(st, m.model, m.key, theirs, e);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_ENTRY_LANE, e, "outbox", "iddis", seq, SD_LANE_CONFLICT, 0,
			(int64_t)0, NULL);
	if (rc == SD_OK)
		rc = line(st, &m, sd_shape_name(shape), sd_rec_version(theirs), now_ms, e);
	if (rc == SD_OK)
		rc = sd_restate(st, sd_table_of(st, m.model), m.key, e);
	sd_mutation_release(&m);
	return rc;
}

static enum sd_err read_row(
	struct sd_store *st, sqlite3_stmt *s, struct sd_conflict *out, struct sd_error *e)
{
	const char *model = (const char *)sqlite3_column_text(s, 2);
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	out->id = sqlite3_column_int64(s, 0);
	out->seq = sqlite3_column_int64(s, 1);
	out->model = model ? sd_schema_model(st->schema, model) : NULL;
	out->key = sd_db_dup(s, 3);
	out->shape = (enum sd_shape)sqlite3_column_int(s, 4);
	out->found_ms = sqlite3_column_int64(s, 8);
	rc = sd_db_json(s, 5, &out->base, e);
	if (rc == SD_OK)
		rc = sd_db_json(s, 6, &out->mine, e);
	if (rc == SD_OK)
		rc = sd_db_json(s, 7, &out->theirs, e);
	if (rc == SD_OK && !out->key)
		rc = sd_db_nomem(e, "conflict");
	if (rc != SD_OK)
		sd_conflict_release(out);
	return rc;
}

bool sd_mutation_is_plain_edit(const struct sd_mutation *m)
{
	return m->op == SD_OP_UPDATE && m->lane == SD_LANE_WAITING && !m->condition && !m->unknown;
}

/* Mine as the person sees it: with the edits that wait behind the conflict. */
static enum sd_err with_later(struct sd_store *st, struct sd_conflict *c, struct sd_error *e)
{
	struct sd_entries list = {NULL, 0};
	bool ok = true, plain = true;
	enum sd_err rc =
		c->mine && c->model ? sd_entries_of(st, c->model, c->key, &list, e) : SD_OK;

	for (size_t i = 0; rc == SD_OK && ok && plain && i < list.count; i++) {
		const struct sd_mutation *m = &list.v[i];
		if (m->seq <= c->seq)
			continue;
		plain = sd_mutation_is_plain_edit(m);
		for (const struct cJSON *f = sd_json_child(m->fields); plain && ok && f;
			f = sd_json_next(f))
			ok = sd_json_set(c->mine, sd_json_name(f), sd_json_dup(f));
	}
	sd_entries_release(&list);
	if (rc == SD_OK && !ok)
		rc = sd_db_nomem(e, "conflict");
	if (rc != SD_OK)
		sd_conflict_release(c);
	return rc;
}

enum sd_err sd_conflict_get(
	struct sd_store *st, int64_t id, struct sd_conflict *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_CONFLICT_GET, e, "i", id);
	enum sd_err rc = s ? sd_db_row(st, s, e, "conflict") : SD_DB;

	memset(out, 0, sizeof *out);
	if (rc == SD_OK)
		rc = read_row(st, s, out, e);
	sd_db_reset(s);
	return rc == SD_OK ? with_later(st, out, e) : rc;
}

enum sd_err sd_conflict_each(struct sd_store *st, sd_conflict_fn fn, void *ctx, struct sd_error *e)
{
	int64_t after = 0;
	bool more = true;

	while (more) {
		struct sd_conflict c;
		sqlite3_stmt *s = sd_db_open(st, Q_CONFLICT_NEXT, e, "i", after);
		enum sd_err rc = s ? sd_db_row(st, s, e, "conflict") : SD_DB;
		if (rc == SD_OK)
			rc = read_row(st, s, &c, e);
		sd_db_reset(s);
		if (rc == SD_OK)
			rc = with_later(st, &c, e);
		if (rc != SD_OK)
			return rc == SD_NOTFOUND ? SD_OK : rc;
		after = c.id;
		if (c.model)
			more = fn(ctx, &c);
		sd_conflict_release(&c);
	}
	return SD_OK;
}

enum sd_err sd_conflict_count(
	struct sd_store *st, const struct sd_model *m, int64_t *out, struct sd_error *e)
{
	sqlite3_stmt *s = m ? sd_db_open(st, Q_CONFLICT_COUNT, e, "s", m->name)
			    : sd_db_open(st, Q_CONFLICT_COUNT_ALL, e, "");
	enum sd_err rc = s ? sd_db_row(st, s, e, "conflict") : SD_DB;

	if (rc == SD_OK)
		*out = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	return rc;
}

enum sd_err sd_conflict_drop(struct sd_store *st, int64_t seq, struct sd_error *e)
{
	return sd_db_run(st, Q_CONFLICT_DEL, e, "conflict", "i", seq);
}

enum sd_err sd_conflict_theirs(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *theirs, struct sd_error *e)
{
	char *text = sd_json_text(theirs);
	enum sd_err rc = text ? sd_db_run(st, Q_CONFLICT_THEIRS, e, "conflict", "sssd", m->name,
					key, text, (int)sd_rec_deleted(theirs))
			      : sd_db_nomem(e, "conflict");

	free(text);
	return rc;
}

/* Theirs stands: nothing goes out. */
static enum sd_err give_way(struct sd_store *st, const struct sd_conflict *c,
	const struct sd_mutation *m, const char *how, int64_t now_ms, struct sd_error *e)
{
	struct sd_done d = {.entry = m,
		.item = c->theirs,
		.has_item = true,
		.how = how,
		.source = SD_FROM_SYNC,
		.now_ms = now_ms};
	struct sd_shadow sh;
	enum sd_err rc = sd_shadow_get(st, m->model, m->key, &sh, e);

	if (rc != SD_OK)
		return rc;
	if (sd_rec_newer(c->theirs, sh.server)) /* it moved on while the person was deciding */
		d.item = sh.server;
	rc = sd_entry_done(st, &d, e);
	sd_shadow_release(&sh);
	return rc;
}

enum sd_err sd_conflict_settle(struct sd_store *st, int64_t id, enum sd_op op,
	const struct cJSON *fields, const char *how, int64_t now_ms, struct sd_error *e)
{
	struct sd_conflict c;
	struct sd_mutation m = {0};
	enum sd_err rc = sd_conflict_get(st, id, &c, e);

	assert(sd_store_in_txn(st));
	if (rc == SD_NOTFOUND)
		return sd_fail(e, SD_NOTFOUND, 0,
			"there is no conflict %lld; `syncdeck conflicts` lists them",
			(long long)id);
	if (rc == SD_OK)
		rc = sd_outbox_get(st, c.seq, &m, e);
	if (rc == SD_OK)
		rc = line(st, &m, how, sd_rec_version(c.theirs), now_ms, e);
	if (rc == SD_OK)
		rc = fields ? sd_outbox_rebase(st, c.seq, op, fields, c.theirs, now_ms, e)
			    : give_way(st, &c, &m, how, now_ms, e);
	sd_mutation_release(&m);
	sd_conflict_release(&c);
	return rc;
}
