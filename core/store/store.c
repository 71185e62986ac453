/* core/store/store.c - transactions, settings, checkpoints; see store.h. */
#include "core/store/internal.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

bool sd_store_in_txn(const struct sd_store *st)
{
	return st->txn;
}

bool sd_txn_alive(struct sd_store *st, struct sd_error *e)
{
	if (!st->txn || !sqlite3_get_autocommit(st->db))
		return true;
	(void)sd_fail(e, SD_DB, 0,
		"%s: the change was given up after an error on the disk; nothing was changed; try "
		"again",
		st->path);
	return false;
}

/* Another process may have opened the profile with another schema since: its tables are not the
 * ones we know. */
static enum sd_err same_schema(struct sd_store *st, struct sd_error *e)
{
	char *hash = NULL;
	enum sd_err rc = sd_meta_get(st, "schema.hash", &hash, e);

	if (rc == SD_OK && (!hash || strcmp(hash, st->schema->hash) != 0))
		rc = sd_fail(e, SD_FAILED, 0,
			"another process gave %s another schema; start this one again", st->path);
	free(hash);
	return rc;
}

void sd_store_forget_pages(struct sd_store *st)
{
	if (!st->doubtful)
		return;
	st->doubtful = false;
	(void)sqlite3_db_release_memory(st->db);
}

enum sd_err sd_store_begin(struct sd_store *st, struct sd_error *e)
{
	enum sd_err rc;

	assert(!sd_store_in_txn(st));
	sd_store_forget_pages(st);
	if (st->read_only)
		return sd_fail(e, SD_READONLY, 0, "%s is open for reading only", st->path);
	sd_counters_forget(st);
	sd_store_give_way(st);
	rc = sd_db_run(st, Q_BEGIN, e, "starting a change", "");
	st->txn = rc == SD_OK;
	st->begun_us = sd_mono_us();
	if (rc == SD_OK)
		rc = sd_place_same(st, e);
	if (rc == SD_OK && st->migrated)
		rc = same_schema(st, e);
	if (rc != SD_OK)
		sd_store_rollback(st);
	return rc;
}

enum sd_err sd_store_commit(struct sd_store *st, struct sd_error *e)
{
	enum sd_err rc = sd_journal_bulk_end(st, e);

	if (rc == SD_OK)
		rc = sd_bulk_end(st, e);
	if (rc == SD_OK)
		rc = sd_counters_flush(st, e);
	if (rc != SD_OK)
		return rc;
	rc = sd_db_run(st, Q_COMMIT, e, "writing to disk", "");
	if (rc == SD_OK)
		st->txn = false;
	sd_counters_forget(st);
	if (rc == SD_OK)
		sd_wal_after_commit(st);
	return rc;
}

void sd_store_rollback(struct sd_store *st)
{
	sd_counters_forget(st);
	st->txn = false;
	st->bulk.rid_from = 0;
	if (!sqlite3_get_autocommit(st->db))
		(void)sqlite3_exec(st->db, "ROLLBACK", NULL, NULL, NULL);
	sd_store_forget_pages(st);
}

enum sd_err sd_store_read(struct sd_store *st, struct sd_error *e)
{
	enum sd_err rc;

	assert(!sd_store_in_txn(st));
	sd_store_forget_pages(st);
	rc = sd_db_run(st, Q_READ, e, "starting to read", "");
	st->txn = rc == SD_OK;
	return rc;
}

bool sd_store_changed(struct sd_store *st)
{
	sqlite3_stmt *s = sd_db_open(st, Q_DATA_VERSION, NULL, "");
	int64_t v = st->data_version;
	bool changed;

	if (!s)
		return false;
	if (sd_db_row(st, s, NULL, "reading the store") == SD_OK)
		v = sqlite3_column_int64(s, 0);
	sd_db_reset(s);
	changed = st->data_version_known && v != st->data_version;
	st->data_version = v;
	st->data_version_known = true;
	return changed;
}

void sd_store_checkpoint(struct sd_store *st, size_t max_wal_bytes)
{
	struct stat s;
	char *wal = sqlite3_mprintf("%s-wal", st->path);
	int busy_ms = st->busy_ms;

	if (!wal)
		return;
	if (!sd_store_in_txn(st) && stat(wal, &s) == 0 && (size_t)s.st_size > max_wal_bytes) {
		/* never waits for readers: what cannot be moved now is moved next time */
		st->busy_ms = 0;
		(void)sqlite3_wal_checkpoint_v2(
			st->db, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL);
		st->busy_ms = busy_ms;
	}
	sqlite3_free(wal);
}

