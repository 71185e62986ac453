/*
 * tests/unit/test_rescue.c - a damaged store: the check says what is damaged, the rescue keeps the
 * unsent changes and what else can be read (U-46, S6; issue "Durability").
 */
#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/base/text.h"
#include "core/store/internal.h"
#include "core/store/rescue.h"
#include "tests/support/crashfs.h"
#include "tests/support/store_fix.h"

#define ROWS 300

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	fix_free(*st);
	return 0;
}

static char *in_dir(struct fix *f, const char *name)
{
	return sd_path_join(f->dir, name);
}

/* ROWS posts and a comment from the server; an edit, a create, a parked and a refused edit, a
 * delete, and an edit whose answer was lost. */
static void fill(struct fix *f)
{
	struct sd_sync_state s = {.kind = SD_SYNC_FULL, .last_sync_ms = 77};

	for (int from = 0; from < ROWS; from += 50) {
		struct sd_buf b = SD_BUF_INIT;
		for (int i = from; i < from + 50; i++)
			sd_buf_fmt(&b,
				"%c{'id':'p%03d','title':'%0100d','rating':1,'_version':1,"
				"'_lastChangedAt':10}",
				i == from ? '[' : ',', i, i);
		sd_buf_ch(&b, ']');
		fix_ok(f, fix_apply(f, "Post", sd_buf_text(&b), true, NULL));
		sd_buf_release(&b);
	}
	fix_ok(f, fix_apply(f, "Comment", "[{'id':'c','text':'x','postID':'p001','_version':2}]",
			  true, NULL));
	fix_ok(f, fix_save(f, "Post", "{'id':'p001','rating':7}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'new','title':'N'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p002','rating':8}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p003','rating':9}"));
	fix_ok(f, fix_delete(f, "Post", "[\"p004\"]"));
	fix_ok(f, fix_save(f, "Post", "{'id':'p005','rating':5}"));
	fix_begin(f);
	fix_ok(f, sd_outbox_park(f->st, 3, true, ++f->now, &f->e));
	fix_ok(f, sd_outbox_refuse(f->st, 4, "Unauthorized", "no", NULL, ++f->now, &f->e));
	fix_ok(f, sd_outbox_retry_at(f->st, 6, 0, true, true, "Net", "lost", &f->e));
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Post"), &s, &f->e));
	fix_ok(f, sd_sync_put(f->st, fix_model(f, "Comment"), &s, &f->e));
	fix_ok(f, sd_meta_put(f->st, "endpoint", "http://127.0.0.1:1/graphql", &f->e));
	fix_commit(f);
	fix_sound(f);
}

static long root_of(struct fix *f, const char *table)
{
	char sql[128];
	int64_t n = 0;

	snprintf(sql, sizeof sql, "SELECT rootpage FROM sqlite_schema WHERE name='%s'", table);
	fix_ok(f, sd_db_int(f->st, sql, &n, &f->e));
	assert_true(n > 0);
	return (long)n;
}

/* Turns bytes of a page of the file around. */
static void spoil(struct fix *f, long page, long from, long count)
{
	char *p = in_dir(f, "store.db");
	FILE *file = fopen(p, "r+e");

	assert_non_null(file);
	for (long i = 0; i < count; i++) {
		long at = (page - 1) * 8192 + from + i;
		int c;
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		c = fgetc(file);
		assert_int_equal(fseek(file, at, SEEK_SET), 0);
		fputc(c ^ 0x5a, file);
	}
	fclose(file);
	free(p);
}

static struct sd_store_opts opts(struct fix *f)
{
	return (struct sd_store_opts){
		.dir = f->dir, .schema = f->schema, .now_ms = ++f->now, .rand = &f->rand};
}

/* Opens it and checks it; the first error. */
static enum sd_err look(struct fix *f)
{
	struct sd_store_opts o = opts(f);
	enum sd_err rc;

