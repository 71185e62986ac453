/*
 * tests/unit/test_store_place.c - faults of the real world: foreign files, locks, damaged, cut and
 * vanished files (U-41; issue "Durability").  Each time: a clear error, the old data intact, and work
 * goes on once the cause is gone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/store/internal.h"
#include "tests/support/store_fix.h"

#define NOBODY 65534

static int mode_of(struct fix *f, const char *name)
{
	struct stat s;
	char *p = fix_path(f, name);
	int rc = stat(p, &s);

	free(p);
	return rc ? -1 : (int)(s.st_mode & 0777);
}

/* What is said names the thing and the next step. */
static void says(struct fix *f, const char *what)
{
	if (!strstr(f->e.text, what) || !strchr(f->e.text, ';') || !strstr(f->e.text, f->dir))
		fail_msg("expected \"%s\" in: %s", what, f->e.text);
}

static void load(struct fix *f, const char *name, struct sd_buf *b)
{
	char *p = fix_path(f, name);

	sd_buf_reset(b);
	fix_ok(f, sd_read_file(p, 1 << 26, b, &f->e));
	free(p);
}

/* Opens in a process of its own, saves {'id':ID,'title':ID} and is killed: the WAL stays. */
static void save_and_die(struct fix *f, const char *id)
{
	char text[64];
	int status;
	pid_t pid;

	fix_close(f);
	snprintf(text, sizeof text, "{'id':'%s','title':'%s'}", id, id);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fix_open(f);
		(void)fix_save(f, "Post", text);
		kill(getpid(), SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* ---- whose files ---- */

/* U-41: what others could read is closed to them */
static void files_open_to_others_are_closed_to_them(void **st)
{
	struct fix *f = *st;
	static const char *const NAME[] = {"store.db", "store.db-wal", "store.db-shm"};

	save_and_die(f, "a");
	for (size_t i = 0; i < 3; i++) {
		char *p = fix_path(f, NAME[i]);
		assert_int_equal(chmod(p, 0664), 0);
		free(p);
	}
	fix_ok(f, fix_open_again(f));
	fix_two_posts(f);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mode_of(f, NAME[i]), 0600);
	assert_int_equal(fix_total(f, "Post"), 2);
}

static void a_store_of_another_user_is_refused_and_left_alone(void **st)
{
	struct fix *f = *st;
	struct sd_buf before = SD_BUF_INIT, after = SD_BUF_INIT;
	char *p = fix_path(f, "store.db");

	if (geteuid() != 0) {
		print_message("skip: only root can give a file away\n");
		free(p);
		skip();
	}
	fix_two_posts(f);
	fix_close(f);
	load(f, "store.db", &before);
	assert_int_equal(chown(p, NOBODY, NOBODY), 0);
	assert_int_equal(fix_open_again(f), SD_IO);
	says(f, "belongs to user 65534");
	load(f, "store.db", &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_int_equal(chown(p, 0, 0), 0);
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	sd_buf_release(&before);
	sd_buf_release(&after);
	free(p);
}

static void a_linked_directory_works_and_a_linked_file_is_refused(void **st)
{
	struct fix *f = *st;
	char *link_to = NULL, *db = fix_path(f, "store.db"), *away = fix_path(f, "elsewhere");
	char *dir = f->dir;

	fix_two_posts(f);
	fix_close(f);
	assert_true(asprintf(&link_to, "%s.link", f->dir) > 0);
	assert_int_equal(symlink(f->dir, link_to), 0);
	f->dir = link_to;
	fix_ok(f, fix_open_again(f));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_close(f);
	f->dir = dir;
	unlink(link_to);
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 3);
	fix_close(f);
	assert_int_equal(rename(db, away), 0);
	assert_int_equal(symlink(away, db), 0);
	assert_int_equal(fix_open_again(f), SD_INVAL);
	says(f, "symbolic link");
	assert_int_equal(unlink(db), 0);
	assert_int_equal(rename(away, db), 0);
	fix_ok(f, fix_open_again(f));
	free(link_to);
	free(db);
	free(away);
}

static void a_path_that_is_too_long_is_told_so(void **st)
{
	struct fix *f = *st;
	struct sd_buf b = SD_BUF_INIT;
	struct sd_store_opts o = {.schema = f->schema, .rand = &f->rand};
	struct sd_store *s = NULL;

	sd_buf_str(&b, f->dir);
	for (int i = 0; i < 12; i++)
		sd_buf_str(&b, "/a-directory-with-a-rather-long-name-of-fifty-bytes");
	o.dir = sd_buf_text(&b);
	assert_int_equal(sd_store_open(&o, &s, &f->e), SD_INVAL);
	says(f, "too long");
	sd_buf_release(&b);
}

/* ---- locks ---- */

static int hold(const char *path)
{
	sqlite3 *db = NULL;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (sqlite3_open(path, &db) != SQLITE_OK ||
		sqlite3_exec(db, "PRAGMA locking_mode=EXCLUSIVE;BEGIN EXCLUSIVE;SELECT * FROM meta",
			NULL, NULL, NULL) != SQLITE_OK)
		return 1;
	if (write(STDOUT_FILENO, "!", 1) != 1)
		return 1;
	pause();
	return 0;
}

static pid_t hold_in_child(struct fix *f)
{
	char *path = fix_path(f, "store.db"), c;
	int pipes[2];
	pid_t pid;

	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		dup2(pipes[1], STDOUT_FILENO);
		execl("/proc/self/exe", "hold", path, (char *)NULL);
		_exit(1);
	}
	close(pipes[1]);
	assert_int_equal(read(pipes[0], &c, 1), 1);
	close(pipes[0]);
	free(path);
	return pid;
}

