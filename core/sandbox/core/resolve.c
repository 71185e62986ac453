/*
 * core/sandbox/core/resolve.c - fields that read or write tables: get, list, sync, index queries,
 * relations, mutations (spec/server.md 1.3, 1.7, 1.8, 2.7).
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

static bool null_value(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	if (p->def->type.non_null)
		return sbx_complete(r, p, &p->def->type, NULL, path);
	return sd_buf_str(r->out, "null");
}

static bool not_authorized(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	sbx_error(r, p, path, "Unauthorized", "Not Authorized to access %s on type %s",
		p->def->name, p->parent->name);
	return p->def->type.non_null ? false : sd_buf_str(r->out, "null");
}

static bool failure(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path,
	const char *type, const char *text)
{
	sbx_error(r, p, path, type, "%s", text);
	return p->def->type.non_null ? false : sd_buf_str(r->out, "null");
}

static bool get(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	struct sd_buf pk = SD_BUF_INIT;
	struct sbx_row row = {0};
	struct sbx_auth auth;
	struct sd_error e;
	const char *part;
	enum sd_err rc = SD_OK;
	bool ok;

	sbx_auth_for(p->def->model, r->who, SD_OP_GET_BIT, &auth);
	if (!auth.usable)
		return not_authorized(r, p, path);
	if (!sbx_key_text(p->def->model, p->args, &pk, &part)) {
		sd_buf_release(&pk);
		return failure(r, p, path, "DynamoDB:ValidationException",
			"The key attributes must not be empty.");
	}
	rc = sbx_row_get(r->s, p->def->model, sd_buf_text(&pk), r->now, &row, &e);
	sd_buf_release(&pk);
	if (rc != SD_OK)
		ok = failure(r, p, path, "InternalFailure", e.text);
	else if (row.rid && !sbx_auth_row(&auth, row.item))
		ok = not_authorized(r, p, path);
	else
		ok = sbx_complete(r, p, &p->def->type, row.item, path);
	sbx_row_release(&row);
	return ok;
}

/* One element of items: its text as it is where that will do. */
static void row_item(struct sbx_req *r, const struct sbx_plan *items, struct sbx_row *row,
	const struct sbx_path *path)
{
	struct sbx_ref one = {.type = items->def->type.type};

	if (row->text && sbx_verbatim(r, items->sub, row->text, row->bytes))
		return;
	if (row->text && !row->item &&
		sd_json_parse(row->text, row->bytes, "stored item", &row->item, NULL) != SD_OK)
		row->item = NULL;
	sbx_complete(r, items, &one, row->item, path);
}

/* Every selection of the page's items can be written from text. */
static bool items_as_text(const struct sbx_req *r, const struct sbx_plan *p)
{
	for (const struct sbx_plan *c = p->sub; c; c = c->next)
		if (strcmp(c->def->name, "items") == 0 && !sbx_verbatim_can(r, c->sub))
			return false;
	return true;
}

/* items, nextToken, startedAt of a page in the order they were selected. */
static bool connection(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_page *page,
	const struct sbx_path *up)
{
	struct sbx_path path = {.up = up}, item = {.up = &path};
	bool first = true;

	sd_buf_ch(r->out, '{');
	for (const struct sbx_plan *c = p->sub; c; c = c->next) {
		const char *name = c->def->name;
		if (r->names && c->again)
			continue;
		path.key = r->names ? name : c->key;
		sd_buf_fmt(r->out, "%s\"%s\":", first ? "" : ",", path.key);
		first = false;
		if (strcmp(name, "items") == 0) {
			sd_buf_ch(r->out, '[');
			for (size_t i = 0; i < page->count; i++) {
				item.index = i;
				if (i)
					sd_buf_ch(r->out, ',');
				row_item(r, c, &page->rows[i], &item);
			}
			sd_buf_ch(r->out, ']');
		} else if (strcmp(name, "nextToken") == 0 && page->next_token) {
			sd_json_quote(r->out, page->next_token, strlen(page->next_token));
		} else if (strcmp(name, "startedAt") == 0 && p->def->res == SBX_SYNC) {
			sd_buf_fmt(r->out, "%lld", (long long)page->started_at);
		} else if (strcmp(name, "__typename") == 0) {
			sd_json_quote(r->out, c->parent->name, strlen(c->parent->name));
		} else {
			sd_buf_str(r->out, "null");
		}
	}
	return sd_buf_ch(r->out, '}');
}

