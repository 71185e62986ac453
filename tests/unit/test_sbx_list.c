/*
 * tests/unit/test_sbx_list.c - reads of the sandbox: pages, filters, index queries, relations
 * (spec/server.md 10.3).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "tests/support/sbx_posts.h"

#define eq(a, b) assert_string_equal((a), (b))
#define SYNC                                                                                       \
	"query($limit: Int, $nextToken: String, $lastSync: AWSTimestamp, $filter: "                \
	"ModelPostFilterInput) { syncPosts(limit: $limit, nextToken: $nextToken, lastSync: "       \
	"$lastSync, filter: $filter) { items { id title _version _deleted } nextToken startedAt "  \
	"} }"

/* ids of a list with this filter literal, as one word: "abc" */
static const char *ids(struct fx *f, const char *filter)
{
	static char kept[4][64];
	static unsigned turn;
	char q[1000], *out = kept[turn++ % 4];
	struct cJSON *j;
	const struct cJSON *c;

	snprintf(q, sizeof q, "{ listPosts(filter: {%s}) { items { id } } }", filter);
	j = fx_ask(f, q, NULL);
	eq(fx_at(j, "errors"), "");
	*out = '\0';
	for (c = sd_json_child(sd_json_path(j, "data", "listPosts", "items", NULL)); c;
		c = sd_json_next(c))
		strcat(out, fx_at(c, "id"));
	sd_json_free(j);
	return out;
}

/* SRV-R01, SRV-R02, SRV-R03, SRV-R04 */
static void reads_show_tombstones_and_a_filter_hides_them(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\"");
	fx_put(f, "id: \"b\", title: \"y\"");
	fx_removed(f, "a", 1);
	eq(fx_get(f, "{ getPost(id: \"b\") { title } }", NULL, ""),
		"{\"data\":{\"getPost\":{\"title\":\"y\"}}}");
	eq(fx_get(f, "{ getPost(id: \"zz\") { title } }", NULL, ""),
		"{\"data\":{\"getPost\":null}}");
	eq(fx_get(f, "{ getPost(id: \"a\") { _deleted } }", NULL, "data.getPost._deleted"), "true");
	eq(ids(f, ""), "ab");
	eq(ids(f, "_deleted: {ne: true}"), "b");
	eq(ids(f, "_deleted: {attributeExists: true}"), "a");
	fx_close(f);
}

/* SRV-R05, SRV-R06, SRV-R10, SRV-Y13 */
static void pages_have_tokens_until_the_last_and_may_be_empty(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;
	struct cJSON *j;
	char q[600], token[400] = "";
	const char *const counts[] = {"2", "2", "1"};

	(void)st;
	for (int i = 0; i < 5; i++) {
		snprintf(q, sizeof q, "id: \"p%d\", title: \"t%d\"", i, i);
		fx_put(f, q);
	}
	for (int page = 0; page < 3; page++) {
		snprintf(q, sizeof q, "{ listPosts(limit: 2%s%s%s) { items { id } nextToken } }",
			*token ? ", nextToken: \"" : "", token, *token ? "\"" : "");
		j = fx_ask(f, q, NULL);
		snprintf(token, sizeof token, "%s", fx_at(j, "data.listPosts.nextToken"));
		assert_int_equal(sd_json_count(sd_json_path(j, "data", "listPosts", "items", NULL)),
			counts[page][0] - '0');
		sd_json_free(j);
	}
	eq(token, "null");
	*token = '\0';
	for (int page = 0; page < 5; page++) {
		snprintf(q, sizeof q,
			"{ listPosts(limit: 1, filter: {title: {eq: \"t4\"}}%s%s%s) { items { id } "
			"nextToken } }",
			*token ? ", nextToken: \"" : "", token, *token ? "\"" : "");
		j = fx_ask(f, q, NULL);
		snprintf(token, sizeof token, "%s", fx_at(j, "data.listPosts.nextToken"));
		eq(fx_at(j, "data.listPosts.items"), page < 4 ? "[]" : "[{\"id\":\"p4\"}]");
		sd_json_free(j);
	}
	eq(token, "null");
	assert_int_equal(sd_sbx_seed(f->s, "Post", 1200, 1, f->now, &e), SD_OK);
	j = fx_ask(f,
		"{ listPosts { items { id } } syncPosts(limit: 5000) { items { id } nextToken } }",
		NULL);
	assert_int_equal(sd_json_count(sd_json_path(j, "data", "listPosts", "items", NULL)), 100);
	assert_int_equal(sd_json_count(sd_json_path(j, "data", "syncPosts", "items", NULL)), 1000);
	sd_json_free(j);
	eq(fx_get(f, "{ listPosts(limit: 0) { nextToken } }", NULL, "errors.0.errorType"),
		"BadRequest");
	fx_close(f);
}

