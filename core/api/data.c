/* core/api/data.c - records: query, get, save, delete, and following their changes. */
#include "core/api/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define SORT_MAX 16

static const struct {
	const char *name;
	enum sd_meta meta;
} META[] = {{"_version", SD_META_VERSION}, {"_lastChangedAt", SD_META_CHANGED},
	{"_deleted", SD_META_DELETED}, {"_state", SD_META_STATE}};

/* "f,-g" into sort[]. */
static enum sd_err parse_sort(const struct sd_model *m, const char *text, struct sd_sort *sort,
	size_t *count, struct sd_error *e)
{
	*count = 0;
	while (*text) {
		char name[128];
		size_t n = strcspn(text, ",");
		struct sd_sort *s = &sort[*count];
		const char *from = text;

		memset(s, 0, sizeof *s);
		if (*from == '-' || *from == '+')
			s->descending = *from++ == '-';
		if (*count == SORT_MAX || n - (size_t)(from - text) >= sizeof name)
			return sd_fail(e, SD_INVAL, 0, "sort \"%s\": too long", text);
		memcpy(name, from, n - (size_t)(from - text));
		name[n - (size_t)(from - text)] = '\0';
		s->field = sd_model_field(m, name);
		for (size_t i = 0; !s->field && i < sizeof META / sizeof *META; i++)
			if (strcmp(name, META[i].name) == 0)
				s->meta = META[i].meta;
		if (s->field && !s->field->stored)
			return sd_fail(e, SD_INVAL, 0,
				"sort: %s.%s leads to other records; sort by a field of %s itself",
				m->name, name, m->name);
		if (!s->field && s->meta == SD_META_NONE)
			return sd_fail_prefix(e, sd_model_no_field(m, name, e), "sort");
		(*count)++;
		text += n + (text[n] == ',');
	}
	return SD_OK;
}

/* A query made ready: what it points at lives in here. */
struct prepared {
	struct sd_query q;
	struct sd_sort sort[SORT_MAX];
	struct sd_pred *where;
};

static enum sd_err prepare(struct sd_api *api, struct sd_store *st, const struct sd_api_query *in,
	struct prepared *p, struct sd_error *e)
{
	enum sd_err rc;

	memset(p, 0, sizeof *p);
	p->q.state = -1;
	rc = sd_api_model(api, in->model, &p->q.model, e);
	if (rc == SD_OK && in->where) {
		rc = sd_pred_parse(api->o.schema, p->q.model, in->where, &p->where, e);
		p->q.where = p->where;
	}
	if (rc == SD_OK && in->sort && *in->sort)
		rc = parse_sort(p->q.model, in->sort, p->sort, &p->q.sort_count, e);
	if (rc == SD_OK && in->state) {
		p->q.state = sd_rec_state_parse(in->state);
		if (p->q.state < 0)
			rc = sd_fail(e, SD_INVAL, 0,
				"state \"%s\" is none of local, pending, sending, synced, "
				"conflict, "
				"refused, quarantined",
				in->state);
	}
	p->q.sort = p->sort;
	p->q.by_rid = p->q.sort_count == 0;
	p->q.limit = in->limit;
	if (__builtin_mul_overflow(in->page, in->limit, &p->q.offset))
		p->q.offset = INT64_MAX; /* behind any last page */
	p->q.tombstones = in->tombstones;
	p->q.orphans = in->orphans;
	p->q.after = in->after;
	p->q.backwards = in->backwards;
	if (rc == SD_OK && in->after && p->q.by_rid) { /* the place in insertion order is its row */
		p->q.after = NULL;
		rc = sd_rec_rid(st, p->q.model, in->after, &p->q.after_rid, e);
		rc = rc == SD_NOTFOUND ? SD_OK : rc;
	}
	return rc;
}

struct rec_call {
	sd_api_rec_fn fn;
	void *ctx;
	struct sd_store *st;            /* of a query for orphans */
	const struct sd_model *orphans; /* NULL: no such query */
};

static void mark_orphan(struct sd_store *st, const struct sd_model *m, struct cJSON *rec)
{
	struct cJSON *names = NULL;

	if (sd_rec_orphan(st, m, rec, &names, NULL) == SD_OK && names)
		sd_json_add(rec, "_orphan", names);
}

