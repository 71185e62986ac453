/*
 * core/api/people.c - signing in and out, switching users, clearing (contract.md 8).
 *
 * Order of a switch: the new user's identity is proved (the pool answers; nothing of the store is
 * read or sent), unsent changes are dealt with, the engine stops, the store is wiped and read
 * back, and only then the new session exists.  A wipe that fails leaves the old session in force.
 */
#include "core/api/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define CLOSE_MS 5000 /* how long other processes have to let go before a wipe gives up */

static const char *const MODE[] = {[SD_AUTH_NONE] = "none",
	[SD_AUTH_API_KEY] = "apiKey",
	[SD_AUTH_USER_POOL] = "userPool",
	[SD_AUTH_OIDC] = "oidc",
	[SD_AUTH_IAM] = "iam",
	[SD_AUTH_LAMBDA] = "lambda",
	[SD_AUTH_MULTI] = "multi"};

static struct cJSON *who_line(const struct sd_api *api)
{
	struct cJSON *j = sd_json_object(), *groups;
	const struct cJSON *g;
	const char *state = "signed-out";
	struct sd_engine_status s = {.signed_in_needed = false};
	bool idle;

	if (!api->has_session) {
		sd_json_add(j, "user", sd_json_null());
		sd_json_add_str(j, "mode", MODE[api->auth]);
		sd_json_add_str(j, "state", state);
		if (api->owner.user)
			sd_json_add_str(j, "owner", api->owner.user);
		return j;
	}
	if (api->rt && sd_runtime_status(api->rt, &s, &idle, NULL) != SD_OK)
		s.signed_in_needed = false;
	/* what the server refused has ended, whatever stands in it */
	if (s.signed_in_needed || (api->session.expires_ms && !api->session.refresh &&
					  api->session.expires_ms < sd_now_ms()))
		state = "expired";
	else
		state = "signed-in";
	sd_json_add_str(j, "user", api->session.user);
	sd_json_add_str(j, "userId", api->session.user_id);
	sd_json_add_str(j, "mode", MODE[api->auth]);
	g = sd_json_get(api->session.claims, "cognito:groups");
	groups = sd_json_is_array(g) ? sd_json_dup(g) : sd_json_array();
	sd_json_add(j, "groups", groups);
	sd_json_add(j, "expires",
		api->session.expires_ms ? sd_json_int(api->session.expires_ms) : sd_json_null());
	sd_json_add_str(j, "state", state);
	return j;
}

static void tell_auth(struct sd_api *api, const char *state)
{
	struct cJSON *f = sd_json_object();

	sd_json_add_str(f, "state", state);
	if (api->session.user)
		sd_json_add_str(f, "user", api->session.user);
	sd_api_tell(api, "auth", f);
}

enum sd_err sd_api_whoami(struct sd_api *api, struct cJSON **who, struct sd_error *e)
{
	(void)e;
	*who = who_line(api);
	return SD_OK;
}

enum sd_err sd_api_users(struct sd_api *api, struct cJSON **out, struct sd_error *e)
{
	return sd_users_load(api->dir, out, e);
}

/* ---- the guard over unsent changes ---- */

static enum sd_err count_unsent(struct sd_api *api, int64_t *n, struct sd_error *e)
{
	struct sd_outbox_counts c;
	enum sd_err rc = sd_outbox_counts(api->writer, NULL, &c, e);

	*n = 0;
	for (int i = 0; rc == SD_OK && i < SD_LANE_COUNT; i++)
		*n += c.lane[i];
	return rc;
}

static enum sd_err push_unsent(struct sd_api *api, struct sd_error *e)
{
	bool was = api->rt != NULL;
	int64_t patience = api->o.settings->net_timeout_ms, end = 0, left = 0, before = -1;
	struct sd_api_status s;
	enum sd_err rc;

