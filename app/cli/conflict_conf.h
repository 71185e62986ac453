/*
 * app/cli/conflict_conf.h - the conflict settings of an Amplify project for the sandbox:
 * transform.conf.json beside the schema (spec/server.md 8.1, read as it is).
 *
 * Depends on: base, json, model.  Threads: no state.
 */
#ifndef SD_APP_CLI_CONFLICT_CONF_H
#define SD_APP_CLI_CONFLICT_CONF_H

#include "app/cli/cli.h"

struct cli_conflict_conf {
	const char *strategy; /* static text as --strategy takes it; NULL: the file says nothing */
	char *models[64];     /* owned, as --model-strategy takes them */
	size_t n;
};

/* Reads the file when it is there; what cannot be used of it is said.  0, or the exit code of a
 * file that cannot be read. */
int cli_conflict_conf_read(struct cli *c, const char *schema_file, struct cli_conflict_conf *out);
void cli_conflict_conf_free(struct cli_conflict_conf *conf);

#endif
