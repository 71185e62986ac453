/* core/sandbox/core/sandbox.c - opening, closing and the settings.  See sandbox.h. */
#include "core/sandbox/core/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/time.h"

static const char *const strategies[] = {"automerge", "optimistic", "lambda", "none"};

static enum sd_err generate(struct sd_sbx *s, struct sd_error *e)
{
	struct sbx_schema x = {0};
	enum sd_err rc =
		sbx_generate(s->o.schema, s->datastore, s->choices, s->strict_relations, &x, e);

	if (rc != SD_OK) {
		sbx_schema_release(&x);
		return rc;
	}
	sbx_subs_free(s); /* they point into the old types */
	sbx_schema_release(&s->x);
	s->x = x;
	return sbx_store_prepare(s, e);
}

static enum sd_err choose(struct sd_sbx *s, struct sd_error *e)
{
	size_t n = s->o.schema->model_count;

	s->choices = calloc(n + 1, sizeof *s->choices);
	if (!s->choices)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	for (size_t i = 0; i < n; i++)
		s->choices[i].strategy = s->o.strategy;
	return SD_OK;
}

enum sd_err sd_sbx_open(const struct sd_sbx_opts *o, struct sd_sbx **out, struct sd_error *e)
{
	struct sd_sbx *s = calloc(1, sizeof *s);
	enum sd_err rc;

	*out = NULL;
	if (!s)
		return sd_fail(e, SD_NOMEM, 0, "sandbox: out of memory");
	s->o = *o;
	s->subs_end = &s->subs;
	s->introspection = true;
	s->datastore = true;
	s->o.execution_ms = s->o.execution_ms > 0 ? s->o.execution_ms : 30000;
	s->o.mono_ms = s->o.mono_ms ? s->o.mono_ms : sd_mono_ms;
	s->o.max_limit = s->o.max_limit > 0 ? s->o.max_limit : 1000;
	s->o.max_subscriptions = s->o.max_subscriptions > 0 ? s->o.max_subscriptions : 100;
	rc = choose(s, e);
	if (rc == SD_OK)
		rc = sbx_store_open(s, e);
	if (rc == SD_OK)
		rc = generate(s, e);
	if (rc != SD_OK) {
		sd_sbx_close(s);
		return rc;
	}
	*out = s;
	return SD_OK;
}

enum sd_err sd_sbx_schema(struct sd_sbx *s, const struct sd_schema *schema, struct sd_error *e)
{
	const struct sd_schema *old = s->o.schema;
	struct sbx_choice *choices = s->choices;
	enum sd_err rc;

	if (s->jobs || s->outer)
		return sd_fail(e, SD_BUSY, 0, "the sandbox is busy; try again");
	s->o.schema = schema;
	rc = choose(s, e);
	for (size_t i = 0; rc == SD_OK && i < schema->model_count; i++)
		for (size_t k = 0; k < old->model_count; k++)
			if (strcmp(old->models[k]->name, schema->models[i]->name) == 0)
				s->choices[i] = choices[k];
	if (rc == SD_OK)
		rc = generate(s, e);
	if (rc == SD_OK) {
		free(choices);
		return SD_OK;
	}
	free(s->choices);
	s->choices = choices;
	s->o.schema = old;
	(void)!generate(s, NULL); /* as it was: it worked before */
	return rc;
}

void sd_sbx_close(struct sd_sbx *s)
{
	if (!s)
		return;
	sbx_jobs_free(s);
	sbx_subs_free(s);
	if (s->outer)
		(void)!sd_sbx_commit(s, NULL);
	sbx_store_close(s);
	sbx_schema_release(&s->x);
	free(s->choices);
	free(s);
}

static enum sd_err strategy_of(const char *text, struct sbx_choice *c)
{
	for (int k = 0; k < 4; k++)
		if (strcmp(text, strategies[k]) == 0) {
			*c = (struct sbx_choice){.strategy = (enum sd_strategy)k};
			return SD_OK;
		}
	if (strncmp(text, "lambda:", 7) != 0 || !text[7])
		return SD_INVAL;
	*c = (struct sbx_choice){.strategy = SD_STRATEGY_LAMBDA, .lambda = text + 7};
	return SD_OK;
}

enum sd_err sd_sbx_model_strategy(struct sd_sbx *s, const char *text, struct sd_error *e)
{
	const char *eq = text ? strchr(text, '=') : NULL;
	size_t n = eq ? (size_t)(eq - text) : 0;

	for (size_t i = 0; eq && i < s->x.model_count; i++) {
		struct sbx_model *m = &s->x.models[i];
		bool was = s->choices[i].strategy != SD_STRATEGY_NONE;
		if (strlen(m->m->name) != n || memcmp(m->m->name, text, n) != 0)
			continue;
		if (strategy_of(eq + 1, &s->choices[i]) != SD_OK)
			return sd_fail(e, SD_INVAL, 0,
				"%s: no such strategy; there are automerge, optimistic, lambda, "
				"lambda:COMMAND and none",
				text);
		if (was != (s->choices[i].strategy != SD_STRATEGY_NONE))
			return generate(s, e); /* with or without metadata: another API */
		m->strategy = s->choices[i].strategy;
		m->lambda = s->choices[i].lambda;
		return SD_OK;
	}
	if (eq)
		return sd_fail(e, SD_INVAL, 0, "%.*s: the schema has no such model", (int)n, text);
	return sd_fail(e, SD_INVAL, 0, "%s: give MODEL=STRATEGY, such as Post=optimistic",
		text ? text : "");
}

enum sd_err sd_sbx_set(struct sd_sbx *s, const char *key, const char *value, struct sd_error *e)
{
	const struct {
		const char *name;
		bool *flag;
	} flags[] = {{"resurrect_on_update", &s->resurrect},
		{"accept_future_version", &s->accept_future},
		{"lenient_datetime", &s->lenient_datetime}, {"introspection", &s->introspection},
		{"max_conflicts", &s->max_conflicts}, {"delta_write_error", &s->delta_write_error},
		{"strict_keys", &s->strict_keys}};
	bool on = !value || strcmp(value, "true") == 0;
	bool wrong = value && !on && strcmp(value, "false") != 0;

	for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
		if (strcmp(key, flags[i].name) != 0)
			continue;
		if (wrong)
			return sd_fail(e, SD_INVAL, 0, "%s=%s: give true or false", key, value);
		*flags[i].flag = on;
		return SD_OK;
	}
	for (size_t i = 0; i < 2; i++) {
		bool *flag = i ? &s->strict_relations : &s->datastore;
		if (strcmp(key, i ? "strict_relations" : "datastore") != 0)
			continue;
		if (wrong)
			return sd_fail(e, SD_INVAL, 0, "%s=%s: give true or false", key, value);
		if (on == *flag)
			return SD_OK;
		*flag = on;
		return generate(s, e);
	}
	return sd_fail(e, SD_INVAL, 0,
		"%s: no such setting; there are resurrect_on_update, accept_future_version, "
		"lenient_datetime, introspection, datastore, strict_relations, strict_keys, "
		"max_conflicts and delta_write_error; `syncdeck help sandbox` has the server's own",
		key);
}
