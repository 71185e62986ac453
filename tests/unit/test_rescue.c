/*
 * tests/unit/test_rescue.c - a damaged store: the check says what is damaged, the rescue keeps the
 * unsent changes and what else can be read (U-46, S6; issue "Durability").
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/store/internal.h"
#include "tests/support/damage.h"

static void lanes_are_kept(struct fix *f)
{
	struct sd_outbox_counts n;
	struct sd_buf b = SD_BUF_INIT;

	fix_ok(f, sd_outbox_counts(f->st, NULL, &n, &f->e));
	assert_int_equal(n.lane[SD_LANE_WAITING], 4);
	assert_int_equal(n.lane[SD_LANE_PARKED], 1);
	assert_int_equal(n.lane[SD_LANE_REFUSED], 1);
	fix_queue(f, "7 UPDATE Post ['p001'] {'rating':7} waiting v1; "
		     "8 CREATE Post ['new'] {'id':'new','title':'N'} waiting v-1; "
		     "9 UPDATE Post ['p002'] {'rating':8} parked v1; "
		     "10 UPDATE Post ['p003'] {'rating':9} refused v1; "
		     "11 DELETE Post ['p004'] {} waiting v1; "
		     "12 UPDATE Post ['p005'] {'rating':5} waiting v1 unknown");
	sd_buf_release(&b);
}

static enum sd_sync_kind sync_kind(struct fix *f, const char *model)
{
	struct sd_sync_state s;
	enum sd_sync_kind k;

	fix_ok(f, sd_sync_get(f->st, fix_model(f, model), &s, &f->e));
	k = s.kind;
	sd_sync_state_release(&s);
	return k;
}

/* ---- tests ---- */

static void damaged_records_are_named_and_fetched_anew_the_unsent_ones_kept(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	damage_fill(f);
	page = damage_root(f, "r_Post");
	fix_close(f);
	damage_spoil(f, page, 0, 200);
	assert_true(damage_look(f) != SD_OK);
	damage_says(f, "the records of Post");
	assert_null(strstr(f->e.text, "Comment"));
	damage_rescued(f, &r);
	assert_string_equal(r.damaged, "Post");
	assert_int_equal(r.entries, 6);
	assert_int_equal(r.lost_entries, 0);
	damage_nothing_unsent_is_lost(f);
	lanes_are_kept(f);
	/* the next sync fetches all posts; comments go on where they were */
	assert_int_equal(sync_kind(f, "Post"), SD_SYNC_NEVER);
	assert_int_equal(sync_kind(f, "Comment"), SD_SYNC_FULL);
	fix_field(f, "Comment", "[\"c\"]", "text", "'x'");
	sd_rescued_release(&r);
}

static void rows_around_a_damaged_page_are_kept(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	sqlite3_stmt *s = NULL;
	long leaf = 0;

	damage_fill(f);
	/* a page in the middle of the table, not its root */
	if (sqlite3_prepare_v2(f->st->db,
		    "SELECT pageno FROM dbstat WHERE name='r_Post' AND pagetype='leaf'"
		    " ORDER BY path LIMIT 1 OFFSET 2",
		    -1, &s, NULL) != SQLITE_OK) {
		print_message("skip: this SQLite has no dbstat\n");
		skip();
	}
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	leaf = (long)sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	fix_close(f);
	damage_spoil(f, leaf, 0, 100);
	damage_rescued(f, &r);
	assert_string_equal(r.damaged, "Post");
	assert_true(r.rows > DAMAGE_ROWS / 2 && r.rows < DAMAGE_ROWS);
	damage_nothing_unsent_is_lost(f);
	fix_field(f, "Post", "[\"p299\"]", "rating", "1");
	sd_rescued_release(&r);
}

