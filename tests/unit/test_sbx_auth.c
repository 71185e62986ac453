/* tests/unit/test_sbx_auth.c - @auth rules in the sandbox: spec/server.md 1.9, 10.5. */
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
#define MESSAGE  "errors.0.message"

/* SRV-A01, SRV-A02 */
static void a_record_without_an_owner_becomes_the_callers(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_buf dump = SD_BUF_INIT;
	struct sd_error e;

	(void)st;
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f, "mutation { createNote(input: {id: \"n\", text: \"t\"}) { owner } }", NULL,
		   "data.createNote.owner"),
		"alice");
	assert_int_equal(sd_sbx_dump(f->s, "Note", f->now, &dump, &e), SD_OK);
	assert_non_null(strstr(sd_buf_text(&dump), "\"owner\":\"sub-alice::alice\""));
	sd_buf_release(&dump);
	eq(fx_get(f, "mutation { createNote(input: {text: \"t\", owner: \"alice\"}) { owner } }",
		   NULL, "data.createNote.owner"),
		"alice");
	eq(fx_get(f, "mutation { createNote(input: {text: \"t\", owner: \"bob\"}) { owner } }",
		   NULL, TYPE),
		"Unauthorized");
	eq(fx_get(f, "mutation { createNote(input: {text: \"t\", owner: null}) { owner } }", NULL,
		   MESSAGE),
		"Not Authorized to access createNote on type Mutation");
	fx_close(f);
}

/* SRV-A03, SRV-A04, SRV-A05, SRV-A06, SRV-A07, SRV-A08, SRV-M26 */
static void others_see_nothing_and_change_nothing(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f,
		   "mutation { a: createNote(input: {id: \"n\", text: \"t\"}) { id } "
		   "b: createNote(input: {id: \"m\", text: \"t\"}) { id } "
		   "c: deleteNote(input: {id: \"m\", _version: 1}) { id } }",
		   NULL, "errors"),
		"");
	fx_as_user(f, "bob", NULL);
	eq(fx_get(f, "{ listNotes { items { id } } }", NULL, ""),
		"{\"data\":{\"listNotes\":{\"items\":[]}}}");
	eq(fx_get(f, "{ getNote(id: \"n\") { id } }", NULL, MESSAGE),
		"Not Authorized to access getNote on type Query");
	eq(fx_get(f, "{ getNote(id: \"none\") { id } }", NULL, ""),
		"{\"data\":{\"getNote\":null}}");
	eq(fx_get(f, "mutation { updateNote(input: {id: \"n\", text: \"x\", _version: 1}) { id } }",
		   NULL, TYPE),
		"Unauthorized");
	eq(fx_get(f, "mutation { updateNote(input: {id: \"none\", text: \"x\"}) { id } }", NULL,
		   MESSAGE),
		"Not Authorized to access updateNote on type Mutation");
	eq(fx_get(f, "mutation { deleteNote(input: {id: \"n\", _version: 1}) { id } }", NULL, TYPE),
		"Unauthorized");
	eq(fx_get(f, "{ syncNotes { items { id } } }", NULL, "data.syncNotes.items"), "[]");
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f, "{ syncNotes { items { id _deleted } } }", NULL, "data.syncNotes.items"),
		"[{\"id\":\"n\",\"_deleted\":null},{\"id\":\"m\",\"_deleted\":true}]");
	fx_as_key(f);
	eq(fx_get(f, "{ listNotes { items { id } } }", NULL, MESSAGE),
		"Not Authorized to access listNotes on type Query");
	eq(fx_get(f, "{ listNotes { items { id } } listPosts { items { id } } }", NULL, "data"),
		"{\"listNotes\":null,\"listPosts\":{\"items\":[]}}");
	fx_as_user(f, "root", "[\"Other\",\"Admins\"]");
	eq(fx_get(f,
		   "mutation { updateNote(input: {id: \"n\", text: \"x\", _version: 1}) { text } }",
		   NULL, "data.updateNote.text"),
		"x");
	f->who.mode = SD_AUTH_NONE;
	eq(fx_get(f, "{ listPosts { items { id } } }", NULL, TYPE), "Unauthorized");
	fx_close(f);
}

static const char rules[] =
	"type Doc @model @auth(rules: [{allow: owner, ownerField: \"editors\", operations: "
	"[update, read]}, "
	"{allow: groups, groupsField: \"teams\"}, {allow: private, operations: [create]}, "
	"{allow: public, operations: [read]}]) { id: ID! title: String editors: [String] teams: "
	"[String] }\n"
	"type Open @model { id: ID! }\n"
	"type Person @model @auth(rules: [{allow: private}, {allow: public}]) { id: ID! name: "
	"String "
	"salary: Int @auth(rules: [{allow: groups, groups: [\"HR\"]}, {allow: private, operations: "
	"[read]}]) }\n";

