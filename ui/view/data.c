/* ui/view/data.c - the Data view: panes, movement, and the way there and back.  See data.h. */
#include "ui/view/data.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"

void sd_data_set(char **slot, const char *value)
{
	char *copy = value ? sd_strdup_n(value, strlen(value)) : NULL;

	free(*slot);
	*slot = copy;
}

static void refresh_detail(struct sd_data *d)
{
	free(d->detail_key);
	d->detail_key = NULL;
}

void sd_data_model(struct sd_ui *ui, struct sd_data *d, const struct sd_model *m)
{
	int i = 0;

	if (d->m != m) {
		d->m = m;
		sd_data_set(&d->where, NULL);
		sd_data_set(&d->sort, NULL);
		sd_map_release(&d->marks, NULL);
		sd_data_set(&d->mark_key, NULL);
		d->desc = d->tombstones = d->col_full = false;
		d->state = NULL;
		d->col_at = d->col_first = 0;
		d->slow = 0;
		sd_win_forget(d);
		sd_win_clear(d);
	}
	for (struct cJSON *j = sd_json_child(ui->models); j; j = sd_json_next(j), i++)
		if (m && sd_str_eq(sd_json_get_str(j, "model"), m->name))
			d->models.at = i;
	sd_data_columns(d);
	refresh_detail(d);
}

static const struct sd_model *model_at(struct sd_ui *ui, int at)
{
	struct cJSON *j = sd_json_child(ui->models);

	while (j && at-- > 0)
		j = sd_json_next(j);
	return j ? sd_schema_model(ui->schema, sd_json_get_str(j, "model")) : NULL;
}

static void reload(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_data *d = (struct sd_data *)l;

	if (!d->m) {
		sd_data_model(ui, d, model_at(ui, 0));
		if (d->m)
			sd_win_first(ui, d);
		return;
	}
	sd_win_reload(ui, d);
}

/* ---- links and the way back ---- */

static void push_place(struct sd_data *d)
{
	struct sd_place *p;

	if (!d->m)
		return;
	if (d->place_n == SD_PLACES) {
		free(d->places[0].where);
		free(d->places[0].key);
		memmove(d->places, d->places + 1, sizeof *d->places * (SD_PLACES - 1));
		d->place_n--;
	}
	p = &d->places[d->place_n++];
	p->m = d->m;
	p->pane = d->pane;
	p->where = d->where ? sd_strdup_n(d->where, strlen(d->where)) : NULL;
	p->key = sd_key_text(d->m, sd_win_row(d));
}

static bool go_to(struct sd_ui *ui, struct sd_data *d, const struct sd_model *m, const char *key,
	const char *where)
{
	struct cJSON *rec = NULL;
	struct sd_error e = {0};

	sd_data_model(ui, d, m);
	sd_data_set(&d->where, where);
	d->state = NULL;
	if (key) {
		if (sd_api_get(ui->api, m->name, key, &rec, &e) != SD_OK) {
			sd_say_error(ui, &e);
			sd_win_first(ui, d);
			return false;
		}
		sd_win_seek(ui, d, rec, -1);
		sd_json_free(rec);
	} else {
		sd_win_first(ui, d);
	}
	refresh_detail(d);
	return true;
}

void sd_data_show(struct sd_ui *ui, const char *model, const char *key, const char *where)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];
	const struct sd_model *m = sd_schema_model(ui->schema, model ? model : "");

	if (!m)
		return;
	push_place(d);
	if (ui->view != SD_V_DATA || ui->top)
		sd_ui_view(ui, SD_V_DATA);
	if (d->pane == SD_P_MODELS)
		d->pane = SD_P_TABLE;
	d->detail_at.at = d->detail_at.top = 0;
	go_to(ui, d, m, key, where);
	if (d->pane == SD_P_DETAIL && !key)
		d->pane = SD_P_TABLE;
	ui->dirty = true;
}

static void jump_back(struct sd_ui *ui, struct sd_data *d)
{
	struct sd_place *p;

	if (!d->place_n) {
		sd_say(ui, SD_SAY_INFO, "No followed link to go back to.");
		return;
	}
	p = &d->places[--d->place_n];
	d->pane = p->pane;
	go_to(ui, d, p->m, p->key, p->where);
	free(p->where);
	free(p->key);
}

