/*
 * core/store/delete.c - delete with the cascade its relations ask for; see write.h.
 *
 * The records that go are collected first, children before their parents, with a set of the keys
 * already met, so that cycles end and dry runs cost nothing.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/store/internal.h"
#include "core/store/write.h"

struct victim {
	const struct sd_model *model;
	char *key;         /* owned */
	struct cJSON *rec; /* owned */
	bool expanded;
};

struct cascade {
	struct sd_store *st;
	struct sd_error *e;
	enum sd_err rc;
	struct sd_map met;
	struct victim *stack, *order;
	size_t depth, depth_room, count, count_room;
	const struct sd_model *child; /* model of the rows being pushed */
};

static void free_victims(struct victim *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].key);
		sd_json_free(v[i].rec);
	}
	free(v);
}

static bool grow(struct victim **v, size_t *room, size_t need)
{
	size_t n = *room ? *room * 2 : 16;
	struct victim *p;

	if (need <= *room)
		return true;
	p = realloc(*v, n * sizeof *p);
	if (!p)
		return false;
	*v = p;
	*room = n;
	return true;
}

static bool push(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct cascade *c = ctx;
	struct sd_buf key = SD_BUF_INIT, name = SD_BUF_INIT;
	struct victim v = {.model = c->child};

	(void)rid;
	c->rc = sd_key_of(c->child, rec, &key, c->e);
	if (c->rc != SD_OK)
		goto done;
	sd_buf_fmt(&name, "%s %s", c->child->name, sd_buf_text(&key));
	if (sd_map_has(&c->met, sd_buf_text(&name)))
		goto done;
	v.rec = sd_json_dup(rec);
	v.key = sd_buf_take(&key);
	if (!v.rec || !v.key || !grow(&c->stack, &c->depth_room, c->depth + 1) ||
		!sd_map_put(&c->met, sd_buf_text(&name), c, NULL)) {
		free(v.key);
		sd_json_free(v.rec);
		c->rc = sd_db_nomem(c->e, "delete");
		goto done;
	}
	c->stack[c->depth++] = v;
done:
	sd_buf_release(&key);
	sd_buf_release(&name);
	return c->rc == SD_OK;
}

static void push_children(struct cascade *c, size_t at)
{
	const struct sd_model *m = c->stack[at].model;
	const struct cJSON *rec = c->stack[at].rec;

	for (size_t i = 0; i < m->field_count && c->rc == SD_OK; i++) {
		const struct sd_field *f = &m->fields[i];
		enum sd_err rc;
		if (f->kind != SD_K_MODEL || !f->join_count ||
			(f->assoc != SD_A_HAS_MANY && f->assoc != SD_A_HAS_ONE))
			continue;
		c->child = f->model;
		rc = sd_match_rows(c->st, f, rec, "t._deleted=0", push, c, c->e);
		if (c->rc == SD_OK)
			c->rc = rc;
	}
}

static void collect(struct cascade *c)
{
	while (c->rc == SD_OK && c->depth) {
		size_t top = c->depth - 1;
		if (!c->stack[top].expanded) {
			c->stack[top].expanded = true;
			push_children(c, top);
			continue;
		}
		if (!grow(&c->order, &c->count_room, c->count + 1)) {
			c->rc = sd_db_nomem(c->e, "delete");
			break;
		}
		c->order[c->count++] = c->stack[top];
		c->depth--;
	}
}

/* ---- one record ---- */

struct death {
	struct sd_store *st;
	struct sd_table *t;
	const struct victim *v;
	const char *cond;
	int64_t group, now_ms, seq;
	struct sd_entries list;
};

static bool never_left(const struct sd_mutation *m)
{
	return !m->unknown && m->lane != SD_LANE_SENDING && m->lane != SD_LANE_CONFLICT;
}

/* A record whose create never left this place: nothing is sent at all. */
static bool forget(const struct death *d)
{
	if (!d->list.count || d->list.v[0].op != SD_OP_CREATE)
		return false;
	for (size_t i = 0; i < d->list.count; i++)
		if (!never_left(&d->list.v[i]))
			return false;
	return true;
}

static enum sd_err drop_all(struct death *d, struct sd_error *e)
{
	struct sd_cause why = {.source = SD_FROM_LOCAL, .now_ms = d->now_ms, .op = SD_OP_DELETE};
	enum sd_err rc = SD_OK;

	for (size_t i = d->list.count; i-- > 0 && rc == SD_OK;) {
		rc = sd_kept_add(d->st, d->group, &d->list.v[i], e);
		if (rc == SD_OK)
			rc = sd_entry_drop(d->st, &d->list.v[i], "deleted before it was sent",
				SD_FROM_LOCAL, -1, d->now_ms, e);
	}
	return rc == SD_OK ? sd_rebuild(d->st, d->t, d->v->key, &why, e) : rc;
}

