/* app/cli/help.c - help: the list, one command with an example, topics. */
#include <stdio.h>
#include <string.h>

#include "app/cli/cli.h"

/* What a person would really type; and what else is worth knowing. */
static const struct example {
	const char *name, *example, *more;
} EXAMPLE[] = {
	{"models", "syncdeck models", NULL},
	{"query",
		"syncdeck query Post --where 'rating > 4 and status = ACTIVE' --sort -rating,title",
		"The default limit is 100, --limit 0 is none; --page counts from 0. --deleted "
		"shows "
		"tombstones,\n--orphans the records that belong to one that is not here. See "
		"`syncdeck help predicate`."},
	{"get", "syncdeck get Book 978-3-16 'A title'", "Exit 7 when there is no such record."},
	{"related", "syncdeck related Post p1 comments", NULL},
	{"save", "syncdeck save Post id=p1 title='Hello' tags:='[\"a\"]' note=@note.txt",
		"field=value takes the text as the field's type, field:=JSON raw JSON, field=@FILE "
		"a "
		"file's\ntext. --input takes JSON objects, one a line, in one transaction. --if is "
		"checked by the server."},
	{"delete", "syncdeck delete Post --where 'status = INACTIVE' --dry-run",
		"Children go with their parents; --dry-run lists all that would go. `syncdeck "
		"undo` "
		"takes the\nwhole command back as long as it was not sent."},
	{"observe", "syncdeck observe Post --where 'rating > 4' --json", NULL},
	{"observe-query", "syncdeck observe-query Post --sort -rating", NULL},
	{"unobserve", "echo unobserve | syncdeck batch", NULL},
	{"sync", "syncdeck sync --once --timeout 60s",
		"--once ends when everything is synced and nothing can be sent any more: exit 0, "
		"3, "
		"4, 5, 6 or 8."},
	{"outbox", "syncdeck outbox show 12",
		"show has the exact request. edit changes fields of the unsent change: outbox edit "
		"12 "
		"title=new.\npark keeps one back until unpark, pause keeps all; rebase puts one on "
		"the newest version.\ndiscard needs --yes: the change is lost."},
	{"conflicts", "syncdeck conflicts resolve 3 --field title=mine --set note='\"both\"'",
		"show has the fields that differ, side by side, and the clashes to decide. merged "
		"lists what the\nservice's own merges dropped, restore SEQ brings it back. See "
		"`syncdeck help conflict`."},
	{"forecast", "syncdeck forecast Post p1", NULL},
	{"history", "syncdeck history Post p1",
		"How long versions are kept: history.max_rows, history.max_age."},
	{"log", "syncdeck log --model Post --limit 20",
		"A change made here is one line with its steps; so is each one that came from "
		"elsewhere."},
	{"revert", "syncdeck revert Post p1 --to 4",
		"The fields of version 4 become a new change of the newest version."},
	{"undo", "syncdeck undo",
		"Without SEQ the newest unsent save, one after the other; a delete comes back "
		"with its whole\ncascade. With SEQ that entry of the outbox, with all the saves "
		"that went into it. Saves in an\nentry that was refused, tried again or put on a "
		"newer version are taken back together.\n`syncdeck redo` makes it again."},
	{"redo", "syncdeck redo", "Until something else is changed."},
	{"export", "syncdeck export Post --where 'rating > 4' -o posts.csv",
		"NDJSON or CSV (RFC 4180; by --format or the file's name). In CSV null is an empty "
		"cell, the\nempty text is \"\", lists, embedded types and AWSJSON are JSON. Cells "
		"stay "
		"as they are: a\nspreadsheet may take = + - @ for a formula; --formula-safe puts a "
		"' "
		"in front of those, and\nsuch a file does not come back equal. The file appears "
		"whole "
		"or not at all."},
	{"import", "syncdeck import Post posts.csv --dry-run",
		"Nothing is written when a line is wrong; --dry-run tells every wrong line. A "
		"large "
		"file is\nwritten in several transactions (--chunk N) and goes on where it stopped "
		"when "
		"the same file is\nimported again. --orphans takes records whose parent is not "
		"here."},
	{"login", "SYNCDECK_PASSWORD=... syncdeck login ana",
		"The password comes from the terminal or SYNCDECK_PASSWORD. SYNCDECK_CODE has the "
		"code of a\nsecond factor, SYNCDECK_NEW_PASSWORD the new password where one is "
		"asked for."},
	{"logout", "syncdeck logout", NULL},
	{"whoami", "syncdeck whoami --json", NULL},
	{"users", "syncdeck users", NULL},
	{"switch", "syncdeck switch ben --pending push", NULL},
	{"clear", "syncdeck clear --pending export unsent.ndjson", NULL},
	{"explain", "syncdeck explain Post p1",
		"Causes: synced pending conflict refused quarantined filtered tombstone forbidden "
		"capped unknown."},
	{"audit", "syncdeck audit Post",
		"A line a difference: missing-here, missing-there, version, content, tombstone; "
		"exit "
		"1 when\nthere is one. Unsent changes are none. Together with `export` it is the "
		"way to "
		"leave: audit,\nexport everything, compare the counts."},
	{"doctor", "syncdeck doctor", "A line a check; exit 1 when one fails."},
	{"bundle", "syncdeck bundle support.tar",
		"State, events, schema and versions. Never a token; no value of a record unless "
		"--with-data."},
	{"rescue", "syncdeck rescue", NULL},
	{"forensic", "syncdeck forensic AmplifyDatastore.db",
		"Decodes the queue of a DataStore database copied from a device (its -wal file "
		"beside it is\nread, too); tables lists what is in it, TABLE prints its rows. "
		"Nothing is written; no profile and no\nschema is needed."},
	{"batch", "printf 'save Post title=a\\nwait drained\\n' | syncdeck batch",
		"One command a line (shell quoting, or a JSON array of words); one engine stays up "
		"between them."},
	{"start", "echo start | syncdeck batch", NULL},
	{"stop", "echo stop | syncdeck batch", NULL},
	{"net", "printf 'net off\\nsave Post title=a\\nnet on\\n' | syncdeck batch", NULL},
	{"wait", "printf 'save Post title=a\\nwait drained 10s\\n' | syncdeck batch", NULL},
	{"sandbox",
		"syncdeck sandbox -s schema.graphql --admin --write-config amplify_outputs.json",
		NULL},
	{"demo", "syncdeck demo", NULL},
	{"init", "syncdeck init --name shop", NULL},
	{"status", "syncdeck status",
		"Create, Update, Delete or No Change for the API and each model: schema.graphql "
		"against what was\npushed or pulled last."},
	{"push", "syncdeck push",
		"Does something only when status says so. The backend is a sandbox on this machine "
		"that runs with\n--admin; nothing is ever deployed elsewhere."},
	{"pull", "SYNCDECK_API_KEY=... syncdeck pull --endpoint https://HOST/graphql",
		"Writes schema.graphql and amplify_outputs.json, by introspection; --no-modify the "
		"latter only.\nThe backend is not altered."},
	{"codegen", "syncdeck codegen > model-introspection.json",
		"The same schema gives the same bytes."},
	{"keys", "syncdeck keys", NULL},
	{"info", "syncdeck info --json", NULL},
	{"config", "syncdeck config",
		"`--config-set KEY=VALUE` sets one for a command, a line `key = value` in the file "
		"for "
		"all. keys.ACTION takes\nkeys (`syncdeck keys` lists the actions), color.ROLE "
		"\"[bold] [underline] [reverse] COLOR [on COLOR]\"."},
	{"completion", "source <(syncdeck completion bash)",
		"zsh: syncdeck completion zsh > DIR-OF-FPATH/_syncdeck\nfish: syncdeck completion "
		"fish | source"},
	{"help", "syncdeck help export", NULL},
};

