/* core/api/lists.c - models, outbox, conflicts and the rest in the contract's shapes. */
#include "core/api/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/graphql/doc.h"
#include "core/sync/merge.h"

static bool add_ms(struct cJSON *j, const char *name, int64_t ms)
{
	return ms ? sd_json_add_int(j, name, ms) : sd_json_add(j, name, sd_json_null());
}

static bool add_key(struct cJSON *j, const char *key)
{
	struct cJSON *k = NULL;

	if (!key || sd_json_parse(key, strlen(key), "key", &k, NULL) != SD_OK)
		return sd_json_add(j, "key", sd_json_null());
	return sd_json_add(j, "key", k);
}

/* ---- models ---- */

static enum sd_err model_line(
	struct sd_api *api, const struct sd_model *m, struct cJSON *list, struct sd_error *e)
{
	struct sd_outbox_counts oc = {0};
	struct sd_sync_state ss = {0};
	int64_t rows = 0, conflicts = 0, quarantined = 0;
	struct cJSON *j, *pk;
	enum sd_err rc = sd_rec_total(api->reader, m, &rows, e);

	if (rc == SD_OK)
		rc = sd_outbox_counts(api->reader, m, &oc, e);
	if (rc == SD_OK)
		rc = sd_conflict_count(api->reader, m, &conflicts, e);
	if (rc == SD_OK)
		rc = sd_quarantine_count(api->reader, m, &quarantined, e);
	if (rc == SD_OK)
		rc = sd_sync_get(api->reader, m, &ss, e);
	if (rc != SD_OK)
		return rc;
	j = sd_json_object();
	sd_json_add_str(j, "model", m->name);
	sd_json_add_str(j, "plural", m->plural);
	sd_json_add_int(j, "rows", rows);
	sd_json_add_int(j, "pending",
		oc.lane[SD_LANE_WAITING] + oc.lane[SD_LANE_SENDING] + oc.lane[SD_LANE_PARKED]);
	sd_json_add_int(j, "conflicts", conflicts);
	sd_json_add_int(j, "refused", oc.lane[SD_LANE_REFUSED]);
	sd_json_add_int(j, "quarantined", quarantined);
	sd_json_add_str(j, "sync", sd_sync_kind_name(ss.kind));
	add_ms(j, "lastSync", ss.synced_at_ms);
	pk = sd_json_array();
	for (size_t i = 0; i < m->pk_count; i++)
		sd_json_push(pk, sd_json_string(m->fields[m->pk[i]].name));
	sd_json_add(j, "primaryKey", pk);
	sd_sync_state_release(&ss);
	return sd_json_push(list, j) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "models: out of memory");
}

enum sd_err sd_api_models(struct sd_api *api, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *list;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_store_read(api->reader, e);
	if (rc != SD_OK)
		return rc;
	list = sd_json_array();
	for (size_t i = 0; rc == SD_OK && i < api->o.schema->model_count; i++)
		rc = model_line(api, api->o.schema->models[i], list, e);
	sd_store_rollback(api->reader);
	if (rc != SD_OK) {
		sd_json_free(list);
		return rc;
	}
	*out = list;
	return SD_OK;
}

