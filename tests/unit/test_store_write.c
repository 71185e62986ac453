/* tests/unit/test_store_write.c - what a person changes: save, delete, cascade, undo. */
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

	fix_sound(f); /* whatever a test did, row, shadow, queue and counters agree */
	fix_free(f);
	return 0;
}

/* A record the server knows at version 1, here and unchanged. */
static void synced(struct fix *f, const char *model, const char *fields)
{
	fix_ok(f, fix_apply(f, model, fields, true, NULL));
}

static void refused(struct fix *f, const char *model, const char *fields, const char *text)
{
	f->e.text[0] = '\0';
	assert_int_equal(fix_save(f, model, fields), SD_INVAL);
	if (!strstr(f->e.text, text))
		print_error("\"%s\" does not say \"%s\"\n", f->e.text, text);
	assert_non_null(strstr(f->e.text, text));
}

/* one id twice is one record; only the named fields change */
static void saving_a_known_key_changes_the_named_fields_only(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1','rating':3,'status':'ACTIVE'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'2'}"));
	assert_int_equal(fix_total(f, "Post"), 1);
	fix_field(f, "Post", "[\"a\"]", "title", "'2'");
	fix_field(f, "Post", "[\"a\"]", "rating", "3");
	fix_field(f, "Post", "[\"a\"]", "status", "'ACTIVE'");
}

static bool v4(const char *s)
{
	return strlen(s) == 36 && s[14] == '4' && strchr("89ab", s[19]) && s[8] == '-' &&
	       s[13] == '-' && s[18] == '-' && s[23] == '-';
}

/* */
static void an_omitted_id_becomes_a_distinct_uuid_v4(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Post");
	struct sd_write_env env = {.now_ms = 1, .rand = &f->rand};
	struct cJSON *j = fix_json("{'title':'T'}"), *rec = NULL;
	bool created = false;

	fix_begin(f);
	for (int i = 0; i < 1000; i++) {
		fix_ok(f, sd_write_save(
				  f->st, m, SD_SAVE_CREATE, j, NULL, &env, &rec, &created, &f->e));
		assert_true(created);
		assert_true(v4(sd_json_get_str(rec, "id")));
		sd_json_free(rec);
	}
	fix_commit(f);
	assert_int_equal(fix_total(f, "Post"), 1000); /* the key is unique: all distinct */
	sd_json_free(j);
}

/* */
static void a_custom_key_is_never_made_up(void **st)
{
	struct fix *f = *st;

	refused(f, "Book", "{'title':'T','year':1}", "Book.isbn");
	refused(f, "Book", "{'isbn':'','title':'T','year':1}", "empty string");
	assert_int_equal(fix_total(f, "Book"), 0);
}

/* R-022's sibling: bad input names model and field, and nothing is written */
static void bad_values_are_refused_before_anything_is_written(void **st)
{
	struct fix *f = *st;

	refused(f, "Post", "{'title':'T','colour':'red'}", "no field \"colour\"");
	refused(f, "Post", "{'title':'T','status':'LATER'}", "Post.status");
	refused(f, "Post", "{'rating':1}", "Post.title");
	refused(f, "Post", "{'title':null}", "Post.title");
	refused(f, "Post", "{'title':'T','at':'2026-02-30T00:00:00Z'}", "Post.at");
	refused(f, "Post", "{'title':'T','rating':'many'}", "Post.rating");
	refused(f, "Post", "{'title':'T','createdAt':'2026-02-03T00:00:00Z'}", "read-only");
	refused(f, "Post", "{'title':'T','_version':3}", "read-only");
	refused(f, "Post", "{'title':'T','comments':'x'}", "other end");
	refused(f, "Comment", "{'text':'t','postID':'nowhere'}", "no Post nowhere");
	refused(f, "Comment", "{'text':'t','post':'nowhere'}", "no Post nowhere");
	refused(f, "Post", "[1]", "JSON object");
	assert_int_equal(fix_total(f, "Post") + fix_total(f, "Comment"), 0);
	fix_queue(f, "");
}

static void a_record_read_and_saved_back_unchanged_is_no_change(void **st)
{
	struct fix *f = *st;
	char *rec;

	synced(f, "Post",
		"[{'id':'a','title':'T','tags':['x'],'_version':1,'_lastChangedAt':5,"
		"'createdAt':'2026-01-01T00:00:00Z'}]");
	rec = fix_rec(f, "Post", "[\"a\"]");
	fix_ok(f, fix_save(f, "Post", rec));
	free(rec);
	fix_queue(f, "");
	fix_field(f, "Post", "[\"a\"]", "_state", "'synced'");
}

