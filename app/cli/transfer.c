/* app/cli/transfer.c - export and import: records to and from NDJSON and CSV files. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "app/cli/cli.h"
#include "core/base/text.h"
#include "core/base/time.h"

/* ---- progress: a line on stderr, only where a person looks at it ---- */

struct progress {
	struct cli *c;
	const char *what;
	bool shown, tty;
	int64_t due_ms;
};

static bool show_progress(void *ctx, int64_t records, int64_t done, int64_t of)
{
	struct progress *p = ctx;
	int64_t now = sd_mono_ms();

	if (cli_interrupted())
		return false;
	if (!p->tty || now < p->due_ms)
		return true;
	p->due_ms = now + 200;
	p->shown = true;
	fprintf(stderr, "\r%s: %lld records", p->what, (long long)records);
	if (of > 0)
		fprintf(stderr, ", %lld %%", (long long)(done >= of ? 100 : 100 * done / of));
	fputs("   ", stderr);
	fflush(stderr);
	return true;
}

static void end_progress(const struct progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
}

static struct progress new_progress(struct cli *c, const char *what)
{
	return (struct progress){.c = c, .what = what, .tty = !c->batch && isatty(STDERR_FILENO)};
}

/* By --format, else by the end of the file's name; *sure: one of the two said it. */
static int format_of(struct cli *c, const char *format, const char *file, bool *csv, bool *sure)
{
	static const struct {
		const char *suffix;
		bool csv;
	} SUFFIX[] = {{".ndjson", false}, {".jsonl", false}, {".json", false}, {".csv", true}};

	*csv = format && strcmp(format, "csv") == 0;
	*sure = format != NULL;
	if (format && !*csv && strcmp(format, "ndjson") != 0)
		return cli_complain(c, 2, "--format %s: expected ndjson or csv", format);
	for (size_t i = 0; file && !*sure && i < sizeof SUFFIX / sizeof *SUFFIX; i++) {
		*sure = sd_str_ends(file, SUFFIX[i].suffix);
		*csv = *sure && SUFFIX[i].csv;
	}
	return 0;
}

/* Does the file's name end in something that may stand for another format ("x.xlsx")? */
static bool other_suffix(const char *file)
{
	const char *base = file ? strrchr(file, '/') : NULL, *dot;

	base = base ? base + 1 : file;
	dot = base ? strrchr(base, '.') : NULL;
	return dot && dot != base && dot[1];
}

/* ---- export ---- */

struct gather {
	struct cli *c;
	const char *model; /* NULL: one model only */
};

static bool emit_record(void *ctx, struct cJSON *rec)
{
	struct gather *g = ctx;
	struct cJSON *one;

	if (!g->model) {
		cli_emit(g->c, rec, NULL);
		return true;
	}
	one = sd_json_object();
	sd_json_add_str(one, "_model", g->model);
	for (const struct cJSON *v = sd_json_child(rec); v; v = sd_json_next(v))
		sd_json_add(one, sd_json_name(v), sd_json_dup(v));
	cli_emit(g->c, one, NULL);
	sd_json_free(one);
	return true;
}

/* Inside a batch the records are the answer. */
static int into_answer(struct cli *c, const struct sd_api_export *o)
{
	size_t n = o->model_count ? o->model_count : c->schema->model_count;
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = SD_OK;

	for (size_t i = 0; err == SD_OK && i < n; i++) {
		const char *model = o->model_count
					    ? o->models[i]
					    : c->schema->models[c->schema->parents_first[i]]->name;
		struct sd_api_query q = {.model = model, .where = o->where};
		struct gather g = {c, n > 1 ? model : NULL};
		err = sd_api_query(c->api, &q, emit_record, &g, &e);
	}
	return err == SD_OK ? 0 : cli_fail(c, err, &e);
}

