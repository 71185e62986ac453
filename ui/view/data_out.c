/* ui/view/data_out.c - records leaving the table: to the clipboard, to a file; and their past. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "ui/term/clip.h"
#include "ui/view/data.h"

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

struct out {
	FILE *f;
	const struct sd_data *d;
	bool csv, only_marked, failed;
	int64_t n;
};

static void csv_cell(FILE *f, const char *s, bool first)
{
	bool quote = strpbrk(s, "\",\r\n") != NULL;

	if (!first)
		fputc(',', f);
	if (quote)
		fputc('"', f);
	for (; *s; s++) {
		if (*s == '"')
			fputc('"', f);
		fputc(*s, f);
	}
	if (quote)
		fputc('"', f);
}

static bool write_row(void *ctx, struct cJSON *rec)
{
	struct out *o = ctx;
	const struct sd_model *m = o->d->m;
	bool first = true;
	char *text;

	if (o->only_marked) {
		char *key = sd_key_text(m, rec);
		bool skip = !key || !sd_map_has(&o->d->marks, key);

		free(key);
		if (skip)
			return true;
	}
	for (size_t i = 0; o->csv && i < m->field_count; i++) {
		struct sd_buf b = SD_BUF_INIT;
		const struct cJSON *v = sd_json_get(rec, m->fields[i].name);

		if (!m->fields[i].stored)
			continue;
		if (!sd_json_is_null(v))
			sd_show_value(v, &b);
		csv_cell(o->f, sd_buf_text(&b), first);
		first = false;
		sd_buf_release(&b);
	}
	if (!o->csv) {
		text = sd_json_text(rec);
		fputs(text ? text : "", o->f);
		free(text);
	}
	o->failed = fputc('\n', o->f) == EOF;
	o->n++;
	return !o->failed;
}

static bool export_to(struct sd_ui *ui, void *ctx, const char *path)
{
	struct sd_data *d = ctx;
	struct out o = {NULL, d, sd_str_ends(path, ".csv"), sd_map_count(&d->marks) > 0, false, 0};
	struct sd_api_query q;
	struct sd_error e = {0};
	char sort[160];
	bool first = true;
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);

	if (fd < 0 || !(o.f = fdopen(fd, "w"))) {
		sd_say(ui, SD_SAY_ERROR, "%s: %s; choose another name.", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		return false;
	}
	for (size_t i = 0; o.csv && i < d->m->field_count; i++) {
		if (d->m->fields[i].stored) {
			csv_cell(o.f, d->m->fields[i].name, first);
			first = false;
		}
	}
	if (o.csv)
		fputc('\n', o.f);
	sd_win_query(d, &q, sort);
	if (sd_api_query(ui->api, &q, write_row, &o, &e) != SD_OK) {
		sd_say_error(ui, &e);
		fclose(o.f);
	} else if ((fclose(o.f) != 0) | o.failed)
		sd_say(ui, SD_SAY_ERROR, "%s: could not be written whole: %s", path,
			strerror(errno));
	else
		sd_say(ui, SD_SAY_GOOD, "Wrote %lld %s to %s.", (long long)o.n, d->m->name, path);
	return true;
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
