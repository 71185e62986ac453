/*
 * tests/unit/test_store_disk.c - files and directories that cannot be written, full disks (S6.4, U-41;
 * issue "Durability").  Each time: a clear error, the old data intact, and work goes on once the
 * cause is gone.
 */
#include <grp.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "tests/support/store_fix.h"

#define NOBODY 65534

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

/* 0: refused in clear words; and again fine when the cause is gone. */
static int cannot_save(struct fix *f)
{
	enum sd_err rc = fix_open_again(f);

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
	enum sd_err rc = fix_open_again(f);

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
	char *db = fix_path(f, "store.db");
	int got;

	fix_two_posts(f);
	fix_close(f);
	fix_give(f, NOBODY);
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
	fix_give(f, geteuid());
	fix_ok(f, fix_open_again(f));
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
	NEED(fix_open_again(f) == SD_OK)
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
	if (fix_open_again(f) == SD_OK)
		NEED(save_big(f, 9999) != SD_OK)
	NEED(strstr(f->e.text, f->dir) && strchr(f->e.text, ';'))
	NEED(strstr(f->e.text, "space"))
	fix_close(f);
	NEED(unlink(ballast) == 0)
	NEED(fix_open_again(f) == SD_OK && fix_total(f, "Post") == more)
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
	NEED(fix_open_again(f) == SD_OK)
	NEED(setrlimit(RLIMIT_FSIZE, &little) == 0)
	n = fill(f, 0);
	NEED(n > 3 && n < 3000)
	NEED(strstr(f->e.text, f->dir) && strchr(f->e.text, ';'))
	NEED(fix_total(f, "Post") == n && sd_store_check(f->st, &f->e) == SD_OK)
	NEED(setrlimit(RLIMIT_FSIZE, &much) == 0)
	for (more = n; more < n + 50; more++)
		NEED(save_big(f, more) == SD_OK)
	NEED(fix_open_again(f) == SD_OK && fix_total(f, "Post") == more)
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

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(read_only_files_and_directories_are_refused_until_they_are_writable),
		T(a_full_disk_refuses_keeps_and_goes_on_when_there_is_space),
		T(a_limit_on_file_size_is_like_a_full_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}