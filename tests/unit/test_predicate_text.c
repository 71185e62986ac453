/*
 * tests/unit/test_predicate_text.c - a predicate's errors, its canonical text and its GraphQL
 * filter.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/json/json.h"
#include "tests/support/pred_random.h"
#include "tests/support/pred_world.h"

/* ---- errors ---- */

static void an_error_names_the_column_what_stood_there_and_what_was_expected(void **st)
{
	static const char *const CASES[][2] = {
		{"rating >",
			"predicate, column 9: expected a whole number for rating, found the end"},
		{"rating > x",
			"predicate, column 10: expected a whole number for rating, found \"x\""},
		{"rating > 1 and",
			"predicate, column 15: expected a field, \"not\" or \"(\", found the "
			"end"},
		{"rating > 1 title = b", "predicate, column 12: expected \"and\", \"or\" or the "
					 "end, found \"title\""},
		{"(rating > 1",
			"predicate, column 12: expected \"and\", \"or\" or \")\", found the end"},
		{"rating > 1)",
			"predicate, column 11: expected \"and\", \"or\" or the end, found \")\""},
		{"title = \"\xc3\xa9\" and nope = 1",
			"predicate, column 17: expected a field of Post (id, title, body, rating, "
			"score, "
			"done, status, states, tags, nums, day, at, ...), found \"nope\""},
		{"title = \"open",
			"predicate, column 9: expected a text in double quotes with JSON's "
			"escapes, closed on the same line, found \"\"open\""},
		{"status = ACTIV",
			"predicate, column 10: expected a value of Status (ACTIVE, INACTIVE, "
			"DONE) for status, found \"ACTIV\""},
		{"rating ~ 3",
			"predicate, column 8: expected an operator that rating of type Int knows "
			"(= != < <= > >= between in notIn), found \"~\""},
		{"rating between 4 and 2",
			"predicate, column 22: expected an upper bound that is not "
			"below the lower one, found \"2\""},
		{"rating between 4, 2",
			"predicate, column 17: expected \"and\" and the upper bound, found \",\""},
		{"title > null", "predicate, column 9: expected a text for title, found \"null\""},
		{"title = and", "predicate, column 9: expected a text for title, found \"and\""},
		{"blog.nope = 1", "predicate, column 6: expected a field of Blog (id, name, posts, "
				  "createdAt, updatedAt), found \"nope\""},
		{"title.x = 1",
			"predicate, column 1: expected a relation that can be followed before "
			"\".\", found \"title\""},
		{"comments = 1",
			"predicate, column 1: expected a field of the related Comment, as in "
			"comments.id, found \"comments\""},
		{"blog..name = 1", "predicate, column 6: expected a field's name, found \".name\""},
		{"day last 7",
			"predicate, column 10: expected a duration such as 7d, 12h or 30m for "
			"day, found \"7\""},
		{"title last 7d",
			"predicate, column 7: expected an operator that title of type String "
			"knows (= != < <= > >= between contains notContains beginsWith in "
			"notIn), found \"last\""},
		{"meta = 3",
			"predicate, column 8: expected null (nothing else compares with it) for "
			"meta, found \"3\""},
		{"tags = a",
			"predicate, column 8: expected null (nothing else compares with it) for "
			"tags, found \"a\""},
		{"rating in ()",
			"predicate, column 12: expected a whole number for rating, found \")\""},
		{"rating in 3",
			"predicate, column 11: expected \"(\" and a list of values, found \"3\""},
		{"title = 'a b'",
			"predicate, column 9: expected a text in double quotes, found \"'a\""},
		{"rating @ 3", "predicate, column 8: expected an operator (= != < <= > >= between "
			       "contains notContains beginsWith in notIn last), found \"@\""},
		{"a\xff", "predicate, column 2: expected valid UTF-8, found \"\\xff\""},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct sd_pred *p = (void *)1;
		struct sd_error e = {0};
		assert_int_equal(sd_pred_parse(schema, post, CASES[i][0], &p, &e), SD_INVAL);
		assert_null(p);
		assert_string_equal(e.text, CASES[i][1]);
	}
}

