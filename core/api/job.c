/*
 * core/api/job.c - long reads on a helper thread, with a reading connection of its own; see api.h.
 *
 * One thread a profile, made at the first job and ended with the store; jobs run in the order they
 * were started.  What a job and its owner share stands behind the helper's lock or is atomic.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>

#include "core/api/internal.h"
#include "core/base/log.h"

#define INDEX_TRIES  100
#define INDEX_NAP_MS 100

struct sd_api_job {
	struct sd_api_job *next; /* in the queue */
	struct sd_api *api;
	sd_api_job_fn fn;
	void *ctx;
	atomic_bool stop, done;
	atomic_llong rows, of;       /* looked at, of so many; of 0: not known */
	const struct sd_field *sort; /* instead of fn: make an index for it; the helper's own job */
	const struct sd_model *model;
	bool descending;
	int tries; /* of an index, that were cut off */
	enum sd_err rc;
	struct sd_error e;
};

struct sd_api_reader {
	struct sd_api *api;
	struct sd_store *st; /* the thread's; opened by the first job */
	struct sd_api_job *job;
};

struct sd_helper {
	struct sd_api *api;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more, less;
	struct sd_api_job *first, *running;
	bool stop;
	atomic_bool moving; /* the WAL, now or soon */
	struct sd_api_reader reader;
};

static void progress(void *ctx, int64_t rows, int64_t of)
{
	struct sd_api_reader *r = ctx;

	atomic_store(&r->job->rows, rows);
	atomic_store(&r->job->of, of);
}

static enum sd_err open_reader(struct sd_api_reader *r, struct sd_error *e)
{
	struct sd_store_opts o = {.dir = r->api->dir,
		.schema = r->api->o.schema,
		.read_only = true,
		.no_backend = !*r->api->endpoint,
		.now_ms = sd_now_ms()};

	return r->st ? SD_OK : sd_store_open(&o, &r->st, e);
}

/* With a writing connection of its own; it is not worth an error.  false: it gave way to something
 * that is waited for, and is to be made yet. */
static bool make_sort_index(struct sd_helper *h, struct sd_api_job *job)
{
	struct sd_rand rand;
	struct sd_store_opts o = {.dir = h->api->dir,
		.schema = h->api->o.schema,
		.no_backend = !*h->api->endpoint,
		.now_ms = sd_now_ms(),
		.rand = &rand};
	struct sd_store *st = NULL;
	enum sd_err rc = SD_OK;

	sd_rand_system(&rand);
	if (atomic_load(&job->stop)) {
		rc = SD_CANCELLED;
	} else if (sd_store_open(&o, &st, NULL) == SD_OK) {
		sd_store_defer_to(st, &h->api->saving, &job->stop);
		rc = sd_store_sort_index(st, job->model, job->sort, job->descending, &job->e);
		sd_store_wal_care(st); /* or the next save would pay for it */
		if (rc != SD_OK && job->tries == 0)
			sd_log(SD_LOG_INFO, "store", "no index for sorting by %s.%s yet: %s",
				job->model->name, job->sort->name, job->e.text);
	}
	sd_store_close(st);
	return rc != SD_CANCELLED && rc != SD_BUSY;
}

/* Behind all others again, when nobody waits for anything; with the lock held.  false: it is over. */
static bool once_more(struct sd_helper *h, struct sd_api_job *job)
{
	struct sd_api_job **at = &h->first;
	struct timespec until;

	if (h->stop || ++job->tries >= INDEX_TRIES)
		return false;
	while (*at)
		at = &(*at)->next;
	job->next = NULL;
	*at = job;
	atomic_store(&job->stop, false);
	if (h->first == job) { /* a save was in the way: not at once */
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += INDEX_NAP_MS * 1000000;
		until.tv_sec += until.tv_nsec / 1000000000;
		until.tv_nsec %= 1000000000;
		pthread_cond_timedwait(&h->more, &h->lock, &until);
	}
	return true;
}

