/*
 * core/store/rescue.c - a new store in the place of a damaged one; see rescue.h.
 *
 * The new store is made as store.db.new.  When it is whole, a marker says so, the damaged files are
 * renamed, the new one takes their place, and the marker goes.
 */
#include "core/store/rescue.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/store/internal.h"

#define NEW SD_STORE_FILE ".new"

void sd_rescued_release(struct sd_rescued *r)
{
	free(r->damaged);
	free(r->kept);
	memset(r, 0, sizeof *r);
}

/* ---- one takes the place of the other ---- */

static enum sd_err io(struct sd_error *e, const char *doing, const char *dir, const char *name)
{
	int err = errno;

	return sd_fail(e, SD_IO, err, "rescue: cannot %s %s/%s: %s; try again", doing, dir, name,
		strerror(err));
}

static enum sd_err rename_if_there(
	int dirfd, const char *dir, const char *from, const char *to, struct sd_error *e)
{
	if (renameat(dirfd, from, dirfd, to) == 0 || errno == ENOENT)
		return SD_OK;
	return io(e, "rename", dir, from);
}

static enum sd_err remove_new(int dirfd, const char *dir, struct sd_error *e)
{
	static const char *const NAME[] = {
		NEW, NEW "-wal", NEW "-shm", NEW "-journal", NEW ".made"};

	for (size_t i = 0; i < sizeof NAME / sizeof *NAME; i++)
		if (unlinkat(dirfd, NAME[i], 0) && errno != ENOENT)
			return io(e, "remove", dir, NAME[i]);
	return SD_OK;
}

/* Every step is done or not; done again it changes nothing. */
static enum sd_err swap(int dirfd, const char *dir, int64_t number, struct sd_error *e)
{
	char kept[64], wal[72];
	enum sd_err rc = SD_OK;

	snprintf(kept, sizeof kept, SD_STORE_FILE ".damaged-%" PRId64, number);
	snprintf(wal, sizeof wal, "%s-wal", kept);
	if (faccessat(dirfd, NEW, F_OK, 0) == 0) {
		rc = rename_if_there(dirfd, dir, SD_STORE_FILE "-wal", wal, e);
		if (rc == SD_OK && unlinkat(dirfd, SD_STORE_FILE "-shm", 0) && errno != ENOENT)
			rc = io(e, "remove", dir, SD_STORE_FILE "-shm");
		if (rc == SD_OK)
			rc = rename_if_there(dirfd, dir, SD_STORE_FILE, kept, e);
		if (rc == SD_OK)
			rc = rename_if_there(dirfd, dir, NEW, SD_STORE_FILE, e);
	}
	if (rc == SD_OK)
		rc = remove_new(dirfd, dir, e);
	if (rc == SD_OK && fsync(dirfd))
		rc = io(e, "sync", dir, "");
	if (rc == SD_OK && unlinkat(dirfd, SD_RESCUE_MARKER, 0))
		rc = io(e, "remove", dir, SD_RESCUE_MARKER);
	if (rc == SD_OK && fsync(dirfd))
		rc = io(e, "sync", dir, "");
	return rc;
}

/* 0: none was cut off. */
static int64_t cut_off(const char *dir)
{
	char *path = sd_path_join(dir, SD_RESCUE_MARKER);
	struct sd_buf b = SD_BUF_INIT;
	int64_t n = 0;

	if (path && sd_read_file(path, 64, &b, NULL) == SD_OK && !sd_parse_i64(sd_buf_text(&b), &n))
		n = 1;
	sd_buf_release(&b);
	free(path);
	return n;
}

static enum sd_err mark(const char *dir, int64_t number, struct sd_error *e)
{
	char *path = sd_path_join(dir, SD_RESCUE_MARKER), text[32];
	int n = snprintf(text, sizeof text, "%" PRId64, number);
	enum sd_err rc = path ? sd_write_file(path, text, (size_t)n, e) : sd_db_nomem(e, "rescue");

