/*
 * tests/unit/test_sbx_seed.c - very many records: seeds, what they cost, counts, purge, reset, and
 * long work in pieces.  contract.md 10 (--seed, --db, state, purge, reset, dump), spec/server.md 3.
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
#include "tests/support/sbx_fixture.h"
#include "tests/support/support.h"

#define eq(a, b) assert_string_equal((a), (b))
#define MONTH    (INT64_C(30) * 86400000)
#define MANY     6000       /* enough for a mass load */
#ifdef __SANITIZE_ADDRESS__ /* it keeps what is freed: its memory says nothing */
#define SLOW 10
#else
#define SLOW 1
#endif

/* Keys of every kind, one that repeats, columns of relations, embedded types. */
static const char shop[] =
	"enum Size { S M L }\n"
	"type Meta { a: String b: Int tags: [String!] }\n"
	"type Item @model @auth(rules: [{allow: public}]) { id: ID! title: String! size: Size "
	"meta: "
	"Meta count: Int extra: AWSJSON boxID: ID @index(name: \"byBox\", queryField: "
	"\"itemsByBox\", sortKeyFields: [\"count\"]) box: Box @belongsTo(fields: [\"boxID\"]) }\n"
	"type Box @model @auth(rules: [{allow: public}]) { id: ID! name: String items: [Item] "
	"@hasMany(indexName: \"byBox\", fields: [\"id\"]) }\n"
	"type Kind @model @auth(rules: [{allow: public}]) { size: Size! @primaryKey(sortKeyFields: "
	"[\"place\"]) place: Size! note: String }\n"
	"type Visit @model @auth(rules: [{allow: public}]) { who: String! "
	"@primaryKey(sortKeyFields: [\"createdAt\"]) createdAt: AWSDateTime! note: String }\n";

static struct fx *open_db(const char *db)
{
	return fx_open_db(shop, SD_STRATEGY_AUTOMERGE, db, MONTH);
}

