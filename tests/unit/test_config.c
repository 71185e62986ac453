/* tests/unit/test_config.c - client configuration files in the forms people have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/model/amplify.h"
#include "core/model/schema.h"
#include "tests/support/support.h"

static struct sd_config *load(const char *text)
{
	struct sd_config *c = NULL;
	struct sd_error e = {0};

	if (sd_config_read(text, strlen(text), "conf", &c, &e))
		fail_msg("%s", e.text);
	return c;
}

static void refused(const char *text, const char *says)
{
	struct sd_config *c = NULL;
	struct sd_error e = {0};

	assert_int_equal(sd_config_read(text, strlen(text), "conf", &c, &e), SD_INVAL);
	assert_null(c);
	if (!strstr(e.text, says))
		fail_msg("\"%s\" does not say \"%s\"", e.text, says);
}

static void a_gen_2_file_gives_endpoint_modes_pool_and_our_own_keys(void **st)
{
	struct sd_config *c = load(
		"\xef\xbb\xbf{\"version\":\"1.4\",\"data\":{\"url\":\"http://127.0.0.1:4000/"
		"graphql\","
		"\"aws_region\":\"eu-west-1\",\"api_key\":\"da2-x\","
		"\"default_authorization_type\":\"AMAZON_COGNITO_USER_POOLS\","
		"\"authorization_types\":[\"API_KEY\",\"AWS_IAM\",\"AMAZON_COGNITO_USER_POOLS\"],"
		"\"model_introspection\":{\"version\":1,\"models\":{}}},"
		"\"auth\":{\"user_pool_id\":\"eu-west-1_p\",\"user_pool_client_id\":\"client\","
		"\"identity_pool_id\":\"idp\",\"aws_region\":\"eu-west-2\"},"
		"\"custom\":{\"syncdeck\":{\"production\":true,\"ca_file\":\"/ca.pem\","
		"\"user_pool_endpoint\":\"http://127.0.0.1:4000/cognito/\"}}}");

	(void)st;
	assert_string_equal(c->path, "conf");
	assert_string_equal(c->endpoint, "http://127.0.0.1:4000/graphql");
	assert_string_equal(c->region, "eu-west-1");
	assert_string_equal(c->api_key, "da2-x");
	assert_int_equal(c->auth, SD_AUTH_USER_POOL);
	assert_int_equal(c->more_mode_count, 2);
	assert_int_equal(c->more_modes[0], SD_AUTH_API_KEY);
	assert_int_equal(c->more_modes[1], SD_AUTH_IAM);
	assert_string_equal(c->user_pool_id, "eu-west-1_p");
	assert_string_equal(c->user_pool_client_id, "client");
	assert_string_equal(c->identity_pool_id, "idp");
	assert_string_equal(c->user_pool_endpoint, "http://127.0.0.1:4000/cognito/");
	assert_string_equal(c->ca_file, "/ca.pem");
	assert_true(c->production);
	assert_true(c->has_models);
	sd_config_free(c);
}

static void an_aws_exports_file_is_read_though_it_is_javascript(void **st)
{
	struct sd_config *c = load("/* eslint-disable */\n"
				   "// WARNING: DO NOT EDIT.  {not an object}\n"
				   "import { x } from 'y';\n"
				   "const awsmobile = {\n"
				   "    aws_project_region: 'us-east-1', // the region\n"
				   "    \"aws_appsync_graphqlEndpoint\": "
				   "\"https://x.appsync-api.us-east-1.amazonaws.com/graphql\",\n"
				   "    'aws_appsync_region': `us-east-2`,\n"
				   "    aws_appsync_authenticationType: \"API_KEY\",\n"
				   "    aws_appsync_apiKey: 'it\\'s \"quoted\"',\n"
				   "    aws_appsync_additionalAuthenticationTypes: 'AWS_IAM, "
				   "AMAZON_COGNITO_USER_POOLS',\n"
				   "    aws_user_pools_id: undefined,\n"
				   "    oauth: {},\n"
				   "    aws_cognito_username_attributes: [\"EMAIL\",],\n"
				   "};\n\nexport default awsmobile;\n");

	(void)st;
	assert_string_equal(c->endpoint, "https://x.appsync-api.us-east-1.amazonaws.com/graphql");
	assert_string_equal(c->region, "us-east-2");
	assert_string_equal(c->api_key, "it's \"quoted\"");
	assert_int_equal(c->auth, SD_AUTH_API_KEY);
	assert_int_equal(c->more_mode_count, 2);
	assert_null(c->user_pool_id);
	assert_false(c->has_models);
	assert_false(c->production);
	sd_config_free(c);
}

