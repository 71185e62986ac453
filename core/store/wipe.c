/*
 * core/store/wipe.c - erasing a profile's store so that nothing of it can be read back; see store.h.
 *
 * Order: the marker file, the generation, then every file overwritten, synced, removed; the
 * directory is read back; the marker goes last.  Cut off anywhere, the marker finishes it later.
 */
#include "core/store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"

#define MARKER     "wipe"
#define GENERATION "generation"

/* The database, its WAL, shm and journals, copies kept before a schema change. */
static bool is_ours(const char *name)
{
	return sd_str_starts(name, "store.db");
}

static enum sd_err io(struct sd_error *e, const char *doing, const char *dir, const char *name)
{
	int err = errno;

	return sd_fail(e, SD_IO, err, "wipe: cannot %s %s/%s: %s", doing, dir, name, strerror(err));
}

static enum sd_err sync_dir(int dirfd, const char *dir, struct sd_error *e)
{
	return fsync(dirfd) ? io(e, "sync", dir, "") : SD_OK;
}

static bool overwrite(int fd, int64_t size)
{
	static const char zero[65536];

	for (int64_t at = 0; at < size;) {
		size_t n = size - at < (int64_t)sizeof zero ? (size_t)(size - at) : sizeof zero;
		ssize_t k = pwrite(fd, zero, n, at);
		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		at += k;
	}
	return fsync(fd) == 0;
}

static enum sd_err erase_file(
	int dirfd, const char *dir, const char *name, struct sd_wiped *out, struct sd_error *e)
{
	struct stat s;
	enum sd_err rc = SD_OK;
	int fd;

	if (fstatat(dirfd, name, &s, AT_SYMLINK_NOFOLLOW))
		return errno == ENOENT ? SD_OK : io(e, "look at", dir, name);
	if (S_ISREG(s.st_mode)) {
		fd = openat(dirfd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
		if (fd < 0)
			return io(e, "open", dir, name);
		if (!overwrite(fd, s.st_size))
			rc = io(e, "overwrite", dir, name);
		close(fd);
	}
	if (rc == SD_OK && unlinkat(dirfd, name, 0))
		rc = io(e, "remove", dir, name);
	if (rc == SD_OK) {
		out->files++;
		out->bytes += s.st_size;
	}
	return rc;
}

/* One pass over the directory; *left counts what is still there. */
static enum sd_err pass(
	int dirfd, const char *dir, bool erase, struct sd_wiped *out, int *left, struct sd_error *e)
{
	int copy = openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *d = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	enum sd_err rc = SD_OK;

	*left = 0;
	if (!d) {
		rc = io(e, "read", dir, "");
		if (copy >= 0)
			close(copy);
		return rc;
	}
	while (rc == SD_OK && (entry = readdir(d))) {
		if (!is_ours(entry->d_name))
			continue;
		(*left)++;
		if (erase)
			rc = erase_file(dirfd, dir, entry->d_name, out, e);
	}
	closedir(d);
	return rc;
}

int64_t sd_wipe_generation(const char *dir)
{
	char *path = sd_path_join(dir, GENERATION);
	struct sd_buf b = SD_BUF_INIT;
	int64_t n = 0;

	if (path && sd_read_file(path, 64, &b, NULL) == SD_OK) {
		while (b.len && (b.data[b.len - 1] == '\n' || b.data[b.len - 1] == ' '))
			b.data[--b.len] = '\0';
		if (!sd_parse_i64(sd_buf_text(&b), &n))
			n = 0;
	}
	sd_buf_release(&b);
	free(path);
	return n;
}

enum sd_err sd_wipe_announce(const char *dir, struct sd_error *e)
{
	char *path = sd_path_join(dir, GENERATION), text[32];
	int n = snprintf(text, sizeof text, "%" PRId64 "\n", sd_wipe_generation(dir) + 1);
	enum sd_err rc = path ? sd_write_file(path, text, (size_t)n, e)
			      : sd_fail(e, SD_NOMEM, 0, "wipe: out of memory");

	free(path);
	return rc;
}

static enum sd_err make_marker(int dirfd, const char *dir, struct sd_error *e)
{
	int fd = openat(dirfd, MARKER, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	enum sd_err rc = SD_OK;

	if (fd < 0)
		return io(e, "make", dir, MARKER);
	if (fsync(fd))
		rc = io(e, "sync", dir, MARKER);
	close(fd);
	return rc == SD_OK ? sync_dir(dirfd, dir, e) : rc;
}

static enum sd_err erase_all(int dirfd, const char *dir, struct sd_wiped *out, struct sd_error *e)
{
	int left = 0;
	enum sd_err rc = make_marker(dirfd, dir, e);

	if (rc == SD_OK)
		rc = sd_wipe_announce(dir, e);
	if (rc == SD_OK)
		rc = pass(dirfd, dir, true, out, &left, e);
	if (rc == SD_OK)
		rc = sync_dir(dirfd, dir, e);
	if (rc == SD_OK)
		rc = pass(dirfd, dir, false, out, &left, e);
	if (rc == SD_OK && left)
		rc = sd_fail(e, SD_FAILED, 0,
			"wipe: %d files of the store are still in %s; close every syncdeck that "
			"uses it and try again",
			left, dir);
	if (rc == SD_OK && unlinkat(dirfd, MARKER, 0))
		rc = io(e, "remove", dir, MARKER);
	return rc == SD_OK ? sync_dir(dirfd, dir, e) : rc;
}

enum sd_err sd_wipe(const char *dir, struct sd_wiped *out, struct sd_error *e)
{
	struct sd_wiped none = {0, 0};
	enum sd_err rc = sd_mkdir_p(dir, e);
	int dirfd;

	if (!out)
		out = &none;
	*out = none;
	if (rc != SD_OK)
		return rc;
	dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return io(e, "open", dir, "");
	rc = erase_all(dirfd, dir, out, e);
	close(dirfd);
	return rc;
}

static bool marked(const char *dir)
{
	char *path = sd_path_join(dir, MARKER);
	bool yes = path && access(path, F_OK) == 0;

	free(path);
	return yes;
}

enum sd_err sd_wipe_finish(const char *dir, bool *did, struct sd_error *e)
{
	enum sd_err rc;
	int fd = -1;

	*did = false;
	if (!marked(dir))
		return SD_OK;
	rc = sd_lock_take(dir, SD_LOCK_PROFILE_EXCLUSIVE, 5000, &fd, e);
	if (rc != SD_OK)
		return rc;
	if (marked(dir)) { /* else somebody else has just finished it */
		rc = sd_wipe(dir, NULL, e);
		*did = rc == SD_OK;
	}
	sd_lock_release(fd);
	return rc;
}
