/*
 * core/auth/auth.h - sessions: user pool sign-in and refresh, the token file, request headers.
 *
 * The session file (0600) lives in the profile directory, outside the store.  Tokens never reach a
 * log line, an error text or an event.  Protocol: spec/server.md 7; headers: client.md 1.7, 6.5.
 *
 * Depends on: base, json, net.  Threads: a session is plain data; calls block (curl) and belong on
 * the thread that can wait: the command line's, or the runtime's helper.
 */
#ifndef SD_AUTH_AUTH_H
#define SD_AUTH_AUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct cJSON;

struct sd_session {           /* strings owned; NULL when absent */
	char *user, *user_id; /* name as shown; sub */
	char *access, *id, *refresh;
	int64_t expires_ms;   /* of the access token; 0: never */
	struct cJSON *claims; /* of the ID token (the access token when there is none) */
};
void sd_session_release(struct sd_session *s);

/* DIR/session.json.  load: NOTFOUND without text when there is none. */
SD_MUST_USE enum sd_err sd_session_load(
	const char *dir, struct sd_session *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_session_store(
	const char *dir, const struct sd_session *s, struct sd_error *e);
void sd_session_drop(const char *dir); /* overwritten, then removed */

/* DIR/owner.json: who owns the store, and who has signed in here; survives a wipe of the store. */
struct sd_owner {
	char *user, *user_id; /* owned; NULL: no owner */
};
void sd_owner_release(struct sd_owner *o);
SD_MUST_USE enum sd_err sd_owner_load(const char *dir, struct sd_owner *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_owner_store(
	const char *dir, const char *user, const char *user_id, struct sd_error *e);
void sd_owner_drop(const char *dir);

struct sd_pool {              /* borrowed */
	const char *endpoint; /* NULL: AWS's own for the region in the pool id */
	const char *pool_id, *client_id, *client_secret;
	const char *ca_file;
	int64_t timeout_ms;
};
/* USER_PASSWORD_AUTH, then challenges.  Errors: AUTH (wrong password, challenge needed: names what
 * to give), NET, TIMEOUT, PROTO. */
SD_MUST_USE enum sd_err sd_pool_sign_in(const struct sd_pool *p, const char *user,
	const char *password, const char *new_password, const char *code, int64_t now_ms,
	struct sd_session *out, struct sd_error *e);
/* New access and ID tokens into s; the refresh token is kept when none is returned.  AUTH: the
 * session has ended, sign in again. */
SD_MUST_USE enum sd_err sd_pool_refresh(
	const struct sd_pool *p, struct sd_session *s, int64_t now_ms, struct sd_error *e);
/* Best effort. */
void sd_pool_revoke(const struct sd_pool *p, const struct sd_session *s);

/* Claims of a JWT, unverified (the server verifies); NULL when it is not one. */
struct cJSON *sd_jwt_claims(const char *token);

#endif
