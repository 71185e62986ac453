/* ui/view/data_draw.c - where the Data view's panes are, and what they look like. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"
#include "ui/view/data.h"

#define EVENT_ROWS 5

void sd_data_layout(struct sd_ui *ui, const struct sd_data *d, struct sd_data_rects *r)
{
	struct sd_rect a = sd_frame_area(ui), none = {0, 0, 0, 0};
	struct sd_rect *one = d->pane == SD_P_MODELS  ? &r->models
			      : d->pane == SD_P_TABLE ? &r->table
						      : &r->detail;
	int mw = a.w >= 100 ? 24 : 20, dw = a.w * 28 / 100;

	r->models = r->table = r->detail = r->events = none;
	if (sd_frame_small(ui) || ui->zoom) {
		*one = a;
		return;
	}
	if (!sd_frame_wide(ui)) {
		int dh = a.h / 3 > 7 ? a.h / 3 : 7;

		r->models = (struct sd_rect){a.y, a.x, a.h, mw};
		r->table = (struct sd_rect){a.y, a.x + mw, a.h - dh, a.w - mw};
		r->detail = (struct sd_rect){a.y + a.h - dh, a.x + mw, dh, a.w - mw};
		return;
	}
	if (a.h >= 32) {
		r->events = (struct sd_rect){a.y + a.h - EVENT_ROWS, a.x, EVENT_ROWS, a.w};
		a.h -= EVENT_ROWS;
	}
	r->models = (struct sd_rect){a.y, a.x, a.h, mw};
	r->table = (struct sd_rect){a.y, a.x + mw, a.h, a.w - mw - dw};
	r->detail = (struct sd_rect){a.y, a.x + a.w - dw, a.h, dw};
}

int sd_data_height(struct sd_ui *ui, const struct sd_data *d)
{
	struct sd_data_rects r;
	int h;

	sd_data_layout(ui, d, &r);
	h = (r.table.h ? r.table.h : sd_frame_area(ui).h) - 3;
	return h > 1 ? h : 1;
}

/* ---- models ---- */

static char model_mark(const struct cJSON *m, bool syncing, enum sd_role *role)
{
	const char *sync = sd_json_get_str(m, "sync");

	*role = SD_R_ERROR;
	if (sd_json_get_i64(m, "refused", 0) || sd_str_eq(sync, "failed"))
		return 'x';
	*role = SD_R_CONFLICT;
	if (sd_json_get_i64(m, "conflicts", 0))
		return '!';
	*role = SD_R_UNSENT;
	if (sd_json_get_i64(m, "pending", 0))
		return '*';
	*role = syncing && sd_str_eq(sync, "never") ? SD_R_SYNCING : SD_R_TEXT;
	return syncing && sd_str_eq(sync, "never") ? '~' : ' ';
}

static void draw_model(
	struct sd_rect in, int y, const struct cJSON *m, bool on, bool focus, bool syncing)
{
	const char *name = sd_json_get_str(m, "model");
	enum sd_role role, row = on ? (focus ? SD_R_CURSOR : SD_R_CURSOR_OFF) : SD_R_TEXT;
	char count[SD_TIME_TEXT], mark = model_mark(m, syncing, &role);
	int n;

	sd_show_count(sd_json_get_i64(m, "rows", 0), count);
	n = (int)strlen(count);
	sd_fill(y, in.x, in.w, row, ' ');
	sd_put(y, in.x, 1, row, on ? ">" : " ");
	sd_put(y, in.x + 2, in.w - n - 4, row, name);
	sd_put(y, in.x + in.w - n - 1, n, row, count);
	if (mark != ' ') {
		char s[2] = {mark, 0};

		sd_put(y, in.x + in.w - 1, 1, on && focus ? row : role, s);
	}
}

static void draw_models(struct sd_ui *ui, struct sd_data *d, struct sd_rect r)
{
	static const struct {
		const char *text;
		enum sd_role role;
	} legend[] = {{"* unsent changes", SD_R_UNSENT}, {"~ syncing", SD_R_SYNCING},
		{"! conflict", SD_R_CONFLICT}, {"x sync error", SD_R_ERROR}};
	struct sd_rect in = sd_inside(r);
	int n = (int)sd_json_count(ui->models), i = 0;

	sd_box(r, d->pane == SD_P_MODELS, "Models", NULL);
	if (in.h >= n + 5) {
		for (int k = 0; k < 4; k++)
			sd_put(in.y + in.h - 4 + k, in.x, in.w, legend[k].role, legend[k].text);
		in.h -= 4;
	}
	sd_list_fit(&d->models, n, in.h);
	for (struct cJSON *m = sd_json_child(ui->models); m; m = sd_json_next(m), i++)
		if (i >= d->models.top && i < d->models.top + in.h)
			draw_model(in, in.y + i - d->models.top, m, i == d->models.at,
				d->pane == SD_P_MODELS, sd_str_eq(ui->status.phase, "syncing"));
	if (!n)
		sd_put(in.y, in.x + 1, in.w - 1, SD_R_DIM, "no models");
}

