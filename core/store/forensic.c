/* core/store/forensic.c - another library's file, looked into; see forensic.h. */
#include "core/store/forensic.h"

#include <errno.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"
#include "core/json/json.h"

#define COPY_MAX ((size_t)2 << 30)

struct look {
	const char *file; /* as the person named it */
	sqlite3 *db;
	char *dir; /* of the copies; NULL without */
	sd_forensic_fn fn;
	void *ctx;
	struct sd_error *e;
	bool stopped;
};

/* ---- opening ---- */

static enum sd_err db_error(struct look *l, const char *doing)
{
	int rc = sqlite3_errcode(l->db);

	return sd_fail(l->e, rc == SQLITE_NOTADB ? SD_INVAL : SD_DB, rc, "%s: %s: %s%s", l->file,
		doing, sqlite3_errmsg(l->db),
		rc == SQLITE_NOTADB ? "; give the app's database file" : "");
}

static enum sd_err copy_one(struct look *l, const char *end, struct sd_error *e)
{
	struct sd_buf from = SD_BUF_INIT, to = SD_BUF_INIT, data = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_fmt(&from, "%s%s", l->file, end);
	sd_buf_fmt(&to, "%s/copy%s", l->dir, end);
	rc = sd_read_file(sd_buf_text(&from), COPY_MAX, &data, e);
	if (rc == SD_OK)
		rc = sd_write_file(sd_buf_text(&to), sd_buf_text(&data), data.len, e);
	sd_buf_release(&from);
	sd_buf_release(&to);
	sd_buf_release(&data);
	return rc;
}

static enum sd_err copy_both(struct look *l)
{
	const char *tmp = getenv("TMPDIR");
	struct sd_buf name = SD_BUF_INIT;
	enum sd_err rc;

	sd_buf_fmt(&name, "%s/syncdeck-forensic.XXXXXX", tmp && *tmp ? tmp : "/tmp");
	l->dir = sd_strdup_n(sd_buf_text(&name), name.len);
	sd_buf_release(&name);
	if (!l->dir || !mkdtemp(l->dir)) {
		free(l->dir);
		l->dir = NULL;
		return sd_fail(l->e, SD_IO, errno, "%s: no place for a copy: %s; set TMPDIR",
			l->file, strerror(errno));
	}
	rc = copy_one(l, "", l->e);
	return rc == SD_OK ? copy_one(l, "-wal", l->e) : rc;
}

static enum sd_err open_file(struct look *l)
{
	struct sd_buf wal = SD_BUF_INIT, uri = SD_BUF_INIT;
	const char *path = l->file;
	struct stat s;
	enum sd_err rc = SD_OK;

	if (stat(path, &s) || S_ISDIR(s.st_mode))
		return sd_fail_file(l->e, SD_NOTFOUND, path, errno ? errno : EISDIR);
	sd_buf_fmt(&wal, "%s-wal", path);
	if (stat(sd_buf_text(&wal), &s) == 0 && s.st_size > 0)
		rc = copy_both(l);
	sd_buf_release(&wal);
	if (rc != SD_OK)
		return rc;
	sd_buf_str(&uri, "file:");
	if (l->dir)
		sd_buf_fmt(&uri, "%s/copy", l->dir);
	for (; !l->dir && *path; path++) /* what means something in a URI is escaped */
		sd_buf_fmt(&uri, strchr("%?#", *path) ? "%%%02x" : "%c", (unsigned char)*path);
	if (!l->dir)
		sd_buf_str(&uri, "?immutable=1");
	if (sqlite3_open_v2(sd_buf_text(&uri), &l->db,
		    SQLITE_OPEN_URI | (l->dir ? SQLITE_OPEN_READWRITE : SQLITE_OPEN_READONLY),
		    NULL) != SQLITE_OK)
		rc = db_error(l, "cannot be opened");
	sd_buf_release(&uri);
	return rc;
}

static void close_file(struct look *l)
{
	static const char *const END[] = {"", "-wal", "-shm", "-journal"};

	sqlite3_close(l->db);
	for (size_t i = 0; l->dir && i < sizeof END / sizeof *END; i++) {
		struct sd_buf name = SD_BUF_INIT;
		sd_buf_fmt(&name, "%s/copy%s", l->dir, END[i]);
		(void)unlink(sd_buf_text(&name));
		sd_buf_release(&name);
	}
	if (l->dir)
		(void)rmdir(l->dir);
	free(l->dir);
}

/* ---- rows ---- */

