/* tests/unit/test_expression.c - sync expressions as the service and the rows here see them. */
#include "tests/support/rig.h"

#include "core/json/json.h"
#include "core/model/predicate.h"

static const char SDL[] =
	"type Person @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n"
	"  lastName: String! @index(name: \"byName\", sortKeyFields: [\"joined\"])\n"
	"  city: String @index(name: \"byCity\")\n"
	"  zone: String @index(name: \"byZone\", sortKeyFields: [\"joined\", \"age\"])\n"
	"  joined: String\n"
	"  age: Int\n"
	"}\n";

/* `eq` of an index's hash field comes first, its sort field second, the rest behind */
static void eq_on_an_index_is_sent_so_that_the_service_can_query(void **st)
{
	static const struct {
		const char *text, *filter;
	} rows[] = {
		{"lastName = X", "{\"and\":[{\"lastName\":{\"eq\":\"X\"}}]}"},
		{"joined > \"2020\" and lastName = X",
			"{\"and\":[{\"lastName\":{\"eq\":\"X\"}},{\"joined\":{\"gt\":\"2020\"}}]}"},
		{"age > 3 and joined between \"a\" and \"b\" and lastName = X",
			"{\"and\":[{\"lastName\":{\"eq\":\"X\"}},{\"joined\":{\"between\":[\"a\","
			"\"b\"]}},"
			"{\"age\":{\"gt\":3}}]}"},
		/* the key that serves both comes before the one that serves one */
		{"city = Y and joined beginsWith z and lastName = X",
			"{\"and\":[{\"lastName\":{\"eq\":\"X\"}},{\"joined\":{\"beginsWith\":\"z\"}"
			"},"
			"{\"city\":{\"eq\":\"Y\"}}]}"},
		/* two sort fields are one attribute there */
		{"joined = a and zone = Z",
			"{\"and\":[{\"zone\":{\"eq\":\"Z\"}},{\"joined\":{\"eq\":\"a\"}}]}"},
		{"age > 3 and id = i1",
			"{\"and\":[{\"id\":{\"eq\":\"i1\"}},{\"age\":{\"gt\":3}}]}"},
		/* nothing to query by: as it stands */
		{"age > 3 and lastName != X",
			"{\"and\":[{\"age\":{\"gt\":3}},{\"lastName\":{\"ne\":\"X\"}}]}"},
		{"lastName = X or lastName = Y",
			"{\"or\":[{\"lastName\":{\"eq\":\"X\"}},{\"lastName\":{\"eq\":\"Y\"}}]}"},
	};

	(void)st;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct rig *r = rig_new(SDL);
		struct sd_pred *p = NULL;

		if (sd_pred_parse(r->schema, sd_schema_model(r->schema, "Person"), rows[i].text, &p,
			    &r->e) != SD_OK)
			fail_msg("%s", r->e.text);
		r->models[0].expression = p;
		rig_start(r);
		rig_live(r);
		assert_string_equal(rig_variable(r, "syncPeople", "filter"), rows[i].filter);
		rig_free(r);
		sd_pred_free(p);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(eq_on_an_index_is_sent_so_that_the_service_can_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