static void move_wal(struct sd_helper *h)
{
	if (open_reader(&h->reader, NULL) == SD_OK)
		sd_store_wal_move(h->reader.st);
	atomic_store(&h->moving, false);
}

static void run(struct sd_helper *h, struct sd_api_job *job)
{
	struct sd_watch w = {.stop = &job->stop, .progress = progress, .ctx = &h->reader};

	h->reader.job = job;
	if (atomic_load(&job->stop))
		job->rc = sd_fail(&job->e, SD_CANCELLED, 0, "cancelled");
	else
		job->rc = open_reader(&h->reader, &job->e);
	if (job->rc == SD_OK) {
		sd_store_watch(h->reader.st, &w);
		job->rc = job->fn(&h->reader, job->ctx, &job->e);
		sd_store_watch(h->reader.st, NULL);
	}
}

static void *helper_main(void *arg)
{
	struct sd_helper *h = arg;

	pthread_mutex_lock(&h->lock);
	for (;;) {
		struct sd_api_job *job = h->first;
		bool again = false;

		if (!job && h->stop)
			break;
		if (!job) {
			pthread_cond_wait(&h->more, &h->lock);
			continue;
		}
		h->first = job->next;
		h->running = job;
		pthread_mutex_unlock(&h->lock);
		if (job->sort)
			again = !make_sort_index(h, job);
		else if (!job->fn)
			move_wal(h);
		else
			run(h, job);
		pthread_mutex_lock(&h->lock);
		h->running = NULL;
		if (again && once_more(h, job))
			continue;
		if (!job->fn) { /* nobody's */
			free(job);
			continue;
		}
		atomic_store(&job->done, true);
		pthread_cond_broadcast(&h->less);
		(void)eventfd_write(h->api->wake_fd, 1);
	}
	pthread_mutex_unlock(&h->lock);
	sd_store_close(h->reader.st);
	return NULL;
}

static enum sd_err make_helper(struct sd_api *api, struct sd_error *e)
{
	struct sd_helper *h;
	sigset_t all, old;
	int err;

	if (api->helper)
		return SD_OK;
	h = calloc(1, sizeof *h);
	if (!h)
		return sd_fail(e, SD_NOMEM, 0, "helper thread: out of memory");
	h->api = h->reader.api = api;
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->more, NULL);
	pthread_cond_init(&h->less, NULL);
	sigfillset(&all); /* signals are the caller's */
	pthread_sigmask(SIG_SETMASK, &all, &old);
	err = pthread_create(&h->thread, NULL, helper_main, h);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (err) {
		free(h);
		return sd_fail(e, SD_FAILED, err, "helper thread: %s", strerror(err));
	}
	api->helper = h;
	return SD_OK;
}

void sd_api_helper_stop(struct sd_api *api)
{
	struct sd_helper *h = api->helper;

	if (!h)
		return;
	pthread_mutex_lock(&h->lock);
	h->stop = true;
	for (struct sd_api_job *j = h->first; j; j = j->next)
		atomic_store(&j->stop, true);
	if (h->running)
		atomic_store(&h->running->stop, true);
	pthread_cond_signal(&h->more);
	pthread_mutex_unlock(&h->lock);
	pthread_join(h->thread, NULL);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->more);
	pthread_cond_destroy(&h->less);
	free(h);
	api->helper = NULL;
}

static struct sd_api_job *new_job(struct sd_api *api)
{
	struct sd_api_job *job = calloc(1, sizeof *job);

	if (!job)
		return NULL;
	job->api = api;
	atomic_init(&job->stop, false);
	atomic_init(&job->done, false);
	atomic_init(&job->rows, 0);
	atomic_init(&job->of, 0);
	return job;
}

/* Behind those that wait, but before an index that is to be made. */
static void enqueue(struct sd_helper *h, struct sd_api_job *job)
{
	struct sd_api_job **at = &h->first;

	pthread_mutex_lock(&h->lock);
	while (*at && (job->sort || !(*at)->sort))
		at = &(*at)->next;
	job->next = *at;
	*at = job;
	if (!job->sort && h->running && h->running->sort)
		atomic_store(&h->running->stop, true);
	pthread_cond_signal(&h->more);
	pthread_mutex_unlock(&h->lock);
}

