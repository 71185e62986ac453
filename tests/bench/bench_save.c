/*
 * tests/bench/bench_save.c - what a person's saves cost: alone, beside a base sync, and in bulk.
 *
 * Everything through core/api, as the screen and the command line do it, on a real disk.  The bare
 * side is the shortest program with the same effect on SQLite: the record and its outbox row in
 * one transaction, synchronous=FULL, the statements prepared once.  Saves alone are paired one by
 * one; beside a base sync the engine of this very process applies pages from a server as fast as
 * they come, and a save is made every few milliseconds.  ROWS= changes the size of the sync.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/time.h"
#include "tests/bench/measure.h"
#include "tests/bench/pages.h"
#include "tests/bench/profile.h"

#define SAVES  2000
#define IMPORT 100000

struct bare {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *put, *queue;
};

static void open_bare(struct bare *b, const char *path)
{
	b->db = bare_open(path, true);
	bare_exec(b->db,
		"CREATE TABLE r(rid INTEGER PRIMARY KEY,id TEXT UNIQUE,title TEXT,body TEXT,"
		"rating INTEGER,featured INTEGER,tags TEXT,status TEXT,createdAt TEXT,"
		"updatedAt TEXT,_version INTEGER,_lastChangedAt INTEGER,_deleted INTEGER);"
		"CREATE INDEX r_status ON r(status);"
		"CREATE TABLE outbox(seq INTEGER PRIMARY KEY,op INTEGER,model TEXT,key TEXT,"
		"fields TEXT,enqueued INTEGER);"
		"CREATE INDEX outbox_key ON outbox(model,key)");
	b->begin = bare_prepare(b->db, "BEGIN IMMEDIATE");
	b->commit = bare_prepare(b->db, "COMMIT");
	b->put = bare_prepare(b->db,
		"INSERT INTO r(id,title,body,rating,featured,tags,status) VALUES(?1,?2,?3,?4,?5,"
		"?6,?7) ON CONFLICT(id) DO UPDATE SET title=?2,body=?3,rating=?4,featured=?5,"
		"tags=?6,status=?7");
	b->queue = bare_prepare(b->db,
		"INSERT INTO outbox(op,model,key,fields,enqueued) VALUES(0,'Record',?1,?2,?3)");
}

static void close_bare(struct bare *b)
{
	sqlite3_finalize(b->begin);
	sqlite3_finalize(b->commit);
	sqlite3_finalize(b->put);
	sqlite3_finalize(b->queue);
	sqlite3_close(b->db);
}

static void step(struct bare *b, sqlite3_stmt *s)
{
	must(sqlite3_step(s) == SQLITE_DONE, "bare", sqlite3_errmsg(b->db));
	sqlite3_reset(s);
}

/* The record and what would be sent, bound from the same tree. */
static void put_bare(struct bare *b, const struct cJSON *rec, bool queue)
{
	static const char *const TEXT[] = {"id", "title", "body"};
	char *tags = sd_json_text(sd_json_get(rec, "tags")), *all = NULL;

	for (int i = 0; i < 3; i++)
		sqlite3_bind_text(b->put, i + 1, sd_json_get_str(rec, TEXT[i]), -1, SQLITE_STATIC);
	sqlite3_bind_int64(b->put, 4, sd_json_get_i64(rec, "rating", 0));
	sqlite3_bind_int(b->put, 5, sd_json_is_true(sd_json_get(rec, "featured")));
	sqlite3_bind_text(b->put, 6, tags, -1, SQLITE_STATIC);
	sqlite3_bind_text(b->put, 7, sd_json_get_str(rec, "status"), -1, SQLITE_STATIC);
	step(b, b->put);
	if (queue) {
		all = sd_json_text(rec);
		sqlite3_bind_text(b->queue, 1, sd_json_get_str(rec, "id"), -1, SQLITE_STATIC);
		sqlite3_bind_text(b->queue, 2, all, -1, SQLITE_STATIC);
		sqlite3_bind_int64(b->queue, 3, sd_now_ms());
		step(b, b->queue);
	}
	free(tags);
	free(all);
}

/* What a person gives: no times. */
static struct cJSON *input(struct sd_rand *r, int64_t n)
{
	struct cJSON *j = profile_record(r, n);

	sd_json_remove(j, "createdAt");
	sd_json_remove(j, "updatedAt");
	return j;
}

