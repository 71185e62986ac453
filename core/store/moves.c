/* core/store/moves.c - the engine's transitions of outbox entries; see outbox.h. */
#include "core/store/internal.h"

#include <assert.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/json/json.h"

const char *sd_sender(void)
{
	static _Thread_local char token[64];
	static _Atomic int64_t born;
	int64_t none = 0;

	(void)atomic_compare_exchange_strong(&born, &none, sd_mono_us());
	snprintf(token, sizeof token, "%d-%lld", (int)getpid(), (long long)atomic_load(&born));
	return token;
}

static int64_t journal_now(struct sd_store *st)
{
	return st->now_ms ? st->now_ms : sd_now_ms();
}

enum sd_err sd_outbox_recover(struct sd_store *st, const char *alive, struct sd_error *e)
{
	sqlite3_stmt *s = NULL;
	int rc = sqlite3_prepare_v2(st->db,
		"UPDATE outbox SET lane=0,unknown=1,sender=NULL WHERE lane=1 AND sender IS NOT ?1"
		" RETURNING model,key",
		-1, &s, NULL);
	enum sd_err err = rc == SQLITE_OK ? SD_OK : sd_db_fail(st, rc, e, "outbox");

	if (alive && s)
		sqlite3_bind_text(s, 1, alive, -1, SQLITE_STATIC);
	/* all rows are changed before the first one is given */
	while (err == SD_OK && (err = sd_db_row(st, s, e, "outbox")) == SD_OK) {
		const char *name = (const char *)sqlite3_column_text(s, 0);
		const char *key = (const char *)sqlite3_column_text(s, 1);
		const struct sd_model *m = name ? sd_schema_model(st->schema, name) : NULL;
		if (m && key)
			err = sd_restate(st, sd_table_of(st, m), key, e);
	}
	sqlite3_finalize(s);
	return err == SD_NOTFOUND ? SD_OK : err;
}

enum sd_err sd_outbox_unsure(struct sd_store *st, int64_t seq, struct sd_error *e)
{
	assert(sd_store_in_txn(st));
	return sd_db_run(st, Q_ENTRY_UNSURE, e, "outbox", "i", seq);
}

enum sd_err sd_outbox_send(struct sd_store *st, const struct sd_mutation *m, struct sd_error *e)
{
	enum sd_err rc;

	assert(sd_store_in_txn(st));
	if (m->lane != SD_LANE_WAITING && m->lane != SD_LANE_SENDING)
		return sd_fail(e, SD_INVAL, 0, "outbox entry %lld is %s, it cannot be sent",
			(long long)m->seq, sd_lane_name(m->lane));
	rc = sd_db_run(st, Q_ENTRY_LANE, e, "outbox", "iddis", m->seq, SD_LANE_SENDING,
		(int)m->unknown, m->next_try_ms, sd_sender());
	return rc == SD_OK ? sd_state_sending(st, sd_table_of(st, m->model), m->key, e) : rc;
}

enum sd_err sd_outbox_retry_at(struct sd_store *st, int64_t seq, int64_t next_try_ms, bool unknown,
	bool counted, const char *type, const char *message, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_buf how = SD_BUF_INIT;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	assert(sd_store_in_txn(st));
	if (rc != SD_OK)
		return rc;
	rc = sd_db_run(st, Q_ENTRY_RETRY, e, "outbox", "iddidss", seq, SD_LANE_WAITING,
		(int)unknown, next_try_ms, (int)counted, type, message);
	if (rc == SD_OK && type) {
		sd_buf_fmt(&how, "tried, %s: %s: %s",
			unknown ? "the answer was lost" : "will be tried again", type,
			message ? message : "");
		rc = sd_entry_line(
			st, &m, sd_buf_text(&how), SD_FROM_MUTATION, m.version, journal_now(st), e);
	}
	if (rc == SD_OK)
		rc = sd_restate(st, sd_table_of(st, m.model), m.key, e);
	sd_buf_release(&how);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_outbox_hurry(struct sd_store *st, struct sd_error *e)
{
	assert(sd_store_in_txn(st));
	return sd_db_exec(
		st, "UPDATE outbox SET next_try_ms=0 WHERE lane=0 AND next_try_ms>0", e, "outbox");
}

enum sd_err sd_outbox_conflict_attempts(
	struct sd_store *st, int64_t seq, int attempts, struct sd_error *e)
{
	return sd_db_run(st, Q_ENTRY_CONFLICTS, e, "outbox", "id", seq, attempts);
}

/* ---- an entry is done ---- */

/* Did somebody else change what the later entry is about?  ref is the server's copy that holds our
 * accepted change; expected what it would be had nobody else written. */
static bool foreign(const struct sd_mutation *later, const struct cJSON *was,
	const struct cJSON *expected, const struct cJSON *ref)
{
	const struct sd_model *m = later->model;

	if (sd_rec_deleted(ref))
		return !sd_rec_deleted(expected);
	if (later->op != SD_OP_DELETE) {
		for (const struct cJSON *w = sd_json_child(was); w; w = sd_json_next(w))
			if (!sd_json_equal(w, sd_json_get(ref, sd_json_name(w)), true))
				return true;
		return false;
	}
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->stored && !f->read_only &&
			!sd_json_equal(
				sd_json_get(expected, f->name), sd_json_get(ref, f->name), true))
			return true;
	}
	return false;
}

