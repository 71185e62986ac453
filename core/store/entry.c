/* core/store/entry.c - the rows of the outbox: read, add, change, drop; see internal.h. */
#include "core/store/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static const char *const OP[] = {"CREATE", "UPDATE", "DELETE"};
static const char *const LANE[] = {"waiting", "sending", "conflict", "refused", "parked"};

const char *sd_op_name(enum sd_op op)
{
	return (size_t)op < sizeof OP / sizeof *OP ? OP[op] : "?";
}

const char *sd_lane_name(enum sd_lane l)
{
	return (size_t)l < SD_LANE_COUNT ? LANE[l] : "?";
}

void sd_mutation_release(struct sd_mutation *m)
{
	free(m->key);
	sd_json_free(m->fields);
	free(m->condition);
	free(m->error_type);
	free(m->error_message);
	memset(m, 0, sizeof *m);
}

enum sd_err sd_entry_read(
	struct sd_store *st, sqlite3_stmt *s, struct sd_mutation *out, struct sd_error *e)
{
	const char *model = (const char *)sqlite3_column_text(s, 2);
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	out->seq = sqlite3_column_int64(s, 0);
	out->op = (enum sd_op)sqlite3_column_int(s, 1);
	out->model = model ? sd_schema_model(st->schema, model) : NULL;
	out->key = sd_db_dup(s, 3);
	out->condition = sd_db_dup(s, 5);
	out->version = sqlite3_column_int64(s, 6);
	out->lane = (enum sd_lane)sqlite3_column_int(s, 7);
	out->unknown = sqlite3_column_int(s, 8) != 0;
	out->attempts = sqlite3_column_int(s, 9);
	out->conflict_attempts = sqlite3_column_int(s, 10);
	out->next_try_ms = sqlite3_column_int64(s, 11);
	out->error_type = sd_db_dup(s, 12);
	out->error_message = sd_db_dup(s, 13);
	out->enqueued_ms = sqlite3_column_int64(s, 14);
	rc = sd_db_json(s, 4, &out->fields, e);
	if (rc == SD_OK && !out->model)
		rc = sd_fail(e, SD_DB, 0,
			"outbox entry %lld belongs to a model the schema does not have",
			(long long)out->seq);
	if (rc == SD_OK && !out->key)
		rc = sd_db_nomem(e, "outbox");
	if (rc != SD_OK)
		sd_mutation_release(out);
	return rc;
}

void sd_entries_release(struct sd_entries *l)
{
	for (size_t i = 0; i < l->count; i++)
		sd_mutation_release(&l->v[i]);
	free(l->v);
	l->v = NULL;
	l->count = 0;
}

enum sd_err sd_entries_of(struct sd_store *st, const struct sd_model *m, const char *key,
	struct sd_entries *out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_OF, e, "ss", m->name, key);
	enum sd_err rc = s ? SD_OK : SD_DB;

	out->v = NULL;
	out->count = 0;
	while (rc == SD_OK && (rc = sd_db_row(st, s, e, "outbox")) == SD_OK) {
		struct sd_mutation *v = realloc(out->v, (out->count + 1) * sizeof *v);
		if (!v) {
			rc = sd_db_nomem(e, "outbox");
			break;
		}
		out->v = v;
		rc = sd_entry_read(st, s, &v[out->count], e);
		if (rc == SD_OK)
			out->count++;
	}
	sd_db_reset(s);
	if (rc == SD_NOTFOUND)
		return SD_OK;
	sd_entries_release(out);
	return rc;
}

enum sd_err sd_entry_line(struct sd_store *st, const struct sd_mutation *m, const char *how,
	enum sd_source source, int64_t version, int64_t now_ms, struct sd_error *e)
{
	struct sd_journal j = {
		.at_ms = now_ms,
		.kind = SD_J_OUTBOX,
		.model = m->model,
		.key = m->key,
		.source = source,
		.version = version,
		.changed = m->op == SD_OP_DELETE ? NULL : m->fields,
		.text = how,
		.seq = m->seq,
		.op = m->op,
	};