void sd_data_keep(struct sd_ui *ui, struct sd_place *out)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];

	*out = (struct sd_place){NULL, NULL, NULL, SD_P_MODELS};
	if (!d || !d->m)
		return;
	push_place(d);
	*out = d->places[--d->place_n];
}

void sd_data_back(struct sd_ui *ui, struct sd_place *p)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];

	if (d && p->m && !ui->locked) {
		go_to(ui, d, p->m, p->key, p->where);
		d->pane = p->pane;
	}
	free(p->where);
	free(p->key);
}

void sd_data_forget(struct sd_ui *ui)
{
	struct sd_data *d = (struct sd_data *)ui->views[SD_V_DATA];

	if (!d)
		return;
	while (d->place_n) {
		d->place_n--;
		free(d->places[d->place_n].where);
		free(d->places[d->place_n].key);
	}
	sd_win_forget(d);
	sd_win_clear(d);
	sd_json_free(d->found);
	d->found = NULL;
	sd_map_release(&d->marks, NULL);
	sd_map_release(&d->fresh, NULL);
	sd_data_set(&d->mark_key, NULL);
	sd_data_set(&d->where, NULL);
	sd_data_set(&d->search, NULL);
	sd_text_reset(&d->detail);
	refresh_detail(d);
	d->total = 0;
	d->pane = SD_P_MODELS;
	ui->dirty = ui->stale = true;
}

/* ---- movement ---- */

static bool act_models(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	struct sd_data_rects r;
	int was = d->models.at;

	sd_data_layout(ui, d, &r);
	if (a == SD_ACT_OPEN || a == SD_ACT_RIGHT) {
		d->pane = SD_P_TABLE;
		if (d->m && !d->n)
			sd_win_first(ui, d);
		return true;
	}
	if (!sd_list_act(&d->models, a, (int)sd_json_count(ui->models),
		    r.models.h ? r.models.h - 2 : 10))
		return false;
	if (d->models.at != was) {
		sd_data_model(ui, d, model_at(ui, d->models.at));
		sd_win_first(ui, d);
	}
	return true;
}

static bool act_table(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	int h = sd_data_height(ui, d);

	switch (a) {
	case SD_ACT_DOWN:
	case SD_ACT_UP:
		sd_win_move(ui, d, a == SD_ACT_DOWN ? 1 : -1);
		return true;
	case SD_ACT_PAGE_DOWN:
	case SD_ACT_PAGE_UP:
		sd_win_move(ui, d, a == SD_ACT_PAGE_DOWN ? h : -h);
		return true;
	case SD_ACT_HALF_DOWN:
	case SD_ACT_HALF_UP:
		sd_win_move(ui, d, a == SD_ACT_HALF_DOWN ? (h + 1) / 2 : -(h + 1) / 2);
		return true;
	case SD_ACT_FIRST:
		return sd_win_first(ui, d) || true;
	case SD_ACT_LAST:
		return sd_win_last(ui, d) || true;
	case SD_ACT_OPEN:
	case SD_ACT_RIGHT:
		if (sd_win_row(d))
			d->pane = SD_P_DETAIL;
		return true;
	default:
		return false;
	}
}

static bool act_detail(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	struct sd_data_rects r;

	sd_data_layout(ui, d, &r);
	if (a == SD_ACT_OPEN) {
		sd_detail_follow(ui, d);
		return true;
	}
	return sd_list_act(&d->detail_at, a, (int)d->detail.n, r.detail.h - 2);
}

