/* ui/view/conflicts_draw.c - the Conflicts view on the screen. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"
#include "ui/view/conf.h"

static void value_text(const struct cJSON *v, struct sd_buf *b)
{
	if (sd_json_is_object(v))
		sd_buf_fmt(b, "{%zu keys}", sd_json_count(v));
	else
		sd_show_value(v, b);
}

/* What the keep column says: who wins, and whether there was anything to decide. */
static enum sd_role keep_text(const struct sd_conf *c, const struct cJSON *f, char *out, size_t n)
{
	const struct cJSON *base = sd_json_get(f, "base"), *mine = sd_json_get(f, "mine"),
			   *theirs = sd_json_get(f, "theirs");
	const char *pick = sd_conf_pick(c, f);

	if (!pick) {
		snprintf(out, n, "! OPEN");
		return SD_R_CONFLICT;
	}
	if (strcmp(pick, "set") == 0) {
		snprintf(out, n, "(edited)");
		return SD_R_ADDED;
	}
	if (sd_json_equal(mine, theirs, true)) {
		snprintf(out, n, sd_json_equal(mine, base, true) ? "= same" : "= both");
		return SD_R_DIM;
	}
	snprintf(out, n, "(%s)", pick);
	return SD_R_GOOD;
}

struct widths {
	int name, value, keep;
};

static struct widths widths(int w)
{
	struct widths x = {w >= 100 ? 16 : 11, 0, 9};

	x.value = (w - 3 - x.name - x.keep - 4) / 3;
	return x;
}

static void draw_field(struct sd_conf *c, int i, int y, const struct widths *w)
{
	static const char *const sides[] = {"base", "mine", "theirs"};
	const struct cJSON *f = sd_conf_field(c, i);
	bool on = i == c->field.at;
	char keep[32];
	enum sd_role role = keep_text(c, f, keep, sizeof keep);
	enum sd_role row = on ? SD_R_CURSOR : role == SD_R_DIM ? SD_R_DIM : SD_R_TEXT;
	int x = c->rows.x;

	sd_fill(y, x, c->rows.w, row, ' ');
	sd_put(y, x, 1, row, on ? ">" : " ");
	sd_put(y, x + 2, w->name, row, sd_json_get_str(f, "name"));
	for (int s = 0; s < 3; s++) {
		struct sd_buf b = SD_BUF_INIT;

		value_text(sd_json_get(f, sides[s]), &b);
		sd_put(y, x + 3 + w->name + s * (w->value + 1), w->value, row, sd_buf_text(&b));
		sd_buf_release(&b);
	}
	sd_put(y, x + 3 + w->name + 3 * (w->value + 1), w->keep, on ? row : role, keep);
}

static const char *fate(const struct cJSON *copy)
{
	if (sd_json_is_null(copy))
		return "not there";
	return sd_json_is_true(sd_json_get(copy, "_deleted")) ? "deleted" : "there";
}

static void draw_whole(struct sd_conf *c, const struct cJSON *j, const struct widths *w)
{
	int x = c->rows.x, y = c->rows.y;
	const char *keep = c->now.keep;

	sd_fill(y, x, c->rows.w, SD_R_CURSOR, ' ');
	sd_put(y, x, w->name + 2, SD_R_CURSOR, "> record");
	sd_put(y, x + 3 + w->name, w->value, SD_R_CURSOR, fate(sd_json_get(j, "base")));
	sd_put(y, x + 3 + w->name + w->value + 1, w->value, SD_R_CURSOR,
		sd_json_is_null(sd_json_get(j, "mine")) ? "deleted here" : "edited here");
	sd_put(y, x + 3 + w->name + 2 * (w->value + 1), w->value, SD_R_CURSOR,
		sd_str_eq(fate(sd_json_get(j, "theirs")), "there") ? "edited there"
								   : "deleted there");
	sd_put(y, x + 3 + w->name + 3 * (w->value + 1), w->keep, SD_R_CURSOR,
		keep[0] ? keep : "! OPEN");
}

/* Text with what was taken away as [-x-] and what came as [+x+], against the base. */
static void diff(const char *base, const char *now, struct sd_buf *b)
{
	size_t bn = strlen(base), nn = strlen(now), head = 0, tail = 0;

	while (head < bn && head < nn && base[head] == now[head])
		head++;
	while (head && ((unsigned char)base[head] & 0xc0) == 0x80)
		head--;
	while (tail < bn - head && tail < nn - head && base[bn - 1 - tail] == now[nn - 1 - tail])
		tail++;
	while (tail && ((unsigned char)now[nn - tail] & 0xc0) == 0x80)
		tail--;
	sd_buf_add(b, now, head);
	if (bn - head - tail)
		sd_buf_fmt(b, "[-%.*s-]", (int)(bn - head - tail), base + head);
	if (nn - head - tail)
		sd_buf_fmt(b, "[+%.*s+]", (int)(nn - head - tail), now + head);
	sd_buf_add(b, now + nn - tail, tail);
}

