/*
 * core/store/rebuild.c - a record's row, state and shadow made from what the outbox holds.
 *
 * The row is the base copy with every unsent change applied.  When nothing is left to send the
 * row is the server's copy and the shadow goes; when only refused changes are left it is the
 * server's copy too, but the shadow stays for the way back.
 */
#include "core/store/conflict.h"
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

enum sd_err sd_shadow_put(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *base, const struct cJSON *server, struct sd_error *e)
{
	char *b = base ? sd_json_text(base) : NULL, *s = NULL;
	enum sd_err rc;

	/* most often they are one and the same */
	if (server)
		s = server == base ? sd_strdup_n(SD_SAME, strlen(SD_SAME)) : sd_json_text(server);
	if ((base && !b) || (server && !s))
		rc = sd_db_nomem(e, m->name);
	else
		rc = sd_db_run(st, Q_SHADOW_PUT, e, m->name, "ssss", m->name, key, b, s);
	free(b);
	free(s);
	return rc;
}

enum sd_err sd_shadow_server(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *server, struct sd_error *e)
{
	char *s = server ? sd_json_text(server) : NULL;
	enum sd_err rc;

	if (server && !s)
		return sd_db_nomem(e, m->name);
	rc = sd_db_run(st, Q_SHADOW_SERVER, e, m->name, "sss", m->name, key, s);
	free(s);
	return rc;
}

static const int RANK[SD_LANE_COUNT] = {
	[SD_LANE_CONFLICT] = 4, [SD_LANE_REFUSED] = 3, [SD_LANE_SENDING] = 2};
static const int STATE[] = {
	SD_ST_PENDING, SD_ST_PENDING, SD_ST_SENDING, SD_ST_REFUSED, SD_ST_CONFLICT};

/* State of a record without entries. */
static enum sd_err idle_state(struct sd_store *st, const struct sd_model *m, const char *key,
	int *state, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_QUAR_HAS, e, "ss", m->name, key);
	enum sd_err rc = s ? sd_db_row(st, s, e, "quarantine") : SD_DB;

	sd_db_reset(s);
	*state = rc == SD_OK ? SD_ST_QUARANTINED : SD_ST_SYNCED;
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_state_of(struct sd_store *st, const struct sd_model *m, const char *key, int *state,
	int64_t *count, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_LANES_OF, e, "ss", m->name, key);
	enum sd_err rc = s ? SD_OK : SD_DB;
	int rank = 0;

	*count = 0;
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, "outbox")) == SD_OK) {
		int lane = sqlite3_column_int(s, 0);
		(*count)++;
		if (lane >= 0 && lane < SD_LANE_COUNT && RANK[lane] > rank)
			rank = RANK[lane];
	}
	sd_db_reset(s);
	if (rc != SD_NOTFOUND)
		return rc;
	*state = STATE[rank];
	return *count ? SD_OK : idle_state(st, m, key, state, e);
}

/* The same for a record whose entries were just read. */
static enum sd_err state_with(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct sd_entries *list, int *state, struct sd_error *e)
{
	int rank = 0;

	for (size_t i = 0; i < list->count; i++)
		if (RANK[list->v[i].lane] > rank)
			rank = RANK[list->v[i].lane];
	*state = STATE[rank];
	return list->count ? SD_OK : idle_state(st, m, key, state, e);
}

/* The key fields of a key text; NULL: a key of another form than the model has now. */
static struct cJSON *row_key(const struct sd_model *m, const char *key)
{
	struct cJSON *id = sd_json_object();

	if (id && sd_key_put(m, key, id, NULL) == SD_OK)
		return id;
	sd_json_free(id);
	return NULL;
}

enum sd_err sd_restate(struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e)
{
	struct cJSON *id = row_key(t->model, key);
	int64_t count;
	int state;
	enum sd_err rc = sd_state_of(st, t->model, key, &state, &count, e);

	if (rc == SD_OK && id)
		rc = sd_row_state(st, t, id, state, e);
	sd_json_free(id);
	return rc;
}

enum sd_err sd_state_sending(
	struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e)
{
	struct cJSON *id = row_key(t->model, key);
	enum sd_err rc = id ? sd_row_sending(st, t, id, e) : SD_OK;

	sd_json_free(id);
	return rc;
}

enum sd_err sd_entry_apply(const struct sd_model *m, const char *key, const struct sd_mutation *e1,
	struct cJSON **rec, struct sd_error *e)
{
	bool ok = true;
	enum sd_err rc;

	if (!*rec) {
		*rec = sd_json_object();
		if (!*rec)
			return sd_db_nomem(e, m->name);
		rc = sd_key_put(m, key, *rec, e);
		if (rc != SD_OK)
			return rc;
	}
	for (const struct cJSON *f = sd_json_child(e1->fields); f && ok; f = sd_json_next(f))
		ok = sd_json_set(*rec, sd_json_name(f), sd_json_dup(f));
	ok = ok && sd_json_set(*rec, "_deleted", sd_json_bool(e1->op == SD_OP_DELETE));
	return ok ? SD_OK : sd_db_nomem(e, m->name);
}

