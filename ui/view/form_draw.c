/* ui/view/form_draw.c - the edit form on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"
#include "ui/view/form.h"

#define HELP_ROWS 6 /* below the fields: the field's rule, what is wrong, what saving does */

static enum sd_role state_of(const struct sd_form_field *ff, const char **word)
{
	if (ff->fixed) {
		*word = "fixed";
		return SD_R_DIM;
	}
	if (ff->wrong[0]) {
		*word = "invalid";
		return SD_R_ERROR;
	}
	*word = ff->changed ? "changed" : "";
	return ff->changed ? SD_R_UNSENT : SD_R_TEXT;
}

static void draw_value(
	const struct sd_form *fo, const struct sd_form_field *ff, int y, int x, int w, bool on)
{
	enum sd_role r = ff->fixed ? SD_R_DIM : SD_R_TEXT;
	bool choice = ff->f->kind == SD_K_ENUM ||
		      (ff->f->kind == SD_K_SCALAR && ff->f->scalar == SD_T_BOOLEAN);
	const char *tail = ff->fixed || ff->f->list             ? ""
			   : choice                             ? " (v)"
			   : sd_model_relation_of(fo->m, ff->f) ? " (pick)"
								: "";
	int tw = (int)strlen(tail);

	if (*tail)
		sd_put(y, x + w - tw, tw, SD_R_DIM, tail);
	w -= tw + 1;
	if (on && !ff->fixed && !(choice && !ff->f->list)) {
		sd_edit_draw(&ff->edit, y, x, w, SD_R_INPUT, true);
		if (ff->null)
			sd_put(y, x + 1, w - 1, SD_R_INPUT, "null");
	} else if (ff->null) {
		sd_put(y, x, w, SD_R_DIM, ff->fixed && !fo->rec ? "(made when it is saved)" : "--");
	} else {
		sd_put_cell(
			y, x, w, on && !ff->fixed ? SD_R_INPUT : r, false, sd_edit_text(&ff->edit));
	}
}

static void draw_fields(struct sd_form *fo, struct sd_rect in)
{
	int nw = in.w >= 70 ? 16 : 12, tw = in.w >= 70 ? 16 : 10;
	int vx = in.x + 2 + nw + 1, vw = in.w - 2 - nw - 1 - tw - 1 - 8;
	struct sd_rect rows = {in.y + 1, in.x, in.h - 1, in.w};

	sd_put(in.y, in.x + 2, nw, SD_R_HEAD, "field");
	sd_put(in.y, vx, vw, SD_R_HEAD, "value");
	sd_put(in.y, vx + vw + 1, tw, SD_R_HEAD, "type");
	sd_put(in.y, vx + vw + 1 + tw, 8, SD_R_HEAD, "state");
	fo->rows = rows;
	sd_list_fit(&fo->list, fo->n, rows.h);
	for (int i = fo->list.top; i < fo->n && i < fo->list.top + rows.h; i++) {
		const struct sd_form_field *ff = &fo->field[i];
		int y = rows.y + i - fo->list.top;
		bool on = i == fo->list.at;
		const char *word;
		enum sd_role role = state_of(ff, &word);
		struct sd_buf type = SD_BUF_INIT;

		sd_field_type_text(ff->f, &type);
		sd_put(y, in.x, 1, SD_R_KEY, on ? ">" : " ");
		sd_put(y, in.x + 2, nw, on ? SD_R_TITLE : SD_R_TEXT, ff->f->name);
		sd_put(y, vx + vw + 1, tw - 1, SD_R_DIM, sd_buf_text(&type));
		sd_put(y, vx + vw + 1 + tw, 8, role, word);
		sd_buf_release(&type);
	}
	/* the cursor's field last: it places the terminal's cursor */
	for (int pass = 0; pass < 2; pass++)
		for (int i = fo->list.top; i < fo->n && i < fo->list.top + rows.h; i++)
			if ((i == fo->list.at) == (pass == 1))
				draw_value(fo, &fo->field[i], rows.y + i - fo->list.top, vx, vw,
					i == fo->list.at);
}

