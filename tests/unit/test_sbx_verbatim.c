/*
 * tests/unit/test_sbx_verbatim.c - items written from their stored text are what they are through a
 * tree: every question is asked twice, the second time with a filter that matches all, which takes
 * the other way.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_fixture.h"

#define eq(a, b) assert_string_equal((a), (b))

static const char all[] =
	"enum Size { S M L }\n"
	"type Deep { a: String b: Int! more: [Deep] size: Size }\n"
	"type Item @model @auth(rules: [{allow: public}]) { id: ID! title: String! size: Size "
	"sizes: "
	"[Size!] count: Int price: Float on: Boolean at: AWSDateTime day: AWSDate stamp: "
	"AWSTimestamp data: AWSJSON list: [AWSJSON] tags: [String] names: [String!]! deep: Deep "
	"deeps: [Deep!] boxID: ID @index(name: \"byBox\") box: Box @belongsTo(fields: [\"boxID\"]) "
	"}\n"
	"type Box @model @auth(rules: [{allow: public}]) { id: ID! name: String items: [Item] "
	"@hasMany(indexName: \"byBox\", fields: [\"id\"]) }\n";

#define FIELDS                                                                                     \
	"__typename id t: title title size sizes count price on at day stamp data list tags "      \
	"names deep { a b more { a b __typename size } } deeps { b b2: b a } boxID createdAt "     \
	"updatedAt _version _deleted _lastChangedAt"

static char *answer(struct fx *f, const char *filter, const char *fields)
{
	struct sd_buf b = SD_BUF_INIT;
	struct cJSON *j;
	char *text;

	sd_buf_fmt(&b,
		"{ listItems(limit: 1000%s) { items { %s } nextToken other: items { id } } }",
		filter, fields);
	j = fx_ask(f, sd_buf_text(&b), NULL);
	text = sd_json_text(j);
	sd_json_free(j);
	sd_buf_release(&b);
	return text;
}

static void same(struct fx *f, const char *fields)
{
	char *a = answer(f, "", fields),
	     *b = answer(f, ", filter: {id: {attributeExists: true}}", fields);

	eq(a, b);
	assert_non_null(strstr(a, "\"nextToken\":null"));
	free(a);
	free(b);
}

static void put(struct fx *f, const char *items)
{
	struct cJSON *j = NULL;
	struct sd_error e = {0};

	if (sd_json_parse(items, strlen(items), "put", &j, &e) != SD_OK ||
		sd_sbx_put(f->s, "Item", j, f->now, &e) != SD_OK)
		fail_msg("%s: %s", items, e.text);
	sd_json_free(j);
}

static void seeded_and_written_items_are_the_same_either_way(void **st)
{
	struct fx *f = fx_open(all, SD_STRATEGY_AUTOMERGE);

	(void)st;
	assert_int_equal(sd_sbx_seed(f->s, "Item", 400, 3, f->now, NULL), SD_OK);
	eq(fx_get(f,
		   "mutation { createItem(input: {id: \"a\", title: \"q\\\"\\\\ "
		   "\\u00e9\\n\\t/\\u0007"
		   " 日本\", names: [\"\", \"x,y]}\"], data: \"{\\\"k\\\":[1,{\\\"l\\\":null}]}\", "
		   "list: [\"1\", \"null\", \"{}\"], count: -5, price: 1e21, deep: {b: 1, more: "
		   "[{b: 2, a: \"}\"}, null]}, tags: [null, \"t\"], sizes: []}) { id } deleteItem("
		   "input: {id: \"a\", _version: 1}) { id } }",
		   NULL, "errors"),
		"");
	same(f, FIELDS);
	same(f, "id");
	same(f, "deeps { a } deep { size }");
	fx_close(f);
}

/* What is not as the type says: the same nulls, the same errors with the same paths. */
static void broken_items_are_the_same_either_way(void **st)
{
	static const char *const ROW[] = {"{\"id\":\"1\"}",
		"{\"id\":\"2\",\"title\":null,\"names\":[\"a\"]}",
		"{\"id\":\"3\",\"title\":7,\"names\":[1,\"b\"]}",
		"{\"id\":\"4\",\"title\":\"t\",\"names\":[null]}",
		"{\"id\":\"5\",\"title\":\"t\",\"names\":\"no list\"}",
		"{\"id\":\"6\",\"title\":\"t\",\"names\":{\"\\u0001SS\":[\"x\",\"y\"]}}",
		"{\"id\":\"7\",\"title\":true,\"names\":[]}",
		"{\"id\":\"8\",\"title\":\"t\",\"names\":[],\"count\":\"5\",\"price\":\"x\"}",
		"{\"id\":\"9\",\"title\":\"t\",\"names\":[],\"on\":1,\"stamp\":false}",
		"{\"id\":\"10\",\"title\":\"t\",\"names\":[],\"deep\":{\"a\":\"x\"}}",
		"{\"id\":\"11\",\"title\":\"t\",\"names\":[],\"deep\":[1]}",
		"{\"id\":\"12\",\"title\":\"t\",\"names\":[],\"deep\":5,\"deeps\":{\"b\":1}}",
		"{\"id\":\"13\",\"title\":\"t\",\"names\":[],\"deeps\":[null,{\"b\":2}]}",
		"{\"id\":\"14\",\"title\":{},\"names\":[[\"a\"]]}",
		"{\"id\":\"15\",\"title\":\"t\",\"names\":[],\"size\":3,\"sizes\":[\"S\",null]}",
		"{\"id\":\"16\",\"title\":\"t\",\"names\":[],\"data\":[1,2.50,\"x\"],\"list\":[{},"
		"null]}",
		"{\"id\":\"17\",\"title\":\"t\",\"names\":[],\"at\":5,\"day\":null,\"count\":1.5}",
		"{\"id\":\"18\",\"title\":\"t\",\"names\":[],\"count\":9007199254740993,\"price\":"
		"12.50}"};
	struct fx *f = fx_open(all, SD_STRATEGY_AUTOMERGE);

	(void)st;
	for (size_t i = 0; i < sizeof ROW / sizeof *ROW; i++) {
		char *a;
		put(f, ROW[i]);
		same(f, FIELDS);
		a = answer(f, "", "id");
		assert_null(strstr(a, "errors"));
		free(a);
	}
	same(f, "title");
	same(f, "deep { a more { b } }");
	fx_close(f);
}

