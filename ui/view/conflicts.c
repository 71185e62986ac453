/* ui/view/conflicts.c - the three-way workbench: base, mine, theirs, a choice per field, a preview
 * of the exact write, one decision (U-07, S3). */
#include "ui/view/conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "core/model/scalar.h"

/* ---- choices and their past ---- */

static void choice_release(struct sd_conf_choice *x)
{
	sd_json_free(x->picks);
	sd_json_free(x->sets);
	memset(x, 0, sizeof *x);
}

static void forget_choices(struct sd_conf *c)
{
	while (c->past_n)
		choice_release(&c->past[--c->past_n]);
	choice_release(&c->now);
	c->now.picks = sd_json_object();
	c->now.sets = sd_json_object();
	c->previewed = false;
}

static void remember(struct sd_conf *c)
{
	struct sd_conf_choice *p;

	if (c->past_n == SD_CONF_UNDO) {
		choice_release(&c->past[0]);
		memmove(c->past, c->past + 1, sizeof *c->past * (SD_CONF_UNDO - 1));
		c->past_n--;
	}
	p = &c->past[c->past_n++];
	*p = c->now;
	c->now.picks = sd_json_dup(p->picks);
	c->now.sets = sd_json_dup(p->sets);
	c->previewed = false;
}

static bool undo(struct sd_conf *c)
{
	if (!c->past_n)
		return false;
	choice_release(&c->now);
	c->now = c->past[--c->past_n];
	memset(&c->past[c->past_n], 0, sizeof *c->past);
	c->previewed = false;
	return true;
}

/* The conflict shown changed: choices belong to one conflict only. */
static void show(struct sd_conf *c, int at)
{
	const struct cJSON *j;
	int64_t id;

	c->at = at < 0 ? 0 : at >= c->n ? c->n - 1 : at;
	if (c->at < 0)
		c->at = 0;
	sd_conf_arrange(c);
	j = sd_conf_here(c);
	id = sd_json_get_i64(j, "id", -1);
	if (id == c->now.id && c->now.picks)
		return;
	forget_choices(c);
	c->now.id = id;
	c->field.at = c->field.top = 0;
	for (int i = 0; i < sd_conf_fields(c); i++) {
		if (!sd_conf_whole(j) && !sd_conf_pick(c, sd_conf_field(c, i))) {
			c->field.at = i; /* the first open one */
			break;
		}
	}
}

static void reload(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_conf *c = (struct sd_conf *)l;
	struct cJSON *list = NULL;
	struct sd_error e = {0};
	char *text;
	int at = 0, i = 0;

	if (sd_api_conflicts(ui->api, &list, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return;
	}
	text = sd_json_text(list);
	if (sd_str_eq(text, c->list_text) && c->list) { /* previews write nothing; do not loop */
		free(text);
		sd_json_free(list);
		return;
	}
	free(c->list_text);
	c->list_text = text;
	sd_json_free(c->list);
	c->list = list;
	c->n = (int)sd_json_count(list);
	c->previewed = false;
	for (struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j), i++)
		if (sd_json_get_i64(j, "id", -1) == c->now.id)
			at = i;
	show(c, at);
}

void sd_conf_preview(struct sd_ui *ui, struct sd_conf *c)
{
	const struct cJSON *j = sd_conf_here(c);
	struct sd_error e = {0};

	if (c->previewed || !j)
		return;
	c->previewed = true;
	sd_json_free(c->write);
	c->write = NULL;
	c->why[0] = 0;
	if (sd_conf_whole(j) && !c->now.keep[0])
		snprintf(c->why, sizeof c->why, "not decided yet: m keeps yours, t the server's");
	else if (sd_api_resolve(ui->api, c->now.id, c->now.keep[0] ? c->now.keep : NULL,
			 c->now.picks, c->now.sets, true, &c->write, &e) != SD_OK)
		snprintf(c->why, sizeof c->why, "%s", e.text);
}

/* ---- acting ---- */

