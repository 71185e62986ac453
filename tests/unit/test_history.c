/* tests/unit/test_history.c - versions seen, the way back, undo and redo of what was not sent. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/store/history.h"
#include "core/store/internal.h"
#include "tests/support/store_fix.h"

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	fix_sound(*st);
	fix_free(*st);
	return 0;
}

static void arrive(struct fix *f, const char *model, const char *items, bool base)
{
	struct sd_apply_counts n = {0};

	fix_ok(f, fix_apply(f, model, items, base, &n));
}

static char *at_version(struct fix *f, const char *model, const char *key, int64_t version)
{
	struct cJSON *rec = NULL;
	char *text;
	enum sd_err rc = sd_history_record(f->st, fix_model(f, model), key, version, &rec, &f->e);

	if (rc == SD_NOTFOUND)
		return strdup("none");
	fix_ok(f, rc);
	text = sd_json_text(sd_json_get(rec, "title"));
	if (sd_json_is_true(sd_json_get(rec, "_deleted"))) {
		free(text);
		text = strdup("deleted");
	}
	sd_json_free(rec);
	return text;
}

static void was(struct fix *f, int64_t version, const char *want)
{
	char *got = at_version(f, "Post", "[\"a\"]", version);

	assert_string_equal(got, want);
	free(got);
}

static bool versions(void *ctx, const struct sd_journal *j)
{
	sd_buf_fmt(ctx, "%lld:%s ", (long long)j->version, sd_source_name(j->source));
	return true;
}

/* contract.md 5 history and revert: what the record held at each version, the page that brought it
 * included; own edits between two versions are not mistaken for either */
static void a_record_can_be_walked_back_to_every_version_seen(void **st)
{
	struct fix *f = *st;
	struct sd_buf b = SD_BUF_INIT;

	arrive(f, "Post", "[{'id':'a','title':'one','rating':1,'_version':1,'_lastChangedAt':1}]",
		true);
	was(f, 1, "\"one\"");
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'mine'}"));
	was(f, 1, "\"one\"");
	was(f, 2, "none");
	fix_ok(f, fix_ack(f, 1,
			  "{'id':'a','title':'mine','rating':1,'_version':2,'_lastChangedAt':2}"));
	arrive(f, "Post", "[{'id':'a','title':'four','rating':9,'_version':4,'_lastChangedAt':4}]",
		false);
	arrive(f, "Post",
		"[{'id':'a','title':'four','rating':9,'_version':5,'_lastChangedAt':5,"
		"'_deleted':true}]",
		false);
	was(f, 1, "\"one\"");
	was(f, 2, "\"mine\"");
	was(f, 3, "none");
	was(f, 4, "\"four\"");
	was(f, 5, "deleted");
	fix_ok(f, sd_history_each(f->st, fix_model(f, "Post"), "[\"a\"]", versions, &b, &f->e));
	assert_string_equal(
		sd_buf_text(&b), "5:subscription 4:subscription 2:mutation 1:local 1:sync ");
	sd_buf_release(&b);
}

static void a_record_that_left_this_place_keeps_its_values_in_the_history(void **st)
{
	struct fix *f = *st;
	struct cJSON *rec = NULL;
	char *text;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'never sent'}"));
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	fix_expect(f, "Post", "[\"a\"]", "");
	assert_int_equal(sd_history_record(f->st, fix_model(f, "Post"), "[\"a\"]", 1, &rec, &f->e),
		SD_NOTFOUND);
	text = fix_journal(f, 0);
	assert_non_null(strstr(text, "\"from\":\"never sent\""));
	free(text);
}

static int64_t lines(struct fix *f)
{
	struct sd_buf b = SD_BUF_INIT;
	int64_t n = 0;

	fix_ok(f, sd_journal_each(f->st, 0, 0, versions, &b, &f->e));
	for (size_t i = 0; i < b.len; i++)
		n += b.data[i] == ' ';
	sd_buf_release(&b);
	return n;
}

