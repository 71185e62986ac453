/* core/model/amplify.c - see amplify.h. */
#include "core/model/amplify.h"

#include <stdlib.h>
#include <string.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/js.h"
#include "core/model/read_json.h"

#define MAX_FILE ((size_t)16 << 20)
#define COUNT(a) (sizeof(a) / sizeof *(a))

/* The first of a mode is how it is shown; the second how configuration files say it. */
static const struct {
	const char *word;
	enum sd_auth_mode mode;
} MODE[] = {
	{"none", SD_AUTH_NONE},
	{"NONE", SD_AUTH_NONE},
	{"apiKey", SD_AUTH_API_KEY},
	{"API_KEY", SD_AUTH_API_KEY},
	{"userPool", SD_AUTH_USER_POOL},
	{"AMAZON_COGNITO_USER_POOLS", SD_AUTH_USER_POOL},
	{"oidc", SD_AUTH_OIDC},
	{"OPENID_CONNECT", SD_AUTH_OIDC},
	{"iam", SD_AUTH_IAM},
	{"AWS_IAM", SD_AUTH_IAM},
	{"lambda", SD_AUTH_LAMBDA},
	{"AWS_LAMBDA", SD_AUTH_LAMBDA},
	{"LAMBDA", SD_AUTH_LAMBDA},
	{"multi", SD_AUTH_MULTI},
};

const char *sd_auth_mode_name(enum sd_auth_mode m)
{
	for (size_t i = 0; i < COUNT(MODE); i++)
		if (MODE[i].mode == m)
			return MODE[i].word;
	return "none";
}

int sd_auth_mode_parse(const char *s)
{
	for (size_t i = 0; i < COUNT(MODE); i++)
		if (strcmp(MODE[i].word, s) == 0)
			return (int)MODE[i].mode;
	return -1;
}

struct sd_config *sd_config_new(void)
{
	return calloc(1, sizeof(struct sd_config));
}

void sd_config_free(struct sd_config *c)
{
	if (!c)
		return;
	free(c->path);
	free(c->endpoint);
	free(c->region);
	free(c->api_key);
	free(c->user_pool_id);
	free(c->user_pool_client_id);
	free(c->user_pool_client_secret);
	free(c->identity_pool_id);
	free(c->user_pool_endpoint);
	free(c->identity_pool_endpoint);
	free(c->ca_file);
	free(c);
}

/* ---- reading ---- */

struct reader {
	struct sd_config *c;
	const char *name;
	const struct cJSON *root;
	struct sd_error *e;
	bool auth_said;
};

/* The text at a dotted path ("data.url") under root, into *to; absent and null leave it. */
static enum sd_err take(struct reader *r, const struct cJSON *at, const char *path, char **to)
{
	const char *p = path;
	struct sd_buf part = SD_BUF_INIT;

	while (at && *p) {
		size_t n = strcspn(p, ".");
		sd_buf_reset(&part);
		sd_buf_add(&part, p, n);
		at = sd_json_get(at, sd_buf_text(&part));
		p += n + (p[n] == '.');
	}
	sd_buf_release(&part);
	if (sd_json_is_null(at) || *to)
		return SD_OK;
	if (!sd_json_is_string(at))
		return sd_fail(r->e, SD_INVAL, 0, "%s: %s must be a text in quotes", r->name, path);
	/* these go into headers and URLs */
	for (const char *c = sd_json_str(at); *c; c++)
		if ((unsigned char)*c < 0x20 || *c == 0x7f)
			return sd_fail(r->e, SD_INVAL, 0, "%s: %s holds a control character",
				r->name, path);
	if (!*sd_json_str(at))
		return SD_OK;
	*to = strdup(sd_json_str(at));
	return *to ? SD_OK : sd_fail(r->e, SD_NOMEM, 0, "%s: out of memory", r->name);
}

struct place {
	const char *path;
	size_t offset; /* of a char * in struct sd_config */
};
#define AT(path, member)                                                                           \
	{                                                                                          \
		path, offsetof(struct sd_config, member)                                           \
	}

