/* core/runtime/input.c - what happened, in order, until the engine is told. */
#include "core/runtime/internal.h"

#include <stdlib.h>

struct sd_input *sd_rt_input(enum sd_input_kind kind, uint64_t id)
{
	struct sd_input *in = calloc(1, sizeof *in);

	if (in) {
		in->kind = kind;
		in->id = id;
	}
	return in;
}

void sd_rt_input_free(void *arg)
{
	struct sd_input *in = arg;

	if (!in)
		return;
	free(in->text);
	free(in->failure);
	free(in->error_type);
	free(in);
}

void sd_rt_put(struct sd_runtime *rt, struct sd_input *in)
{
	in->next = NULL;
	*rt->in_tail = in;
	rt->in_tail = &in->next;
}

/* What the network told the old engine means nothing to the next one; what a person asked does. */
static bool of_person(enum sd_input_kind k)
{
	return k == SD_IN_NETWORK || k == SD_IN_RESYNC || k == SD_IN_REAUTH;
}

void sd_rt_forget(struct sd_runtime *rt, bool all)
{
	struct sd_input *in = rt->in, *next;

	rt->in = NULL;
	rt->in_tail = &rt->in;
	for (; in; in = next) {
		next = in->next;
		if (all || !of_person(in->kind))
			sd_rt_input_free(in);
		else
			sd_rt_put(rt, in);
	}
}