/* issue 4 "History": capped by size and age, and never the reason a write fails */
static void the_history_is_capped_by_size_and_by_age(void **st)
{
	struct fix *f = *st;
	char fields[64];

	for (int i = 0; i < 300; i++) {
		snprintf(fields, sizeof fields, "{'id':'a','title':'t%d'}", i);
		f->now += 10;
		fix_ok(f, fix_save(f, "Post", fields));
	}
	assert_true(lines(f) >= 300);
	sd_journal_keep(f->st, 100, 0, f->now);
	assert_in_range(lines(f), 1, 113);
	sd_journal_keep(f->st, 0, 0, f->now);
	assert_in_range(lines(f), 1, 113);
	for (int i = 0; i < 300; i++) {
		snprintf(fields, sizeof fields, "{'id':'a','title':'u%d'}", i);
		f->now += 10;
		fix_ok(f, fix_save(f, "Post", fields));
	}
	sd_journal_keep(f->st, 0, 500, f->now); /* the newest fifty are younger than that */
	assert_in_range(lines(f), 1, 256 + 51);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'still writes'}"));
}

/* another process holds the write lock: the cap waits, nobody hears of it */
static void a_cap_that_cannot_be_kept_now_is_no_error(void **st)
{
	struct fix *f = *st;
	struct sd_store_opts o = {.dir = f->dir,
		.schema = f->schema,
		.busy_ms = 1,
		.now_ms = f->now,
		.rand = &f->rand};
	struct sd_store *other = NULL;

	for (int i = 0; i < 20; i++) {
		char fields[64];
		snprintf(fields, sizeof fields, "{'id':'a','title':'t%d'}", i);
		fix_ok(f, fix_save(f, "Post", fields));
	}
	fix_ok(f, sd_store_open(&o, &other, &f->e));
	fix_begin(f);
	sd_journal_keep(other, 1, 0, f->now);
	fix_commit(f);
	assert_true(lines(f) >= 20);
	sd_journal_keep(other, 1, 0, f->now);
	assert_int_equal(lines(f), 1);
	sd_store_close(other);
}

/* ---- undo and redo ---- */

static enum sd_err undo(struct fix *f, int64_t seq)
{
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};
	enum sd_err rc;

	fix_begin(f);
	rc = sd_write_undo(f->st, &seq, &env, &f->e);
	if (rc == SD_OK)
		fix_commit(f);
	else
		sd_store_rollback(f->st);
	return rc;
}

static enum sd_err redo(struct fix *f)
{
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};
	int64_t seq;
	enum sd_err rc;

	fix_begin(f);
	rc = sd_write_redo(f->st, &seq, &env, &f->e);
	if (rc == SD_OK)
		fix_commit(f);
	else
		sd_store_rollback(f->st);
	return rc;
}

static void family(struct fix *f)
{
	arrive(f, "Post", "[{'id':'p','title':'B','_version':7,'_lastChangedAt':1}]", true);
	arrive(f, "Comment", "[{'id':'1','postID':'p','_version':2,'_lastChangedAt':1}]", true);
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'edited','rating':3}"));
	fix_ok(f, fix_save(f, "Comment", "{'id':'new','postID':'p'}"));
}

static void family_is_whole(struct fix *f)
{
	fix_field(f, "Post", "[\"p\"]", "title", "'edited'");
	fix_field(f, "Post", "[\"p\"]", "rating", "3");
	fix_field(f, "Post", "[\"p\"]", "_state", "'pending'");
	fix_field(f, "Comment", "[\"new\"]", "postID", "'p'");
	fix_field(f, "Comment", "[\"new\"]", "_state", "'pending'");
	fix_field(f, "Comment", "[\"1\"]", "_state", "'synced'");
}

/* issue 4 "Changes": undo is exact, also where the delete made unsent changes needless */
static void undoing_a_delete_brings_unsent_edits_and_unsent_children_back(void **st)
{
	struct fix *f = *st;

	family(f);
	fix_ok(f, fix_delete(f, "Post", "[\"p\"]"));
	assert_int_equal(fix_total(f, "Comment"), 0);
	fix_ok(f, undo(f, 0));
	family_is_whole(f);
	fix_ok(f, redo(f));
	assert_int_equal(fix_total(f, "Comment"), 0);
	assert_int_equal(fix_total(f, "Post"), 0);
	fix_ok(f, undo(f, 0));
	family_is_whole(f);
}

static void naming_one_entry_of_a_cascade_undoes_the_whole_cascade(void **st)
{
	struct fix *f = *st;

	family(f);
	fix_ok(f, fix_delete(f, "Post", "[\"p\"]"));
	fix_queue(f, "3 DELETE Comment [\"1\"] {} waiting v2; 4 DELETE Post [\"p\"] {} waiting v7");
	fix_ok(f, undo(f, 3));
	family_is_whole(f);
}

