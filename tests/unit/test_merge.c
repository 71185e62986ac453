/* tests/unit/test_merge.c - base, mine and theirs, field by field. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/json/json.h"
#include "core/sync/merge.h"

/* a Post with a custom key, made by hand: comparing needs no schema text */
static char id[] = "id", title[] = "title", rating[] = "rating", tags[] = "tags", at[] = "at",
	    made[] = "createdAt", post_name[] = "Post";
static struct sd_field fields[] = {
	{.name = id, .stored = true, .required = true},
	{.name = title, .stored = true},
	{.name = rating, .stored = true},
	{.name = tags, .stored = true, .list = true},
	{.name = at, .stored = true, .scalar = SD_T_AWSDATETIME},
	{.name = made, .stored = true, .read_only = true},
};
static size_t pk[] = {0};
static const struct sd_model post = {
	.name = post_name, .fields = fields, .field_count = 6, .pk = pk, .pk_count = 1};

static struct cJSON *j(const char *text)
{
	struct cJSON *out = NULL;

	if (text)
		assert_int_equal(sd_json_parse(text, strlen(text), "t", &out, NULL), SD_OK);
	return out;
}

struct three {
	struct cJSON *base, *mine, *theirs;
	struct sd_merge g;
};

static void compare(struct three *t, const char *base, const char *mine, const char *theirs)
{
	t->base = j(base);
	t->mine = j(mine);
	t->theirs = j(theirs);
	assert_int_equal(sd_merge_compare(&post, t->base, t->mine, t->theirs, &t->g, NULL), SD_OK);
}

static void drop(struct three *t)
{
	sd_merge_release(&t->g);
	sd_json_free(t->base);
	sd_json_free(t->mine);
	sd_json_free(t->theirs);
}

static struct sd_merge_field *of(struct three *t, const char *name)
{
	for (size_t i = 0; i < t->g.count; i++)
		if (strcmp(t->g.fields[i].field->name, name) == 0)
			return &t->g.fields[i];
	return NULL;
}

static void result_is(struct three *t, const char *sets, const char *want)
{
	struct cJSON *s = j(sets), *out = NULL, *w = j(want);
	struct sd_error e = {.code = SD_OK};

	if (sd_merge_result(&t->g, s, &out, &e) != SD_OK)
		fail_msg("%s", e.text);
	if (!sd_json_equal(out, w, false))
		fail_msg("got %s", sd_json_text(out));
	sd_json_free(s);
	sd_json_free(out);
	sd_json_free(w);
}

/* R-073, CL-A5, CL-A9: edits of different fields merge without asking */
static void fields_changed_on_one_side_merge_by_themselves(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"id\":\"1\",\"title\":\"a\",\"rating\":1}",
		"{\"id\":\"1\",\"title\":\"b\",\"rating\":1}",
		"{\"id\":\"1\",\"title\":\"a\",\"rating\":2,\"createdAt\":\"x\"}");
	assert_int_equal(t.g.clashes, 0);
	assert_null(of(&t, "id"));
	assert_null(of(&t, "createdAt"));
	assert_int_equal(of(&t, "title")->pick, SD_PICK_MINE);
	assert_int_equal(of(&t, "rating")->pick, SD_PICK_THEIRS);
	result_is(&t, NULL, "{\"title\":\"b\"}");
	drop(&t);
}

/* CL-A1, CL-A2: the same scalar on both sides is a clash; U-07: it must be decided */
static void a_field_changed_on_both_sides_stays_open_until_picked(void **st)
{
	struct three t;
	struct cJSON *out;
	struct sd_error e;

	(void)st;
	compare(&t, "{\"title\":\"a\"}", "{\"title\":\"b\",\"rating\":5}", "{\"title\":\"c\"}");
	assert_int_equal(t.g.clashes, 1);
	assert_true(of(&t, "title")->clash);
	assert_int_equal(of(&t, "title")->pick, SD_PICK_NONE);
	assert_int_equal(sd_merge_result(&t.g, NULL, &out, &e), SD_INVAL);
	assert_string_equal(e.text, "1 field still open: title");
	result_is(&t, "{\"title\":\"z\"}", "{\"title\":\"z\",\"rating\":5}");
	of(&t, "title")->pick = SD_PICK_THEIRS;
	result_is(&t, NULL, "{\"rating\":5}");
	of(&t, "title")->pick = SD_PICK_BASE;
	result_is(&t, NULL, "{\"title\":\"a\",\"rating\":5}");
	of(&t, "title")->pick = SD_PICK_MINE;
	of(&t, "rating")->pick = SD_PICK_THEIRS;
	result_is(&t, NULL, "{\"title\":\"b\"}");
	drop(&t);
}

