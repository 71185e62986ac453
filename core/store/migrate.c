/*
 * core/store/migrate.c - the store follows the schema (R-034, U-16).
 *
 * Each model's shape is kept in the store.  What only adds is done in place, and a base sync fills
 * the new columns; anything else rebuilds that model's table (carry.c), after a copy of the whole
 * store was put beside it.
 */
#include "core/store/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"

enum fate { FATE_SAME, FATE_NEW, FATE_ADD, FATE_REBUILD };

struct plan { /* of one model */
	struct cJSON *def;
	enum fate fate;
	bool refill;
	char why[256];
};

/* ---- what a model looks like to the store ---- */

static void shape_of(const struct sd_nonmodel *n, struct sd_buf *out, int depth)
{
	for (size_t i = 0; n && depth < 8 && i < n->field_count; i++) {
		sd_buf_fmt(out, "%s:", n->fields[i].name);
		sd_field_type_text(&n->fields[i], out);
		if (n->fields[i].kind == SD_K_NONMODEL) {
			sd_buf_ch(out, '{');
			shape_of(n->fields[i].nonmodel, out, depth + 1);
			sd_buf_ch(out, '}');
		}
		sd_buf_ch(out, ' ');
	}
}

static struct cJSON *define_field(const struct sd_field *f)
{
	struct cJSON *j = sd_json_object(), *values = NULL;
	struct sd_buf shape = SD_BUF_INIT;
	bool needed = f->list ? !f->list_nullable : f->required;
	bool ok = sd_json_add_str(j, "type", f->type_name) && sd_json_add_int(j, "kind", f->kind) &&
		  sd_json_add_bool(j, "list", f->list) &&
		  sd_json_add_bool(j, "needed", needed && !f->read_only && !f->default_value);

	if (ok && f->kind == SD_K_ENUM && f->en) {
		values = sd_json_array();
		for (size_t i = 0; i < f->en->value_count && ok; i++)
			ok = sd_json_push(values, sd_json_string(f->en->values[i]));
		ok = sd_json_add(j, "values", values) && ok;
	}
	if (ok && f->kind == SD_K_NONMODEL) {
		shape_of(f->nonmodel, &shape, 0);
		ok = sd_buf_ok(&shape) && sd_json_add_str(j, "shape", sd_buf_text(&shape));
	}
	sd_buf_release(&shape);
	if (ok)
		return j;
	sd_json_free(j);
	return NULL;
}

static struct cJSON *define(const struct sd_table *t)
{
	struct cJSON *j = sd_json_object(), *key = sd_json_array(), *fields = sd_json_object();
	bool ok = j && key && fields;

	for (size_t k = 0; k < t->model->pk_count && ok; k++)
		ok = sd_json_push(key, sd_json_string(t->cols[t->pk[k]].field->name));
	for (size_t i = 0; i < t->count && ok; i++)
		ok = sd_json_add(fields, t->cols[i].field->name, define_field(t->cols[i].field));
	ok = sd_json_add(j, "key", key) && ok;
	ok = sd_json_add(j, "fields", fields) && ok;
	if (ok)
		return j;
	sd_json_free(j);
	return NULL;
}

/* ---- what has to be done ---- */

static void rebuild(struct plan *p, const char *what, const char *name, const char *how)
{
	if (p->fate == FATE_REBUILD)
		return; /* the first reason is told */
	p->fate = FATE_REBUILD;
	snprintf(p->why, sizeof p->why, "the %s \"%s\" %s", what, name, how);
}

static bool lost_value(const struct cJSON *old, const struct cJSON *new)
{
	for (const struct cJSON *v = sd_json_child(old); v; v = sd_json_next(v)) {
		const struct cJSON *w = sd_json_child(new);
		while (w && !sd_json_equal(v, w, false))
			w = sd_json_next(w);
		if (!w)
			return true;
	}
	return false;
}

