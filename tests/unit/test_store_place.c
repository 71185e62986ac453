/*
 * tests/unit/test_store_place.c - faults of the real world: full disks, read-only and foreign
 * files, locks, damaged, cut and vanished files (S6.4, U-41; issue "Durability").  Each time: a
 * clear error, the old data intact, and work goes on once the cause is gone.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/store/internal.h"
#include "tests/support/store_fix.h"

#define NOBODY 65534

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

static int mode_of(struct fix *f, const char *name)
{
	struct stat s;
	char *p = in_dir(f, name);
	int rc = stat(p, &s);

	free(p);
	return rc ? -1 : (int)(s.st_mode & 0777);
}

static enum sd_err open_again(struct fix *f)
{
	struct sd_store_opts o = {
		.dir = f->dir, .schema = f->schema, .now_ms = f->now, .rand = &f->rand};

	fix_close(f);
	f->e.text[0] = '\0';
	return sd_store_open(&o, &f->st, &f->e);
}

/* What is said names the thing and the next step. */
static void says(struct fix *f, const char *what)
{
	if (!strstr(f->e.text, what) || !strchr(f->e.text, ';') || !strstr(f->e.text, f->dir))
		fail_msg("expected \"%s\" in: %s", what, f->e.text);
}

static void load(struct fix *f, const char *name, struct sd_buf *b)
{
	char *p = in_dir(f, name);

	sd_buf_reset(b);
	fix_ok(f, sd_read_file(p, 1 << 26, b, &f->e));
	free(p);
}

static void two_posts(struct fix *f)
{
	fix_ok(f, fix_save(f, "Post", "{'id':'a','title':'A'}"));
	fix_ok(f, fix_save(f, "Post", "{'id':'b','title':'B'}"));
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
		char *p = in_dir(f, NAME[i]);
		assert_int_equal(chmod(p, 0664), 0);
		free(p);
	}
	fix_ok(f, open_again(f));
	two_posts(f);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(mode_of(f, NAME[i]), 0600);
	assert_int_equal(fix_total(f, "Post"), 2);
}

static void a_store_of_another_user_is_refused_and_left_alone(void **st)
{
	struct fix *f = *st;
	struct sd_buf before = SD_BUF_INIT, after = SD_BUF_INIT;
	char *p = in_dir(f, "store.db");

	if (geteuid() != 0) {
		print_message("skip: only root can give a file away\n");
		free(p);
		skip();
	}
	two_posts(f);
	fix_close(f);
	load(f, "store.db", &before);
	assert_int_equal(chown(p, NOBODY, NOBODY), 0);
	assert_int_equal(open_again(f), SD_IO);
	says(f, "belongs to user 65534");
	load(f, "store.db", &after);
	assert_int_equal(before.len, after.len);
	assert_memory_equal(before.data, after.data, before.len);
	assert_int_equal(chown(p, 0, 0), 0);
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	sd_buf_release(&before);
	sd_buf_release(&after);
	free(p);
}

static void a_linked_directory_works_and_a_linked_file_is_refused(void **st)
{
	struct fix *f = *st;
	char *link_to = NULL, *db = in_dir(f, "store.db"), *away = in_dir(f, "elsewhere");
	char *dir = f->dir;

	two_posts(f);
	fix_close(f);
	assert_true(asprintf(&link_to, "%s.link", f->dir) > 0);
	assert_int_equal(symlink(f->dir, link_to), 0);
	f->dir = link_to;
	fix_ok(f, open_again(f));
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_close(f);
	f->dir = dir;
	unlink(link_to);
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 3);
	fix_close(f);
	assert_int_equal(rename(db, away), 0);
	assert_int_equal(symlink(away, db), 0);
	assert_int_equal(open_again(f), SD_INVAL);
	says(f, "symbolic link");
	assert_int_equal(unlink(db), 0);
	assert_int_equal(rename(away, db), 0);
	fix_ok(f, open_again(f));
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

/* Without asserts: a test's child must not go on as the test. */
static enum sd_err save_big(struct fix *f, int n)
{
	struct sd_write_env env = {++f->now, &f->rand};
	struct cJSON *j = sd_json_object();
	char id[24], title[4001];
	enum sd_err rc;

