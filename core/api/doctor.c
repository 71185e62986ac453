/* core/api/doctor.c - is everything as it should be?  One line a check; see api.h. */
#include "core/api/doctor.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "core/base/fs.h"
#include "core/base/text.h"
#include "core/base/time.h"

void sd_doc_tell(struct sd_doctor *d, const char *check, bool ok, const char *fmt, ...)
{
	char text[SD_ERROR_TEXT];
	struct cJSON *j = sd_json_object();
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof text, fmt, ap);
	va_end(ap);
	sd_json_add_str(j, "check", check);
	sd_json_add_bool(j, "ok", ok);
	sd_json_add_str(j, "detail", text);
	d->bad += !ok;
	if (!d->fn(d->ctx, j))
		d->stopped = true;
	sd_json_free(j);
}

/* The first few of a list of texts, for one line. */
void sd_doc_join(const struct cJSON *list, struct sd_buf *out)
{
	size_t n = 0, all = sd_json_count(list);

	for (const struct cJSON *t = sd_json_child(list); t && n < 8; t = sd_json_next(t), n++)
		sd_buf_fmt(out, "%s%s", n ? "; " : "", sd_json_str(t));
	if (n < all)
		sd_buf_fmt(out, "; and %zu more", all - n);
}

/* ---- this place ---- */

static void check_config(struct sd_doctor *d)
{
	const struct sd_api *api = d->api;
	const struct sd_config *c = api->o.config;

	if (!*api->endpoint)
		sd_doc_tell(d, "config", true, "no backend is configured: local only");
	else if (api->auth == SD_AUTH_NONE)
		sd_doc_tell(d, "config", false,
			"%s: %s names an endpoint but no way to authorise; give --auth, --api-key "
			"or a config file with them",
			api->endpoint, c->path ? c->path : "the command line");
	else
		sd_doc_tell(d, "config", true, "%s, %s from %s%s", api->endpoint,
			sd_auth_mode_name(api->auth), c->path ? c->path : "the command line",
			api->o.read_only ? ", read-only" : "");
}

/* Modes that keep others out (U-41). */
static void check_files(struct sd_doctor *d)
{
	DIR *dir = opendir(d->api->dir);
	struct sd_buf open = SD_BUF_INIT;
	struct dirent *f;
	struct stat s;
	int64_t bytes = 0;

	if (!dir || fstat(dirfd(dir), &s)) {
		sd_doc_tell(d, "files", false, "%s: %s", d->api->dir, strerror(errno));
		if (dir)
			closedir(dir);
		return;
	}
	if (s.st_mode & 077)
		sd_buf_fmt(&open, " %s", d->api->dir);
	while ((f = readdir(dir))) {
		if (fstatat(dirfd(dir), f->d_name, &s, AT_SYMLINK_NOFOLLOW) || !S_ISREG(s.st_mode))
			continue;
		bytes += s.st_size;
		if (s.st_mode & 077)
			sd_buf_fmt(&open, " %s", f->d_name);
	}
	closedir(dir);
	if (open.len)
		sd_doc_tell(d, "files", false,
			"others may read:%s; run chmod go-rwx on them (directory %s)",
			sd_buf_text(&open), d->api->dir);
	else
		sd_doc_tell(d, "files", true, "%s, %lld bytes, nobody else may read them",
			d->api->dir, (long long)bytes);
	sd_buf_release(&open);
}

static void check_schema(struct sd_doctor *d)
{
	const struct sd_schema *s = d->api->o.schema;
	struct sd_buf b = SD_BUF_INIT;

	for (size_t i = 0; i < s->note_count && i < 5; i++)
		sd_buf_fmt(&b, "; %s", s->notes[i]);
	sd_doc_tell(d, "schema", true, "%zu model(s), hash %.12s%s", s->model_count, s->hash,
		sd_buf_text(&b));
	sd_buf_release(&b);
}