	fix_close(f);
	f->e.text[0] = '\0';
	rc = sd_store_open(&o, &f->st, &f->e);
	return rc == SD_OK ? sd_store_check(f->st, &f->e) : rc;
}

static enum sd_err rescue(struct fix *f, struct sd_rescued *r)
{
	struct sd_store_opts o = opts(f);

	fix_close(f);
	f->e.text[0] = '\0';
	return sd_store_rescue(&o, r, &f->e);
}

static void rescued(struct fix *f, struct sd_rescued *r)
{
	fix_ok(f, rescue(f, r));
	assert_false(r->sound);
	assert_true(sd_is_file(r->kept));
	fix_open(f);
	fix_sound(f);
}

/* What the person did is there, whichever part of the file was spoiled. */
static void nothing_unsent_is_lost(struct fix *f)
{
	struct sd_outbox_counts n;

	fix_field(f, "Post", "[\"p001\"]", "rating", "7");
	fix_field(f, "Post", "[\"new\"]", "title", "'N'");
	fix_field(f, "Post", "[\"p002\"]", "rating", "8");
	fix_field(f, "Post", "[\"p005\"]", "rating", "5");
	fix_field(f, "Post", "[\"p004\"]", "_deleted", "true");
	fix_ok(f, sd_outbox_counts(f->st, fix_model(f, "Post"), &n, &f->e));
	assert_true(n.lane[SD_LANE_WAITING] + n.lane[SD_LANE_PARKED] >= 5);
}

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

static void says(struct fix *f, const char *what)
{
	if (!strstr(f->e.text, what) || !strstr(f->e.text, "syncdeck rescue"))
		fail_msg("expected \"%s\" in: %s", what, f->e.text);
}

/* ---- tests ---- */

static void damaged_records_are_named_and_fetched_anew_the_unsent_ones_kept(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	fill(f);
	page = root_of(f, "r_Post");
	fix_close(f);
	spoil(f, page, 0, 200);
	assert_true(look(f) != SD_OK);
	says(f, "the records of Post");
	assert_null(strstr(f->e.text, "Comment"));
	rescued(f, &r);
	assert_string_equal(r.damaged, "Post");
	assert_int_equal(r.entries, 6);
	assert_int_equal(r.lost_entries, 0);
	nothing_unsent_is_lost(f);
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

	fill(f);
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
	spoil(f, leaf, 0, 100);
	rescued(f, &r);
	assert_string_equal(r.damaged, "Post");
	assert_true(r.rows > ROWS / 2 && r.rows < ROWS);
	nothing_unsent_is_lost(f);
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
		fill(f);
		page = root_of(f, PART[i].table);
		fix_close(f);
		spoil(f, page, 0, 100);
		if (look(f) == SD_OK)
			fail_msg("%s is damaged and not found", PART[i].table);
		says(f, "damaged");
		rescued(f, &r);
		nothing_unsent_is_lost(f);
		if (fix_total(f, "Post") != ROWS)
			fail_msg("%s: %d posts", PART[i].table, (int)fix_total(f, "Post"));
		sd_rescued_release(&r);
	}
}

static void a_store_cut_short_or_emptied_gives_way_to_a_new_one(void **st)
{
	struct fix *f = *st;
	static const long SIZE[] = {0, 100, 4000, 60000, 200000};
	char *p = in_dir(f, "store.db");

	for (size_t i = 0; i < sizeof SIZE / sizeof *SIZE; i++) {
		struct sd_rescued r;
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f);
		fill(f);
		fix_close(f);
		assert_int_equal(truncate(p, SIZE[i]), 0);
		assert_true(look(f) != SD_OK);
		rescued(f, &r);
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
	char *p = in_dir(f, "store.db");

	fill(f);
	fix_close(f);
	assert_int_equal(unlink(p), 0);
	fix_ok(f, rescue(f, &r));
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

	fill(f);
	fix_ok(f, rescue(f, &r));
	assert_true(r.sound);
	assert_null(r.kept);
	sd_rescued_release(&r);
	fix_open(f);
	nothing_unsent_is_lost(f);
}

