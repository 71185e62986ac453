/*
 * tests/unit/test_push_storm.c - outbox.batch under faults of every kind at random: in the end every
 * record is there as it was last saved, each change once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/batch.h"

/* ---- a server that carries out batches, in bad weather ---- */
#define RECORDS 12

struct server {
	struct script *r;
	struct sd_rand dice;
	struct {
		int version, rating, wanted;
	} rec[RECORDS];
	int applied, refused_twice;
};

static uint32_t dice(struct server *s, uint32_t n)
{
	return sd_rand_below(&s->dice, n);
}

static void row(const struct server *s, int i, struct sd_buf *b)
{
	char a[400];

	batch_item(a, sizeof a, i, s->rec[i].version, "t", s->rec[i].rating);
	sd_buf_str(b, a);
}

/* One mutation; its result goes to data or errors. */
static void apply(struct server *s, const char *alias, const struct cJSON *in, bool create,
	struct sd_buf *data, struct sd_buf *errors)
{
	int i = atoi(sd_json_get_str(in, "id") + 1);
	int version = (int)sd_json_get_i64(in, "_version", 0);
	const char *type = NULL;

	if (create && s->rec[i].version)
		type = "ConditionalCheckFailedException";
	else if (!create && s->rec[i].version != version)
		type = "ConflictUnhandled";
	sd_buf_fmt(data, "%s\"%s\":", data->len ? "," : "", alias);
	if (type) {
		sd_buf_str(data, "null");
		sd_buf_fmt(errors,
			"%s{\"path\":[\"%s\"],\"errorType\":\"%s\",\"message\":\"x\",\"data\":",
			errors->len ? "," : "", alias, type);
		if (create)
			sd_buf_str(errors, "null}");
		else {
			row(s, i, errors);
			sd_buf_ch(errors, '}');
		}
		return;
	}
	s->rec[i].version++;
	s->rec[i].rating = (int)sd_json_get_i64(in, "rating", -1);
	s->applied++;
	row(s, i, data);
}

/* A fault of one alias of a batch: not carried out, or carried out and not said so. */
static bool odd(struct server *s, const char *alias, const struct cJSON *in, bool create,
	struct sd_buf *data, struct sd_buf *errors)
{
	struct sd_buf none = SD_BUF_INIT, none2 = SD_BUF_INIT;
	uint32_t d = dice(s, 12);

	if (d > 3)
		return false;
	if (d == 3) /* carried out; the answer forgets it */
		apply(s, alias, in, create, &none, &none2);
	if (d < 2) {
		sd_buf_fmt(data, "%s\"%s\":null", data->len ? "," : "", alias);
		sd_buf_fmt(errors, "%s{\"path\":[\"%s\"],\"errorType\":\"%s\",\"message\":\"x\"}",
			errors->len ? "," : "", alias, d ? "Unauthorized" : "DynamoDB:Throttling");
	}
	sd_buf_release(&none);
	sd_buf_release(&none2);
	return true;
}

static void carry_out(
	struct server *s, const struct script_request *q, bool storm, struct sd_buf *out)
{
	struct sd_buf data = SD_BUF_INIT, errors = SD_BUF_INIT;
	const char *doc = sd_json_get_str(q->body, "query");
	size_t n = batch_aliases(q);

	for (size_t i = 0; i < n; i++) {
		char alias[16], in[16], mark[40];
		bool create;
		snprintf(alias, sizeof alias, "m%zu", i);
		snprintf(in, sizeof in, "i%zu", i);
		snprintf(mark, sizeof mark, " m%zu: createPost", i);
		create = strstr(doc, mark) != NULL;
		if (!storm || !odd(s, alias, batch_var(q, in), create, &data, &errors))
			apply(s, alias, batch_var(q, in), create, &data, &errors);
	}
	if (!n && strstr(doc, "getPost")) {
		int i = atoi(sd_json_get_str(sd_json_get(q->body, "variables"), "id") + 1);
		sd_buf_str(&data, "\"getPost\":");
		if (s->rec[i].version)
			row(s, i, &data);
		else
			sd_buf_str(&data, "null");
	} else if (!n) {
		bool create = strstr(doc, "createPost") != NULL;
		apply(s, create ? "createPost" : "updatePost", script_input(q), create, &data,
			&errors);
	}
	sd_buf_fmt(out, "{\"data\":{%s}%s%s%s}", sd_buf_text(&data),
		errors.len ? ",\"errors\":[" : "", sd_buf_text(&errors), errors.len ? "]" : "");
	sd_buf_release(&data);
	sd_buf_release(&errors);
}

