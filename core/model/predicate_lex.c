/* core/model/predicate_lex.c - see predicate_lex.h. */
#include "core/model/predicate_lex.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "core/json/json.h"

/* Longer ones first. */
static const struct {
	const char *text;
	enum sd_pred_op op;
} SYMBOLS[] = {
	{"!=", SD_P_NE},
	{"<>", SD_P_NE},
	{"!~", SD_P_NOT_CONTAINS},
	{"<=", SD_P_LE},
	{">=", SD_P_GE},
	{"==", SD_P_EQ},
	{"=", SD_P_EQ},
	{"<", SD_P_LT},
	{">", SD_P_GT},
	{"~", SD_P_CONTAINS},
	{"^", SD_P_BEGINS_WITH},
};

static bool space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool ends_word(char c, enum sd_pwant want)
{
	return space(c) || strchr("(),\"", c) || (want != SD_PWANT_VALUE && strchr("=!<>~^", c));
}

/* From the opening quote to behind the closing one, or to the end when there is none. */
static size_t string_len(const char *s, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		if (s[i] == '\\')
			i++;
		else if (s[i] == '"')
			return i + 1;
	}
	return n;
}

static bool symbol(struct sd_ptok *t, size_t n)
{
	for (size_t i = 0; i < sizeof SYMBOLS / sizeof *SYMBOLS; i++) {
		size_t k = strlen(SYMBOLS[i].text);
		if (k <= n && memcmp(t->start, SYMBOLS[i].text, k) == 0) {
			t->kind = SD_PT_OP;
			t->op = SYMBOLS[i].op;
			t->len = k;
			return true;
		}
	}
	return false;
}

struct sd_ptok sd_ptok_at(const char *at, const char *end, enum sd_pwant want)
{
	struct sd_ptok t = {.kind = SD_PT_END};
	size_t n;

	while (at < end && space(*at))
		at++;
	t.start = at;
	n = (size_t)(end - at);
	if (!n)
		return t;
	if (*at == '"') {
		t.kind = SD_PT_STRING;
		t.len = string_len(at, n);
		return t;
	}
	if (strchr("(),", *at)) {
		t.kind = *at == '(' ? SD_PT_OPEN : *at == ')' ? SD_PT_CLOSE : SD_PT_COMMA;
		t.len = 1;
		return t;
	}
	if (want != SD_PWANT_VALUE && symbol(&t, n))
		return t;
	t.kind = SD_PT_WORD;
	t.len = 1;
	while (t.len < n && !ends_word(at[t.len], want))
		t.len++;
	if (want == SD_PWANT_OP)
		for (int op = 0; op < SD_P_OP_COUNT; op++)
			if (sd_ptok_is(&t, sd_pred_op_name((enum sd_pred_op)op))) {
				t.kind = SD_PT_OP;
				t.op = (enum sd_pred_op)op;
			}
	return t;
}

bool sd_ptok_is(const struct sd_ptok *t, const char *word)
{
	return t->kind == SD_PT_WORD && t->len == strlen(word) &&
	       strncasecmp(t->start, word, t->len) == 0;
}

enum sd_err sd_ptok_text(const struct sd_ptok *t, char **out)
{
	struct cJSON *j = NULL;
	struct sd_error e;
	enum sd_err rc;

	*out = NULL;
	if (t->kind != SD_PT_STRING) {
		*out = sd_strdup_n(t->start, t->len);
		return *out ? SD_OK : SD_NOMEM;
	}
	rc = sd_json_parse(t->start, t->len, "string", &j, &e);
	if (rc == SD_OK) {
		*out = strdup(sd_json_str(j));
		rc = *out ? SD_OK : SD_NOMEM;
	}
	sd_json_free(j);
	return rc;
}

bool sd_pword_reserved(const char *s)
{
	static const char *const WORDS[] = {"and", "or", "not", "null", "all", "true", "false"};

	for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++)
		if (strcasecmp(s, WORDS[i]) == 0)
			return true;
	return false;
}