static void locked_by_another_process(struct fix *f, bool open_before)
{
	char who[40];
	int64_t from;
	enum sd_err rc;
	pid_t pid;

	fix_two_posts(f);
	if (!open_before)
		fix_close(f);
	pid = hold_in_child(f);
	from = sd_mono_ms();
	rc = open_before ? sd_store_begin(f->st, &f->e) : fix_open_again(f);
	assert_int_equal(rc, SD_BUSY);
	assert_true(sd_mono_ms() - from >= 1000);
	assert_true(sd_mono_ms() - from < 20000); /* 2 s, and what a busy machine adds */
	snprintf(who, sizeof who, "process %d ", (int)pid);
	says(f, who);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (!open_before)
		fix_ok(f, fix_open_again(f));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	assert_int_equal(fix_total(f, "Post"), 3);
}

/* another process has it for itself: 2 s at most, then its pid */
static void a_locked_store_is_waited_for_two_seconds_then_the_process_is_named(void **st)
{
	locked_by_another_process(*st, false);
}

/* ---- files that are cut, gone, replaced, of another kind ---- */

static void a_store_cut_short_is_told_and_not_touched(void **st)
{
	struct fix *f = *st;
	struct sd_buf b = SD_BUF_INIT, now = SD_BUF_INIT;
	static const long SIZE[] = {0, 1, 100, 4096, 8192, 40000};
	char *p = fix_path(f, "store.db");

	fix_two_posts(f);
	fix_close(f);
	load(f, "store.db", &b);
	for (size_t i = 0; i < sizeof SIZE / sizeof *SIZE; i++) {
		assert_int_equal(truncate(p, SIZE[i]), 0);
		if (fix_open_again(f) == SD_OK)
			fail_msg("cut to %ld bytes, it opens", SIZE[i]);
		says(f, SIZE[i] && SIZE[i] < 512 ? "not a syncdeck store" : "damaged");
		load(f, "store.db", &now);
		assert_int_equal(now.len, SIZE[i]);
		fix_ok(f, sd_write_file(p, b.data, b.len, &f->e));
	}
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	sd_buf_release(&b);
	sd_buf_release(&now);
	free(p);
}

static void a_wal_that_was_taken_away_is_told_and_work_goes_on(void **st)
{
	struct fix *f = *st;
	char *wal = fix_path(f, "store.db-wal"), *j;

	fix_two_posts(f);
	save_and_die(f, "lost");
	assert_int_equal(unlink(wal), 0);
	fix_ok(f, fix_open_again(f));
	fix_sound(f);
	assert_int_equal(fix_total(f, "Post"), 2);
	j = fix_journal(f, 0);
	assert_non_null(strstr(j, "store.db-wal was taken away"));
	free(j);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_ok(f, fix_open_again(f)); /* it is told once */
	assert_int_equal(fix_total(f, "Post"), 3);
	free(wal);
}

