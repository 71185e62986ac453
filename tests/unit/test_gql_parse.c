/* tests/unit/test_gql_parse.c - executable documents as a tree. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/graphql/parse.h"

static struct sd_gql_doc *parse(const char *text)
{
	struct sd_gql_doc *d = NULL;
	struct sd_error e = {0};

	if (sd_gql_parse(text, strlen(text), &d, &e) != SD_OK)
		fail_msg("%s\n  in: %s", e.text, text);
	return d;
}

static void refuse(const char *text, const char *message)
{
	struct sd_gql_doc *d = (void *)1;
	struct sd_error e = {0};

	assert_int_equal(sd_gql_parse(text, strlen(text), &d, &e), SD_INVAL);
	assert_null(d);
	assert_string_equal(e.text, message);
}

/* server.md 6.8 */
static void every_document_an_official_client_sends_is_read(void **st)
{
	static const char *const DOCS[] = {
		"query operation($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, "
		"$filter: ModelPostFilterInput){\n  syncPosts(limit: $limit, nextToken: "
		"$nextToken, "
		"lastSync: $lastSync, filter: $filter){\n    items { id title blog { id _deleted } "
		"_version _lastChangedAt _deleted } nextToken startedAt } }",
		"mutation operation($input: UpdatePostInput!, $condition: "
		"ModelPostConditionInput){ "
		"updatePost(input: $input, condition: $condition){ id } }",
		"query operation($id: ID!){ getPost(id: $id){ id } }",
		"subscription operation($filter: ModelSubscriptionPostFilterInput,$owner: "
		"String!){ "
		"onCreatePost(filter: $filter,owner: $owner){ id } }",
		"mutation U($input: UpdatePostInput!) { updatePost(input: $input) { __typename } }",
		"{ getPost(id: \"1\") { id } }",
	};

	(void)st;
	for (size_t i = 0; i < sizeof DOCS / sizeof *DOCS; i++)
		sd_gql_free(parse(DOCS[i]));
}

static void a_sync_query_has_its_variables_arguments_and_places(void **st)
{
	struct sd_gql_doc *d =
		parse("\xef\xbb\xbfquery operation($limit: Int = 5, $ids: [ID!]!) {\r\n"
		      "  all: syncPosts(limit: $limit) { items { id } }\r\n}");
	const struct sd_gql_op *op = &d->ops[0];
	const struct sd_gql_selection *s = &op->sels[0];

	(void)st;
	assert_int_equal(d->op_count, 1);
	assert_int_equal(op->kind, SD_GQL_QUERY);
	assert_string_equal(op->name, "operation");
	assert_int_equal(op->line * 100 + op->column, 101);
	assert_int_equal(op->var_count, 2);
	assert_string_equal(op->vars[0].name, "limit");
	assert_string_equal(op->vars[0].type.name, "Int");
	assert_false(op->vars[0].type.non_null);
	assert_string_equal(op->vars[0].default_value->text, "5");
	assert_null(op->vars[1].default_value);
	assert_null(op->vars[1].type.name);
	assert_true(op->vars[1].type.non_null && op->vars[1].type.of->non_null);
	assert_string_equal(op->vars[1].type.of->name, "ID");
	assert_string_equal(s->alias, "all");
	assert_string_equal(s->name, "syncPosts");
	assert_int_equal(s->line * 100 + s->column, 203);
	assert_int_equal(s->arg_count, 1);
	assert_int_equal(s->args[0].value.kind, SD_GQL_VARIABLE);
	assert_string_equal(s->args[0].value.text, "limit");
	assert_int_equal(s->args[0].column, 18);
	assert_string_equal(s->sels[0].sels[0].name, "id");
	assert_int_equal(s->sels[0].sels[0].sel_count, 0);
	sd_gql_free(d);
}

