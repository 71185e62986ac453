/*
 * tests/sim/sim_mutant.c - bugs on purpose, one at a time: the simulation must find each.
 *
 * The linker puts these in place of functions of the product, in the simulation's own program only
 * (-Wl,--wrap in the Makefile); without a mutant set they are those functions.
 */
#include "tests/sim/sim_mutant.h"

#include <string.h>

#include "core/json/json.h"
#include "core/store/internal.h"
#include "core/sync/push.h"

const char *const sim_mutants[] = {
	"coalesce", "version", "resend", "gap", "watermark", "answer", "shown", "nosync", NULL};

static const char *mutant = "";
static bool applying;

bool sim_mutant_set(const char *name)
{
	mutant = "";
	for (size_t i = 0; name && sim_mutants[i]; i++)
		if (strcmp(sim_mutants[i], name) == 0)
			mutant = sim_mutants[i];
	return !name || *mutant;
}

bool sim_mutant_is(const char *name)
{
	return strcmp(mutant, name) == 0;
}

/* Two updates of one record become one: the first one's fields are lost. */
enum sd_err __real_sd_entry_payload(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *was, int64_t version, struct sd_error *e);
enum sd_err __wrap_sd_entry_payload(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *was, int64_t version, struct sd_error *e);
enum sd_err __wrap_sd_entry_payload(struct sd_store *st, int64_t seq, enum sd_op op,
	const struct cJSON *fields, const struct cJSON *was, int64_t version, struct sd_error *e)
{
	struct sd_mutation m;
	struct cJSON *less = NULL;
	enum sd_err rc;

	if (sim_mutant_is("coalesce") && op == SD_OP_UPDATE &&
		sd_outbox_get(st, seq, &m, NULL) == SD_OK) {
		less = sd_json_dup(fields);
		for (const struct cJSON *f = sd_json_child(m.fields); f; f = sd_json_next(f))
			if (sd_json_count(less) > 1 &&
				sd_json_count(fields) > sd_json_count(m.fields))
				sd_json_remove(less, sd_json_name(f));
		sd_mutation_release(&m);
	}
	rc = __real_sd_entry_payload(st, seq, op, less ? less : fields, was, version, e);
	sd_json_free(less);
	return rc;
}

/* What arrives is news whatever its version is. */
enum sd_err __real_sd_apply(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *const *items, size_t n, enum sd_source source, bool base,
	int64_t now_ms, struct sd_apply_counts *counts, struct sd_error *e);
enum sd_err __wrap_sd_apply(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *const *items, size_t n, enum sd_source source, bool base,
	int64_t now_ms, struct sd_apply_counts *counts, struct sd_error *e);
enum sd_err __wrap_sd_apply(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *const *items, size_t n, enum sd_source source, bool base,
	int64_t now_ms, struct sd_apply_counts *counts, struct sd_error *e)
{
	enum sd_err rc;

	applying = true;
	rc = __real_sd_apply(st, m, items, n, source, base, now_ms, counts, e);
	applying = false;
	return rc;
}

enum sd_err __real_sd_row_find(struct sd_store *st, struct sd_table *t, const struct cJSON *item,
	struct sd_rowid *out, struct sd_error *e);
enum sd_err __wrap_sd_row_find(struct sd_store *st, struct sd_table *t, const struct cJSON *item,
	struct sd_rowid *out, struct sd_error *e);
enum sd_err __wrap_sd_row_find(struct sd_store *st, struct sd_table *t, const struct cJSON *item,
	struct sd_rowid *out, struct sd_error *e)
{
	enum sd_err rc = __real_sd_row_find(st, t, item, out, e);

	if (rc == SD_OK && applying && sim_mutant_is("version") && out->version > 0 &&
		sd_rec_version(item) < out->version)
		out->version = 0;
	return rc;
}

/* A lost answer is taken for a request that never arrived. */
enum sd_err __real_sd_outbox_retry_at(struct sd_store *st, int64_t seq, int64_t next_try_ms,
	bool unknown, bool counted, const char *type, const char *message, struct sd_error *e);
enum sd_err __wrap_sd_outbox_retry_at(struct sd_store *st, int64_t seq, int64_t next_try_ms,
	bool unknown, bool counted, const char *type, const char *message, struct sd_error *e);
enum sd_err __wrap_sd_outbox_retry_at(struct sd_store *st, int64_t seq, int64_t next_try_ms,
	bool unknown, bool counted, const char *type, const char *message, struct sd_error *e)
{
	if (sim_mutant_is("resend"))
		unknown = false;
	return __real_sd_outbox_retry_at(st, seq, next_try_ms, unknown, counted, type, message, e);
}

/* Messages that were missed are not asked for. */
enum sd_err __real_sd_pull_gap(struct sd_engine *en, const struct sd_model *m, const char *why,
	int64_t now_ms, struct sd_error *e);
enum sd_err __wrap_sd_pull_gap(struct sd_engine *en, const struct sd_model *m, const char *why,
	int64_t now_ms, struct sd_error *e);
enum sd_err __wrap_sd_pull_gap(struct sd_engine *en, const struct sd_model *m, const char *why,
	int64_t now_ms, struct sd_error *e)
{
	return sim_mutant_is("gap") ? SD_OK : __real_sd_pull_gap(en, m, why, now_ms, e);
}

/* The sync mark runs ahead of what was fetched. */
enum sd_err __real_sd_sync_put(struct sd_store *st, const struct sd_model *m,
	const struct sd_sync_state *s, struct sd_error *e);
enum sd_err __wrap_sd_sync_put(struct sd_store *st, const struct sd_model *m,
	const struct sd_sync_state *s, struct sd_error *e);
enum sd_err __wrap_sd_sync_put(struct sd_store *st, const struct sd_model *m,
	const struct sd_sync_state *s, struct sd_error *e)
{
	struct sd_sync_state ahead = *s;

	if (sim_mutant_is("watermark") && ahead.last_sync_ms)
		ahead.last_sync_ms += 20000;
	return __real_sd_sync_put(st, m, &ahead, e);
}

/* What the service made of a change is not looked at. */
bool __real_sd_push_applied(const struct sd_case *c, const struct cJSON *item);
bool __wrap_sd_push_applied(const struct sd_case *c, const struct cJSON *item);
bool __wrap_sd_push_applied(const struct sd_case *c, const struct cJSON *item)
{
	return sim_mutant_is("answer") || __real_sd_push_applied(c, item);
}

/* A change whose record could not be shown is taken for one that was refused. */
enum sd_err __real_sd_push_read(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	const char *type, const char *message, int64_t now_ms, struct sd_error *e);
enum sd_err __wrap_sd_push_read(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	const char *type, const char *message, int64_t now_ms, struct sd_error *e);
enum sd_err __wrap_sd_push_read(struct sd_engine *en, const struct sd_case *c, enum sd_read_why why,
	const char *type, const char *message, int64_t now_ms, struct sd_error *e)
{
	if (why == SD_READ_WRITTEN && sim_mutant_is("shown"))
		why = SD_READ_REFUSED;
	return __real_sd_push_read(en, c, why, type, message, now_ms, e);
}
