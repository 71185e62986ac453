/* core/store/person.c - what a person does with outbox entries: retry, park, discard, edit. */
#include "core/store/internal.h"

#include <assert.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/write.h"

/* The entry, unless its request is on its way. */
enum sd_err sd_entry_take(
	struct sd_store *st, int64_t seq, struct sd_mutation *m, struct sd_error *e)
{
	enum sd_err rc = sd_outbox_get(st, seq, m, e);

	assert(sd_store_in_txn(st));
	if (rc == SD_NOTFOUND)
		return sd_fail(e, SD_NOTFOUND, 0,
			"there is no outbox entry %lld; `syncdeck outbox` lists them",
			(long long)seq);
	if (rc == SD_OK && m->lane == SD_LANE_SENDING) {
		sd_mutation_release(m);
		return sd_fail(e, SD_BUSY, 0,
			"outbox entry %lld is being sent; try again when it was answered",
			(long long)seq);
	}
	return rc;
}

static enum sd_err undecided(const struct sd_mutation *m, struct sd_error *e)
{
	return sd_fail(e, SD_INVAL, 0,
		"outbox entry %lld is in conflict; decide it with `syncdeck conflicts resolve`",
		(long long)m->seq);
}

static enum sd_err into_lane(struct sd_store *st, const struct sd_mutation *m, enum sd_lane lane,
	const char *how, int64_t now_ms, struct sd_error *e)
{
	struct sd_cause why = {
		.source = SD_FROM_LOCAL, .now_ms = now_ms, .seq = m->seq, .op = m->op};
	enum sd_err rc = sd_db_run(st, Q_ENTRY_RETRY, e, "outbox", "iddidss", m->seq, (int)lane,
		(int)m->unknown, (int64_t)0, 0, NULL, NULL);

	if (rc == SD_OK)
		rc = sd_entry_line(st, m, how, SD_FROM_LOCAL, m->version, now_ms, e);
	return rc == SD_OK ? sd_rebuild(st, sd_table_of(st, m->model), m->key, &why, e) : rc;
}