static bool act_pane(struct sd_ui *ui, struct sd_data *d, enum sd_act a)
{
	switch (a) {
	case SD_ACT_PANE_NEXT:
		d->pane = (enum sd_pane)((d->pane + 1) % 3);
		return true;
	case SD_ACT_PANE_PREV:
		d->pane = (enum sd_pane)((d->pane + 2) % 3);
		return true;
	case SD_ACT_LEFT:
		if (d->pane)
			d->pane--;
		return true;
	case SD_ACT_BACK:
	case SD_ACT_QUIT_BACK:
		if (ui->zoom || d->pane == SD_P_MODELS)
			return false;
		d->pane--;
		return true;
	case SD_ACT_JUMP_BACK:
		jump_back(ui, d);
		return true;
	default:
		return false;
	}
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	static bool (*const panes[])(struct sd_ui *, struct sd_data *, enum sd_act) = {
		act_models, act_table, act_detail};
	struct sd_data *d = (struct sd_data *)l;
	enum sd_pane was = d->pane;
	bool ok = panes[d->pane](ui, d, a) || act_pane(ui, d, a) || sd_data_do(ui, d, a);

	if (ok && was != d->pane && (sd_frame_small(ui) || ui->zoom))
		sd_win_reload(ui, d); /* another pane: another height */
	return ok;
}

static void click(struct sd_ui *ui, struct sd_data *d, const struct sd_key *k)
{
	struct sd_data_rects r;
	int row, col;

	sd_data_layout(ui, d, &r);
	if (r.models.h && sd_hit(r.models, k->y, k->x)) {
		d->pane = SD_P_MODELS;
		row = d->models.top + k->y - r.models.y - 1;
		if (row >= 0 && row < (int)sd_json_count(ui->models)) {
			d->models.at = row;
			sd_data_model(ui, d, model_at(ui, row));
			sd_win_first(ui, d);
		}
	} else if (r.table.h && sd_hit(r.table, k->y, k->x)) {
		d->pane = SD_P_TABLE;
		row = k->y - r.table.y - 2;
		col = row == -1 ? sd_data_column_at(ui, d, k->x) : -1;
		if (row >= 0 && row < d->n)
			d->at = row;
		if (col >= 0) {
			const char *name = d->m->fields[d->cols[col]].name;

			d->col_at = (size_t)col;
			d->desc = sd_str_eq(d->sort, name) && !d->desc;
			sd_data_set(&d->sort, name);
			sd_win_first(ui, d);
		}
	} else if (r.detail.h && sd_hit(r.detail, k->y, k->x)) {
		row = d->detail.top + k->y - r.detail.y - 1;
		if (d->pane == SD_P_DETAIL && row == d->detail_at.at)
			sd_detail_follow(ui, d);
		else
			d->pane = SD_P_DETAIL;
		d->detail_at.at = row;
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct sd_data *d = (struct sd_data *)l;

	if (k->code == SD_KEY_CLICK) {
		click(ui, d, k);
		return true;
	}
	if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN) {
		for (int i = 0; i < 3; i++)
			act(ui, l, k->code == SD_KEY_WHEEL_UP ? SD_ACT_UP : SD_ACT_DOWN);
		return true;
	}
	return false;
}

static const char *why_not(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_data *d = (struct sd_data *)l;
	bool on_record = a == SD_ACT_EDIT || a == SD_ACT_EDIT_JSON || a == SD_ACT_DELETE ||
			 a == SD_ACT_MARK || a == SD_ACT_COPY_RECORD || a == SD_ACT_COPY_CELL ||
			 a == SD_ACT_HISTORY || a == SD_ACT_RESTORE || a == SD_ACT_EXPLAIN ||
			 a == SD_ACT_TO_VERSION;

	(void)ui;
	if (!d->m && (on_record || a == SD_ACT_ADD || a == SD_ACT_FILTER || a == SD_ACT_SORT))
		return "There is no model here.";
	if (on_record && !sd_win_row(d))
		return "There is no record under the cursor.";
	return NULL;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_data *d = (struct sd_data *)l;

	sd_data_forget(ui);
	sd_map_release(&d->hidden, NULL);
	sd_text_release(&d->detail);
	free(d->sort);
	free(d);
	ui->views[SD_V_DATA] = NULL;
}

static const struct sd_layer_ops OPS = {.draw = sd_data_draw,
	.act = act,
	.key = key,
	.reload = reload,
	.why_not = why_not,
	.free = drop};

struct sd_layer *sd_data_new(struct sd_ui *ui)
{
	struct sd_data *d = calloc(1, sizeof *d);

	(void)ui;
	if (!d)
		return NULL;
	d->l.ops = &OPS;
	d->l.ctx = SD_IN_DATA;
	d->l.name = "Data";
	return &d->l;
}
