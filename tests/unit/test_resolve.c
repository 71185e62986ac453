/* tests/unit/test_resolve.c - decisions in all five shapes, and forecasts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/sync/merge.h"
#include "tests/support/script.h"

static struct cJSON *parse(const char *text)
{
	struct cJSON *j = NULL;

	if (text)
		assert_int_equal(sd_json_parse(text, strlen(text), "t", &j, NULL), SD_OK);
	return j;
}

struct deciding {
	struct script *r;
	struct sd_conflict c;
};

static void make(struct deciding *d, enum sd_shape shape, const char *base, const char *mine,
	const char *theirs)
{
	static char key[] = "[\"p1\"]";

	d->r = script_new();
	memset(&d->c, 0, sizeof d->c);
	d->c.id = 7;
	d->c.model = script_model(d->r, "Post");
	d->c.key = key;
	d->c.shape = shape;
	d->c.base = parse(base);
	d->c.mine = parse(mine);
	d->c.theirs = parse(theirs);
}

static void drop(struct deciding *d)
{
	sd_json_free(d->c.base);
	sd_json_free(d->c.mine);
	sd_json_free(d->c.theirs);
	script_free(d->r);
}

/* want: "OP {fields} vN", "nothing", or the error's text */
static void decides(struct deciding *d, enum sd_pick keep, const char *picks, const char *sets,
	const char *want)
{
	struct cJSON *p = parse(picks), *s = parse(sets);
	struct sd_decision out;
	struct sd_error e = {.code = SD_OK};
	char got[600];

	if (sd_conflict_decide(&d->c, keep, p, s, &out, &e) != SD_OK) {
		snprintf(got, sizeof got, "%s", e.text);
	} else if (!out.sends) {
		snprintf(got, sizeof got, "nothing");
	} else {
		char *f = sd_json_text(out.fields);
		snprintf(got, sizeof got, "%s %s v%lld", sd_op_name(out.op), f,
			(long long)out.version);
		free(f);
	}
	assert_string_equal(got, want);
	sd_decision_release(&out);
	sd_json_free(p);
	sd_json_free(s);
}

/* U-07, S3: field by field; keep speaks for the fields not named */
static void an_edit_against_an_edit_is_decided_by_field(void **st)
{
	struct deciding d;

	(void)st;
	make(&d, SD_SHAPE_EDIT_EDIT,
		"{\"title\":\"a\",\"rating\":1,\"tags\":[\"x\"],\"at\":null,\"_version\":4}",
		"{\"title\":\"X\",\"rating\":1,\"tags\":[\"x\",\"red\"],\"at\":null}",
		"{\"title\":\"Y\",\"rating\":2,\"tags\":[\"x\"],\"at\":null,\"_version\":5}");
	decides(&d, SD_PICK_NONE, NULL, NULL, "1 field still open: title");
	decides(&d, SD_PICK_NONE, "{\"title\":\"mine\"}", NULL,
		"UPDATE {\"title\":\"X\",\"tags\":[\"x\",\"red\"]} v5");
	decides(&d, SD_PICK_NONE, "{\"title\":\"theirs\"}", NULL,
		"UPDATE {\"tags\":[\"x\",\"red\"]} v5");
	decides(&d, SD_PICK_NONE, "{\"title\":\"base\",\"tags\":\"theirs\"}", NULL,
		"UPDATE {\"title\":\"a\"} v5");
	decides(&d, SD_PICK_NONE, NULL, "{\"title\":\"both\"}",
		"UPDATE {\"title\":\"both\",\"tags\":[\"x\",\"red\"]} v5");
	decides(&d, SD_PICK_MINE, NULL, NULL,
		"UPDATE {\"title\":\"X\",\"tags\":[\"x\",\"red\"]} v5");
	decides(&d, SD_PICK_MINE, "{\"tags\":\"theirs\"}", NULL, "UPDATE {\"title\":\"X\"} v5");
	decides(&d, SD_PICK_BASE, NULL, NULL, "UPDATE {\"title\":\"a\",\"rating\":1} v5");
	decides(&d, SD_PICK_THEIRS, NULL, NULL, "nothing");
	/* what cannot be */
	decides(&d, SD_PICK_MINE, "{\"nope\":\"mine\"}", NULL,
		"conflict 7: Post has no field \"nope\" to decide about");
	decides(&d, SD_PICK_MINE, "{\"id\":\"mine\"}", NULL,
		"conflict 7: Post has no field \"id\" to decide about");
	decides(&d, SD_PICK_MINE, "{\"title\":\"yours\"}", NULL,
		"conflict 7: field title: say mine, theirs or base");
	drop(&d);
}

