/* app/cli/ui.c - the terminal UI on the opened profile. */
#include "ui/ui.h"

#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"
#include "app/paths.h"
#include "core/base/text.h"

static int color_mode(struct cli *c, enum sd_color *out)
{
	const char *s = c->o.color ? c->o.color : "auto";

	*out = SD_COLOR_AUTO;
	if (strcmp(s, "always") == 0)
		*out = SD_COLOR_ALWAYS;
	else if (strcmp(s, "never") == 0)
		*out = SD_COLOR_NEVER;
	else if (strcmp(s, "auto") != 0)
		return cli_complain(c, 2, "--color %s: expected auto, always or never", s);
	return 0;
}

/* keys.<action> = key key  ->  "action=key key"; owned list, NULL behind the last. */
static char **key_overrides(const struct app_settings *s)
{
	char **list = calloc(sd_map_count(&s->ui) + 1, sizeof *list);
	size_t n = 0;
	const char *key;
	void *value;

	for (size_t i = 0; list && sd_map_next(&s->ui, &i, &key, &value);)
		if (sd_str_starts(key, "keys.") &&
			asprintf(&list[n], "%s=%s", key + 5, (const char *)value) > 0)
			n++;
	return list;
}

int cli_ui(struct cli *c, const struct sd_ui_user *users, size_t user_count)
{
	struct sd_ui_opts o = {.ascii = c->o.ascii, .no_mouse = c->o.no_mouse, .theme = c->o.theme};
	struct sd_error e = {.code = SD_OK};
	char **keys, *name;
	enum sd_err err;
	int rc = color_mode(c, &o.color);

	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	keys = key_overrides(&c->settings);
	name = app_project_name(c->config_path, c->schema_path);
	/* flags stand above settings */
	if (!o.theme)
		o.theme = app_settings_ui(&c->settings, "ui.theme");
	o.ascii = o.ascii || sd_str_eq(app_settings_ui(&c->settings, "ui.ascii"), "on");
	o.no_mouse = o.no_mouse || sd_str_eq(app_settings_ui(&c->settings, "ui.mouse"), "off");
	o.api = c->api;
	o.profile_name = name ? name : "";
	o.key_overrides = (const char *const *)keys;
	o.users = users;
	o.user_count = user_count;
	err = sd_ui_run(&o, &e);
	for (size_t i = 0; keys && keys[i]; i++)
		free(keys[i]);
	free(keys);
	free(name);
	return err == SD_OK ? 0 : cli_fail(c, err, &e);
}
