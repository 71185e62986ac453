/* core/api/owner.c - whose store this is, who is signed in, and whether both are still so. */
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/api/internal.h"
#include "core/base/fs.h"
#include "core/base/text.h"

/* The session of the profile; under oidc the one that the person's own token stands for. */
static enum sd_err load_session(struct sd_api *api, struct sd_error *e)
{
	enum sd_err rc;

	api->own_token = api->auth == SD_AUTH_OIDC && api->o.token &&
			 sd_session_from_token(api->o.token, &api->session, NULL) == SD_OK;
	rc = api->own_token ? SD_OK : sd_session_load(api->dir, &api->session, e);
	api->has_session = rc == SD_OK;
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* A store without an owner becomes the one's who comes with a token; with unsent changes in it
 * that takes a login, which asks what shall become of them. */
static enum sd_err claim(struct sd_api *api, struct sd_error *e)
{
	struct sd_outbox_counts c;
	enum sd_err rc = sd_outbox_counts(api->writer, NULL, &c, e);

	for (int i = 0; rc == SD_OK && i < SD_LANE_COUNT; i++)
		if (c.lane[i])
			return SD_OK;
	if (rc == SD_OK)
		rc = sd_owner_store(api->dir, api->session.user, api->session.user_id, e);
	if (rc == SD_OK)
		rc = sd_owner_load(api->dir, &api->owner, e);
	if (rc == SD_OK)
		rc = sd_users_note(api->dir, api->session.user, api->session.user_id, e);
	return rc;
}

/* Who owns the store and who is signed in; opens it, or leaves it locked.  The lock comes first:
 * who owned the store before a wipe must not be taken for its owner after it. */
enum sd_err sd_api_open_for_owner(struct sd_api *api, struct sd_error *e)
{
	enum sd_err rc = sd_api_take_profile(api, e);

	if (rc == SD_OK)
		rc = sd_owner_load(api->dir, &api->owner, e);
	if (rc != SD_OK)
		return rc;
	rc = load_session(api, e);
	if (rc != SD_OK)
		return rc;
	api->locked = api->owner.user_id &&
		      (!api->has_session || !sd_str_eq(api->owner.user_id, api->session.user_id));
	if (!api->locked) {
		rc = sd_api_open_store(api, e);
		return rc == SD_OK && api->own_token && !api->owner.user_id ? claim(api, e) : rc;
	}
	sd_api_close_store(api);
	return SD_OK;
}

/* Has another process signed in or out here? */
static bool session_moved(const struct sd_api *api)
{
	char path[PATH_MAX];
	struct stat s;
	bool there;

	snprintf(path, sizeof path, "%s/session.json", api->dir);
	there = stat(path, &s) == 0 && S_ISREG(s.st_mode);
	return !api->own_token && there != api->has_session;
}

/* The number of wipes, read again only when its file is another one. */
static int64_t generation(struct sd_api *api)
{
	char path[PATH_MAX];
	struct stat s;

	snprintf(path, sizeof path, "%s/generation", api->dir);
	if (stat(path, &s))
		memset(&s, 0, sizeof s);
	if (api->generation_read && s.st_ino == api->generation_file.st_ino &&
		s.st_size == api->generation_file.st_size &&
		memcmp(&s.st_ctim, &api->generation_file.st_ctim, sizeof s.st_ctim) == 0)
		return api->generation_last;
	api->generation_last = sd_wipe_generation(api->dir);
	api->generation_file = s;
	api->generation_read = s.st_ino != 0;
	return api->generation_last;
}

#define QUIET_S 3 /* longer than any clock of a file system ticks */

/* Both files come by rename and go by removal, which the directory shows: looking at it is enough,
 * once it is so old that no second change can hide behind the same time. */
static bool same_dir(const struct sd_api *api, struct stat *s)
{
	if (stat(api->dir, s)) {
		memset(s, 0, sizeof *s);
		return false;
	}
	return api->quiet && s->st_ino == api->quiet_dir.st_ino &&
	       s->st_dev == api->quiet_dir.st_dev &&
	       memcmp(&s->st_mtim, &api->quiet_dir.st_mtim, sizeof s->st_mtim) == 0 &&
	       memcmp(&s->st_ctim, &api->quiet_dir.st_ctim, sizeof s->st_ctim) == 0;
}

static void note_quiet(struct sd_api *api, const struct stat *s)
{
	api->quiet_dir = *s;
	api->quiet = s->st_ino && sd_now_ms() / 1000 - s->st_ctim.tv_sec > QUIET_S;
}

static enum sd_err still_locked(const struct sd_api *api, struct sd_error *e)
{
	return sd_fail(e, SD_AUTH, 0,
		"this profile belongs to %s, who is signed out; run `syncdeck login %s`",
		api->owner.user ? api->owner.user : "another user",
		api->owner.user ? api->owner.user : "USER");
}

enum sd_err sd_api_use(struct sd_api *api, struct sd_error *e)
{
	int64_t before = api->generation;
	struct stat dir;
	bool moved;
	enum sd_err rc;

	if (same_dir(api, &dir) && api->reader && !api->locked)
		return SD_OK;
	api->quiet = false;
	moved = session_moved(api);
	if (api->locked && !moved)
		return still_locked(api, e);
	if (!moved && api->reader && generation(api) == before) {
		note_quiet(api, &dir);
		return SD_OK;
	}
	/* another process wipes the store, or signed somebody in or out: let go of what was, look
	 * who owns it now */
	sd_api_stop(api);
	sd_api_close_store(api);
	sd_owner_release(&api->owner);
	sd_session_release(&api->session);
	rc = sd_api_open_for_owner(api, e);
	if (rc == SD_OK && api->locked)
		return still_locked(api, e);
	if (rc == SD_OK && api->generation != before)
		sd_api_tell(api, "cleared", NULL);
	return rc;
}
