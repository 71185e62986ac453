/*
 * tests/support/run_sandbox.h - the local backend in a child process, for tests with real sockets.
 */
#ifndef SD_TESTS_RUN_SANDBOX_H
#define SD_TESTS_RUN_SANDBOX_H

#include "core/api/sandbox.h"

struct cJSON;
struct sd_test_server;

/* Fills o with what a test wants: loopback, port 0, in memory, key "da2-fakeApiId123456", admin. */
void sd_test_server_defaults(struct sd_sandbox_opts *o, const struct sd_schema *schema);
/* Returns once it listens; fails the test otherwise.  o is borrowed until the stop. */
struct sd_test_server *sd_test_server_start(const struct sd_sandbox_opts *o);
/* The error a start gives instead of listening, as text; owned.  Fails the test if it listens. */
char *sd_test_server_refused(const struct sd_sandbox_opts *o);
const char *sd_test_server_url(const struct sd_test_server *s);  /* GraphQL endpoint */
const char *sd_test_server_base(const struct sd_test_server *s); /* without path */
int sd_test_server_port(const struct sd_test_server *s);
const struct cJSON *sd_test_server_ready(const struct sd_test_server *s); /* the first line */
/* SIGTERM, then waits; fails the test when it did not end in order (or leaked, under ASan). */
void sd_test_server_stop(struct sd_test_server *s);
/* kill -9, then waits. */
void sd_test_server_kill(struct sd_test_server *s);
/* Closes the pipe to it instead, as when its parent ends. */
void sd_test_server_orphan(struct sd_test_server *s);

/* ---- plain HTTP to it ---- */
struct sd_test_reply {
	int curl; /* CURLcode */
	int status;
	char *body;         /* owned, never NULL */
	char *head;         /* owned; all header lines */
	struct cJSON *json; /* owned; NULL when the body is no JSON */
	double seconds;
};
void sd_test_reply_release(struct sd_test_reply *r);
/* path after the base ("/graphql"); headers NULL-terminated "Name: value" lines, may be NULL;
 * body NULL: none. */
void sd_test_http(const struct sd_test_server *s, const char *method, const char *path,
	const char *const *headers, const char *body, struct sd_test_reply *r);
/* POST /graphql with the API key. query is GraphQL text, variables JSON text or NULL. */
void sd_test_graphql(const struct sd_test_server *s, const char *query, const char *variables,
	struct sd_test_reply *r);
/* POST, GET or DELETE /_sandbox/CALL; fails the test unless 200; the answer, owned (may be NULL). */
struct cJSON *sd_test_admin(
	const struct sd_test_server *s, const char *method, const char *call, const char *body);
/* POST /cognito/; body JSON. */
void sd_test_cognito(const struct sd_test_server *s, const char *operation, const char *body,
	struct sd_test_reply *r);

#endif