static void values_of_every_kind_keep_their_text(void **st)
{
	struct sd_gql_doc *d =
		parse("{f(a:1 b:-0.5e3,c:\"x\\u00e9\\n\\ud83d\\ude00\\u{1F600}\\u{65}\" d:true "
		      "e:null f:RED "
		      "g:[1,[],$v] h:{k:{} l:\"\"})}");
	const struct sd_gql_arg *a = d->ops[0].sels[0].args;
	static const enum sd_gql_value_kind KINDS[] = {SD_GQL_INT, SD_GQL_FLOAT, SD_GQL_STRING,
		SD_GQL_BOOL, SD_GQL_NULL, SD_GQL_ENUM, SD_GQL_LIST, SD_GQL_OBJECT};

	(void)st;
	assert_int_equal(d->ops[0].sels[0].arg_count, 8);
	for (size_t i = 0; i < 8; i++)
		assert_int_equal(a[i].value.kind, KINDS[i]);
	assert_string_equal(a[0].value.text, "1");
	assert_string_equal(a[1].value.text, "-0.5e3");
	assert_string_equal(a[2].value.text, "x\xc3\xa9\n\xf0\x9f\x98\x80\xf0\x9f\x98\x80"
					     "e");
	assert_string_equal(a[3].value.text, "true");
	assert_string_equal(a[5].value.text, "RED");
	assert_int_equal(a[6].value.count, 3);
	assert_int_equal(a[6].value.items[1].kind, SD_GQL_LIST);
	assert_int_equal(a[6].value.items[1].count, 0);
	assert_string_equal(a[6].value.items[2].text, "v");
	assert_int_equal(a[7].value.count, 2);
	assert_string_equal(a[7].value.names[1], "l");
	assert_string_equal(a[7].value.items[1].text, "");
	sd_gql_free(d);
}

