/* tests/unit/test_store_apply.c - what arrives, sync state, sweeps, quarantine, the journal. */
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

static void counted(struct fix *f, const char *items, bool base, int64_t created, int64_t updated,
	int64_t deleted, int64_t dropped)
{
	struct sd_apply_counts n = {0};

	fix_ok(f, fix_apply(f, "Post", items, base, &n));
	assert_int_equal(n.created, created);
	assert_int_equal(n.updated, updated);
	assert_int_equal(n.deleted, deleted);
	assert_int_equal(n.dropped, dropped);
}

/* client.md 7.2, 11 #7, R-122: versions never go backwards, and the counts are true */
static void an_older_or_equal_version_is_dropped(void **st)
{
	struct fix *f = *st;

	counted(f, "[{'id':'a','title':'5','_version':5,'_lastChangedAt':50}]", false, 1, 0, 0, 0);
	counted(f, "[{'id':'a','title':'4','_version':4,'_lastChangedAt':99}]", false, 0, 0, 0, 1);
	counted(f, "[{'id':'a','title':'x','_version':5,'_lastChangedAt':50}]", true, 0, 0, 0, 1);
	fix_field(f, "Post", "[\"a\"]", "title", "\"5\"");
	counted(f, "[{'id':'a','title':'6','_version':6,'_lastChangedAt':60}]", false, 0, 1, 0, 0);
	counted(f, "[{'id':'a','_version':7,'_lastChangedAt':70,'_deleted':true}]", false, 0, 0, 1,
		0);
	assert_int_equal(fix_total(f, "Post"), 0);
	counted(f, "[{'id':'a','title':'6','_version':6,'_lastChangedAt':60}]", false, 0, 0, 0, 1);
	counted(f, "[{'id':'a','title':'8','_version':8,'_lastChangedAt':80}]", false, 1, 0, 0, 0);
	assert_int_equal(fix_total(f, "Post"), 1);
}

static void in_doubt(struct fix *f, const char *items, const char *keys)
{
	struct cJSON *all;
	struct sd_buf b = SD_BUF_INIT;

	fix_ok(f, fix_apply(f, "Post", items, false, NULL));
	all = sd_apply_doubts(f->st);
	for (const struct cJSON *c = sd_json_child(all); c; c = sd_json_next(c))
		sd_buf_fmt(&b, "%s ", sd_json_get_str(c, "id"));
	assert_string_equal(sd_buf_text(&b), keys);
	sd_buf_release(&b);
	sd_json_free(all);
}

/* client.md 7.2: a purged key made again starts at version 1; only a base sync may bring that, a
 * delta or a message leads to a reading of the record (apply.h) */
static void a_recreated_key_is_taken_from_a_base_sync_only(void **st)
{
	struct fix *f = *st;

	counted(f, "[{'id':'a','title':'old','_version':9,'_lastChangedAt':50}]", true, 1, 0, 0, 0);
	in_doubt(f, "[{'id':'a','title':'new','_version':1,'_lastChangedAt':90}]", "a ");
	fix_field(f, "Post", "[\"a\"]", "title", "\"old\"");
	counted(f, "[{'id':'a','title':'late','_version':1,'_lastChangedAt':40}]", true, 0, 0, 0,
		1);
	counted(f, "[{'id':'a','title':'new','_version':1,'_lastChangedAt':90}]", true, 0, 1, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "_version", "1");
	/* it may have come as far as the old one was (found by the simulation) */
	in_doubt(f, "[{'id':'a','title':'newer','_version':1,'_lastChangedAt':99}]", "a ");
	counted(f, "[{'id':'a','title':'newer','_version':1,'_lastChangedAt':99}]", true, 0, 1, 0,
		0);
	fix_field(f, "Post", "[\"a\"]", "title", "\"newer\"");
}

