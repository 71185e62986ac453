/*
 * tests/unit/test_sbx_rules.c - SANDBOX RULEs and limits of spec/server.md that the rows of section
 * 10 do not name: filters of subscriptions (5.9), relations (1.8), IAM roles (1.9), the execution
 * timeout (4), the rest of the error catalogue (2.7), scalars on request (1.10).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_fixture.h"

#define eq(a, b) assert_string_equal((a), (b))
#define TYPE     "errors.0.errorType"

static const char wide[] =
	"type Wide @model { id: ID! a: Int b: Int c: Int d: Int e: Int f: Int g: Int h: Int i: Int "
	"j: Int k: Int text: String }";

/* "" or what is wrong with a filter of onCreateWide. */
static const char *wrong(struct fx *f, const char *filter)
{
	static char kept[200];
	static int n;
	char id[16], v[1000];
	struct cJSON *j = NULL;
	const char *said;

	snprintf(id, sizeof id, "s%d", n++);
	snprintf(v, sizeof v, "{\"f\":%s}", filter);
	said = fx_subscribe(f, id,
		"subscription($f: ModelSubscriptionWideFilterInput) { onCreateWide(filter: $f) { "
		"id "
		"} }",
		v);
	if (!*said)
		return "";
	assert_int_equal(sd_json_parse(said, strlen(said), "error", &j, NULL), SD_OK);
	eq(fx_at(j, "errors.0.errorType"), "BadRequest");
	snprintf(kept, sizeof kept, "%s", fx_at(j, "errors.0.message"));
	sd_json_free(j);
	return kept;
}

/* The texts are those that Amplify's clients look for before they subscribe without a filter. */
static void a_subscription_filter_has_the_services_limits(void **st)
{
	struct fx *f = fx_open(wide, SD_STRATEGY_AUTOMERGE);
	static const char same[] = "filter uses same fieldName multiple time";
	static const char many[] = "Filters exceed maximum attributes limit";
	static const char ways[] = "Filters combination exceed maximum limit";

	(void)st;
	eq(wrong(f, "{\"a\":{\"gt\":1},\"b\":{\"lt\":2}}"), "");
	eq(wrong(f, "{\"and\":[{\"a\":{\"gt\":1}},{\"a\":{\"lt\":5}}]}"), same);
	eq(wrong(f, "{\"a\":{\"gt\":1},\"and\":[{\"a\":{\"lt\":5}}]}"), same);
	eq(wrong(f, "{\"a\":{\"gt\":1},\"or\":[{\"b\":{\"eq\":1}},{\"a\":{\"lt\":5}}]}"), same);
	/* another branch is another group */
	eq(wrong(f, "{\"or\":[{\"a\":{\"eq\":1}},{\"a\":{\"eq\":5}}]}"), "");
	eq(wrong(f, "{\"or\":[{\"and\":[{\"a\":{\"eq\":1}},{\"b\":{\"eq\":1}}]},{\"a\":{\"eq\":5}}]"
		    "}"),
		"");
	eq(wrong(f, "{\"a\":{\"eq\":1},\"b\":{\"eq\":1},\"c\":{\"eq\":1},\"d\":{\"eq\":1},"
		    "\"e\":{\"eq\":1},\"f\":{\"eq\":1},\"g\":{\"eq\":1},\"h\":{\"eq\":1},"
		    "\"i\":{\"eq\":1},\"j\":{\"eq\":1}}"),
		"");
	eq(wrong(f, "{\"a\":{\"eq\":1},\"b\":{\"eq\":1},\"c\":{\"eq\":1},\"d\":{\"eq\":1},"
		    "\"e\":{\"eq\":1},\"f\":{\"eq\":1},\"g\":{\"eq\":1},\"h\":{\"eq\":1},"
		    "\"i\":{\"eq\":1},\"j\":{\"eq\":1},\"k\":{\"eq\":1}}"),
		many);
	/* 2 x 2 x 2 x 2 ways */
	eq(wrong(f, "{\"and\":[{\"or\":[{\"a\":{\"eq\":1}},{\"b\":{\"eq\":1}}]},"
		    "{\"or\":[{\"c\":{\"eq\":1}},{\"d\":{\"eq\":1}}]},"
		    "{\"or\":[{\"e\":{\"eq\":1}},{\"f\":{\"eq\":1}}]}]}"),
		"");
	eq(wrong(f, "{\"and\":[{\"or\":[{\"a\":{\"eq\":1}},{\"b\":{\"eq\":1}}]},"
		    "{\"or\":[{\"c\":{\"eq\":1}},{\"d\":{\"eq\":1}}]},"
		    "{\"or\":[{\"e\":{\"eq\":1}},{\"f\":{\"eq\":1}}]},"
		    "{\"or\":[{\"g\":{\"eq\":1}},{\"h\":{\"eq\":1}}]}]}"),
		ways);
	eq(wrong(f, "{\"a\":{\"in\":[1,2,3,4,5]}}"), "");
	eq(wrong(f, "{\"and\":[{\"or\":[{\"a\":{\"notIn\":[1,2,3,4,5,6]}}]}]}"),
		"The operators in and notIn take at most 5 values.");
	eq(wrong(f, "{\"a\":{\"between\":[1]}}"), "The operator between takes exactly two values.");
	eq(wrong(f, "{\"and\":[{\"and\":[{\"and\":[{\"and\":[{\"and\":[{\"and\":[{\"a\":{\"eq\":1}}"
		    "]}]}]}]}]}]}"),
		"The filter is nested deeper than 5 levels.");
	eq(wrong(f, "null"), "");
	eq(wrong(f, "{\"a\":null,\"and\":null,\"or\":[]}"), "");
	fx_close(f);
}

