/* core/api/export.c - records into NDJSON and CSV files; see api.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/api/internal.h"
#include "core/base/csv.h"
#include "core/base/fs.h"
#include "core/base/text.h"

static const char *const META[] = {"_version", "_lastChangedAt", "_deleted", "_state"};

struct job {
	struct sd_api *api;
	const struct sd_api_export *o;
	const struct sd_model **models;
	size_t count;
	const struct sd_model *now;
	struct sd_out out;
	struct sd_buf line;
	const char **columns; /* CSV; borrowed names */
	size_t column_count;
	int64_t records, of;
	enum sd_err rc;
	struct sd_error *e;
};

/* ---- CSV ---- */

static bool has_column(const struct job *j, const char *name)
{
	for (size_t i = 0; i < j->column_count; i++)
		if (strcmp(j->columns[i], name) == 0)
			return true;
	return false;
}

static enum sd_err make_columns(struct job *j)
{
	size_t room = 1 + sizeof META / sizeof *META;

	for (size_t i = 0; i < j->count; i++)
		room += j->models[i]->field_count;
	j->columns = malloc(room * sizeof *j->columns);
	if (!j->columns)
		return sd_fail(j->e, SD_NOMEM, 0, "export: out of memory");
	if (j->count > 1)
		j->columns[j->column_count++] = "_model";
	for (size_t i = 0; i < j->count; i++)
		for (size_t k = 0; k < j->models[i]->field_count; k++) {
			const struct sd_field *f = &j->models[i]->fields[k];
			if (f->stored && !has_column(j, f->name))
				j->columns[j->column_count++] = f->name;
		}
	for (size_t i = 0; i < sizeof META / sizeof *META; i++)
		j->columns[j->column_count++] = META[i];
	return SD_OK;
}

static void put_header(struct job *j)
{
	for (size_t i = 0; i < j->column_count; i++)
		sd_csv_put(&j->line, j->columns[i], strlen(j->columns[i]), false, i == 0);
	sd_csv_end(&j->line);
}

/* Does a spreadsheet take it for a formula? */
static bool like_formula(const char *s)
{
	return *s && strchr("=+-@\t\r", *s) != NULL;
}

/* A text as it is, anything else as JSON; null is an empty cell, the empty text a quoted one. */
static void put_cell(const struct sd_model *m, const struct cJSON *rec, const char *name,
	bool formula_safe, bool first, struct sd_buf *out)
{
	const struct sd_field *f = sd_model_field(m, name);
	const struct cJSON *v = sd_json_get(rec, name);
	bool json = f && (f->list || f->kind == SD_K_NONMODEL ||
				 (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON));
	struct sd_buf b = SD_BUF_INIT;
	const char *s = json ? NULL : sd_json_str(v);

	if (sd_json_is_null(v)) {
		sd_csv_put(out, "", 0, false, first);
		return;
	}
	if (s && formula_safe && like_formula(s)) {
		sd_buf_ch(&b, '\'');
		sd_buf_str(&b, s);
		s = sd_buf_text(&b);
	} else if (!s) {
		sd_json_print(v, &b);
		s = sd_buf_text(&b);
	}
	sd_csv_put(out, s, strlen(s), !*s, first);
	if (!sd_buf_ok(&b))
		out->failed = true;
	sd_buf_release(&b);
}

bool sd_api_csv_put(const struct sd_model *m, const struct cJSON *rec, struct sd_buf *out)
{
	bool first = true;

	for (size_t i = 0; i < m->field_count + sizeof META / sizeof *META; i++) {
		const struct sd_field *f = i < m->field_count ? &m->fields[i] : NULL;
		const char *name = f ? f->name : META[i - m->field_count];
		if (f && !f->stored)
			continue;
		if (rec)
			put_cell(m, rec, name, false, first, out);
		else
			sd_csv_put(out, name, strlen(name), false, first);
		first = false;
	}
	sd_csv_end(out);
	return sd_buf_ok(out);
}

static void put_csv(struct job *j, const struct cJSON *rec)
{
	for (size_t i = 0; i < j->column_count; i++) {
		const char *name = j->columns[i];
		if (strcmp(name, "_model") == 0)
			sd_csv_put(&j->line, j->now->name, strlen(j->now->name), false, i == 0);
		else
			put_cell(j->now, rec, name, j->o->formula_safe, i == 0, &j->line);
	}
	sd_csv_end(&j->line);
}

/* ---- lines ---- */

static void put_json(struct job *j, const struct cJSON *rec)
{
	struct sd_buf b = SD_BUF_INIT;

	if (j->count == 1) {
		sd_json_print(rec, &j->line);
	} else {
		sd_json_print(rec, &b);
		sd_buf_fmt(&j->line, "{\"_model\":\"%s\",%s", j->now->name,
			b.len ? sd_buf_text(&b) + 1 : "}");
		if (!sd_buf_ok(&b))
			j->line.failed = true;
		sd_buf_release(&b);
	}
	sd_buf_ch(&j->line, '\n');
}

