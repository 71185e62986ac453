/* core/graphql/doc.c - see doc.h. */
#include "core/graphql/doc.h"

#include <stdio.h>
#include <string.h>

#include "core/graphql/names.h"
#include "core/json/json.h"

/* How each document begins, and what its root field is called. */
struct shape {
	const char *word;   /* query, mutation, subscription */
	const char *prefix; /* of the root field */
	const char *input;  /* mutations: prefix of the input's type */
	bool plural, condition, subscription;
};

static const struct shape SHAPE[SD_DOC_COUNT] = {
	[SD_DOC_SYNC] = {"query", "sync", NULL, true, false, false},
	[SD_DOC_CREATE] = {"mutation", "create", "Create", false, false, false},
	[SD_DOC_UPDATE] = {"mutation", "update", "Update", false, true, false},
	[SD_DOC_DELETE] = {"mutation", "delete", "Delete", false, true, false},
	[SD_DOC_GET] = {"query", "get", NULL, false, false, false},
	[SD_DOC_ON_CREATE] = {"subscription", "onCreate", NULL, false, false, true},
	[SD_DOC_ON_UPDATE] = {"subscription", "onUpdate", NULL, false, false, true},
	[SD_DOC_ON_DELETE] = {"subscription", "onDelete", NULL, false, false, true},
};

bool sd_doc_root(const struct sd_model *m, enum sd_doc kind, struct sd_buf *out)
{
	const struct shape *s = &SHAPE[kind];

	if (s->subscription)
		return sd_gql_subscription(out, s->prefix, m->name);
	return sd_gql_join(out, s->prefix, s->plural && m->plural ? m->plural : m->name, "");
}

/* ---- selection set (client.md 2.3) ---- */

/* The non-model types entered so far: one that contains itself is not entered again. */
struct entered {
	const struct entered *before;
	const struct sd_nonmodel *type;
};

static bool is_leaf(const struct sd_field *f)
{
	return (f->kind == SD_K_SCALAR || f->kind == SD_K_ENUM) && !f->implicit;
}

static void word(struct sd_buf *out, const char *s)
{
	sd_buf_str(out, s);
	sd_buf_ch(out, ' ');
}

/* "name { ... } ", or nothing when every field of the type would have to be entered again. */
static void nonmodel(const struct sd_field *f, const struct entered *before, struct sd_buf *out)
{
	const struct entered here = {before, f->nonmodel};
	size_t from = out->len, empty;

	if (!f->nonmodel)
		return;
	for (; before; before = before->before)
		if (before->type == f->nonmodel)
			return;
	word(out, f->name);
	sd_buf_str(out, "{ ");
	empty = out->len;
	for (size_t i = 0; i < f->nonmodel->field_count; i++)
		if (is_leaf(&f->nonmodel->fields[i]))
			word(out, f->nonmodel->fields[i].name);
	for (size_t i = 0; i < f->nonmodel->field_count; i++)
		if (f->nonmodel->fields[i].kind == SD_K_NONMODEL)
			nonmodel(&f->nonmodel->fields[i], &here, out);
	if (out->len == empty && sd_buf_ok(out))
		out->data[out->len = from] = '\0';
	else
		sd_buf_str(out, "} ");
}

static bool selects_owner(const struct sd_model *m)
{
	bool ruled = false;

	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i].allow == SD_ALLOW_OWNER &&
			(!m->rules[i].owner_field || strcmp(m->rules[i].owner_field, "owner") == 0))
			ruled = true;
	for (size_t i = 0; ruled && i < m->field_count; i++)
		if (is_leaf(&m->fields[i]) && strcmp(m->fields[i].name, "owner") == 0)
			return false;
	return ruled;
}

static bool wanted(const struct sd_model *m, size_t field, const struct sd_doc_opts *opts)
{
	if (!opts || !opts->only || sd_json_get(opts->only, m->fields[field].name))
		return true;
	for (size_t k = 0; k < m->pk_count; k++)
		if (m->pk[k] == field)
			return true;
	return false;
}

static bool selection(const struct sd_model *m, const struct sd_doc_opts *opts, struct sd_buf *out)
{
	bool plain = opts && (opts->plain || opts->only);

	sd_buf_str(out, "{ ");
	for (size_t i = 0; i < m->field_count; i++)
		if (is_leaf(&m->fields[i]) && wanted(m, i, opts))
			word(out, m->fields[i].name);
	if (selects_owner(m) && !(opts && opts->only))
		word(out, "owner");
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].kind == SD_K_NONMODEL && wanted(m, i, opts))
			nonmodel(&m->fields[i], NULL, out);
	sd_buf_str(out, "_version _lastChangedAt _deleted ");
	for (size_t i = 0; i < m->field_count && !plain; i++) {
		const struct sd_field *f = &m->fields[i];
		if (f->kind != SD_K_MODEL || f->assoc != SD_A_BELONGS_TO || !f->model)
			continue;
		word(out, f->name);
		sd_buf_str(out, "{ ");
		for (size_t k = 0; k < f->model->pk_count; k++)
			word(out, f->model->fields[f->model->pk[k]].name);
		sd_buf_str(out, "_deleted } ");
	}
	return sd_buf_ch(out, '}');
}

bool sd_doc_selection(const struct sd_model *m, struct sd_buf *out)
{
	return selection(m, NULL, out);
}

/* ---- documents (client.md 2.2) ---- */

static void sync_doc(const struct sd_model *m, struct sd_buf *out)
{
	sd_buf_str(out, "query operation($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, "
			"$filter: ");
	sd_gql_join(out, "Model", m->name, "FilterInput) { ");
	sd_doc_root(m, SD_DOC_SYNC, out);
	sd_buf_str(out, "(limit: $limit, nextToken: $nextToken, lastSync: $lastSync, "
			"filter: $filter) { items ");
	sd_doc_selection(m, out);
	sd_buf_str(out, " nextToken startedAt } }");
}

