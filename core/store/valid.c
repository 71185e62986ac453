/* core/store/valid.c - what a person may write, checked before anything is. */
#include "core/store/internal.h"

#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/scalar.h"

static bool is_meta(const char *name)
{
	static const char *const META[] = {"_version", "_lastChangedAt", "_deleted", "_state"};

	for (size_t i = 0; i < sizeof META / sizeof *META; i++)
		if (strcmp(name, META[i]) == 0)
			return true;
	return false;
}

/* name: the schema's. */
static enum sd_err add(
	struct cJSON *clean, const char *name, const struct cJSON *v, struct sd_error *e)
{
	return sd_json_set_shared(clean, name, v) ? SD_OK : sd_db_nomem(e, name);
}

/* A belongsTo under its own name: the key of the parent, when that has one part. */
static enum sd_err add_relation(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *v, struct cJSON *clean, struct sd_error *e)
{
	const struct sd_field *column;
	enum sd_err rc;

	if (f->assoc != SD_A_BELONGS_TO)
		return sd_fail(e, SD_INVAL, 0,
			"%s.%s: is the other end of a relation; set it on the %s instead", m->name,
			f->name, f->type_name);
	column = f->join_count == 1 ? sd_model_field(m, f->local[0]) : NULL;
	if (!column)
		return sd_fail(e, SD_INVAL, 0,
			"%s.%s: the key of %s has several parts; set its columns one by one",
			m->name, f->name, f->type_name);
	if (sd_json_is_object(v) || sd_json_is_array(v))
		return sd_fail(e, SD_INVAL, 0, "%s.%s: give the key of the %s", m->name, f->name,
			f->type_name);
	rc = sd_value_check(m, column, v, e);
	return rc == SD_OK ? add(clean, column->name, v, e) : rc;
}

static enum sd_err add_checked(const struct sd_model *m, const struct cJSON *v,
	const struct cJSON *existing, struct cJSON *clean, struct sd_error *e)
{
	const char *name = sd_json_name(v);
	const struct sd_field *f = sd_model_field(m, name);
	enum sd_err rc;

	if (!f && !is_meta(name))
		return sd_model_no_field(m, name, e);
	if (!f || f->read_only) {
		/* a record that was read and comes back as it is may carry them */
		if (sd_json_is_null(v) || strcmp(name, "_state") == 0 ||
			(existing && sd_json_equal(sd_json_get(existing, name), v, true)))
			return SD_OK;
		return sd_fail(e, SD_INVAL, 0,
			"%s.%s is read-only: the server sets it; leave it out", m->name, name);
	}
	if (f->kind == SD_K_MODEL)
		return add_relation(m, f, v, clean, e);
	rc = sd_value_check(m, f, v, e);
	return rc == SD_OK ? add(clean, f->name, v, e) : rc;
}

enum sd_err sd_valid_fields(struct sd_store *st, const struct sd_model *m,
	const struct cJSON *fields, const struct cJSON *existing, struct cJSON **clean,
	struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	(void)st;
	*clean = NULL;
	if (!sd_json_is_object(fields))
		return sd_fail(e, SD_INVAL, 0, "%s: a record is a JSON object", m->name);
	*clean = sd_json_object();
	if (!*clean)
		return sd_db_nomem(e, m->name);
	for (const struct cJSON *v = sd_json_child(fields); v && rc == SD_OK; v = sd_json_next(v))
		rc = add_checked(m, v, existing, *clean, e);
	for (size_t k = 0; existing && k < m->pk_count && rc == SD_OK; k++) {
		const char *name = m->fields[m->pk[k]].name;
		const struct cJSON *v = sd_json_get(*clean, name);
		if (v && !sd_json_equal(v, sd_json_get(existing, name), true))
			rc = sd_fail(e, SD_INVAL, 0,
				"%s.%s: a key cannot change; save a new record and delete this one",
				m->name, name);
	}
	if (rc != SD_OK) {
		sd_json_free(*clean);
		*clean = NULL;
	}
	return rc;
}