/* ---- the table ---- */

static bool hidden(const struct sd_data *d, const struct sd_field *f)
{
	char name[300];

	snprintf(name, sizeof name, "%s.%s", d->m->name, f->name);
	return sd_map_has(&d->hidden, name);
}

/* How early a column comes: keys a person chose, the first text (what the record is called),
 * short plain values, the time of the last change, other texts, links, structures, the rest. */
enum { C_KEY, C_NAME, C_SHORT, C_UPDATED, C_PLAIN, C_LINK, C_STRUCTURE, C_TIME, C_ID, C_COUNT };

static int column_class(const struct sd_data *d, const struct sd_field *f, bool named)
{
	bool scalar = f->kind == SD_K_SCALAR && !f->list;

	if (f->read_only)
		return sd_str_eq(f->name, d->m->updated_at) ? C_UPDATED : C_TIME;
	if (sd_model_is_key(d->m, f))
		return d->m->managed_id ? C_ID : C_KEY;
	if (f->list || f->kind == SD_K_NONMODEL || (scalar && f->scalar == SD_T_AWSJSON))
		return C_STRUCTURE;
	if (sd_model_relation_of(d->m, f) || (scalar && f->scalar == SD_T_ID))
		return C_LINK;
	if (scalar && f->scalar == SD_T_STRING)
		return named ? C_PLAIN : C_NAME;
	return f->kind == SD_K_ENUM || f->scalar == SD_T_INT || f->scalar == SD_T_FLOAT ||
			       f->scalar == SD_T_BOOLEAN
		       ? C_SHORT
		       : C_PLAIN;
}

void sd_data_columns(struct sd_data *d)
{
	d->col_n = 0;
	for (int want = 0; d->m && want < C_COUNT; want++) {
		bool named = false;

		for (size_t i = 0; i < d->m->field_count && d->col_n < SD_COLUMNS; i++) {
			const struct sd_field *f = &d->m->fields[i];
			int c = f->stored ? column_class(d, f, named) : -1;

			named = named || c == C_NAME;
			if (c == want && !hidden(d, f))
				d->cols[d->col_n++] = i;
		}
	}
	if (d->col_at >= d->col_n)
		d->col_at = 0;
	if (d->col_first >= d->col_n)
		d->col_first = 0;
}

struct column {
	const struct sd_field *f;
	size_t i; /* in cols */
	int x, w, want;
	bool right;
};

static const struct sd_field *field_of(const struct sd_data *d, size_t col)
{
	return &d->m->fields[d->cols[col]];
}

static int wanted(const struct sd_data *d, const struct sd_field *f)
{
	int most = (int)strlen(f->name);

	for (int i = 0; i < d->n; i++) {
		struct sd_buf b = SD_BUF_INIT;
		int n;

		sd_show_field(f, d->rows[i], f->read_only, &b);
		n = sd_cells(sd_buf_text(&b), b.len);
		sd_buf_release(&b);
		if (n > most)
			most = n;
	}
	return most > 200 ? 200 : most;
}

/* Chooses the columns that fit into w cells; returns how many. */
static int place_columns(const struct sd_data *d, int w, struct column out[SD_COLUMNS])
{
	int n = 0, used = 0, spare;

	for (size_t i = d->col_first; i < d->col_n && used < w; i++) {
		struct column *c = &out[n];

		c->f = field_of(d, i);
		c->i = i;
		c->want = wanted(d, c->f);
		c->w = c->want > SD_COL_WIDTH && !(d->col_full && i == d->col_at) ? SD_COL_WIDTH
										  : c->want;
		c->right = c->f->kind == SD_K_SCALAR && !c->f->list &&
			   (c->f->scalar == SD_T_INT || c->f->scalar == SD_T_FLOAT ||
				   c->f->scalar == SD_T_AWSTIMESTAMP);
		if (n && used + 2 + c->w > w) {
			if (w - used - 2 < 6)
				break;
			c->w = w - used - 2;
		}
		if (c->w > w)
			c->w = w;
		used += c->w + (n ? 2 : 0);
		n++;
	}
	spare = w - used;
	for (int i = 0; i < n && spare > 0; i++) { /* cut columns get what is left */
		int more = out[i].want - out[i].w;

		if (more > spare)
			more = spare;
		if (more > 0) {
			out[i].w += more;
			spare -= more;
		}
	}
	for (int i = 0, x = 0; i < n; i++) {
		out[i].x = x;
		x += out[i].w + 2;
	}
	return n;
}

