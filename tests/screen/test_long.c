/* tests/screen/test_long.c - reads that take long: keys go on, first rows, a stop (U-30, X-14). */
#include <sys/stat.h>

#include "tests/support/uihost.h"

#define ROWS 60000

struct lines {
	int n;
};

static bool next_row(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	struct lines *l = ctx;
	char text[64];

	(void)rc, (void)e;
	*fields = NULL;
	if (l->n == ROWS)
		return false;
	*fields = sd_json_object();
	snprintf(text, sizeof text, "p%06d", l->n);
	sd_json_add_str(*fields, "id", text);
	/* the title's order is another one than that of arrival */
	snprintf(text, sizeof text, "row %05d%s", (l->n * 7919 + 3) % ROWS,
		l->n == ROWS - 1000 ? " needle" : "");
	sd_json_add_str(*fields, "title", text);
	sd_json_add_int(*fields, "rating", l->n++);
	return true;
}

static void fill(struct sd_api *api)
{
	struct lines l = {0};
	struct sd_error e = {0};

	if (sd_api_save_many(api, "Post", NULL, next_row, NULL, &l, &e) != SD_OK) {
		fprintf(stderr, "fill: %s\n", e.text);
		abort();
	}
}

static bool said(struct host *h, const char *text)
{
	size_t n;

	return strstr(vts_raw(h->v, &n), text) != NULL;
}

static void open_posts(struct host *h)
{
	h->fill = fill;
	host_start(h);
	host_keys(h, "j\r");
	host_sees(h, "Post 60,000 rows");
}

/* issue 4: a filter that has to look at every row says so, and finds what there is */
static void a_filter_that_few_rows_pass_runs_beside_the_keys(void **st)
{
	struct host h = {.rows = 24};

	(void)st;
	open_posts(&h);
	assert_false(said(&h, "Looking for rows"));
	host_keys(&h, "ftitle ~ \"needle\"\r");
	assert_true(said(&h, "Looking for rows; C-c stops."));
	host_sees(&h, "Post 1 rows");
	host_sees(&h, " needle");
	host_sees(&h, "1/1");
	/* typed without a pause, the keys find the rows that were there before */
	host_keys(&h, "Fjjk");
	host_sees(&h, "Post 60,000 rows");
	host_end(&h);
}

static void what_takes_long_is_stopped_with_c_c(void **st)
{
	struct host h = {.rows = 24};

	(void)st;
	open_posts(&h);
	host_keys(&h, "ftitle ~ \"no such row\"\r\003");
	host_sees(&h, "Stopped; what was found so far stays.");
	host_sees(&h, "Post ? rows");
	host_sees(&h, "f:title ~ \"no such row\"");
	host_keys(&h, "F");
	host_sees(&h, "Post 60,000 rows");
	host_keys(&h, "/nothing like that\r\003");
	host_sees(&h, "Stopped");
	host_sees(&h, "Post 60,000 rows");
	host_keys(&h, "j");
	host_sees(&h, "2/60000");
	host_end(&h);
}

static void a_sort_without_an_index_shows_its_rows_from_both_ends(void **st)
{
	struct host h = {.rows = 24};

	(void)st;
	open_posts(&h);
	host_keys(&h, "stitle\r");
	host_sees(&h, "row 00000");
	host_sees(&h, "1/60000");
	host_keys(&h, "j");
	host_sees(&h, "2/60000");
	host_keys(&h, "G");
	host_sees(&h, "row 59999");
	host_sees(&h, "60000/60000");
	host_keys(&h, "k");
	host_sees(&h, "59999/60000");
	host_keys(&h, "S");
	host_sees(&h, "row 59999");
	host_sees(&h, "1/60000");
	host_keys(&h, "\004\004\004");
	host_sees_not(&h, "row 59999");
	host_end(&h);
}

static void a_search_to_the_end_finds_its_row_and_the_place_of_it(void **st)
{
	struct host h = {.rows = 24};

	(void)st;
	open_posts(&h);
	host_keys(&h, "/needle\r");
	host_sees(&h, "59001/60000");
	host_sees(&h, " needle");
	host_keys(&h, "n");
	host_sees(&h, "Found behind the end.");
	host_keys(&h, "/no such text\r");
	host_sees(&h, "No row has \"no such text\".");
	host_sees(&h, "59001/60000");
	host_end(&h);
}

static void an_export_of_everything_is_written_beside_the_keys(void **st)
{
	struct host h = {.rows = 24};
	char keys[600], *path;
	struct stat s;

	(void)st;
	open_posts(&h);
	path = h.dir;
	snprintf(keys, sizeof keys, "%s/out.ndjson", path);
	host_keys(&h, "x");
	vts_type(h.v, keys);
	host_keys(&h, "\r");
	host_sees(&h, "Wrote 60000 Post");
	assert_int_equal(stat(keys, &s), 0);
	assert_true(s.st_size > ROWS * 50);
	host_end(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_filter_that_few_rows_pass_runs_beside_the_keys),
		cmocka_unit_test(what_takes_long_is_stopped_with_c_c),
		cmocka_unit_test(a_sort_without_an_index_shows_its_rows_from_both_ends),
		cmocka_unit_test(a_search_to_the_end_finds_its_row_and_the_place_of_it),
		cmocka_unit_test(an_export_of_everything_is_written_beside_the_keys),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
