/*
 * tests/support/rt.h - a sandbox with one model, and a realtime client's steps against it.
 *
 * Every step fails the test when it does not go as its name says.
 */
#ifndef SD_TESTS_RT_H
#define SD_TESTS_RT_H

#include "tests/support/run_sandbox.h"
#include "tests/support/ws_client.h"

#define SD_TEST_ON_CREATE "subscription { onCreatePost { id title } }"

extern struct sd_test_server *sd_test_rt_server;
extern struct sd_sandbox_opts sd_test_rt_opts;
extern const char sd_test_rt_good[]; /* the authorization object of the API key */

/* cmocka fixtures: of a group, and POST reset before a test. */
int sd_test_rt_start(void **st);
int sd_test_rt_stop(void **st);
int sd_test_rt_fresh(void **st);

struct sd_test_ws *sd_test_rt_dial(const char *path, const char *protocol, const char *headers);
struct sd_test_ws *sd_test_rt_by_protocol(const char *header);
struct sd_test_ws *sd_test_rt_by_query(const char *header);
void sd_test_rt_init(struct sd_test_ws *w); /* connection_init, up to the ack */
struct sd_test_ws *sd_test_rt_ready(void);  /* dialled and acknowledged */
void sd_test_rt_send_start(struct sd_test_ws *w, const char *id, const char *query);
void sd_test_rt_started(struct sd_test_ws *w, const char *id, const char *query);
void sd_test_rt_subscribed(struct sd_test_ws *w, const char *id); /* to SD_TEST_ON_CREATE */
void sd_test_rt_create_post(void);
void sd_test_rt_mutate(const char *query);
/* The next data frame begins with this id and payload. */
void sd_test_rt_expect_data(struct sd_test_ws *w, const char *id, const char *payload);

#endif
