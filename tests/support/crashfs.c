/* tests/support/crashfs.c - see crashfs.h. */
#include "tests/support/crashfs.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/base/rand.h"

struct change { /* one unsynced write or cut */
	int64_t off, size_before;
	int n, old_n;
	char *new, *old;
	int64_t cut; /* -1: a write; else the size it was cut to */
	struct change *prev;
};

struct file { /* one path, whatever handles are open on it */
	char *path;
	struct change *last;
	struct file *next;
};

struct handle {
	sqlite3_file base;
	struct file *file; /* NULL: a temporary one, forgotten anyway */
	sqlite3_file *real;
};

static sqlite3_vfs *under;
static sqlite3_vfs over;
static struct file *files;
static bool dead;
static int64_t stop_after = -1, space = -1, syncs;
static int64_t counts[9]; /* by bit of enum crashfs_op */
static struct {
	unsigned ops;
	int64_t left; /* negative: no fault is planned */
	enum crashfs_how how;
	bool stays, struck;
} plan = {.left = -1};

#define SECTOR 512

/* Counts the operation; the code to fail with, or SQLITE_OK. */
static int strike(enum crashfs_op op, int code)
{
	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
		counts[i] += (op >> i) & 1;
	if (dead)
		return code;
	if (plan.left < 0 || !(plan.ops & op) || plan.left-- > 0)
		return SQLITE_OK;
	plan.left = plan.stays ? 0 : -1;
	plan.struck = true;
	if (plan.how == CRASHFS_STOP)
		dead = true;
	if (plan.how == CRASHFS_FULL && op == CRASHFS_WRITE)
		return SQLITE_FULL;
	if (plan.how == CRASHFS_SHORT && op == CRASHFS_READ)
		return SQLITE_IOERR_SHORT_READ;
	return code;
}

static void forget(struct file *f)
{
	while (f->last) {
		struct change *c = f->last;
		f->last = c->prev;
		free(c->new);
		free(c->old);
		free(c);
	}
}

static struct file *file_of(const char *path)
{
	struct file *f = files;

	while (f && strcmp(f->path, path) != 0)
		f = f->next;
	if (f)
		return f;
	f = calloc(1, sizeof *f);
	if (!f)
		abort();
	f->path = strdup(path);
	f->next = files;
	files = f;
	return f;
}

static sqlite3_file *real_of(sqlite3_file *h)
{
	return ((struct handle *)(void *)h)->real;
}

static struct change *note(struct handle *h, int64_t off, int n)
{
	struct change *c = calloc(1, sizeof *c);
	sqlite3_int64 size = 0;

	if (!c)
		abort();
	h->real->pMethods->xFileSize(h->real, &size);
	c->off = off;
	c->n = n;
	c->size_before = size;
	c->cut = -1;
	c->old_n = off >= size ? 0 : size - off < n ? (int)(size - off) : n;
	c->old = malloc((size_t)c->old_n + 1);
	if (!c->old)
		abort();
	if (c->old_n)
		h->real->pMethods->xRead(h->real, c->old, c->old_n, off);
	c->prev = h->file->last;
	h->file->last = c;
	return c;
}

static int x_write(sqlite3_file *f, const void *p, int n, sqlite3_int64 off)
{
	struct handle *h = (struct handle *)(void *)f;
	int rc;

	if (!dead && stop_after >= 0 && stop_after-- == 0)
		dead = true;
	rc = strike(CRASHFS_WRITE, SQLITE_IOERR_WRITE);
	if (rc != SQLITE_OK)
		return rc;
	if (space >= 0 && (space -= n) < 0) {
		space = 0;
		return SQLITE_FULL;
	}
	if (h->file) {
		struct change *c = note(h, off, n);
		c->new = malloc((size_t)n + 1);
		if (!c->new)
			abort();
		memcpy(c->new, p, (size_t)n);
	}
	return h->real->pMethods->xWrite(h->real, p, n, off);
}

static int x_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = (struct handle *)(void *)f;
	sqlite3_int64 now = 0;
	int rc = strike(CRASHFS_TRUNCATE, SQLITE_IOERR_TRUNCATE);

	if (rc != SQLITE_OK)
		return rc;
	h->real->pMethods->xFileSize(h->real, &now);
	if (h->file && size < now)
		note(h, size, (int)(now - size))->cut = size;
	return h->real->pMethods->xTruncate(h->real, size);
}

