/*
 * tests/proto/test_realtime_data.c - what subscribers are told, over real sockets (SRV-W rows of
 * spec/server.md 10.4).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <unistd.h>

#include "core/base/buf.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"
#include "tests/support/rt.h"

/* SRV-W11, SRV-W22 */
static void data_flows_until_stop(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	char *m;

	(void)st;
	sd_test_rt_subscribed(w, "s1");
	sd_test_rt_create_post();
	m = sd_test_ws_expect(w, "data", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"s1\",\"payload\":{\"data\":{\"onCreatePost\":{"));
	free(m);
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"s1\"}");
	m = sd_test_ws_expect(w, "complete", SD_TEST_SOON);
	assert_string_equal(m, "{\"type\":\"complete\",\"id\":\"s1\"}");
	free(m);
	sd_test_rt_create_post();
	assert_null(sd_test_ws_expect(w, "data", 250));
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"s1\"}");
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W12, SRV-W13 */
static void a_subscriber_gets_no_more_than_the_mutation_selected(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	char *m;

	(void)st;
	sd_test_rt_started(w, "c", "subscription { onCreatePost { id content } }");
	sd_test_rt_mutate(
		"mutation { createPost(input: {id: \"1\", title: \"t\", content: \"c\"}) { id } }");
	sd_test_rt_expect_data(
		w, "c", "{\"data\":{\"onCreatePost\":{\"id\":\"1\",\"content\":null}}}");
	sd_test_ws_send(w, "{\"type\":\"stop\",\"id\":\"c\"}");
	m = sd_test_ws_expect(w, "complete", SD_TEST_SOON);
	assert_non_null(m);
	free(m);
	sd_test_rt_started(w, "t", SD_TEST_ON_CREATE);
	sd_test_rt_mutate("mutation { createPost(input: {id: \"2\", title: \"t\"}) { id } }");
	m = sd_test_ws_expect(w, "data", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "{\"onCreatePost\":null}"));
	assert_non_null(
		strstr(m, "Cannot return null for non-nullable type: 'String' within parent "
			  "'Post' (/onCreatePost/title)"));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W14 */
static void updates_and_deletes_are_told(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();

	(void)st;
	sd_test_rt_started(w, "u", "subscription { onUpdatePost { id title _version } }");
	sd_test_rt_started(w, "d", "subscription { onDeletePost { id _deleted _version } }");
	sd_test_rt_mutate("mutation { createPost(input: {id: \"1\", title: \"t\"}) { id } }");
	sd_test_rt_mutate(
		"mutation { updatePost(input: {id: \"1\", title: \"u\", _version: 1}) { id title "
		"_version } }");
	sd_test_rt_expect_data(w, "u",
		"{\"data\":{\"onUpdatePost\":{\"id\":\"1\",\"title\":\"u\",\"_version\":2}}}");
	sd_test_rt_mutate("mutation { deletePost(input: {id: \"1\", _version: 2}) { id _deleted "
			  "_version } }");
	sd_test_rt_expect_data(w, "d",
		"{\"data\":{\"onDeletePost\":{\"id\":\"1\",\"_deleted\":true,\"_version\":3}}}");
	sd_test_ws_close(w);
}

/* SRV-W17, SRV-W18 */
static void filters_decide_who_is_told(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	char *m;

	(void)st;
	sd_test_rt_started(
		w, "f", "subscription { onCreatePost(filter: {rating: {gt: 3}}) { id rating } }");
	sd_test_rt_mutate(
		"mutation { createPost(input: {id: \"1\", title: \"t\", rating: 3}) { id rating } "
		"}");
	sd_test_rt_mutate(
		"mutation { createPost(input: {id: \"2\", title: \"t\", rating: 4}) { id } }");
	sd_test_rt_mutate(
		"mutation { createPost(input: {id: \"3\", title: \"t\", rating: 5}) { id rating } "
		"}");
	sd_test_rt_expect_data(w, "f", "{\"data\":{\"onCreatePost\":{\"id\":\"3\",\"rating\":5}}}");
	sd_test_rt_send_start(w, "six",
		"subscription { onCreatePost(filter: {rating: {in: [1,2,3,4,5,6]}}) { id } }");
	m = sd_test_ws_expect(w, "error", SD_TEST_SOON);
	assert_non_null(m);
	assert_non_null(strstr(m, "\"id\":\"six\""));
	free(m);
	sd_test_ws_close(w);
}

/* SRV-W25 */
static void an_event_over_240_kilobytes_is_dropped_and_the_connection_lives(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	struct sd_buf q = SD_BUF_INIT;

	(void)st;
	sd_test_rt_started(w, "s", "subscription { onCreatePost { id content } }");
	sd_buf_str(&q, "mutation { createPost(input: {id: \"1\", title: \"t\", content: \"");
	while (q.len < 250000)
		sd_buf_str(&q, "0123456789");
	sd_buf_str(&q, "\"}) { id content } }");
	sd_test_rt_mutate(sd_buf_text(&q));
	sd_test_rt_mutate(
		"mutation { createPost(input: {id: \"2\", title: \"t\"}) { id content } }");
	sd_test_rt_expect_data(
		w, "s", "{\"data\":{\"onCreatePost\":{\"id\":\"2\",\"content\":null}}}");
	sd_test_ws_close(w);
	sd_buf_release(&q);
}

