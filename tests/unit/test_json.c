/* tests/unit/test_json.c - the reader and the printer of JSON beside cJSON's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cjson/cJSON.h>
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/rand.h"
#include "core/json/json.h"

static void random_text(struct sd_rand *r, struct sd_buf *out)
{
	static const char *const PIECE[] = {"a", "plain text ", "\\n", "\\\"", "\\u00e4",
		"\xc3\xa4", "\\ud83d\\ude00", "\xf0\x9f\x98\x80", "/", "\\/", "\x7f",
		"0123456789abcdef", "\\\\"};
	size_t n = sd_rand_u64(r) % 6;

	sd_buf_ch(out, '"');
	for (size_t i = 0; i < n; i++)
		sd_buf_str(out, PIECE[sd_rand_u64(r) % (sizeof PIECE / sizeof *PIECE)]);
	sd_buf_ch(out, '"');
}

static void random_number(struct sd_rand *r, struct sd_buf *out)
{
	uint64_t how = sd_rand_u64(r) % 4;

	if (sd_rand_u64(r) % 2)
		sd_buf_ch(out, '-');
	sd_buf_fmt(out, "%llu", (unsigned long long)(sd_rand_u64(r) % 10000000));
	if (how)
		sd_buf_fmt(out, ".%0*llu", (int)how * 2 + 1,
			(unsigned long long)(sd_rand_u64(r) % 1000));
}

static void random_value(struct sd_rand *r, struct sd_buf *out, int depth)
{
	static const char *const WORD[] = {"true", "false", "null"};
	uint64_t kind = sd_rand_u64(r) % (depth > 3 ? 3 : 5);
	size_t n = sd_rand_u64(r) % (depth ? 6 : 90);

	if (kind == 0) {
		sd_buf_str(out, WORD[sd_rand_u64(r) % 3]);
	} else if (kind == 1) {
		random_number(r, out);
	} else if (kind == 2) {
		random_text(r, out);
	} else {
		sd_buf_ch(out, kind == 3 ? '[' : '{');
		for (size_t i = 0; i < n; i++) {
			sd_buf_str(out, i ? " ,\n" : " ");
			if (kind == 4)
				sd_buf_fmt(out, "\"key %zu\"\t: ", i);
			random_value(r, out, depth + 1);
		}
		sd_buf_ch(out, kind == 3 ? ']' : '}');
	}
}

static void the_tree_is_the_one_that_cjson_makes(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	struct sd_rand r;

	(void)st;
	sd_rand_seeded(&r, 41);
	for (int i = 0; i < 1000; i++) {
		struct cJSON *ours, *again;
		struct sd_error e;
		cJSON *theirs;
		char *printed;

		sd_buf_reset(&text);
		random_value(&r, &text, 0);
		theirs = cJSON_ParseWithLength(text.data, text.len);
		assert_non_null(theirs);
		assert_int_equal(sd_json_parse(text.data, text.len, "t", &ours, &e), SD_OK);
		assert_true(cJSON_Compare(ours, theirs, true));
		/* the list of children can be appended to by cJSON itself */
		if (cJSON_IsArray(ours) && ours->child)
			assert_ptr_equal(ours->child->prev,
				cJSON_GetArrayItem(ours, cJSON_GetArraySize(ours) - 1));
		printed = sd_json_text(ours);
		assert_int_equal(sd_json_parse(printed, strlen(printed), "t", &again, &e), SD_OK);
		assert_true(cJSON_Compare(again, theirs, true));
		free(printed);
		sd_json_free(ours);
		sd_json_free(again);
		cJSON_Delete(theirs);
	}
	sd_buf_release(&text);
}

/* To the last bit what strtod() makes of them. */
static void numbers_are_rounded_as_the_c_library_does(void **st)
{
	struct sd_rand r;
	char t[40];

	(void)st;
	sd_rand_seeded(&r, 42);
	for (int i = 0; i < 50000; i++) {
		int behind = (int)(sd_rand_u64(&r) % 15);
		uint64_t n = sd_rand_u64(&r) % 1000000000000000u;
		struct cJSON *j;
		double v;

		snprintf(t, sizeof t, "%.*f", behind,
			(double)n / (behind ? 1e5 : 1) * (sd_rand_u64(&r) % 2 ? 1e-4 : 1e-2));
		t[16] = '\0';
		if (t[strlen(t) - 1] == '.')
			t[strlen(t) - 1] = '\0';
		assert_int_equal(sd_json_parse(t, strlen(t), t, &j, NULL), SD_OK);
		assert_true(sd_json_f64(j, &v));
		assert_true(v == strtod(t, NULL));
		sd_json_free(j);
	}
}

