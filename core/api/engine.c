/* core/api/engine.c - the engine's life, its status and events. */
#include "core/api/internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "core/base/time.h"

static void store_changed(void *ctx)
{
	struct sd_api *api = ctx;

	(void)eventfd_write(api->wake_fd, 1);
}

/* Under oidc a login keeps the token, so that it need not be given each time. */
static const char *token_of(const struct sd_api *api)
{
	return api->o.token || api->auth != SD_AUTH_OIDC || !api->has_session ? api->o.token
									      : api->session.access;
}

enum sd_err sd_api_start(struct sd_api *api, struct sd_error *e)
{
	struct sd_runtime_opts o = {.dir = api->dir,
		.schema = api->o.schema,
		.settings = &api->settings,
		.endpoint = api->endpoint,
		.api_key = api->api_key,
		.token = token_of(api),
		.ca_file = api->ca_file,
		.auth = api->auth,
		.pool = api->pool.client_id ? &api->pool : NULL,
		.identity = api->identity.pool_id && !api->keys.id ? &api->identity : NULL,
		.keys = &api->keys,
		.region = api->o.config->region,
		.offline = api->net_off,
		.connect_timeout_ms = api->o.settings->net_connect_timeout_ms,
		.history_max_rows = api->o.settings->history_max_rows,
		.history_max_age_ms = api->o.settings->history_max_age_ms,
		.events = api->events,
		.changed = store_changed,
		.ctx = api};
	enum sd_err rc;

	if (api->rt)
		return SD_OK;
	rc = sd_api_use(api, e);
	if (rc != SD_OK)
		return rc;
	if (!*api->endpoint)
		return sd_fail(e, SD_INVAL, 0,
			"no backend is configured: give --endpoint or a client configuration (-c)");
	if (api->own_token && !api->owner.user_id)
		return sd_fail(e, SD_UNSENT, 0,
			"changes were made here before anybody signed in: run `syncdeck login "
			"--pending push`, export FILE or discard, so that they are not sent in the "
			"name of %s by mistake",
			api->session.user);
	o.generation = api->generation;
	return sd_runtime_start(&o, &api->rt, e);
}

void sd_api_stop(struct sd_api *api)
{
	sd_runtime_stop(api->rt);
	api->rt = NULL;
}

bool sd_api_running(const struct sd_api *api)
{
	return api->rt != NULL;
}

void sd_api_net(struct sd_api *api, bool on)
{
	api->net_off = !on;
	if (api->rt)
		sd_runtime_network(api->rt, on);
}

void sd_api_resync(struct sd_api *api, const char *model, bool full)
{
	const struct sd_model *m = model ? sd_schema_model(api->o.schema, model) : NULL;

	if (api->rt && (m || !model))
		sd_runtime_resync(api->rt, m, full);
}

void sd_api_kick(struct sd_api *api)
{
	if (api->rt)
		sd_runtime_kick(api->rt);
}

int64_t sd_api_ticket(struct sd_api *api)
{
	return api->rt ? sd_runtime_ask(api->rt) : 0;
}

bool sd_api_reached(struct sd_api *api, int64_t ticket)
{
	return !api->rt || sd_runtime_reached(api->rt, ticket);
}

static int64_t last_sync(struct sd_api *api)
{
	int64_t newest = 0;

	for (size_t i = 0; api->reader && i < api->o.schema->model_count; i++) {
		struct sd_sync_state s;
		if (sd_sync_get(api->reader, api->o.schema->models[i], &s, NULL) != SD_OK)
			continue;
		newest = s.synced_at_ms > newest ? s.synced_at_ms : newest;
		sd_sync_state_release(&s);
	}
	return newest;
}

void sd_api_status(struct sd_api *api, struct sd_api_status *out)
{
	struct sd_engine_status s = {.phase = SD_PHASE_STOPPED};
	struct sd_error why = {.code = SD_OK};
	bool idle = false;

	memset(out, 0, sizeof *out);
	out->running = api->rt != NULL;
	if (api->rt && sd_runtime_status(api->rt, &s, &idle, &why) != SD_OK)
		memcpy(s.last_failure, why.text, sizeof s.last_failure - 1);
	else if (!api->rt)
		out->engine_pid = sd_lock_engine_pid(api->dir);
	out->active = s.active;
	out->switched_off = api->rt ? s.switched_off : api->net_off;
	out->ready = s.ready;
	out->auth_needed = s.signed_in_needed;
	out->paused = s.outbox_paused;
	out->pull_paused = s.pull_paused;
	out->idle = idle;
	memccpy(out->phase, sd_phase_name(s.phase), '\0', sizeof out->phase - 1);
	memccpy(out->realtime, sd_rt_state_name(s.rt), '\0', sizeof out->realtime - 1);
	out->tcp_ok_ms = s.tcp_ok_ms;
	out->auth_ok_ms = s.auth_ok_ms;
	out->http_ok_ms = s.http_ok_ms;
	out->rt_ok_ms = s.rt_ok_ms;
	out->offline_since_ms = s.offline_since_ms;
	out->rt_since_ms = s.rt_since_ms;
	out->rt_last_ms = s.rt_last_message_ms;
	out->rt_timeout_ms = s.rt_timeout_ms;
	out->subscriptions = s.subscriptions;
	out->subscriptions_wanted = s.subscriptions_wanted;
	out->reconnects = s.reconnects;
	out->in_flight = s.in_flight;
	out->deciding = s.deciding;
	out->models_synced = s.models_synced;
	out->models_total = s.models_total;
	out->http_last_ms = s.http_last_ms;
	out->sent_bytes = s.sent_bytes;
	out->received_bytes = s.received_bytes;
	out->skew_ms = s.skew_ms;
	out->last_sync_ms = last_sync(api);
	memcpy(out->last_failure, s.last_failure, sizeof out->last_failure);
	memcpy(out->auth_why, s.auth_why, sizeof out->auth_why);
}

int sd_api_fd(const struct sd_api *api)
{
	return api->poll_fd;
}

char *sd_api_next_event(struct sd_api *api)
{
	eventfd_t v;
	char *event = sd_queue_get(api->events);

	if (event)
		return event;
	(void)eventfd_read(api->wake_fd, &v);
	return sd_queue_get(api->events); /* one that came in between */
}

void sd_api_tell(struct sd_api *api, const char *name, struct cJSON *fields)
{
	struct cJSON *j = sd_json_object();
	char *text;

	sd_json_add_str(j, "event", name);
	sd_json_add_int(j, "at", sd_now_ms());
	for (const struct cJSON *c = sd_json_child(fields); c; c = sd_json_next(c))
		sd_json_add(j, sd_json_name(c), sd_json_dup(c));
	sd_json_free(fields);
	text = sd_json_text(j);
	sd_json_free(j);
	if (text && !sd_queue_put(api->events, text))
		free(text);
}
