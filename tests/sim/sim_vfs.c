/*
 * tests/sim/sim_vfs.c - files in memory for SQLite: they outlive the process of the simulation's
 * client, not its machine: what was written and not synced is forgotten when the power goes.
 *
 * One connection opens a file at a time, so locks are not kept.  Threads: one.
 */
#include "tests/sim/sim.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#define REGION_MAX 64

struct change { /* unsynced: what stood there before */
	sqlite3_int64 off, size_before;
	int n;
	unsigned char *old;
	struct change *prev;
};

struct memfile {
	char *path; /* NULL: removed, the last handle frees it */
	unsigned char *data;
	sqlite3_int64 size, room;
	int handles;
	bool dead;
	struct change *last;
	void *region[REGION_MAX];
	struct memfile *next;
};

struct handle {
	sqlite3_file base;
	struct memfile *f;
	bool temporary;
};

static struct memfile *files;
static sqlite3_vfs *under;
static sqlite3_vfs vfs;

static void synced(struct memfile *f)
{
	while (f->last) {
		struct change *c = f->last;
		f->last = c->prev;
		free(c->old);
		free(c);
	}
}

static void drop_regions(struct memfile *f)
{
	for (int i = 0; i < REGION_MAX; i++) {
		free(f->region[i]);
		f->region[i] = NULL;
	}
}

static struct memfile *find(const char *path)
{
	struct memfile *f = files;

	while (f && (!f->path || strcmp(f->path, path) != 0))
		f = f->next;
	return f;
}

static void unlink_file(struct memfile *f)
{
	struct memfile **at = &files;

	while (*at != f)
		at = &(*at)->next;
	*at = f->next;
	synced(f);
	drop_regions(f);
	free(f->data);
	free(f->path);
	free(f);
}

static struct handle *of(sqlite3_file *p)
{
	return (struct handle *)(void *)p;
}

/* Keeps what n bytes from off on were, until the next sync. */
static void keep(struct memfile *f, sqlite3_int64 off, sqlite3_int64 n)
{
	struct change *c = calloc(1, sizeof *c);
	sqlite3_int64 have = off >= f->size ? 0 : f->size - off < n ? f->size - off : n;

	c->off = off;
	c->size_before = f->size;
	c->n = (int)have;
	if (have) {
		c->old = malloc((size_t)have);
		memcpy(c->old, f->data + off, (size_t)have);
	}
	c->prev = f->last;
	f->last = c;
}

static int x_close(sqlite3_file *p)
{
	struct handle *h = of(p);

	if (--h->f->handles == 0 && (h->temporary || !h->f->path))
		unlink_file(h->f);
	return SQLITE_OK;
}

static int x_read(sqlite3_file *p, void *out, int n, sqlite3_int64 off)
{
	struct memfile *f = of(p)->f;
	sqlite3_int64 have = off >= f->size ? 0 : f->size - off < n ? f->size - off : n;

	if (have)
		memcpy(out, f->data + off, (size_t)have);
	if (have == n)
		return SQLITE_OK;
	memset((char *)out + have, 0, (size_t)(n - have));
	return SQLITE_IOERR_SHORT_READ;
}

static int x_write(sqlite3_file *p, const void *in, int n, sqlite3_int64 off)
{
	struct handle *h = of(p);
	struct memfile *f = h->f;

	if (f->dead)
		return SQLITE_OK;
	if (!h->temporary)
		keep(f, off, n);
	if (off + n > f->room) {
		f->room = off + n > 2 * f->room ? off + n + 65536 : 2 * f->room;
		f->data = realloc(f->data, (size_t)f->room);
		if (!f->data)
			abort();
	}
	if (off > f->size)
		memset(f->data + f->size, 0, (size_t)(off - f->size));
	memcpy(f->data + off, in, (size_t)n);
	if (off + n > f->size)
		f->size = off + n;
	return SQLITE_OK;
}

static int x_truncate(sqlite3_file *p, sqlite3_int64 size)
{
	struct memfile *f = of(p)->f;

	if (f->dead || size >= f->size)
		return SQLITE_OK;
	keep(f, size, f->size - size);
	f->size = size;
	return SQLITE_OK;
}

static int x_sync(sqlite3_file *p, int flags)
{
	(void)flags;
	if (!of(p)->f->dead && !sim_mutant_is("nosync"))
		synced(of(p)->f);
	return SQLITE_OK;
}

static int x_size(sqlite3_file *p, sqlite3_int64 *out)
{
	*out = of(p)->f->size;
	return SQLITE_OK;
}

static int x_lock(sqlite3_file *p, int level)
{
	(void)p;
	(void)level;
	return SQLITE_OK;
}

static int x_reserved(sqlite3_file *p, int *out)
{
	(void)p;
	*out = 0;
	return SQLITE_OK;
}

