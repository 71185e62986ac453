/* tests/unit/test_store_share.c - several writers on one file: saves go first, the WAL stays small,
 * indexes of a first load are made when it is over; many records created at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <pthread.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/store/internal.h"
#include "tests/support/store_fix.h"

#define PAGE 1000

static int setup(void **st)
{
	*st = fix_new();
	return 0;
}

static int teardown(void **st)
{
	struct fix *f = *st;

	fix_sound(f);
	fix_free(f);
	return 0;
}

/* A page of comments, the n-th row first; owned items. */
static void make_page(int64_t n, const struct cJSON *page[PAGE])
{
	for (int i = 0; i < PAGE; i++) {
		struct cJSON *j = sd_json_object();
		char text[64];

		snprintf(text, sizeof text, "c%06lld", (long long)(n + i));
		sd_json_add_str(j, "id", text);
		snprintf(text, sizeof text, "text %lld", (long long)((n + i) % 7));
		sd_json_add_str(j, "text", text);
		snprintf(text, sizeof text, "p%lld", (long long)((n + i) % 10));
		sd_json_add_str(j, "postID", text);
		sd_json_add_int(j, "_version", 1);
		sd_json_add_int(j, "_lastChangedAt", 1000);
		page[i] = j;
	}
}

static void drop_page(const struct cJSON *page[PAGE])
{
	for (int i = 0; i < PAGE; i++)
		sd_json_free((struct cJSON *)(uintptr_t)page[i]);
}

static void apply_page(struct fix *f, int64_t n)
{
	const struct cJSON *page[PAGE];
	struct sd_apply_counts counts = {0};

	make_page(n, page);
	fix_ok(f, sd_apply(f->st, fix_model(f, "Comment"), page, PAGE, SD_FROM_SYNC, true, 1000,
			  &counts, &f->e));
	assert_int_equal(counts.created, PAGE);
	drop_page(page);
}

static void load(struct fix *f, int64_t from, int64_t to)
{
	int64_t sweep;

	fix_begin(f);
	if (from == 0)
		fix_ok(f, sd_sweep_begin(f->st, fix_model(f, "Comment"), &sweep, &f->e));
	for (int64_t n = from; n < to; n += PAGE)
		apply_page(f, n);
	fix_commit(f);
}

static void load_ends(struct fix *f)
{
	int64_t removed = 0;
	const struct sd_model *m = fix_model(f, "Comment");

	fix_begin(f);
	fix_ok(f, sd_sweep_end(f->st, m, NULL, 0, 2000, &removed, &f->e));
	fix_ok(f, sd_load_end(f->st, m, &f->e));
	fix_commit(f);
}

/* Indexes of a model's table that are not the key's. */
static int64_t indexes(struct fix *f)
{
	char *path = sd_path_join(f->dir, "store.db");
	sqlite3 *db;
	sqlite3_stmt *s;
	int64_t n;

	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db,
				 "SELECT count(*) FROM sqlite_schema WHERE type='index' AND name "
				 "LIKE 'ix_Comment-%'",
				 -1, &s, NULL),
		SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	free(path);
	return n;
}

static int64_t of_post(struct fix *f, const char *post)
{
	struct sd_pred *p = NULL;
	struct sd_query q = {.model = fix_model(f, "Comment"), .state = -1};
	char text[64];
	int64_t n = -1;

	snprintf(text, sizeof text, "postID = \"%s\"", post);
	fix_ok(f, sd_pred_parse(f->schema, q.model, text, &p, &f->e));
	q.where = p;
	fix_ok(f, sd_rec_count(f->st, &q, &n, &f->e));
	sd_pred_free(p);
	return n;
}

/* limits.md, recommended design 5; issue 4: a first load makes its indexes when it is over, and
 * queries work meanwhile */
static void a_first_load_makes_its_indexes_when_it_is_over(void **st)
{
	struct fix *f = *st;
	int64_t before = indexes(f);

	assert_true(before > 0);
	load(f, 0, 12000);
	assert_int_equal(indexes(f), 0);
	assert_int_equal(of_post(f, "p3"), 1200);
	load_ends(f);
	assert_true(sd_store_indexes_due(f->st));
	assert_int_equal(indexes(f), 0);
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_false(sd_store_indexes_due(f->st));
	assert_int_equal(indexes(f), before);
	assert_int_equal(of_post(f, "p3"), 1200);
}