static bool bad_argument(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path,
	const char *fmt, const char *a, const char *b)
{
	struct sd_buf t = SD_BUF_INIT;
	bool ok;

	for (; *fmt; fmt++) { /* %1 and %2 */
		if (fmt[0] == '%' && (fmt[1] == '1' || fmt[1] == '2'))
			sd_buf_str(&t, *++fmt == '1' ? a : b);
		else
			sd_buf_ch(&t, *fmt);
	}
	ok = failure(r, p, path, "InvalidArgumentsError", sd_buf_text(&t));
	sd_buf_release(&t);
	return ok;
}

/* 1 fine, 0 wrong and said so with *ok the answer */
static bool check_sort(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path,
	const struct sbx_page_ask *a, const struct sbx_key *k, bool *ok)
{
	const struct cJSON *between = sd_json_get(a->sort_cond, "between");
	size_t n = 0;

	for (const struct cJSON *c = sd_json_child(a->sort_cond); c; c = sd_json_next(c))
		n += !sd_json_is_null(c);
	if (a->sort_cond && !a->hash) {
		*ok = bad_argument(r, p, path,
			"When providing argument '%1' you must also provide '%2'.", k->sort_arg,
			k->hash[0]);
		return false;
	}
	if (!sd_json_is_null(sd_json_get(p->args, "sortDirection")) && !a->hash && k) {
		*ok = bad_argument(r, p, path,
			"When providing argument 'sortDirection' you must also provide argument "
			"'%1'.",
			k->hash[0], "");
		return false;
	}
	if (n > 1) {
		*ok = bad_argument(r, p, path,
			"Argument %1 must specify at most one key condition operation.",
			k->sort_arg, "");
		return false;
	}
	if (!sd_json_is_null(between) && sd_json_count(between) != 2) {
		*ok = bad_argument(r, p, path,
			"Argument '%1.between' expects exactly two elements.", k->sort_arg, "");
		return false;
	}
	return true;
}

static const struct cJSON *given(const struct sbx_plan *p, const char *name)
{
	const struct cJSON *v = name ? sd_json_get(p->args, name) : NULL;

	return sd_json_is_null(v) ? NULL : v;
}

/* The values that the key's hash columns are compared with; NULL with *none when one is null. */
static struct cJSON *hash_values(const struct sbx_plan *p, const struct cJSON *source, bool *none)
{
	const struct sd_field *f = p->def->src;
	const struct sbx_key *k = p->def->key;
	struct cJSON *a = sd_json_array();

	*none = false;
	for (size_t i = 0; i < k->hash_count; i++) {
		const struct cJSON *v = source ? sd_json_get(source, f->local[i])
					       : sd_json_get(p->args, k->hash[i]);
		*none = *none || sd_json_is_null(v);
		if (*none || !sd_json_push(a, sd_json_dup(v))) {
			sd_json_free(a);
			return NULL;
		}
	}
	return a;
}

static bool read_page(struct sbx_req *r, const struct sbx_plan *p, struct sbx_page_ask *a,
	const struct sbx_path *path)
{
	struct sbx_page page;
	struct sd_error e = {0};
	const char *type;
	enum sd_err rc;
	bool ok;

	if (a->filter && !sbx_filter_usable(a->filter))
		return failure(r, p, path, "Unrecognized Filter",
			"Unable to process the filter expression");
	rc = sbx_page_read(r->s, a, r->now, &page, &type, &e);
	if (rc != SD_OK)
		return failure(r, p, path, rc == SD_INVAL ? type : "InternalFailure", e.text);
	if (a->res == SBX_SYNC)
		sbx_synced(r->s, p->def->model, r->now);
	ok = connection(r, p, &page, path);
	sbx_page_release(&page);
	return ok;
}