static void compare_field(
	struct plan *p, const char *name, const struct cJSON *old, const struct cJSON *new)
{
	if (!old && sd_json_is_true(sd_json_get(new, "needed"))) {
		rebuild(p, "new field", name, "is required");
	} else if (!old) {
		p->refill = true;
		if (p->fate == FATE_SAME)
			p->fate = FATE_ADD;
	} else if (!sd_json_equal(sd_json_get(old, "type"), sd_json_get(new, "type"), true) ||
		   !sd_json_equal(sd_json_get(old, "kind"), sd_json_get(new, "kind"), true) ||
		   !sd_json_equal(sd_json_get(old, "list"), sd_json_get(new, "list"), true)) {
		rebuild(p, "field", name, "has another type");
	} else if (!sd_json_is_true(sd_json_get(old, "needed")) &&
		   sd_json_is_true(sd_json_get(new, "needed"))) {
		rebuild(p, "field", name, "became required");
	} else if (lost_value(sd_json_get(old, "values"), sd_json_get(new, "values"))) {
		rebuild(p, "enum of", name, "lost a value");
	} else if (!sd_json_equal(sd_json_get(old, "shape"), sd_json_get(new, "shape"), true)) {
		p->refill = true;
		if (p->fate == FATE_SAME)
			p->fate = FATE_ADD;
	}
}

static void compare(struct plan *p, const char *model, const struct cJSON *old)
{
	const struct cJSON *was = sd_json_get(old, "fields"), *is = sd_json_get(p->def, "fields");

	if (!sd_json_equal(sd_json_get(old, "key"), sd_json_get(p->def, "key"), true))
		rebuild(p, "primary key of", model, "is another one");
	for (const struct cJSON *f = sd_json_child(is); f; f = sd_json_next(f))
		compare_field(p, sd_json_name(f), sd_json_get(was, sd_json_name(f)), f);
	for (const struct cJSON *f = sd_json_child(was); f; f = sd_json_next(f))
		if (!sd_json_get(is, sd_json_name(f)))
			rebuild(p, "field", sd_json_name(f), "is gone");
}

/* Old definitions: object name -> definition. */
static enum sd_err load_defs(struct sd_store *st, struct cJSON **out, struct sd_error *e)
{
	char *text = NULL;
	enum sd_err rc = sd_meta_get(st, "schema.models", &text, e);

	*out = NULL;
	if (rc == SD_OK && text)
		rc = sd_db_parse(st->db, text, strlen(text), out, e);
	else if (rc == SD_OK && !(*out = sd_json_object()))
		rc = sd_db_nomem(e, "schema");
	free(text);
	return rc;
}

static enum sd_err make_plans(struct sd_store *st, const struct cJSON *old, struct plan *plans,
	bool *copy, struct sd_error *e)
{
	for (size_t i = 0; i < st->schema->model_count; i++) {
		const struct cJSON *was = sd_json_get(old, st->schema->models[i]->name);
		plans[i].def = define(&st->tables[i]);
		if (!plans[i].def)
			return sd_db_nomem(e, "schema");
		if (!was)
			plans[i].fate = FATE_NEW;
		else
			compare(&plans[i], st->schema->models[i]->name, was);
		*copy |= plans[i].fate == FATE_REBUILD;
	}
	for (const struct cJSON *m = sd_json_child(old); m; m = sd_json_next(m))
		*copy |= sd_schema_model(st->schema, sd_json_name(m)) == NULL;
	return SD_OK;
}

/* ---- the copy ---- */

static void remove_other_copies(struct sd_store *st, const char *keep)
{
	DIR *d = opendir(st->dir);
	const struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (sd_str_starts(entry->d_name, SD_STORE_FILE ".before-") &&
			strcmp(entry->d_name, keep) != 0)
			(void)unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
}

static enum sd_err keep_copy(struct sd_store *st, const char *hash, struct sd_error *e)
{
	char name[64], *path, *sql;
	enum sd_err rc;
	int fd;

	snprintf(name, sizeof name, SD_STORE_FILE ".before-%.8s", hash);
	path = sd_path_join(st->dir, name);
	sql = path ? sqlite3_mprintf("VACUUM INTO %Q", path) : NULL;
	fd = sql ? open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600) : -1;
	if (fd < 0) {
		rc = sd_fail(e, SD_IO, errno, "cannot keep a copy of the store as %s/%s: %s",
			st->dir, name, strerror(errno));
	} else {
		rc = sd_db_exec(st, sql, e, "copying the store before the schema changes it");
		if (rc == SD_OK && fsync(fd))
			rc = sd_fail(e, SD_IO, errno, "cannot sync %s: %s", path, strerror(errno));
		close(fd);
		if (rc == SD_OK)
			rc = sd_place_sync(st, e);
		if (rc == SD_OK)
			remove_other_copies(st, name);
		else
			(void)unlink(path);
	}
	sqlite3_free(sql);
	free(path);
	return rc;
}