static size_t heard(struct fx *f, const char *filter, const char *fields)
{
	char q[400], v[300];

	snprintf(v, sizeof v, "{\"f\":%s}", filter);
	eq(fx_subscribe(f, "h",
		   "subscription($f: ModelSubscriptionWideFilterInput) { onCreateWide(filter: $f) "
		   "{ "
		   "id } }",
		   v),
		"");
	snprintf(q, sizeof q, "mutation { createWide(input: {%s}) { id a b text } }", fields);
	fx_forget_events(f);
	eq(fx_get(f, q, NULL, "errors"), "");
	assert_true(sd_sbx_unsubscribe(f->s, 1, "h"));
	return f->event_count;
}

/* 5.9: what is missing or null fails every operator but the negative ones. */
static void every_operator_of_a_subscription_filter(void **st)
{
	struct fx *f = fx_open(wide, SD_STRATEGY_AUTOMERGE);
	static const struct {
		const char *filter, *yes, *no;
		bool missing;
	} ops[] = {{"{\"a\":{\"eq\":3}}", "a: 3", "a: 4", false},
		{"{\"a\":{\"ne\":3}}", "a: 4", "a: 3", true},
		{"{\"a\":{\"lt\":3}}", "a: 2", "a: 3", false},
		{"{\"a\":{\"le\":3}}", "a: 3", "a: 4", false},
		{"{\"a\":{\"gt\":3}}", "a: 4", "a: 3", false},
		{"{\"a\":{\"ge\":3}}", "a: 3", "a: 2", false},
		{"{\"a\":{\"between\":[2,3]}}", "a: 2", "a: 4", false},
		{"{\"a\":{\"in\":[1,3]}}", "a: 3", "a: 2", false},
		{"{\"a\":{\"notIn\":[1,3]}}", "a: 2", "a: 3", true},
		{"{\"text\":{\"contains\":\"b\"}}", "text: \"abc\"", "text: \"ac\"", false},
		{"{\"text\":{\"notContains\":\"b\"}}", "text: \"ac\"", "text: \"abc\"", true},
		{"{\"text\":{\"beginsWith\":\"ab\"}}", "text: \"abc\"", "text: \"cab\"", false},
		{"{\"a\":{\"gt\":1,\"lt\":5}}", "a: 3", "a: 5", false},
		{"{\"or\":[{\"a\":{\"eq\":1}},{\"b\":{\"eq\":2}}]}", "b: 2", "a: 2", false},
		{"{\"a\":{\"eq\":1},\"b\":{\"eq\":2}}", "a: 1, b: 2", "a: 1", false}};

	(void)st;
	for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
		assert_int_equal(heard(f, ops[i].filter, ops[i].yes), 1);
		assert_int_equal(heard(f, ops[i].filter, ops[i].no), 0);
		assert_int_equal(heard(f, ops[i].filter, "c: 1"), ops[i].missing);
		assert_int_equal(heard(f, ops[i].filter, "a: null, text: null"), ops[i].missing);
	}
	fx_close(f);
}