static void a_native_gen_1_file_is_read(void **st)
{
	struct sd_config *c = load(
		"{\"UserAgent\":\"aws-amplify-cli/2.0\",\"Version\":\"1.0\",\"api\":{\"plugins\":"
		"{\"awsAPIPlugin\":{\"rest\":{\"endpointType\":\"REST\",\"endpoint\":\"https://"
		"r\"},"
		"\"blog\":{\"endpointType\":\"GraphQL\",\"endpoint\":\"https://b/graphql\","
		"\"region\":\"us-west-2\",\"authorizationType\":\"API_KEY\",\"apiKey\":\"k\"}}}},"
		"\"auth\":{\"plugins\":{\"awsCognitoAuthPlugin\":{\"CredentialsProvider\":"
		"{\"CognitoIdentity\":{\"Default\":{\"PoolId\":\"ip\",\"Region\":\"r\"}}},"
		"\"CognitoUserPool\":{\"Default\":{\"PoolId\":\"up\",\"AppClientId\":\"ac\","
		"\"AppClientSecret\":\"as\"}},\"AppSync\":{\"Default\":{\"ApiUrl\":\"https://b/"
		"graphql\","
		"\"AuthMode\":\"API_KEY\",\"ApiKey\":\"k\"},\"blog_IAM\":{\"AuthMode\":\"AWS_IAM\"}"
		"}}}}}");

	(void)st;
	assert_string_equal(c->endpoint, "https://b/graphql");
	assert_string_equal(c->api_key, "k");
	assert_int_equal(c->auth, SD_AUTH_API_KEY);
	assert_int_equal(c->more_mode_count, 1);
	assert_int_equal(c->more_modes[0], SD_AUTH_IAM);
	assert_string_equal(c->user_pool_id, "up");
	assert_string_equal(c->user_pool_client_secret, "as");
	assert_string_equal(c->identity_pool_id, "ip");
	sd_config_free(c);
}

static void what_is_wrong_is_refused_by_key_or_by_line(void **st)
{
	(void)st;
	refused("{\n  \"version\": \"1\",\n  \"data\": {\"url\": nope}\n}", "line 3");
	refused("{\"a\":1}", "no client configuration");
	refused("{\"version\":\"1\",\"data\":{\"url\":5}}", "data.url must be a text");
	refused("{\"version\":\"1\",\"data\":{\"url\":\"ftp://x\"}}", "no http or https URL");
	refused("{\"version\":\"1\",\"data\":{\"url\":\"https:///graphql\"}}", "no http or https");
	refused("{\"version\":\"1\",\"data\":{\"url\":\"https://x\","
		"\"default_authorization_type\":\"PASSWORD\"}}",
		"data.default_authorization_type");
	refused("{\"version\":\"1\",\"data\":{\"url\":\"https://x\",\"api_key\":\"a\\r\\nb: c\"}}",
		"data.api_key holds a control character");
	refused("{\"version\":\"1\",\"custom\":{\"syncdeck\":{\"production\":\"yes\"}}}",
		"custom.syncdeck.production");
	refused("const awsmobile = {\n  aws_project_region: region(),\n};", "conf:2:23:");
	refused("const awsmobile = {\n  a: 'x\n};", "conf:2:6:");
	refused("", "no object");
}

static void the_default_mode_follows_from_what_is_there(void **st)
{
	struct sd_config *c = load("{\"aws_project_region\":\"r\",\"aws_appsync_apiKey\":\"k\"}");

	(void)st;
	assert_int_equal(c->auth, SD_AUTH_API_KEY);
	assert_null(c->endpoint);
	sd_config_free(c);
	c = load("{\"aws_project_region\":\"r\",\"aws_user_pools_web_client_id\":\"k\"}");
	assert_int_equal(c->auth, SD_AUTH_USER_POOL);
	sd_config_free(c);
}

static void modes_have_one_name_and_are_read_by_all_of_theirs(void **st)
{
	(void)st;
	assert_string_equal(sd_auth_mode_name(SD_AUTH_API_KEY), "apiKey");
	assert_string_equal(sd_auth_mode_name(SD_AUTH_MULTI), "multi");
	assert_int_equal(sd_auth_mode_parse("userPool"), SD_AUTH_USER_POOL);
	assert_int_equal(sd_auth_mode_parse("OPENID_CONNECT"), SD_AUTH_OIDC);
	assert_int_equal(sd_auth_mode_parse("LAMBDA"), SD_AUTH_LAMBDA);
	assert_int_equal(sd_auth_mode_parse("apikey"), -1);
}

static void a_relative_ca_file_stands_beside_the_configuration(void **st)
{
	static const char text[] = "{\"version\":\"1\",\"custom\":{\"syncdeck\":"
				   "{\"ca_file\":\"sandbox-ca-of-this-test.pem\"}}}";
	char *dir = sd_test_dir(), *conf = sd_path_join(dir, "amplify_outputs.json");
	char *ca = sd_path_join(dir, "sandbox-ca-of-this-test.pem");
	struct sd_config *c = NULL;
	struct sd_error e = {0};

	(void)st;
	assert_int_equal(sd_write_file(conf, text, sizeof text - 1, &e), SD_OK);
	assert_int_equal(sd_config_read_file(conf, &c, &e), SD_OK);
	assert_string_equal(c->ca_file, "sandbox-ca-of-this-test.pem");
	sd_config_free(c);
	assert_int_equal(sd_write_file(ca, "x", 1, &e), SD_OK);
	assert_int_equal(sd_config_read_file(conf, &c, &e), SD_OK);
	assert_string_equal(c->ca_file, ca);
	sd_config_free(c);
	assert_int_equal(sd_config_read_file("/nowhere/at/all", &c, &e), SD_NOTFOUND);
	assert_null(c);
	free(conf);
	free(ca);
	sd_test_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_gen_2_file_gives_endpoint_modes_pool_and_our_own_keys),
		cmocka_unit_test(an_aws_exports_file_is_read_though_it_is_javascript),
		cmocka_unit_test(a_native_gen_1_file_is_read),
		cmocka_unit_test(what_is_wrong_is_refused_by_key_or_by_line),
		cmocka_unit_test(the_default_mode_follows_from_what_is_there),
		cmocka_unit_test(modes_have_one_name_and_are_read_by_all_of_theirs),
		cmocka_unit_test(a_relative_ca_file_stands_beside_the_configuration),
	};
	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
