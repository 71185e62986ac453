/*
 * app/demo/demo.h - the demo domain: a field-service team.
 *
 * Sites, work orders, notes on them, technicians, parts under a composite key, labels
 * many-to-many; a few thousand records that read like real ones, the same every time.
 *
 * Depends on: base, json, model.  Threads: main.
 */
#ifndef SD_APP_DEMO_H
#define SD_APP_DEMO_H

#include "core/model/schema.h"

/* The built-in schema; *out owned by the caller. */
SD_MUST_USE enum sd_err app_demo_schema(struct sd_schema **out, struct sd_error *e);
/* Its SDL text; static. */
const char *app_demo_sdl(void);
/* Writes the demo's records as the sandbox's --seed FILE wants them (NDJSON of
 * {"model","fields"}) to a new temporary file, mode 0600; *path owned, remove it when done. */
SD_MUST_USE enum sd_err app_demo_seed_file(char **path, struct sd_error *e);

#endif