static struct cJSON *column(sqlite3_stmt *s, int i)
{
	struct sd_buf hex = SD_BUF_INIT;
	struct cJSON *j;
	const char *text;

	switch (sqlite3_column_type(s, i)) {
	case SQLITE_NULL:
		return sd_json_null();
	case SQLITE_INTEGER:
		return sd_json_int(sqlite3_column_int64(s, i));
	case SQLITE_FLOAT:
		return sd_json_real(sqlite3_column_double(s, i));
	case SQLITE_BLOB:
		for (int k = 0; k < sqlite3_column_bytes(s, i); k++)
			sd_buf_fmt(&hex, "%02x",
				((const unsigned char *)sqlite3_column_blob(s, i))[k]);
		j = sd_json_string(sd_buf_text(&hex));
		sd_buf_release(&hex);
		return j;
	default:
		text = (const char *)sqlite3_column_text(s, i);
		if (!text || !sd_utf8_valid(text, (size_t)sqlite3_column_bytes(s, i)))
			return sd_json_string("(not UTF-8)");
		return sd_json_string_n(text, (size_t)sqlite3_column_bytes(s, i));
	}
}

static struct cJSON *row_json(sqlite3_stmt *s)
{
	struct cJSON *j = sd_json_object();

	for (int i = 0; i < sqlite3_column_count(s); i++)
		sd_json_add(j, sqlite3_column_name(s, i), column(s, i));
	return j;
}

typedef enum sd_err (*row_fn)(struct look *l, struct cJSON *row); /* row is borrowed */

static enum sd_err each_row(struct look *l, const char *sql, const char *bind, row_fn fn)
{
	sqlite3_stmt *s = NULL;
	enum sd_err rc = SD_OK;
	int step = SQLITE_DONE;

	if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) != SQLITE_OK)
		return db_error(l, "cannot be read");
	if (bind)
		sqlite3_bind_text(s, 1, bind, -1, SQLITE_TRANSIENT);
	while (rc == SD_OK && !l->stopped && (step = sqlite3_step(s)) == SQLITE_ROW) {
		struct cJSON *row = row_json(s);
		rc = fn(l, row);
		sd_json_free(row);
	}
	if (rc == SD_OK && !l->stopped && step != SQLITE_DONE)
		rc = db_error(l, "cannot be read");
	sqlite3_finalize(s);
	return rc;
}

static enum sd_err tell(struct look *l, struct cJSON *line)
{
	l->stopped = !l->fn(l->ctx, line);
	return SD_OK;
}