static void the_same_change_on_both_sides_is_no_clash(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"title\":\"a\",\"rating\":null}", "{\"title\":\"b\",\"rating\":5.0}",
		"{\"title\":\"b\",\"rating\":5}");
	assert_int_equal(t.g.clashes, 0);
	result_is(&t, NULL, "{}");
	drop(&t);
}

/* CL 11 #20: null and absent are one; an explicit null of mine goes out as null */
static void null_equals_absent_and_clearing_is_a_change(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"title\":null,\"rating\":3}", "{\"rating\":null}",
		"{\"title\":null,\"rating\":3}");
	assert_false(of(&t, "title")->changed_here);
	assert_true(of(&t, "rating")->changed_here);
	result_is(&t, NULL, "{\"rating\":null}");
	drop(&t);
}

static void instants_compare_as_text(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"at\":\"2026-01-01T00:00:00Z\"}", "{\"at\":\"2026-01-01T00:00:00.000Z\"}",
		"{\"at\":\"2026-01-01T00:00:00Z\"}");
	assert_true(of(&t, "at")->changed_here);
	drop(&t);
}

/* decision on: theirs plus my additions minus my removals, nothing doubled */
static void a_list_clash_suggests_theirs_plus_mine(void **st)
{
	static const struct {
		const char *base, *mine, *theirs, *want;
	} rows[] = {
		{"[\"a\"]", "[\"a\",\"b\"]", "[\"a\",\"c\"]", "[\"a\",\"c\",\"b\"]"},
		{"[\"a\",\"b\"]", "[\"b\"]", "[\"a\",\"b\",\"c\"]", "[\"b\",\"c\"]"},
		{"[0,1,2]", "[0,1,3]", "[0,1,2,4]", "[0,1,4,3]"},
		{"[]", "[\"x\",\"y\"]", "[\"x\"]", "[\"x\",\"y\"]"},
		{"null", "[\"x\"]", "[\"z\"]", "[\"z\",\"x\"]"},
		{"[\"a\",\"a\"]", "[\"a\"]", "[\"a\",\"a\",\"b\"]", "[\"a\",\"b\"]"},
		{"[\"a\",\"b\"]", "[]", "[\"b\"]", "[]"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char b[64], m[64], t[64];
		struct three x;
		struct cJSON *want = j(rows[i].want);
		snprintf(b, sizeof b, "{\"tags\":%s}", rows[i].base);
		snprintf(m, sizeof m, "{\"tags\":%s}", rows[i].mine);
		snprintf(t, sizeof t, "{\"tags\":%s}", rows[i].theirs);
		compare(&x, b, m, t);
		assert_true(of(&x, "tags")->clash);
		if (!sd_json_equal(of(&x, "tags")->suggestion, want, false))
			fail_msg("row %zu: %s", i, sd_json_text(of(&x, "tags")->suggestion));
		sd_json_free(want);
		drop(&x);
	}
}

static void the_json_of_a_conflict_is_the_contracts(void **st)
{
	struct three t;
	struct cJSON *out, *want;

	(void)st;
	compare(&t, "{\"title\":\"a\",\"tags\":[\"p\"]}", "{\"title\":\"b\",\"tags\":[\"q\"]}",
		"{\"title\":\"a\",\"tags\":[\"p\",\"r\"]}");
	assert_int_equal(sd_merge_json(&t.g, &out, NULL), SD_OK);
	want = j("[{\"name\":\"title\",\"base\":\"a\",\"mine\":\"b\",\"theirs\":\"a\",\"clash\":"
		 "false,\"pick\":\"mine\"},{\"name\":\"rating\",\"base\":null,\"mine\":null,"
		 "\"theirs\":null,\"clash\":false,\"pick\":\"theirs\"},{\"name\":\"tags\",\"base\":"
		 "[\"p\"],\"mine\":[\"q\"],\"theirs\":[\"p\",\"r\"],\"clash\":true,\"pick\":null,"
		 "\"suggestion\":[\"r\",\"q\"]},{\"name\":\"at\",\"base\":null,\"mine\":null,"
		 "\"theirs\":null,\"clash\":false,\"pick\":\"theirs\"}]");
	if (!sd_json_equal(out, want, false))
		fail_msg("%s", sd_json_text(out));
	sd_json_free(out);
	sd_json_free(want);
	drop(&t);
}

/* a list that our own stale write doubled is written again, whatever is picked */
static void a_merged_list_is_always_written_again(void **st)
{
	static const enum sd_pick picks[] = {SD_PICK_MINE, SD_PICK_THEIRS};
	static const char *const want[] = {"{\"tags\":[\"a\",\"b\"]}", "{\"tags\":[\"a\"]}"};

	(void)st;
	for (size_t i = 0; i < 2; i++) {
		struct three t;
		compare(&t, "{\"tags\":[\"x\"]}", "{\"tags\":[\"a\",\"b\"]}",
			"{\"tags\":[\"a\"],\"_merged\":{\"tags\":[\"a\",\"b\"]}}");
		of(&t, "tags")->pick = picks[i];
		result_is(&t, NULL, want[i]);
		drop(&t);
	}
}

/* Automerge appended our stale ["b"] twice; base says so; then the next edit is compared */
static void what_our_own_stale_write_doubled_is_no_edit_of_theirs(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"tags\":[\"a\"],\"_merged\":{\"tags\":[\"a\",\"b\"]}}", "{\"tags\":[\"c\"]}",
		"{\"tags\":[\"a\",\"b\"],\"title\":\"theirs\"}");
	assert_int_equal(t.g.clashes, 0);
	result_is(&t, NULL, "{\"tags\":[\"c\"]}");
	drop(&t);
	/* taken back meanwhile: what was doubled is still put right */
	compare(&t, "{\"tags\":[\"a\"],\"_merged\":{\"tags\":[\"a\",\"b\"]}}", "{\"tags\":[\"a\"]}",
		"{\"tags\":[\"a\",\"b\"]}");
	assert_int_equal(t.g.clashes, 0);
	result_is(&t, NULL, "{\"tags\":[\"a\"]}");
	drop(&t);
	/* somebody else's addition on top of it is an edit */
	compare(&t, "{\"tags\":[\"a\"],\"_merged\":{\"tags\":[\"a\",\"b\"]}}", "{\"tags\":[\"c\"]}",
		"{\"tags\":[\"a\",\"b\",\"x\"]}");
	assert_int_equal(t.g.clashes, 1);
	drop(&t);
}

