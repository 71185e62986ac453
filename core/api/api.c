/* core/api/api.c - opening a profile: its settings, its backend, its store. */
#include "core/api/internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/predicate.h"
#include "core/runtime/wire.h"

#define KEEP_EVERY      8    /* changes; then the history is looked at */
#define OTHERS_CLOSE_MS 5000 /* how long a wipe of another process is waited for */

enum sd_err sd_api_model(
	struct sd_api *api, const char *name, const struct sd_model **out, struct sd_error *e)
{
	struct sd_buf names = SD_BUF_INIT;

	*out = sd_schema_model(api->o.schema, name);
	if (*out)
		return SD_OK;
	for (size_t i = 0; i < api->o.schema->model_count && i < 20; i++)
		sd_buf_fmt(&names, "%s%s", i ? ", " : "", api->o.schema->models[i]->name);
	sd_fail(e, SD_INVAL, 0, "no model is named %s; the schema has: %s", name,
		sd_buf_text(&names));
	sd_buf_release(&names);
	return SD_INVAL;
}

/* ---- settings ---- */

static const struct sd_model_option *option_of(const struct sd_settings *s, const char *model)
{
	for (size_t i = 0; i < s->model_count; i++)
		if (strcmp(s->models[i].model, model) == 0)
			return &s->models[i];
	return NULL;
}

static enum sd_err model_settings(struct sd_api *api, size_t i, struct sd_error *e)
{
	const struct sd_model *m = api->o.schema->models[i];
	const struct sd_model_option *opt = option_of(api->o.settings, m->name);
	struct sd_model_settings *ms = &api->model_settings[i];
	const char *policy = opt && opt->policy ? opt->policy : api->o.settings->conflict_policy;
	const char *expr = opt ? opt->expression : NULL;
	int p = sd_policy_parse(policy ? policy : "merge");
	enum sd_err rc;

	if (p < 0)
		return sd_fail(e, SD_INVAL, 0,
			"conflict.policy of %s: \"%s\" is none of merge, ask, mine, theirs, "
			"server, "
			"!command",
			m->name, policy);
	ms->policy = (enum sd_policy)p;
	ms->policy_command = ms->policy == SD_POLICY_COMMAND ? policy + 1 : NULL;
	if (!expr)
		return SD_OK;
	if (expr[0] == '!') {
		ms->expression_command = expr + 1;
		return SD_OK;
	}
	rc = sd_pred_parse(api->o.schema, m, expr, &api->expressions[i], e);
	if (rc != SD_OK)
		return sd_fail_prefix(e, rc, "sync.expression of %s", m->name);
	if (api->expressions[i]->kind != SD_P_ALL)
		ms->expression = api->expressions[i];
	return SD_OK;
}

static enum sd_err make_settings(struct sd_api *api, struct sd_error *e)
{
	const struct sd_settings *s = api->o.settings;
	size_t n = api->o.schema->model_count;
	enum sd_err rc = SD_OK;

	api->model_settings = calloc(n + 1, sizeof *api->model_settings);
	api->expressions = calloc(n + 1, sizeof *api->expressions);
	if (!api->model_settings || !api->expressions)
		return sd_fail(e, SD_NOMEM, 0, "settings: out of memory");
	for (size_t i = 0; i < s->model_count; i++)
		if (!sd_schema_model(api->o.schema, s->models[i].model))
			return sd_fail(e, SD_INVAL, 0,
				"settings: no model is named %s; check its section in the config",
				s->models[i].model);
	for (size_t i = 0; rc == SD_OK && i < n; i++)
		rc = model_settings(api, i, e);
	api->settings = (struct sd_engine_settings){
		.page_size = s->sync_page_size,
		.max_records = s->sync_max_records,
		.full_interval_ms = s->sync_full_interval_ms,
		.sync_concurrency = (int)s->sync_concurrency,
		.outbox_concurrency = (int)s->outbox_concurrency,
		.outbox_batch = (int)s->outbox_batch,
		.conflict_max_attempts = (int)s->conflict_max_attempts,
		.subscriptions_per_connection = (int)s->subscriptions_per_connection,
		.timeout_ms = s->net_timeout_ms,
		.read_only = api->o.read_only,
		.models = api->model_settings,
	};
	return rc;
}

static enum sd_err choose_backend(struct sd_api *api, struct sd_error *e)
{
	const struct sd_config *c = api->o.config;
	const char *url = api->o.endpoint ? api->o.endpoint : c->endpoint ? c->endpoint : "";

