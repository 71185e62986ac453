/*
 * tests/unit/test_sbx_docs.c - every document that the client builds is one the sandbox takes, from
 * SDL and from the model introspection made of it, and a record goes there and back unchanged.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/graphql/doc.h"
#include "core/sandbox/core/sandbox.h"
#include "tests/support/sbx_fixture.h"

static const char sdl[] =
	"enum State { NEW PAID }\n"
	"type Geo { lat: Float! lon: Float! }\n"
	"type Address { street: String! city: String at: Geo notes: [String] }\n"
	"type Customer @model { id: ID! name: String! born: AWSDate home: Address past: [Address] "
	"orders: [Order] @hasMany(indexName: \"byCustomer\", fields: [\"id\"]) "
	"badge: Badge @hasOne tags: [Tag] @manyToMany(relationName: \"CustomerTags\") }\n"
	"type Badge @model { id: ID! code: String }\n"
	"type Tag @model { id: ID! label: String! "
	"customers: [Customer] @manyToMany(relationName: \"CustomerTags\") }\n"
	"type Order @model { number: Int! @primaryKey(sortKeyFields: [\"year\", \"part\"]) year: "
	"Int! "
	"part: String! state: State states: [State!] total: Float! extra: AWSJSON extras: "
	"[AWSJSON] "
	"open: Boolean! seen: AWSDateTime at: AWSTimestamp "
	"customerID: ID @index(name: \"byCustomer\", sortKeyFields: [\"total\"]) "
	"customer: Customer @belongsTo(fields: [\"customerID\"]) lines: [Line] @hasMany }\n"
	"type Line @model { id: ID! text: String order: Order @belongsTo }\n"
	"type Category @model { id: ID! name: String }\n"
	"type Person @model { email: AWSEmail! @primaryKey name: String }\n"
	"type Note @model @auth(rules: [{allow: owner}]) { id: ID! text: String! }\n";

static char *request(const char *document, struct cJSON *variables)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_true(sd_doc_request(document, variables, &b));
	sd_json_free(variables);
	return sd_buf_take(&b);
}

static struct cJSON *answer(struct fx *f, char *body)
{
	struct sd_sbx_answer a;
	struct cJSON *j = NULL;

	sd_sbx_request(f->s, body, strlen(body), &f->who, f->now, &a);
	assert_int_equal(
		sd_json_parse(sd_buf_text(&a.body), a.body.len, "answer", &j, NULL), SD_OK);
	if (sd_json_get(j, "errors"))
		fail_msg("%s\n%s", body, sd_buf_text(&a.body));
	sd_sbx_answer_release(&a);
	free(body);
	return j;
}

static const struct cJSON *root(const struct cJSON *j)
{
	return sd_json_child(sd_json_get(j, "data"));
}

static struct cJSON *with(const char *name, struct cJSON *v)
{
	struct cJSON *o = sd_json_object();

	assert_true(sd_json_add(o, name, v));
	return o;
}

static void key_variables(const struct sd_model *m, const struct cJSON *rec, struct cJSON *vars)
{
	for (size_t i = 0; i < m->pk_count; i++) {
		const char *n = m->fields[m->pk[i]].name;
		assert_true(sd_json_add(vars, n, sd_json_dup(sd_json_get(rec, n))));
	}
}

static void write_back(struct fx *f, const struct sd_model *m, const char *doc_text,
	enum sd_doc kind, struct cJSON *rec)
{
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *input, *j;
	struct sd_error e;
	int64_t version = sd_json_get_i64(rec, "_version", 0);

	assert_int_equal(sd_key_of(m, rec, &key, &e), SD_OK);
	if (sd_doc_input(m, kind, sd_buf_text(&key), rec, rec, version, &input, &e) != SD_OK)
		fail_msg("%s", e.text);
	j = answer(f, request(doc_text, with("input", input)));
	assert_int_equal(sd_json_get_i64(root(j), "_version", 0), version + 1);
	sd_json_free(j);
	sd_buf_release(&key);
}

static void try_model(struct fx *f, const struct sd_model *m)
{
	struct sd_buf doc[SD_DOC_COUNT] = {SD_BUF_INIT};
	struct cJSON *vars, *j, *k, *rec;
	struct sd_error e;
	char *error = NULL, *body;

	for (int kind = 0; kind < SD_DOC_COUNT; kind++)
		assert_int_equal(sd_doc_build(m, (enum sd_doc)kind, NULL, &doc[kind], &e), SD_OK);
	assert_int_equal(sd_sbx_seed(f->s, m->name, 5, 3, f->now, &e), SD_OK);
	vars = with("limit", sd_json_int(1000));
	assert_true(sd_json_add(vars, "lastSync", sd_json_int(0)));
	assert_true(sd_json_add(vars, "nextToken", sd_json_null()));
	assert_true(sd_json_add(vars, "filter", sd_json_null()));
	j = answer(f, request(sd_buf_text(&doc[SD_DOC_SYNC]), vars));
	rec = sd_json_child(sd_json_get(root(j), "items"));
	assert_non_null(rec);
	vars = sd_json_object();
	key_variables(m, rec, vars);
	k = answer(f, request(sd_buf_text(&doc[SD_DOC_GET]), vars));
	assert_true(sd_json_equal(root(k), rec, false));
	sd_json_free(k);
	for (int kind = SD_DOC_ON_CREATE; kind <= SD_DOC_ON_DELETE; kind++) {
		body = request(sd_buf_text(&doc[kind]), NULL);
		sd_sbx_subscribe(f->s, m->id + 10, sd_buf_text(&doc[kind]), body, strlen(body),
			&f->who, f->now, &error);
		if (error)
			fail_msg("%s\n%s", sd_buf_text(&doc[kind]), error);
		free(body);
	}
	assert_int_equal(sd_item_to_local(m, rec, &e), SD_OK);
	write_back(f, m, sd_buf_text(&doc[SD_DOC_UPDATE]), SD_DOC_UPDATE, rec);
	assert_true(sd_json_set(rec, "_version", sd_json_int(2)));
	write_back(f, m, sd_buf_text(&doc[SD_DOC_DELETE]), SD_DOC_DELETE, rec);
	assert_int_equal(f->event_count, 2);
	assert_true(sd_json_is_true(sd_json_get(root(f->events[1].payload), "_deleted")));
	fx_forget_events(f);
	sd_json_free(j);
	for (int kind = 0; kind < SD_DOC_COUNT; kind++)
		sd_buf_release(&doc[kind]);
}

static void the_sandbox_takes_every_document_of_the_client(void **st)
{
	struct fx *f = fx_open(sdl, SD_STRATEGY_AUTOMERGE);

	(void)st;
	for (size_t i = 0; i < f->schema->model_count; i++) {
		if (strcmp(f->schema->models[i]->name, "Note") == 0)
			fx_as_user(f, "alice", NULL);
		else
			fx_as_key(f);
		try_model(f, f->schema->models[i]);
	}
	fx_close(f);
}

static void and_those_made_from_model_introspection(void **st)
{
	struct fx *f = fx_open(sdl, SD_STRATEGY_AUTOMERGE), *g;
	struct cJSON *j;
	struct sd_error e;
	char *text;

	(void)st;
	assert_int_equal(sd_schema_codegen(f->schema, &j, &e), SD_OK);
	text = sd_json_text(j);
	sd_json_free(j);
	fx_close(f);
	g = fx_open(text, SD_STRATEGY_AUTOMERGE);
	free(text);
	for (size_t i = 0; i < g->schema->model_count; i++) {
		if (strcmp(g->schema->models[i]->name, "Note") == 0)
			fx_as_user(g, "alice", NULL);
		else
			fx_as_key(g);
		try_model(g, g->schema->models[i]);
	}
	fx_close(g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sandbox_takes_every_document_of_the_client),
		cmocka_unit_test(and_those_made_from_model_introspection),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
