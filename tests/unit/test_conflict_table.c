/*
 * tests/unit/test_conflict_table.c - the conflict tables of spec/client.md 10.1: the reference
 * client's results, and ours beside them.
 *
 * A record at version 1; three revisions of its title are saved; between the last two of them
 * another client writes directly on the server with the version it knows.  Latency high: 1000 ms
 * there, 1000 ms back, 1100 ms to the subscriber; low: 15 ms each; delayed: 200 ms before each
 * revision; settled: all quiet after each.  The server is the suite's own fake: automerge (a version
 * as new as the stored one wins, an older one fills gaps only) or optimistic (equal or refused).
 * Time is virtual.  What the suite calls blogId is `rating` here.
 *
 * Ours never loses an edit: both edits of A5-A7 and O5-O8 survive; A1, O1 and O2 end in a question.
 * In A2 and A8 the other client's own write is the stale one: the service keeps what is stored and
 * drops it before anybody has seen it; ours stands on what is there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/script.h"

enum strategy { AUTOMERGE, OPTIMISTIC };
enum pace { NO_DELAY, DELAYED, SETTLED };
enum ext { NOBODY, TITLE, OTHER };

struct row {
	const char *id;
	enum strategy strategy;
	bool high;
	enum pace pace;
	bool created; /* false: the create is still unsent when the edits begin */
	enum ext ext;
	int ext_version, ext_late_ms;
	int before; /* the other field at the start; 0: null */
	struct {
		int updates;
		const char *title;
		int other, version;
	} theirs, ours; /* theirs: the reference client's */
	int asks;       /* conflicts for a person at the end: ours keeps both values */
};

#define ORIG      "original title"
#define LAST      "post title 2"
#define EXT       "ext value"
#define OTHER_EXT 7