static bool list(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *source,
	const struct sbx_path *path)
{
	const struct sbx_field *f = p->def;
	struct sbx_page_ask a = {.res = f->res,
		.m = f->model,
		.filter = given(p, "filter"),
		.token = sd_json_str(given(p, "nextToken")),
		.limit = -1,
		.last_sync = -1,
		.what = f->name};
	struct sbx_auth auth;
	struct cJSON *hash = NULL;
	unsigned op = f->res == SBX_SYNC ? SD_OP_SYNC_BIT : SD_OP_LIST_BIT;
	const char *dir = sd_json_str(given(p, "sortDirection"));
	bool none = false, ok = true;

	sbx_auth_for(f->model, r->who, op, &auth);
	if (!auth.usable)
		return not_authorized(r, p, path);
	a.auth = &auth;
	a.as_text = items_as_text(r, p);
	a.desc = dir && strcmp(dir, "DESC") == 0;
	if (given(p, "limit")) {
		a.limit = sd_json_get_i64(p->args, "limit", 100);
		a.limit = a.limit < 0 ? 0 : a.limit;
	}
	a.last_sync = sd_json_get_i64(p->args, "lastSync", -1);
	if (f->key) {
		a.sort_cond = given(p, f->key->sort_arg);
		hash = hash_values(p, source, &none);
		/* a parent without the key, or a relation that names no columns: no children */
		if (source && (none || f->key->hash_count == 0)) {
			struct sbx_page empty = {0};
			sd_json_free(hash);
			return connection(r, p, &empty, path);
		}
		a.hash = hash;
		a.key = hash ? f->key : NULL;
		ok = check_sort(r, p, path, &a, f->key, &none);
	}
	ok = ok ? read_page(r, p, &a, path) : none;
	sd_json_free(hash);
	return ok;
}

static bool is_key(const struct sbx_model *m, const struct sbx_key *k)
{
	if (k->hash_count != m->m->pk_count)
		return false;
	for (size_t i = 0; i < k->hash_count; i++)
		if (strcmp(k->hash[i], m->m->fields[m->m->pk[i]].name) != 0)
			return false;
	return true;
}

/* The other end of a belongsTo or hasOne; row->rid 0 when there is none. */
static enum sd_err fetch_one(struct sbx_req *r, const struct sbx_plan *p, struct cJSON *hash,
	struct sbx_row *row, struct sd_error *e)
{
	const struct sbx_field *f = p->def;
	struct sbx_page_ask a = {.res = SBX_LIST,
		.m = f->model,
		.key = f->key,
		.hash = hash,
		.limit = 1,
		.last_sync = -1,
		.what = f->name};
	struct sbx_page page;
	struct sd_buf pk = SD_BUF_INIT;
	const char *type;
	enum sd_err rc;

	if (is_key(f->model, f->key)) {
		if (!sd_json_print(hash, &pk))
			return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
		rc = sbx_row_get(r->s, f->model, sd_buf_text(&pk), r->now, row, e);
		sd_buf_release(&pk);
		return rc;
	}
	rc = sbx_page_read(r->s, &a, r->now, &page, &type, e);
	if (rc == SD_OK && page.count) {
		*row = page.rows[0];
		memset(&page.rows[0], 0, sizeof page.rows[0]);
	}
	if (rc == SD_OK)
		sbx_page_release(&page);
	return rc;
}

static bool one(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *source,
	const struct sbx_path *path)
{
	struct sbx_row row = {0};
	struct sbx_auth auth;
	struct sd_error e = {0};
	struct cJSON *hash;
	bool none, ok;

	if (!p->def->key || !p->def->key->hash_count)
		return null_value(r, p, path);
	hash = hash_values(p, source, &none);
	if (!hash)
		return null_value(r, p, path);
	sbx_auth_for(p->def->model, r->who, SD_OP_GET_BIT, &auth);
	if (!auth.usable)
		ok = not_authorized(r, p, path);
	else if (fetch_one(r, p, hash, &row, &e) != SD_OK)
		ok = failure(r, p, path, "InternalFailure", e.text);
	else if (row.rid && !sbx_auth_row(&auth, row.item))
		ok = null_value(r, p, path);
	else
		ok = sbx_complete(r, p, &p->def->type, row.item, path);
	sd_json_free(hash);
	sbx_row_release(&row);
	return ok;
}

