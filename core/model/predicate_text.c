/* core/model/predicate_text.c - a predicate as text again, and what all readings share. */
#include "core/model/predicate_priv.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "core/model/predicate_lex.h"

static const struct {
	const char *name;   /* DataStore's */
	const char *symbol; /* as we write it */
} OPS[SD_P_OP_COUNT] = {
	[SD_P_EQ] = {"eq", "="},
	[SD_P_NE] = {"ne", "!="},
	[SD_P_LT] = {"lt", "<"},
	[SD_P_LE] = {"le", "<="},
	[SD_P_GT] = {"gt", ">"},
	[SD_P_GE] = {"ge", ">="},
	[SD_P_BETWEEN] = {"between", "between"},
	[SD_P_CONTAINS] = {"contains", "contains"},
	[SD_P_NOT_CONTAINS] = {"notContains", "notContains"},
	[SD_P_BEGINS_WITH] = {"beginsWith", "beginsWith"},
	[SD_P_IN] = {"in", "in"},
	[SD_P_NOT_IN] = {"notIn", "notIn"},
	[SD_P_LAST] = {"last", "last"},
};

const char *sd_pred_op_name(enum sd_pred_op op)
{
	return OPS[op].name;
}

const char *sd_meta_name(enum sd_meta meta)
{
	static const char *const NAMES[] = {
		[SD_META_NONE] = "",
		[SD_META_VERSION] = "_version",
		[SD_META_CHANGED] = "_lastChangedAt",
		[SD_META_DELETED] = "_deleted",
		[SD_META_STATE] = "_state",
	};

	return NAMES[meta];
}

const char *sd_pred_name(const struct sd_pred *p)
{
	return p->field ? p->field->name : sd_meta_name(p->meta);
}

int sd_pred_state_code(const char *state)
{
	static const struct {
		const char *name;
		int code;
	} STATES[] = {
		{"synced", 0},
		{"pending", 1},
		{"local", 1}, /* a pending change while there is no backend */
		{"sending", 2},
		{"conflict", 3},
		{"refused", 4},
		{"quarantined", 5},
	};

	for (size_t i = 0; state && i < sizeof STATES / sizeof *STATES; i++)
		if (strcmp(STATES[i].name, state) == 0)
			return STATES[i].code;
	return -1;
}

enum sd_pv sd_pred_value_of(const struct sd_field *f, enum sd_meta meta)
{
	static const enum sd_pv META[] = {
		[SD_META_NONE] = SD_PV_TEXT,
		[SD_META_VERSION] = SD_PV_INT,
		[SD_META_CHANGED] = SD_PV_MILLIS,
		[SD_META_DELETED] = SD_PV_BOOL,
		[SD_META_STATE] = SD_PV_STATE,
	};
	static const enum sd_pv SCALAR[SD_T_COUNT] = {
		[SD_T_INT] = SD_PV_INT,
		[SD_T_FLOAT] = SD_PV_FLOAT,
		[SD_T_BOOLEAN] = SD_PV_BOOL,
		[SD_T_AWSDATE] = SD_PV_DATE,
		[SD_T_AWSDATETIME] = SD_PV_DATETIME,
		[SD_T_AWSTIMESTAMP] = SD_PV_SECONDS,
		[SD_T_AWSJSON] = SD_PV_JSON, /* all others are 0, SD_PV_TEXT */
	};

	if (!f)
		return META[meta];
	if (f->kind == SD_K_SCALAR)
		return SCALAR[f->scalar];
	return f->kind == SD_K_ENUM ? SD_PV_ENUM : SD_PV_EMBEDDED;
}

struct cJSON *sd_pred_since(const struct sd_pred *p, int64_t now_ms)
{
	char text[SD_TIME_TEXT];
	int64_t span = 0, from, s;

