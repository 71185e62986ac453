/* tests/screen/test_screen.c - the terminal itself: sizes, mono, hostile and wide text, help. */
#include <signal.h>

#include "tests/support/uihost.h"

static void hostile(struct sd_api *api)
{
	/* ESC, C1 CSI, bidi override, zero width, newline, an OSC that would set the title */
	host_save(api, "Post",
		"{\"id\":\"h1\",\"title\":\"a\\u001b[31mRED\\u009bX\\u202Eabc\\u200b\\nz\"}");
	host_save(api, "Post", "{\"id\":\"h2\",\"title\":\"\\u001b]0;OWNED\\u0007\"}");
}

static void no_byte_of_data_reaches_the_terminal_as_a_control(void **st) /* U-45 */
{
	struct host h = {.fill = hostile};
	const char *raw;
	size_t n;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_sees(&h, "a\\x1b[31mRED\\x9bXU+202Eabc");
	host_keys(&h, "\r");
	host_keys(&h, "\033");
	host_keys(&h, "e");
	host_sees(&h, "\\x1b[31mRED");
	host_keys(&h, "\033");
	host_keys(&h, "2");
	host_keys(&h, "\r");
	host_keys(&h, "\033");
	raw = vts_raw(h.v, &n);
	assert_null(memmem(raw, n, "\033[31mRED", 8));
	assert_null(memmem(raw, n, "\xe2\x80\xae", 3));
	assert_null(memmem(raw, n, "\xe2\x80\x8b", 3));
	assert_null(memmem(raw, n, "\xc2\x9b", 2));
	assert_null(memmem(raw, n, "\033]0;OWNED", 9));
	host_end(&h);
}

static void wide(struct sd_api *api)
{
	host_save(api, "Post", "{\"id\":\"w1\",\"title\":\"日本語タイトル\",\"rating\":1}");
	host_save(api, "Post", "{\"id\":\"w2\",\"title\":\"👨‍👩‍👧 fam\",\"rating\":2}");
	host_save(api, "Post", "{\"id\":\"w3\",\"title\":\"plain\",\"rating\":3}");
}

/* The column (cells) where text starts in a row. */
static int column_of(struct vts *v, int row, uint32_t c)
{
	for (int x = 0; x < 80; x++)
		if (vts_cell(v, row, x).chars[0] == c)
			return x;
	return -1;
}

static void wide_characters_keep_the_columns_straight(void **st) /* S10.5 */
{
	struct host h = {.fill = wide};
	int r1, r3;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	r1 = vts_find(h.v, "日本語");
	r3 = vts_find(h.v, "    plain");
	assert_true(r1 > 0 && r3 > 0);
	assert_int_equal(vts_cell(h.v, r1, column_of(h.v, r1, 0x65e5)).width, 2);
	assert_int_equal(vts_cell(h.v, r1, 79).chars[0], 0x2502); /* the frame stands */
	assert_int_equal(vts_cell(h.v, r1 + 1, 79).chars[0], 0x2502);
	/* ratings stand below each other: 1 and 3 in one column */
	for (int x = 79; x > 20; x--) {
		if (vts_cell(h.v, r3, x).chars[0] == '3') {
			assert_int_equal(vts_cell(h.v, r1, x).chars[0], '1');
			assert_int_equal(vts_cell(h.v, r1 + 1, x).chars[0], '2');
			break;
		}
	}
	host_end(&h);
}

static void it_follows_the_size_and_says_when_it_is_too_small(void **st)
{
	struct host h = {.fill = wide};

	(void)st;
	host_start(&h);
	vts_resize(h.v, 40, 120);
	assert_true(vts_wait_text(h.v, "Events  (5 opens the log)", MS));
	vts_resize(h.v, 15, 60);
	assert_true(vts_wait_text(h.v, ": commands", MS));
	host_sees(&h, "Models");
	host_keys(&h, "j\r"); /* one pane at a time */
	host_sees(&h, "Post 3 rows");
	host_sees_not(&h, "Models");
	host_keys(&h, "\r");
	host_sees(&h, "w1");
	host_keys(&h, "\033");
	host_keys(&h, "\033");
	host_sees(&h, "Models");
	vts_resize(h.v, 12, 52);
	assert_true(vts_wait_text(h.v, "needs 60x15, this is 52x12", MS));
	vts_resize(h.v, 24, 80);
	assert_true(vts_wait_text(h.v, "Models", MS));
	vts_resize(h.v, 60, 200);
	assert_true(vts_wait_text(h.v, "Events  (5 opens the log)", MS));
	host_end(&h);
}

static void without_colour_the_cursor_is_reverse_and_states_are_marks(void **st) /* U-45 */
{
	struct host h = {.fill = wide, .term = "vt100"};
	int row;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	row = vts_find(h.v, "| Post");
	row = row < 0 ? vts_find(h.v, "|> Post") : row;
	assert_true(row > 0);
	host_sees(&h, "Post          3*"); /* unsent, without any colour */
	host_sees(&h, "+- Models");
	row = vts_find(h.v, "plain");
	host_keys(&h, "jj");
	assert_true(vts_cell(h.v, row, 25).attrs.reverse);
	assert_false(vts_cell(h.v, row - 1, 25).attrs.reverse);
	host_end(&h);
}

