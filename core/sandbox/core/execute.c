/*
 * core/sandbox/core/execute.c - values completed against their types and written straight into the
 * answer.  A null where none may be takes back what was written, up to the nearest nullable place
 * (spec/server.md 6.6).
 */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

static void take_back(struct sd_buf *out, size_t len)
{
	if (out->data && len <= out->len) {
		out->len = len;
		out->data[len] = '\0';
	}
}

static void path_text(const struct sbx_path *p, struct sd_buf *out)
{
	if (!p)
		return;
	path_text(p->up, out);
	if (p->key)
		sd_buf_fmt(out, "/%s", p->key);
	else
		sd_buf_fmt(out, "[%zu]", p->index);
}

static bool object(struct sbx_req *r, const struct sbx_plan *fields, const struct cJSON *obj,
	const struct sbx_path *up);

static bool null_error(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct sbx_path *path)
{
	struct sd_buf at = SD_BUF_INIT;

	path_text(path, &at);
	sbx_error(r, p, path, NULL,
		"Cannot return null for non-nullable type: '%s' within parent '%s' (%s)",
		ref->type->name, p->parent->name, sd_buf_text(&at));
	sd_buf_release(&at);
	return false;
}

static bool wrong_kind(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct cJSON *v, const struct sbx_path *path)
{
	struct sd_buf at = SD_BUF_INIT;
	const char *kind = sd_json_is_string(v)   ? "String"
			   : sd_json_is_number(v) ? "Number"
			   : sd_json_is_bool(v)   ? "Boolean"
			   : sd_json_is_array(v)  ? "List"
						  : "Map";

	path_text(path, &at);
	sbx_error(r, p, path, NULL, "Can't serialize value (%s) : Expected type '%s' but was '%s'.",
		sd_buf_text(&at), ref->type->name, kind);
	sd_buf_release(&at);
	return false;
}

static bool leaf(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct cJSON *v, const struct sbx_path *path)
{
	const char *text = sd_json_str(v);
	struct sd_buf json = SD_BUF_INIT;

	if (ref->type->kind == SBX_SCALAR && ref->type->scalar == SD_T_AWSJSON) {
		if (r->raw)
			return sd_json_print(v, r->out);
		/* where it comes from an event's value it is the value too, never the text */
		sd_json_print(v, &json);
		sd_json_quote(r->out, sd_buf_text(&json), json.len);
		sd_buf_release(&json);
		return true;
	}
	if (sd_json_is_object(v) || sd_json_is_array(v))
		return wrong_kind(r, p, ref, v, path);
	if (ref->type->kind == SBX_SCALAR) {
		int t = ref->type->scalar;
		bool number = t == SD_T_INT || t == SD_T_FLOAT || t == SD_T_AWSTIMESTAMP;
		if (number                  ? !sd_json_is_number(v)
			: t == SD_T_BOOLEAN ? !sd_json_is_bool(v)
					    : !text && !(t == SD_T_ID || t == SD_T_STRING))
			return wrong_kind(r, p, ref, v, path);
		if (!number && t != SD_T_BOOLEAN && !text) { /* a number as an ID or String */
			sd_buf_ch(r->out, '"');
			sd_json_print(v, r->out);
			sd_buf_ch(r->out, '"');
			return true;
		}
	}
	if (text && p->def->owner)
		text = sbx_owner_tail(text);
	if (text)
		return sd_json_quote(r->out, text, strlen(text));
	return sd_json_print(v, r->out);
}

static bool list(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct cJSON *v, const struct sbx_path *path)
{
	struct sbx_ref item = {.type = ref->type, .non_null = ref->item_non_null};
	struct sbx_path at = {.up = path};

	if (sd_json_is_object(v) && sd_json_get(v, SBX_SET))
		v = sd_json_get(v, SBX_SET);
	if (!sd_json_is_array(v))
		return wrong_kind(r, p, ref, v, path);
	sd_buf_ch(r->out, '[');
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c), at.index++) {
		if (at.index)
			sd_buf_ch(r->out, ',');
		if (!sbx_complete(r, p, &item, c, &at))
			return false;
	}
	return sd_buf_ch(r->out, ']');
}

