/*
 * core/model/predicate_sql.c - a predicate as SQL; see predicate.h.
 *
 * Every leaf is 0 or 1, never NULL, so that NOT means what it says; and it still compares the bare
 * column, so that an index can serve it.
 */
#include "core/model/predicate_priv.h"

#include <stdio.h>
#include <string.h>

#include "core/json/json.h"

struct sql {
	struct sd_buf *out;
	struct cJSON *binds;
	const char *alias; /* the caller's, which ours must not hide */
	int next_bind;
	unsigned tables; /* aliases given out: t1, t2, ... */
	int64_t now_ms;
	bool no_memory;
};

/* open: what stands before the name, its opening quote included. */
static void quoted(struct sql *q, const char *open, const char *name)
{
	sd_buf_str(q->out, open);
	for (; *name; name++) {
		if (*name == '"')
			sd_buf_ch(q->out, '"');
		sd_buf_ch(q->out, *name);
	}
	sd_buf_ch(q->out, '"');
}

static void column(struct sql *q, const char *table, const char *name)
{
	quoted(q, "\"", table);
	sd_buf_ch(q->out, '.');
	quoted(q, "\"", name);
}

/* Takes v over.  Gives the placeholder's number. */
static int bind_owned(struct sql *q, struct cJSON *v)
{
	if (!sd_json_push(q->binds, v))
		q->no_memory = true;
	return q->next_bind++;
}

static int bind(struct sql *q, enum sd_pv kind, const struct cJSON *v)
{
	if (kind == SD_PV_BOOL)
		return bind_owned(q, sd_json_int(sd_json_is_true(v)));
	if (kind == SD_PV_STATE)
		return bind_owned(q, sd_json_int(sd_pred_state_code(sd_json_str(v))));
	return bind_owned(q, sd_json_dup(v));
}

/* The column of a leaf. */
static void leaf_column(struct sql *q, const struct sd_pred *p, const char *table)
{
	if (p->meta == SD_META_DELETED)
		sd_buf_str(q->out, "IFNULL(");
	column(q, table, p->meta == SD_META_STATE ? "_st" : sd_pred_name(p));
	if (p->meta == SD_META_DELETED)
		sd_buf_str(q->out, ",0)");
}

static void null_guard(struct sql *q, const struct sd_pred *p, const char *table)
{
	sd_buf_str(q->out, " AND ");
	leaf_column(q, p, table);
	sd_buf_str(q->out, " IS NOT NULL)");
}

/* (column OP ?n AND column IS NOT NULL) */
static void ordered(struct sql *q, const struct sd_pred *p, const char *table)
{
	static const char *const OP[SD_P_OP_COUNT] = {[SD_P_LT] = " < ",
		[SD_P_LE] = " <= ",
		[SD_P_GT] = " > ",
		[SD_P_GE] = " >= ",
		[SD_P_LAST] = " >= "};
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	int n = p->op == SD_P_LAST ? bind_owned(q, sd_pred_since(p, q->now_ms))
				   : bind(q, kind, p->operand);

	sd_buf_ch(q->out, '(');
	leaf_column(q, p, table);
	sd_buf_fmt(q->out, "%s?%d", OP[p->op], n);
	null_guard(q, p, table);
}

static void equal(struct sql *q, const struct sd_pred *p, const char *table)
{
	leaf_column(q, p, table);
	sd_buf_str(q->out, p->op == SD_P_EQ ? " IS " : " IS NOT ");
	if (sd_json_is_null(p->operand))
		sd_buf_str(q->out, "NULL");
	else
		sd_buf_fmt(q->out, "?%d", bind(q, sd_pred_value_of(p->field, p->meta), p->operand));
}

static void between(struct sql *q, const struct sd_pred *p, const char *table)
{
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	const struct cJSON *low = sd_json_child(p->operand);
	int n = bind(q, kind, low);

	bind(q, kind, sd_json_next(low));
	sd_buf_ch(q->out, '(');
	leaf_column(q, p, table);
	sd_buf_fmt(q->out, " BETWEEN ?%d AND ?%d", n, n + 1);
	null_guard(q, p, table);
}

static void contains(struct sql *q, const struct sd_pred *p, const char *table)
{
	int n = bind(q, sd_pred_value_of(p->field, p->meta), p->operand);
	bool yes = p->op == SD_P_CONTAINS;

	if (sd_pred_is_list(p)) {
		sd_buf_str(q->out, yes ? "EXISTS (SELECT 1 FROM json_each("
				       : "NOT EXISTS (SELECT 1 FROM json_each(");
		leaf_column(q, p, table);
		sd_buf_fmt(q->out, ") AS \"j\" WHERE \"j\".\"value\" = ?%d)", n);
		return;
	}
	sd_buf_str(q->out, "IFNULL(instr(");
	leaf_column(q, p, table);
	sd_buf_fmt(q->out, yes ? ", ?%d) > 0, 0)" : ", ?%d) = 0, 1)", n);
}

/* What begins with p is not below p: the first comparison lets an index skip the rows before. */
static void begins_with(struct sql *q, const struct sd_pred *p, const char *table)
{
	int n = bind(q, SD_PV_TEXT, p->operand);

	sd_buf_ch(q->out, '(');
	leaf_column(q, p, table);
	sd_buf_fmt(q->out, " >= ?%d AND substr(", n);
	leaf_column(q, p, table);
	sd_buf_fmt(q->out, ", 1, length(?%d)) = ?%d", n, n);
	null_guard(q, p, table);
}