/* The base of the entry that is next: ref as the person knew it. */
static struct cJSON *known_base(const struct sd_mutation *next, const struct cJSON *was,
	const struct cJSON *expected, const struct cJSON *ref)
{
	struct cJSON *b = sd_json_dup(next->op == SD_OP_DELETE ? expected : ref);
	bool ok = b != NULL;

	for (const struct cJSON *w = sd_json_child(was); w && ok && next->op != SD_OP_DELETE;
		w = sd_json_next(w))
		ok = sd_json_set(b, sd_json_name(w), sd_json_dup(w));
	ok = ok && sd_json_set(b, "_deleted", sd_json_bool(false));
	ok = ok && sd_json_set(b, "_version",
			   next->version < 0 ? sd_json_null() : sd_json_int(next->version));
	if (ok)
		return b;
	sd_json_free(b);
	return NULL;
}

enum sd_err sd_base_again(struct sd_store *st, const struct sd_mutation *m, struct sd_error *e)
{
	struct sd_shadow sh = {NULL, NULL};
	struct cJSON *was = NULL, *base = NULL;
	enum sd_err rc = SD_OK;

	if (m->op == SD_OP_UPDATE)
		rc = sd_shadow_get(st, m->model, m->key, &sh, e);
	if (rc == SD_OK && sh.server && !sd_rec_deleted(sh.server))
		rc = sd_entry_was(st, m->seq, &was, e);
	if (rc == SD_OK && was) {
		base = known_base(m, was, NULL, sh.server);
		rc = base ? sd_shadow_put(st, m->model, m->key, base, sh.server, e)
			  : sd_db_nomem(e, "outbox");
	}
	sd_json_free(was);
	sd_json_free(base);
	sd_shadow_release(&sh);
	return rc;
}

/* Later entries are carried to ref's version, but those that somebody else's change concerns: they
 * keep theirs, and the base keeps what they were made on, so that the engine compares. */
static enum sd_err carry_on(struct sd_store *st, const struct sd_done *d,
	const struct sd_entries *later, const struct cJSON *expected, const struct cJSON *ref,
	struct cJSON **base, struct sd_error *e)
{
	bool own = d->item && strcmp(d->how, "sent") == 0;
	enum sd_err rc = SD_OK;

	*base = ref ? sd_json_dup(ref) : NULL;
	if (ref && !*base)
		return sd_db_nomem(e, "outbox");
	for (size_t i = 0; i < later->count && rc == SD_OK && ref; i++) {
		const struct sd_mutation *x = &later->v[i];
		int64_t before = x->version < 0 ? 0 : x->version;
		struct cJSON *was = NULL;
		bool alien;
		rc = sd_entry_was(st, x->seq, &was, e);
		if (rc != SD_OK)
			break;
		alien = !(own && sd_rec_version(ref) == before + 1) &&
			foreign(x, was, expected, ref);
		if (!alien) {
			rc = sd_db_run(st, Q_ENTRY_VERSION, e, "outbox", "ii", x->seq,
				sd_rec_version(ref));
		} else if (i == 0) {
			sd_json_free(*base);
			*base = known_base(x, was, expected, ref);
			if (!*base)
				rc = sd_db_nomem(e, "outbox");
		}
		sd_json_free(was);
	}
	return rc;
}

