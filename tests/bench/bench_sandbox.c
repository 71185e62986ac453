/*
 * tests/bench/bench_sandbox.c - the local backend: seeding, start, cold sync pages, mutations,
 * publishing, and others served beside long admin calls, on ROWS (1,000,000) records.
 *
 * Absolute figures stand beside issue 3's goals; beside them, in the same run, what the shortest
 * program with the same libraries takes for the same: bare SQLite inserts, a bare page scan, a bare
 * HTTP answer, a bare synced transaction.
 */
#include <signal.h>
#include <sqlite3.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/rand.h"
#include "core/base/time.h"
#include "tests/bench/measure.h"
#include "tests/bench/sbx_child.h"
#include "tests/support/ws_client.h"

#define PAGE        1000
#define ROUNDS      5
#define SUBSCRIBERS 100
#define EVENTS      200

static const char SDL[] =
	"enum Status { ACTIVE DRAFT ARCHIVED }\n"
	"type Record @model @auth(rules: [{allow: public}]) {\n"
	"  id: ID!\n  title: String!\n  body: String\n  rating: Int\n  featured: Boolean\n"
	"  tags: [String]\n  status: Status\n}\n";

#define FIELDS                                                                                     \
	"id title body rating featured tags status createdAt updatedAt _version _lastChangedAt "   \
	"_deleted"

static const char *program, *schema, *db;
static int64_t rows;

