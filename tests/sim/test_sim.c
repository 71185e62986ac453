/*
 * tests/sim/test_sim.c - the deterministic simulation.
 *
 *   SIM_SEEDS=n    run n seeds (300 unless said)
 *   SIM_FROM=n     the first one (1 unless said)
 *   SIM_JOBS=n     so many processes at once (2 unless said)
 *   SIM_SEED=x     one seed, everything told
 *   SIM_TRACE=file one schedule from a file (as a failing seed writes it), everything told
 *   SIM_MUTANT=m   with a bug on purpose: coalesce version resend gap watermark answer shown
 *                  nosync
 *   SIM_SHRINK=n   at most so many runs to make a failing schedule small (400 unless said)
 *   SIM_PLAIN=1    schedules of the first kind: without the faults of sim_more.c
 *   SIM_COVER=1    print what the seeds really did: every fault and step, counted
 *   SIM_KEEP=dir   where the schedules of failing seeds are written ($TMPDIR or /tmp unless said)
 *
 * A seed that fails is shrunk: what is printed is the shortest schedule found that breaks the same
 * rule, and what happens in it; the schedule is kept in a file for SIM_TRACE.
 */
#include <malloc.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/text.h"
#include "tests/sim/sim.h"

#define SHRINK_RUNS 400

static int64_t number(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);
	int64_t v;

	return text && sd_parse_i64(text, &v) ? v : otherwise;
}

/* Schedules of the second kind have more faults; the first kind stays as it was, so that a seed noted
 * once means the same run for ever. */
static bool more(void)
{
	return !getenv("SIM_PLAIN");
}

/* Prints what a person needs to look into it. */
static void report(uint64_t seed, const char *mutant, const struct sim_result *r)
{
	const char *dir = getenv("SIM_KEEP") ? getenv("SIM_KEEP") : getenv("TMPDIR");
	struct sim_plan p;
	struct sim_result again;
	char path[300];
	size_t before;
	int runs;

	sim_plan_make(&p, seed, more(), mutant);
	before = p.count;
	printf("seed %llu breaks the rule \"%s\": %s\n", (unsigned long long)seed, r->rule, r->why);
	fflush(stdout);
	runs = sim_shrink(&p, r->rule, (int)number("SIM_SHRINK", SHRINK_RUNS));
	snprintf(path, sizeof path, "%s/sim-%llu.trace", dir ? dir : "/tmp",
		(unsigned long long)seed);
	printf("shrunk from %zu steps to %zu in %d runs; replay: SIM_TRACE=%s, or SIM_SEED=%llu "
	       "for all of it\n",
		before, p.count, runs, sim_plan_write(&p, path) ? path : "(not written)",
		(unsigned long long)seed);
	sim_run(&p, true, &again);
	fflush(stdout);
	sim_plan_release(&p);
}

static bool one(uint64_t seed, bool kind, const char *mutant, struct sim_result *r)
{
	struct sim_plan p;
	bool ok;

	sim_plan_make(&p, seed, kind, mutant);
	ok = sim_run(&p, false, r);
	sim_plan_release(&p);
	return ok;
}

/* Every jobs-th seed; exits with the number of bad ones (at most 100).  Two are shrunk at most. */
static void worker(int64_t from, int64_t n, int64_t step, const char *mutant)
{
	int bad = 0;

	for (int64_t i = 0; i < n; i += step) {
		struct sim_result r;
		if (one((uint64_t)(from + i), more(), mutant, &r))
			continue;
		if (bad++ < 2)
			report((uint64_t)(from + i), mutant, &r);
		else
			printf("seed %lld breaks the rule \"%s\": %s\n", (long long)(from + i),
				r.rule, r.why);
		fflush(stdout);
	}
	fflush(NULL);
	_exit(bad > 100 ? 100 : bad);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int run_seeds(int64_t from, int64_t n, const char *mutant)
{
	int64_t jobs = number("SIM_JOBS", 2);
	double start = seconds();
	int bad = 0, status;

	sim_cover_begin();
	fflush(NULL);
	for (int64_t k = 0; k < jobs; k++) {
		pid_t pid = fork();
		if (pid == 0)
			worker(from + k, n - k, jobs, mutant);
		if (pid < 0)
			bad++;
	}
	while (wait(&status) > 0)
		bad += WIFEXITED(status) ? WEXITSTATUS(status) : 1;
	sim_cover_end();
	printf("%lld seeds in %.1f s: %d bad\n", (long long)n, seconds() - start, bad);
	return bad;
}

static void told(struct sim_plan *p)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sim_result r;
	bool ok;

	sim_plan_text(p, &b);
	printf("%s", sd_buf_text(&b));
	sd_buf_release(&b);
	ok = sim_run(p, true, &r);
	sim_plan_release(p);
	if (!ok)
		fail_msg("%s: %s", r.rule, r.why);
}

/* R-049..R-053, R-073, R-077, R-079, R-080, R-050, R-111, X-02, X-04, X-05, X-13, U-02, U-10, U-15:
 * any order of edits, losses, deaths, clocks and races converges; nothing that was saved is lost,
 * nothing is made twice, nothing is claimed that is not so */
static void every_seed_converges_and_loses_nothing(void **st)
{
	const char *mutant = getenv("SIM_MUTANT"), *file = getenv("SIM_TRACE");
	struct sim_plan p;

	(void)st;
	if (file) {
		assert_true(sim_plan_read(&p, file));
		told(&p);
	} else if (getenv("SIM_SEED")) {
		sim_plan_make(&p, (uint64_t)number("SIM_SEED", 1), more(), mutant);
		told(&p);
	} else {
		assert_int_equal(
			run_seeds(number("SIM_FROM", 1), number("SIM_SEEDS", 300), mutant), 0);
	}
}

