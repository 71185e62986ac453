/*
 * core/sync/doubt.c - records that a message or a delta says contradictory things of (apply.h): the
 * key was purged on the server and made again, or it is a late word from before that.
 *
 * The record is read, one at a time and a model; what the server answers is as good as a base sync
 * of that record.  Of too many in doubt a base run of the model brings all.  What waits here is not
 * kept in the store: a message is in the next delta, and the mark of a delta run stays where it was
 * as long as one of its rows is in doubt.
 */
#include "core/sync/pull.h"

#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"

void sd_doubt_forget(struct sd_engine *en, struct sd_pull_model *p)
{
	if (p->doubt_request)
		sd_en_cancel(en, p->doubt_request);
	for (size_t i = 0; i < p->doubt_count; i++)
		sd_json_free(p->doubts[i]);
	p->doubt_count = 0;
	p->doubt_tries = 0;
	p->doubt_request = 0;
	sd_wait_off(&p->doubt_wait);
}

bool sd_doubt_open(const struct sd_pull_model *p)
{
	return p->doubt_count && p->doubt_tries < SD_PULL_TRIES;
}

static bool waits(const struct sd_pull_model *p, const struct cJSON *item)
{
	for (size_t d = 0; d < p->doubt_count; d++) {
		bool same = true;
		for (size_t i = 0; i < p->m->pk_count && same; i++) {
			const char *name = p->m->fields[p->m->pk[i]].name;
			same = sd_json_equal(
				sd_json_get(p->doubts[d], name), sd_json_get(item, name), false);
		}
		if (same)
			return true;
	}
	return false;
}

enum sd_err sd_doubt_take(
	struct sd_engine *en, struct sd_pull_model *p, bool *full, struct sd_error *e)
{
	struct cJSON *all = sd_apply_doubts(en->store);
	enum sd_err rc = SD_OK;

	*full = false;
	for (const struct cJSON *c = sd_json_child(all); c && rc == SD_OK && !*full;
		c = sd_json_next(c)) {
		if (waits(p, c))
			continue;
		if (p->doubt_count == SD_PULL_DOUBTS) {
			sd_doubt_forget(en, p);
			p->force_full = *full = true;
			p->why = "many records were made anew on the server";
			break;
		}
		p->doubts[p->doubt_count] = sd_json_dup(c);
		if (p->doubts[p->doubt_count++])
			continue;
		p->doubt_count--;
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->m->name);
	}
	sd_json_free(all);
	return rc;
}

static char *body(const struct sd_pull_model *p, struct sd_error *e)
{
	struct cJSON *vars = sd_json_object();
	struct sd_buf doc = SD_BUF_INIT, key = SD_BUF_INIT, b = SD_BUF_INIT;
	char *out = NULL;

	if (sd_doc_build(p->m, SD_DOC_GET, NULL, &doc, e) == SD_OK &&
		sd_key_of(p->m, p->doubts[0], &key, e) == SD_OK &&
		sd_key_put(p->m, sd_buf_text(&key), vars, e) == SD_OK &&
		sd_doc_request(sd_buf_text(&doc), vars, &b))
		out = sd_buf_take(&b);
	sd_json_free(vars);
	sd_buf_release(&doc);
	sd_buf_release(&key);
	sd_buf_release(&b);
	return out;
}

enum sd_err sd_doubt_ask(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e)
{
	enum sd_auth_mode modes[6];
	char *text;

	if (!p->doubt_count || p->doubt_request || p->doubt_wait.at_ms || p->running)
		return SD_OK; /* a run may say it meanwhile */
	if (!sd_en_modes(en, p->m, SD_OP_GET_BIT, modes) || !sd_en_mode_ok(en, modes[0]))
		return SD_OK;
	text = body(p, e);
	if (text)
		p->doubt_request = sd_en_http(en, SD_OWNER_PULL, text, modes[0], false);
	p->doubt_mode = modes[0];
	return p->doubt_request ? SD_OK : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->m->name);
}

static enum sd_err apply(struct sd_engine *en, struct sd_pull_model *p, struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	const struct cJSON *items[1] = {item};
	struct sd_apply_counts n = {0};

	return sd_expr_admits(p, item, now_ms)
		       ? sd_apply(en->store, p->m, items, 1, SD_FROM_SYNC, true, now_ms, &n, e)
		       : SD_OK;
}

/* The server's copy; when it has none, what is here stays until the next base sync.  When nobody may
 * read it, a base sync says what there is. */
static enum sd_err settle(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t now_ms, struct sd_error *e)
{
	struct cJSON *there = rep->data ? sd_json_dup(rep->data) : NULL;
	struct sd_error bad = {.code = SD_OK};
	enum sd_err rc = SD_OK;

	sd_json_free(p->doubts[0]);
	memmove(p->doubts, p->doubts + 1, --p->doubt_count * sizeof *p->doubts);
	p->doubt_tries = 0;
	if (there)
		rc = sd_item_to_local(p->m, there, &bad);
	if (rc == SD_NOMEM || (rep->data && !there)) {
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->m->name);
	} else if (rep->klass != SD_REPLY_OK || rc != SD_OK) {
		p->force_full = true;
		rc = sd_pull_gap(en, p->m, "a record made anew could not be read", now_ms, e);
	} else if (there) {
		rc = apply(en, p, there, now_ms, e);
	}
	sd_json_free(there);
	return rc;
}

enum sd_err sd_doubt_answer(struct sd_engine *en, struct sd_pull_model *p,
	const struct sd_http_result *r, int64_t now_ms, struct sd_error *e)
{
	struct sd_buf root = SD_BUF_INIT;
	struct sd_reply rep;
	enum sd_err rc;

	p->doubt_request = 0;
	en->push_wake = true;
	rc = sd_doc_root(p->m, SD_DOC_GET, &root)
		     ? sd_reply_read(r, sd_buf_text(&root), &rep, e)
		     : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", p->m->name);
	sd_buf_release(&root);
	if (rc != SD_OK)
		return rc;
	if (rep.klass == SD_REPLY_AUTH)
		sd_en_auth_refused(en, p->doubt_mode, now_ms);
	else if (rep.klass == SD_REPLY_RETRY)
		sd_wait_set(&p->doubt_wait, now_ms,
			sd_backoff_ms(++p->doubt_tries, rep.retry_after_ms, en->rand));
	else
		rc = settle(en, p, &rep, now_ms, e);
	sd_reply_release(&rep);
	return rc;
}
