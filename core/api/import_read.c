/* core/api/import_read.c - the lines of an NDJSON or CSV file as objects of fields; see import.h. */
#include "core/api/import.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/scalar.h"

#define LINE_MAX_BYTES ((size_t)8 << 20)

static const char *const META[] = {"_version", "_lastChangedAt", "_deleted", "_state", "_model"};

static bool is_meta(const char *name)
{
	for (size_t i = 0; i < sizeof META / sizeof *META; i++)
		if (strcmp(name, META[i]) == 0)
			return true;
	return false;
}

enum sd_err sd_lines_open(struct sd_lines *l, const struct sd_model *m, const char *file, bool csv,
	struct sd_error *e)
{
	memset(l, 0, sizeof *l);
	l->m = m;
	l->is_csv = csv;
	l->std = strcmp(file, "-") == 0;
	l->name = l->std ? "stdin" : file;
	l->f = l->std ? stdin : fopen(file, "re");
	if (!l->f)
		return sd_fail_file(e, SD_INVAL, file, errno);
	if (l->std) /* all of it, before others have to wait */
		l->f = sd_spool(stdin, l->name, e);
	if (!l->f)
		return e ? e->code : SD_IO;
	l->csv.f = l->f;
	return SD_OK;
}

void sd_lines_close(struct sd_lines *l)
{
	if (l->f && l->f != stdin)
		fclose(l->f);
	sd_csv_release(&l->csv);
	for (size_t i = 0; i < l->column_count; i++)
		free(l->columns[i].name);
	free(l->columns);
	free(l->text);
	memset(l, 0, sizeof *l);
}

/* ---- CSV ---- */

static enum sd_err no_column(struct sd_lines *l, size_t i, struct sd_error *e)
{
	const char *name = l->csv.cells[i].text;
	enum sd_err rc;

	if (l->csv.count == 1 && strpbrk(name, ";\t"))
		rc = sd_fail(e, SD_INVAL, 0,
			"%s has no field \"%s\"; columns are separated by commas", l->m->name,
			name);
	else
		rc = sd_model_no_field(l->m, name, e);
	return sd_fail_prefix(e, rc, "%s:%lld: column %zu", l->name, (long long)l->csv.line, i + 1);
}

static enum sd_err read_header(struct sd_lines *l, struct sd_error *e)
{
	enum sd_err rc = SD_OK;
	bool mixed = false;

	if (!sd_csv_read(&l->csv, LINE_MAX_BYTES, &rc, e))
		return rc != SD_OK ? sd_fail_prefix(e, rc, "%s", l->name)
				   : sd_fail(e, SD_INVAL, 0,
					     "%s: is empty; its first line must name the fields",
					     l->name);
	l->columns = calloc(l->csv.count, sizeof *l->columns);
	if (!l->columns)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", l->name);
	for (size_t i = 0; i < l->csv.count; i++)
		mixed |= strcmp(l->csv.cells[i].text, "_model") == 0;
	for (size_t i = 0; i < l->csv.count; i++) {
		const char *name = l->csv.cells[i].text;
		struct sd_line_column *c = &l->columns[i];
		c->name = strdup(name);
		l->column_count++;
		c->field = sd_model_field(l->m, name);
		if (!c->name)
			return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", l->name);
		/* a file of several models has the columns of all of them */
		if (!c->field && !is_meta(name) && !mixed)
			return no_column(l, i, e);
		for (size_t k = 0; k < i; k++)
			if (strcmp(l->columns[k].name, name) == 0)
				return sd_fail(e, SD_INVAL, 0,
					"%s:%lld: the column \"%s\" is there twice", l->name,
					(long long)l->csv.line, name);
	}
	return SD_OK;
}

static bool is_text(const struct sd_field *f)
{
	if (f->list || f->kind == SD_K_NONMODEL)
		return false;
	if (f->kind != SD_K_SCALAR)
		return true; /* enums, relations by their key */
	return f->scalar != SD_T_INT && f->scalar != SD_T_FLOAT && f->scalar != SD_T_BOOLEAN &&
	       f->scalar != SD_T_AWSTIMESTAMP && f->scalar != SD_T_AWSJSON;
}

static enum sd_err cell_value(struct sd_lines *l, const struct sd_field *f,
	const struct sd_csv_cell *c, struct cJSON **out, struct sd_error *e)
{
	if (!c->len && !c->quoted)
		*out = sd_json_null();
	else if (!sd_utf8_valid(c->text, c->len))
		return sd_fail(
			e, SD_INVAL, 0, "%s.%s: the text is not valid UTF-8", l->m->name, f->name);
	else if (is_text(f)) /* "null" in a text is that word */
		*out = sd_json_string_n(c->text, c->len);
	else
		return sd_value_from_text(l->m, f, c->text, out, e);
	return *out ? SD_OK : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", l->name);
}