	api->endpoint = strdup(url);
	api->api_key = api->o.api_key ? api->o.api_key : c->api_key;
	api->ca_file = api->o.settings->ca_file ? api->o.settings->ca_file : c->ca_file;
	api->auth = api->o.auth != SD_AUTH_NONE ? api->o.auth : c->auth;
	if (api->auth == SD_AUTH_NONE && api->api_key)
		api->auth = SD_AUTH_API_KEY;
	if (api->auth == SD_AUTH_NONE && c->user_pool_id)
		api->auth = SD_AUTH_USER_POOL;
	api->pool = (struct sd_pool){.endpoint = c->user_pool_endpoint,
		.pool_id = c->user_pool_id,
		.client_id = c->user_pool_client_id,
		.client_secret = c->user_pool_client_secret,
		.ca_file = api->ca_file,
		.timeout_ms = api->o.settings->net_timeout_ms};
	api->identity = (struct sd_identity_pool){.endpoint = c->identity_pool_endpoint,
		.pool_id = c->identity_pool_id,
		.user_pool_id = c->user_pool_id};
	if (api->o.aws_id && api->o.aws_secret)
		api->keys = (struct sd_aws_keys){.id = (char *)(uintptr_t)api->o.aws_id,
			.secret = (char *)(uintptr_t)api->o.aws_secret,
			.token = (char *)(uintptr_t)api->o.aws_token};
	if (!api->endpoint)
		return sd_fail(e, SD_NOMEM, 0, "endpoint: out of memory");
	return *api->endpoint ? sd_wire_check_endpoint(api->endpoint, e) : SD_OK;
}

/* ---- the store ---- */

static enum sd_err bind_backend(struct sd_api *api, struct sd_error *e)
{
	char *known = NULL;
	enum sd_err rc;

	if (!*api->endpoint)
		return SD_OK;
	rc = sd_meta_get(api->writer, "endpoint", &known, e);
	if (rc == SD_OK && sd_str_eq(known, api->endpoint)) {
		free(known);
		return SD_OK;
	}
	free(known);
	if (rc == SD_OK)
		rc = sd_store_begin(api->writer, e);
	if (rc == SD_OK)
		rc = sd_store_bind_backend(api->writer, api->endpoint, e);
	if (rc == SD_OK)
		rc = sd_store_commit(api->writer, e);
	sd_store_rollback(api->writer);
	return rc;
}

/* Finishes a wipe that was cut off, waits for one under way: from here on nobody wipes. */
enum sd_err sd_api_take_profile(struct sd_api *api, struct sd_error *e)
{
	bool did;
	enum sd_err rc = SD_OK;

	if (api->lock_fd >= 0)
		return SD_OK;
	rc = sd_wipe_finish(api->dir, &did, e);
	if (rc == SD_OK)
		rc = sd_lock_take(
			api->dir, SD_LOCK_PROFILE_SHARED, OTHERS_CLOSE_MS, &api->lock_fd, e);
	return rc;
}

enum sd_err sd_api_open_store(struct sd_api *api, struct sd_error *e)
{
	struct sd_store_opts so = {.dir = api->dir,
		.schema = api->o.schema,
		.no_backend = !*api->endpoint,
		.now_ms = sd_now_ms(),
		.rand = &api->rand};
	enum sd_err rc = sd_api_take_profile(api, e);

	api->generation = sd_wipe_generation(api->dir);
	if (rc == SD_OK)
		rc = sd_store_open(&so, &api->writer, e);
	if (rc == SD_OK)
		sd_store_wal_elsewhere(api->writer);
	if (rc == SD_OK)
		rc = bind_backend(api, e);
	so.read_only = true;
	if (rc == SD_OK)
		rc = sd_store_open(&so, &api->reader, e);
	if (rc != SD_OK)
		sd_api_close_store(api);
	return rc;
}

void sd_api_close_store(struct sd_api *api)
{
	sd_api_helper_stop(api);
	sd_store_close(api->reader);
	sd_store_close(api->writer);
	api->reader = api->writer = NULL;
	sd_lock_release(api->lock_fd);
	api->lock_fd = -1;
}

static enum sd_err make_fds(struct sd_api *api, struct sd_error *e)
{
	struct epoll_event ev = {.events = EPOLLIN};
	enum sd_err rc = sd_queue_new(200000, &api->events, e);

	if (rc != SD_OK)
		return rc;
	api->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	api->poll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (api->wake_fd < 0 || api->poll_fd < 0 ||
		epoll_ctl(api->poll_fd, EPOLL_CTL_ADD, api->wake_fd, &ev) ||
		epoll_ctl(api->poll_fd, EPOLL_CTL_ADD, sd_queue_fd(api->events), &ev))
		return sd_fail(e, SD_IO, errno, "profile: no file descriptor left");
	return SD_OK;
}

enum sd_err sd_api_remote(const struct sd_api_opts *o, struct sd_api **out, struct sd_error *e)
{
	struct sd_api *api = calloc(1, sizeof *api);
	enum sd_err rc;

