/*
 * core/graphql/item.c - a record as the wire has it becomes one as the store keeps it; see doc.h.
 *
 * This runs once for every record of a base sync, so it changes the tree where it stands, looks a
 * member up by where it is expected (the order of the selection set) before it asks the map, and
 * formats nothing unless something is wrong.
 */
#include "core/graphql/doc.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"
#include "core/model/scalar.h"

/* Where a value stands, for the error text only. */
struct place {
	const struct place *in;
	const char *name; /* NULL: an element of a list */
	size_t index;     /* of that element, from 0 */
};

static void path_text(const struct place *p, struct sd_buf *out)
{
	if (!p)
		return;
	path_text(p->in, out);
	if (p->name)
		sd_buf_fmt(out, ".%s", p->name);
	else
		sd_buf_fmt(out, "[%zu]", p->index);
}

/* "Post ["7f3a"]: Post.tags[2]: what is wrong" */
static enum sd_err wrong(const struct sd_model *m, const cJSON *item, const struct place *p,
	const char *what, struct sd_error *e)
{
	struct sd_buf path = SD_BUF_INIT, key = SD_BUF_INIT;
	enum sd_err rc;

	path_text(p, &path);
	if (sd_key_of(m, item, &key, NULL) != SD_OK) {
		sd_buf_reset(&key);
		sd_buf_str(&key, "(no key)");
	}
	rc = sd_fail(e, SD_PROTO, 0, "%s %s: %s%s: %s", m->name, sd_buf_text(&key), m->name,
		sd_buf_text(&path), what);
	sd_buf_release(&path);
	sd_buf_release(&key);
	return rc;
}

/* What a wire value of the type must be; NULL: it is fine. */
static const char *scalar_wrong(enum sd_scalar t, const cJSON *v)
{
	int64_t n;

	switch (t) {
	case SD_T_INT:
	case SD_T_AWSTIMESTAMP:
		return sd_json_i64(v, &n) ? NULL : "not a whole number";
	case SD_T_FLOAT:
		return sd_json_is_number(v) ? NULL : "not a number";
	case SD_T_BOOLEAN:
		return cJSON_IsBool(v) ? NULL : "neither true nor false";
	case SD_T_AWSDATE:
	case SD_T_AWSTIME:
	case SD_T_AWSDATETIME: /* these sort and filter: one that is none would stand anywhere */
		return cJSON_IsString(v) ? sd_scalar_wrong(t, v) : "not a text";
	case SD_T_AWSJSON:
		return NULL;
	default:
		return cJSON_IsString(v) ? NULL : "not a text";
	}
}

/* The text of an AWSJSON value gives way to the value it holds; other text stays what it is. */
static bool open_json(cJSON *v)
{
	struct cJSON *held;
	struct sd_error e;
	enum sd_err rc;

	if (!cJSON_IsString(v))
		return true;
	rc = sd_json_parse(v->valuestring, strlen(v->valuestring), "AWSJSON", &held, &e);
	if (rc != SD_OK)
		return rc != SD_NOMEM;
	if (sd_json_become(v, held))
		return true;
	sd_json_free(held);
	return false;
}

struct job {
	const struct sd_model *m;
	cJSON *item;
	struct sd_error *e;
};

static enum sd_err members(
	const struct job *j, const struct sd_nonmodel *type, cJSON *obj, const struct place *at);

static enum sd_err one_value(
	const struct job *j, const struct sd_field *f, cJSON *v, const struct place *at)
{
	const char *what = NULL;

	switch (f->kind) {
	case SD_K_SCALAR:
		what = scalar_wrong(f->scalar, v);
		if (!what && f->scalar == SD_T_AWSJSON && !open_json(v))
			return sd_fail(j->e, SD_NOMEM, 0, "%s: out of memory", j->m->name);
		break;
	case SD_K_ENUM: /* a value this schema does not know is a newer server's: kept */
		what = cJSON_IsString(v) ? NULL : "not a text";
		break;
	case SD_K_NONMODEL:
		if (cJSON_IsObject(v))
			return f->nonmodel ? members(j, f->nonmodel, v, at) : SD_OK;
		what = "not an object";
		break;
	case SD_K_MODEL:
		break;
	}
	return what ? wrong(j->m, j->item, at, what, j->e) : SD_OK;
}