/* A late word from a former life of a key: a higher version that was written before. */
static void what_a_former_life_of_a_key_says_is_in_doubt(void **st)
{
	struct fix *f = *st;

	counted(f, "[{'id':'a','title':'now','_version':1,'_lastChangedAt':5000}]", true, 1, 0, 0,
		0);
	in_doubt(f, "[{'id':'a','_version':7,'_lastChangedAt':4000,'_deleted':true}]", "a ");
	fix_field(f, "Post", "[\"a\"]", "title", "\"now\"");
	/* the clocks of the service's machines differ a little */
	counted(f, "[{'id':'a','title':'2','_version':2,'_lastChangedAt':4990}]", false, 0, 1, 0,
		0);
	counted(f, "[{'id':'a','title':'4','_version':4,'_lastChangedAt':6000}]", false, 0, 1, 0,
		0);
	counted(f, "[{'id':'a','title':'3','_version':3,'_lastChangedAt':6010}]", false, 0, 0, 0,
		1);
	in_doubt(f, "[{'id':'a','title':'3','_version':3,'_lastChangedAt':6900}]", "a ");
	/* a service that tells no times: the version alone */
	counted(f, "[{'id':'a','title':'5','_version':5}]", false, 0, 1, 0, 0);
	counted(f, "[{'id':'a','title':'3','_version':3,'_lastChangedAt':9000}]", false, 0, 0, 0,
		1);
}

/* Both lives in one page of a delta: the later one is the one that counts, in any order. */
static void of_two_lives_of_a_key_in_a_page_the_later_one_counts(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_apply(f, "Post",
			  "[{'id':'a','title':'1','_version':1,'_lastChangedAt':1000},"
			  "{'id':'a','_version':2,'_lastChangedAt':2000,'_deleted':true},"
			  "{'id':'a','title':'again','_version':1,'_lastChangedAt':3000}]",
			  false, NULL));
	fix_ok(f, fix_apply(f, "Post",
			  "[{'id':'b','title':'again','_version':1,'_lastChangedAt':3000},"
			  "{'id':'b','_version':2,'_lastChangedAt':2000,'_deleted':true},"
			  "{'id':'b','title':'1','_version':1,'_lastChangedAt':1000}]",
			  false, NULL));
	fix_field(f, "Post", "[\"a\"]", "title", "\"again\"");
	fix_field(f, "Post", "[\"b\"]", "title", "\"again\"");
}

static void of_several_of_one_key_in_a_page_the_highest_version_counts(void **st)
{
	struct fix *f = *st;

	counted(f,
		"[{'id':'a','title':'1','_version':1},{'id':'a','title':'3','_version':3},"
		"{'id':'a','title':'2','_version':2},{'id':'b','title':'1','_version':1},"
		"{'id':'b','_version':2,'_deleted':true}]",
		false, 1, 0, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "title", "\"3\"");
	assert_int_equal(fix_total(f, "Post"), 1);
}

/* a tombstone of a record never seen is kept: an older create that comes late does not revive it */
static void an_unknown_tombstone_is_kept_without_being_seen(void **st)
{
	struct fix *f = *st;
	char *j;

	counted(f, "[{'id':'a','_version':2,'_lastChangedAt':9,'_deleted':true}]", false, 0, 0, 0,
		0);
	counted(f, "[{'id':'a','title':'1','_version':1,'_lastChangedAt':5}]", false, 0, 0, 0, 1);
	assert_int_equal(fix_total(f, "Post"), 0);
	j = fix_journal(f, 0);
	assert_string_equal(j, "");
	free(j);
}

/* client.md 11 #23: deletes from the server do not cascade */
static void a_delete_from_the_server_does_not_cascade(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_apply(f, "Post", "[{'id':'p','title':'T','_version':1}]", true, NULL));
	fix_ok(f, fix_apply(f, "Comment", "[{'id':'c','postID':'p','_version':1}]", true, NULL));
	fix_ok(f, fix_apply(f, "Post", "[{'id':'p','title':'T','_version':2,'_deleted':true}]",
			  false, NULL));
	assert_int_equal(fix_total(f, "Comment"), 1);
	fix_queue(f, "");
}

