/*
 * tests/unit/test_sbx_ask.c - requests to the generated API: bodies, the standard's documents,
 * introspection, scalars, plurals (spec/server.md 10.1).
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

/* graphql-js 16, getIntrospectionQuery() with everything switched on */
static const char introspection[] =
	"query IntrospectionQuery { __schema { description queryType { name kind } mutationType { "
	"name kind } "
	"subscriptionType { name kind } types { ...FullType } directives { name description "
	"isRepeatable "
	"locations args(includeDeprecated: true) { ...InputValue } } } } "
	"fragment FullType on __Type { kind name description specifiedByURL isOneOf "
	"fields(includeDeprecated: true) { name description args(includeDeprecated: true) { "
	"...InputValue } "
	"type { ...TypeRef } isDeprecated deprecationReason } inputFields(includeDeprecated: true) "
	"{ ...InputValue } "
	"interfaces { ...TypeRef } enumValues(includeDeprecated: true) { name description "
	"isDeprecated "
	"deprecationReason } possibleTypes { ...TypeRef } } "
	"fragment InputValue on __InputValue { name description type { ...TypeRef } defaultValue "
	"isDeprecated "
	"deprecationReason } "
	"fragment TypeRef on __Type { kind name ofType { kind name ofType { kind name ofType { "
	"kind name "
	"ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } } } } } "
	"}";

static void post(struct fx *f, const char *body, int status, const char *message)
{
	struct sd_sbx_answer a;
	struct cJSON *j = NULL;

	sd_sbx_request(f->s, body, strlen(body), &f->who, f->now, &a);
	assert_int_equal(a.status, status);
	assert_int_equal(
		sd_json_parse(sd_buf_text(&a.body), a.body.len, "answer", &j, NULL), SD_OK);
	eq(fx_at(j, "errors.0.message"), message);
	eq(fx_at(j, "errors.0.errorType"), status == 400 && !strstr(message, "realtime")
						   ? "MalformedHttpRequestException"
					   : status == 400 ? "UnsupportedOperation"
							   : "");
	sd_json_free(j);
	sd_sbx_answer_release(&a);
}

/* SRV-H01, SRV-H02, SRV-H03 */
static void bodies_that_are_no_request_get_400_and_unknown_fields_200(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	post(f, "", 400, "Request body is empty.");
	post(f, "{}", 400, "Unable to parse GraphQL query.");
	post(f, "meow", 400, "Unable to parse GraphQL query.");
	post(f, "[]", 400, "Unable to parse GraphQL query.");
	post(f, "{\"query\":\"{\"}", 400, "Unable to parse GraphQL query.");
	post(f, "{\"query\":\"subscription { onCreatePost { id } }\"}", 400,
		"Subscriptions are served on the realtime endpoint.");
	post(f, "{\"query\":\"query a { __typename } query b { __typename }\"}", 200,
		"Must provide operation name if query contains multiple operations.");
	j = fx_ask(f, "{badfield}", NULL);
	eq(fx_at(j, ""),
		"{\"data\":null,\"errors\":[{\"path\":null,\"locations\":[{\"line\":1,\"column\":2,"
		"\"sourceName\":null}],\"message\":\"Validation error of type FieldUndefined: "
		"Field "
		"'badfield' in type 'Query' is undefined @ 'badfield'\"}]}");
	sd_json_free(j);
	fx_close(f);
}

/* SRV-H12 */
static void aliases_fragments_and_directives_work_as_the_standard_says(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	static const char q[] =
		"query Q($yes: Boolean!, $no: Boolean = false) { __typename one: getPost(id: "
		"\"p1\") { "
		"...head ... on Post { meta { b } } ... @include(if: $no) { rating } "
		"content @skip(if: $yes) __typename meta { a } } } "
		"fragment head on Post { key: id title }";

	(void)st;
	eq(fx_get(f,
		   "mutation { createPost(input: {id: \"p1\", title: \"t\", meta: {a: \"x\", b: "
		   "2}}) { id } }",
		   NULL, "data.createPost.id"),
		"p1");
	eq(fx_get(f, q, "{\"yes\":true,\"unknown\":[1]}", ""),
		"{\"data\":{\"__typename\":\"Query\",\"one\":{\"key\":\"p1\",\"title\":\"t\","
		"\"meta\":{\"b\":2,\"a\":\"x\"},\"__typename\":\"Post\"}}}");
	eq(fx_get(f, q, "{}", "errors.0.message"),
		"Variable 'yes' has coerced Null value for NonNull type 'Boolean!'");
	fx_close(f);
}