enum sd_err sd_meta_get(struct sd_store *st, const char *key, char **out, struct sd_error *e)
{
	sqlite3_stmt *s = sd_db_open(st, Q_META_GET, e, "s", key);
	enum sd_err rc;

	*out = NULL;
	if (!s)
		return SD_DB;
	rc = sd_db_row(st, s, e, "reading a setting of the store");
	if (rc == SD_OK && sqlite3_column_type(s, 0) != SQLITE_NULL) {
		*out = sd_db_dup(s, 0);
		if (!*out)
			rc = sd_db_nomem(e, "reading a setting of the store");
	}
	sd_db_reset(s);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_meta_any(struct sd_store *st, const char *prefix, bool *any, struct sd_error *e)
{
	struct sd_buf end = SD_BUF_INIT;
	sqlite3_stmt *s;
	enum sd_err rc;

	*any = false;
	if (!sd_buf_fmt(&end, "%s\x7f", prefix)) /* behind all that is plain text */
		return sd_db_nomem(e, "reading a setting of the store");
	s = sd_db_open(st, Q_META_LAST, e, "ss", prefix, sd_buf_text(&end));
	rc = s ? sd_db_row(st, s, e, "reading a setting of the store") : SD_DB;
	*any = rc == SD_OK;
	sd_db_reset(s);
	sd_buf_release(&end);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

enum sd_err sd_meta_put(struct sd_store *st, const char *key, const char *value, struct sd_error *e)
{
	assert(sd_store_in_txn(st));
	if (!value)
		return sd_db_run(st, Q_META_DEL, e, "keeping a setting", "s", key);
	return sd_db_run(st, Q_META_PUT, e, "keeping a setting", "ss", key, value);
}

struct place { /* the parts of an URL that name a backend */
	char scheme[16], host[256], port[8];
	const char *path;
};

static bool split_url(const char *url, struct place *p)
{
	const char *s = strstr(url, "://"), *end;
	size_t n;

	memset(p, 0, sizeof *p);
	if (!s || (size_t)(s - url) >= sizeof p->scheme)
		return false;
	memcpy(p->scheme, url, (size_t)(s - url));
	s += 3;
	end = *s == '[' ? strchr(s, ']') : NULL;
	end = end ? end + 1 : s + strcspn(s, ":/?#");
	n = (size_t)(end - s);
	if (n == 0 || n >= sizeof p->host)
		return false;
	memcpy(p->host, s, n);
	s = end;
	if (*s == ':') {
		n = strcspn(++s, "/?#");
		if (n >= sizeof p->port)
			return false;
		memcpy(p->port, s, n);
		s += n;
	}
	if (!*p->port)
		snprintf(p->port, sizeof p->port, "%s",
			strcasecmp(p->scheme, "https") == 0 ? "443" : "80");
	p->path = s;
	return true;
}

static bool loopback(const char *host)
{
	return strcasecmp(host, "localhost") == 0 || strncmp(host, "127.", 4) == 0 ||
	       strcmp(host, "[::1]") == 0;
}

static bool same_place(const char *a, const char *b)
{
	struct place x, y;

	if (!split_url(a, &x) || !split_url(b, &y))
		return strcmp(a, b) == 0;
	return strcasecmp(x.scheme, y.scheme) == 0 && strcasecmp(x.host, y.host) == 0 &&
	       strcmp(x.path, y.path) == 0 && (loopback(x.host) || strcmp(x.port, y.port) == 0);
}

enum sd_err sd_store_bind_backend(struct sd_store *st, const char *endpoint, struct sd_error *e)
{
	char *had = NULL;
	enum sd_err rc = sd_meta_get(st, "endpoint", &had, e);

	if (rc == SD_OK && !had)
		rc = sd_meta_put(st, "endpoint", endpoint, e);
	else if (rc == SD_OK && !same_place(had, endpoint))
		rc = sd_fail(e, SD_INVAL, 0,
			"the data in %s belongs to the backend %s, not to %s; give another "
			"--data-dir, or run `syncdeck clear` first",
			st->dir, had, endpoint);
	free(had);
	return rc;
}
