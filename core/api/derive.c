/* core/api/derive.c - see derive.h. */
#include "core/api/derive.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

#define NAME 300 /* room for a composed name */

struct derive {
	const struct sd_introspection *in;
	const struct cJSON *query; /* the Query type */
	struct sd_buf *out;
	struct cJSON *notes;
	struct sd_map used; /* enums and embedded types that fields have */
};

static void note(struct derive *d, const char *fmt, ...) SD_PRINTF(2, 3);
static void note(struct derive *d, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sd_json_push(d->notes, sd_json_string(text));
}

/* ---- what is a model, what belongs to it ---- */

static const struct cJSON *typef(const struct derive *d, const char *fmt, const char *name)
{
	char full[NAME];

	if (strlen(name) + strlen(fmt) >= sizeof full)
		return NULL;
	snprintf(full, sizeof full, "%.*s%s%s", (int)strcspn(fmt, "*"), fmt, name,
		strchr(fmt, '*') + 1);
	return sd_intro_type(d->in, full);
}

static bool is_model(const struct derive *d, const char *name)
{
	const struct cJSON *t = name ? sd_intro_type(d->in, name) : NULL;

	return t && sd_str_eq(sd_json_get_str(t, "kind"), "OBJECT") &&
	       typef(d, "Model*Connection", name);
}

/* The model that a connection type holds: ModelXConnection -> X; false: it is none. */
static bool connection_of(const struct derive *d, const char *type, char out[NAME])
{
	size_t n = type ? strlen(type) : 0;

	if (n <= 15 || n >= NAME || !sd_str_starts(type, "Model") ||
		!sd_str_ends(type, "Connection"))
		return false;
	snprintf(out, NAME, "%.*s", (int)(n - 15), type + 5);
	return is_model(d, out);
}

static const struct cJSON *get_query(const struct derive *d, const char *model)
{
	char name[NAME];

	snprintf(name, sizeof name, "get%s", model);
	return sd_intro_field(d->query, "fields", name);
}

/* The i-th part of a model's key; NULL behind the last. */
static const char *key_part(const struct derive *d, const char *model, size_t i)
{
	const struct cJSON *get = get_query(d, model), *a;

	if (!get)
		return i == 0 ? "id" : NULL;
	for (a = sd_json_child(sd_json_get(get, "args")); a && i; a = sd_json_next(a))
		i--;
	return sd_json_get_str(a, "name");
}

static bool has_column(const struct derive *d, const char *model, const char *name)
{
	const struct cJSON *t = sd_intro_type(d->in, model);
	const struct cJSON *f = sd_intro_field(t, "fields", name);

	if (f)
		return !is_model(d, sd_intro_named(sd_json_get(f, "type")));
	return sd_intro_field(typef(d, "Create*Input", model), "inputFields", name) != NULL;
}

static bool writable(const struct derive *d, const char *model, const char *name)
{
	return sd_intro_field(typef(d, "Create*Input", model), "inputFields", name) ||
	       sd_intro_field(typef(d, "Update*Input", model), "inputFields", name);
}

/* postCommentsId: the column that a relation without one of its own is given: server.md 1.8. */
static void implied(const char *model, const char *field, const char *part, char out[NAME])
{
	snprintf(out, NAME, "%c%.90s%c%.90s%c%.90s", tolower((unsigned char)model[0]), model + 1,
		toupper((unsigned char)field[0]), field + 1, toupper((unsigned char)part[0]),
		part + 1);
}

/* All columns that owner.field implies for the key of `of`, are they in `in`? */
static bool all_implied(const struct derive *d, const char *owner, const char *field,
	const char *of, const char *in)
{
	char name[NAME];
	const char *part;

	for (size_t i = 0; (part = key_part(d, of, i)); i++) {
		implied(owner, field, part, name);
		if (!has_column(d, in, name))
			return false;
	}
	return true;
}

