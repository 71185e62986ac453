/* tests/unit/test_csv.c - RFC 4180, read and written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/csv.h"
#include "core/base/rand.h"

/* Every record as "[a|"b"|c]", an error as its text. */
static void reads(const char *text, size_t n, const char *want)
{
	FILE *f = fmemopen((void *)(uintptr_t)text, n, "r");
	struct sd_csv c = {.f = f};
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = SD_OK;

	assert_non_null(f);
	while (sd_csv_read(&c, 1000, &rc, &e)) {
		sd_buf_fmt(&b, "%lld[", (long long)c.line);
		for (size_t i = 0; i < c.count; i++)
			sd_buf_fmt(&b, c.cells[i].quoted ? "%s\"%s\"" : "%s%s", i ? "|" : "",
				c.cells[i].text);
		sd_buf_ch(&b, ']');
	}
	if (rc != SD_OK)
		sd_buf_str(&b, e.text);
	assert_string_equal(sd_buf_text(&b), want);
	sd_buf_release(&b);
	sd_csv_release(&c);
	fclose(f);
}
#define READS(text, want) reads(text, sizeof(text) - 1, want)

static void cells_quotes_and_line_ends_are_read(void **st)
{
	(void)st;
	READS("a,b\r\n1,2\r\n", "1[a|b]2[1|2]");
	READS("a,b\n1,2", "1[a|b]2[1|2]");
	READS("\xef\xbb\xbf"
	      "a,\"\",\n",
		"1[a|\"\"|]");
	READS("\"x,y\",\"say \"\"hi\"\"\"\n", "1[\"x,y\"|\"say \"hi\"\"]");
	READS("\"two\r\nlines\",b\nc,d\n", "1[\"two\r\nlines\"|b]3[c|d]");
	READS("a\n\n\r\nb\n", "1[a]4[b]");
	READS("a,\n,\n", "1[a|]2[|]");
	READS("\"\"\n", "1[\"\"]");
	READS("\n", "");
}

static void what_is_no_csv_is_refused_with_its_line(void **st)
{
	(void)st;
	READS("a\nb\"c\n", "1[a]line 2: a quote within a cell that does not begin with one");
	READS("\"a\"b\n", "line 1: text behind a closing quote; double a quote to write one");
	READS("a\n\"b\nc", "1[a]line 2: a quote is not closed");
	READS("a\rb\n", "line 1: a carriage return outside of quotes");
	READS("a\0b\n", "line 1: a byte 0 is no text");
}

static void a_record_without_an_end_is_cut_off(void **st)
{
	char text[2001];

	(void)st;
	memset(text, 'x', sizeof text);
	reads(text, sizeof text, "line 1: the record is too long");
	text[0] = '"';
	reads(text, sizeof text, "line 1: the record is too long");
}

/* what is written is read back, whatever it is */
static void what_is_written_is_read_back(void **st)
{
	static const char ALPHABET[] = ",\"\r\n \t'=a\xc3\xa9";
	struct sd_rand r;

	(void)st;
	sd_rand_seeded(&r, 4180);
	for (int round = 0; round < 500; round++) {
		char cell[6][12];
		size_t len[6];
		struct sd_buf b = SD_BUF_INIT;
		struct sd_csv c = {.f = NULL};
		enum sd_err rc = SD_OK;
		for (size_t i = 0; i < 6; i++) {
			len[i] = sd_rand_below(&r, sizeof cell[i]);
			for (size_t k = 0; k < len[i]; k++)
				cell[i][k] = ALPHABET[sd_rand_below(&r, sizeof ALPHABET - 1)];
			sd_csv_put(&b, cell[i], len[i], len[i] == 0, i == 0);
		}
		sd_csv_end(&b);
		c.f = fmemopen(b.data, b.len, "r");
		assert_true(sd_csv_read(&c, 10000, &rc, NULL));
		assert_int_equal(c.count, 6);
		for (size_t i = 0; i < 6; i++) {
			assert_int_equal(c.cells[i].len, len[i]);
			assert_memory_equal(c.cells[i].text, cell[i], len[i]);
			assert_true(len[i] || c.cells[i].quoted);
		}
		assert_false(sd_csv_read(&c, 10000, &rc, NULL));
		assert_int_equal(rc, SD_OK);
		fclose(c.f);
		sd_csv_release(&c);
		sd_buf_release(&b);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(cells_quotes_and_line_ends_are_read),
		cmocka_unit_test(what_is_no_csv_is_refused_with_its_line),
		cmocka_unit_test(a_record_without_an_end_is_cut_off),
		cmocka_unit_test(what_is_written_is_read_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
