/* tests/unit/test_base.c - buffers, maps, text, time, json. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/map.h"
#include "core/base/rand.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

static void a_buffer_refuses_to_pass_its_cap_and_stays_whole(void **st)
{
	struct sd_buf b;

	(void)st;
	sd_buf_init(&b, 4);
	assert_true(sd_buf_str(&b, "abcd"));
	assert_false(sd_buf_str(&b, "e"));
	assert_string_equal(sd_buf_text(&b), "abcd");
	assert_false(sd_buf_ok(&b));
	sd_buf_release(&b);
}

static void a_map_finds_what_was_put_and_forgets_what_was_removed(void **st)
{
	struct sd_map m = SD_MAP_INIT;
	char key[16];
	size_t seen = 0;

	(void)st;
	for (intptr_t i = 1; i <= 1000; i++) {
		snprintf(key, sizeof key, "k%d", (int)i);
		assert_true(sd_map_put(&m, key, (void *)i, NULL));
	}
	for (int i = 2; i <= 1000; i += 2) {
		snprintf(key, sizeof key, "k%d", i);
		assert_int_equal((intptr_t)sd_map_del(&m, key), i);
	}
	assert_int_equal(sd_map_count(&m), 500);
	assert_null(sd_map_get(&m, "k2"));
	assert_int_equal((intptr_t)sd_map_get(&m, "k999"), 999);
	assert_true(sd_map_put(&m, "k2", (void *)7, NULL));
	assert_int_equal((intptr_t)sd_map_get(&m, "k2"), 7);
	for (size_t i = 0; sd_map_next(&m, &i, NULL, NULL);)
		seen++;
	assert_int_equal(seen, 501);
	sd_map_release(&m, NULL);
}

static void no_control_character_of_the_data_survives_safe_text(void **st)
{
	static const char in[] = "a\x1b[31m\xe2\x80\xae\xff\xc2\x9b\n\xe6\x97\xa5\xf0\x9f\x98\x80";
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	assert_true(sd_text_safe(&b, in, sizeof in - 1));
	assert_string_equal(
		sd_buf_text(&b), "a\\x1b[31mU+202E\\xff\\x9b\\n\xe6\x97\xa5\xf0\x9f\x98\x80");
	sd_buf_release(&b);
}

static void json_for_a_terminal_reads_back_as_the_same_value(void **st)
{
	static const char in[] = "{\"a\":\"\xc2\x9b"
				 "31m\xe2\x80\xa8\xe2\x80\xae\xf3\xa0\x80\xa1 "
				 "\xe6\x97\xa5\xf0\x9f\x98\x80\"}\n";
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *was = NULL, *is = NULL;

	(void)st;
	assert_true(sd_text_json(&b, in, sizeof in - 1));
	assert_string_equal(sd_buf_text(&b), "{\"a\":\"\\u009b31m\\u2028\\u202e\\udb40\\udc21 "
					     "\xe6\x97\xa5\xf0\x9f\x98\x80\"}\n");
	assert_int_equal(sd_json_parse(in, sizeof in - 1, "in", &was, NULL), SD_OK);
	assert_int_equal(sd_json_parse(sd_buf_text(&b), b.len, "out", &is, NULL), SD_OK);
	assert_true(sd_json_equal(was, is, false));
	sd_json_free(was);
	sd_json_free(is);
	sd_buf_release(&b);
}

static void times_and_durations_round_trip(void **st)
{
	char t[SD_TIME_TEXT];
	int64_t ms;

	(void)st;
	sd_time_iso(1795371006628, t);
	assert_true(sd_time_parse(t, &ms));
	assert_int_equal(ms, 1795371006628);
	sd_time_iso(-1, t);
	assert_string_equal(t, "1969-12-31T23:59:59.999Z");
	assert_true(sd_time_parse("2026-03-01T00:00:00+01:00", &ms));
	sd_time_iso(ms, t);
	assert_string_equal(t, "2026-02-28T23:00:00.000Z");
	assert_false(sd_time_parse("2026-11-31", &ms));
	assert_true(sd_duration_parse("1.5h", &ms));
	assert_int_equal(ms, 5400000);
	assert_false(sd_duration_parse("30", &ms));
	assert_false(sd_duration_parse("-1s", &ms));
}

static void base64_takes_both_alphabets(void **st)
{
	struct sd_buf b = SD_BUF_INIT, c = SD_BUF_INIT;

	(void)st;
	assert_true(sd_base64_encode(&b, "\xfb\xff\xfe?", 4, true));
	assert_string_equal(sd_buf_text(&b), "-__-Pw");
	assert_true(sd_base64_decode(&c, "+//+Pw==", 8));
	assert_memory_equal(c.data, "\xfb\xff\xfe?", 4);
	sd_buf_reset(&c);
	assert_false(sd_base64_decode(&c, "a", 1));
	assert_false(sd_base64_decode(&c, "a*bc", 4));
	sd_buf_release(&b);
	sd_buf_release(&c);
}

static void json_round_trip(const char *in, const char *want)
{
	struct sd_error e;
	struct cJSON *j;
	char *out;

	assert_int_equal(sd_json_parse(in, strlen(in), "t", &j, &e), SD_OK);
	out = sd_json_text(j);
	assert_string_equal(out, want);
	free(out);
	sd_json_free(j);
}

static void json_keeps_numbers_that_a_double_cannot(void **st)
{
	struct cJSON *j;
	int64_t v;

	(void)st;
	json_round_trip("[9007199254740993, 1, {\"a\":12345678901234567890.5}, -0.1, 1e400]",
		"[9007199254740993,1,{\"a\":12345678901234567890.5},-0.1,1e400]");
	assert_int_equal(sd_json_parse("9007199254740993", 16, "t", &j, NULL), SD_OK);
	assert_true(sd_json_i64(j, &v));
	assert_true(v == 9007199254740993);
	sd_json_free(j);
	/* how some servers write whole numbers */
	assert_int_equal(sd_json_parse("1.795402679497E12", 17, "t", &j, NULL), SD_OK);
	assert_true(sd_json_i64(j, &v) && v == 1795402679497);
	sd_json_free(j);
	assert_int_equal(sd_json_parse("1.5e0", 5, "t", &j, NULL), SD_OK);
	assert_false(sd_json_i64(j, &v));
	sd_json_free(j);
	j = sd_json_int(INT64_MIN);
	assert_true(sd_json_i64(j, &v) && v == INT64_MIN);
	sd_json_free(j);
}

