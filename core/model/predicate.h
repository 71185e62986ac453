/*
 * core/model/predicate.h - predicates: text -> tree -> SQL, GraphQL filter, evaluation.
 *
 * Grammar: contract.md 3.  The three readings of one tree agree: null passes != and notContains,
 * strings compare by code point, numbers as numbers (contract.md 5.1 "Null").
 *
 * SQL form: column names are double-quoted and are those of core/store (a field's own name;
 * `_version`, `_lastChangedAt`, `_deleted`; `_st` for _state).  Every value is bound.
 *
 * Depends on: schema, scalar, json.  Threads: a parsed predicate is immutable.
 */
#ifndef SD_MODEL_PREDICATE_H
#define SD_MODEL_PREDICATE_H

#include "core/base/buf.h"
#include "core/model/schema.h"

enum sd_pred_kind { SD_P_ALL, SD_P_AND, SD_P_OR, SD_P_NOT, SD_P_LEAF };

enum sd_pred_op {
	SD_P_EQ,
	SD_P_NE,
	SD_P_LT,
	SD_P_LE,
	SD_P_GT,
	SD_P_GE,
	SD_P_BETWEEN,
	SD_P_CONTAINS,
	SD_P_NOT_CONTAINS,
	SD_P_BEGINS_WITH,
	SD_P_IN,
	SD_P_NOT_IN,
	SD_P_LAST, /* `last 7d`: since now - 7 days */
	SD_P_OP_COUNT
};

/* Metadata that a predicate may name beside the model's fields. */
enum sd_meta { SD_META_NONE, SD_META_VERSION, SD_META_CHANGED, SD_META_DELETED, SD_META_STATE };

struct sd_pred {
	enum sd_pred_kind kind;
	struct sd_pred **kids; /* AND, OR: any number; NOT: one */
	size_t kid_count;
	/* LEAF */
	const struct sd_field **path; /* relations to follow first: `post.title` has one */
	size_t path_count;
	const struct sd_field *field; /* NULL when it is metadata */
	enum sd_meta meta;
	enum sd_pred_op op;
	struct cJSON *operand; /* owned; one value; an array for between, in, notIn; ms for last */
};

/* text is contract.md 3; "" and "all" give SD_P_ALL.  Errors: INVAL naming the column (1-based, in
 * code points), what stood there and what was expected. */
SD_MUST_USE enum sd_err sd_pred_parse(const struct sd_schema *s, const struct sd_model *m,
	const char *text, struct sd_pred **out, struct sd_error *e);
void sd_pred_free(struct sd_pred *p); /* NULL is fine */
/* Canonical text that parses to the same tree; appended. */
bool sd_pred_text(const struct sd_pred *p, struct sd_buf *out);
const char *sd_pred_op_name(enum sd_pred_op op); /* DataStore name: "eq", "beginsWith" */

/* Looks up one related record for path predicates: returns the record (borrowed until the next
 * call) or NULL.  For hasMany it is called with i = 0, 1, ... until NULL. */
typedef const struct cJSON *(*sd_pred_related_fn)(
	void *ctx, const struct sd_field *relation, const struct cJSON *rec, size_t i);

/* Evaluates on a record as contract.md 4 shows it.  NULL p is ALL.  related may be NULL: then a
 * path leaf is false. */
bool sd_pred_eval(const struct sd_pred *p, const struct cJSON *rec, int64_t now_ms,
	sd_pred_related_fn related, void *ctx);

/* SQL boolean expression over table alias `alias` (e.g. "t"), with ?N placeholders numbered from
 * first_bind; the values are appended to binds (a JSON array: string, number, bool as 0/1).
 * Path leaves become EXISTS subqueries over "r_<Model>".  Errors: NOMEM. */
SD_MUST_USE enum sd_err sd_pred_sql(const struct sd_pred *p, const char *alias, int first_bind,
	int64_t now_ms, struct sd_buf *sql, struct cJSON *binds, struct sd_error *e);
/* Name of a model's table, "r_Post"; appended, not quoted. */
bool sd_table_name(const struct sd_model *m, struct sd_buf *out);

enum sd_filter_use { SD_FILTER_SYNC, SD_FILTER_CONDITION, SD_FILTER_SUBSCRIPTION };
/* The GraphQL filter (client.md 2.6): root wrapped in {"and":[...]}, key fields left out of a
 * condition, null tests as contract.md 3 says, in/notIn and negations rewritten for the use.
 * *out owned; NULL for ALL.  Errors: INVAL, naming what the server cannot be asked (then the
 * caller filters locally). */
SD_MUST_USE enum sd_err sd_pred_filter(const struct sd_model *m, const struct sd_pred *p,
	enum sd_filter_use use, int64_t now_ms, struct cJSON **out, struct sd_error *e);

#endif