static void a_record_deleted_before_it_was_sent_comes_back(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'A','rating':4}"));
	fix_ok(f, fix_delete(f, "Post", "[\"a\"]"));
	fix_queue(f, "");
	fix_ok(f, undo(f, 0));
	fix_field(f, "Post", "[\"a\"]", "rating", "4");
	fix_ok(f, redo(f));
	fix_expect(f, "Post", "[\"a\"]", "");
	/* made anew meanwhile: the old one does not write over it */
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'anew'}"));
	fix_send_all(f);
	assert_int_equal(undo(f, 0), SD_NOTFOUND);
	fix_field(f, "Post", "[\"a\"]", "title", "'anew'");
}

static void what_was_undone_is_made_again_until_something_else_changes(void **st)
{
	struct fix *f = *st;

	assert_int_equal(redo(f), SD_NOTFOUND);
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'A'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'B'}"));
	fix_ok(f, undo(f, 0));
	fix_ok(f, undo(f, 0));
	fix_expect(f, "Post", "[\"a\"]", "");
	fix_ok(f, redo(f));
	fix_field(f, "Post", "[\"a\"]", "title", "'A'");
	fix_expect(f, "Post", "[\"b\"]", "");
	fix_ok(f, redo(f));
	fix_field(f, "Post", "[\"b\"]", "title", "'B'");
	assert_int_equal(redo(f), SD_NOTFOUND);
	fix_ok(f, undo(f, 0));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	assert_int_equal(redo(f), SD_NOTFOUND);
	/* an arrival is no change of the person's */
	fix_ok(f, undo(f, 0));
	arrive(f, "Post", "[{'id':'x','title':'X','_version':1,'_lastChangedAt':1}]", false);
	fix_ok(f, redo(f));
	fix_field(f, "Post", "[\"c\"]", "title", "'C'");
}

/* U-38, X-03: saves that merged into one entry are taken back one by one, in the order of time */
static void each_undo_takes_back_one_save_and_redo_makes_it_again(void **st)
{
	struct fix *f = *st;

	arrive(f, "Post", "[{'id':'p','title':'B','rating':1,'_version':7,'_lastChangedAt':1}]",
		true);
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'one'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'n','title':'N'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'two','rating':2}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p','rating':1}")); /* back to what it was */
	fix_ok(f, fix_save(f, "Post", "{'id':'n','rating':5}"));
	fix_queue(f, "1 UPDATE Post [\"p\"] {\"title\":\"two\"} waiting v7; "
		     "2 CREATE Post [\"n\"] {\"id\":\"n\",\"title\":\"N\",\"rating\":5} "
		     "waiting v-1");
	fix_ok(f, undo(f, 0)); /* n: rating; of a create it is not there at all then */
	fix_ok(f, undo(f, 0)); /* p: rating 1 */
	fix_queue(f, "1 UPDATE Post [\"p\"] {\"title\":\"two\",\"rating\":2} waiting v7; "
		     "2 CREATE Post [\"n\"] {\"id\":\"n\",\"title\":\"N\"} waiting v-1");
	fix_ok(f, undo(f, 0)); /* p: two */
	fix_field(f, "Post", "[\"p\"]", "title", "'one'");
	fix_field(f, "Post", "[\"p\"]", "rating", "1");
	fix_ok(f, redo(f));
	fix_field(f, "Post", "[\"p\"]", "title", "'two'");
	fix_field(f, "Post", "[\"p\"]", "rating", "2");
	fix_ok(f, undo(f, 0));
	fix_ok(f, undo(f, 0)); /* n */
	fix_expect(f, "Post", "[\"n\"]", "");
	fix_ok(f, undo(f, 0)); /* p: the first save */
	fix_field(f, "Post", "[\"p\"]", "_state", "'synced'");
	fix_queue(f, "");
	assert_int_equal(undo(f, 0), SD_NOTFOUND);
	for (int i = 0; i < 5; i++)
		fix_ok(f, redo(f));
	assert_int_equal(redo(f), SD_NOTFOUND);
	fix_field(f, "Post", "[\"p\"]", "title", "'two'");
	fix_field(f, "Post", "[\"p\"]", "rating", "1");
	fix_field(f, "Post", "[\"n\"]", "rating", "5");
}