static enum sd_err take_all(
	struct reader *r, const struct cJSON *at, const struct place *v, size_t n)
{
	enum sd_err rc = SD_OK;

	for (size_t i = 0; !rc && i < n; i++)
		rc = take(r, at, v[i].path, (char **)(void *)((char *)r->c + v[i].offset));
	return rc;
}

/* A mode of the file's own words. */
static enum sd_err mode_of(
	struct reader *r, const char *key, const char *word, enum sd_auth_mode *out)
{
	int m = sd_auth_mode_parse(word);

	if (m < 0 || m == SD_AUTH_MULTI)
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: %s: \"%s\" is no authorisation type; it is API_KEY, "
			"AMAZON_COGNITO_USER_POOLS, OPENID_CONNECT, AWS_IAM, AWS_LAMBDA or NONE",
			r->name, key, word);
	*out = (enum sd_auth_mode)m;
	return SD_OK;
}

static enum sd_err take_auth(struct reader *r, const struct cJSON *at, const char *key)
{
	char *word = NULL;
	enum sd_err rc = take(r, at, key, &word);

	if (!rc && word) {
		rc = mode_of(r, key, word, &r->c->auth);
		r->auth_said = true;
	}
	free(word);
	return rc;
}

/* One more mode; the default one and those known are not listed again. */
static enum sd_err add_mode(struct reader *r, const char *key, const char *word)
{
	enum sd_auth_mode m = SD_AUTH_NONE;
	enum sd_err rc = mode_of(r, key, word, &m);

	if (rc || (r->auth_said && m == r->c->auth) || m == SD_AUTH_NONE)
		return rc;
	for (size_t i = 0; i < r->c->more_mode_count; i++)
		if (r->c->more_modes[i] == m)
			return SD_OK;
	if (r->c->more_mode_count < COUNT(r->c->more_modes))
		r->c->more_modes[r->c->more_mode_count++] = m;
	return SD_OK;
}

/* ---- the three forms ---- */

static enum sd_err read_outputs(struct reader *r)
{
	static const struct place PLACE[] = {
		AT("data.url", endpoint),
		AT("data.aws_region", region),
		AT("auth.aws_region", region),
		AT("data.api_key", api_key),
		AT("auth.user_pool_id", user_pool_id),
		AT("auth.user_pool_client_id", user_pool_client_id),
		AT("auth.user_pool_client_secret", user_pool_client_secret),
		AT("auth.identity_pool_id", identity_pool_id),
	};
	const struct cJSON *more = sd_json_path(r->root, "data", "authorization_types", NULL);
	enum sd_err rc = take_all(r, r->root, PLACE, COUNT(PLACE));

	if (!rc)
		rc = take_auth(r, r->root, "data.default_authorization_type");
	for (const struct cJSON *c = sd_json_child(more); !rc && c; c = sd_json_next(c))
		if (sd_json_is_string(c))
			rc = add_mode(r, "data.authorization_types", sd_json_str(c));
	return rc;
}

static enum sd_err read_flat(struct reader *r)
{
	static const struct place PLACE[] = {
		AT("aws_appsync_graphqlEndpoint", endpoint),
		AT("aws_appsync_region", region),
		AT("aws_project_region", region),
		AT("aws_appsync_apiKey", api_key),
		AT("aws_user_pools_id", user_pool_id),
		AT("aws_user_pools_web_client_id", user_pool_client_id),
		AT("aws_cognito_identity_pool_id", identity_pool_id),
	};
	static const char more_key[] = "aws_appsync_additionalAuthenticationTypes";
	const char *more = sd_json_get_str(r->root, more_key);
	enum sd_err rc = take_all(r, r->root, PLACE, COUNT(PLACE));

	if (!rc)
		rc = take_auth(r, r->root, "aws_appsync_authenticationType");
	while (!rc && more && *more) {
		size_t skip = strspn(more, ", "), n = strcspn(more + skip, ", ");
		char *word = sd_strdup_n(more + skip, n);

		if (!word)
			return sd_fail(r->e, SD_NOMEM, 0, "%s: out of memory", r->name);
		if (n)
			rc = add_mode(r, more_key, word);
		free(word);
		more += skip + n;
	}
	return rc;
}

