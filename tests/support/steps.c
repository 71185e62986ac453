/* tests/support/steps.c - see steps.h. */
#include "tests/support/steps.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/store/internal.h"
#include "tests/support/crashfs.h"

#define NOW 5000000

/* The store as it is before the change: its files. */
struct image {
	struct sd_buf db, wal;
};

struct run {
	struct fix *f;
	const struct step_case *c;
	struct image image;
	char *before, *after;    /* the whole content, as text */
	struct sd_schema *other; /* to open with */
	bool sync_off;
	int bad;
	int engine; /* ours is the process that syncs: what it sends is not recovered by opening */
};

static char *file(const struct run *r, const char *name)
{
	return sd_path_join(r->f->dir, name);
}

static void load(const struct run *r, const char *name, struct sd_buf *out)
{
	char *p = file(r, name);

	sd_buf_reset(out);
	if (sd_is_file(p))
		assert_int_equal(sd_read_file(p, 1 << 26, out, NULL), SD_OK);
	free(p);
}

static void put(const struct run *r, const char *name, const struct sd_buf *b)
{
	char *p = file(r, name);
	FILE *out;

	if (b->len) {
		out = fopen(p, "we");
		assert_non_null(out);
		assert_int_equal(fchmod(fileno(out), 0600), 0);
		assert_int_equal(fwrite(b->data, 1, b->len, out), b->len);
		assert_int_equal(fclose(out), 0);
	}
	free(p);
}

static void clean_dir(const char *dir)
{
	DIR *d = opendir(dir);
	const struct dirent *e;

	assert_non_null(d);
	while ((e = readdir(d)))
		if (sd_str_starts(e->d_name, "store.db"))
			(void)unlinkat(dirfd(d), e->d_name, 0);
	closedir(d);
}

static void restore(struct run *r)
{
	fix_close(r->f);
	crashfs_start();
	clean_dir(r->f->dir);
	put(r, "store.db", &r->image.db);
	put(r, "store.db-wal", &r->image.wal);
}

/* ---- the whole content ---- */

static void add_rows(sqlite3 *db, const char *table, struct sd_buf *out)
{
	char *sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db, sql, -1, &s, NULL) != SQLITE_OK)
		sd_buf_fmt(out, "%s: %s\n", table, sqlite3_errmsg(db));
	while (s && sqlite3_step(s) == SQLITE_ROW) {
		sd_buf_fmt(out, "%s:", table);
		for (int i = 0; i < sqlite3_column_count(s); i++) {
			const char *t = (const char *)sqlite3_column_text(s, i);
			sd_buf_fmt(out, " %s", t ? t : "~");
		}
		sd_buf_ch(out, '\n');
	}
	sqlite3_finalize(s);
	sqlite3_free(sql);
}

/* A sound one adds nothing. */
static void add_soundness(sqlite3 *db, struct sd_buf *out)
{
	sqlite3_stmt *s = NULL;
	const char *t = "integrity_check fails";

	if (sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &s, NULL) == SQLITE_OK &&
		sqlite3_step(s) == SQLITE_ROW)
		t = (const char *)sqlite3_column_text(s, 0);
	if (!t || strcmp(t, "ok") != 0)
		sd_buf_fmt(out, "%s\n", t ? t : "");
	sqlite3_finalize(s);
}

/* Everything a database file holds, and whether it is sound; read with the plain VFS. */
static char *content(const char *path)
{
	struct sd_buf b = SD_BUF_INIT;
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;

	if (sd_is_file(path) &&
		sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK) {
		int rc = sqlite3_prepare_v2(db,
			"SELECT name,sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%'"
			" ORDER BY name",
			-1, &s, NULL);
		if (rc != SQLITE_OK)
			sd_buf_fmt(&b, "%s\n", sqlite3_errmsg(db));
		while (rc == SQLITE_OK && (rc = sqlite3_step(s)) == SQLITE_ROW) {
			const char *name = (const char *)sqlite3_column_text(s, 0);
			const char *sql = (const char *)sqlite3_column_text(s, 1);
			sd_buf_fmt(&b, "%s\n", sql ? sql : name);
			if (sql && sd_str_starts(sql, "CREATE TABLE"))
				add_rows(db, name, &b);
			rc = SQLITE_OK;
		}
		sqlite3_finalize(s);
		add_soundness(db, &b);
	}
	sqlite3_close(db);
	return b.len ? sd_buf_take(&b) : strdup("");
}

static char *store_content(const struct run *r)
{
	char *p = file(r, "store.db"), *text = content(p);

	free(p);
	return text;
}

/* ---- doing it ---- */

static const struct sd_schema *schema(const struct run *r)
{
	return r->other ? r->other : r->f->schema;
}