/* a value set by hand is checked like any other */
static void a_value_set_by_hand_is_checked(void **st)
{
	struct deciding d;
	struct cJSON *sets = parse("{\"rating\":\"many\"}");
	struct sd_decision out;
	struct sd_error e = {.code = SD_OK};

	(void)st;
	make(&d, SD_SHAPE_EDIT_EDIT, "{\"rating\":1}", "{\"rating\":2}",
		"{\"rating\":3,\"_version\":5}");
	assert_int_equal(sd_conflict_decide(&d.c, SD_PICK_NONE, NULL, sets, &out, &e), SD_INVAL);
	assert_non_null(strstr(e.text, "Post.rating"));
	sd_json_free(sets);
	drop(&d);
}

static void a_delete_shape_is_decided_as_a_whole(void **st)
{
	struct deciding d;

	(void)st;
	make(&d, SD_SHAPE_EDIT_DELETE, "{\"title\":\"a\",\"rating\":1}",
		"{\"title\":\"X\",\"rating\":1}",
		"{\"title\":\"a\",\"rating\":null,\"_version\":5,\"_deleted\":true}");
	decides(&d, SD_PICK_THEIRS, NULL, NULL, "nothing");
	decides(&d, SD_PICK_MINE, NULL, NULL, "UPDATE {\"title\":\"X\",\"rating\":1} v5");
	decides(&d, SD_PICK_BASE, NULL, NULL, "UPDATE {\"rating\":1} v5");
	decides(&d, SD_PICK_MINE, NULL, "{\"title\":\"Z\"}",
		"UPDATE {\"title\":\"Z\",\"rating\":1} v5");
	decides(&d, SD_PICK_NONE, "{\"title\":\"mine\"}", NULL,
		"conflict 7: Post [\"p1\"] is edited here and deleted there: keep mine (bring it "
		"back) or theirs; fields are not picked one by one");
	drop(&d);
	make(&d, SD_SHAPE_DELETE_EDIT, "{\"title\":\"a\"}", NULL,
		"{\"title\":\"Y\",\"_version\":6}");
	decides(&d, SD_PICK_MINE, NULL, NULL, "DELETE {} v6");
	decides(&d, SD_PICK_THEIRS, NULL, NULL, "nothing");
	decides(&d, SD_PICK_BASE, NULL, NULL, "UPDATE {\"title\":\"a\"} v6");
	decides(&d, SD_PICK_NONE, NULL, NULL,
		"conflict 7: Post [\"p1\"] is deleted here and edited there: keep mine (delete it) "
		"or theirs; fields are not picked one by one");
	drop(&d);
}

/* a write that brings a record back never carries a list that did not change */
static void bringing_back_what_did_not_change_touches_no_list(void **st)
{
	struct deciding d;

	(void)st;
	make(&d, SD_SHAPE_EDIT_DELETE, "{\"tags\":[\"x\"],\"title\":\"a\"}",
		"{\"tags\":[\"x\"],\"title\":\"a\"}",
		"{\"tags\":[\"x\"],\"title\":\"a\",\"_version\":5,\"_deleted\":true}");
	decides(&d, SD_PICK_MINE, NULL, NULL, "UPDATE {\"title\":\"a\"} v5");
	drop(&d);
}

static void a_missing_record_is_made_again_or_let_go(void **st)
{
	struct deciding d;

	(void)st;
	make(&d, SD_SHAPE_MISSING, "{\"title\":\"a\",\"rating\":1}",
		"{\"title\":\"X\",\"rating\":1,\"at\":null}", NULL);
	decides(&d, SD_PICK_MINE, NULL, NULL, "CREATE {\"title\":\"X\",\"rating\":1} v-1");
	decides(&d, SD_PICK_BASE, NULL, NULL, "CREATE {\"title\":\"a\",\"rating\":1} v-1");
	decides(&d, SD_PICK_THEIRS, NULL, NULL, "nothing");
	drop(&d);
}

static void a_create_that_exists_becomes_an_edit(void **st)
{
	struct deciding d;

	(void)st;
	make(&d, SD_SHAPE_CREATE_EXISTS, NULL, "{\"title\":\"X\"}",
		"{\"title\":\"Y\",\"rating\":9,\"_version\":2}");
	decides(&d, SD_PICK_NONE, NULL, NULL, "1 field still open: title");
	decides(&d, SD_PICK_MINE, NULL, NULL, "UPDATE {\"title\":\"X\"} v2");
	decides(&d, SD_PICK_THEIRS, NULL, NULL, "nothing");
	decides(&d, SD_PICK_BASE, NULL, NULL, "conflict 7: there is no base, keep mine or theirs");
	drop(&d);
}

