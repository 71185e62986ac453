/*
 * core/api/import.c - records out of NDJSON and CSV files; see api.h.
 *
 * A file that is written within a second is one transaction, begun at once: a bad line takes all of
 * it back.  A larger one would hold the store's lock for too long, so it is checked whole first and
 * written in several; each of them also writes how far the file, known by its content, is done.  A model that is its own parent is always one transaction: a child may
 * stand before its parent in the file and then waits for the end of it.
 */
#include "core/api/import.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/api/internal.h"
#include "core/base/fs.h"
#include "core/base/text.h"

#define SMALL_BYTES ((int64_t)8 << 20)
#define ONCE_BYTES  ((int64_t)64 << 20)
#define ONCE_MS     1000 /* longest that a file is written in one transaction */
#define GUESS_MS    100  /* so long is watched how fast it goes */
#define CHUNK_MS    200  /* a transaction of several */

struct job {
	struct sd_api *api;
	const struct sd_api_import *o;
	const struct sd_model *m;
	struct sd_lines l;
	struct sd_map keys;       /* of the file; only when the model is its own parent */
	struct cJSON *late;       /* {"line","fields"}: children before their parents */
	const struct sd_map *any; /* --orphans */
	int64_t size, chunk;
	bool own_parent, first; /* first: the model has no records here */
	bool timed;             /* transactions of CHUNK_MS, not of chunk records */
	bool once;              /* all in one, as long as that does not take too long */
	int64_t begun_ms;       /* of the transaction */
	char mark[200];         /* name of the setting that says how far it is; "" none */
	struct sd_api_imported *out;
	struct sd_error *e;
};

static bool its_own_parent(const struct sd_model *m)
{
	for (size_t i = 0; i < m->field_count; i++)
		if (m->fields[i].kind == SD_K_MODEL && m->fields[i].assoc == SD_A_BELONGS_TO &&
			m->fields[i].model == m)
			return true;
	return false;
}

/* "FILE:LINE: Post p1: what" */
static enum sd_err at_line(struct job *j, int64_t line, const struct cJSON *fields, enum sd_err rc)
{
	struct sd_buf key = SD_BUF_INIT, show = SD_BUF_INIT;

	if (sd_key_of(j->m, fields, &key, NULL) == SD_OK)
		sd_key_show(sd_buf_text(&key), &show);
	rc = sd_fail_prefix(j->e, rc == SD_NOTFOUND ? SD_INVAL : rc, "%s:%lld: %s%s%s", j->l.name,
		(long long)line, j->m->name, show.len ? " " : "", sd_buf_text(&show));
	sd_buf_release(&key);
	sd_buf_release(&show);
	return rc;
}

static enum sd_err progress(struct job *j, int64_t records)
{
	int64_t line;

	if ((records & 255) != 0 || !j->o->progress)
		return SD_OK;
	if (j->o->progress(j->o->ctx, records, sd_lines_at(&j->l, &line), j->size))
		return SD_OK;
	return sd_fail(j->e, SD_CANCELLED, 0, "import: interrupted%s",
		*j->mark ? "; the same command goes on from where it was"
			 : "; nothing was written");
}

/* ---- checking ---- */

static enum sd_err note_keys(struct job *j)
{
	struct sd_lines l;
	struct sd_buf key = SD_BUF_INIT;
	struct cJSON *fields;
	bool other;
	enum sd_err rc = sd_lines_open(&l, j->m, j->o->file, j->o->csv, j->e);

	while (rc == SD_OK && !l.broken) {
		rc = sd_lines_next(&l, &fields, &other, NULL);
		if (rc == SD_NOTFOUND)
			break;
		sd_buf_reset(&key);
		if (rc == SD_OK && !other && sd_key_of(j->m, fields, &key, NULL) == SD_OK &&
			!sd_map_put(&j->keys, sd_buf_text(&key), j, NULL))
			rc = sd_fail(j->e, SD_NOMEM, 0, "import: out of memory");
		else
			rc = SD_OK; /* a bad line is told when it is checked */
		sd_json_free(fields);
	}
	sd_lines_close(&l);
	sd_buf_release(&key);
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

static enum sd_err check_line(struct job *j)
{
	struct sd_write_env env = sd_api_env(j->api);
	struct cJSON *fields = NULL;
	bool other, created = false;
	enum sd_err rc = sd_lines_next(&j->l, &fields, &other, j->e);

