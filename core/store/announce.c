/*
 * core/store/announce.c - telling other processes that a wipe is about to come.
 *
 * They compare the generation number at every call and let go of the store when it moved, so that
 * the wipe gets its exclusive lock.
 */
#include "core/store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/base/fs.h"

enum sd_err sd_wipe_announce(const char *dir, struct sd_error *e)
{
	char *path = sd_path_join(dir, "generation"), text[32];
	enum sd_err rc;

	if (!path)
		return sd_fail(e, SD_NOMEM, 0, "wipe: out of memory");
	snprintf(text, sizeof text, "%lld\n", (long long)sd_wipe_generation(dir) + 1);
	rc = sd_write_file(path, text, strlen(text), e);
	free(path);
	return rc;
}