static enum sd_err opens(
	const char *sdl, enum sd_strategy strategy, const char *strict, struct sd_error *e)
{
	struct sd_schema *schema;
	struct sd_rand r;
	struct sd_sbx *s;
	struct sd_sbx_opts o = {.rand = &r, .strategy = strategy};
	enum sd_err rc;

	sd_rand_seeded(&r, 1);
	if (sd_schema_read(sdl, strlen(sdl), "x", &schema, e) != SD_OK)
		fail_msg("%s", e->text);
	o.schema = schema;
	rc = sd_sbx_open(&o, &s, e);
	if (rc == SD_OK)
		rc = sd_sbx_set(s, "strict_relations", strict, e);
	sd_sbx_close(s);
	sd_schema_free(schema);
	return rc;
}

/* 1.8 */
static void two_models_that_only_have_one_another_are_refused_when_strict(void **st)
{
	static const char *const bad[] = {
		"type A @model { id: ID! b: B @hasOne } type B @model { id: ID! a: A @hasOne }",
		"type A @model { id: ID! bs: [B] @hasMany } type B @model { id: ID! a: A @hasOne }",
		"type A @model { id: ID! bs: [B] @hasMany } type B @model { id: ID! as: [A] "
		"@hasMany }"};
	static const char *const good[] = {
		"type A @model { id: ID! b: B @hasOne } type B @model { id: ID! a: A @belongsTo }",
		"type A @model { id: ID! bs: [B] @hasMany } type B @model { id: ID! a: A "
		"@belongsTo }",
		"type A @model { id: ID! next: A @hasOne }",
		"type A @model { id: ID! bs: [B] @manyToMany(relationName: \"AB\") } "
		"type B @model { id: ID! as: [A] @manyToMany(relationName: \"AB\") }"};
	struct sd_error e;

	(void)st;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(opens(bad[i], SD_STRATEGY_AUTOMERGE, "true", &e), SD_INVAL);
		assert_non_null(strstr(e.text, "A and B cannot refer to each other via @hasOne or "
					       "@hasMany when DataStore is in use"));
		assert_int_equal(opens(bad[i], SD_STRATEGY_NONE, "true", &e), SD_OK);
		assert_int_equal(opens(bad[i], SD_STRATEGY_AUTOMERGE, "false", &e), SD_OK);
	}
	for (size_t i = 0; i < 4; i++)
		if (opens(good[i], SD_STRATEGY_AUTOMERGE, "true", &e) != SD_OK)
			fail_msg("%s", e.text);
}

static const char iam[] =
	"type Member @model @auth(rules: [{allow: private, provider: iam}]) { id: ID! }\n"
	"type Guest @model @auth(rules: [{allow: public, provider: iam, operations: [read]}, "
	"{allow: "
	"private, provider: identityPool}]) { id: ID! }\n"
	"type Keyed @model @auth(rules: [{allow: public}]) { id: ID! }";

static const char *as_role(struct fx *f, enum sd_sbx_role role, const char *query)
{
	f->who = (struct sd_sbx_identity){.mode = SD_AUTH_IAM, .role = role};
	return fx_get(f, query, NULL, TYPE);
}