	snprintf(id, sizeof id, "big%d", n);
	memset(title, 'x', 4000);
	title[4000] = '\0';
	sd_json_add_str(j, "id", id);
	sd_json_add_str(j, "title", title);
	rc = sd_store_begin(f->st, &f->e);
	if (rc == SD_OK)
		rc = sd_write_save(f->st, fix_model(f, "Post"), SD_SAVE_UPSERT, j, NULL, &env, NULL,
			NULL, &f->e);
	if (rc == SD_OK)
		rc = sd_store_commit(f->st, &f->e);
	sd_store_rollback(f->st);
	sd_json_free(j);
	return rc;
}

/* ---- as somebody without rights ---- */

/* Runs `what` as nobody; false: not possible here. */
static int as_nobody(struct fix *f, int (*what)(struct fix *))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		if (geteuid() == 0 && (setgroups(0, NULL) || setgid(NOBODY) || setuid(NOBODY)))
			_exit(77);
		_exit(what(f));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void give(struct fix *f, uid_t uid)
{
	static const char *const NAME[] = {"", "store.db", "store.db.made"};

	for (size_t i = 0; i < 3 && geteuid() == 0; i++) {
		char *p = in_dir(f, NAME[i]);
		assert_int_equal(chown(p, uid, uid), 0);
		free(p);
	}
}

/* 0: refused in clear words; and again fine when the cause is gone. */
static int cannot_save(struct fix *f)
{
	enum sd_err rc = open_again(f);

	if (rc == SD_OK)
		rc = save_big(f, 0);
	fix_close(f);
	if (rc == SD_OK)
		return 1;
	if (!strstr(f->e.text, f->dir) || !strchr(f->e.text, ';')) {
		print_error("%s\n", f->e.text);
		return 2;
	}
	if (strstr(f->e.text, "writ"))
		return 0;
	print_error("%s\n", f->e.text);
	return 3;
}

static int can_save(struct fix *f)
{
	enum sd_err rc = open_again(f);

	if (rc == SD_OK)
		rc = save_big(f, 0);
	if (rc == SD_OK && fix_total(f, "Post") != 3)
		return 4;
	fix_close(f);
	return rc == SD_OK ? 0 : 5;
}

static void read_only_files_and_directories_are_refused_until_they_are_writable(void **st)
{
	struct fix *f = *st;
	char *db = in_dir(f, "store.db");
	int got;

	two_posts(f);
	fix_close(f);
	give(f, NOBODY);
	assert_int_equal(chmod(f->dir, 0500), 0);
	got = as_nobody(f, cannot_save);
	if (got == 77) {
		print_message("skip: cannot become another user here\n");
		skip();
	}
	assert_int_equal(got, 0);
	assert_int_equal(chmod(f->dir, 0700), 0);
	assert_int_equal(chmod(db, 0400), 0);
	assert_int_equal(as_nobody(f, cannot_save), 0);
	assert_int_equal(chmod(db, 0600), 0);
	assert_int_equal(as_nobody(f, can_save), 0);
	give(f, geteuid());
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 3);
	fix_sound(f);
	free(db);
}

/* ---- full disks ---- */

/* Saves until nothing goes in any more; how many did. */
static int fill(struct fix *f, int from)
{
	int n = from;

	while (n < from + 3000 && save_big(f, n) == SD_OK)
		n++;
	return n;
}