/* the writer must not write on into a file that has no name any more */
static void a_wal_removed_under_an_open_store_stops_the_writer_and_loses_nothing(void **st)
{
	struct fix *f = *st;
	char *wal = fix_path(f, "store.db-wal");

	fix_two_posts(f);
	assert_int_equal(unlink(wal), 0);
	f->e.text[0] = '\0';
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	says(f, "start again");
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_sound(f);
	free(wal);
}

static void a_store_replaced_under_an_open_one_stops_the_writer(void **st)
{
	struct fix *f = *st;
	char *db = fix_path(f, "store.db"), *old = fix_path(f, "old");

	fix_two_posts(f);
	assert_int_equal(rename(db, old), 0);
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	says(f, "start again");
	assert_int_equal(rename(old, db), 0);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	free(db);
	free(old);
}

/* store.db is gone, the WAL that belongs to it is not: making a new one would lose what is in it */
static void a_store_that_is_gone_beside_its_wal_is_not_begun_anew(void **st)
{
	struct fix *f = *st;
	char *db = fix_path(f, "store.db"), *old = fix_path(f, "old");

	save_and_die(f, "a");
	assert_int_equal(rename(db, old), 0);
	assert_int_equal(fix_open_again(f), SD_DB);
	says(f, "its WAL is still there");
	assert_int_equal(rename(old, db), 0);
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 1);
	fix_close(f);
	assert_int_equal(unlink(db), 0); /* without a WAL it is a new beginning */
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 0);
	free(db);
	free(old);
}

static void a_store_of_a_newer_program_is_refused(void **st)
{
	struct fix *f = *st;
	sqlite3 *db = NULL;
	char *p = fix_path(f, "store.db");

	fix_two_posts(f);
	fix_close(f);
	assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(fix_open_again(f), SD_INVAL);
	says(f, "newer syncdeck");
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fix_ok(f, fix_open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	free(p);
}

/* ---- new directories ---- */

static char synced[4096]; /* names of the directories that were synced */

int fsync(int fd)
{
	char link[64], path[512];
	ssize_t n;

	snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof path - 1);
	if (n > 0 && strlen(synced) + (size_t)n + 3 < sizeof synced) {
		path[n] = '\0';
		snprintf(synced + strlen(synced), sizeof synced - strlen(synced), "%s\n", path);
	}
	return (int)syscall(SYS_fsync, fd);
}

/* a directory that is not on disk takes along what was saved in it */
static void the_names_of_new_directories_are_synced(void **st)
{
	struct fix *f = *st;
	char *sub = fix_path(f, "one/two"), line[600];
	struct sd_store_opts o = {.dir = sub, .schema = f->schema, .rand = &f->rand};
	struct sd_store *s = NULL;

	synced[0] = '\0';
	fix_ok(f, sd_store_open(&o, &s, &f->e));
	sd_store_close(s);
	snprintf(line, sizeof line, "%s\n", f->dir);
	assert_non_null(strstr(synced, line));
	snprintf(line, sizeof line, "%s/one\n", f->dir);
	assert_non_null(strstr(synced, line));
	free(sub);
}

int main(int argc, char **argv)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(files_open_to_others_are_closed_to_them),
		T(a_store_of_another_user_is_refused_and_left_alone),
		T(a_linked_directory_works_and_a_linked_file_is_refused),
		T(a_path_that_is_too_long_is_told_so),
		T(a_locked_store_is_waited_for_two_seconds_then_the_process_is_named),
		T(a_store_cut_short_is_told_and_not_touched),
		T(a_wal_that_was_taken_away_is_told_and_work_goes_on),
		T(a_wal_removed_under_an_open_store_stops_the_writer_and_loses_nothing),
		T(a_store_replaced_under_an_open_one_stops_the_writer),
		T(a_store_that_is_gone_beside_its_wal_is_not_begun_anew),
		T(a_store_of_a_newer_program_is_refused),
		T(the_names_of_new_directories_are_synced),
	};

	if (argc == 2 && strcmp(argv[0], "hold") == 0)
		return hold(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}