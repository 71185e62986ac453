/* tests/unit/test_sbx_api.c - the generated API and the HTTP layer: spec/server.md 10.1, Appendix A. */
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

/* The block of the printed API that defines one type, white space as it is; "" when absent. */
static const char *defined(struct fx *f, const char *head)
{
	static char kept[4][8192];
	static unsigned turn;
	char *out = kept[turn++ % 4];
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e;
	const char *at, *end;

	assert_int_equal(sd_sbx_sdl(f->s, &b, &e), SD_OK);
	at = strstr(sd_buf_text(&b), head);
	end = at ? strstr(at, "\n}") : NULL;
	snprintf(out, sizeof kept[0], "%.*s", end ? (int)(end + 2 - at) : 0, at ? at : "");
	sd_buf_release(&b);
	return out;
}

/* Appendix A, SRV-S01, SRV-S02, SRV-S03, SRV-S04 */
static void a_minimal_model_gives_the_schema_of_appendix_a(void **st)
{
	struct fx *f =
		fx_open("type Todo @model @auth(rules:[{allow: owner}]) { id: ID! name: String! }",
			SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(defined(f, "type Todo {"),
		"type Todo {\n  id: ID!\n  name: String!\n  createdAt: AWSDateTime!\n"
		"  updatedAt: AWSDateTime!\n  _version: Int!\n  _deleted: Boolean\n"
		"  _lastChangedAt: AWSTimestamp!\n  owner: String\n}");
	eq(defined(f, "type ModelTodoConnection {"),
		"type ModelTodoConnection {\n  items: [Todo]!\n  nextToken: String\n"
		"  startedAt: AWSTimestamp\n}");
	eq(defined(f, "input ModelTodoFilterInput {"),
		"input ModelTodoFilterInput {\n  id: ModelIDInput\n  name: ModelStringInput\n"
		"  createdAt: ModelStringInput\n  updatedAt: ModelStringInput\n"
		"  and: [ModelTodoFilterInput]\n  or: [ModelTodoFilterInput]\n"
		"  not: ModelTodoFilterInput\n  _deleted: ModelBooleanInput\n"
		"  owner: ModelStringInput\n}");
	eq(defined(f, "input ModelTodoConditionInput {"),
		"input ModelTodoConditionInput {\n  name: ModelStringInput\n"
		"  and: [ModelTodoConditionInput]\n  or: [ModelTodoConditionInput]\n"
		"  not: ModelTodoConditionInput\n  _deleted: ModelBooleanInput\n"
		"  createdAt: ModelStringInput\n  updatedAt: ModelStringInput\n"
		"  owner: ModelStringInput\n}");
	eq(defined(f, "input CreateTodoInput {"),
		"input CreateTodoInput {\n  id: ID\n  name: String!\n  _version: Int\n}");
	eq(defined(f, "input UpdateTodoInput {"),
		"input UpdateTodoInput {\n  id: ID!\n  name: String\n  _version: Int\n}");
	eq(defined(f, "input DeleteTodoInput {"),
		"input DeleteTodoInput {\n  id: ID!\n  _version: Int\n}");
	eq(defined(f, "input ModelSubscriptionTodoFilterInput {"),
		"input ModelSubscriptionTodoFilterInput {\n  id: ModelSubscriptionIDInput\n"
		"  name: ModelSubscriptionStringInput\n  createdAt: ModelSubscriptionStringInput\n"
		"  updatedAt: ModelSubscriptionStringInput\n"
		"  and: [ModelSubscriptionTodoFilterInput]\n"
		"  or: [ModelSubscriptionTodoFilterInput]\n  _deleted: ModelBooleanInput\n"
		"  owner: ModelStringInput\n}");
	eq(defined(f, "type Query {"),
		"type Query {\n  getTodo(id: ID!): Todo\n"
		"  listTodos(filter: ModelTodoFilterInput, limit: Int, nextToken: String): "
		"ModelTodoConnection\n"
		"  syncTodos(filter: ModelTodoFilterInput, limit: Int, nextToken: String, "
		"lastSync: AWSTimestamp): ModelTodoConnection\n}");
	eq(defined(f, "type Mutation {"),
		"type Mutation {\n"
		"  createTodo(input: CreateTodoInput!, condition: ModelTodoConditionInput): Todo\n"
		"  updateTodo(input: UpdateTodoInput!, condition: ModelTodoConditionInput): Todo\n"
		"  deleteTodo(input: DeleteTodoInput!, condition: ModelTodoConditionInput): "
		"Todo\n}");
	eq(defined(f, "type Subscription {"),
		"type Subscription {\n"
		"  onCreateTodo(filter: ModelSubscriptionTodoFilterInput, owner: String): Todo "
		"@aws_subscribe(mutations: [\"createTodo\"])\n"
		"  onUpdateTodo(filter: ModelSubscriptionTodoFilterInput, owner: String): Todo "
		"@aws_subscribe(mutations: [\"updateTodo\"])\n"
		"  onDeleteTodo(filter: ModelSubscriptionTodoFilterInput, owner: String): Todo "
		"@aws_subscribe(mutations: [\"deleteTodo\"])\n}");
	fx_close(f);
}

/* SRV-S01, SRV-S05, SRV-S06 */
static void the_fixture_has_its_index_query_its_filters_and_its_plurals(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	const char *q;

	(void)st;
	q = defined(f, "type Query {");
	assert_non_null(
		strstr(q, "  postsByBlog(blogID: ID!, sortDirection: ModelSortDirection, filter: "
			  "ModelPostFilterInput, limit: Int, nextToken: String): "
			  "ModelPostConnection\n"));
	assert_non_null(strstr(q, "  listPeople(filter: ModelPersonFilterInput"));
	assert_non_null(strstr(q, "  syncPeople(filter: ModelPersonFilterInput"));
	q = defined(f, "input ModelPostFilterInput {");
	assert_non_null(strstr(q, "  status: ModelStatusInput\n  tags: ModelStringInput\n"
				  "  data: ModelStringInput\n  blogID: ModelIDInput\n"));
	assert_null(strstr(q, "meta"));
	assert_null(strstr(q, "_version"));
	eq(defined(f, "input ModelStatusInput {"),
		"input ModelStatusInput {\n  eq: Status\n  ne: Status\n}");
	q = defined(f, "input ModelSubscriptionPostFilterInput {");
	assert_non_null(strstr(q, "  status: ModelSubscriptionStringInput\n"));
	assert_non_null(strstr(q, "  rating: ModelSubscriptionIntInput\n"));
	assert_null(strstr(q, "  not:"));
	eq(defined(f, "input MetaInput {"), "input MetaInput {\n  a: String\n  b: Int\n}");
	eq(defined(f, "input ModelStringInput {"),
		"input ModelStringInput {\n  ne: String\n  eq: String\n  le: String\n  lt: String\n"
		"  ge: String\n  gt: String\n  contains: String\n  notContains: String\n"
		"  between: [String]\n  beginsWith: String\n  attributeExists: Boolean\n"
		"  attributeType: ModelAttributeTypes\n  size: ModelSizeInput\n}");
	/* a declared owner is a plain string in a subscription filter */
	q = defined(f, "input ModelSubscriptionNoteFilterInput {");
	assert_non_null(strstr(q, "_deleted: ModelBooleanInput\n  owner: ModelStringInput\n}"));
	fx_close(f);
}

/* SRV-S07 */
static void a_long_subscription_name_is_cut_and_gets_a_digest(void **st)
{
	struct fx *f =
		fx_open("type AVeryLongModelNameThatGoesOnAndOnForEverAndEver @model { id: ID! }",
			SD_STRATEGY_AUTOMERGE);

	(void)st;
	/* MD5 of onCreateAVeryLongModelNameThatGoesOnAndOnForEverAndEver */
	assert_non_null(strstr(defined(f, "type Subscription {"),
		"  onCreateAVeryLongModelNameThatGoesOnAndOnForEcf5c5("));
	fx_close(f);
}

/* SRV-S08 */
static void without_datastore_there_are_no_metadata_and_no_sync(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_sbx_set(f->s, "datastore", "false", &e), SD_OK);
	assert_null(strstr(defined(f, "type Query {"), "sync"));
	assert_null(strstr(defined(f, "type Post {"), "_version"));
	assert_null(strstr(defined(f, "type ModelPostConnection {"), "startedAt"));
	assert_null(strstr(defined(f, "input CreatePostInput {"), "_version"));
	eq(fx_get(f, "mutation { createPost(input: {id: \"1\", title: \"a\"}) { title } }", NULL,
		   "data.createPost.title"),
		"a");
	eq(fx_get(f, "mutation { deletePost(input: {id: \"1\"}) { title } }", NULL,
		   "data.deletePost.title"),
		"a");
	eq(fx_get(f, "{ getPost(id: \"1\") { title } }", NULL, "data.getPost"), "null");
	eq(fx_get(f, "mutation { updatePost(input: {id: \"1\", title: \"b\"}) { title } }", NULL,
		   "errors.0.errorType"),
		"DynamoDB:ConditionalCheckFailedException");
	eq(fx_get(f, "mutation { deletePost(input: {id: \"1\"}) { title } }", NULL, "errors"), "");
	fx_close(f);
}