enum sd_err sd_valid_required(const struct sd_model *m, const struct cJSON *rec, struct sd_error *e)
{
	for (size_t i = 0; i < m->field_count; i++) {
		const struct sd_field *f = &m->fields[i];
		bool needed = f->list ? !f->list_nullable : f->required;
		if (!f->stored || !needed || f->read_only || f->default_value)
			continue;
		if (sd_json_is_null(sd_json_get(rec, f->name)))
			return sd_fail(e, SD_INVAL, 0, "%s.%s: Field %s is required", m->name,
				f->name, f->name);
	}
	return SD_OK;
}

static bool named(const struct sd_field *f, const struct cJSON *changed)
{
	for (size_t i = 0; i < f->join_count; i++)
		if (sd_json_get(changed, f->local[i]))
			return true;
	return false;
}

static bool may_be_absent(const struct sd_store *st, const struct sd_model *parent, const char *key)
{
	if (!st->absent_keys)
		return false;
	return !st->absent_model ||
	       (st->absent_model == parent && sd_map_has(st->absent_keys, key));
}

enum sd_err sd_valid_parents(struct sd_store *st, const struct sd_model *m, const struct cJSON *rec,
	const struct cJSON *changed, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT, show = SD_BUF_INIT;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; i < m->field_count && rc == SD_OK; i++) {
		const struct sd_field *f = &m->fields[i];
		struct sd_rowid row;
		if (f->kind != SD_K_MODEL || f->assoc != SD_A_BELONGS_TO || !f->join_count ||
			!named(f, changed))
			continue;
		sd_buf_reset(&key);
		rc = sd_parent_key(m, f, rec, &key, e);
		if (rc == SD_OK) {
			rc = sd_row_find_key(
				st, sd_table_of(st, f->model), sd_buf_text(&key), &row, e);
			if ((rc == SD_NOTFOUND || (rc == SD_OK && row.deleted)) &&
				may_be_absent(st, f->model, sd_buf_text(&key))) {
				rc = SD_OK;
			} else if (rc == SD_NOTFOUND || (rc == SD_OK && row.deleted)) {
				sd_key_show(sd_buf_text(&key), &show);
				rc = sd_fail(e, SD_INVAL, 0,
					"%s.%s: there is no %s %s here; save it first", m->name,
					f->name, f->type_name, sd_buf_text(&show));
			}
		} else if (rc == SD_NOTFOUND) {
			rc = SD_OK; /* points nowhere */
		}
	}
	sd_buf_release(&key);
	sd_buf_release(&show);
	return rc;
}

static enum sd_err key_fits(const struct sd_model *m, const struct sd_mutation *e1,
	struct cJSON *rec, struct sd_error *e)
{
	enum sd_err rc = sd_key_put(m, e1->key, rec, e);

	for (size_t k = 0; k < m->pk_count && rc == SD_OK; k++) {
		const struct sd_field *f = &m->fields[m->pk[k]];
		rc = sd_value_check(m, f, sd_json_get(rec, f->name), e);
	}
	return rc;
}

enum sd_err sd_fits(const struct sd_model *m, const struct sd_mutation *e1, struct sd_error *e)
{
	struct cJSON *rec = sd_json_object();
	enum sd_err rc = rec ? key_fits(m, e1, rec, e) : sd_db_nomem(e, m->name);

	for (const struct cJSON *v = sd_json_child(e1->fields); v && rc == SD_OK;
		v = sd_json_next(v)) {
		const struct sd_field *f = sd_model_field(m, sd_json_name(v));
		if (!f || !f->stored)
			rc = sd_fail(e, SD_INVAL, 0, "%s no longer has the field \"%s\"", m->name,
				sd_json_name(v));
		else
			rc = sd_value_check(m, f, v, e);
		if (rc == SD_OK)
			rc = add(rec, f->name, v, e);
	}
	if (rc == SD_OK && e1->op == SD_OP_CREATE)
		rc = sd_valid_required(m, rec, e);
	sd_json_free(rec);
	return rc;
}
