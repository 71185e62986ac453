/* core/model/predicate.c - a predicate's text becomes its tree; see predicate.h. */
#include "core/model/predicate.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/predicate_parse.h"

/* Bounds that keep every reading (and SQLite's parser stack) well inside its own. */
#define MAX_BYTES  ((size_t)1 << 20)
#define MAX_DEPTH  10
#define MAX_LEAVES 1000

static unsigned column_of(const struct sd_pparse *p, const char *at)
{
	unsigned n = 1;

	for (const char *s = p->text; s < at; s++)
		n += ((unsigned char)*s & 0xc0) != 0x80;
	return n;
}

bool sd_pparse_wrong(struct sd_pparse *p, const char *at, size_t len, const char *expected)
{
	struct sd_buf found = SD_BUF_INIT;
	size_t cut = sd_utf8_cut(at, len, 40);

	if (len) {
		sd_buf_str(&found, "\"");
		sd_text_safe(&found, at, cut);
		sd_buf_str(&found, cut < len ? "...\"" : "\"");
	} else {
		sd_buf_str(&found, "the end");
	}
	p->rc = sd_fail(p->e, SD_INVAL, 0, "predicate, column %u: expected %s, found %s",
		column_of(p, at), expected, sd_buf_text(&found));
	sd_buf_release(&found);
	return false;
}

bool sd_pparse_no_memory(struct sd_pparse *p)
{
	p->rc = sd_fail(p->e, SD_NOMEM, 0, "predicate: out of memory");
	return false;
}

static bool wrong(struct sd_pparse *p, const struct sd_ptok *t, const char *expected)
{
	return sd_pparse_wrong(p, t->start, t->len, expected);
}

static struct sd_ptok peek(const struct sd_pparse *p, enum sd_pwant want)
{
	return sd_ptok_at(p->at, p->end, want);
}

static void take(struct sd_pparse *p, const struct sd_ptok *t)
{
	p->at = t->start + t->len;
}

static struct sd_pred *node(struct sd_pparse *p, enum sd_pred_kind kind)
{
	struct sd_pred *n = calloc(1, sizeof *n);

	if (n)
		n->kind = kind;
	else
		sd_pparse_no_memory(p);
	return n;
}

/* Takes kid over. */
static bool adopt(struct sd_pparse *p, struct sd_pred *n, struct sd_pred *kid)
{
	size_t count = n->kid_count;

	if ((count & (count - 1)) == 0) { /* rooms are powers of two */
		struct sd_pred **more = realloc(n->kids, (count ? count * 2 : 1) * sizeof *more);
		if (!more) {
			sd_pred_free(kid);
			return sd_pparse_no_memory(p);
		}
		n->kids = more;
	}
	n->kids[n->kid_count++] = kid;
	return true;
}

/* ---- the field a leaf is about ---- */

static enum sd_meta meta_of(const char *name)
{
	for (int i = SD_META_VERSION; i <= SD_META_STATE; i++)
		if (strcmp(sd_meta_name((enum sd_meta)i), name) == 0)
			return (enum sd_meta)i;
	return SD_META_NONE;
}

/* A name in the text that is none: say what there is. */
static bool unknown_field(struct sd_pparse *p, const struct sd_model *m, const char *at, size_t len)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "a field of %s (", m->name);
	sd_model_name_fields(m, &b);
	sd_buf_ch(&b, ')');
	sd_pparse_wrong(p, at, len, sd_buf_text(&b));
	sd_buf_release(&b);
	return false;
}

static bool add_step(struct sd_pparse *p, struct sd_pred *leaf, const struct sd_field *rel)
{
	const struct sd_field **more = realloc(leaf->path, (leaf->path_count + 1) * sizeof *more);

	if (!more)
		return sd_pparse_no_memory(p);
	leaf->path = more;
	leaf->path[leaf->path_count++] = rel;
	return true;
}

/* One name of the path, the last one or not. */
static bool path_part(struct sd_pparse *p, struct sd_pred *leaf, const struct sd_model **m,
	const char *at, size_t len, bool last)
{
	char *name = sd_strdup_n(at, len);
	const struct sd_field *f = name ? sd_model_field(*m, name) : NULL;
	enum sd_meta meta = name && !f ? meta_of(name) : SD_META_NONE;
	char text[160];

	if (!name)
		return sd_pparse_no_memory(p);
	free(name);
	if (last && meta != SD_META_NONE) {
		leaf->meta = meta;
		return true;
	}
	if (!f)
		return unknown_field(p, *m, at, len);
	if (!last) {
		if (f->kind != SD_K_MODEL || !f->join_count || !f->model)
			return sd_pparse_wrong(
				p, at, len, "a relation that can be followed before \".\"");
		*m = f->model;
		return add_step(p, leaf, f);
	}
	if (f->kind == SD_K_MODEL) { /* a belongsTo of one part stands for its key column */
		const struct sd_field *own = f->assoc == SD_A_BELONGS_TO && f->join_count == 1
						     ? sd_model_field(*m, f->local[0])
						     : NULL;
		snprintf(text, sizeof text, "a field of the related %s, as in %s.%s",
			f->type_name ? f->type_name : "record", f->name,
			f->model ? f->model->fields[f->model->pk[0]].name : "id");
		if (!own || !own->stored)
			return sd_pparse_wrong(p, at, len, text);
		f = own;
	}
	leaf->field = f;
	return true;
}

