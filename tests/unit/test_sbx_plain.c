/*
 * tests/unit/test_sbx_plain.c - models without conflict detection: --strategy none for the API or
 * one model.  The table is a plain one: spec/server.md 2.4 (last line), 2.7, SRV-S08.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/sbx_fixture.h"
#include "tests/support/support.h"

#define eq(a, b) assert_string_equal((a), (b))
#define BASE_TTL (INT64_C(30) * 86400000)

static char *sdl(struct fx *f)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e;

	assert_int_equal(sd_sbx_sdl(f->s, &b, &e), SD_OK);
	return sd_buf_take(&b);
}

static const char *ask(struct fx *f, const char *query, const char *path)
{
	return fx_get(f, query, NULL, path);
}

static void SRV_S08_an_api_without_conflict_detection_has_no_trace_of_it(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_NONE);
	char *api = sdl(f);

	(void)st;
	assert_null(strstr(api, "_version"));
	assert_null(strstr(api, "_deleted"));
	assert_null(strstr(api, "_lastChangedAt"));
	assert_null(strstr(api, "startedAt"));
	assert_null(strstr(api, "syncPosts"));
	assert_null(strstr(api, "lastSync"));
	assert_non_null(strstr(api, "  listPosts(filter: ModelPostFilterInput, limit: Int, "));
	assert_non_null(strstr(api, "input DeletePostInput {\n  id: ID!\n}"));
	free(api);
	eq(ask(f, "{ syncPosts { items { id } } }", "errors.0.message"),
		"Validation error of type FieldUndefined: Field 'syncPosts' in type 'Query' is "
		"undefined @ 'syncPosts'");
	eq(ask(f, "{ listPosts { items { _version } } }", "errors.0.message"),
		"Validation error of type FieldUndefined: Field '_version' in type 'Post' is "
		"undefined @ 'listPosts/items/_version'");
	fx_close(f);
}

static void writes_of_a_plain_table_are_unconditional_and_deletes_remove(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_NONE);
	struct sd_buf dump = SD_BUF_INIT;
	struct sd_error e;

	(void)st;
	eq(fx_subscribe(f, "d", "subscription { onDeletePost { id title } }", NULL), "");
	eq(ask(f, "mutation { createPost(input: {id: \"p\", title: \"a\"}) { title } }",
		   "data.createPost.title"),
		"a");
	eq(ask(f, "mutation { createPost(input: {id: \"p\", title: \"b\"}) { title } }",
		   "errors.0.errorType"),
		"DynamoDB:ConditionalCheckFailedException");
	assert_memory_equal(
		ask(f, "mutation { createPost(input: {id: \"p\", title: \"b\"}) { title } }",
			"errors.0.message"),
		"The conditional request failed (Service: AmazonDynamoDBv2; Status Code: 400; "
		"Error "
		"Code: ConditionalCheckFailedException; Request ID: ",
		132);
	eq(ask(f, "mutation { updatePost(input: {id: \"p\", title: \"c\"}) { title } }",
		   "data.updatePost.title"),
		"c");
	eq(ask(f, "mutation { updatePost(input: {id: \"gone\", title: \"c\"}) { title } }",
		   "errors.0.errorType"),
		"DynamoDB:ConditionalCheckFailedException");
	eq(ask(f,
		   "mutation { updatePost(input: {id: \"p\", title: \"d\"}, condition: {title: "
		   "{eq: "
		   "\"x\"}}) { title } }",
		   "errors.0.data.title"),
		"c");
	assert_int_equal(sd_sbx_dump(f->s, "Post", f->now, &dump, &e), SD_OK);
	assert_null(strstr(sd_buf_text(&dump), "_version"));
	assert_null(strstr(sd_buf_text(&dump), "_deleted"));
	sd_buf_release(&dump);
	eq(ask(f, "mutation { deletePost(input: {id: \"p\"}) { id title } }",
		   "data.deletePost.title"),
		"c");
	assert_int_equal(f->event_count, 1);
	eq(fx_at(f->events[0].payload, "data.onDeletePost"), "{\"id\":\"p\",\"title\":\"c\"}");
	eq(ask(f, "{ listPosts { items { id } } getPost(id: \"p\") { id } }", "data"),
		"{\"listPosts\":{\"items\":[]},\"getPost\":null}");
	/* what is not there needs no delete: null, no error (2.7) */
	eq(ask(f, "mutation { deletePost(input: {id: \"p\"}) { title } }", ""),
		"{\"data\":{\"deletePost\":null}}");
	eq(ask(f, "mutation { createPost(input: {id: \"p\", title: \"again\"}) { title } }",
		   "data.createPost.title"),
		"again");
	fx_close(f);
}