static void serve(struct server *s, bool storm)
{
	size_t at = dice(s, (uint32_t)s->r->req_count);
	struct script_request *q = &s->r->req[at];
	struct sd_buf b = SD_BUF_INIT;
	uint32_t d = storm ? dice(s, 10) : 9;

	assert_true(script_waiting(s->r) <= 3); /* outbox.concurrency */
	if (q->cancelled)
		return;
	if (d == 0 && batch_aliases(q)) { /* final of one entry alone; of a batch it says nothing */
		script_answer(s->r, q, dice(s, 2) ? 413 : 400,
			"{\"errors\":[{\"errorType\":\"BadRequestException\",\"message\":"
			"\"request entity too large\"}]}");
	} else if (d == 1) {
		script_answer(s->r, q, 503, "<html>");
	} else if (d == 2) {
		script_lose(s->r, q, dice(s, 2));
	} else {
		carry_out(s, q, storm, &b);
		if (d == 3)
			script_lose(s->r, q, true);
		else if (d == 4)
			script_answer(s->r, q, 500, "{}");
		else
			script_answer(s->r, q, 200, sd_buf_text(&b));
		sd_buf_release(&b);
	}
}

/* The person: every edit a new number, so that the last one must win. */
static void edit(struct server *s, int *number)
{
	int i = (int)dice(s, RECORDS);
	char fields[80];

	s->rec[i].wanted = ++*number;
	snprintf(fields, sizeof fields, "{\"id\":\"p%d\",%s\"rating\":%d}", i,
		s->rec[i].version ? "" : "\"title\":\"t\",", *number);
	script_save(s->r, "Post", fields, NULL);
}

static void one_storm(uint64_t seed)
{
	struct server s = {.applied = 0};
	int number = 0;

	sd_rand_seeded(&s.dice, seed);
	s.r = batch_ready(2 + (int)dice(&s, 24), 3);
	for (int i = 0; i < 120; i++) {
		if (dice(&s, 3))
			edit(&s, &number);
		else if (s.r->req_count)
			serve(&s, true);
		if (!dice(&s, 4))
			script_wait(s.r, dice(&s, 3000));
		if (!dice(&s, 40)) {
			script_crash(s.r);
			sd_json_free(s.r->events);
			s.r->events = sd_json_array();
			script_start(s.r);
		}
	}
	for (int i = 0; i < 3000 && !sd_engine_idle(s.r->en); i++) {
		if (s.r->req_count)
			serve(&s, false);
		else
			script_wait(s.r, 20000);
	}
	assert_true(sd_engine_idle(s.r->en));
	assert_true(s.applied <= number); /* no edit was applied twice */
	for (int i = 0; i < RECORDS; i++) {
		char key[16], want[80];
		if (s.rec[i].rating != s.rec[i].wanted)
			fail_msg("seed %llu: p%d is %d on the server, last saved %d",
				(unsigned long long)seed, i, s.rec[i].rating, s.rec[i].wanted);
		if (!s.rec[i].version)
			continue;
		snprintf(key, sizeof key, "[\"p%d\"]", i);
		snprintf(want, sizeof want, "{\"_version\":%d,\"rating\":%d,\"_state\":\"synced\"}",
			s.rec[i].version, s.rec[i].wanted);
		script_row_is(s.r, "Post", key, want);
	}
	assert_int_equal(script_lane(s.r, SD_LANE_WAITING) + script_lane(s.r, SD_LANE_REFUSED) +
				 script_lane(s.r, SD_LANE_CONFLICT),
		0);
	script_free(s.r);
}

/* U-02, R-050: nothing lost, nothing applied twice, never more requests than allowed */
static void batches_survive_any_weather(void **st)
{
	(void)st;
	for (uint64_t seed = 1; seed <= 40; seed++)
		one_storm(seed);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches_survive_any_weather),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}