/* app/paths.c - see paths.h. */
#include "app/paths.h"

#include <libgen.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"

static const char *const CONFIG_NAME[] = {
	"amplify_outputs.json", "amplifyconfiguration.json", "aws-exports.js", "aws-exports.json"};
static const char *const SCHEMA_NAME[] = {"schema.graphql", "model-introspection.json", "schema.js",
	"schema.json", "src/models/schema.js"};

/* $variable/syncdeck, else $HOME/otherwise/syncdeck. */
static char *xdg(const char *variable, const char *otherwise)
{
	const char *v = getenv(variable), *home = getenv("HOME");
	char *base, *all;

	if (v && v[0] == '/')
		return sd_path_join(v, "syncdeck");
	base = sd_path_join(home && *home ? home : "/tmp", otherwise);
	all = base ? sd_path_join(base, "syncdeck") : NULL;
	free(base);
	return all;
}

static char *first_in(const char *dir, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *p = sd_path_join(dir, names[i]);
		if (p && sd_is_file(p))
			return p;
		free(p);
	}
	return NULL;
}

char *app_find_config(void)
{
	char *dir, *found = first_in(".", CONFIG_NAME, sizeof CONFIG_NAME / sizeof *CONFIG_NAME);

	if (found)
		return found;
	dir = xdg("XDG_CONFIG_HOME", ".config");
	if (dir)
		found = first_in(dir, CONFIG_NAME, sizeof CONFIG_NAME / sizeof *CONFIG_NAME);
	free(dir);
	return found;
}

static char *dir_of(const char *path)
{
	char full[PATH_MAX], *copy, *dir;

	if (!path)
		return getcwd(full, sizeof full) ? strdup(full) : NULL;
	if (!realpath(path, full))
		return NULL;
	copy = strdup(full);
	dir = copy ? strdup(dirname(copy)) : NULL;
	free(copy);
	return dir;
}

char *app_find_schema(const char *config)
{
	char *dir = dir_of(config), *found = NULL;

	if (dir)
		found = first_in(dir, SCHEMA_NAME, sizeof SCHEMA_NAME / sizeof *SCHEMA_NAME);
	free(dir);
	return found;
}

/* "name" of DIR/.syncdeck/project.json; NULL: none. */
static char *project_file(const char *dir)
{
	char *path = sd_path_join(dir, ".syncdeck/project.json"), *name = NULL;
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j = NULL;

	if (path && sd_read_file(path, 65536, &text, NULL) == SD_OK &&
		sd_json_parse(sd_buf_text(&text), text.len, path, &j, NULL) == SD_OK) {
		const char *s = sd_json_get_str(j, "name");
		if (s && *s && !strchr(s, '/') && s[0] != '.')
			name = strdup(s);
	}
	sd_json_free(j);
	sd_buf_release(&text);
	free(path);
	return name;
}

char *app_project_name(const char *config, const char *schema)
{
	char *dir = dir_of(config ? config : schema), *copy, *name;
	unsigned char digest[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1];
	unsigned n = 0;
	struct sd_buf out = SD_BUF_INIT;

	if (!dir)
		return NULL;
	name = project_file(dir);
	if (!name && EVP_Digest(dir, strlen(dir), digest, &n, EVP_sha256(), NULL)) {
		sd_hex(digest, n, hex);
		copy = strdup(dir);
		if (copy)
			sd_buf_fmt(&out, "%s-%.8s", basename(copy), hex);
		free(copy);
		name = sd_buf_take(&out);
	}
	free(dir);
	return name;
}

char *app_data_dir(const char *config, const char *schema)
{
	char *base = xdg("XDG_DATA_HOME", ".local/share"), *all = NULL;
	char *name = app_project_name(config, schema);

	if (base && name)
		all = sd_path_join(base, name);
	free(base);
	free(name);
	return all;
}

char *app_settings_path(void)
{
	char *dir = xdg("XDG_CONFIG_HOME", ".config"),
	     *all = dir ? sd_path_join(dir, "config") : NULL;

	free(dir);
	return all;
}

char *app_state_dir(void)
{
	return xdg("XDG_STATE_HOME", ".local/state");
}