static void rule_text(const struct sd_form *fo, const struct sd_form_field *ff, struct sd_buf *b)
{
	sd_buf_fmt(b, "%s  ", ff->f->name);
	sd_field_type_text(ff->f, b);
	if (ff->fixed)
		sd_buf_str(b, ", cannot be changed");
	else if (ff->f->list ? ff->f->list_nullable : !ff->f->required)
		sd_buf_str(b, ", may be empty (^N sets null)");
	else
		sd_buf_str(b, ", required");
	if (fo->rec && !ff->fixed) {
		sd_buf_str(b, ".  was ");
		sd_show_value(ff->was, b);
		if (sd_json_is_object(fo->server)) {
			sd_buf_str(b, ", server ");
			sd_show_value(sd_json_get(fo->server, ff->f->name), b);
		}
	}
}

static void help_lines(const struct sd_form *fo, struct sd_text *t, int w)
{
	const struct sd_form_field *ff = &fo->field[fo->list.at];
	struct sd_buf b = SD_BUF_INIT;

	rule_text(fo, ff, &b);
	sd_text_add_wrapped(t, SD_R_TEXT, w, 2, sd_buf_text(&b), b.len);
	if (ff->f->kind == SD_K_ENUM && ff->f->en) {
		sd_buf_reset(&b);
		sd_buf_str(&b, "one of");
		for (size_t i = 0; i < ff->f->en->value_count; i++)
			sd_buf_fmt(&b, " %s", ff->f->en->values[i]);
		sd_text_add_wrapped(t, SD_R_DIM, w, 2, sd_buf_text(&b), b.len);
	}
	for (int i = 0; i < fo->n; i++) {
		if (!fo->field[i].wrong[0])
			continue;
		sd_buf_reset(&b);
		sd_buf_fmt(&b, "x %s  %s", fo->field[i].f->name, fo->field[i].wrong);
		sd_text_add_wrapped(t, SD_R_ERROR, w, 2, sd_buf_text(&b), b.len);
	}
	sd_buf_release(&b);
}

static void draw_side(struct sd_form *fo, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	struct sd_text t = {0};
	struct cJSON *changes = sd_form_changes(fo);
	struct sd_buf b = SD_BUF_INIT;

	sd_box(r, false, "Field help", NULL);
	in.x++;
	in.w--;
	help_lines(fo, &t, in.w);
	sd_text_add(&t, SD_R_TEXT, "");
	sd_text_add(&t, SD_R_HEAD, "What will be saved");
	sd_json_print_pretty(changes, &b);
	sd_text_add_wrapped(&t, SD_R_TEXT, in.w, 2, sd_buf_text(&b), b.len);
	sd_text_draw(&t, in);
	sd_buf_release(&b);
	sd_json_free(changes);
	sd_text_release(&t);
}

void sd_form_draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_form *fo = (struct sd_form *)l;
	struct sd_rect a = sd_frame_area(ui), r = a, in, fields;
	struct sd_buf title = SD_BUF_INIT;
	struct sd_text t = {0};
	char *key = fo->rec ? sd_key_text(fo->m, fo->rec) : NULL;
	int changed = sd_form_count(fo, false), help;

	if (sd_frame_wide(ui))
		r.w = a.w * 68 / 100;
	sd_buf_fmt(&title, "%s %s ", fo->rec ? "Edit" : "Add", fo->m->name);
	if (key)
		sd_show_key(key, &title);
	if (changed)
		sd_buf_fmt(&title, "  %d field%s changed", changed, changed == 1 ? "" : "s");
	sd_box(r, true, sd_buf_text(&title), NULL);
	sd_buf_release(&title);
	free(key);
	in = sd_inside(r);
	help = sd_frame_wide(ui) ? 3 : in.h > 14 ? HELP_ROWS : 3;
	fields = in;
	fields.h = in.h - help;
	if (fields.h > fo->n + 1)
		fields.h = fo->n + 1;
	help_lines(fo, &t, in.w - 2);
	if (sd_frame_wide(ui)) {
		struct sd_rect side = {a.y, a.x + r.w, a.h, a.w - r.w};

		draw_side(fo, side);
	}
	struct sd_rect hr = {fields.y + fields.h + 1, in.x + 1,
		in.y + in.h - 1 - (fields.y + fields.h + 1), in.w - 2};

	if (hr.h > 0)
		sd_text_draw(&t, hr);
	sd_put(in.y + in.h - 1, in.x + 1, in.w - 2, SD_R_DIM,
		"Saving writes to this device at once; the outbox sends it later.");
	sd_text_release(&t);
	draw_fields(fo, fields);
}