/* Seeds behind the daily ones that once found something. */
static void a_seed_that_once_failed_still_passes(void **st)
{
	static const uint64_t seeds[] = {
		1887, /* an edit of an entry with a later one behind it, decided together */
		1990, /* a request that comes long after it was given up */
		2856, /* twice: a record whose parent was purged could not be read, and was resent */
		3837, /* as 1887 */
		4810, /* synced: the log was forgotten between two pages of a delta */
		5159, /* a key made again on the server */
		5570, /* a parent that was purged comes back: its children can be read again */
		6011, /* a record that leaves an expression while the pages are read */
		6092, /* an entry edited behind a later one */
		6335, /* a value that had arrived, put into another entry by a decision */
		6517, /* a request of a program that was replaced meanwhile */
		6704, /* a member name that was freed with a record */
		6892, /* undone and redone */
		7727, /* as 5159 */
		8599, /* ready, and a model whose expression came late had never run */
		9490, /* a record that nobody can read, as its parent is not there */
		4239, /* twice: a discarded conflict left the list that Automerge had doubled */
	};

	(void)st;
	if (getenv("SIM_SEED") || getenv("SIM_TRACE") || getenv("SIM_MUTANT"))
		skip();
	for (size_t i = 0; i < sizeof seeds / sizeof *seeds; i++) {
		struct sim_result r;
		if (!one(seeds[i], false, NULL, &r))
			fail_msg("seed %llu breaks the rule \"%s\": %s",
				(unsigned long long)seeds[i], r.rule, r.why);
	}
}

/* The simulation can fail: every bug on purpose breaks a rule in one of the first seeds. */
static void a_mutant_is_found(void **st)
{
	const char *mutant = *st;
	int64_t most = number("SIM_MUTANT_SEEDS", 200);

	if (getenv("SIM_SEED") || getenv("SIM_TRACE") || getenv("SIM_MUTANT"))
		skip();
	for (int64_t seed = 1; seed <= most; seed++) {
		struct sim_result r;
		if (one((uint64_t)seed, false, mutant, &r))
			continue;
		printf("mutant %s: seed %lld breaks \"%s\"\n", mutant, (long long)seed, r.rule);
		return;
	}
	fail_msg("mutant %s was not found in %lld seeds", mutant, (long long)most);
}

/* A failing schedule gets short, breaks the same rule, and says so again from its file. */
static void a_failing_schedule_is_shrunk_and_replayed(void **st)
{
	char path[] = "/tmp/sim-trace-XXXXXX";
	struct sim_plan p = {0}, again;
	struct sim_result r;
	size_t before;
	int fd;

	(void)st;
	if (getenv("SIM_SEED") || getenv("SIM_TRACE") || getenv("SIM_MUTANT"))
		skip();
	for (uint64_t seed = 1; seed <= 200; seed++) {
		sim_plan_make(&p, seed, false, "coalesce");
		if (!sim_run(&p, false, &r))
			break;
		sim_plan_release(&p);
	}
	before = p.count;
	assert_true(before > 0);
	sim_shrink(&p, r.rule, SHRINK_RUNS);
	printf("%zu steps became %zu\n", before, p.count);
	assert_true(p.count * 4 < before);
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_true(sim_plan_write(&p, path));
	assert_true(sim_plan_read(&again, path));
	unlink(path);
	assert_int_equal(again.count, p.count);
	{
		struct sim_result replayed;
		assert_false(sim_run(&again, false, &replayed));
		assert_string_equal(replayed.rule, r.rule);
	}
	sim_plan_release(&p);
	sim_plan_release(&again);
}

/* The same seed gives the same run, to the last request. */
static void a_seed_always_gives_the_same_run(void **st)
{
	(void)st;
	if (getenv("SIM_SEED") || getenv("SIM_TRACE") || getenv("SIM_MUTANT"))
		skip();
	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct sim_result a, b;
		one(seed, true, NULL, &a);
		one(seed, true, NULL, &b);
		assert_int_equal(a.requests, b.requests);
		assert_int_equal(a.edits, b.edits);
		assert_int_equal(a.conflicts, b.conflicts);
	}
}

int main(void)
{
	struct CMUnitTest tests[16] = {
		cmocka_unit_test(every_seed_converges_and_loses_nothing),
		cmocka_unit_test(a_seed_always_gives_the_same_run),
		cmocka_unit_test(a_failing_schedule_is_shrunk_and_replayed),
		cmocka_unit_test(a_seed_that_once_failed_still_passes),
	};
	static char names[16][60];
	size_t n = 4;

	/* each run needs what the one before gave back: it is kept (a tenth of the time) */
	mallopt(M_MMAP_THRESHOLD, 64 << 20);
	mallopt(M_TRIM_THRESHOLD, 512 << 20);

	for (size_t i = 0; sim_mutants[i] && n < 16; i++, n++) {
		snprintf(names[n], sizeof names[n], "mutant_%s_is_found", sim_mutants[i]);
		tests[n] = (struct CMUnitTest){
			names[n], a_mutant_is_found, NULL, NULL, (void *)(uintptr_t)sim_mutants[i]};
	}
	return _cmocka_run_group_tests("sim", tests, n, NULL, NULL);
}
