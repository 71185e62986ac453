/*
 * core/api/audit.c - every record here against the server's; see api.h.
 *
 * The server's pages are read one by one, each compared with one state of the store; of the rows
 * here one bit each is kept: seen or not.  What differs is read again on both sides before it is
 * told, since both go on changing meanwhile.  A model that cannot be read is named, and the others
 * are compared all the same.
 */
#include <stdlib.h>
#include <string.h>

#include "core/api/ask.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/graphql/doc.h"

struct audit {
	struct sd_api *api;
	const struct sd_model *m;
	sd_api_rec_fn fn;
	sd_api_progress_fn progress;
	void *ctx;
	struct sd_pred *expr; /* what is synced of the model; NULL: all */
	struct cJSON *filter; /* the same for the server; NULL: all, or decided here */
	bool capped;
	unsigned char *seen; /* a bit a rid */
	int64_t seen_rids;
	struct cJSON
		*doubts; /* of a page: what is to be looked at again, {"key","finding","detail"} */
	struct sd_api_audited n;
	int64_t all; /* records of all models, for the progress */
	bool stopped;
	bool unreadable; /* the model, not the server: the others may be compared */
	enum sd_err rc;  /* of a callback within a query */
	struct sd_error *e;
};

static enum sd_err nomem(struct audit *a)
{
	return sd_fail(a->e, SD_NOMEM, 0, "audit: out of memory");
}

/* ---- telling ---- */

static enum sd_err tell(struct audit *a, const char *key, const char *finding, const char *detail)
{
	struct cJSON *j = sd_json_object(), *k = NULL;

	if (key && sd_json_parse(key, strlen(key), "key", &k, NULL) != SD_OK)
		k = NULL;
	sd_json_add_str(j, "model", a->m->name);
	sd_json_add(j, "key", k ? k : sd_json_null());
	sd_json_add_str(j, "finding", finding);
	sd_json_add_str(j, "detail", detail);
	a->n.different++;
	a->stopped = !a->fn(a->ctx, j);
	sd_json_free(j);
	return a->stopped ? sd_fail(a->e, SD_CANCELLED, 0, "audit: interrupted") : SD_OK;
}

/* ---- one record ---- */

/* What the server's record is compared with: the copy that unsent changes were made beside, else
 * the row.  *mine NULL: not here.  unsent: there is a change that the server does not have. */
static enum sd_err ours(struct audit *a, const char *key, struct cJSON **mine, bool *unsent)
{
	struct sd_store *st = a->api->reader;
	struct sd_shadow s = {NULL, NULL};
	struct cJSON *row = NULL;
	const char *state;
	enum sd_err rc = sd_rec_get(st, a->m, key, true, &row, a->e);

	*mine = NULL;
	*unsent = false;
	if (rc == SD_NOTFOUND) /* a create that was deleted again, or nothing at all */
		return SD_OK;
	state = sd_json_get_str(row, "_state");
	if (rc == SD_OK && state && strcmp(state, "synced") != 0 &&
		strcmp(state, "quarantined") != 0) {
		*unsent = true;
		rc = sd_shadow_get(st, a->m, key, &s, a->e);
		*mine = s.server;
		s.server = NULL;
		sd_shadow_release(&s);
		sd_json_free(row);
		return rc;
	}
	*mine = row;
	return rc;
}

static bool live(const struct cJSON *rec)
{
	return rec && !sd_json_is_true(sd_json_get(rec, "_deleted"));
}

/* Names of the fields that differ; appended. */
static bool fields_differ(
	const struct sd_model *m, const struct cJSON *a, const struct cJSON *b, struct sd_buf *out)
{
	bool any = false;

	for (size_t i = 0; i < m->field_count; i++) {
		const char *name = m->fields[i].name;
		if (!m->fields[i].stored ||
			sd_json_equal(sd_json_get(a, name), sd_json_get(b, name), true))
			continue;
		sd_buf_fmt(out, "%s%s", any ? ", " : "differs in ", name);
		any = true;
	}
	return any;
}

