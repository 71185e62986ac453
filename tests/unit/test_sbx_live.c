/* tests/unit/test_sbx_live.c - subscriptions of the sandbox: spec/server.md 5.7 to 5.9, 10.4. */
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
#define ALL      "mutation($input: CreatePostInput!) { createPost(input: $input) { " FX_POST " } }"

static void ask(struct fx *f, const char *query)
{
	eq(fx_get(f, query, NULL, "errors"), "");
}

static const char *last(struct fx *f, const char *path)
{
	assert_true(f->event_count > 0);
	return fx_at(f->events[f->event_count - 1].payload, path);
}

/* SRV-W08, SRV-W09, SRV-W10, SRV-H07 */
static void a_start_is_taken_once_and_only_when_it_fits_the_schema(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_subscribe(f, "a", "subscription { onCreatePost { id } }", NULL), "");
	eq(fx_subscribe(f, "a", "subscription { onCreatePost { id } }", NULL),
		"{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":\"Subscription id "
		"a is "
		"already in use.\"}]}");
	eq(fx_subscribe(f, "b", "subscription { onDeleteThing { id } }", NULL),
		"{\"errors\":[{\"message\":\"Validation error of type FieldUndefined: Field "
		"'onDeleteThing' in type 'Subscription' is undefined @ 'onDeleteThing'\"}]}");
	eq(fx_subscribe(f, "b",
		   "subscription($deleted: Boolean!) { onCreatePost { id @skip(if: $deleted) title "
		   "} }",
		   NULL),
		"{\"errors\":[{\"message\":\"Variable 'deleted' has coerced Null value for NonNull "
		"type "
		"'Boolean!'\"}]}");
	assert_non_null(
		strstr(fx_subscribe(f, "b",
			       "subscription { onCreatePost { id } onUpdatePost { id } }", NULL),
			"exactly one root field"));
	assert_non_null(strstr(
		fx_subscribe(f, "b", "{ listPosts { nextToken } }", NULL), "Only subscriptions"));
	assert_non_null(strstr(fx_subscribe(f, "b", "subscription {", NULL), "Unable to parse"));
	assert_int_equal(sd_sbx_subscription_count(f->s), 1);
	fx_close(f);
}

/* SRV-W11, SRV-W12, SRV-W13: what the mutation selected is all there is */
static void a_subscriber_sees_what_the_mutation_selected_in_its_own_shape(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_subscribe(f, "s",
		   "subscription { ev: onCreatePost { key: id content meta { b } tags data "
		   "__typename } }",
		   NULL),
		"");
	eq(fx_get(f, ALL,
		   "{\"input\":{\"id\":\"p1\",\"title\":\"t\",\"content\":\"c\",\"tags\":[\"x\"],"
		   "\"meta\":{\"a\":\"q\",\"b\":2},\"data\":\"{\\\"k\\\":[1]}\"}}",
		   "errors"),
		"");
	eq(last(f, ""), "{\"data\":{\"ev\":{\"key\":\"p1\",\"content\":\"c\",\"meta\":{\"b\":2},"
			"\"tags\":[\"x\"],"
			"\"data\":\"{\\\"k\\\":[1]}\",\"__typename\":\"Post\"}}}");
	ask(f, "mutation { other: createPost(input: {id: \"p2\", title: \"t\", content: \"c\"}) { "
	       "name: id } }");
	eq(last(f, "data.ev.key"), "p2"); /* by field name, whatever the alias */
	eq(last(f, "data.ev.content"), "null");
	eq(last(f, "errors"), "");
	assert_true(sd_sbx_unsubscribe(f->s, 1, "s"));
	eq(fx_subscribe(f, "s", "subscription { onCreatePost { id title } }", NULL), "");
	ask(f, "mutation { createPost(input: {id: \"p3\", title: \"t\"}) { id } }");
	eq(last(f, ""), "{\"data\":{\"onCreatePost\":null},\"errors\":[{\"path\":[\"onCreatePost\","
			"\"title\"],"
			"\"locations\":null,\"message\":\"Cannot return null for non-nullable "
			"type: 'String' "
			"within parent 'Post' (/onCreatePost/title)\"}]}");
	fx_close(f);
}