enum sd_err sd_api_sync_state(struct sd_api *api, struct cJSON **out, struct sd_error *e)
{
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	*out = sd_json_array();
	for (size_t i = 0; rc == SD_OK && i < api->o.schema->model_count; i++) {
		const struct sd_model *m = api->o.schema->models[i];
		struct sd_sync_state s;
		int64_t rows = 0;
		struct cJSON *j;
		rc = sd_sync_get(api->reader, m, &s, e);
		if (rc != SD_OK)
			break;
		rc = sd_rec_total(api->reader, m, &rows, e);
		j = sd_json_object();
		sd_json_add_str(j, "model", m->name);
		sd_json_add_str(j, "state", sd_sync_kind_name(s.kind));
		sd_json_add_int(j, "rows", rows);
		sd_json_add_int(j, "received", s.page_rows);
		sd_json_add_bool(j, "running", s.page_token != NULL);
		sd_json_add_int(
			j, "pageSize", s.page_size ? s.page_size : api->o.settings->sync_page_size);
		sd_json_add_int(j, "new", s.new_rows);
		sd_json_add_int(j, "updated", s.updated_rows);
		sd_json_add_int(j, "deleted", s.deleted_rows);
		sd_json_add_int(j, "bytes", s.bytes);
		add_ms(j, "lastSync", s.synced_at_ms);
		add_ms(j, "lastFull", s.last_full_ms);
		sd_json_add_str(j, "expression", s.expression);
		sd_json_add_str(j, "why", s.why);
		sd_json_add_str(j, "error", s.error);
		sd_json_add_int(j, "failures", s.failures);
		sd_sync_state_release(&s);
		sd_json_push(*out, j);
	}
	return rc;
}

/* ---- outbox ---- */

struct gather {
	struct sd_api *api;
	struct cJSON *list;
	bool with_base;
	enum sd_err rc;
	struct sd_error *e;
};

static bool gather_mutation(void *ctx, struct sd_mutation *m)
{
	struct gather *g = ctx;
	struct cJSON *j = NULL;

	g->rc = sd_outbox_json(g->api->reader, m, g->with_base, &j, g->e);
	if (g->rc == SD_OK && !sd_json_push(g->list, j))
		g->rc = sd_fail(g->e, SD_NOMEM, 0, "outbox: out of memory");
	return g->rc == SD_OK;
}

enum sd_err sd_api_outbox(
	struct sd_api *api, bool with_base, struct cJSON **out, struct sd_error *e)
{
	struct gather g = {.api = api, .with_base = with_base, .e = e};
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	g.list = sd_json_array();
	rc = sd_outbox_each(api->reader, 0, -1, gather_mutation, &g, e);
	rc = rc == SD_OK ? g.rc : rc;
	if (rc != SD_OK) {
		sd_json_free(g.list);
		return rc;
	}
	*out = g.list;
	return SD_OK;
}

static enum sd_err add_request(
	struct sd_api *api, const struct sd_mutation *m, struct cJSON *j, struct sd_error *e)
{
	static const enum sd_doc KIND[] = {[SD_OP_CREATE] = SD_DOC_CREATE,
		[SD_OP_UPDATE] = SD_DOC_UPDATE,
		[SD_OP_DELETE] = SD_DOC_DELETE};
	struct sd_buf doc = SD_BUF_INIT;
	struct cJSON *input = NULL, *cond = NULL, *rec = NULL, *req, *vars;
	struct sd_pred *p = NULL;
	enum sd_err rc = sd_rec_get(api->reader, m->model, m->key, true, &rec, NULL);

	rc = sd_doc_build(m->model, KIND[m->op], NULL, &doc, e);
	if (rc == SD_OK)
		rc = sd_doc_input(m->model, KIND[m->op], m->key, m->fields, rec,
			m->version < 0 ? 0 : m->version, &input, e);
	if (rc == SD_OK && m->condition && m->op != SD_OP_CREATE) {
		rc = sd_pred_parse(api->o.schema, m->model, m->condition, &p, e);
		if (rc == SD_OK)
			rc = sd_pred_filter(
				m->model, p, SD_FILTER_CONDITION, sd_now_ms(), &cond, e);
	}
	if (rc == SD_OK) {
		req = sd_json_object();
		vars = sd_json_object();
		sd_json_add(vars, "input", input);
		if (m->op != SD_OP_CREATE)
			sd_json_add(vars, "condition", cond ? cond : sd_json_null());
		sd_json_add_str(req, "query", sd_buf_text(&doc));
		sd_json_add(req, "variables", vars);
		sd_json_add(j, "request", req);
	}
	sd_pred_free(p);
	sd_json_free(rec);
	sd_buf_release(&doc);
	return rc;
}

