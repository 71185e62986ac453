/* tests/unit/test_store_wipe.c - erasing a profile, and its locks. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "tests/support/store_fix.h"

#define MARK "MARKER-U1-SECRET"

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

static int files_with(const char *dir, const char *text)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	int n = 0;

	while ((e = readdir(d))) {
		char *path = sd_path_join(dir, e->d_name);
		struct sd_buf b = SD_BUF_INIT;
		if (sd_is_file(path) && sd_read_file(path, 1 << 28, &b, NULL) == SD_OK && b.len)
			n += memmem(b.data, b.len, text, strlen(text)) != NULL;
		sd_buf_release(&b);
		free(path);
	}
	closedir(d);
	return n;
}

static bool exists(struct fix *f, const char *name)
{
	char *p = sd_path_join(f->dir, name);
	bool yes = access(p, F_OK) == 0;

	free(p);
	return yes;
}

static void fill(struct fix *f)
{
	fix_ok(f, fix_apply(f, "Post", "[{'id':'a','title':'" MARK "','_version':1}]", true, NULL));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'" MARK "'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'" MARK " 2'}"));
}

/* U-09, S7.3: after a wipe nothing of the data is in any file */
static void a_wipe_leaves_no_byte_of_the_data_and_keeps_other_files(void **st)
{
	struct fix *f = *st;
	struct sd_wiped w = {0, 0};
	char *owner = sd_path_join(f->dir, "owner");

	fix_ok(f, sd_write_file(owner, "sub-1", 5, &f->e));
	fill(f);
	assert_true(files_with(f->dir, MARK) > 0);
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	assert_true(w.files > 0);
	assert_true(w.bytes > 0);
	assert_int_equal(files_with(f->dir, MARK), 0);
	assert_false(exists(f, "store.db"));
	assert_false(exists(f, "wipe"));
	assert_true(exists(f, "owner"));
	fix_open(f);
	assert_int_equal(fix_total(f, "Post"), 0);
	fix_queue(f, "");
	free(owner);
}

/* with a connection still open the WAL and shm are erased as well */
static void an_open_connection_hides_nothing_from_the_wipe(void **st)
{
	struct fix *f = *st;
	struct sd_wiped w;

	fill(f);
	assert_true(exists(f, "store.db-wal"));
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	assert_int_equal(files_with(f->dir, MARK), 0);
	assert_false(exists(f, "store.db-wal"));
	assert_false(exists(f, "store.db-shm"));
}

/* secure_delete: what is deleted is overwritten at once, before any wipe */
static void deleted_values_do_not_linger_in_the_database_file(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'" MARK "'}"));
	fix_ok(f, fix_delete(f, "Post", "[\"b\"]"));
	sd_journal_keep(f->st, 4, 1, f->now + 1000);
	sd_store_checkpoint(f->st, 0);
	assert_int_equal(files_with(f->dir, MARK), 0);
}

static void every_wipe_raises_the_generation(void **st)
{
	struct fix *f = *st;
	struct sd_wiped w;

	assert_int_equal(sd_wipe_generation(f->dir), 0);
	fix_close(f);
	fix_ok(f, sd_wipe(f->dir, &w, &f->e));
	assert_int_equal(sd_wipe_generation(f->dir), 1);
	fix_ok(f, sd_wipe_announce(f->dir, &f->e));
	assert_int_equal(sd_wipe_generation(f->dir), 2);
	fix_open(f);
}

/* The wipe's own steps, counted: the process dies in front of the n-th one.  These stand in for
 * the C library's in this test program. */
static int die_before, fail_at;

static bool step(void)
{
	if (die_before && --die_before == 0)
		kill(getpid(), SIGKILL);
	if (fail_at && --fail_at == 0) {
		errno = EIO;
		return false;
	}
	return true;
}

int fsync(int fd)
{
	return step() ? (int)syscall(SYS_fsync, fd) : -1;
}

int unlinkat(int dir, const char *name, int flags)
{
	return step() ? (int)syscall(SYS_unlinkat, dir, name, flags) : -1;
}