/* The first GraphQL API among the API plugin's entries. */
static const struct cJSON *native_api(const struct cJSON *root)
{
	const struct cJSON *all = sd_json_path(root, "api", "plugins", "awsAPIPlugin", NULL);

	for (const struct cJSON *c = sd_json_child(all); c; c = sd_json_next(c))
		if (sd_str_eq(sd_json_get_str(c, "endpointType"), "GraphQL"))
			return c;
	return NULL;
}

static enum sd_err read_native(struct reader *r)
{
	static const struct place API[] = {
		AT("endpoint", endpoint), AT("region", region), AT("apiKey", api_key)};
	static const struct place AUTH[] = {
		AT("CognitoUserPool.Default.PoolId", user_pool_id),
		AT("CognitoUserPool.Default.AppClientId", user_pool_client_id),
		AT("CognitoUserPool.Default.AppClientSecret", user_pool_client_secret),
		AT("CognitoUserPool.Default.Region", region),
		AT("CredentialsProvider.CognitoIdentity.Default.PoolId", identity_pool_id),
	};
	static const struct place EACH[] = {
		AT("ApiUrl", endpoint), AT("Region", region), AT("ApiKey", api_key)};
	const struct cJSON *api = native_api(r->root);
	const struct cJSON *auth =
		sd_json_path(r->root, "auth", "plugins", "awsCognitoAuthPlugin", NULL);
	const struct cJSON *all = sd_json_get(auth, "AppSync");
	enum sd_err rc = take_all(r, api, API, COUNT(API));

	if (!rc)
		rc = take_auth(r, api, "authorizationType");
	if (!rc && !r->auth_said)
		rc = take_auth(r, sd_json_get(all, "Default"), "AuthMode");
	for (const struct cJSON *c = sd_json_child(all); !rc && c; c = sd_json_next(c)) {
		const char *mode = sd_json_get_str(c, "AuthMode");
		rc = take_all(r, c, EACH, COUNT(EACH));
		if (!rc && mode)
			rc = add_mode(r, "AuthMode", mode);
	}
	return rc ? rc : take_all(r, auth, AUTH, COUNT(AUTH));
}

/* What stands in no vendor's file. */
static enum sd_err read_own(struct reader *r)
{
	static const struct place OWN[] = {
		AT("custom.syncdeck.user_pool_endpoint", user_pool_endpoint),
		AT("custom.syncdeck.identity_pool_endpoint", identity_pool_endpoint),
		AT("custom.syncdeck.ca_file", ca_file)};
	const struct cJSON *production =
		sd_json_path(r->root, "custom", "syncdeck", "production", NULL);

	if (!sd_json_is_null(production) && !sd_json_is_bool(production))
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: custom.syncdeck.production must be true or false", r->name);
	r->c->production = sd_json_is_true(production);
	return take_all(r, r->root, OWN, COUNT(OWN));
}

static bool is_url(const char *s)
{
	const char *host = sd_str_starts(s, "https://")  ? s + 8
			   : sd_str_starts(s, "http://") ? s + 7
							 : "";

	return *host && !strchr("/:?#", *host) && !strpbrk(s, " \"<>\\");
}

static enum sd_err check(struct reader *r)
{
	struct sd_config *c = r->c;

	if (c->endpoint && !is_url(c->endpoint))
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: the API's endpoint \"%s\" is no http or https URL", r->name,
			c->endpoint);
	if (c->user_pool_endpoint && !is_url(c->user_pool_endpoint))
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: custom.syncdeck.user_pool_endpoint \"%s\" is no http or https URL",
			r->name, c->user_pool_endpoint);
	if (c->identity_pool_endpoint && !is_url(c->identity_pool_endpoint))
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: custom.syncdeck.identity_pool_endpoint \"%s\" is no http or https URL",
			r->name, c->identity_pool_endpoint);
	if (!r->auth_said)
		c->auth = c->api_key               ? SD_AUTH_API_KEY
			  : c->user_pool_client_id ? SD_AUTH_USER_POOL
						   : SD_AUTH_NONE;
	c->has_models = sd_json_models(r->root) != NULL;
	return SD_OK;
}

