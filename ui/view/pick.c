/* ui/view/pick.c - choosing from a long list by typing a few letters of the one meant.  The
 * palette, the help and the record picker are lists of this kind. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/view/view.h"

struct pick {
	struct sd_layer l;
	char *title;
	char **label, **value;
	size_t count;
	size_t *shown; /* positions that match what was typed */
	size_t shown_n;
	struct sd_list list;
	struct sd_edit filter;
	bool (*done)(struct sd_ui *ui, void *ctx, size_t i, const char *value);
	void *ctx;
	void (*free_ctx)(void *ctx);
	struct sd_rect rows;
};

/* Every blank-separated word has to stand in the label somewhere. */
static bool matches(const char *label, const char *typed)
{
	char word[128];

	for (;;) {
		size_t n;

		typed += strspn(typed, " ");
		n = strcspn(typed, " ");
		if (!n)
			return true;
		if (n >= sizeof word)
			return false;
		memcpy(word, typed, n);
		word[n] = 0;
		if (!strcasestr(label, word))
			return false;
		typed += n;
	}
}

static void narrow(struct pick *p)
{
	p->shown_n = 0;
	for (size_t i = 0; i < p->count; i++)
		if (matches(p->label[i], sd_edit_text(&p->filter)))
			p->shown[p->shown_n++] = i;
	p->list.at = p->list.top = 0;
	while (p->list.at + 1 < (int)p->shown_n && p->label[p->shown[p->list.at]][0] != ' ')
		p->list.at++; /* a heading */
}

static void draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct pick *p = (struct pick *)l;
	int cols = sd_screen_cols(), rows = sd_screen_rows();
	struct sd_rect r = sd_centre(rows - 4, cols < 90 ? cols - 4 : cols - 10);
	char right[40];

	(void)ui;
	snprintf(right, sizeof right, "%zu of %zu", p->shown_n, p->count);
	sd_box(r, true, p->title, right);
	p->rows = (struct sd_rect){r.y + 2, r.x + 1, r.h - 3, r.w - 2};
	sd_list_fit(&p->list, (int)p->shown_n, p->rows.h);
	for (int i = 0; i < p->rows.h && p->list.top + i < (int)p->shown_n; i++) {
		int at = p->list.top + i;
		const char *s = p->label[p->shown[at]];
		enum sd_role role = at == p->list.at ? SD_R_CURSOR
				    : s[0] != ' '    ? SD_R_HEAD
						     : SD_R_TEXT;
		char line[600];

		snprintf(line, sizeof line, "%c %s", at == p->list.at ? '>' : ' ', s);
		sd_put_cell(p->rows.y + i, p->rows.x, p->rows.w, role, false, line);
	}
	if (!p->shown_n)
		sd_put(p->rows.y, p->rows.x + 2, p->rows.w - 2, SD_R_DIM,
			"Nothing has all of these letters.");
	sd_put(r.y + 1, r.x + 2, 2, SD_R_KEY, "> ");
	sd_edit_draw(&p->filter, r.y + 1, r.x + 4, r.w - 6, SD_R_INPUT, true);
}

static void take(struct sd_ui *ui, struct pick *p)
{
	size_t i;

	if (!p->shown_n)
		return;
	i = p->shown[p->list.at];
	ui->top = p->l.below; /* done() may push others */
	ui->dirty = true;
	if (p->done(ui, p->ctx, i, p->value && p->value[i] ? p->value[i] : p->label[i])) {
		p->l.ops->free(ui, &p->l);
	} else {
		p->l.below = ui->top;
		ui->top = &p->l;
	}
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct pick *p = (struct pick *)l;

	switch (a) {
	case SD_ACT_ACCEPT:
		take(ui, p);
		return true;
	case SD_ACT_OLDER:
		return sd_list_act(&p->list, SD_ACT_UP, (int)p->shown_n, p->rows.h);
	case SD_ACT_NEWER:
	case SD_ACT_COMPLETE:
		return sd_list_act(&p->list, SD_ACT_DOWN, (int)p->shown_n, p->rows.h);
	case SD_ACT_BACK:
		sd_ui_pop(ui);
		return true;
	default:
		return false;
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct pick *p = (struct pick *)l;

	ui->dirty = true;
	switch (k->code) {
	case SD_KEY_CLICK:
		if (sd_hit(p->rows, k->y, k->x) &&
			p->list.top + k->y - p->rows.y < (int)p->shown_n) {
			p->list.at = p->list.top + k->y - p->rows.y;
			take(ui, p);
		}
		return true;
	case SD_KEY_WHEEL_UP:
	case SD_KEY_WHEEL_DOWN:
	case SD_KEY_PGUP:
	case SD_KEY_PGDN: {
		static const enum sd_act moves[] = {
			SD_ACT_PAGE_UP, SD_ACT_PAGE_DOWN, SD_ACT_UP, SD_ACT_DOWN};
		bool wheel = k->code >= SD_KEY_CLICK;
		bool down = k->code == SD_KEY_WHEEL_DOWN || k->code == SD_KEY_PGDN;

		return sd_list_act(&p->list, moves[wheel * 2 + down], (int)p->shown_n, p->rows.h);
	}
	default:
		if (!sd_edit_key(&p->filter, k, true))
			return false;
		narrow(p);
		return true;
	}
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct pick *p = (struct pick *)l;

	(void)ui;
	if (p->free_ctx)
		p->free_ctx(p->ctx);
	for (size_t i = 0; i < p->count; i++) {
		free(p->label[i]);
		if (p->value)
			free(p->value[i]);
	}
	free(p->label);
	free(p->value);
	free(p->shown);
	free(p->title);
	sd_edit_release(&p->filter);
	free(p);
}

static const struct sd_layer_ops OPS = {.draw = draw, .act = act, .key = key, .free = drop};

static const struct sd_hint HINTS[] = {
	{SD_ACT_OLDER, SD_ACT_NEWER, "move"},
	{SD_ACT_ACCEPT, 0, "take it"},
	{SD_ACT_LINE_CLEAR, 0, "all again"},
	{SD_ACT_BACK, 0, "close"},
};

void sd_pick_list(struct sd_ui *ui, const struct sd_pick_opts *o)
{
	struct pick *p = calloc(1, sizeof *p);

	if (!p)
		return;
	p->l.ops = &OPS;
	p->l.ctx = SD_IN_LINE;
	p->l.name = "List";
	p->l.text_first = true;
	p->l.hints = HINTS;
	p->l.hint_n = sizeof HINTS / sizeof *HINTS;
	p->title = sd_strdup_n(o->title, strlen(o->title));
	p->label = o->label;
	p->value = o->value;
	p->count = o->count;
	p->shown = calloc(o->count + 1, sizeof *p->shown);
	p->done = o->done;
	p->ctx = o->ctx;
	p->free_ctx = o->free_ctx;
	if (p->shown)
		narrow(p);
	if (o->at)
		p->list.at = (int)o->at;
	sd_ui_push(ui, &p->l);
}
