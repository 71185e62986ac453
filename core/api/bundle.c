/*
 * core/api/bundle.c - a support archive: what happened and how things stand; see api.h.
 *
 * Never in it: tokens, keys of the API, the session.  Without --with-data no value of any field
 * either: keys are written as a salted digest, changes as the names of their fields, and texts that
 * may quote a value (server messages, reasons, expressions) lose what stands in quotes or brackets.
 */
#include <openssl/evp.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "core/api/internal.h"
#include "core/base/fs.h"
#include "core/base/tar.h"
#include "core/base/text.h"
#include "core/base/time.h"

#define EVENTS 20000 /* newest journal lines */

struct bundle {
	struct sd_api *api;
	const struct sd_api_bundle *o;
	struct sd_out out;
	int64_t now_ms;
	unsigned char salt[16];
	struct sd_buf text; /* the member being made */
	struct sd_error *e;
};

static enum sd_err add(struct bundle *b, const char *name)
{
	enum sd_err rc = sd_buf_ok(&b->text) ? sd_tar_add(b->out.f, name, sd_buf_text(&b->text),
						       b->text.len, b->now_ms, b->e)
					     : sd_fail(b->e, SD_NOMEM, 0, "bundle: out of memory");

	sd_buf_reset(&b->text);
	return rc;
}

/* j moves. */
static void put_line(struct bundle *b, struct cJSON *j)
{
	sd_json_print(j, &b->text);
	sd_buf_ch(&b->text, '\n');
	sd_json_free(j);
}

/* ---- what values become ---- */

static struct cJSON *hidden_key(const struct bundle *b, const struct cJSON *key)
{
	struct sd_buf t = SD_BUF_INIT;
	unsigned char h[EVP_MAX_MD_SIZE];
	char hex[2 * 6 + 1] = "";

	sd_buf_add(&t, b->salt, sizeof b->salt);
	if (sd_json_is_null(key))
		sd_buf_str(&t, "null");
	else
		sd_json_print(key, &t);
	if (EVP_Digest(sd_buf_text(&t), t.len, h, NULL, EVP_sha256(), NULL) == 1)
		sd_hex(h, 6, hex);
	sd_buf_release(&t);
	return sd_json_string(hex);
}

static struct cJSON *names_of(const struct cJSON *fields)
{
	struct cJSON *list = sd_json_array();

	for (const struct cJSON *f = sd_json_child(fields); f; f = sd_json_next(f))
		sd_json_push(list, sd_json_string(sd_json_name(f)));
	return list;
}

/* Drops what stands in quotes or brackets. */
static struct cJSON *quiet(const char *s)
{
	static const char OPEN[] = "\"'`[{(", CLOSE[] = "\"'`]})";
	struct sd_buf t = SD_BUF_INIT;
	struct cJSON *j;

	while (s && *s) {
		const char *o = strchr(OPEN, *s), *end;
		if (!o) {
			sd_buf_ch(&t, *s++);
			continue;
		}
		end = strrchr(s + 1, CLOSE[o - OPEN]);
		sd_buf_str(&t, "...");
		if (!end)
			break;
		s = end + 1;
	}
	j = s ? sd_json_string(sd_buf_text(&t)) : sd_json_null();
	sd_buf_release(&t);
	return j;
}

static void hide_text(struct cJSON *obj, const char *name)
{
	const char *s = sd_json_get_str(obj, name);

	if (s)
		sd_json_set(obj, name, quiet(s));
}

/* Server words about a request are data too: of a message only its type stays. */
static void drop(struct cJSON *obj, const char *name)
{
	if (!sd_json_is_null(sd_json_get(obj, name)))
		sd_json_set(obj, name, sd_json_string("(left out; bundle --with-data has it)"));
}

static void hide(const struct bundle *b, struct cJSON *line)
{
	struct cJSON *error = sd_json_get(line, "error");

	if (sd_json_get(line, "key"))
		sd_json_set(line, "key", hidden_key(b, sd_json_get(line, "key")));
	if (sd_json_is_object(sd_json_get(line, "fields")))
		sd_json_set(line, "fields", names_of(sd_json_get(line, "fields")));
	if (sd_json_is_object(sd_json_get(line, "changed")))
		sd_json_set(line, "changed", names_of(sd_json_get(line, "changed")));
	drop(line, "condition");
	drop(line, "expression");
	drop(line, "raw");
	drop(line, "reason");
	if (sd_json_is_object(error))
		drop(error, "message");
	else
		drop(line, "error");
	hide_text(line, "why");
	hide_text(line, "detail");
	hide_text(line, "path");
	sd_json_remove(line, "base");
	sd_json_remove(line, "mine");
	sd_json_remove(line, "theirs");
}