static void pick(struct sd_ui *ui, struct sd_conf *c, const char *what)
{
	const struct cJSON *j = sd_conf_here(c), *f = sd_conf_field(c, c->field.at);
	const char *name = sd_json_get_str(f, "name");

	if (sd_conf_whole(j)) {
		if (strcmp(what, "base") == 0 && sd_json_is_null(sd_json_get(j, "base"))) {
			sd_say(ui, SD_SAY_INFO, "There is no base copy of this record.");
			return;
		}
		remember(c);
		snprintf(c->now.keep, sizeof c->now.keep, "%s", what);
		return;
	}
	if (!name)
		return;
	remember(c);
	sd_json_remove(c->now.sets, name);
	sd_json_set(c->now.picks, name, sd_json_string(what));
	sd_list_act(&c->field, SD_ACT_DOWN, sd_conf_fields(c), c->rows.h);
}

static void pick_open(struct sd_ui *ui, struct sd_conf *c, const char *what)
{
	const struct cJSON *j = sd_conf_here(c);
	int n = 0;

	if (sd_conf_whole(j)) {
		pick(ui, c, what);
		return;
	}
	remember(c);
	for (struct cJSON *f = sd_json_child(sd_json_get(j, "fields")); f; f = sd_json_next(f)) {
		if (sd_json_is_true(sd_json_get(f, "clash")) && !sd_conf_pick(c, f)) {
			sd_json_set(c->now.picks, sd_json_get_str(f, "name"), sd_json_string(what));
			n++;
		}
	}
	sd_say(ui, SD_SAY_INFO, "%d open field%s: %s. u goes back.", n, n == 1 ? "" : "s", what);
}

