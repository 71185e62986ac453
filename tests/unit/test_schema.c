/*
 * tests/unit/test_schema.c - schemas of every shape: relations, keys, indexes, types.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/schema_look.h"

static const struct sd_index *index_of(
	const struct sd_schema *s, const char *model, const char *name)
{
	const struct sd_model *m = sd_schema_model(s, model);

	for (size_t i = 0; i < m->index_count; i++)
		if (strcmp(m->indexes[i].name, name) == 0)
			return &m->indexes[i];
	fail_msg("%s has no index %s", model, name);
	return NULL;
}

static size_t place_of(const struct sd_schema *s, const char *model)
{
	for (size_t i = 0; i < s->model_count; i++)
		if (strcmp(s->models[s->parents_first[i]]->name, model) == 0)
			return i;
	fail_msg("%s is not in the order", model);
	return 0;
}

/* The shared schemas of public projects, when they are here.  R-138 */
static void every_shared_schema_loads_and_the_broken_one_is_refused_by_name(void **st)
{
	const char *root = getenv("SD_SHARED");
	char dir[512], path[1024];
	DIR *d;
	struct dirent *x;
	int seen = 0;

	(void)st;
	snprintf(dir, sizeof dir, "%s/data/schemas/vendor", root ? root : "../shared");
	d = opendir(dir);
	if (!d) {
		printf("skip: the shared schemas are not here (SD_SHARED)\n");
		skip();
	}
	while ((x = readdir(d))) {
		struct sd_schema *s = NULL;
		struct sd_error e = {0};
		enum sd_err rc;

		if (x->d_name[0] == '.')
			continue;
		snprintf(path, sizeof path, "%s/%s", dir, x->d_name);
		rc = sd_schema_read_file(path, &s, &e);
		if (strstr(x->d_name, ".invalid.")) {
			assert_int_equal(rc, SD_INVAL);
			assert_non_null(strstr(e.text, "MyType.missingType"));
			assert_non_null(strstr(e.text, "\"Missing\""));
			assert_non_null(strstr(e.text, ":2:3:"));
			assert_null(s);
		} else if (rc) {
			fail_msg("%s: %s", x->d_name, e.text);
		} else {
			look_check_whole(s, x->d_name);
			look_check_codegen(s, x->d_name);
		}
		seen++;
		sd_schema_free(s);
	}
	closedir(d);
	assert_true(seen > 30);
}

static void a_has_many_and_a_belongs_to_share_the_column_the_service_makes(void **st)
{
	struct sd_schema *s =
		look_load("type Post @model { title: String! comments: [Comment] @hasMany }\n"
			  "type Comment @model { text: String post: Post! @belongsTo }");
	const struct sd_field *f = look_field(s, "Comment", "postCommentsId");

	(void)st;
	assert_true(f->required && f->stored && !f->implicit);
	assert_int_equal(f->scalar, SD_T_ID);
	look_joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "postCommentsId");
	look_joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId", "id");
	assert_ptr_equal(sd_model_relation_of(sd_schema_model(s, "Comment"), f),
		look_field(s, "Comment", "post"));
	assert_int_equal(s->parents_first[0], sd_schema_model(s, "Post")->id);
	assert_true(sd_schema_model(s, "Post")->managed_id);
	assert_false(sd_schema_model(s, "Post")->custom_pk);
	assert_string_equal(sd_schema_model(s, "Post")->fields[0].name, "id");
	assert_non_null(s->sdl);
	sd_schema_free(s);
}

