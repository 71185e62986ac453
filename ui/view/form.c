/* ui/view/form.c - editing a record in a form: typed fields, checked as they are typed, and only
 * what changed is saved (U-35, U-43). */
#include "ui/view/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/model/scalar.h"

static bool is_text(const struct sd_field *f)
{
	if (f->list || f->kind != SD_K_SCALAR)
		return false;
	switch (f->scalar) {
	case SD_T_INT:
	case SD_T_FLOAT:
	case SD_T_BOOLEAN:
	case SD_T_AWSTIMESTAMP:
	case SD_T_AWSJSON:
		return false;
	default:
		return true;
	}
}

static bool is_choice(const struct sd_field *f)
{
	return !f->list &&
	       (f->kind == SD_K_ENUM || (f->kind == SD_K_SCALAR && f->scalar == SD_T_BOOLEAN));
}

/* Only ever empty or null: an empty String is a value, an empty date is none. */
static bool empty_is_null(const struct sd_field *f)
{
	return !(is_text(f) && f->scalar == SD_T_STRING);
}

struct cJSON *sd_form_value(
	const struct sd_form *fo, const struct sd_form_field *ff, struct sd_error *e)
{
	const char *text = sd_edit_text(&ff->edit);
	struct cJSON *v = NULL;

	if (ff->null || (!*text && empty_is_null(ff->f)))
		v = sd_json_null();
	else if (is_text(ff->f) || (ff->f->kind == SD_K_ENUM && !ff->f->list))
		v = sd_json_string(text);
	else if (sd_value_from_text(fo->m, ff->f, text, &v, e) != SD_OK)
		return NULL;
	if (v && sd_value_check(fo->m, ff->f, v, e) != SD_OK) {
		sd_json_free(v);
		return NULL;
	}
	return v;
}

void sd_form_check(struct sd_form *fo, struct sd_form_field *ff)
{
	struct sd_error e = {0};
	struct cJSON *v;
	char prefix[300];
	const char *text;

	ff->wrong[0] = 0;
	if (ff->fixed)
		return;
	v = sd_form_value(fo, ff, &e);
	/* what a new record still lacks is not a change that leaving would lose */
	ff->changed = v ? !sd_json_equal(v, ff->was, true) : fo->rec || !ff->null;
	if (!v) { /* the form says the field's name already */
		snprintf(prefix, sizeof prefix, "%s.%s: ", fo->m->name, ff->f->name);
		text = sd_str_starts(e.text, prefix) ? e.text + strlen(prefix) : e.text;
		snprintf(ff->wrong, sizeof ff->wrong, "%s", *text ? text : "not valid");
	}
	sd_json_free(v);
}

void sd_form_set(struct sd_form *fo, struct sd_form_field *ff, const struct cJSON *v)
{
	struct sd_buf b = SD_BUF_INIT;

	ff->null = sd_json_is_null(v);
	if (!ff->null)
		sd_show_value(v, &b);
	sd_edit_set(&ff->edit, sd_buf_text(&b));
	sd_buf_release(&b);
	sd_form_check(fo, ff);
}

int sd_form_count(const struct sd_form *fo, bool wrong)
{
	int n = 0;

	for (int i = 0; i < fo->n; i++)
		n += wrong ? fo->field[i].wrong[0] != 0 : fo->field[i].changed;
	return n;
}

struct cJSON *sd_form_changes(const struct sd_form *fo)
{
	struct cJSON *out = sd_json_object();

	for (int i = 0; out && i < fo->n; i++) {
		const struct sd_form_field *ff = &fo->field[i];
		struct cJSON *v;

		if (!ff->changed || ff->fixed)
			continue;
		v = sd_form_value(fo, ff, NULL);
		if (v)
			sd_json_add(out, ff->f->name, v);
	}
	return out;
}

static struct sd_form_field *here(struct sd_form *fo)
{
	return &fo->field[fo->list.at];
}

/* ---- choices ---- */

