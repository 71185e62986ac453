/* ui/view/data_do.c - what can be done with records beside moving: sort, mark, delete. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/data.h"

const struct sd_field *sd_data_column(const struct sd_data *d)
{
	return d->m && d->col_n ? &d->m->fields[d->cols[d->col_at]] : NULL;
}

/* ---- sort and columns ---- */

static void sort_by(struct sd_ui *ui, struct sd_data *d, const char *field, bool desc)
{
	sd_data_set(&d->sort, field); /* field may be the old d->sort: gone from here */
	d->desc = desc;
	sd_win_first(ui, d);
	sd_say(ui, SD_SAY_INFO, "Sorted by %s%s.", d->sort ? d->sort : "the order of arrival",
		desc ? ", largest first" : "");
}

static bool sort_picked(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	struct sd_data *d = ctx;

	(void)i;
	sort_by(ui, d, *value ? value : NULL, sd_str_eq(d->sort, value) && !d->desc);
	return true;
}

static void pick_column(struct sd_ui *ui, struct sd_data *d, const char *title, bool marks,
	size_t at, bool (*done)(struct sd_ui *, void *, size_t, const char *))
{
	struct sd_pick_opts o = {.title = title, .done = done, .ctx = d, .at = at};
	char name[300];

	o.label = calloc(d->m->field_count + 1, sizeof *o.label);
	o.value = calloc(d->m->field_count + 1, sizeof *o.value);
	for (size_t i = 0; o.label && o.value && i < d->m->field_count; i++) {
		const struct sd_field *f = &d->m->fields[i];
		const struct sd_field *now = sd_data_column(d);
		struct sd_buf b = SD_BUF_INIT;

		if (!f->stored)
			continue;
		snprintf(name, sizeof name, "%s.%s", d->m->name, f->name);
		if (marks)
			sd_buf_fmt(&b, " [%c] ", sd_map_has(&d->hidden, name) ? ' ' : 'x');
		else
			sd_buf_ch(&b, ' ');
		sd_buf_fmt(&b, "%-24s ", f->name);
		sd_field_type_text(f, &b);
		if (!marks && f == now)
			o.at = o.count;
		o.label[o.count] = sd_buf_take(&b);
		o.value[o.count] = sd_strdup_n(f->name, strlen(f->name));
		if (o.label[o.count] && o.value[o.count])
			o.count++;
	}
	if (!marks && o.label && o.value) {
		o.label[o.count] = sd_strdup_n(" (order of arrival)", 19);
		o.value[o.count] = sd_strdup_n("", 0);
		o.count++;
	}
	sd_pick_list(ui, &o);
}

static bool column_toggled(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	struct sd_data *d = ctx;
	char name[300];

	snprintf(name, sizeof name, "%s.%s", d->m->name, value);
	if (sd_map_has(&d->hidden, name))
		sd_map_del(&d->hidden, name);
	else if (d->col_n > 1)
		sd_map_put(&d->hidden, name, d, NULL);
	else
		sd_say(ui, SD_SAY_WARN, "One column has to stay.");
	sd_data_columns(d);
	pick_column(ui, d, "Columns  (Enter shows or hides, Esc closes)", true, i, column_toggled);
	return true;
}

/* ---- marks ---- */

static void mark_one(struct sd_data *d, const char *key, bool toggle)
{
	if (!key)
		return;
	if (toggle && sd_map_has(&d->marks, key))
		sd_map_del(&d->marks, key);
	else
		sd_map_put(&d->marks, key, d, NULL);
}

static void mark(struct sd_ui *ui, struct sd_data *d)
{
	char *key = sd_key_text(d->m, sd_win_row(d));

	mark_one(d, key, true);
	sd_data_set(&d->mark_key, key);
	free(key);
	sd_win_move(ui, d, 1);
}

static void mark_range(struct sd_ui *ui, struct sd_data *d)
{
	if (d->mark_key && sd_win_row(d))
		sd_win_mark_to(ui, d, d->mark_key);
	else
		sd_say(ui, SD_SAY_INFO, "Mark the first row with Space; then v marks up to here.");
}

static void mark_shown(struct sd_data *d)
{
	for (int i = 0; i < d->n; i++) {
		char *key = sd_key_text(d->m, d->rows[i]);

		mark_one(d, key, false);
		free(key);
	}
}

/* ---- delete ---- */

struct doomed {
	struct sd_data *d;
	char **key;
	size_t n;
};

static void free_doomed(void *ctx)
{
	struct doomed *x = ctx;

	for (size_t i = 0; i < x->n; i++)
		free(x->key[i]);
	free(x->key);
	free(x);
}

/* The marked keys, or the cursor's. */
static struct doomed *targets(struct sd_data *d)
{
	struct doomed *x = calloc(1, sizeof *x);
	size_t i = 0, room = sd_map_count(&d->marks) + 1;
	const char *key;
	void *value;

