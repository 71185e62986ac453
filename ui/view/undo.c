/* ui/view/undo.c - u and U: what is unsent is undone; what was sent is changed back by a new
 * change, after asking (S3.4). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/view.h"

/* A change that would bring the last sent one back. */
struct way_back {
	char *model, *key;    /* owned */
	struct cJSON *fields; /* owned */
};

static void way_back_free(void *ctx)
{
	struct way_back *w = ctx;

	free(w->model);
	free(w->key);
	sd_json_free(w->fields);
	free(w);
}

void sd_undo_decided(struct sd_ui *ui, const char *model, const char *key, struct cJSON *back)
{
	free(ui->decided_model);
	free(ui->decided_key);
	sd_json_free(ui->decided_back);
	ui->decided_model = model ? sd_strdup_n(model, strlen(model)) : NULL;
	ui->decided_key = key ? sd_strdup_n(key, strlen(key)) : NULL;
	ui->decided_back = back;
}

/* What the newest change made here, of the record sent last, had changed from. */
static struct cJSON *values_before(struct sd_ui *ui, const char *model, const char *key)
{
	struct cJSON *list = NULL, *out = NULL;

	if (sd_api_history(ui->api, model, key, &list, NULL) != SD_OK)
		return NULL;
	for (struct cJSON *j = sd_json_child(list); j && !out; j = sd_json_next(j)) {
		const struct cJSON *changed = sd_json_get(j, "changed");

		if (!sd_str_eq(sd_json_get_str(j, "source"), "local") || !sd_json_child(changed))
			continue;
		out = sd_json_object();
		for (struct cJSON *c = sd_json_child(changed); c; c = sd_json_next(c)) {
			const struct cJSON *from = sd_json_get(c, "from");

			sd_json_add(
				out, sd_json_name(c), from ? sd_json_dup(from) : sd_json_null());
		}
	}
	sd_json_free(list);
	return out;
}

static void from_journal(struct sd_ui *ui, struct way_back *w)
{
	struct cJSON *sent = NULL;

	if (sd_api_sent(ui->api, 20, &sent, NULL) != SD_OK)
		return;
	for (struct cJSON *j = sd_json_child(sent); j && !w->fields; j = sd_json_next(j)) {
		const char *model = sd_json_get_str(j, "model");

		if (!model || !sd_str_eq(sd_json_get_str(j, "op"), "UPDATE"))
			continue;
		free(w->model);
		free(w->key);
		w->model = sd_strdup_n(model, strlen(model));
		w->key = sd_key_json(sd_json_get(j, "key"));
		if (w->model && w->key)
			w->fields = values_before(ui, w->model, w->key);
	}
	sd_json_free(sent);
}

static struct way_back *find_way_back(struct sd_ui *ui)
{
	struct way_back *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	if (ui->decided_model && ui->decided_key && ui->decided_back) {
		w->model = sd_strdup_n(ui->decided_model, strlen(ui->decided_model));
		w->key = sd_strdup_n(ui->decided_key, strlen(ui->decided_key));
		w->fields = sd_json_dup(ui->decided_back);
	} else {
		from_journal(ui, w);
	}
	if (w->model && w->key && sd_json_child(w->fields))
		return w;
	way_back_free(w);
	return NULL;
}

