/* core/api/remote.c - push and pull: a backend without a profile; see api.h. */
#include <stdlib.h>
#include <string.h>

#include "core/api/derive.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/net/loop.h"

/* Credentials for the backend that is configured, or which step is missing. */
static enum sd_err open_remote(const struct sd_api_opts *o, struct sd_api **out, struct sd_error *e)
{
	struct sd_credentials c;
	struct sd_api *api;
	enum sd_err rc = sd_api_remote(o, &api, e);

	*out = NULL;
	if (rc != SD_OK)
		return rc;
	c = sd_api_credentials(api);
	if (!*api->endpoint)
		rc = sd_fail(e, SD_AUTH, 0,
			"no backend and no credentials are configured: configure them first, by a "
			"client configuration (-c FILE, or amplify_outputs.json in the project) or "
			"by --endpoint URL with SYNCDECK_API_KEY; for one on this machine run "
			"`syncdeck sandbox --admin --write-config amplify_outputs.json`");
	else if (api->auth == SD_AUTH_NONE)
		rc = sd_fail(e, SD_AUTH, 0,
			"no credentials are configured for %s: configure them first: set "
			"SYNCDECK_API_KEY, give --api-key, or a client configuration that has a "
			"key",
			api->endpoint);
	else if (api->auth != SD_AUTH_MULTI)
		rc = sd_wire_can(&c, api->auth, e);
	if (rc != SD_OK) {
		sd_api_close(api);
		return rc;
	}
	*out = api;
	return SD_OK;
}

enum sd_err sd_api_pull(const struct sd_api_opts *o, struct sd_buf *sdl, struct cJSON *notes,
	bool *same, struct sd_error *e)
{
	struct sd_api *api;
	struct sd_introspection in;
	struct cJSON *drift = sd_json_array();
	enum sd_err rc = open_remote(o, &api, e);

	*same = false;
	if (rc == SD_OK)
		rc = sd_introspect(api, &in, e);
	if (rc == SD_OK) {
		rc = sd_derive_sdl(&in, sdl, notes, e);
		if (rc == SD_OK && o->schema)
			rc = sd_introspect_drift(o->schema, &in, drift, e);
		*same = rc == SD_OK && o->schema && !sd_json_count(drift);
		sd_introspection_release(&in);
	}
	sd_json_free(drift);
	sd_api_close(api);
	return rc;
}

static enum sd_err ask_credentials(struct sd_api *api, struct sd_error *e)
{
	struct sd_asked a;
	enum sd_err rc =
		sd_api_ask(api, "query operation { __typename }", NULL, "__typename", &a, e);

	if (rc == SD_OK)
		sd_asked_release(&a);
	return rc;
}

/* scheme://host:port of the endpoint, and the call behind it. */
static void admin_url(const struct sd_api *api, struct sd_buf *out)
{
	sd_buf_str(out, sd_str_starts(api->endpoint, "https:") ? "https://" : "http://");
	sd_wire_host(api->endpoint, out);
	sd_buf_str(out, "/_sandbox/schema");
}

enum sd_err sd_api_push(const struct sd_api_opts *o, const char *sdl, struct sd_error *e)
{
	static const char *const HEADERS[] = {"content-type: application/json", "Expect:", NULL};
	struct sd_buf url = SD_BUF_INIT, body = SD_BUF_INIT, answer = SD_BUF_INIT;
	struct sd_api *api;
	struct cJSON *j = NULL;
	int status = 0;
	enum sd_err rc = open_remote(o, &api, e);

	if (rc != SD_OK)
		return rc;
	rc = ask_credentials(api, e);
	if (rc == SD_OK) {
		admin_url(api, &url);
		sd_buf_str(&body, "{\"sdl\":");
		sd_json_quote(&body, sdl, strlen(sdl));
		sd_buf_ch(&body, '}');
		rc = sd_http_post_wait(sd_buf_text(&url), HEADERS, sd_buf_text(&body), body.len,
			api->ca_file, o->settings->net_timeout_ms, &status, &answer, e);
	}
	if (rc == SD_OK && status != 200) {
		if (sd_json_parse(sd_buf_text(&answer), answer.len, "answer", &j, NULL) != SD_OK)
			j = NULL;
		rc = status == 400 && sd_json_get_str(j, "error")
			     ? sd_fail(e, SD_REFUSED, status, "the backend refused the schema: %s",
				       sd_json_get_str(j, "error"))
			     : sd_fail(e, SD_REFUSED, status,
				       "%s cannot be changed from here (HTTP %d): only a local "
				       "backend that runs with --admin can (`syncdeck sandbox "
				       "--admin`); nothing was changed",
				       api->endpoint, status);
	}
	sd_json_free(j);
	sd_buf_release(&url);
	sd_buf_release(&body);
	sd_buf_release(&answer);
	sd_api_close(api);
	return rc;
}