/* Children of a relation, pages with tokens, and an index query go the same way. */
static void nested_lists_are_written_from_text_too(void **st)
{
	struct fx *f = fx_open(all, SD_STRATEGY_AUTOMERGE);
	struct cJSON *a, *b;
	char *x, *y;

	(void)st;
	assert_int_equal(sd_sbx_seed(f->s, "Box", 5, 3, f->now, NULL), SD_OK);
	assert_int_equal(sd_sbx_seed(f->s, "Item", 100, 3, f->now, NULL), SD_OK);
	a = fx_ask(f, "{ listBoxes { items { id items(limit: 100) { items { " FIELDS " } } } } }",
		NULL);
	b = fx_ask(f,
		"{ listBoxes { items { id items(limit: 100, filter: {id: {ne: \"-\"}}) { items { "
		"" FIELDS " } } } } }",
		NULL);
	x = sd_json_text(a);
	y = sd_json_text(b);
	eq(x, y);
	if (strlen(x) < 20000)
		fail_msg("%s", x);
	free(x);
	free(y);
	sd_json_free(a);
	sd_json_free(b);
	fx_close(f);
}

/* No text, however broken, is written half or read beyond its end. */
static void any_cut_of_a_text_is_refused_whole(void **st)
{
	static const char item[] = "{\"id\":\"1\",\"title\":\"a\\\"b\",\"names\":[\"x\",\"y\"],"
				   "\"deep\":{\"b\":1,\"more\":[{\"b\":2}]},\"on\":true}";
	struct fx *f = fx_open(all, SD_STRATEGY_AUTOMERGE);
	struct sd_buf out = SD_BUF_INIT;
	struct sbx_req r;
	struct sbx_type *t = sbx_type_find(&f->s->x, "Item");
	struct sbx_plan plan[2] = {{.key = "title", .def = sbx_field_find(t, "title"), .parent = t},
		{.key = "names", .def = sbx_field_find(t, "names"), .parent = t}};

	(void)st;
	sbx_req_init(&r, f->s, NULL, f->now, &out);
	plan[0].next = &plan[1];
	assert_true(sbx_verbatim_can(&r, plan));
	sd_buf_str(&out, "x");
	for (size_t n = 0; n < sizeof item - 1; n++) {
		char *cut = sd_strdup_n(item, n); /* so that a checker sees its end */
		assert_false(sbx_verbatim(&r, plan, cut, n));
		eq(sd_buf_text(&out), "x");
		free(cut);
	}
	assert_true(sbx_verbatim(&r, plan, item, sizeof item - 1));
	eq(sd_buf_text(&out), "x{\"title\":\"a\\\"b\",\"names\":[\"x\",\"y\"]}");
	for (int i = 0; i < 20000; i++) { /* and any byte in any place */
		char wild[sizeof item];
		memcpy(wild, item, sizeof item);
		for (int k = 0; k < 3; k++)
			wild[sd_rand_below(&f->rand, sizeof item - 1)] =
				"\"\\{}[],:n1t x"[sd_rand_below(&f->rand, 13)];
		out.len = 1;
		(void)sbx_verbatim(&r, plan, wild, sizeof item - 1);
	}
	sbx_req_release(&r);
	sd_buf_release(&out);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(seeded_and_written_items_are_the_same_either_way),
		cmocka_unit_test(broken_items_are_the_same_either_way),
		cmocka_unit_test(nested_lists_are_written_from_text_too),
		cmocka_unit_test(any_cut_of_a_text_is_refused_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