/* 1.9 */
static void an_iam_role_is_what_the_rule_means(void **st)
{
	struct fx *f = fx_open(iam, SD_STRATEGY_AUTOMERGE);
	static const char make_member[] = "mutation { createMember(input: {}) { id } }";
	static const char make_guest[] = "mutation { createGuest(input: {}) { id } }";
	static const char members[] = "{ listMembers { items { id } } }";
	static const char guests[] = "{ listGuests { items { id } } }";

	(void)st;
	eq(as_role(f, SD_ROLE_AUTH, make_member), "");
	eq(as_role(f, SD_ROLE_AUTH, make_guest), "");
	eq(as_role(f, SD_ROLE_AUTH, members), "");
	eq(as_role(f, SD_ROLE_UNAUTH, members), "Unauthorized");
	eq(as_role(f, SD_ROLE_UNAUTH, make_member), "Unauthorized");
	eq(as_role(f, SD_ROLE_UNAUTH, guests), "");
	eq(as_role(f, SD_ROLE_UNAUTH, make_guest), "Unauthorized");
	eq(as_role(f, SD_ROLE_OTHER, guests), "Unauthorized");
	eq(as_role(f, SD_ROLE_OTHER, members), "Unauthorized");
	eq(as_role(f, SD_ROLE_ANY, guests), "");
	eq(as_role(f, SD_ROLE_ANY, members), "");
	eq(as_role(f, SD_ROLE_AUTH, "{ listKeyeds { items { id } } }"), "Unauthorized");
	f->who = (struct sd_sbx_identity){.mode = SD_AUTH_IAM, .role = SD_ROLE_UNAUTH};
	eq(fx_subscribe(f, "g", "subscription { onCreateGuest { id } }", NULL), "");
	assert_non_null(strstr(fx_subscribe(f, "m", "subscription { onCreateMember { id } }", NULL),
		"Unauthorized"));
	fx_as_key(f);
	eq(fx_get(f, guests, NULL, TYPE), "Unauthorized");
	fx_close(f);
}

static int64_t now_mono, step_mono;
static int64_t mono(void)
{
	return now_mono += step_mono;
}

/* Section 4: 30 s, then ExecutionTimeout; what was done is done. */
static void a_request_that_takes_too_long_ends_with_execution_timed_out(void **st)
{
	struct sd_schema *schema;
	struct sd_rand r;
	struct sd_sbx *s;
	struct sd_error e;
	struct sd_sbx_identity who = {.mode = SD_AUTH_API_KEY};
	struct sd_sbx_answer a;
	struct sd_sbx_opts o = {
		.rand = &r, .mono_ms = mono, .delta_ttl_ms = 1000, .base_ttl_ms = 1000};
	static const char body[] =
		"{\"query\":\"mutation { a: createT(input: {id: 1}) { id } b: createT(input: {id: "
		"2}) "
		"{ id } c: createT(input: {id: 3}) { id } d: createT(input: {id: 4}) { id } }\"}";
	static const char list[] = "{\"query\":\"{ listTS { items { id } } }\"}";

	(void)st;
	sd_rand_seeded(&r, 1);
	assert_int_equal(sd_schema_read("type T @model { id: ID! }", 25, "x", &schema, &e), SD_OK);
	o.schema = schema;
	assert_int_equal(sd_sbx_open(&o, &s, &e), SD_OK);
	step_mono = 14000; /* every look at the clock */
	sd_sbx_request(s, body, sizeof body - 1, &who, FX_T0, &a);
	eq(sd_buf_text(&a.body),
		"{\"data\":{\"a\":{\"id\":\"1\"},\"b\":{\"id\":\"2\"},\"c\":null,\"d\":null},"
		"\"errors\":[{\"path\":[\"c\"],\"data\":null,\"errorType\":\"ExecutionTimeout\","
		"\"errorInfo\":null,\"locations\":[{\"line\":1,\"column\":80,\"sourceName\":null}],"
		"\"message\":\"Execution timed out.\"}]}");
	assert_int_equal(a.status, 200);
	sd_sbx_answer_release(&a);
	step_mono = 0;
	sd_sbx_request(s, list, sizeof list - 1, &who, FX_T0, &a);
	eq(sd_buf_text(&a.body),
		"{\"data\":{\"listTS\":{\"items\":[{\"id\":\"1\"},{\"id\":\"2\"}]}}}");
	sd_sbx_answer_release(&a);
	sd_sbx_close(s);
	sd_schema_free(schema);
}