/* A column of `model` that by its name leads to `to`: field or to, with Id or ID behind. */
static bool named_column(const struct derive *d, const char *model, const char *field,
	const char *to, char out[NAME])
{
	static const char *const TAIL[] = {"Id", "ID", "_id"};

	for (size_t i = 0; i < sizeof TAIL / sizeof *TAIL; i++) {
		if (field) {
			snprintf(out, NAME, "%.200s%s", field, TAIL[i]);
			if (has_column(d, model, out))
				return true;
		}
		snprintf(out, NAME, "%c%.200s%s", tolower((unsigned char)to[0]), to + 1, TAIL[i]);
		if (has_column(d, model, out))
			return true;
	}
	return false;
}

/* The field of `model` that is a connection to, or (many false) one of, `to`; NULL. */
static const char *field_towards(
	const struct derive *d, const char *model, const char *to, bool many)
{
	const struct cJSON *t = sd_intro_type(d->in, model);
	char child[NAME];

	for (const struct cJSON *f = sd_json_child(sd_json_get(t, "fields")); f;
		f = sd_json_next(f)) {
		const char *type = sd_intro_named(sd_json_get(f, "type"));
		if (many ? connection_of(d, type, child) && strcmp(child, to) == 0
			 : sd_str_eq(type, to))
			return sd_json_get_str(f, "name");
	}
	return NULL;
}

/* ---- relations ---- */

static void has_many(struct derive *d, const char *model, const char *field, const char *child)
{
	const char *back = field_towards(d, child, model, false);
	char column[NAME];

	sd_buf_fmt(d->out, "  %s: [%s] @hasMany", field, child);
	if (all_implied(d, model, field, model, child))
		sd_buf_ch(d->out, '\n');
	else if (named_column(d, child, back, model, column))
		sd_buf_fmt(d->out, "(references: [\"%s\"])\n", column);
	else
		note(d, "%s.%s: which column of %s it goes by is not told", model, field, child),
			sd_buf_ch(d->out, '\n');
}

/* The other end of a relation that a column of this model, or of the other one, carries. */
static void one(
	struct derive *d, const char *model, const char *field, const char *to, bool required)
{
	const char *many = field_towards(d, to, model, true);
	const char *back = field_towards(d, to, model, false);
	char column[NAME];

	sd_buf_fmt(d->out, "  %s: %s%s ", field, to, required ? "!" : "");
	if (many && all_implied(d, to, many, to, model))
		sd_buf_str(d->out, "@belongsTo\n");
	else if (many && named_column(d, model, field, to, column))
		sd_buf_fmt(d->out, "@belongsTo(references: [\"%s\"])\n", column);
	else if (all_implied(d, model, field, to, model))
		sd_buf_str(d->out, back && strcmp(model, to) > 0 ? "@belongsTo\n" : "@hasOne\n");
	else if (back && named_column(d, to, back, model, column))
		sd_buf_fmt(d->out, "@hasOne(references: [\"%s\"])\n", column);
	else if (named_column(d, model, field, to, column))
		sd_buf_fmt(d->out,
			back ? "@belongsTo(references: [\"%s\"])\n"
			     : "@belongsTo(fields: [\"%s\"])\n",
			column);
	else
		note(d, "%s.%s: which column it goes by is not told", model, field),
			sd_buf_str(d->out, "@belongsTo\n");
}

/* Is the column only there because a relation implies it?  Then the relation brings it back. */
static bool is_implied(const struct derive *d, const char *model, const char *column)
{
	for (const struct cJSON *t = sd_json_child(d->in->types); t; t = sd_json_next(t)) {
		const char *owner = sd_json_get_str(t, "name");
		char child[NAME], name[NAME];
		if (!owner || !is_model(d, owner))
			continue;
		for (const struct cJSON *f = sd_json_child(sd_json_get(t, "fields")); f;
			f = sd_json_next(f)) {
			const char *type = sd_intro_named(sd_json_get(f, "type")), *part;
			const char *field = sd_json_get_str(f, "name");
			const char *of = NULL;
			if (connection_of(d, type, child) && strcmp(child, model) == 0)
				of = owner; /* our column holds the owner's key */
			else if (strcmp(owner, model) == 0 && is_model(d, type))
				of = type;
			for (size_t i = 0; of && field && (part = key_part(d, of, i)); i++) {
				implied(owner, field, part, name);
				if (strcmp(name, column) == 0)
					return true;
			}
		}
	}
	return false;
}