/* updates: requests that reached the server, the other client's among them */
static const struct row ROWS[] = {
	{"S1", AUTOMERGE, true, NO_DELAY, true, NOBODY, 0, 0, 0, {2, LAST, 0, 3}, {2, LAST, 0, 3},
		0},
	{"S2", AUTOMERGE, false, DELAYED, true, NOBODY, 0, 0, 0, {3, LAST, 0, 4}, {3, LAST, 0, 4},
		0},
	/* the reference has not begun to send when the edits come; ours has */
	{"S3", AUTOMERGE, true, NO_DELAY, false, NOBODY, 0, 0, 0, {0, LAST, 0, 1}, {1, LAST, 0, 2},
		0},
	{"S4", AUTOMERGE, false, DELAYED, false, NOBODY, 0, 0, 0, {0, LAST, 0, 1}, {3, LAST, 0, 4},
		0},
	{"S5", AUTOMERGE, true, SETTLED, true, NOBODY, 0, 0, 0, {3, LAST, 0, 4}, {3, LAST, 0, 4},
		0},
	{"S6", AUTOMERGE, false, SETTLED, true, NOBODY, 0, 0, 0, {3, LAST, 0, 4}, {3, LAST, 0, 4},
		0},
	{"A1", AUTOMERGE, true, NO_DELAY, true, TITLE, 1, 0, 0, {3, EXT, 0, 4}, {2, EXT, 0, 3}, 1},
	{"A2", AUTOMERGE, false, DELAYED, true, TITLE, 1, 0, 0, {4, "post title 0", 0, 5},
		{5, LAST, 0, 6}, 0},
	{"A3", AUTOMERGE, true, SETTLED, true, TITLE, 3, 0, 0, {4, LAST, 0, 5}, {4, LAST, 0, 5}, 0},
	{"A4", AUTOMERGE, false, SETTLED, true, TITLE, 3, 0, 0, {4, LAST, 0, 5}, {4, LAST, 0, 5},
		0},
	{"A5", AUTOMERGE, true, NO_DELAY, true, OTHER, 1, 0, 0, {3, ORIG, OTHER_EXT, 4},
		{4, LAST, OTHER_EXT, 5}, 0},
	{"A6", AUTOMERGE, true, NO_DELAY, true, OTHER, 1, 2990, 0,
		{4, "post title 0", OTHER_EXT, 5}, {5, LAST, OTHER_EXT, 6}, 0},
	{"A7", AUTOMERGE, false, DELAYED, true, OTHER, 1, 0, 0, {4, "post title 0", OTHER_EXT, 5},
		{5, LAST, OTHER_EXT, 6}, 0},
	{"A8", AUTOMERGE, false, DELAYED, true, OTHER, 1, 0, 3, {4, "post title 0", 3, 5},
		{5, LAST, 3, 6}, 0},
	{"A9", AUTOMERGE, true, SETTLED, true, OTHER, 0, 0, 0, {4, LAST, OTHER_EXT, 5},
		{4, LAST, OTHER_EXT, 5}, 0},
	{"A10", AUTOMERGE, false, SETTLED, true, OTHER, 3, 0, 0, {4, LAST, OTHER_EXT, 5},
		{4, LAST, OTHER_EXT, 5}, 0},
	{"O1", OPTIMISTIC, true, NO_DELAY, true, TITLE, 1, 0, 0, {4, LAST, 0, 4}, {2, EXT, 0, 2},
		1},
	{"O2", OPTIMISTIC, false, DELAYED, true, TITLE, 2, 0, 0, {5, LAST, 0, 5}, {3, EXT, 0, 3},
		1},
	{"O3", OPTIMISTIC, true, SETTLED, true, TITLE, 3, 0, 0, {4, LAST, 0, 5}, {4, LAST, 0, 5},
		0},
	{"O4", OPTIMISTIC, false, SETTLED, true, TITLE, 3, 0, 0, {4, LAST, 0, 5}, {4, LAST, 0, 5},
		0},
	{"O5", OPTIMISTIC, true, NO_DELAY, true, OTHER, 1, 0, 0, {4, LAST, 0, 4},
		{4, LAST, OTHER_EXT, 4}, 0},
	{"O6", OPTIMISTIC, true, NO_DELAY, true, OTHER, 2, 2990, 0, {5, LAST, 0, 5},
		{5, LAST, OTHER_EXT, 5}, 0},
	{"O7", OPTIMISTIC, false, DELAYED, true, OTHER, 2, 0, 0, {5, LAST, 0, 5},
		{5, LAST, OTHER_EXT, 5}, 0},
	{"O8", OPTIMISTIC, false, DELAYED, true, OTHER, 2, 0, 3, {5, LAST, 0, 5},
		{5, LAST, OTHER_EXT, 5}, 0},
	{"O9", OPTIMISTIC, true, SETTLED, true, OTHER, 3, 0, 0, {4, LAST, OTHER_EXT, 5},
		{4, LAST, OTHER_EXT, 5}, 0},
	{"O10", OPTIMISTIC, false, SETTLED, true, OTHER, 3, 0, 0, {4, LAST, OTHER_EXT, 5},
		{4, LAST, OTHER_EXT, 5}, 0},
};

/* ---- the world: a server, and things on their way ---- */
struct on_way {
	int64_t at;
	enum { TO_SERVER, TO_CLIENT, NEWS } what;
	uint64_t id;        /* of the request */
	struct cJSON *body; /* TO_SERVER: a copy; owned */
	char *text;         /* TO_CLIENT: the answer; NEWS: the record; owned */
};
struct world {
	const struct row *row;
	struct script *r;
	char title[40];
	int other, version; /* of the record; version 0: not there */
	int updates;
	struct on_way way[200];
	size_t count;
	uint64_t seen; /* the newest request looked at */
};

static void record(const struct world *w, char *out, size_t room)
{
	char other[16];

	snprintf(other, sizeof other, w->other ? "%d" : "null", w->other);
	snprintf(out, room,
		"{\"id\":\"p1\",\"title\":\"%s\",\"rating\":%s,\"tags\":null,\"at\":null,\"data\":"
		"null,\"_version\":%d,\"_lastChangedAt\":%d000,\"_deleted\":null,\"createdAt\":"
		"null,\"updatedAt\":null}",
		w->title, other, w->version, w->version);
}

static struct on_way *put_on_way(struct world *w, int64_t in_ms)
{
	struct on_way *o = &w->way[w->count++];

	assert_true(w->count < 200);
	memset(o, 0, sizeof *o);
	o->at = w->r->now + in_ms;
	return o;
}