#define NEED(x)                                                                                    \
	if (!(x)) {                                                                                \
		print_error("line %d: %s: %s\n", __LINE__, #x, f->e.text);                         \
		return 1;                                                                          \
	}

static bool say(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return ok;
}

/* A namespace in which this process may mount; who is not root is root in it. */
static bool may_mount(void)
{
	char users[64], groups[64];

	snprintf(users, sizeof users, "0 %ld 1", (long)geteuid());
	snprintf(groups, sizeof groups, "0 %ld 1", (long)getegid());
	if (geteuid() == 0)
		return unshare(CLONE_NEWNS) == 0;
	return unshare(CLONE_NEWNS | CLONE_NEWUSER) == 0 && say("/proc/self/setgroups", "deny") &&
	       say("/proc/self/uid_map", users) && say("/proc/self/gid_map", groups);
}

static int on_a_small_disk(struct fix *f)
{
	char *ballast = NULL;
	int n, more, fd;

	if (!may_mount())
		return 77;
	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
		mount("none", f->dir, "tmpfs", 0, "size=3m,mode=0700"))
		return 77;
	NEED(asprintf(&ballast, "%s/ballast", f->dir) > 0)
	fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	NEED(fd >= 0 && ftruncate(fd, 0) == 0 && posix_fallocate(fd, 0, 1 << 20) == 0)
	close(fd);
	NEED(open_again(f) == SD_OK)
	n = fill(f, 0);
	NEED(n > 3 && n < 3000)
	NEED(strstr(f->e.text, "no space left") && strstr(f->e.text, f->dir))
	NEED(fix_total(f, "Post") == n && sd_store_check(f->st, &f->e) == SD_OK)
	NEED(unlink(ballast) == 0) /* the same handle works again */
	more = fill(f, n);
	NEED(more > n + 3)
	fix_close(f);
	/* not a byte left, not even for the WAL index */
	fd = open(ballast, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	NEED(fd >= 0)
	for (int size = 65536; size > 0; size /= 2)
		while (write(fd, ballast, 1) == 1 && lseek(fd, size - 1, SEEK_CUR) > 0)
			;
	close(fd);
	if (open_again(f) == SD_OK)
		NEED(save_big(f, 9999) != SD_OK)
	NEED(strstr(f->e.text, f->dir) && strchr(f->e.text, ';'))
	NEED(strstr(f->e.text, "space"))
	fix_close(f);
	NEED(unlink(ballast) == 0)
	NEED(open_again(f) == SD_OK && fix_total(f, "Post") == more)
	NEED(sd_store_check(f->st, &f->e) == SD_OK)
	fix_close(f);
	free(ballast);
	return 0;
}

static int in_child(struct fix *f, int (*what)(struct fix *))
{
	int status;
	pid_t pid;

	fflush(NULL);
	fix_close(f);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(what(f));
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* S6.4 on a real file system that is full */
static void a_full_disk_refuses_keeps_and_goes_on_when_there_is_space(void **st)
{
	struct fix *f = *st;
	int got = in_child(f, on_a_small_disk);

	if (got == 77) {
		print_message("skip: cannot mount a small disk here\n");
		fix_open(f);
		skip();
	}
	assert_int_equal(got, 0);
	fix_open(f);
}

static int with_a_file_limit(struct fix *f)
{
	struct rlimit little = {1 << 20, RLIM_INFINITY}, much = {RLIM_INFINITY, RLIM_INFINITY};
	int n, more;

	signal(SIGXFSZ, SIG_IGN);
	NEED(open_again(f) == SD_OK)
	NEED(setrlimit(RLIMIT_FSIZE, &little) == 0)
	n = fill(f, 0);
	NEED(n > 3 && n < 3000)
	NEED(strstr(f->e.text, f->dir) && strchr(f->e.text, ';'))
	NEED(fix_total(f, "Post") == n && sd_store_check(f->st, &f->e) == SD_OK)
	NEED(setrlimit(RLIMIT_FSIZE, &much) == 0)
	for (more = n; more < n + 50; more++)
		NEED(save_big(f, more) == SD_OK)
	NEED(open_again(f) == SD_OK && fix_total(f, "Post") == more)
	NEED(sd_store_check(f->st, &f->e) == SD_OK)
	fix_close(f);
	return 0;
}

static void a_limit_on_file_size_is_like_a_full_disk(void **st)
{
	struct fix *f = *st;

	assert_int_equal(in_child(f, with_a_file_limit), 0);
	fix_open(f);
}

/* ---- locks ---- */

/* A program of its own that holds the database for itself until it is killed. */
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
	char *path = in_dir(f, "store.db"), c;
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

	two_posts(f);
	if (!open_before)
		fix_close(f);
	pid = hold_in_child(f);
	from = sd_mono_ms();
	rc = open_before ? sd_store_begin(f->st, &f->e) : open_again(f);
	assert_int_equal(rc, SD_BUSY);
	assert_true(sd_mono_ms() - from >= 1000);
	assert_true(sd_mono_ms() - from < 20000); /* 2 s, and what a busy machine adds */
	snprintf(who, sizeof who, "process %d ", (int)pid);
	says(f, who);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	if (!open_before)
		fix_ok(f, open_again(f));
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
	char *p = in_dir(f, "store.db");

	two_posts(f);
	fix_close(f);
	load(f, "store.db", &b);
	for (size_t i = 0; i < sizeof SIZE / sizeof *SIZE; i++) {
		assert_int_equal(truncate(p, SIZE[i]), 0);
		if (open_again(f) == SD_OK)
			fail_msg("cut to %ld bytes, it opens", SIZE[i]);
		says(f, SIZE[i] && SIZE[i] < 512 ? "not a syncdeck store" : "damaged");
		load(f, "store.db", &now);
		assert_int_equal(now.len, SIZE[i]);
		fix_ok(f, sd_write_file(p, b.data, b.len, &f->e));
	}
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	sd_buf_release(&b);
	sd_buf_release(&now);
	free(p);
}

static void a_wal_that_was_taken_away_is_told_and_work_goes_on(void **st)
{
	struct fix *f = *st;
	char *wal = in_dir(f, "store.db-wal"), *j;

	two_posts(f);
	save_and_die(f, "lost");
	assert_int_equal(unlink(wal), 0);
	fix_ok(f, open_again(f));
	fix_sound(f);
	assert_int_equal(fix_total(f, "Post"), 2);
	j = fix_journal(f, 0);
	assert_non_null(strstr(j, "store.db-wal was taken away"));
	free(j);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_ok(f, open_again(f)); /* it is told once */
	assert_int_equal(fix_total(f, "Post"), 3);
	free(wal);
}

/* the writer must not write on into a file that has no name any more */
static void a_wal_removed_under_an_open_store_stops_the_writer_and_loses_nothing(void **st)
{
	struct fix *f = *st;
	char *wal = in_dir(f, "store.db-wal");

	two_posts(f);
	assert_int_equal(unlink(wal), 0);
	f->e.text[0] = '\0';
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	says(f, "start again");
	assert_int_equal(sd_store_begin(f->st, &f->e), SD_FAILED);
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 2);
	fix_ok(f, fix_save(f, "Post", "{'id':'c','title':'C'}"));
	fix_sound(f);
	free(wal);
}

