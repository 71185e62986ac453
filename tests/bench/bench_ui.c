/*
 * tests/bench/bench_ui.c - the screen on a large store, and keys while a base sync runs.
 *
 * First frame: from the start of the program to the idle mark, on a store of ROWS records (100000),
 * against a program that opens the same SQLite file, reads one keyset page and draws it with bare
 * ncurses.  Keys: pressed one after another while the base sync runs, each timed to the idle mark
 * that counts it (the last byte of the frame has come through the pty by then).
 */
#include <curses.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "tests/bench/pages.h"
#include "tests/support/support.h"
#include "tests/support/vtscreen.h"

#define RUNS 7
#define KEYS 400

static char url[64], *schema, *dir;
static char program_name[512];

static char *const *ui_args(const char *data)
{
	static char s[] = "-s", e[] = "--endpoint", k[] = "--api-key", key[] = "da2-bench",
		    d[] = "-d";
	static char data_dir[512], off[] = "--offline";
	static char *args[12];

	snprintf(data_dir, sizeof data_dir, "%s", data);
	args[0] = program_name;
	args[1] = s;
	args[2] = schema;
	args[3] = e;
	args[4] = url;
	args[5] = k;
	args[6] = key;
	args[7] = d;
	args[8] = data_dir;
	args[9] = NULL;
	args[10] = off;
	return args;
}

static int fill(const char *data)
{
	pid_t pid = fork();
	int status = 1;

	if (pid == 0) {
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(program_name, program_name, "-s", schema, "--endpoint", url, "--api-key",
			"da2-bench", "-d", data, "sync", "--once", "--timeout", "300s",
			(char *)NULL);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return status;
}

/* The shortest program with the same first screen; run as a process of its own, too. */
static int bare(const char *data)
{
	sqlite3 *db;
	sqlite3_stmt *s;
	char path[512];
	int row = 3;
	static const char mark[] = "\033]7777;idle;0\007";

	snprintf(path, sizeof path, "%s/store.db", data);
	if (sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) != SQLITE_OK ||
		sqlite3_prepare_v2(db,
			"SELECT id,title,rating,status,updatedAt FROM r_Record WHERE _rid>0 ORDER "
			"BY _rid "
			"LIMIT 20",
			-1, &s, NULL) != SQLITE_OK)
		return 3;
	initscr();
	while (sqlite3_step(s) == SQLITE_ROW)
		mvprintw(row++, 1, "%.20s %.40s", (const char *)sqlite3_column_text(s, 0),
			(const char *)sqlite3_column_text(s, 1));
	refresh();
	if (write(STDOUT_FILENO, mark, sizeof mark - 1) < 0)
		return 4;
	sqlite3_finalize(s);
	sqlite3_close(db);
	endwin();
	return 0;
}

static double first_frame(const char *data, bool reference)
{
	struct vts_opts o = {.rows = 24, .cols = 80};
	int64_t start = sd_mono_us();
	struct vts *v;
	double ms;

	if (reference) {
		static char self[] = "/proc/self/exe", mode[] = "bare", where[512];
		static char *args[] = {self, mode, where, NULL};
		snprintf(where, sizeof where, "%s", data);
		o.argv = args;
	} else {
		o.argv = ui_args(data);
		((char **)(uintptr_t)o.argv)[9] = o.argv[10]; /* --offline */
		((char **)(uintptr_t)o.argv)[10] = NULL;
	}
	v = vts_start(&o);
	if (!reference && !vts_wait_text(v, "Record", 10000)) {
		vts_dump(v);
		exit(1);
	}
	if (reference)
		vts_wait_idle(v, 10000);
	ms = (double)(sd_mono_us() - start) / 1000;
	if (!reference)
		vts_type(v, "Q");
	vts_close(v);
	return ms;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void bench_first_frame(const char *data)
{
	double a[RUNS], b[RUNS], ratio[RUNS];

	for (int i = 0; i < RUNS; i++) {
		a[i] = first_frame(data, false);
		b[i] = first_frame(data, true);
		ratio[i] = a[i] / b[i];
	}
	qsort(a, RUNS, sizeof *a, by_value);
	qsort(b, RUNS, sizeof *b, by_value);
	qsort(ratio, RUNS, sizeof *ratio, by_value);
	printf("first frame: syncdeck %.1f ms, open + keyset page + bare ncurses %.1f ms "
	       "(medians)\n",
		a[RUNS / 2], b[RUNS / 2]);
	printf("%-44s median %.2f  [%.2f - %.2f]  goal <= 5\n", "  ratio", ratio[RUNS / 2],
		ratio[0], ratio[RUNS - 1]);
}

/* The state row says so. */
static bool synced(struct vts *v)
{
	char *row = vts_row(v, 0);
	bool yes = strstr(row, "synced ") != NULL;

	free(row);
	return yes;
}

static void bench_keys(const char *data)
{
	static const char *const KEY[] = {"j", "j", "j", "\x04", "k", "\x15", "G", "g", "4", "1"};
	struct vts_opts o = {.rows = 24, .cols = 80, .argv = ui_args(data)};
	double ms[KEYS];
	struct vts *v = vts_start(&o);
	int n = 0;

	if (!vts_wait_text(v, "Record", 10000))
		exit(1);
	vts_keys(v, "\r", 2000);
	while (n < KEYS && !synced(v)) {
		int64_t start = sd_mono_us();
		if (!vts_type(v, KEY[n % 10]) || !vts_wait_drawn(v, 5000)) {
			printf("no answer to key %d within 5 s\n", n);
			exit(1);
		}
		ms[n++] = (double)(sd_mono_us() - start) / 1000;
	}
	vts_type(v, "Q");
	vts_close(v);
	if (!n)
		return;
	qsort(ms, (size_t)n, sizeof *ms, by_value);
	printf("keys while the base sync runs: %d keys, p50 %.1f ms, p99 %.1f ms, worst %.1f ms  "
	       "goal "
	       "p99 <= 16 ms\n",
		n, ms[n / 2], ms[n * 99 / 100], ms[n - 1]);
}

int main(int argc, char **argv)
{
	const char *rows = getenv("ROWS"), *program = getenv("SYNCDECK");
	int64_t n = 100000;
	struct pages p;
	char *filled, *empty;

	if (argc == 3 && strcmp(argv[1], "bare") == 0)
		return bare(argv[2]);
	if (rows && (!sd_parse_i64(rows, &n) || n < PAGE_ROWS))
		n = 100000;
	snprintf(program_name, sizeof program_name, "%s", program ? program : "build/syncdeck");
	dir = sd_test_dir();
	setenv("XDG_CONFIG_HOME", dir, 1);
	setenv("XDG_STATE_HOME", dir, 1);
	schema = sd_path_join(dir, "schema.graphql");
	filled = sd_path_join(dir, "filled");
	empty = sd_path_join(dir, "empty");
	if (sd_write_file(schema, PAGES_SDL, strlen(PAGES_SDL), NULL) != SD_OK)
		return 1;
	p = pages_start((int)(n / PAGE_ROWS));
	snprintf(url, sizeof url, "http://127.0.0.1:%d/graphql", p.port);
	if (fill(filled)) {
		pages_stop(&p);
		return 1;
	}
	bench_first_frame(filled);
	bench_keys(empty);
	pages_stop(&p);
	free(schema);
	free(filled);
	free(empty);
	sd_test_dir_remove(dir);
	return 0;
}
