/* core/model/read_json.c - models and fields from JSON.  See read_json.h. */
#include "core/model/read_json.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

/* ---- places in the text ---- */

/* "name" followed by a colon, from p on; NULL when there is none. */
static const char *find_member(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name);

	while (p < end && (p = memchr(p, '"', (size_t)(end - p)))) {
		const char *after = p + n + 2;

		if (after < end && memcmp(p + 1, name, n) == 0 && p[n + 1] == '"') {
			while (after < end && memchr(" \t\r\n", *after, 4))
				after++;
			if (after < end && *after == ':')
				return p;
		}
		p++;
	}
	return NULL;
}

enum sd_err sd_json_reader_fail(const struct sd_json_reader *r, const char *model,
	const char *field, struct sd_error *e, const char *fmt, ...)
{
	const char *end = r->text + r->n, *at = find_member(r->text, end, model), *in;
	unsigned line = 1, column = 1;
	char text[SD_ERROR_TEXT];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	in = at && field ? find_member(at, end, field) : NULL;
	if (in)
		at = in;
	for (const char *c = r->text; at && c < at; c++) {
		if (*c == '\n') {
			line++;
			column = 1;
		} else if (((unsigned char)*c & 0xc0) != 0x80) {
			column++;
		}
	}
	return sd_draft_fail(&r->d, at ? line : 0, column, e, "%s", text);
}

/* The line where a model begins, 0 when it is not found behind the one before. */
static unsigned model_line(struct sd_json_reader *r, const char *name)
{
	const char *at = find_member(r->cursor, r->text + r->n, name);

	if (!at)
		return 0;
	for (; r->cursor < at; r->cursor++)
		r->line += *r->cursor == '\n';
	return r->line;
}

/* ---- small readers ---- */

bool sd_json_names(const struct cJSON *v, char ***out, size_t *n)
{
	if (sd_json_is_string(v))
		return sd_names_add(out, n, sd_json_str(v));
	if (!sd_json_is_array(v))
		return true;
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c))
		if (sd_json_is_string(c) && !sd_names_add(out, n, sd_json_str(c)))
			return false;
	return true;
}

/* "String", {"model": "X"}, {"enum": "X"}, {"nonModel": "X"} */
static const char *type_name(const struct cJSON *type)
{
	static const char *const KIND[] = {"model", "enum", "nonModel"};

	for (size_t i = 0; sd_json_is_object(type) && i < sizeof KIND / sizeof *KIND; i++) {
		const char *name = sd_json_get_str(type, KIND[i]);
		if (name)
			return name;
	}
	return sd_json_str(type);
}

static bool is_association(const struct cJSON *a)
{
	return sd_json_get_str(a, "connectionType") != NULL;
}

static enum sd_err read_association(struct sd_json_reader *r, const struct sd_model *m,
	struct sd_field *f, const struct cJSON *a, struct sd_error *e)
{
	const char *kind = sd_json_get_str(a, "connectionType");
	bool ok;

	f->assoc = sd_str_eq(kind, "HAS_MANY")     ? SD_A_HAS_MANY
		   : sd_str_eq(kind, "HAS_ONE")    ? SD_A_HAS_ONE
		   : sd_str_eq(kind, "BELONGS_TO") ? SD_A_BELONGS_TO
						   : SD_A_NONE;
	if (f->assoc == SD_A_NONE)
		return sd_json_reader_fail(r, m->name, f->name, e,
			"%s.%s: connectionType \"%s\" is not known; it is HAS_MANY, HAS_ONE or "
			"BELONGS_TO",
			m->name, f->name, kind);
	ok = sd_json_names(
		     sd_json_get(a, "associatedWith"), &f->assoc_with, &f->assoc_with_count) &&
	     sd_json_names(sd_json_get(a, "targetNames"), &f->targets, &f->target_count);
	if (ok && !f->target_count)
		ok = sd_json_names(sd_json_get(a, "targetName"), &f->targets, &f->target_count);
	return ok ? SD_OK : sd_draft_nomem(e);
}

