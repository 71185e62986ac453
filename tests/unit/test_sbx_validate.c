/*
 * tests/unit/test_sbx_validate.c - the whole document against the schema: GraphQL section 5, texts of
 * spec/server.md 6.3.  That graphql-js agrees is shown by tests/interop/graphql.js.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/time.h"
#include "tests/support/sbx_fixture.h"

#define eq(a, b) assert_string_equal((a), (b))
#define SAYS     "Validation error of type "

/* The first error is this one; nothing was executed. */
static void says(struct fx *f, const char *query, const char *message)
{
	struct cJSON *j = fx_ask(f, query, NULL);

	if (strncmp(fx_at(j, "errors.0.message"), SAYS, strlen(SAYS)) != 0)
		fail_msg("%s\n%s", query, fx_at(j, ""));
	eq(fx_at(j, "errors.0.message") + strlen(SAYS), message);
	eq(fx_at(j, "data"), "null");
	eq(fx_at(j, "errors.0.path"), "null");
	sd_json_free(j);
}

static void names_are_given_once(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "query a { __typename } query a { __typename }",
		"DuplicateOperationName: There can be only one operation named 'a'");
	says(f, "{ __typename } query a { __typename }",
		"LoneAnonymousOperationViolation: Anonymous operation with other operations.");
	says(f,
		"{ getPost(id: 1) { ...f } } fragment f on Post { id } fragment f on Post { title "
		"}",
		"DuplicateFragmentName: There can be only one fragment named 'f'");
	says(f, "query($a: Int, $a: Int) { listPosts(limit: $a) { nextToken } }",
		"DuplicateVariableName: There can be only one variable named 'a'");
	says(f, "{ listPosts(limit: 1, limit: 1) { nextToken } }",
		"DuplicateArgumentNames: There can be only one argument named 'limit' @ "
		"'listPosts'");
	says(f, "mutation { createPost(input: {title: \"a\", title: \"b\"}) { id } }",
		"WrongType: argument 'input' with value 'ObjectValue{title: "
		"StringValue{value='a'}, title: StringValue{value='b'}}' contains a field name "
		"twice: 'title' @ 'createPost'");
	fx_close(f);
}

static void fragments_are_used_known_and_of_the_right_type(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "{ __typename } fragment f on Post { id }", "UnusedFragment: Unused fragment f");
	says(f, "{ __typename } fragment f on Post { nope }",
		"FieldUndefined: Field 'nope' in type 'Post' is undefined @ 'f/nope'");
	says(f, "{ getPost(id: 1) { ...f } } fragment f on Nope { id }",
		"UnknownType: Unknown type Nope");
	says(f, "{ getPost(id: 1) { ...f } } fragment f on Status { id }",
		"FragmentTypeConditionInvalid: Fragment type condition is invalid, must be on "
		"Object/Interface/Union");
	says(f, "{ getPost(id: 1) { ... on MetaInput { a } } }",
		"InlineFragmentTypeConditionInvalid: Inline fragment type condition is invalid, "
		"must be on Object/Interface/Union @ 'getPost'");
	says(f, "{ getPost(id: 1) { ...f } } fragment f on Person { id }",
		"InvalidFragmentType: Fragment f cannot be spread here as objects of type Post can "
		"never be of type Person @ 'getPost'");
	says(f,
		"{ getPost(id: 1) { ...a } } fragment a on Post { ...b } fragment b on Post { ...a "
		"}",
		"FragmentCycle: Fragment cycles not allowed @ 'b'");
	fx_close(f);
}

static void variables_are_declared_used_and_fit(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "query($x: Int) { __typename }", "UnusedVariable: Unused variable x");
	says(f, "{ ...q } fragment q on Query { listPosts(limit: $l) { nextToken } }",
		"UndefinedVariable: Undefined variable l @ 'q/listPosts'");
	says(f, "query($p: Post) { listPosts(limit: $p) { nextToken } }",
		"NonInputTypeOnVariable: Input variable p type is not an input type");
	says(f, "query($l: Int = \"5\") { listPosts(limit: $l) { nextToken } }",
		"BadValueForDefaultArg: Bad default value StringValue{value='5'} for type Int");
	says(f, "query($l: [Int!]!) { listPosts(limit: $l) { nextToken } }",
		"VariableTypeMismatch: Variable type '[Int!]!' does not match expected type 'Int' "
		"@ 'listPosts'");
	says(f, "mutation($t: String) { createPost(input: {title: $t}) { id } }",
		"VariableTypeMismatch: Variable type 'String' does not match expected type "
		"'String!' @ 'createPost'");
	eq(fx_get(f, "query($i: ID = \"x\") { getPost(id: $i) { id } }", NULL, ""),
		"{\"data\":{\"getPost\":null}}");
	/* required variables that are missing are the service's own words (6.3) */
	eq(fx_get(f, "query($i: ID!) { getPost(id: $i) { id } }", NULL, "errors.0.message"),
		"Variable 'i' has coerced Null value for NonNull type 'ID!'");
	eq(fx_get(f, "query($i: ID = \"x\") { getPost(id: $i) { id } }", "{\"i\":null}",
		   "errors.0.message"),
		"Variable 'id' has coerced Null value for NonNull type 'ID!'");
	fx_close(f);
}

