/*
 * core/runtime/credentials.c - what requests are signed with, and its renewal: the user pool's
 * tokens, the identity pool's keys.  On the runtime's thread; everything asked for over its loop.
 */
#include <stdlib.h>
#include <string.h>

#include "core/base/log.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/runtime/internal.h"

enum sd_err sd_rt_load_session(struct sd_runtime *rt, struct sd_error *e)
{
	enum sd_err rc;

	sd_session_release(&rt->session);
	if (rt->o.auth == SD_AUTH_OIDC && rt->o.token)
		rc = sd_session_from_token(rt->o.token, &rt->session, NULL);
	else
		rc = sd_session_load(rt->o.dir, &rt->session, e);
	rt->has_session = rc == SD_OK;
	if (rt->o.auth == SD_AUTH_OIDC && rt->o.token)
		return rc == SD_INVAL ? SD_OK : rc; /* it names nobody, and is a token still */
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* Whether a person stands behind the requests.  Keys, lambda tokens and AWS keys are nobody's. */
bool sd_rt_signed_in(const struct sd_runtime *rt)
{
	if (rt->o.auth == SD_AUTH_USER_POOL)
		return rt->has_session;
	if (rt->o.auth == SD_AUTH_MULTI)
		return rt->has_session || rt->o.token;
	return true;
}

/* Somebody signed out, or another user signed in, while the request was under way: the answer must
 * not bring the session back. */
static enum sd_err still_ours(struct sd_runtime *rt, struct sd_error *e)
{
	struct sd_session now;
	enum sd_err rc = sd_session_load(rt->o.dir, &now, e);

	if (rc == SD_NOTFOUND || (rc == SD_OK && !sd_str_eq(now.user_id, rt->session.user_id)))
		rc = sd_fail(e, SD_AUTH, 0, "the session has ended meanwhile");
	sd_session_release(&now);
	return rc;
}

static void on_refreshed(void *ctx, uint64_t id, const struct sd_http_answer *a)
{
	struct sd_runtime *rt = ctx;
	struct sd_error e = {.code = SD_OK};
	struct sd_input *in;
	enum sd_err rc;

	(void)id;
	rt->refreshing = false;
	if (a->transport)
		rc = SD_NET;
	else
		rc = sd_pool_refresh_answer(&rt->session, a->status, sd_buf_text(a->body),
			a->body->len, sd_now_ms(), &e);
	if (rc == SD_OK)
		rc = still_ours(rt, &e);
	if (rc == SD_OK)
		rc = sd_session_store(rt->o.dir, &rt->session, &e);
	rt->refresh_after_ms = sd_mono_ms() + (rc == SD_OK ? 1000 : rc == SD_AUTH ? 60000 : 5000);
	if (rc == SD_OK) { /* a token that lives for less than a minute is not renewed for ever */
		int64_t life = rt->session.expires_ms - sd_now_ms();
		rt->refresh_margin_ms = life / 4 < SD_RT_REFRESH_MS ? life / 4 : SD_RT_REFRESH_MS;
	}
	if (rc != SD_OK && rc != SD_AUTH) { /* not the last word: try again */
		rt->refresh_wanted = true;
		sd_log(SD_LOG_WARN, "runtime", "token refresh: %s",
			rc == SD_NET && !e.text[0] ? "no answer" : e.text);
		return;
	}
	in = sd_rt_input(SD_IN_AUTH, 0);
	if (!in)
		return;
	in->on = rc == SD_OK;
	sd_rt_put(rt, in);
}

void sd_rt_refresh(struct sd_runtime *rt)
{
	struct sd_pool_request r;
	struct sd_error e = {.code = SD_OK};
	struct sd_input *in;

	if (rt->refreshing)
		return;
	rt->refresh_wanted = sd_mono_ms() < rt->refresh_after_ms;
	if (rt->refresh_wanted)
		return;
	if (rt->has_session && rt->o.pool &&
		sd_pool_refresh_request(rt->o.pool, &rt->session, &r, &e) == SD_OK) {
		if (sd_http_post(rt->loop, SD_RT_REFRESH_ID, sd_buf_text(&r.url), r.headers,
			    sd_buf_text(&r.body), r.body.len, 30000, on_refreshed, rt, &e) == SD_OK)
			rt->refreshing = true;
		sd_pool_request_release(&r);
		if (rt->refreshing)
			return;
		rt->refresh_after_ms = sd_mono_ms() + 5000;
	}
	in = sd_rt_input(SD_IN_AUTH, 0); /* nothing to refresh with: a person must sign in */
	if (in)
		sd_rt_put(rt, in);
}

/* ---- AWS keys of the identity pool (server.md 7.7) ---- */

static void tell_keys(struct sd_runtime *rt, enum sd_err rc, const struct sd_error *e)
{
	struct sd_input *in;

	rt->fetching_keys = false;
	rt->keys_after_ms = sd_mono_ms() + (rc == SD_OK ? 1000 : rc == SD_AUTH ? 60000 : 5000);
	if (rc != SD_OK)
		sd_log(SD_LOG_WARN, "runtime", "identity pool: %s",
			e->text[0] ? e->text : "no answer");
	if (!rt->engine)
		return; /* asked for before the engine's start */
	in = sd_rt_input(SD_IN_AUTH, 0);
	if (!in)
		return;
	in->on = rc == SD_OK;
	sd_rt_put(rt, in);
}

static const char *id_token(const struct sd_runtime *rt)
{
	return rt->has_session ? rt->session.id : NULL;
}

static void on_keys(void *ctx, uint64_t id, const struct sd_http_answer *a)
{
	struct sd_runtime *rt = ctx;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = SD_NET;

	(void)id;
	if (!a->transport)
		rc = sd_identity_keys_answer(
			a->status, sd_buf_text(a->body), a->body->len, &rt->keys, &e);
	tell_keys(rt, rc, &e);
}

static enum sd_err ask(
	struct sd_runtime *rt, struct sd_pool_request *r, sd_http_fn then, struct sd_error *e)
{
	enum sd_err rc = sd_http_post(rt->loop, SD_RT_KEYS_ID, sd_buf_text(&r->url), r->headers,
		sd_buf_text(&r->body), r->body.len, 30000, then, rt, e);

