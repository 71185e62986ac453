/*
 * tests/bench/measure.h - samples and how they are told: medians, percentiles, ratios with a goal.
 */
#ifndef SD_BENCH_MEASURE_H
#define SD_BENCH_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct samples {
	double *v;
	size_t n, room;
};
void samples_add(struct samples *s, double v);
double samples_at(struct samples *s, double share); /* 0.5: the median; sorts */
void samples_release(struct samples *s);

/* "  what            x  goal <= g": at_least turns it round.  Says MISSED when it is. */
void tell_goal(const char *what, double value, const char *unit, bool at_least, double goal);

/* An environment variable that is a whole number > 0. */
int64_t env_number(const char *name, int64_t otherwise);
/* A new directory on a real disk (DIR, else build/), not in memory: syncs must cost what they
 * cost.  Owned; bench_dir_remove(). */
char *bench_dir(void);
void bench_dir_remove(char *dir);
void must(bool ok, const char *what, const char *why);

#endif
