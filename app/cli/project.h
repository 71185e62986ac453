/*
 * app/cli/project.h - the project workflow: what its commands share.
 *
 * A project is a directory with .syncdeck/project.json.  Its definition is schema.graphql; what the
 * backend has is .syncdeck/current.graphql, written by push and pull, else the models inside the
 * client configuration.  Nothing here opens a profile.
 */
#ifndef SD_APP_CLI_PROJECT_H
#define SD_APP_CLI_PROJECT_H

#include "app/cli/cli.h"

#define PROJECT  ".syncdeck/project.json"
#define CURRENT  ".syncdeck/current.graphql"
#define SCHEMA   "schema.graphql"
#define OUTPUTS  "amplify_outputs.json"
#define TEXT_MAX ((size_t)4 << 20)

char *cli_project_name(void); /* owned; NULL: no project here */
/* 0, or 1 after saying how to make one. */
int cli_need_project(struct cli *c, char **name);
int cli_write_project(struct cli *c, const char *name);
/* A name that can be a directory's, owned; from the working directory when none is given. */
char *cli_choose_name(const char *given);
int cli_write_text(struct cli *c, const char *path, const char *text, size_t n);

struct definitions {                  /* cli_definitions_release */
	struct sd_buf text;           /* of the local one */
	struct cJSON *here, *there;   /* codegen form; NULL: none */
	char *here_hash, *there_hash; /* owned */
};
int cli_definitions(struct cli *c, struct definitions *d);
void cli_definitions_release(struct definitions *d);
/* Is there something to push? */
bool cli_definitions_differ(const struct definitions *d);

#endif
