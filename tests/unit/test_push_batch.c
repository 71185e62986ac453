/* tests/unit/test_push_batch.c - outbox.batch: several mutations in one request, a result per alias,
 * and everything that can go wrong with them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/internal.h"
#include "tests/support/batch.h"

/* n posts p0.. made while the outbox is paused. */
static void make(struct script *r, int n)
{
	script_pause(r, true);
	for (int i = 0; i < n; i++) {
		char fields[80];
		snprintf(fields, sizeof fields, "{\"id\":\"p%d\",\"title\":\"t%d\",\"rating\":%d}",
			i, i, i);
		script_save(r, "Post", fields, NULL);
	}
	script_pause(r, false);
}

/* a result per alias: taken, in conflict, refused by its condition, denied, lost */
static void every_alias_of_a_batch_has_a_result_of_its_own(void **st)
{
	struct script *r = batch_ready(25, 1);
	struct script_request *q;
	char a[400], b[400];

	(void)st;
	batch_item(a, sizeof a, 1, 3, "old", 1);
	script_arrive(r, "Create", "Post", a);
	batch_item(a, sizeof a, 2, 3, "old", 1);
	script_arrive(r, "Create", "Post", a);
	batch_item(a, sizeof a, 4, 3, "old", 1);
	script_arrive(r, "Create", "Post", a);
	script_pause(r, true);
	script_save(r, "Post", "{\"id\":\"p0\",\"title\":\"new\"}", NULL);
	script_save(r, "Post", "{\"id\":\"p1\",\"title\":\"mine\"}", NULL);
	script_save(r, "Post", "{\"id\":\"p2\",\"title\":\"mine\"}", "rating > 5");
	script_save(r, "Post", "{\"id\":\"p3\",\"title\":\"new\"}", NULL);
	script_delete(r, "Post", "[\"p4\"]");
	script_pause(r, false);
	assert_int_equal(script_waiting(r), 1);
	q = &r->req[0];
	assert_int_equal(batch_aliases(q), 5);
	assert_non_null(strstr(sd_json_get_str(q->body, "query"), "m0: createPost(input: $i0)"));
	assert_non_null(strstr(
		sd_json_get_str(q->body, "query"), "m1: updatePost(input: $i1, condition: $c1)"));
	assert_non_null(strstr(
		sd_json_get_str(q->body, "query"), "m4: deletePost(input: $i4, condition: $c4)"));
	assert_null(batch_var(q, "c0")); /* a create carries no condition */
	assert_true(sd_json_is_null(batch_var(q, "c1")));
	assert_non_null(sd_json_path(batch_var(q, "c2"), "and", NULL)); /* never merged away */
	assert_int_equal(sd_json_get_i64(batch_var(q, "i4"), "_version", 0), 3);
	batch_item(a, sizeof a, 0, 1, "new", 0);
	batch_item(b, sizeof b, 1, 4, "old", 9);
	batch_answer(r, q, 200,
		"{\"data\":{\"m0\":%s,\"m1\":null,\"m2\":null,\"m3\":null,\"m4\":null},\"errors\":["
		"{\"path\":[\"m1\"],\"errorType\":\"ConflictUnhandled\",\"message\":\"c\",\"data\":"
		"%s},"
		"{\"path\":[\"m2\"],\"errorType\":\"ConditionalCheckFailedException\",\"message\":"
		"\"The conditional request failed\",\"data\":%s},"
		"{\"path\":[\"m3\"],\"errorType\":\"Unauthorized\",\"message\":\"Not Authorized\"},"
		"{\"path\":[\"m4\"],\"errorType\":\"InternalFailure\",\"message\":\"oops\"}]}",
		a, b,
		"{\"id\":\"p2\",\"title\":\"old\",\"rating\":1,\"tags\":null,\"at\":null,"
		"\"data\":null,\"_version\":3,\"_lastChangedAt\":3000,\"_deleted\":null,"
		"\"createdAt\":null,\"updatedAt\":null}");
	script_row_is(r, "Post", "[\"p0\"]", "{\"_version\":1,\"_state\":\"synced\"}");
	assert_int_equal(script_events(r, "outboxMutationFailed"), 1); /* the condition */
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	/* one request at a time, in order: the conflict put right, then the denied one by itself */
	q = script_only(r, "updatePost");
	assert_int_equal(script_waiting(r), 1);
	assert_string_equal(sd_json_get_str(script_input(q), "id"), "p1");
	assert_int_equal(sd_json_get_i64(script_input(q), "_version", 0), 4);
	batch_item(a, sizeof a, 1, 5, "mine", 9);
	script_ok(r, q, "updatePost", a);
	script_row_is(r, "Post", "[\"p1\"]", "{\"title\":\"mine\",\"rating\":9}");
	assert_string_equal(
		sd_json_get_str(script_input(script_only(r, "createPost")), "id"), "p3");
	script_free(r);
}

