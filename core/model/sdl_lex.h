/*
 * core/model/sdl_lex.h - the words of the schema definition language.  Private to core/model.
 *
 * Skips what carries no meaning: BOM, white space, CR, commas, comments.
 */
#ifndef SD_MODEL_SDL_LEX_H
#define SD_MODEL_SDL_LEX_H

#include "core/base/buf.h"
#include "core/base/err.h"

enum sd_lex_kind {
	SD_LEX_END,
	SD_LEX_PUNCT, /* one of ! $ & ( ) : = @ [ ] { | }, in text[0] */
	SD_LEX_SPREAD,
	SD_LEX_NAME,
	SD_LEX_INT,
	SD_LEX_FLOAT,
	SD_LEX_STRING
};

struct sd_lex {
	const char *name; /* of the text, for errors */
	const char *p, *end;
	unsigned line, column; /* of p, from 1; columns are code points */
	/* the word under the cursor */
	enum sd_lex_kind kind;
	const char *text; /* borrowed from the text; for strings use value */
	size_t len;
	struct sd_buf value; /* owned; an unescaped string */
	unsigned at_line, at_column;
};

/* Starts on text and reads the first word.  Release also after a failure. */
SD_MUST_USE enum sd_err sd_lex_init(
	struct sd_lex *l, const char *text, size_t n, const char *name, struct sd_error *e);
void sd_lex_release(struct sd_lex *l);
/* Moves to the next word.  Errors: INVAL, NOMEM. */
SD_MUST_USE enum sd_err sd_lex_next(struct sd_lex *l, struct sd_error *e);
/* "name:line:column: expected WHAT, found ..." */
enum sd_err sd_lex_expected(const struct sd_lex *l, const char *what, struct sd_error *e);

static inline int sd_lex_is(const struct sd_lex *l, char c)
{
	return l->kind == SD_LEX_PUNCT && l->text[0] == c;
}

#endif