/* SRV-W14, SRV-W15, SRV-W22 */
static void updates_and_deletes_arrive_and_nothing_after_the_stop(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_OPTIMISTIC);

	(void)st;
	eq(fx_subscribe(f, "u", "subscription { onUpdatePost { id _version } }", NULL), "");
	eq(fx_subscribe(f, "d", "subscription { onDeletePost { id _deleted _version } }", NULL),
		"");
	ask(f, "mutation { createPost(input: {id: \"p\", title: \"t\"}) { id } }");
	assert_int_equal(f->event_count, 0);
	ask(f, "mutation { updatePost(input: {id: \"p\", title: \"u\", _version: 1}) { id _version "
	       "} }");
	eq(last(f, "data.onUpdatePost"), "{\"id\":\"p\",\"_version\":2}");
	eq(fx_get(f,
		   "mutation { updatePost(input: {id: \"p\", title: \"v\", _version: 1}) { id } }",
		   NULL, "errors.0.errorType"),
		"ConflictUnhandled");
	assert_int_equal(f->event_count, 1);
	ask(f, "mutation { deletePost(input: {id: \"p\", _version: 2}) { id _deleted _version } }");
	eq(last(f, "data.onDeletePost"), "{\"id\":\"p\",\"_deleted\":true,\"_version\":3}");
	eq(f->events[1].id, "d");
	assert_false(sd_sbx_unsubscribe(f->s, 2, "d"));
	assert_true(sd_sbx_unsubscribe(f->s, 1, "d"));
	assert_false(sd_sbx_unsubscribe(f->s, 1, "d"));
	ask(f, "mutation { deletePost(input: {id: \"p\", _version: 3}) { id _version } }");
	assert_int_equal(f->event_count, 2);
	sd_sbx_drop_connection(f->s, 1);
	assert_int_equal(sd_sbx_subscription_count(f->s), 0);
	eq(fx_subscribe(f, "u", "subscription { onUpdatePost { id } }", NULL), "");
	assert_int_equal(sd_sbx_subscription_count(f->s), 1);
	fx_close(f);
}

/* SRV-W17, SRV-W18 */
static void a_filter_looks_at_the_mutations_selection(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	static const char sub[] = "subscription($filter: ModelSubscriptionPostFilterInput) { "
				  "onCreatePost(filter: $filter) { id } }";

	(void)st;
	eq(fx_subscribe(f, "s", sub, "{\"filter\":{\"rating\":{\"gt\":3}}}"), "");
	ask(f, "mutation { createPost(input: {title: \"t\", rating: 5}) { id rating } }");
	assert_int_equal(f->event_count, 1);
	ask(f, "mutation { createPost(input: {title: \"t\", rating: 5}) { id } }");
	ask(f, "mutation { createPost(input: {title: \"t\", rating: 2}) { id rating } }");
	assert_int_equal(f->event_count, 1);
	eq(fx_subscribe(f, "n", sub,
		   "{\"filter\":{\"or\":[{\"rating\":{\"notIn\":[1,2]}},"
		   "{\"title\":{\"beginsWith\":\"z\"}}]}}"),
		"");
	ask(f, "mutation { createPost(input: {title: \"t\"}) { id } }"); /* absent: not in */
	assert_int_equal(f->event_count, 2);
	eq(fx_subscribe(f, "x", sub, "{\"filter\":{\"rating\":{\"in\":[1,2,3,4,5,6]}}}"),
		"{\"errors\":[{\"errorType\":\"BadRequest\",\"message\":\"The operators in and "
		"notIn "
		"take at most 5 values.\"}]}");
	fx_close(f);
}

/* SRV-W23 */
static void a_connection_holds_a_hundred_subscriptions(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	char id[16];

	(void)st;
	for (int i = 0; i < 100; i++) {
		snprintf(id, sizeof id, "s%d", i);
		eq(fx_subscribe(f, id, "subscription { onCreatePost { id } }", NULL), "");
	}
	eq(fx_subscribe(f, "more", "subscription { onCreatePost { id } }", NULL),
		"{\"errors\":{\"errorType\":\"MaxSubscriptionsReachedError\",\"message\":\"Max "
		"number of "
		"100 subscriptions reached\"}}");
	ask(f, "mutation { createPost(input: {title: \"t\"}) { id } }");
	assert_int_equal(f->event_count, 100);
	fx_close(f);
}

/* SRV-W25 */
static void an_event_over_240_kilobytes_is_dropped(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_buf b = SD_BUF_INIT;

	(void)st;
	eq(fx_subscribe(f, "big", "subscription { onCreatePost { id content } }", NULL), "");
	eq(fx_subscribe(f, "small", "subscription { onCreatePost { id } }", NULL), "");
	sd_buf_str(&b, "{\"input\":{\"title\":\"t\",\"content\":\"");
	for (int i = 0; i < 250000; i++)
		sd_buf_ch(&b, 'x');
	sd_buf_str(&b, "\"}}");
	eq(fx_get(f, ALL, sd_buf_text(&b), "errors"), "");
	assert_int_equal(f->event_count, 1);
	eq(f->events[0].id, "small");
	sd_buf_release(&b);
	fx_close(f);
}

#define NOTE "mutation { createNote(input: {text: \"t\"}) { id owner } }"
#define LIVE "subscription($owner: String) { onCreateNote(owner: $owner) { id owner } }"