static void eight_colours_are_enough(void **st)
{
	struct host h = {.fill = wide, .term = "linux"};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_sees(&h, "Post 3 rows");
	host_end(&h);
}

static void an_unbound_key_says_so(void **st) /* U-39 */
{
	struct host h = {0};

	(void)st;
	host_start(&h);
	host_keys(&h, "X");
	host_sees(&h, "`X` does nothing here; ? for help.");
	host_keys(&h, "\033[25~");
	host_sees(&h, "That key does nothing here");
	host_end(&h);
}

static void help_and_palette_run_what_they_list(void **st) /* U-39, S1.3 */
{
	struct host h = {.fill = wide};

	(void)st;
	host_start(&h);
	host_keys(&h, "?");
	host_sees(&h, "Help: Data");
	host_sees_not(&h, "take-mine"); /* only what works here */
	host_keys(&h, "outbox\r");
	host_sees(&h, "3 unsent");
	host_keys(&h, ":");
	host_sees(&h, "Commands");
	host_keys(&h, "view-sync\r");
	host_sees(&h, "Network");
	host_keys(&h, "5");
	host_sees(&h, "Log  follow on");
	host_keys(&h, "3");
	host_sees(&h, "No conflict.");
	host_keys(&h, "m");
	host_sees(&h, "There is no conflict.");
	host_end(&h);
}

static void quitting_gives_the_terminal_back(void **st)
{
	struct host h = {0};
	const char *raw, *out;
	size_t n;

	(void)st;
	host_start(&h);
	vts_keys(h.v, "\032", MS); /* C-z in an orphaned job only redraws */
	host_sees(&h, "Models");
	raw = vts_raw(h.v, &n);
	assert_non_null(memmem(raw, n, "\033[?1049h", 8));
	vts_type(h.v, "q");
	assert_true(vts_wait_gone(h.v, "Models", MS));
	raw = vts_raw(h.v, &n);
	out = memmem(raw, n, "\033[?1049l", 8);
	assert_non_null(out);
	assert_non_null(memmem(raw, n, "\033[?1000l", 8)); /* the mouse is off */
	assert_int_equal(vts_close(h.v), 0);
	sd_test_dir_remove(h.dir);
}

static void no_color_is_honoured(void **st)
{
	static const char *const env[] = {"NO_COLOR=1", NULL};
	struct host h = {.fill = wide, .env = env};
	const char *raw;
	size_t n;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	raw = vts_raw(h.v, &n);
	assert_null(memmem(raw, n, "[38;5;", 6));
	assert_null(memmem(raw, n, "[48;5;", 6));
	assert_true(vts_cell(h.v, vts_find(h.v, ">   日本語"), 25).attrs.reverse);
	host_end(&h);
}

static void without_utf8_nothing_overlaps(void **st) /* S10.5 */
{
	static const char *const env[] = {"LC_ALL=C", NULL};
	struct host h = {.fill = wide, .env = env};
	int row;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_sees(&h, "+- Models");
	row = vts_find(h.v, "??????????????"); /* seven wide characters keep fourteen cells */
	assert_true(row > 0);
	assert_int_equal(vts_cell(h.v, row, 79).chars[0], '|');
	host_end(&h);
}

static void a_crash_gives_the_terminal_back(void **st)
{
	struct host h = {.fill = wide};
	const char *raw;
	size_t n;

	(void)st;
	host_start(&h);
	kill(vts_pid(h.v), SIGSEGV);
	vts_wait_text(h.v, "syncdeck crashed", MS);
	raw = vts_raw(h.v, &n);
	assert_non_null(memmem(raw, n, "\033[?1049l", 8));
	assert_non_null(memmem(raw, n, "\033[?1006l", 8));
	assert_int_not_equal(vts_close(h.v), 0);
	h.fill = NULL;
	host_start(&h); /* what was saved is there */
	host_keys(&h, "j\r");
	host_sees(&h, "plain");
	host_end(&h);
}

static void moving_the_cursor_costs_few_bytes(void **st)
{
	struct host h = {.fill = wide};
	size_t before, after;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_keys(&h, "z"); /* the table alone */
	host_keys(&h, "j");
	vts_raw(h.v, &before);
	host_keys(&h, "j");
	vts_raw(h.v, &after);
	assert_true(after - before < 1200); /* two rows repainted, not a screen */
	host_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_byte_of_data_reaches_the_terminal_as_a_control),
		cmocka_unit_test(wide_characters_keep_the_columns_straight),
		cmocka_unit_test(it_follows_the_size_and_says_when_it_is_too_small),
		cmocka_unit_test(without_colour_the_cursor_is_reverse_and_states_are_marks),
		cmocka_unit_test(eight_colours_are_enough),
		cmocka_unit_test(an_unbound_key_says_so),
		cmocka_unit_test(help_and_palette_run_what_they_list),
		cmocka_unit_test(quitting_gives_the_terminal_back),
		cmocka_unit_test(no_color_is_honoured),
		cmocka_unit_test(without_utf8_nothing_overlaps),
		cmocka_unit_test(a_crash_gives_the_terminal_back),
		cmocka_unit_test(moving_the_cursor_costs_few_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