static const char composite[] =
	"type Order @model @auth(rules: [{allow: public}]) {\n"
	"  customer: ID! @primaryKey(sortKeyFields: [\"year\", \"number\"])\n"
	"  year: Int!\n  number: String!\n"
	"  state: String @index(name: \"byState\", queryField: \"ordersByState\", sortKeyFields: "
	"[\"total\"])\n"
	"  total: Float\n}\n"
	"type Item @model @auth(rules: [{allow: public}]) {\n"
	"  sku: String! @primaryKey(sortKeyFields: [\"shelf\"])\n  shelf: Int!\n  name: "
	"String\n}\n";

static void order(struct fx *f, const char *c, int year, const char *number, const char *more)
{
	char q[500];

	snprintf(q, sizeof q,
		"mutation { createOrder(input: {customer: \"%s\", year: %d, number: \"%s\"%s}) { "
		"number } }",
		c, year, number, more);
	eq(fx_get(f, q, NULL, "data.createOrder.number"), number);
}

/* SRV-S09 */
static void a_key_of_three_fields_is_three_arguments_and_a_composite_condition(void **st)
{
	struct fx *f = fx_open(composite, SD_STRATEGY_AUTOMERGE);
	const char *q = defined(f, "type Query {");

	(void)st;
	assert_non_null(
		strstr(q, "  getOrder(customer: ID!, year: Int!, number: String!): Order\n"));
	assert_non_null(
		strstr(q, "  listOrders(customer: ID, yearNumber: "
			  "ModelOrderPrimaryCompositeKeyConditionInput, filter: "
			  "ModelOrderFilterInput, limit: Int, nextToken: String, sortDirection: "
			  "ModelSortDirection): ModelOrderConnection\n"));
	assert_non_null(
		strstr(q, "  listItems(sku: String, shelf: ModelIntKeyConditionInput, filter"));
	assert_non_null(
		strstr(q, "  ordersByState(state: String!, total: ModelFloatKeyConditionInput, "
			  "sortDirection: ModelSortDirection, filter: "));
	eq(defined(f, "input ModelOrderPrimaryCompositeKeyInput {"),
		"input ModelOrderPrimaryCompositeKeyInput {\n  year: Int\n  number: String\n}");
	eq(defined(f, "input DeleteOrderInput {"),
		"input DeleteOrderInput {\n  customer: ID!\n  year: Int!\n  number: String!\n"
		"  _version: Int\n}");
	order(f, "c1", 2025, "a", ", state: \"open\", total: 5.5");
	order(f, "c1", 2025, "b", ", state: \"open\", total: 1");
	order(f, "c1", 2026, "a", ", state: \"open\"");
	order(f, "c2", 2026, "z", ", state: \"open\", total: 9");
	eq(fx_get(f, "{ getOrder(customer: \"c1\", year: 2025, number: \"b\") { total } }", NULL,
		   "data.getOrder.total"),
		"1");
	eq(fx_get(f,
		   "{ listOrders(customer: \"c1\", sortDirection: DESC) { items { year number } } "
		   "}",
		   NULL, "data.listOrders.items"),
		"[{\"year\":2026,\"number\":\"a\"},{\"year\":2025,\"number\":\"b\"},"
		"{\"year\":2025,\"number\":\"a\"}]");
	eq(fx_get(f,
		   "{ listOrders(customer: \"c1\", yearNumber: {beginsWith: {year: 2025}}) { items "
		   "{ number } } }",
		   NULL, "data.listOrders.items"),
		"[{\"number\":\"a\"},{\"number\":\"b\"}]");
	eq(fx_get(f,
		   "{ listOrders(customer: \"c1\", yearNumber: {between: [{year: 2025, number: "
		   "\"b\"}, "
		   "{year: 2026, number: \"a\"}]}) { items { year } } }",
		   NULL, "data.listOrders.items"),
		"[{\"year\":2025},{\"year\":2026}]");
	/* an item without the sort key is not in the index */
	eq(fx_get(f, "{ ordersByState(state: \"open\") { items { total } } }", NULL,
		   "data.ordersByState.items"),
		"[{\"total\":1},{\"total\":5.5},{\"total\":9}]");
	eq(fx_get(f, "{ ordersByState(state: \"open\", total: {gt: 5}) { items { total } } }", NULL,
		   "data.ordersByState.items"),
		"[{\"total\":5.5},{\"total\":9}]");
	fx_close(f);
}

