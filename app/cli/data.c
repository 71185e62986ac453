/* app/cli/data.c - models, query, get, related, delete, forecast. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/model/scalar.h"

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

/* An empty table is told in words: nothing at all looks like a failure. */
static void tell_none(struct cli *c, const struct sd_api_query *q)
{
	if (q->page > 0)
		cli_note(c, "%s: page %lld is behind the last record; --page counts from 0",
			q->model, (long long)q->page);
	else if (q->where || q->state || q->orphans || q->tombstones)
		cli_note(c, "no %s on this device matches", q->model);
	else
		cli_note(c,
			"there is no %s on this device; `syncdeck save %s ...` makes one, "
			"`syncdeck sync --once` fetches those of a backend",
			q->model, q->model);
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
void cli_record_columns(const struct cli *c, const char *model, struct sd_buf *out)
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

bool cli_emit_rec(void *ctx, struct cJSON *rec)
{
	struct cli_emit_ctx *x = ctx;

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
		{"--count", CLI_FLAG, &count}, {"--deleted", CLI_FLAG, &q.tombstones},
		{"--orphans", CLI_FLAG, &q.orphans}};
	struct sd_error e = {.code = SD_OK};
	struct sd_buf columns = SD_BUF_INIT;
	struct cli_emit_ctx x = {.c = c};
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
			return cli_interrupted() ? 130 : cli_fail(c, err, &e);
		j = sd_json_object();
		sd_json_add_int(j, "count", n);
		cli_emit(c, j, NULL);
		sd_json_free(j);
		return 0;
	}
	cli_record_columns(c, q.model, &columns);
	x.columns = sd_buf_text(&columns);
	err = sd_api_query(c->api, &q, cli_emit_rec, &x, &e);
	cli_flush(c, x.columns);
	sd_buf_release(&columns);
	if (cli_interrupted())
		return 130;
	if (err == SD_OK && x.count == 0)
		tell_none(c, &q);
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
	struct cli_emit_ctx x = {.c = c};
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
			cli_record_columns(c, f->model->name, &columns);
		x.columns = columns.len ? sd_buf_text(&columns) : NULL;
		err = sd_api_related(
			c->api, a->v[0], sd_buf_text(&key), a->v[a->n - 1], cli_emit_rec, &x, &e);
		if (x.columns)
			cli_flush(c, x.columns);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else if (x.count == 0 && f && f->assoc != SD_A_HAS_MANY)
			rc = cli_complain(c, 7, "%s.%s: points to nothing here", m->name, f->name);
		else if (x.count == 0 && f)
			cli_note(c, "%s.%s: there is none on this device", m->name, f->name);
	}
	sd_buf_release(&key);
	sd_buf_release(&columns);
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
