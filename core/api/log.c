/*
 * core/api/log.c - what happened, one line a cause (U-42): a change made here, that it was sent,
 * confirmed and came back as an echo are one line; so is each change that came from elsewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/internal.h"
#include "core/base/map.h"
#include "core/base/text.h"

#define LOOK_BACK 50000 /* journal lines looked at, at most */

struct gather {
	const struct sd_model *model; /* NULL: all */
	struct cJSON *list;
	struct sd_map by_seq; /* "12" -> struct cJSON *, borrowed from list */
	bool failed;
};

static const char *const KIND[SD_J_KIND_COUNT] = {[SD_J_INSERT] = "INSERT",
	[SD_J_UPDATE] = "UPDATE",
	[SD_J_DELETE] = "DELETE",
	[SD_J_META] = "VERSION",
	[SD_J_OUTBOX] = "OUTBOX",
	[SD_J_CONFLICT] = "CONFLICT",
	[SD_J_SYNC] = "SYNC"};

static struct cJSON *names(const struct cJSON *changed)
{
	struct cJSON *list = sd_json_array();

	for (const struct cJSON *f = sd_json_child(changed); f; f = sd_json_next(f))
		sd_json_push(list, sd_json_string(sd_json_name(f)));
	return list;
}

/* What one journal line is in the story of its change, which so far ended with `last`. */
static const char *step_of(const struct sd_journal *l, const char *last)
{
	if (l->kind == SD_J_OUTBOX)
		return l->text ? l->text : "queued";
	if (l->kind == SD_J_CONFLICT)
		return "conflict";
	if (l->source == SD_FROM_MUTATION) /* a refusal puts the server's values back */
		return last && strncmp(last, "refused", 7) == 0 ? "put back" : "confirmed";
	return l->text ? l->text : "write";
}

static void add_step(struct cJSON *group, const struct sd_journal *l)
{
	struct cJSON *steps = sd_json_get(group, "steps"), *j;
	const char *last = NULL, *step;
	int64_t at = 0;

	for (const struct cJSON *s = sd_json_child(steps); s; s = sd_json_next(s)) {
		last = sd_json_get_str(s, "step");
		at = sd_json_get_i64(s, "at", 0);
	}
	step = step_of(l, last);

	/* "undone": the entry's line says it, the record's line says it again; without the entry's
	 * one save in it was taken back */
	if (l->kind != SD_J_OUTBOX && l->kind != SD_J_CONFLICT && l->text && at == l->at_ms &&
		sd_str_eq(last, l->text))
		return;
	j = sd_json_object();
	sd_json_add_int(j, "at", l->at_ms);
	sd_json_add_str(j, "step", step);
	if (l->version > 0)
		sd_json_add_int(j, "version", l->version);
	sd_json_push(steps, j);
	if (l->changed && strcmp(step, "write") == 0) {
		struct cJSON *all = sd_json_get(group, "changed"), *more = names(l->changed);
		for (const struct cJSON *n = sd_json_child(more); n; n = sd_json_next(n)) {
			const struct cJSON *have = sd_json_child(all);
			while (have && !sd_json_equal(have, n, false))
				have = sd_json_next(have);
			if (!have)
				sd_json_push(all, sd_json_dup(n));
		}
		sd_json_free(more);
	}
	if (l->echo_ms) /* put behind the answer, which may have been slower */
		sd_json_set(group, "echo", sd_json_int(l->echo_ms));
}

static void put_echoes(struct cJSON *list)
{
	for (struct cJSON *g = sd_json_child(list); g; g = sd_json_next(g)) {
		int64_t at = sd_json_get_i64(g, "echo", 0);
		struct cJSON *j;
		if (!at)
			continue;
		sd_json_remove(g, "echo");
		j = sd_json_object();
		sd_json_add_int(j, "at", at);
		sd_json_add_str(j, "step", "echo");
		sd_json_push(sd_json_get(g, "steps"), j);
	}
}

static struct cJSON *new_group(const struct sd_journal *l)
{
	struct cJSON *g = sd_json_object(), *key = NULL;

	if (l->key && sd_json_parse(l->key, strlen(l->key), "key", &key, NULL) != SD_OK)
		key = NULL;
	sd_json_add_int(g, "at", l->at_ms);
	sd_json_add_str(g, "cause", l->seq ? "local" : sd_source_name(l->source));
	sd_json_add_str(g, "kind", l->seq ? sd_op_name(l->op) : KIND[l->kind]);
	sd_json_add_str(g, "model", l->model ? l->model->name : NULL);
	sd_json_add(g, "key", key ? key : sd_json_null());
	if (l->seq)
		sd_json_add_int(g, "seq", l->seq);
	return g;
}

static bool take(void *ctx, const struct sd_journal *l)
{
	struct gather *g = ctx;
	struct cJSON *group;
	char seq[24];

	if (g->model && l->model != g->model)
		return true;
	/* the record went back with its change: the change's own line says so */
	if (!l->seq && l->source == SD_FROM_LOCAL && l->key && l->text)
		return true;
	snprintf(seq, sizeof seq, "%lld", (long long)l->seq);
	group = l->seq ? sd_map_get(&g->by_seq, seq) : NULL;
	if (!group) {
		group = new_group(l);
		sd_json_add(group, "changed", l->seq ? sd_json_array() : names(l->changed));
		if (l->seq)
			sd_json_add(group, "steps", sd_json_array());
		else if (l->version > 0)
			sd_json_add_int(group, "version", l->version);
		if (!l->seq && l->rid_from)
			sd_json_add_int(group, "rows", l->rid_to - l->rid_from + 1);
		if (!l->seq && l->text)
			sd_json_add_str(group, "text", l->text);
		g->failed = !sd_json_push(g->list, group) ||
			    (l->seq && !sd_map_put(&g->by_seq, seq, group, NULL));
	}
	if (l->seq && !g->failed)
		add_step(group, l);
	return !g->failed;
}

enum sd_err sd_api_log(struct sd_api *api, const char *model, int64_t limit, struct cJSON **out,
	struct sd_error *e)
{
	struct gather g = {.model = NULL};
	int64_t last = 0, n;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK && model)
		rc = sd_api_model(api, model, &g.model, e);
	if (rc == SD_OK)
		rc = sd_journal_last(api->reader, &last, e);
	if (rc != SD_OK)
		return rc;
	g.list = sd_json_array();
	rc = sd_journal_each(api->reader, last > LOOK_BACK ? last - LOOK_BACK : 0, 0, take, &g, e);
	sd_map_release(&g.by_seq, NULL);
	if (rc == SD_OK && g.failed)
		rc = sd_fail(e, SD_NOMEM, 0, "log: out of memory");
	if (rc != SD_OK) {
		sd_json_free(g.list);
		return rc;
	}
	put_echoes(g.list);
	*out = g.list;
	if (limit > 0 && (n = (int64_t)sd_json_count(g.list)) > limit) { /* the newest ones */
		struct cJSON *tail = sd_json_array();
		for (const struct cJSON *l = sd_json_child(g.list); l; l = sd_json_next(l))
			if (n-- <= limit)
				sd_json_push(tail, sd_json_dup(l));
		sd_json_free(g.list);
		*out = tail;
	}
	return SD_OK;
}
