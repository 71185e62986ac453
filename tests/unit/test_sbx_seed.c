/*
 * tests/unit/test_sbx_seed.c - very many records: seeds, what they cost, and what is left of one that
 * was killed.  contract.md 10 (--seed, --db), spec/server.md 3.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/sandbox/core/internal.h"
#include "tests/support/sbx_shop.h"
#include "tests/support/support.h"

#define eq(a, b) assert_string_equal((a), (b))
#define MANY     6000       /* enough for a mass load */
#ifdef __SANITIZE_ADDRESS__ /* it keeps what is freed: its memory says nothing */
#define SLOW 10
#else
#define SLOW 1
#endif

/* In memory or in a file, at once or in pieces, few or very many: record i is record i. */
static void a_seed_gives_the_same_records_whichever_way_they_come(void **st)
{
	static const char *const MODEL[] = {"Box", "Item", "Kind", "Visit"};
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct fx *f = shop_open_db(NULL), *g = shop_open_db(db), *h = shop_open_db(NULL);
	struct sd_sbx_work *job;

	(void)st;
	for (size_t i = 0; i < 4; i++) {
		char *a, *b, *c;
		shop_seed(f, MODEL[i], MANY, 7);
		shop_seed(g, MODEL[i], 100, 7); /* the table is not empty: no mass load */
		shop_seed(g, MODEL[i], MANY, 7);
		assert_int_equal(
			sd_sbx_seed_work(h->s, MODEL[i], MANY, 7, h->now, &job, NULL), SD_OK);
		shop_in_pieces(h, job, 777);
		a = shop_rows(f, MODEL[i]);
		b = shop_rows(g, MODEL[i]);
		c = shop_rows(h, MODEL[i]);
		eq(a, b);
		eq(a, c);
		free(a);
		free(b);
		free(c);
	}
	shop_counted(f, "Item", "{\"live\":6000,\"deleted\":0}");
	shop_counted(f, "Box", "{\"live\":6000,\"deleted\":0}");
	shop_counted(f, "Kind", "{\"live\":9,\"deleted\":0}"); /* there are no more keys */
	shop_counted(g, "Kind", "{\"live\":9,\"deleted\":0}");
	shop_counted(h, "Kind", "{\"live\":9,\"deleted\":0}");
	shop_seed(f, "Item", 10, 8);
	shop_counted(f, "Item", "{\"live\":6010,\"deleted\":0}");
	fx_close(f);
	fx_close(g);
	fx_close(h);
	free(db);
	sd_test_dir_remove(dir);
}

/* Every seeded record can be read by its key, also where a time is part of it. */
static void seeded_records_are_found_by_their_keys(void **st)
{
	struct fx *f = shop_open_db(NULL);
	struct cJSON *j;
	char q[300];

	(void)st;
	shop_seed(f, "Visit", 3, 1);
	j = fx_ask(f, "{ listVisits { items { who createdAt note } } }", NULL);
	for (int i = 0; i < 3; i++) {
		char at[40];
		snprintf(at, sizeof at, "data.listVisits.items.%d.who", i);
		snprintf(q, sizeof q, "{ getVisit(who: \"%s\", createdAt: \"", fx_at(j, at));
		snprintf(at, sizeof at, "data.listVisits.items.%d.createdAt", i);
		snprintf(q + strlen(q), sizeof q - strlen(q), "%s\") { who } }", fx_at(j, at));
		assert_string_not_equal(fx_get(f, q, NULL, "data.getVisit.who"), "");
	}
	sd_json_free(j);
	fx_close(f);
}

/* ---- what it costs ---- */

/* Peak memory of a process that seeds `rows` and reads a page, KiB. */
static long peak(const char *db, int64_t rows)
{
	struct rusage u;
	int status = 1;
	pid_t pid = fork();

	if (pid == 0) {
		struct fx *f = shop_open_db(db);
		shop_seed(f, "Item", rows, 3);
		if (!strstr(fx_get(f, "{ syncItems(limit: 1000) { items { id } nextToken } }", NULL,
				    "data.syncItems.nextToken"),
			    "ey"))
			_exit(3);
		fx_close(f);
		_exit(0);
	}
	assert_int_equal(wait4(pid, &status, 0, &u), pid);
	assert_int_equal(status, 0);
	return u.ru_maxrss;
}

