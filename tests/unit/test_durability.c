/*
 * tests/unit/test_durability.c - what was called saved is there after the machine stopped (R-003,
 * S6): with a crash that forgets unsynced writes, with kill -9, with a full disk.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/store/internal.h"
#include "tests/support/crashfs.h"
#include "tests/support/store_fix.h"

static int setup(void **st)
{
	struct fix *f = fix_new();

	crashfs_register();
	crashfs_start();
	fix_close(f);
	f->vfs = CRASHFS;
	fix_open(f);
	*st = f;
	return 0;
}

static int teardown(void **st)
{
	fix_free(*st);
	crashfs_start();
	return 0;
}

static enum sd_err save_n(struct fix *f, int n, int value)
{
	const struct sd_model *m = fix_model(f, "Post");
	struct sd_write_env env = {.now_ms = ++f->now, .rand = &f->rand};
	struct cJSON *j;
	char t[96];
	enum sd_err rc;

	snprintf(t, sizeof t, "{'id':'k%d','title':'%d','rating':%d}", n, value, value);
	j = fix_json(t);
	rc = sd_store_begin(f->st, &f->e);
	if (rc == SD_OK)
		rc = sd_write_save(f->st, m, SD_SAVE_UPSERT, j, NULL, &env, NULL, NULL, &f->e);
	if (rc == SD_OK)
		rc = sd_store_commit(f->st, &f->e);
	if (rc != SD_OK)
		sd_store_rollback(f->st);
	sd_json_free(j);
	return rc;
}

static void restart(struct fix *f, uint64_t seed)
{
	crashfs_crash(seed);
	fix_close(f);
	crashfs_start();
	fix_open(f);
}

/* How many of the keys 0..n-1 are missing or have an older value than acknowledged. */
static int lost(struct fix *f, const int *acked, int n)
{
	int missing = 0;

	for (int i = 0; i < n; i++) {
		struct cJSON *rec = NULL;
		char key[32];
		if (acked[i] < 0)
			continue;
		snprintf(key, sizeof key, "[\"k%d\"]", i);
		if (sd_rec_get(f->st, fix_model(f, "Post"), key, false, &rec, &f->e) != SD_OK ||
			sd_json_get_i64(rec, "rating", -1) < acked[i])
			missing++;
		sd_json_free(rec);
	}
	return missing;
}

static void every_acknowledged_save_survives_a_crash_that_forgets(void **st)
{
	struct fix *f = *st;
	int acked[40];

	for (int i = 0; i < 40; i++)
		acked[i] = -1;
	for (int round = 0; round < 25; round++) {
		/* every few rounds the machine stops in the middle of a save */
		if (round % 2)
			crashfs_stop_after((int64_t)sd_rand_below(&f->rand, 300));
		for (int i = 0; i < 20; i++) {
			int k = (int)sd_rand_below(&f->rand, 40), v = round * 100 + i;
			if (save_n(f, k, v) != SD_OK)
				break;
			acked[k] = v;
		}
		restart(f, (uint64_t)round / 4 * 7);
		assert_int_equal(lost(f, acked, 40), 0);
		fix_sound(f); /* half a save is no save: row, queue and copies agree */
	}
}

/* a relaxed connection loses its newest commits at worst, whole ones and in order; one that is not
 * takes along what was committed before it */
static void a_relaxed_connection_loses_whole_commits_from_the_end_only(void **st)
{
	struct fix *f = *st;

	for (int round = 0; round < 20; round++) {
		int acked[40], kept = -1, sure = 10;
		for (int i = 0; i < 40; i++)
			acked[i] = -1;
		fix_ok(f, sd_store_relax(f->st, true, &f->e));
		for (int i = 0; i <= sure; i++)
			fix_ok(f, save_n(f, i, round * 100 + i));
		fix_ok(f, sd_store_relax(f->st, false, &f->e));
		fix_ok(f, save_n(f, 39, round)); /* as a person's save does */
		fix_ok(f, sd_store_relax(f->st, true, &f->e));
		for (int i = sure + 1; i < 30; i++)
			fix_ok(f, save_n(f, i, round * 100 + i));
		restart(f, (uint64_t)round * 3);
		for (int i = 0; i <= sure; i++)
			acked[i] = round * 100 + i;
		acked[39] = round;
		assert_int_equal(lost(f, acked, 40), 0);
		for (int i = 29; i > sure;
			i--) { /* from the newest that is there, all older ones */
			for (int k = 0; k < 40; k++)
				acked[k] = k == i ? round * 100 + i : -1;
			kept = kept < 0 && !lost(f, acked, 40) ? i : kept;
			if (i <= kept)
				assert_int_equal(lost(f, acked, 40), 0);
		}
		fix_sound(f);
	}
}

/* what was sent may read as never sent after the machine stopped: it is looked up first, and a save
 * before the engine starts does not go into it */
