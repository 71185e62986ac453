/*
 * app/cli/cli.h - what the commands share: options, output, errors, the profile, the pump.
 *
 * A command returns its exit code (contract.md 2).  Data goes out through cli_emit(), words and
 * errors through cli_say() and cli_fail(); in a batch both are gathered into the answer.
 *
 * Depends on: core/api, base, json, model.  Threads: main only.
 */
#ifndef SD_APP_CLI_H
#define SD_APP_CLI_H

#include <stdio.h>

#include "app/settings.h"
#include "core/api/api.h"
#include "core/base/buf.h"

struct cli_options { /* global ones (contract.md 1); strings borrowed from argv */
	const char *config, *schema, *data_dir, *endpoint, *api_key, *auth;
	const char *color, *theme, *log_level, *log_file;
	const char *sets[64];
	size_t set_count;
	bool offline, read_only, json, ascii, no_mouse, help, version;
};

struct cli_watch { /* an observer of a batch, or of `observe` itself */
	struct cli_watch *next;
	int line;
	struct sd_api_watch *watch;
	char *model, *where, *sort; /* of a snapshot observer; owned */
	bool snapshots, last_synced, told;
	int64_t due_ms; /* monotonic; 0: nothing changed */
};

struct cli {
	struct cli_options o;
	struct app_settings settings;
	bool settings_read;
	struct sd_config *config;                   /* owned */
	struct sd_schema *schema;                   /* owned */
	char *config_path, *schema_path, *data_dir; /* owned */
	struct sd_api *api;                         /* owned; NULL until cli_open() */
	const char *program;                        /* argv[0] resolved, to start children */
	/* output */
	bool batch;
	bool pumping;       /* events are being printed: flushed behind the last */
	int line;           /* of the batch, from 1 */
	struct cJSON *out;  /* batch: the answer's lines */
	struct sd_buf err;  /* batch: the answer's words */
	struct cJSON *rows; /* text mode: rows of the table being gathered */
	struct cli_watch *watches;
	bool auto_engine;    /* batch: start the engine with the first command */
	bool engine_stopped; /* `stop` was said */
};

struct cli_args {
	char **v;
	int n;
};

struct cli_command {
	const char *name, *usage, *help;
	int (*run)(struct cli *c, struct cli_args *a);
};
/* Ends with a NULL name. */
extern const struct cli_command CLI_COMMANDS[];
const struct cli_command *cli_find(const char *name);
/* Runs one command line (words); returns its exit code. */
int cli_run(struct cli *c, char **words, int n);

/* Options of one command: taken out of a->v wherever they stand, up to "--". */
enum cli_opt_kind { CLI_FLAG, CLI_VALUE, CLI_LIST };
struct cli_list {
	const char *v[64];
	size_t n;
};
struct cli_opt {
	const char *name; /* "--where" */
	enum cli_opt_kind kind;
	void *to; /* bool *, const char **, struct cli_list * */
};
/* 0, or 2 after saying what is wrong. */
int cli_take_options(struct cli *c, struct cli_args *a, const struct cli_opt *o, size_t n);
/* Does this option of any command take a value? (for the scan of global options) */
bool cli_option_has_value(const char *name);
int cli_usage(struct cli *c, const char *command);

/* Opens configuration, schema and profile; 0 or an exit code. */
int cli_open(struct cli *c);
/* The same, but when the profile itself does not open: -1 with the reason in *e, nothing said. */
int cli_try_open(struct cli *c, struct sd_error *e);
int cli_load_config(struct cli *c);
int cli_load_schema(struct cli *c);  /* configuration and schema only */
int cli_find_profile(struct cli *c); /* and settings and the data directory, nothing opened */
/* Configuration and settings read, everything in o but schema and data_dir; 0 or an exit code. */
int cli_api_opts(struct cli *c, struct sd_api_opts *o);
void cli_close(struct cli *c);

/* Says the error and returns its exit code. */
int cli_fail(struct cli *c, enum sd_err rc, const struct sd_error *e);
int cli_complain(struct cli *c, int exit, const char *fmt, ...) SD_PRINTF(3, 4);
void cli_say(struct cli *c, const char *fmt, ...) SD_PRINTF(2, 3); /* words, stderr */
/* The same for a person only: what was done, or that there is nothing.  Not with --json, not in a
 * batch: there the data says it. */
void cli_note(struct cli *c, const char *fmt, ...) SD_PRINTF(2, 3);
/* One line of data; borrowed.  Text mode: `columns` (space separated names; NULL: all members, one
 * a line) choose what a person sees; the table is printed by cli_flush(). */
