/*
 * core/graphql/lex.h - tokens of an executable document, and the memory its tree lives in.
 * Private to core/graphql.
 *
 * The whole tree comes out of one arena: nothing is freed before everything is, so a parse that
 * stops half-way has nothing to clean up piece by piece.
 *
 * Depends on: base.  Threads: one at a time.
 */
#ifndef SD_GRAPHQL_LEX_H
#define SD_GRAPHQL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

struct sd_gql_chunk;
struct sd_gql_arena {
	struct sd_gql_chunk *last; /* owned */
};

/* Zeroed, aligned for any type; NULL: out of memory. */
void *sd_gql_alloc(struct sd_gql_arena *a, size_t n);
char *sd_gql_text(struct sd_gql_arena *a, const char *s, size_t n);
void sd_gql_arena_release(struct sd_gql_arena *a);

enum sd_gql_token_kind {
	SD_GQL_T_END,
	SD_GQL_T_PUNCT, /* punct says which; "..." is '.' */
	SD_GQL_T_NAME,
	SD_GQL_T_INT,
	SD_GQL_T_FLOAT,
	SD_GQL_T_STRING /* text is the value */
};

struct sd_gql_token {
	enum sd_gql_token_kind kind;
	char punct;
	const char *start; /* borrowed from the document's text */
	size_t len;
	char *text; /* STRING: in the arena */
	unsigned line, column;
};

struct sd_gql_lex {
	const char *at, *end;
	unsigned line, column; /* of `at`; columns count code points, from 1 */
	size_t tokens;
	struct sd_gql_arena *arena;
	struct sd_gql_token tok; /* the current one */
};

#define SD_GQL_MAX_BYTES  ((size_t)1 << 20)
#define SD_GQL_MAX_TOKENS 200000

/* Starts on the text; no token is read yet. */
SD_MUST_USE enum sd_err sd_gql_lex_init(struct sd_gql_lex *l, const char *text, size_t n,
	struct sd_gql_arena *a, struct sd_error *e);
/* Reads the next token into l->tok. */
SD_MUST_USE enum sd_err sd_gql_lex_next(struct sd_gql_lex *l, struct sd_error *e);
/* "line:column: expected WHAT, found ..." about the current token; returns SD_INVAL. */
enum sd_err sd_gql_expected(const struct sd_gql_lex *l, const char *what, struct sd_error *e);

#endif