	sd_pool_request_release(r);
	return rc;
}

static void on_identity(void *ctx, uint64_t id, const struct sd_http_answer *a)
{
	struct sd_runtime *rt = ctx;
	struct sd_error e = {.code = SD_OK};
	struct sd_pool_request r;
	char *identity = NULL;
	enum sd_err rc = SD_NET;

	(void)id;
	if (!a->transport)
		rc = sd_identity_id_answer(
			a->status, sd_buf_text(a->body), a->body->len, &identity, &e);
	if (rc == SD_OK)
		rc = sd_identity_keys_request(rt->o.identity, identity, id_token(rt), &r, &e);
	if (rc == SD_OK)
		rc = ask(rt, &r, on_keys, &e);
	if (rc != SD_OK)
		tell_keys(rt, rc, &e);
	free(identity);
}

void sd_rt_fetch_keys(struct sd_runtime *rt)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_pool_request r;
	enum sd_err rc;

	if (rt->fetching_keys)
		return;
	if (!rt->o.identity) { /* the person's own keys: nobody here can renew them */
		struct sd_input *in = sd_rt_input(SD_IN_AUTH, 0);
		if (in)
			sd_rt_put(rt, in);
		return;
	}
	rt->keys_wanted = sd_mono_ms() < rt->keys_after_ms;
	if (rt->keys_wanted)
		return;
	rt->fetching_keys = true;
	rc = sd_identity_id_request(rt->o.identity, id_token(rt), &r, &e);
	if (rc == SD_OK)
		rc = ask(rt, &r, on_identity, &e);
	if (rc != SD_OK)
		tell_keys(rt, rc, &e);
}

bool sd_rt_keys_end(const struct sd_runtime *rt)
{
	if (!rt->o.identity || (rt->o.auth != SD_AUTH_IAM && rt->o.auth != SD_AUTH_MULTI))
		return false;
	return !rt->keys.id || (rt->keys.expires_ms && rt->keys.expires_ms - sd_rt_server_ms(rt) <
							       SD_RT_REFRESH_MS);
}

void sd_rt_renew_when_due(struct sd_runtime *rt)
{
	int64_t margin = rt->refresh_margin_ms ? rt->refresh_margin_ms : SD_RT_REFRESH_MS;
	bool ends = rt->has_session && rt->o.pool && rt->session.refresh &&
		    rt->session.expires_ms && rt->session.expires_ms - sd_now_ms() < margin;

	if (!rt->net_on)
		return;
	if (!rt->refreshing && (ends || rt->refresh_wanted) && sd_mono_ms() >= rt->refresh_after_ms)
		sd_rt_refresh(rt);
	if (!rt->fetching_keys && (rt->keys_wanted || (rt->keys.id && sd_rt_keys_end(rt))) &&
		sd_mono_ms() >= rt->keys_after_ms)
		sd_rt_fetch_keys(rt);
}