static void bench_idle(const char *dir)
{
	struct samples ours = {0}, bare = {0}, change = {0}, bare_change = {0};
	char *mine = sd_path_join(dir, "idle"), *file = sd_path_join(dir, "idle.db");
	struct profile p;
	struct bare b;
	struct sd_rand rand;

	sd_rand_seeded(&rand, 3);
	profile_open(&p, mine, "");
	open_bare(&b, file);
	for (int i = 0; i < SAVES; i++) {
		struct cJSON *rec = input(&rand, i), *rec2 = sd_json_dup(rec);

		for (int again = 0; again < 2; again++) {
			int64_t t0 = sd_mono_us(), t1;

			must(sd_api_save(p.api, "Record", again ? rec2 : rec, NULL, NULL, &p.e) ==
					SD_OK,
				"save", p.e.text);
			t1 = sd_mono_us();
			step(&b, b.begin);
			put_bare(&b, again ? rec2 : rec, true);
			step(&b, b.commit);
			samples_add(again ? &change : &ours, (double)(t1 - t0));
			samples_add(again ? &bare_change : &bare, (double)(sd_mono_us() - t1));
			sd_json_set(rec2, "title", sd_json_string("another title"));
		}
		sd_json_free(rec);
		sd_json_free(rec2);
	}
	printf("durable save, idle: %.0f us new, %.0f us changed; bare %.0f us, %.0f us (p50)\n",
		samples_at(&ours, 0.5), samples_at(&change, 0.5), samples_at(&bare, 0.5),
		samples_at(&bare_change, 0.5));
	printf("  one in a hundred takes %.1f ms, of the bare ones %.1f ms: that is the disk of "
	       "this "
	       "moment\n",
		samples_at(&ours, 0.99) / 1000, samples_at(&bare, 0.99) / 1000);
	tell_goal("new record, p50 against the bare transaction",
		samples_at(&ours, 0.5) / samples_at(&bare, 0.5), "x", false, 1.5);
	tell_goal("changed record, p50 against the bare transaction",
		samples_at(&change, 0.5) / samples_at(&bare_change, 0.5), "x", false, 1.5);
	close_bare(&b);
	profile_close(&p);
	samples_release(&ours);
	samples_release(&bare);
	samples_release(&change);
	samples_release(&bare_change);
	free(mine);
	free(file);
}

static double wal_mb(const char *dir)
{
	char *path = sd_path_join(dir, "store.db-wal");
	struct stat s;
	double mb = stat(path, &s) == 0 ? (double)s.st_size / 1048576 : 0;

	free(path);
	return mb;
}

static bool synced(struct profile *p, int64_t *rows)
{
	struct sd_api_status s;
	struct cJSON *models = NULL;

	sd_api_status(p->api, &s);
	if (rows && sd_api_models(p->api, &models, NULL) == SD_OK)
		*rows = sd_json_get_i64(sd_json_child(models), "rows", 0);
	sd_json_free(models);
	return s.ready;
}

static void bench_beside_sync(const char *dir, int64_t rows, int64_t gap_us)
{
	struct pages pages = pages_start((int)(rows / PAGE_ROWS));
	struct samples ms = {0};
	struct profile p;
	struct sd_rand rand;
	char url[64], name[32], *mine;
	double wal = 0, seconds;
	int64_t begun = sd_mono_us(), got = 0;

	sd_rand_seeded(&rand, 4);
	snprintf(name, sizeof name, "beside%lld", (long long)gap_us);
	mine = sd_path_join(dir, name);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/graphql", pages.port);
	profile_open(&p, mine, url);
	must(sd_api_outbox_pause(p.api, true, &p.e) == SD_OK, "pause", p.e.text);
	must(sd_api_start(p.api, &p.e) == SD_OK, "starting the engine", p.e.text);
	for (int i = 0; !synced(&p, NULL); i++) {
		struct cJSON *rec = input(&rand, i);
		char *event;
		int64_t t0 = sd_mono_us();

		must(sd_api_save(p.api, "Record", rec, NULL, NULL, &p.e) == SD_OK, "save",
			p.e.text);
		samples_add(&ms, (double)(sd_mono_us() - t0) / 1000);
		sd_json_free(rec);
		while ((event = sd_api_next_event(p.api)))
			free(event);
		wal = wal_mb(mine) > wal ? wal_mb(mine) : wal;
		/* not in step with the applier */
		usleep((useconds_t)(gap_us / 2 + (int64_t)(sd_rand_u64(&rand) % (uint64_t)gap_us)));
		must(sd_mono_us() - begun < 300000000, "base sync", "is not over after 300 s");
	}
	seconds = (double)(sd_mono_us() - begun) / 1e6;
	synced(&p, &got);
	must(got == rows + (int64_t)ms.n, "base sync", "rows are missing");
	printf("durable save every %.0f ms while a base sync of %lld records runs (%.0f rows/s): "
	       "%zu saves, p50 %.1f ms, p90 %.1f ms, worst %.1f ms\n",
		(double)gap_us / 1000, (long long)rows, (double)rows / seconds, ms.n,
		samples_at(&ms, 0.5), samples_at(&ms, 0.9), samples_at(&ms, 1));
	tell_goal("save beside a base sync, p99", samples_at(&ms, 0.99), " ms", false, 25);
	tell_goal("WAL at its largest", wal, " MB", false, 128);
	profile_close(&p);
	pages_stop(&pages);
	samples_release(&ms);
	free(mine);
}