/* The finding about one record, NULL: none.  detail is appended to. */
static const char *compare(struct audit *a, const struct cJSON *mine, const struct cJSON *theirs,
	bool unsent, struct sd_buf *detail)
{
	int64_t v = sd_json_get_i64(mine, "_version", -1);
	int64_t w = sd_json_get_i64(theirs, "_version", -1);

	if (!mine && !live(theirs))
		return NULL;
	if (!mine) {
		sd_buf_fmt(detail, "the server has version %lld%s", (long long)w,
			a->capped ? "; the model is capped by sync.max_records" : "");
		return "missing-here";
	}
	if (!theirs) {
		if (!live(mine) || (unsent && v < 0))
			return NULL; /* a tombstone that was purged; a create not sent yet */
		sd_buf_fmt(detail, "here it is version %lld", (long long)v);
		return v < 0 ? "version" : "missing-there";
	}
	if (live(mine) != live(theirs)) {
		sd_buf_fmt(detail, "deleted %s only, version %lld here, %lld there",
			live(mine) ? "there" : "here", (long long)v, (long long)w);
		return "tombstone";
	}
	if (v != w) {
		sd_buf_fmt(detail, "version %lld here, %lld there", (long long)v, (long long)w);
		return "version";
	}
	if (live(mine) && fields_differ(a->m, mine, theirs, detail)) {
		sd_buf_fmt(detail, " at the same version %lld", (long long)v);
		return "content";
	}
	return NULL;
}

static bool admitted(const struct audit *a, const struct cJSON *rec)
{
	return !a->expr || sd_pred_eval(a->expr, rec, sd_now_ms(), NULL, NULL);
}

/* Both sides are read again; what is left of the difference is told.  first: the finding so far,
 * for a record that may be listed but not be read by itself. */
static enum sd_err look_again(struct audit *a, const char *key, const char *first, const char *so)
{
	struct cJSON *theirs = NULL, *mine = NULL;
	struct sd_buf detail = SD_BUF_INIT;
	struct sd_error why = {.code = SD_OK};
	const char *finding = NULL;
	bool unsent = false;
	enum sd_err rc = sd_api_ask_record(a->api, a->m, key, &theirs, &why);

	if (rc == SD_PROTO && why.detail == 0) { /* it came, and does not fit */
		finding = "content";
		sd_buf_str(&detail, why.text);
		rc = SD_OK;
	} else if (rc == SD_REFUSED) {
		finding = first;
		sd_buf_str(&detail, so);
		rc = SD_OK;
	} else if (rc == SD_OK) {
		if (live(theirs) && !admitted(a, theirs)) { /* it left what is synced */
			sd_json_free(theirs);
			return SD_OK;
		}
		rc = ours(a, key, &mine, &unsent);
		if (rc == SD_OK)
			finding = compare(a, mine, theirs, unsent, &detail);
	} else {
		*a->e = why;
	}
	if (rc == SD_OK && finding)
		rc = tell(a, key, finding, sd_buf_text(&detail));
	sd_json_free(theirs);
	sd_json_free(mine);
	sd_buf_release(&detail);
	return rc;
}

static enum sd_err doubt(struct audit *a, const char *key, const char *finding, const char *detail)
{
	struct cJSON *one = sd_json_object();

	sd_json_add_str(one, "key", key);
	sd_json_add_str(one, "finding", finding);
	sd_json_add_str(one, "detail", detail);
	return sd_json_push(a->doubts, one) ? SD_OK : nomem(a);
}

static enum sd_err clear_doubts(struct audit *a)
{
	enum sd_err rc = SD_OK;

	for (const struct cJSON *d = sd_json_child(a->doubts); d && rc == SD_OK;
		d = sd_json_next(d))
		rc = look_again(a, sd_json_get_str(d, "key"), sd_json_get_str(d, "finding"),
			sd_json_get_str(d, "detail"));
	return rc;
}

static enum sd_err mark_seen(struct audit *a, const struct cJSON *item)
{
	int64_t rid = 0, want;
	unsigned char *p;
	enum sd_err rc = sd_rec_rid(a->api->reader, a->m, item, &rid, a->e);

	if (rc != SD_OK || rid <= 0)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	if (rid >= a->seen_rids) {
		want = a->seen_rids ? a->seen_rids * 2 : 8192;
		while (want <= rid)
			want *= 2;
		p = realloc(a->seen, (size_t)(want / 8));
		if (!p)
			return nomem(a);
		memset(p + a->seen_rids / 8, 0, (size_t)((want - a->seen_rids) / 8));
		a->seen = p;
		a->seen_rids = want;
	}
	a->seen[rid / 8] |= (unsigned char)(1u << (rid % 8));
	return SD_OK;
}

/* A record as it came in a page. */
static enum sd_err check_item(struct audit *a, struct cJSON *item)
{
	struct sd_buf key = SD_BUF_INIT, detail = SD_BUF_INIT;
	struct sd_error why = {.code = SD_OK};
	struct cJSON *mine = NULL;
	const char *finding = NULL;
	bool unsent = false;
	enum sd_err rc = sd_key_of(a->m, item, &key, &why);