static void key_arguments_that_make_no_sense_are_refused_in_the_services_words(void **st)
{
	struct fx *f = fx_open(composite, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_get(f, "{ listOrders(yearNumber: {eq: {year: 1}}) { items { year } } }", NULL,
		   "errors.0.message"),
		"When providing argument 'yearNumber' you must also provide 'customer'.");
	eq(fx_get(f, "{ listOrders(sortDirection: ASC) { items { year } } }", NULL,
		   "errors.0.message"),
		"When providing argument 'sortDirection' you must also provide argument "
		"'customer'.");
	eq(fx_get(f, "{ listItems(sku: \"a\", shelf: {gt: 1, lt: 3}) { items { sku } } }", NULL,
		   "errors.0.message"),
		"Argument shelf must specify at most one key condition operation.");
	eq(fx_get(f, "{ listItems(sku: \"a\", shelf: {between: [1]}) { items { sku } } }", NULL,
		   "errors.0.message"),
		"Argument 'shelf.between' expects exactly two elements.");
	eq(fx_get(f, "{ listItems(sku: \"a\", shelf: {between: [1]}) { items { sku } } }", NULL,
		   "errors.0.errorType"),
		"InvalidArgumentsError");
	fx_close(f);
}

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

static void says(struct fx *f, const char *query, const char *message)
{
	eq(fx_get(f, query, NULL, "errors.0.message"), message);
	eq(fx_get(f, query, NULL, "data"), "null");
}

