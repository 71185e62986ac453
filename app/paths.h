/*
 * app/paths.h - where files are: configuration, schema, data, log.  contract.md 1 and 5.1.
 *
 * All results are owned by the caller.
 */
#ifndef SD_APP_PATHS_H
#define SD_APP_PATHS_H

#include "core/base/err.h"

/* The client configuration: the first known name in the working directory, then in
 * $XDG_CONFIG_HOME/syncdeck; NULL: none. */
char *app_find_config(void);
/* A schema file beside the config (or in the working directory when config is NULL); NULL: none. */
char *app_find_schema(const char *config);
/* $XDG_DATA_HOME/syncdeck/<project> for the config's (or schema's) place. */
char *app_data_dir(const char *config, const char *schema);
/* <project> of contract.md 5.1. */
char *app_project_name(const char *config, const char *schema);
char *app_settings_path(void); /* $XDG_CONFIG_HOME/syncdeck/config */
char *app_state_dir(void);     /* $XDG_STATE_HOME/syncdeck */

#endif