/* Flags and type; m is NULL inside an embedded type, owner its name. */
static enum sd_err fill(struct sd_json_reader *r, const char *owner, struct sd_field *f,
	const struct cJSON *from, struct sd_error *e)
{
	f->list = sd_json_is_true(sd_json_get(from, "isArray"));
	f->required = sd_json_is_true(sd_json_get(from, "isRequired"));
	f->list_nullable = f->list && sd_json_is_true(sd_json_get(from, "isArrayNullable"));
	f->read_only = sd_json_is_true(sd_json_get(from, "isReadOnly"));
	if (sd_draft_type(&r->d, f))
		return SD_OK;
	return sd_json_reader_fail(r, owner, f->name, e,
		"type \"%s\" of field %s.%s is not defined: it is no scalar, model, enum or "
		"embedded type of this schema",
		f->type_name, owner, f->name);
}

static enum sd_err bad_field(
	struct sd_json_reader *r, const char *owner, const char *name, struct sd_error *e)
{
	return sd_json_reader_fail(r, owner, name, e,
		"field %s.%s has no type; expected {\"name\", \"type\", ...}", owner, name);
}

static bool note_field(
	struct sd_json_reader *r, const char *owner, const char *name, const char *why)
{
	return sd_draft_note(&r->d, "%s: field %s.%s ignored: %s", r->d.file, owner, name, why);
}

static enum sd_err model_fields(struct sd_json_reader *r, struct sd_model *m,
	const struct cJSON *fields, struct sd_error *e)
{
	for (const struct cJSON *c = sd_json_child(fields); c; c = sd_json_next(c)) {
		const char *name = sd_json_get_str(c, "name"),
			   *type = type_name(sd_json_get(c, "type"));
		const struct cJSON *a = sd_json_get(c, "association");
		struct sd_field *f;
		enum sd_err rc;

		if (!name)
			name = sd_json_name(c);
		if (!name || !type)
			return bad_field(r, m->name, name ? name : "?", e);
		if (sd_draft_is_metadata(name)) {
			if (!note_field(r, m->name, name, "every record has it"))
				return sd_draft_nomem(e);
			continue;
		}
		if (sd_draft_at(m, name) >= 0)
			return sd_json_reader_fail(r, m->name, name, e,
				"field %s.%s is defined twice; remove or rename one", m->name,
				name);
		if (sd_map_has(&r->d.s->by_name, type) && !is_association(a)) {
			if (!note_field(r, m->name, name, "a relation without association"))
				return sd_draft_nomem(e);
			continue;
		}
		f = sd_draft_field(m, name, type);
		if (!f)
			return sd_draft_nomem(e);
		rc = fill(r, m->name, f, c, e);
		if (!rc && f->kind == SD_K_MODEL)
			rc = read_association(r, m, f, a, e);
		if (rc)
			return rc;
	}
	return SD_OK;
}

static enum sd_err nonmodel_fields(struct sd_json_reader *r, struct sd_nonmodel *n,
	const struct cJSON *fields, struct sd_error *e)
{
	for (const struct cJSON *c = sd_json_child(fields); c; c = sd_json_next(c)) {
		const char *name = sd_json_get_str(c, "name"),
			   *type = type_name(sd_json_get(c, "type"));
		struct sd_field *f;
		enum sd_err rc;

		if (!name)
			name = sd_json_name(c);
		if (!name || !type)
			return bad_field(r, n->name, name ? name : "?", e);
		if (sd_map_has(&r->d.s->by_name, type)) {
			if (!note_field(r, n->name, name, "a relation inside an embedded type"))
				return sd_draft_nomem(e);
			continue;
		}
		f = SD_GROW(n->fields, n->field_count);
		if (!f)
			return sd_draft_nomem(e);
		f->name = strdup(name);
		f->type_name = strdup(type);
		if (!f->name || !f->type_name)
			return sd_draft_nomem(e);
		rc = fill(r, n->name, f, c, e);
		if (rc)
			return rc;
	}
	return SD_OK;
}

/* ---- types ---- */

static const char *name_of(const struct cJSON *c)
{
	const char *name = sd_json_get_str(c, "name");

	return name ? name : sd_json_name(c) ? sd_json_name(c) : "";
}

enum what { MODEL, ENUM, NONMODEL };

