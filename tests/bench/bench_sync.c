/*
 * tests/bench/bench_sync.c - base sync of N records: syncdeck against the reference pipeline.
 *
 * Both run as child processes against the same page server, in turn, PAIRS times; wall time, CPU
 * seconds and peak memory come from wait4().  Prints each ratio's median with minimum and maximum,
 * and the goal.  ROWS=, PAIRS= change the run; BENCH_ROWS=1000000 adds one of that size (limits.md).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "tests/bench/pages.h"
#include "tests/bench/reference.h"
#include "tests/support/support.h"

#define PAIRS_MAX 50

struct run {
	double wall_s, cpu_s, rss_mb;
	int exit;
};

static int env_int(const char *name, int otherwise)
{
	const char *s = getenv(name);
	int64_t v;

	return s && sd_parse_i64(s, &v) && v > 0 && v < 100000000 ? (int)v : otherwise;
}

static struct run finish(pid_t pid, int64_t start_us)
{
	struct rusage u;
	struct run r = {0};
	int status = 0;

	wait4(pid, &status, 0, &u);
	r.wall_s = (double)(sd_mono_us() - start_us) / 1e6;
	r.cpu_s = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		  (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
	r.rss_mb = (double)u.ru_maxrss / 1024;
	r.exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return r;
}

static struct run run_reference(const struct pages *p, const char *self, int rows)
{
	char port[16], db[256], count[16], *dir = sd_test_dir();
	int64_t start = sd_mono_us();
	struct run r;
	pid_t pid;

	snprintf(port, sizeof port, "%d", p->port);
	snprintf(count, sizeof count, "%d", rows);
	snprintf(db, sizeof db, "%s/ref.db", dir);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		execl(self, self, "reference", port, db, count, (char *)NULL);
		_exit(127);
	}
	r = finish(pid, start);
	sd_test_dir_remove(dir);
	return r;
}

static struct run run_syncdeck(const struct pages *p, const char *program, const char *schema)
{
	char url[64], *dir = sd_test_dir();
	int64_t start = sd_mono_us();
	struct run r;
	pid_t pid;

	snprintf(url, sizeof url, "http://127.0.0.1:%d/graphql", p->port);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("XDG_CONFIG_HOME", dir, 1);
		setenv("XDG_STATE_HOME", dir, 1);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(program, program, "-s", schema, "--endpoint", url, "--api-key", "da2-bench",
			"-d", dir, "sync", "--once", "--timeout", "300s", (char *)NULL);
		_exit(127);
	}
	r = finish(pid, start);
	sd_test_dir_remove(dir);
	return r;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void report(const char *what, double *v, int n, const char *goal)
{
	qsort(v, (size_t)n, sizeof *v, by_value);
	printf("%-44s median %.2f  [%.2f - %.2f]  goal %s\n", what, v[n / 2], v[0], v[n - 1], goal);
}

/* Pairs of runs over so many records; the median of our peak memory. */
static double compare(const char *program, const char *self, const char *schema, int rows,
	int pairs, const char *speed_goal)
{
	double speed[PAIRS_MAX], cpu[PAIRS_MAX], rss[PAIRS_MAX], rate[PAIRS_MAX], mb[PAIRS_MAX];
	struct pages p = pages_start(rows / PAGE_ROWS);

	for (int i = 0; i < pairs; i++) {
		struct run a = run_syncdeck(&p, program, schema), b = run_reference(&p, self, rows);
		if (a.exit || b.exit) {
			fprintf(stderr, "bench_sync: syncdeck exit %d, reference exit %d\n", a.exit,
				b.exit);
			pages_stop(&p);
			exit(1);
		}
		speed[i] = b.wall_s / a.wall_s;
		cpu[i] = a.cpu_s / b.cpu_s;
		rss[i] = a.rss_mb / b.rss_mb;
		rate[i] = rows / a.wall_s;
		mb[i] = a.rss_mb;
		printf("  pair %d: syncdeck %.2fs wall %.2fs cpu %.0f MB; reference %.2fs %.2fs "
		       "%.0f MB\n",
			i + 1, a.wall_s, a.cpu_s, a.rss_mb, b.wall_s, b.cpu_s, b.rss_mb);
	}
	pages_stop(&p);
	printf("base sync of %d records, %d pairs\n", rows, pairs);
	report("  rows/s against the reference pipeline", speed, pairs, speed_goal);
	report("  CPU seconds against it", cpu, pairs, "<= 1.3");
	report("  peak memory against it", rss, pairs, "<= 1.3");
	report("  rows/s", rate, pairs, "-");
	qsort(mb, (size_t)pairs, sizeof *mb, by_value);
	return mb[pairs / 2];
}

int main(int argc, char **argv)
{
	int rows = env_int("ROWS", 100000), pairs = env_int("PAIRS", 5);
	int more = env_int("BENCH_ROWS", 0);
	const char *program = getenv("SYNCDECK") ? getenv("SYNCDECK") : "build/syncdeck";
	char *dir, *schema;
	double small, large;

	if (argc == 5 && strcmp(argv[1], "reference") == 0)
		return reference_run(
			(int)strtol(argv[2], NULL, 10), argv[3], (int)strtol(argv[4], NULL, 10));
	pairs = pairs > PAIRS_MAX ? PAIRS_MAX : pairs;
	dir = sd_test_dir();
	schema = sd_path_join(dir, "schema.graphql");
	if (sd_write_file(schema, PAGES_SDL, strlen(PAGES_SDL), NULL) != SD_OK)
		return 1;
	small = compare(program, argv[0], schema, rows / PAGE_ROWS * PAGE_ROWS, pairs, ">= 1.0");
	if (more) {
		large = compare(program, argv[0], schema, more / PAGE_ROWS * PAGE_ROWS,
			pairs < 3 ? pairs : 3, ">= 0.9");
		printf("  our memory, %d records against %d: %.2f\n", more, rows, large / small);
	}
	free(schema);
	sd_test_dir_remove(dir);
	return 0;
}
