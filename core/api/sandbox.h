/*
 * core/api/sandbox.h - starting the local backend.  Used by app/cli only.
 *
 * Threads: sd_sandbox_run() owns the calling thread until stopped.
 */
#ifndef SD_API_SANDBOX_H
#define SD_API_SANDBOX_H

#include <stdbool.h>
#include <stdint.h>

#include "core/base/err.h"
#include "core/model/schema.h"

struct sd_sandbox_opts { /* contract.md 10; borrowed */
	const struct sd_schema *schema;
	const char *host; /* "127.0.0.1" */
	int port;         /* 0: a free one */
	const char *db;   /* NULL: in memory */
	const char *api_key;
	bool tls, admin;
	const char *strategy;                /* "automerge" "optimistic" "lambda:COMMAND" "none" */
	const char *const *model_strategies; /* "Post=optimistic" */
	size_t model_strategy_count;
	const char *seed;  /* FILE, "N" or "N:SEED"; NULL */
	const char *users; /* FILE; NULL */
	/* 0: the default (30 min, 30 days, 60 s, 300 s); TTLs -1: none, which for the base table
	 * means that a delete leaves no tombstone */
	int64_t delta_ttl_ms, base_ttl_ms, keep_alive_ms, connection_timeout_ms;
	int64_t max_limit;
	const char *write_config; /* FILE; NULL */
	/* KEY=VALUE: the core's switches (core/sandbox/core/sandbox.h) and the server's own:
	 * max_subscriptions (100), api_key_ttl (for ever), token_ttl (1h), refresh_rotation (false), trust_unsigned_jwt
	 * (false), ws_lifetime (24h), init_timeout (60s), lambda_timeout (10s),
	 * idle_timeout (120s),
	 * request_timeout (60s), execution_timeout (30s), iam_key=ID:SECRET[:auth|unauth|ARN] (up
	 * to 8; without a role it stands for any), lambda_token=TEXT,
	 * oidc_jwks=FILE (a key set, RS256), oidc_issuer=URL, oidc_client_id=ID,
	 * expire_subscriptions (false), subscribe_rate (0: any), strict_host (false) */
	const char *const *sets;
	size_t set_count;
	const char *state_dir; /* where TLS files are kept */
	int parent_pipe;       /* fd that ends the server when it closes; -1: none */
};

/* Called once with the first line of contract.md 5 `sandbox` when it listens. */
typedef void (*sd_sandbox_ready_fn)(void *ctx, const char *json_line);
/* Serves until SIGINT/SIGTERM (signalfd inside) or parent_pipe closes.
 * Errors: INVAL, IO (port busy), DB. */
SD_MUST_USE enum sd_err sd_sandbox_run(
	const struct sd_sandbox_opts *o, sd_sandbox_ready_fn ready, void *ctx, struct sd_error *e);

#endif