static void cycle(struct sd_form *fo, struct sd_form_field *ff, int step)
{
	const struct sd_enum *en = ff->f->en;
	const char *text = sd_edit_text(&ff->edit);
	int at = -1, n = en ? (int)en->value_count : 2;

	if (!en)
		at = strcmp(text, "true") == 0 ? 0 : strcmp(text, "false") == 0 ? 1 : -1;
	for (int i = 0; en && i < n; i++)
		if (strcmp(en->values[i], text) == 0)
			at = i;
	if (ff->null)
		at = step > 0 ? -1 : n;
	at = (at + step + n) % n;
	ff->null = false;
	sd_edit_set(&ff->edit, en ? en->values[at] : at ? "false" : "true");
	sd_form_check(fo, ff);
}

/* A letter chooses the next value that begins with it. */
static void choose_letter(struct sd_form *fo, struct sd_form_field *ff, uint32_t c)
{
	int n = ff->f->en ? (int)ff->f->en->value_count : 2;

	for (int i = 0; i < n; i++) {
		cycle(fo, ff, 1);
		if ((uint32_t)(sd_edit_text(&ff->edit)[0] | 0x20) == (c | 0x20))
			return;
	}
}

struct gather {
	const struct sd_model *m;
	char **label, **value;
	size_t n, room;
};

static bool gather(void *ctx, struct cJSON *rec)
{
	struct gather *g = ctx;
	struct sd_buf b = SD_BUF_INIT;

	if (g->n == g->room)
		return false;
	sd_buf_ch(&b, ' ');
	sd_show_record(g->m, rec, &b);
	g->label[g->n] = sd_buf_take(&b);
	g->value[g->n] = sd_key_text(g->m, rec);
	if (g->label[g->n] && g->value[g->n])
		g->n++;
	return true;
}

