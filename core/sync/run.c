/*
 * core/sync/run.c - one run of one model: base or delta, its beginning and its requests.
 *
 * The state of a run (token of the next page, lastSync it began with, startedAt of its first page)
 * is saved in the same transaction as the rows it covers, so a run that was cut off goes on where
 * it stopped (U-13).  The next page is asked for before the current one is applied; never more
 * than one page ahead.  The next run's lastSync is the startedAt of the *first* page: what changed
 * while the pages were read is in the next delta.
 */
#include "core/sync/pull.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/graphql/doc.h"
#include "core/json/json.h"
#include "core/store/conflict.h"

enum sd_err sd_run_set_text(char **to, const char *from, struct sd_error *e)
{
	char *copy = from ? strdup(from) : NULL;

	if (from && !copy)
		return sd_fail(e, SD_NOMEM, 0, "sync run: out of memory");
	free(*to);
	*to = copy;
	return SD_OK;
}

void sd_run_set_error(struct sd_engine *en, struct sd_pull_model *p, const char *text)
{
	if (sd_run_set_text(&p->s.error, text, NULL) != SD_OK)
		en->oom = true;
}

enum sd_err sd_run_load(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e)
{
	struct sd_buf doc = SD_BUF_INIT, root = SD_BUF_INIT;
	enum sd_err rc;

	if (p->loaded)
		return SD_OK;
	rc = sd_sync_get(en->store, p->m, &p->s, e);
	if (rc == SD_OK)
		rc = sd_doc_build(p->m, SD_DOC_SYNC, NULL, &doc, e);
	if (rc == SD_OK && !sd_doc_root(p->m, SD_DOC_SYNC, &root))
		rc = sd_fail(e, SD_NOMEM, 0, "sync query: out of memory");
	if (rc == SD_OK) {
		p->document = sd_buf_take(&doc);
		p->root = sd_buf_take(&root);
		p->loaded = true;
		if (!p->document || !p->root)
			rc = sd_fail(e, SD_NOMEM, 0, "sync query: out of memory");
	}
	sd_buf_release(&doc);
	sd_buf_release(&root);
	return rc;
}

/* An expression that changed makes everything known so far worthless as a mark. */
static enum sd_err check_expression(struct sd_pull_model *p, struct sd_error *e)
{
	char *text = NULL;
	enum sd_err rc = sd_expr_text(p, &text, e);

	if (rc != SD_OK)
		return rc;
	if (sd_str_eq(text, p->s.expression)) {
		free(text);
		return SD_OK;
	}
	free(p->s.expression);
	p->s.expression = text;
	if (p->s.last_sync_ms || p->s.last_full_ms || p->s.page_token) {
		p->force_full = true;
		p->why = "the sync expression changed";
		p->expr_new = true;
	}
	p->s.last_sync_ms = p->s.last_full_ms = 0;
	free(p->s.page_token);
	p->s.page_token = NULL;
	return SD_OK;
}

/* Base or delta, and why. */
static bool needs_base(struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms)
{
	int64_t server_now = now_ms + en->status.skew_ms;

	if (p->force_full)
		return true;
	/* capped: what is here stays fresh; what is not was never fetched, and the mark says so */
	if (p->s.kind == SD_SYNC_CAPPED && p->cap_mark_ms && en->set->max_records > 0)
		return false;
	if (!p->s.last_sync_ms || !p->s.last_full_ms) {
		p->why = p->s.kind == SD_SYNC_CAPPED ? "the last run was capped"
						     : "never synced in full";
		return true;
	}
	if (server_now - p->s.last_full_ms >= en->set->full_interval_ms) {
		p->why = "the last full sync is older than sync.full_interval";
		return true;
	}
	return false;
}

bool sd_run_partial(const struct sd_pull_model *p)
{
	return !p->s.page_base && !p->s.last_full_ms;
}

/* A fresh run: what is left of an old one goes. */
static enum sd_err reset(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	p->s.page_base = needs_base(en, p, now_ms);
	p->s.page_last_sync = p->s.page_base      ? 0
			      : sd_run_partial(p) ? p->cap_mark_ms
						  : p->s.last_sync_ms;
	free(p->s.page_token);
	p->s.page_token = NULL;
	p->s.page_started_ms = p->s.page_started_last_ms = 0;
	p->begun_ms = now_ms;
	p->s.page_rows = p->s.bytes = p->s.sweep_rid = 0;
	p->s.new_rows = p->s.updated_rows = p->s.deleted_rows = 0;
	memset(&p->counts, 0, sizeof p->counts);
	p->force_full = false;
	p->fresh = true;
	p->again = false;
	p->page_at_ms = now_ms;
	if (p->s.page_base)
		rc = sd_sweep_begin(en->store, p->m, &p->s.sweep_rid, e);
	/* every row comes again, and so do those that nobody can name */
	if (rc == SD_OK && p->s.page_base)
		rc = sd_quarantine_drop(en->store, p->m, NULL, e);
	if (rc == SD_OK)
		rc = sd_run_set_text(&p->s.why, p->why ? p->why : "asked for", e);
	p->why = NULL;
	return rc;
}