/* ---- import ---- */

struct lines {
	char *text, *at; /* NDJSON */
};

static bool next_line(void *ctx, struct cJSON **fields, enum sd_err *rc, struct sd_error *e)
{
	struct lines *l = ctx;
	char *end = strchr(l->at, '\n');

	*fields = NULL;
	if (!end)
		return false;
	*rc = sd_json_parse(l->at, (size_t)(end - l->at), "line", fields, e);
	l->at = end + 1;
	return *rc == SD_OK;
}

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static void import_bare(const char *path, struct lines *l, bool queue)
{
	struct bare b;
	struct cJSON *rec;
	enum sd_err rc = SD_OK;

	l->at = l->text;
	open_bare(&b, path);
	step(&b, b.begin);
	while (next_line(l, &rec, &rc, NULL)) {
		put_bare(&b, rec, queue);
		sd_json_free(rec);
	}
	step(&b, b.commit);
	close_bare(&b);
}

static void bench_import(const char *dir)
{
	struct samples ratio = {0}, cpu = {0}, record_only = {0};
	struct sd_buf text = SD_BUF_INIT;
	struct lines l;
	struct sd_rand rand;

	sd_rand_seeded(&rand, 5);
	for (int i = 0; i < IMPORT; i++) {
		struct cJSON *j = input(&rand, i);
		sd_json_print(j, &text);
		sd_buf_ch(&text, '\n');
		sd_json_free(j);
	}
	l.text = sd_buf_take(&text);
	for (int run = 0; run < 3; run++) {
		char name[32], *path;
		struct profile p;
		int64_t t0, t1, t2, t3;
		double c0, c1, c2;

		snprintf(name, sizeof name, "import%d", run);
		path = sd_path_join(dir, name);
		profile_open(&p, path, "");
		free(path);
		l.at = l.text;
		t0 = sd_mono_us();
		c0 = cpu_s();
		must(sd_api_save_many(p.api, "Record", NULL, next_line, NULL, &l, &p.e) == SD_OK,
			"import", p.e.text);
		profile_close(&p);
		t1 = sd_mono_us();
		c1 = cpu_s();
		snprintf(name, sizeof name, "import%d.db", run);
		path = sd_path_join(dir, name);
		import_bare(path, &l, true);
		free(path);
		t2 = sd_mono_us();
		c2 = cpu_s();
		snprintf(name, sizeof name, "import%d-r.db", run);
		path = sd_path_join(dir, name);
		import_bare(path, &l, false);
		free(path);
		t3 = sd_mono_us();
		printf("import of %d records: %.2f s (%.2f s CPU); bare, record and outbox row "
		       "%.2f s "
		       "(%.2f s); bare, record alone %.2f s\n",
			IMPORT, (double)(t1 - t0) / 1e6, c1 - c0, (double)(t2 - t1) / 1e6, c2 - c1,
			(double)(t3 - t2) / 1e6);
		samples_add(&ratio, (double)(t2 - t1) / (double)(t1 - t0));
		samples_add(&cpu, (c2 - c1) / (c1 - c0));
		samples_add(&record_only, (double)(t3 - t2) / (double)(t1 - t0));
	}
	tell_goal("import, speed against the bare load", samples_at(&ratio, 0.5), "x", true, 0.8);
	printf("  the same in CPU seconds %.2fx; against a load of records without outbox rows "
	       "%.2fx\n",
		samples_at(&cpu, 0.5), samples_at(&record_only, 0.5));
	samples_release(&ratio);
	samples_release(&cpu);
	samples_release(&record_only);
	free(l.text);
}

int main(int argc, char **argv)
{
	const char *only = argc > 1 ? argv[1] : "idle import sync";
	char *dir = bench_dir();

	if (strstr(only, "idle"))
		bench_idle(dir);
	if (strstr(only, "import"))
		bench_import(dir);
	if (strstr(only, "sync")) {
		int64_t rows = env_number("ROWS", 200000) / PAGE_ROWS * PAGE_ROWS;
		bench_beside_sync(dir, rows, env_number("GAP_US", 5000));
		bench_beside_sync(dir, rows * 2, 40000);
	}
	bench_dir_remove(dir);
	return 0;
}
