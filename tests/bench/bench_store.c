/*
 * tests/bench/bench_store.c - reading a store of a million records, against bare statements.
 *
 * The store is filled through the path of a base sync.  Each read of ours goes through core/api, as
 * the screen and the command line do it, and answers JSON records; the bare side is a prepared
 * statement on the same file with the same cache, its columns taken as they are.  They run in
 * turns, so that both see the same machine.  ROWS= changes the size, DIR= the place.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/time.h"
#include "tests/bench/measure.h"
#include "tests/bench/pages.h"
#include "tests/bench/profile.h"

#define TURNS 3000
#define SCANS 5

static int64_t rows;
static sqlite3 *db;
static struct profile p;
static struct sd_rand rnd;

static bool count_one(void *ctx, struct cJSON *rec)
{
	int64_t *n = ctx;

	(void)rec;
	(*n)++;
	return true;
}

/* Rows of a bare statement, every column touched. */
static int64_t step_all(sqlite3_stmt *s)
{
	int64_t n = 0;
	static volatile size_t sum;

	while (sqlite3_step(s) == SQLITE_ROW) {
		for (int i = 0; i < sqlite3_column_count(s); i++)
			sum += sqlite3_column_type(s, i) == SQLITE_TEXT
				       ? strlen((const char *)sqlite3_column_text(s, i))
				       : (size_t)sqlite3_column_int64(s, i);
		n++;
	}
	sqlite3_reset(s);
	return n;
}

static int64_t query(const struct sd_api_query *q)
{
	int64_t n = 0;

	must(sd_api_query(p.api, q, count_one, &n, &p.e) == SD_OK, "query", p.e.text);
	return n;
}

/* ---- short reads ---- */

static char *some_id(sqlite3_stmt *by_rid)
{
	char *id;

	sqlite3_bind_int64(by_rid, 1, 1 + (int64_t)(sd_rand_u64(&rnd) % (uint64_t)rows));
	must(sqlite3_step(by_rid) == SQLITE_ROW, "a record", sqlite3_errmsg(db));
	id = strdup((const char *)sqlite3_column_text(by_rid, 0));
	sqlite3_reset(by_rid);
	return id;
}

static void told(const char *what, struct samples *ours, struct samples *bare)
{
	char text[128];

	snprintf(text, sizeof text, "%s (%.0f us, bare %.0f us)", what, samples_at(ours, 0.5),
		samples_at(bare, 0.5));
	tell_goal(text, samples_at(ours, 0.5) / samples_at(bare, 0.5), "x", false, 2);
	samples_release(ours);
	samples_release(bare);
}

static void bench_get(const char *file)
{
	struct samples ours = {0}, bare = {0};
	/* picked by a connection of its own: else the bare side would have the record's page in its
	 * memory already */
	sqlite3 *picker = bare_open(file, false);
	sqlite3_stmt *any = bare_prepare(picker, "SELECT id FROM r_Record WHERE _rid=?1");
	sqlite3_stmt *get = bare_prepare(db, "SELECT * FROM r_Record WHERE id=?1");

	for (int i = 0; i < TURNS; i++) {
		char *id[2] = {some_id(any), some_id(any)}, key[64];
		struct cJSON *rec;
		int64_t t0, t1;

		snprintf(key, sizeof key, "[\"%s\"]", id[0]);
		t0 = sd_mono_us();
		must(sd_api_get(p.api, "Record", key, &rec, &p.e) == SD_OK, "get", p.e.text);
		sd_json_free(rec);
		t1 = sd_mono_us();
		sqlite3_bind_text(get, 1, id[1], -1, SQLITE_STATIC);
		must(step_all(get) == 1, "get", "not there");
		samples_add(&ours, (double)(t1 - t0));
		samples_add(&bare, (double)(sd_mono_us() - t1));
		free(id[0]);
		free(id[1]);
	}
	sqlite3_finalize(any);
	sqlite3_finalize(get);
	sqlite3_close(picker);
	told("get by key", &ours, &bare);
}

static struct cJSON *record_of(const char *id)
{
	char key[64];
	struct cJSON *rec;

	snprintf(key, sizeof key, "[\"%s\"]", id);
	must(sd_api_get(p.api, "Record", key, &rec, &p.e) == SD_OK, "get", p.e.text);
	return rec;
}

