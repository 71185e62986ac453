/*
 * core/sandbox/server/sigv4.h - AWS Signature Version 4, the checking side (server.md 7.7).
 *
 * Depends on: base, libcrypto.  Threads: no state.
 */
#ifndef SD_SANDBOX_SERVER_SIGV4_H
#define SD_SANDBOX_SERVER_SIGV4_H

#include <stddef.h>
#include <stdint.h>

struct sd_sigv4_request {                  /* borrowed */
	const char *method, *path, *query; /* query without '?', "" for none */
	const char *(*header)(void *ctx, const char *lower_name); /* NULL: absent */
	void *ctx;
	const char *body;
	size_t body_len;
};

enum sd_sigv4 {
	SD_SIGV4_GOOD,
	SD_SIGV4_MALFORMED,
	SD_SIGV4_UNKNOWN_KEY,
	SD_SIGV4_EXPIRED, /* x-amz-date is more than five minutes off */
	SD_SIGV4_MISMATCH
};
#define SD_SIGV4_SCHEME "AWS4-HMAC-SHA256"

/* Checks the Authorization header of r against one key pair for one service. */
enum sd_sigv4 sd_sigv4_check(const struct sd_sigv4_request *r, const char *service,
	const char *access_key, const char *secret, int64_t now_ms);

#endif
