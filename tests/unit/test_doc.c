/* tests/unit/test_doc.c - the client's documents and inputs, and what arrives as records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/graphql/doc.h"
#include "core/graphql/parse.h"
#include "core/json/json.h"

static const char SDL[] =
	"enum Status { OPEN CLOSED }\n"
	"type Meta { a: String! n: Nested list: [String!] j: AWSJSON }\n"
	"type Nested { x: Int deep: Meta }\n"
	"type Post @model @auth(rules: [{allow: owner}, {allow: private}]) {\n"
	"  id: ID! title: String! status: Status date: AWSDate rank: Int\n"
	"    @index(name: \"byRank\", sortKeyFields: [\"date\", \"hits\"]) hits: Int\n"
	"  tags: [String] must: [String!]! meta: Meta history: [Meta] payload: AWSJSON\n"
	"  bag: [AWSJSON] at: AWSDateTime ok: Boolean score: Float ts: AWSTimestamp\n"
	"  comments: [Comment] @hasMany(indexName: \"byPost\", fields: [\"id\"])\n"
	"}\n"
	"type Comment @model {\n"
	"  customId: ID! @primaryKey(sortKeyFields: [\"seq\"]) seq: Int! text: String\n"
	"  postId: ID @index(name: \"byPost\")\n"
	"  post: Post @belongsTo(fields: [\"postId\"])\n"
	"}\n"
	"type blogPost @model { id: ID! name: String }\n"
	"type Thisisaverylongmodelnamethatneverseemstoendatall @model { id: ID! }\n";

static struct sd_schema *schema;
static struct sd_field *post_id; /* Comment.postId: tests make it implicit and back */

static int setup(void **st)
{
	struct sd_error e = {0};

	(void)st;
	if (sd_schema_read(SDL, strlen(SDL), "test", &schema, &e) != SD_OK) {
		print_error("%s\n", e.text);
		return -1;
	}
	for (size_t i = 0; i < schema->model_count; i++)
		for (size_t k = 0; k < schema->models[i]->field_count; k++)
			if (strcmp(schema->models[i]->fields[k].name, "postId") == 0)
				post_id = &schema->models[i]->fields[k];
	return post_id ? 0 : -1;
}

static int teardown(void **st)
{
	(void)st;
	sd_schema_free(schema);
	return 0;
}

static const struct sd_model *model(const char *name)
{
	return sd_schema_model(schema, name);
}

static struct cJSON *json(const char *text)
{
	struct cJSON *j = NULL;
	struct sd_error e = {0};

	if (sd_json_parse(text, strlen(text), "test", &j, &e) != SD_OK)
		fail_msg("%s\n  in: %s", e.text, text);
	return j;
}

/* ---- documents ---- */

static void expect_doc(
	const char *name, enum sd_doc kind, const struct sd_doc_opts *opts, const char *text)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_gql_doc *d;
	struct sd_error e = {0};

	assert_int_equal(sd_doc_build(model(name), kind, opts, &b, &e), SD_OK);
	assert_string_equal(sd_buf_text(&b), text);
	if (sd_gql_parse(b.data, b.len, &d, &e) != SD_OK)
		fail_msg("%s\n  in: %s", e.text, text);
	sd_gql_free(d);
	sd_buf_release(&b);
}

#define COMMENT_SEL                                                                                \
	"{ customId seq text postId createdAt updatedAt _version _lastChangedAt _deleted "         \
	"post { id _deleted } }"
#define POST_SEL                                                                                   \
	"{ id title status date rank hits tags must payload bag at ok score ts createdAt "         \
	"updatedAt owner meta { a list j n { x } } history { a list j n { x } } "                  \
	"_version _lastChangedAt _deleted }"

