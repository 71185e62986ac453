/* tests/unit/test_api_jobs.c - long reads: on the helper thread, cancelled, with progress, within a
 * time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "core/api/internal.h"
#include "core/base/time.h"
#include "tests/bench/profile.h"
#include "tests/support/store_fix.h"
#include "tests/support/support.h"

#define ROWS 60000

struct rig {
	char *dir;
	struct profile p;
};

static int setup_all(void **st)
{
	struct rig *r = calloc(1, sizeof *r);

	assert_non_null(r);
	r->dir = sd_test_dir();
	profile_fill(r->dir, ROWS);
	profile_open(&r->p, r->dir, "");
	*st = r;
	return 0;
}

static int teardown_all(void **st)
{
	struct rig *r = *st;

	profile_close(&r->p);
	sd_test_dir_remove(r->dir);
	free(r);
	return 0;
}

struct look { /* one job's */
	struct sd_api_query q;
	pthread_t thread;
	atomic_int hits, hold; /* hold: the job waits in its first record until it is 0 */
	int64_t total;
};

static bool hit(void *ctx, struct cJSON *rec)
{
	struct look *l = ctx;

	assert_non_null(sd_json_get_str(rec, "id"));
	atomic_fetch_add(&l->hits, 1);
	while (atomic_load(&l->hold))
		usleep(500);
	return true;
}

static enum sd_err run(struct sd_api_reader *r, void *ctx, struct sd_error *e)
{
	struct look *l = ctx;

	l->thread = pthread_self();
	return sd_api_reader_query(r, &l->q, hit, l, e);
}

static enum sd_err run_count(struct sd_api_reader *r, void *ctx, struct sd_error *e)
{
	struct look *l = ctx;

	return sd_api_reader_count(r, &l->q, &l->total, e);
}

static struct sd_api_job *begin(struct rig *r, struct look *l, sd_api_job_fn fn)
{
	struct sd_api_job *job;

	assert_int_equal(sd_api_job_start(r->p.api, fn, l, &job, &r->p.e), SD_OK);
	return job;
}

static void await(struct rig *r, struct sd_api_job *job)
{
	while (!sd_api_job_done(job)) {
		struct pollfd p = {sd_api_fd(r->p.api), POLLIN, 0};
		char *event;

		poll(&p, 1, 1000); /* readable when a job is done */
		while ((event = sd_api_next_event(r->p.api)))
			free(event);
	}
}

static void a_job_reads_on_a_thread_of_its_own(void **st)
{
	struct rig *r = *st;
	struct look l = {.q = {.model = "Record", .where = "status = DRAFT", .limit = 70}};
	struct look n = {.q = {.model = "Record", .where = "body contains \"pump\""}};
	struct sd_api_job *job = begin(r, &l, run), *next = begin(r, &n, run_count);

	await(r, job);
	assert_int_equal(sd_api_job_end(job, &r->p.e), SD_OK);
	assert_int_equal(atomic_load(&l.hits), 70);
	assert_false(pthread_equal(l.thread, pthread_self()));
	await(r, next);
	assert_int_equal(sd_api_job_end(next, &r->p.e), SD_OK);
	assert_int_equal(n.total, ROWS);
}

static void a_wrong_query_is_an_error_of_the_job(void **st)
{
	struct rig *r = *st;
	struct look l = {.q = {.model = "Record", .where = "nofield = 1"}};
	struct sd_api_job *job = begin(r, &l, run);

	await(r, job);
	assert_int_equal(sd_api_job_end(job, &r->p.e), SD_INVAL);
	assert_non_null(strstr(r->p.e.text, "nofield"));
}

/* issue 4: cancellable long scans */
static void a_cancelled_job_ends_in_the_middle(void **st)
{
	struct rig *r = *st;
	struct look l = {.q = {.model = "Record", .where = "title contains \"1\""}};
	struct look later = {.q = {.model = "Record"}};
	struct sd_api_job *job, *queued;

	atomic_store(&l.hold, 1);
	job = begin(r, &l, run);
	queued = begin(r, &later, run);
	while (!atomic_load(&l.hits))
		usleep(500);
	assert_false(sd_api_job_done(job));
	sd_api_job_cancel(job);
	sd_api_job_cancel(queued);
	atomic_store(&l.hold, 0);
	assert_int_equal(sd_api_job_end(job, &r->p.e), SD_CANCELLED);
	assert_true(atomic_load(&l.hits) < ROWS / 10);
	assert_int_equal(sd_api_job_end(queued, &r->p.e), SD_CANCELLED);
	assert_int_equal(atomic_load(&later.hits), 0);
}

