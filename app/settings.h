/*
 * app/settings.h - settings: defaults, the config file, the environment, --config-set.
 *
 * Keys and meanings: contract.md 7.  Precedence: default < file < environment < flag.  Where each
 * value came from is kept, for `syncdeck config` and for error texts.  An unknown key or a bad
 * value is refused with its place; an unknown SYNCDECK_ variable only warns.  `!command` values
 * come from the person's own file and flags only.
 *
 * Depends on: base, core/api.  Threads: main only.
 */
#ifndef SD_APP_SETTINGS_H
#define SD_APP_SETTINGS_H

#include "core/api/api.h"
#include "core/base/map.h"

struct app_settings {
	struct sd_settings s; /* strings owned here */
	struct sd_map from;   /* key -> owned text "config:12", "SYNCDECK_NET_TIMEOUT", "flag" */
	struct sd_map ui;     /* keys.*, color.*, ui.*: key -> owned value */
};

void app_settings_init(struct app_settings *a);
void app_settings_release(struct app_settings *a);
/* INVAL names place, key, value and what is allowed. from: "flag", "config:LINE" ...; command: may
 * the value be a `!command`? */
SD_MUST_USE enum sd_err app_settings_set(struct app_settings *a, const char *key, const char *value,
	const char *from, bool command, struct sd_error *e);
/* A ui.* setting; NULL: not set. */
const char *app_settings_ui(const struct app_settings *a, const char *key);
/* path absent is fine. */
SD_MUST_USE enum sd_err app_settings_read_file(
	struct app_settings *a, const char *path, struct sd_error *e);
SD_MUST_USE enum sd_err app_settings_read_env(struct app_settings *a, struct sd_error *e);
/* One {"key","value","unit","from"} a setting. */
struct cJSON *app_settings_json(const struct app_settings *a);

#endif
