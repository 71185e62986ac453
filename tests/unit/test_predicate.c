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

static uint64_t seed = 0x5eed;

static uint32_t below(uint32_t n)
{
	seed = seed * 6364136223846793005ULL + 1442695040888963407ULL;
	return (uint32_t)(seed >> 33) % n;
}

static const char *const WORDS[] = {"", "a", "b", "ab", "ba", "B", "%", "_", "a%b", "[Amplify]",
	"\\", "'", "\"", "\xc3\xa9", "\xe6\x97\xa5", "\xf0\x9f\x98\x80", "\xef\xbc\xa1", "null",
	"and", "1", "10", "9", "a b", "2026-11-22", "-", "(", "\n"};

static struct cJSON *any_word(void)
{
	return sd_json_string(WORDS[below(sizeof WORDS / sizeof *WORDS)]);
}

static struct cJSON *any_time(void)
{
	static const char *const TIMES[] = {"2026-11-22T18:10:06.628Z", "2026-11-22T18:10:06.627Z",
		"2026-11-22T17:10:06.628Z", "2026-11-15", "2026-11-22",
		"2026-11-21T00:00:00+02:00"};

	return sd_json_string(TIMES[below(6)]);
}

static struct cJSON *any_value(const struct sd_field *f)
{
	static const int64_t LONG[] = {INT64_MAX, 9007199254740993, -9007199254740993, 1795367407};

	if (f->kind == SD_K_ENUM)
		return sd_json_string(f->en->values[below((uint32_t)f->en->value_count)]);
	switch (f->scalar) {
	case SD_T_INT:
		return sd_json_int((int64_t)below(14) - 3);
	case SD_T_AWSTIMESTAMP:
		return sd_json_int(below(3) ? 1795367400 + (int64_t)below(20) : LONG[below(4)]);
	case SD_T_FLOAT:
		return sd_json_real(((double)below(40) - 20) / 4);
	case SD_T_BOOLEAN:
		return sd_json_bool(below(2));
	case SD_T_AWSDATE:
	case SD_T_AWSDATETIME:
		return any_time();
	default:
		return any_word();
	}
}

static struct cJSON *any_field(const struct sd_field *f)
{
	struct cJSON *list;

	if (below(4) == 0)
		return sd_json_null();
	if (f->kind == SD_K_NONMODEL || (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)) {
		list = sd_json_object();
		sd_json_add(list, "k", any_word());
		return list;
	}
	if (!f->list)
		return any_value(f);
	list = sd_json_array();
	for (uint32_t n = below(4); n; n--)
		sd_json_push(list, below(8) ? any_value(f) : sd_json_null());
	return list;
}

static void random_row(struct world *w, int model, int nth)
{
	static const char *const STATES[] = {
		"synced", "pending", "sending", "conflict", "refused", "quarantined"};
	const struct sd_model *m = sd_schema_model(schema, world_models[model]);
	struct cJSON *rec = sd_json_object();
	char id[16];

	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].stored)
			sd_json_add(rec, m->fields[i].name, any_field(&m->fields[i]));
	snprintf(id, sizeof id, "%d", nth);
	sd_json_set(rec, "id", sd_json_string(id));
	snprintf(id, sizeof id, "%u", below(6));
	if (model && below(4))
		sd_json_set(rec, model == 1 ? "blogId" : "postId", sd_json_string(id));
	sd_json_add(rec, "_version", below(3) ? sd_json_int(below(12)) : sd_json_null());
	sd_json_add(rec, "_lastChangedAt",
		below(3) ? sd_json_int(NOW_MS - (int64_t)below(5) * 1800000) : sd_json_null());
	sd_json_add(rec, "_deleted", below(5) ? sd_json_null() : sd_json_bool(true));
	sd_json_add(rec, "_state", sd_json_string(STATES[below(6)]));
	world_add(w, model, rec);
}

static void random_operand(const struct sd_field *f, bool member, struct sd_buf *out)
{
	struct cJSON *v;

	if (f->kind == SD_K_SCALAR && f->scalar == SD_T_AWSJSON)
		v = any_word();
	else
		v = f->kind == SD_K_ENUM && !member ? sd_json_string("TIV") : any_value(f);
	sd_json_print(v, out);
	sd_json_free(v);
}

static void random_meta(struct sd_buf *out)
{
	static const char *const META[] = {"_version > 4", "_version = null", "_version != 3",
		"_lastChangedAt last 1h", "_lastChangedAt <= 1795371006628", "_state = pending",
		"_state notIn (synced, refused)", "_deleted = true", "_deleted != true",
		"_version between 2 and 7", "all"};

	sd_buf_str(out, META[below(sizeof META / sizeof *META)]);
}

static void random_leaf(struct sd_buf *out)
{
	static const char *const PATHS[] = {
		"blog.", "comments.", "comments.post.", "blog.posts.", "comments.post.blog."};
	static const int ENDS[] = {0, 2, 1, 1, 0};
	static const char *const OPS[] = {"=", "!=", "<", "<=", ">", ">=", "between", "contains",
		"notContains", "beginsWith", "in", "notIn", "last"};
	const struct sd_model *m = post;
	const struct sd_field *f;
	uint32_t path = below(12), op = below(13);

	if (below(8) == 0) {
		random_meta(out);
		return;
	}
	if (path < 5) {
		sd_buf_str(out, PATHS[path]);
		m = sd_schema_model(schema, world_models[ENDS[path]]);
	}
	do
		f = &m->fields[below((uint32_t)m->field_count)];
	while (!f->stored);
	sd_buf_fmt(out, "%s %s ", f->name, OPS[op]);
	if (op < 2 && below(3) == 0) {
		sd_buf_str(out, "null");
	} else if (op == 6) {
		random_operand(f, true, out);
		sd_buf_str(out, " and ");
		random_operand(f, true, out);
	} else if (op == 10 || op == 11) {
		for (uint32_t i = 0, n = 1 + below(3); i < n; i++) {
			sd_buf_str(out, i ? ", " : "(");
			random_operand(f, true, out);
		}
		sd_buf_ch(out, ')');
	} else if (op == 12) {
		sd_buf_fmt(out, "%u%s", 1 + below(9), below(2) ? "h" : "d");
	} else {
		random_operand(f, f->list || op < 7, out);
	}
}

static void random_tree(unsigned depth, struct sd_buf *out)
{
	uint32_t n = depth ? below(6) : 0;

	if (n < 2) {
		random_leaf(out);
	} else if (n == 2) {
		sd_buf_str(out, "not ");
		random_tree(depth - 1, out);
	} else {
		sd_buf_ch(out, '(');
		for (uint32_t i = 0, kids = 1 + below(3); i < kids; i++) {
			sd_buf_str(out, i ? n % 2 ? " and " : " or " : "");
			random_tree(depth - 1, out);
		}
		sd_buf_ch(out, ')');
	}
}

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
			(unsigned long long)seed, text, sd_buf_text(&canon), sd_buf_text(&sql),
			sd_buf_text(&mem), sd_buf_text(&back));
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
				random_row(&w, model, i);
		for (int i = 0; i < 600; i++, tried++) {
			struct sd_pred *p;
			struct sd_error e;
			sd_buf_reset(&text);
			random_tree(below(4), &text);
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