static bool pass_rec(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct rec_call *c = ctx;

	(void)rid;
	if (c->orphans)
		mark_orphan(c->st, c->orphans, rec);
	return c->fn(c->ctx, rec);
}

enum sd_err sd_api_query_on(struct sd_api *api, struct sd_store *st, const struct sd_api_query *in,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	struct prepared p;
	struct rec_call c = {fn, ctx, st, NULL};
	enum sd_err rc = prepare(api, st, in, &p, e);

	if (in->orphans)
		c.orphans = p.q.model;
	if (rc == SD_OK)
		rc = sd_rec_query(st, &p.q, pass_rec, &c, e);
	sd_pred_free(p.where);
	return rc;
}

enum sd_err sd_api_count_on(struct sd_api *api, struct sd_store *st, const struct sd_api_query *in,
	int64_t *out, struct sd_error *e)
{
	struct prepared p;
	enum sd_err rc = prepare(api, st, in, &p, e);

	p.q.limit = p.q.offset = 0;
	if (rc == SD_OK)
		rc = sd_rec_count(st, &p.q, out, e);
	sd_pred_free(p.where);
	return rc;
}

enum sd_err sd_api_query(struct sd_api *api, const struct sd_api_query *in, sd_api_rec_fn fn,
	void *ctx, struct sd_error *e)
{
	struct sd_watch w = {.stop = api->o.stop, .cpu_us = in->within_ms * 1000};
	enum sd_err rc = sd_api_use(api, e);

	if (rc != SD_OK)
		return rc;
	sd_store_watch(api->reader, in->within_ms || w.stop ? &w : NULL);
	rc = sd_api_query_on(api, api->reader, in, fn, ctx, e);
	sd_store_watch(api->reader, NULL);
	return rc;
}

enum sd_err sd_api_count(
	struct sd_api *api, const struct sd_api_query *in, int64_t *out, struct sd_error *e)
{
	struct sd_watch w = {.stop = api->o.stop, .cpu_us = in->within_ms * 1000};
	enum sd_err rc = sd_api_use(api, e);

	if (rc != SD_OK)
		return rc;
	sd_store_watch(api->reader, in->within_ms || w.stop ? &w : NULL);
	rc = sd_api_count_on(api, api->reader, in, out, e);
	sd_store_watch(api->reader, NULL);
	return rc;
}

enum sd_err sd_api_where_check(
	struct sd_api *api, const char *model, const char *where, struct sd_error *e)
{
	const struct sd_model *m;
	struct sd_pred *p = NULL;
	enum sd_err rc = sd_api_model(api, model, &m, e);

	if (rc == SD_OK)
		rc = sd_pred_parse(api->o.schema, m, where, &p, e);
	sd_pred_free(p);
	return rc;
}

static enum sd_err not_there(
	const struct sd_model *m, const char *key, enum sd_err rc, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;

	if (rc != SD_NOTFOUND)
		return rc;
	sd_key_show(key, &b);
	sd_fail(e, SD_NOTFOUND, 0, "%s %s: not found here; see `syncdeck query %s`", m->name,
		sd_buf_text(&b), m->name);
	sd_buf_release(&b);
	return rc;
}

enum sd_err sd_api_get(struct sd_api *api, const char *model, const char *key, struct cJSON **rec,
	struct sd_error *e)
{
	const struct sd_model *m;
	enum sd_err rc = sd_api_use(api, e);

	*rec = NULL;
	if (rc == SD_OK)
		rc = sd_api_model(api, model, &m, e);
	if (rc != SD_OK)
		return rc;
	rc = sd_rec_get(api->reader, m, key, false, rec, e);
	if (rc == SD_OK)
		mark_orphan(api->reader, m, *rec);
	return not_there(m, key, rc, e);
}

enum sd_err sd_api_copies(struct sd_api *api, const char *model, const char *key,
	struct cJSON **out, struct sd_error *e)
{
	const struct sd_model *m;
	struct sd_shadow s;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = sd_api_model(api, model, &m, e);
	if (rc == SD_OK)
		rc = sd_shadow_get(api->reader, m, key, &s, e);
	if (rc != SD_OK)
		return rc;
	*out = sd_json_object();
	sd_json_add(*out, "base", s.base ? s.base : sd_json_null());
	sd_json_add(*out, "server", s.server ? s.server : sd_json_null());
	return SD_OK;
}

