/* tests/unit/test_store_outbox.c - transitions of entries, and what they do to rows and copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/store_fix.h"

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	struct fix *f = *st;

	fix_sound(f);
	fix_free(f);
	return 0;
}

static void synced(struct fix *f, const char *model, const char *fields)
{
	fix_ok(f, fix_apply(f, model, fields, true, NULL));
}

static void arrives(struct fix *f, const char *model, const char *fields)
{
	fix_ok(f, fix_apply(f, model, fields, false, NULL));
}

static void sending(struct fix *f, int64_t seq)
{
	fix_begin(f);
	fix_ok(f, fix_sending(f, seq));
	fix_commit(f);
}

static void refuse(struct fix *f, int64_t seq, const char *server)
{
	struct cJSON *j = server ? fix_json(server) : NULL;

	fix_begin(f);
	fix_ok(f, sd_outbox_refuse(f->st, seq, "Unauthorized", "not yours", j, ++f->now, &f->e));
	fix_commit(f);
	sd_json_free(j);
}

/* The two copies as text: "base|server", "-" for none. */
static void copies(
	struct fix *f, const char *model, const char *key, const char *name, const char *want)
{
	struct sd_shadow sh;
	char *b, *s, both[256];

	fix_ok(f, sd_shadow_get(f->st, fix_model(f, model), key, &sh, &f->e));
	b = sh.base ? sd_json_text(sd_json_get(sh.base, name)) : strdup("-");
	s = sh.server ? sd_json_text(sd_json_get(sh.server, name)) : strdup("-");
	snprintf(both, sizeof both, "%s|%s", b, s);
	for (char *p = both; *p; p++)
		if (*p == '"')
			*p = '\'';
	assert_string_equal(both, want);
	free(b);
	free(s);
	sd_shadow_release(&sh);
}

static void v(struct fix *f, int64_t seq, int64_t want)
{
	struct sd_mutation m;

	fix_ok(f, sd_outbox_get(f->st, seq, &m, &f->e));
	assert_int_equal(m.version, want);
	sd_mutation_release(&m);
}

/* the answer's version reaches the change made meanwhile, without a conflict with
 * oneself */
static void an_acknowledgement_carries_later_changes_to_its_version(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	sending(f, 1);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'2'}"));
	fix_ok(f, fix_ack(f, 1,
			  "{'id':'a','title':'1','rating':1,'_version':8,"
			  "'_lastChangedAt':5}"));
	fix_queue(f, "2 UPDATE Post ['a'] {'title':'2'} waiting v8");
	fix_field(f, "Post", "[\"a\"]", "title", "'2'");
	fix_field(f, "Post", "[\"a\"]", "_version", "8");
	fix_field(f, "Post", "[\"a\"]", "_state", "'pending'");
	copies(f, "Post", "[\"a\"]", "title", "'1'|'1'");
	fix_ok(f, fix_ack(f, 2,
			  "{'id':'a','title':'2','rating':1,'_version':9,"
			  "'_lastChangedAt':6}"));
	fix_queue(f, "");
	copies(f, "Post", "[\"a\"]", "title", "-|-");
	fix_field(f, "Post", "[\"a\"]", "_state", "'synced'");
}

/* client.md 11 #5: the answer holds somebody else's change of the very field that waits: the
 * waiting change keeps its base, so that it is compared before it is sent */
static void a_foreign_change_in_an_answer_is_not_taken_for_our_own(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	sending(f, 1);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':2}"));
	/* merged on the server with a rating of 5 by another client */
	fix_ok(f, fix_ack(f, 1,
			  "{'id':'a','title':'1','rating':5,'_version':9,"
			  "'_lastChangedAt':5}"));
	fix_queue(f, "2 UPDATE Post ['a'] {'rating':2} waiting v7");
	copies(f, "Post", "[\"a\"]", "rating", "1|5");
	copies(f, "Post", "[\"a\"]", "_version", "7|9");
	copies(f, "Post", "[\"a\"]", "title", "'1'|'1'");
	fix_field(f, "Post", "[\"a\"]", "rating", "2");
}

static void a_foreign_change_of_another_field_does_not_hold_the_version_back(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	sending(f, 1);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':2}"));
	fix_ok(f, fix_ack(f, 1,
			  "{'id':'a','title':'1','rating':1,'done':true,'_version':9,"
			  "'_lastChangedAt':5}"));
	v(f, 2, 9);
	fix_field(f, "Post", "[\"a\"]", "done", "true");
}

