/*
 * ui/view/data_go.c - beginning an operation on the window: at once, or handed to the helper thread;
 * what is under way makes room.  See win.h.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/view/win.h"

/* What is under way makes room for op; true: op is done with. */
static bool meet_pending(struct sd_ui *ui, struct sd_data *d, struct sd_win_op *op)
{
	enum sd_win_kind now = d->look->op.kind;
	int to = d->at + op->by;

	if (op->kind == SD_WIN_RELOAD) {
		ui->stale = true; /* afterwards */
		return true;
	}
	if (op->kind == SD_WIN_MOVE && now == SD_WIN_MOVE) {
		op->by += d->look->op.by; /* one step more of the same */
	} else if (op->kind == SD_WIN_MOVE && now != SD_WIN_SEARCH && to >= 0 && to < d->n) {
		d->at = to;
		return true;
	} else if (op->kind == SD_WIN_MOVE && now == SD_WIN_FIRST) {
		sd_say(ui, SD_SAY_INFO, "Still looking for more rows; C-c stops.");
		return true;
	} else if (now == SD_WIN_SEARCH) {
		sd_say(ui, SD_SAY_INFO, "Search stopped by a key.");
	} else if (now == SD_WIN_RELOAD) {
		ui->stale = true;
	}
	sd_look_drop(&d->look);
	return false;
}

static bool too_soon(struct sd_ui *ui, const struct sd_data *d, const struct sd_win_op *op)
{
	bool slow = d->slow & 1u << SD_WIN_RELOAD;

	if (op->kind != SD_WIN_RELOAD || !slow || sd_mono_ms() >= d->reload_after_ms)
		return false;
	ui->stale = true; /* a look that takes long is taken less often */
	return true;
}

bool sd_win_go(struct sd_ui *ui, struct sd_data *d, struct sd_win_op *op)
{
	struct sd_src src = {.api = ui->api, .h = sd_data_height(ui, d)};
	int to = d->at + op->by;
	bool inside = op->kind == SD_WIN_MOVE && to >= 0 && to < d->n, ok = false;

	if (!d->m || (d->look && meet_pending(ui, d, op)) || too_soon(ui, d, op)) {
		sd_win_op_release(op);
		return d->m != NULL;
	}
	if (op->kind == SD_WIN_FIRST)
		d->slow = 0;
	if (inside || !(d->slow & 1u << op->kind)) {
		struct cJSON *was = op->kind == SD_WIN_RELOAD ? sd_rows_versions(d) : NULL;

		ok = sd_win_do(&src, d, op);
		if (ok && was)
			sd_rows_note(d, was);
		else
			sd_json_free(was);
		if (ok) {
			sd_look_ended(ui, d, op, &src);
			sd_win_op_release(op);
			return true;
		}
		if (!src.slow) {
			sd_say_error(ui, &src.e);
			sd_win_op_release(op);
			return false;
		}
	}
	d->slow |= 1u << op->kind;
	d->count_due |= d->count != NULL;
	sd_look_drop(&d->count);
	if (op->kind == SD_WIN_FIRST) {
		sd_win_clear(d); /* those rows are of another query */
		d->total = -1;
	}
	d->look = sd_look_start(ui, d, op, NULL);
	ui->dirty = true;
	return d->look != NULL;
}

bool sd_win_long(struct sd_ui *ui, struct sd_data *d, const struct sd_win_long *l)
{
	struct sd_win_op op = {.kind = SD_WIN_RUN};

	if (d->run) {
		sd_say(ui, SD_SAY_WARN, "The %s before is not over yet; C-c stops it.",
			d->run->run.what);
		if (l->free_ctx)
			l->free_ctx(l->ctx);
		return false;
	}
	d->run = sd_look_start(ui, d, &op, l);
	return d->run != NULL;
}

bool sd_win_first(struct sd_ui *ui, struct sd_data *d)
{
	return sd_win_go(ui, d, &(struct sd_win_op){.kind = SD_WIN_FIRST});
}

bool sd_win_last(struct sd_ui *ui, struct sd_data *d)
{
	return sd_win_go(ui, d, &(struct sd_win_op){.kind = SD_WIN_LAST});
}

void sd_win_move(struct sd_ui *ui, struct sd_data *d, int by)
{
	sd_win_go(ui, d, &(struct sd_win_op){.kind = SD_WIN_MOVE, .by = by});
}

void sd_win_reload(struct sd_ui *ui, struct sd_data *d)
{
	sd_win_go(ui, d, &(struct sd_win_op){.kind = SD_WIN_RELOAD});
}

void sd_win_seek(struct sd_ui *ui, struct sd_data *d, const struct cJSON *rec, int64_t pos)
{
	struct sd_win_op op = {.kind = SD_WIN_SEEK, .pos = pos, .rec = sd_json_dup(rec)};

	if (op.rec)
		sd_win_go(ui, d, &op);
}

void sd_win_goto(struct sd_ui *ui, struct sd_data *d, int64_t pos)
{
	sd_win_go(ui, d, &(struct sd_win_op){.kind = SD_WIN_GOTO, .pos = pos});
}

/* "looking 34 %"; "" when nothing is under way. */
void sd_win_status(const struct sd_data *d, char *out, size_t room)
{
	const struct sd_look *l = d->look ? d->look : d->run ? d->run : d->count;
	const char *what = !l                            ? ""
			   : l == d->run                 ? l->run.what
			   : l == d->count               ? "counting"
			   : l->op.kind == SD_WIN_SEARCH ? "searching"
							 : "looking";
	int percent = l ? sd_api_job_percent(l->job) : -1;

	out[0] = '\0';
	if (percent >= 0)
		snprintf(out, room, "%s %d %%", what, percent);
	else if (l)
		snprintf(out, room, "%s %.1f s", what, (double)(sd_mono_ms() - l->since_ms) / 1000);
}