static const struct cJSON *type_named(const struct cJSON *types, const char *name)
{
	const struct cJSON *t = sd_json_child(types);

	while (t && strcmp(fx_at(t, "name"), name) != 0)
		t = sd_json_next(t);
	assert_non_null(t);
	return t;
}

/* SRV-S01, SRV-S02, SRV-H13, U-25 */
static void the_whole_introspection_query_is_answered_or_refused(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j = fx_ask(f, introspection, NULL);
	const struct cJSON *types = sd_json_path(j, "data", "__schema", "types", NULL), *t;
	struct sd_error e;

	(void)st;
	eq(fx_at(j, "errors"), "");
	eq(fx_at(j, "data.__schema.queryType.name"), "Query");
	t = type_named(types, "ModelPostConnection");
	eq(fx_at(t, "kind"), "OBJECT");
	eq(fx_at(t, "fields.0.type.kind"), "NON_NULL");
	eq(fx_at(t, "fields.0.type.ofType.kind"), "LIST");
	eq(fx_at(t, "fields.0.type.ofType.ofType.name"), "Post");
	eq(fx_at(t, "fields.2.type.name"), "AWSTimestamp");
	eq(fx_at(t, "inputFields"), "null");
	eq(fx_at(t, "interfaces"), "[]");
	t = type_named(types, "Status");
	eq(fx_at(t, "enumValues.1.name"), "LIVE");
	t = type_named(types, "CreatePostInput");
	eq(fx_at(t, "kind"), "INPUT_OBJECT");
	eq(fx_at(t, "inputFields.1.type.ofType.name"), "String");
	eq(fx_at(type_named(types, "AWSJSON"), "kind"), "SCALAR");
	sd_json_free(j);
	eq(fx_get(f, "{ __type(name: \"Meta\") { name fields { name } } }", NULL, "data.__type"),
		"{\"name\":\"Meta\",\"fields\":[{\"name\":\"a\"},{\"name\":\"b\"}]}");
	eq(fx_get(f, "{ __type(name: \"Nope\") { name } }", NULL, "data.__type"), "null");
	assert_int_equal(sd_sbx_set(f->s, "introspection", "false", &e), SD_OK);
	j = fx_ask(f, introspection, NULL);
	eq(fx_at(j, "data"), "null");
	assert_non_null(
		strstr(fx_at(j, "errors.0.message"), "'__schema' in type 'Query' is undefined"));
	sd_json_free(j);
	fx_close(f);
}

/* spec/server.md 1.3, the plural rule */
static void plurals_are_the_services(void **st)
{
	static const char *const pairs[][2] = {{"Post", "Posts"}, {"Person", "People"},
		{"UserPerson", "UserPeople"}, {"Category", "Categories"}, {"Day", "Days"},
		{"Address", "Addresses"}, {"Status", "Statuses"}, {"Items", "Items"},
		{"Box", "Boxes"}, {"Buzz", "Buzzes"}, {"Analysis", "Analyses"},
		{"Syllabus", "Syllabi"}, {"Alias", "Aliases"}, {"Atlas", "Atlases"},
		{"Axis", "Axes"}, {"Knife", "Knives"}, {"Leaf", "Leaves"}, {"Proof", "Proofs"},
		{"Salesman", "Salesmen"}, {"StepChild", "StepChildren"}, {"Mouse", "Mice"},
		{"UserMouse", "UserMouses"}, {"Matrix", "Matrices"}, {"UserIndex", "UserIndices"},
		{"Data", "Data"}, {"Datum", "Data"}, {"Medium", "Mediums"},
		{"Criterion", "Criteria"}, {"Hero", "Heroes"}, {"Photo", "Photos"},
		{"Potato", "Potatoes"}, {"Alga", "Algae"}, {"Cherub", "Cherubim"},
		{"Echo", "Echoes"}, {"Schema", "Schemata"}, {"Ox", "Oxen"}, {"Quiz", "Quizzes"},
		{"Canvas", "Canvases"}, {"Human", "Humans"}, {"This", "These"},
		{"Equipment", "Equipment"}, {"News", "News"}, {"Series", "Series"},
		{"Goldfish", "Goldfish"}, {"Sheep", "Sheep"}, {"Japanese", "Japanese"},
		{"Query", "Queries"}, {"Soliloquy", "Soliloquies"}, {"Bus", "Buses"},
		{"House", "Houses"}, {"Money", "Monies"}, {"Journey", "Journeys"},
		{"Thief", "Thieves"}, {"Todo", "Todos"}, {"Foot", "Feet"}, {"Gateau", "Gateaus"},
		{"Virus", "Viri"}};
	struct sbx_arena a = {0};

	(void)st;
	for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++)
		eq(sbx_plural(&a, pairs[i][0]), pairs[i][1]);
	sbx_arena_free(&a);
}