enum sd_err sd_outbox_retry(struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	if (m.lane == SD_LANE_CONFLICT)
		rc = undecided(&m, e);
	if (rc == SD_OK)
		rc = sd_fits(m.model, &m, e);
	if (rc == SD_OK && m.lane == SD_LANE_REFUSED)
		rc = sd_base_again(st, &m, e);
	if (rc == SD_OK)
		rc = into_lane(st, &m, SD_LANE_WAITING, "to be tried again", now_ms, e);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_outbox_park(
	struct sd_store *st, int64_t seq, bool park, int64_t now_ms, struct sd_error *e)
{
	enum sd_lane want = park ? SD_LANE_PARKED : SD_LANE_WAITING;
	enum sd_lane from = park ? SD_LANE_WAITING : SD_LANE_PARKED;
	struct sd_mutation m;
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	if (m.lane == from)
		rc = into_lane(st, &m, want, park ? "parked" : "back in the queue", now_ms, e);
	else if (m.lane != want)
		rc = sd_fail(e, SD_INVAL, 0, "outbox entry %lld is in the %s lane, not %s",
			(long long)seq, sd_lane_name(m.lane), sd_lane_name(from));
	sd_mutation_release(&m);
	return rc;
}

/* A create that goes takes what was made on it along: the record was never anywhere else. */
static enum sd_err drop_with_later(struct sd_store *st, const struct sd_mutation *m,
	const char *how, int64_t now_ms, struct sd_error *e)
{
	struct sd_entries list = {NULL, 0};
	struct sd_shadow sh = {NULL, NULL};
	enum sd_err rc = sd_shadow_get(st, m->model, m->key, &sh, e);
	bool all = m->op == SD_OP_CREATE && sd_rec_deleted(sh.base);

	if (rc == SD_OK && all)
		rc = sd_entries_of(st, m->model, m->key, &list, e);
	for (size_t i = list.count; i-- > 0 && rc == SD_OK;)
		if (list.v[i].seq > m->seq)
			rc = sd_entry_drop(st, &list.v[i], how, SD_FROM_LOCAL, -1, now_ms, e);
	if (rc == SD_OK)
		rc = sd_entry_drop(st, m, how, SD_FROM_LOCAL, m->version, now_ms, e);
	sd_entries_release(&list);
	sd_shadow_release(&sh);
	return rc;
}

enum sd_err sd_entry_take_back(struct sd_store *st, const struct sd_mutation *m, const char *how,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_cause why = {
		.source = SD_FROM_LOCAL, .now_ms = now_ms, .seq = m->seq, .op = m->op, .text = how};
	int64_t left = 0;
	int state;
	enum sd_err rc = drop_with_later(st, m, how, now_ms, e);

	if (rc == SD_OK)
		rc = sd_unmerge(st, m, now_ms, e);
	if (rc == SD_OK)
		rc = sd_state_of(st, m->model, m->key, &state, &left, e);
	if (!left) /* the record is the server's again: its line is about no entry */
		why.seq = 0;
	return rc == SD_OK ? sd_rebuild(st, sd_table_of(st, m->model), m->key, &why, e) : rc;
}

enum sd_err sd_outbox_discard(struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_entry_take_back(st, &m, "discarded", now_ms, e);
	sd_mutation_release(&m);
	return rc;
}

/* fields on top of the entry's own; was keeps what stood there before the first change. */
static enum sd_err merge_into(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *fields, const struct cJSON *rec, struct sd_error *e)
{
	struct cJSON *all = sd_json_dup(m->fields), *was = NULL;
	enum sd_err rc = sd_entry_was(st, m->seq, &was, e);
	bool ok = all != NULL;

	if (rc != SD_OK)
		goto done;
	for (const struct cJSON *f = sd_json_child(fields); f && ok; f = sd_json_next(f)) {
		const char *name = sd_json_name(f);
		ok = sd_json_set(all, name, sd_json_dup(f));
		if (ok && was && !sd_json_get(was, name)) {
			const struct cJSON *v = sd_json_get(rec, name);
			ok = sd_json_set(was, name, v ? sd_json_dup(v) : sd_json_null());
		}
	}
	rc = ok ? sd_entry_payload(st, m->seq, m->op, all, was, m->version, e)
		: sd_db_nomem(e, "outbox");
done:
	sd_json_free(all);
	sd_json_free(was);
	return rc;
}

enum sd_err sd_outbox_edit(struct sd_store *st, int64_t seq, const struct cJSON *fields,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *clean = NULL, *rec = NULL;
	struct sd_mutation m;
	enum sd_err rc = sd_entry_take(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	if (m.lane == SD_LANE_CONFLICT)
		rc = undecided(&m, e);
	else if (m.op == SD_OP_DELETE)
		rc = sd_fail(e, SD_INVAL, 0,
			"outbox entry %lld is a delete, it has no fields; discard it instead",
			(long long)seq);
	else if (m.unknown)
		rc = sd_fail(e, SD_BUSY, 0,
			"the answer to outbox entry %lld was lost and the server may have it; it "
			"can be edited when that is known",
			(long long)seq);
	if (rc == SD_OK)
		rc = sd_row_get(st, sd_table_of(st, m.model), m.key, &rec, NULL, e);
	if (rc == SD_OK)
		rc = sd_valid_fields(st, m.model, fields, rec, &clean, e);
	if (rc == SD_OK)
		rc = merge_into(st, &m, clean, rec, e);
	if (rc == SD_OK)
		rc = into_lane(st, &m, m.lane == SD_LANE_PARKED ? SD_LANE_PARKED : SD_LANE_WAITING,
			"edited", now_ms, e);
	sd_json_free(clean);
	sd_json_free(rec);
	sd_mutation_release(&m);
	return rc;
}