int cli_export(struct cli *c, struct cli_args *a)
{
	struct sd_api_export o = {.progress = show_progress};
	const char *format = NULL;
	const struct cli_opt opts[] = {{"--where", CLI_VALUE, &o.where},
		{"--format", CLI_VALUE, &format}, {"-o", CLI_VALUE, &o.file},
		{"--output", CLI_VALUE, &o.file}, {"--formula-safe", CLI_FLAG, &o.formula_safe}};
	struct progress p = new_progress(c, "export");
	struct sd_error e = {.code = SD_OK};
	int64_t records = 0;
	enum sd_err err;
	bool sure = false;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0)
		rc = format_of(c, format, o.file, &o.csv, &sure);
	if (rc == 0 && !sure && other_suffix(o.file))
		rc = cli_complain(c, 2,
			"export: %s does not tell the format; end the name in .ndjson or .csv, or "
			"say --format ndjson|csv",
			o.file);
	if (rc == 0 && o.file && (!*o.file || strcmp(o.file, "-") == 0))
		o.file = NULL;
	if (rc == 0 && o.formula_safe && !o.csv)
		rc = cli_complain(c, 2, "--formula-safe is about CSV; say --format csv");
	if (rc == 0 && c->batch && o.csv && !o.file)
		rc = cli_complain(c, 2, "export: inside a batch CSV needs a file: -o FILE");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	o.models = (const char *const *)a->v;
	o.model_count = (size_t)a->n;
	o.ctx = &p;
	if (c->batch && !o.file)
		return into_answer(c, &o);
	o.terminal = isatty(STDOUT_FILENO);
	p.tty = p.tty && (o.file || !isatty(STDOUT_FILENO));
	err = sd_api_export(c->api, &o, &records, &e);
	end_progress(&p);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	if (o.file && !c->batch && !c->o.json)
		cli_say(c, "%lld record(s) written to %s", (long long)records, o.file);
	if (o.file && (c->batch || c->o.json)) {
		struct cJSON *j = sd_json_object();
		sd_json_add_str(j, "file", o.file);
		sd_json_add_int(j, "records", records);
		cli_emit(c, j, NULL);
		sd_json_free(j);
	}
	return 0;
}

/* ---- import ---- */

static void tell_problem(void *ctx, const char *text)
{
	struct progress *p = ctx;

	end_progress(p);
	p->shown = false;
	cli_say(p->c, "%s", text);
}

static void tell_imported(
	struct cli *c, const struct sd_api_import *o, const struct sd_api_imported *n)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "model", o->model);
	sd_json_add_int(j, "records", n->records);
	sd_json_add_int(j, "created", n->created);
	sd_json_add_int(j, "updated", n->updated);
	sd_json_add_int(j, "skipped", n->skipped);
	sd_json_add_int(j, "resumed", n->resumed);
	sd_json_add_int(j, "invalid", n->invalid);
	sd_json_add_bool(j, "written", !o->dry_run);
	cli_emit(c, j, NULL);
	sd_json_free(j);
}

int cli_import(struct cli *c, struct cli_args *a)
{
	struct sd_api_import o = {.chunk = -1, .progress = show_progress, .problem = tell_problem};
	struct sd_api_imported n;
	const char *format = NULL, *chunk = NULL;
	const struct cli_opt opts[] = {{"--format", CLI_VALUE, &format},
		{"--dry-run", CLI_FLAG, &o.dry_run}, {"--orphans", CLI_FLAG, &o.orphans},
		{"--chunk", CLI_VALUE, &chunk}};
	struct progress p = new_progress(c, "import");
	struct sd_error e = {.code = SD_OK};
	enum sd_err err;
	bool sure = false;
	int rc = cli_take_options(c, a, opts, sizeof opts / sizeof *opts);

	if (rc == 0 && a->n != 2)
		rc = cli_usage(c, "import");
	if (rc == 0 && chunk && (!sd_parse_i64(chunk, &o.chunk) || o.chunk < 0))
		rc = cli_complain(c, 2,
			"--chunk %s: expected a number of records; 0: all in one transaction",
			chunk);
	if (rc == 0)
		rc = format_of(c, format, a->v[1], &o.csv, &sure);
	if (rc == 0 && c->batch && strcmp(a->v[1], "-") == 0)
		rc = cli_complain(c, 2, "import: inside a batch a file is needed");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	o.model = a->v[0];
	o.file = a->v[1];
	o.ctx = &p;
	err = sd_api_import(c->api, &o, &n, &e);
	end_progress(&p);
	if (err != SD_OK && !o.dry_run && (n.records || n.resumed))
		cli_say(c, "%s: %lld record(s) are imported; the same command goes on behind them",
			o.file, (long long)(n.records + n.resumed));
	if (err == SD_INVAL && !sure && strstr(e.text, "not valid JSON"))
		sd_fail_prefix(&e, err, "read as NDJSON (--format csv reads CSV)");
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	tell_imported(c, &o, &n);
	return n.invalid ? 2 : 0;
}