/* ---- doing it ---- */

static enum sd_err run(struct sd_store *st, struct sd_error *e, const char *sql, const char *name)
{
	sqlite3_stmt *s = NULL;
	int code;
	enum sd_err rc;

	if (!sd_txn_alive(st, e))
		return SD_DB;
	code = sqlite3_prepare_v2(st->db, sql, -1, &s, NULL);
	rc = code == SQLITE_OK ? SD_OK : sd_db_fail(st, code, e, name);
	if (rc == SD_OK) {
		sqlite3_bind_text(s, 1, name, -1, SQLITE_STATIC);
		rc = sd_db_row(st, s, e, name);
	}
	sqlite3_finalize(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static enum sd_err add_columns(
	struct sd_store *st, struct sd_table *t, const struct cJSON *old, struct sd_error *e)
{
	const struct cJSON *was = sd_json_get(old, "fields");
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < t->count && rc == SD_OK; i++) {
		struct sd_buf b = SD_BUF_INIT;
		if (sd_json_get(was, t->cols[i].field->name))
			continue;
		sd_buf_str(&b, "ALTER TABLE ");
		sd_quote_name(&b, t->name);
		sd_buf_str(&b, " ADD COLUMN ");
		sd_quote_name(&b, t->cols[i].field->name);
		sd_buf_fmt(&b, " %s", sd_column_type(t->cols[i].kind));
		rc = sd_buf_ok(&b) ? sd_db_exec(st, sd_buf_text(&b), e, t->model->name)
				   : sd_db_nomem(e, t->model->name);
		sd_buf_release(&b);
	}
	return rc;
}

static enum sd_err tell(
	struct sd_store *st, const struct sd_model *m, const char *text, struct sd_error *e)
{
	struct sd_journal j = {
		.at_ms = st->now_ms, .kind = SD_J_SYNC, .model = m, .version = -1, .text = text};

	return sd_journal_put(st, &j, NULL, e);
}

static enum sd_err update_model(struct sd_store *st, struct sd_table *t, const struct plan *p,
	const struct cJSON *old, struct sd_error *e)
{
	const char *name = t->model->name;
	enum sd_err rc = SD_OK;

	switch (p->fate) {
	case FATE_NEW:
		rc = sd_table_create(st, t, e);
		if (rc == SD_OK)
			rc = sd_return_gone(st, t, e);
		break;
	case FATE_REBUILD:
		rc = sd_carry(st, t, p->why, e);
		break;
	case FATE_ADD:
		rc = add_columns(st, t, old, e);
		break;
	default:
		break;
	}
	if (rc == SD_OK && p->fate != FATE_NEW)
		rc = sd_table_indexes(st, t, e);
	if (rc == SD_OK && p->refill && p->fate == FATE_ADD) {
		/* rows of known versions take the new columns from the next base sync */
		rc = run(st, e, "INSERT OR IGNORE INTO sync(model) VALUES(?1)", name);
		if (rc == SD_OK)
			rc = run(st, e,
				"UPDATE sync SET refill=1,last_sync_ms=0,last_full_ms=0,"
				"page_token=NULL WHERE model=?1",
				name);
	}
	if (rc == SD_OK && p->fate == FATE_ADD)
		rc = sd_refuse_unfit(st, t, "the schema changed", e);
	if (rc == SD_OK && p->fate == FATE_ADD)
		rc = tell(st, t->model, "schema changed: new fields, filled by a base sync", e);
	return rc;
}

static enum sd_err drop_model(struct sd_store *st, const char *name, struct sd_error *e)
{
	static const char *const DO[] = {
		"UPDATE outbox SET lane=9 WHERE model=?1",
		"DELETE FROM conflict WHERE model=?1",
		"DELETE FROM quarantine WHERE model=?1",
		"DELETE FROM sync WHERE model=?1",
		"DELETE FROM seen WHERE model=?1",
		"DELETE FROM counter WHERE model=?1",
	};
	struct sd_buf b = SD_BUF_INIT, table = SD_BUF_INIT, text = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < sizeof DO / sizeof *DO && rc == SD_OK; i++)
		rc = run(st, e, DO[i], name);
	sd_buf_fmt(&table, "r_%s", name);
	sd_buf_str(&b, "DROP TABLE IF EXISTS ");
	sd_quote_name(&b, sd_buf_text(&table));
	sd_buf_fmt(&text,
		"the schema has no model %s any more; its unsent changes are kept until it returns",
		name);
	if (rc == SD_OK)
		rc = sd_db_exec(st, sd_buf_text(&b), e, name);
	if (rc == SD_OK)
		rc = tell(st, NULL, sd_buf_text(&text), e);
	sd_buf_release(&b);
	sd_buf_release(&table);
	sd_buf_release(&text);
	return rc;
}