	if (rc == SD_OK && other) {
		j->out->skipped++;
	} else if (rc == SD_OK) {
		rc = sd_write_check(j->api->reader, j->m, j->first, fields, &env, &created, j->e);
		if (rc != SD_OK)
			rc = at_line(j, j->l.line, fields, rc);
		j->out->records++;
		j->out->created += rc == SD_OK && created;
		j->out->updated += rc == SD_OK && !created;
	}
	sd_json_free(fields);
	return rc;
}

/* The whole file; in a dry run every bad line is told. */
static enum sd_err check_all(struct job *j)
{
	struct sd_api_imported none = {0};
	int64_t n = 0;
	enum sd_err rc = sd_write_first(j->api->reader, j->m, &j->first, j->e);

	sd_write_parents(j->api->reader, j->any ? NULL : j->m, j->any ? j->any : &j->keys);
	while (rc == SD_OK) {
		rc = check_line(j);
		if (rc == SD_OK)
			rc = progress(j, ++n);
		if (j->o->dry_run && (rc == SD_INVAL || rc == SD_TOOBIG)) {
			j->out->invalid++;
			if (j->o->problem && j->e)
				j->o->problem(j->o->ctx, j->e->text);
			rc = j->l.broken || (j->l.is_csv && !j->l.columns) ? rc : SD_OK;
		}
	}
	sd_write_parents(j->api->reader, NULL, NULL);
	if (!j->o->dry_run)
		*j->out = none;
	return rc == SD_NOTFOUND ? SD_OK : rc;
}

/* ---- writing ---- */

static bool parent_here(struct job *j, const struct cJSON *fields)
{
	for (size_t i = 0; i < j->m->field_count; i++) {
		const struct sd_field *f = &j->m->fields[i];
		struct cJSON *parent = sd_json_object(), *rec = NULL;
		struct sd_buf key = SD_BUF_INIT;
		bool here = true;
		if (f->kind == SD_K_MODEL && f->assoc == SD_A_BELONGS_TO && f->model == j->m) {
			for (size_t k = 0; k < f->join_count; k++) {
				const struct cJSON *v = sd_json_get(fields, f->local[k]);
				if (!sd_json_is_null(v))
					sd_json_add(parent, f->remote[k], sd_json_dup(v));
			}
			if (sd_key_of(j->m, parent, &key, NULL) == SD_OK)
				here = sd_rec_get(j->api->writer, j->m, sd_buf_text(&key), false,
					       &rec, NULL) == SD_OK;
		}
		sd_json_free(rec);
		sd_json_free(parent);
		sd_buf_release(&key);
		if (!here)
			return false;
	}
	return true;
}

static enum sd_err write_fields(struct job *j, int64_t line, const struct cJSON *fields)
{
	struct sd_write_env env = sd_api_env(j->api);
	bool created = false;
	enum sd_err rc = sd_write_save(
		j->api->writer, j->m, SD_SAVE_UPSERT, fields, NULL, &env, NULL, &created, j->e);

	if (rc != SD_OK)
		return rc == SD_INVAL || rc == SD_NOTFOUND ? at_line(j, line, fields, rc) : rc;
	j->out->records++;
	j->out->created += created;
	j->out->updated += !created;
	return SD_OK;
}

/* fields moves. */
static enum sd_err put_late(struct job *j, struct cJSON *fields)
{
	struct cJSON *one = sd_json_object();

	sd_json_add_int(one, "line", j->l.line);
	sd_json_add(one, "fields", fields);
	return sd_json_push(j->late, one) ? SD_OK
					  : sd_fail(j->e, SD_NOMEM, 0, "import: out of memory");
}

static enum sd_err write_line(struct job *j)
{
	struct cJSON *fields = NULL;
	bool other;
	enum sd_err rc = sd_lines_next(&j->l, &fields, &other, j->e);

	if (rc == SD_OK && other)
		j->out->skipped++;
	else if (rc == SD_OK && j->own_parent && !j->any && !parent_here(j, fields))
		return put_late(j, fields);
	else if (rc == SD_OK)
		rc = write_fields(j, j->l.line, fields);
	sd_json_free(fields);
	return rc;
}

/* Children that stood before their parents, as long as that goes on. */
static enum sd_err write_late(struct job *j)
{
	bool more = true;
	enum sd_err rc = SD_OK;

