/*
 * tests/sim/sim_cover.c - what the seeds really did, counted: SIM_COVER=1 prints it; see sim.h.
 *
 * A step of a schedule is no proof: the fault it waits with must meet a message, the person must
 * find a record.  So everything is counted where it happens.  The table is shared by the processes
 * that run seeds.
 */
#include "tests/sim/sim.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define ROWS 400

struct table {
	atomic_flag lock;
	size_t count;
	struct {
		char name[56];
		uint64_t n, seeds;
	} row[ROWS];
};
static struct table *table;
static uint64_t seed_now, seen_in[ROWS]; /* of this process: seed + 1 */

bool sim_cover_begin(void)
{
	void *p;

	if (!getenv("SIM_COVER"))
		return false;
	p = mmap(NULL, sizeof *table, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	table = p == MAP_FAILED ? NULL : p;
	return table != NULL;
}

void sim_cover_seed(uint64_t seed)
{
	seed_now = seed;
}

void sim_cover(const char *kind, const char *what)
{
	char name[56];
	size_t i;

	if (!table)
		return;
	snprintf(name, sizeof name, "%s  %s", kind, what);
	while (atomic_flag_test_and_set(&table->lock))
		;
	for (i = 0; i < table->count && strcmp(table->row[i].name, name) != 0; i++)
		;
	if (i == table->count && i < ROWS)
		memcpy(table->row[table->count++].name, name, sizeof name);
	if (i < ROWS) {
		table->row[i].n++;
		table->row[i].seeds += seen_in[i] != seed_now + 1;
		seen_in[i] = seed_now + 1;
	}
	atomic_flag_clear(&table->lock);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(a, b);
}

int sim_cover_end(void)
{
	int never = 0;

	if (!table)
		return 0;
	qsort(table->row, table->count, sizeof table->row[0], by_name);
	printf("%-48s %10s %8s\n", "what happened", "times", "seeds");
	for (size_t i = 0; i < table->count; i++)
		printf("%-48s %10llu %8llu\n", table->row[i].name,
			(unsigned long long)table->row[i].n,
			(unsigned long long)table->row[i].seeds);
	for (int k = 0; k < SIM_DO_COUNT; k++) {
		char step[56], fault[56];
		bool had = false;
		snprintf(step, sizeof step, "step  %s", sim_do_name((enum sim_do)k));
		snprintf(fault, sizeof fault, "fault  %s", sim_do_name((enum sim_do)k));
		for (size_t i = 0; i < table->count; i++)
			had = had || strcmp(table->row[i].name, step) == 0 ||
			      strcmp(table->row[i].name, fault) == 0;
		if (!had)
			printf("NEVER: %s\n", sim_do_name((enum sim_do)k));
		never += !had;
	}
	munmap(table, sizeof *table);
	table = NULL;
	return never;
}
