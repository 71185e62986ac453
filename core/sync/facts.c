/*
 * core/sync/facts.c - what the engine knows of the world outside: whether the endpoint answers,
 * which credentials are good, which mode a model's operation takes; and the status made of it.
 *
 * networkStatus is told when it changes and once at a start.
 */
#include "core/sync/internal.h"

#include <stdio.h>
#include <string.h>

#include "core/base/text.h"
#include "core/json/json.h"

static const char *const POLICY[] = {
	[SD_POLICY_MERGE] = "merge",
	[SD_POLICY_ASK] = "ask",
	[SD_POLICY_MINE] = "mine",
	[SD_POLICY_THEIRS] = "theirs",
	[SD_POLICY_SERVER] = "server",
	[SD_POLICY_COMMAND] = "command",
};
static const char *const RT_STATE[] = {
	[SD_RT_DOWN] = "down",
	[SD_RT_CONNECTING] = "connecting",
	[SD_RT_LIVE] = "live",
	[SD_RT_STALE] = "stale",
};
static const char *const PHASE[] = {
	[SD_PHASE_STOPPED] = "stopped",
	[SD_PHASE_OFFLINE] = "offline",
	[SD_PHASE_CONNECTING] = "connecting",
	[SD_PHASE_SUBSCRIBING] = "subscribing",
	[SD_PHASE_SYNCING] = "syncing",
	[SD_PHASE_LIVE] = "live",
};

int sd_policy_parse(const char *s)
{
	if (s[0] == '!' && s[1])
		return SD_POLICY_COMMAND;
	for (int i = 0; i < SD_POLICY_COMMAND; i++)
		if (sd_str_eq(s, POLICY[i]))
			return i;
	return -1;
}

const char *sd_rt_state_name(enum sd_rt_state s)
{
	return (size_t)s < sizeof RT_STATE / sizeof *RT_STATE ? RT_STATE[s] : "unknown";
}

const char *sd_phase_name(enum sd_phase p)
{
	return (size_t)p < sizeof PHASE / sizeof *PHASE ? PHASE[p] : "unknown";
}

static void tell_network(struct sd_engine *en, bool active, int64_t now_ms)
{
	struct cJSON *f;

	if (en->active_told && en->active == active)
		return;
	en->active_told = true;
	en->active = en->status.active = active;
	f = sd_json_object();
	sd_json_add_bool(f, "active", active);
	sd_en_event(en, "networkStatus", f, now_ms);
}

/* How long until the next knock: seconds at first, a minute after ten minutes of silence. */
static void plan_probe(struct sd_engine *en, int64_t now_ms)
{
	int64_t wait = sd_backoff_ms(++en->probes, -1, en->rand);
	int64_t cap = (now_ms - en->status.offline_since_ms) / 10;

	cap = cap < 10000 ? 10000 : cap > 60000 ? 60000 : cap;
	/* what the cap cuts off keeps some jitter: many clients lose one server together */
	if (wait > cap)
		wait = cap - (int64_t)sd_rand_below(en->rand, (uint32_t)(cap / 4));
	sd_wait_set(&en->probe, now_ms, wait);
}

void sd_en_reachable(struct sd_engine *en, bool ok, const char *failure, int64_t now_ms)
{
	if (!en->started)
		return;
	if (ok) {
		bool was_down = en->active_told && !en->active;

		if (!en->net_on)
			return;
		en->status.tcp_ok_ms = now_ms;
		if (was_down)
			en->down_ms = en->status.offline_since_ms;
		en->status.offline_since_ms = 0;
		en->probes = 0;
		en->probing = false;
		sd_wait_off(&en->probe);
		tell_network(en, true, now_ms);
		en->came_back = en->came_back || was_down;
		en->push_wake = en->push_wake || was_down;
		return;
	}
	if (!en->status.offline_since_ms)
		en->status.offline_since_ms = now_ms;
	snprintf(en->status.last_failure, sizeof en->status.last_failure, "%s",
		failure ? failure : "no answer");
	en->went_down = en->went_down || (en->active_told && en->active);
	tell_network(en, false, now_ms);
	en->probing = false;
	if (en->net_on)
		plan_probe(en, now_ms);
}

bool sd_en_online(const struct sd_engine *en)
{
	return en->started && en->net_on && (en->active || !en->active_told || en->probing);
}

/* Modes that work for a signed-in person only. */
static bool needs_sign_in(enum sd_auth_mode mode)
{
	return mode == SD_AUTH_USER_POOL || mode == SD_AUTH_OIDC;
}

bool sd_en_mode_ok(const struct sd_engine *en, enum sd_auth_mode mode)
{
	return !en->refused[mode] && (en->signed_in || !needs_sign_in(mode));
}

