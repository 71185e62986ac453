/* tests/support/pool.c - see pool.h. */
#include "tests/support/pool.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/json/json.h"
#include "tests/support/support.h"

static const char SDL[] =
	"type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String }\n";
static const char USERS[] =
	"[{\"username\":\"alice\",\"password\":\"pw-alice\",\"sub\":\"sub-alice\",\"groups\":["
	"\"Staff\"],"
	"\"email\":\"alice@example.com\"},"
	"{\"username\":\"bob\",\"password\":\"pw-bob\",\"sub\":\"sub-bob\",\"challenge\":\"new-"
	"password\"},"
	"{\"username\":\"tom\",\"password\":\"pw-tom\",\"sub\":\"sub-tom\",\"challenge\":\"totp\"},"
	"{\"username\":\"sam\",\"password\":\"pw-sam\",\"sub\":\"sub-sam\",\"challenge\":\"sms\"}]";

struct pool pool;

int pool_start(void **st)
{
	(void)st;
	pool.dir = sd_test_dir();
	snprintf(pool.users_file, sizeof pool.users_file, "%s/users.json", pool.dir);
	snprintf(pool.config_file, sizeof pool.config_file, "%s/amplify_outputs.json", pool.dir);
	if (sd_write_file(pool.users_file, USERS, strlen(USERS), NULL) != SD_OK ||
		sd_schema_read(SDL, strlen(SDL), "test", &pool.schema, NULL) != SD_OK)
		return -1;
	sd_test_server_defaults(&pool.opts, pool.schema);
	pool.opts.users = pool.users_file;
	pool.opts.state_dir = pool.dir;
	pool.opts.write_config = pool.config_file;
	pool.srv = sd_test_server_start(&pool.opts);
	snprintf(pool.client_id, sizeof pool.client_id, "%s",
		sd_json_get_str(sd_test_server_ready(pool.srv), "userPoolClientId"));
	snprintf(pool.pool_id, sizeof pool.pool_id, "%s",
		sd_json_get_str(sd_test_server_ready(pool.srv), "userPoolId"));
	return 0;
}

int pool_stop(void **st)
{
	(void)st;
	sd_test_server_stop(pool.srv);
	sd_schema_free(pool.schema);
	sd_test_dir_remove(pool.dir);
	return 0;
}

void pool_call(const char *operation, const char *members, struct sd_test_reply *r)
{
	struct sd_buf b = SD_BUF_INIT;

	sd_buf_fmt(&b, "{\"ClientId\":\"%s\",%s}", pool.client_id, members);
	sd_test_cognito(pool.srv, operation, sd_buf_text(&b), r);
	sd_buf_release(&b);
}

void pool_sign_in(const char *user, const char *password, struct sd_test_reply *r)
{
	char m[400];

	snprintf(m, sizeof m,
		"\"AuthFlow\":\"USER_PASSWORD_AUTH\",\"AuthParameters\":{\"USERNAME\":\"%s\","
		"\"PASSWORD\":\"%s\"}",
		user, password);
	pool_call("InitiateAuth", m, r);
}

char *pool_token(const struct sd_test_reply *r, const char *name)
{
	const char *t = sd_json_str(sd_json_path(r->json, "AuthenticationResult", name, NULL));

	if (!t)
		fail_msg("no %s: %d %s", name, r->status, r->body);
	return strdup(t);
}

char *pool_signed_in(const char *user, const char *password, const char *name)
{
	struct sd_test_reply r;
	char *t;

	pool_sign_in(user, password, &r);
	t = pool_token(&r, name);
	sd_test_reply_release(&r);
	return t;
}

void pool_expect_refusal(struct sd_test_reply *r, const char *type)
{
	assert_int_equal(r->status, 400);
	assert_string_equal(sd_json_get_str(r->json, "__type"), type);
	assert_non_null(sd_json_get_str(r->json, "message"));
	assert_non_null(strcasestr(r->head, "x-amzn-errortype: "));
	sd_test_reply_release(r);
}

int pool_graphql_status(const char *authorization, const char **why)
{
	static char text[300];
	struct sd_test_reply r;
	char line[4000];
	const char *headers[] = {line, NULL};
	int status;

	snprintf(line, sizeof line, "authorization: %s", authorization);
	sd_test_http(pool.srv, "POST", "/graphql", headers, "{\"query\":\"{__typename}\"}", &r);
	status = r.status;
	snprintf(text, sizeof text, "%s",
		status == 200
			? ""
			: sd_json_get_str(sd_json_child(sd_json_get(r.json, "errors")), "message"));
	if (why)
		*why = text;
	sd_test_reply_release(&r);
	return status;
}