/* what moved meanwhile stands on something else: it is taken back as a whole */
static void saves_in_an_entry_that_moved_are_undone_together(void **st)
{
	struct fix *f = *st;

	arrive(f, "Post", "[{'id':'p','title':'B','_version':7,'_lastChangedAt':1}]", true);
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'one'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'two'}"));
	fix_begin(f);
	fix_ok(f, fix_sending(f, 1));
	fix_ok(f, sd_outbox_refuse(f->st, 1, "Unauthorized", "no", NULL, ++f->now, &f->e));
	fix_ok(f, sd_outbox_retry(f->st, 1, ++f->now, &f->e));
	fix_commit(f);
	fix_field(f, "Post", "[\"p\"]", "title", "'two'");
	fix_ok(f, fix_save(f, "Post", "{'id':'p','rating':3}")); /* made after the move */
	fix_ok(f, undo(f, 0));
	fix_field(f, "Post", "[\"p\"]", "rating", "null");
	fix_field(f, "Post", "[\"p\"]", "title", "'two'");
	fix_ok(f, undo(f, 0));
	fix_field(f, "Post", "[\"p\"]", "title", "'B'");
	fix_queue(f, "");
}

/* another's copy of the same field came between: the save is not cut out of what stands there */
static void a_save_is_not_taken_back_from_under_what_arrived_since(void **st)
{
	struct fix *f = *st;

	arrive(f, "Post", "[{'id':'p','title':'B','_version':7,'_lastChangedAt':1}]", true);
	fix_ok(f, fix_save(f, "Post", "{'id':'p','title':'one'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p','rating':2}"));
	arrive(f, "Post",
		"[{'id':'p','title':'theirs','rating':9,'_version':8,'_lastChangedAt':2}]", false);
	fix_ok(f, undo(f, 0));
	fix_queue(f, "1 UPDATE Post [\"p\"] {\"title\":\"one\"} waiting v7");
	fix_ok(f, undo(f, 0));
	fix_queue(f, "");
	fix_field(f, "Post", "[\"p\"]", "title", "'theirs'");
}

static void deletes_of_one_command_are_undone_together(void **st)
{
	struct fix *f = *st;
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};

	arrive(f, "Post",
		"[{'id':'a','title':'A','_version':1,'_lastChangedAt':1},"
		"{'id':'b','title':'B','_version':1,'_lastChangedAt':1}]",
		true);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_begin(f);
	fix_ok(f, sd_write_together(f->st, &f->e));
	for (const char *k = "abc"; *k; k++) {
		char key[8];
		snprintf(key, sizeof key, "[\"%c\"]", *k);
		fix_ok(f, sd_write_delete(f->st, fix_model(f, "Post"), key, NULL, false, &env, NULL,
				  &f->e));
	}
	fix_commit(f);
	assert_int_equal(fix_total(f, "Post"), 0);
	fix_ok(f, undo(f, 0));
	assert_int_equal(fix_total(f, "Post"), 3);
	fix_field(f, "Post", "[\"c\"]", "_state", "'pending'");
	fix_ok(f, redo(f));
	assert_int_equal(fix_total(f, "Post"), 0);
}

static bool count_line(void *ctx, const struct sd_journal *j)
{
	assert_true((size_t)j->kind < SD_J_KIND_COUNT);
	++*(int *)ctx;
	return true;
}

/* A newer program may have kinds of lines that are not known here; tables are indexed by kind. */
static void a_line_of_an_unknown_kind_is_passed_over(void **st)
{
	struct fix *f = *st;
	int lines = 0;

	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'1'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'1'}"));
	fix_begin(f);
	fix_ok(f, sd_db_exec(f->st,
			  "UPDATE journal SET kind=CASE id WHEN 1 THEN 1234567 ELSE -3 END"
			  " WHERE id<3",
			  &f->e, "test"));
	fix_commit(f);
	fix_ok(f, sd_journal_each(f->st, 0, 0, count_line, &lines, &f->e));
	assert_int_equal(lines, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_record_can_be_walked_back_to_every_version_seen),
		T(a_record_that_left_this_place_keeps_its_values_in_the_history),
		T(the_history_is_capped_by_size_and_by_age),
		T(a_cap_that_cannot_be_kept_now_is_no_error),
		T(undoing_a_delete_brings_unsent_edits_and_unsent_children_back),
		T(naming_one_entry_of_a_cascade_undoes_the_whole_cascade),
		T(a_record_deleted_before_it_was_sent_comes_back),
		T(what_was_undone_is_made_again_until_something_else_changes),
		T(each_undo_takes_back_one_save_and_redo_makes_it_again),
		T(saves_in_an_entry_that_moved_are_undone_together),
		T(a_save_is_not_taken_back_from_under_what_arrived_since),
		T(deletes_of_one_command_are_undone_together),
		T(a_line_of_an_unknown_kind_is_passed_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
