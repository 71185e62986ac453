/* ui/view/ask.c - a question with its answers, and a box with words.  The safe answer is where the
 * cursor stands; answers that lose work want their number typed. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/term/width.h"
#include "ui/view/view.h"

#define MAX_CHOICES 40

struct ask {
	struct sd_layer l;
	char *title, *text;
	struct sd_choice choice[MAX_CHOICES]; /* labels owned */
	size_t count;
	struct sd_list list;
	struct sd_text words;
	int words_width;
	int typing; /* the choice whose number is being typed; -1 */
	struct sd_edit number;
	void (*done)(struct sd_ui *ui, void *ctx, int i);
	void *ctx;
	void (*free_ctx)(void *ctx);
	struct sd_rect rows; /* where the answers were drawn */
};

/* Takes the answer: the layer leaves the stack first, for done() may push others. */
static void finish(struct sd_ui *ui, struct ask *a, int i)
{
	ui->top = a->l.below;
	ui->dirty = true;
	if (a->done)
		a->done(ui, a->ctx, i);
	a->l.ops->free(ui, &a->l);
}

static void choose(struct sd_ui *ui, struct ask *a, int i)
{
	if (a->choice[i].typed > 0) {
		a->typing = i;
		a->list.at = i;
		sd_edit_set(&a->number, "");
		ui->dirty = true;
		return;
	}
	finish(ui, a, i);
}

static int words_height(struct ask *a, int w)
{
	if (a->words_width != w) {
		a->words_width = w;
		sd_text_reset(&a->words);
		sd_text_add_wrapped(&a->words, SD_R_TEXT, w, 0, a->text, strlen(a->text));
	}
	return (int)a->words.n;
}

static void draw_choice(struct ask *a, int y, int x, int w, int i)
{
	const struct sd_choice *c = &a->choice[i];
	bool on = i == a->list.at;
	enum sd_role r = on ? SD_R_CURSOR : SD_R_TEXT;
	char line[300];

	if (c->key)
		snprintf(line, sizeof line, "%c %c  %s", on ? '>' : ' ', c->key, c->label);
	else
		snprintf(line, sizeof line, "%c %s", on ? '>' : ' ', c->label);
	sd_put_cell(y, x, w, r, false, line);
}

static void draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct ask *a = (struct ask *)l;
	int cols = sd_screen_cols(), rows = sd_screen_rows();
	int w = cols < 72 ? cols - 4 : 68, h, words, room;
	struct sd_rect r;

	(void)ui;
	words = words_height(a, w - 4);
	h = words + (int)a->count + (a->count ? 1 : 0) + (a->typing >= 0 ? 1 : 0) + 2;
	r = sd_centre(h > rows - 4 ? rows - 4 : h, w);
	sd_box(r, true, a->title, NULL);
	room = r.h - 2 - (a->count ? (int)a->count + 1 : 0) - (a->typing >= 0 ? 1 : 0);
	struct sd_rect in = {r.y + 1, r.x + 2, room > 0 ? room : 0, r.w - 4};

	sd_text_draw(&a->words, in);
	a->rows = (struct sd_rect){r.y + 1 + in.h + 1, r.x + 2, (int)a->count, r.w - 4};
	for (int i = 0; i < (int)a->count; i++)
		draw_choice(a, a->rows.y + i, a->rows.x, a->rows.w, i);
	if (a->typing >= 0) {
		int y = a->rows.y + (int)a->count, n;

		n = sd_putf(y, r.x + 2, r.w - 4, SD_R_WARN,
			"type %lld to do it: ", (long long)a->choice[a->typing].typed);
		sd_edit_draw(&a->number, y, r.x + 2 + n, r.w - 4 - n, SD_R_INPUT, true);
	}
}

static void check_number(struct sd_ui *ui, struct ask *a)
{
	int64_t n = 0;

	if (sd_parse_i64(sd_edit_text(&a->number), &n) && n == a->choice[a->typing].typed)
		finish(ui, a, a->typing);
	else
		sd_say(ui, SD_SAY_WARN, "That is not %lld; nothing was done. Esc stays.",
			(long long)a->choice[a->typing].typed);
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act act)
{
	struct ask *a = (struct ask *)l;

	if (act == SD_ACT_BACK || act == SD_ACT_QUIT_BACK) {
		if (a->typing >= 0) {
			a->typing = -1;
			return true;
		}
		finish(ui, a, -1);
		return true;
	}
	if (act == SD_ACT_OPEN) {
		if (a->typing >= 0)
			check_number(ui, a);
		else if (a->count)
			choose(ui, a, a->list.at);
		else
			finish(ui, a, -1);
		return true;
	}
	if (!a->count) {
		int h = sd_screen_rows() - 6;

		a->words.top += act == SD_ACT_DOWN ? 1 : act == SD_ACT_UP ? -1 : 0;
		a->words.top += act == SD_ACT_PAGE_DOWN ? h : act == SD_ACT_PAGE_UP ? -h : 0;
		if (act == SD_ACT_FIRST || act == SD_ACT_LAST)
			a->words.top = act == SD_ACT_FIRST ? 0 : (int)a->words.n;
		return act <= SD_ACT_PAGE_UP;
	}
	return sd_list_act(&a->list, act, (int)a->count, (int)a->count);
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct ask *a = (struct ask *)l;

	ui->dirty = true;
	if (k->code == SD_KEY_CLICK) {
		if (sd_hit(a->rows, k->y, k->x))
			choose(ui, a, k->y - a->rows.y);
		return true;
	}
	if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		return act(ui, l, k->code == SD_KEY_WHEEL_UP ? SD_ACT_UP : SD_ACT_DOWN);
	if (a->typing >= 0)
		return sd_edit_key(&a->number, k, true);
	for (size_t i = 0; i < a->count; i++) {
		if (a->choice[i].key && k->code == (uint32_t)a->choice[i].key) {
			choose(ui, a, (int)i);
			return true;
		}
	}
	return false;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct ask *a = (struct ask *)l;

	(void)ui;
	if (a->free_ctx)
		a->free_ctx(a->ctx);
	for (size_t i = 0; i < a->count; i++)
		free((char *)(uintptr_t)a->choice[i].label);
	free(a->title);
	free(a->text);
	sd_text_release(&a->words);
	sd_edit_release(&a->number);
	free(a);
}

static const struct sd_layer_ops OPS = {.draw = draw, .act = act, .key = key, .free = drop};

void sd_ask(struct sd_ui *ui, const struct sd_ask_opts *o)
{
	struct ask *a = calloc(1, sizeof *a);

	if (!a) {
		if (o->free_ctx)
			o->free_ctx(o->ctx);
		return;
	}
	a->l.ops = &OPS;
	a->l.ctx = SD_IN_DIALOG;
	a->l.name = "Dialog";
	a->title = sd_strdup_n(o->title, strlen(o->title));
	a->text = sd_strdup_n(o->text, strlen(o->text));
	a->count = o->count < MAX_CHOICES ? o->count : MAX_CHOICES;
	for (size_t i = 0; i < a->count; i++) {
		a->choice[i] = o->choice[i];
		a->choice[i].label = sd_strdup_n(o->choice[i].label, strlen(o->choice[i].label));
	}
	a->list.at = (int)o->at;
	a->typing = -1;
	a->done = o->done;
	a->ctx = o->ctx;
	a->free_ctx = o->free_ctx;
	sd_ui_push(ui, &a->l);
}

void sd_tell(struct sd_ui *ui, const char *title, const char *text)
{
	const struct sd_ask_opts o = {.title = title, .text = text};

	sd_ask(ui, &o);
}