/* ---- members ---- */

/* An array of lines; list moves. */
static enum sd_err add_lines(struct bundle *b, const char *name, enum sd_err rc, struct cJSON *list)
{
	for (struct cJSON *l = sd_json_child(list); rc == SD_OK && l; l = sd_json_next(l)) {
		if (!b->o->with_data)
			hide(b, l);
		sd_json_print(l, &b->text);
		sd_buf_ch(&b->text, '\n');
	}
	sd_json_free(list);
	return rc == SD_OK ? add(b, name) : rc;
}

static enum sd_err add_manifest(struct bundle *b)
{
	struct cJSON *j = sd_json_object();
	struct utsname u;
	const struct sd_api *api = b->api;

	sd_json_add_str(j, "syncdeck", SD_VERSION);
	sd_json_add_str(j, "sqlite", sqlite3_libversion());
	sd_json_add_str(j, "openssl", OpenSSL_version(OPENSSL_VERSION));
	if (uname(&u) == 0) {
		sd_json_add_str(j, "system", u.sysname);
		sd_json_add_str(j, "release", u.release);
		sd_json_add_str(j, "machine", u.machine);
	}
	sd_json_add_int(j, "made", b->now_ms);
	sd_json_add_bool(j, "withData", b->o->with_data);
	sd_json_add_str(j, "schemaHash", api->o.schema->hash);
	sd_json_add_str(j, "endpoint", api->endpoint);
	sd_json_add_str(j, "auth", sd_auth_mode_name(api->auth));
	sd_json_add_bool(j, "signedIn", api->has_session);
	sd_json_add_bool(j, "readOnly", api->o.read_only);
	put_line(b, j);
	return add(b, "manifest.json");
}

static enum sd_err add_schema(struct bundle *b)
{
	struct cJSON *j = NULL;
	enum sd_err rc = sd_schema_codegen(b->api->o.schema, &j, b->e);

	if (rc != SD_OK)
		return rc;
	sd_json_print_pretty(j, &b->text);
	sd_json_free(j);
	return add(b, "schema.json");
}

static const char *const KIND[SD_J_KIND_COUNT] = {[SD_J_INSERT] = "insert",
	[SD_J_UPDATE] = "update",
	[SD_J_DELETE] = "delete",
	[SD_J_META] = "version",
	[SD_J_OUTBOX] = "outbox",
	[SD_J_CONFLICT] = "conflict",
	[SD_J_SYNC] = "sync",
	[SD_J_MERGED] = "merged"};

static bool put_event(void *ctx, const struct sd_journal *l)
{
	struct bundle *b = ctx;
	struct cJSON *j = sd_json_object(), *key = NULL;

	sd_json_add_int(j, "at", l->at_ms);
	sd_json_add_str(j, "kind", KIND[l->kind]);
	sd_json_add_str(j, "model", l->model ? l->model->name : NULL);
	if (l->key && sd_json_parse(l->key, strlen(l->key), "key", &key, NULL) == SD_OK)
		sd_json_add(j, "key", key);
	sd_json_add_str(j, "source", sd_source_name(l->source));
	sd_json_add(j, "version", l->version > 0 ? sd_json_int(l->version) : sd_json_null());
	if (l->rid_from)
		sd_json_add_int(j, "rows", l->rid_to - l->rid_from + 1);
	if (l->seq) {
		sd_json_add_int(j, "seq", l->seq);
		sd_json_add_str(j, "op", sd_op_name(l->op));
	}
	if (l->changed)
		sd_json_add(j, "changed", sd_json_dup(l->changed));
	if (l->text && b->o->with_data)
		sd_json_add_str(j, "text", l->text);
	else if (l->text) /* behind the colon stand the server's words */
		sd_json_add(j, "text", sd_json_string_n(l->text, strcspn(l->text, ":")));
	if (!b->o->with_data)
		hide(b, j);
	put_line(b, j);
	return sd_buf_ok(&b->text);
}

static enum sd_err add_events(struct bundle *b)
{
	int64_t last = 0;
	enum sd_err rc = sd_journal_last(b->api->reader, &last, b->e);

	if (rc == SD_OK)
		rc = sd_journal_each(
			b->api->reader, last > EVENTS ? last - EVENTS : 0, 0, put_event, b, b->e);
	return rc == SD_OK ? add(b, "events.ndjson") : rc;
}

