/* tests/unit/test_fault.c - faults on order, and the request log. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "core/sandbox/server/fault.h"
#include "core/sandbox/server/reqlog.h"

static enum sd_err add(struct sd_faults *f, const char *text, struct sd_error *e)
{
	struct cJSON *j = NULL;
	enum sd_err rc;

	assert_int_equal(sd_json_parse(text, strlen(text), "fault", &j, NULL), SD_OK);
	rc = sd_faults_add(f, j, e);
	sd_json_free(j);
	return rc;
}

/* The kind taken for a request, -1: none.  names: "a,b" */
static int take(struct sd_faults *f, const char *op, const char *names)
{
	struct cJSON *list = sd_json_array();
	struct sd_fault x;
	char copy[100], *save = NULL;
	int kind = -1;

	snprintf(copy, sizeof copy, "%s", names);
	for (char *n = strtok_r(copy, ",", &save); n; n = strtok_r(NULL, ",", &save))
		sd_json_push(list, sd_json_string(n));
	if (sd_faults_take(f, op, list, &x)) {
		kind = (int)x.kind;
		sd_fault_release(&x);
	}
	sd_json_free(list);
	return kind;
}

static void a_fault_strikes_once_unless_told_otherwise(void **st)
{
	struct sd_faults f = {0};

	(void)st;
	assert_int_equal(add(&f, "{\"kind\":\"status\",\"status\":503}", NULL), SD_OK);
	assert_int_equal(take(&f, "query", "syncPosts"), SD_FAULT_STATUS);
	assert_int_equal(take(&f, "query", "syncPosts"), -1);
	assert_int_equal(f.count, 0);
	assert_int_equal(add(&f, "{\"kind\":\"hang\",\"count\":2}", NULL), SD_OK);
	assert_int_equal(add(&f, "{\"kind\":\"delay\",\"ms\":5,\"count\":-1}", NULL), SD_OK);
	assert_int_equal(take(&f, "query", "a"), SD_FAULT_HANG);
	assert_int_equal(take(&f, "mutation", "b"), SD_FAULT_HANG);
	for (int i = 0; i < 100; i++)
		assert_int_equal(take(&f, "mutation", "b"), SD_FAULT_DELAY);
	sd_faults_clear(&f);
	assert_int_equal(take(&f, "mutation", "b"), -1);
}

static void skip_lets_the_first_matches_pass(void **st)
{
	struct sd_faults f = {0};

	(void)st;
	assert_int_equal(
		add(&f, "{\"kind\":\"reset\",\"skip\":2,\"op\":\"mutation\"}", NULL), SD_OK);
	assert_int_equal(take(&f, "query", "q"), -1); /* no match, so not counted */
	assert_int_equal(take(&f, "mutation", "m"), -1);
	assert_int_equal(take(&f, "mutation", "m"), -1);
	assert_int_equal(take(&f, "mutation", "m"), SD_FAULT_RESET);
	assert_int_equal(take(&f, "mutation", "m"), -1);
	sd_faults_clear(&f);
}

static void in_a_batch_any_root_field_matches(void **st)
{
	struct sd_faults f = {0};

	(void)st;
	assert_int_equal(
		add(&f, "{\"kind\":\"lostResponse\",\"field\":\"createTodo\"}", NULL), SD_OK);
	assert_int_equal(take(&f, "mutation", "updateTodo,deleteTodo"), -1);
	assert_int_equal(take(&f, "mutation", "updateTodo,createTodo"), SD_FAULT_LOST_RESPONSE);
	sd_faults_clear(&f);
}

static void subscriptions_and_sign_in_must_be_named(void **st)
{
	struct sd_faults f = {0};

	(void)st;
	assert_int_equal(add(&f, "{\"kind\":\"status\",\"count\":-1}", NULL), SD_OK);
	assert_int_equal(take(&f, "subscription", "onCreateTodo"), -1);
	assert_int_equal(take(&f, "auth", "InitiateAuth"), -1);
	assert_int_equal(take(&f, NULL, ""), SD_FAULT_STATUS); /* no document at all */
	sd_faults_clear(&f);
	assert_int_equal(add(&f, "{\"kind\":\"hang\",\"op\":\"subscription\"}", NULL), SD_OK);
	assert_int_equal(add(&f, "{\"kind\":\"reset\",\"field\":\"InitiateAuth\"}", NULL), SD_OK);
	assert_int_equal(take(&f, "subscription", "onCreateTodo"), SD_FAULT_HANG);
	assert_int_equal(take(&f, "auth", "InitiateAuth"), SD_FAULT_RESET);
	sd_faults_clear(&f);
}

