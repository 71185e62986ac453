/*
 * core/model/predicate_lex.h - words of a predicate's text.  Private to core/model/predicate*.c.
 *
 * What a character means depends on where it stands (`a=b` is a field, an operator and a value,
 * `http://x/?a=b` is one value), so the parser says what it is after.
 */
#ifndef SD_MODEL_PREDICATE_LEX_H
#define SD_MODEL_PREDICATE_LEX_H

#include "core/model/predicate.h"

enum sd_pt { SD_PT_END, SD_PT_WORD, SD_PT_STRING, SD_PT_OPEN, SD_PT_CLOSE, SD_PT_COMMA, SD_PT_OP };

struct sd_ptok {
	enum sd_pt kind;
	const char *start; /* borrowed from the text */
	size_t len;
	enum sd_pred_op op; /* OP */
};

enum sd_pwant { SD_PWANT_NAME, SD_PWANT_OP, SD_PWANT_VALUE };

/* The token at `at`, which nothing consumes: go on at start + len.  `end` is the text's end. */
struct sd_ptok sd_ptok_at(const char *at, const char *end, enum sd_pwant want);
/* An unquoted word, whatever its case. */
bool sd_ptok_is(const struct sd_ptok *t, const char *word);
/* The value's text: a bare word's own, a string's unescaped; owned.  INVAL (no text) when the string
 * is no JSON string. */
SD_MUST_USE enum sd_err sd_ptok_text(const struct sd_ptok *t, char **out);
/* Would this word, bare, be read as something else than a value? */
bool sd_pword_reserved(const char *s);

#endif