static enum sd_err field_value(
	const struct job *j, const struct sd_field *f, cJSON *v, const struct place *at)
{
	struct place inner = {.in = at};
	enum sd_err rc = SD_OK;

	if (cJSON_IsNull(v))
		return SD_OK;
	if (!f->list)
		return one_value(j, f, v, at);
	if (!cJSON_IsArray(v))
		return wrong(j->m, j->item, at, "not a list", j->e);
	for (cJSON *c = v->child; c && rc == SD_OK; c = c->next, inner.index++) {
		if (!cJSON_IsNull(c))
			rc = one_value(j, f, c, &inner);
		else if (f->required)
			rc = wrong(j->m, j->item, &inner, "null, but it is required", j->e);
	}
	return rc;
}

static bool must_be_there(const struct sd_field *f)
{
	return f->stored && !f->implicit && (f->list ? !f->list_nullable : f->required);
}

static void drop(cJSON *obj, cJSON *c)
{
	cJSON_Delete(cJSON_DetachItemViaPointer(obj, c));
}

/* The field a member belongs to; members come in schema order mostly, so *guess is tried first. */
static const struct sd_field *field_of(
	const struct sd_field *fields, size_t n, const char *name, size_t *guess)
{
	for (size_t tried = 0; tried < n; tried++) {
		size_t i = *guess < n ? *guess : 0;
		*guess = i + 1;
		if (strcmp(fields[i].name, name) == 0)
			return &fields[i];
	}
	return NULL;
}

/* An embedded value: few fields, so walking them is as good as a map. */
static enum sd_err members(
	const struct job *j, const struct sd_nonmodel *type, cJSON *obj, const struct place *at)
{
	enum sd_err rc = SD_OK;
	size_t guess = 0;

	for (cJSON *c = obj->child, *next; c && rc == SD_OK; c = next) {
		const struct sd_field *f =
			field_of(type->fields, type->field_count, c->string, &guess);
		const struct place here = {.in = at, .name = f ? f->name : NULL};
		next = c->next;
		if (f && f->kind != SD_K_MODEL)
			rc = field_value(j, f, c, &here);
		else
			drop(obj, c);
	}
	for (size_t i = 0; i < type->field_count && rc == SD_OK; i++) {
		const struct sd_field *f = &type->fields[i];
		const struct place here = {.in = at, .name = f->name};
		if (f->kind != SD_K_MODEL && (f->list ? !f->list_nullable : f->required) &&
			sd_json_is_null(sd_json_get(obj, f->name)))
			rc = wrong(j->m, j->item, &here, "required, but it is not there", j->e);
	}
	return rc;
}

/* ---- metadata ---- */

static bool metadata(const struct job *j, const cJSON *c, bool *deleted, enum sd_err *rc)
{
	const struct place here = {.name = c->string};
	int64_t n;

	if (c->string[0] != '_')
		return false;
	if (strcmp(c->string, "_version") == 0) {
		if (!sd_json_i64(c, &n) || n <= 0)
			*rc = wrong(j->m, j->item, &here, "not a positive whole number", j->e);
	} else if (strcmp(c->string, "_lastChangedAt") == 0) {
		if (!cJSON_IsNull(c) && !sd_json_i64(c, &n))
			*rc = wrong(j->m, j->item, &here, "not a whole number", j->e);
	} else if (strcmp(c->string, "_deleted") == 0) {
		if (!cJSON_IsNull(c) && !cJSON_IsBool(c))
			*rc = wrong(j->m, j->item, &here, "neither true, false nor null", j->e);
		*deleted = cJSON_IsTrue(c);
	} else {
		return false;
	}
	return true;
}

/* ---- the record ---- */

/* One bit a field: seen with a value. */
#define SMALL 256
struct seen {
	uint64_t small[SMALL / 64], *bits;
};

static void mark(struct seen *s, size_t i)
{
	s->bits[i / 64] |= (uint64_t)1 << i % 64;
}

static bool marked(const struct seen *s, size_t i)
{
	return s->bits[i / 64] >> i % 64 & 1;
}

/* A key column that the schema does not list is known only through the nested object
 * (client.md 7.1); a listed one is the scalar's own. */
static enum sd_err foreign_key(const struct job *j, const struct sd_field *rel, const cJSON *nested)
{
	const struct place here = {.name = rel->name};
	bool null = cJSON_IsNull(nested);

