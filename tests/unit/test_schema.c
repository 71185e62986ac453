/* tests/unit/test_schema.c - schemas of every shape, from every form. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/json/json.h"
#include "core/model/schema.h"
#include "core/model/sdl.h"

static struct sd_schema *load(const char *text)
{
	struct sd_schema *s = NULL;
	struct sd_error e = {0};
	enum sd_err rc = sd_schema_read(text, strlen(text), "test.graphql", &s, &e);

	if (rc)
		fail_msg("%s", e.text);
	return s;
}

/* The names, parted by blanks; good until the eighth next call. */
static const char *names(char *const *v, size_t n)
{
	static char text[8][512];
	static unsigned turn;
	char *o = text[turn++ % 8];
	size_t len = 0;

	*o = 0;
	for (size_t i = 0; i < n; i++)
		len += (size_t)snprintf(o + len, sizeof text[0] - len, "%s%s", i ? " " : "", v[i]);
	return o;
}

static struct sd_schema *load_file(const char *path)
{
	struct sd_schema *s = NULL;
	struct sd_error e = {0};

	if (sd_schema_read_file(path, &s, &e))
		fail_msg("%s", e.text);
	return s;
}

static const struct sd_field *field(const struct sd_schema *s, const char *model, const char *f)
{
	const struct sd_model *m = sd_schema_model(s, model);
	const struct sd_field *got;

	if (!m)
		fail_msg("no model %s", model);
	got = sd_model_field(m, f);
	if (!got)
		fail_msg("no field %s.%s", model, f);
	return got;
}

static void joins(const struct sd_schema *s, const char *model, const char *f, enum sd_assoc assoc,
	const char *local, const char *remote)
{
	const struct sd_field *r = field(s, model, f);

	assert_int_equal(r->kind, SD_K_MODEL);
	assert_int_equal(r->assoc, assoc);
	assert_string_equal(names(r->local, r->join_count), local);
	assert_string_equal(names(r->remote, r->join_count), remote);
}

static void type_is(const struct sd_schema *s, const char *model, const char *f, const char *want)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_true(sd_field_type_text(field(s, model, f), &b));
	if (strcmp(sd_buf_text(&b), want) != 0)
		fail_msg("%s.%s is %s, not %s", model, f, sd_buf_text(&b), want);
	sd_buf_release(&b);
}

static void key_is(const struct sd_schema *s, const char *model, const char *want)
{
	const struct sd_model *m = sd_schema_model(s, model);
	const char *v[16];
	char *copy[16];

	for (size_t i = 0; i < m->pk_count; i++) {
		v[i] = m->fields[m->pk[i]].name;
		memcpy(&copy[i], &v[i], sizeof v[i]);
		assert_true(sd_model_is_key(m, &m->fields[m->pk[i]]));
	}
	assert_string_equal(names(copy, m->pk_count), want);
}

static const char *positions(const struct sd_model *m, const size_t *at, size_t n)
{
	char *v[16];

	for (size_t i = 0; i < n; i++)
		v[i] = m->fields[at[i]].name;
	return names(v, n);
}

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

static bool has_note(const struct sd_schema *s, const char *part)
{
	for (size_t i = 0; i < s->note_count; i++)
		if (strstr(s->notes[i], part))
			return true;
	return false;
}

static size_t place_of(const struct sd_schema *s, const char *model)
{
	for (size_t i = 0; i < s->model_count; i++)
		if (strcmp(s->models[s->parents_first[i]]->name, model) == 0)
			return i;
	fail_msg("%s is not in the order", model);
	return 0;
}

