/*
 * core/store/step.c - undo of one save among several that wait in one entry; see write.h.
 *
 * Saves of a record merge into one waiting entry; each has left a line in the journal: what
 * it turned into what.  The newest line of the entry that was not undone yet says how to take one
 * save back.  Lines pair like brackets: "undone" closes the save before it, a redo is a save again.
 * A move of the entry (refused, tried again, put on a newer version) ends the walk: what came before
 * it was made on something else, and is taken back as a whole.
 */
#include "core/json/json.h"
#include "core/store/internal.h"
#include "core/store/journal.h"

struct walk {
	int64_t seq;
	int undone;                  /* lines met that closed a save not met yet */
	int64_t line, at_ms, before; /* ids: of the save, of the one before it; 0 */
	struct cJSON *changed;       /* of that save; owned */
	bool failed;
};

static bool look(void *ctx, const struct sd_journal *j)
{
	struct walk *w = ctx;

	if (j->seq != w->seq || j->source != SD_FROM_LOCAL) {
		/* the server's word about the entry is a move of it, too */
		return !(j->seq == w->seq && j->kind == SD_J_OUTBOX);
	}
	if (j->kind == SD_J_OUTBOX) {
		/* the record's line that went with the move is no save */
		if (w->line && !w->before && w->line == j->id + 1 && w->at_ms == j->at_ms) {
			sd_json_free(w->changed);
			w->changed = NULL;
			w->line = 0;
		} else if (!w->before) {
			w->before = j->id;
		}
		return false;
	}
	if (j->text) {
		w->undone++;
	} else if (w->undone) {
		w->undone--;
	} else if (w->line) {
		w->before = j->id;
		return false;
	} else if (j->kind == SD_J_UPDATE && j->changed) {
		w->line = j->id;
		w->at_ms = j->at_ms;
		w->changed = sd_json_dup(j->changed);
		w->failed = !w->changed;
	} else {
		return false; /* the record was made: the first save of all */
	}
	return !w->failed;
}

struct payload {
	struct cJSON *fields, *was, *again; /* again: what the save had written */
};

/* One field goes back to `from`, in the entry m and in what stood there before it. */
static bool put_back(const struct sd_mutation *m, struct payload *p, const char *name,
	const struct cJSON *change)
{
	const struct cJSON *from = sd_json_get(change, "from"), *to = sd_json_get(change, "to");
	const struct cJSON *first = sd_json_get(p->was, name);

	if (!sd_json_add(p->again, name, to ? sd_json_dup(to) : sd_json_null()))
		return false;
	if (m->op == SD_OP_CREATE ? sd_json_is_null(from)
				  : first && sd_json_equal(first, from, true)) {
		sd_json_remove(p->fields, name);
		sd_json_remove(p->was, name);
		return true;
	}
	/* the save had put it back to what it was, so it had left the entry */
	if (m->op == SD_OP_UPDATE && p->was && !first &&
		!sd_json_set(p->was, name, to ? sd_json_dup(to) : sd_json_null()))
		return false;
	return sd_json_set(p->fields, name, from ? sd_json_dup(from) : sd_json_null());
}

/* *fits false: the record moved on since, or nothing would be left of the entry. */
static enum sd_err step_back(struct sd_store *st, const struct sd_mutation *m,
	const struct cJSON *changed, struct payload *p, bool *fits, struct sd_error *e)
{
	struct cJSON *rec = NULL;
	enum sd_err rc = sd_row_get(st, sd_table_of(st, m->model), m->key, &rec, NULL, e);
	bool ok = true;

	*fits = rec != NULL;
	if (rc == SD_OK)
		rc = sd_entry_was(st, m->seq, &p->was, e);
	p->fields = sd_json_dup(m->fields);
	p->again = sd_json_object();
	ok = p->fields && p->again;
	for (const struct cJSON *c = sd_json_child(changed); rc == SD_OK && ok && *fits && c;
		c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		*fits = sd_json_equal(sd_json_get(rec, name), sd_json_get(c, "to"), true);
		ok = !*fits || put_back(m, p, name, c);
	}
	*fits = *fits && sd_json_child(p->fields);
	sd_json_free(rec);
	return rc == SD_OK && !ok ? sd_db_nomem(e, "undo") : rc;
}

enum sd_err sd_undo_step(struct sd_store *st, const struct sd_mutation *m, int64_t now_ms,
	struct cJSON **again, struct sd_error *e)
{
	struct sd_cause why = {.source = SD_FROM_LOCAL,
		.now_ms = now_ms,
		.seq = m->seq,
		.op = SD_OP_UPDATE,
		.text = "undone"};
	struct walk w = {.seq = m->seq};
	struct payload p = {NULL, NULL, NULL};
	bool fits = false;
	enum sd_err rc = SD_OK;

	*again = NULL;
	if (m->lane != SD_LANE_WAITING || m->unknown || m->condition || m->op == SD_OP_DELETE)
		return SD_OK;
	rc = sd_journal_of(st, m->model, m->key, 0, look, &w, e);
	if (rc == SD_OK && w.failed)
		rc = sd_db_nomem(e, "undo");
	if (rc == SD_OK && w.line)
		rc = step_back(st, m, w.changed, &p, &fits, e);
	if (rc == SD_OK && fits) {
		rc = sd_entry_payload(st, m->seq, m->op, p.fields, p.was, m->version, e);
		if (rc == SD_OK) /* the next undo goes by when the save before was made */
			rc = sd_db_run(st, Q_ENTRY_TOUCHED, e, "outbox", "ii", m->seq, w.before);
		if (rc == SD_OK)
			rc = sd_rebuild(st, sd_table_of(st, m->model), m->key, &why, e);
		if (rc == SD_OK) {
			*again = p.again;
			p.again = NULL;
		}
	}
	sd_json_free(w.changed);
	sd_json_free(p.fields);
	sd_json_free(p.was);
	sd_json_free(p.again);
	return rc;
}
