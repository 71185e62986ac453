/* core/model/read_sdl.c - types and fields of an SDL document.  See sdl_read.h. */
#include "core/model/sdl_read.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

/* Directives whose fields are answered by something else than the record. */
static const char *const COMPUTED[] = {
	"http", "function", "predictions", "conversation", "generation"};
/* Directives that change nothing here; @auth of a field is the service's business. */
static const char *const NOTED[] = {"searchable", "versioned", "predictions", "function", "http",
	"mapsTo", "refersTo", "sql", "conversation", "generation"};

#define COUNT(a) (sizeof(a) / sizeof *(a))

const char *sd_sdl_text(const struct sd_sdl_directive *dir, const char *arg)
{
	const struct sd_sdl_value *v = sd_sdl_arg(dir, arg);

	return v && (v->kind == SD_SDL_STRING || v->kind == SD_SDL_ENUM) ? v->text : NULL;
}

enum sd_err sd_sdl_names(const struct sd_sdl_reader *r, const struct sd_sdl_directive *dir,
	const char *arg, char ***out, size_t *n, struct sd_error *e)
{
	const struct sd_sdl_value *v = sd_sdl_arg(dir, arg);

	if (!v || v->kind == SD_SDL_NULL)
		return SD_OK;
	if (v->kind == SD_SDL_STRING)
		return sd_names_add(out, n, v->text) ? SD_OK : sd_draft_nomem(e);
	for (size_t i = 0; v->kind == SD_SDL_LIST && i < v->count; i++) {
		const struct sd_sdl_value *item = &v->items[i];
		if (item->kind != SD_SDL_STRING)
			return sd_draft_fail(&r->d, item->line, item->column, e,
				"@%s: \"%s\" takes field names in quotes", dir->name, arg);
		if (!sd_names_add(out, n, item->text))
			return sd_draft_nomem(e);
	}
	if (v->kind != SD_SDL_LIST)
		return sd_draft_fail(&r->d, v->line, v->column, e,
			"@%s: \"%s\" takes a list of field names", dir->name, arg);
	return SD_OK;
}

/* ---- which definition is what ---- */

static const char *root_name(const struct sd_sdl_doc *doc, const char *operation, const char *usual)
{
	const struct sd_sdl_def *s = sd_sdl_find(doc, "schema");

	for (size_t i = 0; s && s->kind == SD_SDL_DEF_SCHEMA && i < s->field_count; i++)
		if (strcmp(s->fields[i].name, operation) == 0)
			return s->fields[i].type.name;
	return usual;
}

static bool is_root(const struct sd_sdl_reader *r, const char *name)
{
	for (int i = 0; i < 3; i++)
		if (strcmp(name, r->root[i]) == 0)
			return true;
	return false;
}

static const char *const KIND_NAME[] = {
	[SD_SDL_DEF_TYPE] = "type",
	[SD_SDL_DEF_INPUT] = "input",
	[SD_SDL_DEF_ENUM] = "enum",
	[SD_SDL_DEF_INTERFACE] = "interface",
	[SD_SDL_DEF_UNION] = "union",
	[SD_SDL_DEF_SCALAR] = "scalar",
	[SD_SDL_DEF_DIRECTIVE] = "directive",
	[SD_SDL_DEF_SCHEMA] = "schema",
};

static enum sd_err note_ignored(
	struct sd_sdl_reader *r, const struct sd_sdl_def *def, const char *why, struct sd_error *e)
{
	return sd_draft_note(&r->d, "%s:%u: %s %s ignored: %s", r->d.file, def->line,
		       KIND_NAME[def->kind], def->name, why)
		       ? SD_OK
		       : sd_draft_nomem(e);
}

static enum sd_err make_enum(
	struct sd_sdl_reader *r, const struct sd_sdl_def *def, struct sd_error *e)
{
	struct sd_enum *en = sd_draft_enum(&r->d, def->name);

	for (size_t i = 0; en && i < def->value_count; i++)
		if (!sd_names_add(&en->values, &en->value_count, def->values[i]))
			en = NULL;
	return en ? SD_OK : sd_draft_nomem(e);
}

static enum sd_err make_model(
	struct sd_sdl_reader *r, const struct sd_sdl_def *def, struct sd_error *e)
{
	const struct sd_sdl_def **at;

	if (is_root(r, def->name))
		return sd_draft_fail(&r->d, def->line, def->column, e,
			"type %s cannot be a @model: it is the API's root type; give it another "
			"name",
			def->name);
	if (!sd_draft_model(&r->d, def->name, def->line))
		return sd_draft_nomem(e);
	at = SD_GROW(r->defs, r->def_count);
	if (!at)
		return sd_draft_nomem(e);
	*at = def;
	return SD_OK;
}

/* First pass: every name that a field's type may use. */
static enum sd_err make_type(
	struct sd_sdl_reader *r, const struct sd_sdl_def *def, struct sd_error *e)
{
	bool is_model = sd_sdl_directive(def->directives, def->directive_count, "model") != NULL;

