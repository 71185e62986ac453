/*
 * core/sandbox/server/pool.h - private: the user pool's people, sessions and tokens.
 *
 * pool.c opens it, pool_users.c reads the users file, pool_tokens.c makes and checks tokens,
 * pool_call.c answers the operations, pool_keep.c remembers what they changed.  Spec: server.md 7; users file: contract.md 10.
 */
#ifndef SD_SANDBOX_SERVER_POOL_H
#define SD_SANDBOX_SERVER_POOL_H

#include "core/base/map.h"
#include "core/json/json.h"
#include "core/sandbox/server/jwt.h"
#include "core/sandbox/server/server.h"
#include "core/sandbox/server/srp.h"

#define POOL_ID     "us-east-1_Syncdeck1"
#define POOL_NAME   "Syncdeck1"
#define CLIENT_ID   "1syncdeck2sandbox3client4id"
#define SESSION_MS  180000 /* a challenge's life (server.md 7.4) */
#define REFRESH_MS  ((int64_t)30 * 86400 * 1000)
#define PENDING_MAX 256

enum challenge { CH_NONE, CH_NEW_PASSWORD, CH_TOTP, CH_SMS };

struct user {
	char *name, *password, *sub, *email; /* owned; email may be NULL */
	char *code;                          /* what solves totp and sms: "123456" unless given */
	struct cJSON *groups;                /* owned array; NULL: none */
	enum challenge challenge;
	bool disabled;
	int64_t signed_out_ms; /* refresh tokens made before are dead */
};

struct pending { /* a sign-in between two steps; key is the Session or the SECRET_BLOCK */
	char *key;
	struct user *user;
	struct sd_srp *srp; /* PASSWORD_VERIFIER; NULL: another challenge */
	enum challenge challenge;
	int64_t until_ms;
};

struct pool {
	struct user *users; /* owned */
	size_t count;
	struct sd_signer *signer;
	struct pending pending[PENDING_MAX]; /* a ring: the oldest gives way */
	size_t next_pending;
	struct sd_map revoked;                  /* jti of refresh tokens, origin_jti of sessions */
	int64_t generation, refresh_generation; /* tokens of an older one are expired */
};

/* pool_users.c */
SD_MUST_USE enum sd_err sd_srv_users_read(
	const char *path, struct user **out, size_t *count, struct sd_error *e);
void sd_srv_users_free(struct user *list, size_t count);
/* By user name or email; NULL: unknown. */
struct user *sd_srv_user(struct pool *p, const char *name);
struct user *sd_srv_user_by_sub(struct pool *p, const char *sub);

/* pool_keep.c: changes that outlive a restart; false: not kept, and nothing is changed */
bool sd_srv_pool_new_password(struct server *s, struct user *u, const char *password);
bool sd_srv_pool_signed_out(struct server *s, struct user *u); /* all sessions up to now end */
bool sd_srv_pool_revoked(struct server *s, const char *jti);   /* of a token, or of a session */
SD_MUST_USE enum sd_err sd_srv_pool_restore(struct server *s, struct sd_error *e);

/* pool_tokens.c */
/* {"AccessToken",...}; with_refresh: a refresh token too.  origin: the session (origin_jti) they
 * belong to; NULL: a new one.  Owned; NULL: failed. */
struct cJSON *sd_srv_tokens(
	struct server *s, const struct user *u, const char *origin, bool with_refresh);
/* The user of a good refresh token, and its session; NULL with *why (static) set. */
struct user *sd_srv_refresh_user(
	struct server *s, const char *token, char origin[SD_UUID_TEXT], const char **why);
struct user *sd_srv_access_user(struct server *s, const char *token, const char **why);
/* Ends a refresh token: its whole session with the access tokens, or (only) just this one token.
 * false: it is none. */
bool sd_srv_revoke(struct server *s, const char *token, bool only);

#endif
