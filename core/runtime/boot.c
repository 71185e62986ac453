/*
 * core/runtime/boot.c - what a stop of the machine may have cost.
 *
 * The thread's commits are relaxed: pages, messages and acknowledgements can be fetched or found out
 * again, and a disk that syncs for each of them is slow.  When the machine (not the process) stops,
 * the last ones may be gone: an entry that was sent may read as never sent.  So a mark with the
 * machine's boot number stands in the store while an engine runs, and a start that finds the mark of
 * another boot looks every unsent change up before it sends it.
 */
#include "core/runtime/internal.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/store/outbox.h"

static const char MARK[] = "engine.boot";

/* The same until the machine is started again; false: not known. */
static bool boot_id(char out[64])
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd >= 0 ? read(fd, out, 63) : -1;

	if (fd >= 0)
		close(fd);
	if (n <= 0)
		return false;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return out[0] != '\0';
}

static enum sd_err put_mark(struct sd_runtime *rt, const char *id, bool doubt, struct sd_error *e)
{
	enum sd_err rc = sd_store_begin(rt->store, e);

	if (rc != SD_OK)
		return rc;
	if (doubt)
		rc = sd_outbox_doubt(rt->store, e);
	if (rc == SD_OK)
		rc = sd_meta_put(rt->store, MARK, id, e);
	if (rc == SD_OK)
		return sd_store_commit(rt->store, e);
	sd_store_rollback(rt->store);
	return rc;
}

enum sd_err sd_rt_booted(struct sd_runtime *rt, struct sd_error *e)
{
	char id[64], *was = NULL;
	enum sd_err rc = sd_meta_get(rt->store, MARK, &was, e);

	if (rc == SD_OK && boot_id(id)) {
		rc = put_mark(rt, id, was && !sd_str_eq(was, id), e);
		if (rc == SD_OK)
			rc = sd_store_relax(rt->store, true, e);
	}
	free(was);
	return rc;
}

void sd_rt_left(struct sd_runtime *rt)
{
	struct sd_error e;

	/* failing leaves the mark: the next start of the machine looks things up, no more */
	if (sd_store_relax(rt->store, false, &e) == SD_OK)
		(void)put_mark(rt, NULL, false, &e);
}