	if (sd_draft_has_type(&r->d, def->name))
		return sd_draft_fail(&r->d, def->line, def->column, e,
			"type %s is defined twice; remove or rename one", def->name);
	switch (def->kind) {
	case SD_SDL_DEF_ENUM:
		return make_enum(r, def, e);
	case SD_SDL_DEF_TYPE:
		if (is_model)
			return make_model(r, def, e);
		if (is_root(r, def->name))
			return note_ignored(r, def, "custom operations are not stored", e);
		return sd_draft_nonmodel(&r->d, def->name, def->line) ? SD_OK : sd_draft_nomem(e);
	case SD_SDL_DEF_INPUT:
		return note_ignored(r, def,
			strcmp(def->name, "AMPLIFY") == 0 ? "settings of the backend"
							  : "inputs are not stored",
			e);
	case SD_SDL_DEF_INTERFACE:
	case SD_SDL_DEF_UNION:
		return note_ignored(r, def, "abstract types are not stored", e);
	default:
		return SD_OK;
	}
}

/* ---- fields ---- */

/* Why a field is left out; NULL when it is not. */
static const char *left_out(const struct sd_sdl_reader *r, const struct sd_sdl_field *f)
{
	const struct sd_sdl_def *def;

	if (sd_draft_is_metadata(f->name))
		return "every record has it";
	for (size_t i = 0; i < COUNT(COMPUTED); i++)
		if (sd_sdl_directive(f->directives, f->directive_count, COMPUTED[i]))
			return "it is computed by the backend, not stored";
	if (sd_map_has(&r->d.s->by_name, f->type.name))
		return sd_sdl_relation(f) ? NULL
					  : "its type is a model, but no relation directive stands "
					    "behind it (@hasMany, @hasOne, @belongsTo)";
	if (sd_map_has(&r->d.s->types, f->type.name) || sd_scalar_parse(f->type.name) >= 0)
		return NULL;
	def = sd_sdl_find(r->doc, f->type.name);
	if (def && (def->kind == SD_SDL_DEF_INTERFACE || def->kind == SD_SDL_DEF_UNION))
		return "its type is abstract";
	return NULL;
}

static enum sd_err not_defined(const struct sd_sdl_reader *r, const struct sd_sdl_def *def,
	const struct sd_sdl_field *f, struct sd_error *e)
{
	int scalar = sd_scalar_parse(f->type.name);

	if (scalar >= 0)
		return sd_draft_fail(&r->d, f->line, f->column, e,
			"type \"%s\" of field %s.%s is not defined; write %s", f->type.name,
			def->name, f->name, sd_scalar_name((enum sd_scalar)scalar));
	return sd_draft_fail(&r->d, f->line, f->column, e,
		"type \"%s\" of field %s.%s is not defined; define it, or use a scalar such as "
		"String, Int or AWSDateTime",
		f->type.name, def->name, f->name);
}

static enum sd_err fill_field(struct sd_sdl_reader *r, const struct sd_sdl_def *def,
	const struct sd_sdl_field *from, struct sd_field *f, struct sd_error *e)
{
	const struct sd_sdl_directive *dir =
		sd_sdl_directive(from->directives, from->directive_count, "default");
	const struct sd_sdl_value *value = sd_sdl_arg(dir, "value");

	f->line = from->line;
	f->list = from->type.list;
	f->required = from->type.non_null;
	f->list_nullable = from->type.list && !from->type.list_non_null;
	if (from->type.depth > 1)
		return sd_draft_fail(&r->d, from->line, from->column, e,
			"%s.%s: lists of lists are not supported by the service", def->name,
			from->name);
	if (!sd_draft_type(&r->d, f)) {
		const struct sd_sdl_def *other = sd_sdl_find(r->doc, from->type.name);
		if (!other || other->kind != SD_SDL_DEF_SCALAR)
			return not_defined(r, def, from, e);
		/* `scalar X`: not of the service; carried as text */
		f->kind = SD_K_SCALAR;
		f->scalar = SD_T_STRING;
		f->stored = true;
		if (!sd_draft_note(&r->d, "%s:%u: %s.%s: scalar %s is treated as String", r->d.file,
			    from->line, def->name, from->name, from->type.name))
			return sd_draft_nomem(e);
	}
	if (value && value->text && value->kind != SD_SDL_NULL) {
		f->default_value = strdup(value->text);
		if (!f->default_value)
			return sd_draft_nomem(e);
	}
	return SD_OK;
}

static enum sd_err note_field(struct sd_sdl_reader *r, const struct sd_sdl_def *def,
	const struct sd_sdl_field *f, const char *why, struct sd_error *e)
{
	return sd_draft_note(&r->d, "%s:%u: field %s.%s ignored: %s", r->d.file, f->line, def->name,
		       f->name, why)
		       ? SD_OK
		       : sd_draft_nomem(e);
}

static enum sd_err twice(const struct sd_sdl_reader *r, const struct sd_sdl_def *def,
	const struct sd_sdl_field *f, struct sd_error *e)
{
	return sd_draft_fail(&r->d, f->line, f->column, e,
		"field %s.%s is defined twice; remove or rename one", def->name, f->name);
}