/* what two changes of one record become in the queue */
static void changes_of_one_record_are_merged_as_X_03_says(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':4}"));
	fix_queue(f, "1 CREATE Post ['a'] {'id':'a','title':'1','rating':4} waiting v-1");
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	fix_queue(f, ""); /* create + delete: nothing is ever sent */
	fix_expect(f, "Post", "[\"a\"]", "");

	synced(f, "Post", "[{'id':'b','title':'B','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'2','score':1.5}"));
	fix_queue(f, "2 UPDATE Post ['b'] {'title':'2','score':1.5} waiting v7");
	fix_ok(f, fix_save(f, "Post", "{'id':'b','score':null}"));
	fix_queue(f, "2 UPDATE Post ['b'] {'title':'2'} waiting v7"); /* back at what it was */
	fix_ok(f, fix_delete(f, "Post", "[\"b\"]"));
	fix_queue(f, "3 DELETE Post ['b'] {} waiting v7");
	fix_field(f, "Post", "[\"b\"]", "_deleted", "true");
}

static void an_edit_taken_back_by_another_edit_leaves_the_queue(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'b','title':'B','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'B'}"));
	fix_queue(f, "");
	fix_field(f, "Post", "[\"b\"]", "_state", "'synced'");
	fix_field(f, "Post", "[\"b\"]", "_version", "7");
}

/* conditional ones are never merged, nor are those being sent or of unknown outcome */
static void conditional_sent_and_unknown_changes_are_not_merged_into(void **st)
{
	struct fix *f = *st;

	synced(f, "Post", "[{'id':'b','title':'B','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save_if(f, "Post", "{'id':'b','title':'1'}", "rating > 4"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'2'}"));
	fix_ok(f, fix_save_if(f, "Post", "{'id':'b','title':'3'}", "rating > 5"));
	fix_queue(f, "1 UPDATE Post ['b'] {'title':'1'} waiting v7 if rating > 4; "
		     "2 UPDATE Post ['b'] {'title':'2'} waiting v7; "
		     "3 UPDATE Post ['b'] {'title':'3'} waiting v7 if rating > 5");

	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'1'}"));
	fix_begin(f);
	fix_ok(f, fix_sending(f, 4));
	fix_commit(f);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'2'}"));
	fix_field(f, "Post", "[\"c\"]", "_state", "'sending'");
	fix_begin(f);
	fix_ok(f, sd_outbox_retry_at(f->st, 4, 0, true, true, "Network", "lost", &f->e));
	fix_commit(f);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'3'}"));
	fix_queue(f, "1 UPDATE Post ['b'] {'title':'1'} waiting v7 if rating > 4; "
		     "2 UPDATE Post ['b'] {'title':'2'} waiting v7; "
		     "3 UPDATE Post ['b'] {'title':'3'} waiting v7 if rating > 5; "
		     "4 CREATE Post ['c'] {'id':'c','title':'1'} waiting v-1 unknown; "
		     "5 UPDATE Post ['c'] {'title':'3'} waiting v-1");
	/* its create may be on the server: the delete must go there too */
	fix_ok(f, fix_delete(f, "Post", "[\"c\"]"));
	fix_queue(f, "1 UPDATE Post ['b'] {'title':'1'} waiting v7 if rating > 4; "
		     "2 UPDATE Post ['b'] {'title':'2'} waiting v7; "
		     "3 UPDATE Post ['b'] {'title':'3'} waiting v7 if rating > 5; "
		     "4 CREATE Post ['c'] {'id':'c','title':'1'} waiting v-1 unknown; "
		     "6 DELETE Post ['c'] {} waiting v-1");
}

/* U-04: a thousand edits are one waiting entry with the last value */
static void a_thousand_edits_are_one_entry(void **st)
{
	struct fix *f = *st;
	char t[64];

	synced(f, "Post", "[{'id':'b','title':'B','_version':7,'_lastChangedAt':1}]");
	for (int i = 0; i < 1000; i++) {
		snprintf(t, sizeof t, "{'id':'b','title':'%d'}", i);
		fix_ok(f, fix_save(f, "Post", t));
	}
	fix_queue(f, "1 UPDATE Post ['b'] {'title':'999'} waiting v7");
}