static int x_sync(sqlite3_file *f, int flags)
{
	struct handle *h = (struct handle *)(void *)f;
	int rc = strike(CRASHFS_SYNC, SQLITE_IOERR_FSYNC);

	if (rc != SQLITE_OK)
		return rc;
	syncs++;
	if (h->file)
		forget(h->file);
	return h->real->pMethods->xSync(h->real, flags);
}

static int x_close(sqlite3_file *f)
{
	return real_of(f)->pMethods->xClose(real_of(f));
}
static int x_read(sqlite3_file *f, void *p, int n, sqlite3_int64 off)
{
	int rc = strike(CRASHFS_READ, SQLITE_IOERR_READ);

	if (rc == SQLITE_OK)
		return real_of(f)->pMethods->xRead(real_of(f), p, n, off);
	if (rc == SQLITE_IOERR_SHORT_READ) /* as the end of the file would read */
		memset(p, 0, (size_t)n);
	return rc;
}
static int x_size(sqlite3_file *f, sqlite3_int64 *size)
{
	int rc = strike(CRASHFS_SIZE, SQLITE_IOERR_FSTAT);

	return rc == SQLITE_OK ? real_of(f)->pMethods->xFileSize(real_of(f), size) : rc;
}
static int x_lock(sqlite3_file *f, int level)
{
	int rc = strike(CRASHFS_LOCK, SQLITE_IOERR_LOCK);

	return rc == SQLITE_OK ? real_of(f)->pMethods->xLock(real_of(f), level) : rc;
}
static int x_unlock(sqlite3_file *f, int level)
{
	return real_of(f)->pMethods->xUnlock(real_of(f), level);
}
static int x_reserved(sqlite3_file *f, int *out)
{
	return real_of(f)->pMethods->xCheckReservedLock(real_of(f), out);
}
static int x_control(sqlite3_file *f, int op, void *arg)
{
	if (op == SQLITE_FCNTL_SIZE_HINT || op == SQLITE_FCNTL_CHUNK_SIZE)
		return SQLITE_OK; /* would grow the file behind our back */
	return real_of(f)->pMethods->xFileControl(real_of(f), op, arg);
}
static int x_sector(sqlite3_file *f)
{
	return real_of(f)->pMethods->xSectorSize(real_of(f));
}
static int x_traits(sqlite3_file *f)
{
	(void)f;
	return 0; /* promises nothing: no atomic writes, no order */
}
static int x_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **out)
{
	int rc = strike(CRASHFS_SHM, SQLITE_IOERR_SHMMAP);

	return rc == SQLITE_OK ? real_of(f)->pMethods->xShmMap(real_of(f), page, size, extend, out)
			       : rc;
}
static int x_shm_lock(sqlite3_file *f, int off, int n, int flags)
{
	int rc = SQLITE_OK;

	if (flags & SQLITE_SHM_LOCK) /* letting go always works */
		rc = strike(CRASHFS_SHM, SQLITE_IOERR_SHMLOCK);
	return rc == SQLITE_OK ? real_of(f)->pMethods->xShmLock(real_of(f), off, n, flags) : rc;
}
static void x_shm_barrier(sqlite3_file *f)
{
	real_of(f)->pMethods->xShmBarrier(real_of(f));
}
static int x_shm_unmap(sqlite3_file *f, int del)
{
	return real_of(f)->pMethods->xShmUnmap(real_of(f), del);
}

static const sqlite3_io_methods METHODS = {2, x_close, x_read, x_write, x_truncate, x_sync, x_size,
	x_lock, x_unlock, x_reserved, x_control, x_sector, x_traits, x_shm_map, x_shm_lock,
	x_shm_barrier, x_shm_unmap, NULL, NULL};

