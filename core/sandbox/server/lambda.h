/*
 * core/sandbox/server/lambda.h - conflict handlers under way: commands and addresses that are
 * asked for a decision (server.md 2.6).
 *
 * Depends on: base, libcurl, POSIX threads and processes.  Threads: the caller's one; each run has
 * one of its own, which touches nothing of the caller's but wake.
 */
#ifndef SD_SANDBOX_SERVER_LAMBDA_H
#define SD_SANDBOX_SERVER_LAMBDA_H

#include <stdbool.h>
#include <stdint.h>

struct sd_lambdas;

/* A run fails after limit_ms.  wake is called from other threads when a run is over: sd_lambdas_next has something.  NULL: out
 * of memory. */
struct sd_lambdas *sd_lambdas_new(int64_t limit_ms, void (*wake)(void *ctx), void *ctx);
/* Kills what still runs, and waits for it. */
void sd_lambdas_free(struct sd_lambdas *l);
/* Starts command (an http:// or https:// address: a POST) with the payload; texts are copied.
 * false: it cannot be started. */
bool sd_lambdas_ask(struct sd_lambdas *l, uint64_t id, const char *command, const char *payload);
/* A run that is over: its id and what it said (owned; NULL: failed, or not in time).  false:
 * none is. */
bool sd_lambdas_next(struct sd_lambdas *l, uint64_t *id, char **answer);

#endif