/* SRV-W19, SRV-W20, SRV-W21 */
static void owners_hear_of_their_own_records(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_as_user(f, "alice", NULL);
	eq(fx_subscribe(f, "bobs", LIVE, "{\"owner\":\"bob\"}"),
		"{\"errors\":[{\"errorType\":\"Unauthorized\",\"message\":\"Not Authorized to "
		"access "
		"onCreateNote on type Subscription\"}]}");
	eq(fx_subscribe(f, "mine", LIVE, NULL), "");
	eq(fx_subscribe(f, "named", LIVE, "{\"owner\":\"alice\"}"), "");
	eq(fx_subscribe(f, "nobody", LIVE, "{\"owner\":null}"), "");
	fx_as_key(f);
	assert_non_null(strstr(fx_subscribe(f, "key", LIVE, NULL), "Unauthorized"));
	fx_as_user(f, "root", "[\"Admins\"]");
	eq(fx_subscribe(f, "all", LIVE, NULL), "");
	fx_as_user(f, "bob", NULL);
	ask(f, NOTE);
	assert_int_equal(f->event_count, 1);
	eq(f->events[0].id, "all");
	eq(last(f, "data.onCreateNote.owner"), "bob");
	fx_forget_events(f);
	fx_as_user(f, "alice", NULL);
	ask(f, NOTE);
	assert_int_equal(f->event_count, 3);
	eq(f->events[0].id, "mine");
	eq(f->events[1].id, "named");
	fx_forget_events(f);
	ask(f, "mutation { createNote(input: {text: \"t\"}) { id } }"); /* the owner was not selected */
	assert_int_equal(f->event_count, 2);
	eq(f->events[0].id, "nobody");
	eq(f->events[1].id, "all");
	fx_close(f);
}

/* contract.md 10, mutate: publishes everything, the records it points at too */
static void an_administrators_change_publishes_all_fields(void **st)
{
	struct fx *f = fx_open(
		"type Blog @model { id: ID! posts: [Post] @hasMany }\n"
		"type Post @model { id: ID! title: String! data: AWSJSON blog: Blog @belongsTo }",
		SD_STRATEGY_AUTOMERGE);
	static const char input[] = "{\"title\":\"t\",\"data\":{\"k\":1},\"blogPostsId\":\"b1\"}";
	struct cJSON *in = NULL, *row = NULL, *again = NULL;
	struct sd_error e;

	(void)st;
	ask(f, "mutation { createBlog(input: {id: \"b1\"}) { id } }");
	eq(fx_subscribe(f, "s",
		   "subscription { onCreatePost { id title data blog { id _deleted } _version "
		   "createdAt } }",
		   NULL),
		"");
	eq(fx_subscribe(f, "u", "subscription { onUpdatePost { title _version } }", NULL), "");
	assert_int_equal(sd_json_parse(input, strlen(input), "input", &in, &e), SD_OK);
	assert_int_equal(sd_sbx_mutate(f->s, "create", "Post", in, f->now, &row, &e), SD_OK);
	eq(last(f, "data.onCreatePost.data"), "{\"k\":1}");
	eq(last(f, "data.onCreatePost.blog"), "{\"id\":\"b1\",\"_deleted\":null}");
	eq(fx_at(row, "_version"), "1");
	sd_json_remove(in, "data");
	sd_json_remove(in, "blogPostsId");
	assert_true(sd_json_set(in, "id", sd_json_dup(sd_json_get(row, "id"))));
	assert_true(sd_json_set(in, "title", sd_json_string("u")));
	sd_json_free(row);
	assert_int_equal(sd_sbx_mutate(f->s, "update", "Post", in, f->now, &row, &e), SD_OK);
	eq(last(f, "data.onUpdatePost"), "{\"title\":\"u\",\"_version\":2}");
	sd_json_free(again);
	again = row; /* a whole row, as dump shows it, is an input too */
	assert_int_equal(sd_sbx_mutate(f->s, "update", "Post", again, f->now, &row, &e), SD_OK);
	eq(fx_at(row, "createdAt"), fx_at(again, "createdAt"));
	eq(fx_at(row, "_version"), "3");
	sd_json_free(again);
	sd_json_free(row);
	assert_true(sd_json_set(in, "id", sd_json_string("gone")));
	assert_int_equal(sd_sbx_mutate(f->s, "update", "Post", in, f->now, &row, &e), SD_REFUSED);
	eq(fx_at(row, "errorType"), "ConditionalCheckFailedException");
	sd_json_free(row);
	assert_int_equal(sd_sbx_mutate(f->s, "erase", "Post", in, f->now, &row, &e), SD_INVAL);
	assert_int_equal(sd_sbx_mutate(f->s, "create", "Pots", in, f->now, &row, &e), SD_NOTFOUND);
	assert_true(sd_json_set(in, "nope", sd_json_int(1)));
	assert_int_equal(sd_sbx_mutate(f->s, "create", "Post", in, f->now, &row, &e), SD_REFUSED);
	assert_non_null(strstr(fx_at(row, "message"), "'nope'"));
	sd_json_free(row);
	sd_json_free(in);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_start_is_taken_once_and_only_when_it_fits_the_schema),
		cmocka_unit_test(a_subscriber_sees_what_the_mutation_selected_in_its_own_shape),
		cmocka_unit_test(updates_and_deletes_arrive_and_nothing_after_the_stop),
		cmocka_unit_test(a_filter_looks_at_the_mutations_selection),
		cmocka_unit_test(a_connection_holds_a_hundred_subscriptions),
		cmocka_unit_test(an_event_over_240_kilobytes_is_dropped),
		cmocka_unit_test(owners_hear_of_their_own_records),
		cmocka_unit_test(an_administrators_change_publishes_all_fields),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