static const char *accepts(const char *scalar, const char *value)
{
	struct cJSON *j = NULL;
	const char *wrong;

	assert_int_equal(sd_json_parse(value, strlen(value), "value", &j, NULL), SD_OK);
	wrong = sbx_scalar_wrong(NULL, sd_scalar_parse(scalar), j);
	sd_json_free(j);
	return wrong;
}

/* spec/server.md 1.10; the documented samples among them */
static void scalars_are_taken_and_refused_like_the_service_does(void **st)
{
	static const char *const good[][2] = {{"AWSDate", "\"1970-01-01Z\""},
		{"AWSDate", "\"1970-01-01-07:00\""}, {"AWSDate", "\"2024-02-29\""},
		{"AWSTime", "\"12:00:34.\""}, {"AWSTime", "\"23:59:59.123+05:30\""},
		{"AWSDateTime", "\"1930-01-01T16:00:00-07:00\""},
		{"AWSDateTime", "\"2026-11-22T10:00:00.123456789Z\""}, {"AWSTimestamp", "-123123"},
		{"AWSTimestamp", "9007199254740993"}, {"AWSURL", "\"https://amazon.com\""},
		{"AWSURL", "\"mailto:example@example.com\""}, {"AWSPhone", "\"+1 555 764 4377\""},
		{"AWSPhone", "\"555-764-4377\""}, {"AWSIPAddress", "\"127.0.0.1/8\""},
		{"AWSIPAddress", "\"1a2b:3c4b::1234:4567\""}, {"AWSIPAddress", "\"::1\""},
		{"AWSEmail", "\"a@b.c\""}, {"AWSJSON", "\"[1,{\\\"a\\\":null}]\""},
		{"AWSJSON", "\"5\""}, {"Int", "-2147483648"}, {"Float", "1e10"},
		{"Boolean", "true"}, {"ID", "5"}, {"String", "\"\""}};
	static const char *const bad[][2] = {{"AWSDate", "\"2026-02-29\""},
		{"AWSDate", "\"2026-11-31\""}, {"AWSTime", "\"24:00:00\""},
		{"AWSTime", "\"12:00\""}, {"AWSDateTime", "\"2026-11-22\""},
		{"AWSDateTime", "\"2026-11-22T10:00:00\""}, {"AWSTimestamp", "1.5"},
		{"AWSTimestamp", "\"1\""}, {"AWSURL", "\"/relative\""},
		{"AWSURL", "\"https://a/b//c\""}, {"AWSPhone", "\"call me\""},
		{"AWSPhone", "\"123\""}, {"AWSIPAddress", "\"1.2.3\""},
		{"AWSIPAddress", "\"1.2.3.256\""}, {"AWSIPAddress", "\"1.2.3.4/33\""},
		{"AWSIPAddress", "\"1:2\""}, {"AWSEmail", "\"a b@c.d\""}, {"AWSEmail", "\"a@\""},
		{"AWSJSON", "\"{a:1}\""}, {"AWSJSON", "{\"a\":1}"}, {"Int", "2147483648"},
		{"Int", "1.5"}, {"Int", "\"1\""}, {"Boolean", "\"true\""}, {"String", "5"},
		{"ID", "1.5"}};

	(void)st;
	for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
		if (accepts(good[i][0], good[i][1]))
			fail_msg("%s %s", good[i][0], good[i][1]);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		if (!accepts(bad[i][0], bad[i][1]))
			fail_msg("%s %s", bad[i][0], bad[i][1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_that_are_no_request_get_400_and_unknown_fields_200),
		cmocka_unit_test(aliases_fragments_and_directives_work_as_the_standard_says),
		cmocka_unit_test(the_whole_introspection_query_is_answered_or_refused),
		cmocka_unit_test(plurals_are_the_services),
		cmocka_unit_test(scalars_are_taken_and_refused_like_the_service_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}