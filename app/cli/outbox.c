/* app/cli/outbox.c - outbox and conflicts, operated from the command line. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/model/scalar.h"

static const char OUTBOX_COLUMNS[] = "seq op model key fields lane attempts error hold";
static const char CONFLICT_COLUMNS[] = "id model key shape found";
static const char FIELD_COLUMNS[] = "name base mine theirs clash pick";

static const char MERGED_COLUMNS[] = "seq at model key message";

static int list_outbox(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_outbox(c->api, false, &list, &e);

	if (rc == SD_OK)
		rc = sd_api_outbox_holds(c->api, list, &e);
	if (rc != SD_OK) {
		sd_json_free(list);
		return cli_fail(c, rc, &e);
	}
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		cli_emit(c, j, OUTBOX_COLUMNS);
	cli_flush(c, OUTBOX_COLUMNS);
	if (!sd_json_count(list))
		cli_note(c, "nothing is unsent");
	sd_json_free(list);
	return 0;
}

static int seq_arg(struct cli *c, const char *text, int64_t *seq)
{
	if (sd_parse_i64(text, seq) && *seq > 0)
		return 0;
	return cli_complain(c, 2, "outbox: %s is no SEQ; `syncdeck outbox` shows them", text);
}

static int show(struct cli *c, int64_t seq)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *j = NULL;
	enum sd_err rc = sd_api_outbox_show(c->api, seq, &j, &e);

	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	return 0;
}

/* The entry's model, to read field=value words with. */
static int edit(struct cli *c, int64_t seq, char **words, int n)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *entry = NULL, *fields;
	const struct sd_model *m;
	enum sd_err err = sd_api_outbox_show(c->api, seq, &entry, &e);
	int rc = 0;

	if (err != SD_OK)
		return cli_fail(c, err, &e);
	m = sd_schema_model(c->schema, sd_json_get_str(entry, "model"));
	fields = sd_json_object();
	if (!n)
		rc = cli_complain(c, 2,
			"outbox edit %lld: which fields? give field=value...; `syncdeck outbox "
			"show %lld` prints the change",
			(long long)seq, (long long)seq);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = cli_field_word(c, m, words[i], fields);
	if (rc == 0) {
		err = sd_api_outbox_edit(c->api, seq, fields, &e);
		rc = err == SD_OK ? show(c, seq) : cli_fail(c, err, &e);
	}
	sd_json_free(fields);
	sd_json_free(entry);
	return rc;
}

/* All lines or none. */
static int import(struct cli *c, const char *file)
{
	struct sd_buf text = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = sd_json_array();
	enum sd_err rc = sd_read_file(file, (size_t)256 << 20, &text, &e);
	int line = 0;

	for (char *p = text.data, *next; rc == SD_OK && p && *p; p = next) {
		char what[600];
		struct cJSON *j = NULL;
		next = p + strcspn(p, "\n");
		if (*next)
			*next++ = '\0';
		snprintf(what, sizeof what, "%s:%d", file, ++line);
		if (p[strspn(p, " \t\r")])
			rc = sd_json_parse(p, strlen(p), what, &j, &e);
		if (rc == SD_OK && j && !sd_json_push(list, j))
			rc = sd_fail(&e, SD_NOMEM, 0, "%s: out of memory", what);
	}
	if (rc == SD_OK) {
		rc = sd_api_outbox_import(c->api, list, &e);
		if (rc != SD_OK)
			sd_fail_prefix(&e, rc, "%s", file);
	}
	if (rc == SD_OK)
		cli_say(c, "%zu unsent change(s) are back in the outbox", sd_json_count(list));
	sd_json_free(list);
	sd_buf_release(&text);
	return rc == SD_OK ? 0 : cli_fail(c, rc == SD_NOTFOUND ? SD_INVAL : rc, &e);
}

/* What was done, for a person; the store's words are the entry itself (`outbox show`). */
static void tell_done(struct cli *c, const char *verb, int64_t seq)
{
	static const struct {
		const char *verb, *text;
	} DONE[] = {{"retry", "is tried again as soon as the server can be reached"},
		{"park", "is kept back; `syncdeck outbox unpark` lets it go"},
		{"unpark", "waits to be sent again"},
		{"rebase", "stands on the newest version now"},
		{"discard", "is discarded; the record is as the server has it"}};

	for (size_t i = 0; i < sizeof DONE / sizeof *DONE; i++)
		if (strcmp(DONE[i].verb, verb) == 0)
			cli_note(c, "change %lld %s", (long long)seq, DONE[i].text);
}

static int pause_sending(struct cli *c, bool pause)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err err = sd_api_outbox_pause(c->api, pause, &e);

	if (err != SD_OK)
		return cli_fail(c, err, &e);
	cli_note(c, pause ? "sending is paused; `syncdeck outbox resume` lets it go on"
			  : "sending goes on");
	return 0;
}