static void somebody_elses_file_and_a_newer_layout_are_left_alone(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	sqlite3 *db = NULL;
	char *p = in_dir(f, "store.db"), *made = in_dir(f, "store.db.made");

	fill(f);
	fix_close(f);
	assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_int_equal(rescue(f, &r), SD_INVAL);
	assert_non_null(strstr(f->e.text, "newer syncdeck"));
	unlink(made);
	fix_ok(f, sd_write_file(p, "a letter", 8, &f->e));
	assert_int_equal(rescue(f, &r), SD_INVAL);
	assert_int_equal(unlink(p), 0);
	assert_int_equal(rescue(f, &r), SD_NOTFOUND);
	fix_open(f);
	free(p);
	free(made);
}

/* U-24: what was set aside goes with the rest */
static void a_wipe_erases_what_a_rescue_set_aside(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	fill(f);
	page = root_of(f, "r_Post");
	fix_close(f);
	spoil(f, page, 0, 100);
	rescued(f, &r);
	fix_close(f);
	assert_true(sd_is_file(r.kept));
	fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
	assert_false(sd_is_file(r.kept));
	fix_open(f);
	sd_rescued_release(&r);
}

/* ---- cut off ---- */

static int die_before;

static void step(void)
{
	if (die_before && --die_before == 0)
		kill(getpid(), SIGKILL);
}

int fsync(int fd)
{
	step();
	return (int)syscall(SYS_fsync, fd);
}
int unlinkat(int dir, const char *name, int flags)
{
	step();
	return (int)syscall(SYS_unlinkat, dir, name, flags);
}
int renameat(int from, const char *a, int to, const char *b)
{
	step();
	return (int)syscall(SYS_renameat2, from, a, to, b, 0);
}

static void a_rescue_killed_at_any_step_is_finished_by_the_next(void **st)
{
	struct fix *f = *st;
	int killed = 0, status = 0;

	for (int at = 1; at == 1 || !WIFEXITED(status); at++) {
		struct sd_rescued r = {0};
		long page;
		pid_t pid;
		assert_true(at < 60);
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f);
		fill(f);
		page = root_of(f, "r_Post");
		fix_close(f);
		spoil(f, page, 0, 100);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			die_before = at;
			_exit(rescue(f, &r) == SD_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		if (WIFEXITED(status))
			assert_int_equal(WEXITSTATUS(status), 0);
		/* in between nothing is opened that is not whole */
		if (look(f) == SD_OK)
			nothing_unsent_is_lost(f);
		fix_ok(f, rescue(f, &r));
		sd_rescued_release(&r);
		assert_int_equal(look(f), SD_OK);
		nothing_unsent_is_lost(f);
	}
	assert_true(killed >= 8);
}

/* Wherever the disk is full: a rescue that says it is done has left everything in its place. */
static void a_disk_that_fills_up_during_a_rescue_loses_nothing(void **st)
{
	struct fix *f = *st;
	struct sd_buf image = SD_BUF_INIT;
	char *p = in_dir(f, "store.db");
	bool struck = true;
	int refused = 0;

	crashfs_register();
	fill(f);
	fix_close(f);
	fix_open(f);
	fix_ok(f, sd_db_exec(f->st, "PRAGMA wal_checkpoint(TRUNCATE)", &f->e, "test"));
	spoil(f, root_of(f, "r_Comment"), 0, 100);
	fix_ok(f, sd_read_file(p, 1 << 26, &image, &f->e));
	f->vfs = CRASHFS;
	for (int n = 0; struck; n++) {
		struct sd_rescued r = {0};
		struct sd_store_opts o = opts(f);
		enum sd_err rc;
		assert_true(n < 2000);
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f); /* so that a store was here */
		fix_close(f);
		fix_ok(f, sd_write_file(p, image.data, image.len, &f->e));
		o.vfs = CRASHFS;
		crashfs_fault(CRASHFS_WRITE, n, CRASHFS_FULL, true);
		rc = sd_store_rescue(&o, &r, &f->e);
		struck = crashfs_struck();
		crashfs_well();
		sd_rescued_release(&r);
		refused += rc != SD_OK;
		if (rc != SD_OK) {
			fix_ok(f, sd_store_rescue(&o, &r, &f->e));
			sd_rescued_release(&r);
		}
		if (look(f) != SD_OK)
			fail_msg("write %d fails: %s", n, f->e.text);
		nothing_unsent_is_lost(f);
	}
	assert_true(refused > 10);
	sd_buf_release(&image);
	free(p);
}

