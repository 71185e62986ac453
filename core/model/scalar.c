/* core/model/scalar.c - see scalar.h. */
#include "core/model/scalar.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/scalar_text.h"

static const char *kind_of(const struct cJSON *v)
{
	return sd_json_is_null(v)     ? "null"
	       : sd_json_is_bool(v)   ? "boolean"
	       : sd_json_is_number(v) ? "number"
	       : sd_json_is_string(v) ? "string"
	       : sd_json_is_array(v)  ? "list"
				      : "object";
}

static const char *wrong_int(const struct cJSON *v)
{
	int64_t i;

	if (!sd_json_i64(v, &i))
		return "it is no whole number";
	return i < INT32_MIN || i > INT32_MAX ? "it does not fit into 32 bits" : NULL;
}

static const char *wrong_timestamp(const struct cJSON *v)
{
	int64_t i;

	if (!sd_json_is_number(v))
		return "it is no number (seconds since 1970)";
	return sd_json_i64(v, &i) ? NULL : "it is no whole number of seconds";
}

static const char *wrong_float(const struct cJSON *v)
{
	double d;

	if (!sd_json_is_number(v))
		return "it is no number";
	return sd_json_f64(v, &d) && isfinite(d) ? NULL : "it is out of range";
}

static const char *wrong_boolean(const struct cJSON *v)
{
	return sd_json_is_bool(v) ? NULL : "it is neither true nor false";
}

static const char *wrong_id(const struct cJSON *v)
{
	int64_t i;

	return sd_json_is_string(v) || sd_json_i64(v, &i) ? NULL : "it is no text";
}

static const char *wrong_json(const struct cJSON *v)
{
	(void)v;
	return NULL; /* kept as the value it holds: anything that is JSON */
}

static const struct {
	const char *(*value)(const struct cJSON *v);
	const char *(*text)(const char *s); /* for those that are strings */
} RULE[SD_T_COUNT] = {
	[SD_T_ID] = {wrong_id, NULL},
	[SD_T_STRING] = {NULL, NULL},
	[SD_T_INT] = {wrong_int, NULL},
	[SD_T_FLOAT] = {wrong_float, NULL},
	[SD_T_BOOLEAN] = {wrong_boolean, NULL},
	[SD_T_AWSDATE] = {NULL, sd_wrong_date},
	[SD_T_AWSTIME] = {NULL, sd_wrong_time},
	[SD_T_AWSDATETIME] = {NULL, sd_wrong_datetime},
	[SD_T_AWSTIMESTAMP] = {wrong_timestamp, NULL},
	[SD_T_AWSEMAIL] = {NULL, sd_wrong_email},
	[SD_T_AWSJSON] = {wrong_json, NULL},
	[SD_T_AWSURL] = {NULL, sd_wrong_url},
	[SD_T_AWSPHONE] = {NULL, sd_wrong_phone},
	[SD_T_AWSIPADDRESS] = {NULL, sd_wrong_ip},
};

const char *sd_scalar_wrong(enum sd_scalar t, const struct cJSON *v)
{
	if (RULE[t].value)
		return RULE[t].value(v);
	if (!sd_json_is_string(v))
		return "it is no text";
	return RULE[t].text ? RULE[t].text(sd_json_str(v)) : NULL;
}

/* ---- checking ---- */

/* Where a value stands: "Post", "meta", "a"; an index for elements of lists. */
struct place {
	const struct place *up;
	const char *name;
	size_t index; /* of a list, when name is NULL */
};

static void place_text(const struct place *p, struct sd_buf *out)
{
	if (p->up)
		place_text(p->up, out);
	if (!p->name)
		sd_buf_fmt(out, "[%zu]", p->index);
	else
		sd_buf_fmt(out, "%s%s", p->up ? "." : "", p->name);
}

/* "Post.rating: what (got \"x\")"; the value cut, and safe to show */
static enum sd_err wrong(
	const struct place *p, const struct cJSON *v, const char *what, struct sd_error *e)
{
	struct sd_buf where = SD_BUF_INIT, got = SD_BUF_INIT, safe = SD_BUF_INIT;
	size_t n;

	place_text(p, &where);
	if (!v || !sd_json_print(v, &got))
		sd_buf_str(&got, "null");
	n = sd_utf8_cut(sd_buf_text(&got), got.len, 80);
	sd_text_safe(&safe, sd_buf_text(&got), n);
	sd_fail(e, SD_INVAL, 0, "%s: %s (got %s%s)", sd_buf_text(&where), what, sd_buf_text(&safe),
		n < got.len ? "..." : "");
	sd_buf_release(&where);
	sd_buf_release(&got);
	sd_buf_release(&safe);
	return SD_INVAL;
}