/* Nothing is left to send of the record. */
static enum sd_err last_done(struct sd_store *st, struct sd_table *t, const struct sd_done *d,
	const struct cJSON *server, const struct sd_cause *why, struct sd_error *e)
{
	int64_t rid;
	enum sd_err rc = sd_rebuild_idle(st, t, d->entry->key, server, &rid, why, e);

	return rc == SD_OK && d->item && rid ? sd_seen_one(st, t->model, rid, e) : rc;
}

static enum sd_err mark_seen(
	struct sd_store *st, struct sd_table *t, const char *key, struct sd_error *e)
{
	struct sd_rowid row;
	enum sd_err rc = sd_row_find_key(st, t, key, &row, e);

	if (rc == SD_OK)
		rc = sd_seen_one(st, t->model, row.rid, e);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* More changes of the record wait; sh: as it was before. */
static enum sd_err one_done(struct sd_store *st, struct sd_table *t, const struct sd_done *d,
	const struct sd_shadow *sh, const struct sd_entries *later, const struct cJSON *server,
	const struct sd_cause *why, struct sd_error *e)
{
	const struct sd_mutation *m = d->entry;
	struct cJSON *expected = sh->base ? sd_json_dup(sh->base) : NULL, *base = NULL;
	enum sd_err rc = SD_OK;

	if (sh->base && !expected)
		rc = sd_db_nomem(e, "outbox");
	if (rc == SD_OK)
		rc = sd_entry_apply(m->model, m->key, m, &expected, e);
	if (rc == SD_OK)
		rc = carry_on(st, d, later, expected, d->has_item ? d->item : sh->server, &base, e);
	if (rc == SD_OK)
		rc = sd_shadow_put(st, m->model, m->key, base, server, e);
	if (rc == SD_OK)
		rc = sd_rebuild(st, t, m->key, why, e);
	if (rc == SD_OK && d->item)
		rc = mark_seen(st, t, m->key, e);
	sd_json_free(expected);
	sd_json_free(base);
	return rc;
}

enum sd_err sd_entry_done(struct sd_store *st, const struct sd_done *d, struct sd_error *e)
{
	const struct sd_mutation *m = d->entry;
	struct sd_table *t = sd_table_of(st, m->model);
	struct sd_cause why = {
		.source = d->source, .now_ms = d->now_ms, .seq = m->seq, .op = m->op};
	struct sd_shadow sh = {NULL, NULL};
	struct sd_entries later = {NULL, 0};
	const struct cJSON *server;
	enum sd_err rc = sd_shadow_get(st, m->model, m->key, &sh, e);