	if (!x || !(x->key = calloc(room, sizeof *x->key))) {
		free(x);
		return NULL;
	}
	x->d = d;
	while (sd_map_next(&d->marks, &i, &key, &value))
		if ((x->key[x->n] = sd_strdup_n(key, strlen(key))))
			x->n++;
	if (!sd_map_count(&d->marks) && (x->key[0] = sd_key_text(d->m, sd_win_row(d))))
		x->n = 1;
	return x;
}

static void delete_done(struct sd_ui *ui, void *ctx, int choice)
{
	struct doomed *x = ctx;
	struct sd_error e = {0};
	size_t gone = 0;

	if (choice != 1)
		return;
	for (; gone < x->n; gone++)
		if (sd_api_delete(ui->api, x->d->m->name, x->key[gone], NULL, NULL, false, NULL,
			    &e) != SD_OK &&
			e.code != SD_NOTFOUND)
			break;
	sd_api_kick(ui->api);
	sd_map_release(&x->d->marks, NULL);
	if (gone < x->n)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "Deleted %zu %s on this device. u undoes it.", gone,
			x->d->m->name);
	ui->stale = true;
	sd_win_reload(ui, x->d);
}

/* "1 Post, 3 Comment" of a dry run's records. */
static void count_models(struct sd_ui *ui, const struct cJSON *list, int64_t *count)
{
	for (struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j)) {
		const struct sd_model *m =
			sd_schema_model(ui->schema, sd_json_get_str(j, "_model"));

		if (m)
			count[m->id]++;
	}
}

static void ask_delete(struct sd_ui *ui, struct sd_data *d)
{
	struct doomed *x = targets(d);
	int64_t *count = calloc(ui->schema->model_count, sizeof *count), all = 0;
	struct sd_buf b = SD_BUF_INIT;
	struct sd_choice choice[2] = {{0, "keep them", 0}, {'y', NULL, 0}};
	char label[80];
	struct sd_error e = {0};

	if (!x || !count)
		goto out;
	for (size_t i = 0; i < x->n; i++) {
		struct cJSON *list = NULL;

		if (sd_api_delete(ui->api, d->m->name, x->key[i], NULL, NULL, true, &list, &e) !=
			SD_OK) {
			sd_say_error(ui, &e);
			goto out;
		}
		count_models(ui, list, count);
		sd_json_free(list);
	}
	sd_buf_str(&b, "This deletes on this device, and on the server at the next sync:\n\n");
	for (size_t i = 0; i < ui->schema->model_count; i++) {
		if (count[i])
			sd_buf_fmt(&b, "  %lld %s%s\n", (long long)count[i],
				ui->schema->models[i]->name,
				ui->schema->models[i] == d->m ? "" : "  (belongs to it)");
		all += count[i];
	}
	sd_buf_str(&b, "\nu undoes it as long as it is not sent.");
	snprintf(label, sizeof label, "delete %lld record%s", (long long)all, all == 1 ? "" : "s");
	choice[1].label = label;
	choice[1].typed = all > 10 ? all : 0;
	sd_ask(ui, &(struct sd_ask_opts){.title = "Delete",
			   .text = sd_buf_text(&b),
			   .choice = choice,
			   .count = 2,
			   .done = delete_done,
			   .ctx = x,
			   .free_ctx = free_doomed});
	x = NULL;
out:
	if (x)
		free_doomed(x);
	free(count);
	sd_buf_release(&b);
}

/* ---- the table of it all ---- */

static bool search_done(struct sd_ui *ui, void *ctx, const char *text)
{
	struct sd_data *d = ctx;

	if (*text)
		sd_data_set(&d->search, text);
	if (d->pane == SD_P_MODELS)
		d->pane = SD_P_TABLE;
	sd_win_search(ui, d, 1);
	return true;
}

static bool goto_done(struct sd_ui *ui, void *ctx, const char *text)
{
	int64_t n = 0;

	if (!sd_parse_i64(text, &n) || n < 1) {
		sd_say(ui, SD_SAY_WARN, "\"%s\" is not a row number.", text);
		return false;
	}
	sd_win_goto(ui, ctx, n - 1);
	return true;
}

static void next_state(struct sd_ui *ui, struct sd_data *d)
{
	static const char *const states[] = {
		NULL, "pending", "sending", "conflict", "refused", "quarantined", NULL};
	int i = 0;

	while (i < 5 && !sd_str_eq(states[i], d->state))
		i++;
	d->state = states[i + 1];
	sd_win_first(ui, d);
	sd_say(ui, SD_SAY_INFO, d->state ? "Only rows that are %s." : "Rows of every state%s.",
		d->state ? d->state : "");
}

static void open_entry(struct sd_ui *ui, struct sd_data *d)
{
	const char *state = sd_json_get_str(sd_win_row(d), "_state");
	char *key = d->m ? sd_key_text(d->m, sd_win_row(d)) : NULL;

	if (key && sd_str_eq(state, "conflict"))
		sd_conflicts_show(ui, d->m->name, key);
	else if (key && state && strcmp(state, "synced") && strcmp(state, "quarantined"))
		sd_outbox_show(ui, d->m->name, key);
	else
		sd_say(ui, SD_SAY_INFO, "This record has nothing in the outbox.");
	free(key);
}

