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

/* The shared schemas of public projects, when they are here. */
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
	sd_schema_free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_shared_schema_loads_and_the_broken_one_is_refused_by_name),
		cmocka_unit_test(a_has_many_and_a_belongs_to_share_the_column_the_service_makes),
	};
	return cmocka_run_group_tests_name("schema", tests, NULL, NULL);
}
