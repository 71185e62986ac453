/*
 * core/sandbox/core/validate.h - what the files of validation share.  Private to them.
 *
 * Every operation and fragment of a document is walked once on its own; what depends on which
 * fragments an operation reaches (variables, unused fragments, cycles) is answered afterwards from
 * what the walks have noted.
 */
#ifndef SD_SANDBOX_VALIDATE_H
#define SD_SANDBOX_VALIDATE_H

#include "core/sandbox/core/internal.h"

struct sbx_usage { /* a variable where a value is expected */
	struct sbx_usage *next;
	const char *name, *at; /* at: path text, "" at the top */
	struct sbx_ref want;
	bool has_default; /* the place has a default value */
	unsigned line, column;
};

struct sbx_spread {
	struct sbx_spread *next;
	struct sbx_def *to;
	const char *at;
	unsigned line, column;
};

struct sbx_def {                                /* one operation or one fragment */
	const struct sd_gql_op *op;             /* NULL: a fragment */
	const struct sd_gql_fragment *fragment; /* NULL: an operation */
	struct sbx_usage *usages, **usages_end;
	struct sbx_spread *spreads, **spreads_end;
	bool reached;  /* from some operation */
	size_t seen;   /* number of the walk that saw it last */
	int state;     /* of the search for cycles: 1 under way, 2 done */
	size_t height; /* fragments below one another, this one counted */
};

struct sbx_check {
	struct sbx_req *r;
	struct sbx_arena arena;
	struct sbx_def *defs; /* operations first */
	size_t count;
	struct sd_map fragments; /* name -> struct sbx_def * */
	struct sbx_def *def;     /* the one being walked */
	size_t walk;             /* number of the walk, from 1 */
	size_t steps;            /* work done; there is a limit to it */
	bool tangled;            /* fragments in a circle, or nested too deeply */
};

#define SBX_DEPTH 200 /* of selections, and of fragments in fragments */

/* Adds "Validation error of type <text> @ '<path>'"; path NULL: nothing behind the text. */
void sbx_invalid(struct sbx_check *c, unsigned line, unsigned column, const struct sbx_path *path,
	const char *fmt, ...) SD_PRINTF(5, 6);
void sbx_invalid_at(struct sbx_check *c, unsigned line, unsigned column, const char *at,
	const char *fmt, ...) SD_PRINTF(5, 6);
bool sbx_check_done(const struct sbx_check *c); /* enough errors, no memory, or too much work */

/* validate_value.c: a literal against the type it is for; errors are added, variables noted. */
void sbx_check_literal(struct sbx_check *c, const struct sbx_field *arg,
	const struct sd_gql_value *v, const struct sbx_path *path);
/* The default value of a variable. */
void sbx_check_default(
	struct sbx_check *c, const struct sbx_ref *ref, const struct sd_gql_var *var);

/* validate_doc.c */
void sbx_check_variables(struct sbx_check *c, const struct sd_gql_op *op);
void sbx_check_document(struct sbx_check *c); /* after all definitions were walked */

/* validate_merge.c: fields of one response key must be the same field */
void sbx_check_merge(struct sbx_check *c, const struct sbx_def *def);

#endif