static void what_is_too_deep_or_too_long_is_refused_and_the_rest_runs_in_sqlite(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_pred *p;
	struct sd_error e;
	struct world w;

	(void)st;
	ten_rows(&w);
	/* the deepest tree there may be, each level a long chain, a related record inside */
	for (int level = 0; level < 10; level++) {
		for (int i = 0; i < 80; i++)
			sd_buf_fmt(&b, "rating %s 77 %s ", level % 2 ? "!=" : "=",
				level % 2 ? "and" : "or");
		sd_buf_str(&b, "(");
	}
	sd_buf_str(&b, "comments.post.comments.post.comments.post.blog.name = one");
	for (int level = 0; level < 10; level++)
		sd_buf_ch(&b, ')');
	world_expect(&w, sd_buf_text(&b), "1");
	sd_buf_reset(&b);
	for (int i = 0; i < 11; i++)
		sd_buf_ch(&b, '(');
	assert_int_equal(sd_pred_parse(schema, post, sd_buf_text(&b), &p, &e), SD_INVAL);
	sd_buf_reset(&b);
	sd_buf_str(&b, "rating in (1");
	for (int i = 1; i < 10000; i++)
		sd_buf_str(&b, ", 77");
	sd_buf_ch(&b, ')');
	world_expect(&w, sd_buf_text(&b), "1");
	sd_buf_reset(&b);
	for (int i = 0; i < 1000; i++)
		sd_buf_fmt(&b, "%srating = %d", i ? " or " : "", i + 2);
	world_expect(&w, sd_buf_text(&b), "2 3 4 5 6 7");
	sd_buf_str(&b, " or rating = 1");
	assert_int_equal(sd_pred_parse(schema, post, sd_buf_text(&b), &p, &e), SD_INVAL);
	sd_buf_release(&b);
	world_close(&w);
}

/* ---- text ---- */