static void a_store_replaced_under_an_open_one_stops_the_writer(void **st)
{
	struct fix *f = *st;
	char *db = in_dir(f, "store.db"), *old = in_dir(f, "old");

	two_posts(f);
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
	char *db = in_dir(f, "store.db"), *old = in_dir(f, "old");

	save_and_die(f, "a");
	assert_int_equal(rename(db, old), 0);
	assert_int_equal(open_again(f), SD_DB);
	says(f, "its WAL is still there");
	assert_int_equal(rename(old, db), 0);
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 1);
	fix_close(f);
	assert_int_equal(unlink(db), 0); /* without a WAL it is a new beginning */
	fix_ok(f, open_again(f));
	assert_int_equal(fix_total(f, "Post"), 0);
	free(db);
	free(old);
}

static void a_store_of_a_newer_program_is_refused(void **st)
{
	struct fix *f = *st;
	sqlite3 *db = NULL;
	char *p = in_dir(f, "store.db");

	two_posts(f);
	fix_close(f);
	assert_int_equal(sqlite3_open(p, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=99", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(open_again(f), SD_INVAL);
	says(f, "newer syncdeck");
	assert_int_equal(sqlite3_exec(db, "PRAGMA user_version=1", NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	fix_ok(f, open_again(f));
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
	char *sub = in_dir(f, "one/two"), line[600];
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
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(files_open_to_others_are_closed_to_them),
		T(a_store_of_another_user_is_refused_and_left_alone),
		T(a_linked_directory_works_and_a_linked_file_is_refused),
		T(a_path_that_is_too_long_is_told_so),
		T(read_only_files_and_directories_are_refused_until_they_are_writable),
		T(a_full_disk_refuses_keeps_and_goes_on_when_there_is_space),
		T(a_limit_on_file_size_is_like_a_full_disk),
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