	while (more && rc == SD_OK) {
		struct cJSON *rest = sd_json_array(), *one, *next;
		more = false;
		for (one = sd_json_child(j->late); one && rc == SD_OK; one = next) {
			const struct cJSON *fields = sd_json_get(one, "fields");
			next = sd_json_next(one);
			if (!parent_here(j, fields)) {
				if (!sd_json_push(rest, sd_json_dup(one)))
					rc = sd_fail(j->e, SD_NOMEM, 0, "import: out of memory");
				continue;
			}
			rc = write_fields(j, sd_json_get_i64(one, "line", 0), fields);
			more = true;
		}
		sd_json_free(j->late);
		j->late = rest;
	}
	for (const struct cJSON *one = sd_json_child(j->late); one && rc == SD_OK;
		one = sd_json_next(one)) /* the store says which parent is missing */
		rc = write_fields(j, sd_json_get_i64(one, "line", 0), sd_json_get(one, "fields"));
	return rc;
}

/* How far the file is done, with what is written now; at the end nothing is left of it. */
static enum sd_err put_mark(struct job *j, bool end)
{
	struct sd_buf b = SD_BUF_INIT;
	int64_t line, at = sd_lines_at(&j->l, &line);
	enum sd_err rc;

	if (!*j->mark)
		return SD_OK;
	sd_buf_fmt(&b, "{\"offset\":%lld,\"line\":%lld,\"records\":%lld}", (long long)at,
		(long long)line, (long long)(j->out->resumed + j->out->records));
	rc = sd_meta_put(j->api->writer, j->mark, end ? NULL : sd_buf_text(&b), j->e);
	sd_buf_release(&b);
	return rc;
}

/* Has this transaction, with n records written, lasted long enough, or will it last too long? */
static bool over(const struct job *j, int64_t n)
{
	int64_t line, at, ms;

	if (j->chunk && n >= j->chunk)
		return true;
	if ((!j->timed && !j->once) || n == 0 || n % 64 != 0)
		return false;
	ms = sd_mono_ms() - j->begun_ms;
	if (j->timed)
		return ms >= CHUNK_MS;
	at = sd_lines_at(&j->l, &line);
	return ms > ONCE_MS || (ms > GUESS_MS && at > 0 && ms * j->size / at > ONCE_MS);
}

/* One transaction; *end: the file is over.  One that was to take the whole file, and would take too
 * long, is given up: neither end nor error. */
static enum sd_err write_chunk(struct job *j, bool *end)
{
	struct sd_api_imported before = *j->out;
	bool given_up = false;
	enum sd_err rc = sd_api_begin(j->api, j->e);

	if (rc != SD_OK)
		return rc;
	j->begun_ms = sd_mono_ms();
	sd_write_parents(j->api->writer, NULL, j->any);
	for (int64_t n = 0; rc == SD_OK; n++) {
		if (over(j, n)) {
			given_up = j->once;
			break;
		}
		if (n == SD_API_MANY)
			sd_write_bulk(j->api->writer);
		rc = write_line(j);
		if (rc == SD_OK)
			rc = progress(j, j->out->resumed + j->out->records);
	}
	*end = rc == SD_NOTFOUND;
	if (*end)
		rc = write_late(j);
	if (rc == SD_OK)
		rc = put_mark(j, *end);
	sd_write_parents(j->api->writer, NULL, NULL);
	rc = sd_api_end(j->api, given_up ? SD_CANCELLED : rc, j->e);
	if (rc != SD_OK)
		*j->out = before;
	return given_up ? SD_OK : rc;
}

/* ---- a large file ---- */

static enum sd_err name_mark(struct job *j)
{
	unsigned char h[EVP_MAX_MD_SIZE];
	char hex[2 * EVP_MAX_MD_SIZE + 1], block[65536];
	unsigned int n = 0;
	EVP_MD_CTX *md = EVP_MD_CTX_new();
	bool ok = md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1;
	size_t k;

	while (ok && (k = fread(block, 1, sizeof block, j->l.f)) > 0)
		ok = EVP_DigestUpdate(md, block, k) == 1;
	ok = ok && EVP_DigestFinal_ex(md, h, &n) == 1;
	EVP_MD_CTX_free(md);
	if (!ok || ferror(j->l.f) || fseeko(j->l.f, 0, SEEK_SET))
		return sd_fail(j->e, SD_IO, 0, "%s: cannot be read", j->l.name);
	sd_hex(h, n, hex);
	snprintf(j->mark, sizeof j->mark, "import:%s:%s", j->m->name, hex);
	return SD_OK;
}

static enum sd_err go_on(struct job *j)
{
	char *text = NULL;
	struct cJSON *mark = NULL;
	enum sd_err rc = sd_meta_get(j->api->reader, j->mark, &text, j->e);

