/* core/auth/session.c - the session, owner and users files of a profile. */
#include "core/auth/auth.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"

#define FILE_MAX_BYTES ((size_t)1 << 20)

void sd_session_release(struct sd_session *s)
{
	free(s->user);
	free(s->user_id);
	free(s->access);
	free(s->id);
	free(s->refresh);
	sd_json_free(s->claims);
	memset(s, 0, sizeof *s);
}

/* *j NULL and SD_OK when the file is absent. */
static enum sd_err load(const char *dir, const char *name, struct cJSON **j, struct sd_error *e)
{
	char *path = sd_path_join(dir, name);
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc;

	*j = NULL;
	if (!path)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", name);
	rc = sd_read_file(path, FILE_MAX_BYTES, &text, e);
	if (rc == SD_NOTFOUND)
		rc = SD_OK;
	else if (rc == SD_OK)
		rc = sd_json_parse(sd_buf_text(&text), text.len, path, j, e);
	sd_buf_release(&text);
	free(path);
	return rc;
}

static enum sd_err save(const char *dir, const char *name, struct cJSON *j, struct sd_error *e)
{
	char *path = sd_path_join(dir, name);
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc;

	if (!path || !j || !sd_json_print(j, &text))
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", name);
	else
		rc = sd_write_file(path, text.data, text.len, e);
	if (text.data)
		explicit_bzero(text.data, text.len);
	sd_buf_release(&text);
	sd_json_free(j);
	free(path);
	return rc;
}

static char *copy(const struct cJSON *j, const char *name)
{
	const char *s = sd_json_get_str(j, name);

	return s ? strdup(s) : NULL;
}

static struct cJSON *session_claims(const struct sd_session *s)
{
	struct cJSON *c = s->id ? sd_jwt_claims(s->id) : NULL;

	return c ? c : s->access ? sd_jwt_claims(s->access) : NULL;
}

enum sd_err sd_session_load(const char *dir, struct sd_session *out, struct sd_error *e)
{
	struct cJSON *j;
	enum sd_err rc = load(dir, "session.json", &j, e);

	memset(out, 0, sizeof *out);
	if (rc != SD_OK)
		return rc;
	if (!j)
		return SD_NOTFOUND;
	out->user = copy(j, "user");
	out->user_id = copy(j, "userId");
	out->access = copy(j, "access");
	out->id = copy(j, "id");
	out->refresh = copy(j, "refresh");
	out->expires_ms = sd_json_get_i64(j, "expires", 0);
	out->claims = session_claims(out);
	sd_json_free(j);
	if (out->user_id)
		return SD_OK;
	sd_session_release(out);
	return sd_fail(e, SD_INVAL, 0, "%s/session.json: not a session; sign in again", dir);
}

enum sd_err sd_session_store(const char *dir, const struct sd_session *s, struct sd_error *e)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "user", s->user);
	sd_json_add_str(j, "userId", s->user_id);
	sd_json_add_str(j, "access", s->access);
	sd_json_add_str(j, "id", s->id);
	sd_json_add_str(j, "refresh", s->refresh);
	sd_json_add_int(j, "expires", s->expires_ms);
	return save(dir, "session.json", j, e);
}

void sd_session_drop(const char *dir)
{
	char *path = sd_path_join(dir, "session.json"), zero[4096] = {0};
	struct stat st;
	int fd;

	if (!path)
		return;
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &st) == 0) {
		for (off_t left = st.st_size; left > 0; left -= (off_t)sizeof zero)
			if (write(fd, zero,
				    left < (off_t)sizeof zero ? (size_t)left : sizeof zero) < 0)
				break;
		(void)fsync(fd);
	}
	if (fd >= 0)
		close(fd);
	unlink(path);
	free(path);
}

void sd_owner_release(struct sd_owner *o)
{
	free(o->user);
	free(o->user_id);
	memset(o, 0, sizeof *o);
}

enum sd_err sd_owner_load(const char *dir, struct sd_owner *out, struct sd_error *e)
{
	struct cJSON *j;
	enum sd_err rc = load(dir, "owner.json", &j, e);

	memset(out, 0, sizeof *out);
	if (rc != SD_OK || !j)
		return rc;
	out->user = copy(j, "user");
	out->user_id = copy(j, "userId");
	sd_json_free(j);
	if (out->user_id)
		return SD_OK;
	sd_owner_release(out);
	return sd_fail(e, SD_INVAL, 0, "%s/owner.json: damaged; run `syncdeck clear`", dir);
}

enum sd_err sd_owner_store(
	const char *dir, const char *user, const char *user_id, struct sd_error *e)
{
	struct cJSON *j = sd_json_object();

	sd_json_add_str(j, "user", user);
	sd_json_add_str(j, "userId", user_id);
	return save(dir, "owner.json", j, e);
}

enum sd_err sd_users_load(const char *dir, struct cJSON **out, struct sd_error *e)
{
	enum sd_err rc = load(dir, "users.json", out, e);

	if (rc != SD_OK)
		return rc;
	if (!sd_json_is_array(*out)) {
		sd_json_free(*out);
		*out = sd_json_array();
	}
	return *out ? SD_OK : sd_fail(e, SD_NOMEM, 0, "users: out of memory");
}

enum sd_err sd_users_note(
	const char *dir, const char *user, const char *user_id, struct sd_error *e)
{
	struct cJSON *old, *list = sd_json_array(), *me = sd_json_object();
	enum sd_err rc = sd_users_load(dir, &old, e);

	if (rc != SD_OK) {
		sd_json_free(list);
		sd_json_free(me);
		return rc;
	}
	sd_json_add_str(me, "user", user);
	sd_json_add_str(me, "userId", user_id);
	sd_json_push(list, me);
	for (const struct cJSON *u = sd_json_child(old); u; u = sd_json_next(u))
		if (!sd_str_eq(sd_json_get_str(u, "userId"), user_id))
			sd_json_push(list, sd_json_dup(u));
	sd_json_free(old);
	return save(dir, "users.json", list, e);
}
