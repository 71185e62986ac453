/*
 * core/model/predicate_parse.h - the parser's state, and what it asks of operators and values.
 * Private to core/model/predicate*.c.
 */
#ifndef SD_MODEL_PREDICATE_PARSE_H
#define SD_MODEL_PREDICATE_PARSE_H

#include "core/model/predicate_lex.h"
#include "core/model/predicate_priv.h"

#define SD_PPARSE_VALUES 10000 /* in all lists of a predicate together */

struct sd_pparse {
	const struct sd_model *m;
	const char *text, *at, *end;
	unsigned depth, leaves, values;
	enum sd_err rc; /* why a function answered false or NULL */
	struct sd_error *e;
};

/* All set p->rc and answer false.  len 0 is the end of the text. */
bool sd_pparse_wrong(struct sd_pparse *p, const char *at, size_t len, const char *expected);
bool sd_pparse_no_memory(struct sd_pparse *p);

/* May leaf->op be asked of the leaf's field?  t is where it stands. */
bool sd_pparse_op(struct sd_pparse *p, const struct sd_pred *leaf, const struct sd_ptok *t);
/* The token as one value for the leaf's field and operator; *out owned, NULL on failure. */
bool sd_pparse_value(struct sd_pparse *p, const struct sd_pred *leaf, const struct sd_ptok *t,
	struct cJSON **out);

#endif
