/* ui/view/log.c - what happened, line by line, searchable, with the way to the record. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/clip.h"
#include "ui/term/width.h"
#include "ui/view/view.h"

struct log {
	struct sd_layer l;
	struct sd_list at;
	bool follow, wrap;
	uint64_t seen; /* lines there were when last drawn */
	char *search;  /* owned */
	struct sd_rect rows;
};

static void draw_line(struct log *g, const struct sd_log_line *line, int y, bool on)
{
	enum sd_role r = on ? SD_R_CURSOR : line->role;
	char clock[SD_TIME_TEXT];

	sd_show_clock(line->at, clock);
	sd_fill(y, g->rows.x, g->rows.w, on ? r : SD_R_TEXT, ' ');
	sd_put(y, g->rows.x, 1, r, on ? ">" : " ");
	sd_put(y, g->rows.x + 1, 8, on ? r : SD_R_DIM, clock);
	sd_put(y, g->rows.x + 10, g->rows.w - 10, r, line->text);
}

static void draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct log *g = (struct log *)l;
	struct sd_rect a = sd_frame_area(ui), text = a;
	char right[40];

	if (g->follow || ui->log_total - g->seen >= ui->log_n)
		g->at.at = (int)ui->log_n - 1;
	else if (ui->log_n == SD_LOG_LINES && ui->log_total > g->seen)
		g->at.at -= (int)(ui->log_total - g->seen); /* the ring moved on under it */
	g->seen = ui->log_total;
	if (g->wrap) {
		text.h = 6;
		a.h -= text.h;
		text.y += a.h;
	}
	snprintf(right, sizeof right, "%zu lines", ui->log_n);
	sd_box(a, true, g->follow ? "Log  follow on" : "Log", right);
	g->rows = sd_inside(a);
	sd_list_fit(&g->at, (int)ui->log_n, g->rows.h);
	for (int i = 0; i < g->rows.h && g->at.top + i < (int)ui->log_n; i++)
		draw_line(g, sd_log_at(ui, (size_t)(g->at.top + i)), g->rows.y + i,
			g->at.top + i == g->at.at);
	if (!ui->log_n)
		sd_put(g->rows.y, g->rows.x + 2, g->rows.w - 2, SD_R_DIM,
			"Nothing has happened yet in this session.");
	if (g->wrap && ui->log_n) {
		struct sd_text t = {0};
		const char *s = sd_log_at(ui, (size_t)g->at.at)->text;
		struct sd_rect in;

		sd_box(text, false, "This line", NULL);
		in = sd_inside(text);
		sd_text_add_wrapped(&t, SD_R_TEXT, in.w, 0, s, strlen(s));
		sd_text_draw(&t, in);
		sd_text_release(&t);
	}
}

static void search(struct sd_ui *ui, struct log *g, int step)
{
	int n = (int)ui->log_n;

	if (!g->search) {
		sd_say(ui, SD_SAY_INFO, "Nothing to search for; / asks.");
		return;
	}
	for (int i = 1; i <= n; i++) {
		int at = ((g->at.at + step * i) % n + n) % n;

		if (strcasestr(sd_log_at(ui, (size_t)at)->text, g->search)) {
			g->at.at = at;
			g->follow = false;
			return;
		}
	}
	sd_say(ui, SD_SAY_WARN, "No line has \"%s\".", g->search);
}

static bool search_done(struct sd_ui *ui, void *ctx, const char *text)
{
	struct log *g = ctx;

	if (*text) {
		free(g->search);
		g->search = sd_strdup_n(text, strlen(text));
	}
	search(ui, g, 1);
	return true;
}

static void copy(struct sd_ui *ui, const struct sd_log_line *line)
{
	struct sd_error e = {0};
	const char *how = "";

	if (sd_clip_copy(line->text, strlen(line->text), &how, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "Copied the line %s.", how);
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct log *g = (struct log *)l;
	const struct sd_log_line *line =
		g->at.at < (int)ui->log_n ? sd_log_at(ui, (size_t)g->at.at) : NULL;

	switch (a) {
	case SD_ACT_SEARCH:
		sd_prompt(ui, &(struct sd_prompt_opts){.title = "Search the log",
				      .history = "search",
				      .done = search_done,
				      .ctx = g});
		return true;
	case SD_ACT_SEARCH_NEXT:
	case SD_ACT_SEARCH_PREV:
		if (ui->log_n)
			search(ui, g, a == SD_ACT_SEARCH_NEXT ? 1 : -1);
		return true;
	case SD_ACT_OPEN:
		if (line)
			sd_tell(ui, "Log line", line->text);
		return true;
	case SD_ACT_OPEN_RECORD:
		if (line && line->model && line->key)
			sd_data_show(ui, line->model, line->key, NULL);
		else
			sd_say(ui, SD_SAY_INFO, "This line is not about one record.");
		return true;
	case SD_ACT_RESTORE:
		if (line && line->model && line->key)
			sd_restore_mine(ui, line->model, line->key);
		else
			sd_say(ui, SD_SAY_INFO, "This line is not about one record.");
		return true;
	case SD_ACT_COPY_CELL:
	case SD_ACT_COPY_RECORD:
		if (line)
			copy(ui, line);
		return true;
	case SD_ACT_WRAP:
		g->wrap = !g->wrap;
		return true;
	default:
		if (!sd_list_act(&g->at, a, (int)ui->log_n, g->rows.h))
			return false;
		g->follow = g->at.at == (int)ui->log_n - 1;
		return true;
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct log *g = (struct log *)l;

	if (k->code == SD_KEY_CLICK && sd_hit(g->rows, k->y, k->x))
		g->at.at = g->at.top + k->y - g->rows.y;
	else if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		g->at.at += k->code == SD_KEY_WHEEL_UP ? -3 : 3;
	sd_list_fit(&g->at, (int)ui->log_n, g->rows.h);
	g->follow = g->at.at == (int)ui->log_n - 1;
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct log *g = (struct log *)l;

	(void)ui;
	free(g->search);
	free(g);
}

static const struct sd_layer_ops OPS = {.draw = draw, .act = act, .key = key, .free = drop};

struct sd_layer *sd_log_new(struct sd_ui *ui)
{
	struct log *g = calloc(1, sizeof *g);

	(void)ui;
	if (!g)
		return NULL;
	g->l.ops = &OPS;
	g->l.ctx = SD_IN_LOG;
	g->l.name = "Log";
	g->follow = true;
	return &g->l;
}