static int64_t latency(const struct world *w)
{
	return w->row->high ? 1000 : 15;
}

static void publish(struct world *w)
{
	struct on_way *o = put_on_way(w, w->row->high ? 1100 : 15);
	char text[400];

	record(w, text, sizeof text);
	o->what = NEWS;
	o->text = strdup(text);
}

/* The suite's fake: false: refused. */
static bool write_record(struct world *w, const char *title, int other, int version)
{
	w->updates++;
	if (w->row->strategy == OPTIMISTIC && version != w->version)
		return false;
	if (w->row->strategy == OPTIMISTIC || version >= w->version) {
		if (title)
			snprintf(w->title, sizeof w->title, "%s", title);
		if (other)
			w->other = other;
		w->version = version + 1;
	} else { /* stored values stay; what is null takes what comes */
		if (other && !w->other)
			w->other = other;
		w->version++;
	}
	publish(w);
	return true;
}

static void at_server(struct world *w, struct on_way *o)
{
	struct on_way *back;
	const char *doc = sd_json_get_str(o->body, "query");
	const struct cJSON *in = sd_json_path(o->body, "variables", "input", NULL);
	char rec[400], text[900];
	bool ok = true;
	const char *root = strstr(doc, "createPost")   ? "createPost"
			   : strstr(doc, "updatePost") ? "updatePost"
						       : "getPost";

	if (root[0] == 'c') {
		snprintf(w->title, sizeof w->title, "%s", sd_json_get_str(in, "title"));
		w->version = 1;
		publish(w);
	} else if (root[0] == 'u') {
		ok = write_record(w, sd_json_get_str(in, "title"),
			(int)sd_json_get_i64(in, "rating", 0),
			(int)sd_json_get_i64(in, "_version", 0));
	}
	record(w, rec, sizeof rec);
	if (ok)
		snprintf(text, sizeof text, "{\"data\":{\"%s\":%s}}", root, rec);
	else
		snprintf(text, sizeof text,
			"{\"data\":{\"%s\":null},\"errors\":[{\"path\":[\"%s\"],\"errorType\":"
			"\"ConflictUnhandled\",\"message\":\"Conflict resolver rejects mutation.\","
			"\"data\":%s}]}",
			root, root, rec);
	back = put_on_way(w, latency(w));
	back->what = TO_CLIENT;
	back->id = o->id;
	back->text = strdup(text);
}

static void at_client(struct world *w, const struct on_way *o)
{
	if (o->what == NEWS) {
		script_arrive(w->r, "Update", "Post", o->text);
		return;
	}
	for (size_t i = 0; i < w->r->req_count; i++)
		if (w->r->req[i].id == o->id) {
			script_answer(w->r, &w->r->req[i], 200, o->text);
			return;
		}
}

/* New requests of the client set out. */
static void send_off(struct world *w)
{
	for (size_t i = 0; i < w->r->req_count; i++) {
		struct on_way *o;
		if (w->r->req[i].id <= w->seen)
			continue;
		w->seen = w->r->req[i].id;
		o = put_on_way(w, latency(w));
		o->what = TO_SERVER;
		o->id = w->seen;
		o->body = sd_json_dup(w->r->req[i].body);
	}
}

/* Everything on its way arrives, until `until` (0: until all is quiet). */
static void let_time_pass(struct world *w, int64_t until)
{
	for (;;) {
		struct on_way o;
		size_t next = 0;

		send_off(w);
		for (size_t i = 1; i < w->count; i++)
			if (w->way[i].at < w->way[next].at)
				next = i;
		if (!w->count || (until && w->way[next].at > until)) {
			if (until && until > w->r->now)
				script_wait(w->r, until - w->r->now);
			else if (!until && !sd_engine_idle(w->r->en))
				script_wait(w->r, 100);
			if (until || sd_engine_idle(w->r->en)) {
				send_off(w);
				if (until || !w->count)
					return;
			}
			continue;
		}
		o = w->way[next];
		w->way[next] = w->way[--w->count];
		if (o.at > w->r->now)
			script_wait(w->r, o.at - w->r->now);
		send_off(w);
		if (o.what == TO_SERVER)
			at_server(w, &o);
		else
			at_client(w, &o);
		sd_json_free(o.body);
		free(o.text);
	}
}

