/*
 * core/sync/isolate.c - a record that takes its whole page with it (U-10).
 *
 * A null where the schema allows none, a value the server cannot write, a body that does not parse
 * or is too large: such a page is asked for in halves until one record is left.  That record is
 * asked for again by its key and metadata alone, and when even those cannot be had, for nothing but
 * the token of the next page.  So the run gets past it: the record stands in the quarantine, and
 * everything behind it arrives.
 */
#include "core/sync/pull.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/graphql/doc.h"
#include "core/json/json.h"
#include "core/store/conflict.h"

/* The last '}' of the selection that begins at open. */
static const char *closing(const char *open)
{
	int depth = 0;

	for (const char *c = open; *c; c++) {
		depth += *c == '{';
		depth -= *c == '}';
		if (depth == 0)
			return c;
	}
	return NULL;
}

char *sd_isolate_document(const struct sd_pull_model *p)
{
	const char *items = strstr(p->document, "{ items {"), *end;
	struct sd_buf b = SD_BUF_INIT;
	char *out;

	end = items ? closing(items + 8) : NULL;
	if (!end)
		return NULL;
	sd_buf_add(&b, p->document, (size_t)(items - p->document) + 2);
	if (p->isolating == SD_ISOLATE_KEYS) {
		sd_buf_str(&b, "items { ");
		for (size_t i = 0; i < p->m->pk_count; i++)
			sd_buf_fmt(&b, "%s ", p->m->fields[p->m->pk[i]].name);
		sd_buf_str(&b, "_version _lastChangedAt _deleted } ");
	}
	sd_buf_str(&b, end + 1 + strspn(end + 1, " "));
	out = sd_buf_take(&b);
	sd_buf_release(&b);
	return out;
}

/* "syncPosts/items/0/title" */
static void note_place(struct sd_pull_model *p, const struct cJSON *error)
{
	struct sd_buf b = SD_BUF_INIT;

	for (const struct cJSON *c = sd_json_child(sd_json_get(error, "path")); c;
		c = sd_json_next(c)) {
		int64_t n;
		if (b.len)
			sd_buf_ch(&b, '/');
		if (sd_json_str(c))
			sd_buf_str(&b, sd_json_str(c));
		else if (sd_json_i64(c, &n))
			sd_buf_fmt(&b, "%lld", (long long)n);
	}
	snprintf(p->bad_path, sizeof p->bad_path, "%s", b.len ? sd_buf_text(&b) : p->root);
	sd_buf_release(&b);
}

void sd_isolate_cut(struct sd_pull_model *p)
{
	if (!p->cut) {
		p->cut = true;
		p->whole_size = p->s.page_size;
	}
}

enum sd_err sd_isolate(struct sd_engine *en, struct sd_pull_model *p, const struct sd_reply *rep,
	int64_t now_ms, struct sd_error *e)
{
	char text[1024];

	p->running = false;
	if (p->isolating == SD_ISOLATE_NOTHING) {
		note_place(p, sd_json_child(rep->errors));
		snprintf(p->bad_reason, sizeof p->bad_reason, "%s%s%s", rep->type,
			rep->type[0] && rep->message[0] ? ": " : "", rep->message);
	}
	if (p->isolating != SD_ISOLATE_TOKEN) {
		p->isolating++;
		return sd_run_request(en, p, p->s.page_token, e);
	}
	/* not the record's fault then: smaller pages were no help */
	sd_isolate_over(p);
	snprintf(text, sizeof text, "%s: %s: %s: %s", p->m->name, p->root,
		rep->type[0] ? rep->type : "refused", rep->message);
	return sd_run_failed(
		en, p, rep->klass != SD_REPLY_RETRY, rep->retry_after_ms, text, now_ms, e);
}

void sd_isolate_over(struct sd_pull_model *p)
{
	p->isolating = SD_ISOLATE_NOTHING;
	if (p->cut)
		p->s.page_size = p->whole_size;
	p->cut = false;
	p->good_pages = 0;
}

static enum sd_err take_one(struct sd_engine *en, struct sd_pull_model *p, const struct cJSON *item,
	int64_t now_ms, struct sd_error *e)
{
	struct sd_buf key = SD_BUF_INIT, raw = SD_BUF_INIT;
	struct sd_error none;
	enum sd_err rc;

	if (sd_key_of(p->m, item, &key, &none) != SD_OK)
		sd_buf_reset(&key);
	if (!sd_json_print(item, &raw))
		sd_buf_reset(&raw);
	rc = sd_quarantine_put(en->store, p->m, key.len ? sd_buf_text(&key) : NULL, p->bad_path,
		raw.len ? sd_buf_text(&raw) : "null", p->bad_reason, now_ms, e);
	sd_page_bad_row(en, p->m, p->bad_path, p->bad_reason, now_ms);
	sd_buf_release(&key);
	sd_buf_release(&raw);
	return rc;
}

/* A server that answers more than it was asked for. */
static bool whole(const struct sd_pull_model *p, const struct cJSON *item)
{
	for (size_t i = 0; i < p->m->field_count; i++) {
		const struct sd_field *f = &p->m->fields[i];
		if (f->stored && !sd_model_is_key(p->m, f) && sd_json_get(item, f->name))
			return true;
	}
	return false;
}

enum sd_err sd_isolate_take(struct sd_engine *en, struct sd_pull_model *p, enum sd_isolating how,
	const struct sd_reply *rep, int64_t now_ms, struct sd_error *e)
{
	struct cJSON *item = sd_json_child(sd_json_get(rep->data, "items"));
	enum sd_err rc;

	if (how == SD_ISOLATE_KEYS && !item) /* deleted for good meanwhile */
		return SD_OK;
	/* of a tombstone the key and the metadata are enough */
	if (sd_json_is_true(sd_json_get(item, "_deleted")) || whole(p, item))
		return sd_page_apply(en, p, rep->data, NULL, now_ms, e);
	/* what could not be read cannot be told from what is gone */
	p->s.sweep_rid = p->s.page_base ? 0 : -1;
	rc = take_one(en, p, item, now_ms, e);
	for (item = sd_json_next(item); item && rc == SD_OK; item = sd_json_next(item))
		rc = take_one(en, p, item, now_ms, e);
	return rc;
}
