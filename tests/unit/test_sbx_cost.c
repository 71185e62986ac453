/*
 * tests/unit/test_sbx_cost.c - what a request costs does not grow with the table: counted in steps
 * of SQLite's machine, which are the same on any machine under any load.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_fixture.h"

#define eq(a, b) assert_string_equal((a), (b))
#define FEW      1000
#define MANY     20000

static const char shop[] =
	"enum Size { S M L }\n"
	"type Item @model @auth(rules: [{allow: public}]) { id: ID! title: String! size: Size! "
	"@index(name: \"bySize\", queryField: \"itemsBySize\", sortKeyFields: [\"title\"]) @index("
	"name: \"bySizeTwo\", queryField: \"itemsBySizeTwo\", sortKeyFields: [\"title\", "
	"\"count\"]) @index(name: \"only\", queryField: \"itemsOnly\") count: Int boxID: ID! "
	"@index(name: \"byBox\", sortKeyFields: [\"count\"]) box: Box @belongsTo(fields: "
	"[\"boxID\"]) }\n"
	"type Box @model @auth(rules: [{allow: public}]) { id: ID! name: String items: [Item] "
	"@hasMany(indexName: \"byBox\", fields: [\"id\"]) }\n";

static int64_t steps;

static int step(void *unused)
{
	(void)unused;
	steps++;
	return 0;
}

static struct fx *with(int64_t n)
{
	struct fx *f = fx_open(shop, SD_STRATEGY_AUTOMERGE);

	assert_int_equal(sd_sbx_seed(f->s, "Item", n, 5, f->now, NULL), SD_OK);
	sqlite3_progress_handler(f->s->db, 1, step, NULL);
	return f;
}

/* The steps of a request that must succeed. */
static int64_t cost(struct fx *f, const char *query, const char *variables)
{
	fx_get(f, "{ __typename }", NULL, "data"); /* the clean-up that is due now and then */
	steps = 0;
	eq(fx_get(f, query, variables, "errors"), "");
	return steps;
}

static void first_pages_cost_the_same_for_few_rows_and_for_many(void **st)
{
	static const char *const ASK[] = {"{ listItems(limit: 20) { items { id } nextToken } }",
		"{ syncItems(limit: 20) { items { id } nextToken startedAt } }",
		"{ listItems(limit: 20, filter: {title: {eq: \"-\"}}) { items { id } nextToken } }",
		"{ itemsBySize(size: M, limit: 20) { items { id } nextToken } }",
		"{ itemsBySize(size: M, limit: 20, sortDirection: DESC) { items { id } nextToken } "
		"}",
		"{ itemsBySize(size: M, limit: 20, title: {ge: \"S\"}) { items { id } nextToken } "
		"}",
		"{ itemsBySize(size: M, limit: 20, title: {beginsWith: \"W\"}) { items { id } } }",
		"{ itemsBySize(size: M, limit: 20, title: {beginsWith: \"zzz\"}) { items { id } } "
		"}",
		"{ itemsBySize(size: M, limit: 20, title: {between: [\"T\", \"Z\"]}) { items { id "
		"} "
		"} }",
		"{ itemsBySizeTwo(size: M, limit: 20, titleCount: {beginsWith: {title: \"W\"}}) { "
		"items { id } } }",
		"{ itemsOnly(size: L, limit: 20) { items { id } nextToken } }",
		"{ itemsOnly(size: L, limit: 20, sortDirection: DESC) { items { id } nextToken } }",
		"{ listBoxes(limit: 3) { items { id items(limit: 5) { items { id } nextToken } } } "
		"}",
		"{ listItems(limit: 20) { items { id box { name } } } }",
		"{ getItem(id: \"none\") { id } }",
		"mutation { createItem(input: {id: \"a\", title: \"t\", size: S, boxID: \"b\"}) { "
		"id "
		"} }",
		"mutation { updateItem(input: {id: \"a\", title: \"u\", _version: 1}) { id } }",
		"mutation { deleteItem(input: {id: \"a\", _version: 2}) { id } }"};
	struct fx *few = with(FEW), *many = with(MANY);

	(void)st;
	for (size_t i = 0; i < sizeof ASK / sizeof *ASK; i++) {
		int64_t a = cost(few, ASK[i], NULL), b = cost(many, ASK[i], NULL);
		if (b > a * 3 / 2 + 300)
			fail_msg("%lld steps for %d rows, %lld for %d: %s", (long long)a, FEW,
				(long long)b, MANY, ASK[i]);
	}
	fx_close(few);
	fx_close(many);
}