	if (rc == SD_OK)
		rc = sd_item_to_local(a->m, item, &why);
	if (rc != SD_OK && rc != SD_NOMEM) { /* no record the store could hold (U-17) */
		bool keyed = key.len > 0;
		rc = keyed ? mark_seen(a, item) : SD_OK;
		if (rc == SD_OK)
			rc = tell(a, keyed ? sd_buf_text(&key) : NULL, "missing-here", why.text);
		goto done;
	}
	a->n.there += live(item);
	if (rc == SD_OK)
		rc = mark_seen(a, item);
	if (rc == SD_OK && (!live(item) || admitted(a, item))) {
		rc = ours(a, sd_buf_text(&key), &mine, &unsent);
		a->n.compared++;
		if (rc == SD_OK)
			finding = compare(a, mine, item, unsent, &detail);
		if (finding)
			rc = doubt(a, sd_buf_text(&key), finding, sd_buf_text(&detail));
	}
done:
	sd_json_free(mine);
	sd_buf_release(&key);
	sd_buf_release(&detail);
	return rc;
}

/* ---- the server's pages ---- */

static enum sd_err check_items(struct audit *a, const struct sd_reply *r)
{
	enum sd_err rc = SD_OK;

	for (struct cJSON *item = sd_json_child(sd_json_get(r->data, "items")); item && rc == SD_OK;
		item = sd_json_next(item)) {
		if (sd_json_is_null(item))
			rc = tell(a, NULL, "missing-here",
				"the server could not read one of its own records");
		else
			rc = check_item(a, item);
		if (rc == SD_OK && (++a->all & 63) == 0 && a->progress &&
			!a->progress(a->ctx, a->all, 0, 0))
			rc = sd_fail(a->e, SD_CANCELLED, 0, "audit: interrupted");
	}
	return rc;
}

static enum sd_err check_page(struct audit *a, const struct sd_reply *r, char **token)
{
	const char *next = sd_json_get_str(r->data, "nextToken");
	enum sd_err rc;

	a->doubts = sd_json_array();
	if (!a->doubts)
		return nomem(a);
	rc = sd_store_read(a->api->reader, a->e); /* over before the server is asked again */
	if (rc == SD_OK)
		rc = check_items(a, r);
	sd_store_rollback(a->api->reader);
	if (rc == SD_OK)
		rc = clear_doubts(a);
	sd_json_free(a->doubts);
	a->doubts = NULL;
	free(*token);
	*token = next ? strdup(next) : NULL;
	return rc == SD_OK && next && !*token ? nomem(a) : rc;
}

static enum sd_err ask_page(struct audit *a, const char *document, const char *root,
	const char *token, int64_t limit, struct sd_asked *out)
{
	struct cJSON *v = sd_json_object();
	enum sd_err rc;

	sd_json_add_int(v, "limit", limit);
	sd_json_add_str(v, "nextToken", token);
	sd_json_add_int(v, "lastSync", 0);
	sd_json_add(v, "filter", a->filter ? sd_json_dup(a->filter) : sd_json_null());
	rc = sd_api_ask(a->api, document, v, root, out, a->e);
	sd_json_free(v);
	return rc;
}

static enum sd_err unreadable(struct audit *a, const struct sd_reply *r)
{
	a->unreadable = true;
	if (r->klass == SD_REPLY_DENIED)
		return sd_fail(a->e, SD_AUTH, 0, "%s: may not be read: %s", a->m->name, r->message);
	return sd_fail(a->e, SD_FAILED, 0, "%s: %s: %s", a->m->name, r->type, r->message);
}

static enum sd_err all_pages(struct audit *a)
{
	struct sd_buf doc = SD_BUF_INIT, root = SD_BUF_INIT;
	int64_t limit = a->api->settings.page_size > 0 ? a->api->settings.page_size : 1000;
	char *token = NULL;
	enum sd_err rc = sd_doc_build(a->m, SD_DOC_SYNC, NULL, &doc, a->e);

	if (rc == SD_OK && !sd_doc_root(a->m, SD_DOC_SYNC, &root))
		rc = nomem(a);
	while (rc == SD_OK) {
		struct sd_asked page;
		rc = ask_page(a, sd_buf_text(&doc), sd_buf_text(&root), token, limit, &page);
		if (rc != SD_OK)
			break;
		if (page.reply.klass == SD_REPLY_TOO_BIG && limit > 1)
			limit /= 2;
		else if (page.reply.klass != SD_REPLY_OK || !page.reply.data)
			rc = unreadable(a, &page.reply);
		else
			rc = check_page(a, &page.reply, &token);
		if (page.reply.klass == SD_REPLY_OK && !token)
			limit = 0; /* the last one */
		sd_asked_release(&page);
		if (limit == 0)
			break;
	}
	free(token);
	sd_buf_release(&doc);
	sd_buf_release(&root);
	return rc;
}