void sd_api_sort_used(struct sd_api *api, const char *model, const char *field, bool descending)
{
	const struct sd_model *m = sd_schema_model(api->o.schema, model);
	const struct sd_field *f = m ? sd_model_field(m, field) : NULL;
	struct sd_api_job *job;

	if (!f || api->o.read_only || sd_api_use(api, NULL) != SD_OK ||
		make_helper(api, NULL) != SD_OK)
		return;
	job = new_job(api);
	if (!job)
		return;
	job->sort = f;
	job->model = m;
	job->descending = descending;
	enqueue(api->helper, job);
}

void sd_api_wal(struct sd_api *api)
{
	struct sd_api_job *job;

	if (!sd_store_wal_long(api->writer) || make_helper(api, NULL) != SD_OK ||
		atomic_exchange(&api->helper->moving, true))
		return;
	job = new_job(api);
	if (job)
		enqueue(api->helper, job);
	else
		atomic_store(&api->helper->moving, false);
}

enum sd_err sd_api_job_start(struct sd_api *api, sd_api_job_fn fn, void *ctx,
	struct sd_api_job **out, struct sd_error *e)
{
	struct sd_api_job *job;
	enum sd_err rc = sd_api_use(api, e);

	*out = NULL;
	if (rc == SD_OK)
		rc = make_helper(api, e);
	if (rc != SD_OK)
		return rc;
	job = new_job(api);
	if (!job)
		return sd_fail(e, SD_NOMEM, 0, "helper thread: out of memory");
	job->fn = fn;
	job->ctx = ctx;
	enqueue(api->helper, job);
	*out = job;
	return SD_OK;
}

bool sd_api_job_done(const struct sd_api_job *job)
{
	return atomic_load(&job->done);
}

int sd_api_job_percent(const struct sd_api_job *job)
{
	int64_t rows = atomic_load(&job->rows), of = atomic_load(&job->of);

	if (rows <= 0 || of <= 0)
		return -1;
	return rows >= of ? 100 : (int)(rows * 100 / of);
}

void sd_api_job_cancel(struct sd_api_job *job)
{
	atomic_store(&job->stop, true);
}

enum sd_err sd_api_job_end(struct sd_api_job *job, struct sd_error *e)
{
	struct sd_helper *h;
	enum sd_err rc;

	if (!job)
		return SD_OK;
	if (!atomic_load(&job->done)) { /* then the helper, and the api, are there */
		h = job->api->helper;
		atomic_store(&job->stop, true);
		pthread_mutex_lock(&h->lock);
		while (!atomic_load(&job->done))
			pthread_cond_wait(&h->less, &h->lock);
		pthread_mutex_unlock(&h->lock);
	}
	rc = job->rc;
	if (rc != SD_OK && e)
		*e = job->e;
	free(job);
	return rc;
}

/* ---- on the helper thread ---- */

bool sd_api_reader_stopped(const struct sd_api_reader *r)
{
	return atomic_load(&r->job->stop);
}

void sd_api_reader_news(struct sd_api_reader *r)
{
	(void)eventfd_write(r->api->wake_fd, 1);
}

static enum sd_err still_wanted(const struct sd_api_reader *r, struct sd_error *e)
{
	return sd_api_reader_stopped(r) ? sd_fail(e, SD_CANCELLED, 0, "cancelled") : SD_OK;
}

enum sd_err sd_api_reader_query(struct sd_api_reader *r, const struct sd_api_query *q,
	sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	enum sd_err rc = still_wanted(r, e);

	return rc == SD_OK ? sd_api_query_on(r->api, r->st, q, fn, ctx, e) : rc;
}

enum sd_err sd_api_reader_count(
	struct sd_api_reader *r, const struct sd_api_query *q, int64_t *out, struct sd_error *e)
{
	enum sd_err rc = still_wanted(r, e);

	return rc == SD_OK ? sd_api_count_on(r->api, r->st, q, out, e) : rc;
}