/* Follows the tokens of "{ F(ARGS, limit: 500, nextToken: $t) ...": no page costs much more than the first
 * one did; how many rows there were. */
static size_t walk(struct fx *f, const char *name, const char *args)
{
	char q[300], v[1000], *token = strdup("null");
	int64_t first = 0;
	size_t rows = 0;

	snprintf(q, sizeof q,
		"query($t: String) { %s(%slimit: 500, nextToken: $t) { items { id } nextToken } }",
		name, args);
	while (token) {
		struct cJSON *j;
		const struct cJSON *page;
		snprintf(v, sizeof v, "{\"t\":%s}", token);
		fx_get(f, "{ __typename }", NULL, "data");
		steps = 0;
		j = fx_ask(f, q, v);
		first = first ? first : steps;
		if (steps > first * 3) /* a page with a cursor asks twice */
			fail_msg("%s: %lld steps for the first page, %lld for that behind %zu rows",
				name, (long long)first, (long long)steps, rows);
		page = sd_json_get(sd_json_get(j, "data"), name);
		rows += sd_json_count(sd_json_get(page, "items"));
		free(token);
		token = NULL;
		if (sd_json_get_str(page, "nextToken"))
			token = sd_json_text(sd_json_get(page, "nextToken"));
		sd_json_free(j);
	}
	return rows;
}

static void deep_pages_cost_what_the_first_one_does(void **st)
{
	struct fx *f = with(MANY);
	char since[80];
	size_t all, two;

	(void)st;
	assert_int_equal(walk(f, "listItems", ""), MANY);
	all = walk(f, "itemsBySize", "size: M, ");
	assert_true(all > MANY / 5);
	assert_int_equal(walk(f, "itemsBySize", "size: M, sortDirection: DESC, "), all);
	two = walk(f, "itemsBySizeTwo", "size: M, ");
	assert_true(two > all * 8 / 10 && two < all); /* some have no count */
	assert_int_equal(walk(f, "itemsBySize", "size: M, title: {ge: \"\"}, "), all);
	assert_int_equal(walk(f, "itemsBySize", "size: M, title: {le: \"~\"}, "), all);
	assert_int_equal(
		walk(f, "itemsBySize",
			"size: M, sortDirection: DESC, title: {between: [\" \", \"~\"]}, "),
		all);
	assert_true(walk(f, "itemsBySize", "size: M, title: {beginsWith: \"S\"}, ") > 600);
	assert_true(walk(f, "itemsBySize",
			    "size: M, sortDirection: DESC, title: {beginsWith: "
			    "\"S\"}, ") > 600);
	assert_int_equal(walk(f, "itemsOnly", "size: M, "), all);
	assert_int_equal(walk(f, "itemsOnly", "size: M, sortDirection: DESC, "), all);
	assert_int_equal(walk(f, "syncItems", ""), MANY);
	f->now += 2000;
	snprintf(since, sizeof since, "lastSync: %lld, ", (long long)f->now);
	f->now += 10;
	assert_int_equal(sd_sbx_seed(f->s, "Item", MANY, 6, f->now, NULL), SD_OK);
	assert_int_equal(walk(f, "syncItems", since), MANY); /* all of one moment */
	fx_close(f);
}

static void the_state_is_not_counted(void **st)
{
	struct fx *f = with(MANY);
	struct cJSON *j = NULL;

	(void)st;
	steps = 0;
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	assert_true(steps < 500);
	eq(fx_at(j, "Item.live"), "20000");
	sd_json_free(j);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(first_pages_cost_the_same_for_few_rows_and_for_many),
		cmocka_unit_test(deep_pages_cost_what_the_first_one_does),
		cmocka_unit_test(the_state_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