void cli_emit(struct cli *c, const struct cJSON *line, const char *columns);
void cli_flush(struct cli *c, const char *columns);
/* Columns a person sees of a model: its key, a few plain fields, the state; appended. */
void cli_record_columns(const struct cli *c, const char *model, struct sd_buf *out);
/* An sd_api_rec_fn that emits: ctx is a struct cli_emit_ctx. */
struct cli_emit_ctx {
	struct cli *c;
	const char *columns;
	int64_t count;
};
bool cli_emit_rec(void *ctx, struct cJSON *rec);
/* A value as a person reads it, safe for the terminal; appended. */
void cli_show_value(const struct cJSON *v, struct sd_buf *out);
/* The same of a named member: the times of lists (milliseconds) as dates. */
void cli_show_member(const char *name, const struct cJSON *v, struct sd_buf *out);
void cli_print_json(FILE *f, const struct cJSON *j); /* one line */

/* KEY words -> key text; 0 or 2. */
int cli_key(struct cli *c, const char *model, char *const *words, int n, struct sd_buf *key);
/* field=value, field:=JSON or field=@FILE into obj (contract.md 4); 0 or 2. */
int cli_field_word(struct cli *c, const struct sd_model *m, const char *word, struct cJSON *obj);
/* The value of an environment variable, else a prompt on the terminal; NULL: neither. Owned. */
char *cli_secret(const char *variable, const char *prompt);

/* True after SIGINT or SIGTERM. */
bool cli_interrupted(void);
void cli_catch_signals(void);
/* Waits for events, store changes or input on fd (-1: none), at most ms; prints what observers
 * saw and (print_events) the engine's events.  Returns true when fd is readable. */
bool cli_pump(struct cli *c, int fd, int64_t ms, bool print_events);
void cli_watches_close(struct cli *c);
int64_t cli_duration_arg(const char *text); /* ms; -1: not a duration */

/* The terminal UI; users: whom the switch dialog offers (the demo). */
struct sd_ui_user;
int cli_ui(struct cli *c, const struct sd_ui_user *users, size_t user_count);

/* families */
int cli_models(struct cli *c, struct cli_args *a);
int cli_query(struct cli *c, struct cli_args *a);
int cli_get(struct cli *c, struct cli_args *a);
int cli_related(struct cli *c, struct cli_args *a);
int cli_save(struct cli *c, struct cli_args *a);
int cli_delete(struct cli *c, struct cli_args *a);
int cli_observe(struct cli *c, struct cli_args *a);
int cli_observe_query(struct cli *c, struct cli_args *a);
int cli_unobserve(struct cli *c, struct cli_args *a);
int cli_sync(struct cli *c, struct cli_args *a);
int cli_outbox(struct cli *c, struct cli_args *a);
int cli_conflicts(struct cli *c, struct cli_args *a);
int cli_forecast(struct cli *c, struct cli_args *a);
int cli_history(struct cli *c, struct cli_args *a);
int cli_rescue(struct cli *c, struct cli_args *a);
int cli_forensic(struct cli *c, struct cli_args *a);
int cli_undo(struct cli *c, struct cli_args *a);
int cli_redo(struct cli *c, struct cli_args *a);
int cli_revert(struct cli *c, struct cli_args *a);
int cli_export(struct cli *c, struct cli_args *a);
int cli_import(struct cli *c, struct cli_args *a);
int cli_explain(struct cli *c, struct cli_args *a);
int cli_audit(struct cli *c, struct cli_args *a);
int cli_doctor(struct cli *c, struct cli_args *a);
int cli_bundle(struct cli *c, struct cli_args *a);
int cli_init(struct cli *c, struct cli_args *a);
int cli_status(struct cli *c, struct cli_args *a);
int cli_push(struct cli *c, struct cli_args *a);
int cli_pull(struct cli *c, struct cli_args *a);
int cli_completion(struct cli *c, struct cli_args *a);
int cli_log(struct cli *c, struct cli_args *a);
int cli_login(struct cli *c, struct cli_args *a);
int cli_logout(struct cli *c, struct cli_args *a);
int cli_whoami(struct cli *c, struct cli_args *a);
int cli_users(struct cli *c, struct cli_args *a);
int cli_switch(struct cli *c, struct cli_args *a);
int cli_clear(struct cli *c, struct cli_args *a);
int cli_batch(struct cli *c, struct cli_args *a);
int cli_net(struct cli *c, struct cli_args *a);
int cli_wait(struct cli *c, struct cli_args *a);
int cli_start(struct cli *c, struct cli_args *a);
int cli_stop(struct cli *c, struct cli_args *a);
extern const char CLI_SANDBOX_HELP[]; /* what help says beyond its usage */
int cli_sandbox(struct cli *c, struct cli_args *a);
int cli_demo(struct cli *c, struct cli_args *a);
int cli_demo_device(struct cli *c, struct cli_args *a);
int cli_keys(struct cli *c, struct cli_args *a);
int cli_info(struct cli *c, struct cli_args *a);
int cli_config(struct cli *c, struct cli_args *a);
int cli_codegen(struct cli *c, struct cli_args *a);
int cli_help(struct cli *c, struct cli_args *a);

#endif