/* An unsent, unconditional update in front of the delete need not be sent any more. */
static enum sd_err absorb(struct death *d, int64_t *version, struct sd_error *e)
{
	struct sd_mutation *last = d->list.count ? &d->list.v[d->list.count - 1] : NULL;
	enum sd_err rc;

	if (!last || d->cond || last->op != SD_OP_UPDATE || last->lane != SD_LANE_WAITING ||
		last->unknown || last->condition)
		return SD_OK;
	*version = last->version;
	rc = sd_kept_add(d->st, d->group, last, e);
	if (rc != SD_OK)
		return rc;
	return sd_entry_drop(
		d->st, last, "overtaken by the delete", SD_FROM_LOCAL, last->version, d->now_ms, e);
}

static enum sd_err add_delete(struct death *d, struct sd_error *e)
{
	struct sd_entry_new n = {.op = SD_OP_DELETE,
		.m = d->v->model,
		.key = d->v->key,
		.condition = d->cond,
		.version = sd_rec_version(d->v->rec),
		.now_ms = d->now_ms,
		.group = d->group};
	struct sd_cause why = {.source = SD_FROM_LOCAL, .now_ms = d->now_ms, .op = SD_OP_DELETE};
	enum sd_err rc = SD_OK;

	sd_json_remove(d->v->rec, "_state");
	if (!d->list.count)
		rc = sd_shadow_put(d->st, d->v->model, d->v->key, d->v->rec, d->v->rec, e);
	if (rc == SD_OK)
		rc = absorb(d, &n.version, e);
	if (rc == SD_OK)
		rc = sd_entry_add(d->st, &n, &d->seq, e);
	why.seq = d->seq;
	return rc == SD_OK ? sd_rebuild(d->st, d->t, d->v->key, &why, e) : rc;
}

static enum sd_err kill(struct death *d, struct sd_error *e)
{
	enum sd_err rc = sd_entries_of(d->st, d->v->model, d->v->key, &d->list, e);

	if (rc == SD_OK)
		rc = forget(d) ? drop_all(d, e) : add_delete(d, e);
	sd_entries_release(&d->list);
	return rc;
}

static enum sd_err report(struct cJSON *deleted, const struct victim *v, struct sd_error *e)
{
	struct cJSON *r = sd_json_object();
	bool ok = sd_json_add_str(r, "_model", v->model->name);

	for (const struct cJSON *c = sd_json_child(v->rec); c && ok; c = sd_json_next(c))
		ok = sd_json_add(r, sd_json_name(c), sd_json_dup(c));
	if (!ok)
		sd_json_free(r);
	return ok && sd_json_push(deleted, r) ? SD_OK : sd_db_nomem(e, "delete");
}

static enum sd_err carry_out(struct cascade *c, const char *cond, bool dry_run,
	const struct sd_write_env *env, struct cJSON *deleted, struct sd_error *e)
{
	int64_t group = c->st->group;
	enum sd_err rc = dry_run ? SD_OK : sd_redo_forget(c->st, e);

	if (rc == SD_OK && !dry_run && !group) { /* undone together */
		rc = sd_write_together(c->st, e);
		group = c->st->group;
		c->st->group = 0;
	}
	for (size_t i = 0; i < c->count && rc == SD_OK; i++) {
		struct death d = {.st = c->st,
			.t = sd_table_of(c->st, c->order[i].model),
			.v = &c->order[i],
			.cond = i + 1 == c->count ? cond : NULL,
			.group = group,
			.now_ms = env->now_ms};
		if (deleted)
			rc = report(deleted, d.v, e);
		if (rc == SD_OK && !dry_run)
			rc = kill(&d, e);
	}
	return rc;
}

enum sd_err sd_write_delete(struct sd_store *st, const struct sd_model *m, const char *key,
	const struct sd_pred *cond, bool dry_run, const struct sd_write_env *env,
	struct cJSON *deleted, struct sd_error *e)
{
	struct cascade c = {.st = st, .e = e, .child = m};
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *rec = NULL;
	enum sd_err rc;

	assert(dry_run || sd_store_in_txn(st));
	rc = sd_rec_get(st, m, key, false, &rec, e); /* a failing disk may end the transaction */
	if (rc == SD_NOTFOUND) {
		sd_key_show(key, &text);
		rc = sd_fail(e, SD_NOTFOUND, 0, "%s %s: there is no such record", m->name,
			sd_buf_text(&text));
	}
	if (rc != SD_OK)
		goto done;
	if (cond && cond->kind != SD_P_ALL && !sd_pred_text(cond, &text)) {
		rc = sd_db_nomem(e, m->name);
		goto done;
	}
	push(&c, rec, 0);
	collect(&c);
	rc = c.rc;
	if (rc == SD_OK)
		rc = carry_out(&c, text.len ? sd_buf_text(&text) : NULL, dry_run, env, deleted, e);
done:
	sd_json_free(rec);
	sd_buf_release(&text);
	sd_map_release(&c.met, NULL);
	free_victims(c.stack, c.depth);
	free_victims(c.order, c.count);
	return rc;
}
