/* core/sandbox/server/pool_users.c - the users file (contract.md 10); see pool.h. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/sandbox/server/pool.h"

static const char *const CHALLENGE[] = {
	[CH_NONE] = "none",
	[CH_NEW_PASSWORD] = "new-password",
	[CH_TOTP] = "totp",
	[CH_SMS] = "sms",
};

void sd_srv_users_free(struct user *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(list[i].name);
		free(list[i].password);
		free(list[i].sub);
		free(list[i].email);
		free(list[i].code);
		sd_json_free(list[i].groups);
	}
	free(list);
}

/* A text member; otherwise is what an absent one becomes (NULL: it must be there). */
static bool text(const struct cJSON *o, const char *name, const char *otherwise, char **out)
{
	const struct cJSON *j = sd_json_get(o, name);
	const char *v = sd_json_is_null(j) ? otherwise : sd_json_str(j);

	*out = v && *v ? strdup(v) : NULL;
	return *out != NULL;
}

static enum sd_err read_one(
	const struct cJSON *o, const char *where, struct user *u, struct sd_error *e)
{
	const char *kind = sd_json_get_str(o, "challenge");
	const struct cJSON *groups = sd_json_get(o, "groups");

	if (!text(o, "username", NULL, &u->name) || !text(o, "password", NULL, &u->password))
		return sd_fail(
			e, SD_INVAL, 0, "%s: \"username\" and \"password\" are needed", where);
	text(o, "sub", u->name, &u->sub);
	text(o, "email", "", &u->email);
	text(o, "code", "123456", &u->code);
	if (!u->sub || !u->code)
		return sd_fail(e, SD_INVAL, 0, "%s: \"sub\" must be text", where);
	if (!sd_json_is_null(groups) && !sd_json_is_array(groups))
		return sd_fail(e, SD_INVAL, 0, "%s: \"groups\" must be an array of names", where);
	for (const struct cJSON *g = sd_json_child(groups); g; g = sd_json_next(g))
		if (!sd_json_is_string(g))
			return sd_fail(
				e, SD_INVAL, 0, "%s: \"groups\" must be an array of names", where);
	if (sd_json_child(groups))
		u->groups = sd_json_dup(groups);
	u->disabled = sd_json_is_true(sd_json_get(o, "disabled"));
	for (size_t i = 0; kind && i < sizeof CHALLENGE / sizeof *CHALLENGE; i++)
		if (strcmp(CHALLENGE[i], kind) == 0) {
			u->challenge = (enum challenge)i;
			kind = NULL;
			break;
		}
	if (kind)
		return sd_fail(e, SD_INVAL, 0,
			"%s: \"challenge\" must be none, new-password, totp or sms", where);
	return SD_OK;
}

static enum sd_err read_all(const struct cJSON *list, const char *path, struct user **out,
	size_t *count, struct sd_error *e)
{
	size_t n = sd_json_count(list), i = 0;
	struct user *users = n ? calloc(n, sizeof *users) : NULL;
	enum sd_err rc = SD_OK;
	char where[300];

	if (!sd_json_is_array(list) || !n)
		return sd_fail(e, SD_INVAL, 0, "%s: an array of users is needed", path);
	if (!users)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", path);
	for (const struct cJSON *o = sd_json_child(list); o && rc == SD_OK;
		o = sd_json_next(o), i++) {
		snprintf(where, sizeof where, "%s: user %zu", path, i + 1);
		rc = read_one(o, where, &users[i], e);
		for (size_t k = 0; k < i && rc == SD_OK; k++)
			if (strcmp(users[k].name, users[i].name) == 0 ||
				strcmp(users[k].sub, users[i].sub) == 0)
				rc = sd_fail(e, SD_INVAL, 0, "%s: the name or sub is already taken",
					where);
	}
	if (rc != SD_OK) {
		sd_srv_users_free(users, n);
		return rc;
	}
	*out = users;
	*count = n;
	return SD_OK;
}

enum sd_err sd_srv_users_read(
	const char *path, struct user **out, size_t *count, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *list = NULL;
	enum sd_err rc = sd_read_file(path, (size_t)4 << 20, &b, e);

	if (rc == SD_OK)
		rc = sd_json_parse(sd_buf_text(&b), b.len, path, &list, e);
	if (rc == SD_OK)
		rc = read_all(list, path, out, count, e);
	sd_json_free(list);
	sd_buf_release(&b);
	return rc;
}

struct user *sd_srv_user(struct pool *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->users[i].name, name) == 0 ||
			(p->users[i].email && strcasecmp(p->users[i].email, name) == 0))
			return &p->users[i];
	return NULL;
}

struct user *sd_srv_user_by_sub(struct pool *p, const char *sub)
{
	for (size_t i = 0; sub && i < p->count; i++)
		if (strcmp(p->users[i].sub, sub) == 0)
			return &p->users[i];
	return NULL;
}