static void the_one_who_asks_is_answered_meanwhile(void **st)
{
	struct rig *r = *st;
	struct look l = {.q = {.model = "Record"}};
	const struct sd_api_query q = {.model = "Record", .limit = 3};
	struct look mine = {.total = 0};
	struct sd_api_job *job;
	struct cJSON *rec = NULL, *fields = fix_json("{'id':'new','title':'while it runs'}");

	atomic_store(&l.hold, 1);
	job = begin(r, &l, run);
	while (!atomic_load(&l.hits))
		usleep(500);
	assert_int_equal(sd_api_query(r->p.api, &q, hit, &mine, &r->p.e), SD_OK);
	assert_int_equal(atomic_load(&mine.hits), 3);
	assert_int_equal(sd_api_save(r->p.api, "Record", fields, NULL, &rec, &r->p.e), SD_OK);
	sd_json_free(rec);
	sd_json_free(fields);
	assert_false(sd_api_job_done(job));
	sd_api_job_cancel(job);
	atomic_store(&l.hold, 0);
	assert_int_equal(sd_api_job_end(job, NULL), SD_CANCELLED);
}

static void a_query_within_a_time_gives_up(void **st)
{
	struct rig *r = *st;
	struct look l = {.total = -1};
	struct sd_api_query q = {
		.model = "Record", .where = "body contains \"no such word\"", .within_ms = 1};

	assert_int_equal(sd_api_query(r->p.api, &q, hit, &l, &r->p.e), SD_CANCELLED);
	assert_int_equal(sd_api_count(r->p.api, &q, &l.total, &r->p.e), SD_CANCELLED);
	q.within_ms = 0; /* and the next one has all the time it needs */
	assert_int_equal(sd_api_query(r->p.api, &q, hit, &l, &r->p.e), SD_OK);
	assert_int_equal(atomic_load(&l.hits), 0);
}

static void *stop_soon(void *arg)
{
	usleep(3000);
	atomic_store((atomic_bool *)arg, true);
	return NULL;
}

static bool slow_rows(void *ctx, struct cJSON *rec)
{
	(void)rec;
	atomic_fetch_add((atomic_int *)ctx, 1);
	usleep(200); /* all of them would take far longer than a test may */
	return true;
}

static void a_query_of_the_caller_ends_when_it_is_told_to_stop(void **st)
{
	struct rig *r = *st;
	struct sd_config *config = sd_config_new();
	atomic_bool stop;
	atomic_int rows;
	const struct sd_api_opts o = {.config = config,
		.schema = r->p.schema,
		.settings = &r->p.settings,
		.data_dir = r->dir,
		.endpoint = "",
		.stop = &stop};
	const struct sd_api_query q = {.model = "Record"};
	struct sd_api *api;
	pthread_t t;
	int64_t n = -1;

	atomic_init(&stop, false);
	atomic_init(&rows, 0);
	assert_int_equal(sd_api_open(&o, &api, &r->p.e), SD_OK);
	assert_int_equal(pthread_create(&t, NULL, stop_soon, &stop), 0);
	assert_int_equal(sd_api_query(api, &q, slow_rows, &rows, &r->p.e), SD_CANCELLED);
	assert_true(atomic_load(&rows) < ROWS / 2);
	pthread_join(t, NULL);
	assert_int_equal(sd_api_count(api,
				 &(struct sd_api_query){.model = "Record",
					 .where = "body contains \"no such word\""},
				 &n, &r->p.e),
		SD_CANCELLED);
	sd_api_close(api);
	sd_config_free(config);
}

struct steps {
	int calls;
	int64_t rows, of;
};

static void step(void *ctx, int64_t rows, int64_t of)
{
	struct steps *s = ctx;

	assert_true(rows >= s->rows && rows <= of);
	s->calls++;
	s->rows = rows;
	s->of = of;
}