/* X-02, architecture.md 3: an arrival replaces the server copy only */
static void an_arrival_never_overwrites_an_edit(void **st)
{
	struct fix *f = *st;
	struct sd_apply_counts n = {0};

	synced(f, "Post", "[{'id':'a','title':'A','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	fix_ok(f, fix_apply(f, "Post",
			  "[{'id':'a','title':'theirs','rating':3,'_version':8,"
			  "'_lastChangedAt':2}]",
			  false, &n));
	assert_int_equal(n.shadowed, 1);
	fix_field(f, "Post", "[\"a\"]", "title", "'mine'");
	fix_field(f, "Post", "[\"a\"]", "rating", "1");
	copies(f, "Post", "[\"a\"]", "title", "'A'|'theirs'");
	/* an older one changes nothing at all */
	fix_ok(f, fix_apply(f, "Post",
			  "[{'id':'a','title':'old','_version':6,"
			  "'_lastChangedAt':2}]",
			  false, &n));
	assert_int_equal(n.dropped, 1);
	copies(f, "Post", "[\"a\"]", "title", "'A'|'theirs'");
	/* discarding the edit shows what arrived meanwhile (client.md 11 #6) */
	fix_begin(f);
	fix_ok(f, sd_outbox_discard(f->st, 1, 99, &f->e));
	fix_commit(f);
	fix_field(f, "Post", "[\"a\"]", "title", "'theirs'");
	fix_field(f, "Post", "[\"a\"]", "rating", "3");
	fix_field(f, "Post", "[\"a\"]", "_version", "8");
}

/* the answer to our change may be older than what a subscription brought already */
static void an_answer_older_than_a_subscription_does_not_turn_back_time(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	sending(f, 1);
	arrives(f, "Post", "[{'id':'a','title':'1','rating':9,'_version':9,'_lastChangedAt':7}]");
	fix_ok(f, fix_ack(f, 1, "{'id':'a','title':'1','_version':8,'_lastChangedAt':5}"));
	fix_field(f, "Post", "[\"a\"]", "rating", "9");
	fix_field(f, "Post", "[\"a\"]", "_version", "9");
}

/* an accepted delete leaves a tombstone with the new version */
static void an_acknowledged_delete_leaves_a_tombstone(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	fix_field(f, "Post", "[\"a\"]", "_state", "'pending'");
	fix_ok(f, fix_ack(f, 1, "{'id':'a','title':'A','_version':8,'_lastChangedAt':5}"));
	fix_field(f, "Post", "[\"a\"]", "_deleted", "true");
	fix_field(f, "Post", "[\"a\"]", "_version", "8");
	fix_field(f, "Post", "[\"a\"]", "_state", "'synced'");
	assert_int_equal(fix_total(f, "Post"), 0);
}

/* R-067, U-02, U-23: refused: the record shows the server's value, the payload stays */
static void a_refused_change_shows_the_servers_value_and_keeps_the_way_back(void **st)
{
	struct fix *f = *st;
	struct sd_mutation m;

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	sending(f, 1);
	refuse(f, 1, "{'id':'a','title':'theirs','_version':8,'_lastChangedAt':3}");
	fix_field(f, "Post", "[\"a\"]", "title", "'theirs'");
	fix_field(f, "Post", "[\"a\"]", "_state", "'refused'");
	fix_ok(f, sd_outbox_get(f->st, 1, &m, &f->e));
	assert_string_equal(m.error_type, "Unauthorized");
	assert_string_equal(m.error_message, "not yours");
	assert_int_equal(m.attempts, 1);
	assert_string_equal(sd_json_get_str(m.fields, "title"), "mine");
	sd_mutation_release(&m);
	/* what arrives is shown, too */
	arrives(f, "Post", "[{'id':'a','title':'newer','_version':9,'_lastChangedAt':4}]");
	fix_field(f, "Post", "[\"a\"]", "title", "'newer'");
	assert_int_equal(fix_send_one(f), 0); /* only waiting moves by itself */
	/* tried again: mine is back, compared with what it was made on */
	fix_begin(f);
	fix_ok(f, sd_outbox_retry(f->st, 1, 50, &f->e));
	fix_commit(f);
	fix_field(f, "Post", "[\"a\"]", "title", "'mine'");
	copies(f, "Post", "[\"a\"]", "title", "'A'|'newer'");
	copies(f, "Post", "[\"a\"]", "_version", "7|9");
}

static void a_refused_create_stays_to_be_seen_and_a_refused_delete_brings_the_record_back(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'new'}"));
	refuse(f, 1, NULL);
	fix_field(f, "Post", "[\"n\"]", "title", "'new'");
	fix_field(f, "Post", "[\"n\"]", "_state", "'refused'");
	assert_int_equal(fix_total(f, "Post"), 1);
	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	assert_int_equal(fix_total(f, "Post"), 1);
	refuse(f, 2, NULL);
	assert_int_equal(fix_total(f, "Post"), 2);
	fix_field(f, "Post", "[\"a\"]", "_deleted", "false");
	fix_field(f, "Post", "[\"a\"]", "_state", "'refused'");
}

