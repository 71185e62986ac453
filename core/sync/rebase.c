/*
 * core/sync/rebase.c - an unsent change put on the newest version by hand, before it is sent (U-05,
 * S4.3).
 *
 * The engine does so by itself but for conflict.policy = server, where a stale version is sent on
 * purpose and a list travelling with one is doubled by the service.
 */
#include "core/sync/merge.h"

#include <string.h>

#include "core/json/json.h"
#include "core/sync/request.h"

static bool is_deleted(const struct cJSON *rec)
{
	return sd_json_is_true(sd_json_get(rec, "_deleted"));
}

static enum sd_err clashes(
	const struct sd_mutation *m, const struct sd_merge *g, struct sd_error *e)
{
	struct sd_buf names = SD_BUF_INIT;
	enum sd_err rc;

	for (size_t i = 0; i < g->count; i++)
		if (g->fields[i].clash)
			sd_buf_fmt(&names, "%s%s", names.len ? ", " : "", g->fields[i].field->name);
	rc = sd_fail(e, SD_INVAL, 0,
		"outbox entry %lld: changed on both sides: %s; edit the entry, or send it and "
		"decide "
		"the conflict",
		(long long)m->seq, sd_buf_text(&names));
	sd_buf_release(&names);
	return rc;
}

static enum sd_err carry(struct sd_store *st, const struct sd_mutation *m,
	const struct sd_shadow *sh, int64_t now_ms, struct sd_error *e)
{
	struct sd_merge g = {.count = 0};
	struct cJSON *mine = NULL, *fields = NULL;
	enum sd_err rc = sd_request_mine(m, sh->base, &mine, e);

	if (rc == SD_OK)
		rc = sd_merge_compare(m->model, sh->base, mine, sh->server, &g, e);
	if (rc == SD_OK && g.clashes)
		rc = clashes(m, &g, e);
	if (rc == SD_OK)
		rc = sd_merge_result(&g, NULL, &fields, e);
	if (rc == SD_OK && sd_json_child(fields))
		rc = sd_outbox_rebase(st, m->seq, m->op, fields, sh->server, now_ms, e);
	else if (rc == SD_OK)
		rc = sd_outbox_settled(
			st, m->seq, sh->server, "the server has it already", now_ms, e);
	sd_merge_release(&g);
	sd_json_free(mine);
	sd_json_free(fields);
	return rc;
}

enum sd_err sd_rebase(struct sd_store *st, int64_t seq, int64_t now_ms, struct sd_error *e)
{
	struct sd_mutation m;
	struct sd_shadow sh = {NULL, NULL};
	enum sd_err rc = sd_outbox_get(st, seq, &m, e);

	if (rc != SD_OK)
		return rc;
	if (m.lane == SD_LANE_SENDING)
		rc = sd_fail(e, SD_BUSY, 0, "outbox entry %lld is being sent", (long long)seq);
	else if (m.lane == SD_LANE_CONFLICT)
		rc = sd_fail(e, SD_INVAL, 0,
			"outbox entry %lld is in conflict: decide it with `syncdeck conflicts "
			"resolve`",
			(long long)seq);
	else
		rc = sd_shadow_get(st, m.model, m.key, &sh, e);
	if (rc == SD_OK && sh.server && m.op == SD_OP_UPDATE && m.lane != SD_LANE_REFUSED &&
		sd_json_get_i64(sh.server, "_version", -1) != m.version) {
		if (is_deleted(sh.server))
			rc = sd_fail(e, SD_INVAL, 0,
				"outbox entry %lld: the record was deleted on the server meanwhile",
				(long long)seq);
		else
			rc = carry(st, &m, &sh, now_ms, e);
	}
	sd_shadow_release(&sh);
	sd_mutation_release(&m);
	return rc;
}