	if ((api->auth == SD_AUTH_USER_POOL || api->auth == SD_AUTH_OIDC) &&
		(!api->has_session || (api->owner.user_id && !sd_str_eq(api->owner.user_id,
								     api->session.user_id))))
		return sd_fail(e, SD_UNSENT, 0,
			"the unsent changes of %s cannot be sent without a session: sign in as %s "
			"first, or use export or discard",
			api->owner.user ? api->owner.user : "nobody",
			api->owner.user ? api->owner.user : "a user");
	rc = sd_api_start(api, e);
	while (rc == SD_OK) {
		rc = count_unsent(api, &left, e);
		if (left != before) /* it goes on as long as something leaves */
			end = sd_mono_ms() + patience;
		before = left;
		if (rc != SD_OK || left == 0 || sd_mono_ms() > end)
			break;
		sd_api_status(api, &s);
		if (s.idle || s.auth_needed || s.switched_off)
			break;
		usleep(20000);
	}
	if (!was)
		sd_api_stop(api);
	if (rc == SD_OK && left)
		rc = sd_fail(e, SD_UNSENT, 0,
			"%lld change(s) could not be sent (see `syncdeck outbox`); nothing was "
			"lost: "
			"use export or discard, or try again",
			(long long)left);
	return rc;
}

static enum sd_err export_unsent(struct sd_api *api, const char *file, struct sd_error *e)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *list = NULL;
	enum sd_err rc;
	int fd;

	if (!file)
		return sd_fail(e, SD_INVAL, 0, "export needs a file name");
	fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd < 0)
		return sd_fail(e, SD_IO, errno, "cannot export to %s: %s; nothing was changed",
			file, strerror(errno));
	close(fd);
	rc = sd_api_outbox(api, true, &list, e);
	for (struct cJSON *l = sd_json_child(list); l; l = sd_json_next(l)) {
		if (api->owner.user_id)
			sd_json_add_str(l, "owner", api->owner.user_id);
		sd_json_print(l, &text);
		sd_buf_ch(&text, '\n');
	}
	if (rc == SD_OK && !sd_buf_ok(&text))
		rc = sd_fail(e, SD_NOMEM, 0, "export: out of memory");
	if (rc == SD_OK)
		rc = sd_write_file(file, sd_buf_text(&text), text.len, e);
	sd_json_free(list);
	sd_buf_release(&text);
	return rc;
}

/* Nothing unsent is left behind, or the person said what to do with it.  The store is open.  *may
 * gets how many entries the wipe may find: another process may save until it has the lock. */
static enum sd_err guard(struct sd_api *api, enum sd_pending pending, const char *file,
	const char *doing, int64_t *may, struct sd_error *e)
{
	int64_t n = 0;
	enum sd_err rc = count_unsent(api, &n, e);

	*may = pending == SD_PENDING_DISCARD ? INT64_MAX : pending == SD_PENDING_EXPORT ? n : 0;
	if (rc != SD_OK || n == 0 || pending == SD_PENDING_DISCARD)
		return rc;
	if (pending == SD_PENDING_PUSH)
		return push_unsent(api, e);
	if (pending == SD_PENDING_EXPORT)
		return export_unsent(api, file, e);
	return sd_fail(e, SD_UNSENT, 0,
		"%s: %lld unsent change(s) would be lost; nothing was changed: say --pending push, "
		"--pending export FILE or --pending discard",
		doing, (long long)n);
}

/* ---- the wipe ---- */

/* Under the lock: what another process saved since the guard looked is not wiped. */
static enum sd_err count_again(struct sd_api *api, int64_t may, struct sd_error *e)
{
	struct sd_store_opts so = {.dir = api->dir,
		.schema = api->o.schema,
		.read_only = true,
		.now_ms = sd_now_ms(),
		.rand = &api->rand};
	struct sd_store *st = NULL;
	struct sd_outbox_counts c;
	int64_t n = 0;
	enum sd_err rc;

	if (may == INT64_MAX)
		return SD_OK;
	rc = sd_store_open(&so, &st, e);
	if (rc == SD_NOTFOUND)
		return SD_OK;
	if (rc == SD_OK)
		rc = sd_outbox_counts(st, NULL, &c, e);
	for (int i = 0; rc == SD_OK && i < SD_LANE_COUNT; i++)
		n += c.lane[i];
	sd_store_close(st);
	if (rc == SD_OK && n > may)
		rc = sd_fail(e, SD_UNSENT, 0,
			"another process saved %lld change(s) meanwhile; nothing was wiped: try "
			"again",
			(long long)(n - may));
	return rc;
}

/* *fd gets the exclusive lock, owned: other processes stay out until it is released, so that none
 * of them takes the old session for the new store's. */