static bool write_refused(struct sbx_req *r, const struct sbx_plan *p, struct sbx_write *w,
	const struct sbx_path *path)
{
	struct cJSON *err, *data;

	if (strcmp(w->error_type, "Unauthorized") == 0 && strcmp(w->error, "Unauthorized") == 0)
		return not_authorized(r, p, path);
	err = sbx_error(r, p, path, w->error_type, "%s", w->error);
	data = w->result ? sbx_project(r, p, w->result, false, false) : NULL;
	if (err && data && !sd_json_set(err, "data", data))
		r->oom = true;
	else if (!err)
		sd_json_free(data);
	return sd_buf_str(r->out, "null");
}

/* The field is tried again when the conflict handler has spoken; nothing is written yet. */
static bool put_aside(struct sbx_req *r, const struct sbx_plan *p)
{
	r->stopped = p;
	return false;
}

static bool mutation(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	static const unsigned bits[] = {SD_OP_CREATE_BIT, SD_OP_UPDATE_BIT, SD_OP_DELETE_BIT};
	struct sbx_write w = {.m = p->def->model,
		.now = r->now,
		.input = given(p, "input"),
		.condition = given(p, "condition")};
	struct sbx_auth auth;
	struct sd_error e = {0};
	struct cJSON *value;
	size_t before = r->error_count;
	bool ok;

	w.op = p->def->res == SBX_CREATE   ? SBX_OP_CREATE
	       : p->def->res == SBX_UPDATE ? SBX_OP_UPDATE
					   : SBX_OP_DELETE;
	sbx_auth_for(w.m, r->who, bits[w.op], &auth);
	if (!auth.usable)
		return not_authorized(r, p, path);
	w.auth = &auth;
	w.job = r->job;
	if (sbx_write(r->s, &w, &e) != SD_OK)
		ok = failure(r, p, path, "InternalFailure", e.text);
	else if (w.later)
		return put_aside(r, p);
	else if (w.error_type)
		ok = write_refused(r, p, &w, path);
	else
		ok = sbx_complete(r, p, &p->def->type, w.result, path);
	if (ok && r->error_count == before && w.result && sbx_has_listener(r->s, w.m, w.op)) {
		value = sbx_project(r, p, w.result, true, false);
		if (value)
			sbx_publish(r->s, w.m, w.op, value);
		sd_json_free(value);
	}
	sd_json_free(w.result);
	return ok;
}

/* Said once; what else is left of the request is null. */
static bool too_late(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_path *path)
{
	if (!r->late) {
		r->late = true;
		return failure(r, p, path, "ExecutionTimeout", "Execution timed out.");
	}
	return p->def->type.non_null ? false : sd_buf_str(r->out, "null");
}

bool sbx_resolve(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *source,
	const struct sbx_path *path)
{
	if (r->s->o.mono_ms() > r->deadline)
		return too_late(r, p, path);
	if (++r->resolvers > SBX_RESOLVERS)
		return failure(r, p, path, "ResolverExecutionLimitReached",
			"Resolver invocation limit reached.");
	switch (p->def->res) {
	case SBX_GET:
		return get(r, p, path);
	case SBX_LIST:
	case SBX_SYNC:
		return list(r, p, NULL, path);
	case SBX_HAS_MANY:
		return list(r, p, source, path);
	case SBX_ONE:
		return one(r, p, source, path);
	case SBX_CREATE:
	case SBX_UPDATE:
	case SBX_DELETE:
		return mutation(r, p, path);
	default:
		return sd_buf_str(r->out, "null");
	}
}