/* the block string example of the October 2021 edition, and its corners */
static void block_strings_lose_their_indentation(void **st)
{
	static const char *const CASES[][2] = {
		{"\"\"\"\n    Hello,\n      World!\n\n    Yours,\n      GraphQL.\n  \"\"\"",
			"Hello,\n  World!\n\nYours,\n  GraphQL."},
		{"\"\"\"a \\\"\"\" \\n b\"\"\"", "a \"\"\" \\n b"},
		{"\"\"\"\"\"\"", ""},
		{"\"\"\"  \r\n\t\r  \"\"\"", ""},
		{"\"\"\"  first\r\n   second\r  third  \"\"\"", "  first\n second\nthird  "},
		{"\"\"\"a\n    b\n  \n c\"\"\"", "a\n   b\n \nc"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		char text[256];
		struct sd_gql_doc *d;
		snprintf(text, sizeof text, "{f(a: %s)}", CASES[i][0]);
		d = parse(text);
		assert_string_equal(d->ops[0].sels[0].args[0].value.text, CASES[i][1]);
		sd_gql_free(d);
	}
}

static void fragments_directives_and_several_operations_are_kept(void **st)
{
	struct sd_gql_doc *d = parse("query A($c: Boolean! @x) @live { ...F @include(if: $c) ... "
				     "on Post @a @b { id } ... { n } }\n"
				     "# comment, with { brackets\n"
				     "fragment F on Post { on: fragment query }\n"
				     "mutation { m0: a m1: b }");

	(void)st;
	assert_int_equal(d->op_count, 2);
	assert_string_equal(d->ops[0].directives[0].name, "live");
	assert_int_equal(d->ops[0].sels[0].kind, SD_GQL_SPREAD);
	assert_string_equal(d->ops[0].sels[0].directives[0].args[0].value.text, "c");
	assert_int_equal(d->ops[0].sels[1].kind, SD_GQL_INLINE);
	assert_string_equal(d->ops[0].sels[1].name, "Post");
	assert_int_equal(d->ops[0].sels[1].directive_count, 2);
	assert_null(d->ops[0].sels[2].name);
	assert_int_equal(d->ops[1].kind, SD_GQL_MUTATION);
	assert_null(d->ops[1].name);
	assert_string_equal(d->ops[1].sels[1].alias, "m1");
	assert_string_equal(sd_gql_fragment(d, "F")->on, "Post");
	assert_string_equal(sd_gql_fragment(d, "F")->sels[0].alias, "on");
	assert_null(sd_gql_fragment(d, "G"));
	sd_gql_free(d);
}

static void what_is_wrong_is_refused_with_line_and_column(void **st)
{
	static const char *const CASES[][2] = {
		{"", "1:1: expected query, mutation, subscription, fragment or '{', found the end "
		     "of "
		     "the document"},
		{"query {\n  posts(é: 1)\n}",
			"2:9: expected a name, a value or a bracket, found \"é\""},
		{"{ a(\"\xe2\x98\x83\xe2\x98\x83\": 1) }",
			"1:5: expected an argument's name, found \"\xe2\x98\x83\xe2\x98\x83\""},
		{"{ a(x: \"\xe2\x98\x83\" \xe2\x98\x83) }",
			"1:12: expected a name, a value or a bracket, found \"\xe2\x98\x83\""},
		{"{ }", "1:3: expected at least one field or \"...\", found \"}\""},
		{"{ a { b }",
			"1:10: expected a field, \"...\" or '}', found the end of the document"},
		{"type Post { id: ID }", "1:1: expected query, mutation, subscription, fragment or "
					 "'{', found \"type\""},
		{"{ a() }", "1:5: expected an argument's name, found \")\""},
		{"query($a: Int = $b) { a }", "1:17: expected a constant value, found \"$\""},
		{"{ a(b: \"x\n\") }", "1:10: expected '\"' at the end of the string"},
		{"{ a(b: \"\\ud800\") }",
			"1:9: this escape stands for no character that text may hold"},
		{"{ a(b: \"\\u{d800}\") }",
			"1:9: this escape stands for no character that text may hold"},
		{"{ a(b: \"\\u{}\") }",
			"1:9: expected an escape (\\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX "
			"\\u{...})"},
		{"{ a(b: \"\\u0000\") }",
			"1:9: this escape stands for no character that text may hold"},
		{"{ a(b: 01) }", "1:8: a number may not begin with 0"},
		{"{ a(b: 1.) }", "1:8: expected a digit after the decimal point"},
		{"{ a(b: 1x) }", "1:8: expected something between the number and what follows it"},
		{"{ a(b: [1, 2 }", "1:14: expected a value, found \"}\""},
		{"fragment on on Post { id }",
			"1:10: expected a fragment's name before \"on\", found \"on\""},
		{"{ a\r\n\r  \x01 }", "3:3: a control character stands here"},
		{"{ a \xff }", "1:5: the document is not valid UTF-8 here"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
		refuse(CASES[i][0], CASES[i][1]);
}

static void depth_size_and_token_limits_hold(void **st)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_gql_doc *d;
	struct sd_error e;

	(void)st;
	for (int levels = 128; levels <= 129; levels++) {
		sd_buf_reset(&b);
		for (int i = 0; i < levels; i++)
			sd_buf_str(&b, "{a");
		for (int i = 0; i < levels; i++)
			sd_buf_ch(&b, '}');
		assert_int_equal(
			sd_gql_parse(b.data, b.len, &d, &e), levels == 128 ? SD_OK : SD_TOOBIG);
		sd_gql_free(d);
	}
	for (int tokens = 200000; tokens <= 200001; tokens++) {
		sd_buf_reset(&b);
		sd_buf_ch(&b, '{');
		for (int i = 0; i < tokens - 2; i++)
			sd_buf_str(&b, "a ");
		sd_buf_ch(&b, '}');
		assert_int_equal(
			sd_gql_parse(b.data, b.len, &d, &e), tokens == 200000 ? SD_OK : SD_TOOBIG);
		if (d)
			assert_int_equal(d->ops[0].sel_count, 199998);
		sd_gql_free(d);
	}
	sd_buf_reset(&b);
	for (size_t i = 0; i < ((size_t)1 << 20) - 3; i++)
		sd_buf_ch(&b, ' ');
	sd_buf_str(&b, "{a}");
	assert_int_equal(sd_gql_parse(b.data, b.len, &d, &e), SD_OK);
	sd_gql_free(d);
	sd_buf_ch(&b, ' ');
	assert_int_equal(sd_gql_parse(b.data, b.len, &d, &e), SD_TOOBIG);
	sd_buf_release(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_document_an_official_client_sends_is_read),
		cmocka_unit_test(a_sync_query_has_its_variables_arguments_and_places),
		cmocka_unit_test(values_of_every_kind_keep_their_text),
		cmocka_unit_test(block_strings_lose_their_indentation),
		cmocka_unit_test(fragments_directives_and_several_operations_are_kept),
		cmocka_unit_test(what_is_wrong_is_refused_with_line_and_column),
		cmocka_unit_test(depth_size_and_token_limits_hold),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