/* issue 4: progress of a scan that finds nothing */
static void a_scan_tells_how_far_it_is(void **st)
{
	struct rig *r = *st;
	struct steps s = {0};
	struct sd_watch w = {.progress = step, .ctx = &s};
	struct sd_store_opts o = {.dir = r->dir, .schema = r->p.schema, .read_only = true};
	struct sd_store *reader;
	struct sd_pred *p = NULL;
	struct sd_query q = {.model = r->p.schema->models[0], .state = -1, .by_rid = true};
	int64_t n = -1;

	assert_int_equal(sd_store_open(&o, &reader, &r->p.e), SD_OK);
	assert_int_equal(
		sd_pred_parse(r->p.schema, q.model, "body contains \"no such word\"", &p, &r->p.e),
		SD_OK);
	q.where = p;
	sd_store_watch(reader, &w);
	assert_int_equal(sd_rec_count(reader, &q, &n, &r->p.e), SD_OK);
	assert_int_equal(n, 0);
	assert_true(s.calls > 20);
	assert_true(s.of >= ROWS && s.rows > s.of * 8 / 10);
	sd_store_watch(reader, NULL);
	sd_pred_free(p);
	sd_store_close(reader);
}

static void closing_the_profile_ends_its_jobs(void **st)
{
	struct rig *r = *st;
	struct profile other;
	struct look l = {.q = {.model = "Record", .where = "body contains \"no such word\""}};
	struct sd_api_job *job;

	profile_open(&other, r->dir, "");
	assert_int_equal(sd_api_job_start(other.api, run, &l, &job, &other.e), SD_OK);
	sd_api_job_cancel(job);
	profile_close(&other); /* ends the thread */
	assert_true(sd_api_job_done(job));
	assert_int_equal(sd_api_job_end(job, NULL), SD_CANCELLED);
}