static void directives_stand_where_they_may(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "query q @skip(if: true) { __typename }",
		"MisplacedDirective: Directive skip not allowed here");
	says(f, "query($l: Int @up) { listPosts(limit: $l) { nextToken } }",
		"UnknownDirective: Unknown directive up");
	says(f, "{ __typename @aws_api_key }",
		"MisplacedDirective: Directive aws_api_key not allowed here @ '__typename'");
	says(f, "{ __typename @skip }",
		"MissingDirectiveArgument: Missing directive argument if @ '__typename'");
	says(f, "{ __typename @skip(if: true, x: 1) }",
		"UnknownDirective: Unknown directive argument x @ '__typename'");
	says(f, "{ __typename @skip(if: true) @skip(if: true) }",
		"DuplicateDirectiveName: Directives must be uniquely named within a location. The "
		"directive 'skip' used on a 'FIELD' is not unique. @ '__typename'");
	fx_close(f);
}

static void fields_of_one_key_are_the_same_field(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "{ a: listPosts(limit: 1) { nextToken } a: listPosts(limit: 2) { nextToken } }",
		"FieldsConflict: a: they have differing arguments @ 'a'");
	says(f,
		"{ getPost(id: 1) { meta { x: a } ...f } } fragment f on Post { meta { x: b "
		"@skip(if: "
		"true) } }",
		"FieldsConflict: x: a and b are different fields @ 'getPost/meta/x'");
	eq(fx_get(f,
		   "{ a: listPosts(filter: {rating: {gt: 1, lt: 2}}) { nextToken } a: "
		   "listPosts(filter: {rating: {lt: 2, gt: 1}}) { items { id } } }",
		   NULL, ""),
		"{\"data\":{\"a\":{\"nextToken\":null,\"items\":[]}}}");
	fx_close(f);
}

/* The operation that is not asked for counts too, and what is chosen runs alone. */
static void every_operation_of_a_document_is_checked(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	static const char two[] =
		"{\"query\":\"query a { __typename } mutation b { createPost(input: "
		"{title: \\\"t\\\"}) { title } }\",\"operationName\":\"%s\"}";
	static const struct {
		const char *name, *says;
	} asks[] = {{"a", "{\"data\":{\"__typename\":\"Query\"}}"},
		{"b", "{\"data\":{\"createPost\":{\"title\":\"t\"}}}"},
		{"c", "{\"data\":null,\"errors\":[{\"path\":null,\"locations\":null,\"message\":"
		      "\"Unknown operation named 'c'.\"}]}"}};
	struct sd_sbx_answer a;
	char body[300];

	(void)st;
	says(f, "query a { __typename } query b { nope }",
		"FieldUndefined: Field 'nope' in type 'Query' is undefined @ 'nope'");
	says(f, "query a { __typename } subscription b { onCreatePost { id } onUpdatePost { id } }",
		"SubscriptionMultipleRootFields: Subscription operation b must have exactly one "
		"root field");
	says(f, "query a { __typename } subscription b { __typename }",
		"SubscriptionIntrospectionRootField: Subscription operation b root field must not "
		"be an introspection field");
	for (size_t i = 0; i < sizeof asks / sizeof asks[0]; i++) {
		snprintf(body, sizeof body, two, asks[i].name);
		sd_sbx_request(f->s, body, strlen(body), &f->who, f->now, &a);
		assert_int_equal(a.status, 200);
		eq(sd_buf_text(&a.body), asks[i].says);
		sd_sbx_answer_release(&a);
	}
	fx_close(f);
}