/* contract.md 10: `mutate` is another client; `put` and `purge` tell nobody */
static void the_admin_side_writes_as_another_client(void **st)
{
	struct sd_test_ws *w = sd_test_rt_ready();
	struct sd_test_reply r;
	struct cJSON *j;

	(void)st;
	sd_test_rt_started(w, "s", "subscription { onUpdatePost { id title rating _version } }");
	sd_json_free(sd_test_admin(sd_test_rt_server, "POST", "put",
		"{\"model\":\"Post\",\"items\":[{\"id\":\"1\",\"title\":\"t\",\"_version\":7}]}"));
	j = sd_test_admin(sd_test_rt_server, "POST", "mutate",
		"{\"op\":\"update\",\"model\":\"Post\",\"input\":{\"id\":\"1\",\"rating\":5}}");
	assert_int_equal(sd_json_get_i64(j, "_version", 0), 8);
	sd_json_free(j);
	sd_test_rt_expect_data(w, "s",
		"{\"data\":{\"onUpdatePost\":{\"id\":\"1\",\"title\":\"t\",\"rating\":5,\"_"
		"version\":8}}}");
	sd_test_http(sd_test_rt_server, "POST", "/_sandbox/mutate", NULL,
		"{\"op\":\"delete\",\"model\":\"Post\",\"input\":{\"id\":\"1\",\"_version\":3}}",
		&r);
	assert_int_equal(r.status, 409);
	assert_string_equal(sd_json_get_str(r.json, "errorType"), "ConflictUnhandled");
	sd_test_reply_release(&r);
	j = sd_test_admin(sd_test_rt_server, "GET", "dump?model=Post", NULL);
	assert_int_equal(sd_json_count(j), 1);
	assert_int_equal(sd_json_get_i64(sd_json_child(j), "_version", 0), 8);
	sd_json_free(j);
	j = sd_test_admin(sd_test_rt_server, "GET", "state", NULL);
	assert_int_equal(sd_json_get_i64(sd_json_path(j, "models", "Post", NULL), "live", -1), 1);
	assert_int_equal(sd_json_get_i64(j, "subscriptions", -1), 1);
	sd_json_free(j);
	sd_test_ws_close(w);
}

static void publishing_to_a_hundred_subscribers_is_quick(void **st)
{
	struct sd_test_ws *w[100];
	int64_t t0;

	(void)st;
	for (int i = 0; i < 100; i++) {
		w[i] = sd_test_rt_ready();
		sd_test_rt_subscribed(w[i], "s");
	}
	t0 = sd_mono_ms();
	sd_test_rt_create_post();
	for (int i = 0; i < 100; i++) {
		char *m = sd_test_ws_expect(w[i], "data", SD_TEST_SOON);
		assert_non_null(m);
		free(m);
	}
	assert_true(sd_mono_ms() - t0 < 20000); /* some ten ms on a free machine */
	for (int i = 0; i < 100; i++)
		sd_test_ws_free(w[i]);
}

/* The server's state once it has so many connections; owned. */
static struct cJSON *state_with(int connections)
{
	int64_t until = sd_mono_ms() + SD_TEST_SOON;

	for (;;) {
		struct cJSON *s = sd_test_admin(sd_test_rt_server, "GET", "state", NULL);
		if (sd_json_get_i64(s, "connections", -1) == connections)
			return s;
		sd_json_free(s);
		assert_true(sd_mono_ms() < until);
		usleep(5000);
	}
}

static void a_subscriber_that_does_not_read_is_dropped_alone(void **st)
{
	struct sd_test_ws *deaf = sd_test_rt_ready(), *good = sd_test_rt_ready();
	struct sd_buf q = SD_BUF_INIT;
	struct cJSON *s;
	int told = 0;

	(void)st;
	sd_test_rt_started(deaf, "s", "subscription { onCreatePost { id content } }");
	sd_test_rt_started(good, "s", "subscription { onCreatePost { id content } }");
	sd_buf_str(&q, "mutation { createPost(input: {title: \"t\", content: \"");
	while (q.len < 200000)
		sd_buf_str(&q, "0123456789");
	sd_buf_str(&q, "\"}) { id content } }");
	for (int i = 0; i < 140; i++) { /* 28 MB */
		char *m;
		sd_test_rt_mutate(sd_buf_text(&q));
		m = sd_test_ws_expect(good, "data", SD_TEST_SOON);
		told += m != NULL;
		free(m);
	}
	assert_int_equal(told, 140);
	s = state_with(1);
	assert_int_equal(sd_json_get_i64(s, "subscriptions", -1), 1);
	sd_json_free(s);
	sd_buf_release(&q);
	sd_test_ws_free(deaf);
	sd_test_ws_close(good);
}

/* SRV-W29 */
static void a_connection_that_ends_leaves_nothing_behind(void **st)
{
	struct cJSON *s;

	(void)st;
	for (int i = 0; i < 20; i++) {
		struct sd_test_ws *w = sd_test_rt_ready();
		sd_test_rt_send_start(w, "s", SD_TEST_ON_CREATE);
		sd_test_ws_free(w); /* cut in the middle */
	}
	s = state_with(0);
	assert_int_equal(sd_json_get_i64(s, "subscriptions", -1), 0);
	sd_json_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(data_flows_until_stop, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			a_subscriber_gets_no_more_than_the_mutation_selected, sd_test_rt_fresh),
		cmocka_unit_test_setup(updates_and_deletes_are_told, sd_test_rt_fresh),
		cmocka_unit_test_setup(filters_decide_who_is_told, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			an_event_over_240_kilobytes_is_dropped_and_the_connection_lives,
			sd_test_rt_fresh),
		cmocka_unit_test_setup(the_admin_side_writes_as_another_client, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			publishing_to_a_hundred_subscribers_is_quick, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			a_subscriber_that_does_not_read_is_dropped_alone, sd_test_rt_fresh),
		cmocka_unit_test_setup(
			a_connection_that_ends_leaves_nothing_behind, sd_test_rt_fresh),
	};
	return cmocka_run_group_tests(tests, sd_test_rt_start, sd_test_rt_stop);
}