static double cpu_s(void)
{
	struct rusage u;

	getrusage(RUSAGE_SELF, &u);
	return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
	       (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

static double seconds(int64_t begin_us)
{
	return (double)(sd_mono_us() - begin_us) / 1e6;
}

static void sql(sqlite3 *d, const char *text)
{
	char *why = NULL;

	must(sqlite3_exec(d, text, NULL, NULL, &why) == SQLITE_OK, text, why);
}

static sqlite3 *open_sqlite(const char *path)
{
	sqlite3 *d = NULL;

	must(sqlite3_open(path, &d) == SQLITE_OK, path, "cannot be opened");
	return d;
}

/* ---- seeding ---- */

/* CPU seconds of writing the same texts with bare SQLite: one table, a unique index afterwards. */
static double bare_insert(const char *dir)
{
	char *copy = sd_path_join(dir, "bare.db");
	double begin = cpu_s();
	sqlite3 *d = open_sqlite(copy);
	char *attach = sqlite3_mprintf("ATTACH %Q AS s", db);
	int64_t step = 20000;

	sql(d, "PRAGMA page_size=8192; PRAGMA cache_size=-32000; PRAGMA journal_mode=WAL; PRAGMA "
	       "synchronous=NORMAL; CREATE TABLE t(rid INTEGER PRIMARY KEY, pk TEXT, item TEXT)");
	sql(d, attach);
	for (int64_t at = 0; at < rows; at += step) {
		char *some = sqlite3_mprintf("INSERT INTO t(pk,item) SELECT pk,item FROM "
					     "s.base_Record WHERE rid>%lld AND rid<=%lld",
			(long long)at, (long long)(at + step));
		sql(d, some);
		sqlite3_free(some);
	}
	sql(d, "CREATE UNIQUE INDEX i ON t(pk)");
	sqlite3_close(d);
	sqlite3_free(attach);
	unlink(copy);
	free(copy);
	return cpu_s() - begin;
}

static void bench_seed(const char *dir)
{
	char n[32];
	const char *file[] = {"--schema", schema, "--db", db, "--seed", n, NULL};
	const char *memory[] = {"--schema", schema, "--seed", n, NULL};
	struct sbx_child c;
	double cpu, bare;

	snprintf(n, sizeof n, "%lld:3", (long long)rows);
	c = sbx_child_start(program, file);
	cpu = sbx_child_cpu_s(&c);
	printf("seeding %lld records\n", (long long)rows);
	printf("  into a file: %.1f s, %.1f s CPU, %.0f records/s\n", c.ready_s, cpu,
		(double)rows / c.ready_s);
	tell_goal("peak memory, into a file", sbx_child_peak_mb(&c), " MB", false, 100);
	sbx_child_stop(&c);
	bare = bare_insert(dir);
	tell_goal("CPU against copying the same texts with bare SQLite", cpu / bare, "", false, 3);
	c = sbx_child_start(program, memory);
	printf("  without --db: %.1f s, %.1f s CPU\n", c.ready_s, sbx_child_cpu_s(&c));
	tell_goal("peak memory, without --db", sbx_child_peak_mb(&c), " MB", false, 100);
	sbx_child_stop(&c);
}

/* ---- start and cold pages ---- */

static void bench_start(void)
{
	const char *args[] = {"--schema", schema, "--db", db, NULL};
	struct samples ms = {0};

	for (int i = 0; i < ROUNDS; i++) {
		struct sbx_child c;
		drop_from_cache(db);
		c = sbx_child_start(program, args);
		samples_add(&ms, c.ready_s * 1000);
		sbx_child_stop(&c);
	}
	printf("start on a cold file of %lld records\n", (long long)rows);
	tell_goal("to the ready line", samples_at(&ms, 0.5), " ms", false, 100);
	samples_release(&ms);
}

/* CPU seconds and wall time of the same pages by SQLite alone, put together as text. */
static double bare_pages(int pages, double *wall)
{
	double begin = cpu_s();
	int64_t start = sd_mono_us();
	sqlite3 *d = open_sqlite(db);
	sqlite3_stmt *s;
	struct sd_buf page = SD_BUF_INIT;
	int64_t rid = 0;

	must(sqlite3_prepare_v2(d,
		     "SELECT rid,item FROM base_Record WHERE rid>? ORDER BY rid LIMIT 1000", -1, &s,
		     NULL) == SQLITE_OK,
		"page scan", sqlite3_errmsg(d));
	for (int i = 0; i < pages; i++) {
		sd_buf_reset(&page);
		sqlite3_bind_int64(s, 1, rid);
		while (sqlite3_step(s) == SQLITE_ROW) {
			rid = sqlite3_column_int64(s, 0);
			sd_buf_add(&page, sqlite3_column_text(s, 1),
				(size_t)sqlite3_column_bytes(s, 1));
			sd_buf_ch(&page, ',');
		}
		sqlite3_reset(s);
	}
	sqlite3_finalize(s);
	sqlite3_close(d);
	sd_buf_release(&page);
	*wall = seconds(start);
	return cpu_s() - begin;
}

/* Reads `pages` pages, token after token; bytes of the last one. */
static size_t sync_pages(struct http *h, int pages)
{
	struct sd_buf body = SD_BUF_INIT;
	char token[1000] = "null";
	size_t last = 0;

	for (int i = 0; i < pages; i++) {
		const char *answer, *t, *end;
		sd_buf_reset(&body);
		sd_buf_fmt(&body,
			"{\"query\":\"query($l: Int, $t: String) { syncRecords(limit: $l, "
			"nextToken: $t) { items { " FIELDS
			" } nextToken startedAt } }\",\"variables\":{\"l\":%d,\"t\":%s}}",
			PAGE, token);
		answer = http_post(h, "/graphql", sd_buf_text(&body));
		last = strlen(answer);
		t = strstr(answer, "\"nextToken\":\"");
		must(t && (end = strchr(t + 13, '"')) && end - t < 900, "page", answer);
		snprintf(token, sizeof token, "\"%.*s\"", (int)(strchr(t + 13, '"') - t - 13),
			t + 13);
	}
	sd_buf_release(&body);
	return last;
}

static void bench_pages(void)
{
	const char *args[] = {"--schema", schema, "--db", db, NULL};
	int pages = (int)(rows / PAGE * 9 / 10);
	double cpu, bare, wall, bare_wall;
	struct sbx_child c;
	struct http h;
	int64_t start;
	size_t bytes;

	pages = pages > 300 ? 300 : pages;
	drop_from_cache(db);
	c = sbx_child_start(program, args);
	http_open(&h, c.port);
	start = sd_mono_us();
	bytes = sync_pages(&h, pages);
	wall = seconds(start);
	cpu = sbx_child_cpu_s(&c);
	drop_from_cache(db);
	bare = bare_pages(pages, &bare_wall);
	printf("sync pages of %d records (%zu KB), %d of them, cold file of %lld records\n", PAGE,
		bytes / 1000, pages, (long long)rows);
	tell_goal("records/s", (double)pages * PAGE / wall, "", true, 20000);
	tell_goal("peak memory", sbx_child_peak_mb(&c), " MB", false, 100);
	printf("  %.2f ms CPU a page, bare page scan %.2f ms; wall %.2f and %.2f ms\n",
		cpu / pages * 1000, bare / pages * 1000, wall / pages * 1000,
		bare_wall / pages * 1000);
	tell_goal("CPU against the bare page scan", cpu / bare, "", false, 15);
	http_close(&h);
	sbx_child_stop(&c);
}

/* ---- mutations ---- */

static void create_body(struct sd_buf *b, struct sd_rand *r, int i)
{
	char id[SD_UUID_TEXT];

	sd_uuid4(r, id);
	sd_buf_reset(b);
	sd_buf_fmt(b,
		"{\"query\":\"mutation operation($input: CreateRecordInput!, $condition: "
		"ModelRecordConditionInput) { createRecord(input: $input, condition: $condition) { "
		"" FIELDS
		" } }\",\"variables\":{\"input\":{\"id\":\"%s\",\"title\":\"Record number "
		"%d of the run\",\"body\":\"The pump in the cellar was replaced in spring; "
		"pressure has been stable since, and the meter was read and "
		"photographed.\",\"rating\":%d,\"featured\":true,\"tags\":[\"alpha\",\"beta\","
		"\"gamma\"],\"status\":\"DRAFT\"},\"condition\":null}}",
		id, i, i % 100);
}

/* Requests a second on one connection, one after another. */
static double mutations(struct http *h, struct sd_rand *r, int n)
{
	struct sd_buf b = SD_BUF_INIT;
	int64_t start = sd_mono_us();

	for (int i = 0; i < n; i++) {
		const char *answer;
		create_body(&b, r, i);
		answer = http_post(h, "/graphql", sd_buf_text(&b));
		must(*answer == 'x' || strstr(answer, "\"_version\":1"), "mutation", answer);
	}
	sd_buf_release(&b);
	return n / seconds(start);
}

/* Two inserts in a transaction that waits for the disk, a second. */
static double bare_saves(const char *dir, int n)
{
	char *path = sd_path_join(dir, "saves.db");
	sqlite3 *d = open_sqlite(path);
	int64_t start;
	double rate;

	sql(d, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; CREATE TABLE IF NOT EXISTS a(k "
	       "INTEGER PRIMARY KEY, t TEXT); CREATE TABLE IF NOT EXISTS b(k INTEGER PRIMARY KEY, "
	       "t "
	       "TEXT)");
	start = sd_mono_us();
	for (int i = 0; i < n; i++)
		sql(d, "BEGIN IMMEDIATE; INSERT INTO a(t) VALUES(hex(randomblob(200))); INSERT "
		       "INTO b(t) VALUES(hex(randomblob(200))); COMMIT");
	rate = n / seconds(start);
	sqlite3_close(d);
	free(path);
	return rate;
}

static void bench_mutations(const char *dir)
{
	const char *memory[] = {"--schema", schema, NULL};
	const char *file[] = {"--schema", schema, "--db", db, NULL};
	struct samples rate = {0}, ratio = {0}, durable = {0}, against = {0};
	struct sbx_child a = sbx_child_start(program, memory), b = sbx_child_start(program, file);
	struct http ha, hb, he;
	struct sd_rand r;
	int port;
	pid_t echo = echo_start(420, &port);

	sd_rand_seeded(&r, 42);
	http_open(&ha, a.port);
	http_open(&hb, b.port);
	http_open(&he, port);
	for (int i = 0; i < ROUNDS; i++) {
		double v = mutations(&ha, &r, 1500), bare = mutations(&he, &r, 1500);
		samples_add(&rate, v);
		samples_add(&ratio, bare / v);
		v = mutations(&hb, &r, 500);
		bare = bare_saves(dir, 500);
		samples_add(&durable, v);
		samples_add(&against, bare / v);
	}
	printf("single mutations on one connection (medians of %d pairs)\n", ROUNDS);
	tell_goal("without --db, a second", samples_at(&rate, 0.5), "", true, 3000);
	tell_goal("times the time of a bare HTTP answer", samples_at(&ratio, 0.5), "", false, 8);
	tell_goal("durable, beside the seeded records, a second", samples_at(&durable, 0.5), "",
		true, 1000);
	tell_goal("times the time of a bare synced transaction", samples_at(&against, 0.5), "",
		false, 3);
	kill(echo, SIGKILL);
	waitpid(echo, NULL, 0);
	http_close(&ha);
	http_close(&hb);
	http_close(&he);
	sbx_child_stop(&a);
	sbx_child_stop(&b);
	samples_release(&rate);
	samples_release(&ratio);
	samples_release(&durable);
	samples_release(&against);
}

/* ---- publishing ---- */

#define CONNECT                                                                                    \
	"/graphql/realtime?header="                                                                \
	"eyJob3N0IjoiMTI3LjAuMC4xIiwieC1hcGkta2V5IjoiZGEyLWZha2VBcGlJZDEyMzQ1NiJ9&payload=e30="

static struct sd_test_ws *subscriber(int port)
{
	int status;
	struct sd_test_ws *w = sd_test_ws_open(port, CONNECT, "graphql-ws", "", &status);

	must(w != NULL, "subscriber", "no upgrade");
	sd_test_ws_send(w, "{\"type\":\"connection_init\"}");
	free(sd_test_ws_expect(w, "connection_ack", 10000));
	sd_test_ws_send(w,
		"{\"id\":\"1\",\"type\":\"start\",\"payload\":{\"data\":\"{\\\"query\\\":\\\""
		"subscription { onCreateRecord { " FIELDS " } "
		"}\\\",\\\"variables\\\":{}}\",\"extensions\":{\"authorization\":{\"host\":\"127."
		"0.0.1\",\"x-api-key\":\"da2-fakeApiId123456\"}}}}");
	free(sd_test_ws_expect(w, "start_ack", 10000));
	return w;
}

static void bench_publish(void)
{
	const char *args[] = {"--schema", schema, NULL};
	struct sbx_child c = sbx_child_start(program, args);
	struct sd_test_ws *w[SUBSCRIBERS];
	struct samples ms = {0};
	struct sd_buf b = SD_BUF_INIT;
	struct sd_rand r;
	struct http h;
	double cpu;

	sd_rand_seeded(&r, 43);
	http_open(&h, c.port);
	for (int i = 0; i < SUBSCRIBERS; i++)
		w[i] = subscriber(c.port);
	cpu = sbx_child_cpu_s(&c);
	for (int k = 0; k < EVENTS; k++) {
		int64_t start = sd_mono_us();
		create_body(&b, &r, k);
		http_send(&h, "/graphql", sd_buf_text(&b));
		for (int i = 0; i < SUBSCRIBERS; i++) {
			char *event = sd_test_ws_expect(w[i], "data", 10000);
			must(event != NULL, "subscriber", "no event within 10 s");
			samples_add(&ms, seconds(start) * 1000);
			free(event);
		}
		http_receive(&h);
	}
	cpu = sbx_child_cpu_s(&c) - cpu;
	printf("publishing to %d subscribers, %d events\n", SUBSCRIBERS, EVENTS);
	printf("  p50 %.2f ms, %.2f ms CPU an event\n", samples_at(&ms, 0.5), cpu / EVENTS * 1000);
	tell_goal("mutation sent to event read, p99", samples_at(&ms, 0.99), " ms", false, 20);
	for (int i = 0; i < SUBSCRIBERS; i++)
		sd_test_ws_free(w[i]);
	http_close(&h);
	sbx_child_stop(&c);
	sd_buf_release(&b);
	samples_release(&ms);
}

/* ---- others beside long admin calls ---- */

static void beside(struct sbx_child *c, const char *what, const char *path, const char *body)
{
	struct samples ms = {0};
	struct sd_buf b = SD_BUF_INIT;
	struct sd_rand r;
	struct http admin, h;
	int64_t start = sd_mono_us();
	double took;

	sd_rand_seeded(&r, 44);
	http_open(&admin, c->port);
	http_open(&h, c->port);
	http_send(&admin, path, body);
	do {
		int64_t at = sd_mono_us();
		create_body(&b, &r, 1);
		must(strstr(http_post(&h, "/graphql", sd_buf_text(&b)), "createRecord") != NULL,
			"mutation", what);
		samples_add(&ms, seconds(at) * 1000);
		usleep(2000);
	} while (!http_waiting(&admin));
	took = seconds(start);
	printf("  %s: %.2f s, %zu others, p50 %.1f ms\n", what, took, ms.n, samples_at(&ms, 0.5));
	tell_goal("the slowest of the others", samples_at(&ms, 1), " ms", false, 100);
	http_receive(&admin);
	http_close(&admin);
	http_close(&h);
	sd_buf_release(&b);
	samples_release(&ms);
}

static void bench_beside(void)
{
	const char *args[] = {"--schema", schema, "--db", db, "--admin", NULL};
	struct sbx_child c = sbx_child_start(program, args);
	char seed[100];

	snprintf(seed, sizeof seed, "{\"model\":\"Record\",\"count\":%lld,\"seed\":9}",
		(long long)(rows / 10));
	printf("mutations beside admin calls, file of %lld records\n", (long long)rows);
	beside(&c, "POST seed of a tenth more", "/_sandbox/seed", seed);
	beside(&c, "POST purge", "/_sandbox/purge", "{}");
	beside(&c, "POST reset", "/_sandbox/reset", "{}");
	tell_goal("peak memory", sbx_child_peak_mb(&c), " MB", false, 100);
	sbx_child_stop(&c);
}

int main(void)
{
	char *dir = bench_dir(), *s = sd_path_join(dir, "schema.graphql");
	char *d = sd_path_join(dir, "sandbox.db");

	program = getenv("SYNCDECK") ? getenv("SYNCDECK") : "build/syncdeck";
	rows = env_number("ROWS", 1000000);
	schema = s;
	db = d;
	must(sd_write_file(schema, SDL, strlen(SDL), NULL) == SD_OK, schema, "cannot be written");
	bench_seed(dir);
	bench_start();
	bench_pages();
	bench_mutations(dir);
	bench_publish();
	bench_beside();
	free(s);
	free(d);
	bench_dir_remove(dir);
	return 0; /* a goal that is missed is told, and no failure */
}
