/* tests/unit/test_scalar.c - values checked by the service's rules, and AWSJSON both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/base/buf.h"
#include "core/json/json.h"
#include "core/model/scalar.h"

static const char SDL[] =
	"enum Status { OPEN CLOSED }\n"
	"type Meta { a: String! n: Int data: AWSJSON list: [AWSJSON] inner: Meta }\n"
	"type All @model {\n"
	"  id: ID!  title: String!  rating: Int  score: Float  done: Boolean\n"
	"  day: AWSDate  at: AWSTime  due: AWSDateTime  stamp: AWSTimestamp\n"
	"  mail: AWSEmail  json: AWSJSON  url: AWSURL  phone: AWSPhone  ip: AWSIPAddress\n"
	"  status: Status  tags: [String!]  loose: [Int]!  meta: Meta  metas: [Meta]\n"
	"  jsons: [AWSJSON]  createdAt: AWSDateTime!\n"
	"}\n"
	"type Pair @model { a: ID! @primaryKey(sortKeyFields: [\"n\", \"s\"])\n"
	"  n: Int! s: Status! other: String kids: [Kid] @hasMany }\n"
	"type Kid @model { x: Int }";

struct fix {
	struct sd_schema *s;
	const struct sd_model *all, *pair;
};

static int setup(void **st)
{
	struct fix *f = calloc(1, sizeof *f);
	struct sd_error e = {0};

	if (!f || sd_schema_read(SDL, strlen(SDL), "scalars.graphql", &f->s, &e))
		fail_msg("%s", e.text);
	f->all = sd_schema_model(f->s, "All");
	f->pair = sd_schema_model(f->s, "Pair");
	*st = f;
	return 0;
}

static int teardown(void **st)
{
	struct fix *f = *st;

	sd_schema_free(f->s);
	free(f);
	return 0;
}

static struct cJSON *parse(const char *text)
{
	struct cJSON *j = NULL;
	struct sd_error e = {0};

	if (sd_json_parse(text, strlen(text), "test", &j, &e))
		fail_msg("%s", e.text);
	return j;
}

static enum sd_err check(
	const struct fix *f, const char *name, const char *json, struct sd_error *e)
{
	struct cJSON *v = parse(json);
	enum sd_err rc = sd_value_check(f->all, sd_model_field(f->all, name), v, e);

	sd_json_free(v);
	return rc;
}

struct sample {
	const char *field, *json;
};

/* spec/server.md 1.10, the documented samples among them */
static void what_the_service_accepts_passes(void **st)
{
	static const struct sample GOOD[] = {
		{"id", "\"x\""},
		{"id", "7"},
		{"title", "\"\""},
		{"rating", "-2147483648"},
		{"rating", "2147483647"},
		{"score", "0.1"},
		{"score", "3"},
		{"done", "false"},
		{"day", "\"2024-02-29\""},
		{"day", "\"1970-01-01Z\""},
		{"day", "\"1970-01-01-07:00\""},
		{"day", "\"1970-01-01+05:30:15\""},
		{"at", "\"12:00:34.\""},
		{"at", "\"12:00:34.123\""},
		{"at", "\"12:00:34Z\""},
		{"due", "\"1930-01-01T16:00:00-07:00\""},
		{"due", "\"2026-11-22T12:04:31.123456789Z\""},
		{"stamp", "-123123"},
		{"stamp", "9007199254740993"},
		{"mail", "\"a.b+c@example.co.uk\""},
		{"json", "{\"any\":[1,null]}"},
		{"url", "\"https://amazon.com\""},
		{"url", "\"mailto:example@example.com\""},
		{"url", "\"http://localhost:8080/a/b?x=//y\""},
		{"phone", "\"+1 555 764 4377\""},
		{"phone", "\"555-764-4377\""},
		{"ip", "\"127.0.0.1/8\""},
		{"ip", "\"1a2b:3c4b::1234:4567\""},
		{"ip", "\"::1/128\""},
		{"status", "\"OPEN\""},
		{"rating", "null"},
		{"tags", "null"},
		{"tags", "[\"a\",\"b\"]"},
		{"loose", "[1,null]"},
		{"meta", "{\"a\":\"x\",\"inner\":{\"a\":\"y\"}}"},
		{"metas", "[null,{\"a\":\"x\"}]"},
		{"createdAt", "null"},
	};
	struct sd_error e = {0};

	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++)
		if (check(*st, GOOD[i].field, GOOD[i].json, &e))
			fail_msg("%s %s: %s", GOOD[i].field, GOOD[i].json, e.text);
}