/* Data in a database and a WAL that nobody closed, as after a crash. */
static void leave_data(struct fix *f)
{
	int status;
	pid_t pid;

	fix_close(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		fix_open(f);
		fill(f);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
	assert_true(exists(f, "store.db-wal"));
	assert_true(files_with(f->dir, MARK) > 0);
}

/* S7.6, U-24: killed anywhere in the wipe: finished at the next start, before any data is shown */
static void a_wipe_killed_at_any_step_is_finished_at_the_next_start(void **st)
{
	struct fix *f = *st;
	int killed = 0, status = 0;

	for (int at = 1; !WIFEXITED(status) || at == 1; at++) {
		bool did;
		pid_t pid;
		assert_true(at < 100);
		leave_data(f);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct sd_wiped w;
			die_before = at;
			_exit(sd_wipe(f->dir, &w, NULL) == SD_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		fix_ok(f, sd_wipe_finish(f->dir, &did, &f->e));
		assert_true(did || (WIFEXITED(status) && WEXITSTATUS(status) == 0) ||
			    !exists(f, "wipe"));
		assert_false(exists(f, "wipe"));
		if (!did && WIFSIGNALED(status)) /* it had all but said so */
			assert_false(exists(f, "store.db"));
		assert_int_equal(files_with(f->dir, MARK), 0);
		fix_open(f);
		assert_int_equal(fix_total(f, "Post"), 0);
		fix_sound(f);
	}
	assert_true(killed >= 8);
}

/* A disk that fails at any step: it is said, nothing is shown, and the next start finishes it. */
static void a_wipe_with_a_failing_disk_at_any_step_is_finished_later(void **st)
{
	struct fix *f = *st;
	bool reached = true;
	int failed = 0;

	for (int at = 1; reached; at++) {
		struct sd_wiped w;
		enum sd_err rc;
		bool did;
		assert_true(at < 100);
		leave_data(f);
		f->e.text[0] = '\0';
		fail_at = at;
		rc = sd_wipe(f->dir, &w, &f->e);
		reached = fail_at == 0;
		fail_at = 0;
		failed += rc != SD_OK;
		if (rc != SD_OK)
			assert_non_null(strstr(f->e.text, f->dir));
		fix_ok(f, sd_wipe_finish(f->dir, &did, &f->e));
		assert_false(exists(f, "wipe"));
		if (files_with(f->dir, MARK)) /* it had not begun: then it has said so */
			fix_ok(f, sd_wipe(f->dir, &w, &f->e));
		assert_true(rc != SD_OK || files_with(f->dir, MARK) == 0);
		fix_open(f);
		assert_int_equal(fix_total(f, "Post"), 0);
	}
	assert_true(failed >= 6);
}

/* a wipe that fails says so; the marker stays and the next start tries again */
static void a_wipe_that_fails_is_reported_and_remembered(void **st)
{
	struct fix *f = *st;
	struct sd_wiped w;
	bool did;
	char *block = sd_path_join(f->dir, "store.db-in-the-way");

	fill(f);
	fix_close(f);
	assert_int_equal(mkdir(block, 0700), 0); /* a directory cannot be unlinked */
	assert_int_equal(sd_wipe(f->dir, &w, &f->e), SD_IO);
	assert_non_null(strstr(f->e.text, "store.db-in-the-way"));
	assert_true(exists(f, "wipe"));
	assert_int_equal(sd_wipe_finish(f->dir, &did, &f->e), SD_IO);
	assert_int_equal(rmdir(block), 0);
	fix_ok(f, sd_wipe_finish(f->dir, &did, &f->e));
	assert_true(did);
	assert_int_equal(files_with(f->dir, MARK), 0);
	fix_open(f);
	free(block);
}

static void locks_exclude_each_other_and_name_the_process(void **st)
{
	struct fix *f = *st;
	int a, b, c, pipes[2], status;
	char byte, who[32];
	pid_t pid;

	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 0, &a, &f->e));
	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 0, &b, &f->e));
	assert_int_equal(sd_lock_take(f->dir, SD_LOCK_PROFILE_EXCLUSIVE, 60, &c, &f->e), SD_BUSY);
	assert_int_equal(c, -1);
	sd_lock_release(a);
	sd_lock_release(b);
	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_EXCLUSIVE, 0, &c, &f->e));
	sd_lock_release(c);
	sd_lock_release(-1);
	assert_int_equal(sd_lock_engine_pid(f->dir), 0);
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		int fd, fd2;
		if (sd_lock_take(f->dir, SD_LOCK_ENGINE, 0, &fd, NULL) != SD_OK ||
			sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 0, &fd2, NULL) != SD_OK)
			_exit(1);
		(void)!write(pipes[1], "x", 1);
		pause();
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &byte, 1), 1);
	assert_int_equal(sd_lock_engine_pid(f->dir), pid);
	snprintf(who, sizeof who, "process %d", (int)pid);
	assert_int_equal(sd_lock_take(f->dir, SD_LOCK_ENGINE, 0, &a, &f->e), SD_BUSY);
	assert_non_null(strstr(f->e.text, who));
	assert_int_equal(sd_lock_take(f->dir, SD_LOCK_PROFILE_EXCLUSIVE, 0, &a, &f->e), SD_BUSY);
	assert_non_null(strstr(f->e.text, who));
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(sd_lock_engine_pid(f->dir), 0); /* the kernel lets go */
	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_ENGINE, 0, &a, &f->e));
	assert_int_equal(sd_lock_engine_pid(f->dir), (int)getpid());
	sd_lock_release(a);
	close(pipes[0]);
	close(pipes[1]);
}

