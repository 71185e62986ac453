/* ui/view/data_filter.c - the filter line: checked as it is typed, completed from the schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "ui/term/width.h"
#include "ui/view/data.h"

#define LIVE_MS   3      /* a count that takes longer waits for Enter */
#define LIVE_ROWS 300000 /* and one over more rows is not tried */

static const char *const META[] = {"_state", "_version", "_lastChangedAt"};
static const char *const WORDS[] = {"and", "or", "not", "between", "contains", "notContains",
	"beginsWith", "in", "notIn", "last", "null", "true", "false"};

static size_t word_start(const char *s, size_t at)
{
	while (at && strchr(" ()=<>!~^,\"", s[at - 1]) == NULL)
		at--;
	return at;
}

/* What one field takes, for the box. */
static const char *takes(const struct sd_field *f)
{
	if (f->kind == SD_K_ENUM)
		return "= != in (A, B)";
	if (f->list)
		return "contains notContains";
	if (f->kind != SD_K_SCALAR)
		return "= null, != null";
	switch (f->scalar) {
	case SD_T_BOOLEAN:
		return "= true, = false";
	case SD_T_INT:
	case SD_T_FLOAT:
	case SD_T_AWSTIMESTAMP:
		return "= != < <= > >= between A and B";
	case SD_T_AWSDATE:
	case SD_T_AWSDATETIME:
	case SD_T_AWSTIME:
		return "e.g. > 2026-11-01, last 7d";
	default:
		return "= != ~ (contains) ^ (begins)";
	}
}

static void field_line(const struct sd_field *f, struct sd_text *box)
{
	struct sd_buf type = SD_BUF_INIT, values = SD_BUF_INIT;

	sd_field_type_text(f, &type);
	for (size_t i = 0; f->kind == SD_K_ENUM && f->en && i < f->en->value_count && i < 6; i++)
		sd_buf_fmt(&values, "%s ", f->en->values[i]);
	sd_text_addf(box, SD_R_TEXT, "%-16.16s %-14.14s %s", f->name, sd_buf_text(&type),
		values.len ? sd_buf_text(&values) : takes(f));
	sd_buf_release(&type);
	sd_buf_release(&values);
}

static void suggest(struct sd_data *d, const char *text, size_t at, struct sd_text *box)
{
	size_t from = word_start(text, at), n = at - from;
	int shown = 0;

	for (size_t i = 0; i < d->m->field_count && shown < 6; i++) {
		const struct sd_field *f = &d->m->fields[i];

		if ((f->stored || f->kind == SD_K_MODEL) && strncmp(f->name, text + from, n) == 0) {
			field_line(f, box);
			shown++;
		}
	}
}

/* A mark under the column that the error names (1-based, in code points). */
static void point_at(const char *error, const char *text, struct sd_text *box)
{
	const char *p = strstr(error, "column ");
	size_t at = 0, n = strlen(text);
	long column = p ? strtol(p + 7, NULL, 10) : 0;
	uint32_t cp;

	if (column < 1 || column > 200)
		return;
	for (long i = 1; i < column && at < n; i++) {
		int k = sd_utf8_get(text + at, n - at, &cp);

		at += k > 0 ? (size_t)k : 1;
	}
	sd_text_addf(box, SD_R_ERROR, "%*s^", sd_cells(text, at), "");
}

static void check(struct sd_ui *ui, void *ctx, const char *text, size_t at, struct sd_text *box)
{
	struct sd_data *d = ctx;
	struct sd_error e = {0};
	struct sd_api_query q;
	char sort[160], total[SD_TIME_TEXT], shown[SD_TIME_TEXT];
	int64_t n = 0;
	const struct cJSON *line = sd_state_model(ui, d->m->name);
	int64_t rows = sd_json_get_i64(line, "rows", 0);

	if (!*text) {
		sd_text_add(
			box, SD_R_DIM, "field op value, and, or, not, ( ); empty shows all rows");
	} else if (sd_api_where_check(ui->api, d->m->name, text, &e) != SD_OK) {
		point_at(e.text, text, box);
		sd_text_add_wrapped(box, SD_R_ERROR, 76, 2, e.text, strlen(e.text));
	} else if (rows > LIVE_ROWS) {
		sd_text_add(box, SD_R_GOOD, "Enter applies it.");
	} else {
		enum sd_err rc;

		sd_win_query(d, &q, sort);
		q.where = text;
		q.within_ms = LIVE_MS;
		sd_show_count(rows, total);
		rc = sd_api_count(ui->api, &q, &n, &e);
		if (rc == SD_CANCELLED) {
			sd_text_add(box, SD_R_GOOD, "Enter applies it.");
		} else if (rc != SD_OK) {
			sd_text_add(box, SD_R_ERROR, e.text);
		} else {
			sd_show_count(n, shown);
			sd_text_addf(box, SD_R_GOOD, "%s of %s rows", shown, total);
		}
	}
	suggest(d, text, at, box);
	sd_text_add(box, SD_R_DIM,
		"Tab completes   Up history   C-s saves it as a view   V lists views");
}

/* Keeps in *best what all candidates with the prefix have in common. */
static void candidate(const char *name, const char *word, size_t n, char best[128], int *count)
{
	size_t i = 0;

	if (strncmp(name, word, n) != 0 || strlen(name) >= 128)
		return;
	if ((*count)++ == 0) {
		snprintf(best, 128, "%s", name);
		return;
	}
	while (best[i] && best[i] == name[i])
		i++;
	best[i] = 0;
}

static char *complete(struct sd_ui *ui, void *ctx, const char *text, size_t at)
{
	struct sd_data *d = ctx;
	size_t from = word_start(text, at), n = at - from;
	const char *word = text + from;
	char best[128] = "", *out = NULL;
	int count = 0;

	for (size_t i = 0; i < d->m->field_count; i++) {
		const struct sd_field *f = &d->m->fields[i];

		candidate(f->name, word, n, best, &count);
		for (size_t k = 0; f->kind == SD_K_ENUM && f->en && k < f->en->value_count; k++)
			candidate(f->en->values[k], word, n, best, &count);
	}
	for (size_t i = 0; i < sizeof META / sizeof *META; i++)
		candidate(META[i], word, n, best, &count);
	for (size_t i = 0; n && i < sizeof WORDS / sizeof *WORDS; i++)
		candidate(WORDS[i], word, n, best, &count);
	if (!count || strlen(best) < n) {
		sd_say(ui, SD_SAY_INFO, "Nothing completes that word.");
		return NULL;
	}
	if (asprintf(&out, "%s%s", best + n, count == 1 ? " " : "") < 0)
		return NULL;
	return out;
}

static bool done(struct sd_ui *ui, void *ctx, const char *text)
{
	struct sd_data *d = ctx;
	struct sd_error e = {0};

	if (*text && sd_api_where_check(ui->api, d->m->name, text, &e) != SD_OK) {
		sd_say_error(ui, &e);
		return false;
	}
	sd_data_set(&d->where, *text ? text : NULL);
	if (d->pane == SD_P_MODELS)
		d->pane = SD_P_TABLE;
	sd_win_first(ui, d);
	return true;
}

void sd_data_filter(struct sd_ui *ui, struct sd_data *d)
{
	char title[200];

	snprintf(title, sizeof title, "Filter %s", d->m->name);
	sd_prompt(ui, &(struct sd_prompt_opts){.title = title,
			      .initial = d->where,
			      .history = "filter",
			      .check = check,
			      .complete = complete,
			      .done = done,
			      .save = sd_views_save,
			      .ctx = d});
}