/* ---- with a store ---- */
#define ITEM(v, title, tags, deleted)                                                              \
	"{\"id\":\"p1\",\"title\":" title ",\"rating\":1,\"tags\":" tags                           \
	",\"at\":null,\"data\":null,\"_version\":" #v ",\"_lastChangedAt\":" #v                    \
	"000,\"_deleted\":" deleted ",\"createdAt\":null,\"updatedAt\":null}"

static struct script *stale(const char *edit, const char *item, enum sd_policy p)
{
	struct script *r = script_new();

	for (size_t i = 0; i < 16; i++)
		r->models[i].policy = p;
	script_start(r);
	script_arrive(r, "Create", "Post", ITEM(2, "\"a\"", "[\"0\"]", "null"));
	script_pause(r, true);
	script_save(r, "Post", edit, NULL);
	script_arrive(r, "Update", "Post", item);
	return r;
}

static void result_is(struct cJSON *got, const char *want)
{
	struct cJSON *w = parse(want);

	if (!sd_json_equal(got, w, true))
		fail_msg("%s", sd_json_text(got));
	sd_json_free(w);
	sd_json_free(got);
}

static void a_dry_run_shows_the_write_and_changes_nothing(void **st)
{
	struct script *r = stale("{\"id\":\"p1\",\"title\":\"mine\"}",
		ITEM(3, "\"theirs\"", "[\"0\"]", "null"), SD_POLICY_MERGE);
	struct sd_error e = {.code = SD_OK};
	struct sd_conflict c;
	struct cJSON *write = NULL, *picks = parse("{\"title\":\"mine\"}");
	int64_t id;

	(void)st;
	script_pause(r, false);
	id = script_conflict(r, &c);
	sd_conflict_release(&c);
	for (int dry = 1; dry >= 0; dry--) {
		assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
		assert_int_equal(sd_conflict_resolve(r->store, id, SD_PICK_NONE, picks, NULL,
					 "person", dry, r->now, &write, &e),
			SD_OK);
		assert_int_equal(sd_store_commit(r->store, &e), SD_OK);
		result_is(write, "{\"op\":\"UPDATE\",\"model\":\"Post\",\"key\":[\"p1\"],"
				 "\"fields\":{\"title\":\"mine\"},\"version\":3}");
		assert_int_equal(script_lane(r, SD_LANE_CONFLICT), dry);
	}
	assert_int_equal(script_lane(r, SD_LANE_WAITING), 1);
	assert_int_equal(sd_store_begin(r->store, &e), SD_OK);
	assert_int_equal(sd_conflict_resolve(r->store, id, SD_PICK_MINE, NULL, NULL, "person",
				 false, r->now, &write, &e),
		SD_NOTFOUND);
	assert_non_null(strstr(e.text, "there is no conflict"));
	sd_store_rollback(r->store);
	sd_json_free(picks);
	script_free(r);
}

static struct cJSON *forecast(struct script *r, const char *strategy)
{
	struct sd_error e = {.code = SD_OK};
	struct cJSON *out = NULL;

	if (sd_forecast(r->store, script_model(r, "Post"), "[\"p1\"]", strategy, &out, &e) != SD_OK)
		fail_msg("%s", e.text);
	return out;
}

static const struct cJSON *line(const struct cJSON *out, const char *name)
{
	for (const struct cJSON *c = sd_json_child(sd_json_get(out, "fields")); c;
		c = sd_json_next(c))
		if (strcmp(sd_json_get_str(c, "name"), name) == 0)
			return c;
	fail_msg("no line for %s", name);
	return NULL;
}