/* SRV-R07, SRV-R08: a 5, b 3, c has no rating, d has a NULL one */
static void every_operator_follows_dynamodb_also_where_nothing_is_stored(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_put(f, "id: \"a\", title: \"apple pie\", rating: 5, tags: [\"x\", \"y\"], status: LIVE");
	fx_put(f, "id: \"b\", title: \"banana\", rating: 3, tags: [\"y\"], status: DRAFT");
	fx_put(f, "id: \"c\", title: \"cherry\"");
	fx_put(f, "id: \"d\", title: \"date\", rating: null");
	eq(ids(f, "rating: {eq: 5}"), "a");
	eq(ids(f, "rating: {ne: 5}"), "bcd");
	eq(ids(f, "rating: {lt: 5}"), "b");
	eq(ids(f, "rating: {le: 5}"), "ab");
	eq(ids(f, "rating: {gt: 3}"), "a");
	eq(ids(f, "rating: {ge: 3}"), "ab");
	eq(ids(f, "rating: {between: [3, 4]}"), "b");
	eq(ids(f, "rating: {attributeExists: true}"), "abd");
	eq(ids(f, "rating: {attributeExists: false}"), "c");
	eq(ids(f, "rating: {attributeType: _null}"), "d");
	eq(ids(f, "rating: {attributeType: number}"), "ab");
	eq(ids(f, "rating: {eq: null}"), "d");
	eq(ids(f, "title: {beginsWith: \"ban\"}"), "b");
	eq(ids(f, "title: {contains: \"an\"}"), "b");
	eq(ids(f, "title: {notContains: \"an\"}"), "acd");
	eq(ids(f, "title: {between: [\"b\", \"ch\"]}"), "b");
	eq(ids(f, "title: {size: {ge: 9}}"), "a");
	eq(ids(f, "title: {size: {between: [4, 6]}}"), "bcd");
	eq(ids(f, "tags: {contains: \"x\"}"), "a");
	eq(ids(f, "tags: {notContains: \"x\"}"), "bcd");
	eq(ids(f, "tags: {size: {eq: 1}}"), "b");
	eq(ids(f, "status: {eq: LIVE}"), "a");
	eq(ids(f, "status: {ne: LIVE}"), "bcd");
	eq(ids(f, "rating: {gt: 1, lt: 4}"), "b");
	eq(ids(f, "rating: {gt: 1}, title: {contains: \"pie\"}"), "a");
	eq(ids(f, "or: [{rating: {eq: 5}}, {title: {eq: \"cherry\"}}]"), "ac");
	eq(ids(f, "not: {rating: {gt: 1}}"), "cd");
	eq(ids(f, "and: [{not: {title: {eq: \"date\"}}}, {or: [{rating: {lt: 4}}, "
		  "{rating: {attributeExists: false}}]}]"),
		"bc");
	eq(fx_get(f, "{ listPosts(filter: {rating: {between: [1]}}) { nextToken } }", NULL,
		   "errors.0.errorType"),
		"Unrecognized Filter");
	fx_close(f);
}