/* The service's log of changes forgets (server.md 3.1): a page of a delta that is asked for much
 * later than the one before it lacks what was forgotten in between, and says nothing of it.  The
 * pages of a full run come from the records themselves. */
bool sd_run_torn(struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms)
{
	int64_t since = p->page_at_ms ? now_ms - p->page_at_ms
				      : now_ms + en->status.skew_ms - p->s.page_started_ms;

	if (p->s.page_base || !p->s.page_token || since < SD_PULL_GAP_MS)
		return false;
	p->why = "the pages of the last one were too far apart";
	p->force_full = p->force_full || ++p->gaps > SD_PULL_GAPS;
	return true;
}

enum sd_err sd_run_begin(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = sd_run_load(en, p, e);

	if (rc == SD_OK)
		rc = check_expression(p, e);
	if (rc == SD_OK)
		rc = sd_expr_filter(en, p, now_ms, e);
	if (rc != SD_OK)
		return rc;
	p->want = false;
	sd_wait_off(&p->retry);
	sd_wait_off(&p->poll_wait);
	p->isolating = SD_ISOLATE_NOTHING;
	if (p->s.page_token && !p->force_full && !sd_run_torn(en, p, now_ms)) {
		/* nobody listened between the run's beginning and now: a delta run follows it */
		p->again = p->again || !p->fresh;
	} else {
		rc = reset(en, p, now_ms, e);
	}
	if (rc == SD_OK)
		rc = sd_sync_put(en->store, p->m, &p->s, e);
	if (rc == SD_OK)
		rc = sd_run_request(en, p, p->s.page_token, e);
	return rc;
}

static int64_t page_limit(const struct sd_engine *en, const struct sd_pull_model *p)
{
	int64_t n = en->set->page_size;

	if (p->s.page_size > 0 && p->s.page_size < n)
		n = p->s.page_size; /* cut after a page that was too large */
	if (en->set->max_records > 0 && n > en->set->max_records - p->s.page_rows)
		n = en->set->max_records - p->s.page_rows;
	return n > 0 ? n : 1;
}

/* All four variables are always there, as the DataStore clients send them (client.md 2.4). */
static char *request_body(const struct sd_pull_model *p, const char *token, struct sd_error *e)
{
	struct cJSON *v = sd_json_object(), *filter = NULL;
	struct sd_buf b = SD_BUF_INIT;
	char *out = NULL, *less = p->isolating ? sd_isolate_document(p) : NULL;

	if (p->isolating && !less)
		return NULL;
	if (p->filter && sd_json_parse(p->filter, strlen(p->filter), "filter", &filter, e) != SD_OK)
		filter = NULL;
	if (sd_json_add_int(v, "limit", p->limit) && sd_json_add_str(v, "nextToken", token) &&
		sd_json_add_int(v, "lastSync", p->s.page_last_sync) &&
		sd_json_add(v, "filter", filter ? filter : sd_json_null()) &&
		sd_doc_request(less ? less : p->document, v, &b))
		out = sd_buf_take(&b);
	free(less);
	sd_json_free(v);
	sd_buf_release(&b);
	return out;
}

enum sd_err sd_run_request(
	struct sd_engine *en, struct sd_pull_model *p, const char *token, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	size_t n = sd_en_modes(en, p->m, SD_OP_SYNC_BIT, modes);
	char *body;

	if (p->mode_at >= n)
		p->mode_at = 0;
	if (!n)
		return sd_fail(
			e, SD_AUTH, 0, "%s: no permitted way to read it; sign in", p->m->name);
	p->mode = modes[p->mode_at];
	p->limit = p->isolating ? 1 : page_limit(en, p);
	body = request_body(p, token, e);
	if (!body)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->root);
	p->request = sd_en_http(en, SD_OWNER_PULL, body, p->mode, true);
	p->running = p->request != 0;
	return p->request ? SD_OK : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->root);
}