/* U-05, S4.3, S4.4, R-074, R-075: what Automerge would make of a stale change */
static void the_forecast_shows_doubled_lists_and_lost_scalars(void **st)
{
	struct script *r =
		stale("{\"id\":\"p1\",\"title\":\"mine\",\"tags\":[\"0\",\"1\",\"3\"],\"at\":"
		      "\"2026-01-01T00:00:00Z\"}",
			ITEM(3, "\"theirs\"", "[\"0\"]", "null"), SD_POLICY_MERGE);
	struct cJSON *out = forecast(r, "automerge");

	(void)st;
	assert_true(sd_json_is_true(sd_json_get(out, "stale")));
	assert_string_equal(sd_json_get_str(sd_json_get(out, "result"), "title"), "theirs");
	assert_string_equal(sd_json_get_str(line(out, "title"), "mine"), "mine");
	assert_non_null(strstr(sd_json_get_str(line(out, "title"), "why"), "REJECTED"));
	assert_non_null(strstr(sd_json_get_str(line(out, "tags"), "why"), "APPENDED"));
	assert_non_null(strstr(sd_json_get_str(line(out, "at"), "why"), "ADDED"));
	result_is(
		sd_json_dup(sd_json_get(line(out, "tags"), "result")), "[\"0\",\"0\",\"1\",\"3\"]");
	result_is(sd_json_dup(sd_json_get(out, "rebase")), "{\"clashes\":[\"title\"]}");
	sd_json_free(out);
	out = forecast(r, "optimistic");
	assert_non_null(strstr(sd_json_get_str(line(out, "tags"), "why"), "ConflictUnhandled"));
	assert_string_equal(sd_json_get_str(sd_json_get(out, "result"), "title"), "theirs");
	sd_json_free(out);
	script_free(r);
}

static void the_forecast_offers_the_rebase_and_knows_a_fresh_version(void **st)
{
	struct script *r = stale("{\"id\":\"p1\",\"tags\":[\"0\",\"1\",\"3\"]}",
		ITEM(3, "\"theirs\"", "[\"0\"]", "null"), SD_POLICY_MERGE);
	struct sd_error e = {.code = SD_OK};
	struct cJSON *out = forecast(r, "automerge");

	(void)st;
	result_is(sd_json_dup(sd_json_get(out, "rebase")),
		"{\"fields\":{\"tags\":[\"0\",\"1\",\"3\"]}}");
	sd_json_free(out);
	assert_int_equal(
		sd_forecast(r->store, script_model(r, "Post"), "[\"p1\"]", "guess", &out, &e),
		SD_INVAL);
	assert_int_equal(
		sd_forecast(r->store, script_model(r, "Post"), "[\"p9\"]", "automerge", &out, &e),
		SD_NOTFOUND);
	script_free(r);
	r = script_new();
	script_start(r);
	script_arrive(r, "Create", "Post", ITEM(2, "\"a\"", "[\"0\"]", "null"));
	script_pause(r, true);
	script_save(r, "Post", "{\"id\":\"p1\",\"tags\":[\"0\",\"1\"]}", NULL);
	out = forecast(r, "automerge");
	assert_false(sd_json_is_true(sd_json_get(out, "stale")));
	result_is(sd_json_dup(sd_json_get(line(out, "tags"), "result")), "[\"0\",\"1\"]");
	sd_json_free(out);
	script_free(r);
}

/* server.md 2.5, the worked example */
static void automerge_follows_the_documented_example(void **st)
{
	static const struct {
		const char *stored, *incoming, *want;
	} rows[] = {
		{"5", "55", "5"},
		{"null", "[24,30,27]", "[24,30,27]"},
		{"[24,30,27]", "[30,35]", "[24,30,27,30,35]"},
		{"{\"ppg\":\"35.4\",\"apg\":\"6.3\"}", "{\"ppg\":\"25.7\",\"rpg\":\"6.9\"}",
			"{\"ppg\":\"35.4\",\"apg\":\"6.3\",\"rpg\":\"6.9\"}"},
		{"\"x\"", "null", "\"x\""},
		{"\"x\"", "[1]", "\"x\""},
	};

	(void)st;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct cJSON *s = parse(rows[i].stored), *in = parse(rows[i].incoming);
		result_is(sd_automerge_value(s, in), rows[i].want);
		sd_json_free(s);
		sd_json_free(in);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_edit_against_an_edit_is_decided_by_field),
		cmocka_unit_test(a_value_set_by_hand_is_checked),
		cmocka_unit_test(a_delete_shape_is_decided_as_a_whole),
		cmocka_unit_test(bringing_back_what_did_not_change_touches_no_list),
		cmocka_unit_test(a_missing_record_is_made_again_or_let_go),
		cmocka_unit_test(a_create_that_exists_becomes_an_edit),
		cmocka_unit_test(a_dry_run_shows_the_write_and_changes_nothing),
		cmocka_unit_test(the_forecast_shows_doubled_lists_and_lost_scalars),
		cmocka_unit_test(the_forecast_offers_the_rebase_and_knows_a_fresh_version),
		cmocka_unit_test(automerge_follows_the_documented_example),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