/* Ten times the records do not take ten times the memory, in memory or in a file. */
static void seeding_does_not_hold_the_records(void **st)
{
	char *dir = sd_test_dir(), *a = sd_path_join(dir, "a.db"), *b = sd_path_join(dir, "b.db");

	(void)st;
	for (int i = 0; i < 2; i++) {
		long few = peak(i ? a : NULL, 20000), many = peak(i ? b : NULL, 200000 / SLOW);
		print_message("%s: %ld KiB for 20k rows, %ld for %d\n", i ? "file" : "memory", few,
			many, 200000 / SLOW);
		assert_true(SLOW > 1 || many < 90000);
		assert_true(SLOW > 1 || many - few < 48000);
	}
	free(a);
	free(b);
	sd_test_dir_remove(dir);
}

/* ---- files ---- */

/* Reads on from token (""), until there are no more or `pages` are read; the next token. */
static char *read_pages(struct fx *f, const char *token, int pages, struct sd_map *seen)
{
	char *next = strdup(token), v[700];

	do {
		struct cJSON *j;
		snprintf(v, sizeof v, *next ? "{\"t\":\"%s\"}" : "{\"t\":null}", next);
		j = fx_ask(f,
			"query($t: String) { syncItems(limit: 1000, nextToken: $t) { items { id } "
			"nextToken } }",
			v);
		eq(fx_at(j, "errors"), "");
		for (const struct cJSON *c =
				sd_json_child(sd_json_path(j, "data", "syncItems", "items", NULL));
			c; c = sd_json_next(c)) {
			const char *id = sd_json_get_str(c, "id");
			assert_false(sd_map_has(seen, id));
			assert_true(sd_map_put(seen, id, (void *)1, NULL));
		}
		free(next);
		next = strdup(fx_at(j, "data.syncItems.nextToken"));
		sd_json_free(j);
	} while (--pages && strcmp(next, "null") != 0);
	return next;
}

/* A base sync that a restart cuts in two gives every record once. */
static void a_base_sync_of_many_records_goes_on_after_a_restart(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db"), *token, *end;
	struct sd_map seen = SD_MAP_INIT;
	struct fx *f = shop_open_db(db);

	(void)st;
	shop_seed(f, "Item", 20000, 3);
	token = read_pages(f, "", 7, &seen);
	assert_int_equal(sd_map_count(&seen), 7000);
	fx_close(f);
	f = shop_open_db(db);
	end = read_pages(f, token, 100, &seen);
	eq(end, "null");
	assert_int_equal(sd_map_count(&seen), 20000);
	shop_counted(f, "Item", "{\"live\":20000,\"deleted\":0}");
	sd_map_release(&seen, NULL);
	fx_close(f);
	free(token);
	free(end);
	free(db);
	sd_test_dir_remove(dir);
}

static int count_step(void *steps)
{
	++*(int64_t *)steps;
	return 0;
}

/* `sandbox --db FILE --seed N` started again and again: the second start does not make N records. */
static void a_file_remembers_its_seeds(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct fx *f = shop_open_db(db);
	int64_t steps = 0;

	(void)st;
	shop_seed(f, "Box", MANY, 3);
	fx_close(f);
	f = shop_open_db(db);
	sqlite3_progress_handler(f->s->db, 1, count_step, &steps);
	shop_seed(f, "Box", MANY, 3);
	shop_seed(f, "Box", 100, 3);
	assert_true(steps < 1000);
	sqlite3_progress_handler(f->s->db, 0, NULL, NULL);
	shop_counted(f, "Box", "{\"live\":6000,\"deleted\":0}");
	shop_seed(f, "Box", MANY + 5, 3); /* more of them */
	shop_counted(f, "Box", "{\"live\":6005,\"deleted\":0}");
	shop_seed(f, "Box", 7, 4); /* another seed */
	shop_counted(f, "Box", "{\"live\":6012,\"deleted\":0}");
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_OK);
	shop_seed(f, "Box", 10, 3);
	shop_counted(f, "Box", "{\"live\":10,\"deleted\":0}");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