static int64_t number(struct look *l, const char *sql, const char *bind)
{
	sqlite3_stmt *s = NULL;
	int64_t n = 0;

	if (sqlite3_prepare_v2(l->db, sql, -1, &s, NULL) == SQLITE_OK) {
		if (bind)
			sqlite3_bind_text(s, 1, bind, -1, SQLITE_TRANSIENT);
		if (sqlite3_step(s) == SQLITE_ROW)
			n = sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	return n;
}

static bool has_table(struct look *l, const char *name)
{
	return number(l, "SELECT count(*) FROM sqlite_master WHERE type='table' AND name=?1",
		       name) > 0;
}

/* ---- the queue ---- */

/* A text that holds JSON; NULL when it does not. */
static struct cJSON *inner(const struct cJSON *row, const char *name)
{
	const char *text = sd_json_get_str(row, name);
	struct cJSON *j = NULL;

	if (!text || sd_json_parse(text, strlen(text), name, &j, NULL) != SD_OK)
		return NULL;
	return j;
}

/* Milliseconds of a version 1 UUID, which counts 100 ns from 1582; 0: it is none. */
static int64_t uuid_ms(const char *u)
{
	unsigned long long low, mid, high, ticks;

	if (!u || sscanf(u, "%8llx-%4llx-%4llx-", &low, &mid, &high) != 3 || high >> 12 != 1)
		return 0;
	ticks = ((high & 0xfff) << 48) | (mid << 32) | low;
	return (int64_t)((ticks - 0x01b21dd213814000ull) / 10000);
}

static struct cJSON *new_line(const struct cJSON *row, const char *op, const char *model,
	const char *key, const char *from)
{
	struct cJSON *j = sd_json_object(), *k = sd_json_array();
	char upper[16] = "";

	for (size_t i = 0; op && op[i] && i + 1 < sizeof upper; i++) {
		upper[i] = op[i] >= 'a' && op[i] <= 'z' ? (char)(op[i] - 'a' + 'A') : op[i];
		upper[i + 1] = '\0';
	}
	if (key)
		sd_json_push(k, sd_json_string(key));
	sd_json_add_str(j, "id", sd_json_get_str(row, "id"));
	sd_json_add_str(j, "op", upper);
	sd_json_add_str(j, "model", model);
	sd_json_add(j, "key", k);
	sd_json_add_str(j, "from", from);
	return j;
}

/* fields and condition move; raw: what stands there when it could not be decoded. */
static enum sd_err tell_change(struct look *l, struct cJSON *line, struct cJSON *fields,
	struct cJSON *condition, struct cJSON *version, int64_t at_ms, bool sending,
	const char *raw)
{
	enum sd_err rc;

	sd_json_add(line, "fields", fields ? fields : sd_json_null());
	sd_json_add(line, "condition", condition ? condition : sd_json_null());
	sd_json_add(line, "version", version);
	sd_json_add_str(line, "lane", sending ? "sending" : "waiting");
	sd_json_add(line, "enqueued", at_ms ? sd_json_int(at_ms) : sd_json_null());
	if (!fields) {
		sd_json_add_str(line, "error", "what was changed is not the JSON that is expected");
		sd_json_add_str(line, "raw", raw);
	}
	rc = tell(l, line);
	sd_json_free(line);
	return rc;
}

/* ModelMetadata knows a record as "Model|id", in older files as "id". */
static struct cJSON *android_version(struct look *l, const char *model, const char *id)
{
	struct sd_buf name = SD_BUF_INIT;
	int64_t v = 0;

	if (model && id && has_table(l, "ModelMetadata")) {
		sd_buf_fmt(&name, "%s|%s", model, id);
		v = number(l, "SELECT _version FROM ModelMetadata WHERE id=?1", sd_buf_text(&name));
		if (!v)
			v = number(l, "SELECT _version FROM ModelMetadata WHERE id=?1", id);
	}
	sd_buf_release(&name);
	return v ? sd_json_int(v) : sd_json_null();
}

/* A predicate that is always true is no condition. */
static struct cJSON *android_condition(const struct cJSON *data)
{
	const struct cJSON *p = sd_json_get(data, "predicate");
	const char *type = sd_json_get_str(p, "_type");

	return p && !sd_json_is_null(p) && sd_json_child(p) && !(type && strstr(type, "MatchAll"))
		       ? sd_json_dup(p)
		       : NULL;
}

static enum sd_err android_row(struct look *l, struct cJSON *row)
{
	struct cJSON *data = inner(row, "serializedMutationData");
	const struct cJSON *item = sd_json_get(data, "mutatedItem");
	const struct cJSON *plain = sd_json_get(item, "serializedData");
	const char *class = sd_json_get_str(row, "containedModelClassName"), *dot;
	const char *model = sd_json_get_str(sd_json_get(data, "modelSchema"), "name");
	const char *id = sd_json_get_str(row, "containedModelId");
	struct cJSON *line, *fields = sd_json_is_object(plain)  ? sd_json_dup(plain)
				      : sd_json_is_object(item) ? sd_json_dup(item)
								: NULL;
	enum sd_err rc;

	dot = class ? strrchr(class, '.') : NULL;
	if (!model)
		model = dot ? dot + 1 : class;
	line = new_line(row, sd_json_get_str(data, "mutationType"), model, id, "android");
	rc = tell_change(l, line, fields, android_condition(data), android_version(l, model, id),
		uuid_ms(sd_json_get_str(row, "id")), false,
		sd_json_get_str(row, "serializedMutationData"));
	sd_json_free(data);
	return rc;
}

static enum sd_err ios_row(struct look *l, struct cJSON *row)
{
	const char *at = sd_json_get_str(row, "createdAt");
	const struct cJSON *version = sd_json_get(row, "version");
	struct cJSON *line = new_line(row, sd_json_get_str(row, "mutationType"),
		sd_json_get_str(row, "modelName"), sd_json_get_str(row, "modelId"), "ios");
	struct cJSON *condition = inner(row, "graphQLFilterJSON");
	int64_t ms = 0, sending = 0;

	if (!at || !sd_time_parse(at, &ms))
		ms = 0;
	(void)!sd_json_i64(sd_json_get(row, "inProcess"), &sending);
	if (condition && !sd_json_child(condition)) { /* {}: none */
		sd_json_free(condition);
		condition = NULL;
	}
	return tell_change(l, line, inner(row, "json"), condition,
		sd_json_is_number(version) ? sd_json_dup(version) : sd_json_null(), ms,
		sending != 0, sd_json_get_str(row, "json"));
}

static enum sd_err queue(struct look *l, const char *unused)
{
	(void)unused;
	/* a time-based UUID sorts by its time with the parts turned round */
	if (has_table(l, "PersistentRecord"))
		return each_row(l,
			"SELECT * FROM PersistentRecord ORDER BY substr(id,15,4)||substr(id,10,4)||"
			"substr(id,1,8),rowid",
			NULL, android_row);
	if (has_table(l, "MutationEvent"))
		return each_row(
			l, "SELECT * FROM MutationEvent ORDER BY createdAt,rowid", NULL, ios_row);
	if (number(l, "PRAGMA schema_version", NULL) == 0 &&
		sqlite3_errcode(l->db) == SQLITE_NOTADB)
		return db_error(l, "cannot be read");
	if (has_table(l, "outbox") && has_table(l, "meta"))
		return sd_fail(l->e, SD_INVAL, 0,
			"%s: is a store of syncdeck; look at it with `syncdeck -d DIR outbox`",
			l->file);
	return sd_fail(l->e, SD_INVAL, 0,
		"%s: has neither Android's table PersistentRecord nor iOS's MutationEvent; "
		"`syncdeck forensic FILE tables` lists what there is",
		l->file);
}

/* ---- tables ---- */

static enum sd_err table_row(struct look *l, struct cJSON *row)
{
	static const struct {
		const char *name, *kind;
	} KNOWN[] = {{"PersistentRecord", "queue"}, {"MutationEvent", "queue"},
		{"ModelMetadata", "metadata"}, {"LastSyncMetadata", "metadata"},
		{"PersistentModelVersion", "metadata"}, {"MutationSyncMetadata", "metadata"},
		{"ModelSyncMetadata", "metadata"}, {"android_metadata", "metadata"}};
	const char *name = sd_json_get_str(row, "name"), *kind = "model";
	struct cJSON *j = sd_json_object();
	char *sql = sqlite3_mprintf("SELECT count(*) FROM \"%w\"", name);
	enum sd_err rc;

	for (size_t i = 0; i < sizeof KNOWN / sizeof *KNOWN; i++)
		if (name && strcmp(name, KNOWN[i].name) == 0)
			kind = KNOWN[i].kind;
	sd_json_add_str(j, "table", name);
	sd_json_add_int(j, "rows", sql ? number(l, sql, NULL) : 0);
	sd_json_add_str(j, "kind", kind);
	sqlite3_free(sql);
	rc = tell(l, j);
	sd_json_free(j);
	return rc;
}

static enum sd_err tables(struct look *l, const char *unused)
{
	(void)unused;
	return each_row(l,
		"SELECT name FROM sqlite_master WHERE type='table' AND name NOT LIKE 'sqlite\\_%' "
		"ESCAPE '\\' ORDER BY name",
		NULL, table_row);
}

static enum sd_err rows(struct look *l, const char *table)
{
	char *sql;
	enum sd_err rc;

	if (!has_table(l, table))
		return sd_fail(l->e, SD_INVAL, 0,
			"%s: there is no table %s; `syncdeck forensic FILE tables` lists them",
			l->file, table);
	sql = sqlite3_mprintf("SELECT * FROM \"%w\"", table);
	rc = sql ? each_row(l, sql, NULL, tell)
		 : sd_fail(l->e, SD_NOMEM, 0, "forensic: out of memory");
	sqlite3_free(sql);
	return rc;
}

static enum sd_err run(const char *file, const char *table,
	enum sd_err (*what)(struct look *l, const char *table), sd_forensic_fn fn, void *ctx,
	struct sd_error *e)
{
	struct sd_error own = {.code = SD_OK};
	struct look l = {.file = file, .fn = fn, .ctx = ctx, .e = e ? e : &own};
	enum sd_err rc;

	errno = 0;
	rc = open_file(&l);
	if (rc == SD_OK)
		rc = what(&l, table);
	close_file(&l);
	return rc;
}

enum sd_err sd_forensic_queue(const char *file, sd_forensic_fn fn, void *ctx, struct sd_error *e)
{
	return run(file, NULL, queue, fn, ctx, e);
}

enum sd_err sd_forensic_tables(const char *file, sd_forensic_fn fn, void *ctx, struct sd_error *e)
{
	return run(file, NULL, tables, fn, ctx, e);
}

enum sd_err sd_forensic_rows(
	const char *file, const char *table, sd_forensic_fn fn, void *ctx, struct sd_error *e)
{
	return run(file, table, rows, fn, ctx, e);
}