/* client.md 2.2, 2.3 and 6.3: the captured documents, white space aside */
static void documents_are_those_the_reference_client_sends(void **st)
{
	const struct sd_doc_opts filter = {.filter = true};
	const struct sd_doc_opts owner = {.owner_field = "owner"};
	const struct sd_doc_opts both = {.filter = true, .owner_field = "owner"};

	(void)st;
	expect_doc("Comment", SD_DOC_SYNC, NULL,
		"query operation($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, "
		"$filter: "
		"ModelCommentFilterInput) { syncComments(limit: $limit, nextToken: $nextToken, "
		"lastSync: $lastSync, filter: $filter) { items " COMMENT_SEL
		" nextToken startedAt } }");
	expect_doc("Post", SD_DOC_CREATE, NULL,
		"mutation operation($input: CreatePostInput!) { createPost(input: $input) " POST_SEL
		" }");
	expect_doc("Comment", SD_DOC_UPDATE, NULL,
		"mutation operation($input: UpdateCommentInput!, $condition: "
		"ModelCommentConditionInput) { updateComment(input: $input, condition: "
		"$condition) " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_DELETE, NULL,
		"mutation operation($input: DeleteCommentInput!, $condition: "
		"ModelCommentConditionInput) { deleteComment(input: $input, condition: "
		"$condition) " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_GET, NULL,
		"query operation($customId: ID!, $seq: Int!) { getComment(customId: $customId, "
		"seq: "
		"$seq) " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_ON_CREATE, NULL,
		"subscription operation { onCreateComment " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_ON_UPDATE, &filter,
		"subscription operation($filter: ModelSubscriptionCommentFilterInput) { "
		"onUpdateComment(filter: $filter) " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_ON_DELETE, &owner,
		"subscription operation($owner: String!) { onDeleteComment(owner: "
		"$owner) " COMMENT_SEL " }");
	expect_doc("Comment", SD_DOC_ON_CREATE, &both,
		"subscription operation($filter: ModelSubscriptionCommentFilterInput, $owner: "
		"String!) { onCreateComment(filter: $filter, owner: $owner) " COMMENT_SEL " }");
}

/* a record that cannot be had as a whole is asked for in parts */
static void a_get_can_leave_out_relations_and_fields(void **st)
{
	const struct sd_doc_opts plain = {.plain = true};
	struct cJSON *two = json("{\"text\":1,\"nobody\":2}");
	const struct sd_doc_opts only = {.only = two};

	(void)st;
	expect_doc("Comment", SD_DOC_GET, &plain,
		"query operation($customId: ID!, $seq: Int!) { getComment(customId: $customId, "
		"seq: $seq) { customId seq text postId createdAt updatedAt _version "
		"_lastChangedAt _deleted } }");
	expect_doc("Comment", SD_DOC_GET, &only,
		"query operation($customId: ID!, $seq: Int!) { getComment(customId: $customId, "
		"seq: $seq) { customId seq text _version _lastChangedAt _deleted } }");
	sd_json_free(two);
}

/* server.md 1.3 */
static void names_are_joined_the_way_the_service_joins_them(void **st)
{
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	expect_doc("blogPost", SD_DOC_DELETE, NULL,
		"mutation operation($input: DeleteBlogPostInput!, $condition: "
		"ModelBlogPostConditionInput) { deleteBlogPost(input: $input, condition: "
		"$condition) { id name createdAt updatedAt _version _lastChangedAt _deleted } }");
	assert_true(sd_doc_root(model("blogPost"), SD_DOC_SYNC, &b));
	assert_string_equal(sd_buf_text(&b), "syncBlogPosts");
	sd_buf_reset(&b);
	/* 56 characters: the first 45 and the start of their MD5 */
	assert_true(sd_doc_root(
		model("Thisisaverylongmodelnamethatneverseemstoendatall"), SD_DOC_ON_UPDATE, &b));
	assert_string_equal(sd_buf_text(&b), "onUpdateThisisaverylongmodelnamethatneverseem9343c");
	sd_buf_reset(&b);
	assert_true(sd_doc_root(
		model("Thisisaverylongmodelnamethatneverseemstoendatall"), SD_DOC_UPDATE, &b));
	assert_string_equal(
		sd_buf_text(&b), "updateThisisaverylongmodelnamethatneverseemstoendatall");
	sd_buf_release(&b);
}

static void a_key_column_the_schema_does_not_list_is_not_selected(void **st)
{
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	post_id->implicit = true;
	assert_true(sd_doc_selection(model("Comment"), &b));
	post_id->implicit = false;
	assert_string_equal(sd_buf_text(&b), "{ customId seq text createdAt updatedAt _version "
					     "_lastChangedAt _deleted post { id _deleted } }");
	sd_buf_release(&b);
}