/* What is to be tried again waits for its person: contract.md 5.1, exit 3. */
static int retried(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_api_status s;
	struct sd_api_counts n;
	struct cJSON *who = NULL;
	bool expired = false;

	if (sd_api_counts(c->api, &n, &e) != SD_OK || !n.waiting)
		return 0;
	sd_api_status(c->api, &s);
	if (!s.auth_needed && sd_api_whoami(c->api, &who, &e) == SD_OK)
		expired = sd_str_eq(sd_json_get_str(who, "state"), "expired");
	sd_json_free(who);
	if (!s.auth_needed && !expired)
		return 0;
	return cli_complain(c, 3,
		"outbox retry: unsent changes wait for you to sign in again; nothing is lost: "
		"`syncdeck login`");
}

static int retry_all(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	int64_t n = 0;
	enum sd_err err = sd_api_outbox_retry_all(c->api, &n, &e);

	if (err != SD_OK)
		return cli_fail(c, err, &e);
	if (n)
		cli_note(c, "%lld change(s) are tried again as soon as the server can be reached",
			(long long)n);
	else
		cli_note(c, "no change is refused or waits for its next try");
	return retried(c);
}

int cli_outbox(struct cli *c, struct cli_args *a)
{
	bool all = false, yes = false;
	const struct cli_opt opts[] = {{"--all", CLI_FLAG, &all}, {"--yes", CLI_FLAG, &yes}};
	struct sd_error e = {.code = SD_OK};
	const char *verb;
	int64_t seq = 0;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 2);

	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	verb = a->n ? a->v[0] : "list";
	if (strcmp(verb, "list") == 0 && a->n <= 1)
		return list_outbox(c);
	if ((strcmp(verb, "pause") == 0 || strcmp(verb, "resume") == 0) && a->n == 1)
		return pause_sending(c, verb[0] == 'p');
	if (strcmp(verb, "import") == 0 && a->n == 2)
		return import(c, a->v[1]);
	if (strcmp(verb, "retry") == 0 && all && a->n == 1)
		return retry_all(c);
	if (a->n < 2 || (a->n > 2 && strcmp(verb, "edit") != 0))
		return cli_usage(c, "outbox");
	if ((rc = seq_arg(c, a->v[1], &seq)))
		return rc;
	if (strcmp(verb, "show") == 0)
		return show(c, seq);
	if (strcmp(verb, "edit") == 0)
		return edit(c, seq, a->v + 2, a->n - 2);
	if (strcmp(verb, "discard") == 0 && !yes)
		return cli_complain(c, 2,
			"outbox discard %lld: the change is lost and the record goes back to the "
			"server's copy; say --yes",
			(long long)seq);
	err = sd_api_outbox_do(c->api, verb, seq, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	tell_done(c, verb, seq);
	return strcmp(verb, "retry") == 0 ? retried(c) : 0;
}

/* ---- conflicts ---- */

static int list_conflicts(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_conflicts(c->api, &list, &e);

	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		cli_emit(c, j, CONFLICT_COLUMNS);
	cli_flush(c, CONFLICT_COLUMNS);
	if (!sd_json_count(list))
		cli_note(c, "no record is in conflict");
	sd_json_free(list);
	return 0;
}

/* One conflict: a line for each field that is not the same on all sides. */
static void print_conflict(struct cli *c, const struct cJSON *j)
{
	static const char *const sides[] = {"base", "mine", "theirs"};
	struct cJSON *head = sd_json_object();

	for (const struct cJSON *m = sd_json_child(j); m; m = sd_json_next(m))
		if (!sd_json_is_object(m) && strcmp(sd_json_name(m), "fields") != 0)
			sd_json_set(head, sd_json_name(m), sd_json_dup(m));
	for (size_t i = 0; i < 3; i++)
		if (sd_json_is_null(sd_json_get(j, sides[i])))
			sd_json_set(head, sides[i], sd_json_string("no such record"));
	cli_emit(c, head, NULL);
	sd_json_free(head);
	printf("\n");
	for (const struct cJSON *f = sd_json_child(sd_json_get(j, "fields")); f;
		f = sd_json_next(f)) {
		const struct cJSON *base = sd_json_get(f, "base");
		if (!sd_json_equal(base, sd_json_get(f, "mine"), false) ||
			!sd_json_equal(base, sd_json_get(f, "theirs"), false))
			cli_emit(c, f, FIELD_COLUMNS);
	}
	cli_flush(c, FIELD_COLUMNS);
}