/* What every schema that loads must keep. */
static void check_whole(const struct sd_schema *s, const char *what)
{
	char *seen = calloc(s->model_count + 1, 1);

	assert_non_null(seen);
	assert_int_equal(strlen(s->hash), 64);
	for (size_t i = 0; i < s->model_count; i++) {
		const struct sd_model *m = s->models[i];

		assert_int_equal(m->id, i);
		assert_true(m->pk_count > 0 && *m->plural);
		assert_false(seen[s->parents_first[i]]++);
		assert_ptr_equal(sd_schema_model(s, m->name), m);
		if (m->created_at)
			assert_non_null(sd_model_field(m, m->created_at));
		for (size_t k = 0; k < m->field_count; k++) {
			const struct sd_field *f = &m->fields[k];

			assert_ptr_equal(sd_model_field(m, f->name), f);
			assert_int_equal(f->stored, f->kind != SD_K_MODEL);
			assert_true(f->name[0] != '_');
			for (size_t j = 0; j < f->join_count; j++) {
				const struct sd_field *a = sd_model_field(m, f->local[j]);
				const struct sd_field *b = sd_model_field(f->model, f->remote[j]);
				if (!a || !b || !a->stored || !b->stored)
					fail_msg("%s: %s.%s joins %s to %s", what, m->name, f->name,
						f->local[j], f->remote[j]);
			}
		}
	}
	free(seen);
}

/* The generated models read back are the same schema, and the same bytes. */
static void check_codegen(const struct sd_schema *s, const char *what)
{
	struct cJSON *a = NULL, *b = NULL;
	struct sd_schema *again = NULL;
	struct sd_error e = {0};
	char *text, *text2;

	assert_int_equal(sd_schema_codegen(s, &a, &e), SD_OK);
	text = sd_json_text(a);
	if (sd_schema_read(text, strlen(text), "generated", &again, &e))
		fail_msg("%s: %s", what, e.text);
	assert_int_equal(sd_schema_codegen(again, &b, &e), SD_OK);
	text2 = sd_json_text(b);
	assert_string_equal(text, text2);
	assert_string_equal(s->hash, again->hash);
	for (size_t i = 0; i < s->model_count; i++)
		for (size_t k = 0; k < s->models[i]->field_count; k++) {
			const struct sd_field *f = &s->models[i]->fields[k];
			const struct sd_field *g = field(again, s->models[i]->name, f->name);

			assert_int_equal(f->implicit, g->implicit);
			if (f->assoc == SD_A_HAS_MANY && f->target_count)
				continue; /* the generated form cannot say own columns */
			assert_string_equal(
				names(f->local, f->join_count), names(g->local, g->join_count));
			assert_string_equal(
				names(f->remote, f->join_count), names(g->remote, g->join_count));
		}
	free(text);
	free(text2);
	sd_json_free(a);
	sd_json_free(b);
	sd_schema_free(again);
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
			check_whole(s, x->d_name);
			check_codegen(s, x->d_name);
		}
		seen++;
		sd_schema_free(s);
	}
	closedir(d);
	assert_true(seen > 30);
}

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

static void a_has_many_and_a_belongs_to_share_the_column_the_service_makes(void **st)
{
	struct sd_schema *s =
		load("type Post @model { title: String! comments: [Comment] @hasMany }\n"
		     "type Comment @model { text: String post: Post! @belongsTo }");
	const struct sd_field *f = field(s, "Comment", "postCommentsId");

	(void)st;
	assert_true(f->required && f->stored && !f->implicit);
	assert_int_equal(f->scalar, SD_T_ID);
	joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "postCommentsId");
	joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId", "id");
	assert_ptr_equal(sd_model_relation_of(sd_schema_model(s, "Comment"), f),
		field(s, "Comment", "post"));
	assert_int_equal(s->parents_first[0], sd_schema_model(s, "Post")->id);
	assert_true(sd_schema_model(s, "Post")->managed_id);
	assert_false(sd_schema_model(s, "Post")->custom_pk);
	assert_string_equal(sd_schema_model(s, "Post")->fields[0].name, "id");
	assert_non_null(s->sdl);
	sd_schema_free(s);
}

