/* core/model/predicate_value.c - which operators and values a field takes; see predicate_parse.h. */
#include "core/model/predicate_parse.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

#define BIT(op)  (1u << (op))
#define SAME     (BIT(SD_P_EQ) | BIT(SD_P_NE))
#define AMONG    (BIT(SD_P_IN) | BIT(SD_P_NOT_IN))
#define ORDER    (BIT(SD_P_LT) | BIT(SD_P_LE) | BIT(SD_P_GT) | BIT(SD_P_GE) | BIT(SD_P_BETWEEN))
#define CONTAINS (BIT(SD_P_CONTAINS) | BIT(SD_P_NOT_CONTAINS))
#define TEXT     (SAME | ORDER | CONTAINS | BIT(SD_P_BEGINS_WITH) | AMONG)

static const struct kind {
	unsigned ops;
	bool null_only;       /* = and != take null only */
	const char *expected; /* what a value must be */
} KINDS[SD_PV_COUNT] = {
	[SD_PV_TEXT] = {TEXT, false, "a text"},
	[SD_PV_DATE] = {TEXT | BIT(SD_P_LAST), false, "a date such as 2026-11-22"},
	[SD_PV_DATETIME] = {TEXT | BIT(SD_P_LAST), false, "a time such as 2026-11-22T10:00:00Z"},
	[SD_PV_INT] = {SAME | ORDER | AMONG, false, "a whole number"},
	[SD_PV_FLOAT] = {SAME | ORDER | AMONG, false, "a number"},
	[SD_PV_SECONDS] = {SAME | ORDER | AMONG | BIT(SD_P_LAST), false,
		"seconds since 1970 or a date"},
	[SD_PV_MILLIS] = {SAME | ORDER | AMONG | BIT(SD_P_LAST), false,
		"milliseconds since 1970 or a date"},
	[SD_PV_BOOL] = {SAME | AMONG, false, "true or false"},
	[SD_PV_ENUM] = {SAME | AMONG | CONTAINS | BIT(SD_P_BEGINS_WITH), false, "an enum value"},
	[SD_PV_STATE] = {SAME | AMONG, false,
		"one of synced, pending, local, sending, conflict, refused, quarantined"},
	[SD_PV_JSON] = {SAME | CONTAINS, true, "a text"},
	[SD_PV_EMBEDDED] = {SAME, true, "null"},
};

/* A list is asked what it contains; whole lists are compared with null only. */
static unsigned ops_of(const struct sd_pred *leaf, bool *null_only)
{
	const struct kind *k = &KINDS[sd_pred_value_of(leaf->field, leaf->meta)];

	*null_only = k->null_only || sd_pred_is_list(leaf);
	if (!sd_pred_is_list(leaf))
		return k->ops;
	return k->null_only ? SAME : SAME | CONTAINS;
}

bool sd_pparse_op(struct sd_pparse *p, const struct sd_pred *leaf, const struct sd_ptok *t)
{
	static const char *const SYMBOL[SD_P_OP_COUNT] = {"=", "!=", "<", "<=", ">", ">="};
	struct sd_buf b = SD_BUF_INIT;
	bool null_only;
	unsigned ops = ops_of(leaf, &null_only);

	if (ops & BIT(leaf->op))
		return true;
	sd_buf_fmt(&b, "an operator that %s%s%s%s knows (", sd_pred_name(leaf),
		leaf->field ? " of type " : "", sd_pred_is_list(leaf) ? "list of " : "",
		leaf->field ? leaf->field->type_name : "");
	for (unsigned op = 0, n = 0; op < SD_P_OP_COUNT; op++)
		if (ops & BIT(op))
			sd_buf_fmt(&b, "%s%s", n++ ? " " : "",
				SYMBOL[op] ? SYMBOL[op] : sd_pred_op_name((enum sd_pred_op)op));
	sd_buf_str(&b, null_only && sd_pred_value_of(leaf->field, leaf->meta) != SD_PV_TEXT
			       ? "; = and != with null only)"
			       : ")");
	sd_pparse_wrong(p, t->start, t->len, sd_buf_text(&b));
	sd_buf_release(&b);
	return false;
}

static struct cJSON *instant(enum sd_pv kind, const char *text)
{
	int64_t v;

	if (sd_parse_i64(text, &v))
		return sd_json_int(v);
	if (!sd_time_parse(text, &v))
		return NULL;
	return sd_json_int(kind == SD_PV_SECONDS ? v / 1000 : v);
}

static struct cJSON *number(enum sd_pv kind, const char *text)
{
	int64_t i;
	double d;

	if (sd_parse_i64(text, &i))
		return sd_json_int(i);
	return kind == SD_PV_FLOAT && sd_parse_f64(text, &d) ? sd_json_real(d) : NULL;
}