bool sbx_complete(struct sbx_req *r, const struct sbx_plan *p, const struct sbx_ref *ref,
	const struct cJSON *v, const struct sbx_path *path)
{
	size_t start = r->out->len;
	bool ok;

	if (sd_json_is_null(v)) {
		if (ref->non_null)
			return null_error(r, p, ref, path);
		return sd_buf_str(r->out, "null");
	}
	if (ref->list)
		ok = list(r, p, ref, v, path);
	else if (ref->type->kind == SBX_OBJECT)
		ok = sd_json_is_object(v) ? object(r, p->sub, v, path)
					  : wrong_kind(r, p, ref, v, path);
	else
		ok = leaf(r, p, ref, v, path);
	if (ok)
		return true;
	take_back(r->out, start);
	return ref->non_null ? false : sd_buf_str(r->out, "null");
}

static bool one_field(struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *obj,
	const struct sbx_path *path)
{
	const struct sbx_field *f = p->def;

	if (f == &r->s->x.typename_field)
		return sd_json_quote(r->out, p->parent->name, strlen(p->parent->name));
	if ((f->res == SBX_HAS_MANY || f->res == SBX_ONE) && !r->plain)
		return sbx_resolve(r, p, obj, path);
	if (f->rules && !r->plain && !sbx_auth_field(f, r->who, SD_OP_GET_BIT, obj)) {
		sbx_error(r, p, path, "Unauthorized", "Not Authorized to access %s on type %s",
			f->name, p->parent->name);
		return f->type.non_null ? false : sd_buf_str(r->out, "null");
	}
	return sbx_complete(r, p, &f->type, sd_json_get(obj, f->name), path);
}

static bool object(struct sbx_req *r, const struct sbx_plan *fields, const struct cJSON *obj,
	const struct sbx_path *up)
{
	struct sbx_path path = {.up = up};
	bool first = true;

	sd_buf_ch(r->out, '{');
	for (const struct sbx_plan *p = fields; p; p = p->next) {
		if (r->names && p->again)
			continue;
		path.key = r->names ? p->def->name : p->key;
		sd_buf_str(r->out, first ? "\"" : ",\"");
		sd_buf_str(r->out, path.key); /* a GraphQL name needs no escapes */
		sd_buf_str(r->out, "\":");
		first = false;
		if (!one_field(r, p, obj, &path))
			return false;
	}
	return sd_buf_ch(r->out, '}');
}

/* AWSJSON stays the value it holds; owners are shortened like in any answer. */
struct cJSON *sbx_project(
	struct sbx_req *r, const struct sbx_plan *p, const struct cJSON *item, bool raw, bool plain)
{
	struct sbx_req sub = *r;
	struct sd_buf out = SD_BUF_INIT;
	struct cJSON *j = NULL;
	struct sbx_path path = {.key = p->key};

	sub.out = &out;
	sub.errors = sd_json_array();
	sub.names = true;
	sub.raw = raw;
	sub.plain = plain;
	if (sub.errors && object(&sub, p->sub, item, &path) && sd_buf_ok(&out))
		(void)!sd_json_parse(sd_buf_text(&out), out.len, "event", &j, NULL);
	sd_json_free(sub.errors);
	sd_buf_release(&out);
	r->arena = sub.arena;
	r->oom = r->oom || sub.oom;
	return j;
}

static bool root(struct sbx_req *r, const struct sbx_plan *p)
{
	struct sbx_path path = {.key = p->key};

	if (p->def == &r->s->x.typename_field)
		return sd_json_quote(r->out, p->parent->name, strlen(p->parent->name));
	if (p->def->res == SBX_INTROSPECT)
		return sbx_introspect(r, p, &path);
	return sbx_resolve(r, p, NULL, &path);
}

void sbx_execute(struct sbx_req *r, const struct sbx_plan *roots)
{
	const struct sbx_plan *p = roots;

	if (r->stopped) {
		p = r->stopped;
		r->stopped = NULL;
	} else {
		sd_buf_str(r->out, "{\"data\":");
		r->data_at = r->out->len;
	}
	for (; p; p = p->next) {
		size_t before = r->out->len;
		bool ok;
		sd_buf_ch(r->out, p == roots ? '{' : ',');
		sd_json_quote(r->out, p->key, strlen(p->key));
		sd_buf_ch(r->out, ':');
		ok = root(r, p);
		if (r->stopped) {
			take_back(r->out, before);
			return;
		}
		if (!ok) {
			take_back(r->out, r->data_at);
			sd_buf_str(r->out, "null");
			return;
		}
		if (!p->next)
			sd_buf_ch(r->out, '}');
	}
	if (!roots)
		sd_buf_str(r->out, "{}");
}