static enum sd_err make_type(
	struct sd_json_reader *r, enum what what, const struct cJSON *c, struct sd_error *e)
{
	const char *name = name_of(c), *plural = sd_json_get_str(c, "pluralName");
	const struct cJSON *syncable = sd_json_get(c, "syncable");
	struct sd_enum *en;
	struct sd_model *m;

	if (!sd_json_is_object(c) || !*name)
		return sd_json_reader_fail(
			r, name, NULL, e, "\"%s\" is no definition; expected an object", name);
	if (sd_draft_has_type(&r->d, name))
		return sd_json_reader_fail(
			r, name, NULL, e, "type %s is defined twice; remove or rename one", name);
	if (what == NONMODEL)
		return sd_draft_nonmodel(&r->d, name, 0) ? SD_OK : sd_draft_nomem(e);
	if (what == ENUM) {
		en = sd_draft_enum(&r->d, name);
		return en && sd_json_names(sd_json_get(c, "values"), &en->values, &en->value_count)
			       ? SD_OK
			       : sd_draft_nomem(e);
	}
	m = sd_draft_model(&r->d, name, model_line(r, name));
	if (!m || (plural && !(m->plural = strdup(plural))))
		return sd_draft_nomem(e);
	m->syncable = !sd_json_is_bool(syncable) || sd_json_is_true(syncable);
	return SD_OK;
}

static enum sd_err make_types(
	struct sd_json_reader *r, enum what what, const struct cJSON *all, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	for (const struct cJSON *c = sd_json_child(all); !rc && c; c = sd_json_next(c))
		rc = make_type(r, what, c, e);
	return rc;
}

const struct cJSON *sd_json_models(const struct cJSON *root)
{
	static const char *const AT[][2] = {
		{"data", "model_introspection"}, {"modelIntrospection", NULL}, {"schema", NULL}};

	if (sd_json_is_object(sd_json_get(root, "models")))
		return root;
	for (size_t i = 0; i < sizeof AT / sizeof *AT; i++) {
		const struct cJSON *j = sd_json_get(root, AT[i][0]);
		if (j && AT[i][1])
			j = sd_json_get(j, AT[i][1]);
		if (sd_json_is_object(sd_json_get(j, "models")))
			return j;
	}
	return NULL;
}

static enum sd_err read_all(struct sd_json_reader *r, const struct cJSON *root, struct sd_error *e)
{
	const struct cJSON *models = sd_json_get(root, "models"),
			   *nonmodels = sd_json_get(root, "nonModels"), *c;
	enum sd_err rc = make_types(r, MODEL, models, e);
	size_t i = 0;

	if (!rc)
		rc = make_types(r, ENUM, sd_json_get(root, "enums"), e);
	if (!rc)
		rc = make_types(r, NONMODEL, nonmodels, e);
	for (c = sd_json_child(nonmodels); !rc && c; c = sd_json_next(c))
		rc = nonmodel_fields(r, r->d.s->nonmodels[i++], sd_json_get(c, "fields"), e);
	i = 0;
	for (c = sd_json_child(models); !rc && c; c = sd_json_next(c))
		rc = model_fields(r, r->d.s->models[i++], sd_json_get(c, "fields"), e);
	i = 0;
	for (c = sd_json_child(models); !rc && c; c = sd_json_next(c))
		rc = sd_json_attributes(r, r->d.s->models[i++], c, e);
	return rc;
}

enum sd_err sd_read_json(const struct cJSON *root, const char *text, size_t n, const char *name,
	struct sd_schema **out, struct sd_error *e)
{
	struct sd_json_reader r = {.text = text, .n = n, .cursor = text, .line = 1};
	const struct cJSON *at = sd_json_models(root);
	enum sd_err rc;

	if (!at)
		return sd_fail(e, SD_INVAL, 0,
			"%s: no models in it; give the models with --schema FILE (schema.graphql, "
			"schema.js or model introspection JSON)",
			name);
	rc = sd_draft_init(&r.d, name, e);
	if (!rc)
		rc = read_all(&r, at, e);
	if (!rc)
		rc = sd_draft_finish(&r.d, out, e);
	if (rc)
		sd_draft_release(&r.d);
	return rc;
}