/* a record that is gone on one side is decided as a whole */
static void a_missing_side_leaves_no_field_to_pick(void **st)
{
	struct three t;

	(void)st;
	compare(&t, "{\"title\":\"a\"}", NULL, "{\"title\":\"b\"}");
	assert_int_equal(t.g.clashes, 0);
	assert_int_equal(of(&t, "title")->pick, SD_PICK_NONE);
	assert_true(of(&t, "title")->changed_there);
	assert_false(of(&t, "title")->changed_here);
	drop(&t);
}

static void picks_have_names(void **st)
{
	(void)st;
	assert_int_equal(sd_pick_parse("mine"), SD_PICK_MINE);
	assert_int_equal(sd_pick_parse("base"), SD_PICK_BASE);
	assert_int_equal(sd_pick_parse("null"), -1);
	assert_int_equal(sd_pick_parse(NULL), -1);
	assert_string_equal(sd_pick_name(SD_PICK_THEIRS), "theirs");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fields_changed_on_one_side_merge_by_themselves),
		cmocka_unit_test(a_field_changed_on_both_sides_stays_open_until_picked),
		cmocka_unit_test(the_same_change_on_both_sides_is_no_clash),
		cmocka_unit_test(null_equals_absent_and_clearing_is_a_change),
		cmocka_unit_test(instants_compare_as_text),
		cmocka_unit_test(a_list_clash_suggests_theirs_plus_mine),
		cmocka_unit_test(the_json_of_a_conflict_is_the_contracts),
		cmocka_unit_test(what_our_own_stale_write_doubled_is_no_edit_of_theirs),
		cmocka_unit_test(a_merged_list_is_always_written_again),
		cmocka_unit_test(a_missing_side_leaves_no_field_to_pick),
		cmocka_unit_test(picks_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
