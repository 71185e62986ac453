/* app/cli/save.c - save: fields from words or from JSON lines, and waiting for the server. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/model/scalar.h"

#define LINE_MAX_BYTES ((size_t)8 << 20)

int cli_field_word(struct cli *c, const struct sd_model *m, const char *word, struct cJSON *obj)
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
		rc = sd_model_no_field(m, name, &e);
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
	struct cli_emit_ctx x;
};

static bool next_input(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	struct input *in = ctx;
	char what[600];
	ssize_t n;

	for (;;) {
		errno = 0;
		n = getline(&in->text, &in->room, in->f);
		if (n < 0 && (ferror(in->f) || errno == ENOMEM))
			*rc = sd_fail_file(e, SD_IO, in->name, errno);
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

	return cli_emit_rec(&in->x, rec);
}

static int save_input(struct cli *c, const char *model, const char *file, const char *cond)
{
	struct input in = {.name = strcmp(file, "-") == 0 ? "stdin" : file, .x = {.c = c}};
	struct sd_buf columns = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	FILE *from;
	enum sd_err rc;

	if (c->batch && strcmp(file, "-") == 0)
		return cli_complain(c, 2, "save: inside a batch --input needs a file");
	in.f = strcmp(file, "-") == 0 ? stdin : fopen(file, "re");
	if (!in.f)
		return cli_fail(c, sd_fail_file(&e, SD_INVAL, file, errno), &e);
	from = in.f;
	in.f = sd_spool(from, in.name, &e); /* others may write until all of it is here */
	if (!in.f) {
		if (from != stdin)
			fclose(from);
		return cli_fail(c, e.code, &e);
	}
	cli_record_columns(c, model, &columns);
	in.x.columns = sd_buf_text(&columns);
	rc = sd_api_save_many(c->api, model, cond, next_input, emit_saved, &in, &e);
	if (rc != SD_OK && in.line && !strstr(e.text, in.name))
		sd_fail_prefix(&e, rc, "%s:%d", in.name, in.line);
	cli_flush(c, in.x.columns);
	if (in.f != from)
		fclose(in.f);
	if (from != stdin)
		fclose(from);
	free(in.text);
	sd_buf_release(&columns);
	return rc == SD_OK ? 0 : cli_fail(c, rc, &e);
}

/* What was refused, why, and under which condition. */
static int tell_refused(struct cli *c, const char *model, const char *key)
{
	struct cJSON *list = NULL;
	struct sd_buf k = SD_BUF_INIT, cond = SD_BUF_INIT;
	bool told = false;

	if (sd_api_outbox(c->api, false, &list, NULL) != SD_OK)
		list = NULL;
	for (const struct cJSON *o = sd_json_child(list); o; o = sd_json_next(o)) {
		const struct cJSON *error = sd_json_get(o, "error");
		const struct cJSON *p = sd_json_get(o, "condition");
		sd_buf_reset(&k);
		if (!sd_str_eq(sd_json_get_str(o, "model"), model) ||
			!sd_str_eq(sd_json_get_str(o, "lane"), "refused") ||
			!sd_json_print(sd_json_get(o, "key"), &k) ||
			!sd_str_eq(sd_buf_text(&k), key))
			continue;
		if (sd_json_is_string(p))
			sd_buf_str(&cond, sd_json_str(p));
		else if (!sd_json_is_null(p))
			sd_json_print(p, &cond);
		cli_complain(c, 8,
			"%s %s: the server refused the change%s%s: %s: %s; see "
			"`syncdeck outbox show %lld`",
			model, key, cond.len ? " under the condition " : "", sd_buf_text(&cond),
			sd_json_get_str(error, "type"), sd_json_get_str(error, "message"),
			(long long)sd_json_get_i64(o, "seq", 0));
		told = true;
		break;
	}
	if (!told)
		cli_complain(c, 8, "%s %s: the server refused the change; see `syncdeck outbox`",
			model, key);
	sd_buf_release(&k);
	sd_buf_release(&cond);
	sd_json_free(list);
	return 8;
}

/* save --wait: until this record has nothing unsent, or a reason why not.  *rec becomes what is
 * here then. */
static int wait_sent(struct cli *c, const char *model, struct cJSON **rec, int64_t limit_ms)
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
		err = sd_key_of(m, *rec, &key, &e);
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
				"%s %s: the change is in conflict; see `syncdeck conflicts`", model,
				sd_buf_text(&key));
		else if (strcmp(state, "refused") == 0)
			rc = tell_refused(c, model, sd_buf_text(&key));
		else if (s.auth_needed)
			rc = cli_complain(c, 3, "sign-in needed: run `syncdeck login`");
		else if (sd_mono_ms() > end || cli_interrupted())
			rc = cli_complain(c, cli_interrupted() ? 130 : 4,
				"%s %s: saved here; not sent yet%s%s", model, sd_buf_text(&key),
				s.last_failure[0] ? ": " : "", s.last_failure);
		if (rc >= 0 && now) {
			sd_json_free(*rec);
			*rec = now;
			now = NULL;
		}
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
		rc = cli_field_word(c, m, a->v[i], fields);
	if (rc == 0) {
		err = sd_api_save(c->api, m->name, fields, cond, &rec, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else if (wait)
			rc = wait_sent(c, m->name, &rec, limit);
		if (err == SD_OK)
			cli_emit(c, rec, NULL);
	}
	sd_json_free(rec);
	sd_json_free(fields);
	return rc;
}