struct wiper {
	const char *dir;
	pthread_t thread;
	enum sd_err rc;
	atomic_bool over; /* what a wipe does under the lock is done */
};

static void *want_it_alone(void *arg)
{
	struct wiper *w = arg;
	int fd = -1;

	w->rc = sd_lock_take(w->dir, SD_LOCK_PROFILE_EXCLUSIVE, 60000, &fd, NULL);
	usleep(100000);
	atomic_store(&w->over, true);
	sd_lock_release(fd);
	return NULL;
}

/* U-24: who lets go for a wipe and comes straight back is not back before it; else
 * it would go on with what is about to be wiped, and the wipe would never get its lock. */
static void who_lets_go_for_a_wipe_is_back_only_after_it(void **st)
{
	struct fix *f = *st;
	struct wiper w = {.dir = f->dir};
	int64_t generation = sd_wipe_generation(f->dir);
	int fd, other;

	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 0, &fd, &f->e));
	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 0, &other, &f->e));
	assert_int_equal(pthread_create(&w.thread, NULL, want_it_alone, &w), 0);
	while (sd_wipe_generation(f->dir) == generation)
		usleep(1000);
	sd_lock_release(fd);
	assert_int_equal(sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 50, &fd, &f->e), SD_BUSY);
	sd_lock_release(other);
	fix_ok(f, sd_lock_take(f->dir, SD_LOCK_PROFILE_SHARED, 60000, &fd, &f->e));
	assert_true(atomic_load(&w.over));
	pthread_join(w.thread, NULL);
	assert_int_equal(w.rc, SD_OK);
	sd_lock_release(fd);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(a_wipe_leaves_no_byte_of_the_data_and_keeps_other_files),
		T(an_open_connection_hides_nothing_from_the_wipe),
		T(deleted_values_do_not_linger_in_the_database_file),
		T(every_wipe_raises_the_generation),
		T(a_wipe_killed_at_any_step_is_finished_at_the_next_start),
		T(a_wipe_with_a_failing_disk_at_any_step_is_finished_later),
		T(a_wipe_that_fails_is_reported_and_remembered),
		T(locks_exclude_each_other_and_name_the_process),
		T(who_lets_go_for_a_wipe_is_back_only_after_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
