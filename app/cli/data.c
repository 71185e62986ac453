/* app/cli/data.c - models, query, get, related, save, delete, history, undo, forecast. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/model/scalar.h"

#define LINE_MAX_BYTES ((size_t)8 << 20)

static const char MODEL_COLUMNS[] =
	"model rows pending conflicts refused quarantined sync lastSync";

static int emit_list(struct cli *c, enum sd_err rc, struct cJSON *list, const char *columns,
	const struct sd_error *e)
{
	if (rc != SD_OK)
		return cli_fail(c, rc, e);
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		cli_emit(c, j, columns);
	if (columns)
		cli_flush(c, columns);
	sd_json_free(list);
	return 0;
}

int cli_models(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc || (rc = cli_open(c)))
		return rc;
	if (a->n)
		return cli_usage(c, "models");
	enum sd_err err = sd_api_models(c->api, &list, &e);
	return emit_list(c, err, list, MODEL_COLUMNS, &e);
}

/* Columns a person sees of a model: its key, a few plain fields, the state. */
static void record_columns(const struct cli *c, const char *model, struct sd_buf *out)
{
	const struct sd_model *m = sd_schema_model(c->schema, model);
	size_t shown = 0;

	for (size_t i = 0; m && i < m->pk_count; i++)
		sd_buf_fmt(out, "%s ", m->fields[m->pk[i]].name);
	for (size_t i = 0; m && i < m->field_count && shown < 5; i++) {
		const struct sd_field *f = &m->fields[i];
		if (!f->stored || f->list || f->implicit || f->read_only ||
			f->kind == SD_K_NONMODEL || sd_model_is_key(m, f))
			continue;
		sd_buf_fmt(out, "%s ", f->name);
		shown++;
	}
	sd_buf_str(out, "_version _state");
}

struct emit_ctx {
	struct cli *c;
	const char *columns;
	int64_t count;
};

static bool emit_rec(void *ctx, struct cJSON *rec)
{
	struct emit_ctx *x = ctx;

	cli_emit(x->c, rec, x->columns);
	x->count++;
	return !cli_interrupted();
}

static int number_option(struct cli *c, const char *name, const char *text, int64_t *out)
{
	if (!text)
		return 0;
	if (!sd_parse_i64(text, out) || *out < 0)
		return cli_complain(c, 2, "%s %s: expected a whole number, 0 or more", name, text);
	return 0;
}

int cli_query(struct cli *c, struct cli_args *a)
{
	struct sd_api_query q = {.limit = 100};
	const char *limit = NULL, *page = NULL;
	bool count = false;
	const struct cli_opt opts[] = {{"--where", CLI_VALUE, &q.where},
		{"--sort", CLI_VALUE, &q.sort}, {"--limit", CLI_VALUE, &limit},
		{"--page", CLI_VALUE, &page}, {"--state", CLI_VALUE, &q.state},
		{"--count", CLI_FLAG, &count}, {"--deleted", CLI_FLAG, &q.tombstones}};
	struct sd_error e = {.code = SD_OK};
	struct sd_buf columns = SD_BUF_INIT;
	struct emit_ctx x = {.c = c};
	enum sd_err err;
	int64_t n;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0 && a->n != 1)
		rc = cli_usage(c, "query");
	if (rc == 0)
		rc = number_option(c, "--limit", limit, &q.limit);
	if (rc == 0)
		rc = number_option(c, "--page", page, &q.page);
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	q.model = a->v[0];
	if (count) {
		struct cJSON *j;
		err = sd_api_count(c->api, &q, &n, &e);
		if (err != SD_OK)
			return cli_fail(c, err, &e);
		j = sd_json_object();
		sd_json_add_int(j, "count", n);
		cli_emit(c, j, NULL);
		sd_json_free(j);
		return 0;
	}
	record_columns(c, q.model, &columns);
	x.columns = sd_buf_text(&columns);
	err = sd_api_query(c->api, &q, emit_rec, &x, &e);
	cli_flush(c, x.columns);
	sd_buf_release(&columns);
	return err == SD_OK ? 0 : cli_fail(c, err, &e);
}

int cli_get(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *rec;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 2)
		rc = cli_usage(c, "get");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		err = sd_api_get(c->api, a->v[0], sd_buf_text(&key), &rec, &e);
		if (err == SD_OK) {
			cli_emit(c, rec, NULL);
			sd_json_free(rec);
		} else {
			rc = cli_fail(c, err, &e);
		}
	}
	sd_buf_release(&key);
	return rc;
}

int cli_related(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT, columns = SD_BUF_INIT;
	struct emit_ctx x = {.c = c};
	const struct sd_model *m;
	const struct sd_field *f = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 3)
		rc = cli_usage(c, "related");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 2, &key);
	if (rc == 0) {
		m = sd_schema_model(c->schema, a->v[0]);
		f = sd_model_field(m, a->v[a->n - 1]);
		if (f && f->kind == SD_K_MODEL)
			record_columns(c, f->model->name, &columns);
		x.columns = columns.len ? sd_buf_text(&columns) : NULL;
		err = sd_api_related(
			c->api, a->v[0], sd_buf_text(&key), a->v[a->n - 1], emit_rec, &x, &e);
		if (x.columns)
			cli_flush(c, x.columns);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else if (x.count == 0 && f && f->assoc != SD_A_HAS_MANY)
			rc = cli_complain(c, 7, "%s.%s: points to nothing here", m->name, f->name);
	}
	sd_buf_release(&key);
	sd_buf_release(&columns);
	return rc;
}

