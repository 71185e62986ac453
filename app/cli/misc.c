/* app/cli/misc.c - keys, info, config, codegen, and the table of commands. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "app/cli/project.h"
#include "app/paths.h"
#include "core/base/fs.h"
#include "core/base/time.h"
#include "ui/action.h"

const struct cli_command CLI_COMMANDS[] = {
	{"models", "models", "the models with counts and sync state", cli_models},
	{"query",
		"query MODEL [--where P] [--sort f,-g] [--limit N] [--page K] [--state S] "
		"[--count] [--deleted] [--orphans]",
		"records of this device, by predicate", cli_query},
	{"get", "get MODEL KEY...", "one record; a composite key is its parts in order", cli_get},
	{"related", "related MODEL KEY... FIELD", "the records behind a relation", cli_related},
	{"save", "save MODEL [field=value...] [--input FILE|-] [--if P] [--wait]",
		"create, or update when the key exists; durable before it answers", cli_save},
	{"delete", "delete MODEL (KEY... | --where P | --all) [--if P] [--dry-run]",
		"delete, with the cascade the relations ask for", cli_delete},
	{"observe", "observe [MODEL [KEY...]] [--where P]", "stream changes until interrupted",
		cli_observe},
	{"observe-query", "observe-query MODEL [--where P] [--sort f,-g]", "stream snapshots",
		cli_observe_query},
	{"unobserve", "unobserve", "end the observers of this batch", cli_unobserve},
	{"sync",
		"sync [--once] [--full] [--model M]... [--timeout DURATION] | sync "
		"pause|resume | sync drop-outside [--model M]... [--dry-run] | sync quarantined "
		"[--model M]... [--retry]",
		"run the engine in the foreground; pause: fetch nothing, send only; drop-outside: "
		"rows a narrower sync expression left here",
		cli_sync},
	{"outbox",
		"outbox [list | show|retry|park|unpark|rebase|discard SEQ | edit SEQ "
		"FIELD=VALUE... | retry --all | pause | resume | import FILE]",
		"the changes the server has not accepted yet", cli_outbox},
	{"conflicts",
		"conflicts [list | show ID | merged | restore SEQ [FIELD...] | resolve ID (--keep "
		"mine|theirs|base | --field f=mine...) [--set "
		"f=JSON]... "
		"[--dry-run]]",
		"records changed on both sides: base, mine, theirs", cli_conflicts},
	{"forecast", "forecast MODEL KEY...", "what the server will make of the pending change",
		cli_forecast},
	{"history", "history MODEL KEY...", "every version seen here, newest first", cli_history},
	{"log", "log [--model M] [--limit N]",
		"what happened, one line a cause: write, sent, confirmed, echo", cli_log},
	{"revert", "revert MODEL KEY... --to VERSION", "write an old version as a new change",
		cli_revert},
	{"undo", "undo [SEQ]",
		"take back the last unsent save, or change SEQ; a delete with its whole cascade",
		cli_undo},
	{"redo", "redo", "make again what was undone last", cli_redo},
	{"export", "export [MODEL...] [--where P] [--format ndjson|csv] [-o FILE] [--formula-safe]",
		"records into a file; several models add _model to each", cli_export},
	{"import", "import MODEL FILE|- [--format ndjson|csv] [--dry-run] [--orphans] [--chunk N]",
		"records out of a file: created, or updated when the key exists", cli_import},
	{"login", "login [USER] [--pending push|export FILE|discard]",
		"sign in (SYNCDECK_PASSWORD, or a prompt)", cli_login},
	{"logout", "logout [--pending push|export FILE|discard]",
		"sign out: local data is locked until the same user is back", cli_logout},
	{"whoami", "whoami", "who is signed in", cli_whoami},
	{"users", "users", "who has signed in on this profile", cli_users},
	{"switch", "switch USER [--pending push|export FILE|discard]",
		"another user takes over: local data is wiped first", cli_switch},
	{"clear", "clear [--pending push|export FILE|discard]",
		"wipe local data, keep the server's", cli_clear},
	{"explain", "explain MODEL KEY...", "why a record is as it is, or is not here",
		cli_explain},
	{"audit", "audit [MODEL...]", "compare every record with the server's", cli_audit},
	{"doctor", "doctor", "check configuration, schema, endpoint, access, clock and store",
		cli_doctor},
	{"bundle", "bundle FILE [--with-data]",
		"support archive: no token, and no values unless asked", cli_bundle},
	{"rescue", "rescue",
		"set a damaged store aside; a new one gets its unsent changes and what can be read",
		cli_rescue},
	{"forensic", "forensic FILE [tables|TABLE]",
		"what an Android or iOS app has not sent: its DataStore file, copied, read only",
		cli_forensic},
	{"batch", "batch", "commands on stdin, one a line; answers and events as JSON", cli_batch},
	{"start", "start", "start the engine (batch)", cli_start},
	{"stop", "stop", "stop the engine, keep the data (batch)", cli_stop},
	{"net", "net on|off", "cut and restore the network by hand (batch)", cli_net},
	{"wait", "wait ready|drained [DURATION]", "wait for the engine (batch)", cli_wait},
	{"sandbox",
		"sandbox [-s FILE] [--host H] [--port N] [--db FILE] [--tls]\n"
		"       [--seed demo|FILE|N[:SEED]] [--users FILE] [--admin] [--write-config "
		"FILE]\n"
		"       [--strategy automerge|optimistic|lambda:COMMAND|none]\n"
		"       [--model-strategy MODEL=STRATEGY]\n"
		"       [--max-limit N] [--delta-ttl D] [--base-ttl D] [--keep-alive D]\n"
		"       [--connection-timeout D] [--set "
		"max_subscriptions|token_ttl|ws_lifetime|...=V]",
		"the local backend", cli_sandbox},
	{"demo", "demo", "sandbox with sample data, two simulated devices, and the UI", cli_demo},
	{"demo-device", "demo-device --name NAME [--person DIR]", NULL, cli_demo_device},
	{"init", "init [--name NAME]", "make this directory a project", cli_init},
	{"status", "status", "what differs between the project and its backend", cli_status},
	{"push", "push", "give the project's schema to its backend", cli_push},
	{"pull", "pull [--no-modify] [--force]", "bring a backend's models and configuration here",
		cli_pull},
	{"codegen", "codegen", "the model introspection JSON of the schema", cli_codegen},
	{"keys", "keys", "every action with its keys", cli_keys},
	{"info", "info", "every path in use", cli_info},
	{"config", "config", "every setting, its value and where it came from", cli_config},
	{"completion", "completion bash|zsh|fish", "completion for a shell, from the commands",
		cli_completion},
	{"help", "help [COMMAND|conflict|predicate]", "this, or one command in full", cli_help},
	{NULL, NULL, NULL, NULL},
};

const struct cli_command *cli_find(const char *name)
{
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++)
		if (strcmp(k->name, name) == 0)
			return k;
	return NULL;
}

int cli_run(struct cli *c, char **words, int n)
{
	const struct cli_command *k = cli_find(words[0]);
	struct cli_args a = {words + 1, n - 1};
	int rc;

	if (!k)
		return cli_complain(c, 2, "no command is named %s; see `syncdeck help`", words[0]);
	rc = k->run(c, &a);
	if (!c->batch && fflush(stdout) == 0 && ferror(stdout) && rc == 0)
		rc = cli_complain(c, 1, "writing the output failed");
	return rc;
}

int cli_keys(struct cli *c, struct cli_args *a)
{
	struct sd_buf where = SD_BUF_INIT;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "keys");
	for (int i = 1; rc == 0 && i < SD_ACT_COUNT; i++) {
		const struct sd_action *k = sd_action((enum sd_act)i);
		struct cJSON *j = sd_json_object();
		sd_buf_reset(&where);
		sd_json_add_str(j, "action", k->name);
		sd_json_add_str(j, "keys", k->keys);
		sd_action_where(k->where, &where);
		sd_json_add_str(j, "where", sd_buf_text(&where));
		sd_json_add_str(j, "group", k->group);
		sd_json_add_str(j, "help", k->text);
		cli_emit(c, j, "action keys where help");
		sd_json_free(j);
	}
	cli_flush(c, "action keys where help");
	sd_buf_release(&where);
	return rc;
}

/* Size of the store with its log, bytes. */
static int64_t store_bytes(const char *dir)
{
	static const char *const FILES[] = {"store.db", "store.db-wal"};
	int64_t n = 0;

	for (size_t i = 0; i < sizeof FILES / sizeof *FILES; i++) {
		char *path = sd_path_join(dir, FILES[i]);
		struct stat s;
		if (path && stat(path, &s) == 0)
			n += (int64_t)s.st_size;
		free(path);
	}
	return n;
}