/* What stands in the line as a person may see it. */
static void for_terminal(struct job *j)
{
	struct sd_buf b = SD_BUF_INIT;
	const char *s = sd_buf_text(&j->line);
	size_t n = j->line.len;

	while (n && (s[n - 1] == '\n' || s[n - 1] == '\r'))
		n--;
	if (j->o->csv)
		sd_text_safe(&b, s, n);
	else
		sd_text_json(&b, s, n);
	sd_buf_ch(&b, '\n');
	if (!sd_buf_ok(&j->line))
		b.failed = true;
	sd_buf_release(&j->line);
	j->line = b;
}

static bool flush(struct job *j)
{
	if (j->o->terminal && !j->o->file)
		for_terminal(j);
	if (!sd_buf_ok(&j->line))
		j->rc = sd_fail(j->e, SD_NOMEM, 0, "export: out of memory");
	else if (fwrite(sd_buf_text(&j->line), 1, j->line.len, j->out.f) != j->line.len)
		j->rc = sd_fail(
			j->e, SD_IO, 0, "cannot write %s", j->o->file ? j->o->file : "the output");
	sd_buf_reset(&j->line);
	return j->rc == SD_OK;
}

static bool put_record(void *ctx, struct cJSON *rec, int64_t rid)
{
	struct job *j = ctx;

	(void)rid;
	if (j->o->csv)
		put_csv(j, rec);
	else
		put_json(j, rec);
	j->records++;
	if (!flush(j))
		return false;
	if ((j->records & 255) == 0 && j->o->progress &&
		!j->o->progress(j->o->ctx, j->records, j->records, j->of))
		j->rc = sd_fail(j->e, SD_CANCELLED, 0, "export: interrupted; nothing was kept");
	return j->rc == SD_OK;
}

static enum sd_err one_model(struct job *j, const struct sd_model *m)
{
	struct sd_query q = {.model = m, .state = -1, .by_rid = true};
	struct sd_pred *where = NULL;
	enum sd_err rc = SD_OK;

	j->now = m;
	if (j->o->where) {
		rc = sd_pred_parse(j->api->o.schema, m, j->o->where, &where, j->e);
		if (rc != SD_OK && j->count > 1)
			rc = sd_fail_prefix(j->e, rc, "%s", m->name);
	}
	q.where = where;
	if (rc == SD_OK)
		rc = sd_rec_query(j->api->reader, &q, put_record, j, j->e);
	sd_pred_free(where);
	return rc == SD_OK ? j->rc : rc;
}

static enum sd_err choose_models(struct job *j)
{
	const struct sd_schema *s = j->api->o.schema;
	size_t n = j->o->model_count ? j->o->model_count : s->model_count;
	enum sd_err rc = SD_OK;

	j->models = calloc(n + 1, sizeof *j->models);
	if (!j->models)
		return sd_fail(j->e, SD_NOMEM, 0, "export: out of memory");
	for (size_t i = 0; i < n && rc == SD_OK; i++) {
		if (j->o->model_count)
			rc = sd_api_model(j->api, j->o->models[i], &j->models[i], j->e);
		else
			j->models[i] = s->models[s->parents_first[i]];
		for (size_t k = 0; k < i && rc == SD_OK; k++)
			if (j->models[k] == j->models[i])
				rc = sd_fail(j->e, SD_INVAL, 0, "export: %s is named twice",
					j->models[i]->name);
	}
	j->count = n;
	return rc;
}

static enum sd_err all_models(struct job *j)
{
	enum sd_err rc = sd_store_read(j->api->reader, j->e);

	for (size_t i = 0; rc == SD_OK && !j->o->where && i < j->count; i++) {
		int64_t rows = 0;
		rc = sd_rec_total(j->api->reader, j->models[i], &rows, j->e);
		j->of += rows;
	}
	if (rc == SD_OK && j->o->csv) {
		rc = make_columns(j);
		if (rc == SD_OK)
			put_header(j);
		if (rc == SD_OK && !flush(j))
			rc = j->rc;
	}
	for (size_t i = 0; rc == SD_OK && i < j->count; i++)
		rc = one_model(j, j->models[i]);
	sd_store_rollback(j->api->reader);
	return rc;
}

enum sd_err sd_api_export(
	struct sd_api *api, const struct sd_api_export *o, int64_t *records, struct sd_error *e)
{
	struct job j = {.api = api, .o = o, .e = e};
	enum sd_err rc = sd_api_use(api, e);

	if (rc == SD_OK)
		rc = choose_models(&j);
	if (rc == SD_OK)
		rc = sd_out_open(&j.out, o->file, e);
	if (rc == SD_OK) {
		rc = all_models(&j);
		if (rc == SD_OK)
			rc = sd_out_done(&j.out, e);
		else
			sd_out_drop(&j.out);
	}
	*records = j.records;
	free(j.models);
	free(j.columns);
	sd_buf_release(&j.line);
	return rc;
}
