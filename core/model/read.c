/* core/model/read.c - which form a schema file has.  See schema.h. */
#include "core/model/schema.h"

#include <string.h>

#include "core/base/buf.h"
#include "core/base/fs.h"
#include "core/json/json.h"
#include "core/model/sdl_read.h"

#define MAX_FILE ((size_t)16 << 20)

enum sd_err sd_schema_read(
	const char *text, size_t n, const char *name, struct sd_schema **out, struct sd_error *e)
{
	*out = NULL;
	return sd_read_sdl(text, n, name, out, e);
}

enum sd_err sd_schema_read_file(const char *path, struct sd_schema **out, struct sd_error *e)
{
	struct sd_buf b = SD_BUF_INIT;
	enum sd_err rc = sd_read_file(path, MAX_FILE, &b, e);

	*out = NULL;
	if (!rc)
		rc = sd_schema_read(sd_buf_text(&b), b.len, path, out, e);
	sd_buf_release(&b);
	return rc;
}
