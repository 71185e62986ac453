/* ui/view/data_out.c - records leaving the table: to the clipboard, to a file; and their past. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "ui/term/clip.h"
#include "ui/view/win.h"

void sd_data_copy(struct sd_ui *ui, struct sd_data *d, bool whole)
{
	const struct cJSON *rec = sd_win_row(d);
	const struct sd_field *f = sd_data_column(d);
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e = {0};
	const char *how = "";

	if (d->pane == SD_P_DETAIL && d->detail_at.at < (int)d->detail.n &&
		d->detail.line[d->detail_at.at].tag)
		f = &d->m->fields[d->detail.line[d->detail_at.at].tag - 1];
	if (whole || !f || !f->stored)
		sd_json_print(rec, &b);
	else
		sd_show_value(sd_json_get(rec, f->name), &b);
	if (sd_clip_copy(sd_buf_text(&b), b.len, &how, &e) != SD_OK)
		sd_say_error(ui, &e);
	else
		sd_say(ui, SD_SAY_GOOD, "Copied %s %s.", whole || !f ? "the record" : f->name, how);
	sd_buf_release(&b);
}

struct out {        /* an export; the helper thread's while that runs */
	FILE *f;    /* owned; NULL: written */
	char *path; /* owned */
	const char *model;
	const struct sd_data *d; /* the copy it works on */
	struct sd_map marks;     /* as they were when it began */
	bool csv, only_marked, failed;
	int64_t n;
};

/* b is released; false: stop, the file is not whole. */
static bool put(struct out *o, struct sd_buf *b, bool ok)
{
	o->failed = !ok || fwrite(sd_buf_text(b), 1, b->len, o->f) != b->len;
	sd_buf_release(b);
	return !o->failed;
}

static bool write_row(void *ctx, struct cJSON *rec)
{
	struct out *o = ctx;
	const struct sd_model *m = o->d->m;
	struct sd_buf b = SD_BUF_INIT;
	bool ok;

	if (o->only_marked) {
		char *key = sd_key_text(m, rec);
		bool skip = !key || !sd_map_has(&o->marks, key);

		free(key);
		if (skip)
			return true;
	}
	if (o->csv)
		ok = sd_api_csv_put(m, rec, &b);
	else
		ok = sd_json_print(rec, &b) && sd_buf_ch(&b, '\n');
	return put(o, &b, ok) && ++o->n;
}

/* On the helper thread: everything that passes the filter, in its order. */
static enum sd_err run_export(struct sd_src *src, struct sd_data *d, void *ctx, struct sd_error *e)
{
	struct out *o = ctx;
	struct sd_api_query q;
	struct sd_buf b = SD_BUF_INIT;
	char sort[160];

	o->d = d;
	if (o->csv && !put(o, &b, sd_api_csv_put(d->m, NULL, &b)))
		return SD_OK; /* end_export() says so */
	sd_win_query(d, &q, sort);
	if (!sd_win_read(src, &q, write_row, o)) {
		*e = src->e;
		return src->e.code;
	}
	return SD_OK;
}

static void free_export(void *ctx)
{
	struct out *o = ctx;

	if (o->f) { /* the screen goes: half a file is none */
		fclose(o->f);
		(void)unlink(o->path);
	}
	sd_map_release(&o->marks, NULL);
	free(o->path);
	free(o);
}

static void end_export(struct sd_ui *ui, void *ctx, enum sd_err rc, const struct sd_error *e)
{
	struct out *o = ctx;
	bool whole;

	if (rc != SD_OK) {
		if (rc == SD_CANCELLED)
			sd_say(ui, SD_SAY_INFO, "Export stopped; %s is not kept.", o->path);
		else
			sd_say_error(ui, e);
		return; /* free_export() takes the file away */
	}
	whole = fclose(o->f) == 0 && !o->failed;
	o->f = NULL;
	if (whole)
		sd_say(ui, SD_SAY_GOOD, "Wrote %lld %s to %s.", (long long)o->n, o->model, o->path);
	else
		sd_say(ui, SD_SAY_ERROR, "%s: could not be written whole: %s", o->path,
			strerror(errno));
}

/* .csv, or what is one JSON object a line; another ending would promise what is not written. */
static bool suffix_known(const char *path)
{
	static const char *const SUFFIX[] = {".csv", ".ndjson", ".jsonl", ".json"};
	const char *base = strrchr(path, '/');

	for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX; i++)
		if (sd_str_ends(path, SUFFIX[i]))
			return true;
	return !strchr(base ? base + 1 : path, '.');
}