static void every_way_to_write_a_relation_joins_the_right_columns(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/relations.graphql");

	(void)st;
	look_joins(s, "Blog", "posts", SD_A_HAS_MANY, "id", "blogID");
	look_joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	look_joins(s, "Blog", "cover", SD_A_HAS_ONE, "blogCoverId", "id");
	look_joins(s, "Image", "blog", SD_A_BELONGS_TO, "imageBlogId", "id");
	look_joins(s, "Blog", "motto", SD_A_HAS_ONE, "mottoId", "id");
	look_joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "postCommentsId");
	look_joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId", "id");
	look_joins(s, "Tree", "children", SD_A_HAS_MANY, "id", "parentId");
	look_joins(s, "Tree", "parent", SD_A_BELONGS_TO, "parentId", "id");
	look_joins(s, "User", "profile", SD_A_HAS_ONE, "id", "userId");
	look_joins(s, "Profile", "user", SD_A_BELONGS_TO, "userId", "id");
	look_joins(s, "User", "calls", SD_A_HAS_MANY, "id", "callerId");
	look_joins(s, "Call", "caller", SD_A_BELONGS_TO, "callerId", "id");
	look_joins(s, "Shelf", "books", SD_A_HAS_MANY, "id", "shelfBooksId");
	look_type_is(s, "Book", "shelfBooksId", "ID");
	look_joins(s, "Team", "players", SD_A_HAS_MANY, "id town", "teamID teamTown");
	look_joins(s, "Player", "team", SD_A_BELONGS_TO, "teamID teamTown", "id town");
	assert_null(sd_model_field(sd_schema_model(s, "Call"), "friend"));
	assert_true(look_has_note(s, "Call.friend"));
	/* a model's own key belongs to no relation of it */
	assert_null(sd_model_relation_of(sd_schema_model(s, "User"), look_field(s, "User", "id")));
	assert_true(place_of(s, "Blog") < place_of(s, "Post"));
	assert_true(place_of(s, "Post") < place_of(s, "Comment"));
	assert_true(place_of(s, "User") < place_of(s, "Profile"));
	assert_true(place_of(s, "Shelf") < place_of(s, "Book"));
	look_check_whole(s, "relations");
	look_check_codegen(s, "relations");
	sd_schema_free(s);
}

/* U-36: keys of one, two, three and four parts */
static void keys_and_indexes_are_read_with_their_names_and_columns(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/keys.graphql");
	const struct sd_model *m = sd_schema_model(s, "Grouped");
	const struct sd_index *x;

	(void)st;
	look_key_is(s, "Plain", "id");
	look_key_is(s, "Chosen", "id");
	look_key_is(s, "Sorted", "id at");
	look_key_is(s, "Serial", "no");
	look_key_is(s, "Store", "productID name warehouse priority");
	assert_false(sd_schema_model(s, "Plain")->custom_pk);
	assert_true(sd_schema_model(s, "Chosen")->custom_pk);
	assert_true(sd_schema_model(s, "Chosen")->managed_id);
	assert_true(sd_schema_model(s, "Sorted")->managed_id);
	assert_false(sd_schema_model(s, "Serial")->managed_id);
	assert_false(sd_schema_model(s, "Store")->managed_id);
	assert_null(sd_model_field(sd_schema_model(s, "Serial"), "id"));
	assert_string_equal(index_of(s, "Plain", "plainsByName")->query_field, "plainsByName");
	assert_string_equal(index_of(s, "Chosen", "byName")->query_field, "chosenByName");
	x = index_of(s, "Grouped", "one");
	assert_null(x->query_field);
	assert_string_equal(look_positions(m, x->fields, x->field_count), "hk a b");
	assert_string_equal(index_of(s, "Grouped", "two")->query_field, "groupedsByHkAndBAndC");
	assert_int_equal(m->group_count, 2);
	assert_string_equal(look_positions(m, m->groups[0].fields, m->groups[0].count), "a b c");
	assert_string_equal(look_positions(m, m->groups[1].fields, m->groups[1].count), "x y");
	look_type_is(s, "Item", "storeItemsProductID", "String");
	look_type_is(s, "Item", "storeItemsName", "String");
	look_type_is(s, "Item", "storeItemsWarehouse", "Int");
	look_type_is(s, "Item", "storeItemsPriority", "Priority");
	look_joins(s, "Item", "store", SD_A_BELONGS_TO,
		"storeItemsProductID storeItemsName storeItemsWarehouse storeItemsPriority",
		"productID name warehouse priority");
	look_check_whole(s, "keys");
	look_check_codegen(s, "keys");
	sd_schema_free(s);
}

