/*
 * core/sandbox/server/config.c - what the server tells about itself: the first line, and the
 * amplify_outputs.json a client needs (contract.md 5 and 10; form: client.md 1.7).
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/sandbox/server/server.h"

#define REGION "us-east-1"

static void add_url(struct cJSON *o, const char *name, const struct server *s, bool ws,
	const char *path, bool present)
{
	char url[400];
	const char *rest = strchr(s->base_url, ':');

	snprintf(url, sizeof url, "%s%s%s",
		!ws          ? ""
		: s->ca_file ? "wss"
			     : "ws",
		ws ? rest : s->base_url, path);
	sd_json_add_str(o, name, present ? url : NULL);
}

char *sd_srv_ready_line(const struct server *s)
{
	struct cJSON *o = sd_json_object();
	char *text;

	sd_json_add_bool(o, "ready", true);
	add_url(o, "url", s, false, "/graphql", true);
	add_url(o, "realtime", s, true, "/graphql/realtime", true);
	sd_json_add_str(o, "apiKey", s->o->api_key);
	sd_json_add_int(o, "port", s->port);
	sd_json_add_int(o, "pid", getpid());
	add_url(o, "admin", s, false, "/_sandbox", s->o->admin);
	sd_json_add_str(o, "ca", s->ca_file);
	sd_json_add_str(o, "userPoolId", s->pool ? sd_srv_pool_id() : NULL);
	sd_json_add_str(o, "userPoolClientId", s->pool ? sd_srv_pool_client_id() : NULL);
	add_url(o, "userPoolEndpoint", s, false, "/cognito/", s->pool != NULL);
	text = sd_json_text(o);
	sd_json_free(o);
	return text;
}

static struct cJSON *auth_part(void)
{
	struct cJSON *o = sd_json_object(), *names = sd_json_array();

	sd_json_push(names, sd_json_string("email"));
	sd_json_add_str(o, "aws_region", REGION);
	sd_json_add_str(o, "user_pool_id", sd_srv_pool_id());
	sd_json_add_str(o, "user_pool_client_id", sd_srv_pool_client_id());
	sd_json_add(o, "username_attributes", names);
	sd_json_add_bool(o, "unauthenticated_identities_enabled", false);
	return o;
}

static enum sd_err data_part(const struct server *s, struct cJSON **out, struct sd_error *e)
{
	struct cJSON *o, *types, *models = NULL;
	enum sd_err rc = sd_schema_codegen(s->o->schema, &models, e);

	if (rc != SD_OK)
		return rc;
	o = sd_json_object();
	types = sd_json_array();
	add_url(o, "url", s, false, "/graphql", true);
	sd_json_add_str(o, "aws_region", REGION);
	sd_json_add_str(o, "api_key", s->o->api_key);
	sd_json_add_str(o, "default_authorization_type",
		s->default_user_pool ? "AMAZON_COGNITO_USER_POOLS" : "API_KEY");
	if (s->pool)
		sd_json_push(types,
			sd_json_string(
				s->default_user_pool ? "API_KEY" : "AMAZON_COGNITO_USER_POOLS"));
	if (s->set.iam_count)
		sd_json_push(types, sd_json_string("AWS_IAM"));
	if (sd_srv_oidc_on(s))
		sd_json_push(types, sd_json_string("OPENID_CONNECT"));
	if (s->set.lambda_token[0])
		sd_json_push(types, sd_json_string("AWS_LAMBDA"));
	sd_json_add(o, "authorization_types", types);
	sd_json_add(o, "model_introspection", models);
	*out = o;
	return SD_OK;
}

static struct cJSON *custom_part(const struct server *s)
{
	struct cJSON *o = sd_json_object(), *own = sd_json_object();

	if (s->pool)
		add_url(own, "user_pool_endpoint", s, false, "/cognito/", true);
	if (s->ca_file)
		sd_json_add_str(own, "ca_file", s->ca_file);
	sd_json_add(o, "syncdeck", own);
	return o;
}

enum sd_err sd_srv_write_config(struct server *s, struct sd_error *e)
{
	struct cJSON *o, *data = NULL;
	struct sd_buf text = SD_BUF_INIT;
	enum sd_err rc = data_part(s, &data, e);

	if (rc != SD_OK)
		return rc;
	o = sd_json_object();
	sd_json_add_str(o, "version", "1.4");
	if (s->pool)
		sd_json_add(o, "auth", auth_part());
	sd_json_add(o, "data", data);
	sd_json_add(o, "custom", custom_part(s));
	if (!sd_json_print_pretty(o, &text) || !sd_buf_ch(&text, '\n'))
		rc = sd_fail(e, SD_NOMEM, 0, "%s: out of memory", s->o->write_config);
	else
		rc = sd_write_file(s->o->write_config, text.data, text.len, e);
	sd_buf_release(&text);
	sd_json_free(o);
	return rc;
}