static void every_way_to_write_a_relation_joins_the_right_columns(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/relations.graphql");

	(void)st;
	joins(s, "Blog", "posts", SD_A_HAS_MANY, "id", "blogID");
	joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	joins(s, "Blog", "cover", SD_A_HAS_ONE, "blogCoverId", "id");
	joins(s, "Image", "blog", SD_A_BELONGS_TO, "imageBlogId", "id");
	joins(s, "Blog", "motto", SD_A_HAS_ONE, "mottoId", "id");
	joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "postCommentsId");
	joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId", "id");
	joins(s, "Tree", "children", SD_A_HAS_MANY, "id", "parentId");
	joins(s, "Tree", "parent", SD_A_BELONGS_TO, "parentId", "id");
	joins(s, "User", "profile", SD_A_HAS_ONE, "id", "userId");
	joins(s, "Profile", "user", SD_A_BELONGS_TO, "userId", "id");
	joins(s, "User", "calls", SD_A_HAS_MANY, "id", "callerId");
	joins(s, "Call", "caller", SD_A_BELONGS_TO, "callerId", "id");
	joins(s, "Shelf", "books", SD_A_HAS_MANY, "id", "shelfBooksId");
	type_is(s, "Book", "shelfBooksId", "ID");
	joins(s, "Team", "players", SD_A_HAS_MANY, "id town", "teamID teamTown");
	joins(s, "Player", "team", SD_A_BELONGS_TO, "teamID teamTown", "id town");
	assert_null(sd_model_field(sd_schema_model(s, "Call"), "friend"));
	assert_true(has_note(s, "Call.friend"));
	/* a model's own key belongs to no relation of it */
	assert_null(sd_model_relation_of(sd_schema_model(s, "User"), field(s, "User", "id")));
	assert_true(place_of(s, "Blog") < place_of(s, "Post"));
	assert_true(place_of(s, "Post") < place_of(s, "Comment"));
	assert_true(place_of(s, "User") < place_of(s, "Profile"));
	assert_true(place_of(s, "Shelf") < place_of(s, "Book"));
	check_whole(s, "relations");
	check_codegen(s, "relations");
	sd_schema_free(s);
}

/* U-36: keys of one, two, three and four parts */
static void keys_and_indexes_are_read_with_their_names_and_columns(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/keys.graphql");
	const struct sd_model *m = sd_schema_model(s, "Grouped");
	const struct sd_index *x;

	(void)st;
	key_is(s, "Plain", "id");
	key_is(s, "Chosen", "id");
	key_is(s, "Sorted", "id at");
	key_is(s, "Serial", "no");
	key_is(s, "Store", "productID name warehouse priority");
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
	assert_string_equal(positions(m, x->fields, x->field_count), "hk a b");
	assert_string_equal(index_of(s, "Grouped", "two")->query_field, "groupedsByHkAndBAndC");
	assert_int_equal(m->group_count, 2);
	assert_string_equal(positions(m, m->groups[0].fields, m->groups[0].count), "a b c");
	assert_string_equal(positions(m, m->groups[1].fields, m->groups[1].count), "x y");
	type_is(s, "Item", "storeItemsProductID", "String");
	type_is(s, "Item", "storeItemsName", "String");
	type_is(s, "Item", "storeItemsWarehouse", "Int");
	type_is(s, "Item", "storeItemsPriority", "Priority");
	joins(s, "Item", "store", SD_A_BELONGS_TO,
		"storeItemsProductID storeItemsName storeItemsWarehouse storeItemsPriority",
		"productID name warehouse priority");
	check_whole(s, "keys");
	check_codegen(s, "keys");
	sd_schema_free(s);
}

static void a_many_to_many_relation_makes_a_join_model(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/join.graphql");
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
	joins(s, "PostTags", "post", SD_A_BELONGS_TO, "postId", "id");
	joins(s, "PostTags", "tag", SD_A_BELONGS_TO, "tagTagId taglabel", "tagId label");
	joins(s, "Post", "tags", SD_A_HAS_MANY, "id", "postId");
	joins(s, "Tag", "posts", SD_A_HAS_MANY, "tagId label", "tagTagId taglabel");
	type_is(s, "Post", "tags", "[PostTags]");
	type_is(s, "Person", "edits", "[PostEditors!]!");
	type_is(s, "PostTags", "taglabel", "String!");
	x = index_of(s, "PostTags", "byTag");
	assert_string_equal(positions(m, x->fields, x->field_count), "tagTagId taglabel");
	assert_int_equal(m->rule_count, 3); /* public stands on both sides */
	assert_int_equal(sd_schema_model(s, "PostEditors")->rule_count, 2);
	assert_true(place_of(s, "Post") < place_of(s, "PostTags"));
	assert_true(place_of(s, "Tag") < place_of(s, "PostTags"));
	check_whole(s, "join");
	check_codegen(s, "join");
	sd_schema_free(s);
}