static bool field_path(struct sd_pparse *p, const struct sd_ptok *t, struct sd_pred *leaf)
{
	const struct sd_model *m = p->m;
	const char *at = t->start, *end = t->start + t->len;

	for (;;) {
		const char *dot = memchr(at, '.', (size_t)(end - at)), *stop = dot ? dot : end;
		if (stop == at)
			return sd_pparse_wrong(p, at, (size_t)(end - at), "a field's name");
		if (dot && leaf->path_count == 8)
			return sd_pparse_wrong(p, at, (size_t)(end - at), "at most 8 relations");
		if (!path_part(p, leaf, &m, at, (size_t)(stop - at), !dot))
			return false;
		if (!dot)
			return true;
		at = dot + 1;
	}
}

/* ---- operators and values ---- */

static bool one_operand(struct sd_pparse *p, struct sd_pred *leaf, struct cJSON **out)
{
	struct sd_ptok t = peek(p, SD_PWANT_VALUE);

	if (!sd_pparse_value(p, leaf, &t, out))
		return false;
	take(p, &t);
	return true;
}

static bool between_operands(struct sd_pparse *p, struct sd_pred *leaf)
{
	struct cJSON *low = NULL, *high = NULL;
	struct sd_ptok t;
	int order;
	bool ok;

	if (!one_operand(p, leaf, &low))
		return false;
	t = peek(p, SD_PWANT_NAME);
	ok = sd_ptok_is(&t, "and") || wrong(p, &t, "\"and\" and the upper bound");
	if (ok)
		take(p, &t);
	t = peek(p, SD_PWANT_VALUE);
	ok = ok && one_operand(p, leaf, &high);
	if (ok && sd_pred_compare(sd_pred_value_of(leaf->field, leaf->meta), low, high, &order) &&
		order > 0)
		ok = wrong(p, &t, "an upper bound that is not below the lower one");
	if (!ok) {
		sd_json_free(low);
		sd_json_free(high);
		return false;
	}
	leaf->operand = sd_json_array();
	ok = sd_json_push(leaf->operand, low);
	return (sd_json_push(leaf->operand, high) && ok) || sd_pparse_no_memory(p);
}

static bool list_operands(struct sd_pparse *p, struct sd_pred *leaf)
{
	struct sd_ptok t = peek(p, SD_PWANT_VALUE);

	if (t.kind != SD_PT_OPEN)
		return wrong(p, &t, "\"(\" and a list of values");
	leaf->operand = sd_json_array();
	do {
		struct cJSON *v = NULL;
		take(p, &t);
		if (!one_operand(p, leaf, &v))
			return false;
		if (!sd_json_push(leaf->operand, v))
			return sd_pparse_no_memory(p);
		if (++p->values > SD_PPARSE_VALUES)
			return wrong(p, &t, "fewer values: 10000 are the most");
		t = peek(p, SD_PWANT_VALUE);
	} while (t.kind == SD_PT_COMMA);
	if (t.kind != SD_PT_CLOSE)
		return wrong(p, &t, "\",\" or \")\"");
	take(p, &t);
	return true;
}

static bool operands(struct sd_pparse *p, struct sd_pred *leaf)
{
	switch (leaf->op) {
	case SD_P_BETWEEN:
		return between_operands(p, leaf);
	case SD_P_IN:
	case SD_P_NOT_IN:
		return list_operands(p, leaf);
	default:
		return one_operand(p, leaf, &leaf->operand);
	}
}

static struct sd_pred *leaf(struct sd_pparse *p)
{
	struct sd_ptok t = peek(p, SD_PWANT_NAME);
	struct sd_pred *n;

	if (t.kind != SD_PT_WORD) {
		wrong(p, &t, "a field, \"not\" or \"(\"");
		return NULL;
	}
	if (++p->leaves > MAX_LEAVES) {
		wrong(p, &t, "fewer conditions: 1000 are the most (in (a, b, ...) takes more)");
		return NULL;
	}
	n = node(p, SD_P_LEAF);
	if (!n)
		return NULL;
	if (!field_path(p, &t, n))
		goto fail;
	take(p, &t);
	t = peek(p, SD_PWANT_OP);
	if (t.kind != SD_PT_OP) {
		wrong(p, &t,
			"an operator (= != < <= > >= between contains notContains beginsWith in "
			"notIn last)");
		goto fail;
	}
	n->op = t.op;
	if (!sd_pparse_op(p, n, &t))
		goto fail;
	take(p, &t);
	if (operands(p, n))
		return n;
fail:
	sd_pred_free(n);
	return NULL;
}

/* ---- and, or, not, brackets ---- */

static struct sd_pred *any_of(struct sd_pparse *p);