static void a_short_load_and_one_into_a_full_table_keep_their_indexes(void **st)
{
	struct fix *f = *st;
	int64_t before = indexes(f), sweep;

	load(f, 0, 8000);
	load_ends(f);
	assert_int_equal(indexes(f), before);
	fix_begin(f);
	fix_ok(f, sd_sweep_begin(f->st, fix_model(f, "Comment"), &sweep, &f->e));
	fix_commit(f);
	assert_int_equal(sweep, 8000);
	load(f, 8000, 14000);
	assert_int_equal(indexes(f), before);
}

/* The process ends without a word in the middle of a load, and once more before its indexes are
 * made. */
static void a_process_that_dies_while_it_loads_leaves_its_indexes_to_the_next(void **st)
{
	struct fix *f = *st;
	int64_t before = indexes(f);

	for (int turn = 0; turn < 2; turn++) {
		pid_t pid;
		int status = 1;

		fix_close(f);
		pid = fork();
		if (pid == 0) {
			fix_open(f);
			if (turn == 0)
				load(f, 0, 13000);
			else
				load(f, 13000, 15000);
			if (turn == 1)
				load_ends(f);
			_exit(0);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_int_equal(status, 0);
		fix_open(f);
		assert_int_equal(fix_total(f, "Comment"), turn == 0 ? 13000 : 15000);
		assert_int_equal(of_post(f, "p7"), turn == 0 ? 1300 : 1500);
		assert_int_equal(indexes(f), 0);
		if (turn == 0) { /* not due yet: the load goes on */
			fix_ok(f, sd_store_indexes(f->st, &f->e));
			assert_int_equal(indexes(f), 0);
		}
	}
	assert_true(sd_store_indexes_due(f->st));
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_int_equal(indexes(f), before);
	assert_int_equal(of_post(f, "p7"), 1500);
}

static int64_t number(struct fix *f, const char *sql)
{
	int64_t n = -1;

	fix_ok(f, sd_db_int(f->st, sql, &n, &f->e));
	return n;
}

/* limits.md: memory while syncing is the same for any table size */
static void an_index_is_sorted_in_a_file_and_in_little_memory(void **st)
{
	struct fix *f = *st;

	sd_sort_small(f->st, true);
	assert_int_equal(number(f, "PRAGMA temp_store"), 1);
	assert_true(number(f, "PRAGMA cache_size") > -10000);
	sd_sort_small(f->st, false);
	load(f, 0, 12000);
	load_ends(f);
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_false(sd_store_indexes_due(f->st));
	/* and afterwards it is as it was */
	assert_int_equal(number(f, "PRAGMA temp_store"), 2);
	assert_int_equal(number(f, "PRAGMA cache_size"), strtol(SD_CACHE_WRITE, NULL, 10));
}

/* Issue 4: nobody is kept from writing for long. A model with several indexes gets them one by one,
 * and between two of them others write. */
static void each_index_is_a_transaction_of_its_own(void **st)
{
	struct fix *f = *st;
	int64_t before = indexes(f);
	bool made = true;
	int n = 0;

	load(f, 0, 12000);
	load_ends(f);
	assert_int_equal(indexes(f), 0);
	for (; made; n++) {
		fix_begin(f);
		fix_ok(f, sd_table_index_one(f->st, sd_table_of(f->st, fix_model(f, "Comment")),
				  &made, &f->e));
		fix_commit(f);
		assert_int_equal(indexes(f), n + made);
	}
	assert_int_equal(indexes(f), before);
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_false(sd_store_indexes_due(f->st));
}

/* and of a table of any size: a load that goes on makes them before they take too long, and a sort
 * of a larger one goes without */
static void a_load_that_gets_too_large_makes_its_indexes_on_the_way(void **st)
{
	struct fix *f = *st;
	const struct sd_model *m = fix_model(f, "Comment");
	int64_t before = indexes(f);

	f->st->index_rows = 20000;
	load(f, 0, 19000);
	assert_int_equal(indexes(f), 0);
	assert_false(sd_store_indexes_urgent(f->st));
	load(f, 19000, 22000);
	assert_true(sd_store_indexes_urgent(f->st));
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_false(sd_store_indexes_urgent(f->st));
	assert_int_equal(indexes(f), before);
	load(f, 22000, 30000);
	assert_int_equal(indexes(f), before);
	fix_ok(f, sd_store_sort_index(f->st, m, sd_model_field(m, "text"), false, &f->e));
	assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sx_%'"), 0);
	f->st->index_rows = 40000;
	fix_ok(f, sd_store_sort_index(f->st, m, sd_model_field(m, "text"), false, &f->e));
	assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sx_%'"), 1);
	load_ends(f);
}

static void an_index_is_put_off_for_a_save_but_not_for_ever(void **st)
{
	struct fix *f = *st;
	int64_t before = indexes(f);
	atomic_int waiting;
	int turns = 0;

	atomic_init(&waiting, 0);
	load(f, 0, 12000);
	load_ends(f);
	sd_store_defer_to(f->st, &waiting, NULL);
	atomic_store(&waiting, 1);
	fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_true(sd_store_indexes_due(f->st));
	assert_int_equal(indexes(f), 0);
	assert_false(sd_store_in_txn(f->st));
	assert_int_equal(number(f, "PRAGMA temp_store"), 2);
	for (; turns < 20 && sd_store_indexes_due(f->st); turns++)
		fix_ok(f, sd_store_indexes(f->st, &f->e));
	assert_true(turns > 1 && turns < 20);
	assert_int_equal(indexes(f), before);
}

/* ---- saves go first ---- */

struct saver {
	struct fix *f;
	atomic_int *waiting;
	int64_t seen; /* rows there when the save got through */
	enum sd_err rc;
};

static void *save_between(void *arg)
{
	struct saver *s = arg;
	struct sd_rand rand;
	struct sd_store_opts o = {.dir = s->f->dir,
		.schema = s->f->schema,
		.now_ms = 5,
		.rand = &rand,
		.busy_ms = 60000};
	struct sd_store *mine = NULL;

	sd_rand_seeded(&rand, 9);
	s->rc = sd_store_open(&o, &mine, NULL);
	if (s->rc == SD_OK)
		s->rc = sd_store_begin(mine, NULL);
	if (s->rc == SD_OK)
		s->rc = sd_rec_total(mine, s->f->schema->models[0], &s->seen, NULL);
	for (size_t i = 0; i < s->f->schema->model_count; i++)
		if (strcmp(s->f->schema->models[i]->name, "Comment") == 0 && s->rc == SD_OK)
			s->rc = sd_rec_total(mine, s->f->schema->models[i], &s->seen, NULL);
	if (s->rc == SD_OK)
		s->rc = sd_meta_put(mine, "saved", "yes", NULL);
	if (s->rc == SD_OK)
		s->rc = sd_store_commit(mine, NULL);
	atomic_store(s->waiting, 0);
	sd_store_close(mine);
	return NULL;
}

/* issue 4: the applier yields when a save waits; the page is whole all the same */
static void a_save_goes_between_two_halves_of_a_page(void **st)
{
	struct fix *f = *st;
	const struct cJSON *page[PAGE];
	struct sd_apply_counts counts = {0};
	atomic_int waiting;
	struct saver s = {f, &waiting, -1, SD_FAILED};
	pthread_t t;
	char *saved = NULL;

	atomic_init(&waiting, 0);
	sd_store_defer_to(f->st, &waiting, NULL);
	make_page(0, page);
	fix_begin(f);
	atomic_store(&waiting, 1);
	assert_int_equal(pthread_create(&t, NULL, save_between, &s), 0);
	fix_ok(f, sd_apply(f->st, fix_model(f, "Comment"), page, PAGE, SD_FROM_SYNC, true, 1000,
			  &counts, &f->e));
	fix_commit(f);
	pthread_join(t, NULL);
	drop_page(page);
	assert_int_equal(s.rc, SD_OK);
	assert_true(s.seen > 0);
	assert_int_equal(counts.created, PAGE);
	assert_int_equal(fix_total(f, "Comment"), PAGE);
	fix_ok(f, sd_meta_get(f->st, "saved", &saved, &f->e));
	assert_string_equal(saved, "yes");
	free(saved);
}

static void a_page_of_others_is_never_cut(void **st)
{
	struct fix *f = *st;
	const struct cJSON *page[PAGE];
	struct sd_apply_counts counts = {0};
	atomic_int waiting;

	atomic_init(&waiting, 1);
	fix_begin(f);
	sd_store_defer_to(f->st, &waiting, NULL);
	make_page(0, page);
	fix_ok(f, sd_apply(f->st, fix_model(f, "Comment"), page, PAGE, SD_FROM_MUTATION, false,
			  1000, &counts, &f->e));
	sd_store_rollback(f->st);
	drop_page(page);
	assert_int_equal(fix_total(f, "Comment"), 0);
}

static void a_cut_page_that_fails_later_keeps_only_whole_rows(void **st)
{
	struct fix *f = *st;
	const struct cJSON *page[PAGE];
	struct sd_apply_counts counts = {0};
	atomic_int waiting;
	int64_t rows;

	atomic_init(&waiting, 0);
	sd_store_defer_to(f->st, &waiting, NULL);
	sd_store_cut_after(f->st, 1);
	make_page(0, page);
	sd_json_remove((struct cJSON *)(uintptr_t)page[PAGE - 1], "id");
	fix_begin(f);
	usleep(3000); /* over the time after which it is cut */
	assert_int_equal(sd_apply(f->st, fix_model(f, "Comment"), page, PAGE, SD_FROM_SYNC, true,
				 1000, &counts, &f->e),
		SD_INVAL);
	sd_store_rollback(f->st);
	drop_page(page);
	rows = fix_total(f, "Comment");
	assert_true(rows > 0 && rows < PAGE); /* teardown checks the rest */
	sd_store_cut_after(f->st, 0);
	load(f, 10000, 11000);
	assert_int_equal(fix_total(f, "Comment"), rows + PAGE);
}

static void the_wal_is_moved_between_transactions(void **st)
{
	struct fix *f = *st;
	atomic_int waiting;
	char *wal = sd_path_join(f->dir, "store.db-wal");
	struct stat s;
	off_t most = 0;

	atomic_init(&waiting, 0);
	sd_store_defer_to(f->st, &waiting, NULL);
	for (int64_t n = 0; n < 150000; n += 3000) {
		load(f, n, n + 3000);
		sd_store_wal_care(f->st);
		assert_int_equal(stat(wal, &s), 0);
		most = s.st_size > most ? s.st_size : most;
	}
	assert_true(most > 0 && most < 40 << 20);
	free(wal);
}

/* ---- many at once ---- */

static void many_records_created_at_once_share_a_line_of_the_journal(void **st)
{
	struct fix *f = *st;
	struct sd_write_env env = {.now_ms = 77, .rand = &f->rand};
	char *lines;

	fix_begin(f);
	sd_write_bulk(f->st);
	for (int i = 0; i < 5; i++) {
		char text[80];
		struct cJSON *j;

		snprintf(text, sizeof text, "{'id':'s%d','name':'%d'}", i, i);
		j = fix_json(text);
		fix_ok(f, sd_write_save(f->st, fix_model(f, "Site"), SD_SAVE_UPSERT, j, NULL, &env,
				  NULL, NULL, &f->e));
		sd_json_free(j);
	}
	fix_commit(f);
	lines = fix_journal(f, 0);
	assert_non_null(strstr(lines, "INSERT Site"));
	assert_null(strstr(strstr(lines, "INSERT Site") + 1, "INSERT"));
	free(lines);
	fix_field(f, "Site", "[\"s3\"]", "_state", "\"pending\"");
	/* what comes after is told after it */
	fix_ok(f, fix_save(f, "Site", "{'id':'s3','name':'new'}"));
	fix_send_all(f);
	fix_field(f, "Site", "[\"s3\"]", "name", "\"new\"");
	fix_field(f, "Site", "[\"s3\"]", "_state", "\"synced\"");
}

static enum sd_err save_in_bulk(struct fix *f, const char *model, const char *text)
{
	struct sd_write_env env = {.now_ms = 78, .rand = &f->rand};
	struct cJSON *j = fix_json(text);
	enum sd_err rc = sd_write_save(
		f->st, fix_model(f, model), SD_SAVE_UPSERT, j, NULL, &env, NULL, NULL, &f->e);

	sd_json_free(j);
	return rc;
}

static char *schema_of(struct fix *f)
{
	struct sd_buf b = SD_BUF_INIT;
	sqlite3_stmt *s;

	assert_int_equal(sqlite3_prepare_v2(f->st->db,
				 "SELECT name||' '||ifnull(sql,'') FROM sqlite_schema ORDER BY 1",
				 -1, &s, NULL),
		SQLITE_OK);
	while (sqlite3_step(s) == SQLITE_ROW)
		sd_buf_fmt(&b, "%s\n", (const char *)sqlite3_column_text(s, 0));
	sqlite3_finalize(s);
	return sd_buf_take(&b);
}

static void load_comments(struct fix *f, int from, int to)
{
	char text[80];

	for (int i = from; i < to; i++) {
		snprintf(text, sizeof text, "{'id':'k%d','text':'t%d'}", i * 7919 % 10007, i % 5);
		fix_ok(f, save_in_bulk(f, "Comment", text));
	}
}

/* dropped for the load, there again before anybody could see the store without them */
static void a_long_load_leaves_every_index_in_its_place(void **st)
{
	struct fix *f = *st;
	char *before = schema_of(f), *after;

	fix_begin(f);
	sd_write_bulk(f->st);
	load_comments(f, 0, 600);
	assert_true(f->st->bulk_outbox && f->st->bulk_table);
	assert_int_equal(number(f, "SELECT count(*) FROM sqlite_schema WHERE name LIKE"
				   " 'outbox_record' OR name LIKE 'ix_Comment-%'"),
		0);
	fix_commit(f);
	after = schema_of(f);
	assert_string_equal(after, before);
	assert_int_equal(number(f, "SELECT count(*) FROM outbox INDEXED BY outbox_record"
				   " WHERE model='Comment'"),
		600);
	free(after);
	/* given up: nothing of it is left */
	fix_begin(f);
	sd_write_bulk(f->st);
	load_comments(f, 600, 1200);
	assert_true(f->st->bulk_outbox);
	sd_store_rollback(f->st);
	after = schema_of(f);
	assert_string_equal(after, before);
	assert_int_equal(number(f, "SELECT count(*) FROM outbox"), 600);
	fix_ok(f, fix_save(f, "Comment", "{'id':'alone','text':'x'}"));
	free(after);
	free(before);
}

static void a_long_load_that_comes_to_known_records_finds_them(void **st)
{
	struct fix *f = *st;

	fix_ok(f,
		fix_apply(f, "Comment", "[{'id':'old','text':'server','_version':3}]", true, NULL));
	fix_begin(f);
	sd_write_bulk(f->st);
	load_comments(f, 0, 400);
	assert_true(f->st->bulk_outbox);
	fix_ok(f, save_in_bulk(f, "Comment", "{'id':'old','text':'mine'}"));
	assert_false(f->st->bulk_outbox);
	fix_ok(f, save_in_bulk(f, "Comment", "{'id':'k0','text':'again'}")); /* the first one */
	load_comments(f, 400, 800);
	fix_commit(f);
	assert_int_equal(number(f, "SELECT count(*) FROM outbox"), 801);
	assert_int_equal(number(f, "SELECT count(*) FROM outbox WHERE key='[\"k0\"]' AND"
				   " fields LIKE '%again%' AND op=0"),
		1);
	fix_field(f, "Comment", "[\"old\"]", "text", "\"mine\"");
}

/* new ones, known ones, deleted ones and wrong ones, in one stream */
static void many_records_at_once_are_each_what_they_would_be_alone(void **st)
{
	struct fix *f = *st;

	fix_ok(f, fix_apply(f, "Site",
			  "[{'id':'old','name':'server','_version':3},"
			  "{'id':'gone','name':'x','_version':2,'_deleted':true}]",
			  true, NULL));
	fix_ok(f, fix_save(f, "Site", "{'id':'mine','name':'mine'}"));
	fix_begin(f);
	sd_write_bulk(f->st);
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'n1','name':'1'}"));
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'old','name':'changed'}"));
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'mine','parentID':'n1'}"));
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'n2','name':'2','parentID':'n1'}"));
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'n1','name':'1 again'}"));
	fix_ok(f, save_in_bulk(f, "Site", "{'id':'n3'}"));
	assert_int_equal(save_in_bulk(f, "Site", "{'id':'gone','name':'y'}"), SD_INVAL);
	assert_int_equal(save_in_bulk(f, "Site", "{'id':'n4','name':7}"), SD_INVAL);
	assert_non_null(strstr(f->e.text, "name"));
	assert_int_equal(save_in_bulk(f, "Site", "{'id':'n5','parentID':'nobody'}"), SD_INVAL);
	assert_non_null(strstr(f->e.text, "save it first"));
	assert_int_equal(save_in_bulk(f, "Post", "{'id':'p'}"), SD_INVAL);
	fix_commit(f);
	fix_queue(f, "1 CREATE Site [\"mine\"] {\"id\":\"mine\",\"name\":\"mine\"} waiting v-1; "
		     "2 CREATE Site [\"n1\"] {\"id\":\"n1\",\"name\":\"1 again\"} waiting v-1; "
		     "3 UPDATE Site [\"old\"] {\"name\":\"changed\"} waiting v3; "
		     "4 UPDATE Site [\"mine\"] {\"parentID\":\"n1\"} waiting v-1; "
		     "5 CREATE Site [\"n2\"] "
		     "{\"id\":\"n2\",\"name\":\"2\",\"parentID\":\"n1\"} waiting v-1; "
		     "6 CREATE Site [\"n3\"] {\"id\":\"n3\"} waiting v-1");
	fix_sound(f);
	fix_send_all(f);
	fix_queue(f, "");
}

