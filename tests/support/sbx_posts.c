/* tests/support/sbx_posts.c - see sbx_posts.h. */
#include "tests/support/sbx_posts.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/sandbox/core/internal.h"

const char *fx_create(struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, FX_CREATE, v, path);
}

const char *fx_update(struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, FX_UPDATE, v, path);
}

const char *fx_erase(struct fx *f, const char *fields, const char *path)
{
	char v[2000];

	snprintf(v, sizeof v, "{\"input\":%s}", fields);
	return fx_get(f, FX_DELETE, v, path);
}

const char *fx_stored(struct fx *f, const char *id, const char *field)
{
	char v[200], path[200];

	snprintf(v, sizeof v, "{\"id\":\"%s\"}", id);
	snprintf(path, sizeof path, "data.getPost%s%s", *field ? "." : "", field);
	return fx_get(f, FX_GET, v, path);
}

size_t fx_log_rows(struct fx *f)
{
	struct sd_error e;
	sqlite3_stmt *st = sbx_stmt(f->s, "SELECT count(*) FROM delta", &e);
	size_t n;

	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	n = (size_t)sqlite3_column_int64(st, 0);
	sqlite3_reset(st);
	return n;
}

struct cJSON *fx_parse(const char *text)
{
	struct cJSON *j = NULL;

	assert_int_equal(sd_json_parse(text, strlen(text), "test", &j, NULL), SD_OK);
	return j;
}

struct cJSON *fx_merged(struct cJSON *stored_item, const char *incoming)
{
	struct cJSON *in = fx_parse(incoming), *out = sbx_automerge(stored_item, in);

	sd_json_free(in);
	sd_json_free(stored_item);
	assert_non_null(out);
	return out;
}

void fx_put(struct fx *f, const char *fields)
{
	char q[1000];

	snprintf(q, sizeof q, "mutation { createPost(input: {%s}) { id } }", fields);
	assert_string_equal(fx_get(f, q, NULL, "errors"), "");
}

void fx_removed(struct fx *f, const char *id, int version)
{
	char q[1000];

	snprintf(q, sizeof q, "mutation { deletePost(input: {id: \"%s\", _version: %d}) { id } }",
		id, version);
	assert_string_equal(fx_get(f, q, NULL, "errors"), "");
}