static void restore(struct sd_ui *ui, struct sd_data *d)
{
	char *key = sd_key_text(d->m, sd_win_row(d));

	if (key)
		sd_restore_mine(ui, d->m->name, key);
	free(key);
}

static void move_column(struct sd_data *d, int step)
{
	if (step < 0 && d->col_at)
		d->col_at--;
	if (step > 0 && d->col_at + 1 < d->col_n)
		d->col_at++;
	d->col_full = false;
	if (d->col_at < d->col_first)
		d->col_first = d->col_at;
}

static bool do_table(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	switch (a) {
	case SD_ACT_SORT:
		pick_column(ui, d, "Sort by", false, 0, sort_picked);
		return true;
	case SD_ACT_SORT_REVERSE:
		sort_by(ui, d,
			d->sort             ? d->sort
			: sd_data_column(d) ? sd_data_column(d)->name
					    : NULL,
			!d->desc);
		return true;
	case SD_ACT_GOTO:
		sd_prompt(ui, &(struct sd_prompt_opts){
				      .title = "Go to row", .done = goto_done, .ctx = d});
		return true;
	case SD_ACT_STATE:
		next_state(ui, d);
		return true;
	case SD_ACT_COLUMNS:
		pick_column(ui, d, "Columns  (Enter shows or hides, Esc closes)", true, 0,
			column_toggled);
		return true;
	case SD_ACT_COL_PREV:
	case SD_ACT_COL_NEXT:
		move_column(d, a == SD_ACT_COL_PREV ? -1 : 1);
		return true;
	case SD_ACT_COL_WIDTH:
		d->col_full = !d->col_full;
		return true;
	case SD_ACT_SCROLL_LEFT:
		if (d->col_first)
			d->col_first--;
		return true;
	case SD_ACT_SCROLL_RIGHT:
		if (d->col_first + 1 < d->col_n)
			d->col_first++;
		return true;
	case SD_ACT_TOMBSTONES:
		d->tombstones = !d->tombstones;
		sd_win_first(ui, d);
		return true;
	case SD_ACT_WRAP:
		d->wrap = !d->wrap;
		d->detail_width = 0;
		return true;
	default:
		return false;
	}
}

static bool do_record(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	switch (a) {
	case SD_ACT_EDIT:
		sd_edit_open(ui, d->m, sd_win_row(d));
		return true;
	case SD_ACT_ADD:
		sd_edit_open(ui, d->m, NULL);
		return true;
	case SD_ACT_EDIT_JSON:
		sd_edit_json(ui, d->m, sd_win_row(d));
		return true;
	case SD_ACT_DELETE:
		ask_delete(ui, d);
		return true;
	case SD_ACT_MARK:
		mark(ui, d);
		return true;
	case SD_ACT_MARK_RANGE:
		mark_range(ui, d);
		return true;
	case SD_ACT_MARK_SHOWN:
		mark_shown(d);
		return true;
	case SD_ACT_UNMARK:
		sd_map_release(&d->marks, NULL);
		return true;
	case SD_ACT_COPY_CELL:
	case SD_ACT_COPY_RECORD:
		sd_data_copy(ui, d, a == SD_ACT_COPY_RECORD);
		return true;
	case SD_ACT_OPEN_RECORD:
		open_entry(ui, d);
		return true;
	case SD_ACT_HISTORY:
		sd_data_history(ui, d);
		return true;
	case SD_ACT_EXPLAIN:
		sd_data_explain(ui, d);
		return true;
	case SD_ACT_TO_VERSION:
		sd_data_revert(ui, d);
		return true;
	case SD_ACT_RESTORE:
		restore(ui, d);
		return true;
	default:
		return false;
	}
}

bool sd_data_do(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	if (!d->m)
		return false;
	switch (a) {
	case SD_ACT_FILTER:
		sd_data_filter(ui, d);
		return true;
	case SD_ACT_VIEWS:
		sd_views_list(ui, d);
		return true;
	case SD_ACT_FILTER_CLEAR:
		sd_data_set(&d->where, NULL);
		d->state = NULL;
		d->total = -1;   /* another query: */
		d->top_pos = -1; /* other rows before the first one */
		sd_win_reload(ui, d);
		sd_say(ui, SD_SAY_INFO, "All rows.");
		return true;
	case SD_ACT_SEARCH:
		sd_prompt(ui, &(struct sd_prompt_opts){.title = "Search",
				      .history = "search",
				      .done = search_done,
				      .ctx = d});
		return true;
	case SD_ACT_SEARCH_NEXT:
	case SD_ACT_SEARCH_PREV:
		sd_win_search(ui, d, a == SD_ACT_SEARCH_NEXT ? 1 : -1);
		return true;
	case SD_ACT_EXPORT:
		sd_data_export(ui, d);
		return true;
	case SD_ACT_RESYNC:
		sd_api_resync(ui->api, d->m->name, false);
		sd_say(ui, SD_SAY_INFO, "Asked the server what is new in %s.", d->m->name);
		return true;
	default:
		return do_table(ui, d, a) || do_record(ui, d, a);
	}
}
