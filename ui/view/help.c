/* ui/view/help.c - the help overlay and the palette, both printed from the action table.  Typing
 * narrows the list, Enter runs what the cursor is on. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/screen.h"
#include "ui/view/view.h"

/* One line an action: keys, name, words.  value: the name. */
struct lines {
	char **label, **value;
	size_t n, room;
};

static void add(struct lines *l, char *label, const char *value)
{
	if (l->n + 1 > l->room) {
		size_t room = l->room ? l->room * 2 : 64;
		char **a = realloc(l->label, room * sizeof *a), **b;

		if (a)
			l->label = a;
		b = realloc(l->value, room * sizeof *b);
		if (b)
			l->value = b;
		if (!a || !b) {
			free(label);
			return;
		}
		l->room = room;
	}
	l->label[l->n] = label;
	l->value[l->n] = sd_strdup_n(value, strlen(value));
	if (l->label[l->n])
		l->n++;
	else
		free(l->value[l->n]);
}

static void add_action(struct sd_ui *ui, struct lines *l, enum sd_act a, bool names)
{
	const struct sd_action *d = sd_action(a);
	struct sd_buf keys = SD_BUF_INIT;
	char *line = NULL;

	sd_keymap_show(&ui->keys, a, &keys);
	if (names && asprintf(&line, " %-20s %-14s %s", d->name, sd_buf_text(&keys), d->help) < 0)
		line = NULL;
	if (!names && asprintf(&line, " %-14s %-22s %s", sd_buf_text(&keys), d->text,
			      sd_screen_cols() >= 100 ? d->help : d->name) < 0)
		line = NULL;
	if (line)
		add(l, line, d->name);
	sd_buf_release(&keys);
}

static bool run(struct sd_ui *ui, void *ctx, size_t i, const char *value)
{
	enum sd_act a = sd_action_find(value);
	struct sd_layer *l = sd_ui_layer(ui);

	(void)ctx;
	(void)i;
	if (a == SD_ACT_NONE)
		return false;
	if (!(sd_action(a)->where & l->ctx)) {
		sd_say(ui, SD_SAY_INFO, "%s works elsewhere, not here.", value);
		return true;
	}
	if (!sd_ui_do(ui, a))
		sd_say(ui, SD_SAY_INFO, "%s does nothing here now.", value);
	return true;
}

static void open_list(struct sd_ui *ui, const char *title, struct lines *l)
{
	const struct sd_pick_opts o = {
		.title = title, .label = l->label, .value = l->value, .count = l->n, .done = run};

	sd_pick_list(ui, &o);
}

static const char *const GROUPS[] = {
	"MOVE", "FIND", "RECORD", "QUEUE", "CONFLICT", "FORM", "LINE", "VIEW", "EVERYWHERE"};

void sd_help_open(struct sd_ui *ui)
{
	struct sd_layer *under = sd_ui_layer(ui);
	struct lines l = {0};
	char title[80];

	for (size_t g = 0; g < sizeof GROUPS / sizeof *GROUPS; g++) {
		bool head = false;

		for (int a = 1; a < SD_ACT_COUNT; a++) {
			const struct sd_action *d = sd_action((enum sd_act)a);

			if (!(d->where & under->ctx) || strcmp(d->group, GROUPS[g]) ||
				!sd_keymap_first(&ui->keys, (enum sd_act)a))
				continue;
			if (!head)
				add(&l, sd_strdup_n(GROUPS[g], strlen(GROUPS[g])), "");
			head = true;
			add_action(ui, &l, (enum sd_act)a, false);
		}
	}
	snprintf(title, sizeof title, "Help: %s  (type to find, Enter runs, Esc closes)",
		under->name);
	open_list(ui, title, &l);
}

void sd_palette_open(struct sd_ui *ui)
{
	struct sd_layer *under = sd_ui_layer(ui);
	struct lines l = {0};

	for (int a = 1; a < SD_ACT_COUNT; a++)
		if ((sd_action((enum sd_act)a)->where & under->ctx) && a != SD_ACT_PALETTE)
			add_action(ui, &l, (enum sd_act)a, true);
	open_list(ui, "Commands  (type a few letters, Enter runs)", &l);
}