/* a condition needs a known record, but a stale local copy never refuses it */
static void a_condition_on_an_unknown_record_is_refused_and_a_false_one_here_is_kept(void **st)
{
	struct fix *f = *st;

	assert_int_equal(fix_save_if(f, "Post", "{'id':'x','title':'1'}", "rating > 4"), SD_INVAL);
	assert_non_null(strstr(f->e.text, "condition"));
	synced(f, "Post", "[{'id':'b','title':'B','rating':1,'_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save_if(f, "Post", "{'id':'b','title':'1'}", "rating > 4"));
	fix_queue(f, "1 UPDATE Post ['b'] {'title':'1'} waiting v7 if rating > 4");
}

/* U-20, write.h: a deleted key is not written to; the way out is named */
static void a_deleted_record_is_not_written_to_and_the_way_out_is_named(void **st)
{
	struct fix *f = *st;

	synced(f, "Post",
		"[{'id':'b','title':'B','_version':7,'_lastChangedAt':1},"
		"{'id':'t','title':'T','_version':9,'_lastChangedAt':1,'_deleted':true}]");
	fix_ok(f, fix_delete(f, "Post", "[\"b\"]"));
	refused(f, "Post", "{'id':'b','title':'again'}", "syncdeck undo 1");
	refused(f, "Post", "{'id':'t','title':'again'}", "deleted on the server (version 9)");
	assert_int_equal(fix_delete(f, "Post", "[\"b\"]"), SD_NOTFOUND);
	assert_int_equal(fix_delete(f, "Post", "[\"t\"]"), SD_NOTFOUND);
	assert_int_equal(fix_delete(f, "Post", "[\"nowhere\"]"), SD_NOTFOUND);
}

static void the_save_modes_want_a_record_to_be_there_or_not(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Post");
	struct sd_write_env env = {.now_ms = 1, .rand = &f->rand};
	struct cJSON *j = fix_json("{'id':'a','title':'T'}");

	fix_begin(f);
	assert_int_equal(sd_write_save(f->st, m, SD_SAVE_UPDATE, j, NULL, &env, NULL, NULL, &f->e),
		SD_NOTFOUND);
	fix_ok(f, sd_write_save(f->st, m, SD_SAVE_CREATE, j, NULL, &env, NULL, NULL, &f->e));
	assert_int_equal(sd_write_save(f->st, m, SD_SAVE_CREATE, j, NULL, &env, NULL, NULL, &f->e),
		SD_INVAL);
	fix_commit(f);
	sd_json_free(j);
}

/* U-21: children first, each with its own entry and its own version */
static void deleting_a_parent_deletes_its_children_first(void **st)
{
	struct fix *f = *st;

	synced(f, "Post",
		"[{'id':'p','title':'B','_version':7,'_lastChangedAt':1},"
		"{'id':'q','title':'B','_version':1,'_lastChangedAt':1}]");
	synced(f, "Comment",
		"[{'id':'1','postID':'p','_version':2,'_lastChangedAt':1},"
		"{'id':'2','postID':'p','_version':3,'_lastChangedAt':1},"
		"{'id':'3','postID':'q','_version':1,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Comment", "{'id':'4','postID':'p'}")); /* never sent: just goes */
	fix_ok(f, fix_delete(f, "Post", "[\"p\"]"));
	fix_queue(f, "2 DELETE Comment ['2'] {} waiting v3; 3 DELETE Comment ['1'] {} waiting v2; "
		     "4 DELETE Post ['p'] {} waiting v7");
	assert_int_equal(fix_total(f, "Comment"), 1);
	assert_int_equal(fix_total(f, "Post"), 1);
	/* and they are sent in that order: the parent waits for its children */
	assert_int_equal(fix_send_one(f), 2);
	assert_int_equal(fix_send_one(f), 3);
	assert_int_equal(fix_send_one(f), 4);
	fix_queue(f, "");
	fix_field(f, "Post", "[\"p\"]", "_version", "8");
	fix_field(f, "Post", "[\"p\"]", "_state", "'synced'");
}

/* an end of a many-to-many takes its join records along; R-025: a join record takes none */
static void many_to_many_ends_and_join_records(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'T'}"));
	fix_ok(f, fix_save(f, "Label", "{'id':'l'}"));
	fix_ok(f, fix_save(f, "Label", "{'id':'m'}"));
	fix_ok(f, fix_save(f, "PostLabel", "{'id':'1','postId':'p','labelId':'l'}"));
	fix_ok(f, fix_save(f, "PostLabel", "{'id':'2','postId':'p','labelId':'m'}"));
	fix_ok(f, fix_delete(f, "PostLabel", "[\"1\"]"));
	assert_int_equal(fix_total(f, "Post") + fix_total(f, "Label"), 3);
	fix_ok(f, fix_delete(f, "Label", "[\"m\"]"));
	assert_int_equal(fix_total(f, "PostLabel"), 0);
	assert_int_equal(fix_total(f, "Post"), 1);
}