static bool export_to(struct sd_ui *ui, void *ctx, const char *path)
{
	struct sd_data *d = ctx;
	struct out *o = calloc(1, sizeof *o);
	struct sd_win_long l = {.what = "export",
		.run = run_export,
		.done = end_export,
		.ctx = o,
		.free_ctx = free_export};
	const char *key;
	void *value;
	int fd;

	if (!suffix_known(path)) {
		sd_say(ui, SD_SAY_ERROR, "%s: end the name in .ndjson or .csv.", path);
		free(o);
		return false;
	}
	if (!o)
		return false;
	o->path = sd_strdup_n(path, strlen(path));
	o->model = d->m->name;
	o->csv = sd_str_ends(path, ".csv");
	o->only_marked = sd_map_count(&d->marks) > 0;
	for (size_t at = 0; sd_map_next(&d->marks, &at, &key, &value);)
		sd_map_put(&o->marks, key, o, NULL);
	fd = o->path ? open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
	if (fd < 0 || !(o->f = fdopen(fd, "w"))) {
		sd_say(ui, SD_SAY_ERROR, "%s: %s; choose another name.", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		free_export(o);
		return false;
	}
	return sd_win_long(ui, d, &l);
}

void sd_data_export(struct sd_ui *ui, struct sd_data *d)
{
	sd_prompt(ui, &(struct sd_prompt_opts){.title = "Export to file (.ndjson or .csv)",
			      .history = "file",
			      .done = export_to,
			      .ctx = d});
}

void sd_data_history(struct sd_ui *ui, struct sd_data *d)
{
	char *key = sd_key_text(d->m, sd_win_row(d));
	struct cJSON *list = NULL;
	struct sd_error e = {0};
	struct sd_buf b = SD_BUF_INIT;

	if (!key || sd_api_history(ui->api, d->m->name, key, &list, &e) != SD_OK) {
		sd_say_error(ui, &e);
		free(key);
		return;
	}
	for (struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j)) {
		char t[SD_TIME_TEXT];

		sd_time_iso(sd_json_get_i64(j, "at", 0), t);
		sd_buf_fmt(&b, "%s  %s  version ", t, sd_json_get_str(j, "source"));
		sd_show_value(sd_json_get(j, "version"), &b);
		sd_buf_ch(&b, '\n');
		for (struct cJSON *c = sd_json_child(sd_json_get(j, "changed")); c;
			c = sd_json_next(c)) {
			sd_buf_fmt(&b, "    %s: ", sd_json_name(c));
			sd_show_value(sd_json_get(c, "from"), &b);
			sd_buf_str(&b, " > ");
			sd_show_value(sd_json_get(c, "to"), &b);
			sd_buf_ch(&b, '\n');
		}
	}
	sd_tell(ui, "Versions seen here, newest first",
		b.len ? sd_buf_text(&b) : "Nothing was noted about this record yet.");
	sd_buf_release(&b);
	sd_json_free(list);
	free(key);
}

/* The words of `syncdeck explain`; the server is not asked: a screen must not wait for it. */
void sd_data_explain(struct sd_ui *ui, struct sd_data *d)
{
	char *key = sd_key_text(d->m, sd_win_row(d));
	struct cJSON *j = NULL;
	struct sd_error e = {0};
	struct sd_buf b = SD_BUF_INIT;

	if (!key || sd_api_explain(ui->api, d->m->name, key, false, &j, &e) != SD_OK) {
		sd_say_error(ui, &e);
		free(key);
		return;
	}
	sd_show_value(sd_json_get(j, "cause"), &b);
	sd_buf_str(&b, "\n\n");
	for (struct cJSON *t = sd_json_child(sd_json_get(j, "evidence")); t; t = sd_json_next(t)) {
		sd_buf_str(&b, "  ");
		sd_show_value(t, &b);
		sd_buf_ch(&b, '\n');
	}
	sd_buf_str(&b, "\nnext: ");
	sd_show_value(sd_json_get(j, "next"), &b);
	sd_tell(ui, "Why it is as it is", sd_buf_text(&b));
	sd_buf_release(&b);
	sd_json_free(j);
	free(key);
}

static bool revert_to(struct sd_ui *ui, void *ctx, const char *text)
{
	struct sd_data *d = ctx;
	char *key = sd_key_text(d->m, sd_win_row(d));
	struct cJSON *rec = NULL;
	struct sd_error e = {0};
	int64_t version;
	bool done = false;

	if (!sd_parse_i64(text, &version) || version < 1) {
		sd_say(ui, SD_SAY_WARN, "\"%s\" is no version; `history` lists them.", text);
	} else if (!key || sd_api_revert(ui->api, d->m->name, key, version, &rec, &e) != SD_OK) {
		sd_say_error(ui, &e);
	} else {
		sd_say(ui, SD_SAY_GOOD,
			"Back to what it was at version %lld; it goes out like any change.",
			(long long)version);
		sd_api_kick(ui->api);
		ui->stale = done = true;
	}
	sd_json_free(rec);
	free(key);
	return done;
}

void sd_data_revert(struct sd_ui *ui, struct sd_data *d)
{
	sd_prompt(ui, &(struct sd_prompt_opts){.title = "Back to which version",
			      .history = "version",
			      .done = revert_to,
			      .ctx = d});
}