/* ---- fields ---- */

static void put_indexes(struct derive *d, const char *model, const char *field)
{
	char child[NAME];

	for (const struct cJSON *q = sd_json_child(sd_json_get(d->query, "fields")); q;
		q = sd_json_next(q)) {
		const struct cJSON *args = sd_json_child(sd_json_get(q, "args"));
		const struct cJSON *sort = args ? sd_json_next(args) : NULL;
		const char *type = sd_intro_named(sd_json_get(q, "type"));
		const char *name = sd_json_get_str(q, "name"), *by;
		bool directed = false;
		for (const struct cJSON *a = args; a; a = sd_json_next(a))
			directed |= sd_str_eq(sd_json_get_str(a, "name"), "sortDirection");
		if (!name || !directed || !connection_of(d, type, child) ||
			strcmp(child, model) != 0 ||
			!sd_str_eq(sd_json_get_str(args, "name"), field) ||
			!sd_intro_non_null(sd_json_get(args, "type")))
			continue;
		sd_buf_fmt(d->out, " @index(name: \"%s\", queryField: \"%s\"", name, name);
		by = sd_json_get_str(sort, "name");
		if (by && has_column(d, model, by))
			sd_buf_fmt(d->out, ", sortKeyFields: [\"%s\"]", by);
		sd_buf_ch(d->out, ')');
	}
}

static void put_key(struct derive *d, const char *model, const char *field)
{
	const char *first = key_part(d, model, 0), *part;

	if (!first || strcmp(first, field) != 0)
		return;
	if (!key_part(d, model, 1) && strcmp(first, "id") == 0)
		return;
	sd_buf_str(d->out, " @primaryKey");
	for (size_t i = 1; (part = key_part(d, model, i)); i++)
		sd_buf_fmt(d->out, "%s\"%s\"", i == 1 ? "(sortKeyFields: [" : ", ", part);
	if (key_part(d, model, 1))
		sd_buf_str(d->out, "])");
}

static void put_column(
	struct derive *d, const char *model, const char *name, const struct cJSON *ref)
{
	const char *type = sd_intro_named(ref);

	sd_buf_fmt(d->out, "  %s: ", name);
	sd_intro_type_text(ref, d->out);
	put_key(d, model, name);
	put_indexes(d, model, name);
	sd_buf_ch(d->out, '\n');
	if (type)
		sd_map_put(&d->used, type, d, NULL);
}

static bool of_the_service(const char *name)
{
	static const char *const OWN[] = {"_version", "_deleted", "_lastChangedAt", "__typename"};

	for (size_t i = 0; i < sizeof OWN / sizeof *OWN; i++)
		if (strcmp(name, OWN[i]) == 0)
			return true;
	return false;
}

static void put_field(struct derive *d, const char *model, const struct cJSON *f)
{
	const char *name = sd_json_get_str(f, "name");
	const struct cJSON *ref = sd_json_get(f, "type");
	const char *type = sd_intro_named(ref);
	char child[NAME];

	if (!name || !type || of_the_service(name))
		return;
	if (connection_of(d, type, child))
		has_many(d, model, name, child);
	else if (is_model(d, type))
		one(d, model, name, type, sd_intro_non_null(ref));
	else if (is_implied(d, model, name))
		return;
	else if (writable(d, model, name) || sd_str_eq(key_part(d, model, 0), name))
		put_column(d, model, name, ref);
	else if (strcmp(name, "createdAt") != 0 && strcmp(name, "updatedAt") != 0)
		note(d, "%s.%s: the server computes it; it is left out", model, name);
}