static void lists_of_owners_and_dynamic_groups_and_operations_are_respected(void **st)
{
	struct fx *f = fx_open(rules, SD_STRATEGY_AUTOMERGE);
	static const char up[] =
		"mutation { updateDoc(input: {id: \"d\", title: \"x\", _version: 1}) { title } }";

	(void)st;
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f,
		   "mutation { createDoc(input: {id: \"d\", title: \"t\", editors: [\"bob\", "
		   "\"carol\"], "
		   "teams: [\"red\"]}) { id } }",
		   NULL, "data.createDoc.id"),
		"d");
	eq(fx_get(f, up, NULL, TYPE), "Unauthorized"); /* created it, but edits nothing */
	fx_as_user(f, "carol", NULL);
	eq(fx_get(f, up, NULL, "data.updateDoc.title"), "x");
	eq(fx_get(f, "mutation { deleteDoc(input: {id: \"d\", _version: 2}) { id } }", NULL, TYPE),
		"Unauthorized");
	eq(fx_get(f, "{ listDocs { items { id } } }", NULL, "data.listDocs.items"),
		"[{\"id\":\"d\"}]");
	fx_as_user(f, "dan", "[\"blue\"]");
	eq(fx_get(f, "{ listDocs { items { id } } }", NULL, "data.listDocs.items"), "[]");
	fx_as_key(f);
	eq(fx_get(f, "{ getDoc(id: \"d\") { title } }", NULL, "data.getDoc.title"), "x");
	eq(fx_get(f, "mutation { createDoc(input: {title: \"t\"}) { id } }", NULL, TYPE),
		"Unauthorized");
	fx_as_user(f, "eve", "[\"red\"]");
	eq(fx_get(f, "mutation { deleteDoc(input: {id: \"d\", _version: 2}) { id } }", NULL,
		   "data.deleteDoc.id"),
		"d");
	/* a model without rules is open to the key and to everybody signed in */
	eq(fx_get(f, "mutation { createOpen(input: {id: \"1\"}) { id } }", NULL,
		   "data.createOpen.id"),
		"1");
	fx_as_key(f);
	eq(fx_get(f, "{ getOpen(id: \"1\") { id } }", NULL, "data.getOpen.id"), "1");
	fx_close(f);
}

/* SRV-A09 */
static void a_field_may_have_rules_of_its_own(void **st)
{
	struct fx *f = fx_open(rules, SD_STRATEGY_AUTOMERGE);

	(void)st;
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f, "mutation { createPerson(input: {name: \"n\", salary: 5}) { id } }", NULL,
		   MESSAGE),
		"Unauthorized on [salary]");
	eq(fx_get(f, "mutation { createPerson(input: {id: \"p\", name: \"n\"}) { id } }", NULL,
		   "errors"),
		"");
	eq(fx_get(f,
		   "mutation { updatePerson(input: {id: \"p\", salary: null, _version: 1}) { id } "
		   "}",
		   NULL, MESSAGE),
		"Unauthorized on [salary]");
	fx_as_user(f, "hank", "[\"HR\"]");
	eq(fx_get(f,
		   "mutation { updatePerson(input: {id: \"p\", salary: 9, _version: 1}) { salary } "
		   "}",
		   NULL, "data.updatePerson.salary"),
		"9");
	fx_as_user(f, "alice", NULL);
	eq(fx_get(f, "{ getPerson(id: \"p\") { salary } }", NULL, "data.getPerson.salary"), "9");
	fx_as_key(f);
	eq(fx_get(f, "{ getPerson(id: \"p\") { name salary } }", NULL, ""),
		"{\"data\":{\"getPerson\":{\"name\":\"n\",\"salary\":null}},\"errors\":[{\"path\":["
		"\"getPerson\",\"salary\"],\"data\":null,\"errorType\":\"Unauthorized\","
		"\"errorInfo\":null,"
		"\"locations\":[{\"line\":1,\"column\":29,\"sourceName\":null}],\"message\":\"Not "
		"Authorized to access salary on type Person\"}]}");
	fx_close(f);
}