/* client.md 8.5 REQ: a visited set; a dry run shows the whole impact and writes nothing (U-21) */
static void a_cycle_of_parents_is_deleted_once_and_a_dry_run_only_shows_it(void **st)
{
	struct fix *f = *st;
	struct sd_write_env env = {.now_ms = 1, .rand = &f->rand};
	struct cJSON *out = sd_json_array();
	int64_t last, after;

	fix_ok(f, fix_save(f, "Site", "{'id':'a'}"));
	fix_ok(f, fix_save(f, "Site", "{'id':'b','parentID':'a'}"));
	fix_ok(f, fix_save(f, "Site", "{'id':'c','parentID':'b'}"));
	fix_ok(f, fix_save(f, "Site", "{'id':'a','parentID':'c'}"));
	fix_ok(f, sd_journal_last(f->st, &last, &f->e));
	fix_ok(f, sd_write_delete(
			  f->st, fix_model(f, "Site"), "[\"a\"]", NULL, true, &env, out, &f->e));
	assert_int_equal(sd_json_count(out), 3);
	assert_string_equal(sd_json_get_str(sd_json_child(out), "_model"), "Site");
	assert_string_equal(sd_json_get_str(sd_json_child(out), "id"), "c");
	fix_ok(f, sd_journal_last(f->st, &after, &f->e));
	assert_int_equal(after, last);
	assert_int_equal(fix_total(f, "Site"), 3);
	fix_ok(f, fix_delete(f, "Site", "[\"a\"]"));
	assert_int_equal(fix_total(f, "Site"), 0);
	sd_json_free(out);
}

/* U-21: a child waits for its unsent parent, others do not */
static void creates_go_parents_first_and_say_what_they_wait_for(void **st)
{
	struct fix *f = *st;
	struct sd_buf why = SD_BUF_INIT;

	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'T'}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'1','postID':'p'}"));
	fix_ok(f, fix_save(f, "Label", "{'id':'l'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_refuse(f->st, 1, "Unauthorized", "no", NULL, 9, &f->e));
	fix_commit(f);
	fix_ok(f, sd_outbox_hold(f->st, 2, &why, &f->e));
	assert_string_equal(sd_buf_text(&why), "waits for #1 CREATE Post p, refused");
	assert_int_equal(fix_send_one(f), 3);
	assert_int_equal(fix_send_one(f), 0);
	fix_begin(f);
	fix_ok(f, sd_outbox_retry(f->st, 1, 10, &f->e));
	fix_commit(f);
	assert_int_equal(fix_send_one(f), 1);
	assert_int_equal(fix_send_one(f), 2);
	sd_buf_release(&why);
}

/* a merge must not put a child in front of the parent it now points to */
static void an_edit_towards_a_newer_parent_is_queued_behind_it(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Comment", "{'id':'1','text':'t'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'T'}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'1','postID':'p'}"));
	fix_queue(f, "1 CREATE Comment ['1'] {'id':'1','text':'t'} waiting v-1; "
		     "2 CREATE Post ['p'] {'id':'p','title':'T'} waiting v-1; "
		     "3 UPDATE Comment ['1'] {'postID':'p'} waiting v-1");
	fix_send_all(f);
	fix_queue(f, "");
	fix_field(f, "Comment", "[\"1\"]", "postID", "'p'");
	fix_field(f, "Comment", "[\"1\"]", "_version", "2");
}

static enum sd_err undo(struct fix *f, int64_t *seq)
{
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};
	enum sd_err rc;

	fix_begin(f);
	rc = sd_write_undo(f->st, seq, &env, &f->e);
	if (rc == SD_OK)
		fix_commit(f);
	else
		sd_store_rollback(f->st);
	return rc;
}