/* */
static void what_the_service_refuses_is_refused(void **st)
{
	static const struct sample BAD[] = {
		{"title", "null"},
		{"title", "5"},
		{"rating", "1.5"},
		{"rating", "2147483648"},
		{"rating", "\"5\""},
		{"score", "\"x\""},
		{"done", "\"true\""},
		{"done", "1"},
		{"day", "\"2023-02-29\""},
		{"day", "\"2023-13-01\""},
		{"day", "\"23-01-01\""},
		{"day", "\"2023-01-01T00:00:00Z\""},
		{"at", "\"24:00:00\""},
		{"at", "\"12:00\""},
		{"due", "\"2026-11-22T12:04:31\""},
		{"due", "\"2026-11-22\""},
		{"due", "\"2026-11-22 12:04:31Z\""},
		{"due", "\"2026-11-22T12:04:31.1234567890Z\""},
		{"due", "\"2026-11-22T12:04:31Zx\""},
		{"stamp", "1.5"},
		{"stamp", "\"12\""},
		{"mail", "\"a b@example.com\""},
		{"mail", "\"example.com\""},
		{"mail", "\"a@\""},
		{"mail", "\"a@b..c\""},
		{"url", "\"/relative\""},
		{"url", "\"amazon.com\""},
		{"url", "\"https://\""},
		{"url", "\"https://a//b\""},
		{"url", "\"https://a b\""},
		{"phone", "\"555-CALL\""},
		{"phone", "\"+1\""},
		{"phone", "\"12345678\""},
		{"ip", "\"256.0.0.1\""},
		{"ip", "\"[::1]\""},
		{"ip", "\"10.0.0.0/33\""},
		{"ip", "\"10.0.0.0/\""},
		{"status", "\"open\""},
		{"status", "1"},
		{"tags", "[null]"},
		{"tags", "\"a\""},
		{"loose", "null"},
		{"loose", "[\"x\"]"},
		{"meta", "{\"n\":1}"},
		{"meta", "{\"a\":\"x\",\"nope\":1}"},
		{"meta", "{\"a\":\"x\",\"inner\":{\"a\":null}}"},
		{"meta", "[]"},
	};
	struct sd_error e = {0};

	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
		if (check(*st, BAD[i].field, BAD[i].json, &e) != SD_INVAL)
			fail_msg("%s took %s", BAD[i].field, BAD[i].json);
}

static void an_error_names_model_field_rule_and_value(void **st)
{
	struct sd_error e = {0};

	check(*st, "due", "\"2026-11-31T00:00:00Z\"", &e);
	assert_string_equal(e.text, "All.due: not an AWSDateTime: November has no day 31 (got "
				    "\"2026-11-31T00:00:00Z\")");
	check(*st, "title", "null", &e);
	assert_string_equal(e.text, "All.title: Field title is required; give it a value");
	check(*st, "metas", "[{\"a\":\"x\"},{\"a\":7}]", &e);
	assert_string_equal(e.text, "All.metas[1].a: not a String: it is no text (got 7)");
	check(*st, "status", "\"GONE\"", &e);
	assert_string_equal(
		e.text, "All.status: not a Status: it is one of OPEN, CLOSED (got \"GONE\")");
	check(*st, "tags", "5", &e);
	assert_string_equal(
		e.text, "All.tags: Field tags should be of type list, number received (got 5)");
}

static char *from(const struct fix *f, const char *name, const char *text, struct sd_error *e)
{
	struct cJSON *v = NULL;
	char *out = NULL;

	if (sd_value_from_text(f->all, sd_model_field(f->all, name), text, &v, e) == SD_OK)
		out = sd_json_text(v);
	sd_json_free(v);
	return out;
}

/* contract.md 5.1: field=value takes the text as the field's type */
static void command_line_text_is_taken_as_the_field_s_type(void **st)
{
	static const struct {
		const char *field, *text, *json;
	} GOOD[] = {
		{"title", "5", "\"5\""},
		{"rating", "5", "5"},
		{"score", "0.25", "0.25"},
		{"score", ".5", "0.5"},
		{"done", "true", "true"},
		{"stamp", "9007199254740993", "9007199254740993"},
		{"tags", "[\"a\", \"b\"]", "[\"a\",\"b\"]"},
		{"json", "{\"a\": 1}", "{\"a\":1}"},
		{"json", "\"text\"", "\"text\""},
		{"rating", "null", "null"},
		{"status", "OPEN", "\"OPEN\""},
		{"meta", "{\"a\":\"x\"}", "{\"a\":\"x\"}"},
	};
	static const struct {
		const char *field, *text;
	} BAD[] = {{"rating", "5x"}, {"rating", ""}, {"done", "yes"}, {"tags", "a"},
		{"json", "{a:1}"}, {"title", "null"}, {"status", "MAYBE"}, {"score", "inf"},
		{"title", "\xff"}};
	struct sd_error e = {0};

	for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
		char *got = from(*st, GOOD[i].field, GOOD[i].text, &e);
		if (!got)
			fail_msg("%s=%s: %s", GOOD[i].field, GOOD[i].text, e.text);
		assert_string_equal(got, GOOD[i].json);
		free(got);
	}
	for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
		e.text[0] = 0;
		assert_null(from(*st, BAD[i].field, BAD[i].text, &e));
		assert_non_null(strstr(e.text, BAD[i].field));
	}
}

