/*
 * tests/unit/test_sbx_job.c - conflict handlers that take their time: what waits for them, what
 * goes on, and in which order (spec/server.md 2.6, 2.7).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "core/sandbox/core/sandbox.h"

#define T0 INT64_C(1795000000000)

static const char sdl[] = "type Post @model { id: ID! title: String! rating: Int }\n";

struct asked {
	uint64_t run;
	char *payload;
};

struct world {
	struct sd_schema *schema;
	struct sd_rand rand;
	struct sd_sbx *s;
	struct asked asked[32];
	size_t asked_count;
	char *answers[32]; /* in the order they came */
	size_t answer_count;
	bool cannot_start;
	int forgotten; /* told that the sandbox closes */
};

static bool ask(void *ctx, uint64_t run, const char *command, const char *payload)
{
	struct world *w = ctx;

	assert_string_equal(command, "./slow");
	assert_true(w->asked_count < 32);
	if (w->cannot_start)
		return false;
	w->asked[w->asked_count++] = (struct asked){run, strdup(payload)};
	return true;
}

static void done(void *ctx, const struct sd_sbx_answer *a)
{
	struct world *w = ctx;

	w->forgotten += !a;
	if (!a)
		return;
	assert_true(w->answer_count < 32);
	assert_int_equal(a->status, 200);
	w->answers[w->answer_count++] = strdup(sd_buf_text(&a->body));
}

static int up(void **st)
{
	struct world *w = calloc(1, sizeof *w);
	struct sd_sbx_opts o = {.strategy = SD_STRATEGY_LAMBDA,
		.lambda = "./slow",
		.ask_lambda = ask,
		.lambda_ctx = w,
		.delta_ttl_ms = 60000,
		.base_ttl_ms = 60000,
		.api_key_mode = true};

	assert_non_null(w);
	sd_rand_seeded(&w->rand, 3);
	assert_int_equal(sd_schema_read(sdl, sizeof sdl - 1, "test", &w->schema, NULL), SD_OK);
	o.schema = w->schema;
	o.rand = &w->rand;
	assert_int_equal(sd_sbx_open(&o, &w->s, NULL), SD_OK);
	*st = w;
	return 0;
}

static int down(void **st)
{
	struct world *w = *st;

	sd_sbx_close(w->s);
	sd_schema_free(w->schema);
	for (size_t i = 0; i < w->asked_count; i++)
		free(w->asked[i].payload);
	for (size_t i = 0; i < w->answer_count; i++)
		free(w->answers[i]);
	free(w);
	return 0;
}

static void submit(struct world *w, const char *document)
{
	static const struct sd_sbx_identity who = {.mode = SD_AUTH_API_KEY};
	struct cJSON *o = sd_json_object();
	char *text;

	sd_json_add_str(o, "query", document);
	text = sd_json_text(o);
	sd_sbx_submit(w->s, text, strlen(text), &who, T0, done, w);
	free(text);
	sd_json_free(o);
}

/* A record of version 2, so that version 1 is stale. */
static void two_versions(struct world *w, const char *id)
{
	char text[300];

	snprintf(text, sizeof text,
		"mutation { createPost(input: {id: \"%s\", title: \"first\"}) { id } }", id);
	submit(w, text);
	snprintf(text, sizeof text,
		"mutation { updatePost(input: {id: \"%s\", title: \"second\", _version: 1}) { id } "
		"}",
		id);
	submit(w, text);
	assert_int_equal(w->asked_count, 0);
}

static void stale(struct world *w, const char *id, const char *title)
{
	char text[300];

	snprintf(text, sizeof text,
		"mutation { updatePost(input: {id: \"%s\", title: \"%s\", _version: 1}) { title "
		"_version } }",
		id, title);
	submit(w, text);
}

static void resolve(struct world *w, size_t asked, const char *title)
{
	char text[200];

	snprintf(text, sizeof text, "{\"action\":\"RESOLVE\",\"item\":{\"title\":\"%s\"}}", title);
	sd_sbx_decide(w->s, w->asked[asked].run, text, T0 + 5000);
}

static const char *last(const struct world *w)
{
	assert_true(w->answer_count > 0);
	return w->answers[w->answer_count - 1];
}

static void a_request_waits_for_its_handler_and_others_do_not(void **st)
{
	struct world *w = *st;
	size_t before;

	two_versions(w, "a");
	before = w->answer_count;
	stale(w, "a", "mine");
	assert_int_equal(w->answer_count, before);
	assert_int_equal(w->asked_count, 1);
	assert_non_null(strstr(w->asked[0].payload, "\"existingItem\""));
	submit(w, "mutation { createPost(input: {id: \"b\", title: \"other\"}) { title } }");
	assert_string_equal(last(w), "{\"data\":{\"createPost\":{\"title\":\"other\"}}}");
	submit(w, "{ getPost(id: \"a\") { title _version } }");
	assert_string_equal(
		last(w), "{\"data\":{\"getPost\":{\"title\":\"second\",\"_version\":2}}}");
	resolve(w, 0, "both");
	assert_string_equal(
		last(w), "{\"data\":{\"updatePost\":{\"title\":\"both\",\"_version\":3}}}");
	sd_sbx_decide(w->s, w->asked[0].run, "{\"action\":\"REJECT\"}", T0); /* too late: nothing */
	assert_int_equal(w->answer_count, before + 3);
}