static void json_refuses_what_cjson_lets_pass(void **st)
{
	static const char *const BAD[] = {"{\"a\":1,\"a\":2}", "\"\\u0000\"", "\"\xff\"", "1 2", "",
		"[1,]", "{\"a\":}", "nul", "01", "1.", "\"\\ud800\"", "'a'", "[\"\n\"]"};
	char deep[400];
	struct sd_error e;
	struct cJSON *j;

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		assert_int_equal(sd_json_parse(BAD[i], strlen(BAD[i]), "t", &j, &e), SD_INVAL);
	memset(deep, '[', sizeof deep);
	assert_int_equal(sd_json_parse(deep, sizeof deep, "t", &j, &e), SD_INVAL);
	assert_int_equal(sd_json_parse("[1,\n x]", 7, "page", &j, &e), SD_INVAL);
	assert_string_equal(e.text, "page: line 2, column 2: not valid JSON, expected a value");
}

/* A page is somebody else's: its objects may have any number of members. */
static void json_finds_a_double_key_among_very_many(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e;
	struct cJSON *j;

	(void)st;
	for (int last = 0; last < 2; last++) {
		sd_buf_reset(&b);
		for (int i = 0; i < 200000; i++)
			sd_buf_fmt(&b, "%c\"member %d\":%d", i ? ',' : '{', i, i);
		sd_buf_str(&b, last ? ",\"member 777\":0}" : "}");
		if (last) {
			assert_int_equal(
				sd_json_parse(sd_buf_text(&b), b.len, "t", &j, &e), SD_INVAL);
			assert_non_null(strstr(e.text, "\"member 777\" stands twice"));
			continue;
		}
		assert_int_equal(sd_json_parse(sd_buf_text(&b), b.len, "t", &j, &e), SD_OK);
		assert_int_equal(sd_json_count(j), 200000);
		assert_int_equal(sd_json_get_i64(j, "member 199999", -1), 199999);
		sd_json_free(j);
	}
	/* the same key, written in another way */
	assert_int_equal(sd_json_parse("{\"ab\":1,\"\\u0061b\":2}", 20, "t", &j, &e), SD_INVAL);
	sd_buf_release(&b);
}