/* A mass load has neither indexes nor counters until its end: the next start makes them. */
static void a_seed_that_was_killed_leaves_a_whole_database(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db"), id[64], q[200];
	struct cJSON *j = NULL;
	int64_t there, live;
	struct fx *f;
	int pipes[2], status;
	pid_t pid;
	char go;

	(void)st;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		f = shop_open_db(db);
		assert_int_equal(sbx_table_bare(f->s, &f->s->x.models[0], NULL), SD_OK);
		assert_int_equal(sbx_exec(f->s,
					 "INSERT INTO base_Item(pk,item,_version,_lastChangedAt) "
					 "VALUES('[\"a\"]','{\"id\":\"a\",\"title\":\"t\","
					 "\"_version\":1,\"_lastChangedAt\":1}',1,1),('[\"a\"]',"
					 "'{\"id\":\"a\",\"title\":\"again\",\"_version\":1,"
					 "\"_lastChangedAt\":1}',1,1)",
					 NULL),
			SD_OK);
		if (write(pipes[1], "x", 1) != 1)
			_exit(1);
		shop_seed(f, "Box", 5000000, 3); /* killed in the midst of it */
		_exit(0);
	}
	assert_int_equal(read(pipes[0], &go, 1), 1);
	for (long size = 0; size < 400000;) { /* until some of it is written */
		char path[300];
		FILE *w;
		snprintf(path, sizeof path, "%s-wal", db);
		w = fopen(path, "r");
		if (w && fseek(w, 0, SEEK_END) == 0)
			size = ftell(w);
		if (w)
			fclose(w);
		usleep(2000);
	}
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
	f = shop_open_db(db);
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	eq(fx_at(j, "Item"), "{\"live\":1,\"deleted\":0}");
	there = sd_json_get_i64(sd_json_get(j, "Box"), "live", -1);
	assert_int_equal(there, shop_stored(f, "base_Box"));
	sd_json_free(j);
	eq(fx_get(f, "{ getItem(id: \"a\") { title } }", NULL, "data.getItem.title"), "t");
	shop_seed(f, "Box", there + 100, 3); /* the rest of them */
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	live = sd_json_get_i64(sd_json_get(j, "Box"), "live", -1);
	/* very many are not written in the order of their numbers: the first ones may be new */
	assert_true(live >= there + 100 && live <= 2 * there + 100);
	assert_int_equal(live, shop_stored(f, "base_Box"));
	sd_json_free(j);
	snprintf(id, sizeof id, "%s",
		fx_get(f, "{ listBoxes(limit: 1) { items { id } } }", NULL,
			"data.listBoxes.items.0.id"));
	snprintf(q, sizeof q, "{ getBox(id: \"%s\") { id } }", id);
	eq(fx_get(f, q, NULL, "data.getBox.id"), id);
	fx_close(f);
	close(pipes[0]);
	close(pipes[1]);
	free(db);
	sd_test_dir_remove(dir);
}

/* Who got a startedAt before the restart is told of what is seeded behind it. */
static void records_seeded_after_a_restart_are_in_the_delta(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db"), q[200];
	struct fx *f = shop_open_db(db);
	int64_t started = f->now;

	(void)st;
	eq(fx_get(f, "{ syncBoxes { startedAt items { id } } }", NULL, "data.syncBoxes.items"),
		"[]");
	fx_close(f);
	f = shop_open_db(db);
	f->now = started + 5000;
	shop_seed(f, "Box", MANY, 3);
	snprintf(q, sizeof q,
		"{ syncBoxes(lastSync: %lld, limit: 1000) { items { id } nextToken } }",
		(long long)started);
	assert_string_not_equal(fx_get(f, q, NULL, "data.syncBoxes.items.999.id"), "");
	/* when nobody can hold one any more, the log is left out */
	f->now = started + f->delta_ttl_ms + 120000;
	shop_seed(f, "Kind", 5, 3);
	snprintf(
		q, sizeof q, "{ syncKinds(lastSync: %lld) { items { size } } }", (long long)f->now);
	eq(fx_get(f, q, NULL, "data.syncKinds.items"), "[]");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seed_gives_the_same_records_whichever_way_they_come),
		cmocka_unit_test(seeded_records_are_found_by_their_keys),
		cmocka_unit_test(seeding_does_not_hold_the_records),
		cmocka_unit_test(a_base_sync_of_many_records_goes_on_after_a_restart),
		cmocka_unit_test(a_file_remembers_its_seeds),
		cmocka_unit_test(a_seed_that_was_killed_leaves_a_whole_database),
		cmocka_unit_test(records_seeded_after_a_restart_are_in_the_delta),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}