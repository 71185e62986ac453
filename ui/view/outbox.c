/* ui/view/outbox.c - the queue of unsent changes, one can operate: lanes, errors, what is held and
 * why, retry, park, discard; and below it what left the queue (U-01, U-02, U-03). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "ui/term/clip.h"
#include "ui/view/queue.h"

#define SENT_ROWS 50

const struct sd_queue_item *sd_queue_here(const struct sd_queue_view *o)
{
	return o->at.at < o->n ? &o->item[o->at.at] : NULL;
}

int64_t sd_queue_seq(const struct sd_queue_view *o)
{
	const struct sd_queue_item *i = sd_queue_here(o);

	return i && i->j && !i->sent ? sd_json_get_i64(i->j, "seq", -1) : -1;
}

/* A line of the journal about an entry that is in the queue yet (parked, back again). */
static bool still_here(const struct sd_queue_view *o, const struct cJSON *line)
{
	int64_t seq = sd_json_get_i64(line, "seq", -1);

	for (struct cJSON *j = sd_json_child(o->list); j; j = sd_json_next(j))
		if (sd_json_get_i64(j, "seq", -2) == seq)
			return true;
	return false;
}

static void build(struct sd_queue_view *o)
{
	size_t n = sd_json_count(o->list) + sd_json_count(o->sent) + 1;
	struct sd_queue_item *items = calloc(n, sizeof *items);

	free(o->item);
	o->item = items;
	o->n = 0;
	if (!items)
		return;
	for (struct cJSON *j = sd_json_child(o->list); j; j = sd_json_next(j))
		items[o->n++].j = j;
	for (struct cJSON *j = sd_json_child(o->sent); j; j = sd_json_next(j)) {
		/* what entered the queue is above; this is what left it */
		if (sd_str_eq(sd_json_get_str(j, "text"), "queued") || still_here(o, j))
			continue;
		if (!o->n || !items[o->n - 1].sent)
			items[o->n++].sent = true;
		items[o->n].j = j;
		items[o->n++].sent = true;
	}
}

/* The cursor never rests on the line between. */
static void off_the_line(struct sd_queue_view *o, int step)
{
	if (o->at.at < o->n && !o->item[o->at.at].j)
		o->at.at += step < 0 && o->at.at > 0 ? -1 : o->at.at + 1 < o->n ? 1 : 0;
	if (o->at.at < o->n && !o->item[o->at.at].j && o->at.at > 0)
		o->at.at--;
}