static void get_doc(const struct sd_model *m, const struct sd_doc_opts *opts, struct sd_buf *out)
{
	sd_buf_str(out, "query operation(");
	for (size_t k = 0; k < m->pk_count; k++) {
		const struct sd_field *f = &m->fields[m->pk[k]];
		sd_buf_fmt(out, "%s$%s: %s!", k ? ", " : "", f->name, f->type_name);
	}
	sd_buf_str(out, ") { ");
	sd_doc_root(m, SD_DOC_GET, out);
	for (size_t k = 0; k < m->pk_count; k++) {
		const char *name = m->fields[m->pk[k]].name;
		sd_buf_fmt(out, "%s%s: $%s", k ? ", " : "(", name, name);
	}
	sd_buf_str(out, ") ");
	selection(m, opts, out);
	sd_buf_str(out, " }");
}

/* A mutation's variables, named `in` and `cond`. */
static void mutation_vars(const struct sd_model *m, const struct shape *s, const char *in,
	const char *cond, struct sd_buf *out)
{
	sd_buf_fmt(out, "$%s: ", in);
	sd_gql_join(out, s->input, m->name, "Input!");
	if (!s->condition)
		return;
	sd_buf_fmt(out, ", $%s: ", cond);
	sd_gql_join(out, "Model", m->name, "ConditionInput");
}

static void mutation_field(const struct sd_model *m, enum sd_doc kind, const char *in,
	const char *cond, struct sd_buf *out)
{
	sd_doc_root(m, kind, out);
	sd_buf_fmt(out, "(input: $%s", in);
	if (SHAPE[kind].condition)
		sd_buf_fmt(out, ", condition: $%s", cond);
	sd_buf_str(out, ") ");
	sd_doc_selection(m, out);
}

static void mutation_doc(const struct sd_model *m, enum sd_doc kind, struct sd_buf *out)
{
	sd_buf_str(out, "mutation operation(");
	mutation_vars(m, &SHAPE[kind], "input", "condition", out);
	sd_buf_str(out, ") { ");
	mutation_field(m, kind, "input", "condition", out);
	sd_buf_str(out, " }");
}

static void subscription_doc(const struct sd_model *m, enum sd_doc kind,
	const struct sd_doc_opts *opts, struct sd_buf *out)
{
	const char *owner = opts ? opts->owner_field : NULL;
	bool filter = opts && opts->filter;

	sd_buf_str(out, "subscription operation");
	if (filter || owner)
		sd_buf_ch(out, '(');
	if (filter) {
		sd_buf_str(out, "$filter: ");
		sd_gql_join(out, "ModelSubscription", m->name, "FilterInput");
	}
	if (owner)
		sd_buf_fmt(out, "%s$%s: String!", filter ? ", " : "", owner);
	sd_buf_str(out, filter || owner ? ") { " : " { ");
	sd_doc_root(m, kind, out);
	if (filter || owner)
		sd_buf_fmt(
			out, "(%s%s", filter ? "filter: $filter" : "", filter && owner ? ", " : "");
	if (owner)
		sd_buf_fmt(out, "%s: $%s", owner, owner);
	sd_buf_str(out, filter || owner ? ") " : " ");
	sd_doc_selection(m, out);
	sd_buf_str(out, " }");
}

enum sd_err sd_doc_build(const struct sd_model *m, enum sd_doc kind, const struct sd_doc_opts *opts,
	struct sd_buf *out, struct sd_error *e)
{
	if (kind == SD_DOC_SYNC)
		sync_doc(m, out);
	else if (kind == SD_DOC_GET)
		get_doc(m, opts, out);
	else if (SHAPE[kind].subscription)
		subscription_doc(m, kind, opts, out);
	else
		mutation_doc(m, kind, out);
	return sd_buf_ok(out) ? SD_OK
			      : sd_fail(e, SD_NOMEM, 0, "%s: no memory for its document", m->name);
}

bool sd_doc_request(const char *document, const struct cJSON *variables, struct sd_buf *out)
{
	sd_buf_str(out, "{\"query\":");
	sd_json_quote(out, document, strlen(document));
	sd_buf_str(out, ",\"variables\":");
	if (variables)
		sd_json_print(variables, out);
	else
		sd_buf_str(out, "{}");
	return sd_buf_ch(out, '}');
}

enum sd_err sd_doc_batch(const struct sd_model *const *models, const enum sd_doc *kinds, size_t n,
	struct sd_buf *out, struct sd_error *e)
{
	char in[32], cond[32];

	if (n == 0)
		return sd_fail(e, SD_INVAL, 0, "a batch needs at least one mutation");
	for (size_t i = 0; i < n; i++)
		if (!SHAPE[kinds[i]].input)
			return sd_fail(e, SD_INVAL, 0, "a batch takes mutations only");
	for (size_t pass = 0; pass < 2; pass++) { /* the variables, then the fields */
		sd_buf_str(out, pass ? ") {" : "mutation operation(");
		for (size_t i = 0; i < n; i++) {
			snprintf(in, sizeof in, "i%zu", i);
			snprintf(cond, sizeof cond, "c%zu", i);
			if (pass) {
				sd_buf_fmt(out, " m%zu: ", i);
				mutation_field(models[i], kinds[i], in, cond, out);
			} else {
				sd_buf_str(out, i ? ", " : "");
				mutation_vars(models[i], &SHAPE[kinds[i]], in, cond, out);
			}
		}
	}
	sd_buf_str(out, " }");
	return sd_buf_ok(out) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "no memory for a batch");
}
