/* tests/bench/measure.c - see measure.h. */
#include "tests/bench/measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/text.h"
#include "tests/support/support.h"

void must(bool ok, const char *what, const char *why)
{
	if (ok)
		return;
	fprintf(stderr, "bench: %s: %s\n", what, why ? why : "");
	exit(1);
}

void samples_add(struct samples *s, double v)
{
	if (s->n == s->room) {
		s->room = s->room ? s->room * 2 : 256;
		s->v = realloc(s->v, s->room * sizeof *s->v);
		must(s->v != NULL, "samples", "out of memory");
	}
	s->v[s->n++] = v;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

double samples_at(struct samples *s, double share)
{
	size_t i;

	if (!s->n)
		return 0;
	qsort(s->v, s->n, sizeof *s->v, by_value);
	i = (size_t)((double)s->n * share);
	return s->v[i < s->n ? i : s->n - 1];
}

void samples_release(struct samples *s)
{
	free(s->v);
	memset(s, 0, sizeof *s);
}

void tell_goal(const char *what, double value, const char *unit, bool at_least, double goal)
{
	bool met = at_least ? value >= goal : value <= goal;

	printf("  %-58s %8.2f%s  goal %s %g%s\n", what, value, unit, at_least ? ">=" : "<=", goal,
		met ? "" : "  MISSED");
	fflush(stdout);
}

int64_t env_number(const char *name, int64_t otherwise)
{
	const char *s = getenv(name);
	int64_t v;

	return s && sd_parse_i64(s, &v) && v > 0 ? v : otherwise;
}

char *bench_dir(void)
{
	const char *in = getenv("DIR");
	char *path = NULL;

	if (asprintf(&path, "%s/bench-XXXXXX", in && *in ? in : "build") < 0)
		path = NULL;
	must(path && mkdtemp(path), "making a directory", path);
	return path;
}

void bench_dir_remove(char *dir)
{
	sd_test_dir_remove(dir);
}
