/*
 * tests/sim/sim_shrink.c - a failing schedule made small, by delta debugging: clients, then ever
 * smaller pieces of the list of steps are taken out for as long as the same rule is broken.
 */
#include "tests/sim/sim.h"

#include <stdlib.h>
#include <string.h>

struct shrink {
	const char *rule;
	int runs, most;
};

static bool fails(struct shrink *k, const struct sim_plan *p)
{
	struct sim_result r;

	k->runs++;
	return !sim_run(p, false, &r) && strcmp(r.rule, k->rule) == 0;
}

/* Keeps the steps that `keep` marks. */
static void only(struct sim_plan *to, const struct sim_plan *from, const bool *keep)
{
	sim_plan_copy(to, from);
	to->count = 0;
	for (size_t i = 0; i < from->count; i++)
		if (keep[i])
			to->steps[to->count++] = from->steps[i];
}

/* Tries without the steps marked false; takes it when it still fails. */
static bool try_only(struct shrink *k, struct sim_plan *p, const bool *keep, int clients)
{
	struct sim_plan less;

	if (k->runs >= k->most)
		return false;
	only(&less, p, keep);
	less.clients = clients;
	if (less.count == p->count && clients == p->clients) {
		sim_plan_release(&less);
		return false;
	}
	if (!fails(k, &less)) {
		sim_plan_release(&less);
		return false;
	}
	sim_plan_release(p);
	*p = less;
	return true;
}

static bool without_client(struct shrink *k, struct sim_plan *p, int client, int clients)
{
	bool *keep = calloc(p->count + 1, sizeof *keep);
	bool ok;

	if (!keep)
		abort();
	for (size_t i = 0; i < p->count; i++)
		keep[i] = p->steps[i].client != client;
	ok = try_only(k, p, keep, clients);
	free(keep);
	return ok;
}

/* Pieces of n steps; true when one could go. */
static bool without_pieces(struct shrink *k, struct sim_plan *p, size_t n)
{
	bool any = false;

	for (size_t at = 0; at < p->count && k->runs < k->most;) {
		bool *keep = calloc(p->count + 1, sizeof *keep);
		bool ok;
		if (!keep)
			abort();
		for (size_t i = 0; i < p->count; i++)
			keep[i] = i < at || i >= at + n;
		ok = try_only(k, p, keep, p->clients);
		free(keep);
		any = any || ok;
		if (!ok)
			at += n;
	}
	return any;
}

/* The last step and what comes after it: nothing of it matters when it fails earlier. */
int sim_shrink(struct sim_plan *p, const char *rule, int most_runs)
{
	struct shrink k = {.rule = rule, .most = most_runs};

	for (int c = p->clients - 1; c >= 0; c--)
		without_client(&k, p, c, c == p->clients - 1 && c ? c : p->clients);
	for (size_t n = p->count / 2; n > 0 && k.runs < k.most; n /= 2)
		without_pieces(&k, p, n);
	for (int c = p->clients - 1; c > 0; c--)
		without_client(&k, p, c, c == p->clients - 1 ? c : p->clients);
	while (k.runs < k.most && without_pieces(&k, p, 1))
		;
	return k.runs;
}