/* SRV-R09 */
static void an_index_query_goes_both_ways_and_pages(void **st)
{
	struct fx *f =
		fx_open("type Post @model { id: ID! blog: ID @index(name: \"byBlog\", queryField: "
			"\"postsByBlog\", sortKeyFields: [\"day\"]) day: String }",
			SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;
	char q[600];
	static const char *const days[] = {"2026-01-03", "2026-01-01", "2026-01-02", "2026-01-02"};

	(void)st;
	for (int i = 0; i < 4; i++) {
		snprintf(q, sizeof q, "id: \"%d\", blog: \"b\", day: \"%s\"", i, days[i]);
		fx_put(f, q);
	}
	fx_put(f, "id: \"9\", blog: \"other\", day: \"2026-01-01\"");
	eq(fx_get(f, "{ postsByBlog(blog: \"b\") { items { id } } }", NULL,
		   "data.postsByBlog.items"),
		"[{\"id\":\"1\"},{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"0\"}]");
	eq(fx_get(f, "{ postsByBlog(blog: \"b\", day: {ge: \"2026-01-02\"}) { items { id } } }",
		   NULL, "data.postsByBlog.items"),
		"[{\"id\":\"2\"},{\"id\":\"3\"},{\"id\":\"0\"}]");
	j = fx_ask(f,
		"{ postsByBlog(blog: \"b\", sortDirection: DESC, limit: 2) { items { id } "
		"nextToken } }",
		NULL);
	eq(fx_at(j, "data.postsByBlog.items"), "[{\"id\":\"0\"},{\"id\":\"3\"}]");
	snprintf(q, sizeof q,
		"{ postsByBlog(blog: \"b\", sortDirection: DESC, limit: 9, nextToken: \"%s\") { "
		"items { id } nextToken } }",
		fx_at(j, "data.postsByBlog.nextToken"));
	sd_json_free(j);
	j = fx_ask(f, q, NULL);
	eq(fx_at(j, "data.postsByBlog"),
		"{\"items\":[{\"id\":\"2\"},{\"id\":\"1\"}],\"nextToken\":null}");
	sd_json_free(j);
	fx_close(f);
}

static const char family[] = "type Blog @model { id: ID! name: String! posts: [Post] "
			     "@hasMany(indexName: \"byBlog\", fields: [\"id\"]) }\n"
			     "type Post @model { id: ID! title: String! blogID: ID @index(name: "
			     "\"byBlog\", sortKeyFields: [\"title\"]) "
			     "blog: Blog @belongsTo(fields: [\"blogID\"]) cover: Image @hasOne "
			     "tags: [Tag] @manyToMany(relationName: \"PostTags\") }\n"
			     "type Image @model { id: ID! url: AWSURL }\n"
			     "type Tag @model { id: ID! label: String! posts: [Post] "
			     "@manyToMany(relationName: \"PostTags\") }\n";

static void relations_are_followed_with_their_arguments_tombstones_included(void **st)
{
	struct fx *f = fx_open(family, SD_STRATEGY_AUTOMERGE);

	(void)st;
	eq(fx_get(f,
		   "mutation { a: createBlog(input: {id: \"b1\", name: \"n\"}) { id } "
		   "b: createImage(input: {id: \"i1\", url: \"https://x.example/1\"}) { url } "
		   "c: createPost(input: {id: \"p1\", title: \"z\", blogID: \"b1\", postCoverId: "
		   "\"i1\"}) { cover { url } } "
		   "d: createPost(input: {id: \"p2\", title: \"a\", blogID: \"b1\"}) { blog { name "
		   "} } "
		   "e: createPost(input: {id: \"p3\", title: \"m\"}) { blog { name } cover { id } "
		   "} "
		   "f: createTag(input: {id: \"t1\", label: \"red\"}) { id } "
		   "g: createPostTags(input: {id: \"x\", postId: \"p1\", tagId: \"t1\"}) { id } "
		   "h: deletePost(input: {id: \"p2\", _version: 1}) { id } }",
		   NULL, "data"),
		"{\"a\":{\"id\":\"b1\"},\"b\":{\"url\":\"https://x.example/1\"},"
		"\"c\":{\"cover\":{\"url\":\"https://x.example/"
		"1\"}},\"d\":{\"blog\":{\"name\":\"n\"}},"
		"\"e\":{\"blog\":null,\"cover\":null},\"f\":{\"id\":\"t1\"},\"g\":{\"id\":\"x\"},"
		"\"h\":{\"id\":\"p2\"}}");
	eq(fx_get(f, "{ getBlog(id: \"b1\") { posts { items { id _deleted } } } }", NULL,
		   "data.getBlog.posts.items"),
		"[{\"id\":\"p2\",\"_deleted\":true},{\"id\":\"p1\",\"_deleted\":null}]");
	eq(fx_get(f,
		   "{ getBlog(id: \"b1\") { posts(sortDirection: DESC, limit: 1, title: {gt: "
		   "\"b\"}) { items { id } } } }",
		   NULL, "data.getBlog.posts.items"),
		"[{\"id\":\"p1\"}]");
	eq(fx_get(f,
		   "{ getBlog(id: \"b1\") { posts(filter: {_deleted: {ne: true}}) { items { blog { "
		   "id } } } } }",
		   NULL, "data.getBlog.posts.items"),
		"[{\"blog\":{\"id\":\"b1\"}}]");
	eq(fx_get(f, "{ getTag(id: \"t1\") { posts { items { post { title } } } } }", NULL,
		   "data.getTag.posts.items"),
		"[{\"post\":{\"title\":\"z\"}}]");
	eq(fx_get(f, "{ syncPosts { items { id blog { id _deleted } } } }", NULL,
		   "data.syncPosts.items.2.blog"),
		"null");
	fx_close(f);
}

/* SRV-Y12 */
static void a_sync_filter_in_an_and_gives_what_scanning_gives(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_put(f, "id: \"a\", title: \"x\", blogID: \"b1\"");
	fx_put(f, "id: \"b\", title: \"y\", blogID: \"b2\"");
	fx_put(f, "id: \"c\", title: \"z\", blogID: \"b1\"");
	eq(fx_get(f, "{ syncPosts(filter: {and: [{blogID: {eq: \"b1\"}}]}) { items { id } } }",
		   NULL, "data.syncPosts.items"),
		"[{\"id\":\"a\"},{\"id\":\"c\"}]");
	eq(ids(f, "blogID: {eq: \"b1\"}"), "ac");
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_show_tombstones_and_a_filter_hides_them),
		cmocka_unit_test(pages_have_tokens_until_the_last_and_may_be_empty),
		cmocka_unit_test(every_operator_follows_dynamodb_also_where_nothing_is_stored),
		cmocka_unit_test(an_index_query_goes_both_ways_and_pages),
		cmocka_unit_test(relations_are_followed_with_their_arguments_tombstones_included),
		cmocka_unit_test(a_sync_filter_in_an_and_gives_what_scanning_gives),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}