static void a_document_that_does_not_fit_the_schema_is_refused_with_its_reason(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	says(f, "{ getPost(id: \"1\") { titel } }",
		"Validation error of type FieldUndefined: Field 'titel' in type 'Post' is "
		"undefined @ "
		"'getPost/titel'");
	says(f, "query($x: AWSStamp) { listPosts(limit: 1) { nextToken } }",
		"Validation error of type UnknownType: Unknown type AWSStamp");
	says(f, "{ getPost { id } }",
		"Validation error of type MissingFieldArgument: Missing field argument id @ "
		"'getPost'");
	says(f, "{ getPost(id: \"1\", x: 2) { id } }",
		"Validation error of type UnknownArgument: Unknown field argument x @ 'getPost'");
	says(f, "{ listPosts(limit: \"2\") { nextToken } }",
		"Validation error of type WrongType: argument 'limit' with value "
		"'StringValue{value='2'}' is not a valid 'Int' @ 'listPosts'");
	says(f, "mutation { createPost(input: {title: \"a\", nope: 1}) { id } }",
		"Validation error of type WrongType: argument 'input' with value "
		"'ObjectValue{title: StringValue{value='a'}, nope: IntValue{value=1}}' contains a "
		"field "
		"name that is not defined: 'nope' @ 'createPost'");
	says(f, "mutation { createPost(input: {title: \"a\", status: \"LIVE\"}) { id } }",
		"Validation error of type WrongType: argument 'input.status' with value "
		"'StringValue{value='LIVE'}' is not a valid 'Status' @ 'createPost'");
	says(f, "mutation { createPost(input: {content: \"a\"}) { id } }",
		"Validation error of type WrongType: argument 'input' with value "
		"'ObjectValue{content: StringValue{value='a'}}' is missing required fields 'title' "
		"@ "
		"'createPost'");
	says(f, "{ getPost(id: $i) { id } }",
		"Validation error of type UndefinedVariable: Undefined variable i @ 'getPost'");
	says(f, "query($i: ID) { getPost(id: $i) { id } }",
		"Validation error of type VariableTypeMismatch: Variable type 'ID' does not match "
		"expected type 'ID!' @ 'getPost'");
	says(f, "{ getPost(id: \"1\") }",
		"Validation error of type SubSelectionRequired: Sub selection required for type "
		"Post of "
		"field getPost @ 'getPost'");
	says(f, "{ getPost(id: \"1\") { id { x } } }",
		"Validation error of type SubSelectionNotAllowed: Sub selection not allowed on "
		"leaf type "
		"ID of field id @ 'getPost/id'");
	says(f, "{ getPost(id: \"1\") { a: id a: title } }",
		"Validation error of type FieldsConflict: a: id and title are different fields @ "
		"'getPost/a'");
	says(f, "{ getPost(id: \"1\") { ...f } } fragment f on Post { ...f }",
		"Validation error of type FragmentCycle: Fragment cycles not allowed @ 'f'");
	says(f, "{ getPost(id: \"1\") { ...g } }",
		"Validation error of type UndefinedFragment: Undefined fragment g @ 'getPost'");
	says(f, "{ getPost(id: \"1\") { id @upper } }",
		"Validation error of type UnknownDirective: Unknown directive upper @ "
		"'getPost/id'");
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

static void names_of_root_fields_follow_the_model_directive(void **st)
{
	struct fx *f = fx_open(
		"type blogPost @model(queries: {get: \"one\", list: null}, mutations: {delete: "
		"null}, "
		"subscriptions: {onCreate: [\"onNew\", \"onAny\"], onUpdate: \"onAny\"}) "
		"{ id: ID! title: String! @default(value: \"untitled\") }\n"
		"type Quiet @model(subscriptions: {level: off}, timestamps: null) { id: ID! }",
		SD_STRATEGY_AUTOMERGE);
	const char *q = defined(f, "type Query {");

	(void)st;
	assert_non_null(strstr(q, "  one(id: ID!): blogPost\n"));
	assert_null(strstr(q, "listBlogPosts"));
	assert_non_null(strstr(q, "  syncBlogPosts("));
	assert_null(strstr(defined(f, "type Mutation {"), "deleteBlogPost"));
	q = defined(f, "type Subscription {");
	assert_non_null(strstr(q, "): blogPost @aws_subscribe(mutations: [\"createBlogPost\"])\n"));
	assert_non_null(strstr(q, "[\"createBlogPost\", \"updateBlogPost\"])\n"));
	assert_null(strstr(q, "Quiet"));
	assert_null(strstr(defined(f, "type Quiet {"), "createdAt"));
	eq(defined(f, "input CreateBlogPostInput {"),
		"input CreateBlogPostInput {\n  id: ID\n  title: String\n  _version: Int\n}");
	eq(fx_get(f, "mutation { createBlogPost(input: {}) { title } }", NULL,
		   "data.createBlogPost.title"),
		"untitled");
	fx_close(f);
}

static void refused(const char *text, const char *named)
{
	struct sd_schema *schema;
	struct sd_error e;
	struct sd_rand r;
	struct sd_sbx *s;
	struct sd_sbx_opts o = {.rand = &r};

	sd_rand_seeded(&r, 1);
	if (sd_schema_read(text, strlen(text), "x", &schema, &e) != SD_OK)
		fail_msg("%s", e.text);
	o.schema = schema;
	assert_int_equal(sd_sbx_open(&o, &s, &e), SD_INVAL);
	if (!strstr(e.text, named))
		fail_msg("%s", e.text);
	assert_null(s);
	sd_schema_free(schema);
}

static void a_schema_that_cannot_be_served_is_refused_by_name(void **st)
{
	(void)st;
	refused("type Post @model { id: ID! }\ntype ModelPostConnection { a: String }",
		"ModelPostConnection");
	refused("type A @model { id: ID! }\ntype B @model(queries: {get: \"getA\"}) { id: ID! }",
		"getA");
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
		cmocka_unit_test(a_minimal_model_gives_the_schema_of_appendix_a),
		cmocka_unit_test(the_fixture_has_its_index_query_its_filters_and_its_plurals),
		cmocka_unit_test(a_long_subscription_name_is_cut_and_gets_a_digest),
		cmocka_unit_test(without_datastore_there_are_no_metadata_and_no_sync),
		cmocka_unit_test(
			a_key_of_three_fields_is_three_arguments_and_a_composite_condition),
		cmocka_unit_test(
			key_arguments_that_make_no_sense_are_refused_in_the_services_words),
		cmocka_unit_test(bodies_that_are_no_request_get_400_and_unknown_fields_200),
		cmocka_unit_test(
			a_document_that_does_not_fit_the_schema_is_refused_with_its_reason),
		cmocka_unit_test(aliases_fragments_and_directives_work_as_the_standard_says),
		cmocka_unit_test(the_whole_introspection_query_is_answered_or_refused),
		cmocka_unit_test(names_of_root_fields_follow_the_model_directive),
		cmocka_unit_test(a_schema_that_cannot_be_served_is_refused_by_name),
		cmocka_unit_test(plurals_are_the_services),
		cmocka_unit_test(scalars_are_taken_and_refused_like_the_service_does),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
