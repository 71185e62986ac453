/* core/api/watch.c - following changes of records: what the journal tells (contract.md 5). */
#include "core/api/internal.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/base/time.h"

struct sd_api_watch {
	const struct sd_model *model; /* NULL: all */
	char *key;                    /* owned; NULL: all */
	struct sd_pred *where;        /* owned; NULL: all */
	int64_t after, generation;
};

enum sd_err sd_api_watch_open(struct sd_api *api, const char *model, const char *key,
	const char *where, struct sd_api_watch **out, struct sd_error *e)
{
	struct sd_api_watch *w = calloc(1, sizeof *w);
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (!w)
		return sd_fail(e, SD_NOMEM, 0, "observe: out of memory");
	if (rc == SD_OK && model)
		rc = sd_api_model(api, model, &w->model, e);
	if (rc == SD_OK && where && w->model)
		rc = sd_pred_parse(api->o.schema, w->model, where, &w->where, e);
	w->key = key ? strdup(key) : NULL;
	if (rc == SD_OK)
		rc = sd_journal_last(api->reader, &w->after, e);
	w->generation = api->generation;
	if (rc != SD_OK) {
		sd_api_watch_close(w);
		return rc;
	}
	*out = w;
	return SD_OK;
}

void sd_api_watch_close(struct sd_api_watch *w)
{
	if (!w)
		return;
	free(w->key);
	sd_pred_free(w->where);
	free(w);
}

struct follow {
	struct sd_api *api;
	struct sd_api_watch *w;
	struct cJSON *lines; /* told after the statement has ended */
	enum sd_err rc;
	struct sd_error *e;
};

static const char *const TYPE[SD_J_KIND_COUNT] = {[SD_J_INSERT] = "INSERT",
	[SD_J_UPDATE] = "UPDATE",
	[SD_J_DELETE] = "DELETE",
	[SD_J_META] = "UPDATE"};

/* rec moves. */
static void add_line(struct follow *f, const struct sd_model *m, const char *type,
	enum sd_source source, struct cJSON *rec)
{
	struct cJSON *line;

	if (f->w->where && !sd_pred_eval(f->w->where, rec, sd_now_ms(), NULL, NULL)) {
		sd_json_free(rec);
		return;
	}
	line = sd_json_object();
	sd_json_add_str(line, "type", type);
	sd_json_add_str(line, "model", m->name);
	sd_json_add(line, "element", rec);
	sd_json_add_str(line, "source", sd_source_name(source));
	sd_json_push(f->lines, line);
}

static struct cJSON *gone(const struct sd_model *m, const char *key)
{
	struct cJSON *rec = sd_json_object();

	if (sd_key_put(m, key, rec, NULL) != SD_OK)
		return rec;
	sd_json_add_bool(rec, "_deleted", true);
	return rec;
}

/* A line about many rows: tells those that are watched. */
static void follow_range(struct follow *f, const struct sd_journal *j)
{
	int64_t from = j->rid_from, to = j->rid_to, own = 0;
	struct cJSON *rec = NULL;

	if (f->w->key) { /* one record: its row is in the range or not */
		rec = sd_json_object();
		if (sd_key_put(j->model, f->w->key, rec, NULL) != SD_OK ||
			sd_rec_rid(f->api->reader, j->model, rec, &own, NULL) != SD_OK ||
			own < from || own > to)
			to = 0;
		else
			from = to = own;
		sd_json_free(rec);
	}
	for (int64_t rid = from; rid && rid <= to; rid++)
		if (sd_rec_get_rid(f->api->reader, j->model, rid, &rec, NULL) == SD_OK)
			add_line(f, j->model, TYPE[j->kind], j->source, rec);
}

static bool follow_line(void *ctx, const struct sd_journal *j)
{
	struct follow *f = ctx;
	struct cJSON *rec = NULL;

	f->w->after = j->id;
	if (!TYPE[j->kind] || !j->model || (f->w->model && j->model != f->w->model))
		return true;
	follow_range(f, j);
	if (!j->key || (f->w->key && strcmp(f->w->key, j->key) != 0))
		return true;
	if (sd_rec_get(f->api->reader, j->model, j->key, true, &rec, NULL) != SD_OK)
		rec = gone(j->model, j->key);
	add_line(f, j->model, TYPE[j->kind], j->source, rec);
	return true;
}

enum sd_err sd_api_watch_next(
	struct sd_api *api, struct sd_api_watch *w, sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	struct follow f = {.api = api, .w = w, .e = e};
	enum sd_err rc = sd_api_use(api, e);

	if (rc != SD_OK)
		return rc;
	f.lines = sd_json_array();
	if (w->generation != api->generation) { /* */
		struct cJSON *line = sd_json_object();
		sd_json_add_str(line, "event", "cleared");
		sd_json_push(f.lines, line);
		w->generation = api->generation;
		w->after = 0;
	}
	rc = sd_journal_each(api->reader, w->after, 5000, follow_line, &f, e);
	for (struct cJSON *l = sd_json_child(f.lines); rc == SD_OK && l; l = sd_json_next(l))
		if (!fn(ctx, l))
			break;
	sd_json_free(f.lines);
	return rc;
}