static void after_a_stop_of_the_machine_every_unsent_change_is_in_doubt(void **st)
{
	struct fix *f = *st;
	struct sd_mutation m;
	bool marked;

	fix_ok(f, save_n(f, 1, 1));
	fix_ok(f, sd_store_begin(f->st, &f->e));
	fix_ok(f, sd_outbox_mark(f->st, true, &marked, &f->e));
	if (!marked)
		skip();
	fix_ok(f, sd_meta_put(f->st, "engine.boot", "another boot", &f->e));
	fix_ok(f, sd_store_commit(f->st, &f->e));
	restart(f, 1);
	fix_ok(f, sd_outbox_get(f->st, 1, &m, &f->e));
	assert_true(m.unknown);
	sd_mutation_release(&m);
	fix_ok(f, save_n(f, 1, 2));
	fix_ok(f, sd_outbox_get(f->st, 2, &m, &f->e)); /* an entry of its own */
	assert_false(m.unknown);
	sd_mutation_release(&m);
	restart(f, 2); /* what was saved since was never sent */
	fix_ok(f, sd_outbox_get(f->st, 2, &m, &f->e));
	assert_false(m.unknown);
	sd_mutation_release(&m);
}

/* the same test must be able to fail: without syncs it shows the loss */
static void without_syncs_the_same_crash_loses_saves(void **st)
{
	struct fix *f = *st;
	static const char *const MODE[] = {"PRAGMA synchronous=OFF", "PRAGMA synchronous=NORMAL"};
	int acked[20];

	for (size_t m = 0; m < 2; m++) {
		for (int i = 0; i < 20; i++)
			acked[i] = -1;
		assert_int_equal(sqlite3_exec(f->st->db, MODE[m], NULL, NULL, NULL), SQLITE_OK);
		for (int i = 0; i < 20; i++) {
			assert_int_equal(save_n(f, i, (int)m * 100 + 50), SD_OK);
			acked[i] = (int)m * 100 + 50;
		}
		restart(f, 0);
		assert_true(lost(f, acked, 20) > 0);
	}
}

static void a_commit_costs_one_sync_and_no_more(void **st)
{
	struct fix *f = *st;
	int64_t before;

	assert_int_equal(save_n(f, 0, 1), SD_OK);
	before = crashfs_syncs();
	for (int i = 1; i <= 50; i++)
		assert_int_equal(save_n(f, i, 1), SD_OK);
	assert_true(crashfs_syncs() - before >= 50);
	assert_true(crashfs_syncs() - before <= 60);
}

/* S6.4: a full disk refuses the edit, keeps what was there, and goes on after space is freed */
static void a_full_disk_refuses_the_edit_and_loses_nothing(void **st)
{
	struct fix *f = *st;
	int acked[40], refused = 0;

	for (int i = 0; i < 40; i++)
		acked[i] = -1;
	for (int i = 0; i < 10; i++) {
		assert_int_equal(save_n(f, i, 1), SD_OK);
		acked[i] = 1;
	}
	crashfs_space(100000);
	for (int i = 10; i < 30; i++) {
		if (save_n(f, i, 1) == SD_OK) {
			acked[i] = 1;
			continue;
		}
		assert_non_null(strstr(f->e.text, "no space left"));
		refused++;
	}
	assert_true(refused > 0);
	assert_int_equal(lost(f, acked, 40), 0);
	fix_sound(f);
	crashfs_space(-1);
	for (int i = 30; i < 40; i++) {
		assert_int_equal(save_n(f, i, 1), SD_OK);
		acked[i] = 1;
	}
	restart(f, 0);
	assert_int_equal(lost(f, acked, 40), 0);
	fix_sound(f);
}

/* S6.1 in small: killed while saving in a loop; what it said is saved is there, each once */
static void a_killed_process_keeps_every_save_it_reported(void **st)
{
	struct fix *f = *st;

	f->vfs = NULL;
	fix_close(f);
	fix_open(f);
	for (int round = 0; round < 6; round++) {
		int pipes[2], status, acked[4096], n, k = 0;
		pid_t pid;
		for (int i = 0; i < 4096; i++)
			acked[i] = -1;
		fix_close(f);
		assert_int_equal(pipe(pipes), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			fix_open(f);
			for (int i = 0; i < 4096; i++)
				if (save_n(f, i, round + 1) != SD_OK ||
					write(pipes[1], &i, sizeof i) != sizeof i)
					_exit(1);
			_exit(0);
		}
		close(pipes[1]);
		usleep((useconds_t)(5000 + round * 7000));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		while (read(pipes[0], &n, sizeof n) == sizeof n)
			acked[k = n] = round + 1;
		close(pipes[0]);
		fix_open(f);
		assert_int_equal(lost(f, acked, 4096), 0);
		assert_true(fix_total(f, "Post") >= k);
		fix_sound(f);
	}
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(every_acknowledged_save_survives_a_crash_that_forgets),
		T(a_relaxed_connection_loses_whole_commits_from_the_end_only),
		T(after_a_stop_of_the_machine_every_unsent_change_is_in_doubt),
		T(without_syncs_the_same_crash_loses_saves),
		T(a_commit_costs_one_sync_and_no_more),
		T(a_full_disk_refuses_the_edit_and_loses_nothing),
		T(a_killed_process_keeps_every_save_it_reported),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