static void a_new_record_that_arrives_before_it_was_sent_keeps_both_copies(void **st)
{
	struct fix *f = *st;
	struct sd_shadow sh;
	struct sd_apply_counts n = {0};

	fix_ok(f, fix_save(f, "Site", "{'id':'x','name':'mine'}"));
	fix_ok(f,
		fix_apply(f, "Site", "[{'id':'x','name':'theirs','_version':1,'_lastChangedAt':9}]",
			false, &n));
	assert_int_equal(n.shadowed, 1);
	fix_ok(f, sd_shadow_get(f->st, fix_model(f, "Site"), "[\"x\"]", &sh, &f->e));
	assert_null(sh.base);
	assert_string_equal(sd_json_get_str(sh.server, "name"), "theirs");
	sd_shadow_release(&sh);
	fix_field(f, "Site", "[\"x\"]", "name", "\"mine\"");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
		T(a_first_load_makes_its_indexes_when_it_is_over),
		T(a_short_load_and_one_into_a_full_table_keep_their_indexes),
		T(a_process_that_dies_while_it_loads_leaves_its_indexes_to_the_next),
		T(an_index_is_sorted_in_a_file_and_in_little_memory),
		T(each_index_is_a_transaction_of_its_own),
		T(a_load_that_gets_too_large_makes_its_indexes_on_the_way),
		T(an_index_is_put_off_for_a_save_but_not_for_ever),
		T(a_save_goes_between_two_halves_of_a_page),
		T(a_page_of_others_is_never_cut),
		T(a_cut_page_that_fails_later_keeps_only_whole_rows),
		T(the_wal_is_moved_between_transactions),
		T(many_records_created_at_once_share_a_line_of_the_journal),
		T(many_records_at_once_are_each_what_they_would_be_alone),
		T(a_long_load_leaves_every_index_in_its_place),
		T(a_long_load_that_comes_to_known_records_finds_them),
		T(a_new_record_that_arrives_before_it_was_sent_keeps_both_copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
