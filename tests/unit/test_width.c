/* tests/unit/test_width.c - cells of text, and hostile text made visible (U-45, S10.5). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "core/base/rand.h"
#include "core/base/text.h"
#include "ui/term/input.h"
#include "ui/term/width.h"

/* What a text is drawn as, glyph by glyph. */
static void drawn(const char *s, size_t n, struct sd_buf *out)
{
	struct sd_glyph g;

	while (sd_glyph_next(s, n, &g)) {
		sd_buf_add(out, g.draw, g.len);
		s += g.bytes;
		n -= g.bytes;
	}
}

static void draws_as(const char *s, const char *want, int cells)
{
	struct sd_buf b = SD_BUF_INIT;

	drawn(s, strlen(s), &b);
	assert_string_equal(sd_buf_text(&b), want);
	assert_int_equal(sd_cells(s, strlen(s)), cells);
	sd_buf_release(&b);
}

static void plain_wide_and_combining_text_take_their_cells(void **st)
{
	(void)st;
	draws_as("abc", "abc", 3);
	draws_as("日本", "日本", 4);
	draws_as("e\xcc\x81t", "e\xcc\x81t", 2);
	draws_as("\xcc\x81", " \xcc\x81", 1); /* a mark without a base */
	draws_as("☕x", "☕x", 3);
}

static void emoji_sequences_are_drawn_as_their_base(void **st)
{
	(void)st;
	draws_as("\xf0\x9f\x91\xa8\xe2\x80\x8d\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x91\xa7",
		"\xf0\x9f\x91\xa8", 2);                                      /* family */
	draws_as("\xf0\x9f\x91\x8d\xf0\x9f\x8f\xbd", "\xf0\x9f\x91\x8d", 2); /* skin tone */
	draws_as("\xe2\x9d\xa4\xef\xb8\x8f", "\xe2\x9d\xa4", 1);             /* selector */
	draws_as("\xf0\x9f\x87\xa9\xf0\x9f\x87\xaa", "DE", 2);               /* flag */
}

static void hostile_characters_become_visible_escapes(void **st)
{
	(void)st;
	draws_as("a\033[31mb", "a\\x1b[31mb", 10);
	draws_as("a\xe2\x80\xae"
		 "b",
		"aU+202Eb", 8);
	draws_as("\xc2\x9b", "\\x9b", 4);
	draws_as("\xff", "\\xff", 4);
	draws_as("x\ny", "x\\ny", 4);
	draws_as("a\xe2\x80\x8d"
		 "b",
		"aU+200Db", 8); /* a joiner that joins no emoji */
}

static void cutting_never_splits_a_glyph(void **st)
{
	int used = 0;

	(void)st;
	assert_int_equal(sd_fit("日本", 6, 3, &used), 3);
	assert_int_equal(used, 2);
	assert_int_equal(sd_fit("e\xcc\x81t", 4, 1, &used), 3);
	assert_int_equal(sd_fit("a\033", 2, 3, &used), 1); /* the escape takes 4 */
	assert_int_equal(sd_glyph_before("a日", 4), 1);
	assert_int_equal(sd_glyph_before("a日", 1), 0);
}

static void lines_break_at_blanks_and_newlines(void **st)
{
	size_t skip;

	(void)st;
	assert_int_equal(sd_wrap("one two three", 13, 8, &skip), 7);
	assert_int_equal(skip, 1);
	assert_int_equal(sd_wrap("onetwothree", 11, 4, &skip), 4);
	assert_int_equal(skip, 0);
	assert_int_equal(sd_wrap("a\nb", 3, 10, &skip), 1);
	assert_int_equal(skip, 1);
	assert_int_equal(sd_wrap("日", 3, 1, &skip), 3); /* always gets on */
}

static void any_bytes_come_out_safe_and_always_get_on(void **st)
{
	struct sd_rand r;
	unsigned char in[64];

	(void)st;
	sd_rand_seeded(&r, 45);
	for (int round = 0; round < 20000; round++) {
		struct sd_buf b = SD_BUF_INIT, again = SD_BUF_INIT;
		size_t n = sd_rand_below(&r, sizeof in);

		r.bytes(&r, in, n);
		drawn((const char *)in, n, &b);
		sd_text_safe(&again, sd_buf_text(&b), b.len);
		assert_string_equal(
			sd_buf_text(&b), sd_buf_text(&again)); /* nothing left to escape */
		sd_buf_release(&b);
		sd_buf_release(&again);
	}
}

static uint32_t key_of(const char *s, size_t n, bool final, size_t *used)
{
	struct sd_key k;

	*used = sd_key_decode((const unsigned char *)s, n, final, &k);
	return k.code;
}

static void escape_sequences_are_decoded_whole(void **st)
{
	struct sd_key k;
	size_t used;

	(void)st;
	assert_int_equal(key_of("\033OB", 3, false, &used), SD_KEY_DOWN);
	assert_int_equal(used, 3);
	assert_int_equal(key_of("\033[1;5A", 6, false, &used), SD_KEY_UP);
	assert_int_equal(key_of("\033[6~", 4, false, &used), SD_KEY_PGDN);
	assert_int_equal(key_of("\033[5;3~", 6, false, &used), SD_KEY_PGUP);
	assert_int_equal(key_of("\033[Z", 3, false, &used), SD_KEY_BACKTAB);
	key_of("\033", 1, false, &used);
	assert_int_equal(used, 0); /* more may come */
	assert_int_equal(key_of("\033", 1, true, &used), SD_KEY_ESC);
	assert_int_equal(used, 1);
	assert_int_equal(key_of("\033\033", 2, false, &used), SD_KEY_ESC);
	assert_int_equal(used, 1);
	assert_int_equal(key_of("\xc3\xa9", 2, false, &used), 0xe9);
	assert_int_equal(key_of("\xc3", 1, false, &used), 0);
	assert_int_equal(key_of("\xff", 1, true, &used), SD_KEY_UNKNOWN);
	assert_int_equal(sd_key_decode((const unsigned char *)"\033[<0;5;6M", 9, false, &k), 9);
	assert_int_equal(k.code, SD_KEY_CLICK);
	assert_int_equal(k.x, 4);
	assert_int_equal(k.y, 5);
	assert_int_equal(key_of("\033[<65;1;1M", 10, false, &used), SD_KEY_WHEEL_DOWN);
}

static void the_decoder_always_ends(void **st)
{
	struct sd_rand r;
	unsigned char in[48];

	(void)st;
	sd_rand_seeded(&r, 7);
	for (int round = 0; round < 50000; round++) {
		size_t n = 1 + sd_rand_below(&r, sizeof in - 1), used;
		struct sd_key k;

		r.bytes(&r, in, n);
		if (round & 1)
			in[0] = 27;
		if (round & 2 && n > 1)
			in[1] = '[';
		used = sd_key_decode(in, n, true, &k);
		assert_in_range(used, 1, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain_wide_and_combining_text_take_their_cells),
		cmocka_unit_test(emoji_sequences_are_drawn_as_their_base),
		cmocka_unit_test(hostile_characters_become_visible_escapes),
		cmocka_unit_test(cutting_never_splits_a_glyph),
		cmocka_unit_test(lines_break_at_blanks_and_newlines),
		cmocka_unit_test(any_bytes_come_out_safe_and_always_get_on),
		cmocka_unit_test(escape_sequences_are_decoded_whole),
		cmocka_unit_test(the_decoder_always_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