static void a_record_without_its_key_is_refused_by_name(void **st)
{
	struct fix *f = *st;

	assert_int_equal(fix_apply(f, "Post",
				 "[{'id':'a','title':'T','_version':1},"
				 "{'title':'T','_version':1}]",
				 true, NULL),
		SD_INVAL);
	assert_non_null(strstr(f->e.text, "Post"));
	assert_int_equal(fix_total(f, "Post"), 0);
}

/* journal.h: a base page is one line, whatever its size; others have one a record */
static void a_base_page_is_one_journal_line_with_the_rows_it_made(void **st)
{
	struct fix *f = *st;
	char *j;

	counted(f,
		"[{'id':'a','title':'1','_version':1},{'id':'b','title':'1','_version':1},"
		"{'id':'t','_version':1,'_deleted':true},{'id':'c','title':'1','_version':1}]",
		true, 3, 0, 0, 0);
	counted(f, "[{'id':'b','title':'2','_version':2},{'id':'d','title':'1','_version':1}]",
		true, 1, 1, 0, 0);
	j = fix_journal(f, 0);
	assert_string_equal(j, "INSERT Post 1..4 sync; UPDATE Post [\"b\"] sync "
			       "{\"title\":{\"from\":\"1\",\"to\":\"2\"}}; INSERT Post 5..5 sync");
	free(j);
}

struct lines {
	struct sd_buf b;
	int n;
};

static bool note(void *ctx, const struct sd_journal *j)
{
	struct lines *l = ctx;

	sd_buf_fmt(&l->b, "%d:%s@%lld ", (int)j->kind, sd_source_name(j->source),
		(long long)j->version);
	l->n++;
	return true;
}

/* contract.md 5 history: every version seen here, newest first, the first page included */
static void the_history_of_a_record_goes_back_to_the_page_that_brought_it(void **st)
{
	struct fix *f = *st;
	struct lines l = {.n = 0};
	int64_t last = 0;

	counted(f, "[{'id':'a','title':'1','_version':1},{'id':'b','title':'1','_version':1}]",
		true, 2, 0, 0, 0);
	counted(f, "[{'id':'b','title':'2','_version':2}]", false, 0, 1, 0, 0);
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'3'}"));
	fix_ok(f, sd_journal_of(f->st, fix_model(f, "Post"), "[\"b\"]", 0, note, &l, &f->e));
	assert_string_equal(sd_buf_text(&l.b), "1:local@2 1:subscription@2 0:sync@-1 ");
	sd_buf_reset(&l.b);
	fix_ok(f, sd_journal_of(f->st, fix_model(f, "Post"), "[\"b\"]", 1, note, &l, &f->e));
	assert_string_equal(sd_buf_text(&l.b), "1:local@2 ");
	sd_buf_reset(&l.b);
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 1, true, 5, &f->e));
	fix_ok(f, sd_outbox_park(f->st, 1, false, 6, &f->e));
	fix_commit(f);
	fix_ok(f, sd_journal_recent(f->st, SD_J_OUTBOX, 1, note, &l, &f->e));
	assert_string_equal(sd_buf_text(&l.b), "4:local@2 ");
	sd_buf_reset(&l.b);
	fix_ok(f, sd_journal_recent(f->st, SD_J_INSERT, 5, note, &l, &f->e));
	assert_string_equal(sd_buf_text(&l.b), "0:sync@-1 ");
	sd_buf_reset(&l.b);
	/* trimmed by number and by age, and the ids go on growing */
	fix_ok(f, sd_journal_last(f->st, &last, &f->e));
	sd_journal_keep(f->st, 2, 0, f->now);
	l.n = 0;
	fix_ok(f, sd_journal_each(f->st, 0, 0, note, &l, &f->e));
	assert_int_equal(l.n, 2);
	sd_journal_keep(f->st, 4, 1, f->now + 2);
	l.n = 0;
	fix_ok(f, sd_journal_each(f->st, 0, 0, note, &l, &f->e));
	assert_int_equal(l.n, 0);
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'4'}"));
	fix_ok(f, sd_journal_each(f->st, last, 0, note, &l, &f->e));
	assert_int_equal(l.n, 1);
	sd_buf_release(&l.b);
}