static void a_bad_order_is_refused_with_what_is_allowed(void **st)
{
	static const char *const BAD[][2] = {
		{"{}", "kind"},
		{"{\"kind\":\"explode\"}", "lostResponse"},
		{"{\"kind\":\"status\",\"status\":42}", "status"},
		{"{\"kind\":\"delay\",\"ms\":-1}", "ms"},
		{"{\"kind\":\"delay\",\"ms\":\"5\"}", "ms"},
		{"{\"kind\":\"hang\",\"count\":-2}", "count"},
		{"{\"kind\":\"hang\",\"skip\":1.5}", "skip"},
		{"{\"kind\":\"hang\",\"op\":\"select\"}", "mutation"},
		{"{\"kind\":\"hang\",\"field\":5}", "field"},
	};
	struct sd_faults f = {0};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_error e = {0};
		assert_int_equal(add(&f, BAD[i][0], &e), SD_INVAL);
		assert_non_null(strstr(e.text, BAD[i][1]));
	}
	assert_int_equal(f.count, 0);
}

static void log_one(struct sd_reqlog *l, int64_t t, const char *body, size_t n)
{
	struct sd_reqlog_entry x = {.t_ms = t, .kind = "ws-in"};

	assert_int_not_equal(sd_reqlog_add(l, &x, body, n), 0);
}

static struct cJSON *printed(const struct sd_reqlog *l, int64_t since)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *j = NULL;

	assert_true(sd_reqlog_print(l, since, &b));
	assert_int_equal(sd_json_parse(sd_buf_text(&b), b.len, "log", &j, NULL), SD_OK);
	sd_buf_release(&b);
	return j;
}

static void the_log_keeps_order_status_and_since(void **st)
{
	struct sd_reqlog l = {0};
	struct sd_reqlog_entry x = {
		.t_ms = 10, .kind = "http", .headers = (char *)(uintptr_t) "{\"a\":\"b\"}"};
	struct cJSON *j;
	uint64_t id;

	(void)st;
	log_one(&l, 5, "\xff\"", 2); /* no UTF-8: the log stays JSON */
	id = sd_reqlog_add(&l, &x, "{}", 2);
	for (int i = 0; i < 1000; i++)
		log_one(&l, 20 + i, "m", 1);
	sd_reqlog_status(&l, id, 200);
	j = printed(&l, 10);
	assert_int_equal(sd_json_count(j), 1001);
	assert_int_equal(sd_json_get_i64(sd_json_child(j), "status", -1), 200);
	assert_string_equal(sd_json_get_str(sd_json_get(sd_json_child(j), "headers"), "a"), "b");
	assert_string_equal(sd_json_get_str(sd_json_child(j), "body"), "{}");
	sd_json_free(j);
	j = printed(&l, 0);
	assert_int_equal(sd_json_count(j), 1002);
	sd_json_free(j);
	sd_reqlog_clear(&l);
	sd_reqlog_status(&l, id, 500); /* gone: nothing happens */
	j = printed(&l, 0);
	assert_int_equal(sd_json_count(j), 0);
	sd_json_free(j);
	sd_reqlog_release(&l);
}

static void the_log_forgets_the_oldest_first(void **st)
{
	struct sd_reqlog l = {0};
	size_t n = (size_t)1 << 20;
	char *big = calloc(1, n);

	(void)st;
	memset(big, 'x', n);
	for (int i = 0; i < 100; i++)
		log_one(&l, i, big, n);
	assert_true(l.bytes <= SD_REQLOG_BYTES);
	assert_true(l.count >= 60 && l.count < 65);
	assert_int_equal(l.ring[(l.first + l.count - 1) % l.room].t_ms, 99);
	sd_reqlog_release(&l);
	free(big);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_fault_strikes_once_unless_told_otherwise),
		cmocka_unit_test(skip_lets_the_first_matches_pass),
		cmocka_unit_test(in_a_batch_any_root_field_matches),
		cmocka_unit_test(subscriptions_and_sign_in_must_be_named),
		cmocka_unit_test(a_bad_order_is_refused_with_what_is_allowed),
		cmocka_unit_test(the_log_keeps_order_status_and_since),
		cmocka_unit_test(the_log_forgets_the_oldest_first),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