static void back_done(struct sd_ui *ui, void *ctx, int i)
{
	struct way_back *w = ctx;
	const struct sd_model *m = sd_schema_model(ui->schema, w->model);
	struct sd_error e = {0};

	if (i != 1 || !m)
		return;
	if (sd_key_put(m, w->key, w->fields, &e) != SD_OK ||
		sd_api_save(ui->api, w->model, w->fields, NULL, NULL, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	sd_undo_decided(ui, NULL, NULL, NULL);
	sd_api_kick(ui->api);
	sd_say(ui, SD_SAY_GOOD, "Changed back by a new change; it goes out like any other.");
	ui->stale = true;
}

static void offer_back(struct sd_ui *ui)
{
	static const struct sd_choice choice[] = {
		{0, "leave it as it is", 0}, {'y', "make the new change", 0}};
	struct way_back *w = find_way_back(ui);
	struct sd_buf b = SD_BUF_INIT;

	if (!w) {
		sd_say(ui, SD_SAY_INFO, "Nothing to undo.");
		return;
	}
	sd_buf_fmt(&b, "Already sent; this makes a new change of %s ", w->model);
	sd_show_key(w->key, &b);
	sd_buf_str(&b, " back to:\n\n");
	for (struct cJSON *c = sd_json_child(w->fields); c; c = sd_json_next(c)) {
		sd_buf_fmt(&b, "  %s = ", sd_json_name(c));
		sd_show_value(c, &b);
		sd_buf_ch(&b, '\n');
	}
	sd_ask(ui, &(struct sd_ask_opts){.title = "Undo what was sent",
			   .text = sd_buf_text(&b),
			   .choice = choice,
			   .count = 2,
			   .done = back_done,
			   .ctx = w,
			   .free_ctx = way_back_free});
	sd_buf_release(&b);
}

void sd_undo(struct sd_ui *ui)
{
	struct cJSON *list = NULL;
	struct sd_error e = {0};
	int64_t seq = 0;
	const char *op = NULL, *model = NULL;
	bool left = false;

	if (sd_api_outbox(ui->api, false, &list, NULL) != SD_OK)
		list = NULL;
	if (sd_api_undo(ui->api, 0, &seq, &left, &e) != SD_OK) {
		if (e.code == SD_NOTFOUND)
			offer_back(ui);
		else
			sd_say_error(ui, &e);
		sd_json_free(list);
		return;
	}
	for (struct cJSON *j = sd_json_child(list); j && !op; j = sd_json_next(j)) {
		if (sd_json_get_i64(j, "seq", -1) != seq)
			continue;
		op = sd_json_get_str(j, "op");
		model = sd_json_get_str(j, "model");
	}
	if (op && model && left)
		sd_say(ui, SD_SAY_GOOD,
			"Undone: the last save of %s; earlier ones are unsent. U makes it again.",
			model);
	else if (op && model)
		sd_say(ui, SD_SAY_GOOD, "Undone: %s %s. U makes it again.", op, model);
	else /* a delete of what was never sent */
		sd_say(ui, SD_SAY_GOOD, "Undone: the delete. U makes it again.");
	sd_json_free(list);
	ui->stale = true;
}

void sd_redo(struct sd_ui *ui)
{
	struct sd_error e = {0};
	int64_t made = 0;
	enum sd_err rc = sd_api_redo(ui->api, &made, &e);

	if (rc == SD_NOTFOUND) {
		sd_say(ui, SD_SAY_INFO, "Nothing to make again.");
		return;
	}
	if (rc != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "Made again: what was undone last.");
	sd_api_kick(ui->api);
	ui->stale = true;
}

void sd_restore_mine(struct sd_ui *ui, const char *model, const char *key)
{
	struct cJSON *list = NULL, *rec = NULL;
	struct sd_error e = {0};
	int64_t seq = 0;

	if (sd_api_merged(ui->api, 1000, &list, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	for (const struct cJSON *j = sd_json_child(list); j && !seq; j = sd_json_next(j)) {
		char *k = sd_key_json(sd_json_get(j, "key"));
		if (sd_str_eq(sd_json_get_str(j, "model"), model) && sd_str_eq(k, key))
			seq = sd_json_get_i64(j, "seq", 0);
		free(k);
	}
	sd_json_free(list);
	if (!seq) {
		sd_say(ui, SD_SAY_INFO, "The server's merges dropped nothing of this record.");
		return;
	}
	if (sd_api_restore(ui->api, seq, NULL, &rec, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	sd_json_free(rec);
	sd_api_kick(ui->api);
	ui->stale = ui->dirty = true;
	sd_say(ui, SD_SAY_GOOD, "My value is written again, as a new change.");
}