/* ---- what only this place has ---- */

static bool unseen(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct audit *a = ctx;
	struct sd_buf key = SD_BUF_INIT;

	a->n.here++;
	if (rid < a->seen_rids && (a->seen[rid / 8] >> (rid % 8) & 1))
		return true;
	/* without a version: never sent; outside of what is synced: not asked for */
	if (sd_json_is_null(sd_json_get(rec, "_version")) || (a->expr && !admitted(a, rec)))
		return true;
	a->rc = sd_key_of(a->m, rec, &key, a->e);
	if (a->rc == SD_OK)
		a->rc = look_again(
			a, sd_buf_text(&key), "missing-there", "the server did not list it");
	sd_buf_release(&key);
	return a->rc == SD_OK;
}

/* ---- a model ---- */

static enum sd_err load_expression(struct audit *a)
{
	struct sd_sync_state s;
	enum sd_err rc = sd_sync_get(a->api->reader, a->m, &s, a->e);

	if (rc != SD_OK)
		return rc;
	a->capped = s.kind == SD_SYNC_CAPPED;
	if (s.expression) /* what the rows here were fetched with */
		rc = sd_pred_parse(a->api->o.schema, a->m, s.expression, &a->expr, a->e);
	sd_sync_state_release(&s);
	if (rc == SD_OK && a->expr &&
		sd_pred_filter(a->m, a->expr, SD_FILTER_SYNC, sd_now_ms(), &a->filter, NULL) !=
			SD_OK)
		a->filter = NULL;
	return rc;
}

static enum sd_err one_model(struct audit *a, const struct sd_model *m)
{
	struct sd_query q = {.model = m, .state = -1, .by_rid = true};
	enum sd_err rc;

	a->m = m;
	a->n = (struct sd_api_audited){.model = m->name};
	rc = load_expression(a);
	if (rc == SD_OK)
		rc = all_pages(a);
	if (rc == SD_OK)
		rc = sd_rec_query(a->api->reader, &q, unseen, a, a->e);
	if (rc == SD_OK)
		rc = a->rc;
	sd_pred_free(a->expr);
	sd_json_free(a->filter);
	free(a->seen);
	a->expr = NULL;
	a->filter = NULL;
	a->seen = NULL;
	a->seen_rids = 0;
	return rc;
}

/* One model after another; what could not be read is collected in failed. */
static enum sd_err all_models(struct audit *a, const char *const *models, size_t n,
	void (*model_done)(void *ctx, const struct sd_api_audited *a), struct sd_buf *failed)
{
	const struct sd_schema *s = a->api->o.schema;
	size_t count = n ? n : s->model_count;
	enum sd_err rc = SD_OK, first = SD_OK;

	for (size_t i = 0; rc == SD_OK && i < count; i++) {
		const struct sd_model *m =
			n ? sd_schema_model(s, models[i]) : s->models[s->parents_first[i]];
		if (!m->syncable)
			continue;
		a->unreadable = false;
		rc = one_model(a, m);
		if (rc != SD_OK && !a->unreadable)
			return rc;
		if (rc != SD_OK) {
			first = first == SD_OK ? rc : first;
			sd_buf_fmt(failed, "%s%s", failed->len ? "; " : "", a->e->text);
		} else if (model_done) {
			model_done(a->ctx, &a->n);
		}
		rc = SD_OK;
	}
	a->unreadable = first != SD_OK;
	return first;
}

enum sd_err sd_api_audit(struct sd_api *api, const char *const *models, size_t n, sd_api_rec_fn fn,
	void (*model_done)(void *ctx, const struct sd_api_audited *a), sd_api_progress_fn progress,
	void *ctx, struct sd_error *e)
{
	struct sd_error own = {.code = SD_OK};
	struct audit a = {.api = api, .fn = fn, .progress = progress, .ctx = ctx};
	struct sd_buf failed = SD_BUF_INIT;
	enum sd_err rc = sd_api_use(api, e);

	a.e = e ? e : &own;
	if (rc == SD_OK)
		rc = sd_api_may_ask(api, a.e);
	for (size_t i = 0; rc == SD_OK && i < n; i++) { /* names first: nothing on a bad one */
		const struct sd_model *m;
		rc = sd_api_model(api, models[i], &m, a.e);
	}
	if (rc == SD_OK)
		rc = all_models(&a, models, n, model_done, &failed);
	if (rc != SD_OK && a.unreadable)
		rc = sd_fail(a.e, rc, 0, "not compared: %s", sd_buf_text(&failed));
	sd_buf_release(&failed);
	return rc;
}