static void unfold(struct sd_text *t, const struct sd_conf *c, int w)
{
	static const char *const sides[] = {"base", "mine", "theirs"};
	const struct cJSON *f = sd_conf_field(c, c->field.at);
	struct sd_buf base = SD_BUF_INIT;

	sd_show_value(sd_json_get(f, "base"), &base);
	for (int i = 0; i < 4; i++) {
		struct sd_buf b = SD_BUF_INIT, v = SD_BUF_INIT;
		const struct cJSON *j = i < 3 ? sd_json_get(f, sides[i]) : sd_conf_result(c, f);

		sd_buf_fmt(&b, "%-8s", i < 3 ? sides[i] : "result");
		sd_show_value(j, &v);
		if (i == 3 && !sd_conf_pick(c, f))
			sd_buf_str(&b, "open: m, t, b or e decides");
		else if (i == 0 || i == 3)
			sd_buf_str(&b, sd_buf_text(&v));
		else
			diff(sd_buf_text(&base), sd_buf_text(&v), &b);
		sd_text_add_wrapped(
			t, i == 3 ? SD_R_TITLE : SD_R_TEXT, w, 8, sd_buf_text(&b), b.len);
		sd_buf_release(&b);
		sd_buf_release(&v);
	}
	sd_buf_release(&base);
}

static void summary(const struct sd_conf *c, char *out, size_t n)
{
	int open = 0, clash = 0, one = 0;

	for (int i = 0; i < sd_conf_fields(c); i++) {
		const struct cJSON *f = sd_conf_field(c, i);

		clash += sd_json_is_true(sd_json_get(f, "clash"));
		open += !sd_conf_pick(c, f);
		one += !sd_json_is_true(sd_json_get(f, "clash")) &&
		       !sd_json_equal(sd_json_get(f, "mine"), sd_json_get(f, "theirs"), true);
	}
	snprintf(out, n, "%d changed on both sides, %d open; %d changed on one side only.", clash,
		open, one);
}

static void title_text(const struct sd_conf *c, const struct cJSON *j, struct sd_buf *b)
{
	char *key = sd_key_json(sd_json_get(j, "key"));
	char t[SD_TIME_TEXT];

	sd_buf_fmt(b, "Conflict %d of %d  %s ", c->at + 1, c->n, sd_json_get_str(j, "model"));
	sd_show_key(key ? key : "[]", b);
	sd_show_ago(sd_json_get_i64(j, "found", 0), t);
	sd_buf_fmt(b, "  found %s  %s", t, sd_json_get_str(j, "shape"));
	free(key);
}

static void draw_bench(struct sd_conf *c, const struct cJSON *j, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r), text = in;
	struct widths w = widths(in.w);
	struct sd_buf title = SD_BUF_INIT;
	struct sd_text t = {0};
	int n = sd_conf_fields(c), x = in.x + 3 + w.name, most = in.h - 7;
	char head[40], line[160];

	title_text(c, j, &title);
	sd_box(r, true, sd_buf_text(&title), NULL);
	sd_buf_release(&title);
	sd_put(in.y, in.x + 2, w.name, SD_R_HEAD, "field");
	snprintf(head, sizeof head, "base (v%lld)",
		(long long)sd_json_get_i64(sd_json_get(j, "base"), "_version", 0));
	sd_put(in.y, x, w.value, SD_R_HEAD, head);
	sd_put(in.y, x + w.value + 1, w.value, SD_R_HEAD, "mine");
	snprintf(head, sizeof head, "theirs (v%lld)",
		(long long)sd_json_get_i64(sd_json_get(j, "theirs"), "_version", 0));
	sd_put(in.y, x + 2 * (w.value + 1), w.value, SD_R_HEAD, head);
	sd_put(in.y, x + 3 * (w.value + 1), w.keep, SD_R_HEAD, "keep");
	if (most < 2)
		most = 2;
	c->rows = (struct sd_rect){in.y + 1, in.x, n < most ? n : most, in.w};
	if (sd_conf_whole(j)) {
		draw_whole(c, j, &w);
		snprintf(line, sizeof line,
			"m keeps what is here, t what the server has. "
			"Enter shows all three copies.");
	} else {
		sd_list_fit(&c->field, n, c->rows.h);
		for (int i = 0; i < c->rows.h && c->field.top + i < n; i++)
			draw_field(c, c->field.top + i, c->rows.y + i, &w);
		unfold(&t, c, in.w - 4);
		summary(c, line, sizeof line);
	}
	text.y = c->rows.y + c->rows.h + 1;
	text.x += 2;
	text.w -= 4;
	text.h = in.y + in.h - 1 - text.y;
	if (text.h > 0)
		sd_text_draw(&t, text);
	sd_put(in.y + in.h - 1, in.x + 1, in.w - 2, SD_R_DIM, line);
	sd_text_release(&t);
}

