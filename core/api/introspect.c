/* core/api/introspect.c - see introspect.h. */
#include "core/api/introspect.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"

static const char DOCUMENT[] =
	"query operation { __schema { types { kind name"
	" fields(includeDeprecated: true) { name args { name type { ...T } } type { ...T } }"
	" inputFields { name type { ...T } }"
	" enumValues(includeDeprecated: true) { name } } } }"
	" fragment T on __Type { kind name ofType { kind name ofType { kind name"
	" ofType { kind name } } } }";

void sd_introspection_release(struct sd_introspection *in)
{
	sd_map_release(&in->by_name, NULL);
	sd_asked_release(&in->answer);
	in->types = NULL;
}

/* Names go into texts that are read as a schema: only what GraphQL calls a name is taken. */
static bool is_name(const struct cJSON *j)
{
	const char *s = sd_json_str(j);
	size_t n = s ? strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_")
		     : 0;

	return n > 0 && n < 256 && !s[n] && (s[0] < '0' || s[0] > '9');
}

static bool names_fine(const struct cJSON *j, int depth)
{
	for (const struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c)) {
		const char *member = sd_json_name(c);
		if (member && strcmp(member, "name") == 0 && !sd_json_is_null(c) && !is_name(c))
			return false;
		if (depth == 16 || !names_fine(c, depth + 1)) /* no type is nested like that */
			return false;
	}
	return true;
}

enum sd_err sd_introspection_index(
	struct sd_introspection *in, const struct cJSON *types, struct sd_error *e)
{
	in->types = types;
	if (!names_fine(types, 0))
		return sd_fail(e, SD_PROTO, 0, "the server's schema has names that are none");
	for (struct cJSON *t = sd_json_child(types); t; t = sd_json_next(t)) {
		const char *name = sd_json_get_str(t, "name");
		if (name && !sd_map_put(&in->by_name, name, t, NULL))
			return sd_fail(e, SD_NOMEM, 0, "introspection: out of memory");
	}
	return SD_OK;
}

enum sd_err sd_introspect(struct sd_api *api, struct sd_introspection *out, struct sd_error *e)
{
	const struct cJSON *types;
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	rc = sd_api_ask(api, DOCUMENT, NULL, "__schema", &out->answer, e);
	if (rc != SD_OK)
		return rc;
	types = sd_json_get(out->answer.reply.data, "types");
	rc = sd_json_is_array(types)
		     ? sd_introspection_index(out, types, e)
		     : sd_fail(e, SD_FAILED, 0, "%s does not tell its schema: %s", api->endpoint,
			       out->answer.reply.message[0] ? out->answer.reply.message
							    : "introspection is off");
	if (rc != SD_OK)
		sd_introspection_release(out);
	return rc;
}

const struct cJSON *sd_intro_type(const struct sd_introspection *in, const char *name)
{
	return sd_map_get(&in->by_name, name);
}

const struct cJSON *sd_intro_field(const struct cJSON *type, const char *list, const char *name)
{
	const struct cJSON *f = sd_json_child(sd_json_get(type, list));

	while (f && !sd_str_eq(sd_json_get_str(f, "name"), name))
		f = sd_json_next(f);
	return f;
}

bool sd_intro_non_null(const struct cJSON *ref)
{
	return sd_str_eq(sd_json_get_str(ref, "kind"), "NON_NULL");
}

void sd_intro_type_text(const struct cJSON *ref, struct sd_buf *out)
{
	const char *kind = sd_json_get_str(ref, "kind"), *name = sd_json_get_str(ref, "name");

	if (sd_intro_non_null(ref)) {
		sd_intro_type_text(sd_json_get(ref, "ofType"), out);
		sd_buf_ch(out, '!');
	} else if (sd_str_eq(kind, "LIST")) {
		sd_buf_ch(out, '[');
		sd_intro_type_text(sd_json_get(ref, "ofType"), out);
		sd_buf_ch(out, ']');
	} else {
		sd_buf_str(out, name ? name : "?");
	}
}

const char *sd_intro_named(const struct cJSON *ref)
{
	while (ref && !sd_json_get_str(ref, "name"))
		ref = sd_json_get(ref, "ofType");
	return sd_json_get_str(ref, "name");
}