/* "has no relation named x; it has: blog, comments" */
static enum sd_err no_relation(const struct sd_model *m, const char *field, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc;

	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].kind == SD_K_MODEL && m->fields[i].join_count)
			sd_buf_fmt(&b, "%s%s", b.len ? ", " : "", m->fields[i].name);
	rc = sd_fail(e, SD_INVAL, 0, "%s has no relation named %s; it has: %s", m->name, field,
		b.len ? sd_buf_text(&b) : "none");
	sd_buf_release(&b);
	return rc;
}

enum sd_err sd_api_related(struct sd_api *api, const char *model, const char *key,
	const char *field, sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	const struct sd_model *m;
	const struct sd_field *f;
	struct cJSON *rec;
	struct rec_call c = {fn, ctx, api->reader, NULL};
	enum sd_err rc = sd_api_get(api, model, key, &rec, e);

	if (rc != SD_OK)
		return rc;
	m = sd_schema_model(api->o.schema, model);
	f = sd_model_field(m, field);
	if (!f || f->kind != SD_K_MODEL || !f->join_count)
		rc = no_relation(m, field, e);
	else
		rc = sd_rec_related(api->reader, m, rec, f, true, pass_rec, &c, e);
	sd_json_free(rec);
	return rc;
}

enum sd_err sd_api_cond(struct sd_api *api, const struct sd_model *m, const char *cond,
	struct sd_pred **out, struct sd_error *e)
{
	enum sd_err rc;

	*out = NULL;
	if (!cond)
		return SD_OK;
	rc = sd_pred_parse(api->o.schema, m, cond, out, e);
	return rc == SD_OK ? rc : sd_fail_prefix(e, rc, "condition");
}

enum sd_err sd_api_save(struct sd_api *api, const char *model, const struct cJSON *fields,
	const char *cond, struct cJSON **rec, struct sd_error *e)
{
	const struct sd_model *m;
	struct sd_pred *p = NULL;
	struct sd_write_env env = sd_api_env(api);
	enum sd_err rc = sd_api_model(api, model, &m, e);

	if (rec)
		*rec = NULL;
	if (rc == SD_OK)
		rc = sd_api_cond(api, m, cond, &p, e);
	if (rc == SD_OK)
		rc = sd_api_begin(api, e);
	if (rc == SD_OK)
		rc = sd_api_end(api,
			sd_write_save(
				api->writer, m, SD_SAVE_UPSERT, fields, p, &env, rec, NULL, e),
			e);
	if (rc != SD_OK && rec) {
		sd_json_free(*rec);
		*rec = NULL;
	}
	sd_pred_free(p);
	return rc;
}

static bool collect_key(void *ctx, struct cJSON *rec, int64_t rid)
{
	(void)rid;
	return sd_json_push(ctx, sd_json_dup(rec));
}

/* Of a dry run: what two of the named records would both take is told once. */
static enum sd_err tell_once(struct sd_api *api, struct sd_map *told, const struct cJSON *from,
	struct cJSON *to, struct sd_error *e)
{
	struct sd_buf name = SD_BUF_INIT, key = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	for (const struct cJSON *r = sd_json_child(from); rc == SD_OK && r; r = sd_json_next(r)) {
		const char *model = sd_json_get_str(r, "_model");
		sd_buf_reset(&name);
		sd_buf_reset(&key);
		rc = sd_key_of(sd_schema_model(api->o.schema, model), r, &key, e);
		sd_buf_fmt(&name, "%s %s", model, sd_buf_text(&key));
		if (rc != SD_OK || sd_map_has(told, sd_buf_text(&name)))
			continue;
		if (!sd_map_put(told, sd_buf_text(&name), api, NULL) ||
			!sd_json_push(to, sd_json_dup(r)))
			rc = sd_fail(e, SD_NOMEM, 0, "delete: out of memory");
	}
	sd_buf_release(&name);
	sd_buf_release(&key);
	return rc;
}

static enum sd_err would_delete(struct sd_api *api, const struct sd_model *m,
	const struct cJSON *list, const struct sd_pred *cond, struct cJSON *deleted,
	struct sd_error *e)
{
	struct sd_write_env env = sd_api_env(api);
	struct sd_buf key = SD_BUF_INIT;
	struct sd_map told = SD_MAP_INIT;
	enum sd_err rc = SD_OK;