static bool linked(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	struct sd_form *fo = ctx;
	const struct sd_field *rel = sd_model_relation_of(fo->m, here(fo)->f);
	struct cJSON *rec = NULL;
	struct sd_error e = {0};

	(void)i;
	if (!rel || sd_api_get(ui->api, rel->model->name, value, &rec, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return true;
	}
	for (size_t k = 0; k < rel->join_count; k++)
		for (int j = 0; j < fo->n; j++)
			if (sd_str_eq(fo->field[j].f->name, rel->local[k]) && !fo->field[j].fixed)
				sd_form_set(fo, &fo->field[j], sd_json_get(rec, rel->remote[k]));
	sd_json_free(rec);
	return true;
}

#define PICK_ROWS 2000

static void pick_record(struct sd_ui *ui, struct sd_form *fo, const struct sd_field *rel)
{
	struct gather g = {.m = rel->model, .room = PICK_ROWS};
	struct sd_api_query q = {.model = rel->model->name, .limit = PICK_ROWS};
	struct sd_error e = {0};
	char title[200];

	g.label = calloc(g.room, sizeof *g.label);
	g.value = calloc(g.room, sizeof *g.value);
	if (g.label && g.value && sd_api_query(ui->api, &q, gather, &g, &e) == SD_OK) {
		snprintf(title, sizeof title, "%s: which %s?%s", rel->name, rel->model->name,
			g.n == PICK_ROWS ? "  (the first 2,000; a key can be typed too)" : "");
		sd_pick_list(ui, &(struct sd_pick_opts){.title = title,
					 .label = g.label,
					 .value = g.value,
					 .count = g.n,
					 .done = linked,
					 .ctx = fo});
		return;
	}
	sd_say_error(ui, &e);
	free(g.label);
	free(g.value);
}

/* ---- saving and leaving ---- */

static void save(struct sd_ui *ui, struct sd_form *fo)
{
	int wrong = sd_form_count(fo, true);
	struct cJSON *fields = NULL, *rec = NULL;
	struct sd_error e = {0};
	char *key = fo->rec ? sd_key_text(fo->m, fo->rec) : NULL, *new_key = NULL;
	bool adding = !fo->rec;
	const char *model = fo->m->name;

	for (int i = 0; wrong && i < fo->n; i++) {
		if (fo->field[i].wrong[0]) {
			fo->list.at = i;
			sd_say(ui, SD_SAY_ERROR, "%d field%s not valid yet. %s: %s", wrong,
				wrong == 1 ? " is" : "s are", fo->field[i].f->name,
				fo->field[i].wrong);
			break;
		}
	}
	if (wrong)
		goto out;
	if (!adding && !sd_form_count(fo, false)) {
		sd_say(ui, SD_SAY_INFO, "Nothing was changed.");
		sd_ui_pop(ui);
		goto out;
	}
	fields = sd_form_changes(fo);
	if (!fields || (key && sd_key_put(fo->m, key, fields, &e) != SD_OK) ||
		sd_api_save(ui->api, model, fields, NULL, &rec, &e) != SD_OK) {
		sd_say_error(ui, &e);
		goto out;
	}
	sd_api_kick(ui->api);
	new_key = sd_key_text(fo->m, rec);
	sd_ui_pop(ui); /* fo is gone */
	sd_state_refresh(ui, true);
	sd_say(ui, SD_SAY_GOOD, "Saved on this device. %lld change%s for the server.",
		(long long)ui->counts.pending, ui->counts.pending == 1 ? " waits" : "s wait");
	if (adding)
		sd_data_show(ui, model, new_key, NULL);
	ui->stale = true;
	ui->reloaded_ms = 0;
out:
	free(key);
	free(new_key);
	sd_json_free(fields);
	sd_json_free(rec);
}

static void leave_done(struct sd_ui *ui, void *ctx, int i)
{
	(void)ctx;
	if (i == 1)
		sd_ui_pop(ui);
}

static void leave(struct sd_ui *ui, struct sd_form *fo)
{
	static const struct sd_choice choice[] = {
		{'k', "keep editing", 0}, {'t', "throw the edit away", 0}};
	char text[200];
	int n = sd_form_count(fo, false);

	if (!n) {
		sd_ui_pop(ui);
		return;
	}
	snprintf(text, sizeof text, "%d field%s changed and not saved.", n,
		n == 1 ? " is" : "s are");
	sd_ask(ui, &(struct sd_ask_opts){.title = "Leave the form?",
			   .text = text,
			   .choice = choice,
			   .count = 2,
			   .done = leave_done});
}

static void outside(struct sd_ui *ui, struct sd_form *fo, struct sd_form_field *ff)
{
	bool json = ff->f->list || ff->f->kind == SD_K_NONMODEL ||
		    (ff->f->kind == SD_K_SCALAR && ff->f->scalar == SD_T_AWSJSON);
	char *text = sd_edit_text_outside(ui, sd_edit_text(&ff->edit), json ? ".json" : ".txt");

	if (!text)
		return;
	ff->null = false;
	sd_edit_set(&ff->edit, text);
	sd_form_check(fo, ff);
	free(text);
}

static void choose(struct sd_ui *ui, struct sd_form *fo)
{
	struct sd_form_field *ff = here(fo);
	const struct sd_field *rel = sd_model_relation_of(fo->m, ff->f);

	if (!ff->fixed && is_choice(ff->f))
		cycle(fo, ff, 1);
	else if (!ff->fixed && rel && !sd_model_is_key(fo->m, ff->f))
		pick_record(ui, fo, rel);
	else
		sd_list_act(&fo->list, SD_ACT_DOWN, fo->n, fo->rows.h);
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_form *fo = (struct sd_form *)l;
	struct sd_form_field *ff = here(fo);

	if (ff->fixed && (a == SD_ACT_SET_NULL || a == SD_ACT_REVERT || a == SD_ACT_EDITOR)) {
		sd_say(ui, SD_SAY_INFO, "%s cannot be changed.", ff->f->name);
		return true;
	}
	switch (a) {
	case SD_ACT_FIELD_NEXT:
	case SD_ACT_FIELD_PREV:
		return sd_list_act(&fo->list, a == SD_ACT_FIELD_NEXT ? SD_ACT_DOWN : SD_ACT_UP,
			fo->n, fo->rows.h);
	case SD_ACT_CHOOSE:
		choose(ui, fo);
		return true;
	case SD_ACT_SAVE:
		save(ui, fo);
		return true;
	case SD_ACT_SET_NULL:
		sd_form_set(fo, ff, NULL);
		return true;
	case SD_ACT_REVERT:
		sd_form_set(fo, ff, ff->was);
		return true;
	case SD_ACT_EDITOR:
		outside(ui, fo, ff);
		return true;
	case SD_ACT_BACK:
		leave(ui, fo);
		return true;
	default:
		return false;
	}
}

static bool mouse(struct sd_form *fo, const struct sd_key *k)
{
	if (k->code == SD_KEY_CLICK && sd_hit(fo->rows, k->y, k->x))
		fo->list.at = fo->list.top + k->y - fo->rows.y;
	else if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		fo->list.at += k->code == SD_KEY_WHEEL_UP ? -1 : 1;
	sd_list_fit(&fo->list, fo->n, fo->rows.h);
	return true;
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct sd_form *fo = (struct sd_form *)l;
	struct sd_form_field *ff = here(fo);
	bool deletes = k->code == SD_KEY_BACKSPACE || k->code == SD_KEY_DEL || k->code == 23 ||
		       k->code == 21 || k->code == 11;

	if (k->code >= SD_KEY_CLICK && k->code <= SD_KEY_WHEEL_DOWN)
		return mouse(fo, k);
	if (ff->fixed) {
		if (sd_key_is_text(k))
			sd_say(ui, SD_SAY_INFO, "%s cannot be changed.", ff->f->name);
		return sd_key_is_text(k);
	}
	if (is_choice(ff->f) && !deletes) {
		if (k->code == ' ' || k->code == SD_KEY_RIGHT || k->code == SD_KEY_LEFT)
			cycle(fo, ff, k->code == SD_KEY_LEFT ? -1 : 1);
		else if (sd_key_is_text(k))
			choose_letter(fo, ff, k->code);
		else
			return false;
		return true;
	}
	if (!sd_edit_key(&ff->edit, k, false))
		return false;
	if (sd_key_is_text(k))
		ff->null = false;
	sd_form_check(fo, ff);
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_form *fo = (struct sd_form *)l;

	(void)ui;
	for (int i = 0; i < fo->n; i++)
		sd_edit_release(&fo->field[i].edit);
	free(fo->field);
	sd_json_free(fo->rec);
	sd_json_free(fo->server);
	free(fo);
}

static const struct sd_layer_ops OPS = {.draw = sd_form_draw, .act = act, .key = key, .free = drop};

static void add_fields(struct sd_form *fo)
{
	for (size_t i = 0; i < fo->m->field_count; i++) {
		const struct sd_field *f = &fo->m->fields[i];
		struct sd_form_field *ff = &fo->field[fo->n];
		bool pk = sd_model_is_key(fo->m, f);

		if (!f->stored || (f->read_only && !fo->rec))
			continue;
		ff->f = f;
		ff->was = fo->rec ? sd_json_get(fo->rec, f->name) : NULL;
		ff->fixed = f->read_only || (pk && (fo->rec || fo->m->managed_id));
		fo->n++;
		sd_form_set(fo, ff, ff->was);
		if (!fo->rec && f->default_value && !ff->fixed) {
			ff->null = false;
			sd_edit_set(&ff->edit, f->default_value);
			sd_form_check(fo, ff);
		}
	}
}

void sd_edit_open(struct sd_ui *ui, const struct sd_model *m, const struct cJSON *rec)
{
	struct sd_form *fo = calloc(1, sizeof *fo);
	struct cJSON *copies = NULL;
	char *key = rec ? sd_key_text(m, rec) : NULL;

	if (!fo || !(fo->field = calloc(m->field_count + 1, sizeof *fo->field))) {
		free(fo);
		free(key);
		return;
	}
	fo->l.ops = &OPS;
	fo->l.ctx = SD_IN_FORM;
	fo->l.name = rec ? "Edit" : "Add";
	fo->l.text_first = true;
	fo->m = m;
	fo->rec = rec ? sd_json_dup(rec) : NULL;
	if (key && sd_api_copies(ui->api, m->name, key, &copies, NULL) == SD_OK)
		fo->server = sd_json_detach(copies, "server");
	sd_json_free(copies);
	free(key);
	add_fields(fo);
	for (int i = fo->n - 1; i >= 0; i--)
		if (!fo->field[i].fixed)
			fo->list.at = i;
	sd_ui_push(ui, &fo->l);
}
