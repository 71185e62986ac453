/* app/settings.c - see settings.h. */
#include "app/settings.h"

#include <ctype.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "ui/keymap.h"
#include "ui/term/theme.h"

extern char **environ;

enum type { T_INT, T_MS, T_POLICY, T_CLEAR, T_PATH };

static const struct key {
	const char *name;
	enum type type;
	size_t offset;
	int64_t least, most;
	const char *otherwise; /* the default, as text */
} KEY[] = {
#define AT(f) offsetof(struct sd_settings, f)
	{"sync.page_size", T_INT, AT(sync_page_size), 1, 1000, "1000"},
	{"sync.max_records", T_INT, AT(sync_max_records), 0, INT64_MAX, "0"},
	{"sync.full_interval", T_MS, AT(sync_full_interval_ms), 1, INT64_MAX, "24h"},
	{"sync.concurrency", T_INT, AT(sync_concurrency), 1, 64, "4"},
	{"outbox.concurrency", T_INT, AT(outbox_concurrency), 1, 64, "8"},
	{"outbox.batch", T_INT, AT(outbox_batch), 1, 25, "1"},
	{"conflict.policy", T_POLICY, AT(conflict_policy), 0, 0, "merge"},
	{"conflict.max_attempts", T_INT, AT(conflict_max_attempts), 1, 1000, "10"},
	{"auth.clear_on", T_CLEAR, AT(clear_on_signout), 0, 0, "switch"},
	{"subscriptions.per_connection", T_INT, AT(subscriptions_per_connection), 1, 10000, "100"},
	{"history.max_rows", T_INT, AT(history_max_rows), 0, INT64_MAX, "500000"},
	{"history.max_age", T_MS, AT(history_max_age_ms), 0, INT64_MAX, "90d"},
	{"net.timeout", T_MS, AT(net_timeout_ms), 1, 3600000, "30s"},
	{"net.connect_timeout", T_MS, AT(net_connect_timeout_ms), 1, 3600000, "10s"},
	{"net.ca_file", T_PATH, AT(ca_file), 0, 0, NULL},
#undef AT
};
#define KEYS (sizeof KEY / sizeof *KEY)

static const char *const POLICY[] = {"merge", "ask", "mine", "theirs", "server"};

static void *slot(struct app_settings *a, const struct key *k)
{
	return (char *)&a->s + k->offset;
}

static bool policy_ok(const char *v, bool command)
{
	for (size_t i = 0; i < sizeof POLICY / sizeof *POLICY; i++)
		if (strcmp(v, POLICY[i]) == 0)
			return true;
	return command && v[0] == '!' && v[1];
}

static enum sd_err set_number(struct app_settings *a, const struct key *k, const char *v,
	const char *from, struct sd_error *e)
{
	int64_t n;

	if (k->type == T_INT ? !sd_parse_i64(v, &n) : !sd_duration_parse(v, &n))
		return sd_fail(e, SD_INVAL, 0, "%s: %s = \"%s\": expected %s", from, k->name, v,
			k->type == T_INT ? "a whole number"
					 : "a duration such as 500ms 30s 5m 24h");
	if (n < k->least || n > k->most) {
		if (k->most == INT64_MAX)
			return sd_fail(e, SD_INVAL, 0, "%s: %s = %s: must be at least %lld", from,
				k->name, v, (long long)k->least);
		return sd_fail(e, SD_INVAL, 0, "%s: %s = %s: must be between %lld and %lld%s", from,
			k->name, v, (long long)k->least, (long long)k->most,
			k->type == T_MS ? " ms" : "");
	}
	*(int64_t *)slot(a, k) = n;
	return SD_OK;
}

static bool replace(char **to, const char *v)
{
	char *copy = strdup(v);

	if (!copy)
		return false;
	free(*to);
	*to = copy;
	return true;
}