static enum sd_err read_root(struct reader *r)
{
	const char *version = sd_json_get_str(r->root, "version");
	const struct cJSON *plugins = sd_json_path(r->root, "api", "plugins", NULL);
	enum sd_err rc;

	if ((version && *version == '1') || sd_json_path(r->root, "data", "url", NULL))
		rc = read_outputs(r);
	else if (sd_json_get(r->root, "aws_project_region") ||
		 sd_json_get(r->root, "aws_appsync_graphqlEndpoint"))
		rc = read_flat(r);
	else if (sd_json_is_object(plugins) || sd_json_path(r->root, "auth", "plugins", NULL))
		rc = read_native(r);
	else
		return sd_fail(r->e, SD_INVAL, 0,
			"%s: no client configuration: neither \"version\": \"1\" "
			"(amplify_outputs.json) nor aws_project_region (aws-exports) nor "
			"api.plugins (amplifyconfiguration.json) stands in it",
			r->name);
	if (!rc)
		rc = read_own(r);
	return rc ? rc : check(r);
}

/* JSON, or else the object of a JavaScript file; an object that is neither was meant as JSON. */
static enum sd_err parse(
	const char *text, size_t n, const char *name, struct cJSON **root, struct sd_error *e)
{
	struct sd_buf js = SD_BUF_INIT;
	const char *p = text;
	bool json;
	enum sd_err rc;

	while (p < text + n && memchr(" \t\r\n\xef\xbb\xbf", *p, 7))
		p++;
	json = p < text + n && *p == '{';
	rc = json ? sd_json_parse(text, n, name, root, e) : SD_INVAL;
	if (rc == SD_INVAL) {
		enum sd_err again = sd_js_object(text, n, name, "awsmobile", &js, json ? NULL : e);
		if (!again)
			again = sd_json_parse(
				sd_buf_text(&js), js.len, name, root, json ? NULL : e);
		if (!json || !again)
			rc = again;
	}
	sd_buf_release(&js);
	return rc;
}

enum sd_err sd_config_read(
	const char *text, size_t n, const char *name, struct sd_config **out, struct sd_error *e)
{
	struct reader r = {.name = name, .e = e};
	struct cJSON *root = NULL;
	enum sd_err rc = parse(text, n, name, &root, e);

	*out = NULL;
	if (rc)
		return rc;
	r.root = root;
	r.c = sd_config_new();
	if (r.c)
		r.c->path = strdup(name);
	rc = r.c && r.c->path ? read_root(&r) : sd_fail(e, SD_NOMEM, 0, "%s: out of memory", name);
	sd_json_free(root);
	if (rc) {
		sd_config_free(r.c);
		return rc;
	}
	*out = r.c;
	return SD_OK;
}

/* A relative CA file that is not here stands beside the configuration. */
static enum sd_err find_ca(struct sd_config *c, const char *path, struct sd_error *e)
{
	const char *slash = strrchr(path, '/');
	char *dir, *beside;

	if (!c->ca_file || *c->ca_file == '/' || !slash || sd_is_file(c->ca_file))
		return SD_OK;
	dir = sd_strdup_n(path, (size_t)(slash - path));
	beside = dir ? sd_path_join(dir, c->ca_file) : NULL;
	free(dir);
	if (!beside)
		return sd_fail(e, SD_NOMEM, 0, "%s: out of memory", path);
	if (!sd_is_file(beside)) {
		free(beside);
		return SD_OK;
	}
	free(c->ca_file);
	c->ca_file = beside;
	return SD_OK;
}

enum sd_err sd_config_read_file(const char *path, struct sd_config **out, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = sd_read_file(path, MAX_FILE, &b, e);

	*out = NULL;
	if (!rc)
		rc = sd_config_read(sd_buf_text(&b), b.len, path, out, e);
	if (!rc)
		rc = find_ca(*out, path, e);
	if (rc) {
		sd_config_free(*out);
		*out = NULL;
	}
	sd_buf_release(&b);
	return rc;
}