	if (now_ms > st->now_ms)
		st->now_ms = now_ms;
	return sd_journal_put(st, &j, NULL, e);
}

enum sd_err sd_outbox_merged(struct sd_store *st, const struct sd_mutation *m, int64_t version,
	const struct cJSON *changed, const char *text, int64_t now_ms, struct sd_error *e)
{
	struct sd_journal j = {
		.at_ms = now_ms,
		.kind = SD_J_MERGED,
		.model = m->model,
		.key = m->key,
		.source = SD_FROM_MUTATION,
		.version = version,
		.changed = changed,
		.text = text,
		.seq = m->seq,
		.op = m->op,
	};

	return sd_journal_put(st, &j, NULL, e);
}

enum sd_err sd_entry_add(
	struct sd_store *st, const struct sd_entry_new *n, int64_t *seq, struct sd_error *e)
{
	char *was = n->was ? sd_json_text(n->was) : NULL;
	struct sd_mutation line = {.op = n->op, .model = n->m};
	bool ok = true;
	enum sd_err rc;

	sd_buf_reset(&st->text);
	if (n->fields)
		ok = sd_json_print(n->fields, &st->text);
	else
		ok = sd_buf_str(&st->text, "{}");
	if (!ok || (n->was && !was))
		rc = sd_db_nomem(e, "outbox");
	else
		rc = sd_ids_load(st, e);
	if (rc == SD_OK) {
		*seq = st->next_seq++;
		st->ids_dirty = true;
		rc = sd_db_run(st, Q_ENTRY_ADD, e, "outbox", "dsssssiiiiii", (int)n->op, n->m->name,
			n->key, sd_buf_text(&st->text), was, n->condition, n->version, n->now_ms,
			n->group, *seq, st->next_line, n->waits);
	}
	free(was);
	if (rc != SD_OK || !n->how)
		return rc;
	line.seq = *seq;
	line.key = sd_strdup_n(n->key, strlen(n->key));
	if (!line.key)
		return sd_db_nomem(e, "outbox");
	rc = sd_entry_line(st, &line, n->how, SD_FROM_LOCAL, n->version, n->now_ms, e);
	free(line.key);
	return rc;
}

enum sd_err sd_entry_payload(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *was, int64_t version, struct sd_error *e)
{
	char *f = fields ? sd_json_text(fields) : sd_strdup_n("{}", 2);
	char *w = was ? sd_json_text(was) : NULL;
	enum sd_err rc;

	if (!f || (was && !w))
		rc = sd_db_nomem(e, "outbox");
	else
		rc = sd_db_run(
			st, Q_ENTRY_FIELDS, e, "outbox", "idssi", seq, (int)op, f, w, version);
	free(f);
	free(w);
	return rc;
}

enum sd_err sd_entry_was(struct sd_store *st, int64_t seq, struct cJSON **out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_ENTRY_WAS, e, "i", seq);
	enum sd_err rc = s ? sd_db_row(st, s, e, "outbox") : SD_DB;

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_db_json(s, 0, out, e);
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_entry_drop(struct sd_store *st, const struct sd_mutation *m, const char *how,
	enum sd_source source, int64_t version, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = sd_conflict_drop(st, m->seq, e);

	if (rc == SD_OK)
		rc = sd_db_run(st, Q_ENTRY_DEL, e, "outbox", "i", m->seq);
	return rc == SD_OK ? sd_entry_line(st, m, how, source, version, now_ms, e) : rc;
}

struct cJSON *sd_entry_before(const struct cJSON *rec, const struct cJSON *fields)
{
	struct cJSON *was = sd_json_object();

	for (const struct cJSON *f = sd_json_child(fields); f && was; f = sd_json_next(f)) {
		const struct cJSON *v = sd_json_get(rec, sd_json_name(f));
		if (!sd_json_add(was, sd_json_name(f), v ? sd_json_dup(v) : sd_json_null())) {
			sd_json_free(was);
			return NULL;
		}
	}
	return was;
}