int cli_info(struct cli *c, struct cli_args *a)
{
	char *settings, *state, *store, *log, *project;
	struct sd_api_status st;
	struct cJSON *j;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "info");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	settings = app_settings_path();
	state = app_state_dir();
	store = sd_path_join(c->data_dir, "store.db");
	log = c->o.log_file ? strdup(c->o.log_file) : state ? sd_path_join(state, "log") : NULL;
	project = cli_project_name();
	sd_api_status(c->api, &st);
	j = sd_json_object();
	sd_json_add_str(j, "version", SD_VERSION);
	sd_json_add_str(j, "project", project);
	sd_json_add_str(j, "config", c->config_path);
	sd_json_add_str(j, "schema", c->schema_path ? c->schema_path : c->config_path);
	sd_json_add_str(j, "schemaHash", c->schema->hash);
	sd_json_add_int(j, "models", (int64_t)c->schema->model_count);
	sd_json_add_str(j, "endpoint", sd_api_endpoint(c->api));
	sd_json_add_str(j, "dataDir", c->data_dir);
	sd_json_add_str(j, "store", store);
	sd_json_add_int(j, "storeBytes", store_bytes(c->data_dir));
	sd_json_add(j, "engine", st.engine_pid ? sd_json_int(st.engine_pid) : sd_json_null());
	sd_json_add_str(j, "settings", settings);
	sd_json_add_str(j, "stateDir", state);
	sd_json_add_str(j, "log", log);
	sd_json_add_bool(j, "readOnly", sd_api_read_only(c->api));
	sd_json_add_bool(j, "locked", sd_api_locked(c->api));
	for (size_t i = 0; i < c->schema->note_count && !c->o.json && !c->batch; i++)
		cli_say(c, "note: %s", c->schema->notes[i]);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	free(settings);
	free(state);
	free(store);
	free(log);
	free(project);
	return 0;
}

int cli_config(struct cli *c, struct cli_args *a)
{
	struct cJSON *list;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "config");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	list = app_settings_json(&c->settings);
	for (const struct cJSON *j = sd_json_child(list); j; j = sd_json_next(j))
		cli_emit(c, j, "key value unit from");
	cli_flush(c, "key value unit from");
	sd_json_free(list);
	return 0;
}

int cli_codegen(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "codegen");
	if (rc == 0)
		rc = cli_load_schema(c);
	if (rc)
		return rc;
	err = sd_schema_codegen(c->schema, &j, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	if (c->batch || c->o.json) {
		cli_emit(c, j, NULL);
	} else {
		sd_json_print_pretty(j, &text);
		printf("%s\n", sd_buf_text(&text));
	}
	sd_buf_release(&text);
	sd_json_free(j);
	return 0;
}
