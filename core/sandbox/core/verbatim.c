/*
 * core/sandbox/core/verbatim.c - a stored item straight into the answer, without a tree between.
 *
 * Items are stored as compact JSON by the same printer that writes answers, so a field's text can be
 * copied as it is.  Whatever is not as the type says (a null where none may be, a number where a
 * text belongs) is left to execute.c, which knows the errors: nothing is written then.
 */
#include "core/sandbox/core/internal.h"

#include <string.h>

#define FIELDS_MAX 128

struct span {
	const char *p, *end; /* p NULL: absent */
};

static bool object(struct sbx_req *r, const struct sbx_plan *fields, struct span v);

bool sbx_verbatim_can(const struct sbx_req *r, const struct sbx_plan *fields)
{
	size_t n = 0;

	if (r->names || r->raw || r->plain)
		return false;
	for (const struct sbx_plan *p = fields; p; p = p->next) {
		const struct sbx_field *f = p->def;
		if (++n > FIELDS_MAX)
			return false;
		if (f == &r->s->x.typename_field)
			continue;
		if (f->res != SBX_PLAIN || f->rules || f->owner)
			return false;
		if (f->type.type->kind == SBX_OBJECT && !sbx_verbatim_can(r, p->sub))
			return false;
	}
	return fields != NULL;
}

/* Behind a string; p is at its quote. */
static const char *skip_string(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		if (*p == '\\')
			p++;
	return p < end ? p + 1 : NULL;
}

/* Behind a value; NULL: it is none. */
static const char *skip_value(const char *p, const char *end)
{
	int depth = 0;

	do {
		if (p >= end)
			return NULL;
		if (*p == '"') {
			p = skip_string(p, end);
			if (!p)
				return NULL;
		} else if (*p == '{' || *p == '[') {
			depth++;
			p++;
		} else if (*p == '}' || *p == ']') {
			depth--;
			p++;
		} else if (*p == ',' || *p == ':') {
			if (!depth)
				return NULL;
			p++;
		} else {
			do
				p++;
			while (p < end && !strchr(",:]}{[\"", *p));
		}
	} while (depth > 0);
	return p;
}

static bool copy(struct sbx_req *r, struct span v)
{
	return sd_buf_add(r->out, v.p, (size_t)(v.end - v.p));
}

static bool leaf(struct sbx_req *r, const struct sbx_type *t, struct span v)
{
	char c = *v.p;
	bool number = (c >= '0' && c <= '9') || c == '-';

	if (t->kind == SBX_SCALAR && t->scalar == SD_T_AWSJSON)
		return sd_json_quote(r->out, v.p, (size_t)(v.end - v.p));
	if (t->kind == SBX_SCALAR && (t->scalar == SD_T_INT || t->scalar == SD_T_FLOAT ||
					     t->scalar == SD_T_AWSTIMESTAMP))
		return number && copy(r, v);
	if (t->kind == SBX_SCALAR && t->scalar == SD_T_BOOLEAN)
		return (c == 't' || c == 'f') && copy(r, v);
	return c == '"' && copy(r, v);
}

static bool one(struct sbx_req *r, const struct sbx_plan *p, struct span v, bool non_null)
{
	if (!v.p || *v.p == 'n') /* null */
		return !non_null && sd_buf_str(r->out, "null");
	if (p->def->type.type->kind == SBX_OBJECT)
		return *v.p == '{' && object(r, p->sub, v);
	return leaf(r, p->def->type.type, v);
}

static bool list(struct sbx_req *r, const struct sbx_plan *p, struct span v)
{
	struct span e = {.p = v.p + 1};

	if (*v.p != '[')
		return false;
	sd_buf_ch(r->out, '[');
	for (bool first = true; e.p < v.end && *e.p != ']'; first = false) {
		if (!first) {
			if (*e.p++ != ',')
				return false;
			sd_buf_ch(r->out, ',');
		}
		e.end = skip_value(e.p, v.end);
		if (!e.end || !one(r, p, e, p->def->type.item_non_null))
			return false;
		e.p = e.end;
	}
	return sd_buf_ch(r->out, ']');
}

static bool field(struct sbx_req *r, const struct sbx_plan *p, struct span v)
{
	if (p->def == &r->s->x.typename_field)
		return sd_json_quote(r->out, p->parent->name, strlen(p->parent->name));
	if (p->def->type.list && v.p && *v.p != 'n')
		return list(r, p, v);
	return one(r, p, v, p->def->type.non_null);
}

/* Where the values of the fields stand; false: it is no object as it was printed. */
static bool find(const struct sbx_plan *fields, struct span v, struct span *at)
{
	const char *p = v.p + 1, *end = v.end;

	if (p < end && *p == '}')
		return p + 1 == end;
	for (;;) {
		const char *name = p + 1, *name_end, *value;
		size_t n, i = 0;
		if (p >= end || *p != '"' || !(name_end = skip_string(p, end)))
			return false;
		n = (size_t)(name_end - name) - 1;
		if (name_end >= end || *name_end != ':')
			return false;
		value = name_end + 1;
		p = skip_value(value, end);
		if (!p || p >= end)
			return false;
		for (const struct sbx_plan *f = fields; f; f = f->next, i++)
			if (*f->def->name == *name && strncmp(f->def->name, name, n) == 0 &&
				!f->def->name[n])
				at[i] = (struct span){value, p};
		if (*p == '}')
			return p + 1 == end;
		if (*p++ != ',')
			return false;
	}
}

static bool object(struct sbx_req *r, const struct sbx_plan *fields, struct span v)
{
	struct span at[FIELDS_MAX] = {{0}};
	size_t i = 0;

	if (!find(fields, v, at))
		return false;
	for (const struct sbx_plan *p = fields; p; p = p->next, i++) {
		sd_buf_str(r->out, i ? ",\"" : "{\"");
		sd_buf_str(r->out, p->key);
		sd_buf_str(r->out, "\":");
		if (!field(r, p, at[i]))
			return false;
	}
	return sd_buf_ch(r->out, '}');
}

bool sbx_verbatim(struct sbx_req *r, const struct sbx_plan *fields, const char *item, size_t n)
{
	size_t before = r->out->len;

	if (n > 1 && *item == '{' && object(r, fields, (struct span){item, item + n}) &&
		sd_buf_ok(r->out))
		return true;
	if (r->out->data) {
		r->out->len = before;
		r->out->data[before] = '\0';
	}
	return false;
}