#define MARKS 4 /* cells before the first column */
#define STATE 9 /* cells behind the last: " refused " */

static int table_width(struct sd_rect in)
{
	return in.w - MARKS - (in.w >= 50 ? STATE : 0);
}

static void draw_head(struct sd_data *d, struct sd_rect in, const struct column *c, int n)
{
	for (int i = 0; i < n; i++) {
		char t[300];
		bool sorted = sd_str_eq(d->sort, c[i].f->name);
		bool on = c[i].i == d->col_at && d->pane == SD_P_TABLE;

		snprintf(t, sizeof t, "%s%s", c[i].f->name, sorted ? (d->desc ? " v" : " ^") : "");
		sd_put_cell(in.y, in.x + MARKS + c[i].x, c[i].w, on ? SD_R_TAB_ON : SD_R_HEAD,
			c[i].right, t);
	}
}

static void draw_row(struct sd_data *d, struct sd_rect in, int i, const struct column *c, int n)
{
	const struct cJSON *rec = d->rows[i];
	const char *state = sd_json_get_str(rec, "_state");
	bool on = i == d->at, gone = sd_json_is_true(sd_json_get(rec, "_deleted"));
	char *key = sd_key_text(d->m, rec), mark[2] = {0};
	bool marked = key && sd_map_has(&d->marks, key);
	bool fresh = key && sd_map_has(&d->fresh, key) && sd_mono_ms() < d->fresh_until;
	enum sd_role role, row = on       ? (d->pane == SD_P_TABLE ? SD_R_CURSOR : SD_R_CURSOR_OFF)
				 : marked ? SD_R_MARKED
				 : gone   ? SD_R_DIM
					  : SD_R_TEXT;
	int y = in.y + 1 + i;

	free(key);
	mark[0] = sd_state_mark(state, &role);
	if (on && d->pane == SD_P_TABLE)
		role = row;
	sd_fill(y, in.x, in.w, row, ' ');
	sd_put(y, in.x, 1, row, on ? ">" : " ");
	sd_put(y, in.x + 1, 1, role, mark);
	if (marked)
		sd_put(y, in.x + 2, 1, row, "+");
	for (int k = 0; k < n; k++) {
		struct sd_buf b = SD_BUF_INIT;

		sd_show_field(c[k].f, rec, c[k].f->read_only, &b);
		sd_put_cell(y, in.x + MARKS + c[k].x, c[k].w, row, c[k].right, sd_buf_text(&b));
		sd_buf_release(&b);
	}
	if (in.w >= 50)
		sd_put(y, in.x + in.w - STATE + 1, STATE - 1, role,
			gone                              ? "deleted"
			: fresh && !*sd_state_word(state) ? "changed"
							  : sd_state_word(state));
}

static void table_title(struct sd_data *d, char *title, size_t tn, char *right, size_t rn)
{
	char total[SD_TIME_TEXT] = "?", status[64];
	int64_t pos = d->top_pos < 0 ? -1 : d->top_pos + d->at + 1;

	right[0] = 0;
	if (d->total >= 0)
		sd_show_count(d->total, total);
	snprintf(title, tn, "%s %s rows%s%s%s%s%s%s%s", d->m->name, total, d->sort ? "  " : "",
		d->sort ? d->sort : "", d->sort ? (d->desc ? " v" : " ^") : "",
		d->where ? "  f:" : "", d->where ? d->where : "", d->state ? "  only " : "",
		d->state ? d->state : "");
	sd_win_status(d, status, sizeof status);
	if (*status)
		snprintf(right, rn, "%s  ", status);
	if (sd_map_count(&d->marks))
		snprintf(right + strlen(right), rn - strlen(right), "%zu marked  ",
			sd_map_count(&d->marks));
	if (d->n && pos > 0 && d->total >= 0)
		snprintf(right + strlen(right), rn - strlen(right), "%lld/%lld", (long long)pos,
			(long long)d->total);
	else if (d->n && pos > 0)
		snprintf(right + strlen(right), rn - strlen(right), "%lld/?", (long long)pos);
}