/* A change that goes out with an old version: what the service will make of it (U-05). */
static enum sd_err add_forecast(
	struct sd_api *api, const struct sd_mutation *m, struct cJSON *j, struct sd_error *e)
{
	struct cJSON *f = NULL;
	enum sd_err rc = sd_api_forecast_of(api, m->model, m->key, &f, e);

	if (rc != SD_OK)
		return rc;
	if (sd_json_is_true(sd_json_get(f, "stale")) &&
		sd_json_get_i64(f, "version", -1) == m->version)
		return sd_json_add(j, "forecast", f) ? SD_OK
						     : sd_fail(e, SD_NOMEM, 0, "out of memory");
	sd_json_free(f);
	return SD_OK;
}

enum sd_err sd_api_outbox_show(
	struct sd_api *api, int64_t seq, struct cJSON **out, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_buf hold = SD_BUF_INIT;
	struct cJSON *j = NULL;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_outbox_get(api->reader, seq, &m, e);
	if (rc == SD_NOTFOUND)
		return sd_fail(e, SD_NOTFOUND, 0,
			"outbox: there is no unsent change %lld; see `syncdeck outbox`",
			(long long)seq);
	if (rc != SD_OK)
		return rc;
	rc = sd_outbox_json(api->reader, &m, false, &j, e);
	if (rc == SD_OK)
		rc = sd_outbox_hold(api->reader, seq, &hold, e);
	if (rc == SD_OK)
		sd_json_add_str(j, "hold", sd_buf_text(&hold));
	if (rc == SD_OK)
		rc = add_request(api, &m, j, e);
	if (rc == SD_OK && m.op == SD_OP_UPDATE &&
		(m.lane == SD_LANE_WAITING || m.lane == SD_LANE_PARKED))
		rc = add_forecast(api, &m, j, e);
	sd_buf_release(&hold);
	sd_mutation_release(&m);
	if (rc != SD_OK) {
		sd_json_free(j);
		return rc;
	}
	*out = j;
	return SD_OK;
}

enum sd_err sd_api_counts(struct sd_api *api, struct sd_api_counts *out, struct sd_error *e)
{
	struct sd_outbox_counts oc;
	enum sd_err rc = sd_api_use(api, e);

	memset(out, 0, sizeof *out);
	if (rc == SD_OK)
		rc = sd_outbox_counts(api->reader, NULL, &oc, e);
	if (rc == SD_OK)
		rc = sd_conflict_count(api->reader, NULL, &out->conflicts, e);
	if (rc == SD_OK)
		rc = sd_quarantine_count(api->reader, NULL, &out->quarantined, e);
	if (rc != SD_OK)
		return rc;
	out->waiting = oc.lane[SD_LANE_WAITING];
	out->sending = oc.lane[SD_LANE_SENDING];
	out->parked = oc.lane[SD_LANE_PARKED];
	out->refused = oc.lane[SD_LANE_REFUSED];
	out->pending = out->waiting + out->sending + out->parked;
	out->oldest_ms = oc.oldest_ms;
	return SD_OK;
}

static bool found_one(void *ctx, struct sd_mutation *m)
{
	(void)m;
	*(bool *)ctx = true;
	return false;
}

enum sd_err sd_api_can_send(struct sd_api *api, bool *out, struct sd_error *e)
{
	struct sd_api_counts n;
	bool paused = false, found = false;
	int64_t next;
	enum sd_err rc = sd_api_use(api, e);

	/* one snapshot: an entry that begins to be sent between two looks would be in neither */
	if (rc == SD_OK)
		rc = sd_store_read(api->reader, e);
	if (rc != SD_OK)
		return rc;
	rc = sd_api_counts(api, &n, e);
	if (rc == SD_OK && n.waiting)
		rc = sd_api_outbox_paused(api, &paused, e);
	if (rc == SD_OK && n.waiting && !paused)
		rc = sd_outbox_due(api->reader, INT64_MAX, 1, found_one, &found, &next, e);
	sd_store_rollback(api->reader);
	*out = n.sending || found;
	return rc;
}