static const char HEAD[] =
	"syncdeck - browse and edit data kept in sync with AWS AppSync\n\n"
	"usage: syncdeck [OPTIONS]                 the terminal UI\n"
	"       syncdeck [OPTIONS] COMMAND [ARGS]  the same core, without it\n\n"
	"options:\n"
	"  -c, --config FILE     client configuration (amplify_outputs.json, aws-exports.js ...)\n"
	"  -s, --schema FILE     models (schema.graphql, introspection JSON, schema.js)\n"
	"  -d, --data-dir DIR    local data of this profile\n"
	"  --endpoint URL  --api-key KEY  --auth MODE\n"
	"  --offline  --read-only  --json  --config-set KEY=VALUE\n"
	"  --color auto|always|never  --ascii  --no-mouse  --theme NAME\n"
	"  --log-level LEVEL  --log-file FILE  -h, --help  --version\n\n"
	"commands:\n";

static const struct topic {
	const char *name, *text;
} TOPIC[] = {
	{"conflict",
		"When a record was changed here and on the server, syncdeck compares base, mine "
		"and theirs\n"
		"before it sends. Fields changed on one side only merge by themselves. A field "
		"changed on\n"
		"both sides is a clash, decided by conflict.policy (per model: [model NAME] in the "
		"config,\n"
		"or --config-set model.NAME.conflict.policy=...):\n\n"
		"  merge    (default) merge what does not clash, ask about what does\n"
		"  ask      always ask\n"
		"  mine     my fields win, on top of the newest version\n"
		"  theirs   the server's record wins; my change is dropped, with a journal line\n"
		"  server   send with the version the edit was made on; the service's strategy "
		"decides\n"
		"  !command the conflict as JSON on stdin (a line of `conflicts --json`, with "
		"operation\n"
		"           and attempts), the decision on stdout: the word mine, theirs or base, "
		"or JSON\n"
		"           {\"keep\":\"mine\"}, {\"field\":{\"title\":\"mine\"}}, "
		"{\"set\":{\"title\":\"new\"}}, or the\n"
		"           conflict itself with a pick for each clash; anything else asks a "
		"person\n\n"
		"`syncdeck conflicts` lists what waits for a decision, `conflicts show ID` has "
		"the sides,\n`conflicts resolve ID` "
		"decides.\n"},
	{"predicate",
		"  rating > 4 and (status = ACTIVE or not title beginsWith \"[x]\") and tags "
		"contains \"a\"\n"
		"  rating between 2 and 4      createdAt last 7d      status in (A, B)      note = "
		"null\n\n"
		"Operators: = != < <= > >= between..and contains(~) notContains(!~) beginsWith(^)\n"
		"last in notIn; `and` binds tighter than `or`, `not` tighter than both; `all` is "
		"always\n"
		"true. _version, _lastChangedAt and _state can be used too.\n"},
};

