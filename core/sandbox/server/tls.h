/*
 * core/sandbox/server/tls.h - a private certificate authority and one server certificate.
 *
 * The authority's key signs once and is thrown away, so trusting its certificate trusts nothing
 * but this server.  design/lws.md 3.  Depends on: base, libcrypto.  Threads: one.
 */
#ifndef SD_SANDBOX_SERVER_TLS_H
#define SD_SANDBOX_SERVER_TLS_H

#include <stdint.h>

#include "core/base/buf.h"
#include "core/base/err.h"

struct sd_tls_set { /* PEM texts; release each */
	struct sd_buf ca, cert, key;
};
void sd_tls_set_release(struct sd_tls_set *t);
/* For localhost, 127.0.0.1, ::1 and host (a name or an address; NULL: none besides). */
SD_MUST_USE enum sd_err sd_tls_make(const char *host, struct sd_tls_set *out, struct sd_error *e);
/* Reads DIR/ca.pem, cert.pem and key.pem; makes them (again) when one is missing, does not belong
 * to the others, lacks the host or ends within a week.  Errors: IO, FAILED. */
SD_MUST_USE enum sd_err sd_tls_load(
	const char *dir, const char *host, struct sd_tls_set *out, struct sd_error *e);

#endif