static void several_mutations_go_out_under_aliases(void **st)
{
	const struct sd_model *models[] = {model("blogPost"), model("Comment"), model("Comment")};
	const enum sd_doc kinds[] = {SD_DOC_CREATE, SD_DOC_UPDATE, SD_DOC_DELETE};
	const enum sd_doc query = SD_DOC_SYNC;
	struct sd_buf b = SD_BUF_INIT;
	struct sd_gql_doc *d;
	struct sd_error e;

	(void)st;
	assert_int_equal(sd_doc_batch(models, kinds, 3, &b, &e), SD_OK);
	assert_string_equal(sd_buf_text(&b),
		"mutation operation($i0: CreateBlogPostInput!, $i1: UpdateCommentInput!, $c1: "
		"ModelCommentConditionInput, $i2: DeleteCommentInput!, $c2: "
		"ModelCommentConditionInput) { m0: createBlogPost(input: $i0) { id name createdAt "
		"updatedAt _version _lastChangedAt _deleted } m1: updateComment(input: $i1, "
		"condition: $c1) " COMMENT_SEL
		" m2: deleteComment(input: $i2, condition: $c2) " COMMENT_SEL " }");
	assert_int_equal(sd_gql_parse(b.data, b.len, &d, &e), SD_OK);
	sd_gql_free(d);
	sd_buf_reset(&b);
	assert_int_equal(sd_doc_batch(models, kinds, 0, &b, &e), SD_INVAL);
	assert_int_equal(sd_doc_batch(models, &query, 1, &b, &e), SD_INVAL);
	sd_buf_release(&b);
}

static void a_request_carries_the_document_as_a_string_and_its_variables(void **st)
{
	struct cJSON *v = json("{\"limit\":1000,\"nextToken\":null}");
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	assert_true(sd_doc_request("{ a(b: \"c\") }", v, &b));
	assert_string_equal(sd_buf_text(&b), "{\"query\":\"{ a(b: \\\"c\\\") }\",\"variables\":{"
					     "\"limit\":1000,\"nextToken\":null}}");
	sd_buf_reset(&b);
	assert_true(sd_doc_request("{a}", NULL, &b));
	assert_string_equal(sd_buf_text(&b), "{\"query\":\"{a}\",\"variables\":{}}");
	sd_buf_release(&b);
	sd_json_free(v);
}

/* ---- inputs ---- */

static void expect_input(const char *name, enum sd_doc kind, const char *key, const char *fields,
	const char *record, int64_t version, const char *input)
{
	struct cJSON *f = fields ? json(fields) : NULL, *r = record ? json(record) : NULL, *out;
	struct sd_error e = {0};
	char *text;

	if (sd_doc_input(model(name), kind, key, f, r, version, &out, &e) != SD_OK)
		fail_msg("%s", e.text);
	text = sd_json_text(out);
	assert_string_equal(text, input);
	free(text);
	sd_json_free(out);
	sd_json_free(f);
	sd_json_free(r);
}

