/*
 * tests/unit/test_rescue_faults.c - a rescue that is killed, fails or meets any damage: nothing that was
 * not sent is lost, and the next one finishes it (U-46, S6; issue "Durability").
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
#include "tests/support/damage.h"

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

/* U-24: what was set aside goes with the rest */
static void a_wipe_erases_what_a_rescue_set_aside(void **st)
{
	struct fix *f = *st;
	struct sd_rescued r;
	long page;

	damage_fill(f);
	page = damage_root(f, "r_Post");
	fix_close(f);
	damage_spoil(f, page, 0, 100);
	damage_rescued(f, &r);
	fix_close(f);
	assert_true(sd_is_file(r.kept));
	fix_ok(f, sd_wipe(f->dir, NULL, &f->e));
	assert_false(sd_is_file(r.kept));
	fix_open(f);
	sd_rescued_release(&r);
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
		damage_fill(f);
		page = damage_root(f, "r_Post");
		fix_close(f);
		damage_spoil(f, page, 0, 100);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			die_before = at;
			_exit(damage_rescue(f, &r) == SD_OK ? 0 : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		killed += WIFSIGNALED(status);
		if (WIFEXITED(status))
			assert_int_equal(WEXITSTATUS(status), 0);
		/* in between nothing is opened that is not whole */
		if (damage_look(f) == SD_OK)
			damage_nothing_unsent_is_lost(f);
		fix_ok(f, damage_rescue(f, &r));
		sd_rescued_release(&r);
		assert_int_equal(damage_look(f), SD_OK);
		damage_nothing_unsent_is_lost(f);
	}
	assert_true(killed >= 8);
}

/* Wherever the disk is full: a rescue that says it is done has left everything in its place. */
static void a_disk_that_fills_up_during_a_rescue_loses_nothing(void **st)
{
	struct fix *f = *st;
	struct sd_buf image = SD_BUF_INIT;
	char *p = fix_path(f, "store.db");
	bool struck = true;
	int refused = 0;

	crashfs_register();
	damage_fill(f);
	fix_close(f);
	fix_open(f);
	fix_ok(f, sd_db_exec(f->st, "PRAGMA wal_checkpoint(TRUNCATE)", &f->e, "test"));
	damage_spoil(f, damage_root(f, "r_Comment"), 0, 100);
	fix_ok(f, sd_read_file(p, 1 << 26, &image, &f->e));
	f->vfs = CRASHFS;
	for (int n = 0; struck; n++) {
		struct sd_rescued r = {0};
		struct sd_store_opts o = damage_opts(f);
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
		if (damage_look(f) != SD_OK)
			fail_msg("write %d fails: %s", n, f->e.text);
		damage_nothing_unsent_is_lost(f);
	}
	assert_true(refused > 10);
	sd_buf_release(&image);
	free(p);
}

/* Bytes turned around anywhere: either nothing is wrong, or it is said and rescued. */
static void bytes_turned_around_anywhere_are_found_or_harmless(void **st)
{
	struct fix *f = *st;
	struct sd_buf image = SD_BUF_INIT;
	char *p = fix_path(f, "store.db");
	int found = 0;

	damage_fill(f);
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
		damage_spoil(f, 1 + (long)sd_rand_below(&f->rand, (uint32_t)pages),
			(long)sd_rand_below(&f->rand, 8000),
			1 + (long)sd_rand_below(&f->rand, 150));
		if (damage_look(f) == SD_OK)
			continue;
		found++;
		if (damage_rescue(f, &r) != SD_OK) { /* what it was cannot be told any more */
			assert_int_equal(f->e.code, SD_INVAL);
			assert_true(sd_is_file(p));
		} else {
			assert_int_equal(damage_look(f), SD_OK);
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
#define T(name) cmocka_unit_test_setup_teardown(name, fix_setup, fix_teardown)
	const struct CMUnitTest tests[] = {
		T(a_wipe_erases_what_a_rescue_set_aside),
		T(a_rescue_killed_at_any_step_is_finished_by_the_next),
		T(a_disk_that_fills_up_during_a_rescue_loses_nothing),
		T(bytes_turned_around_anywhere_are_found_or_harmless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}