void sd_en_auth_refused(struct sd_engine *en, enum sd_auth_mode mode, int64_t now_ms)
{
	struct cJSON *f;

	if (en->refused[mode])
		return;
	en->refused[mode] = true;
	en->refusals++;
	en->status.signed_in_needed = true;
	f = sd_json_object();
	sd_json_add_str(f, "state", "expired");
	sd_json_add_str(f, "mode", sd_auth_mode_name(mode));
	sd_en_event(en, "auth", f, now_ms);
	sd_en_act(en, (struct sd_action){.kind = SD_ACT_REFRESH, .mode = mode});
	/* A key cannot be refreshed, and a session that was just refreshed may be refused by a
	 * server that is out of order: both are tried again by themselves, ever less often. */
	if (!needs_sign_in(mode) || en->refusals > 1)
		sd_wait_set(
			&en->refusal_wait, now_ms, sd_backoff_ms(en->refusals + 3, -1, en->rand));
}

/* ---- multi-auth: client.md 10.2 ---- */
static const struct {
	enum sd_allow allow;
	enum sd_provider by;
	enum sd_auth_mode mode;
	bool person; /* needs a signed-in person */
} RULE_MODES[] = {
	{SD_ALLOW_CUSTOM, SD_BY_FUNCTION, SD_AUTH_LAMBDA, false},
	{SD_ALLOW_OWNER, SD_BY_USERPOOLS, SD_AUTH_USER_POOL, true},
	{SD_ALLOW_OWNER, SD_BY_OIDC, SD_AUTH_OIDC, true},
	{SD_ALLOW_GROUPS, SD_BY_USERPOOLS, SD_AUTH_USER_POOL, true},
	{SD_ALLOW_GROUPS, SD_BY_OIDC, SD_AUTH_OIDC, true},
	{SD_ALLOW_PRIVATE, SD_BY_USERPOOLS, SD_AUTH_USER_POOL, true},
	{SD_ALLOW_PRIVATE, SD_BY_OIDC, SD_AUTH_OIDC, true},
	{SD_ALLOW_PRIVATE, SD_BY_IAM, SD_AUTH_IAM, true},
	{SD_ALLOW_PUBLIC, SD_BY_IAM, SD_AUTH_IAM, false},
	{SD_ALLOW_PUBLIC, SD_BY_APIKEY, SD_AUTH_API_KEY, false},
};

static bool usable(const struct sd_engine *en, enum sd_auth_mode mode, bool person)
{
	if ((person || needs_sign_in(mode)) && !en->signed_in)
		return false;
	for (size_t i = 0; i < en->mode_count; i++)
		if (en->modes[i] == mode)
			return true;
	return false;
}

static size_t add_mode(enum sd_auth_mode out[6], size_t n, enum sd_auth_mode mode)
{
	for (size_t i = 0; i < n; i++)
		if (out[i] == mode)
			return n;
	if (n < 6)
		out[n++] = mode;
	return n;
}

size_t sd_en_modes(const struct sd_engine *en, const struct sd_model *m, unsigned op_bit,
	enum sd_auth_mode out[6])
{
	size_t n = 0;

	if (en->auth != SD_AUTH_MULTI) {
		out[0] = en->auth;
		return 1;
	}
	/* a model without rules is open to whoever may call the API at all */
	for (size_t i = 0; i < en->mode_count && !m->rule_count; i++)
		if (usable(en, en->modes[i], false))
			n = add_mode(out, n, en->modes[i]);
	for (size_t t = 0; t < sizeof RULE_MODES / sizeof *RULE_MODES; t++)
		for (size_t i = 0; i < m->rule_count; i++) {
			const struct sd_auth_rule *r = &m->rules[i];
			if (r->allow == RULE_MODES[t].allow && r->provider == RULE_MODES[t].by &&
				(r->operations & op_bit) &&
				usable(en, RULE_MODES[t].mode, RULE_MODES[t].person))
				n = add_mode(out, n, RULE_MODES[t].mode);
		}
	return n;
}

static enum sd_phase phase(const struct sd_engine *en)
{
	if (!en->started)
		return SD_PHASE_STOPPED;
	if (!en->net_on || (en->active_told && !en->active))
		return SD_PHASE_OFFLINE;
	if (!en->active_told)
		return SD_PHASE_CONNECTING;
	if (en->pull_paused)
		return SD_PHASE_LIVE;
	if (!sd_rt_settled(en))
		return SD_PHASE_SUBSCRIBING;
	return en->status.models_synced < en->status.models_total && !sd_pull_idle(en)
		       ? SD_PHASE_SYNCING
		       : SD_PHASE_LIVE;
}

void sd_engine_status(const struct sd_engine *en, struct sd_engine_status *out)
{
	*out = en->status;
	out->phase = phase(en);
	out->switched_off = !en->net_on;
	out->active = en->active_told && en->active;
	/* a person is needed when the one mode there is takes one and nobody is signed in */
	if (needs_sign_in(en->auth) && !en->signed_in)
		out->signed_in_needed = true;
}
