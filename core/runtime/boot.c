/*
 * core/runtime/boot.c - the engine's commits are relaxed while it runs, with a mark in the store that
 * tells of it: core/store/boot.c says what a stop of the machine may cost then.
 */
#include "core/runtime/internal.h"

#include "core/store/outbox.h"

static enum sd_err mark(struct sd_runtime *rt, bool on, bool *marked, struct sd_error *e)
{
	enum sd_err rc = sd_store_begin(rt->store, e);

	if (rc != SD_OK)
		return rc;
	rc = sd_outbox_mark(rt->store, on, marked, e);
	if (rc == SD_OK)
		return sd_store_commit(rt->store, e);
	sd_store_rollback(rt->store);
	return rc;
}

enum sd_err sd_rt_booted(struct sd_runtime *rt, struct sd_error *e)
{
	bool marked = false;
	enum sd_err rc = mark(rt, true, &marked, e);

	return rc == SD_OK && marked ? sd_store_relax(rt->store, true, e) : rc;
}

void sd_rt_left(struct sd_runtime *rt)
{
	struct sd_error e;
	bool marked;

	/* failing leaves the mark: the next start of the machine looks things up, no more */
	if (sd_store_relax(rt->store, false, &e) == SD_OK)
		(void)mark(rt, false, &marked, &e);
}