	if (!sd_json_i64(p->operand, &span))
		span = 0;
	from = now_ms - span;
	switch (sd_pred_value_of(p->field, p->meta)) {
	case SD_PV_MILLIS:
		return sd_json_int(from);
	case SD_PV_SECONDS:
		s = from / 1000;
		return sd_json_int(from > 0 && from % 1000 ? s + 1 : s);
	case SD_PV_DATE:
		sd_time_iso(from, text);
		text[strcspn(text, "T")] = '\0';
		return sd_json_string(text);
	default:
		sd_time_iso(from, text);
		return sd_json_string(text);
	}
}

void sd_pred_free(struct sd_pred *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->kid_count; i++)
		sd_pred_free(p->kids[i]);
	free(p->kids);
	free(p->path);
	sd_json_free(p->operand);
	free(p);
}

bool sd_table_name(const struct sd_model *m, struct sd_buf *out)
{
	return sd_buf_str(out, "r_") && sd_buf_str(out, m->name);
}

/* ---- text ---- */

static bool plain_word(const char *s)
{
	if (!*s || sd_pword_reserved(s))
		return false;
	for (; *s; s++)
		if (!(*s >= 'a' && *s <= 'z') && !(*s >= 'A' && *s <= 'Z') &&
			!(*s >= '0' && *s <= '9') && *s != '_')
			return false;
	return true;
}

static void value_text(enum sd_pv kind, const struct cJSON *v, struct sd_buf *out)
{
	const char *s = sd_json_str(v);

	if ((kind == SD_PV_ENUM || kind == SD_PV_STATE) && s && plain_word(s))
		sd_buf_str(out, s);
	else
		sd_json_print(v, out);
}

static void duration_text(int64_t ms, struct sd_buf *out)
{
	static const struct {
		int64_t ms;
		const char *unit;
	} UNITS[] = {{86400000, "d"}, {3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};

	for (size_t i = 0; i < sizeof UNITS / sizeof *UNITS; i++)
		if (ms % UNITS[i].ms == 0) {
			sd_buf_fmt(out, "%lld%s", (long long)(ms / UNITS[i].ms), UNITS[i].unit);
			return;
		}
}

static void leaf_text(const struct sd_pred *p, struct sd_buf *out)
{
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	bool set = p->op == SD_P_IN || p->op == SD_P_NOT_IN;
	int64_t ms = 0;
	size_t i = 0;

	for (size_t k = 0; k < p->path_count; k++)
		sd_buf_fmt(out, "%s.", p->path[k]->name);
	sd_buf_fmt(out, "%s %s ", sd_pred_name(p), OPS[p->op].symbol);
	if (p->op == SD_P_LAST) {
		if (sd_json_i64(p->operand, &ms))
			duration_text(ms, out);
		return;
	}
	if (!sd_json_is_array(p->operand)) {
		value_text(kind, p->operand, out);
		return;
	}
	if (set)
		sd_buf_ch(out, '(');
	for (const struct cJSON *c = sd_json_child(p->operand); c; c = sd_json_next(c), i++) {
		if (i)
			sd_buf_str(out, set ? ", " : " and ");
		value_text(kind, c, out);
	}
	if (set)
		sd_buf_ch(out, ')');
}

bool sd_pred_text(const struct sd_pred *p, struct sd_buf *out)
{
	if (!p || p->kind == SD_P_ALL)
		return sd_buf_str(out, "all");
	if (p->kind == SD_P_LEAF) {
		leaf_text(p, out);
		return sd_buf_ok(out);
	}
	if (p->kind == SD_P_NOT)
		sd_buf_str(out, "not ");
	for (size_t i = 0; i < p->kid_count; i++) {
		const struct sd_pred *kid = p->kids[i];
		bool group = kid->kind == SD_P_AND || kid->kind == SD_P_OR;
		/* the one group that needs no brackets: an `and` in an `or` */
		bool brackets = group && !(p->kind == SD_P_OR && kid->kind == SD_P_AND);
		if (i)
			sd_buf_str(out, p->kind == SD_P_AND ? " and " : " or ");
		if (brackets)
			sd_buf_ch(out, '(');
		sd_pred_text(kid, out);
		if (brackets)
			sd_buf_ch(out, ')');
	}
	return sd_buf_ok(out);
}