static enum sd_err put_defs(struct sd_store *st, const struct plan *plans, struct sd_error *e)
{
	struct cJSON *all = sd_json_object();
	char *text = NULL;
	bool ok = all != NULL;
	enum sd_err rc;

	for (size_t i = 0; i < st->schema->model_count && ok; i++)
		ok = sd_json_add(all, st->schema->models[i]->name, sd_json_dup(plans[i].def));
	text = ok ? sd_json_text(all) : NULL;
	rc = text ? sd_meta_put(st, "schema.models", text, e) : sd_db_nomem(e, "schema");
	if (rc == SD_OK)
		rc = sd_meta_put(st, "schema.hash", st->schema->hash, e);
	sd_json_free(all);
	free(text);
	return rc;
}

static enum sd_err carry_out(
	struct sd_store *st, const struct plan *plans, const struct cJSON *old, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < st->schema->model_count && rc == SD_OK; i++)
		rc = update_model(st, &st->tables[i], &plans[i],
			sd_json_get(old, st->schema->models[i]->name), e);
	for (const struct cJSON *m = sd_json_child(old); m && rc == SD_OK; m = sd_json_next(m))
		if (!sd_schema_model(st->schema, sd_json_name(m)))
			rc = drop_model(st, sd_json_name(m), e);
	return rc == SD_OK ? put_defs(st, plans, e) : rc;
}

static enum sd_err change(struct sd_store *st, const char *had, struct sd_error *e)
{
	struct plan *plans = calloc(st->schema->model_count + 1, sizeof *plans);
	struct cJSON *old = NULL;
	char *now = NULL;
	bool copy = false;
	enum sd_err rc = plans ? load_defs(st, &old, e) : sd_db_nomem(e, "schema");

	if (rc == SD_OK)
		rc = make_plans(st, old, plans, &copy, e);
	if (rc == SD_OK && copy)
		rc = keep_copy(st, had ? had : "unknown", e);
	if (rc == SD_OK)
		rc = sd_store_begin(st, e);
	if (rc != SD_OK)
		goto done;
	rc = sd_meta_get(st, "schema.hash", &now, e);
	if (rc == SD_OK && sd_str_eq(now, st->schema->hash))
		sd_store_rollback(st); /* another process did it meanwhile */
	else if (rc == SD_OK && !sd_str_eq(now, had))
		rc = sd_fail(e, SD_BUSY, 0,
			"another process gave %s another schema at the same time; try again",
			st->path);
	else if (rc == SD_OK && (rc = carry_out(st, plans, old, e)) == SD_OK)
		rc = sd_store_commit(st, e);
	if (rc != SD_OK)
		sd_store_rollback(st);
done:
	for (size_t i = 0; plans && i < st->schema->model_count; i++)
		sd_json_free(plans[i].def);
	free(plans);
	free(now);
	sd_json_free(old);
	return rc;
}

enum sd_err sd_migrate(struct sd_store *st, struct sd_error *e)
{
	char *had = NULL;
	enum sd_err rc = sd_meta_get(st, "schema.hash", &had, e);

	if (rc == SD_OK && !sd_str_eq(had, st->schema->hash)) {
		if (st->read_only)
			rc = sd_fail(e, SD_INVAL, 0,
				"%s has another schema than the one given; open it for writing "
				"once",
				st->path);
		else
			rc = change(st, had, e);
	}
	free(had);
	return rc;
}