/* S8.3: the page token is kept with the rows it covers */
static void the_sync_state_comes_back_as_it_was_put(void **st)
{
	struct fix *f = *st;
	struct sd_sync_state s, t;
	const struct sd_model *m = fix_model(f, "Post");

	fix_ok(f, sd_sync_get(f->st, m, &s, &f->e));
	assert_int_equal(s.kind, SD_SYNC_NEVER);
	assert_null(s.page_token);
	s = (struct sd_sync_state){SD_SYNC_CAPPED, 1, 2, 3, strdup("rating > 5"), strdup("tok"),
		true, 4, 5, 6, 7, 8, 9, strdup("first"), strdup("HTTP 500"), 10, 11, 12, 13, 14};
	fix_begin(f);
	fix_ok(f, sd_sync_put(f->st, m, &s, &f->e));
	fix_commit(f);
	fix_close(f);
	fix_open(f);
	fix_ok(f, sd_sync_get(f->st, fix_model(f, "Post"), &t, &f->e));
	assert_int_equal(t.kind, SD_SYNC_CAPPED);
	assert_string_equal(t.expression, "rating > 5");
	assert_string_equal(t.page_token, "tok");
	assert_string_equal(t.why, "first");
	assert_string_equal(t.error, "HTTP 500");
	assert_true(t.page_base);
	assert_int_equal(t.last_sync_ms * 1000 + t.last_full_ms * 100 + t.synced_at_ms * 10, 1230);
	assert_int_equal(t.page_last_sync, 4);
	assert_int_equal(t.page_started_ms, 5);
	assert_int_equal(t.page_started_last_ms, 6);
	assert_int_equal(t.page_rows, 7);
	assert_int_equal(t.page_size, 8);
	assert_int_equal(t.sweep_rid, 9);
	assert_int_equal(t.failures, 10);
	assert_int_equal(t.new_rows, 11);
	assert_int_equal(t.updated_rows, 12);
	assert_int_equal(t.deleted_rows, 13);
	assert_int_equal(t.bytes, 14);
	sd_sync_state_release(&s);
	sd_sync_state_release(&t);
}

static int64_t sweep_begin(struct fix *f)
{
	int64_t rid = -1;

	fix_begin(f);
	fix_ok(f, sd_sweep_begin(f->st, fix_model(f, "Post"), &rid, &f->e));
	fix_commit(f);
	return rid;
}

static int64_t sweep_end(struct fix *f, int64_t rid, const char *within)
{
	struct sd_pred *p = NULL;
	int64_t removed = 0;

	if (within)
		fix_ok(f, sd_pred_parse(f->schema, fix_model(f, "Post"), within, &p, &f->e));
	fix_begin(f);
	fix_ok(f, sd_sweep_end(f->st, fix_model(f, "Post"), p, rid, ++f->now, &removed, &f->e));
	fix_commit(f);
	sd_pred_free(p);
	return removed;
}