static enum sd_err open_on(struct run *r, const struct sd_schema *s)
{
	struct sd_store_opts o = {
		.dir = r->f->dir, .schema = s, .vfs = CRASHFS, .now_ms = NOW, .rand = &r->f->rand};

	r->f->e.text[0] = '\0';
	return sd_store_open(&o, &r->f->st, &r->f->e);
}

static void sync_mode(struct run *r)
{
	if (r->sync_off && r->f->st)
		assert_int_equal(
			sqlite3_exec(r->f->st->db, "PRAGMA synchronous=OFF", NULL, NULL, NULL),
			SQLITE_OK);
}

/* The change, always with the same clock and the same random numbers. */
static enum sd_err act(struct run *r)
{
	enum sd_err rc;

	r->f->now = NOW;
	r->f->e.text[0] = '\0';
	sd_rand_seeded(&r->f->rand, 99);
	if (!r->c->act)
		return open_on(r, schema(r));
	rc = r->c->act(r->f);
	if (sd_store_in_txn(r->f->st))
		fail_msg("%s: the transaction is still open", r->c->name);
	return rc;
}

static void ready(struct run *r)
{
	restore(r);
	if (!r->c->act)
		return;
	fix_ok(r->f, open_on(r, schema(r)));
	sync_mode(r);
}

static void begin(struct run *r, struct fix *f, const struct step_case *c)
{
	*r = (struct run){.f = f, .c = c, .engine = -1};
	crashfs_register();
	fix_close(f);
	crashfs_start();
	clean_dir(f->dir);
	r->other = c->sdl ? fix_schema(c->sdl) : NULL;
	if (!c->fresh) {
		fix_open(f);
		if (c->prepare)
			c->prepare(f);
		if (!c->hot)
			fix_close(f);
		load(r, "store.db", &r->image.db);
		load(r, "store.db-wal", &r->image.wal);
	}
	if (c->act)
		fix_ok(f, sd_lock_take(f->dir, SD_LOCK_ENGINE, 0, &r->engine, &f->e));
	ready(r);
	if (c->act)
		fix_sound(f);
	r->before = store_content(r);
	fix_ok(f, act(r));
	fix_sound(f);
	fix_close(f);
	r->after = store_content(r);
	if (!c->same)
		assert_string_not_equal(r->before, r->after);
}

static void end(struct run *r)
{
	fix_close(r->f);
	crashfs_start();
	sd_lock_release(r->engine);
	clean_dir(r->f->dir);
	fix_open(r->f);
	sd_schema_free(r->other);
	sd_buf_release(&r->image.db);
	sd_buf_release(&r->image.wal);
	free(r->before);
	free(r->after);
}

static const char *where(const struct run *r, const char *what, int64_t n)
{
	static char text[1400];

	snprintf(text, sizeof text, "%s, %s at operation %lld: %s", r->c->name, what, (long long)n,
		r->f->e.text);
	return text;
}

static void expect(const struct run *r, const char *want, const char *what, int64_t n)
{
	char *got = store_content(r);

	if (strcmp(got, want) != 0)
		print_error("%s\n", where(r, what, n));
	assert_string_equal(got, want);
	free(got);
}

/* A copy of the store as it was stands beside it. */
static bool has_copy(const struct run *r)
{
	DIR *d = opendir(r->f->dir);
	const struct dirent *e;
	bool found = false;

	while (d && (e = readdir(d)))
		if (sd_str_starts(e->d_name, "store.db.before-") &&
			!strstr(e->d_name, "-journal") && !strstr(e->d_name, "-wal")) {
			char *p = file(r, e->d_name), *text = content(p);
			found = found || strcmp(text, r->before) == 0;
			free(text);
			free(p);
		}
	closedir(d);
	return found;
}

/* ---- faults ---- */

/* Everything, or what is quick enough for every day? */
static bool steps_all(void)
{
	return getenv("TORTURE") != NULL;
}

#ifdef __SANITIZE_ADDRESS__
#define EVERY 27 /* slow */
#else
#define EVERY 3 /* `make torture` takes every step */
#endif

static int64_t stride(const struct step_case *c, bool stays)
{
	if (steps_all())
		return 1;
	return EVERY * (c->sparse ? 7 : stays ? 4 : 1);
}

/* Says what could not be done, to which file or record, and what to do. */
static void clear_words(const struct run *r, enum sd_err rc, const char *what, int64_t n)
{
	const char *t = r->f->e.text;

	if (rc == SD_NOMEM)
		return;
	if (!strstr(t, r->f->dir) || !strchr(t, ';') || strlen(t) < 20)
		fail_msg("not clear: %s", where(r, what, n));
}