/* A keyword is a field where the model has one of that name and an operator follows. */
static bool keyword(const struct sd_pparse *p, const struct sd_ptok *t, const char *word)
{
	struct sd_ptok next;
	char name[8];

	if (!sd_ptok_is(t, word))
		return false;
	snprintf(name, sizeof name, "%.*s", (int)t->len, t->start);
	next = sd_ptok_at(t->start + t->len, p->end, SD_PWANT_OP);
	return !(sd_model_field(p->m, name) && next.kind == SD_PT_OP);
}

static struct sd_pred *one(struct sd_pparse *p)
{
	struct sd_ptok t = peek(p, SD_PWANT_NAME);
	struct sd_pred *n = NULL, *kid;

	if (keyword(p, &t, "all")) {
		take(p, &t);
		return node(p, SD_P_ALL);
	}
	if (!keyword(p, &t, "not") && t.kind != SD_PT_OPEN)
		return leaf(p);
	if (++p->depth > MAX_DEPTH) {
		wrong(p, &t, "at most 10 levels of brackets and \"not\"");
		return NULL;
	}
	take(p, &t);
	if (t.kind == SD_PT_OPEN) {
		n = any_of(p);
		t = peek(p, SD_PWANT_NAME);
		if (n && t.kind != SD_PT_CLOSE) {
			wrong(p, &t, "\"and\", \"or\" or \")\"");
			sd_pred_free(n);
			return NULL;
		}
		take(p, &t);
	} else {
		kid = one(p);
		n = kid ? node(p, SD_P_NOT) : NULL;
		if (!n)
			sd_pred_free(kid);
		else if (!adopt(p, n, kid)) {
			sd_pred_free(n);
			n = NULL;
		}
	}
	p->depth--;
	return n;
}

/* Takes both over: two links of a chain, where `all` makes one of them idle. */
static struct sd_pred *without_idle(enum sd_pred_kind kind, struct sd_pred *a, struct sd_pred *b)
{
	bool keep_a = (a->kind == SD_P_ALL) == (kind == SD_P_OR);

	sd_pred_free(keep_a ? b : a);
	return keep_a ? a : b;
}

/* A chain joined by `word`; a single link stands for itself. */
static struct sd_pred *chain(struct sd_pparse *p, enum sd_pred_kind kind, const char *word,
	struct sd_pred *(*link)(struct sd_pparse *))
{
	struct sd_pred *n = link(p), *group = NULL, *kid, *first;

	for (;;) {
		struct sd_ptok t = peek(p, SD_PWANT_NAME);
		if (!n || !sd_ptok_is(&t, word))
			return n;
		take(p, &t);
		kid = link(p);
		if (!kid)
			break;
		if (n->kind == SD_P_ALL || kid->kind == SD_P_ALL) {
			n = without_idle(kind, n, kid);
			group = n == group ? group : NULL;
			continue;
		}
		if (!group) {
			first = n;
			n = group = node(p, kind);
			if (!group)
				sd_pred_free(first);
			if (!group || !adopt(p, group, first)) {
				sd_pred_free(kid);
				break;
			}
		}
		if (!adopt(p, group, kid))
			break;
	}
	sd_pred_free(n);
	return NULL;
}

static struct sd_pred *all_of(struct sd_pparse *p)
{
	return chain(p, SD_P_AND, "and", one);
}

static struct sd_pred *any_of(struct sd_pparse *p)
{
	return chain(p, SD_P_OR, "or", all_of);
}

/* The first byte that is no text, or NULL. */
static const char *bad_byte(const char *s, size_t n)
{
	for (size_t i = 0; i < n;) {
		uint32_t cp;
		int k = sd_utf8_get(s + i, n - i, &cp);
		if (k <= 0)
			return s + i;
		i += (size_t)k;
	}
	return NULL;
}

enum sd_err sd_pred_parse(const struct sd_schema *s, const struct sd_model *m, const char *text,
	struct sd_pred **out, struct sd_error *e)
{
	size_t n = strlen(text);
	struct sd_pparse p = {.m = m, .text = text, .at = text, .end = text + n, .e = e};
	const char *bad = bad_byte(text, n);
	struct sd_pred *tree;
	struct sd_ptok t;

	(void)s; /* the model knows what it is related to */
	*out = NULL;
	if (n > MAX_BYTES)
		return sd_fail(e, SD_TOOBIG, 0, "predicate: %zu bytes; at most %zu are read", n,
			MAX_BYTES);
	if (bad) {
		sd_pparse_wrong(&p, bad, 1, "valid UTF-8");
		return p.rc;
	}
	t = peek(&p, SD_PWANT_NAME);
	tree = t.kind == SD_PT_END ? node(&p, SD_P_ALL) : any_of(&p);
	if (!tree)
		return p.rc;
	t = peek(&p, SD_PWANT_NAME);
	if (t.kind != SD_PT_END) {
		wrong(&p, &t, "\"and\", \"or\" or the end");
		sd_pred_free(tree);
		return p.rc;
	}
	*out = tree;
	return SD_OK;
}