static int show_conflict(struct cli *c, int64_t id)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_conflicts(c->api, &list, &e);
	const struct cJSON *j = sd_json_child(list);
	bool found;

	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	while (j && sd_json_get_i64(j, "id", 0) != id)
		j = sd_json_next(j);
	found = j != NULL;
	if (found && (c->batch || c->o.json))
		cli_emit(c, j, NULL);
	else if (found)
		print_conflict(c, j);
	sd_json_free(list);
	return found ? 0
		     : cli_complain(c, 7, "conflicts: there is no %lld; see `syncdeck conflicts`",
			       (long long)id);
}

/* "name=value" words of --field and --set into obj. */
static int pairs(struct cli *c, const struct cli_list *l, bool json, struct cJSON *obj)
{
	for (size_t i = 0; i < l->n; i++) {
		const char *eq = strchr(l->v[i], '=');
		struct sd_error e = {.code = SD_OK};
		struct cJSON *v = NULL;
		char *name;
		enum sd_err rc = SD_OK;
		if (!eq || eq == l->v[i])
			return cli_complain(c, 2, "%s %s: expected NAME=%s",
				json ? "--set" : "--field", l->v[i],
				json ? "JSON" : "mine|theirs|base");
		name = sd_strdup_n(l->v[i], (size_t)(eq - l->v[i]));
		if (json)
			rc = sd_json_parse(eq + 1, strlen(eq + 1), l->v[i], &v, &e);
		else
			v = sd_json_string(eq + 1);
		if (rc == SD_OK)
			sd_json_set(obj, name, v);
		free(name);
		if (rc != SD_OK)
			return cli_fail(c, rc, &e);
	}
	return 0;
}

/* conflicts merged: what the service's own merges dropped or doubled */
static int list_merged(struct cli *c)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_merged(c->api, 1000, &list, &e);

	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		cli_emit(c, j, MERGED_COLUMNS);
	cli_flush(c, MERGED_COLUMNS);
	if (!sd_json_count(list))
		cli_note(c, "no merge of the service dropped or doubled anything");
	sd_json_free(list);
	return 0;
}

/* conflicts restore SEQ [FIELD...] */
static int restore(struct cli *c, char **words, int n)
{
	struct cJSON *names = n > 1 ? sd_json_array() : NULL, *rec = NULL;
	struct sd_error e = {.code = SD_OK};
	int64_t seq;
	enum sd_err rc;

	if (!sd_parse_i64(words[0], &seq)) {
		sd_json_free(names);
		return cli_usage(c, "conflicts");
	}
	for (int i = 1; i < n; i++)
		sd_json_push(names, sd_json_string(words[i]));
	rc = sd_api_restore(c->api, seq, names, &rec, &e);
	sd_json_free(names);
	if (rc != SD_OK)
		return cli_fail(c, rc, &e);
	cli_emit(c, rec, NULL);
	sd_json_free(rec);
	return 0;
}

int cli_conflicts(struct cli *c, struct cli_args *a)
{
	const char *keep = NULL;
	struct cli_list fields = {.n = 0}, sets = {.n = 0};
	bool dry = false;
	const struct cli_opt opts[] = {{"--keep", CLI_VALUE, &keep}, {"--field", CLI_LIST, &fields},
		{"--set", CLI_LIST, &sets}, {"--dry-run", CLI_FLAG, &dry}};
	struct sd_error e = {.code = SD_OK};
	struct cJSON *picks, *values, *write = NULL;
	int64_t id;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 4);

	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	if (a->n == 0 || (a->n == 1 && strcmp(a->v[0], "list") == 0))
		return list_conflicts(c);
	if (a->n == 1 && strcmp(a->v[0], "merged") == 0)
		return list_merged(c);
	if (a->n >= 2 && strcmp(a->v[0], "restore") == 0)
		return restore(c, a->v + 1, a->n - 1);
	if (strcmp(a->v[0], "show") == 0 && a->n == 2 && sd_parse_i64(a->v[1], &id))
		return show_conflict(c, id);
	if (strcmp(a->v[0], "resolve") != 0 || a->n != 2 || !sd_parse_i64(a->v[1], &id))
		return cli_usage(c, "conflicts");
	if (!keep && !fields.n && !sets.n)
		return cli_complain(c, 2,
			"conflicts resolve: say --keep mine|theirs|base, or --field NAME=mine and "
			"--set "
			"NAME=JSON for each clash");
	picks = sd_json_object();
	values = sd_json_object();
	rc = pairs(c, &fields, false, picks);
	if (rc == 0)
		rc = pairs(c, &sets, true, values);
	if (rc == 0) {
		err = sd_api_resolve(c->api, id, keep, picks, values, dry, &write, &e);
		if (err != SD_OK)
			rc = cli_fail(c, err, &e);
		else
			cli_emit(c, write, NULL);
	}
	sd_json_free(write);
	sd_json_free(picks);
	sd_json_free(values);
	return rc;
}
