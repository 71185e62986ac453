/* core/api/operate.c - the outbox and conflicts, operated by a person. */
#include "core/api/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/sync/merge.h"

static enum sd_err absent(enum sd_err rc, const char *what, int64_t id, struct sd_error *e)
{
	if (rc != SD_NOTFOUND)
		return rc;
	return sd_fail(e, SD_NOTFOUND, 0, "%s: there is no %lld; see `syncdeck %s`", what,
		(long long)id, what);
}

enum sd_err sd_api_outbox_do(struct sd_api *api, const char *verb, int64_t seq, struct sd_error *e)
{
	int64_t now = sd_now_ms();
	enum sd_err rc = sd_api_begin(api, e);

	if (rc != SD_OK)
		return rc;
	if (strcmp(verb, "retry") == 0)
		rc = sd_outbox_retry(api->writer, seq, now, e);
	else if (strcmp(verb, "park") == 0)
		rc = sd_outbox_park(api->writer, seq, true, now, e);
	else if (strcmp(verb, "unpark") == 0)
		rc = sd_outbox_park(api->writer, seq, false, now, e);
	else if (strcmp(verb, "discard") == 0)
		rc = sd_outbox_discard(api->writer, seq, now, e);
	else if (strcmp(verb, "rebase") == 0)
		rc = sd_rebase(api->writer, seq, now, e);
	else
		rc = sd_fail(e, SD_INVAL, 0,
			"outbox: \"%s\" is none of list, show, retry, park, unpark, rebase, "
			"discard, "
			"edit, pause, resume, import",
			verb);
	return absent(sd_api_end(api, rc, e), "outbox", seq, e);
}

struct seqs {
	struct cJSON *list;
};

static bool note_seq(void *ctx, struct sd_mutation *m)
{
	struct seqs *s = ctx;

	if (m->lane == SD_LANE_REFUSED || (m->lane == SD_LANE_WAITING && m->next_try_ms))
		sd_json_push(s->list, sd_json_int(m->seq));
	return true;
}

enum sd_err sd_api_outbox_retry_all(struct sd_api *api, int64_t *n, struct sd_error *e)
{
	struct seqs s;
	enum sd_err rc = sd_api_begin(api, e);

	*n = 0;
	if (rc != SD_OK)
		return rc;
	s.list = sd_json_array();
	rc = sd_outbox_each(api->writer, 0, -1, note_seq, &s, e);
	for (const struct cJSON *j = sd_json_child(s.list); rc == SD_OK && j; j = sd_json_next(j)) {
		int64_t seq = 0;
		if (sd_json_i64(j, &seq))
			rc = sd_outbox_retry(api->writer, seq, sd_now_ms(), e);
		(*n)++;
	}
	sd_json_free(s.list);
	return sd_api_end(api, rc, e);
}

enum sd_err sd_api_outbox_edit(
	struct sd_api *api, int64_t seq, const struct cJSON *fields, struct sd_error *e)
{
	enum sd_err rc = sd_api_begin(api, e);

	if (rc == SD_OK)
		rc = sd_api_end(api, sd_outbox_edit(api->writer, seq, fields, sd_now_ms(), e), e);
	return absent(rc, "outbox", seq, e);
}

static enum sd_err pause_it(struct sd_api *api, const char *what, bool pause, struct sd_error *e)
{
	enum sd_err rc = sd_api_begin(api, e);

	if (rc != SD_OK)
		return rc;
	return sd_api_end(api, sd_meta_put(api->writer, what, pause ? "1" : NULL, e), e);
}

static enum sd_err paused_it(struct sd_api *api, const char *what, bool *paused, struct sd_error *e)
{
	char *v = NULL;
	enum sd_err rc = sd_api_use(api, e);

	if (rc == SD_OK)
		rc = sd_meta_get(api->reader, what, &v, e);
	*paused = v != NULL;
	free(v);
	return rc;
}

enum sd_err sd_api_outbox_pause(struct sd_api *api, bool pause, struct sd_error *e)
{
	return pause_it(api, "outbox.paused", pause, e);
}

enum sd_err sd_api_outbox_paused(struct sd_api *api, bool *paused, struct sd_error *e)
{
	return paused_it(api, "outbox.paused", paused, e);
}

enum sd_err sd_api_sync_pause(struct sd_api *api, bool pause, struct sd_error *e)
{
	return pause_it(api, "sync.paused", pause, e);
}

enum sd_err sd_api_sync_paused(struct sd_api *api, bool *paused, struct sd_error *e)
{
	return paused_it(api, "sync.paused", paused, e);
}