/* client.md 2.5, the captured inputs */
static void inputs_hold_what_the_service_takes_and_nothing_else(void **st)
{
	(void)st;
	expect_input("Post", SD_DOC_CREATE, "[\"8e5d\"]",
		"{\"payload\":{\"k\":1},\"title\":\"a1\",\"tags\":[\"x\"],\"meta\":{\"a\":\"q\","
		"\"j\":[1]},\"owner\":null,\"createdAt\":\"2026-11-22T10:00:00Z\",\"nope\":1,"
		"\"comments\":[]}",
		NULL, 0,
		"{\"id\":\"8e5d\",\"title\":\"a1\",\"tags\":[\"x\"],\"meta\":{\"a\":\"q\",\"j\":"
		"\"[1]\"},\"payload\":\"{\\\"k\\\":1}\"}");
	/* date and hits are the sort part of one index: they ride along with one of them */
	expect_input("Post", SD_DOC_UPDATE, "[\"8e5d\"]", "{\"hits\":3}",
		"{\"id\":\"8e5d\",\"title\":\"t\",\"rank\":9,\"date\":\"2026-11-22\",\"hits\":2}",
		1, "{\"id\":\"8e5d\",\"date\":\"2026-11-22\",\"hits\":3,\"_version\":1}");
	expect_input("Post", SD_DOC_UPDATE, "[\"8e5d\"]", "{\"hits\":3}", "{\"id\":\"8e5d\"}", 1,
		"{\"id\":\"8e5d\",\"date\":null,\"hits\":3,\"_version\":1}");
	expect_input("Post", SD_DOC_UPDATE, "[\"8e5d\"]", "{\"hits\":3}", NULL, 1,
		"{\"id\":\"8e5d\",\"hits\":3,\"_version\":1}");
	expect_input("Post", SD_DOC_UPDATE, "[\"8e5d\"]",
		"{\"title\":\"a2\",\"tags\":null,\"bag\":[{\"a\":1},\"s\",null],\"payload\":null}",
		"{\"id\":\"8e5d\",\"title\":\"a2\",\"rank\":1}", 2,
		"{\"id\":\"8e5d\",\"title\":\"a2\",\"tags\":null,\"payload\":null,\"bag\":["
		"\"{\\\"a\\\":1}\",\"\\\"s\\\"\",null],\"_version\":2}");
	expect_input("Comment", SD_DOC_DELETE, "[\"c1\",7]", "{\"text\":\"x\"}", NULL, 1,
		"{\"customId\":\"c1\",\"seq\":7,\"_version\":1}");
	expect_input("Comment", SD_DOC_UPDATE, "[\"c1\",7]", "{\"postId\":null,\"seq\":8}", NULL, 4,
		"{\"customId\":\"c1\",\"seq\":7,\"postId\":null,\"_version\":4}");
}

static void a_key_that_is_none_makes_no_input(void **st)
{
	struct cJSON *out = (void *)1;
	struct sd_error e = {0};

	(void)st;
	assert_int_equal(
		sd_doc_input(model("Comment"), SD_DOC_DELETE, "[\"c1\"]", NULL, NULL, 1, &out, &e),
		SD_INVAL);
	assert_null(out);
}

/* ---- records that arrive ---- */

static void expect_local(const char *name, const char *wire, const char *local)
{
	struct cJSON *j = json(wire);
	struct sd_error e = {0};
	char *text;

	if (sd_item_to_local(model(name), j, &e) != SD_OK)
		fail_msg("%s", e.text);
	text = sd_json_text(j);
	assert_string_equal(text, local);
	free(text);
	sd_json_free(j);
}

/* An AWSJSON text gives way to what it holds; its name belongs to the process (json/names.h) and
 * must not go when the record goes (found by the simulation: later records lost the field). */
static void opening_a_json_text_leaves_its_name_to_the_others(void **st)
{
	const char *wire = "{\"id\":\"1\",\"title\":\"t\",\"must\":[],\"payload\":"
			   "\"{\\\"a\\\":1}\",\"_version\":1}";

	(void)st;
	for (int i = 0; i < 3; i++) {
		struct cJSON *first = json(wire), *other = json(wire), *v;
		struct sd_error e = {0};
		if (sd_item_to_local(model("Post"), first, &e) != SD_OK)
			fail_msg("%s", e.text);
		sd_json_free(first);
		v = sd_json_get(other, "payload");
		assert_non_null(v);
		assert_string_equal(sd_json_name(v), "payload");
		sd_json_free(other);
	}
}