	free(path);
	return rc;
}

static enum sd_err finish(int dirfd, const struct sd_store_opts *o, int64_t number,
	struct sd_rescued *out, struct sd_error *e)
{
	enum sd_err rc = swap(dirfd, o->dir, number, e);
	char *kept = NULL;

	if (rc == SD_OK &&
		asprintf(&kept, "%s/" SD_STORE_FILE ".damaged-%" PRId64, o->dir, number) < 0)
		return sd_db_nomem(e, "rescue");
	out->kept = kept;
	return rc;
}

/* Was there ever a store of ours, and is it sound? */
static enum sd_err examine(
	const struct sd_store_opts *o, struct sd_rescued *out, struct sd_error *e)
{
	struct sd_error why = {.code = SD_OK};
	struct sd_store *st = NULL;
	char *made = sd_path_join(o->dir, SD_STORE_FILE ".made");
	char *db = sd_path_join(o->dir, SD_STORE_FILE);
	bool there = db && sd_is_file(db), ours = made && sd_is_file(made), opened = false;
	enum sd_err rc = SD_OK;

	free(db);
	free(made);
	if (!there && !ours)
		return sd_fail(e, SD_NOTFOUND, 0, "%s: there is no store yet", o->dir);
	if (there) {
		rc = sd_store_open(o, &st, &why);
		opened = rc == SD_OK;
		if (rc == SD_OK)
			rc = sd_store_check(st, &why);
		sd_store_close(st);
		if (opened && rc != SD_OK && rc != SD_INVAL && rc != SD_DB)
			opened = false;
	}
	out->sound = there && rc == SD_OK;
	if (out->sound || !there)
		return SD_OK;
	/* only what is damaged, and was ours: not a newer layout, not somebody else's file */
	if (!ours || (!opened && (why.detail & 0xff) != SQLITE_CORRUPT &&
			     (why.detail & 0xff) != SQLITE_NOTADB))
		return sd_fail(e, rc, why.detail, "%s", why.text);
	return SD_OK;
}

/* All of it stands in the file itself: its WAL does not come along. */
static enum sd_err settle(struct sd_store *to, struct sd_error *e)
{
	int rc = sqlite3_wal_checkpoint_v2(to->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);

	return rc == SQLITE_OK ? SD_OK : sd_db_fail(to, rc, e, "rescue");
}

static enum sd_err make_new(
	int dirfd, const struct sd_store_opts *o, struct sd_rescued *out, struct sd_error *e)
{
	struct sd_store *from = NULL, *to = NULL;
	enum sd_err rc = remove_new(dirfd, o->dir, e);

	if (rc == SD_OK)
		rc = sd_store_open_as(o, NEW, false, &to, e);
	if (rc == SD_OK && sd_store_open_as(o, SD_STORE_FILE, true, &from, NULL) != SD_OK)
		from = NULL;
	if (rc == SD_OK)
		rc = sd_salvage(from, to, o, out, e);
	if (rc == SD_OK)
		rc = settle(to, e);
	sd_store_close(from);
	sd_store_close(to);
	return rc;
}

enum sd_err sd_store_rescue(
	const struct sd_store_opts *given, struct sd_rescued *out, struct sd_error *e)
{
	struct sd_store_opts o = *given;
	int64_t number = cut_off(o.dir);
	enum sd_err rc;
	int dirfd;

	memset(out, 0, sizeof *out);
	o.read_only = false;
	rc = number ? SD_OK : examine(&o, out, e);
	if (rc != SD_OK || out->sound)
		return rc;
	dirfd = open(o.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirfd < 0)
		return io(e, "open", o.dir, "");
	if (!number) {
		number = o.now_ms;
		rc = make_new(dirfd, &o, out, e);
		if (rc == SD_OK)
			rc = mark(o.dir, number, e);
	}
	if (rc == SD_OK)
		rc = finish(dirfd, &o, number, out, e);
	close(dirfd);
	return rc;
}