/* contract.md 5.1: a refused change holds later ones of the same record, never of others (U-03) */
static void a_refused_change_holds_its_own_record_only(void **st)
{
	struct fix *f = *st;
	struct sd_buf why = SD_BUF_INIT;

	synced(f, "Post",
		"[{'id':'a','title':'A','_version':7,'_lastChangedAt':1},"
		"{'id':'b','title':'B','_version':1,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	refuse(f, 1, NULL);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':5}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'2'}"));
	fix_field(f, "Post", "[\"a\"]", "title", "'A'");
	fix_field(f, "Post", "[\"a\"]", "rating", "5");
	fix_field(f, "Post", "[\"a\"]", "_state", "'refused'");
	assert_int_equal(fix_send_one(f), 3);
	assert_int_equal(fix_send_one(f), 0);
	fix_ok(f, sd_outbox_hold(f->st, 2, &why, &f->e));
	assert_string_equal(sd_buf_text(&why), "waits for #1 UPDATE Post a, refused");
	fix_begin(f);
	fix_ok(f, sd_outbox_discard(f->st, 1, 60, &f->e));
	fix_commit(f);
	assert_int_equal(fix_send_one(f), 2);
	sd_buf_release(&why);
}

/* U-02: nothing leaves the outbox without a journal line that says how */
static void every_departure_has_a_line(void **st)
{
	struct fix *f = *st;
	char *j;

	synced(f, "Post", "[{'id':'a','title':'A','_version':1,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_ack(f, 1, "{'id':'a','title':'1','_version':2,'_lastChangedAt':5}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'2'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_discard(f->st, 2, 60, &f->e));
	fix_commit(f);
	j = fix_journal(f, 1);
	for (char *p = j; *p; p++)
		if (*p == '"')
			*p = '\'';
	assert_string_equal(j,

		"UPDATE Post ['a'] local {'title':{'from':'A','to':'1'}}; "
		"OUTBOX Post ['a'] mutation (sent); META Post ['a'] mutation; "

		"UPDATE Post ['a'] local {'title':{'from':'1','to':'2'}}; "
		"OUTBOX Post ['a'] local (discarded); "
		"UPDATE Post ['a'] local {'title':{'from':'2','to':'1'}} (discarded)");
	free(j);
}

static void parked_waits_for_the_person_and_a_sent_one_is_not_touched(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 1, true, 2, &f->e));
	fix_ok(f, sd_outbox_park(f->st, 1, true, 2, &f->e));
	fix_commit(f);
	fix_field(f, "Post", "[\"a\"]", "_state", "'pending'");
	assert_int_equal(fix_send_one(f), 0);
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 1, false, 3, &f->e));
	fix_commit(f);
	sending(f, 1);
	fix_begin(f);
	assert_int_equal(sd_outbox_park(f->st, 1, true, 3, &f->e), SD_BUSY);
	assert_int_equal(sd_outbox_retry(f->st, 1, 3, &f->e), SD_BUSY);
	assert_int_equal(sd_outbox_discard(f->st, 1, 3, &f->e), SD_BUSY);
	assert_int_equal(sd_outbox_discard(f->st, 77, 3, &f->e), SD_NOTFOUND);
	sd_store_rollback(f->st);
}

/* S5: the payload is edited, checked, and goes again */
static void an_edited_entry_is_checked_and_waits_again(void **st)
{
	struct fix *f = *st;
	struct cJSON *bad = fix_json("{'rating':'x'}"), *good = fix_json("{'rating':3}");

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	refuse(f, 1, NULL);
	fix_begin(f);
	assert_int_equal(sd_outbox_edit(f->st, 1, bad, 5, &f->e), SD_INVAL);
	fix_ok(f, sd_outbox_edit(f->st, 1, good, 5, &f->e));
	fix_commit(f);
	fix_queue(f, "1 UPDATE Post ['a'] {'title':'mine','rating':3} waiting v7");
	fix_field(f, "Post", "[\"a\"]", "rating", "3");
	sd_json_free(bad);
	sd_json_free(good);
}

