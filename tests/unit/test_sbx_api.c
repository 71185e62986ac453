/*
 * tests/unit/test_sbx_api.c - the generated API: spec/server.md 10.1, Appendix A.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/sbx_fixture.h"

#define eq(a, b) assert_string_equal((a), (b))

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
		cmocka_unit_test(
			a_document_that_does_not_fit_the_schema_is_refused_with_its_reason),
		cmocka_unit_test(names_of_root_fields_follow_the_model_directive),
		cmocka_unit_test(a_schema_that_cannot_be_served_is_refused_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}