static void a_many_to_many_relation_makes_a_join_model(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/join.graphql");
	const struct sd_model *m = sd_schema_model(s, "PostTags");
	const struct sd_index *x;

	(void)st;
	assert_int_equal(s->model_count, 5);
	assert_ptr_equal(s->models[3], m);
	assert_true(m->join && m->managed_id && !s->models[0]->join);
	assert_string_equal(m->plural, "PostTags");
	assert_string_equal(sd_schema_model(s, "PostEditors")->plural, "PostEditors");
	assert_int_equal(m->field_count, 8);
	assert_string_equal(m->fields[1].name, "postId");
	assert_string_equal(m->fields[2].name, "tagTagId");
	assert_string_equal(m->fields[3].name, "taglabel");
	assert_string_equal(m->fields[4].name, "post");
	look_joins(s, "PostTags", "post", SD_A_BELONGS_TO, "postId", "id");
	look_joins(s, "PostTags", "tag", SD_A_BELONGS_TO, "tagTagId taglabel", "tagId label");
	look_joins(s, "Post", "tags", SD_A_HAS_MANY, "id", "postId");
	look_joins(s, "Tag", "posts", SD_A_HAS_MANY, "tagId label", "tagTagId taglabel");
	look_type_is(s, "Post", "tags", "[PostTags]");
	look_type_is(s, "Person", "edits", "[PostEditors!]!");
	look_type_is(s, "PostTags", "taglabel", "String!");
	x = index_of(s, "PostTags", "byTag");
	assert_string_equal(look_positions(m, x->fields, x->field_count), "tagTagId taglabel");
	assert_int_equal(m->rule_count, 3); /* public stands on both sides */
	assert_int_equal(sd_schema_model(s, "PostEditors")->rule_count, 2);
	assert_true(place_of(s, "Post") < place_of(s, "PostTags"));
	assert_true(place_of(s, "Tag") < place_of(s, "PostTags"));
	look_check_whole(s, "join");
	look_check_codegen(s, "join");
	sd_schema_free(s);
}

static void the_older_key_and_connection_are_read(void **st)
{
	struct sd_schema *s = look_load_file("tests/schemas/older.graphql");

	(void)st;
	look_key_is(s, "Customer", "email");
	look_key_is(s, "Item", "orderId status createdAt");
	assert_string_equal(index_of(s, "Item", "ByStatus")->query_field, "itemsByStatus");
	assert_null(index_of(s, "Post", "byBlog")->query_field);
	look_joins(s, "Blog", "posts", SD_A_HAS_MANY, "id", "blogID");
	look_joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	look_joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "commentPostId");
	look_joins(s, "Comment", "post", SD_A_BELONGS_TO, "commentPostId", "id");
	/* the older service takes this column and never answers it */
	assert_true(look_field(s, "Comment", "commentPostId")->implicit);
	look_joins(s, "Post", "likes", SD_A_HAS_MANY, "id", "postLikesId");
	look_joins(s, "Project", "team", SD_A_HAS_ONE, "teamID", "id");
	look_joins(s, "Project", "lead", SD_A_BELONGS_TO, "projectLeadId", "id");
	look_joins(s, "Project", "chart", SD_A_HAS_ONE, "chartKey", "id");
	look_joins(s, "Chart", "project", SD_A_BELONGS_TO, "chartProjectId", "id");
	look_check_whole(s, "older");
	look_check_codegen(s, "older");
	sd_schema_free(s);
}