/* What the person sees, from the shadow and the entries.  *after NULL: no such record. */
static enum sd_err compose(const struct sd_model *m, const char *key, const struct sd_entries *list,
	const struct sd_shadow *sh, struct cJSON **after, struct sd_error *e)
{
	const struct cJSON *from;
	enum sd_err rc = SD_OK;
	bool live = false;

	for (size_t i = 0; i < list->count; i++)
		live |= list->v[i].lane != SD_LANE_REFUSED;
	from = live ? sh->base : sh->server;
	*after = from ? sd_json_dup(from) : NULL;
	/* nothing is on its way that writes those lists again: they are as the server has them */
	for (const struct cJSON *f = live ? NULL : sd_json_child(sd_json_get(from, SD_MERGED));
		f && *after; f = sd_json_next(f))
		if (!sd_json_set(*after, sd_json_name(f), sd_json_dup(f)))
			return sd_db_nomem(e, m->name);
	if (from && !*after)
		return sd_db_nomem(e, m->name);
	for (size_t i = 0; i < list->count && rc == SD_OK; i++) {
		const struct sd_mutation *e1 = &list->v[i];
		/* a refused create stays to be seen: there is nothing else of the record */
		if (e1->lane == SD_LANE_REFUSED && (e1->op != SD_OP_CREATE || from))
			continue;
		rc = sd_entry_apply(m, key, e1, after, e);
	}
	return rc;
}

enum sd_err sd_record_line(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct cJSON *before, const struct cJSON *after, const struct sd_cause *why,
	struct sd_error *e)
{
	bool was = !sd_rec_deleted(before), is = !sd_rec_deleted(after);
	struct cJSON *diff = NULL;
	struct sd_journal j = {
		.at_ms = why->now_ms,
		.model = m,
		.key = key,
		.source = why->source,
		.version = sd_rec_version(after),
		.version_before = sd_rec_version(before),
		.text = why->text,
		.seq = why->seq,
		.op = why->op,
	};
	enum sd_err rc;

	if (why->now_ms > st->now_ms)
		st->now_ms = why->now_ms;
	if (was != is) {
		j.kind = is ? SD_J_INSERT : SD_J_DELETE;
		rc = sd_row_diff(m, before, after, &diff, e);
	} else {
		rc = sd_row_diff(m, before, after, &diff, e);
		j.kind = is && diff ? SD_J_UPDATE : SD_J_META;
		if (rc == SD_OK && j.kind == SD_J_META &&
			sd_rec_version(before) == sd_rec_version(after))
			goto done; /* nothing anybody could see */
	}
	j.changed = diff;
	if (rc == SD_OK)
		rc = sd_journal_put(st, &j, NULL, e);
done:
	sd_json_free(diff);
	return rc;
}

/* A key of another form than the model has now (the schema changed): there is no row to make. */
static enum sd_err rebuild_rowless(
	struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e)
{
	int64_t count;
	int state;
	enum sd_err rc = sd_state_of(st, t->model, key, &state, &count, e);

	if (rc != SD_OK || count)
		return rc;
	return sd_db_run(st, Q_SHADOW_DEL, e, t->model->name, "ss", t->model->name, key);
}

/* The row of `before` (NULL: there is none) becomes `after` (NULL: it goes), and the journal says
 * so.  row->rid gets the place of a new one. */
static enum sd_err become(struct sd_store *st, struct sd_table *t, const char *key,
	const struct cJSON *before, const struct cJSON *after, struct sd_rowid *row, int state,
	const struct sd_cause *why, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	if (!after && before)
		rc = sd_row_drop(st, t, row, e);
	else if (after && before)
		rc = sd_row_update(st, t, row, after, state, e);
	else if (after)
		rc = sd_row_insert(st, t, after, state, &row->rid, e);
	return rc == SD_OK ? sd_record_line(st, t->model, key, before, after, why, e) : rc;
}

enum sd_err sd_rebuild(struct sd_store *st, struct sd_table *t, const char *key,
	const struct sd_cause *why, struct sd_error *e)
{
	struct cJSON *id = row_key(t->model, key), *before = NULL, *after = NULL;
	struct sd_shadow sh = {NULL, NULL};
	struct sd_entries list = {NULL, 0};
	struct sd_rowid old = {0};
	int state;
	enum sd_err rc;

	if (!id)
		return rebuild_rowless(st, t, key, e);
	rc = sd_row_get_rec(st, t, id, &before, &old, e);
	if (rc == SD_OK)
		rc = sd_shadow_get(st, t->model, key, &sh, e);
	if (rc == SD_OK)
		rc = sd_entries_of(st, t->model, key, &list, e);
	if (rc == SD_OK)
		rc = compose(t->model, key, &list, &sh, &after, e);
	if (rc == SD_OK)
		rc = state_with(st, t->model, key, &list, &state, e);
	if (rc == SD_OK)
		rc = become(st, t, key, before, after, &old, state, why, e);
	if (rc == SD_OK && list.count == 0)
		rc = sd_db_run(st, Q_SHADOW_DEL, e, t->model->name, "ss", t->model->name, key);
	sd_json_free(id);
	sd_json_free(before);
	sd_json_free(after);
	sd_shadow_release(&sh);
	sd_entries_release(&list);
	return rc;
}

enum sd_err sd_rebuild_idle(struct sd_store *st, struct sd_table *t, const char *key,
	const struct cJSON *server, int64_t *rid, const struct sd_cause *why, struct sd_error *e)
{
	struct cJSON *id = row_key(t->model, key), *before = NULL;
	struct sd_rowid old = {0};
	int state;
	enum sd_err rc;

	*rid = 0;
	if (!id)
		return rebuild_rowless(st, t, key, e);
	rc = sd_row_get_rec(st, t, id, &before, &old, e);
	if (rc == SD_OK)
		rc = idle_state(st, t->model, key, &state, e);
	if (rc == SD_OK)
		rc = become(st, t, key, before, server, &old, state, why, e);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_SHADOW_DEL, e, t->model->name, "ss", t->model->name, key);
	*rid = old.rid;
	sd_json_free(id);
	sd_json_free(before);
	return rc;
}
