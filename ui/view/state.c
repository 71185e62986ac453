/* ui/view/state.c - what the header and the log show: counts, engine state, events, messages. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "ui/view/view.h"

static char *copy(const char *s)
{
	return s ? sd_strdup_n(s, strlen(s)) : NULL;
}

void sd_say(struct sd_ui *ui, enum sd_say kind, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(ui->message, sizeof ui->message, fmt, ap);
	va_end(ap);
	ui->message_kind = kind;
	ui->message_unsent = false;
	ui->message_until = sd_mono_ms() + (kind >= SD_SAY_WARN ? 12000 : 5000);
	ui->dirty = true;
}

void sd_say_error(struct sd_ui *ui, const struct sd_error *e)
{
	sd_say(ui, SD_SAY_ERROR, "%s", e->text[0] ? e->text : sd_err_text(e->code));
	sd_log(SD_LOG_WARN, "ui", "%s", ui->message);
}

void sd_log_add(struct sd_ui *ui, enum sd_role role, int64_t at, const char *model, const char *key,
	const char *text)
{
	size_t i = (ui->log_first + ui->log_n) % SD_LOG_LINES;
	struct sd_log_line *l = &ui->log[i];

	if (ui->log_n == SD_LOG_LINES) {
		free(l->text);
		free(l->model);
		free(l->key);
		ui->log_first = (ui->log_first + 1) % SD_LOG_LINES;
	} else {
		ui->log_n++;
	}
	ui->log_total++;
	l->at = at;
	l->last = 0;
	l->role = role;
	l->text = copy(text);
	l->model = copy(model);
	l->key = copy(key);
}

const struct sd_log_line *sd_log_at(const struct sd_ui *ui, size_t i)
{
	return &ui->log[(ui->log_first + i) % SD_LOG_LINES];
}

static void refresh_user(struct sd_ui *ui)
{
	struct cJSON *who = NULL;
	const char *name = NULL;

	if (sd_api_whoami(ui->api, &who, NULL) == SD_OK)
		name = sd_json_get_str(who, "user");
	snprintf(ui->user, sizeof ui->user, "%s", name ? name : "");
	sd_json_free(who);
	ui->locked = sd_api_locked(ui->api);
}

void sd_state_refresh(struct sd_ui *ui, bool all)
{
	struct cJSON *models = NULL;
	bool paused = false;

	sd_api_status(ui->api, &ui->status);
	if (all)
		refresh_user(ui);
	/* kept in the store: true whether or not an engine runs here */
	if (!ui->locked && sd_api_outbox_paused(ui->api, &paused, NULL) == SD_OK)
		ui->status.paused = paused;
	if (!ui->locked && sd_api_sync_paused(ui->api, &paused, NULL) == SD_OK)
		ui->status.pull_paused = paused;
	if (ui->locked) {
		memset(&ui->counts, 0, sizeof ui->counts);
		sd_json_free(ui->models);
		ui->models = NULL;
		return;
	}
	if (sd_api_counts(ui->api, &ui->counts, NULL) != SD_OK)
		memset(&ui->counts, 0, sizeof ui->counts);
	else if (ui->message_unsent && !ui->counts.pending)
		ui->message_until = 0;
	if (all && sd_api_models(ui->api, &models, NULL) == SD_OK) {
		sd_json_free(ui->models);
		ui->models = models;
	}
}

const struct cJSON *sd_state_model(const struct sd_ui *ui, const char *model)
{
	for (struct cJSON *m = sd_json_child(ui->models); m; m = sd_json_next(m))
		if (sd_str_eq(sd_json_get_str(m, "model"), model))
			return m;
	return NULL;
}

static enum sd_role event_role(const char *name)
{
	if (sd_str_eq(name, "outboxMutationFailed") || sd_str_eq(name, "nonApplicableDataReceived"))
		return SD_R_ERROR;
	if (sd_str_eq(name, "conflict"))
		return SD_R_CONFLICT;
	if (sd_str_eq(name, "outboxMutationProcessed") || sd_str_eq(name, "ready"))
		return SD_R_GOOD;
	return SD_R_TEXT;
}

/* One event as a line: the name, then its members in order; a record's key shortened. */
/* The newest line of a change of that record which is not settled yet; NULL: none. */
static struct sd_log_line *open_line(struct sd_ui *ui, const char *model, const char *key)
{
	for (size_t i = ui->log_n; i-- > 0;) {
		struct sd_log_line *l = &ui->log[(ui->log_first + i) % SD_LOG_LINES];

		if (l->last && sd_str_eq(l->model, model) && sd_str_eq(l->key, key))
			return l;
	}
	return NULL;
}

/* U-42: a change made here is one line, from the write to the server's answer: events of the
 * outbox are steps of it.  false: the event is no step. */