/* ---- save ---- */

/* field=value, field:=JSON, field=@FILE into obj. */
static int parse_field(struct cli *c, const struct sd_model *m, const char *word, struct cJSON *obj)
{
	const char *eq = strchr(word, '='), *name_end;
	struct sd_buf file = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *v = NULL;
	const struct sd_field *f;
	enum sd_err rc = SD_OK;
	bool json;
	char *name;

	if (!eq || eq == word)
		return cli_complain(
			c, 2, "%s: expected field=value, field:=JSON or field=@FILE", word);
	json = eq[-1] == ':';
	name_end = json ? eq - 1 : eq;
	name = sd_strdup_n(word, (size_t)(name_end - word));
	f = sd_model_field(m, name);
	if (!f)
		rc = sd_fail(&e, SD_INVAL, 0, "%s has no field %s", m->name, name);
	else if (json)
		rc = sd_json_parse(eq + 1, strlen(eq + 1), name, &v, &e);
	else if (eq[1] == '@')
		rc = sd_read_file(eq + 2, LINE_MAX_BYTES, &file, &e);
	if (rc == SD_OK && !v && f->stored)
		rc = sd_value_from_text(m, f, file.data ? file.data : eq + 1, &v, &e);
	else if (rc == SD_OK && !v) /* a belongsTo by its name: the store knows its key */
		v = strcmp(eq + 1, "null") == 0 ? sd_json_null() : sd_json_string(eq + 1);
	if (rc == SD_OK && !sd_json_set(obj, name, v))
		rc = sd_fail(&e, SD_NOMEM, 0, "out of memory");
	sd_buf_release(&file);
	free(name);
	return rc == SD_OK ? 0 : cli_fail(c, rc == SD_NOTFOUND ? SD_INVAL : rc, &e);
}

struct input {
	FILE *f;
	const char *name;
	int line;
	char *text;
	size_t room;
	struct emit_ctx x;
};

static bool next_input(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	struct input *in = ctx;
	char what[600];
	ssize_t n;

	for (;;) {
		n = getline(&in->text, &in->room, in->f);
		if (n < 0)
			return false;
		in->line++;
		if ((size_t)n > LINE_MAX_BYTES) {
			*rc = sd_fail(e, SD_TOOBIG, 0, "%s:%d: the line is longer than 8 MiB",
				in->name, in->line);
			return false;
		}
		if (strspn(in->text, " \t\r\n") != (size_t)n)
			break;
	}
	snprintf(what, sizeof what, "%s:%d", in->name, in->line);
	*rc = sd_json_parse(in->text, (size_t)n, what, fields, e);
	if (*rc == SD_OK && !sd_json_is_object(*fields)) {
		sd_json_free(*fields);
		*rc = sd_fail(e, SD_INVAL, 0, "%s: expected a JSON object of fields", what);
	}
	return *rc == SD_OK;
}

static bool emit_saved(void *ctx, struct cJSON *rec)
{
	struct input *in = ctx;

	return emit_rec(&in->x, rec);
}

