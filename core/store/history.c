/* core/store/history.c - one record walked back along the journal; see history.h. */
#include "core/store/history.h"

#include "core/json/json.h"
#include "core/store/internal.h"

static bool about_record(const struct sd_journal *j)
{
	return j->kind == SD_J_INSERT || j->kind == SD_J_UPDATE || j->kind == SD_J_DELETE ||
	       j->kind == SD_J_META;
}

struct walk {
	sd_journal_fn fn;
	void *ctx;
	int64_t version; /* the record's, before the line looked at last; -1: none, not known */
};

static bool step(void *ctx, const struct sd_journal *j)
{
	struct walk *w = ctx;
	struct sd_journal line = *j;

	if (!about_record(j))
		return true;
	if (j->rid_from) /* of a page: its rows have their own versions */
		line.version = w->version;
	w->version = j->version_before;
	return w->fn(w->ctx, &line);
}

enum sd_err sd_history_each(struct sd_store *st, const struct sd_model *m, const char *key,
	sd_journal_fn fn, void *ctx, struct sd_error *e)
{
	struct walk w = {.fn = fn, .ctx = ctx, .version = -1};
	struct cJSON *row = NULL;
	enum sd_err rc = sd_row_get(st, sd_table_of(st, m), key, &row, NULL, e);

	w.version = sd_rec_version(row);
	sd_json_free(row);
	return rc == SD_OK ? sd_journal_of(st, m, key, 0, step, &w, e) : rc;
}

/* ---- what it held ---- */

struct back {
	struct cJSON *rec; /* after the line looked at next */
	int64_t want;
	int64_t before; /* version before the line looked at last; -1 */
	bool found, failed;
};

/* Takes one line back. */
static bool unapply(const struct sd_journal *j, struct cJSON *rec)
{
	bool ok = true;

	for (const struct cJSON *c = sd_json_child(j->changed); c && ok; c = sd_json_next(c)) {
		const struct cJSON *from = sd_json_get(c, "from");
		ok = sd_json_set(rec, sd_json_name(c), from ? sd_json_dup(from) : sd_json_null());
	}
	if (ok && j->kind == SD_J_DELETE)
		ok = sd_json_set(rec, "_deleted", sd_json_bool(false));
	if (ok && j->kind == SD_J_INSERT)
		ok = sd_json_set(rec, "_deleted", sd_json_bool(true));
	return ok;
}

static bool look(void *ctx, const struct sd_journal *j)
{
	struct back *b = ctx;

	/* an own edit carries the version it was made on; what had that version is below it */
	if (j->version == b->want && j->source != SD_FROM_LOCAL) {
		b->found = true;
		return false;
	}
	b->failed = !unapply(j, b->rec);
	b->before = j->version_before;
	return !b->failed;
}

enum sd_err sd_history_record(struct sd_store *st, const struct sd_model *m, const char *key,
	int64_t version, struct cJSON **rec, struct sd_error *e)
{
	struct back b = {.want = version, .before = -1};
	enum sd_err rc = sd_row_get(st, sd_table_of(st, m), key, &b.rec, NULL, e);

	*rec = NULL;
	if (rc == SD_OK && !b.rec) { /* gone from here: its lines still say what it was */
		b.rec = sd_json_object();
		rc = b.rec ? sd_key_put(m, key, b.rec, e) : sd_db_nomem(e, m->name);
		if (rc == SD_OK && !sd_json_set(b.rec, "_deleted", sd_json_bool(true)))
			rc = sd_db_nomem(e, m->name);
	}
	if (rc == SD_OK)
		rc = sd_history_each(st, m, key, look, &b, e);
	if (rc == SD_OK && b.failed)
		rc = sd_db_nomem(e, m->name);
	if (rc == SD_OK && !b.found && b.before != version)
		rc = SD_NOTFOUND;
	if (rc == SD_OK) {
		sd_json_remove(b.rec, "_state");
		sd_json_remove(b.rec, "_lastChangedAt");
		if (!sd_json_set(b.rec, "_version", sd_json_int(version)))
			rc = sd_db_nomem(e, m->name);
	}
	if (rc != SD_OK) {
		sd_json_free(b.rec);
		return rc;
	}
	*rec = b.rec;
	return SD_OK;
}
