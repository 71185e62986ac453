/*
 * tests/unit/test_schema_text.c - the texts a schema is read from: generated files, broken ones, places,
 * the digest of what was read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/model/sdl.h"
#include "tests/support/schema_look.h"

/* Each says in its first line what the error must say. */
static void every_broken_schema_is_refused_with_its_place(void **st)
{
	DIR *d = opendir("tests/schemas/broken");
	struct dirent *x;
	int seen = 0;

	(void)st;
	assert_non_null(d);
	while ((x = readdir(d))) {
		char path[512], want[256];
		struct sd_schema *s = NULL;
		struct sd_error e = {0};
		struct sd_buf b = SD_BUF_INIT;

		if (x->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "tests/schemas/broken/%s", x->d_name);
		assert_int_equal(sd_read_file(path, 100000, &b, &e), SD_OK);
		assert_int_equal(sscanf(sd_buf_text(&b), "# expect: %255[^\n]", want), 1);
		sd_buf_release(&b);
		if (sd_schema_read_file(path, &s, &e) != SD_INVAL || !strstr(e.text, want))
			fail_msg("%s: \"%s\" does not say \"%s\"", x->d_name, e.text, want);
		assert_non_null(strstr(e.text, x->d_name));
		assert_null(s);
		seen++;
	}
	closedir(d);
	assert_true(seen > 20);
}

/* What Prettier makes of it: JavaScript; old and new associations, names of any case. */
static void a_codegen_file_is_read_though_it_is_javascript(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/codegen.js");
	const struct sd_model *m = sd_schema_model(s, "Post");

	(void)st;
	look_key_is(s, "Post", "postId title");
	assert_false(m->managed_id);
	look_type_is(s, "Post", "postId", "ID!");
	look_type_is(s, "Post", "title", "String!");
	look_type_is(s, "Post", "tags", "[String!]!");
	look_type_is(s, "Post", "meta", "[Meta]");
	assert_string_equal(m->created_at, "createdOn");
	assert_string_equal(m->updated_at, "changedOn");
	look_joins(s, "Post", "comments", SD_A_HAS_MANY, "postId title",
		"postCommentsId postCommentsTitle");
	look_joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId postCommentsTitle",
		"postId title");
	assert_true(look_field(s, "Comment", "postCommentsTitle")->implicit);
	look_type_is(s, "Comment", "postCommentsTitle", "String");
	look_joins(s, "Post", "cover", SD_A_HAS_ONE, "postCoverId", "id");
	look_joins(s, "Image", "post", SD_A_BELONGS_TO, "imagePostId", "postId");
	look_joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	look_joins(
		s, "Blog", "owner", SD_A_HAS_ONE, "id", "blogOwner"); /* no target counts as none */
	assert_int_equal(m->index_count, 1);
	assert_string_equal(
		look_positions(m, m->indexes[0].fields, m->indexes[0].field_count), "blogID title");
	assert_int_equal(m->rule_count, 3);
	assert_string_equal(m->rules[0].identity_claim, "cognito:username");
	assert_string_equal(m->rules[1].groups_field, "teams");
	assert_int_equal(m->rules[2].provider, SD_BY_APIKEY);
	assert_true(look_has_note(s, "refersTo") && look_has_note(s, "somebody") &&
		    look_has_note(s, "Comment.loose"));
	assert_int_equal(sd_schema_model(s, "Comment")->sub_level, SD_SUB_OFF);
	assert_false(sd_schema_model(s, "Image")->syncable);
	assert_string_equal(sd_schema_model(s, "Image")->plural, "Imagery");
	assert_string_equal(sd_schema_model(s, "Comment")->plural, "Comments");
	assert_null(s->sdl);
	look_check_whole(s, "codegen.js");
	look_check_codegen(s, "codegen.js");
	sd_schema_free(s);
}

static void the_models_inside_a_configuration_are_read(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/outputs.json");

	(void)st;
	assert_int_equal(s->model_count, 1);
	look_key_is(s, "Todo", "list no"); /* said by primaryKeyInfo only */
	assert_null(sd_schema_model(s, "Todo")->created_at);
	sd_schema_free(s);
	s = look_load("{\"aws_project_region\":\"r\",\"modelIntrospection\":{\"models\":{\"A\":{"
		      "\"fields\":"
		      "{\"id\":{\"type\":\"ID\",\"isRequired\":true}}}}}}");
	look_key_is(s, "A", "id");
	assert_true(sd_schema_model(s, "A")->syncable);
	sd_schema_free(s);
}