static void alone_is_answered(struct script *r, const char *id)
{
	char a[400];
	struct script_request *q = script_only(r, "createPost");
	int i = atoi(id + 1);

	assert_string_equal(sd_json_get_str(script_input(q), "id"), id);
	batch_item(a, sizeof a, i, 1, "x", i);
	a[0] = '{';
	snprintf(a, sizeof a,
		"{\"id\":\"%s\",\"title\":\"t%d\",\"rating\":%d,\"tags\":null,\"at\":null,\"data\":"
		"null,\"_version\":1,\"_lastChangedAt\":1000,\"_deleted\":null,\"createdAt\":null,"
		"\"updatedAt\":null}",
		id, i, i);
	script_ok(r, q, "createPost", a);
}

/* a document that does not validate did nothing at all: one by one, and only the bad one stays */
static void a_batch_refused_as_a_whole_is_sent_one_by_one(void **st)
{
	static const char invalid[] =
		"{\"data\":null,\"errors\":[{\"path\":null,\"message\":\"Validation error of type "
		"WrongType: argument 'input.rating'\"}]}";
	struct script *r = batch_ready(4, 1);
	struct script_request *q;

	(void)st;
	make(r, 9);
	q = &r->req[0];
	assert_int_equal(batch_aliases(q), 4);
	script_answer(r, q, 200, invalid);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 0); /* nobody is blamed for another */
	alone_is_answered(r, "p0");
	q = script_only(r, "createPost");
	assert_string_equal(sd_json_get_str(script_input(q), "id"), "p1");
	script_answer(r, q, 200, invalid);
	assert_int_equal(script_lane(r, SD_LANE_REFUSED), 1);
	alone_is_answered(r, "p2");
	alone_is_answered(r, "p3");
	/* the next batch is smaller */
	assert_int_equal(script_waiting(r), 1);
	assert_int_equal(batch_aliases(&r->req[0]), 2);
	script_free(r);
}

/* a request too large for the server, or for something in front of it */
static void a_batch_too_large_is_halved_until_it_goes(void **st)
{
	struct script *r = batch_ready(25, 1);
	size_t sizes[64];
	size_t n = 0, sent = 0;

	(void)st;
	make(r, 60);
	while (script_waiting(r) && n < 64) {
		struct script_request *q = &r->req[0];
		struct sd_buf b = SD_BUF_INIT;
		size_t k = batch_aliases(q);

		if (k > 6) {
			sizes[n++] = k;
			script_answer(r, q, 413, "too large");
			continue;
		}
		if (k) {
			sizes[n++] = k;
			sd_buf_str(&b, "{\"data\":{");
			for (size_t i = 0; i < k; i++) {
				char v[16], a[400];
				snprintf(v, sizeof v, "i%zu", i);
				batch_item(a, sizeof a,
					atoi(sd_json_get_str(batch_var(q, v), "id") + 1), 1,
					sd_json_get_str(batch_var(q, v), "title"),
					(int)sd_json_get_i64(batch_var(q, v), "rating", 0));
				sd_buf_fmt(&b, "%s\"m%zu\":%s", i ? "," : "", i, a);
			}
			sd_buf_str(&b, "}}");
			script_answer(r, q, 200, sd_buf_text(&b));
			sd_buf_release(&b);
			sent += k;
			continue;
		}
		alone_is_answered(r, sd_json_get_str(script_input(q), "id"));
		sent++;
	}
	assert_int_equal(sent, 60);
	assert_int_equal(sizes[0], 25);
	assert_int_equal(sizes[1], 12);
	assert_int_equal(sizes[2], 6);
	for (size_t i = 3; i < n; i++)
		assert_true(sizes[i] <= 6);
	assert_true(sd_engine_idle(r->en));
	script_free(r);
}

/* the answer of a whole batch was lost: every record is read before anything is sent again */
static void a_lost_batch_is_looked_up_record_by_record(void **st)
{
	struct script *r = batch_ready(3, 2);
	char a[400];

	(void)st;
	make(r, 3);
	assert_int_equal(batch_aliases(&r->req[0]), 3);
	script_lose(r, &r->req[0], true);
	script_wait(r, 1000);
	assert_int_equal(script_waiting(r), 2); /* outbox.concurrency holds for reads, too */
	for (int i = 0; i < 3; i++) {
		struct script_request *q = &r->req[0];
		assert_non_null(strstr(sd_json_get_str(q->body, "query"), "getPost"));
		batch_item(a, sizeof a, i, 1, i == 0 ? "t0" : i == 1 ? "t1" : "t2", i);
		if (i == 1) /* this one did not arrive */
			script_answer(r, q, 200, "{\"data\":{\"getPost\":null}}");
		else
			script_ok(r, q, "getPost", a);
	}
	assert_int_equal(script_waiting(r), 1);
	alone_is_answered(r, "p1");
	assert_true(sd_engine_idle(r->en));
	assert_int_equal(script_events(r, "outboxMutationProcessed"), 3);
	script_free(r);
}