	if (rc == SD_OK && text &&
		sd_json_parse(text, strlen(text), "import", &mark, NULL) == SD_OK) {
		j->out->resumed = sd_json_get_i64(mark, "records", 0);
		rc = sd_lines_seek(&j->l, sd_json_get_i64(mark, "offset", 0),
			sd_json_get_i64(mark, "line", 0), j->e);
	}
	sd_json_free(mark);
	free(text);
	return rc;
}

static enum sd_err reopen(struct job *j)
{
	sd_lines_close(&j->l);
	return sd_lines_open(&j->l, j->m, j->o->file, j->o->csv, j->e);
}

/* The whole file in one transaction, unless an earlier import of one was interrupted. */
static enum sd_err try_at_once(struct job *j, bool *end)
{
	char prefix[160];
	bool any = false;
	enum sd_err rc;

	snprintf(prefix, sizeof prefix, "import:%s:", j->m->name);
	rc = sd_meta_any(j->api->reader, prefix, &any, j->e);
	if (rc != SD_OK || any)
		return rc;
	j->once = true;
	rc = write_chunk(j, end);
	j->once = false;
	return rc == SD_OK && !*end ? reopen(j) : rc;
}

static enum sd_err write_all(struct job *j)
{
	bool end = false, many = j->chunk > 0 || j->timed;
	enum sd_err rc = SD_OK;

	if (j->timed && j->size <= ONCE_BYTES)
		rc = try_at_once(j, &end);
	if (rc != SD_OK || end)
		return rc;
	if (many)
		rc = name_mark(j);
	if (rc == SD_OK && many)
		rc = go_on(j);
	/* what is written already was checked then, and its records are known now */
	if (rc == SD_OK && many)
		rc = check_all(j);
	if (rc == SD_OK && many)
		rc = reopen(j);
	if (rc == SD_OK && many)
		rc = go_on(j);
	while (rc == SD_OK && !end)
		rc = write_chunk(j, &end);
	return rc;
}

static enum sd_err prepare(struct job *j)
{
	struct stat s;
	enum sd_err rc = sd_api_use(j->api, j->e);

	if (rc == SD_OK)
		rc = sd_api_model(j->api, j->o->model, &j->m, j->e);
	if (rc == SD_OK && j->api->o.read_only && !j->o->dry_run)
		rc = sd_fail(
			j->e, SD_READONLY, 0, "this profile is read-only: nothing can be imported");
	if (rc == SD_OK)
		rc = sd_lines_open(&j->l, j->m, j->o->file, j->o->csv, j->e);
	if (rc != SD_OK)
		return rc;
	if (fstat(fileno(j->l.f), &s) == 0 && S_ISREG(s.st_mode))
		j->size = (int64_t)s.st_size;
	j->own_parent = its_own_parent(j->m);
	j->chunk = j->o->chunk > 0 ? j->o->chunk : 0;
	j->timed = j->o->chunk < 0 && j->size > SMALL_BYTES;
	if (j->l.std || !j->size ||
		j->own_parent) { /* it can be read once only, or belongs together */
		j->chunk = 0;
		j->timed = false;
	}
	if (j->own_parent && j->size && !j->l.std)
		rc = note_keys(j);
	return rc;
}

enum sd_err sd_api_import(struct sd_api *api, const struct sd_api_import *o,
	struct sd_api_imported *out, struct sd_error *e)
{
	struct sd_map nobody = SD_MAP_INIT;
	struct sd_error own = {.code = SD_OK};
	struct job j = {.api = api, .o = o, .out = out, .e = e ? e : &own};
	enum sd_err rc;

	memset(out, 0, sizeof *out);
	j.any = o->orphans ? &nobody : NULL;
	j.late = sd_json_array();
	rc = prepare(&j);
	if (rc == SD_OK)
		rc = o->dry_run ? check_all(&j) : write_all(&j);
	sd_lines_close(&j.l);
	sd_map_release(&j.keys, NULL);
	sd_json_free(j.late);
	return rc;
}