static void read_only_fields_and_relations_take_no_value(void **st)
{
	struct fix *f = *st;
	struct cJSON *v = NULL;
	struct sd_error e = {0};

	assert_int_equal(
		sd_value_from_text(f->pair, sd_model_field(f->pair, "updatedAt"), "x", &v, &e),
		SD_INVAL);
	assert_non_null(strstr(e.text, "Pair.updatedAt is read-only"));
	assert_int_equal(sd_value_from_text(f->pair, sd_model_field(f->pair, "kids"), "x", &v, &e),
		SD_INVAL);
	assert_null(v);
}

/* U-36: keys of three parts */
static void composite_keys_are_typed_and_named_when_a_part_is_missing(void **st)
{
	struct fix *f = *st;
	const char *words[] = {"7", "7", "OPEN", "x"};
	struct sd_buf b = SD_BUF_INIT, shown = SD_BUF_INIT;
	struct sd_error e = {0};
	struct cJSON *rec = sd_json_object();

	assert_int_equal(sd_key_from_words(f->pair, words, 3, &b, &e), SD_OK);
	assert_string_equal(sd_buf_text(&b), "[\"7\",7,\"OPEN\"]");
	assert_true(sd_key_show(sd_buf_text(&b), &shown));
	assert_string_equal(sd_buf_text(&shown), "7 / 7 / OPEN");
	assert_int_equal(sd_key_put(f->pair, sd_buf_text(&b), rec, &e), SD_OK);
	assert_int_equal(sd_json_get_i64(rec, "n", 0), 7);
	sd_buf_reset(&b);
	assert_int_equal(sd_key_of(f->pair, rec, &b, &e), SD_OK);
	assert_string_equal(sd_buf_text(&b), "[\"7\",7,\"OPEN\"]");

	assert_int_equal(sd_key_from_words(f->pair, words, 2, &b, &e), SD_INVAL);
	assert_non_null(strstr(e.text, "\"s\""));
	assert_int_equal(sd_key_from_words(f->pair, words, 4, &b, &e), SD_INVAL);
	words[1] = "seven";
	assert_int_equal(sd_key_from_words(f->pair, words, 3, &b, &e), SD_INVAL);
	assert_non_null(strstr(e.text, "Pair.n"));
	words[0] = "";
	assert_int_equal(sd_key_from_words(f->pair, words, 3, &b, &e), SD_INVAL);
	assert_non_null(strstr(e.text, "empty string"));

	sd_json_remove(rec, "n");
	assert_int_equal(sd_key_of(f->pair, rec, &b, &e), SD_NOTFOUND);
	assert_non_null(strstr(e.text, "n is missing"));
	assert_int_equal(sd_key_put(f->pair, "[\"7\"]", rec, &e), SD_INVAL);
	sd_json_free(rec);
	sd_buf_release(&b);
	sd_buf_release(&shown);
}

static void both_ways(
	const struct fix *f, const char *name, const char *wire, const char *local, bool is_odd)
{
	const struct sd_field *fd = sd_model_field(f->all, name);
	struct cJSON *w = parse(wire), *l, *back;
	bool odd = !is_odd;
	char *text;

	l = sd_value_to_local(fd, w, &odd);
	text = sd_json_text(l);
	assert_string_equal(text, local);
	assert_int_equal(odd, is_odd);
	free(text);
	if (!is_odd) {
		back = sd_value_to_wire(fd, l);
		assert_true(sd_json_equal(back, w, false));
		sd_json_free(back);
	}
	sd_json_free(l);
	sd_json_free(w);
}

/* spec/client.md 2.5 and 11 #21 */
static void awsjson_is_text_on_the_wire_and_a_value_here(void **st)
{
	both_ways(*st, "json", "\"{\\\"k\\\":1}\"", "{\"k\":1}", false);
	both_ways(*st, "json", "\"5\"", "5", false);
	both_ways(*st, "json", "\"9007199254740993\"", "9007199254740993", false);
	both_ways(*st, "json", "\"\\\"x\\\"\"", "\"x\"", false);
	both_ways(*st, "json", "null", "null", false);
	both_ways(*st, "json", "\"{not json\"", "\"{not json\"", true);
	both_ways(*st, "jsons", "[\"1\",null,\"{\\\"a\\\":[]}\"]", "[1,null,{\"a\":[]}]", false);
	both_ways(*st, "meta",
		"{\"a\":\"x\",\"data\":\"{}\",\"list\":[\"1\"],\"inner\":{\"a\":\"y\",\"data\":"
		"\"2\"}}",
		"{\"a\":\"x\",\"data\":{},\"list\":[1],\"inner\":{\"a\":\"y\",\"data\":2}}", false);
	both_ways(*st, "title", "\"{}\"", "\"{}\"", false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_service_accepts_passes),
		cmocka_unit_test(what_the_service_refuses_is_refused),
		cmocka_unit_test(an_error_names_model_field_rule_and_value),
		cmocka_unit_test(command_line_text_is_taken_as_the_field_s_type),
		cmocka_unit_test(read_only_fields_and_relations_take_no_value),
		cmocka_unit_test(composite_keys_are_typed_and_named_when_a_part_is_missing),
		cmocka_unit_test(awsjson_is_text_on_the_wire_and_a_value_here),
	};
	return cmocka_run_group_tests_name("scalar", tests, setup, teardown);
}