/* What is accepted of texts with a byte changed, cJSON reads too, and the same. */
static void a_changed_byte_is_refused_or_means_the_same_to_cjson(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	struct sd_rand r;
	int taken = 0, refused = 0;

	(void)st;
	sd_rand_seeded(&r, 43);
	for (int i = 0; i < 20000; i++) {
		struct cJSON *ours;
		struct sd_error e = {.code = SD_OK};
		char byte;

		sd_buf_reset(&text);
		random_value(&r, &text, 1);
		byte = (char)sd_rand_u64(&r);
		if (byte == 'e' || byte == 'E')
			continue; /* 1e5 is kept as it is written here */
		text.data[sd_rand_u64(&r) % text.len] = byte;
		if (sd_json_parse(text.data, text.len, "t", &ours, &e) == SD_OK) {
			cJSON *theirs = cJSON_ParseWithLength(text.data, text.len);
			assert_true(cJSON_Compare(ours, theirs, true));
			cJSON_Delete(theirs);
			taken++;
		} else {
			assert_int_equal(e.code, SD_INVAL);
			assert_null(ours);
			refused++;
		}
		sd_json_free(ours);
	}
	assert_true(taken > 500 && refused > 500);
	sd_buf_release(&text);
}

static void a_key_that_stands_twice_is_found_among_few_and_many(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j;
	struct sd_error e;

	(void)st;
	for (int n = 2; n < 200; n++)
		for (int twice = 0; twice < n; twice += 7) {
			sd_buf_reset(&text);
			for (int i = 0; i < n; i++)
				sd_buf_fmt(&text, "%s\"k%d\":0", i ? "," : "{", i);
			sd_buf_str(&text, "}");
			assert_int_equal(sd_json_parse(text.data, text.len, "t", &j, &e), SD_OK);
			sd_json_free(j);
			sd_buf_drop(&text, 0);
			text.len--;
			sd_buf_fmt(&text, ",\"k%d\":1}", twice);
			assert_int_equal(sd_json_parse(text.data, text.len, "t", &j, &e), SD_INVAL);
			assert_non_null(strstr(e.text, "stands twice"));
		}
	sd_buf_release(&text);
}

/* Of a hostile page: sorted, not compared in pairs, so that the time does not explode. */
static void an_object_with_very_many_keys_is_read(void **st)
{
	struct sd_buf text = SD_BUF_INIT;
	struct cJSON *j;
	struct sd_error e;

	(void)st;
	for (int i = 0; i < 100000; i++)
		sd_buf_fmt(&text, "%s\"key number %d\":0", i ? "," : "{", i);
	sd_buf_str(&text, "}");
	assert_int_equal(sd_json_parse(text.data, text.len, "t", &j, &e), SD_OK);
	assert_int_equal(sd_json_count(j), 100000);
	sd_json_free(j);
	sd_buf_release(&text);
}

static void a_member_that_moves_takes_its_new_name(void **st)
{
	struct cJSON *a, *b;
	char *text;

	(void)st;
	assert_int_equal(sd_json_parse("{\"x\":[1],\"y\":\"z\"}", 17, "t", &a, NULL), SD_OK);
	b = sd_json_object();
	assert_true(sd_json_add_named(b, "first", sd_json_detach(a, "x")));
	assert_true(sd_json_add(b, "second", sd_json_detach(a, "y")));
	assert_true(sd_json_add(b, "third", sd_json_detach(b, "first")));
	text = sd_json_text(b);
	assert_string_equal(text, "{\"second\":\"z\",\"third\":[1]}");
	free(text);
	sd_json_free(a);
	sd_json_free(b);
}