static void bench_pages(bool by_key)
{
	struct samples ours = {0}, bare = {0};
	sqlite3_stmt *any = bare_prepare(db, "SELECT id FROM r_Record WHERE _rid=?1");
	sqlite3_stmt *page = bare_prepare(db,
		by_key ? "SELECT * FROM r_Record WHERE _deleted=0 AND id>?1 ORDER BY id LIMIT 50"
		       : "SELECT * FROM r_Record WHERE _deleted=0 AND _rid>(SELECT _rid FROM "
			 "r_Record"
			 " WHERE id=?1) ORDER BY _rid LIMIT 50");

	for (int i = 0; i < TURNS / 3; i++) {
		char *id[2] = {some_id(any), some_id(any)};
		struct cJSON *after = record_of(id[0]);
		struct sd_api_query q = {.model = "Record",
			.sort = by_key ? "id" : NULL,
			.after = after,
			.limit = 50};
		int64_t t0 = sd_mono_us(), t1;

		query(&q);
		t1 = sd_mono_us();
		sqlite3_bind_text(page, 1, id[1], -1, SQLITE_STATIC);
		step_all(page);
		samples_add(&ours, (double)(t1 - t0));
		samples_add(&bare, (double)(sd_mono_us() - t1));
		sd_json_free(after);
		free(id[0]);
		free(id[1]);
	}
	sqlite3_finalize(any);
	sqlite3_finalize(page);
	told(by_key ? "page of 50 behind a record, by key" : "page of 50 behind a record", &ours,
		&bare);
}

static void bench_indexed(void)
{
	struct samples ours = {0}, bare = {0};
	const struct sd_api_query q = {.model = "Record", .where = "status = DRAFT", .limit = 50};
	sqlite3_stmt *s =
		bare_prepare(db, "SELECT * FROM r_Record WHERE _deleted=0 AND status='DRAFT'"
				 " ORDER BY _rid LIMIT 50");

	for (int i = 0; i < TURNS / 3; i++) {
		int64_t t0 = sd_mono_us(), t1;

		query(&q);
		t1 = sd_mono_us();
		step_all(s);
		samples_add(&ours, (double)(t1 - t0));
		samples_add(&bare, (double)(sd_mono_us() - t1));
	}
	sqlite3_finalize(s);
	told("indexed predicate, 50 records", &ours, &bare);
}

/* ---- scans ---- */

struct scan { /* a job's, looked at by the starter */
	struct sd_api_query q;
	int64_t n;
};

static enum sd_err scan_job(struct sd_api_reader *r, void *ctx, struct sd_error *e)
{
	struct scan *s = ctx;

	return sd_api_reader_query(r, &s->q, count_one, &s->n, e);
}

static void bench_common(void)
{
	struct samples ms = {0};
	const struct sd_api_query q = {
		.model = "Record", .where = "title contains \"77\"", .limit = 50};

	for (int i = 0; i < SCANS; i++) {
		int64_t t0 = sd_mono_us();

		must(query(&q) == 50, "contains", "fewer than 50 hits");
		samples_add(&ms, (double)(sd_mono_us() - t0) / 1000);
	}
	tell_goal("contains, first 50 hits of a term in over 1 % of rows", samples_at(&ms, 1),
		" ms", false, 50);
	samples_release(&ms);
}

static void bench_rare(void)
{
	struct samples ratio = {0}, first = {0}, ours_ms = {0}, cancel = {0};
	struct scan s = {
		.q = {.model = "Record", .where = "body contains \"xylophone\"", .limit = 50}};
	sqlite3_stmt *bare = bare_prepare(db,
		"SELECT * FROM r_Record WHERE _deleted=0 AND instr(body,'xylophone')>0"
		" ORDER BY _rid LIMIT 50");
	struct sd_api_job *job;

	for (int i = 0; i < SCANS; i++) {
		int64_t t0 = sd_mono_us(), seen = 0, t1, t2;

		must(sd_api_job_start(p.api, scan_job, &s, &job, &p.e) == SD_OK, "job", p.e.text);
		while (!sd_api_job_done(job)) {
			if (!seen && sd_api_job_percent(job) >= 0)
				seen = sd_mono_us();
			usleep(200);
		}
		must(sd_api_job_end(job, &p.e) == SD_OK, "scan", p.e.text);
		t1 = sd_mono_us();
		must(s.n == 0 && step_all(bare) == 0, "scan", "there are no such records");
		t2 = sd_mono_us();
		samples_add(&first, seen ? (double)(seen - t0) / 1000 : 1e9);
		samples_add(&ours_ms, (double)(t1 - t0) / 1000);
		samples_add(&ratio, (double)(t1 - t0) / (double)(t2 - t1));
		must(sd_api_job_start(p.api, scan_job, &s, &job, &p.e) == SD_OK, "job", p.e.text);
		usleep(10000 + (useconds_t)(sd_rand_u64(&rnd) % 40000));
		t0 = sd_mono_us();
		must(sd_api_job_end(job, &p.e) == SD_CANCELLED, "cancelling", "it was over");
		samples_add(&cancel, (double)(sd_mono_us() - t0) / 1000);
	}
	sqlite3_finalize(bare);
	printf("contains, no such record: %.0f ms for the whole table\n",
		samples_at(&ours_ms, 0.5));
	tell_goal("first progress told (worst)", samples_at(&first, 1), " ms", false, 50);
	tell_goal("whole scan against the bare one", samples_at(&ratio, 0.5), "x", false, 1.5);
	tell_goal("cancelled after (worst)", samples_at(&cancel, 1), " ms", false, 20);
	samples_release(&ratio);
	samples_release(&first);
	samples_release(&ours_ms);
	samples_release(&cancel);
}