/* An empty table is called empty only once the server was asked. */
static const char *nothing_text(struct sd_ui *ui, const struct sd_data *d)
{
	const char *sync = NULL;

	if (d->where || d->state)
		return "No row passes the filter; F clears it.";
	for (struct cJSON *m = sd_json_child(ui->models); m && !sync; m = sd_json_next(m))
		if (sd_str_eq(sd_json_get_str(m, "model"), d->m->name))
			sync = sd_json_get_str(m, "sync");
	if (!sd_api_has_backend(ui->api) || !sync)
		return "No rows yet; a adds one.";
	if (strcmp(sync, "failed") == 0)
		return "Nothing came from the server yet: the sync failed (4 says why).";
	if (strcmp(sync, "never") != 0)
		return "No rows yet; a adds one.";
	return ui->status.active && ui->status.running
		       ? "Asking the server for the first rows..."
		       : "Never synced: what the server has is not here yet.";
}

static void draw_table(struct sd_ui *ui, struct sd_data *d, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	struct column c[SD_COLUMNS];
	char title[400], right[80];
	int n;

	if (!d->m) {
		sd_box(r, d->pane == SD_P_TABLE, "Records", NULL);
		return;
	}
	table_title(d, title, sizeof title, right, sizeof right);
	sd_box(r, d->pane == SD_P_TABLE, title, right);
	n = place_columns(d, table_width(in), c);
	draw_head(d, in, c, n);
	for (int i = 0; i < d->n && i < in.h - 1; i++)
		draw_row(d, in, i, c, n);
	if (!d->n)
		sd_put(in.y + 1, in.x + MARKS, in.w - MARKS, SD_R_DIM,
			d->look ? "Looking for rows; C-c stops." : nothing_text(ui, d));
}

int sd_data_column_at(struct sd_ui *ui, struct sd_data *d, int x)
{
	struct sd_data_rects r;
	struct column c[SD_COLUMNS];
	struct sd_rect in;
	int n;

	sd_data_layout(ui, d, &r);
	in = sd_inside(r.table);
	n = place_columns(d, table_width(in), c);
	for (int i = 0; i < n; i++)
		if (x >= in.x + MARKS + c[i].x && x < in.x + MARKS + c[i].x + c[i].w)
			return (int)c[i].i;
	return -1;
}

/* ---- the rest ---- */

static void draw_detail(struct sd_ui *ui, struct sd_data *d, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	const struct cJSON *rec = sd_win_row(d);
	struct sd_buf b = SD_BUF_INIT;

	sd_detail_build(ui, d, in.w - 1);
	if (d->m && rec) {
		sd_buf_fmt(&b, "%s ", d->m->name);
		sd_show_key(d->detail_key ? d->detail_key : "[]", &b);
		if (!sd_json_is_null(sd_json_get(rec, "_version")))
			sd_buf_fmt(&b, "  _version %lld",
				(long long)sd_json_get_i64(rec, "_version", 0));
	}
	sd_box(r, d->pane == SD_P_DETAIL, b.len ? sd_buf_text(&b) : "Record", NULL);
	sd_buf_release(&b);
	sd_list_fit(&d->detail_at, (int)d->detail.n, in.h);
	d->detail.top = d->pane == SD_P_DETAIL ? d->detail_at.top : 0;
	in.x++;
	in.w--;
	sd_text_draw(&d->detail, in);
	if (d->pane == SD_P_DETAIL && d->detail.n) {
		int y = in.y + d->detail_at.at - d->detail.top;

		sd_fill(y, in.x - 1, in.w + 1, SD_R_CURSOR, ' ');
		sd_put(y, in.x - 1, 1, SD_R_CURSOR, ">");
		sd_put(y, in.x, in.w, SD_R_CURSOR, d->detail.line[d->detail_at.at].text);
	}
}

static void draw_events(struct sd_ui *ui, struct sd_rect r)
{
	struct sd_rect in = sd_inside(r);
	char clock[SD_TIME_TEXT];

	sd_box(r, false, "Events  (5 opens the log)", NULL);
	for (int i = 0; i < in.h && i < (int)ui->log_n; i++) {
		size_t at = ui->log_n - (size_t)(in.h < (int)ui->log_n ? in.h : (int)ui->log_n);
		const struct sd_log_line *l = sd_log_at(ui, at + (size_t)i);

		sd_show_clock(l->at, clock);
		sd_putf(in.y + i, in.x + 1, in.w - 1, l->role, "%s %s", clock, l->text);
	}
}

void sd_data_draw(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_data *d = (struct sd_data *)l;
	struct sd_data_rects r;

	sd_data_layout(ui, d, &r);
	if (r.models.h)
		draw_models(ui, d, r.models);
	if (r.table.h)
		draw_table(ui, d, r.table);
	if (r.detail.h)
		draw_detail(ui, d, r.detail);
	if (r.events.h)
		draw_events(ui, r.events);
}