/* How many indexes for sorts there are, and whether that one is. */
static int sort_indexes(struct rig *r, const char *name)
{
	char path[300], sql[300];
	sqlite3 *db;
	sqlite3_stmt *s;
	int n;

	snprintf(path, sizeof path, "%s/store.db", r->dir);
	snprintf(sql, sizeof sql,
		"SELECT sum(name LIKE 'sx_%%')+100*sum(name='%s') FROM sqlite_schema WHERE "
		"type='index'",
		name);
	assert_int_equal(sqlite3_open_v2(path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
	sqlite3_busy_timeout(db, 5000);
	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	n = sqlite3_column_int(s, 0);
	sqlite3_finalize(s);
	sqlite3_close(db);
	return n;
}

static void wait_index(struct rig *r, const char *name, int want)
{
	int64_t until = sd_mono_ms() + 60000;

	while (sort_indexes(r, name) != want && sd_mono_ms() < until)
		usleep(2000);
	assert_int_equal(sort_indexes(r, name), want);
}

static bool keep_title(void *ctx, struct cJSON *rec)
{
	char *last = ctx;

	assert_true(strcmp(last, sd_json_get_str(rec, "title")) <= 0);
	snprintf(last, 64, "%s", sd_json_get_str(rec, "title"));
	return true;
}

/* issue 4: indexes for the sorts a person uses */
static void a_sort_in_use_gets_an_index_and_a_model_keeps_four(void **st)
{
	struct rig *r = *st;
	static const char *const FIELD[] = {"title", "body", "rating", "featured", "createdAt"};
	char last[64] = "", name[64];
	struct sd_api_query q = {.model = "Record", .sort = "title", .limit = 200};

	for (int i = 0; i < 5; i++) {
		sd_api_sort_used(r->p.api, "Record", FIELD[i], i == 2);
		snprintf(name, sizeof name, "sx_Record-%s-%s", FIELD[i], i == 2 ? "desc" : "asc");
		wait_index(r, name, 100 + (i < 4 ? i + 1 : 4));
	}
	assert_int_equal(sort_indexes(r, "sx_Record-title-asc"), 4); /* the oldest gave way */
	sd_api_sort_used(r->p.api, "Record", "title", false);
	wait_index(r, "sx_Record-title-asc", 104);
	q.within_ms = 1000;
	assert_int_equal(sd_api_query(r->p.api, &q, keep_title, last, &r->p.e), SD_OK);
	sd_api_sort_used(r->p.api, "Record", "id", false); /* the key has one */
	sd_api_sort_used(r->p.api, "Record", "nofield", false);
	sd_api_sort_used(r->p.api, "Nobody", "id", false);
}

/* It begins a change and does not make it: nobody gives way to it afterwards. */
static void a_dry_run_of_drop_outside_holds_up_nobody(void **st)
{
	struct rig *r = *st;
	struct cJSON *out = NULL;

	assert_int_equal(sd_api_drop_outside(r->p.api, NULL, true, &out, &r->p.e), SD_OK);
	sd_json_free(out);
	sd_api_sort_used(r->p.api, "Record", "body", false);
	wait_index(r, "sx_Record-body-asc", 104);
}

/* Nobody has to ask again: what gave way to saves and to jobs is made when they are through. */
static void an_index_that_gave_way_is_made_when_there_is_time(void **st)
{
	struct rig *r = *st;
	struct look l = {.total = 0};
	struct sd_api_job *job;
	int64_t until = sd_mono_ms() + 700;

	atomic_fetch_add(&r->p.api->saving, 1); /* a save that waits */
	sd_api_sort_used(r->p.api, "Record", "updatedAt", true);
	while (sd_mono_ms() < until) { /* and jobs that come in between */
		l.q = (struct sd_api_query){.model = "Record", .limit = 1};
		job = begin(r, &l, run);
		await(r, job);
		assert_int_equal(sd_api_job_end(job, &r->p.e), SD_OK);
		usleep(20000);
	}
	assert_int_equal(sort_indexes(r, "sx_Record-updatedAt-desc"), 4);
	atomic_fetch_sub(&r->p.api->saving, 1);
	wait_index(r, "sx_Record-updatedAt-desc", 104);
}

/* A product that is no number any more is behind the last page. */
static void a_page_far_behind_the_last_one_is_empty(void **st)
{
	struct rig *r = *st;
	static const struct {
		int64_t page, limit;
	} FAR[] = {{INT64_C(1) << 62, 4}, {INT64_MAX, 100}, {1, INT64_MAX}, {2, INT64_MAX}};

	for (size_t i = 0; i < sizeof FAR / sizeof *FAR; i++) {
		struct sd_api_query q = {
			.model = "Record", .page = FAR[i].page, .limit = FAR[i].limit};
		struct look l = {.total = 0};
		assert_int_equal(sd_api_query(r->p.api, &q, hit, &l, &r->p.e), SD_OK);
		assert_int_equal(atomic_load(&l.hits), 0);
	}
}

static void a_save_goes_before_an_index_that_is_made(void **st)
{
	struct rig *r = *st;
	struct sd_rand rand;
	struct sd_store_opts o = {.dir = r->dir, .schema = r->p.schema, .rand = &rand};
	const struct sd_model *m = r->p.schema->models[0];
	struct sd_store *mine;
	atomic_int waiting;
	int before = sort_indexes(r, "sx_Record-tags-asc");

	sd_rand_seeded(&rand, 1);
	atomic_init(&waiting, 0);
	assert_int_equal(sd_store_open(&o, &mine, &r->p.e), SD_OK);
	sd_store_defer_to(mine, &waiting, NULL);
	atomic_store(&waiting, 1);
	assert_int_equal(sd_store_sort_index(mine, m, sd_model_field(m, "tags"), false, &r->p.e),
		SD_CANCELLED);
	assert_false(sd_store_in_txn(mine));
	assert_int_equal(sort_indexes(r, "sx_Record-tags-asc"), before);
	sd_store_close(mine);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_job_reads_on_a_thread_of_its_own),
		cmocka_unit_test(a_wrong_query_is_an_error_of_the_job),
		cmocka_unit_test(a_cancelled_job_ends_in_the_middle),
		cmocka_unit_test(the_one_who_asks_is_answered_meanwhile),
		cmocka_unit_test(a_query_within_a_time_gives_up),
		cmocka_unit_test(a_query_of_the_caller_ends_when_it_is_told_to_stop),
		cmocka_unit_test(a_scan_tells_how_far_it_is),
		cmocka_unit_test(closing_the_profile_ends_its_jobs),
		cmocka_unit_test(a_sort_in_use_gets_an_index_and_a_model_keeps_four),
		cmocka_unit_test(a_dry_run_of_drop_outside_holds_up_nobody),
		cmocka_unit_test(a_page_far_behind_the_last_one_is_empty),
		cmocka_unit_test(a_save_goes_before_an_index_that_is_made),
		cmocka_unit_test(an_index_that_gave_way_is_made_when_there_is_time),
	};

	return cmocka_run_group_tests(tests, setup_all, teardown_all);
}