static enum sd_err csv_fields(struct sd_lines *l, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *obj = sd_json_object();
	enum sd_err rc = SD_OK;

	if (l->csv.count != l->column_count)
		rc = sd_fail(e, SD_INVAL, 0, "%zu cells, but the first line names %zu fields",
			l->csv.count, l->column_count);
	for (size_t i = 0; rc == SD_OK && i < l->column_count; i++) {
		const struct sd_line_column *c = &l->columns[i];
		const struct sd_csv_cell *cell = &l->csv.cells[i];
		struct cJSON *v = NULL;
		if (strcmp(c->name, "_model") == 0) {
			v = sd_json_string_n(cell->text, cell->len);
		} else if (strcmp(c->name, "_deleted") == 0) {
			v = sd_json_bool(strcmp(cell->text, "true") == 0);
		} else if (c->field && !c->field->read_only) {
			rc = cell_value(l, c->field, cell, &v, e);
		} else {
			continue;
		}
		if (rc == SD_OK && !sd_json_add(obj, c->name, v))
			rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", l->name);
	}
	if (rc != SD_OK) {
		sd_json_free(obj);
		return rc;
	}
	*out = obj;
	return SD_OK;
}

static enum sd_err next_csv(struct sd_lines *l, struct cJSON **out, struct sd_error *e)
{
	enum sd_err rc = l->columns ? SD_OK : read_header(l, e);

	if (rc != SD_OK) { /* the next line is no header */
		l->broken = true;
		return rc;
	}
	if (!sd_csv_read(&l->csv, LINE_MAX_BYTES, &rc, e)) {
		l->line = l->csv.line;
		l->broken = rc != SD_OK;
		return rc != SD_OK ? sd_fail_prefix(e, rc, "%s", l->name) : SD_NOTFOUND;
	}
	l->line = l->csv.line;
	rc = csv_fields(l, out, e);
	return rc == SD_OK ? rc : sd_fail_prefix(e, rc, "%s:%lld", l->name, (long long)l->line);
}

/* ---- NDJSON ---- */

static enum sd_err next_json(struct sd_lines *l, struct cJSON **out, struct sd_error *e)
{
	char what[600];
	enum sd_err rc;
	ssize_t n;

	do {
		errno = 0;
		n = getline(&l->text, &l->room, l->f);
		if (n < 0 && (ferror(l->f) || errno == ENOMEM)) {
			l->broken = true;
			return sd_fail_file(e, SD_IO, l->name, errno);
		}
		if (n < 0)
			return SD_NOTFOUND;
		l->line++;
		if ((size_t)n > LINE_MAX_BYTES)
			return sd_fail(e, SD_TOOBIG, 0, "%s:%lld: the line is longer than 8 MiB",
				l->name, (long long)l->line);
	} while (strspn(l->text, " \t\r\n") == (size_t)n);
	snprintf(what, sizeof what, "%s:%lld", l->name, (long long)l->line);
	rc = sd_json_parse(l->text, (size_t)n, what, out, e);
	if (rc == SD_OK && !sd_json_is_object(*out)) {
		sd_json_free(*out);
		*out = NULL;
		rc = sd_fail(e, SD_INVAL, 0, "%s: expected a JSON object of fields", what);
	}
	return rc;
}

/* ---- both ---- */

enum sd_err sd_lines_next(struct sd_lines *l, struct cJSON **out, bool *other, struct sd_error *e)
{
	const char *model;
	enum sd_err rc;

	*out = NULL;
	*other = false;
	rc = l->is_csv ? next_csv(l, out, e) : next_json(l, out, e);
	if (rc != SD_OK)
		return rc;
	model = sd_json_get_str(*out, "_model");
	*other = model && strcmp(model, l->m->name) != 0;
	if (!*other && sd_json_is_true(sd_json_get(*out, "_deleted")))
		rc = sd_fail(e, SD_INVAL, 0,
			"%s:%lld: %s: is a deleted record (_deleted); leave the line out", l->name,
			(long long)l->line, l->m->name);
	for (size_t i = 0; i < sizeof META / sizeof *META; i++)
		sd_json_remove(*out, META[i]);
	for (size_t i = 0; i < l->m->field_count; i++)
		if (l->m->fields[i].read_only) /* the server fills them in */
			sd_json_remove(*out, l->m->fields[i].name);
	if (rc != SD_OK) {
		sd_json_free(*out);
		*out = NULL;
	}
	return rc;
}

enum sd_err sd_lines_seek(struct sd_lines *l, int64_t offset, int64_t line, struct sd_error *e)
{
	enum sd_err rc = l->is_csv && !l->columns ? read_header(l, e) : SD_OK;

	if (rc != SD_OK)
		return rc;
	if (fseeko(l->f, (off_t)offset, SEEK_SET))
		return sd_fail(e, SD_IO, errno, "%s: %s", l->name, strerror(errno));
	l->line = line;
	l->csv.next = line;
	return SD_OK;
}

int64_t sd_lines_at(const struct sd_lines *l, int64_t *line)
{
	*line = l->is_csv ? l->csv.next : l->line;
	return (int64_t)ftello(l->f);
}