static enum sd_err drop_outside_of(
	struct sd_api *api, const struct sd_model *m, struct cJSON *out, struct sd_error *e)
{
	struct sd_sync_state s;
	struct sd_pred *p = NULL;
	struct cJSON *j;
	int64_t n = 0;
	enum sd_err rc = sd_sync_get(api->writer, m, &s, e);

	if (rc != SD_OK)
		return rc;
	if (s.expression)
		rc = sd_pred_parse(api->o.schema, m, s.expression, &p, e);
	if (rc == SD_OK && p) {
		rc = sd_drop_outside(api->writer, m, p, sd_now_ms(), &n, e);
		j = sd_json_object();
		if (!sd_json_add_str(j, "model", m->name) ||
			!sd_json_add_str(j, "expression", s.expression) ||
			!sd_json_add_int(j, "rows", n) || !sd_json_push(out, j))
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	}
	sd_pred_free(p);
	sd_sync_state_release(&s);
	return rc;
}

enum sd_err sd_api_drop_outside(
	struct sd_api *api, const char *model, bool dry, struct cJSON **out, struct sd_error *e)
{
	const struct sd_model *only = NULL;
	enum sd_err rc = sd_api_begin(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	if (model)
		rc = sd_api_model(api, model, &only, e);
	*out = sd_json_array();
	for (size_t i = 0; rc == SD_OK && i < api->o.schema->model_count; i++)
		if (!only || api->o.schema->models[i] == only)
			rc = drop_outside_of(api, api->o.schema->models[i], *out, e);
	if (rc == SD_OK && dry) /* looked at, not done */
		(void)!sd_api_end(api, SD_CANCELLED, NULL);
	else
		rc = sd_api_end(api, rc, e);
	if (rc != SD_OK) {
		sd_json_free(*out);
		*out = NULL;
	}
	return rc;
}

enum sd_err sd_api_outbox_import(struct sd_api *api, const struct cJSON *lines, struct sd_error *e)
{
	enum sd_err rc = sd_api_begin(api, e);
	int n = 0;

	if (rc != SD_OK)
		return rc;
	for (const struct cJSON *l = sd_json_child(lines); rc == SD_OK && l; l = sd_json_next(l)) {
		const char *owner = sd_json_get_str(l, "owner");
		n++;
		if (owner && !sd_str_eq(owner, api->owner.user_id))
			rc = sd_fail(e, SD_AUTH, 0,
				"these changes belong to another user (%s): sign in as that user; "
				"nothing was taken",
				owner);
		else
			rc = sd_outbox_import(api->writer, l, sd_now_ms(), &api->rand, e);
		if (rc != SD_OK)
			sd_fail_prefix(e, rc, "line %d", n);
	}
	return sd_api_end(api, rc, e);
}

enum sd_err sd_api_resolve(struct sd_api *api, int64_t id, const char *keep,
	const struct cJSON *picks, const struct cJSON *sets, bool dry_run, struct cJSON **write,
	struct sd_error *e)
{
	int pick = keep ? sd_pick_parse(keep) : SD_PICK_NONE;
	enum sd_err rc;

	*write = NULL;
	if (pick < 0)
		return sd_fail(e, SD_INVAL, 0, "--keep %s: expected mine, theirs or base", keep);
	rc = sd_api_begin(api, e);
	if (rc == SD_OK)
		rc = sd_api_end(api,
			sd_conflict_resolve(api->writer, id, (enum sd_pick)pick, picks, sets,
				"person", dry_run, sd_now_ms(), write, e),
			e);
	if (rc == SD_OK && !dry_run) {
		struct cJSON *f = sd_json_object();
		sd_json_add_int(f, "id", id);
		sd_json_add_str(f, "how", "person");
		sd_api_tell(api, "conflictResolved", f);
	}
	return absent(rc, "conflicts", id, e);
}

enum sd_err sd_api_forecast(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e)
{
	const struct sd_model *m;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_api_model(api, model, &m, e);
	return rc == SD_OK ? sd_api_forecast_of(api, m, key, out, e) : rc;
}

enum sd_err sd_api_forecast_of(struct sd_api *api, const struct sd_model *m, const char *key,
	struct cJSON **out, struct sd_error *e)
{
	struct sd_buf name = SD_BUF_INIT;
	char *strategy = NULL;
	enum sd_err rc;

	sd_buf_fmt(&name, "strategy:%s", m->name);
	rc = sd_meta_get(api->reader, sd_buf_text(&name), &strategy, e);
	if (rc == SD_OK)
		rc = sd_forecast(api->reader, m, key, strategy ? strategy : "automerge", out, e);
	sd_buf_release(&name);
	free(strategy);
	return rc;
}