static void the_canonical_text_reads_back_as_itself(void **st)
{
	static const char *const CASES[][2] = {
		{"", "all"},
		{"rating gt 4 AND (status eq ACTIVE or not title ^ [Amplify]) and tags ~ a",
			"rating > 4 and (status = ACTIVE or not title beginsWith \"[Amplify]\") "
			"and "
			"tags contains \"a\""},
		{"rating=1 or rating=2 and rating=3", "rating = 1 or rating = 2 and rating = 3"},
		{"not (rating = 1 and (rating = 2 and rating = 3))",
			"not (rating = 1 and (rating = 2 and rating = 3))"},
		{"at last 48h or at last 90m or at last 1500ms",
			"at last 2d or at last 90m or at last 1500ms"},
		{"rating between 2 and 4", "rating between 2 and 4"},
		{"status in (ACTIVE,\"DONE\")", "status in (ACTIVE, DONE)"},
		{"title = null and body != \"null\"", "title = null and body != \"null\""},
		{"title = http://x/?a=b&c=d", "title = \"http://x/?a=b&c=d\""},
		{"comments.post.title !~ \"a\\nb\"", "comments.post.title notContains \"a\\nb\""},
		{"blog=b1", "blogId = \"b1\""},
		{"_state = local and _version >= 9007199254740993",
			"_state = local and _version >= 9007199254740993"},
		{"score <> 0.10", "score != 0.1"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		struct sd_buf b = SD_BUF_INIT, again = SD_BUF_INIT;
		struct sd_pred *p = pred_of(CASES[i][0]), *q;
		assert_true(sd_pred_text(p, &b));
		assert_string_equal(sd_buf_text(&b), CASES[i][1]);
		q = pred_of(sd_buf_text(&b));
		assert_true(sd_pred_text(q, &again));
		assert_string_equal(sd_buf_text(&again), sd_buf_text(&b));
		sd_pred_free(p);
		sd_pred_free(q);
		sd_buf_release(&b);
		sd_buf_release(&again);
	}
}

/* ---- the GraphQL filter ---- */

struct asked {
	enum sd_filter_use use;
	const char *text;
	const char *filter; /* NULL: refused */
};

#define S SD_FILTER_SYNC
#define C SD_FILTER_CONDITION
#define L SD_FILTER_SUBSCRIPTION

static void filters_are_those_the_reference_client_sends(void **st)
{
	static const struct asked ASKED[] = {
		{S, "title = a", "{\"and\":[{\"title\":{\"eq\":\"a\"}}]}"},
		{S, "title = a or rating > 1",
			"{\"or\":[{\"title\":{\"eq\":\"a\"}},{\"rating\":{\"gt\":1}}]}"},
		{L, "title ^ a or rating between 1 and 5 and status != DONE",
			"{\"or\":[{\"title\":{\"beginsWith\":\"a\"}},{\"and\":[{\"rating\":{"
			"\"between\":[1,"
			"5]}},{\"status\":{\"ne\":\"DONE\"}}]}]}"},
		{C, "title = a1 and not rating > 10 and id != zzz",
			"{\"and\":[{\"title\":{\"eq\":\"a1\"}},{\"not\":{\"rating\":{\"gt\":10}}}]"
			"}"},
		{C, "id = x", ""},
		{C, "id = x and rating = 1", "{\"and\":[{\"rating\":{\"eq\":1}}]}"},
		{S, "id = x", "{\"and\":[{\"id\":{\"eq\":\"x\"}}]}"},
		{S, "all", ""},
		{S, "not rating = 1", "{\"and\":[{\"not\":{\"rating\":{\"eq\":1}}}]}"},
		{S, "not (rating = 1 and done = true)",
			"{\"and\":[{\"not\":{\"and\":[{\"rating\":{\"eq\":1}},{\"done\":{\"eq\":"
			"true}}]}}]}"},
		{S, "rating in (1, 2)",
			"{\"or\":[{\"rating\":{\"eq\":1}},{\"rating\":{\"eq\":2}}]}"},
		{S, "rating in (1)", "{\"and\":[{\"rating\":{\"eq\":1}}]}"},
		{S, "rating notIn (1, 2)",
			"{\"and\":[{\"rating\":{\"ne\":1}},{\"rating\":{\"ne\":2}}]}"},
		{S, "title = null",
			"{\"or\":[{\"title\":{\"attributeExists\":false}},{\"title\":{"
			"\"attributeType\":\"_null\"}}]}"},
		{C, "rating != null",
			"{\"and\":[{\"not\":{\"or\":[{\"rating\":{\"attributeExists\":false}},{"
			"\"rating\":"
			"{\"attributeType\":\"_null\"}}]}}]}"},
		{S, "at last 1h", "{\"and\":[{\"at\":{\"ge\":\"2026-11-22T17:10:06.628Z\"}}]}"},
		{S, "ts last 1h", "{\"and\":[{\"ts\":{\"ge\":1795367407}}]}"},
		{S, "tags contains a", "{\"and\":[{\"tags\":{\"contains\":\"a\"}}]}"},
		{S, "status in (ACTIVE, DONE)",
			"{\"or\":[{\"status\":{\"eq\":\"ACTIVE\"}},{\"status\":{\"eq\":\"DONE\"}}]"
			"}"},
		{L, "title = null", NULL},
		{L, "rating in (1, 2)", "{\"and\":[{\"rating\":{\"in\":[1,2]}}]}"},
		{L, "done in (true, false)",
			"{\"or\":[{\"done\":{\"eq\":true}},{\"done\":{\"eq\":false}}]}"},
		{L, "writer in (a, b)",
			"{\"or\":[{\"writer\":{\"eq\":\"a\"}},{\"writer\":{\"eq\":\"b\"}}]}"},
		/* null passes `not rating > 3`, and there is no test for null (found by the
		 * simulation): such a change must be decided here */
		{L, "not (title = a and rating > 3)", NULL},
		{L, "not (title ~ a or not rating in (1))",
			"{\"and\":[{\"title\":{\"notContains\":\"a\"}},{\"rating\":{\"in\":[1]}}]"
			"}"},
		{L, "not rating between 2 and 4", NULL},
		{L, "not title ^ a", NULL},
		{L, "not not title ^ a", "{\"and\":[{\"title\":{\"beginsWith\":\"a\"}}]}"},
		{L, "not at last 1h", NULL},
		{L, "teams ~ x", NULL},
		{S, "teams ~ x", "{\"and\":[{\"teams\":{\"contains\":\"x\"}}]}"},
		{S, "blog.name = one", NULL},
		{C, "_version > 1", NULL},
		{S, "_deleted = true", NULL},
		{S, "_state = pending and rating = 1", NULL},
		{S, "nums contains 1", NULL},
		{S, "status = null", NULL},
		{S, "status ~ A", NULL},
		{L, "status ~ A", "{\"and\":[{\"status\":{\"contains\":\"A\"}}]}"},
		{S, "states ~ ACTIVE", "{\"and\":[{\"states\":{\"contains\":\"ACTIVE\"}}]}"},
		{S, "payload ~ x", NULL},
		{S, "meta = null", NULL},
		{S, "not all", NULL},
	};

	(void)st;
	for (size_t i = 0; i < sizeof ASKED / sizeof *ASKED; i++) {
		const struct asked *a = &ASKED[i];
		struct sd_pred *p = pred_of(a->text);
		struct sd_error e = {0};
		struct cJSON *f = NULL;
		enum sd_err rc = sd_pred_filter(post, p, a->use, NOW_MS, &f, &e);
		char *text = f ? sd_json_text(f) : strdup("");
		if (rc != (a->filter ? SD_OK : SD_INVAL) ||
			strcmp(text, a->filter ? a->filter : "") != 0)
			fail_msg("%s\n  got    %s %s\n  wanted %s", a->text, text, e.text,
				a->filter ? a->filter : "a refusal");
		if (!a->filter)
			assert_non_null(strstr(e.text,
				a->use == C ? "leave it out of the condition" : "filter locally"));
		free(text);
		sd_json_free(f);
		sd_pred_free(p);
	}
}

/* ---- the filter as the service reads it (server.md 1.6) against the predicate in memory ---- */

static int order_of(const struct cJSON *a, const struct cJSON *b)
{
	const char *s = sd_json_str(a), *t = sd_json_str(b);
	int64_t i = 0, k = 0;
	double x = 0, y = 0;

	if (s && t)
		return strcmp(s, t);
	if (sd_json_is_bool(a))
		return sd_json_is_true(a) - sd_json_is_true(b);
	if (sd_json_i64(a, &i) && sd_json_i64(b, &k))
		return (i > k) - (i < k);
	assert_true(sd_json_f64(a, &x) && sd_json_f64(b, &y));
	return (x > y) - (x < y);
}

static bool holds(const struct cJSON *list, const struct cJSON *v)
{
	for (const struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
		if (!sd_json_is_null(c) && order_of(c, v) == 0)
			return true;
	return false;
}

static bool service_op(const char *op, const struct cJSON *v, const struct cJSON *x)
{
	const struct cJSON *low = sd_json_child(x);
	bool null = sd_json_is_null(v), list = sd_json_is_array(v);

	if (strcmp(op, "attributeExists") == 0)
		return sd_json_is_true(x) != null;
	if (strcmp(op, "attributeType") == 0)
		return false; /* these rows lack the attribute where they are null */
	if (null)
		return strcmp(op, "ne") == 0 || strcmp(op, "notContains") == 0 ||
		       strcmp(op, "notIn") == 0;
	if (strcmp(op, "contains") == 0)
		return list ? holds(v, x) : strstr(sd_json_str(v), sd_json_str(x)) != NULL;
	if (strcmp(op, "notContains") == 0)
		return !service_op("contains", v, x);
	if (strcmp(op, "beginsWith") == 0)
		return strncmp(sd_json_str(v), sd_json_str(x), strlen(sd_json_str(x))) == 0;
	if (strcmp(op, "between") == 0)
		return order_of(v, low) >= 0 && order_of(v, sd_json_next(low)) <= 0;
	if (strcmp(op, "in") == 0 || strcmp(op, "notIn") == 0)
		return holds(x, v) == (op[0] == 'i');
	if (strcmp(op, "eq") == 0 || strcmp(op, "ne") == 0)
		return (order_of(v, x) == 0) == (op[0] == 'e');
	assert_true(strlen(op) == 2 && strchr("lg", op[0]) && strchr("te", op[1]));
	return order_of(v, x) == 0 ? op[1] == 'e' : (order_of(v, x) < 0) == (op[0] == 'l');
}

static bool service_answer(const struct cJSON *filter, const struct cJSON *rec)
{
	for (const struct cJSON *c = sd_json_child(filter); c; c = sd_json_next(c)) {
		const char *name = sd_json_name(c);
		bool any = false, all = true;
		const struct cJSON *x = sd_json_child(c);
		if (strcmp(name, "not") == 0) {
			if (service_answer(c, rec))
				return false;
			continue;
		}
		for (; x; x = sd_json_next(x)) {
			bool hit = sd_json_is_array(c)
					   ? service_answer(x, rec)
					   : service_op(sd_json_name(x), sd_json_get(rec, name), x);
			any = any || hit;
			all = all && hit;
		}
		if (!(strcmp(name, "or") == 0 ? any : all))
			return false;
	}
	return true;
}

static bool any_null(const struct cJSON *rec)
{
	for (const struct cJSON *c = sd_json_child(rec); c; c = sd_json_next(c))
		if (sd_json_is_null(c) && sd_json_name(c)[0] != '_')
			return true;
	return false;
}

/* A subscription filter has no `not`: where a value is null its denied comparisons differ, so rows
 * with nulls are left out there. */
static unsigned agree(const struct world *w, const struct sd_pred *p, enum sd_filter_use use)
{
	struct cJSON *f = NULL;
	const struct cJSON *r;
	unsigned checked = 0;

	if (sd_pred_filter(post, p, use, NOW_MS, &f, NULL) != SD_OK || !f)
		return 0;
	for (r = sd_json_child(w->rows[1]); r; r = sd_json_next(r)) {
		if (use == SD_FILTER_SUBSCRIPTION && any_null(r))
			continue;
		checked++;
		if (service_answer(f, r) != sd_pred_eval(p, r, NOW_MS, NULL, NULL)) {
			struct sd_buf b = SD_BUF_INIT;
			char *filter = sd_json_text(f), *rec = sd_json_text(r);
			sd_pred_text(p, &b);
			fail_msg("%s\n  %s\n  %s", sd_buf_text(&b), filter, rec);
			free(filter);
			free(rec);
		}
	}
	sd_json_free(f);
	return checked;
}

static void the_service_reads_a_filter_as_the_predicate_was_meant(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	unsigned sync = 0, subscription = 0;
	struct world w;

	(void)st;
	world_seed = 0xf117e5;
	world_open(&w);
	for (int i = 0; i < 600; i++)
		world_random_row(&w, 1, i);
	for (int i = 0; i < 4000; i++) {
		struct sd_pred *p;
		sd_buf_reset(&text);
		world_random_text(world_below(3), &text);
		if (sd_pred_parse(schema, post, sd_buf_text(&text), &p, NULL) != SD_OK)
			continue;
		sync += agree(&w, p, SD_FILTER_SYNC);
		subscription += agree(&w, p, SD_FILTER_SUBSCRIPTION);
		sd_pred_free(p);
	}
	print_message("%u sync and %u subscription answers compared\n", sync, subscription);
	assert_true(sync > 100000 && subscription > 1000);
	world_close(&w);
	sd_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_error_names_the_column_what_stood_there_and_what_was_expected),
		cmocka_unit_test(
			what_is_too_deep_or_too_long_is_refused_and_the_rest_runs_in_sqlite),
		cmocka_unit_test(the_canonical_text_reads_back_as_itself),
		cmocka_unit_test(the_service_reads_a_filter_as_the_predicate_was_meant),
		cmocka_unit_test(filters_are_those_the_reference_client_sends),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
