/* core/base/tar.c - see tar.h. */
#include "core/base/tar.h"

#include <errno.h>
#include <string.h>

#define BLOCK 512

static enum sd_err cannot(struct sd_error *e)
{
	return sd_fail(e, SD_IO, errno, "cannot write the archive: %s", strerror(errno));
}

static enum sd_err put_head(
	FILE *f, const char *name, int64_t size, int64_t now_ms, struct sd_error *e)
{
	char h[BLOCK];
	unsigned sum = 0;

	if (strlen(name) > 99)
		return sd_fail(e, SD_INVAL, 0, "archive: the name %s is too long", name);
	memset(h, 0, sizeof h);
	memcpy(h, name, strlen(name));
	memcpy(h + 100, "0000600", 7);
	memcpy(h + 108, "0000000", 7);
	memcpy(h + 116, "0000000", 7);
	snprintf(h + 124, 12, "%011llo", (unsigned long long)size);
	snprintf(h + 136, 12, "%011llo", (unsigned long long)(now_ms / 1000));
	memset(h + 148, ' ', 8); /* the checksum is counted as blanks */
	h[156] = '0';
	memcpy(h + 257, "ustar", 6);
	memcpy(h + 263, "00", 2);
	for (size_t i = 0; i < sizeof h; i++)
		sum += (unsigned char)h[i];
	snprintf(h + 148, 8, "%06o", sum);
	return fwrite(h, 1, sizeof h, f) == sizeof h ? SD_OK : cannot(e);
}

static enum sd_err pad(FILE *f, int64_t size, struct sd_error *e)
{
	static const char ZERO[BLOCK];
	size_t n = (size_t)((BLOCK - size % BLOCK) % BLOCK);

	return fwrite(ZERO, 1, n, f) == n ? SD_OK : cannot(e);
}

enum sd_err sd_tar_add(
	FILE *f, const char *name, const void *p, size_t n, int64_t now_ms, struct sd_error *e)
{
	enum sd_err rc = put_head(f, name, (int64_t)n, now_ms, e);

	if (rc == SD_OK && n && fwrite(p, 1, n, f) != n)
		rc = cannot(e);
	return rc == SD_OK ? pad(f, (int64_t)n, e) : rc;
}

enum sd_err sd_tar_add_file(
	FILE *f, const char *name, FILE *from, int64_t now_ms, struct sd_error *e)
{
	char b[65536];
	int64_t size, left;
	enum sd_err rc;

	if (fseeko(from, 0, SEEK_END) || (size = (int64_t)ftello(from)) < 0 ||
		fseeko(from, 0, SEEK_SET))
		return cannot(e);
	rc = put_head(f, name, size, now_ms, e);
	for (left = size; rc == SD_OK && left > 0;) {
		size_t n = fread(b, 1, left < (int64_t)sizeof b ? (size_t)left : sizeof b, from);
		if (!n || fwrite(b, 1, n, f) != n)
			rc = cannot(e);
		left -= (int64_t)n;
	}
	return rc == SD_OK ? pad(f, size, e) : rc;
}

enum sd_err sd_tar_end(FILE *f, struct sd_error *e)
{
	static const char ZERO[2 * BLOCK];

	return fwrite(ZERO, 1, sizeof ZERO, f) == sizeof ZERO ? SD_OK : cannot(e);
}