static int x_open(sqlite3_vfs *v, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct handle *h = (struct handle *)(void *)f;
	int rc;

	(void)v;
	f->pMethods = NULL;
	rc = strike(CRASHFS_OPEN, SQLITE_CANTOPEN);
	if (rc != SQLITE_OK)
		return rc;
	h->real = (sqlite3_file *)(void *)(h + 1);
	h->file = name && !(flags & SQLITE_OPEN_DELETEONCLOSE) ? file_of(name) : NULL;
	rc = under->xOpen(under, name, h->real, flags, out);
	if (rc == SQLITE_OK)
		f->pMethods = &METHODS;
	return rc;
}

static int x_delete(sqlite3_vfs *v, const char *name, int sync_dir)
{
	int rc = strike(CRASHFS_DELETE, SQLITE_IOERR_DELETE);

	(void)v;
	if (rc != SQLITE_OK)
		return rc;
	forget(file_of(name));
	return under->xDelete(under, name, sync_dir);
}

void crashfs_register(void)
{
	if (under)
		return;
	under = sqlite3_vfs_find(NULL);
	over = *under;
	over.zName = CRASHFS;
	over.pNext = NULL;
	over.szOsFile = (int)sizeof(struct handle) + under->szOsFile;
	over.xOpen = x_open;
	over.xDelete = x_delete;
	sqlite3_vfs_register(&over, 0);
}

void crashfs_stop_after(int64_t writes)
{
	stop_after = writes;
}

void crashfs_space(int64_t bytes)
{
	space = bytes;
}

int64_t crashfs_syncs(void)
{
	return syncs;
}

static void undo(int fd, const struct change *c)
{
	if (c->old_n && pwrite(fd, c->old, (size_t)c->old_n, c->off) != c->old_n)
		abort();
	if (ftruncate(fd, c->size_before))
		abort();
}

/* Of some writes only some sectors arrive. */
static void redo_sectors(int fd, const struct change *c, struct sd_rand *r)
{
	for (int at = 0; at < c->n; at += SECTOR) {
		int n = c->n - at < SECTOR ? c->n - at : SECTOR;
		if (sd_rand_below(r, 2) && pwrite(fd, c->new + at, (size_t)n, c->off + at) != n)
			abort();
	}
}

static void redo(int fd, const struct change *c, struct sd_rand *r)
{
	unsigned fate;

	if (!c)
		return;
	redo(fd, c->prev, r);
	fate = (unsigned)sd_rand_below(r, 3);
	if (fate == 0)
		return;
	if (c->cut >= 0) {
		if (ftruncate(fd, c->cut))
			abort();
	} else if (fate == 1) {
		redo_sectors(fd, c, r);
	} else if (pwrite(fd, c->new, (size_t)c->n, c->off) != c->n) {
		abort();
	}
}

void crashfs_crash(uint64_t seed)
{
	struct sd_rand r;

	dead = true;
	sd_rand_seeded(&r, seed);
	for (struct file *f = files; f; f = f->next) {
		int fd = f->last ? open(f->path, O_RDWR | O_CLOEXEC) : -1;
		if (fd >= 0) {
			for (const struct change *c = f->last; c; c = c->prev)
				undo(fd, c);
			if (seed)
				redo(fd, f->last, &r);
			close(fd);
		}
		forget(f);
	}
}

void crashfs_start(void)
{
	while (files) {
		struct file *f = files;
		files = f->next;
		forget(f);
		free(f->path);
		free(f);
	}
	dead = false;
	stop_after = space = -1;
	crashfs_well();
}

void crashfs_fault(unsigned ops, int64_t n, enum crashfs_how how, bool stays)
{
	crashfs_well();
	plan.ops = ops;
	plan.left = n;
	plan.how = how;
	plan.stays = stays;
}

void crashfs_well(void)
{
	memset(counts, 0, sizeof counts);
	plan.left = -1;
	plan.struck = false;
}

int64_t crashfs_count(unsigned ops)
{
	int64_t n = 0;

	for (unsigned i = 0; i < sizeof counts / sizeof *counts; i++)
		n += (ops >> i) & 1 ? counts[i] : 0;
	return n;
}

bool crashfs_struck(void)
{
	return plan.struck;
}

void crashfs_synced(const char *path)
{
	for (struct file *f = files; f; f = f->next)
		if (strcmp(f->path, path) == 0)
			forget(f);
}
