/*
 * core/model/js.h - the object that a JavaScript or TypeScript file assigns, as JSON text.
 * Private to core/model.
 *
 * Takes what generators and Prettier write: bare keys, single quotes, comments, trailing commas,
 * `export const schema: Schema = {...}`, `export default {...}`, other statements around it.
 * Nothing is evaluated.  Lines of the result are those of the source, so errors point right.
 */
#ifndef SD_MODEL_JS_H
#define SD_MODEL_JS_H

#include <stddef.h>

#include "core/base/buf.h"
#include "core/base/err.h"

/* want: the variable to look for first ("schema"); else the first object of the file.
 * Errors: INVAL with line and column, NOMEM. */
SD_MUST_USE enum sd_err sd_js_object(const char *text, size_t n, const char *name, const char *want,
	struct sd_buf *out, struct sd_error *e);

#endif