/* U-03: what a person holds back stays back when they edit it */
static void an_edited_parked_entry_stays_parked(void **st)
{
	struct fix *f = *st;
	struct cJSON *good = fix_json("{'rating':3}");

	synced(f, "Post", "[{'id':'a','title':'A','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 1, true, 3, &f->e));
	fix_ok(f, sd_outbox_edit(f->st, 1, good, 5, &f->e));
	fix_commit(f);
	fix_queue(f, "1 UPDATE Post ['a'] {'title':'mine','rating':3} parked v7");
	assert_int_equal(fix_send_one(f), 0);
	sd_json_free(good);
}

struct due {
	int64_t seq[8];
	size_t n;
};

static bool note(void *ctx, struct sd_mutation *m)
{
	struct due *d = ctx;

	d->seq[d->n++] = m->seq;
	return true;
}

/* due in the order made; those not due yet say when */
static void what_is_due_comes_in_order_and_the_next_time_is_told(void **st)
{
	struct fix *f = *st;
	struct due d = {.n = 0};
	int64_t next = -1;

	for (int i = 0; i < 4; i++)
		fix_ok(f, fix_save(f, "Post", "{'title':'1'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_retry_at(f->st, 2, 5000000, false, true, "HTTP 503", "busy", &f->e));
	fix_ok(f, sd_outbox_retry_at(f->st, 3, 4000000, false, false, NULL, NULL, &f->e));
	fix_commit(f);
	fix_ok(f, sd_outbox_due(f->st, 2000000, 8, note, &d, &next, &f->e));
	assert_int_equal(d.n, 2);
	assert_int_equal(d.seq[0], 1);
	assert_int_equal(d.seq[1], 4);
	assert_int_equal(next, 4000000);
	d.n = 0;
	fix_ok(f, sd_outbox_due(f->st, 9000000, 3, note, &d, &next, &f->e));
	assert_int_equal(d.n, 3);
	assert_int_equal(d.seq[2], 3);
	assert_int_equal(next, 0);
}

/* a request under way when the process died has an unknown outcome; the queue is as it was */
static void entries_being_sent_when_the_process_died_are_of_unknown_outcome(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'1'}"));
	sending(f, 1);
	fix_close(f);
	fix_open(f);
	fix_queue(f, "1 CREATE Post ['a'] {'id':'a','title':'1'} waiting v-1 unknown; "
		     "2 CREATE Post ['b'] {'id':'b','title':'1'} waiting v-1");
	fix_field(f, "Post", "[\"a\"]", "_state", "'pending'");
}

static void another_connection_leaves_alone_what_a_living_engine_sends(void **st)
{
	struct fix *f = *st;
	struct sd_store_opts o = {.dir = f->dir, .schema = f->schema, .rand = &f->rand};
	struct sd_store *other = NULL;
	int fd;

	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_ENGINE, 0, &fd, &f->e));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	sending(f, 1);
	fix_ok(f, sd_store_open(&o, &other, &f->e));
	fix_queue(f, "1 CREATE Post ['a'] {'id':'a','title':'1'} sending v-1");
	sd_store_close(other);
	sd_lock_release(fd);
}

static void the_counts_per_lane_are_true(void **st)
{
	struct fix *f = *st;
	struct sd_outbox_counts c;

	fix_ok(f, sd_outbox_counts(f->st, NULL, &c, &f->e));
	assert_int_equal(c.oldest_ms, 0);
	for (int i = 0; i < 4; i++)
		fix_ok(f, fix_save(f, "Post", "{'title':'1'}"));
	fix_ok(f, fix_save(f, "Label", "{'name':'1'}"));
	sending(f, 1);
	refuse(f, 2, NULL);
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 3, true, 9, &f->e));
	fix_commit(f);
	fix_ok(f, sd_outbox_counts(f->st, NULL, &c, &f->e));
	assert_int_equal(c.lane[SD_LANE_WAITING], 2);
	assert_int_equal(c.lane[SD_LANE_SENDING], 1);
	assert_int_equal(c.lane[SD_LANE_REFUSED], 1);
	assert_int_equal(c.lane[SD_LANE_PARKED], 1);
	assert_int_equal(c.oldest_ms, 1000001);
	fix_ok(f, sd_outbox_counts(f->st, fix_model(f, "Label"), &c, &f->e));
	assert_int_equal(c.lane[SD_LANE_WAITING], 1);
	assert_int_equal(c.lane[SD_LANE_SENDING], 0);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_acknowledgement_carries_later_changes_to_its_version),
		T(a_foreign_change_in_an_answer_is_not_taken_for_our_own),
		T(a_foreign_change_of_another_field_does_not_hold_the_version_back),
		T(an_arrival_never_overwrites_an_edit),
		T(an_answer_older_than_a_subscription_does_not_turn_back_time),
		T(an_acknowledged_delete_leaves_a_tombstone),
		T(a_refused_change_shows_the_servers_value_and_keeps_the_way_back),
		T(a_refused_create_stays_to_be_seen_and_a_refused_delete_brings_the_record_back),
		T(a_refused_change_holds_its_own_record_only),
		T(every_departure_has_a_line),
		T(parked_waits_for_the_person_and_a_sent_one_is_not_touched),
		T(an_edited_entry_is_checked_and_waits_again),
		T(an_edited_parked_entry_stays_parked),
		T(what_is_due_comes_in_order_and_the_next_time_is_told),
		T(entries_being_sent_when_the_process_died_are_of_unknown_outcome),
		T(another_connection_leaves_alone_what_a_living_engine_sends),
		T(the_counts_per_lane_are_true),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