/* One line of `help` for a program; any may be NULL. */
static void emit_help(struct cli *c, const struct cli_command *k, const struct example *x)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "command", k->name);
	sd_json_add_str(j, "usage", k->usage);
	sd_json_add_str(j, "help", k->help);
	if (x) {
		sd_json_add_str(j, "more", k->run == cli_sandbox ? CLI_SANDBOX_HELP : x->more);
		sd_json_add_str(j, "example", x->example);
	}
	cli_emit(c, j, NULL);
	sd_json_free(j);
}

static int help_all(struct cli *c, bool json)
{
	if (!json)
		fputs(HEAD, stdout);
	for (const struct cli_command *k = CLI_COMMANDS; k->name; k++) {
		if (k->help && json)
			emit_help(c, k, NULL);
		else if (k->help)
			printf("  %-14s %s\n", k->name, k->help);
	}
	if (!json)
		puts("\n`syncdeck help COMMAND` shows one; topics: conflict, predicate.");
	return 0;
}

static int help_topic(struct cli *c, const struct topic *t, bool json)
{
	struct cJSON *j;

	if (!json) {
		fputs(t->text, stdout);
		return 0;
	}
	j = sd_json_object();
	sd_json_add_str(j, "topic", t->name);
	sd_json_add_str(j, "text", t->text);
	cli_emit(c, j, NULL);
	sd_json_free(j);
	return 0;
}

int cli_help(struct cli *c, struct cli_args *a)
{
	bool json = c->batch || c->o.json;
	const struct cli_command *k;
	const struct example *x = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc)
		return rc;
	if (a->n == 0)
		return help_all(c, json);
	for (size_t i = 0; i < sizeof TOPIC / sizeof *TOPIC; i++)
		if (strcmp(a->v[0], TOPIC[i].name) == 0)
			return help_topic(c, &TOPIC[i], json);
	k = cli_find(a->v[0]);
	if (!k)
		return cli_complain(c, 2, "no command is named %s; see `syncdeck help`", a->v[0]);
	for (size_t i = 0; i < sizeof EXAMPLE / sizeof *EXAMPLE; i++)
		if (strcmp(k->name, EXAMPLE[i].name) == 0)
			x = &EXAMPLE[i];
	if (json) {
		emit_help(c, k, x);
		return 0;
	}
	printf("usage: syncdeck %s\n\n%s\n", k->usage, k->help ? k->help : "");
	if (k->run == cli_sandbox)
		fputs(CLI_SANDBOX_HELP, stdout);
	if (x && x->more)
		printf("%s\n", x->more);
	if (x)
		printf("\nexample:\n  %s\n", x->example);
	return 0;
}