static enum sd_err wipe(
	struct sd_api *api, int64_t may, struct sd_wiped *out, int *fd, struct sd_error *e)
{
	enum sd_err rc;

	sd_api_stop(api);
	sd_api_close_store(api);
	rc = sd_lock_take(api->dir, SD_LOCK_PROFILE_EXCLUSIVE, CLOSE_MS, fd, e);
	if (rc == SD_OK)
		rc = count_again(api, may, e);
	if (rc == SD_OK)
		rc = sd_wipe(api->dir, out, e);
	if (rc == SD_OK)
		sd_api_tell(api, "cleared", NULL);
	return rc;
}

/* ---- sign in ---- */

static enum sd_err same_user(struct sd_api *api, struct sd_error *e)
{
	enum sd_err rc = SD_OK;

	api->locked = false;
	if (!api->reader)
		rc = sd_api_open_store(api, e);
	return rc;
}

/* The store's owner is somebody else, or (first sign-in) nobody. */
static enum sd_err other_user(
	struct sd_api *api, const struct sd_login *l, int *lock, struct sd_error *e)
{
	bool had_owner = api->owner.user_id != NULL;
	struct sd_wiped w;
	int64_t n = 0, may = 0;
	enum sd_err rc = SD_OK;

	if (!api->writer)
		rc = sd_api_open_store(api, e); /* to count; nothing of it is shown */
	if (rc == SD_OK)
		rc = count_unsent(api, &n, e);
	if (rc == SD_OK && !had_owner && (n == 0 || l->pending == SD_PENDING_PUSH))
		return SD_OK; /* the first sign-in owns what is there, and sends it */
	if (rc == SD_OK) {
		bool locked = api->locked;
		api->locked = false; /* the guard reads the outbox */
		rc = guard(api, l->pending, l->export_file, "sign-in", &may, e);
		api->locked = locked;
	}
	if (rc == SD_OK)
		rc = wipe(api, may, &w, lock, e);
	if (rc == SD_OK)
		sd_log(SD_LOG_INFO, "people", "wiped %lld files before the sign-in of another user",
			(long long)w.files);
	return rc;
}

static enum sd_err adopt(struct sd_api *api, struct sd_session *s, int *lock, struct sd_error *e)
{
	enum sd_err rc = sd_owner_store(api->dir, s->user, s->user_id, e);

	if (rc == SD_OK)
		rc = sd_session_store(api->dir, s, e);
	if (rc == SD_OK)
		rc = sd_users_note(api->dir, s->user, s->user_id, e);
	if (rc != SD_OK)
		return rc;
	sd_owner_release(&api->owner);
	rc = sd_owner_load(api->dir, &api->owner, e);
	sd_session_release(&api->session);
	api->session = *s;
	memset(s, 0, sizeof *s);
	api->has_session = true;
	sd_lock_release(*lock); /* the others find the new owner now */
	*lock = -1;
	return rc == SD_OK ? same_user(api, e) : rc;
}

bool sd_api_own_token(const struct sd_api *api)
{
	return api->auth == SD_AUTH_OIDC;
}

/* Who is it?  Asks the user pool, or reads the person's own token. */
static enum sd_err prove(
	struct sd_api *api, const struct sd_login *l, struct sd_session *s, struct sd_error *e)
{
	enum sd_err rc;

	if (!sd_api_own_token(api)) {
		if (!api->pool.client_id)
			return sd_fail(e, SD_INVAL, 0,
				"no user pool is configured: give a client configuration with one "
				"(-c)");
		return sd_pool_sign_in(&api->pool, l->user, l->password, l->new_password, l->code,
			sd_now_ms(), s, e);
	}
	if (!api->o.token)
		return sd_fail(e, SD_AUTH, 0, "login under oidc: set SYNCDECK_TOKEN to the token");
	rc = sd_session_from_token(api->o.token, s, e);
	if (rc == SD_OK && l->user && !sd_str_eq(l->user, s->user) &&
		!sd_str_eq(l->user, s->user_id)) {
		rc = sd_fail(e, SD_INVAL, 0, "login %s: the token is of %s", l->user, s->user);
		sd_session_release(s);
	}
	return rc;
}