	if (rc != SD_OK)
		return rc;
	server = d->has_item && (!d->item || !sd_rec_newer(d->item, sh.server)) ? d->item
										: sh.server;
	rc = sd_entry_drop(st, m, d->how, d->source,
		sd_rec_version(d->has_item ? d->item : sh.server), d->now_ms, e);
	/* the echo was quicker than the answer */
	if (rc == SD_OK && d->item && sh.server && sd_rec_version(sh.server) > 0 &&
		sd_rec_version(sh.server) == sd_rec_version(d->item))
		rc = sd_journal_echo(st, m->model, m->key, sd_rec_version(d->item), d->now_ms, e);
	if (rc == SD_OK)
		rc = sd_entries_of(st, m->model, m->key, &later, e);
	if (rc == SD_OK && later.count)
		rc = one_done(st, t, d, &sh, &later, server, &why, e);
	else if (rc == SD_OK)
		rc = last_done(st, t, d, server, &why, e);
	sd_shadow_release(&sh);
	sd_entries_release(&later);
	return rc;
}

static enum sd_err finish_entry(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *item, const char *how, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *gone = NULL;
	struct sd_done d = {.entry = m,
		.item = item,
		.has_item = item != NULL,
		.how = how,
		.source = SD_FROM_MUTATION,
		.now_ms = now_ms};
	enum sd_err rc = SD_OK;

	assert(sd_store_in_txn(st));
	if (item && m->op == SD_OP_DELETE && !sd_rec_deleted(item) && strcmp(how, "sent") == 0) {
		/* an accepted delete leaves a tombstone, whatever the answer forgot to say */
		gone = sd_json_dup(item);
		if (!sd_json_set(gone, "_deleted", sd_json_bool(true)))
			rc = sd_db_nomem(e, "outbox");
		d.item = gone;
	}
	if (rc == SD_OK)
		rc = sd_entry_done(st, &d, e);
	sd_json_free(gone);
	return rc;
}

static enum sd_err finish(struct sd_store *st, int64_t seq, const struct cJSON *item,
	const char *how, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	rc = finish_entry(st, &m, item, how, now_ms, e);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_outbox_acked(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *item, int64_t now_ms, struct sd_error *e)
{
	return finish_entry(st, m, item, "sent", now_ms, e);
}

enum sd_err sd_outbox_settled(struct sd_store *st, int64_t seq, const struct cJSON *item,
	const char *how, int64_t now_ms, struct sd_error *e)
{
	return finish(st, seq, item, how, now_ms, e);
}

enum sd_err sd_outbox_rebase(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *base, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_shadow sh = {NULL, NULL};
	struct sd_cause why = {.source = SD_FROM_SYNC, .now_ms = now_ms, .seq = seq, .op = op};
	struct cJSON *was = NULL;
	bool parked;
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	assert(sd_store_in_txn(st));
	if (rc != SD_OK)
		return rc;
	parked = m.lane == SD_LANE_PARKED;
	was = sd_entry_before(base, fields);
	if (!was)
		rc = sd_db_nomem(e, "outbox");
	if (rc == SD_OK)
		rc = sd_conflict_drop(st, seq, e);
	if (rc == SD_OK)
		rc = sd_entry_payload(st, seq, op, fields, op == SD_OP_DELETE ? NULL : was,
			sd_rec_version(base), e);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_ENTRY_LANE, e, "outbox", "iddis", seq,
			parked ? SD_LANE_PARKED : SD_LANE_WAITING, 0, (int64_t)0, NULL);
	if (rc == SD_OK)
		rc = sd_shadow_get(st, m.model, m.key, &sh, e);
	if (rc == SD_OK)
		rc = sd_shadow_put(st, m.model, m.key, base,
			base && sd_rec_newer(base, sh.server) ? sh.server : base, e);
	if (rc == SD_OK)
		rc = sd_entry_line(st, &m, "put on the newest version", SD_FROM_SYNC,
			sd_rec_version(base), now_ms, e);
	if (rc == SD_OK)
		rc = sd_rebuild(st, sd_table_of(st, m.model), m.key, &why, e);
	sd_json_free(was);
	sd_shadow_release(&sh);
	sd_mutation_release(&m);
	return rc;
}

enum sd_err sd_outbox_refuse(struct sd_store *st, int64_t seq, const char *type,
	const char *message, const struct cJSON *server, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_shadow sh = {NULL, NULL};
	struct sd_buf how = SD_BUF_INIT;
	struct sd_cause why = {.source = SD_FROM_MUTATION, .now_ms = now_ms, .seq = seq};
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	assert(sd_store_in_txn(st));
	if (rc != SD_OK)
		return rc;
	why.op = m.op;
	sd_buf_fmt(&how, "refused: %s: %s", type ? type : "", message ? message : "");
	rc = sd_conflict_drop(st, seq, e);
	if (rc == SD_OK)
		rc = sd_db_run(st, Q_ENTRY_RETRY, e, "outbox", "iddidss", seq, SD_LANE_REFUSED,
			(int)m.unknown, (int64_t)0, 1, type, message);
	if (rc == SD_OK)
		rc = sd_shadow_get(st, m.model, m.key, &sh, e);
	if (rc == SD_OK && server && !sd_rec_newer(server, sh.server))
		rc = sd_shadow_server(st, m.model, m.key, server, e);
	if (rc == SD_OK)
		rc = sd_entry_line(
			st, &m, sd_buf_text(&how), SD_FROM_MUTATION, m.version, now_ms, e);
	if (rc == SD_OK)
		rc = sd_rebuild(st, sd_table_of(st, m.model), m.key, &why, e);
	sd_buf_release(&how);
	sd_shadow_release(&sh);
	sd_mutation_release(&m);
	return rc;
}