static bool value_done(struct sd_ui *ui, void *ctx, const char *text)
{
	struct sd_conf *c = ctx;
	const struct cJSON *f = sd_conf_field(c, c->field.at);
	const char *name = sd_json_get_str(f, "name");
	const struct sd_model *m =
		sd_schema_model(ui->schema, sd_json_get_str(sd_conf_here(c), "model"));
	const struct sd_field *field = m && name ? sd_model_field(m, name) : NULL;
	struct cJSON *v = NULL;
	struct sd_error e = {0};

	if (!field)
		return true;
	if (sd_value_from_text(m, field, text, &v, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return false;
	}
	remember(c);
	sd_json_remove(c->now.picks, name);
	sd_json_set(c->now.sets, name, v);
	return true;
}

#define LONG_VALUE 60 /* cells; above it a one-line prompt is no help */
#define COMMENT    "# syncdeck: "

/* The result in $EDITOR, the three versions above it as comments that are cut off again. */
static void edit_outside(
	struct sd_ui *ui, struct sd_conf *c, const struct cJSON *f, const char *now)
{
	static const char *const sides[] = {"base", "mine", "theirs"};
	struct sd_buf b = SD_BUF_INIT;
	char *text;
	const char *at;

	for (size_t i = 0; i < 3; i++) {
		struct sd_buf v = SD_BUF_INIT;

		sd_json_print(sd_json_get(f, sides[i]), &v);
		sd_buf_fmt(&b, COMMENT "%-6s %s\n", sides[i], sd_buf_text(&v));
		sd_buf_release(&v);
	}
	sd_buf_str(&b, now);
	text = sd_edit_text_outside(ui, sd_buf_text(&b), ".txt");
	sd_buf_release(&b);
	if (!text)
		return;
	for (at = text; sd_str_starts(at, COMMENT);) {
		at += strcspn(at, "\n");
		at += *at == '\n';
	}
	value_done(ui, c, at);
	free(text);
}

static void edit_result(struct sd_ui *ui, struct sd_conf *c)
{
	const struct cJSON *f = sd_conf_field(c, c->field.at), *v;
	const char *name = sd_json_get_str(f, "name");
	struct sd_buf b = SD_BUF_INIT;
	char title[200];

	if (!name || sd_conf_whole(sd_conf_here(c))) {
		sd_say(ui, SD_SAY_INFO, "This one is decided as a whole: m or t.");
		return;
	}
	v = sd_conf_result(c, f);
	if (!v)
		v = sd_json_get(f, "mine");
	if (!sd_json_is_null(v))
		sd_show_value(v, &b);
	snprintf(title, sizeof title, "%s =", name);
	if (b.len > LONG_VALUE || strchr(sd_buf_text(&b), '\n'))
		edit_outside(ui, c, f, sd_buf_text(&b));
	else
		sd_prompt(ui, &(struct sd_prompt_opts){.title = title,
				      .initial = sd_buf_text(&b),
				      .done = value_done,
				      .ctx = c});
	sd_buf_release(&b);
}

/* So that u can offer a new change back to what the server had. */
static void remember_theirs(
	struct sd_ui *ui, const struct cJSON *conflict, const struct cJSON *write)
{
	const struct cJSON *theirs = sd_json_get(conflict, "theirs");
	const struct cJSON *fields = sd_json_get(write, "fields");
	struct cJSON *back = sd_json_object();
	char *key = sd_key_json(sd_json_get(conflict, "key"));
	const char *model = sd_json_get_str(conflict, "model");
	const struct sd_model *m = model ? sd_schema_model(ui->schema, model) : NULL;

	for (struct cJSON *f = sd_json_child(fields); f && m; f = sd_json_next(f)) {
		const struct cJSON *v = sd_json_get(theirs, sd_json_name(f));
		const struct sd_field *field = sd_model_field(m, sd_json_name(f));

		if (field && !field->read_only && !sd_model_is_key(m, field))
			sd_json_add(back, sd_json_name(f), v ? sd_json_dup(v) : sd_json_null());
	}
	if (key && sd_json_child(back) && !sd_json_is_true(sd_json_get(theirs, "_deleted")))
		sd_undo_decided(ui, model, key, back);
	else
		sd_json_free(back);
	free(key);
}

static bool send(struct sd_ui *ui, struct sd_conf *c)
{
	const struct cJSON *j = sd_conf_here(c);
	struct cJSON *write = NULL;
	struct sd_error e = {0};
	int64_t id = c->now.id;

	c->previewed = false;
	sd_conf_preview(ui, c);
	if (!j || c->why[0]) {
		sd_say(ui, SD_SAY_ERROR, "Nothing was sent: %s", c->why);
		return false;
	}
	if (sd_api_resolve(ui->api, id, c->now.keep[0] ? c->now.keep : NULL, c->now.picks,
		    c->now.sets, false, &write, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return false;
	}
	sd_say(ui, SD_SAY_GOOD,
		sd_json_is_null(write)
			? "Decided: the server's record stays; nothing has to be sent."
			: "Decided. It is in the outbox and goes out with the newest version.");
	ui->message_unsent = !sd_json_is_null(write);
	remember_theirs(ui, j, write);
	sd_json_free(write);
	sd_api_kick(ui->api);
	forget_choices(c);
	c->now.id = -1;
	reload(ui, &c->l);
	sd_state_refresh(ui, true);
	return true;
}

static void send_all(struct sd_ui *ui, struct sd_conf *c)
{
	int sent = 0, left = 0, at = 0;

	while (at < c->n) {
		show(c, at);
		c->previewed = false;
		sd_conf_preview(ui, c);
		if (c->why[0]) {
			left++;
			at++;
		} else if (send(ui, c)) {
			sent++;
		} else {
			return;
		}
	}
	sd_say(ui, left ? SD_SAY_WARN : SD_SAY_GOOD, "%d decided; %d still open.", sent, left);
}

static void open_record(struct sd_ui *ui, struct sd_conf *c)
{
	const struct cJSON *j = sd_conf_here(c);
	char *key = sd_key_json(sd_json_get(j, "key"));

	sd_data_show(ui, sd_json_get_str(j, "model"), key, NULL);
	free(key);
}

static void tell_field(struct sd_ui *ui, struct sd_conf *c)
{
	static const char *const sides[] = {"base", "mine", "theirs"};
	const struct cJSON *f =
		sd_conf_whole(sd_conf_here(c)) ? sd_conf_here(c) : sd_conf_field(c, c->field.at);
	struct sd_buf b = SD_BUF_INIT;

	for (size_t i = 0; i < 3; i++) {
		sd_buf_fmt(&b, "%s%s:\n", i ? "\n\n" : "", sides[i]);
		sd_json_print_pretty(sd_json_get(f, sides[i]), &b);
	}
	sd_tell(ui, sd_json_get_str(f, "name") ? sd_json_get_str(f, "name") : "record",
		sd_buf_text(&b));
	sd_buf_release(&b);
}

static const char *why_not(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_conf *c = (struct sd_conf *)l;

	(void)ui;
	if (!c->n && ((sd_action(a)->where == SD_IN_CONFLICTS) || a == SD_ACT_OPEN_RECORD ||
			     a == SD_ACT_OPEN))
		return "There is no conflict.";
	return NULL;
}

static bool act_pick(struct sd_ui *ui, struct sd_conf *c, enum sd_act a)
{
	switch (a) {
	case SD_ACT_MINE:
		pick(ui, c, "mine");
		return true;
	case SD_ACT_THEIRS:
		pick(ui, c, "theirs");
		return true;
	case SD_ACT_BASE:
		pick(ui, c, "base");
		return true;
	case SD_ACT_ALL_MINE:
		pick_open(ui, c, "mine");
		return true;
	case SD_ACT_ALL_THEIRS:
		pick_open(ui, c, "theirs");
		return true;
	case SD_ACT_EDIT_RESULT:
		edit_result(ui, c);
		return true;
	default:
		return false;
	}
}

static bool act(struct sd_ui *ui, struct sd_layer *l, enum sd_act a)
{
	struct sd_conf *c = (struct sd_conf *)l;

	switch (a) {
	case SD_ACT_CONF_NEXT:
		show(c, c->at + 1);
		return true;
	case SD_ACT_CONF_PREV:
		show(c, c->at - 1);
		return true;
	case SD_ACT_UNDO:
		if (!undo(c))
			return false; /* the last unsent change, as everywhere */
		sd_say(ui, SD_SAY_INFO, "The last choice is taken back.");
		return true;
	case SD_ACT_SEND:
		send(ui, c);
		return true;
	case SD_ACT_SEND_ALL:
		send_all(ui, c);
		return true;
	case SD_ACT_OPEN_RECORD:
		open_record(ui, c);
		return true;
	case SD_ACT_OPEN:
		tell_field(ui, c);
		return true;
	default:
		return act_pick(ui, c, a) ||
		       sd_list_act(&c->field, a, sd_conf_fields(c), c->rows.h);
	}
}

static bool key(struct sd_ui *ui, struct sd_layer *l, const struct sd_key *k)
{
	struct sd_conf *c = (struct sd_conf *)l;

	(void)ui;
	if (k->code == SD_KEY_CLICK && sd_hit(c->conflicts, k->y, k->x))
		show(c, k->y - c->conflicts.y);
	else if (k->code == SD_KEY_CLICK && sd_hit(c->rows, k->y, k->x))
		c->field.at = c->field.top + k->y - c->rows.y;
	else if (k->code == SD_KEY_WHEEL_UP || k->code == SD_KEY_WHEEL_DOWN)
		c->field.at += k->code == SD_KEY_WHEEL_UP ? -1 : 1;
	sd_list_fit(&c->field, sd_conf_fields(c), c->rows.h);
	return true;
}

static void drop(struct sd_ui *ui, struct sd_layer *l)
{
	struct sd_conf *c = (struct sd_conf *)l;

	(void)ui;
	forget_choices(c);
	choice_release(&c->now);
	sd_json_free(c->list);
	sd_json_free(c->write);
	free(c->list_text);
	free(c->order);
	free(c);
}

static const struct sd_layer_ops OPS = {.draw = sd_conf_draw,
	.act = act,
	.key = key,
	.reload = reload,
	.why_not = why_not,
	.free = drop};

struct sd_layer *sd_conflicts_new(struct sd_ui *ui)
{
	struct sd_conf *c = calloc(1, sizeof *c);

	(void)ui;
	if (!c)
		return NULL;
	c->l.ops = &OPS;
	c->l.ctx = SD_IN_CONFLICTS;
	c->l.name = "Conflicts";
	c->now.id = -1;
	return &c->l;
}

void sd_conflicts_show(struct sd_ui *ui, const char *model, const char *key)
{
	struct sd_conf *c = (struct sd_conf *)ui->views[SD_V_CONFLICTS];
	int i = 0;

	sd_ui_view(ui, SD_V_CONFLICTS);
	for (struct cJSON *j = sd_json_child(c->list); j; j = sd_json_next(j), i++) {
		char *k = sd_key_json(sd_json_get(j, "key"));

		if (sd_str_eq(k, key) && sd_str_eq(sd_json_get_str(j, "model"), model))
			show(c, i);
		free(k);
	}
}