static void one_model_may_be_plain_in_a_versioned_api_and_the_other_way_round(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE), *g = fx_open(NULL, SD_STRATEGY_NONE);
	struct sd_error e;
	struct cJSON *in = NULL, *row;

	(void)st;
	assert_int_equal(sd_sbx_model_strategy(f->s, "Person=none", &e), SD_OK);
	eq(ask(f,
		   "mutation { a: createPerson(input: {id: \"1\", name: \"n\"}) { name } "
		   "b: createPost(input: {id: \"1\", title: \"t\"}) { _version } "
		   "c: updatePerson(input: {id: \"1\", name: \"m\"}) { name } "
		   "d: deletePerson(input: {id: \"1\"}) { name } "
		   "e: deletePost(input: {id: \"1\", _version: 1}) { _deleted } }",
		   ""),
		"{\"data\":{\"a\":{\"name\":\"n\"},\"b\":{\"_version\":1},\"c\":{\"name\":\"m\"},"
		"\"d\":{\"name\":\"m\"},\"e\":{\"_deleted\":true}}}");
	eq(ask(f, "{ syncPosts { items { id } } listPeople { items { id } } }", "data"),
		"{\"syncPosts\":{\"items\":[{\"id\":\"1\"}]},\"listPeople\":{\"items\":[]}}");
	assert_non_null(strstr(ask(f, "{ syncPeople { items { id } } }", "errors.0.message"),
		"'syncPeople' in type 'Query' is undefined"));
	/* the administrator's calls know it too */
	assert_int_equal(sd_json_parse("{\"id\":\"2\",\"name\":\"x\"}", 21, "in", &in, &e), SD_OK);
	assert_int_equal(sd_sbx_mutate(f->s, "create", "Person", in, f->now, &row, &e), SD_OK);
	eq(fx_at(row, "_version"), "");
	sd_json_free(row);
	assert_int_equal(sd_sbx_mutate(f->s, "update", "Person", in, f->now, &row, &e), SD_OK);
	sd_json_free(row);
	assert_int_equal(sd_sbx_put(f->s, "Person", in, f->now, &e), SD_OK);
	assert_int_equal(sd_sbx_seed(f->s, "Person", 3, 1, f->now, &e), SD_OK);
	assert_int_equal(sd_sbx_mutate(f->s, "delete", "Person", in, f->now, &row, &e), SD_OK);
	sd_json_free(row);
	sd_json_free(in);
	assert_int_equal(sd_sbx_state(f->s, f->now, &row, &e), SD_OK);
	eq(fx_at(row, "Person"), "{\"live\":3,\"deleted\":0}");
	sd_json_free(row);
	fx_close(f);
	assert_int_equal(sd_sbx_model_strategy(g->s, "Post=optimistic", &e), SD_OK);
	eq(ask(g,
		   "mutation { a: createPost(input: {id: \"1\", title: \"t\"}) { _version } "
		   "b: updatePost(input: {id: \"1\", title: \"u\", _version: 7}) { id } }",
		   "errors.0.errorType"),
		"ConflictUnhandled");
	assert_non_null(strstr(
		ask(g, "{ listPeople { items { _version } } }", "errors.0.message"), "_version"));
	/* DataStore off is every model */
	assert_int_equal(sd_sbx_set(g->s, "datastore", "false", &e), SD_OK);
	assert_non_null(strstr(
		ask(g, "{ listPosts { items { _version } } }", "errors.0.message"), "_version"));
	/* a word that is no setting is named as such, whatever its value */
	assert_int_equal(sd_sbx_set(g->s, "max_page", "10", &e), SD_INVAL);
	assert_non_null(strstr(e.text, "max_page: no such setting"));
	assert_int_equal(sd_sbx_set(g->s, "datastore", "10", &e), SD_INVAL);
	assert_non_null(strstr(e.text, "give true or false"));
	assert_int_equal(sd_sbx_set(g->s, "datastore", "true", &e), SD_OK);
	eq(ask(g, "{ getPost(id: \"1\") { _version } }", "data.getPost._version"), "1");
	fx_close(g);
}

/* A database that was served with conflict detection and is served without, and back. */
static void a_database_follows_when_detection_is_switched(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "sandbox.db");
	struct fx *f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, db, BASE_TTL);

	(void)st;
	eq(ask(f,
		   "mutation { a: createPost(input: {id: \"1\", title: \"t\"}) { id } "
		   "b: createPost(input: {id: \"2\", title: \"t\"}) { id } "
		   "c: deletePost(input: {id: \"1\", _version: 1}) { id } "
		   "d: updatePost(input: {id: \"2\", title: \"u\", _version: 1}) { id } }",
		   "errors"),
		"");
	fx_close(f);
	f = fx_open_db(NULL, SD_STRATEGY_NONE, db, BASE_TTL);
	eq(ask(f, "{ listPosts { items { id title } } }", "data.listPosts.items"),
		"[{\"id\":\"2\",\"title\":\"u\"}]");
	eq(ask(f,
		   "mutation { a: createPost(input: {id: \"1\", title: \"new\"}) { title } "
		   "b: updatePost(input: {id: \"2\", title: \"v\"}) { title } }",
		   "errors"),
		"");
	fx_close(f);
	f = fx_open_db(NULL, SD_STRATEGY_AUTOMERGE, db, BASE_TTL);
	eq(ask(f, "{ syncPosts { items { id title _version _deleted } } }", "data.syncPosts.items"),
		"[{\"id\":\"2\",\"title\":\"v\",\"_version\":1,\"_deleted\":null},"
		"{\"id\":\"1\",\"title\":\"new\",\"_version\":1,\"_deleted\":null}]");
	eq(ask(f,
		   "mutation { updatePost(input: {id: \"1\", title: \"w\", _version: 1}) { "
		   "_version "
		   "} }",
		   "data.updatePost._version"),
		"2");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(SRV_S08_an_api_without_conflict_detection_has_no_trace_of_it),
		cmocka_unit_test(writes_of_a_plain_table_are_unconditional_and_deletes_remove),
		cmocka_unit_test(one_model_may_be_plain_in_a_versioned_api_and_the_other_way_round),
		cmocka_unit_test(a_database_follows_when_detection_is_switched),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