enum sd_err sd_api_login(
	struct sd_api *api, const struct sd_login *l, struct cJSON **who, struct sd_error *e)
{
	struct sd_session s;
	enum sd_err rc;
	int lock = -1;

	*who = NULL;
	rc = prove(api, l, &s, e);
	if (rc != SD_OK)
		return rc;
	if (!sd_str_eq(api->owner.user_id, s.user_id))
		rc = other_user(api, l, &lock, e);
	if (rc == SD_OK)
		rc = adopt(api, &s, &lock, e);
	else if (api->locked) /* opened only to count */
		sd_api_close_store(api);
	sd_lock_release(lock);
	if (rc == SD_OK) {
		if (api->auth == SD_AUTH_NONE)
			api->auth = SD_AUTH_USER_POOL;
		if (api->rt)
			sd_runtime_reauth(api->rt);
		tell_auth(api, "signed-in");
		*who = who_line(api);
	} else if (!api->locked && !api->reader) {
		/* nothing was wiped, or the wipe failed half way and is finished by this; else
		 * whatever is left stays hidden */
		api->locked = sd_api_open_store(api, NULL) != SD_OK;
	}
	sd_session_release(&s);
	return rc;
}

static enum sd_err end_session(struct sd_api *api, struct sd_error *e)
{
	struct sd_session left;
	enum sd_err rc;

	sd_session_drop(api->dir);
	rc = sd_session_load(api->dir, &left, NULL);
	sd_session_release(&left);
	return rc == SD_NOTFOUND
		       ? SD_OK
		       : sd_fail(e, SD_IO, 0,
				 "%s/session.json cannot be removed: the sign-in is still on this "
				 "device; check the rights of the directory",
				 api->dir);
}

enum sd_err sd_api_logout(struct sd_api *api, enum sd_pending pending, const char *export_file,
	struct cJSON **who, struct sd_error *e)
{
	bool clear = api->o.settings->clear_on_signout;
	struct sd_wiped w;
	int64_t may = pending == SD_PENDING_DISCARD ? INT64_MAX : 0;
	enum sd_err rc = SD_OK;
	int lock = -1;

	*who = NULL;
	if (clear && !api->locked) {
		rc = sd_api_use(api, e);
		if (rc == SD_OK)
			rc = guard(api, pending, export_file, "sign-out", &may, e);
	} else if (pending == SD_PENDING_PUSH || pending == SD_PENDING_EXPORT) {
		rc = sd_api_use(api, e);
		if (rc == SD_OK)
			rc = guard(api, pending, export_file, "sign-out", &may, e);
	}
	if (rc != SD_OK)
		return rc;
	sd_api_stop(api); /* nothing is sent any more */
	if (clear)
		rc = wipe(api, may, &w, &lock, e);
	if (rc != SD_OK) {
		sd_lock_release(lock);
		return rc;
	}
	if (api->has_session)
		sd_pool_revoke(&api->pool, &api->session);
	rc = end_session(api, e);
	sd_lock_release(lock);
	if (rc != SD_OK)
		return rc;
	tell_auth(api, "signed-out");
	sd_session_release(&api->session);
	api->has_session = false;
	if (api->owner.user_id) {
		sd_api_close_store(api);
		api->locked = true;
	}
	*who = who_line(api);
	return SD_OK;
}

enum sd_err sd_api_clear(struct sd_api *api, enum sd_pending pending, const char *export_file,
	struct cJSON **out, struct sd_error *e)
{
	struct sd_wiped w = {0};
	int64_t may = 0;
	enum sd_err rc = sd_api_use(api, e);
	int lock = -1;

	*out = NULL;
	if (rc == SD_OK && api->o.read_only)
		rc = sd_fail(e, SD_READONLY, 0, "this profile is read-only: nothing was cleared");
	if (rc == SD_OK)
		rc = guard(api, pending, export_file, "clear", &may, e);
	if (rc == SD_OK)
		rc = wipe(api, may, &w, &lock, e);
	sd_lock_release(lock);
	if (rc == SD_OK)
		rc = sd_api_open_store(api, e);
	if (rc != SD_OK)
		return rc;
	*out = sd_json_object();
	sd_json_add_int(*out, "files", w.files);
	sd_json_add_int(*out, "bytes", w.bytes);
	sd_json_add_bool(*out, "verified", true);
	return SD_OK;
}