/* One whose text stands beside its node, one whose text is its own, one with members. */
static void numbers_that_no_double_holds_are_compared_by_value(void **st)
{
	static const struct {
		const char *a, *b;
		bool equal;
	} CASE[] = {
		{"1e999", "1e999", true},
		{"1e999", "10E998", true},
		{"1e999", "1e998", false},
		{"-1e999", "1e999", false},
		{"10000000000000000000000001", "10000000000000000000000000", false},
		{"10000000000000000000000001", "1000000000000000000000000.1e1", true},
		{"0.010000000000000000000000001", "1.00000000000000000000000010e-2", true},
		{"-0.010000000000000000000000001", "-1.00000000000000000000000010e-2", true},
		{"1e99999999999999999999", "1e99999999999999999999", true},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASE / sizeof *CASE; i++) {
		struct cJSON *a = NULL, *b = NULL;
		assert_int_equal(sd_json_parse(CASE[i].a, strlen(CASE[i].a), "a", &a, NULL), SD_OK);
		assert_int_equal(sd_json_parse(CASE[i].b, strlen(CASE[i].b), "b", &b, NULL), SD_OK);
		if (sd_json_equal(a, b, false) != CASE[i].equal)
			fail_msg("%s and %s", CASE[i].a, CASE[i].b);
		sd_json_free(a);
		sd_json_free(b);
	}
}

static void a_value_becomes_another_and_keeps_its_name(void **st)
{
	static const char TEXT[] = "{\"a\":\"[1]\",\"b\":{\"c\":[2]},\"d\":5}";
	struct cJSON *j, *copy;
	char *text;

	(void)st;
	assert_int_equal(sd_json_parse(TEXT, sizeof TEXT - 1, "t", &j, NULL), SD_OK);
	assert_true(sd_json_become(sd_json_get(j, "a"), sd_json_string("text")));
	assert_true(sd_json_become(sd_json_get(j, "b"), sd_json_int(INT64_MAX)));
	assert_true(sd_json_become(sd_json_get(j, "d"), sd_json_dup(j)));
	copy = sd_json_dup(j);
	sd_json_free(j);
	text = sd_json_text(copy);
	assert_string_equal(text, "{\"a\":\"text\",\"b\":9223372036854775807,"
				  "\"d\":{\"a\":\"text\",\"b\":9223372036854775807,\"d\":5}}");
	free(text);
	sd_json_free(copy);
	/* the names are kept by nobody but the process: the next tree has them still */
	assert_int_equal(sd_json_parse(TEXT, sizeof TEXT - 1, "t", &j, NULL), SD_OK);
	text = sd_json_text(j);
	assert_string_equal(text, TEXT);
	free(text);
	sd_json_free(j);
}

static void *make_and_free(void *arg)
{
	struct cJSON *list = sd_json_array();

	(void)arg;
	for (int i = 0; i < 3000; i++) {
		char text[200];
		int n = snprintf(text, sizeof text, "%0*d", i % 150 + 1, i);
		sd_json_push(list, i % 3 ? sd_json_string_n(text, (size_t)n) : sd_json_int(i));
	}
	return list;
}

/* Made by one thread, freed by another, which ends: what a thread keeps of nodes is its own. */
static void trees_may_go_from_thread_to_thread(void **st)
{
	struct cJSON *keep = sd_json_string("stays"), *copy;

	(void)st;
	for (int round = 0; round < 4; round++) {
		void *list;
		pthread_t t;

		assert_int_equal(pthread_create(&t, NULL, make_and_free, NULL), 0);
		assert_int_equal(pthread_join(t, &list), 0);
		copy = sd_json_dup(list);
		assert_true(sd_json_equal(copy, list, false));
		sd_json_free(list);
		list = make_and_free(NULL);
		assert_true(sd_json_equal(copy, list, false));
		sd_json_free(list);
		sd_json_free(copy);
	}
	assert_string_equal(sd_json_str(keep), "stays");
	sd_json_free(keep);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_is_the_one_that_cjson_makes),
		cmocka_unit_test(numbers_are_rounded_as_the_c_library_does),
		cmocka_unit_test(a_changed_byte_is_refused_or_means_the_same_to_cjson),
		cmocka_unit_test(a_key_that_stands_twice_is_found_among_few_and_many),
		cmocka_unit_test(an_object_with_very_many_keys_is_read),
		cmocka_unit_test(a_member_that_moves_takes_its_new_name),
		cmocka_unit_test(numbers_that_no_double_holds_are_compared_by_value),
		cmocka_unit_test(a_value_becomes_another_and_keeps_its_name),
		cmocka_unit_test(trees_may_go_from_thread_to_thread),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
