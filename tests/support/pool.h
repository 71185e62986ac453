/*
 * tests/support/pool.h - a sandbox with a user pool of four users, and calls of its API.
 */
#ifndef SD_TESTS_POOL_H
#define SD_TESTS_POOL_H

#include "tests/support/run_sandbox.h"

/* The sandbox that runs, and what its first line said. */
extern struct pool {
	struct sd_schema *schema;
	struct sd_sandbox_opts opts;
	struct sd_test_server *srv;
	char *dir, users_file[300], config_file[300], client_id[100], pool_id[100];
} pool;

/* Fixtures of a group. */
int pool_start(void **st);
int pool_stop(void **st);
/* POST /cognito/ with {"ClientId":...} and members. */
void pool_call(const char *operation, const char *members, struct sd_test_reply *r);
void pool_sign_in(const char *user, const char *password, struct sd_test_reply *r);
/* A token of the answer, owned; fails the test when there is none. */
char *pool_token(const struct sd_test_reply *r, const char *name);
/* The same of a sign-in that must succeed. */
char *pool_signed_in(const char *user, const char *password, const char *name);
void pool_expect_refusal(struct sd_test_reply *r, const char *type);
/* The status of a request with this header; *why: the first error, good until the next call. */
int pool_graphql_status(const char *authorization, const char **why);

#endif