/* model introspection as the schema: no SDL document behind it */
static void a_schema_from_model_introspection_is_served_the_same(void **st)
{
	static const char json[] =
		"{\"version\":1,\"models\":{\"Todo\":{\"name\":\"Todo\",\"pluralName\":\"Todoes\","
		"\"syncable\":true,"
		"\"fields\":{\"id\":{\"name\":\"id\",\"isArray\":false,\"type\":\"ID\","
		"\"isRequired\":true,\"attributes\":[]},"
		"\"name\":{\"name\":\"name\",\"isArray\":false,\"type\":\"String\",\"isRequired\":"
		"true,\"attributes\":[]},"
		"\"createdAt\":{\"name\":\"createdAt\",\"isArray\":false,\"type\":\"AWSDateTime\","
		"\"isRequired\":false,"
		"\"attributes\":[],\"isReadOnly\":true},"
		"\"updatedAt\":{\"name\":\"updatedAt\",\"isArray\":false,\"type\":\"AWSDateTime\","
		"\"isRequired\":false,"
		"\"attributes\":[],\"isReadOnly\":true}},"
		"\"attributes\":[{\"type\":\"model\",\"properties\":{}},{\"type\":\"auth\","
		"\"properties\":{\"rules\":["
		"{\"provider\":\"userPools\",\"ownerField\":\"owner\",\"allow\":\"owner\","
		"\"identityClaim\":\"cognito:username\","
		"\"operations\":[\"create\",\"update\",\"delete\",\"read\"]}]}}],"
		"\"primaryKeyInfo\":{\"isCustomPrimaryKey\":false,\"primaryKeyFieldName\":\"id\","
		"\"sortKeyFieldNames\":[]}}},"
		"\"enums\":{},\"nonModels\":{}}";
	struct fx *f = fx_open(json, SD_STRATEGY_AUTOMERGE);
	struct cJSON *j;

	(void)st;
	fx_as_user(f, "alice", NULL);
	j = fx_ask(f,
		"mutation { createTodo(input: {name: \"n\"}) { name createdAt _version owner } }",
		NULL);
	eq(fx_at(j, "data.createTodo.owner"), "alice");
	eq(fx_at(j, "data.createTodo._version"), "1");
	assert_int_equal(strlen(fx_at(j, "data.createTodo.createdAt")), 24);
	sd_json_free(j);
	eq(fx_get(f, "{ syncTodoes { items { name } } }", NULL, "data.syncTodoes.items.0.name"),
		"n");
	eq(fx_get(f, "mutation { createTodo(input: {name: \"n\", createdAt: \"x\"}) { id } }", NULL,
		   "data"),
		"null");
	fx_close(f);
}

static const char shop[] =
	"enum State { NEW PAID }\n"
	"type Address { street: String! city: String }\n"
	"type Customer @model { id: ID! firstName: String! email: AWSEmail born: AWSDate "
	"home: Address phone: AWSPhone orders: [Order] @hasMany(indexName: \"byCustomer\", fields: "
	"[\"id\"]) }\n"
	"type Order @model { number: Int! @primaryKey state: State! total: Float tags: [String!]! "
	"ip: AWSIPAddress seen: AWSDateTime url: AWSURL extra: AWSJSON at: AWSTimestamp day: "
	"AWSTime "
	"customerID: ID! @index(name: \"byCustomer\") customer: Customer @belongsTo(fields: "
	"[\"customerID\"]) }\n";

static char *dump(struct fx *f, const char *model)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e;

	assert_int_equal(sd_sbx_dump(f->s, model, f->now, &b, &e), SD_OK);
	return sd_buf_take(&b);
}

static void seeded_records_are_valid_and_the_same_for_the_same_seed(void **st)
{
	struct fx *f = fx_open(shop, SD_STRATEGY_AUTOMERGE),
		  *g = fx_open(shop, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;
	struct cJSON *j;
	char *a, *b;

	(void)st;
	assert_int_equal(sd_sbx_seed(f->s, "Order", 300, 5, f->now, &e), SD_OK);
	assert_int_equal(sd_sbx_seed(g->s, "Order", 300, 5, g->now, &e), SD_OK);
	a = dump(f, "Order");
	b = dump(g, "Order");
	eq(a, b);
	free(a);
	free(b);
	j = fx_ask(f,
		"{ listOrders(limit: 1000) { items { number state total tags ip seen url extra at "
		"day "
		"createdAt customer { firstName email born home { street city } phone "
		"orders(limit: 1) "
		"{ items { number } } } } } }",
		NULL);
	eq(fx_at(j, "errors"), "");
	assert_int_equal(sd_json_count(sd_json_path(j, "data", "listOrders", "items", NULL)), 300);
	for (const struct cJSON *c =
			sd_json_child(sd_json_path(j, "data", "listOrders", "items", NULL));
		c; c = sd_json_next(c)) {
		static const char *const typed[][2] = {{"ip", "AWSIPAddress"},
			{"seen", "AWSDateTime"}, {"url", "AWSURL"}, {"extra", "AWSJSON"},
			{"at", "AWSTimestamp"}, {"day", "AWSTime"}};
		assert_string_not_equal(fx_at(c, "customer.firstName"), "");
		for (size_t i = 0; i < 6; i++)
			if (!sd_json_is_null(sd_json_get(c, typed[i][0])))
				assert_null(sbx_scalar_wrong(f->s, sd_scalar_parse(typed[i][1]),
					sd_json_get(c, typed[i][0])));
	}
	sd_json_free(j);
	/* again changes nothing; another seed adds others */
	assert_int_equal(sd_sbx_seed(f->s, "Customer", 10, 5, f->now, &e), SD_OK);
	assert_int_equal(sd_sbx_seed(f->s, "Customer", 10, 5, f->now, &e), SD_OK);
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, &e), SD_OK);
	eq(fx_at(j, "Order"), "{\"live\":300,\"deleted\":0}");
	eq(fx_at(j, "Customer.live"), "20");
	sd_json_free(j);
	assert_int_equal(sd_sbx_seed(f->s, "Nope", 1, 1, f->now, &e), SD_NOTFOUND);
	fx_close(f);
	fx_close(g);
}

