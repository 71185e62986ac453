/*
 * core/auth/auth.h - sessions: user pool sign-in and refresh, the session and owner files.
 *
 * The session file (0600) and the owner file live in the profile directory, outside the store.
 * Tokens never reach a log line, an error text or an event.  Protocol: spec/server.md 7; headers:
 * spec/client.md 1.7 and 6.5.
 *
 * Depends on: base, json, net, OpenSSL.  Threads: a session is plain data; sign-in blocks and
 * belongs on a thread that can wait; the request builders do not.
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

/* DIR/owner.json: whose store this is, by stable id; survives a sign-out, not a wipe for another
 * user.  load: both NULL when the store has no owner. */
struct sd_owner {
	char *user, *user_id; /* owned */
};
void sd_owner_release(struct sd_owner *o);
SD_MUST_USE enum sd_err sd_owner_load(const char *dir, struct sd_owner *out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_owner_store(
	const char *dir, const char *user, const char *user_id, struct sd_error *e);

/* DIR/users.json: who has signed in on this profile, newest first: array of {"user","userId"}. */
SD_MUST_USE enum sd_err sd_users_load(const char *dir, struct cJSON **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_users_note(
	const char *dir, const char *user, const char *user_id, struct sd_error *e);

struct sd_pool {              /* borrowed */
	const char *endpoint; /* NULL: AWS's own for the region in the pool id */
	const char *pool_id, *client_id, *client_secret;
	const char *ca_file;
	int64_t timeout_ms;
};
/* USER_SRP_AUTH (USER_PASSWORD_AUTH where the pool does not know it), then the challenges
 * new_password and code answer.  Blocks.
 * Errors: AUTH (wrong password; a challenge that nothing was given for, naming it), NET, TIMEOUT,
 * PROTO, INVAL (no pool configured). */
SD_MUST_USE enum sd_err sd_pool_sign_in(const struct sd_pool *p, const char *user,
	const char *password, const char *new_password, const char *code, int64_t now_ms,
	struct sd_session *out, struct sd_error *e);

/* The session that a person's own token (OIDC) stands for: user and user_id from its claims, no
 * refresh.  INVAL: it names nobody. */
SD_MUST_USE enum sd_err sd_session_from_token(
	const char *token, struct sd_session *out, struct sd_error *e);

/* One Cognito call as an HTTP request: url and the three headers (NULL-terminated) and a body. */
struct sd_pool_request {
	struct sd_buf url, target, body; /* owned: sd_pool_request_release */
	const char *headers[4];          /* borrowed from target and statics */
};
void sd_pool_request_release(struct sd_pool_request *r);
SD_MUST_USE enum sd_err sd_pool_refresh_request(const struct sd_pool *p, const struct sd_session *s,
	struct sd_pool_request *out, struct sd_error *e);
/* New access and ID tokens into s; the refresh token is kept when none is returned.
 * AUTH: the session has ended, sign in again. */
SD_MUST_USE enum sd_err sd_pool_refresh_answer(struct sd_session *s, int status, const char *body,
	size_t n, int64_t now_ms, struct sd_error *e);
/* Revokes the refresh token; blocks, best effort. */
void sd_pool_revoke(const struct sd_pool *p, const struct sd_session *s);

/* Claims of a JWT, unverified (the server verifies); NULL when it is not one. */
struct cJSON *sd_jwt_claims(const char *token);

#endif