static int x_control(sqlite3_file *p, int op, void *arg)
{
	(void)p;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int x_sector(sqlite3_file *p)
{
	(void)p;
	return 4096;
}

static int x_character(sqlite3_file *p)
{
	(void)p;
	return SQLITE_IOCAP_POWERSAFE_OVERWRITE;
}

static int x_shm_map(sqlite3_file *p, int i, int size, int extend, void volatile **out)
{
	struct memfile *f = of(p)->f;

	*out = NULL;
	if (i >= REGION_MAX)
		return SQLITE_IOERR_SHMMAP;
	if (!f->region[i] && extend)
		f->region[i] = calloc(1, (size_t)size);
	*out = f->region[i];
	return SQLITE_OK;
}

static int x_shm_lock(sqlite3_file *p, int off, int n, int flags)
{
	(void)p;
	(void)off;
	(void)n;
	(void)flags;
	return SQLITE_OK;
}

static void x_shm_barrier(sqlite3_file *p)
{
	(void)p;
}

static int x_shm_unmap(sqlite3_file *p, int delete)
{
	(void)delete;
	if (of(p)->f->handles == 1)
		drop_regions(of(p)->f);
	return SQLITE_OK;
}

static const sqlite3_io_methods METHODS = {2, x_close, x_read, x_write, x_truncate, x_sync, x_size,
	x_lock, x_lock, x_reserved, x_control, x_sector, x_character, x_shm_map, x_shm_lock,
	x_shm_barrier, x_shm_unmap, NULL, NULL};

static int v_open(sqlite3_vfs *v, const char *path, sqlite3_file *p, int flags, int *out)
{
	struct handle *h = of(p);
	struct memfile *f = path ? find(path) : NULL;

	(void)v;
	memset(h, 0, sizeof *h);
	if (!f) {
		f = calloc(1, sizeof *f);
		if (!f)
			return SQLITE_NOMEM;
		f->path = path ? strdup(path) : NULL;
		f->next = files;
		files = f;
	}
	h->temporary = !path;
	h->f = f;
	h->base.pMethods = &METHODS;
	f->handles++;
	if (out)
		*out = flags;
	return SQLITE_OK;
}

static int v_delete(sqlite3_vfs *v, const char *path, int sync)
{
	struct memfile *f = find(path);

	(void)v;
	(void)sync;
	if (!f || f->dead)
		return SQLITE_OK;
	if (f->handles) {
		free(f->path);
		f->path = NULL;
	} else {
		unlink_file(f);
	}
	return SQLITE_OK;
}

static int v_access(sqlite3_vfs *v, const char *path, int flags, int *out)
{
	struct memfile *f = find(path);

	(void)v;
	(void)flags;
	*out = f && f->size > 0;
	return SQLITE_OK;
}

static int v_full(sqlite3_vfs *v, const char *path, int n, char *out)
{
	(void)v;
	sqlite3_snprintf(n, out, "%s", path);
	return SQLITE_OK;
}

void sim_vfs_install(void)
{
	if (under)
		return;
	under = sqlite3_vfs_find(NULL);
	vfs = *under; /* randomness, time and sleep stay as they are */
	vfs.pNext = NULL;
	vfs.iVersion = 1;
	vfs.szOsFile = sizeof(struct handle);
	vfs.zName = "sim";
	vfs.xOpen = v_open;
	vfs.xDelete = v_delete;
	vfs.xAccess = v_access;
	vfs.xFullPathname = v_full;
	sqlite3_vfs_register(&vfs, 1);
}

static bool below(const struct memfile *f, const char *dir)
{
	return f->path && strncmp(f->path, dir, strlen(dir)) == 0;
}

void sim_vfs_kill(const char *dir, bool power)
{
	for (struct memfile *f = files; f; f = f->next) {
		if (!below(f, dir))
			continue;
		f->dead = true;
		for (; power && f->last;) {
			struct change *c = f->last;
			f->last = c->prev;
			if (c->n)
				memcpy(f->data + c->off, c->old, (size_t)c->n);
			f->size = c->size_before;
			free(c->old);
			free(c);
		}
	}
}

void sim_vfs_revive(const char *dir)
{
	for (struct memfile *f = files; f; f = f->next)
		if (below(f, dir)) {
			f->dead = false;
			drop_regions(f);
		}
}

void sim_vfs_forget(const char *dir)
{
	for (struct memfile *f = files, *next; f; f = next) {
		next = f->next;
		if (below(f, dir) && !f->handles)
			unlink_file(f);
	}
}

/* ---- the directory ---- */
/* The files are not in a directory, so looking at them there (core/store/place.c) says nothing; the
 * linker puts these in its place. */
struct sd_store;
enum sd_err __wrap_sd_place_check(struct sd_store *st, struct sd_error *e);
enum sd_err __wrap_sd_place_fresh(struct sd_store *st, struct sd_error *e);
enum sd_err __wrap_sd_place_made(struct sd_store *st, struct sd_error *e);
enum sd_err __wrap_sd_place_sync(struct sd_store *st, struct sd_error *e);
enum sd_err __wrap_sd_place_same(struct sd_store *st, struct sd_error *e);

enum sd_err __wrap_sd_place_check(struct sd_store *st, struct sd_error *e)
{
	(void)st;
	(void)e;
	return SD_OK;
}

enum sd_err __wrap_sd_place_fresh(struct sd_store *st, struct sd_error *e)
{
	(void)st;
	(void)e;
	return SD_OK;
}

enum sd_err __wrap_sd_place_made(struct sd_store *st, struct sd_error *e)
{
	(void)st;
	(void)e;
	return SD_OK;
}

enum sd_err __wrap_sd_place_sync(struct sd_store *st, struct sd_error *e)
{
	(void)st;
	(void)e;
	return SD_OK;
}

enum sd_err __wrap_sd_place_same(struct sd_store *st, struct sd_error *e)
{
	(void)st;
	(void)e;
	return SD_OK;
}
