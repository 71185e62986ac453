/* core/sandbox/server/gzip.c - answers in gzip for who asks for it; see http.h.  RFC 9110 12.5.3. */
#include <string.h>
#include <strings.h>

#include <zlib.h>

#include "core/sandbox/server/http.h"

#define GZIP_WINDOW 31 /* zlib: a gzip wrapper, the largest window */
#define GZIP_LEVEL  1  /* the network is rarely the bottleneck here */

/* The weight behind ";q=": false when it says no. */
static bool wanted(const char *p, size_t n)
{
	const char *semi = memchr(p, ';', n), *end = p + n;

	if (!semi)
		return true;
	semi++;
	while (semi < end && (*semi == ' ' || *semi == '\t'))
		semi++;
	if (end - semi < 3 || strncasecmp(semi, "q=", 2) != 0)
		return true;
	for (semi += 2; semi < end; semi++)
		if (*semi >= '1' && *semi <= '9')
			return true;
	return false;
}

bool sd_hs_takes_gzip(const struct sd_hs *h)
{
	const char *p = sd_hs_header(h, "accept-encoding");
	bool any = false, named = false, takes = false;

	while (p && *p) {
		size_t n, name;
		p += strspn(p, ", \t");
		n = strcspn(p, ",");
		name = strcspn(p, ",; \t");
		if ((name == 4 && strncasecmp(p, "gzip", 4) == 0) ||
			(name == 6 && strncasecmp(p, "x-gzip", 6) == 0)) {
			named = true;
			takes = takes || wanted(p, n);
		} else if (name == 1 && *p == '*') {
			any = wanted(p, n);
		}
		p += n;
	}
	return named ? takes : any;
}

bool sd_hs_gzip(const char *p, size_t n, struct sd_buf *out)
{
	z_stream z;
	unsigned char piece[16384];
	int rc = Z_OK;

	memset(&z, 0, sizeof z);
	if (n > UINT32_MAX || deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW, 8,
				      Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	z.next_in = (unsigned char *)(uintptr_t)p; /* zlib only reads it */
	z.avail_in = (unsigned)n;
	while (rc == Z_OK) {
		z.next_out = piece;
		z.avail_out = sizeof piece;
		rc = deflate(&z, Z_FINISH);
		if (rc != Z_STREAM_ERROR && !sd_buf_add(out, piece, sizeof piece - z.avail_out))
			rc = Z_MEM_ERROR;
	}
	deflateEnd(&z);
	return rc == Z_STREAM_END;
}