static void draw_result(struct sd_conf *c, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	struct sd_text t = {0};
	struct sd_buf b = SD_BUF_INIT;
	char title[80] = "Result";

	if (c->write && !sd_json_is_null(c->write))
		snprintf(title, sizeof title, "Result, sent with _version %lld",
			(long long)sd_json_get_i64(c->write, "version", 0));
	sd_box(r, false, title, NULL);
	in.x++;
	in.w -= 2;
	if (c->why[0]) {
		sd_text_add_wrapped(&t, SD_R_CONFLICT, in.w, 0, c->why, strlen(c->why));
	} else if (sd_json_is_null(c->write)) {
		sd_text_add(&t, SD_R_TEXT,
			"Nothing has to be sent: the result is what the server has.");
	} else {
		const struct cJSON *fields = sd_json_get(c->write, "fields");

		sd_buf_fmt(&b, "%s ", sd_json_get_str(c->write, "op"));
		sd_json_print(fields ? fields : c->write, &b);
		sd_text_add_wrapped(&t, SD_R_TEXT, in.w, 2, sd_buf_text(&b), b.len);
	}
	sd_text_add(&t, SD_R_DIM, "Nothing is sent until w.");
	sd_text_draw(&t, in);
	sd_buf_release(&b);
	sd_text_release(&t);
}

static void draw_list(struct sd_conf *c, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	int i = 0, top = c->at - in.h + 6 > 0 ? c->at - in.h + 6 : 0;
	char title[40], t[SD_TIME_TEXT];

	snprintf(title, sizeof title, "Conflicts %d", c->n);
	sd_box(r, false, title, NULL);
	c->conflicts = (struct sd_rect){in.y, in.x, in.h - 5, in.w};
	for (struct cJSON *j = sd_json_child(c->list); j; j = sd_json_next(j), i++) {
		struct sd_buf b = SD_BUF_INIT;
		char *key = sd_key_json(sd_json_get(j, "key"));

		if (i >= top && i - top < in.h - 5) {
			sd_buf_fmt(
				&b, "%c %s ", i == c->at ? '>' : ' ', sd_json_get_str(j, "model"));
			sd_show_key(key ? key : "[]", &b);
			sd_age_text(sd_now_ms() - sd_json_get_i64(j, "found", 0), t);
			sd_put_cell(in.y + i - top, in.x, in.w,
				i == c->at ? SD_R_CURSOR_OFF : SD_R_TEXT, false, sd_buf_text(&b));
			sd_put_cell(in.y + i - top, in.x + in.w - 5, 4,
				i == c->at ? SD_R_CURSOR_OFF : SD_R_DIM, true, t);
		}
		free(key);
		sd_buf_release(&b);
	}
	sd_put(in.y + in.h - 4, in.x + 1, in.w - 1, SD_R_DIM, "Choosing never sends.");
	sd_put(in.y + in.h - 3, in.x + 1, in.w - 1, SD_R_DIM, "w sends this one; W sends");
	sd_put(in.y + in.h - 2, in.x + 1, in.w - 1, SD_R_DIM, "all with no open field.");
}

void sd_conf_draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_conf *c = (struct sd_conf *)l;
	const struct cJSON *j = sd_conf_here(c);
	struct sd_rect a = sd_frame_area(ui), bench = a, result = a;

	c->conflicts = (struct sd_rect){0, 0, 0, 0};
	if (!j) {
		sd_box(a, true, "Conflicts", NULL);
		sd_put(a.y + 1, a.x + 3, a.w - 4, SD_R_DIM,
			"No conflict. A field changed here and on the server would be decided "
			"here.");
		return;
	}
	sd_conf_preview(ui, c);
	if (sd_frame_wide(ui) && !ui->zoom) {
		struct sd_rect list = {a.y, a.x, a.h, 30};

		bench.x = result.x = a.x + 30;
		bench.w = result.w = a.w - 30;
		draw_list(c, list);
	}
	result.h = sd_frame_small(ui) ? 3 : sd_frame_wide(ui) && a.h > 26 ? 8 : 5;
	bench.h = a.h - result.h;
	result.y = a.y + bench.h;
	draw_bench(c, j, bench);
	draw_result(c, result);
}
