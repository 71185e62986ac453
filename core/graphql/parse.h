/*
 * core/graphql/parse.h - executable GraphQL documents as a tree, with places.
 *
 * October 2021 edition, executable part: operations, fragments, variables with defaults, aliases,
 * arguments, directives.  Values keep their text.  Everything is owned by the document.
 * Limits: 1 MiB, 128 levels, 200,000 tokens.
 *
 * Depends on: base.  Threads: immutable after parsing.
 */
#ifndef SD_GRAPHQL_PARSE_H
#define SD_GRAPHQL_PARSE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum sd_gql_value_kind {
	SD_GQL_NULL,
	SD_GQL_INT,
	SD_GQL_FLOAT,
	SD_GQL_STRING, /* text unescaped; block strings dedented */
	SD_GQL_BOOL,
	SD_GQL_ENUM,
	SD_GQL_VARIABLE, /* text is the name without '$' */
	SD_GQL_LIST,
	SD_GQL_OBJECT
};

struct sd_gql_value {
	enum sd_gql_value_kind kind;
	char *text;
	struct sd_gql_value *items; /* LIST, OBJECT */
	char **names;               /* OBJECT */
	size_t count;
	unsigned line, column;
};

struct sd_gql_arg {
	char *name;
	struct sd_gql_value value;
	unsigned line, column;
};

struct sd_gql_directive {
	char *name;
	struct sd_gql_arg *args;
	size_t arg_count;
	unsigned line, column;
};

struct sd_gql_type {            /* of a variable */
	char *name;             /* NULL for a list */
	struct sd_gql_type *of; /* list element */
	bool non_null;
};

enum sd_gql_sel_kind { SD_GQL_FIELD, SD_GQL_SPREAD, SD_GQL_INLINE };

struct sd_gql_selection {
	enum sd_gql_sel_kind kind;
	char *alias; /* FIELD; NULL without */
	char *name;  /* FIELD name, SPREAD fragment name, INLINE type condition (NULL without) */
	struct sd_gql_arg *args;
	size_t arg_count;
	struct sd_gql_directive *directives;
	size_t directive_count;
	struct sd_gql_selection *sels;
	size_t sel_count;
	unsigned line, column;
};

struct sd_gql_var {
	char *name;
	struct sd_gql_type type;
	struct sd_gql_value *default_value; /* NULL without */
	struct sd_gql_directive *directives;
	size_t directive_count;
	unsigned line, column;
};

enum sd_gql_op_kind { SD_GQL_QUERY, SD_GQL_MUTATION, SD_GQL_SUBSCRIPTION };

struct sd_gql_op {
	enum sd_gql_op_kind kind;
	char *name; /* NULL: anonymous */
	struct sd_gql_var *vars;
	size_t var_count;
	struct sd_gql_directive *directives;
	size_t directive_count;
	struct sd_gql_selection *sels;
	size_t sel_count;
	unsigned line, column;
};

struct sd_gql_fragment {
	char *name, *on;
	struct sd_gql_directive *directives;
	size_t directive_count;
	struct sd_gql_selection *sels;
	size_t sel_count;
	unsigned line, column;
};

struct sd_gql_doc {
	struct sd_gql_op *ops;
	size_t op_count;
	struct sd_gql_fragment *fragments;
	size_t fragment_count;
};

/* Errors: INVAL "line:column: expected ..., found ..."; TOOBIG; NOMEM. */
SD_MUST_USE enum sd_err sd_gql_parse(
	const char *text, size_t n, struct sd_gql_doc **out, struct sd_error *e);
void sd_gql_free(struct sd_gql_doc *d);
const struct sd_gql_fragment *sd_gql_fragment(const struct sd_gql_doc *d, const char *name);

#endif