/* R-101, U-19; Retry-After */
static void a_batch_that_must_wait_waits_as_the_server_says(void **st)
{
	struct script *r = batch_ready(25, 8);
	struct sd_http_result h = {.status = 429, .retry_after_ms = 7000, .sent = true, .body = ""};
	struct sd_error e = {.code = SD_OK};
	struct sd_mutation m;

	(void)st;
	make(r, 5);
	h.id = r->req[0].id;
	sd_json_free(r->req[0].body);
	r->req_count = 0;
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_engine_http(r->en, &h, r->now, &e), SD_OK);
	assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
	script_pump(r);
	m = script_first(r);
	assert_int_equal(m.attempts, 1);
	assert_int_equal(m.next_try_ms, r->now + 7000);
	assert_string_equal(m.error_type, "HTTP 429");
	assert_false(m.unknown);
	sd_mutation_release(&m);
	script_wait(r, 6900);
	assert_int_equal(script_waiting(r), 0);
	script_wait(r, 200);
	assert_int_equal(batch_aliases(&r->req[0]), 5);
	script_answer(
		r, &r->req[0], 401, "{\"errors\":[{\"errorType\":\"UnauthorizedException\"}]}");
	m = script_first(r);
	assert_int_equal(m.attempts, 1); /* an ended session costs no attempt */
	sd_mutation_release(&m);
	assert_int_equal(r->refreshes, 1);
	script_free(r);
}

static int count_statement(unsigned type, void *ctx, void *stmt, void *text)
{
	(void)type, (void)stmt, (void)text;
	++*(int *)ctx;
	return 0;
}

/* issue 5, numbers: what a change costs on its way out is a few statements, and not more of them
 * when more changes wait */
static void a_change_is_sent_and_acknowledged_with_few_statements(void **st)
{
	struct script *r = batch_ready(25, 1);
	struct sd_buf b = SD_BUF_INIT;
	int statements[2];

	(void)st;
	make(r, 75);
	for (int turn = 0; turn < 2; turn++) { /* 25 come back, the next 25 go out */
		assert_int_equal(script_waiting(r), 1);
		assert_int_equal(batch_aliases(&r->req[0]), 25);
		sd_buf_reset(&b);
		for (int i = 0; i < 25; i++) {
			char a[400], title[16];
			snprintf(title, sizeof title, "t%d", turn * 25 + i);
			batch_item(a, sizeof a, turn * 25 + i, 1, title, turn * 25 + i);
			sd_buf_fmt(&b, "%s\"m%d\":%s", i ? "," : "{\"data\":{", i, a);
		}
		sd_buf_str(&b, "}}");
		statements[turn] = 0;
		sqlite3_trace_v2(
			r->store->db, SQLITE_TRACE_STMT, count_statement, &statements[turn]);
		script_answer(r, &r->req[0], 200, sd_buf_text(&b));
		sqlite3_trace_v2(r->store->db, 0, NULL, NULL);
	}
	assert_int_equal(script_events(r, "outboxMutationProcessed"), 50);
	assert_in_range(statements[0], 25, 25 * 18);
	assert_in_range(statements[1], 25, statements[0] + 25);
	sd_buf_release(&b);
	script_free(r);
}

/* the process dies with a batch on its way */
static void a_crash_with_a_batch_on_its_way_sends_nothing_twice(void **st)
{
	struct script *r = batch_ready(25, 8);

	(void)st;
	make(r, 4);
	assert_int_equal(batch_aliases(&r->req[0]), 4);
	script_crash(r);
	script_start(r);
	assert_int_equal(script_waiting(r), 4);
	for (size_t i = 0; i < 4; i++)
		assert_non_null(strstr(sd_json_get_str(r->req[i].body, "query"), "getPost"));
	script_free(r);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_alias_of_a_batch_has_a_result_of_its_own),
		cmocka_unit_test(a_batch_refused_as_a_whole_is_sent_one_by_one),
		cmocka_unit_test(a_batch_too_large_is_halved_until_it_goes),
		cmocka_unit_test(a_lost_batch_is_looked_up_record_by_record),
		cmocka_unit_test(a_batch_that_must_wait_waits_as_the_server_says),
		cmocka_unit_test(a_change_is_sent_and_acknowledged_with_few_statements),
		cmocka_unit_test(a_crash_with_a_batch_on_its_way_sends_nothing_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}