static void check_store(struct sd_doctor *d)
{
	struct sd_error e = {.code = SD_OK};
	struct sd_api_counts n;
	int64_t rows = 0, one;
	enum sd_err rc = sd_store_read(d->api->reader, &e); /* one moment, whoever writes */

	if (rc == SD_OK)
		rc = sd_store_check(d->api->reader, &e);
	sd_store_rollback(d->api->reader);
	for (size_t i = 0; rc == SD_OK && i < d->api->o.schema->model_count; i++) {
		rc = sd_rec_total(d->api->reader, d->api->o.schema->models[i], &one, &e);
		rows += rc == SD_OK ? one : 0;
	}
	if (rc == SD_OK)
		rc = sd_api_counts(d->api, &n, &e);
	if (rc == SD_OK)
		sd_doc_tell(d, "store", true,
			"sound: %lld record(s), %lld unsent, %lld conflict(s), %lld refused",
			(long long)rows, (long long)n.pending, (long long)n.conflicts,
			(long long)n.refused);
	else
		sd_doc_tell(d, "store", false, "%s", e.text);
}

static void check_orphans(struct sd_doctor *d)
{
	struct sd_buf b = SD_BUF_INIT;
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = SD_OK;

	for (size_t i = 0; rc == SD_OK && i < d->api->o.schema->model_count; i++) {
		const char *name = d->api->o.schema->models[i]->name;
		struct sd_api_query q = {.model = name, .orphans = true};
		int64_t n = 0;
		rc = sd_api_count(d->api, &q, &n, &e);
		if (n)
			sd_buf_fmt(&b, "%s%lld %s", b.len ? ", " : "", (long long)n, name);
	}
	if (rc != SD_OK)
		sd_doc_tell(d, "orphans", false, "%s", e.text);
	else if (b.len)
		sd_doc_tell(d, "orphans", true,
			"%s belong to records that are not here; `syncdeck query MODEL --orphans`",
			sd_buf_text(&b));
	else
		sd_doc_tell(d, "orphans", true, "none");
	sd_buf_release(&b);
}

/* U-17: rows that somebody wrote past the service have no version or no change time; they can
 * neither be synced nor be changed safely. */
static bool unversioned_here(struct sd_doctor *d, struct cJSON *found, struct sd_error *e)
{
	struct cJSON *bad = sd_json_array();
	bool ok = sd_quarantine_list(d->api->reader, NULL, bad, e) == SD_OK;

	for (const struct cJSON *q = sd_json_child(bad); q; q = sd_json_next(q)) {
		const char *path = sd_json_get_str(q, "path");
		struct sd_buf b = SD_BUF_INIT;
		if (!path || (!strstr(path, "_version") && !strstr(path, "_lastChangedAt")))
			continue;
		sd_buf_fmt(&b, "%s ", sd_json_get_str(q, "model"));
		sd_json_print(sd_json_get(q, "key"), &b);
		sd_buf_fmt(&b, ": no %s", strstr(path, "_version") ? "_version" : "_lastChangedAt");
		sd_json_push(found, sd_json_string(sd_buf_text(&b)));
		sd_buf_release(&b);
	}
	sd_json_free(bad);
	for (size_t i = 0; ok && i < d->api->o.schema->model_count; i++) {
		struct sd_api_query q = {.model = d->api->o.schema->models[i]->name,
			.where = "_version = null or _lastChangedAt = null",
			.state = "synced"};
		int64_t n = 0;
		ok = sd_api_count(d->api, &q, &n, e) == SD_OK;
		if (ok && n && d->api->o.schema->models[i]->syncable) {
			struct sd_buf b = SD_BUF_INIT;
			sd_buf_fmt(&b, "%s: %lld record(s) here without a version", q.model,
				(long long)n);
			sd_json_push(found, sd_json_string(sd_buf_text(&b)));
			sd_buf_release(&b);
		}
	}
	return ok;
}