static enum sd_err set_known(struct app_settings *a, const struct key *k, const char *v,
	const char *from, bool command, struct sd_error *e)
{
	switch (k->type) {
	case T_INT:
	case T_MS:
		return set_number(a, k, v, from, e);
	case T_POLICY:
		if (!policy_ok(v, command))
			return sd_fail(e, SD_INVAL, 0,
				"%s: %s = \"%s\": expected merge, ask, mine, theirs, server%s",
				from, k->name, v,
				command ? " or !command"
					: "; a !command comes from your own config file or a flag");
		break;
	case T_CLEAR:
		if (strcmp(v, "switch") != 0 && strcmp(v, "signout") != 0)
			return sd_fail(e, SD_INVAL, 0,
				"%s: %s = \"%s\": expected switch or signout", from, k->name, v);
		*(bool *)slot(a, k) = strcmp(v, "signout") == 0;
		return SD_OK;
	case T_PATH:
		break;
	}
	return replace(slot(a, k), v) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
}

static struct sd_model_option *model_option(struct app_settings *a, const char *name, size_t n)
{
	struct sd_model_option *p;

	for (size_t i = 0; i < a->s.model_count; i++)
		if (strlen(a->s.models[i].model) == n && memcmp(a->s.models[i].model, name, n) == 0)
			return &a->s.models[i];
	p = realloc(a->s.models, (a->s.model_count + 1) * sizeof *p);
	if (!p)
		return NULL;
	a->s.models = p;
	p += a->s.model_count;
	memset(p, 0, sizeof *p);
	p->model = sd_strdup_n(name, n);
	if (!p->model)
		return NULL;
	a->s.model_count++;
	return p;
}

/* model.Post.sync.expression */
static enum sd_err set_model(struct app_settings *a, const char *key, const char *v,
	const char *from, bool command, struct sd_error *e)
{
	const char *name = key + 6, *dot = strchr(name, '.');
	struct sd_model_option *m;
	char **to;

	if (!dot || dot == name ||
		(strcmp(dot + 1, "sync.expression") != 0 &&
			strcmp(dot + 1, "conflict.policy") != 0))
		return sd_fail(e, SD_INVAL, 0,
			"%s: unknown setting %s; a model has sync.expression and conflict.policy",
			from, key);
	m = model_option(a, name, (size_t)(dot - name));
	if (!m)
		return sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
	to = dot[1] == 's' ? &m->expression : &m->policy;
	if (v[0] == '!' && !command)
		return sd_fail(e, SD_INVAL, 0,
			"%s: %s: a !command comes from your own config file or a flag only", from,
			key);
	if (to == &m->policy && !policy_ok(v, command))
		return sd_fail(e, SD_INVAL, 0,
			"%s: %s = \"%s\": expected merge, ask, mine, theirs, server or !command",
			from, key, v);
	if (to == &m->expression && *to) { /* the first one counts */
		fprintf(stderr, "%s: %s is set twice; the first one applies\n", from, key);
		return SD_OK;
	}
	return replace(to, v) ? SD_OK : sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
}

/* ui.*: name, what it may be, the default first */
static const struct ui_key {
	const char *name, *values;
} UI_KEY[] = {{"ui.theme", "default light mono"}, {"ui.mouse", "on off"}, {"ui.ascii", "off on"}};

static bool one_of(const char *v, const char *words)
{
	size_t n = strlen(v);

	for (const char *w = words; *w; w += strcspn(w, " ") + (w[strcspn(w, " ")] == ' '))
		if (strcspn(w, " ") == n && memcmp(w, v, n) == 0)
			return true;
	return false;
}

/* A setting of the screen: refused here, not when the screen comes up. */
static enum sd_err check_ui(const char *key, const char *v, const char *from, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = SD_NOTFOUND;

	if (sd_str_starts(key, "keys.")) {
		sd_buf_fmt(&b, "%s=%s", key + 5, v);
		rc = sd_keymap_check(sd_buf_text(&b), e);
		sd_buf_release(&b);
	} else if (sd_str_starts(key, "color.")) {
		rc = sd_theme_override(key + 6, v, e);
	}
	for (size_t i = 0; i < sizeof UI_KEY / sizeof *UI_KEY; i++) {
		if (strcmp(key, UI_KEY[i].name) != 0)
			continue;
		rc = one_of(v, UI_KEY[i].values)
			     ? SD_OK
			     : sd_fail(e, SD_INVAL, 0, "%s = \"%s\": expected one of: %s", key, v,
				       UI_KEY[i].values);
	}
	if (rc == SD_NOTFOUND)
		return sd_fail(e, SD_INVAL, 0,
			"%s: unknown setting %s; there are ui.theme, ui.mouse and ui.ascii", from,
			key);
	return rc == SD_OK ? rc : sd_fail_prefix(e, rc, "%s", from);
}