/* X-13, client.md 11 #18: what a whole base run did not bring is gone from the server */
static void a_full_run_removes_what_the_server_no_longer_has(void **st)
{
	struct fix *f = *st;
	int64_t rid;

	counted(f,
		"[{'id':'a','title':'1','_version':1},{'id':'b','title':'1','_version':1},"
		"{'id':'c','title':'1','_version':1},{'id':'d','title':'1','_version':1},"
		"{'id':'e','title':'1','_version':1},"
		"{'id':'t','title':'1','_version':1,'_deleted':true}]",
		true, 5, 0, 0, 0);
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'mine'}")); /* unsent work stays */
	rid = sweep_begin(f);
	assert_int_equal(rid, 6);
	counted(f, "[{'id':'a','title':'1','_version':1}]", true, 0, 0, 0, 1);
	/* what anybody makes or changes while the run goes on was not there to be seen */
	fix_ok(f, fix_apply(f, "Post", "[{'id':'c','title':'2','_version':2}]", false, NULL));
	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'new'}"));
	fix_close(f); /* and a restart in the middle forgets nothing */
	fix_open(f);
	fix_ok(f, fix_apply(f, "Post", "[{'id':'m','title':'new','_version':1}]", false, NULL));
	assert_int_equal(sweep_end(f, rid, NULL), 2); /* d, e */
	assert_int_equal(fix_total(f, "Post"), 5);
	fix_expect(f, "Post", "[\"d\"]", "");
	fix_expect(f, "Post", "[\"t\"]", "");
	fix_field(f, "Post", "[\"b\"]", "title", "\"mine\"");
}

/* a change of ours that is acknowledged during the run is on the server, seen or not */
static void what_is_acknowledged_during_a_run_is_not_swept(void **st)
{
	struct fix *f = *st;
	int64_t rid;

	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'new'}"));
	rid = sweep_begin(f);
	assert_int_equal(fix_send_one(f), 1);
	assert_int_equal(sweep_end(f, rid, NULL), 0);
	assert_int_equal(fix_total(f, "Post"), 1);
}

/* a run with an expression says nothing about rows outside it */
static void a_filtered_run_leaves_rows_outside_its_expression(void **st)
{
	struct fix *f = *st;
	int64_t rid;

	counted(f,
		"[{'id':'a','title':'1','rating':9,'_version':1},"
		"{'id':'b','title':'1','rating':1,'_version':1},"
		"{'id':'c','title':'1','_version':1}]",
		true, 3, 0, 0, 0);
	rid = sweep_begin(f);
	assert_int_equal(sweep_end(f, rid, "rating > 5"), 1);
	assert_int_equal(fix_total(f, "Post"), 2);
	fix_expect(f, "Post", "[\"a\"]", "");
}

/* U-22: narrower: rows out of scope are dropped on request, never those with unsent work */
static void rows_outside_an_expression_are_dropped_but_never_unsent_work(void **st)
{
	struct fix *f = *st;
	struct sd_pred *p = NULL;
	int64_t removed = 0;

	counted(f,
		"[{'id':'a','title':'1','rating':9,'_version':1},"
		"{'id':'b','title':'1','rating':1,'_version':1},"
		"{'id':'d','title':'1','rating':1,'_version':1},"
		"{'id':'c','title':'1','_version':1}]",
		true, 4, 0, 0, 0);
	fix_ok(f, fix_save(f, "Post", "{'id':'d','title':'mine'}"));
	fix_ok(f, sd_pred_parse(f->schema, fix_model(f, "Post"), "rating > 5", &p, &f->e));
	fix_begin(f);
	fix_ok(f, sd_drop_outside(f->st, fix_model(f, "Post"), p, ++f->now, &removed, &f->e));
	fix_commit(f);
	assert_int_equal(removed, 2);
	assert_int_equal(fix_total(f, "Post"), 2);
	fix_field(f, "Post", "[\"d\"]", "title", "\"mine\"");
	sd_pred_free(p);
}

