/* core/api/forensic.c - a file of another library; see api.h. */
#include "core/store/forensic.h"

#include <string.h>

#include "core/api/api.h"

enum sd_err sd_api_forensic(
	const char *file, const char *table, sd_api_rec_fn fn, void *ctx, struct sd_error *e)
{
	if (!table)
		return sd_forensic_queue(file, fn, ctx, e);
	if (strcmp(table, "tables") == 0)
		return sd_forensic_tables(file, fn, ctx, e);
	return sd_forensic_rows(file, table, fn, ctx, e);
}