static char *dump(struct fx *f, const char *model)
{
	struct sd_buf b = SD_BUF_INIT;

	assert_int_equal(sd_sbx_dump(f->s, model, f->now, &b, NULL), SD_OK);
	return sd_buf_take(&b);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The rows as a set: very many come in an order of their own. */
static char *rows(struct fx *f, const char *model)
{
	char *text = dump(f, model), **row;
	struct cJSON *j = NULL;
	struct sd_buf b = SD_BUF_INIT;
	size_t n, i = 0;

	assert_int_equal(sd_json_parse(text, strlen(text), "dump", &j, NULL), SD_OK);
	n = sd_json_count(j);
	row = calloc(n + 1, sizeof *row);
	for (const struct cJSON *c = sd_json_child(j); c; c = sd_json_next(c))
		row[i++] = sd_json_text(c);
	qsort(row, n, sizeof *row, by_text);
	for (i = 0; i < n; i++) {
		sd_buf_str(&b, row[i]);
		free(row[i]);
	}
	free(row);
	free(text);
	sd_json_free(j);
	return sd_buf_take(&b);
}

static void seed(struct fx *f, const char *model, int64_t n, uint64_t number)
{
	struct sd_error e = {0};

	if (sd_sbx_seed(f->s, model, n, number, f->now, &e) != SD_OK)
		fail_msg("%s", e.text);
}

static void counted(struct fx *f, const char *model, const char *want)
{
	struct cJSON *j = NULL;

	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	eq(fx_at(j, model), want);
	sd_json_free(j);
}

static void in_pieces(struct fx *f, struct sd_sbx_work *j, int64_t rows)
{
	bool done = false;

	while (!done)
		assert_int_equal(sd_sbx_work_step(j, rows, f->now, &done, NULL), SD_OK);
	sd_sbx_work_free(j);
}

/* In memory or in a file, at once or in pieces, few or very many: record i is record i. */
static void a_seed_gives_the_same_records_whichever_way_they_come(void **st)
{
	static const char *const MODEL[] = {"Box", "Item", "Kind", "Visit"};
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct fx *f = open_db(NULL), *g = open_db(db), *h = open_db(NULL);
	struct sd_sbx_work *job;

	(void)st;
	for (size_t i = 0; i < 4; i++) {
		char *a, *b, *c;
		seed(f, MODEL[i], MANY, 7);
		seed(g, MODEL[i], 100, 7); /* the table is not empty: no mass load */
		seed(g, MODEL[i], MANY, 7);
		assert_int_equal(
			sd_sbx_seed_work(h->s, MODEL[i], MANY, 7, h->now, &job, NULL), SD_OK);
		in_pieces(h, job, 777);
		a = rows(f, MODEL[i]);
		b = rows(g, MODEL[i]);
		c = rows(h, MODEL[i]);
		eq(a, b);
		eq(a, c);
		free(a);
		free(b);
		free(c);
	}
	counted(f, "Item", "{\"live\":6000,\"deleted\":0}");
	counted(f, "Box", "{\"live\":6000,\"deleted\":0}");
	counted(f, "Kind", "{\"live\":9,\"deleted\":0}"); /* there are no more keys */
	counted(g, "Kind", "{\"live\":9,\"deleted\":0}");
	counted(h, "Kind", "{\"live\":9,\"deleted\":0}");
	seed(f, "Item", 10, 8);
	counted(f, "Item", "{\"live\":6010,\"deleted\":0}");
	fx_close(f);
	fx_close(g);
	fx_close(h);
	free(db);
	sd_test_dir_remove(dir);
}

/* Every seeded record can be read by its key, also where a time is part of it. */
static void seeded_records_are_found_by_their_keys(void **st)
{
	struct fx *f = open_db(NULL);
	struct cJSON *j;
	char q[300];

	(void)st;
	seed(f, "Visit", 3, 1);
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
		struct fx *f = open_db(db);
		seed(f, "Item", rows, 3);
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
	struct fx *f = open_db(db);

	(void)st;
	seed(f, "Item", 20000, 3);
	token = read_pages(f, "", 7, &seen);
	assert_int_equal(sd_map_count(&seen), 7000);
	fx_close(f);
	f = open_db(db);
	end = read_pages(f, token, 100, &seen);
	eq(end, "null");
	assert_int_equal(sd_map_count(&seen), 20000);
	counted(f, "Item", "{\"live\":20000,\"deleted\":0}");
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
	struct fx *f = open_db(db);
	int64_t steps = 0;

	(void)st;
	seed(f, "Box", MANY, 3);
	fx_close(f);
	f = open_db(db);
	sqlite3_progress_handler(f->s->db, 1, count_step, &steps);
	seed(f, "Box", MANY, 3);
	seed(f, "Box", 100, 3);
	assert_true(steps < 1000);
	sqlite3_progress_handler(f->s->db, 0, NULL, NULL);
	counted(f, "Box", "{\"live\":6000,\"deleted\":0}");
	seed(f, "Box", MANY + 5, 3); /* more of them */
	counted(f, "Box", "{\"live\":6005,\"deleted\":0}");
	seed(f, "Box", 7, 4); /* another seed */
	counted(f, "Box", "{\"live\":6012,\"deleted\":0}");
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_OK);
	seed(f, "Box", 10, 3);
	counted(f, "Box", "{\"live\":10,\"deleted\":0}");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

/* A mass load has neither indexes nor counters until its end: the next start makes them. */
static void a_seed_that_was_killed_leaves_a_whole_database(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db"), id[64], q[200];
	struct cJSON *j = NULL;
	int64_t there;
	struct fx *f;
	int pipes[2], status;
	pid_t pid;
	char go;

	(void)st;
	assert_int_equal(pipe(pipes), 0);
	pid = fork();
	if (pid == 0) {
		f = open_db(db);
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
		seed(f, "Box", 5000000, 3); /* killed in the midst of it */
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
	f = open_db(db);
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	eq(fx_at(j, "Item"), "{\"live\":1,\"deleted\":0}");
	there = sd_json_get_i64(sd_json_get(j, "Box"), "live", -1);
	assert_true(there >= 0);
	sd_json_free(j);
	eq(fx_get(f, "{ getItem(id: \"a\") { title } }", NULL, "data.getItem.title"), "t");
	seed(f, "Box", there + 100, 3); /* the rest of them */
	assert_int_equal(sd_sbx_state(f->s, f->now, &j, NULL), SD_OK);
	assert_int_equal(sd_json_get_i64(sd_json_get(j, "Box"), "live", -1), there + 100);
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
	struct fx *f = open_db(db);
	int64_t started = f->now;

	(void)st;
	eq(fx_get(f, "{ syncBoxes { startedAt items { id } } }", NULL, "data.syncBoxes.items"),
		"[]");
	fx_close(f);
	f = open_db(db);
	f->now = started + 5000;
	seed(f, "Box", MANY, 3);
	snprintf(q, sizeof q,
		"{ syncBoxes(lastSync: %lld, limit: 1000) { items { id } nextToken } }",
		(long long)started);
	assert_string_not_equal(fx_get(f, q, NULL, "data.syncBoxes.items.999.id"), "");
	/* when nobody can hold one any more, the log is left out */
	f->now = started + f->delta_ttl_ms + 120000;
	seed(f, "Kind", 5, 3);
	snprintf(
		q, sizeof q, "{ syncKinds(lastSync: %lld) { items { size } } }", (long long)f->now);
	eq(fx_get(f, q, NULL, "data.syncKinds.items"), "[]");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

/* ---- counts, purge, reset, dump ---- */

static void ask(struct fx *f, const char *q)
{
	eq(fx_get(f, q, NULL, "errors"), "");
}

static void rows_are_counted_through_whatever_happens_to_them(void **st)
{
	struct fx *f = open_db(NULL);
	struct cJSON *items = NULL;
	static const char put[] = "[{\"id\":\"a\",\"name\":\"n\"},{\"id\":\"p\",\"_deleted\":true},"
				  "{\"id\":\"q\",\"_deleted\":true}]";

	(void)st;
	ask(f, "mutation { a: createBox(input: {id: \"a\"}) { id } b: createBox(input: {id: "
	       "\"b\"}) { id } }");
	counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	ask(f, "mutation { deleteBox(input: {id: \"a\", _version: 1}) { id } }");
	counted(f, "Box", "{\"live\":1,\"deleted\":1}");
	ask(f, "mutation { updateBox(input: {id: \"b\", _version: 1, name: \"x\"}) { id } }");
	counted(f, "Box", "{\"live\":1,\"deleted\":1}");
	assert_int_equal(sd_json_parse(put, strlen(put), "put", &items, NULL), SD_OK);
	assert_int_equal(sd_sbx_put(f->s, "Box", items, f->now, NULL), SD_OK);
	sd_json_free(items);
	counted(f, "Box", "{\"live\":2,\"deleted\":2}"); /* a is back */
	f->now += MONTH + 1000;                          /* not shown from now on */
	counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	ask(f, "{ listBoxes { items { id } } }"); /* gone for good now */
	counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	assert_int_equal(sd_sbx_purge(f->s, NULL), SD_OK);
	counted(f, "Box", "{\"live\":2,\"deleted\":0}");
	fx_close(f);
}

static void tombstones(struct fx *f, int n)
{
	char sql[400];

	snprintf(sql, sizeof sql,
		"WITH RECURSIVE x(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM x WHERE i<%d) INSERT "
		"INTO base_Box(pk,item,_version,_lastChangedAt,_deleted,_ttl) SELECT '[\"t'||i||"
		"'\"]','{\"id\":\"t'||i||'\",\"_version\":1,\"_lastChangedAt\":1,\"_deleted\":"
		"true}',1,1,1,%lld FROM x",
		n, (long long)(f->now + MONTH) / 1000);
	assert_int_equal(sbx_exec(f->s, sql, NULL), SD_OK);
}

static void a_purge_takes_tombstones_of_every_model_and_nothing_else(void **st)
{
	struct fx *f = open_db(NULL);
	struct sd_sbx_work *job;

	(void)st;
	seed(f, "Box", 50, 1);
	tombstones(f, 1234);
	ask(f, "mutation { createKind(input: {size: S, place: L}) { size } deleteKind(input: "
	       "{size: S, place: L, _version: 1}) { size } }");
	counted(f, "Box", "{\"live\":50,\"deleted\":1234}");
	assert_int_equal(sd_sbx_purge_work(f->s, &job, NULL), SD_OK);
	in_pieces(f, job, 100);
	counted(f, "Box", "{\"live\":50,\"deleted\":0}");
	counted(f, "Kind", "{\"live\":0,\"deleted\":0}");
	tombstones(f, 20000);
	assert_int_equal(sd_sbx_purge(f->s, NULL), SD_OK);
	counted(f, "Box", "{\"live\":50,\"deleted\":0}");
	fx_close(f);
}

static int64_t stored(struct fx *f, const char *table)
{
	char *sql = sqlite3_mprintf("SELECT count(*) FROM %s", table);
	sqlite3_stmt *st = NULL;
	int64_t n;

	assert_int_equal(sqlite3_prepare_v2(f->s->db, sql, -1, &st, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	sqlite3_free(sql);
	return n;
}

/* No request waits for all of them; together the requests get through. */
static void very_many_expired_rows_go_a_few_at_a_time(void **st)
{
	struct fx *f = open_db(NULL);
	int64_t before = 3000;
	int requests = 0;

	(void)st;
	tombstones(f, 3000);
	f->now += MONTH + 1000;
	while (before) {
		ask(f, "{ listBoxes { items { id } } }");
		assert_true(before - stored(f, "base_Box") <= 1000);
		before = stored(f, "base_Box");
		f->now += 60;
		assert_true(++requests < 100);
	}
	assert_true(requests >= 3);
	counted(f, "Box", "{\"live\":0,\"deleted\":0}");
	fx_close(f);
}

static void a_reset_empties_a_large_file_and_all_goes_on(void **st)
{
	char *dir = sd_test_dir(), *db = sd_path_join(dir, "a.db");
	struct fx *f = open_db(db);

	(void)st;
	seed(f, "Item", 20000, 3);
	ask(f, "{ syncItems(limit: 1) { items { id } startedAt } }");
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } }");
	assert_int_equal(sd_sbx_begin(f->s, NULL), SD_OK);
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_INVAL);
	assert_int_equal(sd_sbx_commit(f->s, NULL), SD_OK);
	assert_int_equal(sd_sbx_reset(f->s, NULL), SD_OK);
	counted(f, "Item", "{\"live\":0,\"deleted\":0}");
	counted(f, "Box", "{\"live\":0,\"deleted\":0}");
	assert_int_equal(stored(f, "delta"), 0);
	eq(fx_get(f, "{ listItems { items { id } nextToken } }", NULL, "data.listItems.items"),
		"[]");
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } }");
	fx_close(f);
	f = open_db(db);
	counted(f, "Item", "{\"live\":0,\"deleted\":0}");
	counted(f, "Box", "{\"live\":1,\"deleted\":0}");
	eq(fx_get(f, "{ getBox(id: \"a\") { id } }", NULL, "data.getBox.id"), "a");
	fx_close(f);
	free(db);
	sd_test_dir_remove(dir);
}