static void a_record_is_kept_as_the_values_it_holds(void **st)
{
	(void)st;
	expect_local("Post",
		"{\"__typename\":\"Post\",\"id\":\"1\",\"title\":\"t\",\"status\":\"NEWER\","
		"\"rank\":3,"
		"\"tags\":[\"a\",null],\"must\":[],\"meta\":{\"__typename\":\"Meta\",\"a\":\"q\","
		"\"n\":"
		"{\"x\":1},\"j\":\"[1]\"},\"payload\":\"{\\\"k\\\":9007199254740993}\",\"bag\":["
		"\"1\","
		"\"no json\",null],\"at\":\"2026-11-22T10:00:00.000Z\",\"ok\":false,\"score\":1.5,"
		"\"ts\":1795371006,\"owner\":\"u\",\"unknown\":{\"x\":1},\"comments\":{\"items\":[]"
		"},"
		"\"_version\":3,\"_lastChangedAt\":1795371006628,\"_deleted\":null}",
		"{\"id\":\"1\",\"title\":\"t\",\"status\":\"NEWER\",\"rank\":3,\"tags\":[\"a\","
		"null],"
		"\"must\":[],\"meta\":{\"a\":\"q\",\"n\":{\"x\":1},\"j\":[1]},\"payload\":{\"k\":"
		"9007199254740993},\"bag\":[1,\"no "
		"json\",null],\"at\":\"2026-11-22T10:00:00.000Z\","
		"\"ok\":false,\"score\":1.5,\"ts\":1795371006,\"_version\":3,\"_lastChangedAt\":"
		"1795371006628,\"_deleted\":null}");
	/* of a tombstone the key and the metadata are enough */
	expect_local("Post", "{\"id\":\"1\",\"title\":null,\"_version\":4,\"_deleted\":true}",
		"{\"id\":\"1\",\"title\":null,\"_version\":4,\"_deleted\":true}");
}

/* client.md 7.1 REQ */
/* Names are shared between trees: opening an AWSJSON value must not make one of them the value's own,
 * to be freed with it. */
static void opened_json_leaves_the_names_of_other_records_alone(void **st)
{
	static const char rec[] =
		"{\"id\":\"1\",\"title\":\"t\",\"must\":[],\"payload\":\"{\\\"k\\\":1}"
		"\",\"bag\":[\"[1]\"],\"_version\":1}";
	struct cJSON *one = json(rec), *other = json(rec);
	struct sd_error e = {0};

	(void)st;
	assert_int_equal(sd_item_to_local(model("Post"), one, &e), SD_OK);
	sd_json_free(one);
	assert_non_null(sd_json_get(other, "payload"));
	assert_non_null(sd_json_get(other, "bag"));
	assert_int_equal(sd_item_to_local(model("Post"), other, &e), SD_OK);
	sd_json_free(other);
}

static void a_key_column_that_is_not_listed_comes_from_the_nested_record(void **st)
{
	(void)st;
	expect_local("Comment",
		"{\"customId\":\"c\",\"seq\":1,\"postId\":\"p1\",\"post\":null,\"_version\":1}",
		"{\"customId\":\"c\",\"seq\":1,\"postId\":\"p1\",\"_version\":1}");
	post_id->implicit = true;
	expect_local("Comment",
		"{\"customId\":\"c\",\"seq\":1,\"post\":{\"id\":\"p2\",\"_deleted\":null},\"_"
		"version\":"
		"1}",
		"{\"customId\":\"c\",\"seq\":1,\"_version\":1,\"postId\":\"p2\"}");
	expect_local("Comment", "{\"customId\":\"c\",\"seq\":1,\"post\":null,\"_version\":1}",
		"{\"customId\":\"c\",\"seq\":1,\"_version\":1,\"postId\":null}");
	expect_local("Comment", "{\"customId\":\"c\",\"seq\":1,\"_version\":1}",
		"{\"customId\":\"c\",\"seq\":1,\"_version\":1}");
	post_id->implicit = false;
}