static enum sd_err line(struct fx *f, const char *text, struct sd_error *e)
{
	return sd_sbx_seed_line(f->s, text, strlen(text), f->now, e);
}

static void seed_lines_purge_and_reset(void **st)
{
	struct fx *f = fx_open(NULL, SD_STRATEGY_AUTOMERGE);
	struct sd_error e;
	struct cJSON *j;

	(void)st;
	assert_int_equal(sd_sbx_begin(f->s, &e), SD_OK);
	assert_int_equal(line(f,
				 "{\"model\":\"Post\",\"fields\":{\"id\":\"a\",\"title\":\"t\","
				 "\"data\":{\"k\":1},\"createdAt\":\"2020-01-01T00:00:00.000Z\"}}",
				 &e),
		SD_OK);
	assert_int_equal(
		line(f, "{\"model\":\"Post\",\"fields\":{\"id\":\"a\",\"title\":\"again\"}}", &e),
		SD_OK);
	assert_int_equal(
		line(f, "{\"model\":\"Post\",\"fields\":{\"titel\":\"t\"}}", &e), SD_INVAL);
	assert_non_null(strstr(e.text, "titel"));
	assert_int_equal(line(f, "{\"model\":\"Pots\",\"fields\":{}}", &e), SD_INVAL);
	assert_int_equal(line(f, "{\"model\"", &e), SD_INVAL);
	assert_int_equal(line(f,
				 "{\"model\":\"Note\",\"fields\":{\"id\":\"n\",\"text\":\"t\","
				 "\"owner\":\"bob\"}}",
				 &e),
		SD_OK);
	assert_int_equal(sd_sbx_commit(f->s, &e), SD_OK);
	j = fx_ask(f, "{ getPost(id: \"a\") { title data createdAt _version } }", NULL);
	eq(fx_at(j, "data.getPost"), "{\"title\":\"t\",\"data\":\"{\\\"k\\\":1}\",\"createdAt\":"
				     "\"2020-01-01T00:00:00.000Z\","
				     "\"_version\":1}");
	sd_json_free(j);
	fx_as_user(f, "bob", NULL);
	eq(fx_get(f, "{ getNote(id: \"n\") { owner } }", NULL, "data.getNote.owner"), "bob");
	fx_as_key(f);
	eq(fx_get(f, "mutation { deletePost(input: {id: \"a\", _version: 1}) { id } }", NULL,
		   "errors"),
		"");
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, &e), SD_OK);
	eq(fx_at(j, "Post"), "{\"live\":0,\"deleted\":1}");
	sd_json_free(j);
	assert_int_equal(sd_sbx_purge(f->s, &e), SD_OK);
	eq(fx_get(f, "{ getPost(id: \"a\") { id } }", NULL, "data.getPost"), "null");
	assert_int_equal(sd_sbx_reset(f->s, &e), SD_OK);
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, &e), SD_OK);
	eq(fx_at(j, "Note"), "{\"live\":0,\"deleted\":0}");
	sd_json_free(j);
	fx_close(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_record_without_an_owner_becomes_the_callers),
		cmocka_unit_test(others_see_nothing_and_change_nothing),
		cmocka_unit_test(lists_of_owners_and_dynamic_groups_and_operations_are_respected),
		cmocka_unit_test(a_field_may_have_rules_of_its_own),
		cmocka_unit_test(a_schema_from_model_introspection_is_served_the_same),
		cmocka_unit_test(seeded_records_are_valid_and_the_same_for_the_same_seed),
		cmocka_unit_test(seed_lines_purge_and_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
