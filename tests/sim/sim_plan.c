/*
 * tests/sim/sim_plan.c - the schedule of a seed: who does what and what goes wrong when; see sim.h.
 *
 * A file holds one step a line, so that a person can read it, change it and run it again:
 *   sim 1
 *   seed 42
 *   clients 3
 *   more                     (left out for schedules of the first kind)
 *   mutant coalesce          (left out for the product as it is)
 *   step 1204 1 save 0x5f3759df
 */
#include "tests/sim/sim.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	uint32_t weight;
} STEPS[SIM_DO_COUNT] = {
#define X(id, text, w) {text, w},
	SIM_STEP_MAP(X)
#undef X
};

const char *sim_do_name(enum sim_do what)
{
	return (size_t)what < SIM_DO_COUNT ? STEPS[what].name : "?";
}

static void add(struct sim_plan *p, struct sim_step step)
{
	if (p->count == p->room) {
		p->room = p->room ? p->room * 2 : 128;
		p->steps = realloc(p->steps, p->room * sizeof *p->steps);
		if (!p->steps)
			abort();
	}
	p->steps[p->count++] = step;
}

/* Kinds that this seed has at all: most seeds lack some, so that each is also seen by itself. */
static uint32_t weights(struct sd_rand *r, uint32_t out[SIM_DO_COUNT])
{
	uint32_t sum = 0;

	for (int i = 0; i < SIM_DO_MORE; i++) {
		bool edit = i <= SIM_DELETE;
		out[i] = edit || sd_rand_below(r, 100) < 45 ? STEPS[i].weight : 0;
		if (!edit && out[i] && sd_rand_below(r, 100) < 10)
			out[i] *= 5; /* a bad day for that */
		sum += out[i];
	}
	return sum;
}

static int by_time(const void *a, const void *b)
{
	const struct sim_step *x = a, *y = b;

	return (x->at > y->at) - (x->at < y->at);
}

/* A few of the second kind among the others, drawn from a stream of their own. */
static void add_more(struct sim_plan *p, int64_t to)
{
	struct sd_rand r;
	uint32_t sum = 0, n;

	sd_rand_seeded(&r, p->seed * 2862933555777941757u + 3037000493u);
	n = sd_rand_below(&r, 12);
	for (int i = SIM_DO_MORE; i < SIM_DO_COUNT; i++)
		sum += STEPS[i].weight;
	while (n--) {
		uint32_t w = sd_rand_below(&r, sum);
		int what = SIM_DO_MORE;
		while (w >= STEPS[what].weight)
			w -= STEPS[what++].weight;
		add(p, (struct sim_step){.at = sd_rand_below(&r, (uint32_t)to + 1),
			       .what = (enum sim_do)what,
			       .client = (int)sd_rand_below(&r, (uint32_t)p->clients),
			       .r = sd_rand_u64(&r)});
	}
	qsort(p->steps, p->count, sizeof *p->steps, by_time);
}

void sim_plan_make(struct sim_plan *p, uint64_t seed, bool more, const char *mutant)
{
	uint32_t weight[SIM_DO_COUNT], sum;
	struct sd_rand r;
	int64_t at = 0, pace;
	size_t n;

	memset(p, 0, sizeof *p);
	p->seed = seed;
	p->more = more;
	p->mutant = mutant ? strdup(mutant) : NULL;
	sd_rand_seeded(&r, seed * 6364136223846793005u + 1442695040888963407u);
	p->clients = sd_rand_below(&r, 100) < 75 ? 2 + (int)sd_rand_below(&r, 2)
						 : 4 + (int)sd_rand_below(&r, 2);
	sum = weights(&r, weight);
	n = 50 + sd_rand_below(&r, 70);
	pace = 60 + sd_rand_below(&r, 900);
	for (size_t i = 0; i < n; i++) {
		uint32_t w = sd_rand_below(&r, sum);
		int what = 0;
		while (w >= weight[what])
			w -= weight[what++];
		at += sd_rand_below(&r, 10) ? sd_rand_below(&r, (uint32_t)(2 * pace))
					    : sd_rand_below(&r, 8000);
		add(p, (struct sim_step){.at = at,
			       .what = (enum sim_do)what,
			       .client = (int)sd_rand_below(&r, (uint32_t)p->clients),
			       .r = sd_rand_u64(&r)});
	}
	if (more)
		add_more(p, at);
}

void sim_plan_release(struct sim_plan *p)
{
	free(p->steps);
	free(p->mutant);
	memset(p, 0, sizeof *p);
}

void sim_plan_copy(struct sim_plan *to, const struct sim_plan *from)
{
	*to = *from;
	to->mutant = from->mutant ? strdup(from->mutant) : NULL;
	to->room = from->count ? from->count : 1;
	to->steps = malloc(to->room * sizeof *to->steps);
	if (!to->steps)
		abort();
	if (from->count)
		memcpy(to->steps, from->steps, from->count * sizeof *to->steps);
}

void sim_plan_text(const struct sim_plan *p, struct sd_buf *out)
{
	sd_buf_fmt(out, "sim 1\nseed %" PRIu64 "\nclients %d\n", p->seed, p->clients);
	if (p->more)
		sd_buf_str(out, "more\n");
	if (p->mutant)
		sd_buf_fmt(out, "mutant %s\n", p->mutant);
	for (size_t i = 0; i < p->count; i++)
		sd_buf_fmt(out, "step %" PRId64 " %d %s 0x%" PRIx64 "\n", p->steps[i].at,
			p->steps[i].client, sim_do_name(p->steps[i].what), p->steps[i].r);
}

bool sim_plan_write(const struct sim_plan *p, const char *path)
{
	struct sd_buf b = SD_BUF_INIT;
	FILE *f = fopen(path, "w");
	bool ok = f != NULL;

	sim_plan_text(p, &b);
	ok = ok && fwrite(sd_buf_text(&b), 1, b.len, f) == b.len;
	if (f)
		ok = fclose(f) == 0 && ok;
	sd_buf_release(&b);
	return ok;
}

static bool read_step(struct sim_plan *p, const char *line)
{
	struct sim_step step = {.what = SIM_DO_COUNT};
	char name[40];

	if (sscanf(line, "step %" SCNd64 " %d %39s 0x%" SCNx64, &step.at, &step.client, name,
		    &step.r) != 4)
		return false;
	for (int i = 0; i < SIM_DO_COUNT; i++)
		if (strcmp(STEPS[i].name, name) == 0)
			step.what = (enum sim_do)i;
	if (step.what == SIM_DO_COUNT || step.client < 0 || step.client >= SIM_CLIENTS)
		return false;
	add(p, step);
	return true;
}

bool sim_plan_read(struct sim_plan *p, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[200], word[80];
	bool ok = f != NULL;

	memset(p, 0, sizeof *p);
	while (ok && fgets(line, sizeof line, f)) {
		if (line[0] == '#' || line[0] == '\n' || strncmp(line, "sim 1", 5) == 0)
			continue;
		if (sscanf(line, "seed %" SCNu64, &p->seed) == 1 ||
			sscanf(line, "clients %d", &p->clients) == 1)
			continue;
		if (strcmp(line, "more\n") == 0)
			p->more = true;
		else if (sscanf(line, "mutant %79s", word) == 1)
			p->mutant = strdup(word);
		else
			ok = read_step(p, line);
	}
	if (f)
		fclose(f);
	return ok && p->clients > 0 && p->clients <= SIM_CLIENTS;
}