static void a_dump_in_pieces_is_the_dump(void **st)
{
	struct fx *f = open_db(NULL);
	struct sd_buf b = SD_BUF_INIT;
	int64_t at = 0;
	int pieces = 0;
	char *whole;

	(void)st;
	seed(f, "Box", 2000, 3);
	ask(f, "mutation { createBox(input: {id: \"a\"}) { id } deleteBox(input: {id: \"a\", "
	       "_version: 1}) { id } }");
	whole = dump(f, "Box");
	for (; at >= 0; pieces++)
		assert_int_equal(
			sd_sbx_dump_piece(f->s, "Box", f->now, 4000, &at, &b, NULL), SD_OK);
	eq(sd_buf_text(&b), whole);
	assert_true(pieces > 20);
	sd_buf_reset(&b);
	at = 0;
	assert_int_equal(sd_sbx_dump_piece(f->s, "Kind", f->now, 4000, &at, &b, NULL), SD_OK);
	eq(sd_buf_text(&b), "[]");
	assert_int_equal(at, -1);
	sd_buf_release(&b);
	free(whole);
	fx_close(f);
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
		cmocka_unit_test(rows_are_counted_through_whatever_happens_to_them),
		cmocka_unit_test(a_purge_takes_tombstones_of_every_model_and_nothing_else),
		cmocka_unit_test(very_many_expired_rows_go_a_few_at_a_time),
		cmocka_unit_test(a_reset_empties_a_large_file_and_all_goes_on),
		cmocka_unit_test(a_dump_in_pieces_is_the_dump),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
