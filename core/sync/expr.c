/*
 * core/sync/expr.c - sync expressions: from the settings or from a command, and what they become.
 *
 * Evaluated once at each start.  A command is asked before anything else happens, and no
 * sync request goes out before every command has answered.  A command that fails does not
 * widen what is fetched: its model fails and is asked again later.
 */
#include "core/sync/pull.h"

#include <stdlib.h>
#include <string.h>

#include "core/json/json.h"

static const struct sd_pred *plain(const struct sd_pred *p)
{
	return p && p->kind != SD_P_ALL ? p : NULL;
}

static bool ask(struct sd_engine *en, struct sd_pull_model *p, const char *command)
{
	struct sd_action a = {.kind = SD_ACT_COMMAND, .timeout_ms = en->set->timeout_ms};

	a.id = ++en->next_id;
	a.text = strdup(command);
	if (!a.text || !sd_en_act(en, a))
		return false;
	p->command = a.id;
	p->expr_failed = false;
	en->pull->commands_open++;
	return true;
}

enum sd_err sd_expr_start(struct sd_engine *en, int64_t now_ms, struct sd_error *e)
{
	(void)now_ms;
	for (size_t i = 0; i < en->pull->count; i++) {
		struct sd_pull_model *p = &en->pull->models[i];
		const struct sd_model_settings *set = en->set->models;

		if (!p->m->syncable || !set)
			continue;
		p->expr = plain(set[i].expression);
		if (set[i].expression_command && !ask(en, p, set[i].expression_command))
			return sd_fail(e, SD_NOMEM, 0, "sync expressions: out of memory");
	}
	return SD_OK;
}

enum sd_err sd_expr_again(struct sd_engine *en, struct sd_pull_model *p, struct sd_error *e)
{
	const char *command = en->set->models[p->m->id].expression_command;

	if (!ask(en, p, command))
		return sd_fail(e, SD_NOMEM, 0, "sync expressions: out of memory");
	return SD_OK;
}

static enum sd_err answered(struct sd_engine *en, struct sd_pull_model *p, const char *output,
	const char *failure, int64_t now_ms, struct sd_error *e)
{
	struct sd_error why = {0};
	struct sd_buf b = SD_BUF_INIT;
	struct sd_pred *pred = NULL;
	size_t n;

	if (!output) {
		sd_buf_fmt(&b,
			"%s: the sync expression's command failed (%s); nothing is "
			"fetched until it succeeds",
			p->m->name, failure ? failure : "no output");
	} else {
		n = strlen(output);
		while (n && (output[n - 1] == '\n' || output[n - 1] == '\r'))
			n--;
		sd_buf_add(&b, output, n);
		if (sd_pred_parse(en->schema, p->m, sd_buf_text(&b), &pred, &why) == SD_OK) {
			sd_buf_release(&b);
			sd_pred_free(p->own_expr);
			p->own_expr = pred;
			p->expr = plain(pred);
			p->failed = false;
			/* the pass it had failed in waits for it after all */
			p->open = p->open || (en->pull->pass && p->want);
			return SD_OK;
		}
		sd_buf_reset(&b);
		sd_buf_fmt(&b, "%s: the sync expression's command printed no predicate: %s",
			p->m->name, why.text);
	}
	p->expr_failed = true;
	{
		enum sd_err rc = sd_run_load(en, p, e);
		if (rc == SD_OK)
			rc = sd_run_failed(en, p, true, -1, sd_buf_text(&b), now_ms, e);
		sd_buf_release(&b);
		return rc;
	}
}

enum sd_err sd_pull_command_done(struct sd_engine *en, uint64_t id, const char *output,
	const char *failure, bool *mine, int64_t now_ms, struct sd_error *e)
{
	*mine = false;
	for (size_t i = 0; i < en->pull->count && id; i++) {
		struct sd_pull_model *p = &en->pull->models[i];

		if (p->command != id)
			continue;
		*mine = true;
		p->command = 0;
		en->pull->commands_open--;
		return answered(en, p, output, failure, now_ms, e);
	}
	return SD_OK;
}

bool sd_pull_expressions_known(const struct sd_engine *en)
{
	return en->pull->commands_open == 0;
}

const struct sd_pred *sd_pull_expression(const struct sd_engine *en, const struct sd_model *m)
{
	return en->pull->models[m->id].expr;
}

enum sd_err sd_expr_text(const struct sd_pull_model *p, char **out, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;

	*out = NULL;
	if (!p->expr)
		return SD_OK;
	if (sd_pred_text(p->expr, &b))
		*out = sd_buf_take(&b);
	sd_buf_release(&b);
	return *out ? SD_OK : sd_fail(e, SD_NOMEM, 0, "sync expression: out of memory");
}

/* ---- as the service can answer by an index (R-114, spec/server.md 1.7): at the top an `and`, its
 *      first member `eq` of a key's hash field, its second one about that key's sort field ---- */

/* The only operator of the only field of a member of `and`; NULL: it is something else. */
static const char *test_of(const struct cJSON *member, const char *field)
{
	const struct cJSON *test = sd_json_child(member), *op = sd_json_child(test);

	if (!test || sd_json_next(test) || strcmp(sd_json_name(test), field) != 0 || !op ||
		sd_json_next(op))
		return NULL;
	return sd_json_name(op);
}