static const struct {
	const char *name;
	unsigned ops;
	enum crashfs_how how;
	bool stays;
} FAULT[] = {
	{"an I/O error", CRASHFS_ALL, CRASHFS_IOERR, false},
	{"a dead disk", CRASHFS_ALL, CRASHFS_IOERR, true},
	{"one write without space", CRASHFS_WRITE, CRASHFS_FULL, false},
	{"a full disk", CRASHFS_WRITE, CRASHFS_FULL, true},
	{"a short read", CRASHFS_READ, CRASHFS_SHORT, false},
};

static bool one_fault(struct run *r, size_t k, int64_t n)
{
	const char *what = FAULT[k].name;
	enum sd_err rc;
	bool struck;

	ready(r);
	crashfs_fault(FAULT[k].ops, n, FAULT[k].how, FAULT[k].stays);
	rc = act(r);
	struck = crashfs_struck();
	crashfs_well();
	if (rc != SD_OK)
		clear_words(r, rc, what, n);
	/* after an opening that failed in the very end the change may be there, unacknowledged */
	if (rc != SD_OK && r->c->act && !r->c->pieces)
		expect(r, r->before, what, n);
	if (rc != SD_OK && act(r) != SD_OK)
		fail_msg("does not go on: %s", where(r, what, n));
	if (!r->c->act && r->c->copies && !has_copy(r))
		fail_msg("no copy: %s", where(r, what, n));
	fix_close(r->f);
	expect(r, r->after, what, n);
	return struck;
}

int steps_faults(struct fix *f, const struct step_case *c)
{
	struct run r;
	int struck = 0;

	begin(&r, f, c);
	for (size_t k = 0; k < sizeof FAULT / sizeof *FAULT; k++) {
		int64_t step = stride(c, FAULT[k].stays);
		/* SQLite takes what a read cut off for zeros, and zeros for the end of the list of
		 * free pages: the next transaction finds the damage, this one is committed by then */
		if (c->pieces && FAULT[k].how == CRASHFS_SHORT)
			continue;
		for (int64_t n = 0; one_fault(&r, k, n); n += step) {
			struck++;
			assert_true(n < 5000);
		}
	}
	end(&r);
	return struck;
}

/* ---- crashes ---- */

/* Done again, it ends as if nothing had come between. */
static bool goes_on(struct run *r, const char **why)
{
	char *got;
	bool ok = open_on(r, schema(r)) == SD_OK && act(r) == SD_OK;

	*why = "it does not go on";
	fix_close(r->f);
	if (!ok)
		return false;
	got = store_content(r);
	ok = strcmp(got, r->after) == 0;
	free(got);
	return ok;
}

/* Is everything as it must be after the machine has started again? */
static bool survived(struct run *r, enum sd_err rc, const char **why)
{
	char *got;
	bool ok;

	fix_close(r->f);
	crashfs_start();
	if (r->c->pieces && rc != SD_OK) /* in between, perhaps; what is left is done now */
		return goes_on(r, why);
	got = store_content(r);
	*why = "the content is neither that before nor that after";
	ok = strcmp(got, r->after) == 0;
	if (ok && r->c->copies && !has_copy(r)) {
		*why = "the copy is gone";
		ok = false;
	}
	if (!ok && rc == SD_OK)
		*why = "what was acknowledged is lost";
	else if (!ok)
		ok = r->c->fresh || strcmp(got, r->before) == 0;
	free(got);
	if (ok && open_on(r, schema(r)) != SD_OK) {
		*why = "does not open again";
		ok = false;
	}
	fix_close(r->f);
	return ok;
}

/* false: the change was over before its n-th operation. */
static bool one_crash(struct run *r, int64_t n, uint64_t seed)
{
	const char *why = "";
	enum sd_err rc;
	bool struck;

	ready(r);
	crashfs_fault(
		CRASHFS_WRITE | CRASHFS_SYNC | CRASHFS_TRUNCATE | CRASHFS_DELETE | CRASHFS_OPEN, n,
		CRASHFS_STOP, false);
	rc = act(r);
	struck = crashfs_struck();
	crashfs_crash(seed);
	if (!survived(r, rc, &why)) {
		r->bad++;
		if (!r->sync_off)
			fail_msg("%s: %s (seed %llu)", why, where(r, "a crash", n),
				(unsigned long long)seed);
	}
	return struck;
}

int steps_crashes(struct fix *f, const struct step_case *c, bool sync_off)
{
	struct run r;
	int bad;

	begin(&r, f, c);
	r.sync_off = sync_off;
	for (uint64_t seed = 0; seed < (steps_all() ? 6 : 2); seed++)
		for (int64_t n = 0; one_crash(&r, n, seed * 1000 + (seed ? (uint64_t)n : 0));
			n += stride(c, false))
			assert_true(n < 5000);
	bad = r.bad;
	end(&r);
	return bad;
}