/* ---- the program ---- */

struct ran {
	double ms, mb, cpu_ms;
};

static struct ran run(const char *dir, const char *schema, const char *where)
{
	const char *program = getenv("SYNCDECK") ? getenv("SYNCDECK") : "build/syncdeck";
	int64_t t0 = sd_mono_us();
	struct rusage u;
	struct ran r;
	int status = 1;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		setenv("XDG_CONFIG_HOME", dir, 1);
		setenv("XDG_STATE_HOME", dir, 1);
		if (!freopen("/dev/null", "w", stdout))
			_exit(126);
		execl(program, program, "-s", schema, "-d", dir, "query", "Record", "--limit", "50",
			where ? "--where" : (char *)NULL, where, (char *)NULL);
		_exit(127);
	}
	must(wait4(pid, &status, 0, &u) == pid && status == 0, program, "failed");
	r.ms = (double)(sd_mono_us() - t0) / 1000;
	r.mb = (double)u.ru_maxrss / 1024;
	r.cpu_ms = (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 +
		   (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
	return r;
}

static void bench_program(const char *big, const char *small, const char *schema)
{
	struct samples ms = {0}, least = {0}, mb = {0}, small_mb = {0}, cpu = {0};

	for (int i = 0; i < 21; i++) {
		struct ran a = run(big, schema, NULL), b = run(small, schema, NULL);

		samples_add(&ms, a.ms);
		samples_add(&cpu, a.cpu_ms);
		samples_add(&least, b.ms);
	}
	for (int i = 0; i < 3; i++) {
		samples_add(&mb, run(big, schema, "body contains \"xylophone\"").mb);
		samples_add(&small_mb, run(small, schema, "body contains \"xylophone\"").mb);
	}
	printf("the program, opening the store and printing 50 records: %.1f ms, %.1f ms of "
	       "processor "
	       "time; of a small store %.1f ms\n",
		samples_at(&ms, 0.5), samples_at(&cpu, 0.5), samples_at(&least, 0.5));
	tell_goal("whole process, p50", samples_at(&ms, 0.5), " ms", false, 20);
	printf("memory of a scan: %.1f MB, of a scan of 2000 records %.1f MB\n",
		samples_at(&mb, 0.5), samples_at(&small_mb, 0.5));
	tell_goal("memory beyond that of the small store",
		samples_at(&mb, 0.5) - samples_at(&small_mb, 0.5), " MB", false, 24);
	samples_release(&ms);
	samples_release(&least);
	samples_release(&mb);
	samples_release(&small_mb);
	samples_release(&cpu);
}

int main(void)
{
	char *dir = bench_dir(), *big = sd_path_join(dir, "big"),
	     *small = sd_path_join(dir, "small");
	char *schema = sd_path_join(dir, "schema.graphql"), *file = sd_path_join(big, "store.db");
	double s;

	rows = env_number("ROWS", 1000000) / PAGE_ROWS * PAGE_ROWS;
	sd_rand_seeded(&rnd, 11);
	must(sd_write_file(schema, PAGES_SDL, strlen(PAGES_SDL), NULL) == SD_OK, schema, "");
	s = profile_fill(big, rows);
	printf("a store of %lld records, filled in %.1f s (%.0f rows/s)\n", (long long)rows, s,
		(double)rows / s);
	profile_fill(small, 2000);
	profile_open(&p, big, "");
	db = bare_open(file, false);
	bench_get(file);
	bench_pages(false);
	bench_pages(true);
	bench_indexed();
	bench_common();
	bench_rare();
	sqlite3_close(db);
	profile_close(&p);
	bench_program(big, small, schema);
	free(file);
	free(schema);
	free(big);
	free(small);
	bench_dir_remove(dir);
	return 0;
}