enum sd_err sd_api_outbox_holds(struct sd_api *api, struct cJSON *list, struct sd_error *e)
{
	struct sd_buf hold = SD_BUF_INIT;
	enum sd_err rc = sd_api_use(api, e);

	for (struct cJSON *j = sd_json_child(list); j && rc == SD_OK; j = sd_json_next(j)) {
		if (!sd_str_eq(sd_json_get_str(j, "lane"), sd_lane_name(SD_LANE_WAITING)))
			continue;
		sd_buf_reset(&hold);
		rc = sd_outbox_hold(api->reader, sd_json_get_i64(j, "seq", 0), &hold, e);
		if (rc == SD_NOTFOUND) /* sent meanwhile */
			rc = SD_OK;
		else if (rc == SD_OK && hold.len && !sd_json_add_str(j, "hold", sd_buf_text(&hold)))
			rc = sd_fail(e, SD_NOMEM, 0, "outbox: out of memory");
	}
	sd_buf_release(&hold);
	return rc;
}

/* ---- conflicts ---- */

/* The server says null of a live record, a record in JSON says false (contract.md 4). */
static bool plain_deleted(struct cJSON *rec)
{
	bool deleted = sd_json_is_true(sd_json_get(rec, "_deleted"));

	return !sd_json_is_object(rec) || sd_json_set(rec, "_deleted", sd_json_bool(deleted));
}

static bool gather_conflict(void *ctx, struct sd_conflict *c)
{
	struct gather *g = ctx;
	struct cJSON *j = NULL;

	g->rc = sd_conflict_json(c, &j, g->e);
	if (g->rc != SD_OK)
		return false;
	if (!plain_deleted(sd_json_get(j, "base")) || !plain_deleted(sd_json_get(j, "mine")) ||
		!plain_deleted(sd_json_get(j, "theirs")))
		g->rc = sd_fail(g->e, SD_NOMEM, 0, "conflicts: out of memory");
	sd_json_add_int(j, "seq", c->seq);
	return sd_json_push(g->list, j) && g->rc == SD_OK;
}

enum sd_err sd_api_conflicts(struct sd_api *api, struct cJSON **out, struct sd_error *e)
{
	struct gather g = {.api = api, .e = e};
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	g.list = sd_json_array();
	rc = sd_conflict_each(api->reader, gather_conflict, &g, e);
	rc = rc == SD_OK ? g.rc : rc;
	if (rc != SD_OK) {
		sd_json_free(g.list);
		return rc;
	}
	*out = g.list;
	return SD_OK;
}

/* ---- sent, quarantine ---- */

static bool gather_sent(void *ctx, const struct sd_journal *l)
{
	struct gather *g = ctx;
	struct cJSON *j = sd_json_object();

	sd_json_add_int(j, "at", l->at_ms);
	sd_json_add_str(j, "model", l->model ? l->model->name : NULL);
	add_key(j, l->key);
	sd_json_add_str(j, "op", sd_op_name(l->op));
	sd_json_add_str(j, "text", l->text);
	sd_json_add(j, "version", l->version > 0 ? sd_json_int(l->version) : sd_json_null());
	sd_json_add_int(j, "seq", l->seq);
	return sd_json_push(g->list, j);
}

enum sd_err sd_api_sent(struct sd_api *api, int64_t limit, struct cJSON **out, struct sd_error *e)
{
	struct gather g = {.api = api, .e = e};
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	g.list = sd_json_array();
	rc = sd_journal_recent(api->reader, SD_J_OUTBOX, limit, gather_sent, &g, e);
	if (rc != SD_OK) {
		sd_json_free(g.list);
		return rc;
	}
	*out = g.list;
	return SD_OK;
}

enum sd_err sd_api_quarantine(
	struct sd_api *api, const char *model, struct cJSON **out, struct sd_error *e)
{
	const struct sd_model *m = NULL;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK && model)
		rc = sd_api_model(api, model, &m, e);
	if (rc != SD_OK)
		return rc;
	*out = sd_json_array();
	return sd_quarantine_list(api->reader, m, *out, e);
}