static const struct cJSON *by_hash(const struct cJSON *and, const char *field)
{
	for (const struct cJSON *c = sd_json_child(and); c; c = sd_json_next(c)) {
		const char *op = test_of(c, field);
		if (op && strcmp(op, "eq") == 0)
			return c;
	}
	return NULL;
}

static const struct cJSON *by_sort(const struct cJSON *and, const char *field)
{
	static const char *const OPS[] = {"eq", "lt", "le", "gt", "ge", "between", "beginsWith"};

	for (const struct cJSON *c = sd_json_child(and); c; c = sd_json_next(c)) {
		const char *op = test_of(c, field);
		for (size_t i = 0; op && i < sizeof OPS / sizeof *OPS; i++)
			if (strcmp(op, OPS[i]) == 0)
				return c;
	}
	return NULL;
}

/* The key (index i, or the primary one) that serves best: with its sort field, too. */
static void best_key(const struct sd_model *m, const struct cJSON *and, const struct cJSON **hash,
	const struct cJSON **sort)
{
	*hash = *sort = NULL;
	for (size_t i = 0; i <= m->index_count && !*sort; i++) {
		const size_t *fields = i ? m->indexes[i - 1].fields : m->pk;
		size_t n = i ? m->indexes[i - 1].field_count : m->pk_count;
		const struct cJSON *h = n ? by_hash(and, m->fields[fields[0]].name) : NULL;
		if (!h)
			continue;
		/* several sort fields are one attribute there: none of them alone is asked for */
		*sort = n == 2 ? by_sort(and, m->fields[fields[1]].name) : NULL;
		*hash = *sort || !*hash ? h : *hash;
	}
}

static bool put_first(const struct sd_model *m, struct cJSON *filter)
{
	const struct cJSON *and = sd_json_get(filter, "and"), *hash, *sort;
	struct cJSON *list;
	bool ok = true;

	if (!sd_json_is_array(and))
		return true;
	best_key(m, and, &hash, &sort);
	if (!hash)
		return true;
	list = sd_json_array();
	ok = list && sd_json_push(list, sd_json_dup(hash));
	ok = ok && (!sort || sd_json_push(list, sd_json_dup(sort)));
	for (const struct cJSON *c = sd_json_child(and); ok && c; c = sd_json_next(c))
		if (c != hash && c != sort)
			ok = sd_json_push(list, sd_json_dup(c));
	if (!ok) {
		sd_json_free(list);
		return false;
	}
	return sd_json_set(filter, "and", list);
}

enum sd_err sd_expr_filter(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *f = NULL;
	struct sd_error why = {0};
	enum sd_err rc;

	(void)en;
	free(p->filter);
	p->filter = NULL;
	p->check_here = false;
	if (!p->expr)
		return SD_OK;
	rc = sd_pred_filter(p->m, p->expr, SD_FILTER_SYNC, now_ms, &f, &why);
	if (rc == SD_INVAL) {
		p->check_here = true;
		return SD_OK;
	}
	if (rc != SD_OK)
		return sd_fail(e, rc, 0, "%s", why.text);
	if (!f)
		return SD_OK;
	if (put_first(p->m, f))
		p->filter = sd_json_text(f);
	sd_json_free(f);
	return p->filter ? SD_OK : sd_fail(e, SD_NOMEM, 0, "sync filter: out of memory");
}

enum sd_err sd_expr_offer(
	struct sd_engine *en, struct sd_pull_model *p, int64_t now_ms, struct sd_error *e)
{
	struct sd_pred *kids[1] = {p->own_expr};
	struct sd_pred outside = {.kind = SD_P_NOT, .kids = kids, .kid_count = 1};
	struct sd_query q = {.model = p->m, .where = &outside, .state = SD_ST_SYNCED};
	struct sd_pred *copy = NULL;
	struct sd_buf text = SD_BUF_INIT;
	int64_t n = 0;
	enum sd_err rc = SD_OK;

	p->expr_new = false;
	if (!p->expr)
		return SD_OK;
	/* one of the settings is not ours to point at */
	if (p->expr != p->own_expr) {
		rc = p->s.expression ? sd_pred_parse(en->schema, p->m, p->s.expression, &copy, e)
				     : SD_NOTFOUND;
		kids[0] = copy;
	}
	if (rc == SD_OK)
		rc = sd_rec_count(en->store, &q, &n, e);
	sd_pred_free(copy);
	if (rc != SD_OK || n == 0)
		return rc == SD_NOTFOUND ? SD_OK : rc;
	sd_buf_fmt(&text,
		"%lld row%s from before do not match the sync expression and stay; `syncdeck sync "
		"drop-outside` removes those without unsent changes",
		(long long)n, n == 1 ? "" : "s");
	rc = sd_sync_note(en->store, p->m, sd_buf_text(&text), now_ms, e);
	{
		struct cJSON *f = sd_json_object();
		sd_json_add_str(f, "model", p->m->name);
		sd_json_add_int(f, "rows", n);
		sd_json_add_str(f, "message", sd_buf_text(&text));
		sd_en_event(en, "rowsOutside", f, now_ms);
	}
	sd_buf_release(&text);
	return rc;
}

bool sd_expr_admits(const struct sd_pull_model *p, const struct cJSON *item, int64_t now_ms)
{
	/* a deletion concerns whoever holds the record, whatever it says now */
	return !p->expr || sd_json_is_true(sd_json_get(item, "_deleted")) ||
	       sd_pred_eval(p->expr, item, now_ms, NULL, NULL);
}