static void the_older_key_and_connection_are_read(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/older.graphql");

	(void)st;
	key_is(s, "Customer", "email");
	key_is(s, "Item", "orderId status createdAt");
	assert_string_equal(index_of(s, "Item", "ByStatus")->query_field, "itemsByStatus");
	assert_null(index_of(s, "Post", "byBlog")->query_field);
	joins(s, "Blog", "posts", SD_A_HAS_MANY, "id", "blogID");
	joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	joins(s, "Post", "comments", SD_A_HAS_MANY, "id", "commentPostId");
	joins(s, "Comment", "post", SD_A_BELONGS_TO, "commentPostId", "id");
	/* the older service takes this column and never answers it */
	assert_true(field(s, "Comment", "commentPostId")->implicit);
	joins(s, "Post", "likes", SD_A_HAS_MANY, "id", "postLikesId");
	joins(s, "Project", "team", SD_A_HAS_ONE, "teamID", "id");
	joins(s, "Project", "lead", SD_A_BELONGS_TO, "projectLeadId", "id");
	joins(s, "Project", "chart", SD_A_HAS_ONE, "chartKey", "id");
	joins(s, "Chart", "project", SD_A_BELONGS_TO, "chartProjectId", "id");
	check_whole(s, "older");
	check_codegen(s, "older");
	sd_schema_free(s);
}

static void timestamps_and_rules(const struct sd_schema *s)
{
	const struct sd_model *m = sd_schema_model(s, "Everything");
	const struct sd_auth_rule *r = m->rules;

	assert_string_equal(m->created_at, "createdOn");
	assert_string_equal(m->updated_at, "updatedAt");
	assert_true(field(s, "Everything", "createdOn")->read_only);
	assert_null(sd_schema_model(s, "blogPost")->created_at);
	assert_int_equal(sd_schema_model(s, "blogPost")->field_count, 2);
	assert_null(sd_schema_model(s, "Clock")->created_at);
	assert_null(sd_schema_model(s, "Clock")->updated_at); /* of another type: not filled in */
	assert_false(field(s, "Clock", "updatedAt")->read_only);
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
	struct sd_schema *s = load_file("tests/schemas/types.graphql");
	const struct sd_field *f;

	(void)st;
	assert_int_equal(s->model_count, 3);
	assert_int_equal(s->nonmodel_count, 2);
	assert_int_equal(s->enum_count, 1);
	assert_string_equal(
		names(s->enums[0]->values, s->enums[0]->value_count), "OPEN CLOSED LATE");
	for (size_t i = 0; i < sizeof NOTED / sizeof *NOTED; i++)
		if (!has_note(s, NOTED[i]))
			fail_msg("no note says %s", NOTED[i]);
	type_is(s, "Everything", "yes", "Boolean!");
	type_is(s, "Everything", "all", "[Status!]!");
	type_is(s, "Everything", "some", "[Status]");
	type_is(s, "Everything", "old", "[Address]");
	f = field(s, "Everything", "address");
	assert_int_equal(f->kind, SD_K_NONMODEL);
	assert_int_equal(f->nonmodel->field_count, 5);
	assert_string_equal(f->nonmodel->fields[4].name, "country");
	assert_ptr_equal(f->nonmodel->fields[1].nonmodel, s->nonmodels[1]);
	assert_string_equal(field(s, "Everything", "name")->default_value, "no name");
	assert_int_equal(field(s, "Everything", "name")->line, 28);
	assert_string_equal(sd_schema_model(s, "Everything")->plural, "Everythings");
	timestamps_and_rules(s);
	check_whole(s, "types");
	check_codegen(s, "types");
	sd_schema_free(s);
}