static bool put_check(void *ctx, struct cJSON *line)
{
	struct bundle *b = ctx;
	struct cJSON *l = sd_json_dup(line);

	if (!b->o->with_data)
		hide(b, l);
	put_line(b, l);
	return true;
}

static enum sd_err add_doctor(struct bundle *b)
{
	int bad;
	enum sd_err rc = sd_api_doctor(b->api, put_check, b, &bad, b->e);

	return rc == SD_OK ? add(b, "doctor.ndjson") : rc;
}

static enum sd_err add_state(struct bundle *b)
{
	struct cJSON *list = NULL;
	enum sd_err rc = sd_api_models(b->api, &list, b->e);

	rc = add_lines(b, "models.ndjson", rc, list);
	list = NULL;
	if (rc == SD_OK) {
		rc = sd_api_sync_state(b->api, &list, b->e);
		rc = add_lines(b, "sync.ndjson", rc, list);
	}
	list = NULL;
	if (rc == SD_OK) {
		rc = sd_api_outbox(b->api, b->o->with_data, &list, b->e);
		rc = add_lines(b, "outbox.ndjson", rc, list);
	}
	list = NULL;
	if (rc == SD_OK) {
		rc = sd_api_conflicts(b->api, &list, b->e);
		if (!b->o->with_data) /* here fields are objects with values */
			for (struct cJSON *c = sd_json_child(list); c; c = sd_json_next(c))
				sd_json_remove(c, "fields");
		rc = add_lines(b, "conflicts.ndjson", rc, list);
	}
	list = NULL;
	if (rc == SD_OK) {
		rc = sd_api_quarantine(b->api, NULL, &list, b->e);
		rc = add_lines(b, "quarantine.ndjson", rc, list);
	}
	return rc;
}

/* All records of a model, by way of a file beside the archive that nobody else sees. */
static enum sd_err add_records(struct bundle *b, const struct sd_model *m)
{
	struct sd_buf part = SD_BUF_INIT, name = SD_BUF_INIT;
	struct sd_api_export o = {.models = (const char *const *)&m->name, .model_count = 1};
	FILE *f;
	int64_t n;
	enum sd_err rc;

	sd_buf_fmt(&part, "%s.part%d", b->o->file, (int)getpid());
	sd_buf_fmt(&name, "data/%.80s.ndjson", m->name);
	o.file = sd_buf_text(&part);
	rc = sd_api_export(b->api, &o, &n, b->e);
	if (rc == SD_OK) {
		f = fopen(sd_buf_text(&part), "re");
		rc = f ? sd_tar_add_file(b->out.f, sd_buf_text(&name), f, b->now_ms, b->e)
		       : sd_fail(b->e, SD_IO, 0, "bundle: %s is gone", sd_buf_text(&part));
		if (f)
			fclose(f);
		unlink(sd_buf_text(&part));
	}
	sd_buf_release(&part);
	sd_buf_release(&name);
	return rc;
}

enum sd_err sd_api_bundle(struct sd_api *api, const struct sd_api_bundle *o, struct sd_error *e)
{
	struct bundle b = {.api = api, .o = o, .now_ms = sd_now_ms(), .e = e};
	enum sd_err rc = sd_api_use(api, e);

	api->rand.bytes(&api->rand, b.salt, sizeof b.salt);
	if (rc == SD_OK)
		rc = sd_out_open(&b.out, o->file, e);
	if (rc != SD_OK)
		return rc;
	rc = add_manifest(&b);
	if (rc == SD_OK)
		rc = add_schema(&b);
	if (rc == SD_OK)
		rc = add_state(&b);
	if (rc == SD_OK)
		rc = add_events(&b);
	if (rc == SD_OK)
		rc = add_doctor(&b);
	for (size_t i = 0; rc == SD_OK && i < o->extra_count; i++)
		rc = sd_tar_add(b.out.f, o->extra[i].name, o->extra[i].text,
			strlen(o->extra[i].text), b.now_ms, e);
	for (size_t i = 0; rc == SD_OK && o->with_data && i < api->o.schema->model_count; i++)
		rc = add_records(&b, api->o.schema->models[i]);
	if (rc == SD_OK)
		rc = sd_tar_end(b.out.f, e);
	if (rc == SD_OK)
		rc = sd_out_done(&b.out, e);
	else
		sd_out_drop(&b.out);
	sd_buf_release(&b.text);
	return rc;
}