/* U-10: quarantine marks the record that is here, and ends when it arrives whole */
static void quarantine_is_listed_counted_and_ended_by_a_good_arrival(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Post");
	struct cJSON *list = sd_json_array();
	int64_t n = -1;

	counted(f, "[{'id':'a','title':'1','_version':1}]", true, 1, 0, 0, 0);
	fix_begin(f);
	fix_ok(f, sd_quarantine_put(
			  f->st, m, "[\"a\"]", "items[0].at", "\"bad\"", "not a date", 5, &f->e));
	fix_ok(f, sd_quarantine_put(
			  f->st, m, "[\"a\"]", "items[1].at", "\"worse\"", "no date", 6, &f->e));
	fix_ok(f, sd_quarantine_put(f->st, m, NULL, "items[2]", "{}", "no key", 7, &f->e));
	fix_ok(f, sd_quarantine_put(f->st, m, NULL, "items[3]", "{}", "no key", 7, &f->e));
	fix_commit(f);
	fix_field(f, "Post", "[\"a\"]", "_state", "\"quarantined\"");
	fix_ok(f, sd_quarantine_count(f->st, m, &n, &f->e));
	assert_int_equal(n, 3);
	fix_ok(f, sd_quarantine_list(f->st, NULL, list, &f->e));
	assert_int_equal(sd_json_count(list), 3);
	assert_string_equal(sd_json_get_str(sd_json_child(list), "raw"), "\"worse\"");
	counted(f, "[{'id':'a','title':'2','_version':2}]", false, 0, 1, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "_state", "\"synced\"");
	/* an older copy that arrives whole says nothing of a newer one that cannot be read */
	fix_begin(f);
	fix_ok(f, sd_quarantine_put(f->st, m, "[\"a\"]", "items[0]",
			  "{\"id\":\"a\",\"_version\":4}", "null", 8, &f->e));
	fix_commit(f);
	counted(f, "[{'id':'a','title':'3','_version':3}]", false, 0, 1, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "_state", "\"quarantined\"");
	counted(f, "[{'id':'a','title':'4','_version':4}]", false, 0, 1, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "_state", "\"synced\"");
	fix_ok(f, sd_quarantine_count(f->st, NULL, &n, &f->e));
	assert_int_equal(n, 2);
	sd_json_free(list);
}

/* fields in another order, unknown ones beside them, wrong kinds: stored by name, never guessed */
static void items_in_any_field_order_are_stored_by_name(void **st)
{
	struct fix *f = *st;

	counted(f,
		"[{'_version':1,'__typename':'Post','rating':3,'title':'1','post':{'id':'x'},"
		"'done':false,'id':'a','_deleted':null,'tags':[],'_lastChangedAt':5},"
		"{'title':'2','rating':{'odd':1},'id':'b','_version':1}]",
		true, 2, 0, 0, 0);
	fix_field(f, "Post", "[\"a\"]", "rating", "3");
	fix_field(f, "Post", "[\"a\"]", "done", "false");
	fix_field(f, "Post", "[\"a\"]", "tags", "[]");
	fix_field(f, "Post", "[\"a\"]", "_deleted", "false");
	fix_field(f, "Post", "[\"b\"]", "title", "\"2\"");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(an_older_or_equal_version_is_dropped),
		T(a_recreated_key_is_taken_from_a_base_sync_only),
		T(what_a_former_life_of_a_key_says_is_in_doubt),
		T(of_two_lives_of_a_key_in_a_page_the_later_one_counts),
		T(of_several_of_one_key_in_a_page_the_highest_version_counts),
		T(an_unknown_tombstone_is_kept_without_being_seen),
		T(a_delete_from_the_server_does_not_cascade),
		T(a_record_without_its_key_is_refused_by_name),
		T(a_base_page_is_one_journal_line_with_the_rows_it_made),
		T(the_history_of_a_record_goes_back_to_the_page_that_brought_it),
		T(the_sync_state_comes_back_as_it_was_put),
		T(a_full_run_removes_what_the_server_no_longer_has),
		T(what_is_acknowledged_during_a_run_is_not_swept),
		T(a_filtered_run_leaves_rows_outside_its_expression),
		T(rows_outside_an_expression_are_dropped_but_never_unsent_work),
		T(quarantine_is_listed_counted_and_ended_by_a_good_arrival),
		T(items_in_any_field_order_are_stored_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