static const char *post(struct fx *f, const char *op, const char *fields, const char *path)
{
	char q[300];

	snprintf(q, sizeof q, "mutation { r: %sPost(input: {%s}) { id title _version } }", op,
		fields);
	return fx_get(f, q, NULL, path);
}

/* 2.5, last point, and 2.7: faults on demand */
static void a_merge_can_be_made_to_fail_and_the_change_log_too(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;

	(void)st;
	post(f, "create", "id: \"1\", title: \"a\"", "");
	eq(fx_subscribe(f, "u", "subscription { onUpdatePost { id } }", NULL), "");
	assert_int_equal(sd_sbx_set(f->s, "max_conflicts", "true", &e), SD_OK);
	eq(post(f, "update", "id: \"1\", title: \"b\", _version: 0", TYPE), "MaxConflicts");
	eq(post(f, "update", "id: \"1\", title: \"b\", _version: 0", "errors.0.data"), "null");
	eq(post(f, "update", "id: \"1\", title: \"b\", _version: 1", "data.r.title"), "b");
	assert_int_equal(sd_sbx_set(f->s, "max_conflicts", "false", &e), SD_OK);
	assert_int_equal(f->event_count, 1);
	assert_int_equal(sd_sbx_set(f->s, "delta_write_error", "true", &e), SD_OK);
	eq(post(f, "update", "id: \"1\", title: \"c\", _version: 2", TYPE), "DeltaSyncWriteError");
	assert_int_equal(f->event_count, 1);
	eq(fx_get(f, "{ getPost(id: \"1\") { title _version } }", NULL, "data.getPost"),
		"{\"title\":\"c\",\"_version\":3}");
	eq(fx_get(f, "{ syncPosts(lastSync: 1795000000000) { items { _version } } }", NULL,
		   "data.syncPosts.items"),
		"[{\"_version\":1},{\"_version\":2}]");
	fx_close(f);
}

static void a_date_without_an_offset_is_taken_when_asked_to(void **st)
{
	struct fx *f = fx_open("type E @model { id: ID! at: AWSDateTime }", SD_STRATEGY_AUTOMERGE);
	static const char q[] = "mutation { createE(input: {at: \"2026-11-22T10:00:00\"}) { at } }";
	static const char v[] = "mutation($i: CreateEInput!) { createE(input: $i) { at } }";
	struct sd_error e;

	(void)st;
	assert_non_null(strstr(fx_get(f, q, NULL, "errors.0.message"), "WrongType"));
	assert_non_null(
		strstr(fx_get(f, v, "{\"i\":{\"at\":\"2026-11-22T10:00:00\"}}", "errors.0.message"),
			"Variable 'i' has an invalid value."));
	assert_int_equal(sd_sbx_set(f->s, "lenient_datetime", "true", &e), SD_OK);
	eq(fx_get(f, q, NULL, "data.createE.at"), "2026-11-22T10:00:00");
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_subscription_filter_has_the_services_limits),
		cmocka_unit_test(every_operator_of_a_subscription_filter),
		cmocka_unit_test(two_models_that_only_have_one_another_are_refused_when_strict),
		cmocka_unit_test(an_iam_role_is_what_the_rule_means),
		cmocka_unit_test(a_request_that_takes_too_long_ends_with_execution_timed_out),
		cmocka_unit_test(a_merge_can_be_made_to_fail_and_the_change_log_too),
		cmocka_unit_test(a_date_without_an_offset_is_taken_when_asked_to),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
