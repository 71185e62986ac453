/* app/cli/people.c - login, logout, whoami, users, switch, clear. */
#include <stdlib.h>
#include <string.h>

#include "app/cli/cli.h"

/* --pending push | export FILE | discard; FILE is the next word, or --pending export=FILE. */
static int pending_option(struct cli *c, struct cli_args *a, const char *text,
	enum sd_pending *pending, const char **file)
{
	*pending = SD_PENDING_ASK;
	*file = NULL;
	if (!text)
		return 0;
	if (strcmp(text, "push") == 0) {
		*pending = SD_PENDING_PUSH;
	} else if (strcmp(text, "discard") == 0) {
		*pending = SD_PENDING_DISCARD;
	} else if (strncmp(text, "export=", 7) == 0 && text[7]) {
		*pending = SD_PENDING_EXPORT;
		*file = text + 7;
	} else if (strcmp(text, "export") == 0 && a->n) {
		*pending = SD_PENDING_EXPORT;
		*file = a->v[--a->n];
	} else {
		return cli_complain(
			c, 2, "--pending %s: expected push, export FILE or discard", text);
	}
	return 0;
}

static int emit_who(struct cli *c, enum sd_err rc, struct cJSON *who, const struct sd_error *e)
{
	if (rc != SD_OK)
		return cli_fail(c, rc, e);
	cli_emit(c, who, NULL);
	sd_json_free(who);
	return 0;
}

static int sign_in(struct cli *c, const char *user, enum sd_pending pending, const char *file)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *who = NULL;
	struct sd_login l = {.user = user,
		.new_password = getenv("SYNCDECK_NEW_PASSWORD"),
		.code = getenv("SYNCDECK_CODE"),
		.pending = pending,
		.export_file = file};
	char prompt[160], *password;
	enum sd_err rc;

	if (sd_api_own_token(c->api)) {
		rc = sd_api_login(c->api, &l, &who, &e);
		return emit_who(c, rc, who, &e);
	}
	snprintf(prompt, sizeof prompt, "Password of %.100s", user);
	password = cli_secret("SYNCDECK_PASSWORD", prompt);
	if (!password)
		return cli_complain(
			c, 3, "login %s: set SYNCDECK_PASSWORD, or run it in a terminal", user);
	l.password = password;
	rc = sd_api_login(c->api, &l, &who, &e);
	explicit_bzero(password, strlen(password));
	free(password);
	return emit_who(c, rc, who, &e);
}

static char *last_user(struct cli *c)
{
	struct cJSON *list = NULL;
	const char *name;
	char *copy = NULL;

	if (sd_api_users(c->api, &list, NULL) == SD_OK) {
		name = sd_json_get_str(sd_json_child(list), "user");
		copy = name ? strdup(name) : NULL;
	}
	sd_json_free(list);
	return copy;
}

int cli_login(struct cli *c, struct cli_args *a)
{
	const char *text = NULL, *file;
	const struct cli_opt opts[] = {{"--pending", CLI_VALUE, &text}};
	enum sd_pending pending;
	char *user;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0)
		rc = pending_option(c, a, text, &pending, &file);
	if (rc == 0 && a->n > 1)
		rc = cli_usage(c, "login");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	user = a->n ? strdup(a->v[0]) : sd_api_own_token(c->api) ? NULL : last_user(c);
	if (!user && !sd_api_own_token(c->api))
		return cli_complain(c, 2, "login: who? give a USER");
	rc = sign_in(c, user, pending, file);
	free(user);
	return rc;
}

int cli_switch(struct cli *c, struct cli_args *a)
{
	const char *text = NULL, *file;
	const struct cli_opt opts[] = {{"--pending", CLI_VALUE, &text}};
	enum sd_pending pending;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0)
		rc = pending_option(c, a, text, &pending, &file);
	if (rc == 0 && a->n != 1)
		rc = cli_usage(c, "switch");
	if (rc == 0)
		rc = cli_open(c);
	return rc ? rc : sign_in(c, a->v[0], pending, file);
}

int cli_logout(struct cli *c, struct cli_args *a)
{
	const char *text = NULL, *file;
	const struct cli_opt opts[] = {{"--pending", CLI_VALUE, &text}};
	struct sd_error e = {.code = SD_OK};
	enum sd_pending pending;
	struct cJSON *who = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0)
		rc = pending_option(c, a, text, &pending, &file);
	if (rc == 0 && a->n)
		rc = cli_usage(c, "logout");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_logout(c->api, pending, file, &who, &e);
	return emit_who(c, err, who, &e);
}

int cli_whoami(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *who = NULL;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "whoami");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	enum sd_err err = sd_api_whoami(c->api, &who, &e);
	return emit_who(c, err, who, &e);
}

int cli_users(struct cli *c, struct cli_args *a)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *list = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, NULL, 0);

	if (rc == 0 && a->n)
		rc = cli_usage(c, "users");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_users(c->api, &list, &e);
	if (err != SD_OK)
		return cli_fail(c, err, &e);
	for (const struct cJSON *u = sd_json_child(list); u; u = sd_json_next(u))
		cli_emit(c, u, "user userId");
	cli_flush(c, "user userId");
	if (!sd_json_count(list))
		cli_note(c, "nobody has signed in on this profile yet; `syncdeck login USER`");
	sd_json_free(list);
	return 0;
}

int cli_clear(struct cli *c, struct cli_args *a)
{
	const char *text = NULL, *file;
	const struct cli_opt opts[] = {{"--pending", CLI_VALUE, &text}};
	struct sd_error e = {.code = SD_OK};
	enum sd_pending pending;
	struct cJSON *out = NULL;
	enum sd_err err;
	int rc = cli_take_options(c, a, opts, 1);

	if (rc == 0)
		rc = pending_option(c, a, text, &pending, &file);
	if (rc == 0 && a->n)
		rc = cli_usage(c, "clear");
	if (rc == 0)
		rc = cli_open(c);
	if (rc)
		return rc;
	err = sd_api_clear(c->api, pending, file, &out, &e);
	return emit_who(c, err, out, &e);
}
