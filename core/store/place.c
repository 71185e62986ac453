/*
 * core/store/place.c - the files of a store before and while they are open: whose they are, who may
 * read them, whether they are still the ones that were opened.
 *
 * Nothing here opens store.db or the files SQLite keeps beside it: closing a descriptor of them
 * would drop the locks that connections of this process hold.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/log.h"
#include "core/store/internal.h"

/* Stands beside a store once it was made: an empty store.db is then not a new one. */
#define MADE ".made"

/* SQLite takes names of 512 bytes; the longest of ours is that of the journal. */
#define PATH_BYTES_MAX 490

static enum sd_err not_ours(const char *path, const struct stat *s, struct sd_error *e)
{
	return sd_fail(e, SD_IO, EPERM,
		"%s: it belongs to user %ld, you are user %ld; nothing was changed; run syncdeck "
		"as that user, or give another --data-dir",
		path, (long)s->st_uid, (long)geteuid());
}

/* A file of ours that exists: a plain one, our own, for nobody else's eyes. */
static enum sd_err check_file(const char *path, mode_t mode, struct stat *s, struct sd_error *e)
{
	if (lstat(path, s)) {
		memset(s, 0, sizeof *s);
		s->st_size = -1;
		if (errno == ENOENT)
			return SD_OK;
		return sd_fail(e, SD_IO, errno,
			"%s: cannot be looked at: %s; nothing was changed; see that its directory "
			"is yours",
			path, strerror(errno));
	}
	if (S_ISLNK(s->st_mode))
		return sd_fail(e, SD_INVAL, 0,
			"%s: it is a symbolic link; nothing was changed; give the directory it "
			"points into as --data-dir",
			path);
	if (!S_ISREG(s->st_mode))
		return sd_fail(e, SD_INVAL, 0,
			"%s: it is not a plain file; nothing was changed; move it away, or give "
			"another --data-dir",
			path);
	if (s->st_uid != geteuid())
		return not_ours(path, s, e);
	if (!mode)
		mode = s->st_mode & 0700;
	if ((s->st_mode & 0777) == mode)
		return SD_OK;
	if (chmod(path, mode))
		return sd_fail(e, SD_IO, errno,
			"%s: its mode cannot be changed to %03o: %s; nothing was changed; see that "
			"the file is yours",
			path, (unsigned)mode, strerror(errno));
	if (s->st_mode & 077)
		sd_log(SD_LOG_WARN, "store",
			"%s could be read by others (mode %03o); it was closed to them", path,
			(unsigned)(s->st_mode & 0777));
	return SD_OK;
}

static enum sd_err check_length(const struct sd_store *st, struct sd_error *e)
{
	char *full = realpath(st->dir, NULL);
	size_t n = full ? strlen(full) : strlen(st->dir);

	free(full);
	if (n + sizeof SD_STORE_FILE <= PATH_BYTES_MAX)
		return SD_OK;
	return sd_fail(e, SD_INVAL, 0,
		"%s: the path is too long, %zu bytes of at most %zu; nothing was changed; give a "
		"shorter --data-dir",
		st->dir, n, PATH_BYTES_MAX - sizeof SD_STORE_FILE);
}

static bool beside(const struct sd_store *st, const char *suffix, struct stat *s)
{
	char *path = sqlite3_mprintf("%s%s", st->path, suffix);
	bool there = path && lstat(path, s) == 0;

	sqlite3_free(path);
	return there;
}

/* The WAL index without the WAL: the last process died, then the WAL was taken away.  Seen twice,
 * as a process that ends removes one after the other. */
static bool lost_wal(const struct sd_store *st)
{
	struct stat s;

	for (int i = 0; i < 2; i++) {
		if (!beside(st, "-shm", &s) || beside(st, "-wal", &s))
			return false;
		if (i == 0)
			usleep(20000);
	}
	return true;
}

static enum sd_err cut_off(const struct sd_store *st, struct sd_error *e)
{
	return sd_fail(e, SD_DB, 0,
		"%s: a rescue was cut off; nothing was changed; run `syncdeck rescue` to finish it",
		st->path);
}

enum sd_err sd_place_check(struct sd_store *st, struct sd_error *e)
{
	static const char *const SUFFIX[] = {"-wal", "-shm"};
	struct stat s, made;
	enum sd_err rc = check_length(st, e);