	for (const struct cJSON *r = sd_json_child(list); rc == SD_OK && r; r = sd_json_next(r)) {
		struct cJSON *one = sd_json_array();
		sd_buf_reset(&key);
		rc = sd_key_of(m, r, &key, e);
		if (rc == SD_OK)
			rc = sd_write_delete(
				api->reader, m, sd_buf_text(&key), cond, true, &env, one, e);
		if (rc == SD_OK)
			rc = tell_once(api, &told, one, deleted, e);
		sd_json_free(one);
	}
	sd_map_release(&told, NULL);
	sd_buf_release(&key);
	return rc;
}

/* Looks through the reader: it needs no lock and no permission to write. */
static enum sd_err dry_run(struct sd_api *api, const struct sd_model *m, const char *key,
	const struct sd_pred *where, const struct sd_pred *cond, struct cJSON *deleted,
	struct sd_error *e)
{
	struct sd_query q = {.model = m, .where = where, .state = -1, .by_rid = true};
	struct sd_write_env env = sd_api_env(api);
	struct cJSON *list = sd_json_array();
	enum sd_err rc = sd_api_use(api, e);

	if (rc == SD_OK)
		rc = sd_store_read(api->reader, e);
	if (rc == SD_OK && key)
		rc = not_there(m, key,
			sd_write_delete(api->reader, m, key, cond, true, &env, deleted, e), e);
	else if (rc == SD_OK)
		rc = sd_rec_query(api->reader, &q, collect_key, list, e);
	if (rc == SD_OK && !key)
		rc = would_delete(api, m, list, cond, deleted, e);
	if (api->reader)
		sd_store_rollback(api->reader);
	sd_json_free(list);
	return rc;
}

static enum sd_err delete_where(struct sd_api *api, const struct sd_model *m,
	const struct sd_pred *where, const struct sd_pred *cond, struct cJSON *deleted,
	struct sd_error *e)
{
	struct sd_write_env env = sd_api_env(api);
	struct sd_query q = {.model = m, .where = where, .state = -1, .by_rid = true};
	struct cJSON *list = sd_json_array();
	struct sd_buf key = SD_BUF_INIT;
	enum sd_err rc = sd_write_together(api->writer, e);

	if (rc == SD_OK)
		rc = sd_rec_query(api->writer, &q, collect_key, list, e);
	for (const struct cJSON *r = sd_json_child(list); rc == SD_OK && r; r = sd_json_next(r)) {
		sd_buf_reset(&key);
		rc = sd_key_of(m, r, &key, e);
		if (rc == SD_OK)
			rc = sd_write_delete(
				api->writer, m, sd_buf_text(&key), cond, false, &env, deleted, e);
		if (rc == SD_NOTFOUND) /* a cascade took it already */
			rc = SD_OK;
	}
	sd_buf_release(&key);
	sd_json_free(list);
	return rc;
}

enum sd_err sd_api_delete(struct sd_api *api, const char *model, const char *key, const char *where,
	const char *cond, bool dry, struct cJSON **deleted, struct sd_error *e)
{
	const struct sd_model *m;
	struct sd_pred *p = NULL, *w = NULL;
	struct sd_write_env env = sd_api_env(api);
	struct cJSON *list = sd_json_array();
	enum sd_err rc = sd_api_model(api, model, &m, e);

	if (deleted)
		*deleted = NULL;
	if (rc == SD_OK)
		rc = sd_api_cond(api, m, cond, &p, e);
	if (rc == SD_OK && !key)
		rc = sd_pred_parse(api->o.schema, m, where, &w, e);
	if (rc == SD_OK && dry)
		rc = dry_run(api, m, key, w, p, list, e);
	else if (rc == SD_OK && (rc = sd_api_begin(api, e)) == SD_OK)
		rc = sd_api_end(api,
			key ? not_there(m, key,
				      sd_write_delete(api->writer, m, key, p, false, &env, list, e),
				      e)
			    : delete_where(api, m, w, p, list, e),
			e);
	sd_pred_free(p);
	sd_pred_free(w);
	if (rc == SD_OK && deleted)
		*deleted = list;
	else
		sd_json_free(list);
	return rc;
}
