/*
 * core/sync/push_merged.c - policy `server`: what the service's merge made of a stale change.
 *
 * Its merge stands; it is told, kept in the journal, and not asked for a second time.
 */
#include "core/sync/push.h"

#include "core/json/json.h"

enum sd_err sd_push_note_merge(struct sd_engine *en, const struct sd_case *c,
	const struct cJSON *item, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *changed = sd_json_object(), *names = sd_json_array(), *f;
	struct cJSON *mine = sd_json_object();
	struct sd_buf text = SD_BUF_INIT;
	bool ok = changed && names && mine;
	enum sd_err rc = SD_OK;

	for (const struct cJSON *m = sd_json_child(c->m.fields); ok && m; m = sd_json_next(m)) {
		const char *name = sd_json_name(m);
		const struct sd_field *field = sd_model_field(c->m.model, name);
		const struct cJSON *now = sd_json_get(item, name);
		if (!field || field->read_only || !field->stored || sd_json_equal(m, now, true))
			continue;
		f = sd_json_object();
		ok = sd_json_add(f, "from", sd_json_dup(m));
		ok = sd_json_add(f, "to", now ? sd_json_dup(now) : sd_json_null()) && ok;
		ok = sd_json_add(changed, name, f) && ok;
		ok = sd_json_push(names, sd_json_string(name)) && ok;
		ok = sd_json_add(mine, name, sd_json_dup(m)) && ok;
		sd_buf_fmt(&text, "%s%s %s", text.len ? ", " : "merged by the service: ", name,
			sd_json_is_array(m) ? "was appended to what is there"
					    : "keeps the server's value");
	}
	if (!ok) {
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", c->m.model->name);
	} else if (text.len) {
		rc = sd_outbox_merged(en->store, &c->m, sd_json_get_i64(item, "_version", -1),
			changed, sd_buf_text(&text), now_ms, e);
		f = sd_json_object();
		sd_json_add_int(f, "seq", c->m.seq);
		sd_json_add(f, "fields", names);
		sd_json_add(f, "mine", mine); /* what did not prevail: told while it is fresh */
		names = mine = NULL;
		sd_json_add_str(f, "message", sd_buf_text(&text));
		sd_push_event(en, "mergedByServer", &c->m, f, now_ms);
	}
	sd_json_free(changed);
	sd_json_free(names);
	sd_json_free(mine);
	sd_buf_release(&text);
	return rc;
}

/* ---- is it there already? ---- */
static enum sd_listed both(enum sd_listed a, enum sd_listed b)
{
	if (a == SD_LISTED_NEVER || a == b)
		return b;
	return b == SD_LISTED_NEVER ? a : SD_LISTED_PARTLY;
}

static size_t how_often(const struct cJSON *list, const struct cJSON *v)
{
	size_t n = 0;

	if (sd_json_is_array(list))
		for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
			n += sd_json_equal(c, v, true);
	return n;
}

/* All of mine, one element behind the other. */
static bool in_a_row(const struct cJSON *list, const struct cJSON *mine)
{
	for (const struct cJSON *from = sd_json_child(list); from; from = sd_json_next(from)) {
		const struct cJSON *a = from, *b = sd_json_child(mine);
		while (a && b && sd_json_equal(a, b, true)) {
			a = sd_json_next(a);
			b = sd_json_next(b);
		}
		if (!b)
			return true;
	}
	return false;
}

static enum sd_listed list_there(
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs)
{
	enum sd_listed out = SD_LISTED_NEVER;

	for (const struct cJSON *c = sd_json_child(mine); c; c = sd_json_next(c)) {
		size_t ours = how_often(mine, c);
		if (ours > how_often(base, c))
			out = both(
				out, how_often(theirs, c) >= ours ? SD_LISTED_YES : SD_LISTED_NO);
	}
	if (out != SD_LISTED_NEVER || !sd_json_child(mine))
		return out;
	/* it adds nothing: it took out, or put in another order */
	return sd_json_is_array(theirs) && !sd_json_equal(base, theirs, true) &&
			       in_a_row(theirs, mine)
		       ? SD_LISTED_YES
		       : SD_LISTED_NO;
}

/* Embedded values and AWSJSON are merged key by key. */
static enum sd_listed value_there(
	const struct cJSON *base, const struct cJSON *mine, const struct cJSON *theirs)
{
	enum sd_listed out = SD_LISTED_NEVER;

	if (sd_json_is_array(mine))
		return list_there(base, mine, theirs);
	if (sd_json_is_object(mine))
		for (const struct cJSON *c = sd_json_child(mine); c; c = sd_json_next(c))
			if (!sd_json_equal(sd_json_get(base, sd_json_name(c)), c, true))
				out = both(out, value_there(sd_json_get(base, sd_json_name(c)), c,
							sd_json_get(theirs, sd_json_name(c))));
	return out;
}

enum sd_listed sd_push_listed(const struct sd_case *c, const struct cJSON *theirs)
{
	enum sd_listed out = SD_LISTED_NEVER;

	for (const struct cJSON *f = sd_json_child(c->m.fields); f; f = sd_json_next(f)) {
		const char *name = sd_json_name(f);
		const struct sd_field *field = sd_model_field(c->m.model, name);
		if (field && field->stored && !field->read_only)
			out = both(out, value_there(sd_json_get(c->shadow.base, name), f,
						sd_json_get(theirs, name)));
	}
	return out;
}