static bool step_line(
	struct sd_ui *ui, const struct cJSON *ev, const char *name, const char *model, char *key)
{
	static const struct {
		const char *event, *step;
		bool ends;
	} STEP[] = {{"outboxMutationEnqueued", "write", false},
		{"outboxMutationProcessed", "confirmed", true},
		{"outboxMutationFailed", "refused", true}, {"conflict", "conflict", false}};
	int64_t at = sd_json_get_i64(ev, "at", sd_now_ms()), version;
	struct sd_buf b = SD_BUF_INIT;
	struct sd_log_line *l;
	size_t k = 0;

	while (k < sizeof STEP / sizeof *STEP && !sd_str_eq(name, STEP[k].event))
		k++;
	if (k == sizeof STEP / sizeof *STEP || !model || !key)
		return false;
	l = open_line(ui, model, key);
	if (!l) {
		sd_buf_fmt(&b, "%s ", model);
		sd_show_key(key, &b);
		sd_log_add(ui, event_role(name), at, model, key, sd_buf_text(&b));
		l = &ui->log[(ui->log_first + ui->log_n - 1) % SD_LOG_LINES];
		l->last = at;
		sd_buf_reset(&b);
	}
	sd_buf_fmt(&b, "%s -> %s", l->text ? l->text : "", STEP[k].step);
	version = sd_json_get_i64(ev, "_version", 0);
	if (version)
		sd_buf_fmt(&b, " version %lld", (long long)version);
	if (at - l->at >= 100)
		sd_buf_fmt(&b, " +%lld.%llds", (long long)((at - l->at) / 1000),
			(long long)((at - l->at) / 100 % 10));
	if (sd_json_get_str(ev, "message")) {
		sd_buf_str(&b, ": ");
		sd_show_value(sd_json_get(ev, "message"), &b);
	}
	if (sd_buf_ok(&b)) {
		free(l->text);
		l->text = copy(sd_buf_text(&b));
	}
	l->role = event_role(name);
	l->last = STEP[k].ends ? 0 : at;
	sd_buf_release(&b);
	return true;
}

static void event_line(struct sd_ui *ui, const struct cJSON *ev)
{
	const char *name = sd_json_get_str(ev, "event"), *model = sd_json_get_str(ev, "model");
	char *key = sd_key_json(sd_json_get(ev, "key"));
	struct sd_buf b = SD_BUF_INIT;

	if (step_line(ui, ev, name, model, key)) {
		free(key);
		return;
	}

	sd_buf_str(&b, name ? name : "event");
	for (struct cJSON *c = sd_json_child(ev); c; c = sd_json_next(c)) {
		const char *n = sd_json_name(c);

		if (!n || !strcmp(n, "event") || !strcmp(n, "at") || sd_json_is_null(c))
			continue;
		sd_buf_ch(&b, ' ');
		if (!strcmp(n, "key") && key) {
			sd_show_key(key, &b);
			continue;
		}
		if (!strcmp(n, "isFullSync") || !strcmp(n, "isDeltaSync")) {
			b.len--; /* one of the two words is enough */
			if (sd_json_is_true(c))
				sd_buf_str(&b, strcmp(n, "isFullSync") ? " delta" : " full");
			continue;
		}
		if (strcmp(n, "model") != 0 && strcmp(n, "message") != 0)
			sd_buf_fmt(&b, "%s ", n);
		sd_show_value(c, &b);
	}
	sd_log_add(ui, event_role(name), sd_json_get_i64(ev, "at", sd_now_ms()), model, key,
		sd_buf_text(&b));
	free(key);
	sd_buf_release(&b);
}

void sd_state_events(struct sd_ui *ui)
{
	char *text;

	while ((text = sd_api_next_event(ui->api)) != NULL) {
		struct cJSON *ev = NULL;

		if (sd_json_parse(text, strlen(text), "event", &ev, NULL) == SD_OK) {
			const char *name = sd_json_get_str(ev, "event");

			event_line(ui, ev);
			if (sd_str_eq(name, "conflict"))
				sd_say(ui, SD_SAY_WARN,
					"A conflict needs your decision; 3 shows it.");
			else if (sd_str_eq(name, "outboxMutationFailed"))
				sd_say(ui, SD_SAY_ERROR, "%s: %s; 2 shows it.",
					sd_json_get_str(ev, "model"),
					sd_json_get_str(ev, "message"));
			else if (sd_str_eq(name, "cleared"))
				sd_data_forget(ui);
		}
		sd_json_free(ev);
		free(text);
		ui->dirty = ui->stale = true;
	}
}

void sd_state_release(struct sd_ui *ui)
{
	for (size_t i = 0; i < SD_LOG_LINES; i++) {
		free(ui->log[i].text);
		free(ui->log[i].model);
		free(ui->log[i].key);
	}
	sd_json_free(ui->models);
	sd_undo_decided(ui, NULL, NULL, NULL);
}