	if (rc == SD_OK)
		rc = check_file(st->path, 0, &s, e);
	for (size_t i = 0; i < sizeof SUFFIX / sizeof *SUFFIX && rc == SD_OK; i++) {
		struct stat other;
		char *path = sqlite3_mprintf("%s%s", st->path, SUFFIX[i]);
		rc = path ? check_file(path, s.st_mode & 0700, &other, e)
			  : sd_db_nomem(e, "opening the store");
		sqlite3_free(path);
	}
	if (rc != SD_OK)
		return rc;
	if (st->salvage)
		return SD_OK;
	if (beside(st, ".rescue", &made))
		return cut_off(st, e);
	/* SQLite takes anything shorter than a page for a database to be made */
	if (s.st_size > 0 && s.st_size < 512)
		return sd_fail(e, SD_INVAL, SQLITE_NOTADB,
			"%s: it is not a syncdeck store (it has %ld bytes); nothing was changed; "
			"move that file away, or give another --data-dir",
			st->path, (long)s.st_size);
	if (s.st_size == 0 && beside(st, MADE, &made))
		return sd_fail(e, SD_DB, SQLITE_CORRUPT,
			"%s: it is damaged (it is empty, and was not); nothing was changed; run "
			"`syncdeck rescue`, which keeps the unsent changes that can be read",
			st->path);
	if (!st->read_only && access(st->path, W_OK))
		return sd_fail(e, SD_DB, SQLITE_READONLY,
			"%s: it cannot be written (%s); nothing was changed; see that the file and "
			"its directory are yours and writable",
			st->path, strerror(errno));
	st->wal_lost = s.st_size > 0 && lost_wal(st);
	if (st->wal_lost)
		sd_log(SD_LOG_WARN, "store",
			"%s-wal is gone: changes of the last session may be missing", st->path);
	return SD_OK;
}

enum sd_err sd_place_fresh(struct sd_store *st, struct sd_error *e)
{
	struct stat s;
	char *path;

	if (beside(st, ".rescue", &s))
		return cut_off(st, e);
	if (beside(st, "-wal", &s) && s.st_size > 0)
		return sd_fail(e, SD_DB, SQLITE_CORRUPT,
			"%s: it is gone, and its WAL is still there; nothing was changed; put it "
			"back, or run `syncdeck rescue`, which keeps the unsent changes that "
			"can be read",
			st->path);
	path = sqlite3_mprintf("%s" MADE, st->path);
	if (path)
		(void)unlink(path); /* was about another file */
	sqlite3_free(path);
	return SD_OK;
}

enum sd_err sd_place_made(struct sd_store *st, struct sd_error *e)
{
	struct stat s;
	char *path;
	int fd;

	if (beside(st, MADE, &s))
		return SD_OK;
	path = sqlite3_mprintf("%s" MADE, st->path);
	fd = path ? open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600) : -1;
	sqlite3_free(path);
	if (fd < 0)
		return sd_fail(e, SD_IO, errno,
			"cannot make %s" MADE ": %s; see that the directory is yours and "
			"writable",
			st->path, strerror(errno));
	close(fd);
	return SD_OK;
}

enum sd_err sd_place_sync(struct sd_store *st, struct sd_error *e)
{
	int fd = open(st->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool ok = fd >= 0 && fsync(fd) == 0;
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (ok)
		return SD_OK;
	return sd_fail(e, SD_IO, err, "cannot sync %s: %s; nothing was changed; try again", st->dir,
		strerror(err));
}

/* Needs a transaction: then the WAL is there, too. */
enum sd_err sd_place_same(struct sd_store *st, struct sd_error *e)
{
	struct stat db, wal;
	bool there = beside(st, "", &db) && beside(st, "-wal", &wal);

	if (there && !st->db_inode) {
		st->db_inode = db.st_ino;
		st->wal_inode = wal.st_ino;
	}
	if (there && st->db_inode == db.st_ino && st->wal_inode == wal.st_ino)
		return SD_OK;
	return sd_fail(e, SD_FAILED, 0,
		"%s: somebody moved, removed or replaced it or its WAL while it was open; nothing "
		"was changed; end every syncdeck that uses %s and start again",
		st->path, st->dir);
}