/* Names are kept once for all; setting, renaming and freeing must not touch the kept ones. */
static void json_members_may_share_their_names(void **st)
{
	static const char text[] = "{\"shared\":{\"shared\":[{\"shared\":-0.125}]},\"x\":true}";
	struct cJSON *a, *b, *c;
	char *out;

	(void)st;
	assert_int_equal(sd_json_parse(text, strlen(text), "t", &a, NULL), SD_OK);
	b = sd_json_dup(a);
	assert_true(sd_json_set(a, "shared", sd_json_int(-7)));
	assert_true(sd_json_set(a, "new one", sd_json_string("s")));
	c = sd_json_detach(b, "shared");
	assert_true(sd_json_set(a, "x", c));
	sd_json_free(b);
	out = sd_json_text(a);
	assert_string_equal(out, "{\"shared\":-7,\"x\":{\"shared\":[{\"shared\":-0.125}]},"
				 "\"new one\":\"s\"}");
	free(out);
	sd_json_free(a);
}

static void json_equality_is_by_value(void **st)
{
	struct cJSON *a, *b;

	(void)st;
	assert_int_equal(sd_json_parse("{\"a\":[1,2],\"b\":null}", 20, "t", &a, NULL), SD_OK);
	assert_int_equal(sd_json_parse("{\"a\":[1.0,2]}", 13, "t", &b, NULL), SD_OK);
	assert_false(sd_json_equal(a, b, false));
	assert_true(sd_json_equal(a, b, true));
	assert_true(sd_json_equal(b, a, true));
	sd_json_free(a);
	sd_json_free(b);
}

static void a_seed_gives_the_same_ids(void **st)
{
	struct sd_rand a, b;
	char x[SD_UUID_TEXT], y[SD_UUID_TEXT];

	(void)st;
	sd_rand_seeded(&a, 7);
	sd_rand_seeded(&b, 7);
	sd_uuid4(&a, x);
	sd_uuid4(&b, y);
	assert_string_equal(x, y);
	assert_int_equal(x[14], '4');
	sd_uuid4(&a, x);
	assert_string_not_equal(x, y);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_buffer_refuses_to_pass_its_cap_and_stays_whole),
		cmocka_unit_test(a_map_finds_what_was_put_and_forgets_what_was_removed),
		cmocka_unit_test(no_control_character_of_the_data_survives_safe_text),
		cmocka_unit_test(json_for_a_terminal_reads_back_as_the_same_value),
		cmocka_unit_test(times_and_durations_round_trip),
		cmocka_unit_test(base64_takes_both_alphabets),
		cmocka_unit_test(json_keeps_numbers_that_a_double_cannot),
		cmocka_unit_test(json_refuses_what_cjson_lets_pass),
		cmocka_unit_test(json_finds_a_double_key_among_very_many),
		cmocka_unit_test(json_members_may_share_their_names),
		cmocka_unit_test(json_equality_is_by_value),
		cmocka_unit_test(a_seed_gives_the_same_ids),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