static void all_that_is_wrong_is_said_up_to_fifty(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_buf q = SD_BUF_INIT;
	struct cJSON *j;

	(void)st;
	j = fx_ask(f, "query($u: Int) { a b(x: 1) getPost { id } ...g }", NULL);
	assert_int_equal(sd_json_count(sd_json_get(j, "errors")), 5);
	eq(fx_at(j, "errors.1.locations"), "[{\"line\":1,\"column\":20,\"sourceName\":null}]");
	sd_json_free(j);
	sd_buf_ch(&q, '{');
	for (int i = 0; i < 500; i++)
		sd_buf_fmt(&q, " f%d", i);
	sd_buf_str(&q, " }");
	j = fx_ask(f, sd_buf_text(&q), NULL);
	assert_int_equal(sd_json_count(sd_json_get(j, "errors")), 50);
	sd_json_free(j);
	sd_buf_release(&q);
	fx_close(f);
}

static void refused_in_time(struct fx *f, struct sd_buf *q, const char *what)
{
	int64_t start = sd_mono_ms();
	struct cJSON *j = fx_ask(f, sd_buf_text(q), NULL);

	if (!strstr(fx_at(j, "errors.0.message"), what))
		fail_msg("%s", fx_at(j, ""));
	eq(fx_at(j, "data"), "null");
	assert_true(sd_mono_ms() - start < 60000);
	sd_json_free(j);
	sd_buf_release(q);
}

/* Documents made to take for ever, or to run out of stack. */
static void documents_made_to_hurt_are_refused_soon(void **st)
{
	struct fx *f = fx_open("type Blog @model { id: ID! posts: [Post] @hasMany }\n"
			       "type Post @model { id: ID! blog: Blog @belongsTo }",
		SD_STRATEGY_AUTOMERGE);
	struct sd_buf q = SD_BUF_INIT;

	(void)st;
	sd_buf_str(&q, "{ getPost(id: 1) { ...f0 } }"); /* each level twice: 2^100 fields */
	for (int i = 0; i < 100; i++)
		sd_buf_fmt(&q,
			" fragment f%d on Post { a: blog { posts { items { ...f%d } } } b: blog { "
			"posts "
			"{ items { ...f%d } } } }",
			i, i + 1, i + 1);
	sd_buf_str(&q, " fragment f100 on Post { id }");
	refused_in_time(f, &q, "");
	sd_buf_str(&q, "{ getPost(id: 1) { ...f0 } }");
	for (int i = 0; i < 9000; i++)
		sd_buf_fmt(&q, " fragment f%d on Post { id ...f%d }", i, i + 1);
	sd_buf_str(&q, " fragment f9000 on Post { id }");
	refused_in_time(f, &q, "MaxDepthExceeded");
	sd_buf_str(&q, "{ getPost(id: 1) { ...f0 } }");
	for (int i = 0; i < 9000; i++) /* the deepest first: no search from the top */
		sd_buf_fmt(&q, " fragment f%d on Post { id ...f%d }", 9000 - i, 9001 - i);
	sd_buf_str(&q, " fragment f9001 on Post { id } fragment f0 on Post { ...f1 }");
	refused_in_time(f, &q, "MaxDepthExceeded");
	for (int i = 0; i < 3000; i++) /* every operation reaches every fragment */
		sd_buf_fmt(&q, " query q%d { getPost(id: 1) { ...a } }", i);
	sd_buf_str(&q, " fragment a on Post {");
	for (int i = 0; i < 3000; i++)
		sd_buf_fmt(&q, " ...f%d", i);
	sd_buf_str(&q, " }");
	for (int i = 0; i < 3000; i++)
		sd_buf_fmt(&q, " fragment f%d on Post { id }", i);
	refused_in_time(f, &q, "too complex");
	sd_buf_str(&q, "{ listPosts(");
	for (int i = 0; i < 60000; i++)
		sd_buf_str(&q, "limit: 1 ");
	sd_buf_str(&q, ") { nextToken } }");
	refused_in_time(f, &q, "DuplicateArgumentNames");
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_given_once),
		cmocka_unit_test(fragments_are_used_known_and_of_the_right_type),
		cmocka_unit_test(variables_are_declared_used_and_fit),
		cmocka_unit_test(directives_stand_where_they_may),
		cmocka_unit_test(fields_of_one_key_are_the_same_field),
		cmocka_unit_test(every_operation_of_a_document_is_checked),
		cmocka_unit_test(all_that_is_wrong_is_said_up_to_fifty),
		cmocka_unit_test(documents_made_to_hurt_are_refused_soon),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