/* What Prettier makes of it: JavaScript; old and new associations, names of any case. */
static void a_codegen_file_is_read_though_it_is_javascript(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/codegen.js");
	const struct sd_model *m = sd_schema_model(s, "Post");

	(void)st;
	key_is(s, "Post", "postId title");
	assert_false(m->managed_id);
	type_is(s, "Post", "postId", "ID!");
	type_is(s, "Post", "title", "String!");
	type_is(s, "Post", "tags", "[String!]!");
	type_is(s, "Post", "meta", "[Meta]");
	assert_string_equal(m->created_at, "createdOn");
	assert_string_equal(m->updated_at, "changedOn");
	joins(s, "Post", "comments", SD_A_HAS_MANY, "postId title",
		"postCommentsId postCommentsTitle");
	joins(s, "Comment", "post", SD_A_BELONGS_TO, "postCommentsId postCommentsTitle",
		"postId title");
	assert_true(field(s, "Comment", "postCommentsTitle")->implicit);
	type_is(s, "Comment", "postCommentsTitle", "String");
	joins(s, "Post", "cover", SD_A_HAS_ONE, "postCoverId", "id");
	joins(s, "Image", "post", SD_A_BELONGS_TO, "imagePostId", "postId");
	joins(s, "Post", "blog", SD_A_BELONGS_TO, "blogID", "id");
	joins(s, "Blog", "owner", SD_A_HAS_ONE, "id", "blogOwner"); /* no target counts as none */
	assert_int_equal(m->index_count, 1);
	assert_string_equal(
		positions(m, m->indexes[0].fields, m->indexes[0].field_count), "blogID title");
	assert_int_equal(m->rule_count, 3);
	assert_string_equal(m->rules[0].identity_claim, "cognito:username");
	assert_string_equal(m->rules[1].groups_field, "teams");
	assert_int_equal(m->rules[2].provider, SD_BY_APIKEY);
	assert_true(
		has_note(s, "refersTo") && has_note(s, "somebody") && has_note(s, "Comment.loose"));
	assert_int_equal(sd_schema_model(s, "Comment")->sub_level, SD_SUB_OFF);
	assert_false(sd_schema_model(s, "Image")->syncable);
	assert_string_equal(sd_schema_model(s, "Image")->plural, "Imagery");
	assert_string_equal(sd_schema_model(s, "Comment")->plural, "Comments");
	assert_null(s->sdl);
	check_whole(s, "codegen.js");
	check_codegen(s, "codegen.js");
	sd_schema_free(s);
}

static void the_models_inside_a_configuration_are_read(void **st)
{
	struct sd_schema *s = load_file("tests/schemas/outputs.json");

	(void)st;
	assert_int_equal(s->model_count, 1);
	key_is(s, "Todo", "list no"); /* said by primaryKeyInfo only */
	assert_null(sd_schema_model(s, "Todo")->created_at);
	sd_schema_free(s);
	s = load("{\"aws_project_region\":\"r\",\"modelIntrospection\":{\"models\":{\"A\":{"
		 "\"fields\":"
		 "{\"id\":{\"type\":\"ID\",\"isRequired\":true}}}}}}");
	key_is(s, "A", "id");
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
		{"export const schema = load();", "no object is assigned"},
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
	struct sd_schema *s = load("type A @model { x: Int _version: Int _deleted: Boolean }");

	(void)st;
	assert_null(sd_model_field(s->models[0], "_version"));
	assert_true(has_note(s, "A._deleted"));
	check_whole(s, "metadata");
	sd_schema_free(s);
}

/* same schema, same id; optional made required: another id */
static void the_digest_follows_the_structure_and_nothing_else(void **st)
{
	struct sd_schema *a = load("type A @model { x: Int }");
	struct sd_schema *b = load("# moved\n\n\"words\" type A @model {\n x : Int }");
	struct sd_schema *c = load("type A @model { x: Int! }");

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
		cmocka_unit_test(every_shared_schema_loads_and_the_broken_one_is_refused_by_name),
		cmocka_unit_test(every_broken_schema_is_refused_with_its_place),
		cmocka_unit_test(a_has_many_and_a_belongs_to_share_the_column_the_service_makes),
		cmocka_unit_test(every_way_to_write_a_relation_joins_the_right_columns),
		cmocka_unit_test(keys_and_indexes_are_read_with_their_names_and_columns),
		cmocka_unit_test(a_many_to_many_relation_makes_a_join_model),
		cmocka_unit_test(the_older_key_and_connection_are_read),
		cmocka_unit_test(every_kind_of_type_is_stored_or_ignored_with_a_note),
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
