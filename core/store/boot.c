/*
 * core/store/boot.c - what a stop of the machine may have cost.
 *
 * The engine's commits are relaxed: pages, messages and acknowledgements can be fetched or found out
 * again, and a disk that syncs for each of them is slow.  When the machine (not the process) stops,
 * the last ones may be gone: a change that was sent may read as never sent.  So a mark with the
 * machine's boot number stands in the store while an engine runs.  Whoever opens the store and finds
 * the mark of another boot puts every waiting change in doubt: the engine looks it up before it
 * sends it, and nothing more is put into it, for half of that would be there already.
 */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/text.h"
#include "core/store/internal.h"
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

enum sd_err sd_outbox_mark(struct sd_store *st, bool on, bool *marked, struct sd_error *e)
{
	char id[64];

	assert(sd_store_in_txn(st));
	*marked = on && boot_id(id);
	return sd_meta_put(st, MARK, *marked ? id : NULL, e);
}

enum sd_err sd_boot_look(struct sd_store *st, struct sd_error *e)
{
	char id[64], *was = NULL;
	enum sd_err rc = sd_meta_get(st, MARK, &was, e);

	if (rc != SD_OK || !was || !boot_id(id) || sd_str_eq(was, id))
		goto done;
	rc = sd_store_begin(st, e);
	if (rc != SD_OK)
		goto done;
	rc = sd_db_exec(st, "UPDATE outbox SET unknown=1 WHERE lane=0", e, "outbox");
	if (rc == SD_OK)
		rc = sd_meta_put(st, MARK, NULL, e);
	if (rc == SD_OK)
		rc = sd_store_commit(st, e);
	else
		sd_store_rollback(st);
done:
	free(was);
	return rc;
}
