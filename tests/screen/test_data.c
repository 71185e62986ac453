/* tests/screen/test_data.c - the Data view over a real local store. */
#include "tests/support/uihost.h"

static void fill(struct sd_api *api)
{
	char line[300];

	host_save(api, "Blog", "{\"id\":\"b1\",\"name\":\"Coffee\"}");
	for (int i = 1; i <= 60; i++) {
		snprintf(line, sizeof line,
			"{\"id\":\"p%02d\",\"title\":\"Title "
			"%02d\",\"status\":\"%s\",\"rating\":%d,"
			"\"blogPostsId\":\"b1\"}",
			i, i, i % 2 ? "ACTIVE" : "DRAFT", i % 5);
		host_save(api, "Post", line);
	}
	host_save(api, "Comment", "{\"id\":\"c1\",\"body\":\"first\",\"postCommentsId\":\"p02\"}");
}

static void a_record_opens_in_three_keys(void **st) /* S1 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_sees(&h, "Models");
	host_sees(&h, "out 62  conf 0");
	host_keys(&h, "j");
	host_sees(&h, "Post 60 rows");
	host_keys(&h, "\r");
	host_keys(&h, "\r");
	host_sees(&h, "│>id            p01");
	host_end(&h);
}

static void the_window_follows_the_cursor_to_both_ends(void **st) /* U-30 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	for (int i = 0; i < 15; i++)
		host_keys(&h, "j");
	host_sees(&h, "16/60");
	host_sees(&h, ">   Title 16");
	host_keys(&h, "G");
	host_sees(&h, "60/60");
	host_sees(&h, ">   Title 60");
	host_keys(&h, "\033[5~"); /* PgUp */
	host_sees(&h, "50/60");
	host_keys(&h, "g");
	host_sees(&h, "1/60");
	host_keys(&h, "\004"); /* C-d */
	host_sees(&h, "6/60");
	host_keys(&h, "#33\r");
	host_sees(&h, "33/60");
	host_sees(&h, ">   Title 33");
	host_end(&h);
}

static void a_filter_shows_its_error_and_keeps_the_rows_that_pass(void **st) /* U-40 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_keys(&h, "frating > 2 and st");
	host_sees(&h, "column 16");
	host_keys(&h, "a\t");
	host_sees(&h, "status");
	host_keys(&h, "= DRAFT");
	host_sees(&h, "12 of 60 rows");
	host_keys(&h, "\r");
	host_sees(&h, "Post 12 rows  f:rating > 2 and status = DRAFT");
	host_sees_not(&h, "Title 02");
	host_sees(&h, "1/12");
	host_keys(&h, "F");
	host_sees(&h, "Post 60 rows");
	host_sees_not(&h, "1/60"); /* the cursor stayed on Title 08: it is not the first row now */
	host_keys(&h, "g");
	host_sees(&h, "1/60");
	host_keys(&h, "fnonsense\r"); /* stays open, nothing changes */
	host_sees(&h, "Filter Post");
	host_keys(&h, "\033");
	host_sees_not(&h, "Filter Post");
	host_sees(&h, "Post 60 rows");
	host_end(&h);
}

static void a_smaller_screen_keeps_the_record_under_the_cursor(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	vts_resize(h.v, 40, 120);
	assert_true(vts_wait_text(h.v, "Events  (5 opens the log)", MS));
	host_keys(&h, "j\r");
	host_sees(&h, "1/60");
	for (int i = 0; i < 14; i++)
		host_keys(&h, "j");
	host_sees(&h, ">   Title 15");
	host_sees(&h, "15/60");
	vts_resize(h.v, 15, 60);
	assert_true(vts_wait_text(h.v, ": commands", MS));
	assert_true(vts_wait_text(h.v, ">   Title 15", MS));
	assert_true(vts_wait_text(h.v, "15/60", MS));
	vts_resize(h.v, 10, 40);
	assert_true(vts_wait_text(h.v, "needs 60x15", MS));
	vts_resize(h.v, 40, 120);
	assert_true(vts_wait_text(h.v, "Events  (5 opens the log)", MS));
	assert_true(vts_wait_text(h.v, ">   Title 15", MS));
	assert_true(vts_wait_text(h.v, "15/60", MS));
	host_end(&h);
}

static void search_goes_around_and_sort_reverses(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_keys(&h, "/title 4\r");
	host_sees(&h, "40/60");
	host_keys(&h, "n");
	host_sees(&h, "41/60");
	host_keys(&h, "N");
	host_sees(&h, "40/60");
	host_keys(&h, "/nowhere\r");
	host_sees(&h, "No row has \"nowhere\"");
	host_keys(&h, "gs");
	host_sees(&h, "Sort by");
	host_keys(&h, "title\r");
	host_keys(&h, "S");
	host_sees(&h, "title v");
	host_sees(&h, ">   Title 60");
	host_end(&h);
}

static void links_jump_and_come_back(void **st) /* U-32 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\rj\r");
	host_keys(&h, "\033[F"); /* End, then up to the links */
	for (int i = 0; i < 20 && !vts_has(h.v, "│>blog "); i++)
		host_keys(&h, "k");
	host_sees(&h, "> Blog b1 \"Coffee\"");
	host_keys(&h, "\r");
	host_sees(&h, "Blog 1 rows");
	host_keys(&h, "\017"); /* C-o */
	host_sees(&h, "Post p02");
	for (int i = 0; i < 20 && !vts_has(h.v, "│>comments "); i++)
		host_keys(&h, i < 12 ? "j" : "k");
	host_sees(&h, "> 1 Comment");
	host_keys(&h, "\r");
	host_sees(&h, "Comment 1 rows  f:postCommentsId = \"p02\"");
	host_sees(&h, "first");
	host_end(&h);
}