static bool is_member(const struct sd_field *f, const char *text)
{
	if (!f->en)
		return true;
	for (size_t i = 0; i < f->en->value_count; i++)
		if (strcmp(f->en->values[i], text) == 0)
			return true;
	return false;
}

static struct cJSON *duration(const char *text)
{
	int64_t ms;

	if (!sd_duration_parse(text, &ms) || ms <= 0 || ms > (int64_t)36500 * 86400000)
		return NULL;
	return sd_json_int(ms);
}

/* NULL: the text is no value of that kind. */
static struct cJSON *made(const struct sd_pred *leaf, enum sd_pv kind, const char *text)
{
	bool part =
		!sd_pred_is_list(leaf) && (BIT(leaf->op) & (CONTAINS | BIT(SD_P_BEGINS_WITH))) != 0;

	if (leaf->op == SD_P_LAST)
		return duration(text);
	switch (kind) {
	case SD_PV_INT:
	case SD_PV_FLOAT:
		return number(kind, text);
	case SD_PV_SECONDS:
	case SD_PV_MILLIS:
		return instant(kind, text);
	case SD_PV_BOOL:
		if (strcmp(text, "true") != 0 && strcmp(text, "false") != 0)
			return NULL;
		return sd_json_bool(text[0] == 't');
	case SD_PV_ENUM:
		return part || is_member(leaf->field, text) ? sd_json_string(text) : NULL;
	case SD_PV_STATE:
		return sd_pred_state_code(text) >= 0 ? sd_json_string(text) : NULL;
	default:
		return sd_json_string(text);
	}
}

/* "ACTIVE, INACTIVE or DONE" as what was expected of an enum's field. */
static void enum_expected(const struct sd_field *f, struct sd_buf *out)
{
	sd_buf_fmt(out, "a value of %s (", f->type_name);
	for (size_t i = 0; f->en && i < f->en->value_count && i < 20; i++)
		sd_buf_fmt(out, "%s%s", i ? ", " : "", f->en->values[i]);
	sd_buf_str(out, f->en && f->en->value_count > 20 ? ", ...)" : ")");
}

static bool bad_value(struct sd_pparse *p, const struct sd_pred *leaf, const struct sd_ptok *t)
{
	enum sd_pv kind = sd_pred_value_of(leaf->field, leaf->meta);
	struct sd_buf b = SD_BUF_INIT;
	bool null_only;

	ops_of(leaf, &null_only);
	if (leaf->op == SD_P_LAST)
		sd_buf_str(&b, "a duration such as 7d, 12h or 30m");
	else if (null_only && BIT(leaf->op) & SAME)
		sd_buf_str(&b, "null (nothing else compares with it)");
	else if (kind == SD_PV_ENUM && leaf->field)
		enum_expected(leaf->field, &b);
	else
		sd_buf_str(&b, KINDS[kind].expected);
	sd_buf_fmt(&b, " for %s", sd_pred_name(leaf));
	sd_pparse_wrong(p, t->start, t->len, sd_buf_text(&b));
	sd_buf_release(&b);
	return false;
}

static bool takes_null(const struct sd_pred *leaf)
{
	return (BIT(leaf->op) & SAME) && leaf->meta != SD_META_DELETED &&
	       leaf->meta != SD_META_STATE;
}

bool sd_pparse_value(struct sd_pparse *p, const struct sd_pred *leaf, const struct sd_ptok *t,
	struct cJSON **out)
{
	enum sd_pv kind = sd_pred_value_of(leaf->field, leaf->meta);
	bool null_only, bare = t->kind == SD_PT_WORD;
	char *text = NULL;
	enum sd_err rc;

	*out = NULL;
	if ((!bare && t->kind != SD_PT_STRING) || sd_ptok_is(t, "and") || sd_ptok_is(t, "or") ||
		sd_ptok_is(t, "not"))
		return bad_value(p, leaf, t);
	if (bare && t->start[0] == '\'') /* habit, not meant as part of the value */
		return sd_pparse_wrong(p, t->start, t->len, "a text in double quotes");
	rc = sd_ptok_text(t, &text);
	if (rc == SD_NOMEM)
		return sd_pparse_no_memory(p);
	if (rc != SD_OK)
		return sd_pparse_wrong(p, t->start, t->len,
			"a text in double quotes with JSON's escapes, closed on the same line");
	ops_of(leaf, &null_only);
	if (bare && strcmp(text, "null") == 0) {
		free(text);
		if (!takes_null(leaf))
			return bad_value(p, leaf, t);
		*out = sd_json_null();
		return *out || sd_pparse_no_memory(p);
	}
	if (!(null_only && BIT(leaf->op) & SAME))
		*out = made(leaf, kind, text);
	free(text);
	return *out || bad_value(p, leaf, t);
}