static void revise(struct world *w, int i)
{
	char text[80];

	if (w->row->pace == DELAYED)
		let_time_pass(w, w->r->now + 200);
	snprintf(text, sizeof text, "{\"id\":\"p1\",\"title\":\"post title %d\"}", i);
	script_save(w->r, "Post", text, NULL);
	if (w->row->pace == SETTLED)
		let_time_pass(w, 0);
}

static void other_client(struct world *w)
{
	const struct row *row = w->row;

	if (row->ext_late_ms)
		let_time_pass(w, w->r->now + row->ext_late_ms);
	/* no version: the newest there is */
	if (row->ext != NOBODY)
		assert_true(write_record(w, row->ext == TITLE ? EXT : NULL,
			row->ext == OTHER ? OTHER_EXT : 0,
			row->ext_version ? row->ext_version : w->version));
	if (row->pace == SETTLED)
		let_time_pass(w, 0);
}

static void begin(struct world *w)
{
	char text[400];

	w->r = script_new();
	script_start(w->r);
	snprintf(w->title, sizeof w->title, ORIG);
	w->other = w->row->before;
	if (!w->row->created) {
		script_save(w->r, "Post", "{\"id\":\"p1\",\"title\":\"" ORIG "\"}", NULL);
		return;
	}
	w->version = 1;
	record(w, text, sizeof text);
	script_arrive(w->r, "Create", "Post", text);
}

static void run(const struct row *row, struct world *w)
{
	memset(w, 0, sizeof *w);
	w->row = row;
	begin(w);
	revise(w, 0);
	revise(w, 1);
	other_client(w);
	revise(w, 2);
	let_time_pass(w, 0);
}

static bool same(const struct world *w)
{
	return w->updates == w->row->ours.updates && strcmp(w->title, w->row->ours.title) == 0 &&
	       w->other == w->row->ours.other && w->version == w->row->ours.version &&
	       script_lane(w->r, SD_LANE_CONFLICT) == w->row->asks;
}

/* A question holds both values; the person's edit is still what this side shows. */
static void nothing_is_lost(struct world *w)
{
	struct sd_conflict c;
	char want[120];

	if (w->row->asks) {
		script_conflict(w->r, &c);
		assert_string_equal(sd_json_get_str(c.mine, "title"), LAST);
		assert_string_equal(sd_json_get_str(c.theirs, "title"), EXT);
		sd_conflict_release(&c);
		script_row_is(w->r, "Post", "[\"p1\"]", "{\"title\":\"" LAST "\"}");
		return;
	}
	snprintf(want, sizeof want, "{\"title\":\"%s\",\"_version\":%d,\"_state\":\"synced\"}",
		w->title, w->version);
	script_row_is(w->r, "Post", "[\"p1\"]", want);
	assert_string_equal(w->title, LAST);
	if (w->row->ext == OTHER) /* but what the service dropped of a stale write of theirs */
		assert_int_equal(w->other, w->row->before && w->row->strategy == AUTOMERGE
						   ? w->row->before
						   : OTHER_EXT);
}

/* CL-S1..S6, CL-A1..A10, CL-O1..O10; R-073..R-075, U-05 */
static void the_tables_of_the_reference_suite_with_our_column_beside_it(void **st)
{
	int wrong = 0;

	(void)st;
	print_message("%-4s %-44s %s\n", "", "reference: updates, title, other, version", "ours");
	for (size_t i = 0; i < sizeof ROWS / sizeof *ROWS; i++) {
		const struct row *row = &ROWS[i];
		struct world w;

		run(row, &w);
		print_message("%-4s %d %-16s %d v%-22d %d %-16s %d v%d%s%s\n", row->id,
			row->theirs.updates, row->theirs.title, row->theirs.other,
			row->theirs.version, w.updates, w.title, w.other, w.version,
			script_lane(w.r, SD_LANE_CONFLICT) ? ", asks" : "",
			same(&w) ? "" : "   NOT AS WRITTEN");
		wrong += !same(&w);
		if (same(&w))
			nothing_is_lost(&w);
		script_free(w.r);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tables_of_the_reference_suite_with_our_column_beside_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