const char *app_settings_ui(const struct app_settings *a, const char *key)
{
	return sd_map_get(&a->ui, key);
}

enum sd_err app_settings_set(struct app_settings *a, const char *key, const char *v,
	const char *from, bool command, struct sd_error *e)
{
	void *old = NULL;
	struct sd_map *into = NULL;
	enum sd_err rc = SD_NOTFOUND;

	for (size_t i = 0; i < KEYS; i++)
		if (strcmp(key, KEY[i].name) == 0)
			rc = set_known(a, &KEY[i], v, from, command, e);
	if (rc == SD_NOTFOUND && sd_str_starts(key, "model."))
		rc = set_model(a, key, v, from, command, e);
	if (rc == SD_NOTFOUND && (sd_str_starts(key, "keys.") || sd_str_starts(key, "color.") ||
					 sd_str_starts(key, "ui.")))
		into = &a->ui;
	if (rc == SD_NOTFOUND && !into)
		return sd_fail(e, SD_INVAL, 0,
			"%s: unknown setting %s; `syncdeck config` lists them", from, key);
	if (into) {
		rc = check_ui(key, v, from, e);
		if (rc != SD_OK)
			return rc;
		if (!sd_map_put(into, key, strdup(v), &old))
			return sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
		free(old);
		rc = SD_OK;
	}
	if (rc == SD_OK) {
		if (!sd_map_put(&a->from, key, strdup(from), &old))
			return sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
		free(old);
	}
	return rc;
}

void app_settings_init(struct app_settings *a)
{
	memset(a, 0, sizeof *a);
	for (size_t i = 0; i < KEYS; i++)
		if (KEY[i].otherwise &&
			set_known(a, &KEY[i], KEY[i].otherwise, "default", true, NULL) != SD_OK)
			abort(); /* the table above is wrong */
}

void app_settings_release(struct app_settings *a)
{
	free(a->s.conflict_policy);
	free(a->s.ca_file);
	for (size_t i = 0; i < a->s.model_count; i++) {
		free(a->s.models[i].model);
		free(a->s.models[i].policy);
		free(a->s.models[i].expression);
	}
	free(a->s.models);
	sd_map_release(&a->from, free);
	sd_map_release(&a->ui, free);
	memset(a, 0, sizeof *a);
}

static char *trim(char *s)
{
	size_t n;

	while (*s == ' ' || *s == '\t')
		s++;
	n = strlen(s);
	while (n && isspace((unsigned char)s[n - 1]))
		s[--n] = '\0';
	return s;
}

static enum sd_err read_line(struct app_settings *a, char *line, const char *path, unsigned number,
	char section[128], struct sd_error *e)
{
	char from[512], key[320], *eq, *end;

	snprintf(from, sizeof from, "%s:%u", path, number);
	line = trim(line);
	if (!*line || *line == '#')
		return SD_OK;
	if (*line == '[') {
		end = strchr(line, ']');
		if (!end || end[1] || !sd_str_starts(line, "[model ") || end - line > 120)
			return sd_fail(e, SD_INVAL, 0, "%s: expected [model NAME]", from);
		*end = '\0';
		snprintf(section, 128, "model.%s.", trim(line + 7));
		return SD_OK;
	}
	eq = strchr(line, '=');
	if (!eq)
		return sd_fail(e, SD_INVAL, 0, "%s: expected key = value", from);
	*eq = '\0';
	snprintf(key, sizeof key, "%s%s", section, trim(line));
	return app_settings_set(a, key, trim(eq + 1), from, true, e);
}

enum sd_err app_settings_read_file(struct app_settings *a, const char *path, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	char section[128] = "", *save = NULL;
	unsigned number = 1;
	enum sd_err rc = sd_read_file(path, (size_t)1 << 20, &text, e);

	if (rc != SD_OK) {
		sd_buf_release(&text);
		return rc == SD_NOTFOUND ? SD_OK : rc;
	}
	for (char *line = text.data; rc == SD_OK && line; line = save, number++) {
		save = strchr(line, '\n');
		if (save)
			*save++ = '\0';
		rc = read_line(a, line, path, number, section, e);
	}
	sd_buf_release(&text);
	return rc;
}