static void check_versions(struct sd_doctor *d)
{
	struct cJSON *found = d->unversioned ? d->unversioned : sd_json_array();
	struct sd_error e = {.code = SD_OK};
	struct sd_buf b = SD_BUF_INIT;

	d->unversioned = found;
	if (!unversioned_here(d, found, &e)) {
		sd_doc_tell(d, "versions", false, "%s", e.text);
		return;
	}
	sd_doc_join(found, &b);
	if (b.len)
		sd_doc_tell(d, "versions", false,
			"rows without a version or change time, written past the service: %s; "
			"write them again through the API",
			sd_buf_text(&b));
	else
		sd_doc_tell(d, "versions", true, "every row looked at has both (%lld%s)",
			(long long)d->looked_at, d->looked_all ? "" : ", not all were looked at");
	sd_buf_release(&b);
}

static void check_engine(struct sd_doctor *d)
{
	int pid = sd_lock_engine_pid(d->api->dir);

	if (pid)
		sd_doc_tell(d, "engine", true, "process %d syncs this profile", pid);
	else
		sd_doc_tell(d, "engine", true, "nobody syncs this profile now");
}

/* ---- a profile whose owner is signed out: whether it is sound, nothing of what is in it ---- */

static void check_locked_store(struct sd_doctor *d)
{
	struct sd_error e = {.code = SD_OK};
	enum sd_err rc = sd_api_open_store(d->api, &e);

	if (rc == SD_OK)
		rc = sd_store_read(d->api->reader, &e);
	if (rc == SD_OK)
		rc = sd_store_check(d->api->reader, &e);
	if (d->api->reader)
		sd_store_rollback(d->api->reader);
	sd_api_close_store(d->api);
	if (rc == SD_OK)
		sd_doc_tell(d, "store", true, "sound; what is in it is told to its owner only");
	else if (rc == SD_DB) /* the text may name a record */
		sd_doc_tell(d, "store", false,
			"damaged: `syncdeck rescue` sets it aside and keeps what can be read");
	else
		sd_doc_tell(d, "store", false, "%s", e.text);
}

static void check_owner(struct sd_doctor *d)
{
	const char *user = d->api->owner.user;

	sd_doc_tell(d, "auth", false,
		"this profile belongs to %s, who is signed out; run `syncdeck login %s`",
		user ? user : "another user", user ? user : "USER");
}

static enum sd_err run_checks(
	struct sd_doctor *d, void (*const *check)(struct sd_doctor *), size_t n, struct sd_error *e)
{
	for (size_t i = 0; i < n && !d->stopped; i++)
		check[i](d);
	return d->stopped ? sd_fail(e, SD_CANCELLED, 0, "doctor: interrupted") : SD_OK;
}

enum sd_err sd_api_doctor(
	struct sd_api *api, sd_api_rec_fn fn, void *ctx, int *bad, struct sd_error *e)
{
	static void (*const CHECK[])(struct sd_doctor *) = {check_config, check_schema, check_files,
		check_store, check_orphans, check_engine, sd_doc_endpoint, sd_doc_drift,
		sd_doc_auth, sd_doc_realtime, sd_doc_clock, check_versions};
	static void (*const LOCKED[])(struct sd_doctor *) = {check_config, check_schema,
		check_files, check_locked_store, check_engine, sd_doc_endpoint, sd_doc_clock,
		check_owner};
	struct sd_doctor d = {.api = api, .fn = fn, .ctx = ctx, .looked_all = true};
	struct sd_error locked = {.code = SD_OK};
	enum sd_err rc = sd_api_use(api, &locked);

	*bad = 0;
	if (rc == SD_AUTH && api->locked) {
		rc = run_checks(&d, LOCKED, sizeof LOCKED / sizeof *LOCKED, e);
		*bad = d.bad;
		if (rc == SD_OK && d.bad == 1) /* the sign-in is all that is missing */
			rc = sd_fail(e, SD_AUTH, 0, "%s", locked.text);
		return rc;
	}
	if (rc != SD_OK)
		return sd_fail(e, rc, locked.detail, "%s", locked.text);
	rc = run_checks(&d, CHECK, sizeof CHECK / sizeof *CHECK, e);
	*bad = d.bad;
	sd_json_free(d.unversioned);
	return rc;
}