static void among(struct sql *q, const struct sd_pred *p, const char *table)
{
	enum sd_pv kind = sd_pred_value_of(p->field, p->meta);
	bool in = p->op == SD_P_IN;
	const char *comma = "";

	sd_buf_ch(q->out, '(');
	leaf_column(q, p, table);
	sd_buf_str(q->out, in ? " IN (" : " NOT IN (");
	for (const struct cJSON *c = sd_json_child(p->operand); c; c = sd_json_next(c)) {
		sd_buf_fmt(q->out, "%s?%d", comma, bind(q, kind, c));
		comma = ", ";
	}
	sd_buf_ch(q->out, ')');
	if (in) {
		null_guard(q, p, table);
		return;
	}
	sd_buf_str(q->out, " OR ");
	leaf_column(q, p, table);
	sd_buf_str(q->out, " IS NULL)");
}

static void (*const LEAF[SD_P_OP_COUNT])(struct sql *, const struct sd_pred *, const char *) = {
	[SD_P_EQ] = equal,
	[SD_P_NE] = equal,
	[SD_P_LT] = ordered,
	[SD_P_LE] = ordered,
	[SD_P_GT] = ordered,
	[SD_P_GE] = ordered,
	[SD_P_BETWEEN] = between,
	[SD_P_CONTAINS] = contains,
	[SD_P_NOT_CONTAINS] = contains,
	[SD_P_BEGINS_WITH] = begins_with,
	[SD_P_IN] = among,
	[SD_P_NOT_IN] = among,
	[SD_P_LAST] = ordered,
};

/* An alias that the caller's does not hide. */
static unsigned new_table(struct sql *q)
{
	char name[24];

	do
		snprintf(name, sizeof name, "t%u", ++q->tables);
	while (strcmp(name, q->alias) == 0);
	return q->tables;
}

/* A chain of live records along the path, of whose last the leaf is true.  One subquery, however
 * long the path: SQLite's parser holds only so many levels. */
static void related(struct sql *q, const struct sd_pred *p)
{
	char here[24] = "", before[24] = "";
	unsigned first = q->tables;

	sd_buf_str(q->out, "EXISTS (SELECT 1 FROM ");
	for (size_t at = 0; at < p->path_count; at++) {
		quoted(q, at ? ", \"r_" : "\"r_", p->path[at]->model->name);
		sd_buf_fmt(q->out, " AS \"t%u\"", new_table(q));
	}
	sd_buf_str(q->out, " WHERE ");
	q->tables = first; /* the same names once more, in the same order */
	for (size_t at = 0; at < p->path_count; at++) {
		const struct sd_field *rel = p->path[at];
		snprintf(here, sizeof here, "t%u", new_table(q));
		for (size_t i = 0; i < rel->join_count; i++) {
			column(q, here, rel->remote[i]);
			sd_buf_str(q->out, " = ");
			column(q, at ? before : q->alias, rel->local[i]);
			sd_buf_str(q->out, " AND ");
		}
		sd_buf_str(q->out, "IFNULL(");
		column(q, here, "_deleted");
		sd_buf_str(q->out, ",0)=0 AND ");
		memcpy(before, here, sizeof before);
	}
	LEAF[p->op](q, p, here);
	sd_buf_ch(q->out, ')');
}

static void expr(struct sql *q, const struct sd_pred *p);

/* SQLite bounds the depth of an expression, and a chain of N is N deep: long ones get brackets. */
#define CHAIN 32

static void group(struct sql *q, const struct sd_pred *p)
{
	const char *word = p->kind == SD_P_AND ? " AND " : " OR ";
	bool pieces = p->kid_count > 2 * CHAIN;

	sd_buf_ch(q->out, '(');
	for (size_t i = 0; i < p->kid_count; i++) {
		if (i)
			sd_buf_str(q->out, word);
		if (pieces && i % CHAIN == 0)
			sd_buf_ch(q->out, '(');
		expr(q, p->kids[i]);
		if (pieces && (i % CHAIN == CHAIN - 1 || i + 1 == p->kid_count))
			sd_buf_ch(q->out, ')');
	}
	sd_buf_ch(q->out, ')');
}

static void expr(struct sql *q, const struct sd_pred *p)
{
	switch (p->kind) {
	case SD_P_ALL:
		sd_buf_ch(q->out, '1');
		break;
	case SD_P_AND:
	case SD_P_OR:
		group(q, p);
		break;
	case SD_P_NOT:
		sd_buf_str(q->out, "NOT (");
		expr(q, p->kids[0]);
		sd_buf_ch(q->out, ')');
		break;
	case SD_P_LEAF:
		if (p->path_count)
			related(q, p);
		else
			LEAF[p->op](q, p, q->alias);
		break;
	}
}

enum sd_err sd_pred_sql(const struct sd_pred *p, const char *alias, int first_bind, int64_t now_ms,
	struct sd_buf *sql, struct cJSON *binds, struct sd_error *e)
{
	struct sql q = {.out = sql,
		.binds = binds,
		.alias = alias,
		.next_bind = first_bind,
		.now_ms = now_ms};

	if (p)
		expr(&q, p);
	else
		sd_buf_ch(sql, '1');
	if (q.no_memory || !sd_buf_ok(sql))
		return sd_fail(e, SD_NOMEM, 0, "no memory for the predicate's SQL");
	return SD_OK;
}
