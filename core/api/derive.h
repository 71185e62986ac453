/*
 * core/api/derive.h - a schema told from a server's introspection.  Private to core/api.
 *
 * Source: spec/server.md 8.4; what introspection does not tell (rules of access, names of indexes,
 * strategies, defaults) is lost, and said so at the top of the text.
 */
#ifndef SD_API_DERIVE_H
#define SD_API_DERIVE_H

#include "core/api/introspect.h"

/* SDL with directives, appended to out.  notes: texts for a person, pushed.  Errors: FAILED when
 * the server has no models. */
SD_MUST_USE enum sd_err sd_derive_sdl(const struct sd_introspection *in, struct sd_buf *out,
	struct cJSON *notes, struct sd_error *e);

#endif