/* Columns that only the inputs have. */
static void put_input_only(struct derive *d, const char *model, const struct cJSON *type)
{
	const struct cJSON *input = typef(d, "Create*Input", model);

	for (const struct cJSON *f = sd_json_child(sd_json_get(input, "inputFields")); f;
		f = sd_json_next(f)) {
		const char *name = sd_json_get_str(f, "name");
		if (name && !of_the_service(name) && !sd_intro_field(type, "fields", name) &&
			!is_implied(d, model, name))
			put_column(d, model, name, sd_json_get(f, "type"));
	}
}

static void put_model(struct derive *d, const char *model)
{
	const struct cJSON *type = sd_intro_type(d->in, model);

	sd_buf_fmt(d->out, "\ntype %s @model {\n", model);
	for (const struct cJSON *f = sd_json_child(sd_json_get(type, "fields")); f;
		f = sd_json_next(f))
		put_field(d, model, f);
	put_input_only(d, model, type);
	sd_buf_str(d->out, "}\n");
	if (!sd_intro_field(type, "fields", "_version"))
		note(d, "%s: conflict detection is off on the server; it cannot be synced", model);
}

/* ---- enums and embedded types, and what those have in turn ---- */

static void put_type(struct derive *d, const struct cJSON *type)
{
	const char *kind = sd_json_get_str(type, "kind"), *name = sd_json_get_str(type, "name");

	if (sd_str_eq(kind, "ENUM")) {
		sd_buf_fmt(d->out, "\nenum %s {\n", name);
		for (const struct cJSON *v = sd_json_child(sd_json_get(type, "enumValues")); v;
			v = sd_json_next(v))
			sd_buf_fmt(d->out, "  %s\n", sd_json_get_str(v, "name"));
		sd_buf_str(d->out, "}\n");
		return;
	}
	sd_buf_fmt(d->out, "\ntype %s {\n", name);
	for (const struct cJSON *f = sd_json_child(sd_json_get(type, "fields")); f;
		f = sd_json_next(f)) {
		const char *inner = sd_intro_named(sd_json_get(f, "type"));
		sd_buf_fmt(d->out, "  %s: ", sd_json_get_str(f, "name"));
		sd_intro_type_text(sd_json_get(f, "type"), d->out);
		sd_buf_ch(d->out, '\n');
		if (inner)
			sd_map_put(&d->used, inner, d, NULL);
	}
	sd_buf_str(d->out, "}\n");
}

static void put_used(struct derive *d)
{
	struct sd_map done = SD_MAP_INIT;
	bool more = true;

	while (more) {
		more = false;
		for (const struct cJSON *t = sd_json_child(d->in->types); t; t = sd_json_next(t)) {
			const char *name = sd_json_get_str(t, "name");
			const char *kind = sd_json_get_str(t, "kind");
			if (!name || !sd_map_has(&d->used, name) || sd_map_has(&done, name) ||
				(!sd_str_eq(kind, "ENUM") && !sd_str_eq(kind, "OBJECT")))
				continue;
			if (!sd_map_put(&done, name, d, NULL))
				break;
			put_type(d, t);
			more = true;
		}
	}
	sd_map_release(&done, NULL);
}

enum sd_err sd_derive_sdl(const struct sd_introspection *in, struct sd_buf *out,
	struct cJSON *notes, struct sd_error *e)
{
	struct derive d = {
		.in = in, .out = out, .notes = notes, .query = sd_intro_type(in, "Query")};
	size_t models = 0;

	sd_buf_str(out,
		"# Told from the server's introspection.  It does not tell who may do what "
		"(@auth), the\n"
		"# names of indexes, defaults or conflict strategies: those are not here.\n");
	for (const struct cJSON *t = sd_json_child(in->types); t; t = sd_json_next(t)) {
		const char *name = sd_json_get_str(t, "name");
		if (!name || !is_model(&d, name))
			continue;
		put_model(&d, name);
		models++;
	}
	put_used(&d);
	sd_map_release(&d.used, NULL);
	if (!models)
		return sd_fail(e, SD_FAILED, 0, "the server has no models");
	return sd_buf_ok(out) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "pull: out of memory");
}