static void timestamps_and_rules(const struct sd_schema *s)
{
	const struct sd_model *m = sd_schema_model(s, "Everything");
	const struct sd_auth_rule *r = m->rules;

	assert_string_equal(m->created_at, "createdOn");
	assert_string_equal(m->updated_at, "updatedAt");
	assert_true(look_field(s, "Everything", "createdOn")->read_only);
	assert_null(sd_schema_model(s, "blogPost")->created_at);
	assert_int_equal(sd_schema_model(s, "blogPost")->field_count, 2);
	assert_null(sd_schema_model(s, "Clock")->created_at);
	assert_null(sd_schema_model(s, "Clock")->updated_at); /* of another type: not filled in */
	assert_false(look_field(s, "Clock", "updatedAt")->read_only);
	assert_int_equal(m->sub_level, SD_SUB_PUBLIC);
	assert_int_equal(sd_schema_model(s, "blogPost")->sub_level, SD_SUB_OFF);
	assert_int_equal(m->rule_count, 5);
	assert_string_equal(r[0].owner_field, "owner");
	assert_string_equal(r[0].identity_claim, "sub::username");
	assert_int_equal(r[0].provider, SD_BY_USERPOOLS);
	assert_int_equal(r[0].operations, SD_OP_ALL_BITS);
	assert_false(r[0].owner_field_given);
	assert_string_equal(r[1].owner_field, "editors");
	assert_string_equal(r[1].identity_claim, "sub");
	assert_int_equal(r[1].provider, SD_BY_OIDC);
	assert_int_equal(r[1].operations, SD_OP_CREATE_BIT | SD_OP_UPDATE_BIT | SD_OP_READ_BITS);
	assert_string_equal(r[2].groups_field, "teams");
	assert_string_equal(r[2].group_claim, "cognito:groups");
	assert_int_equal(r[3].operations, SD_OP_GET_BIT | SD_OP_LIST_BIT | SD_OP_SYNC_BIT);
	assert_int_equal(r[3].provider, SD_BY_IAM);
	assert_int_equal(r[4].provider, SD_BY_FUNCTION);
	assert_null(sd_model_field(m, "owner")); /* only when the schema lists it */
}

/* BOM, CR LF, block strings, extensions, directives over lines, settings, abstract types */
static void every_kind_of_type_is_stored_or_ignored_with_a_note(void **st)
{
	static const char *const NOTED[] = {"input AMPLIFY", "interface Named", "union Any",
		"type MyQuery", "type Mutation", "Everything.remote", "Everything.made",
		"Everything.any", "scalar Money", "Address.of", "@searchable", "@versioned"};
	struct sd_schema *s = look_load_file("tests/schemas/types.graphql");
	const struct sd_field *f;

	(void)st;
	assert_int_equal(s->model_count, 3);
	assert_int_equal(s->nonmodel_count, 2);
	assert_int_equal(s->enum_count, 1);
	assert_string_equal(
		look_names(s->enums[0]->values, s->enums[0]->value_count), "OPEN CLOSED LATE");
	for (size_t i = 0; i < sizeof NOTED / sizeof *NOTED; i++)
		if (!look_has_note(s, NOTED[i]))
			fail_msg("no note says %s", NOTED[i]);
	look_type_is(s, "Everything", "yes", "Boolean!");
	look_type_is(s, "Everything", "all", "[Status!]!");
	look_type_is(s, "Everything", "some", "[Status]");
	look_type_is(s, "Everything", "old", "[Address]");
	f = look_field(s, "Everything", "address");
	assert_int_equal(f->kind, SD_K_NONMODEL);
	assert_int_equal(f->nonmodel->field_count, 5);
	assert_string_equal(f->nonmodel->fields[4].name, "country");
	assert_ptr_equal(f->nonmodel->fields[1].nonmodel, s->nonmodels[1]);
	assert_string_equal(look_field(s, "Everything", "name")->default_value, "no name");
	assert_int_equal(look_field(s, "Everything", "name")->line, 28);
	assert_string_equal(sd_schema_model(s, "Everything")->plural, "Everythings");
	timestamps_and_rules(s);
	look_check_whole(s, "types");
	look_check_codegen(s, "types");
	sd_schema_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shared_schema_loads_and_the_broken_one_is_refused_by_name),
		cmocka_unit_test(a_has_many_and_a_belongs_to_share_the_column_the_service_makes),
		cmocka_unit_test(every_way_to_write_a_relation_joins_the_right_columns),
		cmocka_unit_test(keys_and_indexes_are_read_with_their_names_and_columns),
		cmocka_unit_test(a_many_to_many_relation_makes_a_join_model),
		cmocka_unit_test(the_older_key_and_connection_are_read),
		cmocka_unit_test(every_kind_of_type_is_stored_or_ignored_with_a_note),
	};
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}