static void reload(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;
	struct cJSON *list = NULL, *sent = NULL;
	struct sd_error e = {0};
	int64_t seq = sd_queue_seq(o);

	if (sd_api_outbox(ui->api, false, &list, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	if (sd_api_sent(ui->api, SENT_ROWS, &sent, NULL) != SD_OK)
		sent = NULL;
	sd_json_free(o->list);
	sd_json_free(o->sent);
	o->list = list;
	o->sent = sent;
	build(o);
	for (int i = 0; seq >= 0 && i < o->n; i++)
		if (!o->item[i].sent && sd_json_get_i64(o->item[i].j, "seq", -1) == seq)
			o->at.at = i;
	off_the_line(o, -1);
	o->shown_seq = -1;
}

/* ---- acting ---- */

static void operate(struct sd_ui *ui, struct sd_queue_view *o, const char *verb, const char *said)
{
	struct sd_error e = {0};
	int64_t seq = sd_queue_seq(o);

	if (sd_api_outbox_do(ui->api, verb, seq, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "#%lld %s", (long long)seq, said);
	sd_api_kick(ui->api);
	reload(ui, &o->l);
	sd_state_refresh(ui, false);
}

static void discard_done(struct sd_ui *ui, void *ctx, int i)
{
	if (i == 1)
		operate(ui, ctx, "discard", "discarded; the record is the server's copy again.");
}

static void ask_discard(struct sd_ui *ui, struct sd_queue_view *o)
{
	static const struct sd_choice choice[] = {
		{0, "keep it", 0}, {'d', "discard 1 unsent change", 1}};
	const struct cJSON *j = sd_queue_here(o)->j;
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "%s %s: ", sd_json_get_str(j, "op"), sd_json_get_str(j, "model"));
	sd_queue_fields(j, &b);
	sd_buf_str(&b, "\n\nThis change has not reached the server and is lost when discarded. "
		       "The record goes back to the server's copy.");
	sd_ask(ui, &(struct sd_ask_opts){.title = "Discard an unsent change",
			   .text = sd_buf_text(&b),
			   .choice = choice,
			   .count = 2,
			   .done = discard_done,
			   .ctx = o});
	sd_buf_release(&b);
}

static void show_request(struct sd_ui *ui, struct sd_queue_view *o)
{
	struct sd_buf b = SD_BUF_INIT;
	const struct cJSON *request;
	const char *query;

	if (sd_str_eq(sd_json_get_str(sd_queue_here(o)->j, "lane"), "conflict")) {
		sd_ui_view(ui, SD_V_CONFLICTS);
		return;
	}
	sd_queue_detail(ui, o, 60);
	request = sd_json_get(o->shown, "request");
	query = sd_json_get_str(request, "query");
	if (sd_queue_here(o)->sent || !request)
		sd_json_print_pretty(sd_queue_here(o)->j, &b);
	else {
		sd_buf_fmt(&b, "%s\n\nvariables\n", query ? query : "");
		sd_json_print_pretty(sd_json_get(request, "variables"), &b);
	}
	sd_tell(ui, "The request as it is sent", sd_buf_text(&b));
	sd_buf_release(&b);
}

static void retry_all(struct sd_ui *ui, struct sd_queue_view *o)
{
	struct sd_error e = {0};
	int64_t n = 0;

	if (sd_api_outbox_retry_all(ui->api, &n, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "%lld change%s tried again now.", (long long)n,
			n == 1 ? " is" : "s are");
	sd_api_kick(ui->api);
	reload(ui, &o->l);
}

static void open_record(struct sd_ui *ui, struct sd_queue_view *o)
{
	const struct cJSON *j = sd_queue_here(o)->j;
	char *key = sd_key_json(sd_json_get(j, "key"));

	sd_data_show(ui, sd_json_get_str(j, "model"), key, NULL);
	free(key);
}

static void copy_body(struct sd_ui *ui, struct sd_queue_view *o)
{
	struct sd_buf b = SD_BUF_INIT;
	const struct cJSON *fields = sd_json_get(sd_queue_here(o)->j, "fields");
	struct sd_error e = {0};
	const char *how = "";

	sd_json_print(fields ? fields : sd_queue_here(o)->j, &b);
	if (sd_clip_copy(sd_buf_text(&b), b.len, &how, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "Copied the body %s.", how);
	sd_buf_release(&b);
}

static bool export_done(struct sd_ui *ui, void *ctx, const char *path)
{
	struct cJSON *all = NULL;
	struct sd_error e = {0};
	int fd;
	FILE *f;
	int64_t n = 0;

	(void)ctx;
	if (sd_api_outbox(ui->api, true, &all, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return true;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	f = fd >= 0 ? fdopen(fd, "w") : NULL;
	if (!f) {
		sd_say(ui, SD_SAY_ERROR, "%s: %s; choose another name.", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		sd_json_free(all);
		return false;
	}
	for (struct cJSON *j = sd_json_child(all); j; j = sd_json_next(j), n++) {
		char *text = sd_json_text(j);

		fprintf(f, "%s\n", text ? text : "");
		free(text);
	}
	sd_json_free(all);
	if (fclose(f) != 0)
		sd_say(ui, SD_SAY_ERROR, "%s: could not be written whole: %s", path,
			strerror(errno));
	else
		sd_say(ui, SD_SAY_GOOD, "Wrote %lld unsent change%s to %s.", (long long)n,
			n == 1 ? "" : "s", path);
	return true;
}

static const char *why_not(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;
	const struct sd_queue_item *it = sd_queue_here(o);

	(void)ui;
	if (a == SD_ACT_RETRY || a == SD_ACT_PARK || a == SD_ACT_REBASE || a == SD_ACT_DISCARD) {
		if (!it || !it->j || it->sent)
			return "That works on an unsent change; there is none under the cursor.";
	}
	if ((a == SD_ACT_OPEN || a == SD_ACT_OPEN_RECORD || a == SD_ACT_COPY_RECORD) &&
		(!it || !it->j))
		return "There is no change under the cursor.";
	return NULL;
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;
	int was;
	bool parked = sd_queue_here(o) &&
		      sd_str_eq(sd_json_get_str(sd_queue_here(o)->j, "lane"), "parked");

	switch (a) {
	case SD_ACT_OPEN:
		show_request(ui, o);
		return true;
	case SD_ACT_RETRY:
		operate(ui, o, "retry", "is tried again now.");
		return true;
	case SD_ACT_PARK:
		operate(ui, o, parked ? "unpark" : "park",
			parked ? "waits for the server again." : "stays here until p unparks it.");
		return true;
	case SD_ACT_REBASE:
		operate(ui, o, "rebase", "is a change of the newest version now.");
		return true;
	case SD_ACT_DISCARD:
		ask_discard(ui, o);
		return true;
	case SD_ACT_RETRY_ALL:
		retry_all(ui, o);
		return true;
	case SD_ACT_OPEN_RECORD:
		open_record(ui, o);
		return true;
	case SD_ACT_COPY_RECORD:
	case SD_ACT_COPY_CELL:
		if (sd_queue_here(o) && sd_queue_here(o)->j)
			copy_body(ui, o);
		return true;
	case SD_ACT_EXPORT:
		sd_prompt(ui, &(struct sd_prompt_opts){.title = "Export unsent changes to file",
				      .history = "file",
				      .done = export_done,
				      .ctx = o});
		return true;
	default:
		was = o->at.at;
		if (!sd_list_act(&o->at, a, o->n, o->rows.h))
			return false;
		off_the_line(o, o->at.at >= was ? 1 : -1);
		return true;
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;

	(void)ui;
	if (k->code == SD_KEY_CLICK && sd_hit(o->rows, k->y, k->x))
		o->at.at = o->at.top + k->y - o->rows.y;
	else if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		o->at.at += k->code == SD_KEY_WHEEL_UP ? -1 : 1;
	sd_list_fit(&o->at, o->n, o->rows.h);
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_queue_view *o = (struct sd_queue_view *)l;

	(void)ui;
	sd_json_free(o->list);
	sd_json_free(o->sent);
	sd_json_free(o->shown);
	sd_text_release(&o->text);
	free(o->item);
	free(o);
}

static const struct sd_layer_ops OPS = {.draw = sd_queue_draw,
	.act = act,
	.key = key,
	.reload = reload,
	.why_not = why_not,
	.free = drop};

struct sd_layer *sd_outbox_new(struct sd_ui *ui)
{
	struct sd_queue_view *o = calloc(1, sizeof *o);

	(void)ui;
	if (!o)
		return NULL;
	o->l.ops = &OPS;
	o->l.ctx = SD_IN_OUTBOX;
	o->l.name = "Outbox";
	o->shown_seq = -1;
	return &o->l;
}

void sd_outbox_show(struct sd_ui *ui, const char *model, const char *key)
{
	struct sd_queue_view *o = (struct sd_queue_view *)ui->views[SD_V_OUTBOX];

	sd_ui_view(ui, SD_V_OUTBOX);
	for (int i = 0; i < o->n; i++) {
		char *k = sd_key_json(sd_json_get(o->item[i].j, "key"));

		if (!o->item[i].sent && sd_str_eq(k, key) &&
			sd_str_eq(sd_json_get_str(o->item[i].j, "model"), model))
			o->at.at = i;
		free(k);
	}
}