/* ---- drift ---- */

static bool say(struct cJSON *list, const char *fmt, ...) SD_PRINTF(2, 3);
static bool say(struct cJSON *list, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	return sd_json_push(list, sd_json_string(text));
}

/* The same but for "!": a server may promise more than our schema asks for. */
static bool same_shape(const char *a, const char *b)
{
	for (;;) {
		a += strspn(a, "!");
		b += strspn(b, "!");
		if (*a != *b)
			return false;
		if (!*a)
			return true;
		a++;
		b++;
	}
}

static void drift_field(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *type, struct cJSON *list)
{
	const struct cJSON *there = sd_intro_field(type, "fields", f->name), *ref;
	struct sd_buf mine = SD_BUF_INIT, theirs = SD_BUF_INIT;

	if (!there) {
		say(list, "%s.%s: the server does not have it", m->name, f->name);
		return;
	}
	ref = sd_json_get(there, "type");
	sd_field_type_text(f, &mine);
	sd_intro_type_text(ref, &theirs);
	if (!same_shape(sd_buf_text(&mine), sd_buf_text(&theirs)))
		say(list, "%s.%s: %s here, %s there", m->name, f->name, sd_buf_text(&mine),
			sd_buf_text(&theirs));
	else if (f->required && !f->list && !f->read_only && !sd_intro_non_null(ref))
		say(list, "%s.%s: required here, but the server may send null", m->name, f->name);
	sd_buf_release(&mine);
	sd_buf_release(&theirs);
}

/* What the server wants of a create and we would not send. */
static void drift_input(
	const struct sd_model *m, const struct sd_introspection *in, struct cJSON *list)
{
	char name[300];
	const struct cJSON *type;

	snprintf(name, sizeof name, "Create%sInput", m->name);
	type = sd_intro_type(in, name);
	for (const struct cJSON *f = sd_json_child(sd_json_get(type, "inputFields")); f;
		f = sd_json_next(f)) {
		const char *field = sd_json_get_str(f, "name");
		if (field && sd_intro_non_null(sd_json_get(f, "type")) && !sd_model_field(m, field))
			say(list, "%s.%s: the server requires it, it is not in the schema here",
				m->name, field);
	}
}

static void drift_enums(
	const struct sd_schema *s, const struct sd_introspection *in, struct cJSON *list)
{
	for (size_t i = 0; i < s->enum_count; i++) {
		const struct sd_enum *en = s->enums[i];
		const struct cJSON *type = sd_intro_type(in, en->name);
		for (const struct cJSON *v = sd_json_child(sd_json_get(type, "enumValues")); v;
			v = sd_json_next(v)) {
			const char *name = sd_json_get_str(v, "name");
			bool known = false;
			for (size_t k = 0; k < en->value_count && name; k++)
				known |= strcmp(en->values[k], name) == 0;
			if (name && !known)
				say(list, "enum %s: the server has %s too", en->name, name);
		}
		for (size_t k = 0; type && k < en->value_count; k++)
			if (!sd_intro_field(type, "enumValues", en->values[k]))
				say(list, "enum %s: the server has no %s", en->name, en->values[k]);
	}
}

enum sd_err sd_introspect_drift(const struct sd_schema *s, const struct sd_introspection *in,
	struct cJSON *list, struct sd_error *e)
{
	for (size_t i = 0; i < s->model_count; i++) {
		const struct sd_model *m = s->models[i];
		const struct cJSON *type = sd_intro_type(in, m->name);
		if (!m->syncable)
			continue;
		if (!type) {
			say(list, "%s: the server has no such model", m->name);
			continue;
		}
		if (!sd_intro_field(type, "fields", "_version"))
			say(list,
				"%s: has no _version: conflict detection is off on the server, so "
				"it cannot be synced; enable it there",
				m->name);
		for (size_t k = 0; k < m->field_count; k++)
			if (m->fields[k].stored && !m->fields[k].implicit)
				drift_field(m, &m->fields[k], type, list);
		drift_input(m, in, list);
	}
	drift_enums(s, in, list);
	return list ? SD_OK : sd_fail(e, SD_NOMEM, 0, "introspection: out of memory");
}
