/* ui/view/prompt.c - one line asked for, with completion, history and a box that explains. */
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/term/width.h"
#include "ui/view/view.h"

#define HISTORY_NAMES 8
#define HISTORY_LINES 50

struct history {
	const char *name; /* static */
	char *line[HISTORY_LINES];
	size_t n;
};

struct prompt {
	struct sd_layer l;
	struct sd_prompt_opts o;
	char *title;
	struct sd_edit edit;
	struct sd_text box;
	struct history *h;
	size_t back; /* how far up in the history; 0: the line being typed */
	char *draft; /* that line, while older ones are shown */
	bool checked;
};

static struct history histories[HISTORY_NAMES];

static struct history *history_of(const char *name)
{
	for (size_t i = 0; name && i < HISTORY_NAMES; i++) {
		if (!histories[i].name)
			histories[i].name = name;
		if (strcmp(histories[i].name, name) == 0)
			return &histories[i];
	}
	return NULL;
}

static void remember(struct history *h, const char *s)
{
	if (!h || !*s || (h->n && strcmp(h->line[h->n - 1], s) == 0))
		return;
	if (h->n == HISTORY_LINES) {
		free(h->line[0]);
		memmove(h->line, h->line + 1, sizeof *h->line * (HISTORY_LINES - 1));
		h->n--;
	}
	h->line[h->n] = sd_strdup_n(s, strlen(s));
	if (h->line[h->n])
		h->n++;
}

/* The box is asked for when it is drawn, so that fast typing checks once. */
static void check(struct sd_ui *ui, struct prompt *p)
{
	if (p->checked)
		return;
	p->checked = true;
	sd_text_reset(&p->box);
	if (p->o.check)
		p->o.check(ui, p->o.ctx, sd_edit_text(&p->edit), p->edit.at, &p->box);
}

static void draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct prompt *p = (struct prompt *)l;
	int y = sd_screen_rows() - 2, cols = sd_screen_cols(), x, w;

	check(ui, p);
	if (!p->box.n) {
		sd_fill(y, 0, cols, SD_R_TEXT, ' ');
		if (ui->message_until > sd_mono_ms() && ui->message_kind >= SD_SAY_WARN) {
			sd_fill(y - 1, 0, cols, SD_R_TEXT, ' ');
			sd_put(y - 1, 1, cols - 2, SD_R_ERROR, ui->message);
		}
		x = 1 + sd_put(y, 1, cols / 2, SD_R_KEY, p->title) + 1;
		sd_edit_draw(&p->edit, y, x, cols - x - 1, SD_R_INPUT, true);
		return;
	}
	w = cols < 84 ? cols - 2 : 82;
	struct sd_rect r = {0, (cols - w) / 2, (int)p->box.n + 3, w};

	if (r.h > sd_screen_rows() - 6)
		r.h = sd_screen_rows() - 6;
	r.y = sd_screen_rows() - 3 - r.h + 1;
	sd_box(r, true, p->title, NULL);
	sd_edit_draw(&p->edit, r.y + 1, r.x + 2, r.w - 4, SD_R_INPUT, false);
	struct sd_rect in = {r.y + 2, r.x + 2, r.h - 3, r.w - 4};

	sd_text_draw(&p->box, in);
	sd_edit_draw(&p->edit, r.y + 1, r.x + 2, r.w - 4, SD_R_INPUT, true);
}

static void go_history(struct prompt *p, int step)
{
	const char *s;

	if (!p->h || (step > 0 && p->back >= p->h->n) || (step < 0 && p->back == 0))
		return;
	if (p->back == 0) {
		free(p->draft);
		p->draft = sd_strdup_n(sd_edit_text(&p->edit), p->edit.text.len);
	}
	p->back = step > 0 ? p->back + 1 : p->back - 1;
	s = p->back ? p->h->line[p->h->n - p->back] : p->draft;
	sd_edit_set(&p->edit, s);
	p->checked = false;
}

static void accept(struct sd_ui *ui, struct prompt *p)
{
	char *text = sd_strdup_n(sd_edit_text(&p->edit), p->edit.text.len);

	if (!text)
		return;
	if (!p->o.secret)
		remember(p->h, text);
	/* done() may push another layer: this one has to be gone from the stack by then */
	ui->top = p->l.below;
	if (p->o.done(ui, p->o.ctx, text)) {
		p->l.ops->free(ui, &p->l);
	} else {
		p->l.below = ui->top;
		ui->top = &p->l;
	}
	explicit_bzero(text, strlen(text)); /* it may be a password */
	free(text);
	ui->dirty = true;
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct prompt *p = (struct prompt *)l;
	char *more;

	switch (a) {
	case SD_ACT_ACCEPT:
		accept(ui, p);
		return true;
	case SD_ACT_OLDER:
	case SD_ACT_NEWER:
		go_history(p, a == SD_ACT_OLDER ? 1 : -1);
		return true;
	case SD_ACT_COMPLETE:
		more = p->o.complete
			       ? p->o.complete(ui, p->o.ctx, sd_edit_text(&p->edit), p->edit.at)
			       : NULL;
		if (more)
			sd_edit_insert(&p->edit, more);
		free(more);
		p->checked = false;
		return true;
	case SD_ACT_SAVE_VIEW:
		if (!p->o.save)
			return false;
		p->o.save(ui, p->o.ctx, sd_edit_text(&p->edit));
		return true;
	case SD_ACT_BACK:
		if (p->o.cancel)
			p->o.cancel(ui, p->o.ctx);
		sd_ui_pop(ui);
		return true;
	default:
		return false;
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct prompt *p = (struct prompt *)l;

	if (!sd_edit_key(&p->edit, k, true))
		return false;
	p->checked = false;
	ui->dirty = true;
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct prompt *p = (struct prompt *)l;

	(void)ui;
	if (p->o.free_ctx)
		p->o.free_ctx(p->o.ctx);
	sd_edit_release(&p->edit);
	sd_text_release(&p->box);
	free(p->title);
	free(p->draft);
	free(p);
}

static const struct sd_layer_ops OPS = {.draw = draw, .act = act, .key = key, .free = drop};

void sd_prompt(struct sd_ui *ui, const struct sd_prompt_opts *o)
{
	struct prompt *p = calloc(1, sizeof *p);

	if (!p) {
		if (o->free_ctx)
			o->free_ctx(o->ctx);
		return;
	}
	p->l.ops = &OPS;
	p->l.ctx = SD_IN_LINE;
	p->l.name = "Prompt";
	p->l.text_first = true;
	p->o = *o;
	p->title = sd_strdup_n(o->title, strlen(o->title));
	p->edit.secret = o->secret;
	p->h = history_of(o->history);
	sd_edit_set(&p->edit, o->initial);
	sd_ui_push(ui, &p->l);
}