static enum sd_err model_fields(struct sd_sdl_reader *r, struct sd_model *m,
	const struct sd_sdl_def *def, struct sd_error *e)
{
	for (size_t i = 0; i < def->field_count; i++) {
		const struct sd_sdl_field *from = &def->fields[i];
		const char *why = left_out(r, from);
		struct sd_field *f;
		enum sd_err rc;

		if (why) {
			rc = note_field(r, def, from, why, e);
			if (rc)
				return rc;
			continue;
		}
		if (sd_draft_at(m, from->name) >= 0)
			return twice(r, def, from, e);
		f = sd_draft_field(m, from->name, from->type.name);
		if (!f)
			return sd_draft_nomem(e);
		rc = fill_field(r, def, from, f, e);
		if (rc)
			return rc;
	}
	return SD_OK;
}

static enum sd_err nonmodel_fields(struct sd_sdl_reader *r, struct sd_nonmodel *n,
	const struct sd_sdl_def *def, struct sd_error *e)
{
	struct sd_map seen = SD_MAP_INIT;
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < def->field_count; i++) {
		const struct sd_sdl_field *from = &def->fields[i];
		const char *why = left_out(r, from);
		struct sd_field *f;

		if (!why && sd_map_has(&r->d.s->by_name, from->type.name))
			why = "a relation inside an embedded type";
		if (why) {
			rc = note_field(r, def, from, why, e);
			continue;
		}
		if (sd_map_has(&seen, from->name)) {
			rc = twice(r, def, from, e);
			continue;
		}
		f = SD_GROW(n->fields, n->field_count);
		if (f) {
			f->name = strdup(from->name);
			f->type_name = strdup(from->type.name);
		}
		if (!f || !f->name || !f->type_name || !sd_map_put(&seen, from->name, n, NULL))
			rc = sd_draft_nomem(e);
		else
			rc = fill_field(r, def, from, f, e);
	}
	sd_map_release(&seen, NULL);
	return rc;
}

static enum sd_err note_directives(
	struct sd_sdl_reader *r, const struct sd_sdl_def *def, struct sd_error *e)
{
	for (size_t i = 0; i < COUNT(NOTED); i++) {
		const struct sd_sdl_directive *dir =
			sd_sdl_directive(def->directives, def->directive_count, NOTED[i]);
		if (dir && !sd_draft_note(&r->d, "%s:%u: @%s of type %s ignored", r->d.file,
				   dir->line, dir->name, def->name))
			return sd_draft_nomem(e);
	}
	return SD_OK;
}

static enum sd_err read_fields(struct sd_sdl_reader *r, struct sd_error *e)
{
	enum sd_err rc = SD_OK;
	size_t nonmodel = 0;

	for (size_t i = 0; !rc && i < r->def_count; i++) {
		rc = model_fields(r, r->d.s->models[i], r->defs[i], e);
		if (!rc)
			rc = note_directives(r, r->defs[i], e);
	}
	for (size_t i = 0; !rc && i < r->doc->def_count; i++) {
		const struct sd_sdl_def *def = &r->doc->defs[i];
		if (nonmodel < r->d.s->nonmodel_count &&
			def->line == r->d.s->nonmodels[nonmodel]->line &&
			strcmp(def->name, r->d.s->nonmodels[nonmodel]->name) == 0 &&
			def->kind == SD_SDL_DEF_TYPE)
			rc = nonmodel_fields(r, r->d.s->nonmodels[nonmodel++], def, e);
	}
	return rc;
}

static enum sd_err read_doc(struct sd_sdl_reader *r, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	r->root[0] = root_name(r->doc, "query", "Query");
	r->root[1] = root_name(r->doc, "mutation", "Mutation");
	r->root[2] = root_name(r->doc, "subscription", "Subscription");
	for (size_t i = 0; !rc && i < r->doc->def_count; i++)
		rc = make_type(r, &r->doc->defs[i], e);
	if (!rc)
		rc = read_fields(r, e);
	for (size_t i = 0; !rc && i < r->def_count; i++)
		rc = sd_sdl_read_model(r, r->d.s->models[i], r->defs[i], e);
	if (!rc)
		rc = sd_sdl_read_joins(r, e);
	if (!rc)
		rc = sd_sdl_read_relations(r, e);
	return rc;
}

enum sd_err sd_read_sdl(
	const char *text, size_t n, const char *name, struct sd_schema **out, struct sd_error *e)
{
	struct sd_sdl_reader r = {0};
	struct sd_sdl_doc *doc = NULL;
	enum sd_err rc = sd_sdl_parse(text, n, name, &doc, e);

	if (rc)
		return rc;
	r.doc = doc;
	rc = sd_draft_init(&r.d, name, e);
	r.d.strict = true;
	if (!rc)
		rc = read_doc(&r, e);
	if (!rc)
		rc = sd_draft_finish(&r.d, out, e);
	free(r.defs);
	if (rc) {
		sd_draft_release(&r.d);
		sd_sdl_free(doc);
		return rc;
	}
	(*out)->sdl = doc;
	return SD_OK;
}