static int save_input(struct cli *c, const char *model, const char *file, const char *cond)
{
	struct input in = {.name = strcmp(file, "-") == 0 ? "stdin" : file, .x = {.c = c}};
	struct sd_buf columns = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc;

	if (c->batch && strcmp(file, "-") == 0)
		return cli_complain(c, 2, "save: inside a batch --input needs a file");
	in.f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	if (!in.f)
		return cli_complain(c, 2, "%s: %s", file, strerror(errno));
	record_columns(c, model, &columns);
	in.x.columns = sd_buf_text(&columns);
	rc = sd_api_save_many(c->api, model, cond, next_input, emit_saved, &in, &e);
	if (rc != SD_OK && in.line && !strstr(e.text, in.name))
		sd_fail_prefix(&e, rc, "%s:%d", in.name, in.line);
	cli_flush(c, in.x.columns);
	if (in.f != stdin)
		fclose(in.f);
	free(in.text);
	sd_buf_release(&columns);
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

/* save --wait: until this record has nothing unsent, or a reason why not. */
static int wait_sent(struct cli *c, const char *model, const struct cJSON *rec, int64_t limit_ms)
{
	const struct sd_model *m = sd_schema_model(c->schema, model);
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	int64_t end = sd_mono_ms() + limit_ms;
	enum sd_err err = sd_api_start(c->api, &e);
	int rc = -1;

	if (err == SD_BUSY) /* another process sends it */
		err = SD_OK;
	if (err == SD_OK)
		err = sd_key_of(m, rec, &key, &e);
	while (err == SD_OK && rc < 0) {
		struct cJSON *now = NULL;
		struct sd_api_status s;
		const char *state;
		err = sd_api_get(c->api, model, sd_buf_text(&key), &now, &e);
		state = sd_json_get_str(now, "_state");
		sd_api_status(c->api, &s);
		if (!state)
			rc = 7;
		else if (strcmp(state, "synced") == 0)
			rc = 0;
		else if (strcmp(state, "conflict") == 0)
			rc = cli_complain(c, 5,
				"%s: the change is in conflict; see `syncdeck conflicts`", model);
		else if (strcmp(state, "refused") == 0)
			rc = cli_complain(c, 8,
				"%s: the server refused the change; see `syncdeck outbox`", model);
		else if (s.auth_needed)
			rc = cli_complain(c, 3, "sign-in needed: run `syncdeck login`");
		else if (sd_mono_ms() > end || cli_interrupted())
			rc = cli_complain(c, cli_interrupted() ? 130 : 4,
				"%s: saved here; not sent yet%s%s", model,
				s.last_failure[0] ? ": " : "", s.last_failure);
		sd_json_free(now);
		if (rc < 0)
			cli_pump(c, -1, 50, false);
	}
	sd_buf_release(&key);
	return err == SD_OK ? rc : cli_fail(c, err, &e);
}

int cli_save(struct cli *c, struct cli_args *a)
{
	const char *input = NULL, *cond = NULL, *timeout = NULL;
	bool wait = false;
	const struct cli_opt opts[] = {{"--input", CLI_VALUE, &input}, {"--if", CLI_VALUE, &cond},
		{"--wait", CLI_FLAG, &wait}, {"--timeout", CLI_VALUE, &timeout}};
	struct sd_error e = {.code = SD_OK};
	const struct sd_model *m;
	struct cJSON *fields, *rec = NULL;
	int64_t limit = 30000;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0 && (a->n < 1 || (input && a->n > 1)))
		rc = cli_usage(c, "save");
	if (rc == 0 && timeout && (limit = cli_duration_arg(timeout)) < 0)
		rc = cli_complain(c, 2, "--timeout %s: expected a duration such as 30s", timeout);
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	m = sd_schema_model(c->schema, a->v[0]);
	if (!m)
		return cli_complain(
			c, 2, "no model is named %s; `syncdeck models` lists them", a->v[0]);
	if (input)
		return save_input(c, a->v[0], input, cond);
	fields = sd_json_object();
	for (int i = 1; i < a->n && rc == 0; i++)
		rc = parse_field(c, m, a->v[i], fields);
	if (rc == 0) {
		err = sd_api_save(c->api, m->name, fields, cond, &rec, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else if (wait)
			rc = wait_sent(c, m->name, rec, limit);
		if (err == SD_OK)
			cli_emit(c, rec, NULL);
	}
	sd_json_free(rec);
	sd_json_free(fields);
	return rc;
}

int cli_delete(struct cli *c, struct cli_args *a)
{
	const char *where = NULL, *cond = NULL;
	bool all = false, dry = false;
	const struct cli_opt opts[] = {{"--where", CLI_VALUE, &where}, {"--if", CLI_VALUE, &cond},
		{"--all", CLI_FLAG, &all}, {"--dry-run", CLI_FLAG, &dry}};
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *deleted = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0 && a->n < 1)
		rc = cli_usage(c, "delete");
	if (rc == 0 && (a->n > 1) + (where != NULL) + all != 1)
		rc = cli_complain(c, 2,
			"delete %s: say which: a KEY, --where PREDICATE, or --all to delete every "
			"record",
			a->v[0]);
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0 && a->n > 1)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		err = sd_api_delete(c->api, a->v[0], key.len ? sd_buf_text(&key) : NULL,
			all ? "all" : where, cond, dry, &deleted, &e);
		rc = emit_list(c, err, deleted, "_model id _version _state", &e);
	}
	sd_buf_release(&key);
	return rc;
}

int cli_history(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *list = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 2)
		rc = cli_usage(c, "history");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		enum sd_err err = sd_api_history(c->api, a->v[0], sd_buf_text(&key), &list, &e);
		rc = emit_list(c, err, list, "at version source changed", &e);
	}
	sd_buf_release(&key);
	return rc;
}

int cli_forecast(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *j = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n < 2)
		rc = cli_usage(c, "forecast");
	if (rc == 0)
		rc = cli_open(c);
	if (rc == 0)
		rc = cli_key(c, a->v[0], a->v + 1, a->n - 1, &key);
	if (rc == 0) {
		enum sd_err err = sd_api_forecast(c->api, a->v[0], sd_buf_text(&key), &j, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else
			cli_emit(c, j, NULL);
		sd_json_free(j);
	}
	sd_buf_release(&key);
	return rc;
}

int cli_undo(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	int64_t seq = 0, done;
	struct cJSON *j;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && (a->n > 1 || (a->n == 1 && (!sd_parse_i64(a->v[0], &seq) || seq < 1))))
		rc = cli_usage(c, "undo");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_undo(c->api, seq, &done, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	j = sd_json_object();
	sd_json_add_int(j, "undone", done);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	return 0;
}
