/*
 * core/store/watch.c - statements that are looked at while they run: how far they are, whether
 * they are still wanted, whether they take too long; see store.h.
 *
 * SQLite calls back every thousand steps of its machine, a few tens of microseconds.
 */
#include <time.h>

#include "core/store/internal.h"

#define STEPS      1000
#define WALL_TIMES 8 /* a thread that gets no processor is given up later than one that has it */

static int64_t cpu_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int look(void *p)
{
	struct sd_store *st = p;
	const struct sd_watch *w = &st->watch;

	if (w->stop && atomic_load(w->stop))
		return 1;
	if (w->cpu_us && (cpu_us() - st->watch_cpu_us > w->cpu_us ||
				 sd_mono_us() - st->watch_us > WALL_TIMES * w->cpu_us))
		return 1;
	if (w->progress && st->watched) {
		int64_t rows = sqlite3_stmt_status(st->watched, SQLITE_STMTSTATUS_FULLSCAN_STEP, 0);
		w->progress(w->ctx, rows, st->watched_of);
	}
	return 0;
}

void sd_store_watch(struct sd_store *st, const struct sd_watch *w)
{
	if (!w) {
		sqlite3_progress_handler(st->db, 0, NULL, NULL);
		st->watch = (struct sd_watch){.stop = NULL};
		return;
	}
	st->watch = *w;
	st->watch_us = sd_mono_us();
	st->watch_cpu_us = w->cpu_us ? cpu_us() : 0;
	sqlite3_progress_handler(st->db, STEPS, look, st);
}

void sd_watch_stmt(struct sd_store *st, sqlite3_stmt *s, struct sd_table *t)
{
	st->watched = NULL;
	if (!s || !st->watch.progress)
		return;
	if (sd_counter_load(st, t, NULL) != SD_OK)
		return;
	st->watched_of = t->next_rid - 1;
	st->watched = s;
}