/* Variables that are no settings: credentials, answers and the tests' own. */
static const char *const OTHER_VARIABLE[] = {
	"API_KEY", "PASSWORD", "TOKEN", "NEW_PASSWORD", "CODE", "TEST_CLOCK", "DEMO_TICK_MS"};

enum sd_err app_settings_read_env(struct app_settings *a, struct sd_error *e)
{
	for (char **v = environ; *v; v++) {
		const char *name = *v + 9, *eq = strchr(*v, '=');
		bool known = false;
		if (!sd_str_starts(*v, "SYNCDECK_") || !eq)
			continue;
		for (size_t i = 0; i < sizeof OTHER_VARIABLE / sizeof *OTHER_VARIABLE; i++)
			known = known ||
				(strlen(OTHER_VARIABLE[i]) == (size_t)(eq - name) &&
					memcmp(OTHER_VARIABLE[i], name, (size_t)(eq - name)) == 0);
		for (size_t i = 0; i < KEYS && !known; i++) {
			const char *k = KEY[i].name, *p = name;
			char from[96];
			enum sd_err rc;
			while (*k && p < eq && (*k == '.' ? '_' : toupper((unsigned char)*k)) == *p)
				k++, p++;
			if (*k || p != eq)
				continue;
			known = true;
			snprintf(from, sizeof from, "%.*s", (int)(eq - *v), *v);
			rc = app_settings_set(a, KEY[i].name, eq + 1, from, false, e);
			if (rc != SD_OK)
				return rc;
		}
		if (!known)
			fprintf(stderr, "syncdeck: unknown environment variable %.*s is ignored\n",
				(int)(eq - *v), *v);
	}
	return SD_OK;
}

static void add_setting(struct cJSON *list, const struct app_settings *a, const char *key,
	struct cJSON *value, const char *unit)
{
	struct cJSON *j = sd_json_object();
	const char *from = sd_map_get(&a->from, key);

	sd_json_add_str(j, "key", key);
	sd_json_add(j, "value", value);
	sd_json_add_str(j, "unit", unit);
	sd_json_add_str(j, "from", from ? from : "default");
	sd_json_push(list, j);
}

struct cJSON *app_settings_json(const struct app_settings *a)
{
	struct cJSON *list = sd_json_array();
	const char *key;
	void *value;

	for (size_t i = 0; i < KEYS; i++) {
		const void *p = (const char *)&a->s + KEY[i].offset;
		if (KEY[i].type == T_INT || KEY[i].type == T_MS)
			add_setting(list, a, KEY[i].name, sd_json_int(*(const int64_t *)p),
				KEY[i].type == T_MS ? "ms" : NULL);
		else if (KEY[i].type == T_CLEAR)
			add_setting(list, a, KEY[i].name,
				sd_json_string(*(const bool *)p ? "signout" : "switch"), NULL);
		else
			add_setting(list, a, KEY[i].name, sd_json_string(*(char *const *)p), NULL);
	}
	for (size_t i = 0; i < a->s.model_count; i++) {
		const struct sd_model_option *m = &a->s.models[i];
		char name[320];
		snprintf(name, sizeof name, "model.%s.sync.expression", m->model);
		if (m->expression)
			add_setting(list, a, name, sd_json_string(m->expression), NULL);
		snprintf(name, sizeof name, "model.%s.conflict.policy", m->model);
		if (m->policy)
			add_setting(list, a, name, sd_json_string(m->policy), NULL);
	}
	for (size_t i = 0; i < sizeof UI_KEY / sizeof *UI_KEY; i++) {
		const char *v = UI_KEY[i].values;
		if (!sd_map_get(&a->ui, UI_KEY[i].name))
			add_setting(list, a, UI_KEY[i].name, sd_json_string_n(v, strcspn(v, " ")),
				NULL);
	}
	for (size_t i = 0; sd_map_next(&a->ui, &i, &key, &value);)
		add_setting(list, a, key, sd_json_string(value), NULL);
	return list;
}