static void broken_json_and_javascript_is_refused_with_its_place(void **st)
{
	static const struct {
		const char *text, *says;
	} BAD[] = {
		{"", "empty"},
		{"{\n \"models\": {\n  nope nope\n } }", "line 3"},
		{"{\"version\":\"1\"}", "no models in it"},
		{"export const schema = {\n  models: models(),\n};", ":2:11: only plain values"},
		{"export const schema = {\n  models: {,,}};", ":2:13: two commas"},
		{"export const schema = {\n  models: {", "not closed"},
		{"export const schema = look_load();", "no object is assigned"},
		{"{\"models\":{\"Post\":{\"fields\":{\"a\":{\"name\":\"a\",\n\"type\":\"Nope\"}}}}"
		 "}",
			":1:30: type \"Nope\" of field Post.a is not defined"},
		{"{\"models\":{\"Post\":{\"fields\":{\"a\":{\"name\":\"a\"}}}}}",
			"Post.a has no type"},
		{"{\"models\":{\n\n\"Post\":{\"fields\":{\"a\":{\"type\":\"Int\"}}}}}",
			":3:1: a key of model Post uses field \"id\""},
		{"{\"models\":{\"A\":{\"fields\":{\"id\":{\"type\":\"ID\"},\"b\":{\"type\":{"
		 "\"model\":\"A\"},"
		 "\"association\":{\"connectionType\":\"SOME\"}}}}}}",
			"connectionType \"SOME\""},
		{"{\"models\":{\"A\":{\"fields\":{\"id\":{\"type\":\"ID\"},"
		 "\"a) { x }\":{\"type\":\"ID\"}}}}}",
			"field \"a) { x }\" of A is no name"},
		{"{\"models\":{\"A\":{\"pluralName\":\"\",\"fields\":{\"id\":{\"type\":\"ID\"}}}}}",
			"plural \"\" of A is no name"},
		{"{\"models\":{\"A\":{\"fields\":{\"id\":{\"type\":\"ID\"}},\"attributes\":[{"
		 "\"type\":"
		 "\"auth\",\"properties\":{\"rules\":[{\"allow\":\"owner\",\"ownerField\":\"a "
		 "b\"}]}}]}}}",
			"owner field \"a b\" of A is no name"},
		{"{\"models\":{\"A\":5}}", "\"A\" is no definition"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		struct sd_schema *s = NULL;
		struct sd_error e = {0};

		if (sd_schema_read(BAD[i].text, strlen(BAD[i].text), "f", &s, &e) != SD_INVAL ||
			!strstr(e.text, BAD[i].says))
			fail_msg("\"%s\" does not say \"%s\"", e.text, BAD[i].says);
		assert_null(s);
	}
}

static void metadata_that_a_schema_lists_is_no_field(void **st)
{
	struct sd_schema *s = look_load("type A @model { x: Int _version: Int _deleted: Boolean }");

	(void)st;
	assert_null(sd_model_field(s->models[0], "_version"));
	assert_true(look_has_note(s, "A._deleted"));
	look_check_whole(s, "metadata");
	sd_schema_free(s);
}

/* same schema, same id; optional made required: another id */
static void the_digest_follows_the_structure_and_nothing_else(void **st)
{
	struct sd_schema *a = look_load("type A @model { x: Int }");
	struct sd_schema *b = look_load("# moved\n\n\"words\" type A @model {\n x : Int }");
	struct sd_schema *c = look_load("type A @model { x: Int! }");

	(void)st;
	assert_string_equal(a->hash, b->hash);
	assert_string_not_equal(a->hash, c->hash);
	assert_string_not_equal(a->hash + 16, a->hash + 32);
	sd_schema_free(a);
	sd_schema_free(b);
	sd_schema_free(c);
}

static void a_document_keeps_places_arguments_and_nesting(void **st)
{
	static const char text[] =
		"type A @d(s: \"a\\u00e9\\n\" n: -1.5e3 l: [1 two {k: null}]) {\n"
		"  f(a: Int = 3, b: [String!]!): [[Int!]]! @x\n}\n"
		"union U = | A | B\nextend type B { y: Int }\nextend type B { z: Int }\n";
	struct sd_sdl_doc *d = NULL;
	struct sd_error e = {0};
	const struct sd_sdl_def *def;
	const struct sd_sdl_value *v;

	(void)st;
	assert_int_equal(sd_sdl_parse(text, sizeof text - 1, "t", &d, &e), SD_OK);
	assert_int_equal(d->def_count, 3);
	def = sd_sdl_find(d, "A");
	v = sd_sdl_arg(sd_sdl_directive(def->directives, def->directive_count, "d"), "s");
	assert_string_equal(v->text, "a\xc3\xa9\n");
	v = sd_sdl_arg(&def->directives[0], "l");
	assert_int_equal(v->count, 3);
	assert_int_equal(v->items[2].items[0].kind, SD_SDL_NULL);
	assert_int_equal(sd_sdl_arg(&def->directives[0], "n")->kind, SD_SDL_FLOAT);
	assert_int_equal(def->fields[0].line, 2);
	assert_int_equal(def->fields[0].column, 3);
	assert_int_equal(def->fields[0].arg_count, 2);
	assert_string_equal(def->fields[0].args[0].default_value->text, "3");
	assert_int_equal(def->fields[0].type.depth, 2);
	assert_true(def->fields[0].type.non_null && def->fields[0].type.list_non_null);
	assert_int_equal(sd_sdl_find(d, "U")->value_count, 2);
	assert_int_equal(sd_sdl_find(d, "B")->field_count, 2);
	sd_sdl_free(d);
}

static void a_schema_over_a_mebibyte_is_refused(void **st)
{
	size_t n = ((size_t)1 << 20) + 1;
	char *text = malloc(n);
	struct sd_sdl_doc *d = NULL;
	struct sd_error e = {0};

	(void)st;
	assert_non_null(text);
	memset(text, ' ', n);
	assert_int_equal(sd_sdl_parse(text, n, "t", &d, &e), SD_TOOBIG);
	assert_null(d);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_broken_schema_is_refused_with_its_place),
		cmocka_unit_test(a_codegen_file_is_read_though_it_is_javascript),
		cmocka_unit_test(the_models_inside_a_configuration_are_read),
		cmocka_unit_test(broken_json_and_javascript_is_refused_with_its_place),
		cmocka_unit_test(metadata_that_a_schema_lists_is_no_field),
		cmocka_unit_test(the_digest_follows_the_structure_and_nothing_else),
		cmocka_unit_test(a_document_keeps_places_arguments_and_nesting),
		cmocka_unit_test(a_schema_over_a_mebibyte_is_refused),
	};
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}