/* What could not be stored is not in the new store; a delta would not bring it again. */
static void a_model_with_quarantined_rows_is_fetched_anew_after_a_rescue(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	fill(f);
	fix_begin(f);
	fix_ok(f, sd_quarantine_put(f->st, fix_model(f, "Post"), "[\"p010\"]", "title", "{}", "bad",
			  ++f->now, &f->e));
	fix_commit(f);
	page = root_of(f, "r_Comment");
	fix_close(f);
	spoil(f, page, 0, 100);
	rescued(f, &r);
	assert_int_equal(sync_kind(f, "Post"), SD_SYNC_NEVER);
	nothing_unsent_is_lost(f);
	sd_rescued_release(&r);
}

/* Bytes turned around anywhere: either nothing is wrong, or it is said and rescued. */
static void bytes_turned_around_anywhere_are_found_or_harmless(void **st)
{
	struct fix *f = *st;
	struct sd_buf image = SD_BUF_INIT;
	char *p = in_dir(f, "store.db");
	int found = 0;

	fill(f);
	fix_close(f);
	fix_ok(f, sd_read_file(p, 1 << 26, &image, &f->e));
	for (int round = 0; round < 60; round++) {
		struct sd_rescued r = {0};
		long pages = (long)(image.len / 8192);
		fix_close(f);
		fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
		fix_open(f);
		fix_close(f);
		fix_ok(f, sd_write_file(p, image.data, image.len, &f->e));
		spoil(f, 1 + (long)sd_rand_below(&f->rand, (uint32_t)pages),
			(long)sd_rand_below(&f->rand, 8000),
			1 + (long)sd_rand_below(&f->rand, 150));
		if (look(f) == SD_OK)
			continue;
		found++;
		if (rescue(f, &r) != SD_OK) { /* what it was cannot be told any more */
			assert_int_equal(f->e.code, SD_INVAL);
			assert_true(sd_is_file(p));
		} else {
			assert_int_equal(look(f), SD_OK);
		}
		sd_rescued_release(&r);
	}
	print_message("%d of 60 found\n", found);
	assert_true(found > 5);
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
	fix_open(f);
	sd_buf_release(&image);
	free(p);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(damaged_records_are_named_and_fetched_anew_the_unsent_ones_kept),
		T(rows_around_a_damaged_page_are_kept),
		T(each_other_part_may_be_damaged_and_the_changes_are_kept),
		T(a_store_cut_short_or_emptied_gives_way_to_a_new_one),
		T(a_store_that_is_gone_gives_way_to_a_new_one),
		T(a_sound_store_is_left_alone),
		T(somebody_elses_file_and_a_newer_layout_are_left_alone),
		T(a_wipe_erases_what_a_rescue_set_aside),
		T(a_rescue_killed_at_any_step_is_finished_by_the_next),
		T(a_disk_that_fills_up_during_a_rescue_loses_nothing),
		T(a_model_with_quarantined_rows_is_fetched_anew_after_a_rescue),
		T(bytes_turned_around_anywhere_are_found_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
