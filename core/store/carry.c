/* core/store/carry.c - unsent changes survive a change of the schema; see migrate.c. */
#include "core/store/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/map.h"
#include "core/base/text.h"
#include "core/json/json.h"

struct carry {
	struct sd_store *st;
	struct sd_table *t;
	const char *why;
	struct sd_map keys; /* of records with entries */
	enum sd_err rc;
	struct sd_error *e;
};

static bool note_key(void *ctx, struct sd_mutation *m)
{
	struct carry *c = ctx;

	if (m->model != c->t->model)
		return true;
	if (!sd_map_put(&c->keys, m->key, c, NULL))
		c->rc = sd_db_nomem(c->e, "outbox");
	return c->rc == SD_OK;
}

/* An entry that no longer fits goes to the refused lane, with the reason. */
static bool judge(void *ctx, struct sd_mutation *m)
{
	struct carry *c = ctx;
	struct sd_error why = {SD_OK, 0, ""};
	struct sd_buf text = SD_BUF_INIT;

	if (m->model != c->t->model || m->lane == SD_LANE_REFUSED ||
		sd_fits(m->model, m, &why) == SD_OK)
		return true;
	sd_buf_fmt(&text, "%s, and this change no longer fits it: %s", c->why, why.text);
	c->rc = sd_conflict_drop(c->st, m->seq, c->e);
	if (c->rc == SD_OK)
		c->rc = sd_db_run(c->st, Q_ENTRY_RETRY, c->e, "outbox", "iddidss", m->seq,
			SD_LANE_REFUSED, (int)m->unknown, (int64_t)0, 0, "SchemaChanged",
			sd_buf_text(&text));
	if (c->rc == SD_OK)
		c->rc = sd_entry_line(c->st, m, sd_buf_text(&text), SD_FROM_LOCAL, m->version,
			c->st->now_ms, c->e);
	sd_buf_release(&text);
	return c->rc == SD_OK;
}

static enum sd_err rebuild_all(struct carry *c)
{
	struct sd_cause why = {
		.source = SD_FROM_LOCAL, .now_ms = c->st->now_ms, .text = "the schema changed"};
	const char *key;

	for (size_t i = 0; c->rc == SD_OK && sd_map_next(&c->keys, &i, &key, NULL);)
		c->rc = sd_rebuild(c->st, c->t, key, &why, c->e);
	return c->rc;
}

static enum sd_err for_each(struct carry *c, sd_outbox_fn fn)
{
	enum sd_err rc;

	if (c->rc != SD_OK)
		return c->rc;
	rc = sd_outbox_each(c->st, 0, -1, fn, c, c->e);
	if (c->rc == SD_OK)
		c->rc = rc;
	return c->rc;
}

static enum sd_err remake_table(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = sd_counter_load(st, t, e);

	sd_buf_str(&b, "DROP TABLE ");
	sd_quote_name(&b, t->name);
	if (rc == SD_OK)
		rc = sd_db_exec(st, sd_buf_text(&b), e, t->model->name);
	sd_buf_release(&b);
	t->live = 0; /* rids go on: the journal names old ones */
	t->counter_dirty = true;
	return rc == SD_OK ? sd_table_create(st, t, e) : rc;
}

static enum sd_err forget_sync(struct sd_store *st, const struct sd_model *m, struct sd_error *e)
{
	char *sql =
		sqlite3_mprintf("DELETE FROM sync WHERE model=%Q;DELETE FROM seen WHERE model=%Q;"
				"DELETE FROM quarantine WHERE model=%Q",
			m->name, m->name, m->name);
	enum sd_err rc = sql ? sd_db_exec(st, sql, e, m->name) : sd_db_nomem(e, m->name);

	sqlite3_free(sql);
	return rc;
}

enum sd_err sd_carry(struct sd_store *st, struct sd_table *t, const char *why, struct sd_error *e)
{
	struct carry c = {.st = st, .t = t, .why = why, .rc = SD_OK, .e = e};
	struct sd_buf text = SD_BUF_INIT;
	struct sd_journal j = {
		.at_ms = st->now_ms, .kind = SD_J_SYNC, .model = t->model, .version = -1};

	(void)for_each(&c, note_key);
	if (c.rc == SD_OK)
		c.rc = remake_table(st, t, e);
	if (c.rc == SD_OK)
		c.rc = forget_sync(st, t->model, e);
	(void)for_each(&c, judge);
	if (c.rc == SD_OK)
		c.rc = rebuild_all(&c);
	sd_buf_fmt(&text, "schema changed: %s; the table is rebuilt by a base sync", why);
	j.text = sd_buf_text(&text);
	if (c.rc == SD_OK)
		c.rc = sd_journal_put(st, &j, NULL, e);
	sd_buf_release(&text);
	sd_map_release(&c.keys, NULL);
	return c.rc;
}

enum sd_err sd_refuse_unfit(
	struct sd_store *st, struct sd_table *t, const char *why, struct sd_error *e)
{
	struct carry c = {.st = st, .t = t, .why = why, .rc = SD_OK, .e = e};

	(void)for_each(&c, note_key);
	(void)for_each(&c, judge);
	if (c.rc == SD_OK && sd_map_count(&c.keys))
		c.rc = rebuild_all(&c);
	sd_map_release(&c.keys, NULL);
	return c.rc;
}

enum sd_err sd_return_gone(struct sd_store *st, struct sd_table *t, struct sd_error *e)
{
	struct carry c = {.st = st, .t = t, .why = "", .rc = SD_OK, .e = e};
	char *sql = sqlite3_mprintf("UPDATE outbox SET lane=%d,error_type='SchemaChanged',"
				    "error_message='the schema had lost this model for a while; "
				    "retry or discard' WHERE model=%Q AND lane=%d",
		SD_LANE_REFUSED, t->model->name, SD_LANE_GONE);
	enum sd_err rc = sql ? sd_db_exec(st, sql, e, t->model->name) : sd_db_nomem(e, "outbox");

	sqlite3_free(sql);
	if (rc != SD_OK || sqlite3_changes(st->db) == 0)
		return rc;
	(void)for_each(&c, note_key);
	if (c.rc == SD_OK)
		c.rc = rebuild_all(&c);
	sd_map_release(&c.keys, NULL);
	return c.rc;
}