/* U-10: what is wrong is named so that the caller can put the record aside */
static void a_record_that_is_wrong_is_refused_with_its_key_and_the_path(void **st)
{
	static const char *const CASES[][3] = {
		{"Comment", "\"seq\":1,\"customId\":\"c\",\"_version\":0",
			"Comment [\"c\",1]: Comment._version: not a positive whole number"},
		{"Comment", "\"seq\":1,\"customId\":\"c\",\"_version\":1.5",
			"Comment [\"c\",1]: Comment._version: not a positive whole number"},
		{"Comment", "\"seq\":1,\"customId\":\"c\",\"_version\":null",
			"Comment [\"c\",1]: Comment._version: not a positive whole number"},
		{"Comment", "\"seq\":1,\"customId\":\"c\"",
			"Comment [\"c\",1]: Comment._version: it is not there"},
		{"Comment", "\"seq\":1,\"_version\":1,\"_deleted\":true",
			"Comment (no key): Comment.customId: part of the key, but it is not there"},
		{"Comment", "\"seq\":\"1\",\"customId\":\"c\",\"_version\":1",
			"Comment [\"c\",\"1\"]: Comment.seq: not a whole number"},
		{"Comment", "\"seq\":1,\"customId\":\"c\",\"_version\":1,\"_deleted\":1",
			"Comment [\"c\",1]: Comment._deleted: neither true, false nor null"},
		{"Comment", "\"seq\":1,\"customId\":\"c\",\"text\":5,\"_version\":1",
			"Comment [\"c\",1]: Comment.text: not a text"},
		{"Post", "\"id\":\"1\",\"title\":null,\"must\":[],\"_version\":1",
			"Post [\"1\"]: Post.title: required, but it is not there"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"_version\":1",
			"Post [\"1\"]: Post.must: required, but it is not there"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"must\":[\"a\",null],\"_version\":1",
			"Post [\"1\"]: Post.must[1]: null, but it is required"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"must\":\"a\",\"_version\":1",
			"Post [\"1\"]: Post.must: not a list"},
		{"Post",
			"\"id\":\"1\",\"title\":\"t\",\"must\":[],\"history\":[null,{\"a\":null}],"
			"\"_version\":1",
			"Post [\"1\"]: Post.history[1].a: required, but it is not there"},
		{"Post",
			"\"id\":\"1\",\"title\":\"t\",\"must\":[],\"meta\":{\"a\":\"b\",\"n\":{"
			"\"x\":"
			"\"y\"}},\"_version\":1",
			"Post [\"1\"]: Post.meta.n.x: not a whole number"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"must\":[],\"meta\":[],\"_version\":1",
			"Post [\"1\"]: Post.meta: not an object"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"must\":[],\"ok\":\"true\",\"_version\":1",
			"Post [\"1\"]: Post.ok: neither true nor false"},
		{"Post", "\"id\":\"1\",\"title\":\"t\",\"must\":[],\"score\":\"1\",\"_version\":1",
			"Post [\"1\"]: Post.score: not a number"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
		char text[512];
		struct sd_error e = {0};
		struct cJSON *j;
		snprintf(text, sizeof text, "{%s}", CASES[i][1]);
		j = json(text);
		assert_int_equal(sd_item_to_local(model(CASES[i][0]), j, &e), SD_PROTO);
		assert_string_equal(e.text, CASES[i][2]);
		sd_json_free(j);
	}
}

/* U-10: a date that is none */
static void a_malformed_date_is_refused(void **st)
{
	struct cJSON *j = json("{\"id\":\"1\",\"title\":\"t\",\"must\":[],\"date\":\"2026-11-31\","
			       "\"_version\":1}");
	struct sd_error e = {0};

	(void)st;
	assert_int_equal(sd_item_to_local(model("Post"), j, &e), SD_PROTO);
	assert_non_null(strstr(e.text, "Post.date"));
	sd_json_free(j);
	j = json("[]");
	assert_int_equal(sd_item_to_local(model("Post"), j, &e), SD_PROTO);
	sd_json_free(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(documents_are_those_the_reference_client_sends),
		cmocka_unit_test(a_get_can_leave_out_relations_and_fields),
		cmocka_unit_test(names_are_joined_the_way_the_service_joins_them),
		cmocka_unit_test(a_key_column_the_schema_does_not_list_is_not_selected),
		cmocka_unit_test(several_mutations_go_out_under_aliases),
		cmocka_unit_test(a_request_carries_the_document_as_a_string_and_its_variables),
		cmocka_unit_test(inputs_hold_what_the_service_takes_and_nothing_else),
		cmocka_unit_test(a_key_that_is_none_makes_no_input),
		cmocka_unit_test(a_record_is_kept_as_the_values_it_holds),
		cmocka_unit_test(opened_json_leaves_the_names_of_other_records_alone),
		cmocka_unit_test(a_key_column_that_is_not_listed_comes_from_the_nested_record),
		cmocka_unit_test(a_record_that_is_wrong_is_refused_with_its_key_and_the_path),
		cmocka_unit_test(a_malformed_date_is_refused),
		cmocka_unit_test(opening_a_json_text_leaves_its_name_to_the_others),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
