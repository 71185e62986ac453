/*
 * core/sandbox/server/pool_keep.c - what the pool must not forget at a restart: ended sessions, new
 * passwords, expired generations; see pool.h.  It lies in the sandbox's own file (--db).
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/sandbox/server/pool.h"

#define PASSWORD   "password:"
#define SIGNED_OUT "signed-out:"
#define REVOKED    "revoked:"
#define ACCESS     "generation:access"
#define REFRESH    "generation:refresh"

static bool keep(struct server *s, const char *what, const char *id, const char *value)
{
	struct sd_buf key = SD_BUF_INIT;
	struct sd_error e = {0};
	bool ok = sd_buf_str(&key, what) && sd_buf_str(&key, id) &&
		  sd_sbx_keep(s->sbx, sd_buf_text(&key), value, &e) == SD_OK;

	if (!ok)
		sd_log(SD_LOG_WARN, "sandbox", "user pool: %s is not kept: %s", what, e.text);
	sd_buf_release(&key);
	return ok;
}

static bool keep_number(struct server *s, const char *what, const char *id, int64_t n)
{
	char text[24];

	snprintf(text, sizeof text, "%" PRId64, n);
	return keep(s, what, id, text);
}

/* The file's password is kept, too: who edits the users file afterwards is obeyed. */
bool sd_srv_pool_new_password(struct server *s, struct user *u, const char *password)
{
	struct cJSON *both = sd_json_object();
	struct sd_buf text = SD_BUF_INIT;
	char *copy = strdup(password);
	bool ok = copy && sd_json_add_str(both, "file", u->password) &&
		  sd_json_add_str(both, "now", password) && sd_json_print(both, &text) &&
		  keep(s, PASSWORD, u->sub, sd_buf_text(&text));

	if (ok) {
		free(u->password);
		u->password = copy;
		u->challenge = CH_NONE;
	} else {
		free(copy);
	}
	sd_buf_release(&text);
	sd_json_free(both);
	return ok;
}

bool sd_srv_pool_signed_out(struct server *s, struct user *u)
{
	int64_t now = sd_srv_now_ms(s);

	if (!keep_number(s, SIGNED_OUT, u->sub, now))
		return false;
	u->signed_out_ms = now;
	return true;
}

bool sd_srv_pool_revoked(struct server *s, const char *jti)
{
	return keep_number(s, REVOKED, jti, sd_srv_now_ms(s) + REFRESH_MS) &&
	       sd_map_put(&s->pool->revoked, jti, s, NULL);
}

void sd_srv_pool_expire(struct server *s, bool refresh_too)
{
	keep_number(s, ACCESS, "", ++s->pool->generation);
	if (refresh_too)
		keep_number(s, REFRESH, "", ++s->pool->refresh_generation);
}

static void restore_password(struct user *u, const char *value)
{
	struct cJSON *both = NULL;
	const char *now;
	char *copy;

	if (!u || sd_json_parse(value, strlen(value), "password", &both, NULL) != SD_OK)
		return;
	now = sd_json_get_str(both, "now");
	copy = now && sd_str_eq(sd_json_get_str(both, "file"), u->password) ? strdup(now) : NULL;
	if (copy) {
		free(u->password);
		u->password = copy;
		u->challenge = CH_NONE;
	}
	sd_json_free(both);
}

static void restore(void *server, const char *key, const char *value)
{
	struct server *s = server;
	struct pool *p = s->pool;
	const char *id = strchr(key, ':');
	struct user *u;
	int64_t n = 0;

	if (!id || !value)
		return;
	u = sd_srv_user_by_sub(p, ++id);
	if (sd_str_starts(key, PASSWORD))
		restore_password(u, value);
	else if (!sd_parse_i64(value, &n))
		return;
	else if (sd_str_starts(key, SIGNED_OUT) && u)
		u->signed_out_ms = n;
	else if (sd_str_starts(key, REVOKED) && n > sd_srv_now_ms(s))
		(void)!sd_map_put(&p->revoked, id, s, NULL);
	else if (sd_str_eq(key, ACCESS))
		p->generation = n;
	else if (sd_str_eq(key, REFRESH))
		p->refresh_generation = n;
}

enum sd_err sd_srv_pool_restore(struct server *s, struct sd_error *e)
{
	return sd_sbx_kept(s->sbx, restore, s, e);
}