static void each_other_part_may_be_damaged_and_the_changes_are_kept(void **st)
{
	struct fix *f = *st;
	static const struct {
		const char *table, *says;
	} PART[] = {{"outbox", "the outbox"}, {"shadow", "the copies"}, {"journal", "the history"},
		{"counter", "counter"}, {"meta", "damaged"}, {"sync", "the sync states"},
		{"r_Comment", "the records of Comment"}};

	for (size_t i = 0; i < sizeof PART / sizeof *PART; i++) {
		struct sd_rescued r;
		long page;
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f);
		damage_fill(f);
		page = damage_root(f, PART[i].table);
		fix_close(f);
		damage_spoil(f, page, 0, 100);
		if (damage_look(f) == SD_OK)
			fail_msg("%s is damaged and not found", PART[i].table);
		damage_says(f, "damaged");
		damage_rescued(f, &r);
		damage_nothing_unsent_is_lost(f);
		if (fix_total(f, "Post") != DAMAGE_ROWS)
			fail_msg("%s: %d posts", PART[i].table, (int)fix_total(f, "Post"));
		sd_rescued_release(&r);
	}
}

static void a_store_cut_short_or_emptied_gives_way_to_a_new_one(void **st)
{
	struct fix *f = *st;
	static const long SIZE[] = {0, 100, 4000, 60000, 200000};
	char *p = fix_path(f, "store.db");

	for (size_t i = 0; i < sizeof SIZE / sizeof *SIZE; i++) {
		struct sd_rescued r;
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f);
		damage_fill(f);
		fix_close(f);
		assert_int_equal(truncate(p, SIZE[i]), 0);
		assert_true(damage_look(f) != SD_OK);
		damage_rescued(f, &r);
		assert_true(r.readable || SIZE[i] < 60000);
		fix_ok(f, fix_save(f, "Post", "{'id':'after','title':'x'}"));
		sd_rescued_release(&r);
	}
	free(p);
}

static void a_store_that_is_gone_gives_way_to_a_new_one(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	char *p = fix_path(f, "store.db");

	damage_fill(f);
	fix_close(f);
	assert_int_equal(unlink(p), 0);
	fix_ok(f, damage_rescue(f, &r));
	assert_false(r.readable);
	sd_rescued_release(&r);
	fix_open(f);
	fix_sound(f);
	free(p);
}

static void a_sound_store_is_left_alone(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;

	damage_fill(f);
	fix_ok(f, damage_rescue(f, &r));
	assert_true(r.sound);
	assert_null(r.kept);
	sd_rescued_release(&r);
	fix_open(f);
	damage_nothing_unsent_is_lost(f);
}

static void somebody_elses_file_and_a_newer_layout_are_left_alone(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	sqlite3 *db = NULL;
	char *p = fix_path(f, "store.db"), *made = fix_path(f, "store.db.made");

	damage_fill(f);
	fix_close(f);
	assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(damage_rescue(f, &r), SD_INVAL);
	assert_non_null(strstr(f->e.text, "newer syncdeck"));
	unlink(made);
	fix_ok(f, sd_write_file(p, "a letter", 8, &f->e));
	assert_int_equal(damage_rescue(f, &r), SD_INVAL);
	assert_int_equal(unlink(p), 0);
	assert_int_equal(damage_rescue(f, &r), SD_NOTFOUND);
	fix_open(f);
	free(p);
	free(made);
}

/* What could not be stored is not in the new store; a delta would not bring it again. */
static void a_model_with_quarantined_rows_is_fetched_anew_after_a_rescue(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	damage_fill(f);
	fix_begin(f);
	fix_ok(f, sd_quarantine_put(f->st, fix_model(f, "Post"), "[\"p010\"]", "title", "{}", "bad",
			  ++f->now, &f->e));
	fix_commit(f);
	page = damage_root(f, "r_Comment");
	fix_close(f);
	damage_spoil(f, page, 0, 100);
	damage_rescued(f, &r);
	assert_int_equal(sync_kind(f, "Post"), SD_SYNC_NEVER);
	damage_nothing_unsent_is_lost(f);
	sd_rescued_release(&r);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(damaged_records_are_named_and_fetched_anew_the_unsent_ones_kept),
		T(rows_around_a_damaged_page_are_kept),
		T(each_other_part_may_be_damaged_and_the_changes_are_kept),
		T(a_store_cut_short_or_emptied_gives_way_to_a_new_one),
		T(a_store_that_is_gone_gives_way_to_a_new_one),
		T(a_sound_store_is_left_alone),
		T(somebody_elses_file_and_a_newer_layout_are_left_alone),
		T(a_model_with_quarantined_rows_is_fetched_anew_after_a_rescue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}