	*out = NULL;
	if (!api)
		return sd_fail(e, SD_NOMEM, 0, "backend: out of memory");
	api->o = *o;
	api->lock_fd = api->wake_fd = api->poll_fd = -1;
	api->net_off = o->offline;
	api->dir = strdup(o->data_dir ? o->data_dir : "");
	rc = api->dir ? choose_backend(api, e) : sd_fail(e, SD_NOMEM, 0, "backend: out of memory");
	if (rc == SD_OK && *api->dir)
		api->has_session = sd_session_load(api->dir, &api->session, NULL) == SD_OK;
	if (rc != SD_OK) {
		sd_api_close(api);
		return rc;
	}
	*out = api;
	return SD_OK;
}

enum sd_err sd_api_open(const struct sd_api_opts *o, struct sd_api **out, struct sd_error *e)
{
	struct sd_api *api = calloc(1, sizeof *api);
	enum sd_err rc;

	*out = NULL;
	if (!api)
		return sd_fail(e, SD_NOMEM, 0, "profile: out of memory");
	api->o = *o;
	api->lock_fd = api->wake_fd = api->poll_fd = -1;
	api->net_off = o->offline;
	sd_rand_system(&api->rand);
	api->dir = strdup(o->data_dir);
	rc = api->dir ? sd_mkdir_p(api->dir, e) : sd_fail(e, SD_NOMEM, 0, "profile: out of memory");
	if (rc == SD_OK)
		rc = make_fds(api, e);
	if (rc == SD_OK)
		rc = choose_backend(api, e);
	if (rc == SD_OK)
		rc = make_settings(api, e);
	if (rc == SD_OK)
		rc = sd_api_open_for_owner(api, e);
	if (rc != SD_OK) {
		sd_api_close(api);
		return rc;
	}
	*out = api;
	return SD_OK;
}

void sd_api_close(struct sd_api *api)
{
	if (!api)
		return;
	sd_api_stop(api);
	sd_api_close_store(api);
	sd_queue_free(api->events, free);
	if (api->wake_fd >= 0)
		close(api->wake_fd);
	if (api->poll_fd >= 0)
		close(api->poll_fd);
	for (size_t i = 0; api->expressions && i < api->o.schema->model_count; i++)
		sd_pred_free(api->expressions[i]);
	free(api->expressions);
	free(api->model_settings);
	sd_owner_release(&api->owner);
	sd_session_release(&api->session);
	free(api->dir);
	free(api->endpoint);
	free(api);
}

enum sd_err sd_api_begin(struct sd_api *api, struct sd_error *e)
{
	enum sd_err rc = sd_api_use(api, e);

	if (rc != SD_OK)
		return rc;
	if (api->o.read_only)
		return sd_fail(e, SD_READONLY, 0,
			"this profile is read-only (--read-only, or a config marked production): "
			"nothing was changed");
	atomic_fetch_add(&api->saving, 1);
	if (api->rt)
		sd_runtime_save_waiting(api->rt, 1);
	rc = sd_store_begin(api->writer, e);
	if (rc != SD_OK)
		atomic_fetch_sub(&api->saving, 1);
	if (rc != SD_OK && api->rt)
		sd_runtime_save_waiting(api->rt, -1);
	return rc;
}

enum sd_err sd_api_end(struct sd_api *api, enum sd_err rc, struct sd_error *e)
{
	if (rc == SD_OK)
		rc = sd_store_commit(api->writer, e);
	sd_store_rollback(api->writer);
	atomic_fetch_sub(&api->saving, 1);
	if (api->rt) { /* which trims the history when it is idle */
		sd_runtime_save_waiting(api->rt, -1);
		sd_runtime_kick(api->rt);
	} else if (rc == SD_OK) {
		sd_api_wal(api);
		if (api->changes++ % KEEP_EVERY) /* the first of every process, too */
			return rc;
		sd_journal_keep(api->writer, api->o.settings->history_max_rows,
			api->o.settings->history_max_age_ms, sd_now_ms());
	}
	return rc;
}

struct sd_write_env sd_api_env(struct sd_api *api)
{
	return (struct sd_write_env){.now_ms = sd_now_ms(), .rand = &api->rand};
}

const struct sd_schema *sd_api_schema(const struct sd_api *api)
{
	return api->o.schema;
}

bool sd_api_has_backend(const struct sd_api *api)
{
	return *api->endpoint != '\0';
}

const char *sd_api_endpoint(const struct sd_api *api)
{
	return api->endpoint;
}

const char *sd_api_dir(const struct sd_api *api)
{
	return api->dir;
}

bool sd_api_locked(const struct sd_api *api)
{
	return api->locked;
}

bool sd_api_read_only(const struct sd_api *api)
{
	return api->o.read_only;
}

bool sd_api_changed(struct sd_api *api)
{
	if (sd_api_use(api, NULL) != SD_OK)
		return false;
	return sd_store_changed(api->reader);
}