static void changes_of_one_record_keep_their_order(void **st)
{
	struct world *w = *st;
	size_t before;

	two_versions(w, "a");
	before = w->answer_count;
	stale(w, "a", "one");
	stale(w, "a", "two");
	submit(w,
		"mutation { updatePost(input: {id: \"a\", title: \"three\", _version: 2}) { title "
		"_version } }");
	assert_int_equal(w->answer_count, before);
	assert_int_equal(w->asked_count, 1);
	resolve(w, 0, "one");
	assert_int_equal(w->answer_count, before + 1);
	assert_int_equal(w->asked_count, 2); /* the second is asked about version 3 */
	assert_non_null(strstr(w->asked[1].payload, "\"one\""));
	sd_sbx_decide(w->s, w->asked[1].run, "{\"action\":\"REJECT\"}", T0);
	assert_non_null(strstr(last(w), "ConflictUnhandled"));
	assert_int_equal(w->asked_count, 3); /* what was current when it was sent no longer is */
	resolve(w, 2, "three");
	assert_string_equal(
		last(w), "{\"data\":{\"updatePost\":{\"title\":\"three\",\"_version\":4}}}");
	assert_int_equal(w->answer_count, before + 3);
}

static void a_document_goes_on_where_it_stopped(void **st)
{
	struct world *w = *st;

	two_versions(w, "a");
	two_versions(w, "b");
	submit(w, "mutation { x: createPost(input: {id: \"c\", title: \"c\"}) { title } "
		  "a: updatePost(input: {id: \"a\", title: \"1\", _version: 1}) { title _version } "
		  "y: createPost(input: {id: \"c\", title: \"again\"}) { title } "
		  "b: updatePost(input: {id: \"b\", title: \"2\", _version: 1}) { title _version } "
		  "b2: updatePost(input: {id: \"b\", title: \"3\", _version: 1}) { title _version "
		  "} }");
	assert_int_equal(w->asked_count, 1);
	resolve(w, 0, "A");
	assert_int_equal(w->asked_count, 2);
	sd_sbx_decide(w->s, w->asked[1].run, "{\"action\":\"REJECT\"}", T0);
	assert_int_equal(w->asked_count, 3); /* a decision is for one change only */
	resolve(w, 2, "B");
	assert_non_null(strstr(last(w), "{\"data\":{\"x\":{\"title\":\"c\"},\"a\":{\"title\":\"A\","
					"\"_version\":3},\"y\":null,\"b\":null,\"b2\":{\"title\":"
					"\"B\",\"_version\":3}},\"errors\":["));
	assert_non_null(strstr(last(w), "ConditionalCheckFailedException"));
	assert_non_null(strstr(last(w), "ConflictUnhandled"));
}

/* SRV-M37 */
static void a_failed_handler_is_a_conflict_error(void **st)
{
	struct world *w = *st;
	static const char *const BAD[] = {NULL, "nonsense", "{\"action\":\"REMOVE\"}", "{}"};

	two_versions(w, "a");
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		stale(w, "a", "mine");
		sd_sbx_decide(w->s, w->asked[w->asked_count - 1].run, BAD[i], T0);
		assert_non_null(strstr(last(w), "\"errorType\":\"ConflictError\""));
		assert_non_null(strstr(last(w), "{\"data\":{\"updatePost\":null}"));
	}
	w->cannot_start = true;
	stale(w, "a", "mine");
	assert_non_null(strstr(last(w), "\"errorType\":\"ConflictError\""));
}

static void a_record_that_changed_meanwhile_is_asked_about_again(void **st)
{
	struct world *w = *st;
	struct cJSON *in = NULL, *row = NULL;

	two_versions(w, "a");
	stale(w, "a", "mine");
	assert_int_equal(sd_json_parse("{\"id\":\"a\",\"rating\":5}", 21, "x", &in, NULL), SD_OK);
	for (size_t i = 0; i < 10; i++) {
		assert_int_equal(w->asked_count, i + 1);
		assert_int_equal(sd_sbx_mutate(w->s, "update", "Post", in, T0, &row, NULL), SD_OK);
		sd_json_free(row);
		resolve(w, i, "late");
	}
	assert_non_null(strstr(last(w), "\"errorType\":\"MaxConflicts\""));
	stale(w, "a", "mine");
	resolve(w, w->asked_count - 1, "in time");
	assert_non_null(strstr(last(w), "\"in time\""));
	sd_json_free(in);
}

static void closing_forgets_what_waits(void **st)
{
	struct world *w = *st;

	two_versions(w, "a");
	stale(w, "a", "one");
	stale(w, "a", "two");
	assert_int_equal(w->asked_count, 1);
	sd_sbx_close(w->s);
	w->s = NULL;
	assert_int_equal(w->forgotten, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_request_waits_for_its_handler_and_others_do_not, up, down),
		cmocka_unit_test_setup_teardown(changes_of_one_record_keep_their_order, up, down),
		cmocka_unit_test_setup_teardown(a_document_goes_on_where_it_stopped, up, down),
		cmocka_unit_test_setup_teardown(a_failed_handler_is_a_conflict_error, up, down),
		cmocka_unit_test_setup_teardown(
			a_record_that_changed_meanwhile_is_asked_about_again, up, down),
		cmocka_unit_test_setup_teardown(closing_forgets_what_waits, up, down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
