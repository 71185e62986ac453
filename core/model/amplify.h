/*
 * core/model/amplify.h - client configuration files, in the three forms people have.
 *
 * amplify_outputs.json (Gen 2), amplifyconfiguration.json (Gen 1, flat and native), aws-exports.js
 * (.json).  Table: spec/client.md 1.7.  Our own keys stand under custom.syncdeck: production (bool),
 * ca_file, user_pool_endpoint, identity_pool_endpoint (contract.md 5.1 and 10).
 *
 * Depends on: base, json.  Threads: no state.
 */
#ifndef SD_MODEL_AMPLIFY_H
#define SD_MODEL_AMPLIFY_H

#include <stdbool.h>
#include <stddef.h>

#include "core/base/err.h"

enum sd_auth_mode {
	SD_AUTH_NONE,
	SD_AUTH_API_KEY,
	SD_AUTH_USER_POOL,
	SD_AUTH_OIDC,
	SD_AUTH_IAM,
	SD_AUTH_LAMBDA,
	SD_AUTH_MULTI /* only as the person's choice: try the modes of a model's rules in order */
};

struct sd_config { /* strings owned; NULL when the file does not say */
	char *path;
	char *endpoint, *region, *api_key;
	enum sd_auth_mode auth;
	enum sd_auth_mode more_modes[4];
	size_t more_mode_count;
	char *user_pool_id, *user_pool_client_id, *user_pool_client_secret, *identity_pool_id;
	char *user_pool_endpoint;     /* custom.syncdeck.user_pool_endpoint, else NULL: AWS's own */
	char *identity_pool_endpoint; /* custom.syncdeck.identity_pool_endpoint, likewise */
	char *ca_file;
	bool production;
	bool has_models; /* the file carries model introspection: sd_schema_read reads it */
};

/* Errors: NOTFOUND, INVAL (with line and column, or the key that is wrong), NOMEM. */
SD_MUST_USE enum sd_err sd_config_read_file(
	const char *path, struct sd_config **out, struct sd_error *e);
SD_MUST_USE enum sd_err sd_config_read(
	const char *text, size_t n, const char *name, struct sd_config **out, struct sd_error *e);
struct sd_config *sd_config_new(void); /* empty, for --endpoint with --schema; NULL: no memory */
void sd_config_free(struct sd_config *c);

const char *sd_auth_mode_name(enum sd_auth_mode m); /* "apiKey", "userPool", ... (contract.md 1) */
int sd_auth_mode_parse(const char *s);              /* both "apiKey" and "API_KEY"; -1 unknown */

#endif