static void deleting_asks_and_says_what_goes_with_it(void **st) /* U-38 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\rjd");
	host_sees(&h, "1 Post");
	host_sees(&h, "1 Comment  (belongs to it)");
	host_keys(&h, "\r"); /* the safe answer is where the cursor is */
	host_sees(&h, "Post 60 rows");
	host_keys(&h, "d");
	host_keys(&h, "y");
	host_sees(&h, "Post 59 rows");
	host_sees_not(&h, "Title 02");
	host_end(&h);
}

static void many_marked_rows_want_their_number_typed(void **st) /* U-31, U-38 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_keys(&h, " jjjjjjjjjj");
	host_keys(&h, "v");
	host_sees(&h, "12 marked");
	host_keys(&h, "d");
	host_sees(&h, "12 Post");
	host_keys(&h, "y");
	host_sees(&h, "type 13 to do it"); /* 12 posts and the comment of one */
	host_keys(&h, "12\r");
	host_sees(&h, "That is not 13");
	host_keys(&h, "\033\033");
	host_sees(&h, "Post 60 rows");
	host_keys(&h, "\\");
	host_sees_not(&h, "marked");
	host_end(&h);
}

static void columns_hide_and_copies_go_through_osc_52(void **st) /* U-44 */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	host_sees(&h, "rating");
	host_keys(&h, "crating\r\033");
	host_sees_not(&h, "title     status  rating");
	host_keys(&h, "y");
	host_sees(&h, "Copied title");
	assert_non_null(vts_osc52(h.v));
	assert_string_equal(vts_osc52(h.v), "VGl0bGUgMDE="); /* Title 01 */
	host_end(&h);
}

static void an_export_never_overwrites(void **st)
{
	struct host h = {.fill = fill};
	char keys[300], line[300] = "";
	FILE *f;

	(void)st;
	host_start(&h);
	host_keys(&h, "j\r");
	snprintf(keys, sizeof keys, "x%s/out.csv\r", h.dir);
	host_keys(&h, keys);
	host_sees(&h, "Wrote 60 Post");
	host_keys(&h, keys);
	host_sees(&h, "choose another name");
	host_keys(&h, "\033");
	snprintf(keys, sizeof keys, "%s/out.csv", h.dir);
	f = fopen(keys, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	/* the same writer as the command's: what it wrote comes back equal */
	assert_memory_equal(line, "id,title,status,rating", 22);
	assert_non_null(strstr(line, ",_version,_lastChangedAt,_deleted,_state\r\n"));
	assert_non_null(fgets(line, sizeof line, f));
	assert_memory_equal(line, "p01,Title 01,ACTIVE,1,", 22);
	fclose(f);
	snprintf(keys, sizeof keys, "x%s/out.xlsx\r", h.dir);
	host_keys(&h, keys);
	host_sees(&h, "end the name in .ndjson or .csv");
	host_keys(&h, "\033");
	host_end(&h);
}

static void a_filter_is_kept_under_a_name(void **st) /* U-40: saved views */
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "j\rV");
	host_sees(&h, "No view of Post is saved yet");
	host_keys(&h, "frating = 4\023");
	host_sees(&h, "Name of the view");
	host_keys(&h, "best\r");
	host_keys(&h, "\033");
	host_quit(&h);
	h.fill = NULL;
	host_start(&h);
	host_keys(&h, "j\rV");
	host_sees(&h, "best");
	host_keys(&h, "\r");
	host_sees(&h, "Post 12 rows  f:rating = 4");
	host_end(&h);
}

static void the_mouse_chooses_and_sorts(void **st)
{
	struct host h = {.fill = fill};

	(void)st;
	host_start(&h);
	host_keys(&h, "\033[<0;5;5M"); /* the second model */
	host_sees(&h, "Post 60 rows");
	host_keys(&h, "\033[<0;30;8M"); /* the fourth row */
	host_sees(&h, "4/60");
	host_keys(&h, "\033[<0;27;4M"); /* the title's header, twice */
	host_keys(&h, "\033[<0;27;4M");
	host_sees(&h, "title v");
	host_keys(&h, "\033[<0;14;2M"); /* the Outbox tab */
	host_sees(&h, "62 unsent");
	host_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_opens_in_three_keys),
		cmocka_unit_test(the_window_follows_the_cursor_to_both_ends),
		cmocka_unit_test(a_filter_shows_its_error_and_keeps_the_rows_that_pass),
		cmocka_unit_test(a_smaller_screen_keeps_the_record_under_the_cursor),
		cmocka_unit_test(search_goes_around_and_sort_reverses),
		cmocka_unit_test(links_jump_and_come_back),
		cmocka_unit_test(deleting_asks_and_says_what_goes_with_it),
		cmocka_unit_test(many_marked_rows_want_their_number_typed),
		cmocka_unit_test(columns_hide_and_copies_go_through_osc_52),
		cmocka_unit_test(an_export_never_overwrites),
		cmocka_unit_test(a_filter_is_kept_under_a_name),
		cmocka_unit_test(the_mouse_chooses_and_sorts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
