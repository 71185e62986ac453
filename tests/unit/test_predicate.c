/*
 * tests/unit/test_predicate.c - a predicate asked of an SQLite table and of the same records in
 * memory: every operator on fixed rows, and random predicates on random rows.
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

struct row {
	const char *text, *ids;
};

static void expect_all(const struct row *rows, size_t n)
{
	struct world w;

	ten_rows(&w);
	for (size_t i = 0; i < n; i++)
		world_expect(&w, rows[i].text, rows[i].ids);
	world_close(&w);
}
#define EXPECT_ALL(rows) expect_all(rows, sizeof(rows) / sizeof *(rows))

/* every operator on texts; wildcards of LIKE are plain characters */
static void text_operators_find_the_right_rows(void **st)
{
	static const struct row ROWS[] = {
		{"title = b", "6"},
		{"title eq \"B\"", "5"},
		{"title != b", "1 2 3 4 5 7 8 9 10"},
		{"title ne b and title ne B", "1 2 3 4 7 8 9 10"},
		{"title < B", "2 3 4"},
		{"title lt \"B\"", "2 3 4"},
		{"title le B", "2 3 4 5"},
		{"title > b", "7 8 9"},
		{"title ge b", "6 7 8 9"},
		{"title contains \"b\"", "2 3 4 6 10"},
		{"title ~ \"%\"", "3"},
		{"title ~ _", "3"},
		{"title contains \"\"", "1 2 3 4 5 6 7 8 9 10"},
		{"title !~ b", "1 5 7 8 9"},
		{"title notContains b", "1 5 7 8 9"},
		{"title beginsWith \"[Amplify]\"", "1"},
		{"title ^ [Amplify]", "1"},
		{"title beginsWith 100", "3 4"},
		{"title ^ \"\xc3\xa9\"", "7"},
		{"title between A and b", "1 2 5 6 10"},
		{"title in (b, \"B\", nope)", "5 6"},
		{"title notIn (b, B)", "1 2 3 4 7 8 9 10"},
		{"title = \"a\\\"b'c\\\\d\"", "10"},
		{"title > \"\xe6\x97\xa5\"", "9"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

/* numbers compare as numbers, between takes both bounds */
static void number_operators_compare_values_not_texts(void **st)
{
	static const struct row ROWS[] = {
		{"rating > 9", "7"},
		{"rating < 10", "1 2 3 4 5 6"},
		{"rating between 2 and 4", "2 3 4"},
		{"rating between 5 and 5", "5"},
		{"rating >= 9", "6 7"},
		{"rating le 2", "1 2"},
		{"rating = 10", "7"},
		{"rating != 10", "1 2 3 4 5 6 8 9 10"},
		{"rating in (1,9)", "1 6"},
		{"rating notIn (1, 2, 3, 4, 5)", "6 7 8 9 10"},
		{"score > -2 and score < 1", "1 3"},
		{"score = 2", "2"},
		{"score >= 0.5", "1 2"},
		{"done = true", "1"},
		{"done != true", "2 3 4 5 6 7 8 9 10"},
		{"done = false", "2"},
		{"_version > 3", "7 8"},
		{"_version = null", "1 2 3 4 5 9 10"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

/* */
static void a_list_is_asked_for_its_elements(void **st)
{
	static const struct row ROWS[] = {
		{"tags contains a", "1"},
		{"tags ~ b", "1 2"},
		{"tags notContains a", "2 3 4 5 6 7 8 9 10"},
		{"tags contains \"a,b\"", ""},
		{"nums contains 2", "1"},
		{"not nums contains 2", "2 3 4 5 6 7 8 9 10"},
		{"tags = null", "4 5 6 7 8 9 10"},
		{"tags != null and not tags ~ b", "3"},
		{"states contains ACTIVE", ""},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

/* */
static void conditions_join_with_and_or_and_not_as_deep_as_written(void **st)
{
	static const struct row ROWS[] = {
		{"rating > 1 and status = ACTIVE", "2"},
		{"rating > 4 or status = ACTIVE", "1 2 5 6 7"},
		{"rating = 1 or rating = 2 and status = INACTIVE", "1"},
		{"(rating = 1 or rating = 3) and status = INACTIVE", "3"},
		{"not rating = 1 and not (title ~ b or status = DONE)", "7 8 9"},
		{"not not rating > 9", "7"},
		{"NOT rating <= 9 AND rating != null", "7"},
		{"rating > 4 and (status = ACTIVE or not title beginsWith \"[Amplify]\") and done "
		 "= "
		 "null",
			"5 6 7"},
		{"all", "1 2 3 4 5 6 7 8 9 10"},
		{"", "1 2 3 4 5 6 7 8 9 10"},
		{" \t\n", "1 2 3 4 5 6 7 8 9 10"},
		{"all and rating = 1", "1"},
		{"rating = 1 or all", "1 2 3 4 5 6 7 8 9 10"},
		{"not all", ""},
		{"rating = 1 or rating = 1", "1"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

static void null_passes_not_equal_and_not_contains_and_nothing_else(void **st)
{
	static const struct row ROWS[] = {
		{"body = null", "1 2 5 6 7 8 9 10"},
		{"body != null", "3 4"},
		{"body != x", "1 2 4 5 6 7 8 9 10"},
		{"body < x", "4"},
		{"not body < x", "1 2 3 5 6 7 8 9 10"},
		{"not body >= x", "1 2 4 5 6 7 8 9 10"},
		{"not body between a and z", "1 2 4 5 6 7 8 9 10"},
		{"body !~ x", "1 2 4 5 6 7 8 9 10"},
		{"not body ^ x", "1 2 4 5 6 7 8 9 10"},
		{"body notIn (x)", "1 2 4 5 6 7 8 9 10"},
		{"not body in (x)", "1 2 4 5 6 7 8 9 10"},
		{"body = \"null\"", ""},
		{"payload != null", "9"},
		{"payload ~ \"\\\"v\\\"\"", "9"},
		{"meta != null", "9"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

static void dates_and_metadata_are_filtered_here(void **st)
{
	static const struct row ROWS[] = {
		{"day > 2026-11-01", "4"},
		{"at >= 2026-11-01T10:00:00.000Z", "4 5"},
		{"day last 7d", "4"},
		{"at last 72h", "4"},
		{"at last 24h", ""},
		{"ts last 24h", "4"},
		{"ts last 60d", "4 5"},
		{"ts > 2026-11-20", "4"},
		{"_lastChangedAt last 1s", "7"},
		{"_lastChangedAt last 10d", "7 8"},
		{"_lastChangedAt > 2026-11-20T00:00:00Z", "7"},
		{"_lastChangedAt = 1795371006000", "7"},
		{"not _lastChangedAt last 10d", "1 2 3 4 5 6 9 10"},
		{"_state = conflict", "7"},
		{"_state = pending", "6"},
		{"_state = local", "6"},
		{"_state in (pending, conflict)", "6 7"},
		{"_deleted = true", "10"},
		{"_deleted != true and rating = 1", "1"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

static void related_records_answer_for_their_fields_when_they_are_live(void **st)
{
	static const struct row ROWS[] = {
		{"blog.name = one", "1 2"},
		{"blog.name = two", ""}, /* a tombstone */
		{"blog.name != one", ""},
		{"not blog.name = one", "3 4 5 6 7 8 9 10"},
		{"comments.text contains hello", "1"},
		{"comments.text = bye and comments.text = hello", "1"},
		{"comments.post.blog.name = one", "1"},
		{"comments.post.comments.text = bye", "1"},
		{"blog = b2", "3"}, /* the relation's name stands for its key column */
		{"blog = null and rating < 6", "4 5"},
		{"blog.posts.rating > 1", "1 2"},
	};

	(void)st;
	EXPECT_ALL(ROWS);
}

/* ---- random predicates on random rows: SQL, memory and text agree ---- */

/* The text read back gives the same canonical text, and the same rows. */
static void check_agreement(struct world *w, const char *text, const struct sd_pred *p)
{
	struct sd_buf canon = SD_BUF_INIT, again = SD_BUF_INIT;
	struct sd_buf sql = SD_BUF_INIT, mem = SD_BUF_INIT, back = SD_BUF_INIT;
	struct sd_pred *q;

	sd_pred_text(p, &canon);
	q = pred_of(sd_buf_text(&canon));
	sd_pred_text(q, &again);
	assert_string_equal(sd_buf_text(&canon), sd_buf_text(&again));
	ids_by_sql(w, p, &sql);
	ids_in_memory(w, p, &mem);
	ids_in_memory(w, q, &back);
	if (strcmp(sd_buf_text(&sql), sd_buf_text(&mem)) != 0 ||
		strcmp(sd_buf_text(&back), sd_buf_text(&mem)) != 0)
		fail_msg("seed %llx\n%s\n  canonical: %s\n  sql:    %s\n  memory: %s\n  again:  %s",
			world_seed, text, sd_buf_text(&canon), sd_buf_text(&sql), sd_buf_text(&mem),
			sd_buf_text(&back));
	sd_pred_free(q);
	sd_buf_release(&canon);
	sd_buf_release(&again);
	sd_buf_release(&sql);
	sd_buf_release(&mem);
	sd_buf_release(&back);
}

static void sql_memory_and_text_agree_on_random_predicates_and_rows(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	unsigned checked = 0, tried = 0;

	(void)st;
	while (checked < 6000) {
		struct world w;
		world_open(&w);
		for (int model = 0; model < 3; model++)
			for (int i = 0; i < 12; i++)
				world_random_row(&w, model, i);
		for (int i = 0; i < 600; i++, tried++) {
			struct sd_pred *p;
			struct sd_error e;
			sd_buf_reset(&text);
			world_random_text(world_below(4), &text);
			if (sd_pred_parse(schema, post, sd_buf_text(&text), &p, &e) != SD_OK)
				continue; /* an operator its field does not know */
			check_agreement(&w, sd_buf_text(&text), p);
			sd_pred_free(p);
			checked++;
		}
		world_close(&w);
	}
	print_message("%u predicates on 12 rows each, of %u generated\n", checked, tried);
	sd_buf_release(&text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_operators_find_the_right_rows),
		cmocka_unit_test(number_operators_compare_values_not_texts),
		cmocka_unit_test(a_list_is_asked_for_its_elements),
		cmocka_unit_test(conditions_join_with_and_or_and_not_as_deep_as_written),
		cmocka_unit_test(null_passes_not_equal_and_not_contains_and_nothing_else),
		cmocka_unit_test(dates_and_metadata_are_filtered_here),
		cmocka_unit_test(related_records_answer_for_their_fields_when_they_are_live),
		cmocka_unit_test(sql_memory_and_text_agree_on_random_predicates_and_rows),
	};

	return cmocka_run_group_tests(tests, world_setup, world_teardown);
}