	if (rel->assoc != SD_A_BELONGS_TO && rel->assoc != SD_A_HAS_ONE)
		return SD_OK;
	if (!null && !cJSON_IsObject(nested))
		return wrong(j->m, j->item, &here, "not an object", j->e);
	for (size_t i = 0; i < rel->join_count; i++) {
		const struct sd_field *column = sd_model_field(j->m, rel->local[i]);
		const struct cJSON *v = null ? NULL : sd_json_get(nested, rel->remote[i]);
		const struct place at = {.in = &here, .name = rel->remote[i]};
		enum sd_err rc;
		if (!column || !column->implicit || sd_json_get(j->item, column->name))
			continue;
		if (!null && sd_json_is_null(v)) {
			if (rel->assoc == SD_A_HAS_ONE)
				continue;
			return wrong(j->m, j->item, &here, "its key is not there", j->e);
		}
		if (!sd_json_add(j->item, column->name, null ? sd_json_null() : sd_json_dup(v)))
			return sd_fail(j->e, SD_NOMEM, 0, "%s: out of memory", j->m->name);
		rc = field_value(j, column, sd_json_get(j->item, column->name), &at);
		if (rc != SD_OK)
			return rc;
	}
	return SD_OK;
}

/* Members one by one; nested objects of relations are moved to `nested`. */
static enum sd_err walk(
	const struct job *j, struct seen *seen, cJSON *nested, bool *versioned, bool *deleted)
{
	const struct sd_model *m = j->m;
	enum sd_err rc = SD_OK;
	size_t guess = 0;

	for (cJSON *c = j->item->child, *next; c && rc == SD_OK; c = next) {
		const struct sd_field *f = NULL;
		next = c->next;
		if (metadata(j, c, deleted, &rc)) {
			*versioned = *versioned || strcmp(c->string, "_version") == 0;
			continue;
		}
		if (guess < m->field_count && strcmp(m->fields[guess].name, c->string) == 0)
			f = &m->fields[guess];
		else
			f = sd_model_field(m, c->string);
		if (f)
			guess = (size_t)(f - m->fields) + 1;
		if (f && f->stored) {
			const struct place here = {.name = f->name};
			if (!cJSON_IsNull(c))
				mark(seen, guess - 1);
			rc = field_value(j, f, c, &here);
		} else if (f && f->kind == SD_K_MODEL) {
			cJSON_AddItemToArray(nested, cJSON_DetachItemViaPointer(j->item, c));
		} else {
			drop(j->item, c);
		}
	}
	return rc;
}

static enum sd_err complete(
	const struct job *j, const struct seen *seen, bool versioned, bool deleted)
{
	const struct sd_model *m = j->m;
	struct place here = {.name = "_version"};

	for (size_t k = 0; k < m->pk_count; k++) {
		here.name = m->fields[m->pk[k]].name;
		if (!marked(seen, m->pk[k]))
			return wrong(
				m, j->item, &here, "part of the key, but it is not there", j->e);
	}
	for (size_t i = 0; i < m->field_count && !deleted; i++) {
		here.name = m->fields[i].name;
		if (must_be_there(&m->fields[i]) && !marked(seen, i))
			return wrong(m, j->item, &here, "required, but it is not there", j->e);
	}
	here.name = "_version";
	return versioned ? SD_OK : wrong(m, j->item, &here, "it is not there", j->e);
}

enum sd_err sd_item_to_local(const struct sd_model *m, struct cJSON *item, struct sd_error *e)
{
	const struct job j = {m, item, e};
	struct seen seen = {{0}, NULL};
	cJSON nested = {.type = cJSON_Array};
	bool versioned = false, deleted = false;
	enum sd_err rc;

	if (!cJSON_IsObject(item))
		return sd_fail(e, SD_PROTO, 0, "%s: a record is not an object", m->name);
	seen.bits = m->field_count <= SMALL ? seen.small : calloc(m->field_count / 64 + 1, 8);
	if (!seen.bits)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", m->name);
	rc = walk(&j, &seen, &nested, &versioned, &deleted);
	if (rc == SD_OK)
		rc = complete(&j, &seen, versioned, deleted);
	for (const cJSON *c = nested.child; c && rc == SD_OK; c = c->next)
		rc = foreign_key(&j, sd_model_field(m, c->string), c);
	cJSON_Delete(nested.child); /* the whole chain */
	if (seen.bits != seen.small)
		free(seen.bits);
	return rc;
}