/* contract.md 5 undo; U-38 */
static void undo_takes_back_the_newest_change_or_the_named_one(void **st)
{
	struct fix *f = *st;
	int64_t seq = 0;

	synced(f, "Post",
		"[{'id':'a','title':'A','_version':1,'_lastChangedAt':1},"
		"{'id':'b','title':'B','_version':1,'_lastChangedAt':1}]");
	assert_int_equal(undo(f, &seq), SD_NOTFOUND);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'2'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':1}")); /* merged: a is the newest now */
	fix_ok(f, undo(f, &seq));
	assert_int_equal(seq, 1); /* the last save, the first one stays */
	fix_field(f, "Post", "[\"a\"]", "title", "'1'");
	fix_field(f, "Post", "[\"a\"]", "rating", "null");
	fix_field(f, "Post", "[\"a\"]", "_state", "'pending'");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','rating':2}"));
	seq = 1; /* by name: all of it */
	fix_ok(f, undo(f, &seq));
	fix_field(f, "Post", "[\"a\"]", "title", "'A'");
	fix_field(f, "Post", "[\"a\"]", "_state", "'synced'");
	seq = 2;
	fix_begin(f);
	fix_ok(f, fix_sending(f, 2));
	fix_commit(f);
	assert_int_equal(undo(f, &seq), SD_BUSY);
	fix_ok(f, fix_ack(f, 2, "{'id':'b','title':'2','_version':2,'_lastChangedAt':9}"));
	assert_int_equal(undo(f, &seq), SD_INVAL);
	assert_non_null(strstr(f->e.text, "already sent"));
	seq = 99;
	assert_int_equal(undo(f, &seq), SD_NOTFOUND);
}

static void undoing_a_cascade_brings_the_whole_family_back(void **st)
{
	struct fix *f = *st;
	int64_t seq = 0;

	synced(f, "Post", "[{'id':'p','title':'B','_version':7,'_lastChangedAt':1}]");
	synced(f, "Comment",
		"[{'id':'1','postID':'p','_version':2,'_lastChangedAt':1},"
		"{'id':'2','postID':'p','_version':3,'_lastChangedAt':1}]");
	fix_ok(f, fix_delete(f, "Post", "[\"p\"]"));
	assert_int_equal(fix_total(f, "Comment"), 0);
	fix_ok(f, undo(f, &seq));
	assert_int_equal(fix_total(f, "Comment"), 2);
	assert_int_equal(fix_total(f, "Post"), 1);
	fix_queue(f, "");
}

static void undoing_a_create_takes_what_was_built_on_it_along(void **st)
{
	struct fix *f = *st;
	int64_t seq = 1;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_retry_at(f->st, 1, 0, true, true, "Network", "lost", &f->e));
	fix_commit(f);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'2'}"));
	fix_ok(f, undo(f, &seq));
	fix_queue(f, "");
	fix_expect(f, "Post", "[\"a\"]", "");
}

/* the service deleted it, too, meanwhile: the edit comes back as it waited, for a decision */
static void undoing_a_delete_brings_the_edit_back_though_the_server_deleted_the_record(void **st)
{
	struct fix *f = *st;
	int64_t seq = 0;

	synced(f, "Post", "[{'id':'p','title':'B','_version':7,'_lastChangedAt':1}]");
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'mine'}"));
	fix_ok(f, fix_delete(f, "Post", "[\"p\"]"));
	synced(f, "Post",
		"[{'id':'p','title':'B','_version':8,'_lastChangedAt':2,'_deleted':true}]");
	fix_queue(f, "2 DELETE Post ['p'] {} waiting v7");
	fix_ok(f, undo(f, &seq));
	fix_queue(f, "3 UPDATE Post ['p'] {'title':'mine'} waiting v7");
	fix_field(f, "Post", "[\"p\"]", "title", "'mine'");
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(saving_a_known_key_changes_the_named_fields_only),
		T(an_omitted_id_becomes_a_distinct_uuid_v4),
		T(a_custom_key_is_never_made_up),
		T(bad_values_are_refused_before_anything_is_written),
		T(a_record_read_and_saved_back_unchanged_is_no_change),
		T(changes_of_one_record_are_merged_as_X_03_says),
		T(an_edit_taken_back_by_another_edit_leaves_the_queue),
		T(conditional_sent_and_unknown_changes_are_not_merged_into),
		T(a_thousand_edits_are_one_entry),
		T(a_condition_on_an_unknown_record_is_refused_and_a_false_one_here_is_kept),
		T(a_deleted_record_is_not_written_to_and_the_way_out_is_named),
		T(the_save_modes_want_a_record_to_be_there_or_not),
		T(deleting_a_parent_deletes_its_children_first),
		T(many_to_many_ends_and_join_records),
		T(a_cycle_of_parents_is_deleted_once_and_a_dry_run_only_shows_it),
		T(creates_go_parents_first_and_say_what_they_wait_for),
		T(an_edit_towards_a_newer_parent_is_queued_behind_it),
		T(undo_takes_back_the_newest_change_or_the_named_one),
		T(undoing_a_cascade_brings_the_whole_family_back),
		T(undoing_a_delete_brings_the_edit_back_though_the_server_deleted_the_record),
		T(undoing_a_create_takes_what_was_built_on_it_along),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