static enum sd_err should_be(
	const struct place *p, const char *type, const struct cJSON *v, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;

	sd_buf_fmt(&text, "Field %s should be of type %s, %s received", p->name ? p->name : "",
		type, kind_of(v));
	wrong(p, v, sd_buf_text(&text), e);
	sd_buf_release(&text);
	return SD_INVAL;
}

static enum sd_err required(const struct place *p, const char *field, struct sd_error *e)
{
	struct sd_buf where = SD_BUF_INIT;

	place_text(p, &where);
	sd_fail(e, SD_INVAL, 0, "%s: Field %s is required; give it a value", sd_buf_text(&where),
		field);
	sd_buf_release(&where);
	return SD_INVAL;
}

static enum sd_err check_field(
	const struct place *p, const struct sd_field *f, const struct cJSON *v, struct sd_error *e);

static enum sd_err check_object(
	const struct place *p, const struct sd_field *f, const struct cJSON *v, struct sd_error *e)
{
	const struct sd_nonmodel *n = f->nonmodel;
	size_t known = 0;

	if (!sd_json_is_object(v))
		return should_be(p, f->type_name, v, e);
	for (size_t i = 0; i < n->field_count; i++) {
		const struct cJSON *member = sd_json_get(v, n->fields[i].name);
		const struct place at = {p, n->fields[i].name, 0};
		enum sd_err rc = check_field(&at, &n->fields[i], member, e);

		if (rc)
			return rc;
		known += member != NULL;
	}
	if (known == sd_json_count(v))
		return SD_OK;
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c)) {
		const struct place at = {p, sd_json_name(c), 0};
		bool found = false;

		for (size_t i = 0; i < n->field_count && !found; i++)
			found = strcmp(n->fields[i].name, sd_json_name(c)) == 0;
		if (!found)
			return wrong(&at, c, "the embedded type has no such field", e);
	}
	return SD_OK;
}

static enum sd_err check_enum(
	const struct place *p, const struct sd_field *f, const struct cJSON *v, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;

	if (!sd_json_is_string(v))
		return should_be(p, f->type_name, v, e);
	for (size_t i = 0; i < f->en->value_count; i++)
		if (strcmp(f->en->values[i], sd_json_str(v)) == 0)
			return SD_OK;
	sd_buf_fmt(&text, "not a %s: it is one of", f->type_name);
	for (size_t i = 0; i < f->en->value_count && text.len < 400; i++)
		sd_buf_fmt(&text, "%s %s", i ? "," : "", f->en->values[i]);
	wrong(p, v, sd_buf_text(&text), e);
	sd_buf_release(&text);
	return SD_INVAL;
}

/* One value that is not null, of a field or of its list. */
static enum sd_err check_one(
	const struct place *p, const struct sd_field *f, const struct cJSON *v, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	const char *why, *name;

	if (f->kind == SD_K_NONMODEL)
		return check_object(p, f, v, e);
	if (f->kind == SD_K_ENUM)
		return check_enum(p, f, v, e);
	why = sd_scalar_wrong(f->scalar, v);
	if (!why)
		return SD_OK;
	name = sd_scalar_name(f->scalar);
	sd_buf_fmt(&text, "not %s %s: %s", strchr("AI", *name) ? "an" : "a", name, why);
	wrong(p, v, sd_buf_text(&text), e);
	sd_buf_release(&text);
	return SD_INVAL;
}

static enum sd_err check_field(
	const struct place *p, const struct sd_field *f, const struct cJSON *v, struct sd_error *e)
{
	size_t i = 0;

	if (sd_json_is_null(v)) {
		bool must = f->list ? !f->list_nullable : f->required;
		return must && !f->read_only ? required(p, f->name, e) : SD_OK;
	}
	if (!f->list)
		return check_one(p, f, v, e);
	if (!sd_json_is_array(v))
		return should_be(p, "list", v, e);
	for (const struct cJSON *c = sd_json_child(v); c; c = sd_json_next(c), i++) {
		const struct place at = {p, NULL, i};
		enum sd_err rc = SD_OK;

		if (!sd_json_is_null(c))
			rc = check_one(&at, f, c, e);
		else if (f->required)
			rc = wrong(&at, c, "an element of this list is never null", e);
		if (rc)
			return rc;
	}
	return SD_OK;
}

enum sd_err sd_value_check(const struct sd_model *m, const struct sd_field *f,
	const struct cJSON *v, struct sd_error *e)
{
	const struct place model = {NULL, m->name, 0}, at = {&model, f->name, 0};

	if (f->kind == SD_K_MODEL)
		return wrong(&at, v, "it is a relation; set the fields of its key", e);
	/* the service fills the timestamps in, also those the schema lists as required */
	if (sd_json_is_null(v) &&
		(sd_str_eq(f->name, m->created_at) || sd_str_eq(f->name, m->updated_at)))
		return SD_OK;
	return check_field(&at, f, v, e);
}
